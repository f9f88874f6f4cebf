//! Credentials: a prefix that says what it is for, and 32 random bytes.
//!
//! Not here: which forms there are, which `auth::credential` says.
//!
//! Invariants
//! - One credential has one spelling, so that its hash can be looked up.
//! - A credential of one kind is never taken for one of another.

use std::fmt;

use ledger::hash::sha256;
use secrecy::{ExposeSecret as _, SecretString};
use types::Digest;

use super::{NoRandomness, random_text};
use crate::auth::credential::Kind;

/// A credential, as it is shown to whom it is given, once, and shown by them.
#[derive(Clone)]
pub(crate) struct Credential(SecretString);

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(..)")
    }
}

impl Credential {
    /// A new one.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub(crate) fn draw(kind: Kind) -> Result<Self, NoRandomness> {
        let text = format!("{}{}", kind.prefix(), random_text()?.expose_secret());
        Ok(Self(text.into()))
    }

    /// Reads one of this kind. Whether anybody was given it, this does not say.
    pub(crate) fn parse(kind: Kind, text: SecretString) -> Option<Self> {
        kind.has_form(text.expose_secret()).then_some(Self(text))
    }

    /// Its text, for whom it is given to.
    pub(crate) fn text(&self) -> &SecretString {
        &self.0
    }

    /// What is kept of it and looked up.
    pub(crate) fn hash(&self) -> Digest {
        hash_of(self.0.expose_secret())
    }
}

/// What is kept of a text that has the form of a credential.
pub(crate) fn hash_of(text: &str) -> Digest {
    sha256(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    /// The bytes 0, 1, 2 and so on.
    const KNOWN: &str = "sess_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    #[test]
    fn what_is_drawn_is_read_as_its_kind_alone() {
        for kind in Kind::ALL {
            let drawn = Credential::draw(kind).unwrap();
            assert_eq!(drawn.text().expose_secret().len(), kind.prefix().len() + 43);
            for other in Kind::ALL {
                let read = Credential::parse(other, drawn.text().clone());
                let expect = (other == kind).then(|| drawn.hash());
                assert_eq!(read.map(|read| read.hash()), expect);
            }
            assert_ne!(Credential::draw(kind).unwrap().hash(), drawn.hash());
        }
    }

    #[test]
    fn the_hash_is_that_of_other_tools() {
        // printf %s "$TEXT" | sha256sum
        let known = Credential::parse(Kind::Session, KNOWN.into()).unwrap();
        assert_eq!(known.hash().to_string(), HASH);
    }

    const HASH: &str = "ad9f662bda951503444982cb8383ba7c971fd3e791c21014630011a8d7d9a7ce";

    #[test]
    fn debug_output_shows_no_credential() {
        let known = Credential::parse(Kind::Session, KNOWN.into()).unwrap();
        assert_eq!(format!("{known:?}"), "Credential(..)");
        assert!(!format!("{:?}", known.text()).contains("AAEC"));
    }

    /// The check of the form reads the standard library alone: here it is held
    /// against the library that draws.
    fn is_base64url(text: &str) -> bool {
        let read = URL_SAFE_NO_PAD.decode(text);
        read.is_ok_and(|bytes| bytes.len() == 32)
    }

    proptest! {
        #[test]
        fn a_form_is_what_base64url_takes(
            text in "(sess_|mfa_|lxk_|lxj_)([0-9A-Za-z_-]{43}|\\PC{0,60})"
        ) {
            for kind in Kind::ALL {
                let expect = text.strip_prefix(kind.prefix()).is_some_and(is_base64url);
                let read = Credential::parse(kind, text.as_str().into());
                prop_assert_eq!(read.is_some(), expect);
            }
        }
    }
}
