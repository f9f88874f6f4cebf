//! The hashes of the format.
//!
//! - An entry: SHA-256(0x00 || header bytes), the leaf hash of RFC 6962,
//!   section 2.1, so that one hash serves the chain and the tree.
//! - A part: HMAC-SHA256 (RFC 2104) under its salt, so that what was erased
//!   cannot be found by guessing.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use types::Digest;

/// `current_hash` of an entry with this header.
pub fn entry_hash(header: &[u8]) -> Digest {
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(header);
    Digest(hash.finalize().into())
}

/// Hash of an inner node of the tree: RFC 6962, section 2.1.
pub fn node_hash(left: Digest, right: Digest) -> Digest {
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(left.0);
    hash.update(right.0);
    Digest(hash.finalize().into())
}

/// `data_hash` or `personal_hash` of the canonical text of a part.
pub fn part_hash(salt: &[u8; 32], text: &[u8]) -> Digest {
    // A key of 32 bytes fits the block, so the fixed-size constructor serves.
    let mut key = [0_u8; 64];
    for (to, from) in key.iter_mut().zip(salt) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new(&key.into());
    mac.update(text);
    Digest(mac.finalize().into_bytes().into())
}

/// Plain SHA-256 of what comes in pieces.
#[derive(Clone, Debug, Default)]
pub struct Pieces(Sha256);

impl Pieces {
    /// The next piece.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all of them.
    pub fn digest(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

/// Plain SHA-256.
pub fn sha256(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}
