//! Serious incidents as they stood when an entry was recorded.

use types::{EntryId, IncidentId, Json, Object, Timestamp};

use crate::ai_incident::IncidentStatus;
use crate::outcome::Corruption;
use crate::record::AiIncidentRecord;
use crate::store::{Direction, Read, Scan, Table};
use crate::{codec, keys, tables};

use super::entries::TOTAL_MAX;

/// A serious incident. What is erased is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AiIncident {
    /// Its id.
    pub id: IncidentId,
    /// What is kept of it.
    pub record: AiIncidentRecord,
    /// How it stands.
    pub status: IncidentStatus,
    /// In a line.
    pub title: Option<String>,
    /// In full.
    pub description: Option<String>,
    /// What else it is.
    pub other_categories: Vec<String>,
    /// When the organisation came to know of it.
    pub aware_at: Option<Timestamp>,
    /// When the provider did.
    pub provider_aware_at: Option<Timestamp>,
    /// When the deployer did.
    pub deployer_aware_at: Option<Timestamp>,
    /// When a causal link, or that it is likely, was established.
    pub causal_link_at: Option<Timestamp>,
    /// When it happened.
    pub occurred_at: Option<Timestamp>,
    /// The system, where that is registered.
    pub system_id: Option<String>,
    /// The hold that came with it.
    pub hold_id: Option<String>,
    /// Decisions that had to do with it.
    pub decision_ids: Vec<String>,
    /// Applied time of its entry.
    pub recorded_at: Timestamp,
    /// Which authority was told, and how that calls it.
    pub report: Option<Told>,
    /// What came of it.
    pub closing: Option<Told>,
    /// The last entry about it.
    pub entry_id: EntryId,
}

/// What a later entry says of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// `data` of the entry.
    pub data: Option<Object>,
    /// Its personal part.
    pub personal: Option<Object>,
    /// Applied time.
    pub at: Timestamp,
}

impl Told {
    fn of(read: &impl Read, id: EntryId) -> Result<Self, Corruption> {
        let damaged = || Corruption::new("entry", format!("entry {id} is no entry of an incident"));
        let entry = super::entry(read, id)?.ok_or_else(damaged)?;
        let object = |part: Option<&ledger::Part>| {
            let read = part.map(|part| serde_json::from_str(&part.text));
            read.transpose().map_err(|_| damaged())
        };
        Ok(Self {
            data: object(entry.data.as_ref())?,
            personal: object(entry.personal.as_ref())?,
            at: entry.header.timestamp,
        })
    }

    /// A text of the entry, from whichever part has it.
    pub fn text(&self, name: &str) -> Option<&str> {
        let of = |part: &'_ Option<Object>| part.as_ref().map(|part| part.get(name).is_some());
        let part = if of(&self.data) == Some(true) { &self.data } else { &self.personal };
        part.as_ref()?.get(name).and_then(Json::as_str)
    }

    fn time(&self, name: &str) -> Option<Timestamp> {
        self.text(name).and_then(|text| text.parse().ok())
    }
}

impl AiIncident {
    /// Whether nobody was told in time, at a moment: it is open, and its clock has
    /// run out.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.status == IncidentStatus::Open && self.record.report_due_at < now
    }
}

/// Which incidents are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AiIncidentQuery {
    /// That stand so.
    pub status: Option<IncidentStatus>,
    /// Past this one, in the order.
    pub after: Option<IncidentId>,
    /// The order.
    pub direction: Direction,
    /// At most so many.
    pub limit: usize,
    /// As they stood once this entry was recorded.
    pub as_of: EntryId,
}

/// A page of incidents, in the order that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AiIncidentPage {
    /// The incidents.
    pub incidents: Vec<AiIncident>,
    /// Where the next page begins: give it as `after`.
    pub next: Option<IncidentId>,
    /// How many match on all pages, up to [`TOTAL_MAX`].
    pub total: u64,
    /// Whether `total` is all of them.
    pub total_exact: bool,
}

/// An incident as it stood once an entry was recorded; `None` where there was
/// none yet.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn ai_incident(
    read: &impl Read,
    id: IncidentId,
    as_of: EntryId,
) -> Result<Option<AiIncident>, Corruption> {
    let record: Option<AiIncidentRecord> = tables::record(read, Table::AiIncident, &id.0.key())?;
    let record = record.filter(|record| record.entry_id <= as_of);
    record.map(|record| told(read, (id, record), as_of)).transpose()
}

fn told(
    read: &impl Read,
    (id, record): (IncidentId, AiIncidentRecord),
    as_of: EntryId,
) -> Result<AiIncident, Corruption> {
    let first = Told::of(read, record.entry_id)?;
    let reported = record.reported.filter(|entry| *entry <= as_of);
    let closed = record.closed.filter(|entry| *entry <= as_of);
    let text = |name: &str| first.text(name).map(str::to_owned);
    let texts = |name: &str| -> Vec<String> {
        let values = first.data.as_ref().and_then(|data| data.get(name));
        let values = values.and_then(Json::as_array).unwrap_or_default();
        values.iter().filter_map(Json::as_str).map(str::to_owned).collect()
    };
    Ok(AiIncident {
        id,
        status: record.status(as_of),
        title: text("title"),
        description: text("description"),
        other_categories: texts("other_categories"),
        aware_at: first.time("aware_at"),
        provider_aware_at: first.time("provider_aware_at"),
        deployer_aware_at: first.time("deployer_aware_at"),
        causal_link_at: first.time("causal_link_at"),
        occurred_at: first.time("occurred_at"),
        system_id: text("system_id"),
        hold_id: text("hold_id"),
        decision_ids: texts("decision_ids"),
        recorded_at: first.at,
        report: reported.map(|entry| Told::of(read, entry)).transpose()?,
        closing: closed.map(|entry| Told::of(read, entry)).transpose()?,
        entry_id: closed.or(reported).unwrap_or(record.entry_id),
        record,
    })
}

/// Incidents that match. At most [`TOTAL_MAX`] are looked at for a page, which then
/// has fewer than it may, and a next one.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn ai_incidents(
    read: &impl Read,
    query: &AiIncidentQuery,
) -> Result<AiIncidentPage, Corruption> {
    let (found, next) = page(read, query)?;
    let incidents = found.into_iter().map(|found| told(read, found, query.as_of));
    let (total, total_exact) = total(read, query)?;
    Ok(AiIncidentPage { incidents: incidents.collect::<Result<_, _>>()?, next, total, total_exact })
}

type Found = (IncidentId, AiIncidentRecord);

impl AiIncidentQuery {
    fn is_there(&self, record: &AiIncidentRecord) -> bool {
        record.entry_id <= self.as_of
    }

    fn matches(&self, record: &AiIncidentRecord) -> bool {
        let status = record.status(self.as_of);
        self.is_there(record) && self.status.is_none_or(|wanted| wanted == status)
    }
}

/// What matches past `after`, and where the next page begins.
fn page(
    read: &impl Read,
    query: &AiIncidentQuery,
) -> Result<(Vec<Found>, Option<IncidentId>), Corruption> {
    const ROWS_MAX: usize = 1_024;
    let (mut found, mut looked_at) = (Vec::new(), 0_u64);
    let mut after = query.after;
    loop {
        let rows = rows(read, after, query.direction, ROWS_MAX)?;
        let is_last = rows.len() < ROWS_MAX;
        for (id, record) in rows {
            if query.matches(&record) {
                if found.len() == query.limit {
                    return Ok((found.clone(), found.last().map(|(last, _)| *last)));
                }
                found.push((id, record));
            }
            after = Some(id);
            looked_at = looked_at.saturating_add(1);
        }
        if is_last {
            return Ok((found, None));
        }
        if TOTAL_MAX <= looked_at {
            return Ok((found, after));
        }
    }
}

/// How many match, and whether that is all: only so many are looked at.
fn total(read: &impl Read, query: &AiIncidentQuery) -> Result<(u64, bool), Corruption> {
    let rows_max = usize::try_from(TOTAL_MAX).unwrap_or(usize::MAX);
    let rows = rows(read, None, Direction::Ascending, rows_max.saturating_add(1))?;
    // What was recorded later comes after, and makes the answer no less exact.
    let there = rows.iter().filter(|(_, record)| query.is_there(record)).count();
    let matching = rows.iter().take(rows_max).filter(|(_, record)| query.matches(record)).count();
    Ok((u64::try_from(matching).unwrap_or(u64::MAX), there <= rows_max))
}

fn rows(
    read: &impl Read,
    after: Option<IncidentId>,
    direction: Direction,
    rows_max: usize,
) -> Result<Vec<Found>, Corruption> {
    let key = after.map(|id| id.0.key().to_vec());
    // The zero byte makes it the first key past this one.
    let from = key.clone().filter(|_| direction == Direction::Ascending).map(|mut key| {
        key.push(0);
        key
    });
    let to = key.filter(|_| direction == Direction::Descending);
    let from = from.unwrap_or_default();
    let scan =
        Scan { table: Table::AiIncident, from: &from, to: to.as_deref(), direction, rows_max };
    let mut found = Vec::new();
    let mut fault = None;
    read.visit(scan, &mut |key, value| {
        let record = codec::decode::<AiIncidentRecord>("ai_incident", value);
        match (keys::last_ulid(key), record) {
            (Some(id), Ok(record)) => found.push((IncidentId(id), record)),
            (None, _) => fault = Some(Corruption::new("ai_incident", "key too short")),
            (_, Err(error)) => fault = Some(error),
        }
    })?;
    fault.map_or(Ok(found), Err)
}
