//! Routes of the area `system`.

use super::{Access, Op, Route};
use crate::problem::Code;
use crate::rest::system;

pub(super) const ROUTES: &[Route] = &[
    Route::get(Op::Health, "/health", "Whether this node is well")
        .access(Access::Probe)
        .replies(system::HEALTH_REPLY)
        .codes(&[Code::NODE_QUARANTINED]),
    Route::get(Op::Live, "/health/live", "Whether the process answers")
        .access(Access::Probe)
        .replies(system::PROBE_REPLY),
    Route::get(Op::Ready, "/health/ready", "Whether this node should get requests")
        .access(Access::Probe)
        .query(system::READY_QUERY)
        .replies(system::PROBE_REPLY)
        .codes(&[Code::NOT_READY]),
    Route::get(Op::Startup, "/health/startup", "Whether this node has started")
        .access(Access::Probe)
        .replies(system::PROBE_REPLY)
        .codes(&[Code::NOT_READY]),
    Route::get(Op::Status, "/status", "What is in force and how much is recorded")
        .replies(system::STATUS_REPLY),
    Route::get(Op::Metrics, "/metrics", "Metrics for Prometheus")
        .access(Access::Probe)
        .media("text/plain")
        .codes(&[Code::METRICS_DISABLED]),
    Route::get(Op::OpenApi, "/openapi.json", "This description").access(Access::Static),
    Route::get(Op::Docs, "/docs", "This description, to read and try")
        .access(Access::Static)
        .media("text/html"),
    Route::get(Op::Root, "/", "What this service is and where its paths are")
        .access(Access::Static)
        .replies(system::ROOT_REPLY),
];
