//! Markdown (GitHub's tables) for people who read text and compare versions.
//!
//! Invariants
//! - No cell breaks out of its table or becomes markup: whatever has a meaning
//!   in Markdown or HTML is written as an entity, line breaks as `<br>`.

use std::io::{self, Write};

use crate::exports::report::tables::Table;
use crate::exports::report::{Layout, Row, readable};
use crate::exports::sink::About;

/// Markdown.
pub(crate) struct Markdown;

fn line<'a>(out: &mut Vec<u8>, cells: impl Iterator<Item = &'a str>) -> io::Result<()> {
    for cell in cells {
        write!(out, "| {cell} ")?;
    }
    out.write_all(b"|\n")
}

/// Whether a table has a last column for the members that are not looked at
/// first.
fn has_more(table: &Table) -> bool {
    !table.more.is_empty()
}

impl Layout for Markdown {
    fn open(
        &mut self,
        out: &mut Vec<u8>,
        about: &About,
        _tables: &[&'static Table],
    ) -> io::Result<()> {
        writeln!(out, "# Audit export of {}", escaped(&about.origin))
    }

    fn table(&mut self, out: &mut Vec<u8>, table: &'static Table) -> io::Result<()> {
        writeln!(out, "\n## {}\n", table.title)?;
        let more = has_more(table).then_some("more");
        let names: Vec<String> = table.main.iter().copied().chain(more).map(escaped).collect();
        line(out, names.iter().map(String::as_str))?;
        line(out, names.iter().map(|_| "---"))
    }

    fn row(&self, out: &mut Vec<u8>, table: &'static Table, row: &Row<'_>) -> io::Result<()> {
        let (main, more) = row.cells.split_at(table.main.len().min(row.cells.len()));
        let mut cells: Vec<String> = main.iter().map(|value| escaped(&readable(value))).collect();
        let rest =
            table.more.iter().copied().zip(more.iter().copied()).chain(row.rest.iter().copied());
        let said = rest.map(|(name, value)| (name, readable(value)));
        let said = said.filter(|(_, text)| !text.is_empty());
        let said: Vec<String> =
            said.map(|(name, text)| format!("{}: {}", escaped(name), escaped(&text))).collect();
        if has_more(table) {
            cells.push(said.join("<br>"));
        }
        line(out, cells.iter().map(String::as_str))
    }

    fn table_end(&self, out: &mut Vec<u8>, table: &'static Table, rows: u64) -> io::Result<()> {
        match table.more {
            [] => Ok(()),
            _ => writeln!(out, "\n{rows} rows."),
        }
    }

    fn close(&self, _out: &mut Vec<u8>) -> io::Result<()> {
        Ok(())
    }
}

/// A text of which nothing is markup.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' if characters.peek() == Some(&'\n') => (),
            '\r' | '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                safe.push_str("<br>");
            }
            '&' | '<' | '>' | '"' | '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '#'
            | '!' | '~' | '$' | '{' | '}' => safe.push_str(&format!("&#{};", u32::from(character))),
            // A bare address becomes a link, which is an invitation.
            ':' if characters.peek() == Some(&'/') => safe.push_str("&#58;"),
            '@' => safe.push_str("&#64;"),
            '.' if safe.ends_with("www") || safe.ends_with("WWW") => safe.push_str("&#46;"),
            // Marks that turn the direction of writing can make a text read as
            // another one.
            '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => safe.push('\u{fffd}'),
            '\t' => safe.push(character),
            other if other.is_control() => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_a_cell() {
        for (text, expected) in [
            ("plain words, 1.5", "plain words, 1.5"),
            ("a | b", "a &#124; b"),
            ("a\\| b", "a&#92;&#124; b"),
            ("one\r\ntwo\nthree\rfour", "one<br>two<br>three<br>four"),
            ("<script>", "&#60;script&#62;"),
            ("[a](b)", "&#91;a&#93;&#40;b&#41;"),
            ("`x`", "&#96;x&#96;"),
            ("&lt;", "&#38;lt;"),
            ("http://x", "http&#58;//x"),
            ("www.x.example", "www&#46;x.example"),
            ("a\0\u{1b}\u{202e}\u{200f}b", "a\u{fffd}\u{fffd}\u{fffd}\u{fffd}b"),
        ] {
            assert_eq!(escaped(text), expected, "{text:?}");
        }
    }
}
