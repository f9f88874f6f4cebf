//! What a client is made from.

use std::fmt;
use std::time::Duration;

use crate::tls::Trust;

/// Settings of a client.
#[derive(Clone, Debug)]
pub struct Options {
    /// Nodes, `http://host:port` or `https://host:port`, asked in this order; at most 16.
    pub urls: Vec<String>,
    /// How long a call may take with everything it tries.
    pub timeout: Duration,
    /// How long one try may take where another could follow. A node answers
    /// within 10 s, so a shorter time gives up answers that are on their way.
    pub attempt_timeout: Duration,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How often the whole list is gone through.
    pub rounds_max: usize,
    /// The pause after the first round; doubled after each further one.
    pub pause: Duration,
    /// Who asks; without it, nobody.
    pub credential: Option<Credential>,
    /// Whom to believe over `https`.
    pub trust: Trust,
}

impl Options {
    /// Settings that suit most, for these nodes.
    pub fn new<I: IntoIterator<Item: Into<String>>>(urls: I) -> Self {
        Self {
            urls: urls.into_iter().map(Into::into).collect(),
            timeout: Duration::from_secs(30),
            attempt_timeout: Duration::from_secs(12),
            connect_timeout: Duration::from_secs(2),
            rounds_max: 3,
            pause: Duration::from_millis(100),
            credential: None,
            trust: Trust::default(),
        }
    }
}

/// A session id or API key. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential(String);

impl Credential {
    /// Takes the text of a credential.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether there is no text, as of a variable that is set to nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Credential {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(..)")
    }
}
