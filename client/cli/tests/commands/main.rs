//! The commands from their arguments to what they print and how they exit,
//! against a double of the remote.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod accounts;
mod audit;
mod checking;
mod cluster;
mod copy;
mod decide;
#[path = "../../../tests/sdk/double.rs"]
mod double;
mod escalation;
mod evidence;
mod examples;
mod exports;
mod failures;
mod help;
mod imports;
mod intervention;
mod judged;
mod keys;
mod layout;
mod ledger;
mod listing;
mod logins;
mod offline;
mod overrides;
mod oversight;
mod packages;
mod policy;
mod responsibility;
mod retention;
mod risk;
mod shell;
#[path = "../../../tests/sdk/signed.rs"]
mod signed;
mod stop;
mod systems;
mod token;
mod tree;
mod trials;

mod compliance;
