//! The service `Overrides`.

use prost::Message as _;
use proto::governance::v1::overrides_server::Overrides;
use proto::governance::v1::{
    ActiveOverride, ExecuteOverrideRequest, GetActiveOverrideRequest, GetOverrideRequest,
    GetOverridesOfDecisionRequest, ListPendingOverridesRequest, Override, OverrideReview,
    OverrideScope, OverridesOfDecision, PendingOverrides, ReviewOverrideRequest,
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
impl<B: Backend> Overrides for Service<B> {
    async fn execute(
        &self,
        request: Request<ExecuteOverrideRequest>,
    ) -> Result<Response<Override>, Status> {
        let (_, extensions, message) = request.into_parts();
        self.answer(&extensions, execute(message), |reply| shown(Members(reply))).await
    }

    async fn review(
        &self,
        request: Request<ReviewOverrideRequest>,
    ) -> Result<Response<Override>, Status> {
        let (_, extensions, message) = request.into_parts();
        let bytes = message.encoded_len();
        let mut members = Object::new();
        members.insert("verdict", message.verdict);
        members.insert("notes", message.notes);
        put(&mut members, "reviewed_by", message.reviewed_by);
        let body = Some(Json::Object(members));
        let path = message.override_id;
        let input = Input { path, body, bytes, ..Input::of(Op::OverrideReview) };
        self.answer(&extensions, Ok(input), |reply| shown(Members(reply))).await
    }

    async fn get(
        &self,
        request: Request<GetOverrideRequest>,
    ) -> Result<Response<Override>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default().read(message.read);
        let input = Input { path: message.override_id, query, ..Input::of(Op::Override) };
        self.answer(&extensions, Ok(input), |reply| shown(Members(reply))).await
    }

    async fn of_decision(
        &self,
        request: Request<GetOverridesOfDecisionRequest>,
    ) -> Result<Response<OverridesOfDecision>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default().read(message.read);
        let path = message.decision_id;
        let input = Input { path, query, ..Input::of(Op::OverridesOfDecision) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            OverridesOfDecision {
                decision_id: reply.word("decision_id"),
                count: reply.count("count"),
                overrides: reply.list("overrides", shown),
            }
        })
        .await
    }

    async fn active(
        &self,
        request: Request<GetActiveOverrideRequest>,
    ) -> Result<Response<ActiveOverride>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default().read(message.read);
        let input = Input { path: message.decision_id, query, ..Input::of(Op::OverrideActive) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            ActiveOverride {
                decision_id: reply.word("decision_id"),
                is_overridden: reply.flag("is_overridden"),
                r#override: reply.object("override", shown),
            }
        })
        .await
    }

    async fn pending_reviews(
        &self,
        request: Request<ListPendingOverridesRequest>,
    ) -> Result<Response<PendingOverrides>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default()
            .put("limit", message.limit)
            .put("after", message.after)
            .read(message.read);
        let input = Input { query, ..Input::of(Op::OverridesPending) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            PendingOverrides {
                overrides: reply.list("overrides", shown),
                total: reply.count("total"),
                total_exact: reply.flag("total_exact"),
                next: reply.text("next"),
            }
        })
        .await
    }
}

fn execute(message: ExecuteOverrideRequest) -> Result<Input, Problem> {
    let bytes = message.encoded_len();
    let mut members = Object::new();
    members.insert("decision_id", message.decision_id);
    members.insert("override_type", message.override_type);
    put(&mut members, "authorized_by", message.authorized_by);
    members.insert("justification", message.justification);
    put(&mut members, "original_outcome", message.original_outcome);
    put(&mut members, "new_outcome", message.new_outcome);
    put(&mut members, "expires_at", message.expires_at);
    let scope = message.scope.map(|given| {
        let mut scope = Object::new();
        put(&mut scope, "is_one_time", given.is_one_time);
        put(&mut scope, "applies_to_actor", given.applies_to_actor);
        put(&mut scope, "applies_to_policy", given.applies_to_policy);
        scope
    });
    put(&mut members, "scope", scope);
    members.insert("evidence_ids", message.evidence_ids);
    put(&mut members, "metadata", metadata(message.metadata_json, Op::OverrideExecute)?);
    let body = Some(Json::Object(members));
    Ok(Input { body, bytes, ..Input::of(Op::OverrideExecute) })
}

pub(super) fn shown(mut reply: Members) -> Override {
    Override {
        override_id: reply.word("override_id"),
        decision_id: reply.word("decision_id"),
        override_type: reply.word("override_type"),
        authorized_by: reply.word("authorized_by"),
        authorized_role: reply.word("authorized_role"),
        justification: reply.text("justification"),
        original_outcome: reply.word("original_outcome"),
        new_outcome: reply.word("new_outcome"),
        timestamp: reply.word("timestamp"),
        expires_at: reply.text("expires_at"),
        scope: reply.object("scope", |mut scope| OverrideScope {
            is_one_time: scope.flag("is_one_time"),
            applies_to_actor: scope.text("applies_to_actor"),
            applies_to_policy: scope.text("applies_to_policy"),
        }),
        status: reply.word("status"),
        review_required_by: reply.word("review_required_by"),
        review: reply.object("review", |mut review| OverrideReview {
            verdict: review.word("verdict"),
            reviewed_by: review.text("reviewed_by"),
            reviewed_at: review.word("reviewed_at"),
            notes: review.text("notes"),
            ledger_entry_id: review.count("ledger_entry_id"),
        }),
        evidence_ids: reply.texts("evidence_ids"),
        metadata_json: reply.json_or_none("metadata"),
        ledger_entry_id: reply.count("ledger_entry_id"),
    }
}
