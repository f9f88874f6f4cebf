//! A decision, applied in memory: as the policy makes it, with its risk told, and
//! with the escalation that comes of it. What consensus and disks add is apart.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use governance::command::{
    Command, Decide, Envelope, Found, KeyUsage, LoadPolicy, NodeDescription, Principal, PublicKey,
    RiskInput,
};
use governance::{Applied, Cache, MemStore, Outcome, Seed, apply};
use types::{ClusterId, Json, KeyId, LogIndex, Object, RaftId, Timestamp, Ulid};

/// Decisions there are before the first that is measured.
const BEFORE: u64 = 20_000;
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

/// Nine in ten are allowed by the policy.
fn decide(n: u64, risk: Option<u8>) -> Command {
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
        risk: risk.map(|security| RiskInput { security: Some(security), ..RiskInput::default() }),
        risk_level: None,
        policy_mode: None,
        expires_in_seconds: 300,
        request_id: Some(format!("triage-{n:08}")),
    }))
}

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
