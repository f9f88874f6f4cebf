//! Asking about a policy: why, what it would do, the same again later, and back
//! to an older one.

use api::Config;
use governance::command::ErasedPart;
use serde_json::{Value, json};

use crate::common::{ALLOWED, Node, POLICY, Server};

/// A policy under which triage may read claims for any purpose.
fn wider() -> Value {
    let mut policy = document();
    policy["relations"][0]["conditions"] = json!([]);
    policy
}

/// A policy under which nobody may do anything.
fn closed() -> Value {
    json!({"terms": [], "relations": []})
}

fn document() -> Value {
    serde_json::from_str::<Value>(POLICY).unwrap()["policy"].clone()
}

/// A question that the loaded policy denies.
fn sales() -> Value {
    json!({
        "actor": "ai_agent:claims_triage", "action": "read_claim",
        "context": {"purpose": "sales"}
    })
}

fn with(mut body: Value, name: &str, value: impl Into<Value>) -> Value {
    body[name] = value.into();
    body
}

async fn explain(server: &Server, body: Value) -> Value {
    let reply = server.post("/policies/explain", &body).await;
    assert_eq!(reply.outcome(), "200", "{body} {}", reply.json());
    reply.json()
}

#[tokio::test]
async fn a_denial_is_explained_and_says_what_would_be_allowed() {
    let server = Server::loaded().await;
    let size = server.node.ledger_size();
    let why = explain(&server, sales()).await;
    assert_eq!(
        (why["outcome"].as_str(), why["reason_code"].as_str()),
        (Some("denied"), Some("no_permit"))
    );
    assert_eq!(why["policy_version"], 1);
    let failed = json!([{"key": "purpose", "op": "eq", "expected": "triage", "actual": "sales", "missing": false}]);
    assert_eq!(why["near_misses"][0]["failed"], failed);
    assert_eq!(why["near_misses"][0]["type"], "permits");
    let flip = json!({"changes": [{"key": "purpose", "op": "eq", "value": "triage"}], "outcome": "allowed"});
    assert_eq!(why["minimal_flip"], flip);
    assert_eq!(why["matched"][0]["conditions"][0]["met"], false);
    assert!(0 < why["steps"].as_u64().unwrap());
    let missing = explain(&server, with(sales(), "context", json!({}))).await;
    assert_eq!(missing["near_misses"][0]["failed"][0]["missing"], true);
    assert_eq!(missing["near_misses"][0]["failed"][0]["actual"], Value::Null);
    assert_eq!(server.node.ledger_size(), size, "asking why recorded something");
}

#[tokio::test]
async fn a_candidate_is_asked_instead_where_there_is_one() {
    let server = Server::loaded().await;
    let why = explain(&server, with(sales(), "policy", wider())).await;
    assert_eq!((why["outcome"].as_str(), &why["policy_version"]), (Some("allowed"), &Value::Null));
    let loaded = server.post("/policies/load", wider()).await.json();
    assert_eq!(why["policy_hash"], loaded["policy_hash"]);
}

#[tokio::test]
async fn a_recorded_decision_is_explained_by_what_was_recorded() {
    let server = Server::loaded().await;
    let denied = server.post("/decide", sales()).await.json();
    server.post("/policies/load", wider()).await;
    let id = denied["decision_id"].clone();
    let absent = explain(&server, with(sales(), "decision_id", Value::Null)).await;
    assert_eq!(absent["outcome"], "allowed", "null is as good as absent");
    let why = explain(&server, json!({"decision_id": id})).await;
    assert_eq!((why["outcome"].as_str(), &why["policy_version"]), (Some("denied"), &json!(1)));
    assert_eq!(why["matched"], denied["matched"]);
    let now = explain(&server, json!({"decision_id": id, "policy": wider()})).await;
    assert_eq!(now["outcome"], "allowed");
    server.node.erase(ErasedPart::Personal, denied["ledger_entry_id"].as_u64().unwrap());
    let gone = server.post("/policies/explain", json!({"decision_id": id})).await;
    assert_eq!(gone.outcome(), "410 erased");
    let unasked = explain(&server, json!({"decision_id": id, "policy": wider()})).await;
    assert_eq!(unasked["outcome"], "allowed", "this policy never asks for the context");
}

#[tokio::test]
async fn what_cannot_be_explained_is_refused() {
    let server = Server::loaded().await;
    let bad = json!({"terms": [{"id": "a", "type": "nonsense"}]});
    for (body, expect, pointer) in [
        (json!({"action": "read_claim"}), "422 validation_failed", "/actor "),
        (with(sales(), "colour", 1), "422 unknown_field", "/colour "),
        (with(sales(), "policy", bad), "400 policy_invalid", "/policy/terms/0"),
        (with(sales(), "policy", 4), "422 validation_failed", "/policy "),
        (with(sales(), "policy_mode", "permissive"), "400 policy_mode_loosens", ""),
        (json!({"decision_id": "dec_00000000000000000000000001"}), "404 unknown_decision", ""),
        (json!({"decision_id": "nonsense"}), "404 unknown_decision", ""),
        (
            with(sales(), "decision_id", "dec_00000000000000000000000001"),
            "422 unknown_field",
            "/actor ",
        ),
    ] {
        let reply = server.post("/policies/explain", &body).await;
        assert_eq!(reply.outcome(), expect, "{body}");
        assert!(reply.faults().join("\n").contains(pointer), "{body} {:?}", reply.faults());
    }
    let unfounded = Server::with(Node::empty(), Config::default());
    assert_eq!(unfounded.post("/policies/explain", sales()).await.outcome(), "503 starting");
}

#[tokio::test]
async fn impact_counts_what_a_policy_would_change_and_shows_examples() {
    let server = Server::loaded().await;
    let allowed = server.post("/decide", ALLOWED).await.json();
    let mut denied = Vec::new();
    for _ in 0..3 {
        denied.push(server.post("/decide", sales()).await.json());
    }
    let size = server.node.ledger_size();
    let found =
        server.post("/policies/impact", json!({"policy": wider(), "max_examples": 2})).await.json();
    assert_eq!(found["decisions_replayed"], 4);
    assert_eq!(found["unchanged"], 1);
    assert_eq!(found["denied_to_allowed"]["count"], 3);
    let examples = found["denied_to_allowed"]["examples"].as_array().unwrap();
    assert_eq!(examples.len(), 2);
    let first = json!({
        "decision_id": denied[0]["decision_id"], "ledger_entry_id": denied[0]["ledger_entry_id"],
        "actor": "ai_agent:claims_triage", "action": "read_claim", "was": "denied", "would_be": "allowed",
    });
    assert_eq!(examples[0], first);
    let found = server.post("/policies/impact", json!({"policy": closed()})).await.json();
    assert_eq!(found["allowed_to_denied"]["count"], 1);
    assert_eq!(found["allowed_to_denied"]["examples"][0]["decision_id"], allowed["decision_id"]);
    let of_the_first = json!({"policy": closed(), "to": denied[0]["timestamp"]});
    let found = server.post("/policies/impact", of_the_first).await.json();
    assert_eq!(found["decisions_replayed"], 1);
    let from_the_last = json!({"policy": closed(), "from": denied[2]["timestamp"]});
    let found = server.post("/policies/impact", from_the_last).await.json();
    assert_eq!(
        (found["decisions_replayed"].as_u64(), &found["from_entry"]),
        (Some(1), &denied[2]["ledger_entry_id"])
    );
    server.node.erase(ErasedPart::Personal, denied[1]["ledger_entry_id"].as_u64().unwrap());
    let found = server.post("/policies/impact", json!({"policy": document()})).await.json();
    assert_eq!((found["unreplayable"].as_u64(), found["unchanged"].as_u64()), (Some(1), Some(3)));
    assert_eq!(server.node.ledger_size(), size + 1, "asking recorded something");
}

#[tokio::test]
async fn an_impact_that_makes_no_sense_is_refused() {
    let server = Server::loaded().await;
    for (body, expect, pointer) in [
        (json!({}), "422 validation_failed", "/policy "),
        (json!({"policy": {"mode": "strict"}}), "400 policy_invalid", "/policy"),
        (
            json!({"policy": closed(), "max_examples": 1001}),
            "422 validation_failed",
            "/max_examples ",
        ),
        (
            json!({"policy": closed(), "max_examples": -1}),
            "422 validation_failed",
            "/max_examples ",
        ),
        (json!({"policy": closed(), "from": "yesterday"}), "422 validation_failed", "/from "),
        (json!({"policy": closed(), "colour": 1}), "422 unknown_field", "/colour "),
    ] {
        let reply = server.post("/policies/impact", &body).await;
        assert_eq!(reply.outcome(), expect, "{body}");
        assert!(reply.faults().join("\n").contains(pointer), "{body} {:?}", reply.faults());
    }
}

fn gated() -> Server {
    let config = Config { impact_gate: Some(1000), ..Config::default() };
    Server::with(Node::founded(), config)
}

#[tokio::test]
async fn with_the_gate_a_policy_that_widens_is_loaded_only_when_that_is_acknowledged() {
    let server = gated();
    server.post("/policies/load", POLICY).await;
    let denied = server.post("/decide", sales()).await.json();
    let size = server.node.ledger_size();
    let refused = server.post("/policies/load", json!({"policy": wider()})).await;
    assert_eq!(refused.outcome(), "409 impact_not_acknowledged");
    let example = refused.json()["errors"][0].clone();
    assert_eq!(
        (&example["code"], &example["pointer"]),
        (&json!("denied_to_allowed"), &json!("/policy"))
    );
    assert!(example["detail"].as_str().unwrap().contains(denied["decision_id"].as_str().unwrap()));
    let keyed = [("idempotency-key", "widen-1")];
    let body = json!({"policy": wider()}).to_string();
    let refused = server.call("POST", "/policies/load", &body, &keyed).await;
    assert_eq!(refused.outcome(), "409 impact_not_acknowledged");
    assert_eq!(server.node.ledger_size(), size);
    assert_eq!(server.get("/policies").await.json()["active_version"], 1);

    let meant = json!({"policy": wider(), "acknowledge_widening": true});
    let loaded = server.post("/policies/load", meant).await.json();
    assert_eq!(loaded["policy_version"], 2);
    let entry = server.get(&format!("/ledger/entries/{}", loaded["ledger_entry_id"])).await.json();
    assert_eq!(entry["data"]["impact"]["denied_to_allowed"], 1);
    assert_eq!(entry["data"]["impact"]["decisions_replayed"], 1);
}

#[tokio::test]
async fn a_load_that_passed_the_gate_is_repeated_although_it_would_not_pass_now() {
    let server = gated();
    let key = [("idempotency-key", "load-1")];
    let body = json!({"policy": wider()}).to_string();
    let first = server.call("POST", "/policies/load", &body, &key).await;
    server.post("/policies/load", POLICY).await;
    server.post("/decide", sales()).await;
    let again = server.call("POST", "/policies/load", &body, &key).await;
    assert_eq!(again.json(), first.json());
    assert_eq!(again.header("idempotent-replayed"), "true");
}

#[tokio::test]
async fn without_the_gate_nothing_is_asked() {
    let server = Server::loaded().await;
    server.post("/decide", sales()).await;
    let loaded = server.post("/policies/load", wider()).await;
    assert_eq!(loaded.outcome(), "200");
    let entry = loaded.json()["ledger_entry_id"].clone();
    let entry = server.get(&format!("/ledger/entries/{entry}")).await.json();
    assert!(entry["data"].get("impact").is_none());
}

#[tokio::test]
async fn a_rollback_is_a_new_version_with_the_old_document() {
    let server = Server::loaded().await;
    server.post("/policies/load", closed()).await;
    let body = json!({"version": 1, "reason": "the desk was closed by mistake"});
    let back = server.post("/policies/rollback", &body).await.json();
    assert_eq!((&back["policy_version"], &back["previous_version"]), (&json!(3), &json!(2)));
    assert_eq!((&back["terms_loaded"], &back["mode"]), (&json!(2), &json!("strict")));
    let (first, active) =
        (server.get("/policies/1").await.json(), server.get("/policies/active").await.json());
    assert_eq!(active["version"], 3);
    assert_eq!(
        (&active["document"], &active["policy_hash"]),
        (&first["document"], &first["policy_hash"])
    );
    assert_eq!(back["policy_hash"], first["policy_hash"]);
    let entry = server.get(&format!("/ledger/entries/{}", back["ledger_entry_id"])).await.json();
    assert_eq!(entry["data"]["reason"], "the desk was closed by mistake");
    assert_eq!(entry["data"]["rolled_back_to"], 1);
    assert_eq!(server.post("/decide", ALLOWED).await.json()["policy_version"], 3);
}

#[tokio::test]
async fn a_rollback_is_known_again_by_its_key() {
    let server = Server::loaded().await;
    server.post("/policies/load", closed()).await;
    let key = [("idempotency-key", "back-1")];
    let body = json!({"version": 1, "reason": "x"}).to_string();
    let first = server.call("POST", "/policies/rollback", &body, &key).await;
    let again = server.call("POST", "/policies/rollback", &body, &key).await;
    assert_eq!((first.outcome().as_str(), again.json()), ("200", first.json()));
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(server.get("/policies").await.json()["active_version"], 3);
}

#[tokio::test]
async fn a_rollback_to_nowhere_is_refused() {
    let server = Server::loaded().await;
    let size = server.node.ledger_size();
    for (body, expect, pointer) in [
        (json!({"version": 2, "reason": "x"}), "404 unknown_policy", ""),
        (json!({"version": 1, "reason": "x"}), "409 already_active", ""),
        (json!({"reason": "x"}), "422 validation_failed", "/version "),
        (json!({"version": 0}), "422 validation_failed", "/reason "),
        (json!({"version": 0, "reason": " "}), "422 validation_failed", "/reason "),
        (json!({"version": 0, "reason": "x".repeat(2049)}), "422 validation_failed", "/reason "),
        (json!({"version": -1, "reason": "x"}), "422 validation_failed", "/version "),
        (json!({"version": "1", "reason": "x"}), "422 validation_failed", "/version "),
    ] {
        let reply = server.post("/policies/rollback", &body).await;
        assert_eq!(reply.outcome(), expect, "{body}");
        assert!(reply.faults().join("\n").contains(pointer), "{body} {:?}", reply.faults());
    }
    assert_eq!(server.node.ledger_size(), size);
    let empty =
        server.post("/policies/rollback", json!({"version": 0, "reason": "stop all"})).await;
    assert_eq!(empty.json()["relations_loaded"], 0);
}

#[tokio::test]
async fn a_recorded_decision_replays_the_same_after_the_policy_changed() {
    let server = Server::loaded().await;
    let allowed = server.post("/decide", ALLOWED).await.json();
    server.post("/policies/load", closed()).await;
    let path = format!("/decisions/{}/replay", allowed["decision_id"].as_str().unwrap());
    let judged = json!({"outcome": "allowed", "reason_code": "permitted"});
    let expect = json!({
        "decision_id": allowed["decision_id"], "identical": true, "unreplayable": null,
        "policy_version": 1, "policy_hash": allowed["policy_hash"], "engine_version": 2,
        "recorded": judged, "replayed": judged, "differences": [],
    });
    assert_eq!(server.get(&path).await.json(), expect);
    let entry = allowed["ledger_entry_id"].as_u64().unwrap();
    server.node.erase(ErasedPart::Personal, entry);
    let blind = server.get(&path).await.json();
    assert_eq!((&blind["identical"], &blind["replayed"]), (&Value::Null, &Value::Null));
    assert_eq!((&blind["unreplayable"], &blind["recorded"]), (&json!("erased"), &judged));
    server.node.erase(ErasedPart::All, entry);
    assert_eq!(server.get(&path).await.outcome(), "410 erased");
    for unknown in ["dec_00000000000000000000000001", "x"] {
        let reply = server.get(&format!("/decisions/{unknown}/replay")).await;
        assert_eq!(reply.outcome(), "404 unknown_decision");
    }
}

#[tokio::test]
async fn a_node_that_studies_enough_takes_no_more() {
    let request_timeout = std::time::Duration::from_millis(20);
    let config = Config { studies_max: 0, request_timeout, ..Config::default() };
    let server = Server::with(Node::founded(), config);
    for (path, body) in [
        ("/policies/explain", sales().to_string()),
        ("/policies/validate", POLICY.to_owned()),
        ("/policies/load", POLICY.to_owned()),
    ] {
        let reply = server.post(path, body).await;
        assert!(
            ["429 overloaded", "503 read_timeout"].contains(&reply.outcome().as_str()),
            "{path}"
        );
    }
    assert_eq!(server.post("/decide", ALLOWED).await.outcome(), "200", "decisions go on");
}
