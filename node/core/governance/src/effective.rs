//! What a decision comes to by now: what the policy said, what humans answered,
//! and who decided in the policy's place.
//!
//! Time alone never allows anything: an escalation that expires changes nothing,
//! and an override that ends takes its effect with it.

use policy::Verdict;
use types::{DecisionId, EntryId, EscalationId, OverrideId, Timestamp};

use crate::outcome::Corruption;
use crate::record::{EscalationRecord, OverrideRecord, OverrideStatus, Resolution};
use crate::store::{Direction, Read, Scan, Table};
use crate::{codec, keys, tables};

/// What an effective outcome rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The decision as the policy made it.
    Decision,
    /// A human's answer.
    Escalation(EscalationId, EscalationRecord),
    /// A human's decision in the policy's place.
    Override(OverrideId, OverrideRecord),
}

impl Basis {
    /// The word on the wire.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Escalation(..) => "escalation",
            Self::Override(..) => "override",
        }
    }
}

/// What a decision comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// The outcome.
    pub outcome: Verdict,
    /// And why.
    pub basis: Basis,
}

/// A moment: what is recorded by then, and what time it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// Entries there are: nothing later exists.
    pub size: u64,
    /// The time.
    pub now: Timestamp,
}

impl When {
    /// Whether an entry is recorded by then.
    pub fn has(self, entry: EntryId) -> bool {
        entry.0 < self.size
    }
}

/// That time, with all there is.
impl From<Timestamp> for When {
    fn from(now: Timestamp) -> Self {
        Self { size: u64::MAX, now }
    }
}

/// What a decision that said `decided` comes to: an active override first, the
/// newest of them; then the last answer that was not deferred.
///
/// # Errors
/// [`Corruption`] when something cannot be read.
pub fn effective(
    read: &impl Read,
    decision: DecisionId,
    decided: Verdict,
    when: impl Into<When>,
) -> Result<Effective, Corruption> {
    let when = when.into();
    let active = |record: &OverrideRecord| {
        when.has(record.entry_id)
            && record.as_of(when.size).status(when.now) == OverrideStatus::Active
    };
    if let Some((id, record)) = newest_override(read, decision, active)? {
        return Ok(Effective { outcome: Verdict::Allowed, basis: Basis::Override(id, record) });
    }
    let answered = escalations(read, decision)?.into_iter().filter_map(|(id, record)| {
        let record = record.as_of(when.size);
        let outcome = match record.resolution? {
            Resolution::Approved => Verdict::Allowed,
            Resolution::Denied => Verdict::Denied,
            Resolution::Deferred => return None,
        };
        Some((outcome, id, record))
    });
    Ok(match answered.max_by_key(|(_, _, record)| record.ended) {
        Some((outcome, id, record)) => Effective { outcome, basis: Basis::Escalation(id, record) },
        None => Effective { outcome: decided, basis: Basis::Decision },
    })
}

/// The newest override of a decision that is as asked. It is usually the last,
/// so that the others are not read.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn newest_override(
    read: &impl Read,
    decision: DecisionId,
    is_asked: impl Fn(&OverrideRecord) -> bool,
) -> Result<Option<(OverrideId, OverrideRecord)>, Corruption> {
    for id in override_ids(read, decision)?.into_iter().rev() {
        let record = tables::record(read, Table::Override, &id.0.key())?;
        let record: OverrideRecord =
            record.ok_or_else(|| leads_nowhere(Table::OverrideByDecision))?;
        if is_asked(&record) {
            return Ok(Some((id, record)));
        }
    }
    Ok(None)
}

/// Escalations of a decision, oldest first.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn escalations(
    read: &impl Read,
    decision: DecisionId,
) -> Result<Vec<(EscalationId, EscalationRecord)>, Corruption> {
    of(read, decision, Table::EscalationByDecision, |id: &EscalationId| {
        tables::record(read, Table::Escalation, &id.0.key())
    })
}

/// Ids of the escalations of a decision, oldest first.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn escalation_ids(
    read: &impl Read,
    decision: DecisionId,
) -> Result<Vec<EscalationId>, Corruption> {
    ids(read, decision, Table::EscalationByDecision)
}

/// Ids of the overrides of a decision, oldest first.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn override_ids(read: &impl Read, decision: DecisionId) -> Result<Vec<OverrideId>, Corruption> {
    ids(read, decision, Table::OverrideByDecision)
}

/// Overrides of a decision and the entries that record them, oldest first.
pub(crate) fn override_rows(
    read: &impl Read,
    decision: DecisionId,
) -> Result<Vec<(EntryId, OverrideId)>, Corruption> {
    rows(read, decision, Table::OverrideByDecision)
}

/// Records that an index of things by decision leads to.
fn of<R: Read, I, T>(
    read: &R,
    decision: DecisionId,
    index: Table,
    record: impl Fn(&I) -> Result<Option<T>, Corruption>,
) -> Result<Vec<(I, T)>, Corruption>
where
    I: serde::de::DeserializeOwned,
{
    let rows = ids(read, decision, index)?.into_iter().map(|id| {
        let record = record(&id)?.ok_or_else(|| leads_nowhere(index))?;
        Ok((id, record))
    });
    rows.collect()
}

/// What an index has under a decision, which is bounded: a thousand of a kind.
fn ids<I>(read: &impl Read, decision: DecisionId, index: Table) -> Result<Vec<I>, Corruption>
where
    I: serde::de::DeserializeOwned,
{
    Ok(rows(read, decision, index)?.into_iter().map(|(_, id)| id).collect())
}

/// The same with the entry of each.
pub(crate) fn rows<I>(
    read: &impl Read,
    decision: DecisionId,
    index: Table,
) -> Result<Vec<(EntryId, I)>, Corruption>
where
    I: serde::de::DeserializeOwned,
{
    let (from, to) = keys::all_under(decision.0);
    let rows = read.scan(Scan {
        table: index,
        from: &from,
        to: Some(&to),
        direction: Direction::Ascending,
        rows_max: usize::MAX,
    })?;
    let rows = rows.iter().map(|(key, value)| {
        let name = tables::name(index);
        let entry = keys::last_number(key).ok_or_else(|| Corruption::new(name, "key too short"))?;
        Ok((EntryId(entry), codec::decode(name, value)?))
    });
    rows.collect()
}

fn leads_nowhere(index: Table) -> Corruption {
    Corruption::new(tables::name(index), "leads to nothing")
}
