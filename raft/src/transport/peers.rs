//! Connections to the other nodes, made when first used and kept.
//!
//! Each peer has one connection per purpose, so that a backlog of entries or a
//! snapshot never stands in the way of a heartbeat or a vote.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use proto::peer::v1::peer_client::PeerClient;
use tonic::Status;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use types::RaftId;

use super::route::{Here, Stamp};
use super::{CONNECTION_WINDOW_BYTES, MESSAGE_BYTES_MAX, STREAM_WINDOW_BYTES};
use crate::config::TransportConfig;

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

/// All connections of this node.
#[derive(Debug)]
pub(crate) struct Peers {
    here: Here,
    config: TransportConfig,
    open: Mutex<HashMap<(RaftId, Purpose), Link>>,
}

#[derive(Debug)]
struct Link {
    address: String,
    channel: Channel,
}

impl Peers {
    pub(crate) fn new(here: Here, config: TransportConfig) -> Self {
        Self { here, config, open: Mutex::default() }
    }

    pub(crate) fn config(&self) -> &TransportConfig {
        &self.config
    }

    /// A client of `target` at `address`; connects when it is used.
    pub(crate) fn client(
        &self,
        target: RaftId,
        address: &str,
        purpose: Purpose,
    ) -> Result<Client, Status> {
        let channel = self.channel(target, address, purpose)?;
        let stamp = Stamp::new(&self.here, target)?;
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

    fn channel(&self, target: RaftId, address: &str, purpose: Purpose) -> Result<Channel, Status> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(link) = open.get(&(target, purpose))
            && link.address == address
        {
            return Ok(link.channel.clone());
        }
        let channel = self.endpoint(address)?.connect_lazy();
        let link = Link { address: address.to_owned(), channel: channel.clone() };
        open.insert((target, purpose), link);
        Ok(channel)
    }

    /// The one place where a connection gets its properties, TLS among them
    /// once peers have certificates.
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
