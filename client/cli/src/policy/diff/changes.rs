//! What was added, removed and changed between two documents in normal form.

use std::collections::BTreeMap;

use types::{Json, Object};

/// Lists of a document and what tells their items apart.
const LISTS: [(&str, &str, &str); 3] = [
    ("terms", "term", "term_id"),
    ("relations", "relation", "relation_id"),
    ("constraints", "constraint", "name"),
];

/// Everything that differs, in the order of a document.
#[derive(Debug, Default)]
pub(super) struct Changes(Vec<Change>);

/// One thing that differs.
#[derive(Debug)]
struct Change {
    /// `document`, `term`, `relation` or `constraint`.
    of: &'static str,
    id: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Added(Json),
    Removed(Json),
    /// Members with what they were and what they are.
    Changed(Vec<(String, Json, Json)>),
}

impl Changes {
    pub(super) fn between(before: &Json, after: &Json) -> Self {
        let none = Object::new();
        let (before, after) =
            (before.as_object().unwrap_or(&none), after.as_object().unwrap_or(&none));
        let mut changes = Vec::new();
        let is_list = |name: &str| LISTS.iter().any(|(list, ..)| *list == name);
        let mut members = changed_members(before, after);
        members.retain(|(name, ..)| !is_list(name));
        if !members.is_empty() {
            let kind = Kind::Changed(members);
            changes.push(Change { of: "document", id: String::new(), kind });
        }
        for (list, of, key) in LISTS {
            let (before, after) = (by_id(before, list, key), by_id(after, list, key));
            for (id, old) in &before {
                match after.get(id) {
                    None => changes.push(Change {
                        of,
                        id: id.clone(),
                        kind: Kind::Removed(Json::Object(old.clone())),
                    }),
                    Some(new) if new != old => {
                        let kind = Kind::Changed(changed_members(old, new));
                        changes.push(Change { of, id: id.clone(), kind });
                    }
                    Some(_) => (),
                }
            }
            let added = after.iter().filter(|(id, _)| !before.contains_key(*id));
            changes.extend(added.map(|(id, new)| Change {
                of,
                id: id.clone(),
                kind: Kind::Added(Json::Object(new.clone())),
            }));
        }
        Self(changes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn to_text(&self) -> String {
        self.0.iter().map(Change::to_text).collect()
    }

    pub(super) fn to_json(&self) -> Json {
        Json::Array(self.0.iter().map(Change::to_json).collect())
    }
}

impl Change {
    fn to_text(&self) -> String {
        let name = match self.of {
            "document" => "document".to_owned(),
            of => format!("{of} `{}`", self.id),
        };
        match &self.kind {
            Kind::Added(value) => format!("+ {name}: {}\n", value.to_canonical()),
            Kind::Removed(value) => format!("- {name}: {}\n", value.to_canonical()),
            Kind::Changed(members) => {
                let members = members.iter().map(|(member, old, new)| {
                    format!("    {member}: {} -> {}\n", old.to_canonical(), new.to_canonical())
                });
                format!("~ {name}\n{}", members.collect::<String>())
            }
        }
    }

    fn to_json(&self) -> Json {
        let mut json = Object::new();
        json.insert("of", self.of);
        json.insert("id", Some(self.id.as_str()).filter(|id| !id.is_empty()));
        let (kind, value) = match &self.kind {
            Kind::Added(value) => ("added", value.clone()),
            Kind::Removed(value) => ("removed", value.clone()),
            Kind::Changed(members) => {
                let members = members.iter().map(|(member, before, after)| {
                    Json::object([
                        ("member", member.as_str().into()),
                        ("before", before.clone()),
                        ("after", after.clone()),
                    ])
                });
                ("changed", Json::Array(members.collect()))
            }
        };
        json.insert("change", kind);
        json.insert("value", value);
        Json::Object(json)
    }
}

fn by_id(document: &Object, list: &str, key: &str) -> BTreeMap<String, Object> {
    let items = document.get(list).and_then(Json::as_array).unwrap_or_default();
    let items = items.iter().filter_map(Json::as_object);
    items.filter_map(|item| Some((item.get(key)?.as_str()?.to_owned(), item.clone()))).collect()
}

/// Members that differ; one that is not there counts as null.
fn changed_members(before: &Object, after: &Object) -> Vec<(String, Json, Json)> {
    let names: BTreeMap<&str, ()> =
        before.iter().chain(after.iter()).map(|(name, _)| (name, ())).collect();
    let pairs = names.into_keys().map(|name| {
        let of = |object: &Object| object.get(name).cloned().unwrap_or_default();
        (name.to_owned(), of(before), of(after))
    });
    pairs.filter(|(_, before, after)| before != after).collect()
}
