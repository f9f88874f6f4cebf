//! `kill -9` under load: of the leader, of a follower, of all nodes at once,
//! in an order drawn from a seed, and each brought back.
//!
//! `JEPSEN_SEED=… make jepsen` repeats a run; `make jepsen N=20` makes twenty.

use jepsen_tests::nemesis::{Dice, Kill};
use jepsen_tests::trial::{self, cluster_with_policy, judge, report};
use jepsen_tests::workload::Workload;

const CLIENTS: usize = 8;
/// Acknowledged between one fault and the next, at least.
const QUIET: u64 = 30;

#[tokio::test]
async fn every_acknowledged_decision_is_there_once_after_kills() {
    let _turn = trial::turn().await;
    let (mut dice, seed) = Dice::from_environment();
    eprintln!("JEPSEN_SEED={seed}");
    let mut cluster = cluster_with_policy(3).await.unwrap();
    let workload = Workload::start(cluster.addresses(), CLIENTS);
    workload.wait_for_more(QUIET).await.unwrap();

    for kill in Kill::all_in_any_order(&mut dice) {
        let dead = kill.strike(&mut cluster, &mut dice).await.unwrap();
        eprintln!("{kill:?}: killed {dead:?} after {} decisions", workload.acknowledged());
        if kill != Kill::All {
            workload.wait_for_more(QUIET).await.unwrap();
        }
        cluster.restart_dead().await.unwrap();
        let quiet = QUIET + u64::try_from(dice.below(100)).unwrap();
        workload.wait_for_more(quiet).await.unwrap();
    }

    let history = workload.stop().await;
    let found = judge(&mut cluster, &history).await.unwrap();
    assert!(found.is_empty(), "JEPSEN_SEED={seed}\n{}", report(&found));
    assert!(history.unresolved.is_empty(), "never answered: {:?}", history.unresolved);
    eprintln!("{} decisions acknowledged, each there once", history.acknowledged.len());
}

#[tokio::test]
async fn any_one_node_may_die_and_decisions_flow_on() {
    let _turn = trial::turn().await;
    let mut cluster = cluster_with_policy(3).await.unwrap();
    let workload = Workload::start(cluster.addresses(), 2);
    for at in 0..cluster.len() {
        workload.wait_for_more(5).await.unwrap();
        cluster.kill(&[at]);
        workload.wait_for_more(20).await.unwrap();
        cluster.restart_dead().await.unwrap();
    }
    let history = workload.stop().await;
    let found = judge(&mut cluster, &history).await.unwrap();
    assert!(found.is_empty(), "{}", report(&found));
}

#[tokio::test]
async fn a_node_told_to_stop_ends_by_itself_and_catches_up_when_it_returns() {
    let _turn = trial::turn().await;
    let mut cluster = cluster_with_policy(3).await.unwrap();
    let leader = cluster.leader().await.unwrap();
    let before = cluster.status(leader).await.unwrap().ledger_size;
    let workload = Workload::start(cluster.addresses(), 2);
    workload.wait_for_more(5).await.unwrap();
    // The product promises 10 s; the rest is for a machine that is busy.
    let within = std::time::Duration::from_secs(15);
    let status = cluster.node(leader).terminate(within).await.unwrap();
    assert!(status.success(), "SIGTERM ended it with {status}");
    workload.wait_for_more(20).await.unwrap();
    let history = workload.stop().await;
    let found = judge(&mut cluster, &history).await.unwrap();
    assert!(found.is_empty(), "{}", report(&found));
    assert!(before + 25 <= cluster.status(leader).await.unwrap().ledger_size);
}
