//! Joins the ports of raft to the types of storage: newtypes, no logic.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use raft::ports::{Checkpoints, Completion, LogState, LogStore, Record, StateStore};
use secrecy::ExposeSecret as _;
use storage::{Checkpoint, Group, Keyring};
use types::Digest;

/// The log on disk, as raft wants it.
#[derive(Clone, Debug)]
pub struct Log(pub storage::Log);

/// The state on disk, as raft wants it.
#[derive(Debug)]
pub struct State(pub storage::State);

/// Checkpoints on disk, to be read whether or not the state itself can be, and
/// what opens their values.
#[derive(Clone, Debug)]
pub struct Stored(pub Group, pub Keyring);

impl Stored {
    fn open(&self, dir: &Path) -> io::Result<Checkpoint> {
        Ok(Checkpoint::open(dir, self.0.clone(), &self.1)?)
    }
}

impl State {
    fn stored(&self) -> Stored {
        Stored(self.0.group().clone(), self.0.keyring().clone())
    }
}

fn record(record: storage::Record) -> Record {
    Record { index: record.index, bytes: record.bytes }
}

impl LogStore for Log {
    fn state(&self) -> io::Result<LogState> {
        let storage::LogState { purged, last } = self.0.state()?;
        Ok(LogState { purged, last: last.map(record) })
    }

    fn read(&self, from: u64, to: u64, bytes_max: usize) -> io::Result<Vec<Record>> {
        Ok(self.0.read(from, to, bytes_max)?.into_iter().map(record).collect())
    }

    fn append(&self, records: Vec<Record>, done: Completion) -> io::Result<()> {
        let records = records.into_iter();
        let records = records.map(|Record { index, bytes }| storage::Record { index, bytes });
        self.0.append(records.collect(), done)
    }

    fn save_vote(&self, vote: Bytes, done: Completion) -> io::Result<()> {
        self.0.save_vote(vote, done)
    }

    fn vote(&self) -> io::Result<Option<Bytes>> {
        self.0.vote()
    }

    fn save_committed(&self, committed: Option<Bytes>) -> io::Result<()> {
        self.0.save_committed(committed)
    }

    fn committed(&self) -> io::Result<Option<Bytes>> {
        self.0.committed()
    }

    fn truncate(&self, from: u64) -> io::Result<()> {
        self.0.truncate(from)
    }

    fn purge(&self, through: u64, purged: Bytes) -> io::Result<()> {
        self.0.purge(through, purged)
    }

    fn compact_purged(&self) -> io::Result<()> {
        self.0.compact_purged()
    }

    fn bytes(&self) -> u64 {
        self.0.bytes()
    }
}

impl Checkpoints for Stored {
    fn content_digest(&self, dir: &Path) -> io::Result<Digest> {
        let checkpoint = self.open(dir)?;
        checkpoint.view().content_digest().map_err(io::Error::other)
    }

    fn verify(&self, dir: &Path) -> io::Result<()> {
        let checkpoint = self.open(dir)?;
        governance::audit::check(&checkpoint.view().background()).map_err(io::Error::other)
    }

    fn applied_in(&self, dir: &Path) -> io::Result<Option<Bytes>> {
        self.open(dir)?.view().applied()
    }

    fn value_keys(&self) -> io::Result<Bytes> {
        Ok(Bytes::copy_from_slice(self.1.export().expose_secret()))
    }

    fn take_value_keys(&self, keys: &[u8]) -> io::Result<()> {
        self.1.import(keys)
    }

    fn give_up_value_keys(&self) -> io::Result<()> {
        self.1.give_up()
    }
}

impl Checkpoints for State {
    fn content_digest(&self, dir: &Path) -> io::Result<Digest> {
        self.stored().content_digest(dir)
    }

    fn verify(&self, dir: &Path) -> io::Result<()> {
        self.stored().verify(dir)
    }

    fn applied_in(&self, dir: &Path) -> io::Result<Option<Bytes>> {
        self.stored().applied_in(dir)
    }

    fn value_keys(&self) -> io::Result<Bytes> {
        self.stored().value_keys()
    }

    fn take_value_keys(&self, keys: &[u8]) -> io::Result<()> {
        self.stored().take_value_keys(keys)
    }

    fn give_up_value_keys(&self) -> io::Result<()> {
        self.stored().give_up_value_keys()
    }
}

impl StateStore for State {
    type Batch = storage::Batch;
    type View = storage::View;

    fn begin(&self) -> io::Result<Self::Batch> {
        self.0.begin()
    }

    fn commit(&self, batch: Self::Batch, applied: Bytes) -> io::Result<()> {
        self.0.commit(batch, applied)
    }

    fn applied(&self) -> io::Result<Option<Bytes>> {
        self.0.applied()
    }

    fn view(&self) -> io::Result<Self::View> {
        self.0.view()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }

    fn compact_erased(&self) -> io::Result<()> {
        self.0.compact_erased()
    }

    fn checkpoint(&self, name: &str) -> io::Result<PathBuf> {
        self.0.checkpoint(name)
    }

    fn snapshots_dir(&self) -> PathBuf {
        self.0.snapshots_dir()
    }

    fn install(&self, dir: PathBuf) -> io::Result<()> {
        self.0.install(dir)
    }
}
