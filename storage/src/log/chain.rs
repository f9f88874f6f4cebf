//! The hash chain through the records, and where it begins.
//!
//! Each record is stored with the hash of everything before it, so that a hole
//! or a flipped bit anywhere inside is found and named, whatever layer lost it.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::Record;

/// A chain hash.
pub(crate) type Hash = [u8; 32];

/// A place in the chain: just after some record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// SHA-256(hash before || index || `bytes_total` || record bytes).
    pub hash: Hash,
    /// Bytes of all records up to here since the log began, so that the size of
    /// any range is one subtraction.
    pub bytes_total: u64,
}

impl Link {
    /// Before the first record of a new log.
    pub(crate) const START: Self = Self { hash: [0; 32], bytes_total: 0 };

    /// The link after a record that follows this one.
    pub(crate) fn after(&self, index: u64, bytes: &[u8]) -> Self {
        let bytes_total = self.bytes_total.saturating_add(bytes.len() as u64);
        let mut sha = Sha256::new();
        sha.update(self.hash);
        sha.update(index.to_be_bytes());
        sha.update(bytes_total.to_be_bytes());
        sha.update(bytes);
        Self { hash: sha.finalize().into(), bytes_total }
    }

    /// The link from which a log goes on behind a snapshot: the records between
    /// were never here, so the chain begins anew from what names the place.
    pub(crate) fn behind_snapshot(&self, next: u64, purged: &[u8]) -> Self {
        let mut sha = Sha256::new();
        sha.update(b"lexecon/log-base/v1");
        sha.update(next.to_be_bytes());
        sha.update(purged);
        Self { hash: sha.finalize().into(), bytes_total: self.bytes_total }
    }
}

/// Where the log begins: what lies before was purged, or never was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    /// Index of the first record that is or will be there.
    pub first: u64,
    /// The chain before it.
    pub link: Link,
    /// Raft's encoding of the id of the last purged record.
    pub purged: Option<Bytes>,
}

impl Base {
    /// Of a new log.
    pub(crate) const START: Self = Self { first: 0, link: Link::START, purged: None };

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(&self.first.to_be_bytes());
        bytes.extend_from_slice(&self.link.hash);
        bytes.extend_from_slice(&self.link.bytes_total.to_be_bytes());
        match &self.purged {
            Some(purged) => {
                bytes.push(1);
                bytes.extend_from_slice(purged);
            }
            None => bytes.push(0),
        }
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (first, rest) = bytes.split_first_chunk()?;
        let (link, rest) = split_link(rest)?;
        let purged = match rest.split_first()? {
            (0, []) => None,
            (1, purged) => Some(Bytes::copy_from_slice(purged)),
            _ => return None,
        };
        Some(Self { first: u64::from_be_bytes(*first), link, purged })
    }
}

/// The stored form of a record, whose bytes may be sealed.
pub(crate) fn encode_record(link: &Link, bytes: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(40 + bytes.len());
    value.extend_from_slice(&link.hash);
    value.extend_from_slice(&link.bytes_total.to_be_bytes());
    value.extend_from_slice(bytes);
    value
}

/// The link in a stored record, and the record's bytes as they are stored.
pub(crate) fn split_link(value: &[u8]) -> Option<(Link, &[u8])> {
    let (hash, rest) = value.split_first_chunk()?;
    let (total, bytes) = rest.split_first_chunk()?;
    Some((Link { hash: *hash, bytes_total: u64::from_be_bytes(*total) }, bytes))
}

/// Follows the chain through records read in order.
#[derive(Debug)]
pub(crate) struct Follower {
    /// The index that must come next.
    pub next: u64,
    /// The chain before it.
    pub link: Link,
}

impl Follower {
    /// Takes the next record and the link it is stored with, if it is the one
    /// that must come next and holds what was written; else says what is wrong.
    pub(crate) fn follow(
        &mut self,
        index: u64,
        link: Link,
        bytes: &[u8],
    ) -> Result<Record, String> {
        if index != self.next {
            return Err(format!("record {} is missing: {index} came in its place", self.next));
        }
        if self.link.after(index, bytes) != link {
            return Err(format!(
                "record {index} is damaged: it or the one before does not match the chain hash"
            ));
        }
        self.link = link;
        self.next = index + 1;
        Ok(Record { index, bytes: Bytes::copy_from_slice(bytes) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_survives_its_encoding() {
        let link = Link::START.after(3, b"abc");
        for purged in [None, Some(Bytes::new()), Some(Bytes::from_static(b"id"))] {
            let base = Base { first: 4, link, purged };
            assert_eq!(Base::decode(&base.encode()), Some(base));
        }
        assert_eq!(Base::decode(&[0; 48]), None);
        assert_eq!(Base::decode(&[2; 49]), None);
    }

    #[test]
    fn a_record_out_of_place_or_changed_is_named() {
        let first = Link::START.after(0, b"a");
        let second = first.after(1, b"b");
        let mut follower = Follower { next: 0, link: Link::START };
        assert!(follower.follow(1, second, b"b").is_err_and(|e| e.contains("0 is missing")));
        follower.follow(0, first, b"a").unwrap();
        let error = follower.follow(1, second, b"c").unwrap_err();
        assert!(error.starts_with("record 1 is damaged"), "{error}");
        assert_eq!(follower.follow(1, second, b"b").unwrap().bytes, "b");
    }

    #[test]
    fn a_record_is_stored_behind_its_link() {
        let link = Link::START.after(0, b"a");
        assert_eq!(split_link(&encode_record(&link, b"stored")), Some((link, &b"stored"[..])));
        assert_eq!(split_link(&[0; 39]), None);
    }

    #[test]
    fn the_hash_covers_place_and_predecessor() {
        let link = Link::START.after(0, b"a");
        assert_ne!(link.hash, Link::START.after(1, b"a").hash);
        assert_ne!(link.after(1, b"a").hash, Link::START.after(1, b"a").hash);
        assert_ne!(link.behind_snapshot(9, b"x").hash, link.behind_snapshot(9, b"y").hash);
    }
}
