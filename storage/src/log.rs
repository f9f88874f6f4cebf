//! The replicated log, the vote and the commit marker: one durability stream.
//!
//! What is appended can be read at once and is durable when its completion is
//! called. One thread writes (`writer.rs`), the last records stay in memory
//! (`memory.rs`), a hash chain runs through all of them (`chain.rs`), and a
//! witness outside RocksDB remembers how far they were synced (`witness.rs`).
//!
//! Invariants
//! - A completion promises everything queued before it, votes included.
//! - A reader returns exactly what was asked for, or an error.
//! - A log that lost what it promised does not open (`recover.rs`).

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;

use crate::data_dir::DataDir;
use crate::error::Error;
use crate::keys::Group;
use disk::Disk;
use memory::{Change, Fault, Memory, Op, Take};
use witness::{VOTE_BYTES_MAX, Witness};
use writer::Writer;

mod chain;
mod disk;
mod memory;
mod recover;
pub(crate) mod witness;
mod writer;

/// Called once, from the writer's thread, when an append is durable or failed.
pub type Completion = Box<dyn FnOnce(io::Result<()>) + Send>;

/// One record: its index and raft's own encoding of the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Place in the log; the next record has the next index.
    pub index: u64,
    /// What raft wrote.
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

/// Bounds of the log.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which group's log this is.
    pub group: Group,
    /// Bytes of records kept in memory. What is not yet written stays above it.
    pub tail_bytes_max: usize,
    /// Bytes after which a write takes no more calls.
    pub write_bytes_max: usize,
    /// Bytes of calls that may wait; a caller with one more waits itself.
    pub queue_bytes_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            group: Group::main(),
            tail_bytes_max: 64 * MIB,
            write_bytes_max: 8 * MIB,
            queue_bytes_max: 64 * MIB,
        }
    }
}

/// The log. Clones share it; it is closed, all of its queue written, when the
/// last one is dropped.
#[derive(Clone)]
pub struct Log {
    handle: Arc<Handle>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let memory = self.handle.shared.lock();
        let mut text = f.debug_struct("Log");
        text.field("first", &memory.first).field("next", &memory.next);
        text.field("failed", &memory.fault.is_some()).finish_non_exhaustive()
    }
}

impl Log {
    /// Opens the log, verifies every record and holds it against its witness.
    ///
    /// # Errors
    /// [`Error::LogLost`] when anything that was durable is gone or changed.
    pub fn open(dir: &DataDir, config: Config) -> Result<Self, Error> {
        let recovered = recover::recover(dir, &config)?;
        let cannot_open = |source| Error::Open { path: dir.log_dir(), source };
        let tip = recovered.found;
        let bytes = tip.link.bytes_total.saturating_sub(tip.base.link.bytes_total);
        let shared = Arc::new(Shared {
            memory: Mutex::new(recovered.memory),
            work: Condvar::new(),
            room: Condvar::new(),
            disk: recovered.disk,
            config,
            bytes: AtomicU64::new(bytes),
            syncs: AtomicU64::new(0),
            _dir: dir.clone(),
        });
        let witness = Witness::start(recovered.blocks).map_err(cannot_open)?;
        let writer = Writer::new(Arc::clone(&shared), witness, tip);
        let thread = thread::Builder::new().name("log-writer".to_owned());
        let thread = thread.spawn(move || writer.run()).map_err(cannot_open)?;
        Ok(Self { handle: Arc::new(Handle { shared, thread: Some(thread) }) })
    }

    /// What is there.
    ///
    /// # Errors
    /// When the last record cannot be read.
    pub fn state(&self) -> io::Result<LogState> {
        let (purged, first, next) = {
            let memory = self.shared().lock();
            (memory.purged.clone(), memory.first, memory.next)
        };
        if first == next {
            return Ok(LogState { purged, last: None });
        }
        let last = self.read(next - 1, next, usize::MAX)?.pop();
        Ok(LogState { purged, last })
    }

    /// Records `from..to`: exactly those, in order, cut short only by
    /// `bytes_max`, and never to none unless the range is empty. Blocks on the
    /// disk for what is no longer in memory.
    ///
    /// # Errors
    /// When a record is not there or is damaged.
    pub fn read(&self, from: u64, to: u64, bytes_max: usize) -> io::Result<Vec<Record>> {
        if from >= to {
            return Ok(Vec::new());
        }
        let (disk_to, tail) = {
            let memory = self.shared().lock();
            if from < memory.first || to > memory.next {
                return Err(io::Error::new(
                    io::ErrorKind::NotFound,
                    format!(
                        "records {from}..{to} were asked for, the log has {}..{}",
                        memory.first, memory.next
                    ),
                ));
            }
            let disk_to = to.min(memory.tail_start());
            (disk_to, memory.tail(from.max(disk_to), to, bytes_max))
        };
        if from >= disk_to {
            return Ok(tail);
        }
        let mut take = Take::new(bytes_max);
        let older = self.shared().disk.read(from, disk_to, bytes_max)?;
        let whole = older.last().is_some_and(|last| last.index + 1 == disk_to);
        for record in older.into_iter().chain(tail.into_iter().filter(|_| whole)) {
            if !take.push(record) {
                break;
            }
        }
        Ok(take.records)
    }

    /// Queues records that follow the last one. When this returns an error,
    /// `done` is not called.
    ///
    /// # Errors
    /// When they do not follow, or the writer has stopped.
    pub fn append(&self, records: Vec<Record>, done: Completion) -> io::Result<()> {
        self.queue(|memory| {
            let next = match records.first() {
                // A log that holds nothing yet may begin anywhere.
                Some(record) if memory.first == memory.next && memory.purged.is_none() => {
                    record.index
                }
                Some(_) | None => memory.next,
            };
            for (next, record) in (next..=u64::MAX).zip(&records) {
                if record.index != next {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidInput,
                        format!("record {} was appended where {next} follows", record.index),
                    ));
                }
            }
            // No index follows the last one there is.
            if records.last().is_some_and(|record| record.index == u64::MAX) {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "no index is left"));
            }
            Ok(Some((Change::Append(records), Some(done))))
        })
    }

    /// Queues a vote; `done` after it and everything before it is durable. When
    /// this returns an error, `done` is not called.
    ///
    /// # Errors
    /// When the writer has stopped, or the vote is longer than any vote is.
    pub fn save_vote(&self, vote: Bytes, done: Completion) -> io::Result<()> {
        if vote.len() > VOTE_BYTES_MAX {
            let what = format!("a vote of {} bytes is longer than {VOTE_BYTES_MAX}", vote.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        self.queue(|_| Ok(Some((Change::Vote(vote), Some(done)))))
    }

    /// The last vote that is durable.
    ///
    /// # Errors
    /// None today; the port allows for stores that must ask the disk.
    pub fn vote(&self) -> io::Result<Option<Bytes>> {
        Ok(self.shared().lock().vote.clone())
    }

    /// Queues the commit marker; nobody waits for it.
    ///
    /// # Errors
    /// When the writer has stopped.
    pub fn save_committed(&self, committed: Option<Bytes>) -> io::Result<()> {
        self.queue(|_| Ok(Some((Change::Committed(committed), None))))
    }

    /// The last commit marker that was written.
    ///
    /// # Errors
    /// None today; the port allows for stores that must ask the disk.
    pub fn committed(&self) -> io::Result<Option<Bytes>> {
        Ok(self.shared().lock().committed.clone())
    }

    /// Queues the removal of every record from `from` on.
    ///
    /// # Errors
    /// When the writer has stopped, or `from` was purged.
    pub fn truncate(&self, from: u64) -> io::Result<()> {
        self.queue(|memory| {
            if from < memory.first && memory.purged.is_some() {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!("record {from} was purged and cannot be cut off"),
                ));
            }
            let from = from.max(memory.first);
            Ok((from < memory.next).then_some((Change::Truncate { from }, None)))
        })
    }

    /// Queues the removal of every record up to `through`, whose encoded id is
    /// `purged`. A log that ends before `through` is empty after it and goes on
    /// with the record after `through`.
    ///
    /// # Errors
    /// When the writer has stopped.
    pub fn purge(&self, through: u64, purged: Bytes) -> io::Result<()> {
        self.queue(|memory| {
            let known = through < memory.first;
            if through == u64::MAX {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "no index is left"));
            }
            Ok((!known).then_some((Change::Purge { through, purged }, None)))
        })
    }

    /// Makes purges physical: after it no file of the log holds a record that
    /// was purged before the call. Appends go on beside it. Blocks on the disk.
    ///
    /// # Errors
    /// When it fails, or somebody has been reading such records for a minute.
    pub fn compact_purged(&self) -> io::Result<()> {
        let (done, told) = mpsc::channel();
        let done: Completion = Box::new(move |result| drop(done.send(result)));
        self.queue(|_| Ok(Some((Change::Barrier, Some(done)))))?;
        told.recv().map_err(|_| io::Error::other("the writer of the log has stopped"))??;
        let first = self.shared().lock().first;
        self.shared().disk.compact_before(first)
    }

    /// Bytes of the records that are written and not purged.
    pub fn bytes(&self) -> u64 {
        self.shared().bytes.load(Ordering::Relaxed)
    }

    /// How many synced writes were made since the log was opened.
    pub fn syncs(&self) -> u64 {
        self.shared().syncs.load(Ordering::Relaxed)
    }

    /// Bytes of records held in memory.
    pub fn tail_bytes(&self) -> usize {
        self.shared().lock().tail_bytes()
    }

    fn shared(&self) -> &Shared {
        &self.handle.shared
    }

    /// Checks and queues under one lock. Waits only when the queue is full: to
    /// refuse would stop the node, and to grow would have no bound.
    fn queue(&self, check: impl FnOnce(&Memory) -> io::Result<Option<Call>>) -> io::Result<()> {
        let shared = self.shared();
        let mut memory = shared.lock();
        while memory.fault.is_none() && !memory.has_room(&shared.config) {
            memory = shared.room.wait(memory).unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(refusal) = memory.refusal() {
            return Err(refusal);
        }
        if let Some((change, done)) = check(&memory)? {
            memory.queue(change, done, &shared.config);
            shared.work.notify_one();
        }
        Ok(())
    }
}

/// What to queue, and whom to tell.
type Call = (Change, Option<Completion>);

struct Handle {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.work.notify_one();
        // A completion may hold the last handle: the writer cannot wait for
        // itself, and ends on its own.
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the writer of the log has panicked");
        }
    }
}

/// What the handles and the writer share.
pub(crate) struct Shared {
    memory: Mutex<Memory>,
    /// Signalled when the queue is no longer empty, or the log is closed.
    work: Condvar,
    /// Signalled when calls were taken from the queue, or the writer stopped.
    room: Condvar,
    pub(crate) disk: Disk,
    pub(crate) config: Config,
    bytes: AtomicU64,
    syncs: AtomicU64,
    /// The directory stays locked while the instance is open.
    _dir: DataDir,
}

/// What the writer is to do next.
pub(crate) enum Work {
    /// These calls.
    Ops(Vec<Op>),
    /// Nothing came in time.
    Nothing,
    /// The log is closed and all is written.
    Closed,
}

impl Shared {
    /// No caller's code runs under the lock and nothing under it panics, so a
    /// poisoned lock would be one that is not.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for calls, for ever or for so long.
    pub(crate) fn next_work(&self, patience: Option<Duration>) -> Work {
        let idle = |memory: &mut Memory| !memory.has_work() && !memory.closed;
        let memory = self.lock();
        let mut memory = match patience {
            None => self.work.wait_while(memory, idle).unwrap_or_else(PoisonError::into_inner),
            Some(patience) => {
                let waited = self.work.wait_timeout_while(memory, patience, idle);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        if memory.has_work() {
            let ops = memory.take(self.config.write_bytes_max);
            self.room.notify_all();
            return Work::Ops(ops);
        }
        if memory.closed { Work::Closed } else { Work::Nothing }
    }

    pub(crate) fn fault(&self) -> Option<Fault> {
        self.lock().fault.clone()
    }

    /// The first fault stays.
    pub(crate) fn set_fault(&self, fault: Fault) {
        self.lock().fault.get_or_insert(fault);
        self.room.notify_all();
    }

    pub(crate) fn set_bytes(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn count_sync(&self) {
        self.syncs.fetch_add(1, Ordering::Relaxed);
    }
}
