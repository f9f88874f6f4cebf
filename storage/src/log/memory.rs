//! The log as its callers see it: what is in force as soon as it is queued.
//!
//! Holds the queue to the writer, and the tail: the last records, from which
//! replication and apply read. Everything here is guarded by one lock, so the
//! order of the queue is the order in which calls took effect.
//!
//! Invariants
//! - The tail is contiguous and ends with the last record.
//! - A record leaves the tail only once it is in RocksDB, oldest first.

use std::collections::VecDeque;
use std::io;

use bytes::Bytes;

use super::{Completion, Config, Record};

/// An error that many are told: `io::Error` cannot be cloned.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    kind: io::ErrorKind,
    what: String,
}

impl Fault {
    pub(crate) fn new(attempt: &str, error: &io::Error) -> Self {
        Self { kind: error.kind(), what: format!("{attempt}: {error}") }
    }

    pub(crate) fn to_error(&self) -> io::Error {
        io::Error::new(self.kind, self.what.clone())
    }
}

/// One call, on its way to the writer.
pub(crate) struct Op {
    pub change: Change,
    pub done: Option<Completion>,
}

/// What a call changes.
pub(crate) enum Change {
    Append(Vec<Record>),
    Vote(Bytes),
    Committed(Option<Bytes>),
    Truncate {
        from: u64,
    },
    Purge {
        through: u64,
        purged: Bytes,
    },
    /// Nothing, once everything before it is synced.
    Barrier,
}

impl Change {
    fn bytes(&self) -> usize {
        const OVERHEAD: usize = 64;
        match self {
            Self::Append(records) => {
                records.iter().map(|record| record.bytes.len() + OVERHEAD).sum::<usize>() + OVERHEAD
            }
            Self::Vote(bytes) | Self::Committed(Some(bytes)) => bytes.len() + OVERHEAD,
            Self::Committed(None) | Self::Truncate { .. } | Self::Barrier => OVERHEAD,
            Self::Purge { purged, .. } => purged.len() + OVERHEAD,
        }
    }
}

/// A record in the tail and the queue position of the call that brought it.
struct Kept {
    record: Record,
    position: u64,
}

/// What the lock guards.
pub(crate) struct Memory {
    /// Index of the first record, or of the next one when there is none.
    pub first: u64,
    /// Index of the next record.
    pub next: u64,
    pub purged: Option<Bytes>,
    /// As of the last batch that reached RocksDB.
    pub vote: Option<Bytes>,
    /// As of the last batch that reached RocksDB.
    pub committed: Option<Bytes>,
    /// Set once; nothing is written after it.
    pub fault: Option<Fault>,
    /// The last handle is gone; what is queued is still written.
    pub closed: bool,
    tail: VecDeque<Kept>,
    tail_bytes: usize,
    queue: VecDeque<Op>,
    queue_bytes: usize,
    /// How many calls were queued.
    queued: u64,
    /// How many of them are in RocksDB.
    written: u64,
}

impl Memory {
    pub(crate) fn new(first: u64, next: u64, purged: Option<Bytes>) -> Self {
        Self {
            first,
            next,
            purged,
            vote: None,
            committed: None,
            fault: None,
            closed: false,
            tail: VecDeque::new(),
            tail_bytes: 0,
            queue: VecDeque::new(),
            queue_bytes: 0,
            queued: 0,
            written: 0,
        }
    }

    /// Why no more calls are taken, if so.
    pub(crate) fn refusal(&self) -> Option<io::Error> {
        self.fault.as_ref().map(Fault::to_error)
    }

    pub(crate) fn has_room(&self, config: &Config) -> bool {
        self.queue_bytes < config.queue_bytes_max
    }

    pub(crate) fn has_work(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Makes a change visible and queues it. What it is was checked before.
    pub(crate) fn queue(&mut self, change: Change, done: Option<Completion>, config: &Config) {
        self.queued += 1;
        match &change {
            Change::Append(records) => {
                for record in records {
                    self.keep(record.clone());
                }
                self.evict(config.tail_bytes_max);
            }
            Change::Truncate { from } => self.truncate(*from),
            Change::Purge { through, purged } => self.purge(*through, purged),
            Change::Vote(_) | Change::Committed(_) | Change::Barrier => {}
        }
        self.queue_bytes += change.bytes();
        self.queue.push_back(Op { change, done });
    }

    /// The calls of one write: at least one if any waits, and no more once the
    /// bound is reached.
    pub(crate) fn take(&mut self, bytes_max: usize) -> Vec<Op> {
        let mut ops = Vec::new();
        let mut bytes = 0;
        while bytes < bytes_max
            && let Some(op) = self.queue.pop_front()
        {
            bytes += op.change.bytes();
            ops.push(op);
        }
        self.queue_bytes -= bytes;
        ops
    }

    /// Notes that so many more calls are in RocksDB.
    pub(crate) fn wrote(&mut self, ops: usize, config: &Config) {
        self.written += ops as u64;
        self.evict(config.tail_bytes_max);
    }

    /// Puts a record at the end of the tail.
    pub(crate) fn keep(&mut self, record: Record) {
        if self.first == self.next {
            self.first = record.index;
        }
        self.next = record.index + 1;
        self.tail_bytes += record.bytes.len();
        self.tail.push_back(Kept { record, position: self.queued });
    }

    pub(crate) fn evict(&mut self, bytes_max: usize) {
        while self.tail_bytes > bytes_max
            && self.tail.front().is_some_and(|kept| kept.position <= self.written)
            && let Some(kept) = self.tail.pop_front()
        {
            self.tail_bytes -= kept.record.bytes.len();
        }
    }

    fn truncate(&mut self, from: u64) {
        self.next = from;
        while self.tail.back().is_some_and(|kept| kept.record.index >= from)
            && let Some(kept) = self.tail.pop_back()
        {
            self.tail_bytes -= kept.record.bytes.len();
        }
    }

    fn purge(&mut self, through: u64, purged: &Bytes) {
        self.first = through + 1;
        self.next = self.next.max(self.first);
        self.purged = Some(purged.clone());
        while self.tail.front().is_some_and(|kept| kept.record.index <= through)
            && let Some(kept) = self.tail.pop_front()
        {
            self.tail_bytes -= kept.record.bytes.len();
        }
    }

    /// Where the tail begins: what is before must be read from RocksDB.
    pub(crate) fn tail_start(&self) -> u64 {
        self.tail.front().map_or(self.next, |kept| kept.record.index)
    }

    /// Records of the tail, by [`Take`]'s rule. All of the range must be in it.
    pub(crate) fn tail(&self, from: u64, to: u64, bytes_max: usize) -> Vec<Record> {
        if from >= to {
            return Vec::new();
        }
        let skip = usize::try_from(from - self.tail_start()).unwrap_or(usize::MAX);
        let wanted = usize::try_from(to - from).unwrap_or(usize::MAX);
        let mut take = Take::new(bytes_max);
        for kept in self.tail.iter().skip(skip).take(wanted) {
            if !take.push(kept.record.clone()) {
                break;
            }
        }
        take.records
    }

    pub(crate) fn tail_bytes(&self) -> usize {
        self.tail_bytes
    }
}

/// Records up to a number of bytes, but never none.
pub(crate) struct Take {
    pub records: Vec<Record>,
    bytes: usize,
    bytes_max: usize,
}

impl Take {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { records: Vec::new(), bytes: 0, bytes_max }
    }

    /// Takes a record; `false` when it is one too many.
    pub(crate) fn push(&mut self, record: Record) -> bool {
        let bytes = self.bytes.saturating_add(record.bytes.len());
        if bytes > self.bytes_max && !self.records.is_empty() {
            return false;
        }
        self.bytes = bytes;
        self.records.push(record);
        true
    }
}
