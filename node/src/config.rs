//! One configuration from file, environment and flags.
//!
//! Every setting is one row of `settings::SETTINGS`, from which its flag, its
//! environment variable and its key in the file follow. Flags win over the
//! environment, the environment over the file, the file over the default; what
//! a value is and where it came from can be printed.
//!
//! Invariants
//! - Nothing is ignored silently: an unknown key is an error, a misspelt
//!   variable is an error, one of nobody's is a warning.

mod environment;
mod exports;
mod exposure;
mod file;
mod keys;
mod oidc;
mod retention;
mod senders;
mod settings;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use api::AuthMode;
use clap::{Arg, ArgAction, ArgMatches};
use ipnet::IpNet;
use secrecy::SecretString;
use settings::{Kind, SETTINGS, Setting};
use storage::MasterKey;

use crate::notices::Target;

pub use exports::ExportLimits;
pub use exposure::{PairFiles, PeerFiles, TlsFiles};
pub use retention::Retention;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Flag,
    Environment(String),
    File(PathBuf),
    Default,
}

/// What cannot be started with, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// Everything a server needs to know before it starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// Name of this node; `None` leaves it to the data directory, then to the
    /// host name.
    pub node_id: Option<String>,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// REST and gRPC.
    pub listen: SocketAddr,
    /// Other nodes.
    pub peer_listen: SocketAddr,
    /// What clients are told this node's address is.
    pub advertise: Option<String>,
    /// What other nodes are told to dial.
    pub peer_advertise: Option<String>,
    /// Who is asked who he is.
    pub auth: AuthMode,
    /// Files of certificates.
    pub tls: TlsFiles,
    /// Members to join through; empty founds a cluster.
    pub join: Vec<String>,
    /// What lets this node in.
    pub join_token: Option<SecretString>,
    /// Stay a learner after joining.
    pub learner: bool,
    /// Where this node stands.
    pub region: Option<String>,
    /// Failure domain within the region.
    pub zone: Option<String>,
    /// First part of the origin line of checkpoints.
    pub log_name: String,
    /// Whether checkpoints are signed with RSA too.
    pub rsa_keys: bool,
    /// How often everything stored is read and compared.
    pub scrub_interval: Duration,
    /// How long after an erasure its bytes are removed from every file.
    pub forget_after: Duration,
    /// Whether a node that has diverged is rebuilt without being told to.
    pub rebuild: Rebuild,
    /// What the data directory is sealed with.
    pub encryption: Encryption,
    /// How many of the newest decisions a policy is replayed against before it
    /// is put in force; `None` without the gate.
    pub impact_gate: Option<u64>,
    /// How long records are kept, where this node says so.
    pub retention: Retention,
    /// How large files of exports may be.
    pub exports: ExportLimits,
    /// Where browsers reach the interface, without a slash at the end.
    pub base_url: Option<String>,
    /// Providers of logins.
    pub oidc: Vec<api::OidcProvider>,
    /// Where notices go besides the log.
    pub webhook: Option<Target>,
    /// `ERROR WARNING INFO DEBUG TRACE`.
    pub log_level: String,
    /// `text` or `json`.
    pub log_format: String,
    /// How often one sender may ask.
    pub rates: api::RateLimits,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether `/metrics` answers.
    pub metrics: bool,
    /// Where it does, if not at [`Config::listen`].
    pub metrics_listen: Option<SocketAddr>,
    /// Origins that browsers may call from.
    pub cors_origins: Vec<String>,
    /// Requests served at once; more are told to come back.
    pub concurrency_max: usize,
    /// Runtime threads.
    pub workers: usize,
    /// How long a write may be in flight.
    pub request_timeout: Duration,
    /// Raft heartbeat.
    pub heartbeat: Duration,
    /// Least election timeout.
    pub election_timeout_min: Duration,
    /// Greatest election timeout.
    pub election_timeout_max: Duration,
    /// The log is snapshotted and purged past so many bytes.
    pub log_bytes_max: u64,
    /// The log is snapshotted and purged past this age.
    pub log_age_max: Duration,
    /// Sentences to warn with once logging works.
    pub warnings: Vec<String>,
}

/// What the data directory is sealed with. Each key has one job.
#[derive(Clone, Debug)]
pub struct Encryption {
    /// Seals the keys of log, state and snapshots.
    pub data: Option<MasterKey>,
    /// What it was before.
    pub data_previous: Option<MasterKey>,
    /// Seals the private keys of the node.
    pub node: Option<MasterKey>,
    /// What it was before.
    pub node_previous: Option<MasterKey>,
    /// Age at which the key of log and state is replaced.
    pub rotate_after: Duration,
}

impl Encryption {
    /// One key alone leaves a part of the directory as it is.
    fn warning(&self) -> Option<&'static str> {
        match (&self.data, &self.node) {
            (Some(_), None) => Some(
                "DB_ENCRYPTION_KEY is given and LEXECON_MASTER_KEY is not: the private keys of \
                 the node are not sealed",
            ),
            (None, Some(_)) => Some(
                "LEXECON_MASTER_KEY is given and DB_ENCRYPTION_KEY is not: log, state and \
                 snapshots are not sealed",
            ),
            (Some(_), Some(_)) | (None, None) => None,
        }
    }
}

impl Config {
    /// What the URL of this node begins with.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.tls.api.is_some() { "https" } else { "http" }
    }
}

/// What becomes of a node that has diverged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rebuild {
    /// It is given the state of another node at once.
    #[default]
    Auto,
    /// It waits until it is started with `--rebuild auto`.
    Manual,
}

/// The flags of `lexecon serve`.
pub fn flags() -> Vec<Arg> {
    let mut flags = vec![
        Arg::new("config")
            .long("config")
            .value_name("FILE")
            .help("Configuration file (TOML); its keys are listed by --print-config"),
        Arg::new("bootstrap")
            .long("bootstrap")
            .action(ArgAction::SetTrue)
            .conflicts_with("join")
            .help("Found a cluster of one in an empty data directory (the default without --join)"),
        Arg::new("print_config")
            .long("print-config")
            .action(ArgAction::SetTrue)
            .help("Print every setting, its value and where it came from, and stop"),
    ];
    for setting in SETTINGS.iter().filter(|setting| setting.kind != Kind::Secret) {
        let flag = Arg::new(setting.key).long(setting.flag()).help(format!(
            "{} [key: {}] [env: {}]{}",
            setting.help,
            setting.key,
            setting.environment,
            setting.default.map(|default| format!(" [default: {default}]")).unwrap_or_default(),
        ));
        flags.push(match setting.kind {
            Kind::Text | Kind::Secret => flag.value_name(setting.value_name),
            Kind::Switch => flag.num_args(0..=1).default_missing_value("true").value_name("BOOL"),
        });
    }
    flags
}

/// Every setting as text, with where it came from.
#[derive(Debug)]
pub struct Settings {
    values: BTreeMap<&'static str, (Option<String>, Source)>,
    /// Those that are never shown have their source alone above.
    secrets: BTreeMap<&'static str, SecretString>,
    warnings: Vec<String>,
}

impl Settings {
    /// Gathers flags, environment and file.
    ///
    /// # Errors
    /// [`ConfigError`] for a file that cannot be read or has unknown keys, and
    /// for a misspelt variable.
    pub fn gather(
        flags: &ArgMatches,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, ConfigError> {
        let path = flags.get_one::<String>("config").map(PathBuf::from);
        let file = path.as_deref().map(file::read).transpose()?.unwrap_or_default();
        let warnings = environment::check(environment)?;
        let (mut values, mut secrets) = (BTreeMap::new(), BTreeMap::new());
        for setting in SETTINGS {
            if setting.kind == Kind::Secret {
                if let Some((value, source)) = environment::value(environment, setting) {
                    secrets.insert(setting.key, SecretString::from(value));
                    values.insert(setting.key, (None, source));
                }
                continue;
            }
            let flag = flags.get_one::<String>(setting.key).cloned().map(|v| (v, Source::Flag));
            let value = flag
                .or_else(|| environment::value(environment, setting))
                .or_else(|| {
                    let value = file.get(setting.key)?.clone();
                    Some((value, Source::File(path.clone()?)))
                })
                .or_else(|| Some((setting.default?.to_owned(), Source::Default)));
            let (value, source) = match value {
                Some((value, source)) => (Some(value), source),
                None => (None, Source::Default),
            };
            values.insert(setting.key, (value, source));
        }
        Ok(Self { values, secrets, warnings })
    }

    /// One line per setting: `key = "value"  # where from`.
    pub fn print(&self) -> String {
        let mut text = String::new();
        for setting in SETTINGS {
            let unset = (None, Source::Default);
            let (value, source) = self.values.get(setting.key).unwrap_or(&unset);
            let value = match value {
                Some(value) => format!("{value:?}"),
                None if self.secrets.contains_key(setting.key) => "(set, not shown)".to_owned(),
                None => "(unset)".to_owned(),
            };
            let source = match source {
                Source::Flag => format!("flag --{}", setting.flag()),
                Source::Environment(name) => format!("environment {name}"),
                Source::File(path) => format!("file {}", path.display()),
                Source::Default => "default".to_owned(),
            };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{} = {value}  # {source}", setting.key);
        }
        text
    }

    fn text(&self, key: &str) -> Option<String> {
        self.values.get(key)?.0.clone().filter(|value| !value.is_empty())
    }

    fn parse<T: FromStr>(&self, key: &'static str, what: &str) -> Result<T, ConfigError> {
        let value = self.text(key).unwrap_or_default();
        value.parse().map_err(|_| bad(key, &value, what))
    }

    fn list(&self, key: &str) -> Vec<String> {
        let value = self.text(key).unwrap_or_default();
        value.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    fn switch(&self, key: &'static str) -> Result<bool, ConfigError> {
        let value = self.text(key).unwrap_or_default();
        match value.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(true),
            "" | "false" | "0" | "no" | "off" => Ok(false),
            _ => Err(bad(key, &value, "true or false")),
        }
    }

    fn address(&self, key: &'static str) -> Result<SocketAddr, ConfigError> {
        let value = self.text(key).unwrap_or_default();
        let mut found = value.to_socket_addrs().map_err(|_| bad(key, &value, "HOST:PORT"))?;
        found.next().ok_or_else(|| bad(key, &value, "HOST:PORT"))
    }

    fn millis(&self, key: &'static str) -> Result<Duration, ConfigError> {
        self.parse(key, "milliseconds").map(Duration::from_millis)
    }

    fn seconds(&self, key: &'static str) -> Result<Duration, ConfigError> {
        self.parse(key, "seconds").map(Duration::from_secs)
    }

    /// More than a million would not be done within the time of a write.
    fn impact_gate(&self) -> Result<Option<u64>, ConfigError> {
        const WINDOW_MAX: u64 = 1_000_000;
        let key = "policy.impact_window";
        let window: u64 = self.parse(key, "a number of decisions")?;
        if !(1..=WINDOW_MAX).contains(&window) {
            return Err(bad(key, &window.to_string(), "1 to 1000000 decisions"));
        }
        Ok(self.switch("policy.impact_gate")?.then_some(window))
    }

    /// The configuration these settings mean.
    ///
    /// # Errors
    /// [`ConfigError`] naming the first setting that means nothing.
    pub fn validate(self) -> Result<Config, ConfigError> {
        let encryption = self.encryption()?;
        let mut warnings = self.warnings.clone();
        warnings.extend(encryption.warning().map(str::to_owned));
        let config = Config {
            node_id: self.text("node_id").map(node_name).transpose()?,
            data_dir: PathBuf::from(self.text("data_dir").unwrap_or_default()),
            listen: self.address("listen")?,
            peer_listen: self.address("peer_listen")?,
            advertise: self.text("advertise"),
            peer_advertise: self.text("peer_advertise"),
            auth: self.auth()?,
            tls: self.tls()?,
            join: self.list("join"),
            join_token: self.secrets.get("join_token").cloned(),
            learner: self.switch("learner")?,
            region: self.text("region"),
            zone: self.text("zone"),
            log_name: self.text("log_name").map(log_name).transpose()?.unwrap_or_default(),
            rsa_keys: self.switch("rsa_keys")?,
            scrub_interval: self.seconds("scrub_interval_s")?,
            forget_after: self.seconds("forget_after_s")?,
            rebuild: self.text("rebuild").map(rebuild).transpose()?.unwrap_or_default(),
            encryption,
            impact_gate: self.impact_gate()?,
            retention: self.retention()?,
            exports: self.exports()?,
            base_url: self.base_url()?,
            oidc: self.oidc()?,
            webhook: self.webhook()?,
            log_level: self.text("log_level").map(log_level).transpose()?.unwrap_or_default(),
            log_format: self.text("log_format").map(log_format).transpose()?.unwrap_or_default(),
            rates: self.rates()?,
            trusted_proxies: self.trusted_proxies()?,
            metrics: self.switch("enable_metrics")?,
            metrics_listen: match self.text("metrics_listen") {
                Some(_) => Some(self.address("metrics_listen")?),
                None => None,
            },
            cors_origins: self.list("cors_origins"),
            concurrency_max: self.parse("limit_concurrency", "a number of requests")?,
            workers: self.parse("workers", "a number of threads")?,
            request_timeout: self.millis("request_timeout_ms")?,
            heartbeat: self.millis("raft.heartbeat_ms")?,
            election_timeout_min: self.millis("raft.election_timeout_min_ms")?,
            election_timeout_max: self.millis("raft.election_timeout_max_ms")?,
            log_bytes_max: self.parse("raft.log_bytes_max", "a number of bytes")?,
            log_age_max: self.seconds("raft.log_age_max_s")?,
            warnings,
        };
        exposure::check(&config)?;
        oidc::check(&config)?;
        check_timers(&config)?;
        check_bounds(&config)?;
        Ok(config)
    }
}

fn check_timers(config: &Config) -> Result<(), ConfigError> {
    let (least, greatest) = (config.election_timeout_min, config.election_timeout_max);
    if config.heartbeat.is_zero() || least < config.heartbeat * 2 || greatest <= least {
        return Err(ConfigError(format!(
            "raft.heartbeat_ms ({}), raft.election_timeout_min_ms ({}) and \
             raft.election_timeout_max_ms ({}) must grow: twice the heartbeat at most the least \
             election timeout, which is below the greatest",
            config.heartbeat.as_millis(),
            least.as_millis(),
            greatest.as_millis(),
        )));
    }
    Ok(())
}

/// Nothing can be done with none of these.
fn check_bounds(config: &Config) -> Result<(), ConfigError> {
    let none = [
        ("limit_concurrency", config.concurrency_max == 0),
        ("workers", config.workers == 0),
        ("request_timeout_ms", config.request_timeout.is_zero()),
        ("raft.log_bytes_max", config.log_bytes_max == 0),
        ("raft.log_age_max_s", config.log_age_max.is_zero()),
        ("scrub_interval_s", config.scrub_interval.is_zero()),
    ];
    if let Some((key, _)) = none.iter().find(|(_, none)| *none) {
        return Err(bad(key, "0", "at least 1"));
    }
    if FORGET_AFTER_MAX < config.forget_after {
        let seconds = config.forget_after.as_secs().to_string();
        return Err(bad("forget_after_s", &seconds, "at most a day less an hour: 82800"));
    }
    Ok(())
}

/// What is erased is promised to be gone within a day, and removing it takes a
/// while.
const FORGET_AFTER_MAX: Duration = Duration::from_secs(23 * 3600);

fn bad(key: &str, value: &str, what: &str) -> ConfigError {
    ConfigError(format!("{key} `{value}` is not {what}"))
}

fn node_name(name: String) -> Result<String, ConfigError> {
    let fits = (1..=64).contains(&name.len());
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if fits && name.bytes().all(known) {
        return Ok(name);
    }
    Err(bad("node_id", &name, "a name of 1..64 letters, digits, `_`, `-` or `.`"))
}

/// Part of a signed line, so no space, plus or slash: C2SP signed-note.
fn log_name(name: String) -> Result<String, ConfigError> {
    let known = |byte: u8| byte.is_ascii_graphic() && byte != b'+' && byte != b'/';
    if name.len() <= 128 && name.bytes().all(known) {
        return Ok(name);
    }
    Err(bad("log_name", &name, "a name of at most 128 visible ASCII characters but `+` and `/`"))
}

fn log_level(level: String) -> Result<String, ConfigError> {
    match level.to_ascii_uppercase().as_str() {
        "ERROR" | "WARNING" | "WARN" | "INFO" | "DEBUG" | "TRACE" => Ok(level),
        _ => Err(bad("log_level", &level, "one of ERROR WARNING INFO DEBUG TRACE")),
    }
}

fn log_format(format: String) -> Result<String, ConfigError> {
    match format.as_str() {
        "text" | "json" => Ok(format),
        _ => Err(bad("log_format", &format, "text or json")),
    }
}

fn rebuild(mode: String) -> Result<Rebuild, ConfigError> {
    match mode.as_str() {
        "auto" => Ok(Rebuild::Auto),
        "manual" => Ok(Rebuild::Manual),
        _ => Err(bad("rebuild", &mode, "auto or manual")),
    }
}

impl Setting {
    fn flag(&self) -> String {
        self.flag.map_or_else(|| self.key.replace(['_', '.'], "-"), str::to_owned)
    }
}

#[cfg(test)]
mod tests;
