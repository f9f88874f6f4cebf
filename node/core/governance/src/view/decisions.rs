//! Pages of decisions, from the indexes by actor, action and outcome.
//!
//! Each index has the entry ids of decisions under a text, so a span of time is
//! a span of ids, and whether a decision is in a second index is one look-up.
//! A query walks the index that has least of what it asks for; entries are read
//! for the page alone. A decision that is erased as a whole is in no index.

use std::ops::Range;

use ledger::StoredEntry;
use policy::Verdict;
use types::{EntryId, Timestamp};

use super::entries::{TOTAL_MAX, ids_between};
use super::entry;
use crate::keys;
use crate::outcome::Corruption;
use crate::store::{Direction, Read, Scan, Table};
use crate::tables;

/// Rows of an index that are read at once.
const ROWS_MAX: usize = 1_000;

/// Every outcome there is; together they have every decision.
const OUTCOMES: [Verdict; 3] = [Verdict::Allowed, Verdict::Denied, Verdict::Escalated];

/// Which decisions are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionQuery {
    /// Entries past this one in the order asked for.
    pub after: Option<EntryId>,
    /// About this actor.
    pub actor: Option<String>,
    /// On this action.
    pub action: Option<String>,
    /// That came out so.
    pub outcome: Option<Verdict>,
    /// Not earlier than this.
    pub from: Option<Timestamp>,
    /// Earlier than this.
    pub to: Option<Timestamp>,
    /// The order.
    pub direction: Direction,
    /// At most so many.
    pub limit: usize,
    /// The page ends once what is left of its entries is as large as this.
    pub bytes_max: usize,
}

/// A page of decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionPage {
    /// Their entries, each of which has its `data`.
    pub entries: Vec<StoredEntry>,
    /// Where the next page begins: give it as `after`.
    pub next: Option<EntryId>,
    /// How many match on all pages, up to [`TOTAL_MAX`].
    pub total: u64,
    /// Whether `total` is all of them.
    pub total_exact: bool,
}

/// Decisions that match a query.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn decisions(read: &impl Read, query: &DecisionQuery) -> Result<DecisionPage, Corruption> {
    let whole = ids_between(read, query.from, query.to)?;
    let walk = Walk::of(read, query, &whole)?;
    let (total, total_exact) = walk.count(read, &whole)?;
    let page = after(query, whole);
    let ids = walk.ids(read, page, query.direction, query.limit.saturating_add(1))?;
    let (mut entries, mut bytes, mut next) = (Vec::new(), 0_usize, None);
    for id in ids {
        if entries.len() == query.limit || query.bytes_max <= bytes {
            next = entries.last().map(|last: &StoredEntry| last.header.id);
            break;
        }
        let missing = || Corruption::new("header", format!("entry {id} is missing"));
        let found = entry(read, id)?.ok_or_else(missing)?;
        for part in [&found.data, &found.personal].into_iter().flatten() {
            bytes = bytes.saturating_add(part.text.len());
        }
        entries.push(found);
    }
    Ok(DecisionPage { entries, next, total, total_exact })
}

/// The part of a span that comes after the page before.
fn after(query: &DecisionQuery, whole: Range<u64>) -> Range<u64> {
    match (query.direction, query.after) {
        (_, None) => whole,
        (Direction::Ascending, Some(after)) => {
            whole.start.max(after.0.saturating_add(1))..whole.end
        }
        (Direction::Descending, Some(after)) => whole.start..whole.end.min(after.0),
    }
}

/// What an index has under a text.
#[derive(Clone, Copy)]
struct Under<'a> {
    table: Table,
    text: &'a str,
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
struct Walk<'a> {
    /// Indexes that have no decision in common and all of them together: the
    /// narrowest that the query names, or every outcome.
    over: Vec<Under<'a>>,
    /// Other indexes that must have the decision too.
    also: Vec<Under<'a>>,
}

impl<'a> Walk<'a> {
    fn of(
        read: &impl Read,
        query: &'a DecisionQuery,
        span: &Range<u64>,
    ) -> Result<Self, Corruption> {
        let by_outcome =
            |outcome: Verdict| Under { table: Table::DecisionByOutcome, text: outcome.as_str() };
        let by = |table, text: &'a Option<String>| {
            text.as_deref().map(|text: &'a str| Under { table, text })
        };
        let named = [
            by(Table::DecisionByActor, &query.actor),
            by(Table::DecisionByAction, &query.action),
            query.outcome.map(by_outcome),
        ];
        let mut also: Vec<Under<'a>> = named.into_iter().flatten().collect();
        if also.len() < 2 {
            return Ok(match also.pop() {
                Some(only) => Self { over: vec![only], also },
                None => Self { over: OUTCOMES.map(by_outcome).into(), also },
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
    fn ids(
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
    fn count(&self, read: &impl Read, span: &Range<u64>) -> Result<(u64, bool), Corruption> {
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
