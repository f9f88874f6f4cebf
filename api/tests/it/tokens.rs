//! Capability tokens over HTTP and gRPC: checked, shown, revoked.

use ed25519_dalek::{Signer as _, SigningKey};
use governance::command::ErasedPart;
use ledger::token;
use proto::governance::v1::tokens_client::TokensClient;
use proto::governance::v1::{GetTokenRequest, RevokeTokenRequest, VerifyTokenRequest};
use serde_json::{Value, json};
use tonic::Code;

use crate::common::{ALLOWED, Server};
use crate::grpc::{connect, refusal};

/// A server that has granted a token for 300 seconds, and the decision.
async fn granted() -> (Server, Value) {
    let server = Server::loaded().await;
    let decision = server.post("/decide", ALLOWED).await.json();
    (server, decision)
}

async fn verify(server: &Server, body: Value) -> Value {
    let reply = server.post("/tokens/verify", &body).await;
    assert_eq!(reply.outcome(), "200", "{body}");
    let found = reply.json();
    assert_eq!(found["valid"], found["reason_code"] == "ok", "{found}");
    found
}

async fn reason(server: &Server, text: &Value) -> String {
    verify(server, json!({"token": text})).await["reason_code"].as_str().unwrap().to_owned()
}

fn path(decision: &Value) -> String {
    format!("/tokens/{}", decision["token_id"].as_str().unwrap())
}

/// A text with changed claims, signed with the key of the node for tokens.
fn signed(decision: &Value, change: impl FnOnce(&mut Value)) -> Value {
    let text = decision["capability_token"].as_str().unwrap();
    let mut claims: Value = serde_json::from_slice(&token::parse(text).unwrap().claims).unwrap();
    change(&mut claims);
    let input = token::signing_input(&serde_json::from_str(&claims.to_string()).unwrap());
    let signature = SigningKey::from_bytes(&[2; 32]).sign(input.as_bytes()).to_bytes();
    json!(token::text(&input, &signature))
}

#[tokio::test]
async fn a_token_holds_for_what_it_was_granted() {
    let (server, decision) = granted().await;
    let found = verify(
        &server,
        json!({"token": decision["capability_token"], "actor": decision["actor"], "action": "read_claim"}),
    )
    .await;
    assert_eq!(found["reason_code"], "ok");
    assert_eq!(found["token_id"], decision["token_id"]);
    assert_eq!(found["expires_at"], decision["token_expires_at"]);
    assert_eq!(found["revoked_at"], Value::Null);
    assert_eq!(found["claims"]["sub"], decision["actor"]);
    assert_eq!(found["claims"]["idx"], decision["ledger_entry_id"]);
    assert_eq!(signed(&decision, |_| ()), decision["capability_token"]);
}

#[tokio::test]
async fn the_first_expectation_that_is_not_met_is_named() {
    let (server, decision) = granted().await;
    let expectations = [
        ("actor", "subject_mismatch"),
        ("action", "action_mismatch"),
        ("resource", "resource_mismatch"),
        ("tool", "tool_mismatch"),
    ];
    let mut body = json!({"token": decision["capability_token"]});
    for (name, expect) in expectations.into_iter().rev() {
        body[name] = json!("other");
        assert_eq!(verify(&server, body.clone()).await["reason_code"], expect);
    }
}

#[tokio::test]
async fn broken_texts_are_answered_and_tell_nothing() {
    let (server, decision) = granted().await;
    let text = decision["capability_token"].as_str().unwrap();
    let forged = token::text(token::parse(text).unwrap().signing_input, &[7; 64]);
    for (text, expect) in [
        ("x".to_owned(), "malformed"),
        ("cap_".to_owned(), "malformed"),
        ("ключ".to_owned(), "malformed"),
        (text[..text.len() - 1].to_owned(), "malformed"),
        (text.replacen("cap_", "cup_", 1), "malformed"),
        (token::text(&token::signing_input(&types::Json::Null), &[7; 64]), "malformed"),
        (forged, "signature_invalid"),
    ] {
        let found = verify(&server, json!({"token": text})).await;
        assert_eq!(found["reason_code"], expect, "{text}");
        for member in ["token_id", "claims", "expires_at", "revoked_at"] {
            assert_eq!(found[member], Value::Null, "{text}");
        }
    }
    for (body, fault) in [
        (json!({}), "/token missing"),
        (json!({"token": 7}), "/token wrong_type"),
        (json!({"token": "x".repeat(8193)}), "/token too_long"),
        (json!({"token": "x", "subject": "y"}), "/subject unknown_field"),
    ] {
        let reply = server.post("/tokens/verify", body).await;
        assert_eq!((reply.status, reply.faults()), (422, vec![fault.to_owned()]));
    }
}

#[tokio::test]
async fn a_key_must_be_one_for_tokens_that_counts() {
    let (server, decision) = granted().await;
    let text = &decision["capability_token"];
    let stranger = signed(&decision, |claims| claims["kid"] = json!("key_1"));
    assert_eq!(reason(&server, &stranger).await, "key_unknown");
    let of_decisions = decision["signature"]["key_id"].clone();
    let misused = signed(&decision, |claims| claims["kid"] = of_decisions);
    assert_eq!(reason(&server, &misused).await, "key_unknown");
    // A key that was replaced vouches for what it signed before; one that was
    // given up as compromised for nothing.
    let kid = server.post("/keys/rotate", json!({"use": "token"})).await.json()["replaces"].clone();
    assert_eq!(reason(&server, text).await, "ok");
    let later = signed(&decision, |claims| claims["idx"] = json!(99));
    assert_eq!(reason(&server, &later).await, "key_unknown");
    let retire = format!("/keys/{}/retire", kid.as_str().unwrap());
    let body = json!({"reason": "found on a bus", "compromised": true});
    assert_eq!(server.post(&retire, body).await.outcome(), "200");
    assert_eq!(reason(&server, text).await, "key_unknown");
}

#[tokio::test]
async fn what_is_signed_and_was_not_granted_is_unknown() {
    let (server, decision) = granted().await;
    for (claim, value) in [
        ("jti", json!("tok_01K1R0C9N5T8Z4W2Y6V3Q7M1HD")),
        ("jti", json!("7")),
        ("sub", json!("somebody")),
        ("act", json!("close_claim")),
        ("res", json!("x")),
        ("tool", json!("x")),
        ("dec", json!("dec_01K1R0C9N5T8Z4W2Y6V3Q7M1HD")),
        ("pol", json!("41c0")),
        ("exp", json!(1_u64 << 40)),
        ("iss", json!("clu_01K1R0C9N5T8Z4W2Y6V3Q7M1HD")),
        ("idx", json!(1)),
        ("more", json!(true)),
    ] {
        let text = signed(&decision, |claims| claims[claim] = value);
        assert_eq!(reason(&server, &text).await, "unknown_token", "{claim}");
    }
}

#[tokio::test]
async fn a_token_expires_by_the_clock_of_the_node_that_is_asked() {
    let (server, decision) = granted().await;
    let text = &decision["capability_token"];
    let end: types::Timestamp = decision["token_expires_at"].as_str().unwrap().parse().unwrap();
    server.node.inner().now = end.0 - 1;
    assert_eq!(reason(&server, text).await, "ok");
    assert_eq!(server.get(&path(&decision)).await.json()["status"], "active");
    server.node.inner().now = end.0;
    assert_eq!(reason(&server, text).await, "expired");
    assert_eq!(server.get(&path(&decision)).await.json()["status"], "expired");
    let revoke = format!("{}/revoke", path(&decision));
    let reply = server.post(&revoke, json!({"reason": "late"})).await;
    assert_eq!(reply.outcome(), "409 not_allowed");
    assert_eq!(server.node.ledger_size(), 3);
}

#[tokio::test]
async fn a_token_is_shown_with_what_became_of_it() {
    let (server, decision) = granted().await;
    let path = path(&decision);
    let shown = server.get(&path).await.json();
    assert_eq!(shown["token_id"], decision["token_id"]);
    assert_eq!(shown["decision_id"], decision["decision_id"]);
    assert_eq!(shown["issued_at"], decision["timestamp"]);
    assert_eq!(shown["expires_at"], decision["token_expires_at"]);
    assert_eq!(
        (&shown["claims"]["jti"], &shown["claims"]["kid"]),
        (&decision["token_id"], &Value::Null)
    );
    assert!(!shown.to_string().contains("cap_"));
    let revoked =
        server.post(&format!("{path}/revoke"), json!({"reason": " stolen "})).await.json();
    let expect = json!({
        "token_id": decision["token_id"], "status": "revoked",
        "revoked_at": revoked["revoked_at"], "ledger_entry_id": 3,
    });
    assert_eq!(revoked, expect);
    let shown = server.get(&path).await.json();
    assert_eq!((&shown["status"], &shown["revoke_reason"]), (&json!("revoked"), &json!("stolen")));
    assert_eq!(shown["revoked_at"], revoked["revoked_at"]);
    let found = verify(&server, json!({"token": decision["capability_token"]})).await;
    assert_eq!(
        (&found["reason_code"], &found["revoked_at"]),
        (&json!("revoked"), &revoked["revoked_at"])
    );
    let entry = server.get("/ledger/entries/3").await.json();
    assert_eq!(
        (&entry["entry_type"], &entry["actor"]),
        (&json!("token_revoked"), &decision["actor"])
    );
    server.node.erase(ErasedPart::All, 3);
    let shown = server.get(&path).await.json();
    assert_eq!((&shown["status"], &shown["revoke_reason"]), (&json!("revoked"), &Value::Null));
    server.node.erase(ErasedPart::All, 2);
    assert_eq!(server.get(&path).await.outcome(), "404 unknown_token");
    assert_eq!(reason(&server, &decision["capability_token"]).await, "unknown_token");
}

#[tokio::test]
async fn a_token_is_revoked_once() {
    let (server, decision) = granted().await;
    let path = format!("{}/revoke", path(&decision));
    for (path, body, expect) in [
        (path.as_str(), json!({}), "422 validation_failed"),
        (&path, json!({"reason": " "}), "422 validation_failed"),
        (&path, json!({"reason": "x".repeat(2049)}), "422 validation_failed"),
        (&path, json!({"reason": "x", "by": "me"}), "422 unknown_field"),
        ("/tokens/tok_1/revoke", json!({"reason": "x"}), "404 unknown_token"),
        (
            "/tokens/tok_01K1R0C9N5T8Z4W2Y6V3Q7M1HD/revoke",
            json!({"reason": "x"}),
            "404 unknown_token",
        ),
    ] {
        assert_eq!(server.post(path, &body).await.outcome(), expect, "{path} {body}");
    }
    assert_eq!(server.node.ledger_size(), 3);
    let keyed = |body: &'static str| {
        let (server, path) = (server.clone(), path.clone());
        async move { server.call("POST", &path, body, &[("idempotency-key", "k")]).await }
    };
    let first = keyed(r#"{"reason":"x"}"#).await;
    assert_eq!(first.outcome(), "200");
    let again = keyed(r#"{"reason":"x"}"#).await;
    assert_eq!((again.json(), again.header("idempotent-replayed")), (first.json(), "true"));
    assert_eq!(keyed(r#"{"reason":"y"}"#).await.outcome(), "409 idempotency_conflict");
    let second = server.post(&path, json!({"reason": "x"})).await;
    assert_eq!(second.outcome(), "409 already_revoked");
    assert_eq!(server.node.ledger_size(), 4);
    for path in ["/tokens/tok_1", "/tokens/tok_01K1R0C9N5T8Z4W2Y6V3Q7M1HD"] {
        assert_eq!(server.get(path).await.outcome(), "404 unknown_token");
    }
}

#[tokio::test]
async fn checks_are_counted_by_their_reason() {
    let (server, decision) = granted().await;
    reason(&server, &decision["capability_token"]).await;
    reason(&server, &json!("x")).await;
    let metrics = String::from_utf8(server.get("/metrics").await.bytes).unwrap();
    for line in [
        r#"lexecon_tokens_verified_total{reason="ok",valid="true"} 1"#,
        r#"lexecon_tokens_verified_total{reason="malformed",valid="false"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line}");
    }
}

#[tokio::test]
async fn tokens_are_checked_shown_and_revoked_by_grpc() {
    let (server, decision) = granted().await;
    let mut client = TokensClient::new(connect(&server).await);
    let text = |name: &str| decision[name].as_str().unwrap().to_owned();
    let ask = VerifyTokenRequest {
        token: text("capability_token"),
        actor: Some(text("actor")),
        ..VerifyTokenRequest::default()
    };
    let found = client.verify(ask.clone()).await.unwrap().into_inner();
    assert!(found.valid);
    let claims = found.claims.unwrap();
    assert_eq!((claims.jti, claims.tool), (text("token_id"), None));
    let other = VerifyTokenRequest { tool: Some("ssh".to_owned()), ..ask.clone() };
    assert_eq!(client.verify(other).await.unwrap().into_inner().reason_code, "tool_mismatch");
    let revoke = RevokeTokenRequest { token_id: text("token_id"), reason: "stolen".to_owned() };
    let revoked = client.revoke(revoke.clone()).await.unwrap().into_inner();
    assert_eq!((revoked.status.as_str(), revoked.ledger_entry_id), ("revoked", 3));
    let get = GetTokenRequest { token_id: text("token_id"), read: None };
    let shown = client.get(get).await.unwrap().into_inner();
    assert_eq!(shown.revoked_at.as_deref(), Some(revoked.revoked_at.as_str()));
    assert_eq!((shown.revoke_reason.as_deref(), shown.claims.unwrap().kid), (Some("stolen"), None));
    assert_eq!(client.verify(ask).await.unwrap().into_inner().reason_code, "revoked");
    let again = client.revoke(revoke).await.unwrap_err();
    assert_eq!(refusal(&again), (Code::FailedPrecondition, "already_revoked".to_owned()));
    let get = GetTokenRequest { token_id: "tok_1".to_owned(), read: None };
    let unknown = client.get(get).await.unwrap_err();
    assert_eq!(refusal(&unknown), (Code::NotFound, "unknown_token".to_owned()));
    let empty = client.verify(VerifyTokenRequest::default()).await.unwrap_err();
    assert_eq!(refusal(&empty), (Code::InvalidArgument, "validation_failed".to_owned()));
}
