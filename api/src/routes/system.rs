//! Routes of the area `system`.

use governance::access::Right;

use super::{Access, Op, Route};
use crate::problem::Code;
use crate::rest::system;

pub(super) const ROUTES: &[Route] = &[
    Route::get(Op::Health, "/health", "Whether this node is well")
        .who(Right::Public)
        .access(Access::Probe)
        .replies(system::HEALTH_REPLY)
        .codes(&[Code::NODE_QUARANTINED]),
    Route::get(Op::Live, "/health/live", "Whether the process answers")
        .who(Right::Public)
        .access(Access::Probe)
        .replies(system::PROBE_REPLY),
    Route::get(Op::Ready, "/health/ready", "Whether this node should get requests")
        .who(Right::Public)
        .access(Access::Probe)
        .query(system::READY_QUERY)
        .replies(system::PROBE_REPLY)
        .codes(&[Code::NOT_READY]),
    Route::get(Op::Startup, "/health/startup", "Whether this node has started")
        .who(Right::Public)
        .access(Access::Probe)
        .replies(system::PROBE_REPLY)
        .codes(&[Code::NOT_READY]),
    Route::get(Op::Status, "/status", "What is in force and how much is recorded")
        .who(Right::Public)
        .replies(system::STATUS_REPLY),
    Route::get(Op::Metrics, "/metrics", "Metrics for Prometheus")
        .who(Right::Public)
        .access(Access::Probe)
        .media(&["text/plain"])
        .codes(&[Code::METRICS_DISABLED]),
    Route::get(Op::OpenApi, "/openapi.json", "This description")
        .who(Right::Public)
        .access(Access::Static),
    Route::get(Op::Docs, "/docs", "This description, to read and try")
        .who(Right::Public)
        .access(Access::Static)
        .media(&["text/html"]),
    Route::get(Op::Root, "/", "What this service is and where its paths are")
        .who(Right::Public)
        .access(Access::Static)
        .replies(system::ROOT_REPLY),
];
