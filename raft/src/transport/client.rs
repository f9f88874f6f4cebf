//! openraft's network: one [`Network`] per target and purpose, over the
//! connections of [`Peers`].

use std::future::Future;
use std::sync::Arc;

use futures::{Stream, StreamExt, stream};
use openraft::OptionalSend;
use openraft::alias::SnapshotOf;
use openraft::base::{BoxFuture, BoxStream};
use openraft::errors::{ReplicationClosed, StreamingError};
use openraft::network::{
    Backoff, NetBackoff, NetSnapshot, NetStreamAppend, NetTransferLeader, NetVote, RPCOption,
    RaftNetworkFactory,
};
use openraft::raft::{
    SnapshotResponse, StreamAppendResult, TransferLeaderRequest, TransferLeaderResponse,
    VoteRequest, VoteResponse,
};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::append::{Outstanding, Rpc, network, replies, rpc_error, unreachable};
use super::convert::{
    append_to_wire, transfer_to_wire, transferred_from_wire, vote_to_wire, voted_from_wire,
};
use super::peers::{Client, Peers, Purpose, Target};
use super::send;
use crate::adapter::snapshot::Snapshot;
use crate::kinds::{AppendEntries, Member, TypeConfig, Vote};

/// Makes networks for openraft; never connects by itself.
#[derive(Clone, Debug)]
pub(crate) struct Networks {
    peers: Arc<Peers>,
}

impl Networks {
    pub(crate) fn new(peers: Arc<Peers>) -> Self {
        Self { peers }
    }

    fn network(&self, target: u64, member: &Member, purpose: Purpose) -> Network {
        Network { peers: self.peers.clone(), target: Target::of(target, member), purpose }
    }
}

impl RaftNetworkFactory<TypeConfig> for Networks {
    type Network = Network;

    async fn new_client(&mut self, target: u64, member: &Member) -> Network {
        self.network(target, member, Purpose::Log)
    }

    async fn new_heartbeat_client(&mut self, target: u64, member: &Member) -> Network {
        self.network(target, member, Purpose::Control)
    }

    async fn new_snapshot_client(&mut self, target: u64, member: &Member) -> Network {
        self.network(target, member, Purpose::Snapshot)
    }
}

/// One target, for one purpose.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    peers: Arc<Peers>,
    target: Target,
    purpose: Purpose,
}

impl Network {
    fn client(&self, purpose: Purpose) -> Result<Client, Status> {
        self.peers.client(&self.target, purpose)
    }

    async fn ask(
        &self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
        is_pre_vote: PreVote,
    ) -> Result<VoteResponse<TypeConfig>, Rpc> {
        let mut client = self.client(Purpose::Control).map_err(|status| rpc_error(&status))?;
        let request = vote_to_wire(&request, is_pre_vote == PreVote::Yes);
        let reply = bounded(option, client.vote(request)).await?;
        voted_from_wire(&reply).map_err(|err| network(&err))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PreVote {
    Yes,
    No,
}

async fn bounded<T>(
    option: RPCOption,
    call: impl Future<Output = Result<tonic::Response<T>, tonic::Status>>,
) -> Result<T, Rpc> {
    match tokio::time::timeout(option.hard_ttl(), call).await {
        Ok(Ok(response)) => Ok(response.into_inner()),
        Ok(Err(status)) => Err(rpc_error(&status)),
        Err(_) => Err(unreachable("no answer in time")),
    }
}

impl NetBackoff<TypeConfig> for Network {
    fn backoff(&self) -> Option<Backoff> {
        None
    }
}

impl NetStreamAppend<TypeConfig> for Network {
    fn stream_append<'s, S>(
        &'s mut self,
        input: S,
        _option: RPCOption,
    ) -> BoxFuture<'s, Result<BoxStream<'s, Result<StreamAppendResult<TypeConfig>, Rpc>>, Rpc>>
    where
        S: Stream<Item = AppendEntries> + OptionalSend + Unpin + 'static,
    {
        Box::pin(async move {
            // openraft waits out its backoff where it makes a request, so the
            // first one is asked for before anything is dialled: a dead peer
            // would be dialled without a pause otherwise.
            let mut input = input;
            let Some(first) = input.next().await else {
                let none: BoxStream<'s, _> = Box::pin(stream::empty());
                return Ok(none);
            };
            // openraft lets no other stream begin while this one waits for its
            // next request, and the connection goes on waiting when only the
            // replies have ended: so the requests end with the replies.
            let over = CancellationToken::new();
            let input = input.take_until(Box::pin(over.clone().cancelled_owned()));
            let over = over.drop_guard();
            let input = stream::iter([first]).chain(input);
            let mut client = self.client(self.purpose).map_err(|status| rpc_error(&status))?;
            let outstanding = Outstanding::default();
            let sent = outstanding.clone();
            let requests = input.map(move |request| {
                sent.sent();
                append_to_wire(&request)
            });
            let progress_max = self.peers.config().progress_max;
            let opened = tokio::time::timeout(progress_max, client.append(requests)).await;
            let this = self.clone();
            let give_up = move || this.peers.forget(this.target.id, this.purpose);
            let from = match opened {
                Ok(Ok(response)) => response.into_inner(),
                Ok(Err(status)) => return Err(rpc_error(&status)),
                Err(_) => {
                    give_up();
                    return Err(unreachable("no answer to the first entries"));
                }
            };
            let replies = replies(from, outstanding, progress_max, give_up);
            let replies: BoxStream<'s, _> = Box::pin(replies.inspect(move |_| {
                let _ends_with_the_replies = &over;
            }));
            Ok(replies)
        })
    }
}

impl NetVote<TypeConfig> for Network {
    async fn vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, Rpc> {
        self.ask(request, option, PreVote::No).await
    }

    async fn pre_vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, Rpc> {
        self.ask(request, option, PreVote::Yes).await
    }
}

impl NetTransferLeader<TypeConfig> for Network {
    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<TypeConfig>, Rpc> {
        let mut client = self.client(Purpose::Control).map_err(|status| rpc_error(&status))?;
        let call = client.transfer_leader(transfer_to_wire(&request));
        let reply = bounded(option, call).await?;
        transferred_from_wire(&reply).map_err(|err| network(&err))
    }
}

impl NetSnapshot<TypeConfig> for Network {
    type SnapshotData = Snapshot;

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: SnapshotOf<TypeConfig, Snapshot>,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        let client = self.client(Purpose::Snapshot).map_err(|status| rpc_error(&status))?;
        tokio::select! {
            closed = cancel => Err(closed.into()),
            sent = send::snapshot(client, vote, snapshot.snapshot, self.peers.config()) => sent,
        }
    }
}
