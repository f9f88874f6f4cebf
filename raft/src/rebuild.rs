//! Getting a good state from another member, before a replica runs on it.
//!
//! Vote and log stay what they are: a node that forgets what it promised must
//! come back under a new id, and this one does not. Whoever calls it puts the
//! state that was pulled in force between [`pull`] and [`follow`].
//!
//! Invariants
//! - What was pulled holds what its giver took, and its ledger was checked.
//! - The log goes on from it: nothing between the two is missing.

use std::io;
use std::path::{Path, PathBuf};

use openraft::Membership;
use proto::peer::v1 as wire;
use proto::peer::v1::snapshot_part::Part;
use tonic::{Status, Streaming};
use types::{Digest, LogIndex, RaftId};

use crate::adapter::blocking;
use crate::adapter::snapshot::{Draft, Epoch, adopt, newest};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::encoding::{decode_applied, decode_log_id, encode_log_id};
use crate::kinds::{LogId, Member};
use crate::ports::{Checkpoints, LogStore};
use crate::transport::peers::{Peers, Purpose, Target};
use crate::transport::receive::{self, Incoming};
use crate::transport::route::Here;

/// A state that another member gave, checked, as the only snapshot of this node.
#[derive(Clone, Debug)]
pub struct Pulled {
    /// Who gave it.
    pub from: RaftId,
    /// The last entry it holds.
    pub index: LogIndex,
    /// Its content digest.
    pub content_digest: Digest,
    /// Where it lies.
    pub dir: PathBuf,
    last: LogId,
}

/// Why there is no state to go on with.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// There is nobody to ask.
    #[error("no other member is known that could give its state")]
    Nobody,
    /// Nobody who was asked gave one.
    #[error("no member gave a state that holds: {0}")]
    Refused(String),
    /// What is stored here cannot be read or written.
    #[error("cannot read or write the snapshots or the log of this node")]
    Storage(#[from] io::Error),
}

/// Members by what the state said was applied to it.
///
/// # Errors
/// When the bytes are no applied state.
pub fn members(applied: &[u8]) -> io::Result<Vec<(RaftId, Member)>> {
    Ok(listed(decode_applied(applied)?.membership.membership()))
}

/// Members by the newest snapshot of this node, for when its state cannot be
/// read at all.
///
/// # Errors
/// When the directory cannot be read.
pub fn members_of_snapshots(snapshots_dir: &Path) -> io::Result<Vec<(RaftId, Member)>> {
    let newest = newest(snapshots_dir)?;
    let known = newest.map(|newest| listed(newest.meta.last_membership.membership()));
    Ok(known.unwrap_or_default())
}

fn listed(membership: &Membership<u64, Member>) -> Vec<(RaftId, Member)> {
    membership.nodes().map(|(id, member)| (RaftId(*id), member.clone())).collect()
}

/// Asks one member after the other for its state, at its peer address and by its
/// name if that is known, until one gives a state that holds and that the log goes on from. It replaces every snapshot of this node,
/// which were made from the state that is to be replaced. No replica may run.
///
/// # Errors
/// [`PullError`], with what each one said.
pub async fn pull(
    config: &Config,
    members: &[(RaftId, Member)],
    log: &impl LogStore,
    snapshots_dir: &Path,
    checkpoints: &impl Checkpoints,
) -> Result<Pulled, PullError> {
    let group = config.group.clone();
    let here = Here { cluster: config.cluster_id.to_string(), group, me: config.raft_id };
    let peers = Peers::new(here, config.transport.clone(), config.tls.clone());
    let purged = log.state()?.purged.map(|bytes| decode_log_id(&bytes)).transpose();
    let asking = Asking { config, peers, purged: purged.map_err(io::Error::from)?, snapshots_dir };
    let mut refusals = Vec::new();
    for (id, member) in members.iter().filter(|(id, _)| *id != config.raft_id) {
        match asking.ask(&Target::of(id.0, member), checkpoints).await {
            Ok(incoming) => return Ok(take_over(*id, incoming, snapshots_dir)?),
            Err(status) => {
                let (reason, address) = (status.message(), &member.peer_address);
                tracing::warn!(member = id.0, address, reason, "got no state from a member");
                refusals.push(format!("member `{id}` at {address}: {reason}"));
            }
        }
    }
    if refusals.is_empty() {
        return Err(PullError::Nobody);
    }
    Err(PullError::Refused(refusals.join("; ")))
}

struct Asking<'a> {
    config: &'a Config,
    peers: Peers,
    purged: Option<LogId>,
    snapshots_dir: &'a Path,
}

impl Asking<'_> {
    async fn ask(
        &self,
        member: &Target,
        checkpoints: &impl Checkpoints,
    ) -> Result<Incoming, Status> {
        let transport = &self.config.transport;
        let mut client = self.peers.client(member, Purpose::Snapshot)?;
        let overdue = |_| Status::deadline_exceeded("no answer in time");
        // Before the header comes, the other one takes a snapshot and reads all
        // of it.
        let call = client.pull_snapshot(wire::PullSnapshotRequest {});
        let call = tokio::time::timeout(transport.snapshot_install_max, call).await;
        let mut parts = call.map_err(overdue)??.into_inner();
        let first = tokio::time::timeout(transport.snapshot_install_max, parts.message()).await;
        let first = first.map_err(overdue)??;
        let Some(Part::Header(header)) = first.and_then(|first| first.part) else {
            return Err(Status::invalid_argument("a snapshot begins with its header"));
        };
        self.take_in(header, &mut parts, checkpoints).await
    }

    async fn take_in(
        &self,
        header: wire::SnapshotHeader,
        parts: &mut Streaming<wire::SnapshotPart>,
        checkpoints: &impl Checkpoints,
    ) -> Result<Incoming, Status> {
        let transport = &self.config.transport;
        let (incoming, _) = receive::begin(header, self.snapshots_dir, transport)?;
        if incoming.meta.last_log_id < self.purged {
            let (has, needs) = (incoming.meta.last_log_id, self.purged);
            let why =
                format!("its state ends with `{has:?}`, and this log begins after `{needs:?}`");
            return Err(Status::out_of_range(why));
        }
        // It sends every file: what is here of an earlier attempt is written over.
        incoming.receive(incoming.places(), parts, transport).await?;
        blocking(|| incoming.check(checkpoints))?;
        Ok(incoming)
    }
}

fn take_over(from: RaftId, incoming: Incoming, snapshots_dir: &Path) -> io::Result<Pulled> {
    let Incoming { meta, content, dir: path, .. } = incoming;
    let last = meta.last_log_id;
    let last = last.ok_or_else(|| io::Error::other("nothing was applied to the state"))?;
    let draft = Draft { meta, taken_at: SystemClock.now(), path, epoch: Epoch::default() };
    let snapshot = adopt(snapshots_dir, draft, content)?;
    tracing::info!(member = from.0, index = last.index, %content, "got the state of a member");
    let (index, dir) = (LogIndex(last.index), snapshot.path().to_owned());
    Ok(Pulled { from, index, content_digest: content, dir, last })
}

/// Makes the log go on from a state that was pulled and is now in force. Where
/// the log reaches further, start-up compares the two.
///
/// # Errors
/// When the log cannot be read or written.
pub fn follow(log: &impl LogStore, pulled: &Pulled) -> io::Result<()> {
    let held = log.state()?;
    let reaches = held.last.is_some_and(|last| pulled.last.index <= last.index);
    let purged = held.purged.map(|bytes| decode_log_id(&bytes)).transpose()?;
    if reaches || purged >= Some(pulled.last) {
        return Ok(());
    }
    log.purge(pulled.last.index, encode_log_id(&pulled.last))
}
