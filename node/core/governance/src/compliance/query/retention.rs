//! How long records are kept: nothing went before its time, and what is past it is
//! gone.

use std::ops::Range;

use ::ledger::EntryType;
use types::{EntryId, Json, Object, Timestamp};

use super::holds::Holds;
use super::runs::{Run, Runs};
use crate::command::{ErasedPart, RetentionDays};
use crate::compliance::answer::Answer;
use crate::compliance::facts::{Facts, Span, days};
use crate::outcome::Corruption;
use crate::record::ErasedRecord;
use crate::retention::class::{self, Class, Side};
use crate::retention::end::{End, end};
use crate::store::{Read, Table};
use crate::{keys, tables, tally, view};

/// Days that a sweep may take.
const SWEPT_DAYS: u64 = 2;

/// Entries past their time that are looked at, at either end, and runs of which the
/// classes of the entries are.
const SAMPLED: u64 = 64;

/// Entries of high risk that are looked at of one run.
const OF_RUN_MAX: usize = 128;

/// The parameter that says how many days the data part of most entries is kept.
pub(in crate::compliance) const DAYS: &str = "days";

/// How long things are kept, from which entry on.
struct Schedule(Vec<(EntryId, RetentionDays)>);

impl Schedule {
    fn load(facts: &Facts<'_, impl Read>) -> Result<Self, Corruption> {
        let changes = facts.told(EntryType::ConfigChanged, &facts.whole())?;
        let told = changes.entries.iter().filter_map(|telling| {
            let retention = telling.data.get("retention").and_then(Json::as_object)?;
            Some((telling.id, read_days(retention)))
        });
        Ok(Self(told.collect()))
    }

    /// What held when an entry was recorded, that one among what changed it.
    fn at(&self, id: EntryId) -> RetentionDays {
        let after = self.0.partition_point(|(changed, _)| *changed <= id);
        let last = after.checked_sub(1).and_then(|at| self.0.get(at));
        last.map_or(RetentionDays::DEFAULT, |(_, days)| *days)
    }
}

impl Schedule {
    /// Days that the personal part is kept; where that was made shorter just now, as
    /// long as before, since the next round of the sweep is still to come.
    fn personal_until_swept(&self, facts: &Facts<'_, impl Read>) -> Result<u64, Corruption> {
        let now = self.at(facts.as_of).personal;
        if self.0.is_empty() {
            return Ok(u64::from(now));
        }
        let since = Timestamp(facts.now.0.saturating_sub(days(SWEPT_DAYS).0));
        let first = view::ids_between(facts.read, Some(since), None)?.start;
        let before = self.at(EntryId(first.saturating_sub(1))).personal;
        Ok(u64::from(now.max(before)))
    }
}

fn read_days(retention: &Object) -> RetentionDays {
    let least = RetentionDays::DEFAULT;
    let of = |name: &str, least: u32| {
        let told = retention.get(name).and_then(Json::as_u64);
        told.and_then(|days| u32::try_from(days).ok()).unwrap_or(least)
    };
    RetentionDays {
        personal: of("personal_days", least.personal),
        high_risk: of("high_risk_days", least.high_risk),
        other: of(DAYS, least.other),
    }
}

/// Days that a part is kept at least, whatever the class; no data part goes before
/// the personal one.
fn least(days: RetentionDays, part: ErasedPart) -> u64 {
    u64::from(match part {
        ErasedPart::Personal => days.personal,
        ErasedPart::All => days.other.max(days.personal),
    })
}

/// Nothing went before its time, and of what is past it nothing is left, as far
/// as a sample at either end tells.
pub(super) fn status(facts: &Facts<'_, impl Read>, runs: &Runs) -> Result<Answer, Corruption> {
    let schedule = Schedule::load(facts)?;
    let kept = schedule.at(facts.as_of);
    let runs = runs.of_period(facts);
    let too_early = too_early(facts, &runs, &schedule)?;
    let sample = Sample::take(facts, schedule.personal_until_swept(facts)?)?;
    let is_held = Holds::load(facts)?.keep_something(facts, SWEPT_DAYS)?;
    let left = if is_held { 0 } else { sample.left };
    let faults = too_early.saturating_add(left);
    let population = sample.looked_at.count.saturating_add(runs.all.len() as u64);
    let answer = Answer::counted(population, population.saturating_sub(faults), population)
        .over(sample.looked_at.and(runs.span()))
        .with(DAYS, least(kept, ErasedPart::All))
        .with("erased_too_early", too_early)
        .with("high_risk_days", u64::from(kept.high_risk.max(kept.personal)))
        .with("past_their_time", sample.due)
        .with("past_their_time_and_left", sample.left)
        .with("personal_days", u64::from(kept.personal))
        .with("sample", SAMPLED)
        .open_if(
            is_held && 0 < sample.left,
            "a hold is in force, or was until now, and which of these it keeps is not told",
        );
    Ok(if runs.is_cut { answer.gap("older runs of the period were not read") } else { answer })
}

/// Runs that took something by time although it was not up.
fn too_early(
    facts: &Facts<'_, impl Read>,
    runs: &Runs,
    schedule: &Schedule,
) -> Result<u64, Corruption> {
    let began = facts.time(EntryId(0))?;
    let (mut count, mut classed) = (0_u64, 0_u64);
    for run in runs.all.iter().rev().filter(|run| run.is_by_time) {
        let kept = schedule.at(run.id);
        let newest = run.ranges.last().map(|range| *range.end());
        let Some(newest) = newest.filter(|newest| *newest < run.id.0) else { continue };
        let until = facts.time(EntryId(newest))?.0.saturating_add(days(least(kept, run.part)).0);
        let mut is_early = run.at.0 < until;
        if !is_early && run.part == ErasedPart::All && classed < SAMPLED {
            classed = classed.saturating_add(1);
            let high = days(u64::from(kept.high_risk.max(kept.personal)));
            let since = Timestamp(run.at.0.saturating_sub(high.0).saturating_add(1));
            // Most ledgers are younger, and then there is nothing to search.
            let first = match began < since {
                true => view::ids_between(facts.read, Some(since), None)?.start,
                false => 0,
            };
            is_early = took_high_risk(facts, run, first)?;
        }
        count = count.saturating_add(u64::from(is_early));
    }
    Ok(count)
}

/// Whether a run took the data of something of high risk, from this entry on: as far
/// as the first few of them tell.
fn took_high_risk(facts: &Facts<'_, impl Read>, run: &Run, first: u64) -> Result<bool, Corruption> {
    let (Some(bounds), Some(name)) = (run.bounds(), Class::HighRisk.tally()) else {
        return Ok(false);
    };
    let ids: Range<u64> = first.max(*bounds.start())..bounds.end().saturating_add(1);
    if ids.is_empty() {
        return Ok(false);
    }
    for number in tally::numbers(facts.read, name, &ids)?.take(OF_RUN_MAX) {
        if run.has(tally::nth(facts.read, name, number)?.0) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Entries past their time, as a sample at either end has them.
#[derive(Default)]
struct Sample {
    /// How many are old enough.
    due: u64,
    /// Those of which something personal was to go.
    looked_at: Span,
    /// Those of which it had not gone.
    left: u64,
}

impl Sample {
    fn take(facts: &Facts<'_, impl Read>, kept_days: u64) -> Result<Self, Corruption> {
        let age = days(kept_days.saturating_add(SWEPT_DAYS));
        let before = Timestamp(facts.now.0.saturating_sub(age.0));
        let due = view::ids_between(facts.read, None, Some(before))?.end.min(facts.whole().end);
        let (oldest, newest) = (0..due.min(SAMPLED), due.saturating_sub(SAMPLED).max(SAMPLED)..due);
        let mut sample = Self { due, ..Self::default() };
        for id in oldest.chain(newest).map(EntryId) {
            if let Some(is_left) = is_left(facts, id, before)? {
                sample.looked_at = sample.looked_at.and(Span::of([id]));
                sample.left = sample.left.saturating_add(u64::from(is_left));
            }
        }
        Ok(sample)
    }
}

/// Whether the personal part of an entry was there still; `None` where there was
/// none to go: because what the entry is about lives, or ended not long ago.
fn is_left(
    facts: &Facts<'_, impl Read>,
    id: EntryId,
    before: Timestamp,
) -> Result<Option<bool>, Corruption> {
    let types = [EntryType::Decision, EntryType::Intervention, EntryType::RiskAssessed];
    let entry = view::entry(facts.read, id)?;
    let is_one = |entry: &::ledger::StoredEntry| {
        entry.header.personal_hash.is_some() && types.contains(&entry.header.entry_type)
    };
    let Some(entry) = entry.filter(is_one) else { return Ok(None) };
    let erased: Option<ErasedRecord> = tables::record(facts.read, Table::Erased, &keys::entry(id))?;
    if erased.is_some_and(|erased| erased.personal_by <= facts.as_of) {
        return Ok(Some(false));
    }
    let Some(data) = class::object(&entry, Side::Data)? else { return Ok(Some(true)) };
    Ok(match end(facts.read, &entry, &data, facts.now)? {
        End::Open => None,
        End::At(at) => (at < before).then_some(true),
    })
}
