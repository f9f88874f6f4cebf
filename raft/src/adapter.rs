//! openraft's storage traits over the ports.
//!
//! [`log`] joins it to a [`LogStore`](crate::ports::LogStore), [`state`] to a
//! [`StateStore`](crate::ports::StateStore), [`snapshot`] keeps the checkpoints
//! that `state` makes. openraft itself checks ranges only in debug builds, so
//! every border here refuses a gap.

pub(crate) mod log;
pub(crate) mod snapshot;
pub(crate) mod state;

use tokio::runtime::{Handle, RuntimeFlavor};

/// Whether a log must begin at 0 or where it was purged, and what is applied
/// follow what was applied before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contiguity {
    /// As in every real log.
    Required,
    /// openraft's conformance suite begins logs anywhere and applies with gaps.
    Ignored,
}

/// Runs what may wait for the disk without holding up the tasks that share
/// this worker: other tasks move to another thread. A runtime of one thread
/// has none to move them to, and only tests use one.
pub(crate) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        Ok(_) | Err(_) => work(),
    }
}
