//! Serious incidents, their clocks, and who was told: Article 73.

use governance::ai_incident::{DECISIONS_MAX, IncidentStatus};
use governance::command::{
    CloseIncident, Command, IncidentCategory, RecordIncident, ReportIncident,
};
use governance::view::{self, AiIncident, AiIncidentQuery, AsOf};
use types::{DecisionId, EntryId, IncidentId, Json, Object, Timestamp};

use super::as_of::{self, AS_OF};
use super::ledger::entries::LIMIT;
use super::recording::{self, Recording, record};
use super::systems::{self, ORDER};
use super::token::now;
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Alphabet, Field, Kind, Text};
use crate::idempotency;
use crate::problem::{Code, Fault, Problem};
use crate::reply::{Member, and, flag, integer, list, text, texts, time};
use crate::routes::Op;

const PATH: &str = "/compliance/eu-ai-act/article-73/incidents";
const LIMIT_DEFAULT: usize = 100;

const WORDS: &[&str] = &[
    "critical_infrastructure",
    "widespread_infringement",
    "death",
    "health_harm",
    "fundamental_rights",
    "property_or_environment",
];
const CATEGORIES: Kind = Kind::Word(WORDS);
const CLASSES: Kind = Kind::Words(WORDS);
const STATUSES: Kind = Kind::Word(&["open", "reported", "closed"]);
const DECISIONS: Kind =
    Kind::Texts { items_max: DECISIONS_MAX, item: Text::of(Alphabet::Name, 64) };

/// Body of `POST /compliance/eu-ai-act/article-73/incidents`.
pub(crate) const RECORD: &[Field] = &[
    Field::required("title", Kind::Text(Text::of(Alphabet::Line, 255)), "In a line."),
    Field::required("description", Kind::Text(Text::any(10_000)), "In full."),
    Field::required(
        "category",
        CATEGORIES,
        "What it is; where several fit, the others in `other_categories`.",
    ),
    Field::optional(
        "other_categories",
        CLASSES,
        "What else it is: the shortest clock of all that apply runs.",
    ),
    Field::required(
        "aware_at",
        Kind::Time,
        "When you came to know of it: the clock runs from the earliest awareness that is told.",
    ),
    Field::optional("provider_aware_at", Kind::Time, "When the provider came to know of it."),
    Field::optional("deployer_aware_at", Kind::Time, "When the deployer came to know of it."),
    Field::optional(
        "causal_link_at",
        Kind::Time,
        "When a causal link, or that it is likely, was established; no clock waits for it.",
    ),
    Field::optional("occurred_at", Kind::Time, "When it happened."),
    Field::optional(
        "system_id",
        Kind::Text(Text::of(Alphabet::Name, 64)),
        "The system, where it is registered.",
    ),
    Field::optional("decision_ids", DECISIONS, "Decisions that had to do with it."),
];

/// Body of `POST …/incidents/{incident_id}/reported`.
pub(crate) const REPORT: &[Field] = &[
    Field::required("authority", Kind::Text(Text::of(Alphabet::Line, 255)), "Who was told."),
    Field::required(
        "reference",
        Kind::Text(Text::of(Alphabet::Line, 255)),
        "What the authority calls the report.",
    ),
];

/// Body of `POST …/incidents/{incident_id}/close`.
pub(crate) const CLOSE: &[Field] =
    &[Field::required("notes", Kind::Text(Text::any(10_000)), "What came of it.")];

/// Query of `GET /compliance/eu-ai-act/article-73/incidents`.
pub(crate) const LIST_QUERY: &[Field] = &[
    LIMIT,
    Field::optional(
        "after",
        Kind::Text(Text::of(Alphabet::Name, 64)),
        "`next` of the page before: incidents past this one.",
    ),
    Field::optional("status", STATUSES, "Incidents that stand so."),
    ORDER,
    AS_OF,
];

/// Query of `GET …/incidents/{incident_id}`.
pub(crate) const QUERY: &[Field] = &[AS_OF];

/// An incident.
pub(crate) const REPLY: &[Member] = &[
    text("incident_id", "The incident."),
    text("category", "What it is."),
    texts("other_categories", "What else it is."),
    integer("clock_days", "Days from awareness within which it must be reported."),
    time("report_due_at", "When that time is over."),
    text("status", "`open`, `reported` or `closed`."),
    flag("overdue", "Whether that time is over, and it is open."),
    text("title", "In a line.").or_null(),
    text("description", "In full.").or_null(),
    time("aware_at", "When the organisation came to know of it.").or_null(),
    time("provider_aware_at", "When the provider did.").or_null(),
    time("deployer_aware_at", "When the deployer did.").or_null(),
    time("causal_link_at", "When a causal link, or its likelihood, was established.").or_null(),
    time("occurred_at", "When it happened.").or_null(),
    text("system_id", "The system, where it is registered.").or_null(),
    texts("decision_ids", "Decisions that had to do with it."),
    text(
        "hold_id",
        "The legal hold that keeps its entry and those of its decisions: Article 73(6).",
    )
    .or_null(),
    time("recorded_at", "Cluster time of its entry."),
    text("authority", "Who was told.").or_null(),
    text("reference", "What the authority calls the report.").or_null(),
    time("reported_at", "Cluster time of the entry that says so.").or_null(),
    text("notes", "What came of it.").or_null(),
    time("closed_at", "Cluster time of the entry that says so.").or_null(),
    integer("ledger_entry_id", "The last entry about it."),
];

const AS_OF_INDEX: Member = integer("as_of_index", "The last entry counted.");

/// Reply of `GET …/incidents/{incident_id}`.
pub(crate) const GET_REPLY: &[Member] = &and::<{ REPLY.len() + 1 }>(REPLY, AS_OF_INDEX);

/// Reply of `GET /compliance/eu-ai-act/article-73/incidents`.
pub(crate) const LIST_REPLY: &[Member] = &[
    list("incidents", REPLY, "In the order asked for."),
    integer("total", "On all pages, counted up to 100,000."),
    flag("total_exact", "Whether `total` is all of them."),
    text("next", "Give it as `after` for the next page; null at the end.").or_null(),
    AS_OF_INDEX,
];

/// Answers a call about incidents.
pub(crate) async fn answer<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    match call.route.op {
        Op::IncidentRecord => record_one(app, call).await,
        Op::IncidentReport => report(app, call).await,
        Op::IncidentClose => close(app, call).await,
        Op::Incidents => list_incidents(app, &call).await,
        Op::Incident => get(app, &call),
        other => {
            tracing::error!(?other, "an operation that is none of incidents came here");
            Err(Problem::internal())
        }
    }
}

fn unknown() -> Problem {
    Problem::new(Code::UNKNOWN_INCIDENT, "no such incident is recorded")
}

/// `POST /compliance/eu-ai-act/article-73/incidents`.
async fn record_one<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, .. } = call;
    let mut body = body.into_fields();
    let idempotency = key.map(|key| idempotency::record(&principal, key, PATH, body.members()));
    let category = body.word("category").and_then(IncidentCategory::parse);
    let unknown = |_| Problem::new(Code::UNKNOWN_DECISION, "no such decision is recorded");
    let decisions = body.texts("decision_ids");
    let decisions = decisions.iter().map(|id| id.parse::<DecisionId>().map_err(unknown));
    let system = body.word("system_id").map(|id| id.parse().map_err(|_| systems::unknown()));
    let others = body.texts("other_categories");
    let incident = RecordIncident {
        category: category.ok_or_else(Problem::internal)?,
        other_categories: others.iter().filter_map(|it| IncidentCategory::parse(it)).collect(),
        aware_at: body.time("aware_at").ok_or_else(Problem::internal)?,
        provider_aware_at: body.time("provider_aware_at"),
        deployer_aware_at: body.time("deployer_aware_at"),
        causal_link_at: body.time("causal_link_at"),
        occurred_at: body.time("occurred_at"),
        system: system.transpose()?,
        decisions: decisions.collect::<Result<_, _>>()?,
        title: body.text("title").unwrap_or_default(),
        description: body.text("description").unwrap_or_default(),
    };
    let command = Command::RecordIncident(Box::new(incident));
    recorded(app, record(app, &principal, idempotency, command).await?)
}

/// `POST …/incidents/{incident_id}/reported`.
async fn report<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { path, body, key, principal, .. } = call;
    let incident: IncidentId = path.parse().map_err(|_| unknown())?;
    let mut body = body.into_fields();
    let path = format!("{PATH}/{incident}/reported");
    let idempotency = key.map(|key| idempotency::record(&principal, key, &path, body.members()));
    let report = ReportIncident {
        incident,
        authority: body.text("authority").unwrap_or_default(),
        reference: body.text("reference").unwrap_or_default(),
    };
    let command = Command::ReportIncident(Box::new(report));
    recorded(app, record(app, &principal, idempotency, command).await?)
}

/// `POST …/incidents/{incident_id}/close`.
async fn close<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { path, body, key, principal, .. } = call;
    let incident: IncidentId = path.parse().map_err(|_| unknown())?;
    let mut body = body.into_fields();
    let path = format!("{PATH}/{incident}/close");
    let idempotency = key.map(|key| idempotency::record(&principal, key, &path, body.members()));
    let close = CloseIncident { incident, notes: body.text("notes").unwrap_or_default() };
    let command = Command::CloseIncident(Box::new(close));
    recorded(app, record(app, &principal, idempotency, command).await?)
}

/// The incident as it stood once the entry was recorded.
fn recorded<B: Backend>(app: &App<B>, recording: Recording) -> Result<Answer, Problem> {
    let data = recording::data(app, recording.entry)?;
    let id: IncidentId = recording::id(&data, "incident_id")?;
    let read = app.backend.view()?;
    let incident = view::ai_incident(&read, id, recording.entry)?.ok_or_else(unknown)?;
    let at = as_of::time_of(&read, recording.entry)?;
    Ok(recording.answer(shown(&incident, at)))
}

/// `GET …/incidents/{incident_id}`.
fn get<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let id: IncidentId = call.path.parse().map_err(|_| unknown())?;
    let read = app.backend.view()?;
    let asked = as_of::asked(call)?;
    let entry = as_of::last(&read, asked)?;
    let at = match asked {
        AsOf::Head => now(app, &read)?,
        AsOf::Entry(_) | AsOf::Time(_) => as_of::time_of(&read, entry)?,
    };
    let incident = view::ai_incident(&read, id, entry)?.ok_or_else(unknown)?;
    let mut reply = shown(&incident, at);
    reply.insert("as_of_index", entry.0);
    Ok(showing(Answer::json(reply), [&incident]))
}

/// `GET /compliance/eu-ai-act/article-73/incidents`.
async fn list_incidents<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let after = call.query.word("after").map(|after| {
        let refused = || Fault::parameter("after", "bad_format", "is no `next` of a page");
        after.parse::<IncidentId>().map_err(|_| Problem::fault(refused()))
    });
    let after = after.transpose()?;
    let status = call.query.word("status").and_then(IncidentStatus::parse);
    let limit = call.query.integer("limit").unwrap_or(LIMIT_DEFAULT);
    let direction = systems::direction(&call.query);
    let asked = as_of::asked(call)?;
    let read = app.backend.view()?;
    let now = now(app, &read)?;
    let work = move || {
        let as_of = as_of::last(&read, asked)?;
        let at = match asked {
            AsOf::Head => now,
            AsOf::Entry(_) | AsOf::Time(_) => as_of::time_of(&read, as_of)?,
        };
        let query = AiIncidentQuery { status, after, direction, limit, as_of };
        let page = view::ai_incidents(&read, &query)?;
        let rows = page.incidents.iter().map(|incident| Json::Object(shown(incident, at)));
        let answer = Answer::members([
            ("incidents", Json::Array(rows.collect())),
            ("total", page.total.into()),
            ("total_exact", page.total_exact.into()),
            ("next", page.next.map(|next| next.to_string()).into()),
            ("as_of_index", as_of.0.into()),
        ]);
        Ok(showing(answer, &page.incidents))
    };
    app.audit(work).await
}

/// Notes of which entries an answer tells personal parts.
fn showing<'a>(mut answer: Answer, of: impl IntoIterator<Item = &'a AiIncident>) -> Answer {
    for incident in of.into_iter().filter(|incident| tells_texts(incident)) {
        let (first, last): (EntryId, EntryId) = (incident.record.entry_id, incident.entry_id);
        let (least, greatest) = answer.personal.unwrap_or((first, last));
        answer.personal = Some((least.min(first), greatest.max(last)));
    }
    answer
}

/// Whether anything is left of the texts that may name people, in any entry.
fn tells_texts(incident: &AiIncident) -> bool {
    let is_there = |part: &Option<Object>| part.is_some();
    incident.title.is_some()
        || incident.description.is_some()
        || incident.report.as_ref().is_some_and(|told| is_there(&told.personal))
        || incident.closing.as_ref().is_some_and(|told| is_there(&told.personal))
}

fn shown(incident: &AiIncident, now: Timestamp) -> Object {
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let (report, closing) = (incident.report.as_ref(), incident.closing.as_ref());
    let mut reply = Object::new();
    reply.insert("incident_id", incident.id.to_string());
    reply.insert("category", incident.record.category.as_str());
    reply.insert("other_categories", incident.other_categories.clone());
    reply.insert("clock_days", incident.record.clock_days);
    reply.insert("report_due_at", incident.record.report_due_at.to_string());
    reply.insert("status", incident.status.as_str());
    reply.insert("overdue", incident.is_overdue(now));
    reply.insert("title", incident.title.clone());
    reply.insert("description", incident.description.clone());
    reply.insert("aware_at", time(incident.aware_at));
    reply.insert("provider_aware_at", time(incident.provider_aware_at));
    reply.insert("deployer_aware_at", time(incident.deployer_aware_at));
    reply.insert("causal_link_at", time(incident.causal_link_at));
    reply.insert("occurred_at", time(incident.occurred_at));
    reply.insert("system_id", incident.system_id.clone());
    reply.insert("decision_ids", incident.decision_ids.clone());
    reply.insert("hold_id", incident.hold_id.clone());
    reply.insert("recorded_at", incident.recorded_at.to_string());
    reply.insert("authority", report.and_then(|it| it.text("authority")));
    reply.insert("reference", report.and_then(|it| it.text("reference")));
    reply.insert("reported_at", time(report.map(|it| it.at)));
    reply.insert("notes", closing.and_then(|it| it.text("notes")));
    reply.insert("closed_at", time(closing.map(|it| it.at)));
    reply.insert("ledger_entry_id", incident.entry_id.0);
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_taken_are_those_of_the_command() {
        let (Kind::Word(categories), Kind::Word(statuses)) = (CATEGORIES, STATUSES) else {
            panic!("no words")
        };
        assert_eq!(categories, IncidentCategory::ALL.map(IncidentCategory::as_str));
        assert_eq!(statuses, IncidentStatus::ALL.map(IncidentStatus::as_str));
    }
}
