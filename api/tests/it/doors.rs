//! Ways around the questions of who asks and whether they meant it: nobody gets
//! further by another protocol, another name of this machine, or a secret that
//! does not count.

use std::time::Duration;

use api::{AuthMode, Config};
use axum::body::{Body, Bytes};
use axum::http::{Method, Request};
use governance::access::AccountRole;
use serde_json::{Value, json};

use crate::auth_flow::{OTHER, PASSWORD, admin, login, person, requiring, server_of};
use crate::common::{Node, Server};

/// A message that never comes.
fn pending() -> Body {
    Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>())
}

fn grpc(method: Method, path: &str) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("content-type", "application/grpc").header("te", "trailers");
    request.body(pending()).unwrap()
}

#[tokio::test]
async fn nobody_has_a_message_read_that_they_may_not_send() {
    let server = requiring(Config::default());
    for method in ["Decisions/Decide", "Evidence/Register", "Ledger/ListEntries", "Auth/Me"] {
        let request = grpc(Method::POST, &format!("/lexecon.governance.v1.{method}"));
        let reply = tokio::time::timeout(Duration::from_secs(5), server.send(request)).await;
        let reply = reply.unwrap_or_else(|_| panic!("{method} waits for its message"));
        assert_eq!(reply.header("grpc-status"), "16", "{method}");
    }
}

#[tokio::test]
async fn a_method_of_grpc_is_called_by_post_alone() {
    let server = Server::with(Node::founded(), Config::default());
    let request = grpc(Method::GET, "/lexecon.governance.v1.Auth/CreateUser");
    let reply = tokio::time::timeout(Duration::from_secs(5), server.send(request)).await.unwrap();
    assert_ne!(reply.header("grpc-status"), "0");
    assert!(!reply.header("grpc-status").is_empty());
}

#[tokio::test]
async fn a_key_without_rights_sees_nobodys_sessions() {
    let server = server_of(AccountRole::Admin);
    let (root, _, _) = admin(&server).await;
    let body = json!({"name": "plain", "permissions": [], "actor_prefixes": ["ai_agent:"]});
    let made = root.send("POST", "/auth/api-keys", body, None).await.json();
    let bearer = format!("Bearer {}", made["api_key"].as_str().unwrap());
    let headers = [("authorization", bearer.as_str())];
    for path in ["/auth/sessions?all=true", "/auth/sessions"] {
        let reply = server.call("GET", path, "", &headers).await;
        assert_eq!(reply.status, 403, "{path}: {}", reply.json());
    }
}

#[tokio::test]
async fn in_open_mode_pages_of_others_change_nothing() {
    let server = Server::with(Node::founded(), Config::default());
    let decide = json!({"actor": "ai_agent:x", "action": "read"}).to_string();
    let json = ("content-type", "application/json");
    for (header, expect) in [
        (("host", "localhost:8000"), "200"),
        (("host", "127.0.0.1:8000"), "200"),
        (("host", "rebound.example:8000"), "401 unauthenticated"),
        (("origin", "https://other.example"), "403 csrf_required"),
        (("sec-fetch-site", "cross-site"), "403 csrf_required"),
        (("sec-fetch-site", "same-origin"), "200"),
    ] {
        let reply = server.call("POST", "/decide", &decide, &[json, header]).await;
        assert_eq!(reply.outcome(), expect, "{header:?}");
    }
    let rebound = [("host", "rebound.example:8000")];
    let reply = server.call("GET", "/ledger/entries", "", &rebound).await;
    assert_eq!(reply.outcome(), "401 unauthenticated");
    assert_eq!(server.call("GET", "/status", "", &rebound).await.outcome(), "200");
}

#[tokio::test]
async fn a_wrong_password_ends_no_session_of_a_browser() {
    let server = server_of(AccountRole::Viewer);
    let reply = login(&server, "root", PASSWORD).await;
    let body = reply.json();
    let (session, csrf) = (body["session_id"].as_str().unwrap(), body["csrf_token"].as_str());
    let cookie = format!("lexecon_session={session}");
    let headers = [
        ("content-type", "application/json"),
        ("cookie", cookie.as_str()),
        ("x-csrf-token", csrf.unwrap()),
    ];
    let body = json!({"old_password": OTHER, "new_password": OTHER}).to_string();
    let reply = server.call("POST", "/auth/change-password", &body, &headers).await;
    assert_eq!(reply.outcome(), "401 invalid_credentials");
    assert_eq!(reply.header("set-cookie"), "");
    assert_eq!(server.call("GET", "/auth/me", "", &headers).await.outcome(), "200");
    person(&server, "root", PASSWORD).await;
}

#[tokio::test]
async fn a_join_token_that_nobody_issued_is_not_put_in_the_log() {
    let config = Config { auth: AuthMode::Required, ..Config::default() };
    let server = Server::with(Node::founded(), config);
    let token = format!("Bearer lxj_{}", "A".repeat(43));
    let headers = [("content-type", "application/json"), ("authorization", token.as_str())];
    let x = "A".repeat(43);
    let key = |usage: &str, at: u8| json!({"kid": format!("key_0000000000000000000000000{at}"), "use": usage, "x": x});
    let keys: Vec<Value> = ["decision", "token", "checkpoint", "export"]
        .iter()
        .zip(0_u8..)
        .map(|(usage, at)| key(usage, at))
        .collect();
    let node = json!({
        "name": "n9", "api_address": "http://127.0.0.1:1", "peer_address": "127.0.0.1:2",
        "keys": keys, "nonce": "once",
    });
    let before = server.node.submitted();
    for path in ["/cluster/nodes?dry_run=true", "/cluster/nodes"] {
        let reply = server.call("POST", path, &node.to_string(), &headers).await;
        assert_eq!(reply.outcome(), "401 join_refused", "{path}: {}", reply.json());
    }
    assert_eq!(server.node.submitted(), before);
}
