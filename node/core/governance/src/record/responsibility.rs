//! What is kept of who answers for a decision. Texts are in the entries.

use serde::{Deserialize, Serialize};
use types::{DecisionId, EscalationId, OverrideId, ResponsibilityId};

use super::OverrideKind;
use crate::oversight::Role;

/// Who made a decision, as what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DecisionMaker {
    /// The service itself, by its policy.
    AiSystem,
    /// A person who works with it.
    HumanOperator,
    /// A person who watches over it.
    HumanSupervisor,
    /// A person who answers for the organisation.
    HumanExecutive,
    /// Somebody in the place of another.
    Delegated,
    /// A person for whom there was no time to ask.
    EmergencyOverride,
}

impl DecisionMaker {
    /// Every one there is.
    pub const ALL: [Self; 6] = [
        Self::AiSystem,
        Self::HumanOperator,
        Self::HumanSupervisor,
        Self::HumanExecutive,
        Self::Delegated,
        Self::EmergencyOverride,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AiSystem => "ai_system",
            Self::HumanOperator => "human_operator",
            Self::HumanSupervisor => "human_supervisor",
            Self::HumanExecutive => "human_executive",
            Self::Delegated => "delegated",
            Self::EmergencyOverride => "emergency_override",
        }
    }

    /// The one that is called so.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|maker| maker.as_str() == word)
    }

    /// Who answers an escalation: without an oversight role it is somebody who
    /// was asked, and so one of those who work with the service.
    pub fn of_resolution(role: Option<Role>) -> Self {
        match role {
            Some(Role::Executive) => Self::HumanExecutive,
            Some(Role::GovernanceLead | Role::SecurityOfficer) => Self::HumanSupervisor,
            None => Self::HumanOperator,
        }
    }

    /// Who overrides: that there was no time says more than the role, which
    /// nobody but an executive can then have.
    pub fn of_override(kind: OverrideKind, role: Role) -> Self {
        match (kind, role) {
            (OverrideKind::EmergencyBypass, _) => Self::EmergencyOverride,
            (_, Role::Executive) => Self::HumanExecutive,
            (_, Role::GovernanceLead | Role::SecurityOfficer) => Self::HumanSupervisor,
        }
    }
}

/// How much of it is theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ResponsibilityLevel {
    /// All of it: who overrides decides alone.
    Full,
    /// Some of it.
    Shared,
    /// They saw what the service said, and answered it: who resolves an
    /// escalation.
    Supervised,
    /// Nobody looked.
    Automated,
}

impl ResponsibilityLevel {
    /// Every one there is.
    pub const ALL: [Self; 4] = [Self::Full, Self::Shared, Self::Supervised, Self::Automated];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Shared => "shared",
            Self::Supervised => "supervised",
            Self::Automated => "automated",
        }
    }

    /// The one that is called so.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == word)
    }
}

/// What a record of responsibility comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResponsibilityOrigin {
    /// The decision itself. Such a record follows from the decision's entry,
    /// and no row is kept of it.
    Decision,
    /// The answer to an escalation.
    Escalation(EscalationId),
    /// An override.
    Override(OverrideId),
    /// Somebody who said so.
    Recorded,
}

/// A record that somebody answers for a decision, but for that of the decision
/// itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponsibilityRecord {
    /// Its id.
    pub id: ResponsibilityId,
    /// For what.
    pub decision: DecisionId,
    /// What it comes from.
    pub origin: ResponsibilityOrigin,
    /// As what.
    pub maker: DecisionMaker,
    /// How much.
    pub level: ResponsibilityLevel,
    /// Who; gone once the entry is erased whole.
    pub party: Option<String>,
    /// Whether it says what comes of the decision: a deferred answer does not.
    pub decides: bool,
    /// Whether somebody else must look at it.
    pub review_required: bool,
    /// Records up to this one, itself among them.
    pub counts: ResponsibilityCounts,
}

/// Records, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponsibilityCounts {
    /// In the order of [`DecisionMaker::ALL`].
    pub by_maker: [u64; 6],
    /// In the order of [`ResponsibilityLevel::ALL`].
    pub by_level: [u64; 4],
}

impl ResponsibilityCounts {
    /// With so many more.
    #[must_use]
    pub fn with(mut self, maker: DecisionMaker, level: ResponsibilityLevel, more: u64) -> Self {
        for (count, of) in self.by_maker.iter_mut().zip(DecisionMaker::ALL) {
            *count = count.saturating_add(if of == maker { more } else { 0 });
        }
        for (count, of) in self.by_level.iter_mut().zip(ResponsibilityLevel::ALL) {
            *count = count.saturating_add(if of == level { more } else { 0 });
        }
        self
    }

    /// Less those that came before.
    #[must_use]
    pub fn since(mut self, before: Self) -> Self {
        for (count, before) in self.by_maker.iter_mut().zip(before.by_maker) {
            *count = count.saturating_sub(before);
        }
        for (count, before) in self.by_level.iter_mut().zip(before.by_level) {
            *count = count.saturating_sub(before);
        }
        self
    }
}

/// What somebody else says of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReviewOutcome {
    /// So it is.
    Accepted,
    /// It is not so.
    Rejected,
}

impl ReviewOutcome {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }

    /// The one that is called so.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Accepted, Self::Rejected].into_iter().find(|outcome| outcome.as_str() == word)
    }
}
