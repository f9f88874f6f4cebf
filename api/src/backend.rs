//! What the interface needs from the node below it. `node` implements this for
//! the replica; tests of this crate implement it over a store in memory.
//!
//! Nothing here knows HTTP. Nothing behind it knows a request.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use governance::command::{Envelope, KeyUsage, NodeDescription, Principal};
use governance::{Outcome, Read, Recorded};
use secrecy::SecretSlice;
use types::{
    ApiKeyId, ClusterId, Digest, EntryId, ExportId, KeyId, LogIndex, RaftId, SessionId, Timestamp,
};

/// A node as the interface sees it.
pub trait Backend: Clone + Send + Sync + fmt::Debug + 'static {
    /// The state at one moment.
    type View: Read + Send + Sync + 'static;

    /// Puts a command in the log and waits until this node has applied it.
    fn submit(
        &self,
        envelope: Envelope,
    ) -> impl Future<Output = Result<Committed, Unavailable>> + Send;

    /// Puts commands in the log in this order and waits until this node has
    /// applied them all. There is one answer for each, in the same order; what
    /// follows an [`Unavailable`] is not tried.
    fn submit_all(
        &self,
        envelopes: Vec<Envelope>,
    ) -> impl Future<Output = Vec<Result<Committed, Unavailable>>> + Send {
        async move {
            let mut answers: Vec<Result<Committed, Unavailable>> = Vec::new();
            for envelope in envelopes {
                let last = answers.last().and_then(|answer| answer.as_ref().err().cloned());
                answers.push(match last {
                    None => self.submit(envelope).await,
                    Some(Unavailable::OutcomeUnknown) => Err(Unavailable::NoLeader),
                    Some(why) => Err(why),
                });
            }
            answers
        }
    }

    /// The state now.
    ///
    /// # Errors
    /// When this node has stopped serving.
    fn view(&self) -> Result<Self::View, Unavailable>;

    /// Waits until this node has applied `index`, or says that it did not in
    /// time.
    fn wait_applied(&self, index: LogIndex, at_most: Duration)
    -> impl Future<Output = bool> + Send;

    /// Confirms with a quorum that what this node then shows is not stale.
    fn confirm_read(
        &self,
        at_most: Duration,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// How old what this node shows may be; `None` when that is not known.
    fn staleness(&self) -> Option<Duration>;

    /// Where this node stands.
    fn status(&self) -> Status;

    /// Name of this node: on every reply.
    fn node_name(&self) -> Arc<str>;

    /// Name of the leader this node knows: on every reply.
    fn leader_name(&self) -> Option<Arc<str>>;

    /// Applied here: on every reply.
    fn applied_index(&self) -> LogIndex;

    /// The cluster; `None` before genesis.
    fn cluster_id(&self) -> Option<ClusterId>;

    /// This node's clock. For answers about now, never for what is recorded.
    fn now(&self) -> Timestamp;

    /// This node's key for `usage`; `None` until that key is in the ledger.
    fn key_id(&self, usage: KeyUsage) -> Option<KeyId>;

    /// Signs with this node's key for `usage`; `None` until that key is in the
    /// ledger.
    fn sign(&self, usage: KeyUsage, message: &[u8]) -> Option<Signature>;

    /// Changes the membership, from any node.
    fn change(
        &self,
        change: Change,
    ) -> impl Future<Output = Result<ChangeDone, ChangeRefused>> + Send;

    /// What a change would do, without doing it.
    fn plan(&self, change: &Change) -> impl Future<Output = Result<Plan, ChangeRefused>> + Send;

    /// Registers a node that wants to join and begins to replicate to it.
    fn join(
        &self,
        node: NodeDescription,
        nonce: String,
        by: JoinBy,
    ) -> impl Future<Output = Result<Joined, ChangeRefused>> + Send;

    /// Makes a new key of this node for `usage`, in place of the one it has.
    /// It returns once the new key is in the ledger and signs.
    fn rotate_key(
        &self,
        usage: KeyUsage,
    ) -> impl Future<Output = Result<Rotated, Unavailable>> + Send;

    /// Seals a secret with the key of the cluster, for one purpose.
    ///
    /// # Errors
    /// [`Unavailable::Starting`] while this node has not got that key.
    fn seal(&self, purpose: &'static str, secret: &[u8]) -> Result<Vec<u8>, Unavailable>;

    /// Opens what any node of the cluster sealed for that purpose; `None` for
    /// anything else.
    ///
    /// # Errors
    /// [`Unavailable::Starting`] while this node has not got that key.
    fn unseal(
        &self,
        purpose: &'static str,
        sealed: &[u8],
    ) -> Result<Option<SecretSlice<u8>>, Unavailable>;

    /// Notes that a credential was used now. It is reported to the cluster in
    /// batches, at most once a minute for each.
    fn note_use(&self, credential: Credential);

    /// Notes that a principal was shown personal parts of entries, the least and
    /// the greatest of them if they are known. It is recorded in batches, one
    /// entry for each principal and five minutes.
    fn note_personal_read(&self, principal: &Principal, entries: Option<(EntryId, EntryId)>);

    /// The file of an export that is completed. Where this node has none, it
    /// builds it, and says `None` when that takes longer than `at_most`.
    fn export_file(
        &self,
        id: ExportId,
        at_most: Duration,
    ) -> impl Future<Output = Result<Option<ExportFile>, Unavailable>> + Send;

    /// Takes a snapshot of this node's state.
    fn snapshot(&self) -> impl Future<Output = Result<SnapshotTaken, Unavailable>> + Send;
}

/// What a principal authenticated with, by its handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Credential {
    /// A session of a user.
    Session(SessionId),
    /// A key of a program.
    ApiKey(ApiKeyId),
}

/// A command that was applied here.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Log index.
    pub index: LogIndex,
    /// Applied time.
    pub at: Timestamp,
    /// What it did.
    pub outcome: Outcome,
}

/// Why a request cannot be served now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// No leader took it within the time; it was never appended.
    #[error("no leader took the request in time; it was not recorded and will not be")]
    NoLeader,
    /// It was in flight when time ran out.
    #[error("the request was in flight when time ran out; repeat it with the same key")]
    OutcomeUnknown,
    /// A queue is full.
    #[error("this node has as much work as it can queue")]
    Overloaded,
    /// The command is larger than the log takes.
    #[error("the request is larger than the log takes")]
    TooLarge,
    /// Not ready yet.
    #[error("this node is starting")]
    Starting,
    /// The node found damage, or differs from the others, and has stopped serving.
    #[error("this node has stopped serving")]
    Quarantined,
}

/// A signature by this node.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    /// The key, as `/keys` lists it.
    pub key_id: KeyId,
    /// Ed25519.
    pub bytes: [u8; 64],
}

/// What a node is to consensus at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Orders writes.
    Leader,
    /// Votes and follows.
    Follower,
    /// Replicates without a vote.
    Learner,
    /// Asks for votes.
    Candidate,
}

impl Role {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Learner => "learner",
            Self::Candidate => "candidate",
        }
    }
}

/// Where a node stands. Names are those of section 15 of the contract.
#[derive(Clone, Debug)]
pub struct Status {
    /// Name of this node.
    pub node_id: String,
    /// Its Raft id.
    pub raft_id: RaftId,
    /// What it is at the moment.
    pub role: Role,
    /// Name of the leader it knows.
    pub leader_id: Option<String>,
    /// Raft term.
    pub term: u64,
    /// Committed, as far as this node knows.
    pub commit_index: u64,
    /// Applied here.
    pub applied_index: u64,
    /// Seconds since start.
    pub uptime_seconds: u64,
    /// Every member, in order of Raft id.
    pub members: Vec<Member>,
    /// Why this node serves nothing any more, if so.
    pub failed: Option<String>,
    /// Why this node takes no part any more and waits to be rebuilt, if so. Its
    /// view then fails as [`Unavailable::Quarantined`].
    pub quarantine: Option<String>,
    /// Whether the state has caught up with what was committed before start.
    pub recovered: bool,
    /// Whether the data directory can take more.
    pub disk_full: bool,
}

/// A member of the cluster.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name.
    pub node_id: String,
    /// Its Raft id.
    pub raft_id: RaftId,
    /// Public interface.
    pub address: String,
    /// What other nodes dial.
    pub peer_address: String,
    /// Where it stands.
    pub region: Option<String>,
    /// Failure domain.
    pub zone: Option<String>,
    /// Whether it votes.
    pub voter: bool,
    /// Whether it is the leader.
    pub leader: bool,
    /// Whether it answered lately; `None` where this node cannot tell.
    pub reachable: Option<bool>,
    /// Highest index known to be on it; leader only.
    pub matched_index: Option<u64>,
    /// Time since it last answered; leader only.
    pub last_contact: Option<Duration>,
}

/// A change of membership, by node name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Give a learner a vote.
    Promote(String),
    /// Take a voter's vote.
    Demote(String),
    /// Take a node out.
    Remove(String),
    /// Hand leadership over, to this node or any that has caught up.
    Transfer(Option<String>),
}

/// A change that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeDone {
    /// Name of the leader afterwards, as far as known.
    pub leader_id: Option<String>,
}

/// Why a change was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefused {
    /// No such node.
    #[error("no node is called `{0}`")]
    Unknown(String),
    /// It would endanger the cluster.
    #[error("{0}")]
    Unsafe(String),
    /// The learner lags.
    #[error("node has {lag_entries} log entries to catch up")]
    NotCaughtUp {
        /// How far it is behind.
        lag_entries: u64,
    },
    /// The token counts for nothing.
    #[error("the join token is unknown, used or over")]
    JoinRefused,
    /// The name belongs to a reachable member.
    #[error("node name `{0}` is in use by a reachable member")]
    NameInUse(String),
    /// Not now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// What a change would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Whether it would be made.
    pub allowed: bool,
    /// Why not, or what to mind.
    pub reasons: Vec<String>,
    /// Names of the voters now.
    pub voters_before: Vec<String>,
    /// Names of the voters afterwards.
    pub voters_after: Vec<String>,
}

/// What lets a node in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinBy {
    /// Somebody who may change the membership, or a certificate of the cluster.
    Leave,
    /// The token of this SHA-256, which that uses up.
    Token(Digest),
}

/// A node that may start as a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The cluster's id, which the joiner writes down before it starts.
    pub cluster_id: types::ClusterId,
    /// Its Raft id.
    pub raft_id: RaftId,
    /// 1 for the first bearer of its name.
    pub incarnation: u64,
}

/// A key of this node that took the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The new key.
    pub key_id: KeyId,
    /// The key that ended with it; `None` where there was none in force.
    pub replaces: Option<KeyId>,
    /// The entry that says so.
    pub recorded: Recorded,
}

/// A file that is there as a whole.
#[derive(Debug)]
pub struct ExportFile {
    /// Open for reading.
    pub file: std::fs::File,
    /// Its size.
    pub size: u64,
    /// Its digest.
    pub sha256: Digest,
}

/// A snapshot that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotTaken {
    /// Its name.
    pub id: String,
    /// Last log index in it.
    pub index: LogIndex,
    /// Bytes on disk, shared with the state where unchanged.
    pub size_bytes: u64,
}
