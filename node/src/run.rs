//! The composition root: open the storage, start the replica, serve the
//! interface, wait, stop in reverse.

mod serving;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::ArgMatches;
use governance::Corruption;
use governance::command::{
    Command, ENVELOPE_VERSION, Envelope, MAIN_GROUP, NodeDescription, Principal,
};
use governance::{Seed, view};
use raft::{Clock as _, Handle, Member, Replica, SystemClock};
use storage::DataDir;
use tokio::net::TcpListener;
use types::{RaftId, Timestamp};

use crate::cluster_key::ClusterKey;
use crate::config::{Config, ConfigError, Encryption, Settings};
use crate::exports::Exports;
use crate::founding;
use crate::identity::{Identity, IdentityError, Joining};
use crate::joining;
use crate::keys::{InForce, KeyError, NodeKeys};
use crate::ports;
use crate::quarantine::Quarantine;
use crate::rebuild::RebuildError;
use crate::recovery;
use crate::resealing::Stores;
use crate::sealing::Sealing;
use crate::telemetry::{self, Telemetry};
use crate::tls::Certificates;
use crate::usage::Usage;
use crate::watch::{Watch, Watched};

pub use serving::Stopped;

/// A node cannot start, or cannot go on. Said in one sentence, with its causes.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting means nothing.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An address is taken or not ours.
    #[error("cannot listen on {address} for {purpose}")]
    Listen {
        /// The address.
        address: String,
        /// `clients` or `other nodes`.
        purpose: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// Data directory, log or state.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The directory belongs to somebody else.
    #[error(
        "the data directory `{path}` belongs to node `{found}`, not `{asked}`: give \
         `--node-id {found}` or another directory"
    )]
    OtherNode {
        /// The directory.
        path: String,
        /// Whose it is.
        found: String,
        /// Who was to start.
        asked: String,
    },
    /// A join was begun in it and has not ended.
    #[error(
        "the data directory `{path}` began to join a cluster as `{name}`: start with --join \
         again, or use an empty directory"
    )]
    HalfJoined {
        /// The directory.
        path: String,
        /// The name it asked for.
        name: String,
    },
    /// A file of the node.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// No randomness.
    #[error("cannot draw random bytes: {0}")]
    Random(getrandom::Error),
    /// Raft does not start.
    #[error("cannot start the replica")]
    Replica(#[from] raft::StartError),
    /// Raft does not found.
    #[error("cannot found the cluster: {0}")]
    Raft(raft::ChangeError),
    /// Genesis was answered as it cannot be.
    #[error("genesis was answered by {0}")]
    Genesis(String),
    /// The state cannot be read.
    #[error("cannot read the state")]
    State(#[source] io::Error),
    /// The state is damaged.
    #[error(transparent)]
    Damaged(Corruption),
    /// Nobody let this node in.
    #[error("cannot join through {urls}: {why}")]
    Join {
        /// Whom it asked.
        urls: String,
        /// What they said last.
        why: String,
    },
    /// The state was found bad, and nobody said that it may be replaced.
    #[error(
        "this node has diverged ({reason}): start it with `--rebuild auto` to have its state \
         replaced by that of another member"
    )]
    Diverged {
        /// What was found.
        reason: String,
    },
    /// The state cannot be replaced.
    #[error("cannot replace the state")]
    Rebuild(#[from] RebuildError),
    /// Certificates that are of no use.
    #[error("cannot use the certificates {files}: {why}")]
    Certificates {
        /// Which files.
        files: String,
        /// Why.
        why: String,
    },
    /// The runtime.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    /// The directory of exports.
    #[error("cannot use the directory of exports")]
    Exports {
        /// The cause.
        source: io::Error,
    },
    /// Metrics or signals.
    #[error("cannot set up {what}: {why}")]
    Setup {
        /// What.
        what: &'static str,
        /// Why.
        why: String,
    },
}

impl StartError {
    pub(crate) fn raft(error: raft::ChangeError) -> Self {
        Self::Raft(error)
    }
}

/// A node that runs: what its tasks share.
#[derive(Clone)]
pub(crate) struct Running {
    pub(crate) handle: Handle<ports::State>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) keys: Arc<NodeKeys>,
    pub(crate) quarantine: Quarantine,
    pub(crate) watch: Watch,
    pub(crate) cluster_key: ClusterKey,
    pub(crate) usage: Usage,
    pub(crate) exports: Exports,
    pub(crate) config: Arc<Config>,
    pub(crate) started: Instant,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl Running {
    /// This node as the ledger lists it.
    pub(crate) fn description(&self) -> NodeDescription {
        describe(&self.config, &self.identity.name, &self.keys)
    }

    /// The keys that the ledger lists as in force. The state is read when it is
    /// asked for: of an older one it would be remembered what holds no more.
    pub(crate) fn keys_in_force(&self) -> Arc<InForce> {
        self.keys.in_force(|id| {
            let state = self.handle.view().ok()?;
            view::key(&state, id).ok().flatten()
        })
    }

    /// A command of this node on its own account.
    ///
    /// # Errors
    /// When there is no randomness.
    pub(crate) fn envelope(&self, command: Command) -> Result<Envelope, getrandom::Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        Ok(Envelope {
            version: ENVELOPE_VERSION,
            group: MAIN_GROUP.to_owned(),
            command,
            principal: Principal::node(&self.identity.name),
            idempotency: None,
            seed: Seed(seed),
            asked_node: self.identity.name.clone(),
        })
    }

    /// This node as the membership lists it.
    pub(crate) fn member(&self) -> Member {
        member(&self.description())
    }
}

/// A node as it introduces itself.
pub(crate) fn describe(config: &Config, name: &str, keys: &NodeKeys) -> NodeDescription {
    NodeDescription {
        name: name.to_owned(),
        api_address: config
            .advertise
            .clone()
            .unwrap_or_else(|| format!("{}://{}", config.scheme(), config.listen)),
        peer_address: config
            .peer_advertise
            .clone()
            .unwrap_or_else(|| config.peer_listen.to_string()),
        region: config.region.clone(),
        zone: config.zone.clone(),
        keys: keys.public(),
    }
}

/// The same for the membership.
pub(crate) fn member(node: &NodeDescription) -> Member {
    Member {
        name: node.name.clone(),
        peer_address: node.peer_address.clone(),
        api_address: node.api_address.clone(),
        region: node.region.clone(),
        zone: node.zone.clone(),
    }
}

/// Runs `lexecon serve` until it is told to stop.
///
/// # Errors
/// [`StartError`] when it cannot start.
pub fn serve(flags: &ArgMatches) -> Result<Stopped, StartError> {
    // What is not text is no setting of ours.
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let environment: BTreeMap<String, String> = environment.collect();
    let settings = Settings::gather(flags, &environment)?;
    if flags.get_flag("print_config") {
        return Ok(Stopped::Printed(settings.print()));
    }
    let config = settings.validate()?;
    let telemetry = telemetry::start(&config)?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(config.workers.max(1)).thread_name("lexecon").enable_all();
    let runtime = runtime.build().map_err(StartError::Runtime)?;
    let stopped = runtime.block_on(run(config, telemetry));
    // What still reads or computes on threads of its own is not waited for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    let stopped = stopped?;
    if stopped == Stopped::Diverged {
        return Err(StartError::Runtime(begin_anew()));
    }
    Ok(stopped)
}

/// Puts a new process of the same program in the place of this one: it rebuilds
/// the state before its replica starts. Returns only if that is not possible.
fn begin_anew() -> io::Error {
    let mut arguments = std::env::args_os();
    let mut anew = std::process::Command::new("/proc/self/exe");
    if let Some(name) = arguments.next() {
        anew.arg0(name);
    }
    anew.args(arguments).exec()
}

/// What is opened before the replica starts.
struct Opened {
    dir: DataDir,
    keys: NodeKeys,
    cluster_key: ClusterKey,
    identity: Identity,
    /// Set while the node has not got what it joined for.
    joining: Option<Joining>,
    clients: Listeners,
    peers: TcpListener,
    certificates: Certificates,
}

/// Where clients come in.
struct Listeners {
    api: TcpListener,
    /// `/metrics`, where that has an address of its own.
    metrics: Option<TcpListener>,
}

async fn run(mut config: Config, telemetry: Telemetry) -> Result<Stopped, StartError> {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let started = Instant::now();
    let opened = open(&mut config, &telemetry).await?;
    let Opened { dir, keys, cluster_key, identity, joining, clients, peers, certificates } = opened;
    let log = ports::Log(storage::Log::open(&dir, storage::log::Config::default())?);
    telemetry.watch_storage(&log.0)?;
    let tls = certificates.peers();
    let raft_config = raft::Config { tls, ..raft_config(&config, &identity) };
    let rebuilt_through = recovery::before_start(&dir, &config, &raft_config, &log).await?;
    let state = storage::State::open(&dir, storage::Group::main())?;
    telemetry.watch_encryption(state.keyring())?;
    let stores = Stores { dir: dir.clone(), log: log.0.clone(), state: state.clone() };
    let (keys, quarantine) = (Arc::new(keys), Quarantine::default());
    let metrics = telemetry.api.clone();
    let me = identity.raft_id;
    let watched = Watched {
        raft_id: me,
        keys: Arc::clone(&keys),
        cluster_key: cluster_key.clone(),
        quarantine: quarantine.clone(),
        metrics,
    };
    let watch = Watch::new(watched, rebuilt_through);
    let exports = Exports::open(dir.path(), config.exports)
        .map_err(|source| StartError::Exports { source })?;
    let replica = Replica::start(raft::Start {
        config: raft_config,
        listener: peers,
        log,
        state: ports::State(state),
        clock: Arc::new(SystemClock),
        observer: watch.clone(),
    })
    .await?;
    watch.attach(replica.handle());
    let running = Running {
        handle: replica.handle(),
        identity: Arc::new(identity),
        keys,
        quarantine,
        watch,
        cluster_key,
        usage: Usage::default(),
        exports,
        config: Arc::new(config),
        started,
    };
    tracing::info!(
        node = %running.identity.name,
        raft_id = running.identity.raft_id.0,
        cluster = %running.identity.cluster_id,
        "the replica has started"
    );
    let entrance = serving::Entrance { listeners: clients, certificates, joining };
    serving::serve(running, replica, entrance, stores, telemetry).await
}

/// Opens everything that another process could hold, before anything is
/// written that could not be taken back.
async fn open(config: &mut Config, telemetry: &Telemetry) -> Result<Opened, StartError> {
    let dir = DataDir::open(&config.data_dir)?;
    let now = SystemClock.now();
    let (keys, cluster_key) = unlock(config, &dir, now)?;
    let api = listen(config.listen, "clients").await?;
    let metrics = match config.metrics_listen {
        Some(address) => Some(listen(address, "metrics").await?),
        None => None,
    };
    let peers = listen(config.peer_listen, "other nodes").await?;
    // Port 0 asks for any port: what was given is what others are told.
    config.listen = api.local_addr().unwrap_or(config.listen);
    if let Some(metrics) = &metrics {
        config.metrics_listen = metrics.local_addr().ok();
    }
    config.peer_listen = peers.local_addr().unwrap_or(config.peer_listen);
    let known = Identity::load(&dir)?;
    let name = node_name(config, known.as_ref())?;
    // Before anybody is asked: a node that nobody would believe must not become
    // a member.
    let certificates = Certificates::load(&config.tls, &name, telemetry)?;
    let (identity, joining) = match known {
        Some(identity) => (identity, Joining::load(&dir)?),
        None if config.join.is_empty() => {
            if let Some(joining) = Joining::load(&dir)? {
                return Err(StartError::HalfJoined {
                    path: config.data_dir.display().to_string(),
                    name: joining.name,
                });
            }
            cluster_key.draw(&dir)?;
            let cluster_id = founding::draw_cluster_id(now)?;
            let identity = Identity { cluster_id, raft_id: RaftId(1), name, incarnation: 1 };
            identity.save(&dir)?;
            (identity, None)
        }
        None => {
            let node = describe(config, &name, &keys);
            let (identity, joining) = joining::ask(config, &dir, node).await?;
            (identity, Some(joining))
        }
    };
    let clients = Listeners { api, metrics };
    Ok(Opened { dir, keys, cluster_key, identity, joining, clients, peers, certificates })
}

/// Opens whatever is sealed, before anything is changed: a wrong key leaves the
/// directory as it was.
fn unlock(
    config: &Config,
    dir: &DataDir,
    now: Timestamp,
) -> Result<(NodeKeys, ClusterKey), StartError> {
    let Encryption { data, data_previous, node, node_previous, .. } = &config.encryption;
    let sealing = Sealing::new(node.clone(), node_previous.clone());
    NodeKeys::check(dir, &sealing)?;
    let cluster_key = ClusterKey::read(dir, &sealing)?;
    match data {
        Some(key) => dir.unlock(key, data_previous.as_ref())?,
        None => drop(dir.keyring()?),
    }
    let keys = NodeKeys::open(dir, sealing, now)?;
    cluster_key.renew(dir)?;
    Ok((keys, cluster_key))
}

/// The name given, else the directory's, else the host's.
fn node_name(config: &Config, known: Option<&Identity>) -> Result<String, StartError> {
    match (&config.node_id, known) {
        (Some(asked), Some(known)) if *asked != known.name => Err(StartError::OtherNode {
            path: config.data_dir.display().to_string(),
            found: known.name.clone(),
            asked: asked.clone(),
        }),
        (_, Some(known)) => Ok(known.name.clone()),
        (Some(asked), None) => Ok(asked.clone()),
        (None, None) => Ok(host_name()),
    }
}

/// The host's name, as far as it can be a node's.
fn host_name() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let known = |c: &char| c.is_ascii_alphanumeric() || "_-.".contains(*c);
    let name: String = host.chars().filter(known).take(64).collect();
    if name.is_empty() { "node".to_owned() } else { name }
}

async fn listen(
    address: std::net::SocketAddr,
    purpose: &'static str,
) -> Result<TcpListener, StartError> {
    let failed = |source| StartError::Listen { address: address.to_string(), purpose, source };
    TcpListener::bind(address).await.map_err(failed)
}

fn raft_config(config: &Config, identity: &Identity) -> raft::Config {
    let group = governance::command::MAIN_GROUP;
    let defaults = raft::Config::new(identity.cluster_id, group, identity.raft_id);
    raft::Config {
        heartbeat: config.heartbeat,
        election_timeout_min: config.election_timeout_min,
        election_timeout_max: config.election_timeout_max,
        bounds: raft::Bounds { outcome_wait: config.request_timeout, ..defaults.bounds.clone() },
        retention: raft::Retention {
            log_bytes_max: config.log_bytes_max,
            log_age_max: config.log_age_max,
            ..defaults.retention.clone()
        },
        ..defaults
    }
}

/// How long a stop may take from the signal on.
pub(crate) const STOP_MAX: Duration = Duration::from_secs(10);
