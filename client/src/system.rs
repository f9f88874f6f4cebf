//! How a node is.

use serde::Deserialize;

use crate::call::Call;
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// Reply to `GET /health`.
#[derive(Clone, Debug, Deserialize)]
pub struct Health {
    /// `healthy`, `degraded` or `unhealthy`.
    pub status: String,
    /// Of the software.
    pub version: String,
    /// Name of the node.
    pub node_id: String,
    /// What it is to its cluster.
    pub role: String,
    /// The leader it knows.
    pub leader_id: Option<String>,
    /// When it said so.
    pub timestamp: String,
}

/// Reply to `GET /status`.
#[derive(Clone, Debug, Deserialize)]
pub struct Status {
    /// `operational` or `degraded`.
    pub status: String,
    /// Name of the node.
    pub node_id: String,
    /// Its cluster; none before it has one.
    pub cluster_id: Option<String>,
    /// Whether a policy was ever loaded.
    pub policy_loaded: bool,
    /// The policy in force.
    pub policy_version: u64,
    /// Its hash.
    pub policy_hash: String,
    /// Its mode.
    pub policy_mode: String,
    /// Entries from genesis.
    pub ledger_entries: u64,
    /// Since the node started.
    pub uptime_seconds: u64,
    /// `open` or `required`.
    pub auth_mode: String,
    /// When it said so.
    pub timestamp: String,
}

impl Client {
    /// How the node asked is. Of several nodes the first that answers is asked,
    /// so a client of one node is what watches that node.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn health(&self) -> Result<Reply<Health>, Error> {
        self.call(&Call::get(["health"]).taking_unhealthy()).await
    }

    /// What the node asked serves.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn status(&self) -> Result<Reply<Status>, Error> {
        self.call(&Call::get(["status"])).await
    }

    /// The metrics of the node asked, as Prometheus text.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn metrics(&self) -> Result<String, Error> {
        self.send(&Call::get(["metrics"])).await?.into_text()
    }
}
