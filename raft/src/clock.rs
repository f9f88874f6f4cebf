//! The wall clock, injected so that tests can skew it.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use types::Timestamp;

/// Tells the wall time. Only the leader's stamps are ever replicated.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock before 1970 reads as 1970: the comparison with the other
        // voters' clocks then refuses to stamp by it.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }
}
