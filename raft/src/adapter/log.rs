//! openraft's log over a [`LogStore`].
//!
//! Invariants
//! - Appended entries follow each other; a read returns the very entries asked
//!   for or an error. A hole would be replicated or applied as if it were none.
//! - Completions are passed on in the order of the port, which is that of the
//!   disk: openraft takes each as a watermark over all before it.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};

use bytes::Bytes;
use futures::{Stream, stream};
use openraft::storage::{IOFlushed, RaftLogStorage};
use openraft::{LogState, OptionalSend, RaftLogReader};
use tokio::sync::oneshot;

use super::{Contiguity, blocking};
use crate::encoding::{
    decode_entry, decode_log_id, decode_vote, encode_entry, encode_log_id, encode_vote,
};
use crate::kinds::{Entry, LogId, TypeConfig, Vote};
use crate::ports::{LogStore, Record};

/// What one message to a follower, or one step of apply, reads at most.
const READ_BYTES_MAX: usize = 2 << 20;

/// openraft's view of a log store.
#[derive(Clone, Debug)]
pub(crate) struct Log<L> {
    store: L,
    contiguity: Contiguity,
}

impl<L: LogStore> Log<L> {
    pub(crate) fn new(store: L, contiguity: Contiguity) -> Self {
        Self { store, contiguity }
    }

    /// Entries from `from` on, before `to`, as many as `bytes_max` allows.
    fn read(&self, from: u64, to: u64, bytes_max: usize) -> io::Result<Vec<Entry>> {
        if from >= to {
            return Ok(Vec::new());
        }
        let records = blocking(|| self.store.read(from, to, bytes_max))?;
        if records.is_empty() {
            return Err(damaged(format!("no record at index `{from}`")));
        }
        let expected = from..to;
        if u64::try_from(records.len()).unwrap_or(u64::MAX) > to - from {
            return Err(damaged(format!("more records than `{from}..{to}` has")));
        }
        expected.zip(&records).map(|(index, record)| entry_at(index, record)).collect()
    }

    /// The part of a range that the log has.
    fn clamp(&self, range: &impl RangeBounds<u64>) -> io::Result<(u64, u64)> {
        let (from, to) = bounds(range);
        let state = self.store.state()?;
        let end = state.last.map_or(0, |record| record.index.saturating_add(1));
        let begin = match (state.purged, self.contiguity) {
            (Some(purged), _) => decode_log_id(&purged)?.index.saturating_add(1),
            (None, Contiguity::Required) => 0,
            (None, Contiguity::Ignored) => self.first_before(end),
        };
        Ok((from.max(begin), to.min(end)))
    }

    /// Where a log begins that says nothing of it.
    fn first_before(&self, end: u64) -> u64 {
        (0..end).find(|index| self.store.read(*index, index + 1, 1).is_ok()).unwrap_or(end)
    }
}

/// A range as its first index and the one after its last.
fn bounds(range: &impl RangeBounds<u64>) -> (u64, u64) {
    let from = match range.start_bound() {
        Bound::Included(from) => *from,
        Bound::Excluded(before) => before.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let to = match range.end_bound() {
        Bound::Included(last) => last.saturating_add(1),
        Bound::Excluded(to) => *to,
        Bound::Unbounded => u64::MAX,
    };
    (from, to)
}

fn entry_at(index: u64, record: &Record) -> io::Result<Entry> {
    let entry = decode_entry(&record.bytes)?;
    if record.index != index || entry.log_id.index != index {
        let (record, entry) = (record.index, entry.log_id.index);
        return Err(damaged(format!("index `{index}` holds record `{record}`, entry `{entry}`")));
    }
    Ok(entry)
}

fn damaged(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the log is damaged: {why}"))
}

fn records(entries: impl Iterator<Item = Entry>) -> io::Result<Vec<Record>> {
    let mut records: Vec<Record> = Vec::new();
    for entry in entries {
        let index = entry.log_id.index;
        if records.last().is_some_and(|last| last.index.checked_add(1) != Some(index)) {
            return Err(io::Error::other(format!(
                "entry `{index}` does not follow the one before"
            )));
        }
        records.push(Record { index, bytes: encode_entry(&entry) });
    }
    Ok(records)
}

/// Where a chunked read stands; `None` once it has failed.
type Chunk = Option<(std::vec::IntoIter<Entry>, u64, u64)>;

fn next_of<L: LogStore>(log: &Log<L>, chunk: Chunk) -> Option<(io::Result<Entry>, Chunk)> {
    let (mut ready, next, to) = chunk?;
    if let Some(entry) = ready.next() {
        return Some((Ok(entry), Some((ready, next, to))));
    }
    if next >= to {
        return None;
    }
    match log.read(next, to, READ_BYTES_MAX) {
        Ok(entries) => {
            let read = u64::try_from(entries.len()).unwrap_or(u64::MAX);
            let mut ready = entries.into_iter();
            // Never empty: `read` refuses to find nothing.
            let first = ready.next()?;
            Some((Ok(first), Some((ready, next.saturating_add(read), to))))
        }
        Err(err) => Some((Err(err), None)),
    }
}

impl<L: LogStore> RaftLogReader<TypeConfig> for Log<L> {
    async fn try_get_log_entries<R>(&mut self, range: R) -> io::Result<Vec<Entry>>
    where
        R: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let (from, to) = self.clamp(&range)?;
        let mut entries = Vec::new();
        let mut next = from;
        while next < to {
            let more = self.read(next, to, usize::MAX)?;
            next = next.saturating_add(u64::try_from(more.len()).unwrap_or(u64::MAX));
            entries.extend(more);
        }
        Ok(entries)
    }

    async fn read_vote(&mut self) -> io::Result<Option<Vote>> {
        let vote = blocking(|| self.store.vote())?;
        Ok(vote.map(|bytes| decode_vote(&bytes)).transpose()?)
    }

    async fn limited_get_log_entries(&mut self, from: u64, to: u64) -> io::Result<Vec<Entry>> {
        match self.read(from, to, READ_BYTES_MAX) {
            // A leader that was just deposed: what it had yet to send has been
            // truncated. Nothing to send is not the end of the node.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            read => read,
        }
    }

    async fn entries_stream<R>(
        &mut self,
        range: R,
    ) -> impl Stream<Item = io::Result<Entry>> + OptionalSend
    where
        R: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let log = self.clone();
        // What is applied is in the log from end to end: no clamping here, so
        // that a hole at either end is an error too.
        let bounds = match self.contiguity {
            Contiguity::Required => Ok(bounds(&range)),
            Contiguity::Ignored => self.clamp(&range),
        };
        let begin: Result<Chunk, io::Error> =
            bounds.map(|(from, to)| Some((Vec::new().into_iter(), from, to)));
        stream::unfold(begin, move |state| {
            let step = match state {
                Ok(chunk) => next_of(&log, chunk).map(|(item, chunk)| (item, Ok(chunk))),
                Err(err) => Some((Err(err), Ok(None))),
            };
            async move { step }
        })
    }
}

impl<L: LogStore> RaftLogStorage<TypeConfig> for Log<L> {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> io::Result<LogState<TypeConfig>> {
        let state = blocking(|| self.store.state())?;
        let purged = state.purged.map(|bytes| decode_log_id(&bytes)).transpose()?;
        let last = match state.last {
            Some(record) => Some(entry_at(record.index, &record)?.log_id),
            None => purged,
        };
        Ok(LogState { last_purged_log_id: purged, last_log_id: last })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        let (done, saved) = oneshot::channel();
        let completion = Box::new(move |result| {
            // Nobody waits any more when raft is being stopped.
            let _ = done.send(result);
        });
        self.store.save_vote(encode_vote(vote), completion)?;
        saved.await.map_err(|_| io::Error::other("the log writer stopped before the vote"))?
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        self.store.save_committed(committed.as_ref().map(encode_log_id))
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        let committed: Option<Bytes> = blocking(|| self.store.committed())?;
        Ok(committed.map(|bytes| decode_log_id(&bytes)).transpose()?)
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<TypeConfig>) -> io::Result<()>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let records = records(entries.into_iter())?;
        self.store.append(records, Box::new(move |result| callback.io_completed(result)))
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> io::Result<()> {
        self.store.truncate(last.map_or(0, |id| id.index.saturating_add(1)))
    }

    async fn purge(&mut self, through: LogId) -> io::Result<()> {
        self.store.purge(through.index, encode_log_id(&through))
    }
}
