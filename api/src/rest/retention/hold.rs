//! Legal holds: applying, listing and releasing them.

use governance::command::{ApplyHold, Command, EntryFilter, HoldScope, ReleaseHold};
use governance::retention::hold::{ENTRIES_MAX, record, scope_json};
use governance::view::{self, Hold, HoldQuery, TOTAL_MAX};
use ledger::EntryType;
use types::{EntryId, Json, Object};

use super::{AS_OF, asked, settled};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Alphabet, Checked, Field, Kind, Text};
use crate::idempotency;
use crate::problem::{Fault, Problem};
use crate::reply::{Member, flag, free, integer, list, text, time};
use crate::rest::decision::ACTOR;
use crate::rest::ledger::ID_MAX;
use crate::rest::named::{self, HUMAN_ID};
use crate::rest::recording;

pub(crate) const PATH: &str = "/compliance/eu-ai-act/article-12/legal-holds";

const REASON: Kind = Kind::Text(Text::any(10_000));
const ID: Kind = Kind::Text(Text::of(Alphabet::Name, 64));

/// What an entry must be to be held.
const FILTER: &[Field] = &[
    Field::optional("actor", Kind::Text(ACTOR), "About this actor, exactly."),
    Field::optional("entry_type", Kind::Text(Text::of(Alphabet::Name, 64)), "Of this type."),
    Field::optional("from", Kind::Time, "Not earlier than this."),
    Field::optional("to", Kind::Time, "Earlier than this."),
];

/// Body of `POST /compliance/eu-ai-act/article-12/legal-holds`.
pub(crate) const APPLY: &[Field] = &[
    Field::required("reason", REASON, "Why, for whoever reads the ledger."),
    Field::optional("hold_id", ID, "Its id; drawn when absent."),
    Field::optional(
        "entry_ids",
        Kind::Integers { items_max: ENTRIES_MAX, min: 0, max: ID_MAX },
        "These entries. One of `entry_ids`, `filter` and `all` says what is held.",
    ),
    Field::optional(
        "filter",
        Kind::Object(FILTER),
        "Entries that fit now, and those that come later and fit.",
    ),
    Field::optional("all", Kind::Bool, "Every entry, and every later one.").default("false"),
    Field::optional("requester", HUMAN_ID, "Who applies it, where nobody authenticates."),
];

const RECORDS_EXACT: Member = flag(
    "records_affected_exact",
    "Whether these are all. With an actor and a type the newest 1,000 entries about the actor are \
     counted; older ones that fit are held all the same.",
);

/// Reply of `POST /compliance/eu-ai-act/article-12/legal-holds`.
pub(crate) const REPLY: &[Member] = &[
    text("hold_id", "The hold, which is released by this id."),
    text("status", "`active`"),
    integer("records_affected", "Entries that fit when it was applied."),
    RECORDS_EXACT,
    time("applied_at", "Cluster time of the ledger entry."),
    integer("ledger_entry_id", "The ledger entry that has it."),
];

/// Query of `GET /compliance/eu-ai-act/article-12/legal-holds`.
pub(crate) const LIST: &[Field] = &[
    Field::optional("status", Kind::Word(&["active", "released"]), "Those that stand so."),
    Field::optional("limit", Kind::Integer { min: 1, max: 1000 }, "Most items of the page.")
        .default("100"),
    Field::optional(
        "after",
        Kind::Integer { min: 0, max: ID_MAX },
        "Holds applied by entries past this one.",
    ),
    AS_OF,
];

const ROW: &[Member] = &[
    text("hold_id", "The hold."),
    text("status", "`active` or `released`."),
    text("reason", "Why it was applied."),
    free("scope", "What it freezes: `kind`, and `entry_ids` or `filter`."),
    integer("records_affected", "Entries that fit when it was applied."),
    RECORDS_EXACT,
    text("applied_by", "Who applied it, where that is known.").or_null(),
    time("applied_at", "When."),
    integer("ledger_entry_id", "The ledger entry that has it."),
    text("released_by", "Who released it.").or_null(),
    time("released_at", "When.").or_null(),
    text("release_reason", "Why.").or_null(),
    integer("release_entry_id", "The ledger entry that says so.").or_null(),
];

/// Reply of `GET /compliance/eu-ai-act/article-12/legal-holds`.
pub(crate) const LIST_REPLY: &[Member] = &[
    list("holds", ROW, "The page, oldest first."),
    integer("count", "The same as `total`."),
    integer("total", "How many match on all pages, counted up to 100,000."),
    flag("total_exact", "Whether `total` is all of them."),
    integer("next", "Give it as `after` for the next page; null at the end.").or_null(),
    integer("as_of_index", "The last entry looked at."),
];

/// Query of `DELETE /compliance/eu-ai-act/article-12/legal-holds/{hold_id}`.
pub(crate) const RELEASE: &[Field] =
    &[Field::required("reason", REASON, "Why, for whoever reads the ledger.")];

/// Reply of `DELETE /compliance/eu-ai-act/article-12/legal-holds/{hold_id}`.
pub(crate) const RELEASE_REPLY: &[Member] = &[
    text("hold_id", "The hold."),
    text("status", "`released`"),
    time("released_at", "Cluster time of the ledger entry."),
    integer("ledger_entry_id", "The ledger entry that says so."),
];

/// `POST /compliance/eu-ai-act/article-12/legal-holds`.
pub(crate) async fn apply<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, .. } = call;
    let mut body = body.into_fields();
    let idempotency = key.map(|key| idempotency::record(&principal, key, PATH, body.members()));
    let principal = named::optional(app, principal, &body, "requester")?;
    let apply = ApplyHold {
        scope: scope(&mut body)?,
        hold: body.text("hold_id"),
        reason: body.text("reason").unwrap_or_default(),
    };
    let command = Command::ApplyHold(Box::new(apply));
    let recording = recording::record(app, &principal, idempotency, command).await?;
    let data = recording::data(app, recording.entry)?;
    let mut reply = Object::new();
    reply.insert("hold_id", told(&data, "hold_id"));
    reply.insert("status", "active");
    for name in ["records_affected", "records_affected_exact"] {
        reply.insert(name, told(&data, name));
    }
    reply.insert("applied_at", at(app, recording.entry)?);
    reply.insert("ledger_entry_id", recording.entry.0);
    Ok(recording.answer(reply))
}

fn told(data: &Object, name: &str) -> Json {
    data.get(name).cloned().unwrap_or_default()
}

/// The time of an entry.
fn at<B: Backend>(app: &App<B>, id: EntryId) -> Result<String, Problem> {
    let entry = view::entry(&app.backend.view()?, id)?.ok_or_else(Problem::internal)?;
    Ok(entry.header.timestamp.to_string())
}

/// What is to be held: said in one way, and in one alone.
fn scope(body: &mut Checked) -> Result<HoldScope, Problem> {
    let is_listed = body.members().get("entry_ids").is_some();
    let filter = body.nested("filter");
    let all = body.flag("all");
    match (is_listed, filter, all) {
        (true, None, false) => {
            let mut ids = body.integers("entry_ids");
            ids.sort_unstable();
            Ok(HoldScope::Entries(ids.into_iter().map(EntryId).collect()))
        }
        (false, Some(mut given), false) => filter_of(&mut given).map(HoldScope::Filter),
        (false, None, true) => Ok(HoldScope::All),
        (false, None, false) => {
            let detail = "one of `entry_ids`, `filter` and `all` must say what is held";
            Err(Problem::fault(Fault::at("", "missing", detail)))
        }
        (_, _, _) => {
            let detail = "only one of `entry_ids`, `filter` and `all` may say what is held";
            Err(Problem::fault(Fault::at("", "conflicting_values", detail)))
        }
    }
}

fn filter_of(given: &mut Checked) -> Result<EntryFilter, Problem> {
    if given.members().iter().next().is_none() {
        let detail = "must ask for something; `all` holds everything";
        return Err(Problem::fault(Fault::at("/filter", "missing", detail)));
    }
    let entry_type = match given.word("entry_type").map(str::to_ascii_lowercase) {
        None => None,
        Some(word) => Some(word.parse::<EntryType>().map_err(|error| {
            Problem::fault(Fault::at("/filter/entry_type", "not_one_of", error.to_string()))
        })?),
    };
    let (from, to) = (given.time("from"), given.time("to"));
    if from.zip(to).is_some_and(|(from, to)| to <= from) {
        let detail = "must be later than `from`";
        return Err(Problem::fault(Fault::at("/filter/to", "out_of_range", detail)));
    }
    Ok(EntryFilter { actor: given.text("actor"), entry_type, from, to })
}

/// `GET /compliance/eu-ai-act/article-12/legal-holds`.
pub(crate) async fn list_holds<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let query = HoldQuery {
        is_active: call.query.word("status").map(|status| status == "active"),
        after: call.query.integer("after").map(EntryId),
        as_of: settled(app, asked(call)?).await?,
        limit: call.query.integer("limit").unwrap_or(100),
    };
    let read = app.backend.view()?;
    let work = move || {
        let page = view::holds(&read, &query)?;
        let rows = page.holds.iter().map(|hold| Json::Object(row(hold)));
        Ok(Answer::members([
            ("holds", Json::Array(rows.collect())),
            ("count", page.count.min(TOTAL_MAX).into()),
            ("total", page.count.min(TOTAL_MAX).into()),
            ("total_exact", (page.count <= TOTAL_MAX).into()),
            ("next", page.next.map(|next| next.0).into()),
            ("as_of_index", query.as_of.0.into()),
        ]))
    };
    app.blocking(work).await
}

/// A hold as it is shown.
pub(super) fn row(hold: &Hold) -> Object {
    let released = hold.released.as_ref();
    let of_release = |name: &str| released.map_or(Json::Null, |(data, _)| told(data, name));
    let mut row = Object::new();
    row.insert("hold_id", hold.id.as_str());
    row.insert("status", if released.is_some() { "released" } else { "active" });
    row.insert("reason", told(&hold.applied, "reason"));
    row.insert("scope", scope_json(&hold.record.scope));
    for name in ["records_affected", "records_affected_exact"] {
        row.insert(name, told(&hold.applied, name));
    }
    row.insert("applied_by", told(&hold.applied, "by"));
    row.insert("applied_at", hold.applied_at.to_string());
    row.insert("ledger_entry_id", hold.record.entry_id.0);
    row.insert("released_by", of_release("by"));
    row.insert("released_at", released.map(|(_, at)| at.to_string()));
    row.insert("release_reason", of_release("reason"));
    row.insert("release_entry_id", hold.record.released.map(|entry| entry.0));
    row
}

/// `DELETE /compliance/eu-ai-act/article-12/legal-holds/{hold_id}`.
pub(crate) async fn release<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { path, mut query, key, principal, .. } = call;
    let hold = path;
    // A name that is no id has no hold, and must not come near a key.
    let is_there = record(&app.backend.view()?, &hold)?.is_some();
    if !is_there && key.is_none() {
        return Err(super::refused(governance::Rejection::UnknownHold { hold }));
    }
    let idempotency = key
        .map(|key| idempotency::record(&principal, key, &format!("{PATH}/{hold}"), &Object::new()));
    let reason = query.text("reason").unwrap_or_default();
    let command = Command::ReleaseHold(ReleaseHold { hold, reason });
    let recording = recording::record(app, &principal, idempotency, command).await?;
    let data = recording::data(app, recording.entry)?;
    let mut reply = Object::new();
    reply.insert("hold_id", told(&data, "hold_id"));
    reply.insert("status", "released");
    reply.insert("released_at", at(app, recording.entry)?);
    reply.insert("ledger_entry_id", recording.entry.0);
    Ok(recording.answer(reply))
}
