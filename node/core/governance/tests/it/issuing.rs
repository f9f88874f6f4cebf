//! Tokens for what a decision has come to: what they rest on, why there is none,
//! and that there is never a second one beside the first.

use crate::support::{Machine, SECOND, data, decided, erase, id, load, policy, recorded, refused};
use governance::command::{
    Command, ErasedPart, ExecuteOverride, IssueToken, OverrideScope, RevokeToken,
};
use governance::record::{OverrideKind, OverrideStatus};
use governance::token::Status;
use governance::{Outcome, Rejection, Table, view};
use ledger::EntryType;
use types::{DecisionId, EntryId, Json, OverrideId, Timestamp, TokenId, Ulid};

const JANE: &str = "act_human_user:executive:jane";
const DAY: u64 = 24 * 3_600 * SECOND;

fn issue(decision: DecisionId) -> Command {
    Command::IssueToken(IssueToken { decision, expires_in_seconds: 600 })
}

fn overriding(decision: DecisionId, is_one_time: bool, expires_at: Option<u64>) -> Command {
    Command::ExecuteOverride(Box::new(ExecuteOverride {
        decision,
        kind: OverrideKind::ExecutiveOverride,
        justification: "Regulator asked for the file today; reviewed with legal".to_owned(),
        original: None,
        is_conditional: false,
        expires_at: expires_at.map(Timestamp),
        scope: OverrideScope { is_one_time: Some(is_one_time), ..OverrideScope::default() },
        evidence: Vec::new(),
        metadata: None,
    }))
}

/// A decision of entry 1 that is denied, and overridden in entry 2.
fn overridden(is_one_time: bool, expires_at: Option<u64>) -> (Machine, DecisionId) {
    let mut machine = Machine::founded();
    let decision = decided(&mut machine, 100, "ai:x");
    recorded(machine.run_as(JANE, 200, overriding(decision, is_one_time, expires_at)));
    (machine, decision)
}

/// A decision of entry 2 that is allowed, with its own token for 300 seconds.
fn allowed() -> (Machine, DecisionId, TokenId) {
    let mut machine = Machine::founded();
    machine.run(100, load(policy()));
    let decision = decided(&mut machine, 100, "ai:a");
    let token = id(&data(&machine, EntryId(2)), "token_id");
    (machine, decision, token)
}

/// Issues a token, and says which and on what it rests.
#[track_caller]
fn issued(machine: &mut Machine, at: u64, decision: DecisionId) -> (TokenId, String) {
    let entry = recorded(machine.run(at, issue(decision)));
    let told = data(machine, entry);
    (id(&told, "token_id"), told.get("basis").and_then(Json::as_str).unwrap().to_owned())
}

#[track_caller]
fn check(machine: &mut Machine, at: u64, decision: DecisionId, code: &str) -> Rejection {
    let before = view::head(&machine.store).unwrap();
    let why = refused(machine.run(at, issue(decision)));
    assert_eq!(why.code(), code, "{why}");
    assert_eq!(view::head(&machine.store).unwrap().state_digest, before.state_digest);
    why
}

fn revoke(token: TokenId) -> Command {
    Command::RevokeToken(RevokeToken { token, reason: "stolen".to_owned() })
}

#[test]
fn a_token_of_an_override_is_one_entry_that_says_what_the_decision_said() {
    let (mut machine, decision) = overridden(false, None);
    let of: OverrideId = id(&data(&machine, EntryId(2)), "override_id");
    let (token, _) = issued(&mut machine, 300, decision);
    let entry = view::entry(&machine.store, EntryId(3)).unwrap().unwrap();
    assert_eq!(entry.header.entry_type, EntryType::TokenIssued);
    assert_eq!((entry.header.actor_seq, &entry.personal), (3, &None));
    let policy_hash = view::active_policy(&machine.store).unwrap().policy_hash;
    let end = Timestamp(300 + 600 * SECOND);
    let expect = format!(
        r#"{{"action":"read","actor":"ai:x","authn":"none","basis":"override","basis_id":"{of}","by":null,"decision_id":"{decision}","policy_hash":"{policy_hash}","resource":null,"token_expires_at":"{end}","token_id":"{token}","tool":null}}"#
    );
    assert_eq!(entry.data.unwrap().text, expect);
    let record = view::token(&machine.store, token).unwrap().unwrap();
    assert_eq!((record.entry_id, record.expires_at, record.revoked), (EntryId(3), end, None));
}

#[test]
fn one_token_of_a_decision_is_active_at_a_time() {
    let (mut machine, decision) = overridden(false, None);
    let (token, _) = issued(&mut machine, 300, decision);
    let until = Timestamp(300 + 600 * SECOND);
    let why = check(&mut machine, until.0 - 1, decision, "token_active");
    assert_eq!(why, Rejection::TokenActive { token, until });
    let (second, basis) = issued(&mut machine, until.0, decision);
    assert_eq!((basis.as_str(), second == token), ("override", false));
    // Whoever revokes one for it was lost gets another while the override stands.
    recorded(machine.run(until.0 + 1, revoke(second)));
    let (third, _) = issued(&mut machine, until.0 + 2, decision);
    assert_ne!(third, second);
}

#[test]
fn an_override_for_one_time_is_used_up() {
    let (mut machine, decision) = overridden(true, Some(DAY));
    let of: OverrideId = id(&data(&machine, EntryId(2)), "override_id");
    let (token, _) = issued(&mut machine, 300, decision);
    let record = view::override_of(&machine.store, of).unwrap().unwrap().record;
    assert_eq!(record.consumed, Some(EntryId(3)));
    assert_eq!(record.status(Timestamp(300)), OverrideStatus::Consumed);
    assert_eq!(
        check(&mut machine, 400, decision, "override_consumed"),
        Rejection::OverrideConsumed { id: of }
    );
    recorded(machine.run(400, revoke(token)));
    check(&mut machine, 500, decision, "override_consumed");
    check(&mut machine, DAY, decision, "not_allowed");
}

#[test]
fn a_token_does_not_outlive_what_it_rests_on() {
    let end = 100 * SECOND;
    let (mut machine, decision) = overridden(false, Some(end));
    let (token, _) = issued(&mut machine, 300, decision);
    let record = view::token(&machine.store, token).unwrap().unwrap();
    assert_eq!(record.expires_at, Timestamp(end));
    check(&mut machine, end, decision, "not_allowed");
}

#[test]
fn a_decision_that_allowed_yields_another_once_its_token_has_expired() {
    let (mut machine, decision, own) = allowed();
    let until = Timestamp(100 + 300 * SECOND);
    let why = check(&mut machine, 200, decision, "token_active");
    assert_eq!(why, Rejection::TokenActive { token: own, until });
    let (second, basis) = issued(&mut machine, until.0, decision);
    assert_eq!(basis, "decision");
    let told = data(&machine, EntryId(3));
    assert_eq!(id::<DecisionId>(&told, "basis_id"), decision);
    check(&mut machine, until.0 + 1, decision, "token_active");
    // Nor is one that was issued later replaced when it is taken back.
    recorded(machine.run(until.0 + 2, revoke(second)));
    check(&mut machine, until.0 + 3, decision, "not_allowed");
    check(&mut machine, 2 * DAY, decision, "not_allowed");
}

#[test]
fn a_token_that_was_revoked_is_not_replaced_by_the_decision_alone() {
    let (mut machine, decision, own) = allowed();
    recorded(machine.run(200, revoke(own)));
    let why = check(&mut machine, 300, decision, "not_allowed");
    assert_eq!(why, Rejection::TokenTakenBack);
    check(&mut machine, 2 * DAY, decision, "not_allowed");
}

#[test]
fn what_is_unknown_lapsed_or_erased_yields_none() {
    let (mut machine, decision) = overridden(false, None);
    check(&mut machine, 300, DecisionId(Ulid(1)), "unknown_decision");
    let last = Timestamp::MAX.0;
    let (mut late, of_late) = overridden(false, None);
    check(&mut late, last, of_late, "not_allowed");
    machine.run(300, erase(ErasedPart::All, EntryId(1)));
    check(&mut machine, 400, decision, "erased");
}

#[test]
fn a_repeated_request_is_answered_with_the_first() {
    let (mut machine, decision) = overridden(true, None);
    let first = machine.run_keyed(300, issue(decision), "k", 1);
    assert_eq!(recorded(first), EntryId(3));
    let again = machine.run_keyed(400, issue(decision), "k", 1);
    assert_eq!(again, Outcome::Replayed(EntryId(3)));
    let other = refused(machine.run_keyed(400, issue(decision), "k", 2));
    assert_eq!(other.code(), "idempotency_conflict");
}

#[test]
fn an_issued_token_goes_with_its_own_entry_and_its_past_stays_known() {
    let (mut machine, decision, own) = allowed();
    let until = 100 + 300 * SECOND;
    let (second, _) = issued(&mut machine, until, decision);
    recorded(machine.run(until + 1, revoke(second)));
    machine.run(until + 2, erase(ErasedPart::All, EntryId(3)));
    assert_eq!(view::token(&machine.store, second), Ok(None));
    assert!(view::token(&machine.store, own).unwrap().is_some());
    let tells = machine.store.rows().any(|(table, _, value)| {
        table == Table::TokenByDecision && value.windows(16).any(|part| part == second.0.key())
    });
    assert!(!tells);
    // What was revoked is not forgotten with its entry.
    check(&mut machine, 2 * DAY, decision, "not_allowed");
    // The decision still counts among what the actor was allowed.
    assert!(machine.store.rows().any(|(table, ..)| table == Table::Allowed));
}

#[test]
fn an_issued_token_is_revoked_as_any_other() {
    let (mut machine, decision) = overridden(false, None);
    let (token, _) = issued(&mut machine, 300, decision);
    let entry = recorded(machine.run(400, revoke(token)));
    let told = data(&machine, entry);
    assert_eq!(id::<DecisionId>(&told, "decision_id"), decision);
    assert_eq!(told.get("actor").and_then(Json::as_str), Some("ai:x"));
    let record = view::token(&machine.store, token).unwrap().unwrap();
    assert_eq!(record.status(Timestamp(400)), Status::Revoked);
}

#[test]
fn one_decision_has_a_thousand_issued_tokens_at_most() {
    let (mut machine, decision) = overridden(false, None);
    for n in 0..1_000 {
        issued(&mut machine, 1_000 + n * 600 * SECOND, decision);
    }
    let why = check(&mut machine, 20 * DAY, decision, "not_allowed");
    assert_eq!(why, Rejection::TooMany { things: "tokens of this decision", there: 1_000 });
}
