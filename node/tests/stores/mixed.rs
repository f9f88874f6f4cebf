//! Nodes that seal what they keep, with keys of their own, and nodes that do
//! not give each other their states.

use node::ports;
use node::rebuild::{Marker, rebuild};
use storage::{MasterKey, State};
use types::Timestamp;

use crate::support::{Node, PATIENCE, decide, holding};

const SECRET: &str = "what was meant is Hb6-unlikely-Np1";

fn key(byte: Option<u8>) -> Option<MasterKey> {
    byte.map(|byte| MasterKey::from_bytes("THE_KEY", [byte; 32]))
}

/// Who seals, with which key: the giver and the receiver.
const PAIRS: [(Option<u8>, Option<u8>); 3] = [(Some(1), None), (None, Some(2)), (Some(1), Some(2))];

/// A node with a snapshot and a log that begins after it.
async fn giver(seals: Option<u8>) -> Node {
    let node = Node::founded_with(key(seals)).await;
    for number in 0..20 {
        node.propose(decide("actor:ai:a", &format!("{SECRET}, {number}"))).await;
    }
    let last = node.propose(decide("actor:ai:a", "last")).await.index;
    node.handle().forget_through(last).await.unwrap();
    node
}

#[track_caller]
fn check_same(first: &Node, second: &Node) {
    let digest = |node: &Node| node.handle().view().unwrap().content_digest().unwrap();
    assert_eq!(digest(first), digest(second));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_lacks_the_log_is_sent_a_snapshot_it_can_read() {
    for (of_giver, of_receiver) in PAIRS {
        let (first, mut second) =
            (giver(of_giver).await, Node::start_with(2, key(of_receiver)).await);
        first.let_in(&second).await;
        let last = first.propose(decide("actor:ai:a", "with both")).await.index;
        assert!(second.handle().wait_applied(last, PATIENCE).await);
        check_same(&first, &second);
        second.stop().await;
        second.restart().await;
        let last = first.propose(decide("actor:ai:a", "after a restart")).await.index;
        assert!(second.handle().wait_applied(last, PATIENCE).await);
        check_same(&first, &second);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_rebuilt_from_that_of_a_node_that_seals_otherwise() {
    for (of_giver, of_receiver) in PAIRS {
        let (first, mut second) =
            (giver(of_giver).await, Node::start_with(2, key(of_receiver)).await);
        first.let_in(&second).await;
        let last = first.propose(decide("actor:ai:a", "with both")).await.index;
        assert!(second.handle().wait_applied(last, PATIENCE).await);
        second.stop().await;
        let dir = second.open_dir();
        Marker::new("for the test", Timestamp(1_800_000_000_000_000)).save(&dir).unwrap();
        let log = storage::Log::open(&dir, storage::log::Config::default()).unwrap();
        let log = ports::Log(log);
        let pulled = rebuild(&dir, &second.config(), &log, &[]).await.unwrap().unwrap();
        assert_eq!(pulled.from, first.id);
        let state = State::open(&dir, storage::Group::main()).unwrap();
        assert!(state.keyring().status().is_pending, "it is to be written as this node would");
        drop((state, log, dir));
        second.restart().await;
        let last = first.propose(decide("actor:ai:a", "after it")).await.index;
        assert!(second.handle().wait_applied(last, PATIENCE).await);
        check_same(&first, &second);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_came_or_was_sent_lies_open_where_both_seal() {
    let (mut first, mut second) = (giver(Some(1)).await, Node::start_with(2, key(Some(2))).await);
    first.let_in(&second).await;
    let last = first.propose(decide("actor:ai:a", SECRET)).await.index;
    assert!(second.handle().wait_applied(last, PATIENCE).await);
    first.stop().await;
    second.stop().await;
    for node in [&first, &second] {
        assert_eq!(holding(node.dir.path(), SECRET), Vec::<std::path::PathBuf>::new());
    }
}
