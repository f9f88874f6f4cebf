//! A document as Markdown (CommonMark). What names and texts say is text: nothing
//! in them is taken for markup. A picture stands in it as SVG.

use std::fmt::Write as _;

use types::Json;

use super::svg::is_hidden;
use super::{Document, Item, Section, Source};

pub(super) fn text(document: &Document) -> String {
    let mut text = format!("# {}\n\n", escaped(&document.title));
    let systems: Vec<String> = document.system_ids.iter().map(ToString::to_string).collect();
    // Writing to a text does not fail.
    let _ = write!(
        text,
        "- Document: `{}`\n- As of entry: {} ({})\n- Document hash (SHA-256 of the canonical \
         JSON): `{}`\n- Regulatory data: {}\n- Systems: {}\n\n",
        document.kind,
        document.as_of,
        document.at,
        document.hash(),
        escaped(document.register_version.as_deref().unwrap_or("none recorded")),
        if systems.is_empty() { "none registered".to_owned() } else { systems.join(", ") },
    );
    for section in &document.sections {
        write_section(&mut text, section);
    }
    text.push_str("## Missing\n\n");
    list(&mut text, &document.missing(), "Nothing that was asked for here.");
    text.push_str("## Evidence chain\n\n");
    let hashes: Vec<String> =
        document.evidence_chain.iter().map(|hash| format!("`{hash}`")).collect();
    for hash in hashes {
        let _ = writeln!(text, "- {hash}");
    }
    text
}

fn list(text: &mut String, names: &[String], none: &str) {
    if names.is_empty() {
        let _ = writeln!(text, "{none}");
    }
    for name in names {
        let _ = writeln!(text, "- {}", escaped(name));
    }
    text.push('\n');
}

fn write_section(text: &mut String, section: &Section) {
    let _ = write!(text, "## {}\n\n", escaped(&section.title));
    for item in &section.items {
        write_item(text, item);
    }
    if !section.items.is_empty() {
        text.push('\n');
    }
    if let Some(picture) = &section.picture {
        let _ = writeln!(text, "{picture}");
    }
}

fn write_item(text: &mut String, item: &Item) {
    let _ = write!(text, "- **{}** (`{}`): ", escaped(&item.about), item.name);
    match &item.source {
        Source::Missing if item.value.is_null() => {
            text.push_str("*missing: a human must say this*\n");
        }
        Source::Missing => {
            text.push_str("*missing: a human must say this*; so far: ");
            value(text, &item.value, 1);
        }
        Source::Open => text.push_str("*nothing said*\n"),
        Source::Ledger | Source::Register => value(text, &item.value, 1),
        Source::Human { by, at, entry } => {
            value(text, &item.value, 1);
            let by = by.as_deref().map_or_else(String::new, |by| format!("{}, ", escaped(by)));
            let _ = writeln!(text, "  - *{by}{at}, entry {entry}*");
        }
    }
}

/// A value, and the end of its line.
fn value(text: &mut String, of: &Json, level: usize) {
    let indent = "  ".repeat(level);
    match of {
        Json::Null => text.push_str("none\n"),
        Json::Bool(true) => text.push_str("yes\n"),
        Json::Bool(false) => text.push_str("no\n"),
        Json::Number(number) => {
            let _ = writeln!(text, "{number}");
        }
        Json::String(line) => {
            let _ = writeln!(text, "{}", escaped(line));
        }
        Json::Array(items) if items.is_empty() => text.push_str("none\n"),
        Json::Object(members) if members.is_empty() => text.push_str("none\n"),
        Json::Array(items) => {
            text.push('\n');
            for item in items {
                let _ = write!(text, "{indent}- ");
                value(text, item, level.saturating_add(1));
            }
        }
        Json::Object(members) => {
            text.push('\n');
            for (name, member) in members.iter() {
                let _ = write!(text, "{indent}- {}: ", escaped(name));
                value(text, member, level.saturating_add(1));
            }
        }
    }
}

/// Text that is no markup, whatever it holds. It stays on one line, since a line of
/// its own could begin a list or end a heading; what it begins with does neither.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut is_start = true;
    let mut digits = false;
    for character in text.replace("\r\n", "\n").chars() {
        match character {
            '\r' | '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                safe.push_str("<br>");
            }
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            ' ' | '\t' if is_start => safe.push_str("&#32;"),
            '-' | '+' | '=' if is_start => {
                safe.push('\\');
                safe.push(character);
            }
            '.' | ')' if digits => {
                safe.push('\\');
                safe.push(character);
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '!' => {
                safe.push('\\');
                safe.push(character);
            }
            other if is_hidden(other) => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
        digits = (is_start || digits) && character.is_ascii_digit();
        is_start = false;
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_says_is_no_markup() {
        let sly = "<script>x</script> **b** [a](b) `c` # d\n# e\r\n|f|";
        let safe = escaped(sly);
        assert!(!safe.contains('<') || safe.matches('<').count() == safe.matches("<br>").count());
        assert!(!safe.contains("**b") && safe.contains("\\[a\\](b)"));
        let mut text = String::new();
        value(&mut text, &Json::from(sly), 1);
        assert_eq!(text.lines().count(), 1, "{text}");
    }

    #[test]
    fn what_a_text_begins_with_begins_no_list_and_ends_no_heading() {
        for (text, expect) in [
            ("- a", "\\- a"),
            ("+ a", "\\+ a"),
            ("===", "\\==="),
            ("1. a", "1\\. a"),
            ("12) a", "12\\) a"),
            ("    code", "&#32;   code"),
            ("a - b + 1.5", "a - b + 1.5"),
            ("> a", "&gt; a"),
            ("# a", "\\# a"),
            ("a\u{202e}b\u{7}", "a\u{fffd}b\u{fffd}"),
        ] {
            assert_eq!(escaped(text), expect, "{text}");
        }
    }

    #[test]
    fn a_text_makes_no_section_of_its_own() {
        let sly = "Fine.\n\nMissing\n-------\n\nNothing that was asked for here.";
        let mut text = String::new();
        value(&mut text, &Json::from(sly), 1);
        let told = "Fine.<br><br>Missing<br>-------<br><br>Nothing that was asked for here.\n";
        assert_eq!(text, told);
    }
}
