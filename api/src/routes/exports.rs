//! Routes of the area `audit`: exports.

use governance::access::Permission::{ApproveAuditPacket, RequestAuditPacket, ViewAuditLogs};
use governance::access::Right;

use super::{Op, Route, Shape};
use crate::problem::Code;
use crate::rest::exports;

const SETTLING: &[Code] = &[
    Code::UNKNOWN_EXPORT,
    Code::SAME_PERSON,
    Code::ALREADY_RESOLVED,
    Code::NOT_ALLOWED,
    Code::IDEMPOTENCY_CONFLICT,
    Code::ERASED,
];

pub(super) const ROUTES: &[Route] = &[
    Route::post(Op::ExportRequest, "/audit/export", "Ask for an export")
        .who(Right::Holds(RequestAuditPacket))
        .tag("Audit")
        .body(Shape::Fields(exports::REQUEST))
        .replies(exports::REQUEST_REPLY)
        .codes(&[
            Code::PRINCIPAL_MISMATCH,
            Code::NOT_ALLOWED,
            Code::IDEMPOTENCY_CONFLICT,
            Code::ERASED,
        ]),
    Route::get(
        Op::ExportStatus,
        "/audit/status/{export_id}",
        "How an export stands: for who asked, or with view_audit_logs",
    )
    .who(Right::Any)
    .tag("Audit")
    .replies(exports::REPLY)
    .codes(&[Code::PERMISSION_DENIED, Code::UNKNOWN_EXPORT]),
    Route::post(
        Op::ExportApprove,
        "/audit/exports/{export_id}/approve",
        "Let somebody else's export go out",
    )
    .who(Right::Holds(ApproveAuditPacket))
    .tag("Audit")
    .body(Shape::Fields(exports::ANSWER))
    .replies(exports::REPLY)
    .codes(SETTLING),
    Route::post(
        Op::ExportReject,
        "/audit/exports/{export_id}/reject",
        "Refuse somebody else's export",
    )
    .who(Right::Holds(ApproveAuditPacket))
    .tag("Audit")
    .body(Shape::Fields(exports::ANSWER))
    .replies(exports::REPLY)
    .codes(SETTLING),
    Route::get(Op::Exports, "/audit/exports", "Exports, in the order of their requests")
        .who(Right::Holds(ViewAuditLogs))
        .tag("Audit")
        .query(exports::LIST_QUERY)
        .replies(exports::LIST_REPLY),
    Route::get(
        Op::ExportDownload,
        "/audit/exports/{export_id}/download",
        "The file: for who asked, or with export_data. `Range` takes up a download that broke off",
    )
    .who(Right::Any)
    .tag("Audit")
    .media(exports::download::MEDIA)
    .codes(&[
        Code::PERMISSION_DENIED,
        Code::UNKNOWN_EXPORT,
        Code::EXPORT_NOT_READY,
        Code::RANGE_NOT_SATISFIABLE,
    ]),
];
