//! What may be erased, found before a command is proposed that erases it.
//!
//! One request looks at so many entries, and says how many it did not look at.

use std::ops::Range;

use ledger::EntryType;
use types::{EntryId, IncidentId, SystemId, Timestamp};

use super::anonymize::{Basis, Judge, Verdict};
use super::blocks::{self, Figure};
use crate::command::{Anonymized, ErasedPart};
use crate::outcome::Corruption;
use crate::record::AiIncidentRecord;
use crate::store::{Direction, Read, Scan, Table};
use crate::{codec, keys, tables, view};

/// Entries of which something is to be erased.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// What may go, as far as one request takes.
    pub ids: Vec<EntryId>,
    /// What it all comes to if nothing changes; more may go than `ids` has.
    pub counts: Anonymized,
    /// Entries with such a part that were not looked at: there were as many as are
    /// looked at before them.
    pub not_looked_at: u64,
}

/// What is to be erased.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// How much of each.
    pub part: ErasedPart,
    /// Of this actor's entries alone, whatever their age.
    pub subject: Option<&'a str>,
    /// Of entries earlier than this.
    pub before: Option<Timestamp>,
    /// The time at which it is judged.
    pub now: Timestamp,
    /// As many ids as are wanted back.
    pub ids_max: usize,
    /// As many entries are judged one by one.
    pub looked_at_max: usize,
}

/// Finds them. Whatever is not given does not limit it.
///
/// # Errors
/// [`Corruption`] when something cannot be read.
pub fn candidates(read: &impl Read, wanted: &Wanted<'_>) -> Result<Candidates, Corruption> {
    let basis = wanted.subject.map_or(Basis::Retention, Basis::Subject);
    let judge = Judge::new(read, basis, wanted.part, wanted.now)?;
    let mut found = Candidates::default();
    let mut end = view::ids_between(read, None, wanted.before)?.end;
    if wanted.subject.is_none() && judge.is_without_holds() {
        // Without a hold nothing can become of the young ones but to be kept.
        let old = judge.oldest_kept(read)?.min(end);
        found.counts.skipped_in_retention = left(read, wanted.part, &(old..end))?;
        end = old;
    }
    let sought = match wanted.subject {
        Some(subject) => of_subject(read, wanted, subject, end)?,
        None => of_all(read, wanted, end)?,
    };
    found.not_looked_at = sought.rest;
    for id in sought.ids {
        let count = match judge.judge(read, id)? {
            Verdict::Erase => {
                if found.ids.len() < wanted.ids_max {
                    found.ids.push(id);
                }
                &mut found.counts.anonymized
            }
            Verdict::UnderHold => &mut found.counts.skipped_under_hold,
            Verdict::InRetention => &mut found.counts.skipped_in_retention,
            Verdict::Nothing => continue,
        };
        *count = count.saturating_add(1);
    }
    Ok(found)
}

/// How many entries of a span have such a part to erase.
fn left(read: &impl Read, part: ErasedPart, ids: &Range<u64>) -> Result<u64, Corruption> {
    if part == ErasedPart::Personal {
        return blocks::count(read, Figure::Personal, ids);
    }
    let length = ids.end.saturating_sub(ids.start);
    let mut rows = length.saturating_sub(blocks::count(read, Figure::Whole, ids)?);
    for entry_type in EntryType::ALL.iter().filter(|entry_type| !entry_type.is_erasable()) {
        rows = rows.saturating_sub(view::count_of_type(read, *entry_type, ids)?);
    }
    Ok(rows)
}

/// Where the part is. Whoever has a personal part has a data part too.
fn table(part: ErasedPart) -> Table {
    match part {
        ErasedPart::Personal => Table::Personal,
        ErasedPart::All => Table::Data,
    }
}

/// Ids that may have a part to erase, in order.
#[derive(Debug)]
struct Sought {
    /// At most so many.
    ids_max: usize,
    ids: Vec<EntryId>,
    /// How many more there are.
    rest: u64,
}

impl Sought {
    fn at_most(ids_max: usize) -> Self {
        Self { ids_max, ids: Vec::new(), rest: 0 }
    }

    fn add(&mut self, id: EntryId) {
        if self.ids.len() < self.ids_max {
            self.ids.push(id);
        } else {
            self.rest = self.rest.saturating_add(1);
        }
    }
}

/// The first of them below an end.
fn of_all(read: &impl Read, wanted: &Wanted<'_>, end: u64) -> Result<Sought, Corruption> {
    let to = keys::entry(EntryId(end));
    let rows_max = wanted.looked_at_max;
    let (table, direction) = (table(wanted.part), Direction::Ascending);
    let scan = Scan { table, from: &[], to: Some(&to), direction, rows_max };
    let (mut sought, mut is_damaged) = (Sought::at_most(rows_max), false);
    read.visit(scan, &mut |key, _| match keys::last_number(key) {
        Some(id) => sought.add(EntryId(id)),
        None => is_damaged = true,
    })?;
    if is_damaged {
        return Err(Corruption::new(tables::name(table), "key too short"));
    }
    if sought.ids.len() == rows_max
        && let Some(last) = sought.ids.last()
    {
        sought.rest = left(read, wanted.part, &(last.0.saturating_add(1)..end))?;
    }
    Ok(sought)
}

/// Those of an actor, a system or an incident below an end.
fn of_subject(
    read: &impl Read,
    wanted: &Wanted<'_>,
    subject: &str,
    end: u64,
) -> Result<Sought, Corruption> {
    let mut sought = Sought::at_most(wanted.looked_at_max);
    // No name has a zero byte, and no key may have one within.
    if subject.contains('\0') {
        return Ok(sought);
    }
    let of_thing = of_thing(read, subject)?.into_iter();
    of_thing.filter(|id| id.0 < end).for_each(|id| sought.add(id));
    let name = tables::name(Table::EntryByActor);
    let (from, to) = (keys::texts(&[subject]), keys::after_texts(&[subject]));
    let scan = Scan {
        table: Table::EntryByActor,
        from: &from,
        to: Some(&to),
        direction: Direction::Ascending,
        rows_max: usize::MAX,
    };
    let mut damage = None;
    // Rows stay after a personal part is gone, and those must not be in the way
    // of the others.
    read.visit(scan, &mut |_, value| {
        let id = codec::decode::<EntryId>(name, value);
        let is_left = id.and_then(|id| {
            let is_left = id.0 < end && read.get(table(wanted.part), &keys::entry(id))?.is_some();
            Ok(is_left.then_some(id))
        });
        match is_left {
            Ok(id) => id.into_iter().for_each(|id| sought.add(id)),
            Err(error) => damage = Some(error),
        }
    })?;
    // Somebody may be called as a system or an incident is.
    sought.ids.sort_unstable();
    damage.map_or(Ok(sought), Err)
}

/// Entries about a system or an incident of this id.
fn of_thing(read: &impl Read, id: &str) -> Result<Vec<EntryId>, Corruption> {
    if let Ok(id) = id.parse::<SystemId>() {
        let (from, to) = keys::all_under(id.0);
        let rows = read.scan(Scan {
            table: Table::SystemVersion,
            from: &from,
            to: Some(&to),
            direction: Direction::Ascending,
            rows_max: usize::MAX,
        })?;
        return Ok(rows
            .iter()
            .filter_map(|(key, _)| keys::last_number(key))
            .map(EntryId)
            .collect());
    }
    let Ok(id) = id.parse::<IncidentId>() else { return Ok(Vec::new()) };
    let record: Option<AiIncidentRecord> = tables::record(read, Table::AiIncident, &id.0.key())?;
    let entries = record.map(|it| [Some(it.entry_id), it.reported, it.closed]);
    Ok(entries.into_iter().flatten().flatten().collect())
}
