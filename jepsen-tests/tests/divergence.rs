//! One bit of one write flips on one node: that node alone is out, named, and
//! comes back; the others notice nothing but that.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::time::Duration;

use jepsen_tests::audit::{ask_verdict, read_ledger};
use jepsen_tests::check;
use jepsen_tests::checkpoint::{all, covering};
use jepsen_tests::cluster::{Cluster, PATIENCE};
use jepsen_tests::http::Client;
use jepsen_tests::trial::{self, report};
use jepsen_tests::wait;
use jepsen_tests::workload::{decide_body, policy};
use types::{Json, Object};

const ODD: usize = 2;

/// Three nodes, of which one will write something else for one request.
async fn cluster() -> Cluster {
    let mut cluster = Cluster::start(2).await.unwrap();
    let at = cluster.add().unwrap();
    assert_eq!(at, ODD);
    let node = cluster.node(ODD);
    node.kill();
    node.set("FAILPOINT_FLIP_WRITE", "flipped");
    node.set("LEXECON_REBUILD", "manual");
    node.start().unwrap();
    cluster.wait_ready(ODD).await.unwrap();
    cluster.wait_for_voters(3).await.unwrap();
    cluster.client(0).post_json("/policies/load", &policy()).await.unwrap();
    cluster
}

async fn decide(cluster: &Cluster, at: usize, id: &str) -> u64 {
    let reply = cluster.client(at).post_json("/decide", &decide_body(id)).await.unwrap();
    reply.as_object().unwrap().get("ledger_entry_id").and_then(Json::as_u64).unwrap()
}

/// `data` of the last entry of a type.
async fn last_of(cluster: &Cluster, at: usize, entry_type: &str) -> Option<Object> {
    let path = format!("/ledger/entries?entry_type={entry_type}&order=desc&limit=1");
    let reply = cluster.client(at).get_json(&path).await.unwrap();
    let entries = reply.as_object().unwrap().get("entries").unwrap().as_array().unwrap();
    let entry = entries.first()?.as_object().unwrap();
    entry.get("data").unwrap().as_object().cloned()
}

fn member<'a>(data: &'a Object, name: &str) -> &'a Json {
    data.get(name).unwrap_or_else(|| panic!("no `{name}`"))
}

#[tokio::test]
async fn a_node_that_wrote_another_bit_is_out_within_two_checkpoints_and_comes_back() {
    let _turn = trial::turn().await;
    let mut cluster = cluster().await;
    let before = decide(&cluster, 0, "before").await;
    covering(&cluster, 0, before + 1, PATIENCE).await.unwrap();
    let flipped = decide(&cluster, 0, "flipped").await;

    // The others go on, and say who is out and since when.
    let named = wait::until("the divergence to be recorded", PATIENCE, async || {
        last_of(&cluster, 0, "divergence_detected").await.ok_or_else(|| "none".to_owned())
    });
    let named = named.await.unwrap();
    assert_eq!(member(&named, "node_id").as_str(), Some("n3"));
    assert_eq!(member(&named, "field").as_str(), Some("state_hash"));
    let size = member(&named, "checkpoint_size").as_u64().unwrap();
    let sealed = all(&mut cluster.client(0)).await.unwrap();
    let since = sealed.iter().filter(|(of, _)| flipped < *of && *of <= size).count();
    assert!((1..=2).contains(&since), "{since} checkpoints until it was found");
    let after = decide(&cluster, 1, "after").await;
    covering(&cluster, 0, after + 1, PATIENCE).await.unwrap();

    stands_aside(&mut cluster).await;

    // An operator has it rebuilt, under the same id.
    let node = cluster.node(ODD);
    node.kill();
    node.set("FAILPOINT_FLIP_WRITE", "");
    node.set("LEXECON_REBUILD", "auto");
    node.start().unwrap();
    cluster.wait_ready(ODD).await.unwrap();
    wait::until("the way back to be recorded", PATIENCE, async || {
        last_of(&cluster, 0, "recovery").await.ok_or_else(|| "none".to_owned())
    })
    .await
    .unwrap();
    agree(&mut cluster).await;
    let last = decide(&cluster, ODD, "last").await;
    covering(&cluster, ODD, last + 1, PATIENCE).await.unwrap();
    let evidence = cluster.node(ODD).setup().data_dir.join("evidence");
    assert!(evidence.read_dir().unwrap().next().is_some(), "the bad state is kept");
}

/// Every node has the same ledger and the same state, and what it has verifies.
async fn agree(cluster: &mut Cluster) {
    let statuses = cluster.settle().await.unwrap();
    let differing = check::diverged(&statuses);
    assert!(differing.is_empty(), "{}", report(&differing));
    for at in 0..cluster.len() {
        let copy = read_ledger(&mut cluster.client(at), "reader").await.unwrap();
        assert_eq!(copy.fault, None, "on node {at}");
        let verdict = ask_verdict(&mut cluster.client(at)).await.unwrap();
        let found = check::verdict_agrees(&copy, &verdict);
        assert!(found.is_empty(), "{}", report(&found));
    }
    assert!(cluster.panics().is_empty(), "{:?}", cluster.panics());
}

/// It is not ready, answers no reads that claim anything, and votes no longer.
async fn stands_aside(cluster: &mut Cluster) {
    let mut client = cluster.client(ODD);
    wait::until("the odd node to stand aside", PATIENCE, async || {
        let reply =
            client.get("/ledger/entries?verify=true").await.map_err(|err| err.to_string())?;
        match reply.code().as_deref() {
            Some("node_quarantined") => Ok(()),
            _ => Err(reply.quoted()),
        }
    })
    .await
    .unwrap();
    for path in ["/health/ready", "/health/ready?for=reads", "/ledger/verify", "/checkpoint"] {
        let reply = client.get(path).await.unwrap();
        assert_eq!(reply.status, 503, "{path}: {}", reply.quoted());
    }
    // With it alone there is no majority any more.
    let leader = cluster.leader_of(&[0, 1]).await.unwrap();
    let other = 1 - leader;
    cluster.kill(&[other]);
    let mut client = Client::new(cluster.addresses()[leader], Duration::from_secs(15));
    let reply = client.post("/decide", &decide_body("without")).await.unwrap();
    assert_eq!(reply.status, 503, "{}", reply.quoted());
    cluster.node(other).start().unwrap();
    cluster.wait_ready(other).await.unwrap();
}

#[tokio::test]
async fn a_node_that_may_rebuilds_itself() {
    let _turn = trial::turn().await;
    let mut cluster = cluster().await;
    let node = cluster.node(ODD);
    node.kill();
    node.set("LEXECON_REBUILD", "auto");
    node.start().unwrap();
    cluster.wait_ready(ODD).await.unwrap();
    decide(&cluster, 0, "flipped").await;
    let back = wait::until("the way back to be recorded", PATIENCE, async || {
        last_of(&cluster, 0, "recovery").await.ok_or_else(|| "none".to_owned())
    });
    let back = back.await.unwrap();
    assert_eq!(member(&back, "node_id").as_str(), Some("n3"));
    assert!(member(&back, "divergence_entry_id").as_u64().is_some());
    cluster.wait_ready(ODD).await.unwrap();
    agree(&mut cluster).await;
}
