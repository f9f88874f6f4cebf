//! Escalations: raising one, saying that one looks, answering, looking up.

mod lists;

use governance::command::{AcknowledgeEscalation, Command, CreateEscalation, ResolveEscalation};
use governance::record::{Priority, Resolution, Trigger};
use governance::view::{self, Absent};
use governance::{Rejection, shown};
use types::EscalationId;

use super::ledger::entries::LIMIT;
use super::named::{self, HUMAN_ID};
use super::recording::{self, record};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Alphabet, Field, Kind, Text};
use crate::idempotency;
use crate::problem::{Code, Fault, Problem};
use crate::reply::{Member, flag, hash, integer, list, object, text, texts, time};
use crate::rest::token::now;

pub(crate) use lists::{escalations, violations};

const ID: Kind = Kind::Text(Text::of(Alphabet::Name, 64));
const PATH: &str = "/escalations";
const RECIPIENTS_MAX: usize = 50;
const TRIGGERS: &[&str] =
    &["risk_threshold", "policy_conflict", "explicit_rule", "actor_request", "anomaly_detected"];
const PRIORITIES: &[&str] = &["low", "medium", "high", "critical"];

/// Body of `POST /escalations/create`.
pub(crate) const CREATE: &[Field] = &[
    Field::required("decision_id", ID, "The decision."),
    Field::required("trigger", Kind::Word(TRIGGERS), "Why a human is asked."),
    Field::required(
        "escalated_to",
        Kind::Texts { items_max: RECIPIENTS_MAX, item: Text::of(Alphabet::Actor, 255) },
        "Who is asked: 1..50 ids `act_human_user:<name>`.",
    ),
    Field::optional("priority", Kind::Word(PRIORITIES), "How soon; by the trigger if absent."),
    Field::optional("context_summary", Kind::Text(Text::any(10_000)), "What it is about."),
    Field::optional("metadata", Kind::Metadata, "Whatever you want to keep with it."),
];

/// Body of `POST /escalations/{escalation_id}/acknowledge`.
pub(crate) const ACKNOWLEDGE: &[Field] = &[Field::optional(
    "acknowledged_by",
    HUMAN_ID,
    "Who looks: `act_human_user:<name>`. Required where nobody authenticates.",
)];

/// Body of `POST /escalations/{escalation_id}/resolve`.
pub(crate) const RESOLVE: &[Field] = &[
    Field::required(
        "outcome",
        Kind::Word(&["approved", "denied", "deferred"]),
        "The answer; `deferred` leaves the decision as it was.",
    ),
    Field::required("notes", Kind::Text(Text::any(10_000)), "Why."),
    Field::optional(
        "resolved_by",
        HUMAN_ID,
        "Who answers: `act_human_user:<name>`. Required where nobody authenticates.",
    ),
];

/// Query of `GET /escalations`.
pub(crate) const LIST_QUERY: &[Field] = &[
    LIMIT,
    Field::optional(
        "after",
        Kind::Integer { min: 0, max: super::ledger::ID_MAX },
        "`next` of the page before, in the order asked for.",
    ),
    Field::optional(
        "status",
        Kind::Word(&["pending", "acknowledged", "resolved", "expired"]),
        "That are so now.",
    ),
    Field::optional("priority", Kind::Word(PRIORITIES), "Of this priority."),
    Field::optional("decision_id", ID, "Of this decision."),
    Field::optional("order", Kind::Word(&["asc", "desc"]), "Oldest or newest first.")
        .default("\"asc\""),
];

/// Query of `GET /escalations/sla/violations`.
pub(crate) const VIOLATIONS_QUERY: &[Field] =
    &[LIMIT, Field::optional("after", ID, "`next` of the page before.")];

const RESOLUTION: &[Member] = &[
    text("outcome", "`approved`, `denied` or `deferred`."),
    text("resolved_by", "Who answered; null once that is erased.").or_null(),
    text("notes", "Why; null once that is erased.").or_null(),
];

/// An escalation.
pub(crate) const REPLY: &[Member] = &[
    text("escalation_id", "The escalation."),
    text("decision_id", "What it is about."),
    text("trigger", "Why a human is asked."),
    text("priority", "`low`, `medium`, `high` or `critical`."),
    text("status", "`pending`, `acknowledged`, `resolved` or `expired`, as of now."),
    texts("escalated_to", "Who is asked."),
    text("context_summary", "What it is about; null where nothing was said, or it is erased.")
        .or_null(),
    hash(
        "action_digest",
        "What an approval is bound to: SHA-256 of the RFC 8785 object `{action, actor, \
         context_hash, policy_hash, resource, tool}`; null once it is erased.",
    )
    .or_null(),
    time("created_at", "When it was raised."),
    time("sla_deadline", "When it expires unanswered."),
    time("acknowledged_at", "When somebody said that he looks.").or_null(),
    text("acknowledged_by", "Who; null once that is erased.").or_null(),
    time("resolved_at", "When it was answered.").or_null(),
    object("resolution", RESOLUTION, "The answer.").or_null(),
    flag("auto", "Whether it came by itself."),
    text("risk_id", "The assessment that brought it.").or_null(),
    crate::reply::free("metadata", "What was kept with it.").or_null(),
    integer(
        "ledger_entry_id",
        "The entry of the step that is answered, else the one that made it.",
    ),
];

/// Reply of `GET /escalations`.
pub(crate) const LIST_REPLY: &[Member] = &[
    list("escalations", REPLY, "In the order asked for."),
    integer("total", "Matches on all pages, counted up to 100,000."),
    flag("total_exact", "Whether `total` is all of them."),
    integer("next", "Give it as `after` for the next page; null at the end.").or_null(),
];

/// Reply of `GET /escalations/sla/violations`.
pub(crate) const VIOLATIONS_REPLY: &[Member] = &[
    integer("count", "How many there are on all pages, counted up to 100,000."),
    list("violations", REPLY, "Oldest deadline first."),
    text("next", "Give it as `after` for the next page; null at the end.").or_null(),
];

/// `POST /escalations/create`.
pub(crate) async fn create<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, .. } = call;
    let mut body = body.into_fields();
    let path = format!("{PATH}/create");
    let idempotency = key.map(|key| idempotency::record(&principal, key, &path, body.members()));
    let word = |name: &str| body.word(name).unwrap_or_default();
    let trigger = Trigger::ALL.into_iter().find(|it| it.as_str() == word("trigger"));
    let priority = Priority::ALL.into_iter().find(|it| it.as_str() == word("priority"));
    let create = CreateEscalation {
        decision: word("decision_id").parse().map_err(|_| Rejection::UnknownDecision)?,
        trigger: trigger.ok_or_else(Problem::internal)?,
        recipients: recipients(body.texts("escalated_to"))?,
        priority,
        summary: body.text("context_summary"),
        metadata: body.object("metadata"),
    };
    let command = Command::CreateEscalation(Box::new(create));
    let recording = record(app, &principal, idempotency, command).await?;
    answer(app, recording)
}

/// One human at least, and only humans.
fn recipients(recipients: Vec<String>) -> Result<Vec<String>, Problem> {
    let mut faults = Vec::new();
    if recipients.is_empty() {
        faults.push(Fault::at("/escalated_to", "out_of_range", "must have 1..50 items"));
    }
    for (at, recipient) in recipients.iter().enumerate() {
        if let Err(detail) = named::check(recipient) {
            faults.push(Fault::at(format!("/escalated_to/{at}"), "bad_format", detail));
        }
    }
    if faults.is_empty() { Ok(recipients) } else { Err(Problem::faults(faults)) }
}

/// `POST /escalations/{escalation_id}/acknowledge`.
pub(crate) async fn acknowledge<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, path, .. } = call;
    let body = body.into_fields();
    let escalation = parse(&path)?;
    let path = format!("{PATH}/{path}/acknowledge");
    let idempotency = key.map(|key| idempotency::record(&principal, key, &path, body.members()));
    let principal = named::required(app, principal, &body, "acknowledged_by")?;
    let command = Command::AcknowledgeEscalation(AcknowledgeEscalation { escalation });
    answer(app, record(app, &principal, idempotency, command).await?)
}

/// `POST /escalations/{escalation_id}/resolve`.
pub(crate) async fn resolve<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, path, .. } = call;
    let mut body = body.into_fields();
    let escalation = parse(&path)?;
    let path = format!("{PATH}/{path}/resolve");
    let idempotency = key.map(|key| idempotency::record(&principal, key, &path, body.members()));
    let principal = named::required(app, principal, &body, "resolved_by")?;
    let outcome = body.word("outcome").unwrap_or_default();
    let resolution = Resolution::ALL.into_iter().find(|it| it.as_str() == outcome);
    let resolution = resolution.ok_or_else(Problem::internal)?;
    let notes = body.text("notes").unwrap_or_default();
    let resolve = ResolveEscalation { escalation, resolution, notes };
    let command = Command::ResolveEscalation(Box::new(resolve));
    answer(app, record(app, &principal, idempotency, command).await?)
}

/// The escalation as it stands after what was recorded now or before.
fn answer<B: Backend>(app: &App<B>, recording: recording::Recording) -> Result<Answer, Problem> {
    let id = recording::id(&recording::data(app, recording.entry)?, "escalation_id")?;
    let read = app.backend.view()?;
    let now = now(app, &read)?;
    let it = view::escalation(&read, id, now)?.map_err(|why| absent(id, why))?;
    let it = it.as_of(recording.entry);
    let mut reply = shown::escalation(&it);
    reply.insert("ledger_entry_id", recording.entry.0);
    Ok(recording.answer(reply))
}

/// `GET /escalations/{escalation_id}`.
pub(crate) fn get<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let id = parse(&call.path)?;
    let read = app.backend.view()?;
    let it = view::escalation(&read, id, now(app, &read)?)?.map_err(|why| absent(id, why))?;
    Ok(Answer::json(shown::escalation(&it)))
}

fn parse(path: &str) -> Result<EscalationId, Problem> {
    path.parse().map_err(|_| Problem::new(Code::UNKNOWN_ESCALATION, "there is no such escalation"))
}

fn absent(id: EscalationId, why: Absent) -> Problem {
    match why {
        Absent::Unknown => Rejection::UnknownEscalation { id }.into(),
        Absent::Erased => {
            Problem::new(Code::ERASED, "the content of this escalation has been erased")
        }
    }
}
