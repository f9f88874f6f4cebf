//! The end of every fault test: heal, come to rest, read every node, judge.
//!
//! Also the turn-taking of tests: three nodes and their clients fill a small
//! machine, so tests of one executable run their clusters one after another.

use tokio::sync::{Mutex, MutexGuard};

use crate::audit;
use crate::check::{self, Violation};
use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::workload::{self, History};

static TURN: Mutex<()> = Mutex::const_new(());

/// Waits for this test's turn, which lasts as long as the guard.
pub async fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().await
}

/// A cluster with the policy under which the workload's decision is allowed.
///
/// # Errors
/// [`Failure`] if it does not start or refuses the policy.
pub async fn cluster_with_policy(size: usize) -> Result<Cluster, Failure> {
    let cluster = Cluster::start(size).await?;
    cluster.client(0).post_json("/policies/load", &workload::policy()).await?;
    Ok(cluster)
}

/// Starts what is dead, waits until all nodes have applied equally much and
/// checks every node's ledger against the history and against each other.
///
/// # Errors
/// [`Failure`] if the cluster does not come to rest, which is a failed test
/// like a violation is.
pub async fn judge(cluster: &mut Cluster, history: &History) -> Result<Vec<Violation>, Failure> {
    cluster.restart_dead().await?;
    cluster.leader().await?;
    let statuses = cluster.settle().await?;
    let mut copies = Vec::with_capacity(cluster.len());
    let mut found = check::diverged(&statuses);
    for (at, status) in statuses.iter().enumerate() {
        let mut client = cluster.client(at);
        let copy = audit::read_ledger(&mut client, &status.node_id).await?;
        let verdict = audit::ask_verdict(&mut client).await?;
        found.extend(check::verdict_agrees(&copy, &verdict));
        copies.push(copy);
    }
    found.extend(check::violations(history, &copies));
    found.extend(cluster.panics().into_iter().map(Violation::Unexpected));
    Ok(found)
}

/// The violations as text, one in a line: what an assertion shows.
pub fn report(found: &[Violation]) -> String {
    found.iter().map(|one| format!("{one}\n")).collect()
}
