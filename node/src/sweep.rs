//! Has the cluster end what is due: escalations that nobody answered, overrides
//! that nobody reviewed.
//!
//! What is due is decided by applied time when the tick is applied; this only
//! has the leader propose a tick when its clock says that there is something.

use std::time::Duration;

use governance::command::Command;
use governance::deadline;
use raft::{Clock as _, Role, SystemClock};
use tokio_util::sync::CancellationToken;

use crate::run::Running;

/// Longest pause: something with a nearer deadline may have come meanwhile.
const LOOK: Duration = Duration::from_secs(1);

/// Pause after a tick: what it left over is due too.
const AGAIN: Duration = Duration::from_millis(50);

/// Proposes ticks while this node leads.
pub(crate) async fn run(running: Running, stop: CancellationToken) {
    let mut pause = LOOK;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = running.quarantine.entered() => return,
            () = tokio::time::sleep(pause) => (),
        }
        pause = step(&running).await;
    }
}

/// Says how long there is nothing to do.
async fn step(running: &Running) -> Duration {
    let status = running.handle.status();
    if status.role != Role::Leader || !status.stamps {
        return LOOK;
    }
    let next = running.handle.view().ok().and_then(|state| deadline::next(&state).ok());
    let Some(next) = next.flatten() else { return LOOK };
    let wait = Duration::from_micros(next.0.saturating_sub(SystemClock.now().0));
    if !wait.is_zero() {
        return wait.min(LOOK);
    }
    let Ok(envelope) = running.envelope(Command::Tick) else { return LOOK };
    match running.handle.propose(envelope).await {
        Ok(_) => AGAIN,
        Err(error) => {
            tracing::info!(%error, "what is due has not ended yet");
            LOOK
        }
    }
}
