//! What may be asked of the cluster, and the envelope it travels in.
//!
//! Every command has had every field of [`Envelope`] from the first release:
//! a field added later would be missing from the log that is replayed. Commands
//! are append-only: a variant is never reordered, and a change of meaning needs
//! a feature level.

mod accounts;
mod escalation;
mod evidence;
mod export;
mod intervention;
mod logins;
mod overrides;
mod responsibility;
mod retention;
mod systems;

mod control;

use policy::Mode;
use serde::{Deserialize, Serialize};
use types::{
    ClusterId, DecisionId, Digest, EntryId, Json, KeyId, LogIndex, Object, RaftId, RiskId,
    Timestamp, TokenId,
};

use crate::draw::Seed;

pub use accounts::{
    ChangeUser, CreateApiKey, CreateUser, IssueJoinToken, PersonalReads, RegisterNodeByToken,
    RevokeApiKey, UpdateUser, UserChange,
};
pub use escalation::{AcknowledgeEscalation, CreateEscalation, ResolveEscalation};
pub use evidence::{
    EvidenceContent, LinkEvidence, RegisterEvidence, RegisterSigner, RevokeSigner, SignEvidence,
    UploadChunk,
};
pub use export::{
    AnswerExport, BuiltExport, ClaimExport, CompleteExport, ExportAnswer, FailExport, RequestExport,
};
pub use intervention::{HumanRole, Intervene, InterventionType, LiftStop, StopScope};
pub use logins::{
    ChangePassword, ConfirmMfa, EnrollMfa, FailLogin, LinkOidc, LoginProof, OidcAccount,
    OpenChallenge, OpenSession, RenewBackupCodes, RevokeSession, TouchCredentials,
};
pub use overrides::{ExecuteOverride, IssueToken, OverrideScope, ReviewOverride};
pub use responsibility::{RecordResponsibility, ReviewResponsibility};
pub use retention::{
    Anonymize, Anonymized, ApplyHold, EntryFilter, HoldScope, ReleaseHold, RetentionDays,
};
pub use systems::{
    CloseIncident, IncidentCategory, RecordIncident, RegisterSystem, ReportIncident, SystemDetails,
    SystemRole, SystemRoute, UpdateAnnexIv, UpdateSystem,
};

pub use control::{AttestControl, LinkControl, SetProfile, UpdateRegister};

/// The only version of the envelope there is.
pub const ENVELOPE_VERSION: u16 = 1;

/// How the socket of a node authenticates: by who may open it.
pub const ADMIN_SOCKET: &str = "admin_socket";

/// The only group that runs today.
pub const MAIN_GROUP: &str = "main";

/// A command with all that decides what it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// [`ENVELOPE_VERSION`].
    pub version: u16,
    /// The Raft group whose ledger this is for.
    pub group: String,
    /// What to do.
    pub command: Command,
    /// Who asks.
    pub principal: Principal,
    /// Absent only where the cluster asks itself: founding, ticks.
    pub idempotency: Option<Idempotency>,
    /// Source of every id and salt the command makes.
    pub seed: Seed,
    /// Name of the node that took the request.
    pub asked_node: String,
}

/// Who asked, and by which credential; judged at the edge and once more in
/// `apply`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// What kind of principal it is.
    pub kind: PrincipalKind,
    /// User id, key id or node name; empty for nobody.
    pub id: String,
    /// Handle of the session or key.
    pub credential_id: Option<String>,
    /// How it was authenticated: `none` in open mode.
    pub authn: String,
}

impl Principal {
    /// The principal of the open mode on loopback.
    pub fn nobody() -> Self {
        Self {
            kind: PrincipalKind::Nobody,
            id: String::new(),
            credential_id: None,
            authn: "none".to_owned(),
        }
    }

    /// A node of the cluster asking on its own account.
    pub fn node(name: &str) -> Self {
        Self {
            kind: PrincipalKind::Node,
            id: name.to_owned(),
            credential_id: None,
            authn: "node".to_owned(),
        }
    }

    /// Whoever holds the socket of a node.
    pub fn socket(node: &str) -> Self {
        Self { authn: ADMIN_SOCKET.to_owned(), ..Self::node(node) }
    }

    /// Says in `data` of an entry who asked: `by`, `authn` and, where there is a
    /// credential, its handle.
    pub(crate) fn tell(&self, data: &mut Object) {
        data.insert("authn", self.authn.as_str());
        data.insert("by", Some(self.id.as_str()).filter(|id| !id.is_empty()));
        if let Some(credential) = &self.credential_id {
            data.insert("credential_id", credential.as_str());
        }
    }
}

/// Kinds of principals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PrincipalKind {
    /// A person with an account.
    User,
    /// A program with a key.
    ApiKey,
    /// A node of this cluster.
    Node,
    /// The open mode on loopback.
    Nobody,
}

/// What makes a repeated request known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// Whose keys these are; in open mode there is one scope, the empty text.
    pub scope: String,
    /// `Idempotency-Key`, or `request_id` of a decision: 1..128 printable ASCII.
    pub key: String,
    /// SHA-256 of path and canonical body: same key, other body is refused.
    pub body_digest: Digest,
}

/// Everything the log may say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// The first command of a cluster: makes genesis.
    Found(Found),
    /// Evaluate, record, grant a token.
    Decide(Box<Decide>),
    /// Put another policy in force.
    LoadPolicy(Box<LoadPolicy>),
    /// Give a node its Raft id and publish its keys.
    RegisterNode(RegisterNode),
    /// Move applied time on, so that what is due is done.
    Tick,
    /// Seal the ledger as it is at this place of the log.
    Checkpoint,
    /// A voter's signatures on a checkpoint.
    Cosign(Box<Cosign>),
    /// Publish a key, in place of another one if that is named.
    AddKey(Box<AddKey>),
    /// End a key.
    RetireKey(RetireKey),
    /// Erase parts of entries.
    Erase(Erase),
    /// A node has no bytes left of what was erased up to a run.
    ReportForgotten(ReportForgotten),
    /// A node is not what the others are.
    RecordDivergence(Box<RecordDivergence>),
    /// Such a node has been rebuilt.
    RecordRecovery(RecordRecovery),
    /// Have every node digest its whole state as it is at this place of the log.
    Scrub,
    /// Such a digest.
    ReportContent(ReportContent),
    /// Put the document of an earlier version in force again.
    RollbackPolicy(Box<RollbackPolicy>),
    /// Put another policy in force, with what that would have changed.
    LoadGatedPolicy(Box<LoadGatedPolicy>),
    /// End a token before its time.
    RevokeToken(RevokeToken),
    /// Say what risk a decision brings.
    AssessRisk(Box<AssessRisk>),
    /// Forget notices that were delivered: those of these entries.
    EffectsDone(Vec<EntryId>),
    /// Ask humans about a decision.
    CreateEscalation(Box<CreateEscalation>),
    /// Say that one looks.
    AcknowledgeEscalation(AcknowledgeEscalation),
    /// Answer.
    ResolveEscalation(Box<ResolveEscalation>),
    /// Say who answers for a decision.
    RecordResponsibility(Box<RecordResponsibility>),
    /// Say what is thought of such a record.
    ReviewResponsibility(Box<ReviewResponsibility>),
    /// Decide in the place of the policy.
    ExecuteOverride(Box<ExecuteOverride>),
    /// Say, as a second person, whether an override was right.
    ReviewOverride(Box<ReviewOverride>),
    /// Grant a token for what a decision has come to.
    IssueToken(IssueToken),
    /// Put a part of a large content where a later command finds it.
    UploadChunk(Box<UploadChunk>),
    /// Keep a piece of evidence.
    RegisterEvidence(Box<RegisterEvidence>),
    /// Say that a piece of evidence is about a decision.
    LinkEvidence(Box<LinkEvidence>),
    /// Sign a piece of evidence.
    SignEvidence(Box<SignEvidence>),
    /// Publish the key of somebody who signs evidence.
    RegisterSigner(Box<RegisterSigner>),
    /// End such a key.
    RevokeSigner(Box<RevokeSigner>),
    /// Record what a human did about what a machine proposed.
    Intervene(Box<Intervene>),
    /// End an emergency stop.
    LiftStop(LiftStop),
    /// Make an account.
    CreateUser(Box<CreateUser>),
    /// Change what an account is for.
    UpdateUser(Box<UpdateUser>),
    /// Disable, enable or unlock an account, or take its second factor away.
    ChangeUser(Box<ChangeUser>),
    /// Set one's own password.
    ChangePassword(Box<ChangePassword>),
    /// Propose a secret for one's own second factor.
    EnrollMfa(Box<EnrollMfa>),
    /// Confirm it.
    ConfirmMfa(Box<ConfirmMfa>),
    /// Have new backup codes.
    RenewBackupCodes(Box<RenewBackupCodes>),
    /// Wait for a second factor.
    OpenChallenge(Box<OpenChallenge>),
    /// Begin a session.
    OpenSession(Box<OpenSession>),
    /// Count a login that failed.
    FailLogin(Box<FailLogin>),
    /// End a session.
    RevokeSession(RevokeSession),
    /// Report which credentials were used.
    TouchCredentials(Box<TouchCredentials>),
    /// Make a key for a program.
    CreateApiKey(Box<CreateApiKey>),
    /// End it.
    RevokeApiKey(RevokeApiKey),
    /// Give a person of a provider an account.
    LinkOidc(Box<LinkOidc>),
    /// Make a token with which a node may join.
    IssueJoinToken(IssueJoinToken),
    /// Let a node join by it.
    RegisterNodeByToken(Box<RegisterNodeByToken>),
    /// Record that somebody read personal parts.
    RecordPersonalReads(Box<PersonalReads>),
    /// Freeze entries, so that nothing of them is erased.
    ApplyHold(Box<ApplyHold>),
    /// End that.
    ReleaseHold(ReleaseHold),
    /// Erase what may be erased of entries.
    Anonymize(Box<Anonymize>),
    /// Set how long records are kept.
    SetRetention(RetentionDays),
    /// Ask for an export.
    RequestExport(Box<RequestExport>),
    /// Let one go out, or not.
    AnswerExport(Box<AnswerExport>),
    /// Begin to build one.
    ClaimExport(ClaimExport),
    /// Say that it is built.
    CompleteExport(Box<CompleteExport>),
    /// Say that it cannot be built.
    FailExport(Box<FailExport>),
    /// Say which AI system there is.
    RegisterSystem(Box<RegisterSystem>),
    /// Say how it is now.
    UpdateSystem(Box<UpdateSystem>),
    /// Say that something went seriously wrong.
    RecordIncident(Box<RecordIncident>),
    /// Say that an authority was told.
    ReportIncident(Box<ReportIncident>),
    /// Say that it is over.
    CloseIncident(Box<CloseIncident>),
    /// Say what a section of the technical documentation says.
    UpdateAnnexIv(Box<UpdateAnnexIv>),
    /// Say what the organisation is.
    SetProfile(Box<SetProfile>),
    /// Name newer regulatory data.
    UpdateRegister(Box<UpdateRegister>),
    /// Say that a piece of evidence stands for what a control asks of humans.
    LinkControl(Box<LinkControl>),
    /// Vouch for what was linked to a control.
    AttestControl(Box<AttestControl>),
}

/// A place in the log: the same on every node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Index of the log entry.
    pub index: LogIndex,
    /// Place of the command within it.
    pub sub_index: u32,
}

/// What a node says the ledger and the state are at a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Claim {
    /// Entries there are.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Digest,
    /// Meanings of commands in force.
    pub feature_level: u32,
    /// Hash of the entry that names the voters.
    pub membership_hash: Digest,
    /// Hash of the policy in force.
    pub policy_hash: Digest,
    /// The running digest over every logical write.
    pub state_hash: Digest,
    /// Applied time of the checkpoint.
    pub at: Timestamp,
}

impl Claim {
    /// The claim as the checkpoint of the log `origin`.
    pub fn checkpoint(&self, origin: String) -> ledger::Checkpoint {
        ledger::Checkpoint {
            origin,
            size: self.size,
            root: self.root,
            feature_level: self.feature_level,
            membership_hash: self.membership_hash,
            policy_hash: self.policy_hash,
            state_hash: self.state_hash,
            timestamp: self.at,
        }
    }
}

/// A voter's signatures on a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cosign {
    /// Where the checkpoint was made.
    pub place: Place,
    /// What the voter found there by executing the log itself.
    pub claim: Claim,
    /// Its key for checkpoints.
    pub key: KeyId,
    /// Ed25519 over the note's text, 64 bytes.
    pub signature: Vec<u8>,
    /// For the long term, once the node has such a key.
    pub rsa: Option<RsaSignature>,
}

/// RSASSA-PSS over the note's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RsaSignature {
    /// The key.
    pub key: KeyId,
    /// The signature.
    pub signature: Vec<u8>,
}

/// What a public key is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyMaterial {
    /// RFC 8032.
    Ed25519([u8; 32]),
    /// RFC 8017: modulus and exponent, big-endian without leading zeros.
    Rsa {
        /// Modulus.
        n: Vec<u8>,
        /// Public exponent.
        e: Vec<u8>,
    },
}

/// A key that a node adds to those it joined with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddKey {
    /// Whose it is.
    pub raft_id: RaftId,
    /// Drawn by the node when it made the key.
    pub id: KeyId,
    /// What it may sign.
    pub usage: KeyUsage,
    /// The public half.
    pub material: KeyMaterial,
    /// The key of the same node, kind and use that ends with it.
    pub replaces: Option<KeyId>,
}

/// A key that is to sign nothing any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetireKey {
    /// The key.
    pub id: KeyId,
    /// Somebody else may have it: nothing it ever signed counts any more.
    pub compromised: bool,
    /// Why, 1..2048 characters.
    pub reason: String,
}

/// How much of an entry is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ErasedPart {
    /// `personal` and its salt.
    Personal,
    /// Both parts and both salts.
    All,
}

impl ErasedPart {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::All => "all",
        }
    }
}

/// Why something is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErasureCause {
    /// Somebody asked for it.
    Request,
    /// Its time is up.
    Retention,
}

impl ErasureCause {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Retention => "retention",
        }
    }
}

/// Ids from one to another, both among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryRange {
    /// The first.
    pub from: EntryId,
    /// The last.
    pub to: EntryId,
}

/// Parts of at most 1,000 entries to erase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erase {
    /// How much of each.
    pub part: ErasedPart,
    /// Ascending and disjoint.
    pub ranges: Vec<EntryRange>,
    /// Why.
    pub cause: ErasureCause,
}

/// A node has no bytes left of what was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportForgotten {
    /// The node.
    pub raft_id: RaftId,
    /// The last run whose entries' bytes are gone, as those of all before it.
    pub through: EntryId,
}

/// How a divergence was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Finding {
    /// It signed another checkpoint than the majority.
    Checkpoint {
        /// Size of that of the majority.
        size: u64,
    },
    /// Its whole state has another digest than that of the majority.
    Content {
        /// Where.
        place: Place,
    },
    /// It found stored bytes of its own that are not what was written.
    Damage {
        /// The first entry concerned, if it is an entry's.
        entry: Option<EntryId>,
        /// What is wrong, in a word of api.md, section 9.
        reason: String,
    },
}

/// A node is not what the others are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordDivergence {
    /// The node.
    pub raft_id: RaftId,
    /// How that was found.
    pub finding: Finding,
}

/// A node that had diverged has been rebuilt from another one's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRecovery {
    /// The node.
    pub raft_id: RaftId,
    /// The first entry in which it differed, if any did.
    pub first_difference: Option<EntryId>,
    /// Last log index of the state it was given.
    pub snapshot_index: LogIndex,
}

/// The digest of a node's whole state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportContent {
    /// The node.
    pub raft_id: RaftId,
    /// Where in the log.
    pub place: Place,
    /// The digest.
    pub digest: Digest,
}

/// What genesis says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The new cluster.
    pub cluster_id: ClusterId,
    /// First part of the origin line of checkpoints.
    pub log_name: String,
    /// The founding node.
    pub node: NodeDescription,
    /// Its Raft id: 1.
    pub raft_id: RaftId,
}

/// A node as it introduces itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeDescription {
    /// 1..64 characters: letters, digits, `_ - .`
    pub name: String,
    /// `http://host:port` of its public interface.
    pub api_address: String,
    /// `host:port` that other nodes dial.
    pub peer_address: String,
    /// Where it stands, if told.
    pub region: Option<String>,
    /// Failure domain within the region, if told.
    pub zone: Option<String>,
    /// Its public keys, one per use.
    pub keys: Vec<PublicKey>,
}

/// A public key of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// Drawn by the node when it made the key.
    pub id: KeyId,
    /// What it may sign.
    pub usage: KeyUsage,
    /// Ed25519, RFC 8032.
    pub bytes: [u8; 32],
}

/// What a key may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum KeyUsage {
    /// Decisions and interventions.
    Decision,
    /// Capability tokens.
    Token,
    /// Checkpoints.
    Checkpoint,
    /// Exports.
    Export,
}

impl KeyUsage {
    /// Every use a node has a key for.
    pub const ALL: [Self; 4] = [Self::Decision, Self::Token, Self::Checkpoint, Self::Export];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Token => "token",
            Self::Checkpoint => "checkpoint",
            Self::Export => "export",
        }
    }
}

/// A request for a decision, validated and normalised by the edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decide {
    /// Who wants to act.
    pub actor: String,
    /// What it wants to do.
    pub action: String,
    /// On what.
    pub resource: Option<String>,
    /// With what.
    pub tool: Option<String>,
    /// Kinds of data touched.
    pub data_classes: Vec<String>,
    /// Free-form facts that conditions look at.
    pub context: Object,
    /// Why, in the words of the user.
    pub user_intent: Option<String>,
    /// Risk by dimension.
    pub risk: Option<RiskInput>,
    /// Risk as one number, 1..=5.
    pub risk_level: Option<u8>,
    /// A stricter mode than the one in force.
    pub policy_mode: Option<Mode>,
    /// Life of the token, 1..=86,400.
    pub expires_in_seconds: u32,
    /// The caller's; drawn in `apply` when absent.
    pub request_id: Option<String>,
}

/// Risk by dimension, each 0..=100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskInput {
    /// Weight 25.
    pub security: Option<u8>,
    /// Weight 20.
    pub privacy: Option<u8>,
    /// Weight 20.
    pub compliance: Option<u8>,
    /// Weight 15.
    pub operational: Option<u8>,
    /// Weight 10.
    pub reputational: Option<u8>,
    /// Weight 10.
    pub financial: Option<u8>,
}

/// A policy to put in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadPolicy {
    /// The document as sent; `apply` parses and checks it.
    pub document: Json,
    /// Refuse when another version is active by then.
    pub expected_active_version: Option<u64>,
    /// The caller has seen what the change would newly allow.
    pub acknowledge_widening: bool,
    /// Why, at most 2048 characters.
    pub note: Option<String>,
}

/// An earlier version to put in force again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackPolicy {
    /// The version whose document is to be in force.
    pub version: u64,
    /// Why, 1..2048 characters.
    pub reason: String,
}

/// A policy to put in force only over the one it was compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadGatedPolicy {
    /// The policy.
    pub load: LoadPolicy,
    /// What the node that was asked found.
    pub impact: ImpactFound,
}

/// What a policy would have changed in decisions that were recorded. Found
/// before it is proposed: replaying them is too slow for `apply`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImpactFound {
    /// The version that was in force then.
    pub active_version: u64,
    /// Hash of the document that was looked at.
    pub candidate_hash: Digest,
    /// The first decision that was looked at; `None` when there was none.
    pub from_entry: Option<EntryId>,
    /// The last one.
    pub to_entry: Option<EntryId>,
    /// How many were replayed.
    pub decisions_replayed: u64,
    /// Recorded as allowed, and denied now.
    pub allowed_to_denied: u64,
    /// Recorded as denied, and allowed now.
    pub denied_to_allowed: u64,
    /// Any other change of the outcome.
    pub other_changes: u64,
    /// Decisions of which too much is erased.
    pub unreplayable: u64,
}

/// A token that is to permit nothing any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeToken {
    /// The token.
    pub token: TokenId,
    /// Why, 1..2048 characters.
    pub reason: String,
}

/// A node that wants to join.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterNode {
    /// Who it is.
    pub node: NodeDescription,
    /// Drawn by the joiner and kept until it is in: same nonce, same answer.
    pub nonce: String,
    /// The bearer of this name that the leader has not heard of lately. It is
    /// named, so that somebody who took the name in between is not taken for it.
    pub lost_bearer: Option<RaftId>,
}

/// What risk a decision brings, as somebody sees it after it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssessRisk {
    /// The decision.
    pub decision: DecisionId,
    /// Risk by dimension.
    pub dimensions: RiskInput,
    /// How likely harm is, 0..=100. Recorded, and no part of the score.
    pub likelihood: Option<u8>,
    /// How bad it would be, 1..=5. Recorded, and no part of the score.
    pub impact: Option<u8>,
    /// What is done against it, at most 100.
    pub mitigations: Vec<String>,
    /// The latest assessment, whose place this one takes.
    pub supersedes: Option<RiskId>,
    /// Whatever the caller wants to keep with it.
    pub metadata: Option<Object>,
}
