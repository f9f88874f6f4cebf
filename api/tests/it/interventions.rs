//! Interventions: recording them, checking them again, and how oversight went.

use governance::command::ErasedPart;
use proto::governance::v1::compliance_client::ComplianceClient;
use proto::governance::v1::{
    LiftStopRequest, OversightEffectivenessRequest, RecordInterventionRequest, StopScope,
    VerifyInterventionRequest,
};
use serde_json::{Value, json};
use tonic::Code;

use crate::common::Server;
use crate::grpc::{connect, refusal};

pub(crate) const INTERVENTION: &str = "/compliance/eu-ai-act/article-14/intervention";
const VERIFY: &str = "/compliance/eu-ai-act/article-14/verify";
const EFFECTIVENESS: &str = "/compliance/eu-ai-act/article-14/effectiveness";

/// The example of the contract.
fn example() -> Value {
    json!({
        "intervention_type": "override",
        "ai_recommendation": {"decision": "pay", "confidence": 0.62},
        "human_decision": {"decision": "hold"},
        "human_role": "risk_manager",
        "reason": "duplicate invoice",
    })
}

/// The same with other members.
fn with(members: Value) -> Value {
    let mut body = example();
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn record(server: &Server, body: &Value) -> Value {
    let reply = server.post(INTERVENTION, body).await;
    assert_eq!(reply.outcome(), "200", "{}", reply.json());
    reply.json()
}

async fn effectiveness(server: &Server, query: &str) -> Value {
    let reply = server.get(&format!("{EFFECTIVENESS}{query}")).await;
    assert_eq!(reply.outcome(), "200", "{}", reply.json());
    reply.json()
}

#[tokio::test]
async fn the_example_of_the_contract_is_recorded_and_signed() {
    let server = Server::loaded().await;
    let size = server.node.ledger_size();
    let reply = record(&server, &example()).await;
    assert_eq!(server.node.ledger_size(), size + 1);
    assert_eq!((&reply["status"], &reply["stop_id"]), (&json!("success"), &Value::Null));
    let id = reply["intervention_id"].as_str().unwrap();
    assert!(id.starts_with("int_"), "{id}");
    let entry = server.get(&format!("/ledger/entries/{}", reply["ledger_entry_id"])).await.json();
    assert_eq!(entry["entry_type"], "intervention");
    assert_eq!(entry["current_hash"], reply["ledger_entry_hash"]);
    assert_eq!((&entry["timestamp"], &entry["actor"]), (&reply["timestamp"], &Value::Null));
    let personal = json!({
        "ai_recommendation": {"decision": "pay", "confidence": 0.62},
        "human_decision": {"decision": "hold"}, "reason": "duplicate invoice",
        "request_context": null,
    });
    assert_eq!(entry["personal"], personal);
    assert_eq!((&entry["data"]["by"], &entry["data"]["authn"]), (&Value::Null, &json!("none")));
    let message = format!(
        "lexecon/intervention/v1\n{id}\n{}\n",
        reply["ledger_entry_hash"].as_str().unwrap()
    );
    let keys = server.get("/keys").await.json();
    let keys = keys["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == reply["signature"]["key_id"]).unwrap();
    let x = ledger::signature::parse(reply["signature"]["value"].as_str().unwrap()).unwrap();
    let public = ledger::signature::from_text(key["x"].as_str().unwrap()).unwrap();
    let public: [u8; 32] = public.try_into().unwrap();
    assert!(ledger::signature::verify(&public, message.as_bytes(), &x));
}

#[tokio::test]
async fn an_intervention_about_a_decision_is_about_its_actor() {
    let server = Server::loaded().await;
    let ask = json!({"actor": "ai:a", "action": "read"});
    let decision = server.post("/decide", ask).await.json();
    let body = with(json!({
        "decision_id": decision["decision_id"], "human_id": "act_human_user:maria",
        "request_context": {"invoice": null}, "response_time_ms": 4200,
        "display_digest": "ab".repeat(32), "human_role": "SOC_analyst",
    }));
    let reply = record(&server, &body).await;
    let entry = server.get(&format!("/ledger/entries/{}", reply["ledger_entry_id"])).await.json();
    assert_eq!((&entry["actor"], &entry["data"]["actor"]), (&json!("ai:a"), &json!("ai:a")));
    assert_eq!(entry["data"]["by"], "act_human_user:maria");
    assert_eq!(entry["data"]["human_role"], "soc_analyst");
    assert_eq!(entry["personal"]["request_context"], json!({"invoice": null}));
}

#[tokio::test]
async fn confidence_is_compared_exactly_and_may_be_at_its_bounds() {
    let server = Server::loaded().await;
    for confidence in ["0", "1", "1.0", "1e0", "0.000000000000001", "0.999999999999999", "-0"] {
        let body = example().to_string().replace("0.62", confidence);
        let reply = server.post(INTERVENTION, body).await;
        assert_eq!(reply.outcome(), "200", "{confidence}");
    }
    for (confidence, code) in [
        ("1.00000000000001", "out_of_range"),
        ("-0.1", "out_of_range"),
        ("2", "out_of_range"),
        ("\"0.5\"", "wrong_type"),
        ("null", "missing"),
        ("true", "wrong_type"),
    ] {
        let body = example().to_string().replace("0.62", confidence);
        let reply = server.post(INTERVENTION, body).await;
        assert_eq!(reply.outcome(), "422 validation_failed", "{confidence}");
        let faults = reply.faults().join("\n");
        assert!(
            faults.contains("/ai_recommendation/confidence") && faults.contains(code),
            "{faults}"
        );
    }
}

#[tokio::test]
async fn what_is_no_intervention_is_refused_and_leaves_nothing() {
    let server = Server::loaded().await;
    let size = server.node.ledger_size();
    let long = "x".repeat(10_001);
    let big: Value = (0..7)
        .map(|n| (n.to_string(), json!("x".repeat(10_000))))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let deep = json!({"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}});
    for (members, expect, pointer) in [
        (json!({"intervention_type": "pause"}), "422 validation_failed", "/intervention_type "),
        (json!({"intervention_type": null}), "422 validation_failed", "/intervention_type "),
        (json!({"human_role": "admin"}), "422 validation_failed", "/human_role "),
        (json!({"human_decision": null}), "422 validation_failed", "/human_decision "),
        (json!({"human_decision": "hold"}), "422 validation_failed", "/human_decision "),
        (
            json!({"ai_recommendation": {}}),
            "422 validation_failed",
            "/ai_recommendation/confidence ",
        ),
        (json!({"reason": " "}), "422 validation_failed", "/reason "),
        (json!({"reason": long}), "422 validation_failed", "/reason "),
        (json!({"human_id": "maria"}), "422 validation_failed", "/human_id "),
        (json!({"human_id": "act_human_user:"}), "422 validation_failed", "/human_id "),
        (json!({"response_time_ms": -1}), "422 validation_failed", "/response_time_ms "),
        (json!({"response_time_ms": 0.5}), "422 validation_failed", "/response_time_ms "),
        (json!({"display_digest": "AB".repeat(32)}), "422 validation_failed", "/display_digest "),
        (json!({"display_digest": "ab"}), "422 validation_failed", "/display_digest "),
        (json!({"stop": {}}), "422 validation_failed", "/stop "),
        (json!({"stop": {"actor": "a", "tool": "b"}}), "422 unknown_field", "/stop/tool "),
        (json!({"other": 1}), "422 unknown_field", "/other "),
        (json!({"decision_id": "x"}), "404 unknown_decision", ""),
        (json!({"decision_id": "dec_00000000000000000000000001"}), "404 unknown_decision", ""),
        (json!({"request_context": deep}), "413 context_too_large", ""),
        (json!({"human_decision": big}), "413 context_too_large", ""),
    ] {
        let reply = server.post(INTERVENTION, with(members.clone())).await;
        assert_eq!(reply.outcome(), expect, "{members}");
        assert!(reply.faults().join("\n").contains(pointer), "{members} {:?}", reply.faults());
    }
    assert_eq!(server.node.ledger_size(), size);
}

#[tokio::test]
async fn an_intervention_is_known_again_by_its_key() {
    let server = Server::loaded().await;
    let key = [("idempotency-key", "int-1")];
    let body = example().to_string();
    let first = server.call("POST", INTERVENTION, &body, &key).await;
    let again = server.call("POST", INTERVENTION, &body, &key).await;
    assert_eq!((first.outcome().as_str(), again.json()), ("200", first.json()));
    assert_eq!(again.header("idempotent-replayed"), "true");
    let other = with(json!({"reason": "other"})).to_string();
    let other = server.call("POST", INTERVENTION, &other, &key).await;
    assert_eq!(other.outcome(), "409 idempotency_conflict");
    let entry = first.json()["ledger_entry_id"].as_u64().unwrap();
    server.node.erase(ErasedPart::Personal, entry);
    let gone = server.call("POST", INTERVENTION, &body, &key).await;
    assert_eq!(gone.outcome(), "410 erased");
}

#[tokio::test]
async fn what_was_recorded_verifies_as_sent_and_as_answered() {
    let server = Server::loaded().await;
    let body = with(json!({"human_id": "act_human_user:maria", "response_time_ms": 7}));
    let reply = record(&server, &body).await;
    let mut whole = body.clone();
    for (name, value) in reply.as_object().unwrap() {
        whole[name] = value.clone();
    }
    for asked in
        [reply.clone(), whole.clone(), json!({"intervention_id": reply["intervention_id"]})]
    {
        let found = server.post(VERIFY, &asked).await.json();
        let signed = asked.get("signature").map(|_| true);
        let expect = json!({
            "verified": true, "intervention_id": reply["intervention_id"], "mismatched_fields": [],
            "erased_fields": [], "signature_valid": signed,
            "ledger_entry_id": reply["ledger_entry_id"],
        });
        assert_eq!(found, expect);
    }
    for (name, other) in [
        ("intervention_type", json!("approval")),
        ("ai_recommendation", json!({"decision": "pay", "confidence": 0.63})),
        ("human_decision", json!({})),
        ("human_role", json!("executive")),
        ("reason", json!("Duplicate invoice")),
        ("human_id", json!("act_human_user:maria2")),
        ("decision_id", json!("dec_00000000000000000000000001")),
        ("request_context", json!({})),
        ("response_time_ms", json!(8)),
        ("display_digest", json!("00".repeat(32))),
        ("stop", json!({"actor": "x"})),
        ("stop_id", json!("stop_00000000000000000000000001")),
        ("timestamp", json!("2020-01-01")),
        ("ledger_entry_id", json!(0)),
        ("ledger_entry_hash", json!("00".repeat(32))),
    ] {
        let mut asked = whole.clone();
        asked[name] = other;
        let found = server.post(VERIFY, &asked).await.json();
        assert_eq!(
            (&found["verified"], &found["mismatched_fields"]),
            (&json!(false), &json!([name]))
        );
        assert_eq!(found["signature_valid"], true);
    }
}

#[tokio::test]
async fn a_signature_counts_by_its_key_and_its_bytes() {
    let server = Server::loaded().await;
    let reply = record(&server, &example()).await;
    let other = record(&server, &example()).await;
    let id = &reply["intervention_id"];
    let keys = server.get("/keys").await.json();
    let token_key = keys["keys"].as_array().unwrap().iter().find(|key| key["use"] == "token");
    let token_key = token_key.map_or(Value::Null, |key| key["kid"].clone());
    assert!(token_key.is_string(), "{keys}");
    let signature = |name: &str, value: Value| {
        let mut signature = reply["signature"].clone();
        signature[name] = value;
        signature
    };
    for wrong in [
        other["signature"].clone(),
        signature("key_id", token_key),
        signature("key_id", json!("key_00000000000000000000000077")),
        signature("algorithm", json!("none")),
        signature("value", json!("AAAA")),
    ] {
        let asked = json!({"intervention_id": id, "signature": wrong});
        let found = server.post(VERIFY, &asked).await.json();
        assert_eq!((&found["verified"], &found["signature_valid"]), (&json!(false), &json!(false)));
        assert_eq!(found["mismatched_fields"], json!([]));
    }
}

#[tokio::test]
async fn what_is_erased_is_compared_with_nothing() {
    let server = Server::loaded().await;
    let reply = record(&server, &example()).await;
    let id = &reply["intervention_id"];
    let entry = reply["ledger_entry_id"].as_u64().unwrap();
    server.node.erase(ErasedPart::Personal, entry);
    let found = |members: Value| {
        let mut asked = members;
        asked["intervention_id"] = id.clone();
        let server = &server;
        async move { server.post(VERIFY, asked).await.json() }
    };
    let told = found(json!({"reason": "made up", "human_role": "risk_manager"})).await;
    assert_eq!((&told["verified"], &told["erased_fields"]), (&Value::Null, &json!(["reason"])));
    let told = found(json!({"reason": "made up", "human_role": "executive"})).await;
    assert_eq!(
        (&told["verified"], &told["mismatched_fields"]),
        (&json!(false), &json!(["human_role"]))
    );
    assert_eq!(found(reply.clone()).await["verified"], true);
    let mut reply = reply.clone();
    reply["stop_id"] = json!("stop_1");
    server.node.erase(ErasedPart::All, entry);
    let told = found(reply.clone()).await;
    assert_eq!((&told["signature_valid"], &told["verified"]), (&json!(true), &Value::Null));
    assert_eq!(told["erased_fields"], json!(["stop_id"]));
}

#[tokio::test]
async fn nothing_is_verified_of_what_is_unknown() {
    let server = Server::loaded().await;
    for id in ["x", "int_00000000000000000000000001"] {
        let reply = server.post(VERIFY, json!({"intervention_id": id})).await;
        assert_eq!(reply.outcome(), "404 unknown_intervention");
    }
    for (body, expect) in [
        (json!({}), "422 validation_failed"),
        (json!({"intervention_id": "x", "confidence": 1}), "422 unknown_field"),
        (json!({"intervention_id": "x", "signature": {}}), "422 validation_failed"),
    ] {
        assert_eq!(server.post(VERIFY, body).await.outcome(), expect);
    }
}

#[tokio::test]
async fn oversight_is_counted_over_days() {
    let server = Server::loaded().await;
    let empty = effectiveness(&server, "").await;
    let none: Value = json!({"average": null, "minimum": null, "maximum": null});
    assert_eq!((&empty["total_interventions"], &empty["response_time_ms"]), (&json!(0), &none));
    assert_eq!(
        (&empty["status"], &empty["status_detail"]),
        (&json!("insufficient"), &json!("inconclusive"))
    );
    record(&server, &with(json!({"response_time_ms": 100}))).await;
    server.node.inner().now += 2 * 24 * 3600 * 1_000_000;
    record(&server, &with(json!({"response_time_ms": 201}))).await;
    let same = json!({"decision": "hold", "confidence": 1});
    let last = record(&server, &with(json!({"ai_recommendation": same}))).await;
    let found = effectiveness(&server, "").await;
    let expect = json!({
        "period_days": 30, "total_interventions": 3,
        "intervention_breakdown": {
            "by_type": {"approval": 0, "override": 3, "escalation": 0, "emergency_stop": 0,
                        "policy_exception": 0, "manual_review": 0},
            "by_role": {"compliance_officer": 0, "security_lead": 0, "legal_counsel": 0,
                        "risk_manager": 3, "executive": 0, "soc_analyst": 0},
        },
        "overrides": 2, "approvals": 1, "override_rate_percent": 66,
        "response_time_ms": {"average": 150, "minimum": 100, "maximum": 201},
        "escalations": {"created": 0, "resolved": 0, "expired": 0, "within_sla_percent": null},
        "resolution_outcomes": {"approved": 0, "denied": 0, "deferred": 0},
        "status": "insufficient", "status_detail": "failing",
        "findings": [
            "3 interventions are by somebody whose identity nobody checked",
            "1 interventions tell no response time",
        ],
        "as_of_index": last["ledger_entry_id"],
    });
    assert_eq!(found, expect);
    let day = effectiveness(&server, "?period_days=1").await;
    assert_eq!(
        (&day["total_interventions"], &day["override_rate_percent"]),
        (&json!(2), &json!(50))
    );
    let entry = last["ledger_entry_id"].as_u64().unwrap();
    let earlier = effectiveness(&server, &format!("?as_of={}", entry - 1)).await;
    assert_eq!(
        (&earlier["total_interventions"], &earlier["as_of_index"]),
        (&json!(2), &json!(entry - 1))
    );
    let timestamp = last["timestamp"].as_str().unwrap();
    assert_eq!(effectiveness(&server, &format!("?as_of={timestamp}")).await, found);
    for (query, parameter) in [
        ("period_days=0", "period_days"),
        ("period_days=3651", "period_days"),
        ("as_of=yesterday", "as_of"),
        ("as_of=99999", "as_of"),
        ("as_of=99999999999999999999999", "as_of"),
        ("as_of=1970-01-01", "as_of"),
    ] {
        let reply = server.get(&format!("{EFFECTIVENESS}?{query}")).await;
        assert_eq!(reply.outcome(), "422 validation_failed", "{query}");
        assert!(reply.faults()[0].contains(parameter), "{:?}", reply.faults());
    }
}

#[tokio::test]
async fn oversight_by_grpc_is_the_oversight_of_rest() {
    let server = Server::loaded().await;
    let mut client = ComplianceClient::new(connect(&server).await);
    let ask = RecordInterventionRequest {
        intervention_type: "emergency_stop".to_owned(),
        ai_recommendation_json: r#"{"confidence":0.5}"#.to_owned(),
        human_decision_json: r#"{"decision":"stop"}"#.to_owned(),
        human_role: "executive".to_owned(),
        reason: "drill".to_owned(),
        human_id: Some("act_human_user:executive".to_owned()),
        response_time_ms: Some(12),
        stop: Some(StopScope { actor: Some("ai:*".to_owned()), action: None }),
        ..RecordInterventionRequest::default()
    };
    let recorded = client.record_intervention(ask.clone()).await.unwrap().into_inner();
    let stop_id = recorded.stop_id.clone().unwrap();
    let ask = RecordInterventionRequest { human_id: None, ..ask };
    let refused = client.record_intervention(ask).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::PermissionDenied, "not_authorised".to_owned()));
    let ask = VerifyInterventionRequest {
        intervention_id: recorded.intervention_id.clone(),
        members_json: Some(r#"{"stop":{"actor":"ai:*"},"reason":"no drill"}"#.to_owned()),
        signature: recorded.signature.clone(),
    };
    let verified = client.verify_intervention(ask).await.unwrap().into_inner();
    assert_eq!((verified.verified, verified.signature_valid), (Some(false), Some(true)));
    assert_eq!(verified.mismatched_fields, ["reason"]);
    let ask = LiftStopRequest {
        stop_id: stop_id.clone(),
        reason: "over".to_owned(),
        lifted_by: Some("act_human_user:executive".to_owned()),
    };
    let lifted = client.lift_stop(ask.clone()).await.unwrap().into_inner();
    assert_eq!((lifted.stop_id, lifted.status.as_str()), (stop_id, "lifted"));
    let again = client.lift_stop(ask).await.unwrap_err();
    assert_eq!(refusal(&again), (Code::FailedPrecondition, "already_lifted".to_owned()));
    let ask = OversightEffectivenessRequest::default();
    let found = client.oversight_effectiveness(ask).await.unwrap().into_inner();
    assert_eq!((found.total_interventions, found.by_type["emergency_stop"]), (1, 1));
    assert_eq!(found.response_time_ms.and_then(|times| times.average), Some(12));
    assert_eq!((found.by_role["executive"], found.status.as_str()), (1, "insufficient"));
}
