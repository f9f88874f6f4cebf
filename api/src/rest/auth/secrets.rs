//! What passwords, credentials and codes are made of and compared with.
//!
//! Not here: what is kept of them, which is `record/accounts.rs` of the core, and
//! how many passwords are hashed at once, which [`crate::app::App`] bounds.
//!
//! Invariants
//! - A secret is drawn from 32 bytes of the system, never derived, and leaves
//!   this module as a [`SecretString`].

mod policy;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use types::{Digest, Timestamp};

use crate::problem::Problem;

pub(crate) use policy::{CHARS_MAX, CHARS_MIN, DISTINCT_MIN, faults};

/// Prefix of a session's credential.
pub(crate) const SESSION: &str = "sess_";
/// Prefix of a login that waits for its second factor.
pub(crate) const CHALLENGE: &str = "mfa_";
/// Prefix of a key of a program.
pub(crate) const API_KEY: &str = "lxk_";
/// Prefix of a token with which a node joins.
pub(crate) const JOIN: &str = "lxj_";

/// Backup codes of an account.
pub(crate) const BACKUP_CODES: usize = 10;
const BACKUP_CODE_CHARS: usize = 10;
/// Without the letters and digits that are read as one another: 32 of them, so a
/// byte gives one without favour.
const BACKUP_ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A credential that was just made: shown once, and then known by its hash.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    pub(crate) text: SecretString,
    pub(crate) hash: Digest,
}

/// Random bytes of the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!(%error, "the system gives no random numbers");
        Problem::internal()
    })?;
    Ok(bytes)
}

/// A new credential: its prefix and 43 characters.
pub(crate) fn draw(prefix: &str) -> Result<Drawn, Problem> {
    let text = format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random::<32>()?));
    Ok(Drawn { hash: hash_of(&text), text: SecretString::from(text) })
}

/// What is kept of a credential or a code.
pub(crate) fn hash_of(text: &str) -> Digest {
    ledger::hash::sha256(text.as_bytes())
}

/// What a page sends beside the cookie, to show that it is ours: a part of an
/// HMAC under the session's own text, so it tells nothing of that.
pub(crate) fn csrf_token(session: &SecretString) -> String {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(session.expose_secret().as_bytes()) else {
        return String::new();
    };
    mac.update(b"lexecon csrf v1");
    let mut text = types::digest::to_hex(&mac.finalize().into_bytes());
    text.truncate(32);
    text
}

/// What is kept of a password: argon2id in PHC form. Takes long.
pub(crate) fn hash_password(password: &SecretString) -> Result<String, Problem> {
    Ok(hashed(password, &random::<16>()?)?.to_string())
}

fn hashed(password: &SecretString, salt: &[u8; 16]) -> Result<PasswordHash, Problem> {
    let password = password.expose_secret().as_bytes();
    let hash = Argon2::default().hash_password_with_salt(password, salt);
    hash.map_err(|error| {
        tracing::error!(%error, "a password was not hashed");
        Problem::internal()
    })
}

/// Whether a password is the one that was hashed. Takes as long where there is
/// none, so that the time tells nothing.
pub(crate) fn is_password(password: &SecretString, hash: Option<&str>) -> Result<bool, Problem> {
    let Some(hash) = hash.and_then(|hash| PasswordHash::new(hash).ok()) else {
        hashed(password, &[0; 16])?;
        return Ok(false);
    };
    Ok(Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash).is_ok())
}

/// A secret of RFC 6238.
pub(crate) fn totp_secret() -> Result<[u8; 20], Problem> {
    random()
}

/// The time step of a code, where it is one of now, of the step before or of the
/// step after, and later than the last that was used.
pub(crate) fn totp_step(
    secret: &[u8],
    code: &str,
    now: Timestamp,
    last: Option<u64>,
) -> Option<u64> {
    let secret: [u8; 20] = secret.try_into().ok()?;
    let totp = totp_rs::Builder::new().with_secret(secret).with_skew(1).build().ok()?;
    totp.check(code, now.seconds()).filter(|step| last.is_none_or(|last| last < *step))
}

/// A secret as authenticators take it by hand.
pub(crate) fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while 5 <= bits {
            bits -= 5;
            text.push(letter(BASE32, held >> bits));
        }
        held &= (1 << bits) - 1;
    }
    if 0 < bits {
        text.push(letter(BASE32, held << (5 - bits)));
    }
    text
}

fn letter(alphabet: &[u8; 32], number: u32) -> char {
    let at = usize::try_from(number & 31).unwrap_or_default();
    alphabet.get(at).copied().map_or('A', char::from)
}

/// What a QR code of a secret says. A user name has no character to escape.
pub(crate) fn otpauth_uri(username: &str, secret: &str) -> String {
    format!("otpauth://totp/Lexecon:{username}?secret={secret}&issuer=Lexecon")
}

/// Ten codes, each for one login.
pub(crate) fn backup_codes() -> Result<Vec<Drawn>, Problem> {
    let code = |bytes: [u8; BACKUP_CODE_CHARS]| {
        let text: String =
            bytes.iter().map(|byte| letter(BACKUP_ALPHABET, u32::from(*byte))).collect();
        Drawn { hash: backup_hash(&text), text: SecretString::from(text) }
    };
    (0..BACKUP_CODES).map(|_| Ok(code(random()?))).collect()
}

/// What is kept of a backup code: in any letter case, with or without dashes.
pub(crate) fn backup_hash(code: &str) -> Digest {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    hash_of(&plain.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_has_its_prefix_and_43_characters_and_shows_itself_nowhere() {
        let drawn = draw(API_KEY).unwrap();
        let text = drawn.text.expose_secret();
        assert!(text.starts_with("lxk_") && text.len() == 47, "{text}");
        assert_eq!(drawn.hash, hash_of(text));
        assert!(!format!("{drawn:?}").contains(text));
        assert_ne!(draw(API_KEY).unwrap().hash, drawn.hash);
    }

    #[test]
    fn a_password_is_known_by_its_hash_alone() {
        let password = |text: &str| SecretString::from(text);
        let hash = hash_password(&password("Correct horse 7!")).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        for (given, hash, expect) in [
            ("Correct horse 7!", Some(hash.as_str()), true),
            ("Correct horse 7", Some(&hash), false),
            ("Correct horse 7!", Some("nonsense"), false),
            ("Correct horse 7!", None, false),
        ] {
            assert_eq!(is_password(&password(given), hash), Ok(expect), "{given} {hash:?}");
        }
    }

    /// The vectors of RFC 6238, appendix B, at six digits.
    #[test]
    fn a_code_counts_one_step_around_its_time_and_once() {
        let secret = b"12345678901234567890";
        let step = |code, seconds: u64, last| {
            totp_step(secret, code, Timestamp(seconds * 1_000_000), last)
        };
        assert_eq!(step("287082", 59, None), Some(1));
        assert_eq!(step("287082", 89, None), Some(1));
        assert_eq!(step("287082", 90, None), None);
        assert_eq!(step("287082", 59, Some(0)), Some(1));
        assert_eq!(step("287082", 59, Some(1)), None);
        assert_eq!(step("081804", 1_111_111_109, None), Some(37_037_036));
        for wrong in ["28708", "+87082", "", "2870822"] {
            assert_eq!(step(wrong, 59, None), None, "{wrong}");
        }
    }

    /// The vectors of RFC 4648, section 10, without padding.
    #[test]
    fn base32_is_that_of_the_standard() {
        for (bytes, expect) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), expect);
        }
    }

    #[test]
    fn a_backup_code_counts_however_it_is_spelled() {
        let codes = backup_codes().unwrap();
        assert_eq!(codes.len(), BACKUP_CODES);
        let code = codes[0].text.expose_secret();
        let spelled = format!("{}-{}", code[..5].to_lowercase(), &code[5..]);
        assert_eq!(backup_hash(&spelled), codes[0].hash);
    }
}
