//! What a record of each kind has in common with the entry that it is of.

use ::ledger::{EntryType, StoredEntry};
use types::{Json, Object};

use super::Reason;

/// What holds of the records of a kind.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) kind: &'static str,
    /// Member of a record that is its id.
    id: &'static str,
    /// The same in `data`.
    id_in_data: &'static str,
    /// Entries of which each makes one record.
    pub(super) of: EntryType,
    /// Entries that make one besides what they are about.
    besides: &'static [EntryType],
    /// Members that a record takes over from `data` of its entry as they are.
    same: &'static [&'static str],
    /// The same of `personal`.
    same_personal: &'static [&'static str],
}

use EntryType as E;

/// In the order of records.
pub(super) const RULES: [Rule; 8] = [
    Rule {
        kind: "decisions",
        id: "decision_id",
        id_in_data: "decision_id",
        of: E::Decision,
        besides: &[],
        same: &[
            "action",
            "actor",
            "data_classes",
            "outcome",
            "policy_hash",
            "policy_mode",
            "policy_version",
            "reason",
            "reason_code",
            "request_id",
            "resource",
            "token_id",
            "tool",
        ],
        same_personal: &["context", "context_hash", "user_intent"],
    },
    Rule {
        kind: "risks",
        id: "risk_id",
        id_in_data: "risk_id",
        of: E::RiskAssessed,
        besides: &[E::Decision],
        same: &["decision_id", "overall_score", "risk_level"],
        same_personal: &["metadata"],
    },
    Rule {
        kind: "escalations",
        id: "escalation_id",
        id_in_data: "escalation_id",
        of: E::EscalationCreated,
        besides: &[E::Decision, E::RiskAssessed],
        same: &["decision_id", "escalated_to", "priority", "sla_deadline", "trigger"],
        same_personal: &["action_digest", "context_summary"],
    },
    Rule {
        kind: "overrides",
        id: "override_id",
        id_in_data: "override_id",
        of: E::OverrideExecuted,
        besides: &[],
        same: &["authorized_by", "decision_id", "new_outcome", "original_outcome", "override_type"],
        same_personal: &["justification"],
    },
    Rule {
        kind: "evidence",
        id: "artifact_id",
        id_in_data: "artifact_id",
        of: E::EvidenceRegistered,
        besides: &[E::OverrideExecuted],
        same: &["artifact_type", "sha256_hash", "size_bytes"],
        same_personal: &["source"],
    },
    Rule {
        kind: "responsibility",
        id: "record_id",
        id_in_data: "responsibility_id",
        of: E::ResponsibilityRecorded,
        besides: &[E::Decision, E::EscalationResolved, E::OverrideExecuted],
        same: &[
            "decision_id",
            "decision_maker",
            "responsibility_level",
            "responsible_party",
            "role",
        ],
        same_personal: &["reasoning"],
    },
    Rule {
        kind: "interventions",
        id: "intervention_id",
        id_in_data: "intervention_id",
        of: E::Intervention,
        besides: &[],
        same: &["decision_id", "human_role", "intervention_type", "response_time_ms"],
        same_personal: &["ai_recommendation", "human_decision", "reason"],
    },
    Rule {
        kind: "policies",
        id: "version",
        id_in_data: "policy_version",
        of: E::PolicyLoaded,
        besides: &[E::Genesis, E::PolicyRolledBack],
        same: &["document", "mode", "name", "policy_hash"],
        same_personal: &[],
    },
];

impl Rule {
    /// Compares a record with the entry that it names.
    pub(super) fn judge(&self, record: &Object, entry: &StoredEntry) -> Result<(), Reason> {
        let of = entry.header.entry_type;
        if of != self.of && !self.besides.contains(&of) {
            return Err(Reason::RecordUnfounded);
        }
        let hash = record.get("ledger_entry_hash").filter(|hash| **hash != Json::Null);
        if hash.is_some_and(|hash| hash.as_str() != Some(&entry.hash().to_string())) {
            return Err(Reason::RecordMismatch);
        }
        let part = |part: &Option<::ledger::Part>| -> Option<Json> {
            serde_json::from_str(&part.as_ref()?.text).ok()
        };
        let data = part(&entry.data);
        let Some(data) = data.as_ref().and_then(Json::as_object) else { return Ok(()) };
        if of != self.of {
            return self.judge_besides(record, data);
        }
        let personal = part(&entry.personal);
        let empty = Object::new();
        let personal = personal.as_ref().and_then(Json::as_object).unwrap_or(&empty);
        let has_id =
            record.get(self.id).is_some() && record.get(self.id) == data.get(self.id_in_data);
        let is_same = agree(self.same, record, data) && agree(self.same_personal, record, personal);
        if has_id && is_same { Ok(()) } else { Err(Reason::RecordMismatch) }
    }

    /// Of a record that an entry about something else makes besides, the entry
    /// says at least which decision it is about, and its id where it is not
    /// made of another.
    fn judge_besides(&self, record: &Object, data: &Object) -> Result<(), Reason> {
        let id = data.get(self.id_in_data).filter(|id| **id != Json::Null);
        let has_id = id.is_none_or(|id| record.get(self.id) == Some(id));
        if has_id && agree(&["decision_id"], record, data) {
            Ok(())
        } else {
            Err(Reason::RecordMismatch)
        }
    }
}

/// Whether what both have is the same.
fn agree(names: &[&str], record: &Object, part: &Object) -> bool {
    names.iter().all(|name| match (record.get(name), part.get(name)) {
        (Some(said), Some(recorded)) => said == recorded,
        (None, _) | (_, None) => true,
    })
}
