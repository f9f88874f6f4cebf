//! Credentials: a prefix that says what it is for, and 32 random bytes.
//!
//! Invariants
//! - One credential has one spelling, so that its hash can be looked up.
//! - A credential of one kind is never taken for one of another.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use types::Digest;

use super::{NoRandomness, random};

const BYTES: usize = 32;

/// Characters of base64url without padding that 32 bytes have.
const CHARS: usize = 43;

/// Hex digits of a CSRF token: 128 bits.
const CSRF_CHARS: usize = 32;

/// What a credential is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A session of an account.
    Session,
    /// A login that waits for its second factor.
    Challenge,
    /// A key of a program.
    ApiKey,
    /// One node may join with it.
    JoinToken,
}

impl Kind {
    /// Every kind there is.
    pub const ALL: [Self; 4] = [Self::Session, Self::Challenge, Self::ApiKey, Self::JoinToken];

    /// What it begins with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Session => "sess_",
            Self::Challenge => "mfa_",
            Self::ApiKey => "lxk_",
            Self::JoinToken => "lxj_",
        }
    }
}

/// A credential, as it is shown to whom it is given, once, and shown by them.
#[derive(Clone)]
pub struct Credential {
    kind: Kind,
    text: SecretString,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({}..)", self.kind.prefix())
    }
}

impl Credential {
    /// A new one.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn draw(kind: Kind) -> Result<Self, NoRandomness> {
        let text = format!("{}{}", kind.prefix(), URL_SAFE_NO_PAD.encode(random::<BYTES>()?));
        Ok(Self { kind, text: text.into() })
    }

    /// Reads one of this kind. Whether anybody was given it, this does not say.
    pub fn parse(kind: Kind, text: &str) -> Option<Self> {
        let rest = text.strip_prefix(kind.prefix())?;
        if rest.len() != CHARS {
            return None;
        }
        // Refuses bits past the last byte too: they would be a second spelling.
        let mut bytes = [0; BYTES];
        let read = URL_SAFE_NO_PAD.decode_slice(rest, &mut bytes).ok()?;
        (read == BYTES).then(|| Self { kind, text: text.into() })
    }

    /// Reads what a request may carry in `Authorization`: a session or a key of a
    /// program.
    pub fn parse_bearer(text: &str) -> Option<Self> {
        Self::parse(Kind::Session, text).or_else(|| Self::parse(Kind::ApiKey, text))
    }

    /// What it is for.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its text, for whom it is given to.
    pub fn text(&self) -> &SecretString {
        &self.text
    }

    /// What is kept of it and looked up.
    pub fn hash(&self) -> Digest {
        Digest(Sha256::digest(self.text.expose_secret().as_bytes()).into())
    }

    /// What a page of ours sends beside the cookie of this session, and no page of
    /// others knows. It tells nothing of the session.
    pub fn csrf_token(&self) -> String {
        // A credential is shorter than a block, so the constructor that cannot
        // fail serves.
        let mut key = [0_u8; 64];
        for (to, from) in key.iter_mut().zip(self.text.expose_secret().bytes()) {
            *to = from;
        }
        let mut mac = Hmac::<Sha256>::new(&key.into());
        mac.update(b"lexecon csrf v1");
        let mut token = Digest(mac.finalize().into_bytes().into()).to_string();
        token.truncate(CSRF_CHARS);
        token
    }

    /// Whether a text is the CSRF token of this session.
    pub fn is_csrf_token(&self, text: &str) -> bool {
        self.csrf_token().as_bytes().ct_eq(text.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The bytes 0, 1, 2 and so on.
    const KNOWN: &str = "sess_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    #[test]
    fn what_is_drawn_is_read_as_its_kind_alone() {
        for kind in Kind::ALL {
            let drawn = Credential::draw(kind).unwrap();
            let text = drawn.text().expose_secret();
            assert_eq!(text.len(), kind.prefix().len() + CHARS);
            for other in Kind::ALL {
                let read = Credential::parse(other, text);
                assert_eq!(
                    read.as_ref().map(Credential::hash),
                    (other == kind).then(|| drawn.hash())
                );
            }
            let may_ask = matches!(kind, Kind::Session | Kind::ApiKey);
            assert_eq!(Credential::parse_bearer(text).map(|it| it.kind()), may_ask.then_some(kind));
            assert_ne!(Credential::draw(kind).unwrap().hash(), drawn.hash());
        }
    }

    #[test]
    fn a_credential_has_one_spelling() {
        assert!(Credential::parse(Kind::Session, KNOWN).is_some());
        let cut = KNOWN.strip_suffix('8').unwrap();
        for text in [
            String::new(),
            "sess_".to_owned(),
            cut.to_owned(),
            format!("{KNOWN}A"),
            format!("{KNOWN}="),
            format!(" {KNOWN}"),
            // The last character has two bits too many.
            format!("{cut}9"),
            format!("{cut}+"),
            format!("{cut}\u{e9}"),
            KNOWN.replace("sess_", "SESS_"),
        ] {
            assert!(Credential::parse(Kind::Session, &text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_hash_and_the_csrf_token_are_those_of_other_tools() {
        // printf %s "$TEXT" | sha256sum; openssl dgst -sha256 -hmac "$TEXT"
        let known = Credential::parse(Kind::Session, KNOWN).unwrap();
        assert_eq!(known.hash().to_string(), HASH);
        assert_eq!(known.csrf_token(), CSRF);
        assert!(known.is_csrf_token(CSRF));
        for wrong in ["", &CSRF[1..], &CSRF.to_uppercase(), &format!("{CSRF}0")] {
            assert!(!known.is_csrf_token(wrong), "{wrong}");
        }
    }

    const HASH: &str = "ad9f662bda951503444982cb8383ba7c971fd3e791c21014630011a8d7d9a7ce";
    const CSRF: &str = "9b9c9c259355ff36e4cc5ac8910f59e5";

    #[test]
    fn debug_output_shows_no_credential() {
        let known = Credential::parse(Kind::Session, KNOWN).unwrap();
        assert_eq!(format!("{known:?}"), "Credential(sess_..)");
        assert!(!format!("{:?}", known.text()).contains("AAEC"));
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_fail(text in "(sess_|mfa_|lxk_|lxj_)?\\PC{0,60}") {
            for kind in Kind::ALL {
                if let Some(read) = Credential::parse(kind, &text) {
                    prop_assert_eq!(read.text().expose_secret(), &text);
                }
            }
        }
    }
}
