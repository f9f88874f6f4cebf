//! The service `Policies`.

use prost::Message as _;
use proto::governance::v1::policies_server::Policies;
use proto::governance::v1::{
    EvaluationReply, EvaluationRequest, EvaluationsReply, EvaluationsRequest, Finding,
    GetPolicyRequest, ListPoliciesReply, ListPoliciesRequest, LoadPolicyReply, LoadPolicyRequest,
    Policy, ValidatePolicyReply, ValidatePolicyRequest,
};
use tonic::{Request, Response, Status};
use types::{Json, Number, Object};

use super::caller::{Input, Query};
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
        self.answer(&extensions, load(message), |reply| {
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
        })
        .await
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
