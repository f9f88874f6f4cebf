//! Making a change on the leader, passing it on to the leader, and finishing
//! the half-done change of a leader that died.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use openraft::async_runtime::WatchReceiver;
use openraft::errors::{ClientWriteError, RaftError};
use openraft::{ChangeMembers, Precondition};
use proto::peer::v1 as proto;
use tokio::time::Instant;
use types::{LogIndex, RaftId};

use super::plan::{Situation, Step};
use super::wire::{reply_from_wire, request_to_wire};
use super::{Change, ChangeError, Changed, Plan};
use crate::kinds::{CommittedLeaderId, Member, Metrics, TypeConfig};
use crate::ports::StateStore;
use crate::replica::Core;
use crate::status::{Peer, peers};
use crate::transport::peers::{Purpose, Target};

const RETRY_AFTER: Duration = Duration::from_millis(100);

/// What a node answers that was asked to make a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Changed(Changed),
    Planned(Plan),
    /// It does not lead.
    NotLeading,
    /// It leads no longer: the change is another's to make.
    HandedOver,
    Refused(ChangeError),
}

/// Whether a change is to be made or only looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Make,
    DryRun,
}

type Changes = ChangeMembers<u64, Member>;

impl<S: StateStore> Core<S> {
    /// Has a change made, or planned, wherever the leader is.
    pub(crate) async fn change(&self, change: &Change, mode: Mode) -> Answer {
        let deadline = Instant::now() + self.config.change_wait;
        while Instant::now() < deadline {
            let answer = match tokio::time::timeout_at(deadline, self.ask(change, mode)).await {
                Ok(answer) => answer,
                Err(_) => return Answer::Refused(ChangeError::Unknown),
            };
            match answer {
                Some(Answer::NotLeading | Answer::HandedOver) | None => {
                    let retry_at = (Instant::now() + RETRY_AFTER).min(deadline);
                    let mut server = self.raft.server_metrics();
                    // What is known already is no reason to ask again at once.
                    drop(server.borrow_and_update());
                    // Either way it is time to ask again.
                    let _ = tokio::time::timeout_at(retry_at, server.changed()).await;
                }
                Some(answer) => return answer,
            }
        }
        Answer::Refused(ChangeError::NoLeader)
    }

    /// Asks whoever leads; nothing when nobody could be asked.
    async fn ask(&self, change: &Change, mode: Mode) -> Option<Answer> {
        let server = self.raft.server_metrics().borrow_watched().clone();
        let leader = server.current_leader?;
        if leader == self.config.raft_id.0 {
            return Some(self.change_here(change, mode).await);
        }
        let target = Target::of(leader, server.membership_config.get_node(&leader)?);
        let mut client = self.peers.client(&target, Purpose::Forward).ok()?;
        match client.change(request_to_wire(change, mode)).await {
            Ok(reply) => Some(reply_from_wire(reply.into_inner())),
            Err(status) if status.code() == tonic::Code::Unavailable => {
                // Every change is one that may be asked for again.
                self.peers.forget(RaftId(leader), Purpose::Forward);
                None
            }
            Err(status) => Some(Answer::Refused(ChangeError::Failed(status.to_string()))),
        }
    }

    /// Makes or plans a change on this node, if it leads. One at a time.
    pub(crate) async fn change_here(&self, change: &Change, mode: Mode) -> Answer {
        let _turn = self.changing.lock().await;
        self.hear_from_others().await;
        let Some(situation) = self.situation() else { return Answer::NotLeading };
        if mode == Mode::DryRun {
            return Answer::Planned(situation.plan(change));
        }
        let step = match situation.step(change) {
            Ok(step) => step,
            Err(err) => return Answer::Refused(err),
        };
        tracing::info!(?step, "changing the membership");
        match step {
            Step::Nothing => Answer::Changed(Changed { index: None }),
            Step::AddLearner(id, member) => {
                self.write(Changes::AddNodes(BTreeMap::from([(id, member)])), Removed::Stay).await
            }
            Step::Promote(id) => {
                self.write(Changes::AddVoterIds(BTreeSet::from([id])), Removed::Stay).await
            }
            Step::Demote(id) => {
                self.write(Changes::RemoveVoters(BTreeSet::from([id])), Removed::Stay).await
            }
            Step::RemoveVoter(id) => {
                self.write(Changes::RemoveVoters(BTreeSet::from([id])), Removed::Go).await
            }
            Step::RemoveLearner(id) => {
                self.write(Changes::RemoveNodes(BTreeSet::from([id])), Removed::Go).await
            }
            Step::HandOver(to) => match (self.hand_over(to).await, change) {
                (Ok(()), Change::Transfer(_)) => Answer::Changed(Changed { index: None }),
                (Ok(()), _) => Answer::HandedOver,
                (Err(err), _) => Answer::Refused(err),
            },
        }
    }

    /// A leader that was elected a moment ago has not heard from the others yet
    /// and would take them for dead: it gives them the time to answer.
    async fn hear_from_others(&self) {
        let asked = Instant::now();
        let mut metrics = self.raft.metrics();
        loop {
            let now = metrics.borrow_watched().clone();
            let since = *self.leading_since.borrow();
            // Not written down yet, it leads since this moment.
            let since = match since {
                Some((term, since)) if term == now.current_term => since,
                Some(_) | None => asked,
            };
            let is_silent = |peer: &Peer| peer.last_contact.is_none() || peer.matched.is_none();
            if !now.state.is_leader()
                || !peers(&now, self.config.contact_max()).values().any(is_silent)
            {
                return;
            }
            let changed = metrics.changed();
            match tokio::time::timeout_at(since + self.config.contact_max(), changed).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return,
            }
        }
    }

    /// What this node knows of the cluster, if it leads.
    fn situation(&self) -> Option<Situation> {
        let metrics = self.metrics();
        if !metrics.state.is_leader() {
            return None;
        }
        let me = self.config.raft_id.0;
        let contact_max = self.config.contact_max();
        let last = metrics.last_log_index.unwrap_or(0);
        let (mut reachable, mut lag) = (BTreeSet::from([me]), BTreeMap::from([(me, 0)]));
        for (RaftId(id), peer) in peers(&metrics, self.config.contact_max()) {
            if peer.last_contact.is_some_and(|since| since <= contact_max) {
                reachable.insert(id);
            }
            if let Some(LogIndex(matched)) = peer.matched {
                lag.insert(id, last.saturating_sub(matched));
            }
        }
        let membership = metrics.membership_config.membership();
        Some(Situation {
            leader: me,
            voters: membership.get_joint_config().clone(),
            members: membership.nodes().map(|(id, member)| (*id, member.clone())).collect(),
            reachable,
            lag,
            promotion_lag_max: self.config.promotion_lag_max,
            left: self.left(),
        })
    }

    /// Who was taken out, as far as the state names them still.
    fn left(&self) -> BTreeSet<u64> {
        let nodes = self.state.view().ok().and_then(|view| governance::view::nodes(&view).ok());
        let left = nodes.into_iter().flatten().filter(|node| node.left_entry.is_some());
        left.map(|node| node.raft_id.0).collect()
    }

    async fn write(&self, changes: Changes, removed: Removed) -> Answer {
        let metrics = self.metrics();
        let conditions = conditions(&metrics);
        let retain = removed == Removed::Stay;
        let made = self.raft.change_membership_if(changes, retain, conditions);
        match tokio::time::timeout(self.config.change_wait, made).await {
            Ok(Ok(written)) => {
                let index = Some(LogIndex(written.log_id.index));
                Answer::Changed(Changed { index })
            }
            Ok(Err(err)) => refusal(err),
            Err(_) => Answer::Refused(ChangeError::Unknown),
        }
    }

    /// Hands leadership to a voter and waits until another leads.
    pub(crate) async fn hand_over(&self, to: u64) -> Result<(), ChangeError> {
        let failed = |err: &dyn std::error::Error| ChangeError::Failed(err.to_string());
        self.raft.trigger().transfer_leader(to).await.map_err(|err| failed(&err))?;
        let me = self.config.raft_id.0;
        let wait = self.raft.wait(Some(self.config.election_timeout_max * 4));
        let is_another = |metrics: &Metrics| metrics.current_leader.is_some_and(|id| id != me);
        wait.metrics(is_another, "another leads").await.map(drop).map_err(|err| failed(&err))
    }

    /// Completes a joint configuration that nobody is working on.
    async fn finish_joint(&self) {
        let _turn = self.changing.lock().await;
        let metrics = self.metrics();
        let is_joint = metrics.membership_config.membership().get_joint_config().len() > 1;
        if !metrics.state.is_leader() || !is_joint {
            return;
        }
        tracing::warn!("finishing a change of membership that another leader began");
        let answer = self.write(Changes::AddVoterIds(BTreeSet::new()), Removed::Stay).await;
        if let Answer::Refused(err) = answer {
            tracing::warn!(error = %err, "cannot finish the change yet");
        }
    }
}

/// What becomes of voters that are voters no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Removed {
    /// They stay as learners.
    Stay,
    /// They are no members any more.
    Go,
}

/// The change is made to the membership that was looked at, by the leader that
/// looked, or not at all.
fn conditions(metrics: &Metrics) -> [Precondition<TypeConfig>; 2] {
    [
        Precondition::LastMembershipLogId {
            last_membership_log_id: *metrics.membership_config.log_id(),
        },
        Precondition::CommittedLeaderId {
            committed_leader_id: CommittedLeaderId::new(metrics.current_term),
        },
    ]
}

fn refusal(err: RaftError<TypeConfig, ClientWriteError<TypeConfig>>) -> Answer {
    match err {
        RaftError::APIError(ClientWriteError::ForwardToLeader(_)) => Answer::NotLeading,
        RaftError::APIError(ClientWriteError::LogEntryDiscarded(_)) | RaftError::Fatal(_) => {
            Answer::Refused(ChangeError::Unknown)
        }
        RaftError::APIError(ClientWriteError::ChangeMembershipError(err)) => {
            Answer::Refused(ChangeError::Failed(err.to_string()))
        }
        RaftError::APIError(ClientWriteError::PreconditionFailed(err)) => {
            Answer::Refused(ChangeError::Failed(err.to_string()))
        }
    }
}

/// Watches for half-done changes, and closes connections to those who left.
pub(crate) async fn run<S: StateStore>(core: Arc<Core<S>>) {
    let mut server = core.raft.server_metrics();
    loop {
        let membership = core.metrics().membership_config;
        core.peers.keep_only(|id| membership.get_node(&id.0).is_some());
        let is_joint = membership.get_joint_config().len() > 1;
        if is_joint && core.leading_term().is_some() {
            tokio::select! {
                () = core.stop.cancelled() => return,
                () = core.finish_joint() => {}
            }
        }
        let again = if is_joint { core.config.election_timeout_max } else { Duration::MAX };
        tokio::select! {
            () = core.stop.cancelled() => return,
            changed = server.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(again) => {}
        }
    }
}

/// The answer as the peer protocol has it.
pub(crate) async fn serve<S: StateStore>(
    core: &Core<S>,
    request: proto::ChangeRequest,
) -> Result<proto::ChangeReply, tonic::Status> {
    let (change, mode) = super::wire::request_from_wire(request)?;
    Ok(super::wire::reply_to_wire(core.change_here(&change, mode).await))
}
