//! Decisions by actor, action and outcome: pages, orders, counts.

use crate::support::{Machine, decide, load, policy};
use governance::command::{Command, EntryRange, Erase, ErasedPart, ErasureCause};
use governance::view::{DecisionPage, DecisionQuery, decisions};
use governance::{Direction, Outcome};
use policy::Verdict;
use types::{EntryId, Timestamp};

/// Genesis, a policy (1), then at 200, 300, ... decisions: `a` read (2, allowed),
/// `b` read (3), `a` write (4), `a` read (5, allowed), `b` write (6).
fn machine() -> Machine {
    let mut machine = Machine::founded();
    machine.run(100, load(policy()));
    let asked = [("ai:a", "read"), ("b", "read"), ("ai:a", "write"), ("ai:a", "read")];
    for ((actor, action), at) in asked.into_iter().chain([("b", "write")]).zip(2..) {
        assert!(matches!(machine.run(at * 100, decide(actor, action)), Outcome::Decided(_)));
    }
    machine
}

fn all() -> DecisionQuery {
    DecisionQuery {
        after: None,
        actor: None,
        action: None,
        outcome: None,
        from: None,
        to: None,
        direction: Direction::Ascending,
        limit: 100,
        bytes_max: usize::MAX,
    }
}

fn by(actor: &str, action: &str, outcome: Option<Verdict>) -> DecisionQuery {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    DecisionQuery { actor: text(actor), action: text(action), outcome, ..all() }
}

fn ids(page: &DecisionPage) -> Vec<u64> {
    page.entries.iter().map(|entry| entry.header.id.0).collect()
}

#[track_caller]
fn check(machine: &Machine, query: &DecisionQuery, expect: &[u64]) {
    let page = decisions(&machine.store, query).unwrap();
    assert_eq!(ids(&page), expect);
    assert_eq!((page.total, page.total_exact, page.next), (expect.len() as u64, true, None));
    let backwards = DecisionQuery { direction: Direction::Descending, ..query.clone() };
    let expect: Vec<u64> = expect.iter().rev().copied().collect();
    assert_eq!(ids(&decisions(&machine.store, &backwards).unwrap()), expect);
}

#[test]
fn decisions_are_found_by_whatever_is_asked() {
    let machine = machine();
    let (allowed, denied) = (Some(Verdict::Allowed), Some(Verdict::Denied));
    check(&machine, &all(), &[2, 3, 4, 5, 6]);
    check(&machine, &by("ai:a", "", None), &[2, 4, 5]);
    check(&machine, &by("", "write", None), &[4, 6]);
    check(&machine, &by("", "", allowed), &[2, 5]);
    check(&machine, &by("", "", Some(Verdict::Escalated)), &[]);
    check(&machine, &by("ai:a", "read", None), &[2, 5]);
    check(&machine, &by("b", "", denied), &[3, 6]);
    check(&machine, &by("", "read", denied), &[3]);
    check(&machine, &by("ai:a", "write", denied), &[4]);
    check(&machine, &by("b", "read", allowed), &[]);
    // An actor whose name another one begins with.
    check(&machine, &by("ai:", "", None), &[]);
    check(&machine, &by("ai:a", "rea", None), &[]);
}

#[test]
fn a_span_of_time_has_its_beginning_and_not_its_end() {
    let machine = machine();
    let span = |query: DecisionQuery, from, to| DecisionQuery {
        from: Some(Timestamp(from)),
        to: Some(Timestamp(to)),
        ..query
    };
    check(&machine, &span(all(), 300, 500), &[3, 4]);
    check(&machine, &span(by("ai:a", "", None), 300, 501), &[4, 5]);
    check(&machine, &span(by("ai:a", "read", None), 201, 9_999), &[5]);
    check(&machine, &span(all(), 500, 300), &[]);
}

#[test]
fn pages_follow_on_one_another_in_either_order() {
    let machine = machine();
    for query in [all(), by("ai:a", "", None), by("ai:a", "read", None)] {
        let whole = ids(&decisions(&machine.store, &query).unwrap());
        for direction in [Direction::Ascending, Direction::Descending] {
            for limit in 1..4 {
                let mut page = DecisionQuery { direction, limit, ..query.clone() };
                let mut found = Vec::new();
                loop {
                    let read = decisions(&machine.store, &page).unwrap();
                    assert_eq!(read.total, whole.len() as u64);
                    assert!(read.entries.len() <= limit);
                    found.extend(ids(&read));
                    page.after = read.next;
                    if read.next.is_none() {
                        break;
                    }
                }
                found.sort_unstable();
                assert_eq!(found, whole, "{direction:?} {limit}");
            }
        }
    }
}

#[test]
fn a_page_ends_where_it_grows_too_large() {
    let machine = machine();
    let page = decisions(&machine.store, &DecisionQuery { bytes_max: 1, ..all() }).unwrap();
    assert_eq!((ids(&page), page.next, page.total), (vec![2], Some(EntryId(2)), 5));
}

#[test]
fn a_decision_that_is_erased_as_a_whole_is_listed_no_more() {
    let mut machine = machine();
    for (part, id) in [(ErasedPart::Personal, 4), (ErasedPart::All, 5)] {
        let ranges = vec![EntryRange { from: EntryId(id), to: EntryId(id) }];
        let erase = Command::Erase(Erase { part, ranges, cause: ErasureCause::Request });
        assert!(matches!(machine.run(900, erase), Outcome::Erased(_)));
    }
    check(&machine, &all(), &[2, 3, 4, 6]);
    check(&machine, &by("ai:a", "", None), &[2, 4]);
    check(&machine, &by("", "read", Some(Verdict::Allowed)), &[2]);
}
