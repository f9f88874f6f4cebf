//! What is added to an artifact after it was registered: links to decisions,
//! and signatures.

use ledger::{EntryType, signature};
use types::Object;

use super::{EACH_MAX, admit, count, known, register, signed_text, signer};
use crate::apply::{Context, Stop};
use crate::command::{LinkEvidence, SignEvidence};
use crate::idempotency;
use crate::keys;
use crate::outcome::{Outcome, Rejection};
use crate::record::{ArtifactRecord, EvidenceCount};
use crate::store::{Read as _, Store, Table};

/// Links an artifact to a decision. Where it is linked already, nothing is
/// recorded: there is nothing new to say.
pub(crate) fn link<S: Store>(
    context: &mut Context<'_, S>,
    link: &LinkEvidence,
) -> Result<Outcome, Stop> {
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let LinkEvidence { artifact, decision, note } = link;
    let record = known(context.tables.read(), *artifact)?;
    let listed = keys::under(decision.0, record.entry_id.0);
    if context.tables.has(Table::ArtifactByDecision, &listed)? {
        return Ok(Outcome::Noted);
    }
    admit(context.tables.read(), *decision)?;
    bounded(link.artifact, record.links, "links")?;
    let mut data = context.asked();
    data.insert("artifact_id", artifact.to_string());
    data.insert("decision_id", decision.to_string());
    let mut personal = Object::new();
    personal.insert("metadata", types::Json::Null);
    personal.insert("note", note.clone());
    personal.insert("source", types::Json::Null);
    let recorded = context.record_about(EntryType::EvidenceLinked, None, data, personal)?;
    register::list_under(context, *decision, record.entry_id, *artifact)?;
    let row = keys::link(artifact.0, recorded.entry_id);
    context.tables.put_record(Table::ArtifactLater, &row, decision)?;
    let record = ArtifactRecord { links: record.links.saturating_add(1), ..record };
    context.tables.put_record(Table::Artifact, &artifact.0.key(), &record)?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

pub(crate) fn sign<S: Store>(
    context: &mut Context<'_, S>,
    sign: &SignEvidence,
) -> Result<Outcome, Stop> {
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let SignEvidence { artifact, key, signature } = sign;
    let record = known(context.tables.read(), *artifact)?;
    let content = record.content.ok_or(Rejection::ArtifactErased)?;
    let signer = signer::active(context.tables.read(), *key)?;
    let row = keys::signature(artifact.0, key.0);
    if context.tables.read().get(Table::ArtifactLater, &row)?.is_some() {
        return Err(Rejection::ArtifactSigned { key: *key }.into());
    }
    bounded(*artifact, record.signatures, "signatures")?;
    let text = signed_text(*artifact, &content.sha256);
    let bytes = signature.as_slice().try_into();
    let is_valid =
        bytes.is_ok_and(|bytes| signature::verify(&signer.public_key, text.as_bytes(), bytes));
    if !is_valid {
        return Err(Rejection::SignatureInvalid.into());
    }
    let mut data = context.asked();
    data.insert("algorithm", "Ed25519");
    data.insert("artifact_id", artifact.to_string());
    data.insert("key_id", key.to_string());
    data.insert("sha256_hash", content.sha256.to_string());
    data.insert("signature", signature::to_text(signature));
    let recorded = context.record(EntryType::EvidenceSigned, data)?;
    context.tables.put_record(Table::ArtifactLater, &row, &recorded.entry_id)?;
    let signed = ArtifactRecord { signatures: record.signatures.saturating_add(1), ..record };
    context.tables.put_record(Table::Artifact, &artifact.0.key(), &signed)?;
    if let (0, Some(kind)) = (record.signatures, record.kind) {
        count::change(context, &count::of_kind(kind), |count| EvidenceCount {
            signed: count.signed.saturating_add(1),
            ..count
        })?;
    }
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

fn bounded(artifact: types::ArtifactId, count: u32, things: &'static str) -> Result<(), Rejection> {
    let count = u64::from(count);
    if count < EACH_MAX {
        return Ok(());
    }
    Err(Rejection::TooMuchEvidence { subject: format!("`{artifact}`"), count, things })
}
