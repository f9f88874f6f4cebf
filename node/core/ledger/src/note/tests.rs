//! Notes and keys as C2SP writes them, and what is none.

use ed25519_dalek::{Signer as _, SigningKey};
use proptest::prelude::*;

use super::*;

/// The example of the specification.
const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const NOTE: &str = "This is an example message.\n\n— example.com/foo \
    Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

/// A line that has the form of a signature.
const LINE: &str = "— a AAAAAAA=\n";

fn key() -> ([u8; 32], SigningKey) {
    let key = SigningKey::from_bytes(&[7; 32]);
    (key.verifying_key().to_bytes(), key)
}

#[test]
fn the_example_of_the_specification_verifies() {
    let (name, id, key) = parse_vkey(VKEY).unwrap();
    let note = Note::parse(NOTE).unwrap();
    let [line] = &note.signatures[..] else { panic!("{note:?}") };
    assert_eq!((&line.name, line.key_id), (&name, id));
    assert!(verify_ed25519(&key, line, &note.text));
    assert!(!verify_ed25519(&key, line, "This is another message.\n"));
    assert_eq!(note.to_string(), NOTE);
    assert_eq!(vkey(&name, &key), VKEY);
}

#[test]
fn a_signature_counts_under_its_own_name_key_and_length_only() {
    let (_, _, key) = parse_vkey(VKEY).unwrap();
    let Note { text, signatures } = Note::parse(NOTE).unwrap();
    let line = signatures[0].clone();
    let other_name = Line { name: "example.com/bar".to_owned(), ..line.clone() };
    let other_id = Line { key_id: [0; 4], ..line.clone() };
    let longer = Line { signature: [&line.signature[..], &[0]].concat(), ..line.clone() };
    for refused in [other_name, other_id, longer] {
        assert!(!verify_ed25519(&key, &refused, &text), "{refused}");
    }
    assert!(!verify_ed25519(&self::key().0, &line, &text));
}

#[test]
fn the_last_empty_line_ends_the_text() {
    let note = format!("a\n\nb\n\n\n{LINE}{LINE}");
    let parsed = Note::parse(&note).unwrap();
    assert_eq!((parsed.text.as_str(), parsed.signatures.len()), ("a\n\nb\n\n", 2));
    assert_eq!(parsed.to_string(), note);
}

#[test]
fn text_that_is_no_note_is_refused() {
    assert!(Note::parse(&format!("a\n\n{LINE}")).is_ok());
    for refused in [
        String::new(),
        "a\n".to_owned(),
        "a\n\n".to_owned(),
        "a\n\n\n".to_owned(),
        LINE.to_owned(),
        format!("a\n{LINE}"),
        format!("a\n\n{LINE}\n"),
        format!("a\n\n{LINE}b\n"),
        format!("a\n\nb\n{LINE}"),
        format!("a\n\n{}", LINE.trim_end()),
        format!("a\r\n\n{LINE}"),
        format!("a\tb\n\n{LINE}"),
        format!("a\0\n\n{LINE}"),
        format!("a\n\n{}", LINE.replace('\n', "\r\n")),
    ] {
        assert_eq!(Note::parse(&refused), Err(NoteError), "{refused:?}");
    }
}

#[test]
fn a_line_that_is_no_signature_is_refused() {
    assert!(Line::parse("— é/ü AAAAAAA=").is_some());
    for refused in [
        "",
        "—",
        "— a",
        "— a ",
        "- a AAAAAAA=",
        "—  AAAAAAA=",
        "—a AAAAAAA=",
        "—  a AAAAAAA=",
        "— a  AAAAAAA=",
        "— a b AAAAAAA=",
        "— a+b AAAAAAA=",
        "— a\u{a0}b AAAAAAA=",
        "— a\u{2003}b AAAAAAA=",
        "— a\u{85}b AAAAAAA=",
        "— a AAAAAAA",
        "— a AAAAAAA= ",
        "— a AAAAAAB=",
        "— a AAAAAA-=",
        "— a AAAAAAA==",
        "— a AAAAAA==",
        "— a AAAA",
        " — a AAAAAAA=",
    ] {
        assert_eq!(Line::parse(refused), None, "{refused:?}");
    }
}

#[test]
fn a_note_has_no_more_than_so_many_lines_and_bytes() {
    let lines = |count| format!("a\n\n{}", LINE.repeat(count));
    assert_eq!(Note::parse(&lines(LINES_MAX)).unwrap().signatures.len(), LINES_MAX);
    assert_eq!(Note::parse(&lines(LINES_MAX.saturating_add(1))), Err(NoteError));
    let bytes = |total: usize| {
        let rest = format!("\n\n{LINE}");
        format!("{}{rest}", "a".repeat(total.saturating_sub(rest.len())))
    };
    assert!(Note::parse(&bytes(BYTES_MAX)).is_ok());
    assert_eq!(Note::parse(&bytes(BYTES_MAX.saturating_add(1))), Err(NoteError));
}

#[test]
fn a_verifier_key_of_another_spelling_is_refused() {
    for refused in [
        "",
        "example.com/foo",
        "example.com/foo+530d903a",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/bar+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U0=",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n",
    ] {
        assert_eq!(parse_vkey(refused), None, "{refused:?}");
    }
    assert_eq!(parse_cosigner_vkey(VKEY), None);
}

/// A line as a witness writes it.
fn cosigned(text: &str, time: u64) -> Line {
    let (public, key) = key();
    let message = format!("cosignature/v1\ntime {time}\n{text}");
    let signature = [&time.to_be_bytes()[..], &key.sign(message.as_bytes()).to_bytes()].concat();
    let key_id = key_id("witness", &[COSIGNATURE_V1], &public);
    Line { name: "witness".to_owned(), key_id, signature }
}

#[test]
fn a_cosignature_gives_its_time() {
    let (text, key) = ("log\n7\nroot\n", key().0);
    for time in [0, 1_679_315_147, u64::MAX / 2] {
        assert_eq!(verify_cosignature_v1(&key, &cosigned(text, time), text), Some(time));
    }
    let past_the_end = cosigned(text, (u64::MAX / 2).saturating_add(1));
    assert_eq!(verify_cosignature_v1(&key, &past_the_end, text), None);
}

#[test]
fn a_changed_cosignature_does_not_verify() {
    let (text, key) = ("log\n7\nroot\n", key().0);
    let line = cosigned(text, 9);
    assert_eq!(verify_cosignature_v1(&key, &line, "log\n8\nroot\n"), None);
    let other_name = Line { name: "other".to_owned(), ..line.clone() };
    let other_type = Line { key_id: key_id("witness", &[ED25519], &key), ..line.clone() };
    let short = Line { signature: line.signature[..71].to_vec(), ..line.clone() };
    let shortest = Line { signature: vec![0; 7], ..line.clone() };
    let later = Line { signature: [&[1][..], &line.signature[1..]].concat(), ..line };
    for refused in [other_name, other_type, short, shortest, later] {
        assert_eq!(verify_cosignature_v1(&key, &refused, text), None, "{refused}");
    }
}

#[test]
fn a_witness_key_reads_back() {
    let key = key().0;
    let id = key_id("witness", &[COSIGNATURE_V1], &key);
    let value = STANDARD.encode([&[COSIGNATURE_V1][..], &key].concat());
    let text = format!("witness+{}+{value}", to_hex(&id));
    assert_eq!(parse_cosigner_vkey(&text), Some(("witness".to_owned(), id, key)));
    assert_eq!(parse_vkey(&text), None);
}

proptest! {
    #[test]
    fn what_reads_as_a_note_is_written_back_byte_for_byte(
        note in "([a\n]|\n\n){0,6}(— [a-c]{1,2} [A-D+/]{6,8}={0,2}\n){0,3}"
    ) {
        if let Ok(parsed) = Note::parse(&note) {
            prop_assert_eq!(parsed.to_string(), note);
        }
    }
}
