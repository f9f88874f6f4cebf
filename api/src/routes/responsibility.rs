//! Routes of the area `responsibility`.

use governance::access::Permission::{ApproveAuditPacket, ViewAuditLogs};
use governance::access::Right;

use super::{Op, Route, Shape};
use crate::problem::Code;
use crate::rest::responsibility;

const TAG: &str = "Responsibility";

pub(super) const ROUTES: &[Route] = &[
    Route::get(
        Op::ResponsibilityChain,
        "/responsibility/chain/{decision_id}",
        "Everybody who answers for a decision",
    )
    .who(Right::Holds(ViewAuditLogs))
    .tag(TAG)
    .replies(responsibility::CHAIN_REPLY)
    .codes(&[Code::UNKNOWN_DECISION]),
    Route::get(
        Op::ResponsibilityParty,
        "/responsibility/party/{party}",
        "What somebody answers for",
    )
    .who(Right::Holds(ViewAuditLogs))
    .tag(TAG)
    .query(responsibility::PAGE_QUERY)
    .replies(responsibility::PARTY_REPLY),
    Route::get(
        Op::ResponsibilityLegal,
        "/responsibility/legal/{decision_id}",
        "Everybody who answers for a decision, with the proof",
    )
    .who(Right::Holds(ViewAuditLogs))
    .tag(TAG)
    .replies(responsibility::LEGAL_REPLY)
    .codes(&[Code::UNKNOWN_DECISION]),
    Route::get(
        Op::ResponsibilityReport,
        "/responsibility/report",
        "Who answered for how much in a span of time",
    )
    .who(Right::Holds(ViewAuditLogs))
    .tag(TAG)
    .query(responsibility::REPORT_QUERY)
    .replies(responsibility::REPORT_REPLY),
    Route::get(
        Op::ResponsibilityPending,
        "/responsibility/pending-reviews",
        "Records that wait for a review",
    )
    .who(Right::Holds(ViewAuditLogs))
    .tag(TAG)
    .query(responsibility::PAGE_QUERY)
    .replies(responsibility::PENDING_REPLY),
    Route::post(
        Op::ResponsibilityRecord,
        "/responsibility/records",
        "Say who answers for a recorded decision",
    )
    .who(Right::Any)
    .tag(TAG)
    .body(Shape::Fields(responsibility::RECORD))
    .replies(responsibility::REPLY)
    .codes(&[
        Code::UNKNOWN_DECISION,
        Code::NOT_ALLOWED,
        Code::IDEMPOTENCY_CONFLICT,
        Code::ERASED,
    ]),
    Route::post(
        Op::ResponsibilityReview,
        "/responsibility/{record_id}/review",
        "Accept or reject what a record says",
    )
    .who(Right::OversightOr(ApproveAuditPacket))
    .tag(TAG)
    .body(Shape::Fields(responsibility::REVIEW))
    .replies(responsibility::REPLY)
    .codes(&[
        Code::UNKNOWN_RECORD,
        Code::NOT_AUTHORISED,
        Code::PRINCIPAL_MISMATCH,
        Code::SAME_PERSON,
        Code::ALREADY_REVIEWED,
        Code::IDEMPOTENCY_CONFLICT,
        Code::ERASED,
    ]),
];
