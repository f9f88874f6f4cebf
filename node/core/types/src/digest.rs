//! A SHA-256 digest as a value: shown and read as 64 lower-case hex digits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// 32 bytes of SHA-256 or HMAC-SHA256.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// What the first entry of a chain names as its predecessor.
    pub const ZERO: Self = Self([0; 32]);

    /// Reads 64 lower-case hex digits without allocating: headers hold three
    /// digests, and a verifier reads millions of headers.
    pub fn from_hex(digits: &[u8; 64]) -> Option<Self> {
        let (pairs, _) = digits.as_chunks::<2>();
        let mut bytes = [0; 32];
        // Digits that are none are gathered rather than branched on: hashes
        // are random, and a branch on each digit would be mispredicted.
        let mut refused = 0;
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            let (high, low) = (VALUES[usize::from(*high)], VALUES[usize::from(*low)]);
            refused |= high | low;
            *byte = high << 4 | low & 15;
        }
        (refused & NO_DIGIT == 0).then_some(Self(bytes))
    }
}

/// A value that no hex digit has.
const NO_DIGIT: u8 = 0x80;

/// What each byte is worth as a lower-case hex digit.
const VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        values[DIGITS[value as usize] as usize] = value;
        value += 1;
    }
    values
};

const DIGITS: &[u8; 16] = b"0123456789abcdef";

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// Text that is not 64 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not 64 lower-case hex digits")]
pub struct DigestError;

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let digits = text.as_bytes().try_into().map_err(|_| DigestError)?;
        Self::from_hex(digits).ok_or(DigestError)
    }
}

/// Lower-case hex.
pub fn to_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// The bytes of lower-case hex, or `None` for anything else: one value has one
/// spelling, because spellings are hashed.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    fn digit(byte: u8) -> Option<u8> {
        match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        }
    }
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes().chunks_exact(2).map(|two| Some(digit(two[0])? << 4 | digit(two[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_64_lower_case_digits() {
        let text = "0123456789abcdef".repeat(4);
        assert_eq!(text.parse::<Digest>().unwrap().to_string(), text);
        for refused in [
            text.replacen('f', "F", 1),
            text.replacen('0', "g", 1),
            text.replacen('9', "/", 1),
            text.replacen("01", "é", 1),
            text[..62].to_owned(),
            format!("{text}00"),
        ] {
            assert_eq!(refused.parse::<Digest>(), Err(DigestError), "{refused}");
        }
    }

    #[test]
    fn hex_has_one_spelling() {
        assert_eq!(to_hex(&[0, 0x9f, 0xff]), "009fff");
        assert_eq!(from_hex("009fff"), Some(vec![0, 0x9f, 0xff]));
        for refused in ["009fF0", "0", "0g", "é"] {
            assert_eq!(from_hex(refused), None, "{refused}");
        }
    }
}
