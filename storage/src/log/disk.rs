//! The log as RocksDB holds it. Reading is here; the writer alone writes.

use std::io;
use std::path::Path;

use bytes::Bytes;
use rocksdb::{BlockBasedOptions, Cache, DB, Options, ReadOptions, Snapshot};

use super::Record;
use super::chain::{Base, Follower, Link, encode_record, split_link};
use super::memory::Take;
use crate::keyring::Keyring;
use crate::keyring::value::Nonces;
use crate::keys::Group;
use crate::rocks::{self, damaged, io_error};

const MIB: usize = 1024 * 1024;

/// The open instance.
pub(crate) struct Disk {
    pub db: DB,
    pub keys: Group,
    pub keyring: Keyring,
}

impl Disk {
    pub(crate) fn open(
        path: &Path,
        (keys, keyring): (Group, Keyring),
        create: bool,
    ) -> Result<Self, rocksdb::Error> {
        let mut options = options();
        options.create_if_missing(create);
        Ok(Self { db: DB::open(&options, path)?, keys, keyring })
    }

    pub(crate) fn get(&self, key: &[u8]) -> io::Result<Option<Bytes>> {
        Ok(self.db.get(key).map_err(io_error)?.map(Bytes::from))
    }

    pub(crate) fn number(&self, key: &[u8]) -> io::Result<Option<u64>> {
        let Some(value) = self.get(key)? else { return Ok(None) };
        let value = value.as_ref().try_into().map_err(|_| damaged("a number is not 8 bytes"))?;
        Ok(Some(u64::from_be_bytes(value)))
    }

    pub(crate) fn base(&self) -> io::Result<Option<Base>> {
        decode_base(self.get(&self.keys.base())?.as_deref())
    }

    /// The number of the batch that brought the vote, and the vote.
    pub(crate) fn vote(&self) -> io::Result<Option<(u64, Bytes)>> {
        let Some(value) = self.get(&self.keys.vote())? else { return Ok(None) };
        let number = value.first_chunk().ok_or_else(|| damaged("the vote is too short"))?;
        Ok(Some((u64::from_be_bytes(*number), value.slice(8..))))
    }

    /// The chain just before `index`, which lies after the base.
    pub(crate) fn link_before(&self, base: &Base, index: u64) -> io::Result<Link> {
        if index == base.first {
            return Ok(base.link);
        }
        let before = index.saturating_sub(1);
        let value = self.get(&self.keys.record(before))?;
        let value = value.ok_or_else(|| damaged(format!("record {before} is missing")))?;
        let split = split_link(&value);
        split.map(|(link, _)| link).ok_or_else(|| damaged(format!("record {before} is damaged")))
    }

    /// A record as it is stored.
    pub(crate) fn encode(
        &self,
        nonces: &mut Nonces,
        key: &[u8],
        (link, bytes): (&Link, &[u8]),
    ) -> io::Result<Vec<u8>> {
        let stored = self.keyring.seal(nonces, &Group::record_place(key), bytes)?;
        Ok(encode_record(link, &stored))
    }

    /// Records `from..to` by [`Take`]'s rule, each checked against the chain.
    pub(crate) fn read(&self, from: u64, to: u64, bytes_max: usize) -> io::Result<Vec<Record>> {
        let snapshot = self.db.snapshot();
        let link = self.link_at(&snapshot, from)?;
        let mut take = Take::new(bytes_max);
        let follower = Follower { next: from, link };
        let end = self.walk(&snapshot, follower, to, &mut |record| take.push(record))?;
        if end.next < to && !end.stopped {
            return Err(damaged(format!("record {} is missing", end.next)));
        }
        Ok(take.records)
    }

    fn link_at(&self, snapshot: &Snapshot<'_>, from: u64) -> io::Result<Link> {
        if let Some(before) = from.checked_sub(1)
            && let Some(value) = snapshot.get(self.keys.record(before)).map_err(io_error)?
        {
            let split = split_link(&value);
            return split
                .map(|(link, _)| link)
                .ok_or_else(|| damaged(format!("record {before} is damaged")));
        }
        let base = snapshot.get(self.keys.base()).map_err(io_error)?;
        let base = decode_base(base.as_deref())?.unwrap_or(Base::START);
        if base.first != from {
            return Err(damaged(format!("the record before {from} is missing")));
        }
        Ok(base.link)
    }

    /// Rewrites what holds records before `first`, all of which are purged, so
    /// that no file has their bytes: the write-ahead log, which a flush makes
    /// superfluous, and the tables. The purge is synced, so nothing brings the
    /// old base back. Both may run beside the writer.
    pub(crate) fn compact_before(&self, first: u64) -> io::Result<()> {
        self.db.flush().map_err(io_error)?;
        rocks::wait_for_readers(&self.db)?;
        let (from, to) = (self.keys.record(0), self.keys.record(first));
        self.db.compact_range_opt(Some(from), Some(to), &rocks::thorough());
        rocks::check_background(&self.db)
    }

    /// Every record from the base on, checked; where the chain ends.
    pub(crate) fn verify(
        &self,
        base: &Base,
        mut visit: impl FnMut(Record),
    ) -> io::Result<Follower> {
        let follower = Follower { next: base.first, link: base.link };
        let end = self.walk(&self.db.snapshot(), follower, u64::MAX, &mut |record| {
            visit(record);
            true
        })?;
        Ok(Follower { next: end.next, link: end.link })
    }

    /// Walks records up to `to` until one is not taken. Seeks to the first one
    /// wanted, never to the begin: tombstones of purged ones may lie before it.
    fn walk(
        &self,
        snapshot: &Snapshot<'_>,
        mut follower: Follower,
        to: u64,
        take: &mut dyn FnMut(Record) -> bool,
    ) -> io::Result<End> {
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(self.keys.record(follower.next));
        options.set_iterate_upper_bound(match to {
            u64::MAX => self.keys.records_end(),
            to => self.keys.record(to),
        });
        let mut rows = snapshot.raw_iterator_opt(options);
        rows.seek_to_first();
        let mut buffer = Vec::new();
        while let Some((key, value)) = rows.item() {
            let index = self.keys.index_of(key).ok_or_else(|| damaged("a key is no record's"))?;
            let (link, stored) = split_link(value)
                .ok_or_else(|| damaged(format!("record {index} is damaged: it is too short")))?;
            let opened = self.keyring.open_value(|| Group::record_place(key), stored, &mut buffer);
            let bytes =
                opened.map_err(|what| damaged(format!("record {index} is damaged: {what}")))?;
            let record = follower.follow(index, link, bytes).map_err(damaged)?;
            if !take(record) {
                return Ok(End { next: follower.next, link: follower.link, stopped: true });
            }
            rows.next();
        }
        // An iterator that meets a bad block ends like one that is through.
        rows.status().map_err(io_error)?;
        Ok(End { next: follower.next, link: follower.link, stopped: false })
    }
}

struct End {
    next: u64,
    link: Link,
    stopped: bool,
}

fn decode_base(value: Option<&[u8]>) -> io::Result<Option<Base>> {
    let Some(value) = value else { return Ok(None) };
    Base::decode(value).map(Some).ok_or_else(|| damaged("the base is damaged"))
}

/// Budget: two write buffers of 16 MiB and 8 MiB of cache, since reads are of
/// the tail in memory. Recovery is to the first damage (`PointInTime`, the
/// default): the only mode that takes the zero-filled end a power loss leaves.
/// That it is too lenient is made good by the chain and the witness.
fn options() -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(&Cache::new_lru_cache(8 * MIB));
    table.set_cache_index_and_filter_blocks(true);
    table.set_block_size(16 * 1024);
    let mut options = rocks::options();
    options.set_block_based_table_factory(&table);
    options.set_write_buffer_size(16 * MIB);
    options.set_max_write_buffer_number(2);
    options.set_max_open_files(256);
    options.set_compression_type(rocksdb::DBCompressionType::Lz4);
    options
}
