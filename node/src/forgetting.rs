//! Makes what was erased physically gone from this node: from the state, the
//! Raft log, the snapshots and the files of exports.
//!
//! An erasure only deletes rows; the bytes lie in files until these are written
//! anew. Several runs close to each other are made good for together.
//!
//! Invariants
//! - What the ledger says is gone from a node is gone from the state it has now:
//!   one that was put in its place is gone through again.

use std::time::Duration;

use governance::command::{Command, ReportForgotten};
use governance::{Direction, view};
use ledger::EntryType;
use raft::{Clock as _, SystemClock};
use serde::{Deserialize, Serialize};
use storage::DataDir;
use tokio_util::sync::CancellationToken;
use types::{EntryId, Timestamp};

use crate::identity;
use crate::run::Running;

/// Pause after the bytes could not be removed.
const RETRY: Duration = Duration::from_secs(60);

/// Without an erasure there is nothing to do; this only bounds the wait.
const LOOK: Duration = Duration::from_secs(3600);

/// File in the data directory that says how far this node has come.
const MARK: &str = "forgotten";

/// What is gone from the disk. A state that came from elsewhere, in another
/// directory, may hold it again.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// The directory of the state.
    state: String,
    /// The last run.
    through: u64,
}

/// Looks after it for as long as the node runs.
pub(crate) async fn run(running: Running, dir: DataDir, stop: CancellationToken) {
    loop {
        let pause = match forget(&running, &dir).await {
            Ok(pause) => pause,
            Err(why) => {
                tracing::error!(why, "what was erased is not gone from the disk yet");
                RETRY
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = running.quarantine.entered() => return,
            () = running.watch.erased() => (),
            () = tokio::time::sleep(pause) => (),
        }
    }
}

/// Removes what is left of erased bytes once it is time. Says how long there is
/// nothing to do.
async fn forget(running: &Running, dir: &DataDir) -> Result<Duration, String> {
    let Some(due) = pending(running, dir)? else { return Ok(LOOK) };
    let due_at = match due.is_gone {
        true => 0,
        false => due.since.0.saturating_add(micros(running.config.forget_after)),
    };
    let wait = Duration::from_micros(due_at.saturating_sub(SystemClock.now().0));
    if !wait.is_zero() {
        return Ok(wait);
    }
    if !due.is_gone {
        let state = state_directory(dir)?;
        let index = running.handle.applied_index();
        running.handle.forget_through(index).await.map_err(|error| error.to_string())?;
        running.exports.forget(running).map_err(|error| error.to_string())?;
        if state_directory(dir)? != state {
            return Err("the state was replaced meanwhile".to_owned());
        }
        let mark = Mark { state, through: due.through.0 };
        identity::save(&dir.path().join(MARK), &mark).map_err(|error| error.to_string())?;
        tracing::info!(entry = due.through.0, "what was erased up to this run is gone");
    }
    report(running, due.through).await?;
    Ok(LOOK)
}

async fn report(running: &Running, through: EntryId) -> Result<(), String> {
    let report = ReportForgotten { raft_id: running.identity.raft_id, through };
    let envelope = running.envelope(Command::ReportForgotten(report));
    let envelope = envelope.map_err(|error| error.to_string())?;
    running.handle.propose(envelope).await.map_err(|error| error.to_string())?;
    Ok(())
}

/// What is to be done.
struct Due {
    /// The last run.
    through: EntryId,
    /// When the first run that is not done was recorded.
    since: Timestamp,
    /// Only that it is done is not recorded yet.
    is_gone: bool,
}

fn pending(running: &Running, dir: &DataDir) -> Result<Option<Due>, String> {
    let state = running.handle.view().map_err(|error| error.to_string())?;
    let Some(last) = run_after(&state, None, Direction::Descending)? else {
        return Ok(None);
    };
    let through = last.header.id;
    let mark = mark(dir)?;
    if mark.is_some_and(|mark| through.0 <= mark) {
        let listed = view::forgotten(&state).map_err(|error| error.to_string())?;
        let listed = listed.iter().find(|(id, _)| *id == running.identity.raft_id);
        let is_known = listed.is_some_and(|(_, listed)| through <= *listed);
        let since = last.header.timestamp;
        return Ok((!is_known).then_some(Due { through, since, is_gone: true }));
    }
    let first = run_after(&state, mark.map(EntryId), Direction::Ascending)?;
    let since = first.unwrap_or(last).header.timestamp;
    Ok(Some(Due { through, since, is_gone: false }))
}

/// The last run that is gone from the state in force.
fn mark(dir: &DataDir) -> Result<Option<u64>, String> {
    let mark: Option<Mark> =
        identity::load(&dir.path().join(MARK)).map_err(|error| error.to_string())?;
    let state = state_directory(dir)?;
    Ok(mark.filter(|mark| mark.state == state).map(|mark| mark.through))
}

/// Name of the state's directory: another state lies in another one.
fn state_directory(dir: &DataDir) -> Result<String, String> {
    let path = dir.state_dir().join("current");
    let name = std::fs::read_to_string(&path);
    name.map(|name| name.trim().to_owned()).map_err(|error| error.to_string())
}

/// The first run after an entry, or the last there is.
fn run_after(
    state: &storage::View,
    after: Option<EntryId>,
    direction: Direction,
) -> Result<Option<ledger::StoredEntry>, String> {
    let query = view::EntryQuery {
        after,
        before: None,
        entry_type: Some(EntryType::AnonymizationRun),
        actor: None,
        from: None,
        to: None,
        direction,
        limit: 1,
    };
    let page = view::entries(state, &query).map_err(|error| error.to_string())?;
    Ok(page.entries.into_iter().next())
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(crate) mod tests;
