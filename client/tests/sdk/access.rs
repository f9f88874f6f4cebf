//! Evaluations of AuthZEN go out as the standard has them, each call under a
//! key.

use client::access::{Action, Entity, Evaluation, Evaluations, Semantic};
use client::{Client, Error};
use types::{Json, Object};

use crate::double::{Double, Said};

const PERMITTED: &str = r#"{"decision":true,"context":{"outcome":"allowed","reason":"because","reason_code":"permitted","decision_id":"dec_1","capability_token":"cap_x","token_id":"tok_1","escalation_id":null,"ledger_entry_id":118,"ledger_entry_hash":"9be1"}}"#;
const REFUSED: &str = r#"{"decision":false,"context":{"problem":{"status":422,"code":"validation_failed","detail":"1 field is not valid","errors":[{"pointer":"/action/name","code":"missing","detail":"is required"}]}}}"#;

fn evaluation() -> Evaluation {
    let mut subject = Entity::new("user", "alice");
    subject.properties.insert("role", "admin");
    Evaluation::new(subject, Action::new("read"), Entity::new("claim", "7"))
}

#[tokio::test]
async fn an_evaluation_is_sent_again_under_one_key() {
    let node = Double::start([Said::problem(503, "no_leader"), Said::ok(PERMITTED)]).await;
    let client = Client::new([&node.url]).unwrap();
    let reply = client.evaluation(&evaluation()).await.unwrap().value;
    assert!(reply.decision);
    let decided = reply.context.decided().unwrap();
    assert_eq!(
        (decided.ledger_entry_id, decided.capability_token.as_deref()),
        (118, Some("cap_x"))
    );
    assert!(reply.context.problem().is_none());
    assert_eq!(node.lines(), ["POST /access/v1/evaluation"; 2]);
    let asked = node.asked();
    let key = asked[0].header("idempotency-key").unwrap();
    assert!(key.starts_with("req_"), "{key}");
    assert_eq!(asked[1].header("idempotency-key"), Some(key));
    let body = r#"{"action":{"name":"read"},"resource":{"id":"7","type":"claim"},"subject":{"id":"alice","properties":{"role":"admin"},"type":"user"}}"#;
    assert_eq!(asked[0].body, body);
}

#[tokio::test]
async fn the_key_of_a_client_is_kept() {
    let node = Double::start([Said::ok(PERMITTED)]).await;
    let client = Client::new([&node.url]).unwrap().with_key("order-7").unwrap();
    client.evaluation(&evaluation()).await.unwrap();
    assert_eq!(node.asked()[0].header("idempotency-key"), Some("order-7"));
}

#[tokio::test]
async fn many_are_sent_with_their_defaults_and_answered_one_by_one() {
    let said = format!(r#"{{"evaluations":[{PERMITTED},{REFUSED}]}}"#);
    let node = Double::start([Said::ok(&said)]).await;
    let client = Client::new([&node.url]).unwrap();
    let item = Evaluation { action: Some(Action::new("read")), ..Evaluation::default() };
    let mut context = Object::new();
    context.insert("purpose", "triage");
    let asked = Evaluations {
        defaults: Evaluation { context: Some(context), ..Evaluation::default() },
        evaluations: vec![item, Evaluation::default()],
        semantic: Semantic::DenyOnFirstDeny,
        sign_together: true,
    };
    let reply = client.evaluations(&asked).await.unwrap();
    assert!(matches!(reply.raw, Json::Object(_)));
    let evaluations = reply.value.evaluations;
    assert!(evaluations[0].decision && !evaluations[1].decision);
    let problem = evaluations[1].context.problem().unwrap();
    assert_eq!((problem.status, problem.errors[0].place.as_str()), (422, "/action/name"));
    assert!(evaluations[1].context.decided().is_none());
    assert_eq!(node.lines(), ["POST /access/v1/evaluations?signature=batch"]);
    let body = r#"{"context":{"purpose":"triage"},"evaluations":[{"action":{"name":"read"}},{}],"options":{"evaluations_semantic":"deny_on_first_deny"}}"#;
    assert_eq!(node.asked()[0].body, body);
}

#[tokio::test]
async fn none_at_all_are_not_sent() {
    let node = Double::start([]).await;
    let client = Client::new([&node.url]).unwrap();
    let nothing = Evaluations { defaults: evaluation(), ..Evaluations::default() };
    assert!(matches!(client.evaluations(&nothing).await, Err(Error::Misused(_))));
    assert!(node.asked().is_empty());
}
