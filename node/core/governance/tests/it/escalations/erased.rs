//! What an erasure takes of escalations, and what it leaves.

use governance::Table;
use governance::view::Absent;

use super::*;

fn absent(machine: &Machine, id: EscalationId) -> Option<Absent> {
    view::escalation(&machine.store, id, Timestamp(900)).unwrap().err()
}

/// An escalation by hand of a decision that was allowed.
fn raised(machine: &mut Machine) -> (DecisionId, EscalationId, EntryId) {
    let (decision, _) = decided(machine, 10, None);
    let id = created(machine, 20, create(decision, Trigger::ActorRequest, None));
    let entry = shown(machine, id, 20).record.entry_id;
    (decision, id, entry)
}

#[test]
fn an_erasure_takes_words_first_and_then_the_escalation() {
    let mut machine = ready();
    let (_, id, entry) = raised(&mut machine);
    recorded(&mut machine, 30, resolve(id, Resolution::Deferred));
    machine.run(40, erase(entry, ErasedPart::Personal));
    let left = shown(&machine, id, 40);
    assert_eq!((left.summary, left.action_digest), (None, None));
    assert_eq!(listed(&machine, all(40)), (vec![id], 1));
    machine.run(50, erase(entry, ErasedPart::All));
    assert_eq!(absent(&machine, id), Some(Absent::Erased));
    assert_eq!(absent(&machine, EscalationId(Ulid(9))), Some(Absent::Unknown));
    assert_eq!(listed(&machine, all(50)), (vec![], 0));
    let rows = |table| machine.store.rows().filter(|(of, ..)| *of == table).count();
    assert_eq!((rows(Table::EscalationByState), rows(Table::EscalationCount)), (0, 0));
    assert_eq!(rows(Table::EscalationByDeadline), 0);
}

#[test]
fn an_answer_keeps_its_effect_when_what_asked_for_it_is_erased() {
    let mut machine = ready();
    let (decision, id, entry) = raised(&mut machine);
    recorded(&mut machine, 30, resolve(id, Resolution::Denied));
    machine.run(40, erase(entry, ErasedPart::All));
    let found = effective(&machine.store, decision, Verdict::Allowed, Timestamp(50)).unwrap();
    assert_eq!(found.outcome, Verdict::Denied);
    let of = EscalationQuery { decision: Some(decision), ..all(50) };
    assert_eq!(listed(&machine, of), (vec![], 0));
    refused(&mut machine, LEAD, 60, acknowledge(id), Rejection::AlreadyResolved);
}

#[test]
fn what_an_open_escalation_is_about_stays_until_it_is_answered() {
    let mut machine = ready();
    let (_, id, entry) = raised(&mut machine);
    let looked = recorded(&mut machine, 30, acknowledge(id));
    for entry in [entry, looked] {
        for part in [ErasedPart::Personal, ErasedPart::All] {
            let outcome = machine.run(40, erase(entry, part));
            assert_eq!(outcome, Outcome::Rejected(Rejection::NotErasable { entry }));
        }
    }
    recorded(&mut machine, 50, resolve(id, Resolution::Denied));
    machine.run(60, erase(entry, ErasedPart::All));
    assert_eq!(absent(&machine, id), Some(Absent::Erased));
    assert_eq!(listed(&machine, all(60)), (vec![], 0));
}

#[test]
fn a_decision_that_waits_for_humans_stays_until_they_had_their_time() {
    let mut machine = ready();
    let (decision, id) = decided(&mut machine, 10, Some(95));
    let id = id.unwrap();
    let entry = view::decision_entry(&machine.store, decision).unwrap().unwrap();
    let outcome = machine.run(20, erase(entry, ErasedPart::All));
    assert_eq!(outcome, Outcome::Rejected(Rejection::NotErasable { entry }));
    assert_eq!(machine.run_by("n1", 3 * HOUR, Command::Tick), Outcome::Ticked);
    machine.run(3 * HOUR, erase(entry, ErasedPart::All));
    assert_eq!(absent(&machine, id), Some(Absent::Erased));
    assert_eq!(deadline::next(&machine.store).unwrap(), None);
}

#[test]
fn who_looked_goes_with_the_entry_that_says_so() {
    let mut machine = ready();
    let (_, id, entry) = raised(&mut machine);
    let looked = recorded(&mut machine, 30, acknowledge(id));
    let answered = recorded(&mut machine, 31, resolve(id, Resolution::Denied));
    machine.run(40, erase(looked, ErasedPart::All));
    let left = shown(&machine, id, 50);
    assert_eq!(left.record.acknowledged, Some((String::new(), looked)));
    machine.run(60, erase(answered, ErasedPart::All));
    let answer = shown(&machine, id, 70).answer.unwrap();
    assert_eq!((answer.by, answer.notes), (None, None));
    // Each once, in whatever order.
    machine.run(80, erase(entry, ErasedPart::All));
    assert_eq!(absent(&machine, id), Some(Absent::Erased));
    assert_eq!(listed(&machine, all(90)), (vec![], 0));
}

#[test]
fn nothing_is_approved_that_nobody_can_read_any_more() {
    let mut machine = ready();
    let (decision, id, _) = raised(&mut machine);
    let entry = view::decision_entry(&machine.store, decision).unwrap().unwrap();
    machine.run(30, erase(entry, ErasedPart::Personal));
    assert_eq!(shown(&machine, id, 40).action_digest, None);
    let yes = resolve(id, Resolution::Approved);
    refused(&mut machine, LEAD, 50, yes, Rejection::DecisionErased);
    recorded(&mut machine, 60, resolve(id, Resolution::Denied));
    let it = shown(&machine, id, 70);
    assert_eq!((it.action_digest, it.answer.unwrap().resolution), (None, Resolution::Denied));
}

#[test]
fn an_automatic_one_goes_with_the_decision_and_its_digest_with_the_words() {
    let mut machine = ready();
    let (decision, id) = decided(&mut machine, 10, Some(95));
    let id = id.unwrap();
    recorded(&mut machine, 20, resolve(id, Resolution::Deferred));
    let entry = view::decision_entry(&machine.store, decision).unwrap().unwrap();
    assert!(shown(&machine, id, 30).action_digest.is_some());
    machine.run(40, erase(entry, ErasedPart::Personal));
    assert_eq!(shown(&machine, id, 50).action_digest, None);
    machine.run(60, erase(entry, ErasedPart::All));
    assert_eq!(absent(&machine, id), Some(Absent::Erased));
}
