//! `GET /ledger/verify`: what it compares with, and each fault by its name.

use governance::command::ErasedPart;
use governance::{Read as _, Store as _, Table};
use ledger::{Checkpoint, Note};
use serde_json::{Value, json};

use crate::common::{Node, Server};

/// A server with genesis, a policy and decisions up to `size` entries.
async fn of_size(size: u64) -> Server {
    let server = Server::loaded().await;
    server.node.grow(size);
    server
}

/// Changes the stored bytes of a row.
fn change(server: &Server, table: Table, key: &[u8], with: impl Fn(&mut [u8])) {
    let mut inner = server.node.inner();
    let mut bytes = inner.store.get(table, key).unwrap().unwrap();
    with(&mut bytes);
    inner.store.put(table, key, &bytes);
}

/// Changes the last byte of a header that is a digit of its `type_seq`.
fn digit(bytes: &mut [u8]) {
    let at = bytes.len() - 2;
    bytes[at] ^= 1;
}

/// Flips a bit where `part` is in the stored bytes.
fn flip(part: &[u8]) -> impl Fn(&mut [u8]) {
    move |bytes| {
        let at = bytes.windows(part.len()).position(|window| window == part).unwrap();
        bytes[at] ^= 1;
    }
}

/// `id reason` of the first fault, or `valid`.
fn verdict(reply: &Value) -> String {
    assert_eq!(reply["valid"], reply["first_invalid"].is_null(), "{reply}");
    match reply["first_invalid"].as_object() {
        None => "valid".to_owned(),
        Some(invalid) => format!("{} {}", invalid["id"], invalid["reason"].as_str().unwrap()),
    }
}

async fn verified(server: &Server, query: &str) -> Value {
    let reply = server.get(&format!("/ledger/verify{query}")).await;
    assert_eq!(reply.outcome(), "200", "{query}");
    reply.json()
}

async fn note(server: &Server) -> Note {
    let note = server.get("/checkpoint").await.bytes;
    Note::parse(std::str::from_utf8(&note).unwrap()).unwrap()
}

#[tokio::test]
async fn a_ledger_is_compared_with_the_last_checkpoint_in_the_range() {
    let server = of_size(4).await;
    assert_eq!(verified(&server, "").await["checkpoint"], Value::Null);
    for size in [6, 9, 12] {
        server.node.finalize();
        server.node.grow(size);
    }
    for (query, expect) in [
        ("", Some(9)),
        ("?to=9", Some(9)),
        ("?to=8", Some(9)),
        ("?to=7", Some(6)),
        ("?to=5", Some(6)),
        ("?to=4", Some(4)),
        ("?to=2", None),
        ("?from=1", None),
        ("?from=9", None),
    ] {
        let reply = verified(&server, query).await;
        assert_eq!(verdict(&reply), "valid", "{query}");
        let size = reply["checkpoint"]
            .as_str()
            .map(|note| Checkpoint::parse(&Note::parse(note).unwrap().text).unwrap().size);
        assert_eq!(size, expect, "{query}");
    }
}

#[tokio::test]
async fn voters_and_keys_are_those_of_the_entries() {
    let server = Server::with(Node::of_three(), api::Config::default());
    let sealed = server.node.seal();
    for name in ["n3", "n1", "n2"] {
        server.node.cosign(&sealed, &sealed.claim, name);
    }
    let reply = verified(&server, "").await;
    assert_eq!(verdict(&reply), "valid");
    assert!(reply["checkpoint"].is_string());
    // The third signature came after the majority and is verified as well.
    let all = server.get("/ledger/checkpoint?signatures=all").await.bytes;
    let all = Note::parse(std::str::from_utf8(&all).unwrap()).unwrap();
    let size = sealed.claim.size;
    let late = &all.signatures[2].signature;
    change(&server, Table::Checkpoint, &size.to_be_bytes(), flip(late));
    let found = verdict(&verified(&server, "").await);
    assert_eq!(found, format!("{} checkpoint_signature_invalid", size - 1));
}

#[tokio::test]
async fn each_fault_of_a_checkpoint_has_its_name() {
    type Part = fn(&Note) -> Vec<u8>;
    let cases: [(Part, &str); 3] = [
        (|note| Checkpoint::parse(&note.text).unwrap().root.0.to_vec(), "4 root_mismatch"),
        (|note| note.signatures[0].signature.clone(), "4 checkpoint_signature_invalid"),
        // What was signed is another text then.
        (
            |note| Checkpoint::parse(&note.text).unwrap().state_hash.0.to_vec(),
            "4 checkpoint_signature_invalid",
        ),
    ];
    for (part, expect) in cases {
        let server = of_size(5).await;
        server.node.finalize();
        assert_eq!(verdict(&verified(&server, "").await), "valid");
        let part = part(&note(&server).await);
        change(&server, Table::Checkpoint, &5_u64.to_be_bytes(), flip(&part));
        assert_eq!(verdict(&verified(&server, "").await), expect);
        // A range that does not reach as far has nothing to do with it.
        assert_eq!(verdict(&verified(&server, "?to=3").await), "valid");
    }
    let sound = of_size(5).await;
    sound.node.finalize();
    let keys = sound.get("/keys").await.json();
    let path = format!("/keys/{}/retire", keys["keys"][2]["kid"].as_str().unwrap());
    sound.post(&path, json!({"reason": "stolen", "compromised": true})).await;
    assert_eq!(verdict(&verified(&sound, "").await), "4 key_not_valid_at_size");
}

#[tokio::test]
async fn what_is_gone_must_be_named_by_a_later_run() {
    let erased = || async {
        let server = of_size(8).await;
        server.node.erase(ErasedPart::Personal, 3);
        server.node.erase(ErasedPart::All, 5);
        server.node.finalize();
        let reply = verified(&server, "").await;
        assert_eq!(verdict(&reply), "valid");
        assert_eq!(reply["entries_erased"], 2);
        server
    };
    // Within a range that ends before the runs too.
    let server = erased().await;
    assert_eq!(verdict(&verified(&server, "?from=2&to=6").await), "valid");
    // Gone for no reason at all.
    server.node.inner().store.delete(Table::Personal, &6_u64.to_be_bytes());
    for query in ["", "?to=6", "?from=6"] {
        let found = verdict(&verified(&server, query).await);
        assert_eq!(found, "6 unrecorded_erasure", "{query}");
    }
    let page = server.get("/ledger/entries?verify=true&after=5&limit=1").await.json();
    assert_eq!(page["chain_valid"], false);
    // More is gone than the run erased.
    let server = erased().await;
    server.node.inner().store.delete(Table::Data, &3_u64.to_be_bytes());
    assert_eq!(verdict(&verified(&server, "").await), "3 unrecorded_erasure");
    // The row that names the run is gone, or another entry's.
    let server = erased().await;
    server.node.inner().store.delete(Table::Erased, &3_u64.to_be_bytes());
    assert_eq!(verdict(&verified(&server, "?to=7").await), "3 unrecorded_erasure");
    let server = erased().await;
    let other = server.node.inner().store.get(Table::Erased, &5_u64.to_be_bytes());
    server.node.inner().store.put(Table::Erased, &3_u64.to_be_bytes(), &other.unwrap().unwrap());
    assert_eq!(verdict(&verified(&server, "?to=7").await), "3 unrecorded_erasure");
    // What is never erased may not be gone, whoever says so.
    let server = erased().await;
    server.node.inner().store.delete(Table::Data, &1_u64.to_be_bytes());
    assert_eq!(verdict(&verified(&server, "").await), "1 erasure_not_allowed");
}

#[tokio::test]
async fn a_long_ledger_is_checked_in_pieces_as_if_it_were_one() {
    // Three pieces, of 8,192 entries but for the last.
    const SIZE: u64 = 2 * 8192 + 60;
    let sound = of_size(8200).await;
    sound.node.finalize();
    sound.node.grow(SIZE);
    let whole = verified(&sound, "").await;
    assert_eq!(verdict(&whole), "valid");
    assert_eq!(whole["entries_checked"], SIZE);
    assert!(whole["checkpoint"].is_string());
    let stored = sound.node.inner().store.clone();
    for (table, id, expect, checked) in [
        (Table::Data, 5, "5 data_hash_mismatch", 5),
        (Table::Data, 8191, "8191 data_hash_mismatch", 8191),
        (Table::Personal, 8192, "8192 personal_hash_mismatch", 8192),
        (Table::Data, SIZE - 1, "16443 data_hash_mismatch", SIZE - 1),
        // The number of an entry's type, at the seam of two pieces and within.
        (Table::Header, 8192, "8192 sequence_gap", 8192),
        (Table::Header, 9000, "9000 sequence_gap", 9000),
        (Table::Header, SIZE - 1, "16443 sequence_gap", SIZE - 1),
    ] {
        sound.node.inner().store = stored.clone();
        change(&sound, table, &id.to_be_bytes(), digit);
        let reply = verified(&sound, "").await;
        assert_eq!(verdict(&reply), expect, "{table:?} {id}");
        assert_eq!(reply["entries_checked"], checked, "{table:?} {id}");
    }
    // Of two faults the first is named, though it lies in a later piece's way.
    sound.node.inner().store = stored.clone();
    for id in [8192_u64, 16_400, 100] {
        change(&sound, Table::Data, &id.to_be_bytes(), digit);
    }
    assert_eq!(verdict(&verified(&sound, "").await), "100 data_hash_mismatch");
    // The first entry of a piece does not follow, and its data is wrong too.
    sound.node.inner().store = stored;
    change(&sound, Table::Data, &8192_u64.to_be_bytes(), digit);
    change(&sound, Table::Header, &8192_u64.to_be_bytes(), digit);
    assert_eq!(verdict(&verified(&sound, "").await), "8192 sequence_gap");
    let part = verified(&sound, "?from=8193&to=16000").await;
    assert_eq!(verdict(&part), "8193 broken_link");
}
