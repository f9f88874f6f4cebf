//! Implements the interface's `Backend` for the replica: names for numbers, one
//! vocabulary for the other, no decisions.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use api::backend::{
    Backend, Change, ChangeDone, ChangeRefused, Committed, Credential, ExportFile, JoinBy, Joined,
    Member, Plan, Role, Rotated, Signature, SnapshotTaken, Status, Unavailable,
};
use governance::command::{
    Command, Envelope, KeyUsage, NodeDescription, Principal, RegisterNode, RegisterNodeByToken,
};
use governance::{Outcome, Rejection, view};
use raft::{ChangeError, Clock as _, ProposeError, SystemClock};
use secrecy::SecretSlice;
use types::{ClusterId, EntryId, ExportId, KeyId, LogIndex, RaftId, Timestamp};

use crate::keys::InForce;
use crate::rotation;
use crate::run::{Running, member};

/// The replica, as the interface sees it. Cheap to clone.
#[derive(Clone)]
pub struct ReplicaBackend {
    inner: Arc<Inner>,
}

struct Inner {
    running: Running,
    name: Arc<str>,
    cluster_id: OnceLock<ClusterId>,
}

impl fmt::Debug for ReplicaBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplicaBackend").field("node", &self.inner.name).finish_non_exhaustive()
    }
}

impl ReplicaBackend {
    pub(crate) fn new(running: Running) -> Self {
        let name = Arc::from(running.identity.name.as_str());
        Self { inner: Arc::new(Inner { running, name, cluster_id: OnceLock::new() }) }
    }

    /// Nothing is signed with a key that nobody could look up, or that was
    /// retired when another node took this one's name over.
    fn keys(&self) -> Arc<InForce> {
        self.inner.running.keys_in_force()
    }

    /// A node that has diverged answers nothing from its state.
    fn quarantined(&self) -> Result<(), Unavailable> {
        match self.inner.running.quarantine.reason() {
            None => Ok(()),
            Some(_) => Err(Unavailable::Quarantined),
        }
    }

    /// The Raft id of a member by name.
    fn raft_id(&self, name: &str) -> Result<RaftId, ChangeRefused> {
        let status = self.inner.running.handle.status();
        let found = status.members.iter().find(|(_, member)| member.name == name);
        found.map(|(id, _)| *id).ok_or_else(|| ChangeRefused::Unknown(name.to_owned()))
    }

    fn raft_change(&self, change: &Change) -> Result<raft::Change, ChangeRefused> {
        Ok(match change {
            Change::Promote(name) => raft::Change::Promote(self.raft_id(name)?),
            Change::Demote(name) => raft::Change::Demote(self.raft_id(name)?),
            Change::Remove(name) => raft::Change::Remove(self.raft_id(name)?),
            Change::Transfer(to) => {
                let to = to.as_deref().map(|name| self.raft_id(name)).transpose()?;
                raft::Change::Transfer(to)
            }
        })
    }

    fn cluster_key(&self) -> Result<&[u8; raft::SHARED_SECRET_BYTES], Unavailable> {
        self.inner.running.cluster_key.get().ok_or(Unavailable::Starting)
    }

    /// The bearer of a name, if the leader has not heard of it lately. One that
    /// is no member any more is as good as lost.
    async fn lost_bearer(&self, name: &str) -> Result<Option<RaftId>, ChangeRefused> {
        let handle = &self.inner.running.handle;
        let state = handle.view().map_err(|_| Unavailable::Quarantined)?;
        let bearer = view::node(&state, name).map_err(|_| Unavailable::Quarantined)?;
        let Some(id) = bearer.map(|bearer| bearer.raft_id) else {
            return Ok(None);
        };
        if !handle.status().members.contains_key(&id) {
            return Ok(Some(id));
        }
        let plan = handle.plan(&raft::Change::Remove(id)).await.map_err(refused)?;
        Ok(plan.unreachable.contains(&id).then_some(id))
    }
}

impl Backend for ReplicaBackend {
    type View = storage::View;

    async fn submit(&self, envelope: Envelope) -> Result<Committed, Unavailable> {
        self.quarantined()?;
        self.inner.running.handle.propose(envelope).await.map(committed).map_err(unavailable)
    }

    async fn submit_all(&self, envelopes: Vec<Envelope>) -> Vec<Result<Committed, Unavailable>> {
        if let Err(why) = self.quarantined() {
            return envelopes.iter().map(|_| Err(why.clone())).collect();
        }
        let answers = self.inner.running.handle.propose_all(envelopes).await;
        answers.into_iter().map(|answer| answer.map(committed).map_err(unavailable)).collect()
    }

    fn view(&self) -> Result<Self::View, Unavailable> {
        self.quarantined()?;
        self.inner.running.handle.view().map_err(|_| Unavailable::Quarantined)
    }

    async fn wait_applied(&self, index: LogIndex, at_most: Duration) -> bool {
        self.inner.running.handle.wait_applied(index, at_most).await
    }

    async fn confirm_read(&self, at_most: Duration) -> Result<(), Unavailable> {
        let confirmed = self.inner.running.handle.read_index(at_most).await;
        confirmed.map(|_| ()).map_err(|_| Unavailable::NoLeader)
    }

    fn staleness(&self) -> Option<Duration> {
        self.inner.running.handle.staleness()
    }

    fn status(&self) -> Status {
        let running = &self.inner.running;
        let status = running.handle.status();
        let index = |index: Option<LogIndex>| index.map_or(0, |index| index.0);
        Status {
            node_id: self.inner.name.to_string(),
            raft_id: status.raft_id,
            role: role(status.role),
            leader_id: status.leader.and_then(|id| Some(status.members.get(&id)?.name.clone())),
            term: status.term,
            commit_index: index(status.commit_index),
            applied_index: index(status.applied_index),
            uptime_seconds: running.started.elapsed().as_secs(),
            members: status.members.iter().map(|(id, of)| row(&status, *id, of)).collect(),
            recovered: status.commit_index <= status.applied_index && self.keys().is_complete(),
            quarantine: running.quarantine.reason().map(ToString::to_string),
            disk_full: status.failed.as_deref().is_some_and(|why| why.contains("No space left")),
            failed: status.failed,
        }
    }

    fn node_name(&self) -> Arc<str> {
        Arc::clone(&self.inner.name)
    }

    fn leader_name(&self) -> Option<Arc<str>> {
        self.inner.running.handle.leader_name()
    }

    fn applied_index(&self) -> LogIndex {
        self.inner.running.handle.applied_index()
    }

    fn cluster_id(&self) -> Option<ClusterId> {
        if let Some(id) = self.inner.cluster_id.get() {
            return Some(*id);
        }
        let state = self.inner.running.handle.view().ok()?;
        let id = view::cluster(&state).ok()??.id;
        Some(*self.inner.cluster_id.get_or_init(|| id))
    }

    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    fn key_id(&self, usage: KeyUsage) -> Option<KeyId> {
        self.keys().id(usage)
    }

    fn sign(&self, usage: KeyUsage, message: &[u8]) -> Option<Signature> {
        if self.quarantined().is_err() {
            return None;
        }
        let (key_id, bytes) = self.keys().sign(usage, message)?;
        Some(Signature { key_id, bytes })
    }

    fn seal(&self, purpose: &'static str, secret: &[u8]) -> Result<Vec<u8>, Unavailable> {
        let sealed = api::seal(self.cluster_key()?, purpose, secret);
        sealed.ok_or_else(|| {
            tracing::error!("the system gives no random numbers");
            Unavailable::Overloaded
        })
    }

    fn unseal(
        &self,
        purpose: &'static str,
        sealed: &[u8],
    ) -> Result<Option<SecretSlice<u8>>, Unavailable> {
        Ok(api::unseal(self.cluster_key()?, purpose, sealed))
    }

    fn note_use(&self, credential: Credential) {
        self.inner.running.usage.note_use(credential, SystemClock.now());
    }

    fn note_personal_read(&self, principal: &Principal, entries: Option<(EntryId, EntryId)>) {
        self.inner.running.usage.note_read(principal, entries, SystemClock.now());
    }

    async fn rotate_key(&self, usage: KeyUsage) -> Result<Rotated, Unavailable> {
        self.quarantined()?;
        rotation::rotate(&self.inner.running, usage).await
    }

    async fn change(&self, change: Change) -> Result<ChangeDone, ChangeRefused> {
        let change = self.raft_change(&change)?;
        self.inner.running.handle.change(change).await.map_err(refused)?;
        let leader_id = self.leader_name().map(|name| name.to_string());
        Ok(ChangeDone { leader_id })
    }

    async fn plan(&self, change: &Change) -> Result<Plan, ChangeRefused> {
        let planned = self.inner.running.handle.plan(&self.raft_change(change)?).await;
        let planned = planned.map_err(refused)?;
        let status = self.inner.running.handle.status();
        let named = |ids: &[RaftId]| {
            let name = |id: &RaftId| {
                status.members.get(id).map_or_else(|| id.to_string(), |member| member.name.clone())
            };
            ids.iter().map(name).collect()
        };
        Ok(Plan {
            allowed: planned.allowed,
            voters_before: named(&planned.voters_before),
            voters_after: named(&planned.voters_after),
            reasons: planned.reasons,
        })
    }

    async fn join(
        &self,
        node: NodeDescription,
        nonce: String,
        by: JoinBy,
    ) -> Result<Joined, ChangeRefused> {
        let Some(cluster_id) = self.cluster_id() else {
            return Err(Unavailable::Starting.into());
        };
        let lost_bearer = self.lost_bearer(&node.name).await?;
        let register = RegisterNode { node: node.clone(), nonce, lost_bearer };
        let command = match by {
            JoinBy::Leave => Command::RegisterNode(register),
            JoinBy::Token(token_hash) => {
                Command::RegisterNodeByToken(Box::new(RegisterNodeByToken { register, token_hash }))
            }
        };
        let envelope = self.inner.running.envelope(command);
        let envelope = envelope.map_err(|_| Unavailable::Quarantined)?;
        let outcome = self.submit(envelope).await?.outcome;
        let registered = match outcome {
            Outcome::NodeRegistered(registered) => registered,
            Outcome::Rejected(Rejection::NodeNameInUse { name }) => {
                return Err(ChangeRefused::NameInUse(name));
            }
            Outcome::Rejected(why @ Rejection::IdempotencyConflict { .. }) => {
                return Err(ChangeRefused::Unsafe(format!(
                    "{why}: a node joins anew with an empty directory"
                )));
            }
            Outcome::Rejected(Rejection::JoinRefused) => return Err(ChangeRefused::JoinRefused),
            Outcome::Rejected(Rejection::RaftIdTaken { .. }) => {
                return Err(Unavailable::Overloaded.into());
            }
            other => return Err(ChangeRefused::Unsafe(format!("not registered: {other:?}"))),
        };
        let raft_id = registered.raft_id;
        let known = self.inner.running.handle.status().members.contains_key(&raft_id);
        if !known {
            let added = self.inner.running.handle.add_learner(raft_id, member(&node)).await;
            added.map_err(refused)?;
        }
        if let (Some(lost), Some(_)) = (lost_bearer, registered.recorded) {
            self.retire(lost, &node.name).await;
        }
        Ok(Joined { cluster_id, raft_id, incarnation: registered.incarnation })
    }

    async fn export_file(
        &self,
        id: ExportId,
        at_most: Duration,
    ) -> Result<Option<ExportFile>, Unavailable> {
        self.quarantined()?;
        let running = &self.inner.running;
        running.exports.file(running, id, at_most).await
    }

    async fn snapshot(&self) -> Result<SnapshotTaken, Unavailable> {
        let taken = self.inner.running.handle.snapshot().await;
        let taken = taken.map_err(|error| {
            tracing::warn!(%error, "no snapshot was taken");
            Unavailable::Overloaded
        })?;
        Ok(SnapshotTaken {
            id: format!("snap_{}", taken.index.0),
            index: taken.index,
            size_bytes: taken.size,
        })
    }
}

impl ReplicaBackend {
    /// Takes the lost bearer of a name out, where that is safe; where it is not,
    /// an operator must.
    async fn retire(&self, lost: RaftId, name: &str) {
        match self.inner.running.handle.remove(lost).await {
            Ok(_) => tracing::info!(%lost, name, "the lost bearer of a name was taken out"),
            Err(error) => tracing::warn!(%lost, name, %error, "the lost bearer stays a member"),
        }
    }
}

fn committed(committed: raft::Committed) -> Committed {
    let raft::Committed { index, at, outcome, .. } = committed;
    Committed { index, at, outcome }
}

pub(crate) fn unavailable(error: ProposeError) -> Unavailable {
    match error {
        ProposeError::NoLeader => Unavailable::NoLeader,
        ProposeError::OutcomeUnknown => Unavailable::OutcomeUnknown,
        ProposeError::Overloaded => Unavailable::Overloaded,
        ProposeError::TooLarge => Unavailable::TooLarge,
        ProposeError::Stopped(_) => Unavailable::Quarantined,
    }
}

fn refused(error: ChangeError) -> ChangeRefused {
    match error {
        ChangeError::NoLeader => Unavailable::NoLeader.into(),
        ChangeError::Unknown => Unavailable::OutcomeUnknown.into(),
        ChangeError::Unsafe(why) | ChangeError::Failed(why) => ChangeRefused::Unsafe(why),
        ChangeError::NotCaughtUp { lag } => ChangeRefused::NotCaughtUp { lag_entries: lag },
    }
}

fn role(role: raft::Role) -> Role {
    match role {
        raft::Role::Leader => Role::Leader,
        raft::Role::Follower => Role::Follower,
        raft::Role::Candidate => Role::Candidate,
        raft::Role::Learner => Role::Learner,
    }
}

/// A member as this node sees it; how far it is, only the leader knows.
fn row(status: &raft::Status, id: RaftId, member: &raft::Member) -> Member {
    let peer = status.peers.get(&id);
    let own = id == status.raft_id;
    let matched = if own { status.last_log_index } else { peer.and_then(|peer| peer.matched) };
    let reachable = match (own, peer) {
        (true, _) => Some(true),
        (false, Some(peer)) => Some(peer.reachable),
        (false, None) => None,
    };
    Member {
        node_id: member.name.clone(),
        raft_id: id,
        address: member.api_address.clone(),
        peer_address: member.peer_address.clone(),
        region: member.region.clone(),
        zone: member.zone.clone(),
        voter: status.voters.contains(&id),
        leader: status.leader == Some(id),
        reachable,
        matched_index: matched.map(|index| index.0),
        last_contact: peer.and_then(|peer| peer.last_contact),
    }
}
