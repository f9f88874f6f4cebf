//! Logs and metrics of the node.
//!
//! Families of the interface are the interface's own; here are those of raft
//! and storage, read when they are asked for. Their names are part of the
//! contract with whoever draws them: see `METRICS`.

use std::fmt;
use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};
use raft::Handle;
use tracing_subscriber::EnvFilter;
use types::LogIndex;

use crate::config::Config;
use crate::ports;
use crate::run::StartError;

/// Gauges of raft and storage: name and what it says.
const METRICS: [(&str, &str); 13] = [
    ("lexecon_raft_has_leader", "1 where a leader is known, else 0"),
    ("lexecon_raft_last_log_index", "Last record of the log"),
    ("lexecon_raft_commit_index", "Last record known to be committed"),
    ("lexecon_raft_voters", "Members with a vote"),
    ("lexecon_raft_learners", "Members without a vote"),
    ("lexecon_storage_log_bytes", "Bytes of the log that are not purged"),
    ("lexecon_storage_log_syncs", "Synced writes of the log since start"),
    ("lexecon_storage_log_tail_bytes", "Bytes of the log held in memory"),
    ("lexecon_encryption_enabled", "1 where log, state and snapshots are sealed, else 0"),
    ("lexecon_encryption_data_keys", "Keys that they are sealed or opened with"),
    ("lexecon_encryption_pending", "1 while something may not be sealed with the active key"),
    ("lexecon_encryption_rewritten_rows", "Rows sealed anew since start"),
    ("lexecon_node_failed", "1 once the node has stopped serving, else 0"),
];

/// What the node is watched by.
#[derive(Clone, Debug)]
pub struct Telemetry {
    pub(crate) registry: Registry,
    pub(crate) api: api::Metrics,
    /// Tries to deliver notices, by result.
    pub(crate) notices: IntCounterVec,
    /// When certificates end, by use.
    pub(crate) expiry: IntGaugeVec,
    /// What was refused as not another node's, by kind.
    pub(crate) refusals: IntCounterVec,
}

/// Starts logging and makes the registry.
///
/// # Errors
/// [`StartError::Setup`] when either was set up before in this process.
pub fn start(config: &Config) -> Result<Telemetry, StartError> {
    log(config)?;
    Telemetry::new()
}

impl Telemetry {
    /// Makes the registry.
    pub(crate) fn new() -> Result<Self, StartError> {
        let registry = Registry::new();
        let api = api::Metrics::new(&registry).map_err(metrics)?;
        let opts = Opts::new("lexecon_notices_total", "Tries to deliver notices");
        let notices = IntCounterVec::new(opts, &["result"]).map_err(metrics)?;
        registry.register(Box::new(notices.clone())).map_err(metrics)?;
        let opts = Opts::new(
            "lexecon_certificate_expiry_timestamp_seconds",
            "When the certificate in force ends, in seconds since 1970",
        );
        let expiry = IntGaugeVec::new(opts, &["use"]).map_err(metrics)?;
        registry.register(Box::new(expiry.clone())).map_err(metrics)?;
        let opts =
            Opts::new("lexecon_peer_refusals_total", "What was refused as not another node's");
        let refusals = IntCounterVec::new(opts, &["kind"]).map_err(metrics)?;
        registry.register(Box::new(refusals.clone())).map_err(metrics)?;
        Ok(Self { registry, api, notices, expiry, refusals })
    }
}

fn metrics(err: prometheus::Error) -> StartError {
    StartError::Setup { what: "metrics", why: err.to_string() }
}

fn log(config: &Config) -> Result<(), StartError> {
    let level = match config.log_level.to_ascii_uppercase().as_str() {
        "ERROR" => "error",
        "WARNING" | "WARN" => "warn",
        "DEBUG" => "debug",
        "TRACE" => "trace",
        _ => "info",
    };
    // openraft tells every failed try to reach a peer as a warning, many a second;
    // what an operator acts on, who leads and who is lost, is told by us.
    let others = if level == "info" || level == "warn" { "error" } else { level };
    let filter = EnvFilter::new(format!("{level},openraft={others},h2=warn,hyper=warn,tower=warn"));
    let logger = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let set = match config.log_format.as_str() {
        "json" => logger.json().try_init(),
        _ => logger.with_ansi(false).try_init(),
    };
    set.map_err(|err| StartError::Setup { what: "logging", why: err.to_string() })
}

impl Telemetry {
    /// Shows what the replica says about itself.
    pub(crate) fn watch_replica(&self, handle: &Handle<ports::State>) -> Result<(), StartError> {
        let handle = handle.clone();
        let read = move || {
            let status = handle.status();
            let index = |index: Option<LogIndex>| index.map_or(0, |index| index.0);
            vec![
                ("lexecon_raft_has_leader", u64::from(status.leader.is_some())),
                ("lexecon_raft_last_log_index", index(status.last_log_index)),
                ("lexecon_raft_commit_index", index(status.commit_index)),
                ("lexecon_raft_voters", count(status.voters.len())),
                ("lexecon_raft_learners", count(status.learners.len())),
                ("lexecon_node_failed", u64::from(status.failed.is_some())),
            ]
        };
        self.watch("raft", read)
    }

    /// Shows what the log says about itself.
    pub(crate) fn watch_storage(&self, log: &storage::Log) -> Result<(), StartError> {
        let log = log.clone();
        let read = move || {
            vec![
                ("lexecon_storage_log_bytes", log.bytes()),
                ("lexecon_storage_log_syncs", log.syncs()),
                ("lexecon_storage_log_tail_bytes", count(log.tail_bytes())),
            ]
        };
        self.watch("storage", read)
    }

    /// Shows how far sealing anew has come.
    pub(crate) fn watch_encryption(&self, keyring: &storage::Keyring) -> Result<(), StartError> {
        let keyring = keyring.clone();
        let read = move || {
            let status = keyring.status();
            vec![
                ("lexecon_encryption_enabled", u64::from(status.seals)),
                ("lexecon_encryption_data_keys", count(status.keys)),
                ("lexecon_encryption_pending", u64::from(status.is_pending)),
                ("lexecon_encryption_rewritten_rows", status.rewritten),
            ]
        };
        self.watch("encryption", read)
    }

    fn watch(
        &self,
        what: &'static str,
        read: impl Fn() -> Vec<(&'static str, u64)> + Send + Sync + 'static,
    ) -> Result<(), StartError> {
        let of = |name: &str| METRICS.iter().find(|(known, _)| *known == name);
        let mut gauges = Vec::new();
        for (name, _) in read() {
            let help = of(name).map_or("", |(_, help)| *help);
            gauges.push((name, IntGauge::new(name, help).map_err(metrics)?));
        }
        let gauges = Gauges { what, gauges, read: Arc::new(read) };
        self.registry.register(Box::new(gauges)).map_err(metrics)
    }
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Gauges that are read when they are collected.
struct Gauges<F> {
    what: &'static str,
    gauges: Vec<(&'static str, IntGauge)>,
    read: Arc<F>,
}

impl<F> fmt::Debug for Gauges<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gauges").field("of", &self.what).finish_non_exhaustive()
    }
}

impl<F: Fn() -> Vec<(&'static str, u64)> + Send + Sync> Collector for Gauges<F> {
    fn desc(&self) -> Vec<&Desc> {
        self.gauges.iter().flat_map(|(_, gauge)| gauge.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let values = (self.read)();
        for (name, gauge) in &self.gauges {
            let value = values.iter().find(|(known, _)| known == name);
            gauge.set(value.map_or(0, |(_, value)| i64::try_from(*value).unwrap_or(i64::MAX)));
        }
        self.gauges.iter().flat_map(|(_, gauge)| gauge.collect()).collect()
    }
}
