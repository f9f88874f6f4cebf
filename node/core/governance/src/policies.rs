//! Versions of the policy.
//!
//! Invariants
//! - A version is checked whole before it is in force; an invalid document
//!   leaves the one before in force.
//! - Versions count from 1 without gaps and are never changed. Version 0 is the
//!   built-in empty policy, which denies everything.

use ledger::EntryType;
use policy::{Compiled, Document, Fault};
use types::{EntryId, Json, Object, Timestamp};

use crate::apply::{Context, Stop};
use crate::codec;
use crate::command::{ImpactFound, LoadGatedPolicy, LoadPolicy, RollbackPolicy};
use crate::idempotency;
use crate::outcome::{Outcome, PolicyLoaded, Rejection};
use crate::record::PolicyRecord;
use crate::store::{Store, Table};
use crate::view;

/// Version 0.
pub(crate) fn built_in() -> PolicyRecord {
    record(&Document::empty(), 0)
}

fn record(document: &Document, version: u64) -> PolicyRecord {
    PolicyRecord {
        version,
        policy_hash: document.hash(),
        name: document.name().map(str::to_owned),
        document_version: document.version().to_owned(),
        mode: document.mode(),
        terms_count: document.terms_count(),
        relations_count: document.relations_count(),
        loaded_at: Timestamp(0),
        loaded_by: None,
        entry_id: None,
        document: document.to_json(),
    }
}

pub(crate) fn load<S: Store>(
    context: &mut Context<'_, S>,
    load: &LoadPolicy,
) -> Result<Outcome, Stop> {
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let active = view::active_policy(context.tables.read())?.version;
    expect(load.expected_active_version, active)?;
    let record = checked(context, load, active)?;
    let data = loaded_data(context, &record, load);
    put_in_force(context, record, EntryType::PolicyLoaded, data)
}

/// The impact counts for the policy it was found against, and for no other.
pub(crate) fn load_gated<S: Store>(
    context: &mut Context<'_, S>,
    gated: &LoadGatedPolicy,
) -> Result<Outcome, Stop> {
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let LoadGatedPolicy { load, impact } = gated;
    let active = view::active_policy(context.tables.read())?.version;
    expect(load.expected_active_version, active)?;
    expect(Some(impact.active_version), active)?;
    let record = checked(context, load, active)?;
    if record.policy_hash != impact.candidate_hash {
        return Err(Rejection::NotProven.into());
    }
    let widens = 0 < impact.denied_to_allowed;
    if widens && !load.acknowledge_widening {
        let denied_to_allowed = impact.denied_to_allowed;
        return Err(Rejection::ImpactNotAcknowledged { denied_to_allowed }.into());
    }
    let mut data = loaded_data(context, &record, load);
    data.insert("acknowledged_by", record.loaded_by.as_deref().filter(|_| widens));
    data.insert("impact", impact_json(impact));
    put_in_force(context, record, EntryType::PolicyLoaded, data)
}

/// A new version with an old document: versions count on, whatever is in force.
pub(crate) fn roll_back<S: Store>(
    context: &mut Context<'_, S>,
    rollback: &RollbackPolicy,
) -> Result<Outcome, Stop> {
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let RollbackPolicy { version, reason } = rollback;
    let read = context.tables.read();
    let active = view::active_policy(read)?;
    let unknown = Rejection::UnknownPolicy { version: *version };
    let old = view::policy(read, *version)?.ok_or(unknown)?;
    if old.policy_hash == active.policy_hash {
        return Err(Rejection::AlreadyActive.into());
    }
    // Whatever was in force once was valid then; it has to be now.
    let invalid = |faults| Rejection::PolicyInvalid { faults };
    let (document, _) = Document::parse(&old.document).map_err(invalid)?;
    Compiled::new(&document).map_err(invalid)?;
    let record = kept(context, old, active.version)?;
    let mut data = version_data(context, &record);
    data.insert("reason", reason.as_str());
    data.insert("rolled_back_to", *version);
    put_in_force(context, record, EntryType::PolicyRolledBack, data)
}

fn expect(expected: Option<u64>, active: u64) -> Result<(), Rejection> {
    match expected.filter(|expected| *expected != active) {
        Some(expected) => Err(Rejection::PolicyVersionConflict { expected, active }),
        None => Ok(()),
    }
}

fn put_in_force<S: Store>(
    context: &mut Context<'_, S>,
    record: PolicyRecord,
    entry_type: EntryType,
    data: Object,
) -> Result<Outcome, Stop> {
    let recorded = context.record(entry_type, data)?;
    let version = record.version;
    let record = PolicyRecord { entry_id: Some(recorded.entry_id), ..record };
    context.tables.put_record(Table::Policy, &version.to_be_bytes(), &record)?;
    context.cache.forget_policy();
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::PolicyLoaded(PolicyLoaded { recorded, version }))
}

/// The record of a document that is valid as a whole and small enough to keep.
fn checked<S: Store>(
    context: &Context<'_, S>,
    load: &LoadPolicy,
    active: u64,
) -> Result<PolicyRecord, Rejection> {
    let invalid = |faults| Rejection::PolicyInvalid { faults };
    let (document, _) = Document::parse(&load.document).map_err(invalid)?;
    Compiled::new(&document).map_err(invalid)?;
    kept(context, record(&document, active), active)
}

/// The record as the version after the active one, if it is small enough.
fn kept<S: Store>(
    context: &Context<'_, S>,
    record: PolicyRecord,
    active: u64,
) -> Result<PolicyRecord, Rejection> {
    let record = PolicyRecord {
        version: active.saturating_add(1),
        loaded_at: context.applied.at,
        loaded_by: Some(context.envelope.principal.id.clone()).filter(|id| !id.is_empty()),
        // Counted in its size; the true one is known once the entry is made.
        entry_id: Some(EntryId::default()),
        ..record
    };
    if codec::fits(&record) {
        return Ok(record);
    }
    let detail = "the normal form of the document is too large to keep".to_owned();
    let faults = vec![Fault { pointer: String::new(), code: "too_large", detail }];
    Err(Rejection::PolicyInvalid { faults })
}

fn loaded_data<S>(context: &Context<'_, S>, record: &PolicyRecord, load: &LoadPolicy) -> Object {
    let mut data = version_data(context, record);
    data.insert("acknowledge_widening", load.acknowledge_widening);
    data.insert("note", load.note.as_deref());
    data
}

/// The whole normalised document is part of the entry, so that any decision can
/// be replayed from the ledger alone.
fn version_data<S>(context: &Context<'_, S>, record: &PolicyRecord) -> Object {
    let mut data = context.asked();
    data.insert("document", record.document.clone());
    data.insert("document_version", record.document_version.as_str());
    data.insert("mode", record.mode.as_str());
    data.insert("name", record.name.as_deref());
    data.insert("policy_hash", record.policy_hash.to_string());
    data.insert("policy_version", record.version);
    data.insert("previous_version", record.version.saturating_sub(1));
    data.insert("relations_count", record.relations_count);
    data.insert("terms_count", record.terms_count);
    data
}

fn impact_json(impact: &ImpactFound) -> Json {
    Json::object([
        ("active_version", impact.active_version.into()),
        ("allowed_to_denied", impact.allowed_to_denied.into()),
        ("candidate_hash", impact.candidate_hash.to_string().into()),
        ("decisions_replayed", impact.decisions_replayed.into()),
        ("denied_to_allowed", impact.denied_to_allowed.into()),
        ("from_entry", impact.from_entry.map(|entry| entry.0).into()),
        ("other_changes", impact.other_changes.into()),
        ("to_entry", impact.to_entry.map(|entry| entry.0).into()),
        ("unreplayable", impact.unreplayable.into()),
    ])
}
