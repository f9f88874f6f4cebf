//! What is kept of AI systems and of what went wrong with them, beside their
//! entries.

use serde::{Deserialize, Serialize};
use types::{EntryId, Json, Timestamp};

use crate::command::{IncidentCategory, SystemDetails};

/// An AI system as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemRecord {
    /// The entry that registered it.
    pub registered: EntryId,
    /// The entry that said last how it is.
    pub latest: EntryId,
    /// 1 as it was registered.
    pub version: u64,
    /// What is said of it.
    pub details: SystemDetails,
    /// Whom to turn to; gone once the personal part that told it is erased.
    pub contact: Option<Json>,
    /// The first of the entries that tell this contact.
    pub contact_since: EntryId,
    /// Applied time of its registration.
    pub created_at: Timestamp,
    /// Applied time of the last change.
    pub updated_at: Timestamp,
    /// Who made it, if anybody was named.
    pub by: Option<String>,
}

/// A serious incident. Its texts are in the entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiIncidentRecord {
    /// The entry that recorded it.
    pub entry_id: EntryId,
    /// What it is.
    pub category: IncidentCategory,
    /// Days from awareness within which it must be reported.
    pub clock_days: u64,
    /// When that time is over.
    pub report_due_at: Timestamp,
    /// The entry that says it was.
    pub reported: Option<EntryId>,
    /// The entry that says it is over.
    pub closed: Option<EntryId>,
}
