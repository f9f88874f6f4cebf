//! What is kept of an export beside its entries.

use serde::{Deserialize, Serialize};
use types::{EntryId, Timestamp};

use crate::command::BuiltExport;
use crate::export::{ExportFormat, Scope, Selection};

/// Where an export is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ExportStatus {
    /// Somebody else must say that it may go out.
    AwaitingApproval,
    /// No node builds it yet.
    Pending,
    /// A node builds it.
    Running,
    /// It can be downloaded.
    Completed,
    /// It will never be there.
    Failed,
}

impl ExportStatus {
    /// Every one, in the order of a life.
    pub const ALL: [Self; 5] =
        [Self::AwaitingApproval, Self::Pending, Self::Running, Self::Completed, Self::Failed];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingApproval => "awaiting_approval",
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether something is still to come of it.
    pub fn is_open(self) -> bool {
        match self {
            Self::AwaitingApproval | Self::Pending | Self::Running => true,
            Self::Completed | Self::Failed => false,
        }
    }
}

/// An export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportRecord {
    /// The entry of the request.
    pub entry_id: EntryId,
    /// What of the ledger.
    pub scope: Scope,
    /// As what file.
    pub format: ExportFormat,
    /// Records not earlier than this.
    pub from: Option<Timestamp>,
    /// Records earlier than this.
    pub to: Option<Timestamp>,
    /// Entries there are for it.
    pub ledger_size: u64,
    /// Who asked; empty once the entry is erased whole.
    pub requester: String,
    /// Applied time of the request.
    pub requested_at: Timestamp,
    /// Where it is.
    pub status: ExportStatus,
    /// The node that builds it, or is to; any when absent.
    pub node: Option<String>,
    /// Nodes that began and did not end in time.
    pub tried: Vec<String>,
    /// How much that node has worked, as far as it told.
    pub worked: u64,
    /// How much of it is done, of a hundred, as far as that node told.
    pub percent: u8,
    /// When another node may take over.
    pub deadline: Option<Timestamp>,
    /// The entry that let it go out, or did not.
    pub answered: Option<EntryId>,
    /// The file, and the entry that says so: the last, where it had to be built
    /// anew after an erasure.
    pub built: Option<(BuiltExport, EntryId)>,
    /// Why it failed, and the entry that says so.
    pub failed: Option<(String, EntryId)>,
}

impl ExportRecord {
    /// Which part of the ledger it shows.
    pub fn selection(&self) -> Selection {
        Selection { scope: self.scope, from: self.from, to: self.to, ledger_size: self.ledger_size }
    }
}
