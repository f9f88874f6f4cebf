//! Reading the members of a document one by one, so that every fault of it is
//! found and not only the first.
//!
//! Strings are trimmed and blank ones are missing, `null` is absent, nothing is
//! coerced.

use types::{Json, Object, Timestamp};

use crate::fault::{Findings, item, member, suggest};
use crate::words::Word;

/// Bytes of a `metadata` object in canonical form.
const METADATA_BYTES_MAX: usize = 16 << 10;
/// Levels of a `metadata` object.
const METADATA_DEPTH_MAX: usize = 5;

/// The value was not usable, and a fault says why.
#[derive(Clone, Copy, Debug)]
pub(super) struct Faulted;

/// The members of one object of the document.
#[derive(Debug)]
pub(super) struct Members<'a> {
    object: &'a Object,
    pointer: String,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Field<'a> {
    pub(super) pointer: String,
    pub(super) value: &'a Json,
}

impl<'a> Members<'a> {
    /// Opens an object and reports each key that is not among `known`.
    pub(super) fn open(field: &Field<'a>, known: &[&str], findings: &mut Findings) -> Option<Self> {
        let Some(object) = field.value.as_object() else {
            findings.fault(&field.pointer, "wrong_type", "must be an object");
            return None;
        };
        for (key, _) in object.iter().filter(|(key, _)| !known.contains(key)) {
            let detail = match suggest(key, known) {
                Some(near) => format!("is not known here; did you mean `{near}`?"),
                None => "is not known here".to_owned(),
            };
            findings.fault(&member(&field.pointer, key), "unknown_field", detail);
        }
        Some(Self { object, pointer: field.pointer.clone() })
    }

    pub(super) fn get(&self, key: &str) -> Option<Field<'a>> {
        let value = self.object.get(key).filter(|value| !value.is_null())?;
        Some(Field { pointer: self.pointer_to(key), value })
    }

    /// A member with a long and a short spelling.
    pub(super) fn either(
        &self,
        long: &str,
        short: &str,
        findings: &mut Findings,
    ) -> Option<Field<'a>> {
        let (first, second) = (self.get(long), self.get(short));
        if let (Some(first), Some(second)) = (&first, &second)
            && first.value != second.value
        {
            let detail = format!("`{long}` and `{short}` are one member and say different things");
            findings.fault(&second.pointer, "ambiguous_spelling", detail);
        }
        first.or(second)
    }

    pub(super) fn pointer_to(&self, key: &str) -> String {
        member(&self.pointer, key)
    }

    /// The pointer to whichever spelling the document uses.
    pub(super) fn pointer_to_either(&self, long: &str, short: &str) -> String {
        let used = if self.get(long).is_none() && self.get(short).is_some() { short } else { long };
        self.pointer_to(used)
    }

    /// Reports a member that has no meaning here.
    pub(super) fn refuse(&self, key: &str, why: &str, findings: &mut Findings) {
        if let Some(field) = self.get(key) {
            findings.fault(&field.pointer, "not_applicable", why);
        }
    }

    /// An optional text of at most `chars_max` characters.
    pub(super) fn text(
        &self,
        key: &str,
        chars_max: usize,
        findings: &mut Findings,
    ) -> Option<String> {
        self.get(key).and_then(|field| field.text(chars_max, findings).ok().flatten())
    }

    /// An optional object that is kept as it is.
    pub(super) fn metadata(&self, findings: &mut Findings) -> Object {
        let Some(field) = self.get("metadata") else {
            return Object::new();
        };
        let Some(object) = field.value.as_object() else {
            findings.fault(&field.pointer, "wrong_type", "must be an object");
            return Object::new();
        };
        if METADATA_DEPTH_MAX < field.value.depth() {
            let detail = format!("must be at most {METADATA_DEPTH_MAX} levels deep");
            findings.fault(&field.pointer, "too_deep", detail);
        } else if METADATA_BYTES_MAX < field.value.to_canonical().len() {
            let detail = format!("must be at most {METADATA_BYTES_MAX} bytes");
            findings.fault(&field.pointer, "too_long", detail);
        }
        object.clone()
    }

    pub(super) fn time(&self, key: &str, findings: &mut Findings) -> Option<Timestamp> {
        let field = self.get(key)?;
        let text = field.text(TIME_CHARS_MAX, findings).ok().flatten()?;
        let time = text.parse().ok();
        if time.is_none() {
            let detail = "must be an RFC 3339 time or date between 1970 and 9999";
            findings.fault(&field.pointer, "bad_format", detail);
        }
        time
    }
}

/// Characters of a time; the longest has nine fraction digits and an offset.
const TIME_CHARS_MAX: usize = 35;

impl<'a> Field<'a> {
    /// The trimmed text, `None` if it is blank.
    pub(super) fn text(
        &self,
        chars_max: usize,
        findings: &mut Findings,
    ) -> Result<Option<String>, Faulted> {
        let Some(text) = self.value.as_str().map(str::trim) else {
            findings.fault(&self.pointer, "wrong_type", "must be a string");
            return Err(Faulted);
        };
        if chars_max < text.chars().count() {
            let detail = format!("must be at most {chars_max} characters");
            findings.fault(&self.pointer, "too_long", detail);
            return Err(Faulted);
        }
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    /// One word of a closed set.
    pub(super) fn word<T: Word>(&self, findings: &mut Findings) -> Result<Option<T>, Faulted> {
        let Some(text) = self.text(TEXT_CHARS_MAX, findings)? else {
            return Ok(None);
        };
        let known: Vec<&str> = T::WORDS.iter().map(|word| word.text()).collect();
        let found = T::WORDS.iter().find(|word| word.text().eq_ignore_ascii_case(&text));
        if found.is_none() {
            let near = suggest(&text, &known)
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            let detail = format!("must be one of {}{near}", known.join(", "));
            findings.fault(&self.pointer, "not_one_of", detail);
            return Err(Faulted);
        }
        Ok(found.copied())
    }

    /// The items of a list of at most `items_max`.
    pub(super) fn items(&self, items_max: usize, findings: &mut Findings) -> Vec<Field<'a>> {
        let Some(items) = self.value.as_array() else {
            findings.fault(&self.pointer, "wrong_type", "must be a list");
            return Vec::new();
        };
        if items_max < items.len() {
            let detail = format!("must have at most {items_max} items");
            findings.fault(&self.pointer, "out_of_range", detail);
            return Vec::new();
        }
        let fields = items.iter().enumerate();
        fields.map(|(at, value)| Field { pointer: item(&self.pointer, at), value }).collect()
    }
}

/// Characters of a short text.
pub(super) const TEXT_CHARS_MAX: usize = 512;

/// The value of a member that must be there, or a fault that it is not.
pub(super) fn required<T>(
    value: Option<Result<Option<T>, Faulted>>,
    pointer: String,
    findings: &mut Findings,
) -> Option<T> {
    match value {
        Some(Ok(Some(value))) => Some(value),
        Some(Err(Faulted)) => None,
        Some(Ok(None)) | None => {
            findings.fault(&pointer, "missing", "is required");
            None
        }
    }
}
