//! The rows by which exports are found, and how one moves through its life.
//!
//! Invariants
//! - An export has one row in [`Table::ExportByState`], of its present status.
//! - What a node is to do within a time has a row in [`Table::Deadline`] until then.

use types::{ExportId, Micros, Timestamp};

use crate::apply::{Context, Stop};
use crate::deadline::{self, Due};
use crate::export::ExportFormat;
use crate::outcome::{Corruption, Rejection};
use crate::record::{ExportRecord, ExportStatus};
use crate::store::{Direction, Read, Scan, Store, Table};
use crate::tables;
use crate::{codec, keys};

/// Exports that may wait for approval, and as many again for a node.
pub(crate) const OPEN_MAX: u64 = 1_000;

/// How long a node has to begin, and then to end.
const TURN: Micros = Micros(60 * 1_000_000);

/// The part of a key that says a state: status and format.
pub(crate) fn state(status: ExportStatus, format: ExportFormat) -> [u8; 2] {
    let status = match status {
        ExportStatus::AwaitingApproval => 1,
        ExportStatus::Pending => 2,
        ExportStatus::Running => 3,
        ExportStatus::Completed => 4,
        ExportStatus::Failed => 5,
    };
    let format = match format {
        ExportFormat::Json => 1,
        ExportFormat::Csv => 2,
        ExportFormat::Markdown => 3,
        ExportFormat::Html => 4,
        ExportFormat::Oscal => 5,
        ExportFormat::Zip => 6,
    };
    [status, format]
}

/// Keys of one state: the first and the end.
pub(crate) fn of_state(status: ExportStatus, format: ExportFormat) -> (Vec<u8>, Vec<u8>) {
    let [status, format] = state(status, format);
    (vec![status, format], vec![status, format.saturating_add(1)])
}

/// An export that a command is about.
pub(crate) fn known(read: &impl Read, id: ExportId) -> Result<ExportRecord, Stop> {
    let record = tables::record(read, Table::Export, &id.0.key())?;
    record.ok_or_else(|| Rejection::UnknownExport { id }.into())
}

/// How many exports have one of these statuses, up to a number.
pub(crate) fn count(
    read: &impl Read,
    statuses: &[ExportStatus],
    most: u64,
) -> Result<u64, Corruption> {
    let mut total = 0_u64;
    for status in statuses {
        for format in ExportFormat::ALL {
            let (from, to) = of_state(*status, format);
            let left = usize::try_from(most.saturating_sub(total)).unwrap_or(usize::MAX);
            let scan = Scan {
                table: Table::ExportByState,
                from: &from,
                to: Some(&to),
                direction: Direction::Ascending,
                rows_max: left,
            };
            read.visit(scan, &mut |_, _| total = total.saturating_add(1))?;
        }
    }
    Ok(total)
}

/// Ids of the exports of a status, of which there are [`OPEN_MAX`] at most where they
/// wait.
pub(crate) fn ids(read: &impl Read, status: ExportStatus) -> Result<Vec<ExportId>, Corruption> {
    let mut found = Vec::new();
    for format in ExportFormat::ALL {
        let (from, to) = of_state(status, format);
        let (table, direction) = (Table::ExportByState, Direction::Ascending);
        let rows_max = usize::try_from(OPEN_MAX).unwrap_or(usize::MAX);
        let rows = read.scan(Scan { table, from: &from, to: Some(&to), direction, rows_max })?;
        for (_, id) in rows {
            found.push(codec::decode("export_by_state", &id)?);
        }
    }
    Ok(found)
}

/// Puts a new export into its list.
pub(crate) fn list<S: Store>(
    context: &mut Context<'_, S>,
    id: ExportId,
    record: &ExportRecord,
) -> Result<(), Corruption> {
    let row = keys::stated(state(record.status, record.format), record.entry_id);
    context.tables.put_record(Table::ExportByState, &row, &id)?;
    context.tables.put_record(Table::Export, &id.0.key(), record)
}

/// Changes how an export stands.
pub(crate) fn change<S: Store>(
    context: &mut Context<'_, S>,
    id: ExportId,
    before: &ExportRecord,
    after: &ExportRecord,
) -> Result<(), Corruption> {
    let row = keys::stated(state(before.status, before.format), before.entry_id);
    context.tables.delete(Table::ExportByState, &row);
    if before.deadline != after.deadline {
        if let Some(deadline) = before.deadline {
            deadline::clear(context, deadline, Due::Export(id));
        }
        if let Some(deadline) = after.deadline {
            deadline::set(context, deadline, Due::Export(id));
        }
    }
    list(context, id, after)
}

/// Gives it to the node that took the request. Another may have it when that one
/// does not begin.
pub(crate) fn hand_to_asked<S: Store>(
    context: &mut Context<'_, S>,
    id: ExportId,
    record: &ExportRecord,
) -> Result<(), Corruption> {
    let after = ExportRecord {
        status: ExportStatus::Pending,
        node: Some(context.envelope.asked_node.clone()),
        deadline: Some(turn(context.applied.at)),
        ..record.clone()
    };
    change(context, id, record, &after)
}

/// When the turn of a node is over.
pub(crate) fn turn(at: Timestamp) -> Timestamp {
    at.checked_add(TURN).unwrap_or(Timestamp::MAX)
}

/// Ends it without a file.
pub(crate) fn fail<S: Store>(
    context: &mut Context<'_, S>,
    id: ExportId,
    record: &ExportRecord,
    failed: (String, types::EntryId),
) -> Result<(), Corruption> {
    let before: ExportRecord = known_row(context, id)?;
    let after = ExportRecord {
        status: ExportStatus::Failed,
        node: None,
        deadline: None,
        failed: Some(failed),
        ..record.clone()
    };
    change(context, id, &before, &after)
}

/// The record of an export that is due, or is listed.
pub(crate) fn known_row<S: Store>(
    context: &Context<'_, S>,
    id: ExportId,
) -> Result<ExportRecord, Corruption> {
    let missing = || Corruption::new("export", format!("{id} is listed and not recorded"));
    context.tables.record(Table::Export, &id.0.key())?.ok_or_else(missing)
}
