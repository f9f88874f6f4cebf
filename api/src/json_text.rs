//! JSON text from outside, read into the one value type.
//!
//! serde_json reads the text; this adds what it cannot tell: a number whose
//! digits would not survive RFC 8785, and nesting deeper than is worth a stack.
//! Both are found by one pass over the raw bytes before anything is built.

use std::borrow::Cow;

use types::json::DUPLICATE_KEY;
use types::{Decimal, Json, Number};

/// Levels of nesting that are read at all. Every body of the contract is far
/// below; serde_json itself stops at 128.
pub(crate) const DEPTH_MAX: usize = 100;

/// Up to so many digits every integer is exact.
const PLAIN_DIGITS_MAX: usize = 15;

/// Why a text was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TextFault {
    /// Not JSON.
    #[error("{0}")]
    Malformed(String),
    /// One key twice in one object.
    #[error("{0}")]
    DuplicateKey(String),
    /// A number that readers would not agree about.
    #[error("number `{text}` at byte {at} has no canonical form: send it as a string")]
    NotCanonical {
        /// Its first characters.
        text: String,
        /// Where it begins.
        at: usize,
    },
    /// Nested beyond [`DEPTH_MAX`].
    #[error("nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
}

/// Reads one JSON text.
///
/// # Errors
/// The first [`TextFault`].
pub(crate) fn read(bytes: &[u8]) -> Result<Json, TextFault> {
    scan(bytes)?;
    serde_json::from_slice(bytes).map_err(|error| {
        let text = error.to_string();
        // Errors of the value's own reader are the only ones of this category.
        if error.is_data() && text.starts_with(DUPLICATE_KEY) {
            TextFault::DuplicateKey(text)
        } else {
            TextFault::Malformed(text)
        }
    })
}

fn scan(bytes: &[u8]) -> Result<(), TextFault> {
    let mut at = 0;
    let mut depth = 0_usize;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_end(bytes, at),
            b'{' | b'[' => {
                depth += 1;
                if DEPTH_MAX < depth {
                    return Err(TextFault::TooDeep);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'-' | b'0'..=b'9' => {
                let end = number_end(bytes, at);
                check_number(bytes.get(at..end).unwrap_or_default(), at)?;
                at = end;
                continue;
            }
            _ => (),
        }
        at += 1;
    }
    Ok(())
}

/// Index of the quote that ends the string, or of the end of the text.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn number_end(bytes: &[u8], start: usize) -> usize {
    let of_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    let rest = bytes.get(start..).unwrap_or_default();
    start + rest.iter().position(|byte| !of_number(byte)).unwrap_or(rest.len())
}

fn check_number(token: &[u8], at: usize) -> Result<(), TextFault> {
    let digits = token.strip_prefix(b"-").unwrap_or(token);
    if digits.len() <= PLAIN_DIGITS_MAX && digits.iter().all(u8::is_ascii_digit) {
        return Ok(());
    }
    let text = String::from_utf8_lossy(token);
    if !is_json_number(&text) || is_exact(&text) {
        return Ok(());
    }
    Err(TextFault::NotCanonical { text: text.chars().take(40).collect(), at })
}

/// The grammar of RFC 8259, section 6. What is none is left to the reader of
/// the whole text, which says better what is wrong.
fn is_json_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, power) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, Some(power)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let power_digits = |power: &str| digits(power.strip_prefix(['+', '-']).unwrap_or(power));
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && power.is_none_or(power_digits)
}

fn is_exact(text: &str) -> bool {
    let canonical = text.parse::<f64>().ok().and_then(|value| Number::from_f64(value).ok());
    let canonical = canonical.and_then(|number| Decimal::parse(&number.to_string()));
    canonical.is_some() && canonical == Decimal::parse(text)
}

/// The pointer to a member (RFC 6901). Keys come from outside, so a long one is
/// cut: an answer is never much longer than what it answers.
pub(crate) fn member(pointer: &str, key: &str) -> String {
    const KEY_CHARS_MAX: usize = 128;
    let key: Cow<'_, str> = match key.char_indices().nth(KEY_CHARS_MAX) {
        Some((end, _)) => format!("{}…", key.get(..end).unwrap_or_default()).into(),
        None => key.into(),
    };
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let got = match read(text.as_bytes()) {
            Ok(value) => value.to_canonical(),
            Err(TextFault::Malformed(_)) => "malformed".to_owned(),
            Err(TextFault::DuplicateKey(_)) => "duplicate".to_owned(),
            Err(TextFault::NotCanonical { text, at }) => format!("{text} at {at}"),
            Err(TextFault::TooDeep) => "too deep".to_owned(),
        };
        assert_eq!(got, expect, "{text}");
    }

    #[test]
    fn a_number_keeps_its_value_or_is_refused() {
        check("[1.10, -0, 2.0, 1e3, 0.1]", "[1.1,0,2,1000,0.1]");
        check("[0.30000000000000004]", "[0.30000000000000004]");
        check("[9007199254740991]", "[9007199254740991]");
        check("[9007199254740992]", "9007199254740992 at 1");
        check("[0.1000000000000000055]", "0.1000000000000000055 at 1");
        check("[1e400]", "1e400 at 1");
        check("[1e-301]", "1e-301 at 1");
        check("[1e999999999]", "1e999999999 at 1");
        check(r#"{"a":"9007199254740992\"1e400"}"#, r#"{"a":"9007199254740992\"1e400"}"#);
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        for text in
            ["", "{", "[01]", "[1.]", "[+1]", "[.5]", "{\"a\"}", "[1] 2", "\"\u{1}\"", "nul"]
        {
            check(text, "malformed");
        }
        assert!(matches!(read(b"\"\xff\""), Err(TextFault::Malformed(_))));
        check(r#""\ud800""#, "malformed");
    }

    #[test]
    fn a_key_twice_is_refused_at_any_level() {
        check(r#"{"a":1,"a":1}"#, "duplicate");
        check(r#"[{"x":{"\u0061":1,"a":2}}]"#, "duplicate");
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        check(&deep(DEPTH_MAX), &deep(DEPTH_MAX));
        check(&deep(DEPTH_MAX + 1), "too deep");
        check(&"[".repeat(1_000_000), "too deep");
    }

    #[test]
    fn a_pointer_is_escaped_and_bounded() {
        assert_eq!(member("/a", "b/c~d"), "/a/b~1c~0d");
        assert_eq!(member("", &"k".repeat(1000)).chars().count(), 130);
    }
}
