//! Decisions: evaluated here, on every node, against the policy in force at
//! this place in the log, and recorded whole.
//!
//! Invariants
//! - A token is granted only by an entry that says `allowed`, and the grant is
//!   part of that entry.
//! - What the evaluation took from history stands in `facts`, so that it can be
//!   repeated without the history.

mod explain;
mod preview;
mod recorded;
mod replay;

use ledger::EntryType;
use policy::{Allowed, Compiled, Engine, Evaluation, Matched, Mode, Obligation, Request, Verdict};
use types::{
    DecisionId, Digest, EntryId, EscalationId, Json, Micros, Object, RequestUlid, RiskId, StopId,
    Timestamp, TokenId,
};

use crate::access;
use crate::apply::{Context, Stop};
use crate::cache::ActivePolicy;
use crate::codec;
use crate::command::Decide;
use crate::compliance::counted;
use crate::escalation;
use crate::idempotency;
use crate::journal::{Draft, Journal};
use crate::keys;
use crate::outcome::{Corruption, Decided, Outcome, Rejection};
use crate::record::{AllowedRecord, DecisionRecord, RiskRecord, TokenRecord, Trigger};
use crate::risk::{self, Score};
use crate::stop;
use crate::store::{Direction, Read, Scan, Store, Table};
use crate::tally;
use crate::token;

pub use explain::{Explained, Inquiry, NotExplained, explain};
pub use preview::{PolicyCache, Preview, preview};
pub use recorded::{
    Facts, Gap, Looked, NoReplay, RecordedDecision, RecordedHistory, RecordedRequest, recorded,
};
pub(crate) use replay::replay_alike;
pub use replay::{Replay, Unreplayable, replay};

/// Steps an evaluation may take before the request is denied.
pub(crate) const STEPS_MAX: u32 = 100_000;

/// From this feature level on a decision brings what governs it: a record of the
/// risk it tells, and an escalation where a human must look.
const GOVERNS: u32 = 3;

/// A new id that is taken already is drawn again; by chance that never happens
/// even once.
const DRAWS_MAX: u32 = 16;

pub(crate) fn decide<S: Store>(
    context: &mut Context<'_, S>,
    decide: &Decide,
) -> Result<Outcome, Stop> {
    if let Some(key) = &context.envelope.idempotency
        && let Some(before) = idempotency::decided(context, key)?
    {
        return Ok(before);
    }
    let active = context.cache.policy(context.tables.read())?;
    let at = context.applied.at;
    let level = context.cache.feature_level(context.tables.read())?;
    let engine = engine_at(level);
    let stop = if stop::HEEDED <= level {
        context.cache.stops(context.tables.read())?.find(&decide.actor, &decide.action)
    } else {
        None
    };
    let court = Court { policy: &active.compiled, engine, at, stop };
    let judged = judge(context.tables.read(), court, decide)?;
    let expires_at = at
        .checked_add(Micros::from_seconds(u64::from(decide.expires_in_seconds)))
        .ok_or(Rejection::LifetimeTooLong)?;
    let mut ids = draw_ids(context, decide, judged.evaluation.outcome, expires_at)?;
    if GOVERNS <= level {
        ids.risk = risk::of_decision(context, decide)?;
        ids.escalation = escalation::of_decision(context, &judged.evaluation, judged.score.score)?;
    }
    let mut data = data(decide, &active, &judged, &ids);
    context.envelope.principal.tell(&mut data);
    let data = Json::Object(data);
    let personal = Json::Object(personal(decide, &judged.evaluation));
    let draft = Draft {
        entry_type: EntryType::Decision,
        actor: Some(&decide.actor),
        data: &data,
        salt: context.draw.salt("salt"),
        personal: Some((&personal, context.draw.salt("personal_salt"))),
    };
    let recorded = Journal::new(&mut context.tables, context.cache, at).append(&draft)?;
    keep(context, decide, &ids, judged.evaluation.outcome, recorded.entry_id)?;
    if access::EVIDENCE <= level {
        count(context, &judged, recorded.entry_id)?;
    }
    keep_risk(context, &judged, &ids, recorded.entry_id)?;
    if let (Some((id, trigger)), Some(decision)) = (ids.escalation, ids.decision) {
        // Where a constraint asks for a human, it is not the risk that does.
        let risk = ids.risk.filter(|_| trigger == Trigger::RiskThreshold);
        let cause = escalation::Cause { decision, risk, trigger };
        escalation::announce(context, id, cause, recorded.entry_id)?;
    }
    Ok(Outcome::Decided(Box::new(Decided { recorded, data, personal })))
}

/// What decisions came to is counted for those who ask how many, up to any entry.
fn count<S: Store>(
    context: &mut Context<'_, S>,
    judged: &Judged,
    entry_id: EntryId,
) -> Result<(), Corruption> {
    let name = counted::outcome(judged.evaluation.outcome);
    tally::append(&mut context.tables, context.cache, name, entry_id)?;
    match judged.stop {
        Some(_) => tally::append(&mut context.tables, context.cache, counted::STOPPED, entry_id),
        None => Ok(()),
    }
}

/// The meaning of the language that comes with a feature level.
pub(crate) fn engine_at(feature_level: u32) -> Engine {
    match feature_level {
        0 | 1 => Engine::V1,
        _ => Engine::V2,
    }
}

/// By what a request is judged.
#[derive(Clone, Copy)]
struct Court<'a> {
    policy: &'a Compiled,
    engine: Engine,
    at: Timestamp,
    /// The emergency stop that decides before the policy is asked.
    stop: Option<StopId>,
}

/// What the evaluator said, and of which risk.
struct Judged {
    evaluation: Evaluation,
    score: Score,
    engine: Engine,
    stop: Option<StopId>,
}

/// Ids that a decision makes; none of a preview.
#[derive(Default)]
struct Ids {
    decision: Option<DecisionId>,
    request: Option<String>,
    token: Option<(TokenId, Timestamp)>,
    risk: Option<RiskId>,
    escalation: Option<(EscalationId, Trigger)>,
}

fn judge(read: &impl Read, court: Court<'_>, decide: &Decide) -> Result<Judged, Stop> {
    let (request, score) = request_of(court, decide)?;
    let evaluation = match court.stop {
        Some(_) => replay::stopped(court.policy, &request),
        None => policy::evaluate(court.policy, &request, &Recorded(read))?,
    };
    Ok(Judged { evaluation, score, engine: court.engine, stop: court.stop })
}

/// The request as the evaluator takes it, and its risk.
fn request_of<'a>(court: Court<'_>, decide: &'a Decide) -> Result<(Request<'a>, Score), Stop> {
    let mode = court.policy.mode();
    if let Some(asked) = decide.policy_mode.filter(|asked| *asked < mode) {
        let (asked, active) = (asked.as_str(), mode.as_str());
        return Err(Rejection::PolicyModeLoosens { asked, active }.into());
    }
    let score = Score::of(decide.risk.as_ref(), decide.risk_level);
    let request = Request {
        actor: &decide.actor,
        action: &decide.action,
        resource: decide.resource.as_deref(),
        tool: decide.tool.as_deref(),
        data_classes: &decide.data_classes,
        context: &decide.context,
        risk_score: score.score,
        risk_level: score.level(),
        mode: decide.policy_mode,
        at: court.at,
        steps_max: STEPS_MAX,
        engine: court.engine,
    };
    Ok((request, score))
}

/// The actor's recorded decisions, as `conflicts` asks for them.
struct Recorded<'a, R>(&'a R);

impl<R: Read> policy::History for Recorded<'_, R> {
    type Error = Corruption;

    fn allowed(&self, actor: &str, pairs_max: usize) -> Result<Option<Vec<Allowed>>, Corruption> {
        let (from, to) = (keys::texts(&[actor]), keys::after_texts(&[actor]));
        let rows = self.0.scan(Scan {
            table: Table::Allowed,
            from: &from,
            to: Some(&to),
            direction: Direction::Ascending,
            rows_max: pairs_max.saturating_add(1),
        })?;
        if pairs_max < rows.len() {
            return Ok(None);
        }
        let pairs = rows.iter().map(|(_, value)| {
            let AllowedRecord { action, resource, decision } = codec::decode("allowed", value)?;
            Ok(Allowed { action, resource, decision })
        });
        pairs.collect::<Result<_, _>>().map(Some)
    }
}

fn draw_ids<S: Store>(
    context: &mut Context<'_, S>,
    decide: &Decide,
    verdict: Verdict,
    expires_at: Timestamp,
) -> Result<Ids, Corruption> {
    let mut decision = DecisionId(context.draw.ulid("dec"));
    for _ in 0..DRAWS_MAX {
        if !context.tables.has(Table::Decision, &decision.0.key())? {
            break;
        }
        decision = DecisionId(context.draw.ulid("dec"));
    }
    let token = match verdict {
        Verdict::Allowed => Some((TokenId(context.draw.ulid("tok")), expires_at)),
        Verdict::Denied | Verdict::Escalated => None,
    };
    let request = match &decide.request_id {
        Some(id) => id.clone(),
        None => RequestUlid(context.draw.ulid("req")).to_string(),
    };
    Ok(Ids {
        decision: Some(decision),
        request: Some(request),
        token,
        risk: None,
        escalation: None,
    })
}

/// `data` of the entry, less who asked.
fn data(decide: &Decide, active: &ActivePolicy, judged: &Judged, ids: &Ids) -> Object {
    let Judged { evaluation, score, engine, stop } = judged;
    let stop = stop.map(|id| id.to_string());
    let classes = decide.data_classes.clone();
    let (token_id, expires_at) = match ids.token {
        Some((id, expires_at)) => (Some(id.to_string()), Some(expires_at.to_string())),
        None => (None, None),
    };
    let members: [(&str, Json); 25] = [
        ("action", decide.action.as_str().into()),
        ("actor", decide.actor.as_str().into()),
        ("data_classes", classes.into()),
        ("decision_id", ids.decision.map(|id| id.to_string()).into()),
        ("engine_version", engine.number().into()),
        ("escalation_id", ids.escalation.map(|(id, _)| id.to_string()).into()),
        ("facts", facts(evaluation, stop.as_deref())),
        ("matched", matched(&evaluation.matched)),
        ("obligations", obligations(evaluation)),
        ("outcome", evaluation.outcome.as_str().into()),
        ("policy_hash", active.hash.to_string().into()),
        ("policy_mode", evaluation.mode.as_str().into()),
        ("policy_version", active.version.into()),
        ("reason", evaluation.reason.as_str().into()),
        ("reason_code", evaluation.reason_code.as_str().into()),
        ("request_id", ids.request.clone().into()),
        ("resource", decide.resource.as_deref().into()),
        ("risk", score.to_json()),
        ("risk_id", ids.risk.map(|id| id.to_string()).into()),
        ("risk_input", decide.risk.as_ref().map(risk::input_json).into()),
        ("risk_level", decide.risk_level.map(u32::from).into()),
        ("requested_mode", decide.policy_mode.map(Mode::as_str).into()),
        ("token_expires_at", expires_at.into()),
        ("token_id", token_id.into()),
        ("tool", decide.tool.as_deref().into()),
    ];
    let mut data = Object::new();
    for (name, value) in members {
        data.insert(name, value);
    }
    data
}

fn facts(evaluation: &Evaluation, stop_id: Option<&str>) -> Json {
    let conflicting: Vec<String> = evaluation.conflicting.iter().map(ToString::to_string).collect();
    Json::object([("conflicting_decision_ids", conflicting.into()), ("stop_id", stop_id.into())])
}

/// Conditions less `actual`, which is the caller's and so personal.
fn matched(relations: &[Matched]) -> Json {
    Json::Array(relations.iter().map(Matched::to_json_without_actual).collect())
}

fn obligations(evaluation: &Evaluation) -> Json {
    Json::Array(evaluation.obligations.iter().map(Obligation::to_json).collect())
}

/// `personal` of the entry: what the caller sent, and its digest.
fn personal(decide: &Decide, evaluation: &Evaluation) -> Object {
    let context = Json::Object(decide.context.clone());
    let actuals = evaluation.matched.iter().map(|relation| {
        let actuals = relation.conditions.iter().map(|condition| condition.actual.clone().into());
        Json::Array(actuals.collect())
    });
    let actuals = Json::Array(actuals.collect());
    let mut personal = Object::new();
    personal.insert("actuals", actuals);
    personal.insert("context_hash", context_hash(&context).to_string());
    personal.insert("context", context);
    personal.insert("user_intent", decide.user_intent.as_deref());
    personal
}

/// SHA-256 of the canonical context.
pub fn context_hash(context: &Json) -> Digest {
    ledger::hash::sha256(context.to_canonical().as_bytes())
}

/// The rows by which a decision is found again.
fn keep<S: Store>(
    context: &mut Context<'_, S>,
    decide: &Decide,
    ids: &Ids,
    outcome: Verdict,
    entry_id: EntryId,
) -> Result<(), Corruption> {
    if let Some(decision) = ids.decision {
        let request = context.envelope.idempotency.as_ref().map(idempotency::row);
        let record = DecisionRecord { entry_id, request };
        context.tables.put_record(Table::Decision, &decision.0.key(), &record)?;
        if let Some((token, expires_at)) = ids.token {
            keep_allowed(context, decide, decision)?;
            token::keep(context, token, TokenRecord { entry_id, expires_at, revoked: None })?;
        }
    }
    index(context, decide, outcome, entry_id);
    if let Some(key) = &context.envelope.idempotency {
        idempotency::keep_decision(context, key, entry_id)?;
    }
    Ok(())
}

/// The indexes by which decisions are listed. Keys are entry ids and not numbers
/// as in the indexes of entries: nothing is read to write them, an erasure finds
/// them by the entry, and a count never includes what is gone.
fn index<S: Store>(
    context: &mut Context<'_, S>,
    decide: &Decide,
    outcome: Verdict,
    entry_id: EntryId,
) {
    for (table, text) in indexed(&decide.actor, &decide.action, outcome.as_str()) {
        context.tables.put_bytes(table, &keys::text_and_number(text, entry_id.0), &[]);
    }
}

/// Under which text of which index a decision is found.
pub(crate) fn indexed<'a>(
    actor: &'a str,
    action: &'a str,
    outcome: &'a str,
) -> [(Table, &'a str); 3] {
    [
        (Table::DecisionByActor, actor),
        (Table::DecisionByAction, action),
        (Table::DecisionByOutcome, outcome),
    ]
}

/// The risk of a decision is its first assessment.
fn keep_risk<S: Store>(
    context: &mut Context<'_, S>,
    judged: &Judged,
    ids: &Ids,
    entry_id: EntryId,
) -> Result<(), Corruption> {
    let (Some(id), Some(decision)) = (ids.risk, ids.decision) else {
        return Ok(());
    };
    let score = Some(judged.score.byte());
    risk::keep(context, id, &RiskRecord { entry_id, decision, version: 1, score })
}

/// A recorded decision that a command is about.
pub(crate) fn known(read: &impl Read, id: DecisionId) -> Result<RecordedDecision, Stop> {
    match recorded(read, id)? {
        Ok(recorded) => Ok(recorded),
        Err(NoReplay::UnknownDecision) => Err(Rejection::UnknownDecision.into()),
        Err(NoReplay::Erased) => Err(Rejection::DecisionErased.into()),
    }
}

/// Only the first decision of each pair is kept: a conflict needs one.
fn keep_allowed<S: Store>(
    context: &mut Context<'_, S>,
    decide: &Decide,
    decision: DecisionId,
) -> Result<(), Corruption> {
    let key = keys::allowed(&decide.actor, &decide.action, decide.resource.as_deref());
    if context.tables.has(Table::Allowed, &key)? {
        return Ok(());
    }
    let record = AllowedRecord {
        action: decide.action.clone(),
        resource: decide.resource.clone(),
        decision,
    };
    context.tables.put_record(Table::Allowed, &key, &record)
}
