//! Whether records are what they say: projections of entries of the ledger that
//! lies beside them, every one of an entry that is there, and none left out.
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
use rule::{RULES, Rule};

/// What every record names: the entry that made it.
const ENTRY: &str = "ledger_entry_id";

/// Checks the records of every kind, and says how many there are.
pub(super) fn check(dir: &Path, about: &About) -> Result<BTreeMap<String, u64>, PackageError> {
    let mut files = about
        .records
        .keys()
        .map(|kind| Records::open(dir, kind))
        .collect::<Result<Vec<Records>, _>>()?;
    let missing = RULES.iter().find(|rule| !about.records.contains_key(rule.kind));
    if let Some(rule) = missing.filter(|_| about.scope == "all") {
        return Err(Fault::of(&name_of(rule.kind), Reason::FileMissing).into());
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
    if counts == about.records {
        Ok(counts)
    } else {
        Err(Fault::of(EXPORT, Reason::ExportMalformed).into())
    }
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
        let unknown = || Fault::of(EXPORT, Reason::ExportMalformed);
        let rule = RULES.iter().find(|rule| rule.kind == kind).ok_or_else(unknown)?;
        let name = name_of(kind);
        let path = dir.join(&name);
        if !path.is_file() {
            return Err(Fault::of(&name, Reason::FileMissing).into());
        }
        let mut records = Self { rule, name, lines: Lines::open(path)?, next: None, count: 0 };
        records.advance(0)?;
        Ok(records)
    }

    /// Reads the next record, which is of no earlier entry than the last.
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

    /// Checks the records that are of this entry.
    fn of_entry(&mut self, entry: &StoredEntry, about: &About) -> Result<(), PackageError> {
        let id = entry.header.id.0;
        let fault = |name: &str, reason| Fault::of(name, reason).at(id);
        let mut is_there = false;
        while let Some((_, record)) = self.next.take_if(|(of, _)| *of == id) {
            if !about.covers(entry.header.timestamp) {
                return Err(fault(&self.name, Reason::RecordUnfounded).into());
            }
            self.rule.judge(&record, entry).map_err(|reason| fault(&self.name, reason))?;
            is_there = true;
            self.count += 1;
            self.advance(id)?;
        }
        let is_due = entry.header.entry_type == self.rule.of
            && entry.data.is_some()
            && about.covers(entry.header.timestamp);
        if is_due && !is_there {
            return Err(fault(&self.name, Reason::RecordMissing).into());
        }
        Ok(())
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
