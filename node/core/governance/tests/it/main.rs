//! The machine as a whole: scripts in `machine` and `joining`, any log at all in
//! `properties`; and in `audit` what is found of a ledger that was touched.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod audit;
mod checkpoints;
mod diverging;
mod erasing;
mod impact;
mod interventions;
mod joining;
mod listing;
mod machine;
mod policies;
mod properties;
mod replaying;
mod risks;
mod stops;
mod support;
mod tokens;
