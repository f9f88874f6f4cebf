//! Escalations and overrides as they stood at a moment: what came later is left
//! out, without going through the ledger, since a record says by which entry each
//! step of its life was taken.

use types::{EscalationId, OverrideId};

use super::{Absent, Escalation, Override, escalation, override_of};
use crate::effective::When;
use crate::keys;
use crate::outcome::Corruption;
use crate::store::{Read, Table};

/// An escalation as it stood.
///
/// # Errors
/// The outer one is [`Corruption`].
pub fn escalation_at(
    read: &impl Read,
    id: EscalationId,
    when: When,
) -> Result<Result<Escalation, Absent>, Corruption> {
    let mut it = match escalation(read, id, when.now)? {
        Ok(it) => it,
        Err(absent) => return Ok(Err(absent)),
    };
    it.record = it.record.as_of(when.size);
    it.status = it.record.status(when.now);
    it.answer = it.answer.filter(|answer| when.has(answer.entry_id));
    // The record keeps the name until the escalation has ended.
    it.record.acknowledged = match it.record.acknowledged.take() {
        Some((by, entry)) => {
            let is_there = read.get(Table::Data, &keys::entry(entry))?.is_some();
            Some((if is_there { by } else { String::new() }, entry))
        }
        None => None,
    };
    if it.record.acknowledged.is_none() {
        it.acknowledged_at = None;
    }
    Ok(Ok(it))
}

/// An override as it stood; where it is by its times, its record says.
///
/// # Errors
/// The outer one is [`Corruption`].
pub fn override_at(
    read: &impl Read,
    id: OverrideId,
    when: When,
) -> Result<Result<Override, Absent>, Corruption> {
    let found = override_of(read, id)?;
    Ok(found.map(|mut found| {
        found.record = found.record.as_of(when.size);
        found.review = found.review.filter(|review| when.has(review.entry_id));
        found
    }))
}
