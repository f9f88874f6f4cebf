//! Keys over HTTP: listed, replaced, ended.

use governance::command::{AddKey, Command, KeyMaterial, KeyUsage};
use governance::view;
use ledger::directory::Directory;
use ledger::keys::Listing;
use serde_json::{Value, json};
use types::{EntryId, KeyId, RaftId, Ulid};

use crate::common::{ALLOWED, Node, Server, envelope_of};

fn row<'a>(keys: &'a Value, kid: &Value) -> &'a Value {
    keys["keys"].as_array().unwrap().iter().find(|row| row["kid"] == *kid).unwrap()
}

/// A key of this use that is in force.
async fn active(server: &Server, usage: &str) -> Value {
    let keys = server.get("/keys").await.json();
    let mut rows = keys["keys"].as_array().unwrap().iter();
    let active = rows.find(|row| row["use"] == usage && row["status"] == "active");
    active.unwrap()["kid"].clone()
}

#[tokio::test]
async fn keys_are_listed_as_verifiers_take_them() {
    let server = Server::new();
    let keys = server.get("/keys").await.json();
    let rows = keys["keys"].as_array().unwrap();
    let uses: Vec<&str> = rows.iter().map(|row| row["use"].as_str().unwrap()).collect();
    assert_eq!(uses, ["decision", "token", "checkpoint", "export"]);
    assert_eq!(keys["rsa_keys"], json!([]));
    for row in rows {
        assert_eq!(row["status"], "active");
        assert_eq!(row["valid_from_index"], 0);
        let (name, id, key) = ledger::note::parse_vkey(row["vkey"].as_str().unwrap()).unwrap();
        assert!(name.starts_with("lexecon.test/clu_"), "{name}");
        assert_eq!(row["name"], name);
        assert_eq!(row["note_key_id"], types::digest::to_hex(&id));
        assert_eq!(row["x"], ledger::signature::to_text(&key));
    }
}

/// Publishes an RSA key of the node.
fn add_rsa(server: &Server) -> KeyId {
    let id = KeyId(Ulid(77));
    let add = AddKey {
        raft_id: RaftId(1),
        id,
        usage: KeyUsage::Checkpoint,
        material: KeyMaterial::Rsa { n: vec![0xc5; 512], e: vec![1, 0, 1] },
        replaces: None,
    };
    server.node.apply(envelope_of("n1", Command::AddKey(Box::new(add))));
    id
}

#[tokio::test]
async fn what_is_listed_is_what_follows_from_the_entries() {
    let server = Server::with(Node::of_three(), api::Config::default());
    add_rsa(&server);
    for usage in ["decision", "checkpoint"] {
        server.post("/keys/rotate", json!({"use": usage})).await;
    }
    let kid = active(&server, "export").await;
    let path = format!("/keys/{}/retire", kid.as_str().unwrap());
    server.post(&path, json!({"reason": "lost", "compromised": true})).await;
    let mut directory = Directory::default();
    let store = server.node.inner().store.clone();
    for id in 0..server.node.ledger_size() {
        directory.apply(&view::entry(&store, EntryId(id)).unwrap().unwrap()).unwrap();
    }
    let listed = String::from_utf8(server.get("/keys").await.bytes).unwrap();
    let listing = Listing::parse(&listed).unwrap();
    assert!(listing.agrees(directory.keys(), directory.origin().unwrap()), "{listed}");
}

#[tokio::test]
async fn rsa_keys_have_a_list_of_their_own() {
    let server = Server::new();
    let id = add_rsa(&server);
    let keys = server.get("/keys").await.json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 4);
    let public = ledger::signature::RsaPublic::new(vec![0xc5; 512], vec![1, 0, 1]).unwrap();
    let name = keys["keys"][0]["name"].as_str().unwrap();
    let note_key_id = ledger::note::key_id(name, ledger::note::RSA_PSS, &public.spki_der());
    let expect = json!([{
        "kid": id.to_string(), "kty": "RSA", "alg": "PS256", "e": "AQAB",
        "n": ledger::signature::to_text(&[0xc5; 512]), "name": name,
        "note_key_id": types::digest::to_hex(&note_key_id), "status": "active",
        "valid_from_index": 1, "valid_until_index": null,
    }]);
    assert_eq!(keys["rsa_keys"], expect);
}

#[tokio::test]
async fn a_rotated_key_signs_and_the_one_before_stays_checkable() {
    let server = Server::loaded().await;
    let decision = server.post("/decide", ALLOWED).await.json();
    let old = decision["signature"]["key_id"].clone();
    let rotated = server.post("/keys/rotate", json!({"use": "Decision"})).await;
    assert_eq!(rotated.outcome(), "200", "{}", rotated.json());
    let rotated = rotated.json();
    assert_eq!(rotated["replaces"], old);
    assert_eq!((&rotated["use"], &rotated["node_id"]), (&json!("decision"), &json!("n1")));
    let keys = server.get("/keys").await.json();
    assert_eq!(row(&keys, &old)["status"], "retired");
    assert_eq!(row(&keys, &old)["valid_until_index"], rotated["ledger_entry_id"]);
    assert_eq!(row(&keys, &rotated["key_id"])["valid_from_index"], rotated["ledger_entry_id"]);
    let entry = format!("/ledger/entries/{}", rotated["ledger_entry_id"]);
    assert_eq!(server.get(&entry).await.json()["entry_type"], "key_added");
    // The same decision, signed by either key.
    let again = server.post("/decide", ALLOWED).await.json();
    assert_eq!(again["signature"]["key_id"], rotated["key_id"]);
    for reply in [decision, again] {
        let verified = server.post("/decide/verify", reply).await.json();
        assert_eq!(verified["reason_code"], "ok", "{verified}");
    }
}

#[tokio::test]
async fn a_rotation_names_one_use() {
    let server = Server::new();
    for (body, fault) in [
        (json!({}), "/use missing"),
        (json!({"use": "signing"}), "/use not_one_of"),
        (json!({"use": "token", "kid": "x"}), "/kid unknown_field"),
    ] {
        let reply = server.post("/keys/rotate", &body).await;
        assert_eq!(reply.faults(), [fault], "{body}");
    }
    server.node.inner().refuse = Some(api::backend::Unavailable::NoLeader);
    let reply = server.post("/keys/rotate", json!({"use": "token"})).await;
    assert_eq!(reply.outcome(), "503 no_leader");
    assert_eq!(server.node.ledger_size(), 1);
}

#[tokio::test]
async fn a_retired_key_counts_for_what_it_signed_and_a_compromised_one_for_nothing() {
    let server = Server::loaded().await;
    let decision = server.post("/decide", ALLOWED).await.json();
    let kid = active(&server, "decision").await;
    let path = format!("/keys/{}/retire", kid.as_str().unwrap());
    let retired = server.post(&path, json!({"reason": "yearly"})).await.json();
    let entry = retired["ledger_entry_id"].clone();
    let expect = json!({
        "key_id": kid, "status": "retired", "valid_until_index": entry, "ledger_entry_id": entry,
    });
    assert_eq!(retired, expect);
    let verified = server.post("/decide/verify", &decision).await.json();
    assert_eq!(verified["reason_code"], "ok");
    let again = server.post(&path, json!({"reason": "again"})).await;
    assert_eq!(again.outcome(), "409 already_revoked");
    let worse = json!({"reason": "found on a bus", "compromised": true});
    let revoked = server.post(&path, &worse).await.json();
    assert_eq!(revoked["status"], "revoked");
    assert_eq!(revoked["valid_until_index"], entry);
    let keys = server.get("/keys").await.json();
    assert_eq!(row(&keys, &kid)["status"], "revoked");
    let verified = server.post("/decide/verify", &decision).await.json();
    assert_eq!(verified["reason_code"], "key_not_valid_at_index");
    assert_eq!(server.post(&path, worse).await.outcome(), "409 already_revoked");
}

#[tokio::test]
async fn what_cannot_be_retired_is_refused_and_recorded_nowhere() {
    let server = Server::new();
    let kid = active(&server, "token").await;
    let path = format!("/keys/{}/retire", kid.as_str().unwrap());
    for (path, body, expect) in [
        (path.as_str(), json!({}), "422 validation_failed"),
        (&path, json!({"reason": " "}), "422 validation_failed"),
        (&path, json!({"reason": "x".repeat(2049)}), "422 validation_failed"),
        (&path, json!({"reason": "x", "compromised": 1}), "422 validation_failed"),
        (&path, json!({"reason": "x", "force": true}), "422 unknown_field"),
        ("/keys/key_1/retire", json!({"reason": "x"}), "404 unknown_key"),
        ("/keys/key_01K1R0C9N5T8Z4W2Y6V3Q7M1HD/retire", json!({"reason": "x"}), "404 unknown_key"),
    ] {
        let reply = server.post(path, &body).await;
        assert_eq!(reply.outcome(), expect, "{path} {body}");
    }
    assert_eq!(server.node.ledger_size(), 1);
}

#[tokio::test]
async fn a_repeated_end_of_a_key_is_the_same_answer() {
    let server = Server::new();
    let kid = active(&server, "export").await;
    let path = format!("/keys/{}/retire", kid.as_str().unwrap());
    let retire = |reason: &str| {
        let body = json!({"reason": reason}).to_string();
        let (server, path) = (server.clone(), path.clone());
        async move { server.call("POST", &path, &body, &[("idempotency-key", "k")]).await }
    };
    let first = retire("yearly").await;
    assert_eq!(first.header("idempotent-replayed"), "");
    let again = retire("yearly").await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.json(), first.json());
    assert_eq!(retire("other").await.outcome(), "409 idempotency_conflict");
    assert_eq!(server.node.ledger_size(), 2);
}
