//! The ledger over HTTP: pages, and finding what was changed in the store.

use governance::command::ErasedPart;
use governance::{Read as _, Store as _, Table};
use serde_json::{Value, json};

use crate::common::{START, Server};
use ledger::proof::verify_inclusion;
use types::Digest;

/// A server with genesis, a policy and `count` decisions of two actors.
async fn with_decisions(count: u64) -> Server {
    let server = Server::loaded().await;
    for n in 0..count {
        let actor = if n % 2 == 0 { "even" } else { "odd" };
        server
            .post("/decide", json!({"actor": actor, "action": "read", "context": {"n": n}}))
            .await;
    }
    server
}

/// Changes one byte of what the store holds for an entry.
fn damage(server: &Server, table: Table, id: u64, byte: impl Fn(usize) -> usize) {
    let mut inner = server.node.inner();
    let mut bytes = inner.store.get(table, &id.to_be_bytes()).unwrap().unwrap();
    let at = byte(bytes.len());
    bytes[at] ^= 1;
    inner.store.put(table, &id.to_be_bytes(), &bytes);
}

/// Changes a hash of the first full tile.
fn damage_tile(server: &Server) {
    let mut inner = server.node.inner();
    let key = [&[0][..], &0_u64.to_be_bytes()].concat();
    let mut tile = inner.store.get(Table::Tile, &key).unwrap().unwrap();
    tile[40] ^= 1;
    inner.store.put(Table::Tile, &key, &tile);
}

fn ids(page: &Value) -> Vec<u64> {
    page["entries"].as_array().unwrap().iter().map(|entry| entry["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn an_entry_shows_both_parts_and_its_hashes_can_be_made_again() {
    let server = with_decisions(1).await;
    let entry = server.get("/ledger/entries/2").await.json();
    assert_eq!(entry["entry_type"], "decision");
    assert_eq!(entry["actor"], "even");
    assert_eq!(entry["personal"]["context"], json!({"n": 0}));
    assert_eq!(entry["proof"], Value::Null);
    let part = |name: &str, salt: &str| {
        let salt = types::digest::from_hex(entry[salt].as_str().unwrap()).unwrap();
        let part: types::Json = serde_json::from_value(entry[name].clone()).unwrap();
        let hash =
            ledger::hash::part_hash(&salt.try_into().unwrap(), part.to_canonical().as_bytes());
        hash.to_string()
    };
    assert_eq!(entry["data_hash"], part("data", "salt"));
    assert_eq!(entry["personal_hash"], part("personal", "personal_salt"));
    let names = [
        "actor_seq",
        "data_hash",
        "entry_type",
        "format",
        "id",
        "personal_hash",
        "previous_hash",
        "timestamp",
        "type_seq",
    ];
    let header = names.iter().map(|name| (*name, entry[*name].clone()));
    let header: Value = header.collect();
    let header: types::Json = serde_json::from_value(header).unwrap();
    let hash = ledger::hash::entry_hash(header.to_canonical().as_bytes());
    assert_eq!(entry["current_hash"], hash.to_string());
    for unknown in ["99", "01", "x", "-1"] {
        let reply = server.get(&format!("/ledger/entries/{unknown}")).await;
        assert_eq!(reply.outcome(), "404 unknown_entry", "{unknown}");
    }
}

#[tokio::test]
async fn entries_are_filtered_and_ordered() {
    let server = with_decisions(10).await;
    let from = types::Timestamp(START + 5000).to_string().replace('Z', "+00:00");
    let (from, date) = (from.as_str(), "2027-03-05");
    for (query, expect, total) in [
        (String::new(), (0..12).collect::<Vec<u64>>(), 12),
        ("limit=3".to_owned(), vec![0, 1, 2], 12),
        ("limit=3&order=DESC".to_owned(), vec![11, 10, 9], 12),
        ("after=9".to_owned(), vec![10, 11], 12),
        ("order=desc&after=2".to_owned(), vec![1, 0], 12),
        ("before=2".to_owned(), vec![0, 1], 2),
        ("actor=odd&limit=2".to_owned(), vec![3, 5], 5),
        ("entry_type=policy_loaded".to_owned(), vec![1], 1),
        ("event_type=Genesis".to_owned(), vec![0], 1),
        ("entry_type=decision&actor=even&after=8".to_owned(), vec![10], 5),
        (format!("from={from}&limit=1"), vec![4], 8),
        (format!("to={date}&limit=1"), vec![0], 12),
        (format!("from={date}"), vec![], 0),
        ("actor=nobody".to_owned(), vec![], 0),
    ] {
        let reply = server.get(&format!("/ledger/entries?{query}")).await;
        assert_eq!(reply.outcome(), "200", "{query}");
        let page = reply.json();
        assert_eq!(ids(&page), expect, "{query}");
        assert_eq!(page["total"], total, "{query}");
        assert_eq!(page["total_exact"], true);
        assert_eq!(page["chain_valid"], Value::Null);
    }
    for (query, fault) in [
        ("limit=0", "limit out_of_range"),
        ("limit=1001", "limit out_of_range"),
        ("limit=ten", "limit wrong_type"),
        ("after=-1", "after out_of_range"),
        ("entry_type=surprise", "entry_type not_one_of"),
        ("from=yesterday", "from bad_format"),
        ("order=up", "order not_one_of"),
        ("verify=maybe", "verify wrong_type"),
    ] {
        let reply = server.get(&format!("/ledger/entries?{query}")).await;
        assert_eq!(reply.faults(), [fault], "{query}");
    }
}

#[tokio::test]
async fn pages_lead_through_all_entries_in_both_orders() {
    let server = with_decisions(30).await;
    for order in ["asc", "desc"] {
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let path = format!("/ledger/entries?limit=7&order={order}{after}");
            let page = server.get(&path).await.json();
            seen.extend(ids(&page));
            let Some(next) = page["next"].as_u64() else { break };
            after = format!("&after={next}");
        }
        if order == "desc" {
            seen.reverse();
        }
        assert_eq!(seen, (0..32).collect::<Vec<u64>>(), "{order}");
    }
}

#[tokio::test]
async fn a_sound_ledger_is_verified() {
    let server = with_decisions(5).await;
    let page = server.get("/ledger/entries?limit=3&verify=True").await.json();
    assert_eq!(
        (page["chain_valid"].clone(), page["verified_through"].clone()),
        (json!(true), json!(2))
    );
    let page = server.get("/ledger/entries?verify=1&entry_type=decision").await.json();
    assert_eq!(
        (page["chain_valid"].clone(), page["verified_through"].clone()),
        (json!(true), json!(6))
    );
    let verified = server.get("/ledger/verify").await.json();
    assert_eq!(verified["valid"], true);
    assert_eq!(verified["entries_checked"], 7);
    assert_eq!(verified["head"]["id"], 6);
    let part = server.get("/ledger/verify?from=2&to=4").await.json();
    assert_eq!((part["valid"].clone(), part["entries_checked"].clone()), (json!(true), json!(3)));
    for (query, fault) in [
        ("from=7", "from out_of_range"),
        ("to=7", "to out_of_range"),
        ("from=3&to=2", "to out_of_range"),
        ("from=x", "from wrong_type"),
    ] {
        let reply = server.get(&format!("/ledger/verify?{query}")).await;
        assert_eq!(reply.faults(), [fault], "{query}");
    }
}

#[tokio::test]
async fn what_was_changed_in_the_store_is_found() {
    let last = |length: usize| length - 2;
    let digit = |length: usize| length - 14;
    for (table, id, byte, reasons) in [
        (Table::Data, 3, &last as &dyn Fn(usize) -> usize, &["data_hash_mismatch"][..]),
        (Table::Personal, 3, &last, &["personal_hash_mismatch"]),
        // The last header: nothing after it names its hash but the head.
        (Table::Header, 6, &last, &["hash_mismatch", "sequence_gap"]),
        (Table::Header, 3, &digit, &["missing", "broken_link", "sequence_gap"]),
    ] {
        let server = with_decisions(5).await;
        damage(&server, table, id, byte);
        let verified = server.get("/ledger/verify").await.json();
        assert_eq!(verified["valid"], false, "{table:?} {id}");
        let found = verified["first_invalid"]["reason"].as_str().unwrap();
        assert!(reasons.contains(&found), "{table:?} {id}: {found}");
        let at = verified["first_invalid"]["id"].as_u64().unwrap();
        assert!((id..=id + 1).contains(&at), "{table:?} {id}: {at}");
        if table == Table::Header {
            continue;
        }
        let page =
            server.get(&format!("/ledger/entries?verify=true&after={}", id - 1)).await.json();
        assert_eq!(page["chain_valid"], false, "{table:?} {id}");
        assert_eq!(ids(&page), [3, 4, 5, 6]);
        let reply = server.get("/ledger/entries").await;
        assert_eq!(reply.outcome(), "503 node_quarantined");
    }
}

#[tokio::test]
async fn damage_before_a_page_makes_the_chain_invalid_up_to_it() {
    let server = with_decisions(5).await;
    let decision = server.get("/ledger/entries/3").await.json();
    damage(&server, Table::Data, 3, |length| length - 2);
    let chain = |page: Value| page["chain_valid"].clone();
    let page = server.get("/ledger/entries?verify=true&after=4").await.json();
    assert_eq!(chain(page), json!(false));
    let page = server.get("/ledger/entries?verify=true&limit=2").await.json();
    assert_eq!(page["verified_through"], 2);
    assert_eq!(chain(page), json!(true));
    let verify = json!({
        "ledger_entry_hash": decision["current_hash"],
        "ledger_entry_id": 3,
        "decision_id": decision["data"]["decision_id"],
    });
    let verified = server.post("/decide/verify", verify).await.json();
    assert_eq!(verified["checks"]["ledger"], false);
    assert_eq!(verified["verified"], false);
}

#[tokio::test]
async fn what_was_erased_is_null_and_the_chain_still_holds() {
    let server = with_decisions(2).await;
    let decision = server.post("/decide", crate::common::ALLOWED).await.json();
    let id = decision["ledger_entry_id"].as_u64().unwrap();
    server.node.erase(ErasedPart::Personal, id);
    let entry = server.get(&format!("/ledger/entries/{id}")).await.json();
    for member in ["personal", "personal_salt"] {
        assert_eq!(entry[member], Value::Null, "{member}");
    }
    let run = server.get(&format!("/ledger/entries/{}", id + 1)).await.json();
    assert_eq!(run["entry_type"], "anonymization_run");
    let erased = json!({"part": "personal", "at": run["timestamp"], "by_entry_id": id + 1});
    assert_eq!(entry["erased"], erased);
    assert!(entry["personal_hash"].is_string());
    let verified = server.get("/ledger/verify").await.json();
    assert_eq!(
        (verified["valid"].clone(), verified["entries_erased"].clone()),
        (json!(true), json!(1))
    );
    let verified = server.post("/decide/verify", &decision).await.json();
    assert_eq!(verified["reason_code"], "ok", "{verified}");
    assert_eq!(verified["checks"]["fields"], Value::Null);
    let mut changed = decision.clone();
    changed["actor"] = json!("other");
    let verified = server.post("/decide/verify", changed).await.json();
    assert_eq!(verified["checks"]["fields"], false);
    let path = format!("/decisions/{}", decision["decision_id"].as_str().unwrap());
    let record = server.get(&path).await.json();
    assert_eq!(record["erased"], erased);
    for member in ["context", "user_intent", "context_hash", "signature"] {
        assert_eq!(record[member], Value::Null, "{member}");
    }
    assert_eq!(record["matched"][0]["conditions"][0]["actual"], Value::Null);
    let again = server.post("/decide", crate::common::ALLOWED).await;
    assert_eq!(again.outcome(), "410 erased");
    server.node.erase(ErasedPart::All, id);
    assert_eq!(server.get(&path).await.outcome(), "410 erased");
    let page = server.get(&format!("/ledger/entries?after={}", id - 1)).await.json();
    assert_eq!(page["entries"][0]["erased"]["part"], "all");
    assert_eq!(page["entries"][0]["erased"]["by_entry_id"], id + 2);
    for member in ["data", "salt", "actor", "personal"] {
        assert_eq!(page["entries"][0][member], Value::Null, "{member}");
    }
}

/// Whether a proof leads from the leaf to its root.
fn is_proved(leaf: &str, proof: &Value) -> bool {
    let hash = |value: &Value| value.as_str().unwrap().parse::<Digest>().unwrap();
    let hashes: Vec<Digest> = proof["hashes"].as_array().unwrap().iter().map(hash).collect();
    let (index, size) = (proof["leaf_index"].as_u64(), proof["tree_size"].as_u64());
    let (leaf, root) = (leaf.parse().unwrap(), hash(&proof["root_hash"]));
    verify_inclusion(leaf, index.unwrap(), size.unwrap(), &hashes, root)
}

#[tokio::test]
async fn entries_are_proved_at_one_size() {
    let server = with_decisions(6).await;
    let sizes = |page: &Value| -> Vec<(u64, bool)> {
        let entries = page["entries"].as_array().unwrap().iter();
        let mut sizes: Vec<(u64, bool)> = entries
            .map(|entry| {
                let proof = &entry["proof"];
                assert_eq!(proof["leaf_index"], entry["id"]);
                assert!(is_proved(entry["current_hash"].as_str().unwrap(), proof), "{entry}");
                (proof["tree_size"].as_u64().unwrap(), proof["checkpoint"].is_string())
            })
            .collect();
        sizes.dedup();
        sizes
    };
    let page = server.get("/ledger/entries?proof=true").await.json();
    assert_eq!(sizes(&page), [(8, false)]);
    assert_eq!(page["checkpoint"], Value::Null);
    server.node.finalize();
    server.post("/decide", json!({"actor": "even", "action": "read"})).await;
    let note = server.get("/checkpoint").await.bytes;
    let covered = server.get("/ledger/entries?proof=1&before=8&order=desc").await.json();
    assert_eq!(sizes(&covered), [(8, true)]);
    assert_eq!(covered["checkpoint"].as_str().unwrap().as_bytes(), note);
    assert_eq!(covered["entries"][0]["proof"]["checkpoint"], covered["checkpoint"]);
    let beyond = server.get("/ledger/entries?proof=true&after=6").await.json();
    assert_eq!(sizes(&beyond), [(9, false)]);
    let without = server.get("/ledger/entries").await.json();
    assert_eq!(without["entries"][0].get("proof"), None);
    assert_eq!(without["gaps"], Value::Null);
    for (id, size) in [(2, 8), (8, 9)] {
        let entry = server.get(&format!("/ledger/entries/{id}?proof=true")).await.json();
        assert_eq!(entry["proof"]["tree_size"], size, "{id}");
        assert_eq!(entry["proof"]["checkpoint"].is_string(), size == 8);
        assert!(is_proved(entry["current_hash"].as_str().unwrap(), &entry["proof"]));
    }
}

#[tokio::test]
async fn erased_entries_explain_the_numbers_that_are_missing() {
    // Entries 2, 4, 6, 8, 10 are about `even`, 3, 5, 7, 9 about `odd`.
    let server = with_decisions(9).await;
    for id in [2, 5, 6, 8] {
        server.node.erase(ErasedPart::All, id);
    }
    server.node.finalize();
    let path = "/ledger/entries?actor=even&proof=true";
    let page = server.get(path).await.json();
    assert_eq!(ids(&page), [4, 10]);
    assert_eq!(page["gaps_total"], 3);
    let gaps = page["gaps"].as_array().unwrap();
    let named: Vec<(u64, u64)> = gaps
        .iter()
        .map(|gap| (gap["seq"].as_u64().unwrap(), gap["id"].as_u64().unwrap()))
        .collect();
    assert_eq!(named, [(1, 2), (3, 6), (4, 8)]);
    for gap in gaps {
        use base64::Engine as _;
        let header = gap["header"].as_str().unwrap();
        let header = base64::engine::general_purpose::STANDARD.decode(header).unwrap();
        let read = ledger::Header::parse(&header).unwrap();
        assert_eq!(
            (read.id.0, read.actor_seq),
            (gap["id"].as_u64().unwrap(), gap["seq"].as_u64().unwrap())
        );
        let leaf = ledger::hash::entry_hash(&header).to_string();
        assert!(is_proved(&leaf, &gap["proof"]), "{gap}");
        assert_eq!(gap["proof"]["tree_size"], page["entries"][0]["proof"]["tree_size"]);
    }
    // Each page explains what lies below its entries, in either order.
    for order in ["asc", "desc"] {
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let page = server.get(&format!("{path}&limit=1&order={order}{after}")).await.json();
            let gaps = page["gaps"].as_array().unwrap();
            seen.extend(gaps.iter().map(|gap| gap["seq"].as_u64().unwrap()));
            let Some(next) = page["next"].as_u64() else { break };
            after = format!("&after={next}");
        }
        seen.sort_unstable();
        assert_eq!(seen, [1, 3, 4], "{order}");
    }
    let whole = server.get("/ledger/entries?actor=nobody&proof=true").await.json();
    assert_eq!((&whole["gaps"], &whole["gaps_total"]), (&json!([]), &json!(0)));
    for query in [
        "actor=even",
        "entry_type=decision&proof=true",
        "actor=even&entry_type=decision&proof=true",
    ] {
        let page = server.get(&format!("/ledger/entries?{query}")).await.json();
        assert_eq!((&page["gaps"], &page["gaps_total"]), (&Value::Null, &Value::Null), "{query}");
    }
}

#[tokio::test]
async fn a_gap_that_nothing_explains_is_shown_as_such() {
    let server = with_decisions(5).await;
    server.node.erase(ErasedPart::All, 4);
    server.node.inner().store.delete(Table::Erased, &4_u64.to_be_bytes());
    let page = server.get("/ledger/entries?actor=even&proof=true").await.json();
    let gap = json!({"seq": 2, "id": null, "header": null, "proof": null});
    assert_eq!(page["gaps"], json!([gap]));
}

#[tokio::test]
async fn a_page_that_is_not_under_the_checkpoint_does_not_hold() {
    let server = with_decisions(300).await;
    server.node.finalize();
    let valid = server.get("/ledger/entries?verify=true&after=9&limit=3").await.json();
    assert_eq!(valid["chain_valid"], true);
    damage_tile(&server);
    let page = server.get("/ledger/entries?verify=true&after=9&limit=3&proof=true").await.json();
    assert_eq!(page["chain_valid"], false);
    assert_eq!(page["entries"][0]["proof"], Value::Null);
}

#[tokio::test]
async fn a_decision_is_verified_against_the_checkpoint_that_covers_it() {
    let server = Server::loaded().await;
    let decision = server.post("/decide", crate::common::ALLOWED).await.json();
    let verified = server.post("/decide/verify", &decision).await.json();
    assert_eq!(verified["checks"]["inclusion"], Value::Null);
    assert_eq!(verified["checkpoint"], Value::Null);
    server.node.finalize();
    let note = server.get("/checkpoint").await.bytes;
    server.post("/decide", json!({"actor": "a", "action": "read"})).await;
    server.node.finalize();
    let verified = server.post("/decide/verify", &decision).await.json();
    assert_eq!(verified["checks"]["inclusion"], true);
    assert_eq!(verified["checkpoint"].as_str().unwrap().as_bytes(), note);
    assert_eq!(verified["reason_code"], "ok");
    // The header is another one than the checkpoint covers.
    damage(&server, Table::Header, 2, |length| length - 2);
    let verified = server.post("/decide/verify", &decision).await.json();
    assert_eq!(verified["checks"]["inclusion"], false);
    assert_eq!(verified["reason_code"], "entry_hash_mismatch");
}
