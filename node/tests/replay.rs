//! The same log gives the same bytes in memory and in RocksDB, for any split
//! into Raft entries and with the process starting again at any point.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use governance::command::{
    Command, Decide, Envelope, Found, Idempotency, KeyUsage, LoadPolicy, NodeDescription,
    Principal, PublicKey,
};
use governance::{
    Applied, Cache, Direction, MemStore, Read as _, Scan, Seed, Store, Table, apply, finish_batch,
};
use proptest::prelude::*;
use storage::{DataDir, Group, State};
use types::{ClusterId, Digest, KeyId, LogIndex, Object, RaftId, Timestamp, Ulid};

/// Every row of the state, by table and key.
type Rows = BTreeMap<(u8, Vec<u8>), Vec<u8>>;

fn envelope(command: Command, seed: u8) -> Envelope {
    Envelope {
        version: 1,
        group: "main".to_owned(),
        command,
        principal: Principal::nobody(),
        idempotency: None,
        seed: Seed([seed; 32]),
        asked_node: "n1".to_owned(),
    }
}

fn found() -> Command {
    let key = |(n, usage)| PublicKey { id: KeyId(Ulid(n)), usage, bytes: [7; 32] };
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

fn decide(actor: &str, action: &str) -> Command {
    let mut context = Object::new();
    context.insert("purpose", "triage");
    Command::Decide(Box::new(Decide {
        actor: actor.to_owned(),
        action: action.to_owned(),
        resource: None,
        tool: None,
        data_classes: Vec::new(),
        context,
        user_intent: None,
        risk: None,
        risk_level: None,
        policy_mode: None,
        expires_in_seconds: 300,
        request_id: None,
    }))
}

fn load(document: &str) -> Command {
    Command::LoadPolicy(Box::new(LoadPolicy {
        document: serde_json::from_str(document).unwrap(),
        expected_active_version: None,
        acknowledge_widening: false,
        note: None,
    }))
}

const POLICY: &str = r#"{"relations":[{"type":"permits","subject":"*","action":"*"}]}"#;

fn any_step() -> impl Strategy<Value = (u64, Envelope)> {
    let command = prop_oneof![
        6 => (prop::sample::select(vec!["a", "b"]), prop::sample::select(vec!["x", "y"]))
            .prop_map(|(actor, action)| decide(actor, action)),
        1 => Just(load(POLICY)),
        1 => Just(load("[]")),
        1 => Just(Command::Tick),
    ];
    let key = prop::option::of((0..3_u8, 0..2_u8));
    (command, any::<u8>(), 0..1_000_000_000_u64, key).prop_map(|(command, seed, at, key)| {
        let mut envelope = envelope(command, seed);
        envelope.idempotency = key.map(|(key, body)| Idempotency {
            scope: String::new(),
            key: key.to_string(),
            body_digest: Digest([body; 32]),
        });
        (at, envelope)
    })
}

fn run(store: &mut impl Store, cache: &mut Cache, index: u64, step: &(u64, Envelope)) {
    let (at, envelope) = step;
    let applied = Applied { index: LogIndex(index), sub_index: 0, at: Timestamp(*at) };
    apply(store, cache, applied, envelope).unwrap();
}

fn rows(read: &impl governance::Read) -> Rows {
    let mut all = Rows::new();
    for table in Table::ALL {
        let scan = Scan {
            table,
            from: &[],
            to: None,
            direction: Direction::Ascending,
            rows_max: usize::MAX,
        };
        let found = read.scan(scan).unwrap_or_else(|err| panic!("{err}"));
        all.extend(found.into_iter().map(|(key, value)| ((table.number(), key), value)));
    }
    all
}

fn in_memory(steps: &[(u64, Envelope)]) -> Rows {
    let (mut store, mut cache) = (MemStore::default(), Cache::default());
    for (step, index) in steps.iter().zip(1..) {
        run(&mut store, &mut cache, index, step);
    }
    finish_batch(&mut store, &mut cache).unwrap();
    rows(&store)
}

fn open(path: &Path) -> State {
    State::open(&DataDir::open(path).unwrap(), Group::main()).unwrap()
}

/// Applies the steps in batches of these sizes. Where a size is odd the store is
/// closed and opened again after the batch; what it then says is missing is
/// applied again, as from the log.
fn in_rocksdb(steps: &[(u64, Envelope)], sizes: &[usize]) -> Rows {
    let dir = tempfile::tempdir().unwrap();
    let mut state = open(dir.path());
    let mut cache = Cache::default();
    let mut sizes = sizes.iter().copied().cycle();
    let mut next = 0;
    while next < steps.len() {
        let size = sizes.next().unwrap();
        let mut batch = state.begin().unwrap();
        let end = steps.len().min(next + size);
        for (step, index) in steps[next..end].iter().zip(next + 1..) {
            run(&mut batch, &mut cache, u64::try_from(index).unwrap(), step);
        }
        finish_batch(&mut batch, &mut cache).unwrap();
        let applied = u64::try_from(end).unwrap().to_be_bytes();
        state.commit(batch, Bytes::copy_from_slice(&applied)).unwrap();
        next = end;
        if size % 2 == 1 {
            drop(state);
            state = open(dir.path());
            cache = Cache::default();
            let applied = state.applied().unwrap();
            let applied =
                applied.map_or(0, |bytes| u64::from_be_bytes(bytes[..].try_into().unwrap()));
            next = usize::try_from(applied).unwrap();
        }
        if steps.len() <= next {
            break;
        }
    }
    rows(&state.view().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn rocksdb_holds_the_same_bytes_as_memory(
        steps in prop::collection::vec(any_step(), 0..25),
        sizes in prop::collection::vec(1..7_usize, 0..6),
    ) {
        let steps: Vec<(u64, Envelope)> =
            [(1, envelope(found(), 0))].into_iter().chain(steps).collect();
        let sizes: Vec<usize> = sizes.into_iter().chain([4]).collect();
        prop_assert_eq!(in_memory(&steps), in_rocksdb(&steps, &sizes));
    }
}

#[test]
fn restarts_in_a_row_change_nothing() {
    let steps: Vec<(u64, Envelope)> = [(1, envelope(found(), 0))]
        .into_iter()
        .chain((0..9).map(|n| (n, envelope(decide("a", "x"), u8::try_from(n).unwrap()))))
        .collect();
    assert_eq!(in_memory(&steps), in_rocksdb(&steps, &[1, 1, 5]));
}

#[test]
fn a_read_of_a_batch_sees_the_writes_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let state = open(dir.path());
    let mut batch = state.begin().unwrap();
    batch.put(Table::Meta, b"k", b"v");
    assert_eq!(batch.get(Table::Meta, b"k").unwrap(), Some(b"v".to_vec()));
    assert_eq!(state.view().unwrap().get(Table::Meta, b"k").unwrap(), None);
}
