//! A closed loop: each client sends its next request when it has the answer to
//! the last, over a connection it keeps. So latency is not that of an open
//! system under the same rate, and is comparable only at equal concurrency.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jepsen_tests::http::Client;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Sent before anything counts: connections open, caches warm.
const WARM_UP: Duration = Duration::from_secs(1);

/// What is asked of whom.
pub(crate) struct Load {
    /// Clients are spread over these.
    pub(crate) nodes: Vec<SocketAddr>,
    /// Where requests are posted.
    pub(crate) path: &'static str,
    /// The body of the n-th request.
    pub(crate) body: fn(u64) -> String,
    /// How many at once.
    pub(crate) clients: usize,
    /// How long, after the warm-up.
    pub(crate) duration: Duration,
}

/// What came of it.
pub(crate) struct Measured {
    pub(crate) clients: usize,
    pub(crate) per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) failed: u64,
}

#[derive(Default)]
struct Tally {
    latencies: Vec<Duration>,
    failed: u64,
}

/// Runs a load to its end.
pub(crate) async fn run(load: Load) -> Measured {
    let load = Arc::new(load);
    let counter = Arc::new(AtomicU64::new(0));
    let begin = Instant::now() + WARM_UP;
    let mut clients: JoinSet<Tally> = (0..load.clients)
        .map(|number| work(Arc::clone(&load), number, Arc::clone(&counter), begin))
        .collect();
    let mut all = Tally::default();
    while let Some(one) = clients.join_next().await {
        let one = one.unwrap_or_else(|_| Tally { failed: 1, ..Tally::default() });
        all.latencies.extend(one.latencies);
        all.failed += one.failed;
    }
    all.latencies.sort_unstable();
    Measured {
        clients: load.clients,
        per_second: as_f64(all.latencies.len()) / load.duration.as_secs_f64(),
        p50: percentile(&all.latencies, 50),
        p99: percentile(&all.latencies, 99),
        failed: all.failed,
    }
}

async fn work(load: Arc<Load>, number: usize, counter: Arc<AtomicU64>, begin: Instant) -> Tally {
    let address = load.nodes[number % load.nodes.len()];
    let mut client = Client::new(address, Duration::from_secs(15));
    let mut tally = Tally::default();
    let end = begin + load.duration;
    loop {
        let body = (load.body)(counter.fetch_add(1, Ordering::Relaxed));
        let sent = Instant::now();
        if end <= sent {
            return tally;
        }
        let reply = client.post_bytes(load.path, body.into()).await;
        let done = Instant::now();
        if sent < begin || end < done {
            continue;
        }
        match reply {
            Ok(reply) if reply.status == 200 => tally.latencies.push(done - sent),
            Ok(_) | Err(_) => tally.failed += 1,
        }
    }
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}

fn as_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
