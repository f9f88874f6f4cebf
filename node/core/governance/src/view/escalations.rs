//! Escalations, read back from their records and the entries these lead to: a
//! page costs what it returns.
//!
//! What a list says is about now: an escalation whose time is over is expired,
//! whether or not the sweep has recorded that.

mod lists;

use ledger::StoredEntry;
use types::{DecisionId, Digest, EntryId, EscalationId, Json, Object, Timestamp};

use super::Absent;
use crate::decision::recorded;
use crate::escalation::action_digest;
use crate::outcome::Corruption;
use crate::record::{EscalationRecord, EscalationStatus, Resolution};
use crate::store::{Read, Table};
use crate::{keys, tables};

pub use lists::{
    EscalationPage, EscalationQuery, ViolationPage, ViolationPlace, escalations, violations,
};

/// An escalation as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalation {
    /// Its id.
    pub id: EscalationId,
    /// How it stands.
    pub record: EscalationRecord,
    /// Where it is now: its time may be over before that is recorded.
    pub status: EscalationStatus,
    /// What it is about, in the words of who raised it.
    pub summary: Option<String>,
    /// What an approval is bound to; `None` once that is erased.
    pub action_digest: Option<Digest>,
    /// When somebody said that he looks.
    pub acknowledged_at: Option<Timestamp>,
    /// The answer.
    pub answer: Option<Answer>,
    /// What was kept with it.
    pub metadata: Option<Object>,
}

impl Escalation {
    /// The same right after an entry about it was recorded: what a request is
    /// answered, however often it comes.
    #[must_use]
    pub fn as_of(mut self, entry: EntryId) -> Self {
        self.answer = self.answer.filter(|answer| answer.entry_id <= entry);
        self.record.acknowledged = self.record.acknowledged.filter(|(_, by)| *by <= entry);
        self.acknowledged_at = self.acknowledged_at.filter(|_| self.record.acknowledged.is_some());
        self.status = if self.answer.is_some() {
            EscalationStatus::Resolved
        } else if self.record.acknowledged.is_some() {
            EscalationStatus::Acknowledged
        } else {
            EscalationStatus::Pending
        };
        self
    }
}

/// The answer to an escalation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What was said.
    pub resolution: Resolution,
    /// By whom; `None` once that is erased.
    pub by: Option<String>,
    /// And why; `None` once that is erased.
    pub notes: Option<String>,
    /// Applied time.
    pub at: Timestamp,
    /// The entry that says so.
    pub entry_id: EntryId,
}

/// An escalation as it stands at `now`.
///
/// # Errors
/// The outer one is [`Corruption`].
pub fn escalation(
    read: &impl Read,
    id: EscalationId,
    now: Timestamp,
) -> Result<Result<Escalation, Absent>, Corruption> {
    let record: Option<EscalationRecord> = tables::record(read, Table::Escalation, &id.0.key())?;
    match record {
        Some(record) if record.is_erased() => Ok(Err(Absent::Erased)),
        Some(record) => shown(read, id, record, now).map(Ok),
        None => Ok(Err(Absent::Unknown)),
    }
}

fn shown(
    read: &impl Read,
    id: EscalationId,
    record: EscalationRecord,
    now: Timestamp,
) -> Result<Escalation, Corruption> {
    let made = match record.auto {
        // What made it tells of something else.
        true => Object::new(),
        false => personal(&entry(read, record.entry_id)?)?,
    };
    let of_personal = |name: &str| made.get(name).and_then(Json::as_str).map(str::to_owned);
    let acknowledged_at = match &record.acknowledged {
        Some((_, by)) => Some(entry(read, *by)?.header.timestamp),
        None => None,
    };
    Ok(Escalation {
        id,
        status: record.status(now),
        summary: of_personal("context_summary"),
        action_digest: match record.auto {
            true => recorded(read, record.decision)?.ok().and_then(|it| action_digest(&it)),
            false if has_words(read, record.decision)? => {
                of_personal("action_digest").and_then(|it| it.parse().ok())
            }
            // It tells what was decided to whoever can guess it, so that it goes
            // with the words it was made of.
            false => None,
        },
        acknowledged_at,
        answer: answer(read, &record)?,
        metadata: made.get("metadata").and_then(Json::as_object).cloned(),
        record,
    })
}

fn answer(read: &impl Read, record: &EscalationRecord) -> Result<Option<Answer>, Corruption> {
    let (Some(resolution), Some(entry_id)) = (record.resolution, record.ended) else {
        return Ok(None);
    };
    let entry = entry(read, entry_id)?;
    let data = match &entry.data {
        Some(part) => object(&part.text, entry_id)?,
        None => Object::new(),
    };
    let personal = personal(&entry)?;
    let text = |of: &Object, name: &str| of.get(name).and_then(Json::as_str).map(str::to_owned);
    Ok(Some(Answer {
        resolution,
        by: text(&data, "by"),
        notes: text(&personal, "notes"),
        at: entry.header.timestamp,
        entry_id,
    }))
}

/// Whether the personal part of a decision is there.
fn has_words(read: &impl Read, decision: DecisionId) -> Result<bool, Corruption> {
    match super::decision_entry(read, decision)? {
        Some(entry) => Ok(read.get(Table::Personal, &keys::entry(entry))?.is_some()),
        None => Ok(false),
    }
}

fn entry(read: &impl Read, id: EntryId) -> Result<StoredEntry, Corruption> {
    let missing = || Corruption::new("header", format!("entry {id} is missing"));
    super::entry(read, id)?.ok_or_else(missing)
}

/// The personal part of an entry; empty where it has none, or none any more.
fn personal(entry: &StoredEntry) -> Result<Object, Corruption> {
    match &entry.personal {
        Some(part) => object(&part.text, entry.header.id),
        None => Ok(Object::new()),
    }
}

fn object(text: &str, id: EntryId) -> Result<Object, Corruption> {
    serde_json::from_str(text)
        .map_err(|_| Corruption::new("data", format!("entry {id} is no object")))
}
