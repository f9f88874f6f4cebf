//! Probes, status and metrics.

use api::Config;
use serde_json::{Value, json};

use crate::common::{ALLOWED, Node, Server};

#[tokio::test]
async fn health_tells_well_from_degraded_from_stopped() {
    let server = Server::new();
    let health = server.get("/health").await.json();
    assert_eq!(health["status"], "healthy");
    assert_eq!(health["leader_id"], "n1");
    server.node.inner().leader = None;
    let degraded = server.get("/health").await;
    assert_eq!((degraded.status, degraded.json()["status"].clone()), (200, json!("degraded")));
    assert_eq!(server.get("/status").await.json()["status"], "degraded");
    server.node.inner().failed = Some("x".to_owned());
    let stopped = server.get("/health").await;
    assert_eq!(stopped.outcome(), "503 node_quarantined");
    assert_eq!(stopped.json()["health"], "unhealthy");
    assert_eq!(server.get("/health/live").await.status, 200);
}

#[tokio::test]
async fn a_quarantined_node_is_alive_and_serves_nothing() {
    let server = Server::new();
    server.node.inner().quarantine = Some("state_hash at /var/lib differs".to_owned());
    for path in ["/health/ready", "/health/ready?for=reads"] {
        let reply = server.get(path).await;
        assert_eq!(reply.outcome(), "503 not_ready", "{path}");
        let failed = |check: &&Value| check["status"] == "failed";
        let problem = reply.json();
        let checks = problem["checks"].as_array().unwrap();
        let names: Vec<&Value> = checks.iter().filter(failed).map(|check| &check["name"]).collect();
        assert_eq!(names, ["quarantine"], "{path}");
        assert!(!problem.to_string().contains("/var/lib"), "{problem}");
    }
    for path in ["/ledger/entries", "/keys", "/cluster/status", "/policies/active", "/health"] {
        assert_eq!(server.get(path).await.outcome(), "503 node_quarantined", "{path}");
    }
    assert_eq!(server.get("/health").await.json()["health"], "unhealthy");
    let status = server.get("/status").await.json();
    assert_eq!(status["status"], "degraded");
    assert_eq!(status["node_id"], "n1");
    assert_eq!(status["ledger_entries"], Value::Null);
    for path in ["/health/live", "/health/startup", "/metrics"] {
        assert_eq!(server.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn readiness_says_what_is_missing() {
    let server = Server::new();
    assert_eq!(server.get("/health/ready").await.json()["status"], "ok");
    server.node.inner().leader = None;
    let reply = server.get("/health/ready").await;
    assert_eq!(reply.outcome(), "503 not_ready");
    let failed: Vec<Value> = reply.json()["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["status"] == "failed")
        .map(|check| check["name"].clone())
        .collect();
    assert_eq!(failed, ["leader"]);
    assert_eq!(server.get("/health/ready?for=reads").await.status, 200);
    server.node.inner().leader = Some("n1".to_owned());
    server.node.inner().disk_full = true;
    assert_eq!(server.get("/health/ready").await.status, 503);
    assert_eq!(server.get("/health/ready?for=reads").await.status, 200);
    server.node.inner().recovered = false;
    assert_eq!(server.get("/health/ready?for=reads").await.status, 503);
    assert_eq!(server.get("/health/startup").await.status, 503);
    assert_eq!(server.get("/health/ready?for=fun").await.outcome(), "422 validation_failed");
}

#[tokio::test]
async fn status_tells_what_is_in_force() {
    let server = Server::new();
    let status = server.get("/status").await.json();
    assert_eq!(status["policy_loaded"], false);
    assert_eq!(status["ledger_entries"], 1);
    let server = Server::loaded().await;
    let status = server.get("/status").await.json();
    assert_eq!(status["policy_loaded"], true);
    assert_eq!(status["policy_version"], 1);
    assert_eq!(status["policy_mode"], "strict");
    assert_eq!(status["ledger_entries"], 2);
    assert_eq!(status["auth_mode"], "open");
    assert_eq!(status["uptime_seconds"], 12);
}

#[tokio::test]
async fn metrics_count_and_never_name_a_path() {
    let server = Server::loaded().await;
    server.post("/decide", ALLOWED).await;
    server.post("/decide", ALLOWED).await;
    server.get("/policies/1").await;
    server.get("/secret-path").await;
    server.call("BREW", "/status", "", &[]).await;
    let reply = server.get("/metrics").await;
    assert!(reply.header("content-type").starts_with("text/plain; version=0.0.4"));
    let text = String::from_utf8(reply.bytes).unwrap();
    for line in [
        r#"lexecon_decisions_total{outcome="allowed",policy_mode="strict"} 1"#,
        r#"lexecon_http_requests_total{endpoint="/policies/{version}",method="GET",status="200"} 1"#,
        r#"lexecon_http_requests_total{endpoint="unmatched",method="GET",status="404"} 1"#,
        r#"lexecon_http_requests_total{endpoint="/status",method="other",status="405"} 1"#,
        r#"lexecon_ledger_entries_total{entry_type="decision"} 1"#,
        "lexecon_ledger_size 3",
        "lexecon_tokens_issued_total 2",
        "lexecon_policies_loaded_total 1",
        "lexecon_raft_term 3",
        "lexecon_raft_applied_index 4",
        "lexecon_raft_is_leader 1",
        "lexecon_decision_duration_seconds_count 2",
        "# HELP lexecon_decisions_total Decisions recorded through this node",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(!text.contains("secret"), "{text}");
    let again = String::from_utf8(server.get("/metrics").await.bytes).unwrap();
    assert!(again.contains("lexecon_ledger_entries_total{entry_type=\"decision\"} 1\n"));
}

#[tokio::test]
async fn metrics_can_be_switched_off() {
    let config = Config { metrics_enabled: false, ..Config::default() };
    let server = Server::with(Node::founded(), config);
    assert_eq!(server.get("/metrics").await.outcome(), "404 metrics_disabled");
}

#[tokio::test]
async fn metrics_may_have_an_address_of_their_own() {
    let config = Config { metrics_elsewhere: true, ..Config::default() };
    let server = Server::with(Node::founded(), config.clone());
    assert_eq!(server.get("/metrics").await.outcome(), "404 metrics_disabled");
    let registry = prometheus::Registry::new();
    let metrics = api::Metrics::new(&registry).unwrap();
    let router = api::metrics_router(server.node.clone(), config, metrics, registry);
    let own = Server { router, ..server };
    let reply = own.get("/metrics").await;
    assert_eq!(reply.status, 200);
    assert!(String::from_utf8_lossy(&reply.bytes).contains("lexecon_ledger_size"));
    assert_eq!(own.get("/status").await.outcome(), "404 not_found");
}
