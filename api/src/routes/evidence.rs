//! Routes of the area `evidence`.

use governance::access::Permission::ViewAuditLogs;
use governance::access::Right;

use super::{Access, Op, Route, Shape};
use crate::problem::Code;
use crate::rest::evidence::{content, later, read, register};

/// Base64 of the largest content, and room for the rest.
const REGISTER_BYTES_MAX: usize = 24 << 20;

pub(super) const ROUTES: &[Route] = &[
    Route::post(Op::ArtifactRegister, "/evidence/register", "Keep a piece of evidence")
        .who(Right::Any)
        .tag("Evidence")
        .body(Shape::Fields(register::REGISTER))
        .bytes_max(REGISTER_BYTES_MAX)
        .replies(register::REGISTER_REPLY)
        .codes(&[
            Code::UNKNOWN_DECISION,
            Code::UNKNOWN_CONTROL,
            Code::CONTENT_TOO_LARGE,
            Code::PRINCIPAL_MISMATCH,
            Code::NOT_ALLOWED,
            Code::IDEMPOTENCY_CONFLICT,
            Code::ERASED,
        ]),
    Route::post(
        Op::ArtifactLink,
        "/evidence/link-decision",
        "Say that a piece of evidence is about a decision",
    )
    .who(Right::Any)
    .tag("Evidence")
    .body(Shape::Fields(later::LINK))
    .replies(later::LINK_REPLY)
    .codes(&[
        Code::UNKNOWN_ARTIFACT,
        Code::UNKNOWN_DECISION,
        Code::NOT_ALLOWED,
        Code::IDEMPOTENCY_CONFLICT,
        Code::ERASED,
    ]),
    Route::get(Op::Artifact, "/evidence/{artifact_id}", "A piece of evidence")
        .who(Right::Holds(ViewAuditLogs))
        .tag("Evidence")
        .query(read::GET_QUERY)
        .replies(read::GET_REPLY)
        .codes(&[Code::UNKNOWN_ARTIFACT, Code::ERASED]),
    Route::get(Op::ArtifactContent, "/evidence/{artifact_id}/content", "Its content")
        .who(Right::Holds(ViewAuditLogs))
        .tag("Evidence")
        .media(content::MEDIA)
        .codes(&[Code::UNKNOWN_ARTIFACT, Code::ERASED]),
    Route::post(
        Op::ArtifactVerify,
        "/evidence/{artifact_id}/verify",
        "Compare with what was registered",
    )
    .who(Right::Any)
    .tag("Evidence")
    .access(Access::Compute)
    .body(Shape::Fields(content::VERIFY))
    .replies(content::VERIFY_REPLY)
    .codes(&[Code::UNKNOWN_ARTIFACT, Code::ERASED]),
    Route::post(Op::ArtifactSign, "/evidence/{artifact_id}/sign", "Sign a piece of evidence")
        .who(Right::Any)
        .tag("Evidence")
        .body(Shape::Fields(later::SIGN))
        .replies(later::SIGN_REPLY)
        .codes(&[
            Code::UNKNOWN_ARTIFACT,
            Code::UNKNOWN_KEY,
            Code::ALREADY_SIGNED,
            Code::NOT_ALLOWED,
            Code::SIGNATURE_INVALID,
            Code::IDEMPOTENCY_CONFLICT,
            Code::ERASED,
        ]),
    Route::get(
        Op::ArtifactsOfDecision,
        "/evidence/decision/{decision_id}",
        "The evidence of a decision, oldest first",
    )
    .who(Right::Holds(ViewAuditLogs))
    .tag("Evidence")
    .replies(read::OF_DECISION_REPLY)
    .codes(&[Code::UNKNOWN_DECISION]),
    Route::get(
        Op::ArtifactLineage,
        "/evidence/decision/{decision_id}/lineage",
        "The same with links and ledger entries",
    )
    .who(Right::Holds(ViewAuditLogs))
    .tag("Evidence")
    .replies(read::LINEAGE_REPLY)
    .codes(&[Code::UNKNOWN_DECISION]),
    Route::get(Op::Artifacts, "/evidence", "Evidence, in the order of the ledger")
        .who(Right::Holds(ViewAuditLogs))
        .tag("Evidence")
        .query(read::LIST_QUERY)
        .replies(read::LIST_REPLY),
    Route::get(Op::ArtifactStatistics, "/evidence/statistics", "How much evidence there is")
        .who(Right::Holds(ViewAuditLogs))
        .tag("Evidence")
        .replies(read::STATISTICS_REPLY),
];
