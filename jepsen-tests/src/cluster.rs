//! A cluster of real processes on loopback, data in a temporary directory.
//!
//! Nodes are named by their place, from 0; the node `n1` is place 0. When a
//! test panics, the directory stays and the end of every log is shown.
//!
//! INVARIANT: a node keeps its ports and its directory from its first start to
//! the end of the test, so a restart is a restart.

mod certificates;
mod node;
mod status;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

pub use certificates::{Authority, Certificates};
pub use node::{Entrance, Node, Setup};
pub use status::Status;

use crate::failure::Failure;
use crate::http::Client;
use crate::ports::Ports;
use crate::wait;

/// For whatever must come true sooner or later on a machine with two busy
/// cores. It is no promise of the product: tests of promises name their own.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// For one answer about state.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Nodes, some of them running.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Node>,
    ports: Ports,
    /// Taken only by `drop`.
    directory: Option<TempDir>,
    root: PathBuf,
    /// Signs the certificates of its nodes, if they have any.
    authority: Option<Authority>,
    /// Variables that every node added from now on is started with.
    environment: Vec<(String, String)>,
    /// What its clients show.
    credential: Option<String>,
}

impl Cluster {
    /// Founds a cluster and has the others join one after another, until every
    /// node is ready and a voter.
    ///
    /// # Errors
    /// [`Failure`] if that does not come true in time.
    pub async fn start(size: usize) -> Result<Self, Failure> {
        Self::empty()?.grown_to(size).await
    }

    /// The same with TLS for clients and certificates between nodes.
    ///
    /// # Errors
    /// [`Failure`] if that does not come true in time.
    pub async fn start_secured(size: usize) -> Result<Self, Failure> {
        Self::secured()?.grown_to(size).await
    }

    /// No node yet, but what nodes will be signed with.
    ///
    /// # Errors
    /// [`Failure`] if there is no place for it.
    pub fn secured() -> Result<Self, Failure> {
        let mut cluster = Self::empty()?;
        cluster.authority = Some(Authority::make(&cluster.root.join("certs"))?);
        Ok(cluster)
    }

    /// Sets a variable for nodes that are added from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// What clients show from now on.
    pub fn show(&mut self, credential: &str) {
        self.credential = Some(credential.to_owned());
    }

    /// No node yet.
    ///
    /// # Errors
    /// [`Failure`] if there is no place for it.
    pub fn empty() -> Result<Self, Failure> {
        let root = std::env::temp_dir();
        let directory = tempfile::Builder::new().prefix("lexecon-jepsen-").tempdir();
        let directory = directory.map_err(|source| Failure::File { path: root, source })?;
        let root = directory.path().to_owned();
        let (ports, directory) = (Ports::take()?, Some(directory));
        Ok(Self {
            nodes: Vec::new(),
            ports,
            directory,
            root,
            authority: None,
            environment: Vec::new(),
            credential: None,
        })
    }

    async fn grown_to(mut self, size: usize) -> Result<Self, Failure> {
        for _ in 0..size {
            let at = self.add()?;
            self.wait_ready(at).await?;
        }
        self.wait_for_voters(size).await?;
        Ok(self)
    }

    /// What signs the certificates of its nodes, if they have any.
    pub fn authority(&self) -> Option<&Authority> {
        self.authority.as_ref()
    }

    /// Starts one more node: the first founds, every other joins through all
    /// that are there. Gives its place.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be started.
    pub fn add(&mut self) -> Result<usize, Failure> {
        let at = self.nodes.len();
        let entrance = match at {
            0 => Entrance::Founds,
            _ => Entrance::Joins(self.addresses()),
        };
        let name = format!("n{}", at + 1);
        let certificates = self.authority.as_ref().map(|authority| authority.sign(&name));
        let setup = Setup {
            certificates: certificates.transpose()?,
            address: self.ports.next_address()?,
            peer_address: self.ports.next_address()?,
            data_dir: self.root.join(&name),
            name,
            entrance,
            environment: self.environment.clone(),
        };
        self.add_with(setup)
    }

    /// Starts a node with a setup of the test's own. Gives its place.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be started.
    pub fn add_with(&mut self, setup: Setup) -> Result<usize, Failure> {
        let data_dir = &setup.data_dir;
        fs::create_dir_all(data_dir)
            .map_err(|source| Failure::File { path: data_dir.clone(), source })?;
        let at = self.nodes.len();
        let log = self.root.join(format!("{}-{at}.log", setup.name));
        let mut node = Node::new(setup, log);
        node.start()?;
        self.nodes.push(node);
        Ok(at)
    }

    /// Kills the node added last and has nothing more to do with it.
    pub fn forget_last(&mut self) {
        // Dropping a node kills it.
        drop(self.nodes.pop());
    }

    /// How many nodes there are, running or not.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Where everything lies.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Ports for a node of the test's own.
    pub fn ports(&mut self) -> &mut Ports {
        &mut self.ports
    }

    /// The node at a place.
    pub fn node(&mut self, at: usize) -> &mut Node {
        &mut self.nodes[at]
    }

    /// Where clients reach each node, running or not.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(|node| node.setup().address).collect()
    }

    /// Places of the nodes that run.
    pub fn running(&mut self) -> Vec<usize> {
        let nodes = self.nodes.iter_mut().enumerate();
        nodes.filter_map(|(at, node)| node.is_running().then_some(at)).collect()
    }

    /// A client of the node at a place.
    pub fn client(&self, at: usize) -> Client {
        let address = self.nodes[at].setup().address;
        let client = match &self.authority {
            None => Client::new(address, ANSWER_WITHIN),
            Some(authority) => Client::secured(address, ANSWER_WITHIN, authority.client()),
        };
        client.with_credential(self.credential.as_deref())
    }

    /// `kill -9` of these, all of them before any is waited for.
    pub fn kill(&mut self, places: &[usize]) {
        for at in places {
            self.nodes[*at].strike();
        }
        for at in places {
            self.nodes[*at].kill();
        }
    }

    /// Starts again whatever does not run, and waits until it is ready. All
    /// start before any is waited for, since a majority may be needed.
    ///
    /// # Errors
    /// [`Failure`] if one does not become ready.
    pub async fn restart_dead(&mut self) -> Result<(), Failure> {
        let running = self.running();
        let dead = (0..self.nodes.len()).filter(|at| !running.contains(at));
        let dead: Vec<usize> = dead.collect();
        for at in &dead {
            self.nodes[*at].start()?;
        }
        for at in dead {
            self.wait_ready(at).await?;
        }
        Ok(())
    }

    /// Waits until the node says it is ready to serve.
    ///
    /// # Errors
    /// [`Failure::TooLate`] if it does not, or has ended.
    pub async fn wait_ready(&mut self, at: usize) -> Result<(), Failure> {
        let mut client = self.client(at);
        let node = &mut self.nodes[at];
        let what = format!("{} to be ready", node.setup().name);
        wait::until(&what, PATIENCE, async || {
            if !node.is_running() {
                return Err("the process has ended".to_owned());
            }
            match client.get("/health/ready").await {
                Ok(reply) if reply.status == 200 => Ok(()),
                Ok(reply) => Err(reply.quoted()),
                Err(err) => Err(err.to_string()),
            }
        })
        .await
    }

    /// What the node at a place says of itself.
    ///
    /// # Errors
    /// [`Failure`] if it does not answer as api.md says.
    pub async fn status(&self, at: usize) -> Result<Status, Failure> {
        let path = "/cluster/status";
        let reply = self.client(at).get_json(path).await?;
        Status::read(&reply).map_err(|wanted| Failure::Reply {
            path: path.to_owned(),
            status: 200,
            body: reply.to_canonical(),
            wanted,
        })
    }

    /// Waits until a node that runs says it leads and every other that runs
    /// agrees. Gives its place.
    ///
    /// # Errors
    /// [`Failure::TooLate`] if there is none.
    pub async fn leader(&mut self) -> Result<usize, Failure> {
        let running = self.running();
        self.leader_of(&running).await
    }

    /// The same of these nodes alone.
    ///
    /// # Errors
    /// [`Failure::TooLate`] if there is none.
    pub async fn leader_of(&self, places: &[usize]) -> Result<usize, Failure> {
        wait::until("one leader known to all", PATIENCE, async || {
            let statuses = self.statuses(places).await.map_err(|err| err.to_string())?;
            let leader = statuses.iter().find(|(_, status)| status.role == "leader");
            let (at, leader) = leader.ok_or("nobody leads")?;
            let name = Some(leader.node_id.clone());
            match statuses.iter().find(|(_, status)| status.leader_id != name) {
                None => Ok(*at),
                Some((_, other)) => Err(format!("{} follows {:?}", other.node_id, other.leader_id)),
            }
        })
        .await
    }

    /// Waits until every running node names this many voters.
    ///
    /// # Errors
    /// [`Failure::TooLate`] if one does not.
    pub async fn wait_for_voters(&mut self, count: usize) -> Result<(), Failure> {
        let running = self.running();
        wait::until(&format!("{count} voters"), PATIENCE, async || {
            let statuses = self.statuses(&running).await.map_err(|err| err.to_string())?;
            match statuses.iter().find(|(_, status)| status.voters.len() != count) {
                None => Ok(()),
                Some((_, status)) => Err(format!("{}: {:?}", status.node_id, status.voters)),
            }
        })
        .await
    }

    /// Waits until every running node has applied as much as every other and
    /// gives what they say. Whether that is the same thing is for the checks.
    ///
    /// # Errors
    /// [`Failure::TooLate`] if they do not come to rest.
    pub async fn settle(&mut self) -> Result<Vec<Status>, Failure> {
        let running = self.running();
        wait::until("the nodes to apply equally much", PATIENCE, async || {
            let statuses = self.statuses(&running).await.map_err(|err| err.to_string())?;
            let applied: Vec<u64> = statuses.iter().map(|(_, one)| one.applied_index).collect();
            if applied.windows(2).all(|pair| pair[0] == pair[1]) {
                return Ok(statuses.into_iter().map(|(_, status)| status).collect());
            }
            Err(format!("applied {applied:?}"))
        })
        .await
    }

    async fn statuses(&self, places: &[usize]) -> Result<Vec<(usize, Status)>, Failure> {
        let mut statuses = Vec::with_capacity(places.len());
        for at in places {
            statuses.push((*at, self.status(*at).await?));
        }
        Ok(statuses)
    }

    /// Lines of the logs that no run may leave, faults or not.
    pub fn panics(&self) -> Vec<String> {
        let mut found = Vec::new();
        for node in &self.nodes {
            let text = node.log_text();
            let lines = text.lines().filter(|line| line.contains("panicked at"));
            found.extend(lines.map(|line| format!("{}: {line}", node.setup().name)));
        }
        found
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let places: Vec<usize> = (0..self.nodes.len()).collect();
        self.kill(&places);
        if std::thread::panicking() {
            self.nodes.iter().for_each(Node::show_log);
            // Kept for whoever looks into the failure.
            let _ = self.directory.take().map(TempDir::keep);
        }
    }
}
