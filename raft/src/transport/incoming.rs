//! Connections of other nodes as they come in, each with whom its certificate
//! names.
//!
//! Invariants
//! - A handshake has a limit of time, and few go on at once: who connects and
//!   says nothing takes a place for moments.
//! - With certificates, only bearers of one for a node come any further.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tonic::transport::server::Connected;

use super::tls::{Refusal, Tls, node_name};

/// Of one handshake.
const HANDSHAKE_MAX: Duration = Duration::from_secs(3);
/// Handshakes at once; more wait in the backlog of the socket.
const HANDSHAKES_MAX: usize = 256;
/// After an error of `accept` that says the process is out of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Connections that wait to be served.
const READY_MAX: usize = 16;

/// Whom a connection is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Nobody said: there are no certificates here.
    Unproven,
    /// The node that its certificate names.
    Node(String),
}

/// A connection, ready to be spoken on.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    caller: Caller,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

type Ready = mpsc::Sender<io::Result<Connection>>;

/// Connections, and what accepts them: until it is dropped, or told to stop.
pub(crate) fn accept(
    listener: TcpListener,
    tls: Option<Tls>,
    stop: CancellationToken,
) -> (ReceiverStream<io::Result<Connection>>, AbortOnDropHandle<()>) {
    let (ready, incoming) = mpsc::channel(READY_MAX);
    let accepting = async move {
        tokio::select! {
            () = stop.cancelled() => (),
            () = accept_all(listener, tls, ready) => (),
        }
    };
    (ReceiverStream::new(incoming), AbortOnDropHandle::new(tokio::spawn(accepting)))
}

async fn accept_all(listener: TcpListener, tls: Option<Tls>, ready: Ready) {
    // They end with the listener.
    let mut handshakes = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            Some(_) = handshakes.join_next() => continue,
            accepted = listener.accept(), if handshakes.len() < HANDSHAKES_MAX => accepted,
        };
        match accepted {
            Ok((stream, from)) => {
                handshakes.spawn(introduce(stream, from, tls.clone(), ready.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection of another node could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Takes a connection as far as it is known whose it is.
async fn introduce(stream: TcpStream, from: SocketAddr, tls: Option<Tls>, ready: Ready) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps Nagle's algorithm");
    }
    let connection = match tls {
        None => Connection { stream: Stream::Plain(stream), caller: Caller::Unproven },
        Some(tls) => match tokio::time::timeout(HANDSHAKE_MAX, shake(stream, &tls)).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(why)) => return tls.refused(Refusal::Handshake, &format!("{from}: {why}")),
            Err(_) => return tls.refused(Refusal::Handshake, &format!("{from}: it took too long")),
        },
    };
    // Nobody serves it any more once the replica stops.
    let _ = ready.send(Ok(connection)).await;
}

async fn shake(stream: TcpStream, tls: &Tls) -> Result<Connection, String> {
    let acceptor = TlsAcceptor::from(tls.for_serving());
    let stream = acceptor.accept(stream).await.map_err(|error| error.to_string())?;
    let (_, session) = stream.get_ref();
    let certificate = session.peer_certificates().and_then(<[_]>::first);
    let name = certificate.and_then(node_name);
    let name = name.ok_or("the certificate is not that of a node")?;
    Ok(Connection { stream: Stream::Tls(Box::new(stream)), caller: Caller::Node(name) })
}

impl Connected for Connection {
    type ConnectInfo = Caller;

    fn connect_info(&self) -> Caller {
        self.caller.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(context),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
