//! Routes of the area `risks`.

use governance::access::Permission::ViewAuditLogs;
use governance::access::Right;

use super::{Op, Route, Shape};
use crate::problem::Code;
use crate::rest::risk;

pub(super) const ROUTES: &[Route] = &[
    Route::post(Op::RiskAssess, "/risks/assess", "Assess the risk of a recorded decision")
        .who(Right::Any)
        .tag("Risks")
        .body(Shape::Fields(risk::ASSESS))
        .replies(risk::REPLY)
        .codes(&[
            Code::UNKNOWN_DECISION,
            Code::ALREADY_ASSESSED,
            Code::NOT_LATEST,
            Code::NOT_ALLOWED,
            Code::IDEMPOTENCY_CONFLICT,
            Code::ERASED,
        ]),
    Route::get(Op::Risks, "/risks", "The latest assessment of each decision, highest score first")
        .who(Right::Holds(ViewAuditLogs))
        .tag("Risks")
        .query(risk::LIST_QUERY)
        .replies(risk::LIST_REPLY),
    Route::get(Op::Risk, "/risks/{risk_id}", "An assessment of risk")
        .who(Right::Holds(ViewAuditLogs))
        .tag("Risks")
        .replies(risk::REPLY)
        .codes(&[Code::UNKNOWN_RISK, Code::ERASED]),
    Route::get(
        Op::RiskOfDecision,
        "/risks/decision/{decision_id}",
        "The latest assessment of a decision, with every version",
    )
    .who(Right::Holds(ViewAuditLogs))
    .tag("Risks")
    .replies(risk::OF_DECISION_REPLY)
    .codes(&[Code::UNKNOWN_DECISION, Code::UNKNOWN_RISK, Code::ERASED]),
];
