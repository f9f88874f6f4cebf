//! The AI systems of the organisation: which there are, what each is for, and
//! whose decisions belong to it.
//!
//! Lexecon governs these systems and is none of them. What role and what route a
//! system has the organisation says; nothing here classifies.
//!
//! Invariants
//! - No two systems have one name, whatever the case of its letters in ASCII.
//! - While a system is not retired its entries keep what it is made of; only the
//!   contact goes when a person asks for that. After that retention takes both.
//! - A contact that is erased in the ledger is not in the state either.
//! - Which entries were versions of a system stays known after they are erased, so
//!   that an older one that was kept is never taken for how the system is.

use ledger::{EntryType, StoredEntry};
use types::{EntryId, Json, Object, SystemId, Timestamp};

use crate::access::{self, EVIDENCE};
use crate::apply::{Context, Stop};
use crate::command::{
    Erase, ErasedPart, ErasureCause, RegisterSystem, SystemDetails, UpdateSystem,
};
use crate::idempotency;
use crate::keys;
use crate::outcome::{Corruption, Outcome, Recorded, Rejection};
use crate::record::SystemRecord;
use crate::store::{Read, Store, Table};
use crate::tables;

/// Systems there may be.
pub const SYSTEMS_MAX: u64 = 10_000;
/// Actors or patterns of them that a system may name.
pub const PATTERNS_MAX: usize = 100;

const NAME_CHARS_MAX: usize = 255;
const PATTERN_CHARS_MAX: usize = 255;
const PURPOSE_CHARS_MAX: usize = 10_000;

/// How a system stands at a moment: what its dates say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemStatus {
    /// Neither on the market nor in service yet.
    Planned,
    /// One of the two.
    InUse,
    /// No longer.
    Retired,
}

impl SystemStatus {
    /// Every one, in the order of a life.
    pub const ALL: [Self; 3] = [Self::Planned, Self::InUse, Self::Retired];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::InUse => "in_use",
            Self::Retired => "retired",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

impl SystemDetails {
    /// How the system stands at a moment.
    pub fn status(&self, now: Timestamp) -> SystemStatus {
        let is_past = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        if is_past(self.retired) {
            SystemStatus::Retired
        } else if is_past(self.placed_on_market) || is_past(self.put_into_service) {
            SystemStatus::InUse
        } else {
            SystemStatus::Planned
        }
    }

    /// The members as an entry and a reply have them.
    pub fn to_json(&self) -> Object {
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let patterns = self.actor_patterns.iter().map(|pattern| pattern.as_str().into());
        let mut told = Object::new();
        told.insert("name", self.name.as_str());
        told.insert("intended_purpose", self.intended_purpose.as_str());
        told.insert("role", self.role.as_str());
        told.insert("risk_route", self.risk_route.as_str());
        told.insert("actor_patterns", Json::Array(patterns.collect()));
        told.insert("placed_on_market", time(self.placed_on_market));
        told.insert("put_into_service", time(self.put_into_service));
        told.insert("retired", time(self.retired));
        told.insert("annex_viii", self.annex_viii.clone().map(Json::Object));
        told.insert("metadata", self.metadata.clone().map(Json::Object));
        told
    }

    /// Which member cannot be kept.
    fn fault(&self) -> Option<&'static str> {
        let chars = |text: &str| text.chars().count();
        let is_line = |text: &str| !text.trim().is_empty() && !text.chars().any(char::is_control);
        if !is_line(&self.name) || NAME_CHARS_MAX < chars(&self.name) {
            return Some("name");
        }
        let purpose = &self.intended_purpose;
        if purpose.trim().is_empty() || PURPOSE_CHARS_MAX < chars(purpose) {
            return Some("intended_purpose");
        }
        let is_pattern =
            |text: &String| policy::is_actor_pattern(text) && text.len() <= PATTERN_CHARS_MAX;
        if PATTERNS_MAX < self.actor_patterns.len() || !self.actor_patterns.iter().all(is_pattern) {
            return Some("actor_patterns");
        }
        let begin = [self.placed_on_market, self.put_into_service].into_iter().flatten().min();
        // What never was in use may be given up; what was is not retired before.
        let is_before = |(begin, end)| end < begin;
        begin.zip(self.retired).is_some_and(is_before).then_some("retired")
    }
}

pub(crate) fn register<S: Store>(
    context: &mut Context<'_, S>,
    asked: &RegisterSystem,
) -> Result<Outcome, Stop> {
    access::need_level(context, EVIDENCE)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    check(context, &asked.details, None)?;
    let entry_type = EntryType::SystemRegistered;
    let there =
        tables::last_number(context.tables.read(), Table::EntryByType, entry_type.as_str())?;
    if SYSTEMS_MAX <= there {
        return Err(Rejection::TooMany { things: "systems", there }.into());
    }
    let id = SystemId(context.fresh("sys", Table::System)?);
    let now = context.applied.at;
    let mut record = SystemRecord {
        registered: EntryId(0),
        latest: EntryId(0),
        version: 1,
        details: asked.details.clone(),
        contact: asked.contact.clone().filter(|contact| !contact.is_null()),
        contact_since: EntryId(0),
        created_at: now,
        updated_at: now,
        by: by(context),
    };
    let recorded = tell(context, entry_type, (id, &record), &[])?;
    let entry = recorded.entry_id;
    (record.registered, record.latest, record.contact_since) = (entry, entry, entry);
    keep(context, id, &record)?;
    context.tables.put_record(Table::SystemByName, &name_key(&record.details.name), &id)?;
    idempotency::keep(context, entry)?;
    Ok(Outcome::Recorded(recorded))
}

pub(crate) fn update<S: Store>(
    context: &mut Context<'_, S>,
    asked: &UpdateSystem,
) -> Result<Outcome, Stop> {
    access::need_level(context, EVIDENCE)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let before = known(context.tables.read(), asked.system)?;
    let (details, contact) = changed(&before, asked);
    check(context, &details, Some(asked.system))?;
    let is_same_contact = contact == before.contact;
    let mut record = SystemRecord {
        version: before.version.saturating_add(1),
        updated_at: context.applied.at,
        by: by(context),
        details,
        contact,
        ..before.clone()
    };
    let changes = changes(&before, &record);
    let recorded = tell(context, EntryType::SystemUpdated, (asked.system, &record), &changes)?;
    record.latest = recorded.entry_id;
    if !is_same_contact {
        record.contact_since = recorded.entry_id;
    }
    context.tables.delete(Table::SystemByName, &name_key(&before.details.name));
    context.tables.put_record(
        Table::SystemByName,
        &name_key(&record.details.name),
        &asked.system,
    )?;
    keep(context, asked.system, &record)?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

/// What a system comes to be.
fn changed(before: &SystemRecord, asked: &UpdateSystem) -> (SystemDetails, Option<Json>) {
    let was = &before.details;
    let details = SystemDetails {
        name: asked.name.clone().unwrap_or_else(|| was.name.clone()),
        intended_purpose: asked
            .intended_purpose
            .clone()
            .unwrap_or_else(|| was.intended_purpose.clone()),
        role: asked.role.unwrap_or(was.role),
        risk_route: asked.risk_route.unwrap_or(was.risk_route),
        actor_patterns: asked.actor_patterns.clone().unwrap_or_else(|| was.actor_patterns.clone()),
        placed_on_market: asked.placed_on_market.or(was.placed_on_market),
        put_into_service: asked.put_into_service.or(was.put_into_service),
        retired: asked.retired.or(was.retired),
        annex_viii: asked.annex_viii.clone().or_else(|| was.annex_viii.clone()),
        metadata: asked.metadata.clone().or_else(|| was.metadata.clone()),
    };
    let contact = match &asked.annex_viii {
        Some(_) => asked.contact.clone().filter(|contact| !contact.is_null()),
        None => before.contact.clone(),
    };
    (details, contact)
}

/// Names of the members that differ.
fn changes(before: &SystemRecord, after: &SystemRecord) -> Vec<String> {
    let (was, is) = (before.details.to_json(), after.details.to_json());
    let mut changes: Vec<String> = is
        .iter()
        .filter(|(name, value)| was.get(name) != Some(*value))
        .map(|(name, _)| name.to_owned())
        .collect();
    let annex_viii = "annex_viii".to_owned();
    if before.contact != after.contact && !changes.contains(&annex_viii) {
        changes.push(annex_viii);
        changes.sort_unstable();
    }
    changes
}

/// Whether a system can be kept so, under its name.
fn check<S: Store>(
    context: &Context<'_, S>,
    details: &SystemDetails,
    of: Option<SystemId>,
) -> Result<(), Stop> {
    if let Some(member) = details.fault() {
        return Err(Rejection::OutOfBounds { member }.into());
    }
    let named: Option<SystemId> =
        context.tables.record(Table::SystemByName, &name_key(&details.name))?;
    match named.filter(|named| Some(*named) != of) {
        Some(system) => Err(Rejection::SystemExists { system }.into()),
        None => Ok(()),
    }
}

/// ASCII alone is folded, so that no Unicode table of a release decides.
fn name_key(name: &str) -> Vec<u8> {
    keys::texts(&[&name.to_ascii_lowercase()])
}

/// Who asks, as the entry has it.
fn by<S: Store>(context: &Context<'_, S>) -> Option<String> {
    context.asked().get("by").and_then(Json::as_str).map(str::to_owned)
}

fn tell<S: Store>(
    context: &mut Context<'_, S>,
    entry_type: EntryType,
    (id, record): (SystemId, &SystemRecord),
    changed: &[String],
) -> Result<Recorded, Corruption> {
    let mut data = context.asked();
    for (name, value) in record.details.to_json().iter() {
        data.insert(name, value.clone());
    }
    data.insert("system_id", id.to_string());
    data.insert("version", record.version);
    data.insert("created_at", record.created_at.to_string());
    data.insert("changed", changed.to_vec());
    let mut personal = Object::new();
    personal.insert("contact", record.contact.clone());
    context.record_about(entry_type, None, data, personal)
}

fn keep<S: Store>(
    context: &mut Context<'_, S>,
    id: SystemId,
    record: &SystemRecord,
) -> Result<(), Corruption> {
    context.tables.put_record(Table::System, &id.0.key(), record)?;
    context.tables.put_record(Table::SystemVersion, &keys::under(id.0, record.latest.0), &())
}

/// A system.
pub(crate) fn known(read: &impl Read, id: SystemId) -> Result<SystemRecord, Stop> {
    let record: Option<SystemRecord> = tables::record(read, Table::System, &id.0.key())?;
    record.ok_or_else(|| Rejection::UnknownSystem { system: id }.into())
}

/// Whether an entry must keep what is to be erased of it, because it is about a
/// system that is not retired.
pub(crate) fn is_held(
    read: &impl Read,
    entry: &StoredEntry,
    erase: &Erase,
    now: Timestamp,
) -> Result<bool, Corruption> {
    let is_wish = erase.cause == ErasureCause::Request && erase.part == ErasedPart::Personal;
    if is_wish || !tells(entry.header.entry_type) {
        return Ok(false);
    }
    let Some(id) = entry.data.as_ref().and_then(|data| id_in(&data.text)) else {
        return Ok(false);
    };
    let record: Option<SystemRecord> = tables::record(read, Table::System, &id.0.key())?;
    Ok(record.is_some_and(|record| record.details.status(now) != SystemStatus::Retired))
}

fn tells(entry_type: EntryType) -> bool {
    matches!(entry_type, EntryType::SystemRegistered | EntryType::SystemUpdated)
}

/// The system that such an entry is about.
pub(crate) fn id_in(data: &str) -> Option<SystemId> {
    let data: Object = serde_json::from_str(data).ok()?;
    data.get("system_id").and_then(Json::as_str)?.parse().ok()
}

/// Takes away what is kept of the erased part: the contact, and once the entry
/// that says how the system is goes, the system.
pub(crate) fn forget<S: Store>(
    context: &mut Context<'_, S>,
    entry: &StoredEntry,
    data: &Object,
    part: ErasedPart,
) -> Result<(), Corruption> {
    let id = data.get("system_id").filter(|_| tells(entry.header.entry_type));
    let Some(id) = id.and_then(Json::as_str).and_then(|id| id.parse::<SystemId>().ok()) else {
        return Ok(());
    };
    let entry = entry.header.id;
    let record: Option<SystemRecord> = context.tables.record(Table::System, &id.0.key())?;
    let Some(mut record) = record else { return Ok(()) };
    if part == ErasedPart::All && record.latest == entry {
        context.tables.delete(Table::SystemByName, &name_key(&record.details.name));
        context.tables.delete(Table::System, &id.0.key());
        return Ok(());
    }
    if record.contact_since <= entry && record.contact.is_some() {
        record.contact = None;
        context.tables.put_record(Table::System, &id.0.key(), &record)?;
    }
    Ok(())
}
