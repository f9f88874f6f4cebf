//! One member of a Raft group: what it consists of, how it starts and stops,
//! and the [`Handle`] the rest of the node uses it by.
//!
//! Started from the bottom up: storage, raft, the listener, then the tasks that
//! use them; stopped in the reverse order.

pub(crate) mod handle;
pub(crate) mod start;
mod watchdog;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use self::handle::Handle;
pub use self::start::{Start, StartError};
use crate::adapter::snapshot::Snapshots;
use crate::adapter::state::Machine;
use crate::apply::Audience;
use crate::clock::Clock;
use crate::config::Config;
use crate::gate::Gate;
use crate::kinds::TypeConfig;
use crate::ports::StateStore;
use crate::proposer::Parcel;
use crate::proposer::desk::Desk;
use crate::reads::Request;
use crate::transport::peers::Peers;

/// What commands are told that come too late.
const STOPPING: &str = "the node is stopping";
/// How long commands under way are waited for when the node stops.
const DRAIN_MAX: Duration = Duration::from_secs(2);

pub(crate) type Raft<S> = openraft::Raft<TypeConfig, Machine<S>>;

/// What the tasks of a replica share.
pub(crate) struct Core<S: StateStore> {
    pub(crate) config: Config,
    pub(crate) raft: Raft<S>,
    pub(crate) state: Arc<S>,
    pub(crate) snapshots: Arc<Snapshots>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) inbox: mpsc::Sender<Parcel>,
    pub(crate) reads: mpsc::Sender<Request>,
    pub(crate) fresh_at: watch::Sender<Option<Instant>>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) gate: Gate,
    pub(crate) audience: Audience,
    /// The term this node leads in, and since when.
    pub(crate) leading_since: watch::Sender<Option<(u64, Instant)>>,
    /// Held while the membership is being changed.
    pub(crate) changing: Mutex<()>,
    /// Held while a snapshot is on its way in.
    pub(crate) receiving: Arc<Mutex<()>>,
    /// Held while a snapshot is on its way to a member that asked for one.
    pub(crate) serving: Arc<Mutex<()>>,
    /// Held while bytes are being made to go.
    pub(crate) forgetting: Mutex<()>,
    pub(crate) log_bytes: Box<dyn Fn() -> u64 + Send + Sync>,
    pub(crate) compact_log: Arc<dyn Fn() -> io::Result<()> + Send + Sync>,
    pub(crate) stop: CancellationToken,
}

/// A running member of a group.
pub struct Replica<S: StateStore> {
    core: Arc<Core<S>>,
    peer_address: std::net::SocketAddr,
    /// In the order of their start.
    tasks: Vec<(&'static str, JoinHandle<()>)>,
}

impl<S: StateStore> std::fmt::Debug for Replica<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replica").field("raft_id", &self.core.config.raft_id).finish()
    }
}

impl<S: StateStore> Replica<S> {
    /// What the rest of the node uses the replica by.
    pub fn handle(&self) -> Handle<S> {
        Handle::new(self.core.clone())
    }

    /// Where peers reach it.
    pub fn peer_address(&self) -> std::net::SocketAddr {
        self.peer_address
    }

    /// Its certificates, if it has any.
    pub fn tls(&self) -> Option<crate::Tls> {
        self.core.config.tls.clone()
    }

    /// Waits until the replica has failed, and says why. The node should exit.
    pub async fn failed(&self) -> String {
        self.core.audience.failure.wait().await
    }

    /// Takes no more commands, hands leadership over if it leads, waits a moment
    /// for what is under way, then stops everything.
    pub async fn shutdown(self) {
        let desk = self.core.desk.clone();
        let drained = tokio::time::timeout(DRAIN_MAX, desk.drain(STOPPING));
        let (_, drained) = tokio::join!(self.hand_over(), drained);
        if drained.is_err() {
            tracing::warn!("stopping with commands under way: their outcome is unknown");
        }
        self.stop().await;
    }

    /// Stops without handing leadership over, as a crash would.
    pub async fn abort(self) {
        self.stop().await;
    }

    async fn hand_over(&self) {
        if self.core.leading_term().is_none() {
            return;
        }
        let change = crate::members::Change::Transfer(None);
        let mode = crate::members::change::Mode::Make;
        let handed = self.core.change_here(&change, mode).await;
        tracing::info!(?handed, "handed leadership over before stopping");
    }

    async fn stop(self) {
        self.core.desk.stop(STOPPING);
        self.core.stop.cancel();
        for (name, task) in self.tasks.into_iter().rev() {
            if let Err(err) = task.await {
                tracing::error!(task = name, error = %err, "a task ended badly");
            }
        }
        if let Err(err) = self.core.raft.shutdown().await {
            tracing::error!(error = %err, "raft ended badly");
        }
    }
}
