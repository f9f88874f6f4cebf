//! What it costs to seal: appends to the log, and commits and reads of the
//! state, with a master key and without.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::sync::mpsc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use governance::{Read as _, Store as _, Table};
use storage::log::Config;
use storage::{DataDir, Group, Log, MasterKey, Record, State};

const ROWS: u64 = 20_000;
const VALUE: [u8; 256] = [7; 256];
/// About what one decision writes.
const COMMIT_ROWS: u64 = 20;

fn open(path: &std::path::Path, how: &str) -> DataDir {
    let dir = DataDir::open(path).unwrap();
    if how == "sealed" {
        dir.unlock(&MasterKey::from_bytes("bench", [1; 32]), None).unwrap();
    }
    dir
}

fn log(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sealing/append-256x256B");
    group.throughput(Throughput::Elements(256)).measurement_time(Duration::from_secs(6));
    group.sample_size(10);
    for how in ["plain", "sealed"] {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(&open(dir.path(), how), Config::default()).unwrap();
        let mut next = 0;
        group.bench_function(BenchmarkId::from_parameter(how), |bencher| {
            bencher.iter_custom(|count| {
                let began = Instant::now();
                for _ in 0..count {
                    let bytes = Bytes::from_static(&VALUE);
                    let records = (next..next + 256)
                        .map(|index| Record { index, bytes: bytes.clone() })
                        .collect();
                    next += 256;
                    let (tell, told) = mpsc::channel();
                    log.append(records, Box::new(move |done| tell.send(done).unwrap())).unwrap();
                    told.recv().unwrap().unwrap();
                }
                began.elapsed()
            });
        });
    }
    group.finish();
}

fn state(criterion: &mut Criterion) {
    for how in ["plain", "sealed"] {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(&open(dir.path(), how), Group::main()).unwrap();
        let mut next = 0_u64;
        let mut commit = |state: &State| {
            let mut batch = state.begin().unwrap();
            for _ in 0..COMMIT_ROWS {
                batch.put(Table::Data, &(next % ROWS).to_be_bytes(), &VALUE);
                next += 1;
            }
            state.commit(batch, Bytes::from_static(b"applied")).unwrap();
        };
        (0..ROWS / COMMIT_ROWS).for_each(|_| commit(&state));
        state.flush().unwrap();
        let mut group = criterion.benchmark_group("sealing");
        group.bench_function(BenchmarkId::new("commit-20x256B", how), |bencher| {
            bencher.iter(|| commit(&state));
        });
        let view = state.view().unwrap();
        let mut number = 0_u64;
        group.bench_function(BenchmarkId::new("get-256B", how), |bencher| {
            bencher.iter(|| {
                number = (number + 7_919) % ROWS;
                view.get(Table::Data, &number.to_be_bytes()).unwrap().unwrap()
            });
        });
        group.finish();
    }
}

criterion_group!(benches, log, state);
criterion_main!(benches);
