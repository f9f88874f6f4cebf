//! Canonical text: RFC 8785, section 3.2.

use std::fmt::Write as _;

use super::{Json, Object};

impl Json {
    /// Appends the canonical text. Recursion is as deep as the value, which the
    /// edge bounds.
    pub fn write_canonical(&self, text: &mut String) {
        match self {
            Self::Null => text.push_str("null"),
            Self::Bool(true) => text.push_str("true"),
            Self::Bool(false) => text.push_str("false"),
            Self::Number(number) => {
                // Writing to a String cannot fail.
                let _ = write!(text, "{number}");
            }
            Self::String(value) => write_string(value, text),
            Self::Array(values) => {
                text.push('[');
                for (at, value) in values.iter().enumerate() {
                    separate(at, text);
                    value.write_canonical(text);
                }
                text.push(']');
            }
            Self::Object(object) => object.write_canonical(text),
        }
    }
}

impl Object {
    /// Appends the canonical text of an object of these members.
    pub fn write_canonical(&self, text: &mut String) {
        text.push('{');
        for (at, (key, value)) in self.iter().enumerate() {
            separate(at, text);
            write_string(key, text);
            text.push(':');
            value.write_canonical(text);
        }
        text.push('}');
    }
}

fn separate(at: usize, text: &mut String) {
    if 0 < at {
        text.push(',');
    }
}

/// Appends a JSON string with the escapes of RFC 8785, section 3.2.2.2: only
/// what must be escaped is.
pub fn write_string(value: &str, text: &mut String) {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    text.push('"');
    let mut plain_from = 0;
    // Nearly every text is plain, which many bytes at once are found to be.
    let is_whole = value.bytes().fold(true, |whole, byte| whole & is_plain(byte));
    let escaped = if is_whole { "" } else { value };
    for (at, byte) in escaped.bytes().enumerate() {
        if is_plain(byte) {
            continue;
        }
        text.push_str(value.get(plain_from..at).unwrap_or_default());
        plain_from = at + 1;
        match byte {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            8 => text.push_str("\\b"),
            9 => text.push_str("\\t"),
            10 => text.push_str("\\n"),
            12 => text.push_str("\\f"),
            13 => text.push_str("\\r"),
            control => {
                let _ = write!(text, "\\u{control:04x}");
            }
        }
    }
    text.push_str(value.get(plain_from..).unwrap_or_default());
    text.push('"');
}
