//! Routes of the area `compliance` that are about records: how long they are kept,
//! and what regulators are given of them.

use governance::access::Permission::{ApproveAuditPacket, ExportData, ViewAuditLogs};
use governance::access::Right;

use super::{Access, Method, Op, Route, Shape};
use crate::call::Form;
use crate::problem::Code;
use crate::rest::retention::{anonymize, hold, oversight, package, status};

pub(super) const ROUTES: &[Route] = &[
    Route::post(Op::HoldApply, hold::PATH, "Freeze records, so that nothing of them is erased")
        .who(Right::Holds(ApproveAuditPacket))
        .tag("Compliance")
        .body(Shape::Fields(hold::APPLY))
        .replies(hold::REPLY)
        .codes(&[
            Code::PRINCIPAL_MISMATCH,
            Code::ALREADY_EXISTS,
            Code::NOT_ALLOWED,
            Code::IDEMPOTENCY_CONFLICT,
        ]),
    Route::get(Op::Holds, hold::PATH, "Legal holds, oldest first")
        .who(Right::Holds(ViewAuditLogs))
        .tag("Compliance")
        .query(hold::LIST)
        .replies(hold::LIST_REPLY),
    Route::new(
        Op::HoldRelease,
        Method::Delete,
        "/compliance/eu-ai-act/article-12/legal-holds/{hold_id}",
        "End a legal hold",
    )
    .access(Access::Write)
    .who(Right::Holds(ApproveAuditPacket))
    .tag("Compliance")
    .query(hold::RELEASE)
    .replies(hold::RELEASE_REPLY)
    .codes(&[Code::UNKNOWN_HOLD, Code::ALREADY_RELEASED, Code::IDEMPOTENCY_CONFLICT]),
    Route::post(
        Op::Anonymize,
        anonymize::PATH,
        "Erase what need not be kept, or what somebody wants gone",
    )
    .who(Right::Holds(ApproveAuditPacket))
    .tag("Compliance")
    .body(Shape::Fields(anonymize::BODY))
    .replies(anonymize::REPLY)
    .codes(&[Code::NOT_ALLOWED, Code::IDEMPOTENCY_CONFLICT]),
    Route::get(
        Op::RecordStatus,
        "/compliance/eu-ai-act/article-12/status",
        "How many records there are, how they are kept, and whether they hold",
    )
    .who(Right::Holds(ViewAuditLogs))
    .tag("Compliance")
    .access(Access::Audit)
    .query(status::QUERY)
    .replies(status::REPLY)
    .codes(&[Code::NOT_FINAL]),
    Route::get(
        Op::RegulatoryPackage,
        "/compliance/eu-ai-act/article-12/regulatory-package",
        "The records of a period, for a regulator",
    )
    .who(Right::Holds(ExportData))
    .tag("Compliance")
    .access(Access::Audit)
    .query(package::QUERY)
    .replies(package::REPLY)
    .or_media(&["text/markdown", "text/csv"], Form::Json)
    .codes(&[Code::UNSUPPORTED_FORMAT, Code::NOT_FINAL, Code::OVERLOADED]),
    Route::get(
        Op::OversightPackage,
        "/compliance/eu-ai-act/article-14/evidence-package",
        "What humans did in a period, as evidence of their oversight",
    )
    .who(Right::Holds(ExportData))
    .tag("Compliance")
    .access(Access::Audit)
    .query(oversight::QUERY)
    .replies(oversight::REPLY)
    .or_media(&["text/markdown"], Form::Json)
    .codes(&[Code::UNSUPPORTED_FORMAT, Code::NOT_FINAL, Code::OVERLOADED]),
];
