//! Keeping a piece of evidence, by an entry of its own or by that of the
//! override it attests.

use ledger::EntryType;
use sha2::{Digest as _, Sha256};
use types::digest::to_hex;
use types::{ArtifactId, DecisionId, EntryId, Json, Micros, Object, Timestamp};

use super::content::{self, Checked};
use super::{admit, controls, count};
use crate::access;
use crate::apply::{Context, Stop};
use crate::command::RegisterEvidence;
use crate::idempotency;
use crate::keys;
use crate::outcome::{Corruption, Outcome, Rejection};
use crate::record::{ArtifactKind, ArtifactRecord, EvidenceCount};
use crate::store::{Direction, Read, Scan, Store, Table};

const SECONDS_PER_DAY: u64 = 86_400;

pub(crate) fn register<S: Store>(
    context: &mut Context<'_, S>,
    register: &RegisterEvidence,
) -> Result<Outcome, Stop> {
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let level = context.cache.feature_level(context.tables.read())?;
    let is_known = match access::EVIDENCE <= level {
        true => controls::is_control,
        false => controls::is_old,
    };
    if let Some(control) = register.controls.iter().find(|name| !is_known(name)) {
        return Err(Rejection::UnknownControl { control: control.clone() }.into());
    }
    for decision in &register.decisions {
        admit(context.tables.read(), *decision)?;
    }
    let checked = content::check(context, &register.content)?;
    let id = ArtifactId(context.fresh("evd", Table::Artifact)?);
    let data = data(context, register, id, &checked);
    let mut personal = Object::new();
    personal.insert("metadata", register.metadata.clone().map(Json::Object));
    personal.insert("note", Json::Null);
    personal.insert("source", register.source.as_str());
    let recorded = context.record_about(EntryType::EvidenceRegistered, None, data, personal)?;
    let entry_id = recorded.entry_id;
    keep(context, id, &Kept { kind: register.kind, entry_id, checked: &checked })?;
    index(context, &source_text(&register.source), entry_id);
    for control in &register.controls {
        let text = control_text(control);
        if !is_under(context.tables.read(), &text)? {
            count::more(context, count::CONTROLS)?;
        }
        index(context, &text, entry_id);
    }
    for decision in &register.decisions {
        list_under(context, *decision, entry_id, id)?;
    }
    idempotency::keep(context, entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

fn data<S: Store>(
    context: &Context<'_, S>,
    register: &RegisterEvidence,
    id: ArtifactId,
    checked: &Checked<'_>,
) -> Object {
    let decisions: Vec<String> = register.decisions.iter().map(DecisionId::to_string).collect();
    let days = register.retention_days.unwrap_or_else(|| register.kind.retention_days());
    let until = retention_until(context.applied.at, days);
    let mut data = context.asked();
    data.insert("artifact_id", id.to_string());
    data.insert("artifact_type", register.kind.as_str());
    data.insert("content_type", register.content_type.clone());
    data.insert("related_control_ids", register.controls.clone());
    data.insert("related_decision_ids", decisions);
    data.insert("retention_until", until.map(|until| until.to_string()));
    data.insert("sha256_hash", checked.place.sha256.to_string());
    data.insert("size_bytes", checked.place.size);
    data.insert("storage_uri", register.storage_uri.clone());
    data
}

/// When something that is kept for so many days may go; 0 days is never.
pub(crate) fn retention_until(at: Timestamp, days: u32) -> Option<Timestamp> {
    let span = Micros::from_seconds(u64::from(days).saturating_mul(SECONDS_PER_DAY));
    let until = at.checked_add(span).unwrap_or(Timestamp::MAX).min(Timestamp::MAX);
    (0 < days).then_some(until)
}

/// What attests an override: made with it, and recorded in its entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attestation<'a> {
    /// Drawn by the override, whose entry names it.
    pub(crate) artifact: ArtifactId,
    /// The override's entry, whose `data` has `decision_id`.
    pub(crate) entry: EntryId,
    /// What was overridden.
    pub(crate) decision: DecisionId,
    /// What is attested, at most [`super::CHUNK_BYTES_MAX`]: JSON. It goes with
    /// the personal part of the entry, from which its texts are.
    pub(crate) content: &'a [u8],
}

/// Keeps an attestation. It has no entry of its own.
pub(crate) fn attest<S: Store>(
    context: &mut Context<'_, S>,
    attestation: &Attestation<'_>,
) -> Result<(), Corruption> {
    let Attestation { artifact, entry, decision, content } = *attestation;
    let checked = content::inline(content);
    let kind = ArtifactKind::Attestation;
    keep(context, artifact, &Kept { kind, entry_id: entry, checked: &checked })?;
    list_under(context, decision, entry, artifact)
}

/// An artifact that is to be kept.
struct Kept<'a> {
    kind: ArtifactKind,
    entry_id: EntryId,
    checked: &'a Checked<'a>,
}

/// The content, and the rows that every artifact has.
fn keep<S: Store>(
    context: &mut Context<'_, S>,
    id: ArtifactId,
    kept: &Kept<'_>,
) -> Result<(), Corruption> {
    let Kept { kind, entry_id, checked } = *kept;
    content::keep(context, checked)?;
    let content = Some(checked.place);
    let record = ArtifactRecord { entry_id, kind: Some(kind), content, links: 0, signatures: 0 };
    context.tables.put_record(Table::Artifact, &id.0.key(), &record)?;
    context.tables.put_record(Table::ArtifactByEntry, &keys::entry(entry_id), &id)?;
    index(context, &kind_text(kind), entry_id);
    count::change(context, &count::of_kind(kind), |count| EvidenceCount {
        artifacts: count.artifacts.saturating_add(1),
        bytes: count.bytes.saturating_add(checked.place.size),
        ..count
    })
}

/// What an artifact of a kind is listed under.
pub(crate) fn kind_text(kind: ArtifactKind) -> String {
    format!("kind:{}", kind.as_str())
}

/// What an artifact that bears on a control is listed under.
pub(crate) fn control_text(control: &str) -> String {
    format!("control:{control}")
}

/// What an artifact from a source is listed under. A source is any text at all,
/// and a key takes none with a zero byte in it.
pub(crate) fn source_text(source: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"lexecon/source/v1\n");
    hash.update(source.as_bytes());
    format!("source:{}", to_hex(&hash.finalize()))
}

fn index<S: Store>(context: &mut Context<'_, S>, text: &str, entry: EntryId) {
    let key = keys::text_and_number(text, entry.0);
    context.tables.put_bytes(Table::ArtifactByText, &key, &[]);
}

/// Whether anything is listed under a text.
pub(super) fn is_under(read: &impl Read, text: &str) -> Result<bool, Corruption> {
    let (from, to) = (keys::texts(&[text]), keys::after_texts(&[text]));
    is_any(read, Table::ArtifactByText, &from, &to)
}

/// Whether a decision has evidence.
pub(super) fn has_any(read: &impl Read, decision: DecisionId) -> Result<bool, Corruption> {
    let (from, to) = keys::all_under(decision.0);
    is_any(read, Table::ArtifactByDecision, &from, &to)
}

fn is_any(read: &impl Read, table: Table, from: &[u8], to: &[u8]) -> Result<bool, Corruption> {
    let direction = Direction::Ascending;
    let rows = read.scan(Scan { table, from, to: Some(to), direction, rows_max: 1 })?;
    Ok(!rows.is_empty())
}

/// Lists an artifact under a decision, in the order in which artifacts came.
pub(super) fn list_under<S: Store>(
    context: &mut Context<'_, S>,
    decision: DecisionId,
    entry: EntryId,
    id: ArtifactId,
) -> Result<(), Corruption> {
    if !has_any(context.tables.read(), decision)? {
        count::more(context, count::DECISIONS)?;
    }
    let key = keys::under(decision.0, entry.0);
    context.tables.put_record(Table::ArtifactByDecision, &key, &id)
}
