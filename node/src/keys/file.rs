//! The file of the keys: JSON, sealed if there is a master key, for its owner
//! alone.
//!
//! Invariants
//! - A file that cannot be read as keys is refused and never replaced.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use governance::command::KeyUsage;
use ledger::signature;
use rsa::PrivateKey;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Key, Kind, Private};
use crate::identity::IdentityError;
use crate::sealing::Sealing;

/// What the file is sealed for.
pub(super) const PURPOSE: &str = "keys/node.json";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    id: String,
    #[serde(rename = "use")]
    usage: String,
    /// Ed25519: the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<String>,
    /// RSA: the whole key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pkcs8: Option<String>,
}

/// Why there are no keys to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] IdentityError),
    /// Others can read the file.
    #[error("`{path}` can be read by others (mode {mode:o}): keys need mode 600")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The machine gives no randomness.
    #[error("cannot draw random bytes: {0}")]
    Random(getrandom::Error),
    /// An RSA key cannot be made or written.
    #[error("cannot make an RSA key: {0}")]
    Rsa(String),
}

/// The keys in the file, if there is one.
pub(super) fn read(path: &Path, sealing: &Sealing) -> Result<Option<Read>, KeyError> {
    let Some(content) = sealing.read(path, PURPOSE)? else {
        return Ok(None);
    };
    check_private(path)?;
    let damaged = || IdentityError::Damaged { path: path.to_owned() };
    let files: Vec<KeyFile> = serde_json::from_slice(&content.bytes).map_err(|_| damaged())?;
    let keys: Option<Vec<Key>> = files.iter().map(parse).collect();
    let keys = keys.ok_or_else(damaged)?;
    let has = |usage| keys.iter().any(|key| key.usage == usage && key.kind() == Kind::Ed25519);
    if !KeyUsage::ALL.into_iter().all(has) {
        return Err(damaged().into());
    }
    Ok(Some(Read { keys, is_stale: content.is_stale }))
}

/// What the file holds, and whether it is to be written again.
pub(super) struct Read {
    pub(super) keys: Vec<Key>,
    pub(super) is_stale: bool,
}

/// Writes the file and the directory it is in.
pub(super) fn make(path: &Path, keys: &[&Key], sealing: &Sealing) -> Result<(), KeyError> {
    let io = |source| IdentityError::Io { path: path.to_owned(), source };
    if let Some(parent) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(io)?;
    }
    write(path, keys, sealing)
}

/// Writes the file, durably and at once.
pub(super) fn write(path: &Path, keys: &[&Key], sealing: &Sealing) -> Result<(), KeyError> {
    let files: Vec<KeyFile> = keys.iter().map(|key| show(key)).collect::<Result<_, _>>()?;
    let text = serde_json::to_vec_pretty(&files);
    let io = |error: serde_json::Error| IdentityError::Io {
        path: path.to_owned(),
        source: error.into(),
    };
    let text = Zeroizing::new(text.map_err(io)?);
    sealing.write(path, PURPOSE, &text)?;
    check_private(path)
}

fn parse(file: &KeyFile) -> Option<Key> {
    let usage = KeyUsage::ALL.into_iter().find(|usage| usage.as_str() == file.usage)?;
    let private = match (&file.seed, &file.pkcs8) {
        (Some(seed), None) => {
            let seed: [u8; 32] = signature::from_text(seed)?.try_into().ok()?;
            Private::Ed25519(Box::new(SigningKey::from_bytes(&seed)))
        }
        (None, Some(der)) => {
            let der = signature::from_text(der)?;
            Private::Rsa(Box::new(PrivateKey::from_pkcs8_der(&der).ok()?))
        }
        (None, None) | (Some(_), Some(_)) => return None,
    };
    Some(Key { id: file.id.parse().ok()?, usage, private })
}

fn show(key: &Key) -> Result<KeyFile, KeyError> {
    let (seed, pkcs8) = match &key.private {
        Private::Ed25519(key) => (Some(signature::to_text(key.as_bytes())), None),
        Private::Rsa(key) => {
            let der = key.to_pkcs8_der().map_err(|err| KeyError::Rsa(err.to_string()))?;
            (None, Some(signature::to_text(der.as_bytes())))
        }
    };
    Ok(KeyFile { id: key.id.to_string(), usage: key.usage.as_str().to_owned(), seed, pkcs8 })
}

/// The file is made for its owner alone; a copy may have lost that.
fn check_private(path: &Path) -> Result<(), KeyError> {
    let io = |source| IdentityError::Io { path: path.to_owned(), source };
    let mode = fs::metadata(path).map_err(io)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Exposed { path: path.to_owned(), mode });
    }
    Ok(())
}
