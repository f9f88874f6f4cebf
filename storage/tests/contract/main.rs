//! Does RocksDB, as this crate uses it, keep the promises of the two stores?
//!
//! One program, since linking RocksDB takes long, and since the crash tests run
//! it again as the process that is killed.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod crash;
mod damage;
mod erase;
mod harness;
mod log;
mod power;
mod seal;
mod state;
