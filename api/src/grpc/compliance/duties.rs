//! What is asked by the EU AI Act, when it begins, and what questions to the
//! ledger find.

use proto::governance::v1::{
    ArticleDuties, Attestation, Duty, DutyRegister, GetArticleRequest, GetQueryRequest,
    GetRegisterRequest, GetTimelineRequest, LedgerEvidence, LedgerQuery, ListQueriesReply,
    ListQueriesRequest, StatusCounts, StatusSummary, Timeline, TimelineDay,
};

use crate::grpc::caller::{Input, Query};
use crate::grpc::members::Members;
use crate::problem::Problem;
use crate::routes::Op;

pub(super) fn of_register(message: GetRegisterRequest) -> Result<Input, Problem> {
    let query = Query::default()
        .put("status", message.status)
        .put("article", message.article)
        .put("as_of", message.as_of)
        .read(message.read);
    Ok(Input { query, ..Input::of(Op::Register) })
}

pub(super) fn of_article(message: GetArticleRequest) -> Result<Input, Problem> {
    let query = Query::default().put("as_of", message.as_of).read(message.read);
    Ok(Input { path: message.article, query, ..Input::of(Op::RegisterArticle) })
}

pub(super) fn of_timeline(message: GetTimelineRequest) -> Result<Input, Problem> {
    let query = Query::default().put("as_of", message.as_of).read(message.read);
    Ok(Input { query, ..Input::of(Op::Timeline) })
}

pub(super) fn of_queries(message: ListQueriesRequest) -> Result<Input, Problem> {
    let query = Query::default().put("as_of", message.as_of).read(message.read);
    Ok(Input { query, ..Input::of(Op::Queries) })
}

pub(super) fn of_query(message: GetQueryRequest) -> Result<Input, Problem> {
    let query = Query::default().put("as_of", message.as_of).read(message.read);
    Ok(Input { path: message.query, query, ..Input::of(Op::Query) })
}

pub(super) fn register(mut reply: Members) -> DutyRegister {
    DutyRegister {
        obligations: reply.list("obligations", duty),
        summary: reply.object("summary", summary),
        register_version: reply.word("register_version"),
        as_of_index: reply.count("as_of_index"),
    }
}

pub(super) fn article(mut reply: Members) -> ArticleDuties {
    ArticleDuties {
        article: reply.word("article"),
        title: reply.word("title"),
        part: reply.word("part"),
        obligations: reply.list("obligations", duty),
        summary: reply.object("summary", summary),
        register_version: reply.word("register_version"),
        as_of_index: reply.count("as_of_index"),
    }
}

fn duty(mut duty: Members) -> Duty {
    Duty {
        id: duty.word("id"),
        r#ref: duty.word("ref"),
        article: duty.word("article"),
        title: duty.word("title"),
        status: duty.word("status"),
        status_detail: duty.word("status_detail"),
        applicable_from: duty.text("applicable_from"),
        evidence: duty.list("evidence", evidence),
        human_evidence_required: duty.texts("human_evidence_required"),
        evidence_artifact_ids: duty.texts("evidence_artifact_ids"),
        attestations: duty.list("attestations", attestation),
        primitives: duty.texts("primitives"),
        missing: duty.texts("missing"),
        last_evidence_at: duty.text("last_evidence_at"),
    }
}

/// What a question found, where it is evidence.
pub(super) fn evidence(mut found: Members) -> LedgerEvidence {
    LedgerEvidence {
        query: found.word("query"),
        version: found.count("version"),
        count: found.count("count"),
        population: found.count("population"),
        threshold: found.count("threshold"),
        result: found.word("result"),
        satisfied: found.flag("satisfied"),
        digest: found.word("digest"),
    }
}

/// Who vouched.
pub(super) fn attestation(mut it: Members) -> Attestation {
    Attestation {
        attestation_id: it.text("attestation_id"),
        attested_by: it.text("attested_by"),
        artifact_ids: it.texts("artifact_ids"),
        attested_at: it.word("attested_at"),
        valid_until: it.text("valid_until"),
        counts: it.flag("counts"),
        ledger_entry_id: it.count("ledger_entry_id"),
    }
}

/// How many have which status.
pub(super) fn counts(counts: Members) -> StatusCounts {
    StatusCounts {
        evidence_sufficient: counts.count("evidence_sufficient"),
        partial: counts.count("partial"),
        needs_human_evidence: counts.count("needs_human_evidence"),
        insufficient: counts.count("insufficient"),
        not_applicable: counts.count("not_applicable"),
    }
}

/// The same, as an answer has it.
pub(super) fn summary(mut summary: Members) -> StatusSummary {
    StatusSummary { by_status: summary.object("by_status", counts) }
}

pub(super) fn timeline(mut reply: Members) -> Timeline {
    Timeline {
        days: reply.list("days", day),
        duties_never: reply.count("duties_never"),
        register_version: reply.word("register_version"),
        as_of_index: reply.count("as_of_index"),
    }
}

fn day(mut day: Members) -> TimelineDay {
    TimelineDay {
        date: day.word("date"),
        is_past: day.flag("is_past"),
        what: day.texts("what"),
        duties: day.count("duties"),
        articles: day.texts("articles"),
    }
}

pub(super) fn queries(mut reply: Members) -> ListQueriesReply {
    ListQueriesReply {
        queries: reply.list("queries", query),
        as_of_index: reply.count("as_of_index"),
    }
}

pub(super) fn query(mut found: Members) -> LedgerQuery {
    LedgerQuery {
        query: found.word("query"),
        version: found.count("version"),
        count: found.count("count"),
        population: found.count("population"),
        threshold: found.count("threshold"),
        result: found.word("result"),
        satisfied: found.flag("satisfied"),
        parameters_json: found.json("parameters"),
        completeness_json: found.json("completeness"),
        digest: found.word("digest"),
        last_evidence_at: found.text("last_evidence_at"),
        as_of_index: found.number("as_of_index"),
    }
}
