//! Checkpoints and what they rest on, one row at a time: between the last final
//! one and the end there are few.

use types::{EntryId, RaftId};

use crate::command::Place;
use crate::outcome::Corruption;
use crate::record::{CheckpointRecord, ErasedRecord, IncidentRecord, ScrubRecord};
use crate::store::{Direction, Read, Scan, Table};
use crate::{codec, keys, tables, tree};

/// Nodes of which something is kept, at most.
const NODES_MAX: usize = 10_000;

/// The checkpoint of this size.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn checkpoint(read: &impl Read, size: u64) -> Result<Option<CheckpointRecord>, Corruption> {
    tables::record(read, Table::Checkpoint, &size.to_be_bytes())
}

/// The newest checkpoint, final or not.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn last_checkpoint(read: &impl Read) -> Result<Option<CheckpointRecord>, Corruption> {
    next(read, 0, None, Direction::Descending)
}

/// The newest final checkpoint.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn last_final(read: &impl Read) -> Result<Option<CheckpointRecord>, Corruption> {
    let mut below = None;
    while let Some(record) = next(read, 0, below, Direction::Descending)? {
        if record.is_final() {
            return Ok(Some(record));
        }
        below = Some(record.claim.size);
    }
    Ok(None)
}

/// The newest final checkpoint of at most so many entries.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub(crate) fn last_final_within(
    read: &impl Read,
    size: u64,
) -> Result<Option<CheckpointRecord>, Corruption> {
    let mut below = size.saturating_add(1);
    while let Some(record) = next(read, 0, Some(below), Direction::Descending)? {
        if record.is_final() {
            return Ok(Some(record));
        }
        below = record.claim.size;
    }
    Ok(None)
}

/// The first final checkpoint that covers an entry: it never changes.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn first_final(
    read: &impl Read,
    entry: EntryId,
) -> Result<Option<CheckpointRecord>, Corruption> {
    let found = checkpoints(read, entry.0, 1)?;
    Ok(found.into_iter().next())
}

/// Final checkpoints of more than `after` entries, smallest first.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn checkpoints(
    read: &impl Read,
    after: u64,
    limit: usize,
) -> Result<Vec<CheckpointRecord>, Corruption> {
    let mut found = Vec::new();
    let mut from = after.saturating_add(1);
    while found.len() < limit
        && let Some(record) = next(read, from, None, Direction::Ascending)?
    {
        from = record.claim.size.saturating_add(1);
        if record.is_final() {
            found.push(record);
        }
    }
    Ok(found)
}

fn next(
    read: &impl Read,
    from: u64,
    below: Option<u64>,
    direction: Direction,
) -> Result<Option<CheckpointRecord>, Corruption> {
    let to = below.map(u64::to_be_bytes);
    let rows = read.scan(Scan {
        table: Table::Checkpoint,
        from: &from.to_be_bytes(),
        to: to.as_ref().map(<[u8; 8]>::as_slice),
        direction,
        rows_max: 1,
    })?;
    rows.first().map(|(_, value)| codec::decode("checkpoint", value)).transpose()
}

/// What was erased of an entry, and by which run; `None` where nothing was.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn erased(read: &impl Read, id: EntryId) -> Result<Option<ErasedRecord>, Corruption> {
    tables::record(read, Table::Erased, &keys::entry(id))
}

/// Headers of the first `width` entries of a bundle of 256, as stored.
///
/// # Errors
/// [`Corruption`] when one is missing.
pub fn headers(read: &impl Read, index: u64, width: u16) -> Result<Vec<Vec<u8>>, Corruption> {
    tree::headers_of(read, index, u64::from(width))
}

/// The last incident of each node that had one.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn incidents(read: &impl Read) -> Result<Vec<(RaftId, IncidentRecord)>, Corruption> {
    by_node(read, Table::Incident)
}

/// The last run of erasure whose bytes are gone from each node.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn forgotten(read: &impl Read) -> Result<Vec<(RaftId, EntryId)>, Corruption> {
    by_node(read, Table::Forgotten)
}

fn by_node<T: serde::de::DeserializeOwned>(
    read: &impl Read,
    table: Table,
) -> Result<Vec<(RaftId, T)>, Corruption> {
    let name = tables::name(table);
    let rows = all(read, table)?;
    let decoded = rows.iter().map(|(key, value)| {
        let id = keys::last_number(key).ok_or_else(|| Corruption::new(name, "key too short"))?;
        Ok((RaftId(id), codec::decode(name, value)?))
    });
    decoded.collect()
}

/// The scrubs that are kept, oldest first.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn scrubs(read: &impl Read) -> Result<Vec<(Place, ScrubRecord)>, Corruption> {
    let rows = all(read, Table::Scrub)?;
    let decoded = rows.iter().map(|(key, value)| {
        let place = keys::read_place(key).ok_or_else(|| Corruption::new("scrub", "no place"))?;
        Ok((place, codec::decode("scrub", value)?))
    });
    decoded.collect()
}

fn all(read: &impl Read, table: Table) -> Result<Vec<crate::store::Row>, Corruption> {
    read.scan(Scan {
        table,
        from: &[],
        to: None,
        direction: Direction::Ascending,
        rows_max: NODES_MAX,
    })
}
