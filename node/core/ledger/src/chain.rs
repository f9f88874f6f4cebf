//! Checking a chain: every stored byte hashed again, every link and number
//! followed, the first fault named.
//!
//! A [`Checker`] takes entries in order and keeps only what the next check
//! needs, so a chain of any length is checked in bounded memory. A range can
//! begin anywhere: what lies before it is then taken on trust, and the links
//! inside are still exact, which is how a check is split over threads.

use std::collections::BTreeMap;

use types::{Digest, EntryId};

use crate::entry::StoredEntry;
use crate::entry_type::EntryType;
use crate::merkle::Frontier;

/// Why an entry does not hold. The words are those of api.md, section 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultReason {
    /// `data` is not what the header commits to.
    DataHashMismatch,
    /// `personal` is not what the header commits to.
    PersonalHashMismatch,
    /// The hash of the header is not what was recorded of it elsewhere.
    HashMismatch,
    /// `previous_hash` is not the hash of the entry before.
    BrokenLink,
    /// There is no entry with the next id, or its header cannot be read.
    Missing,
    /// A count or the time runs backwards or skips.
    SequenceGap,
}

impl FaultReason {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DataHashMismatch => "data_hash_mismatch",
            Self::PersonalHashMismatch => "personal_hash_mismatch",
            Self::HashMismatch => "hash_mismatch",
            Self::BrokenLink => "broken_link",
            Self::Missing => "missing",
            Self::SequenceGap => "sequence_gap",
        }
    }
}

/// The first entry that does not hold, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {id}: {}", reason.as_str())]
pub struct Fault {
    /// The entry.
    pub id: EntryId,
    /// What is wrong with it.
    pub reason: FaultReason,
}

/// A check that has come so far.
#[derive(Clone, Debug)]
pub struct Checker {
    next: EntryId,
    /// Hash and time of the entry before; `None` where the range begins past
    /// genesis and nothing is known of what lies before.
    last: Option<(Digest, types::Timestamp)>,
    /// The tree, if the range began at genesis.
    tree: Option<Frontier>,
    /// How many entries of each type came so far; of a range that begins past
    /// genesis, the number of the last one seen.
    type_seq: BTreeMap<EntryType, u64>,
    checked: u64,
    erased: u64,
}

impl Checker {
    /// A check that begins at genesis and so can tell the root of the tree.
    pub fn from_genesis() -> Self {
        Self {
            next: EntryId(0),
            last: Some((Digest::ZERO, types::Timestamp(0))),
            tree: Some(Frontier::default()),
            type_seq: BTreeMap::new(),
            checked: 0,
            erased: 0,
        }
    }

    /// A check that begins at `first`, whose link backwards cannot be followed
    /// unless the hash of the entry before is given.
    pub fn from(first: EntryId, before: Option<(Digest, types::Timestamp)>) -> Self {
        if first == EntryId(0) {
            return Self::from_genesis();
        }
        let type_seq = BTreeMap::new();
        Self { next: first, last: before, tree: None, type_seq, checked: 0, erased: 0 }
    }

    /// Checks the next entry.
    ///
    /// # Errors
    /// The [`Fault`]; the checker is then spent.
    pub fn check(&mut self, entry: &StoredEntry) -> Result<(), Fault> {
        let id = self.next;
        let fault = |reason| Err(Fault { id, reason });
        let header = &entry.header;
        if header.id != id {
            return fault(FaultReason::Missing);
        }
        if let Some((hash, at)) = self.last {
            if header.previous_hash != hash {
                return fault(FaultReason::BrokenLink);
            }
            if header.timestamp < at {
                return fault(FaultReason::SequenceGap);
            }
        }
        let is_genesis = header.entry_type == EntryType::Genesis;
        if is_genesis != (id == EntryId(0)) || !self.follows(header.entry_type, header.type_seq) {
            return fault(FaultReason::SequenceGap);
        }
        if let Some(reason) = wrong_part(entry) {
            return fault(reason);
        }
        self.advance(entry);
        Ok(())
    }

    /// Whether this is the next entry of its type.
    fn follows(&self, entry_type: EntryType, type_seq: u64) -> bool {
        match (self.type_seq.get(&entry_type), &self.tree) {
            (Some(last), _) => type_seq == last.saturating_add(1),
            (None, Some(_)) => type_seq == 1,
            (None, None) => 1 <= type_seq,
        }
    }

    fn advance(&mut self, entry: &StoredEntry) {
        let hash = entry.hash();
        self.last = Some((hash, entry.header.timestamp));
        if let Some(tree) = &mut self.tree {
            tree.append(hash);
        }
        self.type_seq.insert(entry.header.entry_type, entry.header.type_seq);
        self.next = EntryId(self.next.0.saturating_add(1));
        self.checked = self.checked.saturating_add(1);
        self.erased = self.erased.saturating_add(u64::from(entry.is_erased()));
    }

    /// Id of the entry that must come next.
    pub fn next_id(&self) -> EntryId {
        self.next
    }

    /// Hash and time of the last entry checked.
    pub fn last(&self) -> Option<(Digest, types::Timestamp)> {
        self.last
    }

    /// Entries checked.
    pub fn checked(&self) -> u64 {
        self.checked
    }

    /// Of those, how many have an erased part.
    pub fn erased(&self) -> u64 {
        self.erased
    }

    /// Root of the tree over all entries checked; `None` where the range did
    /// not begin at genesis.
    pub fn root(&self) -> Option<Digest> {
        self.tree.as_ref().map(Frontier::root)
    }
}

/// The first part that is not what the header commits to, or is gone from an
/// entry that is never erased.
fn wrong_part(entry: &StoredEntry) -> Option<FaultReason> {
    let header = &entry.header;
    let may_be_gone = header.entry_type.is_erasable();
    let data_holds = match &entry.data {
        Some(part) => part.hash() == header.data_hash,
        None => may_be_gone,
    };
    let personal_holds = match &entry.personal {
        Some(part) => Some(part.hash()) == header.personal_hash,
        None => may_be_gone || header.personal_hash.is_none(),
    };
    match (data_holds, personal_holds) {
        (false, _) => Some(FaultReason::DataHashMismatch),
        (true, false) => Some(FaultReason::PersonalHashMismatch),
        (true, true) => None,
    }
}

#[cfg(test)]
mod tests;
