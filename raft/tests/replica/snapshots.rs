//! Snapshots that do not hold what was taken: refused, and nobody stops.

use std::fs;

use governance::Table;
use raft::ports::StateStore;
use types::EntryId;

use crate::support::Cluster;

/// A leader whose log before its newest snapshot is gone, and that snapshot's
/// rows.
async fn purged() -> (Cluster, std::path::PathBuf) {
    let cluster = Cluster::of(1).await;
    for _ in 0..10 {
        cluster.propose(1).await;
    }
    let rows = take(&cluster).await;
    (cluster, rows)
}

async fn take(cluster: &Cluster) -> std::path::PathBuf {
    let leader = cluster.handle(1);
    let taken = leader.snapshot().await.unwrap();
    leader.purge(taken.index).await.unwrap();
    let is_purged =
        |cluster: &Cluster| cluster.handle(1).status().purged_index == Some(taken.index);
    cluster.wait("the log is purged", is_purged).await;
    let snapshots = fs::read_dir(cluster.node(1).state.snapshots_dir()).unwrap();
    let dirs = snapshots.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    // One that is superseded stays while it is being sent.
    dirs.max().unwrap().join("rows/all")
}

/// Has a new node ask for the snapshot until it has refused it twice.
async fn check_refused(cluster: &mut Cluster) {
    cluster.add_node(2).await;
    let node = cluster.node(2);
    cluster.handle(1).add_learner(node.id, node.member()).await.unwrap();
    let refused_twice = |cluster: &Cluster| cluster.node(2).state.digests() >= 2;
    cluster.wait("it is refused each time", refused_twice).await;
    let status = cluster.handle(2).status();
    assert_eq!((status.failed, status.applied_index), (None, None));
    assert_eq!(cluster.node(2).state.rows().rows().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_changed_on_its_way_is_refused_and_a_whole_one_taken() {
    let (mut cluster, rows) = purged().await;
    let mut bytes = fs::read(&rows).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&rows, bytes).unwrap();
    check_refused(&mut cluster).await;
    cluster.propose(1).await;
    take(&cluster).await;
    cluster.promote(2).await;
    cluster.assert_same_everywhere().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_of_a_ledger_that_does_not_hold_is_refused() {
    let (mut cluster, _) = purged().await;
    cluster.node(1).state.spoil(Table::Data, &EntryId(3).key());
    cluster.propose(1).await;
    take(&cluster).await;
    check_refused(&mut cluster).await;
    cluster.stop().await;
}
