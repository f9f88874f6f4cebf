//! Pages of records: those that name a party, and those that wait for a review.

use governance::view::{self, ResponsibilityPage, ResponsibilityQuery};
use types::{EntryId, Json};

use super::{REPLY, shown_list};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Field, Kind};
use crate::problem::Problem;
use crate::reply::{Member, integer, list, text};
use crate::rest::ledger::ID_MAX;
use crate::rest::ledger::entries::LIMIT;

/// A page ends early, with `next`, once its texts are as large as this.
const PAGE_BYTES_MAX: usize = 16 << 20;
const LIMIT_DEFAULT: usize = 100;

/// Query of both lists.
pub(crate) const PAGE_QUERY: &[Field] = &[
    LIMIT,
    Field::optional(
        "after",
        Kind::Integer { min: 0, max: ID_MAX },
        "`next` of the page before: records past this ledger entry.",
    ),
];

const NEXT: Member =
    integer("next", "Give it as `after` for the next page; null at the end.").or_null();

/// Reply of `GET /responsibility/party/{party}`.
pub(crate) const PARTY_REPLY: &[Member] = &[
    text("responsible_party", "Who was asked for; `system` answers for every decision."),
    integer(
        "decision_count",
        "Records that name them, on all pages. One that was erased from between others is still \
         counted.",
    ),
    list("records", REPLY, "Oldest first."),
    NEXT,
];

/// Reply of `GET /responsibility/pending-reviews`.
pub(crate) const PENDING_REPLY: &[Member] = &[
    integer("pending_count", "Records that wait, counted up to 100,000."),
    list("records", REPLY, "Oldest first."),
    NEXT,
];

fn query(call: &Call) -> ResponsibilityQuery {
    ResponsibilityQuery {
        after: call.query.integer("after").map(EntryId),
        limit: call.query.integer("limit").unwrap_or(LIMIT_DEFAULT),
        bytes_max: PAGE_BYTES_MAX,
    }
}

/// The members that both lists have.
fn page(page: &ResponsibilityPage) -> [(&'static str, Json); 2] {
    let next = page.next.map(|next| next.0);
    [("records", shown_list(&page.records)), ("next", next.into())]
}

/// `GET /responsibility/party/{party}`.
pub(crate) async fn party<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let (read, query, party) = (app.backend.view()?, query(call), call.path.clone());
    let work = move || {
        let found = view::party(&read, &party, &query)?;
        let [records, next] = page(&found);
        let (party, count) = (party.into(), found.total.into());
        Ok(Answer::members([
            ("responsible_party", party),
            ("decision_count", count),
            records,
            next,
        ]))
    };
    app.blocking(work).await
}

/// `GET /responsibility/pending-reviews`.
pub(crate) async fn pending<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let (read, query) = (app.backend.view()?, query(call));
    let work = move || {
        let found = view::pending_reviews(&read, &query)?;
        let [records, next] = page(&found);
        Ok(Answer::members([("pending_count", found.total.into()), records, next]))
    };
    app.blocking(work).await
}
