//! The ledger's format, version 1, and every check of it: byte-exact, with
//! vectors in `tests/vectors` that another language can use.
//!
//! Linked by the servers and by the offline verifier alike. It holds no state
//! and reads no store: bytes come in, facts or faults go out.
//!
//! Reading order: [`header`], [`entry`], [`chain`]; [`merkle`], [`tile`] and
//! [`proof`] for the tree; [`note`] and [`checkpoint`] for what is signed of it;
//! then [`receipt`], [`reply`] and [`token`], which are made from an entry; last
//! [`keys`] and [`directory`] for who signed, and [`export`] and [`document`],
//! which verify what left a cluster.
//!
//! Invariants
//! - An entry is hashed as it is stored; nothing is re-encoded before a check.
//! - Nothing here signs. Verification takes keys as arguments.

#![deny(clippy::float_arithmetic, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]
#![deny(clippy::arithmetic_side_effects, clippy::wildcard_enum_match_arm)]

pub mod actors;
pub mod canonical;
pub mod chain;
pub mod checkpoint;
pub mod directory;
pub mod document;
pub mod entry;
pub mod entry_type;
pub mod erasure;
pub mod export;
pub mod fault;
pub mod hash;
pub mod header;
pub mod keys;
pub mod line;
pub mod merkle;
pub mod note;
pub mod proof;
pub mod receipt;
pub mod reply;
pub mod signature;
pub mod subtrees;
pub mod tile;
pub mod token;

mod intervals;

pub use chain::Checker;
pub use checkpoint::Checkpoint;
pub use entry::{Part, StoredEntry};
pub use entry_type::EntryType;
pub use fault::{Fault, FaultReason};
pub use header::Header;
pub use merkle::Frontier;
pub use note::Note;
