//! Files that lean on a ledger: receipts, proofs of a transparency log, and
//! replies to decisions.
//!
//! Each is read first, which can only show that it is malformed, and then
//! checked against what is at hand: a ledger, keys that came from elsewhere, or
//! nothing.
//!
//! Reading order: [`Document`], [`Against`], then [`receipt`] and [`reply`].

pub mod receipt;
pub mod reply;

use std::collections::BTreeMap;

use types::{Digest, EntryId, Object, Timestamp};

use crate::checkpoint::Checkpoint;
use crate::directory::Directory;
use crate::fault::FaultReason;
use crate::keys::{Keys, Kid};
use crate::note::Note;

pub use receipt::Receipt;
pub use reply::Reply;

/// A file that leans on a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// An entry and the proof that it is in a checkpoint's tree.
    Receipt(Box<Receipt>),
    /// The reply to a decision.
    Reply(Box<Reply>),
}

impl Document {
    /// Reads a receipt or a reply from JSON, told apart by what only a reply
    /// has.
    pub fn parse(json: &str) -> Option<Self> {
        Self::of(&serde_json::from_str(json).ok()?)
    }

    /// The same of JSON that was read already.
    pub fn of(members: &Object) -> Option<Self> {
        if members.get("ledger_entry_hash").is_some() {
            return Reply::parse(members).map(|reply| Self::Reply(Box::new(reply)));
        }
        Receipt::parse(members).map(|receipt| Self::Receipt(Box::new(receipt)))
    }

    /// Reads a C2SP `tlog-proof`.
    pub fn parse_proof(text: &str) -> Option<Self> {
        Receipt::parse_proof(text).map(|receipt| Self::Receipt(Box::new(receipt)))
    }

    /// The entry it is about.
    pub fn entry(&self) -> EntryId {
        match self {
            Self::Receipt(receipt) => receipt.header.id,
            Self::Reply(reply) => reply.entry,
        }
    }

    /// The size of the tree it is about.
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::Receipt(receipt) => Some(receipt.checkpoint.size),
            Self::Reply(_) => None,
        }
    }

    /// Checks it against what is at hand, and names the keys that vouch for it.
    ///
    /// # Errors
    /// The first fault, in the order of the format.
    pub fn check(&self, against: &Against<'_>) -> Result<Vec<Kid>, FaultReason> {
        match self {
            Self::Receipt(receipt) => receipt.check(against),
            Self::Reply(reply) => reply.check(against),
        }
    }
}

/// What a document is checked against.
#[derive(Clone, Copy, Debug)]
pub enum Against<'a> {
    /// A ledger that was checked.
    Ledger(&'a Ledger),
    /// Keys that the verifier knows from elsewhere.
    Keys(&'a Keys),
    /// Nothing: whether it agrees with itself.
    Itself,
}

/// A ledger that was checked, as far as documents ask for it.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub(crate) directory: Directory,
    /// Whether the parts were at hand, which say who votes.
    pub(crate) has_parts: bool,
    pub(crate) size: u64,
    /// `current_hash` of the entries that were asked for.
    pub(crate) hashes: BTreeMap<EntryId, Digest>,
    /// Root and time of the last entry at the sizes that were asked for.
    pub(crate) roots: BTreeMap<u64, (Digest, Timestamp)>,
}

impl Ledger {
    /// What the entries say of keys and voters.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Whether the parts were at hand, and not headers alone.
    pub fn has_parts(&self) -> bool {
        self.has_parts
    }

    /// Entries there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The keys that make a checkpoint final. Without the parts the voters are
    /// not known, and one key has to do.
    ///
    /// # Errors
    /// What it lacks.
    pub(crate) fn signers(
        &self,
        note: &Note,
        checkpoint: &Checkpoint,
    ) -> Result<Vec<Kid>, FaultReason> {
        if self.has_parts {
            let signers = self.directory.finality(note, checkpoint);
            return signers.map(|signers| signers.kids).map_err(|fault| fault.reason());
        }
        let unsigned = FaultReason::TooFewSignatures;
        let keys = self.directory.keys();
        let vouching = keys.vouching(note, &checkpoint.origin, checkpoint.size, unsigned)?;
        Ok(vouching.into_iter().map(|key| key.kid.clone()).collect())
    }
}

/// Goes on where something holds, and stops with the reason where it does not.
fn demand(holds: bool, reason: FaultReason) -> Result<(), FaultReason> {
    if holds { Ok(()) } else { Err(reason) }
}
