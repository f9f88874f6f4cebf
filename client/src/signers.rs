//! Those outside the cluster whose keys sign evidence.

use reqwest::Method;
use serde::Deserialize;
use types::{Json, Object};

use crate::call::Call;
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// A signer of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Signer {
    /// Names the key in signatures.
    pub key_id: String,
    /// What the signer is called; absent once erased.
    pub name: Option<String>,
    /// Whose it is; absent once erased.
    pub owner: Option<String>,
    /// Ed25519, base64url.
    pub public_key: String,
    /// `active` or `revoked`.
    pub status: String,
    /// Cluster time of the entry that registered it.
    pub registered_at: String,
    /// The entry that registered it; once it is revoked, that.
    pub ledger_entry_id: u64,
}

/// A page of signers.
#[derive(Clone, Debug, Deserialize)]
pub struct Signers {
    /// Oldest first.
    pub signers: Vec<Signer>,
    /// On all pages.
    pub total: u64,
    /// Whether `total` is all of them.
    pub total_exact: bool,
    /// Where the next page begins.
    pub next: Option<String>,
}

impl Client {
    /// Publishes the key of a signer: 32 bytes in base64url. `owner` is told
    /// where nobody authenticates. It is sent once unless the client has a key.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn signer_register(
        &self,
        name: &str,
        public_key: &str,
        owner: Option<&str>,
    ) -> Result<Reply<Signer>, Error> {
        let mut body = Object::new();
        body.insert("name", name);
        body.insert("public_key", public_key);
        if let Some(owner) = owner {
            body.insert("owner", owner);
        }
        self.call(&Call::write(Method::POST, ["keys", "signers"]).body(&body.into())).await
    }

    /// Signers, oldest first.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn signers(
        &self,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Reply<Signers>, Error> {
        let call = Call::get(["keys", "signers"]).query("after", after).query("limit", limit);
        self.call(&call).await
    }

    /// Ends the key of a signer. What it signed before stays signed.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn signer_revoke(&self, key_id: &str, reason: &str) -> Result<Reply<Signer>, Error> {
        let body = Json::object([("reason", reason.into())]);
        let call = Call::write(Method::POST, ["keys", "signers", key_id, "revoke"]).body(&body);
        self.call(&call).await
    }
}
