//! Ledger entries.

use ledger::StoredEntry;
use types::digest::to_hex;
use types::{Json, Object};

use crate::outcome::Corruption;
use crate::record::ErasedRecord;
use crate::store::Read;
use crate::view;

/// The parts of an entry that are left.
#[derive(Clone, Debug)]
pub struct Parts {
    /// `data`.
    pub data: Option<Object>,
    /// `personal`.
    pub personal: Option<Object>,
}

/// Reads the parts of an entry.
///
/// # Errors
/// [`Corruption`] when one is no JSON: then nobody wrote it who should have.
pub fn parts(entry: &StoredEntry) -> Result<Parts, Corruption> {
    let read = |part: &Option<ledger::Part>| match part {
        None => Ok(None),
        Some(part) => serde_json::from_str::<Object>(&part.text).map(Some).map_err(|error| {
            Corruption::new("entry", format!("entry {}: {error}", entry.header.id))
        }),
    };
    Ok(Parts { data: read(&entry.data)?, personal: read(&entry.personal)? })
}

/// An entry with its parts.
///
/// # Errors
/// [`Corruption`] when it cannot be read what was erased.
pub fn entry(read: &impl Read, entry: &StoredEntry, parts: Parts) -> Result<Object, Corruption> {
    let run = erasure(read, entry)?;
    Ok(entry_of(entry, parts, run.as_ref()))
}

/// An entry with its parts and the run that erased something of it.
pub(crate) fn entry_of(entry: &StoredEntry, parts: Parts, run: Option<&ErasedRecord>) -> Object {
    let header = &entry.header;
    let Parts { data, personal } = parts;
    let salt = |part: &Option<ledger::Part>| part.as_ref().map(|part| to_hex(&part.salt));
    let actor = data.as_ref().and_then(|data| data.get("actor").cloned()).unwrap_or_default();
    let mut shown = Object::new();
    shown.insert("id", header.id.0);
    shown.insert("format", ledger::header::FORMAT);
    shown.insert("entry_type", header.entry_type.as_str());
    shown.insert("timestamp", header.timestamp.to_string());
    shown.insert("actor", actor);
    shown.insert("data", data);
    shown.insert("salt", salt(&entry.data));
    shown.insert("data_hash", header.data_hash.to_string());
    shown.insert("personal", personal);
    shown.insert("personal_salt", salt(&entry.personal));
    shown.insert("personal_hash", header.personal_hash.map(|hash| hash.to_string()));
    shown.insert("previous_hash", header.previous_hash.to_string());
    shown.insert("current_hash", entry.hash().to_string());
    shown.insert("type_seq", header.type_seq);
    shown.insert("actor_seq", header.actor_seq);
    shown.insert("erased", erased_by(entry, run));
    shown
}

/// Which part of an entry is gone, when, and by which run. What no run names has
/// neither.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn erased(read: &impl Read, entry: &StoredEntry) -> Result<Json, Corruption> {
    let run = erasure(read, entry)?;
    Ok(erased_by(entry, run.as_ref()))
}

/// The run that erased a part of an entry.
pub(crate) fn erasure(
    read: &impl Read,
    entry: &StoredEntry,
) -> Result<Option<ErasedRecord>, Corruption> {
    match entry.is_erased() {
        true => view::erased(read, entry.header.id),
        false => Ok(None),
    }
}

fn erased_by(entry: &StoredEntry, run: Option<&ErasedRecord>) -> Json {
    if !entry.is_erased() {
        return Json::Null;
    }
    let part = if entry.data.is_none() { "all" } else { "personal" };
    Json::object([
        ("part", part.into()),
        ("at", run.map(|run| run.at.to_string()).into()),
        ("by_entry_id", run.map(|run| run.by.0).into()),
    ])
}
