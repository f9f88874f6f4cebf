//! Ids and salts that arise while a command is applied, drawn from the seed in
//! its envelope: the same on every node, foreseen by none.
//!
//! Not for secrets. A session id, an API key or a challenge is drawn at random
//! at the edge, and only its hash travels.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use types::{Timestamp, Ulid};

/// 32 random bytes. Kept nowhere but in the log, since erased salts could be
/// made from it again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed(pub [u8; 32]);

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// Draws for one command: the n-th value is
/// HMAC-SHA256(seed, label || n as 8 bytes, big-endian).
#[derive(Debug)]
pub(crate) struct Draw<'a> {
    seed: &'a Seed,
    at: Timestamp,
    counter: u64,
}

impl<'a> Draw<'a> {
    pub(crate) fn new(seed: &'a Seed, at: Timestamp) -> Self {
        Self { seed, at, counter: 0 }
    }

    /// Time part: the applied time in milliseconds. Random part: the first 80
    /// bits drawn. The caller draws again when the id is taken.
    pub(crate) fn ulid(&mut self, label: &str) -> Ulid {
        let drawn = self.bytes(label);
        let mut random = [0; 10];
        for (to, from) in random.iter_mut().zip(drawn) {
            *to = from;
        }
        Ulid::from_parts(self.at.millis(), random)
    }

    /// A salt.
    pub(crate) fn salt(&mut self, label: &str) -> [u8; 32] {
        self.bytes(label)
    }

    fn bytes(&mut self, label: &str) -> [u8; 32] {
        // A seed is half a block, so the constructor that cannot fail serves.
        let mut key = [0_u8; 64];
        for (to, from) in key.iter_mut().zip(self.seed.0) {
            *to = from;
        }
        let mut mac = Hmac::<Sha256>::new(&key.into());
        mac.update(label.as_bytes());
        mac.update(&self.counter.to_be_bytes());
        self.counter = self.counter.wrapping_add(1);
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_follows_from_seed_label_and_count() {
        let seed = Seed([7; 32]);
        let mut draw = Draw::new(&seed, Timestamp(1_000_000));
        let first = draw.ulid("dec");
        assert_ne!(first, draw.ulid("dec"));
        assert_eq!(first, Draw::new(&seed, Timestamp(1_000_999)).ulid("dec"));
        assert_ne!(first, Draw::new(&seed, Timestamp(1_000_000)).ulid("tok"));
        assert_ne!(first, Draw::new(&Seed([8; 32]), Timestamp(1_000_000)).ulid("dec"));
    }

    #[test]
    fn a_seed_does_not_show_in_debug_output() {
        assert_eq!(format!("{:?}", Seed([7; 32])), "Seed(..)");
    }
}
