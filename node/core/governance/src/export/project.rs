//! Records as an export shows them: projections of entries below its size, as they
//! stood when the last of them was recorded.
//!
//! A record that the state keeps says by which entry each step of its life was
//! taken, so that what came later is left out without going through the ledger.
//! Whose entry is erased as a whole is no record any more; the ledger still has its
//! header.

use std::ops::Range;

use ledger::{EntryType, StoredEntry};
use types::{
    ArtifactId, DecisionId, EntryId, EscalationId, Json, Object, OverrideId, ResponsibilityId,
    RiskId,
};

use super::{Page, RecordKind, Selection};
use crate::effective::When;
use crate::outcome::Corruption;
use crate::shown::{self, Parts};
use crate::store::{Read, Table};
use crate::view;
use crate::{keys, tables};

/// A page ends once what was read for it is as large as this.
const PAGE_BYTES: usize = 1 << 20;

/// A page of the records of one kind: at most `rows_max` entries are looked at,
/// and fewer once they are large.
///
/// # Errors
/// [`Corruption`] when something cannot be read.
pub fn records(
    read: &impl Read,
    selection: &Selection,
    kind: RecordKind,
    after: Option<EntryId>,
    rows_max: usize,
) -> Result<Page, Corruption> {
    let moment = Moment::of(read, selection.ledger_size)?;
    let mut span = view::ids_between(read, selection.from, selection.to)?;
    span.end = span.end.min(selection.ledger_size);
    if let Some(after) = after {
        span.start = span.start.max(after.0.saturating_add(1));
    }
    let (mut records, mut bytes, mut last) = (Vec::new(), 0_usize, None);
    let ids = ids(read, kind, &span, rows_max)?;
    let is_end = ids.len() < rows_max;
    let looked_at = ids.len();
    for (at, id) in ids.into_iter().enumerate() {
        let missing = || Corruption::new("header", format!("entry {id} is missing"));
        let entry = view::entry(read, id)?.ok_or_else(missing)?;
        for part in [&entry.data, &entry.personal].into_iter().flatten() {
            bytes = bytes.saturating_add(part.text.len());
        }
        records.extend(moment.record(read, kind, &entry)?);
        last = Some(id);
        if PAGE_BYTES <= bytes && at.saturating_add(1) < looked_at {
            return Ok(Page { records, next: last });
        }
    }
    Ok(Page { records, next: last.filter(|_| !is_end) })
}

/// Entries that may make a record of a kind. One makes at most one of each.
fn sources(kind: RecordKind) -> &'static [EntryType] {
    match kind {
        RecordKind::Decision => &[EntryType::Decision],
        RecordKind::Risk => &[EntryType::Decision, EntryType::RiskAssessed],
        RecordKind::Escalation => {
            &[EntryType::Decision, EntryType::RiskAssessed, EntryType::EscalationCreated]
        }
        RecordKind::Override => &[EntryType::OverrideExecuted],
        // An override is attested by an artifact of its own.
        RecordKind::Evidence => &[EntryType::EvidenceRegistered, EntryType::OverrideExecuted],
        RecordKind::Responsibility => &[
            EntryType::Decision,
            EntryType::EscalationResolved,
            EntryType::OverrideExecuted,
            EntryType::ResponsibilityRecorded,
        ],
        RecordKind::Intervention => &[EntryType::Intervention],
        RecordKind::Policy => &[EntryType::PolicyLoaded, EntryType::PolicyRolledBack],
    }
}

/// The first ids of a span that are of the types of a kind.
fn ids(
    read: &impl Read,
    kind: RecordKind,
    span: &Range<u64>,
    ids_max: usize,
) -> Result<Vec<EntryId>, Corruption> {
    let mut ids = Vec::new();
    for entry_type in sources(kind) {
        ids.extend(view::ids_of_type(read, *entry_type, span, ids_max)?);
    }
    ids.sort_unstable();
    ids.truncate(ids_max);
    Ok(ids)
}

/// The moment that an export shows.
struct Moment {
    when: When,
    /// The last entry.
    last: EntryId,
}

impl Moment {
    fn of(read: &impl Read, size: u64) -> Result<Self, Corruption> {
        let last = EntryId(size.saturating_sub(1));
        let missing = || Corruption::new("header", format!("entry {last} is missing"));
        let now = view::entry(read, last)?.ok_or_else(missing)?.header.timestamp;
        Ok(Self { when: When { size, now }, last })
    }

    /// The record of a kind that an entry made, if it made one and is still there.
    fn record(
        &self,
        read: &impl Read,
        kind: RecordKind,
        entry: &StoredEntry,
    ) -> Result<Option<Object>, Corruption> {
        let parts = shown::parts(entry)?;
        let Some(data) = &parts.data else { return Ok(None) };
        match kind {
            RecordKind::Decision => {
                let decision = shown::decision(read, entry, &parts, self.when)?;
                Ok(decision.map(|decision| decision.members))
            }
            RecordKind::Risk => match id::<RiskId>(data, "risk_id") {
                Some(id) => Ok(view::risk(read, id)?.ok().as_ref().map(shown::risk)),
                None => Ok(None),
            },
            RecordKind::Escalation => match id(data, "escalation_id") {
                Some(id) => self.escalation(read, id),
                None => Ok(None),
            },
            RecordKind::Override => match id(data, "override_id") {
                Some(id) => self.override_of(read, id),
                None => Ok(None),
            },
            RecordKind::Evidence => self.artifact(read, entry.header.id),
            RecordKind::Responsibility => self.responsibility(read, entry, data),
            RecordKind::Intervention => Ok(shown::intervention(entry, &parts)),
            RecordKind::Policy => self.policy(read, entry, &parts),
        }
    }

    fn escalation(&self, read: &impl Read, id: EscalationId) -> Result<Option<Object>, Corruption> {
        Ok(view::escalation_at(read, id, self.when)?.ok().as_ref().map(shown::escalation))
    }

    fn override_of(&self, read: &impl Read, id: OverrideId) -> Result<Option<Object>, Corruption> {
        let found = view::override_at(read, id, self.when)?.ok();
        Ok(found.map(|found| shown::override_of(&found, self.when.now)))
    }

    fn artifact(&self, read: &impl Read, entry: EntryId) -> Result<Option<Object>, Corruption> {
        let id: Option<ArtifactId> =
            tables::record(read, Table::ArtifactByEntry, &keys::entry(entry))?;
        let Some(id) = id else { return Ok(None) };
        let artifact = view::artifact(read, id)?.ok();
        Ok(artifact.map(|artifact| shown::artifact(&artifact, self.last)))
    }

    fn responsibility(
        &self,
        read: &impl Read,
        entry: &StoredEntry,
        data: &Object,
    ) -> Result<Option<Object>, Corruption> {
        // A decision's own record has its id under another prefix.
        let id = if entry.header.entry_type == EntryType::Decision {
            id::<DecisionId>(data, "decision_id").map(|id| ResponsibilityId(id.0))
        } else {
            id(data, "responsibility_id")
        };
        let Some(id) = id else { return Ok(None) };
        let Some(mut record) = view::responsibility(read, id)? else { return Ok(None) };
        record.review = record.review.filter(|review| self.when.has(review.entry_id));
        Ok(Some(shown::responsibility(&record)))
    }

    fn policy(
        &self,
        read: &impl Read,
        entry: &StoredEntry,
        parts: &Parts,
    ) -> Result<Option<Object>, Corruption> {
        let version = version(parts.data.as_ref());
        let damaged =
            || Corruption::new("data", format!("entry {} has no version", entry.header.id));
        let version = version.ok_or_else(damaged)?;
        policy_record(read, version, policy_last(read, self.when.size)?)
    }
}

fn id<T: std::str::FromStr>(data: &Object, name: &str) -> Option<T> {
    data.get(name).and_then(Json::as_str)?.parse().ok()
}

fn version(data: Option<&Object>) -> Option<u64> {
    data?.get("policy_version").and_then(Json::as_u64)
}

/// The version of the policy in force after so many entries.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn policy_last(read: &impl Read, size: u64) -> Result<u64, Corruption> {
    let mut last = 0;
    for entry_type in sources(RecordKind::Policy) {
        // Each has one version, and they have no gaps.
        last = view::count_of_type(read, *entry_type, &(0..size))?.saturating_add(last);
    }
    Ok(last)
}

/// A version of the policy with its document, as a record; `active` is the one in
/// force.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn policy_record(
    read: &impl Read,
    version: u64,
    active: u64,
) -> Result<Option<Object>, Corruption> {
    let record = view::policy(read, version)?;
    Ok(record.map(|record| shown::policy_with_document(record, active)))
}
