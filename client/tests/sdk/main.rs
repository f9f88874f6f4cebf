//! The client against a double of the remote: a server that gives the answers
//! it was told to and remembers what it was asked.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod access;
mod accounts;
mod calls;
mod double;
mod evidence;
mod logins;
mod offline;
mod overrides;
mod pages;
mod responsibility;
mod retry;
mod signed;
mod socket;
mod tokens;
