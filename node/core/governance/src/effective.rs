//! What a decision comes to by now: what the policy said, what humans answered,
//! and who decided in the policy's place.
//!
//! Time alone never allows anything: an escalation that expires changes nothing,
//! and an override that ends takes its effect with it.

use policy::Verdict;
use types::{DecisionId, EscalationId, OverrideId, Timestamp};

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

/// What a decision that said `decided` comes to at `now`: an active override
/// first, the newest of them; then the last answer that was not deferred.
///
/// # Errors
/// [`Corruption`] when something cannot be read.
pub fn effective(
    read: &impl Read,
    decision: DecisionId,
    decided: Verdict,
    now: Timestamp,
) -> Result<Effective, Corruption> {
    let overrides = overrides(read, decision)?;
    let active =
        overrides.into_iter().rev().find(|(_, it)| it.status(now) == OverrideStatus::Active);
    if let Some((id, record)) = active {
        return Ok(Effective { outcome: Verdict::Allowed, basis: Basis::Override(id, record) });
    }
    let answered = escalations(read, decision)?.into_iter().filter_map(|(id, record)| {
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

/// Overrides of a decision, oldest first.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn overrides(
    read: &impl Read,
    decision: DecisionId,
) -> Result<Vec<(OverrideId, OverrideRecord)>, Corruption> {
    of(read, decision, Table::OverrideByDecision, |id: &OverrideId| {
        tables::record(read, Table::Override, &id.0.key())
    })
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
    let (from, to) = keys::all_under(decision.0);
    let rows = read.scan(Scan {
        table: index,
        from: &from,
        to: Some(&to),
        direction: Direction::Ascending,
        rows_max: usize::MAX,
    })?;
    let missing = || Corruption::new(tables::name(index), "leads to nothing");
    let rows = rows.iter().map(|(_, value)| {
        let id: I = codec::decode(tables::name(index), value)?;
        let record = record(&id)?.ok_or_else(missing)?;
        Ok((id, record))
    });
    rows.collect()
}
