//! The machine as a whole: scripts in `machine`, any log at all in
//! `properties`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod machine;
mod properties;
mod support;
