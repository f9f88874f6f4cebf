//! Raft's own bytes, the same on the disk and on the wire.
//!
//! Every encoding begins with a version byte; integers are big-endian; texts
//! and lists carry their length. openraft's own layout is never stored or sent:
//! it changes between its releases.
//!
//! Invariants
//! - Decoding arbitrary bytes answers or refuses; it never panics, and never
//!   allocates more than the bytes at hand could fill.
//! - Decoding refuses trailing bytes, so a value has one encoding.

mod cursor;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use types::Timestamp;

pub(crate) use self::cursor::{Cursor, put_bytes};
use crate::kinds::{
    Entry, EntryPayload, LeaderId, LogId, Member, Membership, Payload, SnapshotMeta,
    StoredMembership, Vote, log_id,
};

const VERSION: u8 = 1;
const BLANK: u8 = 0;
const NORMAL: u8 = 1;
const MEMBERSHIP: u8 = 2;

/// Bytes that are no encoding of what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the encoding of {what}: {why}")]
pub struct EncodingError {
    what: &'static str,
    why: String,
}

impl EncodingError {
    pub(crate) fn new(what: &'static str, why: impl Into<String>) -> Self {
        Self { what, why: why.into() }
    }
}

impl From<EncodingError> for std::io::Error {
    fn from(err: EncodingError) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, err)
    }
}

/// What the state says about itself: committed with the state it describes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AppliedState {
    pub(crate) last: Option<LogId>,
    pub(crate) membership: StoredMembership,
    /// Applied time, which never runs backwards.
    pub(crate) at: Timestamp,
}

pub(crate) fn encode_vote(vote: &Vote) -> Bytes {
    let mut out = vec![VERSION];
    put_u64(&mut out, vote.leader_id.term);
    put_u64(&mut out, vote.leader_id.voted_for);
    out.push(u8::from(vote.committed));
    out.into()
}

pub(crate) fn decode_vote(bytes: &[u8]) -> Result<Vote, EncodingError> {
    let mut cursor = Cursor::versioned("a vote", VERSION, bytes)?;
    let leader_id = LeaderId { term: cursor.u64()?, voted_for: cursor.u64()? };
    let committed = cursor.flag()?;
    cursor.end()?;
    Ok(Vote { leader_id, committed })
}

pub(crate) fn encode_log_id(id: &LogId) -> Bytes {
    let mut out = vec![VERSION];
    put_log_id(&mut out, id);
    out.into()
}

pub(crate) fn decode_log_id(bytes: &[u8]) -> Result<LogId, EncodingError> {
    let mut cursor = Cursor::versioned("a log id", VERSION, bytes)?;
    let id = take_log_id(&mut cursor)?;
    cursor.end()?;
    Ok(id)
}

/// Absent is empty.
pub(crate) fn encode_optional_log_id(id: Option<&LogId>) -> Bytes {
    id.map(encode_log_id).unwrap_or_default()
}

pub(crate) fn decode_optional_log_id(bytes: &[u8]) -> Result<Option<LogId>, EncodingError> {
    if bytes.is_empty() { Ok(None) } else { decode_log_id(bytes).map(Some) }
}

pub(crate) fn encode_entry(entry: &Entry) -> Bytes {
    let mut out = vec![VERSION];
    put_log_id(&mut out, &entry.log_id);
    match &entry.payload {
        EntryPayload::Blank => out.push(BLANK),
        EntryPayload::Normal(Payload(batch)) => {
            out.reserve(batch.len() + 1);
            out.push(NORMAL);
            out.extend_from_slice(batch);
        }
        EntryPayload::Membership(membership) => {
            out.push(MEMBERSHIP);
            put_membership(&mut out, membership);
        }
    }
    out.into()
}

/// The batch within shares the memory of `bytes`.
pub(crate) fn decode_entry(bytes: &Bytes) -> Result<Entry, EncodingError> {
    let mut cursor = Cursor::versioned("an entry", VERSION, bytes)?;
    let log_id = take_log_id(&mut cursor)?;
    let payload = match cursor.u8()? {
        BLANK => EntryPayload::Blank,
        NORMAL => EntryPayload::Normal(Payload(bytes.slice_ref(cursor.rest()))),
        MEMBERSHIP => EntryPayload::Membership(take_membership(&mut cursor)?),
        other => return Err(cursor.refuse(format!("unknown kind `{other}`"))),
    };
    cursor.end()?;
    Ok(Entry { log_id, payload })
}

pub(crate) fn encode_applied(applied: &AppliedState) -> Bytes {
    let mut out = vec![VERSION];
    put_optional_log_id(&mut out, applied.last.as_ref());
    put_stored_membership(&mut out, &applied.membership);
    put_u64(&mut out, applied.at.0);
    out.into()
}

pub(crate) fn decode_applied(bytes: &[u8]) -> Result<AppliedState, EncodingError> {
    let mut cursor = Cursor::versioned("an applied state", VERSION, bytes)?;
    let last = take_optional_log_id(&mut cursor)?;
    let membership = take_stored_membership(&mut cursor)?;
    let at = Timestamp(cursor.u64()?);
    cursor.end()?;
    Ok(AppliedState { last, membership, at })
}

pub(crate) fn encode_meta(meta: &SnapshotMeta) -> Bytes {
    let mut out = vec![VERSION];
    put_optional_log_id(&mut out, meta.last_log_id.as_ref());
    put_stored_membership(&mut out, &meta.last_membership);
    out.into()
}

pub(crate) fn decode_meta(bytes: &[u8]) -> Result<SnapshotMeta, EncodingError> {
    let mut cursor = Cursor::versioned("a snapshot's meta", VERSION, bytes)?;
    let last_log_id = take_optional_log_id(&mut cursor)?;
    let last_membership = take_stored_membership(&mut cursor)?;
    cursor.end()?;
    Ok(SnapshotMeta { last_log_id, last_membership })
}

fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_be_bytes());
}

fn put_log_id(out: &mut Vec<u8>, id: &LogId) {
    put_u64(out, id.leader_id.term);
    put_u64(out, id.index);
}

fn take_log_id(cursor: &mut Cursor<'_>) -> Result<LogId, EncodingError> {
    let term = cursor.u64()?;
    Ok(log_id(term, cursor.u64()?))
}

fn put_optional_log_id(out: &mut Vec<u8>, id: Option<&LogId>) {
    out.push(u8::from(id.is_some()));
    if let Some(id) = id {
        put_log_id(out, id);
    }
}

fn take_optional_log_id(cursor: &mut Cursor<'_>) -> Result<Option<LogId>, EncodingError> {
    if cursor.flag()? { take_log_id(cursor).map(Some) } else { Ok(None) }
}

fn put_stored_membership(out: &mut Vec<u8>, stored: &StoredMembership) {
    put_optional_log_id(out, stored.log_id().as_ref());
    put_membership(out, stored.membership());
}

fn take_stored_membership(cursor: &mut Cursor<'_>) -> Result<StoredMembership, EncodingError> {
    let log_id = take_optional_log_id(cursor)?;
    Ok(StoredMembership::new(log_id, take_membership(cursor)?))
}

fn put_membership(out: &mut Vec<u8>, membership: &Membership) {
    put_count(out, membership.get_joint_config().len());
    for config in membership.get_joint_config() {
        put_count(out, config.len());
        config.iter().for_each(|id| put_u64(out, *id));
    }
    put_count(out, membership.nodes().count());
    for (id, member) in membership.nodes() {
        put_u64(out, *id);
        put_member(out, member);
    }
}

fn take_membership(cursor: &mut Cursor<'_>) -> Result<Membership, EncodingError> {
    let mut configs = Vec::new();
    for _ in 0..cursor.count(4)? {
        let mut voters = BTreeSet::new();
        for _ in 0..cursor.count(8)? {
            voters.insert(cursor.u64()?);
        }
        configs.push(voters);
    }
    let mut nodes = BTreeMap::new();
    for _ in 0..cursor.count(8)? {
        nodes.insert(cursor.u64()?, take_member(cursor)?);
    }
    Membership::new(configs, nodes).map_err(|err| cursor.refuse(err.to_string()))
}

fn put_member(out: &mut Vec<u8>, member: &Member) {
    for text in [&member.name, &member.peer_address, &member.api_address] {
        put_bytes(out, text.as_bytes());
    }
    for text in [&member.region, &member.zone] {
        out.push(u8::from(text.is_some()));
        if let Some(text) = text {
            put_bytes(out, text.as_bytes());
        }
    }
}

fn take_member(cursor: &mut Cursor<'_>) -> Result<Member, EncodingError> {
    Ok(Member {
        name: cursor.text()?,
        peer_address: cursor.text()?,
        api_address: cursor.text()?,
        region: cursor.optional_text()?,
        zone: cursor.optional_text()?,
    })
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    // More than 2^32 members cannot be; saturating makes the reader refuse.
    out.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
}
