//! A node that is not what the others are takes no part any more: it votes no
//! longer, answers no reads, keeps what it has as evidence, and is rebuilt.
//!
//! Raft cannot be given another state while it runs, and nothing of a diverged
//! process is worth keeping, so the rebuilding is the work of a new process in
//! the same place: this one leaves a note, [`Marker`], and begins anew.
//!
//! Invariants
//! - Once entered, a quarantine ends with the process.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use governance::command::{Command, Finding, Place, RecordDivergence};
use raft::{Clock as _, Replica, SystemClock};
use storage::DataDir;
use tokio_util::sync::CancellationToken;
use types::EntryId;

use crate::checkpoints;
use crate::ports;
use crate::rebuild::Marker;
use crate::run::Running;

mod difference;

/// How long the others are told what was found before this node leaves.
const REPORT_MAX: Duration = Duration::from_secs(3);

/// How long the first difference is looked for.
const LOOK_MAX: Duration = Duration::from_secs(30);

/// Why a node takes no part any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A majority signed another checkpoint.
    Outvoted { size: u64 },
    /// A majority has another state.
    Content { place: Place },
    /// Stored bytes are not what was written.
    Damage { entry: Option<EntryId>, reason: String },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outvoted { size } => {
                write!(f, "a majority signed another checkpoint of {size} entries")
            }
            Self::Content { place } => {
                write!(f, "a majority has another state at log index {}", place.index.0)
            }
            Self::Damage { entry: Some(entry), reason } => {
                write!(f, "stored entry {entry} is damaged: {reason}")
            }
            Self::Damage { entry: None, reason } => write!(f, "the state is damaged: {reason}"),
        }
    }
}

/// Whether this node is in quarantine. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quarantine(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    reason: OnceLock<Reason>,
    entered: CancellationToken,
}

impl Quarantine {
    /// Takes the node out. The first reason stays.
    pub(crate) fn enter(&self, reason: Reason) {
        tracing::error!(%reason, "this node has diverged and takes no part any more");
        // A second reason follows from the first.
        let _ = self.0.reason.set(reason);
        self.0.entered.cancel();
    }

    pub(crate) fn reason(&self) -> Option<&Reason> {
        self.0.reason.get()
    }

    /// Waits until the node is taken out.
    pub(crate) async fn entered(&self) {
        self.0.entered.cancelled().await;
    }
}

/// Leaves the group, finds out where the difference begins, and notes down that
/// the state is to be rebuilt.
pub(crate) async fn leave(running: &Running, replica: Replica<ports::State>, dir: &DataDir) {
    let Some(reason) = running.quarantine.reason() else { return };
    // First of all: a process that is killed meanwhile must not start again on
    // this state.
    note(running, dir, None);
    match reason {
        Reason::Damage { entry, reason } => report(running, *entry, reason).await,
        // The signature on what was found here is what proves the divergence.
        Reason::Outvoted { .. } | Reason::Content { .. } => {
            let signing = checkpoints::sign_last(running);
            if tokio::time::timeout(REPORT_MAX, signing).await.is_err() {
                tracing::info!("what this node found is not signed in time");
            }
        }
    }
    // No vote from here on.
    replica.shutdown().await;
    running.watch.detach();
    let found = tokio::time::timeout(LOOK_MAX, difference::find(running)).await;
    let first_difference = match (reason, found) {
        (Reason::Damage { entry, .. }, _) => *entry,
        (_, Ok(found)) => found,
        (_, Err(_)) => None,
    };
    match first_difference {
        Some(entry) => tracing::error!(%entry, "the first entry that differs"),
        None => tracing::error!("no entry differs: the difference is in what follows from them"),
    }
    note(running, dir, first_difference);
}

/// Notes down that the state is to be rebuilt, if it is.
pub(crate) fn note(running: &Running, dir: &DataDir, first_difference: Option<EntryId>) {
    let Some(reason) = running.quarantine.reason() else { return };
    let members = running.handle.status().members;
    let marker = Marker {
        first_difference: first_difference.map(|entry| entry.0),
        names: members.iter().map(|(id, member)| (id.0, member.name.clone())).collect(),
        members: members.into_iter().map(|(id, member)| (id.0, member.peer_address)).collect(),
        ..Marker::new(reason.to_string(), SystemClock.now())
    };
    if let Err(error) = marker.save(dir) {
        tracing::error!(%error, "cannot note down that the state is to be rebuilt");
    }
}

/// Tells the others what this node found of itself.
async fn report(running: &Running, entry: Option<EntryId>, reason: &str) {
    let finding = Finding::Damage { entry, reason: reason.to_owned() };
    let command = RecordDivergence { raft_id: running.identity.raft_id, finding };
    let command = Command::RecordDivergence(Box::new(command));
    let Ok(envelope) = running.envelope(command) else { return };
    let proposed = tokio::time::timeout(REPORT_MAX, running.handle.propose(envelope)).await;
    match proposed {
        Ok(Ok(committed)) => tracing::info!(outcome = ?committed.outcome, "the damage is recorded"),
        Ok(Err(error)) => tracing::warn!(%error, "the damage is not recorded"),
        Err(_) => tracing::warn!("the damage is not recorded in time"),
    }
}
