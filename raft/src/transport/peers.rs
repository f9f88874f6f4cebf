//! Connections to the other nodes, made when first used and kept.
//!
//! Each peer has one connection per purpose, so that a backlog of entries or a
//! snapshot never stands in the way of a heartbeat or a vote.
//!
//! INVARIANT: with certificates, a connection to a node that the membership
//! names is to that node or to nobody ([`super::dial`]).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use proto::peer::v1::peer_client::PeerClient;
use tonic::Status;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use types::RaftId;

use super::dial;
use super::route::{Here, Stamp};
use super::tls::Tls;
use super::{CONNECTION_WINDOW_BYTES, MESSAGE_BYTES_MAX, STREAM_WINDOW_BYTES};
use crate::config::TransportConfig;
use crate::kinds::Member;

/// A client of one peer.
pub(crate) type Client = PeerClient<InterceptedService<Channel, Stamp>>;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// Heartbeats, votes, clocks, reads.
    Control,
    /// Entries.
    Log,
    /// Commands and changes on their way to the leader.
    Forward,
    /// Snapshots.
    Snapshot,
}

/// Whom to dial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) id: RaftId,
    /// What its certificate must say; empty where nobody knows, and then any
    /// node of the same authority answers.
    pub(crate) name: String,
    pub(crate) address: String,
}

impl Target {
    /// A member as the membership lists it.
    pub(crate) fn of(id: u64, member: &Member) -> Self {
        let (name, address) = (member.name.clone(), member.peer_address.clone());
        Self { id: RaftId(id), name, address }
    }
}

/// All connections of this node.
#[derive(Debug)]
pub(crate) struct Peers {
    here: Here,
    config: TransportConfig,
    tls: Option<Tls>,
    open: Mutex<HashMap<(RaftId, Purpose), Link>>,
}

#[derive(Debug)]
struct Link {
    target: Target,
    channel: Channel,
}

impl Peers {
    pub(crate) fn new(here: Here, config: TransportConfig, tls: Option<Tls>) -> Self {
        Self { here, config, tls, open: Mutex::default() }
    }

    pub(crate) fn config(&self) -> &TransportConfig {
        &self.config
    }

    /// A client of `target`; connects when it is used.
    pub(crate) fn client(&self, target: &Target, purpose: Purpose) -> Result<Client, Status> {
        let channel = self.channel(target, purpose)?;
        let stamp = Stamp::new(&self.here, target.id)?;
        Ok(PeerClient::with_interceptor(channel, stamp)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX))
    }

    /// Gives a connection up that answers no more; the next use makes another.
    pub(crate) fn forget(&self, target: RaftId, purpose: Purpose) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&(target, purpose));
    }

    /// Gives up every connection to nodes that are not members any more.
    pub(crate) fn keep_only(&self, is_member: impl Fn(RaftId) -> bool) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(target, _), _| is_member(*target));
    }

    fn channel(&self, target: &Target, purpose: Purpose) -> Result<Channel, Status> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(link) = open.get(&(target.id, purpose))
            && link.target == *target
        {
            return Ok(link.channel.clone());
        }
        let endpoint = self.endpoint(&target.address)?;
        let channel = match &self.tls {
            None => endpoint.connect_lazy(),
            Some(tls) => endpoint.connect_with_connector_lazy(dial::connector(tls, target)),
        };
        let link = Link { target: target.clone(), channel: channel.clone() };
        open.insert((target.id, purpose), link);
        Ok(channel)
    }

    /// The one place where a connection gets its properties but for TLS, of
    /// which the URL says nothing: the connector adds it.
    fn endpoint(&self, address: &str) -> Result<Endpoint, Status> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))
            .map_err(|_| Status::invalid_argument(format!("`{address}` is no peer address")))?;
        Ok(endpoint
            .connect_timeout(self.config.connect_timeout)
            .tcp_nodelay(true)
            .tcp_keepalive(Some(
                self.config.keepalive_interval.max(std::time::Duration::from_secs(1)),
            ))
            .http2_keep_alive_interval(self.config.keepalive_interval)
            .keep_alive_timeout(self.config.keepalive_timeout)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES))
    }
}
