//! Why a request is answered as it is: one that is asked now, or one that was
//! recorded, from what was recorded. Nothing is written.
//!
//! A candidate policy may be asked in place of the one that applies. To a
//! recorded decision it gets the recorded facts, never today's state.

use policy::{Compiled, Evaluation, Explanation};
use types::{DecisionId, Digest, Timestamp};

use super::recorded::{Gap, NoReplay, RecordedDecision, RecordedHistory, recorded};
use super::replay;
use super::{PolicyCache, Recorded, preview, request_of};
use crate::apply::Stop;
use crate::command::Decide;
use crate::outcome::{Corruption, Rejection};
use crate::store::Read;

/// What is to be explained.
#[derive(Clone, Debug)]
pub enum Inquiry {
    /// A request, as it would be decided now.
    Request(Box<Decide>),
    /// A recorded decision.
    Recorded(DecisionId),
}

/// An explanation, and the policy that was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// The explanation.
    pub explanation: Explanation,
    /// Its version; `None` for a candidate.
    pub policy_version: Option<u64>,
    /// Its hash.
    pub policy_hash: Digest,
}

/// Why there is nothing to explain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotExplained {
    /// The request would be refused.
    Refused(Rejection),
    /// No such decision is recorded.
    UnknownDecision,
    /// What the answer rests on is erased.
    Erased,
}

/// Explains. `at` is the time of a request that is asked now: the node's clock,
/// or the applied time if that is later.
///
/// # Errors
/// The outer one is [`Corruption`]; the inner one says why there is nothing to
/// explain.
pub fn explain(
    read: &impl Read,
    cache: &PolicyCache,
    at: Timestamp,
    inquiry: &Inquiry,
    candidate: Option<&Compiled>,
) -> Result<Result<Explained, NotExplained>, Corruption> {
    match inquiry {
        Inquiry::Request(decide) => {
            let active = cache.active(read)?;
            let (version, policy) = match candidate {
                Some(candidate) => (None, candidate),
                None => (Some(active.version), &active.compiled),
            };
            let court = preview::court(read, policy, at, decide)?;
            let explained = match request_of(court, decide) {
                Ok((request, _)) if court.stop.is_some() => {
                    alone(replay::stopped(policy, &request))
                }
                Ok((request, _)) => policy::explain(policy, &request, &Recorded(read))?,
                Err(Stop::Rejected(why)) => return Ok(Err(NotExplained::Refused(why))),
                Err(Stop::Corrupt(what)) => return Err(what),
            };
            Ok(Ok(explanation(explained, version, policy)))
        }
        Inquiry::Recorded(id) => {
            let recorded = match recorded(read, *id)? {
                Ok(recorded) => recorded,
                Err(NoReplay::UnknownDecision) => return Ok(Err(NotExplained::UnknownDecision)),
                Err(NoReplay::Erased) => return Ok(Err(NotExplained::Erased)),
            };
            match candidate {
                Some(candidate) => again(read, &recorded, candidate, None),
                None => {
                    let policy = replay::policy_of(read, &recorded)?;
                    again(read, &recorded, &policy, Some(recorded.policy_version))
                }
            }
        }
    }
}

fn again(
    read: &impl Read,
    recorded: &RecordedDecision,
    policy: &Compiled,
    version: Option<u64>,
) -> Result<Result<Explained, NotExplained>, Corruption> {
    let facts = &recorded.facts;
    let request = recorded.request.request();
    let explained = match policy::explain(policy, &request, &RecordedHistory { read, facts }) {
        Ok(explained) if facts.stop_id.is_none() => explained,
        // Neither a stop nor a cut is the policy's: nothing of the request
        // would have changed it.
        Ok(_) | Err(Gap::CutOff) => match replay::judge_again(read, policy, recorded)? {
            Some(evaluation) => alone(evaluation),
            None => return Ok(Err(NotExplained::Erased)),
        },
        Err(Gap::Erased) => return Ok(Err(NotExplained::Erased)),
        Err(Gap::Corrupt(what)) => return Err(what),
    };
    if !recorded.request.is_context_erased {
        return Ok(Ok(explanation(explained, version, policy)));
    }
    let Explanation { evaluation, .. } = explained;
    if evaluation.asked_context || evaluation.shows_context {
        return Ok(Err(NotExplained::Erased));
    }
    // What nearly counted, or would have changed it, is anybody's guess without
    // the context.
    Ok(Ok(explanation(alone(evaluation), version, policy)))
}

/// An evaluation of which nothing else is known.
fn alone(evaluation: Evaluation) -> Explanation {
    Explanation { evaluation, near_misses: Vec::new(), near_misses_omitted: 0, minimal_flip: None }
}

fn explanation(explanation: Explanation, version: Option<u64>, policy: &Compiled) -> Explained {
    Explained { explanation, policy_version: version, policy_hash: policy.hash() }
}
