//! Nodes that come and go on purpose.

use crate::support::{Cluster, PATIENCE};
use raft::{Change, ChangeError, ReadError, Role};
use std::time::Duration;
use types::{ClusterId, LogIndex, RaftId, Ulid};

#[tokio::test(flavor = "multi_thread")]
async fn a_learner_gets_a_snapshot_when_the_log_is_gone_and_is_promoted() {
    let mut cluster = Cluster::of(1).await;
    for _ in 0..30 {
        cluster.propose(1).await;
    }
    let leader = cluster.handle(1);
    let taken = leader.snapshot().await.unwrap();
    assert!(taken.size > 0);
    leader.purge(taken.index).await.unwrap();
    let is_purged =
        |cluster: &Cluster| cluster.handle(1).status().purged_index == Some(taken.index);
    cluster.wait("the log is purged", is_purged).await;
    cluster.add_node(2).await;
    cluster.join(2).await;
    assert!(cluster.handle(2).status().snapshot_index >= Some(taken.index));
    let committed = cluster.propose(2).await;
    cluster.applied_everywhere(committed.index).await;
    cluster.assert_same_everywhere().await;

    // What was received by snapshot survives a crash of its receiver, which can
    // itself send it on.
    cluster.kill(2).await;
    cluster.restart(2).await;
    cluster.leader().await;
    cluster.applied_everywhere(committed.index).await;
    cluster.assert_same_everywhere().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leadership_is_transferred_from_any_node() {
    let cluster = Cluster::of(3).await;
    let first = cluster.leader().await;
    let target = cluster.followers(first)[1];
    let via = cluster.followers(first)[0];
    cluster.handle(via).transfer_leader(Some(RaftId(target))).await.unwrap();
    assert_eq!(cluster.leader().await, target);
    cluster.propose(first).await;
    cluster.assert_same_everywhere().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_removed_hands_over_first() {
    let cluster = Cluster::of(3).await;
    let first = cluster.leader().await;
    let via = cluster.followers(first)[0];
    cluster.handle(via).remove(RaftId(first)).await.unwrap();
    let is_gone = |cluster: &Cluster| {
        let status = cluster.handle(via).status();
        !status.voters.contains(&RaftId(first)) && !status.joint && status.membership_committed
    };
    cluster.wait("it is gone", is_gone).await;
    assert_ne!(cluster.handle(first).status().role, Role::Leader);
    cluster.propose(via).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voter_becomes_a_learner_and_a_learner_leaves() {
    let cluster = Cluster::of(3).await;
    let leader = cluster.leader().await;
    let other = RaftId(cluster.followers(leader)[0]);
    let handle = cluster.handle(leader);
    handle.demote(other).await.unwrap();
    assert_eq!(handle.status().learners, [other]);
    let becomes_learner =
        |cluster: &Cluster| cluster.handle(other.0).status().role == Role::Learner;
    cluster.wait("it knows", becomes_learner).await;
    let committed = cluster.propose(other.0).await;
    cluster.applied_everywhere(committed.index).await;
    handle.remove(other).await.unwrap();
    assert!(handle.status().learners.is_empty());
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_cost_the_quorum_is_refused_with_the_reason() {
    let mut cluster = Cluster::of(3).await;
    let leader = cluster.leader().await;
    let others = cluster.followers(leader);
    let (dead, living) = (others[0], others[1]);
    cluster.kill(dead).await;
    let handle = cluster.handle(leader);
    let lost_contact = |cluster: &Cluster| {
        let peers = cluster.handle(leader).status().peers;
        peers[&RaftId(dead)].last_contact.is_none_or(|since| since > Duration::from_secs(2))
    };
    cluster.wait("the leader misses it", lost_contact).await;
    let refused = handle.remove(RaftId(living)).await;
    assert!(matches!(&refused, Err(ChangeError::Unsafe(why)) if why.contains("1 answer")));
    let plan = cluster.handle(living).plan(&Change::Remove(RaftId(living))).await.unwrap();
    assert!(!plan.allowed && plan.voters_before.len() == 3 && plan.voters_after.len() == 2);
    assert_eq!(plan.unreachable, [RaftId(dead)]);
    let plan = handle.plan(&Change::Remove(RaftId(dead))).await.unwrap();
    assert!(plan.allowed, "{plan:?}");
    assert_eq!(handle.status().voters.len(), 3, "a plan changes nothing");
    handle.remove(RaftId(dead)).await.unwrap();
    assert_eq!(handle.status().voters.len(), 2);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_another_cluster_is_not_let_in() {
    let mut cluster = Cluster::of(1).await;
    let own = cluster.cluster_id;
    cluster.cluster_id = ClusterId(Ulid(78));
    cluster.add_node(2).await;
    cluster.cluster_id = own;
    let stranger = cluster.node(2);
    cluster.handle(1).add_learner(stranger.id, stranger.member()).await.unwrap();
    let committed = cluster.propose(1).await;
    // Every call to it is refused, so it never hears of anything.
    let refused = cluster.handle(1).promote(RaftId(2)).await;
    assert!(matches!(refused, Err(ChangeError::Unsafe(_) | ChangeError::NotCaughtUp { .. })));
    let reached = cluster.handle(2).wait_applied(committed.index, Duration::from_secs(1)).await;
    assert!(!reached, "a stranger was told");
    assert_eq!(cluster.handle(2).status().last_log_index, None);
    let read = cluster.handle(2).read_index(Duration::from_millis(200)).await;
    assert_eq!(read, Err(ReadError::NoLeader));
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn founding_twice_and_adding_twice_change_nothing() {
    let mut cluster = Cluster::of(1).await;
    cluster.add_node(2).await;
    let (first, second) = (cluster.node(1), cluster.node(2));
    first.handle().initialize(first.member()).await.unwrap();
    let added = first.handle().add_learner(second.id, second.member()).await.unwrap();
    assert!(added.index > Some(LogIndex(0)));
    let again = first.handle().add_learner(second.id, second.member()).await.unwrap();
    assert_eq!(again.index, None);
    let other = first.handle().add_learner(second.id, first.member()).await;
    assert!(matches!(other, Err(ChangeError::Unsafe(_))), "{other:?}");
    let index = added.index.unwrap();
    assert!(second.handle().wait_applied(index, PATIENCE).await);
    cluster.stop().await;
}
