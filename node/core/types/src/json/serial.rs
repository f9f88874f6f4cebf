//! The two serde forms of a value: JSON for readers of JSON, and a tagged
//! binary form for the record codec, which cannot say what comes next.
//!
//! A level costs twelve bytes in the binary form and some stack to walk, so
//! there nesting is bounded both ways: what was written can be read back. A
//! reader of JSON has a bound of its own.

use std::cell::Cell;
use std::fmt;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Json, Number, Object};

/// How the error of a repeated key begins, so that the edge can tell it apart.
pub const DUPLICATE_KEY: &str = "duplicate key";
/// How the error of a number without canonical form begins.
pub const NOT_CANONICAL: &str = "number has no canonical form";

const TOO_DEEP: &str = "nested too deep";

/// Levels of the binary form. The edge takes fewer, and the normal form of a
/// policy adds a few.
const DEPTH_MAX: u32 = 128;

thread_local! {
    /// Levels of the binary form that this thread is inside of.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// One level, left when dropped.
struct Level;

impl Level {
    /// `None` where the value is nested too deep.
    fn enter() -> Option<Self> {
        DEPTH.with(|depth| {
            let level = depth.get() + 1;
            (level <= DEPTH_MAX).then(|| {
                depth.set(level);
                Self
            })
        })
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get() - 1));
    }
}

#[derive(Serialize)]
#[serde(rename = "Json")]
enum BinaryRef<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Fraction(String),
    String(&'a str),
    Array(&'a [Json]),
    Object(&'a [(String, Json)]),
}

#[derive(Deserialize)]
#[serde(rename = "Json")]
enum Binary {
    Null,
    Bool(bool),
    Integer(i64),
    Fraction(String),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return self.serialize_text(serializer);
        }
        let _level = Level::enter().ok_or_else(|| serde::ser::Error::custom(TOO_DEEP))?;
        match self {
            Self::Null => BinaryRef::Null,
            Self::Bool(fact) => BinaryRef::Bool(*fact),
            Self::Number(number) => match number.as_i64() {
                Some(value) => BinaryRef::Integer(value),
                None => BinaryRef::Fraction(number.to_string()),
            },
            Self::String(text) => BinaryRef::String(text),
            Self::Array(values) => BinaryRef::Array(values),
            Self::Object(object) => BinaryRef::Object(&object.0),
        }
        .serialize(serializer)
    }
}

impl Json {
    fn serialize_text<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(fact) => serializer.serialize_bool(*fact),
            Self::Number(number) => match number.as_i64() {
                Some(value) => serializer.serialize_i64(value),
                None => {
                    let value: f64 =
                        number.to_string().parse().map_err(serde::ser::Error::custom)?;
                    serializer.serialize_f64(value)
                }
            },
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(values) => {
                let mut seq = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    seq.serialize_element(value)?;
                }
                seq.end()
            }
            Self::Object(object) => {
                let mut map = serializer.serialize_map(Some(object.len()))?;
                for (key, value) in object.iter() {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_any(TextVisitor);
        }
        let _level = Level::enter().ok_or_else(|| D::Error::custom(TOO_DEEP))?;
        Ok(match Binary::deserialize(deserializer)? {
            Binary::Null => Self::Null,
            Binary::Bool(fact) => Self::Bool(fact),
            Binary::Integer(value) => {
                Self::Number(Number::from_i64(value).map_err(D::Error::custom)?)
            }
            Binary::Fraction(text) => {
                Self::Number(Number::from_canonical(&text).map_err(D::Error::custom)?)
            }
            Binary::String(text) => Self::String(text),
            Binary::Array(values) => Self::Array(values),
            Binary::Object(members) => Self::Object(unique(members)?),
        })
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            let mut map = serializer.serialize_map(Some(self.len()))?;
            for (key, value) in self.iter() {
                map.serialize_entry(key, value)?;
            }
            return map.end();
        }
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return unique(Vec::<(String, Json)>::deserialize(deserializer)?);
        }
        match deserializer.deserialize_map(TextVisitor)? {
            Json::Object(object) => Ok(object),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
                Err(D::Error::custom("not an object"))
            }
        }
    }
}

fn unique<E: serde::de::Error>(members: Vec<(String, Json)>) -> Result<Object, E> {
    Object::from_members(members).map_err(|key| E::custom(format_args!("{DUPLICATE_KEY} `{key}`")))
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, fact: bool) -> Result<Json, E> {
        Ok(Json::Bool(fact))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Json, E> {
        Number::from_i64(value).map(Json::Number).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Json, E> {
        let value = i64::try_from(value).map_err(|_| E::custom(super::NumberError))?;
        self.visit_i64(value)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Json, E> {
        Number::from_f64(value).map(Json::Number).map_err(E::custom)
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Json::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        unique(members).map(Json::Object)
    }
}
