//! Doubles of a node: one that answers as told, one that hangs up after it has
//! read the request, and an address where nobody listens.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpSocket, UnixListener};

const BODY_BYTES_MAX: usize = 1 << 20;

/// What a double was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// What a double says.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Said {
    pub(crate) fn ok(body: &str) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.to_owned() }
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn problem(status: u16, code: &str) -> Self {
        let body = format!(
            r#"{{"type":"urn:lexecon:problem:{code}","title":"Refused","status":{status},"code":"{code}","detail":"because","instance":"req_1"}}"#
        );
        Self { status, headers: Vec::new(), body }
            .header("content-type", "application/problem+json")
    }
}

#[derive(Debug, Default)]
struct Memory {
    said: VecDeque<Said>,
    asked: Vec<Asked>,
}

/// A node that answers as told.
#[derive(Debug)]
pub(crate) struct Double {
    pub(crate) url: String,
    memory: Arc<Mutex<Memory>>,
}

impl Double {
    pub(crate) async fn start<const N: usize>(said: [Said; N]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self::serve(listener, url, said.into())
    }

    /// One that listens on a socket of this machine.
    pub(crate) fn at_socket<const N: usize>(path: &Path, said: [Said; N]) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        Self::serve(listener, format!("unix://{}", path.display()), said.into())
    }

    fn serve<L>(listener: L, url: String, said: VecDeque<Said>) -> Self
    where
        L: axum::serve::Listener,
        L::Addr: std::fmt::Debug,
    {
        let memory = Arc::new(Mutex::new(Memory { said, asked: Vec::new() }));
        let router = axum::Router::new().fallback(answer).with_state(memory.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, memory }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.memory.lock().unwrap().asked.clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }
}

async fn answer(State(memory): State<Arc<Mutex<Memory>>>, request: Request) -> Response<Body> {
    let line = format!("{} {}", request.method(), request.uri());
    let headers = request.headers().clone();
    let body = to_bytes(request.into_body(), BODY_BYTES_MAX).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let said = {
        let mut memory = memory.lock().unwrap();
        memory.asked.push(Asked { line, headers, body });
        memory.said.pop_front().unwrap_or_else(|| Said::problem(500, "asked_too_often"))
    };
    let mut response = Response::builder().status(said.status);
    for (name, value) in &said.headers {
        response = response.header(*name, value);
    }
    response.body(Body::from(said.body)).unwrap()
}

/// A node that takes a request and hangs up.
#[derive(Debug)]
pub(crate) struct HangsUp {
    pub(crate) url: String,
    asked: Arc<AtomicUsize>,
}

impl HangsUp {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut start = [0; 4];
                if stream.read_exact(&mut start).await.is_ok() {
                    count.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Self { url, asked }
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// An address that refuses connections as long as this lives: the port is taken
/// and nobody listens.
#[derive(Debug)]
pub(crate) struct Nobody {
    pub(crate) url: String,
    _socket: TcpSocket,
}

impl Nobody {
    pub(crate) fn start() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self { url: format!("http://{}", socket.local_addr().unwrap()), _socket: socket }
    }
}
