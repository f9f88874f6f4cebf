//! The ports in memory, for tests and benchmarks of what stands above them.
//!
//! [`MemLog`] is durable at once, unless told to hold its completions back.
//! [`MemState`] is durable only up to its last flush: [`MemState::crashed`] is
//! what a machine finds after a power loss. Both are cheap to clone, and clones
//! share what they hold, so a replica can be started again on the same stores.

mod log;
mod state;

use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use types::Timestamp;

pub use self::log::MemLog;
pub use self::state::{MemBatch, MemState, MemView};
use crate::clock::{Clock, SystemClock};

/// The id that a log which begins after an entry keeps of it.
pub fn purged_id(term: u64, index: u64) -> Bytes {
    crate::encoding::encode_log_id(&crate::kinds::log_id(term, index))
}

/// The machine's clock, off by as much as the test says.
#[derive(Debug, Default)]
pub struct SkewedClock {
    ahead_micros: AtomicI64,
}

impl SkewedClock {
    /// Puts the clock ahead, or back.
    pub fn set_ahead(&self, micros: i64) {
        self.ahead_micros.store(micros, Ordering::SeqCst);
    }
}

impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        let ahead = self.ahead_micros.load(Ordering::SeqCst);
        Timestamp(SystemClock.now().0.saturating_add_signed(ahead))
    }
}
