//! The header of an entry: what the chain and the tree are made of. It holds no
//! personal data and outlives every erasure.
//!
//! Its bytes are the RFC 8785 form of an object with exactly the nine members
//! of the format. Reading is strict: bytes that are not the canonical form of
//! what they say are no header.

use types::{Digest, EntryId, Timestamp};

use crate::entry_type::EntryType;

/// The only version of the format there is.
pub const FORMAT: u64 = 1;

/// The nine members of a header, less the constant `format`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Place in the ledger.
    pub id: EntryId,
    /// What is recorded.
    pub entry_type: EntryType,
    /// Applied time of the command.
    pub timestamp: Timestamp,
    /// The n-th entry about its actor, from 1; 0 without actor.
    pub actor_seq: u64,
    /// The n-th entry of its type, from 1.
    pub type_seq: u64,
    /// Commitment to `data`.
    pub data_hash: Digest,
    /// Commitment to `personal`; `None` where there is none.
    pub personal_hash: Option<Digest>,
    /// `current_hash` of the entry before; zero for genesis.
    pub previous_hash: Digest,
}

/// Bytes that are not the canonical form of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the canonical form of a ledger header")]
pub struct HeaderError;

impl Header {
    /// The canonical text, which is stored and hashed.
    pub fn to_canonical(&self) -> String {
        let personal = match self.personal_hash {
            Some(hash) => format!("\"{hash}\""),
            None => "null".to_owned(),
        };
        format!(
            "{{\"actor_seq\":{},\"data_hash\":\"{}\",\"entry_type\":\"{}\",\"format\":{FORMAT},\
             \"id\":{},\"personal_hash\":{personal},\"previous_hash\":\"{}\",\
             \"timestamp\":\"{}\",\"type_seq\":{}}}",
            self.actor_seq,
            self.data_hash,
            self.entry_type,
            self.id,
            self.previous_hash,
            self.timestamp,
            self.type_seq,
        )
    }

    /// Reads canonical bytes and nothing else.
    ///
    /// # Errors
    /// [`HeaderError`] for any other bytes, be they valid JSON or not.
    pub fn parse(bytes: &[u8]) -> Result<Self, HeaderError> {
        let text = std::str::from_utf8(bytes).map_err(|_| HeaderError)?;
        let header = read(text).ok_or(HeaderError)?;
        // Whatever the reader let pass, only the one spelling counts.
        if header.to_canonical() == text { Ok(header) } else { Err(HeaderError) }
    }
}

fn read(text: &str) -> Option<Header> {
    let mut members = Members(text.strip_prefix('{')?.strip_suffix('}')?);
    let actor_seq = members.next("actor_seq")?.parse().ok()?;
    let data_hash = unquote(members.next("data_hash")?)?.parse().ok()?;
    let entry_type = unquote(members.next("entry_type")?)?.parse().ok()?;
    members.next("format").filter(|format| *format == "1")?;
    let id = EntryId(members.next("id")?.parse().ok()?);
    let personal_hash = match members.next("personal_hash")? {
        "null" => None,
        quoted => Some(unquote(quoted)?.parse().ok()?),
    };
    let previous_hash = unquote(members.next("previous_hash")?)?.parse().ok()?;
    let timestamp = unquote(members.next("timestamp")?)?.parse().ok()?;
    let type_seq = members.next("type_seq")?.parse().ok()?;
    members.0.is_empty().then_some(Header {
        id,
        entry_type,
        timestamp,
        actor_seq,
        type_seq,
        data_hash,
        personal_hash,
        previous_hash,
    })
}

/// Members still to be read. No value of a header contains a comma.
struct Members<'a>(&'a str);

impl<'a> Members<'a> {
    fn next(&mut self, key: &str) -> Option<&'a str> {
        let rest = self.0.strip_prefix('"')?.strip_prefix(key)?.strip_prefix("\":")?;
        let (value, rest) = rest.split_once(',').unwrap_or((rest, ""));
        self.0 = rest;
        Some(value)
    }
}

fn unquote(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            id: EntryId(118),
            entry_type: EntryType::Decision,
            timestamp: "2027-03-04T05:06:07.123456Z".parse().unwrap(),
            actor_seq: 14,
            type_seq: 61,
            data_hash: Digest([0x77; 32]),
            personal_hash: None,
            previous_hash: Digest([0x2f; 32]),
        }
    }

    #[test]
    fn a_header_reads_back_as_it_was_written() {
        for personal_hash in [None, Some(Digest([0x4f; 32]))] {
            let header = Header { personal_hash, ..header() };
            assert_eq!(Header::parse(header.to_canonical().as_bytes()), Ok(header));
        }
    }

    #[test]
    fn another_spelling_of_the_same_header_is_refused() {
        let text = header().to_canonical();
        for (from, to) in [
            ("\"id\":118", "\"id\": 118"),
            ("\"id\":118", "\"id\":0118"),
            ("\"id\":118", "\"id\":+118"),
            ("\"format\":1", "\"format\":2"),
            ("7777", "777Z"),
            ("2f2f", "2F2F"),
            ("07.123456Z", "07.12345600Z"),
            ("}", ",\"x\":1}"),
            ("\"type_seq\":61", "\"type_seq\":61,"),
            ("decision", "decided"),
            ("{\"actor_seq\":14,", "{"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert_eq!(Header::parse(changed.as_bytes()), Err(HeaderError), "{changed}");
        }
        assert_eq!(Header::parse(b""), Err(HeaderError));
        assert_eq!(Header::parse(&[0xff, 0xfe]), Err(HeaderError));
    }
}
