//! Exports for auditors: asking for one, letting it go out, and how it stands.
//! Taking one away is [`download`]'s part.

pub(crate) mod download;

use governance::access::Permission;
use governance::command::{AnswerExport, Command, ExportAnswer, KeyUsage, RequestExport};
use governance::export::{self, ExportFormat, ExportQuery, Scope};
use governance::record::{ExportRecord, ExportStatus};
use governance::{Direction, Read, view};
use types::{Digest, EntryId, ExportId, Json, Object};

use super::ledger::ID_MAX;
use super::ledger::entries::LIMIT;
use super::named::{self, HUMAN_ID};
use super::recording::{self, record};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Field, Kind, Text};
use crate::idempotency;
use crate::problem::{Code, Fault, Problem};
use crate::reply::{Member, flag, hash, integer, list, object, text, time};
use crate::rest::decision::reply::{sign, signature_json};
use crate::rest::oversight::intervention::SIGNATURE;
use crate::routes::Op;

const LIMIT_DEFAULT: usize = 100;

const SCOPES: Kind = Kind::Word(&[
    "all",
    "risk_only",
    "escalation_only",
    "override_only",
    "evidence_only",
    "compliance_only",
    "decision_log_only",
]);
const FORMATS: Kind = Kind::Word(&["json", "csv", "markdown", "html", "oscal", "zip"]);

/// Body of `POST /audit/export`.
pub(crate) const REQUEST: &[Field] = &[
    Field::required("scope", SCOPES, "Which records."),
    Field::required("format", FORMATS, "As what file."),
    Field::optional("from", Kind::Time, "Records not earlier than this."),
    Field::optional("to", Kind::Time, "Records earlier than this."),
    Field::optional("purpose", Kind::Text(Text::any(2048)), "What for."),
    Field::optional(
        "ledger_size",
        Kind::Integer { min: 1, max: ID_MAX },
        "Entries there are for it, so that the same bytes can be had again; all there are now \
         when absent.",
    ),
    Field::optional("requester", HUMAN_ID, "Who asks, where nobody authenticates."),
];

/// Body of `POST /audit/exports/{export_id}/approve` and `/reject`.
pub(crate) const ANSWER: &[Field] =
    &[Field::optional("notes", Kind::Text(Text::any(10_000)), "Why.")];

/// Query of `GET /audit/exports`.
pub(crate) const LIST_QUERY: &[Field] = &[
    LIMIT,
    Field::optional(
        "after",
        Kind::Integer { min: 0, max: ID_MAX },
        "`next` of the page before: exports requested past this ledger entry in the order asked \
         for.",
    ),
    Field::optional(
        "status",
        Kind::Word(&["awaiting_approval", "pending", "running", "completed", "failed"]),
        "That stand so.",
    ),
    Field::optional("format", FORMATS, "Of this format."),
    Field::optional("order", Kind::Word(&["asc", "desc"]), "Oldest or newest first.")
        .default("\"asc\""),
];

const EXPORT_ID: Member = text("export_id", "The export.");
const STATUS: Member =
    text("status", "`awaiting_approval`, `pending`, `running`, `completed` or `failed`.");
const SCOPE: Member = text("scope", "Which records.");
const FORMAT: Member = text("format", "As what file.");
const SIZE: Member = integer("ledger_size", "Entries there are for it.");

/// Reply of `POST /audit/export`.
pub(crate) const REQUEST_REPLY: &[Member] = &[
    EXPORT_ID,
    STATUS,
    SCOPE,
    FORMAT,
    SIZE,
    text("status_url", "Where it is said how it stands."),
];

/// How an export stands.
pub(crate) const REPLY: &[Member] = &[
    EXPORT_ID,
    STATUS,
    SCOPE,
    FORMAT,
    time("from", "Records not earlier than this.").or_null(),
    time("to", "Records earlier than this.").or_null(),
    text("purpose", "What for; null once erased.").or_null(),
    SIZE,
    integer("record_count", "Records in it, those of the ledger not among them.").or_null(),
    integer(
        "progress_percent",
        "How much of it is built, of a hundred, as the node that builds it told last; null if it failed.",
    )
    .or_null(),
    integer("size_bytes", "Its size; null until it is built, and after an erasure built anew.")
        .or_null(),
    hash("sha256", "Its digest; null as `size_bytes`.").or_null(),
    integer("erasures_through", "The last erasure of its entries that it shows.").or_null(),
    object("signature", SIGNATURE, "Over the digest, by the answering node.").or_null(),
    text("download_url", "Where it is, once it is built.").or_null(),
    text("requested_by", "Who asked; null where nobody was named.").or_null(),
    time("requested_at", "When."),
    time("completed_at", "When it was built.").or_null(),
    text("error", "Why it failed.").or_null(),
];

/// Reply of `GET /audit/exports`.
pub(crate) const LIST_REPLY: &[Member] = &[
    list("exports", REPLY, "In the order asked for."),
    integer("total", "Matches on all pages, counted up to 100,000."),
    flag("total_exact", "Whether `total` is all of them."),
    integer("next", "Give it as `after` for the next page; null at the end.").or_null(),
];

/// Answers any of them.
pub(crate) async fn answer<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    match call.route.op {
        Op::ExportRequest => request(app, call).await,
        Op::ExportApprove => settle(app, call, ExportAnswer::Approve).await,
        Op::ExportReject => settle(app, call, ExportAnswer::Reject).await,
        Op::ExportStatus => status(app, &call),
        Op::Exports => list_exports(app, &call).await,
        Op::ExportDownload => download::download(app, &call).await,
        other => {
            tracing::error!(?other, "an operation that is none of exports came here");
            Err(Problem::internal())
        }
    }
}

/// `POST /audit/export`.
async fn request<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, .. } = call;
    let mut body = body.into_fields();
    let path = "/audit/export";
    let idempotency = key.map(|key| idempotency::record(&principal, key, path, body.members()));
    let principal = named::optional(app, principal, &body, "requester")?;
    let request = RequestExport {
        scope: body.word("scope").and_then(Scope::parse).ok_or_else(Problem::internal)?,
        format: body.word("format").and_then(ExportFormat::parse).ok_or_else(Problem::internal)?,
        from: body.time("from"),
        to: body.time("to"),
        ledger_size: body.integer("ledger_size"),
        purpose: body.text("purpose"),
    };
    if let (Some(from), Some(to)) = (request.from, request.to)
        && to < from
    {
        let detail = "must not be earlier than `from`";
        return Err(Problem::fault(Fault::at("/to", "out_of_range", detail)));
    }
    let command = Command::RequestExport(Box::new(request));
    let recording = record(app, &principal, idempotency, command).await?;
    let data = recording::data(app, recording.entry)?;
    let id: ExportId = recording::id(&data, "export_id")?;
    let mut reply = Object::new();
    for name in ["status", "scope", "format", "ledger_size"] {
        reply.insert(name, data.get(name).cloned().unwrap_or_default());
    }
    reply.insert("export_id", id.to_string());
    reply.insert("status_url", format!("/audit/status/{id}"));
    Ok(recording.answer(reply).accepted())
}

/// `POST /audit/exports/{export_id}/approve` and `/reject`.
async fn settle<B: Backend>(
    app: &App<B>,
    call: Call,
    answer: ExportAnswer,
) -> Result<Answer, Problem> {
    let Call { path, body, key, principal, .. } = call;
    let export: ExportId = path.parse().map_err(|_| unknown())?;
    let mut body = body.into_fields();
    let verb = match answer {
        ExportAnswer::Approve => "approve",
        ExportAnswer::Reject => "reject",
    };
    let path = format!("/audit/exports/{export}/{verb}");
    let idempotency = key.map(|key| idempotency::record(&principal, key, &path, body.members()));
    let notes = body.text("notes");
    let command = Command::AnswerExport(Box::new(AnswerExport { export, answer, notes }));
    let recording = record(app, &principal, idempotency, command).await?;
    let read = app.backend.view()?;
    let record = as_of(known(&read, export)?, recording.entry);
    Ok(recording.answer(shown(app, &read, export, &record)?))
}

/// An export right after an entry about it was recorded: what a request is
/// answered, however often it comes.
fn as_of(mut record: ExportRecord, entry: EntryId) -> ExportRecord {
    let is_later = |(_, by): &(_, EntryId)| entry < *by;
    if record.failed.as_ref().is_some_and(|(_, by)| *by <= entry) {
        return record;
    }
    record.failed = None;
    if record.built.as_ref().is_none_or(is_later) {
        record.built = None;
        record.status = ExportStatus::Pending;
    }
    record
}

/// `GET /audit/status/{export_id}`.
fn status<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let id: ExportId = call.path.parse().map_err(|_| unknown())?;
    let read = app.backend.view()?;
    let record = known(&read, id)?;
    admit(call, &record, Permission::ViewAuditLogs)?;
    Ok(Answer::json(shown(app, &read, id, &record)?))
}

/// `GET /audit/exports`.
async fn list_exports<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let direction = match call.query.word("order") {
        Some("desc") => Direction::Descending,
        Some(_) | None => Direction::Ascending,
    };
    let query = ExportQuery {
        status: call.query.word("status").and_then(ExportStatus::parse),
        format: call.query.word("format").and_then(ExportFormat::parse),
        after: call.query.integer("after").map(EntryId),
        direction,
        limit: call.query.integer("limit").unwrap_or(LIMIT_DEFAULT),
    };
    let (app_of_work, read) = (app.clone(), app.backend.view()?);
    let work = move || {
        let page = export::exports(&read, &query)?;
        let rows = page
            .exports
            .iter()
            .map(|(id, record)| Ok(Json::Object(shown(&app_of_work, &read, *id, record)?)));
        let rows = rows.collect::<Result<Vec<Json>, Problem>>()?;
        Ok(Answer::members([
            ("exports", Json::Array(rows)),
            ("total", page.total.into()),
            ("total_exact", page.total_exact.into()),
            ("next", page.next.map(|next| next.0).into()),
        ]))
    };
    app.blocking(work).await
}

fn unknown() -> Problem {
    Problem::new(Code::UNKNOWN_EXPORT, "no such export is recorded")
}

fn known(read: &impl Read, id: ExportId) -> Result<ExportRecord, Problem> {
    export::export(read, id)?.ok_or_else(unknown)
}

/// Lets who asked for an export go on, and whoever holds a permission.
fn admit(call: &Call, record: &ExportRecord, permission: Permission) -> Result<(), Problem> {
    let is_requester = !record.requester.is_empty() && call.principal.id == record.requester;
    if is_requester || call.authority.permissions.has(permission) {
        return Ok(());
    }
    Err(Problem::new(Code::PERMISSION_DENIED, "this is not granted to the principal"))
}

/// How an export stands. What was built before an erasure is not there any more:
/// what is built in its place is another file.
fn shown<B: Backend>(
    app: &App<B>,
    read: &impl Read,
    id: ExportId,
    record: &ExportRecord,
) -> Result<Object, Problem> {
    let built = record.built.as_ref().map(|(built, _)| built);
    let erasures = export::erasures_through(read, record.ledger_size)?;
    let current = built.filter(|built| built.erasures_through == erasures);
    let signature = current.map(|built| signature(app, &built.sha256)).transpose()?;
    let request = view::entry(read, record.entry_id)?.ok_or_else(Problem::internal)?;
    let purpose = governance::shown::parts(&request)?.personal;
    let purpose = purpose.and_then(|personal| personal.get("purpose").cloned());
    let completed_at = match &record.built {
        Some((_, entry)) => view::entry(read, *entry)?.map(|entry| entry.header.timestamp),
        None => None,
    };
    let url = built.map(|_| format!("/audit/exports/{id}/download"));
    let mut reply = Object::new();
    reply.insert("export_id", id.to_string());
    reply.insert("status", record.status.as_str());
    reply.insert("scope", record.scope.as_str());
    reply.insert("format", record.format.as_str());
    reply.insert("from", record.from.map(|from| from.to_string()));
    reply.insert("to", record.to.map(|to| to.to_string()));
    reply.insert("purpose", purpose.unwrap_or_default());
    reply.insert("ledger_size", record.ledger_size);
    reply.insert("record_count", current.map(|built| built.record_count));
    reply.insert("progress_percent", progress(record));
    reply.insert("size_bytes", current.map(|built| built.size_bytes));
    reply.insert("sha256", current.map(|built| built.sha256.to_string()));
    reply.insert("erasures_through", erasures.filter(|_| built.is_some()).map(|run| run.0));
    reply.insert("signature", signature);
    reply.insert("download_url", url);
    let requester = Some(record.requester.as_str()).filter(|by| !by.is_empty());
    reply.insert("requested_by", requester);
    reply.insert("requested_at", record.requested_at.to_string());
    reply.insert("completed_at", completed_at.map(|at| at.to_string()));
    reply.insert("error", record.failed.as_ref().map(|(error, _)| error.as_str()));
    Ok(reply)
}

fn progress(record: &ExportRecord) -> Option<u32> {
    match record.status {
        ExportStatus::AwaitingApproval | ExportStatus::Pending | ExportStatus::Running => {
            Some(record.percent.into())
        }
        ExportStatus::Completed => Some(100),
        ExportStatus::Failed => None,
    }
}

/// A signature over the digest of a file.
fn signature<B: Backend>(app: &App<B>, sha256: &Digest) -> Result<Json, Problem> {
    let text = export::signed_text(sha256);
    Ok(signature_json(&sign(app, KeyUsage::Export, text.as_bytes())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_taken_are_those_of_the_command() {
        let (Kind::Word(scopes), Kind::Word(formats)) = (SCOPES, FORMATS) else {
            panic!("no words")
        };
        assert_eq!(scopes, Scope::ALL.map(Scope::as_str));
        assert_eq!(formats, ExportFormat::ALL.map(ExportFormat::as_str));
    }
}
