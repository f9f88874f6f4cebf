//! Who answers for a decision: saying so, judging it, and finding it again.

use governance::command::ErasedPart;
use proto::governance::v1::responsibility_client::ResponsibilityClient;
use proto::governance::v1::{
    GetLegalResponsibilityRequest, GetResponsibilityChainRequest, GetResponsibilityOfPartyRequest,
    GetResponsibilityReportRequest, ListPendingReviewsRequest, RecordResponsibilityRequest,
    ReviewResponsibilityRequest,
};
use serde_json::{Value, json};
use tonic::Code;

use crate::common::Server;
use crate::grpc::{connect, refusal};

const BOB: &str = "act_human_user:bob";

async fn decide(server: &Server) -> String {
    let reply = server.post("/decide", json!({"actor": "ai:a", "action": "read"})).await.json();
    reply["decision_id"].as_str().unwrap().to_owned()
}

/// The least that can be said.
fn said(decision: &str, party: &str) -> Value {
    json!({
        "decision_id": decision, "decision_maker": "human_operator", "responsible_party": party,
        "role": "clerk", "reasoning": "I looked", "responsibility_level": "shared",
    })
}

/// The same with another member.
fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

async fn record(server: &Server, body: Value) -> Value {
    let reply = server.post("/responsibility/records", &body).await;
    assert_eq!(reply.outcome(), "200", "{body}");
    reply.json()
}

fn review_path(record: &Value) -> String {
    format!("/responsibility/{}/review", record["record_id"].as_str().unwrap())
}

fn judged(outcome: &str, by: &str) -> Value {
    json!({"outcome": outcome, "notes": "I asked", "reviewed_by": by})
}

async fn chain(server: &Server, decision: &str) -> Value {
    server.get(&format!("/responsibility/chain/{decision}")).await.json()
}

async fn legal(server: &Server, decision: &str) -> Value {
    server.get(&format!("/responsibility/legal/{decision}")).await.json()
}

#[tokio::test]
async fn a_decision_has_its_record_from_the_beginning() {
    let server = Server::loaded().await;
    let size = server.node.ledger_size();
    let decision = decide(&server).await;
    assert_eq!(server.node.ledger_size(), size + 1);
    let known = server.get(&format!("/decisions/{decision}")).await.json();
    let chain = chain(&server, &decision).await;
    let expect = json!({
        "decision_id": decision, "chain_length": 1,
        "records": [{
            "record_id": decision.replace("dec_", "resp_"), "decision_id": decision,
            "decision_maker": "ai_system", "responsible_party": "system",
            "role": "AI Decision System", "reasoning": known["reason"],
            "responsibility_level": "automated", "confidence_percent": null,
            "delegated_from": null, "escalation_id": null, "override_id": null,
            "review_required": false, "review": null, "timestamp": known["timestamp"],
            "ledger_entry_id": known["ledger_entry_id"],
        }],
    });
    assert_eq!(chain, expect);
}

#[tokio::test]
async fn a_record_is_shown_as_it_was_answered() {
    let server = Server::loaded().await;
    let decision = decide(&server).await;
    let mut body = said(&decision, " Claims Department ");
    body["decision_maker"] = json!("DELEGATED");
    body["delegated_from"] = json!("act_human_user:jane");
    body["confidence_percent"] = json!(100);
    body["review_required"] = json!(true);
    let made = record(&server, body).await;
    let expect = json!({
        "record_id": made["record_id"], "decision_id": decision, "decision_maker": "delegated",
        "responsible_party": "Claims Department", "role": "clerk", "reasoning": "I looked",
        "responsibility_level": "shared", "confidence_percent": 100,
        "delegated_from": "act_human_user:jane", "escalation_id": null, "override_id": null,
        "review_required": true, "review": null, "timestamp": made["timestamp"],
        "ledger_entry_id": server.node.ledger_size() - 1,
    });
    assert_eq!(made, expect);
    assert_eq!(chain(&server, &decision).await["records"][1], made);
    let path = "/responsibility/party/Claims%20Department";
    let party = server.get(path).await.json();
    let expect = json!({
        "responsible_party": "Claims Department", "decision_count": 1, "records": [made],
        "next": null,
    });
    assert_eq!(party, expect);
    let entry = server.get(&format!("/ledger/entries/{}", made["ledger_entry_id"])).await.json();
    assert_eq!(entry["entry_type"], "responsibility_recorded");
    assert_eq!((&entry["actor"], &entry["timestamp"]), (&json!("ai:a"), &made["timestamp"]));
    assert_eq!(entry["personal"], json!({"reasoning": "I looked"}));
}

#[tokio::test]
async fn what_cannot_be_said_is_refused_and_leaves_nothing() {
    let server = Server::loaded().await;
    let id = decide(&server).await;
    let size = server.node.ledger_size();
    let unknown = "dec_00000000000000000000000001";
    for (name, value, expect) in [
        ("decision_id", json!(unknown), "404 unknown_decision"),
        ("decision_id", json!("x"), "404 unknown_decision"),
        ("decision_id", Value::Null, "422 validation_failed"),
        ("decision_maker", Value::Null, "422 validation_failed"),
        ("decision_maker", json!("human"), "422 validation_failed"),
        ("responsible_party", Value::Null, "422 validation_failed"),
        ("responsible_party", json!(" "), "422 validation_failed"),
        ("responsible_party", json!("x".repeat(256)), "422 validation_failed"),
        ("responsible_party", json!("a\u{0}b"), "422 validation_failed"),
        ("role", Value::Null, "422 validation_failed"),
        ("role", json!("x".repeat(256)), "422 validation_failed"),
        ("reasoning", Value::Null, "422 validation_failed"),
        ("reasoning", json!("x".repeat(10_001)), "422 validation_failed"),
        ("responsibility_level", Value::Null, "422 validation_failed"),
        ("responsibility_level", json!("total"), "422 validation_failed"),
        ("confidence_percent", json!(101), "422 validation_failed"),
        ("confidence_percent", json!(-1), "422 validation_failed"),
        ("confidence_percent", json!("1"), "422 validation_failed"),
        ("delegated_from", json!("x".repeat(256)), "422 validation_failed"),
        ("review_required", json!("true"), "422 validation_failed"),
        ("other", json!(1), "422 unknown_field"),
    ] {
        let body = with(said(&id, BOB), name, value.clone());
        let reply = server.post("/responsibility/records", &body).await;
        assert_eq!(reply.outcome(), expect, "{name} {value}");
        let faults = reply.faults();
        assert_eq!(faults.len(), usize::from(reply.status == 422), "{name} {value}");
        assert!(faults.iter().all(|fault| fault.starts_with(&format!("/{name} "))), "{faults:?}");
    }
    let delegated = with(said(&id, BOB), "decision_maker", json!("delegated"));
    let reply = server.post("/responsibility/records", &delegated).await;
    assert_eq!(reply.outcome(), "422 validation_failed");
    assert!(reply.faults()[0].starts_with("/delegated_from missing"), "{:?}", reply.faults());
    assert_eq!(server.node.ledger_size(), size);
    let mut most = said(&id, &"é".repeat(255));
    most["role"] = json!("x".repeat(255));
    most["reasoning"] = json!("x".repeat(10_000));
    most["confidence_percent"] = json!(0);
    record(&server, most).await;
}

#[tokio::test]
async fn a_record_is_judged_once_by_somebody_else() {
    let server = Server::loaded().await;
    let decision = decide(&server).await;
    let made = record(&server, with(said(&decision, BOB), "review_required", json!(true))).await;
    let path = review_path(&made);
    let eve = "act_human_user:eve";
    for (body, expect, fault) in [
        (judged("accepted", BOB), "403 same_person", ""),
        (judged("accepted", "ai:a"), "422 validation_failed", "/reviewed_by "),
        (judged("accepted", "act_human_user:"), "422 validation_failed", "/reviewed_by "),
        (judged("approved", eve), "422 validation_failed", "/outcome "),
        (json!({"outcome": "accepted", "notes": "x"}), "422 validation_failed", "/reviewed_by "),
        (json!({"outcome": "accepted", "reviewed_by": eve}), "422 validation_failed", "/notes "),
        (json!({"notes": "x", "reviewed_by": eve}), "422 validation_failed", "/outcome "),
        (
            with(judged("accepted", eve), "notes", json!("x".repeat(10_001))),
            "422 validation_failed",
            "/notes ",
        ),
        (with(judged("accepted", eve), "other", json!(1)), "422 unknown_field", "/other "),
    ] {
        let reply = server.post(&path, &body).await;
        assert_eq!(reply.outcome(), expect, "{body}");
        assert!(reply.faults().join("\n").contains(fault), "{body} {:?}", reply.faults());
    }
    for nowhere in ["resp_00000000000000000000000001", "resp_1", "x"] {
        let nowhere = format!("/responsibility/{nowhere}/review");
        let reply = server.post(&nowhere, judged("accepted", eve)).await;
        assert_eq!(reply.outcome(), "404 unknown_record", "{nowhere}");
    }
    let before = server.get("/responsibility/pending-reviews").await.json();
    assert_eq!((&before["pending_count"], &before["records"][0]), (&json!(1), &made));
    let done = server.post(&path, judged("Rejected", eve)).await.json();
    let size = server.node.ledger_size();
    let review = json!({
        "outcome": "rejected", "notes": "I asked", "reviewed_by": eve,
        "reviewed_at": done["review"]["reviewed_at"], "ledger_entry_id": size - 1,
    });
    assert_eq!(done, with(made.clone(), "review", review));
    assert_eq!(chain(&server, &decision).await["records"][1], done);
    let again = server.post(&path, judged("accepted", "act_human_user:ann")).await;
    assert_eq!(again.outcome(), "409 already_reviewed");
    let after = server.get("/responsibility/pending-reviews").await.json();
    assert_eq!(after, json!({"pending_count": 0, "records": [], "next": null}));
    let entry = server.get(&format!("/ledger/entries/{}", size - 1)).await.json();
    assert_eq!(
        (&entry["entry_type"], &entry["data"]["by"]),
        (&json!("responsibility_reviewed"), &json!(eve))
    );
    assert_eq!(entry["data"]["authn"], "none");
}

#[tokio::test]
async fn requests_are_known_again_by_their_keys() {
    let server = Server::loaded().await;
    let decision = decide(&server).await;
    let body = said(&decision, BOB);
    let (path, key) = ("/responsibility/records", [("idempotency-key", "k-1")]);
    let first = server.call("POST", path, &body.to_string(), &key).await;
    let review = judged("accepted", "act_human_user:eve").to_string();
    let (judge, other_key) = (review_path(&first.json()), [("idempotency-key", "k-2")]);
    let judged = server.call("POST", &judge, &review, &other_key).await;
    assert_eq!(judged.outcome(), "200");
    let again = server.call("POST", path, &body.to_string(), &key).await;
    assert_eq!((again.json(), again.header("idempotent-replayed")), (first.json(), "true"));
    let again = server.call("POST", &judge, &review, &other_key).await;
    assert_eq!((again.json(), again.header("idempotent-replayed")), (judged.json(), "true"));
    let other = said(&decision, "act_human_user:ann").to_string();
    let other = server.call("POST", path, &other, &key).await;
    assert_eq!(other.outcome(), "409 idempotency_conflict");
    server.node.erase(ErasedPart::Personal, first.json()["ledger_entry_id"].as_u64().unwrap());
    let gone = server.call("POST", path, &body.to_string(), &key).await;
    assert_eq!(gone.outcome(), "410 erased");
}

#[tokio::test]
async fn what_the_service_answers_for_is_every_decision() {
    let server = Server::loaded().await;
    let first = decide(&server).await;
    record(&server, said(&first, "system")).await;
    decide(&server).await;
    let page = server.get("/responsibility/party/system?limit=2").await.json();
    assert_eq!(page["decision_count"], 3);
    let records = page["records"].as_array().unwrap();
    let makers: Vec<&Value> = records.iter().map(|record| &record["decision_maker"]).collect();
    assert_eq!(makers, ["ai_system", "human_operator"]);
    let rest = format!("/responsibility/party/system?after={}", page["next"]);
    let rest = server.get(&rest).await.json();
    assert_eq!((rest["records"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
    let nobody = server.get("/responsibility/party/nobody").await.json();
    assert_eq!((&nobody["decision_count"], &nobody["records"]), (&json!(0), &json!([])));
    for query in ["limit=0", "limit=1001", "after=-1", "after=x"] {
        for path in ["party/system", "pending-reviews"] {
            let reply = server.get(&format!("/responsibility/{path}?{query}")).await;
            assert_eq!(reply.outcome(), "422 validation_failed", "{path} {query}");
        }
    }
}

#[tokio::test]
async fn a_legal_export_names_who_decided_last_and_is_covered_whole() {
    let server = Server::loaded().await;
    let decision = decide(&server).await;
    server.node.finalize();
    let alone = legal(&server, &decision).await;
    assert_eq!(alone["export_type"], "LEGAL_RESPONSIBILITY_CHAIN");
    assert_eq!(
        (&alone["final_responsible_party"], &alone["human_in_loop"], &alone["chain_length"]),
        (&json!("system"), &json!(false), &json!(1))
    );
    let first = alone["checkpoint"].as_str().unwrap().to_owned();
    let signature = &alone["signatures_present"][0];
    assert_eq!((&signature["type"], &signature["valid"]), (&json!(1), &json!(true)));
    record(&server, said(&decision, BOB)).await;
    let jane = record(&server, said(&decision, "act_human_user:jane")).await;
    record(&server, with(said(&decision, "ai:b"), "decision_maker", json!("ai_system"))).await;
    let open = legal(&server, &decision).await;
    assert_eq!(
        (&open["final_responsible_party"], &open["human_in_loop"], &open["checkpoint"]),
        (&json!("act_human_user:jane"), &json!(true), &Value::Null)
    );
    assert_eq!(open["signatures_present"], json!([]));
    server.node.finalize();
    let second = legal(&server, &decision).await["checkpoint"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    let eve = judged("rejected", "act_human_user:eve");
    assert_eq!(server.post(&review_path(&jane), eve).await.outcome(), "200");
    let judged = legal(&server, &decision).await;
    assert_eq!(
        (&judged["final_responsible_party"], &judged["checkpoint"]),
        (&json!(BOB), &Value::Null)
    );
    server.node.finalize();
    decide(&server).await;
    server.node.finalize();
    let last = legal(&server, &decision).await;
    let size = last["checkpoint"].as_str().unwrap().lines().nth(1).unwrap().to_owned();
    assert_eq!(size, (server.node.ledger_size() - 1).to_string());
}

#[tokio::test]
async fn there_is_no_chain_of_what_was_not_decided() {
    let server = Server::loaded().await;
    for part in ["chain", "legal"] {
        for id in ["dec_00000000000000000000000001", "x"] {
            let path = format!("/responsibility/{part}/{id}");
            assert_eq!(server.get(&path).await.outcome(), "404 unknown_decision", "{path}");
        }
    }
}

#[tokio::test]
async fn a_report_tells_numbers_of_a_period() {
    let server = Server::loaded().await;
    let decision = decide(&server).await;
    let made = record(&server, with(said(&decision, BOB), "review_required", json!(true))).await;
    decide(&server).await;
    let whole = server.get("/responsibility/report").await.json();
    let expect = json!({
        "period": {"from": null, "to": null},
        "summary": {
            "total_decisions": 2,
            "by_decision_maker": {
                "ai_system": 2, "human_operator": 1, "human_supervisor": 0, "human_executive": 0,
                "delegated": 0, "emergency_override": 0,
            },
            "by_responsibility_level": {"full": 0, "shared": 1, "supervised": 0, "automated": 2},
            "ai_overrides": 0, "override_rate_percent": 0, "pending_reviews": 1,
        },
        "top_responsible_parties": [
            {"party": "system", "decision_count": 2}, {"party": BOB, "decision_count": 1},
        ],
    });
    assert_eq!(whole, expect);
    let at = made["timestamp"].as_str().unwrap();
    let before = server.get(&format!("/responsibility/report?to={at}")).await.json();
    assert_eq!(before["period"], json!({"from": null, "to": at}));
    assert_eq!(before["summary"]["by_decision_maker"]["human_operator"], 0);
    assert_eq!(before["summary"]["pending_reviews"], 0);
    assert_eq!(before["summary"]["total_decisions"], 1);
    let since = server.get(&format!("/responsibility/report?from={at}")).await.json();
    assert_eq!(since["summary"]["by_decision_maker"]["human_operator"], 1);
    assert_eq!(since["summary"]["total_decisions"], 1);
    let reply = server.get("/responsibility/report?from=yesterday").await;
    assert_eq!(reply.outcome(), "422 validation_failed");
}

#[tokio::test]
async fn what_is_erased_is_null_or_gone() {
    let server = Server::loaded().await;
    let decision = decide(&server).await;
    let made = record(&server, said(&decision, BOB)).await;
    let entry = made["ledger_entry_id"].as_u64().unwrap();
    server.node.erase(ErasedPart::Personal, entry);
    assert_eq!(
        chain(&server, &decision).await["records"][1],
        with(made.clone(), "reasoning", Value::Null)
    );
    server.node.erase(ErasedPart::All, entry);
    assert_eq!(chain(&server, &decision).await["chain_length"], 1);
    let bob = server.get(&format!("/responsibility/party/{BOB}")).await.json();
    assert_eq!((&bob["decision_count"], &bob["records"]), (&json!(0), &json!([])));
    let judge = judged("accepted", "act_human_user:eve");
    assert_eq!(server.post(&review_path(&made), judge).await.outcome(), "410 erased");
    server.node.erase(ErasedPart::All, entry - 1);
    let left = chain(&server, &decision).await;
    assert_eq!(
        (&left["chain_length"], &left["records"][0]["reasoning"]),
        (&json!(1), &Value::Null)
    );
    let more = server.post("/responsibility/records", said(&decision, BOB)).await;
    assert_eq!(more.outcome(), "410 erased");
}

#[tokio::test]
async fn responsibility_by_grpc_is_that_of_rest() {
    let server = Server::loaded().await;
    let decision_id = decide(&server).await;
    let channel = connect(&server).await;
    let mut client = ResponsibilityClient::new(channel);
    let ask = RecordResponsibilityRequest {
        decision_id: decision_id.clone(),
        decision_maker: "human_supervisor".to_owned(),
        responsible_party: BOB.to_owned(),
        role: "lead".to_owned(),
        reasoning: "I looked".to_owned(),
        responsibility_level: "full".to_owned(),
        confidence_percent: Some(90),
        delegated_from: None,
        review_required: Some(true),
    };
    let record = client.record(ask.clone()).await.unwrap().into_inner();
    assert_eq!((record.confidence_percent, record.review_required), (Some(90), true));
    let wrong = RecordResponsibilityRequest { decision_maker: String::new(), ..ask };
    let wrong = client.record(wrong).await.unwrap_err();
    assert_eq!(refusal(&wrong), (Code::InvalidArgument, "validation_failed".to_owned()));
    let pending = client.pending_reviews(ListPendingReviewsRequest::default()).await.unwrap();
    assert_eq!(pending.get_ref().records, std::slice::from_ref(&record));
    let mut ask = ReviewResponsibilityRequest {
        record_id: record.record_id.clone(),
        outcome: "accepted".to_owned(),
        notes: "so it is".to_owned(),
        reviewed_by: Some(BOB.to_owned()),
    };
    let same = client.review(ask.clone()).await.unwrap_err();
    assert_eq!(refusal(&same), (Code::PermissionDenied, "same_person".to_owned()));
    ask.reviewed_by = Some("act_human_user:eve".to_owned());
    let reviewed = client.review(ask).await.unwrap().into_inner();
    let review = reviewed.review.clone().unwrap();
    assert_eq!(review.outcome.as_deref(), Some("accepted"));
    let ask = GetResponsibilityChainRequest { decision_id: decision_id.clone(), read: None };
    let chain = client.chain(ask).await.unwrap().into_inner();
    assert_eq!((chain.chain_length, &chain.records[1]), (2, &reviewed));
    server.node.finalize();
    let ask = GetLegalResponsibilityRequest { decision_id: decision_id.clone(), read: None };
    let legal = client.legal(ask).await.unwrap().into_inner();
    assert_eq!((legal.final_responsible_party.as_str(), legal.human_in_loop), (BOB, true));
    assert_eq!((legal.signatures_present.len(), legal.checkpoint.is_some()), (1, true));
    let ask = GetResponsibilityOfPartyRequest { party: BOB.to_owned(), ..Default::default() };
    let party = client.of_party(ask).await.unwrap().into_inner();
    assert_eq!((party.decision_count, party.records, party.next), (1, vec![reviewed], None));
    let ask = GetResponsibilityReportRequest {
        from: Some("2020-01-01".to_owned()),
        ..Default::default()
    };
    let report = client.report(ask).await.unwrap().into_inner();
    let summary = report.summary.unwrap();
    assert_eq!((summary.total_decisions, summary.by_decision_maker["human_supervisor"]), (1, 1));
    assert_eq!(report.from.as_deref(), Some("2020-01-01T00:00:00.000000Z"));
    assert_eq!(report.top_responsible_parties.len(), 2);
}
