//! What a policy would change: recorded decisions judged again, from stored
//! bytes, and the parts of that apart. Throughput is decisions per second.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use governance::command::{
    Command, Decide, Envelope, Found, KeyUsage, LoadPolicy, NodeDescription, Principal, PublicKey,
};
use governance::{
    Applied, Cache, Direction, ImpactQuery, MemStore, Read, Scan, Seed, Table, apply, finish_batch,
    impact,
};
use policy::{Compiled, Document};
use types::{ClusterId, Digest, Json, KeyId, LogIndex, Object, RaftId, Timestamp, Ulid};

const DECISIONS: u64 = 200_000;
const ACTORS: u64 = 1_000;

fn envelope(at: u64, command: Command) -> Envelope {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&at.to_be_bytes());
    Envelope {
        version: 1,
        group: "main".to_owned(),
        command,
        principal: Principal::nobody(),
        idempotency: None,
        seed: Seed(seed),
        asked_node: "n1".to_owned(),
    }
}

fn found() -> Command {
    let key = |(n, usage): (u8, KeyUsage)| PublicKey {
        id: KeyId(Ulid(u128::from(n))),
        usage,
        bytes: [n; 32],
    };
    Command::Found(Found {
        cluster_id: ClusterId(Ulid(1)),
        log_name: "lexecon.local".to_owned(),
        node: NodeDescription {
            name: "n1".to_owned(),
            api_address: "http://127.0.0.1:8000".to_owned(),
            peer_address: "127.0.0.1:9000".to_owned(),
            region: None,
            zone: None,
            keys: (0..).zip(KeyUsage::ALL).map(key).collect(),
        },
        raft_id: RaftId(1),
    })
}

fn actor(n: u64) -> String {
    format!("ai_agent:team_{}:agent_{n}", n % 50)
}

/// A permit for each agent; `purpose` is what it asks for.
fn document(purpose: &str) -> Json {
    let action = Json::object([("id", "action:claims:read".into()), ("type", "action".into())]);
    let agents = (0..ACTORS).map(|n| {
        Json::object([("id", format!("actor:{}", actor(n)).into()), ("type", "actor".into())])
    });
    let relations = (0..ACTORS).map(|n| {
        Json::object([
            ("type", "permits".into()),
            ("source", format!("actor:{}", actor(n)).into()),
            ("target", "action:claims:read".into()),
            ("conditions", Json::object([("purpose", purpose.into())])),
            ("justification", "Triage may read open claims".into()),
        ])
    });
    let relations = Json::Array(relations.collect());
    Json::object([
        ("terms", Json::Array(agents.chain([action]).collect())),
        ("relations", relations),
    ])
}

fn load() -> Command {
    Command::LoadPolicy(Box::new(LoadPolicy {
        document: document("triage"),
        expected_active_version: None,
        acknowledge_widening: false,
        note: None,
    }))
}

/// Nine in ten are allowed.
fn decide(n: u64) -> Command {
    let mut context = Object::new();
    context.insert("channel", "phone");
    context.insert("claim", format!("clm-{n:08}"));
    context.insert("purpose", if n % 10 == 9 { "marketing" } else { "triage" });
    Command::Decide(Box::new(Decide {
        actor: actor(n % ACTORS),
        action: "claims:read".to_owned(),
        resource: Some(format!("claim/{n:08}")),
        tool: None,
        data_classes: Vec::new(),
        context,
        user_intent: Some("answer the customer's question about the claim".to_owned()),
        risk: None,
        risk_level: None,
        policy_mode: None,
        expires_in_seconds: 300,
        request_id: Some(format!("triage-{n:08}")),
    }))
}

fn ledger() -> MemStore {
    let (mut store, mut cache) = (MemStore::default(), Cache::default());
    let commands = [found(), load()].into_iter().chain((0..DECISIONS).map(decide));
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
