//! Policies over HTTP.

use serde_json::{Value, json};

use crate::common::{POLICY, Server};

fn document() -> Value {
    serde_json::from_str::<Value>(POLICY).unwrap()["policy"].clone()
}

#[tokio::test]
async fn the_policy_that_is_built_in_is_version_0() {
    let server = Server::new();
    let list = server.get("/policies").await.json();
    assert_eq!(list["active_version"], 0);
    assert_eq!(list["mode"], "strict");
    assert_eq!(list["policies"][0]["active"], true);
    assert_eq!(list["policies"][0]["ledger_entry_id"], Value::Null);
    assert_eq!(list["next"], Value::Null);
    assert_eq!(server.get("/policies/active").await.json()["version"], 0);
}

#[tokio::test]
async fn a_document_is_loaded_in_either_form_and_both_hash_alike() {
    let server = Server::new();
    let wrapped = server.post("/policies/load", POLICY).await.json();
    assert_eq!(wrapped["status"], "success");
    assert_eq!(wrapped["policy_version"], 1);
    assert_eq!(wrapped["previous_version"], 0);
    assert_eq!(wrapped["terms_loaded"], 2);
    assert_eq!(wrapped["relations_loaded"], 1);
    let bare = server.post("/policies/load", document()).await.json();
    assert_eq!(bare["policy_version"], 2);
    assert_eq!(bare["policy_hash"], wrapped["policy_hash"]);
    let active = server.get("/policies/active").await.json();
    assert_eq!(active["version"], 2);
    assert_eq!(active["name"], "Claims desk");
    assert_eq!(active["document"]["relations"][0]["relation_type"], "permits");
    let first = server.get("/policies/1").await.json();
    assert_eq!(
        (first["active"].clone(), first["ledger_entry_id"].clone()),
        (json!(false), json!(1))
    );
}

#[tokio::test]
async fn versions_are_listed_in_pages_that_do_not_end_silently() {
    let server = Server::new();
    for _ in 0..12 {
        server.post("/policies/load", POLICY).await;
    }
    let (mut seen, mut path) = (Vec::new(), "/policies?limit=5".to_owned());
    loop {
        let page = server.get(&path).await.json();
        assert_eq!(page["total"], 13);
        seen.extend(page["policies"].as_array().unwrap().iter().map(|row| row["version"].clone()));
        let Some(next) = page["next"].as_u64() else { break };
        path = format!("/policies?limit=5&after={next}");
    }
    assert_eq!(json!(seen), json!((0..13).collect::<Vec<_>>()));
}

#[tokio::test]
async fn what_cannot_be_loaded_is_refused_and_the_old_policy_stays() {
    let server = Server::loaded().await;
    let size = server.node.ledger_size();
    let invalid = json!({"terms": [{"id": "a", "type": "nonsense"}]});
    for (body, expect, pointer) in [
        (invalid.clone(), "400 policy_invalid", "/terms/0"),
        (json!({"policy": invalid}), "400 policy_invalid", "/policy/terms/0"),
        (json!({"policy": 4}), "422 validation_failed", "/policy "),
        (json!({"policy": {}, "colour": 1}), "422 unknown_field", "/colour "),
        (
            json!({"policy": document(), "expected_active_version": 0}),
            "409 policy_version_conflict",
            "",
        ),
        (
            json!({"policy": document(), "note": "x".repeat(2049)}),
            "422 validation_failed",
            "/note ",
        ),
        (json!([]), "422 validation_failed", ""),
    ] {
        let reply = server.post("/policies/load", &body).await;
        assert_eq!(reply.outcome(), expect, "{body}");
        let faults = reply.faults().join("\n");
        assert!(faults.contains(pointer), "{body} {faults}");
    }
    assert_eq!(server.call("POST", "/policies/load", "", &[]).await.status, 422);
    assert_eq!(server.node.ledger_size(), size);
    assert_eq!(server.get("/policies").await.json()["active_version"], 1);
}

#[tokio::test]
async fn a_load_is_known_again_by_its_key() {
    let server = Server::new();
    let key = [("idempotency-key", "load-1")];
    let first = server.call("POST", "/policies/load", POLICY, &key).await;
    let again = server.call("POST", "/policies/load", POLICY, &key).await;
    assert_eq!(first.json(), again.json());
    assert_eq!(again.header("idempotent-replayed"), "true");
    let other = json!({"policy": document(), "note": "other"}).to_string();
    let other = server.call("POST", "/policies/load", &other, &key).await;
    assert_eq!(other.outcome(), "409 idempotency_conflict");
    assert_eq!(server.get("/policies").await.json()["active_version"], 1);
}

#[tokio::test]
async fn validating_says_everything_and_changes_nothing() {
    let server = Server::new();
    let size = server.node.ledger_size();
    let valid = server.post("/policies/validate", POLICY).await.json();
    assert_eq!(valid["valid"], true);
    assert_eq!(valid["errors"], json!([]));
    let loaded = server.post("/policies/load", POLICY).await.json();
    assert_eq!(valid["policy_hash"], loaded["policy_hash"]);
    let invalid = json!({"policy": {"terms": [{"id": "a", "type": "nonsense"}], "colour": 1}});
    let invalid = server.post("/policies/validate", invalid).await.json();
    assert_eq!(invalid["valid"], false);
    assert_eq!(invalid["policy_hash"], Value::Null);
    assert!(2 <= invalid["errors"].as_array().unwrap().len(), "{invalid}");
    assert_eq!(server.node.ledger_size(), size + 1);
}

#[tokio::test]
async fn a_version_that_is_not_there_is_not_found() {
    let server = Server::new();
    for version in ["1", "01", "-1", "latest", "99999999999999999999"] {
        let reply = server.get(&format!("/policies/{version}")).await;
        assert_eq!(reply.outcome(), "404 unknown_policy", "{version}");
    }
    assert_eq!(server.get("/policies/0").await.status, 200);
}
