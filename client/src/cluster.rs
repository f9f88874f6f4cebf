//! The cluster: who belongs to it, and changing that.
//!
//! Changes carry no key of their own, so they are sent once; each can be asked
//! about beforehand with [`Client::plan`].

use reqwest::Method;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use types::{Json, Object};

use crate::auth::maybe_secret;
use crate::call::{Call, Effect};
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// Reply to `GET /cluster/status`.
#[derive(Clone, Debug, Deserialize)]
pub struct ClusterStatus {
    /// The cluster.
    pub cluster_id: String,
    /// The node that answered.
    pub node_id: String,
    /// `leader`, `follower`, `learner` or `candidate`.
    pub role: String,
    /// The leader it knows.
    pub leader_id: Option<String>,
    /// Raft term.
    pub term: u64,
    /// Log index known to be committed.
    pub commit_index: u64,
    /// Log index applied.
    pub applied_index: u64,
    /// Entries from genesis.
    pub ledger_size: u64,
    /// Root of the ledger's tree.
    pub root_hash: String,
    /// Digest of the whole state.
    pub state_hash: String,
    /// The policy in force.
    pub policy_hash: String,
    /// Who votes.
    pub voters: Vec<String>,
    /// Who only follows.
    pub learners: Vec<String>,
    /// Which meaning commands have.
    pub feature_level: u64,
    /// Whether the replicas agree.
    pub divergence: Divergence,
}

/// Whether the replicas agree.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Divergence {
    /// Whether they did when last compared.
    pub consistent: Option<bool>,
    /// At which ledger size.
    pub checked_at_size: Option<u64>,
}

/// What the voters found at a final checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Comparison {
    /// Whether all who signed found the same.
    pub consistent: bool,
    /// Size of the checkpoint.
    pub size: u64,
    /// Each voter.
    pub nodes: Vec<Found>,
    /// Where the first of them differs.
    pub first_difference: Option<Difference>,
}

/// What a voter found; none of it while it has not signed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Found {
    /// Its name.
    pub node_id: String,
    /// Root of its tree.
    pub root_hash: Option<String>,
    /// Digest of its whole state.
    pub state_hash: Option<String>,
    /// Its policy in force.
    pub policy_hash: Option<String>,
}

/// Where a voter differs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Difference {
    /// The first entry that differs, once the node was rebuilt.
    pub entry_id: Option<u64>,
    /// The voter.
    pub node_id: String,
    /// The line of the checkpoint that differs first.
    pub field: String,
}

/// Reply to `GET /cluster/nodes`.
#[derive(Clone, Debug, Deserialize)]
pub struct Nodes {
    /// Every member.
    pub nodes: Vec<Node>,
}

/// A member.
#[derive(Clone, Debug, Deserialize)]
pub struct Node {
    /// Its name.
    pub node_id: String,
    /// What consensus calls it.
    pub raft_id: u64,
    /// Of its API.
    pub address: String,
    /// For other members.
    pub peer_address: String,
    /// Where it is.
    pub region: Option<String>,
    /// Where it is.
    pub zone: Option<String>,
    /// `leader`, `follower`, `learner` or `candidate`.
    pub role: String,
    /// Whether it votes.
    pub voter: bool,
    /// Whether the node asked hears from it.
    pub reachable: Option<bool>,
    /// Log index it has applied.
    pub applied_index: Option<u64>,
    /// How far it is behind.
    pub lag_entries: Option<u64>,
    /// The last run of erasure of which it has no bytes left.
    #[serde(default)]
    pub erased_through_entry_id: Option<u64>,
    /// Of the software.
    pub version: Option<String>,
    /// Since it was last heard.
    pub last_contact_ms: Option<u64>,
    /// Whether it stopped serving.
    pub quarantined: Option<bool>,
}

/// A node that wants to belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNode {
    /// Its name.
    pub name: String,
    /// Of its API.
    pub api_address: String,
    /// For other members.
    pub peer_address: String,
    /// Its public keys.
    pub keys: Vec<Json>,
    /// Same nonce, same answer.
    pub nonce: String,
    /// Where it is.
    pub region: Option<String>,
    /// Where it is.
    pub zone: Option<String>,
}

/// A change of the membership or of who leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Take a node in as a learner.
    Add(NewNode),
    /// Let it vote.
    Promote(String),
    /// Let it vote no longer.
    Demote(String),
    /// Let it go.
    Remove(String),
    /// Let another lead: this one, or whichever is best.
    Transfer(Option<String>),
}

/// What a change would do.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Plan {
    /// Whether it would be carried out.
    pub allowed: bool,
    /// Why not.
    pub reasons: Vec<String>,
    /// Who votes now.
    pub voters_before: Vec<String>,
    /// Who would vote.
    pub voters_after: Vec<String>,
}

/// Reply to a removal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Removed {
    /// True.
    pub removed: bool,
}

/// Reply to a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Leader {
    /// Who leads now.
    pub leader_id: Option<String>,
}

/// Reply to a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Snapshot {
    /// Its id.
    pub snapshot_id: String,
    /// The log index it holds the state at.
    pub index: u64,
    /// How large it is.
    pub size_bytes: u64,
}

/// A token with which one node may join.
#[derive(Clone, Debug, Deserialize)]
pub struct JoinToken {
    /// The credential, told once; `None` where the request was repeated.
    #[serde(default, deserialize_with = "maybe_secret")]
    pub join_token: Option<SecretString>,
    /// From then on it is not taken.
    pub expires_at: String,
    /// The entry that says so.
    pub ledger_entry_id: Option<u64>,
}

impl Client {
    /// The cluster as the node asked sees it.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn cluster_status(&self) -> Result<Reply<ClusterStatus>, Error> {
        self.call(&Call::get(["cluster", "status"])).await
    }

    /// What the voters found at the final checkpoint of a size, or at the last.
    ///
    /// # Errors
    /// Any [`Error`]; voters that differ are none.
    pub async fn divergence(&self, size: Option<u64>) -> Result<Reply<Comparison>, Error> {
        self.call(&Call::get(["cluster", "divergence"]).query("size", size)).await
    }

    /// Every member.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn nodes(&self) -> Result<Reply<Nodes>, Error> {
        self.call(&Call::get(["cluster", "nodes"])).await
    }

    /// What a change would do; nothing is changed.
    ///
    /// # Errors
    /// Any [`Error`]; a change that would be refused is none.
    pub async fn plan(&self, change: &Change) -> Result<Reply<Plan>, Error> {
        let call = change.call().effect(Effect::Read).query("dry_run", Some(true));
        self.call(&call).await
    }

    /// Takes a node in as a learner. Repeating it is safe by its nonce.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn add(&self, node: NewNode) -> Result<Reply<Node>, Error> {
        self.call(&Change::Add(node).call().effect(Effect::Keyed)).await
    }

    /// Lets a learner vote.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn promote(&self, node_id: &str) -> Result<Reply<Node>, Error> {
        self.carry_out(&Change::Promote(node_id.to_owned())).await
    }

    /// Lets a voter vote no longer.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn demote(&self, node_id: &str) -> Result<Reply<Node>, Error> {
        self.carry_out(&Change::Demote(node_id.to_owned())).await
    }

    /// Lets a member go.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn remove(&self, node_id: &str) -> Result<Reply<Removed>, Error> {
        self.carry_out(&Change::Remove(node_id.to_owned())).await
    }

    /// Lets another node lead.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn transfer_leader(&self, to: Option<&str>) -> Result<Reply<Leader>, Error> {
        self.carry_out(&Change::Transfer(to.map(str::to_owned))).await
    }

    /// Has the node asked write a snapshot.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn snapshot(&self) -> Result<Reply<Snapshot>, Error> {
        self.call(&Call::write(Method::POST, ["cluster", "snapshot"])).await
    }

    /// A token with which one node may join within so many seconds, an hour
    /// otherwise.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn join_token(&self, expires_in: Option<u32>) -> Result<Reply<JoinToken>, Error> {
        let mut body = Object::new();
        if let Some(seconds) = expires_in {
            body.insert("expires_in", seconds);
        }
        let call = Call::write(Method::POST, ["cluster", "join-tokens"]).body(&body.into());
        self.call_secret(&call).await
    }

    async fn carry_out<T: DeserializeOwned>(&self, change: &Change) -> Result<Reply<T>, Error> {
        self.call(&change.call()).await
    }
}

impl Change {
    fn call(&self) -> Call {
        let post = |verb: &str, id: &str| Call::write(Method::POST, ["cluster", "nodes", id, verb]);
        match self {
            Self::Add(node) => {
                Call::write(Method::POST, ["cluster", "nodes"]).body(&node.to_json())
            }
            Self::Promote(id) => post("promote", id),
            Self::Demote(id) => post("demote", id),
            Self::Remove(id) => Call::write(Method::DELETE, ["cluster", "nodes", id]),
            Self::Transfer(to) => {
                let mut body = Object::new();
                if let Some(to) = to {
                    body.insert("to", to.as_str());
                }
                Call::write(Method::POST, ["cluster", "transfer-leader"]).body(&body.into())
            }
        }
    }
}

impl NewNode {
    fn to_json(&self) -> Json {
        let mut body = Object::new();
        body.insert("name", self.name.as_str());
        body.insert("api_address", self.api_address.as_str());
        body.insert("peer_address", self.peer_address.as_str());
        body.insert("keys", Json::Array(self.keys.clone()));
        body.insert("nonce", self.nonce.as_str());
        for (name, place) in [("region", &self.region), ("zone", &self.zone)] {
            if let Some(place) = place {
                body.insert(name, place.as_str());
            }
        }
        body.into()
    }
}
