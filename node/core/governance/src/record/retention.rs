//! What is kept of legal holds, and of how far retention has come.

use serde::{Deserialize, Serialize};
use types::{EntryId, Timestamp};

use crate::command::{ErasedPart, HoldScope, RetentionDays};

/// A legal hold. Why it was applied, and by whom, is in its entry, which is never
/// erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRecord {
    /// The entry that applied it.
    pub entry_id: EntryId,
    /// What it freezes.
    pub scope: HoldScope,
    /// The entry that released it.
    pub released: Option<EntryId>,
}

/// What is counted of a block of entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockRecord {
    /// Entries of which a part is erased.
    pub erased: u64,
    /// Of these, those that have nothing left.
    pub whole: u64,
    /// Entries that have a personal part.
    pub personal: u64,
}

/// How far retention has been carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionRecord {
    /// How long things are kept; `None` while that is as it comes.
    pub days: Option<RetentionDays>,
    /// The entry that says so.
    pub days_entry: Option<EntryId>,
    /// Personal parts before this entry were looked at in this round.
    pub personal_next: EntryId,
    /// Both parts before this entry were.
    pub all_next: EntryId,
    /// When the round of personal parts began.
    pub personal_began: Timestamp,
    /// When the round of both parts began.
    pub all_began: Timestamp,
    /// Of which parts the last step was; the next is of the other one.
    pub last: Option<ErasedPart>,
}
