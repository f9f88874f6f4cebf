//! What was erased from the state is in no file of the node any more.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use governance::{Direction, Read as _, Scan, Store as _, Table};
use node::ports;
use raft::ports::StateStore as _;
use storage::{DataDir, Group, State};

use crate::support::{Node, PATIENCE, decide, holding};

const SECRET: &str = "the person behind it is Zq7-unlikely-Xw9";
/// Stands in keys, too.
const NAME: &str = "actor:human:Kv4-unlikely-Ty2";

/// Takes every row that tells one of them out of a state that is not in use.
fn erase(dir: &Path) {
    let state = State::open(&DataDir::open(dir).unwrap(), Group::main()).unwrap();
    let state = ports::State(state);
    let mut batch = state.begin().unwrap();
    let mut erased = 0;
    for table in Table::ALL {
        let scan = Scan {
            table,
            from: &[],
            to: None,
            direction: Direction::Ascending,
            rows_max: usize::MAX,
        };
        for (key, value) in batch.scan(scan).unwrap() {
            let tells = |bytes: &[u8]| {
                let text = String::from_utf8_lossy(bytes);
                text.contains(SECRET) || text.contains(NAME)
            };
            if tells(&key) || tells(&value) {
                batch.delete(table, &key);
                erased += 1;
            }
        }
    }
    assert!(0 < erased, "the state tells the secret");
    state.commit(batch, state.applied().unwrap().unwrap()).unwrap();
    state.flush().unwrap();
}

/// Files that tell either of them. A `MANIFEST` names the least and greatest key
/// of each file, and is written anew at the next start.
fn told_by(node: &Node) -> Vec<PathBuf> {
    let is_manifest = |path: &Path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("MANIFEST"))
    };
    let mut found = holding(node.dir.path(), SECRET);
    found.extend(holding(node.dir.path(), NAME).into_iter().filter(|path| !is_manifest(path)));
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_secret_is_in_no_file_of_the_data_directory() {
    let mut node = Node::founded().await;
    for number in 0..20 {
        node.propose(decide("actor:ai:a", &format!("nothing, {number}"))).await;
    }
    let told = node.propose(decide(NAME, SECRET)).await.index;
    node.handle().snapshot().await.unwrap();
    node.propose(decide("actor:ai:a", "later")).await;
    node.stop().await;
    erase(node.dir.path());
    for dir in ["log", "snapshots", "state"] {
        let found = holding(&node.path(dir), SECRET);
        assert!(!found.is_empty(), "{dir}/ does not tell it: the test shows nothing");
    }
    node.restart().await;
    node.propose(decide("actor:ai:a", "after the erasure")).await;
    node.handle().forget_through(told).await.unwrap();
    assert!(node.handle().status().purged_index >= Some(told));
    let began = Instant::now();
    // RocksDB removes a file that is superseded in the background.
    while !told_by(&node).is_empty() {
        assert!(began.elapsed() < PATIENCE, "{:?}", told_by(&node));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // And the node goes on, also from what is on its disk now.
    let later = node.propose(decide("actor:ai:a", "still there")).await.index;
    node.stop().await;
    assert_eq!(told_by(&node), Vec::<PathBuf>::new());
    node.restart().await;
    assert!(node.handle().wait_applied(later, PATIENCE).await);
    node.handle().forget_through(later).await.unwrap();
    node.stop().await;
    assert_eq!(holding(node.dir.path(), NAME), Vec::<PathBuf>::new());
}
