//! What a human did about what a machine proposed, and the end of a stop.

use serde::{Deserialize, Serialize};
use types::{DecisionId, Digest, Object, StopId};

/// What a human did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InterventionType {
    /// Followed the recommendation.
    Approval,
    /// Decided otherwise.
    Override,
    /// Passed it on to somebody else.
    Escalation,
    /// Stopped what the scope says, until that is lifted.
    EmergencyStop,
    /// Allowed what the policy does not.
    PolicyException,
    /// Looked into it.
    ManualReview,
}

impl InterventionType {
    /// Every one, in the order of the contract.
    pub const ALL: [Self; 6] = [
        Self::Approval,
        Self::Override,
        Self::Escalation,
        Self::EmergencyStop,
        Self::PolicyException,
        Self::ManualReview,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::Override => "override",
            Self::Escalation => "escalation",
            Self::EmergencyStop => "emergency_stop",
            Self::PolicyException => "policy_exception",
            Self::ManualReview => "manual_review",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// As what a human intervened. A description of work, and no permission: those
/// are [`crate::oversight::Role`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HumanRole {
    /// Sees that rules are kept.
    ComplianceOfficer,
    /// Answers for security.
    SecurityLead,
    /// Advises on the law.
    LegalCounsel,
    /// Answers for risk.
    RiskManager,
    /// Answers for the whole.
    Executive,
    /// Watches what happens.
    SocAnalyst,
}

impl HumanRole {
    /// Every one, in the order of the contract.
    pub const ALL: [Self; 6] = [
        Self::ComplianceOfficer,
        Self::SecurityLead,
        Self::LegalCounsel,
        Self::RiskManager,
        Self::Executive,
        Self::SocAnalyst,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ComplianceOfficer => "compliance_officer",
            Self::SecurityLead => "security_lead",
            Self::LegalCounsel => "legal_counsel",
            Self::RiskManager => "risk_manager",
            Self::Executive => "executive",
            Self::SocAnalyst => "soc_analyst",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// What an emergency stop stops: without any member, everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopScope {
    /// The actor, or a pattern of actors; `None` is every one.
    pub actor: Option<String>,
    /// The action, or a pattern of actions; `None` is every one.
    pub action: Option<String>,
}

/// What a human did about what a machine proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intervene {
    /// What it was.
    pub kind: InterventionType,
    /// The decision it was about, if it was about one.
    pub decision: Option<DecisionId>,
    /// What the machine proposed, its `confidence` from 0 to 1 among it.
    pub ai_recommendation: Object,
    /// What the human decided.
    pub human_decision: Object,
    /// As what.
    pub role: HumanRole,
    /// Why, 1..10,000 characters.
    pub reason: String,
    /// What the machine had been asked.
    pub request_context: Option<Object>,
    /// How long the human took.
    pub response_time_ms: Option<u64>,
    /// Digest of what the human was shown.
    pub display_digest: Option<Digest>,
    /// What is stopped; of an emergency stop alone.
    pub stop: Option<StopScope>,
}

/// A stop that is to stop nothing any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiftStop {
    /// The stop.
    pub stop: StopId,
    /// Why, 1..10,000 characters.
    pub reason: String,
}
