//! The state machine's state: ordered rows in tables, without a write-ahead log.
//!
//! Commits are atomic and in memory; a flush makes all of them durable together,
//! over every column family. After a crash the state is that of some commit, and
//! `applied`, which is part of it, says which: the rest is replayed from the
//! Raft log. What a row means is the business of core's typed tables.
//!
//! Invariants
//! - `applied` and the rows of one commit are one write.
//! - A batch or a view belongs to the state it was taken from, also after
//!   [`State::install`] put another one in force.
//!
//! Reading order: this file, `db.rs`, `batch.rs`, `view.rs`, `install.rs`.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use bytes::Bytes;

use crate::data_dir::DataDir;
use crate::durable::{remove_dir, sync_dir, sync_files};
use crate::error::Error;
use crate::evidence::{self, Evidence};
use crate::keys::Group;
use crate::rocks::{io_error, wait_while};
use db::Db;

pub use batch::Batch;
pub use view::{Checkpoint, View};

mod batch;
mod db;
pub(crate) mod install;
mod view;

/// The state in force.
pub struct State {
    dir: DataDir,
    group: Group,
    current: RwLock<Arc<Db>>,
    /// Held while another state is put in force.
    installing: Mutex<()>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("dir", &self.current().path()).finish_non_exhaustive()
    }
}

impl State {
    /// Opens the state, or makes an empty one in a new data directory.
    ///
    /// # Errors
    /// [`Error::StateLost`] when it is damaged or gone.
    pub fn open(dir: &DataDir, group: Group) -> Result<Self, Error> {
        let db = install::open_current(dir, &group)?;
        let snapshots = dir.snapshots_dir();
        remove_unfinished(&snapshots)
            .map_err(|source| Error::Open { path: snapshots.clone(), source })?;
        Ok(Self {
            dir: dir.clone(),
            group,
            current: RwLock::new(Arc::new(db)),
            installing: Mutex::new(()),
        })
    }

    /// Whose state it is.
    pub fn group(&self) -> &Group {
        &self.group
    }

    /// Begins the writes of one Raft entry.
    ///
    /// # Errors
    /// None today; the port allows for stores that can fail here.
    pub fn begin(&self) -> io::Result<Batch> {
        Ok(Batch::new(Arc::clone(&self.current())))
    }

    /// Commits a batch and `applied` in one atomic write, not synced.
    ///
    /// # Errors
    /// When the write fails, or another state was installed since the batch
    /// began. The node must stop.
    pub fn commit(&self, batch: Batch, applied: Bytes) -> io::Result<()> {
        // Held over the write: nothing may be written into a state that an
        // install has put out of force.
        let current = self.current();
        if !Arc::ptr_eq(&current, batch.db()) {
            return Err(io::Error::other("the batch began before another state was installed"));
        }
        current.write(batch.writes(), &applied)
    }

    /// What the last committed batch said was applied.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn applied(&self) -> io::Result<Option<Bytes>> {
        self.current().applied(None)
    }

    /// The state now; unmoved by later commits.
    ///
    /// # Errors
    /// None today; the port allows for stores that can fail here.
    pub fn view(&self) -> io::Result<View> {
        Ok(View::new(Arc::clone(&self.current())))
    }

    /// Makes everything committed so far durable. Blocks on the disk.
    ///
    /// # Errors
    /// When the flush fails; the node must stop.
    pub fn flush(&self) -> io::Result<()> {
        let db = Arc::clone(&self.current());
        db.flush()
    }

    /// Makes deletions physical: after it no file of the state holds a value
    /// that was deleted before the call. Reads and commits go on beside it.
    /// States kept as evidence are removed, since they hold what was deleted;
    /// checkpoints are their maker's to remove. Blocks on the disk for as long
    /// as it takes to rewrite all that is ever erased.
    ///
    /// # Errors
    /// When it fails, or somebody has been reading what was deleted for a
    /// minute. It may be tried again.
    pub fn compact_erased(&self) -> io::Result<()> {
        let db = Arc::clone(&self.current());
        db.compact_erased()?;
        evidence::remove_all(&self.dir)?;
        let state_dir = self.dir.state_dir();
        let replaced = || install::is_before(&state_dir, db.path());
        wait_while(replaced, "a state that was replaced is still being read")
    }

    /// Puts a checkpoint in the place of a state that is not open and perhaps
    /// cannot be, durably and at once, and keeps the old one as evidence. After
    /// a crash the old state or the new one is in force; done again, it keeps
    /// the evidence of the first time. Blocks on the disk.
    ///
    /// # Errors
    /// When the directory is no whole state, or cannot be put in place.
    pub fn replace(
        dir: &DataDir,
        group: &Group,
        checkpoint: &Path,
        evidence: Evidence<'_>,
    ) -> io::Result<()> {
        install::replace(dir, group, checkpoint, evidence)
    }

    /// What the state in force says was applied, without opening it for use: no
    /// file is changed.
    ///
    /// # Errors
    /// [`Error::StateLost`] when it cannot be read.
    pub fn peek_applied(dir: &DataDir, group: &Group) -> Result<Option<Bytes>, Error> {
        let path = install::current(&dir.state_dir())?;
        let checkpoint = Checkpoint::open(&path, group.clone())?;
        checkpoint.view().applied().map_err(|source| Error::Open { path, source })
    }

    /// Flushes and links a copy of the state as it is now into
    /// `snapshots/<name>`. Blocks on the disk.
    ///
    /// # Errors
    /// When the name is taken or no name, or the copy cannot be made.
    pub fn checkpoint(&self, name: &str) -> io::Result<PathBuf> {
        check_name(name)?;
        let db = Arc::clone(&self.current());
        let snapshots = self.snapshots_dir();
        let target = snapshots.join(name);
        if target.try_exists()? {
            let what = format!("a checkpoint `{name}` exists");
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
        }
        // The name stands for a whole and durable checkpoint from the first.
        let making = snapshots.join(format!(".{name}{MAKING}"));
        remove_dir(&making)?;
        db.flush()?;
        db.checkpoint(&making)?;
        sync_files(&making)?;
        fs::rename(&making, &target)?;
        sync_dir(&snapshots)?;
        Ok(target)
    }

    /// Where checkpoints and incoming snapshots lie; on the same file system.
    pub fn snapshots_dir(&self) -> PathBuf {
        self.dir.snapshots_dir()
    }

    /// Replaces the state by the checkpoint in `dir`, durably and at once: after
    /// a crash the state is the old one or the new one. `dir` itself stays as it
    /// is. Views of the old state stay good until they are dropped. Blocks on
    /// the disk.
    ///
    /// # Errors
    /// When the directory is no whole state, or cannot be put in place. The
    /// state in force is then the old one.
    pub fn install(&self, dir: PathBuf) -> io::Result<()> {
        let _one_at_a_time = self.installing.lock().unwrap_or_else(PoisonError::into_inner);
        let old = Arc::clone(&self.current());
        let prepared = install::prepare(&self.dir.state_dir(), old.path(), &dir, &self.group)?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        install::switch(&self.dir.state_dir(), &prepared)?;
        old.retire();
        *current = Arc::new(prepared);
        Ok(())
    }

    fn current(&self) -> RwLockReadGuard<'_, Arc<Db>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the name of a checkpoint that is being made. None that is whole begins
/// with a period.
const MAKING: &str = ".making";

fn remove_unfinished(snapshots: &Path) -> io::Result<()> {
    for entry in fs::read_dir(snapshots)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.trim_end_matches(".tmp").ends_with(MAKING) {
            remove_dir(&entry.path())?;
        }
    }
    Ok(())
}

/// A name of a file in one directory and nothing else.
pub(crate) fn check_name(name: &str) -> io::Result<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !name.is_empty() && name.len() <= 128 && name.bytes().all(plain) && !name.starts_with('.') {
        return Ok(());
    }
    let what = format!("`{}` is no name of a checkpoint", name.escape_debug());
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}

fn lost(path: &Path, error: rocksdb::Error) -> Error {
    let gone = error.as_ref().contains("No such file");
    match error.kind() {
        rocksdb::ErrorKind::Corruption | rocksdb::ErrorKind::InvalidArgument => {
            Error::StateLost { path: path.to_owned(), what: error.to_string() }
        }
        rocksdb::ErrorKind::IOError if gone => {
            Error::StateLost { path: path.to_owned(), what: error.to_string() }
        }
        _ => Error::Open { path: path.to_owned(), source: io_error(error) },
    }
}
