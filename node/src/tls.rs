//! The certificates of this node: read from their files, put in force, and read
//! again when the files change.
//!
//! Invariants
//! - Certificate and key are replaced together or not at all: while only one of
//!   the files is new, the old pair stays in force, and that is said.
//! - Connections that are open stay as they are.

mod files;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use prometheus::{IntCounterVec, IntGaugeVec};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::{PairFiles, PeerFiles, TlsFiles};
use crate::run::StartError;
use crate::telemetry::Telemetry;
use files::Stamp;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// How often it is said that a certificate ends soon.
const SAY_EVERY: Duration = Duration::from_secs(24 * 3600);
/// How long before its end that begins.
const SAY_BEFORE_S: i64 = 30 * 24 * 3600;

/// What certificates are for, and the second in which the first of them ends.
type Ends = Vec<(&'static str, i64)>;

/// Puts what is in the files in force, or says why not and leaves what was.
type Install = Box<dyn Fn() -> Result<Ends, String> + Send>;

/// Files that belong together.
struct Source {
    files: Vec<PathBuf>,
    /// How they were when they were last read.
    seen: Vec<Option<Stamp>>,
    install: Install,
    ends: Ends,
}

/// The certificates in force.
pub(crate) struct Certificates {
    api: Option<api::Certificates>,
    peers: Option<raft::Tls>,
    sources: Vec<Source>,
    expiry: IntGaugeVec,
    refusals: IntCounterVec,
}

impl Certificates {
    /// Reads those that the configuration names, for the node `name`.
    ///
    /// # Errors
    /// [`StartError::Certificates`] naming the files that are of no use.
    pub(crate) fn load(
        files: &TlsFiles,
        name: &str,
        telemetry: &Telemetry,
    ) -> Result<Self, StartError> {
        let mut all = Self {
            api: None,
            peers: None,
            sources: Vec::new(),
            expiry: telemetry.expiry.clone(),
            refusals: telemetry.refusals.clone(),
        };
        if let Some(pair) = &files.api {
            all.load_api(pair)?;
        }
        if let Some(peers) = &files.peers {
            all.load_peers(name, peers)?;
        }
        for source in &all.sources {
            all.show(&source.ends);
            source.ends.iter().for_each(say_end);
        }
        Ok(all)
    }

    /// What the interface is served with.
    pub(crate) fn api(&self) -> Option<api::Certificates> {
        self.api.clone()
    }

    /// What other nodes are shown.
    pub(crate) fn peers(&self) -> Option<raft::Tls> {
        self.peers.clone()
    }

    fn load_api(&mut self, pair: &PairFiles) -> Result<(), StartError> {
        let paths = vec![pair.cert.clone(), pair.key.clone()];
        let seen = stamps(&paths);
        let unusable = |why| unusable(&paths, why);
        let (config, ends) = read_api(pair).map_err(unusable)?;
        let in_force = Arc::new(ArcSwap::new(config));
        self.api = Some(Arc::clone(&in_force));
        let pair = pair.clone();
        let install = Box::new(move || {
            let (config, ends) = read_api(&pair)?;
            in_force.store(config);
            Ok(ends)
        });
        self.sources.push(Source { files: paths, seen, install, ends });
        Ok(())
    }

    fn load_peers(&mut self, name: &str, files: &PeerFiles) -> Result<(), StartError> {
        let paths = vec![files.own.cert.clone(), files.own.key.clone(), files.ca.clone()];
        let seen = stamps(&paths);
        let unusable = |why| unusable(&paths, why);
        let (credentials, ends) = read_peers(files).map_err(unusable)?;
        let tls = raft::Tls::new(name, credentials).map_err(|error| unusable(error.to_string()))?;
        self.peers = Some(tls.clone());
        let files = files.clone();
        let install = Box::new(move || {
            let (credentials, ends) = read_peers(&files)?;
            tls.replace(credentials).map_err(|error| error.to_string())?;
            Ok(ends)
        });
        self.sources.push(Source { files: paths, seen, install, ends });
        Ok(())
    }

    fn show(&self, ends: &Ends) {
        for (usage, at) in ends {
            self.expiry.with_label_values(&[usage]).set(*at);
        }
    }

    /// Looks at the files, and at what was refused, for as long as the node
    /// runs.
    pub(crate) async fn watch(mut self, stop: CancellationToken) {
        if self.sources.is_empty() {
            return;
        }
        let mut said = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => (),
            }
            let looked = tokio::task::spawn_blocking(move || {
                self.sources.iter_mut().for_each(Source::look);
                self
            });
            let Ok(back) = looked.await else { return };
            self = back;
            for source in &self.sources {
                self.show(&source.ends);
            }
            self.count();
            if SAY_EVERY <= said.elapsed() {
                said = Instant::now();
                self.sources.iter().flat_map(|source| &source.ends).for_each(say_end);
            }
        }
    }

    fn count(&self) {
        let Some(peers) = &self.peers else { return };
        for kind in raft::Refusal::ALL {
            let shown = self.refusals.with_label_values(&[kind.as_str()]);
            shown.inc_by(peers.refusals(kind).saturating_sub(shown.get()));
        }
    }
}

impl Source {
    /// Reads the files again if one is not what it was.
    fn look(&mut self) {
        let now = stamps(&self.files);
        if now == self.seen {
            return;
        }
        // Of what changes while it is read the change is seen next time.
        self.seen = now;
        let files = listed(&self.files);
        match (self.install)() {
            Ok(ends) => {
                tracing::info!(files, "new certificates are in force");
                ends.iter().for_each(say_end);
                self.ends = ends;
            }
            Err(why) => {
                tracing::warn!(files, why, "changed certificates cannot be used: the old stay");
            }
        }
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    files.iter().map(|path| Stamp::of(path)).collect()
}

fn listed(files: &[PathBuf]) -> String {
    let files = files.iter().map(|path| format!("`{}`", path.display()));
    files.collect::<Vec<_>>().join(", ")
}

fn unusable(files: &[PathBuf], why: String) -> StartError {
    StartError::Certificates { files: listed(files), why }
}

fn read_api(files: &PairFiles) -> Result<(Arc<rustls::ServerConfig>, Ends), String> {
    let (chain, key) = files::pair(files)?;
    let ends = vec![("api", files::ends(&chain)?)];
    let config = api::certificates(chain, key);
    let config = config.map_err(|error| format!("certificate and key do not serve: {error}"))?;
    Ok((config, ends))
}

fn read_peers(files: &PeerFiles) -> Result<(raft::Credentials, Ends), String> {
    let (chain, key) = files::pair(&files.own)?;
    let authorities = files::certificates(&files.ca)?;
    let ends = vec![("peer", files::ends(&chain)?), ("peer_ca", files::ends(&authorities)?)];
    Ok((raft::Credentials { chain, key, authorities }, ends))
}

/// Warns of a certificate that ends soon, or has.
fn say_end((usage, at): &(&'static str, i64)) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let left = at.saturating_sub(i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
    let days = left / (24 * 3600);
    if left <= 0 {
        tracing::error!(usage, "a certificate has ended: new connections are refused");
    } else if left < SAY_BEFORE_S {
        tracing::warn!(usage, days, "a certificate ends soon");
    }
}

#[cfg(test)]
mod tests;
