//! Routes of the area `risks`.

use super::{Op, Route, Shape};
use crate::problem::Code;
use crate::rest::risk;

pub(super) const ROUTES: &[Route] = &[
    Route::post(Op::RiskAssess, "/risks/assess", "Assess the risk of a recorded decision")
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
        .tag("Risks")
        .query(risk::LIST_QUERY)
        .replies(risk::LIST_REPLY),
    Route::get(Op::Risk, "/risks/{risk_id}", "An assessment of risk")
        .tag("Risks")
        .replies(risk::REPLY)
        .codes(&[Code::UNKNOWN_RISK, Code::ERASED]),
    Route::get(
        Op::RiskOfDecision,
        "/risks/decision/{decision_id}",
        "The latest assessment of a decision, with every version",
    )
    .tag("Risks")
    .replies(risk::OF_DECISION_REPLY)
    .codes(&[Code::UNKNOWN_DECISION, Code::UNKNOWN_RISK, Code::ERASED]),
];
