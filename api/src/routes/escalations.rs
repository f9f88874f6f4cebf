//! Routes of the area `escalations`.

use governance::access::Permission::ViewAuditLogs;
use governance::access::Right;

use super::{Op, Route, Shape};
use crate::problem::Code;
use crate::rest::escalation;

pub(super) const ROUTES: &[Route] = &[
    Route::post(Op::EscalationCreate, "/escalations/create", "Ask humans about a decision")
        .who(Right::Any)
        .tag("Escalations")
        .body(Shape::Fields(escalation::CREATE))
        .replies(escalation::REPLY)
        .codes(&[
            Code::UNKNOWN_DECISION,
            Code::ERASED,
            Code::NOT_ALLOWED,
            Code::IDEMPOTENCY_CONFLICT,
        ]),
    Route::post(
        Op::EscalationAcknowledge,
        "/escalations/{escalation_id}/acknowledge",
        "Say that one looks",
    )
    .who(Right::Oversight)
    .tag("Escalations")
    .body(Shape::Fields(escalation::ACKNOWLEDGE))
    .replies(escalation::REPLY)
    .codes(&[
        Code::NOT_AUTHORISED,
        Code::PRINCIPAL_MISMATCH,
        Code::UNKNOWN_ESCALATION,
        Code::ALREADY_ACKNOWLEDGED,
        Code::ALREADY_RESOLVED,
        Code::EXPIRED,
        Code::ERASED,
        Code::IDEMPOTENCY_CONFLICT,
    ]),
    Route::post(Op::EscalationResolve, "/escalations/{escalation_id}/resolve", "Answer")
        .who(Right::Oversight)
        .tag("Escalations")
        .body(Shape::Fields(escalation::RESOLVE))
        .replies(escalation::REPLY)
        .codes(&[
            Code::NOT_AUTHORISED,
            Code::PRINCIPAL_MISMATCH,
            Code::UNKNOWN_ESCALATION,
            Code::ALREADY_RESOLVED,
            Code::EXPIRED,
            Code::ERASED,
            Code::IDEMPOTENCY_CONFLICT,
        ]),
    Route::get(Op::Escalations, "/escalations", "Escalations")
        .who(Right::Holds(ViewAuditLogs))
        .tag("Escalations")
        .query(escalation::LIST_QUERY)
        .replies(escalation::LIST_REPLY),
    Route::get(
        Op::EscalationViolations,
        "/escalations/sla/violations",
        "Escalations that nobody answered in time",
    )
    .who(Right::Holds(ViewAuditLogs))
    .tag("Escalations")
    .query(escalation::VIOLATIONS_QUERY)
    .replies(escalation::VIOLATIONS_REPLY),
    Route::get(Op::Escalation, "/escalations/{escalation_id}", "An escalation as it stands")
        .who(Right::Holds(ViewAuditLogs))
        .tag("Escalations")
        .replies(escalation::REPLY)
        .codes(&[Code::UNKNOWN_ESCALATION, Code::ERASED]),
];
