//! How human oversight went in the last days, from what the ledger says.
//!
//! Figures and findings, and no verdict on whether they are good: no law names a
//! rate of overrides or a time to answer in. What a state can show of itself is
//! that humans were there, that they answered in time and that somebody checked
//! who they were; whether they were fit for it only humans can attest.
//!
//! Interventions are counted from sums, whatever the span; least and greatest
//! times and what became of escalations are looked at one by one, up to
//! [`LOOKED_AT_MAX`], and what was left out is said.

use std::ops::Range;

use ledger::EntryType;
use types::{EntryId, EscalationId, Json, Micros, Object, Timestamp, Ulid};

use super::entries::{ids_between, numbers_of};
use crate::intervention::tally;
use crate::outcome::Corruption;
use crate::record::{EscalationRecord, Resolution, Tally};
use crate::store::{Direction, Read, Scan, Table};
use crate::{codec, keys, tables};

/// Things of one kind that are looked at one by one.
pub const LOOKED_AT_MAX: usize = 100_000;

const DAY_SECONDS: u64 = 24 * 3600;

/// Up to where something is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// All there is.
    Head,
    /// Up to this entry.
    Entry(EntryId),
    /// Up to the last entry not later.
    Time(Timestamp),
}

/// How human oversight went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effectiveness {
    /// The last entry counted.
    pub as_of: EntryId,
    /// Interventions, erased ones among them.
    pub interventions: u64,
    /// What they count, erased ones no more.
    pub tally: Tally,
    /// Least and greatest time that a human took.
    pub times_ms: Option<(u64, u64)>,
    /// Escalations.
    pub escalations: Escalations,
    /// Whether there was more than was looked at: times, escalations.
    pub is_cut: bool,
}

/// What became of escalations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Escalations {
    /// Made in the period.
    pub created: u64,
    /// Answered in the period.
    pub resolved: u64,
    /// Ended in the period without an answer.
    pub expired: u64,
    /// Of those answered, in time.
    pub in_time: u64,
    /// Of those answered, too late.
    pub late: u64,
    /// Answers by what they say.
    pub approved: u64,
    /// See above.
    pub denied: u64,
    /// See above.
    pub deferred: u64,
}

/// The last entry that counts; `None` where there is none.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn as_of(read: &impl Read, as_of: AsOf) -> Result<Option<EntryId>, Corruption> {
    let size = super::head(read)?.size();
    let last = match as_of {
        AsOf::Head => size.checked_sub(1),
        AsOf::Entry(id) => Some(id.0).filter(|id| *id < size),
        AsOf::Time(at) => {
            let end = Timestamp(at.0.saturating_add(1));
            ids_between(read, None, Some(end))?.end.checked_sub(1)
        }
    };
    Ok(last.map(EntryId))
}

/// How human oversight went in so many days before an entry, that entry among
/// them. Its time is the time it is asked about.
///
/// # Errors
/// [`Corruption`] when something cannot be read.
pub fn effectiveness(
    read: &impl Read,
    as_of: EntryId,
    period_days: u32,
) -> Result<Effectiveness, Corruption> {
    let missing = || Corruption::new("header", format!("entry {as_of} is missing"));
    let now = super::entry(read, as_of)?.ok_or_else(missing)?.header.timestamp;
    let span = Micros::from_seconds(u64::from(period_days).saturating_mul(DAY_SECONDS));
    effectiveness_from(read, as_of, Timestamp(now.0.saturating_sub(span.0)))
}

/// The same from a time on.
///
/// # Errors
/// [`Corruption`] when something cannot be read.
pub fn effectiveness_from(
    read: &impl Read,
    as_of: EntryId,
    from: Timestamp,
) -> Result<Effectiveness, Corruption> {
    let missing = || Corruption::new("header", format!("entry {as_of} is missing"));
    let now = super::entry(read, as_of)?.ok_or_else(missing)?.header.timestamp;
    let begin = ids_between(read, Some(from), None)?.start;
    let ids = begin.min(as_of.0.saturating_add(1))..as_of.0.saturating_add(1);
    let numbers = numbers_of(read, EntryType::Intervention, ids.clone())?;
    let last = numbers.end.saturating_sub(1);
    let before = numbers.start.saturating_sub(1);
    let tally = tally::first(read, last)?.less(tally::first(read, before)?);
    let times_ms = times(read, &numbers)?;
    let (created, is_cut) = created(read, &ids, from, now)?;
    let mut escalations = Escalations { created, ..Escalations::default() };
    let are_cut = ended(read, ids, &mut escalations)?;
    let looked_at = u64::try_from(LOOKED_AT_MAX).unwrap_or(u64::MAX);
    Ok(Effectiveness {
        as_of,
        interventions: numbers.end.saturating_sub(numbers.start),
        tally,
        times_ms,
        escalations,
        is_cut: is_cut || are_cut || looked_at < tally.timed,
    })
}

/// Escalations that entries of a span made, whichever kind these are of, oldest
/// first; at most so many.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn escalation_ids(
    read: &impl Read,
    ids: &Range<u64>,
    ids_max: usize,
) -> Result<Vec<EscalationId>, Corruption> {
    let time = |id: Option<u64>| -> Result<Option<u64>, Corruption> {
        let entry = id.map(|id| super::entry(read, EntryId(id))).transpose()?.flatten();
        Ok(entry.map(|entry| entry.header.timestamp.millis()))
    };
    let (Some(first), Some(last)) = (time(Some(ids.start))?, time(ids.end.checked_sub(1))?) else {
        return Ok(Vec::new());
    };
    // Their ids begin with the time of the entry that made them.
    let after = Ulid::from_parts(last.saturating_add(1), [0; 10]);
    let scan = Scan {
        table: Table::Escalation,
        from: &Ulid::from_parts(first, [0; 10]).key(),
        to: Some(&after.key()),
        direction: Direction::Ascending,
        rows_max: ids_max,
    };
    let (mut found, mut damage) = (Vec::new(), None);
    read.visit(
        scan,
        &mut |key, value| match codec::decode::<EscalationRecord>("escalation", value) {
            Ok(record) if ids.contains(&record.entry_id.0) => {
                found.extend(keys::last_ulid(key).map(EscalationId));
            }
            Ok(_) => (),
            Err(error) => damage = Some(error),
        },
    )?;
    damage.map_or(Ok(found), Err)
}

/// Least and greatest time among the newest interventions that tell one.
fn times(read: &impl Read, numbers: &Range<u64>) -> Result<Option<(u64, u64)>, Corruption> {
    let (from, to) = (numbers.start.to_be_bytes(), numbers.end.to_be_bytes());
    let scan = Scan {
        table: Table::InterventionTime,
        from: &from,
        to: Some(&to),
        direction: Direction::Descending,
        rows_max: LOOKED_AT_MAX,
    };
    let mut found: Result<Option<(u64, u64)>, Corruption> = Ok(None);
    read.visit(scan, &mut |_, value| {
        if let Ok(times) = found {
            found = codec::decode::<u64>("intervention_time", value).map(|time| {
                let (least, greatest) = times.unwrap_or((time, time));
                Some((least.min(time), greatest.max(time)))
            });
        }
    })?;
    found
}

/// Escalations made by these entries, whichever kind they are of: their ids
/// begin with the time. Tells whether there are more than were looked at.
fn created(
    read: &impl Read,
    ids: &Range<u64>,
    from: Timestamp,
    to: Timestamp,
) -> Result<(u64, bool), Corruption> {
    let after = Ulid::from_parts(to.millis().saturating_add(1), [0; 10]);
    let scan = Scan {
        table: Table::Escalation,
        from: &Ulid::from_parts(from.millis(), [0; 10]).key(),
        to: Some(&after.key()),
        direction: Direction::Descending,
        rows_max: LOOKED_AT_MAX.saturating_add(1),
    };
    // A row may be large, and there may be many: none is kept.
    let (mut created, mut looked_at, mut damage) = (0_u64, 0_usize, None);
    read.visit(scan, &mut |_, value| {
        looked_at = looked_at.saturating_add(1);
        match codec::decode::<EscalationRecord>("escalation", value) {
            Ok(record) if ids.contains(&record.entry_id.0) && looked_at <= LOOKED_AT_MAX => {
                created = created.saturating_add(1);
            }
            Ok(_) => (),
            Err(error) => damage = Some(error),
        }
    })?;
    match damage {
        Some(error) => Err(error),
        None => Ok((created, LOOKED_AT_MAX < looked_at)),
    }
}

/// What ended by these entries, and how. Tells whether there are more answers
/// than were looked at: then it is the newest that were.
fn ended(read: &impl Read, ids: Range<u64>, found: &mut Escalations) -> Result<bool, Corruption> {
    let expired = numbers_of(read, EntryType::EscalationExpired, ids.clone())?;
    found.expired = expired.end.saturating_sub(expired.start);
    let resolved = numbers_of(read, EntryType::EscalationResolved, ids)?;
    found.resolved = resolved.end.saturating_sub(resolved.start);
    for number in resolved.rev().take(LOOKED_AT_MAX) {
        if let Some((at, record)) = answered(read, number)? {
            let in_time = at <= record.deadline;
            found.in_time = found.in_time.saturating_add(u64::from(in_time));
            found.late = found.late.saturating_add(u64::from(!in_time));
            let count = match record.resolution {
                Some(Resolution::Approved) => &mut found.approved,
                Some(Resolution::Denied) => &mut found.denied,
                Some(Resolution::Deferred) => &mut found.deferred,
                None => continue,
            };
            *count = count.saturating_add(1);
        }
    }
    Ok(u64::try_from(LOOKED_AT_MAX).unwrap_or(u64::MAX) < found.resolved)
}

/// When an escalation was answered, and which; `None` where that is erased.
fn answered(
    read: &impl Read,
    number: u64,
) -> Result<Option<(Timestamp, EscalationRecord)>, Corruption> {
    let row = keys::text_and_number(EntryType::EscalationResolved.as_str(), number);
    let id: Option<EntryId> = tables::record(read, Table::EntryByType, &row)?;
    let missing = || Corruption::new("entry_by_type", format!("answer {number} is missing"));
    let entry = super::entry(read, id.ok_or_else(missing)?)?.ok_or_else(missing)?;
    let Some(part) = &entry.data else { return Ok(None) };
    let data: Object = serde_json::from_str(&part.text).map_err(|_| missing())?;
    let id = data.get("escalation_id").and_then(Json::as_str);
    let id: EscalationId = id.and_then(|id| id.parse().ok()).ok_or_else(missing)?;
    let record = tables::record(read, Table::Escalation, &id.0.key())?;
    Ok(record.map(|record| (entry.header.timestamp, record)))
}

/// How far the figures go as evidence: the status model of api.md, section 11.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Something was not as it must be.
    Failing,
    /// There is nothing to judge by.
    Inconclusive,
    /// The figures do not tell whether humans decided by themselves.
    NeedsHumanEvidence,
    /// They do; whether those humans were fit for it is not here to be seen.
    HumanEvidenceMissing,
}

impl Standing {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failing | Self::Inconclusive => "insufficient",
            Self::NeedsHumanEvidence => "needs_human_evidence",
            Self::HumanEvidenceMissing => "partial",
        }
    }

    /// The finer word.
    pub fn detail(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Inconclusive => "inconclusive",
            Self::NeedsHumanEvidence => "needs_human_evidence",
            Self::HumanEvidenceMissing => "system_evidence_present_human_evidence_missing",
        }
    }
}

impl Escalations {
    /// Of those that ended, how many were answered in time; `None` where none
    /// ended.
    pub fn within_sla_percent(&self) -> Option<u64> {
        let ended = self.in_time.saturating_add(self.late).saturating_add(self.expired);
        self.in_time.saturating_mul(100).checked_div(ended)
    }
}

impl Effectiveness {
    /// Of the recommendations that a human decided about, how many otherwise.
    pub fn override_rate_percent(&self) -> Option<u64> {
        self.tally.overrides.saturating_mul(100).checked_div(self.compared())
    }

    /// Mean time that a human took.
    pub fn average_ms(&self) -> Option<u64> {
        let mean = self.tally.time_total_ms.checked_div(u128::from(self.tally.timed))?;
        u64::try_from(mean).ok()
    }

    fn compared(&self) -> u64 {
        self.tally.overrides.saturating_add(self.tally.approvals)
    }

    /// Interventions that still tell their type.
    fn whole(&self) -> u64 {
        self.tally.by_type.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// How far this goes as evidence; the first that fits.
    pub fn standing(&self) -> Standing {
        let Escalations { resolved, expired, late, .. } = self.escalations;
        if 0 < expired || 0 < late || 0 < self.tally.unauthenticated {
            return Standing::Failing;
        }
        if self.interventions == 0 && resolved == 0 {
            return Standing::Inconclusive;
        }
        if self.compared() == 0 {
            return Standing::NeedsHumanEvidence;
        }
        Standing::HumanEvidenceMissing
    }

    /// What a reader of the figures must know.
    pub fn findings(&self) -> Vec<String> {
        let Self { interventions, tally, escalations, .. } = self;
        let whole = self.whole();
        let erased = interventions.saturating_sub(whole);
        let untimed = whole.saturating_sub(tally.timed);
        let silent = whole.saturating_sub(self.compared());
        let counted: [(u64, &str); 6] = [
            (tally.unauthenticated, "interventions are by somebody whose identity nobody checked"),
            (escalations.expired, "escalations expired without an answer"),
            (escalations.late, "escalations were answered after their deadline"),
            (silent, "interventions do not tell a recommendation and a decision to compare"),
            (untimed, "interventions tell no response time"),
            (erased, "interventions are erased and counted in the total alone"),
        ];
        let counted = counted.into_iter().filter(|(count, _)| 0 < *count);
        let mut findings: Vec<String> =
            counted.map(|(count, what)| format!("{count} {what}")).collect();
        if *interventions == 0 {
            findings.push("no intervention was recorded in the period".to_owned());
        }
        if 0 < tally.approvals && tally.overrides == 0 {
            let said = format!("all {} recommendations compared were followed", tally.approvals);
            findings.push(said);
        }
        if self.is_cut {
            findings.push(format!(
                "least and greatest response time, and what became of escalations, are of the \
                 newest {LOOKED_AT_MAX} alone"
            ));
        }
        findings
    }
}
