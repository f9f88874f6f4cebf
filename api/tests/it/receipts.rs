//! Receipts over HTTP, verified with nothing but what they say.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use governance::command::ErasedPart;
use ledger::receipt::TlogProof;
use ledger::{Checkpoint, Header, Note, proof};
use serde_json::{Value, json};
use std::time::Duration;
use types::Digest;

use crate::common::{ALLOWED, Server};

/// A server with a decision, and the path of its receipt.
async fn decided() -> (Server, String, u64) {
    let server = Server::loaded().await;
    let decision = server.post("/decide", ALLOWED).await.json();
    let path = format!("/decisions/{}/receipt", decision["decision_id"].as_str().unwrap());
    (server, path, decision["ledger_entry_id"].as_u64().unwrap())
}

/// Whether a receipt holds, by the words of the format.
fn holds(receipt: &Value) -> bool {
    let text = |name: &str| receipt[name].as_str().unwrap();
    let bytes = STANDARD.decode(text("header")).unwrap();
    let header = Header::parse(&bytes).unwrap();
    let leaf = ledger::hash::entry_hash(&bytes);
    let part = |part: &str, salt: &str| {
        let value: types::Json = serde_json::from_value(receipt[part].clone()).unwrap();
        if value.is_null() {
            return None;
        }
        let salt = types::digest::from_hex(text(salt)).unwrap().try_into().unwrap();
        Some(ledger::hash::part_hash(&salt, value.to_canonical().as_bytes()))
    };
    let size = receipt["tree_size"].as_u64().unwrap();
    let root: Digest = text("root_hash").parse().unwrap();
    let hashes: Vec<Digest> = receipt["hashes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hash| hash.as_str().unwrap().parse().unwrap())
        .collect();
    let of_checkpoint = receipt["checkpoint"].as_str().is_none_or(|note| {
        let checkpoint = Checkpoint::parse(&Note::parse(note).unwrap().text).unwrap();
        (checkpoint.size, checkpoint.root) == (size, root)
    });
    receipt["entry_id"] == header.id.0
        && receipt["leaf_index"] == header.id.0
        && text("leaf_hash") == leaf.to_string()
        && part("data", "salt").is_none_or(|hash| hash == header.data_hash)
        && part("personal", "personal_salt").is_none_or(|hash| Some(hash) == header.personal_hash)
        && proof::verify_inclusion(leaf, header.id.0, size, &hashes, root)
        && of_checkpoint
}

#[tokio::test]
async fn before_a_checkpoint_is_final_a_receipt_is_of_the_present_tree() {
    let (server, path, id) = decided().await;
    let receipt = server.get(&path).await.json();
    assert!(holds(&receipt), "{receipt}");
    assert_eq!((&receipt["entry_id"], &receipt["checkpoint"]), (&json!(id), &Value::Null));
    assert_eq!(receipt["tree_size"], 3);
    assert_eq!(receipt["personal"]["context"]["purpose"], "triage");
    server.post("/decide", json!({"actor": "a", "action": "read"})).await;
    let later = server.get(&path).await.json();
    assert!(holds(&later), "{later}");
    assert_eq!(later["tree_size"], 4);
    let text = server.get(&format!("{path}?format=tlog-proof")).await;
    assert_eq!(text.outcome(), "503 not_final");
}

#[tokio::test]
async fn once_final_a_receipt_has_the_same_bytes_for_ever() {
    let (server, path, id) = decided().await;
    let note = {
        server.node.finalize();
        String::from_utf8(server.get("/checkpoint").await.bytes).unwrap()
    };
    let first = server.get(&path).await;
    assert_eq!(first.header("content-type"), "application/json");
    assert!(holds(&first.json()), "{}", first.json());
    assert_eq!(first.json()["checkpoint"], note);
    let text = server.get(&format!("{path}?format=TLOG-proof")).await;
    assert_eq!(text.header("content-type"), "text/plain; charset=utf-8");
    let proof = TlogProof::parse(std::str::from_utf8(&text.bytes).unwrap()).unwrap();
    assert_eq!((proof.index, proof.checkpoint.as_str()), (id, note.as_str()));
    let leaf = ledger::hash::entry_hash(&proof.extra.unwrap());
    let root: Digest = first.json()["root_hash"].as_str().unwrap().parse().unwrap();
    assert!(proof::verify_inclusion(leaf, id, 3, &proof.hashes, root));
    for _ in 0..3 {
        server.post("/decide", json!({"actor": "a", "action": "read"})).await;
        server.node.finalize();
    }
    assert_eq!(server.get(&path).await.bytes, first.bytes);
    assert_eq!(server.get(&format!("{path}?format=tlog-proof")).await.bytes, text.bytes);
    let by_accept = server.call("GET", &path, "", &[("accept", "text/plain")]).await;
    assert_eq!(by_accept.bytes, text.bytes);
}

#[tokio::test]
async fn a_caller_may_wait_until_it_is_final() {
    let (server, path, _) = decided().await;
    let asking = {
        let (server, path) = (server.clone(), format!("{path}?format=tlog-proof&wait=final"));
        tokio::spawn(async move { server.get(&path).await })
    };
    while server.node.looked() == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!asking.is_finished());
    server.node.finalize();
    let reply = asking.await.unwrap();
    assert_eq!(reply.outcome(), "200");
    assert!(reply.bytes.starts_with(b"c2sp.org/tlog-proof@v1\n"));
    let json = server.get(&format!("{path}?wait=final")).await;
    assert!(json.json()["checkpoint"].is_string());
}

#[tokio::test]
async fn a_wait_ends_with_its_time() {
    let (server, path, _) = decided().await;
    // What the answer keeps for itself is 500 ms.
    let config = api::Config { request_timeout: Duration::from_millis(550), ..Default::default() };
    let server = Server::with(server.node, config);
    for format in ["json", "tlog-proof"] {
        let reply = server.get(&format!("{path}?wait=final&format={format}")).await;
        assert_eq!(reply.outcome(), "503 not_final", "{format}");
    }
}

#[tokio::test]
async fn what_has_no_receipt_is_refused() {
    let (server, path, id) = decided().await;
    server.node.finalize();
    for (path, expect) in [
        ("/decisions/dec_1/receipt".to_owned(), "404 unknown_decision"),
        ("/decisions/dec_01K1R0C9N5T8Z4W2Y6V3Q7M1HD/receipt".to_owned(), "404 unknown_decision"),
        (format!("{path}?format=pdf"), "400 unsupported_format"),
        (format!("{path}?wait=forever"), "422 validation_failed"),
        (format!("{path}?size=3"), "422 unknown_parameter"),
    ] {
        assert_eq!(server.get(&path).await.outcome(), expect, "{path}");
    }
    server.node.erase(ErasedPart::Personal, id);
    let receipt = server.get(&path).await.json();
    assert!(holds(&receipt), "{receipt}");
    assert_eq!((&receipt["personal"], &receipt["personal_salt"]), (&Value::Null, &Value::Null));
    assert!(receipt["data"].is_object());
    server.node.erase(ErasedPart::All, id);
    for format in ["json", "tlog-proof"] {
        let reply = server.get(&format!("{path}?format={format}")).await;
        assert_eq!(reply.outcome(), "410 erased", "{format}");
    }
}
