//! What is kept of evidence beside its entries and its content.

use serde::{Deserialize, Serialize};
use types::{Digest, EntryId, Timestamp, Ulid};

/// What kind of thing a piece of evidence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ArtifactKind {
    /// Decisions as another system has them.
    DecisionLog,
    /// A policy as it was.
    PolicySnapshot,
    /// What an actor saw.
    ContextCapture,
    /// An image of it.
    Screenshot,
    /// Somebody vouches for something.
    Attestation,
    /// A signature made elsewhere.
    Signature,
    /// What another system recorded.
    AuditTrail,
    /// What somebody else found.
    ExternalReport,
}

impl ArtifactKind {
    /// Every kind there is.
    pub const ALL: [Self; 8] = [
        Self::DecisionLog,
        Self::PolicySnapshot,
        Self::ContextCapture,
        Self::Screenshot,
        Self::Attestation,
        Self::Signature,
        Self::AuditTrail,
        Self::ExternalReport,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DecisionLog => "decision_log",
            Self::PolicySnapshot => "policy_snapshot",
            Self::ContextCapture => "context_capture",
            Self::Screenshot => "screenshot",
            Self::Attestation => "attestation",
            Self::Signature => "signature",
            Self::AuditTrail => "audit_trail",
            Self::ExternalReport => "external_report",
        }
    }

    /// The kind of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// How long such a thing is kept where nobody says otherwise.
    pub fn retention_days(self) -> u32 {
        match self {
            Self::ContextCapture | Self::Screenshot => 365,
            Self::Signature => 3650,
            Self::DecisionLog
            | Self::PolicySnapshot
            | Self::Attestation
            | Self::AuditTrail
            | Self::ExternalReport => 2555,
        }
    }
}

/// A piece of evidence: where it is recorded, and what must be known of it
/// without reading that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactRecord {
    /// Its entry, or that of an override whose attestation it is.
    pub entry_id: EntryId,
    /// What kind of thing; gone once the entry is erased whole.
    pub kind: Option<ArtifactKind>,
    /// What it holds; gone once the content is.
    pub content: Option<ContentPlace>,
    /// Decisions it was linked to after it was registered.
    pub links: u32,
    /// Signatures on it.
    pub signatures: u32,
}

/// A content by its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentPlace {
    /// Its digest.
    pub sha256: Digest,
    /// How many bytes.
    pub size: u64,
}

/// A content that is kept once, however many artifacts have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentRecord {
    /// Under which its chunks are.
    pub chunks_at: Ulid,
    /// How many chunks.
    pub chunks: u32,
    /// Artifacts that have it.
    pub artifacts: u64,
}

/// An upload that nobody has registered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadRecord {
    /// Its id, whole: the key has only the first half.
    pub upload: Digest,
    /// Under which its chunks are.
    pub chunks_at: Ulid,
    /// Which of them are there: the bit of each number.
    pub present: u64,
    /// When it is swept.
    pub expires_at: Timestamp,
}

/// How much evidence there is of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceCount {
    /// Artifacts.
    pub artifacts: u64,
    /// Bytes of their contents.
    pub bytes: u64,
    /// Artifacts that somebody signed.
    pub signed: u64,
}

/// A signer of evidence. The name and the owner are in the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignerRecord {
    /// The entry that registered it.
    pub entry_id: EntryId,
    /// Ed25519, RFC 8032.
    pub public_key: [u8; 32],
    /// The entry that revoked it.
    pub revoked: Option<EntryId>,
}
