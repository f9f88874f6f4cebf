//! The reply to a decision, rebuilt from its ledger entry: one function for the
//! first answer, for a repeated request on another node, and for verifying.
//!
//! The signed bytes are the RFC 8785 form of the reply less `signature`, `node`
//! and `capability_token`.

use types::{Digest, EntryId, Json, Object, Timestamp};

/// Members of a reply that its signature does not cover.
pub const UNSIGNED: [&str; 3] = ["signature", "node", "capability_token"];

/// Members of `data` that the reply shows as they are.
const FROM_DATA: [&str; 18] = [
    "outcome",
    "reason",
    "reason_code",
    "decision_id",
    "request_id",
    "actor",
    "action",
    "resource",
    "tool",
    "data_classes",
    "token_id",
    "token_expires_at",
    "policy_version",
    "policy_hash",
    "policy_mode",
    "obligations",
    "risk",
    "risk_id",
];

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its id.
    pub entry_id: EntryId,
    /// Its `current_hash`.
    pub entry_hash: Digest,
    /// Its timestamp.
    pub at: Timestamp,
}

/// The signed members of the reply to the decision with these parts. What the
/// personal part held is null once it is erased. A preview, which was not
/// recorded, has no place.
pub fn signed_members(place: Option<Place>, data: &Object, personal: Option<&Object>) -> Object {
    let member = |name: &str| data.get(name).cloned().unwrap_or_default();
    let mut reply = Object::new();
    for name in FROM_DATA {
        reply.insert(name, member(name));
    }
    let allowed = data.get("outcome").and_then(Json::as_str) == Some("allowed");
    reply.insert("allowed", allowed);
    reply.insert("escalation_id", member("escalation_id"));
    reply.insert("matched", matched(data, personal));
    let context_hash = personal.and_then(|personal| personal.get("context_hash"));
    reply.insert("context_hash", context_hash.cloned().unwrap_or_default());
    reply.insert("dry_run", place.is_none());
    reply.insert("ledger_entry_id", place.map(|place| place.entry_id.0));
    reply.insert("ledger_entry_hash", place.map(|place| place.entry_hash.to_string()));
    let at = place.map(|place| place.at.to_string());
    reply.insert("timestamp", at.map_or_else(|| member("timestamp"), Json::from));
    reply
}

/// `matched` of `data` with each condition's `actual` joined back from
/// `personal.actuals`, which has the same shape.
pub fn matched(data: &Object, personal: Option<&Object>) -> Json {
    let actuals = personal.and_then(|personal| personal.get("actuals")).and_then(Json::as_array);
    let relations = data.get("matched").and_then(Json::as_array).unwrap_or_default();
    let joined = relations.iter().enumerate().map(|(at, relation)| {
        let actuals = actuals.and_then(|rows| rows.get(at)).and_then(Json::as_array);
        join(relation, actuals)
    });
    Json::Array(joined.collect())
}

fn join(relation: &Json, actuals: Option<&[Json]>) -> Json {
    let Some(relation) = relation.as_object() else {
        return relation.clone();
    };
    let mut relation = relation.clone();
    let conditions = relation.remove("conditions").unwrap_or_default();
    let conditions = conditions.as_array().unwrap_or_default().iter().enumerate();
    let conditions = conditions.map(|(at, condition)| {
        let Some(condition) = condition.as_object() else {
            return condition.clone();
        };
        let mut condition = condition.clone();
        let actual = actuals.and_then(|row| row.get(at)).cloned();
        condition.insert("actual", actual.unwrap_or_default());
        Json::Object(condition)
    });
    relation.insert("conditions", Json::Array(conditions.collect()));
    Json::Object(relation)
}

/// What the signature of a reply is made over.
pub fn signed_bytes(reply: &Object) -> String {
    if UNSIGNED.iter().all(|name| reply.get(name).is_none()) {
        return Json::Object(reply.clone()).to_canonical();
    }
    let mut signed = reply.clone();
    for name in UNSIGNED {
        signed.remove(name);
    }
    Json::Object(signed).to_canonical()
}
