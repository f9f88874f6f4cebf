//! Founding a cluster of one: Raft first, then genesis.
//!
//! A crash between the two does no harm: whoever leads while the ledger is
//! empty proposes genesis, and only the founder can lead then.

use std::time::Duration;

use governance::command::{Command, ENVELOPE_VERSION, Envelope, Found, MAIN_GROUP, Principal};
use governance::{Outcome, Rejection, Seed, view};
use types::ClusterId;

use crate::run::{Running, StartError};

/// How long to wait before another try; the first ones find no leader yet.
const PAUSE: Duration = Duration::from_millis(50);

/// Draws the id of a new cluster.
pub(crate) fn draw_cluster_id(now: types::Timestamp) -> Result<ClusterId, StartError> {
    let mut random = [0; 10];
    getrandom::fill(&mut random).map_err(StartError::Random)?;
    Ok(ClusterId(types::Ulid::from_parts(now.millis(), random)))
}

/// Makes this node the only voter and writes genesis, unless that was done.
pub(crate) async fn found(running: &Running, log_name: &str) -> Result<(), StartError> {
    running.handle.initialize(running.member()).await.map_err(StartError::raft)?;
    while is_empty(running)? {
        match running.handle.propose(genesis(running, log_name)?).await {
            Ok(committed) => match committed.outcome {
                Outcome::Founded(_) | Outcome::Rejected(Rejection::AlreadyFounded) => return Ok(()),
                other => return Err(StartError::Genesis(format!("{other:?}"))),
            },
            Err(error) => {
                tracing::debug!(%error, "genesis is not recorded yet");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    Ok(())
}

fn is_empty(running: &Running) -> Result<bool, StartError> {
    let state = running.handle.view().map_err(StartError::State)?;
    view::head(&state).map(|head| head.size() == 0).map_err(StartError::Damaged)
}

fn genesis(running: &Running, log_name: &str) -> Result<Envelope, StartError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(StartError::Random)?;
    let node = running.description();
    Ok(Envelope {
        version: ENVELOPE_VERSION,
        group: MAIN_GROUP.to_owned(),
        principal: Principal::node(&node.name),
        asked_node: node.name.clone(),
        idempotency: None,
        seed: Seed(seed),
        command: Command::Found(Found {
            cluster_id: running.identity.cluster_id,
            log_name: log_name.to_owned(),
            node,
            raft_id: running.identity.raft_id,
        }),
    })
}
