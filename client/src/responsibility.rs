//! Who answers for a decision: saying so, judging it, and finding it again.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::Deserialize;
use types::{Json, Object};

use crate::call::Call;
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// Somebody who answers for a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Responsible {
    /// The decision.
    pub decision_id: String,
    /// `ai_system`, `human_operator`, `human_supervisor`, `human_executive`,
    /// `delegated` or `emergency_override`.
    pub decision_maker: String,
    /// Who, on one line of at most 255 characters.
    pub responsible_party: String,
    /// In which role, likewise.
    pub role: String,
    /// Why, at most 10,000 characters.
    pub reasoning: String,
    /// `full`, `shared`, `supervised` or `automated`.
    pub responsibility_level: String,
    /// How sure they were, 0..100.
    pub confidence_percent: Option<u32>,
    /// In whose place; required with `delegated`.
    pub delegated_from: Option<String>,
    /// Whether somebody else must look at it.
    pub review_required: bool,
}

/// What somebody else says of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponsibilityVerdict {
    /// `accepted` or `rejected`.
    pub outcome: String,
    /// And why, at most 10,000 characters.
    pub notes: String,
    /// `act_human_user:<name>`, where nobody authenticates.
    pub reviewed_by: Option<String>,
}

/// A record of who answers for a decision.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ResponsibilityRecord {
    /// Its id; that of a decision has the decision's under another prefix.
    pub record_id: String,
    /// For what.
    pub decision_id: String,
    /// As what.
    pub decision_maker: String,
    /// Who; `system` is the service itself.
    pub responsible_party: String,
    /// In which role.
    pub role: String,
    /// Why; gone once erased.
    pub reasoning: Option<String>,
    /// How much.
    pub responsibility_level: String,
    /// How sure they were.
    pub confidence_percent: Option<u32>,
    /// In whose place.
    pub delegated_from: Option<String>,
    /// The escalation that was answered.
    pub escalation_id: Option<String>,
    /// The override.
    pub override_id: Option<String>,
    /// Whether somebody else must look at it.
    pub review_required: bool,
    /// What somebody else said of it.
    pub review: Option<ResponsibilityReview>,
    /// Cluster time of the entry.
    pub timestamp: String,
    /// The entry that has it.
    pub ledger_entry_id: u64,
}

/// What somebody said of a record; all but when and where is gone once erased.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ResponsibilityReview {
    /// `accepted` or `rejected`.
    pub outcome: Option<String>,
    /// Why.
    pub notes: Option<String>,
    /// Who.
    pub reviewed_by: Option<String>,
    /// Cluster time of the entry.
    pub reviewed_at: String,
    /// The entry that has it.
    pub ledger_entry_id: u64,
}

/// Everybody who answers for a decision.
#[derive(Clone, Debug, Deserialize)]
pub struct ResponsibilityChain {
    /// The decision.
    pub decision_id: String,
    /// How many there are.
    pub chain_length: u64,
    /// The service first, then people, oldest first.
    pub records: Vec<ResponsibilityRecord>,
}

/// The same with its proof.
#[derive(Clone, Debug, Deserialize)]
pub struct LegalResponsibility {
    /// `LEGAL_RESPONSIBILITY_CHAIN`.
    pub export_type: String,
    /// The decision.
    pub decision_id: String,
    /// How many there are.
    pub chain_length: u64,
    /// The service first, then people, oldest first.
    pub responsibility_records: Vec<ResponsibilityRecord>,
    /// Who decided last.
    pub final_responsible_party: String,
    /// Whether any record is of somebody else than the service.
    pub human_in_loop: bool,
    /// Who signed the checkpoint: `{name, key_id, type, valid}`.
    pub signatures_present: Vec<Object>,
    /// The first final checkpoint that covers all of it.
    pub checkpoint: Option<String>,
}

/// What somebody answers for.
#[derive(Clone, Debug, Deserialize)]
pub struct ResponsibilityOfParty {
    /// Who was asked for.
    pub responsible_party: String,
    /// Records on all pages.
    pub decision_count: u64,
    /// The page, oldest first.
    pub records: Vec<ResponsibilityRecord>,
    /// Where the next page begins.
    pub next: Option<u64>,
}

/// Records that wait for a review.
#[derive(Clone, Debug, Deserialize)]
pub struct PendingReviews {
    /// How many wait, counted up to 100,000.
    pub pending_count: u64,
    /// The page, oldest first.
    pub records: Vec<ResponsibilityRecord>,
    /// Where the next page begins.
    pub next: Option<u64>,
}

/// Who answered for how much.
#[derive(Clone, Debug, Deserialize)]
pub struct ResponsibilityReport {
    /// As asked for.
    pub period: Period,
    /// As numbers.
    pub summary: ResponsibilitySummary,
    /// At most 10, those who are named most first.
    pub top_responsible_parties: Vec<PartyCount>,
}

/// A span of time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Period {
    /// Not earlier than this; the beginning otherwise.
    pub from: Option<String>,
    /// Earlier than this; now otherwise.
    pub to: Option<String>,
}

/// A report as numbers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ResponsibilitySummary {
    /// Decisions.
    pub total_decisions: u64,
    /// Records by who made the decision.
    pub by_decision_maker: BTreeMap<String, u64>,
    /// Records by how much it is theirs.
    pub by_responsibility_level: BTreeMap<String, u64>,
    /// Overrides.
    pub ai_overrides: u64,
    /// Overrides for a hundred decisions, rounded down.
    pub override_rate_percent: u64,
    /// Records that still wait for a review.
    pub pending_reviews: u64,
}

/// How often somebody is named.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PartyCount {
    /// Who.
    pub party: String,
    /// How often.
    pub decision_count: u64,
}

impl Client {
    /// Everybody who answers for a decision.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn responsibility_chain(
        &self,
        decision_id: &str,
    ) -> Result<Reply<ResponsibilityChain>, Error> {
        self.call(&Call::get(["responsibility", "chain", decision_id])).await
    }

    /// The same with its proof.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn responsibility_legal(
        &self,
        decision_id: &str,
    ) -> Result<Reply<LegalResponsibility>, Error> {
        self.call(&Call::get(["responsibility", "legal", decision_id])).await
    }

    /// What somebody answers for, after an entry; 100 records where `limit` is
    /// absent.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn responsibility_of(
        &self,
        party: &str,
        after: Option<u64>,
        limit: Option<u32>,
    ) -> Result<Reply<ResponsibilityOfParty>, Error> {
        let call = Call::get(["responsibility", "party", party]);
        self.call(&call.query("after", after).query("limit", limit)).await
    }

    /// Records that wait for a review, after an entry; 100 where `limit` is
    /// absent.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn responsibility_pending(
        &self,
        after: Option<u64>,
        limit: Option<u32>,
    ) -> Result<Reply<PendingReviews>, Error> {
        let call = Call::get(["responsibility", "pending-reviews"]);
        self.call(&call.query("after", after).query("limit", limit)).await
    }

    /// Who answered for how much between two times (RFC 3339, or dates).
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn responsibility_report(
        &self,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<Reply<ResponsibilityReport>, Error> {
        let call = Call::get(["responsibility", "report"]);
        self.call(&call.query("from", from).query("to", to)).await
    }

    /// Says who answers for a decision. It is sent once unless the client has a
    /// key.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn responsibility_record(
        &self,
        responsible: &Responsible,
    ) -> Result<Reply<ResponsibilityRecord>, Error> {
        let call = Call::write(Method::POST, ["responsibility", "records"]);
        self.call(&call.body(&record_body(responsible))).await
    }

    /// Says what is thought of a record. It is sent once unless the client has a
    /// key.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn responsibility_review(
        &self,
        record_id: &str,
        verdict: &ResponsibilityVerdict,
    ) -> Result<Reply<ResponsibilityRecord>, Error> {
        let mut body = Object::new();
        body.insert("outcome", verdict.outcome.as_str());
        body.insert("notes", verdict.notes.as_str());
        if let Some(by) = &verdict.reviewed_by {
            body.insert("reviewed_by", by.as_str());
        }
        let call = Call::write(Method::POST, ["responsibility", record_id, "review"]);
        self.call(&call.body(&Json::Object(body))).await
    }
}

fn record_body(responsible: &Responsible) -> Json {
    let mut body = Object::new();
    body.insert("decision_id", responsible.decision_id.as_str());
    body.insert("decision_maker", responsible.decision_maker.as_str());
    body.insert("responsible_party", responsible.responsible_party.as_str());
    body.insert("role", responsible.role.as_str());
    body.insert("reasoning", responsible.reasoning.as_str());
    body.insert("responsibility_level", responsible.responsibility_level.as_str());
    if let Some(confidence) = responsible.confidence_percent {
        body.insert("confidence_percent", confidence);
    }
    if let Some(delegated_from) = &responsible.delegated_from {
        body.insert("delegated_from", delegated_from.as_str());
    }
    if responsible.review_required {
        body.insert("review_required", true);
    }
    Json::Object(body)
}
