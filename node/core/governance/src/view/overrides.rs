//! Overrides, read back from the entries that record them: a page costs what it
//! returns.

use types::{DecisionId, EntryId, Json, Object, OverrideId, Timestamp};

use super::{Absent, TOTAL_MAX};
use crate::effective;
use crate::outcome::Corruption;
use crate::record::{OverrideRecord, ReviewVerdict};
use crate::store::{Direction, Read, Scan, Table};
use crate::{codec, keys, tables};

/// An override as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// Its id.
    pub id: OverrideId,
    /// How it stands.
    pub record: OverrideRecord,
    /// `data` of its entry.
    pub data: Object,
    /// `personal` of its entry, while it is there.
    pub personal: Option<Object>,
    /// What a second person said.
    pub review: Option<Review>,
}

/// A review as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// What was said.
    pub verdict: ReviewVerdict,
    /// By whom; gone once the entry is erased.
    pub by: Option<String>,
    /// Why; gone once the entry's personal part is erased.
    pub notes: Option<String>,
    /// When.
    pub at: Timestamp,
    /// The entry that says so.
    pub entry_id: EntryId,
}

/// A place in the order of reviews that are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReviewPlace {
    /// By when it is due.
    pub at: Timestamp,
    /// The entry of the override.
    pub entry: EntryId,
}

/// Overrides that nobody has reviewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreviewedPage {
    /// Most overdue first.
    pub overrides: Vec<Override>,
    /// Where the next page begins.
    pub next: Option<ReviewPlace>,
    /// How many there are, up to [`TOTAL_MAX`].
    pub total: u64,
    /// Whether `total` is all of them.
    pub total_exact: bool,
}

/// An override.
///
/// # Errors
/// The outer one is [`Corruption`].
pub fn override_of(
    read: &impl Read,
    id: OverrideId,
) -> Result<Result<Override, Absent>, Corruption> {
    let record: Option<OverrideRecord> = tables::record(read, Table::Override, &id.0.key())?;
    let Some(record) = record else { return Ok(Err(Absent::Unknown)) };
    let parts = Parts::of(read, record.entry_id)?;
    let Some(data) = parts.data else { return Ok(Err(Absent::Erased)) };
    let review = record.review.map(|(verdict, entry)| review(read, verdict, entry)).transpose()?;
    Ok(Ok(Override { id, record, data, personal: parts.personal, review }))
}

/// Overrides of a decision that are not erased, oldest first.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn overrides_of(read: &impl Read, decision: DecisionId) -> Result<Vec<Override>, Corruption> {
    let mut found = Vec::new();
    for id in effective::override_ids(read, decision)? {
        found.extend(override_of(read, id)?.ok());
    }
    Ok(found)
}

/// Overrides that nobody has reviewed, most overdue first.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn unreviewed_overrides(
    read: &impl Read,
    after: Option<ReviewPlace>,
    limit: usize,
) -> Result<UnreviewedPage, Corruption> {
    let past = |after: ReviewPlace| keys::timed(after.at, EntryId(after.entry.0.saturating_add(1)));
    let from = after.map_or([0; 16], past);
    let rows = read.scan(whole(&from, limit.saturating_add(1)))?;
    let mut overrides = Vec::new();
    for (_, id) in rows.iter().take(limit) {
        let id: OverrideId = codec::decode("override_unreviewed", id)?;
        let missing = |_| Corruption::new("override", format!("{id} is listed and not whole"));
        overrides.push(override_of(read, id)?.map_err(missing)?);
    }
    let last = overrides.last().filter(|_| limit < rows.len());
    let next =
        last.map(|last| ReviewPlace { at: last.record.review_by, entry: last.record.entry_id });
    let total = total(read)?;
    let total_exact = total <= TOTAL_MAX;
    Ok(UnreviewedPage { overrides, next, total: total.min(TOTAL_MAX), total_exact })
}

fn whole(from: &[u8], rows_max: usize) -> Scan<'_> {
    Scan {
        table: Table::OverrideUnreviewed,
        from,
        to: None,
        direction: Direction::Ascending,
        rows_max,
    }
}

/// One more than [`TOTAL_MAX`] at most.
fn total(read: &impl Read) -> Result<u64, Corruption> {
    let mut total = 0_u64;
    let rows_max = usize::try_from(TOTAL_MAX).unwrap_or(usize::MAX).saturating_add(1);
    read.visit(whole(&[], rows_max), &mut |_, _| total = total.saturating_add(1))?;
    Ok(total)
}

fn review(
    read: &impl Read,
    verdict: ReviewVerdict,
    entry_id: EntryId,
) -> Result<Review, Corruption> {
    let parts = Parts::of(read, entry_id)?;
    let text = |part: &Option<Object>, name: &str| {
        part.as_ref().and_then(|part| part.get(name)).and_then(Json::as_str).map(str::to_owned)
    };
    let (by, notes) = (text(&parts.data, "by"), text(&parts.personal, "notes"));
    Ok(Review { verdict, by, notes, at: parts.at, entry_id })
}

/// What is left of an entry.
struct Parts {
    data: Option<Object>,
    personal: Option<Object>,
    at: Timestamp,
}

impl Parts {
    fn of(read: &impl Read, id: EntryId) -> Result<Self, Corruption> {
        let damaged = || Corruption::new("override", format!("entry {id} is none of an override"));
        let entry = super::entry(read, id)?.ok_or_else(damaged)?;
        let object = |part: Option<ledger::Part>| {
            let object = part.map(|part| serde_json::from_str::<Object>(&part.text));
            object.transpose().map_err(|_| damaged())
        };
        let at = entry.header.timestamp;
        Ok(Self { data: object(entry.data)?, personal: object(entry.personal)?, at })
    }
}
