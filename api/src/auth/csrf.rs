//! Requests that a browser sends because another site made it.
//!
//! A cookie goes along with whatever a page asks for, so it shows who sends a
//! request and not that they meant to. That is shown by a text that only a page
//! of ours can read and send: a part of an HMAC under the session's own text,
//! which therefore needs no place to be kept and ends with the session.

use std::net::IpAddr;

use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use types::digest::to_hex;

use super::Sent;

/// Where the text is sent back.
const HEADER: &str = "x-csrf-token";
const LABEL: &[u8] = b"lexecon csrf v1";
/// 128 bits as hex.
const CHARS: usize = 32;

/// The text that goes with a session.
pub(crate) fn token(session: &str) -> String {
    // A session is shorter than a block, so the constructor that cannot fail
    // serves.
    let mut key = [0_u8; 64];
    for (to, from) in key.iter_mut().zip(session.bytes()) {
        *to = from;
    }
    let mut mac = Hmac::<Sha256>::new(&key.into());
    mac.update(LABEL);
    let mut text = to_hex(&mac.finalize().into_bytes());
    text.truncate(CHARS);
    text
}

/// Whether a request that changes something was meant, as far as its headers
/// tell.
pub(crate) fn is_meant(sent: Sent<'_>, session: &str, listed: &[String]) -> bool {
    is_same_origin(sent, listed) && has_token(sent.headers, session)
}

fn has_token(headers: &HeaderMap, session: &str) -> bool {
    let expected = token(session);
    let mut sent = headers.get_all(HEADER).iter();
    match (sent.next(), sent.next()) {
        (Some(sent), None) => bool::from(sent.as_bytes().ct_eq(expected.as_bytes())),
        (_, _) => false,
    }
}

/// Whether a request goes to this machine by a name that no one else can have
/// given it: a page whose own name leads here would else be of our origin.
pub(super) fn names_this_machine(sent: Sent<'_>) -> bool {
    let Some(host) = host(sent) else { return true };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}

/// HTTP/2 has the name in the address.
fn host(sent: Sent<'_>) -> Option<&str> {
    let named = sent.headers.get("host").map(|value| value.to_str().unwrap_or_default());
    named.or_else(|| sent.uri.authority().map(|authority| authority.as_str()))
}

/// What browsers add by themselves, and scripts cannot change.
pub(super) fn is_same_origin(sent: Sent<'_>, listed: &[String]) -> bool {
    let text = |name: &str| sent.headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let is_listed = |origin: &str| listed.iter().any(|known| known == origin);
    let origin = text("origin");
    if origin.is_some_and(is_listed) {
        return true;
    }
    let host = host(sent);
    let is_ours = |origin: &str| {
        let (_, authority) = origin.split_once("://").unwrap_or_default();
        // Behind a proxy that ends TLS the scheme differs and the name does not.
        !authority.is_empty() && host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
    };
    let by_site = text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    by_site && origin.is_none_or(is_ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sent: &[(&'static str, &str)], expect: bool) {
        let token = token("sess_x");
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, token.parse().unwrap());
        headers.insert("host", "desk.example:8000".parse().unwrap());
        for (name, value) in sent {
            headers.insert(*name, value.parse().unwrap());
        }
        check_headers("/decide", &headers, expect);
        // The same as HTTP/2 says it.
        headers.remove("host");
        check_headers("http://desk.example:8000/decide", &headers, expect);
    }

    #[track_caller]
    fn check_headers(uri: &str, headers: &HeaderMap, expect: bool) {
        let listed = ["https://listed.example".to_owned()];
        let uri = uri.parse().unwrap();
        let extensions = &axum::http::Extensions::new();
        let sent = Sent { method: &axum::http::Method::POST, uri: &uri, headers, extensions };
        assert_eq!(is_meant(sent, "sess_x", &listed), expect, "{uri} {headers:?}");
    }

    #[test]
    fn who_does_not_say_whom_it_asks_is_of_no_origin() {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, token("sess_x").parse().unwrap());
        check_headers("/decide", &headers, true);
        headers.insert("origin", "http://desk.example:8000".parse().unwrap());
        check_headers("/decide", &headers, false);
    }

    #[test]
    fn a_request_is_meant_that_comes_from_here_with_the_text_of_its_session() {
        check(&[], true);
        check(&[("origin", "http://desk.example:8000"), ("sec-fetch-site", "same-origin")], true);
        check(&[("origin", "https://DESK.example:8000")], true);
        check(&[("origin", "https://listed.example"), ("sec-fetch-site", "cross-site")], true);
        check(&[("sec-fetch-site", "none")], true);
        check(&[("x-csrf-token", &token("sess_y"))], false);
        check(&[("x-csrf-token", "")], false);
        check(&[("origin", "https://other.example")], false);
        check(&[("origin", "null")], false);
        check(&[("sec-fetch-site", "cross-site")], false);
        check(&[("sec-fetch-site", "same-site")], false);
    }

    #[test]
    fn a_name_that_others_can_give_is_not_this_machine() {
        let names = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("host", host.parse().unwrap());
            let (uri, extensions) = ("/decide".parse().unwrap(), axum::http::Extensions::new());
            let method = &axum::http::Method::GET;
            names_this_machine(Sent {
                method,
                uri: &uri,
                headers: &headers,
                extensions: &extensions,
            })
        };
        for ours in ["localhost", "LocalHost:8000", "127.0.0.1:8000", "[::1]:8000", "[::1]"] {
            assert!(names(ours), "{ours}");
        }
        for other in ["evil.example", "evil.example:8000", "localhost.evil.example", "", "a:b"] {
            assert!(!names(other), "{other}");
        }
    }

    #[test]
    fn the_text_is_that_of_other_tools_and_of_the_session_alone() {
        // printf %s 'lexecon csrf v1' | openssl dgst -sha256 -hmac "$SESSION"
        let known = "sess_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
        assert_eq!(token(known), "9b9c9c259355ff36e4cc5ac8910f59e5");
        assert_ne!(token("a"), token("b"));
    }
}
