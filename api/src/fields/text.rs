//! Texts: how long, and of which characters.

/// Bounds of a text, which is trimmed before it is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text {
    /// At least so many characters; one, since blank is missing.
    pub(crate) chars_min: usize,
    /// At most so many.
    pub(crate) chars_max: usize,
    /// Which characters.
    pub(crate) alphabet: Alphabet,
}

impl Text {
    /// A text of these characters.
    pub(crate) const fn of(alphabet: Alphabet, chars_max: usize) -> Self {
        Self { chars_min: 1, chars_max, alphabet }
    }

    /// That is longer than a word.
    #[must_use]
    pub(crate) const fn at_least(mut self, chars_min: usize) -> Self {
        self.chars_min = chars_min;
        self
    }

    /// A text of any characters.
    pub(crate) const fn any(chars_max: usize) -> Self {
        Self::of(Alphabet::Any, chars_max)
    }
}

/// Which characters a text may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// Any.
    Any,
    /// Any but control characters.
    Line,
    /// Letters, digits and `_ - . @ : /`.
    Actor,
    /// Letters, digits, `_ - . / : ( )` and space.
    Action,
    /// Letters, digits and `_ - .`.
    Name,
    /// What ASCII can print.
    Printable,
    /// Digits and letters of a URL with host and port.
    Address,
    /// Base64url without padding.
    Base64Url,
}

impl Alphabet {
    /// Whether a text may have this character.
    pub(crate) fn admits(self, character: char) -> bool {
        let letter = character.is_ascii_alphanumeric();
        match self {
            Self::Any => true,
            Self::Line => !character.is_control(),
            Self::Actor => letter || "_-.@:/".contains(character),
            Self::Action => letter || "_-./:() ".contains(character),
            Self::Name => letter || "_-.".contains(character),
            Self::Printable => matches!(character, ' '..='~'),
            Self::Address => letter || "_-.:/[]".contains(character),
            Self::Base64Url => letter || "_-".contains(character),
        }
    }

    /// The same for readers; `None` where any character goes.
    pub(crate) fn words(self) -> Option<&'static str> {
        match self {
            Self::Any => None,
            Self::Line => Some("any characters but control characters"),
            Self::Actor => Some("letters, digits and `_ - . @ : /`"),
            Self::Action => Some("letters, digits, `_ - . / : ( )` and space"),
            Self::Name => Some("letters, digits and `_ - .`"),
            Self::Printable => Some("printable ASCII"),
            Self::Address => Some("letters, digits and `_ - . : / [ ]`"),
            Self::Base64Url => Some("base64url without padding"),
        }
    }

    /// The same as a regular expression of ECMA-262.
    pub(crate) fn pattern(self) -> Option<&'static str> {
        match self {
            Self::Any => None,
            Self::Line => Some(r"^[^\u0000-\u001f\u007f-\u009f]+$"),
            Self::Actor => Some("^[A-Za-z0-9_.@:/-]+$"),
            Self::Action => Some("^[A-Za-z0-9_./:() -]+$"),
            Self::Name => Some("^[A-Za-z0-9_.-]+$"),
            Self::Printable => Some("^[ -~]+$"),
            Self::Address => Some("^[A-Za-z0-9_.:/\\[\\]-]+$"),
            Self::Base64Url => Some("^[A-Za-z0-9_-]+$"),
        }
    }
}
