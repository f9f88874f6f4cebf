//! The node's own keys: four Ed25519 keys, one per use, made at first start.
//!
//! They lie in `keys/node.json`, readable by nobody else. Their public halves
//! are in the ledger before the node signs anything with them.
//!
//! Invariants
//! - A private key leaves this file only as a signature.

use std::fmt;
use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ed25519_dalek::{Signer as _, SigningKey};
use governance::Outcome;
use governance::command::{KeyUsage, PublicKey};
use ledger::signature;
use raft::{AppliedItem, Observer};
use serde::{Deserialize, Serialize};
use storage::DataDir;
use types::{KeyId, LogIndex, Timestamp, Ulid};

use crate::identity::{self, IdentityError};

/// One private key.
struct Key {
    id: KeyId,
    usage: KeyUsage,
    signing: SigningKey,
}

/// Every key of this node.
pub struct NodeKeys(Vec<Key>);

impl fmt::Debug for NodeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| key.id)).finish()
    }
}

/// Whether the keys are listed and in force: remembered once it is so, and
/// forgotten when the list may have changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeysKnown(Arc<AtomicBool>);

impl KeysKnown {
    /// What is remembered, else what `look` finds.
    pub(crate) fn get_or_look(&self, look: impl FnOnce() -> Option<bool>) -> bool {
        if self.0.load(Ordering::Acquire) {
            return true;
        }
        let known = look().unwrap_or(false);
        self.0.store(known, Ordering::Release);
        known
    }
}

impl Observer for KeysKnown {
    fn applied(&self, item: AppliedItem<'_>) {
        if matches!(item.outcome, Outcome::NodeRegistered(_)) {
            self.0.store(false, Ordering::Release);
        }
    }

    fn state_replaced(&self, _index: Option<LogIndex>) {
        self.0.store(false, Ordering::Release);
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    id: String,
    #[serde(rename = "use")]
    usage: String,
    seed: String,
}

/// Why there are no keys to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] IdentityError),
    /// Others can read the file.
    #[error("`{path}` can be read by others (mode {mode:o}): keys need mode 600")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The machine gives no randomness.
    #[error("cannot draw random bytes: {0}")]
    Random(getrandom::Error),
}

impl NodeKeys {
    /// Reads the keys, or makes them where there are none.
    ///
    /// # Errors
    /// [`KeyError`] when they cannot be read, are readable by others, or cannot
    /// be made.
    pub fn open(dir: &DataDir, now: Timestamp) -> Result<Self, KeyError> {
        let path = dir.path().join("keys").join("node.json");
        let Some(files): Option<Vec<KeyFile>> = identity::load(&path)? else {
            return Self::make(&path, now);
        };
        check_private(&path)?;
        let damaged = || IdentityError::Damaged { path: path.clone() };
        let keys: Option<Vec<Key>> = files.iter().map(read).collect();
        let keys = keys.filter(|keys| keys.len() == KeyUsage::ALL.len()).ok_or_else(damaged)?;
        Ok(Self(keys))
    }

    fn make(path: &Path, now: Timestamp) -> Result<Self, KeyError> {
        let mut keys = Vec::new();
        for usage in KeyUsage::ALL {
            let mut random = [0; 10];
            let mut seed = [0; 32];
            getrandom::fill(&mut random).map_err(KeyError::Random)?;
            getrandom::fill(&mut seed).map_err(KeyError::Random)?;
            let id = KeyId(Ulid::from_parts(now.millis(), random));
            keys.push(Key { id, usage, signing: SigningKey::from_bytes(&seed) });
        }
        let files: Vec<KeyFile> = keys.iter().map(write).collect();
        let io = |source| IdentityError::Io { path: path.to_owned(), source };
        if let Some(parent) = path.parent() {
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(parent);
            made.map_err(io)?;
        }
        identity::save(path, &files)?;
        check_private(path)?;
        Ok(Self(keys))
    }

    /// The public halves, as the ledger lists them.
    pub fn public(&self) -> Vec<PublicKey> {
        let public = self.0.iter().map(|key| PublicKey {
            id: key.id,
            usage: key.usage,
            bytes: key.signing.verifying_key().to_bytes(),
        });
        public.collect()
    }

    /// The id of the key for a use.
    pub fn id(&self, usage: KeyUsage) -> Option<KeyId> {
        self.key(usage).map(|key| key.id)
    }

    /// Signs with the key for a use.
    pub fn sign(&self, usage: KeyUsage, message: &[u8]) -> Option<(KeyId, [u8; 64])> {
        let key = self.key(usage)?;
        Some((key.id, key.signing.sign(message).to_bytes()))
    }

    fn key(&self, usage: KeyUsage) -> Option<&Key> {
        self.0.iter().find(|key| key.usage == usage)
    }
}

fn read(file: &KeyFile) -> Option<Key> {
    let usage = KeyUsage::ALL.into_iter().find(|usage| usage.as_str() == file.usage)?;
    let seed: [u8; 32] = signature::from_text(&file.seed)?.try_into().ok()?;
    Some(Key { id: file.id.parse().ok()?, usage, signing: SigningKey::from_bytes(&seed) })
}

fn write(key: &Key) -> KeyFile {
    KeyFile {
        id: key.id.to_string(),
        usage: key.usage.as_str().to_owned(),
        seed: signature::to_text(key.signing.as_bytes()),
    }
}

/// The file is made for its owner alone; a copy may have lost that.
fn check_private(path: &Path) -> Result<(), KeyError> {
    let io = |source| IdentityError::Io { path: path.to_owned(), source };
    let mode = fs::metadata(path).map_err(io)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Exposed { path: path.to_owned(), mode });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> Result<NodeKeys, KeyError> {
        NodeKeys::open(&DataDir::open(path).unwrap(), Timestamp(1_000_000))
    }

    #[test]
    fn keys_are_made_once_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let made = open(dir.path()).unwrap();
        let read = open(dir.path()).unwrap();
        assert_eq!(made.public(), read.public());
        let signed = |keys: &NodeKeys| keys.sign(KeyUsage::Token, b"x").unwrap();
        assert_eq!(signed(&made), signed(&read));
        assert_ne!(signed(&made).1, made.sign(KeyUsage::Decision, b"x").unwrap().1);
    }

    #[test]
    fn keys_that_others_can_read_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path()).unwrap();
        let path = dir.path().join("keys/node.json");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(open(dir.path()), Err(KeyError::Exposed { mode: 0o640, .. })));
    }

    #[test]
    fn a_damaged_file_is_refused_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path()).unwrap();
        let path = dir.path().join("keys/node.json");
        fs::write(&path, b"[]").unwrap();
        assert!(matches!(open(dir.path()), Err(KeyError::File(IdentityError::Damaged { .. }))));
        assert_eq!(fs::read(&path).unwrap(), b"[]");
    }

    #[test]
    fn keys_do_not_show_in_debug_output() {
        let dir = tempfile::tempdir().unwrap();
        let keys = open(dir.path()).unwrap();
        let shown = format!("{keys:?}");
        assert!(keys.0.iter().all(|key| !shown.contains(&write(key).seed)), "{shown}");
    }
}
