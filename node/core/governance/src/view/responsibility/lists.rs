//! Pages of records: those of a party, and those that wait for a review. Both
//! are in the order of the ledger, and a page costs what it returns.

use std::ops::Range;

use ledger::EntryType;
use types::{DecisionId, EntryId};

use super::{Responsibility, Told, entry_in, of_decision, of_row};
use crate::outcome::Corruption;
use crate::responsibility::SYSTEM;
use crate::store::{Direction, Read, Scan, Table};
use crate::view::entries::{count_of_type, ids_of_type};
use crate::{codec, keys, tables, view};

/// Records that wait for a review are counted up to here.
pub const PENDING_MAX: u64 = 100_000;

/// Which records are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponsibilityQuery {
    /// Entries past this one.
    pub after: Option<EntryId>,
    /// At most so many.
    pub limit: usize,
    /// The page ends once its texts are as large as this.
    pub bytes_max: usize,
}

/// A page of records, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponsibilityPage {
    /// The records.
    pub records: Vec<Responsibility>,
    /// Where the next page begins: give it as `after`.
    pub next: Option<EntryId>,
    /// How many there are on all pages.
    pub total: u64,
}

impl ResponsibilityQuery {
    fn from(&self) -> u64 {
        self.after.map_or(0, |after| after.0.saturating_add(1))
    }

    /// Rows to read: one more tells whether there is a next page.
    fn rows_max(&self) -> usize {
        self.limit.saturating_add(1)
    }
}

/// Records that name a party. `system` answers for every decision too. In
/// `total` a record that was erased from between others is still counted.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn party(
    read: &impl Read,
    party: &str,
    query: &ResponsibilityQuery,
) -> Result<ResponsibilityPage, Corruption> {
    if party.contains('\0') {
        return Ok(ResponsibilityPage { records: Vec::new(), next: None, total: 0 });
    }
    let all = 0..view::head(read)?.size();
    let total = total_of(read, party, &all)?;
    let (from, to) = (keys::text_and_number(party, query.from()), keys::after_texts(&[party]));
    let table = Table::ResponsibilityByParty;
    let direction = Direction::Ascending;
    let rows_max = query.rows_max();
    let rows = read.scan(Scan { table, from: &from, to: Some(&to), direction, rows_max })?;
    let named = rows.iter().map(|(key, _)| Ok(Found::Row(entry_in(table, key)?)));
    let mut found = named.collect::<Result<Vec<Found>, Corruption>>()?;
    if party == SYSTEM {
        let rest = query.from()..all.end;
        let decisions = ids_of_type(read, EntryType::Decision, &rest, rows_max)?;
        found.extend(decisions.into_iter().map(Found::Decision));
        found.sort_unstable_by_key(|found| found.entry());
    }
    page(read, query, &found, total)
}

/// Records that wait for a review. `total` counts up to [`PENDING_MAX`].
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn pending_reviews(
    read: &impl Read,
    query: &ResponsibilityQuery,
) -> Result<ResponsibilityPage, Corruption> {
    let rows = read.scan(Scan {
        table: Table::ResponsibilityPending,
        from: &keys::entry(EntryId(query.from())),
        to: None,
        direction: Direction::Ascending,
        rows_max: query.rows_max(),
    })?;
    let found = rows.iter().map(|(key, _)| {
        let entry = entry_in(Table::ResponsibilityPending, key)?;
        Ok(Found::Row(entry))
    });
    let found = found.collect::<Result<Vec<Found>, Corruption>>()?;
    page(read, query, &found, pending(read, &(0..u64::MAX))?)
}

/// How many records of a span wait for a review, at most [`PENDING_MAX`].
pub(super) fn pending(read: &impl Read, span: &Range<u64>) -> Result<u64, Corruption> {
    let (from, to) = (EntryId(span.start), EntryId(span.end));
    let mut count = 0_u64;
    let scan = Scan {
        table: Table::ResponsibilityPending,
        from: &keys::entry(from),
        to: Some(&keys::entry(to)),
        direction: Direction::Ascending,
        rows_max: usize::try_from(PENDING_MAX).unwrap_or(usize::MAX),
    };
    read.visit(scan, &mut |_, _| count = count.saturating_add(1))?;
    Ok(count)
}

/// How many records of a span name a party.
pub(super) fn total_of(
    read: &impl Read,
    party: &str,
    span: &Range<u64>,
) -> Result<u64, Corruption> {
    let numbered = numbers(read, party, span)?;
    if party == SYSTEM {
        let decisions = count_of_type(read, EntryType::Decision, span)?;
        return Ok(numbered.saturating_add(decisions));
    }
    Ok(numbered)
}

/// The difference of the numbers that rows have at both ends of a span.
fn numbers(read: &impl Read, party: &str, span: &Range<u64>) -> Result<u64, Corruption> {
    let table = Table::ResponsibilityByParty;
    let (from, to) =
        (keys::text_and_number(party, span.start), keys::text_and_number(party, span.end));
    let end = |direction| {
        let rows = read.scan(Scan { table, from: &from, to: Some(&to), direction, rows_max: 1 })?;
        let number = rows.first().map(|(_, number)| codec::decode(tables::name(table), number));
        number.transpose()
    };
    let first: Option<u64> = end(Direction::Ascending)?;
    let Some(first) = first else { return Ok(0) };
    let last: u64 = end(Direction::Descending)?.unwrap_or(first);
    Ok(last.saturating_sub(first).saturating_add(1))
}

/// A record that an index leads to.
#[derive(Clone, Copy)]
enum Found {
    /// A decision's own.
    Decision(EntryId),
    /// One with a row.
    Row(EntryId),
}

impl Found {
    fn entry(self) -> EntryId {
        match self {
            Self::Decision(entry) | Self::Row(entry) => entry,
        }
    }

    /// `None` where it is erased whole: a decision's id is in what is gone.
    fn read(self, read: &impl Read) -> Result<Option<Responsibility>, Corruption> {
        let entry = match self {
            Self::Row(entry) => return of_row(read, entry),
            Self::Decision(entry) => entry,
        };
        let told = Told::of(read, entry)?;
        if told.data.is_none() {
            return Ok(None);
        }
        let id = told.text("decision_id").and_then(|id| id.parse::<DecisionId>().ok());
        let unnamed = || Corruption::new("data", format!("entry {entry} names no decision"));
        of_decision(read, id.ok_or_else(unnamed)?, &told).map(Some)
    }
}

fn page(
    read: &impl Read,
    query: &ResponsibilityQuery,
    found: &[Found],
    total: u64,
) -> Result<ResponsibilityPage, Corruption> {
    let (mut records, mut bytes, mut last, mut next) = (Vec::new(), 0_usize, None, None);
    for (at, found) in found.iter().enumerate() {
        if query.limit <= at || query.bytes_max <= bytes {
            next = last;
            break;
        }
        last = Some(found.entry());
        let Some(record) = found.read(read)? else { continue };
        let notes = record.review.as_ref().and_then(|review| review.notes.as_deref());
        for text in [record.reasoning.as_deref(), notes].into_iter().flatten() {
            bytes = bytes.saturating_add(text.len());
        }
        records.push(record);
    }
    Ok(ResponsibilityPage { records, next, total })
}
