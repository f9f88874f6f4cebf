//! Accounts: who may make and change one, what is recorded, what ends with it, and
//! that there is always somebody who manages them.

use crate::people::{
    OIDC, account, begin_mfa, change, create, fail_login, key, log_in, new_key, new_user, of_key,
    person, socket, update, updating,
};
use crate::support::{Machine, data, decide, envelope, erase, named, recorded, refused};
use governance::access::{AccountRole, Denied, Permission, is_closed};
use governance::command::{
    ChangePassword, Command, CreateUser, EntryRange, Erase, ErasedPart, ErasureCause, Idempotency,
    Principal, UpdateUser, UserChange,
};
use governance::oversight::Role;
use governance::{Cache, Envelope, Outcome, Rejection, Store as _, Table, view};
use ledger::EntryType;
use types::{Digest, EntryId, UserId};

const ADMIN: (AccountRole, &[Role]) = (AccountRole::Admin, &[]);
const VIEWER: (AccountRole, &[Role]) = (AccountRole::Viewer, &[]);

/// A closed cluster and its administrator.
fn closed() -> (Machine, Principal) {
    let mut machine = Machine::founded();
    let admin = person(&mut machine, 100, "root", ADMIN);
    (machine, admin)
}

fn user_of(principal: &Principal) -> UserId {
    principal.id.parse().unwrap()
}

/// Refused, and nothing is written.
#[track_caller]
fn check(machine: &mut Machine, who: &Principal, command: Command, expect: Rejection) {
    let before = view::head(&machine.store).unwrap().state_digest;
    assert_eq!(refused(machine.run_for(who.clone(), 900, command)), expect);
    assert_eq!(view::head(&machine.store).unwrap().state_digest, before);
}

fn password(user: UserId, version: u32, hash: &str) -> Command {
    let password_hash = hash.to_owned();
    Command::ChangePassword(Box::new(ChangePassword { user, version, password_hash }))
}

/// After so long the ledger has been told of a failed login.
const REPORTED: u64 = 6 * 60 * 1_000_000;

#[test]
fn an_account_is_one_entry_of_two_parts_and_no_hash() {
    let (mut machine, admin) = closed();
    let new = new_user("Maria", AccountRole::Auditor, &[Role::GovernanceLead]);
    let entry = recorded(machine.run_for(admin.clone(), 200, create(new)));
    let entry = view::entry(&machine.store, entry).unwrap().unwrap();
    assert_eq!((entry.header.entry_type, entry.header.actor_seq), (EntryType::UserCreated, 1));
    let (id, user) = view::user_by_username(&machine.store, "mARIA").unwrap().unwrap();
    let (by, session) = (&admin.id, admin.credential_id.unwrap());
    let expect = format!(
        r#"{{"actor":"{id}","authn":"oidc","by":"{by}","credential_id":"{session}","oversight_roles":["governance_lead"],"role":"auditor","user_id":"{id}"}}"#
    );
    assert_eq!(entry.data.unwrap().text, expect);
    let expect = r#"{"address":null,"email":"Maria@example.org","full_name":"Maria of Example","username":"Maria"}"#;
    assert_eq!(entry.personal.unwrap().text, expect);
    assert_eq!((user.password_version, user.is_disabled, user.mfa), (1, false, None));
    let by_email = view::user_by_email(&machine.store, "MARIA@example.org").unwrap().unwrap();
    assert_eq!((by_email.0, by_email.1.entry_id), (id, EntryId(2)));
    assert_eq!(view::users_total(&machine.store).unwrap(), (2, true));
}

#[test]
fn names_are_taken_once_in_any_letter_case() {
    let (mut machine, admin) = closed();
    recorded(machine.run_for(
        admin.clone(),
        200,
        create(new_user("ana", AccountRole::Viewer, &[])),
    ));
    let taken = |what| Rejection::UserExists { what };
    let same_name = new_user("ANA", AccountRole::Viewer, &[]);
    check(&mut machine, &admin, create(same_name), taken("username"));
    let mut same_email = new_user("leo", AccountRole::Viewer, &[]);
    same_email.email = "Ana@Example.org".to_owned();
    check(&mut machine, &admin, create(same_email), taken("email"));
    for (username, email, member) in [
        ("", "leo@example.org", "username"),
        ("leo\0", "leo@example.org", "username"),
        ("ana@example.org", "leo@example.org", "username"),
        ("leo", "leo", "email"),
        ("leo", "leo@ana@example.org", "email"),
        ("leo", "@example.org", "email"),
        ("leo", "l eo@example.org", "email"),
    ] {
        let mut unfit = new_user(username, AccountRole::Viewer, &[]);
        unfit.email = email.to_owned();
        check(&mut machine, &admin, create(unfit), Rejection::OutOfBounds { member });
    }
    for name in ["governance_team", "Executive"] {
        let reserved = Rejection::NameReserved { name: name.to_owned() };
        check(&mut machine, &admin, create(new_user(name, AccountRole::Viewer, &[])), reserved);
    }
}

#[test]
fn a_password_is_kept_as_argon2id_or_not_at_all() {
    let (mut machine, admin) = closed();
    let plain = || "correct horse battery staple".to_owned();
    let new = CreateUser { password_hash: plain(), ..new_user("ana", AccountRole::Viewer, &[]) };
    let out = Rejection::OutOfBounds { member: "password" };
    check(&mut machine, &admin, create(new), out.clone());
    check(&mut machine, &admin, password(user_of(&admin), 1, &plain()), out);
}

#[test]
fn roles_of_oversight_are_kept_each_once_in_their_order() {
    let (mut machine, admin) = closed();
    let roles = [Role::SecurityOfficer, Role::Executive, Role::SecurityOfficer];
    let new = new_user("ana", AccountRole::Viewer, &roles);
    recorded(machine.run_for(admin, 200, create(new)));
    let (_, ana) = view::user_by_username(&machine.store, "ana").unwrap().unwrap();
    assert_eq!(ana.oversight, [Role::Executive, Role::SecurityOfficer]);
}

#[test]
fn the_first_administrator_comes_through_the_socket_and_closes_the_cluster() {
    let mut machine = Machine::founded();
    let new = || create(new_user("root", AccountRole::Admin, &[]));
    let denied = Rejection::Denied(Denied::PermissionDenied);
    check(&mut machine, &Principal::nobody(), new(), denied.clone());
    check(&mut machine, &named("act_human_user:executive"), new(), denied.clone());
    check(&mut machine, &Principal::node("n1"), new(), denied);
    account(&mut machine, 100, "ana", VIEWER);
    assert!(!is_closed(&machine.store).unwrap());
    recorded(machine.run_for(socket(), 200, new()));
    assert!(is_closed(&machine.store).unwrap());
    assert_eq!(view::access_record(&machine.store).unwrap().administrators, 1);
    let denied = Rejection::Denied(Denied::Unauthenticated);
    check(&mut machine, &Principal::nobody(), Command::Checkpoint, denied);
}

#[test]
fn whoever_becomes_an_administrator_closes_the_cluster_too() {
    let mut machine = Machine::founded();
    let user = account(&mut machine, 100, "ana", VIEWER);
    let role = Some(AccountRole::Admin);
    recorded(machine.run_for(socket(), 200, updating(UpdateUser { role, ..update(user) })));
    assert!(is_closed(&machine.store).unwrap());
}

#[test]
fn nobody_without_manage_users_makes_or_changes_an_account() {
    let (mut machine, admin) = closed();
    let denied = Rejection::Denied(Denied::PermissionDenied);
    let officer = person(&mut machine, 200, "ana", (AccountRole::ComplianceOfficer, &[]));
    let program = new_key(1, &["*"], &[Permission::ManagePolicies]);
    let program = of_key(key(&mut machine, 200, &admin, program));
    for who in [officer, program, Principal::node("n1")] {
        let new = create(new_user("leo", AccountRole::Viewer, &[]));
        check(&mut machine, &who, new, denied.clone());
        check(&mut machine, &who, updating(update(user_of(&admin))), denied.clone());
        let disable = change(user_of(&admin), UserChange::Disable);
        check(&mut machine, &who, disable, denied.clone());
    }
}

#[test]
fn a_key_makes_and_manages_no_account_that_may_more_than_the_key() {
    let (mut machine, admin) = closed();
    let manages = new_key(1, &["ai:a"], &[Permission::ManageUsers, Permission::ViewDashboard]);
    let program = of_key(key(&mut machine, 200, &admin, manages));
    let denied = Rejection::Denied(Denied::PermissionDenied);
    let root = create(new_user("leo", AccountRole::Admin, &[]));
    check(&mut machine, &program, root, denied.clone());
    check(&mut machine, &program, change(user_of(&admin), UserChange::Disable), denied.clone());
    let viewer = create(new_user("leo", AccountRole::Viewer, &[]));
    let entry = recorded(machine.run_for(program.clone(), 300, viewer));
    let leo: UserId = crate::support::id(&data(&machine, entry), "user_id");
    let role = Some(AccountRole::Admin);
    check(&mut machine, &program, updating(UpdateUser { role, ..update(leo) }), denied);
    recorded(machine.run_for(program, 300, change(leo, UserChange::Disable)));
}

#[test]
fn a_program_makes_and_manages_nobody_who_oversees() {
    let (mut machine, admin) = closed();
    let every = of_key(key(&mut machine, 200, &admin, new_key(1, &["*"], &Permission::ALL)));
    let overseer = &[Role::Executive];
    let ana = account(&mut machine, 200, "ana", (AccountRole::Viewer, overseer));
    let leo = account(&mut machine, 200, "leo", VIEWER);
    begin_mfa(&mut machine, ana);
    let oversight = |roles: &[Role]| Some(roles.to_vec());
    let refuses = [
        create(new_user("eve", AccountRole::Viewer, overseer)),
        updating(UpdateUser { oversight: oversight(overseer), ..update(leo) }),
        // Neither is it taken away, nor anything else of who has it.
        updating(UpdateUser { oversight: oversight(&[]), ..update(ana) }),
        updating(UpdateUser { full_name: Some("A".to_owned()), ..update(ana) }),
        change(ana, UserChange::Disable),
        change(ana, UserChange::ResetMfa),
        change(ana, UserChange::Unlock),
    ];
    for command in refuses.clone() {
        let denied = Rejection::Denied(Denied::PermissionDenied);
        check(&mut machine, &every, command, denied);
    }
    recorded(machine.run_for(every.clone(), 900, change(leo, UserChange::Disable)));
    // A person who manages accounts may do all of it.
    for command in refuses {
        let (store, index) = (machine.store.clone(), machine.index);
        let mut copy = Machine { store, cache: Cache::default(), index };
        recorded(copy.run_for(admin.clone(), 900, command));
    }
}

#[test]
fn the_last_administrator_stays() {
    let (mut machine, admin) = closed();
    let root = user_of(&admin);
    let demoted = || UpdateUser { role: Some(AccountRole::Viewer), ..update(root) };
    for who in [admin.clone(), socket()] {
        check(&mut machine, &who, change(root, UserChange::Disable), Rejection::LastAdmin);
        check(&mut machine, &who, updating(demoted()), Rejection::LastAdmin);
    }
    let second = person(&mut machine, 200, "second", ADMIN);
    let other = user_of(&second);
    recorded(machine.run_for(second.clone(), 300, change(root, UserChange::Disable)));
    check(&mut machine, &second, change(other, UserChange::Disable), Rejection::LastAdmin);
    recorded(machine.run_for(second.clone(), 300, change(root, UserChange::Enable)));
    recorded(machine.run_for(second, 300, updating(demoted())));
    let third = log_in(&mut machine, other, 300, OIDC);
    check(&mut machine, &third, change(other, UserChange::Disable), Rejection::LastAdmin);
    assert_eq!(view::access_record(&machine.store).unwrap().administrators, 1);
}

/// A command about an account.
type Changing = fn(UserId) -> Command;

#[test]
fn sessions_end_with_what_they_were_opened_for() {
    let cases: [(Changing, usize); 7] = [
        (|ana| updating(UpdateUser { full_name: Some("Ana".to_owned()), ..update(ana) }), 2),
        (|ana| updating(UpdateUser { role: Some(AccountRole::Viewer), ..update(ana) }), 2),
        (|ana| updating(UpdateUser { role: Some(AccountRole::Auditor), ..update(ana) }), 0),
        (|ana| updating(UpdateUser { oversight: Some(vec![Role::Executive]), ..update(ana) }), 0),
        (|ana| change(ana, UserChange::Unlock), 2),
        (|ana| change(ana, UserChange::ResetMfa), 0),
        (|ana| change(ana, UserChange::Disable), 0),
    ];
    for (command, left) in cases {
        let (mut machine, admin) = closed();
        let ana = account(&mut machine, 200, "ana", VIEWER);
        begin_mfa(&mut machine, ana);
        let session = log_in(&mut machine, ana, 300, OIDC);
        log_in(&mut machine, ana, 300, OIDC);
        recorded(machine.run_for(admin, 300, command(ana)));
        assert_eq!(view::sessions_of(&machine.store, ana).unwrap().len(), left);
        let rows = |table| machine.store.rows().filter(|(of, ..)| *of == table).count();
        // That of the administrator is there still.
        let (by_hash, by_user) = (rows(Table::SessionByHash), rows(Table::SessionByUser));
        assert_eq!((rows(Table::Session), by_hash, by_user), (left + 1, left + 1, left + 1));
        if left == 0 {
            let ended = Rejection::Denied(Denied::SessionRevoked);
            check(&mut machine, &session, password(ana, 1, "$argon2id$x"), ended);
        }
    }
}

#[test]
fn what_an_account_is_already_is_not_recorded_again() {
    let (mut machine, admin) = closed();
    let ana = account(&mut machine, 200, "ana", VIEWER);
    let unchanged = |state| Rejection::UserUnchanged { state };
    check(&mut machine, &admin, change(ana, UserChange::Enable), unchanged("enabled"));
    check(&mut machine, &admin, change(ana, UserChange::ResetMfa), Rejection::NoMfa);
    recorded(machine.run_for(admin.clone(), 300, change(ana, UserChange::Disable)));
    check(&mut machine, &admin, change(ana, UserChange::Disable), unchanged("disabled"));
    let nobody = UserId(types::Ulid(7));
    check(&mut machine, &admin, change(nobody, UserChange::Enable), Rejection::UnknownUser);
    check(&mut machine, &admin, updating(update(nobody)), Rejection::UnknownUser);
}

#[test]
fn a_change_says_why_and_who() {
    let (mut machine, admin) = closed();
    let ana = account(&mut machine, 200, "ana", VIEWER);
    for (what, entry_type) in [
        (UserChange::Unlock, EntryType::UserUnlocked),
        (UserChange::Disable, EntryType::UserDisabled),
        (UserChange::Enable, EntryType::UserEnabled),
    ] {
        let entry = recorded(machine.run_for(admin.clone(), 300, change(ana, what)));
        let entry = view::entry(&machine.store, entry).unwrap().unwrap();
        assert_eq!(entry.header.entry_type, entry_type);
        let (by, session) = (&admin.id, admin.credential_id.as_ref().unwrap());
        let expect = format!(
            r#"{{"actor":"{ana}","authn":"oidc","by":"{by}","credential_id":"{session}","reason":"as asked","user_id":"{ana}"}}"#
        );
        assert_eq!((entry.data.unwrap().text, entry.personal), (expect, None));
    }
}

#[test]
fn unlocking_forgets_the_failed_logins_of_one_account() {
    let (mut machine, admin) = closed();
    let ana = account(&mut machine, 200, "ana", VIEWER);
    fail_login(&mut machine, ana, 1);
    fail_login(&mut machine, ana, 2);
    fail_login(&mut machine, user_of(&admin), 3);
    recorded(machine.run_for(admin, 300, change(ana, UserChange::Unlock)));
    // What the ledger is not told yet stays until it is.
    for (pair, counted) in [(1, 0), (2, 0), (3, 1)] {
        let known = view::login_pair(&machine.store, &Digest([pair; 32])).unwrap().unwrap();
        assert_eq!(known.failed_at.len(), counted, "{pair}");
    }
    machine.run_for(Principal::node("n1"), 300 + REPORTED, Command::Tick);
    for (pair, is_left) in [(1, false), (2, false), (3, true)] {
        let known = view::login_pair(&machine.store, &Digest([pair; 32])).unwrap();
        assert_eq!(known.is_some(), is_left, "{pair}");
    }
    let ages = machine.store.rows().filter(|(table, ..)| *table == Table::LoginPairByAge);
    assert_eq!(ages.count(), 1);
}

#[test]
fn a_password_is_changed_by_its_owner_and_ends_the_other_sessions() {
    let (mut machine, admin) = closed();
    let ana = account(&mut machine, 200, "ana", VIEWER);
    let (here, there) =
        (log_in(&mut machine, ana, 300, "password"), log_in(&mut machine, ana, 300, "password"));
    for other in [&admin, &socket()] {
        check(&mut machine, other, password(ana, 1, "$argon2id$x"), Rejection::NotAuthorised);
    }
    check(&mut machine, &here, password(ana, 2, "$argon2id$x"), Rejection::InvalidCredentials);
    let entry = recorded(machine.run_for(here.clone(), 300, password(ana, 1, "$argon2id$1")));
    let entry = view::entry(&machine.store, entry).unwrap().unwrap();
    assert_eq!((entry.header.entry_type, entry.personal), (EntryType::PasswordChanged, None));
    assert!(!entry.data.unwrap().text.contains("argon2"));
    let ended = Rejection::Denied(Denied::SessionRevoked);
    check(&mut machine, &there, password(ana, 2, "$argon2id$x"), ended);
    for version in 2..=6 {
        let next = password(ana, version, &format!("$argon2id${version}"));
        recorded(machine.run_for(here.clone(), 300, next));
    }
    let user = view::user(&machine.store, ana).unwrap().unwrap();
    let expect = [6, 5, 4, 3, 2].map(|version| format!("$argon2id${version}"));
    assert_eq!((user.password_hashes.as_slice(), user.password_version), (&expect[..], 7));
}

#[test]
fn who_must_change_the_password_or_enroll_can_do_that_and_nothing_else() {
    let (mut machine, admin) = closed();
    let founder = user_of(&admin);
    let second = account(&mut machine, 200, "second", ADMIN);
    let session = log_in(&mut machine, second, 300, "password");
    let new = || create(new_user("leo", AccountRole::Viewer, &[]));
    check(&mut machine, &session, new(), Rejection::Denied(Denied::MfaRequired));
    recorded(machine.run_for(session, 300, password(second, 1, "$argon2id$1")));
    let session = log_in(&mut machine, second, 300, OIDC);
    recorded(machine.run_for(session, 300, change(founder, UserChange::Unlock)));
    let ana = account(&mut machine, 1_000, "ana", (AccountRole::ComplianceOfficer, &[]));
    for (days, is_over) in [(89, false), (90, true)] {
        let at = 1_000 + days * 24 * 3600 * crate::support::SECOND;
        let session = log_in(&mut machine, ana, at, "password");
        let asked = machine.run_for(session, at, decide("ai:a", "read"));
        let over = Outcome::Rejected(Rejection::Denied(Denied::PasswordExpired));
        assert_eq!((asked == over, matches!(asked, Outcome::Decided(_))), (is_over, !is_over));
    }
    let at = view::head(&machine.store).unwrap().at.0;
    let session = log_in(&mut machine, ana, at, "password");
    recorded(machine.run_for(session.clone(), at, password(ana, 1, "$argon2id$1")));
    let decided = machine.run_for(session, at, decide("ai:a", "read"));
    assert!(matches!(decided, Outcome::Decided(_)), "{decided:?}");
}

#[test]
fn commands_about_accounts_are_known_again_by_their_key() {
    let (mut machine, admin) = closed();
    let ana = account(&mut machine, 200, "ana", VIEWER);
    let keyed = |command: Command, body: u8| Envelope {
        principal: admin.clone(),
        idempotency: Some(Idempotency {
            scope: format!("user:{}", admin.id),
            key: format!("{:?}", std::mem::discriminant(&command)),
            body_digest: Digest([body; 32]),
        }),
        ..envelope(command, 9)
    };
    for command in [
        create(new_user("leo", AccountRole::Viewer, &[])),
        updating(update(ana)),
        change(ana, UserChange::Disable),
        crate::people::creating(new_key(1, &["ai:a"], &[])),
    ] {
        let entry = recorded(machine.apply(300, &keyed(command.clone(), 1)));
        let size = view::head(&machine.store).unwrap().size();
        assert_eq!(machine.apply(400, &keyed(command.clone(), 1)), Outcome::Replayed(entry));
        let other = refused(machine.apply(400, &keyed(command, 2)));
        assert_eq!(other.code(), "idempotency_conflict");
        assert_eq!(view::head(&machine.store).unwrap().size(), size);
    }
}

#[test]
fn before_their_feature_level_there_are_no_accounts() {
    let mut machine = Machine::founded();
    let row = machine.store.rows().find(|(table, ..)| *table == Table::Cluster);
    let (key, mut value) = row.map(|(_, key, value)| (key.to_vec(), value.to_vec())).unwrap();
    let level = view::cluster(&machine.store).unwrap().unwrap().feature_level.to_be_bytes();
    let at = value.windows(4).rposition(|four| four == level).unwrap();
    value[at + 3] = 3;
    machine.store.put(Table::Cluster, &key, &value);
    machine.cache = governance::Cache::default();
    let low = Rejection::FeatureLevelTooLow { level: 3, needed: 4 };
    check(&mut machine, &socket(), create(new_user("a", AccountRole::Admin, &[])), low.clone());
    check(&mut machine, &socket(), change(UserId(types::Ulid(1)), UserChange::Enable), low.clone());
    check(&mut machine, &socket(), crate::people::creating(new_key(1, &["a"], &[])), low);
}

#[test]
fn accounts_that_are_erased_together_leave_no_failed_login() {
    let (mut machine, admin) = closed();
    let mut ranges = Vec::new();
    for (pair, name) in [(1, "ana"), (2, "leo"), (3, "eva")] {
        let user = account(&mut machine, 200, name, VIEWER);
        fail_login(&mut machine, user, pair);
        if name == "eva" {
            continue;
        }
        let id = view::user(&machine.store, user).unwrap().unwrap().entry_id;
        ranges.push(EntryRange { from: id, to: id });
        recorded(machine.run_for(admin.clone(), 300, change(user, UserChange::Disable)));
    }
    let erase = Erase { part: ErasedPart::All, ranges, cause: ErasureCause::Request };
    let erased = machine.run_for(Principal::node("n1"), 400, Command::Erase(erase));
    assert!(matches!(&erased, Outcome::Erased(erased) if erased.entries == 2), "{erased:?}");
    for (pair, counted) in [(1, 0), (2, 0), (3, 1)] {
        let known = view::login_pair(&machine.store, &Digest([pair; 32])).unwrap().unwrap();
        assert_eq!(known.failed_at.len(), counted, "{pair}");
    }
}

#[test]
fn who_has_an_account_is_not_erased_and_who_had_one_is_gone() {
    let (mut machine, admin) = closed();
    let ana = account(&mut machine, 200, "ana", VIEWER);
    let made = view::user(&machine.store, ana).unwrap().unwrap().entry_id;
    let full_name = Some("Ana Example".to_owned());
    let named = updating(UpdateUser { full_name, ..update(ana) });
    let renamed = recorded(machine.run_for(admin.clone(), 300, named));
    let node = Principal::node("n1");
    for entry in [made, renamed] {
        for part in [ErasedPart::Personal, ErasedPart::All] {
            check(&mut machine, &node, erase(part, entry), Rejection::NotErasable { entry });
        }
    }
    fail_login(&mut machine, ana, 1);
    let disabled = recorded(machine.run_for(admin.clone(), 300, change(ana, UserChange::Disable)));
    let erased = machine.run_for(node.clone(), 400, erase(ErasedPart::Personal, renamed));
    assert!(matches!(erased, Outcome::Erased(_)), "{erased:?}");
    assert_eq!(view::user(&machine.store, ana).unwrap().unwrap().full_name, None);
    machine.run_for(node.clone(), 400, erase(ErasedPart::Personal, made));
    for text in ["ana@example.org", "ana of Example", "$argon2id$ana"] {
        let has = |value: &[u8]| value.windows(text.len()).any(|part| part == text.as_bytes());
        let left = machine.store.rows().find(|(_, key, value)| has(key) || has(value));
        assert_eq!(left, None, "{text}");
    }
    assert_eq!(view::user_by_username(&machine.store, "ana").unwrap(), None);
    machine.run_for(node.clone(), 400 + REPORTED, Command::Tick);
    assert_eq!(view::login_pair(&machine.store, &Digest([1; 32])).unwrap(), None);
    check(&mut machine, &admin, change(ana, UserChange::Enable), Rejection::Erased);
    let again = machine.run_for(node, 500, erase(ErasedPart::All, disabled));
    assert!(matches!(again, Outcome::Erased(_)), "{again:?}");
    let ana_again = account(&mut machine, 600, "ana", VIEWER);
    assert_ne!(ana_again, ana);
}
