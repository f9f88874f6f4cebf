//! Applies one committed Raft entry: decode, run every command in order, commit
//! once, then tell who waits.
//!
//! Invariants
//! - One entry is one atomic write batch, with the applied state inside it.
//! - Nobody is answered before the commit.
//! - After an error nothing more is applied: the cache may be ahead of the
//!   state, so the node stops rather than diverge.

use std::io;
use std::sync::Arc;

use governance::{Applied, Cache, Corruption, Envelope, Outcome};
use tokio::sync::watch;
use types::{LogIndex, RaftId, Timestamp};

use crate::adapter::Contiguity;
use crate::batch::{Batch, Item};
use crate::encoding::{AppliedState, EncodingError, decode_applied, encode_applied};
use crate::failure::Failure;
use crate::kinds::{Entry, EntryPayload, Membership, Payload, StoredMembership};
use crate::observer::{AppliedItem, Observer};
use crate::ports::StateStore;
use crate::proposer::Committed;
use crate::proposer::desk::Desk;

/// Who is told what was applied. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Audience {
    pub(crate) desk: Arc<Desk>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) applied: Arc<watch::Sender<Option<u64>>>,
    pub(crate) failure: Failure,
}

/// Why an entry could not be applied. Each stops the node.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    #[error("entry `{found}` is not the one after `{last:?}`")]
    Gap { last: Option<u64>, found: u64 },
    #[error("an earlier entry could not be applied")]
    Poisoned,
    #[error(transparent)]
    Encoding(#[from] EncodingError),
    #[error(transparent)]
    Corruption(#[from] Corruption),
    #[error("the state store failed")]
    Store(#[from] io::Error),
}

pub(crate) struct Applier<S: StateStore> {
    state: Arc<S>,
    cache: Cache,
    applied: AppliedState,
    audience: Audience,
    contiguity: Contiguity,
    is_poisoned: bool,
    #[cfg(debug_assertions)]
    flip: Option<String>,
}

impl<S: StateStore> Applier<S> {
    pub(crate) fn new(
        state: Arc<S>,
        audience: Audience,
        contiguity: Contiguity,
    ) -> io::Result<Self> {
        let applied = read_applied(&*state)?;
        publish(&audience, &applied);
        let cache = Cache::default();
        Ok(Self {
            state,
            cache,
            applied,
            audience,
            contiguity,
            is_poisoned: false,
            #[cfg(debug_assertions)]
            flip: std::env::var("FAILPOINT_FLIP_WRITE").ok(),
        })
    }

    pub(crate) fn applied(&self) -> &AppliedState {
        &self.applied
    }

    /// Applies an entry; on return its writes are visible and its askers told.
    pub(crate) fn apply(&mut self, entry: &Entry) -> io::Result<()> {
        let index = entry.log_id.index;
        self.try_apply(entry).map_err(|err| {
            self.fail(format!("cannot apply entry `{index}`: {}", causes(&err)));
            io::Error::other(err)
        })
    }

    /// Records why the node cannot go on.
    pub(crate) fn fail(&mut self, reason: String) {
        self.is_poisoned = true;
        self.audience.failure.record(reason);
    }

    /// Reads the applied state anew after the store was given another one.
    pub(crate) fn reload(&mut self) -> io::Result<()> {
        self.applied = read_applied(&*self.state)?;
        self.cache = Cache::default();
        publish(&self.audience, &self.applied);
        self.audience.observer.state_replaced(self.last_index().map(LogIndex));
        Ok(())
    }

    fn last_index(&self) -> Option<u64> {
        self.applied.last.map(|id| id.index)
    }

    fn try_apply(&mut self, entry: &Entry) -> Result<(), ApplyError> {
        self.check_order(entry.log_id.index)?;
        match &entry.payload {
            EntryPayload::Blank => self.apply_blank(entry),
            EntryPayload::Normal(Payload(bytes)) => {
                let batch = Batch::decode(bytes)?;
                self.apply_batch(entry, &batch)
            }
            EntryPayload::Membership(membership) => self.apply_membership(entry, membership),
        }
    }

    fn check_order(&self, found: u64) -> Result<(), ApplyError> {
        if self.is_poisoned {
            return Err(ApplyError::Poisoned);
        }
        let last = self.last_index();
        let expected = last.map_or(Some(0), |last| last.checked_add(1));
        if self.contiguity == Contiguity::Required && expected != Some(found) {
            return Err(ApplyError::Gap { last, found });
        }
        Ok(())
    }

    fn apply_blank(&mut self, entry: &Entry) -> Result<(), ApplyError> {
        let next = AppliedState { last: Some(entry.log_id), ..self.applied.clone() };
        let batch = self.state.begin()?;
        self.commit(batch, next)
    }

    fn apply_batch(&mut self, entry: &Entry, batch: &Batch) -> Result<(), ApplyError> {
        let at = batch.stamped.max(self.applied.at);
        let mut writes = self.state.begin()?;
        let mut done = Vec::with_capacity(batch.items.len());
        for (place, item) in (0_u32..).zip(&batch.items) {
            let envelope = self.decode(&item.envelope)?;
            let applied = Applied { index: LogIndex(entry.log_id.index), sub_index: place, at };
            let outcome = governance::apply(&mut writes, &mut self.cache, applied, &envelope)?;
            done.push(Done { item, applied, envelope, outcome });
        }
        governance::finish_batch(&mut writes, &mut self.cache)?;
        let next = AppliedState { last: Some(entry.log_id), at, ..self.applied.clone() };
        self.commit(writes, next)?;
        self.tell(done);
        Ok(())
    }

    #[cfg(not(debug_assertions))]
    fn decode(&self, bytes: &[u8]) -> Result<Envelope, Corruption> {
        governance::decode_envelope(bytes)
    }

    /// In builds for tests one bit of one write can be made to flip before it is
    /// folded into the state digest, to see what the cluster makes of it.
    #[cfg(debug_assertions)]
    fn decode(&self, bytes: &[u8]) -> Result<Envelope, Corruption> {
        let mut envelope = governance::decode_envelope(bytes)?;
        let key = envelope.idempotency.as_mut().filter(|key| Some(&key.key) == self.flip.as_ref());
        if let Some(key) = key {
            tracing::warn!(key = key.key, "flipping a bit of what is written for this request");
            key.body_digest.0[0] ^= 1;
        }
        Ok(envelope)
    }

    fn apply_membership(
        &mut self,
        entry: &Entry,
        membership: &Membership,
    ) -> Result<(), ApplyError> {
        let index = LogIndex(entry.log_id.index);
        let voters: Vec<Vec<RaftId>> = membership
            .get_joint_config()
            .iter()
            .map(|config| config.iter().copied().map(RaftId).collect())
            .collect();
        let learners: Vec<RaftId> = membership.learner_ids().map(RaftId).collect();
        let mut writes = self.state.begin()?;
        let recorded =
            governance::apply_membership(&mut writes, &mut self.cache, index, &voters, &learners)?;
        governance::finish_batch(&mut writes, &mut self.cache)?;
        let stored = StoredMembership::new(Some(entry.log_id), membership.clone());
        let next =
            AppliedState { last: Some(entry.log_id), membership: stored, at: self.applied.at };
        self.commit(writes, next)?;
        self.audience.observer.membership_applied(index, recorded);
        Ok(())
    }

    fn commit(&mut self, writes: S::Batch, next: AppliedState) -> Result<(), ApplyError> {
        self.state.commit(writes, encode_applied(&next))?;
        self.applied = next;
        publish(&self.audience, &self.applied);
        Ok(())
    }

    fn tell(&self, done: Vec<Done<'_>>) {
        let own = self.audience.desk.origin;
        let mut settled = Vec::new();
        for Done { item, applied, envelope, outcome } in done {
            let (envelope, outcome_of) = (&envelope, &outcome);
            let origin = item.origin.node;
            let told = AppliedItem { applied, origin, envelope, outcome: outcome_of };
            self.audience.observer.applied(told);
            if item.origin == own {
                let Applied { index, sub_index, at } = applied;
                settled.push((item.sequence, Committed { index, sub_index, at, outcome }));
            }
        }
        if !settled.is_empty() {
            self.audience.desk.settle(settled);
        }
    }
}

struct Done<'a> {
    item: &'a Item,
    applied: Applied,
    envelope: Envelope,
    outcome: Outcome,
}

/// An error with all that caused it.
fn causes(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        text = format!("{text}: {err}");
        cause = err.source();
    }
    text
}

fn read_applied(state: &impl StateStore) -> io::Result<AppliedState> {
    match state.applied()? {
        Some(bytes) => Ok(decode_applied(&bytes)?),
        None => Ok(AppliedState { at: Timestamp(0), ..AppliedState::default() }),
    }
}

fn publish(audience: &Audience, applied: &AppliedState) {
    audience.applied.send_replace(applied.last.map(|id| id.index));
}
