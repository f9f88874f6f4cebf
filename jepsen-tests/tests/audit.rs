//! Exports for auditors of a real cluster: any node hands out the same bytes,
//! whichever built them, and a node that dies while it builds is replaced.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use jepsen_tests::cluster::{Cluster, PATIENCE};
use jepsen_tests::trial::{self, cluster_with_policy};
use jepsen_tests::wait::until;
use jepsen_tests::workload::Workload;
use sha2::{Digest as _, Sha256};
use types::{Json, Object};

/// So many decisions that records come in more than one page.
const DECISIONS: u64 = 300;

/// A turn of a node that does not begin, and one that does not end.
const TAKEOVER: Duration = Duration::from_secs(150);

fn asking(ledger_size: Option<u64>) -> Json {
    Json::object([
        ("scope", "all".into()),
        ("format", "json".into()),
        ("ledger_size", ledger_size.into()),
    ])
}

/// Asks a node for an export; its id and size.
async fn requested(cluster: &Cluster, at: usize, body: &Json) -> (String, u64) {
    let reply = cluster.client(at).post("/audit/export", body).await.unwrap();
    assert_eq!(reply.status, 202, "{}", reply.quoted());
    let reply = reply.json().unwrap();
    let member = |name: &str| reply.as_object().unwrap().get(name).cloned().unwrap();
    let id = member("export_id").as_str().unwrap().to_owned();
    (id, member("ledger_size").as_u64().unwrap())
}

/// How it stands, once it is completed.
async fn completed(cluster: &Cluster, at: usize, id: &str, patience: Duration) -> Object {
    let path = format!("/audit/status/{id}");
    let look = async || {
        let status = cluster.client(at).get_json(&path).await.map_err(|why| why.to_string())?;
        let status = status.as_object().unwrap().clone();
        let word = status.get("status").and_then(Json::as_str).unwrap_or_default().to_owned();
        assert_ne!(word, "failed", "{status:?}");
        if word == "completed" { Ok(status) } else { Err(word) }
    };
    until("the export is completed", patience, look).await.unwrap()
}

/// The file, from a node that may have to build it first.
async fn downloaded(cluster: &Cluster, at: usize, id: &str) -> Vec<u8> {
    let path = format!("/audit/exports/{id}/download");
    let look = async || {
        let reply = cluster.client(at).get(&path).await.map_err(|why| why.to_string())?;
        assert!([200, 409].contains(&reply.status), "{}", reply.quoted());
        if reply.status == 200 { Ok(reply.body.to_vec()) } else { Err(reply.quoted()) }
    };
    until("the file is there", PATIENCE, look).await.unwrap()
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn busy_cluster() -> Cluster {
    let mut cluster = cluster_with_policy(3).await.unwrap();
    let workload = Workload::start(cluster.addresses(), 4);
    workload.wait_for_more(DECISIONS).await.unwrap();
    workload.stop().await;
    cluster.settle().await.unwrap();
    cluster
}

#[tokio::test]
async fn an_export_asked_of_one_node_is_the_same_bytes_from_any_other() {
    let _turn = trial::turn().await;
    let mut cluster = busy_cluster().await;
    let leader = cluster.leader().await.unwrap();
    let follower = (leader + 1) % 3;
    let (id, size) = requested(&cluster, follower, &asking(None)).await;
    let status = completed(&cluster, follower, &id, PATIENCE).await;
    let named = status.get("sha256").and_then(Json::as_str).unwrap().to_owned();
    let mut files = Vec::new();
    for at in 0..3 {
        let file = downloaded(&cluster, at, &id).await;
        assert_eq!(digest(&file), named, "node {at}");
        files.push(file);
    }
    assert_eq!(status.get("size_bytes").and_then(Json::as_u64), Some(files[0].len() as u64));
    let text = String::from_utf8(files[0].clone()).unwrap();
    let document: Json = serde_json::from_str(&text).unwrap();
    let document = document.as_object().unwrap();
    let decisions = document.get("decisions").and_then(Json::as_array).unwrap();
    assert!(DECISIONS <= decisions.len() as u64);
    let ledger = document.get("ledger").and_then(Json::as_object).unwrap();
    let entries = ledger.get("entries").and_then(Json::as_array).unwrap();
    assert_eq!(entries.len() as u64, size);

    // The ledger goes on, and the same part of it is the same file.
    let workload = Workload::start(cluster.addresses(), 4);
    workload.wait_for_more(50).await.unwrap();
    workload.stop().await;
    let (again, _) = requested(&cluster, leader, &asking(Some(size))).await;
    let status = completed(&cluster, leader, &again, PATIENCE).await;
    assert_eq!(status.get("sha256").and_then(Json::as_str), Some(named.as_str()));
    assert!(downloaded(&cluster, (leader + 2) % 3, &again).await == files[0]);
}

#[tokio::test]
async fn a_node_that_dies_with_an_export_to_build_is_replaced() {
    let _turn = trial::turn().await;
    let mut cluster = busy_cluster().await;
    let leader = cluster.leader().await.unwrap();
    let follower = (leader + 1) % 3;
    let (id, _) = requested(&cluster, follower, &asking(None)).await;
    // A checkpoint that covers the request is not final yet, so it is not built.
    cluster.kill(&[follower]);
    let status = completed(&cluster, leader, &id, TAKEOVER).await;
    let file = downloaded(&cluster, leader, &id).await;
    let named = status.get("sha256").and_then(Json::as_str).unwrap();
    assert_eq!(digest(&file), named);
    cluster.restart_dead().await.unwrap();
    assert!(downloaded(&cluster, follower, &id).await == file);
}
