//! Pages of escalations.

use governance::record::{EscalationStatus, Priority};
use governance::view::{self, EscalationQuery, ViolationPlace};
use governance::{Direction, shown};
use types::{EntryId, Json, Timestamp};

use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::problem::{Fault, Problem};
use crate::rest::token::now;

const LIMIT_DEFAULT: usize = 100;

/// `GET /escalations`.
pub(crate) async fn escalations<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let word = |name: &str| call.query.word(name).unwrap_or_default();
    let read = app.backend.view()?;
    let decision = match call.query.word("decision_id").map(str::parse) {
        Some(Ok(decision)) => Some(decision),
        // What is no id is the id of nothing.
        Some(Err(_)) => return Ok(none()),
        None => None,
    };
    let query = EscalationQuery {
        status: EscalationStatus::ALL.into_iter().find(|it| it.as_str() == word("status")),
        priority: Priority::ALL.into_iter().find(|it| it.as_str() == word("priority")),
        decision,
        after: call.query.integer("after").map(EntryId),
        direction: match word("order") {
            "desc" => Direction::Descending,
            _ => Direction::Ascending,
        },
        limit: call.query.integer("limit").unwrap_or(LIMIT_DEFAULT),
        now: now(app, &read)?,
    };
    let work = move || {
        let page = view::escalations(&read, &query)?;
        let rows = page.escalations.iter().map(|it| Json::Object(shown::escalation(it)));
        Ok(Answer::members([
            ("escalations", Json::Array(rows.collect())),
            ("total", page.total.into()),
            ("total_exact", page.total_exact.into()),
            ("next", page.next.map(|next| next.0).into()),
        ]))
    };
    app.blocking(work).await
}

fn none() -> Answer {
    Answer::members([
        ("escalations", Json::Array(Vec::new())),
        ("total", 0_u32.into()),
        ("total_exact", true.into()),
        ("next", Json::Null),
    ])
}

/// `GET /escalations/sla/violations`.
pub(crate) async fn violations<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let after = call.query.word("after").map(|text| place(text).ok_or_else(bad_place));
    let after = after.transpose()?;
    let limit = call.query.integer("limit").unwrap_or(LIMIT_DEFAULT);
    let read = app.backend.view()?;
    let now = now(app, &read)?;
    let work = move || {
        let page = view::violations(&read, after, limit, now)?;
        let rows = page.violations.iter().map(|it| Json::Object(shown::escalation(it)));
        let next = page.next.map(|next| format!("{}-{}", next.deadline.0, next.entry));
        Ok(Answer::members([
            ("count", page.count.into()),
            ("violations", Json::Array(rows.collect())),
            ("next", next.into()),
        ]))
    };
    app.blocking(work).await
}

/// `<deadline in microseconds>-<entry>`.
fn place(text: &str) -> Option<ViolationPlace> {
    let (deadline, entry) = text.split_once('-')?;
    let (deadline, entry) = (deadline.parse().ok()?, entry.parse().ok()?);
    Some(ViolationPlace { deadline: Timestamp(deadline), entry: EntryId(entry) })
}

fn bad_place() -> Problem {
    Problem::fault(Fault::parameter("after", "bad_format", "is no `next` of a page"))
}
