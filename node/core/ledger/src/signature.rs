//! Verifying Ed25519 (RFC 8032) and its text form, base64url without padding.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, VerifyingKey};

/// Characters of a signature's text.
pub const TEXT_CHARS: usize = 86;

/// Whether `signature` is one of `message` under `key`. Strict: a key or
/// signature with more than one spelling is refused, so that all verifiers
/// agree.
pub fn verify(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let Ok(key) = VerifyingKey::from_bytes(key) else {
        return false;
    };
    key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
}

/// Base64url without padding.
pub fn to_text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of base64url without padding, if the text is that.
pub fn from_text(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The 64 bytes of a signature's text.
pub fn parse(text: &str) -> Option<[u8; 64]> {
    from_text(text)?.try_into().ok()
}
