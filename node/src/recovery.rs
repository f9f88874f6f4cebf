//! The way back of a node that had diverged: its state is replaced before the
//! replica starts, and once it takes part again the ledger is told.
//!
//! Invariants
//! - No replica starts on a state that was found bad.

use std::time::Duration;

use governance::command::{Command, RecordRecovery};
use governance::view;
use serde::{Deserialize, Serialize};
use storage::DataDir;
use tokio_util::sync::CancellationToken;
use types::{EntryId, LogIndex, RaftId};

use crate::config::{Config, Rebuild};
use crate::identity::{self, IdentityError};
use crate::ports;
use crate::rebuild::{self, Marker, RebuildError};
use crate::run::{Running, StartError};

/// File in the data directory of a node whose way back is not recorded yet.
const NOTE: &str = "recovered";

/// Pause while no other member can give a state.
const RETRY: Duration = Duration::from_secs(2);

/// How long the incident itself is waited for: it is recorded by the leader,
/// who may have been somebody else by then.
const INCIDENT_MAX: u32 = 30;

#[derive(Debug, Serialize, Deserialize)]
struct Note {
    first_difference: Option<u64>,
    snapshot_index: u64,
}

/// Replaces the state, if it was found bad, as soon as another member is there
/// to give one.
pub(crate) async fn before_start(
    dir: &DataDir,
    config: &Config,
    raft: &raft::Config,
    log: &ports::Log,
) -> Result<(), StartError> {
    let Some(marker) = Marker::load(dir)? else { return Ok(()) };
    if config.rebuild == Rebuild::Manual {
        return Err(StartError::Diverged { reason: marker.reason });
    }
    let peers: Vec<(RaftId, String)> = marker
        .members
        .iter()
        .filter(|(id, _)| *id != raft.raft_id.0)
        .map(|(id, address)| (RaftId(*id), address.clone()))
        .collect();
    loop {
        match rebuild::rebuild(dir, raft, log, &peers).await {
            Ok(Some(pulled)) => {
                let first_difference = marker.first_difference;
                let note = Note { first_difference, snapshot_index: pulled.index.0 };
                identity::save(&dir.path().join(NOTE), &note)?;
                return Ok(());
            }
            Ok(None) => return Ok(()),
            Err(RebuildError::Pull(error)) => {
                tracing::warn!(%error, "no member gives a state yet");
                tokio::time::sleep(RETRY).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Has it recorded that this node is back.
pub(crate) async fn after_start(running: Running, dir: DataDir, stop: CancellationToken) {
    let path = dir.path().join(NOTE);
    let note: Result<Option<Note>, IdentityError> = identity::load(&path);
    let note = match note {
        Ok(Some(note)) => note,
        Ok(None) => return,
        Err(error) => return tracing::error!(%error, "cannot tell what this node came back from"),
    };
    let mut waited = 0;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(1)) => (),
        }
        waited += 1;
        let is_known = has_incident(&running);
        if !is_known && waited < INCIDENT_MAX {
            continue;
        }
        if record(&running, &note).await {
            break;
        }
    }
    if let Err(error) = std::fs::remove_file(&path) {
        tracing::warn!(%error, "the way back will be recorded once more");
    }
}

fn has_incident(running: &Running) -> bool {
    let incidents = running.handle.view().ok().and_then(|state| view::incidents(&state).ok());
    incidents
        .unwrap_or_default()
        .iter()
        .any(|(id, incident)| *id == running.identity.raft_id && incident.recovered.is_none())
}

async fn record(running: &Running, note: &Note) -> bool {
    let recovery = RecordRecovery {
        raft_id: running.identity.raft_id,
        first_difference: note.first_difference.map(EntryId),
        snapshot_index: LogIndex(note.snapshot_index),
    };
    let Ok(envelope) = running.envelope(Command::RecordRecovery(recovery)) else { return false };
    match running.handle.propose(envelope).await {
        Ok(committed) => {
            tracing::info!(outcome = ?committed.outcome, "this node is back");
            true
        }
        Err(error) => {
            tracing::info!(%error, "it is not recorded yet that this node is back");
            false
        }
    }
}
