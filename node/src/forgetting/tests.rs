//! A secret that was recorded and erased is in no file of the node any more, and
//! the ledger says so, in a cluster where nothing else happens.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use governance::Outcome;
use governance::command::{Decide, EntryRange, Erase, ErasedPart, ErasureCause, Principal};
use raft::{Replica, Start};
use tokio::net::TcpListener;
use types::{ClusterId, LogIndex, Object, RaftId, Ulid};

use super::*;
use crate::cluster_key::ClusterKey;
use crate::config::{self, Settings};
use crate::identity::Identity;
use crate::keys::NodeKeys;
use crate::quarantine::Quarantine;
use crate::sealing::Sealing;
use crate::usage::Usage;
use crate::watch::{Watch, Watched};
use crate::{founding, ports};

pub(crate) const SECRET: &str = "what-nobody-may-read-again";

const WAIT_MAX: Duration = Duration::from_secs(60);

pub(crate) async fn start(dir: &DataDir) -> (Running, Replica<ports::State>) {
    let flags = clap::Command::new("serve").args(config::flags());
    let path = dir.path().display().to_string();
    let matches = flags.get_matches_from(["serve", "--data-dir", &path, "--forget-after-s", "0"]);
    let config = Settings::gather(&matches, &BTreeMap::new()).unwrap().validate().unwrap();
    let cluster_id = ClusterId(Ulid(7));
    let identity =
        Identity { cluster_id, raft_id: RaftId(1), name: "n1".to_owned(), incarnation: 1 };
    let keys = Arc::new(NodeKeys::open(dir, Sealing::default(), SystemClock.now()).unwrap());
    let quarantine = Quarantine::default();
    let metrics = api::Metrics::new(&prometheus::Registry::new()).unwrap();
    let watch = Watch::new(
        Watched {
            raft_id: identity.raft_id,
            keys: Arc::clone(&keys),
            cluster_key: ClusterKey::default(),
            quarantine: quarantine.clone(),
            metrics,
        },
        LogIndex(0),
    );
    let replica = Replica::start(Start {
        config: raft::Config::new(cluster_id, "main", identity.raft_id),
        listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        log: ports::Log(storage::Log::open(dir, storage::log::Config::default()).unwrap()),
        state: ports::State(storage::State::open(dir, storage::Group::main()).unwrap()),
        clock: Arc::new(SystemClock),
        observer: watch.clone(),
    });
    let replica = replica.await.unwrap();
    watch.attach(replica.handle());
    let running = Running {
        cluster_key: ClusterKey::default(),
        usage: Usage::default(),
        exports: crate::exports::Exports::open(dir.path(), crate::config::ExportLimits::DEFAULT)
            .unwrap(),
        handle: replica.handle(),
        identity: Arc::new(identity),
        keys,
        quarantine,
        watch,
        config: Arc::new(config),
        started: Instant::now(),
    };
    founding::found(&running, "lexecon.local").await.unwrap();
    (running, replica)
}

pub(crate) async fn propose(running: &Running, command: Command) -> Outcome {
    let mut envelope = running.envelope(command).unwrap();
    if matches!(envelope.command, Command::Decide(_) | Command::RequestExport(_)) {
        // A node asks for neither; in open mode anybody else may.
        envelope.principal = Principal::nobody();
    }
    running.handle.propose(envelope).await.unwrap().outcome
}

pub(crate) fn decide() -> Command {
    let mut context = Object::new();
    context.insert("note", SECRET);
    Command::Decide(Box::new(Decide {
        actor: "a".to_owned(),
        action: "read".to_owned(),
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

/// Files below a directory that hold the secret.
pub(crate) fn telling(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(telling(&path));
            continue;
        }
        let bytes = fs::read(&path).unwrap_or_default();
        if bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_erased_is_in_no_file_soon_after_and_the_ledger_says_so() {
    let root = tempfile::tempdir().unwrap();
    let dir = DataDir::open(root.path().join("n1")).unwrap();
    let (running, replica) = start(&dir).await;
    let Outcome::Decided(decided) = propose(&running, decide()).await else {
        panic!("not decided")
    };
    running.handle.snapshot().await.unwrap();
    assert!(!telling(dir.path()).is_empty(), "it was never written");
    let entry = decided.recorded.entry_id;
    let erase = Erase {
        part: ErasedPart::Personal,
        ranges: vec![EntryRange { from: entry, to: entry }],
        cause: ErasureCause::Request,
    };
    let Outcome::Erased(erased) = propose(&running, Command::Erase(erase)).await else {
        panic!("not erased")
    };
    // A scrub that was read lets go of the state, so that it can be rewritten.
    let Outcome::ScrubOpened(_) = propose(&running, Command::Scrub).await else {
        panic!("no scrub")
    };
    let stop = CancellationToken::new();
    let scrubbing = tokio::spawn(crate::scrub::run(running.clone(), stop.clone()));
    let forgetting = tokio::spawn(run(running.clone(), dir.clone(), stop.clone()));
    let deadline = Instant::now() + WAIT_MAX;
    while pending(&running, &dir).unwrap().is_some() {
        assert!(Instant::now() < deadline, "{:?}", telling(dir.path()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let state = running.handle.view().unwrap();
    let through = vec![(RaftId(1), erased.recorded.entry_id)];
    assert_eq!(view::forgotten(&state).unwrap(), through);
    drop(state);
    assert_eq!(telling(dir.path()), Vec::<String>::new());
    stop.cancel();
    forgetting.await.unwrap();
    scrubbing.await.unwrap();
    // A state that came from elsewhere may hold it again.
    fs::write(dir.state_dir().join("current"), "99").unwrap();
    let due = pending(&running, &dir).unwrap();
    assert!(due.is_some_and(|due| !due.is_gone && due.through == erased.recorded.entry_id));
    replica.shutdown().await;
}
