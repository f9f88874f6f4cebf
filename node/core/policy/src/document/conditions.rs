//! The three forms of a condition, read into one.

use std::collections::BTreeMap;

use types::Json;

use super::read::{Field, Members, TEXT_CHARS_MAX, required};
use crate::condition::pattern::Patterns;
use crate::condition::probe::{KEY_CHARS_MAX, Probe};
use crate::condition::{Condition, Test};
use crate::fault::{Findings, member, suggest};
use crate::words::Op;

/// Conditions of one relation or constraint.
const CONDITIONS_MAX: usize = 64;
/// Bytes of all values of one relation or constraint in canonical form: they
/// are recorded with every decision they take part in.
const VALUES_BYTES_MAX: usize = 64 << 10;
/// Levels of a value; no context is deeper.
const VALUE_DEPTH_MAX: usize = 5;

const TEST_KEYS: [&str; 3] = ["key", "op", "value"];

/// What a text alone may mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wording {
    /// A constraint term, or a key of the context that must be true.
    TermsAndFlags,
    /// A constraint term: other text is taken for prose.
    Terms,
}

/// Reads conditions where the constraint terms are known.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) constraint_terms: &'a BTreeMap<String, usize>,
    pub(super) patterns: &'a mut Patterns,
    pub(super) findings: &'a mut Findings,
}

impl Reader<'_> {
    /// One condition or a list, in order and each once.
    pub(super) fn conditions(&mut self, field: &Field<'_>, wording: Wording) -> Vec<Condition> {
        let mut found = Vec::new();
        if field.value.as_array().is_some() {
            for item in field.items(CONDITIONS_MAX, self.findings) {
                self.condition(&item, wording, &mut found);
            }
        } else {
            self.condition(field, wording, &mut found);
        }
        // All must hold, so neither order nor repetition means anything.
        found.sort_by_cached_key(|condition| condition.to_json().to_canonical());
        found.dedup();
        self.check_size(field, &found);
        found
    }

    fn check_size(&mut self, field: &Field<'_>, found: &[Condition]) {
        if CONDITIONS_MAX < found.len() {
            let detail = format!("must be at most {CONDITIONS_MAX} conditions");
            self.findings.fault(&field.pointer, "out_of_range", detail);
        }
        let sizes = found.iter().map(|condition| match condition {
            Condition::Named(name) => self.constraint_terms.get(name).copied().unwrap_or(0),
            Condition::Test(test) => test.bytes(),
        });
        if VALUES_BYTES_MAX < sizes.fold(0, usize::saturating_add) {
            let detail = format!("must be at most {VALUES_BYTES_MAX} bytes together");
            self.findings.fault(&field.pointer, "too_long", detail);
        }
    }

    fn condition(&mut self, field: &Field<'_>, wording: Wording, found: &mut Vec<Condition>) {
        match field.value {
            Json::String(_) => found.extend(self.text(field, wording)),
            Json::Object(object) if object.get("key").is_some() || object.get("op").is_some() => {
                let members = Members::open(field, &TEST_KEYS, self.findings);
                let test = members.and_then(|members| self.test(&members));
                found.extend(test.map(Condition::Test));
            }
            Json::Object(_) => self.short_tests(field, found),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) => {
                let detail = "must be a condition: an object or the name of one";
                self.findings.fault(&field.pointer, "wrong_type", detail);
            }
        }
    }

    /// `{"purpose":"support"}`
    fn short_tests(&mut self, field: &Field<'_>, found: &mut Vec<Condition>) {
        let Some(object) = field.value.as_object().filter(|object| !object.is_empty()) else {
            self.findings.fault(&field.pointer, "missing", "an empty condition says nothing");
            return;
        };
        for (key, value) in object.iter() {
            let pointer = member(&field.pointer, key);
            let key = key.trim();
            let test = Test { key: key.to_owned(), op: Op::Eq, value: value.clone() };
            if key.is_empty() {
                self.findings.fault(&pointer, "missing", "the key is blank");
            } else if self.is_sound(&test, |_| pointer.clone()) {
                found.push(Condition::Test(test));
            }
        }
    }

    /// `"name"`
    fn text(&mut self, field: &Field<'_>, wording: Wording) -> Option<Condition> {
        let text = required(
            Some(field.text(TEXT_CHARS_MAX, self.findings)),
            field.pointer.clone(),
            self.findings,
        )?;
        if self.constraint_terms.contains_key(&text) {
            return Some(Condition::Named(text));
        }
        if wording == Wording::Terms || !is_flag(&text) {
            let detail = format!(
                "`{text}` is not a constraint term; write the condition as \
                 {{\"key\":…,\"op\":…,\"value\":…}}"
            );
            self.findings.fault(&field.pointer, "constraint_not_machine_readable", detail);
            return None;
        }
        self.warn_of_near_term(field, &text);
        let test = Test { key: text, op: Op::Eq, value: Json::Bool(true) };
        self.is_sound(&test, |_| field.pointer.clone()).then_some(Condition::Test(test))
    }

    fn warn_of_near_term(&mut self, field: &Field<'_>, text: &str) {
        let near = self.constraint_terms.keys().take(NEAR_TERMS_MAX);
        let near: Vec<&str> = near.map(String::as_str).collect();
        if let Some(near) = suggest(text, &near) {
            let detail = format!(
                "`{text}` is read as a key of the context; did you mean the term `{near}`?"
            );
            self.findings.warn(&field.pointer, "near_constraint", detail);
        }
    }

    /// The members `key`, `op` and `value` of a condition or constraint term.
    pub(super) fn test(&mut self, members: &Members<'_>) -> Option<Test> {
        let key = members.get("key").map(|field| field.text(KEY_CHARS_MAX, self.findings));
        let key = required(key, members.pointer_to("key"), self.findings);
        let op = members.get("op").map(|field| field.word::<Op>(self.findings));
        let op = required(op, members.pointer_to("op"), self.findings);
        let (key, op) = (key?, op?);
        let value = match members.get("value") {
            Some(field) => field.value.clone(),
            None if op == Op::Exists => Json::Bool(true),
            None => Json::Null,
        };
        let test = Test { key, op, value };
        self.is_sound(&test, |name| members.pointer_to(name)).then_some(test)
    }

    fn is_sound(&mut self, test: &Test, pointer_to: impl Fn(&str) -> String) -> bool {
        if VALUE_DEPTH_MAX < test.value.depth() {
            let detail = format!("must be at most {VALUE_DEPTH_MAX} levels deep");
            self.findings.fault(&pointer_to("value"), "too_deep", detail);
            return false;
        }
        let flaw = Probe::new(test, self.patterns).err();
        if let Some(flaw) = &flaw {
            self.findings.fault(&pointer_to(flaw.member), flaw.code, flaw.detail.as_str());
        }
        flaw.is_none()
    }
}

/// Terms a misspelt name is compared with.
const NEAR_TERMS_MAX: usize = 1000;

/// Whether a text is a name rather than prose or an expression.
fn is_flag(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.@:/".contains(&byte))
}
