//! What the interface is configured with, apart from where it listens.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use governance::access::AccountRole;
use ipnet::IpNet;
use secrecy::SecretString;

/// Who is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthMode {
    /// Everybody, on a loopback address, as long as there are no accounts.
    #[default]
    Open,
    /// Whoever shows a credential.
    Required,
}

impl AuthMode {
    /// The word in the configuration and in `/status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Required => "required",
        }
    }
}

/// Bounds and switches of the interface.
#[derive(Clone, Debug)]
pub struct Config {
    /// Version that `/health` and `/` show.
    pub version: &'static str,
    /// Who is served.
    pub auth: AuthMode,
    /// Whether the interface is served over TLS. Then replies tell browsers to come
    /// over nothing else, and cookies are for it alone.
    pub is_tls: bool,
    /// Origins that browsers may call from; none by default, and never `*`.
    pub cors_origins: Vec<String>,
    /// Whether `/metrics` answers.
    pub metrics_enabled: bool,
    /// Whether it does so on another address, and here not.
    pub metrics_elsewhere: bool,
    /// How often one sender may ask.
    pub rates: RateLimits,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Requests in progress at once; more are refused with 429.
    pub concurrency_max: usize,
    /// Audits (verification, long lists) in progress at once.
    pub audits_max: usize,
    /// Policies read and answers explained at once.
    pub studies_max: usize,
    /// Time for a request from its head to its answer.
    pub request_timeout: Duration,
    /// Time for an audit, which reads as much as is asked for.
    pub audit_timeout: Duration,
    /// Wait for a leader, a quorum or an index before a read is refused.
    pub consistency_timeout: Duration,
    /// Bytes of a context as RFC 8785.
    pub context_bytes_max: usize,
    /// How many of the newest decisions a policy is replayed against before it
    /// is loaded. It is refused if it would allow what was denied, unless that
    /// is acknowledged. `None`: nothing is replayed and nothing refused.
    pub impact_gate: Option<u64>,
    /// Where browsers reach the interface, without a slash at the end: providers
    /// of logins send them back there.
    pub base_url: Option<String>,
    /// Providers of logins, by name.
    pub oidc: Vec<OidcProvider>,
}

/// A provider of logins by OpenID Connect.
#[derive(Clone, Debug)]
pub struct OidcProvider {
    /// `google`, `azure` or `custom`: in paths, and in what is recorded.
    pub name: &'static str,
    /// As its tokens name it: an URL without `/.well-known/openid-configuration`.
    pub issuer: String,
    /// What the provider calls us.
    pub client_id: String,
    /// What shows it that it is us.
    pub client_secret: Option<SecretString>,
    /// What is asked for besides `openid`.
    pub scopes: Vec<String>,
    /// The claim that [`OidcProvider::roles`] are looked up by.
    pub role_claim: Option<String>,
    /// Which value of the claim makes which role. Of several the first counts.
    pub roles: Vec<(String, AccountRole)>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            auth: AuthMode::Open,
            is_tls: false,
            cors_origins: Vec::new(),
            metrics_enabled: true,
            metrics_elsewhere: false,
            rates: RateLimits::default(),
            trusted_proxies: Vec::new(),
            concurrency_max: 1024,
            audits_max: 2,
            studies_max: 2,
            request_timeout: Duration::from_secs(10),
            audit_timeout: Duration::from_secs(600),
            consistency_timeout: Duration::from_secs(5),
            context_bytes_max: 64 << 10,
            impact_gate: None,
            base_url: None,
            oidc: Vec::new(),
        }
    }
}

/// How often one sender may ask; `None` is without a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// From one address, of IPv6 from one /64; probes and `/metrics` apart.
    pub address: Option<Rate>,
    /// To log in, from one address.
    pub login: Option<Rate>,
    /// By one principal, wherever from.
    pub principal: Option<Rate>,
    /// Senders that each limit keeps in mind.
    pub senders_max: usize,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self { address: None, login: None, principal: None, senders_max: 100_000 }
    }
}

/// So many requests in so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests, all of which may come at once.
    pub count: NonZeroU32,
    /// Time in which the whole count comes back, steadily.
    pub seconds: NonZeroU32,
}

impl Rate {
    const COUNT_MAX: u32 = 1_000_000;
    const SECONDS_MAX: u32 = 86_400;

    /// Time in which one request comes back.
    pub(crate) fn period(self) -> Duration {
        Duration::from_secs(u64::from(self.seconds.get())) / self.count.get()
    }
}

/// A text that is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rate is `<count>/<seconds>`: 1 to 1000000 requests in 1 to 86400 seconds")]
pub struct NotARate;

impl FromStr for Rate {
    type Err = NotARate;

    fn from_str(text: &str) -> Result<Self, NotARate> {
        let (count, seconds) = text.split_once('/').ok_or(NotARate)?;
        let number = |text: &str, max: u32| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            let number = text.parse::<NonZeroU32>().ok().filter(|number| number.get() <= max);
            number.filter(|_| digits).ok_or(NotARate)
        };
        Ok(Self {
            count: number(count, Self::COUNT_MAX)?,
            seconds: number(seconds, Self::SECONDS_MAX)?,
        })
    }
}

/// Bounds of the listener.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once; more wait in the backlog of the socket.
    pub connections_max: usize,
    /// Time for the head of a request, and for the first bytes of a connection
    /// with its handshake.
    pub head_timeout: Duration,
    /// A connection on which nothing moves for so long is closed.
    pub idle_timeout: Duration,
    /// Bytes of the head of a request.
    pub head_bytes_max: u32,
    /// Streams of one HTTP/2 connection.
    pub streams_max: u32,
    /// Time that requests in progress have to end at shutdown.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 4096,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            head_bytes_max: 32 << 10,
            streams_max: 256,
            grace: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_count_in_a_time() {
        let rate: Rate = "5/300".parse().unwrap();
        assert_eq!((rate.count.get(), rate.seconds.get()), (5, 300));
        assert_eq!(rate.period(), Duration::from_secs(60));
        for refused in
            ["", "5", "0/1", "1/0", "-1/1", "+1/1", "1/1s", "1000001/1", "1/86401", "1/ 1"]
        {
            assert_eq!(refused.parse::<Rate>(), Err(NotARate), "{refused:?}");
        }
    }
}
