//! Writing a tree as JSON or YAML: what fits on a line stands on one, below the
//! first two levels.
//!
//! The YAML is a small part of YAML: maps and lists in blocks or in flow, and
//! texts without quotes only where no reader could take them for anything else.

use types::Json;

use super::layout::Tree;

/// Columns of a line.
const COLUMNS_MAX: usize = 100;
/// Columns of a level.
const INDENT: usize = 2;
/// Levels that are always spread out: the document and its lists.
const SPREAD_LEVELS: usize = 2;

pub(super) fn json(tree: &Tree) -> String {
    let mut text = String::new();
    write_json(tree, Place::default(), &mut text);
    text.push('\n');
    text
}

pub(super) fn yaml(tree: &Tree) -> String {
    let mut text = String::new();
    match tree {
        Tree::Map(members) => write_map(members, 0, 0, &mut text),
        Tree::List(_) | Tree::Leaf(_) => text.push_str(&format!("{}\n", flow(tree, &YAML))),
    }
    text
}

/// Where a value is written.
#[derive(Clone, Copy, Default)]
struct Place {
    level: usize,
    indent: usize,
    /// Columns that are taken on its line.
    taken: usize,
}

impl Place {
    /// Whether a value with this text stands on one line.
    fn fits(self, text: &str) -> bool {
        // A comma may follow.
        SPREAD_LEVELS <= self.level && self.taken + text.chars().count() < COLUMNS_MAX
    }
}

fn write_json(tree: &Tree, place: Place, text: &mut String) {
    let line = flow(tree, &JSON);
    if is_small(tree) || place.fits(&line) {
        text.push_str(&line);
        return;
    }
    let within = place.indent + INDENT;
    let (open, close) = if matches!(tree, Tree::Map(_)) { ('{', '}') } else { ('[', ']') };
    let parts: Vec<(String, &Tree)> = match tree {
        Tree::Map(members) => {
            members.iter().map(|(key, value)| (format!("{}: ", quoted(key)), value)).collect()
        }
        Tree::List(items) => items.iter().map(|item| (String::new(), item)).collect(),
        Tree::Leaf(_) => Vec::new(),
    };
    text.push(open);
    for (at, (name, value)) in parts.iter().enumerate() {
        text.push_str(if at == 0 { "\n" } else { ",\n" });
        text.push_str(&format!("{:within$}{name}", ""));
        let taken = within + name.chars().count();
        write_json(value, Place { level: place.level + 1, indent: within, taken }, text);
    }
    text.push_str(&format!("\n{:1$}{close}", "", place.indent));
}

fn write_map(members: &[(String, Tree)], level: usize, indent: usize, text: &mut String) {
    for (at, (key, value)) in members.iter().enumerate() {
        // The first stands behind the dash of its item.
        let margin = if at == 0 && 0 < level { 0 } else { indent };
        let name = format!("{}:", plain_or_quoted(key));
        text.push_str(&format!("{:margin$}{name}", ""));
        let taken = indent + name.chars().count() + 1;
        write_yaml(value, Place { level: level + 1, indent, taken }, text);
    }
}

/// A value behind its key, with the line break after it.
fn write_yaml(tree: &Tree, place: Place, text: &mut String) {
    let line = flow(tree, &YAML);
    if is_small(tree) || place.fits(&line) {
        text.push_str(&format!(" {line}\n"));
        return;
    }
    text.push('\n');
    let within = place.indent + INDENT;
    match tree {
        Tree::Map(members) => {
            text.push_str(&format!("{:within$}", ""));
            write_map(members, place.level, within, text);
        }
        Tree::List(items) => {
            for item in items {
                text.push_str(&format!("{:within$}- ", ""));
                write_item(
                    item,
                    Place { level: place.level + 1, indent: within, taken: within + 2 },
                    text,
                );
            }
        }
        Tree::Leaf(_) => (),
    }
}

/// A value behind a dash.
fn write_item(tree: &Tree, place: Place, text: &mut String) {
    let line = flow(tree, &YAML);
    match tree {
        Tree::Map(members) if !members.is_empty() && !place.fits(&line) => {
            write_map(members, place.level, place.indent + INDENT, text);
        }
        // A list in a list is rare; on one line it is never misread.
        Tree::Map(_) | Tree::List(_) | Tree::Leaf(_) => text.push_str(&format!("{line}\n")),
    }
}

fn is_small(tree: &Tree) -> bool {
    match tree {
        Tree::Leaf(_) => true,
        Tree::List(items) => items.is_empty(),
        Tree::Map(members) => members.is_empty(),
    }
}

/// How texts are written.
struct Spelling {
    text: fn(&str) -> String,
}

const JSON: Spelling = Spelling { text: quoted };
const YAML: Spelling = Spelling { text: plain_or_quoted };

/// A value on one line.
fn flow(tree: &Tree, spelling: &Spelling) -> String {
    match tree {
        Tree::Leaf(Json::String(text)) => (spelling.text)(text),
        Tree::Leaf(leaf) => leaf.to_canonical(),
        Tree::List(items) => {
            let items: Vec<String> = items.iter().map(|item| flow(item, spelling)).collect();
            format!("[{}]", items.join(", "))
        }
        Tree::Map(members) => {
            let members = members
                .iter()
                .map(|(key, value)| format!("{}: {}", (spelling.text)(key), flow(value, spelling)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Words that some reader of YAML takes for something else than text.
const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];

/// Without quotes only: words of letters, digits and a few marks, beginning
/// with a letter, with single blanks between them.
fn plain_or_quoted(text: &str) -> String {
    let is_word = |word: &str| {
        let inside = |c: char| c.is_ascii_alphanumeric() || "_-./@".contains(c);
        !word.is_empty() && word.chars().all(inside)
    };
    // `a:b` is a word; `a: b` and `a:` are not.
    let is_plain = text.split(' ').all(|word| word.split(':').all(is_word))
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is_plain { text.to_owned() } else { quoted(text) }
}

/// In quotes, as JSON and YAML both read it: what either of them, or a
/// terminal, does not take as it is, is escaped.
fn quoted(text: &str) -> String {
    let mut shown = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => shown.push_str("\\\""),
            '\\' => shown.push_str("\\\\"),
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            c if c.is_control() || is_odd(c) => {
                shown.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => shown.push(c),
        }
    }
    shown.push('"');
    shown
}

/// Line breaks of YAML 1.1, and marks that are not seen.
fn is_odd(c: char) -> bool {
    matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Form, parse};

    fn tree(json: &Json) -> Tree {
        match json {
            Json::Array(items) => Tree::List(items.iter().map(tree).collect()),
            Json::Object(object) => {
                Tree::Map(object.iter().map(|(key, value)| (key.to_owned(), tree(value))).collect())
            }
            leaf => Tree::Leaf(leaf.clone()),
        }
    }

    #[track_caller]
    fn check_round(json: &Json) {
        for (form, text) in
            [(Form::Json, super::json(&tree(json))), (Form::Yaml, yaml(&tree(json)))]
        {
            assert_eq!(parse(&text, form).as_ref(), Ok(json), "{text}");
        }
    }

    /// What some reader of YAML takes for something else.
    const ODD_TEXTS: &[&str] = &[
        "",
        " ",
        "a",
        "a b",
        " a",
        "a ",
        "a  b",
        "a: b",
        "a:",
        ":a",
        "a:b",
        "a #b",
        "#a",
        "-",
        "- a",
        "null",
        "Yes",
        "n",
        "1",
        "1.5",
        "0x1F",
        "1e3",
        ".inf",
        "~",
        "*a",
        "&a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a`",
        "'a'",
        "\"a\"",
        "{a}",
        "[a]",
        "a,b",
        "a]",
        "?",
        "? a",
        "---",
        "...",
        "<<",
        "=",
        "2027-03-04",
        "12:30:00",
        "a\nb",
        "a\n",
        "\ta",
        "\\",
        "\u{1b}",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "ü",
        "😀",
        "a/b@c.d-e_f:g",
        "actor:*",
        "*",
    ];

    #[test]
    fn every_text_reads_back_as_itself() {
        for text in ODD_TEXTS {
            check_round(&Json::object([
                ("a", (*text).into()),
                ("b", vec![Json::from(*text)].into()),
            ]));
            let mut keyed = types::Object::new();
            keyed.insert(*text, 1_u32);
            keyed.insert("list", vec![Json::from(*text)]);
            check_round(&Json::object([("a", vec![Json::Object(keyed)].into())]));
        }
    }

    #[test]
    fn what_does_not_fit_on_a_line_is_spread_out() {
        let long = Json::from("x".repeat(60));
        let inner = Json::object([
            ("k", long.clone()),
            ("l", long.clone()),
            (
                "m",
                Json::object([("n", vec![long.clone(), long.clone()].into()), ("o", 1_u32.into())]),
            ),
        ]);
        let deep = Json::object([
            ("a", vec![inner.clone(), Json::from(1_u32), vec![long.clone(), long].into()].into()),
            ("b", inner),
            ("c", Json::Object(types::Object::new())),
            ("d", Json::Array(Vec::new())),
        ]);
        check_round(&deep);
        let lines = yaml(&tree(&deep));
        assert!(12 < lines.lines().count(), "{lines}");
    }
}
