//! A policy document in its one normal form: long spellings, defaults filled
//! in, lists in order. This form is hashed, stored and shown.
//!
//! Not yet ready to be asked: see [`crate::Compiled`].
//!
//! Reading order: this file, then `parse` (one member after the other), then
//! `check` (what only the whole shows).
//!
//! Invariants
//! - Parsing the normal form gives the same document.
//! - Terms and relations are sorted by id, constraints by name; each is unique.

mod check;
mod conditions;
mod parse;
mod read;

use sha2::Digest as _;
use types::{Digest, Json, Object, Timestamp};

use crate::condition::{Condition, Test};
use crate::fault::{Fault, Warning};
use crate::words::{Effect, Mode, RelationType, TermType};

/// What `version` is where a document does not say.
const VERSION_DEFAULT: &str = "1.0";

/// A normalised document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub(crate) policy_id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) version: String,
    pub(crate) description: Option<String>,
    pub(crate) metadata: Object,
    pub(crate) compliance_frameworks: Vec<String>,
    pub(crate) mode: Mode,
    pub(crate) effective_from: Option<Timestamp>,
    pub(crate) effective_until: Option<Timestamp>,
    pub(crate) terms: Vec<Term>,
    pub(crate) relations: Vec<Relation>,
    pub(crate) constraints: Vec<Constraint>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) id: String,
    pub(crate) kind: TermType,
    pub(crate) label: String,
    pub(crate) description: Option<String>,
    pub(crate) metadata: Object,
    /// INVARIANT: there for a constraint term and for no other.
    pub(crate) test: Option<Test>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Relation {
    pub(crate) id: String,
    pub(crate) kind: RelationType,
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) object: Option<String>,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) justification: Option<String>,
    pub(crate) metadata: Object,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Constraint {
    pub(crate) name: String,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) effect: Effect,
    pub(crate) actor: Option<String>,
    pub(crate) action: Option<String>,
    pub(crate) justification: Option<String>,
}

impl Document {
    /// Reads a document, or reports everything that is wrong with it.
    pub fn parse(json: &Json) -> Result<(Document, Vec<Warning>), Vec<Fault>> {
        parse::parse(json)
    }

    /// Version 0: nothing is known and nothing is permitted.
    pub fn empty() -> Document {
        Document {
            policy_id: None,
            name: None,
            version: VERSION_DEFAULT.to_owned(),
            description: None,
            metadata: Object::new(),
            compliance_frameworks: Vec::new(),
            mode: Mode::Strict,
            effective_from: None,
            effective_until: None,
            terms: Vec::new(),
            relations: Vec::new(),
            constraints: Vec::new(),
        }
    }

    /// The normal form.
    pub fn to_json(&self) -> Json {
        Json::object([
            ("policy_id", self.policy_id.clone().into()),
            ("name", self.name.clone().into()),
            ("version", self.version.as_str().into()),
            ("description", self.description.clone().into()),
            ("metadata", self.metadata.clone().into()),
            ("compliance_frameworks", self.compliance_frameworks.clone().into()),
            ("mode", self.mode.as_str().into()),
            ("effective_from", self.effective_from.map(|time| time.to_string()).into()),
            ("effective_until", self.effective_until.map(|time| time.to_string()).into()),
            ("terms", Json::Array(self.terms.iter().map(Term::to_json).collect())),
            ("relations", Json::Array(self.relations.iter().map(Relation::to_json).collect())),
            (
                "constraints",
                Json::Array(self.constraints.iter().map(Constraint::to_json).collect()),
            ),
        ])
    }

    /// SHA-256 of the canonical bytes of the normal form.
    pub fn hash(&self) -> Digest {
        digest(&self.to_json())
    }

    /// How much is allowed without a rule.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The author's name for the policy.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The author's version of it, which has nothing to do with the number the
    /// cluster gives.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// How many terms there are.
    pub fn terms_count(&self) -> u64 {
        u64::try_from(self.terms.len()).unwrap_or(u64::MAX)
    }

    /// How many relations there are.
    pub fn relations_count(&self) -> u64 {
        u64::try_from(self.relations.len()).unwrap_or(u64::MAX)
    }
}

fn digest(json: &Json) -> Digest {
    Digest(sha2::Sha256::digest(json.to_canonical()).into())
}

impl Term {
    fn to_json(&self) -> Json {
        let mut json = Object::new();
        json.insert("term_id", self.id.as_str());
        json.insert("term_type", self.kind.as_str());
        json.insert("label", self.label.as_str());
        json.insert("description", self.description.clone());
        json.insert("metadata", self.metadata.clone());
        if let Some(test) = &self.test {
            json.insert("key", test.key.as_str());
            json.insert("op", test.op.as_str());
            json.insert("value", test.value.clone());
        }
        Json::Object(json)
    }
}

impl Relation {
    fn to_json(&self) -> Json {
        let mut json = self.content();
        json.insert("relation_id", self.id.as_str());
        Json::Object(json)
    }

    /// What the relation says, without what it is called.
    fn content(&self) -> Object {
        let mut json = Object::new();
        json.insert("relation_type", self.kind.as_str());
        json.insert("source", self.source.as_str());
        json.insert("target", self.target.as_str());
        json.insert("object", self.object.clone());
        json.insert("conditions", conditions_json(&self.conditions));
        json.insert("justification", self.justification.clone());
        json.insert("metadata", self.metadata.clone());
        json
    }
}

impl Constraint {
    fn to_json(&self) -> Json {
        let applies_to = Json::object([
            ("actor", self.actor.clone().into()),
            ("action", self.action.clone().into()),
        ]);
        Json::object([
            ("name", self.name.as_str().into()),
            ("condition", conditions_json(&self.conditions)),
            ("action", self.effect.as_str().into()),
            ("applies_to", applies_to),
            ("justification", self.justification.clone().into()),
        ])
    }
}

fn conditions_json(conditions: &[Condition]) -> Json {
    Json::Array(conditions.iter().map(Condition::to_json).collect())
}

#[cfg(test)]
mod tests;
