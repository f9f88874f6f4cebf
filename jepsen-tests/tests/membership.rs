//! Who comes in, and who must stay out: new nodes, taken directories, wrong
//! names, a disk of another cluster.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use jepsen_tests::cluster::{Cluster, Entrance, PATIENCE, Setup};
use jepsen_tests::trial::{self, cluster_with_policy, judge, report};
use jepsen_tests::wait;
use jepsen_tests::workload::{History, Workload};

const ENDS_WITHIN: Duration = Duration::from_secs(20);

#[tokio::test]
async fn an_empty_node_joins_under_load_and_becomes_a_voter() {
    let _turn = trial::turn().await;
    let mut cluster = cluster_with_policy(3).await.unwrap();
    let workload = Workload::start(cluster.addresses(), 2);
    workload.wait_for_more(20).await.unwrap();

    let joined = cluster.add().unwrap();
    cluster.wait_ready(joined).await.unwrap();
    cluster.wait_for_voters(4).await.unwrap();
    workload.wait_for_more(20).await.unwrap();

    let history = workload.stop().await;
    let found = judge(&mut cluster, &history).await.unwrap();
    assert!(found.is_empty(), "{}", report(&found));
}

/// A second process on the directory of the first node, under this name.
async fn start_on_directory_of_first(cluster: &mut Cluster, name: &str) -> (bool, String) {
    let setup = Setup {
        name: name.to_owned(),
        address: cluster.ports().next_address().unwrap(),
        peer_address: cluster.ports().next_address().unwrap(),
        ..cluster.node(0).setup().clone()
    };
    let at = cluster.add_with(setup).unwrap();
    let status = cluster.node(at).wait_for_end(ENDS_WITHIN).await.unwrap();
    (status.success(), cluster.node(at).log_text())
}

#[tokio::test]
async fn a_directory_serves_one_process_at_a_time() {
    let _turn = trial::turn().await;
    let mut cluster = Cluster::start(1).await.unwrap();
    let (succeeded, log) = start_on_directory_of_first(&mut cluster, "n1").await;
    assert!(!succeeded, "the second process must not end well: {log}");
    assert!(cluster.node(0).is_running());
    cluster.status(0).await.unwrap();
}

#[tokio::test]
async fn a_directory_is_not_served_under_another_name() {
    let _turn = trial::turn().await;
    let mut cluster = Cluster::start(1).await.unwrap();
    cluster.kill(&[0]);
    let (succeeded, log) = start_on_directory_of_first(&mut cluster, "n9").await;
    assert!(!succeeded, "it must not end well: {log}");
    assert!(log.contains("n1") && log.contains("n9"), "it must say which names: {log}");
}

#[tokio::test]
async fn a_disk_of_another_cluster_mixes_with_neither() {
    let _turn = trial::turn().await;
    let mut cluster = cluster_with_policy(3).await.unwrap();
    let stranger = other_cluster_named_like_the_third(&mut cluster).await;
    let ours = cluster.status(0).await.unwrap().cluster_id;

    // On the addresses of the third node there is now a node of that name that
    // belongs to another cluster.
    cluster.kill(&[2]);
    let at = cluster.add_with(stranger).unwrap();
    cluster.wait_ready(at).await.unwrap();
    let theirs = cluster.status(at).await.unwrap();
    assert_ne!(theirs.cluster_id, ours);

    let workload = Workload::start(cluster.addresses()[..2].to_vec(), 2);
    workload.wait_for_more(30).await.unwrap();
    let history = workload.stop().await;
    let after = cluster.status(at).await.unwrap();
    assert_eq!(after.cluster_id, theirs.cluster_id);
    assert_eq!(after.ledger_size, theirs.ledger_size, "it took entries of our cluster");
    assert_eq!(after.voters, ["n3"]);

    cluster.forget_last();
    let found = judge(&mut cluster, &history).await.unwrap();
    assert!(found.is_empty(), "{}", report(&found));
}

/// Founds a cluster of one on the addresses of our third node, which is down
/// meanwhile, and stops it.
async fn other_cluster_named_like_the_third(cluster: &mut Cluster) -> Setup {
    cluster.kill(&[2]);
    let setup = Setup {
        data_dir: cluster.root().join("stranger"),
        entrance: Entrance::Founds,
        ..cluster.node(2).setup().clone()
    };
    let at = cluster.add_with(setup.clone()).unwrap();
    cluster.wait_ready(at).await.unwrap();
    wait::until("the stranger to have founded its cluster", PATIENCE, async || {
        match cluster.status(at).await {
            Ok(status) if status.voters == ["n3"] => Ok(()),
            Ok(status) => Err(format!("{:?}", status.voters)),
            Err(err) => Err(err.to_string()),
        }
    })
    .await
    .unwrap();
    cluster.forget_last();
    cluster.restart_dead().await.unwrap();
    judge(cluster, &History::default()).await.unwrap();
    setup
}
