//! The machine as a whole, by scripts: what is accepted, what is refused beside
//! it, and what each leaves behind.

use crate::support::{Machine, decide, envelope, found, load, node, policy};
use governance::command::{Command, RegisterNode};
use governance::view;
use governance::{Cache, Direction, Outcome, Rejection, encode_envelope};
use ledger::{Checker, EntryType};
use types::{EntryId, Json, LogIndex, RaftId, Timestamp};

fn data(machine: &Machine, id: u64) -> Json {
    let entry = view::entry(&machine.store, EntryId(id)).unwrap().unwrap();
    serde_json::from_str(&entry.data.unwrap().text).unwrap()
}

fn member<'a>(json: &'a Json, name: &str) -> &'a Json {
    json.as_object().unwrap().get(name).unwrap()
}

fn rejected(outcome: Outcome) -> Rejection {
    match outcome {
        Outcome::Rejected(why) => why,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn nothing_is_taken_before_genesis_and_genesis_once() {
    let mut machine = Machine::default();
    assert_eq!(rejected(machine.run(10, decide("a", "read"))), Rejection::NotFounded);
    assert!(matches!(machine.run(20, found()), Outcome::Founded(_)));
    assert_eq!(rejected(machine.run(30, found())), Rejection::AlreadyFounded);
    assert_eq!(view::head(&machine.store).unwrap().size(), 1);
    assert_eq!(member(&data(&machine, 0), "node_id").as_str(), Some("n1"));
    assert_eq!(view::keys(&machine.store).unwrap().len(), 4);
}

#[test]
fn a_decision_is_recorded_with_its_token_whatever_it_says() {
    let mut machine = Machine::founded();
    machine.run(100, load(policy()));
    let Outcome::Decided(allowed) = machine.run(200, decide("ai:a", "read")) else {
        panic!("not decided");
    };
    assert_eq!(member(&allowed.data, "outcome").as_str(), Some("allowed"));
    assert!(member(&allowed.data, "token_id").as_str().unwrap().starts_with("tok_"));
    let Outcome::Decided(denied) = machine.run(300, decide("ai:a", "write")) else {
        panic!("not decided");
    };
    assert_eq!(member(&denied.data, "outcome").as_str(), Some("denied"));
    assert!(member(&denied.data, "token_id").is_null());
    assert_eq!(denied.recorded.entry_id, EntryId(3));
    assert_eq!(data(&machine, 3), denied.data);
}

#[test]
fn the_same_request_is_recorded_once_and_another_body_is_refused() {
    let mut machine = Machine::founded();
    let first = machine.run_keyed(100, decide("ai:a", "read"), "k", 1);
    let Outcome::Decided(first) = first else { panic!("not decided") };
    let id = first.recorded.entry_id;
    assert_eq!(machine.run_keyed(200, decide("ai:a", "read"), "k", 1), Outcome::Replayed(id));
    let refused = rejected(machine.run_keyed(300, decide("ai:a", "write"), "k", 2));
    assert_eq!(refused.code(), "idempotency_conflict");
    assert_eq!(view::head(&machine.store).unwrap().size(), 2);
}

#[test]
fn the_key_of_a_policy_load_is_new_again_after_a_day() {
    const DAY: u64 = 24 * 3600 * 1_000_000;
    let mut machine = Machine::founded();
    let first = machine.run_keyed(100, load(policy()), "k", 1);
    assert!(matches!(first, Outcome::PolicyLoaded(_)));
    assert_eq!(machine.run_keyed(99 + DAY, load(policy()), "k", 1), Outcome::Replayed(EntryId(1)));
    let later = machine.run_keyed(100 + DAY, load(policy()), "k", 1);
    let Outcome::PolicyLoaded(later) = later else { panic!("not loaded") };
    assert_eq!(later.version, 2);
}

#[test]
fn an_invalid_policy_leaves_the_one_before_in_force() {
    let mut machine = Machine::founded();
    machine.run(100, load(policy()));
    let bad: Json = serde_json::from_str(r#"{"terms":[{"id":"x"}],"surprise":1}"#).unwrap();
    let Rejection::PolicyInvalid { faults } = rejected(machine.run(200, load(bad))) else {
        panic!("another refusal");
    };
    assert!(2 <= faults.len(), "{faults:?}");
    assert_eq!(view::active_policy(&machine.store).unwrap().version, 1);
    assert_eq!(view::policies(&machine.store, None, 10).unwrap().len(), 2);
}

/// As many terms and relations as a body of 4 MiB holds, written as short as
/// they can be.
fn large_policy() -> Json {
    let many = 0..44_000;
    let terms = many.clone().map(|n| format!(r#"{{"id":"a{n}","type":"actor"}}"#));
    let relations = many.map(|n| format!(r#"{{"type":"permits","subject":"a{n}","action":"x"}}"#));
    let terms: Vec<String> = terms.chain([r#"{"id":"x","type":"action"}"#.to_owned()]).collect();
    let relations: Vec<String> = relations.collect();
    let text =
        format!(r#"{{"terms":[{}],"relations":[{}]}}"#, terms.join(","), relations.join(","));
    assert!(text.len() <= 4 << 20, "{}", text.len());
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_largest_policy_is_loaded_and_read_back() {
    let mut machine = Machine::founded();
    let load = envelope(load(large_policy()), 1);
    assert!(encode_envelope(&load).unwrap().len() <= 8 << 20);
    assert!(matches!(machine.apply(100, &load), Outcome::PolicyLoaded(_)));
    assert_eq!(view::active_policy(&machine.store).unwrap().relations_count, 44_000);
    machine.cache = Cache::default();
    assert!(matches!(machine.run(200, decide("a7", "x")), Outcome::Decided(_)));
}

#[test]
fn a_policy_too_large_to_keep_is_refused_before_anything_is_written() {
    let mut machine = Machine::founded();
    let text = "j".repeat(10_000);
    let relations = (0..7_000_u32).map(|n| {
        Json::object([
            ("type", "permits".into()),
            ("subject", format!("a{n}").into()),
            ("action", "x".into()),
            ("justification", text.as_str().into()),
        ])
    });
    let terms = (0..7_000).map(|n| (format!("a{n}"), "actor"));
    let terms = terms.chain([("x".to_owned(), "action")]);
    let terms = terms.map(|(id, kind)| Json::object([("id", id.into()), ("type", kind.into())]));
    let (terms, relations) = (terms.collect(), relations.collect());
    let document =
        Json::object([("terms", Json::Array(terms)), ("relations", Json::Array(relations))]);
    let digest = view::head(&machine.store).unwrap().state_digest;
    let Rejection::PolicyInvalid { faults } = rejected(machine.run(100, load(document))) else {
        panic!("another refusal");
    };
    assert_eq!(faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), ["too_large"]);
    assert_eq!(view::head(&machine.store).unwrap().state_digest, digest);
}

#[test]
fn a_policy_is_loaded_over_the_version_the_caller_saw() {
    let mut machine = Machine::founded();
    let over = |version| match load(policy()) {
        Command::LoadPolicy(mut load) => {
            load.expected_active_version = Some(version);
            Command::LoadPolicy(load)
        }
        other => other,
    };
    assert!(matches!(machine.run(100, over(0)), Outcome::PolicyLoaded(_)));
    let refused = rejected(machine.run(200, over(0)));
    assert_eq!(refused, Rejection::PolicyVersionConflict { expected: 0, active: 1 });
}

#[test]
fn a_request_may_only_tighten_the_mode() {
    let mut machine = Machine::founded();
    let asking = |mode| match decide("ai:a", "read") {
        Command::Decide(mut decide) => {
            decide.policy_mode = Some(mode);
            Command::Decide(decide)
        }
        other => other,
    };
    let refused = rejected(machine.run(100, asking(policy::Mode::Permissive)));
    assert_eq!(refused.code(), "policy_mode_loosens");
    assert!(matches!(machine.run(200, asking(policy::Mode::Paranoid)), Outcome::Decided(_)));
}

#[test]
fn a_join_nonce_always_gets_the_same_answer() {
    let mut machine = Machine::founded();
    let join = |name, nonce: &str, lost_bearer| {
        let nonce = nonce.to_owned();
        Command::RegisterNode(RegisterNode { node: node(name), nonce, lost_bearer })
    };
    let Outcome::NodeRegistered(first) = machine.run(100, join("n2", "a", None)) else {
        panic!("not registered");
    };
    let Outcome::NodeRegistered(again) = machine.run(200, join("n2", "a", None)) else {
        panic!("not registered");
    };
    assert_eq!((again.raft_id, again.recorded), (first.raft_id, None));
    let refused = rejected(machine.run(300, join("n2", "b", None)));
    assert_eq!(refused, Rejection::NodeNameInUse { name: "n2".to_owned() });
    let mut fresh = node("n2");
    fresh.keys.iter_mut().for_each(|key| key.id.0.0 += 1000);
    let join =
        RegisterNode { node: fresh, nonce: "c".to_owned(), lost_bearer: Some(first.raft_id) };
    let Outcome::NodeRegistered(taken) = machine.run(400, Command::RegisterNode(join)) else {
        panic!("not registered");
    };
    assert!(first.raft_id < taken.raft_id);
    assert_eq!(taken.incarnation, 2);
    let keys = view::keys(&machine.store).unwrap();
    let retired: Vec<_> = keys.iter().filter(|key| key.valid_until.is_some()).collect();
    assert_eq!(retired.len(), 4);
    assert!(retired.iter().all(|key| key.node == "n2" && key.raft_id == first.raft_id));
}

#[test]
fn membership_is_recorded_after_genesis_alone() {
    let mut machine = Machine::default();
    assert_eq!(machine.members(1, &[vec![RaftId(1)]], &[]), None);
    machine.run(100, found());
    let recorded = machine.members(3, &[vec![RaftId(1)]], &[RaftId(9)]).unwrap();
    assert_eq!(recorded.at, Timestamp(100));
    let entry = data(&machine, 1);
    let voters = member(&entry, "voters").as_array().unwrap();
    assert_eq!(member(&voters[0], "node_id").as_str(), Some("n1"));
    assert!(member(&entry, "voters_outgoing").is_null());
    let learners = member(&entry, "learners").as_array().unwrap();
    assert!(member(&learners[0], "node_id").is_null());
}

#[test]
fn applied_time_never_runs_backwards() {
    let mut machine = Machine::founded();
    machine.run(5_000_000, decide("a", "x"));
    machine.run(1, decide("a", "x"));
    let second = view::entry(&machine.store, EntryId(2)).unwrap().unwrap();
    assert_eq!(second.header.timestamp, Timestamp(5_000_000));
}

#[test]
fn a_stamp_past_the_last_representable_time_does_not_spoil_the_ledger() {
    let mut machine = Machine::founded();
    machine.run(u64::MAX, load(policy()));
    let entry = view::entry(&machine.store, EntryId(1)).unwrap().unwrap();
    assert_eq!(entry.header.timestamp, Timestamp::MAX);
    assert_eq!(rejected(machine.run(7, decide("ai:a", "read"))), Rejection::LifetimeTooLong);
}

#[test]
fn the_chain_verifies_and_its_root_is_the_heads() {
    let mut machine = Machine::founded();
    for at in 1..40 {
        machine.run(at * 100, decide("ai:a", "read"));
    }
    let head = view::head(&machine.store).unwrap();
    let mut checker = Checker::from_genesis();
    for id in 0..head.size() {
        checker.check(&view::entry(&machine.store, EntryId(id)).unwrap().unwrap()).unwrap();
    }
    assert_eq!(checker.last().unwrap().0, head.hash);
    assert_eq!(checker.root(), Some(head.root()));
}

#[test]
fn pages_follow_every_filter_in_both_directions() {
    let mut machine = Machine::founded();
    for n in 0..25_u64 {
        let actor = if n % 3 == 0 { "ai:a" } else { "ai:b" };
        machine.run(1000 + n * 10, decide(actor, "read"));
    }
    machine.run(2000, load(policy()));
    let all = view::EntryQuery {
        after: None,
        before: None,
        entry_type: None,
        actor: None,
        from: None,
        to: None,
        direction: Direction::Ascending,
        limit: 4,
    };
    let ids = |query: &view::EntryQuery| walk(&machine, query);
    assert_eq!(ids(&all), (0..27).collect::<Vec<u64>>());
    let of_a: Vec<u64> = (0..25).filter(|n| n % 3 == 0).map(|n| n + 1).collect();
    assert_eq!(ids(&view::EntryQuery { actor: Some("ai:a".into()), ..all.clone() }), of_a);
    let reversed: Vec<u64> = of_a.iter().rev().copied().collect();
    let descending = view::EntryQuery { direction: Direction::Descending, ..all.clone() };
    assert_eq!(
        ids(&view::EntryQuery { actor: Some("ai:a".into()), ..descending.clone() }),
        reversed
    );
    let decisions =
        view::EntryQuery { entry_type: Some(EntryType::Decision), ..descending.clone() };
    assert_eq!(ids(&decisions), (1..26).rev().collect::<Vec<u64>>());
    let timed =
        view::EntryQuery { from: Some(Timestamp(1050)), to: Some(Timestamp(1090)), ..all.clone() };
    assert_eq!(ids(&timed), [6, 7, 8, 9]);
    let between =
        view::EntryQuery { after: Some(EntryId(3)), before: Some(EntryId(6)), ..all.clone() };
    assert_eq!(ids(&between), [4, 5]);
    let both = view::EntryQuery {
        actor: Some("ai:b".into()),
        entry_type: Some(EntryType::PolicyLoaded),
        ..all
    };
    assert_eq!(ids(&both), Vec::<u64>::new());
}

/// Ids on all pages; each page must say how many there are on all of them.
fn walk(machine: &Machine, query: &view::EntryQuery) -> Vec<u64> {
    let mut query = query.clone();
    let mut found = Vec::new();
    let mut totals = Vec::new();
    loop {
        let page = view::entries(&machine.store, &query).unwrap();
        found.extend(page.entries.iter().map(|entry| entry.header.id.0));
        totals.push(page.total);
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    if query.before.is_none() {
        let count = u64::try_from(found.len()).unwrap();
        assert!(totals.iter().all(|total| *total == count), "{totals:?} of {count}");
    }
    found
}

#[test]
fn an_envelope_of_another_group_or_version_is_refused() {
    let mut machine = Machine::founded();
    let mut other = envelope(decide("a", "x"), 7);
    other.group = "second".to_owned();
    let refused = rejected(machine.apply(100, &other));
    assert_eq!(refused.code(), "not_allowed");
    assert_eq!(view::head(&machine.store).unwrap().size(), 1);
}

#[test]
fn a_preview_says_what_a_decision_would_and_records_nothing() {
    let mut machine = Machine::founded();
    machine.run(100, load(policy()));
    let before = machine.store.clone();
    let Command::Decide(request) = decide("ai:a", "read") else { panic!("no decision") };
    let cache = governance::PolicyCache::default();
    let preview =
        governance::preview(&machine.store, &cache, Timestamp(200), &request).unwrap().unwrap();
    assert_eq!(preview.data.get("outcome").and_then(Json::as_str), Some("allowed"));
    assert!(preview.data.get("token_id").unwrap().is_null());
    assert_eq!(machine.store, before);
}

#[test]
fn the_raft_id_is_the_log_index_of_the_join() {
    let mut machine = Machine::founded();
    let join = RegisterNode { node: node("n2"), nonce: "a".to_owned(), lost_bearer: None };
    let Outcome::NodeRegistered(joined) = machine.run(100, Command::RegisterNode(join)) else {
        panic!("not registered");
    };
    assert_eq!(LogIndex(joined.raft_id.0), machine.index);
}
