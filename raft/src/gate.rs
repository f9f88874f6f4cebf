//! When the leader may stamp time.
//!
//! One stamp a day ahead would freeze applied time for a day. So a new leader
//! stamps nothing until it has compared its clock with a majority's in its own
//! term; it compares again as it goes on, and between two comparisons holds the
//! wall clock against the monotonic one. A leader whose clock is off hands over
//! to one whose clock is not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use openraft::async_runtime::WatchReceiver;
use proto::peer::v1::ProbeClockRequest;
use tokio::sync::watch;
use tokio::time::Instant;
use types::Timestamp;

use crate::clock::Clock;
use crate::kinds::{Membership, Metrics};
use crate::ports::StateStore;
use crate::replica::Core;
use crate::transport::peers::{Purpose, Target};

/// Until another attempt when too few answered.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Whether this node may stamp.
#[derive(Debug)]
pub(crate) struct Gate {
    clock: Arc<dyn Clock>,
    skew_max: Duration,
    open: watch::Sender<Option<Opened>>,
}

/// The comparison that opened the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    term: u64,
    wall: Timestamp,
    monotonic: Instant,
}

impl Gate {
    pub(crate) fn new(clock: Arc<dyn Clock>, skew_max: Duration) -> Self {
        Self { clock, skew_max, open: watch::Sender::new(None) }
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Option<Opened>> {
        self.open.subscribe()
    }

    pub(crate) fn is_open(&self, term: u64) -> bool {
        self.open.borrow().is_some_and(|opened| opened.term == term)
    }

    /// The time now, if this node may stamp in `term`.
    pub(crate) fn stamp(&self, term: u64) -> Option<Timestamp> {
        let opened = (*self.open.borrow()).filter(|opened| opened.term == term)?;
        let now = self.clock.now();
        let passed = i128::try_from(opened.monotonic.elapsed().as_micros()).unwrap_or(i128::MAX);
        let ticked = i128::from(now.0) - i128::from(opened.wall.0);
        if ticked.abs_diff(passed) > self.skew_max.as_micros() {
            tracing::warn!(term, "the wall clock has jumped; no stamp before it is compared again");
            self.close();
            return None;
        }
        Some(now)
    }

    /// Lets this node stamp by the clock that was compared: what it showed when
    /// the comparison began, since it may have jumped in the meantime.
    fn open(&self, term: u64, (wall, monotonic): (Timestamp, Instant)) {
        self.open.send_replace(Some(Opened { term, wall, monotonic }));
    }

    fn close(&self) {
        self.open.send_if_modified(|open| open.take().is_some());
    }
}

/// What a comparison says of the own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Near enough to the majority's.
    Good,
    /// So many microseconds behind the majority's, or ahead of it if negative.
    Off(i64),
    /// Too few have answered.
    TooFew,
}

/// Judges the own clock by the others': how far each is ahead of it, in
/// microseconds. Of an even number the median that is farther off counts: of
/// two clocks that differ nobody can tell which is right.
fn judge(ahead: &BTreeMap<u64, i64>, voters: &[BTreeSet<u64>], skew_max: Duration) -> Verdict {
    let has_quorum = |config: &BTreeSet<u64>| {
        config.iter().filter(|id| ahead.contains_key(id)).count() * 2 > config.len()
    };
    if voters.is_empty() || !voters.iter().all(has_quorum) {
        return Verdict::TooFew;
    }
    let mut sorted: Vec<i64> = ahead.values().copied().collect();
    sorted.sort_unstable();
    let upper = sorted.get(sorted.len() / 2).copied().unwrap_or(0);
    let lower = sorted.get((sorted.len() - 1) / 2).copied().unwrap_or(0);
    let median = if lower.unsigned_abs() > upper.unsigned_abs() { lower } else { upper };
    let skew_max = u64::try_from(skew_max.as_micros()).unwrap_or(u64::MAX);
    if median.unsigned_abs() > skew_max { Verdict::Off(median) } else { Verdict::Good }
}

/// Compares clocks for as long as the replica runs.
pub(crate) async fn run<S: StateStore>(core: Arc<Core<S>>) {
    let mut server = core.raft.server_metrics();
    let mut gate = core.gate.subscribe();
    loop {
        gate.borrow_and_update();
        let pause = match core.leading_term() {
            Some(term) => tokio::select! {
                () = core.stop.cancelled() => return,
                pause = core.compare(term) => pause,
            },
            None => {
                core.gate.close();
                Duration::MAX
            }
        };
        gate.borrow_and_update();
        tokio::select! {
            () = core.stop.cancelled() => return,
            changed = server.changed() => if changed.is_err() { return },
            // A stamp that was refused closes the gate: compare at once.
            changed = gate.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(pause) => {}
        }
    }
}

impl<S: StateStore> Core<S> {
    pub(crate) fn leading_term(&self) -> Option<u64> {
        let server = self.raft.server_metrics().borrow_watched().clone();
        (server.state.is_leader() && server.vote.committed).then_some(server.vote.leader_id.term)
    }

    /// One comparison; how long to pause after it.
    async fn compare(&self, term: u64) -> Duration {
        let began = (self.clock.now(), Instant::now());
        let metrics = self.metrics();
        let membership = metrics.membership_config.membership();
        let voters = membership.get_joint_config();
        let mut ahead = BTreeMap::from([(self.config.raft_id.0, 0)]);
        let mut asked = self.ask_voters(membership, term);
        loop {
            let verdict = judge(&ahead, voters, self.config.clock_skew_max);
            if verdict == Verdict::Good {
                self.gate.open(term, began);
                return self.config.clock_probe_interval;
            }
            let Some(answer) = asked.next().await else {
                return self.conclude(verdict, &metrics, &ahead).await;
            };
            ahead.extend(answer);
        }
    }

    fn ask_voters(
        &self,
        membership: &Membership,
        term: u64,
    ) -> FuturesUnordered<impl Future<Output = Option<(u64, i64)>>> {
        let me = self.config.raft_id.0;
        let others: BTreeSet<u64> = membership.voter_ids().filter(|id| *id != me).collect();
        others
            .into_iter()
            .filter_map(|id| Some(Target::of(id, membership.get_node(&id)?)))
            .map(|target| async move { Some((target.id.0, self.probe(&target, term).await?)) })
            .collect()
    }

    /// How far the clock of `target` is ahead of ours, in doubt in our favour.
    async fn probe(&self, target: &Target, term: u64) -> Option<i64> {
        let mut client = self.peers.client(target, Purpose::Control).ok()?;
        let (asked, began) = (self.clock.now(), Instant::now());
        let call = client.probe_clock(ProbeClockRequest { term });
        let reply =
            tokio::time::timeout(self.config.election_timeout_min, call).await.ok()?.ok()?;
        let reply = reply.into_inner();
        if reply.term > term {
            return None;
        }
        let half = i64::try_from(began.elapsed().as_micros() / 2).ok()?;
        let midpoint = i64::try_from(asked.0).ok()?.checked_add(half)?;
        let ahead = i64::try_from(reply.now_micros).ok()?.checked_sub(midpoint)?;
        Some(ahead.signum() * ahead.saturating_abs().saturating_sub(half).max(0))
    }

    async fn conclude(
        &self,
        verdict: Verdict,
        metrics: &Metrics,
        ahead: &BTreeMap<u64, i64>,
    ) -> Duration {
        match verdict {
            Verdict::Good => self.config.clock_probe_interval,
            // What was good a moment ago does not become bad by silence: raft
            // itself sees to it that a leader without a quorum appends nothing.
            Verdict::TooFew => RETRY_AFTER,
            Verdict::Off(median) => {
                self.gate.close();
                tracing::error!(
                    behind_micros = median,
                    "this clock is too far from the majority's: handing leadership over"
                );
                self.hand_over_to_good_clock(metrics, ahead, median).await;
                self.config.election_timeout_max
            }
        }
    }

    async fn hand_over_to_good_clock(
        &self,
        metrics: &Metrics,
        ahead: &BTreeMap<u64, i64>,
        median: i64,
    ) {
        let me = self.config.raft_id.0;
        let skew_max = u64::try_from(self.config.clock_skew_max.as_micros()).unwrap_or(u64::MAX);
        let matched = |id: &u64| metrics.replication.as_ref()?.get(id).copied().flatten();
        let successor = ahead
            .iter()
            .filter(|(id, of)| **id != me && of.abs_diff(median) <= skew_max)
            .map(|(id, _)| *id)
            .max_by_key(|id| matched(id));
        if let Some(successor) = successor
            && let Err(err) = self.raft.trigger().transfer_leader(successor).await
        {
            tracing::warn!(error = %err, "cannot hand leadership over");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(others: &[(u64, i64)], expect: Verdict) {
        let mut ahead: BTreeMap<u64, i64> = others.iter().copied().collect();
        ahead.insert(1, 0);
        let voters = [BTreeSet::from([1, 2, 3])];
        assert_eq!(judge(&ahead, &voters, Duration::from_micros(500)), expect, "{others:?}");
    }

    #[test]
    fn a_clock_is_judged_by_the_median_of_a_majority() {
        check(&[], Verdict::TooFew);
        check(&[(2, 100)], Verdict::Good);
        check(&[(2, 900)], Verdict::Off(900));
        check(&[(2, -900)], Verdict::Off(-900));
        check(&[(2, 900), (3, 0)], Verdict::Good);
        check(&[(2, 900), (3, 901)], Verdict::Off(900));
        check(&[(2, -900), (3, 900)], Verdict::Good);
    }

    #[test]
    fn a_joint_configuration_needs_both_majorities() {
        let ahead = BTreeMap::from([(1, 0), (2, 0)]);
        let voters = [BTreeSet::from([1, 2, 3]), BTreeSet::from([1, 4, 5])];
        assert_eq!(judge(&ahead, &voters, Duration::from_millis(1)), Verdict::TooFew);
    }

    #[test]
    fn a_cluster_of_one_needs_nobody() {
        let voters = [BTreeSet::from([1])];
        let verdict = judge(&BTreeMap::from([(1, 0)]), &voters, Duration::from_millis(1));
        assert_eq!(verdict, Verdict::Good);
    }
}
