//! Has the cluster erase what need not be kept any more, and tells it how long
//! this node is set to keep things.
//!
//! What is due is decided by applied time when the command is applied; this only
//! has the leader look for it by its clock, a step at a time and with a pause
//! between them, so that requests never wait for it.
//!
//! Times to keep things are the cluster's and not a node's: a leader whose
//! settings say other ones proposes them, and the entry `config_changed` says so.
//! A leader whose settings say nothing changes nothing.

use std::time::Duration;

use governance::command::{Command, RetentionDays};
use governance::retention::{self, Step};
use governance::{Outcome, view};
use raft::{Clock as _, Role, SystemClock};
use tokio_util::sync::CancellationToken;

use crate::config::Retention;
use crate::run::Running;

/// Pause where there is nothing to do, or nothing could be done.
const LOOK: Duration = Duration::from_secs(60);

/// Pause until the first look: a leader that was just elected has better to do.
const FIRST: Duration = Duration::from_secs(1);

/// Pause after a step.
const AGAIN: Duration = Duration::from_millis(500);

/// From this feature level on records are kept by class.
const LEVEL: u32 = 5;

/// Looks after it for as long as the node runs.
pub(crate) async fn run(running: Running, stop: CancellationToken) {
    let mut pause = FIRST;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = running.quarantine.entered() => return,
            () = tokio::time::sleep(pause) => (),
        }
        pause = match next(&running).await {
            Ok(Some(command)) => propose(&running, command).await,
            Ok(None) if running.handle.status().role == Role::Leader => LOOK,
            // Not the leader: it may become one any time.
            Ok(None) => FIRST,
            Err(why) => {
                tracing::error!(why, "what need not be kept is not erased");
                LOOK
            }
        };
    }
}

/// What this node is to propose, if it leads.
async fn next(running: &Running) -> Result<Option<Command>, String> {
    let status = running.handle.status();
    if status.role != Role::Leader || !status.stamps {
        return Ok(None);
    }
    let state = running.handle.view().map_err(|error| error.to_string())?;
    let set = running.config.retention;
    // It reads and parses entries: not on a thread that serves requests.
    let found = tokio::task::spawn_blocking(move || -> Result<Option<Command>, String> {
        let cluster = view::cluster(&state).map_err(|error| error.to_string())?;
        if cluster.is_none_or(|cluster| cluster.feature_level < LEVEL) {
            return Ok(None);
        }
        let days = retention::days(&state).map_err(|error| error.to_string())?;
        if let Some(wanted) = wanted(set, days) {
            return Ok(Some(Command::SetRetention(wanted)));
        }
        let step = retention::step(&state, SystemClock.now()).map_err(|error| error.to_string())?;
        Ok(match step {
            Step::Anonymize(command) => Some(Command::Anonymize(command)),
            Step::Rest => None,
        })
    });
    found.await.map_err(|error| error.to_string())?
}

/// The times of the cluster with those of the settings in their place, where that
/// is a change.
fn wanted(set: Retention, days: RetentionDays) -> Option<RetentionDays> {
    let wanted = RetentionDays {
        personal: set.personal_days.unwrap_or(days.personal),
        high_risk: set.high_risk_days.unwrap_or(days.high_risk),
        other: set.days.unwrap_or(days.other),
    };
    (wanted != days).then_some(wanted)
}

async fn propose(running: &Running, command: Command) -> Duration {
    let Ok(envelope) = running.envelope(command) else { return LOOK };
    match running.handle.propose(envelope).await {
        Ok(done) => {
            if let Outcome::Rejected(why) = &done.outcome {
                tracing::error!(%why, "a step of retention was refused");
                return LOOK;
            }
            AGAIN
        }
        Err(error) => {
            tracing::info!(%error, "a step of retention was not taken");
            LOOK
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_stays_as_the_cluster_has_it() {
        let days = RetentionDays { personal: 200, high_risk: 4_000, other: 300 };
        let none = Retention { personal_days: None, high_risk_days: None, days: None };
        assert_eq!(wanted(none, days), None);
        assert_eq!(wanted(Retention { days: Some(300), ..none }, days), None);
        let other = wanted(Retention { personal_days: Some(250), ..none }, days);
        assert_eq!(other, Some(RetentionDays { personal: 250, ..days }));
    }
}
