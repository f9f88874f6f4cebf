//! A log in memory.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::ports::{Completion, LogState, LogStore, Record};

/// A log in memory; clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemLog {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    records: BTreeMap<u64, Bytes>,
    purged: Option<(u64, Bytes)>,
    vote: Option<Bytes>,
    committed: Option<Bytes>,
    bytes: u64,
    held: Option<Vec<Completion>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("records", &self.records.len()).finish_non_exhaustive()
    }
}

impl MemLog {
    /// From now on nothing completes, as with a disk that hangs.
    pub fn hold(&self) {
        self.lock().held.get_or_insert_default();
    }

    /// Completes what was held, in its order, and holds nothing more.
    pub fn release(&self) {
        let held = self.lock().held.take().unwrap_or_default();
        held.into_iter().for_each(|done| done(Ok(())));
    }

    /// Spoils the last record.
    pub fn damage_last(&self) {
        if let Some(mut last) = self.lock().records.last_entry() {
            let kept = last.get().len() - 1;
            last.get_mut().truncate(kept);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn complete(&self, done: Completion) {
        let mut inner = self.lock();
        match inner.held.as_mut() {
            Some(held) => held.push(done),
            None => {
                drop(inner);
                done(Ok(()));
            }
        }
    }
}

impl Inner {
    fn next_index(&self) -> Option<u64> {
        let last = self.records.keys().next_back().copied();
        last.or(self.purged.as_ref().map(|(index, _)| *index)).map(|last| last + 1)
    }

    fn recount(&mut self) {
        self.bytes = self.records.values().map(len).sum();
    }
}

fn len(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

impl LogStore for MemLog {
    fn state(&self) -> io::Result<LogState> {
        let inner = self.lock();
        let last = inner.records.last_key_value();
        Ok(LogState {
            purged: inner.purged.as_ref().map(|(_, id)| id.clone()),
            last: last.map(|(index, bytes)| Record { index: *index, bytes: bytes.clone() }),
        })
    }

    fn read(&self, from: u64, to: u64, bytes_max: usize) -> io::Result<Vec<Record>> {
        let inner = self.lock();
        let mut read = Vec::new();
        let mut bytes = 0;
        for index in from..to {
            let record = inner.records.get(&index).cloned();
            let record = record.ok_or_else(|| io::Error::other(format!("no record `{index}`")))?;
            bytes += record.len();
            if bytes > bytes_max && !read.is_empty() {
                break;
            }
            read.push(Record { index, bytes: record });
        }
        Ok(read)
    }

    fn append(&self, records: Vec<Record>, done: Completion) -> io::Result<()> {
        let mut inner = self.lock();
        for Record { index, bytes } in records {
            if inner.next_index().is_some_and(|next| next != index) {
                return Err(io::Error::other(format!("record `{index}` does not follow")));
            }
            inner.bytes += len(&bytes);
            inner.records.insert(index, bytes);
        }
        drop(inner);
        self.complete(done);
        Ok(())
    }

    fn save_vote(&self, vote: Bytes, done: Completion) -> io::Result<()> {
        self.lock().vote = Some(vote);
        self.complete(done);
        Ok(())
    }

    fn vote(&self) -> io::Result<Option<Bytes>> {
        Ok(self.lock().vote.clone())
    }

    fn save_committed(&self, committed: Option<Bytes>) -> io::Result<()> {
        self.lock().committed = committed;
        Ok(())
    }

    fn committed(&self) -> io::Result<Option<Bytes>> {
        Ok(self.lock().committed.clone())
    }

    fn truncate(&self, from: u64) -> io::Result<()> {
        let mut inner = self.lock();
        inner.records.split_off(&from);
        inner.recount();
        Ok(())
    }

    fn purge(&self, through: u64, purged: Bytes) -> io::Result<()> {
        let mut inner = self.lock();
        inner.records = inner.records.split_off(&(through + 1));
        inner.purged = Some((through, purged));
        inner.recount();
        Ok(())
    }

    fn compact_purged(&self) -> io::Result<()> {
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.lock().bytes
    }
}
