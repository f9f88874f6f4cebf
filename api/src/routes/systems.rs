//! Routes about AI systems: the registry, serious incidents (Article 73), and
//! technical documentation.

use governance::access::Permission::{
    ApproveAuditPacket, ExportData, ManagePolicies, ViewAuditLogs, ViewDashboard,
};
use governance::access::Right;

use super::{Access, Method, Op, Route, Shape};
use crate::call::Form;
use crate::problem::Code;
use crate::rest::{ai_incidents, annex_iv, document, systems};

const SYSTEM_CODES: &[Code] = &[
    Code::UNKNOWN_SYSTEM,
    Code::ALREADY_EXISTS,
    Code::NOT_ALLOWED,
    Code::CONTEXT_TOO_LARGE,
    Code::IDEMPOTENCY_CONFLICT,
    Code::ERASED,
];

const INCIDENT_CODES: &[Code] = &[
    Code::UNKNOWN_INCIDENT,
    Code::ALREADY_REPORTED,
    Code::ALREADY_CLOSED,
    Code::NOT_ALLOWED,
    Code::IDEMPOTENCY_CONFLICT,
    Code::ERASED,
];

pub(super) const ROUTES: &[Route] = &[
    Route::post(Op::SystemRegister, "/systems", "Register an AI system")
        .who(Right::Holds(ManagePolicies))
        .tag("Compliance")
        .body(Shape::Fields(systems::REGISTER))
        .replies(systems::REPLY)
        .codes(SYSTEM_CODES),
    Route::get(Op::Systems, "/systems", "AI systems of the organisation")
        .who(Right::Holds(ViewDashboard))
        .tag("Compliance")
        .access(Access::Audit)
        .query(systems::LIST_QUERY)
        .replies(systems::LIST_REPLY),
    Route::get(Op::System, "/systems/{system_id}", "An AI system")
        .who(Right::Holds(ViewDashboard))
        .tag("Compliance")
        .query(systems::QUERY)
        .replies(systems::GET_REPLY)
        .codes(&[Code::UNKNOWN_SYSTEM]),
    Route::new(
        Op::SystemUpdate,
        Method::Patch,
        "/systems/{system_id}",
        "Change what is said of an AI system",
    )
    .access(Access::Write)
    .who(Right::Holds(ManagePolicies))
    .tag("Compliance")
    .body(Shape::Fields(systems::UPDATE))
    .replies(systems::REPLY)
    .codes(SYSTEM_CODES),
    Route::post(
        Op::IncidentRecord,
        "/compliance/eu-ai-act/article-73/incidents",
        "Record a serious incident, which starts its clock and freezes its records",
    )
    .who(Right::Any)
    .tag("Compliance")
    .body(Shape::Fields(ai_incidents::RECORD))
    .replies(ai_incidents::REPLY)
    .codes(&[
        Code::UNKNOWN_DECISION,
        Code::NOT_ALLOWED,
        Code::IDEMPOTENCY_CONFLICT,
        Code::ERASED,
        Code::UNKNOWN_INCIDENT,
        Code::UNKNOWN_SYSTEM,
    ]),
    Route::get(Op::Incidents, "/compliance/eu-ai-act/article-73/incidents", "Serious incidents")
        .who(Right::Holds(ViewAuditLogs))
        .tag("Compliance")
        .access(Access::Audit)
        .query(ai_incidents::LIST_QUERY)
        .replies(ai_incidents::LIST_REPLY),
    Route::get(
        Op::Incident,
        "/compliance/eu-ai-act/article-73/incidents/{incident_id}",
        "A serious incident",
    )
    .who(Right::Holds(ViewAuditLogs))
    .tag("Compliance")
    .query(ai_incidents::QUERY)
    .replies(ai_incidents::GET_REPLY)
    .codes(&[Code::UNKNOWN_INCIDENT]),
    Route::post(
        Op::IncidentReport,
        "/compliance/eu-ai-act/article-73/incidents/{incident_id}/reported",
        "Say which authority was told of an incident",
    )
    .who(Right::Holds(ApproveAuditPacket))
    .tag("Compliance")
    .body(Shape::Fields(ai_incidents::REPORT))
    .replies(ai_incidents::REPLY)
    .codes(INCIDENT_CODES),
    Route::post(
        Op::IncidentClose,
        "/compliance/eu-ai-act/article-73/incidents/{incident_id}/close",
        "Say what came of an incident",
    )
    .who(Right::Holds(ApproveAuditPacket))
    .tag("Compliance")
    .body(Shape::Fields(ai_incidents::CLOSE))
    .replies(ai_incidents::REPLY)
    .codes(INCIDENT_CODES),
    Route::get(
        Op::AnnexIv,
        "/compliance/eu-ai-act/annex-iv",
        "What the technical documentation says, and what is missing",
    )
    .who(Right::Holds(ViewAuditLogs))
    .tag("Compliance")
    .query(annex_iv::QUERY)
    .replies(annex_iv::REPLY)
    .codes(&[Code::UNKNOWN_SYSTEM]),
    Route::new(
        Op::AnnexIvUpdate,
        Method::Put,
        "/compliance/eu-ai-act/annex-iv/{section}",
        "Write a section of the technical documentation",
    )
    .access(Access::Write)
    .who(Right::Holds(ManagePolicies))
    .tag("Compliance")
    .query(annex_iv::UPDATE_QUERY)
    .body(Shape::Fields(annex_iv::UPDATE))
    .replies(annex_iv::UPDATE_REPLY)
    .codes(&[
        Code::NOT_FOUND,
        Code::UNKNOWN_SYSTEM,
        Code::CONTEXT_TOO_LARGE,
        Code::NOT_ALLOWED,
        Code::IDEMPOTENCY_CONFLICT,
        Code::ERASED,
    ]),
    Route::get(
        Op::AnnexIvPackage,
        "/compliance/eu-ai-act/annex-iv/package",
        "The technical documentation in one piece, once nothing is missing",
    )
    .who(Right::Holds(ExportData))
    .tag("Compliance")
    .access(Access::Audit)
    .query(document::PACKAGE_QUERY)
    .replies(document::REPLY)
    .or_media(&["text/markdown", "text/html"], Form::Json)
    .codes(&[Code::UNSUPPORTED_FORMAT, Code::UNKNOWN_SYSTEM, Code::ANNEX_IV_INCOMPLETE]),
    Route::get(
        Op::Article11Document,
        "/compliance/eu-ai-act/article-11/documentation",
        "The technical documentation that Article 11 asks for, as far as it can be told",
    )
    .who(Right::Holds(ViewAuditLogs))
    .tag("Compliance")
    .access(Access::Audit)
    .query(document::QUERY)
    .replies(document::REPLY_11)
    .or_media(&["text/markdown"], Form::Json)
    .codes(&[Code::UNSUPPORTED_FORMAT, Code::UNKNOWN_SYSTEM]),
    Route::get(
        Op::ArticleDocument,
        "/compliance/eu-ai-act/article-{n}/documentation",
        "What is to be shown about an article: duties, figures, forms, and what is missing",
    )
    .who(Right::Holds(ViewAuditLogs))
    .tag("Compliance")
    .access(Access::Audit)
    .query(document::QUERY)
    .replies(document::REPLY)
    .or_media(&["text/markdown"], Form::Json)
    .codes(&[Code::UNSUPPORTED_FORMAT, Code::UNKNOWN_ARTICLE, Code::UNKNOWN_SYSTEM]),
];
