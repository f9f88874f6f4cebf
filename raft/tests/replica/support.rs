//! A cluster of replicas in this process.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use governance::command::{
    Command, Decide, ENVELOPE_VERSION, Envelope, Found, MAIN_GROUP, NodeDescription, Principal,
};
use governance::{MemStore, Outcome, Seed};
use raft::testing::{MemLog, MemState, SkewedClock};
use raft::{Committed, Config, Handle, Member, ProposeError, Replica, Role, Start, Unobserved};
use tempfile::TempDir;
use tokio::net::TcpListener;
use types::{ClusterId, LogIndex, Object, RaftId, Ulid};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) type Tune = fn(&mut Config);

/// One node: its stores outlive the replica that runs on them.
pub(crate) struct Node {
    pub(crate) id: RaftId,
    pub(crate) log: MemLog,
    pub(crate) state: MemState,
    pub(crate) clock: Arc<SkewedClock>,
    pub(crate) replica: Option<Replica<MemState>>,
    pub(crate) address: SocketAddr,
    _dir: TempDir,
}

impl Node {
    pub(crate) fn handle(&self) -> Handle<MemState> {
        self.replica.as_ref().expect("the node runs").handle()
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
}

pub(crate) struct Cluster {
    pub(crate) nodes: BTreeMap<u64, Node>,
    pub(crate) cluster_id: ClusterId,
    tune: Tune,
    next: AtomicU64,
}

impl Cluster {
    /// Founds a cluster and brings it to `size` voters.
    pub(crate) async fn of(size: u64) -> Self {
        Self::tuned(size, |_| {}).await
    }

    pub(crate) async fn tuned(size: u64, tune: Tune) -> Self {
        let cluster_id = ClusterId(Ulid(77));
        let next = AtomicU64::new(0);
        let mut cluster = Self { nodes: BTreeMap::new(), cluster_id, tune, next };
        cluster.add_node(1).await;
        let first = cluster.node(1);
        first.handle().initialize(first.member()).await.unwrap();
        cluster.wait("the founder stamps", |cluster| cluster.handle(1).status().stamps).await;
        let founded = cluster.handle(1).propose(cluster.found()).await.unwrap();
        assert!(matches!(founded.outcome, Outcome::Founded(_)), "{founded:?}");
        for id in 2..=size {
            cluster.add_node(id).await;
            cluster.join(id).await;
        }
        cluster
    }

    /// Starts a node that belongs to nothing yet.
    pub(crate) async fn add_node(&mut self, id: u64) {
        let dir = tempfile::tempdir().unwrap();
        let state = MemState::new(dir.path().join("snapshots"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let node = Node {
            id: RaftId(id),
            log: MemLog::default(),
            state,
            clock: Arc::default(),
            replica: None,
            address: listener.local_addr().unwrap(),
            _dir: dir,
        };
        self.nodes.insert(id, node);
        self.start_on(id, listener).await;
    }

    /// Makes a node a learner and then a voter, asking node 1.
    pub(crate) async fn join(&self, id: u64) {
        let via = self.handle(1);
        let node = self.node(id);
        via.add_learner(node.id, node.member()).await.unwrap();
        self.promote(id).await;
    }

    /// Promotes a learner as soon as it has caught up.
    pub(crate) async fn promote(&self, id: u64) {
        let start = Instant::now();
        loop {
            match self.handle(1).promote(RaftId(id)).await {
                Ok(_) => return,
                Err(err) if start.elapsed() > PATIENCE => panic!("cannot promote {id}: {err}"),
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }

    /// What a node is started with.
    pub(crate) fn config(&self, id: u64) -> Config {
        let mut config = Config::new(self.cluster_id, MAIN_GROUP, RaftId(id));
        config.heartbeat = Duration::from_millis(100);
        config.election_timeout_min = Duration::from_millis(400);
        config.election_timeout_max = Duration::from_millis(700);
        (self.tune)(&mut config);
        config
    }

    async fn start_on(&mut self, id: u64, listener: TcpListener) {
        let config = self.config(id);
        let node = self.nodes.get_mut(&id).unwrap();
        let start = Start {
            config,
            listener,
            log: node.log.clone(),
            state: node.state.clone(),
            clock: node.clock.clone(),
            observer: Unobserved,
        };
        node.replica = Some(Replica::start(start).await.unwrap());
    }

    /// Stops a node without a word.
    pub(crate) async fn kill(&mut self, id: u64) {
        let node = self.nodes.get_mut(&id).unwrap();
        node.replica.take().unwrap().abort().await;
        // What was not flushed is lost, as the state has no log of its own.
        node.state = node.state.crashed();
    }

    /// Starts a node that was killed, at the address it had.
    pub(crate) async fn restart(&mut self, id: u64) {
        let address = self.node(id).address;
        let listener = TcpListener::bind(address).await.unwrap();
        self.start_on(id, listener).await;
    }

    pub(crate) fn node(&self, id: u64) -> &Node {
        &self.nodes[&id]
    }

    pub(crate) fn handle(&self, id: u64) -> Handle<MemState> {
        self.node(id).handle()
    }

    pub(crate) fn running(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values().filter(|node| node.replica.is_some())
    }

    /// The node that leads and may stamp, once there is one.
    pub(crate) async fn leader(&self) -> u64 {
        self.wait("somebody leads", |cluster| cluster.stamping().is_some()).await;
        self.stamping().expect("somebody leads")
    }

    fn stamping(&self) -> Option<u64> {
        let leads = |node: &&Node| {
            let status = node.handle().status();
            status.role == Role::Leader && status.stamps
        };
        self.running().find(leads).map(|node| node.id.0)
    }

    pub(crate) fn followers(&self, leader: u64) -> Vec<u64> {
        self.running().map(|node| node.id.0).filter(|id| *id != leader).collect()
    }

    /// Waits until something is so.
    #[track_caller]
    pub(crate) fn wait<'a>(
        &'a self,
        what: &'a str,
        is_so: impl Fn(&Self) -> bool + 'a,
    ) -> impl Future<Output = ()> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let start = Instant::now();
            while !is_so(self) {
                if start.elapsed() > PATIENCE {
                    let all: Vec<_> = self.running().map(|node| node.handle().status()).collect();
                    panic!("{caller}: not within {PATIENCE:?}: {what}\n{all:#?}");
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    /// A command that is recorded, about an actor of its own.
    pub(crate) fn command(&self) -> Envelope {
        self.command_about(&format!("actor-{}", self.next.fetch_add(1, Ordering::Relaxed)))
    }

    pub(crate) fn command_about(&self, actor: &str) -> Envelope {
        let decide = Decide {
            actor: actor.to_owned(),
            action: "action:read".to_owned(),
            resource: None,
            tool: None,
            data_classes: Vec::new(),
            context: Object::new(),
            user_intent: None,
            risk: None,
            risk_level: None,
            policy_mode: None,
            expires_in_seconds: 300,
            request_id: None,
        };
        self.envelope(Command::Decide(Box::new(decide)))
    }

    fn found(&self) -> Envelope {
        let first = self.node(1);
        let member = first.member();
        let node = NodeDescription {
            name: member.name,
            api_address: member.api_address,
            peer_address: member.peer_address,
            region: None,
            zone: None,
            keys: Vec::new(),
        };
        let log_name = "lexecon.local".to_owned();
        let found = Found { cluster_id: self.cluster_id, log_name, node, raft_id: first.id };
        self.envelope(Command::Found(found))
    }

    fn envelope(&self, command: Command) -> Envelope {
        let mut seed = [7; 32];
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        seed[..8].copy_from_slice(&number.to_be_bytes());
        Envelope {
            version: ENVELOPE_VERSION,
            group: MAIN_GROUP.to_owned(),
            command,
            principal: Principal::nobody(),
            idempotency: None,
            seed: Seed(seed),
            asked_node: "test".to_owned(),
        }
    }

    /// Proposes through a node until it is committed.
    pub(crate) async fn propose(&self, via: u64) -> Committed {
        let start = Instant::now();
        loop {
            match self.handle(via).propose(self.command()).await {
                Ok(committed) => return committed,
                Err(ProposeError::NoLeader) if start.elapsed() < PATIENCE => {}
                Err(err) => {
                    let all: Vec<_> = self.running().map(|node| node.handle().status()).collect();
                    panic!("node {via} cannot propose: {err}\n{all:#?}");
                }
            }
        }
    }

    /// Waits until every running node has applied an entry.
    pub(crate) async fn applied_everywhere(&self, index: LogIndex) {
        for node in self.running() {
            let id = node.id;
            assert!(node.handle().wait_applied(index, PATIENCE).await, "{id} has not {index:?}");
        }
    }

    /// Asserts that every running node holds the same, as of the same entry.
    pub(crate) async fn assert_same_everywhere(&self) {
        let is_level = |cluster: &Self| {
            let mut applied = cluster.running().map(|node| node.handle().status().applied_index);
            let first = applied.next();
            applied.all(|other| Some(other) == first)
        };
        self.wait("all have applied the same", is_level).await;
        let rows: Vec<Arc<MemStore>> = self.running().map(|node| node.state.rows()).collect();
        for other in &rows {
            assert_eq!(rows.first(), Some(other), "replicas differ");
        }
    }

    /// Whether a node's state mentions a command.
    pub(crate) fn is_recorded(&self, id: u64, name: &str) -> bool {
        let rows = self.node(id).state.rows();
        rows.rows().any(|(_, key, value)| contains(key, name) || contains(value, name))
    }

    pub(crate) async fn stop(self) {
        for node in self.nodes.into_values() {
            if let Some(replica) = node.replica {
                replica.abort().await;
            }
        }
    }
}

fn contains(bytes: &[u8], name: &str) -> bool {
    bytes.windows(name.len()).any(|window| window == name.as_bytes())
}

pub(crate) fn is_decided(committed: &Committed) -> bool {
    matches!(committed.outcome, Outcome::Decided(_))
}
