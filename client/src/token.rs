//! Capability tokens: whether one holds now, what became of one, and ending one.
//!
//! A resource server asks [`Client::token_verify`] before it acts. One that must
//! answer without asking checks the signature and the claims with
//! [`crate::offline::verify_token`] and keys it keeps, and asks as well where a
//! revocation must count at once: only the ledger knows those.

use reqwest::Method;
use serde::Deserialize;
use types::{Json, Object};

use crate::call::Call;
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// What a token must permit. What is `None` is not asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectation {
    /// Who is acting.
    pub actor: Option<String>,
    /// What is being done.
    pub action: Option<String>,
    /// On what.
    pub resource: Option<String>,
    /// With what.
    pub tool: Option<String>,
}

impl Expectation {
    /// `actor` doing `action`.
    pub fn new(actor: impl Into<String>, action: impl Into<String>) -> Self {
        Self { actor: Some(actor.into()), action: Some(action.into()), ..Self::default() }
    }

    /// What is asked about, by the names of the contract, each with the reason
    /// where a token is for something else.
    pub(crate) fn named(&self) -> [(&'static str, Option<&str>, &'static str); 4] {
        [
            ("actor", self.actor.as_deref(), "subject_mismatch"),
            ("action", self.action.as_deref(), "action_mismatch"),
            ("resource", self.resource.as_deref(), "resource_mismatch"),
            ("tool", self.tool.as_deref(), "tool_mismatch"),
        ]
    }
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Claims {
    /// The token.
    #[serde(rename = "jti")]
    pub token_id: String,
    /// Who may act.
    #[serde(rename = "sub")]
    pub actor: String,
    /// What it may do.
    #[serde(rename = "act")]
    pub action: String,
    /// On what.
    #[serde(rename = "res")]
    pub resource: Option<String>,
    /// With what.
    pub tool: Option<String>,
    /// The decision that granted it.
    #[serde(rename = "dec")]
    pub decision_id: String,
    /// The policy that was in force.
    #[serde(rename = "pol")]
    pub policy_hash: String,
    /// Whole seconds since the epoch.
    #[serde(rename = "iat")]
    pub issued_at_seconds: u64,
    /// Whole seconds since the epoch.
    #[serde(rename = "exp")]
    pub expires_at_seconds: u64,
    /// The key that signed the text; `None` where there is no text.
    #[serde(rename = "kid")]
    pub key_id: Option<String>,
    /// The entry that granted it.
    #[serde(rename = "idx")]
    pub entry_id: u64,
    /// The cluster.
    #[serde(rename = "iss")]
    pub cluster_id: String,
}

/// Reply to the check of a token.
#[derive(Clone, Debug, Deserialize)]
pub struct TokenVerification {
    /// Whether it permits now what was expected of it.
    pub valid: bool,
    /// The first reason why not, or `ok`.
    pub reason_code: String,
    /// The token, where its signature holds.
    pub token_id: Option<String>,
    /// What it says, where its signature holds.
    pub claims: Option<Claims>,
    /// When it ends by itself.
    pub expires_at: Option<String>,
    /// When it was revoked.
    pub revoked_at: Option<String>,
}

/// A recorded token.
#[derive(Clone, Debug, Deserialize)]
pub struct Token {
    /// Its id.
    pub token_id: String,
    /// `active`, `expired` or `revoked`.
    pub status: String,
    /// What its text says.
    pub claims: Claims,
    /// When it was granted.
    pub issued_at: String,
    /// When it ends by itself.
    pub expires_at: String,
    /// When it was revoked.
    pub revoked_at: Option<String>,
    /// Who revoked it.
    pub revoked_by: Option<String>,
    /// Why.
    pub revoke_reason: Option<String>,
    /// The decision that granted it.
    pub decision_id: String,
}

/// Reply to the revocation of a token.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Revoked {
    /// The token.
    pub token_id: String,
    /// `revoked`
    pub status: String,
    /// When.
    pub revoked_at: String,
    /// The entry that says so.
    pub ledger_entry_id: u64,
}

impl Client {
    /// Whether a token permits now what is expected of it.
    ///
    /// # Errors
    /// Any [`Error`]; a token that does not is none.
    pub async fn token_verify(
        &self,
        text: &str,
        expected: &Expectation,
    ) -> Result<Reply<TokenVerification>, Error> {
        let mut body = Object::new();
        body.insert("token", text);
        for (name, expected, _) in expected.named() {
            if let Some(expected) = expected {
                body.insert(name, expected);
            }
        }
        self.call(&Call::ask(["tokens", "verify"], &body.into())).await
    }

    /// A recorded token.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn token(&self, token_id: &str) -> Result<Reply<Token>, Error> {
        self.call(&Call::get(["tokens", token_id])).await
    }

    /// Ends a token before its time.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn revoke_token(
        &self,
        token_id: &str,
        reason: &str,
    ) -> Result<Reply<Revoked>, Error> {
        let body = Json::object([("reason", reason.into())]);
        self.call(&Call::write(Method::POST, ["tokens", token_id, "revoke"]).body(&body)).await
    }
}
