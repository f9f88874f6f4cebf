//! Evaluations of AuthZEN: bodies from messages and messages from replies.

use prost::Message as _;
use proto::governance::v1::{
    EvaluationAction, EvaluationContext, EvaluationReply, EvaluationRequest, EvaluationResource,
    EvaluationSubject, EvaluationsReply, EvaluationsRequest,
};
use types::{Json, Object};

use super::caller::{Input, Query};
use super::decisions::decision;
use super::members::Members;
use crate::edge::intake::json_problem;
use crate::json_text;
use crate::problem::Problem;
use crate::routes::Op;

/// The members that the body of `POST /access/v1/evaluation` would have.
pub(super) fn evaluation(message: EvaluationRequest) -> Result<Input, Problem> {
    let bytes = message.encoded_len();
    let body = Json::Object(members(message, Op::Evaluation)?);
    Ok(Input { body: Some(body), bytes, ..Input::of(Op::Evaluation) })
}

/// The same for `POST /access/v1/evaluations`.
pub(super) fn evaluations(message: EvaluationsRequest) -> Result<Input, Problem> {
    let bytes = message.encoded_len();
    let EvaluationsRequest { subject, action, resource, context_json, .. } = message;
    let defaults = EvaluationRequest { subject, action, resource, context_json };
    let mut body = members(defaults, Op::Evaluations)?;
    let items = message.evaluations.into_iter();
    let items = items.map(|item| members(item, Op::Evaluations));
    body.insert("evaluations", items.collect::<Result<Vec<Object>, Problem>>()?);
    if let Some(options) = message.options {
        let semantic = options.evaluations_semantic.into();
        body.insert("options", Json::object([("evaluations_semantic", semantic)]));
    }
    let signature = Some(message.signature).filter(|word| !word.is_empty());
    let query = Query::default().put("signature", signature);
    Ok(Input { query, body: Some(Json::Object(body)), bytes, ..Input::of(Op::Evaluations) })
}

fn members(message: EvaluationRequest, op: Op) -> Result<Object, Problem> {
    let EvaluationRequest { subject, action, resource, context_json } = message;
    let mut body = Object::new();
    if let Some(EvaluationSubject { r#type, id, properties_json }) = subject {
        let members = [("type", r#type.into()), ("id", id.into())];
        body.insert("subject", entity(members, &properties_json, op)?);
    }
    if let Some(EvaluationAction { name, properties_json }) = action {
        body.insert("action", entity([("name", name.into())], &properties_json, op)?);
    }
    if let Some(EvaluationResource { r#type, id, properties_json }) = resource {
        let members = [("type", r#type.into()), ("id", id.into())];
        body.insert("resource", entity(members, &properties_json, op)?);
    }
    body.insert("context", json(&context_json, op)?);
    Ok(body)
}

fn entity<const N: usize>(
    members: [(&str, Json); N],
    properties: &str,
    op: Op,
) -> Result<Object, Problem> {
    let mut entity = Object::new();
    for (name, value) in members {
        entity.insert(name, value);
    }
    entity.insert("properties", json(properties, op)?);
    Ok(entity)
}

/// A value from its text; null where there is none.
fn json(text: &str, op: Op) -> Result<Json, Problem> {
    match text.trim() {
        "" => Ok(Json::Null),
        text => json_text::read(text.as_bytes()).map_err(|fault| json_problem(op, fault)),
    }
}

/// A reply to one evaluation.
pub(super) fn reply(mut reply: Members) -> EvaluationReply {
    EvaluationReply { decision: reply.flag("decision"), context: reply.object("context", context) }
}

/// A reply to many, or to the one that the defaults were.
pub(super) fn replies(members: Object) -> EvaluationsReply {
    let mut members = Members(members);
    if members.fact("decision").is_some() {
        return EvaluationsReply { evaluations: Vec::new(), evaluation: Some(reply(members)) };
    }
    EvaluationsReply { evaluations: members.list("evaluations", reply), evaluation: None }
}

fn context(mut context: Members) -> EvaluationContext {
    EvaluationContext {
        outcome: context.word("outcome"),
        reason: context.word("reason"),
        reason_code: context.word("reason_code"),
        decision_id: context.text("decision_id"),
        capability_token: context.text("capability_token"),
        token_id: context.text("token_id"),
        escalation_id: context.text("escalation_id"),
        ledger_entry_id: context.number("ledger_entry_id"),
        ledger_entry_hash: context.text("ledger_entry_hash"),
        signed: context.object("signed", decision),
        problem_json: context.json_or_none("problem"),
    }
}
