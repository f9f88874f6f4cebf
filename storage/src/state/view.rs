//! The state at one moment, and checkpoints opened to be read.
//!
//! A RocksDB snapshot borrows its database. `self_cell` lets a view own both,
//! so that it can be handed to a thread and outlive an install, without unsafe
//! code of ours.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use governance::{Corruption, Direction, Read, Row, Scan, Table};
use rocksdb::Snapshot;
use self_cell::self_cell;
use sha2::{Digest as _, Sha256};
use types::Digest;

use super::db::{Cached, Db, Mode, Reading};
use super::lost;
use crate::error::Error;
use crate::keyring::Keyring;
use crate::keys::Group;

self_cell!(
    struct Held {
        owner: Arc<Db>,
        #[covariant]
        dependent: Snapshot,
    }
);

/// The state at one moment. Cheap to take and to clone, and unmoved by later
/// commits. Held for long, it keeps RocksDB from dropping what was replaced.
#[derive(Clone)]
pub struct View {
    held: Arc<Held>,
    cache: Cached,
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sequence = self.held.borrow_dependent().sequence_number();
        f.debug_struct("View").field("sequence", &sequence).finish_non_exhaustive()
    }
}

impl View {
    pub(crate) fn new(db: Arc<Db>) -> Self {
        let held = Arc::new(Held::new(db, |db| db.snapshot()));
        Self { held, cache: Cached::Filled }
    }

    /// The same state, for whoever walks over much of it once, such as an audit:
    /// what it reads does not drive out of the cache what requests ask for.
    #[must_use]
    pub fn background(&self) -> Self {
        Self { held: Arc::clone(&self.held), cache: Cached::Untouched }
    }

    fn reading(&self) -> Reading<'_> {
        Reading { at: Some(self.held.borrow_dependent()), cache: self.cache }
    }

    /// What the state of this view says was applied.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn applied(&self) -> io::Result<Option<Bytes>> {
        self.held.borrow_owner().applied(Some(self.held.borrow_dependent()))
    }

    /// The content digest: SHA-256 over every row of every table, by number of
    /// table and key, each as table number, key length, key, value length and
    /// value, lengths in 4 bytes. What raft keeps of itself is outside. It sees
    /// a bit that flipped after it was written; it reads everything, in bounded
    /// memory.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn content_digest(&self) -> Result<Digest, Corruption> {
        let db = self.held.borrow_owner();
        let reading = Reading { cache: Cached::Untouched, ..self.reading() };
        let mut sha = Sha256::new();
        sha.update(b"lexecon/state-content/v1");
        for table in Table::ALL {
            let scan = Scan {
                table,
                from: &[],
                to: None,
                direction: Direction::Ascending,
                rows_max: usize::MAX,
            };
            let mut rows = db.rows(reading, scan)?;
            while let Some((key, value)) = rows.item()? {
                sha.update([table.number()]);
                sha.update(length(key)?);
                sha.update(key);
                sha.update(length(value)?);
                sha.update(value);
                rows.advance();
            }
        }
        Ok(Digest(sha.finalize().into()))
    }
}

/// RocksDB itself holds no key and no value of 4 GiB.
fn length(bytes: &[u8]) -> Result<[u8; 4], Corruption> {
    let length = u32::try_from(bytes.len());
    let length = length.map_err(|_| Corruption::new("state", "a row is longer than 4 GiB"))?;
    Ok(length.to_be_bytes())
}

impl Read for View {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Corruption> {
        self.held.borrow_owner().get(self.reading(), table, key)
    }

    fn scan(&self, scan: Scan<'_>) -> Result<Vec<Row>, Corruption> {
        self.held.borrow_owner().scan(self.reading(), scan)
    }

    fn visit(&self, scan: Scan<'_>, see: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), Corruption> {
        self.held.borrow_owner().visit(self.reading(), scan, see)
    }
}

/// A checkpoint on disk, opened to be read: by its maker to describe it, by its
/// receiver before it is installed. Its files are not changed.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    view: View,
}

impl Checkpoint {
    /// Opens the checkpoint in a directory; the keyring opens its values.
    ///
    /// # Errors
    /// When it holds no whole state.
    pub fn open(dir: &Path, group: Group, keyring: &Keyring) -> Result<Self, Error> {
        let keys = (group, keyring.clone());
        let db = Db::open(dir, keys, Mode::ReadOnly).map_err(|error| lost(dir, error))?;
        Ok(Self { view: View::new(Arc::new(db)) })
    }

    /// The state in it.
    pub fn view(&self) -> &View {
        &self.view
    }
}

#[cfg(test)]
mod tests {
    use governance::Store as _;

    use super::*;
    use crate::{DataDir, State};

    const ALL: Scan<'static> = Scan {
        table: Table::Data,
        from: &[],
        to: None,
        direction: Direction::Ascending,
        rows_max: usize::MAX,
    };

    #[test]
    fn a_walk_in_the_background_takes_no_room_in_the_cache() {
        let dir = tempfile::tempdir().unwrap();
        let open = || State::open(&DataDir::open(dir.path()).unwrap(), Group::main()).unwrap();
        let state = open();
        let mut batch = state.begin().unwrap();
        // Bytes that do not compress to nothing.
        for number in 0..4_000_u64 {
            let block = Sha256::digest(number.to_be_bytes());
            batch.put(Table::Data, &number.to_be_bytes(), &block.repeat(16));
        }
        state.commit(batch, Bytes::from_static(b"1")).unwrap();
        state.flush().unwrap();
        drop(state);
        let state = open();
        let view = state.view().unwrap();
        let cached = || view.held.borrow_owner().cached_bytes();
        let before = cached();
        view.content_digest().unwrap();
        assert_eq!(view.background().scan(ALL).unwrap().len(), 4_000);
        let after_background = cached();
        assert_eq!(view.scan(ALL).unwrap().len(), 4_000);
        let (background, foreground) = (after_background - before, cached() - after_background);
        assert!(background * 4 < foreground, "{background} against {foreground} bytes");
    }
}
