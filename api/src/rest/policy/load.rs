//! Putting a policy in force, and saying what is wrong with one that cannot be.
//!
//! A document is checked here before it is put in the log, and again in
//! `apply`. With the gate on it is also asked what it would newly allow: that
//! is measured here, since it reads much, and travels with the command.

use std::time::Instant;

use governance::command::{Command, ImpactFound, LoadGatedPolicy, LoadPolicy, RollbackPolicy};
use governance::{Impact, ImpactQuery, Outcome, Rejection, view};
use types::{EntryId, Json, LogIndex, Object};

use super::{Candidate, HASH, MODE, candidate, impact, read};
use crate::app::App;
use crate::backend::{Backend, Committed};
use crate::call::{Answer, Body, Call};
use crate::fields::{Field, Kind, Text};
use crate::idempotency;
use crate::problem::{Fault, Problem};
use crate::reply::{Member, flag, hash, integer, list, text};
use crate::rest::decision::envelope_of;
use crate::rest::decision::reply::parts;
use crate::rest::ledger::ID_MAX;

/// Decisions that a refusal of the gate names.
const EXAMPLES_MAX: usize = 20;

/// Body of `POST /policies/load`, unless it is the document itself.
pub(crate) const LOAD: &[Field] = &[
    Field::required("policy", Kind::Any, "The policy document."),
    Field::optional(
        "expected_active_version",
        Kind::Integer { min: 0, max: ID_MAX },
        "Refuse when another version is active by then.",
    ),
    Field::optional(
        "acknowledge_widening",
        Kind::Bool,
        "The caller has seen what the change newly allows.",
    )
    .default("false"),
    Field::optional("note", Kind::Text(Text::any(2048)), "Why."),
];

/// Body of `POST /policies/rollback`.
pub(crate) const ROLLBACK: &[Field] = &[
    Field::required(
        "version",
        Kind::Integer { min: 0, max: ID_MAX },
        "The version whose document is put in force again.",
    ),
    Field::required("reason", Kind::Text(Text::any(2048)), "Why."),
];

const FINDING: &[Member] = &[
    text("pointer", "JSON pointer into the document."),
    text("code", "What kind of finding."),
    text("detail", "The same in words."),
];

/// Reply of `POST /policies/load`.
pub(crate) const LOAD_REPLY: &[Member] = &[
    text("status", "`success`"),
    integer("policy_version", "The new version."),
    HASH,
    integer("terms_loaded", "Number of terms."),
    integer("relations_loaded", "Number of relations."),
    MODE,
    integer("previous_version", "The version it replaces."),
    list("warnings", FINDING, "What is allowed and probably not meant."),
    integer("ledger_entry_id", "The entry of the load."),
];

/// Reply of `POST /policies/validate`.
pub(crate) const VALIDATE_REPLY: &[Member] = &[
    flag("valid", "Whether it could be loaded."),
    hash("policy_hash", "Null when it is not valid.").or_null(),
    list("errors", FINDING, "Everything wrong with it."),
    list("warnings", FINDING, "What is allowed and probably not meant."),
];

/// A document that was sent, and where in the body it stood.
struct Sent {
    document: Json,
    prefix: &'static str,
    body: Object,
    load: LoadPolicy,
}

fn sent(body: Body) -> Sent {
    match body {
        Body::Raw(document) => {
            let body = document.as_object().cloned().unwrap_or_default();
            let load = LoadPolicy {
                document: document.clone(),
                expected_active_version: None,
                acknowledge_widening: false,
                note: None,
            };
            Sent { document, prefix: "", body, load }
        }
        body @ (Body::Fields(_) | Body::None) => {
            let mut fields = body.into_fields();
            let body = fields.members().clone();
            let document = Json::Object(fields.object("policy").unwrap_or_default());
            let load = LoadPolicy {
                document: document.clone(),
                expected_active_version: fields.integer("expected_active_version"),
                acknowledge_widening: fields.flag("acknowledge_widening"),
                note: fields.text("note"),
            };
            Sent { document, prefix: "/policy", body, load }
        }
    }
}

/// `POST /policies/load`.
pub(crate) async fn load<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, .. } = call;
    let Sent { document, prefix, body, load } = sent(body);
    // What cannot be loaded is not put in the log.
    let work = move || {
        let checked = candidate(&document, prefix)?;
        let warnings = warnings_json(&checked, prefix);
        Ok((checked, warnings))
    };
    let (checked, warnings) = app.study(work).await?;
    let summary = Summary::of(&checked);
    let gate = match measure(app, checked).await {
        // Who knows what it allows need not be told, where nobody can tell.
        Err(_) if load.acknowledge_widening => None,
        measured => measured?,
    };
    let widens = gate.as_ref().is_some_and(|gate| 0 < gate.impact.denied_to_allowed.count);
    // A request that was recorded before is repeated whatever it would do now,
    // which only `apply` can tell.
    if let Some(gate) = gate.as_ref().filter(|_| widens && key.is_none())
        && !load.acknowledge_widening
    {
        return Err(gate.refusal(prefix));
    }
    let idempotency = key.map(|key| idempotency::record(&principal, key, "/policies/load", &body));
    let command = match &gate {
        None => Command::LoadPolicy(Box::new(load)),
        Some(gate) => Command::LoadGatedPolicy(Box::new(gate.command(load))),
    };
    let envelope = envelope_of(app, &principal, idempotency, command)?;
    let committed = app.backend.submit(envelope).await?;
    let index = committed.index;
    let done = match (done(app, committed), gate) {
        (Err(Refused::Rejected(Rejection::PolicyInvalid { faults })), _) => {
            return Err(Problem::policy_invalid(&faults, prefix));
        }
        (Err(Refused::Rejected(Rejection::ImpactNotAcknowledged { .. })), Some(gate)) => {
            return Err(gate.refusal(prefix));
        }
        (Err(why), _) => return Err(why.into()),
        (Ok(done), _) => done,
    };
    Ok(answer(&summary, warnings, &done, index))
}

/// `POST /policies/rollback`.
pub(crate) async fn rollback<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, .. } = call;
    let mut body = body.into_fields();
    let sent = body.members().clone();
    let idempotency =
        key.map(|key| idempotency::record(&principal, key, "/policies/rollback", &sent));
    let rollback = RollbackPolicy {
        version: body.integer("version").unwrap_or_default(),
        reason: body.text("reason").unwrap_or_default(),
    };
    let command = Command::RollbackPolicy(Box::new(rollback));
    let envelope = envelope_of(app, &principal, idempotency, command)?;
    let committed = app.backend.submit(envelope).await?;
    let index = committed.index;
    let done = done(app, committed)?;
    let read = app.backend.view()?;
    let version = done.version;
    let work = move || {
        let record = view::policy(&read, version)?.ok_or_else(Problem::internal)?;
        let found = super::read(&record.document).map_err(|_| Problem::internal())?;
        Ok((Summary::of(&found), warnings_json(&found, "")))
    };
    // Not a study: it is done, and nothing may say otherwise any more.
    let (summary, warnings) = app.blocking(work).await?;
    Ok(answer(&summary, warnings, &done, index))
}

/// What the gate found.
struct Gate {
    active_version: u64,
    impact: Impact,
}

/// What the gate asks for; `None` where it is off.
async fn measure<B: Backend>(app: &App<B>, checked: Candidate) -> Result<Option<Gate>, Problem> {
    let Some(window) = app.config.impact_gate else {
        return Ok(None);
    };
    let read = app.backend.view()?;
    // Half of the time of a write, so that enough is left to record it.
    let time = app.config.request_timeout / 2;
    let query = ImpactQuery {
        from: None,
        to: None,
        decisions_max: Some(window),
        examples_max: EXAMPLES_MAX,
    };
    let work = move || {
        let deadline = Instant::now() + time;
        let active_version = view::active_policy(&read)?.version;
        let impact = impact::measure(&read, &checked.compiled, &query, deadline)?;
        Ok(Some(Gate { active_version, impact }))
    };
    app.audit(work).await
}

impl Gate {
    fn command(&self, load: LoadPolicy) -> LoadGatedPolicy {
        let Self { active_version, impact } = self;
        let impact = ImpactFound {
            active_version: *active_version,
            candidate_hash: impact.candidate_hash,
            from_entry: impact.from_entry,
            to_entry: impact.to_entry,
            decisions_replayed: impact.decisions_replayed,
            allowed_to_denied: impact.allowed_to_denied.count,
            denied_to_allowed: impact.denied_to_allowed.count,
            other_changes: impact.other_changes.count,
            unreplayable: impact.unreplayable,
        };
        LoadGatedPolicy { load, impact }
    }

    /// 409 with examples of what would newly be allowed.
    fn refusal(&self, prefix: &str) -> Problem {
        let widened = &self.impact.denied_to_allowed;
        let examples = widened.examples.iter().map(|example| {
            let detail = format!(
                "`{}` of entry {} would be allowed: {} {}",
                example.decision_id, example.entry_id.0, example.actor, example.action
            );
            Fault::at(prefix, "denied_to_allowed", detail)
        });
        Problem::impact_not_acknowledged(widened.count, examples.collect())
    }
}

/// What an answer says of a document.
struct Summary {
    hash: String,
    terms: u64,
    relations: u64,
    mode: &'static str,
}

impl Summary {
    fn of(candidate: &Candidate) -> Self {
        let Candidate { document, compiled, .. } = candidate;
        Self {
            hash: compiled.hash().to_string(),
            terms: document.terms_count(),
            relations: document.relations_count(),
            mode: document.mode().as_str(),
        }
    }
}

/// A version that was put in force.
struct Done {
    version: u64,
    entry: EntryId,
    replayed: bool,
}

/// Why none was.
enum Refused {
    Rejected(Rejection),
    Failed(Problem),
}

impl From<Refused> for Problem {
    fn from(why: Refused) -> Self {
        match why {
            Refused::Rejected(why) => why.into(),
            Refused::Failed(problem) => problem,
        }
    }
}

fn done<B: Backend>(app: &App<B>, committed: Committed) -> Result<Done, Refused> {
    match committed.outcome {
        Outcome::PolicyLoaded(loaded) => {
            app.shared.metrics.policy_loaded();
            let entry = loaded.recorded.entry_id;
            Ok(Done { version: loaded.version, entry, replayed: false })
        }
        Outcome::Replayed(id) => replayed(app, id).map_err(Refused::Failed),
        Outcome::Rejected(why) => Err(Refused::Rejected(why)),
        other @ (Outcome::Founded(_)
        | Outcome::Decided(_)
        | Outcome::NodeRegistered(_)
        | Outcome::Ticked
        | Outcome::Recorded(_)
        | Outcome::Erased(_)
        | Outcome::Sealed(_)
        | Outcome::Cosigned(_)
        | Outcome::ScrubOpened(_)
        | Outcome::ContentReported(_)
        | Outcome::Anonymized(_)
        | Outcome::Noted) => {
            tracing::error!(?other, "a load had an outcome that is none of a load");
            Err(Refused::Failed(Problem::internal()))
        }
    }
}

fn replayed<B: Backend>(app: &App<B>, id: EntryId) -> Result<Done, Problem> {
    let entry = view::entry(&app.backend.view()?, id)?.ok_or_else(Problem::internal)?;
    let data = parts(&entry)?.data;
    let version = data.as_ref().and_then(|data| data.get("policy_version")).and_then(Json::as_u64);
    let version = version.ok_or_else(Problem::internal)?;
    Ok(Done { version, entry: id, replayed: true })
}

fn answer(summary: &Summary, warnings: Json, done: &Done, index: LogIndex) -> Answer {
    let mut answer = Answer::members([
        ("status", "success".into()),
        ("policy_version", done.version.into()),
        ("policy_hash", summary.hash.as_str().into()),
        ("terms_loaded", summary.terms.into()),
        ("relations_loaded", summary.relations.into()),
        ("mode", summary.mode.into()),
        ("previous_version", done.version.saturating_sub(1).into()),
        ("warnings", warnings),
        ("ledger_entry_id", done.entry.0.into()),
    ])
    .at(index);
    answer.replayed = done.replayed;
    answer
}

/// `POST /policies/validate`.
pub(crate) async fn validate<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Sent { document, prefix, .. } = sent(call.body);
    let work = move || {
        Ok(read(&document).map(|found| (found.compiled.hash(), warnings_json(&found, prefix))))
    };
    let found = app.study(work).await?;
    let none = || Json::Array(Vec::new());
    Ok(match found {
        Ok((hash, warnings)) => Answer::members([
            ("valid", true.into()),
            ("policy_hash", hash.to_string().into()),
            ("errors", none()),
            ("warnings", warnings),
        ]),
        Err(faults) => Answer::members([
            ("valid", false.into()),
            ("policy_hash", Json::Null),
            ("errors", faults_json(&faults, prefix)),
            ("warnings", none()),
        ]),
    })
}

fn faults_json(faults: &[policy::Fault], prefix: &str) -> Json {
    let faults = faults.iter();
    let faults = faults
        .map(|fault| finding(format!("{prefix}{}", fault.pointer), fault.code, &fault.detail));
    Json::Array(faults.collect())
}

/// What its author should look at: found in reading it, and in what it says as a
/// whole.
fn warnings_json(candidate: &Candidate, prefix: &str) -> Json {
    let analyzed = policy::analyze(&candidate.compiled);
    let warnings = candidate.warnings.iter().chain(&analyzed).map(|warning| {
        finding(format!("{prefix}{}", warning.pointer), warning.code, &warning.detail)
    });
    Json::Array(warnings.collect())
}

fn finding(pointer: String, code: &str, detail: &str) -> Json {
    Json::object([("pointer", pointer.into()), ("code", code.into()), ("detail", detail.into())])
}
