//! Reading the members of a file of ours one by one, so that everything wrong
//! with it is said at once.
//!
//! As on a node: texts are trimmed and blank ones are missing, `null` is
//! absent, nothing is coerced.

use std::fmt;

use types::{Json, Object};

use crate::input;

/// What is wrong with a file, each flaw with its place and once.
#[derive(Debug, Default)]
pub(crate) struct Flaws(Vec<String>);

impl Flaws {
    pub(crate) fn add(&mut self, pointer: &str, detail: impl fmt::Display) {
        let line = format!("{pointer}: {detail}");
        if !self.0.contains(&line) {
            self.0.push(line);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One a line, each indented.
    pub(crate) fn to_text(&self) -> String {
        self.0.iter().map(|line| format!("\n  {line}")).collect()
    }
}

/// The members of an object, over others that count where it says nothing.
#[derive(Clone, Debug)]
pub(crate) struct Members<'a> {
    layers: Vec<(&'a Object, String)>,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Field<'a> {
    pub(crate) value: &'a Json,
    pub(crate) pointer: String,
}

impl<'a> Members<'a> {
    /// Opens an object and reports each key that is not among `known`.
    pub(crate) fn open(field: &Field<'a>, known: &[&str], flaws: &mut Flaws) -> Option<Self> {
        let Some(object) = field.value.as_object() else {
            flaws.add(&field.pointer, "must be an object");
            return None;
        };
        for (key, _) in object.iter().filter(|(key, _)| !known.contains(key)) {
            let near = policy::suggest(key, known)
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            flaws.add(&input::member(&field.pointer, key), format!("is not known here{near}"));
        }
        Some(Self { layers: vec![(object, field.pointer.clone())] })
    }

    /// With the members of `below` where this has none.
    #[must_use]
    pub(crate) fn over(mut self, below: Option<&Self>) -> Self {
        self.layers.extend(below.into_iter().flat_map(|below| below.layers.iter().cloned()));
        self
    }

    /// Each layer that has the member, the first that counts first.
    pub(crate) fn all(&self, key: &str) -> Vec<Field<'a>> {
        let found = self.layers.iter().filter_map(|(object, pointer)| {
            let value = object.get(key).filter(|value| !value.is_null())?;
            Some(Field { value, pointer: input::member(pointer, key) })
        });
        found.collect()
    }

    pub(crate) fn get(&self, key: &str) -> Option<Field<'a>> {
        self.all(key).into_iter().next()
    }

    pub(crate) fn text(&self, key: &str, flaws: &mut Flaws) -> Option<String> {
        self.get(key).and_then(|field| field.text(flaws))
    }

    pub(crate) fn required(&self, key: &str, flaws: &mut Flaws) -> Option<String> {
        let Some(field) = self.get(key) else {
            flaws.add(&self.pointer_to(key), "is required");
            return None;
        };
        let text = field.text(flaws)?;
        if text.is_empty() {
            flaws.add(&field.pointer, "is required");
            return None;
        }
        Some(text)
    }

    pub(crate) fn integer(
        &self,
        key: &str,
        (min, max): (i64, i64),
        flaws: &mut Flaws,
    ) -> Option<i64> {
        let field = self.get(key)?;
        let value = field.value.as_i64().filter(|value| (min..=max).contains(value));
        if value.is_none() {
            flaws.add(&field.pointer, format!("must be an integer, {min}..{max}"));
        }
        value
    }

    pub(crate) fn pointer_to(&self, key: &str) -> String {
        let pointer = self.layers.first().map_or("", |(_, pointer)| pointer);
        input::member(pointer, key)
    }
}

impl<'a> Field<'a> {
    pub(crate) fn text(&self, flaws: &mut Flaws) -> Option<String> {
        let text = self.value.as_str().map(|text| text.trim().to_owned());
        if text.is_none() {
            flaws.add(&self.pointer, "must be a text");
        }
        text
    }

    pub(crate) fn items(&self, flaws: &mut Flaws) -> Vec<Field<'a>> {
        let Some(items) = self.value.as_array() else {
            flaws.add(&self.pointer, "must be a list");
            return Vec::new();
        };
        let items = items.iter().enumerate();
        items
            .map(|(at, value)| Field { value, pointer: format!("{}/{at}", self.pointer) })
            .collect()
    }

    pub(crate) fn texts(&self, flaws: &mut Flaws) -> Vec<String> {
        self.items(flaws).iter().filter_map(|item| item.text(flaws)).collect()
    }

    /// One word of a closed set, in any letter case.
    pub(crate) fn word<T: Copy>(
        &self,
        all: &[T],
        as_str: fn(T) -> &'static str,
        flaws: &mut Flaws,
    ) -> Option<T> {
        let text = self.text(flaws)?;
        let found = all.iter().copied().find(|word| as_str(*word).eq_ignore_ascii_case(&text));
        if found.is_none() {
            let known: Vec<&str> = all.iter().map(|word| as_str(*word)).collect();
            let near = policy::suggest(&text, &known)
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            flaws.add(&self.pointer, format!("must be one of {}{near}", known.join(", ")));
        }
        found
    }
}
