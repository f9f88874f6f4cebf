//! A reply: typed, as the JSON it was, and what its headers say.

use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use types::Json;

use crate::error::Error;

/// An answer of a node.
#[derive(Clone, Debug)]
pub struct Reply<T> {
    /// What it says.
    pub value: T,
    /// The body as it came, member by member: what signatures are over.
    pub raw: Json,
    /// What its headers say.
    pub meta: Meta,
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

/// An answer before it is understood.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) url: String,
    pub(crate) status: u16,
    pub(crate) bytes: Vec<u8>,
    pub(crate) meta: Meta,
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
