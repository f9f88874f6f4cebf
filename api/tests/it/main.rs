//! The interface over a node in memory: one binary, so that it links once.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod access;
mod analysis;
mod audit;
mod checkpoints;
mod cluster;
mod common;
mod conventions;
mod decide;
mod description;
mod evidence;
mod grpc;
mod hostile;
mod keys;
mod ledger;
mod listing;
mod policies;
mod receipts;
mod risks;
mod seed;
mod server;
mod system;
mod tokens;
