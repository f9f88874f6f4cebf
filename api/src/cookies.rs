//! Cookies that browsers are given: the session, and what binds a login at a
//! provider to the browser that began it.
//!
//! Not here: who a cookie authenticates, which is the edge's to say.
//!
//! Invariants
//! - No script reads a cookie of ours, and over TLS none goes out without it:
//!   there the prefix `__Host-` has browsers refuse any other.
//! - What a cookie says is in no log: [`SetCookie`] shows nothing.

use std::fmt;

use axum::http::HeaderMap;
use cookie::{Cookie, SameSite};
use secrecy::{ExposeSecret as _, SecretString};

use crate::config::Config;

/// The value of a `Set-Cookie` header.
pub(crate) struct SetCookie(String);

impl SetCookie {
    pub(crate) fn header(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetCookie(..)")
    }
}

/// The name of the session's cookie.
pub(crate) fn session_name(config: &Config) -> &'static str {
    if config.is_tls { "__Host-lexecon_session" } else { "lexecon_session" }
}

/// The name of the cookie that binds a login at a provider.
pub(crate) fn binding_name(config: &Config) -> &'static str {
    if config.is_tls { "__Host-lexecon_oidc" } else { "lexecon_oidc" }
}

/// A session that lasts as long as the browser runs, and no longer than the
/// server says.
pub(crate) fn session(config: &Config, text: &SecretString) -> SetCookie {
    let cookie = Cookie::build((session_name(config), text.expose_secret()));
    made(config, cookie.same_site(SameSite::Strict))
}

/// Takes the session's cookie away.
pub(crate) fn no_session(config: &Config) -> SetCookie {
    let cookie = Cookie::build((session_name(config), "")).max_age(cookie::time::Duration::ZERO);
    made(config, cookie.same_site(SameSite::Strict))
}

/// Binds a login for so many seconds. The provider sends the browser back from
/// another site, so the cookie must come along on a plain visit.
pub(crate) fn binding(config: &Config, text: &SecretString, seconds: i64) -> SetCookie {
    let life = cookie::time::Duration::seconds(seconds);
    let cookie = Cookie::build((binding_name(config), text.expose_secret())).max_age(life);
    made(config, cookie.same_site(SameSite::Lax))
}

/// Takes that cookie away: the login it was for is over.
pub(crate) fn no_binding(config: &Config) -> SetCookie {
    let cookie = Cookie::build((binding_name(config), "")).max_age(cookie::time::Duration::ZERO);
    made(config, cookie.same_site(SameSite::Lax))
}

fn made(config: &Config, cookie: cookie::CookieBuilder<'_>) -> SetCookie {
    SetCookie(cookie.path("/").http_only(true).secure(config.is_tls).build().to_string())
}

/// A cookie of a request. One that is there twice is nobody's: which of the two
/// is ours cannot be told.
pub(crate) fn read(headers: &HeaderMap, name: &str) -> Option<SecretString> {
    let values = headers.get_all("cookie").into_iter().filter_map(|value| value.to_str().ok());
    let cookies = values.flat_map(Cookie::split_parse).flatten();
    let mut found = cookies.filter(|cookie| cookie.name() == name);
    let first = found.next()?;
    found.next().is_none().then(|| SecretString::from(first.value().to_owned()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn config(is_tls: bool) -> Config {
        Config { is_tls, ..Config::default() }
    }

    #[test]
    fn a_session_is_for_no_script_and_no_other_site() {
        let text = SecretString::from("sess_x");
        assert_eq!(
            session(&config(false), &text).header(),
            "lexecon_session=sess_x; HttpOnly; SameSite=Strict; Path=/"
        );
        assert_eq!(
            session(&config(true), &text).header(),
            "__Host-lexecon_session=sess_x; HttpOnly; SameSite=Strict; Secure; Path=/"
        );
        assert_eq!(format!("{:?}", session(&config(true), &text)), "SetCookie(..)");
        assert!(no_session(&config(true)).header().contains("Max-Age=0"));
    }

    #[test]
    fn a_binding_comes_along_when_a_provider_sends_the_browser_back() {
        let text = SecretString::from("b");
        assert_eq!(
            binding(&config(false), &text, 600).header(),
            "lexecon_oidc=b; HttpOnly; SameSite=Lax; Path=/; Max-Age=600"
        );
    }

    #[test]
    fn a_cookie_that_is_there_twice_is_nobodys() {
        for (header, expect) in [
            ("a=1; lexecon_oidc=x; b=2", Some("x")),
            ("lexecon_oidc=x; lexecon_oidc=y", None),
            ("lexecon_oidcs=x", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("cookie", HeaderValue::from_str(header).unwrap());
            let found = read(&headers, "lexecon_oidc");
            assert_eq!(found.as_ref().map(|text| text.expose_secret()), expect, "{header}");
        }
    }
}
