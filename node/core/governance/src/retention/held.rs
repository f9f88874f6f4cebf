//! How many entries holds keep, of a span of the ledger and not erased before.
//!
//! Holds overlap, and an entry counts once. What is held by its id or its time
//! alone is counted without looking at entries; what is held by whom it is about
//! or by its type is marked, a window of ids after the other, from the indexes.

use std::ops::Range;

use ledger::EntryType;
use types::EntryId;

use super::blocks::{self, Figure};
use super::hold::Holds;
use crate::command::{EntryFilter, HoldScope};
use crate::outcome::Corruption;
use crate::store::{Direction, Read, Scan, Table};
use crate::{codec, keys, tables, view};

/// Ids of a window.
const WINDOW: u64 = 65_536;

/// Rows of an index that are read at once.
const ROWS_MAX: usize = 1_024;

/// How many entries with these ids the holds keep that are whole.
pub(crate) fn count(read: &impl Read, holds: &Holds, ids: &Range<u64>) -> Result<u64, Corruption> {
    let spans = Spans::of(read, holds, ids)?;
    let mut sum = 0_u64;
    for span in &spans.0 {
        let length = span.end.saturating_sub(span.start);
        let whole = length.saturating_sub(blocks::count(read, Figure::Erased, span)?);
        sum = sum.saturating_add(whole);
    }
    let mut cursors = Vec::new();
    let mut named = Vec::new();
    for scope in holds.scopes() {
        match scope {
            HoldScope::All => (),
            HoldScope::Entries(list) => named.extend(list.iter().map(|id| id.0)),
            HoldScope::Filter(filter) => cursors.extend(Cursor::of(read, filter, ids)?),
        }
    }
    named.sort_unstable();
    named.dedup();
    named.retain(|id| ids.contains(id) && !spans.have(*id));
    let mut from = ids.start;
    while from < ids.end && !(cursors.is_empty() && named.is_empty()) {
        let window = from..from.saturating_add(WINDOW).min(ids.end);
        let mut marks = Marks::new(window.start);
        let end = named.partition_point(|id| *id < window.end);
        named.drain(..end).for_each(|id| marks.set(id));
        for cursor in &mut cursors {
            cursor.mark(read, &window, &spans, &mut marks)?;
        }
        cursors.retain(|cursor| cursor.next < cursor.end);
        sum = sum.saturating_add(marks.whole(read, &window)?);
        from = window.end;
    }
    Ok(sum)
}

/// What is held by its place alone: ascending, disjoint.
struct Spans(Vec<Range<u64>>);

impl Spans {
    fn of(read: &impl Read, holds: &Holds, ids: &Range<u64>) -> Result<Self, Corruption> {
        let mut all = Vec::new();
        for scope in holds.scopes() {
            let span = match scope {
                HoldScope::All => ids.clone(),
                HoldScope::Filter(filter)
                    if filter.actor.is_none() && filter.entry_type.is_none() =>
                {
                    view::ids_between(read, filter.from, filter.to)?
                }
                HoldScope::Filter(_) | HoldScope::Entries(_) => continue,
            };
            let span = span.start.max(ids.start)..span.end.min(ids.end);
            if span.start < span.end {
                all.push(span);
            }
        }
        all.sort_unstable_by_key(|span| span.start);
        let mut merged: Vec<Range<u64>> = Vec::new();
        for span in all {
            match merged.last_mut() {
                Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
                Some(_) | None => merged.push(span),
            }
        }
        Ok(Self(merged))
    }

    fn have(&self, id: u64) -> bool {
        let after = self.0.partition_point(|span| span.start <= id);
        let last = after.checked_sub(1).and_then(|at| self.0.get(at));
        last.is_some_and(|span| id < span.end)
    }
}

/// Where one hold has come in its index.
struct Cursor {
    table: Table,
    text: String,
    /// What the index does not tell.
    entry_type: Option<EntryType>,
    /// What is held of it by time.
    ids: Range<u64>,
    /// Numbers that were not looked at.
    next: u64,
    end: u64,
}

impl Cursor {
    fn of(
        read: &impl Read,
        filter: &EntryFilter,
        ids: &Range<u64>,
    ) -> Result<Option<Self>, Corruption> {
        let (table, text, entry_type) = match (&filter.actor, filter.entry_type) {
            (None, None) => return Ok(None),
            (Some(actor), entry_type) => (Table::EntryByActor, actor.clone(), entry_type),
            (None, Some(entry_type)) => (Table::EntryByType, entry_type.as_str().to_owned(), None),
        };
        let span = view::ids_between(read, filter.from, filter.to)?;
        let ids = span.start.max(ids.start)..span.end.min(ids.end);
        let numbers = view::numbers_under(read, table, &text, &ids)?;
        Ok(Some(Self { table, text, entry_type, ids, next: numbers.start, end: numbers.end }))
    }

    /// Marks what is held of a window.
    fn mark(
        &mut self,
        read: &impl Read,
        window: &Range<u64>,
        spans: &Spans,
        marks: &mut Marks,
    ) -> Result<(), Corruption> {
        let name = tables::name(self.table);
        while self.next < self.end {
            let rows = read.scan(Scan {
                table: self.table,
                from: &keys::text_and_number(&self.text, self.next),
                to: Some(&keys::text_and_number(&self.text, self.end)),
                direction: Direction::Ascending,
                rows_max: ROWS_MAX,
            })?;
            if rows.is_empty() {
                self.next = self.end;
            }
            for (key, value) in &rows {
                let number = keys::last_number(key);
                let number = number.ok_or_else(|| Corruption::new(name, "key too short"))?;
                let id: EntryId = codec::decode(name, value)?;
                if window.end <= id.0 {
                    self.next = number;
                    return Ok(());
                }
                self.next = number.saturating_add(1);
                if self.ids.contains(&id.0) && !spans.have(id.0) && self.is_of_type(read, id)? {
                    marks.set(id.0);
                }
            }
        }
        Ok(())
    }

    fn is_of_type(&self, read: &impl Read, id: EntryId) -> Result<bool, Corruption> {
        let Some(entry_type) = self.entry_type else { return Ok(true) };
        let missing = || Corruption::new("header", format!("entry {id} is missing"));
        let entry = view::entry(read, id)?.ok_or_else(missing)?;
        Ok(entry.header.entry_type == entry_type)
    }
}

/// A bit for each id of a window.
struct Marks {
    from: u64,
    words: Vec<u64>,
}

impl Marks {
    fn new(from: u64) -> Self {
        let words = usize::try_from(WINDOW / 64).unwrap_or(0);
        Self { from, words: vec![0; words] }
    }

    fn word(&mut self, id: u64) -> Option<(&mut u64, u64)> {
        let at = id.checked_sub(self.from)?;
        let word = self.words.get_mut(usize::try_from(at / 64).ok()?)?;
        Some((word, 1_u64.wrapping_shl(u32::try_from(at % 64).ok()?)))
    }

    fn set(&mut self, id: u64) {
        if let Some((word, bit)) = self.word(id) {
            *word |= bit;
        }
    }

    fn clear(&mut self, id: u64) {
        if let Some((word, bit)) = self.word(id) {
            *word &= !bit;
        }
    }

    /// How many are marked that are not erased.
    fn whole(mut self, read: &impl Read, window: &Range<u64>) -> Result<u64, Corruption> {
        if self.words.iter().all(|word| *word == 0) {
            return Ok(0);
        }
        if 0 < blocks::count(read, Figure::Erased, window)? {
            let (from, to) = (EntryId(window.start).key(), EntryId(window.end).key());
            let scan = Scan {
                table: Table::Erased,
                from: &from,
                to: Some(&to),
                direction: Direction::Ascending,
                rows_max: usize::MAX,
            };
            read.visit(scan, &mut |key, _| {
                if let Some(id) = keys::last_number(key) {
                    self.clear(id);
                }
            })?;
        }
        Ok(self.words.iter().map(|word| u64::from(word.count_ones())).sum())
    }
}
