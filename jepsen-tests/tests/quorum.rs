//! Without a majority nothing is recorded, and whoever asks is told so in time.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::{Duration, Instant};

use jepsen_tests::audit::read_ledger;
use jepsen_tests::cluster::{Cluster, PATIENCE};
use jepsen_tests::http::Client;
use jepsen_tests::trial::{self, cluster_with_policy, judge, report};
use jepsen_tests::wait;
use jepsen_tests::workload::{History, decide_body};
use types::Json;

/// api.md: `no_leader` within 5 s. The slack is for a busy machine.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5 + 3);

/// Kills all nodes but one and waits until that one cannot confirm a leader.
/// Before, one that led has a lease and may rightly append what it is sent.
async fn leave_alone(cluster: &mut Cluster, survivor: usize) -> Client {
    let others: Vec<usize> = (0..cluster.len()).filter(|at| *at != survivor).collect();
    cluster.kill(&others);
    let mut client = cluster.client(survivor);
    wait::until("the survivor to find no leader", PATIENCE, async || {
        match client.get("/ledger/entries?consistency=linearizable").await {
            Ok(reply) if reply.code().as_deref() == Some("no_leader") => Ok(()),
            Ok(reply) => Err(reply.quoted()),
            Err(err) => Err(err.to_string()),
        }
    })
    .await
    .unwrap();
    client
}

async fn times_recorded(cluster: &Cluster, at: usize, request_id: &str) -> usize {
    let copy = read_ledger(&mut cluster.client(at), "reader").await.unwrap();
    assert_eq!(copy.fault, None);
    copy.entries.iter().filter(|entry| entry.request_id.as_deref() == Some(request_id)).count()
}

#[tokio::test]
async fn a_write_without_a_quorum_is_refused_in_time_and_never_recorded() {
    let _turn = trial::turn().await;
    let mut cluster = cluster_with_policy(3).await.unwrap();
    let survivor = cluster.leader().await.unwrap();
    let mut client = leave_alone(&mut cluster, survivor).await;

    let asked = Instant::now();
    let reply = client.post("/decide", &decide_body("refused")).await.unwrap();
    let took = asked.elapsed();
    assert_eq!((reply.status, reply.code().as_deref()), (503, Some("no_leader")));
    assert!(took <= ANSWERED_WITHIN, "answered only after {took:?}");

    let found = judge(&mut cluster, &History::default()).await.unwrap();
    assert!(found.is_empty(), "{}", report(&found));
    for at in 0..cluster.len() {
        assert_eq!(times_recorded(&cluster, at, "refused").await, 0, "on node {at}");
    }
    // What was refused left no key behind: asked again, it is judged afresh.
    let reply = client.post_json("/decide", &decide_body("refused")).await.unwrap();
    assert!(reply.as_object().unwrap().get("ledger_entry_id").and_then(Json::as_u64).is_some());
    assert_eq!(times_recorded(&cluster, survivor, "refused").await, 1);
}

#[tokio::test]
async fn a_node_alone_answers_reads_and_says_that_nobody_leads() {
    let _turn = trial::turn().await;
    let mut cluster = cluster_with_policy(3).await.unwrap();
    let leader = cluster.leader().await.unwrap();
    for survivor in [(leader + 1) % 3, leader] {
        let mut client = leave_alone(&mut cluster, survivor).await;
        client.get_json("/ledger/entries?verify=true").await.unwrap();
        assert_eq!(client.get("/health/ready?for=reads").await.unwrap().status, 200);
        let ready = client.get("/health/ready").await.unwrap();
        assert_eq!(ready.status, 503, "{}", ready.quoted());
        assert_eq!(cluster.status(survivor).await.unwrap().leader_id, None);
        cluster.restart_dead().await.unwrap();
    }
}

/// A dead peer is the ordinary case of a fault: it must not cost the others
/// their processor, nor the operator the disk under the logs.
#[tokio::test]
async fn a_dead_peer_costs_the_living_little() {
    const WATCHED: Duration = Duration::from_secs(5);
    const LOG_BYTES_MAX: u64 = 1 << 20;
    let _turn = trial::turn().await;
    let mut cluster = cluster_with_policy(3).await.unwrap();
    let leader = cluster.leader().await.unwrap();
    let follower = (leader + 1) % cluster.len();
    cluster.kill(&[follower]);
    cluster.client(leader).post_json("/decide", &decide_body("after")).await.unwrap();

    let before = cluster.node(leader).processor_time().unwrap();
    // Not a wait for something to happen: what is tested is what does not.
    tokio::time::sleep(WATCHED).await;
    let used = cluster.node(leader).processor_time().unwrap() - before;
    assert!(used < WATCHED / 4, "a leader without anything to do used {used:?} of {WATCHED:?}");
    let written = cluster.node(leader).log_bytes();
    assert!(written < LOG_BYTES_MAX, "it wrote {written} bytes of log");
}

#[tokio::test]
async fn a_follower_alone_waits_and_does_not_ask_without_pause() {
    const WATCHED: Duration = Duration::from_secs(5);
    let _turn = trial::turn().await;
    let mut cluster = cluster_with_policy(3).await.unwrap();
    let leader = cluster.leader().await.unwrap();
    let survivor = (leader + 1) % cluster.len();
    leave_alone(&mut cluster, survivor).await;
    let before = cluster.node(survivor).processor_time().unwrap();
    // Not a wait for something to happen: what is tested is what does not.
    tokio::time::sleep(WATCHED).await;
    let used = cluster.node(survivor).processor_time().unwrap() - before;
    assert!(used < WATCHED / 4, "a follower that is cut off used {used:?} of {WATCHED:?}");
}

#[tokio::test]
async fn a_write_in_flight_when_the_quorum_goes_is_recorded_once_or_not_at_all() {
    let _turn = trial::turn().await;
    let mut cluster = cluster_with_policy(3).await.unwrap();
    let leader = cluster.leader().await.unwrap();
    let others: Vec<usize> = (0..cluster.len()).filter(|at| *at != leader).collect();
    cluster.kill(&others);

    let mut client = Client::new(cluster.addresses()[leader], Duration::from_secs(15));
    let reply = client.post("/decide", &decide_body("in flight")).await.unwrap();
    assert_eq!(reply.status, 503, "{}", reply.quoted());
    let code = reply.code().unwrap();
    assert!(["no_leader", "outcome_unknown"].contains(&code.as_str()), "{code}");

    cluster.restart_dead().await.unwrap();
    cluster.leader().await.unwrap();
    // The client learns the truth by asking again with the same key.
    client.post_json("/decide", &decide_body("in flight")).await.unwrap();
    cluster.settle().await.unwrap();
    for at in 0..cluster.len() {
        assert_eq!(times_recorded(&cluster, at, "in flight").await, 1, "on node {at}");
    }
}
