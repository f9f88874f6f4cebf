//! What a record of each kind has in common with the entry that it is of.
//!
//! The table is that of the format, section 7, word for word: `a` is the member
//! `a` of the record and of a part, `a=b.c` the member `a` of the record and `c`
//! in `b` of the part. A member that is not there counts as null.

use ::ledger::{EntryType, Part, StoredEntry};
use types::{Json, Object};

use super::Reason;

/// What holds of the records of a kind.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) kind: &'static str,
    /// Member of a record that is its id, and what every id of the kind begins with.
    id: (&'static str, &'static str),
    /// Member of a record that is the time of its entry.
    at: &'static str,
    /// Entries of which each makes one record, and those that make one if they
    /// name it.
    made_by: &'static [Source],
    /// Members of a record that may be null though `data` or `personal` has them:
    /// they go with what else is erased.
    withheld: &'static [&'static str],
}

/// An entry that makes a record.
#[derive(Debug)]
struct Source {
    of: EntryType,
    /// Member of `data` that has the record's id, or that of something else whose
    /// number it shares. Where it is null there is no record.
    id: &'static str,
    /// What the record takes over from `data`.
    same: &'static [&'static str],
    /// And from `personal`.
    same_personal: &'static [&'static str],
}

use EntryType as E;

const POLICY: &[&str] = &[
    "document",
    "document_version",
    "loaded_by=by",
    "mode",
    "name",
    "policy_hash",
    "relations_count",
    "terms_count",
];

/// In the order of records.
pub(super) const RULES: [Rule; 8] = [
    Rule {
        kind: "decisions",
        id: ("decision_id", "dec_"),
        at: "timestamp",
        made_by: &[Source {
            of: E::Decision,
            id: "decision_id",
            same: &[
                "action",
                "actor",
                "data_classes",
                "escalation_id",
                "facts",
                "obligations",
                "outcome",
                "policy_hash",
                "policy_mode",
                "policy_version",
                "reason",
                "reason_code",
                "request_id",
                "resource",
                "risk",
                "risk_id",
                "token_expires_at",
                "token_id",
                "tool",
            ],
            same_personal: &["context", "context_hash", "user_intent"],
        }],
        withheld: &[],
    },
    Rule {
        kind: "risks",
        id: ("risk_id", "rsk_"),
        at: "timestamp",
        made_by: &[
            Source {
                of: E::RiskAssessed,
                id: "risk_id",
                same: &[
                    "decision_id",
                    "dimensions",
                    "escalation_id",
                    "overall_score",
                    "risk_level",
                    "supersedes",
                    "version",
                ],
                same_personal: &[],
            },
            Source {
                of: E::Decision,
                id: "risk_id",
                same: &["decision_id", "overall_score=risk.score", "risk_level=risk.level"],
                same_personal: &[],
            },
        ],
        withheld: &[],
    },
    Rule {
        kind: "escalations",
        id: ("escalation_id", "esc_"),
        at: "created_at",
        made_by: &[
            Source {
                of: E::EscalationCreated,
                id: "escalation_id",
                same: &["decision_id", "escalated_to", "priority", "sla_deadline", "trigger"],
                same_personal: &["action_digest", "context_summary", "metadata"],
            },
            Source {
                of: E::Decision,
                id: "escalation_id",
                same: &["decision_id"],
                same_personal: &[],
            },
            Source {
                of: E::RiskAssessed,
                id: "escalation_id",
                same: &["decision_id"],
                same_personal: &[],
            },
        ],
        withheld: &["action_digest"],
    },
    Rule {
        kind: "overrides",
        id: ("override_id", "ovr_"),
        at: "timestamp",
        made_by: &[Source {
            of: E::OverrideExecuted,
            id: "override_id",
            same: &[
                "authorized_by=by",
                "authorized_role",
                "decision_id",
                "evidence_ids",
                "expires_at",
                "new_outcome",
                "original_outcome",
                "override_type",
                "review_required_by",
                "scope",
            ],
            same_personal: &["justification", "metadata"],
        }],
        withheld: &[],
    },
    Rule {
        kind: "evidence",
        id: ("artifact_id", "evd_"),
        at: "created_at",
        made_by: &[
            Source {
                of: E::EvidenceRegistered,
                id: "artifact_id",
                same: &[
                    "artifact_type",
                    "content_type",
                    "registered_by=by",
                    "related_control_ids",
                    "retention_until",
                    "sha256_hash",
                    "size_bytes",
                    "storage_uri",
                ],
                same_personal: &["metadata", "source"],
            },
            Source {
                of: E::OverrideExecuted,
                id: "override_id",
                same: &["registered_by=by"],
                same_personal: &[],
            },
        ],
        withheld: &["sha256_hash", "size_bytes"],
    },
    Rule {
        kind: "responsibility",
        id: ("record_id", "resp_"),
        at: "timestamp",
        made_by: &[
            Source {
                of: E::ResponsibilityRecorded,
                id: "responsibility_id",
                same: &[
                    "confidence_percent",
                    "decision_id",
                    "decision_maker",
                    "delegated_from",
                    "responsibility_level",
                    "responsible_party",
                    "role",
                ],
                same_personal: &["reasoning"],
            },
            Source {
                of: E::Decision,
                id: "decision_id",
                same: &["decision_id", "reasoning=reason"],
                same_personal: &[],
            },
            Source {
                of: E::EscalationResolved,
                id: "responsibility_id",
                same: &["decision_id", "escalation_id", "responsible_party=by"],
                same_personal: &["reasoning=notes"],
            },
            Source {
                of: E::OverrideExecuted,
                id: "responsibility_id",
                same: &[
                    "decision_id",
                    "override_id",
                    "responsible_party=by",
                    "role=authorized_role",
                ],
                same_personal: &["reasoning=justification"],
            },
        ],
        withheld: &[],
    },
    Rule {
        kind: "interventions",
        id: ("intervention_id", "int_"),
        at: "timestamp",
        made_by: &[Source {
            of: E::Intervention,
            id: "intervention_id",
            same: &[
                "decision_id",
                "display_digest",
                "human_id=by",
                "human_role",
                "intervention_type",
                "response_time_ms",
                "stop",
                "stop_id",
            ],
            same_personal: &["ai_recommendation", "human_decision", "reason", "request_context"],
        }],
        withheld: &[],
    },
    Rule {
        kind: "policies",
        id: ("version", ""),
        at: "loaded_at",
        made_by: &[
            Source { of: E::PolicyLoaded, id: "policy_version", same: POLICY, same_personal: &[] },
            Source {
                of: E::PolicyRolledBack,
                id: "policy_version",
                same: POLICY,
                same_personal: &[],
            },
        ],
        withheld: &[],
    },
];

/// The kinds of records that a scope has; `None` if there is no such scope.
pub(crate) fn kinds_of(scope: &str) -> Option<&'static [&'static str]> {
    const ALL: [&str; RULES.len()] = [
        RULES[0].kind,
        RULES[1].kind,
        RULES[2].kind,
        RULES[3].kind,
        RULES[4].kind,
        RULES[5].kind,
        RULES[6].kind,
        RULES[7].kind,
    ];
    match scope {
        "all" => Some(&ALL),
        "decision_log_only" => Some(&["decisions"]),
        "risk_only" => Some(&["risks"]),
        "escalation_only" => Some(&["escalations"]),
        "override_only" => Some(&["overrides"]),
        "evidence_only" => Some(&["evidence"]),
        "compliance_only" => Some(&[]),
        _ => None,
    }
}

impl Rule {
    /// Whether entries of this type may make such a record.
    pub(super) fn is_of(&self, entry_type: EntryType) -> bool {
        self.source(entry_type).is_some()
    }

    fn source(&self, entry_type: EntryType) -> Option<&'static Source> {
        self.made_by.iter().find(|source| source.of == entry_type)
    }

    /// What the entry says of the record that it made; `None` if it made none, or
    /// is erased whole.
    pub(super) fn told(&self, entry: &StoredEntry) -> Option<Told> {
        let source = self.source(entry.header.entry_type)?;
        let data = object(entry.data.as_ref())?;
        let id = data.get(source.id).filter(|id| **id != Json::Null)?.clone();
        let personal = object(entry.personal.as_ref()).unwrap_or_default();
        Some(Told { source, id, data, personal })
    }

    /// Compares a record with what its entry says.
    pub(super) fn judge(
        &self,
        record: &Object,
        entry: &StoredEntry,
        told: &Told,
    ) -> Result<(), Reason> {
        let hash = record.get("ledger_entry_hash").filter(|hash| **hash != Json::Null);
        let has_hash = hash.is_none_or(|hash| hash.as_str() == Some(&entry.hash().to_string()));
        let at = record.get(self.at).and_then(Json::as_str);
        let has_time = at == Some(&entry.header.timestamp.to_string());
        let same = |names: &[&str], part: &Object| {
            names.iter().all(|name| self.is_same(name, record, part))
        };
        let holds = has_hash
            && has_time
            && self.has_id(record, &told.id)
            && same(told.source.same, &told.data)
            && same(told.source.same_personal, &told.personal);
        if holds { Ok(()) } else { Err(Reason::RecordMismatch) }
    }

    /// Whether the record has the id that the entry gives it: the same, or under
    /// the prefix of its kind the number of what it goes with.
    fn has_id(&self, record: &Object, told: &Json) -> bool {
        let (name, prefix) = self.id;
        let Some(id) = record.get(name) else { return false };
        match (id, told) {
            (Json::String(id), Json::String(told)) => {
                let number = told.split_once('_').map(|(_, number)| number);
                id.strip_prefix(prefix).is_some_and(|id| Some(id) == number)
            }
            (id, told) => id == told,
        }
    }

    fn is_same(&self, name: &str, record: &Object, part: &Object) -> bool {
        let (shown, path) = name.split_once('=').unwrap_or((name, name));
        let shown_as = record.get(shown).unwrap_or(&Json::Null);
        let is_withheld = *shown_as == Json::Null && self.withheld.contains(&shown);
        is_withheld || shown_as == member(part, path)
    }
}

/// What an entry says of the record that it made.
#[derive(Debug)]
pub(super) struct Told {
    source: &'static Source,
    id: Json,
    data: Object,
    /// Empty where it is erased, or there never was one.
    personal: Object,
}

fn object(part: Option<&Part>) -> Option<Object> {
    serde_json::from_str(&part?.text).ok()
}

/// A member by its path; null where there is none.
fn member<'a>(part: &'a Object, path: &str) -> &'a Json {
    let found = match path.split_once('.') {
        None => part.get(path),
        Some((outer, inner)) => {
            part.get(outer).and_then(Json::as_object).and_then(|outer| outer.get(inner))
        }
    };
    found.unwrap_or(&Json::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_of_a_scope_and_has_a_rule() {
        let all = kinds_of("all").unwrap();
        assert_eq!(all, RULES.iter().map(|rule| rule.kind).collect::<Vec<_>>());
        for scope in ["decision_log_only", "risk_only", "escalation_only", "override_only"] {
            assert!(all.contains(&kinds_of(scope).unwrap()[0]), "{scope}");
        }
        assert_eq!(kinds_of("everything"), None);
    }

    /// The table of the format is this one.
    #[test]
    fn the_format_says_what_is_compared() {
        let format = include_str!("../../../../node/core/ledger/README.md");
        for rule in RULES {
            for source in rule.made_by {
                let cells = [
                    source.of.as_str().to_owned(),
                    source.id.to_owned(),
                    source.same.join(" "),
                    source.same_personal.join(" "),
                ];
                let cells = cells.map(|cell| match cell.as_str() {
                    "" => String::new(),
                    words => format!("`{words}`"),
                });
                let row = format!("| `{}` | {} |", rule.kind, cells.join(" | "));
                assert!(format.contains(&row), "{row}");
            }
        }
    }
}
