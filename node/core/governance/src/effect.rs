//! The outbox: notices of what happened, kept until they are delivered.
//!
//! The leader delivers them after commit, at least once and under an id that
//! stays the same, and then has the cluster forget them. A notice carries ids
//! and states and nothing that a person wrote.

use types::{EffectId, EntryId};

use crate::apply::{Context, Stop};
use crate::codec;
use crate::keys;
use crate::outcome::{Corruption, Outcome, Rejection};
use crate::record::EffectRecord;
use crate::store::{Direction, Read, Scan, Store, Table};

/// Puts a notice of an entry in the outbox. An entry has at most one.
pub(crate) fn emit<S: Store>(
    context: &mut Context<'_, S>,
    event: &str,
    subject: &str,
    entry: EntryId,
) -> Result<(), Corruption> {
    let id = EffectId(context.draw.ulid("evt"));
    let record = EffectRecord {
        id,
        event: event.to_owned(),
        subject: subject.to_owned(),
        at: context.applied.at,
    };
    context.tables.put_record(Table::Effect, &keys::entry(entry), &record)
}

/// Forgets notices that were delivered, or given up. One that is forgotten
/// already is no fault: two leaders may have delivered it.
pub(crate) fn done<S: Store>(
    context: &mut Context<'_, S>,
    entries: &[EntryId],
) -> Result<Outcome, Stop> {
    let mut any = false;
    for entry in entries {
        let key = keys::entry(*entry);
        if context.tables.has(Table::Effect, &key)? {
            context.tables.delete(Table::Effect, &key);
            any = true;
        }
    }
    if any { Ok(Outcome::Noted) } else { Err(Rejection::AlreadyRecorded.into()) }
}

/// Notices that wait, oldest first, each with its entry.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn waiting(
    read: &impl Read,
    after: Option<EntryId>,
    limit: usize,
) -> Result<Vec<(EntryId, EffectRecord)>, Corruption> {
    let from = after.map_or(0, |after| after.0.saturating_add(1)).to_be_bytes();
    let rows = read.scan(Scan {
        table: Table::Effect,
        from: &from,
        to: None,
        direction: Direction::Ascending,
        rows_max: limit,
    })?;
    let rows = rows.iter().map(|(key, value)| {
        let short = || Corruption::new("effect", "key too short");
        let entry = keys::last_number(key).map(EntryId).ok_or_else(short)?;
        Ok((entry, codec::decode("effect", value)?))
    });
    rows.collect()
}
