//! gRPC on the same port: the same calls, answered by the same code.
//!
//! A message becomes the members that a REST body would have, goes through the
//! same checks and the same handler, and the answer's members become a message.
//! So the two differ in form alone. What nodes say to each other is neither
//! served nor described here.

mod access;
mod audit;
mod auth;
mod caller;
mod cluster;
mod compliance;
mod decisions;
mod escalations;
mod evidence;
mod health;
mod keys;
mod ledger;
mod members;
mod overrides;
mod policies;
mod responsibility;
mod risks;
mod status;
mod systems;
mod tokens;

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::BoxError;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, Response};
use futures::FutureExt as _;
use futures::stream::{self, StreamExt as _};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use proto::governance::v1::audit_server::AuditServer;
use proto::governance::v1::auth_server::AuthServer;
use proto::governance::v1::cluster_server::ClusterServer;
use proto::governance::v1::compliance_server::ComplianceServer;
use proto::governance::v1::decisions_server::DecisionsServer;
use proto::governance::v1::escalations_server::EscalationsServer;
use proto::governance::v1::evidence_server::EvidenceServer;
use proto::governance::v1::keys_server::KeysServer;
use proto::governance::v1::ledger_server::LedgerServer;
use proto::governance::v1::overrides_server::OverridesServer;
use proto::governance::v1::policies_server::PoliciesServer;
use proto::governance::v1::responsibility_server::ResponsibilityServer;
use proto::governance::v1::risks_server::RisksServer;
use proto::governance::v1::systems_server::SystemsServer;
use proto::governance::v1::tokens_server::TokensServer;
use tonic::service::Routes;
use tonic_health::pb::health_server::HealthServer;
use tower::ServiceExt as _;

use crate::app::App;
use crate::auth::{Sent, authenticate};
use crate::backend::Backend;
use crate::edge;
use crate::edge::rates::Left;
use crate::problem::Problem;
use caller::Caller;

/// Messages of `Decisions`: a batch.
const DECISION_BYTES_MAX: usize = 16 << 20;
/// Messages of `Policies`: evaluations. A document has a lower bound of its own.
const POLICY_BYTES_MAX: usize = 16 << 20;
/// Messages of `Evidence`: a content as text. Others have a lower bound of their
/// own.
const EVIDENCE_BYTES_MAX: usize = 24 << 20;
/// Any other message.
const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// The package that is for other nodes alone.
const PEER_PACKAGE: &str = "lexecon.peer";

/// What the paths of both methods begin with that echo `x-request-id`.
const EVALUATIONS: &str = "/lexecon.governance.v1.Policies/Evaluation";

/// What is described to callers: all but the peers' package.
static DESCRIPTORS: LazyLock<FileDescriptorSet> = LazyLock::new(|| {
    let mut set = FileDescriptorSet::decode(proto::DESCRIPTORS).unwrap_or_default();
    set.file.retain(|file| !file.package().starts_with(PEER_PACKAGE));
    set
});

/// Paths of the methods there are, which label metrics.
static METHODS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let health =
        FileDescriptorSet::decode(tonic_health::pb::FILE_DESCRIPTOR_SET).unwrap_or_default();
    let files = DESCRIPTORS.file.iter().chain(&health.file);
    let mut paths = BTreeSet::new();
    for file in files {
        for service in &file.service {
            let methods = service
                .method
                .iter()
                .map(|method| format!("/{}.{}/{}", file.package(), service.name(), method.name()));
            paths.extend(methods);
        }
    }
    paths
});

/// Methods that nobody needs a credential for, as of the routes they stand for.
/// To leave one out is a refusal too many; what is listed here without being
/// public is refused all the same, once its message is read.
const PUBLIC: [&str; 12] = [
    "Auth/Login",
    "Auth/VerifyMfa",
    "Auth/PasswordPolicy",
    "Auth/OidcProviders",
    "Auth/OidcLogin",
    "Auth/OidcCallback",
    "Ledger/GetCheckpoint",
    "Ledger/ListCheckpoints",
    "Ledger/ProveInclusion",
    "Ledger/ProveConsistency",
    "Ledger/GetTile",
    "Ledger/ListKeys",
];

/// What the paths of our own services begin with.
const PACKAGE: &str = "/lexecon.governance.v1.";

fn is_public(path: &str) -> bool {
    path.strip_prefix(PACKAGE).is_none_or(|method| PUBLIC.contains(&method))
}

/// Whether a method, or one of its service, may take as long as an audit.
fn reads_a_lot(method: &str) -> bool {
    ["Ledger/", "Compliance/", "Systems/", "Policies/Impact"]
        .iter()
        .any(|those| method.starts_with(those))
}

/// A service over a node.
#[derive(Clone, Debug)]
struct Service<B: Backend>(App<B>);

/// Every service.
pub(crate) fn router<B: Backend>(app: App<B>) -> axum::Router {
    let service = Service(app);
    let mut routes = Routes::builder();
    routes
        .add_service(
            DecisionsServer::new(service.clone()).max_decoding_message_size(DECISION_BYTES_MAX),
        )
        .add_service(
            TokensServer::new(service.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(
            PoliciesServer::new(service.clone()).max_decoding_message_size(POLICY_BYTES_MAX),
        )
        .add_service(RisksServer::new(service.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX))
        .add_service(
            EscalationsServer::new(service.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(
            OverridesServer::new(service.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(
            ResponsibilityServer::new(service.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(
            EvidenceServer::new(service.clone()).max_decoding_message_size(EVIDENCE_BYTES_MAX),
        )
        .add_service(AuditServer::new(service.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX))
        .add_service(
            SystemsServer::new(service.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(
            ComplianceServer::new(service.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(
            LedgerServer::new(service.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(AuthServer::new(service.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX))
        .add_service(KeysServer::new(service.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX))
        .add_service(
            ClusterServer::new(service.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(HealthServer::new(service).max_decoding_message_size(MESSAGE_BYTES_MAX));
    let reflection = tonic_reflection::server::Builder::configure()
        .register_file_descriptor_set(DESCRIPTORS.clone())
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1();
    match reflection {
        Ok(reflection) => {
            routes.add_service(reflection);
        }
        Err(error) => tracing::error!(%error, "gRPC reflection is not served"),
    }
    routes.routes().into_axum_router()
}

/// Whether a request is gRPC's.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let media = headers.get("content-type");
    media.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// Answers one gRPC request.
pub(crate) async fn handle<B: Backend>(
    app: &App<B>,
    router: axum::Router,
    mut request: Request,
) -> Response<Body> {
    let path = request.uri().path();
    let sent = edge::headers::sent_request_id(request.headers());
    let request_id = sent.filter(|_| path.starts_with(EVALUATIONS));
    let request_id = request_id.unwrap_or_else(|| edge::request_id(app));
    let endpoint = METHODS.get(path).map_or("unmatched", String::as_str);
    let time = time(app, path);
    let mut left = Left::default();
    let admitted = admit(app, &request, &request_id, &mut left);
    let run = async {
        let (_permit, caller) = admitted?;
        request.extensions_mut().insert(caller);
        // Reflection is asked in a stream, by whoever has all day.
        let is_ours = request.uri().path().starts_with(PACKAGE);
        let request = match is_ours {
            true => request.map(|body| in_time(body, app.config.request_timeout, &request_id)),
            false => request,
        };
        match tokio::time::timeout(time, router.oneshot(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(never)) => match never {},
            Err(_) => Err(Problem::new(crate::problem::Code::REQUEST_TIMEOUT, "not done in time")),
        }
    };
    let refused = |problem: &Problem| {
        let mut response = status::of(problem, &request_id).into_http::<Body>();
        if let Some(seconds) = problem.retry_after() {
            put(&mut response, "retry-after", &seconds.to_string());
        }
        response
    };
    let mut response = match AssertUnwindSafe(run).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(problem)) => refused(&problem),
        Err(_) => {
            tracing::error!(endpoint, request_id, "a handler panicked");
            refused(&Problem::internal())
        }
    };
    put(&mut response, "x-request-id", &request_id);
    left.put(&mut response);
    put(&mut response, "x-lexecon-node", &app.backend.node_name());
    put(
        &mut response,
        "x-lexecon-leader",
        app.backend.leader_name().as_deref().unwrap_or_default(),
    );
    edge::headers::hsts(&app.config, &mut response);
    app.shared.metrics.answered("POST", endpoint, response.status().as_str());
    response
}

/// A message that must have come after some time: however long the answer may
/// take, nobody holds a place by not asking.
fn in_time(body: Body, time: Duration, request_id: &str) -> Body {
    let deadline = tokio::time::Instant::now() + time;
    let problem =
        Problem::new(crate::problem::Code::REQUEST_TIMEOUT, "the message has not come in time");
    let late = status::of(&problem, request_id);
    let pieces = stream::unfold(Some(body.into_data_stream()), move |pieces| {
        let late = late.clone();
        async move {
            let mut pieces = pieces?;
            match tokio::time::timeout_at(deadline, pieces.next()).await {
                Ok(Some(Ok(piece))) => Some((Ok(piece), Some(pieces))),
                Ok(Some(Err(error))) => Some((Err(BoxError::from(error)), None)),
                Ok(None) => None,
                Err(_) => Some((Err(BoxError::from(late)), None)),
            }
        }
    });
    Body::from_stream(pieces)
}

type Admitted<'a> = (Option<tokio::sync::SemaphorePermit<'a>>, Arc<Caller>);

fn admit<'a, B: Backend>(
    app: &'a App<B>,
    request: &Request,
    request_id: &str,
    left: &mut Left,
) -> Result<Admitted<'a>, Problem> {
    let (path, headers) = (request.uri().path(), request.headers());
    if request.method() != Method::POST {
        // The services never look, and a cookie alone must change nothing.
        return Err(Problem::method_not_allowed("POST".to_owned()));
    }
    let address = edge::address::of(request.extensions(), headers, &app.config.trusted_proxies);
    // As the probes of REST, health is asked when the node is busy.
    let is_probe = path.starts_with("/grpc.health.v1.Health/");
    if !is_probe {
        app.shared.rates.count_address(address, path, left)?;
    }
    let permit = if is_probe { None } else { Some(edge::admit(app)?) };
    let (method, uri, extensions) = (request.method(), request.uri(), request.extensions());
    let asker = authenticate(app, Sent { method, uri, headers, extensions }, address)?;
    app.shared.rates.count_principal(&asker.principal.id, left)?;
    if let Some(why) = asker.is_nobody().filter(|_| !is_public(path)) {
        // Before the message: nobody makes a node read and keep it.
        return Err(why.clone());
    }
    Ok((permit, Arc::new(Caller::read(&app.config, headers, (asker, request_id))?)))
}

/// Time for reading the message and answering it.
fn time<B: Backend>(app: &App<B>, path: &str) -> Duration {
    let config = &app.config;
    let is_audit = path.strip_prefix(PACKAGE).is_some_and(reads_a_lot) && !is_public(path);
    let answer = if is_audit { config.audit_timeout } else { config.request_timeout };
    // A second more than the bounds of both, which say what it was.
    config.request_timeout + answer + Duration::from_secs(1)
}

fn put(response: &mut Response<Body>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
