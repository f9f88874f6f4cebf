//! Keys that an operator keeps outside the data directory, and what is sealed
//! with them: data keys, and small files of the node.
//!
//! A key is 32 bytes, or a text that is stretched with argon2id. Neither is used
//! as it is: a salt that lies beside what is sealed goes in, so that one key may
//! serve many files.

use std::fmt;
use std::io;

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

pub(crate) type Salt = [u8; 16];

/// A shorter text is found by trying.
pub const TEXT_CHARACTERS_MIN: usize = 16;

/// Begins every sealed file. No file of the node begins so when it is not sealed.
const MAGIC: &[u8] = b"lexecon sealed 1\n";
const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 12;

/// What argon2id costs whoever tries keys, and each start: OWASP's parameters.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;

/// A key of the operator's. It shows its name and nothing else.
#[derive(Clone)]
pub struct MasterKey {
    name: String,
    secret: Secret,
}

#[derive(Clone)]
enum Secret {
    Bytes(std::sync::Arc<SecretBox<[u8; 32]>>),
    Text(SecretString),
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MasterKey").field(&self.name).finish()
    }
}

/// A text that is too short for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it has fewer than {TEXT_CHARACTERS_MIN} characters")]
pub struct TooShort;

/// Why what was sealed cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Sealed with another key, for another purpose, or changed since.
    #[error("it was sealed with another key, or has been changed")]
    Refused,
    /// It is not sealed.
    #[error("it is not sealed")]
    NotSealed,
    /// The key cannot be stretched.
    #[error("cannot derive a key")]
    Derive(#[source] io::Error),
}

impl MasterKey {
    /// A key of 32 bytes. The name is where it came from: errors show it.
    pub fn from_bytes(name: impl Into<String>, bytes: [u8; 32]) -> Self {
        let secret = Secret::Bytes(std::sync::Arc::new(SecretBox::new(Box::new(bytes))));
        Self { name: name.into(), secret }
    }

    /// A key from a text, which is stretched.
    ///
    /// # Errors
    /// [`TooShort`].
    pub fn from_text(name: impl Into<String>, text: SecretString) -> Result<Self, TooShort> {
        if text.expose_secret().chars().count() < TEXT_CHARACTERS_MIN {
            return Err(TooShort);
        }
        Ok(Self { name: name.into(), secret: Secret::Text(text) })
    }

    /// Where it came from.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Seals a small file. Only the same purpose opens it, so that no file can
    /// take the place of another.
    ///
    /// # Errors
    /// When there is no randomness, or no memory to stretch the key.
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> io::Result<Vec<u8>> {
        let (salt, nonce): (Salt, [u8; NONCE_BYTES]) = (random()?, random()?);
        let aad = [MAGIC, purpose.as_bytes()].concat();
        let payload = Payload { msg: plain, aad: &aad };
        let body = self.cipher(&salt)?.encrypt(&Nonce::from(nonce), payload);
        let body = body.map_err(|_| io::Error::other("what is to be sealed is too long"))?;
        Ok([MAGIC, &salt, &nonce, &body].concat())
    }

    /// Opens what [`Self::seal`] made.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let rest = sealed.strip_prefix(MAGIC).ok_or(OpenError::NotSealed)?;
        let (salt, rest) = rest.split_first_chunk::<SALT_BYTES>().ok_or(OpenError::Refused)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(OpenError::Refused)?;
        let aad = [MAGIC, purpose.as_bytes()].concat();
        let cipher = self.cipher(salt).map_err(OpenError::Derive)?;
        let opened = cipher.decrypt(&Nonce::from(*nonce), Payload { msg: body, aad: &aad });
        opened.map(Zeroizing::new).map_err(|_| OpenError::Refused)
    }

    /// The cipher that this key and a salt give. A text takes tens of
    /// milliseconds.
    pub(crate) fn cipher(&self, salt: &Salt) -> io::Result<Aes256Gcm> {
        let mut key = Zeroizing::new([0; 32]);
        match &self.secret {
            Secret::Bytes(bytes) => {
                let mut sha = Sha256::new_with_prefix(b"lexecon/master-key/v1");
                sha.update(salt);
                sha.update(bytes.expose_secret());
                key.copy_from_slice(&sha.finalize());
            }
            Secret::Text(text) => {
                let failed = |error| io::Error::other(format!("argon2id: {error}"));
                let params = Params::new(MEMORY_KIB, PASSES, 1, Some(32)).map_err(failed)?;
                Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                    .hash_password_into(text.expose_secret().as_bytes(), salt, key.as_mut_slice())
                    .map_err(failed)?;
            }
        }
        Ok(Aes256Gcm::new(&(*key).into()))
    }
}

/// Whether these are the bytes of a sealed file.
pub fn is_sealed(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Bytes that nobody can guess.
pub(crate) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> MasterKey {
        MasterKey::from_text("THE_KEY", SecretString::from(text)).unwrap()
    }

    #[test]
    fn only_the_same_key_and_purpose_open_what_was_sealed() {
        let keys = [MasterKey::from_bytes("A", [7; 32]), text("correct horse battery")];
        for key in &keys {
            let sealed = key.seal("node keys", b"the seed").unwrap();
            assert!(is_sealed(&sealed) && !sealed.windows(8).any(|window| window == b"the seed"));
            assert_eq!(key.open("node keys", &sealed).unwrap().as_slice(), b"the seed");
            assert!(matches!(key.open("cluster key", &sealed), Err(OpenError::Refused)));
            for other in [MasterKey::from_bytes("B", [8; 32]), text("correct horse batterz")] {
                assert!(matches!(other.open("node keys", &sealed), Err(OpenError::Refused)));
            }
        }
    }

    #[test]
    fn a_changed_or_cut_file_is_refused() {
        let key = MasterKey::from_bytes("A", [7; 32]);
        let sealed = key.seal("x", b"plain").unwrap();
        for place in MAGIC.len()..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(matches!(key.open("x", &changed), Err(OpenError::Refused)), "{place}");
            assert!(key.open("x", &sealed[..place]).is_err());
        }
        assert!(matches!(key.open("x", b"[]"), Err(OpenError::NotSealed)));
    }

    #[test]
    fn a_short_text_is_no_key_and_a_key_does_not_show() {
        let refused = MasterKey::from_text("X", SecretString::from("fifteen letters"));
        assert_eq!(refused.unwrap_err(), TooShort);
        let shown = format!("{:?}", text("correct horse battery"));
        assert_eq!(shown, "MasterKey(\"THE_KEY\")");
    }
}
