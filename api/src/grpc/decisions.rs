//! The service `Decisions`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use proto::governance::v1::decisions_server::Decisions;
use proto::governance::v1::{
    Checks, DecideBatchReply, DecideBatchRequest, DecideBatchResult, DecideReply, DecideRequest,
    DecisionRecord, GetDecisionRequest, GetReceiptRequest, IssueTokenReply, IssueTokenRequest,
    Judged, ListDecisionsReply, ListDecisionsRequest, MatchedCondition, MatchedRelation,
    Obligation, Receipt, ReceiptReply, ReplayDecisionRequest, ReplayReply, RiskInput, RiskScore,
    RiskVersion, Signature, VerifyDecisionReply, VerifyDecisionRequest,
};
use tonic::{Request, Response, Status};
use types::{Json, Number, Object};

use super::Service;
use super::caller::{Input, Query};
use super::ledger::entry;
use super::members::Members;
use crate::backend::Backend;
use crate::call::Content;
use crate::edge::intake::json_problem;
use crate::json_text;
use crate::problem::{Fault, Problem};
use crate::routes::Op;

#[tonic::async_trait]
impl<B: Backend> Decisions for Service<B> {
    async fn decide(
        &self,
        request: Request<DecideRequest>,
    ) -> Result<Response<DecideReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let bytes = message.encoded_len();
        let body = body(message, Op::Decide);
        let input = body.map(|body| Input { body: Some(body), bytes, ..Input::of(Op::Decide) });
        self.answer(&extensions, input, |reply| decision(Members(reply))).await
    }

    async fn decide_batch(
        &self,
        request: Request<DecideBatchRequest>,
    ) -> Result<Response<DecideBatchReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        self.answer(&extensions, batch(message), |reply| {
            let mut reply = Members(reply);
            DecideBatchReply {
                count: reply.count("count"),
                results: reply.list("results", batch_result),
            }
        })
        .await
    }

    async fn verify(
        &self,
        request: Request<VerifyDecisionRequest>,
    ) -> Result<Response<VerifyDecisionReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        self.answer(&extensions, verify(message), |reply| {
            let mut reply = Members(reply);
            VerifyDecisionReply {
                verified: reply.flag("verified"),
                reason_code: reply.word("reason_code"),
                checks: reply.object("checks", checks),
                mismatched_fields: reply.texts("mismatched_fields"),
                decision_id: reply.text("decision_id"),
                ledger_entry_id: reply.count("ledger_entry_id"),
                entry: reply.object("entry", entry),
                checkpoint: reply.text("checkpoint"),
            }
        })
        .await
    }

    async fn get(
        &self,
        request: Request<GetDecisionRequest>,
    ) -> Result<Response<DecisionRecord>, Status> {
        let (_, extensions, message) = request.into_parts();
        let input = Input {
            path: message.decision_id,
            query: Query::default().read(message.read),
            ..Input::of(Op::Decision)
        };
        self.answer(&extensions, Ok(input), record).await
    }

    async fn list(
        &self,
        request: Request<ListDecisionsRequest>,
    ) -> Result<Response<ListDecisionsReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default()
            .put("actor", message.actor)
            .put("action", message.action)
            .put("outcome", message.outcome)
            .put("from", message.from)
            .put("to", message.to)
            .put("after", message.after)
            .put("limit", message.limit)
            .put("order", Some(message.order).filter(|word| !word.is_empty()))
            .read(message.read);
        let input = Input { query, ..Input::of(Op::Decisions) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            ListDecisionsReply {
                decisions: reply.list("decisions", |row| record(row.0)),
                total: reply.count("total"),
                total_exact: reply.flag("total_exact"),
                next: reply.number("next"),
            }
        })
        .await
    }

    async fn get_receipt(
        &self,
        request: Request<GetReceiptRequest>,
    ) -> Result<Response<ReceiptReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default()
            .put("format", Some(message.format).filter(|word| !word.is_empty()))
            .put("wait", Some(message.wait).filter(|word| !word.is_empty()))
            .read(message.read);
        let input = Input { path: message.decision_id, query, ..Input::of(Op::Receipt) };
        self.answer_any(&extensions, Ok(input), |content| match content {
            Content::Json(members) => {
                Ok(ReceiptReply { receipt: Some(receipt(Members(members))?), tlog_proof: None })
            }
            Content::Bytes { bytes, .. } => {
                let text = String::from_utf8(bytes.into()).map_err(|_| Problem::internal())?;
                Ok(ReceiptReply { receipt: None, tlog_proof: Some(text) })
            }
            Content::File { .. } | Content::Download { .. } => Err(Problem::internal()),
        })
        .await
    }

    async fn replay(
        &self,
        request: Request<ReplayDecisionRequest>,
    ) -> Result<Response<ReplayReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default().read(message.read);
        let input = Input { path: message.decision_id, query, ..Input::of(Op::Replay) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            ReplayReply {
                decision_id: reply.word("decision_id"),
                identical: reply.fact("identical"),
                unreplayable: reply.text("unreplayable"),
                policy_version: reply.count("policy_version"),
                policy_hash: reply.word("policy_hash"),
                engine_version: reply.count("engine_version"),
                recorded: reply.object("recorded", judged),
                replayed: reply.object("replayed", judged),
                differences: reply.texts("differences"),
            }
        })
        .await
    }

    async fn issue_token(
        &self,
        request: Request<IssueTokenRequest>,
    ) -> Result<Response<IssueTokenReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        self.answer(&extensions, issue(message), |reply| {
            let mut reply = Members(reply);
            IssueTokenReply {
                capability_token: reply.word("capability_token"),
                token_id: reply.word("token_id"),
                token_expires_at: reply.word("token_expires_at"),
                decision_id: reply.word("decision_id"),
                basis: reply.word("basis"),
                basis_id: reply.word("basis_id"),
                ledger_entry_id: reply.count("ledger_entry_id"),
            }
        })
        .await
    }
}

fn issue(message: IssueTokenRequest) -> Result<Input, Problem> {
    let bytes = message.encoded_len();
    let mut body = Object::new();
    put_integer(&mut body, "expires_in", message.expires_in)?;
    let (path, body) = (message.decision_id, Some(Json::Object(body)));
    Ok(Input { path, body, bytes, ..Input::of(Op::TokenIssue) })
}

fn judged(mut judged: Members) -> Judged {
    Judged { outcome: judged.word("outcome"), reason_code: judged.word("reason_code") }
}

fn receipt(mut reply: Members) -> Result<Receipt, Problem> {
    let header = STANDARD.decode(reply.word("header")).map_err(|_| Problem::internal())?;
    Ok(Receipt {
        entry_id: reply.count("entry_id"),
        header: header.into(),
        leaf_hash: reply.word("leaf_hash"),
        leaf_index: reply.count("leaf_index"),
        tree_size: reply.count("tree_size"),
        root_hash: reply.word("root_hash"),
        hashes: reply.texts("hashes"),
        checkpoint: reply.text("checkpoint"),
        data: reply.json_or_none("data").map(Into::into),
        salt: reply.text("salt"),
        personal: reply.json_or_none("personal").map(Into::into),
        personal_salt: reply.text("personal_salt"),
    })
}

pub(super) fn put(body: &mut Object, name: &str, value: Option<impl Into<Json>>) {
    if let Some(value) = value {
        body.insert(name, value);
    }
}

/// A list that is there unless nothing is in it: messages know no empty list.
pub(super) fn put_list(body: &mut Object, name: &str, items: Vec<String>) {
    put(body, name, Some(items).filter(|items| !items.is_empty()));
}

pub(super) fn put_integer(
    body: &mut Object,
    name: &str,
    value: Option<i64>,
) -> Result<(), Problem> {
    if let Some(value) = value {
        let number = Number::from_i64(value).map_err(|error| {
            Problem::fault(Fault::at(format!("/{name}"), "out_of_range", error.to_string()))
        })?;
        body.insert(name, Json::Number(number));
    }
    Ok(())
}

/// The members that the body of `POST /decide` would have.
pub(super) fn body(message: DecideRequest, op: Op) -> Result<Json, Problem> {
    let mut body = Object::new();
    body.insert("actor", message.actor);
    body.insert("action", message.action);
    if !message.context_json.trim().is_empty() {
        let context = json_text::read(message.context_json.as_bytes());
        body.insert("context", context.map_err(|fault| json_problem(op, fault))?);
    }
    put(&mut body, "request_id", message.request_id);
    put(&mut body, "resource", message.resource);
    put(&mut body, "tool", message.tool);
    put(&mut body, "user_intent", message.user_intent);
    put(&mut body, "policy_mode", message.policy_mode);
    put_integer(&mut body, "risk_level", message.risk_level)?;
    put_integer(&mut body, "expires_in", message.expires_in)?;
    if !message.data_classes.is_empty() {
        body.insert("data_classes", message.data_classes);
    }
    if let Some(risk) = message.risk {
        body.insert("risk", risk_members(&risk)?);
    }
    if message.dry_run {
        body.insert("dry_run", true);
    }
    Ok(Json::Object(body))
}

pub(super) fn risk_members(risk: &RiskInput) -> Result<Object, Problem> {
    let mut members = Object::new();
    for (name, value) in [
        ("security", risk.security),
        ("privacy", risk.privacy),
        ("compliance", risk.compliance),
        ("operational", risk.operational),
        ("reputational", risk.reputational),
        ("financial", risk.financial),
    ] {
        put_integer(&mut members, name, value)?;
    }
    Ok(members)
}

fn batch(message: DecideBatchRequest) -> Result<Input, Problem> {
    let bytes = message.encoded_len();
    let DecideBatchRequest { requests, signature, tokens } = message;
    let requests = requests.into_iter().map(|request| body(request, Op::DecideBatch));
    let requests = requests.collect::<Result<Vec<Json>, Problem>>()?;
    let query = Query::default()
        .put("signature", Some(signature).filter(|word| !word.is_empty()))
        .put("tokens", Some(tokens).filter(|word| !word.is_empty()));
    let body = Json::object([("requests", Json::Array(requests))]);
    Ok(Input { query, body: Some(body), bytes, ..Input::of(Op::DecideBatch) })
}

fn batch_result(mut result: Members) -> DecideBatchResult {
    match result.json_or_none("problem") {
        Some(problem) => DecideBatchResult { decision: None, problem_json: Some(problem) },
        None => DecideBatchResult { decision: Some(decision(result)), problem_json: None },
    }
}

/// The reply as REST has it, put together again.
fn verify(message: VerifyDecisionRequest) -> Result<Input, Problem> {
    let bytes = message.encoded_len();
    let VerifyDecisionRequest { signed_json, signature, capability_token, original_request } =
        message;
    let reply = json_text::read(signed_json.as_bytes());
    let Json::Object(mut reply) = reply.map_err(|fault| json_problem(Op::DecideVerify, fault))?
    else {
        return Err(Problem::fault(Fault::at("/signed_json", "wrong_type", "must be an object")));
    };
    reply.insert("signature", signature.map(signature_members));
    reply.insert("capability_token", capability_token);
    let mut members = Object::new();
    members.insert("decision_response", reply);
    if let Some(request) = original_request {
        members.insert("original_request", body(request, Op::DecideVerify)?);
    }
    Ok(Input { body: Some(Json::Object(members)), bytes, ..Input::of(Op::DecideVerify) })
}

pub(super) fn signature_members(signature: Signature) -> Object {
    let mut members = Object::new();
    members.insert("algorithm", signature.algorithm);
    members.insert("key_id", signature.key_id);
    members.insert("value", signature.value);
    put(&mut members, "leaf_index", signature.leaf_index);
    put(&mut members, "tree_size", signature.tree_size);
    if signature.leaf_index.is_some() {
        members.insert("path", signature.path);
    }
    members
}

/// A reply of `POST /decide`.
pub(super) fn decision(mut reply: Members) -> DecideReply {
    let signature = reply.object("signature", signature_message);
    let capability_token = reply.text("capability_token");
    let node = reply.word("node");
    // What is left is what was signed.
    let signed_json = Json::Object(reply.0.clone()).to_canonical();
    DecideReply { capability_token, node, signature, signed_json, ..signed(&mut reply) }
}

fn signed(reply: &mut Members) -> DecideReply {
    DecideReply {
        outcome: reply.word("outcome"),
        allowed: reply.flag("allowed"),
        reason: reply.word("reason"),
        reason_code: reply.word("reason_code"),
        decision_id: reply.text("decision_id"),
        request_id: reply.text("request_id"),
        actor: reply.word("actor"),
        action: reply.word("action"),
        resource: reply.text("resource"),
        tool: reply.text("tool"),
        data_classes: reply.texts("data_classes"),
        token_id: reply.text("token_id"),
        token_expires_at: reply.text("token_expires_at"),
        ledger_entry_id: reply.number("ledger_entry_id"),
        ledger_entry_hash: reply.text("ledger_entry_hash"),
        policy_version: reply.count("policy_version"),
        policy_hash: reply.word("policy_hash"),
        policy_mode: reply.word("policy_mode"),
        matched: reply.list("matched", matched),
        obligations: reply.list("obligations", obligation),
        risk: reply.object("risk", |mut risk| RiskScore {
            score: risk.count("score"),
            level: risk.word("level"),
            basis: risk.word("basis"),
        }),
        risk_id: reply.text("risk_id"),
        escalation_id: reply.text("escalation_id"),
        context_hash: reply.text("context_hash"),
        timestamp: reply.text("timestamp"),
        dry_run: reply.flag("dry_run"),
        ..DecideReply::default()
    }
}

pub(super) fn obligation(mut obligation: Members) -> Obligation {
    Obligation {
        obligation: obligation.word("obligation"),
        relation_id: obligation.word("relation_id"),
        satisfied: obligation.flag("satisfied"),
        by: obligation.text("by"),
    }
}

pub(super) fn matched(mut relation: Members) -> MatchedRelation {
    MatchedRelation {
        relation_id: relation.word("relation_id"),
        r#type: relation.word("type"),
        source: relation.word("source"),
        target: relation.word("target"),
        object: relation.text("object"),
        applies: relation.flag("applies"),
        conditions: relation.list("conditions", |mut condition| MatchedCondition {
            key: condition.word("key"),
            op: condition.word("op"),
            expected_json: condition.json("expected"),
            actual_json: condition.json("actual"),
            met: condition.flag("met"),
        }),
    }
}

pub(super) fn signature_message(mut signature: Members) -> Signature {
    Signature {
        algorithm: signature.word("algorithm"),
        key_id: signature.word("key_id"),
        value: signature.word("value"),
        leaf_index: signature.number("leaf_index"),
        tree_size: signature.number("tree_size"),
        path: signature.texts("path"),
    }
}

fn checks(checks: Members) -> Checks {
    Checks {
        schema: checks.fact("schema"),
        key: checks.fact("key"),
        signature: checks.fact("signature"),
        fields: checks.fact("fields"),
        token: checks.fact("token"),
        ledger: checks.fact("ledger"),
        inclusion: checks.fact("inclusion"),
    }
}

fn record(reply: Object) -> DecisionRecord {
    let mut reply = Members(reply);
    let record = DecisionRecord {
        decision: None,
        context_json: reply.json_or_none("context"),
        user_intent: reply.text("user_intent"),
        effective_outcome: reply.word("effective_outcome"),
        effective_basis: reply.word("effective_basis"),
        override_ids: reply.texts("override_ids"),
        evidence_ids: reply.texts("evidence_ids"),
        facts_json: reply.json("facts"),
        erased_json: reply.json_or_none("erased"),
        risk_versions: reply.list("risk_versions", |mut version| RiskVersion {
            risk_id: version.word("risk_id"),
            version: version.count("version"),
            overall_score: version.count("overall_score"),
            risk_level: version.word("risk_level"),
            timestamp: version.word("timestamp"),
        }),
    };
    DecisionRecord { decision: Some(decision(reply)), ..record }
}
