//! HTTP on the outside, calls on the inside: every request of every route comes
//! through [`handle`], so what holds for all replies is written once.
//!
//! Invariants
//! - Every answer that is not 2xx is a problem of RFC 9457, a panic of a
//!   handler included.
//! - A handler runs only with a permit, within a time, over a checked body, for
//!   one who may ask for it.
//! - Who asks too often is told so before anything else is looked at.

pub(crate) mod address;
pub(crate) mod download;
pub(crate) mod headers;
pub(crate) mod intake;
pub(crate) mod rates;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{Method as HttpMethod, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::any;
use bytes::Bytes;
use futures::FutureExt as _;
use types::{Digest, Json};

use crate::app::App;
use crate::auth::{self, Sent};
use crate::backend::Backend;
use crate::call::{Answer, Content};
use crate::problem::{Code, Problem};
use crate::rest;
use crate::rest::system::docs;
use crate::routes::{self, Access, Method, Op, Route};
use rates::Left;

/// Label of requests that no route took.
const UNMATCHED: &str = "unmatched";
/// Time a write has beyond the backend's own, which says more when it ends.
const MARGIN: Duration = Duration::from_secs(1);

type Rows = Arc<[&'static Route]>;

/// The router of all routes; what none takes is for gRPC, or nothing.
pub(crate) fn router<B: Backend>(app: App<B>, grpc: axum::Router) -> axum::Router {
    let mut router = axum::Router::new();
    for rows in by_path() {
        let Some(path) = rows.first().map(|row| row.path) else { continue };
        let paths: &[&str] = match rows.first().map(|row| row.op) {
            Some(Op::Docs) => &[path, "/docs/", docs::FILES],
            // What names a tile has slashes in it.
            Some(Op::Tile) => &["/tile/{*path}"],
            Some(_) | None => &[path],
        };
        for path in paths {
            let rows = Arc::clone(&rows);
            router = router.route(
                path,
                any(move |State(app): State<App<B>>, params, request| {
                    matched(app, rows, params, request)
                }),
            );
        }
    }
    let fallback = move |State(app): State<App<B>>, request: Request| {
        let grpc = grpc.clone();
        async move {
            if crate::grpc::is_grpc(request.headers()) {
                return crate::grpc::handle(&app, grpc, request).await;
            }
            handle(&app, &[], String::new(), request).await
        }
    };
    router.fallback(fallback).with_state(app)
}

/// The router of `/metrics` alone, for an address of its own.
pub(crate) fn metrics<B: Backend>(app: App<B>) -> axum::Router {
    let rows: Rows = routes::all().filter(|row| row.op == Op::Metrics).collect();
    let path = rows.first().map_or("/metrics", |row| row.path);
    let answer = move |State(app): State<App<B>>, params, request| {
        matched(app, Arc::clone(&rows), params, request)
    };
    let nothing = async |State(app): State<App<B>>, request: Request| {
        handle(&app, &[], String::new(), request).await
    };
    axum::Router::new().route(path, any(answer)).fallback(nothing).with_state(app)
}

/// Routes of one path together, in the order of the table.
fn by_path() -> Vec<Rows> {
    let mut grouped: Vec<Vec<&'static Route>> = Vec::new();
    for route in routes::all() {
        match grouped.iter_mut().find(|rows| rows.iter().any(|row| row.path == route.path)) {
            Some(rows) => rows.push(route),
            None => grouped.push(vec![route]),
        }
    }
    grouped.into_iter().map(Rows::from).collect()
}

async fn matched<B: Backend>(
    app: App<B>,
    rows: Rows,
    params: Result<RawPathParams, axum::extract::rejection::RawPathParamsRejection>,
    request: Request,
) -> Response<Body> {
    // A path whose escapes are no text names nothing.
    let rows: &[&'static Route] = if params.is_ok() { &rows } else { &[] };
    // Several are one text: a framework and a control, with a slash between them.
    let values = params.ok().map(|params| {
        let values: Vec<&str> = params.iter().map(|(_, value)| value).collect();
        values.join("/")
    });
    handle(&app, rows, values.unwrap_or_default(), request).await
}

/// Answers one request.
async fn handle<B: Backend>(
    app: &App<B>,
    rows: &[&'static Route],
    path: String,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let echoes = rows.iter().any(|row| matches!(row.op, Op::Evaluation | Op::Evaluations));
    let request_id = headers::sent_request_id(&parts.headers).filter(|_| echoes);
    let request_id = request_id.unwrap_or_else(|| self::request_id(app));
    let mut asked = Asked { parts: &parts, path, request_id: &request_id, left: Left::default() };
    let route = match asked.begin(app, rows) {
        Ok(Begun::Route(route)) => route,
        Ok(Begun::Answered(answer)) => {
            return finish(app, &asked, rows.first().copied(), answer);
        }
        Err(problem) => {
            let response = problem_response(&problem, &request_id);
            return finish(app, &asked, rows.first().copied(), response);
        }
    };
    let run = run(app, route, &mut asked, body);
    let response = match AssertUnwindSafe(run).catch_unwind().await {
        Ok(Ok(answer)) => answer_response(app, answer),
        Ok(Err(problem)) => problem_response(&problem, &request_id),
        Err(_) => {
            tracing::error!(endpoint = route.path, request_id, "a handler panicked");
            problem_response(&Problem::internal(), &request_id)
        }
    };
    finish(app, &asked, Some(route), response)
}

/// A request but for its body.
struct Asked<'a> {
    parts: &'a Parts,
    /// The parameter of the path.
    path: String,
    request_id: &'a str,
    /// What is left of the limits it counted against.
    left: Left,
}

/// How a request goes on.
enum Begun {
    Route(&'static Route),
    Answered(Response<Body>),
}

impl Asked<'_> {
    /// Counts the request and finds its route. Probes are not counted: who
    /// watches a node asks often, and from one place.
    fn begin<B: Backend>(
        &mut self,
        app: &App<B>,
        rows: &[&'static Route],
    ) -> Result<Begun, Problem> {
        if !rows.iter().any(|row| row.access == Access::Probe) {
            let address = address::of_parts(self.parts, &app.config.trusted_proxies);
            let path = self.parts.uri.path();
            app.shared.rates.count_address(address, path, &mut self.left)?;
        }
        if let Some(answer) = headers::preflight(&app.config, rows, self.parts) {
            return Ok(Begun::Answered(answer));
        }
        pick(rows, &self.parts.method).map(Begun::Route)
    }
}

/// A fresh id; without random numbers, one that is only of its time.
pub(crate) fn request_id<B: Backend>(app: &App<B>) -> String {
    let mut random = [0; 10];
    if let Err(error) = getrandom::fill(&mut random) {
        tracing::error!(%error, "the system gives no random numbers");
    }
    types::RequestUlid(types::Ulid::from_parts(app.backend.now().millis(), random)).to_string()
}

/// The route for a method; HEAD is GET without the body.
fn pick(rows: &[&'static Route], method: &HttpMethod) -> Result<&'static Route, Problem> {
    let wanted = if method == HttpMethod::HEAD { "GET" } else { method.as_str() };
    match rows.iter().find(|row| row.method.as_str() == wanted) {
        Some(route) => Ok(route),
        None if rows.is_empty() => {
            Err(Problem::new(Code::NOT_FOUND, "there is nothing at this path"))
        }
        None => Err(Problem::method_not_allowed(allowed(rows))),
    }
}

fn allowed(rows: &[&'static Route]) -> String {
    let mut methods: Vec<&str> = rows.iter().map(|row| row.method.as_str()).collect();
    if rows.iter().any(|row| row.method == Method::Get) {
        methods.push("HEAD");
    }
    methods.join(", ")
}

async fn run<B: Backend>(
    app: &App<B>,
    route: &'static Route,
    asked: &mut Asked<'_>,
    body: Body,
) -> Result<Answer, Problem> {
    let parts = asked.parts;
    // Probes answer when the node is busy: that is when they are asked.
    let _permit = match route.access {
        Access::Probe => None,
        Access::Static | Access::Read | Access::Audit | Access::Compute | Access::Write => {
            Some(admit(app)?)
        }
    };
    let address = address::of_parts(parts, &app.config.trusted_proxies);
    let Parts { method, uri, headers, extensions, .. } = parts;
    let sent = Sent { method, uri, headers, extensions };
    let asker = auth::authenticate(app, sent, address)?;
    app.shared.rates.count_principal(&asker.principal.id, &mut asked.left)?;
    let authority = asker.authority_for(route)?;
    let path = std::mem::take(&mut asked.path);
    let request_id = asked.request_id;
    let intake = intake::Intake { route, parts, path, request_id, asker, authority };
    let call = tokio::time::timeout(app.config.request_timeout, intake.call(app, body)).await;
    let call =
        call.map_err(|_| Problem::new(Code::REQUEST_TIMEOUT, "the body did not arrive in time"))??;
    within(app, route.access, rest::answer(app, call)).await
}

/// A place among the requests in progress.
pub(crate) fn admit<B: Backend>(app: &App<B>) -> Result<tokio::sync::SemaphorePermit<'_>, Problem> {
    app.shared.admission.try_acquire().map_err(|_| {
        Problem::new(Code::OVERLOADED, "as many requests as this node takes are in progress")
    })
}

/// Bounds the time of an answer.
pub(crate) async fn within<B: Backend>(
    app: &App<B>,
    access: Access,
    answer: impl Future<Output = Result<Answer, Problem>>,
) -> Result<Answer, Problem> {
    let config = &app.config;
    let (time, code) = match access {
        Access::Audit => (config.audit_timeout, Code::READ_TIMEOUT),
        Access::Write => (config.request_timeout + MARGIN, Code::OUTCOME_UNKNOWN),
        Access::Probe | Access::Static | Access::Read | Access::Compute => {
            (config.request_timeout, Code::READ_TIMEOUT)
        }
    };
    let answer = tokio::time::timeout(time, answer).await;
    answer.unwrap_or_else(|_| Err(Problem::new(code, format!("not done in {} s", time.as_secs()))))
}

fn answer_response<B: Backend>(app: &App<B>, answer: Answer) -> Response<Body> {
    let Answer { content, index, replayed, is_accepted, caching, cookies, personal: _ } = answer;
    let (media, body) = match content {
        Content::Json(object) => {
            ("application/json", Body::from(Json::Object(object).to_canonical()))
        }
        Content::Bytes { media, bytes } => (media, Body::from(bytes)),
        Content::File { media, bytes, sha256 } => return file(media, bytes, &sha256),
        Content::Download { media, file, piece, name } => {
            return download::response(media, &name, file, piece);
        }
    };
    let mut response = Response::new(body);
    if is_accepted {
        *response.status_mut() = StatusCode::ACCEPTED;
    }
    headers::put(&mut response, "content-type", media);
    headers::put(&mut response, "cache-control", caching.as_str());
    if replayed {
        headers::put(&mut response, "idempotent-replayed", "true");
    }
    for cookie in &cookies {
        headers::add_cookie(&mut response, cookie);
    }
    let applied = index.unwrap_or_default().max(app.backend.applied_index());
    headers::put(&mut response, "x-lexecon-applied-index", &applied.0.to_string());
    response
}

/// A file is for keeping: a browser that opened it would run it as ours.
fn file(media: &str, bytes: Option<Bytes>, sha256: &Digest) -> Response<Body> {
    let status = if bytes.is_some() { StatusCode::OK } else { StatusCode::NOT_MODIFIED };
    let mut response = Response::new(bytes.map_or_else(Body::empty, Body::from));
    *response.status_mut() = status;
    headers::put(&mut response, "content-type", media);
    headers::put(&mut response, "content-disposition", "attachment");
    headers::put(&mut response, "etag", &format!("\"{sha256}\""));
    response
}

fn problem_response(problem: &Problem, request_id: &str) -> Response<Body> {
    let body = Body::from(problem.to_json(request_id).to_canonical());
    let mut response = (problem.status(), body).into_response();
    headers::put(&mut response, "content-type", "application/problem+json");
    response.extensions_mut().insert(problem.code());
    if let Some(allow) = problem.allow() {
        headers::put(&mut response, "allow", allow);
    }
    if let Some(seconds) = problem.retry_after() {
        headers::put(&mut response, "retry-after", &seconds.to_string());
    }
    if let Some(bytes) = problem.whole() {
        headers::put(&mut response, "content-range", &format!("bytes */{bytes}"));
    }
    if problem.status() == StatusCode::UNAUTHORIZED {
        headers::put(&mut response, "www-authenticate", "Bearer");
    }
    response
}

/// What every response has.
fn finish<B: Backend>(
    app: &App<B>,
    asked: &Asked<'_>,
    route: Option<&'static Route>,
    mut response: Response<Body>,
) -> Response<Body> {
    let parts = asked.parts;
    headers::common(app, parts, route, &mut response);
    headers::put(&mut response, headers::REQUEST_ID, asked.request_id);
    asked.left.put(&mut response);
    let endpoint = route.map_or(UNMATCHED, |route| route.path);
    let status = response.status();
    app.shared.metrics.answered(method_label(&parts.method), endpoint, status.as_str());
    if parts.method == HttpMethod::HEAD {
        let length = response.headers().get("content-length").cloned();
        let size = axum::body::HttpBody::size_hint(response.body()).exact();
        *response.body_mut() = Body::empty();
        if let (None, Some(size)) = (length, size) {
            headers::put(&mut response, "content-length", &size.to_string());
        }
    }
    response
}

/// A method as a label; what no route has is one label.
fn method_label(method: &HttpMethod) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
