//! The keys that answers are checked with, and ending them.
//!
//! A rotation makes another key each time, and so is sent once. The end of a
//! key may be sent again under an idempotency key.

use reqwest::Method;
use serde::Deserialize;
use types::{Json, Object};

use crate::call::Call;
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// Reply to `GET /keys`.
#[derive(Clone, Debug, Deserialize)]
pub struct Keys {
    /// Ed25519 keys, one row each.
    pub keys: Vec<Key>,
    /// RSA keys, which only checkpoints carry.
    #[serde(default)]
    pub rsa_keys: Vec<RsaKey>,
}

/// An Ed25519 key of a node.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Key {
    /// Its id.
    pub kid: String,
    /// Base64url of its 32 bytes.
    pub x: String,
    /// What it signs: `decision`, `token`, `checkpoint`, `export`, ...
    #[serde(rename = "use")]
    pub usage: String,
    /// Whose it is; a list that lies in an export may not say.
    #[serde(default)]
    pub name: Option<String>,
    /// `active`, `retired` or `revoked`.
    pub status: String,
    /// Binds checkpoints alone.
    pub valid_from_index: Option<u64>,
    /// It vouches for no entry from here on.
    pub valid_until_index: Option<u64>,
}

/// An RSA key of a node.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RsaKey {
    /// Its id.
    pub kid: String,
    /// Base64url of its modulus.
    pub n: String,
    /// Base64url of its public exponent.
    pub e: String,
    /// Whose it is.
    #[serde(default)]
    pub name: Option<String>,
    /// `active`, `retired` or `revoked`.
    pub status: String,
    /// Binds checkpoints.
    pub valid_from_index: Option<u64>,
    /// It vouches for nothing from here on.
    pub valid_until_index: Option<u64>,
}

/// Reply to a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Rotated {
    /// The new key.
    pub key_id: String,
    /// The key that ended with it.
    pub replaces: Option<String>,
    /// What they sign.
    #[serde(rename = "use")]
    pub usage: String,
    /// Whose they are.
    pub node_id: String,
    /// The entry that says so.
    pub ledger_entry_id: u64,
}

/// Reply to the end of a key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Retired {
    /// The key.
    pub key_id: String,
    /// `retired` or `revoked`.
    pub status: String,
    /// It vouches for no entry from here on.
    pub valid_until_index: u64,
    /// The entry that says so.
    pub ledger_entry_id: u64,
}

/// Why a key ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is not needed any more; what it signed stays good.
    Retired,
    /// Somebody else may have it: nothing it ever signed counts any more.
    Compromised,
}

impl Key {
    /// The key's bytes, if it has them.
    pub fn bytes(&self) -> Option<[u8; 32]> {
        ::ledger::signature::from_text(&self.x)?.try_into().ok()
    }
}

impl Client {
    /// Every key that was ever valid.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn keys(&self) -> Result<Reply<Keys>, Error> {
        self.call(&Call::get(["keys"])).await
    }

    /// Gives the node that is asked a new key for `usage`. Ask one node: which
    /// of several is asked is up to the client.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn rotate_key(&self, usage: &str) -> Result<Reply<Rotated>, Error> {
        let body = Json::object([("use", usage.into())]);
        self.call(&Call::write(Method::POST, ["keys", "rotate"]).body(&body)).await
    }

    /// Ends a key.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn retire_key(
        &self,
        kid: &str,
        end: End,
        reason: &str,
    ) -> Result<Reply<Retired>, Error> {
        let mut body = Object::new();
        body.insert("reason", reason);
        if end == End::Compromised {
            body.insert("compromised", true);
        }
        let call = Call::write(Method::POST, ["keys", kid, "retire"]);
        self.call(&call.body(&body.into())).await
    }
}
