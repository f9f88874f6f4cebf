//! Headers that every response carries, and what browsers of other origins may
//! do.

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use governance::document::HTML_STYLE;
use sha2::{Digest as _, Sha256};

use crate::app::App;
use crate::auth;
use crate::backend::Backend;
use crate::call::Caching;
use crate::config::Config;
use crate::cookies::{self, SetCookie};
use crate::problem::Code;
use crate::routes::{Op, Route};

/// Nothing an API answers is to be run or framed.
const CSP: &str = "default-src 'none'; frame-ancestors 'none'";

/// A document that is shown as a page may use its own style sheet and nothing else.
static CSP_PAGE: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(HTML_STYLE));
    format!("{CSP}; style-src 'sha256-{hash}'")
});

/// The description runs its own files and asks this server alone. It sets
/// styles on elements, which is what `unsafe-inline` of styles is for.
const CSP_DOCS: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'self'; \
     form-action 'none'; frame-ancestors 'none'";

/// Reply headers that scripts of other origins may read.
const EXPOSED: &str = "X-Request-Id, X-Lexecon-Node, X-Lexecon-Applied-Index, X-Lexecon-Leader, \
     Idempotent-Replayed, Retry-After, RateLimit, RateLimit-Policy, ETag, Digest, Content-Range, \
     Content-Disposition";

/// Request headers that they may send.
const TAKEN: &str = "Content-Type, Authorization, Idempotency-Key, X-CSRF-Token, \
     X-Lexecon-Min-Index, X-Request-ID, X-Tenant-ID";

/// No answer of an API needs anything of the machine it is shown on.
const PERMISSIONS: &str = "accelerometer=(), autoplay=(), bluetooth=(), camera=(), \
     clipboard-read=(), display-capture=(), encrypted-media=(), fullscreen=(), geolocation=(), \
     gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), \
     picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), \
     web-share=(), xr-spatial-tracking=()";

/// A year, as browsers' lists ask for at least. Not for names below: what else
/// runs there is not ours to say.
const HSTS: &str = "max-age=31536000";

pub(super) const REQUEST_ID: &str = "x-request-id";

/// `X-Request-ID` of a request, which AuthZEN has echoed. What is no short,
/// printable text is not: it goes into logs.
pub(crate) fn sent_request_id(headers: &HeaderMap) -> Option<String> {
    const CHARS_MAX: usize = 128;
    let text = headers.get(REQUEST_ID)?.to_str().ok()?;
    let is_printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let is_taken = is_printable && !text.trim().is_empty() && text.len() <= CHARS_MAX;
    is_taken.then(|| text.to_owned())
}

/// Sets a header; a value that no header can hold is left out.
pub(super) fn put(response: &mut Response<Body>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
}

/// Gives the browser a cookie, beside those it is given already.
pub(super) fn add_cookie(response: &mut Response<Body>, cookie: &SetCookie) {
    if let Ok(mut value) = HeaderValue::from_str(cookie.header()) {
        value.set_sensitive(true);
        response.headers_mut().append(SET_COOKIE, value);
    }
}

pub(super) fn common<B: Backend>(
    app: &App<B>,
    parts: &Parts,
    route: Option<&'static Route>,
    response: &mut Response<Body>,
) {
    let op = route.map(|route| route.op);
    put(response, "x-lexecon-node", &app.backend.node_name());
    put(response, "x-lexecon-leader", app.backend.leader_name().as_deref().unwrap_or_default());
    if !response.headers().contains_key("x-lexecon-applied-index") {
        put(response, "x-lexecon-applied-index", &app.backend.applied_index().0.to_string());
    }
    if !response.headers().contains_key("cache-control") {
        put(response, "cache-control", Caching::Never.as_str());
    }
    let csp = if op == Some(Op::Docs) {
        CSP_DOCS
    } else if is_page(response) {
        CSP_PAGE.as_str()
    } else {
        CSP
    };
    put(response, "content-security-policy", csp);
    put(response, "x-frame-options", "DENY");
    put(response, "x-content-type-options", "nosniff");
    put(response, "referrer-policy", "no-referrer");
    put(response, "permissions-policy", PERMISSIONS);
    put(response, "cross-origin-opener-policy", "same-origin");
    put(response, "cross-origin-resource-policy", "same-origin");
    hsts(&app.config, response);
    put(response, "vary", vary(&app.config, response));
    if let Some(origin) = allowed_origin(&app.config, parts) {
        put(response, "access-control-allow-origin", origin);
        put(response, "access-control-allow-credentials", "true");
        put(response, "access-control-expose-headers", EXPOSED);
    }
    forget_cookie(&app.config, parts, response);
}

fn is_page(response: &Response<Body>) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

/// What an answer depends on besides its address. What may be kept is the same
/// for everybody.
fn vary(config: &Config, response: &Response<Body>) -> &'static str {
    let kept = response.headers().get("cache-control");
    let is_private = kept.is_some_and(|value| value == Caching::Never.as_str());
    match (is_private, config.cors_origins.is_empty()) {
        (true, true) => "Accept, Authorization, Cookie",
        (true, false) => "Accept, Authorization, Cookie, Origin",
        (false, true) => "Accept",
        (false, false) => "Accept, Origin",
    }
}

/// A cookie that does not count would keep its browser out, even from logging
/// in again.
fn forget_cookie(config: &Config, parts: &Parts, response: &mut Response<Body>) {
    // A wrong password or code is 401 as well, and ends no session.
    const OVER: [Code; 3] = [Code::UNAUTHENTICATED, Code::SESSION_EXPIRED, Code::SESSION_REVOKED];
    let code = response.extensions().get::<Code>();
    if !code.is_some_and(|code| OVER.contains(code)) || !auth::shows_cookie(&parts.headers, config)
    {
        return;
    }
    put(response, "set-cookie", cookies::no_session(config).header());
}

/// What every reply says over TLS, gRPC's too.
pub(crate) fn hsts(config: &Config, response: &mut Response<Body>) {
    if config.is_tls {
        put(response, "strict-transport-security", HSTS);
    }
}

fn allowed_origin<'a>(config: &Config, parts: &'a Parts) -> Option<&'a str> {
    let origin = parts.headers.get("origin")?.to_str().ok()?;
    config.cors_origins.iter().any(|known| known == origin).then_some(origin)
}

/// The answer to a browser that asks whether it may; `None` for anything else,
/// and for origins that may not.
pub(super) fn preflight(
    config: &Config,
    rows: &[&'static Route],
    parts: &Parts,
) -> Option<Response<Body>> {
    let asks = parts.headers.contains_key("access-control-request-method");
    if parts.method != Method::OPTIONS || !asks || rows.is_empty() {
        return None;
    }
    allowed_origin(config, parts)?;
    let methods: Vec<&str> = rows.iter().map(|row| row.method.as_str()).collect();
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    put(&mut response, "access-control-allow-methods", &methods.join(", "));
    put(&mut response, "access-control-allow-headers", TAKEN);
    put(&mut response, "access-control-max-age", "600");
    Some(response)
}
