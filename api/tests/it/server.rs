//! The listener over real sockets: bounds of time and bytes, and its end.

use std::net::SocketAddr;
use std::time::Duration;

use api::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::common::{ALLOWED, Server};

/// A server on a socket.
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<std::io::Result<()>>,
}

pub(crate) async fn listen(server: &Server, limits: Limits) -> Listening {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(api::serve(listener, server.router.clone(), shutdown.clone(), limits));
    Listening { address, shutdown, task }
}

/// Everything the server says until it closes.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A reset is an end as well.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

pub(crate) fn post(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn quick() -> Limits {
    let short = Duration::from_millis(150);
    Limits { head_timeout: short, idle_timeout: short, ..Limits::default() }
}

#[tokio::test]
async fn a_client_that_says_nothing_or_little_is_let_go() {
    let server = Server::new();
    let listening = listen(&server, quick()).await;
    for begun in [
        "",
        "G",
        "PRI * HTTP/2.0\r\n",
        "GET /status HTTP/1.1\r\nHost: x\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let answer = exchange(listening.address, begun.as_bytes());
        let answer = tokio::time::timeout(Duration::from_secs(60), answer).await;
        assert!(!answer.expect(begun).contains(" 200 "), "{begun:?}");
    }
    let whole = "GET /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert!(exchange(listening.address, whole.as_bytes()).await.starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn a_head_has_a_bound() {
    let server = Server::new();
    let listening = listen(&server, Limits::default()).await;
    let long = format!("GET / HTTP/1.1\r\nX-Long: {}\r\n\r\n", "x".repeat(64 << 10));
    let answer = exchange(listening.address, long.as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let many: String = (0..100).map(|n| format!("X-{n}: 1\r\n")).collect();
    let answer =
        exchange(listening.address, format!("GET / HTTP/1.1\r\n{many}\r\n").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_a_place() {
    let server = Server::new();
    let limits = Limits { connections_max: 1, ..Limits::default() };
    let listening = listen(&server, limits).await;
    let request = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut first = TcpStream::connect(listening.address).await.unwrap();
    first.write_all(request).await.unwrap();
    let mut buffer = [0; 16];
    first.read_exact(&mut buffer).await.unwrap();
    let mut second = TcpStream::connect(listening.address).await.unwrap();
    second.write_all(request).await.unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(100), second.read(&mut buffer)).await;
    assert!(waiting.is_err(), "the second connection was served beside the first");
    drop(first);
    second.read_exact(&mut buffer).await.unwrap();
    assert!(buffer.starts_with(b"HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn a_request_in_progress_ends_before_the_server_does() {
    let server = Server::loaded().await;
    let listening = listen(&server, Limits::default()).await;
    server.node.inner().hang = true;
    let address = listening.address;
    let request =
        tokio::spawn(async move { exchange(address, post("/decide", ALLOWED).as_bytes()).await });
    // The first command was the load of the policy.
    while server.node.submitted() < 2 {
        tokio::task::yield_now().await;
    }
    listening.shutdown.cancel();
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!listening.task.is_finished());
    server.node.release();
    assert!(request.await.unwrap().starts_with("HTTP/1.1 200 OK"));
    listening.task.await.unwrap().unwrap();
}
