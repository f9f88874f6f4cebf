//! Who is in the cluster: one change at a time, made by the leader.
//!
//! Any node takes the request and passes it on. The leader checks it against
//! what it knows of the others, refuses what would cost the quorum and says
//! why, and ties the change to the membership it looked at, so that two changes
//! never cross.
//!
//! - [`plan`]: whether a change is safe; pure.
//! - [`change`]: making it, passing it on, and finishing what a dead leader left.

pub(crate) mod change;
pub(crate) mod plan;
pub(crate) mod wire;

use types::{LogIndex, RaftId};

use crate::kinds::Member;

/// A change of who is in the cluster, or of who leads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Let a node follow, without a vote.
    AddLearner {
        /// Its id, never used before.
        raft_id: RaftId,
        /// Who it is.
        member: Member,
    },
    /// Give a learner that has caught up a vote.
    Promote(RaftId),
    /// Take a voter's vote; it goes on as a learner.
    Demote(RaftId),
    /// Take a node out.
    Remove(RaftId),
    /// Hand leadership over, to the most caught-up voter when nobody is named.
    Transfer(Option<RaftId>),
}

/// What a change would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Whether it would be made.
    pub allowed: bool,
    /// Why not.
    pub reasons: Vec<String>,
    /// Who votes now.
    pub voters_before: Vec<RaftId>,
    /// Who would vote.
    pub voters_after: Vec<RaftId>,
    /// Members that have not answered the leader lately.
    pub unreachable: Vec<RaftId>,
}

/// A change that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Log index of the membership; absent when nothing had to change.
    pub index: Option<LogIndex>,
}

/// Why a change was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// No leader took it in time.
    #[error("no leader took the change in time")]
    NoLeader,
    /// It would endanger the cluster.
    #[error("the change is not safe: {0}")]
    Unsafe(String),
    /// The learner lacks entries.
    #[error("the node lacks {lag} entries")]
    NotCaughtUp {
        /// How many.
        lag: u64,
    },
    /// It was begun, and may be completed yet.
    #[error("the change may or may not have been made")]
    Unknown,
    /// It could not be made.
    #[error("the change failed: {0}")]
    Failed(String),
}
