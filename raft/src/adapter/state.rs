//! openraft's state machine over a [`StateStore`].
//!
//! openraft calls it from one task, so that apply, install and the moment of a
//! snapshot never overlap. What waits for the disk runs off the async workers.

use std::io;
use std::sync::Arc;

use futures::{FutureExt, Stream, StreamExt};
use openraft::alias::SnapshotOf;
use openraft::storage::{EntryResponder, RaftStateMachine};
use openraft::{OptionalSend, RaftSnapshotBuilder};

use super::blocking;
use super::snapshot::{Draft, Snapshot, Snapshots, name};
use crate::apply::Applier;
use crate::clock::Clock;
use crate::kinds::{LogId, SnapshotMeta, StoredMembership, TypeConfig};
use crate::ports::StateStore;

/// Entries that are applied between two looks at the async runtime.
const APPLY_ENTRIES_MAX: usize = 64;

/// openraft's view of the state.
pub(crate) struct Machine<S: StateStore> {
    state: Arc<S>,
    applier: Applier<S>,
    snapshots: Arc<Snapshots>,
    clock: Arc<dyn Clock>,
}

impl<S: StateStore> Machine<S> {
    pub(crate) fn new(
        state: Arc<S>,
        applier: Applier<S>,
        snapshots: Arc<Snapshots>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { state, applier, snapshots, clock }
    }

    fn meta(&self) -> SnapshotMeta {
        let applied = self.applier.applied();
        SnapshotMeta { last_log_id: applied.last, last_membership: applied.membership.clone() }
    }

    /// A checkpoint of the state as it is now, or the published one when the
    /// state has not moved since.
    fn checkpoint(&self) -> io::Result<Made> {
        let meta = self.meta();
        if let Some(current) = self.snapshots.current()
            && current.meta == meta
            && !self.snapshots.is_outdated(&current)
        {
            return Ok(Made::Before(current));
        }
        self.new_checkpoint(meta).map(Made::Now)
    }

    fn new_checkpoint(&self, meta: SnapshotMeta) -> io::Result<Draft> {
        let (taken_at, epoch) = (self.clock.now(), self.snapshots.epoch());
        let index = meta.last_log_id.map_or(0, |id| id.index);
        let path = blocking(|| self.state.checkpoint(&name(index, taken_at.0)))?;
        Ok(Draft { meta, taken_at, path, epoch })
    }

    fn builder(&self, made: io::Result<Made>) -> Builder<S> {
        let (state, snapshots) = (self.state.clone(), self.snapshots.clone());
        Builder { made: Some(made), state, snapshots }
    }

    fn apply_all(&mut self, entries: Vec<EntryResponder<TypeConfig>>) -> io::Result<()> {
        for (entry, responder) in entries {
            self.applier.apply(&entry)?;
            if let Some(responder) = responder {
                responder.send(());
            }
        }
        Ok(())
    }

    fn install(&mut self, meta: &SnapshotMeta, snapshot: &Snapshot) -> io::Result<()> {
        self.state.install(snapshot.path().to_owned())?;
        self.applier.reload()?;
        if self.applier.applied().last != meta.last_log_id {
            let held = self.applier.applied().last;
            let said = meta.last_log_id;
            return Err(io::Error::other(format!("the snapshot holds {held:?}, not {said:?}")));
        }
        // The directory may have been moved into place: link another copy, so
        // that this node too can send what it was sent.
        let checkpoint = self.new_checkpoint(self.meta())?;
        self.snapshots.replace(checkpoint.with_content(snapshot.content)).map(drop)
    }
}

/// Where the checkpoint of a snapshot comes from.
#[derive(Debug)]
enum Made {
    /// It was made between two entries, and is yet to be published.
    Now(Draft),
    /// It is published, and the state has not moved since.
    Before(Snapshot),
}

/// Makes a checkpoint this node's snapshot. openraft runs it in a task of its
/// own, so reading the whole checkpoint for its digest holds nothing up.
#[derive(Debug)]
pub(crate) struct Builder<S> {
    made: Option<io::Result<Made>>,
    state: Arc<S>,
    snapshots: Arc<Snapshots>,
}

impl<S: StateStore> Builder<S> {
    fn publish(&self, draft: Draft) -> io::Result<Snapshot> {
        let content = self.state.content_digest(&draft.path).inspect_err(|error| {
            let path = draft.path.display();
            tracing::error!(%path, %error, "a checkpoint of this state cannot be read back");
            draft.discard();
        })?;
        self.snapshots.publish(draft.with_content(content))
    }
}

impl<S: StateStore> RaftSnapshotBuilder<TypeConfig> for Builder<S> {
    type SnapshotData = Snapshot;

    async fn build_snapshot(&mut self) -> io::Result<SnapshotOf<TypeConfig, Snapshot>> {
        let made = self.made.take().unwrap_or_else(|| Err(io::Error::other("built before")))?;
        let snapshot = match made {
            Made::Now(draft) => blocking(|| self.publish(draft))?,
            Made::Before(snapshot) => snapshot,
        };
        Ok(SnapshotOf::<TypeConfig, Snapshot> { meta: snapshot.meta.clone(), snapshot })
    }
}

impl<S: StateStore> RaftStateMachine<TypeConfig> for Machine<S> {
    type SnapshotData = Snapshot;
    type SnapshotBuilder = Builder<S>;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, StoredMembership)> {
        let applied = self.applier.applied();
        Ok((applied.last, applied.membership.clone()))
    }

    async fn apply<E>(&mut self, entries: E) -> io::Result<()>
    where
        E: Stream<Item = io::Result<EntryResponder<TypeConfig>>> + Unpin + OptionalSend,
    {
        let mut entries = entries.fuse();
        while let Some(first) = entries.next().await {
            let mut ready = vec![first?];
            while ready.len() < APPLY_ENTRIES_MAX
                && let Some(Some(more)) = entries.next().now_or_never()
            {
                ready.push(more?);
            }
            blocking(|| self.apply_all(ready))?;
        }
        Ok(())
    }

    async fn try_create_snapshot_builder(&mut self, force: bool) -> Option<Builder<S>> {
        let made = self.checkpoint();
        if let Err(err) = &made
            && !force
        {
            // Not fatal: the log is kept until a later attempt succeeds.
            tracing::error!(error = %err, "cannot make a checkpoint of the state");
            return None;
        }
        Some(self.builder(made))
    }

    async fn get_snapshot_builder(&mut self) -> Builder<S> {
        self.builder(self.checkpoint())
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        snapshot: Snapshot,
    ) -> io::Result<()> {
        blocking(|| self.install(meta, &snapshot)).inspect_err(|err| {
            self.applier.fail(format!("cannot install a snapshot: {err}"));
        })
    }

    async fn get_current_snapshot(
        &mut self,
    ) -> io::Result<Option<SnapshotOf<TypeConfig, Snapshot>>> {
        let current = self.snapshots.current();
        Ok(current.map(|snapshot| SnapshotOf::<TypeConfig, Snapshot> {
            meta: snapshot.meta.clone(),
            snapshot,
        }))
    }
}
