//! Recorded decisions over HTTP, page by page.

use governance::command::ErasedPart;
use proto::governance::v1::decisions_client::DecisionsClient;
use proto::governance::v1::{GetDecisionRequest, ListDecisionsRequest};
use serde_json::{Value, json};
use tonic::Code;

use crate::common::{ALLOWED, Server};
use crate::grpc::{connect, refusal};

/// After genesis and a policy: one that is allowed (2), and three by another
/// actor that are denied (3, 4, 5), the last on another action.
async fn server() -> Server {
    let server = Server::loaded().await;
    server.post("/decide", ALLOWED).await;
    for action in ["read_claim", "read_claim", "close_claim"] {
        let body = json!({"actor": "clerk", "action": action, "user_intent": "look"});
        assert_eq!(server.post("/decide", body).await.outcome(), "200");
    }
    server
}

async fn ids(server: &Server, query: &str) -> (Vec<u64>, Value) {
    let reply = server.get(&format!("/decisions?{query}")).await;
    assert_eq!(reply.outcome(), "200", "{query}: {}", reply.json());
    let page = reply.json();
    let rows = page["decisions"].as_array().unwrap();
    (rows.iter().map(|row| row["ledger_entry_id"].as_u64().unwrap()).collect(), page)
}

#[tokio::test]
async fn decisions_are_listed_by_what_is_asked() {
    let server = server().await;
    for (query, expect) in [
        ("", vec![2, 3, 4, 5]),
        ("actor=clerk", vec![3, 4, 5]),
        ("action=read_claim", vec![2, 3, 4]),
        ("outcome=Allowed", vec![2]),
        ("outcome=escalated", vec![]),
        ("actor=clerk&action=read_claim&outcome=denied", vec![3, 4]),
        ("actor=nobody", vec![]),
        ("order=desc", vec![5, 4, 3, 2]),
        ("from=2100-01-01", vec![]),
        ("to=2100-01-01&actor=clerk", vec![3, 4, 5]),
        ("after=3", vec![4, 5]),
    ] {
        let (found, page) = ids(&server, query).await;
        assert_eq!(found, expect, "{query}");
        assert_eq!((&page["next"], &page["total_exact"]), (&Value::Null, &json!(true)), "{query}");
    }
    let (found, page) = ids(&server, "actor=clerk&limit=2").await;
    assert_eq!((found, &page["total"], &page["next"]), (vec![3, 4], &json!(3), &json!(4)));
    let (found, page) = ids(&server, "actor=clerk&limit=2&after=4").await;
    assert_eq!((found, &page["total"], &page["next"]), (vec![5], &json!(3), &Value::Null));
}

#[tokio::test]
async fn a_row_is_the_decision_as_it_is_looked_up_but_for_the_signature() {
    let server = server().await;
    let (_, page) = ids(&server, "limit=1").await;
    let row = &page["decisions"][0];
    assert_eq!(row["matched"][0]["conditions"][0]["actual"], "triage");
    let path = format!("/decisions/{}", row["decision_id"].as_str().unwrap());
    let mut whole = server.get(&path).await.json();
    assert!(whole.as_object_mut().unwrap().remove("signature").unwrap().is_object());
    assert_eq!(*row, whole);
}

#[tokio::test]
async fn what_is_erased_is_null_and_what_is_gone_is_not_listed() {
    let server = server().await;
    server.node.erase(ErasedPart::Personal, 3);
    server.node.erase(ErasedPart::All, 4);
    let (found, page) = ids(&server, "actor=clerk").await;
    assert_eq!((found, &page["total"]), (vec![3, 5], &json!(2)));
    let rows = &page["decisions"];
    assert_eq!((&rows[0]["user_intent"], &rows[1]["user_intent"]), (&Value::Null, &json!("look")));
    assert_eq!(rows[0]["erased"]["part"], "personal");
}

#[tokio::test]
async fn a_query_that_makes_no_sense_is_refused() {
    let server = server().await;
    for (query, fault) in [
        ("outcome=maybe", "outcome not_one_of"),
        ("limit=0", "limit out_of_range"),
        ("limit=1001", "limit out_of_range"),
        ("after=x", "after wrong_type"),
        ("from=yesterday", "from bad_format"),
        ("order=up", "order not_one_of"),
        ("action=a%3Cb", "action bad_format"),
        ("reason=x", "reason unknown_parameter"),
    ] {
        let reply = server.get(&format!("/decisions?{query}")).await;
        assert_eq!((reply.status, reply.faults()), (422, vec![fault.to_owned()]), "{query}");
    }
}

#[tokio::test]
async fn decisions_are_listed_by_grpc_as_they_are_looked_up() {
    let server = server().await;
    let mut client = DecisionsClient::new(connect(&server).await);
    let ask = ListDecisionsRequest {
        actor: Some("clerk".to_owned()),
        limit: Some(2),
        order: "desc".to_owned(),
        ..ListDecisionsRequest::default()
    };
    let page = client.list(ask.clone()).await.unwrap().into_inner();
    assert_eq!((page.total, page.total_exact, page.next), (3, true, Some(4)));
    assert_eq!(page.decisions.len(), 2);
    let mut row = page.decisions[0].clone();
    let decision_id = row.decision.clone().unwrap().decision_id.unwrap();
    let get = GetDecisionRequest { decision_id, read: None };
    let whole = client.get(get).await.unwrap().into_inner();
    row.decision.as_mut().unwrap().signature = whole.decision.clone().unwrap().signature;
    assert_eq!(row, whole);
    let wrong = ListDecisionsRequest { outcome: Some("maybe".to_owned()), ..ask };
    let refused = client.list(wrong).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::InvalidArgument, "validation_failed".to_owned()));
}
