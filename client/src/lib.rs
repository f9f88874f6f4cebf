//! Asks a Lexecon cluster over REST, and checks its answers without it.
//!
//! One file per noun of the contract. A [`Client`] knows several nodes and asks
//! the next one when one cannot answer. A reply comes typed and as the JSON it
//! was, because signatures are over the latter.
//!
//! This is no cache and no policy engine: every answer is a node's.
//!
//! Reading order: [`Client`], [`decision`], [`error`], then [`export`] and
//! [`offline`], which writes nothing and asks nobody, and [`package`].
//!
//! Invariants
//! - A write that may have reached a node is sent again only under an
//!   idempotency key.
//! - Every call ends within its time limit; every reply is bounded in size.

pub mod access;
pub mod audit;
pub mod auth;
pub mod checkpoint;
pub mod cluster;
pub mod decision;
pub mod documents;
pub mod error;
pub mod escalation;
pub mod evidence;
pub mod export;
pub mod incidents;
pub mod keys;
pub mod ledger;
pub mod offline;
pub mod options;
pub mod oscal;
pub mod overrides;
pub mod oversight;
pub mod package;
pub mod policy;
pub mod proof;
pub mod receipt;
pub mod reply;
pub mod responsibility;
pub mod retention;
pub mod risk;
pub mod signers;
pub mod system;
pub mod systems;
pub mod tls;
pub mod token;

pub mod compliance;

mod call;
mod node;
mod transport;

pub use error::{Error, Problem};
pub use options::{Credential, Options};
pub use reply::{Meta, Reply};
pub use transport::{Client, Consistency};
