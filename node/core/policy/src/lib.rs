//! The policy language: a document is parsed, compiled, and asked.
//!
//! Pure: the same document, request and history give the same evaluation on
//! every node. Nothing here reads a clock, and nothing here is recorded; who
//! may load a policy, and whether an emergency stop is in force, is the
//! caller's business.
//!
//! Reading order: [`Document`] (what is hashed), [`Compiled`] (what is asked),
//! [`evaluate()`] (the order of the rules), [`explain()`] (what would change it).
//!
//! Invariants
//! - A document that parses compiles, and a faulted one never does.
//! - What cannot be answered is denied: an unknown key, a missing history, an
//!   evaluation that takes too long.

#![deny(clippy::float_arithmetic, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]
#![deny(clippy::arithmetic_side_effects, clippy::wildcard_enum_match_arm)]

mod analysis;
mod compile;
mod condition;
mod diff;
mod document;
mod evaluate;
mod explain;
mod fault;
mod meter;
mod names;
mod personal;
mod request;
mod shown;
mod witness;
mod words;

pub use analysis::analyze;
pub use compile::Compiled;
pub use diff::{Change, DiffBounds, Difference, Example, diff};
pub use document::Document;
pub use evaluate::{Judgement, Reach, evaluate, judge, reach};
pub use explain::{Explanation, FailedCondition, Flip, FlipChange, NearMiss, explain};
pub use fault::{Fault, Warning, suggest};
pub use names::{Answered, answered_by, answers_to, is_actor_pattern};
pub use request::{
    Allowed, Evaluation, History, Matched, MatchedCondition, NoHistory, Obligation, PAIRS_MAX,
    RISK_CRITICAL, Request, STEPS_MAX,
};
pub use words::{Effect, Engine, Mode, Op, ReasonCode, RelationType, TermType, Verdict};
