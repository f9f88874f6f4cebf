//! An explanation that was made here, in the form of `POST /policies/explain`.

use policy::{Compiled, Explanation, FailedCondition, Flip, NearMiss, Obligation};
use types::{Json, Object};

use super::verdict::matched_json;

pub(super) fn to_json(explanation: &Explanation, policy: &Compiled) -> Json {
    let evaluation = &explanation.evaluation;
    let mut json = Object::new();
    json.insert("outcome", evaluation.outcome.as_str());
    json.insert("reason", evaluation.reason.as_str());
    json.insert("reason_code", evaluation.reason_code.as_str());
    json.insert("policy_version", Json::Null);
    json.insert("policy_hash", policy.hash().to_string());
    json.insert("matched", list(&evaluation.matched, matched_json));
    json.insert("near_misses", list(&explanation.near_misses, near_miss));
    json.insert("minimal_flip", explanation.minimal_flip.as_ref().map(flip));
    json.insert("obligations", list(&evaluation.obligations, obligation));
    json.insert("steps", evaluation.steps);
    Json::Object(json)
}

fn list<T>(items: &[T], to_json: fn(&T) -> Json) -> Json {
    Json::Array(items.iter().map(to_json).collect())
}

fn near_miss(near: &NearMiss) -> Json {
    Json::object([
        ("relation_id", near.relation_id.as_str().into()),
        ("type", near.kind.as_str().into()),
        ("failed", list(&near.failed, failed)),
    ])
}

fn failed(condition: &FailedCondition) -> Json {
    Json::object([
        ("key", condition.key.as_str().into()),
        ("op", condition.op.as_str().into()),
        ("expected", condition.expected.clone()),
        ("actual", condition.actual.clone().into()),
        ("missing", condition.is_missing.into()),
    ])
}

fn flip(flip: &Flip) -> Json {
    let changes = flip.changes.iter().map(|change| {
        Json::object([
            ("key", change.key.as_str().into()),
            ("op", change.op.as_str().into()),
            ("value", change.value.clone()),
        ])
    });
    Json::object([
        ("changes", Json::Array(changes.collect())),
        ("outcome", flip.outcome.as_str().into()),
    ])
}

fn obligation(obligation: &Obligation) -> Json {
    Json::object([
        ("obligation", obligation.obligation.as_str().into()),
        ("relation_id", obligation.relation_id.as_str().into()),
        ("satisfied", obligation.satisfied.into()),
        ("by", obligation.by.map(Json::from).into()),
    ])
}
