//! Policies: what is in force, and putting another in force.

use reqwest::Method;
use serde::Deserialize;
use types::{Json, Object};

use crate::call::Call;
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// Reply to `GET /policies`.
#[derive(Clone, Debug, Deserialize)]
pub struct Policies {
    /// Every version, oldest first.
    pub policies: Vec<Policy>,
    /// The one in force.
    pub active_version: u64,
    /// Its hash.
    pub policy_hash: String,
    /// Its mode.
    pub mode: String,
}

/// One version.
#[derive(Clone, Debug, Deserialize)]
pub struct Policy {
    /// 0 is the empty policy every ledger begins with.
    pub version: u64,
    /// SHA-256 of the normal form.
    pub policy_hash: String,
    /// As the document says.
    pub name: Option<String>,
    /// As the document says.
    pub document_version: Option<String>,
    /// `strict`, `permissive` or `paranoid`.
    pub mode: String,
    /// How many terms.
    pub terms_count: u64,
    /// How many relations.
    pub relations_count: u64,
    /// When it was loaded.
    pub loaded_at: Option<String>,
    /// By whom.
    pub loaded_by: Option<String>,
    /// Whether it is in force.
    pub active: bool,
    /// The entry that records the load.
    pub ledger_entry_id: Option<u64>,
    /// The normal form; only where one version was asked for.
    pub document: Option<Json>,
}

/// Which version to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// The one in force.
    Active,
    /// This one.
    Number(u64),
}

/// How a document is to be loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// Refuse unless this version is in force.
    pub expected_active_version: Option<u64>,
    /// Load although more would be allowed than before.
    pub acknowledge_widening: bool,
    /// Why, for the ledger.
    pub note: Option<String>,
}

/// Reply to a load.
#[derive(Clone, Debug, Deserialize)]
pub struct Loaded {
    /// The version now in force.
    pub policy_version: u64,
    /// Its hash.
    pub policy_hash: String,
    /// How many terms.
    pub terms_loaded: u64,
    /// How many relations.
    pub relations_loaded: u64,
    /// Its mode.
    pub mode: String,
    /// The version that was in force.
    pub previous_version: u64,
    /// What is allowed and probably not meant.
    pub warnings: Vec<Json>,
    /// The entry that records it.
    pub ledger_entry_id: u64,
}

/// Reply to a validation.
#[derive(Clone, Debug, Deserialize)]
pub struct Validation {
    /// Whether the document would be taken.
    pub valid: bool,
    /// What its hash would be.
    pub policy_hash: Option<String>,
    /// Why it would not be taken.
    pub errors: Vec<Finding>,
    /// What is allowed and probably not meant.
    pub warnings: Vec<Json>,
}

/// One thing found in a document.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Finding {
    /// JSON pointer into the document.
    pub pointer: String,
    /// What kind of finding.
    pub code: String,
    /// What is wrong, in words.
    pub detail: String,
}

impl Client {
    /// Every version.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn policies(&self) -> Result<Reply<Policies>, Error> {
        self.call(&Call::get(["policies"])).await
    }

    /// One version with its document.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn policy(&self, version: Version) -> Result<Reply<Policy>, Error> {
        let name = match version {
            Version::Active => "active".to_owned(),
            Version::Number(number) => number.to_string(),
        };
        self.call(&Call::get(["policies", &name])).await
    }

    /// Puts a document in force. It is sent once unless the client has a key.
    ///
    /// # Errors
    /// Any [`Error`]; `policy_invalid` lists every fault.
    pub async fn policy_load(
        &self,
        document: &Json,
        options: &LoadOptions,
    ) -> Result<Reply<Loaded>, Error> {
        let body = load_body(document, options);
        self.call(&Call::write(Method::POST, ["policies", "load"]).body(&body)).await
    }

    /// Whether a document would be taken.
    ///
    /// # Errors
    /// Any [`Error`]; a document that is not valid is none.
    pub async fn policy_validate(&self, document: &Json) -> Result<Reply<Validation>, Error> {
        let body = load_body(document, &LoadOptions::default());
        self.call(&Call::ask(["policies", "validate"], &body)).await
    }
}

fn load_body(document: &Json, options: &LoadOptions) -> Json {
    let mut body = Object::new();
    body.insert("policy", document.clone());
    if let Some(version) = options.expected_active_version {
        body.insert("expected_active_version", version);
    }
    if options.acknowledge_widening {
        body.insert("acknowledge_widening", true);
    }
    if let Some(note) = &options.note {
        body.insert("note", note.as_str());
    }
    Json::Object(body)
}
