//! Making an override.

use ledger::EntryType;
use policy::Verdict;
use types::{
    ArtifactId, Digest, EntryId, Json, Micros, Object, OverrideId, ResponsibilityId, Timestamp,
};

use super::keep;
use crate::apply::{Context, Stop};
use crate::command::{ExecuteOverride, OverrideScope};
use crate::deadline::{self, Due};
use crate::decision::{self, RecordedDecision};
use crate::effective::{self, effective};
use crate::evidence::{self, Attestation};
use crate::idempotency;
use crate::keys;
use crate::outcome::{Corruption, Outcome, Rejection};
use crate::oversight::{self, Human, Role};
use crate::record::{
    DecisionMaker, OverrideKind, OverrideRecord, ResponsibilityLevel, ResponsibilityOrigin,
};
use crate::responsibility::{self, HumanRecord};
use crate::store::{Store, Table};

/// Overrides of one decision.
const OVERRIDES_MAX: usize = 1_000;

/// What a justification must have.
const CHARS_MIN: usize = 20;

/// What one must have that has a phrase which says nothing.
const STOCK_CHARS_MIN: usize = 50;

/// Phrases that say nothing.
const STOCK: [&str; 4] =
    ["override needed", "emergency override", "approved by executive", "business requirement"];

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// How far off an end may be.
const LIFE_MAX: u64 = 90 * DAY;

pub(crate) fn execute<S: Store>(
    context: &mut Context<'_, S>,
    execute: &ExecuteOverride,
) -> Result<Outcome, Stop> {
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let (human, role) = authorized(oversight::human(context)?, execute.kind)?;
    let recorded = decision::known(context.tables.read(), execute.decision)?;
    let original = original(context, execute, &recorded)?;
    let terms = Terms::of(execute, context.applied.at)?;
    check_justification(&execute.justification)?;
    check_scope(&execute.scope, execute.kind, &recorded)?;
    for id in &execute.evidence {
        if !evidence::exists(context.tables.read(), *id)? {
            return Err(Rejection::UnknownArtifact { artifact: *id }.into());
        }
    }
    let id = OverrideId(context.fresh("ovr", Table::Override)?);
    let grounds = Grounds { id, human: human.id, role, original, terms };
    let actor = recorded.request.actor.as_str();
    let data = data(context, execute, &grounds, actor);
    let personal = personal(execute);
    let executed =
        context.record_about(EntryType::OverrideExecuted, Some(actor), data, personal)?;
    write(context, execute, &grounds, executed.entry_id)?;
    keep_responsible(context, execute, &grounds, executed.entry_id)?;
    attest(context, execute, &grounds, executed.entry_id)?;
    idempotency::keep(context, executed.entry_id)?;
    Ok(Outcome::Recorded(executed))
}

/// The rows by which an override is found again, and what ends it.
fn write<S: Store>(
    context: &mut Context<'_, S>,
    execute: &ExecuteOverride,
    grounds: &Grounds<'_>,
    entry_id: EntryId,
) -> Result<(), Corruption> {
    let Grounds { id, human, role, original, terms } = *grounds;
    let record = OverrideRecord {
        entry_id,
        decision: execute.decision,
        kind: execute.kind,
        authorized_by: human.to_owned(),
        role,
        original,
        is_conditional: execute.is_conditional,
        at: context.applied.at,
        expires_at: terms.expires_at,
        is_one_time: terms.is_one_time,
        review_by: terms.review_by,
        review: None,
        lapsed: None,
        consumed: None,
    };
    keep(context, id, &record)?;
    let by_decision = keys::under(execute.decision.0, entry_id.0);
    context.tables.put_record(Table::OverrideByDecision, &by_decision, &id)?;
    let unreviewed = keys::timed(terms.review_by, entry_id);
    context.tables.put_record(Table::OverrideUnreviewed, &unreviewed, &id)?;
    deadline::set(context, terms.review_by, Due::Override(id));
    Ok(())
}

/// What the human attests by it, as a piece of evidence. It has the override's id
/// under another prefix, and no entry of its own.
fn attest<S: Store>(
    context: &mut Context<'_, S>,
    execute: &ExecuteOverride,
    grounds: &Grounds<'_>,
    entry: EntryId,
) -> Result<(), Corruption> {
    let Grounds { id, human, role, original, .. } = *grounds;
    let outcome = if execute.is_conditional { "conditional" } else { "approved" };
    let content = Json::object([
        ("authorized_by", human.into()),
        ("authorized_role", role.as_str().into()),
        ("decision_id", execute.decision.to_string().into()),
        ("justification", execute.justification.as_str().into()),
        ("ledger_entry_id", entry.0.into()),
        ("new_outcome", outcome.into()),
        ("original_outcome", original.as_str().into()),
        ("override_id", id.to_string().into()),
        ("override_type", execute.kind.as_str().into()),
        // Else its digest would tell the justification to whoever can guess it.
        ("salt", Digest(context.draw.salt("attestation")).to_string().into()),
        ("timestamp", context.applied.at.to_string().into()),
    ]);
    let content = content.to_canonical();
    let attestation = Attestation {
        artifact: ArtifactId(id.0),
        entry,
        decision: execute.decision,
        content: content.as_bytes(),
    };
    evidence::attest(context, &attestation)
}

/// Whoever overrides answers for it, alone.
fn keep_responsible<S: Store>(
    context: &mut Context<'_, S>,
    execute: &ExecuteOverride,
    grounds: &Grounds<'_>,
    entry_id: EntryId,
) -> Result<(), Corruption> {
    let Grounds { id, human, role, .. } = *grounds;
    let record = HumanRecord {
        id: ResponsibilityId(id.0),
        entry_id,
        decision: execute.decision,
        origin: ResponsibilityOrigin::Override(id),
        maker: DecisionMaker::of_override(execute.kind, role),
        level: ResponsibilityLevel::Full,
        party: human.to_owned(),
        decides: true,
        review_required: false,
    };
    responsibility::keep_human(context, record)
}

/// A human in a role that may do this.
fn authorized(human: Human<'_>, kind: OverrideKind) -> Result<(Human<'_>, Role), Rejection> {
    let role = match kind {
        OverrideKind::EmergencyBypass | OverrideKind::ExecutiveOverride => {
            human.roles.iter().copied().find(|role| *role == Role::Executive)
        }
        OverrideKind::TimeLimitedException | OverrideKind::RiskAccepted => human.role,
    };
    let role = role.ok_or(Rejection::NotAuthorised)?;
    Ok((human, role))
}

/// What the decision comes to without this override.
fn original<S: Store>(
    context: &Context<'_, S>,
    execute: &ExecuteOverride,
    recorded: &RecordedDecision,
) -> Result<Verdict, Stop> {
    let read = context.tables.read();
    let at = context.applied.at;
    let original = effective(read, execute.decision, recorded.outcome, at)?.outcome;
    if original == Verdict::Allowed {
        return Err(Rejection::NothingToOverride.into());
    }
    if execute.original.is_some_and(|taken_for| taken_for != original) {
        let effective = original.as_str();
        return Err(Rejection::OriginalOutcomeMismatch { effective }.into());
    }
    let overrides = effective::override_ids(read, execute.decision)?.len();
    if OVERRIDES_MAX <= overrides {
        let there = overrides as u64;
        return Err(Rejection::TooMany { things: "overrides of this decision", there }.into());
    }
    Ok(original)
}

/// For how long an override is, and how often.
#[derive(Clone, Copy)]
struct Terms {
    expires_at: Option<Timestamp>,
    is_one_time: bool,
    review_by: Timestamp,
}

impl Terms {
    fn of(execute: &ExecuteOverride, at: Timestamp) -> Result<Self, Rejection> {
        let after =
            |life: u64| at.checked_add(Micros::from_seconds(life)).unwrap_or(Timestamp::MAX);
        let asked = execute.expires_at;
        if asked.is_some_and(|asked| asked <= at || after(LIFE_MAX) < asked) {
            return Err(Rejection::ExpiryOutOfRange);
        }
        let is_one_time = execute.scope.is_one_time.unwrap_or(false);
        Ok(match execute.kind {
            OverrideKind::EmergencyBypass => Self {
                expires_at: Some(asked.unwrap_or(Timestamp::MAX).min(after(DAY))),
                is_one_time: true,
                review_by: after(3 * DAY),
            },
            OverrideKind::TimeLimitedException => Self {
                expires_at: Some(asked.unwrap_or_else(|| after(DAY))),
                is_one_time,
                review_by: after(30 * DAY),
            },
            OverrideKind::ExecutiveOverride | OverrideKind::RiskAccepted => {
                Self { expires_at: asked, is_one_time, review_by: after(30 * DAY) }
            }
        })
    }
}

/// Who reads the ledger later must be able to judge what was done, and a stock
/// phrase tells them nothing.
fn check_justification(justification: &str) -> Result<(), Rejection> {
    let text = justification.trim();
    let chars = text.chars().count();
    if chars < CHARS_MIN {
        return Err(Rejection::JustificationTooShort { chars_min: CHARS_MIN });
    }
    let text = text.to_lowercase();
    match STOCK.into_iter().find(|phrase| text.contains(phrase)) {
        Some(phrase) if chars < STOCK_CHARS_MIN => {
            Err(Rejection::StockJustification { phrase, chars_min: STOCK_CHARS_MIN })
        }
        Some(_) | None => Ok(()),
    }
}

/// An override is for one decision, and so for its actor and its policy. One that
/// is meant for others is refused rather than recorded as what it is not.
fn check_scope(
    scope: &OverrideScope,
    kind: OverrideKind,
    recorded: &RecordedDecision,
) -> Result<(), Rejection> {
    let mismatch = |member| Err(Rejection::ScopeMismatch { member });
    if kind == OverrideKind::EmergencyBypass && scope.is_one_time == Some(false) {
        return mismatch("is_one_time");
    }
    if scope.actor.as_ref().is_some_and(|actor| *actor != recorded.request.actor) {
        return mismatch("applies_to_actor");
    }
    let (hash, version) = (recorded.policy_hash.to_string(), recorded.policy_version.to_string());
    if scope.policy.as_ref().is_some_and(|policy| *policy != hash && *policy != version) {
        return mismatch("applies_to_policy");
    }
    Ok(())
}

/// What an override came to once everything was checked.
struct Grounds<'a> {
    id: OverrideId,
    human: &'a str,
    role: Role,
    original: Verdict,
    terms: Terms,
}

/// The ids of what the override makes besides are those of the override itself:
/// its attestation and its record of responsibility.
fn data<S: Store>(
    context: &Context<'_, S>,
    execute: &ExecuteOverride,
    grounds: &Grounds<'_>,
    actor: &str,
) -> Object {
    let Grounds { id, role, original, terms, .. } = grounds;
    let given = execute.evidence.iter().map(ToString::to_string);
    let evidence: Vec<String> = given.chain([ArtifactId(id.0).to_string()]).collect();
    let scope = &execute.scope;
    let scope = Json::object([
        ("is_one_time", terms.is_one_time.into()),
        ("applies_to_actor", scope.actor.as_deref().into()),
        ("applies_to_policy", scope.policy.as_deref().into()),
    ]);
    let outcome = if execute.is_conditional { "conditional" } else { "approved" };
    let mut data = context.asked();
    data.insert("actor", actor);
    data.insert("authorized_role", role.as_str());
    data.insert("decision_id", execute.decision.to_string());
    data.insert("evidence_ids", evidence);
    data.insert("expires_at", terms.expires_at.map(|at| at.to_string()));
    data.insert("new_outcome", outcome);
    data.insert("original_outcome", original.as_str());
    data.insert("override_id", id.to_string());
    data.insert("override_type", execute.kind.as_str());
    data.insert("responsibility_id", ResponsibilityId(id.0).to_string());
    data.insert("review_required_by", terms.review_by.to_string());
    data.insert("scope", scope);
    data
}

fn personal(execute: &ExecuteOverride) -> Object {
    let mut personal = Object::new();
    personal.insert("justification", execute.justification.as_str());
    personal.insert("metadata", execute.metadata.clone().map(Json::Object));
    personal
}
