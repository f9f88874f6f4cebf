//! Escalations and overrides.

use types::{Json, Object, Timestamp};

use crate::view::{Escalation, Override, Review};

/// An escalation.
pub fn escalation(it: &Escalation) -> Object {
    let record = &it.record;
    let resolution = it.answer.as_ref().map(|answer| {
        Json::object([
            ("outcome", answer.resolution.as_str().into()),
            ("resolved_by", answer.by.as_deref().into()),
            ("notes", answer.notes.as_deref().into()),
        ])
    });
    let mut shown = Object::new();
    shown.insert("escalation_id", it.id.to_string());
    shown.insert("decision_id", record.decision.to_string());
    shown.insert("trigger", record.trigger.as_str());
    shown.insert("priority", record.priority.as_str());
    shown.insert("status", it.status.as_str());
    shown.insert("escalated_to", record.recipients.clone());
    shown.insert("context_summary", it.summary.as_deref());
    shown.insert("action_digest", it.action_digest.map(|digest| digest.to_string()));
    shown.insert("created_at", record.created_at.to_string());
    shown.insert("sla_deadline", record.deadline.to_string());
    shown.insert("acknowledged_at", it.acknowledged_at.map(|at| at.to_string()));
    let acknowledged_by = record.acknowledged.as_ref().map(|(by, _)| by.as_str());
    shown.insert("acknowledged_by", acknowledged_by.filter(|by| !by.is_empty()));
    shown.insert("resolved_at", it.answer.as_ref().map(|answer| answer.at.to_string()));
    shown.insert("resolution", resolution);
    shown.insert("auto", record.auto);
    shown.insert("risk_id", record.risk.map(|id| id.to_string()));
    shown.insert("metadata", it.metadata.clone().map(Json::Object));
    shown.insert("ledger_entry_id", record.entry_id.0);
    shown
}

/// Members that `data` of an override's entry has under the same name.
const RECORDED: [&str; 8] = [
    "override_type",
    "authorized_role",
    "original_outcome",
    "new_outcome",
    "expires_at",
    "scope",
    "review_required_by",
    "evidence_ids",
];

/// An override as it stands at `now`.
pub fn override_of(found: &Override, now: Timestamp) -> Object {
    let told = |name: &str| found.data.get(name).cloned().unwrap_or_default();
    let personal = |name: &str| {
        found.personal.as_ref().and_then(|personal| personal.get(name)).cloned().unwrap_or_default()
    };
    let mut shown = Object::new();
    for name in RECORDED {
        shown.insert(name, told(name));
    }
    shown.insert("override_id", found.id.to_string());
    shown.insert("decision_id", found.record.decision.to_string());
    shown.insert("authorized_by", told("by"));
    shown.insert("justification", personal("justification"));
    shown.insert("metadata", personal("metadata"));
    shown.insert("timestamp", found.record.at.to_string());
    shown.insert("status", found.record.status(now).as_str());
    shown.insert("review", found.review.as_ref().map(review));
    shown.insert("ledger_entry_id", found.record.entry_id.0);
    shown
}

fn review(review: &Review) -> Json {
    Json::object([
        ("verdict", review.verdict.as_str().into()),
        ("reviewed_by", review.by.clone().into()),
        ("reviewed_at", review.at.to_string().into()),
        ("notes", review.notes.clone().into()),
        ("ledger_entry_id", review.entry_id.0.into()),
    ])
}
