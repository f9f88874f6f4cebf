//! The service `Escalations`.

use prost::Message as _;
use proto::governance::v1::escalations_server::Escalations;
use proto::governance::v1::{
    AcknowledgeEscalationRequest, CreateEscalationRequest, Escalation, EscalationResolution,
    GetEscalationRequest, ListEscalationsReply, ListEscalationsRequest, ListViolationsReply,
    ListViolationsRequest, ResolveEscalationRequest,
};
use tonic::{Request, Response, Status};
use types::{Json, Object};

use super::Service;
use super::caller::{Input, Query};
use super::decisions::put;
use super::members::Members;
use super::risks::metadata;
use crate::backend::Backend;
use crate::problem::Problem;
use crate::routes::Op;

#[tonic::async_trait]
impl<B: Backend> Escalations for Service<B> {
    async fn create(
        &self,
        request: Request<CreateEscalationRequest>,
    ) -> Result<Response<Escalation>, Status> {
        let (_, extensions, message) = request.into_parts();
        self.answer(&extensions, create(message), |reply| escalation(Members(reply))).await
    }

    async fn acknowledge(
        &self,
        request: Request<AcknowledgeEscalationRequest>,
    ) -> Result<Response<Escalation>, Status> {
        let (_, extensions, message) = request.into_parts();
        let bytes = message.encoded_len();
        let mut members = Object::new();
        put(&mut members, "acknowledged_by", message.acknowledged_by);
        let body = Some(Json::Object(members));
        let path = message.escalation_id;
        let input = Input { path, body, bytes, ..Input::of(Op::EscalationAcknowledge) };
        self.answer(&extensions, Ok(input), |reply| escalation(Members(reply))).await
    }

    async fn resolve(
        &self,
        request: Request<ResolveEscalationRequest>,
    ) -> Result<Response<Escalation>, Status> {
        let (_, extensions, message) = request.into_parts();
        let bytes = message.encoded_len();
        let mut members = Object::new();
        members.insert("outcome", message.outcome);
        members.insert("notes", message.notes);
        put(&mut members, "resolved_by", message.resolved_by);
        let body = Some(Json::Object(members));
        let path = message.escalation_id;
        let input = Input { path, body, bytes, ..Input::of(Op::EscalationResolve) };
        self.answer(&extensions, Ok(input), |reply| escalation(Members(reply))).await
    }

    async fn get(
        &self,
        request: Request<GetEscalationRequest>,
    ) -> Result<Response<Escalation>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default().read(message.read);
        let input = Input { path: message.escalation_id, query, ..Input::of(Op::Escalation) };
        self.answer(&extensions, Ok(input), |reply| escalation(Members(reply))).await
    }

    async fn list(
        &self,
        request: Request<ListEscalationsRequest>,
    ) -> Result<Response<ListEscalationsReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default()
            .put("limit", message.limit)
            .put("after", message.after)
            .put("status", message.status)
            .put("priority", message.priority)
            .put("decision_id", message.decision_id)
            .put("order", message.order)
            .read(message.read);
        let input = Input { query, ..Input::of(Op::Escalations) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            ListEscalationsReply {
                escalations: reply.list("escalations", escalation),
                total: reply.count("total"),
                total_exact: reply.flag("total_exact"),
                next: reply.number("next"),
            }
        })
        .await
    }

    async fn violations(
        &self,
        request: Request<ListViolationsRequest>,
    ) -> Result<Response<ListViolationsReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default()
            .put("limit", message.limit)
            .put("after", message.after)
            .read(message.read);
        let input = Input { query, ..Input::of(Op::EscalationViolations) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            ListViolationsReply {
                count: reply.count("count"),
                violations: reply.list("violations", escalation),
                next: reply.text("next"),
            }
        })
        .await
    }
}

fn create(message: CreateEscalationRequest) -> Result<Input, Problem> {
    let bytes = message.encoded_len();
    let mut members = Object::new();
    members.insert("decision_id", message.decision_id);
    members.insert("trigger", message.trigger);
    members.insert("escalated_to", message.escalated_to);
    put(&mut members, "priority", message.priority);
    put(&mut members, "context_summary", message.context_summary);
    put(&mut members, "metadata", metadata(message.metadata_json, Op::EscalationCreate)?);
    let body = Some(Json::Object(members));
    Ok(Input { body, bytes, ..Input::of(Op::EscalationCreate) })
}

pub(super) fn escalation(mut it: Members) -> Escalation {
    Escalation {
        escalation_id: it.word("escalation_id"),
        decision_id: it.word("decision_id"),
        trigger: it.word("trigger"),
        priority: it.word("priority"),
        status: it.word("status"),
        escalated_to: it.texts("escalated_to"),
        context_summary: it.text("context_summary"),
        action_digest: it.text("action_digest"),
        created_at: it.word("created_at"),
        sla_deadline: it.word("sla_deadline"),
        acknowledged_at: it.text("acknowledged_at"),
        acknowledged_by: it.text("acknowledged_by"),
        resolved_at: it.text("resolved_at"),
        resolution: it.object("resolution", |mut answer| EscalationResolution {
            outcome: answer.word("outcome"),
            resolved_by: answer.text("resolved_by"),
            notes: answer.text("notes"),
        }),
        auto: it.flag("auto"),
        risk_id: it.text("risk_id"),
        metadata_json: it.json_or_none("metadata"),
        ledger_entry_id: it.count("ledger_entry_id"),
    }
}
