//! Overrides: a human's decision in the place of the policy's.

use reqwest::Method;
use serde::Deserialize;
use types::{Json, Object};

use crate::call::Call;
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// An override to be made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Execute {
    /// The decision.
    pub decision_id: String,
    /// `emergency_bypass`, `executive_override`, `time_limited_exception` or
    /// `risk_accepted`.
    pub override_type: String,
    /// Who answers for it, where nobody authenticates.
    pub authorized_by: Option<String>,
    /// Why, 20..10,000 characters.
    pub justification: String,
    /// What the decision is taken to come to: `denied` or `escalated`.
    pub original_outcome: Option<String>,
    /// `approved` or `conditional`.
    pub new_outcome: Option<String>,
    /// When it ends.
    pub expires_at: Option<String>,
    /// For what it is.
    pub scope: Scope,
    /// What it rests on.
    pub evidence_ids: Vec<String>,
    /// Whatever is to be kept with it.
    pub metadata: Option<Object>,
}

/// For what an override is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Scope {
    /// Whether the first token uses it up.
    pub is_one_time: Option<bool>,
    /// The actor of the decision.
    pub applies_to_actor: Option<String>,
    /// The policy of the decision.
    pub applies_to_policy: Option<String>,
}

/// What a second person says of an override.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Say {
    /// `upheld` or `reversed`.
    pub verdict: String,
    /// Why.
    pub notes: String,
    /// Who says it, where nobody authenticates.
    pub reviewed_by: Option<String>,
}

/// An override.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Override {
    /// Its id.
    pub override_id: String,
    /// The decision in whose place it stands.
    pub decision_id: String,
    /// On what ground.
    pub override_type: String,
    /// Who answers for it.
    pub authorized_by: String,
    /// In which role.
    pub authorized_role: String,
    /// Why; `None` once erased.
    pub justification: Option<String>,
    /// What the decision came to before it.
    pub original_outcome: String,
    /// `approved` or `conditional`.
    pub new_outcome: String,
    /// Cluster time of the entry.
    pub timestamp: String,
    /// When it ends by itself.
    pub expires_at: Option<String>,
    /// For what it is.
    pub scope: Scope,
    /// `active`, `consumed`, `expired`, `reversed` or `lapsed`.
    pub status: String,
    /// By when a second person must have reviewed it.
    pub review_required_by: String,
    /// What that person said.
    pub review: Option<Review>,
    /// What it rests on.
    pub evidence_ids: Vec<String>,
    /// As given; `None` once erased.
    pub metadata: Option<Object>,
    /// The entry that has it.
    pub ledger_entry_id: u64,
}

/// A review.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Review {
    /// `upheld` or `reversed`.
    pub verdict: String,
    /// Who said so; `None` once erased.
    pub reviewed_by: Option<String>,
    /// When.
    pub reviewed_at: String,
    /// Why; `None` once erased.
    pub notes: Option<String>,
    /// The entry that says so.
    pub ledger_entry_id: u64,
}

/// The overrides of a decision.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct OverridesOfDecision {
    /// The decision.
    pub decision_id: String,
    /// How many there are.
    pub count: u64,
    /// Those that are not erased, oldest first.
    pub overrides: Vec<Override>,
}

/// Whether a decision is overridden now.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ActiveOverride {
    /// The decision.
    pub decision_id: String,
    /// Whether an override is active.
    pub is_overridden: bool,
    /// The newest that is.
    #[serde(rename = "override")]
    pub active: Option<Override>,
}

/// Overrides that nobody has reviewed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct PendingReviews {
    /// Most overdue first.
    pub overrides: Vec<Override>,
    /// How many there are on all pages.
    pub total: u64,
    /// Whether `total` is all of them.
    pub total_exact: bool,
    /// Where the next page begins.
    pub next: Option<String>,
}

impl Client {
    /// Decides in the place of the policy. It is sent once unless the client has
    /// a key.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn override_execute(&self, execute: &Execute) -> Result<Reply<Override>, Error> {
        let call = Call::write(Method::POST, ["overrides", "execute"]);
        self.call(&call.body(&body(execute))).await
    }

    /// Says, as a second person, whether an override was right.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn override_review(
        &self,
        override_id: &str,
        say: &Say,
    ) -> Result<Reply<Override>, Error> {
        let mut body = Object::new();
        body.insert("verdict", say.verdict.as_str());
        body.insert("notes", say.notes.as_str());
        put(&mut body, "reviewed_by", say.reviewed_by.as_ref());
        let call = Call::write(Method::POST, ["overrides", override_id, "review"]);
        self.call(&call.body(&body.into())).await
    }

    /// An override.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn override_of(&self, override_id: &str) -> Result<Reply<Override>, Error> {
        self.call(&Call::get(["overrides", override_id])).await
    }

    /// The overrides of a decision, oldest first.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn overrides_of(
        &self,
        decision_id: &str,
    ) -> Result<Reply<OverridesOfDecision>, Error> {
        self.call(&Call::get(["overrides", "decision", decision_id])).await
    }

    /// Whether a decision is overridden now.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn override_active(&self, decision_id: &str) -> Result<Reply<ActiveOverride>, Error> {
        self.call(&Call::get(["overrides", "decision", decision_id, "active"])).await
    }

    /// A page of overrides that nobody has reviewed, most overdue first.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn pending_reviews(
        &self,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Reply<PendingReviews>, Error> {
        let call =
            Call::get(["overrides", "pending-reviews"]).query("after", after).query("limit", limit);
        self.call(&call).await
    }
}

fn put(body: &mut Object, name: &str, value: Option<&String>) {
    if let Some(value) = value {
        body.insert(name, value.as_str());
    }
}

fn body(execute: &Execute) -> Json {
    let mut body = Object::new();
    body.insert("decision_id", execute.decision_id.as_str());
    body.insert("override_type", execute.override_type.as_str());
    body.insert("justification", execute.justification.as_str());
    put(&mut body, "authorized_by", execute.authorized_by.as_ref());
    put(&mut body, "original_outcome", execute.original_outcome.as_ref());
    put(&mut body, "new_outcome", execute.new_outcome.as_ref());
    put(&mut body, "expires_at", execute.expires_at.as_ref());
    let mut scope = Object::new();
    if let Some(is_one_time) = execute.scope.is_one_time {
        scope.insert("is_one_time", is_one_time);
    }
    put(&mut scope, "applies_to_actor", execute.scope.applies_to_actor.as_ref());
    put(&mut scope, "applies_to_policy", execute.scope.applies_to_policy.as_ref());
    if !scope.is_empty() {
        body.insert("scope", scope);
    }
    if !execute.evidence_ids.is_empty() {
        body.insert("evidence_ids", execute.evidence_ids.clone());
    }
    if let Some(metadata) = &execute.metadata {
        body.insert("metadata", metadata.clone());
    }
    Json::Object(body)
}
