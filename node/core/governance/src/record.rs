//! What is kept beside the ledger: one struct per table, in the codec's form.
//!
//! A record is never changed in shape under one feature level, because the
//! state digest is made over its bytes.

mod accounts;
mod evidence;
mod export;
mod intervention;
mod oversight;
mod responsibility;
mod retention;
mod systems;

mod control;

use ledger::Frontier;
use policy::Mode;
use serde::{Deserialize, Serialize};
use types::{ClusterId, DecisionId, Digest, EntryId, Json, KeyId, LogIndex, RaftId, Timestamp};

use crate::command::{Claim, ErasedPart, KeyMaterial, KeyUsage, Place};

pub use control::{AttestationRecord, ProfileRecord, RegisterRecord};

pub use accounts::{
    AccessRecord, ApiKeyRecord, ChallengeRecord, FoundSession, JoinTokenRecord, LoginPairRecord,
    MfaRecord, SessionRecord, Unreported, UserRecord,
};
pub use evidence::{
    ArtifactKind, ArtifactRecord, ContentPlace, ContentRecord, EvidenceCount, SignerRecord,
    UploadRecord,
};
pub use export::{ExportRecord, ExportStatus};
pub use intervention::{StopRecord, Tally};
pub use oversight::{
    EffectRecord, EscalationRecord, EscalationStatus, IssuedRecord, OverrideKind, OverrideRecord,
    OverrideStatus, Priority, Resolution, ReviewVerdict, Trigger,
};
pub use responsibility::{
    DecisionMaker, ResponsibilityCounts, ResponsibilityLevel, ResponsibilityOrigin,
    ResponsibilityRecord, ReviewOutcome,
};
pub use retention::{BlockRecord, HoldRecord, RetentionRecord};
pub use systems::{AiIncidentRecord, SystemRecord};

/// Where the ledger ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Hash of the last entry; zero before genesis.
    pub hash: Digest,
    /// Applied time: that of the last command, which never runs backwards.
    pub at: Timestamp,
    /// The running digest over every logical write.
    pub state_digest: Digest,
    /// The tree over all entries.
    pub tree: Frontier,
}

impl Head {
    /// Number of entries, which is the id of the next one.
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// Root of the tree.
    pub fn root(&self) -> Digest {
        self.tree.root()
    }
}

/// What a decision's request id leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// The entry it made.
    pub entry_id: EntryId,
    /// Digest of the body; gone once the entry's personal part is erased.
    pub body_digest: Option<Digest>,
}

/// What the key of any other command leads to, for 24 hours of ledger time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandKeyRecord {
    /// The entry it made.
    pub entry_id: EntryId,
    /// Digest of the body.
    pub body_digest: Digest,
    /// From then on the key is new again.
    pub expires_at: Timestamp,
}

/// The first decision that allowed an actor an action on a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowedRecord {
    /// The action.
    pub action: String,
    /// On what.
    pub resource: Option<String>,
    /// By which decision.
    pub decision: DecisionId,
}

/// A version of the policy, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRecord {
    /// 0 is the built-in empty one.
    pub version: u64,
    /// SHA-256 of the canonical normalised document.
    pub policy_hash: Digest,
    /// The document's `name`.
    pub name: Option<String>,
    /// The document's `version`.
    pub document_version: String,
    /// Its mode.
    pub mode: Mode,
    /// Number of terms.
    pub terms_count: u64,
    /// Number of relations.
    pub relations_count: u64,
    /// Applied time of its load; the epoch for version 0.
    pub loaded_at: Timestamp,
    /// Who loaded it.
    pub loaded_by: Option<String>,
    /// The entry of its load; `None` for version 0.
    pub entry_id: Option<EntryId>,
    /// The normalised document.
    pub document: Json,
}

/// A member, past or present, of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// Its name.
    pub name: String,
    /// Its Raft id, for ever its own.
    pub raft_id: RaftId,
    /// 1 for the first bearer of the name.
    pub incarnation: u64,
    /// Public interface.
    pub api_address: String,
    /// What other nodes dial.
    pub peer_address: String,
    /// Where it stands.
    pub region: Option<String>,
    /// Failure domain.
    pub zone: Option<String>,
    /// Its keys.
    pub keys: Vec<KeyId>,
    /// The entry that made it known.
    pub joined_entry: EntryId,
    /// The entry since which it is no member any more: it was one, and was taken
    /// out.
    pub left_entry: Option<EntryId>,
}

/// What a join nonce leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NonceRecord {
    /// Name of the node.
    pub name: String,
    /// The Raft id it was given.
    pub raft_id: RaftId,
    /// Which bearer of the name it is.
    pub incarnation: u64,
}

/// A public key of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// Its id.
    pub id: KeyId,
    /// What it may sign.
    pub usage: KeyUsage,
    /// The public half.
    pub material: KeyMaterial,
    /// Name of the node.
    pub node: String,
    /// Raft id of the node.
    pub raft_id: RaftId,
    /// The entry that published it; binds checkpoint signatures alone.
    pub valid_from: EntryId,
    /// From this entry on it signs nothing.
    pub valid_until: Option<EntryId>,
    /// Whether it was given up as compromised: then it proves nothing at all.
    pub revoked: bool,
}

impl KeyRecord {
    /// The public half, if it is one of Ed25519.
    pub fn ed25519(&self) -> Option<&[u8; 32]> {
        match &self.material {
            KeyMaterial::Ed25519(bytes) => Some(bytes),
            KeyMaterial::Rsa { .. } => None,
        }
    }

    /// Whether it may sign now.
    pub fn is_active(&self) -> bool {
        self.valid_until.is_none() && !self.revoked
    }

    /// Whether its signature on a checkpoint of this size counts.
    pub fn counts_at(&self, size: u64) -> bool {
        let ended = self.valid_until.is_some_and(|until| until.0 < size);
        self.valid_from.0 < size && !ended && !self.revoked
    }

    /// Whether any other signature of it counts for this entry.
    pub fn counts_for(&self, entry: EntryId) -> bool {
        self.valid_until.is_none_or(|until| entry < until) && !self.revoked
    }
}

/// Where a decision is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// Its entry.
    pub entry_id: EntryId,
    /// Key of the row of its request id, so that an erasure finds it.
    pub request: Option<Vec<u8>>,
}

/// A token, as far as its claims do not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// The entry that granted it, which has all that it claims.
    pub entry_id: EntryId,
    /// From then on it permits nothing.
    pub expires_at: Timestamp,
    /// The entry that revoked it.
    pub revoked: Option<EntryId>,
}

/// Where an assessment of risk is recorded: an entry of its own, or that of the
/// decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskRecord {
    /// The entry.
    pub entry_id: EntryId,
    /// Whose risk it is.
    pub decision: DecisionId,
    /// 1 for the first assessment of the decision.
    pub version: u64,
    /// 1..=100; gone once the entry is erased.
    pub score: Option<u8>,
}

/// A checkpoint and who signed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointRecord {
    /// Where in the log it was made.
    pub place: Place,
    /// What this node found there.
    pub claim: Claim,
    /// Who voted then: one set, or two while the membership changed.
    pub voters: Vec<Vec<RaftId>>,
    /// Signatures on that claim, in the order of the log; one a voter.
    pub cosignatures: Vec<Cosignature>,
    /// How many of them made it final.
    pub frozen: Option<u32>,
    /// Signatures on other claims; one a voter.
    pub dissents: Vec<Dissent>,
}

impl CheckpointRecord {
    /// Whether a majority signed it.
    pub fn is_final(&self) -> bool {
        self.frozen.is_some()
    }

    /// Whether this voter has signed, whatever it said.
    pub fn has_signed(&self, voter: RaftId) -> bool {
        self.cosignatures.iter().any(|signed| signed.raft_id == voter)
            || self.dissents.iter().any(|dissent| dissent.raft_id == voter)
    }
}

/// A voter's signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cosignature {
    /// The voter.
    pub raft_id: RaftId,
    /// Its key for checkpoints.
    pub key: KeyId,
    /// Ed25519, 64 bytes.
    pub signature: Vec<u8>,
    /// RSASSA-PSS and its key.
    pub rsa: Option<(KeyId, Vec<u8>)>,
}

/// A voter that found something else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dissent {
    /// The voter.
    pub raft_id: RaftId,
    /// Its key for checkpoints.
    pub key: KeyId,
    /// What it found.
    pub claim: Claim,
    /// Its signature on that, so that it cannot be denied.
    pub signature: Vec<u8>,
}

/// What was erased of an entry, and by which run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedRecord {
    /// How much.
    pub part: ErasedPart,
    /// The run's entry: of the last one, if there were two.
    pub by: EntryId,
    /// Applied time of the run.
    pub at: Timestamp,
    /// The entry of the run that came first, with which the personal part went.
    pub personal_by: EntryId,
}

impl ErasedRecord {
    /// What a run erases of something that is whole.
    pub(crate) fn of(part: ErasedPart, by: EntryId, at: Timestamp) -> Self {
        Self { part, by, at, personal_by: by }
    }
}

/// The last time a node was not what the others are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentRecord {
    /// The entry that says so.
    pub entry: EntryId,
    /// The entry that says it was rebuilt.
    pub recovered: Option<EntryId>,
    /// Last log index of the state it was given: what it said before that, the
    /// state that is gone has said.
    pub rebuilt_through: Option<LogIndex>,
}

/// Digests of the whole state at one place of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScrubRecord {
    /// Applied time.
    pub at: Timestamp,
    /// One a node.
    pub reports: Vec<(RaftId, Digest)>,
}

/// What the cluster is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterRecord {
    /// Its id.
    pub id: ClusterId,
    /// First part of the origin line of checkpoints.
    pub log_name: String,
    /// Which meanings of commands are in force.
    pub feature_level: u32,
    /// Who votes: one set, or two while the membership changes.
    pub voters: Vec<Vec<RaftId>>,
    /// Who replicates without a vote.
    pub learners: Vec<RaftId>,
}

impl ClusterRecord {
    /// First line of its checkpoints.
    pub fn origin(&self) -> String {
        format!("{}/{}", self.log_name, self.id)
    }
}
