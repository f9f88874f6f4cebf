//! The technical documentation of Annex IV: what humans write in its sections.

use governance::annex_iv::{self, Section};
use governance::command::{Command, UpdateAnnexIv};
use governance::view::{self, AnnexIvSection};
use governance::{Corruption, Read};
use types::{EntryId, Json, Object, SystemId};

use super::as_of::{self, AS_OF};
use super::recording::{self, Recording, record};
use super::systems::unknown;
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Alphabet, Field, Kind, Text};
use crate::idempotency;
use crate::problem::{Code, Fault, Problem};
use crate::reply::{Member, flag, free, hash, integer, list, text, texts, time};
use crate::routes::Op;

/// Which system's file it is.
pub(crate) const SYSTEM_ID: Field = Field::optional(
    "system_id",
    Kind::Text(Text::of(Alphabet::Name, 64)),
    "The system; the only file of the organisation when absent.",
);

/// Query of `GET /compliance/eu-ai-act/annex-iv`.
pub(crate) const QUERY: &[Field] = &[SYSTEM_ID, AS_OF];

/// Query of `PUT /compliance/eu-ai-act/annex-iv/{section}`.
pub(crate) const UPDATE_QUERY: &[Field] = &[SYSTEM_ID];

/// Body of `PUT /compliance/eu-ai-act/annex-iv/{section}`.
pub(crate) const UPDATE: &[Field] = &[Field::required(
    "content",
    Kind::Free,
    "The section's points: members `a` to `h` in sections 1 and 2, `text` in the others.",
)];

const POINT: &[Member] = &[
    text("member", "Its name in `content`."),
    text("about", "What it is about."),
    flag("filled", "Whether anything is said of it."),
];

const SECTION: &[Member] = &[
    integer("number", "1 to 9."),
    text("title", "What it is about."),
    text("status", "`evidence_sufficient`, `partial` or `needs_human_evidence`."),
    texts("missing", "Points of which nothing is said."),
    list("points", POINT, "What the section must say."),
    free("content", "What humans say.").or_null(),
    hash("content_digest", "SHA-256 of its canonical form.").or_null(),
    text("updated_by", "Who said so.").or_null(),
    time("updated_at", "Cluster time of the entry that says so.").or_null(),
    integer("ledger_entry_id", "That entry.").or_null(),
];

/// Reply of `GET /compliance/eu-ai-act/annex-iv`.
pub(crate) const REPLY: &[Member] = &[
    text("system_id", "The system; null for the only file.").or_null(),
    list("sections", SECTION, "The nine sections, in order."),
    flag("complete", "Whether something is said of every point."),
    integer("as_of_index", "The last entry counted."),
];

/// Reply of `PUT /compliance/eu-ai-act/annex-iv/{section}`.
pub(crate) const UPDATE_REPLY: &[Member] = &[
    text("system_id", "The system; null for the only file.").or_null(),
    integer("number", "1 to 9."),
    text("title", "What it is about."),
    text("status", "`evidence_sufficient`, `partial` or `needs_human_evidence`."),
    texts("missing", "Points of which nothing is said."),
    list("points", POINT, "What the section must say."),
    free("content", "What humans say.").or_null(),
    hash("content_digest", "SHA-256 of its canonical form.").or_null(),
    text("updated_by", "Who said so.").or_null(),
    time("updated_at", "Cluster time of the entry that says so.").or_null(),
    integer("ledger_entry_id", "That entry.").or_null(),
];

/// Answers a call about the technical documentation.
pub(crate) async fn answer<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    match call.route.op {
        Op::AnnexIv => get(app, &call).await,
        Op::AnnexIvUpdate => update(app, call).await,
        other => {
            tracing::error!(?other, "an operation that is none of Annex IV came here");
            Err(Problem::internal())
        }
    }
}

/// The system that a call is about.
pub(crate) fn system_of(call: &Call) -> Result<Option<SystemId>, Problem> {
    call.query.word("system_id").map(|id| id.parse().map_err(|_| unknown())).transpose()
}

/// Refuses a system that there was not.
pub(crate) fn check_system(
    read: &impl Read,
    system: Option<SystemId>,
    as_of: EntryId,
) -> Result<(), Problem> {
    match system {
        Some(id) => view::system_as_of(read, id, as_of)?.map(drop).ok_or_else(unknown),
        None => Ok(()),
    }
}

/// `GET /compliance/eu-ai-act/annex-iv`.
async fn get<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let (system, asked) = (system_of(call)?, as_of::asked(call)?);
    let read = app.backend.view()?;
    let work = move || {
        let as_of = as_of::last(&read, asked)?;
        check_system(&read, system, as_of)?;
        let sections = view::annex_iv(&read, system, as_of)?;
        let complete = sections.iter().all(|section| section.missing().is_empty());
        let shown = sections.iter().map(|section| Json::Object(shown(section)));
        Ok(Answer::members([
            ("system_id", system.map(|id| id.to_string()).into()),
            ("sections", Json::Array(shown.collect())),
            ("complete", complete.into()),
            ("as_of_index", as_of.0.into()),
        ]))
    };
    app.blocking(work).await
}

/// `PUT /compliance/eu-ai-act/annex-iv/{section}`. The system is part of what a
/// key stands for: two files have the same sections.
async fn update<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let system = system_of(&call)?;
    let Call { path, body, key, principal, .. } = call;
    let unknown = || Problem::new(Code::NOT_FOUND, "Annex IV has the sections 1 to 9");
    let number = Some(path.as_str()).filter(|path| path.len() == 1);
    let number: u8 = number.and_then(|path| path.parse().ok()).ok_or_else(unknown)?;
    let section = annex_iv::section(number).ok_or_else(unknown)?;
    let mut body = body.into_fields();
    let of = system.map(|id| id.to_string()).unwrap_or_default();
    let path = format!("/compliance/eu-ai-act/annex-iv/{number}?system_id={of}");
    let idempotency = key.map(|key| idempotency::record(&principal, key, &path, body.members()));
    let content = body.object("content").unwrap_or_default();
    check(section, &content)?;
    let update = UpdateAnnexIv { system, section: number, content };
    let command = Command::UpdateAnnexIv(Box::new(update));
    recorded(app, record(app, &principal, idempotency, command).await?)
}

fn check(section: &Section, content: &Object) -> Result<(), Problem> {
    let points: Vec<&str> = section.points.iter().map(|point| point.member).collect();
    let fault = |name: &str| {
        let detail = format!("section {} has {}", section.number, points.join(", "));
        Fault::at(format!("/content/{}", escaped(name)), "unknown_field", detail)
    };
    let faults: Vec<Fault> = section.unknown(content).into_iter().map(fault).collect();
    if faults.is_empty() { Ok(()) } else { Err(Problem::faults(faults)) }
}

/// A name as a JSON pointer has it: RFC 6901, section 3.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The section as the entry that was recorded says it is.
fn recorded<B: Backend>(app: &App<B>, recording: Recording) -> Result<Answer, Problem> {
    let data = recording::data(app, recording.entry)?;
    let damaged = || Corruption::new("data", "an entry of Annex IV names no section");
    let number = data.get("section").and_then(Json::as_u64).ok_or_else(damaged)?;
    let system = data.get("system_id").and_then(Json::as_str);
    let system: Option<SystemId> = system.and_then(|id| id.parse().ok());
    let sections = view::annex_iv(&app.backend.view()?, system, recording.entry)?;
    let section = sections.iter().find(|it| u64::from(it.section.number) == number);
    let mut reply = shown(section.ok_or_else(damaged)?);
    reply.insert("system_id", system.map(|id| id.to_string()));
    Ok(recording.answer(reply))
}

fn shown(section: &AnnexIvSection) -> Object {
    let missing = section.missing();
    let written = section.written.as_ref();
    let points = section.section.points.iter().map(|point| {
        Json::object([
            ("member", point.member.into()),
            ("about", point.about.into()),
            ("filled", (!missing.contains(&point.member)).into()),
        ])
    });
    let mut reply = Object::new();
    reply.insert("number", u64::from(section.section.number));
    reply.insert("title", section.section.title);
    reply.insert("status", section.status());
    reply.insert("points", Json::Array(points.collect()));
    reply.insert("missing", missing);
    reply.insert("content", written.map(|it| Json::Object(it.content.clone())));
    reply.insert("content_digest", written.map(|it| it.digest.to_string()));
    reply.insert("updated_by", written.and_then(|it| it.by.clone()));
    reply.insert("updated_at", written.map(|it| it.at.to_string()));
    reply.insert("ledger_entry_id", written.map(|it| it.entry_id.0));
    reply
}
