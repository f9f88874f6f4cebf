//! The keys that answers are checked with.

use serde::Deserialize;
use types::Json;

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
    pub rsa_keys: Vec<Json>,
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
}
