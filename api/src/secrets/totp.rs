//! Codes of RFC 6238 as every authenticator makes them: SHA-1, six digits, thirty
//! seconds; one step off is taken.
//!
//! Whether a step was used before is for the core to say: it alone knows what
//! other nodes took.

use std::fmt::Write as _;

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use totp_rs::{Algorithm, Builder, Totp};
use types::Timestamp;

use super::{NoRandomness, random};

/// As many bytes as the hash has: RFC 4226, section 4, R6.
pub(crate) const SECRET_BYTES: usize = 20;

const ISSUER: &str = "Lexecon";

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A new secret.
///
/// # Errors
/// [`NoRandomness`].
pub(crate) fn draw() -> Result<SecretSlice<u8>, NoRandomness> {
    Ok(SecretSlice::from(random::<SECRET_BYTES>()?.to_vec()))
}

/// The time step of a code: that of now, the one before or the one after.
pub(crate) fn step(secret: &SecretSlice<u8>, code: &str, now: Timestamp) -> Option<u64> {
    codes(secret)?.check(code, now.seconds())
}

fn codes(secret: &SecretSlice<u8>) -> Option<Totp> {
    let secret: [u8; SECRET_BYTES] = secret.expose_secret().try_into().ok()?;
    let codes = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6);
    codes.with_step_duration(30).with_skew(1).with_secret(secret).build().ok()
}

/// The secret as people type it: base 32 of RFC 4648 without padding, of which
/// twenty bytes need none.
pub(crate) fn base32(secret: &SecretSlice<u8>) -> SecretString {
    let (groups, _) = secret.expose_secret().as_chunks::<5>();
    let mut text = String::with_capacity(groups.len() * 8);
    for [a, b, c, d, e] in groups {
        let bits = u64::from_be_bytes([0, 0, 0, *a, *b, *c, *d, *e]);
        let letters = (0..8).rev().map(|place| (bits >> (5 * place)) & 31);
        let letter = |index: u64| usize::try_from(index).ok().and_then(|at| BASE32.get(at));
        text.extend(letters.filter_map(letter).map(|letter| char::from(*letter)));
    }
    text.into()
}

/// What an authenticator reads from a picture: the key URI format of Google
/// Authenticator, which the others took over.
pub(crate) fn otpauth_uri(account: &str, secret: &SecretSlice<u8>) -> SecretString {
    let account = percent_encoded(account);
    let secret = base32(secret);
    let secret = secret.expose_secret();
    format!(
        "otpauth://totp/{ISSUER}:{account}?secret={secret}&issuer={ISSUER}&algorithm=SHA1&digits=6&period=30"
    )
    .into()
}

/// Everything but the unreserved characters of RFC 3986.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rfc() -> SecretSlice<u8> {
        SecretSlice::from(b"12345678901234567890".to_vec())
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp(seconds * 1_000_000)
    }

    /// RFC 6238, appendix B: the last six of the eight digits there.
    const VECTORS: [(u64, &str); 6] = [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];

    #[test]
    fn codes_are_those_of_the_rfc_one_step_off_and_no_further() {
        for (seconds, code) in VECTORS {
            let begins = seconds / 30 * 30;
            let expect = Some(seconds / 30);
            for now in [begins - 30, begins, begins + 29, begins + 59] {
                assert_eq!(step(&rfc(), code, at(now)), expect, "{code} at {now}");
            }
            for now in begins.checked_sub(31).into_iter().chain([begins + 60]) {
                assert_eq!(step(&rfc(), code, at(now)), None, "{code} at {now}");
            }
        }
    }

    #[test]
    fn what_is_not_six_digits_is_no_code() {
        for code in ["", "28708", "2870820", "+87082", " 87082", "28708a", "\u{0662}87082"] {
            assert_eq!(step(&rfc(), code, at(59)), None, "{code}");
        }
        let short = SecretSlice::from(b"short".to_vec());
        assert_eq!(step(&short, "287082", at(59)), None);
    }

    #[test]
    fn a_secret_is_drawn_and_spelled_in_base_32() {
        let (one, other) = (draw().unwrap(), draw().unwrap());
        assert_eq!(one.expose_secret().len(), SECRET_BYTES);
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert_eq!(base32(&rfc()).expose_secret(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(base32(&one).expose_secret().len(), 32);
        assert!(!format!("{:?}", rfc()).contains("49"));
    }

    #[test]
    fn an_account_cannot_add_to_the_uri() {
        let uri = otpauth_uri("eve&secret=A?:/#%\u{e9}", &rfc());
        let expect = "otpauth://totp/Lexecon:eve%26secret%3DA%3F%3A%2F%23%25%C3%A9?\
            secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Lexecon&algorithm=SHA1&digits=6&period=30";
        assert_eq!(uri.expose_secret(), expect);
        assert!(!format!("{uri:?}").contains("GEZD"));
    }
}
