//! What is left and what is erased of a stretch of the ledger, so that this is
//! known of any span without looking at each entry.
//!
//! Invariants
//! - [`Table::EntryBlock`] counts the rows of [`Table::Erased`] and of
//!   [`Table::Personal`], by the block of [`BLOCK`] ids they are in: personal
//!   parts of entries from feature level 5 on.

use std::ops::Range;

use types::EntryId;

use crate::access;
use crate::cache::Cache;
use crate::command::ErasedPart;
use crate::outcome::Corruption;
use crate::record::{BlockRecord, ErasedRecord};
use crate::store::{Direction, Read, Scan, Store, Table};
use crate::tables::Tables;
use crate::{codec, keys, tables};

/// Ids of a block.
pub(crate) const BLOCK: u64 = 1_024;

/// What is counted of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    /// Entries of which a part is erased.
    Erased,
    /// Of these, those that have nothing left.
    Whole,
    /// Entries that have a personal part.
    Personal,
}

/// Counts the personal part of an entry that is being recorded.
pub(crate) fn append<S: Store>(
    tables: &mut Tables<'_, S>,
    cache: &mut Cache,
    id: EntryId,
) -> Result<(), Corruption> {
    if cache.feature_level(tables.read())? < access::EVIDENCE {
        return Ok(());
    }
    let block = of(tables.read(), id)?;
    let personal = block.personal.saturating_add(1);
    keep(tables, id, &BlockRecord { personal, ..block })
}

/// Counts what goes of an entry.
pub(crate) fn erase<S: Store>(tables: &mut Tables<'_, S>, gone: &Gone) -> Result<(), Corruption> {
    let Gone { id, before, part, had_personal } = *gone;
    let block = of(tables.read(), id)?;
    let is_first = before.is_none();
    let is_whole = part == ErasedPart::All && before != Some(ErasedPart::All);
    let block = BlockRecord {
        erased: block.erased.saturating_add(u64::from(is_first)),
        whole: block.whole.saturating_add(u64::from(is_whole)),
        personal: block.personal.saturating_sub(u64::from(had_personal)),
    };
    keep(tables, id, &block)
}

/// What goes of an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone {
    pub(crate) id: EntryId,
    /// What was erased of it before.
    pub(crate) before: Option<ErasedPart>,
    pub(crate) part: ErasedPart,
    /// Whether there was a personal part left.
    pub(crate) had_personal: bool,
}

fn of(read: &impl Read, id: EntryId) -> Result<BlockRecord, Corruption> {
    let record = tables::record(read, Table::EntryBlock, &(id.0 / BLOCK).to_be_bytes())?;
    Ok(record.unwrap_or_default())
}

fn keep<S: Store>(
    tables: &mut Tables<'_, S>,
    id: EntryId,
    block: &BlockRecord,
) -> Result<(), Corruption> {
    tables.put_record(Table::EntryBlock, &(id.0 / BLOCK).to_be_bytes(), block)
}

/// How many entries with these ids are so.
pub(crate) fn count(read: &impl Read, figure: Figure, ids: &Range<u64>) -> Result<u64, Corruption> {
    if ids.end <= ids.start {
        return Ok(0);
    }
    let first = ids.start.div_ceil(BLOCK);
    let end = ids.end / BLOCK;
    if end <= first {
        return one_by_one(read, figure, ids);
    }
    let before = one_by_one(read, figure, &(ids.start..first.saturating_mul(BLOCK)))?;
    let after = one_by_one(read, figure, &(end.saturating_mul(BLOCK)..ids.end))?;
    let (mut sum, mut damage) = (before.saturating_add(after), None);
    let (from, to) = (first.to_be_bytes(), end.to_be_bytes());
    let scan = scan(Table::EntryBlock, &from, &to);
    read.visit(scan, &mut |_, value| match codec::decode::<BlockRecord>(
        tables::name(Table::EntryBlock),
        value,
    ) {
        Ok(block) => {
            sum = sum.saturating_add(match figure {
                Figure::Erased => block.erased,
                Figure::Whole => block.whole,
                Figure::Personal => block.personal,
            });
        }
        Err(error) => damage = Some(error),
    })?;
    damage.map_or(Ok(sum), Err)
}

fn one_by_one(read: &impl Read, figure: Figure, ids: &Range<u64>) -> Result<u64, Corruption> {
    if ids.end <= ids.start {
        return Ok(0);
    }
    let (from, to) = (keys::entry(EntryId(ids.start)), keys::entry(EntryId(ids.end)));
    let table = match figure {
        Figure::Erased | Figure::Whole => Table::Erased,
        Figure::Personal => Table::Personal,
    };
    let (mut count, mut damage) = (0_u64, None);
    read.visit(scan(table, &from, &to), &mut |_, value| {
        let is_counted = match figure {
            Figure::Erased | Figure::Personal => Ok(true),
            Figure::Whole => codec::decode::<ErasedRecord>(tables::name(table), value)
                .map(|erased| erased.part == ErasedPart::All),
        };
        match is_counted {
            Ok(is_counted) => count = count.saturating_add(u64::from(is_counted)),
            Err(error) => damage = Some(error),
        }
    })?;
    damage.map_or(Ok(count), Err)
}

fn scan<'a>(table: Table, from: &'a [u8], to: &'a [u8]) -> Scan<'a> {
    let direction = Direction::Ascending;
    Scan { table, from, to: Some(to), direction, rows_max: usize::MAX }
}
