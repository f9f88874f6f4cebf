//! The directory of a ledger: which keys there are and when they count, and who
//! votes, all of it folded from entries.
//!
//! It judges who signed a checkpoint. It trusts the entries it is given: that
//! they are those of the ledger is for [`crate::chain`].
//!
//! Invariants
//! - No key id stands for two keys.
//! - A voter is its Raft id, whichever of its keys it signs with.

use std::collections::BTreeSet;

use types::{Digest, EntryId, Json, Object, Timestamp};

use crate::checkpoint::{Checkpoint, is_origin};
use crate::entry::StoredEntry;
use crate::entry_type::EntryType;
use crate::fault::{Fault, FaultReason};
use crate::keys::{Key, Keys, Kid, Owner};
use crate::note::Note;

/// What the entries say of origin, keys, voters and levels.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    origin: Option<String>,
    keys: Keys,
    memberships: Vec<Membership>,
    levels: Vec<(EntryId, u64)>,
}

/// Who votes from an entry on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The entry that says so.
    pub id: EntryId,
    /// Its `current_hash`.
    pub hash: Digest,
    /// Raft ids of the voters.
    pub voters: BTreeSet<u64>,
    /// In a joint configuration, those who are on their way out.
    pub outgoing: Option<BTreeSet<u64>>,
}

/// Who made a checkpoint final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signers {
    /// The keys that signed and count, by id.
    pub kids: Vec<Kid>,
    /// The voters among their owners.
    pub voters: BTreeSet<u64>,
}

/// Why the signatures on a checkpoint do not make it final.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteFault {
    /// A line under a known name and key id does not verify.
    #[error("the signature of `{kid}` does not verify")]
    SignatureInvalid {
        /// The key whose it claims to be.
        kid: Kid,
    },
    /// Voters are missing.
    #[error("{} voters signed, which is no majority", signers.voters.len())]
    TooFew {
        /// Who signed.
        signers: Signers,
    },
    /// It would be a majority if keys counted that do not at this size.
    #[error("it would be final only with keys that do not count at its size")]
    KeyNotValid {
        /// Those keys.
        kids: Vec<Kid>,
        /// Whether keys that were later given up as compromised would do, and
        /// so it may have been final when it was made.
        is_lost_to_compromise: bool,
    },
    /// Nothing says who votes at that size.
    #[error("no entry below its size says who votes")]
    NoVoters,
}

impl NoteFault {
    /// The reason code.
    pub fn reason(&self) -> FaultReason {
        match self {
            Self::SignatureInvalid { .. } => FaultReason::CheckpointSignatureInvalid,
            Self::TooFew { .. } | Self::NoVoters => FaultReason::TooFewSignatures,
            Self::KeyNotValid { .. } => FaultReason::KeyNotValidAtSize,
        }
    }
}

impl Membership {
    /// Whether these are a majority: in a joint configuration, of both sides.
    fn is_majority(&self, signed: &BTreeSet<u64>) -> bool {
        let is_majority_of = |side: &BTreeSet<u64>| {
            let count = side.intersection(signed).count();
            side.len() < count.saturating_mul(2)
        };
        is_majority_of(&self.voters) && self.outgoing.as_ref().is_none_or(is_majority_of)
    }

    fn has(&self, raft_id: u64) -> bool {
        let is_outgoing = self.outgoing.as_ref().is_some_and(|side| side.contains(&raft_id));
        is_outgoing || self.voters.contains(&raft_id)
    }
}

impl Directory {
    /// A directory of which nothing is known but what a list of keys says, for
    /// ledgers of which the parts are not at hand.
    pub(crate) fn listed(origin: &str, keys: Keys) -> Self {
        Self { origin: Some(origin.to_owned()), keys, ..Self::default() }
    }

    /// Whether entries of this type say anything to a directory.
    pub fn reads(entry_type: EntryType) -> bool {
        use EntryType as T;
        let is_of_keys = matches!(entry_type, T::NodeJoined | T::KeyAdded | T::KeyRetired);
        is_of_keys
            || matches!(entry_type, T::Genesis | T::MembershipChanged | T::FeatureLevelChanged)
    }

    /// Takes the next entry in. Entries of other types change nothing.
    ///
    /// # Errors
    /// [`FaultReason::Malformed`] where `data` is not of its form.
    pub fn apply(&mut self, entry: &StoredEntry) -> Result<(), Fault> {
        let id = entry.header.id;
        if !Self::reads(entry.header.entry_type) {
            return Ok(());
        }
        let data = entry.data.as_ref();
        let data = data.and_then(|data| serde_json::from_str::<Object>(&data.text).ok());
        let taken = data.and_then(|data| self.take(entry, &data));
        taken.ok_or(Fault { id, reason: FaultReason::Malformed })
    }

    /// Who votes is known of a ledger whose parts are not at hand by the hash of
    /// the entry alone.
    pub(crate) fn apply_header(&mut self, entry: &StoredEntry) {
        if matches!(entry.header.entry_type, EntryType::Genesis | EntryType::MembershipChanged) {
            self.memberships.push(Membership {
                id: entry.header.id,
                hash: entry.hash(),
                voters: BTreeSet::new(),
                outgoing: None,
            });
        }
    }

    fn take(&mut self, entry: &StoredEntry, data: &Object) -> Option<()> {
        use EntryType as T;
        let (id, entry_type) = (entry.header.id, entry.header.entry_type);
        if matches!(entry_type, T::Genesis | T::MembershipChanged) {
            self.memberships.push(membership(entry, data)?);
        }
        if entry_type == T::Genesis {
            let origin = data.get("origin")?.as_str()?;
            let is_whole = is_origin(origin) && origin.contains('/');
            self.origin = is_whole.then(|| origin.to_owned());
            self.origin.as_ref()?;
        }
        if matches!(entry_type, T::Genesis | T::FeatureLevelChanged) {
            self.levels.push((id, data.get("feature_level")?.as_u64()?));
        }
        if matches!(entry_type, T::Genesis | T::NodeJoined) {
            self.node_joined(id, data)?;
        }
        if entry_type == T::KeyAdded {
            self.key_added(id, data)?;
        }
        if entry_type == T::KeyRetired {
            self.key_retired(id, data)?;
        }
        Some(())
    }

    /// A name that is taken over ends the keys of whoever bore it.
    fn node_joined(&mut self, id: EntryId, data: &Object) -> Option<()> {
        let joined = owner(data)?;
        for key in self.keys.iter_mut() {
            let taken_over = key.owner.as_ref().is_some_and(|owner| {
                owner.node_id == joined.node_id && owner.raft_id != joined.raft_id
            });
            if taken_over {
                key.end(id);
            }
        }
        let keys = data.get("keys")?.as_array()?;
        keys.iter().try_for_each(|key| self.know(Key::parse(key, &joined, id)?))
    }

    fn key_added(&mut self, id: EntryId, data: &Object) -> Option<()> {
        let replaced = data.get("replaces")?;
        if !replaced.is_null() {
            self.known(replaced)?.end(id);
        }
        self.know(Key::parse(data.get("key")?, &owner(data)?, id)?)
    }

    fn key_retired(&mut self, id: EntryId, data: &Object) -> Option<()> {
        let is_compromised = data.get("compromised")?.as_bool()?;
        let key = self.known(data.get("kid")?)?;
        key.end(id);
        key.is_compromised |= is_compromised;
        Some(())
    }

    /// A node may name a key again that has not ended, and nothing else may.
    fn know(&mut self, key: Key) -> Option<()> {
        match self.keys.get_mut(&key.kid) {
            Some(known) => (*known == Key { from: known.from, ..key }).then_some(()),
            None => self.keys.insert(key).then_some(()),
        }
    }

    fn known(&mut self, kid: &Json) -> Option<&mut Key> {
        self.keys.get_mut(&kid.as_str()?.parse().ok()?)
    }

    /// The origin that genesis says.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// Every key that was ever known.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Who votes at this size.
    pub fn membership_at(&self, size: u64) -> Option<&Membership> {
        self.memberships.iter().rev().find(|membership| membership.id.0 < size)
    }

    /// The feature level in force at this size.
    pub fn feature_level_at(&self, size: u64) -> Option<u64> {
        let level = self.levels.iter().rev().find(|(id, _)| id.0 < size);
        level.map(|(_, level)| *level)
    }

    /// Whether the lines of a checkpoint say what the entries say, of which the
    /// last one below its size has this time.
    pub fn agrees(&self, checkpoint: &Checkpoint, last: Timestamp) -> bool {
        let membership = self.membership_at(checkpoint.size);
        // Without `data` no level is known, and none is asked for.
        let level = self.feature_level_at(checkpoint.size);
        membership.is_some_and(|membership| membership.hash == checkpoint.membership_hash)
            && level.is_none_or(|level| level == u64::from(checkpoint.feature_level))
            && last <= checkpoint.timestamp
    }

    /// Who made the checkpoint final. Lines of RSA keys that are known are
    /// verified and not counted.
    ///
    /// # Errors
    /// [`NoteFault`] where it is not final.
    pub fn finality(&self, note: &Note, checkpoint: &Checkpoint) -> Result<Signers, NoteFault> {
        let size = checkpoint.size;
        let signed = self.keys.signers(note, &checkpoint.origin);
        let signed = signed.map_err(|kid| NoteFault::SignatureInvalid { kid })?;
        let membership = self.membership_at(size).ok_or(NoteFault::NoVoters)?;
        let signed: Vec<&Key> = signed.into_iter().filter(|key| !key.is_rsa()).collect();
        let of = |counts: &dyn Fn(&Key) -> bool| -> BTreeSet<u64> {
            let counted = signed.iter().filter(|key| counts(key));
            counted.filter_map(|key| Some(key.owner.as_ref()?.raft_id)).collect()
        };
        let mut voters = of(&|key| key.counts_at(size));
        if membership.is_majority(&voters) {
            voters.retain(|voter| membership.has(*voter));
            let counted = signed.iter().filter(|key| key.counts_at(size));
            return Ok(Signers { kids: counted.map(|key| key.kid.clone()).collect(), voters });
        }
        if membership.is_majority(&of(&|_| true)) {
            let uncounted = signed.iter().filter(|key| !key.counts_at(size));
            return Err(NoteFault::KeyNotValid {
                kids: uncounted.map(|key| key.kid.clone()).collect(),
                is_lost_to_compromise: membership.is_majority(&of(&|key| key.is_known_at(size))),
            });
        }
        voters.retain(|voter| membership.has(*voter));
        let counted = signed.iter().filter(|key| key.counts_at(size));
        let kids = counted.map(|key| key.kid.clone()).collect();
        Err(NoteFault::TooFew { signers: Signers { kids, voters } })
    }
}

fn owner(data: &Object) -> Option<Owner> {
    let node_id = data.get("node_id")?.as_str()?.to_owned();
    Some(Owner { node_id, raft_id: data.get("raft_id")?.as_u64()? })
}

fn membership(entry: &StoredEntry, data: &Object) -> Option<Membership> {
    let (voters, outgoing) = if entry.header.entry_type == EntryType::Genesis {
        (BTreeSet::from([data.get("raft_id")?.as_u64()?]), None)
    } else {
        let outgoing = data.get("voters_outgoing")?;
        let outgoing = if outgoing.is_null() { None } else { Some(side(outgoing)?) };
        (side(data.get("voters")?)?, outgoing)
    };
    Some(Membership { id: entry.header.id, hash: entry.hash(), voters, outgoing })
}

/// The voters of one side: at least one, and none twice.
fn side(voters: &Json) -> Option<BTreeSet<u64>> {
    let listed = voters.as_array()?;
    let ids = listed.iter().map(|voter| voter.as_object()?.get("raft_id")?.as_u64());
    let ids: BTreeSet<u64> = ids.collect::<Option<_>>()?;
    (!ids.is_empty() && ids.len() == listed.len()).then_some(ids)
}

#[cfg(test)]
mod tests;
