//! Escalations over HTTP and gRPC: raised, answered, refused, listed.

use governance::command::{Command, ErasedPart};
use proto::governance::v1::escalations_client::EscalationsClient;
use proto::governance::v1::{
    AcknowledgeEscalationRequest, CreateEscalationRequest, GetEscalationRequest,
    ListEscalationsRequest, ListViolationsRequest, ResolveEscalationRequest,
};
use serde_json::{Value, json};
use tonic::Code;

use crate::common::{ALLOWED, Server, envelope_of};
use crate::grpc::{connect, refusal};

const MARIA: &str = "act_human_user:maria";
const LEAD: &str = "act_human_user:governance_lead";

async fn decided(server: &Server) -> Value {
    let mut asked: Value = serde_json::from_str(ALLOWED).unwrap();
    asked.as_object_mut().unwrap().remove("request_id");
    server.post("/decide", asked).await.json()["decision_id"].clone()
}

fn asking(decision: &Value) -> Value {
    json!({"decision_id": decision, "trigger": "actor_request", "escalated_to": [MARIA],
           "context_summary": "claim above limit"})
}

async fn created(server: &Server) -> Value {
    let decision = decided(server).await;
    let reply = server.post("/escalations/create", asking(&decision)).await;
    assert_eq!(reply.outcome(), "200", "{}", reply.json());
    reply.json()
}

fn path(escalation: &Value, step: &str) -> String {
    format!("/escalations/{}{step}", escalation["escalation_id"].as_str().unwrap())
}

async fn outcome(server: &Server, path: &str, body: Value) -> String {
    let size = server.node.ledger_size();
    let outcome = server.post(path, &body).await.outcome();
    let grown = server.node.ledger_size() - size;
    assert_eq!(grown, u64::from(outcome == "200"), "{path} {body}: {outcome}");
    outcome
}

/// Moves the time on, and has what is due end.
fn pass(server: &Server, hours: u64, sweep: bool) {
    server.node.inner().now += hours * 3_600_000_000;
    if sweep {
        server.node.apply(envelope_of("n1", Command::Tick));
    }
}

#[tokio::test]
async fn the_example_of_the_contract_comes_out() {
    let server = Server::loaded().await;
    let it = created(&server).await;
    for (name, value) in [
        ("trigger", json!("actor_request")),
        ("priority", json!("medium")),
        ("status", json!("pending")),
        ("escalated_to", json!([MARIA])),
        ("context_summary", json!("claim above limit")),
        ("created_at", json!("2027-03-04T05:06:07.004000Z")),
        ("sla_deadline", json!("2027-03-05T05:06:07.004000Z")),
        ("acknowledged_at", Value::Null),
        ("resolution", Value::Null),
        ("auto", json!(false)),
        ("risk_id", Value::Null),
        ("metadata", Value::Null),
    ] {
        assert_eq!(it[name], value, "{name}");
    }
    assert_eq!(it["action_digest"].as_str().unwrap().len(), 64);
    assert_eq!(server.get(&path(&it, "")).await.json(), it);
}

#[tokio::test]
async fn an_escalation_is_acknowledged_answered_and_then_final() {
    let server = Server::loaded().await;
    let it = created(&server).await;
    let (look, answer) = (path(&it, "/acknowledge"), path(&it, "/resolve"));
    let yes = json!({"outcome": "APPROVED", "notes": " seen ", "resolved_by": LEAD});

    let seen = server.post(&look, json!({"acknowledged_by": MARIA})).await.json();
    assert_eq!(
        (&seen["status"], &seen["acknowledged_by"]),
        (&json!("acknowledged"), &json!(MARIA))
    );
    let again = outcome(&server, &look, json!({"acknowledged_by": LEAD})).await;
    assert_eq!(again, "409 already_acknowledged");

    let done = server.post(&answer, &yes).await.json();
    let resolution = json!({"outcome": "approved", "resolved_by": LEAD, "notes": "seen"});
    assert_eq!((&done["status"], &done["resolution"]), (&json!("resolved"), &resolution));
    assert_eq!(done["ledger_entry_id"], server.node.ledger_size() - 1);
    assert_eq!(outcome(&server, &answer, yes).await, "409 already_resolved");
    let late = outcome(&server, &look, json!({"acknowledged_by": MARIA})).await;
    assert_eq!(late, "409 already_resolved");
}

#[tokio::test]
async fn a_step_repeated_under_its_key_is_answered_as_it_was() {
    let server = Server::loaded().await;
    let it = created(&server).await;
    let key = [("idempotency-key", "look")];
    let body = json!({"acknowledged_by": MARIA}).to_string();
    let look = path(&it, "/acknowledge");
    let first = server.call("POST", &look, &body, &key).await.json();
    let no = json!({"outcome": "denied", "notes": "no", "resolved_by": LEAD});
    server.post(&path(&it, "/resolve"), no).await;
    let again = server.call("POST", &look, &body, &key).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.json(), first);
}

#[tokio::test]
async fn what_the_contract_refuses_is_refused_with_its_code() {
    let server = Server::loaded().await;
    let it = created(&server).await;
    let decision = &it["decision_id"];
    let unknown = json!("dec_01K1R0D2J7Q4M8X5B9C3F6H0TN");
    let create = "/escalations/create";
    assert_eq!(outcome(&server, create, asking(&unknown)).await, "404 unknown_decision");
    assert_eq!(outcome(&server, create, asking(&json!("x"))).await, "404 unknown_decision");
    for (change, fault) in [
        (json!({"trigger": "boredom"}), "/trigger not_one_of"),
        (json!({"priority": "urgent"}), "/priority not_one_of"),
        (json!({"escalated_to": []}), "/escalated_to out_of_range"),
        (json!({"escalated_to": vec![MARIA; 51]}), "/escalated_to out_of_range"),
        (json!({"escalated_to": ["ai_agent:x"]}), "/escalated_to/0 bad_format"),
        (json!({"escalated_to": null}), "/escalated_to missing"),
        (json!({"context_summary": "x".repeat(10_001)}), "/context_summary too_long"),
    ] {
        let mut body = asking(decision);
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let reply = server.post(create, &body).await;
        assert_eq!((reply.status, reply.faults()), (422, vec![fault.to_owned()]), "{body}");
    }

    let (look, answer) = (path(&it, "/acknowledge"), path(&it, "/resolve"));
    let by = |who: &str| json!({"outcome": "denied", "notes": "no", "resolved_by": who});
    for who in ["act_human_user:bob", "act_human_user:executive_assistant"] {
        assert_eq!(outcome(&server, &answer, by(who)).await, "403 not_authorised");
        let body = json!({"acknowledged_by": who});
        assert_eq!(outcome(&server, &look, body).await, "403 not_authorised");
    }
    let reply = server.post(&look, json!({})).await;
    assert_eq!(reply.faults(), ["/acknowledged_by missing"]);
    let reply = server.post(&answer, by("ai_agent:x")).await;
    assert_eq!(reply.faults(), ["/resolved_by bad_format"]);
    let reply = server.post(&answer, json!({"outcome": "maybe", "resolved_by": LEAD})).await;
    assert_eq!(reply.faults(), ["/outcome not_one_of", "/notes missing"]);
    for id in ["esc_01K1R0D2J7Q4M8X5B9C3F6H0TN", "x"] {
        let path = format!("/escalations/{id}");
        assert_eq!(server.get(&path).await.outcome(), "404 unknown_escalation");
        let path = format!("{path}/resolve");
        assert_eq!(outcome(&server, &path, by(LEAD)).await, "404 unknown_escalation");
    }
}

#[tokio::test]
async fn after_its_deadline_it_is_expired_swept_or_not() {
    let server = Server::loaded().await;
    let it = created(&server).await;
    pass(&server, 25, false);
    assert_eq!(server.get(&path(&it, "")).await.json()["status"], "expired");
    let yes = json!({"outcome": "approved", "notes": "late", "resolved_by": LEAD});
    assert_eq!(outcome(&server, &path(&it, "/resolve"), yes.clone()).await, "409 expired");
    let violations = server.get("/escalations/sla/violations").await.json();
    assert_eq!(violations["count"], 1);
    pass(&server, 0, true);
    let after = server.get(&path(&it, "")).await.json();
    assert_eq!((&after["status"], &after["resolved_at"]), (&json!("expired"), &Value::Null));
    let violations = server.get("/escalations/sla/violations?limit=1").await.json();
    assert_eq!((&violations["count"], &violations["next"]), (&json!(1), &Value::Null));
    assert_eq!(violations["violations"][0]["escalation_id"], it["escalation_id"]);
    assert_eq!(outcome(&server, &path(&it, "/resolve"), yes).await, "409 expired");
    let entries = server.get("/ledger/entries?entry_type=escalation_expired").await.json();
    assert_eq!(entries["total"], 1);
}

#[tokio::test]
async fn lists_take_filters_cursors_and_an_order() {
    let server = Server::loaded().await;
    let (first, second) = (created(&server).await, created(&server).await);
    let third = created(&server).await;
    let no = json!({"outcome": "denied", "notes": "no", "resolved_by": LEAD});
    server.post(&path(&second, "/resolve"), no).await;
    let ids = async |query: &str| {
        let page = server.get(&format!("/escalations{query}")).await.json();
        let rows = page["escalations"].as_array().unwrap().iter();
        let ids: Vec<Value> = rows.map(|it| it["escalation_id"].clone()).collect();
        (ids, page["total"].as_u64().unwrap(), page["next"].clone())
    };
    let id = |it: &Value| it["escalation_id"].clone();
    let all = vec![id(&first), id(&second), id(&third)];
    assert_eq!(ids("").await, (all, 3, Value::Null));
    assert_eq!(ids("?status=Pending").await.0, [id(&first), id(&third)]);
    assert_eq!(ids("?priority=low").await, (vec![], 0, Value::Null));
    let (newest, total, next) = ids("?order=desc&limit=1").await;
    assert_eq!((newest, total), (vec![id(&third)], 3));
    assert_eq!(
        ids(&format!("?order=desc&limit=2&after={next}")).await.0,
        [id(&second), id(&first)]
    );
    let of = format!("?decision_id={}", second["decision_id"].as_str().unwrap());
    assert_eq!(ids(&of).await, (vec![id(&second)], 1, Value::Null));
    assert_eq!(ids("?decision_id=x").await.1, 0);
    for query in ["?status=odd", "?order=up", "?limit=0", "?after=x"] {
        assert_eq!(server.get(&format!("/escalations{query}")).await.status, 422, "{query}");
    }
    let bad = server.get("/escalations/sla/violations?after=x").await;
    assert_eq!(bad.faults(), ["after bad_format"]);
}

#[tokio::test]
async fn words_go_with_their_entry_and_the_answer_stays() {
    let server = Server::loaded().await;
    let it = created(&server).await;
    let no = json!({"outcome": "denied", "notes": "private", "resolved_by": LEAD});
    let done = server.post(&path(&it, "/resolve"), no).await.json();
    for entry in [&it, &done] {
        server.node.erase(ErasedPart::Personal, entry["ledger_entry_id"].as_u64().unwrap());
    }
    let left = server.get(&path(&it, "")).await.json();
    for name in ["context_summary", "action_digest"] {
        assert_eq!(left[name], Value::Null, "{name}");
    }
    let resolution = json!({"outcome": "denied", "resolved_by": LEAD, "notes": null});
    assert_eq!(left["resolution"], resolution);
}

#[tokio::test]
async fn what_is_erased_whole_is_gone_and_not_unknown() {
    let server = Server::loaded().await;
    let it = created(&server).await;
    let look = server.post(&path(&it, "/acknowledge"), json!({"acknowledged_by": MARIA})).await;
    let key = [("idempotency-key", "no")];
    let no = json!({"outcome": "denied", "notes": "no", "resolved_by": LEAD}).to_string();
    server.call("POST", &path(&it, "/resolve"), &no, &key).await;
    let entry = |of: &Value| of["ledger_entry_id"].as_u64().unwrap();
    server.node.erase(ErasedPart::All, entry(&look.json()));
    let left = server.get(&path(&it, "")).await.json();
    assert_eq!((&left["acknowledged_by"], &left["status"]), (&Value::Null, &json!("resolved")));
    server.node.erase(ErasedPart::All, entry(&it));
    assert_eq!(server.get(&path(&it, "")).await.outcome(), "410 erased");
    let again = server.call("POST", &path(&it, "/resolve"), &no, &key).await;
    assert_eq!(again.outcome(), "410 erased");
    assert_eq!(server.get("/escalations").await.json()["total"], 0);
}

#[tokio::test]
async fn a_denial_ends_the_token_of_the_decision_and_says_why() {
    let server = Server::loaded().await;
    let decision = server.post("/decide", ALLOWED).await.json();
    let token = format!("/tokens/{}", decision["token_id"].as_str().unwrap());
    let answer = async |outcome: &str| {
        let it = server.post("/escalations/create", asking(&decision["decision_id"])).await.json();
        let body = json!({"outcome": outcome, "notes": "looked", "resolved_by": LEAD});
        server.post(&path(&it, "/resolve"), body).await.json()
    };
    answer("deferred").await;
    answer("approved").await;
    assert_eq!(server.get(&token).await.json()["status"], "active");
    let denied = answer("denied").await;
    let known = server.get(&token).await.json();
    for (name, value) in [
        ("status", json!("revoked")),
        ("revoked_at", denied["resolved_at"].clone()),
        ("revoked_by", json!(LEAD)),
        ("revoke_reason", json!("escalation denied")),
    ] {
        assert_eq!(known[name], value, "{name}");
    }
    let carried = json!({"token": decision["capability_token"]});
    assert_eq!(server.post("/tokens/verify", carried).await.json()["reason_code"], "revoked");
    server.node.erase(ErasedPart::All, denied["ledger_entry_id"].as_u64().unwrap());
    let known = server.get(&token).await.json();
    assert_eq!((&known["status"], &known["revoke_reason"]), (&json!("revoked"), &Value::Null));
}

#[tokio::test]
async fn a_critical_risk_escalates_in_the_entry_that_tells_it() {
    let server = Server::loaded().await;
    let size = server.node.ledger_size();
    let risky = json!({"actor": "ai:a", "action": "read", "risk": {"security": 95}});
    let decision = server.post("/decide", &risky).await.json();
    assert_eq!(server.node.ledger_size(), size + 1);
    let it = server.get(&path(&decision, "")).await.json();
    for (name, value) in [
        ("trigger", json!("risk_threshold")),
        ("priority", json!("critical")),
        ("escalated_to", json!(["act_human_user:governance_team"])),
        ("context_summary", Value::Null),
        ("metadata", Value::Null),
        ("auto", json!(true)),
        ("risk_id", decision["risk_id"].clone()),
        ("decision_id", decision["decision_id"].clone()),
        ("ledger_entry_id", decision["ledger_entry_id"].clone()),
    ] {
        assert_eq!(it[name], value, "{name}");
    }
    let verified = server.post("/decide/verify", &decision).await.json();
    assert_eq!(verified["verified"], true, "{verified}");
    let mut dry = risky.clone();
    dry["dry_run"] = json!(true);
    assert_eq!(server.post("/decide", dry).await.json()["escalation_id"], Value::Null);

    let assess = json!({"decision_id": decided(&server).await, "dimensions": {"privacy": 80}});
    let risk = server.post("/risks/assess", assess).await.json();
    let it = server.get(&path(&risk, "")).await.json();
    assert_eq!((&it["risk_id"], &it["auto"]), (&risk["risk_id"], &json!(true)));
    assert_eq!(server.get("/escalations?priority=critical").await.json()["total"], 2);
}

#[tokio::test]
async fn the_service_of_grpc_says_the_same() {
    let server = Server::loaded().await;
    let decision = decided(&server).await;
    let mut client = EscalationsClient::new(connect(&server).await);
    let create = CreateEscalationRequest {
        decision_id: decision.as_str().unwrap().to_owned(),
        trigger: "actor_request".to_owned(),
        escalated_to: vec![MARIA.to_owned()],
        priority: Some("high".to_owned()),
        context_summary: None,
        metadata_json: Some(r#"{"a":1}"#.to_owned()),
    };
    let it = client.create(create).await.unwrap().into_inner();
    assert_eq!((it.priority.as_str(), it.metadata_json.as_deref()), ("high", Some(r#"{"a":1}"#)));
    let escalation_id = it.escalation_id.clone();
    let look = AcknowledgeEscalationRequest {
        escalation_id: escalation_id.clone(),
        acknowledged_by: Some(MARIA.to_owned()),
    };
    assert_eq!(client.acknowledge(look).await.unwrap().into_inner().status, "acknowledged");
    let answer = |by: &str| ResolveEscalationRequest {
        escalation_id: escalation_id.clone(),
        outcome: "deferred".to_owned(),
        notes: "later".to_owned(),
        resolved_by: Some(by.to_owned()),
    };
    let refused = client.resolve(answer("act_human_user:bob")).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::PermissionDenied, "not_authorised".to_owned()));
    let done = client.resolve(answer(LEAD)).await.unwrap().into_inner();
    assert_eq!(done.resolution.unwrap().outcome, "deferred");
    let get = GetEscalationRequest { escalation_id: escalation_id.clone(), read: None };
    assert_eq!(client.get(get).await.unwrap().into_inner().status, "resolved");
    let list = ListEscalationsRequest { limit: Some(1), ..Default::default() };
    let list = client.list(list).await.unwrap().into_inner();
    assert_eq!((list.total, list.next), (1, None));
    let violations = client.violations(ListViolationsRequest::default()).await.unwrap();
    assert_eq!(violations.into_inner().count, 0);
}
