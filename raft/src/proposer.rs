//! Brings commands into the log: batching without timers.
//!
//! Every node gathers what arrives while its previous batches are under way. A
//! node that leads joins its own commands and the parcels of others into one
//! Raft entry and stamps it; any other node sends its batch to the leader. A
//! client that is alone waits for one round trip and one sync; many share them.
//!
//! Nothing here answers a client with success: the node that was asked does so
//! when it applies the command ([`desk`]). What comes back is only whether a
//! batch was certainly never appended, and then it waits for its turn again.

pub(crate) mod desk;
pub(crate) mod dispatch;

use governance::Outcome;
use tokio::sync::oneshot;
use types::{LogIndex, Timestamp};

pub use self::desk::Bounds;
use crate::batch::{ITEM_OVERHEAD_BYTES, Item};

/// A command that is in the log for ever, and what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The Raft entry.
    pub index: LogIndex,
    /// Place within it.
    pub sub_index: u32,
    /// Applied time.
    pub at: Timestamp,
    /// What the state machine answered.
    pub outcome: Outcome,
}

/// Why a command has no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// No leader took it in time. It was not recorded and never will be.
    #[error("no leader took the command in time; it was not recorded")]
    NoLeader,
    /// It was sent, and may have been recorded, or still be.
    #[error("the command may or may not have been recorded")]
    OutcomeUnknown,
    /// Too much waits already. It was not recorded.
    #[error("too many commands wait")]
    Overloaded,
    /// Bigger than any command may be. It was not recorded.
    #[error("the command is too large")]
    TooLarge,
    /// The replica does not serve any more. It was not recorded.
    #[error("the replica has stopped: {0}")]
    Stopped(String),
}

/// What became of a batch on its way into the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Every command of it is committed.
    Committed,
    /// It was not appended, and never will be.
    Refused,
    /// It may have been appended.
    Unknown,
    /// It was not appended because the leader cannot read it.
    Unreadable,
}

/// Commands that another node sent to the leader.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) items: Vec<Item>,
    pub(crate) fate: oneshot::Sender<Fate>,
}

impl Parcel {
    fn bytes(&self) -> usize {
        bytes_of(&self.items)
    }

    fn land(self, fate: Fate) {
        // The connection it came by may have ended.
        let _ = self.fate.send(fate);
    }
}

fn bytes_of(items: &[Item]) -> usize {
    items.iter().map(|item| item.envelope.len() + ITEM_OVERHEAD_BYTES).sum()
}
