//! The task that takes commands from the desk and sends them on their way.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use openraft::alias::WriteResponderOf;
use openraft::async_runtime::WatchReceiver;
use openraft::errors::ClientWriteError;
use openraft::impls::ProgressResponder;
use proto::peer::v1::propose_reply::Result as WireResult;
use proto::peer::v1::{ProposeItem, ProposeRequest};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::{Code, Status};
use types::Timestamp;

use super::{Fate, Parcel, bytes_of};
use crate::batch::{Batch, Item};
use crate::kinds::{CommittedLeaderId, Payload, TypeConfig};
use crate::ports::StateStore;
use crate::replica::Core;
use crate::transport::peers::{Purpose, Target};

/// Parcels of others that wait for their turn; more wait in their connections.
pub(crate) const PARCELS_WAITING_MAX: usize = 64;
/// After a refusal, how long until another attempt, unless the leader changes.
const RETRY_AFTER: Duration = Duration::from_millis(25);

/// What the node can do with a command now.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stance {
    /// Append it.
    Lead { term: u64 },
    /// Keep it: the clock is not compared yet.
    Compare,
    /// Send it there.
    Follow { leader: Target },
    /// Keep it: nobody leads.
    Wait,
}

/// A batch that is back.
struct Landing {
    own: Vec<Item>,
    parcels: Vec<Parcel>,
    fate: Fate,
}

pub(crate) struct Dispatcher<S: StateStore> {
    core: Arc<Core<S>>,
    inbox: mpsc::Receiver<Parcel>,
    parcels: VecDeque<Parcel>,
    flights: FuturesUnordered<BoxFuture<'static, Landing>>,
    last_stamp: Timestamp,
    retry_at: Option<Instant>,
}

impl<S: StateStore> Dispatcher<S> {
    pub(crate) fn new(core: Arc<Core<S>>, inbox: mpsc::Receiver<Parcel>) -> Self {
        Self {
            core,
            inbox,
            parcels: VecDeque::new(),
            flights: FuturesUnordered::new(),
            last_stamp: Timestamp(0),
            retry_at: None,
        }
    }

    /// Runs until the replica stops.
    pub(crate) async fn run(mut self) {
        self.serve().await;
        // What has not departed by now never will.
        self.inbox.close();
        self.parcels.drain(..).for_each(|parcel| parcel.land(Fate::Refused));
        while let Ok(parcel) = self.inbox.try_recv() {
            parcel.land(Fate::Refused);
        }
    }

    async fn serve(&mut self) {
        let stop = self.core.stop.clone();
        let mut server = self.core.raft.server_metrics();
        let mut gate = self.core.gate.subscribe();
        loop {
            self.depart();
            let has_room = self.parcels.len() < PARCELS_WAITING_MAX;
            let retry_at = self.retry_at;
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.core.desk.arrived() => {}
                Some(parcel) = self.inbox.recv(), if has_room => self.parcels.push_back(parcel),
                Some(landing) = self.flights.next(), if !self.flights.is_empty() => self.land(landing),
                changed = server.changed() => {
                    if changed.is_err() { return; }
                    self.retry_at = None;
                }
                changed = gate.changed() => {
                    if changed.is_err() { return; }
                }
                () = sleep_until(retry_at) => self.retry_at = None,
            }
        }
    }

    fn stance(&self) -> Stance {
        let server = self.core.raft.server_metrics().borrow_watched().clone();
        let me = self.core.config.raft_id;
        let term = server.vote.leader_id.term;
        match server.current_leader {
            Some(leader) if leader == me.0 && server.state.is_leader() => {
                if self.core.gate.is_open(term) { Stance::Lead { term } } else { Stance::Compare }
            }
            Some(leader) if leader != me.0 => match server.membership_config.get_node(&leader) {
                Some(member) => Stance::Follow { leader: Target::of(leader, member) },
                None => Stance::Wait,
            },
            Some(_) | None => Stance::Wait,
        }
    }

    /// Sends on their way as many batches as may be under way.
    fn depart(&mut self) {
        let stance = self.stance();
        if matches!(stance, Stance::Follow { .. } | Stance::Wait) {
            self.parcels.drain(..).for_each(|parcel| parcel.land(Fate::Refused));
        }
        while self.retry_at.is_none()
            && self.flights.len() < self.core.config.bounds.batches_in_flight_max
        {
            let departed = match &stance {
                Stance::Lead { term } => self.append(*term),
                Stance::Follow { leader } => self.forward(leader),
                Stance::Compare | Stance::Wait => false,
            };
            if !departed {
                return;
            }
        }
    }

    /// Makes one Raft entry of what waits; whether there was any.
    fn append(&mut self, term: u64) -> bool {
        if self.parcels.is_empty() && self.core.desk.is_empty() {
            return false;
        }
        let Some(now) = self.core.gate.stamp(term) else { return false };
        let parcels = self.join();
        let mut items: Vec<Item> =
            parcels.iter().flat_map(|parcel| parcel.items.iter().cloned()).collect();
        let own = self.core.desk.take(bytes_of(&items), items.len());
        items.extend(own.iter().cloned());
        if items.is_empty() {
            return false;
        }
        self.last_stamp = self.last_stamp.max(now);
        let batch = Batch { stamped: self.last_stamp, items };
        let core = self.core.clone();
        self.flights.push(Box::pin(async move {
            let fate = core.append(batch, term).await;
            Landing { own, parcels, fate }
        }));
        true
    }

    /// Whole parcels, as many as fit one entry.
    fn join(&mut self) -> Vec<Parcel> {
        let bounds = &self.core.config.bounds;
        let (mut bytes, mut items) = (0, 0);
        let mut joined = Vec::new();
        while let Some(parcel) = self.parcels.pop_front() {
            let fits = bytes + parcel.bytes() <= bounds.batch_bytes_max
                && items + parcel.items.len() <= bounds.batch_items_max;
            if !joined.is_empty() && !fits {
                self.parcels.push_front(parcel);
                break;
            }
            bytes += parcel.bytes();
            items += parcel.items.len();
            joined.push(parcel);
        }
        joined
    }

    /// Sends one batch to the leader; whether there was any.
    fn forward(&mut self, leader: &Target) -> bool {
        let own = self.core.desk.take(0, 0);
        if own.is_empty() {
            return false;
        }
        let core = self.core.clone();
        let leader = leader.clone();
        self.flights.push(Box::pin(async move {
            let fate = core.forward(&leader, &own).await;
            Landing { own, parcels: Vec::new(), fate }
        }));
        true
    }

    fn land(&mut self, landing: Landing) {
        let Landing { own, parcels, fate } = landing;
        match fate {
            Fate::Refused => {
                self.core.desk.put_back(own);
                self.retry_at = Some(Instant::now() + RETRY_AFTER);
            }
            Fate::Unreadable => self.core.desk.refuse(&own),
            // Applying answers the first; the askers of the second wait on.
            Fate::Committed | Fate::Unknown => {}
        }
        parcels.into_iter().for_each(|parcel| parcel.land(fate));
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

impl<S: StateStore> Core<S> {
    /// Appends a batch in `term`, and in no other, and waits until it is
    /// applied here.
    async fn append(&self, batch: Batch, term: u64) -> Fate {
        let (responder, answer): (WriteResponderOf<TypeConfig>, _) =
            ProgressResponder::complete_only();
        let request = self.raft.write(Payload(batch.encode()));
        let request = request.with_leader(CommittedLeaderId::new(term)).responder(responder);
        if request.await.is_err() {
            return Fate::Unknown;
        }
        match answer.await {
            Ok(Ok(_)) => Fate::Committed,
            Ok(Err(ClientWriteError::ForwardToLeader(_))) => Fate::Refused,
            // The others are of membership changes and cannot be.
            Ok(Err(
                ClientWriteError::LogEntryDiscarded(_)
                | ClientWriteError::ChangeMembershipError(_)
                | ClientWriteError::PreconditionFailed(_),
            )) => Fate::Unknown,
            Err(_) => Fate::Unknown,
        }
    }

    async fn forward(&self, leader: &Target, own: &[Item]) -> Fate {
        let Ok(mut client) = self.peers.client(leader, Purpose::Forward) else {
            return Fate::Refused;
        };
        let items = own
            .iter()
            .map(|item| ProposeItem { sequence: item.sequence, envelope: item.envelope.clone() })
            .collect();
        let request = ProposeRequest { epoch: self.desk.origin.epoch, items };
        let limit = self.config.bounds.outcome_wait;
        match tokio::time::timeout(limit, client.propose(request)).await {
            Ok(Ok(reply)) => match reply.into_inner().result() {
                WireResult::Committed => Fate::Committed,
                WireResult::Refused => Fate::Refused,
                WireResult::Unreadable => Fate::Unreadable,
                WireResult::Unknown | WireResult::Unspecified => Fate::Unknown,
            },
            Ok(Err(status)) if was_never_read(&status) => Fate::Refused,
            Ok(Err(_)) => Fate::Unknown,
            Err(_) => {
                self.peers.forget(leader.id, Purpose::Forward);
                Fate::Unknown
            }
        }
    }
}

/// Whether a call failed before anything of it was sent, or at the gate of the
/// receiver: only then is it certain that nothing was appended.
fn was_never_read(status: &Status) -> bool {
    if status.code() == Code::FailedPrecondition {
        return true;
    }
    let mut cause = status.source();
    while let Some(err) = cause {
        if err.is::<tonic::ConnectError>() {
            return true;
        }
        cause = err.source();
    }
    false
}
