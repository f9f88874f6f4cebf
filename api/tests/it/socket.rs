//! From a cluster without accounts on: the first administrator through the
//! socket of the node, what programs and nodes then do with what they are given,
//! and who is noted to have read of persons.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use api::{Config, Limits};
use governance::access::AccountRole;
use governance::command::PrincipalKind;
use proto::governance::v1::auth_client::AuthClient;
use proto::governance::v1::{LoginRequest, MeRequest};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request};
use types::EntryId;

use crate::auth_flow::{OTHER, PASSWORD, Person, admin, jane, login, person, requiring, server_of};
use crate::cluster::joiner;
use crate::common::{POLICY, Server};
use crate::grpc::{connect, refusal};
use crate::server::post;

const ACTOR: &str = "ai_agent:claims_triage";

/// The socket of a node, as the command line uses it.
struct Socket {
    dir: PathBuf,
    shutdown: CancellationToken,
}

impl Socket {
    fn open(server: &Server) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("lexecon-socket-{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir(&dir).unwrap();
        let listener = UnixListener::bind(dir.join("s")).unwrap();
        let shutdown = CancellationToken::new();
        let router = server.router.clone();
        tokio::spawn(api::serve_socket(listener, router, shutdown.clone(), Limits::default()));
        Self { dir, shutdown }
    }

    /// The status and the body of what is answered.
    async fn post(&self, path: &str, body: &Value) -> (String, Value) {
        let mut stream = UnixStream::connect(self.dir.join("s")).await.unwrap();
        stream.write_all(post(path, &body.to_string()).as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().to_owned();
        (status, serde_json::from_str(body).unwrap())
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.shutdown.cancel();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn root() -> Value {
    json!({"username": "root", "email": "root@example.com", "password": PASSWORD, "role": "admin"})
}

#[tokio::test]
async fn the_first_administrator_is_made_through_the_socket_alone() {
    let server = requiring(Config::default());
    assert_eq!(server.post("/auth/users", root()).await.outcome(), "401 unauthenticated");
    let socket = Socket::open(&server);
    let (status, refused) = socket.post("/auth/users", &json!({"username": "root"})).await;
    assert_eq!((status.as_str(), &refused["code"]), ("422", &json!("validation_failed")));
    let (status, made) = socket.post("/auth/users", &root()).await;
    assert_eq!((status.as_str(), &made["role"]), ("200", &json!("admin")), "{made}");
    let begun = login(&server, "root", PASSWORD).await.json();
    assert_eq!(begun["mfa_enrollment_required"], true);
    let (root, _, _) = admin(&server).await;
    root.done("POST", "/auth/users", "/auth/users", jane()).await;
    person(&server, "jane", OTHER).await;
}

#[tokio::test]
async fn in_open_mode_nobody_makes_an_account_but_who_holds_the_socket() {
    let server = Server::new();
    let refused = server.post("/auth/users", root()).await.outcome();
    assert_eq!(refused, "403 permission_denied");
    assert_eq!(server.get("/risks").await.outcome(), "200");
    let (status, made) = Socket::open(&server).post("/auth/users", &root()).await;
    assert_eq!(status, "200", "{made}");
    assert_eq!(server.get("/risks").await.outcome(), "401 unauthenticated");
}

/// A key that an administrator made, and the path that revokes it.
async fn key<'a>(server: &'a Server, root: &Person<'_>, prefix: &str) -> (Person<'a>, String) {
    let body = json!({"name": "triage", "actor_prefixes": [prefix]});
    let made = root.done("POST", "/auth/api-keys", "/auth/api-keys", body).await;
    let session = made["api_key"].as_str().unwrap().to_owned();
    let path = format!("/auth/api-keys/{}", made["key_id"].as_str().unwrap());
    (Person { server, session }, path)
}

#[tokio::test]
async fn a_key_acts_within_its_prefixes_until_it_is_revoked() {
    let server = server_of(AccountRole::Admin);
    let (root, _, _) = admin(&server).await;
    let (program, path) = key(&server, &root, ACTOR).await;
    let decide = |actor: &str| json!({"actor": actor, "action": "read_claim"});
    for (actor, expect) in [
        (ACTOR, "200"),
        ("ai_agent:claims_triage:2", "200"),
        ("ai_agent:claims_triage2", "403 actor_not_covered"),
        ("human:jane", "403 actor_not_covered"),
    ] {
        assert_eq!(program.outcome("POST", "/decide", decide(actor)).await, expect, "{actor}");
    }
    let policy: Value = serde_json::from_str(POLICY).unwrap();
    assert_eq!(program.outcome("POST", "/policies/load", policy).await, "403 permission_denied");
    let before = server.node.ledger_size();
    root.done("DELETE", &path, "/auth/api-keys/{id}", Value::Null).await;
    for (method, path) in [("POST", "/decide"), ("GET", "/health")] {
        let body = if method == "POST" { decide(ACTOR) } else { Value::Null };
        assert_eq!(program.outcome(method, path, body).await, "401 unauthenticated", "{path}");
    }
    assert_eq!(server.node.ledger_size(), before + 1, "the revocation, and nothing after it");
}

#[tokio::test]
async fn a_join_token_lets_one_node_join_and_nothing_else() {
    let server = server_of(AccountRole::Admin);
    let (root, _, _) = admin(&server).await;
    let path = "/cluster/join-tokens";
    let made = root.done("POST", path, path, json!({"expires_in": 60})).await;
    let token = made["join_token"].as_str().unwrap().to_owned();
    let node = Person { server: &server, session: token };
    assert_eq!(node.outcome("GET", "/health", Value::Null).await, "401 unauthenticated");
    assert_eq!(node.outcome("GET", "/cluster/nodes", Value::Null).await, "401 unauthenticated");
    let first = node.outcome("POST", "/cluster/nodes", joiner(json!({}))).await;
    assert_eq!(first, "200");
    let other = joiner(json!({"name": "n5", "nonce": "nonce-2"}));
    assert_eq!(node.outcome("POST", "/cluster/nodes", other).await, "401 join_refused");
}

#[tokio::test]
async fn grpc_admits_and_refuses_the_same() {
    let server = server_of(AccountRole::Viewer);
    let mut client = AuthClient::new(connect(&server).await);
    let asked = |password: &str| LoginRequest {
        username: "root".to_owned(),
        password: password.to_owned(),
    };
    let refused = client.login(asked("wrong")).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::Unauthenticated, "invalid_credentials".to_owned()));
    let begun = client.login(asked(PASSWORD)).await.unwrap().into_inner();
    let root = Person { server: &server, session: begun.session_id.unwrap() };
    let me = || {
        let mut request = Request::new(MeRequest::default());
        let bearer = format!("Bearer {}", root.session);
        request.metadata_mut().insert("authorization", bearer.parse().unwrap());
        request
    };
    let shown = client.me(me()).await.unwrap().into_inner();
    assert_eq!(shown.user.unwrap().username, "root");
    root.done("GET", "/auth/me", "/auth/me", Value::Null).await;
    root.done("POST", "/auth/logout", "/auth/logout", Value::Null).await;
    let refused = client.me(me()).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::Unauthenticated, "unauthenticated".to_owned()));
}

#[tokio::test]
async fn who_is_shown_what_entries_say_of_persons_is_noted() {
    let server = server_of(AccountRole::Admin);
    let (root, _, _) = admin(&server).await;
    let (program, _) = key(&server, &root, ACTOR).await;
    let (stranger, _) = key(&server, &root, "other").await;
    let body = json!({"actor": ACTOR, "action": "read_claim"});
    let decided = program.done("POST", "/decide", "/decide", body).await;
    let id = decided["decision_id"].as_str().unwrap().to_owned();
    let entry = decided["ledger_entry_id"].as_u64().unwrap();
    let noted = || std::mem::take(&mut *server.node.read.lock().unwrap());
    assert!(noted().is_empty(), "what one says oneself is not read");
    let (decision, receipt) = (format!("/decisions/{id}"), format!("/decisions/{id}/receipt"));
    // Of entries 1 to 3, the last says of no person.
    let (one, page) = (format!("/ledger/entries/{entry}"), "/ledger/entries?after=0&limit=3");
    for (asker, path, kind, expect) in [
        (&root, &*one, PrincipalKind::User, Some((entry, entry))),
        (&root, page, PrincipalKind::User, Some((1, 2))),
        (&root, &decision, PrincipalKind::User, Some((entry, entry))),
        (&root, "/decisions", PrincipalKind::User, Some((entry, entry))),
        (&program, &decision, PrincipalKind::ApiKey, Some((entry, entry))),
        (&program, &receipt, PrincipalKind::ApiKey, Some((entry, entry))),
        (&stranger, &receipt, PrincipalKind::ApiKey, None),
        (&root, "/ledger/verify", PrincipalKind::User, None),
    ] {
        assert_eq!(asker.outcome("GET", path, Value::Null).await, "200", "{path}");
        let noted = noted();
        let shown: Vec<_> = noted.iter().map(|(who, entries)| (who.kind, *entries)).collect();
        let expect = expect.map(|(from, to)| (kind, Some((EntryId(from), EntryId(to)))));
        assert_eq!(shown, Vec::from_iter(expect), "{path}");
    }
    let denied = stranger.outcome("GET", &decision, Value::Null).await;
    assert_eq!(denied, "403 permission_denied");
    assert!(noted().is_empty(), "who is refused has read nothing");
}

#[tokio::test]
async fn in_open_mode_nobody_is_noted() {
    let server = Server::new();
    assert_eq!(server.get("/ledger/entries").await.outcome(), "200");
    assert!(server.node.read.lock().unwrap().is_empty());
}
