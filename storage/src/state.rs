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
use governance::Table;

use crate::data_dir::DataDir;
use crate::durable::{remove_dir, sync_dir, sync_files};
use crate::error::Error;
use crate::evidence::{self, Evidence};
use crate::keyring::Keyring;
use crate::keys::Group;
use crate::rocks::{io_error, wait_while};
use db::{Db, Slice};

pub use batch::Batch;
pub use view::{Checkpoint, View};

mod batch;
mod db;
pub(crate) mod install;
mod view;

/// The state in force. Clones share it.
#[derive(Clone)]
pub struct State {
    inner: Arc<Inner>,
}

struct Inner {
    dir: DataDir,
    group: Group,
    keyring: Keyring,
    current: RwLock<Arc<Db>>,
    /// Held while another state is put in force.
    installing: Mutex<()>,
    /// Held while rows are written: a rewriting must not put back what a commit
    /// has just replaced.
    writing: Mutex<()>,
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
        let inner = Inner {
            dir: dir.clone(),
            group,
            keyring: dir.keyring()?,
            current: RwLock::new(Arc::new(db)),
            installing: Mutex::new(()),
            writing: Mutex::new(()),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Whose state it is.
    pub fn group(&self) -> &Group {
        &self.inner.group
    }

    /// What its values are sealed and opened with.
    pub fn keyring(&self) -> &Keyring {
        &self.inner.keyring
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
        let _one_at_a_time = self.inner.writing.lock().unwrap_or_else(PoisonError::into_inner);
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
        evidence::remove_all(&self.inner.dir)?;
        let state_dir = self.inner.dir.state_dir();
        let replaced = || install::is_before(&state_dir, db.path());
        wait_while(replaced, "a state that was replaced is still being read")
    }

    /// Goes on writing rows anew that are not stored as they would be now, in
    /// small steps between which commits go on. What was there before lies in
    /// files until [`Self::compact_all`]. Blocks on the disk.
    ///
    /// # Errors
    /// When a row cannot be read, sealed or written.
    pub fn rewrite(&self, rewriting: &mut Rewriting) -> io::Result<Step> {
        const SLICE: Slice = Slice { rows_max: 1_024, bytes_max: 512 * 1024 };
        // In the order of `commit`: between the two an install may wait.
        let current = self.current();
        let _one_at_a_time = self.inner.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let path = rewriting.state.get_or_insert_with(|| current.path().to_owned());
        if path != current.path() {
            return Ok(Step::Replaced);
        }
        let Some(table) = Table::ALL.get(rewriting.table) else { return Ok(Step::Done) };
        let sliced = current.rewrite(*table, &rewriting.from, SLICE)?;
        let rewritten = u64::try_from(sliced.rewritten).unwrap_or(u64::MAX);
        self.inner.keyring.count_rewritten(rewritten);
        rewriting.rewritten = rewriting.rewritten.saturating_add(rewritten);
        rewriting.table += usize::from(sliced.next.is_none());
        rewriting.from = sliced.next.unwrap_or_default();
        Ok(Step::More)
    }

    /// Rewrites every file, so that none holds what was written before a
    /// rewriting. Blocks on the disk for as long as that takes.
    ///
    /// # Errors
    /// When it fails, or somebody has been reading the rows of before for a
    /// minute. It may be tried again.
    pub fn compact_all(&self) -> io::Result<()> {
        let db = Arc::clone(&self.current());
        db.compact_all()
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
        let checkpoint = Checkpoint::open(&path, group.clone(), &dir.keyring()?)?;
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
        self.inner.dir.snapshots_dir()
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
        let Inner { group, keyring, current, installing, .. } = &*self.inner;
        let _one_at_a_time = installing.lock().unwrap_or_else(PoisonError::into_inner);
        let old = Arc::clone(&self.current());
        let prepared = install::prepare(old.path(), &dir, (group.clone(), keyring.clone()))?;
        // Whoever rewrites the state from now on waits for the new one.
        let mut current = current.write().unwrap_or_else(PoisonError::into_inner);
        keyring.note_replaced()?;
        install::switch(&self.inner.dir.state_dir(), &prepared)?;
        old.retire();
        *current = Arc::new(prepared);
        Ok(())
    }

    fn current(&self) -> RwLockReadGuard<'_, Arc<Db>> {
        self.inner.current.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far a rewriting has come.
#[derive(Clone, Debug, Default)]
pub struct Rewriting {
    /// The directory of the state it is of.
    state: Option<PathBuf>,
    table: usize,
    from: Vec<u8>,
    /// How many rows it has written anew.
    pub rewritten: u64,
}

/// What a step of a rewriting came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is more.
    More,
    /// Every row is stored as it would be now.
    Done,
    /// Another state is in force: it begins anew.
    Replaced,
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
