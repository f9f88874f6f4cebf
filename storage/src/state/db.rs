//! One RocksDB instance with the rows of one state.
//!
//! Budget of memory, for a node that serves 100,000 entries under 400 MB: 64 MiB
//! of block cache, which holds index and filter blocks too; 64 MiB of write
//! buffers over all column families, at most doubled while they are flushed;
//! 512 open files, whose readers are small since their blocks are in the cache.
//! Beside it the log has 104 MiB (`log/disk.rs`, `log::Config`). Buffers grow as
//! they fill, so that an idle node has a few MB of all this.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use governance::{Corruption, Direction, Row, Scan, Table};
use rocksdb::checkpoint::Checkpoint;
use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB,
    DBCompressionType, DEFAULT_COLUMN_FAMILY_NAME, FlushOptions, Options, ReadOptions, Snapshot,
    WriteBatch, WriteOptions,
};
use types::digest::to_hex;

use super::batch::Writes;
use crate::durable::remove_dir;
use crate::keyring::Keyring;
use crate::keyring::value::Nonces;
use crate::keys::{DATA, Group, HEADER, PERSONAL, family};
use crate::rocks::{self, io_error};

const MIB: usize = 1024 * 1024;
const FAMILIES: [&str; 4] = [DEFAULT_COLUMN_FAMILY_NAME, HEADER, DATA, PERSONAL];

/// How to open an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Makes an empty one if there is none.
    Create,
    /// It must be there.
    Existing,
    /// It must be there, and is not changed.
    ReadOnly,
}

/// When to read, and on whose behalf.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    /// `None` is now.
    pub at: Option<&'a Snapshot<'a>>,
    pub cache: Cached,
}

impl Reading<'_> {
    pub(crate) const NOW: Self = Self { at: None, cache: Cached::Filled };
}

/// Whether what is read takes the place of other blocks in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cached {
    /// Whoever asks may ask again.
    Filled,
    /// A walk over everything, once: it must not drive out what is asked for.
    Untouched,
}

/// The open instance. Closed before its directory may be removed: fields are
/// dropped in this order.
pub(crate) struct Db {
    db: DB,
    keys: Group,
    keyring: Keyring,
    dir: Dir,
}

/// The directory of an instance, removed with it once it is out of force: a
/// view opens files of it for as long as it lives.
struct Dir {
    path: PathBuf,
    retired: AtomicBool,
}

impl Drop for Dir {
    fn drop(&mut self) {
        if self.retired.load(Ordering::Acquire)
            && let Err(error) = remove_dir(&self.path)
        {
            // The next start removes it.
            tracing::warn!(path = %self.path.display(), %error, "cannot remove a replaced state");
        }
    }
}

impl Db {
    pub(crate) fn open(
        path: &Path,
        (keys, keyring): (Group, Keyring),
        mode: Mode,
    ) -> Result<Self, rocksdb::Error> {
        let cache = Cache::new_lru_cache(64 * MIB);
        let mut options = rocks::options();
        options.create_if_missing(mode == Mode::Create);
        options.create_missing_column_families(mode == Mode::Create);
        options.set_atomic_flush(true);
        options.set_db_write_buffer_size(64 * MIB);
        options.set_max_open_files(512);
        let families =
            FAMILIES.map(|name| ColumnFamilyDescriptor::new(name, family_options(&cache)));
        let db = match mode {
            Mode::ReadOnly => DB::open_cf_descriptors_read_only(&options, path, families, false)?,
            Mode::Create | Mode::Existing => DB::open_cf_descriptors(&options, path, families)?,
        };
        let dir = Dir { path: path.to_owned(), retired: AtomicBool::new(false) };
        Ok(Self { db, keys, keyring, dir })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.dir.path
    }

    /// The directory goes when the last batch and view of this state are gone.
    pub(crate) fn retire(&self) {
        self.dir.retired.store(true, Ordering::Release);
    }

    pub(crate) fn snapshot(&self) -> Snapshot<'_> {
        self.db.snapshot()
    }

    pub(crate) fn write(&self, writes: &Writes, applied: &[u8]) -> io::Result<()> {
        let mut batch = WriteBatch::default();
        let mut nonces = Nonces::new();
        for (table, rows) in writes {
            let family = self.family(family(*table)).map_err(io::Error::other)?;
            for (key, value) in rows {
                let key = self.keys.row(*table, key);
                match value {
                    Some(value) => {
                        let place = Group::row_place(&key);
                        batch.put_cf(family, key, self.keyring.seal(&mut nonces, &place, value)?);
                    }
                    None => batch.delete_cf(family, key),
                }
            }
        }
        batch.put(self.keys.applied(), applied);
        self.put(batch)
    }

    fn put(&self, batch: WriteBatch) -> io::Result<()> {
        let mut options = WriteOptions::default();
        options.disable_wal(true);
        self.db.write_opt(batch, &options).map_err(io_error)
    }

    /// Writes anew what is not stored as it would be now, of the rows from a key
    /// on and up to the end of one table. Nobody else may write meanwhile.
    pub(crate) fn rewrite(&self, table: Table, from: &[u8], slice: Slice) -> io::Result<Sliced> {
        let reading = Reading { at: None, cache: Cached::Untouched };
        let scan =
            Scan { table, from, to: None, direction: Direction::Ascending, rows_max: usize::MAX };
        let family = self.family(family(table)).map_err(io::Error::other)?;
        let mut rows = self.rows(reading, scan).map_err(io::Error::other)?;
        let (mut batch, mut nonces) = (WriteBatch::default(), Nonces::new());
        let mut done = Sliced::default();
        while let Some((key, stored)) = rows.stored().map_err(io::Error::other)? {
            if done.rows == slice.rows_max || slice.bytes_max <= done.bytes {
                done.next = Some(key.to_vec());
                break;
            }
            done.rows += 1;
            if !self.keyring.is_as_written(stored) {
                let key = self.keys.row(table, key);
                let place = Group::row_place(&key);
                let (_, value) = rows.item().map_err(io::Error::other)?.unwrap_or_default();
                done.bytes += value.len();
                done.rewritten += 1;
                batch.put_cf(family, key, self.keyring.seal(&mut nonces, &place, value)?);
            }
            rows.advance();
        }
        if 0 < done.rewritten {
            self.put(batch)?;
        }
        Ok(done)
    }

    pub(crate) fn applied(&self, at: Option<&Snapshot<'_>>) -> io::Result<Option<Bytes>> {
        let key = self.keys.applied();
        let value = match at {
            Some(snapshot) => snapshot.get(key),
            None => self.db.get(key),
        };
        Ok(value.map_err(io_error)?.map(Bytes::from))
    }

    pub(crate) fn flush(&self) -> io::Result<()> {
        let mut families = Vec::with_capacity(FAMILIES.len());
        for name in FAMILIES {
            families.push(self.family(name).map_err(io::Error::other)?);
        }
        let mut options = FlushOptions::default();
        options.set_wait(true);
        self.db.flush_cfs_opt(&families, &options).map_err(io_error)
    }

    /// Rewrites the files of the families from which something is ever erased,
    /// so that they hold only what can be read.
    pub(crate) fn compact_erased(&self) -> io::Result<()> {
        self.flush()?;
        rocks::wait_for_readers(&self.db)?;
        self.compact(&[DATA, PERSONAL, DEFAULT_COLUMN_FAMILY_NAME])
    }

    /// The same of every family, after everything was rewritten.
    pub(crate) fn compact_all(&self) -> io::Result<()> {
        self.flush()?;
        rocks::wait_for_readers(&self.db)?;
        self.compact(&FAMILIES)
    }

    fn compact(&self, names: &[&'static str]) -> io::Result<()> {
        for name in names {
            let family = self.family(name).map_err(io::Error::other)?;
            let all: Option<&[u8]> = None;
            self.db.compact_range_cf_opt(family, all, all, &rocks::thorough());
        }
        rocks::check_background(&self.db)
    }

    /// Links the files of this instance into a directory that does not exist.
    pub(crate) fn checkpoint(&self, path: &Path) -> io::Result<()> {
        let checkpoint = Checkpoint::new(&self.db).map_err(io_error)?;
        checkpoint.create_checkpoint(path).map_err(io_error)
    }

    #[cfg(test)]
    pub(crate) fn cached_bytes(&self) -> u64 {
        self.db.property_int_value("rocksdb.block-cache-usage").unwrap().unwrap()
    }

    fn family(&self, name: &'static str) -> Result<&ColumnFamily, Corruption> {
        let family = self.db.cf_handle(name);
        family.ok_or_else(|| Corruption::new(name, "the column family is missing"))
    }

    pub(crate) fn get(
        &self,
        reading: Reading<'_>,
        table: Table,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, Corruption> {
        let name = family(table);
        let family = self.family(name)?;
        let row = self.keys.row(table, key);
        let options = read_options(reading.cache);
        let value = match reading.at {
            Some(snapshot) => snapshot.get_cf_opt(family, row, options),
            None => self.db.get_cf_opt(family, row, &options),
        };
        let stored = value.map_err(|error| Corruption::new(name, error.to_string()))?;
        let Some(stored) = stored else { return Ok(None) };
        let place = || Group::row_place(&self.keys.row(table, key));
        let value = self.keyring.open_owned(place, stored);
        value.map(Some).map_err(|what| unopened(table, key, &what))
    }

    pub(crate) fn scan(
        &self,
        reading: Reading<'_>,
        scan: Scan<'_>,
    ) -> Result<Vec<Row>, Corruption> {
        let mut found = Vec::new();
        self.visit(reading, scan, &mut |key, value| found.push((key.to_vec(), value.to_vec())))?;
        Ok(found)
    }

    /// Shows the rows of a range where they lie.
    pub(crate) fn visit(
        &self,
        reading: Reading<'_>,
        scan: Scan<'_>,
        see: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<(), Corruption> {
        let mut rows = self.rows(reading, scan)?;
        for _ in 0..scan.rows_max {
            let Some((key, value)) = rows.item()? else {
                break;
            };
            see(key, value);
            rows.advance();
        }
        Ok(())
    }

    /// The rows of a range, one after the other.
    pub(crate) fn rows<'a>(
        &'a self,
        reading: Reading<'a>,
        scan: Scan<'_>,
    ) -> Result<Rows<'a>, Corruption> {
        let name = family(scan.table);
        let family = self.family(name)?;
        let mut options = read_options(reading.cache);
        options.set_iterate_lower_bound(self.keys.row(scan.table, scan.from));
        options.set_iterate_upper_bound(match scan.to {
            Some(to) => self.keys.row(scan.table, to.max(scan.from)),
            None => self.keys.table_end(scan.table),
        });
        let mut rows = match reading.at {
            Some(snapshot) => snapshot.raw_iterator_cf_opt(family, options),
            None => self.db.raw_iterator_cf_opt(family, options),
        };
        match scan.direction {
            Direction::Ascending => rows.seek_to_first(),
            Direction::Descending => rows.seek_to_last(),
        }
        Ok(Rows {
            rows,
            direction: scan.direction,
            prefix: self.keys.row_prefix_bytes(),
            table: scan.table,
            keyring: &self.keyring,
            buffer: Vec::new(),
        })
    }
}

/// Bounds of one step of a rewriting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice {
    pub rows_max: usize,
    pub bytes_max: usize,
}

/// What one step did.
#[derive(Debug, Default)]
pub(crate) struct Sliced {
    pub rows: usize,
    pub rewritten: usize,
    pub bytes: usize,
    /// Where to go on; `None` at the end of the table.
    pub next: Option<Vec<u8>>,
}

/// A key without its prefix, and its value.
pub(crate) type Item<'a> = (&'a [u8], &'a [u8]);

/// An iterator that cannot end early unseen.
pub(crate) struct Rows<'a> {
    rows: rocksdb::DBRawIterator<'a>,
    direction: Direction,
    prefix: usize,
    table: Table,
    keyring: &'a Keyring,
    /// The value of a row, once it had to be opened.
    buffer: Vec<u8>,
}

impl Rows<'_> {
    /// The row it stands on; `None` at the end of the range, and an error when
    /// the end was not reached, or the value is not what was sealed.
    pub(crate) fn item(&mut self) -> Result<Option<Item<'_>>, Corruption> {
        let Some((row, stored)) = self.rows.item() else { return self.end() };
        let key = plain_key(self.table, self.prefix, row)?;
        let place = || Group::row_place(row);
        let value = self.keyring.open_value(place, stored, &mut self.buffer);
        value.map(|value| Some((key, value))).map_err(|what| unopened(self.table, key, &what))
    }

    /// The same as it is stored.
    pub(crate) fn stored(&self) -> Result<Option<Item<'_>>, Corruption> {
        let Some((row, stored)) = self.rows.item() else { return self.end() };
        Ok(Some((plain_key(self.table, self.prefix, row)?, stored)))
    }

    fn end(&self) -> Result<Option<Item<'_>>, Corruption> {
        let status = self.rows.status();
        status.map(|()| None).map_err(|error| {
            Corruption::new(family(self.table), format!("a scan stopped early: {error}"))
        })
    }

    pub(crate) fn advance(&mut self) {
        match self.direction {
            Direction::Ascending => self.rows.next(),
            Direction::Descending => self.rows.prev(),
        }
    }
}

fn plain_key(table: Table, prefix: usize, row: &[u8]) -> Result<&[u8], Corruption> {
    row.get(prefix..).ok_or_else(|| Corruption::new(family(table), "a key is too short"))
}

/// Names the row by its key where that is an id: others may tell of people.
fn unopened(table: Table, key: &[u8], what: &str) -> Corruption {
    let number = table.number();
    let has_id = matches!(table, Table::Header | Table::Data | Table::Personal);
    let row = if has_id { format!("row {}", to_hex(key)) } else { "a row".to_owned() };
    Corruption::new(family(table), format!("{row} of table {number} is damaged: {what}"))
}

fn read_options(cache: Cached) -> ReadOptions {
    let mut options = ReadOptions::default();
    options.fill_cache(cache == Cached::Filled);
    options
}

fn family_options(cache: &Cache) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    // Most requests ask for a key that is not there: has it been used before?
    table.set_bloom_filter(10.0, false);
    // In pieces. A whole filter is a block of a megabyte and more once a file has a
    // million rows, which is larger than what a shard of the cache takes: it would be
    // read and checked anew for every key.
    table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
    table.set_partition_filters(true);
    table.set_metadata_block_size(16 * 1024);
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    table.set_pin_top_level_index_and_filter(true);
    table.set_block_size(16 * 1024);
    table.set_format_version(5);
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.set_write_buffer_size(32 * MIB);
    options.set_max_write_buffer_number(2);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_bottommost_compression_type(DBCompressionType::Zstd);
    options
}
