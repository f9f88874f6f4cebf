//! The interface over a node in memory: one binary, so that it links once.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod access;
mod accounts;
mod analysis;
mod answers;
mod asking;
mod audit;
mod auth;
mod auth_flow;
mod checkpoints;
mod cluster;
mod common;
mod conventions;
mod decide;
mod description;
mod doors;
mod escalations;
mod evidence;
mod exports;
mod floods;
mod grpc;
mod hostile;
mod interventions;
mod issuing;
mod keys;
mod ledger;
mod listing;
mod messages;
mod mutating;
mod oidc;
mod overrides;
mod parity;
mod permissions;
mod policies;
mod provider;
mod rates;
mod receipts;
mod responsibility;
mod retention;
mod risks;
mod secure;
mod seed;
mod server;
mod socket;
mod stops;
mod system;
mod systems;
mod tokens;

mod compliance;
