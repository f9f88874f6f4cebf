//! Evidence: keeping it, saying what it is about, signing it, finding it again.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde::Deserialize;
use types::{Json, Object};

use crate::call::Call;
use crate::decision::new_request_id;
use crate::error::Error;
use crate::ledger::Order;
use crate::reply::Reply;
use crate::transport::Client;

/// A piece of evidence to keep.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Register {
    /// `decision_log`, `policy_snapshot`, `context_capture`, `screenshot`,
    /// `attestation`, `signature`, `audit_trail` or `external_report`.
    pub artifact_type: String,
    /// The thing itself, at most 16 MiB.
    pub content: Vec<u8>,
    /// Where it comes from.
    pub source: String,
    /// Its media type.
    pub content_type: Option<String>,
    /// Decisions it is about.
    pub related_decision_ids: Vec<String>,
    /// Controls it bears on, such as `soc2:CC6.1`.
    pub related_control_ids: Vec<String>,
    /// Where else it is kept.
    pub storage_uri: Option<String>,
    /// How long to keep it; 0 for ever, absent as is usual for its type.
    pub retention_days: Option<u32>,
    /// Who registers it, where nobody authenticates.
    pub registered_by: Option<String>,
    /// Whatever is to be kept with it.
    pub metadata: Option<Object>,
}

/// A piece of evidence. What is erased of it is absent.
#[derive(Clone, Debug, Deserialize)]
pub struct Artifact {
    /// Its id.
    pub artifact_id: String,
    /// What kind of thing it is.
    pub artifact_type: String,
    /// Of its content.
    pub sha256_hash: Option<String>,
    /// Of its content.
    pub size_bytes: Option<u64>,
    /// Its media type, as told.
    pub content_type: Option<String>,
    /// Where it comes from.
    pub source: Option<String>,
    /// Cluster time of the entry.
    pub created_at: String,
    /// When it may go.
    pub retention_until: Option<String>,
    /// Where else it is kept.
    pub storage_uri: Option<String>,
    /// Decisions it is about.
    pub related_decision_ids: Vec<String>,
    /// Controls it bears on.
    pub related_control_ids: Vec<String>,
    /// Signatures on it.
    pub signatures: Vec<Signature>,
    /// Where its content is.
    pub content_url: String,
    /// Who registered it.
    pub registered_by: Option<String>,
    /// As it was given.
    pub metadata: Option<Object>,
    /// The entry that has it.
    pub ledger_entry_id: u64,
}

/// A signature on a piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Signature {
    /// The signer's key.
    pub key_id: String,
    /// What the signer is called.
    pub signer: Option<String>,
    /// `Ed25519`.
    pub algorithm: String,
    /// Base64url.
    pub signature: String,
    /// Cluster time of the entry.
    pub signed_at: String,
}

/// Reply to a link.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Linked {
    /// The artifact.
    pub artifact_id: String,
    /// The decision.
    pub decision_id: String,
    /// Whether it was linked before, and nothing was recorded.
    pub already_linked: bool,
    /// Every decision it is about.
    pub related_decision_ids: Vec<String>,
    /// The entry that says so.
    pub ledger_entry_id: Option<u64>,
}

/// What is compared with what was registered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Against {
    /// What is stored now, hashed again.
    #[default]
    Stored,
    /// This content.
    Content(Vec<u8>),
    /// This digest in hex.
    Sha256(String),
}

/// Reply to a verification.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Verified {
    /// The artifact.
    pub artifact_id: String,
    /// Whether both are the same.
    pub is_valid: bool,
    /// What was registered.
    pub stored_hash: String,
    /// What it was compared with.
    pub computed_hash: Option<String>,
}

/// Reply to a signature.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Signed {
    /// The artifact.
    pub artifact_id: String,
    /// The signer's key.
    pub key_id: String,
    /// What the signer is called.
    pub signer: Option<String>,
    /// Cluster time of the entry.
    pub signed_at: String,
    /// The entry that says so.
    pub ledger_entry_id: u64,
}

/// The evidence of a decision.
#[derive(Clone, Debug, Deserialize)]
pub struct OfDecision {
    /// The decision.
    pub decision_id: String,
    /// How many artifacts there are.
    pub count: u64,
    /// Oldest first.
    pub artifacts: Vec<Artifact>,
}

/// The evidence of a decision with all that was recorded of it.
#[derive(Clone, Debug, Deserialize)]
pub struct Lineages {
    /// The decision.
    pub decision_id: String,
    /// How many artifacts there are.
    pub count: u64,
    /// Oldest first.
    pub artifacts: Vec<Lineage>,
}

/// An artifact with all that was recorded of it.
#[derive(Clone, Debug, Deserialize)]
pub struct Lineage {
    /// The artifact.
    #[serde(flatten)]
    pub artifact: Artifact,
    /// What it was linked to later.
    pub links: Vec<Link>,
    /// Every entry about it, oldest first.
    pub entries: Vec<Entry>,
}

/// A link that was made later.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Link {
    /// The decision.
    pub decision_id: String,
    /// Why.
    pub note: Option<String>,
    /// Cluster time of the entry.
    pub linked_at: String,
    /// The entry that says so.
    pub ledger_entry_id: u64,
}

/// An entry about an artifact.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// Place in the ledger.
    pub id: u64,
    /// What it records.
    pub entry_type: String,
    /// Cluster time.
    pub timestamp: String,
    /// The leaf of the tree.
    pub current_hash: String,
}

/// Which artifacts to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArtifactFilter {
    /// Of this type.
    pub artifact_type: Option<String>,
    /// From this source.
    pub source: Option<String>,
    /// Not earlier than this.
    pub from: Option<String>,
    /// Earlier than this.
    pub to: Option<String>,
    /// `next` of the page before.
    pub after: Option<u64>,
    /// At most so many; 100 when absent.
    pub limit: Option<u32>,
    /// Which end to begin at.
    pub order: Order,
}

/// A page of artifacts.
#[derive(Clone, Debug, Deserialize)]
pub struct Artifacts {
    /// The page.
    pub artifacts: Vec<Artifact>,
    /// Matches on all pages.
    pub total: u64,
    /// Whether `total` is all of them.
    pub total_exact: bool,
    /// Where the next page begins.
    pub next: Option<u64>,
}

/// How much evidence there is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Statistics {
    /// Artifacts that are not erased.
    pub total_artifacts: u64,
    /// Bytes of their contents.
    pub total_size_bytes: u64,
    /// How many there are, by type.
    pub artifact_types: BTreeMap<String, u64>,
    /// Bytes of contents, by type.
    pub size_bytes_by_type: BTreeMap<String, u64>,
    /// That somebody signed.
    pub signed_artifacts: u64,
    /// Decisions that have any.
    pub decisions_with_evidence: u64,
    /// Controls that have any.
    pub controls_with_evidence: u64,
}

impl Client {
    /// Keeps a piece of evidence. It is sent under the client's key, else under
    /// one that is drawn for it, so that what was cut off is gone on with.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn evidence_register(&self, register: &Register) -> Result<Reply<Artifact>, Error> {
        let keyed = match self.has_key() {
            true => self.clone(),
            false => self.with_key(&new_request_id()?)?,
        };
        let call = Call::write(Method::POST, ["evidence", "register"]).body(&body(register));
        keyed.call(&call).await
    }

    /// Says that an artifact is about a decision.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn evidence_link(
        &self,
        artifact_id: &str,
        decision_id: &str,
        note: Option<&str>,
    ) -> Result<Reply<Linked>, Error> {
        let mut body = Object::new();
        body.insert("artifact_id", artifact_id);
        body.insert("decision_id", decision_id);
        if let Some(note) = note {
            body.insert("note", note);
        }
        self.call(&Call::write(Method::POST, ["evidence", "link-decision"]).body(&body.into()))
            .await
    }

    /// An artifact.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn evidence(&self, artifact_id: &str) -> Result<Reply<Artifact>, Error> {
        self.call(&Call::get(["evidence", artifact_id])).await
    }

    /// The content of an artifact.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn evidence_content(&self, artifact_id: &str) -> Result<Vec<u8>, Error> {
        Ok(self.send(&Call::get(["evidence", artifact_id, "content"])).await?.bytes)
    }

    /// Compares with what was registered.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn evidence_verify(
        &self,
        artifact_id: &str,
        against: &Against,
    ) -> Result<Reply<Verified>, Error> {
        let mut body = Object::new();
        match against {
            Against::Stored => (),
            Against::Content(content) => put_content(&mut body, content),
            Against::Sha256(digest) => {
                body.insert("sha256", digest.as_str());
            }
        }
        self.call(&Call::ask(["evidence", artifact_id, "verify"], &body.into())).await
    }

    /// Signs an artifact: `signature` in base64url, by the key of a registered
    /// signer. It is sent once unless the client has a key.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn evidence_sign(
        &self,
        artifact_id: &str,
        key_id: &str,
        signature: &str,
    ) -> Result<Reply<Signed>, Error> {
        let body = Json::object([("key_id", key_id.into()), ("signature", signature.into())]);
        let call = Call::write(Method::POST, ["evidence", artifact_id, "sign"]).body(&body);
        self.call(&call).await
    }

    /// The evidence of a decision.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn evidence_of(&self, decision_id: &str) -> Result<Reply<OfDecision>, Error> {
        self.call(&Call::get(["evidence", "decision", decision_id])).await
    }

    /// The evidence of a decision with all that was recorded of it.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn evidence_lineage(&self, decision_id: &str) -> Result<Reply<Lineages>, Error> {
        self.call(&Call::get(["evidence", "decision", decision_id, "lineage"])).await
    }

    /// Artifacts in the order of the ledger.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn evidence_list(&self, filter: &ArtifactFilter) -> Result<Reply<Artifacts>, Error> {
        let order = Some(filter.order).filter(|order| *order != Order::default());
        let call = Call::get(["evidence"])
            .query("artifact_type", filter.artifact_type.as_ref())
            .query("source", filter.source.as_ref())
            .query("from", filter.from.as_ref())
            .query("to", filter.to.as_ref())
            .query("after", filter.after)
            .query("limit", filter.limit)
            .query("order", order);
        self.call(&call).await
    }

    /// How much evidence there is.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn evidence_statistics(&self) -> Result<Reply<Statistics>, Error> {
        self.call(&Call::get(["evidence", "statistics"])).await
    }
}

/// A text as it is, and anything else as base64. What is blank would count as
/// missing.
fn put_content(body: &mut Object, content: &[u8]) {
    match std::str::from_utf8(content).ok().filter(|text| !text.trim().is_empty()) {
        Some(text) => {
            body.insert("content", text);
        }
        None => {
            body.insert("content", STANDARD.encode(content));
            body.insert("content_encoding", "base64");
        }
    }
}

fn body(register: &Register) -> Json {
    let mut body = Object::new();
    body.insert("artifact_type", register.artifact_type.as_str());
    put_content(&mut body, &register.content);
    body.insert("source", register.source.as_str());
    for (name, value) in [
        ("content_type", &register.content_type),
        ("storage_uri", &register.storage_uri),
        ("registered_by", &register.registered_by),
    ] {
        if let Some(value) = value {
            body.insert(name, value.as_str());
        }
    }
    for (name, ids) in [
        ("related_decision_ids", &register.related_decision_ids),
        ("related_control_ids", &register.related_control_ids),
    ] {
        if !ids.is_empty() {
            body.insert(name, ids.clone());
        }
    }
    if let Some(days) = register.retention_days {
        body.insert("retention_days", days);
    }
    if let Some(metadata) = &register.metadata {
        body.insert("metadata", metadata.clone());
    }
    Json::Object(body)
}
