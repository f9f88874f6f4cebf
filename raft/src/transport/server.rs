//! The peer listener and its service.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use openraft::alias::SnapshotOf;
use openraft::raft::SnapshotResponse;
use proto::peer::v1 as wire;
use proto::peer::v1::peer_server::{Peer, PeerServer};
use proto::peer::v1::propose_reply::Result as ProposeResult;
use proto::peer::v1::snapshot_part::Part;
use proto::peer::v1::snapshot_reply::Reply;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};
use types::RaftId;

use super::convert::{
    append_from_wire, appended_to_wire, transfer_from_wire, transferred_to_wire, vote_from_wire,
    voted_to_wire,
};
use super::incoming;
use super::pieces::{self, PIECES_READY_MAX, Pieces};
use super::receive::{self, Incoming};
use super::registry::registry;
use super::route::{Gate, Here, Proof, Sender, let_in, member, replicating};
use super::{CONNECTION_WINDOW_BYTES, MESSAGE_BYTES_MAX, STREAM_WINDOW_BYTES};
use crate::adapter::blocking;
use crate::adapter::snapshot::{Draft, Snapshot};
use crate::batch::{ITEM_OVERHEAD_BYTES, Item, Origin};
use crate::encoding::encode_vote;
use crate::kinds::{AppendEntries, TypeConfig, Vote};
use crate::members;
use crate::ports::StateStore;
use crate::proposer::{Fate, Parcel};
use crate::replica::Core;
use crate::secret;

/// How long connections may take to end once the replica stops.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// Streams of one connection; each peer uses a handful.
const STREAMS_PER_CONNECTION_MAX: u32 = 256;

/// Serves peers until the replica stops.
pub(crate) async fn serve<S: StateStore>(
    core: Arc<Core<S>>,
    here: Here,
    listener: TcpListener,
) -> Result<(), tonic::transport::Error> {
    let stop = core.stop.clone();
    let (config, tls) = (core.config.transport.clone(), core.config.tls.clone());
    let proof = tls.clone().map(|tls| Proof { registry: registry(core.clone()), tls });
    let service = PeerServer::new(Service { core })
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    let gate = Gate::new(here, proof);
    let gated = tonic::service::interceptor::InterceptedService::new(service, gate);
    let (incoming, accepting) = incoming::accept(listener, tls, stop.clone());
    let serving = Server::builder()
        .http2_keepalive_interval(Some(config.keepalive_interval))
        .http2_keepalive_timeout(Some(config.keepalive_timeout))
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
        .add_service(gated)
        .serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned());
    // Connections are told to end, not left to their peers, who would hold the
    // replica and its directory for as long as they like.
    let overdue = async {
        stop.cancelled().await;
        tokio::time::sleep(CLOSE_MAX).await;
    };
    let served = tokio::select! {
        () = overdue => Ok(()),
        served = serving => served,
    };
    // Who starts it again finds the port free.
    drop(accepting);
    served
}

struct Service<S: StateStore> {
    core: Arc<Core<S>>,
}

fn stopped(err: impl std::fmt::Display) -> Status {
    Status::unavailable(err.to_string())
}

type Refusal = Arc<Mutex<Option<Status>>>;

/// Requests up to the first that cannot be taken, or whose sender was taken out
/// since it began; why is left in `refusal`. They
/// end with the replica too: raft reads them in a task of its own, which would
/// hold the stream open, and its peer's entries would go to a replica that is no
/// more.
fn requests(
    from: Streaming<wire::AppendRequest>,
    sender: Sender,
    refusal: Refusal,
    stop: CancellationToken,
) -> BoxStream<'static, AppendEntries> {
    let begin = (from, sender, refusal);
    let requests = stream::unfold(begin, move |(mut from, sender, refusal)| async move {
        let message = from.message().await.transpose()?;
        let request = message.and_then(|message| {
            sender.check()?;
            append_from_wire(message, sender.id)
        });
        match request {
            Ok(request) => Some((request, (from, sender, refusal))),
            Err(status) => {
                *refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
                None
            }
        }
    });
    requests.take_until(Box::pin(stop.cancelled_owned())).boxed()
}

#[tonic::async_trait]
impl<S: StateStore> Peer for Service<S> {
    type AppendStream = BoxStream<'static, Result<wire::AppendReply, Status>>;
    type PullSnapshotStream = ReceiverStream<Result<wire::SnapshotPart, Status>>;
    type InstallSnapshotStream = ReceiverStream<Result<wire::SnapshotReply, Status>>;

    async fn append(
        &self,
        request: Request<Streaming<wire::AppendRequest>>,
    ) -> Result<Response<Self::AppendStream>, Status> {
        let sender = let_in(&request)?.clone();
        let refusal = Refusal::default();
        let stop = self.core.stop.clone();
        let requests = requests(request.into_inner(), sender, refusal.clone(), stop.clone());
        let replies = self.core.raft.stream_append(requests).map(|reply| match reply {
            Ok(result) => Ok(appended_to_wire(&result)),
            Err(fatal) => Err(stopped(fatal)),
        });
        let last = stream::once(async move {
            refusal.lock().unwrap_or_else(PoisonError::into_inner).take().map(Err)
        });
        let replies = replies.chain(last.filter_map(std::future::ready));
        // The stream of a peer has no end of its own: it ends with the replica.
        Ok(Response::new(replies.take_until(Box::pin(stop.cancelled_owned())).boxed()))
    }

    async fn vote(
        &self,
        request: Request<wire::VoteRequest>,
    ) -> Result<Response<wire::VoteReply>, Status> {
        let sender = replicating(&request)?;
        let message = request.into_inner();
        let request = vote_from_wire(&message, sender)?;
        let voted = if message.pre_vote {
            self.core.raft.pre_vote(request).await
        } else {
            self.core.raft.vote(request).await
        };
        voted.map(|voted| Response::new(voted_to_wire(&voted))).map_err(stopped)
    }

    async fn transfer_leader(
        &self,
        request: Request<wire::TransferLeaderRequest>,
    ) -> Result<Response<wire::TransferLeaderReply>, Status> {
        let sender = replicating(&request)?;
        let request = transfer_from_wire(request.get_ref(), sender)?;
        let transferred = self.core.raft.handle_transfer_leader(request).await.map_err(stopped)?;
        Ok(Response::new(transferred_to_wire(&transferred)))
    }

    async fn install_snapshot(
        &self,
        request: Request<Streaming<wire::SnapshotPart>>,
    ) -> Result<Response<Self::InstallSnapshotStream>, Status> {
        let sender = let_in(&request)?.clone();
        let (replies, outgoing) = mpsc::channel(2);
        let core = self.core.clone();
        tokio::spawn(async move {
            let taken = tokio::select! {
                () = core.stop.cancelled() => Err(Status::unavailable("the node is stopping")),
                () = replies.closed() => return,
                taken = core.take_in(request.into_inner(), sender, &replies) => taken,
            };
            // Nobody listens when the sender has gone.
            let _ = replies.send(taken.map(reply)).await;
        });
        Ok(Response::new(ReceiverStream::new(outgoing)))
    }

    async fn pull_snapshot(
        &self,
        request: Request<wire::PullSnapshotRequest>,
    ) -> Result<Response<Self::PullSnapshotStream>, Status> {
        let sender = member(&request)?;
        let turn = self.core.serving.clone().try_lock_owned();
        let turn = turn.map_err(|_| Status::aborted("another member is being sent a snapshot"))?;
        self.core.check_member(sender)?;
        let (parts, outgoing) = mpsc::channel(PIECES_READY_MAX);
        let core = self.core.clone();
        tokio::spawn(async move {
            let _turn = turn;
            let given = tokio::select! {
                () = core.stop.cancelled() => Err(Status::unavailable("the node is stopping")),
                () = parts.closed() => return,
                given = core.give_snapshot(sender, parts.clone()) => given,
            };
            if let Err(status) = given {
                // Nobody listens when the receiver has gone.
                let _ = parts.send(Err(status)).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(outgoing)))
    }

    async fn propose(
        &self,
        request: Request<wire::ProposeRequest>,
    ) -> Result<Response<wire::ProposeReply>, Status> {
        let sender = member(&request)?;
        let fate = self.core.take_parcel(request.into_inner(), sender).await;
        let result = match fate {
            Fate::Committed => ProposeResult::Committed,
            Fate::Refused => ProposeResult::Refused,
            Fate::Unknown => ProposeResult::Unknown,
            Fate::Unreadable => ProposeResult::Unreadable,
        };
        Ok(Response::new(wire::ProposeReply { result: result.into() }))
    }

    async fn read_index(
        &self,
        request: Request<wire::ReadIndexRequest>,
    ) -> Result<Response<wire::ReadIndexReply>, Status> {
        member(&request)?;
        let index = self.core.confirm_leading().await;
        Ok(Response::new(wire::ReadIndexReply { index }))
    }

    async fn shared_secret(
        &self,
        request: Request<wire::SharedSecretRequest>,
    ) -> Result<Response<wire::SharedSecretReply>, Status> {
        secret::serve(&self.core, member(&request)?).map(Response::new)
    }

    async fn probe_clock(
        &self,
        request: Request<wire::ProbeClockRequest>,
    ) -> Result<Response<wire::ProbeClockReply>, Status> {
        replicating(&request)?;
        let term = self.core.metrics().current_term;
        let now_micros = self.core.clock.now().0;
        Ok(Response::new(wire::ProbeClockReply { now_micros, term }))
    }

    async fn change(
        &self,
        request: Request<wire::ChangeRequest>,
    ) -> Result<Response<wire::ChangeReply>, Status> {
        member(&request)?;
        members::change::serve(&self.core, request.into_inner()).await.map(Response::new)
    }
}

fn reply(reply: Reply) -> wire::SnapshotReply {
    wire::SnapshotReply { reply: Some(reply) }
}

impl<S: StateStore> Core<S> {
    async fn take_in(
        self: &Arc<Self>,
        mut parts: Streaming<wire::SnapshotPart>,
        sender: Sender,
        replies: &mpsc::Sender<Result<wire::SnapshotReply, Status>>,
    ) -> Result<Reply, Status> {
        let busy = |_| Status::aborted("another snapshot is on its way in");
        let turn = self.receiving.clone().try_lock_owned().map_err(busy)?;
        let config = &self.config.transport;
        let first = tokio::time::timeout(config.snapshot_idle_max, parts.message()).await;
        let first = first.map_err(|_| Status::deadline_exceeded("the sender stands still"))??;
        let Some(Part::Header(header)) = first.and_then(|first| first.part) else {
            return Err(Status::invalid_argument("a snapshot begins with its header"));
        };
        let vote = receive::leader_vote(&header, sender.id)?;
        let (incoming, wanted) = receive::begin(header, self.snapshots.dir(), config)?;
        tracing::info!(sender = sender.id.0, files = wanted.len(), "receiving a snapshot");
        let ask = reply(Reply::Wanted(wire::SnapshotWanted { files: wanted.clone() }));
        replies.send(Ok(ask)).await.map_err(|_| Status::cancelled("the sender has gone"))?;
        incoming.receive(wanted, &mut parts, config).await?;
        sender.check()?;
        let core = self.clone();
        // A task of its own, which ends even if the sender goes away: nobody may
        // begin another transfer while raft takes this one over.
        let installing = tokio::spawn(async move {
            let _turn = turn;
            core.put_in_place(vote, incoming).await
        });
        let installed = installing.await.map_err(stopped)??;
        Ok(Reply::Installed(wire::SnapshotInstalled { vote: encode_vote(&installed.vote) }))
    }

    /// Hands raft a snapshot that holds. One that does not is refused here:
    /// raft takes a failed install for the failure of its own disk.
    async fn put_in_place(
        &self,
        vote: Vote,
        incoming: Incoming,
    ) -> Result<SnapshotResponse<TypeConfig>, Status> {
        blocking(|| incoming.check(&*self.state))?;
        let Incoming { meta, content, dir, .. } = &incoming;
        let (taken_at, path) = (self.clock.now(), dir.clone());
        let (meta, epoch) = (meta.clone(), self.snapshots.epoch());
        let snapshot = Draft { meta: meta.clone(), taken_at, path, epoch }.with_content(*content);
        let snapshot = SnapshotOf::<TypeConfig, Snapshot> { meta, snapshot };
        let installed = self.raft.install_full_snapshot(vote, snapshot).await;
        blocking(|| {
            incoming.clear();
            // Raft may have had no use for it.
            receive::give_up_keys(&*self.state);
        });
        installed.map_err(stopped)
    }

    /// Only members are given the state.
    fn check_member(&self, sender: RaftId) -> Result<(), Status> {
        let metrics = self.metrics();
        if metrics.membership_config.membership().get_node(&sender.0).is_some() {
            return Ok(());
        }
        Err(Status::permission_denied(format!("node `{sender}` is no member")))
    }

    /// Sends everything applied so far to a member that asked for it.
    async fn give_snapshot(
        &self,
        receiver: RaftId,
        parts: mpsc::Sender<Result<wire::SnapshotPart, Status>>,
    ) -> Result<(), Status> {
        if let Some(reason) = self.audience.failure.get() {
            return Err(Status::unavailable(format!("the node has failed itself: {reason}")));
        }
        let applied = *self.audience.applied.borrow();
        let held = self.snapshots.current().and_then(|snapshot| snapshot.index());
        if held < applied {
            let taken = self.take_snapshot().await;
            taken.map_err(|err| Status::unavailable(err.to_string()))?;
        }
        let snapshot = self.snapshots.current();
        let snapshot = snapshot.ok_or_else(|| Status::unavailable("there is no snapshot"))?;
        tracing::info!(receiver = receiver.0, "giving a snapshot to a member that asked for it");
        let header = pieces::header(Bytes::new(), &snapshot).await;
        let header = header.map_err(|err| Status::internal(err.to_string()))?;
        let files = header.files.clone();
        let mut sending = Pieces::new(parts, Ok, &self.config.transport);
        sending.part(Part::Header(header)).await?;
        for (place, file) in (0_u32..).zip(&files) {
            sending.file(place, &snapshot.path().join(&file.path)).await?;
        }
        sending.part(Part::End(wire::SnapshotEnd {})).await
    }

    /// Takes another node's commands to the dispatcher and waits for their fate.
    async fn take_parcel(&self, request: wire::ProposeRequest, sender: RaftId) -> Fate {
        let origin = Origin { node: sender, epoch: request.epoch };
        let items: Vec<Item> = request
            .items
            .into_iter()
            .map(|item| Item { origin, sequence: item.sequence, envelope: item.envelope })
            .collect();
        if !self.is_within_bounds(&items) {
            return Fate::Unreadable;
        }
        // An entry that cannot be decoded would stop every replica that applies
        // it, so it is kept out of the log.
        if items.iter().any(|item| governance::decode_envelope(&item.envelope).is_err()) {
            tracing::warn!(sender = sender.0, "refused commands this release cannot read");
            return Fate::Unreadable;
        }
        let (fate, landed) = oneshot::channel();
        if self.inbox.send(Parcel { items, fate }).await.is_err() {
            return Fate::Refused;
        }
        // Dropped without a word only when the replica stops, and then it may
        // have been on its way.
        landed.await.unwrap_or(Fate::Unknown)
    }

    fn is_within_bounds(&self, items: &[Item]) -> bool {
        let bounds = &self.config.bounds;
        let bytes: usize = items.iter().map(|item| item.envelope.len() + ITEM_OVERHEAD_BYTES).sum();
        match items {
            [] => false,
            [one] => one.envelope.len() <= bounds.command_bytes_max,
            _ => items.len() <= bounds.batch_items_max && bytes <= bounds.batch_bytes_max,
        }
    }
}
