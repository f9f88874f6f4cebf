//! What an auditor takes from any replica of a live cluster verifies offline, by
//! two verifiers of which one knows nothing of our code, and what was touched
//! does not.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use jepsen_tests::binary;
use jepsen_tests::checkpoint::covering;
use jepsen_tests::cluster::{Cluster, PATIENCE};
use jepsen_tests::http::Client;
use jepsen_tests::trial::{self, cluster_with_policy};
use jepsen_tests::workload::Workload;
use types::Json;

/// So many decisions that there are full tiles.
const DECISIONS: u64 = 600;

fn lexecon(arguments: &[&str]) -> Output {
    // No server, no network: whatever it needs is in what it is given.
    Command::new(binary::lexecon().unwrap()).args(arguments).output().unwrap()
}

/// The verifier in Python, written from the format's document alone.
fn second_verifier(path: &Path) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../client/verifiers/verify.py");
    Command::new("python3").arg(script).arg(path).output().unwrap()
}

#[track_caller]
fn accepted(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[track_caller]
fn rejected(output: &Output, code: &str) {
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(code), "{said}");
}

/// Exports from a node into a directory of the cluster.
fn export(cluster: &Cluster, at: usize, name: &str) -> PathBuf {
    let dir = cluster.root().join(name);
    let url = format!("http://{}", cluster.addresses()[at]);
    accepted(&lexecon(&["ledger", "export", dir.to_str().unwrap(), "--url", &url]));
    dir
}

async fn busy_cluster() -> Cluster {
    let mut cluster = cluster_with_policy(3).await.unwrap();
    let workload = Workload::start(cluster.addresses(), 8);
    workload.wait_for_more(DECISIONS).await.unwrap();
    workload.stop().await;
    let size = cluster.settle().await.unwrap()[0].ledger_size;
    for at in 0..3 {
        covering(&cluster, at, size, PATIENCE).await.unwrap();
    }
    cluster
}

#[tokio::test]
async fn an_export_of_any_replica_verifies_offline_and_is_the_same_bytes() {
    let _turn = trial::turn().await;
    let cluster = busy_cluster().await;
    let dirs = [0, 1, 2].map(|at| export(&cluster, at, &format!("export-{at}")));
    for dir in &dirs {
        accepted(&lexecon(&["verify", dir.to_str().unwrap()]));
    }
    accepted(&second_verifier(&dirs[1]));
    for file in ["checkpoint", "entries.jsonl", "keys.json", "tile/0/000"] {
        let bytes = dirs.each_ref().map(|dir| fs::read(dir.join(file)).unwrap());
        assert!(bytes[0] == bytes[1] && bytes[1] == bytes[2], "{file} differs between replicas");
    }
}

#[tokio::test]
async fn both_verifiers_reject_an_export_that_was_touched() {
    let _turn = trial::turn().await;
    let cluster = busy_cluster().await;
    let dir = export(&cluster, 0, "export");
    let path = dir.join("entries.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let tile = dir.join("tile/0/000");
    let hashes = fs::read(&tile).unwrap();

    fs::write(&path, lines[..lines.len() - 1].concat()).unwrap();
    rejected(&lexecon(&["verify", dir.to_str().unwrap()]), "missing");
    rejected(&second_verifier(&dir), "missing");

    fs::write(&path, whole.replacen("allowed", "ALLOWED", 1)).unwrap();
    rejected(&lexecon(&["verify", dir.to_str().unwrap()]), "data_hash_mismatch");
    rejected(&second_verifier(&dir), "data_hash_mismatch");

    fs::write(&path, &whole).unwrap();
    let mut flipped = hashes.clone();
    flipped[77] ^= 1;
    fs::write(&tile, &flipped).unwrap();
    rejected(&lexecon(&["verify", dir.to_str().unwrap()]), "tile_mismatch");
    rejected(&second_verifier(&dir), "tile_mismatch");

    fs::write(&tile, &hashes).unwrap();
    accepted(&lexecon(&["verify", dir.to_str().unwrap()]));
}

#[tokio::test]
async fn receipts_and_replies_verify_offline_against_an_export() {
    let _turn = trial::turn().await;
    let cluster = busy_cluster().await;
    let dir = export(&cluster, 2, "export");
    let entries = cluster.client(1).get_json("/ledger/entries?entry_type=decision&limit=1").await;
    let entries = entries.unwrap();
    let entry = entries.as_object().unwrap().get("entries").unwrap().as_array().unwrap()[0].clone();
    let data = entry.as_object().unwrap().get("data").unwrap().as_object().unwrap().clone();
    let id = data.get("decision_id").and_then(Json::as_str).unwrap();
    let mut client = Client::new(cluster.addresses()[1], Duration::from_secs(15));
    for (name, query) in
        [("receipt.json", "?wait=final"), ("receipt.tlog-proof", "?format=tlog-proof&wait=final")]
    {
        let reply = client.get(&format!("/decisions/{id}/receipt{query}")).await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.quoted());
        let file = cluster.root().join(name);
        fs::write(&file, &reply.body).unwrap();
        let (file, dir) = (file.to_str().unwrap(), dir.to_str().unwrap());
        accepted(&lexecon(&["verify", file, "--export", dir]));
        let mut broken = reply.body.to_vec();
        let middle = broken.len() / 2;
        broken[middle] ^= 1;
        fs::write(file, &broken).unwrap();
        let output = lexecon(&["verify", file, "--export", dir]);
        assert_eq!(output.status.code(), Some(1), "{name}");
    }
}
