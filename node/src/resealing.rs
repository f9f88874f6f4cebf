//! Keeps what lies in the data directory sealed with the key that is active:
//! makes another when it is old, and writes everything anew that is not sealed
//! with it, in the background.
//!
//! The same is done once encryption is turned on, and after a state came from a
//! node that seals with other keys, or not at all.
//!
//! Invariants
//! - A key is destroyed only after nothing on this node's disk is sealed with it:
//!   state, snapshots and log have been gone through in this order.

use std::time::Duration;

use storage::DataDir;
use storage::keyring::Pass;
use storage::state::{Rewriting, State, Step};
use tokio_util::sync::CancellationToken;
use types::LogIndex;

use crate::run::Running;

/// How often it is looked whether there is something to do: what a snapshot
/// brings is not announced.
const LOOK: Duration = Duration::from_secs(5);

/// Pause between two steps, each of which holds commits up for about as long.
const BREATH: Duration = Duration::from_millis(5);

/// How long it is waited before another try.
const RETRY: Duration = Duration::from_secs(30);

/// What it works on besides the replica.
#[derive(Clone, Debug)]
pub(crate) struct Stores {
    pub(crate) dir: DataDir,
    pub(crate) log: storage::Log,
    pub(crate) state: State,
}

/// Looks after it for as long as the node runs.
pub(crate) async fn run(running: Running, stores: Stores, stop: CancellationToken) {
    loop {
        let pause = match look(&running, &stores).await {
            Ok(()) => LOOK,
            Err(why) => {
                tracing::warn!(why, "not everything is sealed with the active key yet");
                RETRY
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = running.quarantine.entered() => return,
            () = tokio::time::sleep(pause) => (),
        }
    }
}

async fn look(running: &Running, stores: &Stores) -> Result<(), String> {
    let keyring = stores.state.keyring();
    let rotate_after = running.config.encryption.rotate_after;
    // A pass that is due is what makes room for another key where there is none.
    let rotated = keyring.rotate_after(rotate_after);
    if let Some(pass) = keyring.pass() {
        reseal(running, stores, &pass).await?;
    }
    rotated.map(drop).map_err(|error| error.to_string())
}

async fn reseal(running: &Running, stores: &Stores, pass: &Pass) -> Result<(), String> {
    // Records after this one are sealed with the active key: it was made before.
    // One that is not applied yet may be lost with its key.
    let last = stores.log.state().map_err(|error| error.to_string())?.last;
    let last = last.map_or(0, |last| last.index);
    if !running.handle.wait_applied(LogIndex(last), RETRY).await {
        return Err(format!("record {last} of the log is not applied yet"));
    }
    tracing::info!("writing everything anew that is not sealed with the active key");
    let rows = rewrite(&stores.state, pass).await?;
    let state = stores.state.clone();
    off_thread(move || state.compact_all()).await?;
    // What is kept of a bad state would go, for a state that only came from
    // elsewhere: its keys stay until they are replaced by age.
    let has_evidence = stores.dir.has_evidence().map_err(|error| error.to_string())?;
    let is_physical = !(pass.state_only && has_evidence);
    if is_physical {
        // It replaces the snapshots and purges the log.
        let applied = running.handle.applied_index();
        running.handle.forget_through(applied).await.map_err(|error| error.to_string())?;
    }
    let keyring = stores.state.keyring();
    if !keyring.finish(pass, is_physical).map_err(|error| error.to_string())? {
        return Err("the state was replaced meanwhile".to_owned());
    }
    let keys = keyring.status().keys;
    tracing::info!(rows, keys, "everything is sealed with the active key");
    Ok(())
}

/// Writes the state anew, step by step; how many rows that were.
async fn rewrite(state: &State, pass: &Pass) -> Result<u64, String> {
    let mut rewriting = Rewriting::default();
    loop {
        if !state.keyring().is_current(pass) {
            return Err("the state was replaced meanwhile".to_owned());
        }
        let (taken, step) = {
            let (state, mut rewriting) = (state.clone(), rewriting);
            off_thread(move || state.rewrite(&mut rewriting).map(|step| (rewriting, step))).await?
        };
        rewriting = taken;
        match step {
            Step::More => tokio::time::sleep(BREATH).await,
            Step::Done => return Ok(rewriting.rewritten),
            Step::Replaced => return Err("the state was replaced meanwhile".to_owned()),
        }
    }
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other);
    done.and_then(|done| done).map_err(|error| error.to_string())
}
