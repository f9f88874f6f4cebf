//! Erasing what may be erased of some entries, and skipping the rest.
//!
//! Who asks for it has looked at the entries before; they are judged again here,
//! by applied time, since a hold may have come in between.

use std::collections::BTreeSet;

use ledger::EntryType;
use types::{EntryId, Object, Timestamp};

use super::class::{Side, object};
use super::end::{End, Ends, Part};
use super::hold::{Held, Holds};
use super::{Spans, progress};
use crate::apply::{Context, Stop};
use crate::command::{Anonymize, Anonymized, EntryRange, ErasedPart, ErasureCause};
use crate::erasure::{self, Run};
use crate::login::pairs;
use crate::outcome::{AnonymizedRun, Corruption, Outcome, Rejection};
use crate::record::ErasedRecord;
use crate::store::{Direction, Read, Scan, Store, Table};
use crate::{access, account, codec, export, idempotency, keys, view};

/// By what right entries are erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Basis<'a> {
    /// Their time is up.
    Retention,
    /// They are about this actor, who wants them gone.
    Subject(&'a str),
}

/// What is to become of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Erase,
    UnderHold,
    InRetention,
    /// There is nothing to erase of it, or it is never erased, or of others.
    Nothing,
}

/// Judges entries at one time.
#[derive(Debug)]
pub(crate) struct Judge<'a> {
    basis: Basis<'a>,
    part: ErasedPart,
    now: Timestamp,
    spans: Spans,
    holds: Holds,
    ends: Ends,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(
        read: &impl Read,
        basis: Basis<'a>,
        part: ErasedPart,
        now: Timestamp,
    ) -> Result<Self, Corruption> {
        let spans = super::days(read)?.spans();
        let holds = Holds::load(read)?;
        Ok(Self { basis, part, now, spans, holds, ends: Ends::default() })
    }

    /// The first entry that is too young to go, whatever its class.
    pub(crate) fn oldest_kept(&self, read: &impl Read) -> Result<u64, Corruption> {
        let Spans { personal, other, .. } = self.spans;
        let span = match self.part {
            ErasedPart::Personal => personal,
            ErasedPart::All => other,
        };
        let youngest = Timestamp(self.now.0.saturating_sub(span.0).saturating_add(1));
        Ok(view::ids_between(read, None, Some(youngest))?.end)
    }

    pub(crate) fn judge(&mut self, read: &impl Read, id: EntryId) -> Result<Verdict, Corruption> {
        let missing = || Corruption::new("header", format!("entry {id} is missing"));
        let entry = view::entry(read, id)?.ok_or_else(missing)?;
        let is_left = match self.part {
            ErasedPart::Personal => entry.personal.is_some(),
            ErasedPart::All => entry.personal.is_some() || entry.data.is_some(),
        };
        if !is_left || !entry.header.entry_type.is_erasable() {
            return Ok(Verdict::Nothing);
        }
        // Without its data part nothing says whose or how old: both went together.
        let data = object(&entry, Side::Data)?.unwrap_or_default();
        let held = held(id, &entry, &data);
        if let Basis::Subject(subject) = self.basis
            && held.actor != Some(subject)
        {
            return Ok(Verdict::Nothing);
        }
        if self.holds.cover(held) {
            return Ok(Verdict::UnderHold);
        }
        let may_go = match self.basis {
            Basis::Retention => {
                let Self { part, spans, .. } = *self;
                let of = Part { entry: &entry, data: &data, part, spans };
                self.ends.is_up(read, &of, self.now)?
            }
            Basis::Subject(_) => self.ends.end(read, &entry, &data, self.now)? != End::Open,
        };
        Ok(if may_go { Verdict::Erase } else { Verdict::InRetention })
    }
}

/// What holds look at.
pub(crate) fn held<'a>(id: EntryId, entry: &ledger::StoredEntry, data: &'a Object) -> Held<'a> {
    let actor = data.get("actor").and_then(types::Json::as_str);
    Held { id, entry_type: entry.header.entry_type, at: entry.header.timestamp, actor }
}

/// The same entries as ranges.
pub(crate) fn compress(ids: &[EntryId]) -> Vec<EntryRange> {
    let mut ranges: Vec<EntryRange> = Vec::new();
    for id in ids {
        match ranges.last_mut() {
            Some(last) if last.to.0.checked_add(1) == Some(id.0) => last.to = *id,
            Some(_) | None => ranges.push(EntryRange { from: *id, to: *id }),
        }
    }
    ranges
}

pub(crate) fn anonymize<S: Store>(
    context: &mut Context<'_, S>,
    anonymize: &Anonymize,
) -> Result<Outcome, Stop> {
    access::need_level(context, access::EVIDENCE)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let ids = erasure::ids(context, &anonymize.ranges)?;
    let basis = match &anonymize.subject {
        Some(subject) => Basis::Subject(subject),
        None => Basis::Retention,
    };
    let at = context.applied.at;
    let mut judge = Judge::new(context.tables.read(), basis, anonymize.part, at)?;
    let (mut gone, mut counts) = (Vec::new(), Anonymized::default());
    for id in ids {
        let count = match judge.judge(context.tables.read(), id)? {
            Verdict::Erase => {
                gone.push(id);
                &mut counts.anonymized
            }
            Verdict::UnderHold => &mut counts.skipped_under_hold,
            Verdict::InRetention => &mut counts.skipped_in_retention,
            Verdict::Nothing => continue,
        };
        *count = count.saturating_add(1);
    }
    if let (ErasureCause::Retention, Some(next)) = (anonymize.cause, anonymize.next) {
        progress::keep(context, anonymize.part, next)?;
    }
    let total = anonymize.before.plus(counts);
    let recorded = match gone.is_empty() {
        true => None,
        false => Some(carry_out(context, anonymize, &gone, total)?),
    };
    Ok(Outcome::Anonymized(AnonymizedRun { recorded, counts }))
}

fn carry_out<S: Store>(
    context: &mut Context<'_, S>,
    anonymize: &Anonymize,
    gone: &[EntryId],
    total: Anonymized,
) -> Result<crate::Recorded, Corruption> {
    let (part, cause) = (anonymize.part, anonymize.cause);
    let run = Run { part, cause, ranges: &compress(gone), count: gone.len() as u64 };
    let mut data = run.data(context.asked());
    // Never the subject: this entry is not erased, and would keep the name. What
    // retention does step by step has no total.
    if cause == ErasureCause::Request {
        data.insert("anonymized", total.anonymized);
        data.insert("candidates", anonymize.candidates.max(total.candidates()));
        data.insert("skipped_in_retention", total.skipped_in_retention);
        data.insert("skipped_under_hold", total.skipped_under_hold);
    }
    let recorded = context.record(EntryType::AnonymizationRun, data)?;
    let by = ErasedRecord::of(part, recorded.entry_id, context.applied.at);
    let mut accounts = BTreeSet::new();
    for id in gone {
        let gone = erasure::erase_one(context, *id, by, cause)?;
        accounts.extend(gone.and_then(|gone| gone.account));
    }
    // Once for all of them: they are looked for among everybody's.
    pairs::forget(context, &accounts)?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(recorded)
}

/// Entries of which something is to be erased, found before the command is
/// proposed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// What may go, as far as one request takes.
    pub ids: Vec<EntryId>,
    /// What it all comes to if nothing changes; more may go than `ids` has.
    pub counts: Anonymized,
}

/// Entries that are judged one by one for one request.
pub const LOOKED_AT_MAX: u64 = 100_000;

/// Finds them. Whatever is not given does not limit it; `None` where more than
/// [`LOOKED_AT_MAX`] would have to be judged.
///
/// # Errors
/// [`Corruption`] when something cannot be read.
pub fn candidates(read: &impl Read, wanted: &Wanted<'_>) -> Result<Option<Candidates>, Corruption> {
    let basis = wanted.subject.map_or(Basis::Retention, Basis::Subject);
    let mut judge = Judge::new(read, basis, wanted.part, wanted.now)?;
    let mut found = Candidates::default();
    let mut end = view::ids_between(read, None, wanted.before)?.end;
    if wanted.subject.is_none() && judge.holds.scopes().is_empty() {
        // Without a hold nothing can become of the young ones but to be kept.
        let old = judge.oldest_kept(read)?.min(end);
        found.counts.skipped_in_retention = erasable(read, wanted.part, old..end)?;
        end = old;
    }
    let Some(ids) = ids(read, wanted, end)? else { return Ok(None) };
    for id in ids {
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
    Ok(Some(found))
}

/// How many entries of a span have such a part to erase.
fn erasable(
    read: &impl Read,
    part: ErasedPart,
    ids: std::ops::Range<u64>,
) -> Result<u64, Corruption> {
    let (from, to) = (EntryId(ids.start).key(), EntryId(ids.end).key());
    let table = table(part);
    let direction = Direction::Ascending;
    let scan = Scan { table, from: &from, to: Some(&to), direction, rows_max: usize::MAX };
    let mut rows = 0_u64;
    read.visit(scan, &mut |_, _| rows = rows.saturating_add(1))?;
    if part == ErasedPart::All {
        for entry_type in EntryType::ALL.iter().filter(|entry_type| !entry_type.is_erasable()) {
            rows = rows.saturating_sub(view::count_of_type(read, *entry_type, &ids)?);
        }
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
}

/// Ids below an end that may have a part to erase, in order; `None` where there
/// are more than are judged.
fn ids(
    read: &impl Read,
    wanted: &Wanted<'_>,
    end: u64,
) -> Result<Option<Vec<EntryId>>, Corruption> {
    let (table, from, to) = match wanted.subject {
        // No name has a zero byte, and no key may have one within.
        Some(subject) if subject.contains('\0') => return Ok(Some(Vec::new())),
        Some(subject) => {
            (Table::EntryByActor, keys::texts(&[subject]), keys::after_texts(&[subject]))
        }
        None => (table(wanted.part), Vec::new(), EntryId(end).key().to_vec()),
    };
    let rows_max = usize::try_from(LOOKED_AT_MAX.saturating_add(1)).unwrap_or(usize::MAX);
    let direction = Direction::Ascending;
    let scan = Scan { table, from: &from, to: Some(&to), direction, rows_max };
    let (mut ids, mut damage) = (Vec::new(), None);
    read.visit(scan, &mut |key, value| {
        let id = match wanted.subject {
            Some(_) => codec::decode::<EntryId>("entry_by_actor", value),
            None => keys::last_number(key)
                .map(EntryId)
                .ok_or_else(|| Corruption::new("data", "key too short")),
        };
        match id {
            Ok(id) if id.0 < end => ids.push(id),
            Ok(_) => (),
            Err(error) => damage = Some(error),
        }
    })?;
    match damage {
        Some(error) => Err(error),
        None => Ok(Some(ids).filter(|ids| ids.len() as u64 <= LOOKED_AT_MAX)),
    }
}

/// Refuses what is held, or is of an account or a key that can be used still, for
/// the command that skips nothing.
pub(crate) fn refuse<S: Store>(
    context: &mut Context<'_, S>,
    id: EntryId,
    entry: &ledger::StoredEntry,
) -> Result<(), Stop> {
    let read = context.tables.read();
    if account::erased::is_alive(read, entry, context.applied.at)? || export::is_alive(read, entry)?
    {
        return Err(Rejection::NotErasable { entry: id }.into());
    }
    let holds = context.cache.holds(context.tables.read())?;
    if holds.scopes().is_empty() {
        return Ok(());
    }
    let data = object(entry, Side::Data)?.unwrap_or_default();
    match holds.cover(held(id, entry, &data)) {
        true => Err(Rejection::UnderHold { entry: id }.into()),
        false => Ok(()),
    }
}
