//! How many requests one sender may make: a count in a time, refilled steadily
//! (GCRA), kept per node and in memory alone.
//!
//! Invariants
//! - It is checked before a credential or a password is looked at, so that
//!   guessing costs the guesser more than the node.
//! - Memory has a bound: beyond so many senders the one longest silent is
//!   forgotten.

mod bounded;

use std::fmt::Write as _;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::{Quota, RateLimiter};

use super::address::block;
use super::headers::put;
use crate::config::{Rate, RateLimits};
use crate::problem::Problem;
use bounded::Bounded;

/// Paths where a secret of a person can be guessed, of both transports.
const LOGIN: [&str; 9] = [
    "/auth/login",
    "/auth/mfa/verify",
    "/auth/mfa/backup-codes",
    "/auth/change-password",
    "/lexecon.governance.v1.Auth/Login",
    "/lexecon.governance.v1.Auth/VerifyMfa",
    "/lexecon.governance.v1.Auth/RenewBackupCodes",
    "/lexecon.governance.v1.Auth/ChangePassword",
    "/lexecon.governance.v1.Auth/OidcCallback",
];

/// And where a login at a provider ends: each asks that provider something.
const CALLBACKS: &str = "/auth/oidc/callback/";

/// Every limit there is.
#[derive(Debug)]
pub(crate) struct Rates {
    address: Option<Limiter<IpAddr>>,
    login: Option<Limiter<IpAddr>>,
    principal: Option<Limiter<String>>,
}

impl Rates {
    pub(crate) fn new(limits: &RateLimits) -> Self {
        let of = |rate: Option<Rate>| rate.filter(|_| 0 < limits.senders_max);
        Self {
            address: of(limits.address)
                .map(|rate| Limiter::new("address", rate, limits.senders_max)),
            login: of(limits.login).map(|rate| Limiter::new("login", rate, limits.senders_max)),
            principal: of(limits.principal)
                .map(|rate| Limiter::new("principal", rate, limits.senders_max)),
        }
    }

    /// Counts a request from an address.
    pub(crate) fn count_address(
        &self,
        address: IpAddr,
        path: &str,
        left: &mut Left,
    ) -> Result<(), Problem> {
        let sender = block(address);
        if let Some(limiter) = &self.address {
            limiter.count(&sender, left)?;
        }
        match &self.login {
            Some(limiter) if LOGIN.contains(&path) || path.starts_with(CALLBACKS) => {
                limiter.count(&sender, left)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Counts a request of a principal, by its id.
    pub(crate) fn count_principal(&self, id: &str, left: &mut Left) -> Result<(), Problem> {
        match &self.principal {
            Some(limiter) if !id.is_empty() => limiter.count(&id.to_owned(), left),
            Some(_) | None => Ok(()),
        }
    }
}

/// What is left of the limits that a request counted against.
#[derive(Debug, Default)]
pub(crate) struct Left {
    policies: String,
    left: String,
}

impl Left {
    fn add(&mut self, name: &str, rate: Rate, (remaining, reset): (u32, u64)) {
        let comma = if self.left.is_empty() { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(self.policies, "{comma}\"{name}\";q={};w={}", rate.count, rate.seconds);
        let _ = write!(self.left, "{comma}\"{name}\";r={remaining};t={reset}");
    }

    /// The headers of draft-ietf-httpapi-ratelimit-headers.
    pub(crate) fn put(&self, response: &mut Response<Body>) {
        if !self.left.is_empty() {
            put(response, "ratelimit-policy", &self.policies);
            put(response, "ratelimit", &self.left);
        }
    }
}

#[derive(Debug)]
struct Limiter<K: Hash + Eq + Clone + std::fmt::Debug, C: Clock = DefaultClock> {
    name: &'static str,
    rate: Rate,
    limiter: RateLimiter<K, Bounded<K>, C, StateInformationMiddleware>,
}

impl<K: Hash + Eq + Clone + std::fmt::Debug> Limiter<K> {
    fn new(name: &'static str, rate: Rate, senders_max: usize) -> Self {
        Self::on(name, rate, senders_max, DefaultClock::default())
    }
}

impl<K: Hash + Eq + Clone + std::fmt::Debug, C: Clock> Limiter<K, C> {
    fn on(name: &'static str, rate: Rate, senders_max: usize, clock: C) -> Self {
        let quota = Quota::with_period(rate.period()).unwrap_or(Quota::per_second(rate.count));
        let store = Bounded::new(senders_max);
        let limiter = RateLimiter::new(quota.allow_burst(rate.count), store, clock);
        Self { name, rate, limiter }
    }

    fn count(&self, sender: &K, left: &mut Left) -> Result<(), Problem> {
        match self.limiter.check_key(sender) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let used = self.rate.count.get().saturating_sub(remaining);
                left.add(self.name, self.rate, (remaining, seconds(self.rate.period() * used)));
                Ok(())
            }
            Err(until) => {
                let wait = seconds(until.wait_time_from(self.limiter.clock().now())).max(1);
                left.add(self.name, self.rate, (0, wait));
                Err(Problem::rate_limited(self.name, wait))
            }
        }
    }
}

/// Rounded up: who waits so long is served.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(0 < time.subsec_nanos())
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn limiter(senders_max: usize) -> (Limiter<u8, FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let rate = "3/30".parse().unwrap();
        (Limiter::on("test", rate, senders_max, clock.clone()), clock)
    }

    fn count(limiter: &Limiter<u8, FakeRelativeClock>, sender: u8) -> Result<String, u64> {
        let mut left = Left::default();
        let counted = limiter.count(&sender, &mut left);
        counted.map(|()| left.left).map_err(|problem| problem.retry_after().unwrap())
    }

    #[test]
    fn a_sender_has_its_count_and_gets_it_back_in_time() {
        let (limiter, clock) = limiter(10);
        assert_eq!(count(&limiter, 1), Ok("\"test\";r=2;t=10".to_owned()));
        assert_eq!(count(&limiter, 1), Ok("\"test\";r=1;t=20".to_owned()));
        assert_eq!(count(&limiter, 1), Ok("\"test\";r=0;t=30".to_owned()));
        assert_eq!(count(&limiter, 1), Err(10));
        clock.advance(Duration::from_millis(3_500));
        // Rounded down, the sender would come too early.
        assert_eq!(count(&limiter, 1), Err(7));
        assert!(count(&limiter, 2).is_ok(), "another sender has a count of its own");
        clock.advance(Duration::from_secs(7));
        assert!(count(&limiter, 1).is_ok());
    }

    #[test]
    fn beyond_the_bound_the_one_longest_silent_is_forgotten() {
        let (limiter, _) = limiter(2);
        while count(&limiter, 1).is_ok() {}
        assert!(count(&limiter, 2).is_ok());
        assert!(count(&limiter, 1).is_err(), "being refused is no silence");
        assert!(count(&limiter, 3).is_ok());
        assert!(count(&limiter, 1).is_err());
        assert_eq!(count(&limiter, 2), Ok("\"test\";r=2;t=10".to_owned()), "2 was forgotten");
    }
}
