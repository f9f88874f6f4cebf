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

pub mod backup_code;
pub mod credential;
pub mod password;
pub mod policy;
pub mod totp;

pub use backup_code::BackupCode;
pub use credential::{Credential, Kind};
pub use password::{Hasher, NotHashed};
pub use policy::{Fault, faults};

/// The system gives no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoRandomness;

fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}
