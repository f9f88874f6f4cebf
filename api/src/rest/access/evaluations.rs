//! Many evaluations in one request: AuthZEN, section 7.
//!
//! An evaluation that is not valid is answered with `decision` false and its
//! problem; where its semantic says that the request ends with a denial, it ends
//! with such a one too. What a default is worth shows where it is used, so a
//! wrong one that every evaluation replaces does no harm.
//!
//! Invariant: defaults written out are no larger than a body may be.

use governance::command::Principal;
use types::{Json, Object};

use super::{ACTION, EVALUATION, RESOURCE, SUBJECT, request, shown};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Checked, Field, Kind, check_open_body};
use crate::problem::{Code, Fault, Problem};
use crate::reply::{Member, Value};
use crate::rest::decision::Asked;
use crate::rest::decision::batch::{BatchKey, Results, Signing, prepare};
use crate::rest::decision::reply::Tokens;

const PATH: &str = "/access/v1/evaluations";

/// Members that have defaults.
const NAMES: [&str; 4] = ["subject", "action", "resource", "context"];

const ITEM: &[Field] = &[
    Field::optional("subject", Kind::Open(SUBJECT), "Who wants to act."),
    Field::optional("action", Kind::Open(ACTION), "What it wants to do."),
    Field::optional("resource", Kind::Open(RESOURCE), "On what."),
    Field::optional("context", Kind::Context, "Facts that conditions look at."),
];

const OPTIONS: &[Field] = &[Field::optional(
    "evaluations_semantic",
    Kind::Word(&["execute_all", "deny_on_first_deny", "permit_on_first_permit"]),
    "All of them, or one after the other up to and with the first denial or permit.",
)
.default("\"execute_all\"")];

/// Body of `POST /access/v1/evaluations`.
pub(crate) const EVALUATIONS: &[Field] = &[
    Field::optional("subject", Kind::Default(SUBJECT), "Of evaluations that have none."),
    Field::optional("action", Kind::Default(ACTION), "Of evaluations that have none."),
    Field::optional("resource", Kind::Default(RESOURCE), "Of evaluations that have none."),
    Field::optional("context", Kind::Any, "Of evaluations that have none."),
    Field::optional(
        "evaluations",
        Kind::Evaluations { items_max: 1000, item: ITEM },
        "Decided in this order. Without any, the other members are one evaluation.",
    ),
    Field::optional("options", Kind::Open(OPTIONS), "How they are carried out."),
];

/// Query of `POST /access/v1/evaluations`.
pub(crate) const EVALUATIONS_QUERY: &[Field] = &[Field::optional(
    "signature",
    Kind::Word(&["batch"]),
    "With each evaluation, in `context.signed`, the reply of `POST /decide` under one signature \
     over the root of a tree of all.",
)];

/// Reply of `POST /access/v1/evaluations`.
pub(crate) const EVALUATIONS_REPLY: &[Member] = &[Member::new(
    "evaluations",
    Value::Mixed,
    "In order, each as `POST /access/v1/evaluation` answers it, or with `problem` in its `context` \
     where it is not valid. A body without evaluations is answered as by that path.",
)];

/// After which evaluations no further one is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Semantic {
    ExecuteAll,
    DenyOnFirstDeny,
    PermitOnFirstPermit,
}

impl Semantic {
    fn of(body: &mut Checked) -> Self {
        let options = body.nested("options").unwrap_or_default();
        match options.word("evaluations_semantic") {
            Some("deny_on_first_deny") => Self::DenyOnFirstDeny,
            Some("permit_on_first_permit") => Self::PermitOnFirstPermit,
            Some(_) | None => Self::ExecuteAll,
        }
    }

    fn ends_with(self, is_allowed: bool) -> bool {
        match self {
            Self::ExecuteAll => false,
            Self::DenyOnFirstDeny => !is_allowed,
            Self::PermitOnFirstPermit => is_allowed,
        }
    }
}

/// `POST /access/v1/evaluations`.
pub(crate) async fn evaluate<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { route, body, body_bytes, key, principal, authority, query, request_id, .. } = call;
    let mut body = body.into_fields();
    let scope = key.as_deref().map(|key| BatchKey::new(PATH, key, &body));
    let semantic = Semantic::of(&mut body);
    let mut items = body.items("evaluations");
    let is_single = items.is_empty();
    if is_single {
        items.push(Json::Object(Object::new()));
    }
    let defaults = body.members();
    check_size(defaults, &items, (body_bytes, route.body_bytes_max))?;
    let asked = items.into_iter().enumerate().map(|(at, item)| {
        let key = scope.as_ref().map(|scope| scope.item(at));
        let evaluation = check_open_body(EVALUATION, filled(defaults, item)?)?;
        prepare(app, &principal, key.as_ref(), request(evaluation)?)?.by(&authority)
    });
    let results = match semantic {
        Semantic::ExecuteAll => Results::record(app, &principal, asked).await?,
        Semantic::DenyOnFirstDeny | Semantic::PermitOnFirstPermit => {
            record_in_turn(app, &principal, asked, semantic).await?
        }
    };
    let (index, replayed) = (results.index, results.replayed());
    let together = query.word("signature").is_some();
    let signing = if together { Signing::Together } else { Signing::Without };
    let replies = results.sign(app, signing, Tokens::Now).await?;
    let mut answer = answer(replies, is_single, together, &request_id)?;
    answer.index = index;
    answer.replayed = replayed;
    Ok(answer)
}

/// A small default times many evaluations can be much to record.
fn check_size(
    defaults: &Object,
    items: &[Json],
    (body_bytes, bytes_max): (usize, usize),
) -> Result<(), Problem> {
    let mut bytes = body_bytes;
    for (name, value) in defaults.iter() {
        let uses = |item: &&Json| match item {
            Json::Object(own) => own.get(name).is_none_or(Json::is_null),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
                false
            }
        };
        // The first one stands in the body already.
        let more = items.iter().filter(uses).count().saturating_sub(1);
        bytes = bytes.saturating_add(value.to_canonical().len().saturating_mul(more));
    }
    if bytes <= bytes_max {
        return Ok(());
    }
    let detail = format!(
        "with its defaults written out it has {bytes} bytes, at most {bytes_max} are taken"
    );
    Err(Problem::new(Code::PAYLOAD_TOO_LARGE, detail))
}

/// An evaluation with the defaults of what it has not; a member of its own
/// replaces the default whole.
fn filled(defaults: &Object, item: Json) -> Result<Json, Problem> {
    let Json::Object(mut item) = item else {
        return Err(Problem::fault(Fault::at("", "wrong_type", "must be an object")));
    };
    for name in NAMES {
        if let (None | Some(Json::Null), Some(value)) = (item.get(name), defaults.get(name)) {
            item.insert(name, value.clone());
        }
    }
    Ok(Json::Object(item))
}

/// One after the other, because what is never reached must not be recorded.
async fn record_in_turn<B: Backend>(
    app: &App<B>,
    principal: &Principal,
    asked: impl Iterator<Item = Result<Asked, Problem>>,
    semantic: Semantic,
) -> Result<Results, Problem> {
    let mut results = Results::default();
    for asked in asked {
        match results.record_next(app, principal, asked).await {
            Ok(is_allowed) if semantic.ends_with(is_allowed) => break,
            Ok(_) => (),
            // When nothing got in, the request as a whole did not.
            Err(problem) if results.index.is_none() => return Err(problem),
            // A log that took nothing now takes no further one either.
            Err(problem) => {
                results.end_with(problem);
                break;
            }
        }
    }
    Ok(results)
}

fn answer(
    mut replies: Vec<Result<Object, Problem>>,
    is_single: bool,
    is_whole: bool,
    request_id: &str,
) -> Result<Answer, Problem> {
    if is_single && let Some(reply) = replies.pop() {
        return Ok(Answer::json(shown(reply?, is_whole)));
    }
    let evaluations = replies.into_iter().map(|reply| match reply {
        Ok(reply) => Json::Object(shown(reply, is_whole)),
        Err(problem) => {
            let context = Json::object([("problem", problem.to_json(request_id))]);
            Json::object([("decision", false.into()), ("context", context)])
        }
    });
    Ok(Answer::members([("evaluations", Json::Array(evaluations.collect()))]))
}
