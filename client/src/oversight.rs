//! Human oversight: interventions, emergency stops, and how it all went.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::Deserialize;
use types::{Json, Object};

use crate::call::Call;
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// What a human did about what a machine proposed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Intervention {
    /// `approval`, `override`, `escalation`, `emergency_stop`,
    /// `policy_exception` or `manual_review`.
    pub intervention_type: String,
    /// What the machine proposed, with `confidence` from 0 to 1.
    pub ai_recommendation: Object,
    /// What the human decided.
    pub human_decision: Object,
    /// As what, such as `risk_manager`.
    pub human_role: String,
    /// Why.
    pub reason: String,
    /// Who, where nobody authenticates.
    pub human_id: Option<String>,
    /// The decision it was about.
    pub decision_id: Option<String>,
    /// What the machine had been asked.
    pub request_context: Option<Object>,
    /// How long the human took.
    pub response_time_ms: Option<u64>,
    /// SHA-256 in hex of what the human was shown.
    pub display_digest: Option<String>,
    /// What an emergency stop stops; everything when absent.
    pub stop: Option<StopScope>,
}

/// What is stopped: without any member, everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StopScope {
    /// An actor, or `prefix:*`.
    pub actor: Option<String>,
    /// An action, or `prefix:*`.
    pub action: Option<String>,
}

/// Where an intervention is recorded.
#[derive(Clone, Debug, Deserialize)]
pub struct Intervened {
    /// Its id.
    pub intervention_id: String,
    /// The stop it set.
    pub stop_id: Option<String>,
    /// Cluster time of the entry.
    pub timestamp: String,
    /// The entry that has it.
    pub ledger_entry_id: u64,
    /// Hash of that entry.
    pub ledger_entry_hash: String,
}

/// Whether an intervention is recorded as somebody has it.
#[derive(Clone, Debug, Deserialize)]
pub struct InterventionVerification {
    /// `None` where something is erased and nothing else differs.
    pub verified: Option<bool>,
    /// Its id.
    pub intervention_id: String,
    /// Members that are not as recorded.
    pub mismatched_fields: Vec<String>,
    /// Members that have been erased.
    pub erased_fields: Vec<String>,
    /// `None` where no signature was sent.
    pub signature_valid: Option<bool>,
    /// The entry that has it.
    pub ledger_entry_id: u64,
}

/// A stop that was lifted.
#[derive(Clone, Debug, Deserialize)]
pub struct StopLifted {
    /// The stop.
    pub stop_id: String,
    /// `lifted`.
    pub status: String,
    /// The entry that says so.
    pub ledger_entry_id: u64,
}

/// How human oversight went.
#[derive(Clone, Debug, Deserialize)]
pub struct Effectiveness {
    /// Days counted.
    pub period_days: u32,
    /// Interventions, erased ones among them.
    pub total_interventions: u64,
    /// By what they were and by role.
    pub intervention_breakdown: Breakdown,
    /// Where the human decided otherwise than the machine proposed.
    pub overrides: u64,
    /// Where the human decided the same.
    pub approvals: u64,
    /// `None` where there is neither.
    pub override_rate_percent: Option<u64>,
    /// How long humans took.
    pub response_time_ms: ResponseTimes,
    /// What became of questions to humans.
    pub escalations: EscalationFigures,
    /// What was answered.
    pub resolution_outcomes: BTreeMap<String, u64>,
    /// `partial`, `needs_human_evidence` or `insufficient`.
    pub status: String,
    /// The finer name.
    pub status_detail: String,
    /// What a reader of the figures must know.
    pub findings: Vec<String>,
    /// The last entry counted.
    pub as_of_index: u64,
}

/// Interventions that are not erased.
#[derive(Clone, Debug, Deserialize)]
pub struct Breakdown {
    /// By what they were.
    pub by_type: BTreeMap<String, u64>,
    /// By role.
    pub by_role: BTreeMap<String, u64>,
}

/// Times in milliseconds; `None` where none is told.
#[derive(Clone, Debug, Deserialize)]
pub struct ResponseTimes {
    /// Mean, rounded down.
    pub average: Option<u64>,
    /// Least.
    pub minimum: Option<u64>,
    /// Greatest.
    pub maximum: Option<u64>,
}

/// What became of escalations.
#[derive(Clone, Debug, Deserialize)]
pub struct EscalationFigures {
    /// Made in the period.
    pub created: u64,
    /// Answered in the period.
    pub resolved: u64,
    /// Ended without an answer.
    pub expired: u64,
    /// Of those that ended, answered in time.
    pub within_sla_percent: Option<u64>,
}

const EU_AI_ACT: [&str; 3] = ["compliance", "eu-ai-act", "article-14"];

impl Client {
    /// Records an intervention. It is sent once unless the client has a key.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn intervene(&self, what: &Intervention) -> Result<Reply<Intervened>, Error> {
        let [area, act, article] = EU_AI_ACT;
        let path = [area, act, article, "intervention"];
        self.call(&Call::write(Method::POST, path).body(&body(what))).await
    }

    /// Asks whether an intervention is recorded as `members` have it, of which
    /// `intervention_id` must be one.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn intervention_verify(
        &self,
        members: Object,
    ) -> Result<Reply<InterventionVerification>, Error> {
        let [area, act, article] = EU_AI_ACT;
        self.call(&Call::ask([area, act, article, "verify"], &Json::Object(members))).await
    }

    /// Lifts an emergency stop. It is sent once unless the client has a key: a
    /// stop is lifted once, and whoever is refused a second time knows that.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn stop_lift(
        &self,
        stop_id: &str,
        reason: &str,
        lifted_by: Option<&str>,
    ) -> Result<Reply<StopLifted>, Error> {
        let mut body = Object::new();
        body.insert("reason", reason);
        if let Some(lifted_by) = lifted_by {
            body.insert("lifted_by", lifted_by);
        }
        let [area, act, article] = EU_AI_ACT;
        let path = [area, act, article, "stops", stop_id, "lift"];
        self.call(&Call::write(Method::POST, path).body(&Json::Object(body))).await
    }

    /// How human oversight went in the last days.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn oversight_effectiveness(
        &self,
        period_days: Option<u32>,
        as_of: Option<&str>,
    ) -> Result<Reply<Effectiveness>, Error> {
        let [area, act, article] = EU_AI_ACT;
        let call = Call::get([area, act, article, "effectiveness"])
            .query("period_days", period_days)
            .query("as_of", as_of)
            .long();
        self.call(&call).await
    }
}

fn body(what: &Intervention) -> Json {
    let mut body = Object::new();
    body.insert("intervention_type", what.intervention_type.as_str());
    body.insert("ai_recommendation", what.ai_recommendation.clone());
    body.insert("human_decision", what.human_decision.clone());
    body.insert("human_role", what.human_role.as_str());
    body.insert("reason", what.reason.as_str());
    for (name, value) in [
        ("human_id", &what.human_id),
        ("decision_id", &what.decision_id),
        ("display_digest", &what.display_digest),
    ] {
        if let Some(value) = value {
            body.insert(name, value.as_str());
        }
    }
    if let Some(context) = &what.request_context {
        body.insert("request_context", context.clone());
    }
    if let Some(time) = what.response_time_ms {
        body.insert("response_time_ms", time);
    }
    if let Some(scope) = &what.stop {
        let mut stop = Object::new();
        for (name, value) in [("actor", &scope.actor), ("action", &scope.action)] {
            if let Some(value) = value {
                stop.insert(name, value.as_str());
            }
        }
        body.insert("stop", stop);
    }
    Json::Object(body)
}
