//! Whether records are what they say: projections of entries of the ledger that
//! lies beside them, each of an entry that says it made it, no entry with two, and
//! none left out.
//!
//! Entries and records are both in the order of entries, so they are read side
//! by side, once. The ledger was verified before.
//!
//! Not here: members that come about by what happened later (what a decision
//! came to, the review of an override). Those follow from the entries too, but
//! only the rules of the service say how.

mod rule;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use ::ledger::StoredEntry;
use ::ledger::line::{self, Line};
use types::{Json, Object};

use super::about::{About, EXPORT};
use super::fault::{Fault, PackageError, Reason};
use super::{LEDGER, RECORDS};
pub(crate) use rule::kinds_of;
use rule::{RULES, Rule};

/// What every record names: the entry that made it.
const ENTRY: &str = "ledger_entry_id";

/// Checks the records of every kind, and says how many there are. `names` are the
/// files of the package.
pub(super) fn check<'a>(
    dir: &Path,
    about: &About,
    names: impl Iterator<Item = &'a str>,
) -> Result<BTreeMap<String, u64>, PackageError> {
    let kinds = kinds_of(&about.scope).ok_or_else(malformed)?;
    let mut files =
        kinds.iter().map(|kind| Records::open(dir, kind)).collect::<Result<Vec<Records>, _>>()?;
    let mut names = names.filter(|name| name.starts_with(&format!("{RECORDS}/")));
    if let Some(name) = names.find(|name| files.iter().all(|records| records.name != *name)) {
        return Err(Fault::of(name, Reason::ExportMalformed).into());
    }
    let mut entries = Lines::open(dir.join(LEDGER).join("entries.jsonl"))?;
    for id in 0..about.ledger_size {
        let Some(line) = entries.next()? else { break };
        // A line has been checked with the ledger; it is parsed again only
        // where a record is of it or should be.
        let entry = Line::parse(line).map(|line| line.entry);
        let entry = entry.ok_or_else(|| Fault::of(LEDGER, Reason::RecordUnfounded).at(id))?;
        for records in &mut files {
            records.of_entry(&entry, about)?;
        }
    }
    files.iter().try_for_each(Records::is_over)?;
    let counts: BTreeMap<String, u64> =
        files.into_iter().map(|records| (records.rule.kind.to_owned(), records.count)).collect();
    if counts == about.records { Ok(counts) } else { Err(malformed().into()) }
}

fn malformed() -> Fault {
    Fault::of(EXPORT, Reason::ExportMalformed)
}

fn name_of(kind: &str) -> String {
    format!("{RECORDS}/{kind}.ndjson")
}

/// The records of one kind, and the next of them.
struct Records {
    rule: &'static Rule,
    name: String,
    lines: Lines,
    next: Option<(u64, Object)>,
    count: u64,
}

impl Records {
    fn open(dir: &Path, kind: &str) -> Result<Self, PackageError> {
        let rule = RULES.iter().find(|rule| rule.kind == kind).ok_or_else(malformed)?;
        let name = name_of(kind);
        let path = dir.join(&name);
        if !path.is_file() {
            return Err(Fault::of(&name, Reason::FileMissing).into());
        }
        let mut records = Self { rule, name, lines: Lines::open(path)?, next: None, count: 0 };
        records.advance(0)?;
        Ok(records)
    }

    /// Reads the next record, which is of this entry or a later one.
    fn advance(&mut self, least: u64) -> Result<(), PackageError> {
        self.next = match self.lines.next()? {
            None => None,
            Some(line) => {
                let record: Option<Json> = serde_json::from_slice(line).ok();
                let malformed = Fault::of(&self.name, Reason::RecordMalformed).at(least);
                let Some(Json::Object(record)) = record else { return Err(malformed.into()) };
                let id = record.get(ENTRY).and_then(Json::as_u64).filter(|id| least <= *id);
                Some((id.ok_or(malformed)?, record))
            }
        };
        Ok(())
    }

    /// Checks the record that is of this entry, or that there is none.
    fn of_entry(&mut self, entry: &StoredEntry, about: &About) -> Result<(), PackageError> {
        let id = entry.header.id.0;
        let next = self.next.take_if(|(of, _)| *of == id);
        // What an entry says is read where it matters alone.
        let may_be = next.is_some() || self.rule.is_of(entry.header.entry_type);
        let is_covered = may_be && about.covers(entry.header.timestamp);
        let told = if is_covered { self.rule.told(entry) } else { None };
        let fault = |reason| Fault::of(&self.name, reason).at(id);
        match (next, told) {
            (None, None) => Ok(()),
            (Some((_, record)), Some(told)) => {
                self.rule.judge(&record, entry, &told).map_err(fault)?;
                self.count += 1;
                self.advance(id + 1)
            }
            (Some(_), None) => Err(fault(Reason::RecordUnfounded).into()),
            (None, Some(_)) => Err(fault(Reason::RecordMissing).into()),
        }
    }

    /// A record that is left is of an entry that there is not.
    fn is_over(&self) -> Result<(), PackageError> {
        match &self.next {
            None => Ok(()),
            Some((id, _)) => Err(Fault::of(&self.name, Reason::RecordUnfounded).at(*id).into()),
        }
    }
}

/// Lines of a file, each with its end, none longer than an entry may be.
struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    line: Vec<u8>,
}

impl Lines {
    fn open(path: PathBuf) -> Result<Self, PackageError> {
        let file = File::open(&path).map_err(PackageError::io(&path))?;
        Ok(Self { path, reader: BufReader::new(file), line: Vec::new() })
    }

    fn next(&mut self) -> Result<Option<&[u8]>, PackageError> {
        self.line.clear();
        let mut bounded = self.reader.by_ref().take(line::BYTES_MAX as u64);
        let read = bounded.read_until(b'\n', &mut self.line);
        let read = read.map_err(PackageError::io(&self.path))?;
        Ok((read != 0).then_some(self.line.as_slice()))
    }
}
