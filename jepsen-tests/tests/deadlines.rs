//! What nobody answers in time expires, once, whoever leads then, and stays as it
//! was before that.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use jepsen_tests::cluster::{Cluster, PATIENCE};
use jepsen_tests::trial;
use jepsen_tests::wait;
use types::{Json, Object};

/// Escalations raised at once: more than one tick ends.
const RAISED: usize = 120;
/// Past the two hours of a critical one.
const AHEAD_SECONDS: &str = "7300";

fn asked() -> Json {
    let risk = Json::object([("security", 99_u32.into())]);
    Json::object([("actor", "ai:a".into()), ("action", "pay".into()), ("risk", risk)])
}

async fn look(cluster: &Cluster, at: usize, path: &str) -> Object {
    cluster.client(at).get_json(path).await.unwrap().as_object().unwrap().clone()
}

fn number(object: &Object, name: &str) -> u64 {
    object.get(name).and_then(Json::as_u64).unwrap()
}

async fn raise(cluster: &Cluster) -> String {
    let requests = Json::Array(vec![asked(); RAISED]);
    let body = Json::object([("requests", requests)]);
    let reply = cluster.client(0).post_json("/decide/batch", &body).await.unwrap();
    let results = reply.as_object().unwrap().get("results").unwrap().as_array().unwrap();
    let first = results[0].as_object().unwrap().get("escalation_id").unwrap();
    first.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn escalations_that_nobody_answers_expire_once_on_every_node() {
    let _turn = trial::turn().await;
    let mut cluster = Cluster::start(3).await.unwrap();
    let first = raise(&cluster).await;
    cluster.settle().await.unwrap();
    let violations = look(&cluster, 0, "/escalations/sla/violations").await;
    assert_eq!(number(&violations, "count"), 0);

    // Hours pass while nobody runs.
    cluster.kill(&[0, 1, 2]);
    for at in 0..3 {
        cluster.node(at).set("FAILPOINT_CLOCK_AHEAD_S", AHEAD_SECONDS);
    }
    cluster.restart_dead().await.unwrap();
    let path = "/ledger/entries?entry_type=escalation_expired&limit=1";
    wait::until("the sweep", PATIENCE, async || {
        let total = number(&look(&cluster, 0, path).await, "total");
        if total < RAISED as u64 { Err(format!("{total} have expired")) } else { Ok(()) }
    })
    .await
    .unwrap();

    // The next leader finds nothing left to end.
    let leader = cluster.leader().await.unwrap();
    cluster.kill(&[leader]);
    cluster.restart_dead().await.unwrap();
    cluster.client(0).post_json("/decide", &asked()).await.unwrap();
    cluster.settle().await.unwrap();
    for at in 0..3 {
        assert_eq!(number(&look(&cluster, at, path).await, "total"), RAISED as u64);
        let violations = look(&cluster, at, "/escalations/sla/violations?limit=1").await;
        assert_eq!(number(&violations, "count"), RAISED as u64);
        let it = look(&cluster, at, &format!("/escalations/{first}")).await;
        assert_eq!(it.get("status").and_then(Json::as_str), Some("expired"));
        let decision = it.get("decision_id").unwrap().as_str().unwrap();
        let decision = look(&cluster, at, &format!("/decisions/{decision}")).await;
        assert_eq!(decision.get("effective_outcome"), decision.get("outcome"));
    }
    assert!(cluster.panics().is_empty(), "{:?}", cluster.panics());
}
