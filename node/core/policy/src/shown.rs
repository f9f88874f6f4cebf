//! What was found, as the interface shows it: one form for the ledger, for
//! replies, and for whoever judges without a server.
//!
//! Members and their names are those of api.md, sections 2.2 and 3.4.

use types::{Digest, Json, Object};

use crate::explain::{Explanation, FailedCondition, Flip, NearMiss};
use crate::request::{Matched, MatchedCondition, Obligation};

impl Matched {
    /// A member of `matched`.
    pub fn to_json(&self) -> Json {
        self.with(MatchedCondition::to_json)
    }

    /// The same less what was found in the context, which is the caller's.
    pub fn to_json_without_actual(&self) -> Json {
        self.with(|condition| Json::Object(condition.common()))
    }

    fn with(&self, condition: fn(&MatchedCondition) -> Json) -> Json {
        Json::object([
            ("relation_id", self.relation_id.as_str().into()),
            ("type", self.kind.as_str().into()),
            ("source", self.source.as_str().into()),
            ("target", self.target.as_str().into()),
            ("object", self.object.as_deref().into()),
            ("applies", self.applies.into()),
            ("conditions", list(&self.conditions, condition)),
        ])
    }
}

impl MatchedCondition {
    fn common(&self) -> Object {
        let mut json = Object::new();
        json.insert("key", self.key.as_str());
        json.insert("op", self.op.as_str());
        json.insert("expected", self.expected.clone());
        json.insert("met", self.met);
        json
    }

    fn to_json(&self) -> Json {
        let mut json = self.common();
        json.insert("actual", self.actual.clone());
        Json::Object(json)
    }
}

impl Obligation {
    /// A member of `obligations`.
    pub fn to_json(&self) -> Json {
        Json::object([
            ("obligation", self.obligation.as_str().into()),
            ("relation_id", self.relation_id.as_str().into()),
            ("satisfied", self.satisfied.into()),
            ("by", self.by.into()),
        ])
    }
}

impl Explanation {
    /// The explanation by a policy of this hash, and of this version unless it
    /// is a candidate.
    pub fn to_json(&self, version: Option<u64>, hash: Digest) -> Object {
        let evaluation = &self.evaluation;
        let mut json = Object::new();
        json.insert("outcome", evaluation.outcome.as_str());
        json.insert("reason", evaluation.reason.as_str());
        json.insert("reason_code", evaluation.reason_code.as_str());
        json.insert("policy_version", version);
        json.insert("policy_hash", hash.to_string());
        json.insert("matched", list(&evaluation.matched, Matched::to_json));
        json.insert("near_misses", list(&self.near_misses, NearMiss::to_json));
        json.insert("minimal_flip", self.minimal_flip.as_ref().map(Flip::to_json));
        json.insert("obligations", list(&evaluation.obligations, Obligation::to_json));
        json.insert("steps", evaluation.steps);
        json
    }
}

impl NearMiss {
    fn to_json(&self) -> Json {
        Json::object([
            ("relation_id", self.relation_id.as_str().into()),
            ("type", self.kind.as_str().into()),
            ("failed", list(&self.failed, FailedCondition::to_json)),
        ])
    }
}

impl FailedCondition {
    fn to_json(&self) -> Json {
        Json::object([
            ("key", self.key.as_str().into()),
            ("op", self.op.as_str().into()),
            ("expected", self.expected.clone()),
            ("actual", self.actual.clone().into()),
            ("missing", self.is_missing.into()),
        ])
    }
}

impl Flip {
    fn to_json(&self) -> Json {
        let changes = self.changes.iter().map(|change| {
            Json::object([
                ("key", change.key.as_str().into()),
                ("op", change.op.as_str().into()),
                ("value", change.value.clone()),
            ])
        });
        Json::object([
            ("changes", Json::Array(changes.collect())),
            ("outcome", self.outcome.as_str().into()),
        ])
    }
}

fn list<T>(items: &[T], to_json: impl Fn(&T) -> Json) -> Json {
    Json::Array(items.iter().map(to_json).collect())
}
