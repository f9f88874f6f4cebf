//! The checkpoints of this node: proposes them while it leads, signs those it
//! executed, and records what the signatures of others say of them.
//!
//! Signing happens here and not in `apply`: a private key has no place there.
//!
//! Invariants
//! - A node signs only the newest checkpoint it has applied, only if its signature
//!   is not in the state yet, and only once it has applied all that was committed
//!   before it started. So a node that starts again or catches up signs nothing
//!   twice, and one that is busy signs all the same.

use std::time::Duration;

use governance::command::{Command, Cosign, Finding, KeyUsage, RecordDivergence, RsaSignature};
use governance::record::CheckpointRecord;
use governance::{Outcome, checkpoint, divergence, view};
use raft::{Clock as _, ProposeError, Role, SystemClock};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use types::{LogIndex, RaftId};

use crate::keys::Kind;
use crate::run::Running;

/// Pause after something could not be proposed.
const RETRY: Duration = Duration::from_millis(200);

/// A look without news: leadership may have come without any.
const LOOK: Duration = Duration::from_secs(1);

/// Log entries that a busy node may be behind and still sign.
const LAG_MAX: u64 = 256;

/// An RSA signature costs as much processor time as a thousand decisions, and
/// is for the long term: one a minute is enough, since every checkpoint proves
/// all before it.
const RSA_INTERVAL: Duration = Duration::from_secs(60);

/// Looks after the checkpoints for as long as the node runs.
pub(crate) async fn run(running: Running, stop: CancellationToken) {
    let mut signer = Signer { running, last_rsa: None, has_caught_up: false };
    loop {
        let (pause, wakes) = match signer.step().await {
            Ok(pause) => (pause, true),
            Err(error) => {
                tracing::debug!(%error, "a checkpoint waits");
                // What was refused is news itself: listening to it would make
                // this a loop without pause.
                (RETRY, false)
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = signer.running.quarantine.entered() => return,
            () = tokio::time::sleep(pause) => (),
            () = signer.running.watch.news(), if wakes => (),
        }
    }
}

/// Signs the newest checkpoint, so that what this node found is known before it
/// leaves.
pub(crate) async fn sign_last(running: &Running) {
    let last_rsa = Some(Instant::now());
    let mut signer = Signer { running: running.clone(), last_rsa, has_caught_up: true };
    loop {
        match signer.sign_newest().await {
            Ok(true) => return,
            Ok(false) => (),
            Err(error) => tracing::info!(%error, "what this node found is not signed"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

struct Signer {
    running: Running,
    last_rsa: Option<Instant>,
    /// Whether everything that was committed before the start is applied.
    has_caught_up: bool,
}

/// Why nothing could be done just now.
#[derive(Debug, thiserror::Error)]
enum Waiting {
    #[error("the state cannot be read: {0}")]
    State(#[from] std::io::Error),
    #[error(transparent)]
    Damaged(#[from] governance::Corruption),
    #[error(transparent)]
    Proposal(#[from] ProposeError),
    #[error("cannot draw random bytes")]
    Random,
    #[error("refused: {0}")]
    Refused(governance::Rejection),
}

impl Signer {
    /// Does what is due, and says how long there is nothing to do without news.
    async fn step(&mut self) -> Result<Duration, Waiting> {
        let state = self.running.handle.view()?;
        let last = view::last_checkpoint(&state)?;
        if let Some(last) = &last {
            self.sign(last).await?;
        }
        let status = self.running.handle.status();
        if status.role != Role::Leader || !status.stamps {
            return Ok(LOOK);
        }
        // Whatever comes of it: checkpoints go on.
        if let Err(error) = self.record_dissent(&state).await {
            tracing::warn!(%error, "a divergence is not recorded");
        }
        let size = view::head(&state)?.size();
        let now = SystemClock.now();
        if checkpoint::is_due(last.as_ref(), size, now) {
            self.propose(Command::Checkpoint).await?;
            return Ok(LOOK);
        }
        if let Some(last) = last.filter(|last| last.claim.size < size) {
            let due = last.claim.at.0.saturating_add(checkpoint::INTERVAL.0);
            // Many entries make one due earlier.
            return Ok(Duration::from_micros(due.saturating_sub(now.0)).min(RETRY));
        }
        self.running.watch.want_growth();
        // What was added before that was no news.
        let grown = view::head(&self.running.handle.view()?)?.size() != size;
        Ok(if grown { Duration::ZERO } else { LOOK })
    }

    /// Whether this node's signature is on the newest checkpoint.
    async fn sign_newest(&mut self) -> Result<bool, Waiting> {
        let newest = view::last_checkpoint(&self.running.handle.view()?)?;
        let Some(newest) = newest else { return Ok(true) };
        let me = self.running.identity.raft_id;
        let votes = newest.voters.iter().any(|set| set.contains(&me));
        if !votes || newest.has_signed(me) {
            return Ok(true);
        }
        self.sign(&newest).await?;
        Ok(false)
    }

    async fn sign(&mut self, record: &CheckpointRecord) -> Result<(), Waiting> {
        let me = self.running.identity.raft_id;
        let votes = record.voters.iter().any(|set| set.contains(&me));
        if !votes || record.has_signed(me) || !self.is_up_to_date() {
            return Ok(());
        }
        let state = self.running.handle.view()?;
        let Some(cluster) = view::cluster(&state)? else { return Ok(()) };
        let text = record.claim.checkpoint(cluster.origin()).to_text();
        let keys = self.running.keys_in_force();
        let signed = keys.sign(KeyUsage::Checkpoint, text.as_bytes());
        let Some((key, signature)) = signed else { return Ok(()) };
        // A key that was rotated in since does not count at this size.
        let listed = view::key(&state, key)?;
        if !listed.is_some_and(|listed| listed.counts_at(record.claim.size)) {
            return Ok(());
        }
        let rsa = self.rsa(&keys, text).await;
        let cosign = Cosign {
            place: record.place,
            claim: record.claim.clone(),
            key,
            signature: signature.to_vec(),
            rsa,
        };
        let is_rsa = cosign.rsa.is_some();
        self.propose(Command::Cosign(Box::new(cosign))).await?;
        if is_rsa {
            self.last_rsa = Some(Instant::now());
        }
        Ok(())
    }

    fn is_up_to_date(&mut self) -> bool {
        let status = self.running.handle.status();
        let at = |index: Option<LogIndex>| index.map_or(0, |index| index.0);
        let lag = at(status.commit_index).saturating_sub(at(status.applied_index));
        // What is committed is known once a leader has said so.
        self.has_caught_up |= lag == 0 && status.leader.is_some();
        self.has_caught_up && lag <= LAG_MAX
    }

    /// A signature for the long term, if the last one is old enough.
    async fn rsa(&self, keys: &crate::keys::InForce, text: String) -> Option<RsaSignature> {
        if self.last_rsa.is_some_and(|last| last.elapsed() < RSA_INTERVAL) {
            return None;
        }
        let key = keys.get(KeyUsage::Checkpoint, Kind::Rsa)?.clone();
        let id = key.id();
        let signing = tokio::task::spawn_blocking(move || key.sign(text.as_bytes()));
        let signature = signing.await.ok()??;
        Some(RsaSignature { key: id, signature })
    }

    /// Records who signed something else than the majority, or has another state.
    async fn record_dissent(&self, state: &storage::View) -> Result<(), Waiting> {
        let incidents = view::incidents(state)?;
        // Of one whose name was taken over since, nothing is recorded any more.
        let nodes = view::nodes(state)?;
        let is_node = |id: RaftId| nodes.iter().any(|node| node.raft_id == id);
        let last_of = |id: RaftId| incidents.iter().find(|(of, _)| *of == id).map(|(_, last)| last);
        if let Some(record) = view::last_final(state)? {
            let size = record.claim.size;
            for id in record.dissents.iter().map(|dissent| dissent.raft_id) {
                let is_known = last_of(id)
                    .is_some_and(|last| last.recovered.is_none() || size <= last.entry.0);
                if is_node(id) && !is_known {
                    self.record(id, Finding::Checkpoint { size }).await?;
                }
            }
        }
        for (place, scrub) in view::scrubs(state)? {
            for id in divergence::outvoted(state, &scrub)? {
                let is_known = last_of(id).is_some_and(|last| {
                    let through = last.rebuilt_through;
                    last.recovered.is_none() || through.is_some_and(|at| place.index <= at)
                });
                if is_node(id) && !is_known {
                    self.record(id, Finding::Content { place }).await?;
                }
            }
        }
        Ok(())
    }

    async fn record(&self, raft_id: RaftId, finding: Finding) -> Result<(), Waiting> {
        tracing::error!(%raft_id, ?finding, "a node has diverged");
        let command = RecordDivergence { raft_id, finding };
        self.propose(Command::RecordDivergence(Box::new(command))).await
    }

    async fn propose(&self, command: Command) -> Result<(), Waiting> {
        let envelope = self.running.envelope(command).map_err(|_| Waiting::Random)?;
        let outcome = self.running.handle.propose(envelope).await?.outcome;
        match outcome {
            // Somebody else was first, or the state has moved on.
            Outcome::Rejected(why) => Err(Waiting::Refused(why)),
            _ => Ok(()),
        }
    }
}
