//! Which requests two policies answer differently, in words and as JSON.

use policy::{Change, Difference, Example};
use types::{Json, Object};

pub(super) fn to_text(difference: &Difference) -> String {
    let Difference { widened, narrowed, other, is_exhaustive, .. } = difference;
    let reach = if *is_exhaustive { "no others are possible" } else { "others are possible" };
    let mut text = format!(
        "outcomes: {widened} from denied to allowed, {narrowed} from allowed to denied, \
         {other} to or from escalated; {reach}\n"
    );
    for change in &difference.changes {
        text.push_str(&line(change));
    }
    text
}

fn line(change: &Change) -> String {
    let Change { actor, action, data_class, resource, was, would_be, request } = change;
    let about = [("class", data_class), ("on", resource)]
        .map(|(word, id)| id.as_ref().map_or_else(String::new, |id| format!(", {word} `{id}`")));
    format!(
        "  {} ({}) -> {} ({}): `{actor}` does `{action}`{}\n    such as {}\n",
        was.0,
        was.1,
        would_be.0,
        would_be.1,
        about.concat(),
        example(request).to_canonical()
    )
}

pub(super) fn to_json(difference: &Difference) -> Json {
    let changes = difference.changes.iter().map(|change| {
        let mut json = Object::new();
        json.insert("actor", change.actor.as_str());
        json.insert("action", change.action.as_str());
        json.insert("data_class", change.data_class.as_deref());
        json.insert("resource", change.resource.as_deref());
        for (name, (outcome, reason)) in [("was", change.was), ("would_be", change.would_be)] {
            let outcome = [("outcome", outcome.as_str()), ("reason_code", reason.as_str())];
            json.insert(name, Json::object(outcome.map(|(name, word)| (name, word.into()))));
        }
        json.insert("example", example(&change.request));
        Json::Object(json)
    });
    Json::object([
        ("denied_to_allowed", difference.widened.into()),
        ("allowed_to_denied", difference.narrowed.into()),
        ("other_changes", difference.other.into()),
        ("exhaustive", difference.is_exhaustive.into()),
        ("evaluations", difference.evaluations.into()),
        ("changes", Json::Array(changes.collect())),
    ])
}

/// The request without what it leaves open.
fn example(example: &Example) -> Json {
    let mut json = Object::new();
    json.insert("actor", example.actor.as_str());
    json.insert("action", example.action.as_str());
    json.insert("at", example.at.to_string());
    for (name, text) in [("resource", &example.resource), ("tool", &example.tool)] {
        if let Some(text) = text {
            json.insert(name, text.as_str());
        }
    }
    if !example.data_classes.is_empty() {
        json.insert("data_classes", example.data_classes.clone());
    }
    if !example.context.is_empty() {
        json.insert("context", example.context.clone());
    }
    if 1 < example.risk_score {
        json.insert("risk_score", example.risk_score);
    }
    if let Some(mode) = example.mode {
        json.insert("policy_mode", mode.as_str());
    }
    let history = example.history.iter().map(|past| {
        let mut json = Object::new();
        json.insert("action", past.action.as_str());
        json.insert("resource", past.resource.as_deref());
        Json::Object(json)
    });
    if !example.history.is_empty() {
        json.insert("history", Json::Array(history.collect()));
    }
    Json::Object(json)
}
