//! What the organisation says it is.

use governance::command::{Command, SetProfile};
use governance::profile::{
    FRAMEWORKS, JURISDICTIONS_MAX, NAME_CHARS_MAX, REASON_CHARS_MAX, RISK_ROUTES, ROLES,
};
use governance::view::{self, EntryQuery};
use governance::{Direction, Read};
use ledger::{EntryType, StoredEntry};
use register::register;
use types::{EntryId, Json, Object};

use super::framework::VERSION;
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Alphabet, Checked, Field, Kind, Text};
use crate::idempotency;
use crate::problem::{Fault, Problem};
use crate::reply::{Member, Value, integer, text, texts};
use crate::rest::as_of;
use crate::rest::decision::reply::parts;
use crate::rest::recording::{self, record};

pub(crate) const PATH: &str = "/compliance/profile";

const NAME: Text = Text::of(Alphabet::Line, NAME_CHARS_MAX);

/// Body of `PUT /compliance/profile`.
pub(crate) const SET: &[Field] = &[
    Field::required("organisation_name", Kind::Text(NAME), "What the organisation is called."),
    Field::required("roles", Kind::Words(&ROLES), "What it is to AI systems; at least one."),
    Field::required(
        "risk_routes",
        Kind::Words(&RISK_ROUTES),
        "How the law looks at the systems it has; at least one.",
    ),
    Field::optional(
        "jurisdictions",
        Kind::Texts { items_max: JURISDICTIONS_MAX, item: NAME },
        "Where it works.",
    ),
    Field::optional(
        "frameworks",
        Kind::Words(&FRAMEWORKS),
        "Frameworks it answers to; all of them when absent.",
    ),
    Field::required("reason", Kind::Text(Text::any(REASON_CHARS_MAX)), "Why it is said now."),
];

/// Reply of `GET` and `PUT /compliance/profile`.
pub(crate) const REPLY: &[Member] = &[
    text("organisation_name", "What the organisation is called; null until it is set.").or_null(),
    texts("roles", "What it is to AI systems."),
    texts("risk_routes", "How the law looks at the systems it has."),
    texts("jurisdictions", "Where it works."),
    texts("frameworks", "Frameworks it answers to; none is all of them."),
    text("reason", "Why it was said.").or_null(),
    integer("version", "How often it was said; 0 is never."),
    Member::new("updated_at", Value::Time, "When.").or_null(),
    text("updated_by", "By whom; null where nobody authenticates.").or_null(),
    VERSION,
    integer("ledger_entry_id", "The entry that says so; null until it is set.").or_null(),
    integer("as_of_index", "The last entry looked at."),
];

/// `GET /compliance/profile`.
pub(super) fn get<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let read = app.backend.view()?;
    let last = as_of::last(&read, as_of::asked(call)?)?;
    let entry = said_by(&read, last)?;
    Ok(Answer::json(shown(entry.as_ref(), last)?))
}

/// The last profile up to an entry.
fn said_by(read: &impl Read, last: EntryId) -> Result<Option<StoredEntry>, Problem> {
    let query = EntryQuery {
        after: None,
        before: Some(EntryId(last.0.saturating_add(1))),
        entry_type: Some(EntryType::ProfileUpdated),
        actor: None,
        from: None,
        to: None,
        direction: Direction::Descending,
        limit: 1,
    };
    Ok(view::entries(read, &query)?.entries.into_iter().next())
}

/// `PUT /compliance/profile`.
pub(super) async fn set<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, .. } = call;
    let mut body = body.into_fields();
    let idempotency = key.map(|key| idempotency::record(&principal, key, PATH, body.members()));
    let command = Command::SetProfile(Box::new(profile(&mut body)?));
    let recording = record(app, &principal, idempotency, command).await?;
    recording::data(app, recording.entry)?;
    let entry = view::entry(&app.backend.view()?, recording.entry)?;
    Ok(recording.answer(shown(entry.as_ref(), recording.entry)?))
}

fn profile(body: &mut Checked) -> Result<SetProfile, Problem> {
    let profile = SetProfile {
        organisation_name: body.text("organisation_name").unwrap_or_default(),
        roles: body.texts("roles"),
        risk_routes: body.texts("risk_routes"),
        jurisdictions: body.texts("jurisdictions"),
        frameworks: body.texts("frameworks"),
        reason: body.text("reason").unwrap_or_default(),
    };
    let lists = [("/roles", &profile.roles), ("/risk_routes", &profile.risk_routes)];
    let empty = lists.into_iter().filter(|(_, words)| words.is_empty());
    let faults: Vec<Fault> =
        empty.map(|(at, _)| Fault::at(at, "missing", "must name at least one")).collect();
    if faults.is_empty() { Ok(profile) } else { Err(Problem::faults(faults)) }
}

/// A profile by its entry; what is erased of it is gone.
fn shown(entry: Option<&StoredEntry>, last: EntryId) -> Result<Object, Problem> {
    let data = match entry {
        Some(entry) => parts(entry)?.data.unwrap_or_default(),
        None => Object::new(),
    };
    let of = |name: &str| data.get(name).cloned();
    let none = || Json::Array(Vec::new());
    let mut members = Object::new();
    for name in ["organisation_name", "reason"] {
        members.insert(name, of(name).unwrap_or(Json::Null));
    }
    for name in ["roles", "risk_routes", "jurisdictions", "frameworks"] {
        members.insert(name, of(name).unwrap_or_else(none));
    }
    members.insert("version", of("version").unwrap_or_else(|| 0_u64.into()));
    members.insert("updated_at", entry.map(|entry| entry.header.timestamp.to_string()));
    members.insert("updated_by", of("by").unwrap_or(Json::Null));
    members.insert("register_version", register().version());
    members.insert("ledger_entry_id", entry.map(|entry| entry.header.id.0));
    members.insert("as_of_index", last.0);
    Ok(members)
}
