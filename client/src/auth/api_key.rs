//! Keys of programs.

use reqwest::Method;
use secrecy::SecretString;
use serde::Deserialize;
use types::Object;

use super::{Ended, maybe_secret};
use crate::call::Call;
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// A key to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewApiKey {
    /// For people.
    pub name: String,
    /// Actors it may act as: names, beginnings of names up to a `:`, or `*`.
    pub actor_prefixes: Vec<String>,
    /// What else it may do.
    pub permissions: Vec<String>,
    /// From then on it is not valid.
    pub expires_at: Option<String>,
}

/// A key, by a handle that is no credential.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ApiKey {
    /// The handle.
    pub key_id: String,
    /// As it was given.
    pub name: String,
    /// Actors it may act as.
    pub actor_prefixes: Vec<String>,
    /// What else it may do.
    pub permissions: Vec<String>,
    /// `active`, `expired` or `revoked`.
    pub status: Option<String>,
    /// When it was made.
    pub created_at: Option<String>,
    /// From then on it is not valid.
    pub expires_at: Option<String>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<String>,
    /// The entry that made it; once it is revoked, that.
    pub ledger_entry_id: Option<u64>,
}

/// A key that was made.
#[derive(Clone, Debug, Deserialize)]
pub struct MadeApiKey {
    /// The credential, told once; `None` where the request was repeated.
    #[serde(default, deserialize_with = "maybe_secret")]
    pub api_key: Option<SecretString>,
    /// What it is.
    #[serde(flatten)]
    pub key: ApiKey,
}

/// Keys.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ApiKeys {
    /// Oldest first, those that ended among them.
    pub api_keys: Vec<ApiKey>,
    /// How many there are on all pages.
    pub total: u64,
    /// Whether `total` is all of them.
    pub total_exact: bool,
    /// Where the next page begins.
    pub next: Option<String>,
}

impl Client {
    /// Makes a key for a program. It is sent once: a repeated request would not
    /// be told the key.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn api_key_create(&self, new: &NewApiKey) -> Result<Reply<MadeApiKey>, Error> {
        let mut body = Object::new();
        body.insert("name", new.name.as_str());
        body.insert("actor_prefixes", new.actor_prefixes.clone());
        if !new.permissions.is_empty() {
            body.insert("permissions", new.permissions.clone());
        }
        if let Some(end) = &new.expires_at {
            body.insert("expires_at", end.as_str());
        }
        let call = Call::write(Method::POST, ["auth", "api-keys"]).body(&body.into());
        self.call_secret(&call).await
    }

    /// A page of keys, oldest first.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn api_keys(
        &self,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Reply<ApiKeys>, Error> {
        let call = Call::get(["auth", "api-keys"]).query("after", after).query("limit", limit);
        self.call(&call).await
    }

    /// Ends a key, by its handle.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn revoke_api_key(&self, key_id: &str) -> Result<Reply<Ended>, Error> {
        self.call(&Call::write(Method::DELETE, ["auth", "api-keys", key_id])).await
    }
}
