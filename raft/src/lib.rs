//! openraft wired up: the replica, its proposer, its transport, its ports.
//!
//! No other crate sees openraft, and none of its types or layouts leave this
//! one: not to the disk, not to the wire (`encoding`).
//!
//! Reading order: `replica` (what runs), `proposer` (how commands get into
//! the log), `apply` (what happens once they are committed), [`ports`] (what
//! is needed from below), `transport`, `members`, `reads`, `retention`, `forget`,
//! and [`rebuild`], which runs before any replica does.

pub mod ports;

mod adapter;
mod apply;
mod batch;
mod clock;
mod config;
#[doc(hidden)]
pub mod conformance;
mod encoding;
mod failure;
mod forget;
mod gate;
mod kinds;
mod members;
mod observer;
mod proposer;
mod reads;
pub mod rebuild;
mod replica;
mod retention;
mod secret;
mod status;
#[doc(hidden)]
pub mod testing;
mod transport;

pub use clock::{Clock, SystemClock};
pub use config::{Config, Retention, TransportConfig};
pub use forget::ForgetError;
pub use kinds::Member;
pub use members::{Change, ChangeError, Changed, Plan};
pub use observer::{AppliedItem, Observer, SHARED_SECRET_BYTES, Unobserved};
pub use proposer::{Bounds, Committed, ProposeError};
pub use reads::ReadError;
pub use replica::{Handle, Replica, Start, StartError};
pub use retention::{SnapshotError, SnapshotInfo};
pub use status::{Peer, Role, Status};
pub use transport::tls::{Credentials, Refusal, Tls, TlsError, node_name};
