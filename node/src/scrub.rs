//! Reads everything this node has stored and compares it with what was written:
//! entries with their commitments, the chain, the tree, and a digest of the whole
//! state with those of the others.
//!
//! The leader opens a scrub by a command, so that every node digests the state
//! as it is after the same log entry. RocksDB's own checksums see a flipped bit
//! of a block; this sees whatever differs, wherever it came from.
//!
//! Invariants
//! - One scrub at a time, on one thread, past the cache of blocks.

use std::time::Duration;

use governance::audit::{self, AuditError};
use governance::command::{Command, ReportContent};
use governance::{Corruption, view};
use raft::{Clock as _, Role, SystemClock};
use tokio_util::sync::CancellationToken;
use types::Digest;

use crate::quarantine::Reason;
use crate::run::Running;
use crate::watch::Frozen;

/// How often the leader looks whether a scrub is due.
const LOOK_MAX: Duration = Duration::from_secs(60);

/// Opens scrubs while this node leads.
pub(crate) async fn open(running: Running, stop: CancellationToken) {
    let interval = running.config.scrub_interval;
    let look = (interval / 4).min(LOOK_MAX).max(Duration::from_millis(100));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = running.quarantine.entered() => return,
            () = tokio::time::sleep(look) => (),
        }
        let status = running.handle.status();
        if status.role == Role::Leader && status.stamps && is_due(&running, interval) {
            propose(&running, Command::Scrub).await;
        }
    }
}

fn is_due(running: &Running, interval: Duration) -> bool {
    let scrubs = running.handle.view().ok().and_then(|state| view::scrubs(&state).ok());
    let Some(scrubs) = scrubs else { return false };
    let interval = u64::try_from(interval.as_micros()).unwrap_or(u64::MAX);
    scrubs.last().is_none_or(|(_, last)| last.at.0.saturating_add(interval) <= SystemClock.now().0)
}

/// Digests the states that are to be digested.
pub(crate) async fn run(running: Running, stop: CancellationToken) {
    loop {
        let frozen = tokio::select! {
            () = stop.cancelled() => return,
            () = running.quarantine.entered() => return,
            frozen = running.watch.scrub() => frozen,
        };
        let place = frozen.place;
        match tokio::task::spawn_blocking(move || read(frozen)).await {
            Ok(Ok(digest)) => {
                let raft_id = running.identity.raft_id;
                tracing::info!(index = place.index.0, %digest, "everything stored is as written");
                let report = ReportContent { raft_id, place, digest };
                propose(&running, Command::ReportContent(report)).await;
            }
            Ok(Err(reason)) => running.quarantine.enter(reason),
            Err(error) => tracing::error!(%error, "a scrub did not end"),
        }
    }
}

/// Reads it all; the state is let go at the end.
fn read(frozen: Frozen) -> Result<Digest, Reason> {
    let state = frozen.view.background();
    audit::check(&state).map_err(damage)?;
    state.content_digest().map_err(unreadable)
}

fn damage(error: AuditError) -> Reason {
    match error {
        AuditError::Entry(fault) => {
            Reason::Damage { entry: Some(fault.id), reason: fault.reason.as_str().to_owned() }
        }
        AuditError::Unreadable(what) => unreadable(what),
        other => Reason::Damage { entry: None, reason: other.to_string() },
    }
}

fn unreadable(what: Corruption) -> Reason {
    tracing::error!(%what, "stored bytes cannot be read");
    Reason::Damage { entry: None, reason: format!("unreadable: {}", what.table) }
}

async fn propose(running: &Running, command: Command) {
    let Ok(envelope) = running.envelope(command) else { return };
    if let Err(error) = running.handle.propose(envelope).await {
        tracing::info!(%error, "a scrub is not recorded");
    }
}
