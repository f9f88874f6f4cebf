//! CSV (RFC 4180): a section for each table, with its name, its header, its rows
//! and a blank line.
//!
//! Invariants
//! - No cell is run by a spreadsheet: what would begin a formula gets a `'`.
//! - Columns are the same whatever the records have; nested values are canonical
//!   JSON, and what no column is for is in the last one, `other`.

use std::io::{self, Write};

use types::Json;

use crate::exports::report::tables::Table;
use crate::exports::report::{Layout, Row};
use crate::exports::sink::About;

/// What RFC 4180 ends a line with.
const END: &[u8] = b"\r\n";

/// The column of members that no other is for.
const OTHER: &str = "other";

/// CSV into any writer.
pub(crate) struct Csv<W> {
    out: W,
    is_begun: bool,
}

impl<W: Write> Csv<W> {
    /// Nothing is written yet.
    pub(crate) fn new(out: W) -> Self {
        Self { out, is_begun: false }
    }

    fn line<'a>(&mut self, cells: impl Iterator<Item = &'a str>) -> io::Result<()> {
        for (at, text) in cells.enumerate() {
            if at != 0 {
                self.out.write_all(b",")?;
            }
            self.out.write_all(cell(text).as_bytes())?;
        }
        self.out.write_all(END)
    }
}

impl<W: Write> Layout for Csv<W> {
    fn open(&mut self, _about: &About, _tables: &[&'static Table]) -> io::Result<()> {
        Ok(())
    }

    fn table(&mut self, table: &'static Table) -> io::Result<()> {
        if self.is_begun {
            self.out.write_all(END)?;
        }
        self.is_begun = true;
        self.line([table.name].into_iter())?;
        self.line(table.columns().chain([OTHER]))
    }

    fn row(&mut self, _table: &'static Table, row: &Row<'_>) -> io::Result<()> {
        let mut cells: Vec<String> = row.cells.iter().map(|value| text(value)).collect();
        cells.push(match row.rest.is_empty() {
            true => String::new(),
            false => Json::Object(row.rest.clone()).to_canonical(),
        });
        self.line(cells.iter().map(String::as_str))
    }

    fn table_end(&mut self, _table: &'static Table, _rows: u64) -> io::Result<()> {
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn text(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => value.to_canonical(),
    }
}

/// A text as a cell.
fn cell(text: &str) -> String {
    // Those of full width are read as the others by spreadsheets of some languages.
    let is_run = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let text = if is_run { format!("'{text}") } else { text.to_owned() };
    let is_plain = !text.contains(['"', ',', '\r', '\n']) && text.trim() == text;
    if is_plain { text } else { format!("\"{}\"", text.replace('"', "\"\"")) }
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
            assert_eq!(cell(text), expected, "{text:?}");
        }
    }
}
