//! What the rest of the node may ask of a replica.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use governance::Envelope;
use openraft::async_runtime::WatchReceiver as _;
use openraft::errors::{InitializeError, RaftError};
use tokio::time::Instant;
use types::{LogIndex, RaftId};

use super::Core;
use crate::forget::ForgetError;
use crate::kinds::Member;
use crate::members::change::{Answer, Mode};
use crate::members::{Change, ChangeError, Changed, Plan};
use crate::observer::SHARED_SECRET_BYTES;
use crate::ports::StateStore;
use crate::proposer::{Committed, ProposeError};
use crate::reads::ReadError;
use crate::retention::{SnapshotError, SnapshotInfo};
use crate::status::Status;

/// A replica, to be used from anywhere. Cheap to clone.
pub struct Handle<S: StateStore> {
    core: Arc<Core<S>>,
}

impl<S: StateStore> Clone for Handle<S> {
    fn clone(&self) -> Self {
        Self { core: self.core.clone() }
    }
}

impl<S: StateStore> fmt::Debug for Handle<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("raft_id", &self.core.config.raft_id).finish()
    }
}

impl<S: StateStore> Handle<S> {
    pub(super) fn new(core: Arc<Core<S>>) -> Self {
        Self { core }
    }

    /// Has a command committed, and returns once this node has applied it. One
    /// that is dropped before it was sent will never be recorded.
    ///
    /// # Errors
    /// See [`ProposeError`]: only `OutcomeUnknown` may have been recorded.
    pub async fn propose(&self, envelope: Envelope) -> Result<Committed, ProposeError> {
        let bytes = governance::encode_envelope(&envelope);
        // The codec's own limit is the only thing an envelope can exceed.
        let bytes = bytes.map_err(|_| ProposeError::TooLarge)?;
        drop(envelope);
        self.core.desk.propose(Bytes::from(bytes)).await
    }

    /// Has several commands committed, in their order as far as all get through.
    /// Each is answered for itself.
    pub async fn propose_all(
        &self,
        envelopes: Vec<Envelope>,
    ) -> Vec<Result<Committed, ProposeError>> {
        let mut encoded = Vec::with_capacity(envelopes.len());
        for envelope in &envelopes {
            // The codec's own limit is the only thing an envelope can exceed.
            let Ok(bytes) = governance::encode_envelope(envelope) else {
                return envelopes.iter().map(|_| Err(ProposeError::TooLarge)).collect();
            };
            encoded.push(Bytes::from(bytes));
        }
        drop(envelopes);
        self.core.desk.propose_all(encoded).await
    }

    /// The last record whose writes are visible. Cheaper than a whole status.
    pub fn applied_index(&self) -> LogIndex {
        LogIndex(self.core.audience.applied.borrow().unwrap_or(0))
    }

    /// Name of the leader this node knows. Cheaper than a whole status.
    pub fn leader_name(&self) -> Option<Arc<str>> {
        let metrics = self.core.raft.metrics();
        let metrics = metrics.borrow_watched();
        let leader = self.core.known_leader(metrics.current_leader)?;
        let membership = metrics.membership_config.membership();
        membership.get_node(&leader.0).map(|member| Arc::from(member.name.as_str()))
    }

    /// The state as it is now.
    ///
    /// # Errors
    /// When the store has failed.
    pub fn view(&self) -> io::Result<S::View> {
        self.core.state.view()
    }

    /// The replica as it is now. Cheap.
    pub fn status(&self) -> Status {
        self.core.status()
    }

    /// Asks the other members for what all of them share, each for so long.
    /// `None` when none that can be reached has it.
    pub async fn shared_secret(&self, each: Duration) -> Option<[u8; SHARED_SECRET_BYTES]> {
        self.core.ask_secret(each).await
    }

    /// Waits until the entry at `index` has been applied here; whether it was.
    pub async fn wait_applied(&self, index: LogIndex, timeout: Duration) -> bool {
        self.core.wait_applied(index.0, Instant::now() + timeout).await
    }

    /// Waits until this node shows everything that was committed anywhere
    /// before the call.
    ///
    /// # Errors
    /// When no leader confirms in time, or this node is behind.
    pub async fn read_index(&self, timeout: Duration) -> Result<LogIndex, ReadError> {
        self.core.read_index(timeout).await
    }

    /// How old what this node shows may be at most; unknown until measured.
    pub fn staleness(&self) -> Option<Duration> {
        self.core.fresh_at.borrow().map(|at| at.elapsed())
    }

    /// Founds a cluster of this node alone. Harmless when repeated.
    ///
    /// # Errors
    /// When raft has stopped.
    pub async fn initialize(&self, member: Member) -> Result<(), ChangeError> {
        let members = BTreeMap::from([(self.core.config.raft_id.0, member)]);
        match self.core.raft.initialize(members).await {
            Ok(()) | Err(RaftError::APIError(InitializeError::NotAllowed(_))) => Ok(()),
            Err(err) => Err(ChangeError::Failed(err.to_string())),
        }
    }

    /// Lets a node follow without a vote.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn add_learner(
        &self,
        raft_id: RaftId,
        member: Member,
    ) -> Result<Changed, ChangeError> {
        self.change(Change::AddLearner { raft_id, member }).await
    }

    /// Gives a learner that has caught up a vote.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn promote(&self, id: RaftId) -> Result<Changed, ChangeError> {
        self.change(Change::Promote(id)).await
    }

    /// Takes a voter's vote; it goes on as a learner.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn demote(&self, id: RaftId) -> Result<Changed, ChangeError> {
        self.change(Change::Demote(id)).await
    }

    /// Takes a node out; a leader hands over first.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn remove(&self, id: RaftId) -> Result<Changed, ChangeError> {
        self.change(Change::Remove(id)).await
    }

    /// Hands leadership over, to the most caught-up voter when nobody is named.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn transfer_leader(&self, to: Option<RaftId>) -> Result<Changed, ChangeError> {
        self.change(Change::Transfer(to)).await
    }

    /// Has a change made by the leader, wherever it is.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn change(&self, change: Change) -> Result<Changed, ChangeError> {
        match self.core.change(&change, Mode::Make).await {
            Answer::Changed(changed) => Ok(changed),
            Answer::Refused(err) => Err(err),
            Answer::NotLeading | Answer::HandedOver => Err(ChangeError::NoLeader),
            Answer::Planned(_) => Err(ChangeError::Failed("it was only planned".to_owned())),
        }
    }

    /// Has the leader say what a change would do.
    ///
    /// # Errors
    /// When nobody leads.
    pub async fn plan(&self, change: &Change) -> Result<Plan, ChangeError> {
        match self.core.change(change, Mode::DryRun).await {
            Answer::Planned(plan) => Ok(plan),
            Answer::Refused(err) => Err(err),
            Answer::NotLeading | Answer::HandedOver => Err(ChangeError::NoLeader),
            Answer::Changed(_) => Err(ChangeError::Failed("it was made".to_owned())),
        }
    }

    /// Takes a snapshot of everything applied by now.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub async fn snapshot(&self) -> Result<SnapshotInfo, SnapshotError> {
        self.core.take_snapshot().await
    }

    /// Shortens this node's log up to `through`, as far as its snapshot and the
    /// followers allow.
    ///
    /// # Errors
    /// When there is no snapshot.
    pub async fn purge(&self, through: LogIndex) -> Result<(), SnapshotError> {
        self.core.purge(through.0).await
    }

    /// Makes everything that was erased up to `through` go from this node's disk:
    /// its state, its log and its snapshots. Whoever lacks what goes from the log
    /// is sent a snapshot. A snapshot that is installed later brings back what
    /// its maker had not made to go: then this is to be asked again.
    ///
    /// # Errors
    /// See [`ForgetError`].
    pub async fn forget_through(&self, through: LogIndex) -> Result<(), ForgetError> {
        self.core.forget_through(through.0).await
    }

    /// Waits until the replica has failed, and says why.
    pub async fn failed(&self) -> String {
        self.core.audience.failure.wait().await
    }
}
