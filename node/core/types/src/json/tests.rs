//! Vectors of RFC 8785 and the refusals of I-JSON.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map_err(|err| err.to_string())
}

#[track_caller]
fn check(text: &str, canonical: &str) {
    assert_eq!(read(text).unwrap().to_canonical(), canonical);
}

#[test]
fn members_are_ordered_by_utf_16_code_units() {
    // RFC 8785, section 3.2.3.
    check(
        r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
            "1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control",
            "\u00f6":"Latin Small Letter O With Diaeresis"}"#,
        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\
         \"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\
         \"😀\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}",
    );
}

proptest! {
    #[test]
    fn keys_are_in_the_order_of_their_utf_16(
        a in "[a-b\u{7f}-\u{81}\u{7ff}\u{800}\u{d7ff}\u{e000}-\u{e001}\u{ffff}\u{10000}\u{10ffff}]{0,3}",
        b in "[a-b\u{7f}-\u{81}\u{7ff}\u{800}\u{d7ff}\u{e000}-\u{e001}\u{ffff}\u{10000}\u{10ffff}]{0,3}",
    ) {
        prop_assert_eq!(cmp_keys(&a, &b), a.encode_utf16().cmp(b.encode_utf16()));
    }
}

#[test]
fn numbers_are_spelled_as_ecmascript_spells_them() {
    for (text, canonical) in [
        ("0", "0"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("1.10", "1.1"),
        ("2.0", "2"),
        ("4.50", "4.5"),
        ("2e-3", "0.002"),
        ("0.000001", "0.000001"),
        ("0.0000001", "1e-7"),
        ("-1.5e-9", "-1.5e-9"),
        ("333333333.33333329", "333333333.3333333"),
        ("9007199254740991", "9007199254740991"),
        ("9.007199254740991e15", "9007199254740991"),
        ("-9007199254740991", "-9007199254740991"),
        ("123456.789e3", "123456789"),
    ] {
        check(text, canonical);
    }
}

#[test]
fn strings_escape_only_what_must_be_escaped() {
    check(
        r#""\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/""#,
        "\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"",
    );
}

#[test]
fn what_readers_would_not_agree_about_is_refused() {
    for text in ["9007199254740992", "1e16", "1e400", "1e-301", "-9007199254740992"] {
        let refused = read(text).unwrap_err();
        assert!(refused.contains("number"), "{text}: {refused}");
    }
    assert!(read(r#"{"a":1,"b":{"x":1,"\u0078":2}}"#).unwrap_err().contains("duplicate key `x`"));
}

#[test]
fn depth_counts_levels_below() {
    assert_eq!(read("1").unwrap().depth(), 0);
    assert_eq!(read("[]").unwrap().depth(), 0);
    assert_eq!(read(r#"{"a":{"b":{"c":{"d":{"e":1}}}}}"#).unwrap().depth(), 5);
}

fn any_json() -> impl Strategy<Value = Json> {
    let number = prop_oneof![
        (-9_007_199_254_740_991_i64..=9_007_199_254_740_991)
            .prop_map(|value| Json::Number(Number::from_i64(value).unwrap())),
        any::<f64>().prop_filter_map("no canonical form", |value| {
            Number::from_f64(value).ok().map(Json::Number)
        }),
        (-1e9..1e9_f64).prop_map(|value| Json::Number(Number::from_f64(value).unwrap())),
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        number,
        any::<String>().prop_map(Json::String),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Json::Array),
            prop::collection::btree_map(any::<String>(), inner, 0..8).prop_map(|members| {
                Json::Object(Object::from_members(members.into_iter().collect()).unwrap())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn canonical_text_reads_back_as_the_same_value(value in any_json()) {
        let text = value.to_canonical();
        let again = read(&text).unwrap();
        prop_assert_eq!(&again, &value);
        prop_assert_eq!(again.to_canonical(), text);
    }
}
