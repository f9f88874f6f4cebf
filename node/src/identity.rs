//! Which node of which cluster a data directory belongs to.
//!
//! Invariants
//! - The file is written and synced before Raft first starts, and never changed:
//!   a node that forgot its id and took another could vote twice.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use storage::{DataDir, write_durably};
use types::{ClusterId, RaftId};

use crate::sealing::VARIABLE;

/// Who this node is, for as long as its data directory lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The cluster.
    pub cluster_id: ClusterId,
    /// What consensus calls this node.
    pub raft_id: RaftId,
    /// What people call it.
    pub name: String,
    /// 1 for the first bearer of the name.
    pub incarnation: u64,
}

/// The file, as JSON. Ids are text as everywhere else.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentityFile {
    cluster_id: String,
    raft_id: u64,
    name: String,
    incarnation: u64,
}

/// A join that has begun and is not known to have ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Joining {
    /// Same nonce, same answer: asking again after a crash is safe.
    pub nonce: String,
    /// The name it asks to join under.
    pub name: String,
    /// Whether it stays without a vote.
    pub learner: bool,
}

/// A file of the node that is not as the node wrote it.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// It cannot be read or written.
    #[error("cannot use `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It is sealed, and there is no key.
    #[error(
        "`{path}` is sealed and no key was given: set {VARIABLE} or {VARIABLE}_FILE to the one \
         that opens it"
    )]
    KeyNeeded {
        /// The file.
        path: PathBuf,
    },
    /// It is sealed with another key, or was changed.
    #[error(
        "the key in {key} does not open `{path}`: give the one that does, or give it as \
         {VARIABLE}_PREVIOUS beside a new one"
    )]
    WrongKey {
        /// The file.
        path: PathBuf,
        /// Where the key came from.
        key: String,
    },
    /// It does not say what it should.
    #[error("`{path}` is damaged: restore it, or join as a new node with an empty directory")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

impl Identity {
    /// What the directory says, or `None` if it has not belonged to a node yet.
    ///
    /// # Errors
    /// [`IdentityError`] when the file cannot be understood.
    pub fn load(dir: &DataDir) -> Result<Option<Self>, IdentityError> {
        let path = dir.path().join("identity");
        let Some(file): Option<IdentityFile> = load(&path)? else {
            return Ok(None);
        };
        let damaged = || IdentityError::Damaged { path: path.clone() };
        Ok(Some(Self {
            cluster_id: file.cluster_id.parse().map_err(|_| damaged())?,
            raft_id: RaftId(file.raft_id),
            name: file.name,
            incarnation: file.incarnation,
        }))
    }

    /// Writes it down, durably.
    ///
    /// # Errors
    /// [`IdentityError`] when the directory cannot be written.
    pub fn save(&self, dir: &DataDir) -> Result<(), IdentityError> {
        let file = IdentityFile {
            cluster_id: self.cluster_id.to_string(),
            raft_id: self.raft_id.0,
            name: self.name.clone(),
            incarnation: self.incarnation,
        };
        save(&dir.path().join("identity"), &file)
    }
}

impl Joining {
    /// The join that was begun here, if any.
    ///
    /// # Errors
    /// [`IdentityError`] when the file cannot be understood.
    pub fn load(dir: &DataDir) -> Result<Option<Self>, IdentityError> {
        load(&dir.path().join("joining"))
    }

    /// Writes it down, durably, before it is asked for.
    ///
    /// # Errors
    /// [`IdentityError`] when the directory cannot be written.
    pub fn save(&self, dir: &DataDir) -> Result<(), IdentityError> {
        save(&dir.path().join("joining"), self)
    }

    /// Forgets it: the node is what it wanted to become.
    ///
    /// # Errors
    /// [`IdentityError`] when the file cannot be removed.
    pub fn finish(dir: &DataDir) -> Result<(), IdentityError> {
        let path = dir.path().join("joining");
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(IdentityError::Io { path, source })
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Reads a JSON file of the node.
pub(crate) fn load<T: serde::de::DeserializeOwned>(
    path: &Path,
) -> Result<Option<T>, IdentityError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(IdentityError::Io { path: path.to_owned(), source }),
    };
    let damaged = |_| IdentityError::Damaged { path: path.to_owned() };
    serde_json::from_slice(&text).map(Some).map_err(damaged)
}

/// Writes a JSON file of the node, durably and at once.
pub(crate) fn save<T: Serialize>(path: &Path, value: &T) -> Result<(), IdentityError> {
    let io = |source| IdentityError::Io { path: path.to_owned(), source };
    let text = serde_json::to_vec_pretty(value).map_err(|err| io(err.into()))?;
    write_durably(path, &text).map_err(io)
}
