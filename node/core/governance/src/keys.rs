//! Keys of the tables, as bytes that sort as their meaning does.
//!
//! Texts in keys end in a zero byte, which none of their alphabets has, so that
//! no key is a prefix of another text's keys.

use types::{Digest, EntryId, LogIndex, RaftId, Timestamp, Ulid};

use crate::command::Place;

/// Key of the one record of a table that has one.
pub(crate) const ONLY: &[u8] = b"only";

/// Texts, each with its end.
pub(crate) fn texts(parts: &[&str]) -> Vec<u8> {
    let mut key = Vec::with_capacity(parts.iter().map(|part| part.len().saturating_add(1)).sum());
    for part in parts {
        key.extend_from_slice(part.as_bytes());
        key.push(0);
    }
    key
}

/// A text and a number under it.
pub(crate) fn text_and_number(text: &str, number: u64) -> Vec<u8> {
    let mut key = texts(&[text]);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// The end of every key that begins with these texts.
pub(crate) fn after_texts(parts: &[&str]) -> Vec<u8> {
    let mut key = texts(parts);
    if let Some(last) = key.last_mut() {
        *last = 1;
    }
    key
}

/// When a key of a command expires, and which.
pub(crate) fn expiry(at: Timestamp, key: &[u8]) -> Vec<u8> {
    let mut bytes = at.0.to_be_bytes().to_vec();
    bytes.extend_from_slice(key);
    bytes
}

/// The number that a key ends in.
pub(crate) fn last_number(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

/// An actor's action on a resource. `None` and the empty text differ.
pub(crate) fn allowed(actor: &str, action: &str, resource: Option<&str>) -> Vec<u8> {
    match resource {
        Some(resource) => texts(&[actor, action, "=", resource]),
        None => texts(&[actor, action, "-"]),
    }
}

/// Key of an entry.
pub(crate) fn entry(id: EntryId) -> [u8; 8] {
    id.key()
}

/// Key of a tile.
pub(crate) fn tile(level: u8, index: u64) -> [u8; 9] {
    let mut key = [level; 9];
    if let Some(rest) = key.last_chunk_mut::<8>() {
        *rest = index.to_be_bytes();
    }
    key
}

/// A number under an id.
pub(crate) fn under(id: Ulid, number: u64) -> Vec<u8> {
    let mut key = id.key().to_vec();
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// Keys under an id, both bounds.
pub(crate) fn all_under(id: Ulid) -> (Vec<u8>, Vec<u8>) {
    (under(id, 0), under(id, u64::MAX))
}

/// A later link of an artifact to a decision, by the entry that says so.
pub(crate) fn link(artifact: Ulid, entry: EntryId) -> Vec<u8> {
    let mut key = artifact.key().to_vec();
    key.push(LINK);
    key.extend_from_slice(&entry.key());
    key
}

/// A signature on an artifact, by the key that made it.
pub(crate) fn signature(artifact: Ulid, key_id: Ulid) -> Vec<u8> {
    let mut key = artifact.key().to_vec();
    key.push(SIGNATURE);
    key.extend_from_slice(&key_id.key());
    key
}

const LINK: u8 = 0;
const SIGNATURE: u8 = 1;

/// Keys of the links of an artifact: the first and the end.
pub(crate) fn links(artifact: Ulid) -> (Vec<u8>, Vec<u8>) {
    later(artifact, LINK)
}

/// Keys of the signatures on an artifact: the first and the end.
pub(crate) fn signatures(artifact: Ulid) -> (Vec<u8>, Vec<u8>) {
    later(artifact, SIGNATURE)
}

fn later(artifact: Ulid, kind: u8) -> (Vec<u8>, Vec<u8>) {
    let key = |kind: u8| [artifact.key().as_slice(), &[kind]].concat();
    (key(kind), key(kind.saturating_add(1)))
}

/// The id that a key ends in.
pub(crate) fn last_ulid(key: &[u8]) -> Option<Ulid> {
    key.last_chunk::<16>().map(|bytes| Ulid(u128::from_be_bytes(*bytes)))
}

/// A link of an artifact to a control, by the entry that says so.
pub(crate) fn control_link(control: &str, artifact: Ulid, entry: EntryId) -> Vec<u8> {
    let mut key = texts(&[control]);
    key.extend_from_slice(&artifact.key());
    key.extend_from_slice(&entry.key());
    key
}

/// The artifact and the entry of such a key.
pub(crate) fn read_control_link(key: &[u8]) -> Option<(Ulid, EntryId)> {
    let (rest, entry) = key.split_last_chunk::<8>()?;
    Some((last_ulid(rest)?, EntryId(u64::from_be_bytes(*entry))))
}

/// A chunk of a content.
pub(crate) fn chunk(chunks_at: Ulid, number: u32) -> Vec<u8> {
    let mut key = chunks_at.key().to_vec();
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// A signer by its id.
pub(crate) fn signer(id: Ulid) -> Vec<u8> {
    [&[SIGNER_BY_ID], id.key().as_slice()].concat()
}

/// A signer by its public key.
pub(crate) fn signer_by_public_key(public_key: &[u8; 32]) -> Vec<u8> {
    [&[SIGNER_BY_PUBLIC_KEY], public_key.as_slice()].concat()
}

/// Keys of signers by their id, past one or all: the first and the end.
pub(crate) fn signers(after: Option<Ulid>) -> (Vec<u8>, Vec<u8>) {
    let from = after.map_or(Ulid(0), |after| Ulid(after.0.saturating_add(1)));
    (signer(from), vec![SIGNER_BY_PUBLIC_KEY])
}

const SIGNER_BY_ID: u8 = 0;
const SIGNER_BY_PUBLIC_KEY: u8 = 1;

/// An assessment in the order of scores, the highest first.
pub(crate) fn scored(score: u8, entry: EntryId) -> [u8; 9] {
    tile(100_u8.saturating_sub(score), entry.0)
}

/// An escalation among those of one state.
pub(crate) fn stated(state: [u8; 2], entry: EntryId) -> Vec<u8> {
    let mut key = state.to_vec();
    key.extend_from_slice(&entry.key());
    key
}

/// An entry in the order of a time.
pub(crate) fn timed(at: Timestamp, entry: EntryId) -> [u8; 16] {
    let number = u128::from(at.0) << 64 | u128::from(entry.0);
    number.to_be_bytes()
}

/// Key of a place in the log.
pub(crate) fn place(place: Place) -> Vec<u8> {
    let mut key = place.index.0.to_be_bytes().to_vec();
    key.extend_from_slice(&place.sub_index.to_be_bytes());
    key
}

/// The place in such a key.
pub(crate) fn read_place(key: &[u8]) -> Option<Place> {
    let (index, rest) = key.split_first_chunk::<8>()?;
    let sub_index = u32::from_be_bytes(rest.try_into().ok()?);
    Some(Place { index: LogIndex(u64::from_be_bytes(*index)), sub_index })
}

/// Key of a node.
pub(crate) fn node(id: RaftId) -> [u8; 8] {
    id.0.to_be_bytes()
}

/// An account by its name or its e-mail: in lower case, since neither is told
/// apart by case.
pub(crate) fn user_name(kind: UserName, text: &str) -> Vec<u8> {
    let kind = match kind {
        UserName::Username => "username",
        UserName::Email => "email",
    };
    texts(&[kind, &text.to_lowercase()])
}

/// What an account is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UserName {
    Username,
    Email,
}

/// A session among those of its user.
pub(crate) fn session_of(user: Ulid, session: Ulid) -> Vec<u8> {
    [user.key(), session.key()].concat()
}

/// Keys of the sessions of a user: the first and the end.
pub(crate) fn sessions_of(user: Ulid) -> (Vec<u8>, Vec<u8>) {
    beginning_with(user)
}

/// Keys that begin with an id: the first and the end.
pub(crate) fn beginning_with(id: Ulid) -> (Vec<u8>, Vec<u8>) {
    (id.key().to_vec(), Ulid(id.0.saturating_add(1)).key().to_vec())
}

/// The first half of a digest, where there is room for an id alone.
pub(crate) fn half(digest: &Digest) -> Ulid {
    let half = digest.0.first_chunk::<16>().copied().unwrap_or_default();
    Ulid(u128::from_be_bytes(half))
}

/// The digest that a key ends in.
pub(crate) fn last_digest(key: &[u8]) -> Option<Digest> {
    key.last_chunk::<32>().map(|bytes| Digest(*bytes))
}

/// A challenge among those of its user, the one that ends first before the others.
pub(crate) fn challenge_of(user: Ulid, end: Timestamp, hash: &Digest) -> Vec<u8> {
    [user.key().as_slice(), &expiry(end, &hash.0)].concat()
}

/// Where it stands how many pairs with failed logins are kept.
pub(crate) const LOGIN_PAIRS: &[u8] = b"login_pairs";

/// A person of a provider.
pub(crate) fn oidc(provider: &str, subject: &str) -> Vec<u8> {
    texts(&[provider, subject])
}
