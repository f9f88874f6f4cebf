//! CSV (RFC 4180): a section for each table, with its name, its header, its rows
//! and a blank line.
//!
//! Invariants
//! - No cell is run by a spreadsheet: what would begin a formula gets a `'`.
//! - Columns are the same whatever the records have; nested values are canonical
//!   JSON, and what no column is for is in the last one, `other`.

use std::borrow::Cow;
use std::io;

use types::{Json, Object};

use crate::exports::report::tables::Table;
use crate::exports::report::{Layout, Row};
use crate::exports::sink::About;

/// What RFC 4180 ends a line with.
const END: &[u8] = b"\r\n";

/// The column of members that no other is for.
const OTHER: &str = "other";

/// CSV.
#[derive(Default)]
pub(crate) struct Csv {
    is_begun: bool,
}

fn line<'a>(out: &mut Vec<u8>, cells: impl Iterator<Item = Cow<'a, str>>) {
    for (at, text) in cells.enumerate() {
        if at != 0 {
            out.push(b',');
        }
        put(out, &text);
    }
    out.extend_from_slice(END);
}

impl Layout for Csv {
    fn open(
        &mut self,
        _text: &mut Vec<u8>,
        _about: &About,
        _tables: &[&'static Table],
    ) -> io::Result<()> {
        Ok(())
    }

    fn table(&mut self, out: &mut Vec<u8>, table: &'static Table) -> io::Result<()> {
        if self.is_begun {
            out.extend_from_slice(END);
        }
        self.is_begun = true;
        line(out, [Cow::Borrowed(table.name)].into_iter());
        line(out, table.columns().chain([OTHER]).map(Cow::Borrowed));
        Ok(())
    }

    fn row(&self, out: &mut Vec<u8>, _table: &'static Table, row: &Row<'_>) -> io::Result<()> {
        let other = match row.rest.is_empty() {
            true => String::new(),
            false => {
                let mut other = Object::new();
                for (name, value) in &row.rest {
                    other.insert(*name, (*value).clone());
                }
                Json::Object(other).to_canonical()
            }
        };
        line(out, row.cells.iter().map(|value| text(value)).chain([Cow::Owned(other)]));
        Ok(())
    }

    fn table_end(&self, _out: &mut Vec<u8>, _table: &'static Table, _rows: u64) -> io::Result<()> {
        Ok(())
    }

    fn close(&self, _out: &mut Vec<u8>) -> io::Result<()> {
        Ok(())
    }
}

fn text(value: &Json) -> Cow<'_, str> {
    match value {
        Json::Null => Cow::Borrowed(""),
        Json::String(text) => Cow::Borrowed(text),
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
            value.to_canonical().into()
        }
    }
}

/// Writes a text as a cell.
fn put(out: &mut Vec<u8>, text: &str) {
    // Those of full width are read as the others by spreadsheets of some languages.
    let is_run = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let is_quoted = text.bytes().any(|byte| matches!(byte, b'"' | b',' | b'\r' | b'\n'))
        || (!is_run && text.trim_start().len() != text.len())
        || text.trim_end().len() != text.len();
    if is_quoted {
        out.push(b'"');
    }
    if is_run {
        out.push(b'\'');
    }
    for (at, part) in text.split('"').enumerate() {
        if at != 0 {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(part.as_bytes());
    }
    if is_quoted {
        out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_as_the_standard_says_and_never_run() {
        for (text, expected) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"so\"", "\"say \"\"so\"\"\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@sum", "'@sum"),
            ("＝1", "'＝1"),
            ("＠sum", "'＠sum"),
            ("\tx", "'\tx"),
            ("\r=1", "\"'\r=1\""),
            ("=\"a\",1", "\"'=\"\"a\"\",1\""),
            (" =1", "\" =1\""),
        ] {
            let mut cell = Vec::new();
            put(&mut cell, text);
            assert_eq!(String::from_utf8(cell).unwrap(), expected, "{text:?}");
        }
    }
}
