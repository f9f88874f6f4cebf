//! What a request shows of who sends it is taken or refused whole: a credential
//! that is taken out of any bytes is one of these bytes, of one form, and the
//! same wherever it stands.
//!
//! The parser is compiled from the file of `api` itself: it needs nothing but
//! the standard library, and the rest of `api` would be instrumented for naught.

#![no_main]

#[path = "../../../../api/src/auth/credential.rs"]
mod credential;

use credential::{Credential, Kind, Unreadable, bearer, cookie};
use fuzz::seeds;
use libfuzzer_sys::fuzz_target;

const COOKIE: &str = "lexecon_session";

fuzz_target!(init: seeds::plant(values()), |bytes: &[u8]| {
    // The first byte says where it is read from.
    let Some((place, value)) = bytes.split_first() else {
        return;
    };
    match place % 3 {
        0 => match std::str::from_utf8(value).ok().and_then(Credential::parse) {
            Some(found) => check(found, value),
            None => return,
        },
        1 => match bearer(value) {
            Ok(found) => check(found, value),
            Err(why) => check_silent(why),
        },
        _ => match cookie(value, COOKIE) {
            Ok(Some(found)) => {
                check(found, value);
                assert!(matches!(found, Credential::Session(_)), "a key is no cookie");
            }
            Ok(None) => (),
            Err(why) => check_silent(why),
        },
    }
});

fn check(found: Credential<'_>, value: &[u8]) {
    let text = found.text();
    assert!(value.windows(text.len()).any(|part| part == text.as_bytes()));
    assert!(text.is_ascii() && text.len() <= 48, "{} bytes", text.len());
    assert!(!format!("{found:?}").contains(text), "it is shown");
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| kind.has_form(text)).collect();
    let [kind] = kinds.as_slice() else { panic!("one text, {} kinds", kinds.len()) };
    assert_ne!(*kind, Kind::Challenge, "a challenge says who nobody is");
    // What was found is found again, by itself and in each place.
    assert_eq!(Credential::parse(text), Some(found));
    assert_eq!(bearer(format!("Bearer {text}").as_bytes()), Ok(found));
    let cookies = format!("a=b; {COOKIE}={text}");
    match found {
        Credential::Session(_) => assert_eq!(cookie(cookies.as_bytes(), COOKIE), Ok(Some(found))),
        Credential::ApiKey(_) | Credential::JoinToken(_) => {
            assert_eq!(cookie(cookies.as_bytes(), COOKIE), Err(Unreadable::Malformed));
        }
    }
}

/// A refusal has one of three texts, whatever was sent.
fn check_silent(why: Unreadable) {
    assert!(why.detail().is_ascii() && why.detail().len() < 100);
}

fn values() -> Vec<Vec<u8>> {
    let secret = "A".repeat(43);
    let (session, key) = (format!("sess_{secret}"), format!("lxk_{secret}"));
    let (challenge, join) = (format!("mfa_{secret}"), format!("lxj_{secret}"));
    vec![
        seeds::selecting(0, session.as_bytes()),
        seeds::selecting(0, key.as_bytes()),
        seeds::selecting(0, challenge.as_bytes()),
        seeds::selecting(0, join.as_bytes()),
        seeds::selecting(1, format!("Bearer {session}").as_bytes()),
        seeds::selecting(1, format!("bearer  {key}").as_bytes()),
        seeds::selecting(1, b"Basic dTpw"),
        seeds::selecting(2, format!("{COOKIE}={session}").as_bytes()),
        seeds::selecting(2, format!("a=b; {COOKIE}={session}; {COOKIE}={session}").as_bytes()),
    ]
}
