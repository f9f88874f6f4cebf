//! From when on the time of an entry counts, and whether it is up.
//!
//! For most entries it counts from when they were recorded. For what lives (an
//! account, a key, a question to humans, a stop, an incident, an AI system) it
//! counts from its end, and until then nothing of it goes. What describes the
//! organisation itself has no end that could be told from the ledger: its data
//! part is not erased by time at all.

use ledger::{EntryType, StoredEntry};
use types::UserId;
use types::{EntryId, EscalationId, IncidentId, Json, KeyId, Object, StopId, SystemId, Timestamp};

use super::Spans;
use super::class::is_high_risk;
use crate::account;
use crate::annex_iv;
use crate::command::ErasedPart;
use crate::export;
use crate::outcome::Corruption;
use crate::record::{AiIncidentRecord, EscalationRecord, SignerRecord, StopRecord, SystemRecord};
use crate::store::{Read, Table};
use crate::{keys, tables, view};

/// From when on the time of something counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It has not ended.
    Open,
    /// From then on.
    At(Timestamp),
}

/// Whether the time of a part of an entry is up at `now`.
pub(crate) fn is_up(read: &impl Read, of: &Part<'_>, now: Timestamp) -> Result<bool, Corruption> {
    let Part { entry, data, part, spans } = *of;
    let from = match end(read, entry, data, now)? {
        End::Open => return Ok(false),
        End::At(at) => at,
    };
    let span = match part {
        ErasedPart::Personal => spans.personal,
        ErasedPart::All if is_kept(entry.header.entry_type) => return Ok(false),
        ErasedPart::All if is_high_risk(entry.header.entry_type, data) => spans.high_risk,
        ErasedPart::All => spans.other,
    };
    if part == ErasedPart::All && !is_over(entry.header.entry_type, data, now) {
        return Ok(false);
    }
    Ok(from.checked_add(span).is_some_and(|until| until <= now))
}

/// When what an entry is about ended.
pub(crate) fn end(
    read: &impl Read,
    entry: &StoredEntry,
    data: &Object,
    now: Timestamp,
) -> Result<End, Corruption> {
    if account::erased::is_alive(read, entry, now)?
        || export::is_alive(read, entry)?
        || annex_iv::is_alive(read, entry, now)?
    {
        return Ok(End::Open);
    }
    let own = entry.header.timestamp;
    Ok(match end_of(read, entry.header.entry_type, &About { data, own, now })? {
        End::Open => End::Open,
        End::At(at) => End::At(at.max(own)),
    })
}

fn end_of(read: &impl Read, entry_type: EntryType, about: &About<'_>) -> Result<End, Corruption> {
    use EntryType as T;
    let About { data, own, now } = *about;
    let is_of_user = matches!(entry_type, T::UserCreated | T::UserUpdated | T::OidcLinked)
        || matches!(entry_type, T::MfaEnrolled | T::MfaReset);
    if is_of_user {
        return Ok(End::At(disabled(read, data)?.unwrap_or(own)));
    }
    if is_of_incident(entry_type) {
        return incident(read, data, own);
    }
    if is_of_system(entry_type) {
        return system(read, about);
    }
    if entry_type == T::ApiKeyCreated {
        return api_key(read, data, own);
    }
    if entry_type == T::SignerRegistered {
        return signer(read, data, own);
    }
    if entry_type == T::Intervention {
        return stop(read, data, own);
    }
    escalation(read, data, own, now)
}

fn is_of_incident(entry_type: EntryType) -> bool {
    use EntryType as T;
    matches!(entry_type, T::IncidentRecorded | T::IncidentReported | T::IncidentClosed)
}

fn is_of_system(entry_type: EntryType) -> bool {
    matches!(entry_type, EntryType::SystemRegistered | EntryType::SystemUpdated)
}

/// Whether such an entry is about a system or an incident, of which what is
/// personal goes when somebody wants that, and the rest when it has ended.
pub(crate) fn is_of_thing(entry_type: EntryType) -> bool {
    is_of_incident(entry_type) || is_of_system(entry_type)
}

/// The system or the incident that such an entry is about, as its id is written.
pub(crate) fn thing(entry_type: EntryType, data: &Object) -> Option<&str> {
    let name = if is_of_system(entry_type) { "system_id" } else { "incident_id" };
    data.get(name).filter(|_| is_of_thing(entry_type)).and_then(Json::as_str)
}

/// What is asked about an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) entry: &'a StoredEntry,
    /// Its data part.
    pub(crate) data: &'a Object,
    pub(crate) part: ErasedPart,
    pub(crate) spans: Spans,
}

/// What an entry says, when, and when that is asked.
#[derive(Clone, Copy)]
struct About<'a> {
    data: &'a Object,
    own: Timestamp,
    now: Timestamp,
}

/// What says how the organisation, its duties and its systems stand: later
/// entries rest on it for as long as nothing replaces it.
fn is_kept(entry_type: EntryType) -> bool {
    matches!(
        entry_type,
        EntryType::ProfileUpdated
            | EntryType::RegisterUpdated
            | EntryType::AnnexIvUpdated
            | EntryType::ControlEvidenceLinked
            | EntryType::ConfigChanged
    )
}

/// Whether what says itself how long it counts does so no more: evidence, and what
/// somebody attests. Without an end it counts for ever.
pub(crate) fn is_over(entry_type: EntryType, data: &Object, now: Timestamp) -> bool {
    let name = match entry_type == EntryType::EvidenceRegistered {
        true => "retention_until",
        false if entry_type == EntryType::ControlAttested => "valid_until",
        false => return true,
    };
    time(data, name).is_some_and(|until| until <= now)
}

fn time(data: &Object, name: &str) -> Option<Timestamp> {
    data.get(name).and_then(Json::as_str).and_then(|text| text.parse().ok())
}

/// When an account was disabled last, as its record has it: among its entries
/// whoever tries to log in could push the one that says so out of sight.
fn disabled(read: &impl Read, data: &Object) -> Result<Option<Timestamp>, Corruption> {
    let Some(id) = id_in::<UserId>(data, "actor") else { return Ok(None) };
    let by = view::user(read, id)?.and_then(|user| user.disabled_by);
    by.map(|entry| Ok(stored(read, entry)?.header.timestamp)).transpose()
}

/// An incident ends when it is closed. Where its record is gone, the entry that
/// made it is, and what is left counts for itself.
fn incident(read: &impl Read, data: &Object, own: Timestamp) -> Result<End, Corruption> {
    let Some(id) = id_in::<IncidentId>(data, "incident_id") else { return Ok(End::At(own)) };
    let record: Option<AiIncidentRecord> = tables::record(read, Table::AiIncident, &id.0.key())?;
    match record.map(|record| record.closed) {
        Some(None) => Ok(End::Open),
        Some(Some(entry)) => Ok(End::At(stored(read, entry)?.header.timestamp)),
        None => Ok(End::At(own)),
    }
}

/// A system ends when it is retired, which may be told before and after; but not
/// before it was told last how it is. One that is to be retired is in use until
/// then. A record that is gone went with the entry that told its last state.
fn system(read: &impl Read, about: &About<'_>) -> Result<End, Corruption> {
    let About { data, own, now } = *about;
    let Some(id) = id_in::<SystemId>(data, "system_id") else { return Ok(End::At(own)) };
    let record: Option<SystemRecord> = tables::record(read, Table::System, &id.0.key())?;
    let Some(record) = record else { return Ok(End::At(own)) };
    let retired = record.details.retired.filter(|at| *at <= now);
    Ok(retired.map_or(End::Open, |at| End::At(at.max(record.updated_at))))
}

fn id_in<T: std::str::FromStr>(data: &Object, name: &str) -> Option<T> {
    data.get(name).and_then(Json::as_str)?.parse().ok()
}

fn stored(read: &impl Read, id: EntryId) -> Result<StoredEntry, Corruption> {
    let missing = || Corruption::new("header", format!("entry {id} is missing"));
    view::entry(read, id)?.ok_or_else(missing)
}

fn api_key(read: &impl Read, data: &Object, own: Timestamp) -> Result<End, Corruption> {
    let Some(id) = id_in(data, "actor") else { return Ok(End::At(own)) };
    let Some(key) = view::api_key(read, id)? else { return Ok(End::At(own)) };
    let revoked = key.revoked.map(|entry| stored(read, entry)).transpose()?;
    let revoked = revoked.map(|entry| entry.header.timestamp);
    // Whichever came first ended it.
    let end = [revoked, key.expires_at].into_iter().flatten().min();
    Ok(End::At(end.unwrap_or(own)))
}

fn signer(read: &impl Read, data: &Object, own: Timestamp) -> Result<End, Corruption> {
    let Some(id) = id_in::<KeyId>(data, "key_id") else { return Ok(End::At(own)) };
    let record: Option<SignerRecord> = tables::record(read, Table::Signer, &keys::signer(id.0))?;
    match record.map(|record| record.revoked) {
        Some(None) => Ok(End::Open),
        Some(Some(entry)) => Ok(End::At(stored(read, entry)?.header.timestamp)),
        None => Ok(End::At(own)),
    }
}

fn stop(read: &impl Read, data: &Object, own: Timestamp) -> Result<End, Corruption> {
    let Some(id) = id_in::<StopId>(data, "stop_id") else { return Ok(End::At(own)) };
    let record: Option<StopRecord> = tables::record(read, Table::Stop, &id.0.key())?;
    match record.map(|record| record.lifted) {
        Some(None) => Ok(End::Open),
        Some(Some(entry)) => Ok(End::At(stored(read, entry)?.header.timestamp)),
        None => Ok(End::At(own)),
    }
}

/// While somebody must still answer, what it is about stays; then the time
/// counts from the answer.
fn escalation(
    read: &impl Read,
    data: &Object,
    own: Timestamp,
    now: Timestamp,
) -> Result<End, Corruption> {
    let Some(id) = id_in::<EscalationId>(data, "escalation_id") else { return Ok(End::At(own)) };
    let record: Option<EscalationRecord> = tables::record(read, Table::Escalation, &id.0.key())?;
    let Some(record) = record else { return Ok(End::At(own)) };
    // Its own rule looks at what is recorded: until the sweep, a row lists it.
    if record.status.is_open() || record.status(now).is_open() {
        return Ok(End::Open);
    }
    match record.ended {
        Some(entry) => Ok(End::At(stored(read, entry)?.header.timestamp)),
        None => Ok(End::At(record.deadline)),
    }
}
