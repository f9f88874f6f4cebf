//! What a replica says about itself.

use std::collections::BTreeMap;
use std::time::Duration;

use openraft::async_runtime::WatchReceiver;
use openraft::{Instant, ServerState};
use types::{LogIndex, RaftId};

use crate::kinds::{Member, Metrics};
use crate::ports::StateStore;
use crate::replica::Core;

/// What a node is in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Orders the log.
    Leader,
    /// Votes and follows.
    Follower,
    /// Stands for election.
    Candidate,
    /// Follows without a vote.
    Learner,
}

/// A replica as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// This node.
    pub raft_id: RaftId,
    /// What it is.
    pub role: Role,
    /// Who leads, if a quorum confirmed it lately.
    pub leader: Option<RaftId>,
    /// The current term.
    pub term: u64,
    /// The last record of the log.
    pub last_log_index: Option<LogIndex>,
    /// The last record known to be committed.
    pub commit_index: Option<LogIndex>,
    /// The last record whose writes are visible.
    pub applied_index: Option<LogIndex>,
    /// The last record the newest snapshot holds.
    pub snapshot_index: Option<LogIndex>,
    /// The last record that is no longer in the log.
    pub purged_index: Option<LogIndex>,
    /// Everyone with a vote; in a joint configuration of either side.
    pub voters: Vec<RaftId>,
    /// Everyone else.
    pub learners: Vec<RaftId>,
    /// A change of membership is half done.
    pub joint: bool,
    /// Whether the effective membership is committed.
    pub membership_committed: bool,
    /// What is known of every member.
    pub members: BTreeMap<RaftId, Member>,
    /// How far each other member is; on the leader only.
    pub peers: BTreeMap<RaftId, Peer>,
    /// Whether this node leads and its clock was found good in this term.
    pub stamps: bool,
    /// Why the replica stopped serving, if it did.
    pub failed: Option<String>,
    /// Bytes of the log.
    pub log_bytes: u64,
}

/// Another member as the leader sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// The last record known to be in its log.
    pub matched: Option<LogIndex>,
    /// How long ago it answered; absent when it never has in this term.
    pub last_contact: Option<Duration>,
    /// Whether that is recent enough to count on it.
    pub reachable: bool,
}

pub(crate) fn role(state: ServerState) -> Option<Role> {
    match state {
        ServerState::Leader => Some(Role::Leader),
        ServerState::Follower => Some(Role::Follower),
        ServerState::Candidate => Some(Role::Candidate),
        ServerState::Learner => Some(Role::Learner),
        ServerState::Shutdown => None,
    }
}

impl<S: StateStore> Core<S> {
    /// A copy: holding the original would hold up raft.
    pub(crate) fn metrics(&self) -> Metrics {
        self.raft.metrics().borrow_watched().clone()
    }

    /// The leader, if it was confirmed by a quorum lately. What openraft knows is
    /// whom this node last followed: a node that is cut off, the leader itself
    /// included, knows that for ever.
    pub(crate) fn known_leader(&self, leader: Option<u64>) -> Option<RaftId> {
        let recent = self.config.contact_max() + self.config.staleness_probe_interval * 2;
        let confirmed = self.fresh_at.borrow().is_some_and(|at| at.elapsed() <= recent);
        leader.filter(|_| confirmed).map(RaftId)
    }

    pub(crate) fn status(&self) -> Status {
        let metrics = self.metrics();
        let membership = metrics.membership_config.membership();
        let members = membership.nodes().map(|(id, member)| (RaftId(*id), member.clone()));
        Status {
            raft_id: self.config.raft_id,
            // A raft that is stopping follows nobody and leads nobody.
            role: role(metrics.state).unwrap_or(Role::Learner),
            leader: self.known_leader(metrics.current_leader),
            term: metrics.current_term,
            last_log_index: metrics.last_log_index.map(LogIndex),
            commit_index: metrics.local_committed.map(|id| LogIndex(id.index)),
            applied_index: self.audience.applied.borrow().map(LogIndex),
            snapshot_index: metrics.snapshot.map(|id| LogIndex(id.index)),
            purged_index: metrics.purged.map(|id| LogIndex(id.index)),
            voters: membership.voter_ids().map(RaftId).collect(),
            learners: membership.learner_ids().map(RaftId).collect(),
            joint: membership.get_joint_config().len() > 1,
            membership_committed: metrics.membership_config == metrics.committed_membership_config,
            members: members.collect(),
            peers: peers(&metrics, self.config.contact_max()),
            stamps: self.gate.is_open(metrics.current_term),
            failed: self.audience.failure.get(),
            log_bytes: (self.log_bytes)(),
        }
    }
}

/// How far the others are, without the node itself.
pub(crate) fn peers(metrics: &Metrics, contact_max: Duration) -> BTreeMap<RaftId, Peer> {
    let (Some(matched), Some(contact)) = (&metrics.replication, &metrics.heartbeat) else {
        return BTreeMap::new();
    };
    let peer = |id: &u64| {
        let last_contact = contact.get(id).copied().flatten().map(|at| at.elapsed());
        Peer {
            matched: matched.get(id).copied().flatten().map(|id| LogIndex(id.index)),
            last_contact,
            reachable: last_contact.is_some_and(|since| since <= contact_max),
        }
    };
    matched
        .keys()
        .chain(contact.keys())
        .filter(|id| **id != metrics.id)
        .map(|id| (RaftId(*id), peer(id)))
        .collect()
}
