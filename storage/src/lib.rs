//! The disk: the Raft log and the state, each in its own RocksDB instance.
//!
//! The log has one ordered durability stream and refuses to open when anything
//! it promised is missing. The state has no write-ahead log of its own: what is
//! not flushed is replayed from the log. This crate knows neither Raft nor what
//! the bytes mean.
//!
//! What lies in log and state can be sealed: see [`keyring`]. Every digest is over
//! what was sealed, so nodes may differ in whether they do and with what.
//!
//! Reading order: [`keys`] (what lies where), [`data_dir`], [`log`], [`state`].

pub mod data_dir;
mod durable;
mod error;
mod evidence;
pub mod keyring;
pub mod keys;
pub mod log;
mod rocks;
pub mod state;

pub use data_dir::DataDir;
pub use durable::write_durably;
pub use error::Error;
pub use evidence::Evidence;
pub use keyring::Keyring;
pub use keyring::master::MasterKey;
pub use keys::Group;
pub use log::{Completion, Log, LogState, Record};
pub use state::{Batch, Checkpoint, State, View};
