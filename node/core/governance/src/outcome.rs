//! What [`apply()`](crate::apply()) answers.
//!
//! Three results that are never mixed: done, refused ([`Outcome::Rejected`],
//! nothing written), and [`Corruption`].

use policy::Fault;
use types::{Digest, EntryId, Json, KeyId, RaftId, RiskId, StopId, Timestamp, TokenId};

use crate::command::{Claim, Place};

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
    /// The ledger is recorded as asked: keys, divergences, recoveries.
    Recorded(Recorded),
    /// Parts of entries are erased.
    Erased(Erased),
    /// A checkpoint waits for signatures.
    Sealed(Sealed),
    /// A voter's signature is kept.
    Cosigned(Cosigned),
    /// Every node is to digest its state as it is after this log entry.
    ScrubOpened(Place),
    /// Such a digest is kept.
    ContentReported(ContentReported),
    /// Kept, without an entry.
    Noted,
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

/// A checkpoint that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Where in the log.
    pub place: Place,
    /// What this node found there.
    pub claim: Claim,
}

/// A signature on a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// Size of the checkpoint, as this node found it.
    pub size: u64,
    /// It made the checkpoint final.
    pub became_final: bool,
    /// The voter, if it found something else than this node.
    pub dissent: Option<RaftId>,
    /// A majority found the same, and this node something else.
    pub outvoted: bool,
}

/// A digest of a whole state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentReported {
    /// Where in the log.
    pub place: Place,
    /// Nodes that differ from the majority.
    pub outvoted: Vec<RaftId>,
}

/// Parts of entries that are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// The run.
    pub recorded: Recorded,
    /// Entries of which there was something left to erase.
    pub entries: u64,
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
    /// There never was this version.
    #[error("there is no version {version} of the policy")]
    UnknownPolicy {
        /// The version.
        version: u64,
    },
    /// The document is the one in force.
    #[error("this policy is in force already")]
    AlreadyActive,
    /// What was denied would be allowed, and nobody has said that this is meant.
    #[error("{denied_to_allowed} decisions that were denied would be allowed")]
    ImpactNotAcknowledged {
        /// How many.
        denied_to_allowed: u64,
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
    /// Nothing was added since the last checkpoint, or too little too soon.
    #[error("there is nothing to seal yet")]
    NothingToSeal,
    /// A newer checkpoint is final, or there never was this one.
    #[error("this checkpoint takes no more signatures")]
    CheckpointGone,
    /// Who signs does not vote there, or with a key that does not count.
    #[error("node {raft_id} does not vote there with this key")]
    NotAVoter {
        /// The node.
        raft_id: RaftId,
    },
    /// There is no such key, or it cannot be used for this.
    #[error("no key `{id}` for this")]
    UnknownKey {
        /// The key.
        id: KeyId,
    },
    /// The key signs nothing any more.
    #[error("the key was retired before")]
    AlreadyRevoked,
    /// A voter signs a checkpoint once.
    #[error("this voter has signed")]
    AlreadySigned,
    /// The signature does not hold.
    #[error("the signature does not verify")]
    SignatureInvalid,
    /// It is recorded already.
    #[error("this is recorded already")]
    AlreadyRecorded,
    /// The state does not show what the command says.
    #[error("the state does not show this")]
    NotProven,
    /// Not ascending, not disjoint, beyond the ledger, or too many.
    #[error("ranges must be ascending, disjoint, within the ledger and of at most 1,000 entries")]
    RangesInvalid,
    /// Without this entry nothing would verify or replay.
    #[error("entry {entry} is never erased")]
    NotErasable {
        /// The entry.
        entry: EntryId,
    },
    /// Nothing of these entries is left to erase.
    #[error("there is nothing left to erase")]
    NothingToErase,
    /// There is no such token, or its grant is erased.
    #[error("no token `{token}` is recorded")]
    UnknownToken {
        /// The token.
        token: TokenId,
    },
    /// The token was revoked before.
    #[error("token `{token}` was revoked before")]
    TokenRevoked {
        /// The token.
        token: TokenId,
    },
    /// The token has ended by itself.
    #[error("token `{token}` expired at {at}")]
    TokenExpired {
        /// The token.
        token: TokenId,
        /// When.
        at: Timestamp,
    },
    /// Who asks is no human, or none who may.
    #[error("who asks is not one who may do this")]
    NotAuthorised,
    /// No such decision is recorded.
    #[error("no such decision is recorded")]
    UnknownDecision,
    /// What was recorded of the decision is erased.
    #[error("the content of this decision has been erased")]
    DecisionErased,
    /// The first assessment of a decision names none before it.
    #[error("the risk of this decision is assessed; name the assessment this one supersedes")]
    AlreadyAssessed,
    /// Only the latest assessment of the same decision can be superseded.
    #[error("`{risk}` is not the latest assessment of this decision")]
    NotLatest {
        /// What was to be superseded.
        risk: RiskId,
    },
    /// One decision has so many assessments that there is no end to it.
    #[error("the risk of this decision was assessed {versions} times, which is the most")]
    TooManyAssessments {
        /// How many there are.
        versions: u64,
    },
    /// Nothing but an emergency stop stops anything.
    #[error("`stop` belongs to an `emergency_stop` alone")]
    NoStop,
    /// There is no such stop.
    #[error("no stop `{stop}` is recorded")]
    UnknownStop {
        /// The stop.
        stop: StopId,
    },
    /// A stop is lifted once.
    #[error("stop `{stop}` was lifted before")]
    AlreadyLifted {
        /// The stop.
        stop: StopId,
    },
    /// Each decision looks at every stop in force, so there is an end to them.
    #[error("{stops} stops are in force, which is the most; lift one first")]
    TooManyStops {
        /// How many there are.
        stops: usize,
    },
    /// Decisions do not heed this yet.
    #[error("feature level {needed} is needed for this, and {level} is in force")]
    FeatureLevelTooLow {
        /// What is in force.
        level: u32,
        /// What is needed.
        needed: u32,
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
            Self::Erased | Self::DecisionErased => "erased",
            Self::NotFounded => "starting",
            Self::AlreadyFounded | Self::NodeNameInUse { .. } => "already_exists",
            Self::UnknownEnvelope { .. } => "not_allowed",
            Self::PolicyModeLoosens { .. } => "policy_mode_loosens",
            Self::PolicyInvalid { .. } => "policy_invalid",
            Self::PolicyVersionConflict { .. } => "policy_version_conflict",
            Self::UnknownPolicy { .. } => "unknown_policy",
            Self::AlreadyActive => "already_active",
            Self::ImpactNotAcknowledged { .. } => "impact_not_acknowledged",
            Self::RaftIdTaken { .. } => "overloaded",
            Self::LifetimeTooLong => "out_of_range",
            Self::NoStop => "conflicting_values",
            Self::NothingToSeal
            | Self::CheckpointGone
            | Self::NotProven
            | Self::NotErasable { .. }
            | Self::NothingToErase
            | Self::TokenExpired { .. } => "not_allowed",
            Self::NotAVoter { .. } => "unknown_node",
            Self::UnknownKey { .. } => "unknown_key",
            Self::AlreadyRevoked | Self::TokenRevoked { .. } => "already_revoked",
            Self::UnknownToken { .. } => "unknown_token",
            Self::AlreadySigned => "already_signed",
            Self::SignatureInvalid => "signature_invalid",
            Self::AlreadyRecorded => "already_exists",
            Self::RangesInvalid => "out_of_range",
            Self::NotAuthorised => "not_authorised",
            Self::UnknownDecision => "unknown_decision",
            Self::AlreadyAssessed => "already_assessed",
            Self::NotLatest { .. } => "not_latest",
            Self::TooManyAssessments { .. }
            | Self::TooManyStops { .. }
            | Self::FeatureLevelTooLow { .. } => "not_allowed",
            Self::UnknownStop { .. } => "unknown_stop",
            Self::AlreadyLifted { .. } => "already_lifted",
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
