//! The texts by which a request shows who sends it, taken apart.
//!
//! Nothing here knows whether a credential is one of ours: only whether it has
//! the form of one. It reads the standard library alone, so that the fuzz
//! targets build this file as it is.
//!
//! Invariants
//! - A text has one form: 43 characters of base64url whose last two bits are
//!   zero, so no other text stands for the same 32 bytes.
//! - No text is ever shown by `Debug`.

use std::fmt;

/// Base64url of 32 bytes without padding.
const CHARS: usize = 43;

/// What a credential is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A session of an account.
    Session,
    /// A login that waits for its second factor: no request shows it to say who
    /// sends it.
    Challenge,
    /// A key of a program.
    ApiKey,
    /// One node may join with it.
    JoinToken,
}

impl Kind {
    /// Every kind there is.
    pub(crate) const ALL: [Self; 4] =
        [Self::Session, Self::Challenge, Self::ApiKey, Self::JoinToken];

    /// What it begins with.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Session => "sess_",
            Self::Challenge => "mfa_",
            Self::ApiKey => "lxk_",
            Self::JoinToken => "lxj_",
        }
    }

    /// Whether a whole text has the form of one.
    pub(crate) fn has_form(self, text: &str) -> bool {
        text.strip_prefix(self.prefix()).is_some_and(is_secret)
    }
}

/// A text that has the form of a credential.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credential<'a> {
    /// Of a session.
    Session(&'a str),
    /// Of a key of a program.
    ApiKey(&'a str),
    /// Of a node that wants to join.
    JoinToken(&'a str),
}

impl<'a> Credential<'a> {
    /// Reads a whole text; `None` for any that has no such form.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let kind = Kind::ALL.into_iter().find(|kind| kind.has_form(text))?;
        match kind {
            Kind::Session => Some(Self::Session(text)),
            Kind::ApiKey => Some(Self::ApiKey(text)),
            Kind::JoinToken => Some(Self::JoinToken(text)),
            Kind::Challenge => None,
        }
    }

    /// The text itself.
    pub(crate) fn text(self) -> &'a str {
        match self {
            Self::Session(text) | Self::ApiKey(text) | Self::JoinToken(text) => text,
        }
    }
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Session(_) => "Session",
            Self::ApiKey(_) => "ApiKey",
            Self::JoinToken(_) => "JoinToken",
        })
    }
}

/// 258 bits carry 256: the last two must be zero, or two texts would be one.
fn is_secret(text: &str) -> bool {
    const LAST: &[u8] = b"AEIMQUYcgkosw048";
    let known = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let bytes = text.as_bytes();
    let ends = bytes.last().is_some_and(|last| LAST.contains(last));
    bytes.len() == CHARS && ends && bytes.iter().all(known)
}

/// Why no credential can be read out of what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// `Authorization` is not `Bearer`.
    Scheme,
    /// What follows has not the form of a credential.
    Malformed,
    /// There are several, and which one counts nobody can tell.
    Several,
}

impl Unreadable {
    /// The same for people; nothing of what was sent is in it.
    pub(crate) fn detail(self) -> &'static str {
        match self {
            Self::Scheme => "`Authorization` must be `Bearer` and a credential",
            Self::Malformed => "what was sent has not the form of a credential",
            Self::Several => "the request shows more than one credential",
        }
    }
}

/// The credential of a value of `Authorization`: RFC 6750, section 2.1.
pub(crate) fn bearer(value: &[u8]) -> Result<Credential<'_>, Unreadable> {
    let text = std::str::from_utf8(value).map_err(|_| Unreadable::Malformed)?;
    let (scheme, token) =
        text.trim_matches([' ', '\t']).split_once(' ').ok_or(Unreadable::Scheme)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Unreadable::Scheme);
    }
    Credential::parse(token.trim_start_matches(' ')).ok_or(Unreadable::Malformed)
}

/// The session in a value of `Cookie`: RFC 6265, section 4.2. Cookies of other
/// names are somebody else's and are not looked at.
pub(crate) fn cookie<'a>(
    value: &'a [u8],
    name: &str,
) -> Result<Option<Credential<'a>>, Unreadable> {
    let mut found = None;
    for pair in value.split(|byte| *byte == b';') {
        let pair = pair.trim_ascii();
        let Some(text) = pair.strip_prefix(name.as_bytes()).and_then(|b| b.strip_prefix(b"="))
        else {
            continue;
        };
        if found.is_some() {
            return Err(Unreadable::Several);
        }
        let text = std::str::from_utf8(text).map_err(|_| Unreadable::Malformed)?;
        match Credential::parse(text) {
            Some(session @ Credential::Session(_)) => found = Some(session),
            // What is a program's has no business in a browser.
            Some(Credential::ApiKey(_) | Credential::JoinToken(_)) | None => {
                return Err(Unreadable::Malformed);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZEROS: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn a_credential_is_a_prefix_and_32_bytes_and_nothing_else() {
        let session = format!("sess_{ZEROS}");
        let key = format!("lxk_{ZEROS}");
        assert_eq!(Credential::parse(&session), Some(Credential::Session(&session)));
        assert_eq!(Credential::parse(&key), Some(Credential::ApiKey(&key)));
        let with_last = |last: &str| format!("sess_{}{last}", &ZEROS[1..]);
        for refused in [
            String::new(),
            ZEROS.to_owned(),
            format!("sess_{}", &ZEROS[1..]),
            format!("sess_{ZEROS}A"),
            format!("SESS_{ZEROS}"),
            format!("mfa_{ZEROS}"),
            format!(" sess_{ZEROS}"),
            format!("sess_{ZEROS}\n"),
            // The same bytes as `A`, were the last bits not looked at.
            with_last("B"),
            with_last("D"),
            with_last("="),
            with_last("+"),
            with_last("é"),
        ] {
            assert_eq!(Credential::parse(&refused), None, "{refused:?}");
        }
        assert!(Credential::parse(&with_last("8")).is_some());
    }

    #[test]
    fn only_bearer_is_taken() {
        let session = format!("sess_{ZEROS}");
        for taken in [
            format!("Bearer {session}"),
            format!("bEARER {session}"),
            format!("  Bearer   {session}\t"),
        ] {
            assert_eq!(bearer(taken.as_bytes()), Ok(Credential::Session(&session)), "{taken}");
        }
        for (refused, why) in [
            ("", Unreadable::Scheme),
            ("Bearer", Unreadable::Scheme),
            ("Basic dTpw", Unreadable::Scheme),
            ("Bearer x", Unreadable::Malformed),
            ("Bearer\tx", Unreadable::Scheme),
        ] {
            assert_eq!(bearer(refused.as_bytes()), Err(why), "{refused}");
        }
        let two = format!("Bearer {session}, Bearer {session}");
        assert_eq!(bearer(two.as_bytes()), Err(Unreadable::Malformed));
        assert_eq!(bearer(b"Bearer \xff"), Err(Unreadable::Malformed));
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let session = format!("sess_{ZEROS}");
        let found = Ok(Some(Credential::Session(session.as_str())));
        for value in [
            format!("s={session}"),
            format!("theme=dark; s={session}; x"),
            format!("xs=1;s={session};"),
        ] {
            assert_eq!(cookie(value.as_bytes(), "s"), found, "{value}");
        }
        for none in ["", ";", "s", "xs=1", "S=1", "theme=dark"] {
            assert_eq!(cookie(none.as_bytes(), "s"), Ok(None), "{none}");
        }
        for (value, why) in [
            ("s=".to_owned(), Unreadable::Malformed),
            (format!("s=\"{session}\""), Unreadable::Malformed),
            (format!("s=lxk_{ZEROS}"), Unreadable::Malformed),
            (format!("s={session}; s={session}"), Unreadable::Several),
        ] {
            assert_eq!(cookie(value.as_bytes(), "s"), Err(why), "{value}");
        }
        assert_eq!(cookie(b"s=\xff", "s"), Err(Unreadable::Malformed));
    }

    #[test]
    fn no_text_is_shown() {
        let session = format!("sess_{ZEROS}");
        assert!(!format!("{:?}", Credential::Session(&session)).contains("AAA"));
    }
}
