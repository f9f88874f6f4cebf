//! Routes of the area `compliance` that are about humans: article 14.

use governance::access::Permission::ViewAuditLogs;
use governance::access::Right;

use super::{Access, Op, Route, Shape};
use crate::problem::Code;
use crate::rest::oversight::{effectiveness, intervention, stop, verify};

pub(super) const ROUTES: &[Route] = &[
    Route::post(
        Op::Intervene,
        intervention::PATH,
        "Record what a human did about what a machine proposed, or stop the machine",
    )
    .who(Right::Human)
    .tag("Compliance")
    .body(Shape::Fields(intervention::RECORD))
    .replies(intervention::REPLY)
    .codes(&[
        Code::PERMISSION_DENIED,
        Code::NOT_AUTHORISED,
        Code::PRINCIPAL_MISMATCH,
        Code::UNKNOWN_DECISION,
        Code::NOT_ALLOWED,
        Code::IDEMPOTENCY_CONFLICT,
        Code::ERASED,
        Code::CONTEXT_TOO_LARGE,
    ]),
    Route::post(
        Op::InterventionVerify,
        "/compliance/eu-ai-act/article-14/verify",
        "Whether an intervention is recorded as you have it",
    )
    .who(Right::Any)
    .tag("Compliance")
    .access(Access::Compute)
    .body(Shape::Fields(verify::VERIFY))
    .replies(verify::REPLY)
    .codes(&[Code::UNKNOWN_INTERVENTION, Code::CONTEXT_TOO_LARGE]),
    Route::post(
        Op::StopLift,
        "/compliance/eu-ai-act/article-14/stops/{stop_id}/lift",
        "End an emergency stop",
    )
    .who(Right::OversightRole)
    .tag("Compliance")
    .body(Shape::Fields(stop::LIFT))
    .replies(stop::REPLY)
    .codes(&[
        Code::NOT_AUTHORISED,
        Code::PRINCIPAL_MISMATCH,
        Code::UNKNOWN_STOP,
        Code::ALREADY_LIFTED,
        Code::IDEMPOTENCY_CONFLICT,
        Code::ERASED,
    ]),
    Route::get(
        Op::Effectiveness,
        "/compliance/eu-ai-act/article-14/effectiveness",
        "How human oversight went in the last days",
    )
    .who(Right::Holds(ViewAuditLogs))
    .tag("Compliance")
    .access(Access::Audit)
    .query(effectiveness::QUERY)
    .replies(effectiveness::REPLY),
];
