//! The secret that the members share: given by a member to a member, over the
//! same channel as the log. What it is for, this crate does not know.
//!
//! Invariant: only who is in the membership as the receiver knows it is given
//! it. Outside loopback the channel is mutual TLS, so the sender is who it says.

use std::time::Duration;

use openraft::async_runtime::WatchReceiver as _;
use proto::peer::v1::{SharedSecretReply, SharedSecretRequest};
use tonic::Status;
use types::RaftId;

use crate::observer::SHARED_SECRET_BYTES;
use crate::ports::StateStore;
use crate::replica::Core;
use crate::transport::peers::{Purpose, Target};

/// Answers a member.
pub(crate) fn serve<S: StateStore>(
    core: &Core<S>,
    sender: RaftId,
) -> Result<SharedSecretReply, Status> {
    let server = core.raft.server_metrics();
    let membership = &server.borrow_watched().membership_config;
    if membership.get_node(&sender.0).is_none() {
        return Err(Status::permission_denied(format!("node `{sender}` is no member")));
    }
    let secret = core.audience.observer.shared_secret();
    Ok(SharedSecretReply { secret: secret.map(|secret| secret.to_vec().into()) })
}

impl<S: StateStore> Core<S> {
    /// Asks every other member in turn, until one has it.
    pub(crate) async fn ask_secret(&self, each: Duration) -> Option<[u8; SHARED_SECRET_BYTES]> {
        let server = self.raft.server_metrics().borrow_watched().clone();
        for (id, member) in server.membership_config.nodes() {
            if *id == self.config.raft_id.0 {
                continue;
            }
            let client = self.peers.client(&Target::of(*id, member), Purpose::Control);
            let Ok(mut client) = client else { continue };
            let call = client.shared_secret(SharedSecretRequest {});
            let Ok(Ok(reply)) = tokio::time::timeout(each, call).await else { continue };
            let secret = reply.into_inner().secret;
            if let Some(secret) = secret.and_then(|secret| secret.as_ref().try_into().ok()) {
                return Some(secret);
            }
        }
        None
    }
}
