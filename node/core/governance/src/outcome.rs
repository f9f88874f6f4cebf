//! What [`apply()`](crate::apply()) answers.
//!
//! Three results that are never mixed: done, refused ([`Outcome::Rejected`],
//! nothing written), and [`Corruption`].

use policy::Fault;
use types::{Digest, EntryId, Json, RaftId, Timestamp};

/// What a command did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Genesis is written.
    Founded(Recorded),
    /// A decision is recorded, whatever it says.
    Decided(Box<Decided>),
    /// A policy is in force.
    PolicyLoaded(PolicyLoaded),
    /// A node has its Raft id.
    NodeRegistered(NodeRegistered),
    /// Applied time moved on; nothing was recorded.
    Ticked,
    /// The same request was recorded before, in this entry. The reply is
    /// rebuilt from it.
    Replayed(EntryId),
    /// Refused; nothing was written.
    Rejected(Rejection),
}

/// Where a command was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Place in the ledger.
    pub entry_id: EntryId,
    /// `current_hash` of the entry.
    pub entry_hash: Digest,
    /// Applied time.
    pub at: Timestamp,
}

/// A recorded decision: both parts of its entry, from which the reply is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Where.
    pub recorded: Recorded,
    /// `data` of the entry.
    pub data: Json,
    /// `personal` of the entry.
    pub personal: Json,
}

/// A policy that was put in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyLoaded {
    /// Where.
    pub recorded: Recorded,
    /// Its version: one more than the last.
    pub version: u64,
}

/// A node that was given its Raft id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRegistered {
    /// Where; `None` when the same nonce was registered before.
    pub recorded: Option<Recorded>,
    /// The id, for ever its own.
    pub raft_id: RaftId,
    /// 1 for the first bearer of a name.
    pub incarnation: u64,
}

/// Why a command was refused. A public language: a code is never removed and
/// never changes its meaning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Same key, different body.
    #[error("`{key}` was used for a different request")]
    IdempotencyConflict {
        /// The key.
        key: String,
    },
    /// What this key recorded has been erased.
    #[error("what this request recorded has been erased")]
    Erased,
    /// Nothing but `Found` is taken before genesis.
    #[error("the cluster has no genesis yet")]
    NotFounded,
    /// There is one genesis.
    #[error("the cluster has its genesis")]
    AlreadyFounded,
    /// An envelope this release does not know.
    #[error("envelope version {version} for group `{group}` is not served here")]
    UnknownEnvelope {
        /// The version.
        version: u16,
        /// The group.
        group: String,
    },
    /// `policy_mode` may only tighten.
    #[error("policy mode `{asked}` is looser than `{active}`, which is in force")]
    PolicyModeLoosens {
        /// What was asked for.
        asked: &'static str,
        /// What is in force.
        active: &'static str,
    },
    /// The document is not valid; every fault is listed.
    #[error("{} faults in the policy", faults.len())]
    PolicyInvalid {
        /// Every fault.
        faults: Vec<Fault>,
    },
    /// Somebody loaded another policy in between.
    #[error("version {active} is active, not {expected}")]
    PolicyVersionConflict {
        /// What the caller expected.
        expected: u64,
        /// What is active.
        active: u64,
    },
    /// The name belongs to a member that is reachable.
    #[error("node name `{name}` is in use")]
    NodeNameInUse {
        /// The name.
        name: String,
    },
    /// Another node was given this Raft id in the same log entry.
    #[error("Raft id {raft_id} was given a moment ago; ask again")]
    RaftIdTaken {
        /// The id.
        raft_id: RaftId,
    },
    /// The token would outlive the last representable time.
    #[error("the token would end past the last representable time")]
    LifetimeTooLong,
}

impl Rejection {
    /// The stable code of api.md, section 1.2.
    pub fn code(&self) -> &'static str {
        match self {
            Self::IdempotencyConflict { .. } => "idempotency_conflict",
            Self::Erased => "erased",
            Self::NotFounded => "starting",
            Self::AlreadyFounded | Self::NodeNameInUse { .. } => "already_exists",
            Self::UnknownEnvelope { .. } => "not_allowed",
            Self::PolicyModeLoosens { .. } => "policy_mode_loosens",
            Self::PolicyInvalid { .. } => "policy_invalid",
            Self::PolicyVersionConflict { .. } => "policy_version_conflict",
            Self::RaftIdTaken { .. } => "overloaded",
            Self::LifetimeTooLong => "out_of_range",
        }
    }
}

/// Stored state that no sequence of commands can produce. The node that sees it
/// stops serving and says so; it neither panics nor goes on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stored state is damaged: {table}: {detail}")]
pub struct Corruption {
    /// Where.
    pub table: &'static str,
    /// What.
    pub detail: String,
}

impl Corruption {
    /// Damage found in `table`.
    pub fn new(table: &'static str, detail: impl Into<String>) -> Self {
        Self { table, detail: detail.into() }
    }
}
