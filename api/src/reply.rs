//! Members of answers, as `/openapi.json` describes them. Tests compare them
//! with what is answered, member by member.

/// A member of an answer. Every one is always there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) value: Value,
    /// Whether it may be null.
    pub(crate) nullable: bool,
    /// What it says, in words.
    pub(crate) about: &'static str,
}

/// What a member is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value {
    Text,
    Integer,
    Bool,
    /// RFC 3339, UTC, six fraction digits.
    Time,
    /// 64 lower-case hex digits.
    Hash,
    Texts,
    /// Any object.
    Free,
    /// Any value.
    Any,
    Object(&'static [Member]),
    List(&'static [Member]),
    /// Items of several forms.
    Mixed,
}

impl Member {
    pub(crate) const fn new(name: &'static str, value: Value, about: &'static str) -> Self {
        Self { name, value, nullable: false, about }
    }

    pub(crate) const fn or_null(mut self) -> Self {
        self.nullable = true;
        self
    }
}

/// The members of an answer, and one more: `N` of them.
pub(crate) const fn and<const N: usize>(members: &[Member], more: Member) -> [Member; N] {
    let mut all = [more; N];
    let mut at = 0;
    while at < members.len() {
        all[at] = members[at];
        at += 1;
    }
    all
}

pub(crate) const fn text(name: &'static str, about: &'static str) -> Member {
    Member::new(name, Value::Text, about)
}

pub(crate) const fn integer(name: &'static str, about: &'static str) -> Member {
    Member::new(name, Value::Integer, about)
}

pub(crate) const fn flag(name: &'static str, about: &'static str) -> Member {
    Member::new(name, Value::Bool, about)
}

pub(crate) const fn time(name: &'static str, about: &'static str) -> Member {
    Member::new(name, Value::Time, about)
}

pub(crate) const fn hash(name: &'static str, about: &'static str) -> Member {
    Member::new(name, Value::Hash, about)
}

pub(crate) const fn texts(name: &'static str, about: &'static str) -> Member {
    Member::new(name, Value::Texts, about)
}

pub(crate) const fn free(name: &'static str, about: &'static str) -> Member {
    Member::new(name, Value::Free, about)
}

pub(crate) const fn object(
    name: &'static str,
    members: &'static [Member],
    about: &'static str,
) -> Member {
    Member::new(name, Value::Object(members), about)
}

pub(crate) const fn list(
    name: &'static str,
    members: &'static [Member],
    about: &'static str,
) -> Member {
    Member::new(name, Value::List(members), about)
}
