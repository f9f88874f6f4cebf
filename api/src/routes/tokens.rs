//! Routes of the area `tokens`.

use governance::access::Permission::{ApproveAuditPacket, ViewAuditLogs};
use governance::access::Right;

use super::{Access, Op, Route, Shape};
use crate::problem::Code;
use crate::rest::token;

pub(super) const ROUTES: &[Route] = &[
    Route::post(Op::TokenVerify, "/tokens/verify", "Whether a token permits something now")
        .who(Right::Any)
        .tag("Tokens")
        .access(Access::Compute)
        .body(Shape::Fields(token::VERIFY))
        .replies(token::VERIFY_REPLY),
    Route::get(Op::Token, "/tokens/{token_id}", "What a token permits and what became of it")
        .who(Right::Holds(ViewAuditLogs))
        .tag("Tokens")
        .replies(token::TOKEN_REPLY)
        .codes(&[Code::UNKNOWN_TOKEN]),
    Route::post(Op::TokenRevoke, "/tokens/{token_id}/revoke", "End a token before its time")
        .who(Right::ActorOr(ApproveAuditPacket))
        .tag("Tokens")
        .body(Shape::Fields(token::REVOKE))
        .replies(token::REVOKE_REPLY)
        .codes(&[
            Code::UNKNOWN_TOKEN,
            Code::ALREADY_REVOKED,
            Code::NOT_ALLOWED,
            Code::IDEMPOTENCY_CONFLICT,
        ]),
];
