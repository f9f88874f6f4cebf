//! Nodes in this process, each with its own data directory.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use governance::command::{
    Command, Decide, ENVELOPE_VERSION, Envelope, Found, KeyUsage, MAIN_GROUP, NodeDescription,
    Principal, PublicKey,
};
use governance::{Outcome, Seed};
use node::ports;
use raft::{Committed, Config, Handle, Member, ProposeError, Replica, Start, SystemClock};
use storage::{DataDir, Group, MasterKey};
use tempfile::TempDir;
use tokio::net::TcpListener;
use types::{ClusterId, KeyId, Object, RaftId, Ulid};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const CLUSTER: ClusterId = ClusterId(Ulid(5));

/// One node; its directory outlives the replica that runs on it.
pub(crate) struct Node {
    pub(crate) id: RaftId,
    pub(crate) dir: TempDir,
    pub(crate) replica: Option<Replica<ports::State>>,
    address: SocketAddr,
    /// What its directory is sealed with.
    key: Option<MasterKey>,
}

impl Node {
    pub(crate) async fn start(id: u64) -> Self {
        Self::start_with(id, None).await
    }

    pub(crate) async fn start_with(id: u64, key: Option<MasterKey>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut node = Self { id: RaftId(id), dir, replica: None, address, key };
        node.run_on(listener).await;
        node
    }

    /// Founds a cluster of this node alone.
    pub(crate) async fn founded() -> Self {
        Self::founded_with(None).await
    }

    pub(crate) async fn founded_with(key: Option<MasterKey>) -> Self {
        let node = Self::start_with(1, key).await;
        node.handle().initialize(node.member()).await.unwrap();
        let founded = node.propose(found()).await;
        assert!(matches!(founded.outcome, Outcome::Founded(_)), "{founded:?}");
        node
    }

    pub(crate) fn config(&self) -> Config {
        Config::new(CLUSTER, MAIN_GROUP, self.id)
    }

    async fn run_on(&mut self, listener: TcpListener) {
        let data = self.open_dir();
        let log = storage::Log::open(&data, storage::log::Config::default()).unwrap();
        let state = storage::State::open(&data, Group::main()).unwrap();
        let start = Start {
            config: self.config(),
            listener,
            log: ports::Log(log),
            state: ports::State(state),
            clock: Arc::new(SystemClock),
            observer: raft::Unobserved,
        };
        self.replica = Some(Replica::start(start).await.unwrap());
    }

    pub(crate) async fn stop(&mut self) {
        self.replica.take().unwrap().abort().await;
        // Tasks that are ending hold the directory for a moment longer.
        let began = Instant::now();
        while let Err(error) = DataDir::open(self.dir.path()) {
            assert!(began.elapsed() < PATIENCE, "{error}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) fn open_dir(&self) -> DataDir {
        let dir = DataDir::open(self.dir.path()).unwrap();
        if let Some(key) = &self.key {
            dir.unlock(key, None).unwrap();
        }
        dir
    }

    pub(crate) async fn restart(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.run_on(listener).await;
    }

    pub(crate) fn handle(&self) -> Handle<ports::State> {
        self.replica.as_ref().unwrap().handle()
    }

    pub(crate) fn member(&self) -> Member {
        Member {
            name: format!("n{}", self.id),
            peer_address: self.address.to_string(),
            api_address: format!("http://n{}", self.id),
            region: None,
            zone: None,
        }
    }

    /// Proposes until there is a leader who takes it.
    pub(crate) async fn propose(&self, command: Command) -> Committed {
        let began = Instant::now();
        loop {
            match self.handle().propose(envelope(command.clone())).await {
                Ok(committed) => return committed,
                Err(ProposeError::NoLeader) if began.elapsed() < PATIENCE => {}
                Err(error) => panic!("cannot propose: {error}"),
            }
        }
    }

    /// Lets another node in, with a vote.
    pub(crate) async fn let_in(&self, other: &Self) {
        self.handle().add_learner(other.id, other.member()).await.unwrap();
        let began = Instant::now();
        while let Err(error) = self.handle().promote(other.id).await {
            assert!(began.elapsed() < PATIENCE, "cannot promote: {error}");
            tokio::task::yield_now().await;
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

fn envelope(command: Command) -> Envelope {
    Envelope {
        version: ENVELOPE_VERSION,
        group: MAIN_GROUP.to_owned(),
        command,
        principal: Principal::nobody(),
        idempotency: None,
        seed: Seed(rand_seed()),
        asked_node: "n1".to_owned(),
    }
}

/// Ids are drawn from it, so no two commands may have the same.
fn rand_seed() -> [u8; 32] {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).unwrap();
    seed
}

fn found() -> Command {
    let key = |(n, usage)| PublicKey { id: KeyId(Ulid(n)), usage, bytes: [7; 32] };
    Command::Found(Found {
        cluster_id: CLUSTER,
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

pub(crate) fn decide(actor: &str, intent: &str) -> Command {
    Command::Decide(Box::new(Decide {
        actor: actor.to_owned(),
        action: "action:read".to_owned(),
        resource: None,
        tool: None,
        data_classes: Vec::new(),
        context: Object::new(),
        user_intent: Some(intent.to_owned()),
        risk: None,
        risk_level: None,
        policy_mode: None,
        expires_in_seconds: 300,
        request_id: None,
    }))
}

/// Files below a directory in which a text lies.
pub(crate) fn holding(dir: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, text));
        } else if let Ok(bytes) = fs::read(&path)
            && bytes.windows(text.len()).any(|window| window == text.as_bytes())
        {
            found.push(path);
        }
    }
    found
}
