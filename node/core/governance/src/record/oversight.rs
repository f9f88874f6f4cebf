//! What is kept of escalations and overrides: how they stand, and what must be
//! known of them while they live. The rest is in their entries.

use policy::Verdict;
use serde::{Deserialize, Serialize};
use types::{DecisionId, EntryId, RiskId, Timestamp};

use crate::oversight::Role;

/// Why a human is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trigger {
    /// The score is critical.
    RiskThreshold,
    /// The policy contradicts itself.
    PolicyConflict,
    /// A rule asks for it.
    ExplicitRule,
    /// The actor asks for it.
    ActorRequest,
    /// Something is unusual.
    AnomalyDetected,
}

/// How soon a human must have answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Priority {
    /// 72 hours.
    Low,
    /// 24 hours.
    Medium,
    /// 8 hours.
    High,
    /// 2 hours.
    Critical,
}

/// Where an escalation is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum EscalationStatus {
    /// Nobody has looked.
    Pending,
    /// Somebody looks.
    Acknowledged,
    /// It is answered.
    Resolved,
    /// Nobody answered in time.
    Expired,
}

/// What a human answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resolution {
    /// The action may be done, once.
    Approved,
    /// It may not.
    Denied,
    /// Not decided; the decision stands as it was.
    Deferred,
}

/// An escalation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscalationRecord {
    /// The entry that made it: its own, or that of a decision or an assessment.
    pub entry_id: EntryId,
    /// What it is about.
    pub decision: DecisionId,
    /// The assessment that brought it.
    pub risk: Option<RiskId>,
    /// Why.
    pub trigger: Trigger,
    /// How soon.
    pub priority: Priority,
    /// Whether it came by itself.
    pub auto: bool,
    /// Where it stands.
    pub status: EscalationStatus,
    /// Who is asked.
    pub recipients: Vec<String>,
    /// Applied time of the entry.
    pub created_at: Timestamp,
    /// When it ends unanswered.
    pub deadline: Timestamp,
    /// Who looks, and the entry that says so.
    pub acknowledged: Option<(String, EntryId)>,
    /// The entry that resolved it, or let it expire.
    pub ended: Option<EntryId>,
    /// The answer.
    pub resolution: Option<Resolution>,
    /// The entry of the token that an approval yielded.
    pub consumed: Option<EntryId>,
}

/// On what ground a human decides in the policy's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OverrideKind {
    /// There is no time.
    EmergencyBypass,
    /// An executive answers for it.
    ExecutiveOverride,
    /// For a while.
    TimeLimitedException,
    /// The risk is taken.
    RiskAccepted,
}

impl OverrideKind {
    /// Every ground there is.
    pub const ALL: [Self; 4] = [
        Self::EmergencyBypass,
        Self::ExecutiveOverride,
        Self::TimeLimitedException,
        Self::RiskAccepted,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EmergencyBypass => "emergency_bypass",
            Self::ExecutiveOverride => "executive_override",
            Self::TimeLimitedException => "time_limited_exception",
            Self::RiskAccepted => "risk_accepted",
        }
    }

    /// The ground that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What a second person says of an override.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReviewVerdict {
    /// It was right.
    Upheld,
    /// It is taken back, with what it yielded.
    Reversed,
}

impl ReviewVerdict {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upheld => "upheld",
            Self::Reversed => "reversed",
        }
    }

    /// The verdict that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Upheld, Self::Reversed].into_iter().find(|verdict| verdict.as_str() == word)
    }
}

/// An override.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverrideRecord {
    /// Its entry.
    pub entry_id: EntryId,
    /// The decision in whose place it stands.
    pub decision: DecisionId,
    /// On what ground.
    pub kind: OverrideKind,
    /// Who answers for it.
    pub authorized_by: String,
    /// In which role.
    pub role: Role,
    /// The effective outcome before it.
    pub original: Verdict,
    /// Whether conditions are attached: `conditional`, else `approved`.
    pub is_conditional: bool,
    /// Applied time.
    pub at: Timestamp,
    /// From then on it has no effect.
    pub expires_at: Option<Timestamp>,
    /// Whether the first token uses it up.
    pub is_one_time: bool,
    /// When a second person must have reviewed it.
    pub review_by: Timestamp,
    /// What that person said, and the entry that says so.
    pub review: Option<(ReviewVerdict, EntryId)>,
    /// The entry that says that nobody reviewed it in time, or that of a review
    /// that came too late to keep it.
    pub lapsed: Option<EntryId>,
    /// The entry of the token that used it up.
    pub consumed: Option<EntryId>,
}

/// Where an override is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverrideStatus {
    /// It has its effect.
    Active,
    /// Its one token was given.
    Consumed,
    /// Its time is over.
    Expired,
    /// It was taken back.
    Reversed,
    /// Nobody reviewed it in time.
    Lapsed,
}

impl OverrideStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Consumed => "consumed",
            Self::Expired => "expired",
            Self::Reversed => "reversed",
            Self::Lapsed => "lapsed",
        }
    }
}

impl EscalationRecord {
    /// The same when there were so many entries, its own among them.
    #[must_use]
    pub fn as_of(mut self, size: u64) -> Self {
        let is_there = |entry: &EntryId| entry.0 < size;
        self.acknowledged = self.acknowledged.filter(|(_, entry)| is_there(entry));
        self.consumed = self.consumed.filter(is_there);
        // What has ended by then has the status in which it ended.
        if self.ended.is_none_or(|entry| !is_there(&entry)) {
            (self.ended, self.resolution) = (None, None);
            self.status = match self.acknowledged {
                Some(_) => EscalationStatus::Acknowledged,
                None => EscalationStatus::Pending,
            };
        }
        self
    }
}

impl OverrideRecord {
    /// The same when there were so many entries, its own among them.
    #[must_use]
    pub fn as_of(&self, size: u64) -> Self {
        let is_there = |entry: &EntryId| entry.0 < size;
        Self {
            review: self.review.filter(|(_, entry)| is_there(entry)),
            lapsed: self.lapsed.filter(is_there),
            consumed: self.consumed.filter(is_there),
            ..self.clone()
        }
    }

    /// Where it is at `now`: what was recorded of it comes before what time
    /// alone does.
    pub fn status(&self, now: Timestamp) -> OverrideStatus {
        match self.review {
            Some((ReviewVerdict::Reversed, _)) => return OverrideStatus::Reversed,
            // What lapsed is not revived by a review that came too late.
            Some((ReviewVerdict::Upheld, _)) if self.lapsed.is_some() => {
                return OverrideStatus::Lapsed;
            }
            // Nobody reviewed it in time, whether or not that is recorded yet.
            None if self.lapsed.is_some() || self.review_by <= now => {
                return OverrideStatus::Lapsed;
            }
            Some((ReviewVerdict::Upheld, _)) | None => (),
        }
        if self.consumed.is_some() {
            return OverrideStatus::Consumed;
        }
        match self.expires_at {
            Some(expires_at) if expires_at <= now => OverrideStatus::Expired,
            Some(_) | None => OverrideStatus::Active,
        }
    }
}

/// A token that was issued for a decision after it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedRecord {
    /// The token; gone once the entry that granted it is erased.
    pub token: Option<types::TokenId>,
    /// The override that yielded it.
    pub of: Option<types::OverrideId>,
}

/// A notice to be delivered at least once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectRecord {
    /// The same at every attempt, so that a receiver knows a repeated one.
    pub id: types::EffectId,
    /// What happened.
    pub event: String,
    /// Id of what it happened to.
    pub subject: String,
    /// When.
    pub at: Timestamp,
}
