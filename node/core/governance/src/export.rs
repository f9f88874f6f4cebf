//! Exports for auditors: what may be asked for, and which records it has.
//!
//! Which bytes a format makes of them is the business of the node that builds
//! the file. Nothing here knows a format.
//!
//! Invariants
//! - What a [`Walk`] shows is a function of the selection and of what is erased:
//!   projections of entries below `ledger_size` alone, with the timestamp of the
//!   last of them as *now*. So any replica shows the same, however much the ledger
//!   has grown since.

pub(crate) mod build;
mod list;
mod project;
pub(crate) mod request;
pub(crate) mod rows;

use std::collections::BTreeSet;

use ledger::{EntryType, StoredEntry};
use serde::{Deserialize, Serialize};
use types::{Digest, EntryId, ExportId, Json, Object, Timestamp};

use crate::outcome::Corruption;
use crate::record::{ExportRecord, KeyRecord};
use crate::store::{Direction, Read, Scan, Table};
use crate::{codec, compliance, keys, shown, tables, view};

pub use list::{ExportPage, ExportQuery, exports, waiting};
pub use project::{Exported, Walk, policy_last, policy_record};

/// What of the ledger is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    /// Everything.
    All,
    /// Assessments of risk.
    RiskOnly,
    /// Escalations.
    EscalationOnly,
    /// Overrides.
    OverrideOnly,
    /// Evidence.
    EvidenceOnly,
    /// How duties and controls stand.
    ComplianceOnly,
    /// Decisions.
    DecisionLogOnly,
}

impl Scope {
    /// Every one, in the order of the contract.
    pub const ALL: [Self; 7] = [
        Self::All,
        Self::RiskOnly,
        Self::EscalationOnly,
        Self::OverrideOnly,
        Self::EvidenceOnly,
        Self::ComplianceOnly,
        Self::DecisionLogOnly,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::RiskOnly => "risk_only",
            Self::EscalationOnly => "escalation_only",
            Self::OverrideOnly => "override_only",
            Self::EvidenceOnly => "evidence_only",
            Self::ComplianceOnly => "compliance_only",
            Self::DecisionLogOnly => "decision_log_only",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }

    /// The kinds of records it has, in the order in which every format has them.
    pub fn kinds(self) -> &'static [RecordKind] {
        match self {
            Self::All => &RecordKind::ALL,
            Self::RiskOnly => &[RecordKind::Risk],
            Self::EscalationOnly => &[RecordKind::Escalation],
            Self::OverrideOnly => &[RecordKind::Override],
            Self::EvidenceOnly => &[RecordKind::Evidence],
            Self::ComplianceOnly => &[],
            Self::DecisionLogOnly => &[RecordKind::Decision],
        }
    }

    /// Whether it says how duties and controls stand.
    pub fn has_compliance(self) -> bool {
        match self {
            Self::All | Self::ComplianceOnly => true,
            Self::RiskOnly
            | Self::EscalationOnly
            | Self::OverrideOnly
            | Self::EvidenceOnly
            | Self::DecisionLogOnly => false,
        }
    }
}

/// What kind of file an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ExportFormat {
    /// One document.
    Json,
    /// RFC 4180, one section per kind of record.
    Csv,
    /// For people, as text.
    Markdown,
    /// For people, in a browser.
    Html,
    /// OSCAL assessment results.
    Oscal,
    /// A package that verifies offline.
    Zip,
}

impl ExportFormat {
    /// Every one, in the order of the contract.
    pub const ALL: [Self; 6] =
        [Self::Json, Self::Csv, Self::Markdown, Self::Html, Self::Oscal, Self::Zip];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Oscal => "oscal",
            Self::Zip => "zip",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == word)
    }
}

/// A kind of records. In this order in every format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordKind {
    /// Decisions, flat, with what they have come to.
    Decision,
    /// Assessments of risk.
    Risk,
    /// Escalations.
    Escalation,
    /// Overrides.
    Override,
    /// Artifacts.
    Evidence,
    /// Who answers for what.
    Responsibility,
    /// What humans did about what machines proposed.
    Intervention,
    /// Versions of the policy, documents among them.
    Policy,
}

impl RecordKind {
    /// Every one, in order.
    pub const ALL: [Self; 8] = [
        Self::Decision,
        Self::Risk,
        Self::Escalation,
        Self::Override,
        Self::Evidence,
        Self::Responsibility,
        Self::Intervention,
        Self::Policy,
    ];

    /// What a list of them is called.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decision => "decisions",
            Self::Risk => "risks",
            Self::Escalation => "escalations",
            Self::Override => "overrides",
            Self::Evidence => "evidence",
            Self::Responsibility => "responsibility",
            Self::Intervention => "interventions",
            Self::Policy => "policies",
        }
    }
}

/// Which part of the ledger an export shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Which kinds of records.
    pub scope: Scope,
    /// Records of entries not earlier than this.
    pub from: Option<Timestamp>,
    /// Records of entries earlier than this.
    pub to: Option<Timestamp>,
    /// Entries there are: nothing later exists for the export.
    pub ledger_size: u64,
}

/// What a signature of an export is made over.
pub fn signed_text(sha256: &Digest) -> String {
    format!("lexecon/export/v1\n{sha256}\n")
}

/// The record of an export; `None` where there is none.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn export(read: &impl Read, id: ExportId) -> Result<Option<ExportRecord>, Corruption> {
    tables::record(read, Table::Export, &id.0.key())
}

/// The last run of erasure that touched an entry below `ledger_size`, or one of
/// those that come with them in a package: up to the first final checkpoint that
/// covers the entries and that run. Without a checkpoint there is no file, and only
/// the former count.
///
/// # Errors
/// [`Corruption`] when a run cannot be read.
pub fn erasures_through(read: &impl Read, ledger_size: u64) -> Result<Option<EntryId>, Corruption> {
    let mut size = ledger_size;
    loop {
        let last = EntryId(size.saturating_sub(1));
        let covered = view::first_final(read, last)?.map_or(size, |record| record.claim.size);
        match last_touching(read, covered)? {
            Some(run) if covered <= run.0 => size = run.0.saturating_add(1),
            found => return Ok(found),
        }
    }
}

/// The last run that touched an entry below a size.
fn last_touching(read: &impl Read, size: u64) -> Result<Option<EntryId>, Corruption> {
    let text = EntryType::AnonymizationRun.as_str();
    let mut end = keys::after_texts(&[text]);
    loop {
        let rows = read.scan(Scan {
            table: Table::EntryByType,
            from: &keys::texts(&[text]),
            to: Some(&end),
            direction: Direction::Descending,
            rows_max: RUNS_AT_ONCE,
        })?;
        for (_, id) in &rows {
            let id: EntryId = codec::decode("entry_by_type", id)?;
            if touches(read, id, size)? {
                return Ok(Some(id));
            }
        }
        match rows.into_iter().next_back() {
            Some((last, _)) => end = last,
            None => return Ok(None),
        }
    }
}

/// Runs that are looked at together. Nearly always the last one decides: erasure
/// begins with what is oldest.
const RUNS_AT_ONCE: usize = 16;

/// Whether a run erased anything below a size. Its ranges are ascending.
fn touches(read: &impl Read, run: EntryId, ledger_size: u64) -> Result<bool, Corruption> {
    let damaged = || Corruption::new("data", format!("entry {run} tells no ranges"));
    let data = view::entry(read, run)?.and_then(|entry| entry.data).ok_or_else(damaged)?;
    let data: Object = serde_json::from_str(&data.text).map_err(|_| damaged())?;
    let ranges = data.get("ranges").and_then(Json::as_array).ok_or_else(damaged)?;
    let first = ranges.first().and_then(Json::as_object).and_then(|range| range.get("from"));
    let first = first.and_then(Json::as_u64).ok_or_else(damaged)?;
    Ok(first < ledger_size)
}

/// Keys as they stood when there were so many entries.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn keys_as_of(read: &impl Read, size: u64) -> Result<Vec<KeyRecord>, Corruption> {
    let mut given_up = BTreeSet::new();
    let ids = 0..size;
    for id in view::ids_of_type(read, EntryType::KeyRetired, &ids, usize::MAX)? {
        let data = view::entry(read, id)?.and_then(|entry| entry.data);
        let damaged = || Corruption::new("data", format!("entry {id} retires no key"));
        let data: Object =
            data.and_then(|data| serde_json::from_str(&data.text).ok()).ok_or_else(damaged)?;
        if data.get("compromised").and_then(Json::as_bool) == Some(true) {
            let kid = data.get("kid").and_then(Json::as_str).ok_or_else(damaged)?;
            given_up.insert(kid.to_owned());
        }
    }
    let known = view::keys(read)?.into_iter().filter(|key| key.valid_from.0 < size);
    let as_of = known.map(|key| KeyRecord {
        valid_until: key.valid_until.filter(|until| until.0 < size),
        revoked: given_up.contains(&key.id.to_string()),
        ..key
    });
    Ok(as_of.collect())
}

/// Whether an entry asks for an export of which something is still to come.
pub(crate) fn is_alive(read: &impl Read, entry: &StoredEntry) -> Result<bool, Corruption> {
    if entry.header.entry_type != EntryType::AuditExportRequested {
        return Ok(false);
    }
    let data = entry.data.as_ref().and_then(|data| serde_json::from_str(&data.text).ok());
    let Some(id) = data.as_ref().and_then(id_in) else { return Ok(false) };
    Ok(export(read, id)?.is_some_and(|record| record.status.is_open()))
}

/// The export that `data` of an entry is about.
fn id_in(data: &Object) -> Option<ExportId> {
    data.get("export_id").and_then(Json::as_str)?.parse().ok()
}

/// How duties and controls stand as of an entry: the member `compliance`.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn compliance_of(read: &impl Read, as_of: EntryId) -> Result<Json, Corruption> {
    Ok(shown::assessment(&compliance::assess(read, as_of)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_names_one_scope_and_one_format() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
        }
        for format in ExportFormat::ALL {
            assert_eq!(ExportFormat::parse(format.as_str()), Some(format));
        }
        assert_eq!((Scope::parse("everything"), ExportFormat::parse("pdf")), (None, None));
    }

    #[test]
    fn kinds_are_in_one_order_in_every_scope() {
        for scope in Scope::ALL {
            assert!(scope.kinds().is_sorted(), "{}", scope.as_str());
        }
    }
}
