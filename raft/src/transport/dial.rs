//! How a connection to another node is made with certificates: TCP, then TLS
//! with this node's certificate, to the node that was meant.

use std::io;

use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::Uri;
use tower::Service;

use super::peers::Target;
use super::tls::{Refusal, Tls};

/// Dials `target`. The certificates are those of the moment it dials in, so a
/// connection that is made again has the newest.
pub(crate) fn connector(
    tls: &Tls,
    target: &Target,
) -> impl Service<
    Uri,
    Response = TokioIo<TlsStream<TcpStream>>,
    Error = io::Error,
    Future: Send + 'static,
> + Send
+ 'static {
    let (tls, target) = (tls.clone(), target.clone());
    tower::service_fn(move |_| dial(tls.clone(), target.clone()))
}

/// Bounded by whoever calls: the endpoint has a limit for connecting.
async fn dial(tls: Tls, target: Target) -> io::Result<TokioIo<TlsStream<TcpStream>>> {
    let config = tls.for_dialling(&target.name).map_err(io::Error::other)?;
    let tcp = TcpStream::connect(target.address.as_str()).await?;
    // Messages between nodes wait for nothing.
    tcp.set_nodelay(true)?;
    // Nodes are known by their certificates' names, wherever they are.
    let anywhere = ServerName::from(tcp.peer_addr()?.ip());
    let connected = TlsConnector::from(config).connect(anywhere, tcp).await;
    connected.map(TokioIo::new).inspect_err(|error| {
        tls.refused(Refusal::Dialled, &format!("`{}` at {}: {error}", target.name, target.address));
    })
}
