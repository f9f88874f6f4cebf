//! JSON, level by level, each value by its text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use types::{Json, Object};

use super::{DEPTH_MAX, member, number, too_deep, twice};

/// Reads one JSON text, or says what is wrong with it.
pub(crate) fn read(text: &str) -> Result<Json, String> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| error.to_string())?;
    build(raw, "", 0)
}

fn build(raw: &RawValue, at: &str, depth: usize) -> Result<Json, String> {
    if DEPTH_MAX < depth {
        return Err(too_deep(at));
    }
    let text = raw.get();
    let malformed = |error: serde_json::Error| error.to_string();
    match text.as_bytes().first() {
        Some(b'{') => {
            let Members(members) = serde_json::from_str(text).map_err(malformed)?;
            let members = members.into_iter().map(|(key, value)| {
                let value = build(value, &member(at, &key), depth + 1)?;
                Ok((key.into_owned(), value))
            });
            let members = members.collect::<Result<Vec<_>, String>>()?;
            Object::from_members(members).map(Json::Object).map_err(|key| twice(at, &key))
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).map_err(malformed)?;
            let items = items.into_iter().enumerate();
            let items = items.map(|(n, item)| build(item, &format!("{at}/{n}"), depth + 1));
            items.collect::<Result<Vec<_>, _>>().map(Json::Array)
        }
        Some(b'-' | b'0'..=b'9') => number::exact(text).ok_or_else(|| number::not_exact(text, at)),
        Some(_) | None => serde_json::from_str(text).map_err(malformed),
    }
}

/// The members of an object in the order of the text, keys that come twice too.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, &'de RawValue>()? {
            members.push((Cow::Owned(key), value));
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let got = match read(text) {
            Ok(value) => value.to_canonical(),
            Err(why) => why,
        };
        assert!(got.starts_with(expect), "{text}: {got}");
    }

    #[test]
    fn json_is_read_as_it_is() {
        check(r#" {"b":[1.10,-0,1e3,"x\n"],"a":null} "#, r#"{"a":null,"b":[1.1,0,1000,"x\n"]}"#);
    }

    #[test]
    fn a_key_twice_is_named_with_its_place() {
        check(r#"{"x":[{"a":1,"\u0061":2}]}"#, "key `a` is given twice at `/x/0`");
    }

    #[test]
    fn a_number_that_would_change_is_named_with_its_place() {
        let why = "would not keep its value: write it as a string";
        check(r#"{"n":[9007199254740993]}"#, &format!("number `9007199254740993` at `/n/0` {why}"));
        check("0.1000000000000000055", &format!("number `0.1000000000000000055` at `` {why}"));
        check("1e400", &format!("number `1e400` at `` {why}"));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        check("{\"a\":}", "expected value at line 1 column 6");
        check("[1] 2", "trailing characters");
        check("[01]", "invalid number");
        let deep = "[".repeat(DEPTH_MAX + 2) + &"]".repeat(DEPTH_MAX + 2);
        check(&deep, "it is nested deeper than 100 levels");
    }
}
