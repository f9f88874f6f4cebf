//! The rows by which escalations are found, and what an erasure takes of them.

use types::{EscalationId, Json, Object};

use crate::apply::Context;
use crate::deadline::{self, Due};
use crate::keys;
use crate::outcome::Corruption;
use crate::record::{EscalationRecord, EscalationStatus, Priority};
use crate::store::{Direction, Scan, Store, Table};

/// The part of a key that says a state: status and priority.
pub(crate) fn state(status: EscalationStatus, priority: Priority) -> [u8; 2] {
    let status = match status {
        EscalationStatus::Pending => 1,
        EscalationStatus::Acknowledged => 2,
        EscalationStatus::Resolved => 3,
        EscalationStatus::Expired => 4,
    };
    let priority = match priority {
        Priority::Low => 1,
        Priority::Medium => 2,
        Priority::High => 3,
        Priority::Critical => 4,
    };
    [status, priority]
}

/// Puts a new escalation into every list.
pub(super) fn keep<S: Store>(
    context: &mut Context<'_, S>,
    id: EscalationId,
    record: &EscalationRecord,
) -> Result<(), Corruption> {
    let by_decision = keys::under(record.decision.0, record.entry_id.0);
    context.tables.put_record(Table::EscalationByDecision, &by_decision, &id)?;
    let number = last_number(context)?.saturating_add(1);
    let row = keys::entry(record.entry_id);
    context.tables.put_record(Table::EscalationByEntry, &row, &(id, number))?;
    list(context, id, record)?;
    context.tables.put_record(Table::Escalation, &id.0.key(), record)
}

/// How many escalations there have been.
fn last_number<S: Store>(context: &Context<'_, S>) -> Result<u64, Corruption> {
    let rows = context.tables.scan(Scan {
        table: Table::EscalationByEntry,
        from: &[],
        to: None,
        direction: Direction::Descending,
        rows_max: 1,
    })?;
    let Some((_, value)) = rows.first() else { return Ok(0) };
    let (_, number): (EscalationId, u64) = crate::codec::decode("escalation_by_entry", value)?;
    Ok(number)
}

/// Changes how an escalation stands.
pub(super) fn change<S: Store>(
    context: &mut Context<'_, S>,
    id: EscalationId,
    before: &EscalationRecord,
    after: &EscalationRecord,
) -> Result<(), Corruption> {
    unlist(context, before)?;
    list(context, id, after)?;
    context.tables.put_record(Table::Escalation, &id.0.key(), after)
}

fn list<S: Store>(
    context: &mut Context<'_, S>,
    id: EscalationId,
    record: &EscalationRecord,
) -> Result<(), Corruption> {
    let state = state(record.status, record.priority);
    let row = keys::stated(state, record.entry_id);
    context.tables.put_record(Table::EscalationByState, &row, &id)?;
    count(context, &state, 1)?;
    if record.status == EscalationStatus::Expired {
        let row = keys::timed(record.deadline, record.entry_id);
        context.tables.put_record(Table::EscalationViolation, &row, &id)?;
    }
    Ok(())
}

fn unlist<S: Store>(
    context: &mut Context<'_, S>,
    record: &EscalationRecord,
) -> Result<(), Corruption> {
    let state = state(record.status, record.priority);
    context.tables.delete(Table::EscalationByState, &keys::stated(state, record.entry_id));
    count(context, &state, -1)?;
    if record.status == EscalationStatus::Expired {
        let row = keys::timed(record.deadline, record.entry_id);
        context.tables.delete(Table::EscalationViolation, &row);
    }
    Ok(())
}

fn count<S: Store>(context: &mut Context<'_, S>, state: &[u8], by: i64) -> Result<(), Corruption> {
    let count: Option<u64> = context.tables.record(Table::EscalationCount, state)?;
    match count.unwrap_or(0).saturating_add_signed(by) {
        0 => context.tables.delete(Table::EscalationCount, state),
        count => context.tables.put_record(Table::EscalationCount, state, &count)?,
    }
    Ok(())
}

/// Takes an escalation away with the entry that made it. Its place in the count
/// of all stays: a number given twice would hide one.
pub(crate) fn forget<S: Store>(
    context: &mut Context<'_, S>,
    data: &Object,
    entry: types::EntryId,
) -> Result<(), Corruption> {
    let id = data.get("escalation_id").and_then(Json::as_str);
    let Some(id) = id.and_then(|id| id.parse::<EscalationId>().ok()) else { return Ok(()) };
    let record: Option<EscalationRecord> = context.tables.record(Table::Escalation, &id.0.key())?;
    // What follows an escalation names it too, and did not make it.
    let Some(record) = record.filter(|record| record.entry_id == entry) else { return Ok(()) };
    unlist(context, &record)?;
    if record.status.is_open() {
        deadline::clear(context, record.deadline, Due::Escalation(id));
    }
    let by_decision = keys::under(record.decision.0, record.entry_id.0);
    context.tables.delete(Table::EscalationByDecision, &by_decision);
    context.tables.delete(Table::Escalation, &id.0.key());
    Ok(())
}
