//! How fresh this node is: read index and measured staleness.
//!
//! Always ReadIndex: the leader asks a majority whether it still leads. Never a
//! lease: a restarted voter has forgotten the one it granted, so a deposed
//! leader could answer with what is no longer true (openraft.md 4.3).
//!
//! Invariant: a request joins only a round that begins after it arrived.

use std::sync::Arc;
use std::time::Duration;

use openraft::ReadPolicy;
use openraft::async_runtime::WatchReceiver;
use proto::peer::v1::ReadIndexRequest;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use types::LogIndex;

use crate::ports::StateStore;
use crate::replica::Core;
use crate::transport::peers::{Purpose, Target};

/// Requests that wait for the next round; more wait in line for a place.
pub(crate) const READS_WAITING_MAX: usize = 4_096;
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// A request for an index at or above everything committed before it.
pub(crate) type Request = oneshot::Sender<Option<u64>>;

/// Why a read cannot be linearizable now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Nobody confirmed in time that it leads.
    #[error("no leader confirmed that it leads in time")]
    NoLeader,
    /// This node has not applied in time what was committed.
    #[error("this node is behind entry `{}`", index.0)]
    Behind {
        /// What it should have applied.
        index: LogIndex,
    },
    /// The replica does not serve any more.
    #[error("the replica has stopped: {0}")]
    Stopped(String),
}

/// Answers requests, all that wait with one round.
pub(crate) async fn run<S: StateStore>(core: Arc<Core<S>>, mut requests: mpsc::Receiver<Request>) {
    let mut waiting = Vec::new();
    loop {
        tokio::select! {
            () = core.stop.cancelled() => return,
            count = requests.recv_many(&mut waiting, READS_WAITING_MAX) => if count == 0 { return },
        }
        let index = core.confirmed_index().await;
        for request in waiting.drain(..) {
            // The reader may have gone.
            let _ = request.send(index);
        }
    }
}

/// Measures how stale this node is, for as long as the replica runs.
pub(crate) async fn measure<S: StateStore>(core: Arc<Core<S>>) {
    let interval = core.config.staleness_probe_interval;
    loop {
        let asked = Instant::now();
        let measured = tokio::select! {
            () = core.stop.cancelled() => return,
            index = core.read_index(interval.max(RETRY_AFTER) * 4) => index,
        };
        if measured.is_ok() {
            core.fresh_at.send_replace(Some(asked));
        }
        tokio::select! {
            () = core.stop.cancelled() => return,
            () = tokio::time::sleep(interval) => {}
        }
    }
}

impl<S: StateStore> Core<S> {
    pub(crate) async fn read_index(&self, timeout: Duration) -> Result<LogIndex, ReadError> {
        let deadline = Instant::now() + timeout;
        let index = loop {
            if let Some(reason) = self.audience.failure.get() {
                return Err(ReadError::Stopped(reason));
            }
            if let Some(index) = self.ask_index(deadline).await? {
                break index;
            }
            let retry_at = (Instant::now() + RETRY_AFTER).min(deadline);
            let mut server = self.raft.server_metrics();
            // What is known already is no reason to ask again at once.
            drop(server.borrow_and_update());
            // Either way it is time to ask again.
            let _ = tokio::time::timeout_at(retry_at, server.changed()).await;
            if Instant::now() >= deadline {
                return Err(ReadError::NoLeader);
            }
        };
        if self.wait_applied(index, deadline).await {
            return Ok(LogIndex(index));
        }
        Err(ReadError::Behind { index: LogIndex(index) })
    }

    async fn ask_index(&self, deadline: Instant) -> Result<Option<u64>, ReadError> {
        let (request, answer) = oneshot::channel();
        let asked = async {
            self.reads.send(request).await.ok()?;
            answer.await.ok()?
        };
        tokio::time::timeout_at(deadline, asked).await.map_err(|_| ReadError::NoLeader)
    }

    pub(crate) async fn wait_applied(&self, index: u64, deadline: Instant) -> bool {
        let mut applied = self.audience.applied.subscribe();
        let reached = applied.wait_for(|applied| applied.is_some_and(|applied| applied >= index));
        matches!(tokio::time::timeout_at(deadline, reached).await, Ok(Ok(_)))
    }

    /// One round, wherever the leader is.
    async fn confirmed_index(&self) -> Option<u64> {
        let server = self.raft.server_metrics().borrow_watched().clone();
        let leader = server.current_leader?;
        if leader == self.config.raft_id.0 {
            return self.confirm_leading().await;
        }
        let target = Target::of(leader, server.membership_config.get_node(&leader)?);
        let mut client = self.peers.client(&target, Purpose::Control).ok()?;
        let call = client.read_index(ReadIndexRequest {});
        let limit = self.config.election_timeout_max * 2;
        tokio::time::timeout(limit, call).await.ok()?.ok()?.into_inner().index
    }

    /// The read index if this node leads, confirmed by a majority.
    pub(crate) async fn confirm_leading(&self) -> Option<u64> {
        let linearizer = self.raft.get_read_linearizer(ReadPolicy::ReadIndex).await.ok()?;
        Some(linearizer.read_log_id().index())
    }
}
