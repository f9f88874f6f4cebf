//! Every comparison with its success, its refusal and its missing key.

use types::{Object, Timestamp};

use super::*;
use crate::request::STEPS_MAX;
use crate::words::Engine;

const CONTEXT: &str = r#"{"n":5,"f":1.10,"big":9007199254740991,"s":"abc","b":true,"t":{"p":"high","none":null},
    "list":["x",1,{"k":[1]}],"ip":"10.1.2.3","digits":"5","dotted.key":1}"#;

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

fn test(key: &str, op: &str, value: &str) -> Test {
    Test { key: key.to_owned(), op: Op::parse(op).unwrap(), value: json(value) }
}

fn request(context: &Object) -> Request<'_> {
    Request {
        actor: "bot",
        action: "read",
        resource: Some("claim:7"),
        tool: None,
        data_classes: &[],
        context,
        risk_score: 42,
        risk_level: "medium",
        mode: None,
        // A Thursday.
        at: "2027-03-04T05:06:07Z".parse::<Timestamp>().unwrap(),
        steps_max: STEPS_MAX,
        engine: Engine::NEWEST,
    }
}

#[track_caller]
fn check(key: &str, op: &str, value: &str, expect: Answer) {
    let context = json(CONTEXT).as_object().unwrap().clone();
    let probe = Probe::new(&test(key, op, value), &mut Patterns::default()).unwrap();
    let answer = probe.ask(&request(&context), &mut Meter::new(STEPS_MAX)).unwrap();
    assert_eq!(answer, expect, "{key} {op} {value}");
}

/// The first value is met, the second is not, and without the key neither is.
#[track_caller]
fn both(key: &str, op: &str, met: &str, unmet: &str) {
    check(key, op, met, Answer::Met);
    check(key, op, unmet, Answer::Unmet);
    check("absent", op, met, Answer::Missing);
}

#[track_caller]
fn refuse(key: &str, op: &str, value: &str, expect: &str) {
    let flaw = Probe::new(&test(key, op, value), &mut Patterns::default()).unwrap_err();
    assert_eq!(format!("{} {}", flaw.member, flaw.code), expect, "{key} {op} {value}");
}

#[test]
fn eq_and_ne_compare_whole_values() {
    both("n", "eq", "5.0", "6");
    both("f", "eq", "1.1", "1.11");
    both("s", "eq", "\"abc\"", "\"ab\"");
    both("b", "eq", "true", "false");
    both("list", "eq", r#"["x",1,{"k":[1]}]"#, r#"["x",1]"#);
    both("n", "ne", "6", "5");
    both("s", "ne", "\"abcd\"", "\"abc\"");
}

#[test]
fn different_types_never_compare() {
    for (key, op, value) in [
        ("n", "eq", "\"5\""),
        ("digits", "eq", "5"),
        ("n", "ne", "\"6\""),
        ("b", "ne", "\"false\""),
        ("digits", "lt", "9"),
        ("n", "lt", "\"9\""),
        ("b", "gte", "0"),
        ("digits", "between", "[1,9]"),
        ("n", "in", "[\"5\",true]"),
        ("n", "not_in", "[6,\"7\"]"),
        ("s", "contains", "\"a\""),
        ("n", "prefix", "\"5\""),
        ("n", "suffix", "\"5\""),
        ("n", "cidr", "\"10.0.0.0/8\""),
        ("n", "matches", "\".*\""),
    ] {
        check(key, op, value, Answer::Incomparable);
    }
    check("n", "in", "[\"5\",6]", Answer::Unmet);
    check("n", "not_in", "[5,\"7\"]", Answer::Unmet);
}

#[test]
fn in_and_not_in_take_a_list() {
    both("n", "in", "[4,5]", "[4,6]");
    both("s", "in", "[1,\"abc\"]", "[\"ab\",\"abcd\"]");
    both("n", "not_in", "[4,6]", "[4,5]");
}

#[test]
fn contains_searches_a_list() {
    both("list", "contains", "\"x\"", "\"y\"");
    both("list", "contains", r#"{"k":[1]}"#, r#"{"k":[2]}"#);
}

#[test]
fn numbers_are_ordered_as_exact_decimals() {
    both("n", "lt", "5.000000001", "5");
    both("n", "lte", "5", "4.999999999");
    both("n", "gt", "4.999999999", "5");
    both("n", "gte", "5", "5.000000001");
    both("n", "between", "[5,5]", "[5.1,6]");
    both("f", "between", "[1.1,1.1]", "[1.11,2]");
    both("big", "gt", "9007199254740990", "9007199254740991");
}

#[test]
fn texts_are_ordered_by_their_bytes() {
    both("s", "lt", "\"abd\"", "\"abc\"");
    both("s", "gte", "\"abc\"", "\"abcd\"");
    both("s", "between", "[\"abc\",\"abd\"]", "[\"abca\",\"b\"]");
}

#[test]
fn prefix_and_suffix_look_at_the_ends() {
    both("s", "prefix", "\"ab\"", "\"bc\"");
    both("s", "suffix", "\"bc\"", "\"ab\"");
}

#[test]
fn cidr_tests_an_address() {
    both("ip", "cidr", "\"10.0.0.0/8\"", "\"11.0.0.0/8\"");
    check("s", "cidr", "\"10.0.0.0/8\"", Answer::Incomparable);
}

#[test]
fn matches_takes_the_whole_text() {
    both("s", "matches", "\"a.c\"", "\"b\"");
}

#[test]
fn exists_asks_about_the_key_itself() {
    check("n", "exists", "true", Answer::Met);
    check("n", "exists", "false", Answer::Unmet);
    check("absent", "exists", "true", Answer::Unmet);
    check("absent", "exists", "false", Answer::Met);
}

#[test]
fn a_key_is_a_path_and_null_is_not_there() {
    check("t.p", "eq", "\"high\"", Answer::Met);
    check("t.p.q", "eq", "\"high\"", Answer::Missing);
    check("list.0", "eq", "\"x\"", Answer::Missing);
    check("dotted.key", "eq", "1", Answer::Missing);
    check("t.none", "eq", "1", Answer::Missing);
    check("t.none", "exists", "true", Answer::Unmet);
}

#[test]
fn the_decision_and_its_time_have_keys() {
    both("decision.risk_score", "gte", "42", "43");
    both("decision.risk_level", "in", "[\"medium\"]", "[\"high\"]");
    both("decision.actor", "eq", "\"bot\"", "\"actor:bot\"");
    both("decision.action", "prefix", "\"re\"", "\"write\"");
    both("decision.resource", "suffix", "\":7\"", "\":8\"");
    both("time.hour_utc", "between", "[5,5]", "[6,23]");
    both("time.weekday_utc", "eq", "4", "5");
    both("time.date_utc", "lt", "\"2027-03-05\"", "\"2027-03-04\"");
    check("decision.tool", "eq", "\"x\"", Answer::Missing);
}

#[test]
fn a_test_that_means_nothing_is_refused() {
    refuse("n", "in", "5", "value wrong_type");
    refuse("n", "in", "[]", "value out_of_range");
    refuse("n", "not_in", "[null]", "value wrong_type");
    refuse("n", "between", "[1]", "value wrong_type");
    refuse("n", "between", "[2,1]", "value out_of_range");
    refuse("n", "between", "[1,\"2\"]", "value wrong_type");
    refuse("n", "lt", "true", "value wrong_type");
    refuse("n", "eq", "null", "value missing");
    refuse("n", "exists", "1", "value wrong_type");
    refuse("n", "prefix", "1", "value wrong_type");
    refuse("ip", "cidr", "\"10.0.0.1/8\"", "value bad_format");
    refuse("s", "matches", "\"(\"", "value bad_format");
    refuse("s", "matches", r#""(a)\\1""#, "value bad_format");
    refuse("s", "matches", r#""\\w{1000}""#, "value regex_too_large");
    refuse("a..b", "eq", "1", "key bad_format");
    refuse("a.b.c.d.e.f.g.h.i", "eq", "1", "key too_long");
    refuse("decision.colour", "eq", "1", "key not_one_of");
    refuse("time.minute_utc", "eq", "1", "key not_one_of");
}

#[test]
fn a_test_that_a_known_key_can_never_meet_is_refused() {
    refuse("decision.risk_score", "eq", "\"42\"", "value wrong_type");
    refuse("decision.risk_level", "gte", "\"high\"", "value wrong_type");
    refuse("time.date_utc", "lt", "20270305", "value wrong_type");
    refuse("time.hour_utc", "matches", "\"5\"", "value wrong_type");
    refuse("decision.actor", "contains", "\"b\"", "value wrong_type");
}

#[test]
fn long_lists_and_texts_cost_more() {
    let cost = |key: &str, op: &str, value: &str| {
        let context = Object::from_members(vec![
            ("list".to_owned(), Json::Array(vec![Json::from("y"); 100])),
            ("text".to_owned(), Json::from("a".repeat(1600))),
        ]);
        let context = context.unwrap();
        let probe = Probe::new(&test(key, op, value), &mut Patterns::default()).unwrap();
        let mut meter = Meter::new(STEPS_MAX);
        probe.ask(&request(&context), &mut meter).unwrap();
        meter.steps()
    };
    assert_eq!(cost("text", "eq", "\"a\""), 1);
    assert_eq!(cost("text", "in", "[\"a\",\"b\"]"), 3);
    assert_eq!(cost("list", "contains", "\"x\""), 101);
    assert_eq!(cost("text", "matches", "\"a*\""), 1601);
    let long = format!("\"{}\"", "a".repeat(638));
    assert_eq!(cost("text", "eq", &long), 11);
    assert_eq!(cost("list", "contains", &long), 1111);
    assert_eq!(cost("absent", "matches", "\"a*\""), 1);
}
