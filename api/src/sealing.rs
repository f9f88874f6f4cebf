//! Secrets that pass through the log are sealed: AES-256-GCM under the key of
//! the cluster, which is in no log, state or snapshot.
//!
//! Shape: one byte of version, a random nonce of 12 bytes, the sealed text with
//! its tag. The purpose is authenticated with it, so that what was sealed for
//! one thing opens nothing else. A cluster seals one secret for each account and
//! each webhook: far below the 2^32 that random nonces of 96 bits allow (NIST
//! SP 800-38D, section 8.3).

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use secrecy::SecretSlice;

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 12;

/// Seals a secret for a purpose; `None` when the system gives no randomness.
pub fn seal(key: &[u8; 32], purpose: &str, secret: &[u8]) -> Option<Vec<u8>> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).ok()?;
    let payload = Payload { msg: secret, aad: purpose.as_bytes() };
    let sealed = cipher(key).encrypt(&Nonce::from(nonce), payload).ok()?;
    Some([[VERSION].as_slice(), &nonce, &sealed].concat())
}

/// Opens what was sealed for a purpose; `None` when it was not, or was touched.
pub fn unseal(key: &[u8; 32], purpose: &str, sealed: &[u8]) -> Option<SecretSlice<u8>> {
    let (version, rest) = sealed.split_first()?;
    let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>()?;
    if *version != VERSION {
        return None;
    }
    let payload = Payload { msg: sealed, aad: purpose.as_bytes() };
    let secret = cipher(key).decrypt(&Nonce::from(*nonce), payload).ok()?;
    Some(SecretSlice::from(secret))
}

fn cipher(key: &[u8; 32]) -> Aes256Gcm {
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn what_is_sealed_opens_for_its_purpose_alone() {
        let sealed = seal(&[7; 32], "totp", b"secret").unwrap();
        let opened = |key: u8, purpose: &str, sealed: &[u8]| {
            unseal(&[key; 32], purpose, sealed).map(|secret| secret.expose_secret().to_vec())
        };
        assert_eq!(opened(7, "totp", &sealed).as_deref(), Some(b"secret".as_slice()));
        assert_eq!(opened(7, "webhook", &sealed), None);
        assert_eq!(opened(8, "totp", &sealed), None);
        for at in 0..sealed.len() {
            let mut touched = sealed.clone();
            touched[at] ^= 1;
            assert_eq!(opened(7, "totp", &touched), None, "byte {at}");
            assert_eq!(opened(7, "totp", &sealed[..at]), None, "cut at {at}");
        }
    }
}
