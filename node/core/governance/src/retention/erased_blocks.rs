//! How many entries of a stretch of the ledger have a part erased, so that this is
//! known of any span without looking at each.
//!
//! Invariants
//! - [`Table::ErasedBlock`] counts the rows of [`Table::Erased`], by the block of
//!   [`BLOCK`] ids they are in.

use std::ops::Range;

use types::EntryId;

use crate::apply::Context;
use crate::outcome::Corruption;
use crate::store::{Direction, Read, Scan, Store, Table};
use crate::{codec, tables};

/// Ids of a block.
pub(crate) const BLOCK: u64 = 1_024;

/// Counts an entry of which a part goes for the first time.
pub(crate) fn add<S: Store>(context: &mut Context<'_, S>, id: EntryId) -> Result<(), Corruption> {
    let key = (id.0 / BLOCK).to_be_bytes();
    let count: Option<u64> = context.tables.record(Table::ErasedBlock, &key)?;
    let count = count.unwrap_or(0).saturating_add(1);
    context.tables.put_record(Table::ErasedBlock, &key, &count)
}

/// How many entries with these ids have a part erased.
pub(crate) fn count(read: &impl Read, ids: &Range<u64>) -> Result<u64, Corruption> {
    if ids.end <= ids.start {
        return Ok(0);
    }
    let first = ids.start.div_ceil(BLOCK);
    let end = ids.end / BLOCK;
    if end <= first {
        return one_by_one(read, ids);
    }
    let before = one_by_one(read, &(ids.start..first.saturating_mul(BLOCK)))?;
    let after = one_by_one(read, &(end.saturating_mul(BLOCK)..ids.end))?;
    let (mut sum, mut damage) = (before.saturating_add(after), None);
    let (from, to) = (first.to_be_bytes(), end.to_be_bytes());
    read.visit(scan(Table::ErasedBlock, &from, &to), &mut |_, value| match codec::decode::<u64>(
        tables::name(Table::ErasedBlock),
        value,
    ) {
        Ok(count) => sum = sum.saturating_add(count),
        Err(error) => damage = Some(error),
    })?;
    damage.map_or(Ok(sum), Err)
}

fn one_by_one(read: &impl Read, ids: &Range<u64>) -> Result<u64, Corruption> {
    let mut count = 0_u64;
    if ids.start < ids.end {
        let (from, to) = (EntryId(ids.start).key(), EntryId(ids.end).key());
        read.visit(scan(Table::Erased, &from, &to), &mut |_, _| {
            count = count.saturating_add(1);
        })?;
    }
    Ok(count)
}

fn scan<'a>(table: Table, from: &'a [u8], to: &'a [u8]) -> Scan<'a> {
    let direction = Direction::Ascending;
    Scan { table, from, to: Some(to), direction, rows_max: usize::MAX }
}
