//! Overrides: deciding in the policy's place, and a second person's say.

use governance::command::{Command, ErasedPart};
use proto::governance::v1::decisions_client::DecisionsClient;
use proto::governance::v1::overrides_client::OverridesClient;
use proto::governance::v1::{
    ExecuteOverrideRequest, GetActiveOverrideRequest, GetDecisionRequest, GetOverrideRequest,
    GetOverridesOfDecisionRequest, ListPendingOverridesRequest, OverrideScopeInput,
    ReviewOverrideRequest,
};
use serde_json::{Value, json};
use tonic::Code;

use crate::common::{Server, envelope_of};
use crate::grpc::{connect, refusal};

const JANE: &str = "act_human_user:executive:jane";
const LEO: &str = "act_human_user:governance_lead:leo";
const WHY: &str = "Regulator asked for the file today; reviewed with legal";
const DAY: u64 = 24 * 3_600 * 1_000_000;

/// A server that has denied something in entry 2, and the decision.
async fn denied() -> (Server, Value) {
    let server = Server::loaded().await;
    let decision = server.post("/decide", json!({"actor": "ai:x", "action": "read"})).await.json();
    assert_eq!(decision["outcome"], "denied");
    (server, decision)
}

fn body(decision: &Value) -> Value {
    json!({
        "decision_id": decision["decision_id"], "override_type": "executive_override",
        "authorized_by": JANE, "justification": WHY,
    })
}

/// The body with other members.
fn with(decision: &Value, members: Value) -> Value {
    let mut body = body(decision);
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn execute(server: &Server, body: Value) -> Value {
    let reply = server.post("/overrides/execute", body).await;
    assert_eq!(reply.outcome(), "200", "{}", reply.json());
    reply.json()
}

fn path(made: &Value) -> String {
    format!("/overrides/{}", made["override_id"].as_str().unwrap())
}

async fn review(server: &Server, made: &Value, by: &str, verdict: &str) -> String {
    let body = json!({"verdict": verdict, "notes": "seen", "reviewed_by": by});
    server.post(&format!("{}/review", path(made)), body).await.outcome()
}

/// What the decision comes to, and on what that rests.
async fn effect(server: &Server, decision: &Value) -> (String, String) {
    let path = format!("/decisions/{}", decision["decision_id"].as_str().unwrap());
    let record = server.get(&path).await.json();
    let text = |name: &str| record[name].as_str().unwrap().to_owned();
    (text("effective_outcome"), text("effective_basis"))
}

#[tokio::test]
async fn an_override_is_shown_as_it_was_answered() {
    let (server, decision) = denied().await;
    let asked = with(
        &decision,
        json!({"original_outcome": "DENIED", "new_outcome": "conditional",
               "scope": {"is_one_time": true, "applies_to_actor": "ai:x"},
               "expires_at": "2027-03-05", "metadata": {"ticket": "R-7"}}),
    );
    let made = execute(&server, asked).await;
    let id = made["override_id"].as_str().unwrap();
    let expect = json!({
        "override_id": id, "decision_id": decision["decision_id"],
        "override_type": "executive_override", "authorized_by": JANE,
        "authorized_role": "executive", "justification": WHY, "original_outcome": "denied",
        "new_outcome": "conditional", "timestamp": made["timestamp"],
        "expires_at": "2027-03-05T00:00:00.000000Z",
        "scope": {"is_one_time": true, "applies_to_actor": "ai:x", "applies_to_policy": null},
        "status": "active", "review_required_by": made["review_required_by"], "review": null,
        "evidence_ids": [id.replace("ovr_", "evd_")], "metadata": {"ticket": "R-7"},
        "ledger_entry_id": 3,
    });
    assert_eq!(made, expect);
    assert_eq!(server.get(&path(&made)).await.json(), expect);
    let entry = server.get("/ledger/entries/3").await.json();
    assert_eq!(
        (&entry["entry_type"], &entry["actor"]),
        (&json!("override_executed"), &json!("ai:x"))
    );
    assert_eq!(entry["personal"], json!({"justification": WHY, "metadata": {"ticket": "R-7"}}));
    assert_eq!((&entry["data"]["by"], &entry["data"]["authn"]), (&json!(JANE), &json!("none")));
}

#[tokio::test]
async fn a_decision_comes_to_what_its_overrides_make_of_it() {
    let (server, decision) = denied().await;
    let effective = |outcome: &str, basis: &str| (outcome.to_owned(), basis.to_owned());
    assert_eq!(effect(&server, &decision).await, effective("denied", "decision"));
    let made = execute(&server, body(&decision)).await;
    assert_eq!(effect(&server, &decision).await, effective("allowed", "override"));
    let list = server.get("/decisions").await.json();
    let row = &list["decisions"][0];
    assert_eq!(
        (&row["outcome"], &row["effective_outcome"], &row["override_ids"]),
        (&json!("denied"), &json!("allowed"), &json!([made["override_id"]]))
    );
    assert_eq!(review(&server, &made, LEO, "reversed").await, "200");
    assert_eq!(effect(&server, &decision).await, effective("denied", "decision"));
    // What the policy decided is what is signed, and stays so.
    let path = format!("/decisions/{}", decision["decision_id"].as_str().unwrap());
    assert_eq!(server.get(&path).await.json()["outcome"], "denied");
    let verified = server.post("/decide/verify", &decision).await.json();
    assert_eq!(verified["verified"], true, "{verified}");
}

/// Members that are no override of a denied decision, and what is said of them.
const REFUSED: &str = r#"
{"authorized_by":null} => 422 validation_failed /authorized_by missing
{"authorized_by":"jane"} => 422 validation_failed /authorized_by bad_format
{"override_type":"whim"} => 422 validation_failed /override_type not_one_of
{"justification":"too short a text"} => 422 validation_failed /justification too_short
{"justification":"this is a business requirement"} => 422 validation_failed /justification too_short
{"original_outcome":"allowed"} => 422 validation_failed /original_outcome not_one_of
{"new_outcome":"allowed"} => 422 validation_failed /new_outcome not_one_of
{"expires_at":"2027-03-04"} => 422 validation_failed /expires_at out_of_range
{"expires_at":"2027-06-03"} => 422 validation_failed /expires_at out_of_range
{"scope":{"is_one_time":"yes"}} => 422 validation_failed /scope/is_one_time wrong_type
{"scope":{"actor":"ai:x"}} => 422 unknown_field /scope/actor unknown_field
{"scope":{"applies_to_actor":"ai:y"}} => 422 validation_failed /scope/applies_to_actor conflicting_values
{"scope":{"applies_to_policy":"9"}} => 422 validation_failed /scope/applies_to_policy conflicting_values
{"override_type":"emergency_bypass","scope":{"is_one_time":false}} => 422 validation_failed /scope/is_one_time conflicting_values
{"by":"x"} => 422 unknown_field /by unknown_field
{"metadata":[]} => 422 validation_failed /metadata wrong_type
{"authorized_by":"act_human_user:maria"} => 403 not_authorised
{"authorized_by":"act_human_user:governance_lead:leo"} => 403 not_authorised
{"authorized_by":"act_human_user:executive_assistant"} => 403 not_authorised
{"decision_id":"dec_1"} => 404 unknown_decision
{"decision_id":"dec_01K1R0C9N5T8Z4W2Y6V3Q7M1HD"} => 404 unknown_decision
{"evidence_ids":["evd_1"]} => 404 unknown_artifact
{"evidence_ids":["evd_01K1R0C9N5T8Z4W2Y6V3Q7M1HD"]} => 404 unknown_artifact
{"original_outcome":"escalated"} => 409 original_outcome_mismatch
"#;

#[tokio::test]
async fn what_is_no_override_is_refused_and_leaves_nothing() {
    let (server, decision) = denied().await;
    let size = server.node.ledger_size();
    for line in REFUSED.trim().lines() {
        let (members, expect) = line.split_once(" => ").unwrap();
        let body = with(&decision, serde_json::from_str(members).unwrap());
        let reply = server.post("/overrides/execute", &body).await;
        let said = format!("{} {}", reply.outcome(), reply.faults().join(" "));
        assert_eq!(said.trim(), expect, "{members}");
    }
    let long = with(&decision, json!({"justification": "x".repeat(10_001)}));
    let reply = server.post("/overrides/execute", long).await;
    assert_eq!(reply.faults(), ["/justification too_long"]);
    assert_eq!(server.node.ledger_size(), size);
    let scope = json!({"scope": {"applies_to_policy": decision["policy_hash"]}});
    execute(&server, with(&decision, scope)).await;
    let again = server.post("/overrides/execute", body(&decision)).await;
    assert_eq!(again.outcome(), "409 nothing_to_override");
}

#[tokio::test]
async fn an_override_is_known_again_by_its_key_whatever_came_after() {
    let (server, decision) = denied().await;
    let body = body(&decision).to_string();
    let key = [("idempotency-key", "o")];
    let first = server.call("POST", "/overrides/execute", &body, &key).await;
    let review_path = format!("{}/review", path(&first.json()));
    let said = json!({"verdict": "reversed", "notes": "hasty", "reviewed_by": LEO}).to_string();
    let key_of_review = [("idempotency-key", "r")];
    let reviewed = server.call("POST", &review_path, &said, &key_of_review).await;
    let expect = json!({
        "verdict": "reversed", "reviewed_by": LEO, "reviewed_at": reviewed.json()["review"]["reviewed_at"],
        "notes": "hasty", "ledger_entry_id": 4,
    });
    assert_eq!(reviewed.json()["review"], expect);
    assert_eq!(reviewed.json()["status"], "reversed");
    let again = server.call("POST", "/overrides/execute", &body, &key).await;
    assert_eq!((again.outcome().as_str(), again.json()), ("200", first.json()));
    assert_eq!(again.header("idempotent-replayed"), "true");
    let again = server.call("POST", &review_path, &said, &key_of_review).await;
    assert_eq!((again.json(), again.header("idempotent-replayed")), (reviewed.json(), "true"));
    let other = json!({"verdict": "upheld", "notes": "x", "reviewed_by": LEO}).to_string();
    let other = server.call("POST", &review_path, &other, &key_of_review).await;
    assert_eq!(other.outcome(), "409 idempotency_conflict");
    server.node.erase(ErasedPart::Personal, 3);
    let gone = server.call("POST", "/overrides/execute", &body, &key).await;
    assert_eq!(gone.outcome(), "410 erased");
}

#[tokio::test]
async fn a_second_person_reviews_once() {
    let (server, decision) = denied().await;
    let made = execute(&server, body(&decision)).await;
    assert_eq!(review(&server, &made, JANE, "upheld").await, "403 same_person");
    assert_eq!(
        review(&server, &made, "act_human_user:maria", "upheld").await,
        "403 not_authorised"
    );
    let unknown = json!({"override_id": "ovr_01K1R0C9N5T8Z4W2Y6V3Q7M1HD"});
    assert_eq!(review(&server, &unknown, LEO, "upheld").await, "404 unknown_override");
    let unknown = json!({"override_id": "ovr_1"});
    assert_eq!(review(&server, &unknown, LEO, "upheld").await, "404 unknown_override");
    assert_eq!(review(&server, &made, LEO, "denied").await, "422 validation_failed");
    for (body, fault) in [
        (json!({"verdict": "upheld", "reviewed_by": LEO}), "/notes missing"),
        (json!({"verdict": "upheld", "notes": "x"}), "/reviewed_by missing"),
        (
            json!({"verdict": "upheld", "notes": "x".repeat(10_001), "reviewed_by": LEO}),
            "/notes too_long",
        ),
    ] {
        let reply = server.post(&format!("{}/review", path(&made)), body).await;
        assert_eq!((reply.status, reply.faults()), (422, vec![fault.to_owned()]));
    }
    assert_eq!(server.node.ledger_size(), 4);
    assert_eq!(review(&server, &made, LEO, "UPHELD").await, "200");
    assert_eq!(review(&server, &made, LEO, "reversed").await, "409 already_reviewed");
    let entry = server.get("/ledger/entries/4").await.json();
    assert_eq!(entry["personal"], json!({"notes": "seen"}));
    assert_eq!(
        (&entry["entry_type"], &entry["data"]["verdict"]),
        (&json!("override_reviewed"), &json!("upheld"))
    );
    server.node.erase(ErasedPart::Personal, 4);
    let shown = server.get(&path(&made)).await.json();
    assert_eq!((&shown["status"], &shown["review"]["notes"]), (&json!("active"), &Value::Null));
    assert_eq!(shown["review"]["reviewed_by"], LEO);
}

#[tokio::test]
async fn overrides_of_a_decision_are_listed_and_the_active_one_is_named() {
    let (server, decision) = denied().await;
    let of = format!("/overrides/decision/{}", decision["decision_id"].as_str().unwrap());
    let none = server.get(&format!("{of}/active")).await.json();
    let expect =
        json!({"decision_id": decision["decision_id"], "is_overridden": false, "override": null});
    assert_eq!(none, expect);
    let first = execute(&server, body(&decision)).await;
    assert_eq!(review(&server, &first, LEO, "reversed").await, "200");
    let short = with(&decision, json!({"override_type": "time_limited_exception"}));
    let second = execute(&server, short).await;
    let active = server.get(&format!("{of}/active")).await.json();
    assert_eq!((&active["is_overridden"], &active["override"]), (&json!(true), &second));
    let list = server.get(&of).await.json();
    assert_eq!((&list["count"], &list["overrides"][1]), (&json!(2), &second));
    assert_eq!(
        (&list["overrides"][0]["override_id"], &list["overrides"][0]["status"]),
        (&first["override_id"], &json!("reversed"))
    );
    // By its own clock a node that is cut off knows what has expired.
    server.node.inner().now += DAY;
    let active = server.get(&format!("{of}/active")).await.json();
    assert_eq!(active["is_overridden"], false);
    assert_eq!(server.get(&path(&second)).await.json()["status"], "expired");
    assert_eq!(effect(&server, &decision).await.0, "denied");
    for path in ["/overrides/decision/dec_1", "/overrides/decision/dec_1/active"] {
        assert_eq!(server.get(path).await.outcome(), "404 unknown_decision");
    }
    for path in ["/overrides/ovr_1", "/overrides/ovr_01K1R0C9N5T8Z4W2Y6V3Q7M1HD"] {
        assert_eq!(server.get(path).await.outcome(), "404 unknown_override");
    }
    server.node.erase(ErasedPart::All, first["ledger_entry_id"].as_u64().unwrap());
    assert_eq!(server.get(&path(&first)).await.outcome(), "410 erased");
    assert_eq!(server.get(&of).await.json()["count"], 1);
    server.node.erase(ErasedPart::Personal, second["ledger_entry_id"].as_u64().unwrap());
    let shown = server.get(&path(&second)).await.json();
    assert_eq!((&shown["justification"], &shown["authorized_by"]), (&Value::Null, &json!(JANE)));
}

#[tokio::test]
async fn reviews_that_are_due_are_listed_most_overdue_first() {
    let (server, decision) = denied().await;
    let long = execute(&server, body(&decision)).await;
    let other = server.post("/decide", json!({"actor": "ai:y", "action": "read"})).await.json();
    let urgent = execute(&server, with(&other, json!({"override_type": "emergency_bypass"}))).await;
    let first = server.get("/overrides/pending-reviews?limit=1").await.json();
    assert_eq!((&first["overrides"][0], &first["total"]), (&urgent, &json!(2)));
    assert_eq!(first["total_exact"], true);
    let next = first["next"].as_str().unwrap();
    let last = server.get(&format!("/overrides/pending-reviews?limit=1&after={next}")).await.json();
    assert_eq!((&last["overrides"][0], &last["next"]), (&long, &Value::Null));
    server.node.inner().now += 3 * DAY;
    server.node.apply(envelope_of("n1", Command::Tick));
    let lapsed = server.get("/overrides/pending-reviews").await.json();
    assert_eq!(lapsed["overrides"][0]["status"], "lapsed");
    let entries = server.get("/ledger/entries?entry_type=override_lapsed").await.json();
    assert_eq!(entries["entries"][0]["data"]["override_id"], urgent["override_id"]);
    assert_eq!(review(&server, &urgent, LEO, "upheld").await, "200");
    assert_eq!(server.get(&path(&urgent)).await.json()["status"], "lapsed");
    assert_eq!(server.get("/overrides/pending-reviews").await.json()["total"], 1);
    for query in ["after=x", "after=1-", "limit=0", "limit=1001"] {
        let reply = server.get(&format!("/overrides/pending-reviews?{query}")).await;
        assert_eq!(reply.outcome(), "422 validation_failed", "{query}");
    }
}

#[tokio::test]
async fn overrides_by_grpc_are_those_of_rest() {
    let (server, decision) = denied().await;
    let decision_id = decision["decision_id"].as_str().unwrap().to_owned();
    let channel = connect(&server).await;
    let mut client = OverridesClient::new(channel.clone());
    let ask = ExecuteOverrideRequest {
        decision_id: decision_id.clone(),
        override_type: "risk_accepted".to_owned(),
        authorized_by: Some(LEO.to_owned()),
        justification: WHY.to_owned(),
        scope: Some(OverrideScopeInput {
            is_one_time: Some(true),
            ..OverrideScopeInput::default()
        }),
        metadata_json: Some(r#"{"a":1}"#.to_owned()),
        ..ExecuteOverrideRequest::default()
    };
    let made = client.execute(ask.clone()).await.unwrap().into_inner();
    assert_eq!(
        (made.status.as_str(), made.authorized_role.as_str()),
        ("active", "governance_lead")
    );
    assert!(made.scope.as_ref().unwrap().is_one_time);
    assert_eq!(made.metadata_json.as_deref(), Some(r#"{"a":1}"#));
    let again = client.execute(ask).await.unwrap_err();
    assert_eq!(refusal(&again), (Code::FailedPrecondition, "nothing_to_override".to_owned()));
    let ask = GetOverrideRequest { override_id: made.override_id.clone(), read: None };
    assert_eq!(client.get(ask).await.unwrap().into_inner(), made);
    let ask = GetActiveOverrideRequest { decision_id: decision_id.clone(), read: None };
    let active = client.active(ask).await.unwrap().into_inner();
    assert_eq!((active.is_overridden, active.r#override.as_ref()), (true, Some(&made)));
    let pending = client.pending_reviews(ListPendingOverridesRequest::default()).await.unwrap();
    assert_eq!((pending.get_ref().total, &pending.get_ref().overrides[0]), (1, &made));
    let said = ReviewOverrideRequest {
        override_id: made.override_id.clone(),
        verdict: "reversed".to_owned(),
        notes: "hasty".to_owned(),
        reviewed_by: Some(LEO.to_owned()),
    };
    let same = client.review(said.clone()).await.unwrap_err();
    assert_eq!(refusal(&same), (Code::PermissionDenied, "same_person".to_owned()));
    let said = ReviewOverrideRequest { reviewed_by: Some(JANE.to_owned()), ..said };
    let reviewed = client.review(said).await.unwrap().into_inner();
    assert_eq!(
        (reviewed.status.as_str(), reviewed.review.unwrap().notes.as_deref()),
        ("reversed", Some("hasty"))
    );
    let ask = GetOverridesOfDecisionRequest { decision_id: decision_id.clone(), read: None };
    let list = client.of_decision(ask).await.unwrap().into_inner();
    assert_eq!((list.count, list.overrides[0].status.as_str()), (1, "reversed"));
    let ask = GetDecisionRequest { decision_id, read: None };
    let record = DecisionsClient::new(channel).get(ask).await.unwrap().into_inner();
    assert_eq!(record.override_ids, [made.override_id]);
}
