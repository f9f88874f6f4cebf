//! Replaces this node's state by another member's, before its replica starts.
//!
//! Whoever finds the state bad writes the marker and ends the process; the next
//! start does the rest. Vote and log stay, so the node goes on under its id. The
//! bad state is kept as evidence.
//!
//! INVARIANT: the marker goes last. A crash anywhere leaves the old state or
//! the new one in force, and has the rebuilding done again.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use raft::Member;
use raft::rebuild::{self, PullError, Pulled};
use serde::{Deserialize, Serialize};
use storage::{DataDir, Evidence, Group, State};
use types::{RaftId, Timestamp};

use crate::identity::{self, IdentityError};
use crate::ports;

/// File in the data directory that asks for it.
const MARKER: &str = "rebuild";

/// That the state is to be replaced, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// What is wrong with it.
    pub reason: String,
    /// When that was found: RFC 3339.
    pub at: String,
    /// The first entry that differs from those of the others, if one does.
    #[serde(default)]
    pub first_difference: Option<u64>,
    /// Raft ids and peer addresses of the other members, as far as they were
    /// known: the state on the disk may be older than the membership.
    #[serde(default)]
    pub members: Vec<(u64, String)>,
    /// Their names by Raft id, which their certificates must say.
    #[serde(default)]
    pub names: BTreeMap<u64, String>,
}

/// Why the state was not replaced. The marker stays.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The marker cannot be read or written.
    #[error(transparent)]
    Marker(#[from] IdentityError),
    /// No member gave a good state.
    #[error(transparent)]
    Pull(#[from] PullError),
    /// What was got cannot be put in force.
    #[error("cannot put the state from `{path}` in force")]
    Replace {
        /// Where it lies.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl Marker {
    /// That the state was found bad at this time.
    pub fn new(reason: impl Into<String>, at: Timestamp) -> Self {
        Self {
            reason: reason.into(),
            at: at.to_string(),
            first_difference: None,
            members: Vec::new(),
            names: BTreeMap::new(),
        }
    }

    /// The other members, as far as this knows them.
    pub(crate) fn members(&self) -> Vec<(RaftId, Member)> {
        let member = |(id, address): &(u64, String)| {
            let name = self.names.get(id).cloned().unwrap_or_default();
            let member = Member { name, peer_address: address.clone(), ..Member::default() };
            (RaftId(*id), member)
        };
        self.members.iter().map(member).collect()
    }

    /// What the directory asks for, if anything.
    ///
    /// # Errors
    /// [`IdentityError`] when the file cannot be understood.
    pub fn load(dir: &DataDir) -> Result<Option<Self>, IdentityError> {
        identity::load(&dir.path().join(MARKER))
    }

    /// Writes it down, durably.
    ///
    /// # Errors
    /// [`IdentityError`] when the directory cannot be written.
    pub fn save(&self, dir: &DataDir) -> Result<(), IdentityError> {
        identity::save(&dir.path().join(MARKER), self)
    }

    fn clear(dir: &DataDir) -> Result<(), IdentityError> {
        let path = dir.path().join(MARKER);
        let removed = fs::remove_file(&path).and_then(|()| fs::File::open(dir.path())?.sync_all());
        removed.map_err(|source| IdentityError::Io { path, source })
    }

    /// Sorts by age, and is the same however often the rebuilding is begun.
    fn evidence_name(&self) -> String {
        let at: Timestamp = self.at.parse().unwrap_or_default();
        format!("state-{:020}", at.0)
    }
}

/// Does what the marker asks for; what was got, if there was one. Asks the peers
/// given first, then the members that the state and the newest snapshot name.
/// The log is open and the state is not.
///
/// # Errors
/// [`RebuildError`]: the old state is still in force, and the node should not
/// start on it.
pub async fn rebuild(
    dir: &DataDir,
    config: &raft::Config,
    log: &ports::Log,
    peers: &[(RaftId, Member)],
) -> Result<Option<Pulled>, RebuildError> {
    let Some(marker) = Marker::load(dir)? else { return Ok(None) };
    tracing::warn!(reason = %marker.reason, at = %marker.at, "replacing this node's state");
    let (group, snapshots) = (Group::main(), dir.snapshots_dir());
    let peers = with_members(dir, &group, peers);
    let keyring = dir.keyring().map_err(io::Error::from);
    let keyring =
        keyring.map_err(|source| IdentityError::Io { path: dir.path().to_owned(), source });
    let stored = ports::Stored(group.clone(), keyring?);
    let pulled = rebuild::pull(config, &peers, log, &snapshots, &stored).await?;
    let evidence = Evidence { name: &marker.evidence_name(), why: &marker.reason };
    State::replace(dir, &group, &pulled.dir, evidence)
        .and_then(|()| rebuild::follow(log, &pulled))
        .map_err(|source| RebuildError::Replace { path: pulled.dir.clone(), source })?;
    Marker::clear(dir)?;
    tracing::info!(member = pulled.from.0, index = pulled.index.0, "this node's state is replaced");
    Ok(Some(pulled))
}

/// The peers given and those that are known here. The state may be past reading.
fn with_members(dir: &DataDir, group: &Group, peers: &[(RaftId, Member)]) -> Vec<(RaftId, Member)> {
    let applied = State::peek_applied(dir, group).map_err(io::Error::from);
    let of_state = applied.and_then(|applied| {
        applied.map_or_else(|| Ok(Vec::new()), |applied| rebuild::members(&applied))
    });
    let mut all = peers.to_vec();
    for known in [of_state, rebuild::members_of_snapshots(&dir.snapshots_dir())] {
        match known {
            Ok(members) => all.extend(members),
            Err(error) => tracing::warn!(%error, "cannot read who the members are"),
        }
    }
    let mut distinct: Vec<(RaftId, Member)> = Vec::with_capacity(all.len());
    for (id, member) in all {
        let is_same = |(known, other): &(RaftId, Member)| {
            *known == id && other.peer_address == member.peer_address && other.name == member.name
        };
        if !distinct.iter().any(is_same) {
            distinct.push((id, member));
        }
    }
    distinct
}
