//! Erasure: what goes, what stays, what is refused, and that everything still
//! verifies.

use crate::support::{Machine, decide, load, policy};
use governance::command::{Command, EntryRange, Erase, ErasedPart, ErasureCause, ReportForgotten};
use governance::outcome::Erased;
use governance::{Outcome, Rejection, Table, view};
use ledger::Checker;
use types::{EntryId, Json, RaftId};

fn erase(part: ErasedPart, ranges: &[(u64, u64)]) -> Command {
    let ranges =
        ranges.iter().map(|(from, to)| EntryRange { from: EntryId(*from), to: EntryId(*to) });
    Command::Erase(Erase { part, ranges: ranges.collect(), cause: ErasureCause::Request })
}

fn erased(outcome: Outcome) -> Erased {
    match outcome {
        Outcome::Erased(erased) => erased,
        other => panic!("not erased: {other:?}"),
    }
}

fn refused(outcome: Outcome) -> Rejection {
    match outcome {
        Outcome::Rejected(why) => why,
        other => panic!("not refused: {other:?}"),
    }
}

/// Genesis, a policy (1), and decisions about `a` (2, 4) and `b` (3).
fn machine() -> Machine {
    let mut machine = Machine::founded();
    machine.run(100, load(policy()));
    machine.run_keyed(200, decide("ai:a", "read"), "first", 1);
    machine.run(300, decide("ai:b", "read"));
    machine.run_keyed(400, decide("ai:a", "read"), "second", 1);
    machine
}

fn verify(machine: &Machine) -> u64 {
    let mut checker = Checker::from_genesis();
    for id in 0..view::head(&machine.store).unwrap().size() {
        checker.check(&view::entry(&machine.store, EntryId(id)).unwrap().unwrap()).unwrap();
    }
    assert_eq!(checker.root(), Some(view::head(&machine.store).unwrap().root()));
    checker.erased()
}

#[test]
fn a_personal_part_goes_and_the_rest_still_verifies() {
    let mut machine = machine();
    let root = view::head(&machine.store).unwrap().root();
    let done = erased(machine.run(500, erase(ErasedPart::Personal, &[(2, 3)])));
    assert_eq!((done.entries, done.recorded.entry_id), (2, EntryId(5)));
    let entry = view::entry(&machine.store, EntryId(2)).unwrap().unwrap();
    assert!(entry.personal.is_none() && entry.data.is_some());
    assert_eq!(verify(&machine), 2);
    let tree = governance::Tree(&machine.store);
    assert_eq!(ledger::proof::root(&tree, 5).unwrap(), root);
    let known = view::erased(&machine.store, EntryId(2)).unwrap().unwrap();
    assert_eq!((known.part, known.by), (ErasedPart::Personal, EntryId(5)));
    assert_eq!(view::erased(&machine.store, EntryId(4)).unwrap(), None);
}

#[test]
fn a_run_names_what_it_erased() {
    let mut machine = machine();
    machine.run(500, erase(ErasedPart::Personal, &[(2, 2), (4, 4)]));
    let run = view::entry(&machine.store, EntryId(5)).unwrap().unwrap();
    let data: Json = serde_json::from_str(&run.data.unwrap().text).unwrap();
    assert_eq!(
        data.to_canonical(),
        r#"{"authn":"none","by":null,"cause":"request","count":2,"part":"personal","ranges":[{"from":2,"to":2},{"from":4,"to":4}]}"#
    );
}

#[test]
fn nothing_that_followed_from_an_erased_entry_is_left() {
    let mut machine = machine();
    erased(machine.run(500, erase(ErasedPart::All, &[(2, 2), (4, 4)])));
    for secret in ["ai:a", "first", "second"] {
        for (table, key, value) in machine.store.rows() {
            let holds =
                |bytes: &[u8]| bytes.windows(secret.len()).any(|at| at == secret.as_bytes());
            // The policy names actors, not persons, and replay needs it.
            let is_policy = table == Table::Data && key == EntryId(1).key();
            let is_policy = is_policy || table == Table::Policy;
            assert!(is_policy || (!holds(key) && !holds(value)), "{secret}: {table:?} {key:?}");
        }
    }
    assert_eq!(verify(&machine), 2);
}

#[test]
fn what_another_decision_allows_is_still_known() {
    let mut machine = machine();
    let allowed = |machine: &Machine| {
        machine.store.rows().filter(|(table, ..)| *table == Table::Allowed).count()
    };
    assert_eq!(allowed(&machine), 1);
    erased(machine.run(500, erase(ErasedPart::All, &[(2, 2)])));
    assert_eq!(allowed(&machine), 1);
    erased(machine.run(510, erase(ErasedPart::All, &[(4, 4)])));
    assert_eq!(allowed(&machine), 0);
}

#[test]
fn a_node_says_of_itself_alone_that_it_has_forgotten() {
    let mut machine = machine();
    let run = erased(machine.run(500, erase(ErasedPart::Personal, &[(2, 2)])));
    let report =
        |through| Command::ReportForgotten(ReportForgotten { raft_id: RaftId(1), through });
    let run = run.recorded.entry_id;
    let other = refused(machine.run_by("n2", 600, report(run)));
    assert_eq!(other, Rejection::NotAVoter { raft_id: RaftId(1) });
    let no_run = refused(machine.run_by("n1", 600, report(EntryId(2))));
    assert_eq!(no_run, Rejection::NotProven);
    assert_eq!(machine.run_by("n1", 600, report(run)), Outcome::Noted);
    let again = refused(machine.run_by("n1", 600, report(run)));
    assert_eq!(again, Rejection::AlreadyRecorded);
}

#[test]
fn the_count_of_an_actor_goes_on_after_its_last_entry_is_erased() {
    for restart in [false, true] {
        let mut machine = machine();
        erased(machine.run(500, erase(ErasedPart::All, &[(4, 4)])));
        erased(machine.run(510, erase(ErasedPart::All, &[(2, 2)])));
        if restart {
            machine.cache = governance::Cache::default();
        }
        let Outcome::Decided(next) = machine.run(600, decide("ai:a", "read")) else {
            panic!("not decided")
        };
        let entry = view::entry(&machine.store, next.recorded.entry_id).unwrap().unwrap();
        assert_eq!(entry.header.actor_seq, 3, "restart: {restart}");
    }
}

#[test]
fn a_repeated_request_of_an_erased_entry_is_told_so() {
    let mut machine = machine();
    erased(machine.run(500, erase(ErasedPart::Personal, &[(2, 2)])));
    let again = machine.run_keyed(600, decide("ai:a", "read"), "first", 1);
    assert_eq!(refused(again), Rejection::Erased);
    let other = machine.run_keyed(600, decide("ai:a", "read"), "second", 1);
    assert_eq!(other, Outcome::Replayed(EntryId(4)));
}

#[test]
fn what_verification_needs_is_never_erased() {
    let mut machine = machine();
    erased(machine.run(500, erase(ErasedPart::Personal, &[(2, 2)])));
    for id in [0, 1, 5] {
        let refusal = refused(machine.run(600, erase(ErasedPart::All, &[(id, id)])));
        assert_eq!(refusal, Rejection::NotErasable { entry: EntryId(id) });
    }
    assert_eq!(
        refused(machine.run(600, erase(ErasedPart::Personal, &[(2, 2)]))),
        Rejection::NothingToErase
    );
}

#[test]
fn ranges_must_be_ascending_disjoint_within_the_ledger_and_few() {
    let mut machine = machine();
    for ranges in [
        vec![(3, 2)],
        vec![(2, 3), (3, 4)],
        vec![(4, 4), (2, 2)],
        vec![(2, 5)],
        vec![(2, u64::MAX)],
        vec![(0, 1000)],
    ] {
        let refusal = refused(machine.run(500, erase(ErasedPart::All, &ranges)));
        assert_eq!(refusal, Rejection::RangesInvalid, "{ranges:?}");
    }
    assert_eq!(refused(machine.run(500, erase(ErasedPart::All, &[]))), Rejection::NothingToErase);
    assert_eq!(view::head(&machine.store).unwrap().size(), 5);
}
