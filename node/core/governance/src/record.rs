//! What is kept beside the ledger: one struct per table, in the codec's form.
//!
//! A record is never changed in shape under one feature level, because the
//! state digest is made over its bytes.

use ledger::Frontier;
use policy::Mode;
use serde::{Deserialize, Serialize};
use types::{ClusterId, DecisionId, Digest, EntryId, Json, KeyId, RaftId, Timestamp};

use crate::command::KeyUsage;

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
    /// Ed25519.
    pub bytes: [u8; 32],
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
