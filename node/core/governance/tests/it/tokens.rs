//! Tokens: granted with a decision, ended once, gone with what granted them.

use crate::people::person;
use crate::support::{Machine, SECOND, decide, load, policy};
use governance::access::AccountRole;
use governance::command::{Command, EntryRange, Erase, ErasedPart, ErasureCause, RevokeToken};
use governance::token::Status;
use governance::{Outcome, Rejection, view};
use types::{EntryId, Json, Timestamp, TokenId, Ulid};

/// A decision that grants a token for 300 seconds, at 200 microseconds.
fn granted() -> (Machine, TokenId) {
    let mut machine = Machine::founded();
    machine.run(100, load(policy()));
    let Outcome::Decided(decided) = machine.run(200, decide("ai:a", "read")) else {
        panic!("not decided")
    };
    let token = decided.data.as_object().unwrap().get("token_id").and_then(Json::as_str).unwrap();
    (machine, token.parse().unwrap())
}

fn revoke(token: TokenId, reason: &str) -> Command {
    Command::RevokeToken(RevokeToken { token, reason: reason.to_owned() })
}

fn erase(part: ErasedPart, id: u64) -> Command {
    let ranges = vec![EntryRange { from: EntryId(id), to: EntryId(id) }];
    Command::Erase(Erase { part, ranges, cause: ErasureCause::Request })
}

fn refused(outcome: Outcome) -> Rejection {
    match outcome {
        Outcome::Rejected(why) => why,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_token_is_active_until_its_end() {
    let (machine, token) = granted();
    let record = view::token(&machine.store, token).unwrap().unwrap();
    assert_eq!((record.entry_id, record.revoked), (EntryId(2), None));
    let end = 200 + 300 * SECOND;
    assert_eq!(record.status(Timestamp(end - 1)), Status::Active);
    assert_eq!(record.status(Timestamp(end)), Status::Expired);
}

#[test]
fn a_denial_grants_no_token() {
    let mut machine = Machine::founded();
    machine.run(200, decide("ai:a", "read"));
    assert!(machine.store.rows().all(|(table, ..)| table != governance::Table::Token));
}

#[test]
fn a_token_is_revoked_once_by_one_entry_about_its_actor() {
    let (mut machine, token) = granted();
    let officer = person(&mut machine, 250, "ana", (AccountRole::ComplianceOfficer, &[]));
    let outcome = machine.run_for(officer.clone(), 300, revoke(token, "left the team"));
    let Outcome::Recorded(recorded) = outcome else { panic!("not revoked: {outcome:?}") };
    let entry = view::entry(&machine.store, recorded.entry_id).unwrap().unwrap();
    assert_eq!((entry.header.actor_seq, entry.header.type_seq), (2, 1));
    let data: Json = serde_json::from_str(&entry.data.unwrap().text).unwrap();
    let data = data.as_object().unwrap();
    let text = |name: &str| data.get(name).and_then(Json::as_str).unwrap().to_owned();
    assert_eq!((text("actor"), text("by")), ("ai:a".to_owned(), officer.id));
    assert_eq!((text("authn"), text("reason")), ("oidc".to_owned(), "left the team".to_owned()));
    assert_eq!(Some(text("credential_id")), officer.credential_id);
    assert_eq!(text("token_id"), token.to_string());
    let decision = view::decision_entry(&machine.store, text("decision_id").parse().unwrap());
    assert_eq!(decision, Ok(Some(EntryId(2))));
    assert!(entry.personal.is_none());
    assert_eq!(view::head(&machine.store).unwrap().size(), 5);
    let record = view::token(&machine.store, token).unwrap().unwrap();
    assert_eq!(record.revoked, Some(recorded.entry_id));
    assert_eq!(record.status(Timestamp::MAX), Status::Revoked);
    let again = refused(machine.run(400, revoke(token, "again")));
    assert_eq!(again, Rejection::TokenRevoked { token });
    assert_eq!(again.code(), "already_revoked");
    assert_eq!(view::head(&machine.store).unwrap().size(), 5);
}

#[test]
fn a_token_that_nobody_granted_cannot_be_revoked() {
    let (mut machine, _) = granted();
    let token = TokenId(Ulid(1));
    let why = refused(machine.run(300, revoke(token, "x")));
    assert_eq!((why.code(), why), ("unknown_token", Rejection::UnknownToken { token }));
    assert_eq!(view::head(&machine.store).unwrap().size(), 3);
}

#[test]
fn an_expired_token_cannot_be_revoked() {
    let (mut machine, token) = granted();
    let at = Timestamp(200 + 300 * SECOND);
    let why = refused(machine.run(at.0, revoke(token, "late")));
    assert_eq!((why.code(), why), ("not_allowed", Rejection::TokenExpired { token, at }));
    assert_eq!(view::head(&machine.store).unwrap().size(), 3);
    let (mut machine, token) = granted();
    let in_time = machine.run(at.0 - 1, revoke(token, "just in time"));
    assert!(matches!(in_time, Outcome::Recorded(_)), "{in_time:?}");
}

#[test]
fn a_repeated_revocation_is_answered_with_the_first() {
    let (mut machine, token) = granted();
    let first = machine.run_keyed(300, revoke(token, "x"), "k", 1);
    assert!(matches!(first, Outcome::Recorded(_)), "{first:?}");
    let again = machine.run_keyed(400, revoke(token, "x"), "k", 1);
    assert_eq!(again, Outcome::Replayed(EntryId(3)));
    let other = refused(machine.run_keyed(400, revoke(token, "y"), "k", 2));
    assert_eq!(other.code(), "idempotency_conflict");
}

#[test]
fn a_token_goes_with_the_entry_that_granted_it_and_with_no_other() {
    let (mut machine, token) = granted();
    machine.run(300, revoke(token, "x"));
    machine.run(400, erase(ErasedPart::Personal, 2));
    machine.run(410, erase(ErasedPart::All, 3));
    let record = view::token(&machine.store, token).unwrap().unwrap();
    assert_eq!(record.status(Timestamp(420)), Status::Revoked);
    machine.run(430, erase(ErasedPart::All, 2));
    assert_eq!(view::token(&machine.store, token), Ok(None));
    let why = refused(machine.run(440, revoke(token, "x")));
    assert_eq!(why, Rejection::UnknownToken { token });
}
