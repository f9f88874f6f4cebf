//! What may be asked about evidence, and about those who sign it.

use serde::{Deserialize, Serialize};
use types::{ArtifactId, DecisionId, Digest, KeyId, Object};

use crate::record::ArtifactKind;

/// A part of a content that is too large for one command. Nobody sees it before
/// a command registers what it is part of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadChunk {
    /// The upload. A request that is repeated makes the same one again.
    pub upload: Digest,
    /// 0 is the first.
    pub number: u32,
    /// At least one, and at most [`crate::evidence::CHUNK_BYTES_MAX`].
    pub bytes: Vec<u8>,
}

/// The content of an artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EvidenceContent {
    /// At most [`crate::evidence::CHUNK_BYTES_MAX`].
    Inline(Vec<u8>),
    /// What came in chunks before. It is hashed again.
    Uploaded {
        /// The upload.
        upload: Digest,
        /// How many chunks.
        chunks: u32,
        /// How many bytes in all.
        size: u64,
        /// Their digest.
        sha256: Digest,
    },
}

/// A piece of evidence to keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterEvidence {
    /// What kind of thing it is.
    pub kind: ArtifactKind,
    /// The thing itself.
    pub content: EvidenceContent,
    /// Its media type, if told.
    pub content_type: Option<String>,
    /// Where it comes from, 1..512 characters.
    pub source: String,
    /// Decisions it is about, each once.
    pub decisions: Vec<DecisionId>,
    /// Controls it bears on, each once: `framework:control`.
    pub controls: Vec<String>,
    /// Where else it is kept.
    pub storage_uri: Option<String>,
    /// How long to keep it; 0 for ever, `None` as is usual for its kind.
    pub retention_days: Option<u32>,
    /// Whatever the caller wants to keep with it.
    pub metadata: Option<Object>,
}

/// An artifact that is about one more decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkEvidence {
    /// The artifact.
    pub artifact: ArtifactId,
    /// The decision.
    pub decision: DecisionId,
    /// Why.
    pub note: Option<String>,
}

/// A signature on an artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignEvidence {
    /// The artifact.
    pub artifact: ArtifactId,
    /// Key of a registered signer.
    pub key: KeyId,
    /// Ed25519 over [`crate::evidence::signed_text`].
    pub signature: Vec<u8>,
}

/// Somebody outside the cluster who signs evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterSigner {
    /// What the signer is called, 1..255 characters.
    pub name: String,
    /// Ed25519, RFC 8032.
    pub public_key: [u8; 32],
}

/// A signer who is to sign nothing any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeSigner {
    /// The key.
    pub key: KeyId,
    /// Why.
    pub reason: String,
}
