//! The ledger: entries and their verification.

pub(crate) mod entries;
pub(crate) mod verify;

use governance::view;
use ledger::StoredEntry;
use types::digest::to_hex;
use types::{EntryId, Json, Object};

use super::decision::reply::{Parts, parts};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Field, Kind};
use crate::problem::{Code, Problem};
use crate::reply::{Member, flag, free, hash, integer, text, time};
pub(crate) use entries::{ENTRIES_QUERY, ENTRIES_REPLY};
pub(crate) use verify::{VERIFY_QUERY, VERIFY_REPLY};

/// The greatest id that JSON can carry.
pub(crate) const ID_MAX: i64 = 9_007_199_254_740_991;

/// Members of an entry.
pub(crate) const ENTRY: &[Member] = &[
    integer("id", "Place in the ledger; 0 is genesis."),
    integer("format", "1"),
    text("entry_type", "What is recorded."),
    time("timestamp", "Cluster time of the command."),
    text("actor", "Whom the entry is about.").or_null(),
    free("data", "What makes the record a record; null once erased.").or_null(),
    hash("salt", "Key of `data_hash`; null once erased.").or_null(),
    hash("data_hash", "HMAC-SHA256 of the RFC 8785 bytes of `data` under `salt`."),
    free("personal", "What is free-form or about a person; null once erased.").or_null(),
    hash("personal_salt", "Key of `personal_hash`; null once erased.").or_null(),
    hash("personal_hash", "The same of `personal` under `personal_salt`.").or_null(),
    hash("previous_hash", "`current_hash` of the entry before; zeros for genesis."),
    hash("current_hash", "SHA-256 of a zero byte and the header's RFC 8785 bytes."),
    integer("type_seq", "The n-th entry of its type, from 1."),
    integer("actor_seq", "The n-th entry about its actor, from 1; 0 without actor."),
    free("erased", "Which part was erased, when and by which entry.").or_null(),
];

/// An entry with its proof.
pub(crate) const ENTRY_WITH_PROOF: &[Member] = &[
    ENTRY[0],
    ENTRY[1],
    ENTRY[2],
    ENTRY[3],
    ENTRY[4],
    ENTRY[5],
    ENTRY[6],
    ENTRY[7],
    ENTRY[8],
    ENTRY[9],
    ENTRY[10],
    ENTRY[11],
    ENTRY[12],
    ENTRY[13],
    ENTRY[14],
    ENTRY[15],
    free("proof", "Inclusion in the tree; null while there is no checkpoint.").or_null(),
];

/// Query of `GET /ledger/entries/{id}`.
pub(crate) const ENTRY_QUERY: &[Field] = &[PROOF];

/// Whether proofs are wanted.
pub(crate) const PROOF: Field =
    Field::optional("proof", Kind::Bool, "Whether the proof of inclusion is wanted.")
        .default("false");

/// `GET /ledger/entries/{id}`.
pub(crate) fn entry<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let unknown = || Problem::new(Code::UNKNOWN_ENTRY, "there is no such entry");
    let id = plain_number(&call.path).map(EntryId).ok_or_else(unknown)?;
    let read = app.backend.view()?;
    let entry = view::entry(&read, id)?.ok_or_else(unknown)?;
    let mut json = entry_json(&entry, parts(&entry)?);
    json.insert("proof", Json::Null);
    Ok(Answer::json(json))
}

/// A number in a path: digits alone, so that every thing has one path.
pub(crate) fn plain_number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    Some(text).filter(|_| plain && canonical).and_then(|text| text.parse().ok())
}

/// An entry as replies show it.
pub(crate) fn entry_json(entry: &StoredEntry, parts: Parts) -> Object {
    let header = &entry.header;
    let Parts { data, personal } = parts;
    let salt = |part: &Option<ledger::Part>| part.as_ref().map(|part| to_hex(&part.salt));
    let actor = data.as_ref().and_then(|data| data.get("actor").cloned()).unwrap_or_default();
    let mut json = Object::new();
    json.insert("id", header.id.0);
    json.insert("format", ledger::header::FORMAT);
    json.insert("entry_type", header.entry_type.as_str());
    json.insert("timestamp", header.timestamp.to_string());
    json.insert("actor", actor);
    json.insert("data", data);
    json.insert("salt", salt(&entry.data));
    json.insert("data_hash", header.data_hash.to_string());
    json.insert("personal", personal);
    json.insert("personal_salt", salt(&entry.personal));
    json.insert("personal_hash", header.personal_hash.map(|hash| hash.to_string()));
    json.insert("previous_hash", header.previous_hash.to_string());
    json.insert("current_hash", entry.hash().to_string());
    json.insert("type_seq", header.type_seq);
    json.insert("actor_seq", header.actor_seq);
    json.insert("erased", erased(entry));
    json
}

/// Which part of an entry is gone. When and by which entry is known only with
/// the entry that erased it.
pub(crate) fn erased(entry: &StoredEntry) -> Json {
    if !entry.is_erased() {
        return Json::Null;
    }
    let part = if entry.data.is_none() { "all" } else { "personal" };
    Json::object([("part", part.into()), ("at", Json::Null), ("by_entry_id", Json::Null)])
}

/// Whether a chain holds, as replies show it.
pub(crate) const VALID: Member = flag("valid", "Whether every check held.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_spelling_of_a_number() {
        assert_eq!(plain_number("0"), Some(0));
        assert_eq!(plain_number("118"), Some(118));
        for refused in ["", "01", "+1", "-1", "1.0", "１", "99999999999999999999"] {
            assert_eq!(plain_number(refused), None, "{refused}");
        }
    }
}
