//! Counts of entries by what they are, for any entry up to which one may ask.
//!
//! Under each name the entries that are counted stand in order: row `n` has the
//! id of the `n`-th. So how many there were up to an entry is found by bisection,
//! whatever the size of the ledger.
//!
//! Invariants
//! - Ids under a name never fall, since an entry is counted by the command that
//!   records it. The same id may stand more than once where one entry counts for
//!   several things.
//! - Nothing is taken out again, also not by an erasure: a row has an id and
//!   nothing that the entry said, and a count that shrank later would make two
//!   reports of the same moment differ.

use std::ops::Range;

use types::EntryId;

use crate::cache::Cache;
use crate::keys;
use crate::outcome::Corruption;
use crate::store::{Read, Store, Table};
use crate::tables::{self, Tables};

/// Counts an entry under a name, while the command that records it is applied.
pub(crate) fn append<S: Store>(
    tables: &mut Tables<'_, S>,
    cache: &mut Cache,
    name: &str,
    entry: EntryId,
) -> Result<(), Corruption> {
    let number = cache.next_of_tally(tables.read(), name)?;
    tables.put_record(Table::Tally, &keys::text_and_number(name, number), &entry)
}

/// How many entries are counted under a name up to an entry, that one among them.
///
/// # Errors
/// [`Corruption`] when a row cannot be read, or is missing.
pub fn count_up_to(read: &impl Read, name: &str, as_of: EntryId) -> Result<u64, Corruption> {
    let (mut from, mut to) = (0, tables::last_number(read, Table::Tally, name)?);
    while from < to {
        let middle = to.saturating_sub(to.saturating_sub(from) >> 1);
        if nth(read, name, middle)? <= as_of {
            from = middle;
        } else {
            to = middle.saturating_sub(1);
        }
    }
    Ok(from)
}

/// Numbers under a name of the entries of a span of ids.
///
/// # Errors
/// [`Corruption`] when a row cannot be read.
pub(crate) fn numbers(
    read: &impl Read,
    name: &str,
    ids: &Range<u64>,
) -> Result<Range<u64>, Corruption> {
    let upto = |id: u64| match id.checked_sub(1) {
        Some(last) => count_up_to(read, name, EntryId(last)),
        None => Ok(0),
    };
    let (before, through) = (upto(ids.start)?, upto(ids.end)?);
    Ok(before.saturating_add(1)..through.saturating_add(1))
}

/// The entries that are counted under a name, of a span of ids.
///
/// # Errors
/// [`Corruption`] when a row cannot be read.
pub(crate) fn ids(
    read: &impl Read,
    name: &str,
    ids: &Range<u64>,
) -> Result<Vec<EntryId>, Corruption> {
    numbers(read, name, ids)?.map(|number| nth(read, name, number)).collect()
}

/// The `number`-th entry under a name, from 1.
pub(crate) fn nth(read: &impl Read, name: &str, number: u64) -> Result<EntryId, Corruption> {
    let row = keys::text_and_number(name, number);
    let entry = tables::record(read, Table::Tally, &row)?;
    entry.ok_or_else(|| Corruption::new("tally", format!("row {number} of {name} is missing")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemStore;
    use types::Digest;

    #[test]
    fn a_count_is_that_of_the_entries_up_to_one() {
        let mut store = MemStore::default();
        let entries = [2, 3, 3, 7, 8, 20];
        {
            let mut tables = Tables::new(&mut store, Digest::default());
            // Each row by a cache of its own: what it remembers is in the store.
            for entry in entries {
                append(&mut tables, &mut Cache::default(), "a", EntryId(entry)).unwrap();
            }
            append(&mut tables, &mut Cache::default(), "ab", EntryId(1)).unwrap();
        }
        for as_of in 0..25 {
            let expect = entries.iter().filter(|entry| **entry <= as_of).count() as u64;
            assert_eq!(count_up_to(&store, "a", EntryId(as_of)).unwrap(), expect, "{as_of}");
        }
        assert_eq!(count_up_to(&store, "ab", EntryId(9)).unwrap(), 1);
        assert_eq!(count_up_to(&store, "b", EntryId(9)).unwrap(), 0);
    }
}
