//! From a started replica to a stopped one.

use std::time::Duration;

use raft::Replica;
use storage::DataDir;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{Listeners, Running, STOP_MAX, StartError};
use crate::backend::ReplicaBackend;
use crate::config::Rebuild;
use crate::identity::Joining;
use crate::telemetry::Telemetry;
use crate::{
    checkpoints, forgetting, founding, joining, notices, ports, quarantine, recovery, rotation,
    scrub, sweep,
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

/// Part of the time a stop may take that connections have to end.
const DRAIN_MAX: Duration = Duration::from_secs(3);

pub(super) async fn serve(
    running: Running,
    replica: Replica<ports::State>,
    listeners: Listeners,
    dir: DataDir,
    joining: Option<Joining>,
    telemetry: Telemetry,
) -> Result<Stopped, StartError> {
    let stop = CancellationToken::new();
    let backend = ReplicaBackend::new(running.clone());
    telemetry.watch_replica(&running.handle)?;
    let api = serve_api(&running, backend, listeners, &telemetry, stop.clone());
    let tasks = tasks(&running, &dir, joining, &telemetry, &stop);
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
        replica.shutdown().await;
        running.watch.detach();
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
    dir: &DataDir,
    joining: Option<Joining>,
    telemetry: &Telemetry,
    stop: &CancellationToken,
) -> Vec<JoinHandle<()>> {
    vec![
        tokio::spawn(settle(running.clone(), dir.clone(), joining, stop.clone())),
        tokio::spawn(checkpoints::run(running.clone(), stop.clone())),
        tokio::spawn(rotation::run(running.clone(), stop.clone())),
        tokio::spawn(scrub::open(running.clone(), stop.clone())),
        tokio::spawn(scrub::run(running.clone(), stop.clone())),
        tokio::spawn(sweep::run(running.clone(), stop.clone())),
        tokio::spawn(notices::run(running.clone(), telemetry.notices.clone(), stop.clone())),
        tokio::spawn(forgetting::run(running.clone(), dir.clone(), stop.clone())),
        tokio::spawn(recovery::after_start(running.clone(), dir.clone(), stop.clone())),
    ]
}

fn serve_api(
    running: &Running,
    backend: ReplicaBackend,
    listeners: Listeners,
    telemetry: &Telemetry,
    stop: CancellationToken,
) -> JoinHandle<()> {
    let config = api::Config {
        auth: running.config.auth,
        rates: running.config.rates,
        trusted_proxies: running.config.trusted_proxies.clone(),
        metrics_elsewhere: running.config.metrics_listen.is_some(),
        cors_origins: running.config.cors_origins.clone(),
        metrics_enabled: running.config.metrics,
        concurrency_max: running.config.concurrency_max,
        impact_gate: running.config.impact_gate,
        ..api::Config::default()
    };
    let (metrics, registry) = (telemetry.api.clone(), telemetry.registry.clone());
    let of_metrics = listeners.metrics.map(|listener| {
        let (metrics, registry) = (metrics.clone(), registry.clone());
        (listener, api::metrics_router(backend.clone(), config.clone(), metrics, registry))
    });
    let router = api::router(backend, config, metrics, registry);
    let limits = api::Limits { grace: DRAIN_MAX, ..api::Limits::default() };
    tokio::spawn(async move {
        let of_metrics = async {
            match of_metrics {
                Some((listener, router)) => {
                    api::serve(listener, router, stop.clone(), limits).await
                }
                None => Ok(()),
            }
        };
        let of_clients = api::serve(listeners.api, router, stop.clone(), limits);
        let (clients, metrics) = tokio::join!(of_clients, of_metrics);
        if let Err(error) = clients.and(metrics) {
            tracing::error!(%error, "the interface stopped serving");
        }
    })
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
