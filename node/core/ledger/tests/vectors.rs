//! The vectors in `tests/vectors`, which another language can use: they were
//! computed by another implementation, so agreeing with them says something.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use ledger::hash::{entry_hash, part_hash};
use ledger::{Checker, Frontier, Header, Part, StoredEntry, signature, token};
use types::digest::from_hex;
use types::{Json, Object};

fn vectors(text: &str) -> Object {
    serde_json::from_str(text).unwrap()
}

fn text<'a>(object: &'a Object, name: &str) -> &'a str {
    object.get(name).unwrap().as_str().unwrap()
}

fn part(entry: &Object, value: &str, salt: &str) -> Option<Part> {
    let value = entry.get(value).unwrap();
    let salt = entry.get(salt).unwrap().as_str()?;
    Some(Part::new(from_hex(salt).unwrap().try_into().unwrap(), value))
}

#[test]
fn a_chain_of_another_implementation_verifies() {
    let vectors = vectors(include_str!("vectors/chain.json"));
    let mut checker = Checker::from_genesis();
    for entry in vectors.get("entries").unwrap().as_array().unwrap() {
        let entry = entry.as_object().unwrap();
        let data = part(entry, "data", "salt").unwrap();
        assert_eq!(data.text, text(entry, "data_canonical"));
        let personal = part(entry, "personal", "personal_salt");
        let canonical = entry.get("personal_canonical").unwrap().as_str();
        assert_eq!(personal.as_ref().map(|part| part.text.as_str()), canonical);
        let header_text = text(entry, "header").to_owned();
        let header = Header::parse(header_text.as_bytes()).unwrap();
        assert_eq!(part_hash(&data.salt, data.text.as_bytes()), header.data_hash);
        assert_eq!(entry_hash(header_text.as_bytes()).to_string(), text(entry, "current_hash"));
        let stored = StoredEntry { header, header_text, data: Some(data), personal };
        checker.check(&stored).unwrap();
        assert_eq!(checker.root().unwrap().to_string(), text(entry, "root_hash"));
    }
    assert_eq!(checker.checked(), 5);
}

#[test]
fn roots_of_another_implementation_agree() {
    let vectors = vectors(include_str!("vectors/merkle.json"));
    let mut frontier = Frontier::default();
    for (size, root) in (0_u8..).zip(vectors.get("roots").unwrap().as_array().unwrap()) {
        assert_eq!(frontier.root().to_string(), root.as_str().unwrap(), "{size} leaves");
        frontier.append(entry_hash(&[size]));
    }
}

#[test]
fn a_token_of_another_implementation_verifies() {
    let vectors = vectors(include_str!("vectors/token.json"));
    let claims: &Json = vectors.get("claims").unwrap();
    assert_eq!(token::signing_input(claims), text(&vectors, "signing_input"));
    let parsed = token::parse(text(&vectors, "token")).unwrap();
    let key = signature::from_text(text(&vectors, "public_key")).unwrap().try_into().unwrap();
    assert!(signature::verify(&key, parsed.signing_input.as_bytes(), &parsed.signature));
    assert_eq!(parsed.claims, claims.to_canonical().into_bytes());
}
