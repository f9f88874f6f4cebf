//! HTML for reading and printing: one file that runs nothing and loads nothing.
//!
//! Invariants
//! - Everything that comes from records is escaped, and stands between tags,
//!   never in them.
//! - A policy in the file itself forbids scripts, requests and forms, in case the
//!   first one ever failed.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::exports::report::tables::Table;
use crate::exports::report::{Layout, Row, readable};
use crate::exports::sink::About;

const STYLE: &str = include_str!("html/style.css");

/// HTML.
pub(crate) struct Html;

impl Layout for Html {
    fn open(
        &mut self,
        out: &mut Vec<u8>,
        about: &About,
        tables: &[&'static Table],
    ) -> io::Result<()> {
        let origin = escaped(&about.origin);
        write!(
            out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
             'unsafe-inline'; form-action 'none'; base-uri 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>Audit export of {origin}</title>\n\
             <style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>Audit export</h1>\n\
             <p>{origin}, as of {}, the first {} entries</p>\n</header>\n<nav aria-label=\"Tables\">\n<ul>\n",
            about.now, about.ledger_size,
        )?;
        for table in tables {
            writeln!(out, "<li><a href=\"#{}\">{}</a></li>", table.name, table.title)?;
        }
        out.write_all(b"</ul>\n</nav>\n<main>\n")
    }

    fn table(&mut self, out: &mut Vec<u8>, table: &'static Table) -> io::Result<()> {
        writeln!(
            out,
            "<section id=\"{}\">\n<h2>{}</h2>\n<table>\n<thead>\n<tr>",
            table.name, table.title
        )?;
        for name in table.main {
            writeln!(out, "<th scope=\"col\">{}</th>", heading(name))?;
        }
        out.write_all(b"</tr>\n</thead>\n")
    }

    fn row(&self, out: &mut Vec<u8>, table: &'static Table, row: &Row<'_>) -> io::Result<()> {
        let (main, more) = row.cells.split_at(table.main.len().min(row.cells.len()));
        out.write_all(b"<tbody>\n<tr>")?;
        for value in main {
            write!(out, "<td>{}</td>", escaped(&readable(value)))?;
        }
        out.write_all(b"</tr>\n")?;
        let rest =
            table.more.iter().copied().zip(more.iter().copied()).chain(row.rest.iter().copied());
        let said = rest.map(|(name, value)| (name, readable(value)));
        let said: Vec<_> = said.filter(|(_, text)| !text.is_empty()).collect();
        if !said.is_empty() {
            write!(out, "<tr class=\"more\"><td colspan=\"{}\"><dl>", table.main.len())?;
            for (name, text) in said {
                let (name, text) = (heading(name), escaped(&text));
                write!(out, "<div><dt>{}</dt><dd>{text}</dd></div>", escaped(&name))?;
            }
            out.write_all(b"</dl></td></tr>\n")?;
        }
        out.write_all(b"</tbody>\n")
    }

    fn table_end(&self, out: &mut Vec<u8>, table: &'static Table, rows: u64) -> io::Result<()> {
        out.write_all(b"</table>\n")?;
        if !table.more.is_empty() {
            writeln!(out, "<p class=\"count\">{rows} in all</p>")?;
        }
        out.write_all(b"</section>\n")
    }

    fn close(&self, out: &mut Vec<u8>) -> io::Result<()> {
        out.write_all(b"</main>\n</body>\n</html>\n")
    }
}

/// A member's name as words.
fn heading(name: &str) -> String {
    name.replace('_', " ")
}

/// A text between tags. Control characters that HTML forbids are shown as the
/// sign for what cannot be shown.
fn escaped(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| {
        matches!(byte, b' '..=b'~') && !matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'')
    };
    if text.bytes().fold(true, |plain, byte| plain & is_plain(byte)) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' | '\r' => safe.push(character),
            // Marks that turn the direction of writing can make a text read as
            // another one.
            '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => safe.push('\u{fffd}'),
            other if other.is_control() => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_becomes_markup() {
        assert_eq!(
            escaped("<b a='x' c=\"y\">&amp;"),
            "&lt;b a=&#39;x&#39; c=&quot;y&quot;&gt;&amp;amp;"
        );
        assert_eq!(escaped("a\0b\u{202e}c\u{200f}"), "a\u{fffd}b\u{fffd}c\u{fffd}");
    }
}
