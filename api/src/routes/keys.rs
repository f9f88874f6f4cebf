//! Routes of the area `keys`.

use super::{Op, Route, Shape};
use crate::problem::Code;
use crate::rest::keys;

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
];
