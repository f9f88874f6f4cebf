//! Every duty and control judged over a ledger of many decisions, in memory. The
//! cost is to be that of the register, and not to grow with the ledger: so two
//! sizes, one ten times the other.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

mod common;

use std::hint::black_box;

use common::{decide, envelope, found, load};
use criterion::{Criterion, criterion_group, criterion_main};
use governance::command::Command;
use governance::compliance::assess;
use governance::view::{AsOf, as_of};
use governance::{Applied, Cache, MemStore, Outcome, apply, finish_batch};
use types::{LogIndex, Timestamp};

const SIZES: [u64; 2] = [12_000, 120_000];

/// A decision every five minutes: the larger ledger is older than what is looked
/// at, so that where that begins has to be found.
const APART: u64 = 300_000_000;

fn ledger(decisions: u64) -> MemStore {
    let (mut store, mut cache) = (MemStore::default(), Cache::default());
    let mut index = 0;
    let mut run = |command: Command| {
        index += 1;
        let at = 1_800_000_000_000_000 + index * APART;
        let applied = Applied { index: LogIndex(index), sub_index: 0, at: Timestamp(at) };
        let outcome = apply(&mut store, &mut cache, applied, &envelope(at, command)).unwrap();
        assert!(!matches!(outcome, Outcome::Rejected(_)), "{outcome:?}");
    };
    run(found());
    run(load());
    for n in 0..decisions {
        run(decide(n, (n % 100 == 0).then_some(40)));
    }
    finish_batch(&mut store, &mut cache).unwrap();
    store
}

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("assess");
    group.sample_size(20);
    for decisions in SIZES {
        let store = ledger(decisions);
        let last = as_of(&store, AsOf::Head).unwrap().unwrap();
        group.bench_function(format!("{decisions} decisions"), |bencher| {
            bencher.iter(|| assess(black_box(&store), last).unwrap());
        });
    }
    group.finish();
}

criterion_group!(assessing, benches);
criterion_main!(assessing);
