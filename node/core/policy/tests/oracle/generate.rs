//! Policies and requests by chance, from few words, so that they meet.
//!
//! The words are such that every way to spell, to cover and to miss one occurs:
//! ids with and without kind, labels that are the bare id of another term,
//! patterns of one, two and no segments.

use policy::{Allowed, Document, Engine, Mode, Request};
use types::{DecisionId, Json, Object, Timestamp, Ulid};

use super::chance::Chance;
use super::values;

const ACTORS: [&str; 9] = [
    "actor:ann",
    "actor:bot",
    "bob",
    "actor:ai:x",
    "ai:y:z",
    "actor:ai:*",
    "actor:staff",
    "staff",
    "svc:*",
];
const ACTIONS: [&str; 6] =
    ["action:read", "action:write", "pay", "action:t:z", "t:*", "action:t:y:z"];
const CLASSES: [&str; 6] =
    ["data:name", "data:card", "data:pii:*", "card", "data:pii:mail", "eu:*"];
const RESOURCES: [&str; 5] = ["resource:claim", "resource:c:1", "file:7", "resource:c:*", "claim"];
const ACTOR_PATTERNS: [&str; 5] = ["*", "actor:*", "actor:ai:*", "ai:*", "ai:y:*"];
const ACTION_PATTERNS: [&str; 4] = ["*", "action:*", "action:t:*", "t:y:*"];
const OBJECT_PATTERNS: [&str; 6] =
    ["data:*", "data:pii:*", "resource:*", "resource:c:*", "file:*", "pii:*"];
const LABELS: [&str; 7] = ["Ann", "bot", "read", "claim", "name", "ai:y", "ann"];
const CONSTRAINT_TERMS: [&str; 3] = ["day", "small", "flag"];
/// What may stand in front of a word; the last is no kind.
const KINDS: [&str; 5] = ["actor", "action", "data", "resource", "x"];
/// 1 January and 1 March 2027.
const WINDOW: (&str, &str) = ("2027-01-01", "2027-03-01");
/// Around the window, its bounds included.
const TIMES: [u64; 7] = [
    0,
    1_798_761_599_999_999,
    1_798_761_600_000_000,
    1_800_000_000_000_000,
    1_803_859_199_999_999,
    1_803_859_200_000_000,
    1_900_000_000_123_456,
];

/// Ids of each type that the document at hand has, and patterns for their place.
struct Ids {
    actors: Vec<&'static str>,
    actions: Vec<&'static str>,
    classes: Vec<&'static str>,
    resources: Vec<&'static str>,
    constraints: Vec<&'static str>,
}

/// A request with what it borrows, and what the actor was allowed before.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) resource: Option<String>,
    pub(crate) tool: Option<String>,
    pub(crate) data_classes: Vec<String>,
    pub(crate) context: Object,
    pub(crate) risk_score: u32,
    pub(crate) risk_level: String,
    pub(crate) mode: Option<Mode>,
    pub(crate) at: u64,
    pub(crate) past: Vec<Allowed>,
}

impl Ask {
    pub(crate) fn request(&self, engine: Engine, steps_max: u32) -> Request<'_> {
        Request {
            actor: &self.actor,
            action: &self.action,
            resource: self.resource.as_deref(),
            tool: self.tool.as_deref(),
            data_classes: &self.data_classes,
            context: &self.context,
            risk_score: self.risk_score,
            risk_level: &self.risk_level,
            mode: self.mode,
            at: Timestamp(self.at),
            steps_max,
            engine,
        }
    }
}

/// A document that parses.
pub(crate) fn document(chance: &mut Chance) -> Document {
    loop {
        // Two relations may come out identical, which is refused.
        if let Ok((document, _)) = Document::parse(&source(chance)) {
            return document;
        }
    }
}

fn source(chance: &mut Chance) -> Json {
    let mut some = |ids: &[&'static str]| -> Vec<&'static str> {
        ids.iter().copied().filter(|_| !chance.one_in(3)).collect()
    };
    let ids = Ids {
        actors: some(&ACTORS),
        actions: some(&ACTIONS),
        classes: some(&CLASSES),
        resources: some(&RESOURCES),
        constraints: some(&CONSTRAINT_TERMS),
    };
    let mut document = Object::new();
    document.insert(
        "mode",
        chance.pick(&["strict", "strict", "strict", "permissive", "permissive", "paranoid"]),
    );
    if chance.one_in(6) {
        document.insert("effective_from", WINDOW.0);
    }
    if chance.one_in(6) {
        document.insert("effective_until", WINDOW.1);
    }
    document.insert("terms", Json::Array(terms(chance, &ids)));
    document.insert("relations", Json::Array(chance.some(14, |chance| relation(chance, &ids))));
    let constraints = chance.some(4, |chance| constraint(chance, &ids));
    document.insert("constraints", Json::Array(named(constraints)));
    Json::Object(document)
}

fn named(constraints: Vec<Object>) -> Vec<Json> {
    let named = constraints.into_iter().zip(0..).map(|(mut constraint, at)| {
        constraint.insert("name", format!("c{at}"));
        Json::Object(constraint)
    });
    named.collect()
}

fn terms(chance: &mut Chance, ids: &Ids) -> Vec<Json> {
    let typed = [
        (&ids.actors, "actor"),
        (&ids.actions, "action"),
        (&ids.classes, "data_class"),
        (&ids.resources, "resource"),
        (&ids.constraints, "constraint"),
    ];
    let mut terms = Vec::new();
    let mut known: Vec<&str> = Vec::new();
    for (ids, kind) in typed {
        for id in ids {
            if known.contains(id) {
                continue;
            }
            known.push(id);
            let mut term = if kind == "constraint" { values::test(chance) } else { Object::new() };
            term.insert("id", *id);
            term.insert("type", kind);
            if chance.one_in(4) {
                term.insert("label", chance.pick(&LABELS));
            }
            terms.push(Json::Object(term));
        }
    }
    terms
}

fn relation(chance: &mut Chance, ids: &Ids) -> Json {
    let mut relation = match chance.below(13) {
        0..5 => between(chance, ids, "permits"),
        5..7 => between(chance, ids, "forbids"),
        7..9 => between(chance, ids, "requires"),
        9..11 => implies(chance, ids),
        _ => {
            let (one, other) = (action(chance, ids), action(chance, ids));
            of("conflicts", one, other)
        }
    };
    if chance.one_in(2) {
        relation.insert("conditions", conditions(chance, ids, 3));
    }
    if chance.one_in(4) {
        relation.insert("justification", format!("because {}", chance.below(3)));
    }
    if chance.one_in(4) {
        relation.insert("relation_id", format!("r{}", chance.below(1000)));
    }
    Json::Object(relation)
}

fn of(kind: &str, source: &str, target: &str) -> Object {
    let mut relation = Object::new();
    relation.insert("type", kind);
    relation.insert("source", source);
    relation.insert("target", target);
    relation
}

fn between(chance: &mut Chance, ids: &Ids, kind: &str) -> Object {
    // Ends of another type are warned of and taken.
    let source = if chance.one_in(20) { action(chance, ids) } else { actor(chance, ids) };
    let target = if chance.one_in(20) { actor(chance, ids) } else { action(chance, ids) };
    let mut relation = of(kind, source, target);
    if chance.one_in(2) {
        relation.insert("object", object(chance, ids));
    }
    relation
}

/// From an earlier id to a later one of one type, so that nothing comes round.
fn implies(chance: &mut Chance, ids: &Ids) -> Object {
    let (terms, patterns): (&[&'static str], &[&'static str]) = match chance.below(6) {
        0..3 => (&ids.actors, &ACTOR_PATTERNS),
        3 => (&ids.actions, &ACTION_PATTERNS),
        4 => (&ids.classes, &["data:pii:*", "data:*", "pii:*"]),
        _ => (&ids.resources, &["resource:c:*", "resource:*", "file:*"]),
    };
    let mut ends: Vec<&str> = terms.iter().chain(patterns).copied().collect();
    ends.sort_unstable_by_key(|id| {
        (id.len() * 7 + id.bytes().map(usize::from).sum::<usize>()) % 31
    });
    ends.dedup();
    let last = u32::try_from(ends.len() - 1).unwrap();
    let from = chance.below(last);
    let to = from + 1 + chance.below(last - from);
    let at = |at: u32| ends[usize::try_from(at).unwrap()];
    of("implies", at(from), at(to))
}

fn constraint(chance: &mut Chance, ids: &Ids) -> Object {
    let mut constraint = Object::new();
    constraint.insert("action", chance.pick(&["deny", "escalate"]));
    let mut listed = vec![Json::Object(values::test(chance))];
    listed.extend(chance.some(2, |chance| Json::Object(values::test(chance))));
    if !ids.constraints.is_empty() && chance.one_in(3) {
        listed.push(Json::from(chance.pick(&ids.constraints)));
    }
    constraint.insert("condition", Json::Array(listed));
    let mut applies_to = Object::new();
    if chance.one_in(2) {
        applies_to.insert("actor", actor(chance, ids));
    }
    if chance.one_in(2) {
        applies_to.insert("action", action(chance, ids));
    }
    constraint.insert("applies_to", applies_to);
    if chance.one_in(3) {
        constraint.insert("justification", "a limit");
    }
    constraint
}

fn conditions(chance: &mut Chance, ids: &Ids, most: u32) -> Json {
    let listed = chance.some(most, |chance| match chance.below(6) {
        0 if !ids.constraints.is_empty() => Json::from(chance.pick(&ids.constraints)),
        1 => Json::from(chance.pick(&["b", "flagged", "approval"])),
        2 => Json::object([(chance.pick(&["k", "s", "m.n"]), values::scalar(chance))]),
        _ => Json::Object(values::test(chance)),
    });
    Json::Array(listed)
}

fn actor(chance: &mut Chance, ids: &Ids) -> &'static str {
    end(chance, &ids.actors, &ACTOR_PATTERNS)
}

fn action(chance: &mut Chance, ids: &Ids) -> &'static str {
    end(chance, &ids.actions, &ACTION_PATTERNS)
}

fn object(chance: &mut Chance, ids: &Ids) -> &'static str {
    match chance.below(3) {
        0 => end(chance, &ids.resources, &OBJECT_PATTERNS),
        _ => end(chance, &ids.classes, &OBJECT_PATTERNS),
    }
}

fn end(chance: &mut Chance, terms: &[&'static str], patterns: &[&'static str]) -> &'static str {
    if terms.is_empty() || chance.one_in(4) { chance.pick(patterns) } else { chance.pick(terms) }
}

pub(crate) fn ask(chance: &mut Chance) -> Ask {
    let mut data_classes = chance.some(3, |chance| word(chance, &CLASSES));
    data_classes.sort();
    data_classes.dedup();
    let mut past = chance.some(4, |chance| (word(chance, &ACTIONS), resource(chance)));
    // The most that is looked at, and one more.
    let filler = match chance.below(2000) {
        0 => 1000_usize.saturating_sub(past.len()),
        1..20 => 1001,
        _ => 0,
    };
    past.extend((0..filler).map(|at| ("read".to_owned(), Some(format!("file:{at}")))));
    let past = past.into_iter().zip(1..).map(|((action, resource), at)| Allowed {
        action,
        resource,
        decision: DecisionId(Ulid(at)),
    });
    Ask {
        actor: word(chance, &ACTORS),
        action: word(chance, &ACTIONS),
        resource: resource(chance),
        tool: chance.one_in(2).then(|| "browser".to_owned()),
        data_classes,
        context: values::context(chance),
        risk_score: chance.pick(&[1, 1, 20, 42, 79, 80, 100]),
        risk_level: (chance.pick(&["low", "high"])).to_owned(),
        mode: chance.pick(&[
            None,
            None,
            None,
            Some(Mode::Permissive),
            Some(Mode::Strict),
            Some(Mode::Paranoid),
        ]),
        at: chance.pick(&TIMES),
        past: past.collect(),
    }
}

fn resource(chance: &mut Chance) -> Option<String> {
    (!chance.one_in(3)).then(|| word(chance, &RESOURCES))
}

/// One of the ids as a request may spell it, or what is near to one.
fn word(chance: &mut Chance, ids: &[&str]) -> String {
    let id = chance.pick(ids);
    let bare = id.split_once(':').map_or(id, |(_, rest)| rest);
    let filled = |id: &str| id.replace('*', "y:z");
    match chance.below(16) {
        0..5 => filled(id),
        5..11 => filled(bare),
        11 => format!("{}:{bare}", chance.pick(&KINDS)),
        12 if chance.one_in(2) => format!("{}:{}", chance.pick(&KINDS), chance.pick(&LABELS)),
        12 => chance.pick(&LABELS).to_owned(),
        13 => id.replace('*', ""),
        14 => id.to_owned(),
        _ => id.to_uppercase(),
    }
}
