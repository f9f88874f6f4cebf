//! What is asked of the organisation, what there is for it, and what humans add.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::Deserialize;
use types::{Json, Object};

use crate::call::{Call, Effect};
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// How many come to which status.
pub type ByStatus = BTreeMap<String, u64>;

/// What a question to the ledger found, where it is evidence.
#[derive(Clone, Debug, Deserialize)]
pub struct Evidence {
    /// The question.
    pub query: String,
    /// Which meaning of it.
    pub version: u32,
    /// How many are as they have to be.
    pub count: u64,
    /// Of how many.
    pub population: u64,
    /// How many have to be.
    pub threshold: u64,
    /// `pass`, `fail` or `inconclusive`.
    pub result: String,
    /// Whether it passes.
    pub satisfied: bool,
    /// Of what was asked and found.
    pub digest: String,
}

/// Who vouched for evidence.
#[derive(Clone, Debug, Deserialize)]
pub struct Attestation {
    /// Its id.
    pub attestation_id: Option<String>,
    /// Who.
    pub attested_by: Option<String>,
    /// For what.
    pub artifact_ids: Vec<String>,
    /// When.
    pub attested_at: String,
    /// Until when; without end where there is none.
    pub valid_until: Option<String>,
    /// Whether it counts.
    pub counts: bool,
    /// The entry that says so.
    pub ledger_entry_id: u64,
}

/// How a control or duty stands.
#[derive(Clone, Debug, Deserialize)]
pub struct Standing {
    /// Its status.
    pub status: String,
    /// The finer name.
    pub status_detail: String,
    /// What questions to the ledger found.
    pub evidence: Vec<Evidence>,
    /// Kinds of evidence that people must bring.
    pub human_evidence_required: Vec<String>,
    /// What was linked.
    pub evidence_artifact_ids: Vec<String>,
    /// Who vouched for it.
    pub attestations: Vec<Attestation>,
    /// What of the ledger it is shown by.
    pub primitives: Vec<String>,
    /// What is not there, or does not pass.
    pub missing: Vec<String>,
    /// When anything was last recorded for it.
    pub last_evidence_at: Option<String>,
}

/// A control.
#[derive(Clone, Debug, Deserialize)]
pub struct Control {
    /// Its id.
    pub control_id: String,
    /// Its framework.
    pub framework: String,
    /// What it is about.
    pub title: String,
    /// Under which heading it stands.
    pub category: String,
    /// How it stands.
    #[serde(flatten)]
    pub standing: Standing,
}

/// Controls of a framework.
#[derive(Clone, Debug, Deserialize)]
pub struct Controls {
    /// The framework.
    pub framework: String,
    /// How many.
    pub count: u64,
    /// The controls.
    pub controls: Vec<Control>,
    /// The last entry counted.
    pub as_of_index: u64,
}

/// Counts of one framework.
#[derive(Clone, Debug, Deserialize)]
pub struct FrameworkCounts {
    /// The framework.
    pub framework: String,
    /// How many controls it has.
    pub total_controls: u64,
    /// Controls by status.
    pub by_status: ByStatus,
}

/// Counts by status.
#[derive(Clone, Debug, Deserialize)]
pub struct Counts {
    /// How many come to which status.
    pub by_status: ByStatus,
}

/// Counts of everything.
#[derive(Clone, Debug, Deserialize)]
pub struct Statistics {
    /// How many frameworks there are.
    pub frameworks_tracked: u64,
    /// Each of them.
    pub frameworks: Vec<FrameworkCounts>,
    /// Controls of all of them.
    pub total_controls: u64,
    /// Controls by status.
    pub by_status: ByStatus,
    /// Of a hundred controls that apply, how many have sufficient evidence.
    pub overall_coverage_percent: u64,
    /// Duties of the EU AI Act.
    pub obligations: Counts,
    /// The day the regulatory data were made.
    pub register_version: String,
    /// The last entry counted.
    pub as_of_index: u64,
}

/// A control for which something is missing.
#[derive(Clone, Debug, Deserialize)]
pub struct Gap {
    /// The control.
    pub control_id: String,
    /// What it is about.
    pub title: String,
    /// Its status.
    pub status: String,
    /// The finer name.
    pub status_detail: String,
    /// What is missing.
    pub missing: Vec<String>,
}

/// Controls for which something is missing.
#[derive(Clone, Debug, Deserialize)]
pub struct Gaps {
    /// The framework.
    pub framework: String,
    /// How many.
    pub count: u64,
    /// The controls.
    pub gaps: Vec<Gap>,
    /// The last entry counted.
    pub as_of_index: u64,
}

/// Controls of one category.
#[derive(Clone, Debug, Deserialize)]
pub struct CategoryCounts {
    /// The heading under which they stand.
    pub category: String,
    /// How many there are.
    pub total_controls: u64,
    /// They by status.
    pub by_status: ByStatus,
}

/// Counts of a framework, whole and by category.
#[derive(Clone, Debug, Deserialize)]
pub struct Coverage {
    /// The framework.
    pub framework: String,
    /// How many controls it has.
    pub total_controls: u64,
    /// Controls by status.
    pub by_status: ByStatus,
    /// The same by category, in the order of the framework.
    pub by_category: Vec<CategoryCounts>,
    /// Of a hundred controls that apply, how many have sufficient evidence.
    pub coverage_percent: u64,
    /// The last entry counted.
    pub as_of_index: u64,
}

/// Numbers of a report.
#[derive(Clone, Debug, Deserialize)]
pub struct Totals {
    /// How many controls there are.
    pub total_controls: u64,
    /// Controls by status.
    pub by_status: ByStatus,
    /// Of a hundred controls that apply, how many have sufficient evidence.
    pub coverage_percent: u64,
}

/// How a framework stands as a whole.
#[derive(Clone, Debug, Deserialize)]
pub struct FrameworkReport {
    /// The same for the same report, whichever node makes it.
    pub report_id: String,
    /// The framework.
    pub framework: String,
    /// What it is called.
    pub name: String,
    /// Which version of it.
    pub framework_version: String,
    /// The time of the last entry counted.
    pub as_of: String,
    /// As numbers.
    pub totals: Totals,
    /// What is missing.
    pub gaps: Vec<Gap>,
    /// What questions to the ledger found.
    pub evidence: Vec<Evidence>,
    /// What a report does not say.
    pub limits: String,
    /// The day the regulatory data were made.
    pub register_version: String,
    /// The last entry counted.
    pub as_of_index: u64,
}

/// A duty of the EU AI Act.
#[derive(Clone, Debug, Deserialize)]
pub struct Duty {
    /// By which evidence is linked to it.
    pub id: String,
    /// Where it stands.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The article.
    pub article: String,
    /// What is to be done.
    pub title: String,
    /// The day from which it applies; `None` where it never does.
    pub applicable_from: Option<String>,
    /// How it stands.
    #[serde(flatten)]
    pub standing: Standing,
}

/// Duties of the EU AI Act.
#[derive(Clone, Debug, Deserialize)]
pub struct Duties {
    /// The duties.
    pub obligations: Vec<Duty>,
    /// Of those that follow.
    pub summary: Counts,
    /// The day the regulatory data were made.
    pub register_version: String,
    /// The last entry counted.
    pub as_of_index: u64,
}

/// What the organisation says it is.
#[derive(Clone, Debug, Deserialize)]
pub struct Profile {
    /// Its name; `None` until it is said.
    pub organisation_name: Option<String>,
    /// What it is to AI systems.
    pub roles: Vec<String>,
    /// How the law looks at the systems it has.
    pub risk_routes: Vec<String>,
    /// Where it works.
    pub jurisdictions: Vec<String>,
    /// Frameworks it answers to; none is all of them.
    pub frameworks: Vec<String>,
    /// Why it was said.
    pub reason: Option<String>,
    /// How often it was said.
    pub version: u64,
    /// When.
    pub updated_at: Option<String>,
    /// By whom.
    pub updated_by: Option<String>,
    /// The day the regulatory data were made.
    pub register_version: String,
    /// The entry that says so.
    pub ledger_entry_id: Option<u64>,
    /// The last entry looked at.
    pub as_of_index: u64,
}

/// A profile to be said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewProfile {
    /// What the organisation is called.
    pub organisation_name: String,
    /// What it is to AI systems, such as `deployer`.
    pub roles: Vec<String>,
    /// How the law looks at the systems it has, such as `annex_iii`.
    pub risk_routes: Vec<String>,
    /// Where it works.
    pub jurisdictions: Vec<String>,
    /// Frameworks it answers to; none is all of them.
    pub frameworks: Vec<String>,
    /// Why it is said now.
    pub reason: String,
}

/// Evidence that was linked to a control.
#[derive(Clone, Debug, Deserialize)]
pub struct ControlLinked {
    /// The framework.
    pub framework: String,
    /// The control.
    pub control_id: String,
    /// The evidence.
    pub artifact_id: String,
    /// What it stands for.
    pub evidence_types: Vec<String>,
    /// Whether it was linked before.
    pub already_linked: bool,
    /// How many artifacts the control has.
    pub total_evidence_artifacts: u64,
    /// The entry that says so; `None` where it already was.
    pub ledger_entry_id: Option<u64>,
}

/// What somebody vouches for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vouch {
    /// In their words.
    pub statement: String,
    /// The evidence it rests on.
    pub artifact_ids: Vec<String>,
    /// Until when.
    pub valid_until: Option<String>,
    /// Who, where nobody authenticates.
    pub attested_by: Option<String>,
}

/// A day on which something of the EU AI Act begins.
#[derive(Clone, Debug, Deserialize)]
pub struct Day {
    /// The day.
    pub date: String,
    /// Whether it has come.
    pub is_past: bool,
    /// What of the act begins.
    pub what: Vec<String>,
    /// How many duties begin to apply to the organisation.
    pub duties: u64,
    /// Of which articles.
    pub articles: Vec<String>,
}

/// What of the EU AI Act begins when.
#[derive(Clone, Debug, Deserialize)]
pub struct Timeline {
    /// In the order of time.
    pub days: Vec<Day>,
    /// Duties that never apply to what the profile says.
    pub duties_never: u64,
    /// The last entry counted.
    pub as_of_index: u64,
}

/// What a question to the ledger found.
#[derive(Clone, Debug, Deserialize)]
pub struct QueryFound {
    /// What is evidence of it.
    #[serde(flatten)]
    pub evidence: Evidence,
    /// What was looked for.
    pub parameters: Json,
    /// First and last entry counted, and what the ledger does not tell.
    pub completeness: Json,
    /// The time of the last entry counted.
    pub last_evidence_at: Option<String>,
    /// The last entry counted; `None` within a list.
    pub as_of_index: Option<u64>,
}

/// What every question found.
#[derive(Clone, Debug, Deserialize)]
pub struct QueriesFound {
    /// In the order of the register.
    pub queries: Vec<QueryFound>,
    /// The last entry counted.
    pub as_of_index: u64,
}

/// Which of many are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// With this status.
    pub status: Option<&'a str>,
    /// Of this category, or article.
    pub group: Option<&'a str>,
    /// Up to this entry, or the last one not later than this time.
    pub as_of: Option<&'a str>,
}

const AREA: &str = "compliance";
const ACT: &str = "eu-ai-act";

impl Client {
    /// Counts of everything.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn compliance_statistics(
        &self,
        as_of: Option<&str>,
    ) -> Result<Reply<Statistics>, Error> {
        self.call(&Call::get([AREA, "statistics"]).query("as_of", as_of).long()).await
    }

    /// Controls of a framework.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn controls(
        &self,
        framework: &str,
        wanted: &Wanted<'_>,
    ) -> Result<Reply<Controls>, Error> {
        let call = Call::get([AREA, framework, "controls"])
            .query("status", wanted.status)
            .query("category", wanted.group)
            .query("as_of", wanted.as_of)
            .long();
        self.call(&call).await
    }

    /// One control.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn control(
        &self,
        framework: &str,
        control_id: &str,
        as_of: Option<&str>,
    ) -> Result<Reply<Control>, Error> {
        self.call(&Call::get([AREA, framework, control_id]).query("as_of", as_of).long()).await
    }

    /// What is missing.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn control_gaps(
        &self,
        framework: &str,
        as_of: Option<&str>,
    ) -> Result<Reply<Gaps>, Error> {
        self.call(&Call::get([AREA, framework, "gaps"]).query("as_of", as_of).long()).await
    }

    /// How many controls of a framework come to which status, by category.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn framework_coverage(
        &self,
        framework: &str,
        as_of: Option<&str>,
    ) -> Result<Reply<Coverage>, Error> {
        self.call(&Call::get([AREA, framework, "coverage"]).query("as_of", as_of).long()).await
    }

    /// How a framework stands as a whole.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn framework_report(
        &self,
        framework: &str,
        as_of: Option<&str>,
    ) -> Result<Reply<FrameworkReport>, Error> {
        self.call(&Call::get([AREA, framework, "report"]).query("as_of", as_of).long()).await
    }

    /// Duties of the EU AI Act.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn duties(&self, wanted: &Wanted<'_>) -> Result<Reply<Duties>, Error> {
        let call = Call::get([AREA, ACT])
            .query("status", wanted.status)
            .query("article", wanted.group)
            .query("as_of", wanted.as_of)
            .long();
        self.call(&call).await
    }

    /// Duties of an article, such as `article-9`, or one duty, such as `AIA-9.1`.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn duties_of(
        &self,
        article: &str,
        as_of: Option<&str>,
    ) -> Result<Reply<Duties>, Error> {
        self.call(&Call::get([AREA, ACT, article]).query("as_of", as_of).long()).await
    }

    /// What the organisation says it is.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn profile(&self, as_of: Option<&str>) -> Result<Reply<Profile>, Error> {
        self.call(&Call::get([AREA, "profile"]).query("as_of", as_of)).await
    }

    /// Says what the organisation is. It is sent once unless the client has a
    /// key: each time is another entry.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn profile_set(&self, profile: &NewProfile) -> Result<Reply<Profile>, Error> {
        let mut body = Object::new();
        body.insert("organisation_name", profile.organisation_name.as_str());
        body.insert("roles", profile.roles.clone());
        body.insert("risk_routes", profile.risk_routes.clone());
        body.insert("jurisdictions", profile.jurisdictions.clone());
        body.insert("frameworks", profile.frameworks.clone());
        body.insert("reason", profile.reason.as_str());
        let call = Call::write(Method::PUT, [AREA, "profile"]).body(&Json::Object(body));
        self.call(&call).await
    }

    /// Links evidence to a control, or to a duty of `eu-ai-act`. It may be sent
    /// twice: the second time says nothing new.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn control_link(
        &self,
        (framework, control_id): (&str, &str),
        artifact_id: &str,
        evidence_type: Option<&str>,
    ) -> Result<Reply<ControlLinked>, Error> {
        let mut body = Object::new();
        body.insert("artifact_id", artifact_id);
        if let Some(evidence_type) = evidence_type {
            body.insert("evidence_type", evidence_type);
        }
        let path = [AREA, framework, control_id, "link-evidence"];
        let call = Call::write(Method::POST, path).body(&Json::Object(body));
        self.call(&call.effect(Effect::Keyed)).await
    }

    /// Vouches for evidence that was linked. It is sent once unless the client
    /// has a key.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn control_attest(
        &self,
        framework: &str,
        control_id: &str,
        vouch: &Vouch,
    ) -> Result<Reply<Control>, Error> {
        let mut body = Object::new();
        body.insert("statement", vouch.statement.as_str());
        body.insert("artifact_ids", vouch.artifact_ids.clone());
        for (name, value) in
            [("valid_until", &vouch.valid_until), ("attested_by", &vouch.attested_by)]
        {
            if let Some(value) = value {
                body.insert(name, value.as_str());
            }
        }
        let path = [AREA, framework, control_id, "attest"];
        self.call(&Call::write(Method::POST, path).body(&Json::Object(body))).await
    }

    /// What of the EU AI Act begins when.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn compliance_timeline(&self, as_of: Option<&str>) -> Result<Reply<Timeline>, Error> {
        self.call(&Call::get([AREA, "timeline"]).query("as_of", as_of).long()).await
    }

    /// What a question to the ledger finds.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn compliance_query(
        &self,
        query: &str,
        as_of: Option<&str>,
    ) -> Result<Reply<QueryFound>, Error> {
        self.call(&Call::get([AREA, "queries", query]).query("as_of", as_of).long()).await
    }

    /// What every question finds.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn compliance_queries(
        &self,
        as_of: Option<&str>,
    ) -> Result<Reply<QueriesFound>, Error> {
        self.call(&Call::get([AREA, "queries"]).query("as_of", as_of).long()).await
    }
}
