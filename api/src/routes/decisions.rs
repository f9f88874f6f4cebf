//! Routes of the area `decisions`.

use governance::access::Permission::ViewAuditLogs;
use governance::access::Right;

use super::{Access, MIB, Op, Route, Shape};
use crate::call::Form;
use crate::problem::Code;
use crate::rest::decision;

pub(super) const ROUTES: &[Route] = &[
    Route::post(Op::Decide, "/decide", "Evaluate a request, record the decision, issue a token")
        .who(Right::Actor)
        .tag("Decisions")
        .body(Shape::Fields(decision::DECIDE))
        .replies(decision::REPLY)
        .codes(&[
            Code::POLICY_MODE_LOOSENS,
            Code::IDEMPOTENCY_CONFLICT,
            Code::ERASED,
            Code::CONTEXT_TOO_LARGE,
        ]),
    Route::post(Op::DecideBatch, "/decide/batch", "Decide up to 1000 requests, in order")
        .who(Right::Actor)
        .tag("Decisions")
        .query(decision::BATCH_QUERY)
        .body(Shape::Fields(decision::BATCH))
        .bytes_max(16 * MIB)
        .replies(decision::BATCH_REPLY)
        .codes(&[Code::IDEMPOTENCY_CONFLICT]),
    Route::post(Op::DecideVerify, "/decide/verify", "Verify the reply to a decision")
        .who(Right::Any)
        .tag("Decisions")
        .access(Access::Compute)
        .body(Shape::Decision)
        .replies(decision::VERIFY_REPLY)
        .codes(&[Code::MISSING_LEDGER_ENTRY_HASH, Code::UNKNOWN_DECISION]),
    Route::get(Op::Decision, "/decisions/{decision_id}", "A recorded decision and its effect")
        .who(Right::ActorOr(ViewAuditLogs))
        .tag("Decisions")
        .replies(decision::RECORD_REPLY)
        .codes(&[Code::UNKNOWN_DECISION, Code::ERASED]),
    Route::get(Op::Decisions, "/decisions", "Recorded decisions")
        .who(Right::Holds(ViewAuditLogs))
        .tag("Decisions")
        .query(decision::list::QUERY)
        .replies(decision::LIST_REPLY),
    Route::get(
        Op::Receipt,
        "/decisions/{decision_id}/receipt",
        "Offline proof that a decision is in the ledger",
    )
    .who(Right::Any)
    .tag("Decisions")
    .query(decision::RECEIPT_QUERY)
    .replies(decision::RECEIPT_REPLY)
    .or_media(&["text/plain"], Form::Json)
    .codes(&[Code::UNSUPPORTED_FORMAT, Code::UNKNOWN_DECISION, Code::ERASED, Code::NOT_FINAL]),
    Route::get(
        Op::Replay,
        "/decisions/{decision_id}/replay",
        "Evaluate a recorded decision again from what was recorded",
    )
    .who(Right::Holds(ViewAuditLogs))
    .tag("Decisions")
    .replies(decision::replay::REPLY)
    .codes(&[Code::UNKNOWN_DECISION, Code::ERASED]),
    Route::post(
        Op::TokenIssue,
        "/decisions/{decision_id}/token",
        "A token for what a decision has come to",
    )
    .who(Right::Actor)
    .tag("Decisions")
    .body(Shape::Fields(decision::token::ISSUE))
    .replies(decision::token::ISSUE_REPLY)
    .codes(&[
        Code::UNKNOWN_DECISION,
        Code::NOT_ALLOWED,
        Code::APPROVAL_CONSUMED,
        Code::OVERRIDE_CONSUMED,
        Code::TOKEN_ACTIVE,
        Code::IDEMPOTENCY_CONFLICT,
        Code::ERASED,
    ]),
];
