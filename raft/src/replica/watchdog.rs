//! Notices when raft has died.
//!
//! After a panic of its core, openraft's metrics still say that all is well;
//! only calls and the closed channel tell (openraft.md 7.5).

use std::sync::Arc;
use std::time::Duration;

use openraft::async_runtime::WatchReceiver;
use tokio::time::Instant;

use super::Core;
use crate::ports::StateStore;
use crate::status::{Role, role};

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A core that answers none of so many looks in a row is taken for dead.
const SILENT_LOOKS_MAX: u32 = 30;

/// Looks at raft every second, for as long as the replica runs.
pub(super) async fn run<S: StateStore>(core: Arc<Core<S>>) {
    let mut metrics = core.raft.metrics();
    let mut silent = 0;
    loop {
        let look = tokio::time::timeout(LOOK_EVERY, core.raft.with_raft_state(|_| ()));
        let died = tokio::select! {
            () = core.stop.cancelled() => return,
            looked = look => match looked {
                Ok(Ok(())) => {
                    silent = 0;
                    None
                }
                Ok(Err(fatal)) => Some(fatal.to_string()),
                Err(_) => {
                    silent += 1;
                    tracing::warn!(looks = silent, "raft does not answer");
                    (silent >= SILENT_LOOKS_MAX).then(|| "raft does not answer".to_owned())
                }
            },
        };
        if let Some(reason) = died {
            fail(&core, &reason);
            return;
        }
        let pause = tokio::time::sleep(LOOK_EVERY);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = core.stop.cancelled() => return,
                reason = core.audience.failure.wait() => return fail(&core, &reason),
                changed = metrics.changed() => if changed.is_err() {
                    return fail(&core, "raft has ended");
                },
                () = &mut pause => break,
            }
        }
    }
}

fn fail<S: StateStore>(core: &Core<S>, reason: &str) {
    if core.stop.is_cancelled() {
        return;
    }
    core.audience.failure.record(reason);
    core.desk.stop(reason);
}

/// Tells the observer of every change of role or term.
pub(super) async fn report_roles<S: StateStore>(core: Arc<Core<S>>) {
    let mut server = core.raft.server_metrics();
    let mut last = None;
    loop {
        let seen = server.borrow_watched().clone();
        let now = (role(seen.state), seen.vote.leader_id.term);
        if let (Some(role), term) = now
            && last != Some(now)
        {
            last = Some(now);
            tracing::info!(?role, term, "role");
            let leading = (role == Role::Leader).then(|| (term, Instant::now()));
            core.leading_since.send_replace(leading);
            core.audience.observer.role_changed(role, term);
        }
        tokio::select! {
            () = core.stop.cancelled() => return,
            changed = server.changed() => if changed.is_err() { return },
        }
    }
}
