//! AI systems as they are, or as they were when an entry was recorded.

mod decisions;

use ledger::StoredEntry;
use types::{EntryId, Json, Object, SystemId, Timestamp};

use crate::command::{SystemDetails, SystemRole, SystemRoute};
use crate::outcome::Corruption;
use crate::record::SystemRecord;
use crate::store::{Direction, Read, Scan, Table};
use crate::system::SystemStatus;
use crate::{codec, keys, tables};

pub use decisions::decisions_of;

/// An AI system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// Its id.
    pub id: SystemId,
    /// What is said of it.
    pub details: SystemDetails,
    /// Whom to turn to; gone once it is erased.
    pub contact: Option<Json>,
    /// 1 as it was registered.
    pub version: u64,
    /// Applied time of its registration.
    pub created_at: Timestamp,
    /// Applied time of the entry that says so.
    pub updated_at: Timestamp,
    /// The entry that says so.
    pub entry_id: EntryId,
    /// Who said so, if anybody was named.
    pub by: Option<String>,
}

/// Which systems are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemQuery {
    /// That stand so.
    pub status: Option<SystemStatus>,
    /// Past this one, in the order.
    pub after: Option<SystemId>,
    /// The order.
    pub direction: Direction,
    /// At most so many.
    pub limit: usize,
    /// When they are looked at.
    pub now: Timestamp,
    /// As they were when this entry was recorded; as they are where there is none.
    pub as_of: Option<EntryId>,
}

/// A page of systems, in the order that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemPage {
    /// The systems.
    pub systems: Vec<System>,
    /// Where the next page begins: give it as `after`.
    pub next: Option<SystemId>,
    /// How many match on all pages.
    pub total: u64,
}

/// A system as it is; `None` where there is none.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn system(read: &impl Read, id: SystemId) -> Result<Option<System>, Corruption> {
    let record: Option<SystemRecord> = tables::record(read, Table::System, &id.0.key())?;
    Ok(record.map(|record| of_record(id, record)))
}

fn of_record(id: SystemId, record: SystemRecord) -> System {
    System {
        id,
        details: record.details,
        contact: record.contact,
        version: record.version,
        created_at: record.created_at,
        updated_at: record.updated_at,
        entry_id: record.latest,
        by: record.by,
    }
}

/// A system as it was when an entry was recorded; `None` where there was none, or
/// the entry that says so is erased.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn system_as_of(
    read: &impl Read,
    id: SystemId,
    as_of: EntryId,
) -> Result<Option<System>, Corruption> {
    let rows = read.scan(Scan {
        table: Table::SystemVersion,
        from: &keys::under(id.0, 0),
        to: Some(&keys::under(id.0, as_of.0.saturating_add(1))),
        direction: Direction::Descending,
        rows_max: 1,
    })?;
    let entry = rows.first().and_then(|(key, _)| keys::last_number(key)).map(EntryId);
    let Some(entry) = entry else { return Ok(None) };
    let missing = || Corruption::new("header", format!("entry {entry} is missing"));
    let entry = super::entry(read, entry)?.ok_or_else(missing)?;
    system_told(&entry)
}

/// The system that an entry tells of, as it says it is; `None` once it is erased.
///
/// # Errors
/// [`Corruption`] when the entry tells of no system.
pub fn system_told(entry: &StoredEntry) -> Result<Option<System>, Corruption> {
    let id = entry.header.id;
    let damaged = || Corruption::new("data", format!("entry {id} tells of no system"));
    let Some(data) = &entry.data else { return Ok(None) };
    let data: Object = serde_json::from_str(&data.text).map_err(|_| damaged())?;
    let personal = entry.personal.as_ref().map(|part| serde_json::from_str::<Object>(&part.text));
    let personal = personal.transpose().map_err(|_| damaged())?;
    let contact = personal.and_then(|mut personal| personal.remove("contact"));
    told(&data, entry, contact).map(Some).ok_or_else(damaged)
}

fn told(data: &Object, entry: &StoredEntry, contact: Option<Json>) -> Option<System> {
    let text = |name: &str| data.get(name).and_then(Json::as_str);
    let time = |name: &str| text(name).and_then(|text| text.parse().ok());
    let object = |name: &str| data.get(name).and_then(Json::as_object).cloned();
    let patterns = data.get("actor_patterns").and_then(Json::as_array)?;
    let patterns = patterns.iter().map(|it| it.as_str().map(str::to_owned));
    Some(System {
        id: text("system_id")?.parse().ok()?,
        details: SystemDetails {
            name: text("name")?.to_owned(),
            intended_purpose: text("intended_purpose")?.to_owned(),
            role: SystemRole::parse(text("role")?)?,
            risk_route: SystemRoute::parse(text("risk_route")?)?,
            actor_patterns: patterns.collect::<Option<_>>()?,
            placed_on_market: time("placed_on_market"),
            put_into_service: time("put_into_service"),
            retired: time("retired"),
            annex_viii: object("annex_viii"),
            metadata: object("metadata"),
        },
        contact: contact.filter(|contact| !contact.is_null()),
        version: data.get("version").and_then(Json::as_u64)?,
        created_at: time("created_at")?,
        updated_at: entry.header.timestamp,
        entry_id: entry.header.id,
        by: text("by").map(str::to_owned),
    })
}

/// Systems that match. There are few enough to look at each.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn systems(read: &impl Read, query: &SystemQuery) -> Result<SystemPage, Corruption> {
    let mut page = SystemPage { systems: Vec::new(), next: None, total: 0 };
    let mut has_more = false;
    for id in ids(read, query.direction)? {
        let found = match query.as_of {
            Some(entry) => system_as_of(read, id, entry)?,
            None => system(read, id)?,
        };
        let is_wanted = |system: &System| {
            query.status.is_none_or(|status| status == system.details.status(query.now))
        };
        let Some(system) = found.filter(is_wanted) else { continue };
        page.total = page.total.saturating_add(1);
        let is_seen = query.after.is_some_and(|after| match query.direction {
            Direction::Ascending => id <= after,
            Direction::Descending => after <= id,
        });
        if is_seen {
            continue;
        }
        match page.systems.len() < query.limit {
            true => page.systems.push(system),
            false => has_more = true,
        }
    }
    page.next = page.systems.last().map(|last| last.id).filter(|_| has_more);
    Ok(page)
}

fn ids(read: &impl Read, direction: Direction) -> Result<Vec<SystemId>, Corruption> {
    let mut ids = Vec::new();
    let scan = Scan { table: Table::System, from: &[], to: None, direction, rows_max: usize::MAX };
    read.visit(scan, &mut |key, _| ids.extend(keys::last_ulid(key).map(SystemId)))?;
    Ok(ids)
}

/// The system of a name, whatever the case of its letters in ASCII.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn system_by_name(read: &impl Read, name: &str) -> Result<Option<SystemId>, Corruption> {
    let key = keys::texts(&[&name.to_ascii_lowercase()]);
    let bytes = read.get(Table::SystemByName, &key)?;
    bytes.map(|bytes| codec::decode("system_by_name", &bytes)).transpose()
}
