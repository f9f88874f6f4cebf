//! Cedar, as far as our language says the same.
//!
//! The grammar is read here and not by Cedar's own crate: it brings a parser
//! generator and more than fifty crates into a binary that reads a small part of
//! the language and only has to name the rest.
//!
//! Reading order: `syntax` (what a policy is), `condition` (expressions as
//! tests), `words` (entities as terms).

mod condition;
mod parse;
mod syntax;
mod token;
mod words;

use std::collections::BTreeSet;

use types::{Json, Object};

use self::condition::{Cases, Refusal, product};
use self::syntax::{Effect, Policy, Scope};
use self::words::{Role, Words};
use super::report::Report;

/// The policies as a document of ours; what it cannot say is in the report.
pub(super) fn import(text: &str, entities: Option<&Json>, report: &mut Report) -> Json {
    let policies = match parse::policies(text) {
        Ok(policies) => policies,
        Err(fault) => {
            report.refuse(&format!("line {}", fault.line), "syntax", fault.detail);
            return Json::Null;
        }
    };
    let mut words = Words::default();
    let mut ids = BTreeSet::new();
    let mut relations = Vec::new();
    for (number, policy) in policies.iter().enumerate() {
        let place = format!("line {}", policy.line);
        let given = policy.annotations.iter().find(|(name, _)| name == "id");
        let id = given.map_or_else(|| format!("policy{number}"), |(_, id)| id.trim().to_owned());
        if id.is_empty() || !ids.insert(id.clone()) {
            let detail = format!("`{id}` is the id of another policy, or is blank");
            report.refuse(&place, "duplicate_id", detail);
        }
        match cases(policy) {
            Ok(cases) => {
                note_meaning(policy, &cases, report);
                relations.extend(self::relations(policy, &id, &cases, &mut words, report));
            }
            Err(Refusal { line, code, detail }) => {
                report.refuse(&format!("line {line}"), code, detail);
            }
        }
    }
    relations.extend(words.memberships(entities, report));
    Json::object([
        ("mode", "strict".into()),
        ("terms", words.terms().into()),
        ("relations", relations.into_iter().map(Json::Object).collect::<Vec<_>>().into()),
    ])
}

/// When all conditions of a policy hold.
fn cases(policy: &Policy) -> Result<Cases, Refusal> {
    let mut cases = vec![Vec::new()];
    for (is_when, expr) in &policy.conditions {
        cases = product(&cases, &condition::cases(expr, *is_when, policy.effect)?);
    }
    Ok(cases)
}

/// What the conditions mean here and did not there.
fn note_meaning(policy: &Policy, cases: &Cases, report: &mut Report) {
    let place = format!("line {}", policy.line);
    let said = |name: &str| {
        let tests = cases.iter().flatten().filter_map(Json::as_object);
        tests.filter_map(|test| test.get(name)?.as_str()).collect::<BTreeSet<&str>>()
    };
    let ops = said("op");
    if cases.is_empty() {
        report.note(&place, "never_applies", "its conditions never hold: left out");
    }
    if policy.effect == Effect::Forbid && ops.iter().any(|op| *op != "exists") {
        let keys: Vec<&str> = said("key").into_iter().collect();
        let detail = format!(
            "where one of `{}` is missing or of another type, Cedar skips this policy; here it forbids",
            keys.join("`, `")
        );
        report.note(&place, "forbids_more", detail);
    }
    if policy.effect == Effect::Permit && (ops.contains("ne") || ops.contains("not_in")) {
        let detail = "a value of another type is unequal to Cedar; here it permits nothing";
        report.note(&place, "permits_less", detail);
    }
    if ops.contains("cidr") {
        let detail = "an IPv4 address written within IPv6 (`::ffff:a.b.c.d`) counts here as the \
                      IPv4 address, which may allow more or less";
        report.note(&place, "mapped_addresses", detail);
    }
}

fn relations(
    policy: &Policy,
    id: &str,
    cases: &Cases,
    words: &mut Words,
    report: &mut Report,
) -> Vec<Object> {
    let sources = ends(policy, &policy.principal, Role::Principal, words, report);
    let actions = ends(policy, &policy.action, Role::Action, words, report);
    let objects = ends(policy, &policy.resource, Role::Resource, words, report);
    let mut metadata = Object::new();
    for (name, value) in policy.annotations.iter().filter(|(name, _)| name != "id") {
        metadata.insert(name.as_str(), value.as_str());
    }
    let mut found = Vec::new();
    for (source, action, object) in combined(&sources, &actions, &objects) {
        for tests in cases {
            let mut relation = Object::new();
            let kind = match policy.effect {
                Effect::Permit => "permits",
                Effect::Forbid => "forbids",
            };
            relation.insert("relation_type", kind);
            relation.insert("source", source.unwrap_or("*"));
            relation.insert("target", action.unwrap_or("*"));
            relation.insert("object", object);
            relation.insert("conditions", tests.clone());
            relation.insert("metadata", metadata.clone());
            found.push(relation);
        }
    }
    let is_one = found.len() == 1;
    for (relation, number) in found.iter_mut().zip(1_u32..) {
        let id = if is_one { id.to_owned() } else { format!("{id}/{number}") };
        relation.insert("relation_id", id);
    }
    found
}

type Ends = Vec<Option<String>>;

fn combined<'a>(
    sources: &'a Ends,
    actions: &'a Ends,
    objects: &'a Ends,
) -> Vec<(Option<&'a str>, Option<&'a str>, Option<&'a str>)> {
    let mut found = Vec::new();
    for source in sources {
        for action in actions {
            for object in objects {
                found.push((source.as_deref(), action.as_deref(), object.as_deref()));
            }
        }
    }
    found
}

/// Whom a scope names; `None` is whoever it is.
fn ends(
    policy: &Policy,
    scope: &Scope,
    role: Role,
    words: &mut Words,
    report: &mut Report,
) -> Ends {
    let used = (policy.line, policy.effect);
    let place = format!("line {}", policy.line);
    match scope {
        Scope::Any => vec![None],
        Scope::Is(kind) => vec![Some(words.pattern(kind, role, used, report))],
        Scope::Equals(entity) => vec![Some(words.equals(entity, role, used, report))],
        Scope::In(groups) => {
            if role != Role::Action && groups.len() != 1 {
                report.refuse(&place, "syntax", "only `action` may be `in` a list");
            }
            groups.iter().map(|group| Some(words.group(group, role, used, report))).collect()
        }
        Scope::Other(name) => {
            report.refuse(&place, "not_expressible", format!("{name} is not imported"));
            Vec::new()
        }
    }
}
