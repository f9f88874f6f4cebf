//! Delivers notices from the outbox while this node leads: to the log, and to a
//! webhook if one is set.
//!
//! A notice is forgotten by the cluster only after it was delivered, so a new
//! leader delivers again what the old one did not get to say: at least once,
//! under the same id. One that fails is tried again with growing pauses, while
//! others go on, and given up a day after it arose.

mod webhook;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use governance::command::Command;
use governance::effect;
use governance::record::EffectRecord;
use prometheus::IntCounterVec;
use raft::{Clock as _, Role, SystemClock};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use types::EntryId;

use crate::run::Running;
pub use webhook::{Secret, Target, Webhook};

/// How often the outbox is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Longest that one look at the outbox goes on.
const LOOK_MAX: Duration = Duration::from_secs(10);

/// Notices looked at in one go; what waits longer is behind them.
const LOOKED_AT_MAX: usize = 1_000;

/// Notices that the cluster is told of in one command.
const DONE_MAX: usize = 100;

const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// A notice that could not be delivered for so long is given up.
const GIVE_UP_AFTER: Duration = Duration::from_secs(24 * 3600);

/// When a notice is tried again.
#[derive(Clone, Copy, Debug)]
struct Retry {
    at: Instant,
    pause: Duration,
}

/// What this node has tried since it leads.
#[derive(Debug, Default)]
struct Tried {
    retries: BTreeMap<EntryId, Retry>,
    /// Taken by the receiver, and not forgotten by the cluster yet.
    delivered: BTreeSet<EntryId>,
}

/// Delivers for as long as the node runs.
pub(crate) async fn run(running: Running, results: IntCounterVec, stop: CancellationToken) {
    let webhook = match running.config.webhook.as_ref().map(Webhook::connect).transpose() {
        Ok(webhook) => webhook,
        Err(error) => {
            // None is forgotten that was not delivered.
            tracing::error!(error, "notices wait for another leader");
            return;
        }
    };
    let delivery = Delivery { running, webhook, results };
    let mut tried = Tried::default();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = delivery.running.quarantine.entered() => return,
            () = tokio::time::sleep(LOOK) => (),
        }
        let status = delivery.running.handle.status();
        if status.role != Role::Leader || !status.stamps {
            tried = Tried::default();
            continue;
        }
        delivery.look(&mut tried).await;
    }
}

struct Delivery {
    running: Running,
    webhook: Option<Webhook>,
    results: IntCounterVec,
}

impl Delivery {
    /// Delivers what waits and is to be tried now, oldest first.
    async fn look(&self, tried: &mut Tried) {
        let state = self.running.handle.view().ok();
        let waiting = state.and_then(|state| effect::waiting(&state, None, LOOKED_AT_MAX).ok());
        let waiting = waiting.unwrap_or_default();
        let waits: BTreeSet<EntryId> = waiting.iter().map(|(entry, _)| *entry).collect();
        tried.retries.retain(|entry, _| waits.contains(entry));
        tried.delivered.retain(|entry| waits.contains(entry));
        let (mut done, began) = (Vec::new(), Instant::now());
        for (entry, notice) in &waiting {
            if tried.retries.get(entry).is_some_and(|retry| Instant::now() < retry.at) {
                continue;
            }
            if tried.delivered.contains(entry) || self.deliver(*entry, notice, tried).await {
                tried.delivered.insert(*entry);
                done.push(*entry);
            }
            if DONE_MAX <= done.len() {
                self.forget(std::mem::take(&mut done)).await;
            }
            // One that hangs must not keep newer ones waiting for long.
            if self.running.handle.status().role != Role::Leader || LOOK_MAX < began.elapsed() {
                break;
            }
        }
        self.forget(done).await;
    }

    /// Whether a notice need not be tried again.
    async fn deliver(&self, entry: EntryId, notice: &EffectRecord, tried: &mut Tried) -> bool {
        let Some(webhook) = &self.webhook else {
            self.log(entry, notice);
            return true;
        };
        let now = SystemClock.now();
        let body = webhook::body(&self.running.identity.cluster_id.to_string(), entry, notice);
        match webhook.send(&notice.id.to_string(), now, body).await {
            Ok(()) => {
                self.log(entry, notice);
                true
            }
            Err(why) => {
                self.results.with_label_values(&["failed"]).inc();
                self.again(entry, notice, tried, &why)
            }
        }
    }

    fn log(&self, entry: EntryId, notice: &EffectRecord) {
        self.results.with_label_values(&["delivered"]).inc();
        let (event, subject) = (&notice.event, &notice.subject);
        tracing::info!(id = %notice.id, event, subject, entry = entry.0, "notice");
    }

    /// Puts the next try off; whether there is none.
    fn again(&self, entry: EntryId, notice: &EffectRecord, tried: &mut Tried, why: &str) -> bool {
        let age = SystemClock.now().0.saturating_sub(notice.at.0);
        let (id, event) = (&notice.id, &notice.event);
        if GIVE_UP_AFTER < Duration::from_micros(age) {
            self.results.with_label_values(&["given_up"]).inc();
            tracing::error!(%id, event, subject = notice.subject, why, "a notice is given up");
            return true;
        }
        let before = tried.retries.get(&entry);
        let pause = before.map_or(PAUSE_MIN, |before| (before.pause * 2).min(PAUSE_MAX));
        tried.retries.insert(entry, Retry { at: Instant::now() + pause, pause });
        tracing::warn!(%id, event, why, pause_s = pause.as_secs(), "a notice is tried again");
        false
    }

    async fn forget(&self, done: Vec<EntryId>) {
        if done.is_empty() {
            return;
        }
        let Ok(envelope) = self.running.envelope(Command::EffectsDone(done)) else { return };
        if let Err(error) = self.running.handle.propose(envelope).await {
            tracing::info!(%error, "delivered notices are not forgotten and go out again");
        }
    }
}
