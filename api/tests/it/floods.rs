//! Clients that hold on to what they can: each ends within its bounds, and
//! others are answered meanwhile.

use std::net::SocketAddr;
use std::time::Duration;

use api::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::common::{ALLOWED, Server};
use crate::server::{exchange, listen};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA_END: u8 = 1;
const HEADERS_END: u8 = 4;

/// Of frames: RFC 9113, section 6.
#[derive(Clone, Copy)]
enum Kind {
    Headers = 1,
    Reset = 3,
    Settings = 4,
    Ping = 6,
    GoAway = 7,
    Continuation = 9,
}

fn frame(kind: Kind, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind as u8, flags], stream.to_be_bytes().as_slice(), payload].concat()
}

/// `GET /status` of host `x`, in HPACK.
fn head() -> Vec<u8> {
    [&[0x82, 0x86, 0x44, 7], b"/status".as_slice(), &[0x41, 1, b'x']].concat()
}

fn quick() -> Limits {
    let time = Duration::from_millis(500);
    Limits { head_timeout: time, idle_timeout: time, ..Limits::default() }
}

/// Sends until the server closes, or gives the client up after a while. Gives
/// back the bytes the server took.
async fn flood(address: SocketAddr, begin: &[u8], again: impl Fn(u32) -> Vec<u8>) -> usize {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(begin).await.unwrap();
    let (mut read, mut write) = stream.split();
    let send = async {
        let mut sent = 0;
        for round in 0..u32::MAX {
            let bytes = again(round);
            if write.write_all(&bytes).await.is_err() {
                break;
            }
            sent += bytes.len();
        }
        sent
    };
    let drain = async {
        let mut buffer = [0; 4096];
        while matches!(read.read(&mut buffer).await, Ok(1..)) {}
    };
    let (sent, ()) =
        tokio::time::timeout(Duration::from_secs(60), async { tokio::join!(send, drain) })
            .await
            .unwrap();
    sent
}

async fn check_answers(address: SocketAddr) {
    let request = b"GET /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = tokio::time::timeout(Duration::from_secs(10), exchange(address, request)).await;
    assert!(answer.unwrap().starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn streams_that_are_opened_and_reset_end_the_connection() {
    let listening = listen(&Server::loaded().await, quick()).await;
    let begin = [PREFACE, &frame(Kind::Settings, 0, 0, &[])].concat();
    let sent = flood(listening.address, &begin, |round| {
        let stream = 2 * round + 1;
        let open = frame(Kind::Headers, HEADERS_END | DATA_END, stream, &head());
        [open, frame(Kind::Reset, 0, stream, &8_u32.to_be_bytes())].concat()
    });
    let (sent, ()) = tokio::join!(sent, check_answers(listening.address));
    assert!(sent < 64 << 20, "{sent} bytes of resets were taken");
    check_answers(listening.address).await;
}

#[tokio::test]
async fn a_head_that_goes_on_and_on_ends_the_connection() {
    let listening = listen(&Server::loaded().await, quick()).await;
    let opened = frame(Kind::Headers, DATA_END, 1, &head());
    let begin = [PREFACE, &frame(Kind::Settings, 0, 0, &[]), &opened].concat();
    // A header that is never indexed, so that nothing shrinks it.
    let more: Vec<u8> = [&[0x10, 1, b'a', 100], [b'v'; 100].as_slice()].concat().repeat(100);
    let sent = flood(listening.address, &begin, |_| frame(Kind::Continuation, 0, 1, &more));
    let (sent, ()) = tokio::join!(sent, check_answers(listening.address));
    assert!(sent < 64 << 20, "{sent} bytes of a head were taken");
    check_answers(listening.address).await;
}

#[tokio::test]
async fn who_asks_for_answers_and_reads_none_is_let_go() {
    let listening = listen(&Server::loaded().await, quick()).await;
    for (kind, payload) in [(Kind::Settings, &[] as &[u8]), (Kind::Ping, &[0; 8])] {
        let begin = [PREFACE, &frame(Kind::Settings, 0, 0, &[])].concat();
        let mut stream = TcpStream::connect(listening.address).await.unwrap();
        stream.write_all(&begin).await.unwrap();
        let frames = frame(kind, 0, 0, payload).repeat(1000);
        // The answers fill what the sockets hold; then nothing moves any more.
        let send = async { while stream.write_all(&frames).await.is_ok() {} };
        let ended = tokio::time::timeout(Duration::from_secs(60), send);
        let (ended, ()) = tokio::join!(ended, check_answers(listening.address));
        assert!(ended.is_ok(), "answers are kept for a client that reads none");
    }
}

#[tokio::test]
async fn a_body_that_drips_has_the_time_of_a_request() {
    let open = Server::loaded().await;
    let config = api::Config { request_timeout: Duration::from_millis(300), ..Default::default() };
    let listening = listen(&Server::with(open.node, config), quick()).await;
    let head = "POST /decide HTTP/1.1\r\nHost: [::1]\r\nContent-Type: application/json\r\n\
                Content-Length: 1000\r\n\r\n";
    let mut stream = TcpStream::connect(listening.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut read, mut write) = stream.split();
    let drip = async {
        while write.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let mut answer = [0; 12];
    let read =
        async { tokio::time::timeout(Duration::from_secs(10), read.read_exact(&mut answer)).await };
    tokio::select! {
        () = drip => panic!("the connection ended without an answer"),
        read = read => { read.unwrap().unwrap(); }
    }
    assert_eq!(&answer, b"HTTP/1.1 408");
    check_answers(listening.address).await;
}

#[tokio::test]
async fn a_message_that_does_not_come_has_the_time_of_a_request() {
    let open = Server::loaded().await;
    let config = api::Config { request_timeout: Duration::from_millis(100), ..Default::default() };
    let server = Server::with(open.node, config);
    for method in
        ["Ledger/Verify", "Compliance/GetStatistics", "Systems/Register", "Audit/ListExports"]
    {
        // The head of a message of ten bytes, and nothing of it.
        let begun = futures::stream::iter([Ok::<_, std::io::Error>(&[0, 0, 0, 0, 10][..])]);
        let body = futures::StreamExt::chain(begun, futures::stream::pending());
        let request = axum::http::Request::post(format!("/lexecon.governance.v1.{method}"))
            .header("content-type", "application/grpc")
            .body(axum::body::Body::from_stream(body));
        let answer = server.send(request.unwrap());
        let reply = tokio::time::timeout(Duration::from_secs(10), answer).await.unwrap();
        assert_eq!(reply.header("grpc-status"), "4", "{method}: {}", reply.header("grpc-message"));
    }
}

#[tokio::test]
async fn what_follows_a_request_and_is_none_ends_the_connection() {
    let listening = listen(&Server::loaded().await, quick()).await;
    let request = "GET /status HTTP/1.1\r\nHost: x\r\n\r\n";
    for garbage in ["\u{0}\u{1}\u{2}\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "x\r\ny: z\r\n\r\n"] {
        let answer = exchange(listening.address, format!("{request}{garbage}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{garbage:?}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 2, "{answer}");
        assert!(answer.contains("HTTP/1.1 400 ") || answer.contains("HTTP/1.1 505 "), "{answer}");
    }
    // Two lengths are two requests to somebody: neither is believed.
    let smuggled = "POST /decide HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                    Content-Length: 2\r\nContent-Length: 30\r\n\r\n{}GET /status HTTP/1.1\r\n\r\n";
    let answer = exchange(listening.address, smuggled.as_bytes()).await;
    assert!(!answer.contains(" 200 "), "{answer}");
    check_answers(listening.address).await;
}

#[tokio::test]
async fn no_compressed_body_is_taken() {
    let server = Server::loaded().await;
    for (coding, expect) in [
        ("gzip", "415 unsupported_media_type"),
        ("br", "415 unsupported_media_type"),
        ("identity, gzip", "415 unsupported_media_type"),
        ("identity", "200"),
    ] {
        let headers = [("content-type", "application/json"), ("content-encoding", coding)];
        let reply = server.call("POST", "/decide", ALLOWED, &headers).await;
        assert_eq!(reply.outcome(), expect, "{coding}");
    }
}

#[tokio::test]
async fn json_may_be_only_so_deep() {
    let server = Server::loaded().await;
    for depth in [1_000, 100_000] {
        let body = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let reply = server.post("/policies/validate", &body).await;
        assert_eq!(reply.outcome(), "413 payload_too_large", "{depth}");
        let body = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        assert_eq!(server.post("/decide", &body).await.outcome(), "413 context_too_large");
    }
}

#[tokio::test]
async fn goodbye_is_said_to_who_breaks_the_protocol() {
    let listening = listen(&Server::loaded().await, quick()).await;
    // A stream of an even number is a server's.
    let broken = frame(Kind::Headers, HEADERS_END | DATA_END, 2, &head());
    let begin = [PREFACE, &frame(Kind::Settings, 0, 0, &[]), &broken].concat();
    let mut stream = TcpStream::connect(listening.address).await.unwrap();
    stream.write_all(&begin).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let said = answer.windows(2).any(|two| two[0] == Kind::GoAway as u8 && two[1] == 0);
    assert!(said, "{answer:?}");
}
