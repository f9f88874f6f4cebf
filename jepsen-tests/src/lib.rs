//! Black-box fault tests: real `lexecon` processes on loopback, killed and
//! started again under load, judged from outside by what their API answers.
//!
//! Shared with the product is the ledger's format alone, so that a chain is
//! checked by whoever reads it. No server code is linked, and the HTTP client
//! is the harness's own: what a retry may do is the test's decision.
//!
//! Reading order: [`cluster`], [`workload`], [`nemesis`], [`trial`], [`audit`],
//! [`check`]; [`binary`], [`ports`], [`http`], [`totp`] and [`wait`] are their tools. A
//! test says what is done to a cluster; [`check::violations`] says what broke.

pub mod audit;
pub mod binary;
pub mod check;
pub mod checkpoint;
pub mod cluster;
pub mod failure;
pub mod http;
pub mod nemesis;
pub mod ports;
pub mod totp;
pub mod trial;
pub mod wait;
pub mod workload;

pub use cluster::Cluster;
pub use failure::Failure;
