//! Second factors: enrolled, confirmed, renewed, by their owner alone.

use ledger::EntryType;
use types::{Digest, SessionId};

use crate::access::Denied;
use crate::command::{Command, ConfirmMfa, EnrollMfa, LoginProof, Principal, RenewBackupCodes};
use crate::login::fixture::{
    MARIA, Machine, PAUL, SECOND, by_password, by_totp, digest, in_session, open, recorded,
    refused, word,
};
use crate::outcome::{Outcome, Rejection};

fn codes() -> Vec<Digest> {
    (20..30).map(digest).collect()
}

fn enroll(secret: u8) -> Command {
    Command::EnrollMfa(Box::new(EnrollMfa { user: MARIA, sealed_secret: vec![secret; 49] }))
}

fn confirm(secret: u8, backup_code_hashes: Vec<Digest>) -> Command {
    let sealed_secret = vec![secret; 49];
    Command::ConfirmMfa(Box::new(ConfirmMfa {
        user: MARIA,
        sealed_secret,
        step: 200,
        backup_code_hashes,
    }))
}

fn renew(step: u64) -> Command {
    Command::RenewBackupCodes(Box::new(RenewBackupCodes {
        user: MARIA,
        step,
        backup_code_hashes: codes(),
    }))
}

fn begun() -> (Machine, SessionId, Principal) {
    let mut machine = Machine::founded();
    let session = machine.log_in(SECOND, by_password(50));
    (machine, session, in_session(MARIA, session))
}

#[test]
fn a_secret_waits_for_its_first_code_and_the_last_one_counts() {
    let (mut machine, _, maria) = begun();
    let entries = machine.entries();
    for secret in [1, 2] {
        assert_eq!(machine.run_for(maria.clone(), SECOND, enroll(secret)), Outcome::Noted);
    }
    assert_eq!(machine.entries(), entries);
    let why = refused(machine.run_for(maria.clone(), SECOND, confirm(1, codes())));
    assert_eq!(why, Rejection::NoMfa);
    for wrong in [vec![], codes()[1..].to_vec(), vec![digest(1); 10]] {
        let why = refused(machine.run_for(maria.clone(), SECOND, confirm(2, wrong)));
        assert_eq!(why, Rejection::NotProven);
    }
    recorded(machine.run_for(maria.clone(), SECOND, confirm(2, codes())));
    let (entry_type, data, personal) = machine.last(1).remove(0);
    assert_eq!(entry_type, EntryType::MfaEnrolled);
    assert_eq!((word(&data, "actor"), personal.as_str()), (MARIA.to_string().as_str(), ""));
    let user = machine.user(MARIA);
    assert_eq!((user.mfa.unwrap().last_step, user.pending_mfa), (200, None));
    for again in [enroll(3), confirm(2, codes())] {
        let why = refused(machine.run_for(maria.clone(), SECOND, again));
        assert_eq!(why, Rejection::MfaEnrolled);
    }
}

#[test]
fn the_code_that_confirmed_a_second_factor_opens_no_session() {
    let (mut machine, _, maria) = begun();
    machine.run_for(maria.clone(), SECOND, enroll(1));
    recorded(machine.run_for(maria, SECOND, confirm(1, codes())));
    machine.challenge(SECOND, 1);
    let again = machine.run(SECOND, Command::OpenSession(Box::new(by_totp(1, 200, 51))));
    assert_eq!(refused(again), Rejection::InvalidCode);
    machine.log_in(SECOND, by_totp(1, 201, 51));
}

#[test]
fn sessions_that_a_password_alone_opened_end_with_the_second_factor() {
    let (mut machine, session, maria) = begun();
    let other = machine.log_in(SECOND, by_password(51));
    let paul = machine.log_in(SECOND, open(PAUL, LoginProof::Password { version: 1 }, 52));
    machine.run_for(maria.clone(), SECOND, enroll(1));
    recorded(machine.run_for(maria, SECOND, confirm(1, codes())));
    let lives = [session, other, paul].map(|id| machine.session(id).is_some());
    assert_eq!(lives, [true, false, true]);
}

#[test]
fn backup_codes_are_renewed_with_a_code_that_was_not_used() {
    let (mut machine, _, maria) = begun();
    let why = refused(machine.run_for(maria.clone(), SECOND, renew(201)));
    assert_eq!(why, Rejection::NoMfa);
    let mfa = Machine::with_mfa().user(MARIA).mfa;
    machine.change(MARIA, |user| user.mfa = mfa);
    let why = refused(machine.run_for(maria.clone(), SECOND, renew(100)));
    assert_eq!(why, Rejection::InvalidCode);
    recorded(machine.run_for(maria, SECOND, renew(101)));
    assert_eq!(machine.last(1)[0].0, EntryType::BackupCodesRenewed);
    let mfa = machine.user(MARIA).mfa.unwrap();
    assert_eq!((mfa.last_step, mfa.backup_code_hashes), (101, codes()));
}

#[test]
fn nobody_touches_the_second_factor_of_another() {
    let (mut machine, _, _) = begun();
    let paul = machine.log_in(SECOND, open(PAUL, LoginProof::Password { version: 1 }, 52));
    let denied = Rejection::Denied(Denied::PermissionDenied);
    for (principal, expect) in [
        (in_session(PAUL, paul), Rejection::NotAuthorised),
        (Principal::node("n1"), Rejection::NotAuthorised),
        (Principal::nobody(), denied),
    ] {
        for command in [enroll(1), confirm(1, codes()), renew(201)] {
            let why = refused(machine.run_for(principal.clone(), SECOND, command));
            assert_eq!(why, expect);
        }
    }
    let (mut machine, _, maria) = begun();
    let too_long = EnrollMfa { user: MARIA, sealed_secret: vec![1; 257] };
    let why = refused(machine.run_for(maria, SECOND, Command::EnrollMfa(Box::new(too_long))));
    assert_eq!(why, Rejection::NotProven);
}
