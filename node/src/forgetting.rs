//! Makes what was erased physically gone from this node: from the state, the
//! Raft log and the snapshots.
//!
//! An erasure only deletes rows; the bytes lie in files until these are written
//! anew. Several runs close to each other are made good for together.

use std::time::Duration;

use governance::command::{Command, ReportForgotten};
use governance::{Direction, view};
use ledger::EntryType;
use tokio_util::sync::CancellationToken;
use types::EntryId;

use crate::run::Running;

/// Pause after the bytes could not be removed.
const RETRY: Duration = Duration::from_secs(60);

/// Looks after it for as long as the node runs.
pub(crate) async fn run(running: Running, stop: CancellationToken) {
    let delay = running.config.forget_after;
    loop {
        let done = tokio::select! {
            () = stop.cancelled() => return,
            () = running.quarantine.entered() => return,
            done = forget(&running, delay) => done,
        };
        let pause = match done {
            // Until there is something to do.
            Ok(()) => Duration::MAX,
            Err(why) => {
                tracing::error!(why, "what was erased is not gone from the disk yet");
                RETRY
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = running.watch.erased() => (),
            () = tokio::time::sleep(pause.min(Duration::from_secs(24 * 3600))) => (),
        }
    }
}

/// Removes what is left of erased bytes, if there is any.
async fn forget(running: &Running, delay: Duration) -> Result<(), String> {
    if pending(running)?.is_none() {
        return Ok(());
    }
    tokio::time::sleep(delay).await;
    let Some(through) = pending(running)? else { return Ok(()) };
    let index = running.handle.applied_index();
    running.handle.forget_through(index).await.map_err(|error| error.to_string())?;
    tracing::info!(entry = through.0, "what was erased up to this run is gone from the disk");
    let report = ReportForgotten { raft_id: running.identity.raft_id, through };
    let envelope = running.envelope(Command::ReportForgotten(report));
    let envelope = envelope.map_err(|error| error.to_string())?;
    running.handle.propose(envelope).await.map_err(|error| error.to_string())?;
    Ok(())
}

/// The last run, if its bytes are not known to be gone from this node.
fn pending(running: &Running) -> Result<Option<EntryId>, String> {
    let state = running.handle.view().map_err(|error| error.to_string())?;
    let query = view::EntryQuery {
        after: None,
        before: None,
        entry_type: Some(EntryType::AnonymizationRun),
        actor: None,
        from: None,
        to: None,
        direction: Direction::Descending,
        limit: 1,
    };
    let page = view::entries(&state, &query).map_err(|error| error.to_string())?;
    let Some(last) = page.entries.first().map(|entry| entry.header.id) else {
        return Ok(None);
    };
    let gone = view::forgotten(&state).map_err(|error| error.to_string())?;
    let gone = gone.iter().find(|(id, _)| *id == running.identity.raft_id);
    Ok(gone.is_none_or(|(_, through)| *through < last).then_some(last))
}

#[cfg(test)]
mod tests;
