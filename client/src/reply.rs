//! A reply: typed, as the JSON it was, and what its headers say.

use std::fmt;

use reqwest::header::{HeaderMap, SET_COOKIE};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use types::Json;

use crate::error::Error;

/// An answer of a node.
#[derive(Clone)]
pub struct Reply<T> {
    /// What it says.
    pub value: T,
    /// The body as it came, member by member: what signatures are over.
    pub raw: Json,
    /// What its headers say.
    pub meta: Meta,
}

impl<T: fmt::Debug> fmt::Debug for Reply<T> {
    /// Without the body: some have secrets, which are typed as such in the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Reply");
        shown.field("value", &self.value).field("meta", &self.meta).finish_non_exhaustive()
    }
}

/// What the headers of a reply say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// The node that answered.
    pub node: Option<String>,
    /// The leader it knows.
    pub leader: Option<String>,
    /// The log index it has applied: pass it to [`crate::Client::at_least`] to
    /// read a write on any node.
    pub applied_index: Option<u64>,
    /// Whether the request had been recorded before.
    pub replayed: bool,
    /// Id of the request.
    pub request_id: Option<String>,
}

impl Meta {
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let text = |name: &str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        Self {
            node: text("x-lexecon-node"),
            leader: text("x-lexecon-leader"),
            applied_index: text("x-lexecon-applied-index").and_then(|text| text.parse().ok()),
            replayed: text("idempotent-replayed").is_some_and(|text| text == "true"),
            request_id: text("x-request-id"),
        }
    }
}

/// What binds a login at a provider to whoever began it: the cookie of that
/// name, which a server gives another prefix over TLS.
pub(crate) fn binding(headers: &HeaderMap) -> Option<SecretString> {
    let cookies = headers.get_all(SET_COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.filter_map(|cookie| cookie.split(';').next());
    let mut found = pairs.filter(|pair| {
        pair.split_once('=').is_some_and(|(name, value)| {
            name.trim().ends_with("lexecon_oidc") && !value.trim().is_empty()
        })
    });
    found.next().map(|pair| SecretString::from(pair.trim()))
}

/// An answer before it is understood.
pub(crate) struct Answer {
    pub(crate) url: String,
    pub(crate) status: u16,
    pub(crate) bytes: Vec<u8>,
    pub(crate) meta: Meta,
    pub(crate) binding: Option<SecretString>,
}

impl Answer {
    pub(crate) fn into_reply<T: DeserializeOwned>(self) -> Result<Reply<T>, Error> {
        let value = serde_json::from_slice(&self.bytes);
        let value = value.map_err(|error| self.not_understood(&error))?;
        let raw = serde_json::from_slice(&self.bytes);
        let raw = raw.map_err(|error| self.not_understood(&error))?;
        Ok(Reply { value, raw, meta: self.meta })
    }

    pub(crate) fn into_text(self) -> Result<String, Error> {
        match String::from_utf8(self.bytes) {
            Ok(text) => Ok(text),
            Err(error) => Err(Error::NotUnderstood {
                url: self.url,
                status: self.status,
                why: error.to_string(),
            }),
        }
    }

    pub(crate) fn not_understood(&self, why: &dyn std::fmt::Display) -> Error {
        Error::NotUnderstood { url: self.url.clone(), status: self.status, why: why.to_string() }
    }
}
