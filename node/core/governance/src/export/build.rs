//! Which node builds an export, and what it reports.
//!
//! A node has a minute from the moment it begins, and another whenever it tells
//! that it has worked more: however large an export is, a node that is lost with it
//! has a minute. Then any other may begin; after three that did not end the export
//! has failed. Whoever has the file first, also after its time, reports it: it is
//! the same on any node.

use ledger::EntryType;
use types::{EntryId, ExportId, Object};

use super::{erasures_through, rows};
use crate::access::{self, EVIDENCE};
use crate::apply::{Context, Stop};
use crate::command::{BuiltExport, ClaimExport, CompleteExport, ErasedPart, FailExport};
use crate::outcome::{Corruption, Outcome, Rejection};
use crate::record::{ClusterRecord, ExportRecord, ExportStatus};
use crate::store::{Store, Table};
use crate::view;

/// Nodes that may begin.
const TURNS_MAX: usize = 3;

/// How much may be done of what is not completed.
const PERCENT_MAX: u8 = 99;

/// Characters of an error that are kept.
const ERROR_CHARS_MAX: usize = 500;

pub(crate) fn claim<S: Store>(
    context: &mut Context<'_, S>,
    claim: &ClaimExport,
) -> Result<Outcome, Stop> {
    access::need_level(context, EVIDENCE)?;
    let node = context.envelope.principal.id.clone();
    let record = rows::known(context.tables.read(), claim.export)?;
    if record.status == ExportStatus::Running && record.node.as_ref() == Some(&node) {
        return get_on(context, claim, &record);
    }
    if record.status != ExportStatus::Pending {
        return Err(Rejection::AlreadyRecorded.into());
    }
    let is_anothers = record.node.as_ref().is_some_and(|given| *given != node);
    if is_anothers || (record.tried.contains(&node) && is_there_another(context, &record)?) {
        return Err(Rejection::NotProven.into());
    }
    let after = ExportRecord {
        status: ExportStatus::Running,
        node: Some(node),
        deadline: Some(rows::turn(context.applied.at)),
        ..told(&record, claim)
    };
    rows::change(context, claim.export, &record, &after)?;
    Ok(Outcome::Noted)
}

/// The turn of a node goes on as long as it has worked more than it last told.
fn get_on<S: Store>(
    context: &mut Context<'_, S>,
    claim: &ClaimExport,
    record: &ExportRecord,
) -> Result<Outcome, Stop> {
    if claim.worked <= record.worked {
        return Err(Rejection::NotProven.into());
    }
    let deadline = Some(rows::turn(context.applied.at));
    let after = ExportRecord { deadline, ..told(record, claim) };
    rows::change(context, claim.export, record, &after)?;
    Ok(Outcome::Noted)
}

/// How far it is; whole it is only once it is completed.
fn told(record: &ExportRecord, claim: &ClaimExport) -> ExportRecord {
    let percent = claim.percent.min(PERCENT_MAX);
    ExportRecord { worked: claim.worked, percent, ..record.clone() }
}

/// Whether there is a node that has not tried.
fn is_there_another<S: Store>(
    context: &Context<'_, S>,
    record: &ExportRecord,
) -> Result<bool, Corruption> {
    let Some(cluster) = view::cluster(context.tables.read())? else { return Ok(false) };
    let ClusterRecord { voters, learners, .. } = cluster;
    let nodes = view::nodes(context.tables.read())?;
    let mut others = nodes.iter().filter(|node| {
        let is_member =
            voters.iter().chain([&learners]).any(|members| members.contains(&node.raft_id));
        is_member && !record.tried.contains(&node.name)
    });
    Ok(others.next().is_some())
}

pub(crate) fn complete<S: Store>(
    context: &mut Context<'_, S>,
    complete: &CompleteExport,
) -> Result<Outcome, Stop> {
    access::need_level(context, EVIDENCE)?;
    let CompleteExport { export: id, built } = complete;
    let record = rows::known(context.tables.read(), *id)?;
    match record.status {
        ExportStatus::Pending | ExportStatus::Running => (),
        ExportStatus::Completed if replaces(built, &record) => (),
        ExportStatus::Completed => return Err(Rejection::AlreadyRecorded.into()),
        ExportStatus::AwaitingApproval | ExportStatus::Failed => {
            return Err(Rejection::NotProven.into());
        }
    }
    let last = EntryId(record.ledger_size.saturating_sub(1));
    let checkpoint = view::first_final(context.tables.read(), last)?;
    let is_first = checkpoint.is_some_and(|first| first.claim.size == built.checkpoint_size);
    let erasures = erasures_through(context.tables.read(), record.ledger_size)?;
    if !is_first || erasures != built.erasures_through {
        return Err(Rejection::NotProven.into());
    }
    let mut data = context.asked();
    data.insert("export_id", id.to_string());
    data.insert("record_count", built.record_count);
    data.insert("size_bytes", built.size_bytes);
    data.insert("sha256", built.sha256.to_string());
    data.insert("checkpoint_size", built.checkpoint_size);
    data.insert("erasures_through", built.erasures_through.map(|run| run.0));
    data.insert("form", built.form);
    let recorded = context.record(EntryType::AuditExportCompleted, data)?;
    let after = ExportRecord {
        status: ExportStatus::Completed,
        node: None,
        deadline: None,
        built: Some((*built, recorded.entry_id)),
        ..record.clone()
    };
    rows::change(context, *id, &record, &after)?;
    Ok(Outcome::Recorded(recorded))
}

/// What was built before an erasure is replaced by what is built after it, and what
/// an older program built, which no node could build again, by what a newer does.
fn replaces(built: &BuiltExport, record: &ExportRecord) -> bool {
    let order = |built: &BuiltExport| (built.erasures_through, built.form);
    record.built.as_ref().is_some_and(|(before, _)| order(before) < order(built))
}

/// A node gives up before its time is over.
pub(crate) fn fail<S: Store>(
    context: &mut Context<'_, S>,
    fail: &FailExport,
) -> Result<Outcome, Stop> {
    access::need_level(context, EVIDENCE)?;
    let record = rows::known(context.tables.read(), fail.export)?;
    let is_ours = record.node.as_ref() == Some(&context.envelope.principal.id);
    if record.status != ExportStatus::Running || !is_ours {
        return Err(Rejection::NotProven.into());
    }
    let error = fail.error.chars().take(ERROR_CHARS_MAX).collect();
    end_turn(context, fail.export, &record, error)?;
    Ok(Outcome::Noted)
}

/// The turn of a node is over.
pub(crate) fn sweep<S: Store>(context: &mut Context<'_, S>, id: ExportId) -> Result<(), Stop> {
    let record = rows::known_row(context, id)?;
    match record.status {
        // It did not begin: it may be gone, and that is no turn of it.
        ExportStatus::Pending if record.tried.is_empty() => {
            let after = ExportRecord { node: None, deadline: None, ..record.clone() };
            rows::change(context, id, &record, &after)?;
        }
        // Nobody else began either: those that are left may all be lost.
        ExportStatus::Pending => {
            end_turn(context, id, &record, "no other node began it in time".to_owned())?;
        }
        ExportStatus::Running => {
            let error = "no node ended it in time".to_owned();
            end_turn(context, id, &record, error)?;
        }
        ExportStatus::AwaitingApproval | ExportStatus::Completed | ExportStatus::Failed => (),
    }
    Ok(())
}

/// Opens an export to the others, or ends it after the last turn.
fn end_turn<S: Store>(
    context: &mut Context<'_, S>,
    id: ExportId,
    record: &ExportRecord,
    error: String,
) -> Result<(), Corruption> {
    let mut after =
        ExportRecord { node: None, deadline: None, worked: 0, percent: 0, ..record.clone() };
    after.tried.push(record.node.clone().unwrap_or_default());
    if after.tried.len() < TURNS_MAX {
        after.status = ExportStatus::Pending;
        after.deadline = Some(rows::turn(context.applied.at));
        return rows::change(context, id, record, &after);
    }
    let mut data = context.asked();
    data.insert("export_id", id.to_string());
    data.insert("error", error.as_str());
    let recorded = context.record(EntryType::AuditExportFailed, data)?;
    rows::fail(context, id, &after, (error, recorded.entry_id))
}

/// Takes away who asked, with the entry that says so.
pub(crate) fn forget<S: Store>(
    context: &mut Context<'_, S>,
    entry: &ledger::StoredEntry,
    data: &Object,
    part: ErasedPart,
) -> Result<(), Corruption> {
    if part != ErasedPart::All || entry.header.entry_type != EntryType::AuditExportRequested {
        return Ok(());
    }
    let Some(id) = super::id_in(data) else { return Ok(()) };
    let record: Option<ExportRecord> = context.tables.record(Table::Export, &id.0.key())?;
    let Some(record) = record else { return Ok(()) };
    let after = ExportRecord { requester: String::new(), ..record };
    context.tables.put_record(Table::Export, &id.0.key(), &after)
}
