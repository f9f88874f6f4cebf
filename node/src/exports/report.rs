//! An export as tables, whatever they are written as: the same tables with the
//! same rows for spreadsheets, as text and in a browser.
//!
//! Reading order: [`Report`], which takes the calls of a sink; [`Layout`], which
//! a format is; [`tables`], which columns there are.
//!
//! Invariants
//! - Every member of every record is in its row: what no column is for goes into
//!   the last one.
//! - A table is there for every kind of the scope, with or without rows.

pub(crate) mod tables;

use std::borrow::Cow;
use std::io::{self, Write};

use governance::export::{Exported, RecordKind};
use types::{Json, Object};

use crate::exports::output::{Spool, Spools};
use crate::exports::sink::{About, Closing, Sink};
use tables::{COMPLIANCE, EXPORT, LIMITS, STATISTICS, SUMMARY, Table};

/// One row: the value of each column, and the members that no column is for.
pub(crate) struct Row<'a> {
    /// In the order of the table's columns; null where there is none.
    pub(crate) cells: Vec<&'a Json>,
    /// What else there is.
    pub(crate) rest: Vec<(&'a str, &'a Json)>,
}

impl<'a> Row<'a> {
    fn of(table: &Table, members: &'a Object) -> Self {
        let mut cells = vec![&Json::Null; table.columns().count()];
        let mut rest = Vec::new();
        for (name, value) in members.iter() {
            let at = table.columns().position(|column| column == name);
            match at.and_then(|at| cells.get_mut(at)) {
                Some(cell) => *cell = value,
                None => rest.push((name, value)),
            }
        }
        Self { cells, rest }
    }
}

/// A format of tables: the text of each part of the document.
pub(crate) trait Layout {
    /// Begins the document, which will have these tables.
    fn open(
        &mut self,
        text: &mut Vec<u8>,
        about: &About,
        tables: &[&'static Table],
    ) -> io::Result<()>;

    /// Begins a table.
    fn table(&mut self, text: &mut Vec<u8>, table: &'static Table) -> io::Result<()>;

    /// A row of it.
    fn row(&self, text: &mut Vec<u8>, table: &'static Table, row: &Row<'_>) -> io::Result<()>;

    /// Ends it after so many rows.
    fn table_end(&self, text: &mut Vec<u8>, table: &'static Table, rows: u64) -> io::Result<()>;

    /// Ends the document.
    fn close(&self, text: &mut Vec<u8>) -> io::Result<()>;
}

/// An export that is written as tables.
///
/// Records of all kinds come together, and tables one after the other: rows of the
/// first kind are written as they come, those of the others are spooled.
pub(crate) struct Report<L, W> {
    layout: L,
    out: W,
    spools: Spools,
    /// The text that is written next.
    text: Vec<u8>,
    /// The table that is begun, and its rows.
    open: Option<(&'static Table, u64)>,
    /// The kind whose table is begun.
    first: Option<RecordKind>,
    /// The other kinds, in order.
    others: Vec<Rows>,
}

/// Rows of a table that has yet to be begun.
struct Rows {
    kind: RecordKind,
    spool: Option<Spool>,
    count: u64,
}

impl<L: Layout, W: Write> Report<L, W> {
    /// A report in this layout, which spools what comes too early.
    pub(crate) fn new(layout: L, out: W, spools: Spools) -> Self {
        let (text, open, first, others) = (Vec::new(), None, None, Vec::new());
        Self { layout, out, spools, text, open, first, others }
    }

    fn write(&mut self) -> io::Result<()> {
        self.out.write_all(&self.text)?;
        self.text.clear();
        Ok(())
    }

    fn begin_table(&mut self, table: &'static Table) -> io::Result<()> {
        self.end_table()?;
        self.layout.table(&mut self.text, table)?;
        self.open = Some((table, 0));
        self.write()
    }

    fn end_table(&mut self) -> io::Result<()> {
        if let Some((table, rows)) = self.open.take() {
            self.layout.table_end(&mut self.text, table, rows)?;
        }
        self.write()
    }

    fn row(&mut self, members: &Object) -> io::Result<()> {
        let Some((table, rows)) = &mut self.open else {
            return Err(io::Error::other("a row of an export is in no table"));
        };
        *rows += 1;
        self.layout.row(&mut self.text, table, &Row::of(table, members))?;
        self.write()
    }

    /// Puts a row of a later table off.
    fn put_off(&mut self, kind: RecordKind, members: &Object) -> io::Result<()> {
        let rows = self.others.iter_mut().find(|rows| rows.kind == kind);
        let rows = rows.ok_or_else(|| io::Error::other("a record is of no kind asked for"))?;
        rows.count += 1;
        let table = Table::of(kind);
        self.layout.row(&mut self.text, table, &Row::of(table, members))?;
        let spool = match &mut rows.spool {
            Some(spool) => spool,
            None => rows.spool.insert(self.spools.spool()?),
        };
        spool.write_all(&self.text)?;
        self.text.clear();
        Ok(())
    }

    /// Ends the tables of records.
    fn end_records(&mut self) -> io::Result<()> {
        for Rows { kind, spool, count } in std::mem::take(&mut self.others) {
            let table = Table::of(kind);
            self.begin_table(table)?;
            if let Some(spool) = spool {
                spool.append_to(&mut self.out)?;
            }
            self.open = Some((table, count));
        }
        self.end_table()
    }

    fn pairs<'a>(&mut self, pairs: impl Iterator<Item = (&'a str, Json)>) -> io::Result<()> {
        for (name, value) in pairs {
            let mut members = Object::new();
            members.insert("name", name);
            members.insert("value", value);
            self.row(&members)?;
        }
        Ok(())
    }
}

impl<L: Layout, W: Write> Sink for Report<L, W> {
    fn begin(&mut self, about: &About) -> io::Result<()> {
        self.layout.open(&mut self.text, about, &tables_of(about))?;
        self.begin_table(&EXPORT)?;
        self.pairs(described(about).iter().map(|(name, value)| (name, value.clone())))?;
        self.end_table()?;
        let Some((first, others)) = about.scope.kinds().split_first() else { return Ok(()) };
        self.first = Some(*first);
        self.others =
            others.iter().map(|kind| Rows { kind: *kind, spool: None, count: 0 }).collect();
        self.begin_table(Table::of(*first))
    }

    fn record(&mut self, kind: RecordKind, record: &Object) -> io::Result<()> {
        if self.first == Some(kind) { self.row(record) } else { self.put_off(kind, record) }
    }

    fn compliance(&mut self, compliance: &Json) -> io::Result<()> {
        self.end_records()?;
        let items = tables::items(compliance);
        self.begin_table(&SUMMARY)?;
        for summary in tables::summaries(&items) {
            self.row(&summary)?;
        }
        self.begin_table(&COMPLIANCE)?;
        items.iter().try_for_each(|item| self.row(item))?;
        self.end_table()
    }

    /// Reports have records; the entries are in the package.
    fn entry(&mut self, _entry: Exported) -> io::Result<()> {
        Ok(())
    }

    fn end(&mut self, closing: &Closing<'_>) -> io::Result<()> {
        self.end_records()?;
        self.begin_table(&STATISTICS)?;
        let empty = Object::new();
        let statistics = closing.statistics.as_object().unwrap_or(&empty);
        self.pairs(statistics.iter().map(|(name, value)| (name, value.clone())))?;
        self.pairs([("checkpoint", closing.checkpoint.into())].into_iter())?;
        self.begin_table(&LIMITS)?;
        for sentence in closing.does_not_establish {
            let mut members = Object::new();
            members.insert("statement", *sentence);
            self.row(&members)?;
        }
        self.end_table()?;
        self.layout.close(&mut self.text)?;
        self.write()?;
        self.out.flush()
    }
}

/// The tables that an export will have, in order.
fn tables_of(about: &About) -> Vec<&'static Table> {
    let mut tables = vec![&EXPORT];
    tables.extend(about.scope.kinds().iter().map(|kind| Table::of(*kind)));
    if about.scope.has_compliance() {
        tables.extend([&SUMMARY, &COMPLIANCE]);
    }
    tables.extend([&STATISTICS, &LIMITS]);
    tables
}

/// What an export is of, as every format says it.
pub(crate) fn described(about: &About) -> Object {
    let time = |time: Option<types::Timestamp>| Json::from(time.map(|time| time.to_string()));
    let erasures = about.erasures_through.map(|entry| entry.0);
    let members: [(&str, Json); 8] = [
        ("as_of", about.now.to_string().into()),
        ("cluster_id", about.cluster_id.as_str().into()),
        ("erasures_through", erasures.into()),
        ("from", time(about.from)),
        ("ledger_size", about.ledger_size.into()),
        ("origin", about.origin.as_str().into()),
        ("scope", about.scope.as_str().into()),
        ("to", time(about.to)),
    ];
    let mut object = Object::new();
    for (name, value) in members {
        object.insert(name, value);
    }
    object
}

/// A value as people read it: a list of words with commas, the rest as it is.
pub(crate) fn readable(value: &Json) -> Cow<'_, str> {
    let is_word = |value: &Json| matches!(value, Json::String(_) | Json::Number(_) | Json::Bool(_));
    match value {
        Json::Null => Cow::Borrowed(""),
        Json::String(text) => Cow::Borrowed(text),
        Json::Array(items) if items.iter().all(is_word) => {
            items.iter().map(readable).collect::<Vec<_>>().join(", ").into()
        }
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
            value.to_canonical().into()
        }
    }
}
