//! The order in which a document is read: what it is, then its words, then what
//! it says with them.

use std::collections::BTreeMap;

use types::{Json, Object};

/// A value whose members have an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tree {
    Leaf(Json),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

/// Which relations show their id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ids {
    /// Those whose id says more than the relation itself.
    WhereChosen,
    Always,
}

const DOCUMENT: [&str; 9] = [
    "policy_id",
    "name",
    "version",
    "description",
    "compliance_frameworks",
    "mode",
    "effective_from",
    "effective_until",
    "metadata",
];
const TERM: [&str; 8] =
    ["term_id", "term_type", "label", "description", "key", "op", "value", "metadata"];
const RELATION: [&str; 8] = [
    "relation_id",
    "relation_type",
    "source",
    "target",
    "object",
    "conditions",
    "justification",
    "metadata",
];
const CONSTRAINT: [&str; 5] = ["name", "applies_to", "condition", "action", "justification"];
const TEST: [&str; 3] = ["key", "op", "value"];

impl Tree {
    /// Lays out a document that is in normal form.
    pub(super) fn of_document(document: &Json, ids: Ids) -> Self {
        let empty = Object::new();
        let document = document.as_object().unwrap_or(&empty);
        let items = |name: &str| document.get(name).and_then(Json::as_array).unwrap_or_default();
        let mut map = members(document, &DOCUMENT);
        let terms = items("terms").iter().map(|term| Self::of_object(term, &TERM));
        map.push(("terms".to_owned(), Self::List(terms.collect())));
        let shown = match ids {
            Ids::WhereChosen => chosen(items("relations")),
            Ids::Always => items("relations").to_vec(),
        };
        let relations = shown.iter().map(|relation| Self::of_object(relation, &RELATION));
        map.push(("relations".to_owned(), Self::List(relations.collect())));
        let constraints = items("constraints");
        if !constraints.is_empty() {
            let constraints = constraints.iter().map(|limit| Self::of_object(limit, &CONSTRAINT));
            map.push(("constraints".to_owned(), Self::List(constraints.collect())));
        }
        Self::Map(map)
    }

    fn of_object(json: &Json, order: &[&str]) -> Self {
        json.as_object().map_or(Self::Leaf(Json::Null), |object| Self::Map(members(object, order)))
    }

    /// A value that is kept as it is.
    fn of_value(json: &Json) -> Self {
        match json {
            Json::Array(items) => Self::List(items.iter().map(Self::of_value).collect()),
            Json::Object(object) => {
                let members = object.iter();
                Self::Map(
                    members.map(|(key, value)| (key.to_owned(), Self::of_value(value))).collect(),
                )
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {
                Self::Leaf(json.clone())
            }
        }
    }
}

/// The members in this order, without what says nothing.
fn members(object: &Object, order: &[&str]) -> Vec<(String, Tree)> {
    let known = order.iter().filter_map(|name| Some((*name, object.get(name)?)));
    let telling = known.filter(|(name, value)| *name == "value" || !is_nothing(value));
    telling.map(|(name, value)| (name.to_owned(), member(name, value))).collect()
}

fn is_nothing(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(object) => object.iter().all(|(_, value)| value.is_null()),
        Json::Bool(_) | Json::Number(_) => false,
    }
}

fn member(name: &str, value: &Json) -> Tree {
    match (name, value) {
        ("conditions" | "condition", Json::Array(items)) => {
            let conditions = items.iter().map(|item| match item {
                Json::Object(_) => Tree::of_object(item, &TEST),
                other => Tree::of_value(other),
            });
            Tree::List(conditions.collect())
        }
        ("applies_to", _) => Tree::of_object(value, &["actor", "action"]),
        _ => Tree::of_value(value),
    }
}

/// The relations, without an id where that is the default or the default with
/// what tells it from others of the same default.
fn chosen(relations: &[Json]) -> Vec<Json> {
    let mut defaults: BTreeMap<String, u32> = BTreeMap::new();
    for relation in relations {
        *defaults.entry(default_id(relation)).or_default() += 1;
    }
    let shown = relations.iter().map(|relation| {
        let default = default_id(relation);
        let is_shared = defaults.get(&default).is_some_and(|count| 1 < *count);
        let id = relation.as_object().and_then(|relation| relation.get("relation_id")?.as_str());
        let follows = id.is_some_and(|id| match id.strip_prefix(&default) {
            Some("") => !is_shared,
            Some(rest) => is_shared && rest.starts_with('~') && rest.len() == 9,
            None => false,
        });
        match relation {
            Json::Object(object) if follows => {
                let mut object = object.clone();
                object.remove("relation_id");
                Json::Object(object)
            }
            other => other.clone(),
        }
    });
    shown.collect()
}

fn default_id(relation: &Json) -> String {
    let said = |name: &str| relation.as_object()?.get(name)?.as_str();
    let parts = ["relation_type", "source", "target"].map(|name| said(name).unwrap_or_default());
    parts.join(":")
}
