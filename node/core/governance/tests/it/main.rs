//! The machine as a whole: scripts in `machine` and `joining`, any log at all in
//! `properties`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod joining;
mod machine;
mod properties;
mod support;
