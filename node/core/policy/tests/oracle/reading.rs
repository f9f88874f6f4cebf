//! The normal form of a document, member by member: nothing is prepared,
//! sorted or compiled, except that regular expressions are kept.

use std::collections::BTreeMap;

use policy::{Effect, Op, RelationType};
use regex::Regex;
use types::{Json, Object};

/// What the document says, as it says it.
pub(crate) struct Policy<'a> {
    pub(crate) mode: &'a str,
    pub(crate) effective_from: Option<&'a str>,
    pub(crate) effective_until: Option<&'a str>,
    pub(crate) terms: Vec<Term<'a>>,
    pub(crate) relations: Vec<Relation<'a>>,
    pub(crate) constraints: Vec<Constraint<'a>>,
    pub(crate) regexes: BTreeMap<&'a str, Regex>,
}

pub(crate) struct Term<'a> {
    pub(crate) id: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) label: &'a str,
}

pub(crate) struct Relation<'a> {
    pub(crate) id: &'a str,
    pub(crate) kind: RelationType,
    pub(crate) source: &'a str,
    pub(crate) target: &'a str,
    pub(crate) object: Option<&'a str>,
    pub(crate) conditions: Vec<Condition<'a>>,
    pub(crate) justification: Option<&'a str>,
}

pub(crate) struct Constraint<'a> {
    pub(crate) name: &'a str,
    pub(crate) effect: Effect,
    pub(crate) actor: Option<&'a str>,
    pub(crate) action: Option<&'a str>,
    pub(crate) conditions: Vec<Condition<'a>>,
    pub(crate) justification: Option<&'a str>,
}

/// A test of one key, by its own name or that of a constraint term.
pub(crate) struct Condition<'a> {
    pub(crate) name: String,
    pub(crate) key: &'a str,
    pub(crate) op: Op,
    pub(crate) value: &'a Json,
}

impl<'a> Policy<'a> {
    pub(crate) fn read(document: &'a Json) -> Self {
        let document = document.as_object().unwrap();
        let terms = objects(document, "terms");
        let named: BTreeMap<&str, &Object> =
            terms.iter().map(|term| (text(term, "term_id"), *term)).collect();
        let mut policy = Self {
            mode: text(document, "mode"),
            effective_from: optional(document, "effective_from"),
            effective_until: optional(document, "effective_until"),
            terms: terms.into_iter().map(term).collect(),
            relations: Vec::new(),
            constraints: Vec::new(),
            regexes: BTreeMap::new(),
        };
        for json in objects(document, "relations") {
            policy.relations.push(relation(json, &named));
        }
        for json in objects(document, "constraints") {
            policy.constraints.push(constraint(json, &named));
        }
        policy.keep_regexes();
        policy
    }

    fn keep_regexes(&mut self) {
        let relations = self.relations.iter().map(|relation| &relation.conditions);
        let constraints = self.constraints.iter().map(|constraint| &constraint.conditions);
        for condition in relations.chain(constraints).flatten() {
            if condition.op == Op::Matches {
                let pattern = condition.value.as_str().unwrap();
                let whole = Regex::new(&format!(r"\A(?:{pattern})\z")).unwrap();
                self.regexes.insert(pattern, whole);
            }
        }
    }
}

fn term(json: &Object) -> Term<'_> {
    Term { id: text(json, "term_id"), kind: text(json, "term_type"), label: text(json, "label") }
}

fn relation<'a>(json: &'a Object, named: &BTreeMap<&str, &'a Object>) -> Relation<'a> {
    Relation {
        id: text(json, "relation_id"),
        kind: RelationType::parse(text(json, "relation_type")).unwrap(),
        source: text(json, "source"),
        target: text(json, "target"),
        object: optional(json, "object"),
        conditions: conditions(json, "conditions", named),
        justification: optional(json, "justification"),
    }
}

fn constraint<'a>(json: &'a Object, named: &BTreeMap<&str, &'a Object>) -> Constraint<'a> {
    let applies_to = json.get("applies_to").unwrap().as_object().unwrap();
    Constraint {
        name: text(json, "name"),
        effect: Effect::parse(text(json, "action")).unwrap(),
        actor: optional(applies_to, "actor"),
        action: optional(applies_to, "action"),
        conditions: conditions(json, "condition", named),
        justification: optional(json, "justification"),
    }
}

fn conditions<'a>(
    json: &'a Object,
    key: &str,
    named: &BTreeMap<&str, &'a Object>,
) -> Vec<Condition<'a>> {
    let listed = json.get(key).unwrap().as_array().unwrap();
    let read = listed.iter().map(|condition| match condition.as_str() {
        Some(name) => test(named[name], Some(name)),
        None => test(condition.as_object().unwrap(), None),
    });
    read.collect()
}

/// A constraint term and a condition spell their test alike.
fn test<'a>(json: &'a Object, name: Option<&str>) -> Condition<'a> {
    let (key, op) = (text(json, "key"), Op::parse(text(json, "op")).unwrap());
    let value = json.get("value").unwrap();
    let name = match name {
        Some(name) => name.to_owned(),
        None => own_name(key, op, value),
    };
    Condition { name, key, op, value }
}

/// What an obligation is called that has no name: a flag by its key, else the
/// test itself as long as it is short.
fn own_name(key: &str, op: Op, value: &Json) -> String {
    let value = value.to_canonical();
    match op {
        Op::Eq if value == "true" => key.to_owned(),
        op if value.len() <= 64 => format!("{key} {op} {value}"),
        op => format!("{key} {op}"),
    }
}

fn objects<'a>(json: &'a Object, key: &str) -> Vec<&'a Object> {
    let items = json.get(key).unwrap().as_array().unwrap();
    items.iter().map(|item| item.as_object().unwrap()).collect()
}

fn text<'a>(json: &'a Object, key: &str) -> &'a str {
    json.get(key).unwrap().as_str().unwrap()
}

fn optional<'a>(json: &'a Object, key: &str) -> Option<&'a str> {
    json.get(key).unwrap().as_str()
}
