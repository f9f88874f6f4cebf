//! The register as types: what is read from the text that `build.rs` embeds.
//!
//! Only what programs ask about has a type. Annexes, retention and the like are
//! shown as they are, as JSON.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use types::{Json, Timestamp};

use crate::words::{
    Coverage, DateGroupId, DateRoute, DateStatus, EvidenceKind, Primitive, Query, Relevance, Role,
};

/// Both files, as they are embedded.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Data {
    /// The EU AI Act.
    pub act: Act,
    /// Everything else.
    pub frameworks: Frameworks,
}

/// What the file about the act says.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Act {
    /// About the file.
    pub meta: Meta,
    /// Dates at which something changes.
    pub application_timeline: Vec<Milestone>,
    /// Dates of application by part of the act.
    pub date_groups: Vec<DateGroup>,
    /// Its articles.
    pub articles: Vec<Article>,
}

/// What the file about frameworks says.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Frameworks {
    /// About the file.
    pub meta: Meta,
    /// The frameworks.
    pub frameworks: Vec<Framework>,
}

/// About a file.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Meta {
    /// The day it was made.
    pub version: String,
}

/// A day at which something of the act begins to apply.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Milestone {
    /// The day.
    #[serde(deserialize_with = "day")]
    pub date: Timestamp,
    /// What begins.
    pub what: String,
}

/// When something applies to systems of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct RouteDate {
    /// To which.
    pub route: DateRoute,
    /// As first adopted.
    #[serde(deserialize_with = "day")]
    pub original: Timestamp,
    /// As amended, which is what holds.
    #[serde(deserialize_with = "day")]
    pub amended: Timestamp,
}

/// A part of the act with its dates.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DateGroup {
    /// Which.
    pub id: DateGroupId,
    /// What is in it.
    pub rule: String,
    /// When it applies.
    pub dates: Vec<RouteDate>,
    /// By which provision.
    pub basis: String,
    /// How settled that is.
    pub status: DateStatus,
    /// From when it really bites.
    pub in_practice: Option<String>,
    /// What in it has other dates.
    pub exception: Option<String>,
}

/// When an article applies.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Application {
    /// The part of the act.
    pub group: DateGroupId,
    /// When, by route.
    pub dates: Vec<RouteDate>,
    /// How settled that is.
    pub status: DateStatus,
    /// From when it really bites.
    pub in_practice: Option<String>,
    /// What in it has other dates.
    pub exception: Option<String>,
}

/// An article, or several that are told together.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Article {
    /// `AIA-9`.
    pub id: String,
    /// `9`, or `28-39`.
    pub article: String,
    /// Its heading, in our words.
    pub title: String,
    /// Chapter and section.
    pub part: String,
    /// Whom it obliges.
    pub obliged: Vec<Role>,
    /// How near it is to a governance ledger.
    pub relevance: Relevance,
    /// When it applies.
    pub application: Application,
    /// What the amending act changed.
    #[serde(rename = "omnibus_2026_1744")]
    pub amended: Option<String>,
    /// Its duties.
    #[serde(rename = "obligations")]
    pub duties: Vec<Duty>,
    /// What the ledger can produce for it.
    #[serde(default)]
    pub ledger_can_produce: Vec<String>,
    /// What only people can say.
    #[serde(default)]
    pub only_humans_can_attest: Vec<String>,
    /// What is easily got wrong.
    #[serde(default)]
    pub traps: Vec<String>,
    /// How long something is to be kept.
    pub retention: Option<Json>,
}

/// A duty, at the level of a paragraph.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Duty {
    /// `AIA-9.1`.
    pub id: String,
    /// `9(1)`.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Whom it obliges.
    pub obliged: Vec<Role>,
    /// Whether it is a duty of an operator; others are shown for context, and
    /// never counted.
    pub assessable: bool,
    /// What is to be done, in our words.
    #[serde(rename = "duty")]
    pub text: String,
    /// How much of it the ledger can show.
    pub coverage: Coverage,
    /// What of the ledger does.
    #[serde(default)]
    pub system_evidence: SystemEvidence,
    /// What people must bring.
    #[serde(default)]
    pub human_evidence: Vec<EvidenceKind>,
    /// A remark.
    pub note: Option<String>,
}

/// What of the ledger is evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct SystemEvidence {
    /// Made of what.
    pub primitives: Vec<Primitive>,
    /// Told by which questions.
    pub queries: Vec<Query>,
}

/// A framework of controls.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Framework {
    /// Its id in the data.
    #[serde(rename = "id")]
    pub data_id: String,
    /// What it is called.
    pub name: String,
    /// Short version.
    pub version_id: String,
    /// Which version the controls are of.
    pub version: String,
    /// `law`, `industry standard` and the like.
    pub kind: String,
    /// Who keeps it.
    pub authority: String,
    /// What to know of it.
    pub status_note: String,
    /// Its controls.
    pub controls: Vec<Control>,
}

/// A control of a framework.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Control {
    /// `CC6.1`.
    pub id: String,
    /// Under which heading it stands: its category.
    pub group: String,
    /// A short title.
    pub title: String,
    /// How much of it the ledger can show.
    pub coverage: Coverage,
    /// Made of what.
    #[serde(default)]
    pub primitives: Vec<Primitive>,
    /// Told by which questions.
    #[serde(default, rename = "evidence_queries")]
    pub queries: Vec<Query>,
    /// What people must bring.
    #[serde(default)]
    pub human_evidence: Vec<EvidenceKind>,
    /// A remark.
    pub note: Option<String>,
    /// Baselines that have it.
    #[serde(default)]
    pub baselines: Vec<String>,
}

/// A day, as midnight of UTC.
fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    let day = text.parse().ok().filter(|_| text.len() == "2027-12-02".len());
    day.ok_or_else(|| D::Error::custom(format!("`{text}` is no day")))
}
