//! Versions of the policy.

use types::Object;

use crate::record::PolicyRecord;

/// A version, where `active` is the one in force.
pub fn policy(record: &PolicyRecord, active: u64) -> Object {
    let mut shown = Object::new();
    shown.insert("version", record.version);
    shown.insert("policy_hash", record.policy_hash.to_string());
    shown.insert("name", record.name.as_deref());
    shown.insert("document_version", record.document_version.as_str());
    shown.insert("mode", record.mode.as_str());
    shown.insert("terms_count", record.terms_count);
    shown.insert("relations_count", record.relations_count);
    shown.insert("loaded_at", record.entry_id.map(|_| record.loaded_at.to_string()));
    shown.insert("loaded_by", record.loaded_by.as_deref());
    shown.insert("active", record.version == active);
    shown.insert("ledger_entry_id", record.entry_id.map(|id| id.0));
    shown
}

/// The same with its document.
pub fn policy_with_document(record: PolicyRecord, active: u64) -> Object {
    let mut shown = policy(&record, active);
    shown.insert("document", record.document);
    shown
}
