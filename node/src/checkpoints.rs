//! The checkpoints of this node: proposes them while it leads, signs those it
//! executed, and records what the signatures of others say of them.
//!
//! Signing happens here and not in `apply`: a private key has no place there.
//!
//! Invariants
//! - A node signs only the newest checkpoint it has applied, only when it has
//!   applied all it knows to be committed, and only if its signature is not in
//!   the state yet. So a node that starts again or catches up signs nothing
//!   twice.

use std::time::Duration;

use governance::command::{Command, Cosign, Finding, KeyUsage, RecordDivergence, RsaSignature};
use governance::record::CheckpointRecord;
use governance::{Outcome, checkpoint, view};
use raft::{Clock as _, ProposeError, Role, SystemClock};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::keys::Kind;
use crate::run::Running;

/// Pause after something could not be proposed.
const RETRY: Duration = Duration::from_millis(200);

/// A look without news: leadership may have come without any.
const LOOK: Duration = Duration::from_secs(1);

/// An RSA signature costs as much processor time as a thousand decisions, and
/// is for the long term: one a minute is enough, since every checkpoint proves
/// all before it.
const RSA_INTERVAL: Duration = Duration::from_secs(60);

/// Looks after the checkpoints for as long as the node runs.
pub(crate) async fn run(running: Running, stop: CancellationToken) {
    let mut signer = Signer { running, last_rsa: None };
    loop {
        let pause = match signer.step().await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::debug!(%error, "a checkpoint waits");
                RETRY
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = signer.running.quarantine.entered() => return,
            () = tokio::time::sleep(pause) => (),
            () = signer.running.watch.news() => (),
        }
    }
}

struct Signer {
    running: Running,
    last_rsa: Option<Instant>,
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
}

impl Signer {
    /// Does what is due, and says how long there is nothing to do without news.
    async fn step(&mut self) -> Result<Duration, Waiting> {
        // Before the state is read, so that nothing added after goes unnoticed.
        self.running.watch.want_growth();
        let state = self.running.handle.view()?;
        let last = view::last_checkpoint(&state)?;
        if let Some(last) = &last {
            self.sign(&state, last).await?;
        }
        let status = self.running.handle.status();
        if status.role != Role::Leader || !status.stamps {
            return Ok(LOOK);
        }
        self.record_dissent(&state).await?;
        let size = view::head(&state)?.size();
        let now = SystemClock.now();
        if checkpoint::is_due(last.as_ref(), size, now) {
            self.propose(Command::Checkpoint).await?;
            return Ok(LOOK);
        }
        Ok(match last {
            Some(last) if last.claim.size < size => {
                let due = last.claim.at.0.saturating_add(checkpoint::INTERVAL.0);
                Duration::from_micros(due.saturating_sub(now.0))
            }
            Some(_) | None => LOOK,
        })
    }

    async fn sign(
        &mut self,
        state: &storage::View,
        record: &CheckpointRecord,
    ) -> Result<(), Waiting> {
        let me = self.running.identity.raft_id;
        let votes = record.voters.iter().any(|set| set.contains(&me));
        let status = self.running.handle.status();
        let is_behind = status.applied_index < status.commit_index;
        if !votes || record.has_signed(me) || is_behind {
            return Ok(());
        }
        let Some(cluster) = view::cluster(state)? else { return Ok(()) };
        let text = record.claim.checkpoint(cluster.origin()).to_text();
        let keys = self.running.keys_in_force(state);
        let signed = keys.sign(KeyUsage::Checkpoint, text.as_bytes());
        let Some((key, signature)) = signed else { return Ok(()) };
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

    /// Records who signed something else than the majority.
    async fn record_dissent(&self, state: &storage::View) -> Result<(), Waiting> {
        let Some(record) = view::last_final(state)? else { return Ok(()) };
        let incidents = view::incidents(state)?;
        for dissent in &record.dissents {
            let incident = incidents.iter().find(|(id, _)| *id == dissent.raft_id);
            let is_known = incident.is_some_and(|(_, incident)| {
                incident.recovered.is_none() || record.claim.size <= incident.entry.0
            });
            if !is_known {
                let finding = Finding::Checkpoint { size: record.claim.size };
                let raft_id = dissent.raft_id;
                tracing::error!(%raft_id, size = record.claim.size, "a node has diverged");
                let command = RecordDivergence { raft_id, finding };
                self.propose(Command::RecordDivergence(Box::new(command))).await?;
            }
        }
        Ok(())
    }

    async fn propose(&self, command: Command) -> Result<(), Waiting> {
        let envelope = self.running.envelope(command).map_err(|_| Waiting::Random)?;
        let outcome = self.running.handle.propose(envelope).await?.outcome;
        if let Outcome::Rejected(why) = outcome {
            // Somebody else was first, or the state has moved on.
            tracing::debug!(%why, "not recorded");
        }
        Ok(())
    }
}
