//! `/decide` in the words of OpenID AuthZEN Authorization API 1.0, section 6: a
//! subject, an action and a resource become actor, action and resource.
//!
//! A body is made into one of `/decide` and goes on from there, so that limits,
//! keys and entries are the same. Members that the standard does not know are
//! dropped, wherever it names members at all: a later version may know them.
//!
//! Invariants
//! - Every evaluation is a recorded decision, and `decision` is true only where
//!   its outcome is `allowed`.
//! - No property replaces another one or a fact of the context.

pub(crate) mod evaluations;

use types::{Json, Object};

use super::decision::reply::{self, Tokens};
use super::decision::{self, Asked, DECIDE, EVALUATION_CONTEXT, Key, Origin};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Alphabet, Checked, Field, Kind, Text, check_body};
use crate::json_text::member;
use crate::problem::{Fault, Problem};
use crate::reply::{Member, flag, object};
pub(crate) use evaluations::{EVALUATIONS, EVALUATIONS_QUERY, EVALUATIONS_REPLY};

const PATH: &str = "/access/v1/evaluation";

const ACTOR_CHARS_MAX: usize = 255;
const RESOURCE_CHARS_MAX: usize = 512;

/// Half of an actor: with a colon and one character it is as long as may be.
const ACTOR_PART: Text = Text::of(Alphabet::Actor, ACTOR_CHARS_MAX - 2);
/// Half of a resource.
const RESOURCE_PART: Text = Text::of(Alphabet::Action, RESOURCE_CHARS_MAX - 2);

const PROPERTIES: Field =
    Field::optional("properties", Kind::Context, "Facts about it, which the context is given.");

const SUBJECT: &[Field] = &[
    Field::required("type", Kind::Text(ACTOR_PART), "What precedes the colon of the actor."),
    Field::required("id", Kind::Text(ACTOR_PART), "What follows it."),
    PROPERTIES,
];

const ACTION: &[Field] =
    &[Field::required("name", Kind::Text(decision::ACTION), "The action."), PROPERTIES];

const RESOURCE: &[Field] = &[
    Field::required("type", Kind::Text(RESOURCE_PART), "What precedes the colon of the resource."),
    Field::required("id", Kind::Text(RESOURCE_PART), "What follows it."),
    PROPERTIES,
];

/// Body of `POST /access/v1/evaluation`.
pub(crate) const EVALUATION: &[Field] = &[
    Field::required("subject", Kind::Open(SUBJECT), "Who wants to act."),
    Field::required("action", Kind::Open(ACTION), "What it wants to do."),
    Field::required("resource", Kind::Open(RESOURCE), "On what."),
    Field::optional("context", Kind::Context, "Facts that conditions look at.").default("{}"),
];

/// Reply of `POST /access/v1/evaluation`.
pub(crate) const EVALUATION_REPLY: &[Member] = &[
    flag("decision", "Whether `outcome` is `allowed`."),
    object("context", EVALUATION_CONTEXT, "The decision, as `POST /decide` answers it."),
];

/// `POST /access/v1/evaluation`.
pub(crate) async fn evaluate<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, authority, body_bytes, .. } = call;
    let key = key.map(|key| Key { key, path: PATH.to_owned() });
    let origin = Origin { principal: &principal, key: key.as_ref(), bytes: body_bytes };
    let request = request(body.into_fields())?;
    let asked = Asked::new(request, origin, app.config.context_bytes_max)?.by(&authority)?;
    let (recorded, index) = decision::submit(app, &principal, asked).await?;
    let reply = reply::shown(app, &recorded, Tokens::Now)?;
    let mut answer = Answer::json(shown(reply, false)).at(index);
    answer.replayed = recorded.replayed;
    Ok(answer)
}

/// The body of `POST /decide` that asks the same.
fn request(mut evaluation: Checked) -> Result<Checked, Problem> {
    let mut faults = Vec::new();
    let mut context = evaluation.object("context").unwrap_or_default();
    let [mut subject, mut action, mut resource] = ["subject", "action", "resource"].map(|name| {
        let mut entity = evaluation.nested(name).unwrap_or_default();
        let properties = entity.object("properties").unwrap_or_default();
        add(&mut context, properties, &format!("/{name}/properties"), &mut faults);
        entity
    });
    let mut body = Object::new();
    body.insert("actor", joined(&mut subject, "/subject/id", ACTOR_CHARS_MAX, &mut faults));
    body.insert("action", action.text("name"));
    body.insert("resource", joined(&mut resource, "/resource/id", RESOURCE_CHARS_MAX, &mut faults));
    body.insert("context", context);
    if !faults.is_empty() {
        return Err(Problem::faults(faults));
    }
    // Each member is valid by now; together, properties can be too many.
    check_body(DECIDE, Json::Object(body))
}

/// Adds properties to the context. Which of two values of one name a condition
/// should see nobody can tell, so there may not be two, not even equal ones.
fn add(context: &mut Object, properties: Object, pointer: &str, faults: &mut Vec<Fault>) {
    for (key, value) in properties {
        if context.get(&key).is_some() {
            let detail = "is the name of a fact of the context or of another property";
            faults.push(Fault::at(member(pointer, &key), "conflicting_values", detail));
        } else {
            context.insert(key, value);
        }
    }
}

fn joined(
    entity: &mut Checked,
    pointer: &str,
    chars_max: usize,
    faults: &mut Vec<Fault>,
) -> String {
    let [kind, id] = ["type", "id"].map(|name| entity.text(name).unwrap_or_default());
    let text = format!("{kind}:{id}");
    if chars_max < text.chars().count() {
        let detail = format!("must have, with `type` and a colon, at most {chars_max} characters");
        faults.push(Fault::at(pointer, "too_long", detail));
    }
    text
}

/// The reply to a decision as AuthZEN shows it.
fn shown(reply: Object, is_whole: bool) -> Object {
    let mut context = Object::new();
    for Member { name, .. } in EVALUATION_CONTEXT {
        context.insert(*name, reply.get(name).cloned());
    }
    let mut evaluation = Object::new();
    evaluation.insert("decision", reply.get("allowed").cloned());
    if is_whole {
        context.insert("signed", reply);
    }
    evaluation.insert("context", context);
    evaluation
}
