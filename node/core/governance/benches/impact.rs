//! What a policy would change: recorded decisions judged again, from stored
//! bytes, and the parts of that apart. Throughput is decisions per second.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

mod common;

use std::hint::black_box;

use common::{decide, document, envelope, found, load};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use governance::{
    Applied, Cache, Direction, ImpactQuery, MemStore, Read, Scan, Table, apply, finish_batch,
    impact,
};
use policy::{Compiled, Document};
use types::{Digest, LogIndex, Timestamp};

const DECISIONS: u64 = 200_000;
fn ledger() -> MemStore {
    let (mut store, mut cache) = (MemStore::default(), Cache::default());
    let commands = [found(), load()].into_iter().chain((0..DECISIONS).map(|n| decide(n, None)));
    for (index, command) in (1..).zip(commands) {
        let at = 1_800_000_000_000_000 + index * 1000;
        let applied = Applied { index: LogIndex(index), sub_index: 0, at: Timestamp(at) };
        apply(&mut store, &mut cache, applied, &envelope(at, command)).unwrap();
    }
    finish_batch(&mut store, &mut cache).unwrap();
    store
}

fn compiled(purpose: &str) -> Compiled {
    Compiled::new(&Document::parse(&document(purpose)).unwrap().0).unwrap()
}

/// Bytes of the three tables that an impact reads.
fn visited(store: &MemStore) -> usize {
    let mut bytes = 0;
    for table in [Table::Header, Table::Data, Table::Personal] {
        let scan = Scan {
            table,
            from: &[],
            to: None,
            direction: Direction::Ascending,
            rows_max: usize::MAX,
        };
        store.visit(scan, &mut |_, value| bytes += value.len()).unwrap();
    }
    bytes
}

fn benches(criterion: &mut Criterion) {
    let store = ledger();
    let query = ImpactQuery { examples_max: 20, ..ImpactQuery::default() };
    let of = |candidate: &Compiled| impact(&store, candidate, &query, &|| true).unwrap();
    let (same, narrower) = (compiled("triage"), compiled("audit"));
    assert_eq!(of(&same).unchanged, DECISIONS);
    assert_eq!(of(&narrower).allowed_to_denied.count, DECISIONS / 10 * 9);
    assert_ne!(of(&narrower).candidate_hash, Digest::default());
    let mut group = criterion.benchmark_group("impact");
    group.sample_size(10).throughput(Throughput::Elements(DECISIONS));
    group.bench_function("same", |bencher| bencher.iter(|| of(black_box(&same))));
    group.bench_function("narrower", |bencher| bencher.iter(|| of(black_box(&narrower))));
    group.bench_function("visit", |bencher| bencher.iter(|| visited(black_box(&store))));
    group.finish();
}

criterion_group!(replaying, benches);
criterion_main!(replaying);
