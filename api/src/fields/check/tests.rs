//! What a checked body takes, and each refusal beside it.

use super::*;
use crate::fields::{Alphabet, context};

const POINT: &[Field] = &[
    Field::required("x", Kind::Integer { min: 0, max: 9 }, ""),
    Field::optional("y", Kind::Integer { min: 0, max: 9 }, ""),
];

const ALL: &[Field] = &[
    Field::required("name", Kind::Text(Text::of(Alphabet::Name, 4)), "").or("label"),
    Field::optional("count", Kind::Integer { min: -2, max: 9 }, ""),
    Field::optional("flag", Kind::Bool, ""),
    Field::optional("word", Kind::Word(&["one", "two"]), ""),
    Field::optional("at", Kind::Time, ""),
    Field::optional("tags", Kind::Texts { items_max: 2, item: Text::any(3) }, ""),
    Field::optional("why", Kind::Text(Text::any(9).at_least(4)), ""),
    Field::optional("point", Kind::Object(POINT), ""),
    Field::optional("points", Kind::Objects { items_min: 1, items_max: 2, item: POINT }, ""),
    Field::optional("bodies", Kind::Bodies { items_max: 2, item: POINT }, ""),
    Field::optional("context", Kind::Context, ""),
    Field::optional("any", Kind::Any, ""),
];

/// The normal form, or the faults; a name is given where none is tried.
#[track_caller]
fn check(body: &str, expect: &str) {
    let mut body: Json = serde_json::from_str(body).unwrap();
    if let Json::Object(object) = &mut body
        && object.get("name").is_none()
        && object.get("label").is_none()
    {
        object.insert("name", "n");
    }
    let shown = match check_body(ALL, body) {
        Ok(checked) => {
            let mut members = checked.members().clone();
            members.remove("name");
            Json::Object(members).to_canonical()
        }
        Err(problem) => faults(&problem),
    };
    assert_eq!(shown, expect);
}

fn faults(problem: &Problem) -> String {
    let place = |place: &Place| match place {
        Place::Pointer(place) | Place::Parameter(place) => place.clone(),
        Place::Header(name) => (*name).to_owned(),
    };
    let faults = problem.listed_faults().iter();
    let faults: Vec<String> =
        faults.map(|fault| format!("{} {}", place(&fault.place), fault.code)).collect();
    if faults.is_empty() { problem.code().name.to_owned() } else { faults.join(", ") }
}

#[test]
fn members_come_back_in_their_normal_form() {
    check(
        r#"{"name":" n ","word":"TWO","count":3.0,"flag":false}"#,
        r#"{"count":3,"flag":false,"word":"two"}"#,
    );
    check(r#"{"at":"2027-03-04T05:06:07+02:00"}"#, r#"{"at":"2027-03-04T03:06:07.000000Z"}"#);
    check(r#"{"tags":[" a ","b"]}"#, r#"{"tags":["a","b"]}"#);
    check(r#"{"point":{"x":1,"y":null}}"#, r#"{"point":{"x":1}}"#);
    check(r#"{"count":null,"flag":null,"word":" ","at":""}"#, "{}");
    check(r#"{"any":{" k ":[null," v "]}}"#, r#"{"any":{" k ":[null," v "]}}"#);
    check(r#"{"bodies":[1,null]}"#, r#"{"bodies":[1,null]}"#);
}

#[test]
fn what_is_not_of_its_kind_is_a_fault() {
    check(r#"{"name":1}"#, "/name wrong_type");
    check(r#"{"name":"a b"}"#, "/name bad_format");
    check(r#"{"name":"abcde"}"#, "/name too_long");
    check(r#"{"name":"a","why":" abc "}"#, "/why too_short");
    check(r#"{"name":" "}"#, "/name missing");
    check(r#"{"label":null}"#, "/name missing");
    check(r#"{"label":"a","name":"b"}"#, "/name conflicting_values");
    check(r#"{"label":"a","name":"a "}"#, "{}");
    check(r#"{"count":"3"}"#, "/count wrong_type");
    check(r#"{"count":10}"#, "/count out_of_range");
    check(r#"{"count":-3}"#, "/count out_of_range");
    check(r#"{"count":0.5}"#, "/count wrong_type");
    check(r#"{"flag":1}"#, "/flag wrong_type");
    check(r#"{"word":"three"}"#, "/word not_one_of");
    check(r#"{"at":"soon"}"#, "/at bad_format");
    check(r#"{"at":7}"#, "/at wrong_type");
    check(r#"{"tags":"a"}"#, "/tags wrong_type");
    check(r#"{"tags":["a","b","c"]}"#, "/tags out_of_range");
    check(r#"{"tags":["a","a"]}"#, "/tags/1 duplicate");
    check(r#"{"tags":[null,""]}"#, "/tags/0 wrong_type, /tags/1 missing");
    check(r#"{"tags":["long"]}"#, "/tags/0 too_long");
    check(r#"{"point":{}}"#, "/point/x missing");
    check(r#"{"point":{"x":99,"z":1}}"#, "/point/z unknown_field, /point/x out_of_range");
    check(r#"{"points":[]}"#, "/points out_of_range");
    check(r#"{"points":[{"x":1},4]}"#, "/points/1 wrong_type");
    check(r#"{"bodies":[]}"#, "/bodies out_of_range");
    check(r#"{"context":[]}"#, "/context wrong_type");
    check(r#"{"any":"x"}"#, "/any wrong_type");
    check(r#"{"other":null}"#, "/other unknown_field");
    check("[]", " wrong_type");
}

#[test]
fn a_context_is_bounded_at_any_level() {
    let long = "x".repeat(context::STRING_CHARS_MAX + 1);
    check(&format!(r#"{{"context":{{"a":[["{long}"]]}}}}"#), "context_too_large");
    check(r#"{"context":{"a":[[[[1]]]]}}"#, r#"{"context":{"a":[[[[1]]]]}}"#);
    check(r#"{"context":{"a":[[[[[1]]]]]}}"#, "context_too_large");
    check(r#"{"context":{"a":[[[[[[]]]]]]}}"#, "context_too_large");
    check(r#"{"context":{"a":null}}"#, "/context/a null_not_allowed");
    let characters = "é".repeat(context::STRING_CHARS_MAX);
    check(&format!(r#"{{"context":{{"a":"{characters}"}},"flag":1}}"#), "/flag wrong_type");
}

const QUERY: &[Field] = &[
    Field::optional("name", Kind::Text(Text::of(Alphabet::Name, 4)), "").or("label"),
    Field::optional("x", Kind::Integer { min: 0, max: 9 }, ""),
    Field::optional("count", Kind::Integer { min: -2, max: 9 }, ""),
    Field::optional("flag", Kind::Bool, ""),
    Field::optional("word", Kind::Word(&["one", "two"]), ""),
    Field::optional("at", Kind::Time, ""),
    Field::optional("tags", Kind::Texts { items_max: 2, item: Text::any(3) }, ""),
];

#[test]
fn a_parameter_that_must_be_there_is_missed() {
    let missed = |text: &str| match check_query(&[QUERY, POINT], text) {
        Ok(_) => String::new(),
        Err(problem) => faults(&problem),
    };
    assert_eq!(missed("flag=1&y=2"), "x missing");
    assert_eq!(missed("x=&flag=1"), "x missing");
    assert_eq!(missed("x=a"), "x wrong_type");
    assert_eq!(missed("x=0"), "");
}

#[track_caller]
fn query(text: &str, expect: &str) {
    let shown = match check_query(&[QUERY], text) {
        Ok(checked) => Json::Object(checked.members().clone()).to_canonical(),
        Err(problem) => faults(&problem),
    };
    assert_eq!(shown, expect, "{text}");
}

#[test]
fn a_query_is_read_as_its_fields_say() {
    query("", "{}");
    query("&&flag=True&count=-2&x=5", r#"{"count":-2,"flag":true,"x":5}"#);
    query("flag=0&label=%6e+", r#"{"flag":false,"name":"n"}"#);
    query("word=TWO&flag=", r#"{"word":"two"}"#);
    query("at=2027-03-04T05:06:07+00:00", r#"{"at":"2027-03-04T05:06:07.000000Z"}"#);
    query("at=2027-03-04%2005:06:07", r#"{"at":"2027-03-04T05:06:07.000000Z"}"#);
    query("flag=2&count=%31%", "flag wrong_type, count wrong_type");
    query("count=99999999999999999999", "count out_of_range");
    query("count=1&count=1", "count repeated");
    query("colour=1", "colour unknown_parameter");
    query("tags=a", "tags wrong_type");
    query("name=%ff", "name bad_format");
}
