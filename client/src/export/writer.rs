//! The files of an export, and the check of all that goes into them.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use ::ledger::directory::Directory;
use ::ledger::keys::{Keys, Listing};
use ::ledger::{Checker, Checkpoint, Note, StoredEntry, canonical, line};
use types::{Json, Object};

use super::tiles::Tiles;
use super::{Error, Written};

/// An export that has come so far.
#[derive(Debug)]
pub struct Writer {
    dir: PathBuf,
    path: PathBuf,
    entries: BufWriter<File>,
    tiles: Tiles,
    checker: Checker,
    directory: Directory,
    /// The last run of erasure that something read has gone by.
    last_run: Option<u64>,
    bytes: u64,
}

impl Writer {
    /// Begins an export in an empty directory.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn new(dir: &Path) -> Result<Self, Error> {
        let path = dir.join("entries.jsonl");
        let entries = File::create_new(&path).map_err(Error::write(&path))?;
        Ok(Self {
            dir: dir.to_owned(),
            path,
            entries: BufWriter::new(entries),
            tiles: Tiles::new(dir),
            checker: Checker::from_genesis(),
            directory: Directory::default(),
            last_run: None,
            bytes: 0,
        })
    }

    /// Entries that were written.
    pub fn size(&self) -> u64 {
        self.checker.next_id().0
    }

    /// Bytes of entries that were written.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The last run of erasure that something written has gone by.
    pub fn last_run(&self) -> Option<u64> {
        self.last_run
    }

    /// Checks the next entries, each with the run that erased something of it,
    /// and writes them.
    ///
    /// # Errors
    /// Where they do not follow, or cannot be written.
    pub fn append(mut self, entries: &[(StoredEntry, Option<u64>)]) -> Result<Self, Error> {
        for (entry, erased_by) in entries {
            self.checker.check(entry)?;
            is_canonical(entry)
                .ok_or_else(|| Error::Malformed { what: format!("entry {}", entry.header.id) })?;
            self.directory.apply(entry)?;
            let line = line::write(entry);
            self.bytes += line.len() as u64;
            self.entries.write_all(line.as_bytes()).map_err(Error::write(&self.path))?;
            self.tiles.append(entry)?;
            self.last_run = self.last_run.max(*erased_by);
        }
        Ok(self)
    }

    /// Checks the whole against the checkpoint and writes what is left.
    ///
    /// # Errors
    /// Where the whole does not hold, or cannot be written.
    pub fn finish(
        mut self,
        note: &Note,
        checkpoint: &Checkpoint,
        keys: &Json,
    ) -> Result<Written, Error> {
        self.checker.finish()?;
        if self.checker.root() != Some(checkpoint.root) {
            return Err(Error::RootMismatch { size: checkpoint.size });
        }
        if self.directory.origin() != Some(&checkpoint.origin) {
            return Err(Error::Malformed { what: "the checkpoint".to_owned() });
        }
        self.directory.finality(note, checkpoint)?;
        let keys = as_of(keys, self.directory.keys()).ok_or(Error::KeysMismatch)?;
        let listing = Listing::parse(&keys).ok_or(Error::KeysMismatch)?;
        if !listing.agrees(self.directory.keys(), &checkpoint.origin) {
            return Err(Error::KeysMismatch);
        }
        self.tiles.finish()?;
        let flushed = self.entries.flush().and_then(|()| self.entries.get_ref().sync_all());
        flushed.map_err(Error::write(&self.path))?;
        self.put("checkpoint", &note.to_string())?;
        self.put("keys.json", &keys)?;
        Ok(Written {
            origin: checkpoint.origin.clone(),
            size: checkpoint.size,
            root_hash: checkpoint.root.to_string(),
            entries_erased: self.checker.erased(),
        })
    }

    fn put(&self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.dir.join(name);
        let written = fs::write(&path, text).and_then(|()| File::open(&path)?.sync_all());
        written.map_err(Error::write(&path))
    }
}

/// Whether the parts of an entry are such as every reader of a line takes.
fn is_canonical(entry: &StoredEntry) -> Option<()> {
    if let Some(data) = &entry.data {
        canonical::scan(&data.text).filter(|scan| scan.is_object)?;
    }
    if let Some(personal) = &entry.personal {
        canonical::scan(&personal.text)?;
    }
    Some(())
}

/// `GET /keys` as it was when the ledger knew these keys: those that came later
/// are left out, and ends that came later too.
fn as_of(list: &Json, known: &Keys) -> Option<String> {
    let rows = |name: &str| -> Option<Json> {
        let rows = list.as_object()?.get(name)?.as_array()?.iter();
        let rows = rows.filter_map(|row| {
            let row = row.as_object()?;
            let key = known.get(row.get("kid")?.as_str()?)?;
            let mut row: Object = row.clone();
            row.insert("status", key.status());
            row.insert("valid_until_index", key.until.map(|until| until.0));
            Some(Json::Object(row))
        });
        Some(Json::Array(rows.collect()))
    };
    let list = Json::object([("keys", rows("keys")?), ("rsa_keys", rows("rsa_keys")?)]);
    Some(format!("{}\n", list.to_canonical()))
}
