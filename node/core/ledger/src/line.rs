//! A line of `entries.jsonl`: one entry with its parts as texts, canonical to
//! the last byte.

use types::Digest;

use crate::actors::Sighting;
use crate::canonical;
use crate::entry::{Part, StoredEntry};
use crate::header::Header;

/// Longest line that is read, which bounds the memory of a check. No command
/// that makes an entry is as long.
pub const BYTES_MAX: usize = 64 << 20;

/// An entry as a line has it, with nothing checked yet but its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The entry.
    pub entry: StoredEntry,
    /// Whom it is about.
    pub sighting: Sighting,
}

impl Line {
    /// Reads a line with the newline that ends it; `None` for any other bytes.
    pub fn parse(line: &[u8]) -> Option<Self> {
        if BYTES_MAX < line.len() {
            return None;
        }
        let mut rest = Rest(line);
        rest.literal(b"{\"data\":")?;
        let data = rest.text_or_null()?;
        rest.literal(b",\"header\":\"")?;
        let header_text = rest.text()?;
        rest.literal(b",\"personal\":")?;
        let personal = rest.text_or_null()?;
        rest.literal(b",\"personal_salt\":")?;
        let personal_salt = rest.salt_or_null()?;
        rest.literal(b",\"salt\":")?;
        let salt = rest.salt_or_null()?;
        rest.literal(b"}\n")?;
        let (data, personal) = (part(data, salt)?, part(personal, personal_salt)?);
        if !rest.0.is_empty() {
            return None;
        }
        if let Some(personal) = &personal {
            canonical::scan(&personal.text)?;
        }
        let header = Header::parse(header_text.as_bytes()).ok()?;
        let sighting = match &data {
            None => Sighting::of(&header, None),
            Some(data) => {
                let scan = canonical::scan(&data.text).filter(|scan| scan.is_object)?;
                Sighting::of(&header, Some(scan.actor))
            }
        };
        Some(Self { entry: StoredEntry { header, header_text, data, personal }, sighting })
    }
}

/// A text and its salt, which are there or gone together.
fn part(text: Option<String>, salt: Option<[u8; 32]>) -> Option<Option<Part>> {
    match (text, salt) {
        (Some(text), Some(salt)) => Some(Some(Part { salt, text })),
        (None, None) => Some(None),
        (Some(_), None) | (None, Some(_)) => None,
    }
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn literal(&mut self, word: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(word)?;
        Some(())
    }

    fn text_or_null(&mut self) -> Option<Option<String>> {
        if self.literal(b"null").is_some() {
            return Some(None);
        }
        self.literal(b"\"")?;
        self.text().map(Some)
    }

    fn salt_or_null(&mut self) -> Option<Option<[u8; 32]>> {
        if self.literal(b"null").is_some() {
            return Some(None);
        }
        self.literal(b"\"")?;
        let (digits, rest) = self.0.split_first_chunk::<64>()?;
        self.0 = rest;
        self.literal(b"\"")?;
        Digest::from_hex(digits).map(|salt| Some(salt.0))
    }

    /// The text of a string up to and with the quote that ends it. The text
    /// holds JSON, so every few bytes there is an escape, and short copies of a
    /// fixed length are what is fast.
    fn text(&mut self) -> Option<String> {
        let mut text = Vec::with_capacity(self.0.len());
        loop {
            let plain = match self.0.first_chunk::<8>() {
                Some(chunk) => {
                    let plain = canonical::plain::run_of_eight(*chunk);
                    let end = text.len().saturating_add(plain);
                    text.extend_from_slice(chunk);
                    text.truncate(end);
                    plain
                }
                None => {
                    let plain = canonical::plain::run(self.0);
                    text.extend_from_slice(self.0.get(..plain)?);
                    plain
                }
            };
            self.0 = self.0.get(plain..)?;
            if plain == 8 {
                continue;
            }
            self.0 = match self.0.split_first()? {
                (b'"', rest) => {
                    self.0 = rest;
                    return String::from_utf8(text).ok();
                }
                (b'\\', rest) => {
                    let (character, rest) = canonical::escape(rest)?;
                    text.push(character);
                    rest
                }
                _ => return None,
            };
        }
    }
}

/// The line of an entry.
pub fn write(entry: &StoredEntry) -> String {
    let text =
        |part: &Option<Part>| types::Json::from(part.as_ref().map(|part| part.text.as_str()));
    let salt = |part: &Option<Part>| {
        types::Json::from(part.as_ref().map(|part| Digest(part.salt).to_string()))
    };
    let line = types::Json::object([
        ("data", text(&entry.data)),
        ("header", entry.header_text.as_str().into()),
        ("personal", text(&entry.personal)),
        ("personal_salt", salt(&entry.personal)),
        ("salt", salt(&entry.data)),
    ]);
    let mut line = line.to_canonical();
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use types::{EntryId, Timestamp};

    use super::*;
    use crate::entry_type::EntryType;

    fn entry() -> StoredEntry {
        let data = types::Json::object([("actor", "a\"\\\n\u{1}é".into())]);
        let data = Part::new([7; 32], &data);
        let header = Header {
            id: EntryId(5),
            entry_type: EntryType::Decision,
            timestamp: Timestamp(0),
            actor_seq: 1,
            type_seq: 1,
            data_hash: data.hash(),
            personal_hash: None,
            previous_hash: Digest::ZERO,
        };
        let header_text = header.to_canonical();
        StoredEntry { header, header_text, data: Some(data), personal: None }
    }

    #[test]
    fn a_line_reads_back_as_it_was_written() {
        let entry = entry();
        let part = Part { salt: [1; 32], text: "[\"\\u0001\"]".to_owned() };
        for (data, personal) in [
            (entry.data.clone(), None),
            (entry.data.clone(), Some(part.clone())),
            (None, Some(part)),
            (None, None),
        ] {
            let entry = StoredEntry { data, personal, ..entry.clone() };
            let line = Line::parse(write(&entry).as_bytes()).unwrap();
            assert_eq!(
                line.sighting,
                Sighting::new(&entry.header, entry.data.as_ref().map(|data| data.text.as_str()))
            );
            assert_eq!(line.entry, entry);
        }
    }

    #[test]
    fn another_spelling_of_a_line_is_refused() {
        let text = write(&entry());
        for (from, to) in [
            ("\n", ""),
            ("\n", "\r\n"),
            ("\n", "\n\n"),
            ("{\"data\"", " {\"data\""),
            (",\"header\"", ", \"header\""),
            ("0707", "070"),
            ("0707", "070G"),
            ("\"personal\":null", "\"personal\":\"{}\""),
            ("\"personal_salt\":null,", ""),
            ("\"salt\"", "\"more\":1,\"salt\""),
            ("{\\\"actor\\\"", "{ \\\"actor\\\""),
            ("{\\\"actor\\\"", "{\\u0022actor\\\""),
            ("\\\"id\\\":5", "\\\"id\\\":05"),
            ("é", "\\u00e9"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "{from}");
            assert_eq!(Line::parse(changed.as_bytes()), None, "{changed}");
        }
        assert_eq!(Line::parse(b""), None);
        assert_eq!(Line::parse(&text.as_bytes().repeat(2)), None);
        let not_utf8: Vec<u8> = text.bytes().filter(|byte| *byte != 0xa9).collect();
        assert_eq!(Line::parse(&not_utf8), None);
    }
}
