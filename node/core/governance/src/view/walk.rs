//! Matches of a query, from indexes that have entry ids under a text.
//!
//! A span of time is a span of ids, and whether something is in a second index
//! is one look-up. A query walks the index that has least of what it asks for;
//! what it finds is read for the page alone.

use std::ops::Range;

use types::EntryId;

use super::entries::TOTAL_MAX;
use crate::keys;
use crate::outcome::Corruption;
use crate::store::{Direction, Read, Scan, Table};
use crate::tables;

/// Rows of an index that are read at once.
const ROWS_MAX: usize = 1_000;

/// The part of a span that comes after the page before.
pub(super) fn after(after: Option<EntryId>, direction: Direction, whole: Range<u64>) -> Range<u64> {
    match (direction, after) {
        (_, None) => whole,
        (Direction::Ascending, Some(after)) => {
            whole.start.max(after.0.saturating_add(1))..whole.end
        }
        (Direction::Descending, Some(after)) => whole.start..whole.end.min(after.0),
    }
}

/// What an index has under a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Under<'a> {
    pub(super) table: Table,
    pub(super) text: &'a str,
}

impl Under<'_> {
    fn has(self, read: &impl Read, id: EntryId) -> Result<bool, Corruption> {
        Ok(read.get(self.table, &keys::text_and_number(self.text, id.0))?.is_some())
    }

    /// At most so many ids of a span.
    fn ids(
        self,
        read: &impl Read,
        span: &Range<u64>,
        direction: Direction,
        ids_max: usize,
    ) -> Result<Vec<EntryId>, Corruption> {
        let mut ids = Vec::new();
        let mut see = |id| ids.push(id);
        self.visit(read, span, direction, ids_max, &mut see)?;
        Ok(ids)
    }

    /// How many ids of a span there are, one more than [`TOTAL_MAX`] at most.
    fn count(self, read: &impl Read, span: &Range<u64>) -> Result<u64, Corruption> {
        let mut count = 0_u64;
        let ids_max = usize::try_from(TOTAL_MAX).unwrap_or(usize::MAX).saturating_add(1);
        let mut see = |_| count = count.saturating_add(1);
        self.visit(read, span, Direction::Ascending, ids_max, &mut see)?;
        Ok(count)
    }

    fn visit(
        self,
        read: &impl Read,
        span: &Range<u64>,
        direction: Direction,
        ids_max: usize,
        see: &mut dyn FnMut(EntryId),
    ) -> Result<(), Corruption> {
        let from = keys::text_and_number(self.text, span.start);
        let to = keys::text_and_number(self.text, span.end);
        let scan =
            Scan { table: self.table, from: &from, to: Some(&to), direction, rows_max: ids_max };
        let mut is_whole = true;
        read.visit(scan, &mut |key, _| match keys::last_number(key) {
            Some(id) => see(EntryId(id)),
            None => is_whole = false,
        })?;
        match is_whole {
            true => Ok(()),
            false => Err(Corruption::new(tables::name(self.table), "key too short")),
        }
    }
}

/// How the matches of a query are found.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    /// Indexes that have nothing in common and all of them together: the
    /// narrowest that the query names, or every one there is.
    over: Vec<Under<'a>>,
    /// Other indexes that must have it too.
    also: Vec<Under<'a>>,
}

impl<'a> Walk<'a> {
    /// A walk over what all of `named` have, or over `every` where none is named.
    pub(super) fn of(
        read: &impl Read,
        named: Vec<Under<'a>>,
        every: &[Under<'a>],
        span: &Range<u64>,
    ) -> Result<Self, Corruption> {
        let mut also = named;
        if also.len() < 2 {
            return Ok(match also.pop() {
                Some(only) => Self { over: vec![only], also },
                None => Self { over: every.into(), also },
            });
        }
        let mut narrowest = (u64::MAX, 0);
        for (at, under) in also.iter().enumerate() {
            narrowest = narrowest.min((under.count(read, span)?, at));
        }
        Ok(Self { over: vec![also.swap_remove(narrowest.1)], also })
    }

    fn matches(&self, read: &impl Read, id: EntryId) -> Result<bool, Corruption> {
        for under in &self.also {
            if !under.has(read, id)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// At most so many matches of a span.
    pub(super) fn ids(
        &self,
        read: &impl Read,
        span: Range<u64>,
        direction: Direction,
        ids_max: usize,
    ) -> Result<Vec<EntryId>, Corruption> {
        let mut found = Vec::new();
        for under in &self.over {
            let mut rest = span.clone();
            let mut wanted = ids_max;
            while 0 < wanted {
                let ids = under.ids(read, &rest, direction, ROWS_MAX)?;
                let Some(last) = ids.last() else { break };
                match direction {
                    Direction::Ascending => rest.start = last.0.saturating_add(1),
                    Direction::Descending => rest.end = last.0,
                }
                for id in ids {
                    if 0 < wanted && self.matches(read, id)? {
                        found.push(id);
                        wanted = wanted.saturating_sub(1);
                    }
                }
            }
        }
        match direction {
            Direction::Ascending => found.sort_unstable(),
            Direction::Descending => found.sort_unstable_by(|one, other| other.cmp(one)),
        }
        found.truncate(ids_max);
        Ok(found)
    }

    /// How many matches there are, and whether that is all of them.
    pub(super) fn count(
        &self,
        read: &impl Read,
        span: &Range<u64>,
    ) -> Result<(u64, bool), Corruption> {
        let mut total = 0_u64;
        if self.also.is_empty() {
            for under in &self.over {
                total = total.saturating_add(under.count(read, span)?);
            }
            return Ok((total.min(TOTAL_MAX), total <= TOTAL_MAX));
        }
        let mut looked_at = 0_u64;
        for under in &self.over {
            let mut rest = span.clone();
            loop {
                let ids = under.ids(read, &rest, Direction::Ascending, ROWS_MAX)?;
                let Some(last) = ids.last() else { break };
                rest.start = last.0.saturating_add(1);
                for id in ids {
                    if looked_at == TOTAL_MAX {
                        return Ok((total, false));
                    }
                    looked_at = looked_at.saturating_add(1);
                    total = total.saturating_add(u64::from(self.matches(read, id)?));
                }
            }
        }
        Ok((total, true))
    }
}
