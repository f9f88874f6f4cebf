//! A recorded decision judged once more, from what was recorded alone: its
//! entry, the version of the policy and the engine it names, and the decisions
//! in its `facts`. Never today's state.
//!
//! Invariants
//! - Nothing is guessed for what is erased: an evaluation that asks for it is
//!   given up, and one that does not is exact without it.

use ledger::StoredEntry;
use policy::{Allowed, Compiled, Engine, Evaluation, Mode, ReasonCode, Request, Verdict};
use types::{DecisionId, Digest, EntryId, Json, Object, Timestamp};

use super::{STEPS_MAX, context_hash, facts, matched, obligations};
use crate::cache;
use crate::outcome::Corruption;
use crate::risk::{self, Score};
use crate::store::Read;
use crate::view;

/// A decision and what became of it when it was judged again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Which one.
    pub decision_id: DecisionId,
    /// The version it was judged by, both times.
    pub policy_version: u64,
    /// Hash of that version.
    pub policy_hash: Digest,
    /// Number of the engine that judged it, both times.
    pub engine_version: u32,
    /// What was recorded.
    pub recorded: (Verdict, ReasonCode),
    /// What came out again; `None` when it could not be judged.
    pub replayed: Option<(Verdict, ReasonCode)>,
    /// Whether nothing came out different; `None` as before.
    pub is_identical: Option<bool>,
    /// Members of the entry that came out different.
    pub differences: Vec<&'static str>,
    /// Why it could not be judged.
    pub unreplayable: Option<Unreplayable>,
}

/// Why a decision could not be judged again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreplayable {
    /// The evaluation asks for something that is erased.
    Erased,
}

/// Why there is nothing to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoReplay {
    /// No such decision is recorded.
    UnknownDecision,
    /// What was recorded of it is erased, all of it.
    Erased,
}

/// What the entry of a decision says.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedDecision {
    /// Which one.
    pub decision_id: DecisionId,
    /// Its entry.
    pub entry_id: EntryId,
    /// What was asked.
    pub request: RecordedRequest,
    /// The version in force then.
    pub policy_version: u64,
    /// Hash of that version.
    pub policy_hash: Digest,
    /// What was decided.
    pub outcome: Verdict,
    /// And by which rule.
    pub reason_code: ReasonCode,
    /// What the evaluation took from elsewhere.
    pub facts: Facts,
    /// `data` of the entry.
    pub data: Object,
    /// `personal` of the entry, while there is one.
    pub personal: Option<Object>,
}

/// A request as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedRequest {
    /// Who asked.
    pub actor: String,
    /// What for.
    pub action: String,
    /// On what.
    pub resource: Option<String>,
    /// With what.
    pub tool: Option<String>,
    /// Kinds of data touched.
    pub data_classes: Vec<String>,
    /// What conditions look at; empty once it is erased.
    pub context: Object,
    /// Whether the context is erased.
    pub is_context_erased: bool,
    /// Computed again from what was sent.
    pub score: Score,
    /// The stricter mode that was asked for.
    pub mode: Option<Mode>,
    /// Timestamp of the entry.
    pub at: Timestamp,
    /// What the language meant then.
    pub engine: Engine,
}

impl RecordedRequest {
    /// The request as the evaluator takes it.
    pub fn request(&self) -> Request<'_> {
        Request {
            actor: &self.actor,
            action: &self.action,
            resource: self.resource.as_deref(),
            tool: self.tool.as_deref(),
            data_classes: &self.data_classes,
            context: &self.context,
            risk_score: self.score.score,
            risk_level: self.score.level(),
            mode: self.mode,
            at: self.at,
            steps_max: STEPS_MAX,
            engine: self.engine,
        }
    }
}

/// What an evaluation took from elsewhere, as it was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Decisions it conflicted with.
    pub conflicting: Vec<DecisionId>,
    /// The emergency stop that decided.
    pub stop_id: Option<String>,
    /// How far the history was looked at.
    pub looked: Looked,
}

/// How far an evaluation looked at the history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Looked {
    /// As far as it asked for.
    #[default]
    Whole,
    /// The actor had been allowed too much to look at.
    TooMany,
    /// It took too many steps, perhaps by that very look, and kept nothing.
    CutOff,
}

impl Facts {
    /// How far an evaluation had looked that ended so.
    pub(crate) fn looked(reason_code: ReasonCode, reason: &str, conflicting: usize) -> Looked {
        match reason_code {
            ReasonCode::Conflict if conflicting == 0 => Looked::TooMany,
            ReasonCode::ConstraintDenied if reason == cut_off_reason() => Looked::CutOff,
            ReasonCode::Permitted
            | ReasonCode::PermissiveDefault
            | ReasonCode::NoPermit
            | ReasonCode::Forbidden
            | ReasonCode::Conflict
            | ReasonCode::ConstraintDenied
            | ReasonCode::ObligationUnmet
            | ReasonCode::Paranoid
            | ReasonCode::EmergencyStop
            | ReasonCode::RiskCritical
            | ReasonCode::ConstraintEscalated => Looked::Whole,
        }
    }
}

/// As the evaluator words it.
fn cut_off_reason() -> String {
    format!("Evaluation took more than {STEPS_MAX} steps")
}

/// The history as a decision's facts have it.
#[derive(Clone, Copy, Debug)]
pub struct RecordedHistory<'a, R> {
    /// Where the decisions are that the facts name.
    pub read: &'a R,
    /// The facts.
    pub facts: &'a Facts,
}

/// Why a history cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Gap {
    /// A decision it names is erased as a whole.
    #[error("a decision that the facts name is erased")]
    Erased,
    /// See [`Looked::CutOff`].
    #[error("the evaluation was cut off and kept no facts")]
    CutOff,
    /// It cannot be read.
    #[error(transparent)]
    Corrupt(#[from] Corruption),
}

impl<R: Read> policy::History for RecordedHistory<'_, R> {
    type Error = Gap;

    fn allowed(&self, _: &str, _: usize) -> Result<Option<Vec<Allowed>>, Gap> {
        match self.facts.looked {
            Looked::TooMany => Ok(None),
            Looked::CutOff => Err(Gap::CutOff),
            Looked::Whole => {
                let named = self.facts.conflicting.iter();
                named.map(|id| allowed(self.read, *id)).collect::<Result<_, _>>().map(Some)
            }
        }
    }
}

fn allowed(read: &impl Read, decision: DecisionId) -> Result<Allowed, Gap> {
    let missing = || Corruption::new("decision", format!("{decision} is named and not recorded"));
    let id = view::decision_entry(read, decision)?.ok_or_else(missing)?;
    let entry = view::entry(read, id)?.ok_or_else(missing)?;
    let part = entry.data.ok_or(Gap::Erased)?;
    let data = object(id, &part.text)?;
    let action = text(&data, id, "action")?.to_owned();
    let resource = data.get("resource").and_then(Json::as_str).map(str::to_owned);
    Ok(Allowed { action, resource, decision })
}

/// What the entry of a decision says.
///
/// # Errors
/// The outer one is [`Corruption`], when the entry is not one of a decision; the
/// inner one says why there is nothing to be read.
pub fn recorded(
    read: &impl Read,
    id: DecisionId,
) -> Result<Result<RecordedDecision, NoReplay>, Corruption> {
    let Some(entry_id) = view::decision_entry(read, id)? else {
        return Ok(Err(NoReplay::UnknownDecision));
    };
    let missing = || Corruption::new("header", format!("entry {entry_id} is missing"));
    let entry = view::entry(read, entry_id)?.ok_or_else(missing)?;
    Ok(parse(id, &entry)?.ok_or(NoReplay::Erased))
}

fn parse(id: DecisionId, entry: &StoredEntry) -> Result<Option<RecordedDecision>, Corruption> {
    let Some(part) = &entry.data else {
        return Ok(None);
    };
    let entry_id = entry.header.id;
    let data = object(entry_id, &part.text)?;
    let personal = entry.personal.as_ref();
    let personal = personal.map(|part| object(entry_id, &part.text)).transpose()?;
    let request = request(&data, personal.as_ref(), entry)?;
    let outcome = word(&data, entry_id, "outcome", Verdict::parse)?;
    let reason_code = word(&data, entry_id, "reason_code", ReasonCode::parse)?;
    let facts = recorded_facts(&data, entry_id, reason_code)?;
    Ok(Some(RecordedDecision {
        decision_id: id,
        entry_id,
        request,
        policy_version: number(&data, entry_id, "policy_version")?,
        policy_hash: word(&data, entry_id, "policy_hash", |text| text.parse().ok())?,
        outcome,
        reason_code,
        facts,
        data,
        personal,
    }))
}

fn request(
    data: &Object,
    personal: Option<&Object>,
    entry: &StoredEntry,
) -> Result<RecordedRequest, Corruption> {
    let id = entry.header.id;
    let given = |name: &str| data.get(name).and_then(Json::as_str).map(str::to_owned);
    let classes = data.get("data_classes").and_then(Json::as_array).unwrap_or_default();
    let context = personal.and_then(|personal| personal.get("context"));
    let context = context.and_then(Json::as_object);
    let risk = data.get("risk_input").and_then(Json::as_object).map(risk::input);
    let level = data.get("risk_level").and_then(Json::as_u64);
    let level = level.and_then(|level| u8::try_from(level).ok());
    let engine = Engine::from_number(number(data, id, "engine_version")?);
    Ok(RecordedRequest {
        actor: text(data, id, "actor")?.to_owned(),
        action: text(data, id, "action")?.to_owned(),
        resource: given("resource"),
        tool: given("tool"),
        data_classes: classes.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        context: context.cloned().unwrap_or_default(),
        is_context_erased: context.is_none(),
        score: Score::of(risk.as_ref(), level),
        mode: given("requested_mode").and_then(|mode| Mode::parse(&mode)),
        at: entry.header.timestamp,
        engine: engine.ok_or_else(|| damaged(id, "engine_version"))?,
    })
}

fn recorded_facts(
    data: &Object,
    id: EntryId,
    reason_code: ReasonCode,
) -> Result<Facts, Corruption> {
    let facts = data.get("facts").and_then(Json::as_object);
    let facts = facts.ok_or_else(|| damaged(id, "facts"))?;
    let named = facts.get("conflicting_decision_ids").and_then(Json::as_array).unwrap_or_default();
    let named = named.iter().map(|id| id.as_str()?.parse().ok()).collect::<Option<Vec<_>>>();
    let conflicting = named.ok_or_else(|| damaged(id, "facts"))?;
    let looked = Facts::looked(reason_code, text(data, id, "reason")?, conflicting.len());
    let stop_id = facts.get("stop_id").and_then(Json::as_str).map(str::to_owned);
    Ok(Facts { conflicting, stop_id, looked })
}

fn object(id: EntryId, text: &str) -> Result<Object, Corruption> {
    serde_json::from_str(text)
        .map_err(|_| Corruption::new("data", format!("a part of entry {id} is no object")))
}

fn text<'a>(data: &'a Object, id: EntryId, name: &str) -> Result<&'a str, Corruption> {
    data.get(name).and_then(Json::as_str).ok_or_else(|| damaged(id, name))
}

fn number(data: &Object, id: EntryId, name: &str) -> Result<u64, Corruption> {
    data.get(name).and_then(Json::as_u64).ok_or_else(|| damaged(id, name))
}

fn word<T>(
    data: &Object,
    id: EntryId,
    name: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, Corruption> {
    parse(text(data, id, name)?).ok_or_else(|| damaged(id, name))
}

fn damaged(id: EntryId, name: &str) -> Corruption {
    Corruption::new("data", format!("entry {id} has no `{name}` of a decision"))
}

/// Judges a recorded decision once more.
///
/// # Errors
/// The outer one is [`Corruption`], when the entry, the version of the policy or
/// a decision in the facts is damaged; the inner one says why there is nothing
/// to judge.
pub fn replay(read: &impl Read, id: DecisionId) -> Result<Result<Replay, NoReplay>, Corruption> {
    let recorded = match recorded(read, id)? {
        Ok(recorded) => recorded,
        Err(why) => return Ok(Err(why)),
    };
    let policy = policy_of(read, &recorded)?;
    let again = judge_again(read, &policy, &recorded)?;
    let differences = again.as_ref().map(|again| differences(&recorded, again));
    Ok(Ok(Replay {
        decision_id: id,
        policy_version: recorded.policy_version,
        policy_hash: recorded.policy_hash,
        engine_version: recorded.request.engine.number(),
        recorded: (recorded.outcome, recorded.reason_code),
        replayed: again.as_ref().map(|again| (again.outcome, again.reason_code)),
        is_identical: differences.as_ref().map(Vec::is_empty),
        unreplayable: if again.is_none() { Some(Unreplayable::Erased) } else { None },
        differences: differences.unwrap_or_default(),
    }))
}

/// The version a decision names, which is never changed.
fn policy_of(read: &impl Read, recorded: &RecordedDecision) -> Result<Compiled, Corruption> {
    let RecordedDecision { entry_id, policy_version, policy_hash, .. } = recorded;
    let damaged = |what: &str| {
        let detail = format!("version {policy_version}, which entry {entry_id} names, {what}");
        Corruption::new("policy", detail)
    };
    let record = view::policy(read, *policy_version)?.ok_or_else(|| damaged("is missing"))?;
    if record.policy_hash != *policy_hash {
        return Err(damaged("has another hash there"));
    }
    Ok(cache::compile(&record)?.compiled)
}

/// `None` where the evaluation asks for something that is erased.
fn judge_again(
    read: &impl Read,
    policy: &Compiled,
    recorded: &RecordedDecision,
) -> Result<Option<Evaluation>, Corruption> {
    let request = recorded.request.request();
    let facts = &recorded.facts;
    if facts.stop_id.is_some() {
        return Ok(Some(stopped(policy, &request)));
    }
    let again = match policy::evaluate(policy, &request, &RecordedHistory { read, facts }) {
        Ok(again) => again,
        Err(Gap::Erased) => return Ok(None),
        Err(Gap::CutOff) => cut_off(policy, &request),
        Err(Gap::Corrupt(what)) => return Err(what),
    };
    let is_blind = recorded.request.is_context_erased && again.asked_context;
    Ok(Some(again).filter(|_| !is_blind))
}

/// An emergency stop decides before the policy is asked.
fn stopped(policy: &Compiled, request: &Request<'_>) -> Evaluation {
    Evaluation {
        outcome: Verdict::Denied,
        reason_code: ReasonCode::EmergencyStop,
        reason: "Emergency stop in force".to_owned(),
        ..without_steps(policy, request)
    }
}

/// Up to the history everything is the same again. So it was from there on that
/// the steps did not suffice.
fn cut_off(policy: &Compiled, request: &Request<'_>) -> Evaluation {
    Evaluation { reason: cut_off_reason(), ..without_steps(policy, request) }
}

fn without_steps(policy: &Compiled, request: &Request<'_>) -> Evaluation {
    let request = Request { steps_max: 0, ..*request };
    let Ok(evaluation) = policy::evaluate(policy, &request, &policy::NoHistory);
    evaluation
}

/// Members of the entry that would not be recorded so again. What a stop left
/// unasked, or what tells of an erased context, is not compared.
fn differences(recorded: &RecordedDecision, again: &Evaluation) -> Vec<&'static str> {
    let RecordedRequest { context, is_context_erased, score, .. } = &recorded.request;
    let is_asked = recorded.facts.stop_id.is_none();
    let is_shown = is_asked && !(*is_context_erased && again.shows_context);
    let members: [(&'static str, bool, Json); 8] = [
        ("outcome", true, again.outcome.as_str().into()),
        ("reason_code", true, again.reason_code.as_str().into()),
        ("reason", true, again.reason.as_str().into()),
        ("matched", is_shown, matched(&again.matched)),
        ("obligations", is_shown, obligations(again)),
        ("policy_mode", true, again.mode.as_str().into()),
        ("facts", is_asked, facts(again)),
        ("risk", true, score.to_json()),
    ];
    let compared = members.into_iter().filter(|(_, is_compared, _)| *is_compared);
    let different = compared.filter(|(name, _, value)| recorded.data.get(name) != Some(value));
    let mut names: Vec<&'static str> = different.map(|(name, ..)| name).collect();
    if !is_context_erased {
        let hash = context_hash(&Json::Object(context.clone())).to_string();
        let known = recorded.personal.as_ref().and_then(|personal| personal.get("context_hash"));
        names.extend((known.and_then(Json::as_str) != Some(&hash)).then_some("context_hash"));
    }
    names
}
