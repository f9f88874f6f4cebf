//! Reading ahead, for whoever asks for keys more or less in their order.
//!
//! Most decisions have no risk, no override, no evidence, and each of these
//! questions is a seek. One seek that reads on also answers the questions after
//! it: a table with nothing more is read once.

use std::cell::RefCell;

use super::{Direction, Read, Row, Scan, Table};
use crate::outcome::Corruption;

/// Rows of a table that are read together.
const ROWS: usize = 256;

/// In which order keys of a table are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked {
    /// In their own.
    InOrder,
    /// By the time in the ULID that they begin with: those of one millisecond in any
    /// order.
    ByTime,
    /// In any: what [`Ahead::hold`] was told to is held.
    Held,
}

impl Asked {
    /// Where to begin to read ahead for a key.
    fn beginning(self, key: &[u8]) -> Option<&[u8]> {
        /// Of a ULID: <https://github.com/ulid/spec>, its first 48 bits.
        const TIME: usize = 6;
        match self {
            Self::InOrder => Some(key),
            Self::ByTime => Some(key.get(..TIME).unwrap_or(key)),
            Self::Held => None,
        }
    }
}

/// A state that does not change, of which some tables are read ahead. Fewer than
/// [`ROWS`] rows of each are held, or those of one range. What comes before them is
/// not read ahead any more, so that a question out of order costs what it would cost
/// without this.
#[derive(Debug)]
pub(crate) struct Ahead<'a, R> {
    read: &'a R,
    runs: Vec<(Table, Asked, RefCell<Run>)>,
}

/// What is known of a table: every row from a key on up to another.
#[derive(Debug)]
struct Run {
    from: Vec<u8>,
    /// Exclusive; `None` is the end of the table.
    to: Option<Vec<u8>>,
    rows: Vec<Row>,
}

impl Run {
    /// Before anything is read: no key is before the first.
    fn nothing() -> Self {
        Self { from: Vec::new(), to: Some(Vec::new()), rows: Vec::new() }
    }

    /// Whether every row of a range is known.
    fn covers(&self, from: &[u8], to: Option<&[u8]>) -> bool {
        let is_end = match (&self.to, to) {
            (None, _) => true,
            (Some(known), Some(to)) => to <= known.as_slice(),
            (Some(_), None) => false,
        };
        self.from.as_slice() <= from && is_end
    }

    fn range(&self, from: &[u8], to: Option<&[u8]>) -> &[Row] {
        let first = self.rows.partition_point(|(key, _)| key.as_slice() < from);
        let end = to.map_or(self.rows.len(), |to| {
            self.rows.partition_point(|(key, _)| key.as_slice() < to)
        });
        self.rows.get(first..end).unwrap_or_default()
    }
}

impl<'a, R: Read> Ahead<'a, R> {
    /// Reads these tables ahead, and others as they are asked for.
    pub(crate) fn new(read: &'a R, tables: &[(Table, Asked)]) -> Self {
        let run = || RefCell::new(Run::nothing());
        let runs = tables.iter().map(|(table, asked)| (*table, *asked, run()));
        Self { read, runs: runs.collect() }
    }

    /// The rows of a range, of which there may be none; `None` where the store is to
    /// be asked.
    fn known<T>(
        &self,
        (table, from, to): (Table, &[u8], Option<&[u8]>),
        take: impl FnOnce(&[Row]) -> T,
    ) -> Result<Option<T>, Corruption> {
        let run = self.runs.iter().find(|(known, ..)| *known == table);
        let Some((_, asked, run)) = run else { return Ok(None) };
        let mut run = run.borrow_mut();
        if !run.covers(from, to)
            && let Some(beginning) = asked.beginning(from)
            && run.from.as_slice() < beginning
        {
            *run = self.read_on(table, beginning)?;
        }
        Ok(run.covers(from, to).then(|| take(run.range(from, to))))
    }

    /// Holds the rows of a range of a table, and no others of it any more.
    ///
    /// # Errors
    /// [`Corruption`] when they cannot be read.
    pub(crate) fn hold(&self, table: Table, from: &[u8], to: &[u8]) -> Result<(), Corruption> {
        let Some((.., run)) = self.runs.iter().find(|(known, ..)| *known == table) else {
            return Ok(());
        };
        // Those of before are let go first.
        *run.borrow_mut() = Run::nothing();
        let (direction, rows_max) = (Direction::Ascending, usize::MAX);
        let rows = self.read.scan(Scan { table, from, to: Some(to), direction, rows_max })?;
        *run.borrow_mut() = Run { from: from.to_vec(), to: Some(to.to_vec()), rows };
        Ok(())
    }

    /// What is known after reading from a key on.
    fn read_on(&self, table: Table, from: &[u8]) -> Result<Run, Corruption> {
        let direction = Direction::Ascending;
        let mut rows = self.read.scan(Scan { table, from, to: None, direction, rows_max: ROWS })?;
        // Whether the last row is followed by another is not known: it is the end.
        let to = if rows.len() < ROWS { None } else { rows.pop().map(|(key, _)| key) };
        Ok(Run { from: from.to_vec(), to, rows })
    }
}

impl<R: Read> Read for Ahead<'_, R> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Corruption> {
        // Nothing is between a key and that key with a zero behind it.
        let end = [key, &[0]].concat();
        let first = |rows: &[Row]| rows.first().map(|(_, value)| value.clone());
        match self.known((table, key, Some(&end)), first)? {
            Some(found) => Ok(found),
            None => self.read.get(table, key),
        }
    }

    fn scan(&self, scan: Scan<'_>) -> Result<Vec<Row>, Corruption> {
        let Scan { table, from, to, direction, rows_max } = scan;
        let take = |rows: &[Row]| match direction {
            Direction::Ascending => rows.iter().take(rows_max).cloned().collect(),
            Direction::Descending => rows.iter().rev().take(rows_max).cloned().collect(),
        };
        match self.known((table, from, to), take)? {
            Some(rows) => Ok(rows),
            None => self.read.scan(scan),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::store::{MemStore, Store as _};

    const TABLE: Table = Table::RiskByDecision;

    /// Counts how often it is read.
    #[derive(Debug)]
    struct Counted<'a>(&'a MemStore, Cell<usize>);

    impl Read for Counted<'_> {
        fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Corruption> {
            self.1.set(self.1.get().saturating_add(1));
            self.0.get(table, key)
        }

        fn scan(&self, scan: Scan<'_>) -> Result<Vec<Row>, Corruption> {
            self.1.set(self.1.get().saturating_add(1));
            self.0.scan(scan)
        }
    }

    /// A key like that of a row under an id: its time, something random, a number.
    fn key(millisecond: u64, random: u64, number: u64) -> Vec<u8> {
        let time = millisecond.to_be_bytes();
        let random = random.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        [&time[2..], &random, &number.to_be_bytes()].concat()
    }

    fn filled(keys: impl Iterator<Item = Vec<u8>>) -> MemStore {
        let mut store = MemStore::default();
        store.put(Table::Risk, b"before", b"1");
        store.put(Table::RiskByScore, b"after", b"1");
        for (at, key) in (0_u64..).zip(keys) {
            store.put(TABLE, &key, &at.to_be_bytes());
        }
        store
    }

    #[test]
    fn whatever_is_asked_the_answer_is_that_of_the_store() {
        for (rows, of_millisecond) in [(0, 3), (1, 3), (254, 3), (255, 1), (256, 3), (999, 300)] {
            let at = |row: u64, number| key(row / of_millisecond, row, number);
            let store = filled((0..rows).map(|row| at(row, row % 2)));
            for asked in [Asked::InOrder, Asked::ByTime, Asked::Held] {
                let ahead = Ahead::new(&store, &[(TABLE, asked)]);
                if matches!(asked, Asked::Held) {
                    ahead.hold(TABLE, &at(rows / 3, 0), &at(rows / 2, 0)).unwrap();
                }
                let mut place = 7_u64;
                for step in 0..600 {
                    place = place.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    // More or less in order, and now and then from anywhere.
                    let near = (step * rows / 500).saturating_add(place >> 60);
                    let row = if step % 5 == 0 { (place >> 33) % (rows + 1) } else { near };
                    let from = at(row, 0);
                    let to = at(row + (place >> 50) % 8, 1);
                    for (from, to) in [
                        (&from[..], Some(&to[..])),
                        (&from[..], None),
                        (&to[..], Some(&from[..])),
                        (&from[..3], Some(&from[..7])),
                        (&[][..], Some(&from[..])),
                    ] {
                        same(&ahead, &store, from, to);
                    }
                }
            }
        }
    }

    #[track_caller]
    fn same(ahead: &Ahead<'_, MemStore>, store: &MemStore, from: &[u8], to: Option<&[u8]>) {
        for table in [TABLE, Table::Risk] {
            assert_eq!(ahead.get(table, from), store.get(table, from));
            for direction in [Direction::Ascending, Direction::Descending] {
                for rows_max in [1, 2, usize::MAX] {
                    let scan = Scan { table, from, to, direction, rows_max };
                    assert_eq!(ahead.scan(scan), store.scan(scan), "{scan:?}");
                }
            }
        }
    }

    /// Asks for the rows under an id, one of which there is for each of the first
    /// `rows`, and says how often the store was read.
    fn reads(rows: u64, of_millisecond: u64, order: impl Iterator<Item = u64>) -> usize {
        let time = |row: u64| row.checked_div(of_millisecond).unwrap_or_default();
        let at = |row, number| key(time(row), row, number);
        let store = filled((0..rows).map(|row| at(row, 0)));
        let counted = Counted(&store, Cell::new(0));
        let ahead = Ahead::new(&counted, &[(TABLE, Asked::ByTime)]);
        for row in order {
            let (from, to) = (at(row, 0), at(row, u64::MAX));
            let (table, direction) = (TABLE, Direction::Ascending);
            let (from, to, rows_max) = (&from[..], Some(&to[..]), usize::MAX);
            let found = ahead.scan(Scan { table, from, to, direction, rows_max }).unwrap();
            assert_eq!(found.len(), usize::from(row < rows), "{row}");
        }
        counted.1.get()
    }

    #[test]
    fn what_is_held_is_read_once_and_the_rest_as_it_is_asked_for() {
        let store = filled((0..1_000).map(|row| key(row, 0, 0)));
        let counted = Counted(&store, Cell::new(0));
        let ahead = Ahead::new(&counted, &[(TABLE, Asked::Held)]);
        ahead.hold(TABLE, &key(300, 0, 0), &key(700, 0, 0)).unwrap();
        assert_eq!(counted.1.get(), 1);
        for (row, more) in [(300, 0), (699, 0), (500, 0), (299, 1), (700, 2), (301, 2), (1_000, 3)]
        {
            let key = key(row, 0, 0);
            assert_eq!(ahead.get(TABLE, &key), store.get(TABLE, &key), "{row}");
            assert_eq!(counted.1.get(), 1 + more, "{row}");
        }
    }

    #[test]
    fn an_empty_table_is_read_once_and_a_full_one_rarely() {
        // Milliseconds in order, and what is of one in any.
        let order = || (0..1_000_u64).map(|row| row ^ 5);
        assert_eq!(reads(0, 8, order()), 1);
        assert_eq!(reads(255, 8, order()), 1);
        assert!(reads(1_000, 8, order()) <= 6);
    }

    #[test]
    fn what_is_out_of_order_costs_no_more_than_without_reading_ahead() {
        let back = (0..1_000_u64).flat_map(|row| [row, row / 2]);
        assert!(reads(1_000, 8, back) <= 1_000 + 6);
        // More rows in one millisecond than are held.
        assert!(reads(1_000, 1_000, 0..1_000) <= 1_000 + 6);
    }
}
