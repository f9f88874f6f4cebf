//! A node whose state went bad gets another's, and goes on under its own id.

use std::fs;

use governance::view;
use node::ports;
use node::rebuild::{Marker, RebuildError, rebuild};
use raft::ports::{Checkpoints as _, StateStore as _};
use storage::{Checkpoint, DataDir, Group, State};
use types::Timestamp;

use crate::support::{Node, PATIENCE, decide};

/// Two voters that agree; the second has stopped.
async fn pair() -> (Node, Node) {
    let (first, mut second) = (Node::founded().await, Node::start(2).await);
    first.let_in(&second).await;
    for number in 0..20 {
        first.propose(decide("actor:ai:a", &format!("{number}"))).await;
    }
    let last = first.propose(decide("actor:ai:a", "last")).await.index;
    assert!(second.handle().wait_applied(last, PATIENCE).await);
    second.handle().snapshot().await.unwrap();
    second.stop().await;
    (first, second)
}

fn ask_for_it(node: &Node) -> DataDir {
    let dir = DataDir::open(node.dir.path()).unwrap();
    Marker::new("it differs from the majority's", Timestamp(1_800_000_000_000_000))
        .save(&dir)
        .unwrap();
    dir
}

fn open_log(dir: &DataDir) -> ports::Log {
    ports::Log(storage::Log::open(dir, storage::log::Config::default()).unwrap())
}

/// Flips a byte in the middle of every table of the state.
fn damage(node: &Node) {
    for entry in fs::read_dir(node.path("state/00000001")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "sst") {
            let mut bytes = fs::read(&path).unwrap();
            let middle = bytes.len() / 3;
            bytes[middle] ^= 0xff;
            // Another file: the snapshots link this one.
            fs::remove_file(&path).unwrap();
            fs::write(&path, bytes).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_state_is_replaced_by_that_of_a_member_and_kept_as_evidence() {
    let (first, mut second) = pair().await;
    damage(&second);
    let dir = ask_for_it(&second);
    let log = open_log(&dir);
    let pulled = rebuild(&dir, &second.config(), &log, &[]).await.unwrap().unwrap();
    assert_eq!(pulled.from, first.id);
    assert_eq!(Marker::load(&dir).unwrap(), None, "it is done");
    assert!(rebuild(&dir, &second.config(), &log, &[]).await.unwrap().is_none());
    let why = fs::read_to_string(second.path("evidence/state-00001800000000000000/why"));
    assert_eq!(why.unwrap(), "it differs from the majority's");
    drop((log, dir));

    second.restart().await;
    let later = first.propose(decide("actor:ai:a", "with both again")).await.index;
    assert!(second.handle().wait_applied(later, PATIENCE).await);
    let digest = |node: &Node| node.handle().view().unwrap().content_digest().unwrap();
    assert_eq!(digest(&first), digest(&second));
    assert_eq!(second.handle().status().raft_id, second.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_member_that_answers_the_old_state_and_the_marker_stay() {
    let (mut first, mut second) = pair().await;
    first.stop().await;
    let dir = ask_for_it(&second);
    let log = open_log(&dir);
    let refused = rebuild(&dir, &second.config(), &log, &[]).await.unwrap_err();
    assert!(matches!(refused, RebuildError::Pull(_)), "{refused}");
    assert!(Marker::load(&dir).unwrap().is_some());
    let state = State::open(&dir, Group::main()).unwrap();
    assert!(0 < view::head(&state.view().unwrap()).unwrap().size());
    drop((state, log, dir));
    first.restart().await;
    second.restart().await;
    first.propose(decide("actor:ai:a", "both are as they were")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_tells_its_content_and_whether_its_ledger_holds() {
    let mut node = Node::founded().await;
    node.propose(decide("actor:ai:a", "x")).await;
    node.stop().await;
    let dir = DataDir::open(node.dir.path()).unwrap();
    let state = ports::State(State::open(&dir, Group::main()).unwrap());
    let good = state.checkpoint("good").unwrap();
    let digest = state.view().unwrap().content_digest().unwrap();
    assert_eq!(state.content_digest(&good).unwrap(), digest);
    assert_eq!(state.applied_in(&good).unwrap(), state.applied().unwrap());
    state.verify(&good).unwrap();
    let mut batch = state.begin().unwrap();
    let key = types::EntryId(1).key();
    let checkpoint = Checkpoint::open(&good, Group::main(), &dir.keyring().unwrap()).unwrap();
    let mut data = governance::Read::get(checkpoint.view(), governance::Table::Data, &key);
    data.as_mut().unwrap().as_mut().unwrap()[40] ^= 1;
    let data = data.unwrap().unwrap();
    governance::Store::put(&mut batch, governance::Table::Data, &key, &data);
    state.commit(batch, state.applied().unwrap().unwrap()).unwrap();
    let bad = state.checkpoint("bad").unwrap();
    assert_ne!(state.content_digest(&bad).unwrap(), digest);
    let fault = state.verify(&bad).unwrap_err();
    assert_eq!(fault.to_string(), "entry 1: data_hash_mismatch");
}
