//! Passwords: argon2id, on threads of their own.
//!
//! Invariants
//! - At most [`AT_ONCE_MAX`] are computed at once, each with 19 MiB; who waits
//!   longer than a request may take is refused. One that was begun counts until
//!   it is done, whether anybody waits for it or not.
//! - A password of nobody takes as long as one of somebody.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use super::{NoRandomness, policy, random};
use crate::problem::{Code, Problem};

/// Computed at once.
pub(crate) const AT_ONCE_MAX: usize = 4;

/// The least that the OWASP Password Storage Cheat Sheet asks of argon2id: 19 MiB,
/// two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

const SALT_BYTES: usize = 16;

/// Why a password was not hashed or compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotHashed {
    /// Too many are being computed.
    #[error("as many passwords are being hashed as the node takes")]
    Overloaded,
    /// See there.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The library refused, or its thread ended.
    #[error("the password could not be hashed")]
    Failed,
}

impl From<NotHashed> for Problem {
    fn from(why: NotHashed) -> Self {
        match why {
            NotHashed::Overloaded => Self::new(Code::OVERLOADED, why.to_string()),
            NotHashed::NoRandomness(why) => why.into(),
            NotHashed::Failed => {
                tracing::error!(%why, "a login or a change of a password failed");
                Self::internal()
            }
        }
    }
}

/// Hashes passwords and compares them. Clones share one bound.
#[derive(Clone, Debug)]
pub(crate) struct Hasher {
    permits: Arc<Semaphore>,
    wait: Duration,
}

impl Hasher {
    /// One whose callers wait for so long, at most.
    pub(crate) fn new(wait: Duration) -> Self {
        Self { permits: Arc::new(Semaphore::new(AT_ONCE_MAX)), wait }
    }

    /// What is kept of a password: PHC form, with a salt of its own.
    ///
    /// # Errors
    /// [`NotHashed`].
    pub(crate) async fn hash(&self, password: SecretString) -> Result<String, NotHashed> {
        let salt = random::<SALT_BYTES>()?;
        self.run(move || hashed(&password, &salt).map(|hash| hash.to_string())).await?
    }

    /// Whether a password is the one of a hash. Without a hash it is not, and that
    /// takes as long.
    ///
    /// # Errors
    /// [`NotHashed`].
    pub(crate) async fn verify(
        &self,
        password: SecretString,
        hash: Option<String>,
    ) -> Result<bool, NotHashed> {
        self.run(move || verified(&password, hash.as_deref())).await?
    }

    /// Whether a password is one of those before, compared one by one. They count
    /// as one computation, since their number is bounded by what is kept.
    ///
    /// # Errors
    /// [`NotHashed`].
    pub(crate) async fn verify_any(
        &self,
        password: SecretString,
        hashes: Vec<String>,
    ) -> Result<bool, NotHashed> {
        let any = move || {
            let mut is_any = false;
            for hash in &hashes {
                is_any |= verified(&password, Some(hash))?;
            }
            Ok(is_any)
        };
        self.run(any).await?
    }

    async fn run<T: Send + 'static>(
        &self,
        compute: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotHashed> {
        let permit = Arc::clone(&self.permits).acquire_owned();
        let permit = match tokio::time::timeout(self.wait, permit).await {
            Ok(permit) => permit.map_err(|_| NotHashed::Failed)?,
            Err(_) => return Err(NotHashed::Overloaded),
        };
        let task = tokio::task::spawn_blocking(move || {
            let computed = compute();
            drop(permit);
            computed
        });
        task.await.map_err(|_| NotHashed::Failed)
    }
}

fn argon2() -> Result<Argon2<'static>, NotHashed> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| NotHashed::Failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hashed(password: &SecretString, salt: &[u8; SALT_BYTES]) -> Result<PasswordHash, NotHashed> {
    let password = password.expose_secret().as_bytes();
    argon2()?.hash_password_with_salt(password, salt).map_err(|_| NotHashed::Failed)
}

fn verified(password: &SecretString, hash: Option<&str>) -> Result<bool, NotHashed> {
    // What no policy lets through is no password of anybody.
    let is_possible = password.expose_secret().len() <= policy::BYTES_MAX;
    let hash = hash.filter(|_| is_possible).and_then(|hash| PasswordHash::new(hash).ok());
    let Some(hash) = hash else {
        hashed(&SecretString::from(""), &[0; SALT_BYTES])?;
        return Ok(false);
    };
    Ok(argon2()?.verify_password(password.expose_secret().as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    const WAIT: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_and_no_other_is() {
        let hasher = Hasher::new(WAIT);
        let hash = hasher.hash(secret("Tr0ub4dor&3x")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hasher.hash(secret("Tr0ub4dor&3x")).await.unwrap(), hash, "salted");
        for (text, expect) in [("Tr0ub4dor&3x", true), ("tr0ub4dor&3x", false), ("", false)] {
            let is_right = hasher.verify(secret(text), Some(hash.clone())).await;
            assert_eq!(is_right, Ok(expect), "{text}");
        }
        let too_long = "x".repeat(policy::BYTES_MAX + 1);
        assert_eq!(hasher.verify(secret(&too_long), Some(hash.clone())).await, Ok(false));
        let before = vec![hasher.hash(secret("before")).await.unwrap(), hash];
        for (text, expect) in [("before", true), ("Tr0ub4dor&3x", true), ("never", false)] {
            assert_eq!(hasher.verify_any(secret(text), before.clone()).await, Ok(expect));
        }
        assert_eq!(hasher.verify_any(secret("x"), Vec::new()).await, Ok(false));
    }

    #[tokio::test]
    async fn the_hash_of_another_tool_is_understood() {
        // `src/test.c` of the reference implementation: argon2id, version 19.
        let hasher = Hasher::new(WAIT);
        let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$\
            CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
            .to_owned();
        assert_eq!(hasher.verify(secret("password"), Some(hash.clone())).await, Ok(true));
        assert_eq!(hasher.verify(secret("Password"), Some(hash)).await, Ok(false));
    }

    #[tokio::test]
    async fn a_password_of_nobody_is_wrong_and_costs_as_much() {
        let hasher = Hasher::new(WAIT);
        let began = Instant::now();
        hasher.hash(secret("x")).await.unwrap();
        let of_one = began.elapsed();
        for hash in [None, Some(String::new())] {
            let began = Instant::now();
            assert_eq!(hasher.verify(secret("x"), hash).await, Ok(false));
            // Far more than nothing: other work on the machine blurs the rest.
            assert!(of_one < began.elapsed() * 20, "{:?} {of_one:?}", began.elapsed());
        }
    }

    #[tokio::test]
    async fn who_finds_four_at_work_waits_and_is_refused() {
        let hasher = Hasher::new(Duration::from_millis(20));
        let (begun, release) = (Arc::new(Semaphore::new(0)), std::sync::mpsc::channel::<()>());
        let (hold, held) = (release.0, Arc::new(std::sync::Mutex::new(release.1)));
        let mut at_work = Vec::new();
        for _ in 0..AT_ONCE_MAX {
            let (hasher, begun, held) = (hasher.clone(), Arc::clone(&begun), Arc::clone(&held));
            at_work.push(tokio::spawn(async move {
                let work = move || {
                    begun.add_permits(1);
                    // Ends when the sender is gone.
                    let _ = held.lock().map(|held| held.recv());
                };
                hasher.run(work).await
            }));
        }
        let all = u32::try_from(AT_ONCE_MAX).unwrap();
        begun.acquire_many(all).await.unwrap().forget();
        assert_eq!(hasher.hash(secret("x")).await, Err(NotHashed::Overloaded));
        // Nobody waits for these any more, and they count until they are done.
        at_work.iter().for_each(tokio::task::JoinHandle::abort);
        assert_eq!(hasher.verify(secret("x"), None).await, Err(NotHashed::Overloaded));
        drop(hold);
        let patient = Hasher { wait: WAIT, ..hasher };
        assert_eq!(patient.verify(secret("x"), None).await, Ok(false));
    }
}
