//! Log and snapshots give way to an erasure, whoever lags behind.

use std::fs;

use raft::ForgetError;
use raft::ports::StateStore;
use types::LogIndex;

use crate::support::Cluster;

fn snapshots(cluster: &Cluster, id: u64) -> Vec<String> {
    let entries = fs::read_dir(cluster.node(id).state.snapshots_dir()).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    paths.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_of_the_same_entry_is_taken_anew_and_the_whole_log_goes() {
    let cluster = Cluster::of(1).await;
    let last = cluster.propose(1).await.index;
    let handle = cluster.handle(1);
    handle.snapshot().await.unwrap();
    let before = snapshots(&cluster, 1);
    let broken_off = cluster.node(1).state.snapshots_dir().join("incoming-7");
    fs::create_dir(&broken_off).unwrap();
    handle.forget_through(last).await.unwrap();
    let after = snapshots(&cluster, 1);
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_ne!(before, after);
    assert!(!broken_off.exists());
    let status = handle.status();
    assert_eq!((status.purged_index, status.log_bytes), (Some(last), 0));
    cluster.propose(1).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_is_away_does_not_keep_the_log_and_is_sent_a_snapshot() {
    let mut cluster = Cluster::of(3).await;
    let leader = cluster.leader().await;
    let away = cluster.followers(leader)[0];
    cluster.kill(away).await;
    let mut last = LogIndex(0);
    for _ in 0..10 {
        last = cluster.propose(leader).await.index;
    }
    for id in cluster.followers(0) {
        assert!(cluster.handle(id).wait_applied(last, crate::support::PATIENCE).await);
        cluster.handle(id).forget_through(last).await.unwrap();
        assert!(cluster.handle(id).status().purged_index >= Some(last));
    }
    cluster.restart(away).await;
    let later = cluster.propose(leader).await;
    cluster.applied_everywhere(later.index).await;
    assert!(cluster.handle(away).status().snapshot_index >= Some(last));
    cluster.assert_same_everywhere().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_applied_is_not_forgotten() {
    let cluster = Cluster::of(1).await;
    let refused = cluster.handle(1).forget_through(LogIndex(u64::MAX)).await;
    assert!(matches!(refused, Err(ForgetError::NotApplied { .. })), "{refused:?}");
    cluster.stop().await;
}
