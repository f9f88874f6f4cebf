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

/// Kills all nodes but one and waits until that one knows that nobody leads.
async fn leave_alone(cluster: &mut Cluster, survivor: usize) -> Client {
    let others: Vec<usize> = (0..cluster.len()).filter(|at| *at != survivor).collect();
    cluster.kill(&others);
    wait::until("the survivor to know no leader", PATIENCE, async || {
        match cluster.status(survivor).await.map_err(|err| err.to_string())?.leader_id {
            None => Ok(()),
            Some(name) => Err(format!("it follows {name}")),
        }
    })
    .await
    .unwrap();
    cluster.client(survivor)
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
async fn a_node_alone_still_answers_reads_and_refuses_a_linearizable_one() {
    let _turn = trial::turn().await;
    let mut cluster = cluster_with_policy(3).await.unwrap();
    let leader = cluster.leader().await.unwrap();
    let survivor = (leader + 1) % cluster.len();
    let mut client = leave_alone(&mut cluster, survivor).await;

    client.get_json("/ledger/entries?verify=true").await.unwrap();
    let reply = client.get("/ledger/entries?consistency=linearizable").await.unwrap();
    assert_eq!((reply.status, reply.code().as_deref()), (503, Some("no_leader")));
    assert_eq!(client.get("/health/ready").await.unwrap().status, 503);
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
