//! What a client is made from.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use crate::tls::Trust;

/// Settings of a client.
#[derive(Clone, Debug)]
pub struct Options {
    /// Nodes, `http://host:port` or `https://host:port`, asked in this order; at
    /// most 16. Or `unix:///path/of/admin.sock` alone: the node of this machine,
    /// which takes whoever may open the socket for its operator.
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
#[derive(Clone, Debug)]
pub struct Credential(SecretString);

impl Credential {
    /// Takes the text of a credential.
    pub fn new(text: impl Into<SecretString>) -> Self {
        Self(text.into())
    }

    /// Whether there is no text, as of a variable that is set to nothing.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<&str> for Credential {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}
