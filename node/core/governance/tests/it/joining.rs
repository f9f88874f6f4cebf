//! Nodes that join, come back, and take over a name: what is theirs stays theirs.

use crate::support::{Machine, node};
use governance::command::{Command, NodeDescription, RegisterNode};
use governance::outcome::NodeRegistered;
use governance::{Outcome, Rejection, view};
use types::{EntryId, Json, RaftId};

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
