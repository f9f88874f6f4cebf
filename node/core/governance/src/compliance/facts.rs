//! The ledger up to an entry, as queries read it: counts by bisection whatever
//! the size, and what entries of the types say that there are few of.
//!
//! Invariants
//! - Nothing recorded after the entry is seen. What was erased after it is not
//!   seen either: it is gone.
//! - Entries that are read one by one are at most [`LOOKED_AT_MAX`] of a type,
//!   and who reads them learns whether there were more.

use std::collections::BTreeSet;
use std::ops::Range;

use ledger::EntryType;
use types::{EntryId, Json, Micros, Object, Timestamp};

use super::counted;
use crate::access;
use crate::outcome::Corruption;
use crate::record::CheckpointRecord;
use crate::store::{Read, Table};
use crate::{codec, keys, tables, tally, view};

/// Entries of one type that are read one by one.
pub const LOOKED_AT_MAX: u64 = 10_000;

/// How far back a query looks that is about what goes on.
pub const PERIOD_DAYS: u64 = 365;

const DAY_SECONDS: u64 = 24 * 3600;

/// So many days.
pub(super) fn days(days: u64) -> Micros {
    Micros::from_seconds(days.saturating_mul(DAY_SECONDS))
}

/// Entries as a count, with the first and the last of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) count: u64,
    pub(super) first: Option<EntryId>,
    pub(super) last: Option<EntryId>,
}

impl Span {
    /// Both together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            first: [self.first, other.first].into_iter().flatten().min(),
            last: self.last.max(other.last),
        }
    }

    pub(super) fn of(ids: impl IntoIterator<Item = EntryId>) -> Self {
        let one = |id| Self { count: 1, first: Some(id), last: Some(id) };
        ids.into_iter().map(one).fold(Self::default(), Self::and)
    }
}

/// What an entry says.
#[derive(Clone, Debug)]
pub(super) struct Telling {
    pub(super) id: EntryId,
    pub(super) at: Timestamp,
    pub(super) data: Object,
}

impl Telling {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.data.get(name).and_then(Json::as_str)
    }

    pub(super) fn time(&self, name: &str) -> Option<Timestamp> {
        self.text(name).and_then(|text| text.parse().ok())
    }

    pub(super) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.data.get(name).and_then(Json::as_array).unwrap_or_default();
        values.iter().filter_map(Json::as_str)
    }
}

/// The newest entries of a type, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Newest {
    pub(super) ids: Vec<EntryId>,
    /// There are older ones.
    pub(super) is_cut: bool,
}

/// What entries of a type say, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) entries: Vec<Telling>,
    /// There are older ones that were not read.
    pub(super) is_cut: bool,
    /// What these said is erased.
    pub(super) erased: u64,
}

impl Told {
    pub(super) fn span(&self) -> Span {
        Span::of(self.entries.iter().map(|telling| telling.id))
    }

    /// The same with entries of another type, in the order of both.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.entries.extend(other.entries);
        self.entries.sort_by_key(|telling| telling.id);
        self.is_cut |= other.is_cut;
        self.erased = self.erased.saturating_add(other.erased);
        self
    }
}

/// The ledger up to an entry.
#[derive(Debug)]
pub(super) struct Facts<'a, R> {
    pub(super) read: &'a R,
    pub(super) as_of: EntryId,
    /// The time of that entry.
    pub(super) now: Timestamp,
    /// Ids of the last [`PERIOD_DAYS`] days.
    pub(super) period: Range<u64>,
    /// From this entry on outcomes and who was not checked are counted.
    pub(super) counted_from: Option<EntryId>,
    /// The newest final checkpoint of these entries.
    pub(super) checkpoint: Option<CheckpointRecord>,
    /// Nodes that were not what the others are, and are not known to be rebuilt.
    pub(super) diverged: u64,
}

impl<'a, R: Read> Facts<'a, R> {
    pub(super) fn new(read: &'a R, as_of: EntryId) -> Result<Self, Corruption> {
        let now = time(read, as_of)?;
        let end = as_of.0.saturating_add(1);
        let begin = Timestamp(now.0.saturating_sub(days(PERIOD_DAYS).0));
        // Most ledgers are younger, and then there is nothing to search.
        let start = match time(read, EntryId(0))? < begin {
            true => view::ids_between(read, Some(begin), None)?.start,
            false => 0,
        };
        let checkpoint = view::last_final_within(read, end)?;
        let mut facts = Self {
            read,
            as_of,
            now,
            period: start..end,
            counted_from: None,
            checkpoint,
            diverged: 0,
        };
        facts.counted_from = facts.find_counted_from()?;
        facts.diverged = facts.find_diverged()?;
        Ok(facts)
    }

    /// Ids of all entries.
    pub(super) fn whole(&self) -> Range<u64> {
        0..self.period.end
    }

    /// Entries of these types.
    pub(super) fn span(&self, types: &[EntryType], ids: &Range<u64>) -> Result<Span, Corruption> {
        types.iter().try_fold(Span::default(), |sum, entry_type| {
            Ok(sum.and(self.span_of(*entry_type, ids)?))
        })
    }

    fn span_of(&self, entry_type: EntryType, ids: &Range<u64>) -> Result<Span, Corruption> {
        let numbers = self.numbers(entry_type, ids)?;
        if numbers.is_empty() {
            return Ok(Span::default());
        }
        let last = numbers.end.saturating_sub(1);
        Ok(Span {
            count: numbers.end.saturating_sub(numbers.start),
            first: Some(self.nth(entry_type, numbers.start)?),
            last: Some(self.nth(entry_type, last)?),
        })
    }

    /// Numbers of the entries of a type.
    pub(super) fn numbers(
        &self,
        entry_type: EntryType,
        ids: &Range<u64>,
    ) -> Result<Range<u64>, Corruption> {
        let last = tables::last_number(self.read, Table::EntryByType, entry_type.as_str())?;
        let end = last.saturating_add(1);
        if last == 0 {
            return Ok(1..1);
        }
        let first_at = |id: u64| {
            if id == 0 {
                return Ok(1);
            }
            if self.nth(entry_type, last)?.0 < id {
                return Ok(end);
            }
            let (mut from, mut to) = (1, last);
            while from < to {
                let middle = from.midpoint(to);
                match self.nth(entry_type, middle)?.0 < id {
                    true => from = middle.saturating_add(1),
                    false => to = middle,
                }
            }
            Ok(from)
        };
        Ok(first_at(ids.start)?..first_at(ids.end)?)
    }

    fn nth(&self, entry_type: EntryType, number: u64) -> Result<EntryId, Corruption> {
        let row = keys::text_and_number(entry_type.as_str(), number);
        let id = tables::record(self.read, Table::EntryByType, &row)?;
        id.ok_or_else(|| Corruption::new("entry_by_type", format!("{entry_type} {number} is gone")))
    }

    /// What the newest entries of a type say.
    pub(super) fn told(&self, entry_type: EntryType, ids: &Range<u64>) -> Result<Told, Corruption> {
        self.newest(entry_type, ids, LOOKED_AT_MAX)
    }

    /// What so many of the newest entries of a type say.
    pub(super) fn newest(
        &self,
        entry_type: EntryType,
        ids: &Range<u64>,
        most: u64,
    ) -> Result<Told, Corruption> {
        let newest = self.newest_ids(entry_type, ids, most)?;
        let mut told = Told { is_cut: newest.is_cut, ..Told::default() };
        for id in newest.ids {
            match self.telling(id)? {
                Some(telling) => told.entries.push(telling),
                None => told.erased = told.erased.saturating_add(1),
            }
        }
        Ok(told)
    }

    /// So many of the newest entries of a type.
    pub(super) fn newest_ids(
        &self,
        entry_type: EntryType,
        ids: &Range<u64>,
        most: u64,
    ) -> Result<Newest, Corruption> {
        let numbers = self.numbers(entry_type, ids)?;
        let first = numbers.start.max(numbers.end.saturating_sub(most));
        let ids = (first..numbers.end).map(|number| self.nth(entry_type, number));
        Ok(Newest { ids: ids.collect::<Result<_, _>>()?, is_cut: numbers.start < first })
    }

    /// What an entry says; `None` once that is erased.
    pub(super) fn telling(&self, id: EntryId) -> Result<Option<Telling>, Corruption> {
        let Some(text) = self.text(id)? else { return Ok(None) };
        let damaged = |_| Corruption::new("data", format!("entry {id} is no object"));
        let data = serde_json::from_slice(&text).map_err(damaged)?;
        Ok(Some(Telling { id, at: time(self.read, id)?, data }))
    }

    /// The same as the text that it is.
    pub(super) fn text(&self, id: EntryId) -> Result<Option<Vec<u8>>, Corruption> {
        let damaged = || Corruption::new("data", format!("entry {id} is no object"));
        let Some(bytes) = self.read.get(Table::Data, &keys::entry(id))? else {
            return Ok(None);
        };
        let (_, text) =
            codec::strip("data", &bytes)?.split_first_chunk::<32>().ok_or_else(damaged)?;
        Ok(Some(text.to_vec()))
    }

    /// The time of an entry that is there.
    pub(super) fn time(&self, id: EntryId) -> Result<Timestamp, Corruption> {
        time(self.read, id)
    }

    /// Entries that are counted under a name.
    pub(super) fn tally(&self, name: &str, ids: &Range<u64>) -> Result<u64, Corruption> {
        let numbers = tally::numbers(self.read, name, ids)?;
        Ok(numbers.end.saturating_sub(numbers.start))
    }

    /// The same, with the first and the last of them.
    pub(super) fn tallied(&self, name: &str, ids: &Range<u64>) -> Result<Span, Corruption> {
        let numbers = tally::numbers(self.read, name, ids)?;
        if numbers.is_empty() {
            return Ok(Span::default());
        }
        let nth = |number: u64| tally::nth(self.read, name, number).map(Some);
        Ok(Span {
            count: numbers.end.saturating_sub(numbers.start),
            first: nth(numbers.start)?,
            last: nth(numbers.end.saturating_sub(1))?,
        })
    }

    /// Entries of these types by somebody whose identity nobody checked.
    pub(super) fn unchecked(
        &self,
        types: &[EntryType],
        ids: &Range<u64>,
    ) -> Result<u64, Corruption> {
        types.iter().try_fold(0_u64, |sum, entry_type| {
            Ok(sum.saturating_add(self.tally(&counted::unchecked_name(*entry_type), ids)?))
        })
    }

    /// Whether all of a span is counted under names.
    pub(super) fn is_counted(&self, ids: &Range<u64>) -> bool {
        self.counted_from.is_some_and(|from| from.0 <= ids.start || from == EntryId(0))
    }

    fn find_counted_from(&self) -> Result<Option<EntryId>, Corruption> {
        let is_known = |telling: &Telling| {
            let level = telling.data.get("feature_level").and_then(Json::as_u64);
            level.is_some_and(|level| u64::from(access::EVIDENCE) <= level)
        };
        if self.telling(EntryId(0))?.as_ref().is_some_and(is_known) {
            return Ok(Some(EntryId(0)));
        }
        let raised = self.told(EntryType::FeatureLevelChanged, &self.whole())?;
        Ok(raised.entries.iter().find(|telling| is_known(telling)).map(|telling| telling.id))
    }

    fn find_diverged(&self) -> Result<u64, Corruption> {
        let found = self.told(EntryType::DivergenceDetected, &self.whole())?;
        let rebuilt = self.told(EntryType::Recovery, &self.whole())?;
        let of = |telling: &Telling| telling.data.get("divergence_entry_id").and_then(Json::as_u64);
        let rebuilt: BTreeSet<u64> = rebuilt.entries.iter().filter_map(of).collect();
        let members = self.members()?;
        // One that was taken out of the cluster is rebuilt by nobody, and what it
        // has is no part of this ledger any more.
        let is_out = |telling: &Telling| {
            let id = telling.data.get("raft_id").and_then(Json::as_u64);
            members.as_ref().zip(id).is_some_and(|(members, id)| !members.contains(&id))
        };
        let is_open = |telling: &&Telling| !rebuilt.contains(&telling.id.0) && !is_out(telling);
        Ok(found.entries.iter().filter(is_open).count() as u64)
    }

    /// The nodes of the cluster, as far as a change of them says; without one they
    /// are as it began.
    fn members(&self) -> Result<Option<BTreeSet<u64>>, Corruption> {
        let last = self.newest(EntryType::MembershipChanged, &self.whole(), 1)?;
        let Some(last) = last.entries.last() else { return Ok(None) };
        let lists = ["learners", "voters", "voters_outgoing"].into_iter();
        let nodes = lists.filter_map(|name| last.data.get(name).and_then(Json::as_array)).flatten();
        let id = |node: &Json| node.as_object()?.get("raft_id")?.as_u64();
        Ok(Some(nodes.filter_map(id).collect()))
    }
}

fn time(read: &impl Read, id: EntryId) -> Result<Timestamp, Corruption> {
    let bytes = read.get(Table::Header, &keys::entry(id))?;
    let bytes = bytes.ok_or_else(|| Corruption::new("header", format!("entry {id} is missing")))?;
    let header = ledger::Header::parse(codec::strip("header", &bytes)?);
    header
        .map(|header| header.timestamp)
        .map_err(|err| Corruption::new("header", format!("entry {id}: {err}")))
}
