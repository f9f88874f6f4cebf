//! A recorded decision judged once more, from what was recorded alone: its
//! entry, the version of the policy and the engine it names, and the decisions
//! in its `facts`.
//!
//! Invariants
//! - Nothing is guessed for what is erased: an evaluation that asks for it is
//!   given up, and one that does not is exact without it.

use policy::{Compiled, Evaluation, ReasonCode, Request, Verdict};
use types::{DecisionId, Digest, Json};

use super::recorded::{
    Gap, NoReplay, RecordedDecision, RecordedHistory, RecordedRequest, cut_off_reason, recorded,
};
use super::{context_hash, facts, matched, obligations};
use crate::cache;
use crate::outcome::Corruption;
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

/// Decisions under one version of the policy, judged once more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Replayed {
    /// The version that the first of them names.
    pub(crate) policy_version: Option<u64>,
    /// How many were judged.
    pub(crate) judged: u64,
    /// Of how many nothing came out different.
    pub(crate) identical: u64,
    /// How many name another version, or could not be judged because something is
    /// erased.
    pub(crate) left_out: u64,
}

/// Judges those of these decisions once more that name the same version of the
/// policy as the first: compiling one is most of the work.
pub(crate) fn replay_alike(
    read: &impl Read,
    ids: impl Iterator<Item = DecisionId>,
) -> Result<Replayed, Corruption> {
    let (mut found, mut policy) = (Replayed::default(), None);
    for id in ids {
        let known = recorded(read, id)?.ok();
        let alike = known.filter(|known| {
            found.policy_version.is_none_or(|version| version == known.policy_version)
        });
        let Some(recorded) = alike else {
            found.left_out = found.left_out.saturating_add(1);
            continue;
        };
        let compiled = match policy.take() {
            Some(compiled) => compiled,
            None => policy_of(read, &recorded)?,
        };
        found.policy_version = Some(recorded.policy_version);
        match judge_again(read, &compiled, &recorded)? {
            Some(again) => {
                found.judged = found.judged.saturating_add(1);
                let is_identical = differences(&recorded, &again).is_empty();
                found.identical = found.identical.saturating_add(u64::from(is_identical));
            }
            None => found.left_out = found.left_out.saturating_add(1),
        }
        policy = Some(compiled);
    }
    Ok(found)
}

/// The version a decision names, which is never changed.
pub(super) fn policy_of(
    read: &impl Read,
    recorded: &RecordedDecision,
) -> Result<Compiled, Corruption> {
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
pub(super) fn judge_again(
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

/// Up to the history everything is the same again. So it was from there on that
/// the steps did not suffice.
fn cut_off(policy: &Compiled, request: &Request<'_>) -> Evaluation {
    Evaluation { reason: cut_off_reason(), ..without_steps(policy, request) }
}

/// An emergency stop decides before the policy is asked, which only says in which
/// mode it would have been.
pub(super) fn stopped(policy: &Compiled, request: &Request<'_>) -> Evaluation {
    Evaluation {
        outcome: Verdict::Denied,
        reason_code: ReasonCode::EmergencyStop,
        reason: "Emergency stop in force".to_owned(),
        matched: Vec::new(),
        obligations: Vec::new(),
        conflicting: Vec::new(),
        ..without_steps(policy, request)
    }
}

fn without_steps(policy: &Compiled, request: &Request<'_>) -> Evaluation {
    let request = Request { steps_max: 0, ..*request };
    let Ok(evaluation) = policy::evaluate(policy, &request, &policy::NoHistory);
    evaluation
}

/// Members of the entry that would not be recorded so again. What tells of an
/// erased context is not compared.
fn differences(recorded: &RecordedDecision, again: &Evaluation) -> Vec<&'static str> {
    let RecordedRequest { context, is_context_erased, score, .. } = &recorded.request;
    let stop = recorded.facts.stop_id.as_deref();
    let is_shown = !(*is_context_erased && again.shows_context);
    let members: [(&'static str, bool, Json); 8] = [
        ("outcome", true, again.outcome.as_str().into()),
        ("reason_code", true, again.reason_code.as_str().into()),
        ("reason", true, again.reason.as_str().into()),
        ("matched", is_shown, matched(&again.matched)),
        ("obligations", is_shown, obligations(again)),
        ("policy_mode", true, again.mode.as_str().into()),
        ("facts", true, facts(again, stop)),
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
