//! What verifying a ledger costs beside the bare SHA-256 of its bytes: twice as
//! much at most, headers, links, tree, salts and all.
//!
//! Entries are decisions of a usual size: about 480 bytes of header, 900 of
//! data and 400 of the personal part.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ledger::actors::ActorCheck;
use ledger::hash::sha256;
use ledger::line::{self, Line};
use ledger::{Checker, EntryType, Header, Part, StoredEntry};
use types::{Digest, EntryId, Json, Timestamp};

const ENTRIES: u64 = 20_000;

/// Actors that the entries are spread over.
const ACTORS: u64 = 500;

fn data(id: u64) -> Json {
    let condition = Json::object([
        ("field", "context.claim.amount_eur".into()),
        ("operator", "less_or_equal".into()),
        ("value", 2500_u32.into()),
    ]);
    let matched = Json::object([
        ("conditions", Json::Array(vec![condition.clone(), condition])),
        ("relation_id", "rel_small_claims_are_read_by_triage".into()),
        ("verdict", "allow".into()),
    ]);
    Json::object([
        ("action", "read_claim".into()),
        ("actor", format!("ai_agent:claims_triage_{}", id % ACTORS).into()),
        ("authn", "api_key".into()),
        ("by", "apik_01K1R0C9N5T8Z4W2Y6V3Q7M1HD".into()),
        ("data_classes", Json::Array(vec!["health".into(), "financial".into()])),
        ("decision_id", format!("dec_{id:026}").into()),
        ("matched", Json::Array(vec![matched])),
        ("obligations", Json::Array(vec!["log_access".into(), "mask_iban".into()])),
        ("outcome", "allowed".into()),
        ("policy_hash", "41c0".repeat(16).into()),
        ("policy_version", 3_u32.into()),
        ("reason", "The claim is small and the actor is its triage.".into()),
        ("request_id", format!("req_{id:026}").into()),
        ("resource", format!("claim/{id}").into()),
        ("token_id", format!("tok_{id:026}").into()),
    ])
}

fn personal(id: u64) -> Json {
    let context = Json::object([
        ("claimant", "Ève Müller, 14 rue des Lilas".into()),
        ("claim", Json::object([("amount_eur", (id % 2500).into()), ("number", id.into())])),
        ("note", "Wasserschaden in der Küche, Gutachten liegt bei; Rückruf erbeten.".into()),
    ]);
    Json::object([
        ("actuals", Json::Array(vec![Json::Array(vec![(id % 2500).into()])])),
        ("context", context),
        ("context_hash", "5b0d".repeat(16).into()),
        ("user_intent", "Find out whether the claim can be settled today.".into()),
    ])
}

fn chain() -> Vec<StoredEntry> {
    let mut entries: Vec<StoredEntry> = Vec::new();
    for id in 0..ENTRIES {
        let salt = sha256(&id.to_be_bytes()).0;
        let (data, personal) = (Part::new(salt, &data(id)), Part::new(salt, &personal(id)));
        let header = Header {
            id: EntryId(id),
            entry_type: if id == 0 { EntryType::Genesis } else { EntryType::Decision },
            timestamp: Timestamp(1_800_000_000_000_000 + id * 1000),
            actor_seq: id / ACTORS + 1,
            type_seq: id.max(1),
            data_hash: data.hash(),
            personal_hash: Some(personal.hash()),
            previous_hash: entries.last().map_or(Digest::ZERO, StoredEntry::hash),
        };
        let header_text = header.to_canonical();
        entries.push(StoredEntry {
            header,
            header_text,
            data: Some(data),
            personal: Some(personal),
        });
    }
    entries
}

fn texts(entry: &StoredEntry) -> impl Iterator<Item = &[u8]> {
    let parts = entry.data.iter().chain(&entry.personal).map(|part| part.text.as_bytes());
    std::iter::once(entry.header_text.as_bytes()).chain(parts)
}

fn hash_alone(entries: &[StoredEntry]) {
    for bytes in entries.iter().flat_map(texts) {
        black_box(sha256(bytes));
    }
}

/// Reads each header anew, as from a store, and checks chain and tree.
fn check(entries: &[StoredEntry]) -> Checker {
    let first = entries.first().map_or(EntryId(0), |entry| entry.header.id);
    let mut checker = Checker::from(first, None);
    for entry in entries {
        let header = Header::parse(entry.header_text.as_bytes());
        assert_eq!(header.as_ref(), Ok(&entry.header));
        checker.check(entry).unwrap();
    }
    checker
}

fn check_in_two_threads(entries: &[StoredEntry]) -> Checker {
    let (left, right) = entries.split_at(entries.len() / 2);
    thread::scope(|scope| {
        let left = scope.spawn(|| check(left));
        let right = check(right);
        left.join().unwrap().join(right).unwrap()
    })
}

/// The same from the lines of an export, actors and canonical form included.
fn check_lines(lines: &[String]) -> Checker {
    let (mut checker, mut actors) = (Checker::from_genesis(), ActorCheck::default());
    for text in lines {
        let line = Line::parse(text.as_bytes()).unwrap();
        checker.check(&line.entry).unwrap();
        actors.see(&line.sighting);
    }
    actors.finish().unwrap();
    checker
}

/// How often each is run for the ratios.
const RUNS: usize = 15;

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn time(run: &dyn Fn()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

/// The least of several runs each, taken in turns: what else the machine does
/// only adds to a run, and comes and goes.
#[expect(clippy::print_stdout, reason = "a benchmark reports")]
fn print_ratios(entries: &[StoredEntry], lines: &[String]) {
    let runs: [(&str, &dyn Fn()); 4] = [
        ("SHA-256 alone", &|| hash_alone(entries)),
        ("chain and tree", &|| drop(check(entries))),
        ("chain and tree, 2 threads", &|| drop(check_in_two_threads(entries))),
        ("lines of an export", &|| drop(check_lines(lines))),
    ];
    let mut least = [Duration::MAX; 4];
    for _ in 0..RUNS {
        for (least, (_, run)) in least.iter_mut().zip(&runs) {
            *least = time(run).min(*least);
        }
    }
    let bytes: usize = entries.iter().flat_map(texts).map(<[u8]>::len).sum();
    println!("{ENTRIES} entries of {} bytes each", bytes as u64 / ENTRIES);
    for ((what, _), took) in runs.iter().zip(least) {
        let ratio = took.as_secs_f64() / least[0].as_secs_f64();
        println!("{what}: {took:?}, {ratio:.2} x");
    }
}

fn verify(c: &mut Criterion) {
    let entries = chain();
    let lines: Vec<String> = entries.iter().map(line::write).collect();
    let whole = check(&entries);
    assert_eq!(check_in_two_threads(&entries), whole);
    assert_eq!(check_lines(&lines), whole);
    print_ratios(&entries, &lines);
    let mut group = c.benchmark_group("20,000 entries");
    group.throughput(Throughput::Elements(ENTRIES)).sample_size(20);
    group.bench_function("SHA-256 alone", |b| b.iter(|| hash_alone(black_box(&entries))));
    group.bench_function("chain and tree", |b| b.iter(|| check(black_box(&entries))));
    group.bench_function("chain and tree, 2 threads", |b| {
        b.iter(|| check_in_two_threads(black_box(&entries)));
    });
    group.bench_function("lines of an export", |b| b.iter(|| check_lines(black_box(&lines))));
    group.finish();
}

criterion_group!(benches, verify);
criterion_main!(benches);
