//! The machine as a whole: scripts in `machine` and `joining`, any log at all in
//! `properties`; and in `audit` what is found of a ledger that was touched.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod accounts;
mod answering;
mod api_keys;
mod audit;
mod checkpoints;
mod diverging;
mod erasing;
mod escalations;
mod evidence;
mod exports;
mod impact;
mod incidents;
mod interventions;
mod issuing;
mod joining;
mod keeping;
mod listing;
mod machine;
mod overrides;
mod overseeing;
mod people;
mod permissions;
mod policies;
mod properties;
mod reading;
mod replaying;
mod responsibility;
mod retention;
mod revoking;
mod risks;
mod stops;
mod support;
mod systems;
mod tokens;

mod controls;
mod documents;
