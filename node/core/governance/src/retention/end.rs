//! From when on the time of an entry counts, and whether it is up.
//!
//! For most entries it counts from when they were recorded. For what lives (an
//! account, a key, a question to humans, a stop, an incident, an AI system) it
//! counts from its end, and until then nothing of it goes. What describes the
//! organisation itself has no end that could be told from the ledger: its data
//! part is not erased by time at all.

use std::collections::BTreeMap;

use ledger::{EntryType, StoredEntry};
use types::{EntryId, EscalationId, Json, KeyId, Object, StopId, Timestamp};

use super::Spans;
use super::class::is_high_risk;
use crate::account;
use crate::annex_iv;
use crate::command::ErasedPart;
use crate::export;
use crate::outcome::Corruption;
use crate::record::{EscalationRecord, SignerRecord, StopRecord};
use crate::store::{Direction, Read, Scan, Table};
use crate::{codec, keys, tables, view};

/// Entries that are looked at for the end of something: each look is part of
/// applying, so there is an end to it.
const LOOKED_AT_MAX: usize = 10_000;

/// Entries of one account that are looked at for when it was disabled.
const OF_ACCOUNT_MAX: usize = 256;

/// When things ended. What was found once is remembered while one command, or
/// one step of retention, is carried out.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    incidents: Option<BTreeMap<String, Timestamp>>,
    systems: Option<BTreeMap<String, Timestamp>>,
}

/// From when on the time of something counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It has not ended.
    Open,
    /// From then on.
    At(Timestamp),
}

impl Ends {
    /// Whether the time of a part of an entry is up at `now`.
    pub(crate) fn is_up(
        &mut self,
        read: &impl Read,
        of: &Part<'_>,
        now: Timestamp,
    ) -> Result<bool, Corruption> {
        let Part { entry, data, part, spans } = *of;
        let from = match self.end(read, entry, data, now)? {
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
        &mut self,
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
        Ok(match self.end_of(read, entry.header.entry_type, &About { data, own, now })? {
            End::Open => End::Open,
            End::At(at) => End::At(at.max(own)),
        })
    }

    fn end_of(
        &mut self,
        read: &impl Read,
        entry_type: EntryType,
        about: &About<'_>,
    ) -> Result<End, Corruption> {
        use EntryType as T;
        let About { data, own, now } = *about;
        let is_of_user = matches!(entry_type, T::UserCreated | T::UserUpdated | T::OidcLinked)
            || matches!(entry_type, T::MfaEnrolled | T::MfaReset);
        if is_of_user {
            return Ok(End::At(disabled(read, data)?.unwrap_or(own)));
        }
        if matches!(entry_type, T::IncidentRecorded | T::IncidentReported | T::IncidentClosed) {
            let id = data.get("incident_id").and_then(Json::as_str);
            return Ok(ended(self.incidents(read)?, id));
        }
        if matches!(entry_type, T::SystemRegistered | T::SystemUpdated) {
            let id = data.get("system_id").and_then(Json::as_str);
            return Ok(ended(self.systems(read)?, id));
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

    /// Incidents that were closed, and when.
    fn incidents(&mut self, read: &impl Read) -> Result<&BTreeMap<String, Timestamp>, Corruption> {
        if self.incidents.is_none() {
            let mut closed = BTreeMap::new();
            newest(read, EntryType::IncidentClosed, &mut |at, data| {
                if let Some(id) = data.get("incident_id").and_then(Json::as_str) {
                    closed.insert(id.to_owned(), at);
                }
            })?;
            self.incidents = Some(closed);
        }
        Ok(self.incidents.get_or_insert_default())
    }

    /// Systems that are retired, as the newest entry about each has it, and when
    /// that was said.
    fn systems(&mut self, read: &impl Read) -> Result<&BTreeMap<String, Timestamp>, Corruption> {
        if self.systems.is_none() {
            let mut seen: BTreeMap<String, Option<Timestamp>> = BTreeMap::new();
            newest(read, EntryType::SystemUpdated, &mut |at, data| {
                let Some(id) = data.get("system_id").and_then(Json::as_str) else { return };
                let is_retired = data.get("retired").is_some_and(|retired| !retired.is_null());
                seen.entry(id.to_owned()).or_insert(is_retired.then_some(at));
            })?;
            let retired = seen.into_iter().filter_map(|(id, at)| Some((id, at?)));
            self.systems = Some(retired.collect());
        }
        Ok(self.systems.get_or_insert_default())
    }
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

fn ended(ends: &BTreeMap<String, Timestamp>, id: Option<&str>) -> End {
    id.and_then(|id| ends.get(id)).map_or(End::Open, |at| End::At(*at))
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
fn is_over(entry_type: EntryType, data: &Object, now: Timestamp) -> bool {
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

/// When an account was disabled last, as far as its newest entries tell.
fn disabled(read: &impl Read, data: &Object) -> Result<Option<Timestamp>, Corruption> {
    let Some(actor) = data.get("actor").and_then(Json::as_str) else { return Ok(None) };
    let rows = read.scan(Scan {
        table: Table::EntryByActor,
        from: &keys::texts(&[actor]),
        to: Some(&keys::after_texts(&[actor])),
        direction: Direction::Descending,
        rows_max: OF_ACCOUNT_MAX,
    })?;
    for (_, value) in &rows {
        let entry = stored(read, codec::decode("entry_by_actor", value)?)?;
        if entry.header.entry_type == EntryType::UserDisabled {
            return Ok(Some(entry.header.timestamp));
        }
    }
    Ok(None)
}

fn stored(read: &impl Read, id: EntryId) -> Result<StoredEntry, Corruption> {
    let missing = || Corruption::new("header", format!("entry {id} is missing"));
    view::entry(read, id)?.ok_or_else(missing)
}

fn api_key(read: &impl Read, data: &Object, own: Timestamp) -> Result<End, Corruption> {
    let id = data.get("actor").and_then(Json::as_str).and_then(|id| id.parse().ok());
    let Some(id) = id else { return Ok(End::At(own)) };
    let Some(key) = view::api_key(read, id)? else { return Ok(End::At(own)) };
    let revoked = key.revoked.map(|entry| stored(read, entry)).transpose()?;
    let revoked = revoked.map(|entry| entry.header.timestamp);
    // Whichever came first ended it.
    let end = [revoked, key.expires_at].into_iter().flatten().min();
    Ok(End::At(end.unwrap_or(own)))
}

fn signer(read: &impl Read, data: &Object, own: Timestamp) -> Result<End, Corruption> {
    let id = data.get("key_id").and_then(Json::as_str).and_then(|id| id.parse::<KeyId>().ok());
    let Some(id) = id else { return Ok(End::At(own)) };
    let record: Option<SignerRecord> = tables::record(read, Table::Signer, &keys::signer(id.0))?;
    match record.map(|record| record.revoked) {
        Some(None) => Ok(End::Open),
        Some(Some(entry)) => Ok(End::At(stored(read, entry)?.header.timestamp)),
        None => Ok(End::At(own)),
    }
}

fn stop(read: &impl Read, data: &Object, own: Timestamp) -> Result<End, Corruption> {
    let id = data.get("stop_id").and_then(Json::as_str).and_then(|id| id.parse::<StopId>().ok());
    let Some(id) = id else { return Ok(End::At(own)) };
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
    let id = data.get("escalation_id").and_then(Json::as_str);
    let Some(id) = id.and_then(|id| id.parse::<EscalationId>().ok()) else {
        return Ok(End::At(own));
    };
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

/// Shows the newest entries of a type, as far as they are not erased.
fn newest(
    read: &impl Read,
    entry_type: EntryType,
    see: &mut dyn FnMut(Timestamp, &Object),
) -> Result<(), Corruption> {
    let text = entry_type.as_str();
    let rows = read.scan(Scan {
        table: Table::EntryByType,
        from: &keys::texts(&[text]),
        to: Some(&keys::after_texts(&[text])),
        direction: Direction::Descending,
        rows_max: LOOKED_AT_MAX,
    })?;
    for (_, value) in &rows {
        let entry = stored(read, codec::decode("entry_by_type", value)?)?;
        let data = super::class::object(&entry, super::class::Side::Data)?;
        if let Some(data) = data {
            see(entry.header.timestamp, &data);
        }
    }
    Ok(())
}
