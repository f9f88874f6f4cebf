//! What passwords, codes and credentials are made of, and how what is shown is
//! compared with what is kept.
//!
//! Not here: what is kept (records of the core), who is refused for it, and what
//! replies say. Nothing here knows of a request; all but [`password`], which
//! bounds how much is computed at once, is pure.
//!
//! Invariants
//! - A secret is held in a type of `secrecy`: no `Debug` output shows it, and it
//!   is wiped when it is dropped.
//! - What is compared with a secret is compared in constant time, or its hash is
//!   looked up.

pub(crate) mod backup_code;
pub(crate) mod credential;
pub(crate) mod password;
pub(crate) mod policy;
pub(crate) mod totp;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;

use crate::problem::Problem;

pub(crate) use backup_code::BackupCode;
pub(crate) use credential::Credential;
pub(crate) use password::Hasher;

/// The system gives no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes")]
pub(crate) struct NoRandomness;

impl From<NoRandomness> for Problem {
    fn from(why: NoRandomness) -> Self {
        tracing::error!(%why, "no secret could be drawn");
        Self::internal()
    }
}

fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// 32 random bytes as 43 characters of base64url.
///
/// # Errors
/// [`NoRandomness`].
pub(crate) fn random_text() -> Result<SecretString, NoRandomness> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?).into())
}
