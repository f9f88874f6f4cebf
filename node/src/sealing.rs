//! Files of the node that hold secrets, sealed with the master key if there is
//! one. [`Sealing::read`] and [`Sealing::write`] are all that such a file needs.
//!
//! Invariants
//! - A file that is sealed is never written plain.
//! - One that the keys do not open is not changed.

use std::fs;
use std::io;
use std::path::Path;

use storage::keyring::master::{self, OpenError};
use storage::{MasterKey, write_durably};
use zeroize::Zeroizing;

use crate::identity::IdentityError;

/// The variable that gives the key, for errors to name.
pub const VARIABLE: &str = "LEXECON_MASTER_KEY";

/// What the files of a node are sealed with.
#[derive(Clone, Debug, Default)]
pub struct Sealing {
    key: Option<MasterKey>,
    previous: Option<MasterKey>,
}

/// What a file held.
#[derive(Debug)]
pub struct Content {
    /// The secret itself.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Whether it is not stored as it would be now: plain, or sealed with the
    /// previous key. Whoever reads it is to write it again.
    pub is_stale: bool,
}

impl Sealing {
    /// Seals with a key; what the previous one sealed is still read.
    pub fn new(key: Option<MasterKey>, previous: Option<MasterKey>) -> Self {
        Self { key, previous }
    }

    /// Reads a file, whose purpose must be that which it was written for.
    ///
    /// # Errors
    /// [`IdentityError`] when it cannot be read or opened.
    pub fn read(&self, path: &Path, purpose: &str) -> Result<Option<Content>, IdentityError> {
        let stored = match fs::read(path) {
            Ok(stored) => Zeroizing::new(stored),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(IdentityError::Io { path: path.to_owned(), source }),
        };
        if !master::is_sealed(&stored) {
            return Ok(Some(Content { bytes: stored, is_stale: self.key.is_some() }));
        }
        let Some(key) = &self.key else {
            return Err(IdentityError::KeyNeeded { path: path.to_owned() });
        };
        for (key, is_stale) in [(Some(key), false), (self.previous.as_ref(), true)] {
            let Some(key) = key else { continue };
            match key.open(purpose, &stored) {
                Ok(bytes) => return Ok(Some(Content { bytes, is_stale })),
                Err(OpenError::Refused | OpenError::NotSealed) => {}
                Err(OpenError::Derive(source)) => {
                    return Err(IdentityError::Io { path: path.to_owned(), source });
                }
            }
        }
        Err(IdentityError::WrongKey { path: path.to_owned(), key: key.name().to_owned() })
    }

    /// Writes a file, durably and for its owner alone.
    ///
    /// # Errors
    /// [`IdentityError`] when it cannot be sealed or written.
    pub fn write(&self, path: &Path, purpose: &str, secret: &[u8]) -> Result<(), IdentityError> {
        let written = match &self.key {
            Some(key) => key.seal(purpose, secret).and_then(|sealed| write_durably(path, &sealed)),
            None => write_durably(path, secret),
        };
        written.map_err(|source| IdentityError::Io { path: path.to_owned(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> MasterKey {
        MasterKey::from_bytes(format!("KEY_{byte}"), [byte; 32])
    }

    #[test]
    fn a_file_is_sealed_with_the_key_there_is_and_opened_for_its_purpose() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cluster-key");
        let (plain, first) = (Sealing::default(), Sealing::new(Some(key(1)), None));
        plain.write(&path, "cluster key", b"secret").unwrap();
        let read = |sealing: &Sealing| sealing.read(&path, "cluster key");
        let stale = |sealing: &Sealing| read(sealing).unwrap().unwrap().is_stale;
        assert!(!stale(&plain) && stale(&first), "a plain file is to be sealed");
        first.write(&path, "cluster key", b"secret").unwrap();
        assert!(!stale(&first));
        assert_eq!(read(&first).unwrap().unwrap().bytes.as_slice(), b"secret");
        assert!(!fs::read(&path).unwrap().windows(6).any(|window| window == b"secret"));
        let second = Sealing::new(Some(key(2)), Some(key(1)));
        assert!(stale(&second), "to be sealed with the new key");
        assert!(read(&plain).unwrap_err().to_string().contains("set LEXECON_MASTER_KEY"));
        let wrong = read(&Sealing::new(Some(key(3)), None)).unwrap_err().to_string();
        assert!(wrong.contains("KEY_3"), "{wrong}");
        first.read(&path, "another").unwrap_err();
        assert!(first.read(&dir.path().join("none"), "x").unwrap().is_none());
    }
}
