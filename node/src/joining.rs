//! Joining a cluster through any of its members.
//!
//! The nonce is written down before it is sent and the identity before Raft
//! starts, so a crash at any point is followed by the same question and the
//! same answer.

use std::time::Duration;

use client::cluster::NewNode;
use client::tls::{self, Trust};
use client::{Client, Credential, Error, Options};
use governance::command::NodeDescription;
use raft::{ChangeError, Role};
use secrecy::ExposeSecret as _;
use storage::DataDir;
use tokio::time::Instant;
use types::{Json, RaftId};

use crate::config::{Config, PairFiles};
use crate::identity::{Identity, Joining};
use crate::run::{Running, StartError};

/// How long a node asks to be let in before it gives up.
const ASK_MAX: Duration = Duration::from_secs(60);

/// Pauses between tries: doubled from the first to the last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Asks to be let in, until it is or the time is up.
pub(crate) async fn ask(
    config: &Config,
    dir: &DataDir,
    node: NodeDescription,
) -> Result<(Identity, Joining), StartError> {
    let joining = match Joining::load(dir)? {
        Some(joining) if joining.name == node.name => joining,
        _ => begin(config, dir, &node.name)?,
    };
    let client = Client::with_options(options(config));
    let client = client.map_err(|err| refused(config, &err.to_string()))?;
    let asked = new_node(&node, &joining.nonce);
    let deadline = Instant::now() + ASK_MAX;
    let mut pause = PAUSES.0;
    loop {
        let why = match client.add(asked.clone()).await {
            Ok(reply) => {
                let identity = identity(&reply.raw, &node.name);
                let identity = identity.ok_or_else(|| refused(config, "the reply says no id"))?;
                identity.save(dir)?;
                return Ok((identity, joining));
            }
            Err(Error::Problem(problem)) if problem.status < 500 && problem.status != 429 => {
                return Err(refused(config, &problem.to_string()));
            }
            Err(error) => error.to_string(),
        };
        if deadline < Instant::now() + pause {
            return Err(refused(config, &why));
        }
        tracing::info!(why, "not let in yet");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Whom a node believes that asks to be let in, and what it shows.
fn options(config: &Config) -> Options {
    let own = config.tls.peers.as_ref().map(|peers| peers.own.clone());
    let identity =
        own.map(|PairFiles { cert, key }| tls::Identity { cert_file: cert, key_file: key });
    let mut options = Options::new(&config.join);
    let token = config.join_token.as_ref();
    options.credential = token.map(|token| Credential::new(token.expose_secret()));
    options.trust = Trust { ca_file: config.tls.trusted(), identity };
    options
}

fn begin(config: &Config, dir: &DataDir, name: &str) -> Result<Joining, StartError> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(StartError::Random)?;
    let nonce = types::digest::to_hex(&nonce);
    let joining = Joining { nonce, name: name.to_owned(), learner: config.learner };
    joining.save(dir)?;
    Ok(joining)
}

fn refused(config: &Config, why: &str) -> StartError {
    StartError::Join { urls: config.join.join(","), why: why.to_owned() }
}

/// Becomes a voter, once it has caught up, and forgets that it was joining.
pub(crate) async fn finish(
    running: &Running,
    dir: &DataDir,
    joining: &Joining,
) -> Result<(), StartError> {
    if !joining.learner {
        become_voter(running).await;
    }
    Joining::finish(dir)?;
    tracing::info!(node = %running.identity.name, learner = joining.learner, "joined the cluster");
    Ok(())
}

/// Asks for a vote until it has one. A node that is voted out while it asks is
/// an operator's to bring back.
async fn become_voter(running: &Running) {
    let me = running.identity.raft_id;
    let mut pause = PAUSES.0;
    loop {
        let status = running.handle.status();
        if status.voters.contains(&me) && status.role != Role::Learner {
            return;
        }
        match running.handle.promote(me).await {
            Ok(_) => return,
            Err(ChangeError::NotCaughtUp { lag }) => tracing::info!(lag, "catching up"),
            Err(error) => tracing::info!(%error, "not a voter yet"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Who the cluster says this node is.
fn identity(reply: &Json, name: &str) -> Option<Identity> {
    let reply = reply.as_object()?;
    Some(Identity {
        cluster_id: reply.get("cluster_id")?.as_str()?.parse().ok()?,
        raft_id: RaftId(reply.get("raft_id")?.as_u64()?),
        name: name.to_owned(),
        incarnation: reply.get("incarnation")?.as_u64()?,
    })
}

/// The node as `POST /cluster/nodes` takes it.
fn new_node(node: &NodeDescription, nonce: &str) -> NewNode {
    let keys = node.keys.iter().map(|key| {
        Json::object([
            ("kid", key.id.to_string().into()),
            ("use", key.usage.as_str().into()),
            ("x", ledger::signature::to_text(&key.bytes).into()),
        ])
    });
    NewNode {
        name: node.name.clone(),
        api_address: node.api_address.clone(),
        peer_address: node.peer_address.clone(),
        keys: keys.collect(),
        nonce: nonce.to_owned(),
        region: node.region.clone(),
        zone: node.zone.clone(),
    }
}
