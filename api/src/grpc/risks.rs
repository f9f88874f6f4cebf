//! The service `Risks`.

use prost::Message as _;
use proto::governance::v1::risks_server::Risks;
use proto::governance::v1::{
    AssessRiskRequest, GetRiskOfDecisionRequest, GetRiskRequest, ListRisksReply, ListRisksRequest,
    Risk, RiskFactor, RiskInput, RiskOfDecision,
};
use tonic::{Request, Response, Status};
use types::{Json, Object};

use super::Service;
use super::caller::{Input, Query};
use super::decisions::{put, put_integer, risk_members};
use super::members::Members;
use crate::backend::Backend;
use crate::edge::intake::json_problem;
use crate::json_text;
use crate::problem::Problem;
use crate::routes::Op;

#[tonic::async_trait]
impl<B: Backend> Risks for Service<B> {
    async fn assess(&self, request: Request<AssessRiskRequest>) -> Result<Response<Risk>, Status> {
        let (_, extensions, message) = request.into_parts();
        self.answer(&extensions, assess(message), |reply| risk(Members(reply))).await
    }

    async fn get(&self, request: Request<GetRiskRequest>) -> Result<Response<Risk>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default().read(message.read);
        let input = Input { path: message.risk_id, query, ..Input::of(Op::Risk) };
        self.answer(&extensions, Ok(input), |reply| risk(Members(reply))).await
    }

    async fn of_decision(
        &self,
        request: Request<GetRiskOfDecisionRequest>,
    ) -> Result<Response<RiskOfDecision>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default().read(message.read);
        let input = Input { path: message.decision_id, query, ..Input::of(Op::RiskOfDecision) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            let versions = reply.list("versions", risk);
            RiskOfDecision { risk: Some(risk(reply)), versions }
        })
        .await
    }

    async fn list(
        &self,
        request: Request<ListRisksRequest>,
    ) -> Result<Response<ListRisksReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default()
            .put("limit", message.limit)
            .put("after", message.after)
            .put("min_score", message.min_score)
            .put("level", message.level)
            .read(message.read);
        let input = Input { query, ..Input::of(Op::Risks) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            ListRisksReply {
                risks: reply.list("risks", risk),
                total: reply.count("total"),
                total_exact: reply.flag("total_exact"),
                next: reply.text("next"),
            }
        })
        .await
    }
}

fn assess(message: AssessRiskRequest) -> Result<Input, Problem> {
    let bytes = message.encoded_len();
    let mut members = Object::new();
    members.insert("decision_id", message.decision_id);
    let dimensions = message.dimensions.as_ref().map(risk_members).transpose()?;
    put(&mut members, "dimensions", dimensions);
    put_integer(&mut members, "likelihood", message.likelihood)?;
    put_integer(&mut members, "impact", message.impact)?;
    members.insert("mitigations", message.mitigations);
    put(&mut members, "supersedes", message.supersedes);
    put(&mut members, "metadata", metadata(message.metadata_json, Op::RiskAssess)?);
    let body = Some(Json::Object(members));
    Ok(Input { body, bytes, ..Input::of(Op::RiskAssess) })
}

/// Free-form JSON, if it is there.
pub(super) fn metadata(text: Option<String>, op: Op) -> Result<Option<Json>, Problem> {
    let read =
        |text: String| json_text::read(text.as_bytes()).map_err(|fault| json_problem(op, fault));
    text.map(read).transpose()
}

fn risk(mut risk: Members) -> Risk {
    Risk {
        risk_id: risk.word("risk_id"),
        decision_id: risk.word("decision_id"),
        version: risk.count("version"),
        supersedes: risk.text("supersedes"),
        overall_score: risk.count("overall_score"),
        risk_level: risk.word("risk_level"),
        dimensions: risk.object("dimensions", |given| dimensions(&given)),
        factors: risk.list("factors", |mut factor| RiskFactor {
            name: factor.word("name"),
            weight: factor.count("weight"),
            value: factor.count("value"),
        }),
        escalation_id: risk.text("escalation_id"),
        timestamp: risk.word("timestamp"),
        ledger_entry_id: risk.count("ledger_entry_id"),
    }
}

fn dimensions(given: &Members) -> RiskInput {
    let value = |name| given.number(name).and_then(|value| i64::try_from(value).ok());
    RiskInput {
        security: value("security"),
        privacy: value("privacy"),
        compliance: value("compliance"),
        operational: value("operational"),
        reputational: value("reputational"),
        financial: value("financial"),
    }
}
