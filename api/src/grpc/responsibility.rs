//! The service `Responsibility`.

use std::collections::HashMap;

use prost::Message as _;
use proto::governance::v1::responsibility_report::{Party, Summary};
use proto::governance::v1::responsibility_server::Responsibility;
use proto::governance::v1::{
    GetLegalResponsibilityRequest, GetResponsibilityChainRequest, GetResponsibilityOfPartyRequest,
    GetResponsibilityReportRequest, LegalResponsibility, ListPendingReviewsRequest, PendingReviews,
    RecordResponsibilityRequest, ResponsibilityChain, ResponsibilityOfParty, ResponsibilityRecord,
    ResponsibilityReport, ResponsibilityReview, ReviewResponsibilityRequest,
};
use tonic::{Request, Response, Status};
use types::{Json, Object};

use super::Service;
use super::caller::{Input, Query};
use super::decisions::{put, put_integer};
use super::ledger::note_signature;
use super::members::Members;
use crate::backend::Backend;
use crate::problem::Problem;
use crate::routes::Op;

#[tonic::async_trait]
impl<B: Backend> Responsibility for Service<B> {
    async fn chain(
        &self,
        request: Request<GetResponsibilityChainRequest>,
    ) -> Result<Response<ResponsibilityChain>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default().read(message.read);
        let input =
            Input { path: message.decision_id, query, ..Input::of(Op::ResponsibilityChain) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            ResponsibilityChain {
                decision_id: reply.word("decision_id"),
                chain_length: reply.count("chain_length"),
                records: reply.list("records", record),
            }
        })
        .await
    }

    async fn of_party(
        &self,
        request: Request<GetResponsibilityOfPartyRequest>,
    ) -> Result<Response<ResponsibilityOfParty>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = page(message.limit, message.after).read(message.read);
        let input = Input { path: message.party, query, ..Input::of(Op::ResponsibilityParty) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            ResponsibilityOfParty {
                responsible_party: reply.word("responsible_party"),
                decision_count: reply.count("decision_count"),
                records: reply.list("records", record),
                next: reply.number("next"),
            }
        })
        .await
    }

    async fn legal(
        &self,
        request: Request<GetLegalResponsibilityRequest>,
    ) -> Result<Response<LegalResponsibility>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default().read(message.read);
        let input =
            Input { path: message.decision_id, query, ..Input::of(Op::ResponsibilityLegal) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            LegalResponsibility {
                export_type: reply.word("export_type"),
                decision_id: reply.word("decision_id"),
                chain_length: reply.count("chain_length"),
                responsibility_records: reply.list("responsibility_records", record),
                final_responsible_party: reply.word("final_responsible_party"),
                human_in_loop: reply.flag("human_in_loop"),
                signatures_present: reply.list("signatures_present", note_signature),
                checkpoint: reply.text("checkpoint"),
            }
        })
        .await
    }

    async fn report(
        &self,
        request: Request<GetResponsibilityReportRequest>,
    ) -> Result<Response<ResponsibilityReport>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query =
            Query::default().put("from", message.from).put("to", message.to).read(message.read);
        let input = Input { query, ..Input::of(Op::ResponsibilityReport) };
        self.answer(&extensions, Ok(input), |reply| report(Members(reply))).await
    }

    async fn pending_reviews(
        &self,
        request: Request<ListPendingReviewsRequest>,
    ) -> Result<Response<PendingReviews>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = page(message.limit, message.after).read(message.read);
        let input = Input { query, ..Input::of(Op::ResponsibilityPending) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            PendingReviews {
                pending_count: reply.count("pending_count"),
                records: reply.list("records", record),
                next: reply.number("next"),
            }
        })
        .await
    }

    async fn record(
        &self,
        request: Request<RecordResponsibilityRequest>,
    ) -> Result<Response<ResponsibilityRecord>, Status> {
        let (_, extensions, message) = request.into_parts();
        self.answer(&extensions, asked(message), |reply| record(Members(reply))).await
    }

    async fn review(
        &self,
        request: Request<ReviewResponsibilityRequest>,
    ) -> Result<Response<ResponsibilityRecord>, Status> {
        let (_, extensions, message) = request.into_parts();
        let bytes = message.encoded_len();
        let ReviewResponsibilityRequest { record_id, outcome, notes, reviewed_by } = message;
        let mut members = Object::new();
        members.insert("outcome", outcome);
        members.insert("notes", notes);
        put(&mut members, "reviewed_by", reviewed_by);
        let body = Some(Json::Object(members));
        let input = Input { path: record_id, body, bytes, ..Input::of(Op::ResponsibilityReview) };
        self.answer(&extensions, Ok(input), |reply| record(Members(reply))).await
    }
}

fn page(limit: Option<i64>, after: Option<i64>) -> Query {
    Query::default().put("limit", limit).put("after", after)
}

fn asked(message: RecordResponsibilityRequest) -> Result<Input, Problem> {
    let bytes = message.encoded_len();
    let mut members = Object::new();
    members.insert("decision_id", message.decision_id);
    members.insert("decision_maker", message.decision_maker);
    members.insert("responsible_party", message.responsible_party);
    members.insert("role", message.role);
    members.insert("reasoning", message.reasoning);
    members.insert("responsibility_level", message.responsibility_level);
    put_integer(&mut members, "confidence_percent", message.confidence_percent)?;
    put(&mut members, "delegated_from", message.delegated_from);
    put(&mut members, "review_required", message.review_required);
    let body = Some(Json::Object(members));
    Ok(Input { body, bytes, ..Input::of(Op::ResponsibilityRecord) })
}

fn record(mut record: Members) -> ResponsibilityRecord {
    ResponsibilityRecord {
        record_id: record.word("record_id"),
        decision_id: record.word("decision_id"),
        decision_maker: record.word("decision_maker"),
        responsible_party: record.word("responsible_party"),
        role: record.word("role"),
        reasoning: record.text("reasoning"),
        responsibility_level: record.word("responsibility_level"),
        confidence_percent: record.number("confidence_percent"),
        delegated_from: record.text("delegated_from"),
        escalation_id: record.text("escalation_id"),
        override_id: record.text("override_id"),
        review_required: record.flag("review_required"),
        review: record.object("review", |mut review| ResponsibilityReview {
            outcome: review.text("outcome"),
            notes: review.text("notes"),
            reviewed_by: review.text("reviewed_by"),
            reviewed_at: review.word("reviewed_at"),
            ledger_entry_id: review.count("ledger_entry_id"),
        }),
        timestamp: record.word("timestamp"),
        ledger_entry_id: record.count("ledger_entry_id"),
    }
}

fn report(mut reply: Members) -> ResponsibilityReport {
    let mut period = reply.object("period", |period| period).unwrap_or_default();
    ResponsibilityReport {
        from: period.text("from"),
        to: period.text("to"),
        summary: reply.object("summary", |mut summary| Summary {
            total_decisions: summary.count("total_decisions"),
            by_decision_maker: counts(&mut summary, "by_decision_maker"),
            by_responsibility_level: counts(&mut summary, "by_responsibility_level"),
            ai_overrides: summary.count("ai_overrides"),
            override_rate_percent: summary.count("override_rate_percent"),
            pending_reviews: summary.count("pending_reviews"),
        }),
        top_responsible_parties: reply.list("top_responsible_parties", |mut party| Party {
            party: party.word("party"),
            decision_count: party.count("decision_count"),
        }),
    }
}

/// Numbers by word.
fn counts(members: &mut Members, name: &str) -> HashMap<String, u64> {
    let Members(counts) = members.object(name, |counts| counts).unwrap_or_default();
    let numbers = counts.iter().map(|(word, count)| (word.to_owned(), count.as_u64()));
    numbers.map(|(word, count)| (word, count.unwrap_or_default())).collect()
}
