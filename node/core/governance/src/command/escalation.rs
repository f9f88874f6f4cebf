//! What may be asked about escalations.

use serde::{Deserialize, Serialize};
use types::{DecisionId, EscalationId, Object};

use crate::record::{Priority, Resolution, Trigger};

/// A question to humans about a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateEscalation {
    /// The decision.
    pub decision: DecisionId,
    /// Why.
    pub trigger: Trigger,
    /// Who is asked: 1..50 ids of humans.
    pub recipients: Vec<String>,
    /// How soon; by the trigger where nothing is said.
    pub priority: Option<Priority>,
    /// What it is about, at most 10,000 characters.
    pub summary: Option<String>,
    /// Whatever the caller wants to keep with it.
    pub metadata: Option<Object>,
}

/// Somebody looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcknowledgeEscalation {
    /// The escalation.
    pub escalation: EscalationId,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolveEscalation {
    /// The escalation.
    pub escalation: EscalationId,
    /// What the human says.
    pub resolution: Resolution,
    /// And why: 1..10,000 characters.
    pub notes: String,
}
