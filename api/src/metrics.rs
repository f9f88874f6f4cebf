//! What this node counts. Every metric of the interface is named here.
//!
//! The label `endpoint` is the template of a route, never a path: a caller must
//! not be able to make time series.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use governance::view::{self, EntryQuery};
use governance::{Direction, Read};
use ledger::EntryType;
use prometheus::core::Collector;
use prometheus::{
    Encoder as _, Histogram, HistogramOpts, HistogramTimer, IntCounter, IntCounterVec, IntGauge,
    Opts, Registry, TextEncoder,
};

use crate::backend::{Role, Status};
use crate::problem::Problem;

/// Seconds; a decision takes milliseconds when all is well.
const DURATION_BUCKETS: [f64; 12] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 10.0];

/// The metrics of the interface; clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    decisions: IntCounterVec,
    decision_duration: Histogram,
    requests: IntCounterVec,
    entries: IntCounterVec,
    /// What was counted of each type at the last look, since entries also come
    /// from other nodes.
    entries_seen: Arc<Mutex<BTreeMap<EntryType, u64>>>,
    ledger_size: IntGauge,
    tokens_issued: IntCounter,
    tokens_verified: IntCounterVec,
    policies_loaded: IntCounter,
    term: IntGauge,
    applied_index: IntGauge,
    is_leader: IntGauge,
    divergence_checks: IntCounterVec,
}

impl Metrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// When the registry has one of these names already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counters = |name: &str, help: &str, labels: &[&str]| {
            IntCounterVec::new(Opts::new(name, help), labels).and_then(|new| put(registry, new))
        };
        let counter =
            |name: &str, help: &str| IntCounter::new(name, help).and_then(|new| put(registry, new));
        let gauge =
            |name: &str, help: &str| IntGauge::new(name, help).and_then(|new| put(registry, new));
        let duration = HistogramOpts::new(
            "lexecon_decision_duration_seconds",
            "Time from taking a request for a decision until it is applied here",
        );
        Ok(Self {
            decisions: counters(
                "lexecon_decisions_total",
                "Decisions recorded through this node",
                &["outcome", "policy_mode"],
            )?,
            decision_duration: put(
                registry,
                Histogram::with_opts(duration.buckets(DURATION_BUCKETS.to_vec()))?,
            )?,
            requests: counters(
                "lexecon_http_requests_total",
                "Requests answered by this node",
                &["method", "endpoint", "status"],
            )?,
            entries: counters(
                "lexecon_ledger_entries_total",
                "Entries of the ledger by type, as this node has applied them",
                &["entry_type"],
            )?,
            entries_seen: Arc::default(),
            ledger_size: gauge("lexecon_ledger_size", "Entries of the ledger on this node")?,
            tokens_issued: counter(
                "lexecon_tokens_issued_total",
                "Texts of capability tokens minted by this node",
            )?,
            tokens_verified: counters(
                "lexecon_tokens_verified_total",
                "Capability tokens checked by this node",
                &["valid", "reason"],
            )?,
            policies_loaded: counter(
                "lexecon_policies_loaded_total",
                "Policies put in force through this node",
            )?,
            term: gauge("lexecon_raft_term", "Raft term this node is in")?,
            applied_index: gauge("lexecon_raft_applied_index", "Log index applied on this node")?,
            is_leader: gauge("lexecon_raft_is_leader", "1 on the leader, else 0")?,
            divergence_checks: counters(
                "lexecon_divergence_checks_total",
                "Comparisons of this node's state with that of others",
                &["result"],
            )?,
        })
    }

    /// Measures a decision until it is dropped.
    pub(crate) fn decision_timer(&self) -> HistogramTimer {
        self.decision_duration.start_timer()
    }

    pub(crate) fn decided(&self, outcome: Option<&str>, mode: Option<&str>) {
        let labels = [outcome.unwrap_or_default(), mode.unwrap_or_default()];
        self.decisions.with_label_values(&labels).inc();
    }

    pub(crate) fn answered(&self, method: &str, endpoint: &str, status: &str) {
        self.requests.with_label_values(&[method, endpoint, status]).inc();
    }

    pub(crate) fn token_issued(&self) {
        self.tokens_issued.inc();
    }

    /// Counts a token that was checked.
    pub fn token_verified(&self, valid: bool, reason: &str) {
        let valid = if valid { "true" } else { "false" };
        self.tokens_verified.with_label_values(&[valid, reason]).inc();
    }

    pub(crate) fn policy_loaded(&self) {
        self.policies_loaded.inc();
    }

    /// Counts a comparison of this node's state with that of others: `consistent`,
    /// `dissent` where another node found something else, `outvoted` where this
    /// one did.
    pub fn divergence_checked(&self, result: &'static str) {
        self.divergence_checks.with_label_values(&[result]).inc();
    }

    /// Takes over what consensus says.
    pub(crate) fn observe_status(&self, status: &Status) {
        self.term.set(shown(status.term));
        self.applied_index.set(shown(status.applied_index));
        self.is_leader.set(i64::from(status.role == Role::Leader));
    }

    /// Takes over what the ledger holds: the last number of each type is its
    /// count.
    pub(crate) fn observe_ledger(&self, read: &impl Read) -> Result<(), Problem> {
        self.ledger_size.set(shown(view::head(read)?.size()));
        let mut seen = self.entries_seen.lock().unwrap_or_else(PoisonError::into_inner);
        for entry_type in EntryType::ALL {
            let count = count(read, *entry_type)?;
            let before = seen.insert(*entry_type, count).unwrap_or(0);
            if 0 < count {
                let counter = self.entries.with_label_values(&[entry_type.as_str()]);
                counter.inc_by(count.saturating_sub(before));
            }
        }
        Ok(())
    }
}

fn count(read: &impl Read, entry_type: EntryType) -> Result<u64, Problem> {
    let query = EntryQuery {
        after: None,
        before: None,
        entry_type: Some(entry_type),
        actor: None,
        from: None,
        to: None,
        direction: Direction::Descending,
        limit: 1,
    };
    let page = view::entries(read, &query)?;
    Ok(page.entries.first().map_or(0, |entry| entry.header.type_seq))
}

fn shown(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn put<M: Collector + Clone + 'static>(
    registry: &Registry,
    metric: M,
) -> Result<M, prometheus::Error> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

/// Every metric of the registry, as Prometheus reads it.
pub(crate) fn text(registry: &Registry) -> Result<Bytes, Problem> {
    let mut bytes = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut bytes).map_err(|error| {
        tracing::error!(%error, "metrics cannot be written");
        Problem::internal()
    })?;
    Ok(bytes.into())
}
