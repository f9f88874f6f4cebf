//! A state in memory.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use governance::{Corruption, Direction, MemStore, Read, Row, Scan, Store, Table, audit};
use sha2::{Digest as _, Sha256};
use types::Digest;

use crate::encoding::{Cursor, put_bytes};
use crate::ports::{Checkpoints, StateStore};

const VERSION: u8 = 1;
/// Below a directory, so that transfers meet a nested file.
const ROWS: &str = "rows/all";

/// What is stored, at one moment.
type Held = (Arc<MemStore>, Option<Bytes>);

/// A state in memory with its snapshots in a directory; clones share both.
#[derive(Clone, Debug)]
pub struct MemState {
    inner: Arc<Mutex<Inner>>,
    snapshots_dir: PathBuf,
}

#[derive(Debug, Default)]
struct Inner {
    now: Held,
    durable: Held,
    /// How many checkpoints were read for their digest.
    digests: u64,
}

impl MemState {
    /// An empty state.
    pub fn new(snapshots_dir: PathBuf) -> Self {
        Self { inner: Arc::default(), snapshots_dir }
    }

    /// What is left after a power loss: what was flushed last.
    pub fn crashed(&self) -> Self {
        let durable = self.lock().durable.clone();
        let inner = Inner { now: durable.clone(), durable, digests: 0 };
        let snapshots_dir = self.snapshots_dir.clone();
        Self { inner: Arc::new(Mutex::new(inner)), snapshots_dir }
    }

    /// Every row, to compare replicas by.
    pub fn rows(&self) -> Arc<MemStore> {
        self.lock().now.0.clone()
    }

    /// Changes a row behind the back of the machine, as a bad disk would.
    pub fn spoil(&self, table: Table, key: &[u8]) {
        let mut inner = self.lock();
        let store = Arc::make_mut(&mut inner.now.0);
        let mut value = store.get(table, key).ok().flatten().unwrap_or_default();
        value.iter_mut().rev().take(1).for_each(|byte| *byte ^= 1);
        store.put(table, key, &value);
    }

    /// How many checkpoints were read for their digest.
    pub fn digests(&self) -> u64 {
        self.lock().digests
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes over the state they began with.
#[derive(Debug)]
pub struct MemBatch {
    base: Arc<MemStore>,
    writes: BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>,
}

impl Read for MemBatch {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Corruption> {
        match self.writes.get(&(table, key.to_vec())) {
            Some(written) => Ok(written.clone()),
            None => self.base.get(table, key),
        }
    }

    fn scan(&self, scan: Scan<'_>) -> Result<Vec<Row>, Corruption> {
        let Scan { table, from, to, direction, rows_max } = scan;
        let is_within = |key: &[u8]| key >= from && to.is_none_or(|to| key < to);
        let written: Vec<_> = self
            .writes
            .range((table, from.to_vec())..)
            .take_while(|((of, _), _)| *of == table)
            .filter(|((_, key), _)| is_within(key))
            .collect();
        // Each write hides one row at most.
        let rows_max_below = rows_max.saturating_add(written.len());
        let below = self.base.scan(Scan { rows_max: rows_max_below, ..scan })?;
        let mut rows: BTreeMap<Vec<u8>, Vec<u8>> = below.into_iter().collect();
        for ((_, key), value) in written {
            match value {
                Some(value) => drop(rows.insert(key.clone(), value.clone())),
                None => drop(rows.remove(key)),
            }
        }
        Ok(match direction {
            Direction::Ascending => rows.into_iter().take(rows_max).collect(),
            Direction::Descending => rows.into_iter().rev().take(rows_max).collect(),
        })
    }
}

impl Store for MemBatch {
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) {
        self.writes.insert((table, key.to_vec()), Some(value.to_vec()));
    }

    fn delete(&mut self, table: Table, key: &[u8]) {
        self.writes.insert((table, key.to_vec()), None);
    }
}

/// The state at one moment.
#[derive(Clone, Debug)]
pub struct MemView(Arc<MemStore>);

impl Read for MemView {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Corruption> {
        self.0.get(table, key)
    }

    fn scan(&self, scan: Scan<'_>) -> Result<Vec<Row>, Corruption> {
        self.0.scan(scan)
    }
}

/// The digest of what a dump says, without what raft keeps of itself.
fn content(store: &MemStore) -> Digest {
    Digest(Sha256::digest(dump(&(Arc::new(store.clone()), None))).into())
}

impl Checkpoints for MemState {
    fn content_digest(&self, dir: &Path) -> io::Result<Digest> {
        self.lock().digests += 1;
        Ok(content(&load(dir)?.0))
    }

    fn verify(&self, dir: &Path) -> io::Result<()> {
        audit::check(&*load(dir)?.0).map_err(io::Error::other)
    }

    fn applied_in(&self, dir: &Path) -> io::Result<Option<Bytes>> {
        Ok(load(dir)?.1)
    }
}

impl StateStore for MemState {
    type Batch = MemBatch;
    type View = MemView;

    fn begin(&self) -> io::Result<MemBatch> {
        Ok(MemBatch { base: self.rows(), writes: BTreeMap::new() })
    }

    fn commit(&self, batch: MemBatch, applied: Bytes) -> io::Result<()> {
        let MemBatch { base, writes } = batch;
        drop(base);
        let mut inner = self.lock();
        let store = Arc::make_mut(&mut inner.now.0);
        for ((table, key), value) in writes {
            match value {
                Some(value) => store.put(table, &key, &value),
                None => store.delete(table, &key),
            }
        }
        inner.now.1 = Some(applied);
        Ok(())
    }

    fn applied(&self) -> io::Result<Option<Bytes>> {
        Ok(self.lock().now.1.clone())
    }

    fn view(&self) -> io::Result<MemView> {
        Ok(MemView(self.rows()))
    }

    fn flush(&self) -> io::Result<()> {
        let mut inner = self.lock();
        inner.durable = inner.now.clone();
        Ok(())
    }

    fn compact_erased(&self) -> io::Result<()> {
        self.flush()
    }

    fn checkpoint(&self, name: &str) -> io::Result<PathBuf> {
        self.flush()?;
        let held = self.lock().now.clone();
        let dir = self.snapshots_dir.join(name);
        fs::create_dir(&dir)?;
        fs::create_dir(dir.join("rows"))?;
        fs::write(dir.join(ROWS), dump(&held))?;
        fs::write(dir.join("empty"), b"")?;
        Ok(dir)
    }

    fn snapshots_dir(&self) -> PathBuf {
        self.snapshots_dir.clone()
    }

    fn install(&self, dir: PathBuf) -> io::Result<()> {
        let held = load(&dir)?;
        let mut inner = self.lock();
        (inner.now, inner.durable) = (held.clone(), held);
        drop(inner);
        fs::remove_dir_all(dir)
    }
}

fn dump((store, applied): &Held) -> Vec<u8> {
    let mut out = vec![VERSION];
    put_bytes(&mut out, applied.as_deref().unwrap_or_default());
    for (table, key, value) in store.rows() {
        out.push(table.number());
        put_bytes(&mut out, key);
        put_bytes(&mut out, value);
    }
    out
}

fn load(dir: &Path) -> io::Result<Held> {
    let bytes = fs::read(dir.join(ROWS))?;
    let mut cursor = Cursor::versioned("a dump", VERSION, &bytes)?;
    let applied = Bytes::copy_from_slice(cursor.bytes()?);
    let mut store = MemStore::default();
    while cursor.end().is_err() {
        let number = cursor.u8()?;
        let table = Table::ALL.into_iter().find(|table| table.number() == number);
        let table = table.ok_or_else(|| io::Error::other(format!("no table `{number}`")))?;
        store.put(table, cursor.bytes()?, cursor.bytes()?);
    }
    Ok((Arc::new(store), (!applied.is_empty()).then_some(applied)))
}
