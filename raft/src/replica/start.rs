//! Starting a replica.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Core, Raft, Replica, watchdog};
use crate::adapter::Contiguity;
use crate::adapter::log::Log;
use crate::adapter::snapshot::Snapshots;
use crate::adapter::state::Machine;
use crate::apply::{Applier, Audience};
use crate::batch::Origin;
use crate::clock::Clock;
use crate::config::Config;
use crate::encoding::{decode_entry, decode_log_id, encode_log_id};
use crate::failure::Failure;
use crate::gate::Gate;
use crate::kinds::LogId;
use crate::observer::Observer;
use crate::ports::{LogStore, StateStore};
use crate::proposer::desk::Desk;
use crate::proposer::dispatch::{Dispatcher, PARCELS_WAITING_MAX};
use crate::reads::READS_WAITING_MAX;
use crate::transport::client::Networks;
use crate::transport::peers::Peers;
use crate::transport::route::Here;
use crate::{gate, members, reads, retention, transport};

/// What a replica is made of.
#[derive(Debug)]
pub struct Start<L, S, O> {
    /// Its settings.
    pub config: Config,
    /// Where peers are to reach it, bound already.
    pub listener: TcpListener,
    /// Its log.
    pub log: L,
    /// Its state.
    pub state: S,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Who is told what happens.
    pub observer: O,
}

/// Why a replica does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The timers contradict each other.
    #[error("the timers of raft contradict each other: {0}")]
    Config(String),
    /// Log, state or snapshots cannot be read.
    #[error("cannot read what is stored")]
    Storage(#[source] io::Error),
    /// The listener has no address.
    #[error("cannot tell the address peers should use")]
    Listener(#[source] io::Error),
    /// No random number for this process.
    #[error("no random numbers: {0}")]
    Random(String),
    /// What is stored contradicts itself.
    #[error("raft does not start from what is stored: {0}")]
    Raft(String),
}

struct Channels {
    inbox: mpsc::Receiver<crate::proposer::Parcel>,
    reads: mpsc::Receiver<reads::Request>,
}

impl<S: StateStore> Replica<S> {
    /// Starts a replica from what its stores hold.
    ///
    /// # Errors
    /// When the stores cannot be read or contradict each other.
    pub async fn start<L: LogStore, O: Observer>(
        start: Start<L, S, O>,
    ) -> Result<Self, StartError> {
        let Start { config, listener, log, state, clock, observer } = start;
        let peer_address = listener.local_addr().map_err(StartError::Listener)?;
        let here = Here {
            cluster: config.cluster_id.to_string(),
            group: config.group.clone(),
            me: config.raft_id,
        };
        let audience = audience(&config, Arc::new(observer))?;
        let state = Arc::new(state);
        let snapshots = Snapshots::open(state.snapshots_dir()).map_err(StartError::Storage)?;
        let snapshots = Arc::new(snapshots.of_store(state.clone()));
        let applier = Applier::new(state.clone(), audience.clone(), Contiguity::Required);
        let applier = applier.map_err(StartError::Storage)?;
        drop_overtaken(&log, applier.applied().last).map_err(StartError::Storage)?;
        let machine = Machine::new(state.clone(), applier, snapshots.clone(), clock.clone());
        let peers =
            Arc::new(Peers::new(here.clone(), config.transport.clone(), config.tls.clone()));
        let (bytes_of, compact) = (log.clone(), log.clone());
        let raft = build(&config, peers.clone(), log, machine).await?;
        let (inbox, inbox_of) = mpsc::channel(PARCELS_WAITING_MAX);
        let (reads, reads_of) = mpsc::channel(READS_WAITING_MAX);
        let core = Arc::new(Core {
            gate: Gate::new(clock.clone(), config.clock_skew_max),
            desk: audience.desk.clone(),
            fresh_at: watch::Sender::new(None),
            leading_since: watch::Sender::new(None),
            changing: Mutex::new(()),
            receiving: Arc::default(),
            serving: Arc::default(),
            forgetting: Mutex::new(()),
            log_bytes: Box::new(move || bytes_of.bytes()),
            compact_log: Arc::new(move || compact.compact_purged()),
            stop: CancellationToken::new(),
            config,
            raft,
            state,
            snapshots,
            inbox,
            reads,
            peers,
            clock,
            audience,
        });
        core.raft.run();
        let channels = Channels { inbox: inbox_of, reads: reads_of };
        Ok(Self::run(core, here, (listener, peer_address), channels))
    }

    fn run(
        core: Arc<Core<S>>,
        here: Here,
        (listener, peer_address): (TcpListener, SocketAddr),
        channels: Channels,
    ) -> Self {
        let tasks = vec![
            ("listener", serve(core.clone(), here, listener)),
            ("clock", tokio::spawn(gate::run(core.clone()))),
            ("proposer", tokio::spawn(Dispatcher::new(core.clone(), channels.inbox).run())),
            ("reads", tokio::spawn(reads::run(core.clone(), channels.reads))),
            ("staleness", tokio::spawn(reads::measure(core.clone()))),
            ("members", tokio::spawn(members::change::run(core.clone()))),
            ("retention", tokio::spawn(retention::run(core.clone()))),
            ("watchdog", tokio::spawn(watchdog::run(core.clone()))),
            ("roles", tokio::spawn(watchdog::report_roles(core.clone()))),
        ];
        Self { core, peer_address, tasks }
    }
}

fn serve<S: StateStore>(core: Arc<Core<S>>, here: Here, listener: TcpListener) -> JoinHandle<()> {
    tokio::spawn(async move {
        let failure = core.audience.failure.clone();
        if let Err(err) = transport::server::serve(core, here, listener).await {
            failure.record(format!("the peer listener failed: {err}"));
        }
    })
}

pub(crate) fn audience(
    config: &Config,
    observer: Arc<dyn Observer>,
) -> Result<Audience, StartError> {
    let epoch = getrandom::u64().map_err(|err| StartError::Random(err.to_string()))?;
    let origin = Origin { node: config.raft_id, epoch };
    Ok(Audience {
        desk: Arc::new(Desk::new(origin, config.bounds.clone())),
        observer,
        applied: Arc::new(watch::Sender::new(None)),
        failure: Failure::none(),
    })
}

/// Drops records that another leader's replaced. Raft applies what a quorum has
/// stored, also while this node's own disk still lags: after a power loss the
/// state may hold an entry whose place in the log is taken by one that lost.
/// What is applied is committed, so nothing is given up that counts.
fn drop_overtaken(log: &impl LogStore, applied: Option<LogId>) -> io::Result<()> {
    let Some(applied) = applied else { return Ok(()) };
    let held = log.state()?;
    let Some(last) = held.last else { return Ok(()) };
    let purged = held.purged.map(|bytes| decode_log_id(&bytes)).transpose()?;
    if last.index < applied.index || purged.is_some_and(|id| id.index >= applied.index) {
        return Ok(());
    }
    let read = log.read(applied.index, applied.index.saturating_add(1), 1);
    let Some(record) = read?.pop() else { return Ok(()) };
    let held = decode_entry(&record.bytes)?.log_id;
    if held == applied {
        return Ok(());
    }
    if held > applied {
        let why = format!("the log has `{held:?}` where `{applied:?}` is applied");
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    tracing::warn!(?held, ?applied, "dropping records that were replaced before a crash");
    log.truncate(applied.index.saturating_add(1))?;
    log.purge(applied.index, encode_log_id(&applied))
}

async fn build<L: LogStore, S: StateStore>(
    config: &Config,
    peers: Arc<Peers>,
    log: L,
    machine: Machine<S>,
) -> Result<Raft<S>, StartError> {
    let settings = config.openraft().map_err(|err| StartError::Config(err.to_string()))?;
    let networks = Networks::new(peers);
    let log = Log::new(log, Contiguity::Required);
    let raft = Raft::build(config.raft_id.0, Arc::new(settings), networks, log, machine).await;
    raft.map_err(|err| StartError::Raft(err.to_string()))
}
