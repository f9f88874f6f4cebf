//! Evaluations of AuthZEN: the decisions of `/decide` in other words, what is
//! refused beside them, and how many at once end.

use api::backend::Unavailable;
use proto::governance::v1::decisions_client::DecisionsClient;
use proto::governance::v1::policies_client::PoliciesClient;
use proto::governance::v1::{
    EvaluationAction, EvaluationRequest, EvaluationResource, EvaluationSubject, EvaluationsOptions,
    EvaluationsRequest, VerifyDecisionRequest,
};
use serde_json::{Value, json};
use tonic::{Code, Request};

use crate::common::{Reply, Server};
use crate::grpc::{connect, refusal};

const ONE: &str = "/access/v1/evaluation";
const MANY: &str = "/access/v1/evaluations";

/// An evaluation that is permitted, with some members changed; null takes one
/// out.
fn evaluation(changes: Value) -> Value {
    let mut evaluation = json!({
        "subject": {"type": "ai_agent", "id": "claims_triage"},
        "action": {"name": "read_claim"},
        "resource": {"type": "claim", "id": "7"},
        "context": {"purpose": "triage"},
    });
    for (name, value) in changes.as_object().unwrap() {
        evaluation[name] = value.clone();
    }
    evaluation
}

/// Members of an evaluation without its resource, and evaluations of `actions`.
fn evaluations(actions: &[&str], semantic: &str) -> Value {
    let items: Vec<Value> = actions.iter().map(|name| json!({"action": {"name": name}})).collect();
    let mut body = evaluation(json!({"action": null, "evaluations": items}));
    body["options"] = json!({"evaluations_semantic": semantic});
    body
}

/// `true`, `false`, or the code of the problem that came with it.
fn decisions(reply: &Value) -> Vec<String> {
    let shown = |evaluation: &Value| match &evaluation["context"]["problem"] {
        Value::Null => evaluation["decision"].to_string(),
        problem => {
            assert_eq!(evaluation["decision"], false, "{evaluation}");
            problem["code"].as_str().unwrap().to_owned()
        }
    };
    reply["evaluations"].as_array().unwrap().iter().map(shown).collect()
}

async fn sent(server: &Server, path: &str, body: &Value, header: (&str, &str)) -> Reply {
    server.call("POST", path, &body.to_string(), &[header]).await
}

#[tokio::test]
async fn an_evaluation_is_a_recorded_decision() {
    let server = Server::loaded().await;
    let size = server.node.ledger_size();
    let reply = server.post(ONE, evaluation(json!({}))).await;
    assert_eq!(reply.outcome(), "200");
    let body = reply.json();
    assert_eq!(body["decision"], true);
    let context = &body["context"];
    assert_eq!(context["outcome"], "allowed");
    assert_eq!(context["reason"], "Triage may read open claims");
    assert_eq!(context["reason_code"], "permitted");
    assert_eq!(context["ledger_entry_id"], size);
    assert_eq!(context["escalation_id"], Value::Null);
    assert!(context["capability_token"].as_str().unwrap().starts_with("cap_"));
    assert_eq!(server.node.ledger_size(), size + 1);
    let path = format!("/decisions/{}", context["decision_id"].as_str().unwrap());
    let record = server.get(&path).await.json();
    for (name, value) in [
        ("actor", "ai_agent:claims_triage"),
        ("action", "read_claim"),
        ("resource", "claim:7"),
        ("token_id", context["token_id"].as_str().unwrap()),
        ("ledger_entry_hash", context["ledger_entry_hash"].as_str().unwrap()),
    ] {
        assert_eq!(record[name], value, "{name}");
    }
    assert_eq!(record["context"], json!({"purpose": "triage"}));
}

#[tokio::test]
async fn a_denied_evaluation_is_recorded_too_and_has_no_token() {
    let server = Server::loaded().await;
    let size = server.node.ledger_size();
    let denied = evaluation(json!({"action": {"name": "delete_claim"}}));
    let body = server.post(ONE, denied).await.json();
    assert_eq!(body["decision"], false);
    assert_eq!(body["context"]["outcome"], "denied");
    assert_eq!(body["context"]["capability_token"], Value::Null);
    assert_eq!(body["context"]["token_id"], Value::Null);
    assert_eq!(server.node.ledger_size(), size + 1);
}

#[tokio::test]
async fn an_escalated_evaluation_is_no_permit() {
    let server = Server::new();
    let policy = json!({"mode": "permissive", "terms": [], "relations": [], "constraints": [
        {"name": "ask", "condition": {"purpose": "triage"}, "action": "escalate"},
    ]});
    assert_eq!(server.post("/policies/load", policy).await.outcome(), "200");
    let body = server.post(ONE, evaluation(json!({}))).await.json();
    assert_eq!(body["decision"], false);
    assert_eq!(body["context"]["outcome"], "escalated");
    assert_eq!(body["context"]["reason_code"], "constraint_escalated");
    assert_eq!(body["context"]["capability_token"], Value::Null);
}

#[tokio::test]
async fn every_fault_of_an_evaluation_is_found() {
    let server = Server::loaded().await;
    let size = server.node.ledger_size();
    let subject = |kind: &str, id: &str| json!({"subject": {"type": kind, "id": id}});
    let resource = |kind: &str, id: &str| json!({"resource": {"type": kind, "id": id}});
    let action = |name: Value| json!({"action": {"name": name}});
    let long = |count: usize| "x".repeat(count);
    for (changes, expect) in [
        (
            json!({"subject": null, "action": null, "resource": null}),
            vec!["/subject missing", "/action missing", "/resource missing"],
        ),
        (json!({"subject": {}}), vec!["/subject/type missing", "/subject/id missing"]),
        (json!({"subject": "x"}), vec!["/subject wrong_type"]),
        (
            json!({"subject": {"type": 7, "id": null}}),
            vec!["/subject/type wrong_type", "/subject/id missing"],
        ),
        (subject(" ", "a"), vec!["/subject/type missing"]),
        (subject("a b", "é"), vec!["/subject/id bad_format", "/subject/type bad_format"]),
        (subject(&long(254), "x"), vec!["/subject/type too_long"]),
        (subject("x", &long(254)), vec!["/subject/id too_long"]),
        (subject(&long(100), &long(155)), vec!["/subject/id too_long"]),
        (json!({"action": {}}), vec!["/action/name missing"]),
        (action(json!(["a"])), vec!["/action/name wrong_type"]),
        (action(json!("a*")), vec!["/action/name bad_format"]),
        (action(json!(long(513))), vec!["/action/name too_long"]),
        (json!({"resource": []}), vec!["/resource wrong_type"]),
        (resource("", "1"), vec!["/resource/type missing"]),
        (resource("claim", "a@b"), vec!["/resource/id bad_format"]),
        (resource(&long(511), "x"), vec!["/resource/type too_long"]),
        (resource(&long(500), &long(12)), vec!["/resource/id too_long"]),
        (json!({"context": "x"}), vec!["/context wrong_type"]),
        (json!({"context": {"a": null}}), vec!["/context/a null_not_allowed"]),
        (
            json!({"subject": {"type": "a", "id": "b", "properties": {"a": null}},
                "action": {"name": "a", "properties": 7}}),
            vec!["/action/properties wrong_type", "/subject/properties/a null_not_allowed"],
        ),
    ] {
        let reply = server.post(ONE, evaluation(changes.clone())).await;
        assert_eq!(reply.outcome(), "422 validation_failed", "{changes}");
        assert_eq!(reply.faults(), expect, "{changes}");
        // A denial is what is read out of this who looks at `decision` alone.
        assert_eq!(reply.json()["decision"], Value::Null);
    }
    assert_eq!(server.node.ledger_size(), size);
}

#[tokio::test]
async fn what_is_just_within_its_bounds_is_taken() {
    let server = Server::loaded().await;
    let long = |count: usize| "x".repeat(count);
    for changes in [
        json!({"subject": {"type": long(100), "id": long(154)}}),
        json!({"subject": {"type": " a ", "id": "b:c/d@e.f"}}),
        json!({"resource": {"type": long(500), "id": long(11)}}),
        json!({"resource": {"type": "a (b)", "id": "c d"}}),
        json!({"action": {"name": long(512)}}),
        json!({"context": null, "subject": {"type": "a", "id": "b", "properties": null}}),
    ] {
        assert_eq!(
            server.post(ONE, evaluation(changes.clone())).await.outcome(),
            "200",
            "{changes}"
        );
    }
}

#[tokio::test]
async fn members_the_standard_does_not_know_are_ignored() {
    let server = Server::loaded().await;
    let body = evaluation(json!({
        "subject": {"type": "ai_agent", "id": "claims_triage", "name": 7, "dry_run": true},
        "action": {"name": "read_claim", "id": null},
        "resource": {"type": "claim", "id": "7", "actor": {"a": [null]}},
        "dry_run": true, "request_id": 7, "actor": "root", "future": {"nested": true},
    }));
    let size = server.node.ledger_size();
    assert_eq!(server.post(ONE, &body).await.json()["decision"], true);
    assert_eq!(server.node.ledger_size(), size + 1);
    let many = json!({"evaluations": [body], "options": {"other": 1}, "dry_run": true});
    assert_eq!(decisions(&server.post(MANY, many).await.json()), ["true"]);
    assert_eq!(server.node.ledger_size(), size + 2);
    // A query is no body.
    let reply = server.post("/access/v1/evaluation?dry_run=true", evaluation(json!({}))).await;
    assert_eq!(reply.outcome(), "422 unknown_parameter");
}

#[tokio::test]
async fn properties_are_facts_and_none_replaces_another() {
    let server = Server::loaded().await;
    let with = |context: Value, subject: Value, action: Value, resource: Value| {
        evaluation(json!({
            "subject": {"type": "ai_agent", "id": "claims_triage", "properties": subject},
            "action": {"name": "read_claim", "properties": action},
            "resource": {"type": "claim", "id": "7", "properties": resource},
            "context": context,
        }))
    };
    let body = with(
        json!({"a": 1}),
        json!({"purpose": "triage"}),
        json!({"b": [2]}),
        json!({"c": {"d": null}}),
    );
    let reply = server.post(ONE, body).await.json();
    assert_eq!(reply["decision"], true);
    let path = format!("/decisions/{}", reply["context"]["decision_id"].as_str().unwrap());
    let context = server.get(&path).await.json()["context"].clone();
    assert_eq!(context, json!({"a": 1, "b": [2], "c": {"d": null}, "purpose": "triage"}));
    for (body, expect) in [
        (
            with(json!({"a": 1}), json!({"a": 1}), json!({}), json!({})),
            vec!["/subject/properties/a conflicting_values"],
        ),
        (
            with(json!({}), json!({"a/b": 1}), json!({"a/b": 2}), json!({"a/b": 3})),
            vec![
                "/action/properties/a~1b conflicting_values",
                "/resource/properties/a~1b conflicting_values",
            ],
        ),
    ] {
        let reply = server.post(ONE, body).await;
        assert_eq!(reply.outcome(), "422 validation_failed");
        assert_eq!(reply.faults(), expect);
    }
}

#[tokio::test]
async fn the_context_has_its_limits_with_the_properties_in_it() {
    let server = Server::loaded().await;
    let nested = |levels: usize| {
        (0..levels).fold(json!(1), |inner, level| json!({ format!("k{level}"): inner }))
    };
    let keys = |from: usize, to: usize| {
        Value::Object((from..to).map(|n| (n.to_string(), json!("x".repeat(900)))).collect())
    };
    let with = |context: Value, properties: Value| {
        let subject = json!({"type": "a", "id": "b", "properties": properties});
        evaluation(json!({"context": context, "subject": subject}))
    };
    let short = |from: usize, to: usize| {
        Value::Object((from..to).map(|n| (n.to_string(), json!(n))).collect())
    };
    for (body, expect) in [
        (with(json!({}), nested(5)), "200"),
        (with(json!({}), nested(6)), "413 context_too_large"),
        (with(json!({}), nested(200)), "413 context_too_large"),
        (with(short(0, 50), short(50, 100)), "200"),
        (with(short(0, 50), short(50, 101)), "413 context_too_large"),
        (with(keys(0, 35), keys(35, 70)), "200"),
        (with(keys(0, 35), keys(35, 75)), "413 context_too_large"),
        (with(json!({}), json!({"a": vec![0; 1001]})), "413 context_too_large"),
    ] {
        assert_eq!(server.post(ONE, body).await.outcome(), expect);
    }
    let large = evaluation(json!({"future": "x".repeat(1 << 20)}));
    assert_eq!(server.post(ONE, &large).await.outcome(), "413 payload_too_large");
    assert_eq!(server.post(MANY, large).await.outcome(), "200");
}

#[tokio::test]
async fn a_repeated_evaluation_gets_the_same_reply_and_is_recorded_once() {
    let server = Server::loaded().await;
    let key = ("idempotency-key", "order-7");
    let body = evaluation(json!({}));
    let first = sent(&server, ONE, &body, key).await;
    let size = server.node.ledger_size();
    let again = sent(&server, ONE, &evaluation(json!({"future": 1})), key).await;
    assert_eq!(again.json(), first.json());
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(first.header("idempotent-replayed"), "");
    let other = evaluation(json!({"context": {}}));
    assert_eq!(sent(&server, ONE, &other, key).await.outcome(), "409 idempotency_conflict");
    // The paths have keys of their own, or one would answer for another.
    let native = json!({"actor": "ai_agent:claims_triage", "action": "read_claim",
        "resource": "claim:7", "context": {"purpose": "triage"}});
    assert_eq!(sent(&server, "/decide", &native, key).await.outcome(), "409 idempotency_conflict");
    assert_eq!(server.node.ledger_size(), size);
    let entry = first.json()["context"]["ledger_entry_id"].as_u64().unwrap();
    server.node.erase(governance::command::ErasedPart::Personal, entry);
    assert_eq!(sent(&server, ONE, &body, key).await.outcome(), "410 erased");
}

#[tokio::test]
async fn a_request_id_that_was_sent_is_echoed_on_these_paths_alone() {
    let server = Server::loaded().await;
    let body = evaluation(json!({}));
    let id = "bfe9eb29 ~ab87";
    for path in [ONE, MANY] {
        assert_eq!(
            sent(&server, path, &body, ("x-request-id", id)).await.header("x-request-id"),
            id
        );
        // A problem's `instance` is compared with the header by `outcome`.
        let refused = sent(&server, path, &json!({}), ("x-request-id", id)).await;
        assert_eq!(refused.outcome(), "422 validation_failed");
        assert_eq!(refused.header("x-request-id"), id);
        let long = "x".repeat(129);
        for other in ["", " ", "é", long.as_str()] {
            let reply = sent(&server, path, &body, ("x-request-id", other)).await;
            assert_eq!(reply.outcome(), "200");
            assert!(reply.header("x-request-id").starts_with("req_"), "{other}");
        }
    }
    let wrong = sent(&server, MANY, &json!({"evaluations": [7]}), ("x-request-id", id)).await;
    assert_eq!(wrong.json()["evaluations"][0]["context"]["problem"]["instance"], id);
    let native = sent(&server, "/decide", &json!({}), ("x-request-id", id)).await;
    assert!(native.header("x-request-id").starts_with("req_"));
}

#[tokio::test]
async fn many_are_decided_in_order_with_defaults_and_a_wrong_one_spoils_no_other() {
    let server = Server::loaded().await;
    let size = server.node.ledger_size();
    let body = evaluation(json!({"evaluations": [
        {},
        {"action": {"name": "delete_claim"}},
        {"context": {"purpose": "other"}, "action": null},
        {"subject": {"id": "claims_triage"}},
        7,
        {"resource": {"type": "claim", "id": "8"}},
    ]}));
    let reply = server.post(MANY, body).await;
    assert_eq!(reply.outcome(), "200");
    let reply = reply.json();
    let expect = ["true", "false", "false", "validation_failed", "validation_failed", "true"];
    assert_eq!(decisions(&reply), expect);
    assert_eq!(reply.as_object().unwrap().len(), 1);
    let faults = &reply["evaluations"][3]["context"]["problem"]["errors"];
    // The default is replaced whole, not member by member.
    assert_eq!(faults[0]["pointer"], "/subject/type");
    for (at, entry) in [(0, 0), (1, 1), (2, 2), (5, 3)] {
        assert_eq!(reply["evaluations"][at]["context"]["ledger_entry_id"], size + entry);
    }
    assert_eq!(server.node.ledger_size(), size + 4);
    let path = reply["evaluations"][5]["context"]["decision_id"].as_str().unwrap();
    assert_eq!(server.get(&format!("/decisions/{path}")).await.json()["resource"], "claim:8");
}

#[tokio::test]
async fn a_default_that_is_not_used_may_be_incomplete() {
    let server = Server::loaded().await;
    let item = evaluation(json!({}));
    let body = json!({"resource": {"type": "claim"}, "evaluations": [item, {"resource": null}]});
    let reply = server.post(MANY, body).await.json();
    assert_eq!(decisions(&reply), ["true", "validation_failed"]);
    let errors = reply["evaluations"][1]["context"]["problem"]["errors"].as_array().unwrap();
    let pointers: Vec<&str> =
        errors.iter().map(|fault| fault["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/resource/id", "/subject", "/action"]);
}

#[tokio::test]
async fn a_semantic_says_where_to_end() {
    const YES: &str = "read_claim";
    const NO: &str = "delete_claim";
    let server = Server::loaded().await;
    for (actions, semantic, expect, recorded) in [
        (vec![YES, NO, YES], "execute_all", vec!["true", "false", "true"], 3),
        (vec![YES, NO, YES], "deny_on_first_deny", vec!["true", "false"], 2),
        (vec![YES, YES], "Deny_On_First_Deny", vec!["true", "true"], 2),
        (vec![NO, YES, NO], "permit_on_first_permit", vec!["false", "true"], 2),
        (vec![NO, NO], "permit_on_first_permit", vec!["false", "false"], 2),
        // What cannot be evaluated is denied.
        (vec![YES, "a*", YES], "execute_all", vec!["true", "validation_failed", "true"], 2),
        (vec!["a*", YES], "deny_on_first_deny", vec!["validation_failed"], 0),
        (vec!["a*", YES, NO], "permit_on_first_permit", vec!["validation_failed", "true"], 1),
    ] {
        let size = server.node.ledger_size();
        let reply = server.post(MANY, evaluations(&actions, semantic)).await;
        assert_eq!(reply.outcome(), "200");
        assert_eq!(decisions(&reply.json()), expect, "{actions:?} {semantic}");
        assert_eq!(server.node.ledger_size(), size + recorded, "{actions:?} {semantic}");
    }
}

#[tokio::test]
async fn without_evaluations_it_is_one_evaluation() {
    let server = Server::loaded().await;
    for changes in [json!({}), json!({"evaluations": []}), json!({"evaluations": null})] {
        let reply = server.post(MANY, evaluation(changes)).await.json();
        assert_eq!(reply["decision"], true);
        assert_eq!(reply["context"]["outcome"], "allowed");
        assert_eq!(reply.as_object().unwrap().len(), 2);
    }
    let reply = server.post(MANY, evaluation(json!({"subject": {"type": "a"}}))).await;
    assert_eq!(reply.faults(), ["/subject/id missing"]);
    let reply = server.post(MANY, "").await;
    assert_eq!(reply.faults(), ["/subject missing", "/action missing", "/resource missing"]);
    let whole = server.post("/access/v1/evaluations?signature=batch", evaluation(json!({}))).await;
    let whole = whole.json();
    assert_eq!(whole["context"]["signed"]["signature"]["tree_size"], 1);
}

#[tokio::test]
async fn evaluations_have_bounds() {
    let server = Server::loaded().await;
    let size = server.node.ledger_size();
    for (body, expect) in [
        (json!({"evaluations": {}}), "/evaluations wrong_type"),
        (json!({"evaluations": vec![1; 1001]}), "/evaluations out_of_range"),
        (json!({"evaluations": [1], "options": []}), "/options wrong_type"),
        (
            json!({"evaluations": [1], "options": {"evaluations_semantic": "all"}}),
            "/options/evaluations_semantic not_one_of",
        ),
        (json!({"evaluations": [1], "subject": "alice"}), "/subject wrong_type"),
        (json!({"evaluations": [1], "context": 7}), "/context wrong_type"),
    ] {
        let reply = server.post(MANY, &body).await;
        assert_eq!(reply.outcome(), "422 validation_failed", "{body}");
        assert_eq!(reply.faults(), [expect], "{body}");
    }
    let reply = server.post("/access/v1/evaluations?signature=each", evaluation(json!({}))).await;
    assert_eq!(reply.faults(), ["signature not_one_of"]);
    // Each alone would do, but not a thousand of them.
    let facts = json!({"a": "x".repeat(9_000), "b": "x".repeat(9_000)});
    let body = evaluation(json!({"context": facts, "evaluations": vec![json!({}); 1000]}));
    assert_eq!(server.post(MANY, body).await.outcome(), "413 payload_too_large");
    assert_eq!(server.node.ledger_size(), size);
}

#[tokio::test]
async fn one_signature_covers_all_and_each_reply_stands_alone() {
    let server = Server::loaded().await;
    let body = evaluations(&["read_claim", "delete_claim", "a*", "read_claim"], "execute_all");
    let plain = server.post(MANY, &body).await.json();
    assert_eq!(plain["evaluations"][0]["context"]["signed"], Value::Null);
    let reply = server.post("/access/v1/evaluations?signature=Batch", &body).await.json();
    assert_eq!(decisions(&reply), ["true", "false", "validation_failed", "true"]);
    for (leaf, at) in [0, 1, 3].into_iter().enumerate() {
        let context = &reply["evaluations"][at]["context"];
        let signed = &context["signed"];
        assert_eq!(signed["signature"]["algorithm"], "Ed25519-batch");
        assert_eq!(signed["signature"]["leaf_index"], leaf);
        assert_eq!(signed["signature"]["tree_size"], 3);
        for name in ["decision_id", "capability_token", "ledger_entry_hash", "outcome"] {
            assert_eq!(signed[name], context[name], "{name}");
        }
        let verified = server.post("/decide/verify", signed).await.json();
        assert_eq!(verified["reason_code"], "ok", "{verified}");
    }
    let mut moved = reply["evaluations"][1]["context"]["signed"].clone();
    moved["signature"]["leaf_index"] = json!(2);
    let verified = server.post("/decide/verify", moved).await.json();
    assert_eq!(verified["reason_code"], "signature_invalid");
}

#[tokio::test]
async fn many_are_known_again_by_their_key() {
    let server = Server::loaded().await;
    for (semantic, length) in [("execute_all", 3), ("deny_on_first_deny", 2)] {
        let key = ("idempotency-key", semantic);
        let body = evaluations(&["read_claim", "delete_claim", "read_claim"], semantic);
        let first = sent(&server, MANY, &body, key).await;
        let size = server.node.ledger_size();
        let again = sent(&server, MANY, &body, key).await;
        assert_eq!(again.json(), first.json());
        assert_eq!(again.json()["evaluations"].as_array().unwrap().len(), length);
        assert_eq!(again.header("idempotent-replayed"), "true");
        let other = evaluations(&["read_claim"], semantic);
        let other = sent(&server, MANY, &other, key).await.json();
        assert_eq!(decisions(&other), ["idempotency_conflict"]);
        let single = sent(&server, MANY, &evaluation(json!({})), key).await;
        assert_eq!(single.outcome(), "409 idempotency_conflict");
        assert_eq!(server.node.ledger_size(), size);
    }
}

#[tokio::test]
async fn what_the_node_cannot_do_now_is_said() {
    let server = Server::loaded().await;
    server.node.inner().refuse = Some(Unavailable::NoLeader);
    let one = server.post(ONE, evaluation(json!({}))).await;
    assert_eq!(one.outcome(), "503 no_leader");
    for semantic in ["execute_all", "deny_on_first_deny", "permit_on_first_permit"] {
        let body = evaluations(&["read_claim", "read_claim"], semantic);
        assert_eq!(server.post(MANY, body).await.outcome(), "503 no_leader", "{semantic}");
    }
    let body = evaluations(&["a*", "read_claim"], "permit_on_first_permit");
    assert_eq!(server.post(MANY, body).await.outcome(), "503 no_leader");
}

#[tokio::test]
async fn a_log_that_takes_no_more_ends_what_is_carried_out_in_turn() {
    let server = Server::loaded().await;
    let size = server.node.ledger_size();
    server.node.inner().hang = true;
    let before = server.node.submitted();
    let body = evaluations(&["delete_claim"; 4], "permit_on_first_permit");
    let asked = tokio::spawn({
        let server = server.clone();
        async move { server.post(MANY, body).await }
    });
    while server.node.submitted() == before {
        tokio::task::yield_now().await;
    }
    server.node.inner().refuse = Some(Unavailable::Overloaded);
    // The first one is in the log already; the second one is refused.
    server.node.release();
    assert_eq!(decisions(&asked.await.unwrap().json()), ["false", "overloaded"]);
    assert_eq!(server.node.ledger_size(), size + 1);
}

fn message(action: &str) -> EvaluationRequest {
    EvaluationRequest {
        subject: Some(EvaluationSubject {
            r#type: "ai_agent".to_owned(),
            id: "claims_triage".to_owned(),
            properties_json: r#"{"purpose":"triage"}"#.to_owned(),
        }),
        action: Some(EvaluationAction { name: action.to_owned(), properties_json: String::new() }),
        resource: Some(EvaluationResource {
            r#type: "claim".to_owned(),
            id: "7".to_owned(),
            properties_json: String::new(),
        }),
        context_json: r#"{"amount":1.10}"#.to_owned(),
    }
}

#[tokio::test]
async fn an_evaluation_by_grpc_is_the_evaluation_of_rest() {
    let server = Server::loaded().await;
    let mut client = PoliciesClient::new(connect(&server).await);
    let mut request = Request::new(message("read_claim"));
    request.metadata_mut().insert("idempotency-key", "order-7".parse().unwrap());
    request.metadata_mut().insert("x-request-id", "call-1".parse().unwrap());
    let response = client.evaluation(request).await.unwrap();
    assert_eq!(response.metadata().get("x-request-id").unwrap(), "call-1");
    let reply = response.into_inner();
    assert!(reply.decision);
    let context = reply.context.unwrap();
    let subject = json!({"type": "ai_agent", "id": "claims_triage",
        "properties": {"purpose": "triage"}});
    let rest = evaluation(json!({"subject": subject, "context": {"amount": 1.1}}));
    let rest = sent(&server, ONE, &rest, ("idempotency-key", "order-7")).await;
    assert_eq!(rest.header("idempotent-replayed"), "true");
    let rest = rest.json();
    assert_eq!(rest["context"]["capability_token"], *context.capability_token.as_ref().unwrap());
    assert_eq!(rest["context"]["decision_id"], *context.decision_id.as_ref().unwrap());
    assert_eq!(rest["context"]["ledger_entry_id"], context.ledger_entry_id.unwrap());
    assert_eq!(rest["context"]["ledger_entry_hash"], *context.ledger_entry_hash.as_ref().unwrap());
    assert_eq!(rest["context"]["reason"], context.reason);
    for (wrong, expect) in [
        (EvaluationRequest { subject: None, ..message("a") }, "validation_failed"),
        (message("a*"), "validation_failed"),
        (EvaluationRequest { context_json: "{".to_owned(), ..message("a") }, "malformed_json"),
        (EvaluationRequest { context_json: "7".to_owned(), ..message("a") }, "validation_failed"),
        (
            EvaluationRequest { context_json: r#"{"purpose":1}"#.to_owned(), ..message("a") },
            "validation_failed",
        ),
    ] {
        let status = client.evaluation(wrong).await.unwrap_err();
        assert_eq!(refusal(&status), (Code::InvalidArgument, expect.to_owned()));
    }
}

#[tokio::test]
async fn evaluations_by_grpc_are_those_of_rest() {
    let server = Server::loaded().await;
    let channel = connect(&server).await;
    let mut client = PoliciesClient::new(channel.clone());
    let EvaluationRequest { subject, action, resource, context_json } = message("read_claim");
    let item = |name: &str| EvaluationRequest {
        action: Some(EvaluationAction { name: name.to_owned(), properties_json: String::new() }),
        ..EvaluationRequest::default()
    };
    let request = EvaluationsRequest {
        subject,
        action,
        resource,
        context_json,
        evaluations: vec![EvaluationRequest::default(), item("a*"), item("delete_claim")],
        options: None,
        signature: "batch".to_owned(),
    };
    let reply = client.evaluations(request.clone()).await.unwrap().into_inner();
    let decisions: Vec<bool> = reply.evaluations.iter().map(|one| one.decision).collect();
    assert_eq!(decisions, [true, false, false]);
    let problem = reply.evaluations[1].context.clone().unwrap().problem_json.unwrap();
    assert!(problem.contains("/action/name"), "{problem}");
    let signed = reply.evaluations[2].context.clone().unwrap().signed.unwrap();
    let verify = VerifyDecisionRequest {
        signed_json: signed.signed_json,
        signature: signed.signature,
        ..VerifyDecisionRequest::default()
    };
    let mut verifier = DecisionsClient::new(channel);
    assert_eq!(verifier.verify(verify).await.unwrap().into_inner().reason_code, "ok");

    let options = |word: &str| Some(EvaluationsOptions { evaluations_semantic: word.to_owned() });
    let ended = EvaluationsRequest { options: options("deny_on_first_deny"), ..request.clone() };
    assert_eq!(client.evaluations(ended).await.unwrap().into_inner().evaluations.len(), 2);
    let wrong = EvaluationsRequest { options: options("all"), ..request.clone() };
    let status = client.evaluations(wrong).await.unwrap_err();
    assert_eq!(refusal(&status), (Code::InvalidArgument, "validation_failed".to_owned()));
    let single = EvaluationsRequest { evaluations: Vec::new(), ..request };
    let single = client.evaluations(single).await.unwrap().into_inner();
    assert_eq!(single.evaluations.len(), 0);
    assert!(single.evaluation.unwrap().decision);
}
