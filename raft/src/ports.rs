//! What raft needs from below, in its own words: bytes, indexes and terms, no
//! openraft types. `storage` offers the concrete types, `node` joins the two.
//!
//! Invariants an implementation must keep
//! - Votes and appended records share one ordered durability stream: a
//!   completion, or a returned `save_vote`, promises everything queued before
//!   it (openraft.md, section 2.3).
//! - What `append` was given is readable when it returns, durable when it
//!   completes.
//! - A reader returns exactly the records asked for or an error, never a hole.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use governance::{Read, Store};
use types::Digest;

/// Called once, from any thread, when an append is durable or has failed.
pub type Completion = Box<dyn FnOnce(io::Result<()>) + Send>;

/// One record of the log: its index and raft's own encoding of the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Place in the log; the next record has the next index.
    pub index: u64,
    /// Term, leader and payload, encoded by raft.
    pub bytes: Bytes,
}

/// What the log holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogState {
    /// Raft's encoding of the id of the last purged record.
    pub purged: Option<Bytes>,
    /// The last record, if any is left.
    pub last: Option<Record>,
}

/// The replicated log, the vote and the commit marker: one durability stream.
/// Every method is called from async code and must not block on the disk,
/// except the readers, which may for what is no longer in memory.
pub trait LogStore: Clone + Send + Sync + fmt::Debug + 'static {
    /// What is there.
    ///
    /// # Errors
    /// When the log cannot be read.
    fn state(&self) -> io::Result<LogState>;

    /// Records `from..to`: exactly those, in order, cut short only by
    /// `bytes_max`, and never to none unless the range is empty.
    ///
    /// # Errors
    /// When a record is missing or damaged.
    fn read(&self, from: u64, to: u64, bytes_max: usize) -> io::Result<Vec<Record>>;

    /// Queues records that follow the last one.
    ///
    /// # Errors
    /// When they do not follow, or the writer has stopped.
    fn append(&self, records: Vec<Record>, done: Completion) -> io::Result<()>;

    /// Queues a vote; `done` after it and everything before it is durable.
    ///
    /// # Errors
    /// When the writer has stopped.
    fn save_vote(&self, vote: Bytes, done: Completion) -> io::Result<()>;

    /// The last saved vote.
    ///
    /// # Errors
    /// When it cannot be read.
    fn vote(&self) -> io::Result<Option<Bytes>>;

    /// Queues the commit marker; nobody waits for it.
    ///
    /// # Errors
    /// When the writer has stopped.
    fn save_committed(&self, committed: Option<Bytes>) -> io::Result<()>;

    /// The last commit marker that reached the disk.
    ///
    /// # Errors
    /// When it cannot be read.
    fn committed(&self) -> io::Result<Option<Bytes>>;

    /// Queues the removal of every record from `from` on.
    ///
    /// # Errors
    /// When the writer has stopped.
    fn truncate(&self, from: u64) -> io::Result<()>;

    /// Queues the removal of every record up to `through`, whose encoded id is
    /// `purged`. The caller has made sure that the state is durable that far.
    ///
    /// # Errors
    /// When the writer has stopped.
    fn purge(&self, through: u64, purged: Bytes) -> io::Result<()>;

    /// Makes purges physical: after it nothing on the disk holds a record that
    /// was purged before the call. Appends go on beside it. Blocks on the disk.
    ///
    /// # Errors
    /// When it fails. It may be tried again.
    fn compact_purged(&self) -> io::Result<()>;

    /// Bytes of the records that are not purged.
    fn bytes(&self) -> u64;
}

/// Reads checkpoints, own ones and those that came from elsewhere, whether or
/// not there is a state in force. Each method blocks on the disk, the first two
/// for as long as it takes to read everything.
pub trait Checkpoints: Send + Sync + fmt::Debug + 'static {
    /// The content digest: SHA-256 over every row of the state in `dir`, the
    /// same for the same rows, whatever files they lie in.
    ///
    /// # Errors
    /// When the directory is no state, or a row cannot be read.
    fn content_digest(&self, dir: &Path) -> io::Result<Digest>;

    /// Whether the ledger in the state in `dir` holds: every entry against the
    /// chain, every part against its commitment, the tree against the head.
    ///
    /// # Errors
    /// What does not hold.
    fn verify(&self, dir: &Path) -> io::Result<()>;

    /// What the state in `dir` says was applied.
    ///
    /// # Errors
    /// When the directory is no state.
    fn applied_in(&self, dir: &Path) -> io::Result<Option<Bytes>>;

    /// What another node needs to read checkpoints of this one: opaque, secret,
    /// for the peer channel alone. Empty where values are not sealed.
    ///
    /// # Errors
    /// When it cannot be read.
    fn value_keys(&self) -> io::Result<Bytes> {
        Ok(Bytes::new())
    }

    /// Takes in, durably, what another node's store gave as
    /// [`Self::value_keys`], before its checkpoint is read.
    ///
    /// # Errors
    /// When it cannot be kept, or this store opens no sealed values.
    fn take_value_keys(&self, keys: &[u8]) -> io::Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        Err(io::Error::other("this store opens no sealed values"))
    }

    /// Lets go of what came by [`Self::take_value_keys`] since a checkpoint was
    /// installed last: the one that it came for is not.
    ///
    /// # Errors
    /// When it cannot be written down.
    fn give_up_value_keys(&self) -> io::Result<()> {
        Ok(())
    }
}

/// The state machine's state. Writes gather in a batch over one Raft entry and
/// become visible and atomic together.
pub trait StateStore: Checkpoints {
    /// Writes that are not committed yet, over the state below them.
    type Batch: Store + Send;
    /// The state at one moment; cheap, and unmoved by later commits.
    type View: Read + Send + Sync + 'static;

    /// Begins the writes of one Raft entry.
    ///
    /// # Errors
    /// When the store has failed.
    fn begin(&self) -> io::Result<Self::Batch>;

    /// Commits a batch and, in the same atomic write, `applied`: raft's own
    /// encoding of last applied id and membership. Not synced: what is lost is
    /// replayed from the log.
    ///
    /// # Errors
    /// When the write fails; the node must stop.
    fn commit(&self, batch: Self::Batch, applied: Bytes) -> io::Result<()>;

    /// What the last committed batch said was applied.
    ///
    /// # Errors
    /// When it cannot be read.
    fn applied(&self) -> io::Result<Option<Bytes>>;

    /// The state now.
    ///
    /// # Errors
    /// When the store has failed.
    fn view(&self) -> io::Result<Self::View>;

    /// Makes everything committed so far durable. Blocks on the disk.
    ///
    /// # Errors
    /// When the flush fails; the node must stop.
    fn flush(&self) -> io::Result<()>;

    /// Makes deletions physical: after it nothing of the state on the disk holds
    /// a value that was deleted before the call, checkpoints apart. Commits go
    /// on beside it. Blocks on the disk, perhaps for long.
    ///
    /// # Errors
    /// When it fails. It may be tried again.
    fn compact_erased(&self) -> io::Result<()>;

    /// Flushes and links a copy of the state as it is now into a new directory
    /// beside the state. Blocks on the disk.
    ///
    /// # Errors
    /// When the copy cannot be made.
    fn checkpoint(&self, name: &str) -> io::Result<PathBuf>;

    /// Where checkpoints and incoming snapshots lie; on the same file system.
    fn snapshots_dir(&self) -> PathBuf;

    /// Replaces the state by the checkpoint in `dir`, durably and at once: after
    /// a crash the state is the old one or the new one. Blocks on the disk.
    ///
    /// # Errors
    /// When the directory is no state, or cannot be put in place.
    fn install(&self, dir: PathBuf) -> io::Result<()>;
}
