//! The JSON of the predecessor. It loads in our spellings as it is; what it
//! ignored, or took otherwise, is noted.

mod prose;
mod relation;

use std::collections::BTreeMap;

use types::{Json, Object};

use super::report::Report;
use crate::input::member;

/// What its server read of a document; the rest had no effect.
const IGNORED: [&str; 10] = [
    "policy_id",
    "name",
    "version",
    "description",
    "metadata",
    "compliance_frameworks",
    "mode",
    "effective_from",
    "effective_until",
    "constraints",
];
const TERM_KEYS: [&str; 8] =
    ["term_id", "id", "term_type", "type", "label", "name", "description", "metadata"];
const CONSTRAINT_KEYS: [&str; 5] = ["name", "condition", "action", "applies_to", "justification"];
/// Terms that are compared with each other for ids that are part of ids.
const COMPARED_MAX: usize = 2000;

/// The document in our spellings; what it cannot say is in the report.
pub(super) fn import(json: &Json, report: &mut Report) -> Json {
    let Some(given) = json.as_object() else {
        report.refuse("", "wrong_type", "must be an object");
        return Json::Null;
    };
    let mut importer = Importer { report, terms: BTreeMap::new(), added: BTreeMap::new() };
    let mut document = importer.head(given);
    importer.all_terms(given);
    let relations = importer.all_relations(given);
    let constraints = importer.all_constraints(given);
    importer.note_parts(&relations);
    let terms = importer.terms.into_values().chain(importer.added.into_values());
    document.insert("terms", terms.map(Json::Object).collect::<Vec<_>>());
    document.insert("relations", relations.into_iter().map(Json::Object).collect::<Vec<_>>());
    document.insert("constraints", constraints);
    Json::Object(document)
}

struct Importer<'a> {
    report: &'a mut Report,
    /// By id, as given.
    terms: BTreeMap<String, Object>,
    /// Those that relations name and nothing defines.
    added: BTreeMap<String, Object>,
}

impl Importer<'_> {
    fn head(&mut self, given: &Object) -> Object {
        let known: Vec<&str> = IGNORED.into_iter().chain(["terms", "relations"]).collect();
        self.note_dropped(given, &known, "");
        for name in ["terms", "relations", "constraints"] {
            let is_list = given.get(name).is_none_or(|v| v.is_null() || v.as_array().is_some());
            if !is_list {
                self.report.refuse(&member("", name), "wrong_type", "must be a list");
            }
        }
        let mut document = Object::new();
        for name in IGNORED.iter().filter(|name| **name != "constraints") {
            if let Some(value) = given.get(name).filter(|value| !value.is_null()) {
                document.insert(*name, value.clone());
            }
        }
        for name in ["effective_from", "effective_until"] {
            if document.get(name).is_some() {
                let detail = "was ignored: outside of it nothing of the policy applies now";
                self.report.note(&member("", name), "date_counts_now", detail);
            }
        }
        if let Some(mode) = member_text(given, "mode") {
            let detail = match mode.to_ascii_lowercase().as_str() {
                "permissive" => {
                    "was ignored, every policy was strict: now what is not forbidden is allowed"
                }
                "paranoid" => "was ignored, every policy was strict: now everything is denied",
                _ => "was ignored, every policy was strict: now it counts",
            };
            self.report.note("/mode", "mode_counts_now", detail);
        }
        document
    }

    fn all_terms(&mut self, given: &Object) {
        for (at, item) in items(given, "terms").iter().enumerate() {
            let at = format!("/terms/{at}");
            let Some(term) = item.as_object() else {
                self.report.refuse(&at, "wrong_type", "must be an object");
                continue;
            };
            self.note_dropped(term, &TERM_KEYS, &at);
            let id = member_text(term, "term_id").or_else(|| member_text(term, "id"));
            let Some(id) = id else {
                self.report.refuse(&member(&at, "term_id"), "missing", "is required");
                continue;
            };
            self.refuse_pattern(&id, &at);
            let mut kept = Object::new();
            kept.insert("term_id", id.as_str());
            for (long, short) in [("term_type", "type"), ("label", "name")] {
                kept.insert(long, member_text(term, long).or_else(|| member_text(term, short)));
            }
            for name in ["description", "metadata"] {
                kept.insert(name, term.get(name).cloned());
            }
            if self.terms.insert(id.clone(), kept).is_some() {
                let detail = format!("`{id}` was a term before: as there, the last one stays");
                self.report.note(&at, "duplicate_term", detail);
            }
        }
    }

    /// An id with a star stood for itself and for nothing else.
    fn refuse_pattern(&mut self, id: &str, at: &str) {
        if id.contains('*') {
            let detail =
                format!("`{id}` was a name like any other; here it would be a pattern: rename it");
            self.report.refuse(at, "pattern", detail);
        }
    }

    /// Adds a term that is named and was never defined.
    fn refer(&mut self, id: &str, term_type: &'static str, at: &str) {
        self.refuse_pattern(id, at);
        if self.terms.contains_key(id) || self.added.contains_key(id) {
            return;
        }
        let mut term = Object::new();
        term.insert("term_id", id);
        term.insert("term_type", term_type);
        self.added.insert(id.to_owned(), term);
        let detail = format!("`{id}` is no term of the document: it is added as `{term_type}`");
        self.report.note(at, "term_added", detail);
    }

    fn all_relations(&mut self, given: &Object) -> Vec<Object> {
        let mut relations: Vec<Object> = Vec::new();
        for (at, item) in items(given, "relations").iter().enumerate() {
            let at = format!("/relations/{at}");
            let Some(mut relation) = self.relation(item, &at) else {
                continue;
            };
            if relations.contains(&relation) {
                self.report.note(
                    &at,
                    "duplicate_relation",
                    "says the same as one before: left out",
                );
                continue;
            }
            self.rename(&mut relation, &relations, &at);
            relations.push(relation);
        }
        relations
    }

    /// Relations under one id were all kept; here an id is one relation's.
    fn rename(&mut self, relation: &mut Object, before: &[Object], at: &str) {
        let Some(id) = member_text(relation, "relation_id") else {
            return;
        };
        let is_taken = |id: &str| {
            before.iter().any(|other| member_text(other, "relation_id").as_deref() == Some(id))
        };
        if !is_taken(&id) {
            return;
        }
        for number in 2_u32.. {
            let fresh = format!("{id}~{number}");
            if !is_taken(&fresh) {
                let detail =
                    format!("`{id}` is the id of a relation before: this one is `{fresh}`");
                self.report.note(at, "relation_renamed", detail);
                relation.insert("relation_id", fresh);
                return;
            }
        }
    }

    fn all_constraints(&mut self, given: &Object) -> Vec<Json> {
        let mut constraints = Vec::new();
        for (at, item) in items(given, "constraints").iter().enumerate() {
            let at = format!("/constraints/{at}");
            let Some(constraint) = item.as_object() else {
                self.report.refuse(&at, "wrong_type", "must be an object");
                continue;
            };
            constraints.push(Json::Object(self.constraint(constraint, &at)));
        }
        constraints
    }

    fn constraint(&mut self, given: &Object, at: &str) -> Object {
        self.note_dropped(given, &CONSTRAINT_KEYS, at);
        let mut constraint = given.clone();
        for (name, _) in given.iter().filter(|(name, _)| !CONSTRAINT_KEYS.contains(name)) {
            constraint.remove(name);
        }
        let effect = member_text(given, "action").unwrap_or_default().to_ascii_lowercase();
        if !["deny", "escalate"].contains(&effect.as_str()) {
            let detail = format!("`{effect}` is prose: a constraint does `deny` or `escalate`");
            self.report.refuse(&member(at, "action"), "constraint_not_machine_readable", detail);
        }
        let place = member(at, "condition");
        let mut conditions = Vec::new();
        match given.get("condition") {
            Some(Json::Array(items)) => {
                for (number, item) in items.iter().enumerate() {
                    conditions.extend(self.condition(item, &format!("{place}/{number}")));
                }
            }
            Some(item) => conditions.extend(self.condition(item, &place)),
            None => self.report.refuse(&place, "missing", "is required"),
        }
        constraint.insert("condition", conditions);
        let detail = "constraints were ignored: where this holds, or its key is missing, it counts";
        self.report.note(at, "constraint_counts_now", detail);
        constraint
    }

    /// A condition: objects as they are, text where it is plainly a comparison.
    fn condition(&mut self, json: &Json, at: &str) -> Vec<Json> {
        let Json::String(text) = json else {
            return vec![json.clone()];
        };
        match prose::tests(text) {
            Ok(tests) => {
                let shown = Json::Array(tests.clone()).to_canonical();
                self.report.note(at, "condition_read", format!("`{text}` is read as {shown}"));
                tests
            }
            Err(why) => {
                self.report.refuse(at, "constraint_not_machine_readable", why);
                Vec::new()
            }
        }
    }

    fn note_dropped(&mut self, given: &Object, known: &[&str], at: &str) {
        for (name, _) in given.iter().filter(|(name, _)| !known.contains(name)) {
            let detail = "had no effect and has no place here: left out";
            self.report.note(&member(at, name), "left_out", detail);
        }
    }

    /// A request was compared with parts of ids, so that the rules of a longer
    /// id were rules of a shorter one too.
    fn note_parts(&mut self, relations: &[Object]) {
        if relations.is_empty() {
            return;
        }
        let detail = "actors, actions and data classes matched by any part of an id: now by the \
                      whole id, the id without its kind, or the label";
        self.report.note("", "no_substrings", detail);
        let ids: Vec<&String> = self.terms.keys().chain(self.added.keys()).collect();
        if COMPARED_MAX < ids.len() {
            return;
        }
        for long in &ids {
            for short in ids.iter().filter(|short| *short != long && long.contains(short.as_str()))
            {
                let detail = format!(
                    "requests of `{short}` were judged by the rules of `{long}` too: no longer, \
                     prohibitions included"
                );
                self.report.note("/terms", "matched_by_part", detail);
            }
        }
    }
}

fn items<'a>(object: &'a Object, name: &str) -> &'a [Json] {
    object.get(name).and_then(Json::as_array).unwrap_or_default()
}

/// The trimmed text of a member; blank is none.
fn member_text(object: &Object, name: &str) -> Option<String> {
    let text = object.get(name)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
