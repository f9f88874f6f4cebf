//! Commands about overrides, and the token that an override, or an approval,
//! yields.

use policy::Verdict;
use serde::{Deserialize, Serialize};
use types::{ArtifactId, DecisionId, Object, OverrideId, Timestamp};

use crate::record::{OverrideKind, ReviewVerdict};

/// A decision in the place of the policy's. Who asks answers for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecuteOverride {
    /// The decision in whose place it stands.
    pub decision: DecisionId,
    /// On what ground.
    pub kind: OverrideKind,
    /// Why, 20..10,000 characters.
    pub justification: String,
    /// What the caller takes the decision to come to.
    pub original: Option<Verdict>,
    /// Whether conditions are attached.
    pub is_conditional: bool,
    /// From then on it has no effect.
    pub expires_at: Option<Timestamp>,
    /// For what it is.
    pub scope: OverrideScope,
    /// What it rests on.
    pub evidence: Vec<ArtifactId>,
    /// Whatever the caller wants to keep with it.
    pub metadata: Option<Object>,
}

/// For what an override is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverrideScope {
    /// Whether the first token uses it up.
    pub is_one_time: Option<bool>,
    /// The actor it is for: that of the decision.
    pub actor: Option<String>,
    /// The policy it is for, by hash or version: that of the decision.
    pub policy: Option<String>,
}

/// What a second person says of an override.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewOverride {
    /// The override.
    pub id: OverrideId,
    /// What is said.
    pub verdict: ReviewVerdict,
    /// Why, 1..10,000 characters.
    pub notes: String,
}

/// A token for what a decision has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueToken {
    /// The decision.
    pub decision: DecisionId,
    /// Life of the token, 1..=86,400.
    pub expires_in_seconds: u32,
}
