//! A pattern of a condition is refused or bounded, and matching it comes to an
//! end on any text, as long as a context may hold.

#![no_main]

use fuzz::seeds;
use libfuzzer_sys::fuzz_target;
use policy::{Compiled, Document, Engine, NoHistory, ReasonCode, Request, evaluate};
use types::{Json, Object, Timestamp};

/// Characters of a text of a context.
const TEXT_CHARS_MAX: usize = 10_000;

fuzz_target!(init: seeds::plant(patterns()), |bytes: &[u8]| {
    // The first byte says where the pattern ends.
    let Some((length, rest)) = bytes.split_first() else {
        return;
    };
    let (pattern, text) = rest.split_at(rest.len().min(usize::from(*length)));
    let (Ok(pattern), Ok(text)) = (std::str::from_utf8(pattern), std::str::from_utf8(text)) else {
        return;
    };
    let Ok((document, _)) = Document::parse(&document(pattern)) else {
        return;
    };
    let policy = Compiled::new(&document).expect("a document that parses compiles");
    let times = TEXT_CHARS_MAX / text.chars().count().max(1);
    for text in [text.to_owned(), text.repeat(times)] {
        check(&policy, &text);
    }
});

fn document(pattern: &str) -> Json {
    let test =
        Json::object([("key", "text".into()), ("op", "matches".into()), ("value", pattern.into())]);
    let relation =
        Json::object([("type", "permits".into()), ("source", "*".into()), ("conditions", test)]);
    Json::object([("relations", Json::Array(vec![relation]))])
}

fn check(policy: &Compiled, text: &str) {
    let context = Json::object([("text", text.into())]);
    let none = Object::new();
    let Ok(evaluation) = evaluate(
        policy,
        &Request {
            actor: "a",
            action: "x",
            resource: None,
            tool: None,
            data_classes: &[],
            context: context.as_object().unwrap_or(&none),
            risk_score: 1,
            risk_level: "low",
            mode: None,
            at: Timestamp(1_800_000_000_000_000),
            steps_max: 100_000,
            engine: Engine::NEWEST,
        },
        &NoHistory,
    );
    let is_met = evaluation.matched[0].conditions[0].met;
    let expect = if is_met { ReasonCode::Permitted } else { ReasonCode::NoPermit };
    assert_eq!(evaluation.reason_code, expect);
    // A step for each 16 bytes, and a few around them.
    assert!(evaluation.steps <= 16 + u32::try_from(text.len() / 16).unwrap_or(u32::MAX));
}

fn patterns() -> Vec<Vec<u8>> {
    let found = [
        ("claim-[0-9]+", "claim-17"),
        ("(a*)*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("(a|aa)+$", "aaaaaaaaaaaaaaaaaaaa!"),
        (r"\w+@\w+\.[a-z]{2,}", "someone@example.org"),
        (r"(?i)[^\p{L}]{3,9}|\d{1,40}", "é😀12345"),
        ("((a{9}){9}){9}", "aaaaaaaaa"),
        ("a)|(b", "b"),
        (r"(?s-u:.)\bx\B", "x"),
    ];
    let seed = |(pattern, text): (&str, &str)| {
        let length = u8::try_from(pattern.len()).unwrap_or(u8::MAX);
        seeds::selecting(length, format!("{pattern}{text}").as_bytes())
    };
    found.into_iter().map(seed).collect()
}
