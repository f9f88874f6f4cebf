//! Snapshots, and the log they make superfluous.
//!
//! Retained by bytes and by age, never by count: whichever bound is met first,
//! the node takes a snapshot and shortens its log.
//!
//! Invariants
//! - The log is purged only up to what a published snapshot holds, and a
//!   snapshot counts only once the state below it is durable: the state has no
//!   log of its own.
//! - Followers that answer find what they lack in the log, unless it has grown
//!   to twice its bound.

use std::sync::Arc;
use std::time::Duration;

use openraft::SnapshotPolicy;
use tokio::time::Instant;
use types::LogIndex;

use crate::adapter::blocking;
use crate::ports::StateStore;
use crate::replica::Core;
use crate::status::peers;

/// How long a snapshot may take before its asker gives up on it: all of the
/// state is read for its content digest.
pub(crate) const SNAPSHOT_WAIT: Duration = Duration::from_secs(1_800);

/// A snapshot that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// The last record it holds.
    pub index: LogIndex,
    /// Bytes of its files.
    pub size: u64,
}

/// Why there is no snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Nothing was applied yet.
    #[error("there is nothing to take a snapshot of")]
    Empty,
    /// It could not be made.
    #[error("cannot take a snapshot: {0}")]
    Failed(String),
}

impl<S: StateStore> Core<S> {
    /// Takes a snapshot of everything applied by now.
    pub(crate) async fn take_snapshot(&self) -> Result<SnapshotInfo, SnapshotError> {
        debug_assert_eq!(self.raft.config().snapshot_policy, SnapshotPolicy::Never);
        let applied = *self.audience.applied.borrow();
        let applied = applied.ok_or(SnapshotError::Empty)?;
        // Flushed before, so that the checkpoint itself, which holds up apply,
        // finds little left to write.
        blocking(|| self.state.flush()).map_err(|err| self.fail_flush(&err))?;
        let failed = |err: &dyn std::error::Error| SnapshotError::Failed(err.to_string());
        self.raft.trigger().snapshot().await.map_err(|err| failed(&err))?;
        let wait = self.raft.wait(Some(SNAPSHOT_WAIT));
        let is_taken = |metrics: &crate::kinds::Metrics| {
            metrics.snapshot.is_some_and(|snapshot| snapshot.index >= applied)
        };
        wait.metrics(is_taken, "a snapshot").await.map_err(|err| failed(&err))?;
        let current = self.snapshots.current().ok_or(SnapshotError::Empty)?;
        let size = blocking(|| current.size()).map_err(|err| failed(&err))?;
        let index = LogIndex(current.index().ok_or(SnapshotError::Empty)?);
        tracing::info!(index = index.0, size, "took a snapshot");
        Ok(SnapshotInfo { index, size })
    }

    /// A flush that failed must not be tried again: what it lost stays lost.
    fn fail_flush(&self, err: &std::io::Error) -> SnapshotError {
        self.audience.failure.record(format!("cannot flush the state: {err}"));
        SnapshotError::Failed(err.to_string())
    }

    /// Shortens the log up to `through`, as far as the snapshot allows.
    pub(crate) async fn purge(&self, through: u64) -> Result<(), SnapshotError> {
        let Some(held) = self.snapshots.current().and_then(|snapshot| snapshot.index()) else {
            return Err(SnapshotError::Empty);
        };
        let through = through.min(held);
        let purged = self.raft.trigger().purge_log(through).await;
        purged.map_err(|err| SnapshotError::Failed(err.to_string()))
    }

    /// How far the log may go without leaving a follower behind.
    fn purge_limit(&self, is_urgent: bool) -> u64 {
        let metrics = self.metrics();
        let contact_max = self.config.contact_max();
        let last = metrics.last_log_index.unwrap_or(0);
        let purged = metrics.purged.map_or(0, |id| id.index);
        // The newest quarter stays, for those who are away for a moment.
        let keep = last.saturating_sub(purged) / 4;
        let followers = peers(&metrics, self.config.contact_max())
            .into_values()
            .filter(|peer| peer.last_contact.is_some_and(|since| since <= contact_max))
            .map(|peer| peer.matched.map_or(0, |matched| matched.0))
            .min();
        match followers {
            Some(slowest) if !is_urgent => last.saturating_sub(keep).min(slowest),
            Some(_) | None => last.saturating_sub(keep),
        }
    }

    async fn retain(&self, age: &mut Age) -> Result<(), SnapshotError> {
        let retention = &self.config.retention;
        let bytes = (self.log_bytes)();
        let is_too_big = bytes > retention.log_bytes_max;
        if is_too_big {
            let is_urgent = bytes > retention.log_bytes_max.saturating_mul(2);
            let limit = self.purge_limit(is_urgent);
            // While a follower holds the log up, one snapshot is enough.
            let held = self.snapshots.current().and_then(|snapshot| snapshot.index());
            if held.is_none_or(|held| held < limit) {
                self.take_snapshot().await?;
            }
            self.purge(limit).await?;
        }
        // Half the age each time: what the last snapshot holds is older than
        // that, and nothing stays for longer than twice.
        if age.since.elapsed() >= retention.log_age_max / 2 {
            let older = age.snapshot.take();
            let taken = self.take_snapshot().await?;
            if let Some(older) = older {
                self.purge(older.0).await?;
            }
            *age = Age { since: Instant::now(), snapshot: Some(taken.index) };
        }
        Ok(())
    }
}

/// The last snapshot that was taken because of age.
struct Age {
    since: Instant,
    snapshot: Option<LogIndex>,
}

impl Age {
    /// As old as the snapshot on the disk says, so that restarts do not make
    /// the log last longer.
    fn of<S: StateStore>(core: &Core<S>) -> Self {
        let now = Instant::now();
        let current = core.snapshots.current();
        let micros = current
            .as_ref()
            .map_or(0, |snapshot| core.clock.now().0.saturating_sub(snapshot.taken_at.0));
        let since = now.checked_sub(Duration::from_micros(micros)).unwrap_or(now);
        let snapshot = current.and_then(|snapshot| snapshot.index()).map(LogIndex);
        Self { since, snapshot }
    }
}

/// Looks after the log for as long as the replica runs.
pub(crate) async fn run<S: StateStore>(core: Arc<Core<S>>) {
    let mut age = Age::of(&core);
    loop {
        tokio::select! {
            () = core.stop.cancelled() => return,
            () = tokio::time::sleep(core.config.retention.check_interval) => {}
        }
        let retained = tokio::select! {
            () = core.stop.cancelled() => return,
            retained = core.retain(&mut age) => retained,
        };
        match retained {
            Ok(()) | Err(SnapshotError::Empty) => {}
            Err(err) => tracing::error!(error = %err, "cannot shorten the log"),
        }
    }
}
