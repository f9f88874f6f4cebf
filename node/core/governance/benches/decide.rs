//! A decision, applied in memory: as the policy makes it, with its risk told, and
//! with the escalation that comes of it. What consensus and disks add is apart.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

mod common;

use std::hint::black_box;

use common::{decide, envelope, found, load};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use governance::command::Command;
use governance::{Applied, Cache, MemStore, Outcome, apply};
use types::{LogIndex, Timestamp};

/// Decisions there are before the first that is measured.
const BEFORE: u64 = 20_000;
/// A state that takes commands.
struct Machine {
    store: MemStore,
    cache: Cache,
    index: u64,
}

impl Machine {
    fn new() -> Self {
        let mut machine = Self { store: MemStore::default(), cache: Cache::default(), index: 0 };
        machine.apply(found());
        machine.apply(load());
        for n in 0..BEFORE {
            machine.apply(decide(n, None));
        }
        machine
    }

    fn apply(&mut self, command: Command) -> Outcome {
        self.index += 1;
        let at = 1_800_000_000_000_000 + self.index * 1000;
        let applied = Applied { index: LogIndex(self.index), sub_index: 0, at: Timestamp(at) };
        apply(&mut self.store, &mut self.cache, applied, &envelope(at, command)).unwrap()
    }
}

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decide");
    group.throughput(Throughput::Elements(1));
    for (name, risk) in [("bare", None), ("risk told", Some(40)), ("escalated", Some(95))] {
        let mut machine = Machine::new();
        let mut n = BEFORE;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                n += 1;
                let outcome = machine.apply(black_box(decide(n, risk)));
                assert!(matches!(outcome, Outcome::Decided(_)), "{outcome:?}");
            });
        });
    }
    group.finish();
}

criterion_group!(deciding, benches);
criterion_main!(deciding);
