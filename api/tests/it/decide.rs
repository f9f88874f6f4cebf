//! Decisions over HTTP: what is taken, what is refused beside it, and that a
//! reply can be verified by anybody.

use api::backend::Unavailable;
use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use serde_json::{Value, json};

use crate::common::{ALLOWED, Node, Server};

fn allowed() -> Value {
    serde_json::from_str(ALLOWED).unwrap()
}

/// The request that is allowed, with some members changed; null takes one out.
fn request(changes: Value) -> Value {
    let mut request = json!({
        "actor": "ai_agent:claims_triage", "action": "read_claim", "context": {"purpose": "triage"},
    });
    for (name, value) in changes.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

#[tokio::test]
async fn a_permitted_request_is_allowed_signed_and_recorded() {
    let server = Server::loaded().await;
    let before = server.node.ledger_size();
    let reply = server.post("/decide", ALLOWED).await;
    assert_eq!(reply.outcome(), "200");
    let decision = reply.json();
    assert_eq!(decision["outcome"], "allowed");
    assert_eq!(decision["reason"], "Triage may read open claims");
    assert_eq!(decision["request_id"], "triage-8841");
    assert_eq!(decision["ledger_entry_id"], before);
    assert!(decision["capability_token"].as_str().unwrap().starts_with("cap_"));
    assert_eq!(decision["matched"][0]["conditions"][0]["actual"], "triage");
    assert_eq!(server.node.ledger_size(), before + 1);
    assert_eq!(reply.header("x-lexecon-node"), "n1");
    assert_eq!(reply.header("x-lexecon-leader"), "n1");
    assert_eq!(reply.header("x-lexecon-applied-index"), "3");
    let verified = server.post("/decide/verify", &decision).await.json();
    assert_eq!(verified["reason_code"], "ok", "{verified}");
    assert_eq!(verified["verified"], true);
    assert_eq!(
        verified["checks"],
        json!({"schema":true,"key":true,"signature":true,"fields":true,"token":true,"ledger":true,"inclusion":null})
    );
}

#[tokio::test]
async fn a_denied_request_is_recorded_too_and_has_no_token() {
    let server = Server::loaded().await;
    let before = server.node.ledger_size();
    let denied = server.post("/decide", request(json!({"action": "delete_claim"}))).await.json();
    assert_eq!(denied["outcome"], "denied");
    assert_eq!(denied["reason_code"], "no_permit");
    for member in ["capability_token", "token_id", "token_expires_at"] {
        assert_eq!(denied[member], Value::Null, "{member}");
    }
    assert_eq!(server.node.ledger_size(), before + 1);
    let verified = server.post("/decide/verify", &denied).await.json();
    assert_eq!(verified["reason_code"], "ok", "{verified}");
}

/// As another verifier would: the key from `/keys`, the bytes by the contract.
#[tokio::test]
async fn the_signatures_can_be_verified_without_our_code() {
    let server = Server::loaded().await;
    let decision = server.post("/decide", ALLOWED).await.json();
    let keys = server.get("/keys").await.json();
    let key = |kid: &Value| {
        let keys = keys["keys"].as_array().unwrap();
        let key = keys.iter().find(|key| key["kid"] == *kid).unwrap();
        let bytes = ledger::signature::from_text(key["x"].as_str().unwrap()).unwrap();
        (key["use"].clone(), VerifyingKey::from_bytes(&bytes.try_into().unwrap()).unwrap())
    };
    let mut signed = decision.clone();
    for member in ["signature", "node", "capability_token"] {
        signed.as_object_mut().unwrap().remove(member);
    }
    let signed: types::Json = serde_json::from_value(signed).unwrap();
    let (usage, verifier) = key(&decision["signature"]["key_id"]);
    assert_eq!(usage, "decision");
    let signature = decision["signature"]["value"].as_str().unwrap();
    let signature = Signature::from_bytes(&ledger::signature::parse(signature).unwrap());
    verifier.verify(signed.to_canonical().as_bytes(), &signature).unwrap();

    let token = decision["capability_token"].as_str().unwrap();
    let (input, signature) = token.split_at(token.len() - 87);
    let claims = ledger::signature::from_text(&input["cap_".len()..]).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["jti"], decision["token_id"]);
    assert_eq!(claims["sub"], decision["actor"]);
    assert_eq!(claims["idx"], decision["ledger_entry_id"]);
    let (usage, verifier) = key(&claims["kid"]);
    assert_eq!(usage, "token");
    let signature = Signature::from_bytes(&ledger::signature::parse(&signature[1..]).unwrap());
    verifier.verify(input.as_bytes(), &signature).unwrap();
}

#[tokio::test]
async fn every_fault_of_a_body_is_found() {
    let server = Server::loaded().await;
    let long = |count: usize| "x".repeat(count);
    let too_many: Vec<String> = (0..1001).map(|n| n.to_string()).collect();
    for (changes, expect) in [
        (json!({"actor": null, "action": "  "}), vec!["/actor missing", "/action missing"]),
        (json!({"actor": 7}), vec!["/actor wrong_type"]),
        (json!({"actor": "a b"}), vec!["/actor bad_format"]),
        (json!({"actor": long(256)}), vec!["/actor too_long"]),
        (json!({"action": "läuft"}), vec!["/action bad_format"]),
        (json!({"action": long(513)}), vec!["/action too_long"]),
        (json!({"proposed_action": "other"}), vec!["/proposed_action conflicting_values"]),
        (json!({"context": []}), vec!["/context wrong_type"]),
        (
            json!({"context": {"a": null, "b/c": null}}),
            vec!["/context/a null_not_allowed", "/context/b~1c null_not_allowed"],
        ),
        (json!({"request_id": "ключ"}), vec!["/request_id bad_format"]),
        (json!({"request_id": long(129)}), vec!["/request_id too_long"]),
        (json!({"resource": long(513)}), vec!["/resource too_long"]),
        (json!({"tool": "a:b"}), vec!["/tool bad_format"]),
        (json!({"user_intent": long(2049)}), vec!["/user_intent too_long"]),
        (
            json!({"data_classes": ["pii", " pii ", "", 4]}),
            vec![
                "/data_classes/1 duplicate",
                "/data_classes/2 missing",
                "/data_classes/3 wrong_type",
            ],
        ),
        (json!({"data_classes": too_many}), vec!["/data_classes out_of_range"]),
        (
            json!({"risk": {"security": 101, "luck": 1, "privacy": "3"}}),
            vec![
                "/risk/luck unknown_field",
                "/risk/privacy wrong_type",
                "/risk/security out_of_range",
            ],
        ),
        (json!({"risk_level": 0}), vec!["/risk_level out_of_range"]),
        (json!({"risk_level": "3"}), vec!["/risk_level wrong_type"]),
        (json!({"risk_level": 2.5}), vec!["/risk_level wrong_type"]),
        (json!({"policy_mode": "lax"}), vec!["/policy_mode not_one_of"]),
        (json!({"expires_in": 86_401}), vec!["/expires_in out_of_range"]),
        (json!({"dry_run": "true"}), vec!["/dry_run wrong_type"]),
    ] {
        let reply = server.post("/decide", request(changes.clone())).await;
        assert_eq!(reply.outcome(), "422 validation_failed", "{changes}");
        assert_eq!(reply.faults(), expect, "{changes}");
    }
    let reply = server.post("/decide", request(json!({"colour": 1, "flavour": 2}))).await;
    assert_eq!(reply.outcome(), "422 unknown_field");
    assert_eq!(reply.faults(), ["/colour unknown_field", "/flavour unknown_field"]);
    let reply = server.post("/decide", "[]").await;
    assert_eq!(reply.faults(), [" wrong_type"]);
}

#[tokio::test]
async fn what_means_the_same_is_taken() {
    let server = Server::loaded().await;
    for changes in [
        json!({"actor": "  ai_agent:claims_triage\n"}),
        json!({"action": null, "proposed_action": "read_claim"}),
        json!({"proposed_action": "read_claim"}),
        json!({"expires_in": 300.0, "risk_level": 2.0}),
        json!({"policy_mode": "STRICT", "tool": null, "resource": " ", "risk": {}}),
    ] {
        let reply = server.post("/decide", request(changes.clone())).await;
        assert_eq!(reply.outcome(), "200", "{changes}");
        assert_eq!(reply.json()["outcome"], "allowed", "{changes}");
    }
}

#[tokio::test]
async fn a_context_has_limits() {
    let server = Server::loaded().await;
    let nested = |levels: usize| {
        (0..levels).fold(json!(1), |inner, level| json!({ format!("k{level}"): inner }))
    };
    let keys = |count: usize| {
        (0..count).map(|n| (n.to_string(), json!(n))).collect::<serde_json::Map<_, _>>()
    };
    let large = |count: usize| {
        (0..count)
            .map(|n| (n.to_string(), json!("x".repeat(1000))))
            .collect::<serde_json::Map<_, _>>()
    };
    for (context, expect) in [
        (nested(5), "200"),
        (nested(6), "413 context_too_large"),
        (nested(99), "413 context_too_large"),
        (nested(200), "413 context_too_large"),
        (Value::Object(keys(100)), "200"),
        (Value::Object(keys(101)), "413 context_too_large"),
        (json!({"a": [{"b": "x".repeat(10_000)}]}), "200"),
        (json!({"a": [{"b": "x".repeat(10_001)}]}), "413 context_too_large"),
        (json!({"a": vec![0; 1000]}), "200"),
        (json!({"a": {"b": vec![0; 1001]}}), "413 context_too_large"),
        (Value::Object(large(64)), "200"),
        (Value::Object(large(66)), "413 context_too_large"),
        (json!({"a": {"deep": null}}), "200"),
    ] {
        let reply = server.post("/decide", request(json!({ "context": context }))).await;
        assert_eq!(reply.outcome(), expect);
    }
}

#[tokio::test]
async fn a_repeated_request_gets_the_same_reply_and_is_recorded_once() {
    let server = Server::loaded().await;
    let first = server.post("/decide", ALLOWED).await;
    let size = server.node.ledger_size();
    let again = server.post("/decide", ALLOWED).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(first.header("idempotent-replayed"), "");
    assert_eq!(again.json(), first.json());
    let reordered = r#"{"request_id":"triage-8841","proposed_action":"read_claim","context":{"channel":"phone",
        "purpose":"triage"},"actor":" ai_agent:claims_triage "}"#;
    assert_eq!(server.post("/decide", reordered).await.json(), first.json());
    let mut other = allowed();
    other["context"]["channel"] = json!("mail");
    assert_eq!(server.post("/decide", other).await.outcome(), "409 idempotency_conflict");
    assert_eq!(server.node.ledger_size(), size);
}

#[tokio::test]
async fn the_header_is_a_key_as_well() {
    let server = Server::loaded().await;
    let body = request(json!({})).to_string();
    let key = [("idempotency-key", "order-7")];
    let first = server.call("POST", "/decide", &body, &key).await;
    let again = server.call("POST", "/decide", &body, &key).await;
    assert_eq!(again.json(), first.json());
    assert_eq!(again.header("idempotent-replayed"), "true");
    let named = request(json!({"request_id": "other"})).to_string();
    let reply = server.call("POST", "/decide", &named, &key).await;
    assert_eq!(reply.faults(), ["/request_id conflicting_values"]);
    let reply = server.call("POST", "/decide", &body, &[("idempotency-key", "")]).await;
    assert_eq!(reply.faults(), ["Idempotency-Key bad_format"]);
}

#[tokio::test]
async fn a_refused_request_leaves_no_key_behind() {
    let server = Server::loaded().await;
    let looser = request(json!({"policy_mode": "permissive", "request_id": "r"}));
    assert_eq!(server.post("/decide", looser).await.outcome(), "400 policy_mode_loosens");
    let reply = server.post("/decide", request(json!({"request_id": "r"}))).await;
    assert_eq!(reply.outcome(), "200");
}

#[tokio::test]
async fn a_dry_run_records_nothing() {
    let server = Server::loaded().await;
    let size = server.node.ledger_size();
    let reply = server.post("/decide", request(json!({"dry_run": true}))).await.json();
    assert_eq!(reply["outcome"], "allowed");
    assert_eq!(reply["dry_run"], true);
    for member in ["decision_id", "capability_token", "token_id", "ledger_entry_id", "signature"] {
        assert_eq!(reply[member], Value::Null, "{member}");
    }
    assert_eq!(server.node.ledger_size(), size);
    let empty = Server::with(Node::empty(), api::Config::default());
    let reply = empty.post("/decide", request(json!({"dry_run": true}))).await;
    assert_eq!(reply.outcome(), "503 starting");
}

#[tokio::test]
async fn what_the_node_cannot_do_now_is_said() {
    let server = Server::loaded().await;
    for (why, expect) in [
        (Unavailable::NoLeader, "503 no_leader"),
        (Unavailable::OutcomeUnknown, "503 outcome_unknown"),
        (Unavailable::Overloaded, "429 overloaded"),
        (Unavailable::TooLarge, "413 payload_too_large"),
        (Unavailable::Starting, "503 starting"),
        (Unavailable::Quarantined, "503 node_quarantined"),
    ] {
        server.node.inner().refuse = Some(why);
        let reply = server.post("/decide", ALLOWED).await;
        assert_eq!(reply.outcome(), expect);
        assert_eq!(reply.header("retry-after"), if reply.status == 429 { "1" } else { "" });
        let batch = server.post("/decide/batch", json!({"requests": [allowed()]})).await;
        assert_eq!(batch.outcome(), expect);
    }
    server.node.inner().refuse = None;
    server.node.inner().no_keys = true;
    assert_eq!(server.post("/decide", ALLOWED).await.outcome(), "503 starting");
    server.node.inner().no_keys = false;
    let again = server.post("/decide", ALLOWED).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
}

#[tokio::test]
async fn a_batch_is_decided_in_order_and_a_wrong_item_spoils_no_other() {
    let server = Server::loaded().await;
    let first = server.node.ledger_size();
    let requests = json!({"requests": [
        request(json!({"request_id": "1"})),
        {"actor": "x"},
        request(json!({"request_id": "2", "action": "delete"})),
        request(json!({"dry_run": true})),
        request(json!({"request_id": "1"})),
        7,
        request(json!({"policy_mode": "permissive"})),
    ]});
    let reply = server.post("/decide/batch", &requests).await;
    assert_eq!(reply.outcome(), "200");
    let body = reply.json();
    assert_eq!(body["count"], 7);
    let results = body["results"].as_array().unwrap();
    assert_eq!(results[0]["ledger_entry_id"], first);
    assert_eq!(results[1]["problem"]["code"], "validation_failed");
    assert_eq!(results[1]["problem"]["instance"], reply.header("x-request-id"));
    assert_eq!(results[2]["ledger_entry_id"], first + 1);
    assert_eq!(results[2]["outcome"], "denied");
    assert_eq!(results[3]["dry_run"], true);
    assert_eq!(results[4], results[0]);
    assert_eq!(results[5]["problem"]["errors"][0]["code"], "wrong_type");
    assert_eq!(results[6]["problem"]["code"], "policy_mode_loosens");
    assert_eq!(server.node.ledger_size(), first + 2);
    for at in [0, 2] {
        let verified = server.post("/decide/verify", &results[at]).await.json();
        assert_eq!(verified["reason_code"], "ok", "{verified}");
    }
}

#[tokio::test]
async fn a_batch_has_bounds() {
    let server = Server::loaded().await;
    for (requests, expect) in [
        (json!({"requests": []}), "422 validation_failed"),
        (json!({"requests": vec![1; 1001]}), "422 validation_failed"),
        (json!({}), "422 validation_failed"),
        (json!({"requests": {}}), "422 validation_failed"),
        (json!({"requests": [1], "other": 1}), "422 unknown_field"),
    ] {
        assert_eq!(server.post("/decide/batch", &requests).await.outcome(), expect, "{requests}");
    }
    let reply = server.post("/decide/batch?signature=none", "{}").await;
    assert_eq!(reply.faults(), ["signature not_one_of"]);
}

#[tokio::test]
async fn one_signature_covers_a_batch_and_each_reply_stands_alone() {
    let server = Server::loaded().await;
    let requests: Vec<Value> =
        (0..5).map(|n| request(json!({"request_id": format!("b{n}")}))).collect();
    let path = "/decide/batch?signature=Batch&tokens=later";
    let reply = server.post(path, json!({ "requests": requests })).await.json();
    let results = reply["results"].as_array().unwrap();
    for (at, result) in results.iter().enumerate() {
        assert_eq!(result["signature"]["algorithm"], "Ed25519-batch");
        assert_eq!(result["signature"]["leaf_index"], at);
        assert_eq!(result["signature"]["tree_size"], 5);
        assert_eq!(result["signature"]["value"], results[0]["signature"]["value"]);
        assert_eq!(result["capability_token"], Value::Null);
        let verified = server.post("/decide/verify", result).await.json();
        assert_eq!(verified["reason_code"], "ok", "{verified}");
        assert_eq!(verified["checks"]["token"], Value::Null);
    }
    let mut moved = results[1].clone();
    moved["signature"]["leaf_index"] = json!(2);
    let verified = server.post("/decide/verify", moved).await.json();
    assert_eq!(verified["reason_code"], "signature_invalid");
    let text = server.post("/decide", &requests[3]).await.json();
    assert!(text["capability_token"].is_string());
    assert_eq!(text["token_id"], results[3]["token_id"]);
}

#[tokio::test]
async fn a_batch_is_known_again_by_its_header() {
    let server = Server::loaded().await;
    let key = [("idempotency-key", "batch-1")];
    let body = json!({"requests": [request(json!({})), request(json!({}))]}).to_string();
    let first = server.call("POST", "/decide/batch", &body, &key).await;
    let size = server.node.ledger_size();
    let again = server.call("POST", "/decide/batch", &body, &key).await;
    assert_eq!(again.json(), first.json());
    assert_eq!(again.header("idempotent-replayed"), "true");
    let other = json!({"requests": [request(json!({}))]}).to_string();
    let other = server.call("POST", "/decide/batch", &other, &key).await.json();
    assert_eq!(other["results"][0]["problem"]["code"], "idempotency_conflict");
    assert_eq!(server.node.ledger_size(), size);
}

#[tokio::test]
async fn a_changed_reply_is_not_verified() {
    let server = Server::loaded().await;
    let decision = server.post("/decide", ALLOWED).await.json();
    let other = server.post("/decide", request(json!({"action": "delete"}))).await.json();
    let with = |name: &str, value: Value| {
        let mut changed = decision.clone();
        changed[name] = value;
        changed
    };
    let without = |name: &str| {
        let mut changed = decision.clone();
        changed.as_object_mut().unwrap().remove(name);
        changed
    };
    let signature = |name: &str, value: Value| {
        let mut changed = decision.clone();
        changed["signature"][name] = value;
        changed
    };
    let zeros = "A".repeat(86);
    let mut genesis = decision.clone();
    genesis["decision_id"] = Value::Null;
    genesis["ledger_entry_id"] = json!(0);
    let entry = server.get("/ledger/entries/0").await.json();
    genesis["ledger_entry_hash"] = entry["current_hash"].clone();
    for (reply, expect, mismatched) in [
        (with("outcome", json!("denied")), "field_mismatch", vec!["outcome"]),
        (with("colour", json!("red")), "field_mismatch", vec!["colour"]),
        (
            with("ledger_entry_hash", json!("0".repeat(64))),
            "entry_hash_mismatch",
            vec!["ledger_entry_hash"],
        ),
        (without("reason"), "incomplete", vec!["reason"]),
        (without("signature"), "incomplete", vec![]),
        (signature("value", json!("short")), "incomplete", vec![]),
        (signature("value", json!(zeros)), "signature_invalid", vec![]),
        (signature("value", other["signature"]["value"].clone()), "signature_invalid", vec![]),
        (signature("key_id", json!("key_01K1R0C9N5T8Z4W2Y6V3Q7M1HD")), "key_unknown", vec![]),
        // The key that signs tokens signs no decisions.
        (signature("key_id", json!("key_00000000000000000000000002")), "key_unknown", vec![]),
        (with("capability_token", json!("cap_x")), "token_mismatch", vec![]),
        (with("capability_token", json!(7)), "token_mismatch", vec![]),
        (genesis, "not_a_decision", vec![]),
        (with("node", json!("elsewhere")), "ok", vec![]),
        (json!({"decision_response": decision}), "ok", vec![]),
        (json!({"decision_response": decision, "original_request": allowed()}), "ok", vec![]),
        (
            json!({"decision_response": decision, "original_request": request(json!({"tool": "sql"}))}),
            "field_mismatch",
            vec!["original_request.context", "original_request.tool"],
        ),
        (
            json!({"decision_response": decision, "original_request": {"actor": 1}}),
            "field_mismatch",
            vec!["original_request"],
        ),
    ] {
        let verified = server.post("/decide/verify", &reply).await;
        assert_eq!(verified.outcome(), "200", "{reply}");
        let verified = verified.json();
        assert_eq!(verified["reason_code"], expect, "{reply} {verified}");
        assert_eq!(verified["verified"], expect == "ok");
        assert_eq!(verified["mismatched_fields"], json!(mismatched), "{reply}");
    }
}

#[tokio::test]
async fn what_names_no_recorded_decision_is_not_verified() {
    let server = Server::loaded().await;
    let mut nameless = server.post("/decide", ALLOWED).await.json();
    nameless.as_object_mut().unwrap().remove("ledger_entry_hash");
    for (body, expect) in [
        (nameless, "400 missing_ledger_entry_hash"),
        (json!({}), "400 missing_ledger_entry_hash"),
        (json!({"ledger_entry_hash": "ab", "decision_id": "dec_1"}), "404 unknown_decision"),
        (json!([]), "422 validation_failed"),
        (json!({"decision_response": 4}), "422 validation_failed"),
        (json!({"original_request": 4}), "422 validation_failed"),
    ] {
        assert_eq!(server.post("/decide/verify", &body).await.outcome(), expect, "{body}");
    }
}

#[tokio::test]
async fn a_decision_is_looked_up_and_its_signature_still_verifies() {
    let server = Server::loaded().await;
    let decision = server.post("/decide", ALLOWED).await.json();
    let path = format!("/decisions/{}", decision["decision_id"].as_str().unwrap());
    let record = server.get(&path).await.json();
    assert_eq!(record["context"], json!({"purpose": "triage", "channel": "phone"}));
    assert_eq!(record["effective_outcome"], "allowed");
    assert_eq!(record["effective_basis"], "decision");
    assert_eq!(record["signature"], decision["signature"]);
    assert_eq!(record["erased"], Value::Null);
    for unknown in ["dec_01K1R0D2J7Q4M8X5B9C3F6H0TN", "1", "..", "%ff"] {
        let reply = server.get(&format!("/decisions/{unknown}")).await;
        assert_eq!(reply.status, 404, "{unknown}");
    }
}
