//! The format `json`: one document with sorted keys, two spaces of indentation and
//! one newline at the end.
//!
//! The order of its members is not that in which they are known, so each list is
//! written to a spool of its own and put in its place at the end.

use std::io::{self, Write};

use governance::export::{Exported, RecordKind};
use types::{Json, Object, json};

use super::output::{Output, Spool};
use super::sink::{About, Closing, Sink};

/// How deep the items of a list of the document stand.
const LIST: usize = 1;

/// How deep the entries stand, which are a list of a member.
const ENTRIES: usize = 2;

/// Writes a document.
pub(crate) struct Document<'a> {
    output: &'a mut Output,
    export: Json,
    lists: Vec<(RecordKind, List)>,
    compliance: Option<Spool>,
    entries: List,
    /// What is about to be written, so that it is written at once.
    text: String,
}

impl<'a> Document<'a> {
    /// Into this file.
    pub(crate) fn new(output: &'a mut Output) -> io::Result<Self> {
        let entries = List::new(output, ENTRIES)?;
        let (export, lists) = (Json::Null, Vec::new());
        Ok(Self { output, export, lists, compliance: None, entries, text: String::new() })
    }

    /// A member whose value is small.
    fn member(&mut self, name: &str, value: &Json) -> io::Result<()> {
        self.text.clear();
        name_of(&mut self.text, name, LIST);
        pretty(&mut self.text, value, LIST);
        self.output.write_all(self.text.as_bytes())
    }

    /// The name of a member whose value is written after it.
    fn name(&mut self, name: &str) -> io::Result<()> {
        self.text.clear();
        name_of(&mut self.text, name, LIST);
        self.output.write_all(self.text.as_bytes())
    }
}

impl Sink for Document<'_> {
    fn begin(&mut self, about: &About) -> io::Result<()> {
        self.export = about.to_json();
        for kind in about.scope.kinds() {
            self.lists.push((*kind, List::new(self.output, LIST)?));
        }
        Ok(())
    }

    fn record(&mut self, kind: RecordKind, record: &Object) -> io::Result<()> {
        let list = self.lists.iter_mut().find(|(known, _)| *known == kind);
        let (_, list) = list.ok_or_else(|| out_of_scope(kind))?;
        list.put(&mut self.text, record)
    }

    fn compliance(&mut self, compliance: &Json) -> io::Result<()> {
        let mut spool = self.output.spool()?;
        self.text.clear();
        pretty(&mut self.text, compliance, LIST);
        spool.write_all(self.text.as_bytes())?;
        self.compliance = Some(spool);
        Ok(())
    }

    fn entry(&mut self, entry: Exported) -> io::Result<()> {
        self.entries.put(&mut self.text, &entry.into_shown())
    }

    fn end(&mut self, closing: &Closing<'_>) -> io::Result<()> {
        let sentences = closing.does_not_establish.iter().map(|it| Json::from(*it)).collect();
        let mut members: Vec<(&str, Member)> = vec![
            ("does_not_establish", Member::Value(Json::Array(sentences))),
            ("export", Member::Value(std::mem::take(&mut self.export))),
            ("ledger", Member::Ledger),
            ("statistics", Member::Value(closing.statistics.clone())),
        ];
        let lists = std::mem::take(&mut self.lists);
        members.extend(lists.into_iter().map(|(kind, it)| (kind.as_str(), Member::List(it))));
        members.extend(self.compliance.take().map(|it| ("compliance", Member::Spooled(it))));
        members.sort_by_key(|(name, _)| *name);
        for (at, (name, member)) in members.into_iter().enumerate() {
            self.output.write_all(if at == 0 { b"{" } else { b"," })?;
            match member {
                Member::Value(value) => self.member(name, &value)?,
                Member::Spooled(spool) => {
                    self.name(name)?;
                    spool.append_to(self.output)?;
                }
                Member::List(list) => {
                    self.name(name)?;
                    list.append(self.output)?;
                }
                Member::Ledger => self.ledger(closing)?,
            }
        }
        self.output.write_all(b"\n}\n")
    }
}

/// A member of the document until it is its turn.
enum Member {
    Value(Json),
    Spooled(Spool),
    List(List),
    Ledger,
}

impl Document<'_> {
    /// The member `ledger`, whose own members are in order: `checkpoint`,
    /// `consistency`, `entries`.
    fn ledger(&mut self, closing: &Closing<'_>) -> io::Result<()> {
        self.text.clear();
        name_of(&mut self.text, "ledger", LIST);
        self.text.push('{');
        name_of(&mut self.text, "checkpoint", ENTRIES);
        pretty(&mut self.text, &closing.checkpoint.into(), ENTRIES);
        self.text.push(',');
        name_of(&mut self.text, "consistency", ENTRIES);
        pretty(&mut self.text, closing.consistency, ENTRIES);
        self.text.push(',');
        name_of(&mut self.text, "entries", ENTRIES);
        self.output.write_all(self.text.as_bytes())?;
        let entries = std::mem::replace(&mut self.entries, List::new(self.output, ENTRIES)?);
        entries.append(self.output)?;
        self.text.clear();
        line(&mut self.text, LIST);
        self.text.push('}');
        self.output.write_all(self.text.as_bytes())
    }
}

fn out_of_scope(kind: RecordKind) -> io::Error {
    io::Error::other(format!("a record of `{}` is not in the scope", kind.as_str()))
}

/// A list that is written item by item, with no brackets yet.
struct List {
    spool: Spool,
    depth: usize,
    is_empty: bool,
}

impl List {
    fn new(output: &Output, depth: usize) -> io::Result<Self> {
        Ok(Self { spool: output.spool()?, depth, is_empty: true })
    }

    fn put(&mut self, text: &mut String, item: &Object) -> io::Result<()> {
        text.clear();
        if !self.is_empty {
            text.push(',');
        }
        self.is_empty = false;
        let depth = self.depth + 1;
        line(text, depth);
        pretty_object(text, item, depth);
        self.spool.write_all(text.as_bytes())
    }

    fn append(self, output: &mut Output) -> io::Result<()> {
        if self.is_empty {
            return output.write_all(b"[]");
        }
        output.write_all(b"[")?;
        self.spool.append_to(output)?;
        let mut text = String::new();
        line(&mut text, self.depth);
        text.push(']');
        output.write_all(text.as_bytes())
    }
}

/// The name of a member on a line of its own.
fn name_of(text: &mut String, name: &str, depth: usize) {
    line(text, depth);
    json::write_string(name, text);
    text.push_str(": ");
}

fn line(text: &mut String, depth: usize) {
    text.push('\n');
    for _ in 0..depth {
        text.push_str("  ");
    }
}

/// Writes a value with sorted keys and two spaces for every level, the first of
/// which stands at `depth`.
pub(crate) fn pretty(text: &mut String, value: &Json, depth: usize) {
    match value {
        Json::Array(items) if !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                text.push(if at == 0 { '[' } else { ',' });
                line(text, depth + 1);
                pretty(text, item, depth + 1);
            }
            line(text, depth);
            text.push(']');
        }
        Json::Object(object) => pretty_object(text, object, depth),
        Json::Array(_) | Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {
            value.write_canonical(text);
        }
    }
}

/// The same of an object.
fn pretty_object(text: &mut String, object: &Object, depth: usize) {
    if object.is_empty() {
        return text.push_str("{}");
    }
    for (at, (name, value)) in object.iter().enumerate() {
        text.push(if at == 0 { '{' } else { ',' });
        name_of(text, name, depth + 1);
        pretty(text, value, depth + 1);
    }
    line(text, depth);
    text.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_written_as_everybody_writes_it_with_two_spaces() {
        let text = r#"{"b":[],"a":{"y":1.5,"x":["ü\n",null,true]},"c":{},"é":{"z":[[1]]}}"#;
        let value: Json = serde_json::from_str(text).unwrap();
        let mut written = String::new();
        pretty(&mut written, &value, 0);
        let expect: serde_json::Value = serde_json::from_str(text).unwrap();
        let expect = serde_json::to_string_pretty(&expect).unwrap();
        assert_eq!(written, expect);
    }
}
