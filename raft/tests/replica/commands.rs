//! Commands from any node, and reads after them.

use std::time::Duration;

use crate::support::{Cluster, PATIENCE, is_decided};
use raft::ProposeError;

#[tokio::test(flavor = "multi_thread")]
async fn every_node_takes_commands_and_all_hold_the_same() {
    let cluster = Cluster::of(3).await;
    for round in 0..5 {
        for via in 1..=3 {
            let committed = cluster.propose(via).await;
            assert!(is_decided(&committed), "round {round} via {via}: {committed:?}");
        }
    }
    cluster.assert_same_everywhere().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_share_entries_and_keep_their_order_and_time() {
    let cluster = Cluster::of(3).await;
    let handles: Vec<_> = (1..=3).map(|id| cluster.handle(id)).collect();
    let asked = (0..600).map(|n| {
        let handle = handles[n % 3].clone();
        let command = cluster.command();
        async move { handle.propose(command).await.unwrap() }
    });
    let mut committed = futures::future::join_all(asked).await;
    committed.sort_by_key(|done| (done.index, done.sub_index));
    for pair in committed.windows(2) {
        assert!(pair[0].at <= pair[1].at, "time runs backwards: {pair:?}");
        assert_ne!((pair[0].index, pair[0].sub_index), (pair[1].index, pair[1].sub_index));
    }
    let mut entries: Vec<_> = committed.iter().map(|done| done.index).collect();
    entries.dedup();
    assert!(entries.len() < 300, "600 commands took {} entries", entries.len());
    cluster.assert_same_everywhere().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_shows_what_was_written_elsewhere_before() {
    let cluster = Cluster::of(3).await;
    let leader = cluster.leader().await;
    for _ in 0..20 {
        let committed = cluster.propose(leader).await;
        for via in cluster.followers(leader) {
            let index = cluster.handle(via).read_index(PATIENCE).await.unwrap();
            assert!(index >= committed.index, "{index:?} is before {committed:?}");
            assert!(cluster.handle(via).status().applied_index >= Some(committed.index));
        }
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staleness_is_measured_and_grows_without_a_leader() {
    let mut cluster = Cluster::of(3).await;
    let is_fresh = |cluster: &Cluster| {
        let staleness = |id| cluster.handle(id).staleness();
        (1..=3).all(|id| staleness(id).is_some_and(|age| age < Duration::from_millis(900)))
    };
    cluster.wait("all are fresh", is_fresh).await;
    cluster.kill(1).await;
    cluster.kill(2).await;
    let is_stale = |cluster: &Cluster| {
        cluster.handle(3).staleness().is_some_and(|age| age > Duration::from_secs(2))
    };
    cluster.wait("the last one knows that it is stale", is_stale).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_and_too_large_are_refused() {
    let tune = |config: &mut raft::Config| {
        config.bounds.queued_max = 8;
        config.bounds.batches_in_flight_max = 1;
        config.bounds.batch_items_max = 1;
        config.bounds.command_bytes_max = 100_000;
    };
    let cluster = Cluster::tuned(1, tune).await;
    let large = cluster.command_about(&"x".repeat(100_000));
    assert_eq!(cluster.handle(1).propose(large).await, Err(ProposeError::TooLarge));

    // Nothing becomes durable: one is under way, eight wait, the rest is refused.
    cluster.node(1).log.hold();
    let asked = (0..20).map(|_| {
        let handle = cluster.handle(1);
        let command = cluster.command();
        tokio::spawn(async move { handle.propose(command).await })
    });
    let asked: Vec<_> = asked.collect();
    let answered = || asked.iter().filter(|task| task.is_finished()).count();
    cluster.wait("eleven are answered", |_| answered() >= 11).await;
    cluster.node(1).log.release();
    let answers = futures::future::join_all(asked).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    let refused = answers.iter().filter(|answer| **answer == Err(ProposeError::Overloaded));
    // Twelve when all came before the first of them was on its way.
    let refused = refused.count();
    assert!((11..=12).contains(&refused), "{refused} were refused");
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 20 - refused);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn commands_asked_together_are_recorded_in_their_order() {
    let cluster = Cluster::of(3).await;
    let leader = cluster.leader().await;
    for via in [cluster.followers(leader)[0], leader] {
        for _ in 0..10 {
            let envelopes: Vec<_> = (0..200).map(|_| cluster.command()).collect();
            let answers = cluster.handle(via).propose_all(envelopes).await;
            let places =
                answers.into_iter().map(|answer| answer.map(|at| (at.index, at.sub_index)));
            let places: Vec<_> = places.collect::<Result<_, _>>().unwrap();
            assert!(places.is_sorted(), "via {via}: {places:?}");
            assert_eq!(places.first().unwrap().0, places.last().unwrap().0, "via {via}: split");
        }
    }
    cluster.stop().await;
}
