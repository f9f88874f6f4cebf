//! One policy in three languages, and requests that all three must answer alike:
//! a ratio of answers that differ would be worth nothing.
//!
//! What is asked for is made ready before it is timed, on every side: the
//! request of ours, Cedar's `Request`, Rego's input. Each language says it as
//! its authors would: Cedar a policy per relation, Rego a few rules over
//! relations that lie in its data by actor and action, which is the fastest way
//! it has.
//!
//! Reading order: [`model`], then [`ours`], [`cedar`] and [`rego`].

pub mod cedar;
pub mod model;
pub mod ours;
pub mod rego;
