//! The rows by which escalations are found, and what an erasure takes of them.

use types::{EntryId, EscalationId, Json, Object};

use crate::apply::Context;
use crate::command::ErasedPart;
use crate::keys;
use crate::outcome::Corruption;
use crate::record::{ErasedRecord, EscalationRecord, EscalationStatus, Priority};
use crate::store::{Store, Table};

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
    list(context, id, record)?;
    context.tables.put_record(Table::Escalation, &id.0.key(), record)
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

/// Ends an escalation. What was erased of it while it was open goes now.
pub(super) fn end<S: Store>(
    context: &mut Context<'_, S>,
    id: EscalationId,
    before: &EscalationRecord,
    after: &EscalationRecord,
) -> Result<(), Corruption> {
    change(context, id, before, after)?;
    scrub(context, id, after, None)
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
    if has_deadline(record.status) {
        let row = keys::timed(record.deadline, record.entry_id);
        context.tables.put_record(Table::EscalationByDeadline, &row, &id)?;
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
    if has_deadline(record.status) {
        let row = keys::timed(record.deadline, record.entry_id);
        context.tables.delete(Table::EscalationByDeadline, &row);
    }
    Ok(())
}

/// What was resolved was answered in time: a late answer is refused.
fn has_deadline(status: EscalationStatus) -> bool {
    match status {
        EscalationStatus::Pending | EscalationStatus::Acknowledged | EscalationStatus::Expired => {
            true
        }
        EscalationStatus::Resolved => false,
    }
}

fn count<S: Store>(context: &mut Context<'_, S>, state: &[u8], by: i64) -> Result<(), Corruption> {
    let count: Option<u64> = context.tables.record(Table::EscalationCount, state)?;
    match count.unwrap_or(0).saturating_add_signed(by) {
        0 => context.tables.delete(Table::EscalationCount, state),
        count => context.tables.put_record(Table::EscalationCount, state, &count)?,
    }
    Ok(())
}

/// Takes away what an entry that is erased whole told of an escalation. While
/// that is open its record stays as it is, since somebody must still answer.
pub(crate) fn forget<S: Store>(
    context: &mut Context<'_, S>,
    data: &Object,
    entry: EntryId,
) -> Result<(), Corruption> {
    let id = data.get("escalation_id").and_then(Json::as_str);
    let Some(id) = id.and_then(|id| id.parse::<EscalationId>().ok()) else { return Ok(()) };
    let record: Option<EscalationRecord> = context.tables.record(Table::Escalation, &id.0.key())?;
    match record.filter(|record| !record.status.is_open()) {
        Some(record) => scrub(context, id, &record, Some(entry)),
        None => Ok(()),
    }
}

/// Names go with the entries that told them, and with the first of these every
/// row that lists the escalation. How it was answered stays: a denial must not
/// become an approval because somebody is forgotten.
fn scrub<S: Store>(
    context: &mut Context<'_, S>,
    id: EscalationId,
    record: &EscalationRecord,
    erasing: Option<EntryId>,
) -> Result<(), Corruption> {
    let mut left = record.clone();
    if !record.is_erased() && is_gone(context, record.entry_id, erasing)? {
        unlist(context, record)?;
        left.recipients.clear();
    }
    if let Some((by, entry)) = &mut left.acknowledged
        && is_gone(context, *entry, erasing)?
    {
        by.clear();
    }
    if left == *record {
        return Ok(());
    }
    context.tables.put_record(Table::Escalation, &id.0.key(), &left)
}

/// Whether nothing is left of an entry, or will be.
fn is_gone<S: Store>(
    context: &Context<'_, S>,
    entry: EntryId,
    erasing: Option<EntryId>,
) -> Result<bool, Corruption> {
    let erased: Option<ErasedRecord> = context.tables.record(Table::Erased, &keys::entry(entry))?;
    let is_erased = erased.is_some_and(|erased| erased.part == ErasedPart::All);
    Ok(is_erased || erasing == Some(entry))
}
