//! What is asked of a policy, and the shape of its answer.

use std::convert::Infallible;

use types::{DecisionId, Json, Object, Timestamp};

use crate::words::{Engine, Mode, Op, ReasonCode, RelationType, Verdict};

/// A risk score from here on asks for a human.
pub const RISK_CRITICAL: u32 = 80;
/// Most distinct (action, resource) pairs of an actor that conflicts look at.
pub const PAIRS_MAX: usize = 1000;
/// Steps an evaluation may take where nothing else is configured.
pub const STEPS_MAX: u32 = 100_000;

/// One request, as it is evaluated.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who asks.
    pub actor: &'a str,
    /// What the actor wants to do.
    pub action: &'a str,
    /// What it is to be done to.
    pub resource: Option<&'a str>,
    /// By which tool.
    pub tool: Option<&'a str>,
    /// The classes of data that would be touched.
    pub data_classes: &'a [String],
    /// What conditions are tested against.
    pub context: &'a Object,
    /// 1..=100
    pub risk_score: u32,
    /// `low`, `medium`, `high` or `critical`
    pub risk_level: &'a str,
    /// The mode asked for. The tighter of it and the policy's is used; refusing
    /// a looser one is the caller's part.
    pub mode: Option<Mode>,
    /// Cluster time of the log entry.
    pub at: Timestamp,
    /// Steps this evaluation may take; with more it is denied.
    pub steps_max: u32,
    /// Which meaning of the language.
    pub engine: Engine,
}

/// The recorded decisions of an actor.
pub trait History {
    /// Why the record could not be read.
    type Error;

    /// What this actor was allowed so far: distinct (action, resource), each
    /// with the first decision, at most `pairs_max`. `None` when there are more.
    fn allowed(&self, actor: &str, pairs_max: usize) -> Result<Option<Vec<Allowed>>, Self::Error>;
}

/// Something an actor was allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// What was done.
    pub action: String,
    /// What it was done to.
    pub resource: Option<String>,
    /// The first decision that allowed it.
    pub decision: DecisionId,
}

/// A history in which nobody was ever allowed anything.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHistory;

impl History for NoHistory {
    type Error = Infallible;

    fn allowed(&self, _: &str, _: usize) -> Result<Option<Vec<Allowed>>, Infallible> {
        Ok(Some(Vec::new()))
    }
}

/// The answer and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// What was decided.
    pub outcome: Verdict,
    /// Which rule decided.
    pub reason_code: ReasonCode,
    /// The same for people: a justification from the policy or a fixed text.
    pub reason: String,
    /// The mode the request was judged by.
    pub mode: Mode,
    /// Relations whose source, target and conditions were looked at, by
    /// relation id.
    pub matched: Vec<Matched>,
    /// How many more there were than `matched` has room for.
    pub matched_omitted: u32,
    /// What `requires` relations ask for.
    pub obligations: Vec<Obligation>,
    /// Earlier decisions this one conflicts with, sorted. With
    /// `reason_code` `Conflict` and none here, there were too many to look at.
    pub conflicting: Vec<DecisionId>,
    /// Whether a human must look, whatever the outcome.
    pub escalate: bool,
    /// What the evaluation cost: the same number on every node.
    pub steps: u32,
    /// Whether what was decided, and why, rests on the context.
    pub asked_context: bool,
    /// Whether `matched` and `obligations` tell of the context.
    pub shows_context: bool,
}

/// A relation that is about this actor and action.
#[derive(Clone, Debug, PartialEq)]
pub struct Matched {
    /// Its id.
    pub relation_id: String,
    /// Its type.
    pub kind: RelationType,
    /// Its source as the policy has it.
    pub source: String,
    /// Its target as the policy has it.
    pub target: String,
    /// Its object as the policy has it.
    pub object: Option<String>,
    /// Whether it counted.
    pub applies: bool,
    /// Its conditions, one by one.
    pub conditions: Vec<MatchedCondition>,
}

/// A condition and what it found.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchedCondition {
    /// Where it looked.
    pub key: String,
    /// How it compared.
    pub op: Op,
    /// With what.
    pub expected: Json,
    /// What was there; `None` when the key is missing.
    pub actual: Option<Json>,
    /// Whether it holds.
    pub met: bool,
}

/// Something a `requires` relation asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obligation {
    /// Its name.
    pub obligation: String,
    /// The relation that asks for it.
    pub relation_id: String,
    /// Whether it is met.
    pub satisfied: bool,
    /// What met it.
    pub by: Option<&'static str>,
}
