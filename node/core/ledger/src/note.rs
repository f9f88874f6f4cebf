//! C2SP `signed-note`: a text, and lines that say who signed it.
//!
//! This file takes notes apart, puts them together and verifies single lines.
//! Which keys are trusted, and how many lines it takes, is for others to say.
//!
//! Invariants
//! - Reading is strict: what was read is written back byte for byte.
//! - A note has at most [`BYTES_MAX`] bytes and [`LINES_MAX`] signatures.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use types::Digest;
use types::digest::{from_hex, to_hex};

use crate::hash::sha256;
use crate::signature;

/// Longest note that is looked at.
pub const BYTES_MAX: usize = 1 << 20;

/// Most signature lines of a note.
pub const LINES_MAX: usize = 100;

/// Type of an Ed25519 signature over the text itself.
pub const ED25519: u8 = 1;

/// Type of a witness's signature over the text and a time.
pub const COSIGNATURE_V1: u8 = 4;

/// Type of our RSASSA-PSS signatures: the byte of types without a number, then
/// a name that nobody else will choose.
pub const RSA_PSS: &[u8] = b"\xfflexecon/rsa-pss-sha256/v1";

const LINE_PREFIX: &str = "— ";

/// A text and its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What was signed; it ends in a newline.
    pub text: String,
    /// Who signed, in the order of the note.
    pub signatures: Vec<Line>,
}

/// One signature of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Name of the key.
    pub name: String,
    /// Tells the keys of one name apart.
    pub key_id: [u8; 4],
    /// What the key made of the text.
    pub signature: Vec<u8>,
}

/// Text that is no signed note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a signed note")]
pub struct NoteError;

impl Note {
    /// Reads a note; no signature is verified.
    ///
    /// # Errors
    /// [`NoteError`] for anything else, also for a line among the signatures
    /// that is none.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        read(note).ok_or(NoteError)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl Line {
    /// Reads a signature line without its newline.
    pub fn parse(line: &str) -> Option<Self> {
        let (name, value) = line.strip_prefix(LINE_PREFIX)?.split_once(' ')?;
        let value = STANDARD.decode(value).ok()?;
        let (key_id, signature) = value.split_first_chunk::<4>()?;
        let is_whole = is_name(name) && !signature.is_empty();
        is_whole.then(|| Self {
            name: name.to_owned(),
            key_id: *key_id,
            signature: signature.to_vec(),
        })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = [&self.key_id[..], &self.signature].concat();
        write!(f, "{LINE_PREFIX}{} {}", self.name, STANDARD.encode(value))
    }
}

fn read(note: &str) -> Option<Note> {
    let is_control = |byte: u8| byte < b' ' && byte != b'\n';
    if BYTES_MAX < note.len() || note.bytes().any(is_control) {
        return None;
    }
    // The text may contain empty lines; the last one ends it.
    let (text, lines) = note.rsplit_once("\n\n")?;
    let lines = lines.strip_suffix('\n')?;
    if LINES_MAX < lines.split('\n').count() {
        return None;
    }
    let signatures = lines.split('\n').map(Line::parse).collect::<Option<_>>()?;
    Some(Note { text: format!("{text}\n"), signatures })
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+')
}

/// The key id of a key of this name and type: the first bytes of a hash over
/// all three.
pub fn key_id(name: &str, algorithm: &[u8], key: &[u8]) -> [u8; 4] {
    let Digest([a, b, c, d, ..]) = sha256(&[name.as_bytes(), b"\n", algorithm, key].concat());
    [a, b, c, d]
}

/// The verifier key by which stock tools know an Ed25519 key.
pub fn vkey(name: &str, public: &[u8; 32]) -> String {
    let id = to_hex(&key_id(name, &[ED25519], public));
    format!("{name}+{id}+{}", STANDARD.encode([&[ED25519][..], public].concat()))
}

/// Name, key id and key of an Ed25519 verifier key, if the key id is that of
/// the key.
pub fn parse_vkey(text: &str) -> Option<(String, [u8; 4], [u8; 32])> {
    parse_vkey_of(ED25519, text)
}

/// The same of a witness's verifier key, which is Ed25519 for cosignatures.
pub fn parse_cosigner_vkey(text: &str) -> Option<(String, [u8; 4], [u8; 32])> {
    parse_vkey_of(COSIGNATURE_V1, text)
}

fn parse_vkey_of(algorithm: u8, text: &str) -> Option<(String, [u8; 4], [u8; 32])> {
    // Base64 may contain `+`, so the parts are split off from the left.
    let (name, rest) = text.split_once('+')?;
    let (id, key) = rest.split_once('+')?;
    let id: [u8; 4] = from_hex(id)?.try_into().ok()?;
    let key = STANDARD.decode(key).ok()?;
    let (_, key) = key.split_first().filter(|(of, _)| **of == algorithm)?;
    let key: [u8; 32] = key.try_into().ok()?;
    let holds = is_name(name) && id == key_id(name, &[algorithm], &key);
    holds.then(|| (name.to_owned(), id, key))
}

/// Whether the line is this key's Ed25519 signature of the text.
pub fn verify_ed25519(key: &[u8; 32], line: &Line, text: &str) -> bool {
    let Ok(signature) = line.signature.as_slice().try_into() else {
        return false;
    };
    line.key_id == key_id(&line.name, &[ED25519], key)
        && signature::verify(key, text.as_bytes(), signature)
}

/// The time, in seconds since the epoch, at which this witness cosigned the
/// text; `None` if the line is not its signature.
pub fn verify_cosignature_v1(key: &[u8; 32], line: &Line, text: &str) -> Option<u64> {
    let (time, signature) = line.signature.split_first_chunk::<8>()?;
    let signature: &[u8; 64] = signature.try_into().ok()?;
    let time = u64::from_be_bytes(*time);
    // The specification ends time where a signed number does.
    i64::try_from(time).ok()?;
    let message = format!("cosignature/v1\ntime {time}\n{text}");
    let holds = line.key_id == key_id(&line.name, &[COSIGNATURE_V1], key)
        && signature::verify(key, message.as_bytes(), signature);
    holds.then_some(time)
}

#[cfg(test)]
mod tests;
