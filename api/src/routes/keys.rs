//! Routes of the area `keys`.

use super::{Op, Route, Shape};
use crate::problem::Code;
use crate::rest::{keys, signers};

pub(super) const ROUTES: &[Route] = &[
    Route::get(Op::Keys, "/keys", "Public keys of the nodes").tag("Keys").replies(keys::KEYS_REPLY),
    Route::post(Op::KeyRotate, "/keys/rotate", "Give the node that is asked a new key")
        .tag("Keys")
        .body(Shape::Fields(keys::ROTATE))
        .replies(keys::ROTATE_REPLY),
    Route::post(Op::KeyRetire, "/keys/{kid}/retire", "End a key")
        .tag("Keys")
        .body(Shape::Fields(keys::RETIRE))
        .replies(keys::RETIRE_REPLY)
        .codes(&[Code::UNKNOWN_KEY, Code::ALREADY_REVOKED, Code::IDEMPOTENCY_CONFLICT]),
    Route::post(Op::SignerRegister, "/keys/signers", "Publish the key of a signer of evidence")
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
        .tag("Keys")
        .query(signers::LIST_QUERY)
        .replies(signers::LIST_REPLY),
    Route::post(Op::SignerRevoke, "/keys/signers/{key_id}/revoke", "End the key of a signer")
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
