//! What holds for every path: codes, headers, limits, consistency.

use std::time::Duration;

use api::Config;
use api::backend::Unavailable;
use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use futures::stream;
use serde_json::json;

use crate::common::{ALLOWED, Node, Server};

#[tokio::test]
async fn what_is_no_request_is_a_problem() {
    let server = Server::loaded().await;
    let json = ("content-type", "application/json");
    for (method, path, body, header, expect) in [
        ("GET", "/nothing", "", json, "404 not_found"),
        ("GET", "/decide/", "", json, "404 not_found"),
        ("GET", "/docs/nothing.js", "", json, "404 not_found"),
        ("GET", "/decisions/%ff", "", json, "404 not_found"),
        ("GET", "/decide", "", json, "405 method_not_allowed"),
        ("PUT", "/policies/load", "{}", json, "405 method_not_allowed"),
        ("OPTIONS", "/decide", "", json, "405 method_not_allowed"),
        ("HEAD", "/ledger/verify", "", ("accept", "text/html"), "406"),
        ("GET", "/status", "", ("accept", "text/html, application/json;q=0"), "406 not_acceptable"),
        ("POST", "/decide", "{}", ("content-type", "text/plain"), "415 unsupported_media_type"),
        (
            "POST",
            "/decide",
            "{}",
            ("content-type", "application/json; charset=latin1"),
            "415 unsupported_media_type",
        ),
        ("POST", "/decide", "", json, "422 validation_failed"),
        ("POST", "/decide", "{", json, "422 malformed_json"),
        ("POST", "/decide", r#"{"a":1,"a":1}"#, json, "422 duplicate_key"),
        (
            "POST",
            "/decide",
            r#"{"context":{"n":9007199254740993}}"#,
            json,
            "422 number_not_canonical",
        ),
        ("POST", "/decide", r#"{"context":{"n":1e400}}"#, json, "422 number_not_canonical"),
        ("POST", "/decide", "{}", ("x-tenant-id", "acme"), "400 tenant_unsupported"),
        ("GET", "/health", "", ("authorization", "Bearer lxk_x"), "401 unauthenticated"),
        ("GET", "/status?verbose=1", "", json, "422 unknown_parameter"),
        ("GET", "/health?verbose=1", "", json, "422 unknown_parameter"),
        ("POST", "/cluster/snapshot", r#"{"a":1}"#, json, "422 unknown_field"),
        ("GET", "/status?consistency=eventually", "", json, "422 validation_failed"),
        ("GET", "/status?max_staleness_ms=5", "", json, "422 validation_failed"),
        ("GET", "/status?consistency=local&consistency=local", "", json, "422 validation_failed"),
        ("GET", "/status", "", ("x-lexecon-min-index", "-1"), "422 validation_failed"),
    ] {
        let content = if body.is_empty() { vec![header] } else { vec![header, json] };
        let headers = if header.0 == "content-type" { vec![header] } else { content };
        let reply = server.call(method, path, body, &headers).await;
        if method == "HEAD" {
            assert_eq!(reply.status.to_string(), expect, "{method} {path}");
            assert!(reply.bytes.is_empty());
            continue;
        }
        assert_eq!(reply.outcome(), expect, "{method} {path} {body}");
    }
    assert_eq!(server.get("/decide").await.header("allow"), "POST");
    assert_eq!(server.post("/status", "{}").await.header("allow"), "GET, HEAD");
    let reply = server.call("GET", "/status", "", &[("authorization", "Basic x")]).await;
    assert_eq!(reply.header("www-authenticate"), "Bearer");
}

#[tokio::test]
async fn the_default_tenant_and_any_accepted_form_are_taken() {
    let server = Server::loaded().await;
    for header in [
        ("x-tenant-id", "default"),
        ("accept", "*/*"),
        ("accept", "application/*;q=0.2"),
        ("accept", "text/html, application/json"),
    ] {
        assert_eq!(server.call("GET", "/status", "", &[header]).await.status, 200, "{header:?}");
    }
    let utf8 = [("content-type", "Application/JSON; charset=UTF-8")];
    assert_eq!(server.call("POST", "/decide", ALLOWED, &utf8).await.status, 200);
}

#[tokio::test]
async fn a_body_has_a_bound_that_is_kept_while_it_streams() {
    let server = Server::loaded().await;
    let large = format!(r#"{{"actor":"{}"}}"#, "x".repeat(1 << 20));
    assert_eq!(server.post("/decide", &large).await.outcome(), "413 payload_too_large");
    // Without a length, and without an end: what is too much is cut off.
    let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 1 << 16])));
    let request = Request::post("/decide")
        .header("content-type", "application/json")
        .body(Body::from_stream(endless))
        .unwrap();
    assert_eq!(server.send(request).await.outcome(), "413 payload_too_large");
    let fits = format!(r#"{{"requests":[{{"actor":"{}"}}]}}"#, "x".repeat(2 << 20));
    let reply = server.post("/decide/batch", fits).await;
    assert_eq!(reply.json()["results"][0]["problem"]["errors"][0]["code"], "too_long");
}

#[tokio::test]
async fn every_reply_has_the_headers_of_all_replies() {
    let server = Server::loaded().await;
    for path in ["/status", "/nothing", "/metrics", "/docs", "/openapi.json", "/keys"] {
        let reply = server.get(path).await;
        for (name, value) in [
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-lexecon-node", "n1"),
            ("x-lexecon-applied-index", "2"),
        ] {
            assert_eq!(reply.header(name), value, "{path} {name}");
        }
        assert!(reply.header("x-request-id").starts_with("req_"), "{path}");
        assert!(reply.header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert!(reply.header("permissions-policy").contains("camera=()"), "{path}");
        let varies = if path == "/keys" { "Accept" } else { "Accept, Authorization, Cookie" };
        assert_eq!(reply.header("vary"), varies, "{path}");
        let kept = if path == "/keys" { "public, max-age=60" } else { "no-store" };
        assert_eq!(reply.header("cache-control"), kept, "{path}");
    }
    server.node.inner().leader = None;
    let reply = server.get("/status").await;
    assert_eq!(reply.headers.get("x-lexecon-leader").map(|value| value.len()), Some(0));
}

#[tokio::test]
async fn other_origins_are_closed_out_unless_they_are_named() {
    let origin = [("origin", "https://desk.example"), ("access-control-request-method", "POST")];
    let closed = Server::loaded().await;
    assert_eq!(closed.call("OPTIONS", "/decide", "", &origin).await.status, 405);
    let reply = closed.call("GET", "/status", "", &origin).await;
    assert_eq!(reply.header("access-control-allow-origin"), "");
    assert_eq!(reply.header("access-control-allow-credentials"), "");
    let config = Config { cors_origins: vec![origin[0].1.to_owned()], ..Config::default() };
    let open = Server::with(Node::founded(), config);
    let reply = open.call("OPTIONS", "/decide", "", &origin).await;
    assert_eq!(reply.status, 204);
    assert_eq!(reply.header("access-control-allow-origin"), origin[0].1);
    assert_eq!(reply.header("access-control-allow-methods"), "POST");
    assert!(reply.header("vary").contains("Origin"));
    assert_eq!(reply.header("access-control-allow-credentials"), "true");
    let other = [("origin", "https://other.example"), origin[1]];
    assert_eq!(open.call("OPTIONS", "/decide", "", &other).await.status, 405);
    let reply = open.call("GET", "/status", "", &other[..1]).await;
    assert_eq!(reply.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn a_node_takes_so_many_requests_at_once_but_its_probes_answer() {
    let config = Config { concurrency_max: 1, ..Config::default() };
    let server = Server::with(Node::founded(), config);
    server.node.inner().hang = true;
    let busy = tokio::spawn({
        let server = server.clone();
        async move { server.post("/decide", ALLOWED).await.status }
    });
    while server.get("/status").await.status != 429 {
        tokio::task::yield_now().await;
    }
    let reply = server.get("/status").await;
    assert_eq!(reply.outcome(), "429 overloaded");
    assert_eq!(reply.header("retry-after"), "1");
    for path in ["/health", "/health/live", "/health/ready", "/metrics"] {
        assert_eq!(server.get(path).await.status, 200, "{path}");
    }
    busy.abort();
    assert!(busy.await.is_err());
    while server.get("/status").await.status != 200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_request_has_a_time() {
    let config = Config { request_timeout: Duration::from_millis(20), ..Config::default() };
    let server = Server::with(Node::founded(), config);
    server.node.inner().hang = true;
    assert_eq!(server.post("/decide", ALLOWED).await.outcome(), "503 outcome_unknown");
    let never = stream::pending::<Result<Bytes, std::io::Error>>();
    let request = Request::post("/decide")
        .header("content-type", "application/json")
        .body(Body::from_stream(never))
        .unwrap();
    assert_eq!(server.send(request).await.outcome(), "408 request_timeout");
}

#[tokio::test]
async fn a_panic_of_a_handler_is_a_problem_without_its_text() {
    let server = Server::loaded().await;
    server.node.inner().panic = true;
    let reply = server.post("/decide", ALLOWED).await;
    assert_eq!(reply.outcome(), "500 internal");
    assert!(!String::from_utf8_lossy(&reply.bytes).contains("as told"));
    assert_eq!(server.post("/decide", ALLOWED).await.outcome(), "200");
}

#[tokio::test]
async fn a_read_is_as_fresh_as_asked_or_refused() {
    let server = Server::loaded().await;
    let bounded = "/policies?consistency=Bounded&max_staleness_ms=100";
    for (staleness, expect) in [
        (Some(Duration::from_millis(100)), "200"),
        (Some(Duration::from_millis(101)), "503 too_stale"),
        (None, "503 too_stale"),
    ] {
        server.node.inner().staleness = staleness;
        assert_eq!(server.get(bounded).await.outcome(), expect, "{staleness:?}");
    }
    assert_eq!(server.get("/policies?consistency=linearizable").await.outcome(), "200");
    server.node.inner().refuse = Some(Unavailable::NoLeader);
    let reply = server.get("/policies?consistency=linearizable").await;
    assert_eq!(reply.outcome(), "503 no_leader");
    assert_eq!(server.get("/policies").await.outcome(), "200");
}

#[tokio::test]
async fn a_read_waits_for_an_index_or_says_that_it_did_not_come() {
    let server = Server::loaded().await;
    let decision = server.post("/decide", ALLOWED).await;
    let index = decision.header("x-lexecon-applied-index").to_owned();
    let ahead = [("x-lexecon-min-index", "1000")];
    let here = [("x-lexecon-min-index", index.as_str())];
    let body = decision.json().to_string();
    for (method, path, body) in [("GET", "/ledger/entries", ""), ("POST", "/decide/verify", &body)]
    {
        assert_eq!(server.call(method, path, body, &here).await.outcome(), "200");
        let reply = server.call(method, path, body, &ahead).await;
        assert_eq!(reply.outcome(), "503 min_index_timeout");
    }
}

#[tokio::test]
async fn a_node_that_has_stopped_serving_says_so() {
    let server = Server::loaded().await;
    server.node.inner().failed = Some("secret path".to_owned());
    for path in ["/status", "/policies", "/ledger/entries", "/ledger/verify", "/keys", "/health"] {
        let reply = server.get(path).await;
        assert_eq!(reply.outcome(), "503 node_quarantined", "{path}");
        assert!(!String::from_utf8_lossy(&reply.bytes).contains("secret path"), "{path}");
    }
    assert_eq!(server.get("/metrics").await.status, 200);
    let dry = json!({"actor": "a", "action": "b", "dry_run": true});
    assert_eq!(server.post("/decide", dry).await.outcome(), "503 node_quarantined");
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let server = Server::loaded().await;
    for path in ["/status", "/openapi.json", "/metrics"] {
        let get = server.get(path).await;
        let head = server.call("HEAD", path, "", &[]).await;
        assert_eq!((head.status, head.bytes.len()), (200, 0), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert!(head.header("content-length").parse::<usize>().unwrap() > 0, "{path}");
    }
}
