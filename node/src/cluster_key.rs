//! The key of the cluster: 32 bytes that all members have and that are in no
//! log, state or snapshot. What passes through the log in secret is sealed with
//! it.
//!
//! The founder draws it and writes it down before genesis; every other member
//! asks for it once it is a member, and writes it down. The file is for its
//! owner alone, and sealed if there is a master key.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use raft::SHARED_SECRET_BYTES;
use secrecy::{ExposeSecret as _, SecretBox};
use storage::DataDir;
use tokio_util::sync::CancellationToken;

use crate::identity::IdentityError;
use crate::run::{Running, StartError};
use crate::sealing::Sealing;

/// Pause between questions to the other members.
const PAUSE: Duration = Duration::from_millis(500);

/// How long one of them may take.
const ANSWER_MAX: Duration = Duration::from_secs(2);

type Secret = SecretBox<[u8; SHARED_SECRET_BYTES]>;

/// What the file is sealed for, where there is a master key.
const PURPOSE: &str = "keys/cluster";

/// The key, once this node has it. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClusterKey(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    key: OnceLock<Secret>,
    sealing: Sealing,
    /// Whether the file is to be written again.
    is_stale: bool,
}

impl ClusterKey {
    /// Reads what this node has written down, if it has, and changes nothing.
    pub(crate) fn read(dir: &DataDir, sealing: &Sealing) -> Result<Self, IdentityError> {
        let path = path(dir);
        let content = sealing.read(&path, PURPOSE)?;
        let is_stale = content.as_ref().is_some_and(|content| content.is_stale);
        let inner = Inner { key: OnceLock::new(), sealing: sealing.clone(), is_stale };
        let key = Self(Arc::new(inner));
        if let Some(content) = content {
            let bytes = content.bytes.as_slice().try_into();
            key.set(bytes.map_err(|_| IdentityError::Damaged { path })?);
        }
        Ok(key)
    }

    /// Writes the file again where it is not sealed as it would be now.
    pub(crate) fn renew(&self, dir: &DataDir) -> Result<(), IdentityError> {
        match self.get() {
            Some(key) if self.0.is_stale => self.0.sealing.write(&path(dir), PURPOSE, key),
            Some(_) | None => Ok(()),
        }
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
        self.0.sealing.write(&path, PURPOSE, &key)?;
        self.set(key);
        Ok(())
    }

    fn set(&self, key: [u8; SHARED_SECRET_BYTES]) {
        // It never changes, so whoever was first had the same.
        let _ = self.0.key.set(SecretBox::new(Box::new(key)));
    }

    /// The key.
    pub(crate) fn get(&self) -> Option<&[u8; SHARED_SECRET_BYTES]> {
        self.0.key.get().map(|key| key.expose_secret())
    }
}

fn path(dir: &DataDir) -> PathBuf {
    dir.path().join("keys").join("cluster")
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
