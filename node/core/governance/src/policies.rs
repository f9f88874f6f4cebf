//! Versions of the policy.
//!
//! Invariants
//! - A version is checked whole before it is in force; an invalid document
//!   leaves the one before in force.
//! - Versions count from 1 without gaps and are never changed. Version 0 is the
//!   built-in empty policy, which denies everything.

use ledger::EntryType;
use policy::{Compiled, Document, Fault};
use types::{EntryId, Object, Timestamp};

use crate::apply::{Context, Stop};
use crate::codec;
use crate::command::LoadPolicy;
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
    if let Some(expected) = load.expected_active_version.filter(|expected| *expected != active) {
        return Err(Rejection::PolicyVersionConflict { expected, active }.into());
    }
    let record = checked(context, load, active.saturating_add(1))?;
    let data = loaded_data(&record, load, active, &context.envelope.principal.authn);
    let recorded = context.record(EntryType::PolicyLoaded, data)?;
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
    version: u64,
) -> Result<PolicyRecord, Rejection> {
    let invalid = |faults| Rejection::PolicyInvalid { faults };
    let (document, _) = Document::parse(&load.document).map_err(invalid)?;
    Compiled::new(&document).map_err(invalid)?;
    let by = Some(context.envelope.principal.id.clone()).filter(|id| !id.is_empty());
    let record = PolicyRecord {
        loaded_at: context.applied.at,
        loaded_by: by,
        // Counted in its size; the true one is known once the entry is made.
        entry_id: Some(EntryId::default()),
        ..record(&document, version)
    };
    if !codec::fits(&record) {
        let detail = "the normal form of the document is too large to keep".to_owned();
        return Err(invalid(vec![Fault { pointer: String::new(), code: "too_large", detail }]));
    }
    Ok(record)
}

/// The whole normalised document is part of the entry, so that any decision can
/// be replayed from the ledger alone.
fn loaded_data(record: &PolicyRecord, load: &LoadPolicy, previous: u64, authn: &str) -> Object {
    let mut data = Object::new();
    data.insert("acknowledge_widening", load.acknowledge_widening);
    data.insert("authn", authn);
    data.insert("by", record.loaded_by.as_deref());
    data.insert("document", record.document.clone());
    data.insert("document_version", record.document_version.as_str());
    data.insert("mode", record.mode.as_str());
    data.insert("name", record.name.as_deref());
    data.insert("note", load.note.as_deref());
    data.insert("policy_hash", record.policy_hash.to_string());
    data.insert("policy_version", record.version);
    data.insert("previous_version", previous);
    data.insert("relations_count", record.relations_count);
    data.insert("terms_count", record.terms_count);
    data
}
