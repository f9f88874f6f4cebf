//! Serious incidents of AI systems, and the clocks that run until an authority
//! knows of them: Article 73.
//!
//! Whether something is such an incident, and whether an authority must be told,
//! humans say. What must not be altered before authorities know (Article 73(6)) is
//! frozen as it is recorded: the same command applies a legal hold over the entry
//! of the incident and those of the decisions it names. Only people release it.
//!
//! Invariants
//! - An incident is reported once and closed once, and not reported after.
//! - The clock runs from the earliest moment at which the organisation, the provider
//!   or the deployer knew, none of them in the future of the entry that records it,
//!   and for the shortest of the classes that apply. It never waits for a causal
//!   link to be established.
//! - No incident is recorded without its hold.

use ledger::{EntryType, StoredEntry};
use types::{EntryId, IncidentId, Json, Micros, Object, Timestamp};

use crate::access::{self, EVIDENCE};
use crate::apply::{Context, Stop};
use crate::command::{
    CloseIncident, Erase, ErasedPart, ErasureCause, HoldScope, IncidentCategory, RecordIncident,
    ReportIncident,
};
use crate::decision;
use crate::idempotency;
use crate::outcome::{Corruption, Outcome, Rejection};
use crate::record::AiIncidentRecord;
use crate::retention::hold::{self, NewHold};
use crate::store::{Read, Store, Table};
use crate::{system, tables};

/// Decisions that an incident may name.
pub const DECISIONS_MAX: usize = 100;

/// Holds that may be in force where an incident adds one. Anybody may record an
/// incident, and the rest is left to those who must freeze something else.
const HOLDS_MAX: usize = hold::IN_FORCE_MAX / 2;

const DAY_SECONDS: u64 = 24 * 3600;

/// How far an incident has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncidentStatus {
    /// No authority was told yet.
    Open,
    /// One was.
    Reported,
    /// It is over.
    Closed,
}

impl IncidentStatus {
    /// Every one, in the order of a life.
    pub const ALL: [Self; 3] = [Self::Open, Self::Reported, Self::Closed];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Reported => "reported",
            Self::Closed => "closed",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

impl AiIncidentRecord {
    /// How it stood once an entry was recorded.
    pub fn status(&self, as_of: EntryId) -> IncidentStatus {
        let is_there = |entry: Option<EntryId>| entry.is_some_and(|entry| entry <= as_of);
        if is_there(self.closed) {
            IncidentStatus::Closed
        } else if is_there(self.reported) {
            IncidentStatus::Reported
        } else {
            IncidentStatus::Open
        }
    }
}

/// What an incident is checked to be.
struct Checked {
    report_due_at: Timestamp,
    /// Entries of the decisions it names.
    decisions: Vec<EntryId>,
}

pub(crate) fn record<S: Store>(
    context: &mut Context<'_, S>,
    asked: &RecordIncident,
) -> Result<Outcome, Stop> {
    access::need_level(context, EVIDENCE)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let checked = check(context, asked)?;
    hold::room(context, HOLDS_MAX)?;
    let id = IncidentId(context.fresh("inc", Table::AiIncident)?);
    let hold = hold::drawn(context)?;
    let mut data = data(context, asked);
    data.insert("hold_id", hold.as_str());
    data.insert("incident_id", id.to_string());
    data.insert("report_due_at", checked.report_due_at.to_string());
    let mut personal = Object::new();
    personal.insert("description", asked.description.as_str());
    personal.insert("title", asked.title.as_str());
    let recorded = context.record_about(EntryType::IncidentRecorded, None, data, personal)?;
    let record = AiIncidentRecord {
        entry_id: recorded.entry_id,
        category: asked.category,
        clock_days: asked.clock_days(),
        report_due_at: checked.report_due_at,
        reported: None,
        closed: None,
    };
    context.tables.put_record(Table::AiIncident, &id.0.key(), &record)?;
    freeze(context, (id, hold), checked.decisions, recorded.entry_id)?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

fn data<S: Store>(context: &Context<'_, S>, asked: &RecordIncident) -> Object {
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let decisions = asked.decisions.iter().map(|id| id.to_string().into());
    let others = asked.other_categories.iter().map(|other| other.as_str().into());
    let mut data = context.asked();
    data.insert("aware_at", asked.aware_at.to_string());
    data.insert("category", asked.category.as_str());
    data.insert("causal_link_at", time(asked.causal_link_at));
    data.insert("clock_days", asked.clock_days());
    data.insert("decision_ids", Json::Array(decisions.collect()));
    data.insert("deployer_aware_at", time(asked.deployer_aware_at));
    data.insert("occurred_at", time(asked.occurred_at));
    data.insert("other_categories", Json::Array(others.collect()));
    data.insert("provider_aware_at", time(asked.provider_aware_at));
    data.insert("system_id", asked.system.map(|id| id.to_string()));
    data
}

/// Freezes the entry of an incident and those of its decisions.
fn freeze<S: Store>(
    context: &mut Context<'_, S>,
    (incident, hold): (IncidentId, String),
    mut entries: Vec<EntryId>,
    entry: EntryId,
) -> Result<(), Corruption> {
    entries.push(entry);
    entries.sort_unstable();
    entries.dedup();
    let affected = u64::try_from(entries.len()).unwrap_or(u64::MAX);
    let hold = NewHold {
        id: hold,
        reason: format!("Article 73(6): serious incident {incident}"),
        scope: HoldScope::Entries(entries),
        affected,
        is_exact: true,
    };
    hold::place(context, &hold).map(drop)
}

/// When it must be reported and what it is about, if it can have happened so.
fn check<S: Store>(context: &Context<'_, S>, asked: &RecordIncident) -> Result<Checked, Stop> {
    let beyond = |member| Stop::from(Rejection::OutOfBounds { member });
    for (member, at) in [
        ("aware_at", Some(asked.aware_at)),
        ("provider_aware_at", asked.provider_aware_at),
        ("deployer_aware_at", asked.deployer_aware_at),
        ("causal_link_at", asked.causal_link_at),
    ] {
        if at.is_some_and(|at| context.applied.at < at) {
            return Err(beyond(member));
        }
    }
    if asked.occurred_at.is_some_and(|at| asked.known_since() < at) {
        return Err(beyond("occurred_at"));
    }
    let mut classes = asked.other_categories.clone();
    classes.push(asked.category);
    if !IncidentCategory::ALL
        .iter()
        .all(|it| classes.iter().filter(|class| *class == it).count() <= 1)
    {
        return Err(beyond("other_categories"));
    }
    if DECISIONS_MAX < asked.decisions.len() {
        return Err(beyond("decision_ids"));
    }
    let read = context.tables.read();
    if let Some(id) = asked.system {
        system::known(read, id)?;
    }
    let mut decisions = Vec::new();
    for id in &asked.decisions {
        decisions.push(decision::known(read, *id)?.entry_id);
    }
    let clock = Micros::from_seconds(asked.clock_days().saturating_mul(DAY_SECONDS));
    let due = asked.known_since().checked_add(clock);
    Ok(Checked { report_due_at: due.ok_or_else(|| beyond("aware_at"))?, decisions })
}

pub(crate) fn report<S: Store>(
    context: &mut Context<'_, S>,
    asked: &ReportIncident,
) -> Result<Outcome, Stop> {
    access::need_level(context, EVIDENCE)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let record = open(context.tables.read(), asked.incident)?;
    if record.reported.is_some() {
        return Err(Rejection::IncidentReported { incident: asked.incident }.into());
    }
    let mut data = context.asked();
    data.insert("authority", asked.authority.as_str());
    data.insert("incident_id", asked.incident.to_string());
    data.insert("reference", asked.reference.as_str());
    let recorded = context.record(EntryType::IncidentReported, data)?;
    let record = AiIncidentRecord { reported: Some(recorded.entry_id), ..record };
    context.tables.put_record(Table::AiIncident, &asked.incident.0.key(), &record)?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

pub(crate) fn close<S: Store>(
    context: &mut Context<'_, S>,
    asked: &CloseIncident,
) -> Result<Outcome, Stop> {
    access::need_level(context, EVIDENCE)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let record = open(context.tables.read(), asked.incident)?;
    let mut data = context.asked();
    data.insert("incident_id", asked.incident.to_string());
    let mut personal = Object::new();
    personal.insert("notes", asked.notes.as_str());
    let recorded = context.record_about(EntryType::IncidentClosed, None, data, personal)?;
    let record = AiIncidentRecord { closed: Some(recorded.entry_id), ..record };
    context.tables.put_record(Table::AiIncident, &asked.incident.0.key(), &record)?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

/// An incident that is not over.
fn open(read: &impl Read, id: IncidentId) -> Result<AiIncidentRecord, Stop> {
    let record: Option<AiIncidentRecord> = tables::record(read, Table::AiIncident, &id.0.key())?;
    let record = record.ok_or(Rejection::UnknownIncident { incident: id })?;
    match record.closed {
        Some(_) => Err(Rejection::IncidentClosed { incident: id }.into()),
        None => Ok(record),
    }
}

/// Whether an entry must keep what is to be erased of it, because it is about an
/// incident that is not over.
pub(crate) fn is_held(
    read: &impl Read,
    entry: &StoredEntry,
    erase: &Erase,
) -> Result<bool, Corruption> {
    let is_wish = erase.cause == ErasureCause::Request && erase.part == ErasedPart::Personal;
    let data = entry.data.as_ref().filter(|_| !is_wish && tells(entry.header.entry_type));
    let Some(data) = data.and_then(|data| serde_json::from_str(&data.text).ok()) else {
        return Ok(false);
    };
    let Some(id) = id_in(&data) else { return Ok(false) };
    let record: Option<AiIncidentRecord> = tables::record(read, Table::AiIncident, &id.0.key())?;
    Ok(record.is_some_and(|record| record.closed.is_none()))
}

fn tells(entry_type: EntryType) -> bool {
    matches!(
        entry_type,
        EntryType::IncidentRecorded | EntryType::IncidentReported | EntryType::IncidentClosed
    )
}

fn id_in(data: &Object) -> Option<IncidentId> {
    data.get("incident_id").and_then(Json::as_str)?.parse().ok()
}

/// Takes an incident away with the entry that recorded it.
pub(crate) fn forget<S: Store>(
    context: &mut Context<'_, S>,
    entry: &StoredEntry,
    data: &Object,
    part: ErasedPart,
) {
    let is_record = entry.header.entry_type == EntryType::IncidentRecorded;
    if let Some(id) = id_in(data).filter(|_| is_record && part == ErasedPart::All) {
        context.tables.delete(Table::AiIncident, &id.0.key());
    }
}
