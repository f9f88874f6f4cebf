//! What the entry of a decision says: the request, what was decided, and the
//! history as its `facts` have it. Never today's state.

use ledger::StoredEntry;
use policy::{Allowed, Engine, Mode, ReasonCode, Request, Verdict};
use types::{DecisionId, Digest, EntryId, Json, Object, Timestamp};

use super::STEPS_MAX;
use crate::outcome::Corruption;
use crate::risk::{self, Score};
use crate::store::Read;
use crate::view;

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
pub(super) fn cut_off_reason() -> String {
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
    let looked = match Facts::looked(reason_code, text(data, id, "reason")?, conflicting.len()) {
        Looked::Whole if conflicting.is_empty() && applies_conflict(data) => Looked::TooMany,
        looked @ (Looked::Whole | Looked::TooMany | Looked::CutOff) => looked,
    };
    let stop_id = facts.get("stop_id").and_then(Json::as_str).map(str::to_owned);
    Ok(Facts { conflicting, stop_id, looked })
}

/// Whether a conflict counted, though something before it may have decided: where
/// it names nobody, there was too much to look at.
fn applies_conflict(data: &Object) -> bool {
    let matched = data.get("matched").and_then(Json::as_array).unwrap_or_default();
    matched.iter().filter_map(Json::as_object).any(|relation| {
        let is_conflict = relation.get("type").and_then(Json::as_str) == Some("conflicts");
        is_conflict && relation.get("applies").and_then(Json::as_bool) == Some(true)
    })
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
