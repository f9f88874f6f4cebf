//! Routes of the area `overrides`.

use governance::access::Permission::ViewAuditLogs;
use governance::access::Right;

use super::{Op, Route, Shape};
use crate::problem::Code;
use crate::rest::overrides;

pub(super) const ROUTES: &[Route] = &[
    Route::post(Op::OverrideExecute, "/overrides/execute", "Decide in the place of the policy")
        .who(Right::OversightRole)
        .tag("Overrides")
        .body(Shape::Fields(overrides::EXECUTE))
        .replies(overrides::REPLY)
        .codes(&[
            Code::NOT_AUTHORISED,
            Code::PRINCIPAL_MISMATCH,
            Code::UNKNOWN_DECISION,
            Code::UNKNOWN_ARTIFACT,
            Code::NOTHING_TO_OVERRIDE,
            Code::ORIGINAL_OUTCOME_MISMATCH,
            Code::NOT_ALLOWED,
            Code::IDEMPOTENCY_CONFLICT,
            Code::ERASED,
        ]),
    Route::post(
        Op::OverrideReview,
        "/overrides/{override_id}/review",
        "Say, as a second person, whether an override was right",
    )
    .who(Right::OversightRole)
    .tag("Overrides")
    .body(Shape::Fields(overrides::REVIEW))
    .replies(overrides::REPLY)
    .codes(&[
        Code::NOT_AUTHORISED,
        Code::PRINCIPAL_MISMATCH,
        Code::SAME_PERSON,
        Code::UNKNOWN_OVERRIDE,
        Code::ALREADY_REVIEWED,
        Code::IDEMPOTENCY_CONFLICT,
        Code::ERASED,
    ]),
    Route::get(
        Op::OverridesPending,
        "/overrides/pending-reviews",
        "Overrides that nobody has reviewed, most overdue first",
    )
    .who(Right::Holds(ViewAuditLogs))
    .tag("Overrides")
    .query(overrides::PENDING_QUERY)
    .replies(overrides::PENDING_REPLY),
    Route::get(Op::Override, "/overrides/{override_id}", "An override")
        .who(Right::Holds(ViewAuditLogs))
        .tag("Overrides")
        .replies(overrides::REPLY)
        .codes(&[Code::UNKNOWN_OVERRIDE, Code::ERASED]),
    Route::get(
        Op::OverridesOfDecision,
        "/overrides/decision/{decision_id}",
        "The overrides of a decision, oldest first",
    )
    .who(Right::Holds(ViewAuditLogs))
    .tag("Overrides")
    .replies(overrides::OF_DECISION_REPLY)
    .codes(&[Code::UNKNOWN_DECISION]),
    Route::get(
        Op::OverrideActive,
        "/overrides/decision/{decision_id}/active",
        "Whether a decision is overridden now",
    )
    .who(Right::Holds(ViewAuditLogs))
    .tag("Overrides")
    .replies(overrides::ACTIVE_REPLY)
    .codes(&[Code::UNKNOWN_DECISION]),
];
