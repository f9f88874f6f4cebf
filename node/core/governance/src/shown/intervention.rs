//! Interventions.

use ledger::StoredEntry;
use types::Object;

use super::Parts;

/// Members that `data` of the entry has under the same name.
const RECORDED: [&str; 8] = [
    "decision_id",
    "display_digest",
    "human_role",
    "intervention_id",
    "intervention_type",
    "response_time_ms",
    "stop",
    "stop_id",
];

/// Members of `personal`.
const PERSONAL: [&str; 4] = ["ai_recommendation", "human_decision", "reason", "request_context"];

/// What a human did about what a machine proposed; `None` once `data` is erased.
pub fn intervention(entry: &StoredEntry, parts: &Parts) -> Option<Object> {
    let data = parts.data.as_ref()?;
    let mut shown = Object::new();
    for name in RECORDED {
        shown.insert(name, data.get(name).cloned().unwrap_or_default());
    }
    for name in PERSONAL {
        let told = parts.personal.as_ref().and_then(|personal| personal.get(name));
        shown.insert(name, told.cloned().unwrap_or_default());
    }
    shown.insert("human_id", data.get("by").cloned().unwrap_or_default());
    shown.insert("timestamp", entry.header.timestamp.to_string());
    shown.insert("ledger_entry_id", entry.header.id.0);
    shown.insert("ledger_entry_hash", entry.hash().to_string());
    Some(shown)
}
