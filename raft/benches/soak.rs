//! Three replicas in one process under sustained load, with snapshots and
//! purges as often as openraft's issue 2116 has them: looks for a panic of its
//! core, and says what the load was like.
//!
//! Settings by environment: `SOAK_SECONDS` (60), `SOAK_RATE` (16,000 commands a
//! second), `SOAK_BYTES` (1,024), `SOAK_SNAPSHOT_EVERY` (50,000 commands),
//! `SOAK_BATCH_ITEMS` (1,000) and `SOAK_IN_FLIGHT` (3): with 1 and 256 every
//! command is a Raft entry of its own, as the issue has it. Ends with 1 when
//! anything panicked or a replica failed.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic, and counts it")]

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use governance::Seed;
use governance::command::{Command, ENVELOPE_VERSION, Envelope, MAIN_GROUP, Principal};
use raft::testing::{MemLog, MemState};
use raft::{
    AppliedItem, Config, Handle, Member, Observer, ProposeError, Replica, Role, Start, SystemClock,
};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use types::{ClusterId, RaftId, Ulid};

static PANICS: AtomicU64 = AtomicU64::new(0);
const STEP: Duration = Duration::from_millis(10);

struct Settings {
    seconds: u64,
    rate: u64,
    bytes: usize,
    snapshot_every: u64,
    batch_items: usize,
    in_flight: usize,
}

impl Settings {
    fn read() -> Self {
        let number = |name: &str, default: u64| {
            std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
        };
        // Without `--bench` this is only a check that it runs.
        let seconds = if std::env::args().any(|arg| arg == "--bench") { 60 } else { 1 };
        Self {
            seconds: number("SOAK_SECONDS", seconds),
            rate: number("SOAK_RATE", 16_000),
            bytes: size(number("SOAK_BYTES", 1_024)),
            snapshot_every: number("SOAK_SNAPSHOT_EVERY", 50_000),
            batch_items: size(number("SOAK_BATCH_ITEMS", 1_000)),
            in_flight: size(number("SOAK_IN_FLIGHT", 3)),
        }
    }
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap()
}

/// Counts what is applied, and says when a snapshot is due.
#[derive(Clone)]
struct Counter {
    applied: Arc<AtomicU64>,
    elections: Arc<AtomicU64>,
    due: Arc<Notify>,
    every: u64,
}

impl Observer for Counter {
    fn applied(&self, _item: AppliedItem<'_>) {
        let applied = self.applied.fetch_add(1, Ordering::Relaxed) + 1;
        if applied.is_multiple_of(self.every) {
            self.due.notify_one();
        }
    }

    fn role_changed(&self, role: Role, _term: u64) {
        if role == Role::Leader {
            self.elections.fetch_add(1, Ordering::Relaxed);
        }
    }
}

struct Node {
    replica: Replica<MemState>,
    counter: Counter,
    _dir: TempDir,
}

#[derive(Default)]
struct Tally {
    committed: AtomicU64,
    overloaded: AtomicU64,
    no_leader: AtomicU64,
    unknown: AtomicU64,
    stopped: AtomicU64,
    latencies: std::sync::Mutex<Vec<u64>>,
}

fn main() {
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        quiet(info);
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let failed = runtime.block_on(soak(Settings::read()));
    std::process::exit(i32::from(failed || PANICS.load(Ordering::Relaxed) > 0));
}

async fn soak(settings: Settings) -> bool {
    let mut nodes = Vec::new();
    for id in 1..=3 {
        nodes.push(start(id, &settings).await);
    }
    join(&nodes).await;
    let snapshots = Arc::new(AtomicU64::new(0));
    for node in &nodes {
        tokio::spawn(shorten(node.replica.handle(), node.counter.clone(), snapshots.clone()));
    }
    let tally = Arc::new(Tally::default());
    let began = Instant::now();
    load(&settings, &nodes, &tally).await;
    let took = began.elapsed();
    let failed: Vec<String> =
        nodes.iter().filter_map(|node| node.replica.handle().status().failed).collect();
    report(&nodes, &tally, took, snapshots.load(Ordering::Relaxed), &failed);
    !failed.is_empty()
}

async fn start(id: u64, settings: &Settings) -> Node {
    let mut config = Config::new(ClusterId(Ulid(1)), MAIN_GROUP, RaftId(id));
    config.bounds.batch_items_max = settings.batch_items;
    config.bounds.batches_in_flight_max = settings.in_flight;
    let dir = tempfile::tempdir().unwrap();
    let counter = Counter {
        applied: Arc::default(),
        elections: Arc::default(),
        due: Arc::default(),
        every: settings.snapshot_every,
    };
    let replica = Replica::start(Start {
        config,
        listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        log: MemLog::default(),
        state: MemState::new(dir.path().join("snapshots")),
        clock: Arc::new(SystemClock),
        observer: counter.clone(),
    });
    Node { replica: replica.await.unwrap(), counter, _dir: dir }
}

async fn join(nodes: &[Node]) {
    let member = |node: &Node| Member {
        peer_address: node.replica.peer_address().to_string(),
        ..Member::default()
    };
    let first = nodes[0].replica.handle();
    first.initialize(member(&nodes[0])).await.unwrap();
    for (id, node) in (1..).zip(nodes).skip(1) {
        first.add_learner(RaftId(id), member(node)).await.unwrap();
        while first.promote(RaftId(id)).await.is_err() {
            tokio::time::sleep(STEP).await;
        }
    }
}

/// Takes a snapshot whenever one is due, and purges all it holds.
async fn shorten(handle: Handle<MemState>, counter: Counter, taken: Arc<AtomicU64>) {
    loop {
        counter.due.notified().await;
        if let Ok(snapshot) = handle.snapshot().await {
            taken.fetch_add(1, Ordering::Relaxed);
            handle.purge(snapshot.index).await.unwrap();
        }
    }
}

async fn load(settings: &Settings, nodes: &[Node], tally: &Arc<Tally>) {
    let per_step = settings.rate / 100;
    let filler = "x".repeat(settings.bytes);
    let mut steps = tokio::time::interval(STEP);
    let mut asking = tokio::task::JoinSet::new();
    let end = Instant::now() + Duration::from_secs(settings.seconds);
    while Instant::now() < end {
        steps.tick().await;
        for (_, node) in (0..per_step).zip(nodes.iter().cycle()) {
            asking.spawn(ask(node.replica.handle(), command(&filler), tally.clone()));
        }
        while asking.try_join_next().is_some() {}
    }
    while asking.join_next().await.is_some() {}
}

async fn ask(handle: Handle<MemState>, command: Envelope, tally: Arc<Tally>) {
    let asked = Instant::now();
    let counted = match handle.propose(command).await {
        Ok(_) => {
            let micros = u64::try_from(asked.elapsed().as_micros()).unwrap();
            tally.latencies.lock().unwrap().push(micros);
            &tally.committed
        }
        Err(ProposeError::Overloaded) => &tally.overloaded,
        Err(ProposeError::NoLeader) => &tally.no_leader,
        Err(ProposeError::OutcomeUnknown) => &tally.unknown,
        Err(ProposeError::TooLarge | ProposeError::Stopped(_)) => &tally.stopped,
    };
    counted.fetch_add(1, Ordering::Relaxed);
}

/// Weighs on the log and leaves nothing in the state.
fn command(filler: &str) -> Envelope {
    Envelope {
        version: ENVELOPE_VERSION,
        group: MAIN_GROUP.to_owned(),
        command: Command::Tick,
        principal: Principal::nobody(),
        idempotency: None,
        seed: Seed([0; 32]),
        asked_node: filler.to_owned(),
    }
}

fn report(nodes: &[Node], tally: &Tally, took: Duration, snapshots: u64, failed: &[String]) {
    let mut latencies = tally.latencies.lock().unwrap();
    latencies.sort_unstable();
    let at = |percent: usize| {
        latencies.get(latencies.len().saturating_sub(1) * percent / 100).copied().unwrap_or(0)
    };
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let committed = count(&tally.committed);
    let entries = nodes[0].replica.handle().status().applied_index.map_or(1, |index| index.0 + 1);
    let elections: u64 = nodes.iter().map(|node| count(&node.counter.elections)).sum();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "seconds {:.1}, committed {committed} ({} per second), commands per entry {:.1}\n\
         latency in microseconds: p50 {}, p99 {}\n\
         overloaded {}, no leader {}, unknown {}, stopped {}\n\
         snapshots {snapshots}, elections {elections}, panics {}, failed {failed:?}",
        took.as_secs_f64(),
        committed / took.as_secs().max(1),
        committed as f64 / entries as f64,
        at(50),
        at(99),
        count(&tally.overloaded),
        count(&tally.no_leader),
        count(&tally.unknown),
        count(&tally.stopped),
        PANICS.load(Ordering::Relaxed),
    )
    .unwrap();
}
