//! Reads a whole ledger from one node and checks its chain here, trusting
//! nothing the node says about it: every entry is rebuilt from its members and
//! hashed again.

use ledger::{Checker, Header, Part, StoredEntry};
use types::{EntryId, Json, Object};

use crate::failure::Failure;
use crate::http::Client;

const PAGE: u64 = 1_000;
/// More entries than any test makes.
const PAGES_MAX: u64 = 1_000;

/// What one entry says, as far as the checks compare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its place.
    pub id: u64,
    /// `current_hash`, computed here.
    pub hash: String,
    /// `request_id` of a decision.
    pub request_id: Option<String>,
    /// `decision_id` of a decision.
    pub decision_id: Option<String>,
}

/// One node's ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// The node.
    pub node: String,
    /// Its entries in order.
    pub entries: Vec<Recorded>,
    /// Root of the tree over them, computed here.
    pub root: Option<String>,
    /// The first thing that does not hold.
    pub fault: Option<String>,
}

/// What a node says at `/ledger/verify`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// `valid`
    pub is_valid: bool,
    /// `first_invalid`, as it came.
    pub first_invalid: Json,
    /// `entries_checked`
    pub entries_checked: u64,
    /// `head.id` and `head.hash`
    pub head: Option<(u64, String)>,
    /// `root_hash`
    pub root_hash: Option<String>,
}

/// Reads and checks everything. A fault ends the reading.
///
/// # Errors
/// [`Failure`] if the node does not answer, or not with entries.
pub async fn read_ledger(client: &mut Client, node: &str) -> Result<Copy, Failure> {
    let mut copy = Copy { node: node.to_owned(), entries: Vec::new(), root: None, fault: None };
    let mut checker = Checker::from_genesis();
    let mut after: Option<u64> = None;
    for _ in 0..PAGES_MAX {
        let path = match after {
            None => format!("/ledger/entries?limit={PAGE}"),
            Some(id) => format!("/ledger/entries?limit={PAGE}&after={id}"),
        };
        let reply = client.get_json(&path).await?;
        let page = reply.as_object().cloned().unwrap_or_default();
        let entries = page.get("entries").and_then(Json::as_array).unwrap_or_default();
        for entry in entries {
            match take(&mut checker, entry) {
                Ok(recorded) => copy.entries.push(recorded),
                Err(fault) => {
                    copy.fault = Some(fault);
                    return Ok(copy);
                }
            }
        }
        after = page.get("next").and_then(Json::as_u64);
        if after.is_none() {
            break;
        }
    }
    copy.root = checker.root().map(|root| root.to_string());
    Ok(copy)
}

/// Asks the node to verify its own ledger.
///
/// # Errors
/// [`Failure`] if it does not answer.
pub async fn ask_verdict(client: &mut Client) -> Result<Verdict, Failure> {
    let reply = client.get_json("/ledger/verify").await?;
    let reply = reply.as_object().cloned().unwrap_or_default();
    let head = reply.get("head").and_then(Json::as_object).and_then(|head| {
        let hash = head.get("hash").and_then(Json::as_str)?;
        Some((head.get("id").and_then(Json::as_u64)?, hash.to_owned()))
    });
    Ok(Verdict {
        is_valid: reply.get("valid").and_then(Json::as_bool) == Some(true),
        first_invalid: reply.get("first_invalid").cloned().unwrap_or_default(),
        entries_checked: reply.get("entries_checked").and_then(Json::as_u64).unwrap_or(0),
        head,
        root_hash: reply.get("root_hash").and_then(Json::as_str).map(str::to_owned),
    })
}

fn take(checker: &mut Checker, entry: &Json) -> Result<Recorded, String> {
    let place = checker.next_id();
    let unreadable = || format!("entry {place} cannot be read: {}", entry.to_canonical());
    let members = entry.as_object().ok_or_else(unreadable)?;
    let stored = stored_entry(members).ok_or_else(unreadable)?;
    checker.check(&stored).map_err(|fault| fault.to_string())?;
    let hash = stored.hash().to_string();
    if members.get("current_hash").and_then(Json::as_str) != Some(hash.as_str()) {
        return Err(format!("entry {place}: `current_hash` is not the hash of its header"));
    }
    let data = members.get("data").and_then(Json::as_object);
    let is_decision = members.get("entry_type").and_then(Json::as_str) == Some("decision");
    let of_decision = |name: &str| {
        data.filter(|_| is_decision)?.get(name).and_then(Json::as_str).map(str::to_owned)
    };
    Ok(Recorded {
        id: place.0,
        hash,
        request_id: of_decision("request_id"),
        decision_id: of_decision("decision_id"),
    })
}

fn stored_entry(members: &Object) -> Option<StoredEntry> {
    let text = |name: &str| members.get(name).and_then(Json::as_str);
    let number = |name: &str| members.get(name).and_then(Json::as_u64);
    let personal_hash = match members.get("personal_hash")? {
        Json::Null => None,
        given => Some(given.as_str()?.parse().ok()?),
    };
    let header = Header {
        id: EntryId(number("id")?),
        entry_type: text("entry_type")?.parse().ok()?,
        timestamp: text("timestamp")?.parse().ok()?,
        actor_seq: number("actor_seq")?,
        type_seq: number("type_seq")?,
        data_hash: text("data_hash")?.parse().ok()?,
        personal_hash,
        previous_hash: text("previous_hash")?.parse().ok()?,
    };
    Some(StoredEntry {
        header_text: header.to_canonical(),
        header,
        data: part(members, "data", "salt")?,
        personal: part(members, "personal", "personal_salt")?,
    })
}

/// A part that is null was erased or never was; one without a salt cannot be.
fn part(members: &Object, name: &str, salt: &str) -> Option<Option<Part>> {
    let value = members.get(name)?;
    if value.is_null() {
        return Some(None);
    }
    let salt = types::digest::from_hex(members.get(salt)?.as_str()?)?;
    Some(Some(Part { salt: salt.try_into().ok()?, text: value.to_canonical() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: u64, previous_hash: types::Digest) -> Json {
        let data = Part::new([1; 32], &Json::object([("request_id", "r".into())]));
        let personal = Part::new([2; 32], &Json::object([("context", "secret".into())]));
        let entry_type = match id {
            0 => ledger::EntryType::Genesis,
            _ => ledger::EntryType::Decision,
        };
        let header = Header {
            id: EntryId(id),
            entry_type,
            timestamp: "2027-03-04T05:06:07.123456Z".parse().unwrap(),
            actor_seq: 1,
            type_seq: id.max(1),
            data_hash: data.hash(),
            personal_hash: Some(personal.hash()),
            previous_hash,
        };
        let text = header.to_canonical();
        let mut members: Object = serde_json::from_str(&text).unwrap();
        members.insert("data", serde_json::from_str::<Json>(&data.text).unwrap());
        members.insert("salt", types::digest::to_hex(&data.salt));
        members.insert("personal", serde_json::from_str::<Json>(&personal.text).unwrap());
        members.insert("personal_salt", types::digest::to_hex(&personal.salt));
        members.insert("current_hash", ledger::hash::entry_hash(text.as_bytes()).to_string());
        Json::Object(members)
    }

    fn hash_of(entry: &Json) -> types::Digest {
        entry.as_object().unwrap().get("current_hash").unwrap().as_str().unwrap().parse().unwrap()
    }

    /// What the second of two entries is found to be after this change to it.
    fn check(change: impl Fn(&mut Object), expect: Result<u64, &str>) {
        let first = entry(0, types::Digest::ZERO);
        let Json::Object(mut second) = entry(1, hash_of(&first)) else { panic!("an object") };
        change(&mut second);
        let mut checker = Checker::from_genesis();
        take(&mut checker, &first).unwrap();
        let found = take(&mut checker, &Json::Object(second)).map(|recorded| recorded.id);
        assert_eq!(found, expect.map_err(str::to_owned));
    }

    #[test]
    fn an_entry_is_hashed_again_from_its_members() {
        check(|_| (), Ok(1));
        let other = || Json::object([("request_id", "other".into())]);
        check(|entry| drop(entry.insert("data", other())), Err("entry 1: data_hash_mismatch"));
        check(
            |entry| drop(entry.insert("personal", other())),
            Err("entry 1: personal_hash_mismatch"),
        );
        check(
            |entry| drop(entry.insert("previous_hash", "00".repeat(32))),
            Err("entry 1: broken_link"),
        );
        check(|entry| drop(entry.insert("id", 2_u64)), Err("entry 1: missing"));
        check(
            |entry| drop(entry.insert("actor_seq", 7_u64)),
            Err("entry 1: `current_hash` is not the hash of its header"),
        );
    }

    #[test]
    fn an_erased_part_is_no_fault() {
        check(
            |entry| {
                entry.insert("personal", Json::Null);
                entry.insert("personal_salt", Json::Null);
            },
            Ok(1),
        );
    }
}
