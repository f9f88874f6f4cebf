//! What a body or a query may hold, said once: the same table of [`Field`]s
//! checks requests and is printed as the schema of `/openapi.json`, so the two
//! cannot drift.
//!
//! Checking gives back the members in their normal form: canonical names, texts
//! trimmed, enums in lower case, nulls gone. It finds every fault, not the
//! first. Free-form members pass untouched.

pub(crate) mod check;
pub(crate) mod schema;
mod text;

pub(crate) use check::{Checked, check_body, check_open_body, check_open_query, check_query};
pub(crate) use text::{Alphabet, Text};

/// A member of a body, or a parameter of a query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: &'static str,
    /// Another spelling that is taken.
    pub(crate) alias: Option<&'static str>,
    /// What it may be.
    pub(crate) kind: Kind,
    /// Whether it must be there.
    pub(crate) required: bool,
    /// What holds when it is not there, as JSON text, for readers.
    pub(crate) default: Option<&'static str>,
    /// What it is for, in words.
    pub(crate) about: &'static str,
}

/// What a member may be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A text.
    Text(Text),
    /// A text that is a thing of its own: not trimmed, and as long as a body may
    /// be. Blank is missing.
    Verbatim,
    /// An integer within bounds, both included.
    Integer {
        /// Least.
        min: i64,
        /// Greatest.
        max: i64,
    },
    /// `true` or `false`.
    Bool,
    /// One of these words, in any letter case.
    Word(&'static [&'static str]),
    /// An RFC 3339 time or a date.
    Time,
    /// Different texts.
    Texts {
        /// At most so many.
        items_max: usize,
        /// Each of them.
        item: Text,
    },
    /// Different integers within bounds.
    Integers {
        /// At most so many.
        items_max: usize,
        /// Least of each.
        min: i64,
        /// Greatest of each.
        max: i64,
    },
    /// Different words of these, in any letter case.
    Words(&'static [&'static str]),
    /// An object with these members.
    Object(&'static [Field]),
    /// Objects with these members.
    Objects {
        /// At least so many.
        items_min: usize,
        /// At most so many.
        items_max: usize,
        /// Members of each.
        item: &'static [Field],
    },
    /// Bodies that are judged one by one, so that a wrong one does not spoil
    /// the others.
    Bodies {
        /// At most so many, and at least one.
        items_max: usize,
        /// Members of each.
        item: &'static [Field],
    },
    /// An object with these members. What else it has is dropped: the standard
    /// that names its members may name more one day.
    Open(&'static [Field]),
    /// The same, judged later together with what it is the default of.
    Default(&'static [Field]),
    /// Objects of that kind, judged one by one as bodies are.
    Evaluations {
        /// At most so many.
        items_max: usize,
        /// Members of each.
        item: &'static [Field],
    },
    /// Free-form facts within the limits of a context.
    Context,
    /// Any facts at all, within the same limits.
    Free,
    /// The same with a `confidence` from 0 to 1.
    Recommendation,
    /// Whatever the caller wants to keep, within the limits of metadata.
    Metadata,
    /// An object that is judged elsewhere.
    Any,
}

impl Field {
    /// A member that must be there.
    pub(crate) const fn required(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, alias: None, kind, required: true, default: None, about }
    }

    /// A member that may be there.
    pub(crate) const fn optional(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, alias: None, kind, required: false, default: None, about }
    }

    /// With a second spelling.
    #[must_use]
    pub(crate) const fn or(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    /// With what holds when it is absent.
    #[must_use]
    pub(crate) const fn default(mut self, json: &'static str) -> Self {
        self.default = Some(json);
        self
    }

    /// Whether it goes by this name.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.name == name || self.alias == Some(name)
    }
}

/// Limits of a context: api.md, section 18.
pub(crate) mod context {
    /// Members at the top.
    pub(crate) const KEYS_MAX: usize = 100;
    /// Levels below the root.
    pub(crate) const DEPTH_MAX: usize = 5;
    /// Characters of a text at any level.
    pub(crate) const STRING_CHARS_MAX: usize = 10_000;
    /// Items of an array at any level.
    pub(crate) const ARRAY_ITEMS_MAX: usize = 1000;
    /// Bytes as canonical JSON, where a node is not configured to take more.
    pub(crate) const BYTES_MAX: usize = 64 << 10;
}

/// Limits of metadata: api.md, section 18.
pub(crate) mod metadata {
    /// Bytes as canonical JSON.
    pub(crate) const BYTES_MAX: usize = 16 << 10;
    /// Levels below the root.
    pub(crate) const DEPTH_MAX: usize = 5;
}
