//! Overrides: making one, reviewing one, looking them up.

mod describe;

use governance::command::{Command, ExecuteOverride, OverrideScope, ReviewOverride};
use governance::record::{OverrideKind, OverrideRecord, OverrideStatus, ReviewVerdict};
use governance::view::{self, Absent, Override, ReviewPlace};
use governance::{effective, shown};
use policy::Verdict;
use types::{ArtifactId, DecisionId, EntryId, Json, OverrideId, Timestamp};

use super::named;
use super::recording::{self, Recording, record};
use super::token::now;
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::Checked;
use crate::idempotency;
use crate::problem::{Code, Fault, Problem};

pub(crate) use describe::{
    ACTIVE_REPLY, EXECUTE, OF_DECISION_REPLY, PENDING_QUERY, PENDING_REPLY, REPLY, REVIEW,
};

const LIMIT_DEFAULT: usize = 100;
const PATH: &str = "/overrides/execute";

/// `POST /overrides/execute`.
pub(crate) async fn execute<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, .. } = call;
    let mut body = body.into_fields();
    let idempotency = key.map(|key| idempotency::record(&principal, key, PATH, body.members()));
    let principal = named::required(app, principal, &body, "authorized_by")?;
    let command = Command::ExecuteOverride(Box::new(asked(&mut body)?));
    let recording = record(app, &principal, idempotency, command).await?;
    answer(app, recording)
}

fn asked(body: &mut Checked) -> Result<ExecuteOverride, Problem> {
    let decision = body.word("decision_id").and_then(|id| id.parse().ok());
    let kind = body.word("override_type").and_then(OverrideKind::parse);
    let evidence = body.texts("evidence_ids").into_iter();
    let evidence = evidence.map(|id| id.parse::<ArtifactId>().map_err(|_| unknown_artifact(&id)));
    let scope = body.nested("scope").map_or_else(OverrideScope::default, |mut scope| {
        let is_one_time = scope.members().get("is_one_time").and_then(Json::as_bool);
        let (actor, policy) = (scope.text("applies_to_actor"), scope.text("applies_to_policy"));
        OverrideScope { is_one_time, actor, policy }
    });
    Ok(ExecuteOverride {
        decision: decision.ok_or_else(unknown_decision)?,
        kind: kind.ok_or_else(Problem::internal)?,
        justification: body.text("justification").unwrap_or_default(),
        original: body.word("original_outcome").and_then(Verdict::parse),
        is_conditional: body.word("new_outcome") == Some("conditional"),
        expires_at: body.time("expires_at"),
        scope,
        evidence: evidence.collect::<Result<_, _>>()?,
        metadata: body.object("metadata"),
    })
}

/// `POST /overrides/{override_id}/review`.
pub(crate) async fn review<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { path, body, key, principal, .. } = call;
    let id: OverrideId = path.parse().map_err(|_| absent(Absent::Unknown))?;
    let mut body = body.into_fields();
    let idempotency = key.map(|key| {
        idempotency::record(&principal, key, &format!("/overrides/{id}/review"), body.members())
    });
    let principal = named::required(app, principal, &body, "reviewed_by")?;
    let verdict = body.word("verdict").and_then(ReviewVerdict::parse);
    let review = ReviewOverride {
        id,
        verdict: verdict.ok_or_else(Problem::internal)?,
        notes: body.text("notes").unwrap_or_default(),
    };
    let command = Command::ReviewOverride(Box::new(review));
    let recording = record(app, &principal, idempotency, command).await?;
    answer(app, recording)
}

/// The override as a command left it: a repeated request gets the same reply,
/// whatever came after the first.
fn answer<B: Backend>(app: &App<B>, recording: Recording) -> Result<Answer, Problem> {
    let id = recording::id(&recording::data(app, recording.entry)?, "override_id")?;
    let read = app.backend.view()?;
    let entry = view::entry(&read, recording.entry)?.ok_or_else(Problem::internal)?;
    let found = view::override_of(&read, id)?.map_err(absent)?;
    let found = as_of(found, recording.entry);
    Ok(recording.answer(shown::override_of(&found, entry.header.timestamp)))
}

/// Without what later entries say of it.
fn as_of(found: Override, entry: EntryId) -> Override {
    let then = |later: Option<EntryId>| later.filter(|later| *later <= entry);
    let record = OverrideRecord {
        review: found.record.review.filter(|(_, reviewed)| *reviewed <= entry),
        lapsed: then(found.record.lapsed),
        consumed: then(found.record.consumed),
        ..found.record
    };
    let review = found.review.filter(|review| review.entry_id <= entry);
    Override { record, review, ..found }
}

fn unknown_decision() -> Problem {
    Problem::new(Code::UNKNOWN_DECISION, "no such decision is recorded")
}

fn unknown_artifact(id: &str) -> Problem {
    Problem::new(Code::UNKNOWN_ARTIFACT, format!("no artifact `{id}` is recorded"))
}

fn absent(why: Absent) -> Problem {
    match why {
        Absent::Unknown => Problem::new(Code::UNKNOWN_OVERRIDE, "there is no such override"),
        Absent::Erased => {
            Problem::new(Code::ERASED, "the content of this override has been erased")
        }
    }
}

/// `GET /overrides/{override_id}`.
pub(crate) fn get<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let id: OverrideId = call.path.parse().map_err(|_| absent(Absent::Unknown))?;
    let read = app.backend.view()?;
    let found = view::override_of(&read, id)?.map_err(absent)?;
    Ok(Answer::json(shown::override_of(&found, now(app, &read)?)))
}

/// `GET /overrides/decision/{decision_id}`.
pub(crate) async fn of_decision<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let decision: DecisionId = call.path.parse().map_err(|_| unknown_decision())?;
    let read = app.backend.view()?;
    let now = now(app, &read)?;
    let work = move || {
        view::decision_entry(&read, decision)?.ok_or_else(unknown_decision)?;
        let found = view::overrides_of(&read, decision)?;
        let count = u64::try_from(found.len()).unwrap_or(u64::MAX);
        Ok(Answer::members([
            ("decision_id", decision.to_string().into()),
            ("count", count.into()),
            ("overrides", rows(&found, now)),
        ]))
    };
    app.blocking(work).await
}

/// `GET /overrides/decision/{decision_id}/active`.
pub(crate) fn active<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let decision: DecisionId = call.path.parse().map_err(|_| unknown_decision())?;
    let read = app.backend.view()?;
    let now = now(app, &read)?;
    view::decision_entry(&read, decision)?.ok_or_else(unknown_decision)?;
    let is_active = |record: &OverrideRecord| record.status(now) == OverrideStatus::Active;
    let active = effective::newest_override(&read, decision, is_active)?;
    let active = active.map(|(id, _)| view::override_of(&read, id)).transpose()?;
    let active = active.transpose().map_err(absent)?;
    Ok(Answer::members([
        ("decision_id", decision.to_string().into()),
        ("is_overridden", active.is_some().into()),
        ("override", active.map(|found| shown::override_of(&found, now)).into()),
    ]))
}

/// `GET /overrides/pending-reviews`.
pub(crate) async fn pending<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let after = call.query.word("after").map(|text| place(text).ok_or_else(bad_place));
    let after = after.transpose()?;
    let limit = call.query.integer("limit").unwrap_or(LIMIT_DEFAULT);
    let read = app.backend.view()?;
    let now = now(app, &read)?;
    let work = move || {
        let page = view::unreviewed_overrides(&read, after, limit)?;
        let next = page.next.map(|next| format!("{}-{}", next.at.0, next.entry));
        Ok(Answer::members([
            ("overrides", rows(&page.overrides, now)),
            ("total", page.total.into()),
            ("total_exact", page.total_exact.into()),
            ("next", next.into()),
        ]))
    };
    app.blocking(work).await
}

/// `<microseconds>-<entry>`.
fn place(text: &str) -> Option<ReviewPlace> {
    let (at, entry) = text.split_once('-')?;
    Some(ReviewPlace { at: Timestamp(at.parse().ok()?), entry: EntryId(entry.parse().ok()?) })
}

fn bad_place() -> Problem {
    Problem::fault(Fault::parameter("after", "bad_format", "is no `next` of a page"))
}

fn rows(found: &[Override], now: Timestamp) -> Json {
    Json::Array(found.iter().map(|found| Json::Object(shown::override_of(found, now))).collect())
}
