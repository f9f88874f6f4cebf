//! Making what was erased go from this node's disk: out of the state's files,
//! the snapshots made from them, and the log that brought it.
//!
//! The order matters. A snapshot links the files of the state, so the state is
//! rewritten first; the log may be purged only up to what a snapshot holds, and
//! its files are rewritten last.

use std::io;
use std::time::Duration;

use tokio::time::Instant;
use types::LogIndex;

use crate::adapter::snapshot::Epoch;
use crate::kinds::LogId;
use crate::ports::StateStore;
use crate::replica::Core;
use crate::retention::{SNAPSHOT_WAIT, SnapshotError};

/// How often it is looked whether a snapshot that is being sent has gone.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// After so long a snapshot is asked for again: raft ignores who asks while it
/// makes another, and does not say so.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Why bytes that were erased may still be on the disk. It may be asked again.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// The state is not that far.
    #[error("entry `{}` is not applied here yet", through.0)]
    NotApplied {
        /// Up to where it was to forget.
        through: LogIndex,
    },
    /// No snapshot without them could be taken.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// Something holds what is to go for longer than is waited.
    #[error("waited too long for {what}")]
    Overdue {
        /// For what.
        what: &'static str,
    },
    /// The replica is stopping.
    #[error("the node is stopping")]
    Stopping,
    /// The disk.
    #[error("cannot {what}")]
    Io {
        /// What was attempted.
        what: &'static str,
        /// The cause.
        source: io::Error,
    },
}

impl<S: StateStore> Core<S> {
    /// See [`Handle::forget_through`](crate::Handle::forget_through).
    pub(crate) async fn forget_through(&self, through: u64) -> Result<(), ForgetError> {
        tokio::select! {
            () = self.stop.cancelled() => Err(ForgetError::Stopping),
            forgot = self.forget(through) => forgot,
        }
    }

    async fn forget(&self, through: u64) -> Result<(), ForgetError> {
        let _one_at_a_time = self.forgetting.lock().await;
        let applied = *self.audience.applied.borrow();
        if applied.is_none_or(|applied| applied < through) {
            return Err(ForgetError::NotApplied { through: LogIndex(through) });
        }
        let state = self.state.clone();
        off_thread("rewrite the state", move || state.compact_erased()).await?;
        let epoch = self.snapshots.outdate();
        self.renew_snapshot(epoch).await?;
        self.wait_for_senders().await?;
        self.clear_incoming().await?;
        self.purge_all(through).await?;
        let compact = self.compact_log.clone();
        off_thread("rewrite the log", move || compact()).await?;
        tracing::info!(through, "what was erased has gone from the disk");
        Ok(())
    }

    /// Takes snapshots until one was begun after the state was rewritten: one
    /// may have been under way, and raft makes one at a time.
    async fn renew_snapshot(&self, epoch: Epoch) -> Result<(), ForgetError> {
        let mut ready = self.snapshots.ready();
        let is_renewed = || self.snapshots.current().is_some_and(|held| held.is_of(epoch));
        let deadline = Instant::now() + SNAPSHOT_WAIT;
        while !is_renewed() {
            if deadline < Instant::now() {
                return Err(ForgetError::Overdue { what: "a snapshot" });
            }
            ready.borrow_and_update();
            self.take_snapshot().await?;
            // Where raft had one as new before this began, the call did not wait.
            if !is_renewed() {
                drop(tokio::time::timeout(ASK_AGAIN, ready.changed()).await);
            }
        }
        Ok(())
    }

    /// Waits until no older snapshot is being sent any more.
    async fn wait_for_senders(&self) -> Result<(), ForgetError> {
        let deadline = Instant::now() + SNAPSHOT_WAIT;
        loop {
            let has_others = self.snapshots.has_others();
            let what = "look for older snapshots";
            if !has_others.map_err(|source| ForgetError::Io { what, source })? {
                return Ok(());
            }
            if deadline < Instant::now() {
                return Err(ForgetError::Overdue { what: "an older snapshot that is being sent" });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// What was received in part is another member's, with what was erased in it.
    async fn clear_incoming(&self) -> Result<(), ForgetError> {
        let turn = tokio::time::timeout(SNAPSHOT_WAIT, self.receiving.lock()).await;
        let what = "a snapshot that is being received";
        let _none_is_under_way = turn.map_err(|_| ForgetError::Overdue { what })?;
        let what = "remove what was received in part";
        self.snapshots.remove_incoming().map_err(|source| ForgetError::Io { what, source })
    }

    /// Purges the log, whoever may still lack what goes.
    async fn purge_all(&self, through: u64) -> Result<(), ForgetError> {
        let holds = |id: Option<LogId>| id.is_some_and(|id| through <= id.index);
        let overdue = |what| move |_| ForgetError::Overdue { what };
        // Raft learns of a snapshot after it is published, and purges no further.
        let wait = self.raft.wait(Some(SNAPSHOT_WAIT));
        let waited = wait.metrics(|known| holds(known.snapshot), "a snapshot").await;
        waited.map_err(overdue("raft to see a snapshot"))?;
        self.purge(through).await?;
        let wait = self.raft.wait(Some(SNAPSHOT_WAIT));
        let waited = wait.metrics(|known| holds(known.purged), "a purge").await;
        waited.map_err(overdue("the log to be purged"))?;
        Ok(())
    }
}

/// Runs what takes long where it holds up no other task.
async fn off_thread(
    what: &'static str,
    work: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> Result<(), ForgetError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(io::Error::other);
    done.and_then(|done| done).map_err(|source| ForgetError::Io { what, source })
}
