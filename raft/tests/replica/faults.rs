//! Nodes that die, disks that hang, clocks that lie.

use std::time::{Duration, Instant};

use crate::support::{Cluster, PATIENCE, is_decided};
use raft::{ProposeError, ReadError, Role};

#[tokio::test(flavor = "multi_thread")]
async fn another_leads_when_the_leader_dies_and_it_catches_up_when_it_is_back() {
    let mut cluster = Cluster::of(3).await;
    let first = cluster.leader().await;
    cluster.propose(first).await;
    cluster.kill(first).await;
    let second = cluster.leader().await;
    assert_ne!(first, second);
    for via in cluster.followers(0) {
        assert!(is_decided(&cluster.propose(via).await));
    }
    cluster.restart(first).await;
    let last = cluster.propose(first).await;
    cluster.applied_everywhere(last.index).await;
    cluster.assert_same_everywhere().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_may_die_at_once_and_nothing_acknowledged_is_lost() {
    let mut cluster = Cluster::of(3).await;
    let name = "acknowledged-before".to_owned();
    let leader = cluster.leader().await;
    let done = cluster.handle(leader).propose(cluster.command_about(&name)).await.unwrap();
    for id in 1..=3 {
        cluster.kill(id).await;
    }
    for id in 1..=3 {
        cluster.restart(id).await;
    }
    cluster.leader().await;
    cluster.applied_everywhere(done.index).await;
    assert!((1..=3).all(|id| cluster.is_recorded(id, &name)));
    cluster.assert_same_everywhere().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_quorum_commands_have_no_leader_and_are_never_recorded() {
    let mut cluster = Cluster::of(3).await;
    let leader = cluster.leader().await;
    let others = cluster.followers(leader);
    for id in &others {
        cluster.kill(*id).await;
    }
    // The lease ends; from then on nothing is appended any more.
    let reader = cluster.handle(leader);
    let unconfirmed = reader.read_index(Duration::from_secs(3)).await;
    assert_eq!(unconfirmed, Err(ReadError::NoLeader));
    let name = "never-recorded".to_owned();
    let asked = Instant::now();
    let answer = cluster.handle(leader).propose(cluster.command_about(&name)).await;
    assert_eq!(answer, Err(ProposeError::NoLeader));
    assert!(asked.elapsed() < Duration::from_millis(5_500), "{:?}", asked.elapsed());
    for id in others {
        cluster.restart(id).await;
    }
    let later = cluster.propose(leader).await;
    cluster.applied_everywhere(later.index).await;
    assert!((1..=3).all(|id| !cluster.is_recorded(id, &name)));
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_under_way_that_does_not_come_back_is_unknown() {
    let tune = |config: &mut raft::Config| {
        config.bounds.outcome_wait = Duration::from_millis(500);
    };
    let cluster = Cluster::tuned(1, tune).await;
    cluster.node(1).log.hold();
    let name = "under-way".to_owned();
    let answer = cluster.handle(1).propose(cluster.command_about(&name)).await;
    assert_eq!(answer, Err(ProposeError::OutcomeUnknown));
    assert!(!cluster.is_recorded(1, &name));
    // Unknown is the truth: it is recorded after all.
    cluster.node(1).log.release();
    cluster.wait("it is recorded", |cluster| cluster.is_recorded(1, &name)).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_whose_leader_just_died_still_gets_its_commands_through() {
    let mut cluster = Cluster::of(3).await;
    let leader = cluster.leader().await;
    let follower = cluster.followers(leader)[0];
    cluster.propose(follower).await;
    cluster.kill(leader).await;
    // It still believes in the dead leader: the command waits, and is taken by
    // the next one.
    let answer = cluster.handle(follower).propose(cluster.command()).await.unwrap();
    assert!(is_decided(&answer));
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_whose_clock_is_off_hands_over_and_time_does_not_jump() {
    let cluster = Cluster::of(3).await;
    let first = cluster.leader().await;
    let before = cluster.propose(first).await;
    cluster.node(first).clock.set_ahead(3_600_000_000);
    let is_handed_over = |cluster: &Cluster| {
        cluster.followers(first).iter().any(|id| {
            let status = cluster.handle(*id).status();
            status.role == Role::Leader && status.stamps
        })
    };
    cluster.wait("another leads", is_handed_over).await;
    let after = cluster.propose(first).await;
    let passed = Duration::from_micros(after.at.0 - before.at.0);
    assert!(passed < PATIENCE * 2, "applied time has jumped by {passed:?}");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_entry_stops_the_node_and_it_says_why() {
    let cluster = Cluster::of(1).await;
    let log = cluster.node(1).log.clone();
    log.hold();
    let handle = cluster.handle(1);
    let asking = tokio::spawn({
        let command = cluster.command();
        async move { handle.propose(command).await }
    });
    let last = |cluster: &Cluster| cluster.handle(1).status().last_log_index;
    let before = cluster.handle(1).status().applied_index;
    cluster.wait("it is appended", |cluster| last(cluster) > before).await;
    log.damage_last();
    log.release();
    let reason = tokio::time::timeout(PATIENCE, cluster.handle(1).failed()).await.unwrap();
    assert_eq!(cluster.handle(1).status().failed, Some(reason));
    assert_eq!(asking.await.unwrap(), Err(ProposeError::OutcomeUnknown));
    let after = cluster.handle(1).propose(cluster.command()).await;
    assert!(matches!(after, Err(ProposeError::Stopped(_))), "{after:?}");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_starts_again_while_nothing_happens_is_told_what_comes_next() {
    let mut cluster = Cluster::of(3).await;
    let leader = cluster.leader().await;
    let follower = cluster.followers(leader)[0];
    let before = cluster.propose(follower).await;
    cluster.applied_everywhere(before.index).await;
    for _ in 0..5 {
        cluster.kill(follower).await;
        cluster.restart(follower).await;
        let next = cluster.propose(follower).await;
        cluster.applied_everywhere(next.index).await;
    }
    cluster.stop().await;
}
