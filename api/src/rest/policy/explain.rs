//! Why a request is answered as it is, and what would have to change.
//!
//! What is explained is a request as it would be answered now, or a recorded
//! decision from what was recorded. Nothing here is recorded.

use governance::{Explained, Inquiry, view};
use types::{DecisionId, Json};

use super::candidate;
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Alphabet, Field, Kind, Text};
use crate::problem::{Code, Problem};
use crate::reply::{Member, Value, flag, hash, integer, list, object, text};
use crate::rest::decision::{self, DECIDE, MATCHED_LIST, OBLIGATIONS};

const POLICY: Field = Field::optional(
    "policy",
    Kind::Any,
    "A candidate document to ask instead of the policy that applies.",
);

/// Names the recorded decision that is to be explained.
pub(crate) const DECISION_ID: &str = "decision_id";

/// Body of `POST /policies/explain` for a request.
pub(crate) const REQUEST: &[Field] = &with_policy();

/// Body of `POST /policies/explain` for a recorded decision.
pub(crate) const RECORDED: &[Field] = &[
    Field::required(
        DECISION_ID,
        Kind::Text(Text::of(Alphabet::Name, 64)),
        "A recorded decision, explained from what was recorded.",
    ),
    POLICY,
];

const fn with_policy() -> [Field; DECIDE.len() + 1] {
    let mut fields = [POLICY; DECIDE.len() + 1];
    let mut at = 0;
    while at < DECIDE.len() {
        fields[at] = DECIDE[at];
        at += 1;
    }
    fields
}

const FAILED: &[Member] = &[
    text("key", "Where it looked."),
    text("op", "How it compared."),
    Member::new("expected", Value::Any, "With what."),
    Member::new("actual", Value::Any, "What was there.").or_null(),
    flag("missing", "Whether nothing was there."),
];

const NEAR_MISS: &[Member] = &[
    text("relation_id", "The relation."),
    text("type", "Its type."),
    list("failed", FAILED, "What kept it from counting."),
];

const CHANGE: &[Member] = &[
    text("key", "A key of the context, or a member of the request as `decision.<name>`."),
    text("op", "How."),
    Member::new("value", Value::Any, "With what."),
];

const FLIP: &[Member] = &[
    list("changes", CHANGE, "What would have to hold."),
    text("outcome", "What the outcome would be then."),
];

/// Reply of `POST /policies/explain`.
pub(crate) const REPLY: &[Member] = &[
    text("outcome", "`allowed`, `denied` or `escalated`."),
    text("reason", "The deciding relation's justification, or a fixed text."),
    text("reason_code", "Which rule decided."),
    integer("policy_version", "Null for a candidate.").or_null(),
    hash("policy_hash", "Of the policy that was asked."),
    MATCHED_LIST,
    list("near_misses", NEAR_MISS, "Relations that would have changed the answer, nearest first."),
    object("minimal_flip", FLIP, "The smallest change that flips the outcome.").or_null(),
    OBLIGATIONS,
    integer("steps", "What the evaluation cost: the same on every node."),
];

/// `POST /policies/explain`.
pub(crate) async fn explain<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, principal, body_bytes, .. } = call;
    let mut body = body.into_fields();
    let document = body.object("policy").map(Json::Object);
    let recorded = body.word(DECISION_ID).map(str::to_owned);
    let inquiry = match recorded {
        Some(id) => Inquiry::Recorded(decision_id(&id)?),
        None => {
            let asked = decision::asked(app, &principal, body, body_bytes)?;
            Inquiry::Request(Box::new(asked))
        }
    };
    let read = app.backend.view()?;
    let head = view::head(&read)?;
    if head.size() == 0 {
        return Err(Problem::new(Code::STARTING, "the cluster has no genesis yet"));
    }
    let at = head.at.max(app.backend.now());
    let shared = std::sync::Arc::clone(&app.shared);
    let work = move || {
        let candidate = document.map(|document| candidate(&document, "/policy")).transpose()?;
        let policy = candidate.as_ref().map(|candidate| &candidate.compiled);
        let explained = governance::explain(&read, &shared.policies, at, &inquiry, policy)?;
        explained.map_err(refused)
    };
    // The search for a flip evaluates many times over.
    let Explained { explanation, policy_version, policy_hash } = app.study(work).await?;
    Ok(Answer::json(explanation.to_json(policy_version, policy_hash)))
}

fn decision_id(text: &str) -> Result<DecisionId, Problem> {
    text.parse().map_err(|_| Problem::new(Code::UNKNOWN_DECISION, "no such decision is recorded"))
}

fn refused(why: governance::NotExplained) -> Problem {
    match why {
        governance::NotExplained::Refused(why) => why.into(),
        governance::NotExplained::UnknownDecision => {
            Problem::new(Code::UNKNOWN_DECISION, "no such decision is recorded")
        }
        governance::NotExplained::Erased => {
            Problem::new(Code::ERASED, "what the answer rested on has been erased")
        }
    }
}
