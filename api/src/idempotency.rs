//! Keys that make a repeated request known: api.md, section 1.4.

use governance::command::{Idempotency, Principal, PrincipalKind};
use types::{Json, Object};

use crate::problem::{Fault, Problem};

/// The header.
pub(crate) const HEADER: &str = "Idempotency-Key";

const KEY_CHARS_MAX: usize = 128;

/// Checks the value of the header.
pub(crate) fn read_key(value: &[u8]) -> Result<String, Problem> {
    let refused = || {
        let detail = "must be 1..128 printable ASCII characters";
        Problem::fault(Fault::header(HEADER, "bad_format", detail))
    };
    let text = std::str::from_utf8(value).map_err(|_| refused())?.trim();
    let printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if text.is_empty() || KEY_CHARS_MAX < text.len() || !printable {
        return Err(refused());
    }
    Ok(text.to_owned())
}

/// Keys of one principal are apart from those of any other; in open mode there
/// is one scope.
pub(crate) fn scope(principal: &Principal) -> String {
    match principal.kind {
        PrincipalKind::Nobody => String::new(),
        PrincipalKind::User => format!("user:{}", principal.id),
        PrincipalKind::ApiKey => format!("key:{}", principal.id),
        PrincipalKind::Node => format!("node:{}", principal.id),
    }
}

/// What a key was used for: SHA-256 of the path, a zero byte and the canonical
/// body less `request_id`.
pub(crate) fn record(principal: &Principal, key: String, path: &str, body: &Object) -> Idempotency {
    let mut text = format!("{path}\0{{");
    let members = body.iter().filter(|(name, _)| *name != "request_id");
    for (at, (name, value)) in members.enumerate() {
        if 0 < at {
            text.push(',');
        }
        Json::from(name).write_canonical(&mut text);
        text.push(':');
        value.write_canonical(&mut text);
    }
    text.push('}');
    let body_digest = ledger::hash::sha256(text.as_bytes());
    Idempotency { scope: scope(principal), key, body_digest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_printable_and_bounded() {
        assert_eq!(read_key(b" order 7 "), Ok("order 7".to_owned()));
        assert!(read_key(&[b'k'; 128]).is_ok());
        for refused in [b"".as_slice(), b"  ", &[b'k'; 129], "ключ".as_bytes(), b"a\tb", b"\xff"]
        {
            assert!(read_key(refused).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn the_digest_is_of_the_canonical_body() {
        let body: Object = serde_json::from_str(r#"{"b":[1],"request_id":"r","a":"x"}"#).unwrap();
        let made = record(&Principal::nobody(), "k".to_owned(), "/decide", &body).body_digest;
        assert_eq!(made, ledger::hash::sha256(b"/decide\0{\"a\":\"x\",\"b\":[1]}"));
    }

    #[test]
    fn the_digest_leaves_the_request_id_out_and_the_path_in() {
        let body = |id: &str| {
            Object::from_members(vec![
                ("actor".to_owned(), Json::from("a")),
                ("request_id".to_owned(), Json::from(id)),
            ])
            .unwrap()
        };
        let digest =
            |path, id| record(&Principal::nobody(), "k".to_owned(), path, &body(id)).body_digest;
        assert_eq!(digest("/decide", "1"), digest("/decide", "2"));
        assert_ne!(digest("/decide", "1"), digest("/policies/load", "1"));
    }
}
