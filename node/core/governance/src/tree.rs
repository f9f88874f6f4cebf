//! The Merkle tree as tiles, kept while the ledger grows, in the same commit as
//! the entries.
//!
//! A leaf is the hash of a header, so tiles of level 0 that are not full follow
//! from the headers and are not stored: writing one per entry would cost more
//! than the entry. Above, a tile gains a hash for every full one below it.
//!
//! Invariants
//! - Full tiles never change.
//! - A stored tile of level l has as many hashes as there are full tiles of
//!   level l - 1 under it.

use ledger::tile::{self, TileId, Tiles};
use types::{Digest, EntryId};

use crate::cache::Cache;
use crate::outcome::Corruption;
use crate::store::{Direction, Read, Scan, Store, Table};
use crate::tables::Tables;
use crate::{codec, keys};

const TABLE: &str = "tile";

/// Adds the hash of entry `id` to the tiles.
pub(crate) fn append<S: Store>(
    tables: &mut Tables<'_, S>,
    cache: &mut Cache,
    id: EntryId,
    leaf: Digest,
) -> Result<(), Corruption> {
    let index = id.0 / tile::WIDTH;
    let mut leaves = match cache.leaves.take() {
        Some(leaves) => leaves,
        None => leaves_of(tables.read(), index, id.0 % tile::WIDTH)?,
    };
    leaves.push(leaf);
    if (leaves.len() as u64) < tile::WIDTH {
        cache.leaves = Some(leaves);
        return Ok(());
    }
    cache.leaves = Some(Vec::new());
    put(tables, 0, index, &leaves);
    climb(tables, index, tile::subtree_root(&leaves))
}

/// Writes the root of a full tile into the tile above, and so on up as long as
/// that fills one.
fn climb<S: Store>(
    tables: &mut Tables<'_, S>,
    mut index: u64,
    mut root: Digest,
) -> Result<(), Corruption> {
    // 256^8 is 2^64: no tree has a level above that.
    for level in 1..=8_u8 {
        let place = index % tile::WIDTH;
        index /= tile::WIDTH;
        let mut hashes = match place {
            0 => Vec::new(),
            _ => stored(tables.read(), level, index)?.unwrap_or_default(),
        };
        if hashes.len() as u64 != place {
            let what = format!("tile {level}/{index} has {} hashes, not {place}", hashes.len());
            return Err(Corruption::new(TABLE, what));
        }
        hashes.push(root);
        put(tables, level, index, &hashes);
        if (hashes.len() as u64) < tile::WIDTH {
            break;
        }
        root = tile::subtree_root(&hashes);
    }
    Ok(())
}

fn put<S: Store>(tables: &mut Tables<'_, S>, level: u8, index: u64, hashes: &[Digest]) {
    tables.put_bytes(Table::Tile, &keys::tile(level, index), &[&tile::to_bytes(hashes)]);
}

/// The hashes of a stored tile.
pub(crate) fn stored(
    read: &impl Read,
    level: u8,
    index: u64,
) -> Result<Option<Vec<Digest>>, Corruption> {
    let Some(bytes) = read.get(Table::Tile, &keys::tile(level, index))? else {
        return Ok(None);
    };
    let damaged = || Corruption::new(TABLE, format!("tile {level}/{index} is no row of hashes"));
    tile::from_bytes(codec::strip(TABLE, &bytes)?).map(Some).ok_or_else(damaged)
}

/// The first `width` leaves of a tile of level 0, hashed from the headers.
fn leaves_of(read: &impl Read, index: u64, width: u64) -> Result<Vec<Digest>, Corruption> {
    let headers = headers_of(read, index, width)?;
    Ok(headers.iter().map(|header| ledger::hash::entry_hash(header)).collect())
}

/// Headers of the first `width` entries under a tile of level 0.
pub(crate) fn headers_of(
    read: &impl Read,
    index: u64,
    width: u64,
) -> Result<Vec<Vec<u8>>, Corruption> {
    let first = index.saturating_mul(tile::WIDTH);
    let rows_max = usize::try_from(width).unwrap_or(usize::MAX);
    let rows = read.scan(Scan {
        table: Table::Header,
        from: &keys::entry(EntryId(first)),
        to: Some(&keys::entry(EntryId(first.saturating_add(width)))),
        direction: Direction::Ascending,
        rows_max,
    })?;
    if rows.len() != rows_max {
        let what = format!("{} of {width} entries from {first} on", rows.len());
        return Err(Corruption::new("header", what));
    }
    rows.into_iter().map(|(_, value)| codec::strip("header", &value).map(<[u8]>::to_vec)).collect()
}

/// The tree of a state.
#[derive(Clone, Copy, Debug)]
pub struct Tree<'a, R>(pub &'a R);

impl<R: Read> Tiles for Tree<'_, R> {
    type Error = Corruption;

    fn tile(&self, id: TileId) -> Result<Vec<Digest>, Corruption> {
        let TileId { level, index, width } = id;
        let width = usize::from(width);
        if let Some(mut hashes) = stored(self.0, level, index)? {
            if hashes.len() < width {
                let what = format!("tile {level}/{index} has {} of {width} hashes", hashes.len());
                return Err(Corruption::new(TABLE, what));
            }
            hashes.truncate(width);
            return Ok(hashes);
        }
        match level {
            0 => leaves_of(self.0, index, width as u64),
            _ => Err(Corruption::new(TABLE, format!("tile {level}/{index} is missing"))),
        }
    }
}
