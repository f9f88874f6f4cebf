//! Risk: assessing it, in versions, and finding it again.

use governance::command::ErasedPart;
use proto::governance::v1::decisions_client::DecisionsClient;
use proto::governance::v1::risks_client::RisksClient;
use proto::governance::v1::{
    AssessRiskRequest, GetDecisionRequest, GetRiskOfDecisionRequest, GetRiskRequest,
    ListRisksRequest, RiskInput,
};
use serde_json::{Value, json};
use tonic::Code;

use crate::common::Server;
use crate::grpc::{connect, refusal};

/// Decides with these members beside actor and action.
async fn decide(server: &Server, mut with: Value) -> Value {
    with["actor"] = json!("ai:a");
    with["action"] = json!("read");
    server.post("/decide", with).await.json()
}

async fn assess(server: &Server, decision: &Value, dimensions: Value) -> Value {
    let body = json!({"decision_id": decision["decision_id"], "dimensions": dimensions});
    let reply = server.post("/risks/assess", body).await;
    assert_eq!(reply.outcome(), "200");
    reply.json()
}

/// Scores of a page.
async fn scores(server: &Server, query: &str) -> Vec<u64> {
    let page = server.get(&format!("/risks{query}")).await.json();
    let risks = page["risks"].as_array().unwrap().iter();
    risks.map(|risk| risk["overall_score"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn the_values_of_the_contract_come_out() {
    let server = Server::loaded().await;
    for (dimensions, score, level) in [
        (json!({"security": 85, "privacy": 70, "compliance": 60}), 72, "high"),
        (
            json!({"security": 95, "privacy": 95, "compliance": 95, "operational": 95,
                   "reputational": 95, "financial": 95}),
            95,
            "critical",
        ),
        (json!({"security": 90}), 90, "critical"),
        (json!({}), 1, "low"),
        (json!({"security": 40, "privacy": 65}), 51, "medium"),
    ] {
        let decision = decide(&server, json!({})).await;
        let risk = assess(&server, &decision, dimensions).await;
        assert_eq!((&risk["overall_score"], &risk["risk_level"]), (&json!(score), &json!(level)));
    }
}

#[tokio::test]
async fn an_assessment_is_shown_as_it_was_answered() {
    let server = Server::loaded().await;
    let decision = decide(&server, json!({})).await;
    let risk = assess(&server, &decision, json!({"security": 40, "privacy": 65})).await;
    let expect = json!({
        "risk_id": risk["risk_id"], "decision_id": decision["decision_id"], "version": 1,
        "supersedes": null, "overall_score": 51, "risk_level": "medium",
        "dimensions": {"security": 40, "privacy": 65, "compliance": null, "operational": null,
                       "reputational": null, "financial": null},
        "factors": [{"name": "security_risk", "weight": 25, "value": 40},
                    {"name": "privacy_risk", "weight": 20, "value": 65}],
        "escalation_id": null, "timestamp": risk["timestamp"],
        "ledger_entry_id": decision["ledger_entry_id"].as_u64().unwrap() + 1,
    });
    assert_eq!(risk, expect);
    let path = format!("/risks/{}", risk["risk_id"].as_str().unwrap());
    assert_eq!(server.get(&path).await.json(), expect);
    let entry = server.get(&format!("/ledger/entries/{}", risk["ledger_entry_id"])).await.json();
    assert_eq!((&entry["entry_type"], &entry["actor"]), (&json!("risk_assessed"), &json!("ai:a")));
    assert_eq!(entry["timestamp"], risk["timestamp"]);
}

#[tokio::test]
async fn a_decision_with_a_risk_keeps_it_in_its_own_entry() {
    let server = Server::loaded().await;
    let size = server.node.ledger_size();
    let decision = decide(&server, json!({"risk": {"security": 70}, "risk_level": 2})).await;
    assert_eq!(server.node.ledger_size(), size + 1);
    let path = format!("/risks/{}", decision["risk_id"].as_str().unwrap());
    let risk = server.get(&path).await.json();
    assert_eq!((&risk["overall_score"], &risk["version"]), (&json!(70), &json!(1)));
    assert_eq!(risk["ledger_entry_id"], decision["ledger_entry_id"]);
    let verified = server.post("/decide/verify", &decision).await.json();
    assert_eq!(verified["verified"], true, "{verified}");
    let dry = decide(&server, json!({"risk_level": 2, "dry_run": true})).await;
    assert_eq!((&dry["risk_id"], &dry["risk"]["score"]), (&Value::Null, &json!(40)));
}

#[tokio::test]
async fn versions_supersede_one_another() {
    let server = Server::loaded().await;
    let decision = decide(&server, json!({"risk_level": 1})).await;
    let id = decision["decision_id"].as_str().unwrap();
    let body = |supersedes: &Value, security: u64| json!({"decision_id": id, "dimensions": {"security": security}, "supersedes": supersedes});
    let again = server.post("/risks/assess", body(&Value::Null, 50)).await;
    assert_eq!(again.outcome(), "409 already_assessed");
    let second = server.post("/risks/assess", body(&decision["risk_id"], 50)).await.json();
    assert_eq!((&second["version"], &second["supersedes"]), (&json!(2), &decision["risk_id"]));
    for other in [&decision["risk_id"], &json!("rsk_00000000000000000000000001"), &json!("x")] {
        let reply = server.post("/risks/assess", body(other, 60)).await;
        assert_eq!(reply.outcome(), "409 not_latest", "{other}");
    }
    let whole = server.get(&format!("/risks/decision/{id}")).await.json();
    assert_eq!((&whole["risk_id"], &whole["overall_score"]), (&second["risk_id"], &json!(50)));
    let versions = whole["versions"].as_array().unwrap();
    assert_eq!(versions.len(), 2);
    assert_eq!((&versions[0]["risk_id"], &versions[1]), (&decision["risk_id"], &second));
    let record = server.get(&format!("/decisions/{id}")).await.json();
    let expect = json!({
        "risk_id": second["risk_id"], "version": 2, "overall_score": 50, "risk_level": "medium",
        "timestamp": second["timestamp"],
    });
    assert_eq!(
        (record["risk_versions"].as_array().unwrap().len(), &record["risk_versions"][1]),
        (2, &expect)
    );
    assert_eq!(scores(&server, "").await, [50]);
}

/// Bodies that are refused, with what and where.
fn refused(id: &Value) -> Vec<(Value, &'static str, &'static str)> {
    let deep = json!({"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}});
    let many: Vec<_> = (0..101).map(|n| n.to_string()).collect();
    let with = |name: &str, value: Value| {
        let mut body = json!({"decision_id": id, "dimensions": {}});
        body[name] = value;
        body
    };
    let of = |dimensions: Value| with("dimensions", dimensions);
    const NOT_VALID: &str = "422 validation_failed";
    let nobody = json!({"decision_id": "dec_00000000000000000000000001", "dimensions": {}});
    vec![
        (nobody, "404 unknown_decision", ""),
        (json!({"decision_id": "x", "dimensions": {}}), "404 unknown_decision", ""),
        (json!({"dimensions": {}}), NOT_VALID, "/decision_id "),
        (json!({"decision_id": id}), NOT_VALID, "/dimensions "),
        (of(json!({"security": 101})), NOT_VALID, "/dimensions/security "),
        (of(json!({"security": -1})), NOT_VALID, "/dimensions/security "),
        (of(json!({"security": 1.5})), NOT_VALID, "/dimensions/security "),
        (of(json!({"safety": 1})), "422 unknown_field", "/dimensions/safety "),
        (with("likelihood", json!(101)), NOT_VALID, "/likelihood "),
        (with("impact", json!(0)), NOT_VALID, "/impact "),
        (with("impact", json!(6)), NOT_VALID, "/impact "),
        (with("mitigations", json!([""])), NOT_VALID, "/mitigations/0 "),
        (with("mitigations", json!(many)), NOT_VALID, "/mitigations "),
        (with("metadata", json!([])), NOT_VALID, "/metadata "),
        (with("metadata", deep), NOT_VALID, "/metadata "),
        (with("metadata", json!({"a": "x".repeat(16 << 10)})), NOT_VALID, "/metadata "),
        (with("other", json!(1)), "422 unknown_field", "/other "),
    ]
}

#[tokio::test]
async fn what_cannot_be_assessed_is_refused_and_leaves_nothing() {
    let server = Server::loaded().await;
    let decision = decide(&server, json!({})).await;
    let id = &decision["decision_id"];
    let size = server.node.ledger_size();
    for (body, expect, pointer) in refused(id) {
        let reply = server.post("/risks/assess", &body).await;
        assert_eq!(reply.outcome(), expect, "{body}");
        assert!(reply.faults().join("\n").contains(pointer), "{body} {:?}", reply.faults());
    }
    assert_eq!(server.node.ledger_size(), size);
    let most = json!({
        "decision_id": id, "dimensions": {"security": 100, "financial": 0}, "likelihood": 100,
        "impact": 5, "mitigations": (0..100).map(|n| n.to_string()).collect::<Vec<_>>(),
        "metadata": {"a": {"b": {"c": {"d": {"e": 1}}}}},
    });
    assert_eq!(server.post("/risks/assess", most).await.outcome(), "200");
}

#[tokio::test]
async fn an_assessment_is_known_again_by_its_key() {
    let server = Server::loaded().await;
    let decision = decide(&server, json!({})).await;
    let body = json!({"decision_id": decision["decision_id"], "dimensions": {"security": 40}});
    let key = [("idempotency-key", "risk-1")];
    let first = server.call("POST", "/risks/assess", &body.to_string(), &key).await;
    let again = server.call("POST", "/risks/assess", &body.to_string(), &key).await;
    assert_eq!((first.outcome().as_str(), again.json()), ("200", first.json()));
    assert_eq!(again.header("idempotent-replayed"), "true");
    let other = json!({"decision_id": decision["decision_id"], "dimensions": {}}).to_string();
    let other = server.call("POST", "/risks/assess", &other, &key).await;
    assert_eq!(other.outcome(), "409 idempotency_conflict");
    server.node.erase(ErasedPart::All, first.json()["ledger_entry_id"].as_u64().unwrap());
    let gone = server.call("POST", "/risks/assess", &body.to_string(), &key).await;
    assert_eq!(gone.outcome(), "410 erased");
}

#[tokio::test]
async fn risks_are_listed_highest_first_by_score_and_level() {
    let server = Server::loaded().await;
    for security in [40, 95, 60, 79, 1] {
        decide(&server, json!({"risk": {"security": security}})).await;
    }
    assert_eq!(scores(&server, "").await, [95, 79, 60, 40, 1]);
    assert_eq!(scores(&server, "?min_score=60").await, [95, 79, 60]);
    assert_eq!(scores(&server, "?level=HIGH").await, [79, 60]);
    assert_eq!(scores(&server, "?level=high&min_score=61").await, [79]);
    assert_eq!(scores(&server, "?level=low&min_score=50").await, [0_u64; 0]);
    let first = server.get("/risks?limit=2").await.json();
    assert_eq!((&first["total"], &first["total_exact"]), (&json!(5), &json!(true)));
    let next = first["next"].as_str().unwrap();
    assert_eq!(scores(&server, &format!("?limit=2&after={next}")).await, [60, 40]);
    let last = server.get("/risks?limit=5").await.json();
    assert_eq!(last["next"], Value::Null);
    for (query, parameter) in [
        ("after=x", "after"),
        ("level=severe", "level"),
        ("min_score=101", "min_score"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
    ] {
        let reply = server.get(&format!("/risks?{query}")).await;
        assert_eq!(reply.outcome(), "422 validation_failed", "{query}");
        assert!(reply.faults()[0].contains(parameter), "{:?}", reply.faults());
    }
    assert_eq!(server.get("/risks?order=asc").await.outcome(), "422 unknown_parameter");
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_unknown_or_erased() {
    let server = Server::loaded().await;
    let none = decide(&server, json!({})).await;
    let of =
        |decision: &Value| format!("/risks/decision/{}", decision["decision_id"].as_str().unwrap());
    for (path, expect) in [
        ("/risks/rsk_00000000000000000000000001", "404 unknown_risk"),
        ("/risks/x", "404 unknown_risk"),
        ("/risks/decision/x", "404 unknown_decision"),
        ("/risks/decision/dec_00000000000000000000000001", "404 unknown_decision"),
        (of(&none).as_str(), "404 unknown_risk"),
    ] {
        assert_eq!(server.get(path).await.outcome(), expect, "{path}");
    }
    let decision = decide(&server, json!({"risk_level": 3})).await;
    let path = format!("/risks/{}", decision["risk_id"].as_str().unwrap());
    let entry = decision["ledger_entry_id"].as_u64().unwrap();
    server.node.erase(ErasedPart::Personal, entry);
    assert_eq!(server.get(&path).await.outcome(), "200");
    server.node.erase(ErasedPart::All, entry);
    assert_eq!(server.get(&path).await.outcome(), "410 erased");
    assert_eq!(server.get(&of(&decision)).await.outcome(), "410 erased");
    assert_eq!(scores(&server, "").await, [0_u64; 0]);
    let body = json!({
        "decision_id": decision["decision_id"], "dimensions": {}, "supersedes": decision["risk_id"],
    });
    assert_eq!(server.post("/risks/assess", body).await.outcome(), "410 erased");
}

#[tokio::test]
async fn risk_by_grpc_is_the_risk_of_rest() {
    let server = Server::loaded().await;
    let decision = decide(&server, json!({})).await;
    let decision_id = decision["decision_id"].as_str().unwrap().to_owned();
    let channel = connect(&server).await;
    let mut client = RisksClient::new(channel.clone());
    let dimensions = RiskInput { security: Some(40), privacy: Some(65), ..RiskInput::default() };
    let ask = AssessRiskRequest {
        decision_id: decision_id.clone(),
        dimensions: Some(dimensions),
        likelihood: Some(30),
        metadata_json: Some(r#"{"a":1}"#.to_owned()),
        ..AssessRiskRequest::default()
    };
    let risk = client.assess(ask.clone()).await.unwrap().into_inner();
    assert_eq!((risk.overall_score, risk.risk_level.as_str(), risk.version), (51, "medium", 1));
    assert_eq!((risk.dimensions, risk.factors[1].weight), (Some(dimensions), 20));
    let again = client.assess(ask).await.unwrap_err();
    assert_eq!(refusal(&again), (Code::FailedPrecondition, "already_assessed".to_owned()));
    let ask = GetRiskRequest { risk_id: risk.risk_id.clone(), read: None };
    assert_eq!(client.get(ask).await.unwrap().into_inner(), risk);
    let ask = GetRiskOfDecisionRequest { decision_id: decision_id.clone(), read: None };
    let whole = client.of_decision(ask).await.unwrap().into_inner();
    assert_eq!(
        (whole.risk.as_ref(), whole.versions.as_slice()),
        (Some(&risk), &[risk.clone()][..])
    );
    let ask = ListRisksRequest { level: Some("medium".to_owned()), ..ListRisksRequest::default() };
    let list = client.list(ask).await.unwrap().into_inner();
    assert_eq!((list.risks, list.total, list.next), (vec![risk.clone()], 1, None));
    let unknown = GetRiskRequest { risk_id: "rsk_1".to_owned(), read: None };
    let unknown = client.get(unknown).await.unwrap_err();
    assert_eq!(refusal(&unknown), (Code::NotFound, "unknown_risk".to_owned()));
    let ask = GetDecisionRequest { decision_id, read: None };
    let record = DecisionsClient::new(channel).get(ask).await.unwrap().into_inner();
    assert_eq!(record.risk_versions[0].risk_id, risk.risk_id);
}
