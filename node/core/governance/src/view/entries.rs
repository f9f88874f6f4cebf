//! Pages of entries, from indexes: a page costs what it returns.
//!
//! Entries are in order of id and so of time, within any one actor and any one
//! type too. So every bound, of id or of time, is found by bisection, and
//! counts are differences of numbers. Only a query by actor *and* type must
//! look at what it counts, up to [`TOTAL_MAX`].

use ledger::{EntryType, StoredEntry};
use types::{EntryId, Timestamp};

use super::entry;
use crate::command::EntryFilter;
use crate::outcome::Corruption;
use crate::store::{Direction, Read, Scan, Table};
use crate::tables::last_number;
use crate::{codec, keys, tables};

/// Matches are counted up to here.
pub const TOTAL_MAX: u64 = 100_000;

/// Which entries are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryQuery {
    /// Ids past this one in the order asked for.
    pub after: Option<EntryId>,
    /// Ids below this one.
    pub before: Option<EntryId>,
    /// Of this type.
    pub entry_type: Option<EntryType>,
    /// About this actor.
    pub actor: Option<String>,
    /// Not earlier than this.
    pub from: Option<Timestamp>,
    /// Earlier than this.
    pub to: Option<Timestamp>,
    /// The order.
    pub direction: Direction,
    /// At most so many.
    pub limit: usize,
}

/// A page of entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPage {
    /// The entries.
    pub entries: Vec<StoredEntry>,
    /// Where the next page begins: give it as `after`.
    pub next: Option<EntryId>,
    /// How many match on all pages, up to [`TOTAL_MAX`].
    pub total: u64,
    /// Whether `total` is all of them.
    pub total_exact: bool,
}

/// Entries that match a query.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn entries(read: &impl Read, query: &EntryQuery) -> Result<EntryPage, Corruption> {
    let source = Source::of(query);
    let whole = ids_in_time(read, query)?;
    let page = page_ids(query, whole);
    let (total, total_exact) = count(read, &source, query, whole)?;
    let mut found = Vec::new();
    let mut next = None;
    let mut numbers = source.numbers(read, page)?;
    while let Some(number) = numbers.take(query.direction) {
        let Some(id) = source.id(read, number)? else {
            continue;
        };
        let Some(candidate) = entry(read, id)? else {
            return Err(Corruption::new("header", format!("entry {id} is missing")));
        };
        if !source.matches(query, &candidate) {
            continue;
        }
        if found.len() == query.limit {
            next = found.last().map(|last: &StoredEntry| last.header.id);
            break;
        }
        found.push(candidate);
    }
    Ok(EntryPage { entries: found, next, total, total_exact })
}

/// Ids from the first decision of a span of time to the end of it; with `newest`
/// from the first of so many decisions before that end.
pub(crate) fn decision_ids(
    read: &impl Read,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    newest: Option<u64>,
) -> Result<std::ops::Range<u64>, Corruption> {
    let query = EntryQuery {
        after: None,
        before: None,
        entry_type: Some(EntryType::Decision),
        actor: None,
        from,
        to,
        direction: Direction::Ascending,
        limit: 0,
    };
    let whole = ids_in_time(read, &query)?;
    let numbers = Source::of(&query).numbers(read, whole)?;
    let first = match newest {
        Some(newest) => numbers.from.max(numbers.to.saturating_sub(newest)),
        None => numbers.from,
    };
    let first = first_row(read, Table::EntryByType, EntryType::Decision.as_str(), first)?;
    Ok(first.map_or(whole.to, |id| id.0)..whole.to)
}

/// How many entries of a type have ids in a span.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn count_of_type(
    read: &impl Read,
    entry_type: EntryType,
    ids: &std::ops::Range<u64>,
) -> Result<u64, Corruption> {
    let source = Source::Under { table: Table::EntryByType, text: entry_type.as_str() };
    Ok(source.numbers(read, Range { from: ids.start, to: ids.end })?.len())
}

/// Entries that are looked at for a hold that asks for an actor and a type: it is
/// counted while it is applied.
const FITTING_MAX: u64 = 1_000;

/// How many entries a hold would freeze now, and whether these are all. Where it
/// asks for an actor and a type the newest [`FITTING_MAX`] of the actor are looked
/// at: whatever fits of the older ones is frozen, and not counted.
pub(crate) fn fitting(read: &impl Read, filter: &EntryFilter) -> Result<(u64, bool), Corruption> {
    let EntryFilter { actor, entry_type, from, to } = filter.clone();
    let (after, before, direction) = (None, None, Direction::Ascending);
    let query = EntryQuery { after, before, entry_type, actor, from, to, direction, limit: 0 };
    let (source, whole) = (Source::of(&query), ids_in_time(read, &query)?);
    let mut numbers = source.numbers(read, whole)?;
    if source.is_exact(&query) {
        return Ok((numbers.len(), true));
    }
    let (mut count, is_all) = (0_u64, numbers.len() <= FITTING_MAX);
    for _ in 0..FITTING_MAX {
        let Some(number) = numbers.take(Direction::Descending) else { break };
        if let Some(id) = source.id(read, number)? {
            let found = super::header(read, id)?.map(|(header, _)| header.entry_type);
            count = count.saturating_add(u64::from(found.is_some() && found == query.entry_type));
        }
    }
    Ok((count, is_all))
}

/// At most so many ids of entries of a type in a span, oldest first.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn ids_of_type(
    read: &impl Read,
    entry_type: EntryType,
    ids: &std::ops::Range<u64>,
    ids_max: usize,
) -> Result<Vec<EntryId>, Corruption> {
    let (table, text) = (Table::EntryByType, entry_type.as_str());
    let source = Source::Under { table, text };
    let numbers = source.numbers(read, Range { from: ids.start, to: ids.end })?;
    let (from, to) =
        (keys::text_and_number(text, numbers.from), keys::text_and_number(text, numbers.to));
    let direction = Direction::Ascending;
    let rows =
        read.scan(Scan { table, from: &from, to: Some(&to), direction, rows_max: ids_max })?;
    rows.iter().map(|(_, id)| codec::decode(tables::name(table), id)).collect()
}

/// Numbers of the entries of a type whose ids lie in a range.
pub(super) fn numbers_of(
    read: &impl Read,
    entry_type: EntryType,
    ids: std::ops::Range<u64>,
) -> Result<std::ops::Range<u64>, Corruption> {
    let source = Source::Under { table: Table::EntryByType, text: entry_type.as_str() };
    let numbers = source.numbers(read, Range { from: ids.start, to: ids.end })?;
    Ok(numbers.from..numbers.to)
}

/// Numbers of the entries under a text of an index whose ids lie in a range.
pub(crate) fn numbers_under(
    read: &impl Read,
    table: Table,
    text: &str,
    ids: &std::ops::Range<u64>,
) -> Result<std::ops::Range<u64>, Corruption> {
    let source = Source::Under { table, text };
    let numbers = source.numbers(read, Range { from: ids.start, to: ids.end })?;
    Ok(numbers.from..numbers.to)
}

/// Half-open range of ids, or of numbers under a key.
#[derive(Clone, Copy, Debug)]
struct Range {
    from: u64,
    to: u64,
}

impl Range {
    fn len(self) -> u64 {
        self.to.saturating_sub(self.from)
    }

    fn take(&mut self, direction: Direction) -> Option<u64> {
        if self.to <= self.from {
            return None;
        }
        match direction {
            Direction::Ascending => {
                let taken = self.from;
                self.from = self.from.saturating_add(1);
                Some(taken)
            }
            Direction::Descending => {
                self.to = self.to.saturating_sub(1);
                Some(self.to)
            }
        }
    }
}

/// The index that drives a query.
enum Source<'a> {
    All,
    Under { table: Table, text: &'a str },
}

impl<'a> Source<'a> {
    fn of(query: &'a EntryQuery) -> Self {
        match (&query.actor, query.entry_type) {
            (Some(actor), _) => Self::Under { table: Table::EntryByActor, text: actor },
            (None, Some(entry_type)) => {
                Self::Under { table: Table::EntryByType, text: entry_type.as_str() }
            }
            (None, None) => Self::All,
        }
    }

    /// Whether the index alone decides.
    fn is_exact(&self, query: &EntryQuery) -> bool {
        query.actor.is_none() || query.entry_type.is_none()
    }

    fn matches(&self, query: &EntryQuery, entry: &StoredEntry) -> bool {
        query.entry_type.is_none_or(|wanted| wanted == entry.header.entry_type)
    }

    /// The entry with this number; `None` where its index row is erased.
    fn id(&self, read: &impl Read, number: u64) -> Result<Option<EntryId>, Corruption> {
        match self {
            Self::All => Ok(Some(EntryId(number))),
            Self::Under { table, text } => {
                tables::record(read, *table, &keys::text_and_number(text, number))
            }
        }
    }

    /// Numbers of the entries whose ids lie in a range.
    fn numbers(&self, read: &impl Read, ids: Range) -> Result<Range, Corruption> {
        match self {
            Self::All => Ok(ids),
            Self::Under { table, text } => {
                let end = last_number(read, *table, text)?.saturating_add(1);
                let first_at = |id: u64| {
                    bisect(1, end, |number| {
                        let row = first_row(read, *table, text, number)?;
                        Ok(row.is_none_or(|found| id <= found.0))
                    })
                };
                Ok(Range { from: first_at(ids.from)?, to: first_at(ids.to)? })
            }
        }
    }
}

/// Ids of the entries of a span of time.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn ids_between(
    read: &impl Read,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> Result<std::ops::Range<u64>, Corruption> {
    let size = super::head(read)?.size();
    let first_at = |at: Timestamp| {
        bisect(0, size, |id| {
            let found = entry(read, EntryId(id))?;
            Ok(found.is_none_or(|found| at <= found.header.timestamp))
        })
    };
    let from = from.map_or(Ok(0), first_at)?;
    Ok(from..to.map_or(Ok(size), first_at)?)
}

/// Ids between the bounds of time and `before`, which hold for all pages.
fn ids_in_time(read: &impl Read, query: &EntryQuery) -> Result<Range, Corruption> {
    let size = super::head(read)?.size();
    let std::ops::Range { start: from, end: to } = ids_between(read, query.from, query.to)?;
    let before = match query.direction {
        Direction::Ascending => query.before.map_or(size, |before| before.0),
        Direction::Descending => size,
    };
    Ok(Range { from, to: to.min(before) })
}

/// Ids of this page and those after it.
fn page_ids(query: &EntryQuery, whole: Range) -> Range {
    match query.direction {
        Direction::Ascending => {
            let after = query.after.map_or(0, |after| after.0.saturating_add(1));
            Range { from: whole.from.max(after), ..whole }
        }
        Direction::Descending => {
            let after = query.after.map_or(u64::MAX, |after| after.0);
            let before = query.before.map_or(u64::MAX, |before| before.0);
            Range { to: whole.to.min(after).min(before), ..whole }
        }
    }
}

fn count(
    read: &impl Read,
    source: &Source<'_>,
    query: &EntryQuery,
    whole: Range,
) -> Result<(u64, bool), Corruption> {
    let whole = match query.before {
        Some(before) => Range { to: whole.to.min(before.0), ..whole },
        None => whole,
    };
    let mut numbers = source.numbers(read, whole)?;
    if source.is_exact(query) {
        let total = numbers.len();
        return Ok((total.min(TOTAL_MAX), total <= TOTAL_MAX));
    }
    let (mut total, mut looked_at) = (0_u64, 0_u64);
    while let Some(number) = numbers.take(Direction::Ascending) {
        if looked_at == TOTAL_MAX {
            return Ok((total, false));
        }
        looked_at = looked_at.saturating_add(1);
        if let Some(id) = source.id(read, number)? {
            let found = entry(read, id)?;
            total = total.saturating_add(u64::from(
                found.is_some_and(|found| source.matches(query, &found)),
            ));
        }
    }
    Ok((total, true))
}

/// The first value of `from..to` for which `holds`, which holds for every one
/// after it too; `to` where there is none.
fn bisect(
    mut from: u64,
    mut to: u64,
    holds: impl Fn(u64) -> Result<bool, Corruption>,
) -> Result<u64, Corruption> {
    while from < to {
        let middle = from.midpoint(to);
        if holds(middle)? {
            to = middle;
        } else {
            from = middle.saturating_add(1);
        }
    }
    Ok(from)
}

/// The entry with the first number at or after `number` that has a row.
fn first_row(
    read: &impl Read,
    table: Table,
    text: &str,
    number: u64,
) -> Result<Option<EntryId>, Corruption> {
    let (from, to) = (keys::text_and_number(text, number), keys::after_texts(&[text]));
    let scan =
        Scan { table, from: &from, to: Some(&to), direction: Direction::Ascending, rows_max: 1 };
    let rows = read.scan(scan)?;
    rows.first().map(|(_, value)| codec::decode(tables::name(table), value)).transpose()
}

/// How many entries of a type there are up to one.
pub(crate) fn count_up_to(
    read: &impl Read,
    entry_type: EntryType,
    as_of: EntryId,
) -> Result<u64, Corruption> {
    count_of_type(read, entry_type, &(0..as_of.0.saturating_add(1)))
}

/// The last entry of a type up to one.
pub(crate) fn last_up_to(
    read: &impl Read,
    entry_type: EntryType,
    as_of: EntryId,
) -> Result<Option<EntryId>, Corruption> {
    let number = count_up_to(read, entry_type, as_of)?;
    if number == 0 {
        return Ok(None);
    }
    let key = keys::text_and_number(entry_type.as_str(), number);
    tables::record(read, Table::EntryByType, &key)
}
