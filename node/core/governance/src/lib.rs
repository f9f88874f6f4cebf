//! The replicated state machine: one committed command in, one outcome out.
//!
//! Every replica runs [`apply()`] over the same commands in the same order and
//! must reach the same bytes. So nothing here reads a clock, a file, a socket,
//! a random number or the iteration order of a hash map; `node/core/clippy.toml`
//! refuses them by name.
//!
//! Reading order: [`command`], [`apply()`], [`store`], then any service, say
//! [`decision`]; [`view`] is how the rest of the node reads what they wrote.
//!
//! Invariants
//! - A refused command is an [`Outcome`], the same on every node, and writes
//!   nothing. A denied decision is not refused: it is done, and recorded.
//! - The only error is [`Corruption`]: the stored state breaks a rule that no
//!   sequence of commands can break. The node stops rather than diverge.

#![deny(clippy::float_arithmetic, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]
#![deny(clippy::arithmetic_side_effects, clippy::wildcard_enum_match_arm)]

pub mod access;
pub mod audit;
pub mod checkpoint;
pub mod command;
pub mod compliance;
pub mod deadline;
pub mod decision;
pub mod divergence;
pub mod effect;
pub mod effective;
pub mod erasure;
pub mod escalation;
pub mod evidence;
pub mod export;
pub mod impact;
pub mod intervention;
pub mod outcome;
pub mod overrides;
pub mod oversight;
pub mod record;
pub mod responsibility;
pub mod retention;
pub mod risk;
pub mod shown;
pub mod stop;
pub mod store;
pub mod tally;
pub mod token;
pub mod view;

pub mod ai_incident;
pub mod annex_iv;
pub mod control;
pub mod document;
pub mod profile;
pub mod system;

mod account;
mod api_key;
mod apply;
mod cache;
mod codec;
mod draw;
mod founding;
mod idempotency;
mod journal;
mod keys;
mod login;
mod membership;
mod mfa;
mod node;
mod policies;
mod reads;
mod session;
mod tables;
mod tree;

pub use apply::{Applied, apply, apply_membership, finish_batch};
pub use cache::{ActivePolicy, Cache};
pub use codec::{decode_envelope, encode_envelope};
pub use command::{Command, Envelope};
pub use decision::{
    Explained, Inquiry, NoReplay, NotExplained, PolicyCache, Preview, Replay, Unreplayable,
    explain, preview, replay,
};
pub use draw::Seed;
pub use impact::{Impact, ImpactQuery, impact};
pub use outcome::{Corruption, Outcome, Recorded, Rejection};
pub use store::{Direction, MemStore, Read, Row, Scan, Store, Table};
pub use tree::Tree;
