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

/// The largest integer that every reader of JSON agrees about: 2^53-1.
const INTEGER_MAX: u64 = 9_007_199_254_740_991;

const INTEGER_DIGITS_MAX: usize = 16;

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
        read(bytes).ok_or(HeaderError)
    }
}

/// Follows the bytes member by member and takes one spelling of each value, so
/// that nothing need be written again to compare it: verifiers read millions.
fn read(bytes: &[u8]) -> Option<Header> {
    let mut rest = Rest(bytes);
    rest.literal(b"{\"actor_seq\":")?;
    let actor_seq = rest.integer()?;
    rest.literal(b",\"data_hash\":\"")?;
    let data_hash = rest.digest()?;
    rest.literal(b"\",\"entry_type\":\"")?;
    let entry_type = rest.word()?.parse().ok()?;
    rest.literal(b"\",\"format\":1,\"id\":")?;
    let id = EntryId(rest.integer()?);
    rest.literal(b",\"personal_hash\":")?;
    let personal_hash = rest.digest_or_null()?;
    rest.literal(b",\"previous_hash\":\"")?;
    let previous_hash = rest.digest()?;
    rest.literal(b"\",\"timestamp\":\"")?;
    let timestamp = Timestamp::from_canonical(rest.word()?)?;
    rest.literal(b"\",\"type_seq\":")?;
    let type_seq = rest.integer()?;
    rest.literal(b"}")?;
    rest.0.is_empty().then_some(Header {
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

/// Bytes still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn literal(&mut self, text: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// Digits without sign or leading zeros, below 2^53.
    fn integer(&mut self) -> Option<u64> {
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at_checked(count)?;
        let has_one_spelling = !digits.starts_with(b"0") || digits == b"0";
        if count == 0 || INTEGER_DIGITS_MAX < count || !has_one_spelling {
            return None;
        }
        // No more digits than that can overflow.
        let value = digits
            .iter()
            .fold(0_u64, |value, digit| value.wrapping_mul(10).wrapping_add(u64::from(digit & 15)));
        self.0 = rest;
        (value <= INTEGER_MAX).then_some(value)
    }

    fn digest(&mut self) -> Option<Digest> {
        let (digits, rest) = self.0.split_first_chunk::<64>()?;
        self.0 = rest;
        Digest::from_hex(digits)
    }

    /// A quoted digest, or that there is none.
    fn digest_or_null(&mut self) -> Option<Option<Digest>> {
        if self.literal(b"null").is_some() {
            return Some(None);
        }
        self.literal(b"\"")?;
        let digest = self.digest()?;
        self.literal(b"\"")?;
        Some(Some(digest))
    }

    /// Text up to the next quote; no value of a header has an escape.
    fn word(&mut self) -> Option<&'a str> {
        let end = self.0.iter().position(|byte| *byte == b'"')?;
        let (word, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        std::str::from_utf8(word).ok()
    }
}

#[cfg(test)]
mod tests;
