//! Which tables there are, and their columns, which never change their order:
//! a column that comes to be is put at the end.

use governance::export::RecordKind;
use types::{Json, Object};

/// One table.
#[derive(Debug)]
pub(crate) struct Table {
    /// Its name, also as an anchor.
    pub(crate) name: &'static str,
    /// Its name for people.
    pub(crate) title: &'static str,
    /// Columns that are looked at first.
    pub(crate) main: &'static [&'static str],
    /// The others.
    pub(crate) more: &'static [&'static str],
}

impl Table {
    /// The table of a kind of records.
    pub(crate) fn of(kind: RecordKind) -> &'static Self {
        match kind {
            RecordKind::Decision => &DECISIONS,
            RecordKind::Risk => &RISKS,
            RecordKind::Escalation => &ESCALATIONS,
            RecordKind::Override => &OVERRIDES,
            RecordKind::Evidence => &EVIDENCE,
            RecordKind::Responsibility => &RESPONSIBILITY,
            RecordKind::Intervention => &INTERVENTIONS,
            RecordKind::Policy => &POLICIES,
        }
    }

    /// Every column, in order.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &'static str> {
        self.main.iter().chain(self.more).copied()
    }
}

pub(super) static EXPORT: Table =
    Table { name: "export", title: "Export", main: &["name", "value"], more: &[] };

pub(super) static STATISTICS: Table =
    Table { name: "statistics", title: "Statistics", main: &["name", "value"], more: &[] };

pub(super) static LIMITS: Table = Table {
    name: "does_not_establish",
    title: "What this does not establish",
    main: &["statement"],
    more: &[],
};

static DECISIONS: Table = Table {
    name: "decisions",
    title: "Decisions",
    main: &["ledger_entry_id", "timestamp", "actor", "action", "outcome", "reason_code"],
    more: &[
        "decision_id",
        "request_id",
        "resource",
        "tool",
        "data_classes",
        "reason",
        "effective_outcome",
        "policy_version",
        "policy_hash",
        "policy_mode",
        "risk",
        "risk_id",
        "escalation_id",
        "token_id",
        "token_expires_at",
        "obligations",
        "matched",
        "user_intent",
        "context",
        "context_hash",
        "ledger_entry_hash",
    ],
};

static RISKS: Table = Table {
    name: "risks",
    title: "Assessments of risk",
    main: &["ledger_entry_id", "timestamp", "decision_id", "overall_score", "risk_level"],
    more: &[
        "risk_id",
        "version",
        "supersedes",
        "dimensions",
        "factors",
        "likelihood",
        "impact",
        "mitigations",
        "escalation_id",
        "metadata",
        "ledger_entry_hash",
    ],
};

static ESCALATIONS: Table = Table {
    name: "escalations",
    title: "Escalations",
    main: &["ledger_entry_id", "created_at", "decision_id", "trigger", "priority", "status"],
    more: &[
        "escalation_id",
        "escalated_to",
        "context_summary",
        "action_digest",
        "sla_deadline",
        "acknowledged_at",
        "acknowledged_by",
        "resolved_at",
        "resolution",
        "auto",
        "risk_id",
        "metadata",
        "ledger_entry_hash",
    ],
};

static OVERRIDES: Table = Table {
    name: "overrides",
    title: "Overrides",
    main: &[
        "ledger_entry_id",
        "timestamp",
        "decision_id",
        "override_type",
        "authorized_by",
        "status",
    ],
    more: &[
        "override_id",
        "authorized_role",
        "justification",
        "original_outcome",
        "new_outcome",
        "expires_at",
        "scope",
        "review_required_by",
        "review",
        "evidence_ids",
        "metadata",
        "ledger_entry_hash",
    ],
};

static EVIDENCE: Table = Table {
    name: "evidence",
    title: "Evidence",
    main: &[
        "ledger_entry_id",
        "created_at",
        "artifact_id",
        "artifact_type",
        "sha256_hash",
        "size_bytes",
    ],
    more: &[
        "content_type",
        "source",
        "retention_until",
        "is_immutable",
        "storage_uri",
        "related_decision_ids",
        "related_control_ids",
        "signatures",
        "content_url",
        "registered_by",
        "metadata",
        "ledger_entry_hash",
    ],
};

static RESPONSIBILITY: Table = Table {
    name: "responsibility",
    title: "Responsibility",
    main: &[
        "ledger_entry_id",
        "timestamp",
        "decision_id",
        "decision_maker",
        "responsible_party",
        "responsibility_level",
    ],
    more: &[
        "record_id",
        "role",
        "reasoning",
        "confidence_percent",
        "delegated_from",
        "review_required",
        "review",
        "ledger_entry_hash",
    ],
};

static INTERVENTIONS: Table = Table {
    name: "interventions",
    title: "Interventions",
    main: &[
        "ledger_entry_id",
        "timestamp",
        "decision_id",
        "intervention_type",
        "human_id",
        "human_role",
    ],
    more: &[
        "intervention_id",
        "ai_recommendation",
        "human_decision",
        "reason",
        "request_context",
        "response_time_ms",
        "display_digest",
        "stop",
        "stop_id",
        "signature",
        "ledger_entry_hash",
    ],
};

static POLICIES: Table = Table {
    name: "policies",
    title: "Policies",
    main: &["ledger_entry_id", "loaded_at", "version", "name", "mode", "loaded_by"],
    more: &[
        "policy_hash",
        "document_version",
        "terms_count",
        "relations_count",
        "active",
        "document",
        "ledger_entry_hash",
    ],
};

pub(super) static SUMMARY: Table = Table {
    name: "compliance_summary",
    title: "Duties and controls by status",
    main: &[
        "framework",
        "total",
        "evidence_sufficient",
        "partial",
        "needs_human_evidence",
        "insufficient",
        "not_applicable",
    ],
    more: &[],
};

pub(super) static COMPLIANCE: Table = Table {
    name: "compliance",
    title: "Duties and controls",
    main: &["framework", "id", "title", "status", "status_detail", "missing"],
    more: &[
        "article",
        "category",
        "applicable_from",
        "evidence",
        "human_evidence_required",
        "evidence_artifact_ids",
        "attestations",
        "primitives",
        "last_evidence_at",
    ],
};

/// Duties and controls as rows: each with its framework and, whatever it calls
/// it, its id.
pub(super) fn items(compliance: &Json) -> Vec<Object> {
    let empty = Object::new();
    let compliance = compliance.as_object().unwrap_or(&empty);
    let list = |of: &Object, name: &str| {
        of.get(name).and_then(Json::as_array).map(<[Json]>::to_vec).unwrap_or_default()
    };
    let mut items: Vec<Object> =
        list(compliance, "obligations").iter().filter_map(|duty| item("eu_ai_act", duty)).collect();
    for framework in list(compliance, "frameworks") {
        let Some(framework) = framework.as_object() else { continue };
        let name = framework.get("framework").and_then(Json::as_str).unwrap_or_default();
        items.extend(list(framework, "controls").iter().filter_map(|control| item(name, control)));
    }
    items
}

fn item(framework: &str, item: &Json) -> Option<Object> {
    let mut row = item.as_object()?.clone();
    let id = ["control_id", "id", "ref"].into_iter().find_map(|name| row.remove(name));
    row.insert("framework", framework);
    if let Some(id) = id {
        row.insert("id", id);
    }
    Some(row)
}

/// How many of each framework stand how: counts, never one percentage.
pub(super) fn summaries(items: &[Object]) -> Vec<Object> {
    let word = |row: &Object, name: &str| {
        row.get(name).and_then(Json::as_str).unwrap_or_default().to_owned()
    };
    let mut frameworks: Vec<String> = items.iter().map(|row| word(row, "framework")).collect();
    frameworks.dedup();
    let summary = |framework: String| {
        let of: Vec<&Object> =
            items.iter().filter(|row| word(row, "framework") == framework).collect();
        let mut summary = Object::new();
        for status in SUMMARY.main.iter().skip(2) {
            let count = of.iter().filter(|row| word(row, "status") == *status).count();
            summary.insert(*status, count as u64);
        }
        summary.insert("total", of.len() as u64);
        summary.insert("framework", framework);
        summary
    };
    frameworks.into_iter().map(summary).collect()
}
