//! Pages of escalations: what is on them, and what they cost.

use std::cell::Cell;

use governance::{Corruption, MemStore, Read, Row, Scan, Table};

use super::*;

/// Counts what is read.
struct Counted<'a>(&'a MemStore, Cell<usize>);

impl Read for Counted<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Corruption> {
        self.1.set(self.1.get() + 1);
        self.0.get(table, key)
    }

    fn scan(&self, scan: Scan<'_>) -> Result<Vec<Row>, Corruption> {
        let rows = self.0.scan(scan)?;
        self.1.set(self.1.get() + rows.len());
        Ok(rows)
    }

    fn visit(&self, scan: Scan<'_>, see: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), Corruption> {
        self.0.visit(scan, see)
    }
}

/// A machine with so many escalations, and the time of the last.
fn many(count: u64) -> (Machine, u64) {
    let mut machine = ready();
    for at in 11..=10 + count {
        decided(&mut machine, at, Some(90));
    }
    (machine, 10 + count)
}

fn rows_read(machine: &Machine, query: EscalationQuery) -> usize {
    let read = Counted(&machine.store, Cell::new(0));
    let page = view::escalations(&read, &query).unwrap();
    assert!(page.escalations.len() <= query.limit);
    read.1.get()
}

#[test]
fn lists_are_pages_of_what_matches_in_both_orders() {
    let mut machine = ready();
    let (decision, _) = decided(&mut machine, 10, None);
    let (other, _) = decided(&mut machine, 11, None);
    let mut ids = Vec::new();
    for n in 0..7 {
        let of = if n % 2 == 0 { decision } else { other };
        let priority = Priority::ALL[n % 4];
        let at = 20 + u64::try_from(n).unwrap();
        ids.push(created(&mut machine, at, create(of, Trigger::ActorRequest, Some(priority))));
    }
    run_as(&mut machine, LEAD, 40, resolve(ids[1], Resolution::Denied));
    assert_eq!(listed(&machine, all(50)), (ids.clone(), 7));

    let mut walked = Vec::new();
    let mut query = EscalationQuery { limit: 3, direction: Direction::Descending, ..all(50) };
    loop {
        let page = view::escalations(&machine.store, &query).unwrap();
        walked.extend(page.escalations.iter().map(|it| it.id));
        assert_eq!(page.total, 7);
        let Some(next) = page.next else { break };
        query.after = Some(next);
    }
    walked.reverse();
    assert_eq!(walked, ids);

    let of = EscalationQuery { decision: Some(other), ..all(50) };
    assert_eq!(listed(&machine, of), (vec![ids[1], ids[3], ids[5]], 3));
    let pending = EscalationQuery { status: Some(EscalationStatus::Pending), ..all(50) };
    assert_eq!(listed(&machine, pending).1, 6);
    let low = EscalationQuery { priority: Some(Priority::Low), ..pending };
    assert_eq!(listed(&machine, low), (vec![ids[0], ids[4]], 2));
}

#[test]
fn a_page_reads_as_many_rows_as_it_returns_however_many_there_are() {
    let rows_at = |count| {
        let (machine, at) = many(count);
        rows_read(&machine, EscalationQuery { limit: 5, ..all(at) })
    };
    assert_eq!(rows_at(20), rows_at(400));
}

#[test]
fn what_is_over_is_looked_up_by_halving_however_much_that_is() {
    let (machine, at) = many(400);
    // The first of them expires two hours after it came.
    for over in [0, 1, 7, 200, 399, 400] {
        let now = 10 + over + 2 * HOUR;
        let of = |status| EscalationQuery { status: Some(status), limit: 5, ..all(now) };
        let total = |status| view::escalations(&machine.store, &of(status)).unwrap().total;
        assert_eq!(total(EscalationStatus::Expired), over, "{over}");
        assert_eq!(total(EscalationStatus::Pending), 400 - over, "{over}");
        assert_eq!(total(EscalationStatus::Acknowledged), 0);
        for status in [EscalationStatus::Expired, EscalationStatus::Pending] {
            let page = view::escalations(&machine.store, &of(status)).unwrap();
            assert!(page.escalations.iter().all(|it| it.status == status), "{over}");
            assert!(rows_read(&machine, of(status)) < 100, "{over} {status:?}");
        }
        let violations = view::violations(&machine.store, None, 5, Timestamp(now)).unwrap();
        assert_eq!(violations.count, over);
        assert_eq!(violations.violations.len() as u64, over.min(5));
    }
    assert_eq!(listed(&machine, EscalationQuery { limit: 1_000, ..all(at) }).1, 400);
}

#[test]
fn pages_of_what_is_over_go_through_all_of_it_and_end() {
    let (mut machine, _) = many(9);
    let now = 10 + 6 + 2 * HOUR;
    for id in listed(&machine, all(20)).0.into_iter().skip(2).take(2) {
        recorded(&mut machine, 30, acknowledge(id));
    }
    let mut seen = Vec::new();
    let status = Some(EscalationStatus::Expired);
    let mut query = EscalationQuery { status, limit: 2, ..all(now) };
    loop {
        let page = view::escalations(&machine.store, &query).unwrap();
        assert_eq!(page.total, 6);
        seen.extend(page.escalations.iter().map(|it| it.id));
        query.after = page.next;
        if page.next.is_none() {
            break;
        }
    }
    assert_eq!(seen, listed(&machine, all(20)).0[..6]);
    let (mut after, mut violated) = (None, Vec::new());
    loop {
        let page = view::violations(&machine.store, after, 4, Timestamp(now)).unwrap();
        violated.extend(page.violations.iter().map(|it| it.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(violated, seen);
}

#[test]
fn what_was_answered_in_time_violates_nothing() {
    let (mut machine, at) = many(2);
    let ids = listed(&machine, all(at)).0;
    recorded(&mut machine, at, resolve(ids[0], Resolution::Deferred));
    let late = Timestamp(at + 3 * HOUR);
    let found = view::violations(&machine.store, None, 9, late).unwrap();
    assert_eq!((found.count, found.violations[0].id), (1, ids[1]));
}
