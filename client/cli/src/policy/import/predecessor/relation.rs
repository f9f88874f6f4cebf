//! Relations of the predecessor.

use types::{Json, Object};

use super::{Importer, member_text};
use crate::input::member;

const KNOWN: [&str; 12] = [
    "relation_id",
    "relation_type",
    "type",
    "source",
    "subject",
    "target",
    "action",
    "object",
    "conditions",
    "condition",
    "justification",
    "metadata",
];

impl Importer<'_> {
    pub(super) fn relation(&mut self, json: &Json, at: &str) -> Option<Object> {
        let Some(given) = json.as_object() else {
            self.report.refuse(at, "wrong_type", "must be an object");
            return None;
        };
        self.note_dropped(given, &KNOWN, at);
        let kind = member_text(given, "relation_type").or_else(|| member_text(given, "type"));
        let Some(kind) = kind.map(|kind| kind.to_ascii_lowercase()) else {
            self.report.refuse(&member(at, "relation_type"), "missing", "is required");
            return None;
        };
        self.note_kind(&kind, at);
        let mut relation = Object::new();
        relation.insert("relation_type", kind.as_str());
        if let Some(id) = member_text(given, "relation_id") {
            relation.insert("relation_id", id);
        }
        self.ends(given, &kind, at, &mut relation)?;
        let mut metadata = given.get("metadata").and_then(Json::as_object).cloned();
        let metadata = metadata.get_or_insert_with(Object::new);
        self.object(given, metadata, &kind, at, &mut relation);
        self.conditions(given, metadata, &kind, at, &mut relation);
        let inner = metadata.remove("justification");
        relation.insert("justification", given.get("justification").cloned().or(inner));
        relation.insert("metadata", metadata.clone());
        Some(relation)
    }

    fn note_kind(&mut self, kind: &str, at: &str) {
        let detail = match kind {
            "requires" => "`requires` was ignored: unmet conditions deny from now on",
            "conflicts" => "`conflicts` was ignored: one of the two denies the other from now on",
            "implies" => {
                "`implies` was ignored: what the target may or may not do, the source may or may \
                 not from now on, which may allow more"
            }
            _ => return,
        };
        self.report.note(at, "relation_counts_now", detail);
    }

    fn ends(&mut self, given: &Object, kind: &str, at: &str, relation: &mut Object) -> Option<()> {
        let end = |long: &str, short: &str| {
            let long_text = member_text(given, long).map(|text| (member(at, long), text));
            long_text.or_else(|| member_text(given, short).map(|text| (member(at, short), text)))
        };
        let (source, target) = (end("source", "subject"), end("target", "action"));
        let Some(any) = source.clone().or_else(|| target.clone()) else {
            self.report.refuse(
                &member(at, "source"),
                "missing",
                "`source` or `target` is required",
            );
            return None;
        };
        let types = match kind {
            "conflicts" => ["action", "action"],
            "implies" => {
                let of = |end: &Option<(String, String)>| {
                    let id = end.as_ref().map(|(_, id)| id)?;
                    self.terms.get(id).and_then(|term| member_text(term, "term_type"))
                };
                let kind =
                    of(&source).or_else(|| of(&target)).unwrap_or_else(|| "actor".to_owned());
                let kind: &'static str = match kind.as_str() {
                    "action" => "action",
                    "data_class" => "data_class",
                    "resource" => "resource",
                    _ => "actor",
                };
                [kind, kind]
            }
            _ => ["actor", "action"],
        };
        for ((name, end), term_type) in
            [("source", source), ("target", target)].into_iter().zip(types)
        {
            let (place, id) = end.unwrap_or_else(|| any.clone());
            self.refer(&id, term_type, &place);
            relation.insert(name, id);
        }
        Some(())
    }

    fn object(
        &mut self,
        given: &Object,
        metadata: &mut Object,
        kind: &str,
        at: &str,
        relation: &mut Object,
    ) {
        let inner = metadata.remove("object").and_then(|value| value.as_str().map(str::to_owned));
        let Some(id) = member_text(given, "object").or(inner) else {
            return;
        };
        let place = member(at, "object");
        let is_resource = id.starts_with("resource:");
        self.refer(&id, if is_resource { "resource" } else { "data_class" }, &place);
        let detail = match kind {
            "permits" => {
                "one matching data class was enough: now each class of the request must be covered"
            }
            "forbids" => "without data classes it did not apply: now it does",
            _ => "is compared with the data classes or the resource of the request",
        };
        self.report.note(&place, "object_counts_otherwise", detail);
        let term = self.terms.get(&id).and_then(|term| member_text(term, "term_type"));
        if term.as_deref() == Some("resource") {
            let detail = "was compared with data classes: now with the resource of the request";
            self.report.note(&place, "object_is_resource", detail);
        }
        relation.insert("object", id);
    }

    fn conditions(
        &mut self,
        given: &Object,
        metadata: &mut Object,
        kind: &str,
        at: &str,
        relation: &mut Object,
    ) {
        let mut conditions = Vec::new();
        for name in ["conditions", "condition"] {
            let inner = if name == "condition" { metadata.remove(name) } else { None };
            let Some(value) = given.get(name).cloned().or(inner) else {
                continue;
            };
            let place = member(at, name);
            let items = match value {
                Json::Array(items) => items,
                Json::Null => Vec::new(),
                one => vec![one],
            };
            for (number, item) in items.iter().enumerate() {
                conditions.extend(self.condition(item, &format!("{place}/{number}")));
            }
        }
        if conditions.is_empty() {
            return;
        }
        let (code, detail) = match kind {
            "forbids" => (
                "forbids_less",
                "forbade whatever its conditions: now only where they hold or cannot be told, \
                 which may allow more",
            ),
            "permits" => {
                ("condition_counts_now", "permitted whatever its conditions: now they must hold")
            }
            _ => ("condition_counts_now", "conditions were never looked at: now they count"),
        };
        self.report.note(&member(at, "conditions"), code, detail);
        relation.insert("conditions", conditions);
    }
}
