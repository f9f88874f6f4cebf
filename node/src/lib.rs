//! What one server is: the only place that knows every crate.
//!
//! Nothing here decides anything: it opens the storage, starts the replica,
//! serves the interface over it, and stops them in reverse order.
//!
//! Reading order: [`config`], [`run`], then [`backend`] and [`ports`], which
//! join the crates to each other.

pub mod backend;
pub mod config;
pub mod demo;
pub mod identity;
pub mod keys;
pub mod notices;
pub mod ports;
pub mod rebuild;
pub mod run;
pub mod sealing;
pub mod telemetry;

mod admin;
mod checkpoints;
mod cluster_key;
mod exports;
mod forgetting;
mod founding;
mod joining;
mod quarantine;
mod recovery;
mod resealing;
mod retention;
mod rotation;

mod regulation;
mod scrub;
mod sweep;
mod tls;
mod usage;
mod watch;
