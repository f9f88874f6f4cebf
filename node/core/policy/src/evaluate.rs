//! The order of the rules: which of them decides, and why.
//!
//! First that applies: emergency stop (the caller's), `paranoid`, `forbids`,
//! `conflicts`, constraint `deny`, no permit where the mode asks for one, unmet
//! `requires`, critical risk, constraint `escalate`; else allowed.
//!
//! Not how relations are found (see `walk`), nor how the answer is worded (see
//! `reply`).
//!
//! Invariants
//! - An evaluation that takes more steps than it may is denied.
//! - A key that is missing, or holds what its condition cannot be compared with,
//!   never makes a permit apply, and never keeps a prohibition, a conflict or a
//!   constraint from applying.

mod conflict;
mod reach;
mod reply;
mod subject;
mod walk;

use types::DecisionId;

pub use reach::{Reach, reach};
pub(crate) use reply::{MATCHED_BYTES_MAX, MATCHED_MAX, shown, size};
pub(crate) use subject::kinds_of;

use crate::compile::{Compiled, RuleId};
use crate::meter::{Meter, Spent};
use crate::request::{Evaluation, History, RISK_CRITICAL, Request};
use crate::words::{Effect, Mode, ReasonCode, Verdict};

/// Judges a request and says what the judgement rests on.
pub fn evaluate<H: History>(
    policy: &Compiled,
    request: &Request<'_>,
    history: &H,
) -> Result<Evaluation, H::Error> {
    inspect(policy, request, history).map(|(evaluation, _)| evaluation)
}

/// Judges a request and says which rules were looked at, beyond what is shown.
pub(crate) fn inspect<H: History>(
    policy: &Compiled,
    request: &Request<'_>,
    history: &H,
) -> Result<(Evaluation, Inspected), H::Error> {
    let (judgement, mut findings) = examine(policy, request, history)?;
    let misfits = std::mem::take(&mut findings.misfits);
    let hits = findings.hits.clone();
    let evaluation = reply::evaluation(policy, request, &judgement, findings);
    Ok((evaluation, Inspected { hits, misfits }))
}

/// Judges a request and nothing more, for callers that ask a great many.
pub fn judge<H: History>(
    policy: &Compiled,
    request: &Request<'_>,
    history: &H,
) -> Result<Judgement, H::Error> {
    examine(policy, request, history).map(|(judgement, _)| judgement)
}

/// What was decided and by which rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What was decided.
    pub outcome: Verdict,
    /// Which rule decided.
    pub reason_code: ReasonCode,
    /// The mode the request was judged by.
    pub mode: Mode,
    /// Whether a human must look, whatever the outcome.
    pub escalate: bool,
    /// What the evaluation cost.
    pub steps: u32,
    /// Whether it looked into the context: if not, it would have said the same
    /// of any other.
    pub asked_context: bool,
}

/// Everything a walk through the policy found.
#[derive(Debug, Default)]
struct Findings {
    /// The rules about this request, each once, in the order of their ids.
    hits: Vec<Hit>,
    /// Permits between these ends that are about another object.
    misfits: Vec<RuleId>,
    permits: u32,
    forbids: u32,
    /// Whether every data class of the request is covered by a permit.
    is_covered: bool,
    is_conflicting: bool,
    conflicting: Vec<DecisionId>,
    /// Positions of the first constraints that apply.
    deny: Option<usize>,
    escalate: Option<usize>,
    /// The first obligation that is not met: a rule and one of its clauses.
    unmet: Option<Unmet>,
    /// Whether the walk was given up.
    is_spent: bool,
}

/// The rules that were looked at.
#[derive(Debug)]
pub(crate) struct Inspected {
    /// Those about this request, each once, in the order of their ids.
    pub(crate) hits: Vec<Hit>,
    /// Permits between these ends that are about another object.
    pub(crate) misfits: Vec<RuleId>,
}

/// A rule about this request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    pub(crate) rule: RuleId,
    pub(crate) applies: bool,
}

#[derive(Clone, Copy, Debug)]
struct Unmet {
    rule: RuleId,
    /// `None` where the relation has no conditions and asks for an approval.
    clause: Option<usize>,
}

/// Why a walk ended early.
#[derive(Debug)]
enum Stop<E> {
    Spent,
    History(E),
}

impl<E> From<Spent> for Stop<E> {
    fn from(_: Spent) -> Self {
        Self::Spent
    }
}

fn examine<H: History>(
    policy: &Compiled,
    request: &Request<'_>,
    history: &H,
) -> Result<(Judgement, Findings), H::Error> {
    let mut meter = Meter::new(request.steps_max);
    let findings = match walk::walk(policy, request, history, &mut meter) {
        Ok(findings) => findings,
        Err(Stop::Spent) => Findings { is_spent: true, ..Findings::default() },
        Err(Stop::History(err)) => return Err(err),
    };
    let mode = policy.mode().max(request.mode.unwrap_or(Mode::Permissive));
    let (outcome, reason_code) = decide(mode, request, &findings);
    let escalate = RISK_CRITICAL <= request.risk_score || outcome == Verdict::Escalated;
    let (steps, asked_context) = (meter.steps(), meter.asked_context());
    Ok((Judgement { outcome, reason_code, mode, escalate, steps, asked_context }, findings))
}

fn decide(mode: Mode, request: &Request<'_>, findings: &Findings) -> (Verdict, ReasonCode) {
    let is_permitted = 0 < findings.permits && findings.is_covered;
    let denials = [
        (mode == Mode::Paranoid, ReasonCode::Paranoid),
        (findings.is_spent, ReasonCode::ConstraintDenied),
        (0 < findings.forbids, ReasonCode::Forbidden),
        (findings.is_conflicting, ReasonCode::Conflict),
        (findings.deny.is_some(), ReasonCode::ConstraintDenied),
        (mode == Mode::Strict && !is_permitted, ReasonCode::NoPermit),
        (findings.unmet.is_some(), ReasonCode::ObligationUnmet),
    ];
    if let Some((_, reason)) = denials.into_iter().find(|(applies, _)| *applies) {
        return (Verdict::Denied, reason);
    }
    if RISK_CRITICAL <= request.risk_score {
        return (Verdict::Escalated, ReasonCode::RiskCritical);
    }
    if findings.escalate.is_some() {
        return (Verdict::Escalated, ReasonCode::ConstraintEscalated);
    }
    let reason = if is_permitted { ReasonCode::Permitted } else { ReasonCode::PermissiveDefault };
    (Verdict::Allowed, reason)
}

impl Findings {
    /// The first constraint with this effect that applies, by its position.
    fn first(&mut self, effect: Effect) -> &mut Option<usize> {
        match effect {
            Effect::Deny => &mut self.deny,
            Effect::Escalate => &mut self.escalate,
        }
    }
}

#[cfg(test)]
mod tests;
