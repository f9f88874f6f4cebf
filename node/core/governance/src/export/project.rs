//! Records as an export shows them: projections of entries below its size, as they
//! stood when the last of them was recorded.
//!
//! A record that the state keeps says by which entry each step of its life was
//! taken, so that what came later is left out without going through the ledger.
//! Whose entry is erased as a whole is no record any more; the ledger still has its
//! header.

use std::ops::Range;

use ledger::{EntryType, StoredEntry};
use types::{ArtifactId, EntryId, EscalationId, Json, Object, OverrideId, RiskId};

use super::{RecordKind, Selection};
use crate::effective::When;
use crate::outcome::Corruption;
use crate::record::ErasedRecord;
use crate::shown::{self, Parts};
use crate::store::{Ahead, Asked, Read, Table};
use crate::view;
use crate::{keys, tables};

/// Entries that are read together. Each is smaller than a command, which is a
/// mebibyte at most.
const ENTRIES_AT_ONCE: u64 = 32;

/// What has the parts of entries: records are of one that is being shown, and rarely of
/// another.
const PARTS: [Table; 3] = [Table::Header, Table::Data, Table::Personal];

/// What is asked of every entry, or of every decision, in their order. Reviews are of
/// later records too, which is not in order and rare.
const AHEAD: &[(Table, Asked)] = &[
    (Table::Header, Asked::Held),
    (Table::Data, Asked::Held),
    (Table::Personal, Asked::Held),
    (Table::Risk, Asked::ByTime),
    (Table::Erased, Asked::InOrder),
    (Table::ArtifactByEntry, Asked::InOrder),
    (Table::RiskByDecision, Asked::ByTime),
    (Table::EscalationByDecision, Asked::ByTime),
    (Table::OverrideByDecision, Asked::ByTime),
    (Table::ArtifactByDecision, Asked::ByTime),
    (Table::ResponsibilityReview, Asked::ByTime),
];

/// An entry, and what an export shows of it.
#[derive(Clone, Debug)]
pub struct Exported {
    /// As it is stored.
    pub entry: StoredEntry,
    /// What is left of it.
    pub parts: Parts,
    /// What erased a part of it.
    pub erased: Option<ErasedRecord>,
    /// The records that it made, in the order of their kinds; at most one of each.
    pub records: Vec<(RecordKind, Object)>,
}

impl Exported {
    /// An entry without its records.
    ///
    /// # Errors
    /// [`Corruption`] when something about it cannot be read.
    pub fn read(read: &impl Read, id: EntryId) -> Result<Self, Corruption> {
        let missing = || Corruption::new("header", format!("entry {id} is missing"));
        Self::of(read, view::entry(read, id)?.ok_or_else(missing)?)
    }

    fn of(read: &impl Read, entry: StoredEntry) -> Result<Self, Corruption> {
        let parts = shown::parts(&entry)?;
        let erased = shown::erasure(read, &entry)?;
        Ok(Self { entry, parts, erased, records: Vec::new() })
    }

    /// The entry as `GET /ledger/entries` shows it, less its proof.
    pub fn into_shown(self) -> Object {
        shown::entry_of(&self.entry, self.parts, self.erased.as_ref())
    }
}

/// The entries of an export one after the other, from the first on.
#[derive(Debug)]
pub struct Walk<'a, R> {
    read: Ahead<'a, R>,
    kinds: &'static [RecordKind],
    /// Whose records are shown.
    span: Range<u64>,
    moment: Moment,
    /// The entry after those that are read.
    next: u64,
    entries: std::vec::IntoIter<StoredEntry>,
}

impl<'a, R: Read> Walk<'a, R> {
    /// Begins. What is read must be the state of one moment.
    ///
    /// # Errors
    /// [`Corruption`] when something cannot be read.
    pub fn begin(read: &'a R, selection: &Selection) -> Result<Self, Corruption> {
        let mut span = view::ids_between(read, selection.from, selection.to)?;
        span.end = span.end.min(selection.ledger_size);
        Ok(Self {
            read: Ahead::new(read, AHEAD),
            kinds: selection.scope.kinds(),
            span,
            moment: Moment::of(read, selection.ledger_size)?,
            next: 0,
            entries: Vec::new().into_iter(),
        })
    }

    /// The next entry; `None` after the last one below the size of the selection.
    ///
    /// # Errors
    /// [`Corruption`] when something cannot be read.
    pub fn next_entry(&mut self) -> Result<Option<Exported>, Corruption> {
        let entry = match self.entries.next() {
            Some(entry) => entry,
            None => match self.read_on()? {
                Some(entry) => entry,
                None => return Ok(None),
            },
        };
        let mut exported = Exported::of(&self.read, entry)?;
        if self.span.contains(&exported.entry.header.id.0) {
            for kind in self.kinds {
                let record = self.moment.record(&self.read, *kind, &exported)?;
                exported.records.extend(record.map(|record| (*kind, record)));
            }
        }
        Ok(Some(exported))
    }

    /// Reads the next entries, and gives the first of them.
    fn read_on(&mut self) -> Result<Option<StoredEntry>, Corruption> {
        let end = self.moment.when.size.min(self.next.saturating_add(ENTRIES_AT_ONCE));
        if end <= self.next {
            return Ok(None);
        }
        for table in PARTS {
            self.read.hold(table, &keys::entry(EntryId(self.next)), &keys::entry(EntryId(end)))?;
        }
        self.entries = view::entries_in(&self.read, self.next..end)?.into_iter();
        self.next = end;
        Ok(self.entries.next())
    }
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

/// The moment that an export shows.
#[derive(Debug)]
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
        exported: &Exported,
    ) -> Result<Option<Object>, Corruption> {
        let Exported { entry, parts, .. } = exported;
        let Some(data) = &parts.data else { return Ok(None) };
        if !sources(kind).contains(&entry.header.entry_type) {
            return Ok(None);
        }
        match kind {
            RecordKind::Decision => {
                let decision = shown::decision(read, entry, parts, self.when)?;
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
            RecordKind::Intervention => Ok(shown::intervention(entry, parts)),
            RecordKind::Policy => self.policy(read, entry, parts),
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
        let record = if entry.header.entry_type == EntryType::Decision {
            view::responsibility_of_decision(read, entry, data)?
        } else if let Some(id) = id(data, "responsibility_id") {
            view::responsibility(read, id)?
        } else {
            None
        };
        let Some(mut record) = record else { return Ok(None) };
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
