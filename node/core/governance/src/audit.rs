//! Whether a whole state's ledger holds: every entry against the chain, every
//! part against its commitment, the tree over all of them against the head.
//!
//! For a state that came from elsewhere, or lay on a disk for long. It reads by
//! ranges and keeps a few entries at a time, so a ledger of any length is
//! checked in bounded memory. With the entries their tiles are compared, and then
//! the last final checkpoint, signatures and all.
//!
//! Reading order: this file, `tiles.rs`, `sealed.rs`.

mod sealed;
mod tiles;

use std::iter::Peekable;
use std::ops::Range;
use std::vec;

use ledger::{Checker, Header, Part, StoredEntry};
use types::{Digest, EntryId};

use crate::outcome::Corruption;
use crate::store::{Direction, Read, Row, Scan, Table};
use crate::{codec, keys, tables, view};
use tiles::TileCheck;

/// Entries that are read at once. Most are a few hundred bytes, but one may be
/// as large as the largest command.
const ENTRIES_AT_ONCE: u64 = 32;

/// The first thing about a ledger that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// An entry, and why.
    #[error(transparent)]
    Entry(#[from] ledger::Fault),
    /// The entries hold, and are not those the head speaks of.
    #[error("the {what} over entries up to {size} is `{found}`, and the head says `{said}`")]
    Head {
        /// `root` or `hash`.
        what: &'static str,
        /// How many entries the head counts.
        size: u64,
        /// What follows from the entries.
        found: Digest,
        /// What the head says.
        said: Digest,
    },
    /// There is something past the last entry.
    #[error("a row of `{table}` lies past the last entry, {size}")]
    Beyond {
        /// The table.
        table: &'static str,
        /// How many entries the head counts.
        size: u64,
    },
    /// The last final checkpoint is not of this ledger.
    #[error("the checkpoint of {size} entries {what}")]
    Checkpoint {
        /// Its size.
        size: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The bytes of a row mean nothing.
    #[error(transparent)]
    Unreadable(#[from] Corruption),
}

/// Checks the ledger in a state, from genesis to the head.
///
/// # Errors
/// The first [`AuditError`].
pub fn check(read: &impl Read) -> Result<(), AuditError> {
    let head = view::head(read)?;
    let mut checker = Checker::from_genesis();
    let mut tiles = TileCheck::default();
    while checker.next_id().0 < head.size() {
        let from = checker.next_id().0;
        let to = from.saturating_add(ENTRIES_AT_ONCE).min(head.size());
        check_range(read, &mut checker, &mut tiles, from..to)?;
    }
    checker.finish()?;
    tiles.finish(read)?;
    let hash = checker.last().map_or(Digest::ZERO, |(hash, _)| hash);
    expect("hash", head.size(), hash, head.hash)?;
    // A check from genesis always tells the root.
    let root = checker.root().unwrap_or(Digest::ZERO);
    expect("root", head.size(), root, head.root())?;
    [Table::Header, Table::Data, Table::Personal]
        .into_iter()
        .try_for_each(|table| nothing_beyond(read, table, head.size()))?;
    sealed::check(read)
}

fn expect(what: &'static str, size: u64, found: Digest, said: Digest) -> Result<(), AuditError> {
    if found == said {
        return Ok(());
    }
    Err(AuditError::Head { what, size, found, said })
}

fn check_range(
    read: &impl Read,
    checker: &mut Checker,
    tiles: &mut TileCheck,
    ids: Range<u64>,
) -> Result<(), AuditError> {
    let (from, to) = (ids.start, ids.end);
    let mut headers = Rows::of(read, Table::Header, from, to)?;
    let mut data = Rows::of(read, Table::Data, from, to)?;
    let mut personal = Rows::of(read, Table::Personal, from, to)?;
    for id in from..to {
        let id = EntryId(id);
        let missing = ledger::Fault { id, reason: ledger::FaultReason::Missing };
        let bytes = headers.take(id)?.ok_or(missing)?;
        let text = codec::strip("header", &bytes)?;
        let header = Header::parse(text).map_err(|_| missing)?;
        // A header that was read is text.
        let header_text = String::from_utf8(text.to_vec()).map_err(|_| missing)?;
        let data = part("data", id, data.take(id)?)?;
        let personal = part("personal", id, personal.take(id)?)?;
        let entry = StoredEntry { header, header_text, data, personal };
        checker.check(&entry)?;
        tiles.push(read, entry.hash())?;
    }
    Ok([headers, data, personal].iter_mut().try_for_each(Rows::end)?)
}

fn part(
    name: &'static str,
    id: EntryId,
    bytes: Option<Vec<u8>>,
) -> Result<Option<Part>, Corruption> {
    let Some(bytes) = bytes else { return Ok(None) };
    let damaged = || Corruption::new(name, format!("entry {id} is no salted text"));
    let (salt, text) = codec::strip(name, &bytes)?.split_first_chunk::<32>().ok_or_else(damaged)?;
    let text = String::from_utf8(text.to_vec()).map_err(|_| damaged())?;
    Ok(Some(Part { salt: *salt, text }))
}

/// Rows of a range of entries, to be taken in order; some may be erased.
struct Rows {
    table: Table,
    rows: Peekable<vec::IntoIter<Row>>,
}

impl Rows {
    fn of(read: &impl Read, table: Table, from: u64, to: u64) -> Result<Self, Corruption> {
        let (from, to) = (keys::entry(EntryId(from)), keys::entry(EntryId(to)));
        let rows = read.scan(Scan {
            table,
            from: &from,
            to: Some(&to),
            direction: Direction::Ascending,
            rows_max: usize::MAX,
        })?;
        Ok(Self { table, rows: rows.into_iter().peekable() })
    }

    /// The row of the next entry, if it has one.
    fn take(&mut self, id: EntryId) -> Result<Option<Vec<u8>>, Corruption> {
        let key = keys::entry(id);
        match self.rows.peek() {
            Some((found, _)) if found.as_slice() < key.as_slice() => Err(self.stray()),
            Some(_) | None => {
                let row = self.rows.next_if(|(found, _)| found.as_slice() == key.as_slice());
                Ok(row.map(|(_, value)| value))
            }
        }
    }

    fn end(&mut self) -> Result<(), Corruption> {
        if self.rows.peek().is_none() { Ok(()) } else { Err(self.stray()) }
    }

    fn stray(&self) -> Corruption {
        Corruption::new(tables::name(self.table), "a key is no entry's")
    }
}

fn nothing_beyond(read: &impl Read, table: Table, size: u64) -> Result<(), AuditError> {
    let from = keys::entry(EntryId(size));
    let scan = Scan { table, from: &from, to: None, direction: Direction::Ascending, rows_max: 1 };
    if read.scan(scan)?.is_empty() {
        return Ok(());
    }
    Err(AuditError::Beyond { table: tables::name(table), size })
}
