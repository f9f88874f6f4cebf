//! The format `json`: one document with sorted keys, two spaces of indentation and
//! one newline at the end.
//!
//! The order of its members is not that in which they are known, so each list is
//! written to a spool of its own and put in its place at the end.

use std::io::{self, Write};

use governance::export::RecordKind;
use types::{Json, Object};

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
}

impl<'a> Document<'a> {
    /// Into this file.
    pub(crate) fn new(output: &'a mut Output) -> io::Result<Self> {
        let entries = List::new(output, ENTRIES)?;
        Ok(Self { output, export: Json::Null, lists: Vec::new(), compliance: None, entries })
    }

    /// A member whose value is small.
    fn member(&mut self, name: &str, value: &Json) -> io::Result<()> {
        name_of(self.output, name, LIST)?;
        pretty(self.output, value, LIST)
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
        list.put(|text, depth| pretty_object(text, record, depth))
    }

    fn compliance(&mut self, compliance: &Json) -> io::Result<()> {
        let mut spool = self.output.spool()?;
        pretty(&mut spool, compliance, LIST)?;
        self.compliance = Some(spool);
        Ok(())
    }

    fn entry(&mut self, entry: &Json) -> io::Result<()> {
        self.entries.put(|text, depth| pretty(text, entry, depth))
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
                    name_of(self.output, name, LIST)?;
                    self.output.append(spool)?;
                }
                Member::List(list) => {
                    name_of(self.output, name, LIST)?;
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
        name_of(self.output, "ledger", LIST)?;
        self.output.write_all(b"{")?;
        name_of(self.output, "checkpoint", ENTRIES)?;
        pretty(self.output, &closing.checkpoint.into(), ENTRIES)?;
        self.output.write_all(b",")?;
        name_of(self.output, "consistency", ENTRIES)?;
        pretty(self.output, closing.consistency, ENTRIES)?;
        self.output.write_all(b",")?;
        name_of(self.output, "entries", ENTRIES)?;
        let entries = std::mem::replace(&mut self.entries, List::new(self.output, ENTRIES)?);
        entries.append(self.output)?;
        line(self.output, LIST)?;
        self.output.write_all(b"}")
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

    fn put(&mut self, item: impl Fn(&mut Spool, usize) -> io::Result<()>) -> io::Result<()> {
        if !self.is_empty {
            self.spool.write_all(b",")?;
        }
        self.is_empty = false;
        let depth = self.depth + 1;
        line(&mut self.spool, depth)?;
        item(&mut self.spool, depth)
    }

    fn append(self, output: &mut Output) -> io::Result<()> {
        if self.is_empty {
            return output.write_all(b"[]");
        }
        output.write_all(b"[")?;
        output.append(self.spool)?;
        line(output, self.depth)?;
        output.write_all(b"]")
    }
}

/// The name of a member on a line of its own.
fn name_of(text: &mut impl Write, name: &str, depth: usize) -> io::Result<()> {
    line(text, depth)?;
    write!(text, "{}: ", Json::from(name).to_canonical())
}

fn line(text: &mut impl Write, depth: usize) -> io::Result<()> {
    text.write_all(b"\n")?;
    for _ in 0..depth {
        text.write_all(b"  ")?;
    }
    Ok(())
}

/// Writes a value with sorted keys and two spaces for every level, the first of
/// which stands at `depth`.
pub(crate) fn pretty(text: &mut impl Write, value: &Json, depth: usize) -> io::Result<()> {
    match value {
        Json::Array(items) if !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                text.write_all(if at == 0 { b"[" } else { b"," })?;
                line(text, depth + 1)?;
                pretty(text, item, depth + 1)?;
            }
            line(text, depth)?;
            text.write_all(b"]")
        }
        Json::Object(object) => pretty_object(text, object, depth),
        Json::Array(_) | Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {
            text.write_all(value.to_canonical().as_bytes())
        }
    }
}

/// The same of an object.
pub(crate) fn pretty_object(
    text: &mut impl Write,
    object: &Object,
    depth: usize,
) -> io::Result<()> {
    if object.is_empty() {
        return text.write_all(b"{}");
    }
    for (at, (name, value)) in object.iter().enumerate() {
        text.write_all(if at == 0 { b"{" } else { b"," })?;
        name_of(text, name, depth + 1)?;
        pretty(text, value, depth + 1)?;
    }
    line(text, depth)?;
    text.write_all(b"}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_written_as_everybody_writes_it_with_two_spaces() {
        let text = r#"{"b":[],"a":{"y":1.5,"x":["ü\n",null,true]},"c":{},"é":{"z":[[1]]}}"#;
        let value: Json = serde_json::from_str(text).unwrap();
        let mut written = Vec::new();
        pretty(&mut written, &value, 0).unwrap();
        let expect: serde_json::Value = serde_json::from_str(text).unwrap();
        let expect = serde_json::to_string_pretty(&expect).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), expect);
    }
}
