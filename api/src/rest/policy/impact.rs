//! What a policy would do to the decisions that were recorded, and the gate
//! that asks for this before a policy is put in force.
//!
//! It reads this node's copy of the ledger and writes nothing, so it costs the
//! commit path nothing but the processor; few go on at once.

use std::time::Instant;

use governance::impact::{Changed, Impact, ImpactQuery};
use types::{Json, Object};

use super::candidate;
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Field, Kind};
use crate::problem::{Code, Problem};
use crate::reply::{Member, hash, integer, list, object, text};

const EXAMPLES_DEFAULT: usize = 20;

/// Body of `POST /policies/impact`.
pub(crate) const BODY: &[Field] = &[
    Field::required("policy", Kind::Any, "The candidate document."),
    Field::optional("from", Kind::Time, "Decisions not earlier than this."),
    Field::optional("to", Kind::Time, "Decisions earlier than this."),
    Field::optional(
        "max_examples",
        Kind::Integer { min: 0, max: 1000 },
        "Examples of each kind of change.",
    )
    .default("20"),
];

const EXAMPLE: &[Member] = &[
    text("decision_id", "The decision."),
    integer("ledger_entry_id", "Its entry."),
    text("actor", "Who wanted to act."),
    text("action", "What it wanted to do."),
    text("was", "The recorded outcome."),
    text("would_be", "The outcome under the candidate."),
];

const CHANGED: &[Member] = &[
    integer("count", "How many."),
    list("examples", EXAMPLE, "The first of them, at most `max_examples`."),
];

/// Reply of `POST /policies/impact`.
pub(crate) const REPLY: &[Member] = &[
    integer("decisions_replayed", "Decisions that were evaluated again."),
    integer("unchanged", "Those with the same outcome."),
    object("allowed_to_denied", CHANGED, "Those the candidate would deny."),
    object("denied_to_allowed", CHANGED, "Those the candidate would allow."),
    object("other_changes", CHANGED, "Those with any other change of outcome."),
    integer("unreplayable", "Decisions of which something needed is erased."),
    integer("from_entry", "The first entry that was looked at.").or_null(),
    integer("to_entry", "The last entry that was looked at.").or_null(),
    hash("candidate_hash", "Hash of the candidate."),
];

/// `POST /policies/impact`.
pub(crate) async fn impact<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let mut body = call.body.into_fields();
    let document = Json::Object(body.object("policy").unwrap_or_default());
    let query = ImpactQuery {
        from: body.time("from"),
        to: body.time("to"),
        decisions_max: None,
        examples_max: body.integer("max_examples").unwrap_or(EXAMPLES_DEFAULT),
    };
    let read = app.backend.view()?;
    let deadline = Instant::now() + app.config.audit_timeout;
    let work = move || {
        let candidate = candidate(&document, "/policy")?;
        measure(&read, &candidate.compiled, &query, deadline)
    };
    app.audit(work).await.map(|impact| Answer::json(reply(&impact)))
}

/// The impact, or that it takes too long. Whoever asked has gone by then, so
/// that nothing would be gained by going on.
pub(super) fn measure(
    read: &impl governance::Read,
    candidate: &policy::Compiled,
    query: &ImpactQuery,
    deadline: Instant,
) -> Result<Impact, Problem> {
    let keep_going = || Instant::now() < deadline;
    let impact = governance::impact(read, candidate, query, &keep_going)?;
    if !impact.is_complete {
        let detail = "too many decisions for one answer: narrow `from` and `to`";
        return Err(Problem::new(Code::READ_TIMEOUT, detail));
    }
    Ok(impact)
}

fn reply(impact: &Impact) -> Object {
    let mut reply = Object::new();
    reply.insert("decisions_replayed", impact.decisions_replayed);
    reply.insert("unchanged", impact.unchanged);
    reply.insert("allowed_to_denied", changed_json(&impact.allowed_to_denied));
    reply.insert("denied_to_allowed", changed_json(&impact.denied_to_allowed));
    reply.insert("other_changes", changed_json(&impact.other_changes));
    reply.insert("unreplayable", impact.unreplayable);
    reply.insert("from_entry", impact.from_entry.map(|id| id.0));
    reply.insert("to_entry", impact.to_entry.map(|id| id.0));
    reply.insert("candidate_hash", impact.candidate_hash.to_string());
    reply
}

fn changed_json(changed: &Changed) -> Json {
    let examples = changed.examples.iter().map(|example| {
        Json::object([
            ("decision_id", example.decision_id.to_string().into()),
            ("ledger_entry_id", example.entry_id.0.into()),
            ("actor", example.actor.as_str().into()),
            ("action", example.action.as_str().into()),
            ("was", example.was.as_str().into()),
            ("would_be", example.would_be.as_str().into()),
        ])
    });
    Json::object([("count", changed.count.into()), ("examples", Json::Array(examples.collect()))])
}
