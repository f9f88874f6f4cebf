//! What the rest of the node is told as it happens: for metrics, notifications
//! of the ledger, effects of the leader; and the one thing it is asked for.

use governance::Applied;
use governance::command::Envelope;
use governance::outcome::{Outcome, Recorded};
use types::{LogIndex, RaftId};

use crate::status::Role;

/// Size of what the members share.
pub const SHARED_SECRET_BYTES: usize = 32;

/// One command that this replica has applied and committed to its state.
#[derive(Clone, Copy, Debug)]
pub struct AppliedItem<'a> {
    /// Where and when.
    pub applied: Applied,
    /// The node that took the request.
    pub origin: RaftId,
    /// The command.
    pub envelope: &'a Envelope,
    /// What it did.
    pub outcome: &'a Outcome,
}

/// Called from the thread that applies: what takes long must be handed on.
pub trait Observer: Send + Sync + 'static {
    /// A command was applied; its writes are visible.
    fn applied(&self, item: AppliedItem<'_>) {
        let _ = item;
    }

    /// A membership was applied; `recorded` is its ledger entry, if it has one.
    fn membership_applied(&self, index: LogIndex, recorded: Option<Recorded>) {
        let _ = (index, recorded);
    }

    /// The state was replaced by a snapshot that ends at `index`.
    fn state_replaced(&self, index: Option<LogIndex>) {
        let _ = index;
    }

    /// What the members of the cluster share and nobody else has; `None` until
    /// this node has got it. It is asked for by members alone.
    fn shared_secret(&self) -> Option<[u8; SHARED_SECRET_BYTES]> {
        None
    }

    /// The node has another role, or the same in another term.
    fn role_changed(&self, role: Role, term: u64) {
        let _ = (role, term);
    }
}

/// Takes no notice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}
