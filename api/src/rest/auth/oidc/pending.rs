//! A login that was begun at a provider and waits for its answer.
//!
//! Invariants
//! - Sealed for this purpose alone, so nothing else that the cluster sealed is
//!   taken for it, and the provider that passes it on reads nothing of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use types::{Digest, Micros, Timestamp};

use crate::app::App;
use crate::backend::Backend;
use crate::problem::Problem;
use crate::secrets::random_text;

/// How long a provider may take to answer.
pub(super) const LIFE_SECONDS: i64 = 600;
const LIFE: Micros = Micros(600 * 1_000_000);
const PURPOSE: &str = "oidc";

/// What is remembered of a login until the provider answers.
#[derive(Debug)]
pub(super) struct Pending {
    /// Where it was begun.
    pub(super) provider: String,
    /// What the ID token must say.
    pub(super) nonce: String,
    /// What shows the provider that who exchanges the code is who began.
    pub(super) verifier: SecretString,
    /// SHA-256 of the cookie of the browser.
    pub(super) binding_hash: Digest,
    /// By then it must be answered.
    pub(super) expires_at: Timestamp,
}

impl Pending {
    pub(super) fn new(
        provider: &str,
        binding_hash: Digest,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        Ok(Self {
            provider: provider.to_owned(),
            nonce: random_text()?.expose_secret().to_owned(),
            verifier: random_text()?,
            binding_hash,
            expires_at: now.checked_add(LIFE).unwrap_or(Timestamp::MAX),
        })
    }

    /// As `state`.
    pub(super) fn seal<B: Backend>(&self, app: &App<B>) -> Result<String, Problem> {
        let sealed = app.backend.seal(PURPOSE, self.text().expose_secret().as_bytes())?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// What any node of the cluster sealed; nothing, for anything else.
    pub(super) fn unseal<B: Backend>(app: &App<B>, state: &str) -> Result<Option<Self>, Problem> {
        let Ok(sealed) = URL_SAFE_NO_PAD.decode(state) else { return Ok(None) };
        let text = app.backend.unseal(PURPOSE, &sealed)?;
        Ok(text.and_then(|text| Self::read(std::str::from_utf8(text.expose_secret()).ok()?)))
    }

    fn text(&self) -> SecretString {
        let Self { provider, nonce, verifier, binding_hash, expires_at } = self;
        let (verifier, end) = (verifier.expose_secret(), expires_at.0);
        SecretString::from(format!("{provider}\n{nonce}\n{verifier}\n{binding_hash}\n{end}"))
    }

    fn read(text: &str) -> Option<Self> {
        let mut lines = text.split('\n');
        let pending = Self {
            provider: lines.next()?.to_owned(),
            nonce: lines.next()?.to_owned(),
            verifier: SecretString::from(lines.next()?.to_owned()),
            binding_hash: lines.next()?.parse().ok()?,
            expires_at: Timestamp(lines.next()?.parse().ok()?),
        };
        lines.next().is_none().then_some(pending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_read_back_and_shown_nowhere() {
        let pending = Pending::new("custom", Digest([7; 32]), Timestamp(5)).unwrap();
        let text = pending.text();
        let read = Pending::read(text.expose_secret()).unwrap();
        assert_eq!(read.text().expose_secret(), text.expose_secret());
        assert_eq!(read.expires_at, Timestamp(600_000_005));
        assert_eq!(pending.verifier.expose_secret().len(), 43);
        assert!(!format!("{pending:?}").contains(pending.verifier.expose_secret()));
        assert!(Pending::read(&format!("{}\nmore", text.expose_secret())).is_none());
    }
}
