//! The public interface: REST and gRPC over one [`backend::Backend`].
//!
//! A request becomes a checked call, a call an answer, an answer a response;
//! both transports share the middle, so they cannot differ in what they take or
//! refuse. Nothing here decides anything about governance.
//!
//! Reading order: [`backend`] (what is asked of the node), `routes` (the table),
//! `fields` (what requests may hold), `auth` (who asks), `edge` (HTTP), `rest`
//! (what each operation does), `grpc`, [`server`].
//!
//! Invariants
//! - One table makes the router, `/openapi.json` and `endpoints{}` of `/`; one
//!   definition of a field checks it and describes it.
//! - Everything read from outside has a bound: bytes, depth, items, time,
//!   connections, requests in progress.

pub mod backend;
pub mod config;
pub mod metrics;
pub mod problem;
pub mod server;

mod app;
mod assessments;
mod auth;
mod call;
mod consistency;
mod cookies;
mod edge;
mod fields;
mod grpc;
mod idempotency;
mod json_text;
mod openapi;
mod reply;
mod rest;
mod routes;
mod sealing;
mod secrets;
mod verified;

pub use axum::Router;
pub use backend::Backend;
pub use config::{AuthMode, Config, Limits, NotARate, OidcProvider, Rate, RateLimits};
pub use edge::address::Peer;
pub use metrics::Metrics;
pub use sealing::{seal, unseal};
pub use server::{Certificates, SecureListener, certificates, serve, serve_socket, serve_tls};

/// The interface over a node: REST and gRPC on one router. `metrics` must be
/// registered in `registry`, which `/metrics` shows.
pub fn router(
    backend: impl Backend,
    config: Config,
    metrics: Metrics,
    registry: prometheus::Registry,
) -> axum::Router {
    let app = app::App::new(backend, config, metrics, registry);
    let grpc = grpc::router(app.clone());
    edge::router(app, grpc)
}

/// `/metrics` alone, for a listener of its own: [`Config::metrics_elsewhere`] of
/// the interface.
pub fn metrics_router(
    backend: impl Backend,
    config: Config,
    metrics: Metrics,
    registry: prometheus::Registry,
) -> axum::Router {
    let config = Config { metrics_elsewhere: false, ..config };
    edge::metrics(app::App::new(backend, config, metrics, registry))
}

/// The text of `/openapi.json` for a release.
pub fn openapi(version: &str) -> String {
    openapi::document(version).to_canonical()
}
