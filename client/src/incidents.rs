//! Serious incidents of AI systems, and the clocks of Article 73.

use reqwest::Method;
use serde::Deserialize;
use types::{Json, Object};

use crate::call::Call;
use crate::error::Error;
use crate::ledger::Order;
use crate::reply::Reply;
use crate::transport::Client;

/// An incident to record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewIncident {
    /// In a line.
    pub title: String,
    /// In full.
    pub description: String,
    /// `critical_infrastructure`, `widespread_infringement`, `death`,
    /// `health_harm`, `fundamental_rights` or `property_or_environment`.
    pub category: String,
    /// What else it is: the shortest clock of all that apply runs.
    pub other_categories: Vec<String>,
    /// When you came to know of it: the clock runs from the earliest awareness.
    pub aware_at: String,
    /// When the provider came to know of it.
    pub provider_aware_at: Option<String>,
    /// When the deployer did.
    pub deployer_aware_at: Option<String>,
    /// When a causal link, or that it is likely, was established.
    pub causal_link_at: Option<String>,
    /// When it happened.
    pub occurred_at: Option<String>,
    /// The system, where it is registered.
    pub system_id: Option<String>,
    /// Decisions that had to do with it.
    pub decision_ids: Vec<String>,
}

/// An incident. What is erased is absent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Incident {
    /// Its id.
    pub incident_id: String,
    /// What it is.
    pub category: String,
    /// What else it is.
    pub other_categories: Vec<String>,
    /// Days from awareness within which it must be reported.
    pub clock_days: u64,
    /// When that time is over.
    pub report_due_at: String,
    /// `open`, `reported` or `closed`.
    pub status: String,
    /// Whether that time is over, and it is open.
    pub overdue: bool,
    /// In a line.
    pub title: Option<String>,
    /// In full.
    pub description: Option<String>,
    /// When the organisation came to know of it.
    pub aware_at: Option<String>,
    /// When the provider did.
    pub provider_aware_at: Option<String>,
    /// When the deployer did.
    pub deployer_aware_at: Option<String>,
    /// When a causal link, or its likelihood, was established.
    pub causal_link_at: Option<String>,
    /// When it happened.
    pub occurred_at: Option<String>,
    /// The system, where it is registered.
    pub system_id: Option<String>,
    /// Decisions that had to do with it.
    pub decision_ids: Vec<String>,
    /// The legal hold that keeps its records.
    pub hold_id: Option<String>,
    /// Cluster time of its entry.
    pub recorded_at: String,
    /// Who was told.
    pub authority: Option<String>,
    /// What the authority calls the report.
    pub reference: Option<String>,
    /// Cluster time of the entry that says so.
    pub reported_at: Option<String>,
    /// What came of it.
    pub notes: Option<String>,
    /// Cluster time of the entry that says so.
    pub closed_at: Option<String>,
    /// The last entry about it.
    pub ledger_entry_id: u64,
    /// The last entry counted, where it was asked for.
    pub as_of_index: Option<u64>,
}

/// A page of incidents.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Incidents {
    /// In the order asked for.
    pub incidents: Vec<Incident>,
    /// On all pages, counted up to 100,000.
    pub total: u64,
    /// Whether that is all of them.
    pub total_exact: bool,
    /// Where the next page begins.
    pub next: Option<String>,
    /// The last entry counted.
    pub as_of_index: u64,
}

/// Which incidents are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncidentFilter {
    /// `open`, `reported` or `closed`.
    pub status: Option<String>,
    /// `next` of the page before.
    pub after: Option<String>,
    /// At most so many.
    pub limit: Option<u32>,
    /// Oldest or newest first.
    pub order: Order,
    /// As they stood at an entry or a time.
    pub as_of: Option<String>,
}

const INCIDENTS: [&str; 4] = ["compliance", "eu-ai-act", "article-73", "incidents"];

impl Client {
    /// Records an incident, which starts its clock and freezes its records. It is
    /// sent once unless the client has a key.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn incident_record(&self, incident: &NewIncident) -> Result<Reply<Incident>, Error> {
        let mut body = Object::new();
        body.insert("title", incident.title.as_str());
        body.insert("description", incident.description.as_str());
        body.insert("category", incident.category.as_str());
        body.insert("aware_at", incident.aware_at.as_str());
        for (name, value) in [
            ("provider_aware_at", &incident.provider_aware_at),
            ("deployer_aware_at", &incident.deployer_aware_at),
            ("causal_link_at", &incident.causal_link_at),
            ("occurred_at", &incident.occurred_at),
            ("system_id", &incident.system_id),
        ] {
            if let Some(value) = value {
                body.insert(name, value.as_str());
            }
        }
        for (name, values) in [
            ("decision_ids", &incident.decision_ids),
            ("other_categories", &incident.other_categories),
        ] {
            if !values.is_empty() {
                body.insert(name, values.clone());
            }
        }
        self.call(&Call::write(Method::POST, INCIDENTS).body(&Json::Object(body))).await
    }

    /// Says which authority was told.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn incident_report(
        &self,
        incident_id: &str,
        authority: &str,
        reference: &str,
    ) -> Result<Reply<Incident>, Error> {
        let body = Json::object([("authority", authority.into()), ("reference", reference.into())]);
        let [area, act, article, noun] = INCIDENTS;
        let path = [area, act, article, noun, incident_id, "reported"];
        self.call(&Call::write(Method::POST, path).body(&body)).await
    }

    /// Says what came of an incident.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn incident_close(
        &self,
        incident_id: &str,
        notes: &str,
    ) -> Result<Reply<Incident>, Error> {
        let body = Json::object([("notes", notes.into())]);
        let [area, act, article, noun] = INCIDENTS;
        let path = [area, act, article, noun, incident_id, "close"];
        self.call(&Call::write(Method::POST, path).body(&body)).await
    }

    /// An incident, as it stands or as it stood.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn incident(
        &self,
        incident_id: &str,
        as_of: Option<&str>,
    ) -> Result<Reply<Incident>, Error> {
        let [area, act, article, noun] = INCIDENTS;
        let call = Call::get([area, act, article, noun, incident_id]).query("as_of", as_of);
        self.call(&call).await
    }

    /// Incidents, a page of them.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn incidents(&self, filter: &IncidentFilter) -> Result<Reply<Incidents>, Error> {
        let call = Call::get(INCIDENTS)
            .query("status", filter.status.as_deref())
            .query("after", filter.after.as_deref())
            .query("limit", filter.limit)
            .query("order", (filter.order != Order::Ascending).then_some(filter.order))
            .query("as_of", filter.as_of.as_deref());
        self.call(&call).await
    }
}
