//! Commands about who answers for a decision.

use serde::{Deserialize, Serialize};
use types::{DecisionId, ResponsibilityId};

use crate::record::{DecisionMaker, ResponsibilityLevel, ReviewOutcome};

/// Somebody who answers for a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordResponsibility {
    /// The decision.
    pub decision: DecisionId,
    /// As what.
    pub maker: DecisionMaker,
    /// Who, 1..255 characters and no control characters.
    pub party: String,
    /// In which role, 1..255 characters.
    pub role: String,
    /// Why, at most 10,000 characters.
    pub reasoning: String,
    /// How much.
    pub level: ResponsibilityLevel,
    /// How sure they were, 0..=100.
    pub confidence: Option<u8>,
    /// In whose place; named where `maker` is `delegated`.
    pub delegated_from: Option<String>,
    /// Whether somebody else must look at it.
    pub review_required: bool,
}

/// What somebody else says of such a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewResponsibility {
    /// The record, whatever it comes from.
    pub record: ResponsibilityId,
    /// What they say.
    pub outcome: ReviewOutcome,
    /// And why, 1..10,000 characters.
    pub notes: String,
}
