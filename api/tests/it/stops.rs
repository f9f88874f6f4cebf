//! Emergency stops: set, heeded by whatever decides, and lifted.

use governance::command::ErasedPart;
use serde_json::{Value, json};

use crate::common::Server;
use crate::interventions::INTERVENTION;

const WHO: &str = "act_human_user:security_officer:sam";

fn stop(scope: Value, who: &str) -> Value {
    let mut body = json!({
        "intervention_type": "emergency_stop", "ai_recommendation": {"confidence": 0.9},
        "human_decision": {"decision": "stop"}, "human_role": "security_lead",
        "reason": "it pays twice", "human_id": who,
    });
    if !scope.is_null() {
        body["stop"] = scope;
    }
    body
}

/// Sets a stop and gives its id.
async fn set(server: &Server, scope: Value) -> String {
    let reply = server.post(INTERVENTION, stop(scope, WHO)).await;
    assert_eq!(reply.outcome(), "200", "{}", reply.json());
    reply.json()["stop_id"].as_str().unwrap().to_owned()
}

fn path(stop: &str) -> String {
    format!("/compliance/eu-ai-act/article-14/stops/{stop}/lift")
}

async fn lift(server: &Server, stop: &str, who: &str) -> String {
    let body = json!({"reason": "fixed", "lifted_by": who});
    server.post(&path(stop), body).await.outcome()
}

/// What the policy of the server permits.
fn asking() -> Value {
    json!({"actor": "ai_agent:claims_triage", "action": "read_claim",
           "context": {"purpose": "triage"}})
}

async fn decide(server: &Server) -> Value {
    server.post("/decide", asking()).await.json()
}

#[tokio::test]
async fn whatever_decides_heeds_a_stop_until_it_is_lifted() {
    let server = Server::loaded().await;
    assert_eq!(decide(&server).await["outcome"], "allowed");
    let stop = set(&server, json!({"actor": "ai_agent:*", "action": "read_claim"})).await;
    let denied = decide(&server).await;
    assert_eq!((&denied["outcome"], &denied["allowed"]), (&json!("denied"), &json!(false)));
    assert_eq!(denied["reason_code"], "emergency_stop");
    assert_eq!(denied["reason"], "Emergency stop in force");
    assert_eq!((&denied["matched"], &denied["obligations"]), (&json!([]), &json!([])));
    assert_eq!((&denied["capability_token"], &denied["risk"]["score"]), (&Value::Null, &json!(1)));
    let record = format!("/decisions/{}", denied["decision_id"].as_str().unwrap());
    assert_eq!(server.get(&record).await.json()["facts"]["stop_id"], stop);
    let verified = server.post("/decide/verify", &denied).await.json();
    assert_eq!(verified["verified"], true, "{verified}");
    let mut dry = asking();
    dry["dry_run"] = json!(true);
    assert_eq!(server.post("/decide", dry).await.json()["reason_code"], "emergency_stop");
    let batch =
        server.post("/decide/batch", json!({"requests": [asking(), asking()]})).await.json();
    for result in batch["results"].as_array().unwrap() {
        assert_eq!(result["reason_code"], "emergency_stop");
    }
    let explained = server.post("/policies/explain", asking()).await.json();
    assert_eq!(explained["reason_code"], "emergency_stop", "{explained}");
    let asked = json!({
        "subject": {"type": "ai_agent", "id": "claims_triage"},
        "action": {"name": "read_claim"}, "resource": {"type": "claim", "id": "7"},
        "context": {"purpose": "triage"},
    });
    let evaluated = server.post("/access/v1/evaluation", asked).await.json();
    assert_eq!(evaluated["decision"], false, "{evaluated}");
    assert_eq!(evaluated["context"]["reason_code"], "emergency_stop", "{evaluated}");
    assert_eq!(lift(&server, &stop, WHO).await, "200");
    assert_eq!(decide(&server).await["outcome"], "allowed");
    let replay = format!("/decisions/{}/replay", denied["decision_id"].as_str().unwrap());
    let replay = server.get(&replay).await.json();
    assert_eq!((&replay["identical"], &replay["differences"]), (&json!(true), &json!([])));
}

#[tokio::test]
async fn others_go_on_meanwhile() {
    let server = Server::loaded().await;
    for scope in [
        json!({"actor": "ai_agent:claims"}),
        json!({"actor": "ai_agent:claims_triage:*"}),
        json!({"action": "read"}),
        json!({"actor": "ai_agent:claims_triage", "action": "pay"}),
    ] {
        set(&server, scope).await;
    }
    assert_eq!(decide(&server).await["outcome"], "allowed");
    set(&server, Value::Null).await;
    assert_eq!(decide(&server).await["reason_code"], "emergency_stop");
}

#[tokio::test]
async fn a_repeated_request_is_answered_as_it_was() {
    let server = Server::loaded().await;
    let mut asked = asking();
    asked["request_id"] = json!("r-1");
    let before = server.post("/decide", &asked).await.json();
    set(&server, Value::Null).await;
    let again = server.post("/decide", &asked).await.json();
    assert_eq!(
        (&again["outcome"], &again["decision_id"]),
        (&json!("allowed"), &before["decision_id"])
    );
}

#[tokio::test]
async fn only_an_oversight_role_stops_and_lifts() {
    let server = Server::loaded().await;
    let set_id = set(&server, json!({"actor": "x"})).await;
    let size = server.node.ledger_size();
    for who in ["act_human_user:maria", "act_human_user:executive_assistant"] {
        let reply = server.post(INTERVENTION, stop(Value::Null, who)).await;
        assert_eq!(reply.outcome(), "403 not_authorised", "{who}");
        assert_eq!(lift(&server, &set_id, who).await, "403 not_authorised", "{who}");
    }
    let mut nameless = stop(Value::Null, WHO);
    nameless["human_id"] = Value::Null;
    let reply = server.post(INTERVENTION, nameless).await;
    assert_eq!(reply.outcome(), "403 not_authorised");
    assert_eq!(server.node.ledger_size(), size);
}

#[tokio::test]
async fn a_scope_that_could_match_nothing_is_refused() {
    let server = Server::loaded().await;
    for (scope, pointer) in [
        (json!({"actor": "ai*"}), "/stop/actor "),
        (json!({"actor": "ai:*:b"}), "/stop/actor "),
        (json!({"actor": "ai a"}), "/stop/actor "),
        (json!({"action": "pay;drop"}), "/stop/action "),
        (json!({"actor": "x".repeat(256)}), "/stop/actor "),
        (json!({"actor": 1}), "/stop/actor "),
    ] {
        let reply = server.post(INTERVENTION, stop(scope.clone(), WHO)).await;
        assert_eq!(reply.outcome(), "422 validation_failed", "{scope}");
        assert!(reply.faults().join("\n").contains(pointer), "{scope} {:?}", reply.faults());
    }
    for scope in [json!({"actor": "*"}), json!({"action": "claims: (read) *:*"})] {
        let reply = server.post(INTERVENTION, stop(scope.clone(), WHO)).await;
        let is_pattern = scope.get("actor").is_some();
        assert_eq!(reply.outcome() == "200", is_pattern, "{scope}");
    }
}

#[tokio::test]
async fn a_stop_is_lifted_once_and_must_be_there() {
    let server = Server::loaded().await;
    for unknown in ["x", "stop_00000000000000000000000001"] {
        assert_eq!(lift(&server, unknown, WHO).await, "404 unknown_stop");
    }
    let stop = set(&server, Value::Null).await;
    let missing = server.post(&path(&stop), json!({"reason": "fixed"})).await;
    assert_eq!(missing.outcome(), "422 validation_failed");
    assert!(missing.faults()[0].contains("/lifted_by "), "{:?}", missing.faults());
    let missing = server.post(&path(&stop), json!({"lifted_by": WHO})).await;
    assert!(missing.faults()[0].contains("/reason "), "{:?}", missing.faults());
    let key = [("idempotency-key", "lift-1")];
    let body = json!({"reason": "fixed", "lifted_by": WHO}).to_string();
    let lifted = server.call("POST", &path(&stop), &body, &key).await;
    let again = server.call("POST", &path(&stop), &body, &key).await;
    assert_eq!((lifted.outcome().as_str(), again.json()), ("200", lifted.json()));
    let entry = lifted.json()["ledger_entry_id"].as_u64().unwrap();
    let expect = json!({"stop_id": stop, "status": "lifted", "ledger_entry_id": entry});
    assert_eq!(lifted.json(), expect);
    assert_eq!(lift(&server, &stop, WHO).await, "409 already_lifted");
    let entry = server.get(&format!("/ledger/entries/{entry}")).await.json();
    assert_eq!(
        (&entry["entry_type"], &entry["personal"]),
        (&json!("emergency_stop_lifted"), &Value::Null)
    );
    assert_eq!((&entry["data"]["by"], &entry["data"]["reason"]), (&json!(WHO), &json!("fixed")));
}

#[tokio::test]
async fn erasing_what_set_a_stop_once_it_is_lifted_sets_it_no_more() {
    let server = Server::loaded().await;
    let reply = server.post(INTERVENTION, stop(Value::Null, WHO)).await.json();
    assert_eq!(decide(&server).await["reason_code"], "emergency_stop");
    assert_eq!(lift(&server, reply["stop_id"].as_str().unwrap(), WHO).await, "200");
    server.node.erase(ErasedPart::All, reply["ledger_entry_id"].as_u64().unwrap());
    assert_eq!(decide(&server).await["outcome"], "allowed");
}
