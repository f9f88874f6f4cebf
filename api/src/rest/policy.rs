//! Policies: what is in force, what was, and putting another in force.

use governance::command::{Command, LoadPolicy};
use governance::record::PolicyRecord;
use governance::{Outcome, view};
use policy::{Compiled, Document, Warning};
use types::{EntryId, Json, LogIndex, Object};

use super::decision::envelope_of;
use super::decision::reply::parts;
use super::ledger::{ID_MAX, entries::LIMIT, plain_number};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Body, Call};
use crate::fields::{Field, Kind, Text};
use crate::idempotency;
use crate::problem::{Code, Problem};
use crate::reply::{Member, flag, free, hash, integer, list, text, time};

/// Versions read at once: each may be megabytes.
const CHUNK: usize = 8;
const LIMIT_DEFAULT: usize = 100;

/// Body of `POST /policies/load`, unless it is the document itself.
pub(crate) const LOAD: &[Field] = &[
    Field::required("policy", Kind::Any, "The policy document."),
    Field::optional(
        "expected_active_version",
        Kind::Integer { min: 0, max: ID_MAX },
        "Refuse when another version is active by then.",
    ),
    Field::optional(
        "acknowledge_widening",
        Kind::Bool,
        "The caller has seen what the change newly allows.",
    )
    .default("false"),
    Field::optional("note", Kind::Text(Text::any(2048)), "Why."),
];

/// Query of `GET /policies`.
pub(crate) const LIST_QUERY: &[Field] = &[
    LIMIT,
    Field::optional("after", Kind::Integer { min: 0, max: ID_MAX }, "Versions past this one."),
];

const VERSION: Member = integer("version", "0 is the built-in empty policy.");
const HASH: Member = hash("policy_hash", "SHA-256 of the normalised document.");
const NAME: Member = text("name", "The document's name.").or_null();
const DOCUMENT_VERSION: Member = text("document_version", "The document's version.");
const MODE: Member = text("mode", "`permissive`, `strict` or `paranoid`.");
const TERMS: Member = integer("terms_count", "Number of terms.");
const RELATIONS: Member = integer("relations_count", "Number of relations.");
const LOADED_AT: Member = time("loaded_at", "Cluster time of its load.").or_null();
const LOADED_BY: Member = text("loaded_by", "Who loaded it.").or_null();
const ACTIVE: Member = flag("active", "Whether it is in force.");
const ENTRY_ID: Member = integer("ledger_entry_id", "The entry of its load.").or_null();

const ROW: &[Member] = &[
    VERSION,
    HASH,
    NAME,
    DOCUMENT_VERSION,
    MODE,
    TERMS,
    RELATIONS,
    LOADED_AT,
    LOADED_BY,
    ACTIVE,
    ENTRY_ID,
];

/// Reply of `GET /policies/{version}`.
pub(crate) const RECORD_REPLY: &[Member] = &[
    VERSION,
    HASH,
    NAME,
    DOCUMENT_VERSION,
    MODE,
    TERMS,
    RELATIONS,
    LOADED_AT,
    LOADED_BY,
    ACTIVE,
    ENTRY_ID,
    free("document", "The normalised document."),
];

/// Reply of `GET /policies`.
pub(crate) const LIST_REPLY: &[Member] = &[
    list("policies", ROW, "Versions, oldest first."),
    integer("active_version", "The version in force."),
    HASH,
    MODE,
    TERMS,
    RELATIONS,
    integer("total", "Versions there are."),
    flag("total_exact", "Whether `total` is all of them."),
    integer("next", "Give it as `after` for the next page; null at the end.").or_null(),
];

const FINDING: &[Member] = &[
    text("pointer", "JSON pointer into the document."),
    text("code", "What kind of finding."),
    text("detail", "The same in words."),
];

/// Reply of `POST /policies/load`.
pub(crate) const LOAD_REPLY: &[Member] = &[
    text("status", "`success`"),
    integer("policy_version", "The new version."),
    HASH,
    integer("terms_loaded", "Number of terms."),
    integer("relations_loaded", "Number of relations."),
    MODE,
    integer("previous_version", "The version it replaces."),
    list("warnings", FINDING, "What is allowed and probably not meant."),
    integer("ledger_entry_id", "The entry of the load."),
];

/// Reply of `POST /policies/validate`.
pub(crate) const VALIDATE_REPLY: &[Member] = &[
    flag("valid", "Whether it could be loaded."),
    hash("policy_hash", "Null when it is not valid.").or_null(),
    list("errors", FINDING, "Everything wrong with it."),
    list("warnings", FINDING, "What is allowed and probably not meant."),
];

/// `GET /policies`.
pub(crate) async fn list_versions<B: Backend>(
    app: &App<B>,
    call: &Call,
) -> Result<Answer, Problem> {
    let read = app.backend.view()?;
    let limit = call.query.integer("limit").unwrap_or(LIMIT_DEFAULT);
    let after: Option<u64> = call.query.integer("after");
    let work = move || {
        let active = view::active_policy(&read)?;
        let (mut rows, mut last) = (Vec::new(), after);
        while rows.len() < limit {
            let chunk = view::policies(&read, last, CHUNK.min(limit - rows.len()))?;
            let Some(end) = chunk.last() else { break };
            last = Some(end.version);
            rows.extend(chunk.iter().map(|record| Json::Object(row(record, active.version))));
        }
        Ok(list_reply(rows, &active, last))
    };
    app.blocking(work).await.map(Answer::json)
}

fn list_reply(rows: Vec<Json>, active: &PolicyRecord, last: Option<u64>) -> Object {
    let next = last.filter(|last| !rows.is_empty() && *last < active.version);
    let mut reply = Object::new();
    reply.insert("policies", Json::Array(rows));
    reply.insert("active_version", active.version);
    reply.insert("policy_hash", active.policy_hash.to_string());
    reply.insert("mode", active.mode.as_str());
    reply.insert("terms_count", active.terms_count);
    reply.insert("relations_count", active.relations_count);
    reply.insert("total", active.version.saturating_add(1).min(view::TOTAL_MAX));
    reply.insert("total_exact", active.version < view::TOTAL_MAX);
    reply.insert("next", next);
    reply
}

fn row(record: &PolicyRecord, active: u64) -> Object {
    let mut row = Object::new();
    row.insert("version", record.version);
    row.insert("policy_hash", record.policy_hash.to_string());
    row.insert("name", record.name.as_deref());
    row.insert("document_version", record.document_version.as_str());
    row.insert("mode", record.mode.as_str());
    row.insert("terms_count", record.terms_count);
    row.insert("relations_count", record.relations_count);
    row.insert("loaded_at", record.entry_id.map(|_| record.loaded_at.to_string()));
    row.insert("loaded_by", record.loaded_by.as_deref());
    row.insert("active", record.version == active);
    row.insert("ledger_entry_id", record.entry_id.map(|id| id.0));
    row
}

/// `GET /policies/{version}`.
pub(crate) fn get<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let unknown = || Problem::new(Code::UNKNOWN_POLICY, "there is no such version");
    let version = plain_number(&call.path).ok_or_else(unknown)?;
    let read = app.backend.view()?;
    let record = view::policy(&read, version)?.ok_or_else(unknown)?;
    Ok(Answer::json(whole(record, view::active_policy(&read)?.version)))
}

/// `GET /policies/active`.
pub(crate) fn active<B: Backend>(app: &App<B>) -> Result<Answer, Problem> {
    let record = view::active_policy(&app.backend.view()?)?;
    let version = record.version;
    Ok(Answer::json(whole(record, version)))
}

fn whole(record: PolicyRecord, active: u64) -> Object {
    let mut row = row(&record, active);
    row.insert("document", record.document);
    row
}

/// A document that was sent, and where in the body it stood.
struct Sent {
    document: Json,
    prefix: &'static str,
    body: Object,
    load: LoadPolicy,
}

fn sent(body: Body) -> Sent {
    match body {
        Body::Raw(document) => {
            let body = document.as_object().cloned().unwrap_or_default();
            let load = LoadPolicy {
                document: document.clone(),
                expected_active_version: None,
                acknowledge_widening: false,
                note: None,
            };
            Sent { document, prefix: "", body, load }
        }
        body @ (Body::Fields(_) | Body::None) => {
            let mut fields = body.into_fields();
            let body = fields.members().clone();
            let document = Json::Object(fields.object("policy").unwrap_or_default());
            let load = LoadPolicy {
                document: document.clone(),
                expected_active_version: fields.integer("expected_active_version"),
                acknowledge_widening: fields.flag("acknowledge_widening"),
                note: fields.text("note"),
            };
            Sent { document, prefix: "/policy", body, load }
        }
    }
}

/// Parses and compiles, as `apply` will.
fn read(document: &Json) -> Result<(Document, Vec<Warning>), Vec<policy::Fault>> {
    let (document, warnings) = Document::parse(document)?;
    Compiled::new(&document)?;
    Ok((document, warnings))
}

/// `POST /policies/load`.
pub(crate) async fn load<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, .. } = call;
    let Sent { document, prefix, body, load } = sent(body);
    // What cannot be loaded is not put in the log.
    let (document, warnings) = app
        .blocking(move || {
            read(&document).map_err(|faults| Problem::policy_invalid(&faults, prefix))
        })
        .await?;
    let idempotency = key.map(|key| idempotency::record(&principal, key, "/policies/load", &body));
    let command = Command::LoadPolicy(Box::new(load));
    let envelope = envelope_of(app, &principal, idempotency, command)?;
    let committed = app.backend.submit(envelope).await?;
    let done = match committed.outcome {
        Outcome::PolicyLoaded(loaded) => {
            app.shared.metrics.policy_loaded();
            Done { version: loaded.version, entry: loaded.recorded.entry_id, replayed: false }
        }
        Outcome::Replayed(id) => replayed(app, id)?,
        Outcome::Rejected(governance::Rejection::PolicyInvalid { faults }) => {
            return Err(Problem::policy_invalid(&faults, prefix));
        }
        Outcome::Rejected(why) => return Err(why.into()),
        other @ (Outcome::Founded(_)
        | Outcome::Decided(_)
        | Outcome::NodeRegistered(_)
        | Outcome::Ticked
        | Outcome::Recorded(_)
        | Outcome::Erased(_)
        | Outcome::Sealed(_)
        | Outcome::Cosigned(_)
        | Outcome::ScrubOpened(_)
        | Outcome::ContentReported(_)
        | Outcome::Noted) => {
            tracing::error!(?other, "a load had an outcome that is none of a load");
            return Err(Problem::internal());
        }
    };
    Ok(load_answer(&document, &warnings, &done, committed.index))
}

struct Done {
    version: u64,
    entry: EntryId,
    replayed: bool,
}

fn replayed<B: Backend>(app: &App<B>, id: EntryId) -> Result<Done, Problem> {
    let entry = view::entry(&app.backend.view()?, id)?.ok_or_else(Problem::internal)?;
    let data = parts(&entry)?.data;
    let version = data.as_ref().and_then(|data| data.get("policy_version")).and_then(Json::as_u64);
    let version = version.ok_or_else(Problem::internal)?;
    Ok(Done { version, entry: id, replayed: true })
}

fn load_answer(document: &Document, warnings: &[Warning], done: &Done, index: LogIndex) -> Answer {
    let mut answer = Answer::members([
        ("status", "success".into()),
        ("policy_version", done.version.into()),
        ("policy_hash", document.hash().to_string().into()),
        ("terms_loaded", document.terms_count().into()),
        ("relations_loaded", document.relations_count().into()),
        ("mode", document.mode().as_str().into()),
        ("previous_version", done.version.saturating_sub(1).into()),
        ("warnings", warnings_json(warnings)),
        ("ledger_entry_id", done.entry.0.into()),
    ])
    .at(index);
    answer.replayed = done.replayed;
    answer
}

/// `POST /policies/validate`.
pub(crate) async fn validate<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Sent { document, prefix, .. } = sent(call.body);
    let found = app.blocking(move || Ok(read(&document))).await?;
    let none = || Json::Array(Vec::new());
    Ok(match found {
        Ok((document, warnings)) => Answer::members([
            ("valid", true.into()),
            ("policy_hash", document.hash().to_string().into()),
            ("errors", none()),
            ("warnings", warnings_json(&warnings)),
        ]),
        Err(faults) => Answer::members([
            ("valid", false.into()),
            ("policy_hash", Json::Null),
            ("errors", faults_json(&faults, prefix)),
            ("warnings", none()),
        ]),
    })
}

fn faults_json(faults: &[policy::Fault], prefix: &str) -> Json {
    let faults = faults.iter();
    let faults = faults
        .map(|fault| finding(format!("{prefix}{}", fault.pointer), fault.code, &fault.detail));
    Json::Array(faults.collect())
}

fn warnings_json(warnings: &[Warning]) -> Json {
    let warnings = warnings.iter();
    let warnings =
        warnings.map(|warning| finding(warning.pointer.clone(), warning.code, &warning.detail));
    Json::Array(warnings.collect())
}

fn finding(pointer: String, code: &str, detail: &str) -> Json {
    Json::object([("pointer", pointer.into()), ("code", code.into()), ("detail", detail.into())])
}
