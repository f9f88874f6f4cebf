//! Challenges, failed logins and accounts of providers.

use std::collections::BTreeSet;

use types::{Json, Timestamp};

use super::fixture::{
    HERE, MARIA, MINUTE, Machine, PAUL, SECOND, by_password, by_totp, digest, failed, open, pair,
    recorded, refused, word,
};
use crate::access::{self, AccountRole};
use crate::command::{
    Command, FailLogin, LinkOidc, LoginProof, OidcAccount, OpenChallenge, Principal,
};
use crate::outcome::{Outcome, Rejection};
use crate::store::Table;
use crate::{deadline, view};
use ledger::EntryType;
use types::UserId;

fn fail(machine: &mut Machine, at: u64, name: &str) -> Outcome {
    let user = [("maria", MARIA), ("paul", PAUL)].into_iter().find(|(known, _)| *known == name);
    machine.run(at, Command::FailLogin(Box::new(failed(user.map(|(_, user)| user), name))))
}

fn wrong_code(machine: &mut Machine, at: u64, challenge: u8) -> Outcome {
    let challenge_hash = Some(digest(challenge));
    let fail = FailLogin { challenge_hash, ..failed(Some(MARIA), "maria") };
    machine.run(at, Command::FailLogin(Box::new(fail)))
}

#[test]
fn a_challenge_waits_five_minutes_and_leaves_nothing_behind() {
    let mut machine = Machine::with_mfa();
    let entries = machine.entries();
    assert_eq!(machine.challenge(SECOND, 1), Outcome::Noted);
    let late = by_totp(1, 101, 50);
    let at = 5 * MINUTE + SECOND;
    let why = refused(machine.run(at, Command::OpenSession(Box::new(late))));
    assert_eq!(why, Rejection::ChallengeExpired);
    machine.run(at, Command::Tick);
    assert_eq!(machine.entries(), entries);
    for table in [Table::Challenge, Table::ChallengeByUser, Table::Deadline] {
        assert_eq!(machine.rows(table), 0, "{table:?}");
    }
}

#[test]
fn a_challenge_needs_a_password_in_force_and_a_second_factor() {
    let mut machine = Machine::with_mfa();
    let ask = |machine: &mut Machine, user, password_version| {
        let (pair, challenge_hash) = (pair("maria"), digest(1));
        let address = HERE.to_owned();
        let open = OpenChallenge { user, password_version, challenge_hash, pair, address };
        machine.run(SECOND, Command::OpenChallenge(Box::new(open)))
    };
    for (user, version) in [(MARIA, 2), (MARIA, 0), (PAUL, 1), (UserId(types::Ulid(9)), 1)] {
        let why = refused(ask(&mut machine, user, version));
        assert_eq!(why, Rejection::InvalidCredentials);
    }
    machine.change(MARIA, |user| user.is_disabled = true);
    assert_eq!(refused(ask(&mut machine, MARIA, 1)), Rejection::InvalidCredentials);
    machine.change(MARIA, |user| user.is_disabled = false);
    assert_eq!(ask(&mut machine, MARIA, 1), Outcome::Noted);
}

#[test]
fn a_challenge_takes_three_wrong_codes_and_no_right_one_after_them() {
    let mut machine = Machine::with_mfa();
    machine.challenge(SECOND, 1);
    for _ in 0..3 {
        assert_eq!(wrong_code(&mut machine, SECOND, 1), Outcome::Noted);
        // Proposed twice, it does not begin anew.
        assert_eq!(machine.challenge(SECOND, 1), Outcome::Noted);
    }
    assert_eq!(refused(wrong_code(&mut machine, SECOND, 1)), Rejection::ChallengeExhausted);
    let right = machine.run(SECOND, Command::OpenSession(Box::new(by_totp(1, 101, 50))));
    assert_eq!(refused(right), Rejection::ChallengeExhausted);
    assert_eq!(refused(wrong_code(&mut machine, SECOND, 2)), Rejection::ChallengeExpired);
    // Another challenge has its own three, until the fifth failure of the pair.
    machine.challenge(SECOND, 2);
    assert_eq!(wrong_code(&mut machine, SECOND, 2), Outcome::Noted);
    recorded(wrong_code(&mut machine, SECOND, 2));
}

#[test]
fn the_oldest_challenge_of_an_account_gives_way() {
    let mut machine = Machine::with_mfa();
    for hash in 1..=11 {
        assert_eq!(machine.challenge(u64::from(hash) * SECOND, hash), Outcome::Noted);
    }
    assert_eq!(machine.rows(Table::Challenge), 10);
    assert_eq!(machine.rows(Table::Deadline), 10);
    assert_eq!(view::challenge(&machine.store, &digest(1)).unwrap(), None);
    assert!(view::challenge(&machine.store, &digest(2)).unwrap().is_some());
}

#[test]
fn the_fifth_failure_within_half_an_hour_locks_the_pair_alone() {
    let mut machine = Machine::founded();
    let entries = machine.entries();
    for minute in 0..4 {
        assert_eq!(fail(&mut machine, minute * SECOND, "maria"), Outcome::Noted);
    }
    assert_eq!(machine.entries(), entries);
    recorded(fail(&mut machine, 5 * SECOND, "maria"));
    let (entry_type, data, personal) = machine.last(1).remove(0);
    assert_eq!(entry_type, EntryType::AccountLocked);
    let until = Timestamp(30 * MINUTE + 5 * SECOND);
    assert_eq!(word(&data, "locked_until"), until.to_string());
    assert_eq!(word(&data, "actor"), MARIA.to_string());
    assert_eq!(data.get("count").unwrap().to_canonical(), "5");
    let expect = r#"{"address":"192.0.2.1","email":null,"full_name":null,"username":"maria"}"#;
    assert_eq!(personal, expect);
    let locked = Rejection::AccountLocked { until };
    let right = Command::OpenSession(Box::new(by_password(50)));
    assert_eq!(refused(machine.run(6 * SECOND, right.clone())), locked);
    assert_eq!(refused(fail(&mut machine, 6 * SECOND, "maria")), locked);
    machine.log_in(6 * SECOND, open(PAUL, LoginProof::Password { version: 1 }, 51));
    recorded(machine.run(until.0, right));
}

#[test]
fn failures_that_are_too_far_apart_lock_nothing() {
    let mut machine = Machine::founded();
    for count in 0..20 {
        let outcome = fail(&mut machine, count * 8 * MINUTE, "maria");
        assert_eq!(outcome, Outcome::Noted, "failure {count}");
    }
}

#[test]
fn a_login_that_succeeds_forgets_the_failures_before_it() {
    let mut machine = Machine::founded();
    for second in 1..=8 {
        assert_eq!(fail(&mut machine, second * SECOND, "maria"), Outcome::Noted);
        if second % 4 == 0 {
            let session = u8::try_from(second).unwrap();
            machine.log_in(second * SECOND, by_password(session));
        }
    }
    // The ledger hears of all eight even so.
    machine.run(6 * MINUTE, Command::Tick);
    let (entry_type, data, _) = machine.last(1).remove(0);
    assert_eq!(entry_type, EntryType::LoginFailed);
    assert_eq!(data.get("count").unwrap().to_canonical(), "8");
    assert_eq!(machine.rows(Table::LoginPair), 0);
}

#[test]
fn the_ledger_is_told_of_a_pair_once_in_five_minutes() {
    let mut machine = Machine::founded();
    let entries = machine.entries();
    for at in [MINUTE, 2 * MINUTE, 3 * MINUTE] {
        fail(&mut machine, at, "maria");
    }
    assert_eq!(deadline::next(&machine.store).unwrap(), Some(Timestamp(6 * MINUTE)));
    machine.run(6 * MINUTE - 1, Command::Tick);
    assert_eq!(machine.entries(), entries);
    machine.run(6 * MINUTE, Command::Tick);
    let (entry_type, data, personal) = machine.last(1).remove(0);
    assert_eq!(entry_type, EntryType::LoginFailed);
    let times = [("from", MINUTE), ("to", 3 * MINUTE)];
    for (name, at) in times {
        assert_eq!(word(&data, name), Timestamp(at).to_string());
    }
    assert_eq!(data.get("count").unwrap().to_canonical(), "3");
    assert_eq!(word(&data, "actor"), MARIA.to_string());
    assert!(personal.contains(r#""username":"maria""#), "{personal}");
    // The failures count on, and are forgotten half an hour after the last.
    assert_eq!(machine.rows(Table::LoginPair), 1);
    assert_eq!(deadline::next(&machine.store).unwrap(), Some(Timestamp(33 * MINUTE)));
    machine.run(33 * MINUTE, Command::Tick);
    for table in [Table::LoginPair, Table::LoginPairByAge, Table::Deadline] {
        assert_eq!(machine.rows(table), 0, "{table:?}");
    }
    assert_eq!(machine.entries(), entries + 1);
}

#[test]
fn names_that_nobody_has_are_locked_alike_and_told_of_together_without_the_name() {
    let mut machine = Machine::founded();
    let entries = machine.entries();
    for name in ["hunter2", "swordfish"] {
        for count in 1..=5 {
            fail(&mut machine, SECOND, name);
            let is_locked = crate::view::login_pair(&machine.store, &pair(name)).unwrap().unwrap();
            assert_eq!(is_locked.locked_until.is_some(), count == 5, "{name} {count}");
        }
    }
    // One lock is told of, and one aggregate.
    machine.run(5 * MINUTE + SECOND, Command::Tick);
    assert_eq!(machine.entries(), entries + 2);
    let told = machine.last(2);
    let types: Vec<_> = told.iter().map(|(entry_type, ..)| *entry_type).collect();
    assert_eq!(types, [EntryType::AccountLocked, EntryType::LoginFailed]);
    assert_eq!(told[1].1.get("count").unwrap().to_canonical(), "10");
    for (_, data, personal) in told {
        assert_eq!(data.get("actor"), None);
        assert_eq!(data.get("user_id"), Some(&Json::Null));
        assert!(personal.contains(r#""username":null"#), "{personal}");
    }
    for name in ["hunter2", "swordfish"] {
        assert!(matches!(
            refused(fail(&mut machine, 6 * MINUTE, name)),
            Rejection::AccountLocked { .. }
        ));
    }
}

#[test]
fn an_unlocked_account_may_try_again_and_its_failures_are_told_of_even_so() {
    let mut machine = Machine::founded();
    for _ in 0..5 {
        fail(&mut machine, SECOND, "maria");
        fail(&mut machine, SECOND, "paul");
    }
    machine.with_context(2 * SECOND, |context| {
        super::pairs::forget(context, &BTreeSet::from([MARIA])).unwrap()
    });
    machine.log_in(3 * SECOND, by_password(50));
    let paul = open(PAUL, LoginProof::Password { version: 1 }, 51);
    let why = refused(machine.run(3 * SECOND, Command::OpenSession(Box::new(paul))));
    assert!(matches!(why, Rejection::AccountLocked { .. }));
    machine.run(6 * MINUTE, Command::Tick);
    let told = machine.last(2);
    assert!(told.iter().all(|(entry_type, ..)| *entry_type == EntryType::LoginFailed), "{told:?}");
}

#[test]
fn a_pair_that_was_tried_before_the_account_was_made_is_unlocked_with_it() {
    let mut machine = Machine::founded();
    // As before Maria had an account.
    for _ in 0..3 {
        machine.run(SECOND, Command::FailLogin(Box::new(failed(None, "maria"))));
    }
    for _ in 0..2 {
        fail(&mut machine, 2 * SECOND, "maria");
    }
    let known = view::login_pair(&machine.store, &pair("maria")).unwrap().unwrap();
    assert!(known.locked_until.is_some() && known.user == Some(MARIA), "{known:?}");
    machine.with_context(3 * SECOND, |context| {
        super::pairs::forget(context, &BTreeSet::from([MARIA])).unwrap();
    });
    machine.log_in(4 * SECOND, by_password(50));
}

#[test]
fn of_ten_thousand_pairs_the_oldest_gives_way_and_is_told_of_first() {
    let mut machine = Machine::founded();
    fail(&mut machine, SECOND, "maria");
    // With the row under which unknown names are told of that makes 10,000.
    for number in 0..9_998_u32 {
        fail(&mut machine, 2 * SECOND, &format!("nobody{number}"));
    }
    let entries = machine.entries();
    assert_eq!(machine.rows(Table::LoginPair), 10_000);
    fail(&mut machine, 3 * SECOND, "one more");
    assert_eq!(machine.rows(Table::LoginPair), 10_000);
    assert_eq!(machine.rows(Table::LoginPairByAge), 10_000);
    assert_eq!(machine.entries(), entries + 1);
    let (entry_type, data, _) = machine.last(1).remove(0);
    assert_eq!(entry_type, EntryType::LoginFailed);
    assert_eq!(word(&data, "actor"), MARIA.to_string());
    assert_eq!(view::login_pair(&machine.store, &pair("maria")).unwrap(), None);
}

fn link(subject: &str, account: OidcAccount) -> Command {
    let (provider, subject) = ("corp".to_owned(), subject.to_owned());
    Command::LinkOidc(Box::new(LinkOidc { provider, subject, account }))
}

fn new(username: &str, email: &str, role: AccountRole) -> OidcAccount {
    let (username, email) = (username.to_owned(), email.to_owned());
    OidcAccount::New { username, email, full_name: Some("Ada L".to_owned()), role }
}

fn by_provider(user: UserId, subject: &str, session: u8) -> Command {
    let (provider, subject) = ("corp".to_owned(), subject.to_owned());
    Command::OpenSession(Box::new(open(user, LoginProof::Oidc { provider, subject }, session)))
}

#[test]
fn a_subject_is_linked_to_one_account_and_logs_in_there_alone() {
    let mut machine = Machine::with_mfa();
    recorded(machine.run(SECOND, link("s1", OidcAccount::Existing(MARIA))));
    let (entry_type, data, personal) = machine.last(1).remove(0);
    assert_eq!(entry_type, EntryType::OidcLinked);
    assert_eq!(data.get("created").unwrap().to_canonical(), "false");
    assert_eq!(word(&data, "actor"), MARIA.to_string());
    assert_eq!(personal, "");
    assert_eq!(machine.run(SECOND, link("s1", OidcAccount::Existing(MARIA))), Outcome::Noted);
    let other = refused(machine.run(SECOND, link("s1", OidcAccount::Existing(PAUL))));
    assert_eq!(other, Rejection::UserExists { what: "subject" });
    let unknown = OidcAccount::Existing(UserId(types::Ulid(9)));
    assert_eq!(refused(machine.run(SECOND, link("s2", unknown))), Rejection::UnknownUser);
    for subject in [String::new(), "s".repeat(256)] {
        let why = refused(machine.run(SECOND, link(&subject, OidcAccount::Existing(PAUL))));
        assert_eq!(why, Rejection::NotProven);
    }
    machine.change(PAUL, |user| user.is_disabled = true);
    let disabled = refused(machine.run(SECOND, link("s2", OidcAccount::Existing(PAUL))));
    assert_eq!(disabled, Rejection::InvalidCredentials);
    for (user, subject) in [(PAUL, "s1"), (MARIA, "s2")] {
        let why = refused(machine.run(SECOND, by_provider(user, subject, 50)));
        assert_eq!(why, Rejection::InvalidCredentials);
    }
    let mfa = machine.user(MARIA).mfa;
    recorded(machine.run(SECOND, by_provider(MARIA, "s1", 50)));
    assert_eq!(machine.user(MARIA).mfa, mfa);
}

#[test]
fn a_provider_makes_an_account_without_password_once() {
    let mut machine = Machine::founded();
    let account = || new("Ada", "ada@example.org", AccountRole::Viewer);
    let entry = recorded(machine.run(SECOND, link("s1", account())));
    let (_, data, personal) = machine.last(1).remove(0);
    assert_eq!(data.get("created").unwrap().to_canonical(), "true");
    assert_eq!(word(&data, "role"), "viewer");
    let expect =
        r#"{"address":null,"email":"ada@example.org","full_name":"Ada L","username":"Ada"}"#;
    assert_eq!(personal, expect);
    assert_eq!(machine.run(SECOND, link("s1", account())), Outcome::Noted);
    let (id, user) = view::user_of_oidc(&machine.store, "corp", "s1").unwrap().unwrap();
    assert_eq!(word(&data, "actor"), id.to_string());
    assert_eq!((user.entry_id, user.password_hashes.len()), (entry, 0));
    assert_eq!(view::user_by_username(&machine.store, "ADA").unwrap().unwrap().0, id);
    assert_eq!(view::user_by_email(&machine.store, "ada@EXAMPLE.org").unwrap().unwrap().0, id);
    for version in [0, 1] {
        let by_password = open(id, LoginProof::Password { version }, 50);
        let why = refused(machine.run(SECOND, Command::OpenSession(Box::new(by_password))));
        assert_eq!(why, Rejection::InvalidCredentials);
    }
    recorded(machine.run(SECOND, by_provider(id, "s1", 50)));
    for (what, account) in [
        ("username", new("MARIA", "m@example.org", AccountRole::Viewer)),
        ("email", new("m", "Maria@example.org", AccountRole::Viewer)),
    ] {
        let why = refused(machine.run(SECOND, link("s2", account)));
        assert_eq!(why, Rejection::UserExists { what });
    }
}

#[test]
fn an_administrator_of_a_provider_closes_the_cluster() {
    let mut machine = Machine::founded();
    assert!(!access::is_closed(&machine.store).unwrap());
    let account = new("ada", "ada@example.org", AccountRole::Admin);
    recorded(machine.run(SECOND, link("s1", account)));
    assert!(access::is_closed(&machine.store).unwrap());
}

#[test]
fn nobody_but_a_node_says_that_somebody_logged_in() {
    let mut machine = Machine::founded();
    let admin = new("ada", "ada@example.org", AccountRole::Admin);
    recorded(machine.run(SECOND, link("s1", admin)));
    let session = machine.log_in(SECOND, by_password(50));
    let maria = super::fixture::in_session(MARIA, session);
    for command in [
        Command::OpenSession(Box::new(by_password(51))),
        Command::FailLogin(Box::new(failed(Some(PAUL), "paul"))),
        link("s2", OidcAccount::Existing(MARIA)),
    ] {
        for principal in [maria.clone(), Principal::nobody()] {
            let why = refused(machine.run_for(principal, 2 * SECOND, command.clone()));
            assert!(matches!(why, Rejection::Denied(_)), "{why:?}");
        }
    }
}
