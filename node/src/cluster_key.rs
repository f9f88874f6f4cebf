//! The key of the cluster: 32 bytes that all members have and that are in no
//! log, state or snapshot. What passes through the log in secret is sealed with
//! it.
//!
//! The founder draws it and writes it down before genesis; every other member
//! asks for it once it is a member, and writes it down. The file is for its
//! owner alone.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use raft::SHARED_SECRET_BYTES;
use secrecy::{ExposeSecret as _, SecretBox};
use serde::{Deserialize, Serialize};
use storage::DataDir;
use tokio_util::sync::CancellationToken;

use crate::identity::{self, IdentityError};
use crate::run::{Running, StartError};

/// Pause between questions to the other members.
const PAUSE: Duration = Duration::from_millis(500);

/// How long one of them may take.
const ANSWER_MAX: Duration = Duration::from_secs(2);

type Secret = SecretBox<[u8; SHARED_SECRET_BYTES]>;

/// The key, once this node has it. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClusterKey(Arc<OnceLock<Secret>>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    key: String,
}

impl ClusterKey {
    /// What this node has written down, if it has.
    pub(crate) fn load(dir: &DataDir) -> Result<Self, IdentityError> {
        let key = Self::default();
        let path = path(dir);
        if let Some(file) = identity::load::<KeyFile>(&path)? {
            let bytes = ledger::signature::from_text(&file.key);
            let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
            key.set(bytes.ok_or(IdentityError::Damaged { path })?);
        }
        Ok(key)
    }

    /// Draws one, where this node founds the cluster and has none.
    pub(crate) fn draw(&self, dir: &DataDir) -> Result<(), StartError> {
        if self.get().is_some() {
            return Ok(());
        }
        let mut key = [0; SHARED_SECRET_BYTES];
        getrandom::fill(&mut key).map_err(StartError::Random)?;
        self.keep(dir, key)?;
        Ok(())
    }

    fn keep(&self, dir: &DataDir, key: [u8; SHARED_SECRET_BYTES]) -> Result<(), IdentityError> {
        let path = path(dir);
        identity::save(&path, &KeyFile { key: ledger::signature::to_text(&key) })?;
        self.set(key);
        Ok(())
    }

    fn set(&self, key: [u8; SHARED_SECRET_BYTES]) {
        // It never changes, so whoever was first had the same.
        let _ = self.0.set(SecretBox::new(Box::new(key)));
    }

    /// The key.
    pub(crate) fn get(&self) -> Option<&[u8; SHARED_SECRET_BYTES]> {
        self.0.get().map(|key| key.expose_secret())
    }
}

fn path(dir: &DataDir) -> PathBuf {
    dir.path().join("keys").join("cluster.json")
}

/// Asks the other members until one gives the key.
pub(crate) async fn run(running: Running, dir: DataDir, stop: CancellationToken) {
    while running.cluster_key.get().is_none() {
        if let Some(key) = running.handle.shared_secret(ANSWER_MAX).await {
            match running.cluster_key.keep(&dir, key) {
                Ok(()) => return tracing::info!("this node has the key of the cluster"),
                Err(error) => tracing::error!(%error, "the key of the cluster cannot be kept"),
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => (),
        }
    }
}
