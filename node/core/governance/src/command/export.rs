//! Exports for auditors: asking for one, letting it go out, and building it.

use serde::{Deserialize, Serialize};
use types::{Digest, EntryId, ExportId, Timestamp};

use crate::export::{ExportFormat, Scope};

/// An export that somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestExport {
    /// What of the ledger.
    pub scope: Scope,
    /// As what file.
    pub format: ExportFormat,
    /// Records not earlier than this.
    pub from: Option<Timestamp>,
    /// Records earlier than this.
    pub to: Option<Timestamp>,
    /// Entries there are for it; all there are now when absent.
    pub ledger_size: Option<u64>,
    /// What for, at most 2048 characters.
    pub purpose: Option<String>,
}

/// What somebody else says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExportAnswer {
    /// It may go out.
    Approve,
    /// It may not.
    Reject,
}

/// An answer to a request that waits for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerExport {
    /// The export.
    pub export: ExportId,
    /// What is said.
    pub answer: ExportAnswer,
    /// Why, at most 10,000 characters.
    pub notes: Option<String>,
}

/// A node begins to build an export, or says that it gets on with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimExport {
    /// The export.
    pub export: ExportId,
    /// How much it has worked so far, in bytes written and pieces of the ledger gone
    /// through: 0 at the beginning.
    pub worked: u64,
    /// How much of it is done, of a hundred.
    pub percent: u8,
}

/// A node has built an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompleteExport {
    /// The export.
    pub export: ExportId,
    /// What it built.
    pub built: BuiltExport,
}

/// A file, by what the ledger makes of it: the same on any node of one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuiltExport {
    /// Records in it.
    pub record_count: u64,
    /// Its size.
    pub size_bytes: u64,
    /// Its digest.
    pub sha256: Digest,
    /// Size of the checkpoint in it.
    pub checkpoint_size: u64,
    /// The last run of erasure that touched its entries.
    pub erasures_through: Option<EntryId>,
    /// Which form files have that this program builds: a later program may make
    /// other bytes of the same entries, and has a greater one then.
    pub form: u32,
}

/// A node cannot build an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailExport {
    /// The export.
    pub export: ExportId,
    /// Why, in words for whoever asked.
    pub error: String,
}
