//! Saying who answers for a decision, and judging what was said.

use governance::command::{Command, RecordResponsibility, ReviewResponsibility};
use governance::record::{DecisionMaker, ResponsibilityLevel, ReviewOutcome};
use governance::{shown, view};
use types::{EntryId, ResponsibilityId};

use super::{ID, LEVELS, LONG, MAKERS, NAME, unknown_decision, unknown_record};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Checked, Field, Kind};
use crate::idempotency;
use crate::problem::{Code, Fault, Problem};
use crate::rest::decision::PERCENT;
use crate::rest::named::{self, HUMAN_ID};
use crate::rest::recording;

const PATH: &str = "/responsibility/records";

/// Body of `POST /responsibility/records`.
pub(crate) const RECORD: &[Field] = &[
    Field::required("decision_id", ID, "The decision."),
    Field::required("decision_maker", Kind::Word(MAKERS), "As what they answer for it."),
    Field::required(
        "responsible_party",
        NAME,
        "Who: the id of an actor or a human, or another name.",
    ),
    Field::required("role", NAME, "In which role."),
    Field::required("reasoning", LONG, "Why."),
    Field::required("responsibility_level", Kind::Word(LEVELS), "How much of it is theirs."),
    Field::optional("confidence_percent", PERCENT, "How sure they were."),
    Field::optional(
        "delegated_from",
        NAME,
        "The party in whose place they are; required with `delegated`.",
    ),
    Field::optional("review_required", Kind::Bool, "Whether somebody else must look at it.")
        .default("false"),
];

/// Body of `POST /responsibility/{record_id}/review`.
pub(crate) const REVIEW: &[Field] = &[
    Field::required("outcome", Kind::Word(&["accepted", "rejected"]), "Whether it is so."),
    Field::required("notes", LONG, "And why."),
    Field::optional(
        "reviewed_by",
        HUMAN_ID,
        "`act_human_user:<name>`; required where nobody authenticates.",
    ),
];

/// `POST /responsibility/records`.
pub(crate) async fn record<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, .. } = call;
    let body = body.into_fields();
    let idempotency = key.map(|key| idempotency::record(&principal, key, PATH, body.members()));
    let command = Command::RecordResponsibility(Box::new(asked(body)?));
    let recording = recording::record(app, &principal, idempotency, command).await?;
    let mut record = found(app, recording.entry)?;
    // As it was answered the first time, whoever judged it since.
    record.review = None;
    Ok(recording.answer(shown::responsibility(&record)))
}

fn asked(mut body: Checked) -> Result<RecordResponsibility, Problem> {
    let decision = body.word("decision_id").and_then(|id| id.parse().ok());
    let maker = body.word("decision_maker").and_then(DecisionMaker::parse);
    let level = body.word("responsibility_level").and_then(ResponsibilityLevel::parse);
    let (maker, level) = maker.zip(level).ok_or_else(Problem::internal)?;
    let delegated_from = body.text("delegated_from");
    if maker == DecisionMaker::Delegated && delegated_from.is_none() {
        let detail = "is required where the decision was delegated";
        return Err(Problem::fault(Fault::at("/delegated_from", "missing", detail)));
    }
    Ok(RecordResponsibility {
        decision: decision.ok_or_else(unknown_decision)?,
        maker,
        party: body.text("responsible_party").unwrap_or_default(),
        role: body.text("role").unwrap_or_default(),
        reasoning: body.text("reasoning").unwrap_or_default(),
        level,
        confidence: body.integer("confidence_percent"),
        delegated_from,
        review_required: body.flag("review_required"),
    })
}

/// The record that an entry is about.
fn found<B: Backend>(app: &App<B>, entry: EntryId) -> Result<view::Responsibility, Problem> {
    let data = recording::data(app, entry)?;
    let id: ResponsibilityId = recording::id(&data, "responsibility_id")?;
    let gone = || Problem::new(Code::ERASED, "the content of this record has been erased");
    view::responsibility(&app.backend.view()?, id)?.ok_or_else(gone)
}

/// `POST /responsibility/{record_id}/review`.
pub(crate) async fn review<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { path, body, key, principal, .. } = call;
    let record: ResponsibilityId = path.parse().map_err(|_| unknown_record())?;
    let mut body = body.into_fields();
    let path = format!("/responsibility/{record}/review");
    let idempotency = key.map(|key| idempotency::record(&principal, key, &path, body.members()));
    let principal = named::required(app, principal, &body, "reviewed_by")?;
    let outcome = body.word("outcome").and_then(ReviewOutcome::parse);
    let review = ReviewResponsibility {
        record,
        outcome: outcome.ok_or_else(Problem::internal)?,
        notes: body.text("notes").unwrap_or_default(),
    };
    let command = Command::ReviewResponsibility(Box::new(review));
    let recording = recording::record(app, &principal, idempotency, command).await?;
    Ok(recording.answer(shown::responsibility(&found(app, recording.entry)?)))
}
