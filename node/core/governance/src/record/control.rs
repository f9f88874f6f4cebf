//! What is kept of the organisation and of controls beside their entries.

use serde::{Deserialize, Serialize};
use types::{AttestationId, Digest, EntryId, Timestamp};

/// What the organisation says it is: where that is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileRecord {
    /// The entry that says so.
    pub entry_id: EntryId,
    /// How often it was said.
    pub version: u64,
}

/// Which regulatory data the ledger names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterRecord {
    /// The entry that names it.
    pub entry_id: EntryId,
    /// Its version.
    pub version: String,
    /// Its digest.
    pub digest: Digest,
}

/// What somebody vouched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttestationRecord {
    /// Its id.
    pub id: AttestationId,
    /// Until when.
    pub valid_until: Option<Timestamp>,
}
