//! Who answered for how much, as numbers. Rows carry counts and numbers up to
//! them, so a span of time costs two look-ups for each number, whatever its
//! length.

use std::ops::Range;

use ledger::EntryType;
use types::{EntryId, Timestamp};

use super::lists::{pending, total_of};
use crate::outcome::Corruption;
use crate::record::{
    DecisionMaker, ResponsibilityCounts, ResponsibilityLevel, ResponsibilityRecord,
};
use crate::responsibility::SYSTEM;
use crate::store::{Direction, Read, Scan, Table};
use crate::view::entries::{count_of_type, ids_between};
use crate::{codec, keys};

/// Parties that are compared: the first so many in the order of their names.
pub const PARTIES_MAX: usize = 10_000;

/// Parties that are shown.
const TOP_MAX: usize = 10;

/// A report of a span of time. What was erased since is still counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponsibilityReport {
    /// Decisions.
    pub decisions: u64,
    /// Records, those of decisions among them.
    pub counts: ResponsibilityCounts,
    /// Overrides.
    pub overrides: u64,
    /// Records that still wait for a review.
    pub pending: u64,
    /// Who is named most, and how often.
    pub top: Vec<(String, u64)>,
}

/// A report of a span of time.
///
/// # Errors
/// [`Corruption`] when something cannot be read.
pub fn responsibility_report(
    read: &impl Read,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> Result<ResponsibilityReport, Corruption> {
    let span = ids_between(read, from, to)?;
    let decisions = count_of_type(read, EntryType::Decision, &span)?;
    let counts = counts_before(read, span.end)?.since(counts_before(read, span.start)?);
    let (system, automated) = (DecisionMaker::AiSystem, ResponsibilityLevel::Automated);
    Ok(ResponsibilityReport {
        decisions,
        counts: counts.with(system, automated, decisions),
        overrides: count_of_type(read, EntryType::OverrideExecuted, &span)?,
        pending: pending(read, &span)?,
        top: top(read, &span)?,
    })
}

/// Counts of the records below an entry.
fn counts_before(read: &impl Read, entry: u64) -> Result<ResponsibilityCounts, Corruption> {
    let rows = read.scan(Scan {
        table: Table::Responsibility,
        from: &[],
        to: Some(&keys::entry(EntryId(entry))),
        direction: Direction::Descending,
        rows_max: 1,
    })?;
    let row = rows.first().map(|(_, row)| codec::decode("responsibility", row)).transpose()?;
    Ok(row.map_or_else(ResponsibilityCounts::default, |row: ResponsibilityRecord| row.counts))
}

/// Those who are named most, most first, and by name among equals.
fn top(read: &impl Read, span: &Range<u64>) -> Result<Vec<(String, u64)>, Corruption> {
    let mut top: Vec<(String, u64)> = Vec::new();
    let mut put = |party: String, count: u64| {
        if count == 0 {
            return;
        }
        let at =
            top.partition_point(|(name, more)| count < *more || (count == *more && *name < party));
        top.insert(at, (party, count));
        top.truncate(TOP_MAX);
    };
    put(SYSTEM.to_owned(), total_of(read, SYSTEM, span)?);
    let mut from = Vec::new();
    for _ in 0..PARTIES_MAX {
        let Some(party) = party_from(read, &from)? else { break };
        from = keys::after_texts(&[&party]);
        if party != SYSTEM {
            let count = total_of(read, &party, span)?;
            put(party, count);
        }
    }
    Ok(top)
}

/// The first party whose rows begin at or after a key.
fn party_from(read: &impl Read, from: &[u8]) -> Result<Option<String>, Corruption> {
    let table = Table::ResponsibilityByParty;
    let direction = Direction::Ascending;
    let rows = read.scan(Scan { table, from, to: None, direction, rows_max: 1 })?;
    let Some((key, _)) = rows.into_iter().next() else {
        return Ok(None);
    };
    let damaged = || Corruption::new("responsibility_by_party", "key names nobody");
    let name = key.split(|byte| *byte == 0).next().ok_or_else(damaged)?;
    String::from_utf8(name.to_vec()).map(Some).map_err(|_| damaged())
}
