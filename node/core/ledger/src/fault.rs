//! What a check finds, by the reason codes of the format (README, section 6).

use std::fmt;

use types::EntryId;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// Why something does not hold, in the order in which it is checked.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum FaultReason {
            $($(#[$doc])* $name,)*
        }

        impl FaultReason {
            /// The word on the wire.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

reasons! {
    /// A file, a line, a header, a key or a proof is not of its form.
    Malformed = "malformed",
    /// The checkpoint is of another log.
    WrongOrigin = "wrong_origin",
    /// There is no entry with the next id, or its header cannot be read.
    Missing = "missing",
    /// There are more entries than the checkpoint says.
    CheckpointReplayed = "checkpoint_replayed",
    /// `previous_hash` is not the hash of the entry before.
    BrokenLink = "broken_link",
    /// A count or the time runs backwards or skips.
    SequenceGap = "sequence_gap",
    /// `data` is not what the header commits to.
    DataHashMismatch = "data_hash_mismatch",
    /// `personal` is not what the header commits to.
    PersonalHashMismatch = "personal_hash_mismatch",
    /// A part of an entry that is never erased is gone, or a run names it.
    ErasureNotAllowed = "erasure_not_allowed",
    /// A part is gone that no later run names.
    UnrecordedErasure = "unrecorded_erasure",
    /// The tree over the entries has another root.
    RootMismatch = "root_mismatch",
    /// A tile or an entry bundle is not that of the entries.
    TileMismatch = "tile_mismatch",
    /// A signature under a known name and key id does not verify.
    CheckpointSignatureInvalid = "checkpoint_signature_invalid",
    /// Those who signed are no majority of the voters.
    TooFewSignatures = "too_few_signatures",
    /// They would be, if keys counted that do not at that size.
    KeyNotValidAtSize = "key_not_valid_at_size",
    /// A line of the checkpoint contradicts the entries.
    MembershipMismatch = "membership_mismatch",
    /// `keys.json` contradicts the entries.
    KeysMismatch = "keys_mismatch",
    /// The hash of an entry is not what was recorded of it elsewhere.
    HashMismatch = "hash_mismatch",
    /// A proof does not lead to its root, or the root is not the checkpoint's.
    InclusionFailed = "inclusion_failed",
    /// A receipt's checkpoint is of another tree.
    ConsistencyFailed = "consistency_failed",
    /// A signature names a key that is not known, or is of another use.
    KeyUnknown = "key_unknown",
    /// The key does not count for that entry.
    KeyNotValidAtIndex = "key_not_valid_at_index",
    /// A signature does not verify.
    SignatureInvalid = "signature_invalid",
}

impl fmt::Display for FaultReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The first entry that does not hold, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {id}: {reason}")]
pub struct Fault {
    /// The entry.
    pub id: EntryId,
    /// What is wrong with it.
    pub reason: FaultReason,
}
