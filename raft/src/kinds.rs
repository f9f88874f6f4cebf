//! The types openraft is made of here, under short names.
//!
//! One leader per term (`leader_id_std`), so a log id is a term and an index.
//! An application entry is one encoded batch of commands; its result is empty,
//! because the asked node answers its own clients when it applies the batch.

use std::fmt;

use bytes::Bytes;
use openraft::alias;
use openraft::impls::leader_id_std;

/// A member of the cluster as the replicated membership describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// The operator's name for the node.
    pub name: String,
    /// `host:port` that other nodes dial.
    pub peer_address: String,
    /// Where clients find its public interface.
    pub api_address: String,
    /// Where it stands, if told.
    pub region: Option<String>,
    /// Failure domain within the region, if told.
    pub zone: Option<String>,
}

/// The application data of an entry: one batch, encoded by [`crate::batch`].
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Payload(pub(crate) Bytes);

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

openraft::declare_raft_types!(
    /// What openraft is instantiated with.
    pub(crate) TypeConfig:
        D = Payload,
        R = (),
        NodeId = u64,
        Node = Member,
        Term = u64,
        LeaderId = leader_id_std::LeaderId<Self::Term, Self::NodeId>,
);

pub(crate) type LeaderId = leader_id_std::LeaderId<u64, u64>;
pub(crate) type CommittedLeaderId = alias::CommittedLeaderIdOf<TypeConfig>;
pub(crate) type Vote = alias::VoteOf<TypeConfig>;
pub(crate) type LogId = alias::LogIdOf<TypeConfig>;
pub(crate) type Entry = alias::EntryOf<TypeConfig>;
pub(crate) type EntryPayload = openraft::EntryPayload<Payload, u64, Member>;
pub(crate) type Membership = openraft::Membership<u64, Member>;
pub(crate) type StoredMembership = alias::StoredMembershipOf<TypeConfig>;
pub(crate) type SnapshotMeta = alias::SnapshotMetaOf<TypeConfig>;
pub(crate) type AppendEntries = openraft::raft::AppendEntriesRequest<TypeConfig>;
pub(crate) type Metrics = openraft::RaftMetrics<TypeConfig>;

/// The id of the entry at `index`, appended in `term`.
pub(crate) fn log_id(term: u64, index: u64) -> LogId {
    LogId::new(CommittedLeaderId::new(term), index)
}
