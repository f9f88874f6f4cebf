//! Routes of the area `compliance` that tell what is asked of the organisation,
//! and what there is for it.

use governance::access::Permission::{
    ApproveAuditPacket, ManagePolicies, ViewAuditLogs, ViewDashboard,
};
use governance::access::Right;

use super::{Access, Method, Op, Route, Shape};
use crate::fields::Field;
use crate::problem::Code;
use crate::rest::as_of;
use crate::rest::compliance::{control, duties, framework, profile, query, timeline};

const fn read(op: Op, path: &'static str, summary: &'static str) -> Route {
    Route::get(op, path, summary)
        .who(Right::Holds(ViewDashboard))
        .tag("Compliance")
        .access(Access::Audit)
        .query(AS_OF)
}

/// Nothing but up to where.
const AS_OF: &[Field] = &[as_of::AS_OF];

const OF_FRAMEWORK: &[Code] = &[Code::UNKNOWN_FRAMEWORK, Code::NOT_FINAL];

pub(super) const ROUTES: &[Route] = &[
    read(Op::Profile, profile::PATH, "What the organisation says it is").replies(profile::REPLY),
    Route::new(
        Op::ProfileSet,
        Method::Put,
        profile::PATH,
        "Say what the organisation is, from which it follows what applies to it",
    )
    .access(Access::Write)
    .who(Right::Holds(ManagePolicies))
    .tag("Compliance")
    .body(Shape::Fields(profile::SET))
    .replies(profile::REPLY)
    .codes(&[Code::NOT_ALLOWED, Code::IDEMPOTENCY_CONFLICT, Code::ERASED]),
    read(
        Op::ComplianceStatistics,
        "/compliance/statistics",
        "How many controls and duties come to which status",
    )
    .replies(framework::STATISTICS_REPLY)
    .codes(&[Code::NOT_FINAL]),
    read(
        Op::Timeline,
        "/compliance/timeline",
        "What of the EU AI Act begins when, and how many duties with it",
    )
    .replies(timeline::REPLY)
    .codes(&[Code::NOT_FINAL]),
    read(Op::Queries, "/compliance/queries", "What every question to the ledger finds")
        .who(Right::Holds(ViewAuditLogs))
        .replies(query::ALL_REPLY)
        .codes(&[Code::NOT_FINAL]),
    read(Op::Query, "/compliance/queries/{query}", "What a question to the ledger finds")
        .who(Right::Holds(ViewAuditLogs))
        .replies(query::REPLY)
        .codes(&[Code::UNKNOWN_QUERY, Code::NOT_FINAL]),
    read(Op::Register, "/compliance/eu-ai-act", "Duties of the EU AI Act, and how they stand")
        .query(duties::QUERY)
        .replies(duties::REPLY)
        .codes(&[Code::UNKNOWN_ARTICLE, Code::NOT_FINAL]),
    read(
        Op::RegisterArticle,
        "/compliance/eu-ai-act/{article}",
        "Duties of an article such as `article-9`, or one duty such as `AIA-9.1`",
    )
    .replies(duties::ARTICLE_REPLY)
    .codes(&[Code::UNKNOWN_ARTICLE, Code::NOT_FINAL]),
    read(
        Op::Controls,
        "/compliance/{framework}/controls",
        "Controls of a framework, and how they stand",
    )
    .query(framework::CONTROLS_QUERY)
    .replies(framework::CONTROLS_REPLY)
    .codes(OF_FRAMEWORK),
    read(Op::Gaps, "/compliance/{framework}/gaps", "Controls for which something is missing")
        .who(Right::Holds(ViewAuditLogs))
        .replies(framework::GAPS_REPLY)
        .codes(OF_FRAMEWORK),
    read(
        Op::ComplianceReport,
        "/compliance/{framework}/report",
        "How a framework stands as a whole",
    )
    .who(Right::Holds(ViewAuditLogs))
    .replies(framework::REPORT_REPLY)
    .codes(OF_FRAMEWORK),
    read(Op::Coverage, "/compliance/{framework}/coverage", "How a framework stands as numbers")
        .who(Right::Holds(ViewAuditLogs))
        .replies(framework::COVERAGE_REPLY)
        .codes(OF_FRAMEWORK),
    read(Op::Control, "/compliance/{framework}/{control_id}", "A control, and how it stands")
        .replies(control::REPLY)
        .codes(&[Code::UNKNOWN_FRAMEWORK, Code::UNKNOWN_CONTROL, Code::NOT_FINAL]),
    Route::post(
        Op::ControlLink,
        "/compliance/{framework}/{control_id}/link-evidence",
        "Say that a piece of evidence stands for what a control asks of humans",
    )
    .who(Right::Any)
    .tag("Compliance")
    .body(Shape::Fields(control::LINK))
    .replies(control::LINK_REPLY)
    .codes(&[
        Code::UNKNOWN_FRAMEWORK,
        Code::UNKNOWN_CONTROL,
        Code::UNKNOWN_ARTIFACT,
        Code::ARTIFACT_DOES_NOT_FIT,
        Code::NOT_ALLOWED,
        Code::IDEMPOTENCY_CONFLICT,
        Code::ERASED,
    ]),
    Route::post(
        Op::ControlAttest,
        "/compliance/{framework}/{control_id}/attest",
        "Vouch, as a person, for evidence that was linked to a control; the reply is how it stands \
         by what is final at that moment, before a checkpoint covers the statement",
    )
    .who(Right::Holds(ApproveAuditPacket))
    .tag("Compliance")
    .body(Shape::Fields(control::ATTEST))
    .replies(control::REPLY)
    .codes(&[
        Code::NOT_AUTHORISED,
        Code::PRINCIPAL_MISMATCH,
        Code::UNKNOWN_FRAMEWORK,
        Code::UNKNOWN_CONTROL,
        Code::UNKNOWN_ARTIFACT,
        Code::EVIDENCE_NOT_LINKED,
        Code::NOT_ALLOWED,
        Code::IDEMPOTENCY_CONFLICT,
        Code::ERASED,
    ]),
];
