//! Why a request was answered as it was, and what would change the answer.
//!
//! Not part of deciding: nothing here is recorded, and a decision never rests on
//! it. Bounded whatever the policy, so that asking is no way to hold up a node.
//!
//! Reading order: this file, then `near` (relations that almost counted), `flip`
//! (the search for the smallest change), `change` (a request that is changed).

mod change;
mod flip;
mod near;

use std::cell::OnceCell;

use types::Json;

use crate::compile::Compiled;
use crate::evaluate::inspect;
use crate::request::{Allowed, Evaluation, History, Request};
use crate::words::{Op, RelationType, Verdict};

/// The answer, what nearly changed it, and what would.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The answer itself.
    pub evaluation: Evaluation,
    /// Relations that would have changed the answer, but for a condition or
    /// their object: permits where none applies; prohibitions and conflicts
    /// where the request is not denied. Fewest failed conditions first, then by
    /// relation id. None outside of the policy's window, where no relation
    /// counts.
    pub near_misses: Vec<NearMiss>,
    /// How many more there were than there is room for.
    pub near_misses_omitted: u32,
    /// The fewest keys of the request whose change gives another outcome:
    /// allowed where it is not, and not allowed where it is. `None` where up to
    /// three changes are not enough, or were not found within the bound. Where
    /// the policy compares with more than is tried, only a change of one key is
    /// said: a larger one might not be the smallest.
    pub minimal_flip: Option<Flip>,
}

/// A relation that would have changed the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct NearMiss {
    /// Its id.
    pub relation_id: String,
    /// Its type.
    pub kind: RelationType,
    /// What failed; never empty.
    pub failed: Vec<FailedCondition>,
}

/// A condition that kept a relation from counting.
///
/// Where the object of a permit did, `key` is `data_classes` or
/// `decision.resource` and `expected` holds the object as the policy has it, a
/// term or a pattern: `contains` asks for a class that it covers, `in` for
/// classes of which it covers each, or for a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct FailedCondition {
    /// Where it looked.
    pub key: String,
    /// How it compared.
    pub op: Op,
    /// With what.
    pub expected: Json,
    /// What was there; `None` when the key is missing.
    pub actual: Option<Json>,
    /// Whether the key is missing.
    pub is_missing: bool,
}

/// A change of the request that gives another outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Flip {
    /// What must hold instead, one condition for each key that is changed.
    pub changes: Vec<FlipChange>,
    /// The outcome then.
    pub outcome: Verdict,
}

/// What must hold of a key.
#[derive(Clone, Debug, PartialEq)]
pub struct FlipChange {
    /// A key of the context, one of `decision.risk_score` (which the level
    /// follows), `decision.resource` and `decision.tool`, or `data_classes`.
    pub key: String,
    /// How it must compare.
    pub op: Op,
    /// With what.
    pub value: Json,
}

/// Judges a request and says what would have changed the answer.
pub fn explain<H: History>(
    policy: &Compiled,
    request: &Request<'_>,
    history: &H,
) -> Result<Explanation, H::Error> {
    let history = Recalled { history, read: OnceCell::new() };
    let (evaluation, inspected) = inspect(policy, request, &history)?;
    let near = near::find(policy, request, &evaluation, &inspected);
    let minimal_flip = flip::find(policy, request, &history, (evaluation.outcome, &near.order));
    Ok(Explanation {
        evaluation,
        near_misses: near.listed,
        near_misses_omitted: near.omitted,
        minimal_flip,
    })
}

/// The history, read when it is first asked for and then remembered: the actor
/// is the same whatever else is changed.
#[derive(Debug)]
struct Recalled<'a, H> {
    history: &'a H,
    read: OnceCell<Option<Vec<Allowed>>>,
}

impl<H: History> History for Recalled<'_, H> {
    type Error = H::Error;

    fn allowed(&self, actor: &str, pairs_max: usize) -> Result<Option<Vec<Allowed>>, H::Error> {
        if let Some(read) = self.read.get() {
            return Ok(read.clone());
        }
        let read = self.history.allowed(actor, pairs_max)?;
        Ok(self.read.get_or_init(|| read).clone())
    }
}

#[cfg(test)]
mod tests;
