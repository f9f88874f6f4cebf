//! One client of one node: HTTP/1.1 over a connection that is kept while it
//! works and opened again when it broke. It never repeats a request by itself,
//! because whether a request may be repeated is what the tests are about.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::http::request::Builder;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use types::Json;

use crate::failure::Failure;

/// A page of 1,000 entries with a full context each fits.
const REPLY_BYTES_MAX: usize = 128 << 20;
/// How much of a body an error message quotes.
const QUOTED_CHARS_MAX: usize = 400;

/// Why there is no reply. But for `Refused`, the request may have been carried
/// out all the same.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// Nobody listens: nothing was sent.
    #[error("cannot connect to {address}")]
    Refused {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The connection ended before the reply did.
    #[error("the connection broke")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The client's patience ended first.
    #[error("no reply within {0:?}")]
    TimedOut(Duration),
}

/// What a node answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The whole body.
    pub body: Bytes,
}

impl Reply {
    /// The body, if it is JSON.
    pub fn json(&self) -> Option<Json> {
        serde_json::from_slice(&self.body).ok()
    }

    /// `code` of a problem.
    pub fn code(&self) -> Option<String> {
        Some(self.json()?.as_object()?.get("code")?.as_str()?.to_owned())
    }

    /// The beginning of the body, for messages.
    pub fn quoted(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(QUOTED_CHARS_MAX).collect()
    }
}

/// A client.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    patience: Duration,
    tls: Option<Arc<ClientConfig>>,
    credential: Option<String>,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    /// A client that is not yet connected and waits at most `patience` for
    /// each reply.
    pub fn new(address: SocketAddr, patience: Duration) -> Self {
        Self { address, patience, tls: None, credential: None, connection: None }
    }

    /// The same over TLS.
    pub fn secured(address: SocketAddr, patience: Duration, tls: Arc<ClientConfig>) -> Self {
        Self { tls: Some(tls), ..Self::new(address, patience) }
    }

    /// The same with a session or an API key.
    #[must_use]
    pub fn with_credential(self, credential: Option<&str>) -> Self {
        Self { credential: credential.map(str::to_owned), ..self }
    }

    /// The node it talks to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks once.
    ///
    /// # Errors
    /// [`Lost`] if there was no complete reply.
    pub async fn get(&mut self, path: &str) -> Result<Reply, Lost> {
        self.send(Request::get(path), Bytes::new()).await
    }

    /// Sends a JSON body once.
    ///
    /// # Errors
    /// [`Lost`] if there was no complete reply.
    pub async fn post(&mut self, path: &str, body: &Json) -> Result<Reply, Lost> {
        self.post_bytes(path, body.to_canonical().into()).await
    }

    /// Sends a body that is JSON already.
    ///
    /// # Errors
    /// [`Lost`] if there was no complete reply.
    pub async fn post_bytes(&mut self, path: &str, body: Bytes) -> Result<Reply, Lost> {
        self.send(Request::post(path), body).await
    }

    /// Sends a JSON body once, under a key that makes a repeated request known.
    ///
    /// # Errors
    /// [`Lost`] if there was no complete reply.
    pub async fn post_keyed(&mut self, path: &str, key: &str, body: &Json) -> Result<Reply, Lost> {
        let request = Request::post(path).header("idempotency-key", key);
        self.send(request, body.to_canonical().into()).await
    }

    /// Asks by any method, with whatever body.
    ///
    /// # Errors
    /// [`Lost`] if there was no complete reply.
    pub async fn ask(&mut self, method: &str, path: &str, body: Bytes) -> Result<Reply, Lost> {
        self.send(Request::builder().method(method).uri(path), body).await
    }

    /// The JSON of a reply that must be a 200.
    ///
    /// # Errors
    /// [`Failure`] for everything else.
    pub async fn get_json(&mut self, path: &str) -> Result<Json, Failure> {
        let reply = self.get(path).await;
        expect_ok(path, reply)
    }

    /// The JSON of a reply to a body that must be a 200.
    ///
    /// # Errors
    /// [`Failure`] for everything else.
    pub async fn post_json(&mut self, path: &str, body: &Json) -> Result<Json, Failure> {
        let reply = self.post(path, body).await;
        expect_ok(path, reply)
    }

    async fn send(&mut self, request: Builder, body: Bytes) -> Result<Reply, Lost> {
        let patience = self.patience;
        let exchange = self.exchange(request, body);
        tokio::time::timeout(patience, exchange).await.unwrap_or(Err(Lost::TimedOut(patience)))
    }

    /// The connection is taken out for the exchange and put back only after a
    /// whole reply, so one that broke or was given up is never used again.
    async fn exchange(&mut self, request: Builder, body: Bytes) -> Result<Reply, Lost> {
        let mut connection = match self.connection.take().filter(|kept| !kept.is_closed()) {
            Some(kept) => kept,
            None => self.connect().await?,
        };
        let request = match &self.credential {
            Some(credential) => request.header("authorization", format!("Bearer {credential}")),
            None => request,
        };
        let request = request
            .header("host", self.address.to_string())
            .header("content-type", "application/json")
            .body(Full::new(body))
            .map_err(broken)?;
        connection.ready().await.map_err(broken)?;
        let response = connection.send_request(request).await.map_err(broken)?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), REPLY_BYTES_MAX);
        let body = body.collect().await.map_err(Lost::Broken)?.to_bytes();
        self.connection = Some(connection);
        Ok(Reply { status, body })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Lost> {
        let address = self.address;
        let stream = TcpStream::connect(address).await;
        let stream = stream.map_err(|source| Lost::Refused { address, source })?;
        stream.set_nodelay(true).map_err(broken)?;
        match &self.tls {
            None => speak(stream).await,
            Some(config) => {
                let name = ServerName::from(address.ip());
                let connector = TlsConnector::from(Arc::clone(config));
                speak(connector.connect(name, stream).await.map_err(broken)?).await
            }
        }
    }
}

async fn speak<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, Lost>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // Ends with the sender, or with the peer; an error reaches the sender.
    tokio::spawn(connection);
    Ok(sender)
}

fn broken(source: impl std::error::Error + Send + Sync + 'static) -> Lost {
    Lost::Broken(Box::new(source))
}

fn expect_ok(path: &str, reply: Result<Reply, Lost>) -> Result<Json, Failure> {
    let reply = reply.map_err(|source| Failure::Unanswered { path: path.to_owned(), source })?;
    match reply.json() {
        Some(json) if reply.status == 200 => Ok(json),
        Some(_) | None => Err(Failure::Reply {
            path: path.to_owned(),
            status: reply.status,
            body: reply.quoted(),
            wanted: "200 with JSON".to_owned(),
        }),
    }
}
