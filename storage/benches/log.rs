//! How fast the log takes records that are durable before they count.
//!
//! 256 producers of 256 bytes each, one record in flight per producer, as
//! clients of a leader would be. Prints records per sync beside the time.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::sync::mpsc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use storage::log::Config;
use storage::{DataDir, Log, Record};

fn appends(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("log");
    group.throughput(Throughput::Elements(1)).measurement_time(Duration::from_secs(8));
    group.sample_size(10);
    for producers in [1, 16, 256] {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(&DataDir::open(dir.path()).unwrap(), Config::default()).unwrap();
        let mut next = 0;
        let syncs = log.syncs();
        group.bench_function(format!("append/{producers}x256B"), |bencher| {
            bencher.iter_custom(|count| run(&log, &mut next, producers, count));
        });
        let per_sync = next / (log.syncs() - syncs).max(1);
        eprintln!("{producers} producers: {per_sync} records per sync");
    }
    group.finish();
}

/// Keeps `producers` records in flight until `count` are durable. One thread
/// plays them all: raft's core is one task, too.
fn run(log: &Log, next: &mut u64, producers: u64, count: u64) -> Duration {
    let bytes = Bytes::from(vec![7; 256]);
    let (tell, told) = mpsc::channel();
    let begun = Instant::now();
    let (mut sent, mut durable) = (0, 0);
    while durable < count {
        while sent < count && sent - durable < producers {
            let tell = tell.clone();
            let record = Record { index: *next, bytes: bytes.clone() };
            log.append(vec![record], Box::new(move |done| tell.send(done).unwrap())).unwrap();
            *next += 1;
            sent += 1;
        }
        told.recv().unwrap().unwrap();
        durable += 1;
        while let Ok(done) = told.try_recv() {
            done.unwrap();
            durable += 1;
        }
    }
    begun.elapsed()
}

criterion_group!(benches, appends);
criterion_main!(benches);
