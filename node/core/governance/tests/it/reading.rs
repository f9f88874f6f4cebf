//! Reads of personal parts are recorded, once for many.

use crate::people::{person, visitor};
use crate::support::{Machine, recorded, refused};
use governance::access::{AccountRole, Denied};
use governance::command::{Command, PersonalReads, Principal, PrincipalKind};
use governance::{Rejection, view};
use ledger::EntryType;
use types::{EntryId, Timestamp};

fn reads(who: &Principal) -> PersonalReads {
    PersonalReads {
        kind: who.kind,
        id: who.id.clone(),
        authn: who.authn.clone(),
        from: Timestamp(100),
        to: Timestamp(200),
        replies: 3,
        entries: Some((EntryId(0), EntryId(1))),
    }
}

fn command(reads: PersonalReads) -> Command {
    Command::RecordPersonalReads(Box::new(reads))
}

#[test]
fn reads_are_one_entry_about_who_read() {
    let mut machine = Machine::founded();
    let auditor = person(&mut machine, 100, "ana", (AccountRole::Auditor, &[]));
    let outcome = machine.run_by("n1", 300, command(reads(&auditor)));
    let entry = view::entry(&machine.store, recorded(outcome)).unwrap().unwrap();
    assert_eq!((entry.header.entry_type, entry.header.actor_seq), (EntryType::PersonalDataRead, 2));
    let by = &auditor.id;
    let expect = format!(
        r#"{{"actor":"{by}","authn":"oidc","by":"{by}","entries":{{"from":0,"to":1}},"from":"1970-01-01T00:00:00.000100Z","node_id":"n1","replies":3,"to":"1970-01-01T00:00:00.000200Z"}}"#
    );
    assert_eq!((entry.data.unwrap().text, entry.personal), (expect, None));
    let nobody = PersonalReads { entries: None, ..reads(&Principal::nobody()) };
    assert_eq!(nobody.kind, PrincipalKind::Nobody);
    let outcome = machine.run_by("n1", 300, command(nobody));
    let entry = view::entry(&machine.store, recorded(outcome)).unwrap().unwrap();
    assert_eq!(entry.header.actor_seq, 0);
    assert!(
        entry
            .data
            .unwrap()
            .text
            .contains(r#""actor":null,"authn":"none","by":null,"entries":null"#)
    );
}

#[test]
fn nobody_but_a_node_says_what_was_read() {
    let mut machine = Machine::founded();
    let reader = visitor(&mut machine, 100);
    let asked = || command(reads(&reader));
    let denied = Rejection::Denied(Denied::PermissionDenied);
    assert_eq!(refused(machine.run_for(reader.clone(), 300, asked())), denied);
    assert_eq!(refused(machine.run(300, asked())), denied);
}

#[test]
fn what_cannot_have_been_read_is_refused() {
    let mut machine = Machine::founded();
    let reader = visitor(&mut machine, 100);
    let whole = reads(&reader);
    for impossible in [
        PersonalReads { replies: 0, ..whole.clone() },
        PersonalReads { to: Timestamp(99), ..whole.clone() },
        PersonalReads { entries: Some((EntryId(0), EntryId(1))), ..whole.clone() },
        PersonalReads { entries: Some((EntryId(1), EntryId(0))), ..whole.clone() },
    ] {
        let outcome = machine.run_by("n1", 300, command(impossible));
        assert_eq!(refused(outcome), Rejection::NotProven);
    }
    let first = Some((EntryId(0), EntryId(0)));
    recorded(machine.run_by("n1", 300, command(PersonalReads { entries: first, ..whole })));
}
