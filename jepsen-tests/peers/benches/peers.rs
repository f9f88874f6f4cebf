//! What a decision costs beside Cedar and Rego, on the same policies, requests
//! and machine in the same run; and what loading the largest policy costs.
//!
//! Ratios are of medians of single calls that are taken in turns, so that what
//! else the machine does meets all alike.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use peers::model::{self, Ask};
use peers::{cedar, ours, rego};

const SIZES: [usize; 3] = [100, 1_000, 10_000];
/// The most that a policy may have.
const RELATIONS_MAX: usize = 50_000;
/// Rounds of single calls for a distribution.
const ROUNDS: usize = 2_000;
/// The slowest of them is asked this seldom.
const CEDAR_EVERY: usize = 20;

/// The engines with one policy.
struct Engines {
    ours: policy::Compiled,
    cedar: cedar::Cedar,
    rego: rego::Rego,
}

/// One request in every language.
struct Question {
    ask: Ask,
    ours: ours::Asked,
    cedar: cedar_policy::Request,
    rego: regorus::Value,
}

fn engines(relations: usize) -> Engines {
    let rules = model::rules(relations);
    assert_eq!(rules.len(), relations);
    Engines {
        ours: ours::load(&ours::source(&rules)),
        cedar: cedar::Cedar::new(&rules),
        rego: rego::Rego::new(&rules),
    }
}

fn questions(relations: usize) -> Vec<Question> {
    let question = |ask: Ask| Question {
        ours: ours::Asked::new(&ask),
        cedar: cedar::request(&ask),
        rego: rego::input(&ask),
        ask,
    };
    model::asks(relations).into_iter().map(question).collect()
}

/// A ratio counts only between equal answers.
fn check(engines: &mut Engines, question: &Question) {
    let expect = question.ask.is_allowed;
    let name = question.ask.name;
    let ours = question.ours.judge(&engines.ours).outcome == policy::Verdict::Allowed;
    assert_eq!(ours, expect, "ours: {name}");
    assert_eq!(engines.cedar.is_allowed(&question.cedar), expect, "cedar: {name}");
    assert_eq!(engines.rego.is_allowed(&question.rego), expect, "rego: {name}");
}

fn time<T>(run: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(run());
    start.elapsed()
}

/// The value below which this share of the times lies.
fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    times.get(last * percent / 100).copied().unwrap_or_default()
}

fn print_ratios(relations: usize, engines: &mut Engines, questions: &[Question]) {
    println!("{relations} relations: p50 of single calls, p99 of ours in brackets");
    for question in questions {
        let [mut judge, mut evaluate, mut cedar, mut rego] = [const { Vec::new() }; 4];
        for round in 0..ROUNDS {
            judge.push(time(|| question.ours.judge(&engines.ours)));
            evaluate.push(time(|| question.ours.evaluate(&engines.ours)));
            rego.push(time(|| engines.rego.is_allowed(&question.rego)));
            if round % CEDAR_EVERY == 0 {
                cedar.push(time(|| engines.cedar.is_allowed(&question.cedar)));
            }
        }
        let [judged, evaluated] = [&mut judge, &mut evaluate].map(|times| percentile(times, 50));
        let [cedar, rego] = [&mut cedar, &mut rego].map(|times| percentile(times, 50));
        let over = |peer: Duration| peer.as_secs_f64() / evaluated.as_secs_f64();
        println!(
            "  {:<17} judge {judged:?} ({:?}), evaluate {evaluated:?} ({:?}); cedar {cedar:?}, {:.0} x; rego {rego:?}, {:.0} x",
            question.ask.name,
            percentile(&mut judge, 99),
            percentile(&mut evaluate, 99),
            over(cedar),
            over(rego),
        );
    }
}

fn decide(c: &mut Criterion) {
    let mut sizes: Vec<(usize, Engines, Vec<Question>)> =
        SIZES.map(|relations| (relations, engines(relations), questions(relations))).into();
    for (relations, engines, questions) in &mut sizes {
        questions.iter().for_each(|question| check(engines, question));
        let Some(question) = questions.first() else {
            continue;
        };
        let mut group = c.benchmark_group(format!("{relations} relations"));
        group.bench_function("judge", |b| b.iter(|| question.ours.judge(&engines.ours)));
        group.bench_function("evaluate", |b| b.iter(|| question.ours.evaluate(&engines.ours)));
        group.bench_function("cedar", |b| b.iter(|| engines.cedar.is_allowed(&question.cedar)));
        group.bench_function("rego", |b| b.iter(|| engines.rego.is_allowed(&question.rego)));
        group.finish();
    }
    for (relations, engines, questions) in &mut sizes {
        print_ratios(*relations, engines, questions);
    }
}

fn load(c: &mut Criterion) {
    let source = ours::source(&model::rules(RELATIONS_MAX));
    let mut group = c.benchmark_group("load");
    group.sample_size(10);
    group.bench_function("parse and compile 50,000 relations", |b| {
        b.iter(|| ours::load(&source));
    });
    group.finish();
}

criterion_group!(benches, load, decide);
criterion_main!(benches);
