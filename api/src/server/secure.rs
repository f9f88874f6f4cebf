//! TLS of the listener: the handshake, and what is said to a client that speaks
//! none.
//!
//! INVARIANT: a handshake takes no longer than the head of a request may.

use std::io;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::Limits;

/// What connections are made with, for a node to replace when its files change.
pub type Certificates = Arc<ArcSwap<ServerConfig>>;

/// HTTP/2 first, which is what gRPC needs.
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// First byte of a handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;

/// Said in plain to who asked in plain.
const SPEAK_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\
    Content-Length: 39\r\nConnection: close\r\n\r\nthis port speaks TLS: ask with https://";

/// A certificate and its key as the listener takes them: TLS 1.2 and 1.3.
///
/// # Errors
/// When the key is not the certificate's, or one of them is none.
pub fn certificates(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = ALPN.iter().map(|name| name.to_vec()).collect();
    Ok(Arc::new(config))
}

/// Shakes hands, within the time of a head; `None` where that came to nothing.
pub(super) async fn handshake(
    stream: TcpStream,
    certificates: &Certificates,
    limits: &Limits,
) -> Option<TlsStream<TcpStream>> {
    let shaken = tokio::time::timeout(limits.head_timeout, shake(stream, certificates)).await;
    match shaken {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            // Scanners do this all day.
            tracing::debug!(%error, "a handshake failed");
            None
        }
        Err(_) => None,
    }
}

async fn shake(stream: TcpStream, certificates: &Certificates) -> io::Result<TlsStream<TcpStream>> {
    let mut first = [0];
    // Nothing is read yet, so the handshake finds all of it.
    if stream.peek(&mut first).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if first != [HANDSHAKE] {
        return refuse(stream).await;
    }
    TlsAcceptor::from(certificates.load_full()).accept(stream).await
}

/// Ends a connection that began without TLS with a word that its client reads.
async fn refuse<T>(mut stream: TcpStream) -> io::Result<T> {
    const REQUEST_BYTES_MAX: usize = 8 << 10;
    // What is left unread would reset the connection, and the word with it.
    let mut request = vec![0; REQUEST_BYTES_MAX];
    let _ = stream.try_read(&mut request);
    stream.write_all(SPEAK_TLS).await?;
    stream.shutdown().await?;
    Err(io::Error::other("the client speaks no TLS"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_to_who_asks_in_plain_is_as_long_as_it_says() {
        let text = std::str::from_utf8(SPEAK_TLS).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{text}");
    }
}
