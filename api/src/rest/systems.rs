//! The AI systems of the organisation: registering them, changing what is said
//! of them, and looking them up.

use governance::command::{
    Command, RegisterSystem, SystemDetails, SystemRole, SystemRoute, UpdateSystem,
};
use governance::system::{PATTERNS_MAX, SystemStatus};
use governance::view::{self, AsOf, System, SystemQuery};
use governance::{Corruption, Direction, Read};
use types::{EntryId, Json, Object, SystemId, Timestamp};

use super::as_of::{self, AS_OF};
use super::ledger::entries::LIMIT;
use super::recording::{Recording, record};
use super::token::now;
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Alphabet, Checked, Field, Kind, Text};
use crate::idempotency;
use crate::problem::{Code, Fault, Problem};
use crate::reply::{Member, Value, and, flag, free, integer, list, text, texts, time};
use crate::routes::Op;

const PATH: &str = "/systems";
const LIMIT_DEFAULT: usize = 100;

const NAME: Kind = Kind::Text(Text::of(Alphabet::Line, 255));
const PURPOSE: Kind = Kind::Text(Text::any(10_000));
const ROLES: Kind =
    Kind::Word(&["provider", "deployer", "importer", "distributor", "authorised_representative"]);
const ROUTES: Kind = Kind::Word(&["annex_i", "annex_iii", "transparency", "minimal", "prohibited"]);
const STATUSES: Kind = Kind::Word(&["planned", "in_use", "retired"]);
/// A pattern may have its `*` above what a name may have.
const PATTERNS: Kind = Kind::Texts { items_max: PATTERNS_MAX, item: Text::any(255) };

const OF_PATTERNS: Field = Field::optional(
    "actor_patterns",
    PATTERNS,
    "Whose decisions belong to it: actors, `prefix:*`, or `*`, as a policy names them.",
);
const PLACED: Field =
    Field::optional("placed_on_market", Kind::Time, "When it was placed on the market.");
const IN_SERVICE: Field =
    Field::optional("put_into_service", Kind::Time, "When it was put into service.");
const RETIRED: Field = Field::optional("retired", Kind::Time, "When that ended.");
const ANNEX_VIII: Field = Field::optional(
    "annex_viii",
    Kind::Free,
    "What Annex VIII wants to be registered; contact details in its member `contact`.",
);
const METADATA: Field =
    Field::optional("metadata", Kind::Metadata, "Whatever you want to keep with it.");

/// Body of `POST /systems`.
pub(crate) const REGISTER: &[Field] = &[
    Field::required("name", NAME, "What it is called; no other system is."),
    Field::required("intended_purpose", PURPOSE, "What it is for."),
    Field::required("role", ROLES, "As what the organisation has to do with it."),
    Field::required("risk_route", ROUTES, "By which route duties bind it."),
    OF_PATTERNS,
    PLACED,
    IN_SERVICE,
    RETIRED,
    ANNEX_VIII,
    METADATA,
];

/// Body of `PATCH /systems/{id}`.
pub(crate) const UPDATE: &[Field] = &[
    Field::optional("name", NAME, "What it is called."),
    Field::optional("intended_purpose", PURPOSE, "What it is for."),
    Field::optional("role", ROLES, "As what the organisation has to do with it."),
    Field::optional("risk_route", ROUTES, "By which route duties bind it."),
    OF_PATTERNS,
    PLACED,
    IN_SERVICE,
    RETIRED,
    ANNEX_VIII,
    METADATA,
];

/// The order of a list.
pub(super) const ORDER: Field =
    Field::optional("order", Kind::Word(&["asc", "desc"]), "Oldest or newest first.")
        .default("\"asc\"");

pub(super) fn direction(query: &Checked) -> Direction {
    match query.word("order") {
        Some("desc") => Direction::Descending,
        Some(_) | None => Direction::Ascending,
    }
}

/// Query of `GET /systems`.
pub(crate) const LIST_QUERY: &[Field] = &[
    LIMIT,
    Field::optional(
        "after",
        Kind::Text(Text::of(Alphabet::Name, 64)),
        "`next` of the page before: systems past this one.",
    ),
    Field::optional("status", STATUSES, "Systems that stand so."),
    ORDER,
    AS_OF,
];

/// Query of `GET /systems/{id}`.
pub(crate) const QUERY: &[Field] = &[AS_OF];

/// A system.
pub(crate) const REPLY: &[Member] = &[
    text("system_id", "The system."),
    text("name", "What it is called."),
    text("intended_purpose", "What it is for."),
    text("role", "As what the organisation has to do with it."),
    text("risk_route", "By which route duties bind it, as the organisation says."),
    texts("actor_patterns", "Whose decisions belong to it."),
    time("placed_on_market", "When it was placed on the market.").or_null(),
    time("put_into_service", "When it was put into service.").or_null(),
    time("retired", "When that ended.").or_null(),
    free("annex_viii", "What Annex VIII wants; without `contact` once that is erased.").or_null(),
    free("metadata", "What was given with it.").or_null(),
    text("status", "`planned`, `in_use` or `retired`, from its dates."),
    integer("version", "1 as it was registered."),
    time("created_at", "Cluster time of its registration."),
    time("updated_at", "Cluster time of the last change."),
    integer("ledger_entry_id", "The entry that says so."),
];

const AS_OF_INDEX: Member = integer("as_of_index", "The last entry counted.");

/// Reply of `GET /systems/{id}`.
pub(crate) const GET_REPLY: &[Member] = &and::<{ REPLY.len() + 1 }>(REPLY, AS_OF_INDEX);

/// Reply of `GET /systems`.
pub(crate) const LIST_REPLY: &[Member] = &[
    list("systems", REPLY, "In the order asked for."),
    integer("total", "On all pages."),
    flag("total_exact", "Whether `total` is all of them."),
    Member::new("next", Value::Text, "Give it as `after` for the next page; null at the end.")
        .or_null(),
    AS_OF_INDEX,
];

/// Answers a call about systems.
pub(crate) async fn answer<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    match call.route.op {
        Op::SystemRegister => register(app, call).await,
        Op::SystemUpdate => update(app, call).await,
        Op::Systems => list_systems(app, &call).await,
        Op::System => get(app, &call),
        other => {
            tracing::error!(?other, "an operation that is none of systems came here");
            Err(Problem::internal())
        }
    }
}

pub(crate) fn unknown() -> Problem {
    Problem::new(Code::UNKNOWN_SYSTEM, "no such system is registered")
}

/// `POST /systems`.
async fn register<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, .. } = call;
    let mut body = body.into_fields();
    let idempotency = key.map(|key| idempotency::record(&principal, key, PATH, body.members()));
    let role = body.word("role").and_then(SystemRole::parse);
    let route = body.word("risk_route").and_then(SystemRoute::parse);
    let (annex_viii, contact) = annex_viii(&mut body);
    let details = SystemDetails {
        role: role.ok_or_else(Problem::internal)?,
        risk_route: route.ok_or_else(Problem::internal)?,
        placed_on_market: body.time("placed_on_market"),
        put_into_service: body.time("put_into_service"),
        retired: body.time("retired"),
        actor_patterns: patterns(&mut body)?.unwrap_or_default(),
        name: body.text("name").unwrap_or_default(),
        intended_purpose: body.text("intended_purpose").unwrap_or_default(),
        annex_viii,
        metadata: body.object("metadata"),
    };
    let command = Command::RegisterSystem(Box::new(RegisterSystem { details, contact }));
    recorded(app, record(app, &principal, idempotency, command).await?)
}

/// `PATCH /systems/{id}`.
async fn update<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { path, body, key, principal, .. } = call;
    let system: SystemId = path.parse().map_err(|_| unknown())?;
    let mut body = body.into_fields();
    if body.members().is_empty() {
        let detail = "names nothing that is to change";
        return Err(Problem::fault(Fault::at("", "missing", detail)));
    }
    let path = format!("{PATH}/{system}");
    let idempotency = key.map(|key| idempotency::record(&principal, key, &path, body.members()));
    let (annex_viii, contact) = annex_viii(&mut body);
    let update = UpdateSystem {
        system,
        role: body.word("role").and_then(SystemRole::parse),
        risk_route: body.word("risk_route").and_then(SystemRoute::parse),
        placed_on_market: body.time("placed_on_market"),
        put_into_service: body.time("put_into_service"),
        retired: body.time("retired"),
        actor_patterns: patterns(&mut body)?,
        name: body.text("name"),
        intended_purpose: body.text("intended_purpose"),
        annex_viii,
        contact,
        metadata: body.object("metadata"),
    };
    let command = Command::UpdateSystem(Box::new(update));
    recorded(app, record(app, &principal, idempotency, command).await?)
}

/// The contact is kept apart from the rest: it may name people.
fn annex_viii(body: &mut Checked) -> (Option<Object>, Option<Json>) {
    match body.object("annex_viii") {
        Some(mut annex_viii) => {
            let contact = annex_viii.remove("contact");
            (Some(annex_viii), contact)
        }
        None => (None, None),
    }
}

/// A pattern that could match nothing is a fault: its decisions would be believed
/// to be counted.
fn patterns(body: &mut Checked) -> Result<Option<Vec<String>>, Problem> {
    if body.members().get("actor_patterns").is_none() {
        return Ok(None);
    }
    let patterns = body.texts("actor_patterns");
    let is_wrong = |(_, text): &(usize, &String)| !policy::is_actor_pattern(text);
    let fault = |(at, _): (usize, &String)| {
        let detail = "must be the id of an actor, `*`, or a name that ends in `:*`";
        Fault::at(format!("/actor_patterns/{at}"), "bad_format", detail)
    };
    let faults: Vec<Fault> = patterns.iter().enumerate().filter(is_wrong).map(fault).collect();
    if faults.is_empty() { Ok(Some(patterns)) } else { Err(Problem::faults(faults)) }
}

/// The system as the entry that was recorded says it is.
fn recorded<B: Backend>(app: &App<B>, recording: Recording) -> Result<Answer, Problem> {
    let missing = || Corruption::new("header", "an entry that was recorded is missing");
    let read = app.backend.view()?;
    let entry = view::entry(&read, recording.entry)?.ok_or_else(missing)?;
    let erased = || Problem::new(Code::ERASED, "what this request recorded has been erased");
    let system = view::system_told(&entry)?.filter(|_| !entry.is_erased()).ok_or_else(erased)?;
    Ok(recording.answer(shown(&system, entry.header.timestamp)))
}

/// `GET /systems/{id}`.
fn get<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let id: SystemId = call.path.parse().map_err(|_| unknown())?;
    let read = app.backend.view()?;
    let moment = moment(app, &read, call)?;
    let system = match moment.as_of {
        Some(entry) => view::system_as_of(&read, id, entry)?,
        None => view::system(&read, id)?,
    };
    let system = system.ok_or_else(unknown)?;
    let mut reply = shown(&system, moment.now);
    reply.insert("as_of_index", moment.index.0);
    Ok(showing(Answer::json(reply), [&system]))
}

/// `GET /systems`.
async fn list_systems<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let after = call.query.word("after").map(|after| {
        let refused = || Fault::parameter("after", "bad_format", "is no `next` of a page");
        after.parse::<SystemId>().map_err(|_| Problem::fault(refused()))
    });
    let read = app.backend.view()?;
    let Moment { as_of, index, now } = moment(app, &read, call)?;
    let query = SystemQuery {
        status: call.query.word("status").and_then(SystemStatus::parse),
        after: after.transpose()?,
        direction: direction(&call.query),
        limit: call.query.integer("limit").unwrap_or(LIMIT_DEFAULT),
        now,
        as_of,
    };
    let work = move || {
        let page = view::systems(&read, &query)?;
        let systems = page.systems.iter().map(|system| Json::Object(shown(system, now)));
        let answer = Answer::members([
            ("systems", Json::Array(systems.collect())),
            ("total", page.total.into()),
            ("total_exact", true.into()),
            ("next", page.next.map(|next| next.to_string()).into()),
            ("as_of_index", index.0.into()),
        ]);
        Ok(showing(answer, &page.systems))
    };
    app.audit(work).await
}

/// When a call asks.
struct Moment {
    /// As of which entry, if it asks about the past.
    as_of: Option<EntryId>,
    /// The last entry counted.
    index: EntryId,
    now: Timestamp,
}

fn moment<B: Backend>(app: &App<B>, read: &impl Read, call: &Call) -> Result<Moment, Problem> {
    let asked = as_of::asked(call)?;
    let index = as_of::last(read, asked)?;
    match asked {
        AsOf::Head => Ok(Moment { as_of: None, index, now: now(app, read)? }),
        AsOf::Entry(_) | AsOf::Time(_) => {
            Ok(Moment { as_of: Some(index), index, now: as_of::time_of(read, index)? })
        }
    }
}

/// Notes of whose contacts an answer tells.
fn showing<'a>(mut answer: Answer, systems: impl IntoIterator<Item = &'a System>) -> Answer {
    for system in systems.into_iter().filter(|system| system.contact.is_some()) {
        let id = system.entry_id;
        let (least, greatest) = answer.personal.unwrap_or((id, id));
        answer.personal = Some((least.min(id), greatest.max(id)));
    }
    answer
}

/// A system as replies show it.
pub(crate) fn shown(system: &System, now: Timestamp) -> Object {
    let mut reply = system.details.to_json();
    if let Some(contact) = &system.contact {
        let mut annex_viii = system.details.annex_viii.clone().unwrap_or_default();
        annex_viii.insert("contact", contact.clone());
        reply.insert("annex_viii", annex_viii);
    }
    reply.insert("system_id", system.id.to_string());
    reply.insert("status", system.details.status(now).as_str());
    reply.insert("version", system.version);
    reply.insert("created_at", system.created_at.to_string());
    reply.insert("updated_at", system.updated_at.to_string());
    reply.insert("ledger_entry_id", system.entry_id.0);
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_taken_are_those_of_the_command() {
        let (Kind::Word(roles), Kind::Word(routes)) = (ROLES, ROUTES) else { panic!("no words") };
        assert_eq!(roles, SystemRole::ALL.map(SystemRole::as_str));
        assert_eq!(routes, SystemRoute::ALL.map(SystemRoute::as_str));
        let Kind::Word(statuses) = STATUSES else { panic!("no words") };
        assert_eq!(statuses, SystemStatus::ALL.map(SystemStatus::as_str));
    }
}
