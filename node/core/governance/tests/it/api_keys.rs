//! Keys of programs: bounded by who made them, ended once.

use crate::people::{
    OIDC, change, creating, key, log_in, new_key, of_key, person, revoking, socket,
};
use crate::support::{Machine, SECOND, decide, envelope, erase, recorded, refused};
use governance::access::{AccountRole, Denied, Permission, Permissions};
use governance::command::{Command, CreateApiKey, ErasedPart, Idempotency, Principal, UserChange};
use governance::{Envelope, Outcome, Rejection, view};
use ledger::EntryType;
use types::{ApiKeyId, Digest, Timestamp, Ulid, UserId};

fn closed() -> (Machine, Principal) {
    let mut machine = Machine::founded();
    let admin = person(&mut machine, 100, "root", (AccountRole::Admin, &[]));
    (machine, admin)
}

/// Refused, and nothing is written.
#[track_caller]
fn check(machine: &mut Machine, who: &Principal, at: u64, command: Command, expect: Rejection) {
    let before = view::head(&machine.store).unwrap().state_digest;
    assert_eq!(refused(machine.run_for(who.clone(), at, command)), expect);
    assert_eq!(view::head(&machine.store).unwrap().state_digest, before);
}

const DENIED: Rejection = Rejection::Denied(Denied::PermissionDenied);
const UNKNOWN: Rejection = Rejection::Denied(Denied::Unauthenticated);

#[test]
fn a_key_is_one_entry_about_itself_and_its_hash_is_in_none() {
    let (mut machine, admin) = closed();
    let expires_at = Some(Timestamp(900 * SECOND));
    let new = new_key(0xab, &["ai:a"], &[Permission::ViewAuditLogs]);
    let id = key(&mut machine, 200, &admin, CreateApiKey { expires_at, ..new });
    let record = view::api_key_by_hash(&machine.store, &Digest([0xab; 32])).unwrap().unwrap();
    assert_eq!((record.0, record.1.owner.as_str()), (id, admin.id.as_str()));
    let entry = view::entry(&machine.store, record.1.entry_id).unwrap().unwrap();
    assert_eq!((entry.header.entry_type, entry.header.actor_seq), (EntryType::ApiKeyCreated, 1));
    let (by, session) = (&admin.id, admin.credential_id.as_ref().unwrap());
    let expect = format!(
        r#"{{"actor":"{id}","actor_prefixes":["ai:a"],"authn":"oidc","by":"{by}","credential_id":"{session}","expires_at":"1970-01-01T00:15:00.000000Z","key_id":"{id}","name":"key 171","permissions":["view_audit_logs"]}}"#
    );
    assert_eq!((entry.data.unwrap().text, entry.personal), (expect, None));
    let revoked = recorded(machine.run_for(admin.clone(), 300, revoking(id)));
    let entry = view::entry(&machine.store, revoked).unwrap().unwrap();
    assert_eq!((entry.header.entry_type, entry.header.actor_seq), (EntryType::ApiKeyRevoked, 2));
    let record = view::api_key(&machine.store, id).unwrap().unwrap();
    assert_eq!(record.revoked, Some(revoked));
    assert_eq!(view::api_keys_total(&machine.store).unwrap(), (1, true));
}

#[test]
fn a_key_counts_until_it_is_revoked_or_over() {
    let (mut machine, admin) = closed();
    let expires_at = Some(Timestamp(5_000));
    let short = CreateApiKey { expires_at, ..new_key(1, &["ai:a"], &[]) };
    let short = key(&mut machine, 200, &admin, short);
    let long = key(&mut machine, 200, &admin, new_key(2, &["ai:a"], &[]));
    for id in [short, long] {
        let decided = machine.run_for(of_key(id), 4_999, decide("ai:a", "read"));
        assert!(matches!(decided, Outcome::Decided(_)), "{decided:?}");
    }
    check(&mut machine, &of_key(short), 5_000, decide("ai:a", "read"), UNKNOWN);
    recorded(machine.run_for(admin, 5_000, revoking(long)));
    check(&mut machine, &of_key(long), 5_000, decide("ai:a", "read"), UNKNOWN);
}

#[test]
fn a_key_acts_as_what_it_covers_and_nothing_else() {
    let (mut machine, admin) = closed();
    let id = key(&mut machine, 200, &admin, new_key(1, &["ai:claims", "desk"], &[]));
    for (actor, is_covered) in
        [("ai:claims", true), ("ai:claims:triage", true), ("desk", true), ("ai:claimsx", false)]
    {
        if is_covered {
            let decided = machine.run_for(of_key(id), 300, decide(actor, "read"));
            assert!(matches!(decided, Outcome::Decided(_)), "{decided:?}");
        } else {
            let denied = Rejection::Denied(Denied::ActorNotCovered);
            check(&mut machine, &of_key(id), 300, decide(actor, "read"), denied);
        }
    }
}

#[test]
fn a_key_may_no_more_than_its_maker() {
    let (mut machine, admin) = closed();
    let manages = [Permission::ManageUsers, Permission::ViewDashboard];
    let own = of_key(key(&mut machine, 200, &admin, new_key(1, &["ai:claims"], &manages)));
    let wider = new_key(2, &["ai:claims"], &[Permission::ManagePolicies]);
    check(&mut machine, &own, 300, creating(wider), DENIED);
    for prefix in ["*", "ai:", "desk"] {
        let other = creating(new_key(2, &["ai:claims:a", prefix], &[]));
        check(&mut machine, &own, 300, other, Rejection::Denied(Denied::ActorNotCovered));
    }
    let narrower = new_key(2, &["ai:claims:a"], &[Permission::ManageUsers]);
    let second = key(&mut machine, 300, &own, narrower);
    let record = view::api_key(&machine.store, second).unwrap().unwrap();
    assert_eq!(record.owner, admin.id, "the person behind a key is behind what it makes");
    let third = creating(new_key(3, &["ai:claims:a"], &[Permission::ViewDashboard]));
    check(&mut machine, &of_key(second), 300, third, DENIED);
    // What it has lost since it gave nothing of.
    recorded(machine.run_for(admin, 300, revoking(second)));
    check(&mut machine, &of_key(second), 300, creating(new_key(3, &["ai:claims:a"], &[])), UNKNOWN);
}

#[test]
fn a_key_gives_no_later_end_than_its_own() {
    let (mut machine, admin) = closed();
    let ending = |hash: u8, expires_at: Option<u64>| {
        let expires_at = expires_at.map(Timestamp);
        CreateApiKey { expires_at, ..new_key(hash, &["ai:a"], &[Permission::ManageUsers]) }
    };
    let short = of_key(key(&mut machine, 200, &admin, ending(1, Some(5_000))));
    for expires_at in [None, Some(5_001)] {
        let late = Rejection::OutOfBounds { member: "expires_at" };
        check(&mut machine, &short, 300, creating(ending(2, expires_at)), late);
    }
    let second = of_key(key(&mut machine, 300, &short, ending(2, Some(5_000))));
    let late = Rejection::OutOfBounds { member: "expires_at" };
    check(&mut machine, &second, 300, creating(ending(3, None)), late);
    let long = of_key(key(&mut machine, 300, &admin, ending(3, None)));
    key(&mut machine, 300, &long, ending(4, Some(900_000)));
    key(&mut machine, 300, &long, ending(5, None));
}

#[test]
fn a_key_counts_for_nothing_while_the_account_behind_it_is_disabled_or_gone() {
    let (mut machine, admin) = closed();
    let boss = person(&mut machine, 200, "boss", (AccountRole::Admin, &[]));
    let first = key(&mut machine, 200, &boss, new_key(1, &["ai:a"], &[Permission::ManageUsers]));
    // Behind what a key makes is who is behind the key.
    let second = key(&mut machine, 200, &of_key(first), new_key(2, &["ai:a"], &[]));
    let others = [
        key(&mut machine, 200, &admin, new_key(3, &["ai:a"], &[])),
        key(&mut machine, 200, &socket(), new_key(4, &["ai:a"], &[])),
    ];
    let user: UserId = boss.id.parse().unwrap();
    let made = view::user(&machine.store, user).unwrap().unwrap().entry_id;
    let decides = |machine: &mut Machine, id| {
        let decided = machine.run_for(of_key(id), 300, decide("ai:a", "read"));
        assert!(matches!(decided, Outcome::Decided(_)), "{decided:?}");
    };
    recorded(machine.run_for(admin.clone(), 300, change(user, UserChange::Disable)));
    for id in [first, second] {
        check(&mut machine, &of_key(id), 300, decide("ai:a", "read"), UNKNOWN);
    }
    others.into_iter().for_each(|id| decides(&mut machine, id));
    recorded(machine.run_for(admin.clone(), 300, change(user, UserChange::Enable)));
    decides(&mut machine, second);
    recorded(machine.run_for(admin, 300, change(user, UserChange::Disable)));
    machine.run_for(Principal::node("n1"), 400, erase(ErasedPart::All, made));
    check(&mut machine, &of_key(first), 400, decide("ai:a", "read"), UNKNOWN);
}

#[test]
fn only_who_manages_users_makes_and_revokes_keys() {
    let (mut machine, admin) = closed();
    let id = key(&mut machine, 200, &admin, new_key(1, &["*"], &[Permission::ManagePolicies]));
    let officer = person(&mut machine, 200, "ana", (AccountRole::ComplianceOfficer, &[]));
    for who in [officer, of_key(id), Principal::node("n1")] {
        check(&mut machine, &who, 300, creating(new_key(2, &["ai:a"], &[])), DENIED);
        check(&mut machine, &who, 300, revoking(id), DENIED);
    }
    let mut open = Machine::founded();
    check(&mut open, &Principal::nobody(), 300, creating(new_key(2, &["ai:a"], &[])), DENIED);
    check(&mut open, &Principal::nobody(), 300, revoking(id), DENIED);
    key(&mut open, 300, &socket(), new_key(2, &["ai:a"], &[]));
}

#[test]
fn what_a_key_is_made_of_has_bounds() {
    let (mut machine, admin) = closed();
    let out = |member| Rejection::OutOfBounds { member };
    let long = "a".repeat(256);
    let many = ["a"; 101];
    for prefixes in [&[][..], &[""], &[long.as_str()], &many] {
        let new = creating(new_key(1, prefixes, &[]));
        check(&mut machine, &admin, 300, new, out("actor_prefixes"));
    }
    let expires_at = Some(Timestamp(300));
    let past = CreateApiKey { expires_at, ..new_key(1, &["a"], &[]) };
    check(&mut machine, &admin, 300, creating(past), out("expires_at"));
    key(&mut machine, 300, &admin, new_key(1, &many[1..], &[]));
    check(&mut machine, &admin, 300, creating(new_key(1, &["a"], &[])), Rejection::AlreadyRecorded);
}

#[test]
fn a_key_is_revoked_once_and_must_be_there() {
    let (mut machine, admin) = closed();
    let id = key(&mut machine, 200, &admin, new_key(1, &["ai:a"], &[]));
    check(&mut machine, &admin, 300, revoking(ApiKeyId(Ulid(7))), Rejection::UnknownApiKey);
    let keyed = Envelope {
        principal: admin.clone(),
        idempotency: Some(Idempotency {
            scope: String::new(),
            key: "k".to_owned(),
            body_digest: Digest([1; 32]),
        }),
        ..envelope(revoking(id), 3)
    };
    let entry = recorded(machine.apply(300, &keyed));
    check(&mut machine, &admin, 300, revoking(id), Rejection::AlreadyRevoked);
    assert_eq!(machine.apply(300, &keyed), Outcome::Replayed(entry));
    assert_eq!(Rejection::AlreadyRevoked.code(), "already_revoked");
}

#[test]
fn there_is_an_end_to_keys_and_revoking_one_makes_room() {
    let (mut machine, admin) = closed();
    let new = |n: u32| {
        let mut new = new_key(0, &["ai:a"], &[]);
        new.key_hash.0[..4].copy_from_slice(&n.to_be_bytes());
        new
    };
    let first = key(&mut machine, 200, &admin, new(0));
    for n in 1..10_000_u32 {
        // Seeds repeat, and a time gives an id as much as they do.
        recorded(machine.run_for(admin.clone(), 200 + u64::from(n) * 1_000, creating(new(n))));
    }
    let full = Rejection::TooMany { things: "API keys that are not revoked", there: 10_000 };
    check(&mut machine, &admin, 10_001_000, creating(new(10_000)), full);
    recorded(machine.run_for(admin.clone(), 10_001_000, revoking(first)));
    recorded(machine.run_for(admin, 10_002_000, creating(new(10_000))));
    assert_eq!(view::access_record(&machine.store).unwrap().api_keys, 10_000);
}

#[test]
fn a_key_that_counts_is_not_erased_and_one_that_ended_is_gone() {
    let (mut machine, admin) = closed();
    let id = key(&mut machine, 200, &admin, new_key(1, &["ai:a"], &[Permission::ManageUsers]));
    let entry = view::api_key(&machine.store, id).unwrap().unwrap().entry_id;
    let node = Principal::node("n1");
    let alive = Rejection::NotErasable { entry };
    check(&mut machine, &node, 300, erase(ErasedPart::All, entry), alive);
    recorded(machine.run_for(admin.clone(), 300, revoking(id)));
    let erased = machine.run_for(node, 400, erase(ErasedPart::All, entry));
    assert!(matches!(erased, Outcome::Erased(_)), "{erased:?}");
    assert_eq!(view::api_key(&machine.store, id).unwrap(), None);
    assert_eq!(view::api_key_by_hash(&machine.store, &Digest([1; 32])).unwrap(), None);
    assert_eq!(view::access_record(&machine.store).unwrap().api_keys, 0);
    check(&mut machine, &admin, 500, revoking(id), Rejection::UnknownApiKey);
}

#[test]
fn a_key_outlives_its_makers_session_and_role() {
    let (mut machine, admin) = closed();
    let id = key(&mut machine, 200, &admin, new_key(1, &["ai:a"], &[]));
    let user = admin.id.parse().unwrap();
    assert_ne!(log_in(&mut machine, user, 300, OIDC).credential_id, admin.credential_id);
    let decided = machine.run_for(of_key(id), 300, decide("ai:a", "read"));
    assert!(matches!(decided, Outcome::Decided(_)), "{decided:?}");
    let permissions = view::api_key(&machine.store, id).unwrap().unwrap().permissions;
    assert_eq!(permissions, Permissions::NONE);
}
