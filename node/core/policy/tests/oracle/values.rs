//! Conditions and contexts by chance: every operator, every type on either
//! side, every kind of key.

use types::{Json, Object};

use super::chance::Chance;

const KEYS: [&str; 10] = ["k", "s", "list", "ip", "b", "m.n", "m.n.o", "m", "list.0", "absent"];
const NUMBERS: [&str; 11] =
    ["0", "1", "-1", "5", "5.5", "1.10", "0.1", "1e-7", "9007199254740991", "-0.25", "5.0"];
const TEXTS: [&str; 12] = [
    "",
    "a",
    "ab",
    "abc",
    "A",
    "é😀",
    "5",
    "true",
    "10.1.2.3",
    "::ffff:10.1.2.3",
    "2001:db8::1",
    "a\nb",
];
const NETWORKS: [&str; 8] = [
    "10.0.0.0/8",
    "10.1.2.3",
    "0.0.0.0/0",
    "2001:db8::/32",
    "::/0",
    "::ffff:10.0.0.0/104",
    "::ffff:0:0/90",
    "10.1.2.2/31",
];
const PATTERNS: [&str; 9] =
    ["a.*", "a|ab", "", "[a-z]+", r"\d+(\.\d+){3}", "(?i)A", "(?s)a.b", "^ab$", r"\w{1,3}"];
/// Keys whose type is known take only what they can hold.
const OF_THE_DECISION: [&str; 14] = [
    r#"{"key":"decision.risk_score","op":"gte","value":42}"#,
    r#"{"key":"decision.risk_score","op":"not_in","value":[1,20]}"#,
    r#"{"key":"decision.risk_level","op":"in","value":["high","critical"]}"#,
    r#"{"key":"decision.actor","op":"prefix","value":"a"}"#,
    r#"{"key":"decision.actor","op":"ne","value":"bot"}"#,
    r#"{"key":"decision.action","op":"matches","value":"(action:)?read"}"#,
    r#"{"key":"decision.resource","op":"suffix","value":"claim"}"#,
    r#"{"key":"decision.resource","op":"exists"}"#,
    r#"{"key":"decision.tool","op":"eq","value":"browser"}"#,
    r#"{"key":"decision.tool","op":"exists","value":false}"#,
    r#"{"key":"time.hour_utc","op":"between","value":[6,18]}"#,
    r#"{"key":"time.weekday_utc","op":"lt","value":6}"#,
    r#"{"key":"time.date_utc","op":"lte","value":"2027-01-15"}"#,
    r#"{"key":"time.date_utc","op":"between","value":["2026-01-01","2027-02-28"]}"#,
];
const OPS: [&str; 15] = [
    "eq", "ne", "in", "not_in", "lt", "lte", "gt", "gte", "between", "prefix", "suffix",
    "contains", "exists", "cidr", "matches",
];

/// The members `key`, `op` and `value`.
pub(crate) fn test(chance: &mut Chance) -> Object {
    if chance.one_in(5) {
        return json(chance.pick(&OF_THE_DECISION)).as_object().unwrap().clone();
    }
    let op = chance.pick(&OPS);
    let mut test = Object::new();
    test.insert("key", chance.pick(&KEYS));
    test.insert("op", op);
    test.insert("value", wanted(chance, op));
    test
}

fn wanted(chance: &mut Chance, op: &str) -> Json {
    match op {
        "in" | "not_in" => Json::Array((0..=chance.below(3)).map(|_| value(chance)).collect()),
        "lt" | "lte" | "gt" | "gte" => bound(chance),
        "between" => {
            let low =
                chance.pick(&[r#"[0,5]"#, r#"[-1,1.1]"#, r#"["a","abc"]"#, "[5,5]", "[1e-7,1]"]);
            json(low)
        }
        "prefix" | "suffix" => text(chance),
        "exists" => Json::Bool(chance.one_in(2)),
        "cidr" => Json::from(chance.pick(&NETWORKS)),
        "matches" => Json::from(chance.pick(&PATTERNS)),
        _ => value(chance),
    }
}

fn bound(chance: &mut Chance) -> Json {
    if chance.one_in(3) { text(chance) } else { number(chance) }
}

pub(crate) fn context(chance: &mut Chance) -> Object {
    let mut context = Object::new();
    for key in ["k", "s", "list", "ip", "b", "m", "flagged", "list.0"] {
        if chance.one_in(3) {
            continue;
        }
        let value = match (key, chance.below(4)) {
            (_, 0) => value(chance),
            ("list", _) => Json::Array(chance.some(4, scalar)),
            ("m", 1) => Json::object([("n", Json::object([("o", value(chance))]))]),
            ("m", _) => Json::object([("n", value(chance))]),
            ("b" | "flagged", _) => Json::Bool(!chance.one_in(3)),
            ("s", _) => text(chance),
            ("ip", _) => Json::from(chance.pick(&TEXTS[8..11])),
            _ => number(chance),
        };
        context.insert(key, value);
    }
    if chance.one_in(50) {
        context.insert("s", "y".repeat(2000));
    }
    if chance.one_in(20) {
        context.insert("k", Json::Null);
        context.insert("m", Json::object([("n", Json::Null)]));
    }
    context
}

fn value(chance: &mut Chance) -> Json {
    match chance.below(8) {
        0 => Json::Array(chance.some(3, scalar)),
        1 => Json::object([("o", scalar(chance))]),
        _ => scalar(chance),
    }
}

pub(crate) fn scalar(chance: &mut Chance) -> Json {
    match chance.below(5) {
        0 => Json::Bool(chance.one_in(2)),
        1..3 => number(chance),
        _ => text(chance),
    }
}

fn number(chance: &mut Chance) -> Json {
    json(chance.pick(&NUMBERS))
}

fn text(chance: &mut Chance) -> Json {
    Json::from(chance.pick(&TEXTS))
}

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|err| panic!("{err}: {text}"))
}
