//! What an erasure takes of evidence besides the parts of its entries.
//!
//! That there was an artifact stays known, as it does of a decision.

use ledger::{EntryType, StoredEntry};
use types::{ArtifactId, DecisionId, EntryId, Json, KeyId, Object, Timestamp};

use super::register::{control_text, has_any, is_under, kind_text, source_text};
use super::{content, count};
use crate::apply::Context;
use crate::command::{ErasedPart, ErasureCause};
use crate::outcome::Corruption;
use crate::record::{ArtifactKind, ArtifactRecord, DecisionRecord, EvidenceCount};
use crate::retention::anonymize;
use crate::retention::class::{self, Side};
use crate::store::{Direction, Scan, Store, Table};
use crate::view;
use crate::{codec, keys};

/// Takes away what can be told of an entry about evidence that is erased.
pub(crate) fn forget<S: Store>(
    context: &mut Context<'_, S>,
    entry: &StoredEntry,
    data: &Object,
    part: ErasedPart,
) -> Result<(), Corruption> {
    let id = entry.header.id;
    match (entry.header.entry_type, part) {
        (EntryType::EvidenceLinked, ErasedPart::All) => return unlink(context, data, id),
        (EntryType::EvidenceSigned, ErasedPart::All) => return unsign(context, data),
        (_, ErasedPart::All | ErasedPart::Personal) => (),
    }
    let artifact: Option<ArtifactId> =
        context.tables.record(Table::ArtifactByEntry, &keys::entry(id))?;
    let Some(artifact) = artifact else { return Ok(()) };
    forget_source(context, entry);
    let is_derived = entry.header.entry_type != EntryType::EvidenceRegistered;
    match part {
        // What attests an override has its texts from the personal part.
        ErasedPart::Personal if is_derived => {
            let record: Option<ArtifactRecord> =
                context.tables.record(Table::Artifact, &artifact.0.key())?;
            let Some(record) = record else { return Ok(()) };
            forget_content(context, &record)?;
            let record = ArtifactRecord { content: None, ..record };
            context.tables.put_record(Table::Artifact, &artifact.0.key(), &record)
        }
        ErasedPart::Personal => Ok(()),
        ErasedPart::All => forget_artifact(context, artifact, data),
    }
}

fn id_in<T: std::str::FromStr>(data: &Object, name: &str) -> Option<T> {
    data.get(name).and_then(Json::as_str).and_then(|id| id.parse().ok())
}

fn texts<'a>(data: &'a Object, name: &str) -> impl Iterator<Item = &'a str> {
    let list = data.get(name).and_then(Json::as_array).unwrap_or_default();
    list.iter().filter_map(Json::as_str)
}

/// The source is personal, and so is the row by which it is found.
fn forget_source<S: Store>(context: &mut Context<'_, S>, entry: &StoredEntry) {
    let personal = entry.personal.as_ref();
    let personal = personal.and_then(|part| serde_json::from_str::<Object>(&part.text).ok());
    let source = personal.as_ref().and_then(|personal| personal.get("source"));
    if let Some(source) = source.and_then(Json::as_str) {
        unlist(context, &source_text(source), entry.header.id);
    }
}

fn unlist<S: Store>(context: &mut Context<'_, S>, text: &str, entry: EntryId) {
    context.tables.delete(Table::ArtifactByText, &keys::text_and_number(text, entry.0));
}

fn forget_content<S: Store>(
    context: &mut Context<'_, S>,
    record: &ArtifactRecord,
) -> Result<(), Corruption> {
    let (Some(place), Some(kind)) = (record.content, record.kind) else {
        return Ok(());
    };
    content::release(context, &place.sha256)?;
    count::change(context, &count::of_kind(kind), |count| EvidenceCount {
        bytes: count.bytes.saturating_sub(place.size),
        ..count
    })
}

/// The content of evidence goes with the last of the decisions that it was
/// registered for or linked to: it shows what they were about. On request at once;
/// by time only once the evidence need not be kept for its own sake either. A hold
/// on the evidence keeps it, and so does a control it was registered for.
pub(crate) fn forget_of_decision<S: Store>(
    context: &mut Context<'_, S>,
    decision: &StoredEntry,
    cause: ErasureCause,
) -> Result<(), Corruption> {
    let data = class::object(decision, Side::Data)?.unwrap_or_default();
    let Some(id) = id_in::<DecisionId>(&data, "decision_id") else { return Ok(()) };
    for artifact in super::of_decision(context.tables.read(), id)? {
        let record: Option<ArtifactRecord> =
            context.tables.record(Table::Artifact, &artifact.0.key())?;
        let Some(record) = record.filter(|record| record.content.is_some()) else { continue };
        if goes_with(context, id, &record, cause)? {
            forget_content(context, &record)?;
            let record = ArtifactRecord { content: None, ..record };
            context.tables.put_record(Table::Artifact, &artifact.0.key(), &record)?;
        }
    }
    Ok(())
}

/// Whether an artifact is there for no decision but this one that is not erased
/// yet, and need not be kept.
fn goes_with<S: Store>(
    context: &mut Context<'_, S>,
    decision: DecisionId,
    record: &ArtifactRecord,
    cause: ErasureCause,
) -> Result<bool, Corruption> {
    let Some(entry) = view::entry(context.tables.read(), record.entry_id)? else {
        return Ok(false);
    };
    // What attests an override goes with the texts of that.
    if entry.header.entry_type != EntryType::EvidenceRegistered {
        return Ok(false);
    }
    let Some(data) = class::object(&entry, Side::Data)? else { return Ok(false) };
    let is_up = match cause {
        ErasureCause::Request => true,
        ErasureCause::Retention => {
            let until = data.get("retention_until").and_then(Json::as_str);
            let until = until.and_then(|until| until.parse::<Timestamp>().ok());
            until.is_some_and(|until| until <= context.applied.at)
        }
    };
    if !is_up || texts(&data, "related_control_ids").next().is_some() {
        return Ok(false);
    }
    let named = texts(&data, "related_decision_ids").filter_map(|id| id.parse().ok());
    let mut others: Vec<DecisionId> = named.collect();
    if let Some(artifact) = id_in(&data, "artifact_id") {
        others.extend(linked(context, artifact)?);
    }
    for other in others {
        if other != decision && !is_gone(context, other)? {
            return Ok(false);
        }
    }
    let holds = context.cache.holds(context.tables.read())?;
    Ok(!holds.cover(anonymize::held(record.entry_id, &entry, &data)))
}

/// Decisions that an artifact was linked to later.
fn linked<S: Store>(
    context: &Context<'_, S>,
    artifact: ArtifactId,
) -> Result<Vec<DecisionId>, Corruption> {
    let (from, to) = keys::links(artifact.0);
    let rows = context.tables.scan(Scan {
        table: Table::ArtifactLater,
        from: &from,
        to: Some(&to),
        direction: Direction::Ascending,
        rows_max: usize::MAX,
    })?;
    rows.iter().map(|(_, decision)| codec::decode("artifact_later", decision)).collect()
}

/// Whether what a decision was about is erased already.
fn is_gone<S: Store>(context: &Context<'_, S>, decision: DecisionId) -> Result<bool, Corruption> {
    let record: Option<DecisionRecord> =
        context.tables.record(Table::Decision, &decision.0.key())?;
    let Some(record) = record else { return Ok(true) };
    context.tables.has(Table::Erased, &keys::entry(record.entry_id))
}

fn forget_artifact<S: Store>(
    context: &mut Context<'_, S>,
    id: ArtifactId,
    data: &Object,
) -> Result<(), Corruption> {
    let record: Option<ArtifactRecord> = context.tables.record(Table::Artifact, &id.0.key())?;
    let Some(record) = record else { return Ok(()) };
    let Some(kind) = record.kind else { return Ok(()) };
    forget_content(context, &record)?;
    uncount(context, kind, &record)?;
    unlist(context, &kind_text(kind), record.entry_id);
    for control in texts(data, "related_control_ids") {
        let text = control_text(control);
        unlist(context, &text, record.entry_id);
        if !is_under(context.tables.read(), &text)? {
            count::less(context, count::CONTROLS)?;
        }
    }
    let named = texts(data, "related_decision_ids").filter_map(|id| id.parse().ok());
    let named: Vec<DecisionId> = named.chain(id_in(data, "decision_id")).collect();
    for decision in named {
        unlist_under(context, decision, record.entry_id)?;
    }
    forget_later(context, id, record.entry_id)?;
    let gone = ArtifactRecord { kind: None, content: None, links: 0, signatures: 0, ..record };
    context.tables.put_record(Table::Artifact, &id.0.key(), &gone)
}

fn uncount<S: Store>(
    context: &mut Context<'_, S>,
    kind: ArtifactKind,
    record: &ArtifactRecord,
) -> Result<(), Corruption> {
    let signed = u64::from(0 < record.signatures);
    count::change(context, &count::of_kind(kind), |count| EvidenceCount {
        artifacts: count.artifacts.saturating_sub(1),
        signed: count.signed.saturating_sub(signed),
        ..count
    })
}

/// Takes an artifact off the list of a decision.
fn unlist_under<S: Store>(
    context: &mut Context<'_, S>,
    decision: DecisionId,
    entry: EntryId,
) -> Result<(), Corruption> {
    let key = keys::under(decision.0, entry.0);
    if !context.tables.has(Table::ArtifactByDecision, &key)? {
        return Ok(());
    }
    context.tables.delete(Table::ArtifactByDecision, &key);
    if has_any(context.tables.read(), decision)? {
        return Ok(());
    }
    count::less(context, count::DECISIONS)
}

/// Links and signatures of an artifact that is no more.
fn forget_later<S: Store>(
    context: &mut Context<'_, S>,
    id: ArtifactId,
    entry: EntryId,
) -> Result<(), Corruption> {
    for (from, to) in [keys::links(id.0), keys::signatures(id.0)] {
        let rows = context.tables.scan(Scan {
            table: Table::ArtifactLater,
            from: &from,
            to: Some(&to),
            direction: Direction::Ascending,
            rows_max: usize::MAX,
        })?;
        let is_link = from == keys::links(id.0).0;
        for (key, value) in rows {
            context.tables.delete(Table::ArtifactLater, &key);
            if is_link {
                let decision = codec::decode("artifact_later", &value)?;
                unlist_under(context, decision, entry)?;
            }
        }
    }
    Ok(())
}

fn unlink<S: Store>(
    context: &mut Context<'_, S>,
    data: &Object,
    entry: EntryId,
) -> Result<(), Corruption> {
    let named = (id_in::<ArtifactId>(data, "artifact_id"), id_in(data, "decision_id"));
    let (Some(artifact), Some(decision)) = named else {
        return Ok(());
    };
    let row = keys::link(artifact.0, entry);
    let record: Option<ArtifactRecord> =
        context.tables.record(Table::Artifact, &artifact.0.key())?;
    let (Some(record), true) = (record, context.tables.has(Table::ArtifactLater, &row)?) else {
        return Ok(());
    };
    context.tables.delete(Table::ArtifactLater, &row);
    unlist_under(context, decision, record.entry_id)?;
    let record = ArtifactRecord { links: record.links.saturating_sub(1), ..record };
    context.tables.put_record(Table::Artifact, &artifact.0.key(), &record)
}

fn unsign<S: Store>(context: &mut Context<'_, S>, data: &Object) -> Result<(), Corruption> {
    let named = (id_in::<ArtifactId>(data, "artifact_id"), id_in::<KeyId>(data, "key_id"));
    let (Some(artifact), Some(key)) = named else {
        return Ok(());
    };
    let row = keys::signature(artifact.0, key.0);
    let record: Option<ArtifactRecord> =
        context.tables.record(Table::Artifact, &artifact.0.key())?;
    let (Some(record), true) = (record, context.tables.has(Table::ArtifactLater, &row)?) else {
        return Ok(());
    };
    context.tables.delete(Table::ArtifactLater, &row);
    let left = ArtifactRecord { signatures: record.signatures.saturating_sub(1), ..record };
    context.tables.put_record(Table::Artifact, &artifact.0.key(), &left)?;
    let (0, Some(kind)) = (left.signatures, record.kind) else {
        return Ok(());
    };
    count::change(context, &count::of_kind(kind), |count| EvidenceCount {
        signed: count.signed.saturating_sub(1),
        ..count
    })
}
