//! The interface over a node in memory: one binary, so that it links once.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod access;
mod analysis;
mod answers;
mod audit;
mod checkpoints;
mod cluster;
mod common;
mod conventions;
mod decide;
mod description;
mod escalations;
mod evidence;
mod grpc;
mod hostile;
mod interventions;
mod issuing;
mod keys;
mod ledger;
mod listing;
mod mutating;
mod overrides;
mod policies;
mod receipts;
mod responsibility;
mod risks;
mod secure;
mod seed;
mod server;
mod stops;
mod system;
mod tokens;
