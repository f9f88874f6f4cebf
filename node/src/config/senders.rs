//! Who is served, how often, and whom the node believes about that.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{ConfigError, Settings, bad};

/// Attempts to log in from one address, where nothing else is set.
const LOGIN_RATE: &str = "5/300";

impl Settings {
    /// Who guesses passwords is slowed down unless told otherwise; whoever is
    /// served without one has nothing to guess.
    pub(super) fn rates(&self) -> Result<api::RateLimits, ConfigError> {
        let rate = |key: &'static str| match self.text(key) {
            Some(text) => match text.parse::<api::Rate>() {
                Ok(rate) => Ok(Some(rate)),
                Err(why) => Err(ConfigError(format!("{key} `{text}`: {why}"))),
            },
            None => Ok(None),
        };
        let login = match (rate("rate_limit.auth_login")?, self.auth()?) {
            (None, api::AuthMode::Required) => LOGIN_RATE.parse().ok(),
            (login, api::AuthMode::Open | api::AuthMode::Required) => login,
        };
        Ok(api::RateLimits {
            address: rate("rate_limit.global_per_ip")?,
            login,
            principal: rate("rate_limit.per_principal")?,
            ..api::RateLimits::default()
        })
    }

    /// Networks, or single addresses.
    pub(super) fn trusted_proxies(&self) -> Result<Vec<IpNet>, ConfigError> {
        let key = "trusted_proxies";
        let read = |text: String| {
            let net = text.parse::<IpNet>().ok();
            let net = net.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
            net.ok_or_else(|| bad(key, &text, "a network such as 10.0.0.0/8"))
        };
        self.list(key).into_iter().map(read).collect()
    }
}
