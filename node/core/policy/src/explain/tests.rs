//! What nearly counted, and the smallest change, each with its refusal.

use types::Object;

use super::*;
use crate::document::Document;
use crate::request::{NoHistory, STEPS_MAX};
use crate::words::{Engine, Mode};

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|err| panic!("{err}: {text}"))
}

#[track_caller]
fn compile(text: &str) -> Compiled {
    let (document, _) = Document::parse(&json(text)).unwrap_or_else(|faults| panic!("{faults:?}"));
    Compiled::new(&document).unwrap()
}

/// Relations between the bot and its paying, and further members.
#[track_caller]
fn policy(relations: &str, more: &str) -> Compiled {
    compile(&format!(
        r#"{{"terms":[{{"id":"actor:bot","type":"actor"}},{{"id":"action:pay","type":"action"}},
        {{"id":"data:name","type":"data_class"}},{{"id":"data:card","type":"data_class"}},
        {{"id":"resource:till","type":"resource"}}],"relations":[{relations}]{more}}}"#
    ))
}

/// A relation about the bot and its paying.
fn of(kind: &str, id: &str, rest: &str) -> String {
    format!(
        r#"{{"type":"{kind}","relation_id":"{id}","source":"actor:bot","target":"action:pay"{rest}}}"#
    )
}

/// A request as JSON with `context`, `classes`, `resource` and `risk`.
fn ask(policy: &Compiled, request: &str) -> Explanation {
    let request = json(request).as_object().unwrap().clone();
    let classes = request.get("classes").and_then(Json::as_array).unwrap_or_default();
    let classes: Vec<String> = classes.iter().map(|c| c.as_str().unwrap().to_owned()).collect();
    let context = request.get("context").and_then(Json::as_object).cloned().unwrap_or_default();
    explain(policy, &plain(&request, &classes, &context), &NoHistory).unwrap()
}

fn plain<'a>(request: &'a Object, classes: &'a [String], context: &'a Object) -> Request<'a> {
    Request {
        actor: "bot",
        action: "pay",
        resource: request.get("resource").and_then(Json::as_str),
        tool: None,
        data_classes: classes,
        context,
        risk_score: request.get("risk").and_then(Json::as_u64).map_or(1, |s| s.try_into().unwrap()),
        risk_level: "low",
        mode: None,
        at: "2027-03-04T05:06:07Z".parse().unwrap(),
        steps_max: STEPS_MAX,
        engine: Engine::NEWEST,
    }
}

/// `key op value` joined, and the outcome.
fn flip_of(explanation: &Explanation) -> String {
    let Some(flip) = &explanation.minimal_flip else {
        return "none".to_owned();
    };
    let changes = flip
        .changes
        .iter()
        .map(|change| format!("{} {} {}", change.key, change.op, change.value.to_canonical()));
    format!("{}: {}", flip.outcome, changes.collect::<Vec<_>>().join(", "))
}

/// Each near relation as `id(key op expected = actual)`.
fn near_of(explanation: &Explanation) -> String {
    let near = explanation.near_misses.iter().map(|near| {
        let failed = near.failed.iter().map(|failed| {
            assert_eq!(failed.is_missing, failed.actual.is_none());
            let actual = failed.actual.as_ref().map_or("-".to_owned(), Json::to_canonical);
            let expected = failed.expected.to_canonical();
            format!("{} {} {expected} = {actual}", failed.key, failed.op)
        });
        format!("{}({})", near.relation_id, failed.collect::<Vec<_>>().join("; "))
    });
    near.collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn flips(policy: &Compiled, request: &str, expect: &str) {
    assert_eq!(flip_of(&ask(policy, request)), expect, "{request}");
}

#[track_caller]
fn nears(policy: &Compiled, request: &str, expect: &str) {
    assert_eq!(near_of(&ask(policy, request)), expect, "{request}");
}

const SMALL: &str = r#","conditions":{"key":"amount","op":"lte","value":500}"#;

#[test]
fn a_permit_that_fails_is_near_and_its_condition_is_the_change() {
    let policy = policy(&of("permits", "p", SMALL), "");
    nears(&policy, r#"{"context":{"amount":700}}"#, "p(amount lte 500 = 700)");
    flips(&policy, r#"{"context":{"amount":700}}"#, "allowed: amount lte 500");
    nears(&policy, "{}", "p(amount lte 500 = -)");
    flips(&policy, "{}", "allowed: amount lte 500");
    nears(&policy, r#"{"context":{"amount":300}}"#, "");
    flips(&policy, r#"{"context":{"amount":300}}"#, "denied: amount gt 500");
}

#[test]
fn the_permit_with_fewest_failures_is_nearest() {
    let relations = [
        of("permits", "a", r#","conditions":[{"x":1},{"y":1},{"z":1}]"#),
        of("permits", "b", r#","conditions":[{"v":1},{"w":1}]"#),
        of("permits", "c", r#","conditions":[{"v":1},{"z":2}]"#),
    ];
    let policy = policy(&relations.join(","), "");
    let expect = "b(w eq 1 = -) c(z eq 2 = -) a(x eq 1 = -; y eq 1 = -; z eq 1 = -)";
    nears(&policy, r#"{"context":{"v":1}}"#, expect);
    flips(&policy, r#"{"context":{"v":1}}"#, "allowed: w eq 1");
    flips(&policy, "{}", "allowed: v eq 1, w eq 1");
}

#[test]
fn three_changes_are_found_and_four_are_not() {
    let needs = |keys: &[&str]| {
        let tests: Vec<String> = keys.iter().map(|key| format!(r#"{{"{key}":"yes"}}"#)).collect();
        policy(&of("permits", "p", &format!(r#","conditions":[{}]"#, tests.join(","))), "")
    };
    flips(&needs(&["a", "b", "c"]), "{}", r#"allowed: a eq "yes", b eq "yes", c eq "yes""#);
    flips(&needs(&["a", "b", "c", "d"]), "{}", "none");
    flips(
        &needs(&["a", "b", "c", "d"]),
        r#"{"context":{"d":"yes"}}"#,
        r#"allowed: a eq "yes", b eq "yes", c eq "yes""#,
    );
}

#[test]
fn a_prohibition_is_lifted_by_its_opposite() {
    let relations =
        [of("permits", "p", ""), of("forbids", "f", r#","conditions":{"blocked":true}"#)];
    let policy = policy(&relations.join(","), "");
    flips(&policy, "{}", "allowed: blocked ne true");
    flips(&policy, r#"{"context":{"blocked":true}}"#, "allowed: blocked ne true");
    nears(&policy, r#"{"context":{"blocked":true}}"#, "");
    nears(&policy, r#"{"context":{"blocked":false}}"#, "f(blocked eq true = false)");
    flips(&policy, r#"{"context":{"blocked":false}}"#, "denied: blocked eq true");
}

#[test]
fn what_cannot_be_compared_is_no_near_miss_of_a_prohibition() {
    let relations = [
        of("permits", "p", ""),
        of("forbids", "f", r#","conditions":[{"n":1},{"key":"m","op":"gt","value":1}]"#),
    ];
    let policy = policy(&relations.join(","), "");
    nears(&policy, r#"{"context":{"n":"x","m":0}}"#, "f(m gt 1 = 0)");
    flips(&policy, r#"{"context":{"n":"x","m":0}}"#, "denied: m gt 1");
}

#[test]
fn nothing_lifts_an_unconditional_prohibition() {
    let relations = [of("permits", "p", ""), of("forbids", "f", "")];
    flips(&policy(&relations.join(","), ""), "{}", "none");
    let paranoid = policy(&of("permits", "p", ""), r#","mode":"paranoid""#);
    flips(&paranoid, "{}", "none");
    nears(&paranoid, "{}", "");
}

#[test]
fn two_bounds_of_one_key_are_one_change() {
    let relations = of(
        "permits",
        "p",
        r#","conditions":[{"key":"n","op":"gt","value":1},{"key":"n","op":"lt","value":2}]"#,
    );
    flips(&policy(&relations, ""), "{}", "allowed: n eq 1.1");
    flips(&policy(&relations, ""), r#"{"context":{"n":5}}"#, "allowed: n eq 1.1");
    let closed =
        r#","conditions":[{"key":"n","op":"gte","value":1},{"key":"n","op":"lte","value":2}]"#;
    let closed = policy(&of("permits", "p", closed), "");
    flips(&closed, r#"{"context":{"n":5}}"#, "allowed: n between [1,2]");
}

#[test]
fn an_obligation_and_a_nested_key_are_met() {
    let relations = [
        of("permits", "p", ""),
        of("requires", "r", r#","conditions":{"key":"ticket.id","op":"exists"}"#),
    ];
    let policy = policy(&relations.join(","), "");
    flips(&policy, "{}", "allowed: ticket.id exists true");
    flips(&policy, r#"{"context":{"ticket":{"p":1}}}"#, "allowed: ticket.id exists true");
    // What stands in the way is not thrown out.
    flips(&policy, r#"{"context":{"ticket":7}}"#, "none");
    flips(&policy, r#"{"context":{"ticket":{"id":7}}}"#, "denied: ticket.id exists false");
}

#[test]
fn risk_and_constraints_are_changed_too() {
    let permit = of("permits", "p", "");
    flips(&policy(&permit, ""), r#"{"risk":90}"#, "allowed: decision.risk_score lt 80");
    flips(&policy(&permit, ""), "{}", "escalated: decision.risk_score gte 80");
    let constrained = policy(
        &permit,
        r#","constraints":[{"name":"c","action":"escalate","condition":
            {"key":"decision.tool","op":"ne","value":"till"}}]"#,
    );
    flips(&constrained, "{}", r#"allowed: decision.tool eq "till""#);
}

#[test]
fn neither_time_nor_the_actor_is_changed() {
    let timed = r#","conditions":{"key":"time.hour_utc","op":"gt","value":12}"#;
    let policy_of = |rest: &str| policy(&of("permits", "p", rest), "");
    flips(&policy_of(timed), "{}", "none");
    nears(&policy_of(timed), "{}", "p(time.hour_utc gt 12 = 5)");
    let named = r#","conditions":{"key":"decision.actor","op":"eq","value":"x"}"#;
    flips(&policy_of(named), "{}", "none");
}

#[test]
fn a_permit_about_another_object_is_near() {
    let about = |object: &str| policy(&of("permits", "p", &format!(r#","object":"{object}""#)), "");
    let names = about("data:name");
    nears(&names, "{}", r#"p(data_classes contains "data:name" = -)"#);
    flips(&names, "{}", r#"allowed: data_classes eq ["data:name"]"#);
    let both = r#"{"classes":["name","card"]}"#;
    nears(&names, both, r#"p(data_classes in ["data:name"] = ["name","card"])"#);
    flips(&names, both, r#"allowed: data_classes eq ["name"]"#);
    flips(&names, r#"{"classes":["name"]}"#, "denied: data_classes eq []");
    let till = about("resource:till");
    nears(&till, "{}", r#"p(decision.resource in ["resource:till"] = -)"#);
    flips(&till, "{}", r#"allowed: decision.resource eq "resource:till""#);
    flips(&till, r#"{"resource":"till"}"#, "denied: decision.resource exists false");
    flips(&about("resource:*"), "{}", r#"allowed: decision.resource eq "resource:any""#);
}

#[test]
fn outside_of_its_window_nothing_is_near() {
    let old = policy(&of("permits", "p", SMALL), r#","effective_until":"2020-01-01""#);
    nears(&old, "{}", "");
    flips(&old, "{}", "none");
}

#[test]
fn a_mode_that_was_asked_for_and_few_steps_are_respected() {
    let policy = policy(&of("permits", "p", ""), r#","mode":"permissive""#);
    let (context, nothing) = (Object::new(), Object::new());
    let request = plain(&nothing, &[], &context);
    let of = |request: &Request<'_>| flip_of(&explain(&policy, request, &NoHistory).unwrap());
    assert_eq!(of(&request), "escalated: decision.risk_score gte 80");
    assert_eq!(of(&Request { mode: Some(Mode::Paranoid), ..request }), "none");
    assert_eq!(of(&Request { steps_max: 1, ..request }), "none");
}

struct Full;

impl History for Full {
    type Error = &'static str;

    fn allowed(&self, _: &str, _: usize) -> Result<Option<Vec<Allowed>>, Self::Error> {
        Err("lost")
    }
}

#[test]
fn a_history_that_cannot_be_read_is_reported_where_it_is_asked() {
    let conflict = r#"{"type":"conflicts","source":"action:pay","target":"action:pay"}"#;
    let (context, nothing) = (Object::new(), Object::new());
    let request = plain(&nothing, &[], &context);
    let with = policy(conflict, "");
    assert_eq!(explain(&with, &request, &Full).unwrap_err(), "lost");
    assert!(explain(&policy("", ""), &request, &Full).is_ok());
}

#[test]
fn a_hostile_policy_is_explained_within_bounds() {
    let relations: Vec<String> = (0..10_000)
        .map(|at| {
            let tests: Vec<String> =
                (0..16).map(|key| format!(r#"{{"k{key}":{}}}"#, at % 97)).collect();
            of("permits", &format!("p{at:05}"), &format!(r#","conditions":[{}]"#, tests.join(",")))
        })
        .collect();
    let policy = policy(&relations.join(","), "");
    let explanation = ask(&policy, "{}");
    let listed = u32::try_from(explanation.near_misses.len()).unwrap();
    assert!(0 < listed && listed <= 256);
    assert_eq!(listed + explanation.near_misses_omitted, 10_000);
    assert_eq!(explanation.minimal_flip, None);
    assert_eq!(explanation, ask(&policy, "{}"));
}

/// Permits of one key each, `values` for each of `keys` keys.
fn named(keys: usize, values: usize) -> String {
    let each = (0..keys).flat_map(|key| (0..values).map(move |value| (key, value)));
    let permits = each.map(|(key, value)| {
        let test = format!(r#","conditions":[{{"k{key:02}":{value}}},{{"z.y":1}}]"#);
        of("permits", &format!("p{key:02}_{value:02}"), &test)
    });
    permits.collect::<Vec<_>>().join(",")
}

#[test]
fn changes_that_are_refused_are_counted_and_not_combined() {
    // `z` is no object, so that nothing under it can be set.
    flips(&policy(&named(24, 23), ""), r#"{"context":{"z":7}}"#, "none");
    let path = r#","conditions":{"a.b.c.d.e.f":1}"#;
    flips(&policy(&of("permits", "p", path), ""), "{}", "none");
    let path = r#","conditions":{"a.b.c.d.e":1}"#;
    flips(&policy(&of("permits", "p", path), ""), "{}", "allowed: a.b.c.d.e eq 1");
}

#[test]
fn a_large_context_and_many_patterns_leave_no_more_time() {
    let list = vec!["1"; 300].join(",");
    let members: Vec<String> = (0..70).map(|at| format!(r#""x{at}":[{list}]"#)).collect();
    let request = format!(r#"{{"context":{{{}}}}}"#, members.join(","));
    flips(&policy(&named(24, 23), ""), &request, "none");
    let patterned = |key: usize| {
        let test = format!(r#","conditions":{{"key":"k{key}","op":"matches","value":"a{key}"}}"#);
        of("permits", &format!("p{key}"), &test)
    };
    let patterned = (0..24).map(patterned).collect::<Vec<_>>().join(",");
    flips(&policy(&patterned, ""), "{}", r#"allowed: k0 eq "a0""#);
}

#[test]
fn a_change_of_the_object_is_said_with_the_values_that_were_tried() {
    let about = |kind: &str, id: &str, bound: u32| {
        let rest = r#","object":"data:card","conditions":{"key":"x","op":"gt","value":"#;
        of(kind, id, &format!("{rest}{bound}}}"))
    };
    let relations = [about("permits", "p", 0), about("forbids", "f", 100)].join(",");
    let explanation = ask(&policy(&relations, ""), r#"{"classes":["name"]}"#);
    assert!(!flip_of(&explanation).contains("gt"), "{}", flip_of(&explanation));
}

#[test]
fn a_key_with_more_tests_than_are_looked_at_is_changed_to_one_value() {
    let forbid = |at: usize| {
        let test = format!(r#","conditions":{{"key":"x","op":"in","value":[-1,-{}]}}"#, at + 2);
        of("forbids", &format!("b{at:02}"), &test)
    };
    let low = of("forbids", "a", r#","conditions":{"key":"x","op":"lt","value":10}"#);
    let high = of("forbids", "z", r#","conditions":{"key":"x","op":"gte","value":100}"#);
    let all: Vec<String> = (0..31).map(forbid).chain([of("permits", "p", ""), low, high]).collect();
    let flip = flip_of(&ask(&policy(&all.join(","), ""), r#"{"context":{"x":0}}"#));
    assert!(flip == "none" || flip.starts_with("allowed: x eq "), "{flip}");
}

#[test]
fn changes_are_said_wide_only_as_far_as_they_hold_together() {
    let bound = |key: &str, value: u32| format!(r#"{{"key":"{key}","op":"gt","value":{value}}}"#);
    let permit = format!(r#","conditions":[{},{}]"#, bound("x", 0), bound("y", 0));
    let forbid = format!(r#","conditions":[{},{}]"#, bound("x", 9), bound("y", 9));
    let both = [of("permits", "p", &permit), of("forbids", "f", &forbid)].join(",");
    flips(&policy(&both, ""), "{}", "allowed: x gt 0, y eq 9");
}

#[test]
fn a_level_is_changed_by_its_score() {
    let permit = of("permits", "p", "");
    let test = |level: &str| format!(r#","conditions":{{"decision.risk_level":"{level}"}}"#);
    let forbid = [permit, of("forbids", "f", &test("critical"))].join(",");
    flips(&policy(&forbid, ""), "{}", "denied: decision.risk_score gte 80");
    let high = policy(&of("permits", "p", &test("high")), "");
    flips(&high, "{}", "allowed: decision.risk_score between [60,79]");
    // A critical risk is escalated, whatever is permitted.
    flips(&policy(&of("permits", "p", &test("critical")), ""), "{}", "none");
}

#[test]
fn a_lever_that_is_cut_hides_no_smaller_change() {
    // Any other value than those forty lets the request pass.
    let forbid = |at: usize| {
        of("forbids", &format!("f{at}"), r#","conditions":{"k":VALUE}"#)
            .replace("VALUE", &at.to_string())
    };
    let many: Vec<String> = (0..30).map(forbid).chain([of("permits", "p", "")]).collect();
    let flip = flip_of(&ask(&policy(&many.join(","), ""), r#"{"context":{"k":3}}"#));
    assert!(flip.starts_with("allowed: k "), "{flip}");
    // With a lever cut, two changes might not be the fewest.
    flips(&policy(&named(1, 30).replace("z.y", "z"), ""), "{}", "none");
    flips(&policy(&named(1, 3).replace("z.y", "z"), ""), "{}", "allowed: k00 eq 0, z eq 1");
}

#[test]
fn a_history_that_cannot_be_read_is_no_matter_where_deciding_never_asks() {
    let conflict = r#"{"type":"conflicts","source":"action:pay","target":"action:pay",
        "conditions":{"x":1}}"#;
    let context = json(r#"{"x":2}"#).as_object().unwrap().clone();
    let nothing = Object::new();
    let explanation = explain(&policy(conflict, ""), &plain(&nothing, &[], &context), &Full);
    assert_eq!(explanation.map(|explanation| explanation.evaluation.outcome), Ok(Verdict::Denied));
}
