//! What becomes of an escalation: somebody looks, answers, or nobody does.

use ledger::EntryType;
use policy::Verdict;
use types::{DecisionId, Digest, EntryId, EscalationId, Json, Object, ResponsibilityId};

use super::{action_digest, independent, rows};
use crate::apply::{Context, Stop};
use crate::command::{AcknowledgeEscalation, ResolveEscalation};
use crate::deadline::{self, Due};
use crate::decision::{self, RecordedDecision};
use crate::effect;
use crate::effective::effective;
use crate::idempotency;
use crate::outcome::{Corruption, Outcome, Recorded, Rejection};
use crate::oversight::{self, Human, Role};
use crate::record::{
    DecisionMaker, EscalationRecord, EscalationStatus, Resolution, ResponsibilityLevel,
    ResponsibilityOrigin,
};
use crate::responsibility::{self, HumanRecord};
use crate::store::{Store, Table};
use crate::token;

impl Resolution {
    /// Every answer there is.
    pub const ALL: [Self; 3] = [Self::Approved, Self::Denied, Self::Deferred];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Deferred => "deferred",
        }
    }
}

pub(crate) fn acknowledge<S: Store>(
    context: &mut Context<'_, S>,
    acknowledge: &AcknowledgeEscalation,
) -> Result<Outcome, Stop> {
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let id = acknowledge.escalation;
    let before = known(context, id)?;
    let human = who_may(context, &before)?;
    match before.status(context.applied.at) {
        EscalationStatus::Pending => (),
        EscalationStatus::Acknowledged => return Err(Rejection::AlreadyAcknowledged.into()),
        EscalationStatus::Resolved => return Err(Rejection::AlreadyResolved.into()),
        EscalationStatus::Expired => return Err(Rejection::EscalationExpired.into()),
    }
    let decision = decision::known(context.tables.read(), before.decision)?;
    let data = data(context, id, &decision, &human);
    let actor = Some(decision.request.actor.as_str());
    let entry_type = EntryType::EscalationAcknowledged;
    let recorded = context.record_about(entry_type, actor, data, Object::new())?;
    let after = EscalationRecord {
        status: EscalationStatus::Acknowledged,
        acknowledged: Some((human.id.to_owned(), recorded.entry_id)),
        ..before.clone()
    };
    rows::change(context, id, &before, &after)?;
    effect::emit(context, "escalation.acknowledged", &id.to_string(), recorded.entry_id)?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

pub(crate) fn resolve<S: Store>(
    context: &mut Context<'_, S>,
    resolve: &ResolveEscalation,
) -> Result<Outcome, Stop> {
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let id = resolve.escalation;
    let before = known(context, id)?;
    let human = who_may(context, &before)?;
    match before.status(context.applied.at) {
        EscalationStatus::Pending | EscalationStatus::Acknowledged => (),
        EscalationStatus::Resolved => return Err(Rejection::AlreadyResolved.into()),
        EscalationStatus::Expired => return Err(Rejection::EscalationExpired.into()),
    }
    let decision = decision::known(context.tables.read(), before.decision)?;
    independent::check(context, &before, &decision, &human)?;
    let digest = action_digest(&decision);
    // Nobody can tell any more what would be approved.
    if resolve.resolution == Resolution::Approved && digest.is_none() {
        return Err(Rejection::DecisionErased.into());
    }
    let about = About { decision: &decision, digest };
    let recorded = record_resolution(context, resolve, about, &human)?;
    let after = EscalationRecord {
        status: EscalationStatus::Resolved,
        ended: Some(recorded.entry_id),
        resolution: Some(resolve.resolution),
        ..before.clone()
    };
    rows::end(context, id, &before, &after)?;
    keep_responsible(context, resolve, before.decision, &human, recorded.entry_id)?;
    deadline::clear(context, before.deadline, Due::Escalation(id));
    end_what_is_denied(context, &decision, recorded.entry_id)?;
    effect::emit(context, "escalation.resolved", &id.to_string(), recorded.entry_id)?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

/// What a human denies is not to be done with a token from before, unless somebody
/// else overrides that.
fn end_what_is_denied<S: Store>(
    context: &mut Context<'_, S>,
    decision: &RecordedDecision,
    by: EntryId,
) -> Result<(), Corruption> {
    let (id, at) = (decision.decision_id, context.applied.at);
    let now = effective(context.tables.read(), id, decision.outcome, at)?;
    match now.outcome {
        Verdict::Allowed => Ok(()),
        Verdict::Denied | Verdict::Escalated => token::end_of_decision(context, decision, by),
    }
}

/// Whoever answers answers for it.
fn keep_responsible<S: Store>(
    context: &mut Context<'_, S>,
    resolve: &ResolveEscalation,
    decision: DecisionId,
    human: &Human<'_>,
    entry_id: EntryId,
) -> Result<(), Corruption> {
    let id = resolve.escalation;
    let record = HumanRecord {
        id: ResponsibilityId(id.0),
        entry_id,
        decision,
        origin: ResponsibilityOrigin::Escalation(id),
        maker: DecisionMaker::of_resolution(human.role),
        level: ResponsibilityLevel::Supervised,
        party: human.id.to_owned(),
        decides: resolve.resolution != Resolution::Deferred,
        review_required: false,
    };
    responsibility::keep_human(context, record)
}

/// What an answer is about: a decision, and the digest that binds an approval to
/// what was decided.
#[derive(Clone, Copy)]
struct About<'a> {
    decision: &'a RecordedDecision,
    digest: Option<Digest>,
}

fn record_resolution<S: Store>(
    context: &mut Context<'_, S>,
    resolve: &ResolveEscalation,
    About { decision, digest }: About<'_>,
    human: &Human<'_>,
) -> Result<Recorded, Corruption> {
    let id = resolve.escalation;
    let mut data = data(context, id, decision, human);
    data.insert("outcome", resolve.resolution.as_str());
    data.insert("responsibility_id", ResponsibilityId(id.0).to_string());
    let mut personal = Object::new();
    personal.insert("action_digest", digest.map(|it| it.to_string()));
    personal.insert("context_summary", Json::Null);
    personal.insert("metadata", Json::Null);
    personal.insert("notes", resolve.notes.as_str());
    let actor = Some(decision.request.actor.as_str());
    context.record_about(EntryType::EscalationResolved, actor, data, personal)
}

/// Ends an escalation that nobody answered. Nothing is approved by that.
pub(crate) fn expire<S: Store>(context: &mut Context<'_, S>, id: EscalationId) -> Result<(), Stop> {
    let before: Option<EscalationRecord> = context.tables.record(Table::Escalation, &id.0.key())?;
    let Some(before) = before.filter(|before| before.status.is_open()) else { return Ok(()) };
    let entry = crate::view::entry(context.tables.read(), before.entry_id)?;
    let actor = entry.and_then(|entry| entry.data).and_then(|data| {
        let data: Object = serde_json::from_str(&data.text).ok()?;
        data.get("actor").and_then(Json::as_str).map(str::to_owned)
    });
    let mut data = context.asked();
    data.insert("actor", actor.clone());
    data.insert("decision_id", before.decision.to_string());
    data.insert("escalation_id", id.to_string());
    data.insert("sla_deadline", before.deadline.to_string());
    let entry_type = EntryType::EscalationExpired;
    let recorded = context.record_about(entry_type, actor.as_deref(), data, Object::new())?;
    let after = EscalationRecord {
        status: EscalationStatus::Expired,
        ended: Some(recorded.entry_id),
        ..before.clone()
    };
    rows::end(context, id, &before, &after)?;
    Ok(effect::emit(context, "escalation.expired", &id.to_string(), recorded.entry_id)?)
}

fn known<S: Store>(context: &Context<'_, S>, id: EscalationId) -> Result<EscalationRecord, Stop> {
    let record = context.tables.record(Table::Escalation, &id.0.key())?;
    Ok(record.ok_or(Rejection::UnknownEscalation { id })?)
}

/// Who oversees, is asked, or has said that he looks.
fn who_may<'a, S: Store>(
    context: &Context<'a, S>,
    record: &EscalationRecord,
) -> Result<Human<'a>, Stop> {
    let human = oversight::human(context)?;
    let is_asked = record.recipients.iter().any(|asked| human.is_asked_as(asked));
    let looks = record.acknowledged.as_ref().is_some_and(|(by, _)| by == human.id);
    if human.role.is_some() || is_asked || looks {
        Ok(human)
    } else {
        Err(Rejection::NotAuthorised.into())
    }
}

/// What the entries of an answer have in common.
fn data<S: Store>(
    context: &Context<'_, S>,
    id: EscalationId,
    decision: &RecordedDecision,
    human: &Human<'_>,
) -> Object {
    let mut data = context.asked();
    data.insert("actor", decision.request.actor.as_str());
    data.insert("decision_id", decision.decision_id.to_string());
    data.insert("escalation_id", id.to_string());
    data.insert("policy_hash", decision.policy_hash.to_string());
    data.insert("role", human.role.map(Role::as_str));
    data
}
