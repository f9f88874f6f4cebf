//! The checkpoint that serves as this node's snapshot, on the disk.
//!
//! A snapshot is a directory that the state store made, and beside it a small
//! file `<directory>.meta` that says what it holds. The file is written last,
//! so a directory without one is a leftover and is removed at start.
//!
//! Invariants
//! - What is published has its content digest: nobody is offered a snapshot of
//!   which he could not tell whether it arrived as it was taken.
//! - A newer snapshot is never replaced by an older one, whichever is ready
//!   last: a build may overtake, or be overtaken by, an install.
//! - A directory lives as long as somebody sends it: it is removed when the
//!   last holder of a superseded snapshot lets go.
//! - A snapshot that was begun before the last erasure gives way to any that
//!   was begun after it, though it holds as much.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use proto::peer::v1::SnapshotFile;
use tokio::sync::watch;
use types::{Digest, Timestamp};

use crate::encoding::{Cursor, decode_meta, encode_meta, put_bytes};
use crate::kinds::SnapshotMeta;
use crate::ports::Checkpoints;

const META_VERSION: u8 = 2;
/// Had no content digest. Such a snapshot is taken anew.
const META_VERSION_BARE: u8 = 1;
const META_EXTENSION: &str = "meta";
/// What directories that are being received begin with.
pub(crate) const INCOMING_PREFIX: &str = "incoming-";

/// A snapshot on the disk. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) meta: SnapshotMeta,
    pub(crate) taken_at: Timestamp,
    /// The content digest of the state in it.
    pub(crate) content: Digest,
    epoch: Epoch,
    dir: Arc<Dir>,
    /// Whose values are in it, once it is this node's snapshot.
    store: Option<Arc<dyn Checkpoints>>,
}

/// How many erasures had made their deletions physical when a checkpoint was
/// begun, since this process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Epoch(u64);

/// A checkpoint that was just made, of which nobody has read yet what it holds.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) meta: SnapshotMeta,
    pub(crate) taken_at: Timestamp,
    pub(crate) path: PathBuf,
    pub(crate) epoch: Epoch,
}

impl Draft {
    pub(crate) fn with_content(self, content: Digest) -> Snapshot {
        let Self { meta, taken_at, path, epoch } = self;
        let superseded = AtomicBool::new(false);
        let dir = Arc::new(Dir { path, superseded, manifest: OnceLock::new() });
        Snapshot { meta, taken_at, content, epoch, dir, store: None }
    }

    /// Takes the directory away again.
    pub(crate) fn discard(&self) {
        remove(&self.path);
    }
}

#[derive(Debug)]
struct Dir {
    path: PathBuf,
    superseded: AtomicBool,
    /// Made when the snapshot is first sent.
    manifest: OnceLock<Arc<[SnapshotFile]>>,
}

impl Drop for Dir {
    fn drop(&mut self) {
        if self.superseded.load(Ordering::Relaxed) {
            remove(&self.path);
        }
    }
}

impl Snapshot {
    pub(crate) fn path(&self) -> &Path {
        &self.dir.path
    }

    pub(crate) fn manifest(&self) -> &OnceLock<Arc<[SnapshotFile]>> {
        &self.dir.manifest
    }

    /// What its receiver needs to read it.
    pub(crate) fn value_keys(&self) -> io::Result<Bytes> {
        self.store.as_ref().map_or_else(|| Ok(Bytes::new()), |store| store.value_keys())
    }

    pub(crate) fn index(&self) -> Option<u64> {
        self.meta.last_log_id.map(|id| id.index)
    }

    /// Whether it was begun in this epoch or a later one.
    pub(crate) fn is_of(&self, epoch: Epoch) -> bool {
        epoch <= self.epoch
    }

    fn supersede(&self) {
        self.dir.superseded.store(true, Ordering::Relaxed);
    }

    /// Whether this one takes the place of another.
    fn is_newer_than(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.meta.last_log_id, other.meta.last_log_id);
        theirs < ours || (theirs == ours && other.epoch < self.epoch)
    }

    /// Sum of the sizes of its files.
    pub(crate) fn size(&self) -> io::Result<u64> {
        Ok(files(self.path())?.into_iter().map(|(_, size)| size).sum())
    }
}

/// The node's newest snapshot.
#[derive(Debug)]
pub(crate) struct Snapshots {
    dir: PathBuf,
    current: Mutex<Option<Snapshot>>,
    epoch: AtomicU64,
    store: Option<Arc<dyn Checkpoints>>,
    /// Counts what was made ready, published or not.
    ready: watch::Sender<u64>,
}

impl Snapshots {
    /// Finds the newest snapshot in `dir` and removes everything else there.
    pub(crate) fn open(dir: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        let newest = newest(&dir)?;
        let kept = newest.as_ref().map(|snapshot| snapshot.path().to_owned());
        for entry in fs::read_dir(&dir)? {
            let path = entry?.path();
            let keep = kept.as_ref().is_some_and(|kept| path.with_extension("") == *kept);
            if !keep && is_ours(&path) {
                remove(&path.with_extension(""));
            }
        }
        let (epoch, ready) = (AtomicU64::default(), watch::Sender::default());
        Ok(Self { dir, current: Mutex::new(newest), epoch, store: None, ready })
    }

    /// Says whose values are in what is sent from here.
    #[must_use]
    pub(crate) fn of_store(self, store: Arc<dyn Checkpoints>) -> Self {
        Self { store: Some(store), ..self }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn current(&self) -> Option<Snapshot> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        current.map(|snapshot| Snapshot { store: self.store.clone(), ..snapshot })
    }

    /// To be asked before a checkpoint is begun.
    pub(crate) fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::SeqCst))
    }

    /// From now on every checkpoint that was begun is outdated: its files hold
    /// what those of the state no longer do.
    pub(crate) fn outdate(&self) -> Epoch {
        Epoch(self.epoch.fetch_add(1, Ordering::SeqCst) + 1)
    }

    pub(crate) fn is_outdated(&self, snapshot: &Snapshot) -> bool {
        snapshot.epoch < self.epoch()
    }

    /// Tells whenever a snapshot was made ready.
    pub(crate) fn ready(&self) -> watch::Receiver<u64> {
        self.ready.subscribe()
    }

    /// Whether anything of an earlier epoch is left but the current snapshot:
    /// one that is still being sent, or is being made.
    pub(crate) fn has_others(&self) -> io::Result<bool> {
        let current = self.current().map(|snapshot| snapshot.path().to_owned());
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            if path.is_dir() && is_made(&path) && Some(&path) != current.as_ref() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes away what transfers that broke off have left. None may be under way.
    pub(crate) fn remove_incoming(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            if has_prefix(&path, INCOMING_PREFIX) {
                remove(&path);
            }
        }
        Ok(())
    }

    /// Makes a directory the node's snapshot, unless it has one as new. Returns
    /// the snapshot that holds from now on.
    pub(crate) fn publish(&self, snapshot: Snapshot) -> io::Result<Snapshot> {
        let published = self.publish_newer(snapshot);
        self.ready.send_modify(|count| *count = count.wrapping_add(1));
        published
    }

    fn publish_newer(&self, snapshot: Snapshot) -> io::Result<Snapshot> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = current.as_ref()
            && !snapshot.is_newer_than(known)
        {
            if known.path() != snapshot.path() {
                snapshot.supersede();
            }
            return Ok(known.clone());
        }
        exchange(&mut current, snapshot)
    }

    /// Makes a directory the node's snapshot whatever it had: the state itself
    /// was replaced by this one.
    pub(crate) fn replace(&self, snapshot: Snapshot) -> io::Result<Snapshot> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        exchange(&mut current, snapshot)
    }
}

fn exchange(current: &mut Option<Snapshot>, snapshot: Snapshot) -> io::Result<Snapshot> {
    write_meta(&snapshot)?;
    if let Some(old) = current.replace(snapshot.clone()) {
        old.supersede();
    }
    Ok(snapshot)
}

/// Makes a received directory the only snapshot there is, while nothing runs
/// that uses snapshots. After a crash there is this one or none.
pub(crate) fn adopt(dir: &Path, draft: Draft, content: Digest) -> io::Result<Snapshot> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if is_ours(&path) && path != draft.path {
            remove(&path.with_extension(""));
        }
    }
    let index = draft.meta.last_log_id.map_or(0, |id| id.index);
    let path = dir.join(name(index, draft.taken_at.0));
    fs::rename(&draft.path, &path)?;
    let snapshot = Draft { path, ..draft }.with_content(content);
    write_meta(&snapshot)?;
    Ok(snapshot)
}

/// The newest snapshot in a directory, which is not changed.
pub(crate) fn newest(dir: &Path) -> io::Result<Option<Snapshot>> {
    let mut newest: Option<Snapshot> = None;
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let Some(snapshot) = is_meta(&path).then(|| read_meta(&path)).transpose()?.flatten() else {
            continue;
        };
        if newest.as_ref().is_none_or(|known| snapshot.is_newer_than(known)) {
            newest = Some(snapshot);
        }
    }
    Ok(newest)
}

/// Names of the checkpoint of an index; ordinal tells apart those of one index.
pub(crate) fn name(index: u64, ordinal: u64) -> String {
    format!("snapshot-{index:020}-{ordinal}")
}

fn has_prefix(path: &Path, prefix: &str) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(prefix))
}

/// Made here, not received.
fn is_made(path: &Path) -> bool {
    has_prefix(path, "snapshot-")
}

fn is_ours(path: &Path) -> bool {
    is_made(path) || has_prefix(path, INCOMING_PREFIX)
}

fn is_meta(path: &Path) -> bool {
    is_ours(path) && path.extension().is_some_and(|extension| extension == META_EXTENSION)
}

fn write_meta(snapshot: &Snapshot) -> io::Result<()> {
    let mut bytes = vec![META_VERSION];
    bytes.extend_from_slice(&snapshot.taken_at.0.to_be_bytes());
    put_bytes(&mut bytes, &snapshot.content.0);
    put_bytes(&mut bytes, &encode_meta(&snapshot.meta));
    let path = snapshot.path().with_extension(META_EXTENSION);
    let draft = snapshot.path().with_extension("draft");
    let mut file = fs::File::create(&draft)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&draft, &path)?;
    sync_dir(path.parent())
}

/// What a meta file says, or nothing when its directory is not there or it says
/// too little.
fn read_meta(path: &Path) -> io::Result<Option<Snapshot>> {
    let dir = path.with_extension("");
    if !dir.is_dir() {
        return Ok(None);
    }
    let bytes = fs::read(path)?;
    if bytes.first() == Some(&META_VERSION_BARE) {
        return Ok(None);
    }
    let mut cursor = Cursor::versioned("a snapshot's meta file", META_VERSION, &bytes)?;
    let taken_at = Timestamp(cursor.u64()?);
    let content = cursor.bytes()?.try_into().map(Digest);
    let content = content.map_err(|_| cursor.refuse("the digest is not 32 bytes"))?;
    let meta = decode_meta(cursor.bytes()?)?;
    cursor.end()?;
    let draft = Draft { meta, taken_at, path: dir, epoch: Epoch::default() };
    Ok(Some(draft.with_content(content)))
}

/// Makes renames and new names in a directory durable.
pub(crate) fn sync_dir(dir: Option<&Path>) -> io::Result<()> {
    dir.map_or(Ok(()), |dir| fs::File::open(dir)?.sync_all())
}

/// Takes a snapshot's directory and its meta file away. What stays because of
/// an error is removed at the next start.
fn remove(dir: &Path) {
    for path in [dir.with_extension(META_EXTENSION), dir.with_extension("draft"), dir.to_owned()] {
        let removed =
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        if let Err(err) = removed
            && err.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %path.display(), error = %err, "cannot remove an old snapshot");
        }
    }
}

/// Every file below `root`, as a path relative to it, with its size; in the
/// order of their names.
pub(crate) fn files(root: &Path) -> io::Result<Vec<(PathBuf, u64)>> {
    let mut found = Vec::new();
    let mut pending = vec![root.to_owned()];
    while let Some(dir) = pending.pop() {
        for entry in fs::read_dir(&dir)? {
            let path = entry?.path();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let size = fs::metadata(&path)?.len();
            let relative = path.strip_prefix(root).map_err(io::Error::other)?;
            found.push((relative.to_owned(), size));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests;
