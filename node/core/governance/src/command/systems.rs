//! What may be asked about AI systems: which there are, what went wrong with
//! them, and what their technical documentation says.

use serde::{Deserialize, Serialize};
use types::{DecisionId, IncidentId, Json, Object, SystemId, Timestamp};

/// As what the organisation has to do with a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SystemRole {
    /// Develops it, or has it developed.
    Provider,
    /// Uses it.
    Deployer,
    /// Brings it into the Union.
    Importer,
    /// Makes it available.
    Distributor,
    /// Stands for a provider outside the Union.
    AuthorisedRepresentative,
}

impl SystemRole {
    /// Every one, in the order of the contract.
    pub const ALL: [Self; 5] = [
        Self::Provider,
        Self::Deployer,
        Self::Importer,
        Self::Distributor,
        Self::AuthorisedRepresentative,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Deployer => "deployer",
            Self::Importer => "importer",
            Self::Distributor => "distributor",
            Self::AuthorisedRepresentative => "authorised_representative",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// By which route duties come to bind a system. That a route fits is a legal act
/// of the organisation; nothing here classifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SystemRoute {
    /// Part of a product under a law of Annex I.
    AnnexI,
    /// A use of Annex III.
    AnnexIii,
    /// Bound to tell people, by Article 50.
    Transparency,
    /// None of the others.
    Minimal,
    /// A practice of Article 5.
    Prohibited,
}

impl SystemRoute {
    /// Every one, in the order of the contract.
    pub const ALL: [Self; 5] =
        [Self::AnnexI, Self::AnnexIii, Self::Transparency, Self::Minimal, Self::Prohibited];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AnnexI => "annex_i",
            Self::AnnexIii => "annex_iii",
            Self::Transparency => "transparency",
            Self::Minimal => "minimal",
            Self::Prohibited => "prohibited",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|route| route.as_str() == word)
    }
}

/// What is said of a system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemDetails {
    /// 1..255 characters, none of them control characters; no two systems have one.
    pub name: String,
    /// What it is for, 1..10,000 characters.
    pub intended_purpose: String,
    /// As what the organisation has to do with it.
    pub role: SystemRole,
    /// By which route duties bind it.
    pub risk_route: SystemRoute,
    /// Whose decisions belong to it: at most 100 actors or patterns of them.
    pub actor_patterns: Vec<String>,
    /// When it was placed on the market.
    pub placed_on_market: Option<Timestamp>,
    /// When it was put into service.
    pub put_into_service: Option<Timestamp>,
    /// When that ended.
    pub retired: Option<Timestamp>,
    /// What Annex VIII wants to be registered, without `contact`.
    pub annex_viii: Option<Object>,
    /// Whatever the caller wants to keep.
    pub metadata: Option<Object>,
}

/// A system to keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterSystem {
    /// What is said of it.
    pub details: SystemDetails,
    /// The member `contact` of Annex VIII, which may name people.
    pub contact: Option<Json>,
}

/// What is to change of a system: what is absent stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateSystem {
    /// The system.
    pub system: SystemId,
    /// See [`SystemDetails`].
    pub name: Option<String>,
    /// See [`SystemDetails`].
    pub intended_purpose: Option<String>,
    /// See [`SystemDetails`].
    pub role: Option<SystemRole>,
    /// See [`SystemDetails`].
    pub risk_route: Option<SystemRoute>,
    /// See [`SystemDetails`].
    pub actor_patterns: Option<Vec<String>>,
    /// See [`SystemDetails`].
    pub placed_on_market: Option<Timestamp>,
    /// See [`SystemDetails`].
    pub put_into_service: Option<Timestamp>,
    /// See [`SystemDetails`].
    pub retired: Option<Timestamp>,
    /// All of it, without `contact`.
    pub annex_viii: Option<Object>,
    /// With `annex_viii` alone: the contact that goes with it, or none.
    pub contact: Option<Json>,
    /// See [`SystemDetails`].
    pub metadata: Option<Object>,
}

/// What a serious incident is, which says how soon an authority must know:
/// Article 73(2) to (4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IncidentCategory {
    /// Serious and irreversible disruption of critical infrastructure.
    CriticalInfrastructure,
    /// An infringement in several Member States.
    WidespreadInfringement,
    /// A person died.
    Death,
    /// A person's health was harmed seriously.
    HealthHarm,
    /// Obligations that protect fundamental rights were infringed.
    FundamentalRights,
    /// Property or the environment was harmed seriously.
    PropertyOrEnvironment,
}

impl IncidentCategory {
    /// Every one, in the order of the contract.
    pub const ALL: [Self; 6] = [
        Self::CriticalInfrastructure,
        Self::WidespreadInfringement,
        Self::Death,
        Self::HealthHarm,
        Self::FundamentalRights,
        Self::PropertyOrEnvironment,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CriticalInfrastructure => "critical_infrastructure",
            Self::WidespreadInfringement => "widespread_infringement",
            Self::Death => "death",
            Self::HealthHarm => "health_harm",
            Self::FundamentalRights => "fundamental_rights",
            Self::PropertyOrEnvironment => "property_or_environment",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == word)
    }

    /// Days from awareness within which it is reported: calendar days, without
    /// any extension for holidays, which is the reading nobody can be late by.
    pub fn clock_days(self) -> u64 {
        match self {
            Self::CriticalInfrastructure | Self::WidespreadInfringement => 2,
            Self::Death => 10,
            Self::HealthHarm | Self::FundamentalRights | Self::PropertyOrEnvironment => 15,
        }
    }
}

impl RecordIncident {
    /// Days within which it is reported: where several classes apply, the fewest.
    pub fn clock_days(&self) -> u64 {
        let others = self.other_categories.iter().map(|other| other.clock_days());
        others.fold(self.category.clock_days(), u64::min)
    }

    /// When the first of those whom the law binds came to know of it.
    pub fn known_since(&self) -> Timestamp {
        let others = [self.provider_aware_at, self.deployer_aware_at];
        others.into_iter().flatten().fold(self.aware_at, Timestamp::min)
    }
}

/// A serious incident of a system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordIncident {
    /// In a line, 1..255 characters.
    pub title: String,
    /// 1..10,000 characters.
    pub description: String,
    /// What it is.
    pub category: IncidentCategory,
    /// What else it is: other classes, none of them twice. The shortest clock wins.
    pub other_categories: Vec<IncidentCategory>,
    /// When the organisation came to know of it.
    pub aware_at: Timestamp,
    /// When the provider did. The clock runs from whoever knew first.
    pub provider_aware_at: Option<Timestamp>,
    /// When the deployer did.
    pub deployer_aware_at: Option<Timestamp>,
    /// When it was established that the system caused it, or likely did. No clock
    /// waits for that.
    pub causal_link_at: Option<Timestamp>,
    /// When it happened.
    pub occurred_at: Option<Timestamp>,
    /// The system, where it is registered.
    pub system: Option<SystemId>,
    /// Decisions that had to do with it, at most 100.
    pub decisions: Vec<DecisionId>,
}

/// An incident of which an authority was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportIncident {
    /// The incident.
    pub incident: IncidentId,
    /// Which authority, 1..255 characters.
    pub authority: String,
    /// What it calls the report, 1..255 characters.
    pub reference: String,
}

/// An incident that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseIncident {
    /// The incident.
    pub incident: IncidentId,
    /// What came of it, 1..10,000 characters.
    pub notes: String,
}

/// What a section of the technical documentation says, all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateAnnexIv {
    /// Of which system; `None` where the organisation keeps one file.
    pub system: Option<SystemId>,
    /// 1..=9.
    pub section: u8,
    /// Members of that section: [`crate::annex_iv`].
    pub content: Object,
}
