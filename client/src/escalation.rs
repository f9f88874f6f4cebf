//! Escalations: questions to humans about decisions, and their answers.

use reqwest::Method;
use serde::Deserialize;
use types::{Json, Object};

use crate::call::Call;
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// An escalation to be raised.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Escalate {
    /// The decision.
    pub decision_id: String,
    /// `risk_threshold`, `policy_conflict`, `explicit_rule`, `actor_request` or
    /// `anomaly_detected`.
    pub trigger: String,
    /// Who is asked: 1..50 ids `act_human_user:<name>`.
    pub escalated_to: Vec<String>,
    /// `low`, `medium`, `high` or `critical`; by the trigger if absent.
    pub priority: Option<String>,
    /// What it is about.
    pub context_summary: Option<String>,
    /// Whatever is to be kept with it.
    pub metadata: Option<Object>,
}

/// An escalation.
#[derive(Clone, Debug, Deserialize)]
pub struct Escalation {
    /// Its id.
    pub escalation_id: String,
    /// What it is about.
    pub decision_id: String,
    /// Why a human is asked.
    pub trigger: String,
    /// How soon.
    pub priority: String,
    /// `pending`, `acknowledged`, `resolved` or `expired`.
    pub status: String,
    /// Who is asked.
    pub escalated_to: Vec<String>,
    /// What it is about, in words.
    pub context_summary: Option<String>,
    /// What an approval is bound to.
    pub action_digest: Option<String>,
    /// When it was raised.
    pub created_at: String,
    /// When it expires unanswered.
    pub sla_deadline: String,
    /// When somebody said that he looks.
    pub acknowledged_at: Option<String>,
    /// Who.
    pub acknowledged_by: Option<String>,
    /// When it was answered.
    pub resolved_at: Option<String>,
    /// The answer.
    pub resolution: Option<Resolution>,
    /// Whether it came by itself.
    pub auto: bool,
    /// The assessment that brought it.
    pub risk_id: Option<String>,
    /// What was kept with it.
    pub metadata: Option<Object>,
    /// The entry that has it.
    pub ledger_entry_id: u64,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Resolution {
    /// `approved`, `denied` or `deferred`.
    pub outcome: String,
    /// Who answered.
    pub resolved_by: Option<String>,
    /// Why.
    pub notes: Option<String>,
}

/// Which escalations to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EscalationFilter {
    /// That are so now.
    pub status: Option<String>,
    /// Of this priority.
    pub priority: Option<String>,
    /// Of this decision.
    pub decision_id: Option<String>,
    /// `next` of the page before.
    pub after: Option<u64>,
    /// At most so many; 100 when absent.
    pub limit: Option<u32>,
    /// `asc` or `desc`.
    pub order: Option<String>,
}

/// A page of escalations.
#[derive(Clone, Debug, Deserialize)]
pub struct Escalations {
    /// The page.
    pub escalations: Vec<Escalation>,
    /// Matches on all pages.
    pub total: u64,
    /// Whether `total` is all of them.
    pub total_exact: bool,
    /// Where the next page begins.
    pub next: Option<u64>,
}

/// A page of escalations that nobody answered in time.
#[derive(Clone, Debug, Deserialize)]
pub struct Violations {
    /// How many there are.
    pub count: u64,
    /// Oldest deadline first.
    pub violations: Vec<Escalation>,
    /// Where the next page begins.
    pub next: Option<String>,
}

impl Client {
    /// Asks humans about a decision. It is sent once unless the client has a
    /// key.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn escalate(&self, escalate: &Escalate) -> Result<Reply<Escalation>, Error> {
        let body = body(escalate);
        self.call(&Call::write(Method::POST, ["escalations", "create"]).body(&body)).await
    }

    /// Says that one looks. `by` is for clusters where nobody authenticates.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn escalation_acknowledge(
        &self,
        escalation_id: &str,
        by: Option<&str>,
    ) -> Result<Reply<Escalation>, Error> {
        let mut body = Object::new();
        if let Some(by) = by {
            body.insert("acknowledged_by", by);
        }
        let call = Call::write(Method::POST, ["escalations", escalation_id, "acknowledge"]);
        self.call(&call.body(&Json::Object(body))).await
    }

    /// Answers: `approved`, `denied` or `deferred`, and why. `by` is for clusters
    /// where nobody authenticates.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn escalation_resolve(
        &self,
        escalation_id: &str,
        outcome: &str,
        notes: &str,
        by: Option<&str>,
    ) -> Result<Reply<Escalation>, Error> {
        let mut body = Object::new();
        body.insert("outcome", outcome);
        body.insert("notes", notes);
        if let Some(by) = by {
            body.insert("resolved_by", by);
        }
        let call = Call::write(Method::POST, ["escalations", escalation_id, "resolve"]);
        self.call(&call.body(&Json::Object(body))).await
    }

    /// An escalation as it stands.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn escalation(&self, escalation_id: &str) -> Result<Reply<Escalation>, Error> {
        self.call(&Call::get(["escalations", escalation_id])).await
    }

    /// A page of escalations.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn escalations(
        &self,
        filter: &EscalationFilter,
    ) -> Result<Reply<Escalations>, Error> {
        let call = Call::get(["escalations"])
            .query("status", filter.status.as_ref())
            .query("priority", filter.priority.as_ref())
            .query("decision_id", filter.decision_id.as_ref())
            .query("after", filter.after)
            .query("limit", filter.limit)
            .query("order", filter.order.as_ref());
        self.call(&call).await
    }

    /// Escalations that nobody answered in time, oldest deadline first.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn escalation_violations(
        &self,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Reply<Violations>, Error> {
        let call = Call::get(["escalations", "sla", "violations"])
            .query("after", after)
            .query("limit", limit);
        self.call(&call).await
    }
}

fn body(escalate: &Escalate) -> Json {
    let mut body = Object::new();
    body.insert("decision_id", escalate.decision_id.as_str());
    body.insert("trigger", escalate.trigger.as_str());
    body.insert("escalated_to", escalate.escalated_to.clone());
    if let Some(priority) = &escalate.priority {
        body.insert("priority", priority.as_str());
    }
    if let Some(summary) = &escalate.context_summary {
        body.insert("context_summary", summary.as_str());
    }
    if let Some(metadata) = &escalate.metadata {
        body.insert("metadata", metadata.clone());
    }
    Json::Object(body)
}
