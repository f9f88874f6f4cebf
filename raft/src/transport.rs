//! What nodes say to each other, over gRPC.
//!
//! - [`peers`]: connections to the others, one per purpose; [`dial`] how one is
//!   made with certificates.
//! - [`client`]: openraft's network over them; [`append`], [`send`] its streams.
//! - [`incoming`]: the listener; [`server`]: its service; [`receive`] takes
//!   snapshots in.
//! - [`tls`]: what this node shows the others, and whom it believes.
//! - [`pieces`]: the files of a snapshot on their way out, not too fast.
//! - [`convert`]: messages to openraft's types and back.
//!
//! Invariants
//! - Every call names cluster, group, sender and target, and is refused unless
//!   they are the receiver's, and the sender who it says ([`route`],
//!   [`registry`]).
//! - Nothing waits without a bound: openraft puts a limit only on votes and
//!   heartbeats.

pub(crate) mod append;
pub(crate) mod client;
pub(crate) mod convert;
mod dial;
mod incoming;
pub(crate) mod peers;
pub(crate) mod pieces;
pub(crate) mod receive;
mod registry;
pub(crate) mod route;
pub(crate) mod send;
pub(crate) mod server;
pub(crate) mod tls;

/// Of one message either way: an entry holds 8 MiB at most.
pub(crate) const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// HTTP/2 flow control: what one stream, and one connection, may have under way.
const STREAM_WINDOW_BYTES: u32 = 8 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;
