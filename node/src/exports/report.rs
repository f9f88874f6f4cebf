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

use std::io;

use governance::export::RecordKind;
use types::{Json, Object};

use crate::exports::sink::{About, Closing, Sink};
use tables::{COMPLIANCE, EXPORT, LIMITS, STATISTICS, SUMMARY, Table};

/// One row: the value of each column, and the members that no column is for.
pub(crate) struct Row<'a> {
    /// In the order of the table's columns; null where there is none.
    pub(crate) cells: Vec<&'a Json>,
    /// What else there is.
    pub(crate) rest: Object,
}

impl<'a> Row<'a> {
    fn of(table: &Table, members: &'a Object) -> Self {
        let cells = table.columns().map(|name| members.get(name).unwrap_or(&Json::Null)).collect();
        let mut rest = Object::new();
        for (name, value) in members.iter().filter(|(name, _)| !table.has(name)) {
            rest.insert(name, value.clone());
        }
        Self { cells, rest }
    }
}

/// A format of tables.
pub(crate) trait Layout {
    /// Begins the document, which will have these tables.
    fn open(&mut self, about: &About, tables: &[&'static Table]) -> io::Result<()>;

    /// Begins a table.
    fn table(&mut self, table: &'static Table) -> io::Result<()>;

    /// Writes a row of it.
    fn row(&mut self, table: &'static Table, row: &Row<'_>) -> io::Result<()>;

    /// Ends it after so many rows.
    fn table_end(&mut self, table: &'static Table, rows: u64) -> io::Result<()>;

    /// Ends the document.
    fn close(&mut self) -> io::Result<()>;
}

/// An export that is written as tables.
pub(crate) struct Report<L> {
    layout: L,
    /// Kinds whose tables are still to be begun.
    kinds: &'static [RecordKind],
    open: Option<(&'static Table, u64)>,
}

impl<L: Layout> Report<L> {
    /// A report in this layout.
    pub(crate) fn new(layout: L) -> Self {
        Self { layout, kinds: &[], open: None }
    }

    fn begin_table(&mut self, table: &'static Table) -> io::Result<()> {
        self.end_table()?;
        self.layout.table(table)?;
        self.open = Some((table, 0));
        Ok(())
    }

    fn end_table(&mut self) -> io::Result<()> {
        match self.open.take() {
            Some((table, rows)) => self.layout.table_end(table, rows),
            None => Ok(()),
        }
    }

    fn row(&mut self, members: &Object) -> io::Result<()> {
        let Some((table, rows)) = &mut self.open else {
            return Err(io::Error::other("a row of an export is in no table"));
        };
        *rows += 1;
        self.layout.row(table, &Row::of(table, members))
    }

    /// Begins the tables of the kinds that come next, up to this one, or all.
    fn kinds_through(&mut self, kind: Option<RecordKind>) -> io::Result<()> {
        while let Some((next, rest)) = self.kinds.split_first() {
            self.kinds = rest;
            self.begin_table(Table::of(*next))?;
            if Some(*next) == kind {
                return Ok(());
            }
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

impl<L: Layout> Sink for Report<L> {
    fn begin(&mut self, about: &About) -> io::Result<()> {
        self.kinds = about.scope.kinds();
        self.layout.open(about, &tables_of(about))?;
        self.begin_table(&EXPORT)?;
        self.pairs(described(about).iter().map(|(name, value)| (name, value.clone())))?;
        self.end_table()
    }

    fn record(&mut self, kind: RecordKind, record: &Object) -> io::Result<()> {
        let table = Table::of(kind);
        let is_open = self.open.is_some_and(|(open, _)| open.name == table.name);
        if !is_open {
            self.kinds_through(Some(kind))?;
        }
        self.row(record)
    }

    fn compliance(&mut self, compliance: &Json) -> io::Result<()> {
        self.kinds_through(None)?;
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
    fn entry(&mut self, _entry: &Json) -> io::Result<()> {
        Ok(())
    }

    fn end(&mut self, closing: &Closing<'_>) -> io::Result<()> {
        self.kinds_through(None)?;
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
        self.layout.close()
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
pub(crate) fn readable(value: &Json) -> String {
    let is_word = |value: &Json| matches!(value, Json::String(_) | Json::Number(_) | Json::Bool(_));
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Array(items) if items.iter().all(is_word) => {
            items.iter().map(readable).collect::<Vec<_>>().join(", ")
        }
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => value.to_canonical(),
    }
}
