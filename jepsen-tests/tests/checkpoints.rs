//! A majority signs what it executed, soon after every write, whoever leads.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jepsen_tests::checkpoint::{self, all, covering};
use jepsen_tests::cluster::{Cluster, PATIENCE};
use jepsen_tests::http::Client;
use jepsen_tests::trial::{self, cluster_with_policy};
use jepsen_tests::wait;
use jepsen_tests::workload::{Workload, decide_body};
use ledger::Note;
use types::Json;

/// The promise is 2 s; the slack is for a busy machine.
const FINAL_WITHIN: Duration = Duration::from_secs(2 + 8);

async fn decide(cluster: &Cluster, at: usize, id: &str) -> u64 {
    let reply = cluster.client(at).post_json("/decide", &decide_body(id)).await.unwrap();
    reply.as_object().unwrap().get("ledger_entry_id").and_then(Json::as_u64).unwrap()
}

/// Waits until the nodes have said what they say by themselves: which regulatory
/// data they have comes last.
async fn all_said(cluster: &Cluster) {
    let mut client = cluster.client(0);
    let path = "/ledger/entries?entry_type=register_updated";
    let said = async || match client.get_json(path).await {
        Ok(page) if page.to_canonical().contains("register_version") => Ok(()),
        Ok(_) => Err("no data is named".to_owned()),
        Err(lost) => Err(lost.to_string()),
    };
    wait::until("an entry `register_updated`", PATIENCE, said).await.unwrap();
}

/// Decides and waits until every running node serves a checkpoint over it.
async fn decide_and_seal(cluster: &mut Cluster, at: usize, id: &str) -> u64 {
    let entry = decide(cluster, at, id).await;
    for node in cluster.running() {
        covering(cluster, node, entry + 1, FINAL_WITHIN).await.unwrap();
    }
    entry
}

#[tokio::test]
async fn a_signed_checkpoint_follows_every_write_also_after_the_leader_is_killed() {
    let _turn = trial::turn().await;
    let mut cluster = cluster_with_policy(3).await.unwrap();
    decide_and_seal(&mut cluster, 0, "first").await;
    let leader = cluster.leader().await.unwrap();
    cluster.kill(&[leader]);
    let next = cluster.leader().await.unwrap();
    let entry = decide_and_seal(&mut cluster, next, "second").await;
    cluster.restart_dead().await.unwrap();
    // The one that was away serves the same, byte for byte.
    covering(&cluster, leader, entry + 1, PATIENCE).await.unwrap();
    let expected = all(&mut cluster.client(next)).await.unwrap();
    let served = all(&mut cluster.client(leader)).await.unwrap();
    assert_eq!(served, expected);
    assert!(2 <= expected.len(), "{} checkpoints", expected.len());
}

#[tokio::test]
async fn checkpoints_follow_while_there_is_no_end_of_writes() {
    let _turn = trial::turn().await;
    let cluster = cluster_with_policy(3).await.unwrap();
    let workload = Workload::start(cluster.addresses(), 16);
    for _ in 0..4 {
        workload.wait_for_more(200).await.unwrap();
        let size = cluster.status(0).await.unwrap().ledger_size;
        for at in 0..3 {
            covering(&cluster, at, size, FINAL_WITHIN).await.unwrap();
        }
    }
    workload.stop().await;
}

#[tokio::test]
async fn two_of_three_sign_and_one_does_not() {
    let _turn = trial::turn().await;
    let mut cluster = cluster_with_policy(3).await.unwrap();
    let leader = cluster.leader().await.unwrap();
    let others: Vec<usize> = (0..3).filter(|at| *at != leader).collect();
    cluster.kill(&others[..1]);
    decide_and_seal(&mut cluster, leader, "with two").await;
    let before = checkpoint::last(&mut cluster.client(leader)).await.unwrap();
    cluster.kill(&others);
    // Nothing can be added without a majority, so nothing is signed either.
    let mut patient = Client::new(cluster.addresses()[leader], Duration::from_secs(15));
    let reply = patient.post("/decide", &decide_body("alone")).await.unwrap();
    assert_eq!(reply.status, 503, "{}", reply.quoted());
    let after = checkpoint::last(&mut cluster.client(leader)).await.unwrap();
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_quiet_cluster_makes_no_checkpoints() {
    const WATCHED: Duration = Duration::from_secs(4);
    let _turn = trial::turn().await;
    let mut cluster = cluster_with_policy(3).await.unwrap();
    all_said(&cluster).await;
    let entry = decide_and_seal(&mut cluster, 0, "last").await;
    let statuses = cluster.settle().await.unwrap();
    // Not a wait for something to happen: what is tested is what does not.
    tokio::time::sleep(WATCHED).await;
    let later = cluster.settle().await.unwrap();
    assert!(later[0].applied_index <= statuses[0].applied_index + 3, "{later:?} {statuses:?}");
    assert_eq!(later[0].ledger_size, entry + 1);
}

#[tokio::test]
async fn a_node_that_starts_again_signs_nothing_twice() {
    let _turn = trial::turn().await;
    let mut cluster = cluster_with_policy(3).await.unwrap();
    decide_and_seal(&mut cluster, 0, "first").await;
    let before = cluster.settle().await.unwrap();
    cluster.kill(&[0, 1, 2]);
    cluster.restart_dead().await.unwrap();
    cluster.leader().await.unwrap();
    let begun = Instant::now();
    let entry = decide_and_seal(&mut cluster, 1, "second").await;
    assert!(begun.elapsed() <= FINAL_WITHIN);
    assert_eq!(entry, before[0].ledger_size);
    let last = cluster.client(2).get("/ledger/checkpoint?signatures=all").await.unwrap();
    let note = Note::parse(&String::from_utf8_lossy(&last.body)).unwrap();
    let signers: BTreeSet<[u8; 4]> = note.signatures.iter().map(|line| line.key_id).collect();
    assert_eq!(signers.len(), note.signatures.len(), "{note}");
}

#[tokio::test]
async fn a_receipt_is_the_same_on_every_node_and_for_ever() {
    let _turn = trial::turn().await;
    let mut cluster = cluster_with_policy(3).await.unwrap();
    let reply = cluster.client(0).post_json("/decide", &decide_body("kept")).await.unwrap();
    let id = reply.as_object().unwrap().get("decision_id").and_then(Json::as_str).unwrap();
    let path = format!("/decisions/{id}/receipt?wait=final");
    // A follower that has not come so far knows of no such decision.
    cluster.settle().await.unwrap();
    let first = cluster.client(1).get_json(&path).await.unwrap();
    assert!(first.as_object().unwrap().get("checkpoint").unwrap().as_str().is_some());
    decide_and_seal(&mut cluster, 0, "later").await;
    for at in 0..3 {
        assert_eq!(cluster.client(at).get_json(&path).await.unwrap(), first, "node {at}");
    }
}
