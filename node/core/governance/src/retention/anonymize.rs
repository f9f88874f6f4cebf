//! Erasing what may be erased of some entries, and skipping the rest.
//!
//! Who asks for it has looked at the entries before; they are judged again here,
//! by applied time, since a hold may have come in between.

use ledger::EntryType;
use types::{EntryId, Object, Timestamp};

use super::class::{Side, object};
use super::end::{self, End, Part};
use super::hold::{Held, Holds};
use super::{Spans, progress};
use crate::apply::{Context, Stop};
use crate::command::{Anonymize, Anonymized, EntryRange, Erase, ErasedPart, ErasureCause};
use crate::erasure::{self, Run, Sought};
use crate::outcome::{AnonymizedRun, Corruption, Outcome, Rejection};
use crate::record::ErasedRecord;
use crate::store::{Read, Store};
use crate::{access, account, ai_incident, export, idempotency, system, view};

/// By what right entries are erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Basis<'a> {
    /// Their time is up.
    Retention,
    /// They are about this actor, who wants them gone; or about this system or
    /// incident, and somebody of whom they tell wants that: their personal parts
    /// alone then.
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
    /// The same as what systems and incidents ask for.
    asked: Erase,
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
        let cause = match basis {
            Basis::Retention => ErasureCause::Retention,
            Basis::Subject(_) => ErasureCause::Request,
        };
        let asked = Erase { part, ranges: Vec::new(), cause };
        Ok(Self { basis, part, now, spans, holds, asked })
    }

    /// Whether nothing is held.
    pub(crate) fn is_without_holds(&self) -> bool {
        self.holds.scopes().is_empty()
    }

    /// The first entry that is too young to go, whatever its class.
    pub(crate) fn oldest_kept(&self, read: &impl Read) -> Result<u64, Corruption> {
        let Spans { personal, high_risk, other } = self.spans;
        let span = match self.part {
            ErasedPart::Personal => personal,
            // Whoever keeps other things longer than those of high risk keeps them.
            ErasedPart::All => other.min(high_risk),
        };
        let youngest = Timestamp(self.now.0.saturating_sub(span.0).saturating_add(1));
        Ok(view::ids_between(read, None, Some(youngest))?.end)
    }

    pub(crate) fn judge(&self, read: &impl Read, id: EntryId) -> Result<Verdict, Corruption> {
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
        if !self.is_asked_about(held, &data) {
            return Ok(Verdict::Nothing);
        }
        if self.holds.cover(held) {
            return Ok(Verdict::UnderHold);
        }
        let may_go = self.may_go(read, &entry, &data)?;
        Ok(if may_go { Verdict::Erase } else { Verdict::InRetention })
    }

    fn is_asked_about(&self, held: Held<'_>, data: &Object) -> bool {
        let Basis::Subject(subject) = self.basis else { return true };
        let is_thing = || end::thing(held.entry_type, data) == Some(subject);
        held.actor == Some(subject) || self.part == ErasedPart::Personal && is_thing()
    }

    fn may_go(
        &self,
        read: &impl Read,
        entry: &ledger::StoredEntry,
        data: &Object,
    ) -> Result<bool, Corruption> {
        let Self { part, spans, now, .. } = *self;
        let is_over = match self.basis {
            Basis::Retention => end::is_up(read, &Part { entry, data, part, spans }, now)?,
            // Whether that lives is asked below.
            Basis::Subject(_) if end::is_of_thing(entry.header.entry_type) => true,
            Basis::Subject(_) => end::end(read, entry, data, now)? != End::Open,
        };
        Ok(is_over
            && !system::is_held(read, entry, &self.asked, now)?
            && !ai_incident::is_held(read, entry, &self.asked)?)
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
    let judge = Judge::new(context.tables.read(), basis, anonymize.part, at)?;
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
        data.insert("not_looked_at", anonymize.not_looked_at);
        data.insert("skipped_in_retention", total.skipped_in_retention);
        data.insert("skipped_under_hold", total.skipped_under_hold);
    }
    let recorded = context.record(EntryType::AnonymizationRun, data)?;
    let by = ErasedRecord::of(part, recorded.entry_id, context.applied.at);
    // Whoever asks: without a subject things go because their time is up, and what
    // goes with them must not go before its own.
    let right = match &anonymize.subject {
        Some(_) => ErasureCause::Request,
        None => ErasureCause::Retention,
    };
    let mut sought = Sought::default();
    for id in gone {
        if let Some(gone) = erasure::erase_one(context, *id, by, right)? {
            sought.add(gone);
        }
    }
    sought.forget(context)?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(recorded)
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
