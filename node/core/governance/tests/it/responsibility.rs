//! Who answers for a decision: what is recorded and refused, who reviews it,
//! how it is listed and counted, and what an erasure leaves.

use crate::support::{Machine, decide, envelope};
use governance::command::{
    Command, EntryRange, Erase, ErasedPart, ErasureCause, Principal, RecordResponsibility,
    ReviewResponsibility,
};
use governance::record::{DecisionMaker, ResponsibilityLevel, ReviewOutcome};
use governance::view::{
    ResponsibilityPage, ResponsibilityQuery, ResponsibilityReport, responsibilities,
};
use governance::{Outcome, Rejection, Table, decode_envelope, encode_envelope, view};
use ledger::EntryType;
use types::{DecisionId, EntryId, Json, Object, ResponsibilityId, Timestamp, Ulid};

fn decided(machine: &mut Machine, at: u64) -> DecisionId {
    let Outcome::Decided(decided) = machine.run(at, decide("ai:a", "read")) else {
        panic!("not decided")
    };
    let id = decided.data.as_object().unwrap().get("decision_id").and_then(Json::as_str);
    id.unwrap().parse().unwrap()
}

fn said(decision: DecisionId, party: &str) -> RecordResponsibility {
    RecordResponsibility {
        decision,
        maker: DecisionMaker::HumanOperator,
        party: party.to_owned(),
        role: "clerk".to_owned(),
        reasoning: "I looked".to_owned(),
        level: ResponsibilityLevel::Shared,
        confidence: Some(80),
        delegated_from: None,
        review_required: true,
    }
}

fn record(asked: RecordResponsibility) -> Command {
    Command::RecordResponsibility(Box::new(asked))
}

/// Records, and says under which id.
fn recorded(machine: &mut Machine, at: u64, asked: RecordResponsibility) -> ResponsibilityId {
    let Outcome::Recorded(recorded) = machine.run(at, record(asked)) else {
        panic!("not recorded")
    };
    let data = data(machine, recorded.entry_id);
    data.get("responsibility_id").and_then(Json::as_str).unwrap().parse().unwrap()
}

fn data(machine: &Machine, id: EntryId) -> Object {
    let entry = view::entry(&machine.store, id).unwrap().unwrap();
    serde_json::from_str(&entry.data.unwrap().text).unwrap()
}

fn review(record: ResponsibilityId, outcome: ReviewOutcome) -> Command {
    let notes = "I asked".to_owned();
    Command::ReviewResponsibility(Box::new(ReviewResponsibility { record, outcome, notes }))
}

/// Runs a command that somebody asks for by name.
fn run_as(machine: &mut Machine, who: &str, at: u64, command: Command) -> Outcome {
    let mut envelope = envelope(command, u8::try_from(machine.index.0 % 251).unwrap());
    envelope.principal = Principal { id: who.to_owned(), ..Principal::nobody() };
    machine.apply(at, &envelope)
}

#[track_caller]
fn refused(machine: &mut Machine, who: &str, command: Command, expect: Rejection) {
    let before = view::head(&machine.store).unwrap();
    assert_eq!(run_as(machine, who, 900, command), Outcome::Rejected(expect));
    assert_eq!(view::head(&machine.store).unwrap().state_digest, before.state_digest);
}

fn erase(part: ErasedPart, id: u64) -> Command {
    let ranges = vec![EntryRange { from: EntryId(id), to: EntryId(id) }];
    Command::Erase(Erase { part, ranges, cause: ErasureCause::Request })
}

fn query(after: Option<u64>, limit: usize) -> ResponsibilityQuery {
    ResponsibilityQuery { after: after.map(EntryId), limit, bytes_max: usize::MAX }
}

fn entries(page: &ResponsibilityPage) -> (Vec<u64>, Option<u64>, u64) {
    let entries = page.records.iter().map(|record| record.entry_id.0).collect();
    (entries, page.next.map(|next| next.0), page.total)
}

fn of(machine: &Machine, party: &str, query: ResponsibilityQuery) -> (Vec<u64>, Option<u64>, u64) {
    entries(&view::party(&machine.store, party, &query).unwrap())
}

fn waiting(machine: &Machine) -> (Vec<u64>, Option<u64>, u64) {
    entries(&view::pending_reviews(&machine.store, &query(None, 100)).unwrap())
}

fn report(machine: &Machine, from: Option<u64>, to: Option<u64>) -> ResponsibilityReport {
    let at = |at: Option<u64>| at.map(Timestamp);
    view::responsibility_report(&machine.store, at(from), at(to)).unwrap()
}

const BOB: &str = "act_human_user:bob";

#[test]
fn a_decision_answers_for_itself_and_writes_nothing_for_it() {
    let mut machine = Machine::founded();
    let decision = decided(&mut machine, 100);
    let chain = responsibilities(&machine.store, decision).unwrap().unwrap();
    let [own] = chain.as_slice() else { panic!("{chain:?}") };
    assert_eq!(own.id, ResponsibilityId(decision.0));
    assert_eq!((own.maker, own.level), (DecisionMaker::AiSystem, ResponsibilityLevel::Automated));
    assert_eq!((own.party.as_str(), own.role.as_str()), ("system", "AI Decision System"));
    assert_eq!(own.reasoning.as_deref(), Some("Action not explicitly permitted"));
    assert_eq!((own.entry_id, own.at, own.confidence), (EntryId(1), Timestamp(100), None));
    let written = machine.store.rows().filter(|(table, ..)| (50..60).contains(&table.number()));
    assert_eq!(written.count(), 0);
    assert_eq!(responsibilities(&machine.store, DecisionId(Ulid(1))).unwrap(), None);
}

#[test]
fn what_somebody_says_is_one_entry_about_the_actor_of_the_decision() {
    let mut machine = Machine::founded();
    let decision = decided(&mut machine, 100);
    let id = recorded(&mut machine, 200, said(decision, BOB));
    let entry = view::entry(&machine.store, EntryId(2)).unwrap().unwrap();
    assert_eq!(entry.header.entry_type, EntryType::ResponsibilityRecorded);
    assert_eq!(entry.header.actor_seq, 2);
    let expect = format!(
        r#"{{"actor":"ai:a","authn":"none","by":null,"confidence_percent":80,"decision_id":"{decision}","decision_maker":"human_operator","delegated_from":null,"responsibility_id":"{id}","responsibility_level":"shared","responsible_party":"act_human_user:bob","review_required":true,"role":"clerk"}}"#
    );
    assert_eq!(entry.data.unwrap().text, expect);
    assert_eq!(entry.personal.unwrap().text, r#"{"reasoning":"I looked"}"#);
    assert_eq!(view::head(&machine.store).unwrap().size(), 3);
    let chain = responsibilities(&machine.store, decision).unwrap().unwrap();
    assert_eq!((chain.len(), chain[1].id, chain[1].confidence), (2, id, Some(80)));
    assert_eq!(view::responsibility(&machine.store, id).unwrap().as_ref(), Some(&chain[1]));
}

#[test]
fn nobody_answers_for_an_unknown_or_an_erased_decision() {
    let mut machine = Machine::founded();
    let unknown = record(said(DecisionId(Ulid(1)), BOB));
    refused(&mut machine, "", unknown, Rejection::UnknownDecision);
    let decision = decided(&mut machine, 100);
    machine.run(200, erase(ErasedPart::All, 1));
    refused(&mut machine, "", record(said(decision, BOB)), Rejection::DecisionErased);
}

#[test]
fn one_decision_has_a_thousand_records() {
    let mut machine = Machine::founded();
    let (decision, other) = (decided(&mut machine, 100), decided(&mut machine, 100));
    for _ in 1..1_000 {
        recorded(&mut machine, 200, said(decision, BOB));
    }
    let full = Rejection::TooMany { things: "records of this decision", there: 1_000 };
    refused(&mut machine, "", record(said(decision, BOB)), full);
    recorded(&mut machine, 200, said(other, BOB));
    let chain = responsibilities(&machine.store, decision).unwrap().unwrap();
    assert_eq!(chain.len(), 1_000);
}

#[test]
fn a_record_is_reviewed_once_by_somebody_else() {
    let mut machine = Machine::founded();
    let decision = decided(&mut machine, 100);
    let id = recorded(&mut machine, 200, said(decision, BOB));
    assert_eq!(waiting(&machine), (vec![2], None, 1));
    let accept = || review(id, ReviewOutcome::Accepted);
    refused(&mut machine, BOB, accept(), Rejection::SamePerson);
    refused(&mut machine, "ai:a", accept(), Rejection::NotAuthorised);
    refused(&mut machine, "", accept(), Rejection::NotAuthorised);
    let nowhere = review(ResponsibilityId(Ulid(1)), ReviewOutcome::Accepted);
    refused(&mut machine, "act_human_user:eve", nowhere, Rejection::UnknownRecord);
    let outcome = run_as(&mut machine, "act_human_user:eve", 300, accept());
    assert!(matches!(outcome, Outcome::Recorded(_)), "{outcome:?}");
    let again = review(id, ReviewOutcome::Rejected);
    refused(&mut machine, "act_human_user:ann", again, Rejection::AlreadyReviewed);
    let entry = view::entry(&machine.store, EntryId(3)).unwrap().unwrap();
    let expect = format!(
        r#"{{"actor":"ai:a","authn":"none","by":"act_human_user:eve","decision_id":"{decision}","outcome":"accepted","responsibility_id":"{id}"}}"#
    );
    assert_eq!(entry.data.unwrap().text, expect);
    assert_eq!(entry.personal.unwrap().text, r#"{"notes":"I asked"}"#);
    assert_eq!(waiting(&machine), (vec![], None, 0));
    let chain = responsibilities(&machine.store, decision).unwrap().unwrap();
    let review = chain[1].review.as_ref().unwrap();
    assert_eq!((review.by.as_deref(), review.at), (Some("act_human_user:eve"), Timestamp(900)));
    assert!(!chain[1].is_rejected());
}

#[test]
fn the_record_of_a_decision_is_reviewed_too() {
    let mut machine = Machine::founded();
    let decision = decided(&mut machine, 100);
    let own = ResponsibilityId(decision.0);
    run_as(&mut machine, BOB, 200, review(own, ReviewOutcome::Rejected));
    let found = view::responsibility(&machine.store, own).unwrap().unwrap();
    assert!(found.is_rejected());
    let again = review(own, ReviewOutcome::Accepted);
    refused(&mut machine, BOB, again, Rejection::AlreadyReviewed);
}

#[test]
fn repeated_requests_are_recorded_once() {
    let mut machine = Machine::founded();
    let decision = decided(&mut machine, 100);
    let again = || record(said(decision, BOB));
    assert!(matches!(machine.run_keyed(200, again(), "k", 1), Outcome::Recorded(_)));
    assert_eq!(machine.run_keyed(300, again(), "k", 1), Outcome::Replayed(EntryId(2)));
    let conflict = Rejection::IdempotencyConflict { key: "k".to_owned() };
    assert_eq!(machine.run_keyed(300, again(), "k", 2), Outcome::Rejected(conflict));
}

#[test]
fn the_records_of_a_party_are_listed_in_the_order_of_the_ledger() {
    let mut machine = Machine::founded();
    let decision = decided(&mut machine, 100);
    for party in [BOB, "system", "act_human_user:bobby", BOB] {
        recorded(&mut machine, 200, said(decision, party));
    }
    decided(&mut machine, 300);
    assert_eq!(of(&machine, BOB, query(None, 9)), (vec![2, 5], None, 2));
    assert_eq!(of(&machine, BOB, query(None, 1)), (vec![2], Some(2), 2));
    assert_eq!(of(&machine, BOB, query(Some(2), 1)), (vec![5], None, 2));
    assert_eq!(of(&machine, "system", query(None, 9)), (vec![1, 3, 6], None, 3));
    assert_eq!(of(&machine, "system", query(None, 2)), (vec![1, 3], Some(3), 3));
    assert_eq!(of(&machine, "system", query(Some(3), 2)), (vec![6], None, 3));
    for other in ["", "act_human_user:bo", "act_human_user:bob\0\0\0\0"] {
        assert_eq!(of(&machine, other, query(None, 9)), (vec![], None, 0));
    }
    let small = ResponsibilityQuery { bytes_max: 1, ..query(None, 9) };
    assert_eq!(of(&machine, BOB, small), (vec![2], Some(2), 2));
}

#[test]
fn records_wait_for_their_review_oldest_first() {
    let mut machine = Machine::founded();
    let decision = decided(&mut machine, 100);
    let first = recorded(&mut machine, 200, said(decision, BOB));
    let done = RecordResponsibility { review_required: false, ..said(decision, BOB) };
    recorded(&mut machine, 200, done);
    recorded(&mut machine, 200, said(decision, BOB));
    assert_eq!(waiting(&machine), (vec![2, 4], None, 2));
    let page = view::pending_reviews(&machine.store, &query(None, 1)).unwrap();
    assert_eq!(entries(&page), (vec![2], Some(2), 2));
    let page = view::pending_reviews(&machine.store, &query(Some(2), 1)).unwrap();
    assert_eq!(entries(&page), (vec![4], None, 2));
    run_as(&mut machine, "act_human_user:eve", 300, review(first, ReviewOutcome::Rejected));
    assert_eq!(waiting(&machine), (vec![4], None, 1));
}

#[test]
fn a_report_counts_what_a_span_of_time_has() {
    let mut machine = Machine::founded();
    let decision = decided(&mut machine, 100);
    recorded(&mut machine, 200, said(decision, BOB));
    let executive = RecordResponsibility {
        maker: DecisionMaker::HumanExecutive,
        level: ResponsibilityLevel::Full,
        review_required: false,
        ..said(decision, "Jane Doe")
    };
    recorded(&mut machine, 300, executive);
    recorded(&mut machine, 400, said(decision, BOB));
    decided(&mut machine, 500);
    let whole = report(&machine, None, None);
    assert_eq!((whole.decisions, whole.overrides, whole.pending), (2, 0, 2));
    assert_eq!(whole.counts.by_maker, [2, 2, 0, 1, 0, 0]);
    assert_eq!(whole.counts.by_level, [1, 2, 0, 2]);
    let named = |party: &str, count: u64| (party.to_owned(), count);
    assert_eq!(whole.top, [named(BOB, 2), named("system", 2), named("Jane Doe", 1)]);
    let part = report(&machine, Some(300), Some(500));
    assert_eq!((part.decisions, part.pending), (0, 1));
    assert_eq!(part.counts.by_maker, [0, 1, 0, 1, 0, 0]);
    assert_eq!(part.top, [named("Jane Doe", 1), named(BOB, 1)]);
    assert_eq!(report(&machine, Some(600), None).top, []);
    assert_eq!(report(&machine, Some(500), Some(300)).counts, Default::default());
}

#[test]
fn at_most_ten_parties_are_shown_by_number_and_name() {
    let mut machine = Machine::founded();
    let decision = decided(&mut machine, 100);
    for party in 0..12 {
        for _ in 0..=(party % 3) {
            recorded(&mut machine, 200, said(decision, &format!("p{party:02}")));
        }
    }
    let top = report(&machine, None, None).top;
    let shown: Vec<String> = top.iter().map(|(party, count)| format!("{party} {count}")).collect();
    let expect =
        ["p02 3", "p05 3", "p08 3", "p11 3", "p01 2", "p04 2", "p07 2", "p10 2", "p00 1", "p03 1"];
    assert_eq!(shown, expect);
}

#[test]
fn an_erased_text_is_told_by_nothing_else() {
    let mut machine = Machine::founded();
    let decision = decided(&mut machine, 100);
    let id = recorded(&mut machine, 200, said(decision, BOB));
    run_as(&mut machine, "act_human_user:eve", 300, review(id, ReviewOutcome::Rejected));
    machine.run(400, erase(ErasedPart::Personal, 2));
    machine.run(400, erase(ErasedPart::Personal, 3));
    let found = view::responsibility(&machine.store, id).unwrap().unwrap();
    assert_eq!((found.party.as_str(), found.reasoning.as_deref()), (BOB, None));
    assert_eq!(found.review.as_ref().unwrap().notes, None);
    assert!(found.is_rejected());
    machine.run(500, erase(ErasedPart::All, 3));
    let found = view::responsibility(&machine.store, id).unwrap().unwrap();
    let review = found.review.unwrap();
    assert_eq!((review.by, review.outcome, review.at), (None, None, Timestamp(300)));
}

#[test]
fn an_erased_name_is_in_no_row() {
    let mut machine = Machine::founded();
    let decision = decided(&mut machine, 100);
    let id = recorded(&mut machine, 200, said(decision, BOB));
    recorded(&mut machine, 200, said(decision, "act_human_user:eve"));
    machine.run(300, erase(ErasedPart::All, 2));
    let has_name = |bytes: &[u8]| bytes.windows(BOB.len()).any(|part| part == BOB.as_bytes());
    let tells = |(table, key, value): (Table, &[u8], &[u8])| {
        (has_name(key) || has_name(value)).then_some(table)
    };
    assert_eq!(machine.store.rows().find_map(tells), None);
    assert_eq!(view::responsibility(&machine.store, id).unwrap(), None);
    let chain = responsibilities(&machine.store, decision).unwrap().unwrap();
    assert_eq!(chain.iter().map(|record| record.entry_id.0).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(of(&machine, BOB, query(None, 9)), (vec![], None, 0));
    assert_eq!(waiting(&machine), (vec![3], None, 1));
    let erased = review(id, ReviewOutcome::Accepted);
    refused(&mut machine, "act_human_user:eve", erased, Rejection::RecordErased);
    assert_eq!(report(&machine, None, None).counts.by_maker, [1, 2, 0, 0, 0, 0]);
}

#[test]
fn an_erased_decision_still_has_those_who_answered_for_it() {
    let mut machine = Machine::founded();
    let decision = decided(&mut machine, 100);
    recorded(&mut machine, 200, said(decision, BOB));
    machine.run(300, erase(ErasedPart::All, 1));
    let chain = responsibilities(&machine.store, decision).unwrap().unwrap();
    assert_eq!((chain.len(), chain[0].reasoning.as_deref()), (2, None));
    // Which decision it was is in what is gone.
    assert_eq!(of(&machine, "system", query(None, 9)), (vec![], None, 1));
    let own = review(ResponsibilityId(decision.0), ReviewOutcome::Accepted);
    refused(&mut machine, BOB, own, Rejection::DecisionErased);
}

#[test]
fn the_commands_have_their_places_in_the_log() {
    for command in [
        record(said(DecisionId(Ulid(2)), BOB)),
        review(ResponsibilityId(Ulid(3)), ReviewOutcome::Rejected),
    ] {
        let bytes = encode_envelope(&envelope(command.clone(), 1)).unwrap();
        assert_eq!(decode_envelope(&bytes).unwrap().command, command);
    }
}
