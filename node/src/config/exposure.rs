//! Who may reach a node, and what that demands: files of certificates, and the
//! rule that nothing leaves this machine without them.
//!
//! Invariants
//! - Outside loopback the interface speaks TLS and demands a login, and nodes
//!   show each other certificates.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use api::AuthMode;
use reqwest::Url;

use super::{Config, ConfigError, Settings, bad};
use crate::notices::{Secret, Target, Webhook};

/// A certificate and its key, as files (PEM).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairFiles {
    /// The certificate, then those between it and its authority.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// What nodes show each other, as files (PEM).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerFiles {
    /// This node's.
    pub own: PairFiles,
    /// The authorities that certificates of nodes come from.
    pub ca: PathBuf,
}

/// Files of certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// For clients; none: plain HTTP.
    pub api: Option<PairFiles>,
    /// For other nodes; none: plain TCP.
    pub peers: Option<PeerFiles>,
    /// Whom this node believes when it asks a member over https; else the
    /// authorities of nodes, else those of the system.
    pub ca: Option<PathBuf>,
}

impl TlsFiles {
    /// Where this node finds whom to believe when it asks a member.
    pub(crate) fn trusted(&self) -> Option<PathBuf> {
        self.ca.clone().or_else(|| self.peers.as_ref().map(|peers| peers.ca.clone()))
    }
}

impl Settings {
    pub(super) fn auth(&self) -> Result<AuthMode, ConfigError> {
        let mode = self.text("auth.mode").unwrap_or_default();
        match mode.as_str() {
            "open" => Ok(AuthMode::Open),
            "required" => Ok(AuthMode::Required),
            _ => Err(bad("auth.mode", &mode, "open or required")),
        }
    }

    pub(super) fn tls(&self) -> Result<TlsFiles, ConfigError> {
        let path = |key: &str| self.text(key).map(PathBuf::from);
        let api = match (path("tls.cert_file"), path("tls.key_file")) {
            (Some(cert), Some(key)) => Some(PairFiles { cert, key }),
            (None, None) => None,
            _ => return Err(together("tls.cert_file and tls.key_file")),
        };
        let own = (path("tls.peer_cert_file"), path("tls.peer_key_file"));
        let peers = match (own, path("tls.peer_ca_file")) {
            ((Some(cert), Some(key)), Some(ca)) => {
                Some(PeerFiles { own: PairFiles { cert, key }, ca })
            }
            ((None, None), None) => None,
            _ => {
                return Err(together("tls.peer_cert_file, tls.peer_key_file and tls.peer_ca_file"));
            }
        };
        Ok(TlsFiles { api, peers, ca: path("tls.ca_file") })
    }

    /// Notices are signed; unless they stay on this machine they are encrypted
    /// too.
    pub(super) fn webhook(&self) -> Result<Option<Target>, ConfigError> {
        let key = "notify.webhook_url";
        let Some(text) = self.text(key) else { return Ok(None) };
        let url: Url = text.parse().map_err(|_| bad(key, &text, "a URL"))?;
        let is_fit = match url.scheme() {
            "https" => url.host().is_some(),
            "http" => is_here(&url),
            _ => false,
        };
        if !is_fit {
            let what = "`https://`, or `http://` and a loopback address";
            return Err(bad(key, &text, what));
        }
        let missing = || ConfigError(format!("{key} needs notify.webhook_secret_file"));
        let path = self.text("notify.webhook_secret_file").ok_or_else(missing)?;
        let secret = Secret::read(Path::new(&path)).map_err(ConfigError)?;
        let ca_file = self.text("notify.webhook_ca_file").map(PathBuf::from);
        let target = Target { url, secret, ca_file };
        // Notices would wait for an authority that nobody can read.
        if target.ca_file.is_some() {
            Webhook::connect(&target).map_err(ConfigError)?;
        }
        Ok(Some(target))
    }
}

fn together(keys: &str) -> ConfigError {
    ConfigError(format!("{keys} belong together: give all of them, or none"))
}

/// Whether a URL is of this machine.
fn is_here(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
        None => false,
    }
}

/// Nothing leaves this machine that anybody could read or say.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    let Config { listen, peer_listen, metrics_listen, auth, tls, .. } = config;
    if *auth == AuthMode::Open {
        check_open("listen", *listen)?;
        check_open("peer_listen", *peer_listen)?;
        metrics_listen.map_or(Ok(()), |address| check_open("metrics_listen", address))?;
    }
    for (key, address) in [("listen", Some(*listen)), ("metrics_listen", *metrics_listen)] {
        if let Some(address) = address.filter(|address| !address.ip().is_loopback())
            && tls.api.is_none()
        {
            return Err(ConfigError(format!(
                "{key} `{address}` is not a loopback address, so it needs TLS: set tls.cert_file \
                 and tls.key_file (`lexecon certs` makes them), or listen on 127.0.0.1 or [::1]"
            )));
        }
    }
    if !peer_listen.ip().is_loopback() && tls.peers.is_none() {
        return Err(ConfigError(format!(
            "peer_listen `{peer_listen}` is not a loopback address, so nodes must show \
             certificates: set tls.peer_cert_file, tls.peer_key_file and tls.peer_ca_file \
             (`lexecon certs` makes them), or listen on 127.0.0.1 or [::1]"
        )));
    }
    check_advertised(config)?;
    check_join(config)
}

fn check_open(key: &str, address: SocketAddr) -> Result<(), ConfigError> {
    if address.ip().is_loopback() {
        return Ok(());
    }
    Err(ConfigError(format!(
        "{key} `{address}` is not a loopback address, and auth.mode is `open`, which serves anybody \
         who can connect: set auth.mode to `required` and give certificates (tls.cert_file, \
         tls.peer_cert_file and theirs), or listen on 127.0.0.1 or [::1]"
    )))
}

/// What others are told must lead them here.
fn check_advertised(config: &Config) -> Result<(), ConfigError> {
    let Config { listen, peer_listen, advertise, peer_advertise, tls, .. } = config;
    if listen.ip().is_unspecified() && advertise.is_none() {
        return Err(nowhere("listen", *listen, "advertise"));
    }
    if peer_listen.ip().is_unspecified() && peer_advertise.is_none() {
        return Err(nowhere("peer_listen", *peer_listen, "peer_advertise"));
    }
    let plain = advertise.as_ref().filter(|url| tls.api.is_some() && url.starts_with("http://"));
    match plain {
        None => Ok(()),
        Some(url) => Err(ConfigError(format!(
            "advertise `{url}` begins with http:// and this node speaks TLS: tell https://"
        ))),
    }
}

fn nowhere(key: &str, address: SocketAddr, wanted: &str) -> ConfigError {
    ConfigError(format!(
        "{key} `{address}` is every address of this machine and none to tell others: set {wanted}"
    ))
}

/// Who takes a node in tells it which cluster it is in.
fn check_join(config: &Config) -> Result<(), ConfigError> {
    for url in &config.join {
        let read = url.parse::<Url>();
        if read.is_ok_and(|url| url.scheme() == "http" && !is_here(&url)) {
            return Err(ConfigError(format!(
                "join `{url}` is not on this machine: ask it over https://"
            )));
        }
    }
    Ok(())
}
