//! Risk: assessing that of a decision, and looking assessments up.

use std::ops::RangeInclusive;

use governance::command::{AssessRisk, Command, RiskInput};
use governance::view::{self, Absent, Assessment, RiskPlace, RiskQuery};
use governance::{Read, risk, shown};
use types::{DecisionId, EntryId, Json, RiskId};

use super::decision::{PERCENT, RISK, dimensions};
use super::ledger::entries::LIMIT;
use super::recording::{self, record};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Alphabet, Field, Kind, Text};
use crate::idempotency;
use crate::problem::{Code, Fault, Problem};
use crate::reply::{Member, flag, integer, list, object, text, time};

const LIMIT_DEFAULT: usize = 100;
const ID: Kind = Kind::Text(Text::of(Alphabet::Name, 64));
const PATH: &str = "/risks/assess";

/// Body of `POST /risks/assess`.
pub(crate) const ASSESS: &[Field] = &[
    Field::required("decision_id", ID, "The decision."),
    Field::required("dimensions", Kind::Object(RISK), "Risk by dimension; none given scores 1."),
    Field::optional("likelihood", PERCENT, "How likely harm is; no part of the score."),
    Field::optional(
        "impact",
        Kind::Integer { min: 1, max: 5 },
        "How bad it would be; no part of the score.",
    ),
    Field::optional(
        "mitigations",
        Kind::Texts { items_max: 100, item: Text::any(2048) },
        "What is done against it.",
    )
    .default("[]"),
    Field::optional("supersedes", ID, "The latest assessment, whose place this one takes."),
    Field::optional("metadata", Kind::Metadata, "Whatever you want to keep with it."),
];

/// Query of `GET /risks`.
pub(crate) const LIST_QUERY: &[Field] = &[
    LIMIT,
    Field::optional("after", ID, "`next` of the page before."),
    Field::optional("min_score", PERCENT, "Of at least this score."),
    Field::optional("level", Kind::Word(&["low", "medium", "high", "critical"]), "Of this level."),
];

const RISK_ID: Member = text("risk_id", "The assessment.");
const DECISION_ID: Member = text("decision_id", "Whose risk it is.");
const NUMBER: Member = integer("version", "1 for the first of the decision.");
const SUPERSEDES: Member = text("supersedes", "The one whose place it took.").or_null();
const SCORE: Member = integer("overall_score", "1..100");
const LEVEL: Member = text("risk_level", "`low`, `medium`, `high` or `critical`.");
const BY_DIMENSION: Member = object("dimensions", DIMENSIONS, "As given, each 0..100.");
const FACTOR_LIST: Member = list("factors", FACTORS, "What the score is the weighted mean of.");
const ESCALATION_ID: Member = text("escalation_id", "The escalation that came of it.").or_null();
const TIMESTAMP: Member = time("timestamp", "Cluster time of the ledger entry.");
const ENTRY_ID: Member = integer("ledger_entry_id", "The ledger entry that has it.");

const DIMENSIONS: &[Member] = &[
    integer("security", "Weight 25.").or_null(),
    integer("privacy", "Weight 20.").or_null(),
    integer("compliance", "Weight 20.").or_null(),
    integer("operational", "Weight 15.").or_null(),
    integer("reputational", "Weight 10.").or_null(),
    integer("financial", "Weight 10.").or_null(),
];

const FACTORS: &[Member] = &[
    text("name", "`<dimension>_risk`."),
    integer("weight", "In percent."),
    integer("value", "As given."),
];

/// Reply of `POST /risks/assess` and `GET /risks/{risk_id}`.
pub(crate) const REPLY: &[Member] = &[
    RISK_ID,
    DECISION_ID,
    NUMBER,
    SUPERSEDES,
    SCORE,
    LEVEL,
    BY_DIMENSION,
    FACTOR_LIST,
    ESCALATION_ID,
    TIMESTAMP,
    ENTRY_ID,
];

/// One of `versions` and of `risk_versions`.
pub(crate) const VERSION: &[Member] = &[RISK_ID, NUMBER, SCORE, LEVEL, TIMESTAMP];

/// Reply of `GET /risks/decision/{decision_id}`.
pub(crate) const OF_DECISION_REPLY: &[Member] = &[
    RISK_ID,
    DECISION_ID,
    NUMBER,
    SUPERSEDES,
    SCORE,
    LEVEL,
    BY_DIMENSION,
    FACTOR_LIST,
    ESCALATION_ID,
    TIMESTAMP,
    ENTRY_ID,
    list("versions", REPLY, "Every version that is not erased, oldest first."),
];

/// Reply of `GET /risks`.
pub(crate) const LIST_REPLY: &[Member] = &[
    list("risks", REPLY, "Highest score first, and oldest first among equals."),
    integer("total", "Matches on all pages, counted up to 100,000."),
    flag("total_exact", "Whether `total` is all of them."),
    text("next", "Give it as `after` for the next page; null at the end.").or_null(),
];

/// `POST /risks/assess`.
pub(crate) async fn assess<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, .. } = call;
    let mut body = body.into_fields();
    let idempotency = key.map(|key| idempotency::record(&principal, key, PATH, body.members()));
    let decision = body.word("decision_id").and_then(|id| id.parse().ok());
    let supersedes = body.word("supersedes").map(str::parse::<RiskId>);
    let given = body.nested("dimensions");
    let assess = AssessRisk {
        decision: decision.ok_or_else(unknown_decision)?,
        dimensions: given.map_or_else(RiskInput::default, |given| dimensions(&given)),
        likelihood: body.integer("likelihood"),
        impact: body.integer("impact"),
        mitigations: body.texts("mitigations"),
        supersedes: supersedes.transpose().map_err(|_| not_latest())?,
        metadata: body.object("metadata"),
    };
    let command = Command::AssessRisk(Box::new(assess));
    let recording = record(app, &principal, idempotency, command).await?;
    let id = recording::id(&recording::data(app, recording.entry)?, "risk_id")?;
    let assessment = view::risk(&app.backend.view()?, id)?.map_err(absent)?;
    Ok(recording.answer(shown::risk(&assessment)))
}

fn unknown_decision() -> Problem {
    Problem::new(Code::UNKNOWN_DECISION, "no such decision is recorded")
}

fn not_latest() -> Problem {
    Problem::new(Code::NOT_LATEST, "`supersedes` is not the latest assessment of this decision")
}

fn absent(why: Absent) -> Problem {
    match why {
        Absent::Unknown => Problem::new(Code::UNKNOWN_RISK, "there is no such assessment"),
        Absent::Erased => {
            Problem::new(Code::ERASED, "the content of this assessment has been erased")
        }
    }
}

/// `GET /risks/{risk_id}`.
pub(crate) fn get<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let id: RiskId = call.path.parse().map_err(|_| absent(Absent::Unknown))?;
    let assessment = view::risk(&app.backend.view()?, id)?.map_err(absent)?;
    Ok(Answer::json(shown::risk(&assessment)))
}

/// `GET /risks/decision/{decision_id}`.
pub(crate) async fn of_decision<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let decision: DecisionId = call.path.parse().map_err(|_| unknown_decision())?;
    let read = app.backend.view()?;
    let work = move || {
        view::decision_entry(&read, decision)?.ok_or_else(unknown_decision)?;
        let latest = view::latest_risk(&read, decision)?;
        let (latest, _) = latest.ok_or_else(|| absent(Absent::Unknown))?;
        let mut reply = shown::risk(&view::risk(&read, latest)?.map_err(absent)?);
        let versions = whole(&read, decision)?;
        let versions = versions.iter().map(|version| Json::Object(shown::risk(version)));
        reply.insert("versions", Json::Array(versions.collect()));
        Ok(reply)
    };
    app.blocking(work).await.map(Answer::json)
}

/// Assessments of a decision that are not erased, oldest first.
fn whole(read: &impl Read, decision: DecisionId) -> Result<Vec<Assessment>, Problem> {
    let mut found = Vec::new();
    for id in view::risk_ids(read, decision)? {
        found.extend(view::risk(read, id)?.ok());
    }
    Ok(found)
}

/// `GET /risks`.
pub(crate) async fn list_risks<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let after = call.query.word("after").map(|text| place(text).ok_or_else(bad_place));
    let query = RiskQuery {
        scores: scores(call.query.word("level"), call.query.integer("min_score")),
        after: after.transpose()?,
        limit: call.query.integer("limit").unwrap_or(LIMIT_DEFAULT),
    };
    let read = app.backend.view()?;
    let work = move || {
        let page = view::risks(&read, &query)?;
        let risks = page.risks.iter().map(|risk| Json::Object(shown::risk(risk))).collect();
        let next = page.next.map(|next| format!("{}-{}", next.score, next.entry));
        Ok(Answer::members([
            ("risks", Json::Array(risks)),
            ("total", page.total.into()),
            ("total_exact", page.total_exact.into()),
            ("next", next.into()),
        ]))
    };
    app.blocking(work).await
}

/// Scores that have a level and are not below a least one; 0, which none is, where
/// there are none.
fn scores(level: Option<&str>, least: Option<u8>) -> RangeInclusive<u8> {
    let of_level = |score: &u8| level.is_none_or(|level| risk::level((*score).into()) == level);
    let mut matching = (least.unwrap_or(1).max(1)..=100).filter(of_level);
    match (matching.next(), matching.next_back()) {
        (Some(from), Some(to)) => from..=to,
        (Some(only), None) => only..=only,
        (None, _) => 0..=0,
    }
}

/// `<score>-<entry>`.
fn place(text: &str) -> Option<RiskPlace> {
    let (score, entry) = text.split_once('-')?;
    Some(RiskPlace { score: score.parse().ok()?, entry: EntryId(entry.parse().ok()?) })
}

fn bad_place() -> Problem {
    Problem::fault(Fault::parameter("after", "bad_format", "is no `next` of a page"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_a_range_of_scores() {
        assert_eq!(scores(None, None), 1..=100);
        assert_eq!(scores(Some("low"), None), 1..=29);
        assert_eq!(scores(Some("high"), Some(70)), 70..=79);
        assert_eq!(scores(Some("critical"), Some(100)), 100..=100);
        assert_eq!(scores(Some("low"), Some(30)), 0..=0);
    }

    #[test]
    fn a_cursor_is_a_score_and_an_entry() {
        assert_eq!(place("72-118"), Some(RiskPlace { score: 72, entry: EntryId(118) }));
        for other in ["", "72", "-1", "72-", "256-1", "72-x", "72-1-1"] {
            assert_eq!(place(other), None, "{other}");
        }
    }
}
