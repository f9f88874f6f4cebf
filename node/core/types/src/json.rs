//! JSON as a value with one byte form: the canonical JSON of RFC 8785 over the
//! I-JSON of RFC 7493.
//!
//! This is no JSON reader: text is read by serde_json at the edge, through the
//! `Deserialize` here, which refuses what has no canonical form. In the codec
//! of records the same type has a compact binary form instead.
//!
//! Invariants
//! - Keys of an object are unique and in the order of RFC 8785, section 3.2.3
//!   (UTF-16 code units).
//! - A number has one spelling, and no float is ever computed with.

mod number;
mod serial;
mod write;

use std::cmp::Ordering;

pub use number::{Number, NumberError};
pub use serial::{DUPLICATE_KEY, NOT_CANONICAL};
pub use write::write_string;

/// A JSON value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Json {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number of I-JSON.
    Number(Number),
    /// Any Unicode text.
    String(String),
    /// Values in order.
    Array(Vec<Json>),
    /// Values by key.
    Object(Object),
}

/// The members of an object, sorted and unique.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object(Vec<(String, Json)>);

impl Object {
    /// An object without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Members by key.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.find(key).ok().and_then(|at| self.0.get(at)).map(|(_, value)| value)
    }

    /// Sets a member and gives back the value it replaced.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Json>) -> Option<Json> {
        let key = key.into();
        match self.find(&key) {
            Ok(at) => self.0.get_mut(at).map(|(_, old)| std::mem::replace(old, value.into())),
            Err(at) => {
                self.0.insert(at, (key, value.into()));
                None
            }
        }
    }

    /// Takes a member out.
    pub fn remove(&mut self, key: &str) -> Option<Json> {
        self.find(key).ok().map(|at| self.0.remove(at).1)
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Members in canonical order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Json)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Sorts members given in any order, or names the first key given twice.
    pub fn from_members(mut members: Vec<(String, Json)>) -> Result<Self, String> {
        members.sort_by(|(a, _), (b, _)| cmp_keys(a, b));
        let twice = members.windows(2).find_map(|pair| match pair {
            [(a, _), (b, _)] if a == b => Some(a.clone()),
            _ => None,
        });
        match twice {
            Some(key) => Err(key),
            None => Ok(Self(members)),
        }
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| cmp_keys(known, key))
    }
}

impl IntoIterator for Object {
    type Item = (String, Json);
    type IntoIter = std::vec::IntoIter<(String, Json)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Order of UTF-16 code units. It differs from that of UTF-8 bytes only where
/// a character above U+FFFF meets one of U+E000..=U+FFFF.
fn cmp_keys(a: &str, b: &str) -> Ordering {
    /// What the first byte of a character above U+FFFF is, or more.
    const FOUR_BYTES: u8 = 0xf0;
    /// What the first bytes of U+E000..=U+FFFF are, or more.
    const PAST_SURROGATES: u8 = 0xee;
    let differing = a.bytes().zip(b.bytes()).find(|(a, b)| a != b);
    let Some((a_byte, b_byte)) = differing else { return a.len().cmp(&b.len()) };
    // The bytes that continue a character are less than any of these.
    let is_turned =
        PAST_SURROGATES <= a_byte.min(b_byte) && (FOUR_BYTES <= a_byte) != (FOUR_BYTES <= b_byte);
    if is_turned { b_byte.cmp(&a_byte) } else { a_byte.cmp(&b_byte) }
}

impl Json {
    /// An object of these members; of two with one key the later stays, so the
    /// caller names each key once.
    pub fn object<const N: usize>(members: [(&str, Json); N]) -> Self {
        let mut object = Object(Vec::with_capacity(N));
        for (key, value) in members {
            object.insert(key, value);
        }
        Self::Object(object)
    }

    /// The canonical text, which is what gets hashed.
    pub fn to_canonical(&self) -> String {
        let mut text = String::new();
        self.write_canonical(&mut text);
        text
    }

    /// The text if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// The members if this is an object.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Array(_) => None,
        }
    }

    /// The values if this is an array.
    pub fn as_array(&self) -> Option<&[Json]> {
        match self {
            Self::Array(values) => Some(values),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Object(_) => {
                None
            }
        }
    }

    /// The truth value if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(fact) => Some(*fact),
            Self::Null | Self::Number(_) | Self::String(_) | Self::Array(_) | Self::Object(_) => {
                None
            }
        }
    }

    /// The value if this is an integer.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            Self::Null | Self::Bool(_) | Self::String(_) | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// The value if this is an integer that is not negative.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_i64().and_then(|value| u64::try_from(value).ok())
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }

    /// Levels below this value: a scalar is 0, `[[1]]` is 2.
    pub fn depth(&self) -> usize {
        let below = match self {
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => return 0,
            Self::Array(values) => values.iter().map(Self::depth).max(),
            Self::Object(object) => object.iter().map(|(_, value)| value.depth()).max(),
        };
        below.map_or(0, |depth| depth + 1)
    }
}

impl From<bool> for Json {
    fn from(fact: bool) -> Self {
        Self::Bool(fact)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<u32> for Json {
    fn from(value: u32) -> Self {
        Self::Number(Number::from_u64(u64::from(value)))
    }
}

impl From<u64> for Json {
    /// Saturates at 2^53-1, which no count of ours reaches.
    fn from(value: u64) -> Self {
        Self::Number(Number::from_u64(value))
    }
}

impl From<Object> for Json {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Json>> From<Vec<T>> for Json {
    fn from(values: Vec<T>) -> Self {
        Self::Array(values.into_iter().map(Into::into).collect())
    }
}

#[cfg(test)]
mod tests;
