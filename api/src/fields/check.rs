//! Requests against the table of their fields.

use std::collections::HashSet;

use types::{Decimal, Json, Number, Object, Timestamp};

use super::{Field, Kind, Text, context, metadata};
use crate::json_text::member;
use crate::problem::{Code, Fault, Place, Problem};

/// Members that were checked, by canonical name, each of the kind its field
/// says. Taking one out moves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checked(Object);

impl Checked {
    /// Takes a text out.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        match self.0.remove(name) {
            Some(Json::String(text)) => Some(text),
            Some(Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_)) => None,
            Some(Json::Object(_)) | None => None,
        }
    }

    /// An integer.
    pub(crate) fn integer<T: TryFrom<i64>>(&self, name: &str) -> Option<T> {
        self.0.get(name).and_then(Json::as_i64).and_then(|value| T::try_from(value).ok())
    }

    /// A truth value; false when absent.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Json::as_bool).unwrap_or(false)
    }

    /// A word of an enum.
    pub(crate) fn word(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Json::as_str)
    }

    /// A time.
    pub(crate) fn time(&self, name: &str) -> Option<Timestamp> {
        self.word(name).and_then(|text| text.parse().ok())
    }

    /// Takes the texts of a list out.
    pub(crate) fn texts(&mut self, name: &str) -> Vec<String> {
        let Some(Json::Array(items)) = self.0.remove(name) else {
            return Vec::new();
        };
        let text = |item| if let Json::String(text) = item { Some(text) } else { None };
        items.into_iter().filter_map(text).collect()
    }

    /// Takes the integers of a list out.
    pub(crate) fn integers(&mut self, name: &str) -> Vec<u64> {
        self.items(name).iter().filter_map(Json::as_u64).collect()
    }

    /// Takes an object out.
    pub(crate) fn object(&mut self, name: &str) -> Option<Object> {
        match self.0.remove(name) {
            Some(Json::Object(object)) => Some(object),
            Some(Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_)) => None,
            Some(Json::String(_)) | None => None,
        }
    }

    /// Takes an object of checked members out.
    pub(crate) fn nested(&mut self, name: &str) -> Option<Self> {
        self.object(name).map(Self)
    }

    /// Takes a list of checked objects out.
    pub(crate) fn nested_list(&mut self, name: &str) -> Vec<Self> {
        self.items(name)
            .into_iter()
            .filter_map(
                |item| if let Json::Object(object) = item { Some(Self(object)) } else { None },
            )
            .collect()
    }

    /// Takes a list out as it is.
    pub(crate) fn items(&mut self, name: &str) -> Vec<Json> {
        match self.0.remove(name) {
            Some(Json::Array(items)) => items,
            Some(Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_)) => Vec::new(),
            Some(Json::Object(_)) | None => Vec::new(),
        }
    }

    /// Everything that was given.
    pub(crate) fn members(&self) -> &Object {
        &self.0
    }
}

/// Checks the members of a body.
///
/// # Errors
/// Every fault, or that the context is too large.
pub(crate) fn check_body(fields: &'static [Field], body: Json) -> Result<Checked, Problem> {
    let Json::Object(object) = body else {
        return Err(Problem::fault(Fault::at("", "wrong_type", "must be an object")));
    };
    let mut checker = Checker::default();
    let checked = checker.object(fields, object, "");
    checker.conclude(checked)
}

/// The same, dropping the members that are not known.
///
/// # Errors
/// Every fault, or that the context is too large.
pub(crate) fn check_open_body(fields: &'static [Field], body: Json) -> Result<Checked, Problem> {
    match body {
        Json::Object(object) => check_body(fields, Json::Object(known(fields, object))),
        other => check_body(fields, other),
    }
}

/// The members that go by a name in the table.
fn known(fields: &[Field], object: Object) -> Object {
    let is_known = |key: &str| fields.iter().any(|field| field.is_called(key));
    let members = object.into_iter().filter(|(key, _)| is_known(key)).collect();
    // Keys that were unique stay so.
    Object::from_members(members).unwrap_or_default()
}

/// Checks the parameters of a query, whose values are text. `fields` may be
/// several tables one after the other.
///
/// # Errors
/// Every fault.
pub(crate) fn check_query(fields: &[&'static [Field]], query: &str) -> Result<Checked, Problem> {
    let mut faults = Vec::new();
    let mut object = Object::new();
    for (name, value) in pairs(query) {
        let known = fields.iter().flat_map(|fields| fields.iter());
        let Some(field) = known.into_iter().find(|field| field.is_called(&name)) else {
            faults.push(Fault::parameter(&name, "unknown_parameter", "is not known"));
            continue;
        };
        if value.trim().is_empty() {
            continue;
        }
        match parameter(field, &value) {
            Ok(value) => {
                if object.insert(field.name, value).is_some() {
                    faults.push(Fault::parameter(&name, "repeated", "is there twice"));
                }
            }
            Err((code, detail)) => faults.push(Fault::parameter(&name, code, detail)),
        }
    }
    for field in fields.iter().flat_map(|fields| fields.iter()).filter(|field| field.required) {
        let is_about =
            |fault: &Fault| matches!(&fault.place, Place::Parameter(name) if field.is_called(name));
        if object.get(field.name).is_none() && !faults.iter().any(is_about) {
            faults.push(Fault::parameter(field.name, "missing", "is required"));
        }
    }
    if faults.is_empty() { Ok(Checked(object)) } else { Err(Problem::faults(faults)) }
}

/// The same, dropping the parameters that are not known.
///
/// # Errors
/// Every fault.
pub(crate) fn check_open_query(
    fields: &[&'static [Field]],
    query: &str,
) -> Result<Checked, Problem> {
    let is_known = |part: &&str| {
        let (name, _) = part.split_once('=').unwrap_or((part, ""));
        let name = percent_decoded(name);
        fields.iter().flat_map(|fields| fields.iter()).any(|field| field.is_called(&name))
    };
    let known: Vec<&str> = query.split('&').filter(is_known).collect();
    check_query(fields, &known.join("&"))
}

fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    const PAIRS_MAX: usize = 100;
    let parts = query.split('&').filter(|part| !part.is_empty()).take(PAIRS_MAX);
    parts.map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (percent_decoded(name), percent_decoded(value))
    })
}

/// Text of `application/x-www-form-urlencoded`. A broken escape stays as it is
/// and then fails as a value.
pub(crate) fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = bytes.get(at + 1..at + 3).and_then(|two| std::str::from_utf8(two).ok());
        let escaped = escaped.filter(|two| two.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let escaped = escaped.and_then(|two| u8::from_str_radix(two, 16).ok());
        match (byte, escaped) {
            (b'%', Some(value)) => {
                decoded.push(value);
                at += 2;
            }
            (b'+', _) => decoded.push(b' '),
            _ => decoded.push(*byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn parameter(field: &Field, text: &str) -> Result<Json, (&'static str, String)> {
    let text = text.trim();
    match field.kind {
        Kind::Integer { min, max } => {
            let plain = text.strip_prefix('-').unwrap_or(text);
            let digits = !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_digit());
            let value = Some(text).filter(|_| digits).and_then(|text| text.parse::<i64>().ok());
            match value {
                Some(value) => within(value, min, max),
                None if digits => Err(("out_of_range", format!("must be {min}..{max}"))),
                None => Err(("wrong_type", "must be an integer".to_owned())),
            }
        }
        Kind::Bool => match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(Json::Bool(true)),
            "false" | "0" => Ok(Json::Bool(false)),
            _ => Err(("wrong_type", "must be `true`, `false`, `1` or `0`".to_owned())),
        },
        Kind::Text(bounds) => check_text(bounds, text).map(Json::String),
        Kind::Word(words) => word(words, text),
        Kind::Time => time(text),
        Kind::Verbatim
        | Kind::Texts { .. }
        | Kind::Integers { .. }
        | Kind::Words(_)
        | Kind::Object(_)
        | Kind::Objects { .. }
        | Kind::Bodies { .. }
        | Kind::Open(_)
        | Kind::Default(_)
        | Kind::Evaluations { .. }
        | Kind::Context
        | Kind::Free
        | Kind::Recommendation
        | Kind::Metadata
        | Kind::Any => Err(("wrong_type", "has no form in a query".to_owned())),
    }
}

fn within(value: i64, min: i64, max: i64) -> Result<Json, (&'static str, String)> {
    let number = Number::from_i64(value).ok().filter(|_| (min..=max).contains(&value));
    number.map(Json::Number).ok_or_else(|| ("out_of_range", format!("must be {min}..{max}")))
}

fn word(words: &[&'static str], text: &str) -> Result<Json, (&'static str, String)> {
    let known = words.iter().find(|word| word.eq_ignore_ascii_case(text));
    known
        .map(|word| Json::from(*word))
        .ok_or_else(|| ("not_one_of", format!("must be one of {}", words.join(", "))))
}

fn time(text: &str) -> Result<Json, (&'static str, String)> {
    // A `+` of an offset that was not escaped arrives as a space.
    let offset = text.rfind(' ').filter(|at| 11 < *at);
    let text = offset.map_or_else(
        || text.to_owned(),
        |at| {
            format!(
                "{}+{}",
                text.get(..at).unwrap_or_default(),
                text.get(at + 1..).unwrap_or_default()
            )
        },
    );
    let time = text.parse::<Timestamp>();
    time.map(|time| Json::from(time.to_string())).map_err(|error| ("bad_format", error.to_string()))
}

/// Checks a text that is trimmed and not blank.
fn check_text(bounds: Text, text: &str) -> Result<String, (&'static str, String)> {
    if bounds.chars_max < text.len() && bounds.chars_max < text.chars().count() {
        return Err(("too_long", format!("must have at most {} characters", bounds.chars_max)));
    }
    if text.chars().count() < bounds.chars_min {
        return Err(("too_short", format!("must have at least {} characters", bounds.chars_min)));
    }
    match bounds.alphabet.words() {
        Some(words) if !text.chars().all(|character| bounds.alphabet.admits(character)) => {
            Err(("bad_format", format!("may have {words}")))
        }
        Some(_) | None => Ok(text.to_owned()),
    }
}

#[derive(Debug, Default)]
struct Checker {
    faults: Vec<Fault>,
    too_large: Option<Problem>,
}

impl Checker {
    fn conclude(self, checked: Object) -> Result<Checked, Problem> {
        match self.too_large {
            Some(problem) => Err(problem),
            None if self.faults.is_empty() => Ok(Checked(checked)),
            None => Err(Problem::faults(self.faults)),
        }
    }

    fn object(&mut self, fields: &'static [Field], object: Object, pointer: &str) -> Object {
        let mut given: Vec<(&'static Field, String, Json)> = Vec::with_capacity(object.len());
        for (key, value) in object {
            match fields.iter().find(|field| field.is_called(&key)) {
                None => self.fault(&member(pointer, &key), "unknown_field", "is not known"),
                Some(_) if value.is_null() => (),
                Some(field) => given.push((field, key, value)),
            }
        }
        let mut checked = Vec::with_capacity(given.len());
        for (field, key, value) in given {
            let at = member(pointer, &key);
            if let Some(value) = self.value(field, value, &at) {
                self.keep(&mut checked, field, value, &at);
            }
        }
        for field in fields.iter().filter(|field| field.required) {
            let has_fault = || self.names(pointer, field);
            if !checked.iter().any(|(name, _)| name == field.name) && !has_fault() {
                self.fault(&member(pointer, field.name), "missing", "is required");
            }
        }
        Object::from_members(checked).unwrap_or_default()
    }

    /// Both spellings of a field may be there when they say the same.
    fn keep(&mut self, kept: &mut Vec<(String, Json)>, field: &Field, value: Json, at: &str) {
        match kept.iter().find(|(name, _)| name == field.name) {
            None => kept.push((field.name.to_owned(), value)),
            Some((_, other)) if *other == value => (),
            Some(_) => {
                let detail = format!("differs from the other spelling of `{}`", field.name);
                self.fault(at, "conflicting_values", detail);
            }
        }
    }

    /// Whether a fault of this member is listed already.
    fn names(&self, pointer: &str, field: &Field) -> bool {
        let spellings = [Some(field.name), field.alias].into_iter().flatten();
        let mut pointers = spellings.map(|name| member(pointer, name));
        pointers.any(|at| self.faults.iter().any(|fault| fault.place == Place::Pointer(at.clone())))
    }

    fn fault(&mut self, pointer: &str, code: &'static str, detail: impl Into<String>) {
        self.faults.push(Fault::at(pointer, code, detail));
    }

    /// The value in its normal form; `None` when it counts as absent or a
    /// fault was noted.
    fn value(&mut self, field: &Field, value: Json, at: &str) -> Option<Json> {
        match (field.kind, value) {
            (Kind::Text(bounds), Json::String(text)) => self.text(bounds, &text, at),
            (Kind::Word(words), Json::String(text)) if !text.trim().is_empty() => {
                self.noted(at, word(words, text.trim()))
            }
            (Kind::Time, Json::String(text)) if !text.trim().is_empty() => {
                self.noted(at, time(text.trim()))
            }
            (Kind::Verbatim, Json::String(text)) if !text.trim().is_empty() => {
                Some(Json::String(text))
            }
            (Kind::Verbatim | Kind::Word(_) | Kind::Time, Json::String(_)) => None,
            (Kind::Integer { min, max }, Json::Number(number)) => match number.as_i64() {
                Some(value) => self.noted(at, within(value, min, max)),
                None => self.wrong_type(at, "an integer"),
            },
            (Kind::Bool, Json::Bool(fact)) => Some(Json::Bool(fact)),
            (Kind::Texts { items_max, item }, Json::Array(items)) => {
                self.texts(items_max, item, items, at)
            }
            (Kind::Integers { items_max, min, max }, Json::Array(items)) => {
                self.integers(items_max, (min, max), items, at)
            }
            (Kind::Words(words), Json::Array(items)) => self.words(words, items, at),
            (Kind::Object(fields), Json::Object(object)) => {
                Some(Json::Object(self.object(fields, object, at)))
            }
            (Kind::Objects { items_min, items_max, item }, Json::Array(items)) => {
                self.objects((items_min, items_max), item, items, at)
            }
            (Kind::Bodies { items_max, .. }, Json::Array(items)) => {
                self.count((1, items_max), items.len(), at).then_some(Json::Array(items))
            }
            (Kind::Open(fields), Json::Object(object)) => {
                Some(Json::Object(self.object(fields, known(fields, object), at)))
            }
            (Kind::Evaluations { items_max, .. }, Json::Array(items)) => {
                self.count((0, items_max), items.len(), at).then_some(Json::Array(items))
            }
            (Kind::Context, Json::Object(context)) => self.context(context, at),
            (Kind::Free, Json::Object(object)) => self.free(object, at),
            (Kind::Recommendation, Json::Object(object)) => self.recommendation(object, at),
            (Kind::Metadata, Json::Object(metadata)) => self.metadata(metadata, at),
            (Kind::Default(_) | Kind::Any, Json::Object(object)) => Some(Json::Object(object)),
            (kind, _) => self.wrong_type(at, what(kind)),
        }
    }

    fn wrong_type(&mut self, at: &str, what: &str) -> Option<Json> {
        self.fault(at, "wrong_type", format!("must be {what}"));
        None
    }

    fn noted(&mut self, at: &str, value: Result<Json, (&'static str, String)>) -> Option<Json> {
        value.map_err(|(code, detail)| self.fault(at, code, detail)).ok()
    }

    fn text(&mut self, bounds: Text, text: &str, at: &str) -> Option<Json> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return None;
        }
        self.noted(at, check_text(bounds, trimmed).map(Json::String))
    }

    fn texts(&mut self, items_max: usize, item: Text, items: Vec<Json>, at: &str) -> Option<Json> {
        if !self.count((0, items_max), items.len(), at) {
            return None;
        }
        let mut seen = HashSet::with_capacity(items.len());
        let mut kept = Vec::with_capacity(items.len());
        for (index, value) in items.into_iter().enumerate() {
            let at = format!("{at}/{index}");
            let Json::String(text) = value else {
                self.wrong_type(&at, "a string");
                continue;
            };
            match self.text(item, &text, &at) {
                Some(Json::String(text)) if !seen.insert(text.clone()) => {
                    self.fault(&at, "duplicate", "is in the list twice");
                }
                Some(value) => kept.push(value),
                None if text.trim().is_empty() => self.fault(&at, "missing", "must not be blank"),
                None => (),
            }
        }
        Some(Json::Array(kept))
    }

    fn integers(
        &mut self,
        items_max: usize,
        (min, max): (i64, i64),
        items: Vec<Json>,
        at: &str,
    ) -> Option<Json> {
        if !self.count((0, items_max), items.len(), at) {
            return None;
        }
        let mut seen = HashSet::with_capacity(items.len());
        let mut kept = Vec::with_capacity(items.len());
        for (index, value) in items.into_iter().enumerate() {
            let at = format!("{at}/{index}");
            let Some(value) = value.as_i64() else {
                self.wrong_type(&at, "an integer");
                continue;
            };
            if !seen.insert(value) {
                self.fault(&at, "duplicate", "is in the list twice");
            }
            kept.extend(self.noted(&at, within(value, min, max)));
        }
        Some(Json::Array(kept))
    }

    fn words(&mut self, words: &[&'static str], items: Vec<Json>, at: &str) -> Option<Json> {
        let mut kept: Vec<Json> = Vec::with_capacity(items.len().min(words.len()));
        for (index, value) in items.into_iter().enumerate() {
            let at = format!("{at}/{index}");
            let Json::String(text) = value else {
                self.wrong_type(&at, "a string");
                continue;
            };
            match self.noted(&at, word(words, text.trim())) {
                Some(word) if kept.contains(&word) => {
                    self.fault(&at, "duplicate", "is in the list twice");
                }
                Some(word) => kept.push(word),
                None => (),
            }
        }
        Some(Json::Array(kept))
    }

    fn objects(
        &mut self,
        bounds: (usize, usize),
        item: &'static [Field],
        items: Vec<Json>,
        at: &str,
    ) -> Option<Json> {
        if !self.count(bounds, items.len(), at) {
            return None;
        }
        let mut kept = Vec::with_capacity(items.len());
        for (index, value) in items.into_iter().enumerate() {
            let at = format!("{at}/{index}");
            match value {
                Json::Object(object) => kept.push(Json::Object(self.object(item, object, &at))),
                Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
                    self.wrong_type(&at, "an object");
                }
            }
        }
        Some(Json::Array(kept))
    }

    fn count(&mut self, (min, max): (usize, usize), count: usize, at: &str) -> bool {
        let fits = (min..=max).contains(&count);
        if !fits {
            self.fault(at, "out_of_range", format!("must have {min}..{max} items"));
        }
        fits
    }

    fn metadata(&mut self, metadata: Object, at: &str) -> Option<Json> {
        let value = Json::Object(metadata);
        match over_metadata(&value) {
            Some((code, detail)) => {
                self.fault(at, code, detail);
                None
            }
            None => Some(value),
        }
    }

    fn free(&mut self, object: Object, at: &str) -> Option<Json> {
        let value = self.limited(object, at)?;
        let bytes = value.to_canonical().len();
        if bytes <= context::BYTES_MAX {
            return Some(value);
        }
        let most = context::BYTES_MAX;
        let detail = format!("{at}: {bytes} bytes as canonical JSON, at most {most} are taken");
        self.too_large = Some(Problem::new(Code::CONTEXT_TOO_LARGE, detail));
        None
    }

    fn recommendation(&mut self, object: Object, at: &str) -> Option<Json> {
        if let Some((code, detail)) = over_confidence(&object) {
            self.fault(&member(at, "confidence"), code, detail);
        }
        self.free(object, at)
    }

    fn context(&mut self, context: Object, at: &str) -> Option<Json> {
        for (key, _) in context.iter().filter(|(_, value)| value.is_null()) {
            self.fault(&member(at, key), "null_not_allowed", "must not be null at the top level");
        }
        self.limited(context, at)
    }

    /// Facts within the limits of a context.
    fn limited(&mut self, context: Object, at: &str) -> Option<Json> {
        let over = if context::KEYS_MAX < context.len() {
            Some(format!("more than {} keys at the top level", context::KEYS_MAX))
        } else {
            context.iter().find_map(|(_, value)| over_limit(value, 1))
        };
        if let Some(detail) = over {
            self.too_large = Some(Problem::new(Code::CONTEXT_TOO_LARGE, format!("{at}: {detail}")));
            return None;
        }
        Some(Json::Object(context))
    }
}

/// What keeps a recommendation from telling how sure it is. Exact: no float is
/// compared.
fn over_confidence(object: &Object) -> Option<(&'static str, &'static str)> {
    let number = match object.get("confidence") {
        None | Some(Json::Null) => return Some(("missing", "is required")),
        Some(Json::Number(number)) => number,
        Some(Json::Bool(_) | Json::String(_) | Json::Array(_) | Json::Object(_)) => {
            return Some(("wrong_type", "must be a number"));
        }
    };
    let value = Decimal::parse(&number.to_string());
    let is_within = Decimal::parse("0") <= value && value <= Decimal::parse("1");
    (!is_within).then_some(("out_of_range", "must be 0..1"))
}

/// The limit of metadata that it exceeds.
fn over_metadata(value: &Json) -> Option<(&'static str, String)> {
    if metadata::DEPTH_MAX < value.depth() {
        return Some(("too_deep", format!("nested deeper than {} levels", metadata::DEPTH_MAX)));
    }
    let bytes = value.to_canonical().len();
    let limit = metadata::BYTES_MAX;
    let detail = || format!("{bytes} bytes as canonical JSON, at most {limit} are taken");
    (limit < bytes).then(|| ("too_long", detail()))
}

/// The limit of a context that this value, so many levels down, exceeds.
fn over_limit(value: &Json, level: usize) -> Option<String> {
    if context::DEPTH_MAX < level {
        return Some(format!("nested deeper than {} levels", context::DEPTH_MAX));
    }
    match value {
        Json::Null | Json::Bool(_) | Json::Number(_) => None,
        Json::String(text) => {
            let long = context::STRING_CHARS_MAX < text.len()
                && context::STRING_CHARS_MAX < text.chars().count();
            long.then(|| format!("a string of more than {} characters", context::STRING_CHARS_MAX))
        }
        Json::Array(items) if context::ARRAY_ITEMS_MAX < items.len() => {
            Some(format!("an array of more than {} items", context::ARRAY_ITEMS_MAX))
        }
        Json::Array(items) => items.iter().find_map(|item| over_limit(item, level + 1)),
        Json::Object(object) => object.iter().find_map(|(_, item)| over_limit(item, level + 1)),
    }
}

fn what(kind: Kind) -> &'static str {
    match kind {
        Kind::Text(_) | Kind::Verbatim | Kind::Word(_) | Kind::Time => "a string",
        Kind::Integer { .. } => "an integer",
        Kind::Bool => "true or false",
        Kind::Texts { .. }
        | Kind::Integers { .. }
        | Kind::Words(_)
        | Kind::Objects { .. }
        | Kind::Bodies { .. }
        | Kind::Evaluations { .. } => "an array",
        Kind::Object(_)
        | Kind::Open(_)
        | Kind::Default(_)
        | Kind::Context
        | Kind::Free
        | Kind::Recommendation
        | Kind::Metadata
        | Kind::Any => "an object",
    }
}

#[cfg(test)]
mod tests;
