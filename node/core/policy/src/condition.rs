//! A condition as a document has it: a test of one key, or the name of a
//! constraint term.
//!
//! Not yet ready to be asked: see [`probe`].

pub(crate) mod network;
pub(crate) mod pattern;
pub(crate) mod probe;

use types::Json;

use crate::words::Op;

/// Bytes of a value in canonical form that an obligation's name may show.
const NAMED_VALUE_BYTES_MAX: usize = 64;

/// All of a relation's conditions must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// The constraint term of this id.
    Named(String),
    /// A test of its own.
    Test(Test),
}

/// What is tested, how, and against what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Test {
    /// A dotted path into the context, or a word of `decision.` or `time.`.
    pub(crate) key: String,
    pub(crate) op: Op,
    pub(crate) value: Json,
}

impl Condition {
    pub(crate) fn to_json(&self) -> Json {
        match self {
            Self::Named(name) => Json::from(name.as_str()),
            Self::Test(test) => Json::object([
                ("key", test.key.as_str().into()),
                ("op", test.op.as_str().into()),
                ("value", test.value.clone()),
            ]),
        }
    }

    /// What an unmet obligation is called: the name of the constraint or flag,
    /// else the test itself.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Named(name) => name.clone(),
            Self::Test(test) => test.name(),
        }
    }
}

impl Test {
    /// What it takes in canonical form.
    pub(crate) fn bytes(&self) -> usize {
        let test = Condition::Test(self.clone());
        test.to_json().to_canonical().len()
    }

    fn name(&self) -> String {
        if self.op == Op::Eq && self.value == Json::Bool(true) {
            return self.key.clone();
        }
        let value = self.value.to_canonical();
        if NAMED_VALUE_BYTES_MAX < value.len() {
            return format!("{} {}", self.key, self.op);
        }
        format!("{} {} {value}", self.key, self.op)
    }
}
