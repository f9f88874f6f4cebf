//! Which data classes and context keys a policy marks as personal data:
//! `metadata.personal: true` on a term.
//!
//! It decides nothing about a request. It tells how a record of one is kept.
//! Names are compared as the names of terms are: by id with or without its kind,
//! by label, and `x:*` by whatever goes on past `x:`.

use std::collections::BTreeSet;

use types::{Json, Object};

use crate::document::{Document, Term};
use crate::names::{is_pattern, without_kind};
use crate::words::TermType;

/// Levels of a context that are looked at: a context has no more.
const DEPTH_MAX: usize = 5;

/// What a policy marks.
#[derive(Debug, Default)]
pub(crate) struct Personal {
    classes: Marks,
    keys: Marks,
}

#[derive(Debug, Default)]
struct Marks {
    exact: BTreeSet<String>,
    /// What comes before the `*`, colon included.
    prefixes: BTreeSet<String>,
    everything: bool,
}

impl Personal {
    pub(crate) fn of(document: &Document) -> Self {
        let mut personal = Self::default();
        for term in document.terms.iter().filter(|term| is_marked(term)) {
            match term.kind {
                TermType::DataClass => personal.classes.add(term),
                TermType::Context => personal.keys.add(term),
                TermType::Actor | TermType::Action | TermType::Resource | TermType::Constraint => {}
            }
        }
        personal
    }

    /// Whether a request with these names one of them.
    pub(crate) fn is_named(&self, data_classes: &[String], context: &Object) -> bool {
        data_classes.iter().any(|class| self.classes.has(class))
            || (!self.keys.is_empty() && self.is_key_in(context, "", DEPTH_MAX))
    }

    /// Keys are written as conditions write them: `ticket.id`.
    fn is_key_in(&self, object: &Object, before: &str, depth: usize) -> bool {
        object.iter().any(|(key, value)| {
            let path = format!("{before}{key}");
            if self.keys.has(&path) {
                return true;
            }
            match (value, depth.checked_sub(1)) {
                (Json::Object(inner), Some(depth)) => {
                    self.is_key_in(inner, &format!("{path}."), depth)
                }
                (_, _) => false,
            }
        })
    }
}

fn is_marked(term: &Term) -> bool {
    term.metadata.get("personal").and_then(Json::as_bool) == Some(true)
}

impl Marks {
    fn add(&mut self, term: &Term) {
        for text in [Some(term.id.as_str()), without_kind(&term.id)].into_iter().flatten() {
            match text.strip_suffix('*').filter(|_| is_pattern(text)) {
                Some("") => self.everything = true,
                Some(prefix) => drop(self.prefixes.insert(prefix.to_owned())),
                None => drop(self.exact.insert(text.to_owned())),
            }
        }
        if !term.label.is_empty() {
            self.exact.insert(term.label.clone());
        }
    }

    fn is_empty(&self) -> bool {
        !self.everything && self.exact.is_empty() && self.prefixes.is_empty()
    }

    fn has(&self, text: &str) -> bool {
        if self.everything || self.exact.contains(text) {
            return true;
        }
        let last = text.len().saturating_sub(1);
        let colons = text.bytes().enumerate().filter(|(at, byte)| *byte == b':' && *at < last);
        let mut prefixes = colons.filter_map(|(at, _)| text.get(..=at));
        prefixes.any(|prefix| self.prefixes.contains(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(term: &str, classes: &[&str], context: &str, expect: bool) {
        let document = format!(r#"{{"terms":[{term}]}}"#);
        let (document, _) = Document::parse(&serde_json::from_str(&document).unwrap()).unwrap();
        let classes: Vec<String> = classes.iter().map(|class| (*class).to_owned()).collect();
        let context: Object = serde_json::from_str(context).unwrap();
        let found = Personal::of(&document).is_named(&classes, &context);
        assert_eq!(found, expect, "{term} {classes:?} {context:?}");
    }

    #[test]
    fn a_class_is_personal_where_its_term_says_so() {
        let name = r#"{"id":"data:name","type":"data_class","metadata":{"personal":true}}"#;
        check(name, &["card", "name"], "{}", true);
        check(name, &["data:name"], "{}", true);
        check(name, &["names"], r#"{"name":1}"#, false);
        let all = r#"{"id":"data:pii:*","type":"data_class","metadata":{"personal":true}}"#;
        check(all, &["pii:name"], "{}", true);
        check(all, &["pii"], "{}", false);
        for not in ["{}", r#"{"personal":false}"#, r#"{"personal":"true"}"#] {
            let term = format!(r#"{{"id":"data:name","type":"data_class","metadata":{not}}}"#);
            check(&term, &["name"], "{}", false);
        }
    }

    #[test]
    fn a_key_is_personal_at_whatever_level_it_is() {
        let term = r#"{"id":"context:patient.name","type":"context","metadata":{"personal":true}}"#;
        check(term, &[], r#"{"patient":{"name":"Ada"}}"#, true);
        check(term, &[], r#"{"patient":{"id":1},"name":"Ada"}"#, false);
        check(term, &["patient.name"], "{}", false);
    }

    #[test]
    fn other_kinds_of_terms_mark_nothing() {
        let term = r#"{"id":"actor:name","type":"actor","metadata":{"personal":true}}"#;
        check(term, &["name"], r#"{"name":1}"#, false);
    }
}
