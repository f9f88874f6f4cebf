//! Keys that come after a node has joined: the RSA key, which takes seconds to
//! make and so waits until the node serves, and those that replace others.
//!
//! A new key is written down before it is proposed, and the old one destroyed
//! after the ledger has ended it: a crash in between leaves two keys, of which
//! the ledger lists one.

use std::sync::Arc;
use std::time::Duration;

use api::backend::{Rotated, Unavailable};
use governance::command::{AddKey, Command, KeyUsage};
use governance::outcome::Recorded;
use governance::{Outcome, view};
use raft::{Clock as _, SystemClock};
use tokio_util::sync::CancellationToken;
use types::KeyId;

use crate::keys::{Key, Kind};
use crate::run::Running;

/// Before the RSA key is made: what a node has to do first takes as long.
const SETTLE: Duration = Duration::from_secs(5);

/// Pause after something that did not work.
const RETRY: Duration = Duration::from_secs(5);

/// Sees to it that this node has an RSA key, if it is to have one.
pub(crate) async fn run(running: Running, stop: CancellationToken) {
    if !running.config.rsa_keys {
        return;
    }
    let mut pause = SETTLE;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = running.quarantine.entered() => return,
            () = tokio::time::sleep(pause) => (),
        }
        match publish_rsa(&running).await {
            Ok(true) => return,
            Ok(false) => (),
            Err(why) => tracing::info!(why, "no RSA key yet"),
        }
        pause = RETRY;
    }
}

/// Whether this node's RSA key is listed now.
async fn publish_rsa(running: &Running) -> Result<bool, String> {
    let state = running.handle.view().map_err(|error| error.to_string())?;
    let in_force = running.keys_in_force();
    // First its other keys, without which it is no member.
    if !in_force.is_complete() {
        return Ok(false);
    }
    if in_force.get(KeyUsage::Checkpoint, Kind::Rsa).is_some() {
        return Ok(true);
    }
    let known = running.keys.any(KeyUsage::Checkpoint, Kind::Rsa);
    let listed = known.as_ref().map(|key| view::key(&state, key.id()));
    let ended = listed.is_some_and(|listed| matches!(listed, Ok(Some(_))));
    let key = match known {
        Some(key) if !ended => key,
        Some(_) | None => make(running, KeyUsage::Checkpoint, Kind::Rsa).await?,
    };
    match propose(running, &key, None).await {
        Ok(recorded) => {
            tracing::info!(key = %key.id(), entry = recorded.entry_id.0, "an RSA key is listed");
            Ok(true)
        }
        Err(error) => Err(error.to_string()),
    }
}

async fn make(running: &Running, usage: KeyUsage, kind: Kind) -> Result<Arc<Key>, String> {
    let now = SystemClock.now();
    let made = tokio::task::spawn_blocking(move || Key::make(usage, kind, now)).await;
    let made = made.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    running.keys.add(made).map_err(|error| error.to_string())
}

async fn propose(
    running: &Running,
    key: &Key,
    replaces: Option<KeyId>,
) -> Result<Recorded, Unavailable> {
    let add = AddKey {
        raft_id: running.identity.raft_id,
        id: key.id(),
        usage: key.usage(),
        material: key.material(),
        replaces,
    };
    let envelope = running.envelope(Command::AddKey(Box::new(add)));
    let envelope = envelope.map_err(|_| Unavailable::Quarantined)?;
    let committed = running.handle.propose(envelope).await.map_err(crate::backend::unavailable)?;
    match committed.outcome {
        Outcome::Recorded(recorded) => Ok(recorded),
        other => {
            tracing::warn!(?other, "a key is not listed");
            Err(Unavailable::Overloaded)
        }
    }
}

/// Replaces this node's key for a use, or gives it one where the last was
/// retired.
///
/// # Errors
/// When it cannot be made or recorded.
pub(crate) async fn rotate(running: &Running, usage: KeyUsage) -> Result<Rotated, Unavailable> {
    let replaces = running.keys_in_force().id(usage);
    let key = make(running, usage, Kind::Ed25519).await.map_err(|error| {
        tracing::error!(error, "cannot make a key");
        Unavailable::Overloaded
    })?;
    let recorded = propose(running, &key, replaces).await?;
    if let Some(old) = replaces
        && let Err(error) = running.keys.destroy(old)
    {
        tracing::warn!(%error, key = %old, "an ended key is still on the disk");
    }
    tracing::info!(new = %key.id(), "a key was rotated");
    Ok(Rotated { key_id: key.id(), replaces, recorded })
}
