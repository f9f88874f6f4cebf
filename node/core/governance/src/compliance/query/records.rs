//! How long records are kept, what is held, erased and handed over.

use std::collections::BTreeMap;
use std::ops::Range;

use ::ledger::EntryType;
use types::{EntryId, Json, Object, Timestamp};

use super::{CUT, by_people, of_period};
use crate::compliance::answer::Answer;
use crate::compliance::facts::{Facts, Span, Telling, Told, days};
use crate::outcome::Corruption;
use crate::record::ErasedRecord;
use crate::store::{Read, Table};
use crate::{keys, tables, view};

/// Days that the personal part is kept at least.
const KEPT_DAYS: u64 = 183;

/// Days that a sweep may take.
const SWEPT_DAYS: u64 = 2;

/// Entries past their time that are looked at, at either end.
const SAMPLED: u64 = 64;

/// Runs that are looked at.
const RUNS: u64 = 1_000;

fn runs(facts: &Facts<'_, impl Read>, ids: &Range<u64>) -> Result<Told, Corruption> {
    facts.newest(EntryType::AnonymizationRun, ids, RUNS)
}

/// Entries that a run erased, both bounds.
fn ranges(run: &Telling) -> impl Iterator<Item = (u64, u64)> {
    let ranges = run.data.get("ranges").and_then(Json::as_array).unwrap_or_default();
    ranges.iter().filter_map(Json::as_object).filter_map(|range| {
        let bound = |name: &str| range.get(name).and_then(Json::as_u64);
        bound("from").zip(bound("to"))
    })
}

/// How many days the personal part is kept, as far as that was changed.
fn kept_days(facts: &Facts<'_, impl Read>) -> Result<u64, Corruption> {
    let changes = facts.told(EntryType::ConfigChanged, &facts.whole())?;
    let told = changes.entries.iter().rev().find_map(|telling| {
        let retention = telling.data.get("retention").and_then(Json::as_object)?;
        retention.get("personal_days").and_then(Json::as_u64)
    });
    Ok(told.unwrap_or(KEPT_DAYS))
}

/// Nothing went before its time, and of what is past it nothing is left, as far
/// as a sample at either end tells.
pub(super) fn retention_status(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let kept = kept_days(facts)?;
    let runs = runs(facts, &facts.period)?;
    let too_early = too_early(facts, &runs)?;
    let before = |age: u64| Timestamp(facts.now.0.saturating_sub(days(age).0));
    let due = Some(before(kept.saturating_add(SWEPT_DAYS)));
    let due = view::ids_between(facts.read, None, due)?.end.min(facts.whole().end);
    let left = left_over(facts, due)?;
    let held = Holds::load(facts)?.in_force(facts.as_of);
    let faults = too_early.saturating_add(if held { 0 } else { left });
    // Of a ledger in which nothing was ever due, nothing is shown.
    let population = due.saturating_add(runs.entries.len() as u64);
    let last_due = due.checked_sub(1).map(EntryId);
    let span = Span::of(last_due.map(|_| EntryId(0)).into_iter().chain(last_due));
    Ok(Answer::counted(population, population.saturating_sub(faults), population)
        .over(span.and(runs.span()))
        .with("erased_too_early", too_early)
        .with("kept_days", kept)
        .with("past_their_time", due)
        .with("past_their_time_and_left", left)
        .with("sample", SAMPLED)
        .open_if(held && 0 < left, "a hold is in force, and which of these it keeps is not told")
        .open_if(runs.is_cut, CUT))
}

/// Entries that went by time although it was not up.
fn too_early(facts: &Facts<'_, impl Read>, runs: &Told) -> Result<u64, Corruption> {
    let mut count = 0_u64;
    for run in runs.entries.iter().filter(|run| run.text("cause") == Some("retention")) {
        let newest = ranges(run).map(|(_, to)| to).max();
        let Some(newest) = newest.filter(|newest| *newest < run.id.0) else { continue };
        let least = facts.time(EntryId(newest))?.0.saturating_add(days(KEPT_DAYS).0);
        count = count.saturating_add(u64::from(run.at.0 < least));
    }
    Ok(count)
}

/// Entries past their time whose personal part was there still. What lives on,
/// such as an account, is kept longer and is not among these types.
fn left_over(facts: &Facts<'_, impl Read>, due: u64) -> Result<u64, Corruption> {
    let types = [EntryType::Decision, EntryType::Intervention, EntryType::RiskAssessed];
    let (oldest, newest) = (0..due.min(SAMPLED), due.saturating_sub(SAMPLED).max(SAMPLED)..due);
    let mut left = 0_u64;
    for id in oldest.chain(newest).map(EntryId) {
        let entry = view::entry(facts.read, id)?;
        let header = entry.map(|entry| entry.header);
        let is_one = header.is_some_and(|header| {
            header.personal_hash.is_some() && types.contains(&header.entry_type)
        });
        let erased: Option<ErasedRecord> =
            tables::record(facts.read, Table::Erased, &keys::entry(id))?;
        let is_gone = erased.is_some_and(|erased| erased.by <= facts.as_of);
        left = left.saturating_add(u64::from(is_one && !is_gone));
    }
    Ok(left)
}

/// Legal holds by id: what each freezes, from which entry to which.
struct Holds {
    by_id: BTreeMap<String, Hold>,
    span: Span,
    is_cut: bool,
}

struct Hold {
    scope: Object,
    applied: EntryId,
    released: Option<EntryId>,
}

impl Hold {
    /// Whether it froze one of these entries when a run came. One that is told
    /// by a filter cannot be asked here.
    fn froze(&self, run: &Telling) -> Option<bool> {
        let is_in_force =
            self.applied < run.id && self.released.is_none_or(|released| run.id < released);
        if !is_in_force {
            return Some(false);
        }
        match self.scope.get("kind").and_then(Json::as_str) {
            Some("all") => Some(ranges(run).any(|(from, _)| from < self.applied.0)),
            Some("entries") => {
                let ids = self.scope.get("entry_ids").and_then(Json::as_array).unwrap_or_default();
                let mut ids = ids.iter().filter_map(Json::as_u64);
                Some(ids.any(|id| ranges(run).any(|(from, to)| (from..=to).contains(&id))))
            }
            Some(_) | None => None,
        }
    }
}

impl Holds {
    fn load(facts: &Facts<'_, impl Read>) -> Result<Self, Corruption> {
        let applied = facts.told(EntryType::LegalHoldApplied, &facts.whole())?;
        let released = facts.told(EntryType::LegalHoldReleased, &facts.whole())?;
        let is_cut = applied.is_cut || released.is_cut;
        let mut by_id: BTreeMap<String, Hold> = BTreeMap::new();
        for telling in &applied.entries {
            let scope = telling.data.get("scope").and_then(Json::as_object).cloned();
            if let Some(id) = telling.text("hold_id") {
                let scope = scope.unwrap_or_default();
                let hold = Hold { scope, applied: telling.id, released: None };
                by_id.insert(id.to_owned(), hold);
            }
        }
        for telling in &released.entries {
            let hold = telling.text("hold_id").and_then(|id| by_id.get_mut(id));
            if let Some(hold) = hold {
                hold.released = Some(telling.id);
            }
        }
        Ok(Self { by_id, span: applied.span(), is_cut })
    }

    fn in_force(&self, as_of: EntryId) -> bool {
        self.by_id.values().any(|hold| hold.applied <= as_of && hold.released.is_none())
    }
}

/// No run erased what a hold froze then.
pub(super) fn legal_holds(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let holds = Holds::load(facts)?;
    let runs = runs(facts, &facts.whole())?;
    let (mut broken, mut untold) = (0_u64, 0_u64);
    for hold in holds.by_id.values() {
        let froze: Vec<Option<bool>> = runs.entries.iter().map(|run| hold.froze(run)).collect();
        broken = broken.saturating_add(u64::from(froze.contains(&Some(true))));
        untold = untold.saturating_add(u64::from(froze.contains(&None)));
    }
    Ok(Answer::all(holds.span, holds.span.count.saturating_sub(broken))
        .with("runs", runs.entries.len() as u64)
        .open_if(0 < untold, "what a hold with a filter froze is not told by its entry alone")
        .open_if(holds.is_cut || runs.is_cut, CUT))
}

pub(super) fn disposal_events(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let answer = by_people(facts, &[EntryType::AnonymizationRun])?;
    Ok(answer.open_if(0 < facts.diverged, "a node is not what the others are"))
}

/// An export that was completed says the digest of its file.
pub(super) fn exports_issued(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let issued = facts.told(EntryType::AuditExportCompleted, &facts.period)?;
    let is_bound = |telling: &&Telling| {
        let sha256 = telling.text("sha256");
        let size = telling.data.get("checkpoint_size").and_then(Json::as_u64);
        sha256.is_some_and(|sha256| sha256.parse::<types::Digest>().is_ok()) && size.is_some()
    };
    let bound = issued.entries.iter().filter(is_bound).count() as u64;
    let failed = facts.span(&[EntryType::AuditExportFailed], &facts.period)?;
    Ok(of_period(Answer::all(issued.span(), bound))
        .with("failed", failed.count)
        .gap("whoever receives a package verifies it: that they did is not recorded")
        .open_if(issued.is_cut, CUT))
}

pub(super) fn subject_requests(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let runs = runs(facts, &facts.period)?;
    let asked = runs.entries.iter().filter(|run| run.text("cause") == Some("request"));
    let span = Span::of(asked.map(|run| run.id));
    Ok(of_period(Answer::any(span))
        .open("when a person asked is not recorded, so that nothing shows an answer in time"))
}
