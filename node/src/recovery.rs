//! The way back of a node that had diverged: its state is replaced before the
//! replica starts, and once it takes part again the ledger is told.
//!
//! Invariants
//! - No replica starts on a state that was found bad.

use std::time::Duration;

use governance::command::{Command, RecordRecovery};
use governance::view;
use raft::rebuild::PullError;
use raft::{Clock as _, SystemClock};
use serde::{Deserialize, Serialize};
use storage::DataDir;
use tokio_util::sync::CancellationToken;
use types::{EntryId, LogIndex};

use crate::config::{Config, Rebuild};
use crate::identity::{self, IdentityError};
use crate::ports;
use crate::rebuild::{self, Marker, RebuildError};
use crate::run::{Running, StartError};

/// File in the data directory of a node whose way back is not recorded yet.
const NOTE: &str = "recovered";

/// File in the data directory with the times of the last rebuilds.
const REBUILDS: &str = "rebuilds";

/// A node that goes wrong again and again has a bad memory or a bad program:
/// more than so many times within an hour it waits for an operator.
const REBUILDS_MAX: usize = 3;
const REBUILDS_WITHIN_MICROS: u64 = 3600 * 1_000_000;

/// Pause while no other member can give a state.
const RETRY: Duration = Duration::from_secs(2);

/// Seconds that the incident itself is waited for: the leader records it, who may
/// have been somebody else by then.
const INCIDENT_MAX: u32 = 120;

#[derive(Debug, Serialize, Deserialize)]
struct Note {
    first_difference: Option<u64>,
    snapshot_index: u64,
}

/// Replaces the state, if it was found bad, as soon as another member is there
/// to give one. Gives the last log index of the state it was given, if that is
/// not known to all yet.
pub(crate) async fn before_start(
    dir: &DataDir,
    config: &Config,
    raft: &raft::Config,
    log: &ports::Log,
) -> Result<LogIndex, StartError> {
    let path = dir.path().join(NOTE);
    let Some(marker) = Marker::load(dir)? else {
        let note: Option<Note> = identity::load(&path)?;
        return Ok(LogIndex(note.map_or(0, |note| note.snapshot_index)));
    };
    let diverged = || StartError::Diverged { reason: marker.reason.clone() };
    let rebuilds = rebuilds(dir)?;
    if config.rebuild == Rebuild::Manual || REBUILDS_MAX <= rebuilds.len() {
        return Err(diverged());
    }
    // Before the marker goes: a crash must not leave the incident open for ever.
    let note = Note { first_difference: marker.first_difference, snapshot_index: 0 };
    identity::save(&path, &note)?;
    let mut peers = marker.members();
    peers.retain(|(id, _)| *id != raft.raft_id);
    loop {
        match rebuild::rebuild(dir, raft, log, &peers).await {
            Ok(Some(pulled)) => {
                let note = Note { snapshot_index: pulled.index.0, ..note };
                identity::save(&path, &note)?;
                let times = [rebuilds, vec![SystemClock.now().0]].concat();
                identity::save(&dir.path().join(REBUILDS), &times)?;
                return Ok(LogIndex(pulled.index.0));
            }
            Ok(None) => return Ok(LogIndex(0)),
            // Nobody else has ever been a member.
            Err(RebuildError::Pull(PullError::Nobody)) => return Err(diverged()),
            Err(RebuildError::Pull(error)) => {
                tracing::warn!(%error, "no member gives a state yet");
                tokio::time::sleep(RETRY).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// When this node was rebuilt lately: so often that it is no help, it is not done
/// again.
fn rebuilds(dir: &DataDir) -> Result<Vec<u64>, StartError> {
    let now = SystemClock.now();
    let mut times: Vec<u64> = identity::load(&dir.path().join(REBUILDS))?.unwrap_or_default();
    times.retain(|at| now.0.saturating_sub(*at) < REBUILDS_WITHIN_MICROS);
    Ok(times)
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
    while waited < INCIDENT_MAX {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(1)) => (),
        }
        match has_incident(&running) {
            true if record(&running, &note).await => break,
            true => (),
            // Without a leader nobody could have recorded it.
            false => waited += u32::from(running.handle.status().leader.is_some()),
        }
    }
    if let Err(error) = std::fs::remove_file(&path) {
        tracing::warn!(%error, "it will be looked once more for what this node came back from");
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
