//! Whether a text is canonical JSON (RFC 8785), and whom it is about, in one
//! pass that builds no value: verifiers ask this of every part of every entry.
//!
//! This is wider than [`types::Json`], which refuses numbers that readers may
//! not agree about: what a ledger of another maker holds must be judged too.
//!
//! Invariants
//! - A text is taken exactly if reading and writing it gives the same bytes.

mod number;
pub(crate) mod plain;

use std::cmp::Ordering;

/// Levels of nesting that are followed.
const DEPTH_MAX: u32 = 128;

/// What a pass over a canonical text found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scan<'a> {
    /// Whether it is an object.
    pub is_object: bool,
    /// The string member `actor` of the object, as it is written there without
    /// its quotes: one string has one spelling.
    pub actor: Option<&'a str>,
}

/// Goes over a text; `None` where it is not canonical JSON.
pub fn scan(text: &str) -> Option<Scan<'_>> {
    let mut rest = Rest { bytes: text.as_bytes(), depth: 0 };
    let is_object = text.starts_with('{');
    let mut actor = None;
    if is_object {
        rest.object(&mut |key, value| {
            if key == b"actor" {
                actor = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
            }
        })?;
    } else {
        rest.value()?;
    }
    let actor = actor.map(std::str::from_utf8).transpose().ok()?;
    rest.bytes.is_empty().then_some(Scan { is_object, actor })
}

/// A string as canonical JSON writes it, without its quotes.
pub fn escaped(text: &str) -> String {
    let quoted = types::Json::from(text).to_canonical();
    let inner = quoted.strip_prefix('"').and_then(|quoted| quoted.strip_suffix('"'));
    inner.unwrap_or_default().to_owned()
}

/// What is still to be read.
struct Rest<'a> {
    bytes: &'a [u8],
    depth: u32,
}

impl<'a> Rest<'a> {
    fn value(&mut self) -> Option<()> {
        match self.bytes.first()? {
            b'{' => self.object(&mut |_, _| ()),
            b'[' => self.array(),
            b'"' => self.string().map(drop),
            b't' => self.literal(b"true"),
            b'f' => self.literal(b"false"),
            b'n' => self.literal(b"null"),
            _ => self.number(),
        }
    }

    /// Members in the order of their keys, each handed on with its bytes.
    fn object(&mut self, member: &mut dyn FnMut(&'a [u8], &'a [u8])) -> Option<()> {
        self.enter(b"{")?;
        let mut before = None;
        while self.literal(b"}").is_none() {
            if before.is_some() {
                self.literal(b",")?;
            }
            let key = self.string()?;
            if before.is_some_and(|before| !are_ascending(before, key)) {
                return None;
            }
            before = Some(key);
            self.literal(b":")?;
            let from = self.bytes;
            self.value()?;
            member(key, from.get(..from.len().checked_sub(self.bytes.len())?)?);
        }
        self.depth = self.depth.saturating_sub(1);
        Some(())
    }

    fn array(&mut self) -> Option<()> {
        self.enter(b"[")?;
        let mut is_first = true;
        while self.literal(b"]").is_none() {
            if !std::mem::take(&mut is_first) {
                self.literal(b",")?;
            }
            self.value()?;
        }
        self.depth = self.depth.saturating_sub(1);
        Some(())
    }

    fn enter(&mut self, bracket: &[u8]) -> Option<()> {
        self.depth = self.depth.checked_add(1).filter(|depth| *depth <= DEPTH_MAX)?;
        self.literal(bracket)
    }

    fn literal(&mut self, word: &[u8]) -> Option<()> {
        self.bytes = self.bytes.strip_prefix(word)?;
        Some(())
    }

    /// The bytes between the quotes.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.literal(b"\"")?;
        let from = self.bytes;
        loop {
            let (_, after) = self.bytes.split_at_checked(plain::run(self.bytes))?;
            let (byte, after) = after.split_first()?;
            self.bytes = after;
            match byte {
                b'"' => break,
                b'\\' => self.bytes = escape(after)?.1,
                _ => return None,
            }
        }
        let read = from.len().checked_sub(self.bytes.len())?.checked_sub(1)?;
        from.get(..read)
    }

    fn number(&mut self) -> Option<()> {
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        let end = self.bytes.iter().position(|byte| !is_part(byte)).unwrap_or(self.bytes.len());
        let (number, rest) = self.bytes.split_at_checked(end)?;
        self.bytes = rest;
        number::is_canonical(std::str::from_utf8(number).ok()?).then_some(())
    }
}

/// The character of an escape and what follows it, after the backslash: only
/// what must be escaped is, and in one way.
pub(crate) fn escape(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (escape, rest) = bytes.split_first()?;
    let character = match escape {
        b'"' | b'\\' => *escape,
        b'b' => 8,
        b't' => 9,
        b'n' => 10,
        b'f' => 12,
        b'r' => 13,
        b'u' => {
            let (digits, rest) = rest.strip_prefix(b"00")?.split_first_chunk::<2>()?;
            let control = types::digest::from_hex(std::str::from_utf8(digits).ok()?)?;
            let control = control.first().copied()?;
            let has_short_form = matches!(control, 8 | 9 | 10 | 12 | 13);
            return (control < b' ' && !has_short_form).then_some((control, rest));
        }
        _ => return None,
    };
    Some((character, rest))
}

/// Whether two keys are different and in the order of RFC 8785, section 3.2.3:
/// by UTF-16 code units, which for ASCII is that of the bytes.
fn are_ascending(a: &[u8], b: &[u8]) -> bool {
    let is_plain = |key: &[u8]| key.is_ascii() && !key.contains(&b'\\');
    if is_plain(a) && is_plain(b) {
        return a < b;
    }
    let (Some(a), Some(b)) = (unescaped(a), unescaped(b)) else {
        return false;
    };
    a.encode_utf16().cmp(b.encode_utf16()) == Ordering::Less
}

/// The text of a string's bytes, of which the escapes were checked.
fn unescaped(mut bytes: &[u8]) -> Option<String> {
    let mut text = Vec::with_capacity(bytes.len());
    while let Some((byte, rest)) = bytes.split_first() {
        let (byte, rest) = if *byte == b'\\' { escape(rest)? } else { (*byte, rest) };
        text.push(byte);
        bytes = rest;
    }
    String::from_utf8(text).ok()
}

#[cfg(test)]
mod tests;
