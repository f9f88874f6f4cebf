//! The data directory of one node, held by one process.
//!
//! ```text
//! format       version of this layout; written last when the directory is made
//! lock         locked while a process uses the directory
//! keyring      the keys that its contents are sealed with, if any
//! witness      what the log promised, outside it
//! log/         the Raft log
//! state/       `current` and the state directory it names
//! snapshots/   checkpoints of the state, and snapshots on their way in
//! evidence/    states that were replaced because they were bad, if any
//! ```
//!
//! Others may keep files beside these. Invariant: where `format` exists, so does
//! `witness`: a directory that lost either is refused, never founded again.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::durable::{create_dir, write_durably};
use crate::error::Error;
use crate::keyring::Keyring;
use crate::keyring::master::MasterKey;
use crate::log::witness;
use crate::state::install;

/// The layout this program writes, and the newest it reads.
pub const FORMAT: u32 = 1;

/// A data directory that this process holds. Clones share the lock, which is
/// let go with the last of them.
#[derive(Clone, Debug)]
pub struct DataDir {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    keyring: Mutex<Option<Keyring>>,
    _lock: File,
}

impl DataDir {
    /// Locks a data directory and makes it if it is absent or empty.
    ///
    /// # Errors
    /// When it cannot be written, is in use, is of a newer format, or has lost
    /// a part.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        // It holds what people wrote about people: for its owner alone.
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.map_err(|source| unusable(&path, source))?;
        let dir = Self {
            inner: Arc::new(Inner { _lock: lock(&path)?, path, keyring: Mutex::default() }),
        };
        match dir.format()? {
            Some(FORMAT) => dir.check()?,
            Some(found) if found > FORMAT => {
                return Err(Error::Newer { path: dir.path().to_owned(), found, known: FORMAT });
            }
            Some(found) => return Err(dir.foreign(format!("it has format {found}"))),
            None => dir.create()?,
        }
        Ok(dir)
    }

    /// Opens the keyring with a master key, or makes it: what is written from
    /// then on is sealed. Before log and state are opened.
    ///
    /// # Errors
    /// When neither key opens it, which changes nothing, or it cannot be written.
    pub fn unlock(&self, master: &MasterKey, previous: Option<&MasterKey>) -> Result<(), Error> {
        let is_used = |dir: PathBuf| holds_a_database(&dir);
        let is_used = is_used(self.log_dir()).and_then(|log| Ok(log || is_used(self.state_dir())?));
        let is_used = is_used.map_err(|source| unusable(self.path(), source))?;
        let opened = Keyring::open(self.keyring_path(), Some(master), previous, !is_used)?;
        *self.inner.keyring.lock().unwrap_or_else(PoisonError::into_inner) = Some(opened);
        Ok(())
    }

    /// What its contents are sealed and opened with: nothing, unless it was
    /// unlocked or holds values of others.
    ///
    /// # Errors
    /// When it is sealed and was not unlocked.
    pub fn keyring(&self) -> Result<Keyring, Error> {
        let mut keyring = self.inner.keyring.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keyring) = keyring.as_ref() {
            return Ok(keyring.clone());
        }
        let opened = Keyring::open(self.keyring_path(), None, None, false)?;
        *keyring = Some(opened.clone());
        Ok(opened)
    }

    /// Whether states that were bad are kept.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn has_evidence(&self) -> io::Result<bool> {
        match fs::read_dir(self.evidence_dir()) {
            Ok(mut entries) => Ok(entries.next().is_some()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    pub(crate) fn log_dir(&self) -> PathBuf {
        self.path().join("log")
    }

    fn keyring_path(&self) -> PathBuf {
        self.path().join("keyring")
    }

    pub(crate) fn witness_path(&self) -> PathBuf {
        self.path().join("witness")
    }

    /// Where the state lies: the file `current` in it names the directory in force.
    pub fn state_dir(&self) -> PathBuf {
        self.path().join("state")
    }

    /// Where checkpoints and incoming snapshots lie.
    pub fn snapshots_dir(&self) -> PathBuf {
        self.path().join("snapshots")
    }

    pub(crate) fn evidence_dir(&self) -> PathBuf {
        self.path().join("evidence")
    }

    fn format(&self) -> Result<Option<u32>, Error> {
        match fs::read_to_string(self.path().join("format")) {
            Ok(text) => match text.trim().parse() {
                Ok(found) => Ok(Some(found)),
                Err(_) => Err(self.foreign("its `format` file holds no number")),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(self.foreign("its `format` file holds no number"))
            }
            Err(source) => Err(unusable(self.path(), source)),
        }
    }

    /// A directory without `format` was never used: its making was cut short,
    /// or it is new. Contents of a log or a state say otherwise.
    fn create(&self) -> Result<(), Error> {
        for dir in [self.log_dir(), self.state_dir()] {
            if holds_a_database(&dir).map_err(|source| unusable(self.path(), source))? {
                return Err(
                    self.foreign(format!("`{}` has contents but `format` is gone", dir.display()))
                );
            }
        }
        self.lay_out().map_err(|source| unusable(self.path(), source))
    }

    fn lay_out(&self) -> io::Result<()> {
        for dir in [self.log_dir(), self.state_dir(), self.snapshots_dir()] {
            create_dir(&dir)?;
        }
        witness::create(&self.witness_path())?;
        install::point_to(&self.state_dir(), install::FIRST)?;
        write_durably(&self.path().join("format"), format!("{FORMAT}\n").as_bytes())
    }

    fn check(&self) -> Result<(), Error> {
        if !self.witness_path().is_file() {
            return Err(Error::LogLost {
                path: self.log_dir(),
                what: "the file `witness` beside it is gone".to_owned(),
            });
        }
        for dir in [self.log_dir(), self.state_dir(), self.snapshots_dir()] {
            create_dir(&dir).map_err(|source| unusable(self.path(), source))?;
        }
        Ok(())
    }

    fn foreign(&self, what: impl Into<String>) -> Error {
        Error::Foreign { path: self.path().to_owned(), what: what.into() }
    }
}

/// Opening the lock for writing is the permission check too.
fn lock(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(path.join("lock")).map_err(|source| unusable(path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(unusable(path, source)),
    }
}

fn holds_a_database(dir: &Path) -> io::Result<bool> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name() == "CURRENT" || entry.file_type()?.is_dir() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn unusable(path: &Path, source: io::Error) -> Error {
    Error::DataDir { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_refused_until_the_first_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let held = DataDir::open(dir.path()).unwrap();
        let clone = held.clone();
        drop(held);
        let error = DataDir::open(dir.path()).unwrap_err();
        assert!(error.to_string().ends_with("is in use by another process"), "{error}");
        drop(clone);
        DataDir::open(dir.path()).unwrap();
    }

    #[test]
    fn a_newer_format_is_refused_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        drop(DataDir::open(dir.path()).unwrap());
        fs::write(dir.path().join("format"), "2\n").unwrap();
        let error = DataDir::open(dir.path()).unwrap_err();
        assert!(matches!(error, Error::Newer { found: 2, known: 1, .. }), "{error}");
        assert!(error.to_string().contains("start the version that wrote it"), "{error}");
    }

    #[test]
    fn a_format_that_is_no_number_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        drop(DataDir::open(dir.path()).unwrap());
        for text in [&b"one"[..], b"", b"\xff\xfe", b"0"] {
            fs::write(dir.path().join("format"), text).unwrap();
            let error = DataDir::open(dir.path()).unwrap_err();
            assert!(matches!(error, Error::Foreign { .. }), "{error}");
        }
    }

    #[test]
    fn a_making_that_was_cut_short_is_finished() {
        let dir = tempfile::tempdir().unwrap();
        drop(DataDir::open(dir.path()).unwrap());
        fs::remove_file(dir.path().join("format")).unwrap();
        fs::remove_file(dir.path().join("witness")).unwrap();
        drop(DataDir::open(dir.path()).unwrap());
        assert!(dir.path().join("witness").is_file());
    }

    #[test]
    fn a_path_that_is_a_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "").unwrap();
        let error = DataDir::open(&path).unwrap_err();
        assert!(matches!(error, Error::DataDir { .. }), "{error}");
    }
}
