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
    /// When the organisation came to know of it.
    pub aware_at: Option<Timestamp>,
    /// When it happened.
    pub occurred_at: Option<Timestamp>,
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
    /// Past this one.
    pub after: Option<IncidentId>,
    /// At most so many.
    pub limit: usize,
    /// As they stood once this entry was recorded.
    pub as_of: EntryId,
}

/// A page of incidents, oldest first.
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
    let decisions = first.data.as_ref().and_then(|data| data.get("decision_ids"));
    let decisions = decisions.and_then(Json::as_array).unwrap_or_default();
    Ok(AiIncident {
        id,
        status: record.status(as_of),
        title: text("title"),
        description: text("description"),
        aware_at: first.time("aware_at"),
        occurred_at: first.time("occurred_at"),
        decision_ids: decisions.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        recorded_at: first.at,
        report: reported.map(|entry| Told::of(read, entry)).transpose()?,
        closing: closed.map(|entry| Told::of(read, entry)).transpose()?,
        entry_id: closed.or(reported).unwrap_or(record.entry_id),
        record,
    })
}

/// Incidents that match, oldest first.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn ai_incidents(
    read: &impl Read,
    query: &AiIncidentQuery,
) -> Result<AiIncidentPage, Corruption> {
    let matches = matching(read, query)?;
    let is_past = |(id, _): &&(IncidentId, AiIncidentRecord)| query.after.is_none_or(|it| it < *id);
    let mut rest = matches.found.iter().filter(is_past);
    let mut incidents = Vec::new();
    for found in rest.by_ref().take(query.limit) {
        incidents.push(told(read, *found, query.as_of)?);
    }
    let last = incidents.last().map(|last: &AiIncident| last.id);
    let next = rest.next().and(last);
    let total = u64::try_from(matches.found.len()).unwrap_or(u64::MAX);
    Ok(AiIncidentPage { incidents, next, total, total_exact: !matches.is_cut })
}

struct Matches {
    found: Vec<(IncidentId, AiIncidentRecord)>,
    is_cut: bool,
}

/// What matches among the first [`TOTAL_MAX`].
fn matching(read: &impl Read, query: &AiIncidentQuery) -> Result<Matches, Corruption> {
    let rows_max = usize::try_from(TOTAL_MAX).unwrap_or(usize::MAX);
    let scan = Scan {
        table: Table::AiIncident,
        from: &[],
        to: None,
        direction: Direction::Ascending,
        rows_max: rows_max.saturating_add(1),
    };
    let (mut found, mut rows) = (Vec::new(), 0_usize);
    let mut fault = None;
    read.visit(scan, &mut |key, value| {
        rows = rows.saturating_add(1);
        let record = codec::decode::<AiIncidentRecord>("ai_incident", value);
        match (keys::last_ulid(key), record) {
            (Some(id), Ok(record)) => {
                let is_there = record.entry_id <= query.as_of;
                let status = record.status(query.as_of);
                if is_there && query.status.is_none_or(|wanted| wanted == status) {
                    found.push((IncidentId(id), record));
                }
            }
            (None, _) => fault = Some(Corruption::new("ai_incident", "key too short")),
            (_, Err(error)) => fault = Some(error),
        }
    })?;
    match fault {
        Some(fault) => Err(fault),
        None => {
            found.truncate(rows_max);
            Ok(Matches { found, is_cut: rows_max < rows })
        }
    }
}
