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
mod grpc;
mod hostile;
mod interventions;
mod keys;
mod ledger;
mod listing;
mod policies;
mod receipts;
mod risks;
mod seed;
mod server;
mod stops;
mod system;
mod tokens;
