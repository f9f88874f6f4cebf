//! Risk: assessing that of a decision, and looking assessments up.

use reqwest::Method;
use serde::Deserialize;
use types::{Json, Object};

use crate::call::Call;
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// An assessment to be made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assess {
    /// The decision.
    pub decision_id: String,
    /// Any of `security`, `privacy`, `compliance`, `operational`,
    /// `reputational` and `financial`, each 0..100.
    pub dimensions: Object,
    /// How likely harm is, 0..100.
    pub likelihood: Option<u32>,
    /// How bad it would be, 1..5.
    pub impact: Option<u32>,
    /// What is done against it.
    pub mitigations: Vec<String>,
    /// The latest assessment, whose place this one takes.
    pub supersedes: Option<String>,
    /// Whatever is to be kept with it.
    pub metadata: Option<Object>,
}

/// An assessment.
#[derive(Clone, Debug, Deserialize)]
pub struct Risk {
    /// Its id.
    pub risk_id: String,
    /// Whose risk it is.
    pub decision_id: String,
    /// 1 for the first of the decision.
    pub version: u64,
    /// The one whose place it took.
    pub supersedes: Option<String>,
    /// 1..100.
    pub overall_score: u32,
    /// `low`, `medium`, `high` or `critical`.
    pub risk_level: String,
    /// As given.
    pub dimensions: Object,
    /// What the score is the weighted mean of.
    pub factors: Vec<Factor>,
    /// The escalation that came of it.
    pub escalation_id: Option<String>,
    /// Cluster time of the entry.
    pub timestamp: String,
    /// The entry that has it.
    pub ledger_entry_id: u64,
}

/// One dimension's part in a score.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Factor {
    /// `<dimension>_risk`.
    pub name: String,
    /// In percent.
    pub weight: u32,
    /// As given.
    pub value: u32,
}

/// The latest assessment of a decision, with every version.
#[derive(Clone, Debug, Deserialize)]
pub struct RiskOfDecision {
    /// The latest.
    #[serde(flatten)]
    pub risk: Risk,
    /// Every version that is not erased, oldest first.
    pub versions: Vec<Risk>,
}

/// Which assessments to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RiskFilter {
    /// Of at least this score.
    pub min_score: Option<u32>,
    /// Of this level.
    pub level: Option<String>,
    /// `next` of the page before.
    pub after: Option<String>,
    /// At most so many; 100 when absent.
    pub limit: Option<u32>,
}

/// The latest assessment of each decision, highest score first.
#[derive(Clone, Debug, Deserialize)]
pub struct Risks {
    /// The page.
    pub risks: Vec<Risk>,
    /// Matches on all pages.
    pub total: u64,
    /// Whether `total` is all of them.
    pub total_exact: bool,
    /// Where the next page begins.
    pub next: Option<String>,
}

impl Client {
    /// Assesses the risk of a decision. It is sent once unless the client has a
    /// key.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn risk_assess(&self, assess: &Assess) -> Result<Reply<Risk>, Error> {
        self.call(&Call::write(Method::POST, ["risks", "assess"]).body(&body(assess))).await
    }

    /// An assessment.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn risk(&self, risk_id: &str) -> Result<Reply<Risk>, Error> {
        self.call(&Call::get(["risks", risk_id])).await
    }

    /// The latest assessment of a decision, with every version.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn risk_of(&self, decision_id: &str) -> Result<Reply<RiskOfDecision>, Error> {
        self.call(&Call::get(["risks", "decision", decision_id])).await
    }

    /// The latest assessment of each decision, highest score first.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn risks(&self, filter: &RiskFilter) -> Result<Reply<Risks>, Error> {
        let call = Call::get(["risks"])
            .query("min_score", filter.min_score)
            .query("level", filter.level.as_ref())
            .query("after", filter.after.as_ref())
            .query("limit", filter.limit);
        self.call(&call).await
    }
}

fn body(assess: &Assess) -> Json {
    let mut body = Object::new();
    body.insert("decision_id", assess.decision_id.as_str());
    body.insert("dimensions", assess.dimensions.clone());
    for (name, value) in [("likelihood", assess.likelihood), ("impact", assess.impact)] {
        if let Some(value) = value {
            body.insert(name, value);
        }
    }
    if !assess.mitigations.is_empty() {
        body.insert("mitigations", assess.mitigations.clone());
    }
    if let Some(supersedes) = &assess.supersedes {
        body.insert("supersedes", supersedes.as_str());
    }
    if let Some(metadata) = &assess.metadata {
        body.insert("metadata", metadata.clone());
    }
    Json::Object(body)
}
