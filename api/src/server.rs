//! The listener: HTTP/1.1 and HTTP/2 on one port, with TLS or without, and a
//! bound on everything a client can hold: connections, handshakes, heads,
//! streams, silence.

mod secure;
mod socket;
mod watched;

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use axum::routing::future::RouteFuture;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::config::Limits;
use crate::edge::address::Peer;
use watched::Watched;

pub use secure::{Certificates, certificates};
pub(crate) use socket::AdminSocket;
pub use socket::serve_socket;

/// Headers of one HTTP/1.1 request.
const HEADERS_MAX: usize = 64;
/// Between pings on an HTTP/2 connection that is silent.
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// HTTP/2 streams that a client opened and reset before they were looked at;
/// more end the connection.
const RESETS_PENDING_MAX: usize = 20;
/// HTTP/2 streams that were reset here because of what a client did; more end
/// the connection.
const RESETS_BY_US_MAX: usize = 256;
/// Bytes of answers that wait for one HTTP/2 stream.
const SEND_BYTES_MAX: usize = 256 << 10;
/// After an error of `accept` that says the process is out of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A socket whose connections speak TLS.
#[derive(Debug)]
pub struct SecureListener {
    /// The socket.
    pub listener: TcpListener,
    /// What connections are made with: whatever is there when one comes in.
    pub certificates: Certificates,
}

/// Serves `router` without TLS until `shutdown`, then lets requests in progress
/// end.
///
/// # Errors
/// When the listener cannot be used at all.
pub async fn serve(
    listener: TcpListener,
    router: axum::Router,
    shutdown: CancellationToken,
    limits: Limits,
) -> io::Result<()> {
    serve_all(listener, None, Serving::new(router, limits), shutdown).await
}

/// Serves `router` over TLS until `shutdown`, then lets requests in progress
/// end.
///
/// # Errors
/// When the listener cannot be used at all.
pub async fn serve_tls(
    socket: SecureListener,
    router: axum::Router,
    shutdown: CancellationToken,
    limits: Limits,
) -> io::Result<()> {
    let SecureListener { listener, certificates } = socket;
    serve_all(listener, Some(certificates), Serving::new(router, limits), shutdown).await
}

async fn serve_all(
    listener: TcpListener,
    certificates: Option<Certificates>,
    serving: Serving,
    shutdown: CancellationToken,
) -> io::Result<()> {
    listener.local_addr()?;
    let limits = serving.limits;
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.connections_max.min(Semaphore::MAX_PERMITS)));
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some(Accepted { stream, peer, place }) = accepted else { continue };
        let (serving, watcher) = (serving.clone(), graceful.watcher());
        let (certificates, shutdown) = (certificates.clone(), shutdown.clone());
        tokio::spawn(async move {
            let begun = Instant::now();
            match certificates {
                None => serving.connection(stream, (begun, peer), watcher).await,
                Some(certificates) => {
                    // Nothing is in progress yet that shutdown should wait for.
                    let secured = tokio::select! {
                        () = shutdown.cancelled() => None,
                        secured = secure::handshake(stream, &certificates, &serving.limits) => secured,
                    };
                    if let Some(stream) = secured {
                        serving.connection(stream, (begun, peer), watcher).await;
                    }
                }
            }
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests in progress were cut off at shutdown");
    }
    Ok(())
}

/// What every connection is served with.
#[derive(Clone)]
struct Serving {
    router: axum::Router,
    builder: Arc<auto::Builder<TokioExecutor>>,
    limits: Limits,
}

impl Serving {
    fn new(router: axum::Router, limits: Limits) -> Self {
        Self { router, builder: Arc::new(builder(&limits)), limits }
    }

    async fn connection<S>(&self, stream: S, (begun, peer): (Instant, Peer), watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let stream = TokioIo::new(Watched::new(stream, begun, &self.limits));
        let service = TowerToHyperService::new(FromPeer { router: self.router.clone(), peer });
        let connection = self.builder.serve_connection(stream, service).into_owned();
        // What a client does to its own connection is its affair.
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(error, "a connection ended early");
        }
    }
}

/// The router for requests of one connection, which it tells their peer.
#[derive(Clone, Debug)]
struct FromPeer {
    router: axum::Router,
    peer: Peer,
}

impl<T> Service<Request<T>> for FromPeer
where
    axum::Router: Service<
            Request<T>,
            Response = Response<Body>,
            Error = Infallible,
            Future = RouteFuture<Infallible>,
        >,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<T>>::poll_ready(&mut self.router, context)
    }

    fn call(&mut self, mut request: Request<T>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        self.router.call(request)
    }
}

/// A connection that has its place.
struct Accepted {
    stream: TcpStream,
    peer: Peer,
    place: OwnedSemaphorePermit,
}

/// Takes a connection once there is a place for it; until then it waits in the
/// backlog of the socket.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<Accepted> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, address)) => {
            // Answers are small: waiting to fill a segment only adds time.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection keeps Nagle's algorithm");
            }
            Some(Accepted { stream, peer: Peer(address.ip()), place })
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

fn builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    let head_bytes = usize::try_from(limits.head_bytes_max).unwrap_or(usize::MAX);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_headers(HEADERS_MAX)
        // Also the size of the read buffer; hyper asks for at least 8 KiB.
        .max_buf_size(head_bytes.max(8 << 10));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_max)
        .max_header_list_size(limits.head_bytes_max)
        .max_pending_accept_reset_streams(RESETS_PENDING_MAX)
        .max_local_error_reset_streams(RESETS_BY_US_MAX)
        .max_send_buf_size(SEND_BYTES_MAX)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(limits.head_timeout);
    builder
}
