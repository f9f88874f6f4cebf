//! Sends a call to one node after the other until one answers.
//!
//! Invariants
//! - A call that may record twice is sent at most once; before that, nodes to
//!   which no connection came about are passed over.
//! - The tries of a call are bounded by rounds and by its time limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderValue, IF_RANGE, RANGE};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::call::{Call, Effect};
use crate::error::{Attempt, Error, Problem};
use crate::node::{self, Node};
use crate::options::{Credential, Options};
use crate::reply::{self, Answer, Meta, Reply};
use crate::tls::Scheme;

const PAUSE_MAX: Duration = Duration::from_secs(2);
/// Above a batch of a thousand replies and a page of a thousand entries whose
/// contexts are as large as they may be.
const REPLY_BYTES_MAX: usize = 256 << 20;

/// Asks a cluster. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
    min_index: Option<u64>,
    consistency: Consistency,
    key: Option<HeaderValue>,
    authorization: Option<HeaderValue>,
}

#[derive(Debug)]
struct Shared {
    http: reqwest::Client,
    nodes: Vec<Node>,
    options: Options,
    /// The node that answered last, which is asked first.
    preferred: AtomicUsize,
}

/// How fresh the state must be that a read is answered from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consistency {
    /// Whatever the node has applied.
    #[default]
    Local,
    /// No staler than this.
    Bounded(Duration),
    /// Confirmed with a quorum.
    Linearizable,
}

/// What one try came to.
enum Tried {
    Answer(Answer),
    Refused(Box<Problem>),
    /// Nothing left this machine.
    NotSent(String),
    /// It was sent, and no answer came.
    NoAnswer(String),
}

/// What the tries so far leave behind.
struct Trail {
    records: bool,
    tried: Vec<Attempt>,
    refusal: Option<Box<Problem>>,
    /// Whether something may be recorded of which no answer told.
    is_open: bool,
}

impl Client {
    /// A client of these nodes, with the usual settings.
    ///
    /// # Errors
    /// [`Error::Misused`] where a URL is none.
    pub fn new<I: IntoIterator<Item: Into<String>>>(urls: I) -> Result<Self, Error> {
        Self::with_options(Options::new(urls))
    }

    /// A client with these settings.
    ///
    /// # Errors
    /// [`Error::Misused`] where they make no sense.
    pub fn with_options(options: Options) -> Result<Self, Error> {
        let nodes = node::nodes(&options.urls)?;
        let authorization = options.credential.as_ref().map(bearer).transpose()?;
        // A redirect would carry the credential elsewhere, and a proxy from the
        // environment would see every decision.
        let mut http = reqwest::Client::builder()
            .connect_timeout(options.connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        if let Some(socket) = nodes.iter().find_map(|node| node.socket.clone()) {
            http = http.unix_socket(socket);
        }
        let is_secure = nodes.iter().any(|node| node.base.scheme() == "https");
        let scheme = if is_secure { Scheme::Https } else { Scheme::Http };
        let http = options.trust.apply(http, scheme)?.build();
        let http = http.map_err(|error| Error::Misused(chain(&error)))?;
        let preferred = AtomicUsize::new(0);
        let shared = Arc::new(Shared { http, nodes, options, preferred });
        let consistency = Consistency::Local;
        Ok(Self { shared, min_index: None, consistency, key: None, authorization })
    }

    /// The same client on behalf of whoever has this credential.
    ///
    /// # Errors
    /// [`Error::Misused`] where it is not printable text.
    pub fn with_credential(&self, credential: &Credential) -> Result<Self, Error> {
        Ok(Self { authorization: Some(bearer(credential)?), ..self.clone() })
    }

    /// The same client, whose reads wait until the node asked has applied this
    /// log index: with [`Meta::applied_index`] of a write, its reads see it.
    #[must_use]
    pub fn at_least(&self, index: u64) -> Self {
        Self { min_index: Some(index), ..self.clone() }
    }

    /// The same client, whose GETs are answered from a state this fresh.
    #[must_use]
    pub fn reading(&self, consistency: Consistency) -> Self {
        Self { consistency, ..self.clone() }
    }

    /// The same client, whose writes carry this `Idempotency-Key` and so may be
    /// sent again. One key is for one write.
    ///
    /// # Errors
    /// [`Error::Misused`] where it is not 1..128 printable ASCII characters.
    pub fn with_key(&self, key: &str) -> Result<Self, Error> {
        let printable = key.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        let value = HeaderValue::from_str(key).ok();
        let value = value.filter(|_| printable && (1..=128).contains(&key.len()));
        let Some(value) = value else {
            let why = "an idempotency key must be 1..128 printable ASCII characters";
            return Err(Error::Misused(why.to_owned()));
        };
        Ok(Self { key: Some(value), ..self.clone() })
    }

    pub(crate) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    pub(crate) async fn call<T: DeserializeOwned>(&self, call: &Call) -> Result<Reply<T>, Error> {
        self.send(call).await?.into_reply()
    }

    pub(crate) async fn send(&self, call: &Call) -> Result<Answer, Error> {
        let Shared { nodes, options, preferred, .. } = &*self.shared;
        // A URL drops such segments, and the call would go to what is above.
        if call.path.iter().any(|name| matches!(name.as_str(), "" | "." | "..")) {
            return Err(Error::Misused(format!("`/{}` names nothing", call.path.join("/"))));
        }
        let deadline = Instant::now() + options.timeout;
        let first = preferred.load(Ordering::Relaxed);
        let mut pause = options.pause;
        let mut trail = Trail::new(call);
        for round in 0..options.rounds_max.max(1) {
            if 0 < round {
                if deadline <= Instant::now() + pause {
                    break;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
            for at in (0..nodes.len()).map(|step| (first + step) % nodes.len()) {
                let left = deadline.saturating_duration_since(Instant::now());
                let Some(node) = nodes.get(at).filter(|_| !left.is_zero()) else {
                    break;
                };
                let tried = self.attempt(call, node, left).await?;
                if let Some(answer) = trail.add(tried, &node.shown, self.may_repeat(call))? {
                    preferred.store(at, Ordering::Relaxed);
                    return Ok(answer);
                }
            }
        }
        Err(trail.into_error())
    }

    fn may_repeat(&self, call: &Call) -> bool {
        match call.effect {
            Effect::Read | Effect::Keyed => true,
            Effect::Write => self.has_key(),
        }
    }

    async fn attempt(&self, call: &Call, node: &Node, left: Duration) -> Result<Tried, Error> {
        let is_last = call.is_long || !self.may_repeat(call);
        let limit = if is_last { left } else { left.min(self.shared.options.attempt_timeout) };
        let request = self.request(call, node);
        match tokio::time::timeout(limit, exchange(request, &node.shown)).await {
            Err(_) => Ok(Tried::NoAnswer(format!("no answer within {} ms", limit.as_millis()))),
            Ok(Err(Broken::Connection { sent: false, why })) => Ok(Tried::NotSent(why)),
            Ok(Err(Broken::Connection { sent: true, why })) => Ok(Tried::NoAnswer(why)),
            Ok(Err(Broken::Reply(error))) => Err(error),
            Ok(Ok((answer, retry_after))) => judge(call, answer, retry_after),
        }
    }

    fn request(&self, call: &Call, node: &Node) -> reqwest::RequestBuilder {
        let mut url = call.url(&node.base);
        let is_get = call.method == reqwest::Method::GET;
        match self.consistency {
            Consistency::Linearizable if is_get => {
                url.query_pairs_mut().append_pair("consistency", "linearizable");
            }
            Consistency::Bounded(staleness) if is_get => {
                url.query_pairs_mut()
                    .append_pair("consistency", "bounded")
                    .append_pair("max_staleness_ms", &staleness.as_millis().to_string());
            }
            Consistency::Local | Consistency::Bounded(_) | Consistency::Linearizable => (),
        }
        let mut request = self.shared.http.request(call.method.clone(), url);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(cookie) = &call.cookie {
            request = request.header(COOKIE, cookie);
        }
        for (name, value) in [(RANGE, &call.range), (IF_RANGE, &call.if_range)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        if let Some(media) = call.accept {
            request = request.header(ACCEPT, media);
        }
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let records = call.effect != Effect::Read;
        if let Some(key) = self.key.as_ref().filter(|_| records) {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(index) = self.min_index.filter(|_| !records) {
            request = request.header("X-Lexecon-Min-Index", index);
        }
        request
    }
}

impl Trail {
    fn new(call: &Call) -> Self {
        let records = call.effect != Effect::Read;
        Self { records, tried: Vec::new(), refusal: None, is_open: false }
    }

    /// The answer, or none where the next node is to be asked.
    fn add(&mut self, tried: Tried, url: &str, may_repeat: bool) -> Result<Option<Answer>, Error> {
        let (why, sent) = match tried {
            Tried::Answer(answer) => return Ok(Some(answer)),
            Tried::Refused(problem) if may_repeat && problem.is_for_another_node() => {
                let why = problem.code.clone();
                // What leaves the outcome open is the better thing to report.
                let is_open = self.refusal.as_ref().is_some_and(|was| was.leaves_outcome_open());
                if !is_open {
                    self.is_open |= self.records && problem.leaves_outcome_open();
                    self.refusal = Some(problem);
                }
                (why, false)
            }
            Tried::Refused(problem) => return Err(self.refused(problem, url)),
            Tried::NotSent(why) => (why, false),
            Tried::NoAnswer(why) => (why, true),
        };
        self.is_open |= sent && self.records;
        self.tried.push(Attempt { url: url.to_owned(), why });
        if sent && !may_repeat {
            let tried = std::mem::take(&mut self.tried);
            return Err(Error::Unreachable { tried, maybe_done: true });
        }
        Ok(None)
    }

    /// A node that turned the call away unread cannot say what came of an
    /// earlier try that had no answer.
    fn refused(&mut self, problem: Box<Problem>, url: &str) -> Error {
        let is_unread = matches!(problem.status, 401 | 403 | 429 | 500..);
        if !self.is_open || !is_unread {
            return Error::of_refusal(problem);
        }
        let mut tried = std::mem::take(&mut self.tried);
        tried.push(Attempt { url: url.to_owned(), why: problem.code });
        Error::Unreachable { tried, maybe_done: true }
    }

    fn into_error(self) -> Error {
        match self.refusal {
            Some(problem) if !self.is_open || problem.leaves_outcome_open() => {
                Error::Problem(problem)
            }
            Some(_) | None => Error::Unreachable { tried: self.tried, maybe_done: self.is_open },
        }
    }
}

/// How an exchange with one node broke.
enum Broken {
    Connection { sent: bool, why: String },
    Reply(Error),
}

async fn exchange(
    request: reqwest::RequestBuilder,
    url: &str,
) -> Result<(Answer, Option<Duration>), Broken> {
    let lost = |error: reqwest::Error| {
        let sent = !error.is_connect() && !error.is_builder();
        Broken::Connection { sent, why: chain(&error.without_url()) }
    };
    let mut response = request.send().await.map_err(lost)?;
    let status = response.status().as_u16();
    let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let retry_after = retry_after.and_then(|text| text.parse().ok()).map(Duration::from_secs);
    let meta = Meta::read(response.headers());
    let binding = reply::binding(response.headers());
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(lost)? {
        if REPLY_BYTES_MAX < bytes.len() + chunk.len() {
            return Err(Broken::Reply(Error::NotUnderstood {
                url: url.to_owned(),
                status,
                why: format!("it is longer than {REPLY_BYTES_MAX} bytes"),
            }));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok((Answer { url: url.to_owned(), status, bytes, meta, binding }, retry_after))
}

fn judge(call: &Call, answer: Answer, retry_after: Option<Duration>) -> Result<Tried, Error> {
    if (200..300).contains(&answer.status) {
        return Ok(Tried::Answer(answer));
    }
    let body = serde_json::from_slice(&answer.bytes).ok();
    match body.and_then(|body| Problem::read(answer.status, retry_after, body)) {
        Some(problem) => Ok(Tried::Refused(Box::new(problem))),
        None if call.takes_unhealthy && answer.status == 503 => Ok(Tried::Answer(answer)),
        None => Err(answer.not_understood(&"a refusal must be a problem document")),
    }
}

fn bearer(credential: &Credential) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", credential.expose()))
        .map_err(|_| Error::Misused("the credential is not printable text".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// An error with its causes, which reqwest keeps apart.
fn chain(error: &dyn std::error::Error) -> String {
    const CAUSES_MAX: usize = 8;
    let mut text = error.to_string();
    let mut cause = error.source();
    for _ in 0..CAUSES_MAX {
        let Some(found) = cause else {
            break;
        };
        let said = found.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = found.source();
    }
    text
}
