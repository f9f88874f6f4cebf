//! What humans add to what the ledger shows of a control or a duty: evidence
//! that stands for what it asks of them, and somebody who vouches for that.
//!
//! Neither makes a control anything by itself: what it comes to is found anew,
//! as of an entry, by whoever asks.
//!
//! Invariants
//! - A control has a piece of evidence for a kind once. Saying so again records
//!   nothing.
//! - What a machine made by itself stands for nothing that is asked of humans.
//! - An attestation rests on evidence that was linked to its control before.

use ledger::{EntryType, StoredEntry};
use types::{ArtifactId, AttestationId, EntryId, Json, Object};

use crate::access;
use crate::apply::{Context, Stop};
use crate::command::{AttestControl, ErasedPart, LinkControl};
use crate::evidence;
use crate::idempotency;
use crate::keys;
use crate::outcome::{Corruption, Outcome, Rejection};
use crate::oversight;
use crate::record::{ArtifactKind, AttestationRecord};
use crate::store::{Direction, Read, Row, Scan, Store, Table};
use crate::view;

/// Duties of the AI Act are called so where a framework is named.
pub const EU_AI_ACT: &str = "eu_ai_act";

/// Characters of a statement.
pub const STATEMENT_CHARS: std::ops::RangeInclusive<usize> = 20..=10_000;

/// Artifacts that an attestation names.
pub const ATTESTED_MAX: usize = 100;

/// Links of a control, and attestations of one.
const EACH_MAX: usize = 1_000;

/// Kinds of evidence that one artifact stands for.
const TYPES_MAX: usize = 64;

/// Characters of the name of a framework, a control or a kind of evidence.
const NAME_CHARS_MAX: usize = 128;

/// What a control is called where no framework says which it is.
pub fn full_name(framework: &str, control_id: &str) -> String {
    format!("{framework}:{control_id}")
}

/// Whether a machine makes such things without anybody looking.
fn is_machine_made(kind: ArtifactKind) -> bool {
    match kind {
        ArtifactKind::DecisionLog
        | ArtifactKind::PolicySnapshot
        | ArtifactKind::ContextCapture
        | ArtifactKind::AuditTrail => true,
        ArtifactKind::Screenshot
        | ArtifactKind::Attestation
        | ArtifactKind::Signature
        | ArtifactKind::ExternalReport => false,
    }
}

pub(crate) fn link<S: Store>(
    context: &mut Context<'_, S>,
    link: &LinkControl,
) -> Result<Outcome, Stop> {
    access::need_level(context, access::EVIDENCE)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let control = named(&link.framework, &link.control_id)?;
    let is_named = |name: &String| is_name(name);
    if TYPES_MAX < link.evidence_types.len() || !link.evidence_types.iter().all(is_named) {
        return Err(Rejection::OutOfBounds { member: "evidence_type" }.into());
    }
    let kind = evidence::kind_of(context.tables.read(), link.artifact)?;
    if is_machine_made(kind) {
        return Err(Rejection::ArtifactDoesNotFit { kind: kind.as_str() }.into());
    }
    let links = links(context.tables.read(), &control)?;
    if stands_for(context.tables.read(), &links, link)? {
        return Ok(Outcome::Noted);
    }
    if EACH_MAX <= links.len() {
        return Err(too_much(&control, links.len(), "links"));
    }
    let mut data = context.asked();
    data.insert("artifact_id", link.artifact.to_string());
    data.insert("control_id", link.control_id.as_str());
    data.insert("evidence_types", link.evidence_types.clone());
    data.insert("framework", link.framework.as_str());
    let recorded = context.record(EntryType::ControlEvidenceLinked, data)?;
    let row = keys::control_link(&control, link.artifact.0, recorded.entry_id);
    context.tables.put_record(Table::ControlLink, &row, &recorded.entry_id)?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

/// Whether the artifact is linked for all of these kinds already.
fn stands_for(
    read: &impl Read,
    links: &[(ArtifactId, EntryId)],
    link: &LinkControl,
) -> Result<bool, Corruption> {
    let mut known = Vec::new();
    let of_artifact = links.iter().filter(|(artifact, _)| *artifact == link.artifact);
    let mut is_linked = false;
    for (_, entry) in of_artifact {
        is_linked = true;
        let data = data(read, *entry)?;
        let Some(Json::Array(types)) = data.get("evidence_types") else { continue };
        known.extend(types.iter().filter_map(Json::as_str).map(str::to_owned));
    }
    Ok(is_linked && link.evidence_types.iter().all(|kind| known.contains(kind)))
}

pub(crate) fn attest<S: Store>(
    context: &mut Context<'_, S>,
    attest: &AttestControl,
) -> Result<Outcome, Stop> {
    access::need_level(context, access::EVIDENCE)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let by = oversight::human(context)?.id;
    let control = named(&attest.framework, &attest.control_id)?;
    check(context, attest)?;
    let links = links(context.tables.read(), &control)?;
    for artifact in &attest.artifacts {
        evidence::kind_of(context.tables.read(), *artifact)?;
        if !links.iter().any(|(linked, _)| linked == artifact) {
            return Err(Rejection::EvidenceNotLinked { artifact: *artifact }.into());
        }
    }
    let there = attestations(context.tables.read(), &control)?.len();
    if EACH_MAX <= there {
        return Err(too_much(&control, there, "attestations"));
    }
    let id = AttestationId(context.fresh("att", Table::ControlAttestation)?);
    let artifacts: Vec<String> = attest.artifacts.iter().map(ArtifactId::to_string).collect();
    let mut data = context.asked();
    data.insert("artifact_ids", artifacts);
    data.insert("attestation_id", id.to_string());
    data.insert("attested_by", by);
    data.insert("control_id", attest.control_id.as_str());
    data.insert("framework", attest.framework.as_str());
    data.insert("valid_until", attest.valid_until.map(|until| until.to_string()));
    let mut personal = Object::new();
    personal.insert("statement", attest.statement.as_str());
    let recorded = context.record_about(EntryType::ControlAttested, None, data, personal)?;
    let row = keys::text_and_number(&control, recorded.entry_id.0);
    let record = AttestationRecord { id, valid_until: attest.valid_until };
    context.tables.put_record(Table::ControlAttestation, &row, &record)?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

fn check<S: Store>(context: &Context<'_, S>, attest: &AttestControl) -> Result<(), Rejection> {
    let artifacts = &attest.artifacts;
    let is_future = |until| context.applied.at < until;
    for (member, holds) in [
        ("statement", STATEMENT_CHARS.contains(&attest.statement.trim().chars().count())),
        ("artifact_ids", (1..=ATTESTED_MAX).contains(&artifacts.len())),
        ("valid_until", attest.valid_until.is_none_or(is_future)),
    ] {
        if !holds {
            return Err(Rejection::OutOfBounds { member });
        }
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_CHARS_MAX && !name.chars().any(char::is_control)
}

/// The full name of a control, as it stands in keys.
fn named(framework: &str, control_id: &str) -> Result<String, Rejection> {
    let is_framework = is_name(framework) && !framework.contains(':');
    if is_framework && is_name(control_id) {
        return Ok(full_name(framework, control_id));
    }
    Err(Rejection::UnknownControl { control: control_id.chars().take(NAME_CHARS_MAX).collect() })
}

fn too_much(control: &str, count: usize, things: &'static str) -> Stop {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    Rejection::TooMuchEvidence { subject: format!("`{control}`"), count, things }.into()
}

/// What is linked to a control, by the artifact and then oldest first, each
/// with the entry that says so.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn links(read: &impl Read, control: &str) -> Result<Vec<(ArtifactId, EntryId)>, Corruption> {
    let (from, to) = (keys::texts(&[control]), keys::after_texts(&[control]));
    let rows = all(read, Table::ControlLink, &from, &to)?;
    let damaged = || Corruption::new("control_link", "key too short");
    let link = |(key, _): &(Vec<u8>, Vec<u8>)| {
        let (artifact, entry) = keys::read_control_link(key)?;
        Some((ArtifactId(artifact), entry))
    };
    rows.iter().map(|row| link(row).ok_or_else(damaged)).collect()
}

/// Entries of the attestations of a control, oldest first.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn attestations(read: &impl Read, control: &str) -> Result<Vec<EntryId>, Corruption> {
    let (from, to) = (keys::texts(&[control]), keys::after_texts(&[control]));
    let rows = all(read, Table::ControlAttestation, &from, &to)?;
    let damaged = || Corruption::new("control_attestation", "key too short");
    let entry = |key: &[u8]| keys::last_number(key).map(EntryId).ok_or_else(damaged);
    rows.iter().map(|(key, _)| entry(key)).collect()
}

fn all(read: &impl Read, table: Table, from: &[u8], to: &[u8]) -> Result<Vec<Row>, Corruption> {
    let direction = Direction::Ascending;
    read.scan(Scan { table, from, to: Some(to), direction, rows_max: EACH_MAX.saturating_add(1) })
}

/// `data` of an entry, empty once it is erased.
fn data(read: &impl Read, id: EntryId) -> Result<Object, Corruption> {
    let damaged = || Corruption::new("control_link", format!("entry {id} is none of a link"));
    let entry = view::entry(read, id)?.ok_or_else(damaged)?;
    let data = entry.data.map(|data| serde_json::from_str(&data.text));
    Ok(data.transpose().map_err(|_| damaged())?.unwrap_or_default())
}

/// Takes what an entry said of a control out again once it is erased whole.
pub(crate) fn forget<S: Store>(
    context: &mut Context<'_, S>,
    entry: &StoredEntry,
    data: &Object,
    part: ErasedPart,
) -> Result<(), Corruption> {
    let (ErasedPart::All, Some(control)) = (part, control_of(data)) else { return Ok(()) };
    let id = entry.header.id;
    if entry.header.entry_type == EntryType::ControlAttested {
        let row = keys::text_and_number(&control, id.0);
        context.tables.delete(Table::ControlAttestation, &row);
    }
    let artifact = data.get("artifact_id").and_then(Json::as_str);
    if let (EntryType::ControlEvidenceLinked, Some(artifact)) =
        (entry.header.entry_type, artifact.and_then(|id| id.parse::<ArtifactId>().ok()))
    {
        let row = keys::control_link(&control, artifact.0, id);
        context.tables.delete(Table::ControlLink, &row);
    }
    Ok(())
}

fn control_of(data: &Object) -> Option<String> {
    let word = |name: &str| data.get(name).and_then(Json::as_str);
    Some(full_name(word("framework")?, word("control_id")?))
}
