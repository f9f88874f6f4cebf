//! Asking for an export, and letting it go out.

use ledger::EntryType;
use types::{ApiKeyId, ExportId, Object};

use super::rows::{self, OPEN_MAX};
use crate::access::{self, EVIDENCE, Permission};
use crate::apply::{Context, Stop};
use crate::command::{AnswerExport, ExportAnswer, PrincipalKind, RequestExport};
use crate::idempotency;
use crate::outcome::{Corruption, Outcome, Rejection};
use crate::oversight;
use crate::record::{ExportRecord, ExportStatus};
use crate::store::{Read, Store, Table};
use crate::{tables, view};

pub(crate) fn request<S: Store>(
    context: &mut Context<'_, S>,
    request: &RequestExport,
) -> Result<Outcome, Stop> {
    access::need_level(context, EVIDENCE)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let there = context.cache.head(context.tables.read())?.size();
    let ledger_size = request.ledger_size.unwrap_or(there);
    if ledger_size == 0 || there < ledger_size {
        return Err(Rejection::OutOfBounds { member: "ledger_size" }.into());
    }
    let status = match may_export(context)? {
        true => ExportStatus::Pending,
        false => ExportStatus::AwaitingApproval,
    };
    let principal = &context.envelope.principal;
    // In open mode nobody is known.
    let who = (principal.kind != PrincipalKind::Nobody).then_some(principal.id.as_str());
    room(context, status, who)?;
    let id = ExportId(context.fresh("exp", Table::Export)?);
    let mut data = context.asked();
    data.insert("export_id", id.to_string());
    data.insert("scope", request.scope.as_str());
    data.insert("format", request.format.as_str());
    data.insert("from", request.from.map(|from| from.to_string()));
    data.insert("to", request.to.map(|to| to.to_string()));
    data.insert("ledger_size", ledger_size);
    data.insert("status", status.as_str());
    let mut personal = Object::new();
    personal.insert("purpose", request.purpose.clone());
    let entry_type = EntryType::AuditExportRequested;
    let recorded = context.record_about(entry_type, None, data, personal)?;
    let record = ExportRecord {
        entry_id: recorded.entry_id,
        scope: request.scope,
        format: request.format,
        from: request.from,
        to: request.to,
        ledger_size,
        requester: context.envelope.principal.id.clone(),
        requested_at: recorded.at,
        status: ExportStatus::AwaitingApproval,
        node: None,
        tried: Vec::new(),
        worked: 0,
        percent: 0,
        deadline: None,
        answered: None,
        built: None,
        failed: None,
    };
    rows::list(context, id, &record)?;
    if status == ExportStatus::Pending {
        rows::hand_to_asked(context, id, &record)?;
    }
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

/// Whether who asks may take exports away without anybody else's word.
fn may_export<S: Store>(context: &Context<'_, S>) -> Result<bool, Corruption> {
    let principal = &context.envelope.principal;
    let authority = access::authority(context.tables.read(), principal, context.applied.at)?;
    Ok(authority.is_ok_and(|authority| authority.permissions.has(Permission::ExportData)))
}

/// Exports of one person that may wait once half of the room is taken.
const SHARE_MAX: u64 = 20;

/// Refuses one more than may wait: what nobody can get to helps nobody. Nobody
/// takes all of the room from the others.
fn room<S: Store>(
    context: &Context<'_, S>,
    status: ExportStatus,
    requester: Option<&str>,
) -> Result<(), Stop> {
    let read = context.tables.read();
    let there = rows::count(read, &[status], OPEN_MAX)?;
    if OPEN_MAX <= there {
        return Err(Rejection::TooMany { things: "exports waiting", there }.into());
    }
    if let Some(requester) = requester
        && OPEN_MAX / 2 <= there
    {
        let there = of_person(read, status, &person(read, requester)?)?;
        if SHARE_MAX <= there {
            return Err(
                Rejection::TooMany { things: "exports of one person waiting", there }.into()
            );
        }
    }
    Ok(())
}

/// How many exports of a status are a person's, up to [`SHARE_MAX`].
fn of_person(read: &impl Read, status: ExportStatus, whose: &str) -> Result<u64, Corruption> {
    let mut found = 0_u64;
    for id in rows::ids(read, status)? {
        let record: Option<ExportRecord> = tables::record(read, Table::Export, &id.0.key())?;
        let Some(record) = record else { continue };
        found = found.saturating_add(u64::from(person(read, &record.requester)? == whose));
        if found == SHARE_MAX {
            break;
        }
    }
    Ok(found)
}

pub(crate) fn answer<S: Store>(
    context: &mut Context<'_, S>,
    answer: &AnswerExport,
) -> Result<Outcome, Stop> {
    access::need_level(context, EVIDENCE)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let id = answer.export;
    let record = rows::known(context.tables.read(), id)?;
    if record.status != ExportStatus::AwaitingApproval {
        return Err(Rejection::ExportAnswered.into());
    }
    if is_same_person(context, &record.requester)? {
        return Err(Rejection::SamePerson.into());
    }
    let entry_type = match answer.answer {
        ExportAnswer::Approve => EntryType::AuditExportApproved,
        ExportAnswer::Reject => EntryType::AuditExportRejected,
    };
    if answer.answer == ExportAnswer::Approve {
        let who = Some(record.requester.as_str()).filter(|requester| !requester.is_empty());
        room(context, ExportStatus::Pending, who)?;
    }
    let mut data = context.asked();
    data.insert("export_id", id.to_string());
    data.insert("notes", answer.notes.clone());
    let recorded = context.record(entry_type, data)?;
    let answered = ExportRecord { answered: Some(recorded.entry_id), ..record };
    match answer.answer {
        ExportAnswer::Approve => rows::hand_to_asked(context, id, &answered)?,
        ExportAnswer::Reject => {
            let why = "the request was rejected".to_owned();
            rows::fail(context, id, &answered, (why, recorded.entry_id))?;
        }
    }
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

/// Whether who answers is who asked, also where one of them used a key.
fn is_same_person<S: Store>(context: &Context<'_, S>, requester: &str) -> Result<bool, Stop> {
    let read = context.tables.read();
    let principal = &context.envelope.principal;
    let asked = person(read, requester)?;
    if person(read, &principal.id)? == asked {
        return Ok(true);
    }
    match principal.kind {
        PrincipalKind::User | PrincipalKind::Nobody => match oversight::human(context) {
            Ok(human) => Ok(human.is(&asked)),
            Err(Stop::Rejected(_)) => Ok(false),
            Err(corrupt @ Stop::Corrupt(_)) => Err(corrupt),
        },
        PrincipalKind::ApiKey | PrincipalKind::Node => Ok(false),
    }
}

/// What is done with a key is as if its owner did it.
fn person(read: &impl Read, id: &str) -> Result<String, Corruption> {
    let key = id.parse::<ApiKeyId>().ok().map(|key| view::api_key(read, key)).transpose()?;
    let owner = key.flatten().map(|key| key.owner).filter(|owner| !owner.is_empty());
    Ok(owner.unwrap_or_else(|| id.to_owned()))
}
