//! Checkpoints, tiles and proofs over HTTP, verified as a stranger would.

use ledger::tile::{self, TileId};
use ledger::{Checkpoint, Frontier, Note, note, proof};
use serde_json::{Value, json};
use types::Digest;

use crate::common::{Node, Reply, Server};

/// A server with genesis, a policy and decisions up to `size` entries.
async fn of_size(size: u64) -> Server {
    let server = Server::loaded().await;
    for n in 2..size {
        let body = json!({"actor": "a", "action": "read", "context": {"n": n}});
        assert_eq!(server.post("/decide", body).await.status, 200);
    }
    server
}

fn text(reply: &Reply) -> String {
    String::from_utf8(reply.bytes.clone()).unwrap()
}

fn digest(value: &Value) -> Digest {
    value.as_str().unwrap().parse().unwrap()
}

fn digests(value: &Value) -> Vec<Digest> {
    value.as_array().unwrap().iter().map(digest).collect()
}

/// Root of the tree over the first `size` entries, from what is listed.
async fn root_of(server: &Server, size: u64) -> Digest {
    let page = server.get(&format!("/ledger/entries?limit=1000&before={size}")).await.json();
    let mut tree = Frontier::default();
    for entry in page["entries"].as_array().unwrap() {
        tree.append(digest(&entry["current_hash"]));
    }
    assert_eq!(tree.size(), size);
    tree.root()
}

#[tokio::test]
async fn a_checkpoint_is_a_note_that_a_stock_verifier_accepts() {
    let server = of_size(3).await;
    let claim = server.node.finalize();
    let reply = server.get("/checkpoint").await;
    assert_eq!(reply.outcome(), "200");
    assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(reply.header("cache-control"), "no-store");
    let signed = Note::parse(&text(&reply)).unwrap();
    let checkpoint = Checkpoint::parse(&signed.text).unwrap();
    assert_eq!((checkpoint.size, checkpoint.root), (3, root_of(&server, 3).await));
    let keys = server.get("/keys").await.json();
    let vkey = keys["keys"][2]["vkey"].as_str().unwrap();
    let (name, _, key) = note::parse_vkey(vkey).unwrap();
    assert_eq!(name, checkpoint.origin);
    assert!(note::verify_ed25519(&key, &signed.signatures[0], &signed.text));

    let json =
        server.call("GET", "/ledger/checkpoint", "", &[("accept", "application/json")]).await;
    let json = json.json();
    assert_eq!(json["checkpoint"], text(&reply));
    assert_eq!(json["origin"], checkpoint.origin);
    assert_eq!((&json["size"], digest(&json["root_hash"])), (&json!(3), claim.root));
    assert_eq!(json["timestamp"], claim.at.to_string());
    let line = json!({
        "name": name, "key_id": keys["keys"][2]["note_key_id"], "type": 1, "valid": true,
    });
    assert_eq!(json["signatures"], json!([line]));
}

#[tokio::test]
async fn a_checkpoint_is_text_or_members_as_the_caller_prefers() {
    let server = of_size(2).await;
    server.node.finalize();
    for (accept, expect) in [
        ("*/*", "text/plain; charset=utf-8"),
        ("text/*", "text/plain; charset=utf-8"),
        ("application/json, text/plain, */*", "text/plain; charset=utf-8"),
        ("application/json", "application/json"),
        ("application/json, */*;q=0.1", "application/json"),
        ("text/plain;q=0.5, application/json", "application/json"),
    ] {
        let reply = server.call("GET", "/ledger/checkpoint", "", &[("accept", accept)]).await;
        assert_eq!(reply.header("content-type"), expect, "{accept}");
    }
    let html = [("accept", "text/html")];
    for path in ["/ledger/checkpoint", "/checkpoint"] {
        assert_eq!(server.call("GET", path, "", &html).await.outcome(), "406 not_acceptable");
    }
    let reply = server.get("/ledger/checkpoint?signatures=some").await;
    assert_eq!(reply.faults(), ["signatures not_one_of"]);
}

#[tokio::test]
async fn before_a_majority_has_signed_there_is_no_checkpoint() {
    let server = Server::with(Node::of_three(), api::Config::default());
    let sealed = server.node.seal();
    for signed in [&[][..], &["n2"]] {
        for name in signed {
            server.node.cosign(&sealed, &sealed.claim, name);
        }
        for path in ["/checkpoint", "/ledger/checkpoint", "/cluster/divergence"] {
            assert_eq!(server.get(path).await.outcome(), "503 not_final", "{path} {signed:?}");
        }
        let list = server.get("/ledger/checkpoints").await.json();
        assert_eq!(list, json!({"checkpoints": [], "next": null}));
    }
}

#[tokio::test]
async fn the_frozen_form_stays_while_signatures_come_in() {
    let server = Server::with(Node::of_three(), api::Config::default());
    let sealed = server.node.seal();
    server.node.cosign(&sealed, &sealed.claim, "n3");
    assert!(server.node.cosign(&sealed, &sealed.claim, "n1").became_final);
    let frozen = text(&server.get("/checkpoint").await);
    assert_eq!(Note::parse(&frozen).unwrap().signatures.len(), 2);
    server.node.cosign(&sealed, &sealed.claim, "n2");
    assert_eq!(text(&server.get("/checkpoint").await), frozen);
    assert_eq!(text(&server.get("/ledger/checkpoint").await), frozen);
    let all = text(&server.get("/ledger/checkpoint?signatures=ALL").await);
    assert!(all.starts_with(&frozen));
    assert_eq!(Note::parse(&all).unwrap().signatures.len(), 3);
}

#[tokio::test]
async fn a_signature_of_a_compromised_key_is_not_valid() {
    let server = of_size(2).await;
    server.node.finalize();
    let keys = server.get("/keys").await.json();
    let path = format!("/keys/{}/retire", keys["keys"][2]["kid"].as_str().unwrap());
    let reply = server.post(&path, json!({"reason": "stolen", "compromised": true})).await;
    assert_eq!(reply.outcome(), "200");
    let json = [("accept", "application/json")];
    let shown = server.call("GET", "/ledger/checkpoint", "", &json).await.json();
    assert_eq!(shown["signatures"][0]["valid"], false);
}

#[tokio::test]
async fn checkpoints_are_listed_page_by_page() {
    let server = of_size(2).await;
    let mut sizes = Vec::new();
    for _ in 0..5 {
        sizes.push(server.node.finalize().size);
        server.post("/decide", json!({"actor": "a", "action": "read"})).await;
    }
    assert_eq!(sizes, [2, 3, 4, 5, 6]);
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("/ledger/checkpoints?limit=2{after}")).await.json();
        for row in page["checkpoints"].as_array().unwrap() {
            let signed = Note::parse(row["checkpoint"].as_str().unwrap()).unwrap();
            let checkpoint = Checkpoint::parse(&signed.text).unwrap();
            assert_eq!(digest(&row["root_hash"]), checkpoint.root);
            assert_eq!(row["timestamp"], checkpoint.timestamp.to_string());
            assert_eq!(row["size"], checkpoint.size);
            seen.push(checkpoint.size);
        }
        let Some(next) = page["next"].as_u64() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen, sizes);
    for (query, fault) in [("limit=0", "limit out_of_range"), ("after=-1", "after out_of_range")] {
        let reply = server.get(&format!("/ledger/checkpoints?{query}")).await;
        assert_eq!(reply.faults(), [fault]);
    }
}

#[tokio::test]
async fn tiles_make_the_tree_and_bundles_the_headers() {
    const SIZE: u64 = 700;
    let server = of_size(2).await;
    server.node.grow(SIZE);
    let mut tree = Frontier::default();
    for (index, width) in tile::bundles(SIZE) {
        let bundle = tile::Resource::Entries { index, width }.path();
        let hashes = TileId { level: 0, index, width }.path();
        let bundle = server.get(&format!("/tile/{bundle}")).await;
        assert_eq!(bundle.header("content-type"), "application/octet-stream");
        let headers = tile::bundle(&bundle.bytes).unwrap();
        let leaves: Vec<Digest> =
            headers.iter().map(|header| ledger::hash::entry_hash(header)).collect();
        let hashes = server.get(&format!("/tile/{hashes}")).await;
        assert_eq!(tile::from_bytes(&hashes.bytes).unwrap(), leaves);
        assert_eq!(leaves.len(), usize::from(width));
        for leaf in leaves {
            tree.append(leaf);
        }
    }
    let level_1 = tile::from_bytes(&server.get("/tile/1/000.p/2").await.bytes).unwrap();
    assert_eq!(level_1.len(), 2);
    let status = server.get("/cluster/status").await.json();
    assert_eq!(digest(&status["root_hash"]), tree.root());
    let full = server.get("/tile/0/001").await;
    assert_eq!(full.header("cache-control"), "public, max-age=31536000, immutable");
    for partial in ["/tile/0/002.p/188", "/tile/0/000.p/7", "/tile/entries/002.p/1"] {
        let reply = server.get(partial).await;
        assert_eq!((reply.status, reply.header("cache-control")), (200, "no-store"), "{partial}");
    }
    let head = server.call("HEAD", "/tile/entries/000", "", &[]).await;
    let bundle = server.get("/tile/entries/000").await;
    assert_eq!((head.status, head.bytes.len()), (200, 0));
    assert_eq!(head.header("content-length"), bundle.bytes.len().to_string());
    assert_eq!(head.header("cache-control"), "public, max-age=31536000, immutable");
}

#[tokio::test]
async fn what_is_no_tile_or_not_there_yet_is_not_found() {
    let server = of_size(2).await;
    server.node.grow(300);
    for path in [
        "0/002",
        "0/001",
        "0/001.p/45",
        "entries/001.p/45",
        "entries/001",
        "1/000.p/2",
        "1/000",
        "2/000.p/1",
        "63/000",
        "64/000",
        "0/000.p/0",
        "0/000.p/256",
        "0/0",
        "0/x000/000",
        "00/000",
        "-1/000",
        "entries",
        "0",
        "0/000/",
        "../keys",
        "0/000.p/1/2",
        "0/x999/x999/x999/x999/x999/x999/999",
    ] {
        let reply = server.get(&format!("/tile/{path}")).await;
        assert_eq!(reply.outcome(), "404 not_found", "{path}");
        assert_eq!(reply.header("cache-control"), "no-store");
    }
    assert_eq!(server.get("/tile/").await.outcome(), "404 not_found");
    assert_eq!(server.post("/tile/0/000", "{}").await.outcome(), "405 method_not_allowed");
    let last = server.get("/tile/0/001.p/44").await;
    assert_eq!(last.bytes.len(), 44 * 32);
}

#[tokio::test]
async fn inclusion_is_proved_at_any_size_that_has_the_entry() {
    let server = of_size(7).await;
    let size = server.node.finalize().size;
    server.node.grow(20);
    for (id, query, tree_size) in
        [(0, "", 20), (19, "", 20), (6, "&size=7", 7), (3, "&size=4", 4), (0, "&size=1", 1)]
    {
        let path = format!("/ledger/proof/inclusion?id={id}{query}");
        let shown = server.get(&path).await.json();
        assert_eq!((&shown["id"], &shown["leaf_index"]), (&json!(id), &json!(id)));
        assert_eq!(shown["tree_size"], tree_size, "{path}");
        let entry = server.get(&format!("/ledger/entries/{id}")).await.json();
        assert_eq!(shown["leaf_hash"], entry["current_hash"]);
        let root = root_of(&server, tree_size).await;
        assert_eq!(digest(&shown["root_hash"]), root);
        let (leaf, hashes) = (digest(&shown["leaf_hash"]), digests(&shown["hashes"]));
        assert!(proof::verify_inclusion(leaf, id, tree_size, &hashes, root), "{path}");
        assert_eq!(shown["checkpoint"].is_string(), tree_size == size, "{path}");
    }
    for (query, expect) in [
        ("id=20", "404 unknown_entry"),
        ("id=20&size=20", "404 unknown_entry"),
        ("id=3&size=3", "422 validation_failed"),
        ("id=3&size=21", "422 validation_failed"),
        ("id=3&size=0", "422 validation_failed"),
        ("size=3", "422 validation_failed"),
        ("id=-1", "422 validation_failed"),
        ("id=3&tree=4", "422 unknown_parameter"),
    ] {
        let reply = server.get(&format!("/ledger/proof/inclusion?{query}")).await;
        assert_eq!(reply.outcome(), expect, "{query}");
    }
    assert_eq!(server.get("/ledger/proof/inclusion").await.faults(), ["id missing"]);
}

#[tokio::test]
async fn consistency_is_proved_between_any_two_sizes() {
    let server = of_size(6).await;
    let size = server.node.finalize().size;
    server.node.grow(9);
    for (query, from, to) in [
        ("from=1&to=9", 1, 9),
        ("from=6", 6, 9),
        ("from=4&to=6", 4, 6),
        ("from=6&to=6", 6, 6),
        ("from=9", 9, 9),
    ] {
        let shown = server.get(&format!("/ledger/proof/consistency?{query}")).await.json();
        assert_eq!((&shown["from"], &shown["to"]), (&json!(from), &json!(to)));
        let roots = (root_of(&server, from).await, root_of(&server, to).await);
        assert_eq!((digest(&shown["from_root"]), digest(&shown["to_root"])), roots);
        let hashes = digests(&shown["hashes"]);
        assert!(proof::verify_consistency(from, to, roots.0, roots.1, &hashes), "{query}");
        assert_eq!(shown["checkpoint"].is_string(), to == size, "{query}");
    }
    for (query, fault) in [
        ("", "from missing"),
        ("from=0", "from out_of_range"),
        ("from=10", "from out_of_range"),
        ("from=4&to=3", "to out_of_range"),
        ("from=4&to=10", "to out_of_range"),
        ("from=four", "from wrong_type"),
    ] {
        let reply = server.get(&format!("/ledger/proof/consistency?{query}")).await;
        assert_eq!(reply.faults(), [fault], "{query}");
    }
}

#[tokio::test]
async fn a_proof_that_would_not_verify_is_not_answered() {
    use governance::{Read as _, Store as _, Table};
    let server = of_size(2).await;
    server.node.grow(300);
    {
        let mut inner = server.node.inner();
        let mut key = vec![0];
        key.extend_from_slice(&0_u64.to_be_bytes());
        let mut tile = inner.store.get(Table::Tile, &key).unwrap().unwrap();
        let last = tile.len() - 1;
        tile[last] ^= 1;
        inner.store.put(Table::Tile, &key, &tile);
    }
    for path in [
        "/ledger/proof/inclusion?id=254&size=256",
        "/ledger/proof/consistency?from=255&to=300",
        "/ledger/entries?proof=true",
    ] {
        assert_eq!(server.get(path).await.outcome(), "503 node_quarantined", "{path}");
    }
}
