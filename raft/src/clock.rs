//! The wall clock, injected so that tests can skew it.

use std::fmt;
#[cfg(debug_assertions)]
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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
        let since = since + ahead();
        Timestamp(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }
}

/// How far ahead a fault test has the clock of this process, in seconds: what
/// takes hours must be seen to end.
#[cfg(debug_assertions)]
fn ahead() -> Duration {
    static AHEAD: OnceLock<Duration> = OnceLock::new();
    *AHEAD.get_or_init(|| {
        let seconds = std::env::var("FAILPOINT_CLOCK_AHEAD_S").ok();
        Duration::from_secs(seconds.and_then(|it| it.parse().ok()).unwrap_or_default())
    })
}

#[cfg(not(debug_assertions))]
fn ahead() -> Duration {
    Duration::ZERO
}
