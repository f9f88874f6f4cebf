//! Writes that are not committed yet, over the state below them.
//!
//! Reads merge the two: a pending write hides the row it replaces, a pending
//! deletion hides the row it removes.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::iter::Peekable;
use std::ops::Bound;
use std::sync::Arc;

use governance::{Corruption, Direction, Read, Row, Scan, Store, Table};

use super::db::{Db, Reading, Rows};

/// Pending rows by table and key; `None` is a deletion.
pub(crate) type Writes = BTreeMap<Table, BTreeMap<Vec<u8>, Option<Vec<u8>>>>;

/// The writes of one Raft entry. Nothing of it is visible outside until
/// [`State::commit`](super::State::commit); dropped, it never was.
pub struct Batch {
    db: Arc<Db>,
    writes: Writes,
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: usize = self.writes.values().map(BTreeMap::len).sum();
        f.debug_struct("Batch").field("rows", &rows).finish_non_exhaustive()
    }
}

impl Batch {
    pub(crate) fn new(db: Arc<Db>) -> Self {
        Self { db, writes: Writes::new() }
    }

    pub(crate) fn db(&self) -> &Arc<Db> {
        &self.db
    }

    pub(crate) fn writes(&self) -> &Writes {
        &self.writes
    }

    fn pending(&self, scan: Scan<'_>) -> Pending<'_> {
        let to = scan.to.map_or(Bound::Unbounded, |to| Bound::Excluded(to.max(scan.from)));
        let table = self.writes.get(&scan.table);
        let range = table.map(|rows| rows.range::<[u8], _>((Bound::Included(scan.from), to)));
        let range = range.into_iter().flatten();
        match scan.direction {
            Direction::Ascending => (Box::new(range) as Box<dyn Iterator<Item = _>>).peekable(),
            Direction::Descending => {
                (Box::new(range.rev()) as Box<dyn Iterator<Item = _>>).peekable()
            }
        }
    }
}

type Pending<'a> = Peekable<Box<dyn Iterator<Item = (&'a Vec<u8>, &'a Option<Vec<u8>>)> + 'a>>;

impl Read for Batch {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Corruption> {
        match self.writes.get(&table).and_then(|rows| rows.get(key)) {
            Some(pending) => Ok(pending.clone()),
            None => self.db.get(Reading::NOW, table, key),
        }
    }

    fn scan(&self, scan: Scan<'_>) -> Result<Vec<Row>, Corruption> {
        if !self.writes.contains_key(&scan.table) {
            return self.db.scan(Reading::NOW, scan);
        }
        let mut pending = self.pending(scan);
        let mut below = self.db.rows(Reading::NOW, scan)?;
        let mut found = Vec::new();
        while found.len() < scan.rows_max {
            match next(&mut pending, &mut below, scan.direction)? {
                Next::Row(row) => found.push(row),
                Next::Deleted => {}
                Next::End => break,
            }
        }
        Ok(found)
    }
}

impl Store for Batch {
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) {
        self.writes.entry(table).or_default().insert(key.to_vec(), Some(value.to_vec()));
    }

    fn delete(&mut self, table: Table, key: &[u8]) {
        self.writes.entry(table).or_default().insert(key.to_vec(), None);
    }
}

enum Next {
    Row(Row),
    Deleted,
    End,
}

/// One step of the merge: whichever key comes first, the pending one if both
/// have it.
fn next(
    pending: &mut Pending<'_>,
    below: &mut Rows<'_>,
    direction: Direction,
) -> Result<Next, Corruption> {
    let order = match (pending.peek(), below.stored()?) {
        (None, None) => return Ok(Next::End),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (Some((key, _)), Some((stored, _))) => match direction {
            Direction::Ascending => key.as_slice().cmp(stored),
            Direction::Descending => stored.cmp(key.as_slice()),
        },
    };
    if order == Ordering::Greater
        && let Some((key, value)) = below.item()?
    {
        let row = (key.to_vec(), value.to_vec());
        below.advance();
        return Ok(Next::Row(row));
    }
    if order == Ordering::Equal {
        below.advance();
    }
    Ok(match pending.next() {
        Some((key, Some(value))) => Next::Row((key.clone(), value.clone())),
        Some((_, None)) => Next::Deleted,
        None => Next::End,
    })
}
