//! Routes of the area `keys`.

use governance::access::Permission::{ManageUsers, ViewAuditLogs};
use governance::access::Right;

use super::{Op, Route, Shape};
use crate::problem::Code;
use crate::rest::{keys, signers};

pub(super) const ROUTES: &[Route] = &[
    Route::get(Op::Keys, "/keys", "Public keys of the nodes")
        .who(Right::Public)
        .tag("Keys")
        .replies(keys::KEYS_REPLY),
    Route::post(Op::KeyRotate, "/keys/rotate", "Give the node that is asked a new key")
        .who(Right::Operator)
        .tag("Keys")
        .body(Shape::Fields(keys::ROTATE))
        .replies(keys::ROTATE_REPLY),
    Route::post(Op::KeyRetire, "/keys/{kid}/retire", "End a key")
        .who(Right::Operator)
        .tag("Keys")
        .body(Shape::Fields(keys::RETIRE))
        .replies(keys::RETIRE_REPLY)
        .codes(&[Code::UNKNOWN_KEY, Code::ALREADY_REVOKED, Code::IDEMPOTENCY_CONFLICT]),
    Route::post(Op::SignerRegister, "/keys/signers", "Publish the key of a signer of evidence")
        .who(Right::Any)
        .tag("Keys")
        .body(Shape::Fields(signers::REGISTER))
        .replies(signers::REPLY)
        .codes(&[
            Code::PRINCIPAL_MISMATCH,
            Code::ALREADY_EXISTS,
            Code::IDEMPOTENCY_CONFLICT,
            Code::ERASED,
        ]),
    Route::get(Op::Signers, "/keys/signers", "Signers of evidence, oldest first")
        .who(Right::Holds(ViewAuditLogs))
        .tag("Keys")
        .query(signers::LIST_QUERY)
        .replies(signers::LIST_REPLY),
    Route::post(Op::SignerRevoke, "/keys/signers/{key_id}/revoke", "End the key of a signer")
        .who(Right::Holds(ManageUsers))
        .tag("Keys")
        .body(Shape::Fields(signers::REVOKE))
        .replies(signers::REPLY)
        .codes(&[
            Code::UNKNOWN_KEY,
            Code::ALREADY_REVOKED,
            Code::IDEMPOTENCY_CONFLICT,
            Code::ERASED,
        ]),
];
