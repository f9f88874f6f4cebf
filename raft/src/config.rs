//! What a replica is told when it starts.

use std::time::Duration;

use types::{ClusterId, RaftId};

use crate::proposer::Bounds;
use crate::transport::tls::Tls;

/// Settings of one replica. [`Config::new`] gives the defaults for nodes of one
/// region; between regions the timers must exceed the round trip severalfold.
#[derive(Clone, Debug)]
pub struct Config {
    /// The cluster this node belongs to.
    pub cluster_id: ClusterId,
    /// The Raft group.
    pub group: String,
    /// This node, for ever.
    pub raft_id: RaftId,
    /// How often a leader reminds the others. Must exceed the round trip:
    /// a reminder that is not answered within it does not count.
    pub heartbeat: Duration,
    /// Least random wait before an election.
    pub election_timeout_min: Duration,
    /// Greatest random wait before an election; also the leader's lease.
    pub election_timeout_max: Duration,
    /// Bounds of what is proposed.
    pub bounds: Bounds,
    /// Bounds of the transport.
    pub transport: TransportConfig,
    /// When the log is shortened.
    pub retention: Retention,
    /// How far this node's clock may be from the majority's for it to stamp.
    pub clock_skew_max: Duration,
    /// How often the leader compares clocks.
    pub clock_probe_interval: Duration,
    /// How often a node measures how stale it is.
    pub staleness_probe_interval: Duration,
    /// How many entries a learner may lack and still be promoted.
    pub promotion_lag_max: u64,
    /// How long a change of membership may take before it is `Unknown`.
    pub change_wait: Duration,
    /// Certificates of the connections between nodes; none: plain TCP, for
    /// loopback.
    pub tls: Option<Tls>,
}

impl Config {
    /// Defaults for nodes that are a few milliseconds apart.
    pub fn new(cluster_id: ClusterId, group: impl Into<String>, raft_id: RaftId) -> Self {
        Self {
            cluster_id,
            group: group.into(),
            raft_id,
            heartbeat: Duration::from_millis(150),
            election_timeout_min: Duration::from_millis(600),
            election_timeout_max: Duration::from_millis(900),
            bounds: Bounds::default(),
            transport: TransportConfig::default(),
            retention: Retention::default(),
            clock_skew_max: Duration::from_millis(500),
            clock_probe_interval: Duration::from_secs(1),
            staleness_probe_interval: Duration::from_millis(250),
            promotion_lag_max: 1_000,
            change_wait: Duration::from_secs(10),
            tls: None,
        }
    }

    /// How long a member that says nothing still counts as reachable.
    pub(crate) fn contact_max(&self) -> Duration {
        self.election_timeout_max * 2
    }

    /// openraft's own settings, validated by it.
    pub(crate) fn openraft(&self) -> Result<openraft::Config, openraft::ConfigError> {
        let lease = millis(self.election_timeout_max);
        openraft::Config {
            cluster_name: format!("{}/{}", self.cluster_id, self.group),
            heartbeat_interval: millis(self.heartbeat),
            election_timeout_min: millis(self.election_timeout_min),
            election_timeout_max: lease,
            enable_pre_vote: Some(true),
            // A leader that lost its quorum goes silent in turns, so that the
            // others' leases can end (openraft issue 2080).
            quorum_loss_probe_interval: Some(lease.saturating_mul(5) / 2),
            // Classic Raft: whoever restarts stands for election.
            enable_leader_restore: Some(false),
            max_payload_entries: 1_024,
            max_append_entries: Some(1_024),
            api_batch_capacity: 1_024,
            api_channel_size: Some(4_096),
            state_machine_channel_size: Some(1_024),
            // Snapshots and purges are ours to trigger, by bytes and age.
            snapshot_policy: openraft::SnapshotPolicy::Never,
            max_in_snapshot_log_to_keep: u64::MAX,
            purge_batch_size: 1,
            install_snapshot_timeout: millis(self.transport.snapshot_idle_max),
            backoff: "100ms 200ms ...2s".to_owned(),
            ..openraft::Config::default()
        }
        .validate()
    }
}

/// Bounds of the connections between nodes.
#[derive(Clone, Debug)]
pub struct TransportConfig {
    /// Of one connection attempt.
    pub connect_timeout: Duration,
    /// Silence after which a connection is asked for a sign of life.
    pub keepalive_interval: Duration,
    /// How long that sign may take.
    pub keepalive_timeout: Duration,
    /// How long replication requests may go unanswered before the stream is
    /// given up.
    pub progress_max: Duration,
    /// How long a snapshot transfer may stand still.
    pub snapshot_idle_max: Duration,
    /// How long the receiver may take to put a complete snapshot in place.
    pub snapshot_install_max: Duration,
    /// Bytes of one piece of a snapshot file.
    pub snapshot_chunk_bytes: usize,
    /// Files of one snapshot.
    pub snapshot_files_max: usize,
    /// What one snapshot on its way out takes of the disk and the network.
    pub snapshot_bytes_per_second: u64,
}

impl Default for TransportConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(1),
            keepalive_interval: Duration::from_millis(500),
            keepalive_timeout: Duration::from_millis(1_500),
            progress_max: Duration::from_secs(2),
            snapshot_idle_max: Duration::from_secs(10),
            snapshot_install_max: Duration::from_secs(600),
            snapshot_chunk_bytes: 512 << 10,
            snapshot_files_max: 65_536,
            snapshot_bytes_per_second: 64 << 20,
        }
    }
}

/// When a snapshot is taken and the log shortened: whichever comes first.
#[derive(Clone, Debug)]
pub struct Retention {
    /// Bytes of the log.
    pub log_bytes_max: u64,
    /// Age of what the log holds.
    pub log_age_max: Duration,
    /// How often both are looked at.
    pub check_interval: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            log_bytes_max: 1 << 30,
            log_age_max: Duration::from_secs(24 * 3600),
            check_interval: Duration::from_secs(10),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
