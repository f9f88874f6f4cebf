//! Tokens for what a decision has come to: granted by an entry of their own, and
//! checked, shown and ended as any other.

use governance::command::{Command, ErasedPart};
use proto::governance::v1::IssueTokenRequest;
use proto::governance::v1::decisions_client::DecisionsClient;
use serde_json::{Value, json};
use tonic::Code;

use crate::common::{ALLOWED, Server, envelope_of};
use crate::grpc::{connect, refusal};

const JANE: &str = "act_human_user:executive:jane";
const LEO: &str = "act_human_user:governance_lead:leo";
const SECOND: u64 = 1_000_000;

/// A server that has denied something in entry 2 and overridden it in entry 3;
/// the path for tokens of the decision, and the override.
async fn overridden(scope: Value) -> (Server, String, Value) {
    let server = Server::loaded().await;
    let ask = json!({"actor": "ai:x", "action": "read", "resource": "a/1", "tool": "sql"});
    let decision = server.post("/decide", ask).await.json();
    let body = json!({
        "decision_id": decision["decision_id"], "override_type": "executive_override",
        "authorized_by": JANE, "scope": scope,
        "justification": "Regulator asked for the file today; reviewed with legal",
    });
    let made = server.post("/overrides/execute", body).await.json();
    let path = format!("/decisions/{}/token", decision["decision_id"].as_str().unwrap());
    (server, path, made)
}

async fn issue(server: &Server, path: &str) -> Value {
    let reply = server.post(path, json!({"expires_in": 60})).await;
    assert_eq!(reply.outcome(), "200", "{}", reply.json());
    reply.json()
}

async fn reason(server: &Server, issued: &Value) -> String {
    let body = json!({"token": issued["capability_token"], "actor": "ai:x", "tool": "sql"});
    let found = server.post("/tokens/verify", body).await.json();
    found["reason_code"].as_str().unwrap().to_owned()
}

fn token_path(issued: &Value) -> String {
    format!("/tokens/{}", issued["token_id"].as_str().unwrap())
}

async fn review(server: &Server, made: &Value) {
    let path = format!("/overrides/{}/review", made["override_id"].as_str().unwrap());
    let body = json!({"verdict": "reversed", "notes": "hasty", "reviewed_by": LEO});
    assert_eq!(server.post(&path, body).await.outcome(), "200");
}

#[tokio::test]
async fn a_token_is_issued_for_what_the_decision_was_about() {
    let (server, path, made) = overridden(json!({})).await;
    let issued = issue(&server, &path).await;
    let expect = json!({
        "capability_token": issued["capability_token"], "token_id": issued["token_id"],
        "token_expires_at": issued["token_expires_at"], "decision_id": made["decision_id"],
        "basis": "override", "basis_id": made["override_id"], "ledger_entry_id": 4,
    });
    assert_eq!(issued, expect);
    assert_eq!(reason(&server, &issued).await, "ok");
    let shown = server.get(&token_path(&issued)).await.json();
    let entry = server.get("/ledger/entries/4").await.json();
    let claims = &shown["claims"];
    assert_eq!((&claims["idx"], &claims["dec"]), (&json!(4), &made["decision_id"]));
    assert_eq!((&claims["sub"], &claims["res"]), (&json!("ai:x"), &json!("a/1")));
    assert_eq!(claims["pol"], entry["data"]["policy_hash"]);
    assert_eq!((&shown["issued_at"], &shown["status"]), (&entry["timestamp"], &json!("active")));
    assert_eq!(shown["expires_at"], issued["token_expires_at"]);
    assert_eq!(
        (&entry["entry_type"], &entry["actor"], &entry["personal"]),
        (&json!("token_issued"), &json!("ai:x"), &Value::Null)
    );
    assert!(!entry.to_string().contains("cap_"));
}

#[tokio::test]
async fn why_there_is_no_token_is_told() {
    let (server, path, _) = overridden(json!({"is_one_time": true})).await;
    for (path, body, expect) in [
        ("/decisions/dec_1/token", json!({}), "404 unknown_decision"),
        ("/decisions/dec_01K1R0C9N5T8Z4W2Y6V3Q7M1HD/token", json!({}), "404 unknown_decision"),
        (&path, json!({"expires_in": 0}), "422 validation_failed"),
        (&path, json!({"expires_in": 86_401}), "422 validation_failed"),
        (&path, json!({"actor": "ai:y"}), "422 unknown_field"),
    ] {
        assert_eq!(server.post(path, &body).await.outcome(), expect, "{path} {body}");
    }
    assert_eq!(server.node.ledger_size(), 4);
    let issued = issue(&server, &path).await;
    assert_eq!(server.post(&path, "").await.outcome(), "409 override_consumed");
    assert_eq!(reason(&server, &issued).await, "ok");
    let (server, path, made) = overridden(json!({})).await;
    issue(&server, &path).await;
    assert_eq!(server.post(&path, json!({})).await.outcome(), "409 token_active");
    review(&server, &made).await;
    assert_eq!(server.post(&path, json!({})).await.outcome(), "409 not_allowed");
    server.node.erase(ErasedPart::All, 2);
    assert_eq!(server.post(&path, json!({})).await.outcome(), "410 erased");
}

#[tokio::test]
async fn a_decision_that_allowed_yields_another_token_unless_its_own_was_revoked() {
    for (is_revoked, expect) in [(false, "200"), (true, "409 not_allowed")] {
        let server = Server::loaded().await;
        let decision = server.post("/decide", ALLOWED).await.json();
        let path = format!("/decisions/{}/token", decision["decision_id"].as_str().unwrap());
        assert_eq!(server.post(&path, json!({})).await.outcome(), "409 token_active");
        if is_revoked {
            let revoke = format!("{}/revoke", token_path(&decision));
            assert_eq!(server.post(&revoke, json!({"reason": "x"})).await.outcome(), "200");
        }
        server.node.inner().now += 301 * SECOND;
        let reply = server.post(&path, json!({})).await;
        assert_eq!(reply.outcome(), expect);
        if !is_revoked {
            assert_eq!(reply.json()["basis"], "decision");
            assert_eq!(reply.json()["basis_id"], decision["decision_id"]);
        }
    }
}

#[tokio::test]
async fn a_repeated_request_gets_the_same_token() {
    let (server, path, _) = overridden(json!({})).await;
    let key = [("idempotency-key", "t")];
    let first = server.call("POST", &path, r#"{"expires_in":60}"#, &key).await;
    let again = server.call("POST", &path, r#"{"expires_in":60}"#, &key).await;
    assert_eq!((first.outcome().as_str(), again.json()), ("200", first.json()));
    assert_eq!(again.header("idempotent-replayed"), "true");
    let other = server.call("POST", &path, "{}", &key).await;
    assert_eq!(other.outcome(), "409 idempotency_conflict");
    // Another key of the node signs another text of the same grant.
    server.post("/keys/rotate", json!({"use": "token"})).await;
    let later = server.call("POST", &path, r#"{"expires_in":60}"#, &key).await.json();
    assert_ne!(later["capability_token"], first.json()["capability_token"]);
    assert_eq!(later["token_id"], first.json()["token_id"]);
    assert_eq!(
        (reason(&server, &later).await, reason(&server, &first.json()).await),
        ("ok".to_owned(), "ok".to_owned())
    );
    server.node.erase(ErasedPart::All, 4);
    let gone = server.call("POST", &path, r#"{"expires_in":60}"#, &key).await;
    assert_eq!(gone.outcome(), "410 erased");
    assert_eq!(reason(&server, &later).await, "unknown_token");
}

#[tokio::test]
async fn a_token_ends_with_the_override_that_yielded_it() {
    let (server, path, made) = overridden(json!({})).await;
    let issued = issue(&server, &path).await;
    review(&server, &made).await;
    assert_eq!(reason(&server, &issued).await, "revoked");
    let shown = server.get(&token_path(&issued)).await.json();
    let expect = (json!("revoked"), json!(LEO), json!("its override was reversed"));
    let found = ["status", "revoked_by", "revoke_reason"].map(|name| shown[name].clone());
    assert_eq!(found, [expect.0, expect.1, expect.2]);
    server.node.erase(ErasedPart::All, 5);
    let shown = server.get(&token_path(&issued)).await.json();
    assert_eq!((&shown["status"], &shown["revoke_reason"]), (&json!("revoked"), &Value::Null));
    let (server, path, _) = overridden(json!({})).await;
    server.node.inner().now += 30 * 24 * 3_600 * SECOND - 30 * SECOND;
    let issued = issue(&server, &path).await;
    server.node.inner().now += 30 * SECOND;
    // It ends with the time for the review, swept or not.
    assert_eq!(reason(&server, &issued).await, "expired");
    server.node.apply(envelope_of("n1", Command::Tick));
    assert_eq!(reason(&server, &issued).await, "expired");
}

#[tokio::test]
async fn an_issued_token_is_revoked_as_any_other() {
    let (server, path, _) = overridden(json!({})).await;
    let issued = issue(&server, &path).await;
    let revoke = format!("{}/revoke", token_path(&issued));
    assert_eq!(server.post(&revoke, json!({"reason": "stolen"})).await.outcome(), "200");
    assert_eq!(reason(&server, &issued).await, "revoked");
    let shown = server.get(&token_path(&issued)).await.json();
    assert_eq!(shown["revoke_reason"], "stolen");
    let again = server.post(&revoke, json!({"reason": "stolen"})).await;
    assert_eq!(again.outcome(), "409 already_revoked");
}

#[tokio::test]
async fn tokens_are_issued_by_grpc() {
    let (server, _, made) = overridden(json!({})).await;
    let mut client = DecisionsClient::new(connect(&server).await);
    let decision_id = made["decision_id"].as_str().unwrap().to_owned();
    let ask = IssueTokenRequest { decision_id, expires_in: Some(60) };
    let issued = client.issue_token(ask.clone()).await.unwrap().into_inner();
    assert_eq!((issued.basis.as_str(), issued.ledger_entry_id), ("override", 4));
    assert_eq!(reason(&server, &json!({"capability_token": issued.capability_token})).await, "ok");
    let again = client.issue_token(ask.clone()).await.unwrap_err();
    assert_eq!(refusal(&again), (Code::FailedPrecondition, "token_active".to_owned()));
    let wrong = IssueTokenRequest { expires_in: Some(0), ..ask };
    let wrong = client.issue_token(wrong).await.unwrap_err();
    assert_eq!(refusal(&wrong), (Code::InvalidArgument, "validation_failed".to_owned()));
}
