//! Policies: what is in force and what was. Putting another in force is
//! [`load`]'s part, asking what one says or would do that of [`explain`] and
//! [`impact`].

pub(crate) mod explain;
pub(crate) mod impact;
pub(crate) mod load;

use governance::record::PolicyRecord;
use governance::{shown, view};
use policy::{Compiled, Document, Warning};
use types::{Json, Object};

use super::ledger::{ID_MAX, entries::LIMIT, plain_number};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Field, Kind};
use crate::problem::{Code, Problem};
use crate::reply::{Member, flag, free, hash, integer, list, text, time};

/// Versions read at once: each may be megabytes.
const CHUNK: usize = 8;
const LIMIT_DEFAULT: usize = 100;

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
            rows.extend(
                chunk.iter().map(|record| Json::Object(shown::policy(record, active.version))),
            );
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

/// `GET /policies/{version}`.
pub(crate) fn get<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let unknown = || Problem::new(Code::UNKNOWN_POLICY, "there is no such version");
    let version = plain_number(&call.path).ok_or_else(unknown)?;
    let read = app.backend.view()?;
    let record = view::policy(&read, version)?.ok_or_else(unknown)?;
    Ok(Answer::json(shown::policy_with_document(record, view::active_policy(&read)?.version)))
}

/// `GET /policies/active`.
pub(crate) fn active<B: Backend>(app: &App<B>) -> Result<Answer, Problem> {
    let record = view::active_policy(&app.backend.view()?)?;
    let version = record.version;
    Ok(Answer::json(shown::policy_with_document(record, version)))
}

/// A document that could be put in force.
struct Candidate {
    document: Document,
    compiled: Compiled,
    warnings: Vec<Warning>,
}

/// Parses and compiles, as `apply` will. `prefix` is where the document stands
/// in the body.
fn candidate(document: &Json, prefix: &str) -> Result<Candidate, Problem> {
    read(document).map_err(|faults| Problem::policy_invalid(&faults, prefix))
}

fn read(document: &Json) -> Result<Candidate, Vec<policy::Fault>> {
    let (document, warnings) = Document::parse(document)?;
    let compiled = Compiled::new(&document)?;
    Ok(Candidate { document, compiled, warnings })
}
