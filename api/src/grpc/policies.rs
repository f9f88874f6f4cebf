//! The service `Policies`.

use prost::Message as _;
use proto::governance::v1::policies_server::Policies;
use proto::governance::v1::{
    ChangedDecision, ChangedDecisions, EvaluationReply, EvaluationRequest, EvaluationsReply,
    EvaluationsRequest, ExplainReply, ExplainRequest, FailedCondition, Finding, FlipChange,
    GetPolicyRequest, ImpactReply, ImpactRequest, ListPoliciesReply, ListPoliciesRequest,
    LoadPolicyReply, LoadPolicyRequest, MinimalFlip, NearMiss, Policy, RollbackPolicyRequest,
    ValidatePolicyReply, ValidatePolicyRequest,
};
use tonic::{Request, Response, Status};
use types::{Json, Number, Object};

use super::caller::{Input, Query};
use super::decisions::{body, matched, obligation, put, put_integer};
use super::members::Members;
use super::{Service, access};
use crate::backend::Backend;
use crate::edge::intake::json_problem;
use crate::json_text;
use crate::problem::{Fault, Problem};
use crate::routes::Op;

#[tonic::async_trait]
impl<B: Backend> Policies for Service<B> {
    async fn list(
        &self,
        request: Request<ListPoliciesRequest>,
    ) -> Result<Response<ListPoliciesReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default()
            .put("limit", message.limit)
            .put("after", message.after)
            .read(message.read);
        let input = Input { query, ..Input::of(Op::Policies) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            ListPoliciesReply {
                policies: reply.list("policies", policy),
                active_version: reply.count("active_version"),
                policy_hash: reply.word("policy_hash"),
                mode: reply.word("mode"),
                terms_count: reply.count("terms_count"),
                relations_count: reply.count("relations_count"),
                total: reply.count("total"),
                total_exact: reply.flag("total_exact"),
                next: reply.number("next"),
            }
        })
        .await
    }

    async fn get(&self, request: Request<GetPolicyRequest>) -> Result<Response<Policy>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default().read(message.read);
        let input = match message.version {
            Some(version) => Input { path: version.to_string(), query, ..Input::of(Op::Policy) },
            None => Input { query, ..Input::of(Op::PolicyActive) },
        };
        self.answer(&extensions, Ok(input), |reply| policy(Members(reply))).await
    }

    async fn load(
        &self,
        request: Request<LoadPolicyRequest>,
    ) -> Result<Response<LoadPolicyReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        self.answer(&extensions, load(message), loaded).await
    }

    async fn validate(
        &self,
        request: Request<ValidatePolicyRequest>,
    ) -> Result<Response<ValidatePolicyReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let bytes = message.encoded_len();
        let input = document(&message.document_json, Op::PolicyValidate).map(|document| {
            let body = Json::object([("policy", document)]);
            Input { body: Some(body), bytes, ..Input::of(Op::PolicyValidate) }
        });
        self.answer(&extensions, input, |reply| {
            let mut reply = Members(reply);
            ValidatePolicyReply {
                valid: reply.flag("valid"),
                policy_hash: reply.text("policy_hash"),
                errors: reply.list("errors", finding),
                warnings: reply.list("warnings", finding),
            }
        })
        .await
    }

    async fn evaluation(
        &self,
        request: Request<EvaluationRequest>,
    ) -> Result<Response<EvaluationReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let input = access::evaluation(message);
        self.answer(&extensions, input, |reply| access::reply(Members(reply))).await
    }

    async fn evaluations(
        &self,
        request: Request<EvaluationsRequest>,
    ) -> Result<Response<EvaluationsReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        self.answer(&extensions, access::evaluations(message), access::replies).await
    }

    async fn explain(
        &self,
        request: Request<ExplainRequest>,
    ) -> Result<Response<ExplainReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        self.answer(&extensions, explain(message), explained).await
    }

    async fn impact(
        &self,
        request: Request<ImpactRequest>,
    ) -> Result<Response<ImpactReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        self.answer(&extensions, impact(message), |reply| {
            let mut reply = Members(reply);
            ImpactReply {
                decisions_replayed: reply.count("decisions_replayed"),
                unchanged: reply.count("unchanged"),
                allowed_to_denied: reply.object("allowed_to_denied", changed),
                denied_to_allowed: reply.object("denied_to_allowed", changed),
                other_changes: reply.object("other_changes", changed),
                unreplayable: reply.count("unreplayable"),
                from_entry: reply.number("from_entry"),
                to_entry: reply.number("to_entry"),
                candidate_hash: reply.word("candidate_hash"),
            }
        })
        .await
    }

    async fn rollback(
        &self,
        request: Request<RollbackPolicyRequest>,
    ) -> Result<Response<LoadPolicyReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        self.answer(&extensions, rollback(message), loaded).await
    }
}

fn rollback(message: RollbackPolicyRequest) -> Result<Input, Problem> {
    let bytes = message.encoded_len();
    let mut members = Object::new();
    put_integer(&mut members, "version", Some(message.version))?;
    members.insert("reason", message.reason);
    let body = Some(Json::Object(members));
    Ok(Input { body, bytes, ..Input::of(Op::PolicyRollback) })
}

fn loaded(reply: Object) -> LoadPolicyReply {
    let mut reply = Members(reply);
    LoadPolicyReply {
        status: reply.word("status"),
        policy_version: reply.count("policy_version"),
        policy_hash: reply.word("policy_hash"),
        terms_loaded: reply.count("terms_loaded"),
        relations_loaded: reply.count("relations_loaded"),
        mode: reply.word("mode"),
        previous_version: reply.count("previous_version"),
        warnings: reply.list("warnings", finding),
        ledger_entry_id: reply.count("ledger_entry_id"),
    }
}

fn explain(message: ExplainRequest) -> Result<Input, Problem> {
    let bytes = message.encoded_len();
    let mut members = match message.request {
        Some(request) => match body(request, Op::PolicyExplain)? {
            Json::Object(members) => members,
            _ => return Err(Problem::internal()),
        },
        None => Object::new(),
    };
    put(&mut members, "decision_id", message.decision_id);
    if let Some(text) = message.document_json {
        members.insert("policy", document(&text, Op::PolicyExplain)?);
    }
    let body = Some(Json::Object(members));
    Ok(Input { body, bytes, ..Input::of(Op::PolicyExplain) })
}

fn explained(reply: Object) -> ExplainReply {
    let mut reply = Members(reply);
    ExplainReply {
        outcome: reply.word("outcome"),
        reason: reply.word("reason"),
        reason_code: reply.word("reason_code"),
        policy_version: reply.number("policy_version"),
        policy_hash: reply.word("policy_hash"),
        matched: reply.list("matched", matched),
        near_misses: reply.list("near_misses", |mut miss| NearMiss {
            relation_id: miss.word("relation_id"),
            r#type: miss.word("type"),
            failed: miss.list("failed", |mut failed| FailedCondition {
                key: failed.word("key"),
                op: failed.word("op"),
                expected_json: failed.json("expected"),
                actual_json: failed.json("actual"),
                missing: failed.flag("missing"),
            }),
        }),
        minimal_flip: reply.object("minimal_flip", |mut flip| MinimalFlip {
            changes: flip.list("changes", |mut change| FlipChange {
                key: change.word("key"),
                op: change.word("op"),
                value_json: change.json("value"),
            }),
            outcome: flip.word("outcome"),
        }),
        obligations: reply.list("obligations", obligation),
        steps: reply.count("steps"),
    }
}

fn impact(message: ImpactRequest) -> Result<Input, Problem> {
    let bytes = message.encoded_len();
    let mut members = Object::new();
    members.insert("policy", document(&message.document_json, Op::PolicyImpact)?);
    put(&mut members, "from", message.from);
    put(&mut members, "to", message.to);
    put_integer(&mut members, "max_examples", message.max_examples)?;
    let body = Some(Json::Object(members));
    Ok(Input { body, bytes, ..Input::of(Op::PolicyImpact) })
}

fn changed(mut changed: Members) -> ChangedDecisions {
    ChangedDecisions {
        count: changed.count("count"),
        examples: changed.list("examples", |mut example| ChangedDecision {
            decision_id: example.word("decision_id"),
            ledger_entry_id: example.count("ledger_entry_id"),
            actor: example.word("actor"),
            action: example.word("action"),
            was: example.word("was"),
            would_be: example.word("would_be"),
        }),
    }
}

fn document(text: &str, op: Op) -> Result<Json, Problem> {
    json_text::read(text.as_bytes()).map_err(|fault| json_problem(op, fault))
}

fn load(message: LoadPolicyRequest) -> Result<Input, Problem> {
    let bytes = message.encoded_len();
    let mut body = Object::new();
    body.insert("policy", document(&message.document_json, Op::PolicyLoad)?);
    if let Some(version) = message.expected_active_version {
        let number = Number::from_i64(version).map_err(|error| {
            let fault = Fault::at("/expected_active_version", "out_of_range", error.to_string());
            Problem::fault(fault)
        })?;
        body.insert("expected_active_version", Json::Number(number));
    }
    if message.acknowledge_widening {
        body.insert("acknowledge_widening", true);
    }
    if let Some(note) = message.note {
        body.insert("note", note);
    }
    Ok(Input { body: Some(Json::Object(body)), bytes, ..Input::of(Op::PolicyLoad) })
}

fn policy(mut row: Members) -> Policy {
    Policy {
        version: row.count("version"),
        policy_hash: row.word("policy_hash"),
        name: row.text("name"),
        document_version: row.word("document_version"),
        mode: row.word("mode"),
        terms_count: row.count("terms_count"),
        relations_count: row.count("relations_count"),
        loaded_at: row.text("loaded_at"),
        loaded_by: row.text("loaded_by"),
        active: row.flag("active"),
        ledger_entry_id: row.number("ledger_entry_id"),
        document_json: row.json_or_none("document"),
    }
}

fn finding(mut finding: Members) -> Finding {
    Finding {
        pointer: finding.word("pointer"),
        code: finding.word("code"),
        detail: finding.word("detail"),
    }
}
