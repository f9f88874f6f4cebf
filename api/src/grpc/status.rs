//! Problems as gRPC says them: `google.rpc.ErrorInfo` carries the code,
//! `google.rpc.BadRequest` every fault.

use std::collections::HashMap;

use tonic::{Code as GrpcCode, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

use crate::problem::{Place, Problem};

const DOMAIN: &str = "lexecon";

/// The status of a problem.
pub(super) fn of(problem: &Problem, request_id: &str) -> Status {
    let code = problem.code();
    let metadata = HashMap::from([
        ("request_id".to_owned(), request_id.to_owned()),
        ("status".to_owned(), code.status.to_string()),
    ]);
    let mut details = ErrorDetails::with_error_info(code.name, DOMAIN, metadata);
    let violations: Vec<FieldViolation> = problem
        .listed_faults()
        .iter()
        .map(|fault| {
            let place = match &fault.place {
                Place::Pointer(place) | Place::Parameter(place) => place.as_str(),
                Place::Header(name) => *name,
            };
            FieldViolation::new(place, format!("{}: {}", fault.code, fault.detail))
        })
        .collect();
    if !violations.is_empty() {
        details.set_bad_request(violations);
    }
    Status::with_error_details(grpc_code(code.status), problem.detail(), details)
}

/// The code of google.rpc nearest to an HTTP status.
fn grpc_code(status: u16) -> GrpcCode {
    match status {
        400 | 406 | 413 | 415 | 422 => GrpcCode::InvalidArgument,
        401 => GrpcCode::Unauthenticated,
        403 => GrpcCode::PermissionDenied,
        404 | 410 => GrpcCode::NotFound,
        408 => GrpcCode::DeadlineExceeded,
        405 => GrpcCode::Unimplemented,
        416 => GrpcCode::OutOfRange,
        409 => GrpcCode::FailedPrecondition,
        429 => GrpcCode::ResourceExhausted,
        503 => GrpcCode::Unavailable,
        _ => GrpcCode::Internal,
    }
}
