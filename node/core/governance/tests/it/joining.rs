//! Nodes that join, come back, and take over a name: what is theirs stays theirs.

use crate::people::{key, new_key, of_key, person, socket};
use crate::support::{Machine, SECOND, data, node, recorded, refused};
use governance::access::{AccountRole, Denied, Permission};
use governance::command::{
    Command, IssueJoinToken, NodeDescription, Principal, RegisterNode, RegisterNodeByToken,
};
use governance::outcome::NodeRegistered;
use governance::oversight::Role;
use governance::{Outcome, Rejection, Table, view};
use ledger::EntryType;
use types::{Digest, EntryId, Json, RaftId};

fn join(
    machine: &mut Machine,
    node: NodeDescription,
    nonce: &str,
    bearer_lost: bool,
) -> Result<NodeRegistered, Rejection> {
    let bearer = view::node(&machine.store, &node.name).unwrap().map(|bearer| bearer.raft_id);
    let lost_bearer = bearer.filter(|_| bearer_lost);
    let register = RegisterNode { node, nonce: nonce.to_owned(), lost_bearer };
    match machine.run(100, Command::RegisterNode(register)) {
        Outcome::NodeRegistered(registered) => Ok(registered),
        Outcome::Rejected(why) => Err(why),
        other => panic!("neither registered nor refused: {other:?}"),
    }
}

/// The same name with keys that nobody has used.
fn with_fresh_keys(name: &str, offset: u128) -> NodeDescription {
    let mut node = node(name);
    node.keys.iter_mut().for_each(|key| key.id.0.0 += offset);
    node
}

/// Refused under `nonce`, and nothing was written.
#[track_caller]
fn check_refused(machine: &mut Machine, node: NodeDescription, nonce: &str, expect: &Rejection) {
    let digest = view::head(&machine.store).unwrap().state_digest;
    assert_eq!(join(machine, node, nonce, true).unwrap_err(), *expect);
    assert_eq!(view::head(&machine.store).unwrap().state_digest, digest);
}

#[test]
fn a_key_of_another_node_is_not_taken() {
    let mut machine = Machine::founded();
    let founder = view::keys(&machine.store).unwrap();
    let mut thief = with_fresh_keys("n2", 1000);
    thief.keys[1].id = founder[1].id;
    let expect = Rejection::IdempotencyConflict { key: founder[1].id.to_string() };
    check_refused(&mut machine, thief, "a", &expect);
    assert_eq!(view::keys(&machine.store).unwrap(), founder);
}

#[test]
fn a_retired_key_does_not_come_back() {
    let mut machine = Machine::founded();
    join(&mut machine, node("n2"), "a", false).unwrap();
    join(&mut machine, with_fresh_keys("n2", 1000), "b", true).unwrap();
    let expect = Rejection::IdempotencyConflict { key: node("n2").keys[0].id.to_string() };
    check_refused(&mut machine, node("n2"), "c", &expect);
    let retired = view::key(&machine.store, node("n2").keys[0].id).unwrap().unwrap();
    assert_eq!(retired.valid_until, Some(EntryId(2)));
}

#[test]
fn one_key_id_does_not_stand_for_two_keys() {
    let mut machine = Machine::founded();
    let mut twice = with_fresh_keys("n2", 1000);
    twice.keys[3].id = twice.keys[0].id;
    let expect = Rejection::IdempotencyConflict { key: twice.keys[0].id.to_string() };
    check_refused(&mut machine, twice, "a", &expect);
}

#[test]
fn a_bearer_that_was_replaced_is_not_let_in_again() {
    let mut machine = Machine::founded();
    join(&mut machine, node("n2"), "a", false).unwrap();
    join(&mut machine, with_fresh_keys("n2", 1000), "b", true).unwrap();
    let expect = Rejection::NodeNameInUse { name: "n2".to_owned() };
    check_refused(&mut machine, node("n2"), "a", &expect);
}

#[test]
fn a_node_that_was_taken_out_does_not_let_itself_in_again() {
    let mut machine = Machine::founded();
    recorded(machine.run_for(socket(), 200, issue(1, 60)));
    let joined = machine.run_by("n1", 300, by_token(node("n2"), "a", 1));
    let Outcome::NodeRegistered(NodeRegistered { raft_id, .. }) = joined else {
        panic!("{joined:?}")
    };
    // What others do before it is a member takes nothing away.
    machine.members(10, &[vec![RaftId(1)]], &[RaftId(99)]).unwrap();
    let again = machine.run_by("n1", 400, by_token(node("n2"), "a", 1));
    assert!(matches!(again, Outcome::NodeRegistered(_)), "{again:?}");
    machine.members(20, &[vec![RaftId(1)]], &[raft_id]).unwrap();
    machine.members(21, &[vec![RaftId(1)], vec![RaftId(1), raft_id]], &[]).unwrap();
    machine.members(22, &[vec![RaftId(1), raft_id], vec![RaftId(1)]], &[]).unwrap();
    assert_eq!(view::node(&machine.store, "n2").unwrap().unwrap().left_entry, None);
    let left = machine.members(23, &[vec![RaftId(1)]], &[]).unwrap();
    let n2 = view::node(&machine.store, "n2").unwrap().unwrap();
    assert_eq!(n2.left_entry, Some(left.entry_id));
    let expect = Rejection::IdempotencyConflict { key: "a".to_owned() };
    check_denied(
        &mut machine,
        &Principal::node("n1"),
        by_token(node("n2"), "a", 1),
        expect.clone(),
    );
    check_refused(&mut machine, node("n2"), "a", &expect);
    // Whoever lets it in anew does so with a token, and it comes with other keys.
    join(&mut machine, with_fresh_keys("n2", 1000), "b", true).unwrap();
    assert_eq!(view::node(&machine.store, "n2").unwrap().unwrap().left_entry, None);
}

#[test]
fn a_nonce_stands_for_the_keys_it_was_first_sent_with() {
    let mut machine = Machine::founded();
    join(&mut machine, node("n2"), "a", false).unwrap();
    let expect = Rejection::IdempotencyConflict { key: "a".to_owned() };
    check_refused(&mut machine, with_fresh_keys("n2", 1000), "a", &expect);
    assert_eq!(join(&mut machine, node("n2"), "a", false).unwrap().recorded, None);
}

#[test]
fn a_member_whose_name_was_taken_over_is_still_named() {
    let mut machine = Machine::founded();
    let lost = join(&mut machine, node("n2"), "a", false).unwrap().raft_id;
    join(&mut machine, with_fresh_keys("n2", 1000), "b", true).unwrap();
    let recorded = machine.members(9, &[vec![RaftId(1), lost]], &[]).unwrap();
    let entry = view::entry(&machine.store, recorded.entry_id).unwrap().unwrap();
    let data: Json = serde_json::from_str(&entry.data.unwrap().text).unwrap();
    let voters = data.as_object().unwrap().get("voters").unwrap().as_array().unwrap();
    let name = voters[1].as_object().unwrap().get("node_id").unwrap();
    assert_eq!(name.as_str(), Some("n2"));
}

fn issue(token: u8, seconds: u32) -> Command {
    let token_hash = Digest([token; 32]);
    Command::IssueJoinToken(IssueJoinToken { token_hash, expires_in_seconds: seconds })
}

fn by_token(node: NodeDescription, nonce: &str, token: u8) -> Command {
    let register = RegisterNode { node, nonce: nonce.to_owned(), lost_bearer: None };
    let token_hash = Digest([token; 32]);
    Command::RegisterNodeByToken(Box::new(RegisterNodeByToken { register, token_hash }))
}

/// Refused, and nothing was written.
#[track_caller]
fn check_denied(machine: &mut Machine, who: &Principal, command: Command, expect: Rejection) {
    let digest = view::head(&machine.store).unwrap().state_digest;
    assert_eq!(refused(machine.run_for(who.clone(), 900, command)), expect);
    assert_eq!(view::head(&machine.store).unwrap().state_digest, digest);
}

const ADMIN: (AccountRole, &[Role]) = (AccountRole::Admin, &[]);

#[test]
fn a_join_token_is_an_entry_that_does_not_tell_it() {
    let mut machine = Machine::founded();
    let admin = person(&mut machine, 100, "root", ADMIN);
    let entry = recorded(machine.run_for(admin.clone(), 200, issue(0xab, 3600)));
    let stored = view::entry(&machine.store, entry).unwrap().unwrap();
    assert_eq!(stored.header.entry_type, EntryType::ConfigChanged);
    let (by, session) = (&admin.id, admin.credential_id.as_ref().unwrap());
    let expect = format!(
        r#"{{"authn":"oidc","by":"{by}","credential_id":"{session}","expires_at":"1970-01-01T01:00:00.000200Z","setting":"join_token"}}"#
    );
    assert_eq!((stored.data.unwrap().text, stored.personal), (expect, None));
    for seconds in [0, 3_601] {
        let out = Rejection::OutOfBounds { member: "expires_in" };
        check_denied(&mut machine, &admin, issue(1, seconds), out);
    }
    check_denied(&mut machine, &admin, issue(0xab, 3600), Rejection::AlreadyRecorded);
}

#[test]
fn only_who_runs_the_cluster_issues_join_tokens() {
    let mut machine = Machine::founded();
    recorded(machine.run(100, issue(1, 60)));
    let admin = person(&mut machine, 100, "root", ADMIN);
    let officer = person(&mut machine, 100, "ana", (AccountRole::ComplianceOfficer, &[]));
    let program = new_key(1, &["*"], &[Permission::ManageUsers]);
    let program = of_key(key(&mut machine, 100, &admin, program));
    let denied = Rejection::Denied(Denied::PermissionDenied);
    for who in [officer, program, Principal::node("n1")] {
        check_denied(&mut machine, &who, issue(2, 60), denied.clone());
    }
    let nobody = Rejection::Denied(Denied::Unauthenticated);
    check_denied(&mut machine, &Principal::nobody(), issue(2, 60), nobody);
    recorded(machine.run_for(socket(), 200, issue(2, 60)));
}

#[test]
fn a_token_lets_one_node_in_which_may_ask_again() {
    let mut machine = Machine::founded();
    let admin = person(&mut machine, 100, "root", ADMIN);
    recorded(machine.run_for(admin.clone(), 200, issue(1, 60)));
    let n1 = Principal::node("n1");
    check_denied(&mut machine, &n1, by_token(node("n2"), "a", 2), Rejection::JoinRefused);
    let denied = Rejection::Denied(Denied::PermissionDenied);
    check_denied(&mut machine, &admin, by_token(node("n2"), "a", 1), denied);
    let taken = Rejection::NodeNameInUse { name: "n1".to_owned() };
    check_denied(&mut machine, &n1, by_token(with_fresh_keys("n1", 1000), "x", 1), taken);
    let outcome = machine.run_by("n1", 300, by_token(node("n2"), "a", 1));
    let Outcome::NodeRegistered(first) = outcome else { panic!("{outcome:?}") };
    let entry = first.recorded.unwrap().entry_id;
    assert_eq!(data(&machine, entry).get("by").and_then(Json::as_str), Some("n1"));
    let outcome = machine.run_by("n1", 400, by_token(node("n2"), "a", 1));
    let Outcome::NodeRegistered(again) = outcome else { panic!("{outcome:?}") };
    assert_eq!((again.recorded, again.raft_id), (None, first.raft_id));
    check_denied(&mut machine, &n1, by_token(node("n3"), "b", 1), Rejection::JoinRefused);
}

#[test]
fn a_token_ends_by_itself_and_makes_room() {
    let mut machine = Machine::founded();
    let end = 200 + 60 * SECOND;
    for token in 0..1_000_u16 {
        let mut token_hash = Digest([0; 32]);
        token_hash.0[..2].copy_from_slice(&token.to_be_bytes());
        let issue = IssueJoinToken { token_hash, expires_in_seconds: 60 };
        recorded(machine.run_for(socket(), 200, Command::IssueJoinToken(issue)));
    }
    let full = Rejection::TooMany { things: "join tokens", there: 1_000 };
    check_denied(&mut machine, &socket(), issue(7, 60), full);
    let late = machine.run_by("n1", end, by_token(node("n2"), "a", 0));
    assert_eq!(refused(late), Rejection::JoinRefused);
    recorded(machine.run_for(socket(), end, issue(7, 60)));
    let left = machine.store.rows().filter(|(table, ..)| *table == Table::JoinToken).count();
    assert_eq!(left, 1);
    let in_time = machine.run_by("n1", end + 60 * SECOND - 1, by_token(node("n2"), "a", 7));
    assert!(matches!(in_time, Outcome::NodeRegistered(_)), "{in_time:?}");
}

#[test]
fn in_a_closed_cluster_a_node_vouches_for_who_joins_and_an_operator_may() {
    let mut machine = Machine::founded();
    let admin = person(&mut machine, 100, "root", ADMIN);
    let viewer = person(&mut machine, 100, "ana", (AccountRole::Viewer, &[]));
    let register = |name: &str| {
        let (nonce, lost_bearer) = (name.to_owned(), None);
        Command::RegisterNode(RegisterNode { node: node(name), nonce, lost_bearer })
    };
    let denied = |why| Rejection::Denied(why);
    check_denied(&mut machine, &viewer, register("n2"), denied(Denied::PermissionDenied));
    let nobody = Principal::nobody();
    check_denied(&mut machine, &nobody, register("n2"), denied(Denied::Unauthenticated));
    for (who, name) in [(admin, "n2"), (Principal::node("n1"), "n3"), (socket(), "n4")] {
        let outcome = machine.run_for(who, 300, register(name));
        assert!(matches!(outcome, Outcome::NodeRegistered(_)), "{outcome:?}");
    }
}
