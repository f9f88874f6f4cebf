//! Recorded decisions, page by page.

use governance::view::{self, DecisionQuery};
use governance::{Corruption, Direction, shown};
use policy::Verdict;
use types::{EntryId, Json};

use super::ACTION;
use super::reply::parts;
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Checked, Field, Kind, Text};
use crate::problem::Problem;
use crate::rest::ledger::ID_MAX;
use crate::rest::ledger::entries::LIMIT;
use crate::rest::token::now;

/// A page ends early, with `next`, once its entries are as large as this.
const PAGE_BYTES_MAX: usize = 16 << 20;
const LIMIT_DEFAULT: usize = 100;

/// Query of `GET /decisions`.
pub(crate) const QUERY: &[Field] = &[
    LIMIT,
    Field::optional(
        "after",
        Kind::Integer { min: 0, max: ID_MAX },
        "`next` of the page before: decisions past this ledger entry in the order asked for.",
    ),
    Field::optional("actor", Kind::Text(Text::any(512)), "Decisions about this actor."),
    Field::optional("action", Kind::Text(ACTION), "Decisions on this action."),
    Field::optional(
        "outcome",
        Kind::Word(&["allowed", "denied", "escalated"]),
        "Decisions that came out so.",
    ),
    Field::optional("from", Kind::Time, "Not earlier than this."),
    Field::optional("to", Kind::Time, "Earlier than this."),
    Field::optional("order", Kind::Word(&["asc", "desc"]), "Oldest or newest first.")
        .default("\"asc\""),
];

/// `GET /decisions`.
pub(crate) async fn list_decisions<B: Backend>(
    app: &App<B>,
    call: Call,
) -> Result<Answer, Problem> {
    let read = app.backend.view()?;
    let now = now(app, &read)?;
    let query = query(call.query);
    let work = move || {
        let page = view::decisions(&read, &query)?;
        let mut rows = Vec::with_capacity(page.entries.len());
        for entry in &page.entries {
            let parts = parts(entry)?;
            let gone = || Corruption::new("data", format!("entry {} is listed", entry.header.id));
            let row = shown::decision(&read, entry, &parts, now.into())?.ok_or_else(gone)?;
            rows.push(Json::Object(row.members));
        }
        Ok(Answer::members([
            ("decisions", Json::Array(rows)),
            ("total", page.total.into()),
            ("total_exact", page.total_exact.into()),
            ("next", page.next.map(|next| next.0).into()),
        ])
        .showing(&page.entries))
    };
    app.blocking(work).await
}

fn query(mut query: Checked) -> DecisionQuery {
    let direction = match query.word("order") {
        Some("desc") => Direction::Descending,
        Some(_) | None => Direction::Ascending,
    };
    DecisionQuery {
        after: query.integer("after").map(EntryId),
        outcome: query.word("outcome").and_then(Verdict::parse),
        actor: query.text("actor"),
        action: query.text("action"),
        from: query.time("from"),
        to: query.time("to"),
        direction,
        limit: query.integer("limit").unwrap_or(LIMIT_DEFAULT),
        bytes_max: PAGE_BYTES_MAX,
    }
}
