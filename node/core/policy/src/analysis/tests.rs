//! Each finding with what is close to it and is none.

use types::Json;

use super::*;
use crate::document::Document;

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|err| panic!("{err}: {text}"))
}

#[track_caller]
fn analyze_text(text: &str) -> Vec<Warning> {
    let (document, _) = Document::parse(&json(text)).unwrap_or_else(|faults| panic!("{faults:?}"));
    analyze(&Compiled::new(&document).unwrap())
}

/// What most policies here are about.
const TERMS: &str = r#"
    {"id":"actor:ai:bot","type":"actor"},{"id":"actor:clerk","type":"actor","name":"Clerk"},
    {"id":"actor:staff","type":"actor"},{"id":"action:pay","type":"action"},
    {"id":"action:mail@once","type":"action"},{"id":"data:name","type":"data_class"},
    {"id":"data:card","type":"data_class"},{"id":"resource:till","type":"resource"}"#;

/// Relations, one a line: `id type source target [object|-] [conditions]`.
fn relations(script: &str) -> String {
    let lines = script.lines().map(str::trim).filter(|line| !line.is_empty());
    let relations = lines.map(|line| {
        let mut words = line.splitn(6, ' ');
        let [id, kind, source, target] = std::array::from_fn(|_| words.next().unwrap());
        let object = words.next().filter(|object| *object != "-");
        let object = object.map_or("null".to_owned(), |object| format!("\"{object}\""));
        let conditions = words.next().unwrap_or("[]");
        format!(
            r#"{{"relation_id":"{id}","type":"{kind}","source":"{source}","target":"{target}",
                "object":{object},"conditions":{conditions}}}"#
        )
    });
    relations.collect::<Vec<_>>().join(",")
}

/// Compares `code name` of each warning about relations.
#[track_caller]
fn check(script: &str, expect: &str) {
    let warnings =
        analyze_text(&format!(r#"{{"terms":[{TERMS}],"relations":[{}]}}"#, relations(script)));
    let found = warnings.iter().filter(|warning| warning.pointer == "/relations").map(|warning| {
        let name = warning.detail.split('`').nth(1).unwrap_or_default();
        format!("{} {name}", warning.code)
    });
    assert_eq!(found.collect::<Vec<_>>().join("; "), expect, "{script}\n{warnings:#?}");
}

const ABOVE: &str = r#"{"key":"n","op":"gt","value":5}"#;
const BELOW: &str = r#"{"key":"n","op":"lt","value":5}"#;

#[test]
fn conditions_that_contradict_each_other_never_hold() {
    let of = |kind: &str, tests: &str| format!("r {kind} actor:clerk action:pay - [{tests}]");
    let both = format!("{ABOVE},{BELOW}");
    check(&of("permits", &both), "unreachable_relation r");
    check(&of("permits", ABOVE), "");
    check(&of("permits", &both.replace("\"gt\"", "\"gte\"").replace("\"lt\"", "\"lte\"")), "");
    check(
        &of("permits", r#"{"key":"time.hour_utc","op":"gt","value":23}"#),
        "unreachable_relation r",
    );
    check(&of("permits", r#"{"key":"time.hour_utc","op":"gt","value":22}"#), "");
    check(&of("permits", r#"{"a":1},{"a":2}"#), "unreachable_relation r");
    check(&of("permits", r#"{"a":1},{"b":2}"#), "");
    let patterns = r#"{"key":"a","op":"matches","value":"a"},{"a":"b"}"#;
    check(&of("permits", patterns), "");
}

#[test]
fn a_prohibition_applies_where_its_key_is_missing() {
    let of = |tests: &str| format!("f forbids actor:clerk action:pay - [{tests}]");
    // Without the key nobody can say, so it applies.
    check(&of(&format!("{ABOVE},{BELOW}")), "");
    let exists = r#"{"key":"n","op":"exists"}"#;
    // With a value that is no number as well.
    check(&of(&format!("{ABOVE},{BELOW},{exists}")), "");
    let not = r#"{"key":"n","op":"exists","value":false}"#;
    check(&of(&format!("{exists},{not}")), "forbid_never_applies f");
    check(&of(&format!("{not},{ABOVE}")), "");
    let level = r#"{"key":"decision.risk_level","op":"eq","value":"extreme"}"#;
    check(&of(level), "forbid_never_applies f");
    check(&of(&level.replace("extreme", "high")), "");
    check("r requires actor:clerk action:pay - [{\"a\":1},{\"a\":2}]", "");
}

#[test]
fn what_no_request_can_name_is_never_reached() {
    check("p permits actor:clerk action:mail@once", "unreachable_relation p");
    check("f forbids actor:clerk action:mail@once", "forbid_never_applies f");
    check("p permits actor:clerk action:pay", "");
    check(
        "i implies action:pay action:mail@once
         p permits actor:clerk action:mail@once",
        "",
    );
}

#[test]
fn what_a_wider_prohibition_forbids_is_permitted_in_vain() {
    check(
        "f forbids actor:ai:* *
         p permits actor:ai:bot action:pay - [{\"a\":1}]",
        "unreachable_relation p",
    );
    // The clerk is also called `Clerk`, which the pattern does not cover.
    check(
        "f forbids actor:clerk:* action:pay
         g forbids actor:* action:pay - [{\"a\":1}]
         p permits actor:clerk action:pay",
        "",
    );
    check(
        "f forbids * action:pay - [{\"a\":1}]
         p permits actor:clerk action:pay - [{\"a\":1},{\"b\":1}]",
        "unreachable_relation p",
    );
    check(
        "f forbids actor:staff action:pay
         i implies actor:clerk actor:staff
         p permits actor:clerk action:pay",
        "unreachable_relation p",
    );
    check(
        "f forbids actor:staff action:pay
         i implies actor:clerk actor:staff - [{\"a\":1}]
         p permits actor:clerk action:pay",
        "",
    );
    check(
        "f forbids actor:clerk action:pay data:name
         p permits actor:clerk action:pay",
        "",
    );
    check(
        "f forbids actor:clerk action:pay data:*
         p permits actor:clerk action:pay data:name",
        "unreachable_relation p",
    );
}

#[test]
fn the_same_permitted_and_forbidden_is_a_contradiction() {
    check(
        "f forbids actor:clerk action:pay - [{\"a\":1}]
         p permits actor:clerk action:pay - [{\"a\":1}]",
        "contradiction p",
    );
    check(
        "f forbids actor:clerk action:pay - [{\"a\":1}]
         p permits actor:clerk action:pay - [{\"a\":2}]",
        "",
    );
}

#[test]
fn a_relation_in_the_shadow_of_another_adds_nothing() {
    check(
        "a permits actor:ai:* action:pay
         b permits actor:ai:bot action:pay - [{\"a\":1}]",
        "shadowed_relation b",
    );
    check(
        "a permits actor:ai:bot action:pay - [{\"a\":1}]
         b permits actor:ai:bot action:pay - [{\"a\":1}]",
        "shadowed_relation b",
    );
    check(
        "a permits actor:ai:bot action:pay - [{\"a\":1}]
         b permits actor:ai:bot action:pay - [{\"b\":1}]",
        "",
    );
    check(
        "a permits actor:ai:bot action:pay data:name
         b permits actor:ai:bot action:pay
         c permits actor:ai:bot action:pay resource:till",
        "shadowed_relation a; shadowed_relation c",
    );
    check(
        "a permits actor:ai:bot action:pay data:name
         b permits actor:ai:bot action:pay data:card",
        "",
    );
    check(
        "a forbids actor:staff action:pay
         b forbids actor:clerk action:pay
         i implies actor:clerk actor:staff",
        "shadowed_relation b",
    );
}

#[test]
fn of_obligations_the_larger_makes_the_smaller_redundant() {
    check(
        "a requires actor:clerk action:pay - [{\"a\":1}]
         b requires actor:clerk action:pay - [{\"a\":1},{\"b\":1}]",
        "shadowed_relation a",
    );
    check(
        "a requires actor:clerk action:pay
         b requires actor:clerk action:pay - [{\"a\":1}]",
        "",
    );
}

#[test]
fn a_permit_for_a_pattern_is_not_about_the_label_of_what_it_covers() {
    let is_shadowed = |kind: &str| {
        let relations = relations(&format!(
            "k implies actor:staff actor:ai:hal
             w {kind} actor:ai:* action:pay
             x {kind} actor:ai:hal action:pay"
        ));
        let hal = r#"{"id":"actor:ai:hal","type":"actor","name":"Hal"}"#;
        let text = format!(r#"{{"terms":[{TERMS},{hal}],"relations":[{relations}]}}"#);
        analyze_text(&text).iter().any(|warning| warning.code == "shadowed_relation")
    };
    assert!(!is_shadowed("permits") && is_shadowed("forbids"));
    // What a relation leads to is all that the patterns over it mean.
    check(
        "k implies actor:staff actor:ai:bot
         w permits actor:ai:* action:pay - [{\"a\":1}]
         x permits actor:staff action:pay - [{\"a\":1}]",
        "shadowed_relation x",
    );
}

#[test]
fn a_long_chain_below_many_patterns_is_not_followed_to_its_end() {
    let deep = "a:".repeat(40);
    let patterns = (1..=40).map(|at| format!("p{at} forbids {}* action:pay", "a:".repeat(at)));
    let chain = (1..3000).map(|at| format!("i{at} implies {deep}{} {deep}{at}", at - 1));
    let script: Vec<String> = patterns.chain(chain).collect();
    let terms: Vec<String> =
        (0..3000).map(|at| format!(r#"{{"id":"{deep}{at}","type":"actor"}}"#)).collect();
    let text = format!(
        r#"{{"terms":[{TERMS},{}],"relations":[{}]}}"#,
        terms.join(","),
        relations(&script.join("\n"))
    );
    let (document, _) = Document::parse(&json(&text)).unwrap();
    let policy = Compiled::new(&document).unwrap();
    let mut cover = Cover::new(&policy);
    let node = crate::compile::nodes(policy.document())[format!("{deep}0").as_str()];
    let wider = cover.of(node, RelationType::Forbids);
    assert!(wider.is_cut && wider.nodes.len() == 32, "{wider:?}");
}

#[test]
fn a_permit_for_everyone_is_open() {
    check("p permits * *", "open_permit p");
    check("p permits actor:* action:pay", "open_permit p");
    check("p permits actor:clerk *", "open_permit p");
    check("p permits * * - [{\"a\":1}]", "");
    check("p permits * * data:name", "");
    check("p permits actor:ai:* action:pay", "");
    check("f forbids * *", "");
}

/// The terms that are called unused.
#[track_caller]
fn check_unused(document: &str, expect: &str) {
    let warnings = analyze_text(document);
    let unused = warnings.iter().filter(|warning| warning.code == "unused_term");
    let ids: Vec<&str> = unused.filter_map(|warning| warning.detail.split('`').nth(1)).collect();
    assert_eq!(ids.join(" "), expect, "{document}");
}

#[test]
fn a_term_is_used_by_whatever_names_it() {
    let of = |relation: &str| {
        format!(
            r#"{{"terms":[{TERMS},{{"id":"day","type":"constraint","key":"amount","op":"exists"}},
            {{"id":"context:amount","type":"context"}},
            {{"id":"data:pii","type":"data_class","metadata":{{"personal":true}}}}],
            "relations":[{relation}]}}"#
        )
    };
    let rest = "action:mail@once actor:ai:bot actor:clerk actor:staff data:card data:name";
    let pays = relations("p permits actor:* action:pay - [\"day\"]");
    check_unused(&of(&pays), "action:mail@once data:card data:name resource:till");
    let compares = relations(r#"p permits actor:staff action:pay - [{"decision.actor":"Clerk"}]"#);
    check_unused(
        &of(&compares),
        "action:mail@once actor:ai:bot data:card data:name day resource:till",
    );
    check_unused(
        &of(""),
        &format!("action:mail@once action:pay {} day resource:till", &rest[17..]),
    );
    check_unused(&of(&relations("p permits * *")), "data:card data:name day resource:till");
    check_unused(&of(&relations("p permits * * *")), "day");
    let conflicts = relations("c conflicts action:pay action:mail@once");
    // A label is another name of the clerk, so conflicts could tell by it.
    let unlabelled = rest[17..].replace("actor:clerk ", "");
    check_unused(&of(&conflicts), &format!("{unlabelled} day"));
}

#[test]
fn a_mode_that_denies_everything_ignores_permits() {
    let of = |mode: &str| {
        let relations = relations("p permits actor:clerk action:pay");
        let text = format!(r#"{{"mode":"{mode}","terms":[{TERMS}],"relations":[{relations}]}}"#);
        analyze_text(&text).iter().any(|warning| warning.code == "mode_ignores_permits")
    };
    assert!(of("paranoid"));
    assert!(!of("permissive") && !of("strict"));
}

#[test]
fn the_analysis_of_a_large_document_is_bounded_and_says_so() {
    let script: Vec<String> = (0..50_000)
        .map(|at| {
            let (low, high) = (at % 4000, at % 4000 + 1);
            format!(
                r#"r{at:05} permits actor:ai:* action:pay - [{{"key":"n","op":"gt","value":{high}}},{{"key":"n","op":"lt","value":{low}}}]"#
            )
        })
        .collect();
    let text = format!(r#"{{"terms":[{TERMS}],"relations":[{}]}}"#, relations(&script.join("\n")));
    let (document, _) = Document::parse(&json(&text)).unwrap();
    let compiled = Compiled::new(&document).unwrap();
    let warnings = analyze(&compiled);
    assert_eq!(warnings.len(), WARNINGS_MAX + 1);
    assert_eq!(warnings.last().unwrap().code, "too_many_warnings");
}
