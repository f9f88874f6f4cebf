//! The table of settings: the only list of them there is.

/// What a value looks like on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// `--learner` alone means true.
    Switch,
    /// From the environment alone, and never shown: other users of the machine
    /// see the arguments of a process, and files are copied.
    Secret,
}

/// A setting. Its flag is its key with dashes, unless `flag` says otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) key: &'static str,
    pub(super) flag: Option<&'static str>,
    pub(super) environment: &'static str,
    /// A name from elsewhere that means the same.
    pub(super) also: Option<&'static str>,
    pub(super) default: Option<&'static str>,
    pub(super) kind: Kind,
    pub(super) value_name: &'static str,
    pub(super) help: &'static str,
}

const fn text(
    key: &'static str,
    environment: &'static str,
    value_name: &'static str,
    help: &'static str,
) -> Setting {
    Setting {
        key,
        flag: None,
        environment,
        also: None,
        default: None,
        kind: Kind::Text,
        value_name,
        help,
    }
}

impl Setting {
    const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    const fn also(self, name: &'static str) -> Self {
        Self { also: Some(name), ..self }
    }

    const fn flagged(self, flag: &'static str) -> Self {
        Self { flag: Some(flag), ..self }
    }

    const fn secret(self) -> Self {
        Self { kind: Kind::Secret, ..self }
    }

    const fn switch(self) -> Self {
        Self { kind: Kind::Switch, ..self }
    }
}

pub(super) const SETTINGS: &[Setting] = &[
    text(
        "node_id",
        "LEXECON_NODE_ID",
        "NAME",
        "Name of this node, 1..64 characters; else the data directory's, else the host's",
    ),
    text("data_dir", "LEXECON_DATA_DIR", "DIR", "Where everything is kept").or("lexecon-data"),
    text("listen", "LEXECON_LISTEN", "HOST:PORT", "REST and gRPC").or("127.0.0.1:8000"),
    text("peer_listen", "LEXECON_PEER_LISTEN", "HOST:PORT", "Other nodes").or("127.0.0.1:9000"),
    text("advertise", "LEXECON_ADVERTISE", "URL", "Address told to clients, if not --listen"),
    text(
        "peer_advertise",
        "LEXECON_PEER_ADVERTISE",
        "HOST:PORT",
        "Address told to other nodes, if not --peer-listen",
    ),
    text(
        "join",
        "LEXECON_JOIN",
        "URL[,URL]",
        "Join the cluster of these members instead of founding one; an existing directory resumes",
    ),
    text(
        "join_token",
        "LEXECON_JOIN_TOKEN",
        "TOKEN",
        "Lets this node in where accounts are needed: see lexecon cluster token",
    )
    .secret(),
    text("learner", "LEXECON_LEARNER", "BOOL", "Replicate without a vote after joining")
        .or("false")
        .switch(),
    text("region", "LEXECON_REGION", "R", "Where this node stands"),
    text("zone", "LEXECON_ZONE", "Z", "Failure domain within the region"),
    text(
        "auth.mode",
        "LEXECON_AUTH_MODE",
        "MODE",
        "`open`: no login, loopback only; `required`: a credential for all that is not public",
    )
    .flagged("auth")
    .or("open"),
    text(
        "tls.cert_file",
        "LEXECON_TLS_CERT_FILE",
        "FILE",
        "Certificate (PEM, with those up to its authority) that the API shows; needs its key",
    ),
    text("tls.key_file", "LEXECON_TLS_KEY_FILE", "FILE", "Key (PEM) of that certificate"),
    text(
        "tls.ca_file",
        "LEXECON_TLS_CA_FILE",
        "FILE",
        "Authorities (PEM) to believe when joining over https, if not tls.peer_ca_file",
    ),
    text(
        "tls.peer_cert_file",
        "LEXECON_TLS_PEER_CERT_FILE",
        "FILE",
        "Certificate (PEM) that other nodes are shown; must have the URI lexecon:node:NAME",
    ),
    text("tls.peer_key_file", "LEXECON_TLS_PEER_KEY_FILE", "FILE", "Key (PEM) of that certificate"),
    text(
        "tls.peer_ca_file",
        "LEXECON_TLS_PEER_CA_FILE",
        "FILE",
        "Authorities (PEM) that certificates of nodes come from, and nobody else's should",
    ),
    text("log_name", "LEXECON_LOG_NAME", "NAME", "First part of the origin of checkpoints")
        .or("lexecon.local"),
    text(
        "rsa_keys",
        "LEXECON_RSA_KEYS",
        "BOOL",
        "Sign checkpoints with RSA-4096 too, once a minute, for the long term",
    )
    .or("true")
    .switch(),
    text(
        "scrub_interval_s",
        "LEXECON_SCRUB_INTERVAL_S",
        "S",
        "How often everything stored is read and compared on every node",
    )
    .or("86400"),
    text(
        "forget_after_s",
        "LEXECON_FORGET_AFTER_S",
        "S",
        "How long after an erasure its bytes are removed from every file, at most 82800",
    )
    .or("3600"),
    text(
        "rebuild",
        "LEXECON_REBUILD",
        "MODE",
        "What a node does that has diverged: `auto` rebuilds it, `manual` waits for an operator",
    )
    .or("auto"),
    text(
        "policy.impact_gate",
        "LEXECON_POLICY_IMPACT_GATE",
        "BOOL",
        "Refuse a policy that would allow what was denied lately, unless that is acknowledged",
    )
    .or("false")
    .switch(),
    text(
        "policy.impact_window",
        "LEXECON_POLICY_IMPACT_WINDOW",
        "N",
        "How many of the newest decisions the gate replays",
    )
    .or("10000"),
    text(
        "retention.personal_days",
        "LEXECON_RETENTION_PERSONAL_DAYS",
        "DAYS",
        "How long the cluster keeps personal parts of records, at least 183; set it alike on all",
    ),
    text(
        "retention.high_risk_days",
        "LEXECON_RETENTION_HIGH_RISK_DAYS",
        "DAYS",
        "How long it keeps the data part of records of high risk, at least 3650",
    ),
    text(
        "retention.days",
        "LEXECON_RETENTION_DAYS",
        "DAYS",
        "How long it keeps the data part of other records, at least 183",
    ),
    text(
        "exports.file_mib_max",
        "LEXECON_EXPORTS_FILE_MIB_MAX",
        "MIB",
        "How large a file of an audit export may be; a million decisions have about 5000",
    )
    .or("32768"),
    text(
        "exports.directory_mib_max",
        "LEXECON_EXPORTS_DIRECTORY_MIB_MAX",
        "MIB",
        "How large such files may be together before the oldest are removed",
    )
    .or("65536"),
    text(
        "notify.webhook_url",
        "LEXECON_NOTIFY_WEBHOOK_URL",
        "URL",
        "Where notices of escalations go, besides the log: https://, or http:// of this machine",
    ),
    text(
        "notify.webhook_secret_file",
        "LEXECON_NOTIFY_WEBHOOK_SECRET_FILE",
        "FILE",
        "Holds `whsec_` and base64 of the 24 to 64 bytes that sign them",
    ),
    text(
        "notify.webhook_ca_file",
        "LEXECON_NOTIFY_WEBHOOK_CA_FILE",
        "FILE",
        "Authorities (PEM) to believe of its receiver, instead of those of the system",
    ),
    text(
        "encryption.key",
        "DB_ENCRYPTION_KEY",
        "KEY",
        "Seals the keys of log, state and snapshots",
    )
    .secret(),
    text(
        "encryption.key_file",
        "DB_ENCRYPTION_KEY_FILE",
        "FILE",
        "Holds the key that seals the keys of log, state and snapshots",
    ),
    text(
        "encryption.key_command",
        "DB_ENCRYPTION_KEY_COMMAND",
        "COMMAND",
        "Prints the key that seals the keys of log, state and snapshots",
    ),
    text("encryption.key_previous", "DB_ENCRYPTION_KEY_PREVIOUS", "KEY", "What it was before")
        .secret(),
    text(
        "encryption.key_previous_file",
        "DB_ENCRYPTION_KEY_PREVIOUS_FILE",
        "FILE",
        "Holds what it was before, for the start that changes it",
    ),
    text(
        "encryption.master_key",
        "LEXECON_MASTER_KEY",
        "KEY",
        "Seals the private keys of the node",
    )
    .secret(),
    text(
        "encryption.master_key_file",
        "LEXECON_MASTER_KEY_FILE",
        "FILE",
        "Holds the key that seals the private keys of the node",
    ),
    text(
        "encryption.master_key_command",
        "LEXECON_MASTER_KEY_COMMAND",
        "COMMAND",
        "Prints the key that seals the private keys of the node",
    ),
    text(
        "encryption.master_key_previous",
        "LEXECON_MASTER_KEY_PREVIOUS",
        "KEY",
        "What it was before",
    )
    .secret(),
    text(
        "encryption.master_key_previous_file",
        "LEXECON_MASTER_KEY_PREVIOUS_FILE",
        "FILE",
        "Holds what it was before, for the start that changes it",
    ),
    text(
        "encryption.rotate_after_s",
        "LEXECON_ENCRYPTION_ROTATE_AFTER_S",
        "S",
        "Age at which the key of log and state is replaced, and both are sealed anew",
    )
    .or("2592000"),
    text(
        "base_url",
        "LEXECON_BASE_URL",
        "URL",
        "Where browsers reach this interface: providers of logins send them back there",
    ),
    text("oidc.google.client_id", "OIDC_GOOGLE_CLIENT_ID", "ID", "What Google calls this service"),
    text(
        "oidc.google.client_secret",
        "OIDC_GOOGLE_CLIENT_SECRET",
        "SECRET",
        "What shows Google that it is this service",
    )
    .secret(),
    text(
        "oidc.google.client_secret_file",
        "OIDC_GOOGLE_CLIENT_SECRET_FILE",
        "FILE",
        "Holds what shows Google that it is this service",
    ),
    text(
        "oidc.google.scopes",
        "OIDC_GOOGLE_SCOPES",
        "SCOPE[,..]",
        "What is asked for besides `openid`",
    )
    .or("profile,email"),
    text(
        "oidc.google.role_claim",
        "OIDC_GOOGLE_ROLE_CLAIM",
        "CLAIM",
        "Claim whose value gives a new account its role",
    ),
    text(
        "oidc.google.role_map",
        "OIDC_GOOGLE_ROLE_MAP",
        "VALUE=ROLE[,..]",
        "Which value gives which role; without, a new account is a viewer",
    ),
    text("oidc.azure.client_id", "OIDC_AZURE_CLIENT_ID", "ID", "What Azure calls this service"),
    text(
        "oidc.azure.client_secret",
        "OIDC_AZURE_CLIENT_SECRET",
        "SECRET",
        "What shows Azure that it is this service",
    )
    .secret(),
    text(
        "oidc.azure.client_secret_file",
        "OIDC_AZURE_CLIENT_SECRET_FILE",
        "FILE",
        "Holds what shows Azure that it is this service",
    ),
    text(
        "oidc.azure.tenant",
        "OIDC_AZURE_TENANT",
        "UUID",
        "The tenant whose people may log in, by its id",
    ),
    text(
        "oidc.azure.scopes",
        "OIDC_AZURE_SCOPES",
        "SCOPE[,..]",
        "What is asked for besides `openid`",
    )
    .or("profile,email"),
    text(
        "oidc.azure.role_claim",
        "OIDC_AZURE_ROLE_CLAIM",
        "CLAIM",
        "Claim whose value gives a new account its role",
    ),
    text(
        "oidc.azure.role_map",
        "OIDC_AZURE_ROLE_MAP",
        "VALUE=ROLE[,..]",
        "Which value gives which role; without, a new account is a viewer",
    ),
    text(
        "oidc.custom.client_id",
        "OIDC_CUSTOM_CLIENT_ID",
        "ID",
        "What the provider calls this service",
    ),
    text(
        "oidc.custom.client_secret",
        "OIDC_CUSTOM_CLIENT_SECRET",
        "SECRET",
        "What shows the provider that it is this service",
    )
    .secret(),
    text(
        "oidc.custom.client_secret_file",
        "OIDC_CUSTOM_CLIENT_SECRET_FILE",
        "FILE",
        "Holds what shows the provider that it is this service",
    ),
    text(
        "oidc.custom.discovery_url",
        "OIDC_CUSTOM_DISCOVERY_URL",
        "URL",
        "Where the provider describes itself: its issuer, or the document itself",
    ),
    text(
        "oidc.custom.scopes",
        "OIDC_CUSTOM_SCOPES",
        "SCOPE[,..]",
        "What is asked for besides `openid`",
    )
    .or("profile,email"),
    text(
        "oidc.custom.role_claim",
        "OIDC_CUSTOM_ROLE_CLAIM",
        "CLAIM",
        "Claim whose value gives a new account its role",
    ),
    text(
        "oidc.custom.role_map",
        "OIDC_CUSTOM_ROLE_MAP",
        "VALUE=ROLE[,..]",
        "Which value gives which role; without, a new account is a viewer",
    ),
    text("log_level", "LEXECON_LOG_LEVEL", "LEVEL", "ERROR WARNING INFO DEBUG TRACE").or("INFO"),
    text("log_format", "LEXECON_LOG_FORMAT", "FORMAT", "`text` or `json`").or("text"),
    text("enable_metrics", "LEXECON_ENABLE_METRICS", "BOOL", "Whether /metrics answers")
        .or("true")
        .switch(),
    text(
        "metrics_listen",
        "LEXECON_METRICS_LISTEN",
        "HOST:PORT",
        "An address of its own for /metrics, which --listen then does not answer",
    ),
    text(
        "rate_limit.global_per_ip",
        "LEXECON_RATE_LIMIT_GLOBAL_PER_IP",
        "N/S",
        "Requests in seconds from one address, probes apart; without a limit unless set",
    ),
    text(
        "rate_limit.auth_login",
        "LEXECON_RATE_LIMIT_AUTH_LOGIN",
        "N/S",
        "Attempts to log in, in seconds, from one address; unless set 5/300 in mode `required`",
    ),
    text(
        "rate_limit.per_principal",
        "LEXECON_RATE_LIMIT_PER_PRINCIPAL",
        "N/S",
        "Requests in seconds of one user or API key; without a limit unless set",
    ),
    text(
        "trusted_proxies",
        "LEXECON_TRUSTED_PROXIES",
        "CIDR[,..]",
        "Proxies whose X-Forwarded-For says where a request comes from",
    ),
    text("cors_origins", "LEXECON_CORS_ORIGINS", "ORIGIN[,..]", "Origins browsers may call from"),
    text(
        "limit_concurrency",
        "LEXECON_LIMIT_CONCURRENCY",
        "N",
        "Requests served at once; more are answered 429",
    )
    .also("UVICORN_LIMIT_CONCURRENCY")
    .or("8192"),
    text("workers", "LEXECON_WORKERS", "N", "Runtime threads").or("2"),
    text("request_timeout_ms", "LEXECON_REQUEST_TIMEOUT_MS", "MS", "Longest a write is awaited")
        .or("10000"),
    text("raft.heartbeat_ms", "LEXECON_RAFT_HEARTBEAT_MS", "MS", "Heartbeat of the leader")
        .or("150"),
    text(
        "raft.election_timeout_min_ms",
        "LEXECON_RAFT_ELECTION_TIMEOUT_MIN_MS",
        "MS",
        "Least silence of a leader before an election",
    )
    .or("600"),
    text(
        "raft.election_timeout_max_ms",
        "LEXECON_RAFT_ELECTION_TIMEOUT_MAX_MS",
        "MS",
        "Greatest silence of a leader before an election; also its lease",
    )
    .or("900"),
    text(
        "raft.log_bytes_max",
        "LEXECON_RAFT_LOG_BYTES_MAX",
        "BYTES",
        "The log is snapshotted and purged past so many bytes",
    )
    .or("1073741824"),
    text(
        "raft.log_age_max_s",
        "LEXECON_RAFT_LOG_AGE_MAX_S",
        "S",
        "The log is snapshotted and purged past this age",
    )
    .or("86400"),
];

/// Variables that mean something to others of ours, or were promised and have
/// no effect yet.
pub(super) const WITHOUT_EFFECT: &[&str] = &[
    "LEXECON_DB_POOL_SIZE",
    "LEXECON_DB_MAX_OVERFLOW",
    "LEXECON_REDIS_URL",
    "LEXECON_REDIS_MAX_CONNECTIONS",
];

/// Variables of the clients, which a server ignores.
pub(super) const OF_CLIENTS: &[&str] = &[
    "LEXECON_URL",
    "LEXECON_API_KEY",
    "LEXECON_BIN",
    "LEXECON_CA_FILE",
    "LEXECON_CLIENT_CERT_FILE",
    "LEXECON_CLIENT_KEY_FILE",
];

/// Named by the product's first description.
pub(super) const DATABASE_URL: &str = "LEXECON_DATABASE_URL";
