//! Evidence: things from outside that decisions and controls rest on, kept with
//! the ledger, and those who sign them.
//!
//! The entry of an artifact has the digest of its content; the content itself is
//! kept once, however many artifacts have it, on every replica. What is too
//! large for one command comes in chunks, which nobody sees before a command
//! registers what they make.
//!
//! Invariants
//! - An artifact is never changed. Links and signatures are added, by entries of
//!   their own.
//! - A digest or a size that a command tells is never trusted: both are found
//!   again in `apply`.
//! - [`Table::EvidenceCount`] counts what [`Table::Artifact`] and the indexes
//!   have of what is not erased.

mod content;
mod controls;
mod count;
mod erase;
mod later;
mod register;
pub(crate) mod signer;

use types::{ArtifactId, DecisionId, Digest};

use crate::apply::Stop;
use crate::effective;
use crate::outcome::{Corruption, Rejection};
use crate::record::{ArtifactKind, ArtifactRecord};
use crate::store::{Direction, Read, Scan, Table};
use crate::{codec, keys, tables};

pub use content::{content, rehash};
pub(crate) use content::{sweep, upload};
pub use controls::is_control;
pub(crate) use count::{CONTROLS, DECISIONS, of_kind};
pub(crate) use erase::{forget, forget_of_decision};
pub(crate) use later::{link, sign};
pub(crate) use register::{Attestation, attest, kind_text, register, retention_until, source_text};

/// Bytes of a chunk, and of a content that travels in one command.
pub const CHUNK_BYTES_MAX: usize = 256 << 10;

/// Chunks of a content.
pub const CHUNKS_MAX: u32 = 64;

/// Artifacts of one decision, and links and signatures of one artifact.
const EACH_MAX: u64 = 1_000;

/// What a signer signs: the artifact and its content, and nothing else.
pub fn signed_text(artifact: ArtifactId, sha256: &Digest) -> String {
    format!("lexecon/evidence-signature/v1\n{artifact}\n{sha256}\n")
}

/// Whether an artifact is recorded and not erased.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn exists(read: &impl Read, id: ArtifactId) -> Result<bool, Corruption> {
    let record: Option<ArtifactRecord> = tables::record(read, Table::Artifact, &id.0.key())?;
    Ok(record.is_some_and(|record| record.kind.is_some()))
}

/// Artifacts that are about a decision, oldest first.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn of_decision(read: &impl Read, decision: DecisionId) -> Result<Vec<ArtifactId>, Corruption> {
    let (from, to) = keys::all_under(decision.0);
    let rows = read.scan(Scan {
        table: Table::ArtifactByDecision,
        from: &from,
        to: Some(&to),
        direction: Direction::Ascending,
        rows_max: usize::MAX,
    })?;
    rows.iter().map(|(_, id)| codec::decode("artifact_by_decision", id)).collect()
}

/// Artifacts that were about a decision when there were so many entries, oldest
/// first. A row says when the artifact was registered, not since when it is about
/// the decision: that says its link, where it has one.
pub(crate) fn of_decision_as_of(
    read: &impl Read,
    decision: DecisionId,
    size: u64,
) -> Result<Vec<ArtifactId>, Corruption> {
    let mut found = Vec::new();
    for (entry, id) in effective::rows(read, decision, Table::ArtifactByDecision)? {
        if entry.0 < size && was_linked(read, id, decision, size)? {
            found.push(id);
        }
    }
    Ok(found)
}

/// Whether an artifact is about a decision from its beginning on, or was linked to
/// it by then: it is linked once.
fn was_linked(
    read: &impl Read,
    id: ArtifactId,
    decision: DecisionId,
    size: u64,
) -> Result<bool, Corruption> {
    let (from, to) = keys::links(id.0);
    let rows = read.scan(Scan {
        table: Table::ArtifactLater,
        from: &from,
        to: Some(&to),
        direction: Direction::Ascending,
        rows_max: usize::MAX,
    })?;
    for (key, linked) in rows {
        let linked: DecisionId = codec::decode("artifact_later", &linked)?;
        if linked == decision {
            return Ok(keys::last_number(&key).is_some_and(|entry| entry < size));
        }
    }
    Ok(true)
}

/// An artifact that a command is about.
fn known(read: &impl Read, id: ArtifactId) -> Result<ArtifactRecord, Stop> {
    let record: Option<ArtifactRecord> = tables::record(read, Table::Artifact, &id.0.key())?;
    let record = record.ok_or(Rejection::UnknownArtifact { artifact: id })?;
    match record.kind {
        Some(_) => Ok(record),
        None => Err(Rejection::ArtifactErased.into()),
    }
}

/// What kind of thing an artifact is that a command names.
pub(crate) fn kind_of(read: &impl Read, id: ArtifactId) -> Result<ArtifactKind, Stop> {
    known(read, id)?.kind.ok_or_else(|| Rejection::ArtifactErased.into())
}

/// Refuses a decision that is not recorded, or has as much evidence as one may.
fn admit(read: &impl Read, decision: DecisionId) -> Result<(), Stop> {
    if read.get(Table::Decision, &decision.0.key())?.is_none() {
        return Err(Rejection::UnknownDecision.into());
    }
    let (from, to) = keys::all_under(decision.0);
    let scan = Scan {
        table: Table::ArtifactByDecision,
        from: &from,
        to: Some(&to),
        direction: Direction::Ascending,
        rows_max: usize::try_from(EACH_MAX).unwrap_or(usize::MAX),
    };
    let mut count = 0_u64;
    read.visit(scan, &mut |_, _| count = count.saturating_add(1))?;
    if EACH_MAX <= count {
        let subject = format!("`{decision}`");
        return Err(Rejection::TooMuchEvidence { subject, count, things: "artifacts" }.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
