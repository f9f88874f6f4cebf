//! A text is taken exactly if reading and writing it gives it back.

#![expect(clippy::arithmetic_side_effects, reason = "a test may overflow, and then fails")]

use proptest::prelude::*;
use types::{Json, Object};

use super::*;

/// The definition, with a reader that builds values.
fn by_definition(text: &str) -> Option<Json> {
    let value: Json = serde_json::from_str(text).ok()?;
    (value.to_canonical() == text).then_some(value)
}

#[track_caller]
fn check(text: &str, expect: Option<Option<&str>>) {
    assert_eq!(scan(text).map(|scan| scan.actor), expect, "{text}");
}

#[test]
fn the_actor_is_the_string_member_of_the_whole() {
    check(r#"{"actor":"ai_agent:a"}"#, Some(Some("ai_agent:a")));
    check(r#"{"a":{"actor":"x"},"actor":"y","b":["actor"],"z":{"actor":"w"}}"#, Some(Some("y")));
    check(r#"{"actor":"a\"\\\n\u0001é"}"#, Some(Some(r#"a\"\\\n\u0001é"#)));
    check(r#"{"actor":""}"#, Some(Some("")));
    check(r#"{"a":{"actor":"x"}}"#, Some(None));
    check(r#"{"actor":null}"#, Some(None));
    check(r#"{"actor":{"actor":"x"}}"#, Some(None));
    check(r#"["actor","x"]"#, Some(None));
    check(r#""actor""#, Some(None));
}

#[test]
fn what_is_not_canonical_is_refused() {
    for refused in [
        "",
        " {}",
        "{} ",
        "{\"a\": 1}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\"}",
        "{\"b\":1,\"a\":1}",
        "{\"a\":1,\"a\":1}",
        "{\"a\":1 }",
        "{\"actor\":\"x\"",
        "[1,]",
        "[1 ]",
        "[",
        "\"a",
        "\"\\/\"",
        "\"\\u0041\"",
        "\"\\u000a\"",
        "\"\\u001F\"",
        "\"\\u20\"",
        "\"\n\"",
        "\"\\x\"",
        "True",
        "nul",
        "1.0",
    ] {
        check(refused, None);
    }
    check(&"[".repeat(200), None);
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    check(&deep(128), Some(None));
    check(&deep(129), None);
}

#[test]
fn keys_are_ordered_by_utf_16_code_units() {
    check("{\"\u{1f600}\":1,\"\u{fb33}\":1}", Some(None));
    check("{\"\u{fb33}\":1,\"\u{1f600}\":1}", None);
    check("{\"\\n\":1,\"1\":1}", Some(None));
    check("{\"\\\\\":1,\"[\":1}", None);
    check("{\"[\":1,\"\\\\\":1}", Some(None));
}

#[test]
fn a_string_has_one_escaped_form() {
    assert_eq!(escaped("a\"\\\n\u{1}é"), r#"a\"\\\n\u0001é"#);
}

fn any_json() -> impl Strategy<Value = Json> {
    let text =
        || prop_oneof!["[a-z]{0,4}", Just("actor".to_owned()), "\\PC{0,6}", "[\u{0}-\u{7f}]{0,6}"];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<u32>().prop_map(Json::from),
        (-1.0e15..1.0e15_f64).prop_filter_map("has no canonical form", |value| {
            types::json::Number::from_f64(value).ok().map(Json::Number)
        }),
        text().prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
            prop::collection::vec((text(), inner), 0..6).prop_map(|members| {
                let mut object = Object::new();
                for (key, value) in members {
                    object.insert(key, value);
                }
                Json::Object(object)
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_is_scanned_as_it_is_read(value in any_json()) {
        let text = value.to_canonical();
        let actor = value.as_object().and_then(|object| object.get("actor")?.as_str());
        let actor = actor.map(escaped);
        let expected = Scan { is_object: value.as_object().is_some(), actor: actor.as_deref() };
        prop_assert_eq!(scan(&text), Some(expected));
    }

    #[test]
    fn a_changed_text_is_scanned_as_it_is_read(
        value in any_json(),
        at in any::<prop::sample::Index>(),
        put in "[\\[\\]{}\",:0-9a-f\\\\ ]{0,2}",
        cut in 0..2_usize,
    ) {
        let mut characters: Vec<char> = value.to_canonical().chars().collect();
        let at = at.index(characters.len());
        characters.splice(at..(at + cut).min(characters.len()), put.chars());
        let text: String = characters.into_iter().collect();
        // The scan takes integers that `Json` refuses: from 2^53 on.
        let is_digit = |character: char| character.is_ascii_digit();
        prop_assume!(text.split(|c| !is_digit(c)).all(|digits| digits.len() < 16));
        prop_assert_eq!(scan(&text).is_some(), by_definition(&text).is_some(), "{}", text);
    }
}
