//! A state that went bad is replaced by another member's, and the node goes on
//! under its own id.

use std::fs;
use std::path::{Path, PathBuf};

use governance::Table;
use raft::Member;
use raft::ports::StateStore;
use raft::rebuild::{self, PullError, Pulled};
use types::{EntryId, RaftId};

use crate::support::{Cluster, Node};

fn addresses(cluster: &Cluster, of: &[u64]) -> Vec<(RaftId, Member)> {
    of.iter().map(|id| (RaftId(*id), cluster.node(*id).member())).collect()
}

async fn pull(cluster: &Cluster, id: u64, from: &[u64]) -> Result<Pulled, PullError> {
    let Node { log, state, .. } = cluster.node(id);
    let members = addresses(cluster, from);
    rebuild::pull(&cluster.config(id), &members, log, &state.snapshots_dir(), state).await
}

/// The state in memory takes the directory it installs away.
fn copy_of(pulled: &Pulled) -> PathBuf {
    let copy = pulled.dir.with_extension("copy");
    copy_dir(&pulled.dir, &copy);
    copy
}

fn install(node: &Node, pulled: &Pulled) {
    node.state.install(copy_of(pulled)).unwrap();
    rebuild::follow(&node.log, pulled).unwrap();
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let from = entry.unwrap().path();
        let to = to.join(from.file_name().unwrap());
        if from.is_dir() {
            copy_dir(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

async fn three() -> (Cluster, u64, Vec<u64>) {
    let cluster = Cluster::of(3).await;
    let leader = cluster.leader().await;
    for _ in 0..20 {
        cluster.propose(leader).await;
    }
    let followers = cluster.followers(leader);
    (cluster, leader, followers)
}

/// A node that was rebuilt takes proposals and ends with the same state.
async fn goes_on_like_the_others(cluster: Cluster, rebuilt: u64) {
    let later = cluster.propose(rebuilt).await;
    cluster.applied_everywhere(later.index).await;
    cluster.assert_same_everywhere().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_state_is_replaced_and_the_log_goes_on_where_it_was() {
    let (mut cluster, leader, followers) = three().await;
    let (bad, other) = (followers[0], followers[1]);
    let applied = cluster.propose(bad).await.index;
    cluster.applied_everywhere(applied).await;
    cluster.handle(bad).snapshot().await.unwrap();
    cluster.kill(bad).await;
    cluster.node(bad).state.spoil(Table::Data, &EntryId(3).key());
    let pulled = pull(&cluster, bad, &[other, leader]).await.unwrap();
    assert_eq!((pulled.from, pulled.index >= applied), (RaftId(other), true));
    install(cluster.node(bad), &pulled);
    cluster.restart(bad).await;
    goes_on_like_the_others(cluster, bad).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_ends_before_the_state_goes_on_after_it() {
    let (mut cluster, leader, followers) = three().await;
    let bad = followers[0];
    cluster.kill(bad).await;
    for _ in 0..20 {
        cluster.propose(leader).await;
    }
    let pulled = pull(&cluster, bad, &[leader]).await.unwrap();
    install(cluster.node(bad), &pulled);
    cluster.restart(bad).await;
    let goes_on_after =
        |cluster: &Cluster| cluster.handle(bad).status().purged_index == Some(pulled.index);
    cluster.wait("its log begins after the state", goes_on_after).await;
    goes_on_like_the_others(cluster, bad).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_ends_before_the_log_does_is_made_up_from_it() {
    let (mut cluster, leader, followers) = three().await;
    let bad = followers[0];
    cluster.kill(bad).await;
    let pulled = pull(&cluster, bad, &[leader]).await.unwrap();
    // As if its giver had been far behind.
    let copy = tempfile::tempdir().unwrap();
    let old = copy.path().join("old");
    fs::rename(copy_of(&pulled), &old).unwrap();
    cluster.restart(bad).await;
    for _ in 0..20 {
        cluster.propose(bad).await;
    }
    cluster.kill(bad).await;
    let node = cluster.node(bad);
    node.state.install(old).unwrap();
    rebuild::follow(&node.log, &pulled).unwrap();
    cluster.restart(bad).await;
    goes_on_like_the_others(cluster, bad).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_whose_own_ledger_does_not_hold_is_passed_over() {
    let (mut cluster, leader, followers) = three().await;
    let (bad, worse) = (followers[0], followers[1]);
    cluster.kill(bad).await;
    cluster.node(worse).state.spoil(Table::Data, &EntryId(3).key());
    let refused = pull(&cluster, bad, &[worse]).await.unwrap_err();
    assert!(refused.to_string().contains("entry 3: data_hash_mismatch"), "{refused}");
    let pulled = pull(&cluster, bad, &[worse, leader]).await.unwrap();
    assert_eq!(pulled.from, RaftId(leader));
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_a_member_is_given_a_state_and_nobody_asks_itself() {
    let mut cluster = Cluster::of(1).await;
    cluster.add_node(2).await;
    let refused = pull(&cluster, 2, &[1]).await.unwrap_err();
    assert!(refused.to_string().contains("node `2` is no member"), "{refused}");
    let nobody = pull(&cluster, 2, &[2]).await.unwrap_err();
    assert!(matches!(nobody, PullError::Nobody), "{nobody}");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_ends_before_the_log_begins_is_refused() {
    let (mut cluster, leader, followers) = three().await;
    let bad = followers[0];
    cluster.kill(bad).await;
    let beyond = raft::testing::purged_id(1_000, 1_000_000);
    raft::ports::LogStore::purge(&cluster.node(bad).log, 1_000_000, beyond).unwrap();
    let refused = pull(&cluster, bad, &[leader]).await.unwrap_err();
    assert!(refused.to_string().contains("and this log begins after"), "{refused}");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_known_from_a_state_and_from_a_snapshot() {
    let cluster = Cluster::of(2).await;
    let leader = cluster.leader().await;
    cluster.handle(leader).snapshot().await.unwrap();
    let state = &cluster.node(leader).state;
    let members = rebuild::members(&state.applied().unwrap().unwrap()).unwrap();
    let of_snapshot = rebuild::members_of_snapshots(&state.snapshots_dir()).unwrap();
    let expect: Vec<_> = (1..=2).map(|id| (RaftId(id), cluster.node(id).member())).collect();
    assert_eq!((&members, &of_snapshot), (&expect, &expect));
    cluster.stop().await;
}
