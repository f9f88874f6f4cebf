//! This node: whether it is well, what it serves, what it counts.

pub(crate) mod docs;

use governance::view;
use types::{Json, Object};

use crate::app::App;
use crate::backend::{Backend, Status};
use crate::call::{Answer, Call};
use crate::fields::{Field, Kind};
use crate::problem::{Code, Problem};
use crate::reply::{Member, flag, free, hash, integer, list, text, time};
use crate::routes;

/// Name of the service on the wire.
const SERVICE: &str = "lexecon";

const VERSION: Member = text("version", "Release of this node.");
const NODE_ID: Member = text("node_id", "Name of this node, stable across restarts.");
const TIMESTAMP: Member = time("timestamp", "This node's clock.");

/// Reply of `GET /health`.
pub(crate) const HEALTH_REPLY: &[Member] = &[
    text("status", "`healthy` or `degraded`."),
    VERSION,
    NODE_ID,
    text("role", "`leader`, `follower`, `learner` or `candidate`."),
    text("leader_id", "Name of the leader this node knows.").or_null(),
    TIMESTAMP,
];

/// Query of `GET /health/ready`.
pub(crate) const READY_QUERY: &[Field] = &[Field::optional(
    "for",
    Kind::Word(&["writes", "reads"]),
    "With `reads`, a node without leader is ready too.",
)
.default("\"writes\"")];

/// Reply of the probes.
pub(crate) const PROBE_REPLY: &[Member] = &[
    text("status", "`ok`"),
    list(
        "checks",
        &[
            text("name", "What was looked at."),
            text("status", "`ok` or `failed`."),
            text("detail", "What was found.").or_null(),
        ],
        "Everything that was looked at.",
    ),
];

/// Reply of `GET /status`.
pub(crate) const STATUS_REPLY: &[Member] = &[
    text("status", "`operational` or `degraded`."),
    NODE_ID,
    text("cluster_id", "The cluster.").or_null(),
    flag("policy_loaded", "False while version 0 is active; null while quarantined.").or_null(),
    integer("policy_version", "The version in force; null while quarantined.").or_null(),
    hash("policy_hash", "The policy in force; null while quarantined.").or_null(),
    text("policy_mode", "Its mode; null while quarantined.").or_null(),
    integer("ledger_entries", "Entries, genesis among them; null while quarantined.").or_null(),
    integer("uptime_seconds", "Since this node started."),
    text("auth_mode", "`open` or `required`."),
    TIMESTAMP,
];

/// Reply of `GET /`.
pub(crate) const ROOT_REPLY: &[Member] =
    &[text("service", "`lexecon`"), VERSION, NODE_ID, free("endpoints", "Methods by path.")];

/// Something a probe looks at.
struct Check {
    name: &'static str,
    failure: Option<String>,
}

impl Check {
    fn new(name: &'static str, failure: Option<String>) -> Self {
        Self { name, failure }
    }

    fn to_json(&self) -> Json {
        let status = if self.failure.is_none() { "ok" } else { "failed" };
        Json::object([
            ("name", self.name.into()),
            ("status", status.into()),
            ("detail", self.failure.clone().into()),
        ])
    }
}

fn leader(status: &Status) -> Check {
    let none = || "this node knows no leader".to_owned();
    Check::new("leader", status.leader_id.is_none().then(none))
}

fn state(status: &Status) -> Check {
    let behind = || "what was committed before the start is not applied yet".to_owned();
    Check::new("state", (!status.recovered).then(behind))
}

/// Why a node stopped goes to its log; the outside learns that it did.
fn serving(status: &Status) -> Check {
    let stopped = || "this node found damage and has stopped serving".to_owned();
    Check::new("serving", status.failed.as_ref().map(|_| stopped()))
}

/// As with [`serving`], the reason is in the log of the node.
fn quarantine(status: &Status) -> Check {
    let apart = || "this node differs from the others and waits to be rebuilt".to_owned();
    Check::new("quarantine", status.quarantine.as_ref().map(|_| apart()))
}

fn disk(status: &Status) -> Check {
    let full = || "the data directory can take no more".to_owned();
    Check::new("disk", status.disk_full.then(full))
}

fn is_degraded(status: &Status) -> bool {
    let checks = [leader(status), state(status), quarantine(status), disk(status)];
    checks.iter().any(|check| check.failure.is_some())
}

/// `GET /health`.
pub(crate) fn health<B: Backend>(app: &App<B>) -> Result<Answer, Problem> {
    let status = app.backend.status();
    let stopped = [serving(&status), quarantine(&status)];
    if let Some(detail) = stopped.into_iter().find_map(|check| check.failure) {
        return Err(Problem::new(Code::NODE_QUARANTINED, detail)
            .with("health", "unhealthy")
            .with("node_id", status.node_id));
    }
    let word = if is_degraded(&status) { "degraded" } else { "healthy" };
    Ok(Answer::members([
        ("status", word.into()),
        ("version", app.config.version.into()),
        ("node_id", status.node_id.into()),
        ("role", status.role.as_str().into()),
        ("leader_id", status.leader_id.into()),
        ("timestamp", app.backend.now().to_string().into()),
    ]))
}

/// `GET /health/live`.
pub(crate) fn live() -> Answer {
    probed(&[Check::new("process", None)])
}

/// `GET /health/ready`.
pub(crate) fn ready<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let status = app.backend.status();
    let mut checks = vec![serving(&status), quarantine(&status), state(&status)];
    if call.query.word("for") != Some("reads") {
        checks.extend([leader(&status), disk(&status)]);
    }
    judged(&checks)
}

/// `GET /health/startup`.
pub(crate) fn startup<B: Backend>(app: &App<B>) -> Result<Answer, Problem> {
    judged(&[state(&app.backend.status())])
}

fn judged(checks: &[Check]) -> Result<Answer, Problem> {
    let failed: Vec<&str> =
        checks.iter().filter(|check| check.failure.is_some()).map(|check| check.name).collect();
    if failed.is_empty() {
        return Ok(probed(checks));
    }
    let checks = Json::Array(checks.iter().map(Check::to_json).collect());
    Err(Problem::new(Code::NOT_READY, format!("failed: {}", failed.join(", ")))
        .with("checks", checks))
}

fn probed(checks: &[Check]) -> Answer {
    let checks = Json::Array(checks.iter().map(Check::to_json).collect());
    Answer::members([("status", "ok".into()), ("checks", checks)])
}

/// `GET /status`. A node that waits to be rebuilt says so, and nothing of a
/// state that is not that of the others.
pub(crate) fn status<B: Backend>(app: &App<B>) -> Result<Answer, Problem> {
    let status = app.backend.status();
    let mut reply = match status.quarantine {
        Some(_) => Object::new(),
        None => in_force(app, &app.backend.view()?)?,
    };
    for member in STATUS_REPLY {
        if reply.get(member.name).is_none() {
            reply.insert(member.name, Json::Null);
        }
    }
    let word = if is_degraded(&status) { "degraded" } else { "operational" };
    reply.insert("status", word);
    reply.insert("node_id", status.node_id);
    reply.insert("cluster_id", app.backend.cluster_id().map(|id| id.to_string()));
    reply.insert("uptime_seconds", status.uptime_seconds);
    reply.insert("auth_mode", app.config.auth.as_str());
    reply.insert("timestamp", app.backend.now().to_string());
    Ok(Answer::json(reply))
}

fn in_force<B: Backend>(app: &App<B>, read: &B::View) -> Result<Object, Problem> {
    let policy = app.shared.policies.active(read)?;
    let mut members = Object::new();
    members.insert("policy_loaded", 0 < policy.version);
    members.insert("policy_version", policy.version);
    members.insert("policy_hash", policy.hash.to_string());
    members.insert("policy_mode", policy.compiled.mode().as_str());
    members.insert("ledger_entries", view::head(read)?.size());
    Ok(members)
}

/// `GET /metrics`.
pub(crate) async fn metrics<B: Backend>(app: &App<B>) -> Result<Answer, Problem> {
    if !app.config.metrics_enabled {
        return Err(Problem::new(Code::METRICS_DISABLED, "LEXECON_ENABLE_METRICS is false"));
    }
    if app.config.metrics_elsewhere {
        return Err(Problem::new(Code::METRICS_DISABLED, "metrics have an address of their own"));
    }
    let read = app.backend.view().ok();
    let status = app.backend.status();
    let shared = std::sync::Arc::clone(&app.shared);
    let work = move || {
        shared.metrics.observe_status(&status);
        if let Some(read) = read {
            shared.metrics.observe_ledger(&read)?;
        }
        crate::metrics::text(&shared.registry)
    };
    let text = app.blocking(work).await?;
    Ok(Answer::bytes("text/plain; version=0.0.4; charset=utf-8", text))
}

/// `GET /`.
pub(crate) fn root<B: Backend>(app: &App<B>) -> Answer {
    let mut endpoints = Object::new();
    for route in routes::all() {
        let mut methods = match endpoints.remove(route.path) {
            Some(Json::Array(methods)) => methods,
            Some(_) | None => Vec::new(),
        };
        methods.push(route.method.as_str().into());
        endpoints.insert(route.path, Json::Array(methods));
    }
    Answer::members([
        ("service", SERVICE.into()),
        ("version", app.config.version.into()),
        ("node_id", app.backend.node_name().as_ref().into()),
        ("endpoints", Json::Object(endpoints)),
    ])
}
