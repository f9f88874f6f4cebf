//! Replicas on the real disk, in this process: what only RocksDB and raft
//! together can show.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod forget;
mod mixed;
mod rebuild;
mod support;
