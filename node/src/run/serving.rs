//! From a started replica to a stopped one.

use std::time::Duration;

use raft::Replica;
use storage::DataDir;
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{Listeners, Running, STOP_MAX, StartError};
use crate::backend::ReplicaBackend;
use crate::config::Rebuild;
use crate::identity::Joining;
use crate::resealing::{self, Stores};
use crate::telemetry::Telemetry;
use crate::tls::Certificates;
use crate::{
    admin, checkpoints, cluster_key, exports, forgetting, founding, joining, notices, ports,
    quarantine, recovery, retention, rotation, scrub, sweep, usage,
};

/// How a node ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Stopped {
    /// It only printed its settings.
    Printed(String),
    /// It was told to.
    Asked,
    /// It could not go on, and why.
    Failed(String),
    /// It is not what the others are: its state is to be rebuilt.
    Diverged,
}

/// Part of the time a stop may take to report what was used.
const FLUSH_MAX: Duration = Duration::from_secs(2);

/// Part of the time a stop may take that connections have to end.
const DRAIN_MAX: Duration = Duration::from_secs(3);

/// By what others come to this node, and it to them.
pub(super) struct Entrance {
    pub(super) listeners: Listeners,
    pub(super) certificates: Certificates,
    /// Set while the node has not got what it joined for.
    pub(super) joining: Option<Joining>,
}

pub(super) async fn serve(
    running: Running,
    replica: Replica<ports::State>,
    entrance: Entrance,
    stores: Stores,
    telemetry: Telemetry,
) -> Result<Stopped, StartError> {
    let Entrance { listeners, certificates, joining } = entrance;
    let (stop, dir) = (CancellationToken::new(), stores.dir.clone());
    let backend = ReplicaBackend::new(running.clone());
    telemetry.watch_replica(&running.handle)?;
    let socket = admin::listen(&dir);
    let Listeners { api, metrics } = listeners;
    let doors = Doors { api, metrics, certificates: certificates.api(), socket };
    let api = serve_api(&running, backend, doors, &telemetry, stop.clone());
    let mut tasks = tasks(&running, (stores, joining), &telemetry, &stop);
    tasks.push(tokio::spawn(certificates.watch(stop.clone())));
    // One from the beginning to the end: no signal falls between two.
    let mut told = tokio::spawn(signalled());
    let ended = wait(&running, &mut told).await?;
    tracing::info!(why = ?ended, "stopping");
    let stop_tasks = || tasks.iter().for_each(JoinHandle::abort);
    if ended == Stopped::Diverged {
        stop_tasks();
        quarantine::leave(&running, replica, &dir).await;
        // Who is to decide finds the node alive and out of everything.
        if running.config.rebuild == Rebuild::Manual {
            heard(told.await)?;
            stop.cancel();
            drain(api).await;
            return Ok(Stopped::Asked);
        }
        stop.cancel();
        drain(api).await;
        return Ok(if told.is_finished() { Stopped::Asked } else { ended });
    }
    // It may have been found out in the last moment.
    quarantine::note(&running, &dir, None);
    let stopping = async {
        stop_tasks();
        // No new connections, then what is in progress is answered by a replica
        // that still serves.
        stop.cancel();
        drain(api).await;
        if tokio::time::timeout(FLUSH_MAX, usage::flush(&running)).await.is_err() {
            tracing::warn!("who read personal parts lately is not recorded");
        }
        replica.shutdown().await;
        running.watch.detach();
        admin::remove(&dir);
    };
    if tokio::time::timeout(STOP_MAX, stopping).await.is_err() {
        tracing::warn!("did not stop in time; what is not flushed is replayed from the log");
    }
    Ok(ended)
}

async fn drain(api: JoinHandle<()>) {
    if tokio::time::timeout(DRAIN_MAX, api).await.is_err() {
        tracing::warn!("connections were still open when the time to stop was up");
    }
}

/// What goes on beside answering requests.
fn tasks(
    running: &Running,
    (stores, joining): (Stores, Option<Joining>),
    telemetry: &Telemetry,
    stop: &CancellationToken,
) -> Vec<JoinHandle<()>> {
    let dir = stores.dir.clone();
    vec![
        tokio::spawn(settle(running.clone(), dir.clone(), joining, stop.clone())),
        tokio::spawn(checkpoints::run(running.clone(), stop.clone())),
        tokio::spawn(rotation::run(running.clone(), stop.clone())),
        tokio::spawn(scrub::open(running.clone(), stop.clone())),
        tokio::spawn(scrub::run(running.clone(), stop.clone())),
        tokio::spawn(cluster_key::run(running.clone(), dir.clone(), stop.clone())),
        tokio::spawn(usage::run(running.clone(), stop.clone())),
        tokio::spawn(sweep::run(running.clone(), stop.clone())),
        tokio::spawn(retention::run(running.clone(), stop.clone())),
        tokio::spawn(notices::run(running.clone(), telemetry.notices.clone(), stop.clone())),
        tokio::spawn(forgetting::run(running.clone(), dir.clone(), stop.clone())),
        tokio::spawn(recovery::after_start(running.clone(), dir, stop.clone())),
        tokio::spawn(resealing::run(running.clone(), stores, stop.clone())),
        tokio::spawn(exports::job::run(running.clone(), stop.clone())),
        tokio::spawn(crate::regulation::run(running.clone(), stop.clone())),
    ]
}

/// Where the interface is served.
struct Doors {
    api: TcpListener,
    metrics: Option<TcpListener>,
    certificates: Option<api::Certificates>,
    socket: Option<UnixListener>,
}

fn serve_api(
    running: &Running,
    backend: ReplicaBackend,
    doors: Doors,
    telemetry: &Telemetry,
    stop: CancellationToken,
) -> JoinHandle<()> {
    let Doors { api, metrics: metrics_listener, certificates, socket } = doors;
    let config = api::Config {
        rates: running.config.rates,
        trusted_proxies: running.config.trusted_proxies.clone(),
        metrics_elsewhere: running.config.metrics_listen.is_some(),
        cors_origins: running.config.cors_origins.clone(),
        metrics_enabled: running.config.metrics,
        concurrency_max: running.config.concurrency_max,
        impact_gate: running.config.impact_gate,
        auth: running.config.auth,
        // Where a proxy ends TLS, browsers see `https` all the same.
        is_tls: certificates.is_some() || is_https(running.config.base_url.as_deref()),
        base_url: running.config.base_url.clone(),
        oidc: running.config.oidc.clone(),
        ..api::Config::default()
    };
    let (metrics, registry) = (telemetry.api.clone(), telemetry.registry.clone());
    let of_metrics = metrics_listener.map(|listener| {
        let (metrics, registry) = (metrics.clone(), registry.clone());
        (listener, api::metrics_router(backend.clone(), config.clone(), metrics, registry))
    });
    let router = api::router(backend, config, metrics, registry);
    let limits = api::Limits { grace: DRAIN_MAX, ..api::Limits::default() };
    let administrator = socket.map(|socket| {
        tokio::spawn(api::serve_socket(socket, router.clone(), stop.clone(), limits))
    });
    tokio::spawn(async move {
        let of_metrics = async {
            match of_metrics {
                Some((listener, router)) => {
                    let door = (listener, certificates.clone());
                    serve_on(door, router, stop.clone(), limits).await
                }
                None => Ok(()),
            }
        };
        let of_clients = serve_on((api, certificates.clone()), router, stop.clone(), limits);
        let (clients, metrics) = tokio::join!(of_clients, of_metrics);
        if let Err(error) = clients.and(metrics) {
            tracing::error!(%error, "the interface stopped serving");
        }
        if let Some(Err(error)) = join(administrator).await {
            tracing::error!(%error, "the admin socket was not served to its end");
        }
    })
}

/// Serves over TLS where there are certificates.
async fn serve_on(
    (listener, certificates): (TcpListener, Option<api::Certificates>),
    router: api::Router,
    stop: CancellationToken,
    limits: api::Limits,
) -> std::io::Result<()> {
    match certificates {
        None => api::serve(listener, router, stop, limits).await,
        Some(certificates) => {
            let socket = api::SecureListener { listener, certificates };
            api::serve_tls(socket, router, stop, limits).await
        }
    }
}

async fn join(task: Option<JoinHandle<()>>) -> Option<Result<(), JoinError>> {
    match task {
        Some(task) => Some(task.await),
        None => None,
    }
}

/// Founds or joins, until it is done.
async fn settle(running: Running, dir: DataDir, joining: Option<Joining>, stop: CancellationToken) {
    let done = async {
        match joining {
            Some(joining) => joining::finish(&running, &dir, &joining).await,
            None if running.identity.raft_id.0 == 1 => {
                founding::found(&running, &running.config.log_name).await
            }
            None => Ok(()),
        }
    };
    tokio::select! {
        done = done => {
            if let Err(error) = done {
                tracing::error!(%error, "this node is not what it was started to become");
            }
        }
        () = stop.cancelled() => (),
    }
}

fn is_https(url: Option<&str>) -> bool {
    url.is_some_and(|url| url.starts_with("https://"))
}

/// Waits for a signal, a failure, or the news that this node has diverged.
async fn wait(running: &Running, told: &mut Told) -> Result<Stopped, StartError> {
    Ok(tokio::select! {
        biased;
        () = running.quarantine.entered() => Stopped::Diverged,
        told = told => heard(told)?,
        why = running.handle.failed() => Stopped::Failed(why),
    })
}

/// A task that ends with the first signal.
type Told = JoinHandle<Result<Stopped, StartError>>;

fn heard(told: Result<Result<Stopped, StartError>, JoinError>) -> Result<Stopped, StartError> {
    let failed = |err: JoinError| StartError::Setup { what: "signals", why: err.to_string() };
    told.map_err(failed)?
}

async fn signalled() -> Result<Stopped, StartError> {
    let setup = |err: std::io::Error| StartError::Setup { what: "signals", why: err.to_string() };
    let mut terminate = signal(SignalKind::terminate()).map_err(setup)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(setup)?;
    tokio::select! {
        _ = terminate.recv() => (),
        _ = interrupt.recv() => (),
    }
    Ok(Stopped::Asked)
}
