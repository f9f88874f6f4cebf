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

/// Reply to a request to explain.
#[derive(Clone, Debug, Deserialize)]
pub struct Explanation {
    /// `allowed`, `denied` or `escalated`.
    pub outcome: String,
    /// Why, in words.
    pub reason: String,
    /// Why, for programs.
    pub reason_code: String,
    /// The version it was judged by; `None` for a candidate.
    pub policy_version: Option<u64>,
    /// The hash of what it was judged by.
    pub policy_hash: String,
    /// Relations about this actor and action.
    pub matched: Vec<Matched>,
    /// Permits that failed by their conditions alone.
    pub near_misses: Vec<NearMiss>,
    /// The least that would have to be otherwise.
    pub minimal_flip: Option<Flip>,
    /// What `requires` relations ask for.
    pub obligations: Vec<Obligation>,
    /// What the evaluation cost.
    pub steps: u64,
}

/// A relation that was looked at.
#[derive(Clone, Debug, Deserialize)]
pub struct Matched {
    /// Its id.
    pub relation_id: String,
    /// `permits`, `forbids`, `requires`, `implies` or `conflicts`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it counted.
    pub applies: bool,
    /// Its conditions, one by one.
    pub conditions: Vec<Condition>,
}

/// A condition and what it found.
#[derive(Clone, Debug, Deserialize)]
pub struct Condition {
    /// Where it looked.
    pub key: String,
    /// How it compared.
    pub op: String,
    /// With what.
    pub expected: Json,
    /// What was there.
    pub actual: Option<Json>,
    /// Whether it holds.
    pub met: bool,
}

/// A relation that would have counted, had its conditions held.
#[derive(Clone, Debug, Deserialize)]
pub struct NearMiss {
    /// Its id.
    pub relation_id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The conditions that did not hold.
    pub failed: Vec<FailedCondition>,
}

/// A condition that did not hold.
#[derive(Clone, Debug, Deserialize)]
pub struct FailedCondition {
    /// Where it looked.
    pub key: String,
    /// How it compared.
    pub op: String,
    /// With what.
    pub expected: Json,
    /// What was there.
    pub actual: Option<Json>,
    /// Whether nothing was there.
    pub missing: bool,
}

/// Changes of a request that would change its outcome.
#[derive(Clone, Debug, Deserialize)]
pub struct Flip {
    /// All of them together.
    pub changes: Vec<Change>,
    /// What the outcome would be.
    pub outcome: String,
}

/// What would have to hold.
#[derive(Clone, Debug, Deserialize)]
pub struct Change {
    /// Of which key.
    pub key: String,
    /// In which comparison.
    pub op: String,
    /// With what.
    pub value: Json,
}

/// Something a `requires` relation asks for.
#[derive(Clone, Debug, Deserialize)]
pub struct Obligation {
    /// Its name.
    pub obligation: String,
    /// The relation that asks for it.
    pub relation_id: String,
    /// Whether it is met.
    pub satisfied: bool,
}

/// Which recorded decisions a candidate is compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImpactOptions {
    /// From this time on.
    pub from: Option<String>,
    /// Up to this time.
    pub to: Option<String>,
    /// Examples of each kind, 0..1000.
    pub max_examples: Option<u32>,
}

/// Reply to a request for the impact of a candidate.
#[derive(Clone, Debug, Deserialize)]
pub struct Impact {
    /// How many recorded decisions were judged anew.
    pub decisions_replayed: u64,
    /// How many came out as they were.
    pub unchanged: u64,
    /// Allowed then, denied under the candidate.
    pub allowed_to_denied: Changed,
    /// Denied then, allowed under the candidate.
    pub denied_to_allowed: Changed,
    /// What else changed.
    pub other_changes: Changed,
    /// How many could not be judged anew.
    pub unreplayable: u64,
    /// The first entry that was looked at.
    pub from_entry: Option<u64>,
    /// The last entry that was looked at.
    pub to_entry: Option<u64>,
    /// The hash of the candidate.
    pub candidate_hash: String,
}

/// Decisions that would come out otherwise.
#[derive(Clone, Debug, Deserialize)]
pub struct Changed {
    /// How many.
    pub count: u64,
    /// Some of them.
    pub examples: Vec<ChangedDecision>,
}

/// A decision that would come out otherwise.
#[derive(Clone, Debug, Deserialize)]
pub struct ChangedDecision {
    /// Its id.
    pub decision_id: String,
    /// The entry that records it.
    pub ledger_entry_id: u64,
    /// Who wanted to act.
    pub actor: String,
    /// What it wanted to do.
    pub action: String,
    /// The outcome that was recorded.
    pub was: String,
    /// The outcome under the candidate.
    pub would_be: String,
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

    /// Why a request comes out as it does, under the policy in force or a
    /// candidate. The body is that of a decision, or `{"decision_id": ..}` for
    /// one that is recorded; nothing is recorded.
    ///
    /// # Errors
    /// Any [`Error`]; a denial is none.
    pub async fn policy_explain(
        &self,
        mut body: Object,
        candidate: Option<&Json>,
    ) -> Result<Reply<Explanation>, Error> {
        if let Some(candidate) = candidate {
            body.insert("policy", candidate.clone());
        }
        self.call(&Call::ask(["policies", "explain"], &body.into())).await
    }

    /// How recorded decisions would come out under a candidate.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn policy_impact(
        &self,
        candidate: &Json,
        options: &ImpactOptions,
    ) -> Result<Reply<Impact>, Error> {
        let mut body = Object::new();
        body.insert("policy", candidate.clone());
        for (name, time) in [("from", &options.from), ("to", &options.to)] {
            if let Some(time) = time {
                body.insert(name, time.as_str());
            }
        }
        if let Some(max) = options.max_examples {
            body.insert("max_examples", max);
        }
        self.call(&Call::ask(["policies", "impact"], &body.into()).long()).await
    }

    /// Puts the document of an earlier version in force, as a new version. It
    /// is sent once unless the client has a key.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn policy_rollback(
        &self,
        version: u64,
        reason: &str,
    ) -> Result<Reply<Loaded>, Error> {
        let body = Json::object([("version", version.into()), ("reason", reason.into())]);
        self.call(&Call::write(Method::POST, ["policies", "rollback"]).body(&body)).await
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
