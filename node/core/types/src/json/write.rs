//! Canonical text: RFC 8785, section 3.2.

use std::fmt::Write as _;

use super::Json;

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
            Self::Object(object) => {
                text.push('{');
                for (at, (key, value)) in object.iter().enumerate() {
                    separate(at, text);
                    write_string(key, text);
                    text.push(':');
                    value.write_canonical(text);
                }
                text.push('}');
            }
        }
    }
}

fn separate(at: usize, text: &mut String) {
    if 0 < at {
        text.push(',');
    }
}

/// Appends a JSON string with the escapes of RFC 8785, section 3.2.2.2: only
/// what must be escaped is.
pub(super) fn write_string(value: &str, text: &mut String) {
    text.push('"');
    let mut plain_from = 0;
    for (at, byte) in value.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
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
