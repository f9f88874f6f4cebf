//! The one thread that writes the log.
//!
//! It drains the queue and does one synced write for all that waits, so that the
//! slower the disk, the more share an fsync. Completions are called in order,
//! after the sync.
//!
//! Invariants
//! - Writes reach the disk in the order of the queue: one write-ahead log, one
//!   thread. A sync covers everything before it, synced or not.
//! - After an error nothing is written any more. The kernel may have dropped the
//!   pages whose fsync failed and report success next time, so there is no retry.

use std::io;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rocksdb::{WriteBatch, WriteOptions};

use super::chain::{Base, Link};
use super::memory::{Change, Fault, Op};
use super::recover::Found;
use super::witness::{Claim, Witness};
use super::{Completion, Record, Shared, Work};
use crate::keyring::value::Nonces;
use crate::rocks::{damaged, io_error};

/// How long the last claim waits for a next batch to go with.
const WITNESS_AFTER: Duration = Duration::from_millis(10);

pub(crate) struct Writer {
    shared: Arc<Shared>,
    witness: Witness,
    /// As of the last batch gathered.
    tip: Found,
    committed: Option<Bytes>,
    /// What is synced but not handed to the witness.
    claim: Option<Claim>,
    nonces: Nonces,
    /// The batch of the last purge, and the last record it removed.
    reclaim: Option<(u64, u64)>,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, witness: Witness, tip: Found) -> Self {
        let committed = shared.lock().committed.clone();
        let nonces = Nonces::new();
        Self { shared, witness, tip, committed, claim: None, nonces, reclaim: None }
    }

    /// Works until the log is closed and its queue empty.
    pub(crate) fn run(mut self) {
        let guard = StopGuard { shared: Arc::clone(&self.shared) };
        loop {
            let patience = self.claim.is_some().then_some(WITNESS_AFTER);
            match self.shared.next_work(patience) {
                Work::Ops(ops) => self.carry_out(ops),
                Work::Nothing => self.settle(),
                Work::Closed => break,
            }
        }
        self.settle();
        drop(guard);
    }

    fn carry_out(&mut self, ops: Vec<Op>) {
        let count = ops.len();
        let mut done: Vec<Completion> = Vec::new();
        let mut changes = Vec::with_capacity(count);
        for op in ops {
            done.extend(op.done);
            changes.push(op.change);
        }
        let fault = match self.shared.fault() {
            Some(fault) => Some(fault),
            None => self.write(changes).err().map(|error| self.stop(&error)),
        };
        if fault.is_none() {
            self.publish(count);
        }
        for done in done {
            done(fault.as_ref().map_or(Ok(()), |fault| Err(fault.to_error())));
        }
    }

    fn stop(&self, error: &io::Error) -> Fault {
        tracing::error!(%error, "cannot write the log; nothing more is written to it");
        let fault = Fault::new("cannot write the log", error);
        self.shared.set_fault(fault.clone());
        fault
    }

    fn publish(&self, ops: usize) {
        let bytes = self.tip.link.bytes_total.saturating_sub(self.tip.base.link.bytes_total);
        self.shared.set_bytes(bytes);
        let mut memory = self.shared.lock();
        memory.vote = self.tip.vote.as_ref().map(|(_, vote)| vote.clone());
        memory.committed.clone_from(&self.committed);
        memory.wrote(ops, &self.shared.config);
    }

    fn write(&mut self, changes: Vec<Change>) -> io::Result<()> {
        let mut batch = WriteBatch::default();
        let mut sync = false;
        for change in changes {
            match change {
                Change::Append(records) => {
                    sync = true;
                    self.append(&mut batch, &records)?;
                }
                Change::Vote(vote) => {
                    sync = true;
                    self.vote(&mut batch, vote);
                }
                Change::Committed(committed) => self.committed(&mut batch, committed),
                Change::Barrier => sync = true,
                // Both read the chain at a record which may be in this batch.
                Change::Truncate { from } => {
                    self.put(mem::take(&mut batch), false)?;
                    self.truncate(&mut batch, from)?;
                }
                Change::Purge { through, purged } => {
                    self.put(mem::take(&mut batch), false)?;
                    self.purge(&mut batch, through, purged)?;
                }
            }
        }
        self.put(batch, sync)
    }

    /// Writes a batch under the next number. The claim of the synced batch
    /// before goes to the witness at the same time, on the other thread.
    fn put(&mut self, mut batch: WriteBatch, sync: bool) -> io::Result<()> {
        if batch.is_empty() && !sync {
            return Ok(());
        }
        if sync && let Some(claim) = self.claim.take() {
            self.witness.record(claim)?;
        }
        self.tip.number += 1;
        batch.put(self.shared.disk.keys.number(), self.tip.number.to_be_bytes());
        let mut options = WriteOptions::default();
        options.set_sync(sync);
        self.shared.disk.db.write_opt(batch, &options).map_err(io_error)?;
        if sync {
            self.shared.count_sync();
            self.claim = Some(self.tip.claim());
        }
        Ok(())
    }

    fn append(&mut self, batch: &mut WriteBatch, records: &[Record]) -> io::Result<()> {
        let disk = &self.shared.disk;
        for Record { index, bytes } in records {
            if self.tip.next == self.tip.base.first && *index != self.tip.base.first {
                self.tip.base.first = *index;
                batch.put(disk.keys.base(), self.tip.base.encode());
            }
            self.tip.link = self.tip.link.after(*index, bytes);
            self.tip.next = index + 1;
            let key = disk.keys.record(*index);
            let value = disk.encode(&mut self.nonces, &key, (&self.tip.link, bytes))?;
            batch.put(key, value);
        }
        Ok(())
    }

    /// The number of the batch that is being gathered.
    fn next_number(&self) -> u64 {
        self.tip.number + 1
    }

    fn vote(&mut self, batch: &mut WriteBatch, vote: Bytes) {
        let number = self.next_number();
        let value = [number.to_be_bytes().as_slice(), &vote].concat();
        batch.put(self.shared.disk.keys.vote(), value);
        self.tip.vote = Some((number, vote));
    }

    fn committed(&mut self, batch: &mut WriteBatch, committed: Option<Bytes>) {
        let key = self.shared.disk.keys.committed();
        match &committed {
            Some(committed) => batch.put(key, committed),
            None => batch.delete(key),
        }
        self.committed = committed;
    }

    fn truncate(&mut self, batch: &mut WriteBatch, from: u64) -> io::Result<()> {
        let disk = &self.shared.disk;
        self.tip.link = disk.link_before(&self.tip.base, from)?;
        self.tip.next = from;
        self.tip.cut = self.next_number();
        batch.delete_range(disk.keys.record(from), disk.keys.records_end());
        batch.put(disk.keys.cut(), self.tip.cut.to_be_bytes());
        Ok(())
    }

    fn purge(&mut self, batch: &mut WriteBatch, through: u64, purged: Bytes) -> io::Result<()> {
        let first = through.checked_add(1).ok_or_else(|| damaged("no index follows the last"))?;
        let disk = &self.shared.disk;
        let link = self.link_after_purge(first, &purged)?;
        batch.delete_range(disk.keys.record(self.tip.base.first), disk.keys.record(first));
        if first >= self.tip.next {
            self.tip.next = first;
            self.tip.link = link;
        }
        self.tip.base = Base { first, link, purged: Some(purged) };
        batch.put(disk.keys.base(), self.tip.base.encode());
        self.reclaim = Some((self.next_number(), through));
        Ok(())
    }

    fn link_after_purge(&self, first: u64, purged: &[u8]) -> io::Result<Link> {
        match first.cmp(&self.tip.next) {
            std::cmp::Ordering::Less => self.shared.disk.link_before(&self.tip.base, first),
            std::cmp::Ordering::Equal => Ok(self.tip.link),
            std::cmp::Ordering::Greater => Ok(self.tip.link.behind_snapshot(first, purged)),
        }
    }

    /// With nothing to write: hands over the last claim, and gives back the
    /// room of purged records, once their purge is synced. Before that, a crash
    /// could bring back the old base without its records.
    fn settle(&mut self) {
        let Some(claim) = self.claim.take() else { return };
        let synced = claim.number;
        let mut result = self.witness.record(claim);
        if let Some((_, through)) = self.reclaim.take_if(|(number, _)| *number <= synced) {
            let disk = &self.shared.disk;
            let (from, to) = (disk.keys.record(0), disk.keys.record(through));
            result = result.and(disk.db.delete_file_in_range(from, to).map_err(io_error));
        }
        if let Err(error) = result {
            self.stop(&error);
        }
    }
}

/// However the writer ends, no caller waits for it in vain.
struct StopGuard {
    shared: Arc<Shared>,
}

impl Drop for StopGuard {
    fn drop(&mut self) {
        let stopped = io::Error::other("its writer has stopped");
        let fault = Fault::new("cannot write the log", &stopped);
        self.shared.set_fault(fault.clone());
        while let Work::Ops(ops) = self.shared.next_work(Some(Duration::ZERO)) {
            for done in ops.into_iter().filter_map(|op| op.done) {
                done(Err(fault.to_error()));
            }
        }
    }
}
