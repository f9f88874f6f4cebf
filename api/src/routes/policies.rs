//! Routes of the area `policies`.

use governance::access::Permission::{ManagePolicies, ViewDashboard};
use governance::access::Right;

use super::{Access, MIB, Op, Route, Shape};
use crate::problem::Code;
use crate::rest::{access, policy};

pub(super) const ROUTES: &[Route] = &[
    Route::get(Op::Policies, "/policies", "Every version of the policy, oldest first")
        .who(Right::Holds(ViewDashboard))
        .tag("Policies")
        .query(policy::LIST_QUERY)
        .replies(policy::LIST_REPLY),
    Route::post(Op::PolicyLoad, "/policies/load", "Put another policy in force")
        .who(Right::Holds(ManagePolicies))
        .tag("Policies")
        .body(Shape::Policy(policy::load::LOAD))
        .bytes_max(4 * MIB)
        .replies(policy::load::LOAD_REPLY)
        .codes(&[
            Code::POLICY_INVALID,
            Code::POLICY_VERSION_CONFLICT,
            Code::IMPACT_NOT_ACKNOWLEDGED,
            Code::IDEMPOTENCY_CONFLICT,
        ]),
    Route::post(Op::PolicyValidate, "/policies/validate", "Check a policy without loading it")
        .who(Right::Holds(ViewDashboard))
        .tag("Policies")
        .access(Access::Compute)
        .body(Shape::Policy(policy::load::LOAD))
        .bytes_max(4 * MIB)
        .replies(policy::load::VALIDATE_REPLY),
    Route::post(
        Op::PolicyExplain,
        "/policies/explain",
        "Why a request or a recorded decision is answered as it is",
    )
    .who(Right::Holds(ViewDashboard))
    .tag("Policies")
    .access(Access::Compute)
    .body(Shape::Either {
        key: policy::explain::DECISION_ID,
        with: policy::explain::RECORDED,
        without: policy::explain::REQUEST,
    })
    .bytes_max(5 * MIB)
    .replies(policy::explain::REPLY)
    .codes(&[
        Code::POLICY_INVALID,
        Code::POLICY_MODE_LOOSENS,
        Code::CONTEXT_TOO_LARGE,
        Code::UNKNOWN_DECISION,
        Code::ERASED,
    ]),
    Route::post(
        Op::PolicyImpact,
        "/policies/impact",
        "What a policy would do to the decisions that were recorded",
    )
    .who(Right::Holds(ManagePolicies))
    .tag("Policies")
    .access(Access::Audit)
    .body(Shape::Fields(policy::impact::BODY))
    .bytes_max(4 * MIB)
    .replies(policy::impact::REPLY)
    .codes(&[Code::POLICY_INVALID]),
    Route::post(
        Op::PolicyRollback,
        "/policies/rollback",
        "Put the document of an older version in force, as a new version",
    )
    .who(Right::Holds(ManagePolicies))
    .tag("Policies")
    .body(Shape::Fields(policy::load::ROLLBACK))
    .replies(policy::load::LOAD_REPLY)
    .codes(&[Code::UNKNOWN_POLICY, Code::ALREADY_ACTIVE, Code::IDEMPOTENCY_CONFLICT]),
    Route::get(Op::PolicyActive, "/policies/active", "The policy in force, with its document")
        .who(Right::Holds(ViewDashboard))
        .tag("Policies")
        .replies(policy::RECORD_REPLY),
    Route::get(Op::Policy, "/policies/{version}", "A version of the policy, with its document")
        .who(Right::Holds(ViewDashboard))
        .tag("Policies")
        .replies(policy::RECORD_REPLY)
        .codes(&[Code::UNKNOWN_POLICY]),
    Route::post(Op::Evaluation, "/access/v1/evaluation", "Decide as OpenID AuthZEN asks")
        .who(Right::Actor)
        .tag("Policies")
        .body(Shape::Open(access::EVALUATION))
        .replies(access::EVALUATION_REPLY)
        .codes(&[Code::IDEMPOTENCY_CONFLICT, Code::ERASED, Code::CONTEXT_TOO_LARGE]),
    Route::post(
        Op::Evaluations,
        "/access/v1/evaluations",
        "Decide up to 1000 times as OpenID AuthZEN asks",
    )
    .who(Right::Actor)
    .tag("Policies")
    .query(access::EVALUATIONS_QUERY)
    .body(Shape::Open(access::EVALUATIONS))
    .bytes_max(16 * MIB)
    .replies(access::EVALUATIONS_REPLY)
    .codes(&[Code::IDEMPOTENCY_CONFLICT, Code::ERASED, Code::CONTEXT_TOO_LARGE]),
];
