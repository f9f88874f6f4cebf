//! Sessions: what opens one, what does not, and when one ends.

#![expect(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]

use ledger::EntryType;
use proptest::prelude::*;
use types::{ApiKeyId, SessionId, Timestamp, Ulid};

use crate::access::{self, AccountRole, Denied, Permissions};
use crate::command::{
    Command, LoginProof, OpenChallenge, OpenSession, RevokeSession, TouchCredentials,
};
use crate::login::fixture::{
    HERE, MARIA, MINUTE, Machine, PAUL, SECOND, by_password, by_totp, digest, failed, in_session,
    open, pair, recorded, refused, word,
};
use crate::outcome::{Outcome, Rejection};
use crate::record::ApiKeyRecord;
use crate::store::{Store, Table};
use crate::{codec, view};

const HOUR: u64 = 60 * MINUTE;

fn refuse(machine: &mut Machine, at: u64, open: OpenSession) -> Rejection {
    let before = view::head(&machine.store).unwrap().state_digest;
    let why = refused(machine.run(at, Command::OpenSession(Box::new(open))));
    assert_eq!(view::head(&machine.store).unwrap().state_digest, before);
    why
}

fn by_backup_code(challenge: u8, code: u8, session: u8) -> OpenSession {
    let (challenge_hash, code_hash) = (digest(challenge), digest(code));
    open(MARIA, LoginProof::BackupCode { challenge_hash, code_hash }, session)
}

#[test]
fn a_password_opens_a_session_of_an_account_without_second_factor() {
    let mut machine = Machine::founded();
    let id = machine.log_in(SECOND, by_password(50));
    let (entry_type, data, personal) = machine.last(1).remove(0);
    assert_eq!(entry_type, EntryType::LoginSucceeded);
    let maria = MARIA.to_string();
    let expect = [
        ("actor", maria.as_str()),
        ("authn", "password"),
        ("by", &maria),
        ("session_id", &id.to_string()),
        ("user_id", &maria),
    ];
    for (name, value) in expect {
        assert_eq!(word(&data, name), value);
    }
    assert_eq!(data.iter().count(), expect.len());
    let expect = r#"{"address":"192.0.2.1","email":null,"full_name":null,"username":"maria"}"#;
    assert_eq!(personal, expect);
    assert_eq!(machine.user(MARIA).last_login_at, Some(Timestamp(SECOND)));
    let session = machine.session(id).unwrap();
    assert_eq!((session.hash, session.address.as_str()), (digest(50), HERE));
    let principal = in_session(MARIA, id);
    assert!(access::authority(&machine.store, &principal, Timestamp(SECOND)).unwrap().is_ok());
}

#[test]
fn a_password_that_is_no_longer_in_force_opens_nothing() {
    let mut machine = Machine::with_mfa();
    let wrong = Rejection::InvalidCredentials;
    assert_eq!(refuse(&mut machine, SECOND, by_password(50)), wrong, "needs a second factor");
    let paul = || open(PAUL, LoginProof::Password { version: 1 }, 50);
    machine.change(PAUL, |user| user.password_version = 2);
    assert_eq!(refuse(&mut machine, SECOND, paul()), wrong, "changed");
    machine.change(PAUL, |user| user.password_version = 1);
    machine.change(PAUL, |user| user.is_disabled = true);
    assert_eq!(refuse(&mut machine, SECOND, paul()), wrong, "disabled");
    machine.change(PAUL, |user| user.is_disabled = false);
    machine.log_in(SECOND, paul());
}

#[test]
fn a_code_opens_one_session_and_takes_its_challenge_with_it() {
    let mut machine = Machine::with_mfa();
    machine.challenge(SECOND, 1);
    machine.challenge(SECOND, 2);
    let wrong = refuse(&mut machine, SECOND, by_totp(1, 100, 50));
    assert_eq!(wrong, Rejection::InvalidCode, "used before");
    let id = machine.log_in(SECOND, by_totp(1, 101, 50));
    assert_eq!(machine.session(id).unwrap().authn, "password+totp");
    assert_eq!(machine.user(MARIA).mfa.unwrap().last_step, 101);
    assert_eq!(refuse(&mut machine, SECOND, by_totp(1, 102, 51)), Rejection::ChallengeExpired);
    for step in [100, 101] {
        assert_eq!(refuse(&mut machine, SECOND, by_totp(2, step, 51)), Rejection::InvalidCode);
    }
    machine.log_in(SECOND, by_totp(2, 102, 51));
    assert_eq!(machine.rows(Table::Challenge), 0);
}

#[test]
fn a_backup_code_opens_one_session() {
    let mut machine = Machine::with_mfa();
    machine.challenge(SECOND, 1);
    machine.challenge(SECOND, 2);
    assert_eq!(refuse(&mut machine, SECOND, by_backup_code(1, 11, 50)), Rejection::InvalidCode);
    let id = machine.log_in(SECOND, by_backup_code(1, 4, 50));
    assert_eq!(machine.session(id).unwrap().authn, "password+backup_code");
    let mfa = machine.user(MARIA).mfa.unwrap();
    assert_eq!((mfa.last_step, mfa.backup_code_hashes.len()), (100, 9));
    assert_eq!(refuse(&mut machine, SECOND, by_backup_code(2, 4, 51)), Rejection::InvalidCode);
    machine.log_in(SECOND, by_backup_code(2, 5, 51));
}

#[test]
fn a_challenge_opens_nothing_once_what_it_rests_on_has_changed() {
    let mut machine = Machine::with_mfa();
    machine.challenge(SECOND, 1);
    let right = || by_totp(1, 101, 50);
    machine.change(MARIA, |user| user.password_version = 2);
    assert_eq!(refuse(&mut machine, SECOND, right()), Rejection::InvalidCredentials);
    machine.change(MARIA, |user| user.password_version = 1);
    let mfa = machine.user(MARIA).mfa;
    machine.change(MARIA, |user| user.mfa = None);
    assert_eq!(refuse(&mut machine, SECOND, right()), Rejection::ChallengeExpired);
    machine.change(MARIA, |user| user.mfa = mfa);
    let of_paul = OpenSession { user: PAUL, ..right() };
    assert_eq!(refuse(&mut machine, SECOND, of_paul), Rejection::ChallengeExpired);
    machine.log_in(SECOND, right());
}

#[test]
fn a_login_that_is_proposed_twice_opens_one_session() {
    let mut machine = Machine::founded();
    let entry = recorded(machine.run(SECOND, Command::OpenSession(Box::new(by_password(50)))));
    let again = machine.run(2 * SECOND, Command::OpenSession(Box::new(by_password(50))));
    assert_eq!(again, Outcome::Replayed(entry));
    assert_eq!(machine.rows(Table::Session), 1);
    let of_paul = open(PAUL, LoginProof::Password { version: 1 }, 50);
    assert_eq!(refuse(&mut machine, SECOND, of_paul), Rejection::InvalidCredentials);
}

#[test]
fn the_oldest_of_a_hundred_sessions_gives_way_and_what_is_over_goes_first() {
    let mut machine = Machine::founded();
    let first = machine.log_in(SECOND, by_password(1));
    let sessions: Vec<_> = (2..=100)
        .map(|hash| machine.log_in(10 * MINUTE + u64::from(hash) * SECOND, by_password(hash)))
        .collect();
    assert_eq!(machine.rows(Table::Session), 100);
    let now = 16 * MINUTE;
    machine.log_in(now, by_password(101));
    assert!(machine.session(first).is_none(), "not used for a quarter of an hour");
    assert!(machine.session(sessions[0]).is_some());
    machine.log_in(now, by_password(102));
    assert!(machine.session(sessions[0]).is_none(), "the oldest");
    assert!(machine.session(sessions[1]).is_some());
    for table in [Table::Session, Table::SessionByHash, Table::SessionByUser, Table::Deadline] {
        assert_eq!(machine.rows(table), 100, "{table:?}");
    }
}

#[test]
fn a_session_leaves_no_row_after_its_last_hour_and_no_entry() {
    let mut machine = Machine::founded();
    machine.log_in(SECOND, by_password(50));
    let entries = machine.entries();
    machine.run(12 * HOUR + SECOND - 1, Command::Tick);
    assert_eq!(machine.rows(Table::Session), 1);
    machine.run(12 * HOUR + SECOND, Command::Tick);
    for table in [Table::Session, Table::SessionByHash, Table::SessionByUser, Table::Deadline] {
        assert_eq!(machine.rows(table), 0, "{table:?}");
    }
    assert_eq!(machine.entries(), entries);
}

fn touch(machine: &mut Machine, at: u64, session: SessionId, used_at: u64) {
    let sessions = vec![(session, Timestamp(used_at))];
    let touch = TouchCredentials { sessions, keys: Vec::new() };
    assert_eq!(machine.run(at, Command::TouchCredentials(Box::new(touch))), Outcome::Noted);
}

#[test]
fn use_prolongs_a_session_and_nothing_brings_one_back() {
    let mut machine = Machine::founded();
    let id = machine.log_in(MINUTE, by_password(50));
    let touched = |machine: &Machine| machine.session(id).unwrap().touched_at.0;
    touch(&mut machine, 10 * MINUTE, id, 9 * MINUTE);
    assert_eq!(touched(&machine), 9 * MINUTE);
    touch(&mut machine, 11 * MINUTE, id, 2 * MINUTE);
    assert_eq!(touched(&machine), 9 * MINUTE, "an older report");
    touch(&mut machine, 12 * MINUTE, id, 5 * HOUR);
    assert_eq!(touched(&machine), 12 * MINUTE, "a clock that is ahead");
    let over = 27 * MINUTE;
    touch(&mut machine, over, id, over - 1);
    assert_eq!(touched(&machine), 12 * MINUTE);
    let principal = in_session(MARIA, id);
    let authority = access::authority(&machine.store, &principal, Timestamp(over)).unwrap();
    assert_eq!(authority.unwrap_err(), Denied::SessionExpired);
}

#[test]
fn use_of_a_key_is_noted_and_a_report_is_bounded() {
    let mut machine = Machine::founded();
    let key = ApiKeyId(Ulid(5));
    let record = ApiKeyRecord {
        entry_id: types::EntryId(0),
        owner: MARIA.to_string(),
        name: "ci".to_owned(),
        hash: digest(3),
        actor_prefixes: Vec::new(),
        permissions: Permissions::NONE,
        created_at: Timestamp(1),
        expires_at: None,
        last_used_at: None,
        revoked: None,
    };
    machine.store.put(Table::ApiKey, &key.0.key(), &codec::encode("api_key", &record).unwrap());
    let report =
        |keys| Command::TouchCredentials(Box::new(TouchCredentials { sessions: Vec::new(), keys }));
    for (used_at, expect) in [(5, 5), (3, 5), (900, 10)] {
        let keys = vec![(key, Timestamp(used_at)), (ApiKeyId(Ulid(6)), Timestamp(1))];
        assert_eq!(machine.run(10, report(keys)), Outcome::Noted);
        let used = view::api_key(&machine.store, key).unwrap().unwrap().last_used_at;
        assert_eq!(used, Some(Timestamp(expect)));
    }
    let why = refused(machine.run(10, report(vec![(key, Timestamp(1)); 1001])));
    assert!(matches!(why, Rejection::TooMany { .. }));
}

#[test]
fn a_session_is_ended_by_its_owner_or_by_who_manages_accounts() {
    let mut machine = Machine::founded();
    let maria = machine.log_in(SECOND, by_password(50));
    let other = machine.log_in(SECOND, by_password(51));
    let paul = machine.log_in(SECOND, open(PAUL, LoginProof::Password { version: 1 }, 52));
    let revoke = |session| Command::RevokeSession(RevokeSession { session });
    let as_maria = in_session(MARIA, maria);
    let as_paul = in_session(PAUL, paul);
    for (principal, session) in [(&as_paul, maria), (&as_paul, SessionId(Ulid(9)))] {
        let why = refused(machine.run_for(principal.clone(), SECOND, revoke(session)));
        assert_eq!(why, Rejection::UnknownSession);
    }
    recorded(machine.run_for(as_maria.clone(), SECOND, revoke(other)));
    let (entry_type, data, _) = machine.last(1).remove(0);
    assert_eq!(entry_type, EntryType::SessionRevoked);
    assert_eq!(word(&data, "session_id"), other.to_string());
    assert_eq!(word(&data, "actor"), MARIA.to_string());
    assert_eq!(word(&data, "by"), MARIA.to_string());
    let again = refused(machine.run_for(as_maria.clone(), SECOND, revoke(other)));
    assert_eq!(again, Rejection::UnknownSession);
    machine.change(PAUL, |user| user.role = AccountRole::Admin);
    let without_mfa = refused(machine.run_for(as_paul.clone(), SECOND, revoke(maria)));
    assert_eq!(without_mfa, Rejection::UnknownSession);
    let mfa = Machine::with_mfa().user(MARIA).mfa;
    machine.change(PAUL, |user| user.mfa = mfa);
    recorded(machine.run_for(as_paul, SECOND, revoke(maria)));
    let why = refused(machine.run_for(as_maria, SECOND, revoke(maria)));
    assert_eq!(why, Rejection::Denied(Denied::SessionRevoked));
    assert_eq!(machine.rows(Table::Session), 1);
    assert_eq!(machine.rows(Table::Deadline), 1);
}

/// What may happen to one account, in any order.
#[derive(Clone, Debug)]
enum Event {
    Challenge { hash: u8, version: u32 },
    Password { version: u32 },
    Totp { challenge: u8, step: u64 },
    BackupCode { challenge: u8, code: u8 },
    Fail { challenge: Option<u8> },
    ChangePassword,
    ToggleMfa,
    Disable(bool),
    Wait(u64),
}

fn event() -> impl Strategy<Value = Event> {
    let challenge = || 1..4_u8;
    prop_oneof![
        3 => (challenge(), 1..4_u32).prop_map(|(hash, version)| Event::Challenge { hash, version }),
        1 => (1..4_u32).prop_map(|version| Event::Password { version }),
        4 => (challenge(), 99..104_u64).prop_map(|(challenge, step)| Event::Totp { challenge, step }),
        1 => (challenge(), 1..13_u8)
            .prop_map(|(challenge, code)| Event::BackupCode { challenge, code }),
        1 => proptest::option::of(challenge()).prop_map(|challenge| Event::Fail { challenge }),
        1 => Just(Event::ChangePassword),
        1 => Just(Event::ToggleMfa),
        1 => any::<bool>().prop_map(Event::Disable),
        1 => (1..20_u64).prop_map(|minutes| Event::Wait(minutes * MINUTE)),
    ]
}

/// A machine, and what it must be held to.
struct Held {
    machine: Machine,
    at: u64,
    sessions: u8,
    /// Of each challenge, the version of the password it was opened with.
    challenges: std::collections::BTreeMap<u8, u32>,
    steps: Vec<u64>,
    codes: Vec<u8>,
}

impl Held {
    fn new() -> Self {
        let (machine, challenges) = (Machine::with_mfa(), Default::default());
        Self { machine, at: SECOND, sessions: 100, challenges, steps: vec![], codes: vec![] }
    }

    /// Whether a proof opened a session.
    fn opens(&mut self, proof: LoginProof) -> bool {
        self.sessions = self.sessions.wrapping_add(1);
        let open = open(MARIA, proof, self.sessions);
        let outcome = self.machine.run(self.at, Command::OpenSession(Box::new(open)));
        matches!(outcome, Outcome::Recorded(_))
    }

    fn step(&mut self, event: Event) {
        let version = self.machine.user(MARIA).password_version;
        match event {
            Event::Challenge { hash, version } => self.challenge(hash, version),
            Event::Password { version: shown } => {
                let is_open = self.opens(LoginProof::Password { version: shown });
                let user = self.machine.user(MARIA);
                assert!(!is_open || (shown == version && user.mfa.is_none() && !user.is_disabled));
            }
            Event::Totp { challenge, step } => {
                let challenge_hash = digest(challenge);
                if self.opens(LoginProof::Totp { challenge_hash, step }) {
                    assert!(!self.steps.contains(&step), "step {step} twice");
                    self.steps.push(step);
                    assert_eq!(self.challenges.remove(&challenge), Some(version));
                }
            }
            Event::BackupCode { challenge, code } => {
                let (challenge_hash, code_hash) = (digest(challenge), digest(code));
                if self.opens(LoginProof::BackupCode { challenge_hash, code_hash }) {
                    assert!(!self.codes.contains(&code), "code {code} twice");
                    self.codes.push(code);
                    assert_eq!(self.challenges.remove(&challenge), Some(version));
                }
            }
            Event::Fail { challenge } => {
                let mut fail = failed(Some(MARIA), "maria");
                fail.challenge_hash = challenge.map(digest);
                self.machine.run(self.at, Command::FailLogin(Box::new(fail)));
            }
            Event::ChangePassword => {
                self.machine.change(MARIA, |user| user.password_version += 1);
            }
            Event::ToggleMfa => self.toggle_mfa(),
            Event::Disable(is_disabled) => {
                self.machine.change(MARIA, |user| user.is_disabled = is_disabled);
            }
            Event::Wait(micros) => {
                self.at += micros;
                self.machine.run(self.at, Command::Tick);
            }
        }
    }

    fn challenge(&mut self, hash: u8, version: u32) {
        let open = OpenChallenge {
            user: MARIA,
            password_version: version,
            challenge_hash: digest(hash),
            pair: pair("maria"),
            address: HERE.to_owned(),
        };
        if self.machine.run(self.at, Command::OpenChallenge(Box::new(open))) == Outcome::Noted {
            self.challenges.insert(hash, version);
        }
    }

    /// Taken away and put back as it was: what was used of it stays used.
    fn toggle_mfa(&mut self) {
        let user = self.machine.user(MARIA);
        match user.mfa {
            Some(mfa) => self.machine.change(MARIA, |user| {
                user.pending_mfa = Some(codec::encode("mfa", &mfa).unwrap());
                user.mfa = None;
            }),
            None => self.machine.change(MARIA, |user| {
                let kept = user.pending_mfa.take().unwrap();
                user.mfa = Some(codec::decode("mfa", &kept).unwrap());
            }),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_proof_opens_one_session_and_none_with_an_old_password(
        events in proptest::collection::vec(event(), 1..60)
    ) {
        let mut held = Held::new();
        for event in events {
            held.step(event);
        }
        // Every row that a session has is there, and no other.
        let sessions = held.machine.rows(Table::Session);
        for table in [Table::SessionByHash, Table::SessionByUser] {
            assert_eq!(held.machine.rows(table), sessions);
        }
        let others = held.machine.rows(Table::Challenge) + held.machine.rows(Table::LoginPair);
        assert_eq!(held.machine.rows(Table::Deadline), sessions + others);
    }
}

#[test]
fn the_events_of_the_property_reach_what_it_speaks_of() {
    let mut held = Held::new();
    for event in [
        Event::Challenge { hash: 1, version: 1 },
        Event::Totp { challenge: 1, step: 101 },
        Event::Challenge { hash: 2, version: 1 },
        Event::BackupCode { challenge: 2, code: 1 },
        Event::ToggleMfa,
        Event::Password { version: 1 },
    ] {
        held.step(event);
    }
    assert_eq!((held.steps.len(), held.codes.len()), (1, 1));
    assert_eq!(held.machine.rows(Table::Session), 3);
}
