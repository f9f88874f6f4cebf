//! The listener over TLS: which protocols, what replies say, how long a
//! handshake may take, and certificates that are replaced while it serves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use api::{Certificates, Config, Limits, SecureListener};
use arc_swap::ArcSwap;
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::common::{Node, Server};
use crate::server::exchange;

/// Longer than a refusal may take, shorter than a test may.
const PATIENCE: Duration = Duration::from_secs(20);

const ASK: &str = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn pair() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap()
}

fn config(pair: &CertifiedKey<KeyPair>) -> Arc<rustls::ServerConfig> {
    let key = PrivateKeyDer::Pkcs8(pair.signing_key.serialize_der().into());
    api::certificates(vec![pair.cert.der().clone()], key).unwrap()
}

struct Secured {
    address: SocketAddr,
    certificates: Certificates,
    _server: Server,
}

async fn listen(pair: &CertifiedKey<KeyPair>, limits: Limits) -> Secured {
    let server = Server::with(Node::founded(), Config { is_tls: true, ..Config::default() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let certificates: Certificates = Arc::new(ArcSwap::new(config(pair)));
    let socket = SecureListener { listener, certificates: certificates.clone() };
    let shutdown = CancellationToken::new();
    tokio::spawn(api::serve_tls(socket, server.router.clone(), shutdown, limits));
    Secured { address, certificates, _server: server }
}

struct Asker<'a> {
    believes: CertificateDer<'static>,
    versions: &'a [&'static SupportedProtocolVersion],
    protocols: &'a [&'static [u8]],
}

impl Asker<'_> {
    fn of(pair: &CertifiedKey<KeyPair>) -> Self {
        let believes = pair.cert.der().clone();
        Self { believes, versions: rustls::ALL_VERSIONS, protocols: &[] }
    }

    async fn connect(&self, address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.believes.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(self.versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = self.protocols.iter().map(|name| name.to_vec()).collect();
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }
}

/// Asks and reads the head of the answer.
async fn head(stream: &mut TlsStream<TcpStream>, ask: &str) -> String {
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    let mut piece = [0; 4096];
    while !String::from_utf8_lossy(&said).contains("\r\n\r\n") {
        let read = stream.read(&mut piece).await.unwrap();
        assert_ne!(read, 0, "it ended early: {}", String::from_utf8_lossy(&said));
        said.extend(&piece[..read]);
    }
    String::from_utf8(said).unwrap().to_ascii_lowercase()
}

#[tokio::test]
async fn both_versions_and_both_protocols_are_spoken() {
    let pair = pair();
    let secured = listen(&pair, Limits::default()).await;
    for version in [&TLS12, &TLS13] {
        let protocols: [&'static [u8]; 2] = [b"h2", b"http/1.1"];
        for (offered, chosen) in
            [(&protocols[..], Some(&b"h2"[..])), (&protocols[1..], Some(b"http/1.1")), (&[], None)]
        {
            let versions = [version];
            let asker = Asker { versions: &versions, protocols: offered, ..Asker::of(&pair) };
            let stream = asker.connect(secured.address).await.unwrap();
            let (_, session) = stream.get_ref();
            assert_eq!(session.alpn_protocol(), chosen);
            assert_eq!(session.protocol_version(), Some(version.version));
        }
    }
}

#[tokio::test]
async fn every_reply_tells_browsers_to_stay_with_tls() {
    let pair = pair();
    let secured = listen(&pair, Limits::default()).await;
    let mut stream = Asker::of(&pair).connect(secured.address).await.unwrap();
    for (ask, status) in [
        (ASK.to_owned(), " 200 "),
        (ASK.replace("/health", "/nowhere"), " 404 "),
        (ASK.replace("GET", "DELETE"), " 405 "),
        (ASK.replace("/health", "/openapi.json"), " 200 "),
    ] {
        let mut stream = Asker::of(&pair).connect(secured.address).await.unwrap();
        let said = head(&mut stream, &ask).await;
        assert!(said.contains(status), "{said}");
        assert!(said.contains("\r\nstrict-transport-security: max-age=31536000\r\n"), "{said}");
    }
    let grpc = "POST /lexecon.governance.v1.Status/Get HTTP/1.1\r\nHost: localhost\r\n\
                Content-Type: application/grpc\r\nContent-Length: 0\r\n\r\n";
    let said = head(&mut stream, grpc).await;
    assert!(said.contains("\r\nstrict-transport-security: "), "{said}");
    // Over plain HTTP browsers must ignore it, so it is not said.
    let plain = crate::server::listen(&Server::new(), Limits::default()).await;
    let ask = ASK.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let said = exchange(plain.address, ask.as_bytes()).await.to_ascii_lowercase();
    assert!(said.contains(" 200 ") && !said.contains("strict-transport-security"), "{said}");
}

#[tokio::test]
async fn who_asks_in_plain_is_told_to_speak_tls() {
    let pair = pair();
    let secured = listen(&pair, Limits::default()).await;
    for ask in [ASK, "G", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let said = exchange(secured.address, ask.as_bytes());
        let said = tokio::time::timeout(PATIENCE, said).await.unwrap();
        assert!(said.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{ask:?}: {said}");
        assert!(said.ends_with("ask with https://"), "{said}");
    }
}

#[tokio::test]
async fn a_handshake_that_goes_nowhere_gives_its_place_back() {
    let pair = pair();
    let short = Duration::from_millis(150);
    let limits = Limits { connections_max: 1, head_timeout: short, ..Limits::default() };
    let secured = listen(&pair, limits).await;
    // Nothing, the first byte, and the beginning of a first message.
    for begun in [&b""[..], &[22], &[22, 3, 1, 0, 200, 1, 0, 0, 196]] {
        let mut silent = TcpStream::connect(secured.address).await.unwrap();
        silent.write_all(begun).await.unwrap();
        let asked = async {
            let mut stream = Asker::of(&pair).connect(secured.address).await.unwrap();
            head(&mut stream, ASK).await
        };
        let said = tokio::time::timeout(PATIENCE, asked).await.unwrap();
        assert!(said.contains(" 200 "), "{begun:?}: {said}");
    }
    // A handshake takes of the time of a head: who then says nothing has no more.
    let mut silent = Asker::of(&pair).connect(secured.address).await.unwrap();
    let ended = tokio::time::timeout(PATIENCE, silent.read(&mut [0; 1])).await.unwrap();
    assert!(!matches!(ended, Ok(1..)), "{ended:?}");
}

#[tokio::test]
async fn a_new_certificate_is_shown_and_open_connections_go_on() {
    let (old, new) = (pair(), pair());
    let secured = listen(&old, Limits::default()).await;
    let mut open = Asker::of(&old).connect(secured.address).await.unwrap();
    assert!(head(&mut open, ASK).await.contains(" 200 "));
    secured.certificates.store(config(&new));
    assert!(Asker::of(&old).connect(secured.address).await.is_err());
    let mut another = Asker::of(&new).connect(secured.address).await.unwrap();
    for stream in [&mut open, &mut another] {
        assert!(head(stream, ASK).await.contains(" 200 "));
    }
}
