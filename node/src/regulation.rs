//! Which regulatory data this cluster goes by, as the ledger names it.
//!
//! The data is part of a release. A node that has newer data than the ledger
//! names says so, once there is somebody to take it; of several that do, one is
//! recorded, and the others are told so.

use std::time::Duration;

use governance::command::{Command, UpdateRegister};
use governance::{Outcome, Rejection, view};
use register::register;
use tokio_util::sync::CancellationToken;

use crate::run::Running;

/// Before it is said: what a node has to do first takes as long.
const SETTLE: Duration = Duration::from_secs(5);

/// Pause after something that did not work.
const RETRY: Duration = Duration::from_secs(5);

/// Pause while the cluster is of a release that knows no register.
const WAIT: Duration = Duration::from_secs(600);

/// Sees to it that the ledger names data at least as new as this node's.
pub(crate) async fn run(running: Running, stop: CancellationToken) {
    let mut pause = SETTLE;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = running.quarantine.entered() => return,
            () = tokio::time::sleep(pause) => (),
        }
        pause = match say(&running).await {
            Ok(None) => return,
            Ok(Some(pause)) => pause,
            Err(why) => {
                tracing::debug!(why, "the regulatory data of this node is not named yet");
                RETRY
            }
        };
    }
}

/// Says which data this node has, where that is news. `None` once it is not.
async fn say(running: &Running) -> Result<Option<Duration>, String> {
    let state = running.handle.view().map_err(|error| error.to_string())?;
    if view::cluster(&state).map_err(|error| error.to_string())?.is_none() {
        return Ok(Some(RETRY));
    }
    let named = view::register_record(&state).map_err(|error| error.to_string())?;
    let version = register().version();
    if named.is_some_and(|named| version <= named.version.as_str()) {
        return Ok(None);
    }
    let update = UpdateRegister { version: version.to_owned(), digest: register().digest() };
    let envelope = running.envelope(Command::UpdateRegister(Box::new(update)));
    let envelope = envelope.map_err(|error| error.to_string())?;
    let committed = running.handle.propose(envelope).await.map_err(|error| error.to_string())?;
    match committed.outcome {
        Outcome::Recorded(recorded) => {
            tracing::info!(version, entry = recorded.entry_id.0, "the ledger names newer data");
            Ok(None)
        }
        Outcome::Rejected(Rejection::AlreadyRecorded) => Ok(None),
        Outcome::Rejected(Rejection::FeatureLevelTooLow { .. }) => Ok(Some(WAIT)),
        other => Err(format!("{other:?}")),
    }
}
