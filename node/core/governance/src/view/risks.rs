//! Assessments of risk, read back from the entries that record them: a page
//! costs what it returns.

use std::ops::RangeInclusive;

use ledger::{EntryType, StoredEntry};
use types::{DecisionId, EntryId, EscalationId, Json, Object, RiskId, Timestamp};

use super::TOTAL_MAX;
use crate::command::RiskInput;
use crate::outcome::Corruption;
use crate::record::RiskRecord;
use crate::risk;
use crate::store::{Direction, Read, Scan, Table};
use crate::{codec, keys, tables};

/// An assessment as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// Its id.
    pub id: RiskId,
    /// Whose risk it is.
    pub decision: DecisionId,
    /// 1 for the first of the decision.
    pub version: u64,
    /// The one before, whose place it took.
    pub supersedes: Option<RiskId>,
    /// 1..=100.
    pub score: u32,
    /// What it was computed from.
    pub dimensions: RiskInput,
    /// The escalation that came of it.
    pub escalation: Option<EscalationId>,
    /// Applied time.
    pub at: Timestamp,
    /// Where it is recorded.
    pub entry_id: EntryId,
}

/// Why there is nothing to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// There never was one.
    Unknown,
    /// Its entry is erased.
    Erased,
}

/// Which assessments are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskQuery {
    /// Scores, both bounds among them.
    pub scores: RangeInclusive<u8>,
    /// Past this one.
    pub after: Option<RiskPlace>,
    /// At most so many.
    pub limit: usize,
}

/// A place in the order of scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RiskPlace {
    /// The score.
    pub score: u8,
    /// The entry among those of the same score.
    pub entry: EntryId,
}

/// A page of assessments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskPage {
    /// The assessments, highest score first, and oldest first among equals.
    pub risks: Vec<Assessment>,
    /// Where the next page begins.
    pub next: Option<RiskPlace>,
    /// How many match on all pages, up to [`TOTAL_MAX`].
    pub total: u64,
    /// Whether `total` is all of them.
    pub total_exact: bool,
}

/// An assessment.
///
/// # Errors
/// The outer one is [`Corruption`].
pub fn risk(read: &impl Read, id: RiskId) -> Result<Result<Assessment, Absent>, Corruption> {
    let record: Option<RiskRecord> = tables::record(read, Table::Risk, &id.0.key())?;
    let Some(record) = record else {
        return Ok(Err(Absent::Unknown));
    };
    Ok(assessment(read, id, &record)?.ok_or(Absent::Erased))
}

/// Ids of the assessments of a decision, oldest first.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn risk_ids(read: &impl Read, decision: DecisionId) -> Result<Vec<RiskId>, Corruption> {
    let (from, to) = keys::all_under(decision.0);
    let rows = read.scan(Scan {
        table: Table::RiskByDecision,
        from: &from,
        to: Some(&to),
        direction: Direction::Ascending,
        rows_max: usize::MAX,
    })?;
    rows.iter().map(|(_, id)| codec::decode("risk_by_decision", id)).collect()
}

/// The latest assessment of a decision.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn latest_risk(
    read: &impl Read,
    decision: DecisionId,
) -> Result<Option<(RiskId, RiskRecord)>, Corruption> {
    let (from, to) = keys::all_under(decision.0);
    let rows = read.scan(Scan {
        table: Table::RiskByDecision,
        from: &from,
        to: Some(&to),
        direction: Direction::Descending,
        rows_max: 1,
    })?;
    let Some((_, id)) = rows.first() else {
        return Ok(None);
    };
    let id: RiskId = codec::decode("risk_by_decision", id)?;
    let record = tables::record(read, Table::Risk, &id.0.key())?;
    let missing = || Corruption::new("risk", format!("{id} is named and not recorded"));
    record.ok_or_else(missing).map(|record| Some((id, record)))
}

/// The latest assessments that match a query.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn risks(read: &impl Read, query: &RiskQuery) -> Result<RiskPage, Corruption> {
    let (least, most) = (*query.scores.start(), *query.scores.end());
    let whole = keys::scored(most, EntryId(0));
    let past =
        |after: RiskPlace| keys::scored(after.score, EntryId(after.entry.0.saturating_add(1)));
    let from = query.after.map_or(whole, past).max(whole);
    let to = keys::scored(least, EntryId(u64::MAX));
    let rows = read.scan(Scan {
        table: Table::RiskByScore,
        from: &from,
        to: Some(&to),
        direction: Direction::Ascending,
        rows_max: query.limit.saturating_add(1),
    })?;
    let mut found = Vec::new();
    for (_, id) in rows.iter().take(query.limit) {
        let id = codec::decode("risk_by_score", id)?;
        let listed = risk(read, id)?;
        let missing = |_| Corruption::new("risk", format!("{id} is listed and not whole"));
        found.push(listed.map_err(missing)?);
    }
    let last = found.last().filter(|_| query.limit < rows.len());
    let next = last.map(|last| RiskPlace {
        score: u8::try_from(last.score).unwrap_or(u8::MAX),
        entry: last.entry_id,
    });
    let total = total(read, least..=most)?;
    let total_exact = total <= TOTAL_MAX;
    Ok(RiskPage { risks: found, next, total: total.min(TOTAL_MAX), total_exact })
}

fn total(read: &impl Read, scores: RangeInclusive<u8>) -> Result<u64, Corruption> {
    let mut total = 0_u64;
    for score in scores {
        let count: Option<u64> = tables::record(read, Table::RiskCount, &[score])?;
        total = total.saturating_add(count.unwrap_or(0));
    }
    Ok(total)
}

/// `None` once the entry is erased whole.
fn assessment(
    read: &impl Read,
    id: RiskId,
    record: &RiskRecord,
) -> Result<Option<Assessment>, Corruption> {
    let entry_id = record.entry_id;
    let missing = || Corruption::new("header", format!("entry {entry_id} is missing"));
    let entry = super::entry(read, entry_id)?.ok_or_else(missing)?;
    let Some(part) = &entry.data else {
        return Ok(None);
    };
    let damaged = || Corruption::new("data", format!("entry {entry_id} tells no risk"));
    let data: Object = serde_json::from_str(&part.text).map_err(|_| damaged())?;
    let told = |name: &str| data.get(name).and_then(Json::as_str);
    let (score, dimensions) = score(&entry, &data).ok_or_else(damaged)?;
    Ok(Some(Assessment {
        id,
        decision: record.decision,
        version: record.version,
        supersedes: told("supersedes").and_then(|id| id.parse().ok()),
        score,
        dimensions,
        escalation: told("escalation_id").and_then(|id| id.parse().ok()),
        at: entry.header.timestamp,
        entry_id,
    }))
}

/// Score and dimensions: a decision tells them under names of its own.
fn score(entry: &StoredEntry, data: &Object) -> Option<(u32, RiskInput)> {
    let (score, dimensions) = if entry.header.entry_type == EntryType::Decision {
        let risk = data.get("risk").and_then(Json::as_object)?;
        (risk.get("score")?, data.get("risk_input"))
    } else {
        (data.get("overall_score")?, data.get("dimensions"))
    };
    let score = score.as_u64().and_then(|score| u32::try_from(score).ok())?;
    let dimensions = dimensions.and_then(Json::as_object).map(risk::input);
    Some((score, dimensions.unwrap_or_default()))
}
