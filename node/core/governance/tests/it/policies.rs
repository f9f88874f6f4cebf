//! Versions of the policy beyond a plain load: going back to an earlier one, and
//! loading one whose impact was found before.

use crate::support::{Machine, decide, envelope, load, policy};
use governance::command::{
    Command, ImpactFound, LoadGatedPolicy, LoadPolicy, Principal, RollbackPolicy,
};
use governance::{Outcome, Rejection, encode_envelope, view};
use ledger::EntryType;
use policy::Document;
use types::{Digest, EntryId, Json};

fn rollback(version: u64) -> Command {
    let reason = "it was better".to_owned();
    Command::RollbackPolicy(Box::new(RollbackPolicy { version, reason }))
}

fn another() -> Json {
    serde_json::from_str(r#"{"mode":"permissive","relations":[]}"#)
        .unwrap_or_else(|err| panic!("{err}"))
}

/// Found against `active_version`.
fn gated(active_version: u64, denied_to_allowed: u64, acknowledge_widening: bool) -> Command {
    let document = policy();
    let candidate_hash = Document::parse(&document).unwrap().0.hash();
    let impact = ImpactFound {
        active_version,
        candidate_hash,
        from_entry: Some(EntryId(1)),
        to_entry: Some(EntryId(9)),
        decisions_replayed: 5,
        allowed_to_denied: 1,
        denied_to_allowed,
        other_changes: 0,
        unreplayable: 2,
    };
    let load =
        LoadPolicy { document, expected_active_version: None, acknowledge_widening, note: None };
    Command::LoadGatedPolicy(Box::new(LoadGatedPolicy { load, impact }))
}

fn version(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::PolicyLoaded(loaded) => loaded.version,
        other => panic!("not loaded: {other:?}"),
    }
}

#[track_caller]
fn refused(machine: &mut Machine, command: Command, expect: Rejection) {
    let before = view::head(&machine.store).unwrap();
    assert_eq!(machine.run(900, command), Outcome::Rejected(expect));
    assert_eq!(view::head(&machine.store).unwrap().state_digest, before.state_digest);
}

/// The last entry: its type, and its data less the document.
fn last(machine: &Machine) -> (EntryType, String) {
    let id = view::head(&machine.store).unwrap().size() - 1;
    let entry = view::entry(&machine.store, EntryId(id)).unwrap().unwrap();
    let data: Json = serde_json::from_str(&entry.data.unwrap().text).unwrap();
    let mut data = data.as_object().unwrap().clone();
    assert!(data.remove("document").is_some());
    assert!(data.remove("policy_hash").is_some());
    (entry.header.entry_type, Json::Object(data).to_canonical())
}

#[test]
fn an_earlier_document_is_in_force_again_as_a_new_version() {
    let mut machine = Machine::founded();
    machine.run(100, load(policy()));
    machine.run(200, load(another()));
    assert_eq!(version(&machine.run(300, rollback(1))), 3);
    let (first, third) = (view::policy(&machine.store, 1), view::policy(&machine.store, 3));
    let (first, third) = (first.unwrap().unwrap(), third.unwrap().unwrap());
    assert_eq!((first.policy_hash, &first.document), (third.policy_hash, &third.document));
    assert_eq!((third.entry_id, third.loaded_at.0), (Some(EntryId(3)), 300));
    let expect = r#"{"authn":"none","by":null,"document_version":"1.0","mode":"strict","name":"desk","policy_version":3,"previous_version":2,"reason":"it was better","relations_count":1,"rolled_back_to":1,"terms_count":2}"#;
    assert_eq!(last(&machine), (EntryType::PolicyRolledBack, expect.to_owned()));
    let Outcome::Decided(decided) = machine.run(400, decide("ai:a", "read")) else {
        panic!("not decided")
    };
    let data = decided.data.as_object().unwrap();
    assert_eq!(data.get("policy_version").and_then(Json::as_u64), Some(3));
    assert_eq!(data.get("reason").and_then(Json::as_str), Some("a may read"));
}

#[test]
fn the_empty_policy_can_be_gone_back_to_and_a_missing_one_cannot() {
    let mut machine = Machine::founded();
    machine.run(100, load(policy()));
    assert_eq!(version(&machine.run(200, rollback(0))), 2);
    refused(&mut machine, rollback(3), Rejection::UnknownPolicy { version: 3 });
    refused(&mut machine, rollback(u64::MAX), Rejection::UnknownPolicy { version: u64::MAX });
}

#[test]
fn going_back_to_what_is_in_force_is_refused() {
    let mut machine = Machine::founded();
    refused(&mut machine, rollback(0), Rejection::AlreadyActive);
    machine.run(100, load(policy()));
    refused(&mut machine, rollback(1), Rejection::AlreadyActive);
    machine.run(200, load(policy()));
    refused(&mut machine, rollback(1), Rejection::AlreadyActive);
}

#[test]
fn a_repeated_rollback_is_recorded_once() {
    let mut machine = Machine::founded();
    machine.run(100, load(policy()));
    assert_eq!(version(&machine.run_keyed(200, rollback(0), "k", 1)), 2);
    let id = EntryId(2);
    assert_eq!(machine.run_keyed(300, rollback(0), "k", 1), Outcome::Replayed(id));
    let other = machine.run_keyed(300, rollback(1), "k", 2);
    assert_eq!(other, Outcome::Rejected(Rejection::IdempotencyConflict { key: "k".to_owned() }));
}

#[test]
fn a_policy_that_allows_more_is_loaded_once_somebody_says_so() {
    let mut machine = Machine::founded();
    refused(
        &mut machine,
        gated(0, 3, false),
        Rejection::ImpactNotAcknowledged { denied_to_allowed: 3 },
    );
    let mut acknowledged = envelope(gated(0, 3, true), 9);
    acknowledged.principal = Principal::socket("n1");
    assert_eq!(version(&machine.apply(100, &acknowledged)), 1);
    let (entry_type, data) = last(&machine);
    assert_eq!(entry_type, EntryType::PolicyLoaded);
    let found =
        r#""acknowledge_widening":true,"acknowledged_by":"n1","authn":"admin_socket","by":"n1","#;
    assert!(data.contains(found), "{data}");
    assert!(data.contains(r#""denied_to_allowed":3,"from_entry":1,"other_changes":0,"to_entry":9,"unreplayable":2}"#), "{data}");
}

#[test]
fn a_policy_that_allows_no_more_needs_no_word() {
    let mut machine = Machine::founded();
    assert_eq!(version(&machine.run_keyed(100, gated(0, 0, false), "k", 1)), 1);
    assert!(last(&machine).1.contains(r#""acknowledged_by":null"#));
    let again = machine.run_keyed(200, gated(0, 0, false), "k", 1);
    assert_eq!(again, Outcome::Replayed(EntryId(1)));
}

#[test]
fn an_impact_counts_for_the_policies_it_was_found_for_alone() {
    let mut machine = Machine::founded();
    machine.run(100, load(another()));
    let conflict = Rejection::PolicyVersionConflict { expected: 0, active: 1 };
    refused(&mut machine, gated(0, 0, true), conflict);
    let Command::LoadGatedPolicy(mut other) = gated(1, 0, true) else { panic!("not gated") };
    other.impact.candidate_hash = Digest([7; 32]);
    refused(&mut machine, Command::LoadGatedPolicy(other), Rejection::NotProven);
    let Command::LoadGatedPolicy(mut invalid) = gated(1, 0, true) else { panic!("not gated") };
    invalid.load.document = Json::Null;
    assert!(matches!(
        machine.run(200, Command::LoadGatedPolicy(invalid)),
        Outcome::Rejected(Rejection::PolicyInvalid { .. })
    ));
}

/// A variant that is put in between would change what every log already says.
#[test]
fn commands_are_appended_to_those_in_the_log() {
    let tag = |command| {
        let bytes = encode_envelope(&envelope(command, 0)).unwrap();
        // After the format byte, the version and the group.
        bytes[15..19].to_vec()
    };
    for (command, number) in [
        (decide("ai:a", "read"), 1),
        (load(policy()), 2),
        (Command::Tick, 4),
        (Command::Checkpoint, 5),
        (Command::Scrub, 13),
        (rollback(1), 15),
        (gated(0, 0, true), 16),
    ] {
        assert_eq!(tag(command), [0, 0, 0, number]);
    }
}
