//! What another policy would have changed: counts and examples, which decisions
//! are looked at, and what is said where too much is erased.

use crate::support::{Machine, SECOND, decide, load, policy};
use governance::command::{Command, EntryRange, Erase, ErasedPart, ErasureCause};
use governance::impact::Example;
use governance::{Impact, ImpactQuery, Outcome, Store, Table, impact, view};
use policy::{Compiled, Document, Verdict};
use std::cell::Cell;
use types::{EntryId, Json, Timestamp};

fn compiled(document: &Json) -> Compiled {
    Compiled::new(&Document::parse(document).unwrap().0).unwrap()
}

/// A policy of these relations, and anyone may read.
fn candidate(mode: &str, relations: &str) -> Compiled {
    let text = format!(
        r#"{{"mode":"{mode}","terms":[{{"id":"action:read","type":"action"}},{{"id":"action:write","type":"action"}}],
            "relations":[{{"type":"permits","subject":"*","action":"action:read"}}{relations}]}}"#
    );
    compiled(&serde_json::from_str(&text).unwrap())
}

fn all() -> ImpactQuery {
    ImpactQuery { examples_max: 10, ..ImpactQuery::default() }
}

fn of(machine: &Machine, candidate: &Compiled, query: &ImpactQuery) -> Impact {
    impact(&machine.store, candidate, query, &|| true).unwrap()
}

/// Allowed to denied, denied to allowed, others, unchanged, unreplayable.
fn counts(impact: &Impact) -> [u64; 5] {
    assert_eq!(
        impact.decisions_replayed,
        impact.unchanged
            + impact.allowed_to_denied.count
            + impact.denied_to_allowed.count
            + impact.other_changes.count
    );
    [
        impact.allowed_to_denied.count,
        impact.denied_to_allowed.count,
        impact.other_changes.count,
        impact.unchanged,
        impact.unreplayable,
    ]
}

/// A policy (1) by which `ai:a` may read for triage; then `ai:a` reads (2) and
/// writes (3), and `ai:b` reads (4), a second apart.
fn machine() -> Machine {
    let mut machine = Machine::founded();
    machine.run(SECOND, load(policy()));
    machine.run(2 * SECOND, decide("ai:a", "read"));
    machine.run(3 * SECOND, decide("ai:a", "write"));
    machine.run(4 * SECOND, decide("ai:b", "read"));
    machine
}

fn erase(machine: &mut Machine, part: ErasedPart, id: u64) {
    let ranges = vec![EntryRange { from: EntryId(id), to: EntryId(id) }];
    let erase = Erase { part, ranges, cause: ErasureCause::Request };
    assert!(matches!(machine.run(9 * SECOND, Command::Erase(erase)), Outcome::Erased(_)));
}

#[test]
fn every_change_is_counted_on_its_side_with_examples() {
    let machine = machine();
    let wider = of(&machine, &candidate("strict", ""), &all());
    assert_eq!(counts(&wider), [0, 1, 0, 2, 0]);
    let Example { entry_id, actor, action, was, would_be, decision_id } =
        &wider.denied_to_allowed.examples[0];
    assert_eq!((*entry_id, actor.as_str(), action.as_str()), (EntryId(4), "ai:b", "read"));
    assert_eq!((*was, *would_be), (Verdict::Denied, Verdict::Allowed));
    assert_eq!(view::decision_entry(&machine.store, *decision_id).unwrap(), Some(EntryId(4)));
    let narrower = of(&machine, &candidate("paranoid", ""), &all());
    assert_eq!(counts(&narrower), [1, 0, 0, 2, 0]);
    assert_eq!(narrower.allowed_to_denied.examples[0].entry_id, EntryId(2));
    let asking =
        r#"],"constraints":[{"name":"c","condition":{"purpose":"triage"},"action":"escalate"}"#;
    let asking = of(&machine, &candidate("strict", asking), &all());
    assert_eq!(counts(&asking), [0, 0, 2, 1, 0]);
    assert_eq!((asking.from_entry, asking.to_entry), (Some(EntryId(2)), Some(EntryId(4))));
    assert!(asking.is_complete);
}

#[test]
fn the_policy_in_force_changes_nothing() {
    let machine = machine();
    let same = of(&machine, &compiled(&policy()), &all());
    assert_eq!(counts(&same), [0, 0, 0, 3, 0]);
    assert_eq!(same.candidate_hash, view::active_policy(&machine.store).unwrap().policy_hash);
}

#[test]
fn examples_are_as_many_as_asked_for() {
    let machine = machine();
    let none = ImpactQuery { examples_max: 0, ..all() };
    let none = of(&machine, &candidate("strict", ""), &none);
    assert_eq!((none.denied_to_allowed.count, none.denied_to_allowed.examples.len()), (1, 0));
}

#[track_caller]
fn check_range(query: ImpactQuery, expect: Option<(u64, u64)>, replayed: u64) {
    let impact = of(&machine(), &candidate("strict", ""), &query);
    let expect = expect.map(|(from, to)| (EntryId(from), EntryId(to)));
    assert_eq!(impact.from_entry.zip(impact.to_entry), expect, "{query:?}");
    assert_eq!((impact.decisions_replayed, impact.is_complete), (replayed, true), "{query:?}");
}

#[test]
fn decisions_are_taken_by_time_and_by_number() {
    let second = |n: u64| Some(Timestamp(n * SECOND));
    check_range(all(), Some((2, 4)), 3);
    check_range(ImpactQuery { from: second(3), ..all() }, Some((3, 4)), 2);
    check_range(ImpactQuery { to: second(4), ..all() }, Some((2, 3)), 2);
    check_range(ImpactQuery { from: second(5), ..all() }, None, 0);
    check_range(ImpactQuery { to: second(2), ..all() }, None, 0);
    let newest = |n| ImpactQuery { decisions_max: Some(n), ..all() };
    check_range(newest(0), None, 0);
    check_range(newest(1), Some((4, 4)), 1);
    check_range(newest(9), Some((2, 4)), 3);
    check_range(ImpactQuery { to: second(4), ..newest(1) }, Some((3, 3)), 1);
}

#[test]
fn what_is_erased_matters_only_where_it_is_asked_for() {
    let mut machine = machine();
    erase(&mut machine, ErasedPart::Personal, 2);
    erase(&mut machine, ErasedPart::All, 3);
    assert_eq!(counts(&of(&machine, &compiled(&policy()), &all())), [0, 0, 0, 1, 2]);
    assert_eq!(counts(&of(&machine, &candidate("strict", ""), &all())), [0, 1, 0, 1, 1]);
}

#[test]
fn a_conflict_is_weighed_by_the_decisions_it_was_recorded_with() {
    let duties = r#",{"type":"permits","subject":"*","action":"action:write"},
                     {"type":"conflicts","source":"action:read","target":"action:write"}"#;
    let duties = candidate("strict", duties);
    let mut machine = Machine::founded();
    machine.run(SECOND, load(duties.document().to_json()));
    machine.run(2 * SECOND, decide("ai:a", "read"));
    machine.run(3 * SECOND, decide("ai:a", "write"));
    assert_eq!(counts(&of(&machine, &duties, &all())), [0, 0, 0, 2, 0]);
    let without =
        candidate("strict", r#",{"type":"permits","subject":"*","action":"action:write"}"#);
    assert_eq!(counts(&of(&machine, &without, &all())), [0, 1, 0, 1, 0]);
    erase(&mut machine, ErasedPart::All, 2);
    assert_eq!(counts(&of(&machine, &duties, &all())), [0, 0, 0, 0, 2]);
    assert_eq!(counts(&of(&machine, &without, &all())), [0, 1, 0, 0, 1]);
}

#[test]
fn an_emergency_stop_would_have_decided_all_the_same() {
    let mut machine = machine();
    let data = view::entry(&machine.store, EntryId(4)).unwrap().unwrap().data.unwrap();
    let text = data.text.replace(r#""stop_id":null"#, r#""stop_id":"itv_1""#);
    assert_ne!(text, data.text);
    let bytes = [&[1][..], &data.salt, text.as_bytes()].concat();
    machine.store.put(Table::Data, &EntryId(4).key(), &bytes);
    assert_eq!(counts(&of(&machine, &candidate("strict", ""), &all())), [0, 0, 0, 3, 0]);
}

#[test]
fn a_look_that_is_called_off_says_so() {
    let mut machine = machine();
    for n in 5..1_100 {
        machine.run(n * SECOND, decide("ai:a", "read"));
    }
    let left = Cell::new(2);
    let keep_going = || {
        left.set(left.get() - 1);
        0 <= left.get()
    };
    let part = impact(&machine.store, &compiled(&policy()), &all(), &keep_going).unwrap();
    assert!(!part.is_complete);
    assert!((1..1_098).contains(&part.decisions_replayed), "{}", part.decisions_replayed);
    let last = part.from_entry.unwrap().0 + part.decisions_replayed - 1;
    assert_eq!(part.to_entry, Some(EntryId(last)));
    assert_eq!(of(&machine, &compiled(&policy()), &all()).unchanged, 1_098);
}

#[test]
fn a_damaged_entry_is_damage() {
    for (table, bytes) in [
        (Table::Data, vec![1; 7]),
        (Table::Data, [&[1; 33][..], br#"{"action":7}"#].concat()),
        (Table::Data, [&[1; 33][..], &[0xff]].concat()),
        (Table::Personal, [&[1; 33][..], br#"{"context":[]}"#].concat()),
        (Table::Header, vec![1, b'{']),
    ] {
        let mut machine = machine();
        machine.store.put(table, &EntryId(2).key(), &bytes);
        let found = impact(&machine.store, &candidate("strict", ""), &all(), &|| true);
        assert!(found.is_err(), "{table:?}");
    }
}
