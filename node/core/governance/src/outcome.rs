//! What [`apply()`](crate::apply()) answers.
//!
//! Three results that are never mixed: done, refused ([`Outcome::Rejected`],
//! nothing written), and [`Corruption`].

use policy::Fault;
use types::{
    ArtifactId, Digest, EntryId, EscalationId, ExportId, Json, KeyId, OverrideId, RaftId, RiskId,
    StopId, Timestamp, TokenId,
};
use types::{IncidentId, SystemId};

use crate::access::Denied;
use crate::command::{Anonymized, Claim, Place};

/// What a command did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Genesis is written.
    Founded(Recorded),
    /// A decision is recorded, whatever it says.
    Decided(Box<Decided>),
    /// A policy is in force.
    PolicyLoaded(PolicyLoaded),
    /// A node has its Raft id.
    NodeRegistered(NodeRegistered),
    /// Applied time moved on; nothing was recorded.
    Ticked,
    /// The ledger is recorded as asked: keys, divergences, recoveries.
    Recorded(Recorded),
    /// Parts of entries are erased.
    Erased(Erased),
    /// A checkpoint waits for signatures.
    Sealed(Sealed),
    /// A voter's signature is kept.
    Cosigned(Cosigned),
    /// Every node is to digest its state as it is after this log entry.
    ScrubOpened(Place),
    /// Such a digest is kept.
    ContentReported(ContentReported),
    /// Kept, without an entry.
    Noted,
    /// The same request was recorded before, in this entry. The reply is
    /// rebuilt from it.
    Replayed(EntryId),
    /// Refused; nothing was written.
    Rejected(Rejection),
    /// What may be erased of entries is erased.
    Anonymized(AnonymizedRun),
}

/// Where a command was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Place in the ledger.
    pub entry_id: EntryId,
    /// `current_hash` of the entry.
    pub entry_hash: Digest,
    /// Applied time.
    pub at: Timestamp,
}

/// A recorded decision: both parts of its entry, from which the reply is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Where.
    pub recorded: Recorded,
    /// `data` of the entry.
    pub data: Json,
    /// `personal` of the entry.
    pub personal: Json,
}

/// A checkpoint that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Where in the log.
    pub place: Place,
    /// What this node found there.
    pub claim: Claim,
}

/// A signature on a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// Size of the checkpoint, as this node found it.
    pub size: u64,
    /// It made the checkpoint final.
    pub became_final: bool,
    /// The voter, if it found something else than this node.
    pub dissent: Option<RaftId>,
    /// A majority found the same, and this node something else.
    pub outvoted: bool,
}

/// A digest of a whole state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentReported {
    /// Where in the log.
    pub place: Place,
    /// Nodes that differ from the majority.
    pub outvoted: Vec<RaftId>,
}

/// Parts of entries that are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// The run.
    pub recorded: Recorded,
    /// Entries of which there was something left to erase.
    pub entries: u64,
}

/// What may be erased of some entries is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnonymizedRun {
    /// The run; `None` where nothing could go.
    pub recorded: Option<Recorded>,
    /// What became of the entries.
    pub counts: Anonymized,
}

/// A policy that was put in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyLoaded {
    /// Where.
    pub recorded: Recorded,
    /// Its version: one more than the last.
    pub version: u64,
}

/// A node that was given its Raft id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRegistered {
    /// Where; `None` when the same nonce was registered before.
    pub recorded: Option<Recorded>,
    /// The id, for ever its own.
    pub raft_id: RaftId,
    /// 1 for the first bearer of a name.
    pub incarnation: u64,
}

/// Why a command was refused. A public language: a code is never removed and
/// never changes its meaning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Same key, different body.
    #[error("`{key}` was used for a different request")]
    IdempotencyConflict {
        /// The key.
        key: String,
    },
    /// What this key recorded has been erased.
    #[error("what this request recorded has been erased")]
    Erased,
    /// Nothing but `Found` is taken before genesis.
    #[error("the cluster has no genesis yet")]
    NotFounded,
    /// There is one genesis.
    #[error("the cluster has its genesis")]
    AlreadyFounded,
    /// An envelope this release does not know.
    #[error("envelope version {version} for group `{group}` is not served here")]
    UnknownEnvelope {
        /// The version.
        version: u16,
        /// The group.
        group: String,
    },
    /// `policy_mode` may only tighten.
    #[error("policy mode `{asked}` is looser than `{active}`, which is in force")]
    PolicyModeLoosens {
        /// What was asked for.
        asked: &'static str,
        /// What is in force.
        active: &'static str,
    },
    /// The document is not valid; every fault is listed.
    #[error("{} faults in the policy", faults.len())]
    PolicyInvalid {
        /// Every fault.
        faults: Vec<Fault>,
    },
    /// Somebody loaded another policy in between.
    #[error("version {active} is active, not {expected}")]
    PolicyVersionConflict {
        /// What the caller expected.
        expected: u64,
        /// What is active.
        active: u64,
    },
    /// There never was this version.
    #[error("there is no version {version} of the policy")]
    UnknownPolicy {
        /// The version.
        version: u64,
    },
    /// The document is the one in force.
    #[error("this policy is in force already")]
    AlreadyActive,
    /// What was denied would be allowed, and nobody has said that this is meant.
    #[error("{denied_to_allowed} decisions that were denied would be allowed")]
    ImpactNotAcknowledged {
        /// How many.
        denied_to_allowed: u64,
    },
    /// The name belongs to a member that is reachable.
    #[error("node name `{name}` is in use")]
    NodeNameInUse {
        /// The name.
        name: String,
    },
    /// Another node was given this Raft id in the same log entry.
    #[error("Raft id {raft_id} was given a moment ago; ask again")]
    RaftIdTaken {
        /// The id.
        raft_id: RaftId,
    },
    /// Nothing was added since the last checkpoint, or too little too soon.
    #[error("there is nothing to seal yet")]
    NothingToSeal,
    /// A newer checkpoint is final, or there never was this one.
    #[error("this checkpoint takes no more signatures")]
    CheckpointGone,
    /// Who signs does not vote there, or with a key that does not count.
    #[error("node {raft_id} does not vote there with this key")]
    NotAVoter {
        /// The node.
        raft_id: RaftId,
    },
    /// There is no such key, or it cannot be used for this.
    #[error("no key `{id}` for this")]
    UnknownKey {
        /// The key.
        id: KeyId,
    },
    /// The key signs nothing any more.
    #[error("the key was retired before")]
    AlreadyRevoked,
    /// A voter signs a checkpoint once.
    #[error("this voter has signed")]
    AlreadySigned,
    /// The signature does not hold.
    #[error("the signature does not verify")]
    SignatureInvalid,
    /// It is recorded already.
    #[error("this is recorded already")]
    AlreadyRecorded,
    /// The state does not show what the command says.
    #[error("the state does not show this")]
    NotProven,
    /// Not ascending, not disjoint, beyond the ledger, or too many.
    #[error("ranges must be ascending, disjoint, within the ledger and of at most 1,000 entries")]
    RangesInvalid,
    /// Without this entry nothing would verify or replay.
    #[error("entry {entry} is never erased")]
    NotErasable {
        /// The entry.
        entry: EntryId,
    },
    /// Nothing of these entries is left to erase.
    #[error("there is nothing left to erase")]
    NothingToErase,
    /// There is no such token, or its grant is erased.
    #[error("no token `{token}` is recorded")]
    UnknownToken {
        /// The token.
        token: TokenId,
    },
    /// The token was revoked before.
    #[error("token `{token}` was revoked before")]
    TokenRevoked {
        /// The token.
        token: TokenId,
    },
    /// The token has ended by itself.
    #[error("token `{token}` expired at {at}")]
    TokenExpired {
        /// The token.
        token: TokenId,
        /// When.
        at: Timestamp,
    },
    /// Who asks is no human, or none who may.
    #[error("who asks is not one who may do this")]
    NotAuthorised,
    /// There is no such escalation.
    #[error("no escalation `{id}` is recorded")]
    UnknownEscalation {
        /// The escalation.
        id: EscalationId,
    },
    /// Somebody looks already.
    #[error("this escalation was acknowledged before")]
    AlreadyAcknowledged,
    /// It has its answer.
    #[error("this escalation was resolved before")]
    AlreadyResolved,
    /// Its time is over.
    #[error("this escalation has expired: raise a new one")]
    EscalationExpired,
    /// No such decision is recorded.
    #[error("no such decision is recorded")]
    UnknownDecision,
    /// What was recorded of the decision is erased.
    #[error("the content of this decision has been erased")]
    DecisionErased,
    /// The first assessment of a decision names none before it.
    #[error("the risk of this decision is assessed; name the assessment this one supersedes")]
    AlreadyAssessed,
    /// Only the latest assessment of the same decision can be superseded.
    #[error("`{risk}` is not the latest assessment of this decision")]
    NotLatest {
        /// What was to be superseded.
        risk: RiskId,
    },
    /// There is no such record of responsibility.
    #[error("there is no such record of responsibility")]
    UnknownRecord,
    /// What the record said is erased.
    #[error("the content of this record has been erased")]
    RecordErased,
    /// There is no such override.
    #[error("no override `{id}` is recorded")]
    UnknownOverride {
        /// The override.
        id: OverrideId,
    },
    /// What was recorded of the override is erased.
    #[error("the content of this override has been erased")]
    OverrideErased,
    /// The decision comes to what an override would make of it.
    #[error("the effective outcome of this decision is `allowed`: there is nothing to override")]
    NothingToOverride,
    /// The caller takes the decision for something else than it is.
    #[error("the effective outcome of this decision is `{effective}`")]
    OriginalOutcomeMismatch {
        /// What it comes to.
        effective: &'static str,
    },
    /// A stock phrase says nothing; a text with one must say more than it.
    #[error("must have at least {chars_min} characters, or say more than `{phrase}`")]
    StockJustification {
        /// The phrase.
        phrase: &'static str,
        /// How long a text with it must be.
        chars_min: usize,
    },
    /// Who decides in the place of the policy says why.
    #[error("must have at least {chars_min} characters")]
    JustificationTooShort {
        /// How long it must be.
        chars_min: usize,
    },
    /// The end of an override is past, or too far off.
    #[error("must be later than now and within 90 days")]
    ExpiryOutOfRange,
    /// The scope of an override is not that of the decision.
    #[error("`{member}` of the scope does not fit this override")]
    ScopeMismatch {
        /// Which member of it.
        member: &'static str,
    },
    /// Nobody reviews what they answer for themselves.
    #[error("who answers for this cannot review it")]
    SamePerson,
    /// One review settles it.
    #[error("this was reviewed before")]
    AlreadyReviewed,
    /// A token permits only what is allowed.
    #[error("the effective outcome of this decision is `{effective}`")]
    NotAllowed {
        /// What it comes to.
        effective: &'static str,
    },
    /// While an emergency stop is in force nothing it stops is permitted.
    #[error("an emergency stop is in force for this")]
    EmergencyStop,
    /// Its token was taken back, and the decision alone is no reason for another.
    #[error("the token of this decision was revoked or erased; ask for a decision anew")]
    TokenTakenBack,
    /// An approval yields one token.
    #[error("the token of approval `{id}` was given")]
    ApprovalConsumed {
        /// The escalation.
        id: EscalationId,
    },
    /// A one-time override yields one token.
    #[error("the token of override `{id}` was given")]
    OverrideConsumed {
        /// The override.
        id: OverrideId,
    },
    /// One token of a decision is active at a time.
    #[error("token `{token}` of this decision is active until {until}")]
    TokenActive {
        /// The token.
        token: TokenId,
        /// When it ends by itself.
        until: Timestamp,
    },
    /// There are so many of something that there is no end to it.
    #[error("there are {there} {things}, which is the most")]
    TooMany {
        /// Of what: of one decision, or of all.
        things: &'static str,
        /// How many there are.
        there: u64,
    },
    /// There is no such artifact.
    #[error("no artifact `{artifact}` is recorded")]
    UnknownArtifact {
        /// The artifact.
        artifact: ArtifactId,
    },
    /// The entry of the artifact is erased.
    #[error("the content of this artifact has been erased")]
    ArtifactErased,
    /// No framework has such a control.
    #[error("no control is called `{control}`")]
    UnknownControl {
        /// What was named.
        control: String,
    },
    /// One decision, or one artifact, has so much that there is no end to it.
    #[error("{subject} has {count} {things}, which is the most")]
    TooMuchEvidence {
        /// What has them.
        subject: String,
        /// How many there are.
        count: u64,
        /// Of what.
        things: &'static str,
    },
    /// As many uploads as there may be are in progress.
    #[error("as many uploads as the cluster takes at once are in progress")]
    UploadsBusy,
    /// A chunk that no upload has.
    #[error("chunk {number} is empty, too large, past the last one, or was another before")]
    ChunkRefused {
        /// Which.
        number: u32,
    },
    /// Not all that was to be uploaded is there.
    #[error("the upload is not complete, or was swept; begin it again")]
    UploadIncomplete,
    /// What is there is not what the command says.
    #[error("the content is not of the size or the digest that was told")]
    ContentMismatch,
    /// A signer signs an artifact once.
    #[error("`{key}` has signed this artifact")]
    ArtifactSigned {
        /// The key.
        key: KeyId,
    },
    /// The signer signs nothing any more.
    #[error("signer `{key}` was revoked")]
    SignerRevoked {
        /// The key.
        key: KeyId,
    },
    /// A public key has one signer, for ever.
    #[error("this public key is registered as `{key}`")]
    SignerExists {
        /// The key.
        key: KeyId,
    },
    /// Nothing but an emergency stop stops anything.
    #[error("`stop` belongs to an `emergency_stop` alone")]
    NoStop,
    /// There is no such stop.
    #[error("no stop `{stop}` is recorded")]
    UnknownStop {
        /// The stop.
        stop: StopId,
    },
    /// A stop is lifted once.
    #[error("stop `{stop}` was lifted before")]
    AlreadyLifted {
        /// The stop.
        stop: StopId,
    },
    /// Decisions do not heed this yet.
    #[error("feature level {needed} is needed for this, and {level} is in force")]
    FeatureLevelTooLow {
        /// What is in force.
        level: u32,
        /// What is needed.
        needed: u32,
    },
    /// The principal has not the right to it.
    #[error("{}", .0.detail())]
    Denied(Denied),
    /// There is no such account.
    #[error("there is no such account")]
    UnknownUser,
    /// The name or the e-mail has an account.
    #[error("an account has this {what}")]
    UserExists {
        /// `username` or `email`.
        what: &'static str,
    },
    /// Without an administrator nobody could manage accounts any more.
    #[error("this is the last administrator")]
    LastAdmin,
    /// The account is so already.
    #[error("the account is {state} already")]
    UserUnchanged {
        /// How it is.
        state: &'static str,
    },
    /// The name or the password is wrong, or the account cannot be used: which,
    /// nobody is told.
    #[error("the name or the password is not right")]
    InvalidCredentials,
    /// Too many logins failed.
    #[error("this account is locked for this address until {until}")]
    AccountLocked {
        /// Until when.
        until: Timestamp,
    },
    /// The code is wrong, or was used.
    #[error("the code is not right, or was used before")]
    InvalidCode,
    /// The login took too long, or is done.
    #[error("this login is over: begin again")]
    ChallengeExpired,
    /// The login has had as many wrong codes as it takes.
    #[error("this login takes no more codes: begin again")]
    ChallengeExhausted,
    /// The account has a second factor.
    #[error("the account has a second factor already")]
    MfaEnrolled,
    /// The account has none, or none that waits to be confirmed.
    #[error("there is no second factor to do this with")]
    NoMfa,
    /// The name means something else where humans are named.
    #[error("`{name}` is no name for an account: it names a role or a team")]
    NameReserved {
        /// The name.
        name: String,
    },
    /// A value that cannot be kept.
    #[error("`{member}` is out of bounds")]
    OutOfBounds {
        /// Which member.
        member: &'static str,
    },
    /// There is no such session, or it is somebody else's.
    #[error("there is no such session")]
    UnknownSession,
    /// There is no such API key.
    #[error("there is no such API key")]
    UnknownApiKey,
    /// Who joins has no token that counts.
    #[error("the join token is unknown, used or over")]
    JoinRefused,
    /// A legal hold keeps it.
    #[error("a legal hold keeps entry {entry}")]
    UnderHold {
        /// The entry.
        entry: EntryId,
    },
    /// A hold with this id was applied before.
    #[error("there is a hold `{hold}`")]
    HoldExists {
        /// The hold.
        hold: String,
    },
    /// No entry fits what is to be held: a hold on nothing would be believed to
    /// keep something.
    #[error("no entry fits: the hold would keep nothing")]
    HoldEmpty {
        /// Which member says what is to be held.
        member: &'static str,
    },
    /// There is no such hold.
    #[error("no hold `{hold}` is recorded")]
    UnknownHold {
        /// The hold.
        hold: String,
    },
    /// A hold is released once.
    #[error("hold `{hold}` was released before")]
    HoldReleased {
        /// The hold.
        hold: String,
    },
    /// There is no such export.
    #[error("no export `{id}` is recorded")]
    UnknownExport {
        /// The export.
        id: ExportId,
    },
    /// It has its answer, or needs none.
    #[error("this export does not wait for an approval")]
    ExportAnswered,
    /// What a control asks of humans nothing stands for that a machine made.
    #[error("an artifact of type `{kind}` does not stand for what is asked of humans")]
    ArtifactDoesNotFit {
        /// What the artifact is.
        kind: &'static str,
    },
    /// One vouches for what was linked before.
    #[error("artifact `{artifact}` is not linked to this control")]
    EvidenceNotLinked {
        /// The artifact.
        artifact: ArtifactId,
    },
    /// The token would outlive the last representable time.
    #[error("the token would end past the last representable time")]
    LifetimeTooLong,
    /// There is no such AI system.
    #[error("no system `{system}` is registered")]
    UnknownSystem {
        /// The system.
        system: SystemId,
    },
    /// The name has a system.
    #[error("`{system}` has this name")]
    SystemExists {
        /// The system.
        system: SystemId,
    },
    /// There is no such incident.
    #[error("no incident `{incident}` is recorded")]
    UnknownIncident {
        /// The incident.
        incident: IncidentId,
    },
    /// An authority was told.
    #[error("incident `{incident}` was reported before")]
    IncidentReported {
        /// The incident.
        incident: IncidentId,
    },
    /// It is over.
    #[error("incident `{incident}` was closed before")]
    IncidentClosed {
        /// The incident.
        incident: IncidentId,
    },
}

macro_rules! codes {
    ($($code:literal: $($rejection:ident)+;)+) => {
        impl Rejection {
            /// The stable code of api.md, section 1.2.
            pub fn code(&self) -> &'static str {
                match self {
                    $($(Self::$rejection { .. })|+ => $code,)+
                    Self::Denied(denied) => denied.code(),
                }
            }
        }
    };
}

codes! {
    "idempotency_conflict": IdempotencyConflict;
    "erased": Erased DecisionErased RecordErased OverrideErased ArtifactErased;
    "starting": NotFounded;
    "already_exists": AlreadyFounded NodeNameInUse AlreadyRecorded SignerExists UserExists
        NameReserved HoldExists SystemExists;
    "not_allowed": UnknownEnvelope NothingToSeal CheckpointGone NotProven NotErasable
        NothingToErase TokenExpired TooMany FeatureLevelTooLow NotAllowed EmergencyStop
        TokenTakenBack TooMuchEvidence ChunkRefused UploadIncomplete ContentMismatch
        SignerRevoked UserUnchanged NoMfa;
    "policy_mode_loosens": PolicyModeLoosens;
    "policy_invalid": PolicyInvalid;
    "policy_version_conflict": PolicyVersionConflict;
    "unknown_policy": UnknownPolicy;
    "already_active": AlreadyActive;
    "impact_not_acknowledged": ImpactNotAcknowledged;
    "overloaded": RaftIdTaken UploadsBusy;
    "out_of_range": LifetimeTooLong RangesInvalid ExpiryOutOfRange OutOfBounds;
    "conflicting_values": NoStop ScopeMismatch;
    "unknown_node": NotAVoter;
    "unknown_key": UnknownKey UnknownApiKey;
    "already_revoked": AlreadyRevoked TokenRevoked;
    "unknown_token": UnknownToken;
    "already_signed": AlreadySigned ArtifactSigned;
    "signature_invalid": SignatureInvalid;
    "not_authorised": NotAuthorised;
    "unknown_escalation": UnknownEscalation;
    "already_acknowledged": AlreadyAcknowledged;
    "already_resolved": AlreadyResolved ExportAnswered;
    "expired": EscalationExpired;
    "unknown_decision": UnknownDecision;
    "already_assessed": AlreadyAssessed;
    "not_latest": NotLatest;
    "unknown_record": UnknownRecord;
    "unknown_override": UnknownOverride;
    "nothing_to_override": NothingToOverride;
    "original_outcome_mismatch": OriginalOutcomeMismatch;
    "too_short": StockJustification JustificationTooShort;
    "same_person": SamePerson;
    "already_reviewed": AlreadyReviewed;
    "approval_consumed": ApprovalConsumed;
    "override_consumed": OverrideConsumed;
    "token_active": TokenActive;
    "unknown_artifact": UnknownArtifact;
    "unknown_control": UnknownControl;
    "unknown_stop": UnknownStop;
    "unknown_user": UnknownUser;
    "last_admin": LastAdmin;
    "invalid_credentials": InvalidCredentials;
    "account_locked": AccountLocked;
    "invalid_code": InvalidCode;
    "challenge_expired": ChallengeExpired;
    "rate_limited": ChallengeExhausted;
    "already_enrolled": MfaEnrolled;
    "unknown_session": UnknownSession;
    "join_refused": JoinRefused;
    "already_lifted": AlreadyLifted;
    "under_hold": UnderHold;
    "hold_empty": HoldEmpty;
    "unknown_hold": UnknownHold;
    "already_released": HoldReleased;
    "unknown_export": UnknownExport;
    "unknown_system": UnknownSystem;
    "unknown_incident": UnknownIncident;
    "already_reported": IncidentReported;
    "already_closed": IncidentClosed;
    "artifact_does_not_fit": ArtifactDoesNotFit;
    "evidence_not_linked": EvidenceNotLinked;
}

/// Stored state that no sequence of commands can produce. The node that sees it
/// stops serving and says so; it neither panics nor goes on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stored state is damaged: {table}: {detail}")]
pub struct Corruption {
    /// Where.
    pub table: &'static str,
    /// What.
    pub detail: String,
}

impl Corruption {
    /// Damage found in `table`.
    pub fn new(table: &'static str, detail: impl Into<String>) -> Self {
        Self { table, detail: detail.into() }
    }
}
