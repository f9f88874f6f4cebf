//! A document as one page of HTML that loads nothing and runs nothing: it reads
//! on a screen and prints well.

use std::fmt::Write as _;

use types::Json;

use super::svg::escaped;
use super::{Document, Item, Section, Source};

/// What the page looks like: all that a browser may be let use of it.
pub const STYLE: &str = "body{font:15px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\
    h2{border-bottom:1px solid #ccc;page-break-after:avoid}dt{font-weight:bold;margin-top:.6em}\
    dd{margin-left:1.5em}.missing{color:#a00}.from{color:#555;font-size:90%}\
    svg{max-width:100%;height:auto}code{word-break:break-all}";

pub(super) fn page(document: &Document) -> String {
    let title = escaped(&document.title);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}\
         </title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    );
    // Writing to a text does not fail.
    let _ = writeln!(
        page,
        "<p class=\"from\">{} as of entry {} ({}), regulatory data {}.<br>Document hash (SHA-256 \
         of the canonical JSON): <code>{}</code></p>",
        escaped(&document.kind),
        document.as_of,
        document.at,
        escaped(document.register_version.as_deref().unwrap_or("none recorded")),
        document.hash(),
    );
    for section in &document.sections {
        write_section(&mut page, section);
    }
    page.push_str("<h2>Missing</h2>\n");
    let missing: Vec<Json> = document.missing().into_iter().map(Json::from).collect();
    value(&mut page, &Json::Array(missing));
    page.push_str("<h2>Evidence chain</h2>\n<ol>\n");
    for hash in &document.evidence_chain {
        let _ = writeln!(page, "<li><code>{hash}</code></li>");
    }
    page.push_str("</ol>\n</body>\n</html>\n");
    page
}

fn write_section(page: &mut String, section: &Section) {
    let _ = writeln!(page, "<h2>{}</h2>\n<dl>", escaped(&section.title));
    for item in &section.items {
        write_item(page, item);
    }
    page.push_str("</dl>\n");
    if let Some(picture) = &section.picture {
        page.push_str(picture);
    }
}

fn write_item(page: &mut String, item: &Item) {
    let (about, name) = (escaped(&item.about), escaped(&item.name));
    let _ = writeln!(page, "<dt>{about} <code>{name}</code></dt>\n<dd>");
    match &item.source {
        Source::Missing => {
            page.push_str("<p class=\"missing\">Missing: a human must say this.</p>\n");
            if !item.value.is_null() {
                value(page, &item.value);
            }
        }
        Source::Open => page.push_str("<p>Nothing said.</p>\n"),
        Source::Ledger | Source::Register => value(page, &item.value),
        Source::Human { by, at, entry } => {
            value(page, &item.value);
            let by = by.as_deref().map_or_else(String::new, |by| format!("{}, ", escaped(by)));
            let _ = writeln!(page, "<p class=\"from\">{by}{at}, entry {entry}</p>");
        }
    }
    page.push_str("</dd>\n");
}

fn value(page: &mut String, of: &Json) {
    match of {
        Json::Null => page.push_str("<p>none</p>\n"),
        Json::Bool(true) => page.push_str("<p>yes</p>\n"),
        Json::Bool(false) => page.push_str("<p>no</p>\n"),
        Json::Number(number) => {
            let _ = writeln!(page, "<p>{number}</p>");
        }
        Json::String(text) => {
            let _ = writeln!(page, "<p>{}</p>", escaped(text).replace('\n', "<br>"));
        }
        Json::Array(items) if items.is_empty() => page.push_str("<p>none</p>\n"),
        Json::Object(members) if members.is_empty() => page.push_str("<p>none</p>\n"),
        Json::Array(items) => {
            page.push_str("<ul>\n");
            for item in items {
                page.push_str("<li>");
                value(page, item);
                page.push_str("</li>\n");
            }
            page.push_str("</ul>\n");
        }
        Json::Object(members) => {
            page.push_str("<dl>\n");
            for (name, member) in members.iter() {
                let _ = write!(page, "<dt>{}</dt><dd>", escaped(name));
                value(page, member);
                page.push_str("</dd>\n");
            }
            page.push_str("</dl>\n");
        }
    }
}
