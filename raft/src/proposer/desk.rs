//! Where commands wait: for their turn, and for what became of them.
//!
//! A command is *queued* until the dispatcher takes it and *sent* from then on.
//! It is answered by the first of: this node applying it; being queued for
//! longer than it may (`NoLeader`, and it will certainly never be proposed);
//! having been sent for longer than it may (`OutcomeUnknown`).
//!
//! Invariants
//! - One lock guards queue and waiters, so that a command that is answered
//!   `NoLeader` cannot be taken at the same moment.
//! - What the queue holds is bounded by count and bytes, abandoned commands
//!   included.

use std::collections::{HashMap, VecDeque};
use std::iter::Peekable;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::vec::IntoIter;

use bytes::Bytes;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::{Committed, ProposeError};
use crate::batch::{ITEM_OVERHEAD_BYTES, Item, Origin};

/// How much may wait, and how long.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Commands in the queue.
    pub queued_max: usize,
    /// Bytes of the commands in the queue.
    pub queued_bytes_max: usize,
    /// Commands in one Raft entry, or in one message to the leader.
    pub batch_items_max: usize,
    /// Bytes of one Raft entry that holds more than one command.
    pub batch_bytes_max: usize,
    /// Bytes of one command, which then travels alone.
    pub command_bytes_max: usize,
    /// Raft entries, or messages to the leader, under way at once.
    pub batches_in_flight_max: usize,
    /// How long a command waits for a leader that takes it.
    pub leader_wait: Duration,
    /// How long the outcome of a command that was sent is waited for.
    pub outcome_wait: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            queued_max: 16_384,
            queued_bytes_max: 64 << 20,
            batch_items_max: 1_000,
            batch_bytes_max: 1 << 20,
            command_bytes_max: 8 << 20,
            batches_in_flight_max: 3,
            leader_wait: Duration::from_secs(5),
            outcome_wait: Duration::from_secs(10),
        }
    }
}

/// What became of a command.
pub(crate) type Answer = Result<Committed, ProposeError>;
type Submitted = Result<(u64, oneshot::Receiver<Answer>), ProposeError>;

#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) origin: Origin,
    pub(crate) bounds: Bounds,
    inner: Mutex<Inner>,
    arrived: Notify,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    queue: VecDeque<Queued>,
    queued_bytes: usize,
    waiting: HashMap<u64, Waiter>,
    next_sequence: u64,
    stopped: Option<String>,
}

#[derive(Debug)]
struct Queued {
    sequence: u64,
    envelope: Bytes,
    /// It goes in one batch with the command before it.
    goes_along: bool,
}

#[derive(Debug)]
struct Waiter {
    answer: oneshot::Sender<Answer>,
    submitted: Instant,
    sent: Option<Instant>,
}

impl Desk {
    pub(crate) fn new(origin: Origin, bounds: Bounds) -> Self {
        Self {
            origin,
            bounds,
            inner: Mutex::default(),
            arrived: Notify::new(),
            emptied: Notify::new(),
        }
    }

    /// Queues a command and waits for what becomes of it.
    pub(crate) async fn propose(&self, envelope: Bytes) -> Answer {
        let (sequence, answer) = self.submit(envelope)?;
        self.answer(Ticket { desk: self, sequence }, answer).await
    }

    /// Queues commands that are recorded in their order: what fits one batch
    /// travels in one, and the next is queued when that one is answered, since
    /// batches that are under way together may overtake each other.
    pub(crate) async fn propose_all(&self, envelopes: Vec<Bytes>) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(envelopes.len());
        let mut left = envelopes.into_iter().peekable();
        while left.peek().is_some() {
            let submitted = self.submit_together(&mut left);
            let waiting = submitted.into_iter().map(|submitted| async move {
                let (sequence, answer) = submitted?;
                self.answer(Ticket { desk: self, sequence }, answer).await
            });
            answers.extend(futures::future::join_all(waiting).await);
        }
        answers
    }

    async fn answer(&self, ticket: Ticket<'_>, mut answer: oneshot::Receiver<Answer>) -> Answer {
        loop {
            let Some(deadline) = self.deadline(ticket.sequence) else {
                return answer.await.unwrap_or(Err(ProposeError::OutcomeUnknown));
            };
            match tokio::time::timeout_at(deadline, &mut answer).await {
                Ok(answer) => return answer.unwrap_or(Err(ProposeError::OutcomeUnknown)),
                Err(_) => {
                    if let Some(err) = self.expire(ticket.sequence) {
                        return Err(err);
                    }
                }
            }
        }
    }

    /// Waits until a command has been queued since the last call.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().queue.is_empty()
    }

    /// Takes what fits one batch beside `used` bytes and `items` commands that
    /// are in it already; a first command fits whatever its size.
    pub(crate) fn take(&self, used: usize, items: usize) -> Vec<Item> {
        let mut inner = self.lock();
        let (mut bytes, mut taken) = (used, Vec::new());
        let now = Instant::now();
        while let Some(front) = inner.queue.front() {
            let size = front.envelope.len() + ITEM_OVERHEAD_BYTES;
            let is_first = items + taken.len() == 0;
            let (more_items, more_bytes) =
                if front.goes_along && !taken.is_empty() { (1, size) } else { inner.front_group() };
            let fits = bytes + more_bytes <= self.bounds.batch_bytes_max
                && items + taken.len() + more_items <= self.bounds.batch_items_max;
            if !is_first && !fits {
                break;
            }
            let Some(Queued { sequence, envelope, .. }) = inner.pop() else { break };
            if let Some(waiter) = inner.waiting.get_mut(&sequence) {
                waiter.sent = Some(now);
                bytes += size;
                taken.push(Item { origin: self.origin, sequence, envelope });
            }
        }
        taken
    }

    /// Puts back what was taken and certainly never appended, ahead of all else.
    pub(crate) fn put_back(&self, items: Vec<Item>) {
        let mut inner = self.lock();
        let now = Instant::now();
        // What travelled together goes on together, so that nothing overtakes.
        for Item { sequence, envelope, .. } in items.into_iter().rev() {
            let Some(waiter) = inner.waiting.get_mut(&sequence) else { continue };
            if now >= waiter.submitted + self.bounds.leader_wait {
                inner.answer(sequence, Err(ProposeError::NoLeader));
                continue;
            }
            waiter.sent = None;
            inner.queued_bytes += envelope.len();
            inner.queue.push_front(Queued { sequence, envelope, goes_along: true });
        }
        if let Some(front) = inner.queue.front_mut() {
            front.goes_along = false;
        }
        self.tell_if_empty(&inner);
        drop(inner);
        self.arrived.notify_one();
    }

    /// Answers commands that this node has applied.
    pub(crate) fn settle(&self, applied: Vec<(u64, Committed)>) {
        let mut inner = self.lock();
        for (sequence, committed) in applied {
            inner.answer(sequence, Ok(committed));
        }
        self.tell_if_empty(&inner);
    }

    /// Answers commands that were refused for good.
    pub(crate) fn refuse(&self, items: &[Item]) {
        let mut inner = self.lock();
        for item in items {
            inner.answer(item.sequence, Err(ProposeError::NoLeader));
        }
        self.tell_if_empty(&inner);
    }

    /// Takes nothing more, and waits until everything is answered that was taken.
    pub(crate) async fn drain(&self, reason: &str) {
        self.lock().stopped.get_or_insert_with(|| reason.to_owned());
        loop {
            let emptied = self.emptied.notified();
            if self.lock().waiting.is_empty() {
                return;
            }
            emptied.await;
        }
    }

    /// Takes nothing more, and answers everything: what is queued was never
    /// proposed, of what was sent nothing is known.
    pub(crate) fn stop(&self, reason: &str) {
        let mut inner = self.lock();
        inner.stopped.get_or_insert_with(|| reason.to_owned());
        inner.queue.clear();
        inner.queued_bytes = 0;
        for (_, waiter) in inner.waiting.drain() {
            let answer = match waiter.sent {
                Some(_) => ProposeError::OutcomeUnknown,
                None => ProposeError::Stopped(reason.to_owned()),
            };
            // The asker may have gone.
            let _ = waiter.answer.send(Err(answer));
        }
        self.tell_if_empty(&inner);
    }

    fn submit(&self, envelope: Bytes) -> Submitted {
        let submitted = self.enqueue(&mut self.lock(), envelope, false);
        self.arrived.notify_one();
        submitted
    }

    /// Queues as many as fit one batch, at least one, under one lock.
    fn submit_together(&self, left: &mut Peekable<IntoIter<Bytes>>) -> Vec<Submitted> {
        let mut inner = self.lock();
        let (mut bytes, mut submitted) = (0, Vec::new());
        while let Some(envelope) = left.next_if(|next| {
            let bytes = bytes + next.len() + ITEM_OVERHEAD_BYTES;
            submitted.is_empty()
                || bytes <= self.bounds.batch_bytes_max
                    && submitted.len() < self.bounds.batch_items_max
        }) {
            bytes += envelope.len() + ITEM_OVERHEAD_BYTES;
            let goes_along = !submitted.is_empty();
            submitted.push(self.enqueue(&mut inner, envelope, goes_along));
        }
        drop(inner);
        self.arrived.notify_one();
        submitted
    }

    fn enqueue(&self, inner: &mut Inner, envelope: Bytes, goes_along: bool) -> Submitted {
        if envelope.len() > self.bounds.command_bytes_max {
            return Err(ProposeError::TooLarge);
        }
        if let Some(reason) = &inner.stopped {
            return Err(ProposeError::Stopped(reason.clone()));
        }
        let bytes = inner.queued_bytes + envelope.len();
        if inner.queue.len() >= self.bounds.queued_max || bytes > self.bounds.queued_bytes_max {
            return Err(ProposeError::Overloaded);
        }
        let sequence = inner.next_sequence;
        inner.next_sequence += 1;
        inner.queued_bytes = bytes;
        inner.queue.push_back(Queued { sequence, envelope, goes_along });
        let (answer, answered) = oneshot::channel();
        let waiter = Waiter { answer, submitted: Instant::now(), sent: None };
        inner.waiting.insert(sequence, waiter);
        Ok((sequence, answered))
    }

    /// Until when the command waits in the state it is in; `None` once it has
    /// been answered.
    fn deadline(&self, sequence: u64) -> Option<Instant> {
        let inner = self.lock();
        let waiter = inner.waiting.get(&sequence)?;
        let deadline = self.deadline_of(waiter);
        // What was sent may come back, and is then refused at this moment.
        let refused_at = waiter.submitted + self.bounds.leader_wait;
        let wake_at = if Instant::now() < refused_at { deadline.min(refused_at) } else { deadline };
        Some(wake_at)
    }

    fn deadline_of(&self, waiter: &Waiter) -> Instant {
        match waiter.sent {
            Some(sent) => sent + self.bounds.outcome_wait,
            None => waiter.submitted + self.bounds.leader_wait,
        }
    }

    /// Gives a command up if its time has come; nothing when its state has
    /// changed since the caller looked.
    fn expire(&self, sequence: u64) -> Option<ProposeError> {
        let mut inner = self.lock();
        let waiter = inner.waiting.get(&sequence)?;
        if Instant::now() < self.deadline_of(waiter) {
            return None;
        }
        let error = match waiter.sent {
            Some(_) => ProposeError::OutcomeUnknown,
            None => ProposeError::NoLeader,
        };
        inner.waiting.remove(&sequence);
        inner.drop_abandoned();
        self.tell_if_empty(&inner);
        Some(error)
    }

    fn tell_if_empty(&self, inner: &Inner) {
        if inner.stopped.is_some() && inner.waiting.is_empty() {
            self.emptied.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Number and bytes of the commands in front that go together.
    fn front_group(&self) -> (usize, usize) {
        let along = self.queue.iter().skip(1).take_while(|queued| queued.goes_along);
        let sizes = self.queue.iter().take(1).chain(along);
        sizes.fold((0, 0), |(items, bytes), queued| {
            (items + 1, bytes + queued.envelope.len() + ITEM_OVERHEAD_BYTES)
        })
    }

    fn pop(&mut self) -> Option<Queued> {
        let queued = self.queue.pop_front()?;
        self.queued_bytes -= queued.envelope.len();
        Some(queued)
    }

    fn answer(&mut self, sequence: u64, answer: Answer) {
        if let Some(waiter) = self.waiting.remove(&sequence) {
            // The asker may have gone.
            let _ = waiter.answer.send(answer);
        }
    }

    /// Frees what nobody waits for, as far as it stands in front.
    fn drop_abandoned(&mut self) {
        while self.queue.front().is_some_and(|front| !self.waiting.contains_key(&front.sequence)) {
            self.pop();
        }
    }
}

/// Takes the command off the desk when its asker goes away: if it was not sent
/// yet, it never will be.
struct Ticket<'a> {
    desk: &'a Desk,
    sequence: u64,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut inner = self.desk.lock();
        if inner.waiting.remove(&self.sequence).is_some() {
            inner.drop_abandoned();
            self.desk.tell_if_empty(&inner);
        }
    }
}

#[cfg(test)]
mod tests;
