//! Replicas over real loopback connections, on stores in memory: what a client,
//! an operator and an auditor can rely on while nodes come and go.
//!
//! No test sleeps for a time: it looks again until what it expects is so, and fails
//! when it is not within a bound.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod certificates;
mod commands;
mod faults;
mod forget;
mod membership;
mod rebuild;
mod snapshots;
mod support;
