//! What the interface is configured with, apart from where it listens.

use std::time::Duration;

/// Who is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthMode {
    /// Everybody, on a loopback address, as long as there are no accounts.
    #[default]
    Open,
    /// Whoever shows a credential.
    Required,
}

impl AuthMode {
    /// The word in the configuration and in `/status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Required => "required",
        }
    }
}

/// Bounds and switches of the interface.
#[derive(Clone, Debug)]
pub struct Config {
    /// Version that `/health` and `/` show.
    pub version: &'static str,
    /// Who is served.
    pub auth: AuthMode,
    /// Whether the interface is served over TLS. Then replies tell browsers to come
    /// over nothing else, and cookies are for it alone.
    pub is_tls: bool,
    /// Origins that browsers may call from; none by default, and never `*`.
    pub cors_origins: Vec<String>,
    /// Whether `/metrics` answers.
    pub metrics_enabled: bool,
    /// Requests in progress at once; more are refused with 429.
    pub concurrency_max: usize,
    /// Audits (verification, long lists) in progress at once.
    pub audits_max: usize,
    /// Policies read and answers explained at once.
    pub studies_max: usize,
    /// Time for a request from its head to its answer.
    pub request_timeout: Duration,
    /// Time for an audit, which reads as much as is asked for.
    pub audit_timeout: Duration,
    /// Wait for a leader, a quorum or an index before a read is refused.
    pub consistency_timeout: Duration,
    /// Bytes of a context as RFC 8785.
    pub context_bytes_max: usize,
    /// How many of the newest decisions a policy is replayed against before it
    /// is loaded. It is refused if it would allow what was denied, unless that
    /// is acknowledged. `None`: nothing is replayed and nothing refused.
    pub impact_gate: Option<u64>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            auth: AuthMode::Open,
            is_tls: false,
            cors_origins: Vec::new(),
            metrics_enabled: true,
            concurrency_max: 1024,
            audits_max: 2,
            studies_max: 2,
            request_timeout: Duration::from_secs(10),
            audit_timeout: Duration::from_secs(600),
            consistency_timeout: Duration::from_secs(5),
            context_bytes_max: 64 << 10,
            impact_gate: None,
        }
    }
}

/// Bounds of the listener.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once; more wait in the backlog of the socket.
    pub connections_max: usize,
    /// Time for the head of a request, and for the first bytes of a connection
    /// with its handshake.
    pub head_timeout: Duration,
    /// A connection on which nothing moves for so long is closed.
    pub idle_timeout: Duration,
    /// Bytes of the head of a request.
    pub head_bytes_max: u32,
    /// Streams of one HTTP/2 connection.
    pub streams_max: u32,
    /// Time that requests in progress have to end at shutdown.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 4096,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            head_bytes_max: 32 << 10,
            streams_max: 256,
            grace: Duration::from_secs(10),
        }
    }
}
