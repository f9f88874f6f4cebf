//! Checking a chain: every stored byte hashed again, every link and number
//! followed, the first fault named.
//!
//! A [`Checker`] takes entries in order and keeps only what the next check
//! needs, so a chain of any length is checked in bounded memory. A range can
//! begin anywhere: what lies before it is then taken on trust until
//! [`Checker::join`] checks the seam, which is how a check is split over
//! threads.
//!
//! Faults that only the whole can show are named by [`Checker::finish`].

use std::collections::BTreeMap;

use types::{Digest, EntryId, Timestamp};

use crate::entry::StoredEntry;
use crate::entry_type::EntryType;
use crate::erasure::Erasures;
use crate::fault::{Fault, FaultReason};
use crate::header::Header;
use crate::subtrees::Subtrees;

/// A check that has come so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checker {
    first: EntryId,
    next: EntryId,
    /// What the first entry says of the one before it: hash, and a time that is
    /// no earlier.
    claims: Option<(Digest, Timestamp)>,
    /// Hash and time of the entry before; `None` where the range begins past
    /// genesis and nothing is known of what lies before.
    last: Option<(Digest, Timestamp)>,
    tree: Subtrees,
    types: BTreeMap<EntryType, Counted>,
    erasures: Erasures,
    erased: u64,
}

/// How far the entries of one type were counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counted {
    /// The first entry of the type in the range, and its number.
    first: (EntryId, u64),
    /// The number of the last one.
    last: u64,
}

impl Checker {
    /// A check that begins at genesis and so can tell the root of the tree.
    pub fn from_genesis() -> Self {
        Self::new(EntryId(0), Some((Digest::ZERO, Timestamp(0))))
    }

    /// A check that begins at `first`, whose link backwards cannot be followed
    /// unless the hash of the entry before is given.
    pub fn from(first: EntryId, before: Option<(Digest, Timestamp)>) -> Self {
        if first == EntryId(0) {
            return Self::from_genesis();
        }
        Self::new(first, before)
    }

    fn new(first: EntryId, last: Option<(Digest, Timestamp)>) -> Self {
        Self {
            first,
            next: first,
            claims: None,
            last,
            tree: Subtrees::from(first.0),
            types: BTreeMap::new(),
            erasures: Erasures::default(),
            erased: 0,
        }
    }

    /// Checks the next entry.
    ///
    /// # Errors
    /// The [`Fault`]. What was known before stays; what comes after a fault
    /// proves nothing.
    pub fn check(&mut self, entry: &StoredEntry) -> Result<(), Fault> {
        let fault = |reason| Err(Fault { id: self.next, reason });
        if let Some(reason) = self.misplaced(&entry.header).or_else(|| wrong_part(entry)) {
            return fault(reason);
        }
        self.erasures.take(entry, self.first).or_else(fault)?;
        self.advance(&entry.header, entry.hash());
        self.erased = self.erased.saturating_add(u64::from(entry.is_erased()));
        Ok(())
    }

    /// Checks the next entry as far as its header alone allows, where the parts
    /// are not at hand.
    ///
    /// # Errors
    /// The [`Fault`], as of [`Checker::check`].
    pub fn check_header(&mut self, entry: &StoredEntry) -> Result<(), Fault> {
        if let Some(reason) = self.misplaced(&entry.header) {
            return Err(Fault { id: self.next, reason });
        }
        self.advance(&entry.header, entry.hash());
        Ok(())
    }

    /// Why an entry with this header is not the next one.
    fn misplaced(&self, header: &Header) -> Option<FaultReason> {
        if header.id != self.next {
            return Some(FaultReason::Missing);
        }
        if let Some((hash, at)) = self.last {
            if header.previous_hash != hash {
                return Some(FaultReason::BrokenLink);
            }
            if header.timestamp < at {
                return Some(FaultReason::SequenceGap);
            }
        }
        let is_genesis = header.entry_type == EntryType::Genesis;
        let is_in_place = is_genesis == (self.next == EntryId(0));
        let follows = is_in_place && self.follows(header.entry_type, header.type_seq);
        (!follows).then_some(FaultReason::SequenceGap)
    }

    /// Whether this is the next entry of its type.
    fn follows(&self, entry_type: EntryType, type_seq: u64) -> bool {
        match self.types.get(&entry_type) {
            Some(counted) => type_seq == counted.last.saturating_add(1),
            None if self.first == EntryId(0) => type_seq == 1,
            None => 1 <= type_seq,
        }
    }

    fn advance(&mut self, header: &Header, hash: Digest) {
        self.claims.get_or_insert((header.previous_hash, header.timestamp));
        self.last = Some((hash, header.timestamp));
        self.tree.append(hash);
        let seq = header.type_seq;
        let begun = Counted { first: (header.id, seq), last: seq };
        self.types.entry(header.entry_type).or_insert(begun).last = seq;
        self.next = EntryId(self.next.0.saturating_add(1));
    }

    /// Adds a check of the range that follows this one, as if one checker had
    /// seen both.
    ///
    /// # Errors
    /// The first [`Fault`] that shows only where both are known: a link or a
    /// count across the seam, or a run there of which an entry here may not be
    /// erased.
    pub fn join(mut self, next: Self) -> Result<Self, Fault> {
        if next.first != self.next {
            return Err(Fault { id: self.next, reason: FaultReason::Missing });
        }
        let seam = self.broken_seam(&next).into_iter().chain(self.broken_count(&next)).min();
        let Self { claims, last, tree, types, erasures, erased, next: end, .. } = next;
        let misnamed = self.erasures.join(erasures, self.first).err();
        if let Some((id, reason)) = seam.into_iter().chain(misnamed).min() {
            return Err(Fault { id, reason });
        }
        self.next = end;
        if claims.is_some() {
            self.last = last;
        }
        self.claims = self.claims.or(claims);
        self.tree.join(&tree);
        for (entry_type, counted) in types {
            self.types.entry(entry_type).or_insert(counted).last = counted.last;
        }
        self.erased = self.erased.saturating_add(erased);
        Ok(self)
    }

    /// Whether the first entry of the next range follows the last one here.
    fn broken_seam(&self, next: &Self) -> Option<(EntryId, FaultReason)> {
        let ((hash, at), (claimed, by)) = (self.last?, next.claims?);
        if claimed != hash {
            return Some((next.first, FaultReason::BrokenLink));
        }
        (by < at).then_some((next.first, FaultReason::SequenceGap))
    }

    /// The first entry of the next range that is not the next one of its type.
    fn broken_count(&self, next: &Self) -> Option<(EntryId, FaultReason)> {
        let counted = next.types.iter();
        let broken =
            counted.filter(|(entry_type, counted)| !self.follows(**entry_type, counted.first.1));
        broken.map(|(_, counted)| (counted.first.0, FaultReason::SequenceGap)).min()
    }

    /// What only the whole can show, once no more entries come.
    ///
    /// # Errors
    /// The first entry of which a part is gone that no later run names.
    pub fn finish(&self) -> Result<(), Fault> {
        match self.erasures.unrecorded() {
            Some(id) => Err(Fault { id, reason: FaultReason::UnrecordedErasure }),
            None => Ok(()),
        }
    }

    /// Id of the entry that must come next.
    pub fn next_id(&self) -> EntryId {
        self.next
    }

    /// Hash and time of the last entry checked.
    pub fn last(&self) -> Option<(Digest, Timestamp)> {
        self.last
    }

    /// Entries checked.
    pub fn checked(&self) -> u64 {
        self.next.0.saturating_sub(self.first.0)
    }

    /// Of those, how many have an erased part.
    pub fn erased(&self) -> u64 {
        self.erased
    }

    /// The number of the last entry of a type; 0 where there is none.
    pub fn type_seq(&self, entry_type: EntryType) -> u64 {
        self.types.get(&entry_type).map_or(0, |counted| counted.last)
    }

    /// The tree over the entries checked.
    pub fn tree(&self) -> &Subtrees {
        &self.tree
    }

    /// Root of the tree over all entries checked; `None` where the range did
    /// not begin at genesis.
    pub fn root(&self) -> Option<Digest> {
        self.tree.root()
    }
}

/// The first part that is not what the header commits to, or is gone from an
/// entry that is never erased.
fn wrong_part(entry: &StoredEntry) -> Option<FaultReason> {
    let header = &entry.header;
    if entry.data.as_ref().is_some_and(|part| part.hash() != header.data_hash) {
        return Some(FaultReason::DataHashMismatch);
    }
    if entry.personal.as_ref().is_some_and(|part| Some(part.hash()) != header.personal_hash) {
        return Some(FaultReason::PersonalHashMismatch);
    }
    let is_lost = entry.is_erased() && !header.entry_type.is_erasable();
    is_lost.then_some(FaultReason::ErasureNotAllowed)
}

#[cfg(test)]
mod tests;
