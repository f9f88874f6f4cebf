//! Each kind of change beside one that is none, and what holds for all.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use types::{DecisionId, Json, Micros, Object, Timestamp, Ulid};

use super::*;
use crate::document::Document;
use crate::request::Allowed;
use crate::words::Mode;

/// What most policies here are about.
const TERMS: &str = r#"
    {"id":"actor:bot","type":"actor","name":"The bot"},{"id":"actor:ai:a","type":"actor"},
    {"id":"actor:staff","type":"actor"},
    {"id":"action:read","type":"action"},{"id":"action:pay","type":"action"},
    {"id":"data:name","type":"data_class"},{"id":"data:card","type":"data_class"},
    {"id":"data:pii","type":"data_class"},{"id":"resource:claim","type":"resource"},
    {"id":"office_hours","type":"constraint","key":"hour","op":"between","value":[9,17]}"#;

const BOT_READS: &str = r#"{"type":"permits","source":"actor:bot","target":"action:read"}"#;
const BOT_MAY_NOT: &str = r#"{"type":"forbids","source":"actor:bot","target":"action:read"}"#;
const ALL_PERMITTED: &str = r#"{"type":"permits","source":"*"}"#;

#[track_caller]
fn compile(text: &str) -> Compiled {
    let json: Json = serde_json::from_str(text).unwrap_or_else(|err| panic!("{err}: {text}"));
    let (document, _) = Document::parse(&json).unwrap_or_else(|faults| panic!("{faults:?}"));
    Compiled::new(&document).unwrap()
}

/// Relations between the usual terms, or these and more members after `;`.
#[track_caller]
fn policy(text: &str) -> Compiled {
    let (relations, more) = text.split_once(';').unwrap_or((text, ""));
    let comma = if more.is_empty() { "" } else { "," };
    compile(&format!(r#"{{"terms":[{TERMS}],"relations":[{relations}]{comma}{more}}}"#))
}

fn line(change: &Change) -> String {
    let about = [&change.data_class, &change.resource].into_iter().flatten();
    let about: String = about.map(|word| format!(" {word}")).collect();
    let (was, would_be) = (change.was, change.would_be);
    format!(
        "{} {}{about}: {} {} -> {} {}",
        change.actor, change.action, was.0, was.1, would_be.0, would_be.1
    )
}

/// Every example is answered by both policies as its change says.
#[track_caller]
fn reproduce(before: &Compiled, after: &Compiled, difference: &Difference) {
    for change in &difference.changes {
        let request = &change.request;
        assert_eq!(answer(before, request).0, change.was, "{change:?}");
        assert_eq!(answer(after, request).0, change.would_be, "{change:?}");
        assert_ne!(change.was.0, change.would_be.0, "{change:?}");
    }
}

#[track_caller]
fn compare(before: &Compiled, after: &Compiled, bounds: DiffBounds) -> Difference {
    let difference = diff(before, after, bounds);
    reproduce(before, after, &difference);
    assert_eq!(difference, diff(before, after, bounds), "not the same twice");
    difference
}

/// Compares two policies and shows the changes of words that people write.
#[track_caller]
fn check(before: &str, after: &str, expect: &str) {
    let difference = compare(&policy(before), &policy(after), DiffBounds::default());
    assert!(difference.is_exhaustive, "{difference:#?}");
    let lines: Vec<String> = difference.changes.iter().map(line).collect();
    let expect: Vec<&str> = expect.lines().map(str::trim).collect();
    assert_eq!(lines, expect, "{difference:#?}");
}

const NOTHING: &str = "";

/// A relation with more members.
fn with(relation: &str, more: &str) -> String {
    relation.replacen('{', &format!("{{{more},"), 1)
}

#[test]
fn what_says_the_same_changes_nothing() {
    let pays = r#"{"type":"permits","source":"actor:bot","target":"action:pay"}"#;
    check(&format!("{BOT_READS},{pays}"), &format!("{pays},{BOT_READS}"), NOTHING);
    check(BOT_READS, &with(BOT_READS, r#""relation_id":"x""#), NOTHING);
    check(BOT_READS, &with(BOT_READS, r#""justification":"because""#), NOTHING);
    let support = with(BOT_READS, r#""relation_id":"x","conditions":{"purpose":"support"}"#);
    check(BOT_READS, &format!("{BOT_READS},{support}"), NOTHING);
    check(BOT_READS, &format!(r#"{BOT_READS};"name":"Another""#), NOTHING);
    check(BOT_READS, BOT_READS, NOTHING);
}

#[test]
fn a_permit_widens_and_its_absence_narrows() {
    check("", BOT_READS, "actor:bot action:read: denied no_permit -> allowed permitted");
    check(BOT_READS, "", "actor:bot action:read: allowed permitted -> denied no_permit");
    let pays = BOT_READS.replace("read", "pay");
    check(
        BOT_READS,
        &format!("{BOT_READS},{pays}"),
        "actor:bot action:pay: denied no_permit -> allowed permitted",
    );
}

#[test]
fn a_prohibition_narrows_where_something_was_permitted() {
    for permits in [BOT_READS, ALL_PERMITTED] {
        check(
            permits,
            &format!("{permits},{BOT_MAY_NOT}"),
            "actor:bot action:read: allowed permitted -> denied forbidden",
        );
    }
    check("", BOT_MAY_NOT, NOTHING);
}

#[test]
fn a_condition_is_met_in_the_example() {
    let support = with(BOT_READS, r#""conditions":{"ticket.purpose":"support"}"#);
    let narrows = "actor:bot action:read: allowed permitted -> denied no_permit";
    let widens = "actor:bot action:read: denied no_permit -> allowed permitted";
    check(BOT_READS, &support, narrows);
    check("", &support, widens);
    let few = with(BOT_READS, r#""conditions":{"key":"amount","op":"lt","value":10}"#);
    let more = with(BOT_READS, r#""conditions":{"key":"amount","op":"lte","value":10}"#);
    check(&few, &more, widens);
    let other = r#"{"key":"amount","op":"gt","value":10}"#;
    let less = r#"{"key":"amount","op":"lt","value":10}"#;
    let impossible = with(BOT_READS, &format!(r#""conditions":[{less},{other}]"#));
    check("", &impossible, NOTHING);
    let spelled = with(BOT_READS, r#""conditions":"office_hours""#);
    let named = with(BOT_READS, r#""conditions":{"key":"hour","op":"between","value":[9,17]}"#);
    check(&named, &spelled, NOTHING);
}

#[test]
fn a_mode_changes_what_nothing_is_said_of() {
    let narrows = "actor:bot action:read: allowed permitted -> denied ";
    check(
        BOT_READS,
        &format!(r#"{BOT_READS};"mode":"permissive""#),
        "* *: denied no_permit -> allowed permissive_default
         * action:read: denied no_permit -> allowed permissive_default
         actor:bot *: denied no_permit -> allowed permissive_default
         actor:bot actor:action:read: denied no_permit -> allowed permissive_default",
    );
    check(BOT_READS, &format!(r#"{BOT_READS};"mode":"paranoid""#), &format!("{narrows}paranoid"));
    check("", r#";"mode":"paranoid""#, NOTHING);
    // A request may ask for the strict mode, which a missing permit then fails.
    check(
        &format!(r#"{BOT_READS};"mode":"permissive""#),
        r#";"mode":"permissive""#,
        &format!("{narrows}no_permit"),
    );
}

#[test]
fn a_window_changes_what_is_asked_outside_it() {
    let until = format!(r#"{BOT_READS};"effective_until":"2027-06-01""#);
    check(BOT_READS, &until, "actor:bot action:read: allowed permitted -> denied no_permit");
    check(&until, &format!(r#"{BOT_READS};"effective_until":"2027-06-01T00:00:00Z""#), NOTHING);
    check(r#";"effective_until":"2027-06-01""#, "", NOTHING);
}

#[test]
fn an_object_is_named() {
    let name = with(BOT_READS, r#""object":"data:name""#);
    let claim = with(BOT_READS, r#""object":"resource:claim""#);
    check(&name, "", "actor:bot action:read data:name: allowed permitted -> denied no_permit");
    check(
        "",
        &claim,
        "actor:bot action:read resource:claim: denied no_permit -> allowed permitted",
    );
    check(
        BOT_READS,
        &name,
        "actor:bot action:read: allowed permitted -> denied no_permit
         actor:bot action:read *: allowed permitted -> denied no_permit
         actor:bot action:read actor:data:name: allowed permitted -> denied no_permit",
    );
    let no_card = with(BOT_MAY_NOT, r#""object":"data:card""#);
    check(
        &format!("{BOT_READS},{no_card}"),
        &name,
        "actor:bot action:read *: allowed permitted -> denied no_permit
         actor:bot action:read actor:data:name: allowed permitted -> denied no_permit",
    );
    check(&no_card, "", NOTHING);
}

#[test]
fn a_kind_brings_what_is_said_of_it() {
    let kind = r#"{"type":"implies","source":"actor:bot","target":"actor:staff"}"#;
    let staff = BOT_READS.replace("bot", "staff");
    check(
        &staff,
        &format!("{staff},{kind}"),
        "actor:bot action:read: denied no_permit -> allowed permitted",
    );
    check("", kind, NOTHING);
    let class = r#"{"type":"implies","source":"data:name","target":"data:pii"}"#;
    let pii = with(BOT_READS, r#""object":"data:pii""#);
    check(
        &pii,
        &format!("{pii},{class}"),
        "actor:bot action:read data:name: denied no_permit -> allowed permitted",
    );
}

#[test]
fn a_pattern_shows_what_no_term_names() {
    let ai = BOT_READS.replace("actor:bot", "actor:ai:*");
    check("", &ai, "actor:ai:* action:read: denied no_permit -> allowed permitted");
    let one = BOT_READS.replace("actor:bot", "actor:ai:a");
    check(&ai, &one, "actor:ai:* action:read: allowed permitted -> denied no_permit");
    check(&ai, &format!("{ai},{one}"), NOTHING);
}

#[test]
fn a_conflict_shows_a_history() {
    let both = format!("{BOT_READS},{}", BOT_READS.replace("read", "pay"));
    let conflict = r#"{"type":"conflicts","source":"action:read","target":"action:pay"}"#;
    let turned = r#"{"type":"conflicts","source":"action:pay","target":"action:read"}"#;
    check(
        &both,
        &format!("{both},{conflict}"),
        "actor:bot action:pay: allowed permitted -> denied conflict
         actor:bot action:read: allowed permitted -> denied conflict",
    );
    check(&format!("{both},{conflict}"), &format!("{both},{turned}"), NOTHING);
}

#[test]
fn an_obligation_narrows_until_it_is_met() {
    let logged = BOT_READS.replace("permits", "requires");
    check(
        BOT_READS,
        &format!("{BOT_READS},{}", with(&logged, r#""conditions":"logged""#)),
        "actor:bot action:read: allowed permitted -> denied obligation_unmet",
    );
    check("", &logged, NOTHING);
}

#[test]
fn a_constraint_denies_or_asks_a_human() {
    let constraint = |effect: &str| {
        format!(
            r#"{BOT_READS};"constraints":[{{"name":"c","action":"{effect}",
           "condition":{{"key":"decision.risk_score","op":"gte","value":50}}}}]"#
        )
    };
    check(
        BOT_READS,
        &constraint("deny"),
        "actor:bot action:read: allowed permitted -> denied constraint_denied",
    );
    check(
        BOT_READS,
        &constraint("escalate"),
        "actor:bot action:read: allowed permitted -> escalated constraint_escalated",
    );
    check(&constraint("deny"), &constraint("deny").replace(r#""c""#, r#""d""#), NOTHING);
}

#[test]
fn a_label_is_another_spelling() {
    let of = |label: &str| {
        compile(&format!(
            r#"{{"terms":[{{"id":"actor:bot","type":"actor","name":"{label}"}},{{"id":"action:read","type":"action"}}],
            "relations":[{BOT_READS}]}}"#
        ))
    };
    let difference = compare(&of("Bot"), &of("Robot"), DiffBounds::default());
    let lines: Vec<String> = difference.changes.iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "Bot action:read: allowed permitted -> denied no_permit",
            "Robot action:read: denied no_permit -> allowed permitted",
        ]
    );
    assert_eq!(compare(&of("bot"), &of(""), DiffBounds::default()).changes, []);
}

#[test]
fn a_change_at_a_critical_risk_alone_is_told() {
    let grave = r#"{"key":"decision.risk_score","op":"gte","value":90}"#;
    check(
        "",
        &with(BOT_READS, &format!(r#""conditions":{grave}"#)),
        "actor:bot action:read: denied no_permit -> escalated risk_critical",
    );
}

#[test]
fn the_words_of_a_request_are_told_apart_by_conditions_on_them() {
    let only = |key: &str, value: &str| {
        let test = format!(r#"{{"key":"decision.{key}","op":"eq","value":"{value}"}}"#);
        format!(r#"{{"type":"permits","source":"*","conditions":{test}}}"#)
    };
    check("", &only("actor", "eve"), "* *: denied no_permit -> allowed permitted");
    check("", &only("tool", "pen"), "* *: denied no_permit -> allowed permitted");
    check("", &only("resource", "shelf"), "* * *: denied no_permit -> allowed permitted");
    // Nobody is both.
    let both = only("actor", "eve")
        .replace("conditions\":", "conditions\":[")
        .replace("}}", r#"},{"key":"decision.actor","op":"eq","value":"bob"}]}"#);
    check("", &both, NOTHING);
}

#[test]
fn a_time_is_found_for_conditions_on_it() {
    let on =
        |key: &str, value: &str| format!(r#"{{"key":"time.{key}","op":"eq","value":{value}}}"#);
    let when =
        |tests: &[String]| with(BOT_READS, &format!(r#""conditions":[{}]"#, tests.join(",")));
    let widens = "actor:bot action:read: denied no_permit -> allowed permitted";
    // 29 February 2028 is a Tuesday.
    let leap = on("date_utc", r#""2028-02-29""#);
    check("", &when(&[leap.clone(), on("weekday_utc", "2"), on("hour_utc", "23")]), widens);
    check("", &when(&[leap, on("weekday_utc", "3"), on("hour_utc", "23")]), NOTHING);
}

#[test]
fn one_key_below_another_is_no_free_choice() {
    let when = |key: &str| {
        with(BOT_READS, &format!(r#""conditions":["a",{{"key":"{key}","op":"eq","value":true}}]"#))
    };
    let compare = |after: &str| compare(&policy(""), &policy(after), DiffBounds::default());
    let nested = compare(&when("a.b"));
    assert_eq!((nested.changes.len(), nested.is_exhaustive), (0, false));
    let apart = compare(&when("c.b"));
    assert_eq!((apart.changes.len(), apart.is_exhaustive), (1, true));
}

#[test]
fn a_search_that_is_cut_says_so() {
    let amount = with(BOT_READS, r#""conditions":{"amount":1}"#);
    let cut = |bounds| compare(&policy(BOT_READS), &policy(&amount), bounds);
    let whole = cut(DiffBounds::default());
    assert!(whole.is_exhaustive && 1 < whole.evaluations, "{whole:?}");
    let exact = DiffBounds { evaluations_max: whole.evaluations, ..DiffBounds::default() };
    assert_eq!(cut(exact), whole);
    for evaluations_max in 0..whole.evaluations {
        let found = cut(DiffBounds { evaluations_max, ..DiffBounds::default() });
        assert!(!found.is_exhaustive && found.evaluations <= evaluations_max, "{found:?}");
    }
    let unlisted = cut(DiffBounds { changes_max: 0, ..DiffBounds::default() });
    assert_eq!((unlisted.narrowed, unlisted.changes.len()), (1, 0));
}

/// 1,000 agents with 10 actions each, one of them in another way.
#[test]
fn what_is_too_long_is_cut_and_says_so() {
    let permits = |condition: usize| {
        let implies = (1..700).map(|at| {
            let before = at - 1;
            format!(r#"{{"type":"implies","source":"actor:b{before}","target":"actor:b{at}"}}"#)
        });
        let permit = format!(
            r#"{{"type":"permits","source":"actor:b699","target":"action:r","conditions":{{"x":{condition}}}}}"#
        );
        let terms = (0..700).map(|at| format!(r#"{{"id":"actor:b{at}","type":"actor"}}"#));
        let terms: Vec<String> =
            terms.chain([r#"{"id":"action:r","type":"action"}"#.to_owned()]).collect();
        let relations: Vec<String> = implies.chain([permit]).collect();
        compile(&format!(
            r#"{{"terms":[{}],"relations":[{}]}}"#,
            terms.join(","),
            relations.join(",")
        ))
    };
    let difference = diff(&permits(1), &permits(2), DiffBounds::default());
    assert!(!difference.is_exhaustive && 0 < difference.narrowed, "{}", difference.evaluations);
    let denied = |missing: usize| {
        let limits = (0..200).filter(|at| *at != missing).map(|at| {
            format!(r#"{{"name":"c{at}","condition":{{"key":"decision.resource","op":"eq","value":"r{at}"}},"action":"deny"}}"#)
        });
        let limits = limits.collect::<Vec<_>>().join(",");
        policy(&format!(r#";"mode":"permissive","constraints":[{limits}]"#))
    };
    assert!(!compare(&denied(200), &denied(190), DiffBounds::default()).is_exhaustive);
}

#[test]
fn a_word_that_is_nothing_is_in_no_text() {
    for (others, expect) in [("", "other"), ("other", "other2"), ("other2 other31 other", "other4")]
    {
        let terms =
            others.split_whitespace().map(|id| format!(r#"{{"id":"{id}","type":"actor"}}"#));
        let terms = terms.collect::<Vec<_>>().join(",");
        let of = |mode: &str| compile(&format!(r#"{{"mode":"{mode}","terms":[{terms}]}}"#));
        let difference = compare(&of("strict"), &of("permissive"), DiffBounds::default());
        let is_so = |change: &Change| change.actor == "*" && change.request.actor == expect;
        assert!(difference.changes.iter().any(is_so), "{expect} {difference:#?}");
    }
}

fn large(value_of_one: &str) -> Compiled {
    let mut terms = Vec::new();
    let mut relations = Vec::new();
    let text = |members: &[(&str, &str)]| {
        let members = members.iter().map(|(key, value)| ((*key).to_owned(), Json::from(*value)));
        Object::from_members(members.collect()).unwrap()
    };
    for action in 0..10 {
        terms.push(text(&[("id", &format!("action:claims:{action}")), ("type", "action")]));
    }
    for actor in 0..1000 {
        let id = format!("actor:ai:team_{}:agent_{actor}", actor % 50);
        terms.push(text(&[("id", &id), ("type", "actor")]));
        for action in 0..10 {
            let is_one = actor == 517 && action == 4;
            let kind = if action == 9 { "forbids" } else { "permits" };
            let target = format!("action:claims:{action}");
            let mut relation = text(&[("type", kind), ("source", &id), ("target", &target)]);
            let purpose = if is_one { value_of_one } else { "triage" };
            relation.insert("conditions", text(&[("purpose", purpose)]));
            relations.push(relation);
        }
    }
    let document = Json::object([("terms", terms.into()), ("relations", relations.into())]);
    Compiled::new(&Document::parse(&document).unwrap().0).unwrap()
}

#[test]
fn one_relation_of_ten_thousand_is_found_by_looking_at_that_one() {
    let (before, after) = (large("triage"), large("support"));
    assert_eq!(before.document().relations_count(), 10_000);
    let difference = compare(&before, &after, DiffBounds::default());
    let lines: Vec<String> = difference.changes.iter().map(line).collect();
    let pair = "actor:ai:team_17:agent_517 action:claims:4";
    let widens = format!("{pair}: denied no_permit -> allowed permitted");
    let narrows = format!("{pair}: allowed permitted -> denied no_permit");
    assert_eq!(lines, [widens, narrows]);
    assert!(difference.is_exhaustive && difference.evaluations < 200, "{difference:?}");
    assert_eq!((difference.widened, difference.narrowed, difference.other), (1, 1, 0));
}

/// What random policies are put together from.
const RELATIONS: [&str; 34] = [
    r#"{"type":"permits","source":"*"}"#,
    r#"{"type":"permits","source":"actor:bot","target":"action:read"}"#,
    r#"{"type":"permits","source":"actor:bot","target":"*","conditions":"a"}"#,
    r#"{"type":"permits","source":"actor:staff","target":"action:read"}"#,
    r#"{"type":"permits","source":"actor:staff","target":"action:pay","conditions":{"key":"n","op":"lt","value":5}}"#,
    r#"{"type":"permits","source":"actor:ai:*","target":"*"}"#,
    r#"{"type":"permits","source":"actor:ai:a","target":"action:pay","object":"data:name"}"#,
    r#"{"type":"permits","source":"*","target":"action:read","object":"data:*"}"#,
    r#"{"type":"permits","source":"actor:bot","target":"action:pay","object":"resource:claim"}"#,
    r#"{"type":"permits","source":"*","object":"data:pii","conditions":{"key":"n","op":"in","value":[1,"x"]}}"#,
    r#"{"type":"permits","source":"*","object":"claim:*"}"#,
    r#"{"type":"permits","source":"*","conditions":{"key":"decision.actor","op":"eq","value":"bot"}}"#,
    r#"{"type":"permits","source":"*","conditions":{"key":"decision.risk_score","op":"gt","value":20}}"#,
    r#"{"type":"permits","source":"actor:bot","conditions":{"key":"time.hour_utc","op":"between","value":[8,17]}}"#,
    r#"{"type":"forbids","source":"actor:bot","target":"action:read"}"#,
    r#"{"type":"forbids","source":"actor:bot","target":"action:read","conditions":{"key":"n","op":"gt","value":5}}"#,
    r#"{"type":"forbids","source":"*","target":"action:pay","object":"data:card"}"#,
    r#"{"type":"forbids","source":"actor:ai:*","target":"action:pay","object":"resource:claim"}"#,
    r#"{"type":"forbids","source":"*","object":"data:*","conditions":{"a":false}}"#,
    r#"{"type":"forbids","source":"actor:staff","target":"*","conditions":{"key":"t.x","op":"prefix","value":"ab"}}"#,
    r#"{"type":"forbids","source":"*","conditions":{"key":"decision.resource","op":"in","value":["claim","shelf"]}}"#,
    r#"{"type":"forbids","source":"*","object":"pii"}"#,
    r#"{"type":"requires","source":"*","target":"action:pay"}"#,
    r#"{"type":"requires","source":"actor:bot","conditions":["a",{"key":"t.x","op":"ne","value":"abc"}]}"#,
    r#"{"type":"requires","source":"*","object":"data:pii","conditions":{"key":"n","op":"exists"}}"#,
    r#"{"type":"implies","source":"actor:bot","target":"actor:staff"}"#,
    r#"{"type":"implies","source":"actor:ai:*","target":"actor:staff","conditions":{"a":true}}"#,
    r#"{"type":"implies","source":"actor:staff","target":"actor:ai:a","conditions":{"key":"n","op":"gte","value":3}}"#,
    r#"{"type":"implies","source":"data:card","target":"data:pii"}"#,
    r#"{"type":"implies","source":"data:name","target":"data:pii","conditions":"a"}"#,
    r#"{"type":"implies","source":"action:read","target":"action:pay"}"#,
    r#"{"type":"conflicts","source":"action:read","target":"action:pay"}"#,
    r#"{"type":"conflicts","source":"action:pay","target":"*","conditions":"a"}"#,
    r#"{"type":"conflicts","source":"action:x:*","target":"action:read"}"#,
];
const LIMITS: [&str; 4] = [
    r#"{"name":"1","action":"deny","condition":{"key":"n","op":"gt","value":7}}"#,
    r#"{"name":"2","action":"escalate","condition":{"a":true},"applies_to":{"actor":"actor:staff"}}"#,
    r#"{"name":"3","action":"deny","condition":{"key":"decision.risk_level","op":"eq","value":"high"},"applies_to":{"action":"action:pay"}}"#,
    r#"{"name":"4","action":"escalate","condition":{"key":"decision.tool","op":"ne","value":"pen"}}"#,
];
const FRAMES: [&str; 6] = [
    r#""mode":"strict""#,
    r#""mode":"strict""#,
    r#""mode":"strict""#,
    r#""mode":"permissive""#,
    r#""mode":"paranoid""#,
    r#""effective_from":"2027-02-01T12:30:00Z","effective_until":"2027-02-03""#,
];
const LABELS: [&str; 3] = ["", "pay", "staff"];

/// Which of the parts a policy has.
type Parts = (BTreeSet<usize>, BTreeSet<usize>, usize, usize);

fn parts() -> impl Strategy<Value = Parts> {
    let relations = vec(0..RELATIONS.len(), 0..6);
    (
        relations,
        vec(0..LIMITS.len(), 0..2),
        0..FRAMES.len(),
        prop_oneof![4 => Just(0), 1 => 0..LABELS.len()],
    )
        .prop_map(|(relations, limits, frame, label)| {
            (relations.into_iter().collect(), limits.into_iter().collect(), frame, label)
        })
}

/// Two policies that have most in common.
fn neighbors() -> impl Strategy<Value = (Parts, Parts)> {
    (parts(), parts(), 0..4_u32).prop_map(|(before, other, what)| {
        let mut after = before.clone();
        let relation = other.0.iter().next();
        match what {
            0 => after.0.extend(relation),
            1 => after.0 = before.0.iter().skip(1).copied().chain(relation.copied()).collect(),
            2 => (after.1, after.3) = (other.1, other.3),
            _ => after = other,
        }
        (before, after)
    })
}

/// `None` where the parts make no policy.
fn assemble((relations, limits, frame, label): &Parts) -> Option<Compiled> {
    let list = |all: &[&str], which: &BTreeSet<usize>| {
        which.iter().map(|at| all[*at]).collect::<Vec<_>>().join(",")
    };
    let terms = format!(
        r#"{TERMS},{{"id":"pii","type":"data_class"}},{{"id":"action:x:y","type":"action","name":"{}"}}"#,
        LABELS[*label]
    );
    let text = format!(
        r#"{{"terms":[{terms}],"relations":[{}],"constraints":[{}],{}}}"#,
        list(&RELATIONS, relations),
        list(&LIMITS, limits),
        FRAMES[*frame]
    );
    let document = Document::parse(&serde_json::from_str(&text).unwrap()).ok()?.0;
    Compiled::new(&document).ok()
}

const ACTORS: [&str; 10] = [
    "actor:bot",
    "bot",
    "The bot",
    "staff",
    "actor:staff",
    "ai:a",
    "ai:b",
    "actor:ai:c:d",
    "eve",
    "data:bot",
];
const ACTIONS: [&str; 9] = [
    "action:read",
    "read",
    "pay",
    "action:pay",
    "x:y",
    "action:x:z",
    "stir",
    "actor:pay",
    "action:actor:read",
];
const CLASSES: [&str; 9] =
    ["data:name", "name", "card", "data:card", "pii", "data:pii", "data:new", "new", "actor:pii"];
const RESOURCES: [&str; 6] = ["resource:claim", "claim", "claim:7", "shelf", "desk", "data:claim"];

fn request() -> impl Strategy<Value = Example> {
    let words = (
        select(&ACTORS[..]),
        select(&ACTIONS[..]),
        proptest::option::of(select(&RESOURCES[..])),
        vec(select(&CLASSES[..]), 0..4),
        proptest::option::of(select(vec!["pen", "saw"])),
    );
    let n = select(vec!["null", "1", "2.5", "3", "4", "5", "6", "8", "\"x\"", "\"y\"", "[]"]);
    let t = select(vec!["null", "\"abc\"", "\"abd\"", "\"b\"", "7", "{}"]);
    let context = (select(vec!["null", "true", "false", "\"true\""]), n, t);
    let seconds = 0..60 * 86_400_u64;
    let mode = proptest::option::of(select(Mode::ALL));
    let past = vec(select(&ACTIONS[..]), 0..3);
    (words, context, 1..101_u32, seconds, mode, past).prop_map(
        |((actor, action, resource, classes, tool), (a, n, t), risk_score, seconds, mode, past)| {
            let context = format!(r#"{{"a":{a},"n":{n},"t":{{"x":{t}}}}}"#);
            let context: Json = serde_json::from_str(&context).unwrap();
            let from: Timestamp = "2027-01-20".parse().unwrap();
            let past = past.into_iter().map(|action| Allowed {
                action: action.to_owned(),
                resource: resource.map(str::to_owned),
                decision: DecisionId(Ulid(7)),
            });
            Example {
                actor: actor.to_owned(),
                action: action.to_owned(),
                resource: resource.map(str::to_owned),
                tool: tool.map(str::to_owned),
                data_classes: classes.into_iter().map(str::to_owned).collect(),
                context: context.as_object().unwrap().clone(),
                risk_score,
                mode,
                at: from.checked_add(Micros::from_seconds(seconds)).unwrap(),
                history: past.collect(),
            }
        },
    )
}

/// An outcome as it would be at a low risk.
fn lowered(answer: Answer) -> Verdict {
    if answer.1 == ReasonCode::RiskCritical { Verdict::Allowed } else { answer.0 }
}

/// Random policies are small; what a larger search would find is not asked.
const FEW: DiffBounds = DiffBounds { changes_max: 10_000, evaluations_max: 20_000 };

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn what_changes_for_some_request_is_found(
        (before, after) in neighbors(),
        requests in vec(request(), 100),
    ) {
        let (Some(before), Some(after)) = (assemble(&before), assemble(&after)) else {
            return Ok(());
        };
        let difference = diff(&before, &after, FEW);
        reproduce(&before, &after, &difference);
        let counts = [difference.widened, difference.narrowed, difference.other];
        let counted: u32 = counts.into_iter().sum();
        prop_assert_eq!(usize::try_from(counted).unwrap(), difference.changes.len());
        if !difference.is_exhaustive {
            return Ok(());
        }
        for request in requests {
            let [was, would_be] = [&before, &after].map(|policy| answer(policy, &request).0);
            let is_found = difference.changes.iter().any(|change| {
                (lowered(change.was), lowered(change.would_be)) == (lowered(was), lowered(would_be))
            });
            prop_assert!(was.0 == would_be.0 || is_found, "{:?} {:?} {:?}", request, was, would_be);
        }
    }

    #[test]
    fn a_policy_differs_in_nothing_from_itself(parts in parts()) {
        if let Some(policy) = assemble(&parts) {
            let renamed = policy.document().to_json().to_canonical().replace(r#""name":null"#, r#""name":"x""#);
            let renamed = compile(&renamed);
            prop_assert_ne!(policy.hash(), renamed.hash());
            let difference = diff(&policy, &renamed, FEW);
            prop_assert!(difference.changes.is_empty() && difference.is_exhaustive);
            prop_assert_eq!(difference.evaluations, 0);
        }
    }
}

#[test]
fn most_random_policies_are_policies_and_searched_to_the_end() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut compiled, mut exhaustive, mut changed) = (0, 0, 0);
    for _ in 0..40 {
        let (before, after) = neighbors().new_tree(&mut runner).unwrap().current();
        if let (Some(before), Some(after)) = (assemble(&before), assemble(&after)) {
            let difference = diff(&before, &after, FEW);
            compiled += 1;
            exhaustive += u32::from(difference.is_exhaustive);
            changed += u32::from(!difference.changes.is_empty());
        }
    }
    assert!(20 < compiled && 10 < exhaustive && 10 < changed, "{compiled} {exhaustive} {changed}");
}
