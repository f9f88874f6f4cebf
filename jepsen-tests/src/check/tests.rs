//! Each violation planted in a run that was right, and found; nothing else is.

use std::time::Duration;

use types::Json;

use super::*;
use crate::audit::Recorded;

fn entry(id: u64, request_id: &str) -> Recorded {
    Recorded {
        id,
        hash: format!("hash-{id}"),
        request_id: Some(request_id.to_owned()),
        decision_id: Some(format!("dec-{request_id}")),
    }
}

fn told(entry_id: u64, request_id: &str) -> Acknowledged {
    let at = Duration::from_secs(entry_id * 10);
    Acknowledged {
        request_id: request_id.to_owned(),
        decision_id: format!("dec-{request_id}"),
        entry_id,
        entry_hash: format!("hash-{entry_id}"),
        called: at,
        returned: at + Duration::from_secs(5),
    }
}

/// Three decisions acknowledged and one in doubt that was recorded, on two nodes.
fn right() -> (History, Vec<Copy>) {
    let genesis = Recorded { request_id: None, decision_id: None, ..entry(0, "") };
    let entries = vec![genesis, entry(1, "a"), entry(2, "b"), entry(3, "doubt"), entry(4, "c")];
    let copy = |node: &str| Copy {
        node: node.to_owned(),
        entries: entries.clone(),
        root: Some("root".to_owned()),
        fault: None,
    };
    let history = History {
        acknowledged: vec![told(1, "a"), told(2, "b"), told(4, "c")],
        unresolved: vec!["doubt".to_owned(), "never recorded".to_owned()],
        unexpected: Vec::new(),
    };
    (history, vec![copy("n1"), copy("n2")])
}

fn check(plant: impl Fn(&mut History, &mut Vec<Copy>), expect: &[&str]) {
    let (mut history, mut copies) = right();
    plant(&mut history, &mut copies);
    let found: Vec<String> =
        violations(&history, &copies).iter().map(ToString::to_string).collect();
    assert_eq!(found, expect);
}

#[test]
fn a_run_that_was_right_has_no_violation() {
    check(|_, _| (), &[]);
}

#[test]
fn a_lost_write_is_found_on_the_node_that_lost_it() {
    check(
        |_, copies| copies[1].entries.truncate(4),
        &["n2: acknowledged `c` is lost", "n1 and n2 differ at entry 4"],
    );
}

#[test]
fn a_write_lost_on_every_node_is_found() {
    check(
        |_, copies| copies.iter_mut().for_each(|copy| copy.entries.truncate(4)),
        &["n1: acknowledged `c` is lost", "n2: acknowledged `c` is lost"],
    );
}

#[test]
fn a_duplicate_is_found() {
    check(
        |_, copies| copies.iter_mut().for_each(|copy| copy.entries.push(entry(5, "b"))),
        &["n1: `b` is recorded at [2, 5]", "n2: `b` is recorded at [2, 5]"],
    );
}

#[test]
fn a_decision_in_doubt_recorded_twice_is_found() {
    check(
        |_, copies| copies.iter_mut().for_each(|copy| copy.entries.push(entry(5, "doubt"))),
        &["n1: `doubt` is recorded at [3, 5]", "n2: `doubt` is recorded at [3, 5]"],
    );
}

#[test]
fn two_entries_that_changed_places_are_found() {
    check(
        |_, copies| {
            copies[1].entries[1].request_id = Some("b".to_owned());
            copies[1].entries[1].decision_id = Some("dec-b".to_owned());
            copies[1].entries[2].request_id = Some("a".to_owned());
            copies[1].entries[2].decision_id = Some("dec-a".to_owned());
        },
        &[
            "n2: `a` was told (1, \"hash-1\") and is (2, \"hash-2\")",
            "n2: `b` was told (2, \"hash-2\") and is (1, \"hash-1\")",
            "n1 and n2 differ at entry 1",
        ],
    );
}

#[test]
fn an_entry_whose_hash_changed_is_found() {
    check(
        |_, copies| copies.iter_mut().for_each(|copy| copy.entries[4].hash = "other".to_owned()),
        &[
            "n1: `c` was told (4, \"hash-4\") and is (4, \"other\")",
            "n2: `c` was told (4, \"hash-4\") and is (4, \"other\")",
        ],
    );
}

#[test]
fn an_answer_for_another_decision_is_found() {
    check(
        |history, _| history.acknowledged[0].decision_id = "dec-x".to_owned(),
        &[
            "n1: `a` was told (1, \"hash-1\") and is (1, \"hash-1\")",
            "n2: `a` was told (1, \"hash-1\") and is (1, \"hash-1\")",
        ],
    );
}

#[test]
fn a_decision_nobody_asked_for_is_found() {
    check(
        |history, _| history.unresolved.clear(),
        &["n1: nobody asked for `doubt`", "n2: nobody asked for `doubt`"],
    );
}

#[test]
fn a_decision_recorded_before_one_that_had_ended_is_found() {
    check(
        |history, _| history.acknowledged[0].called = Duration::from_secs(26),
        &["`b` ended before `a` began and is recorded after it"],
    );
}

#[test]
fn a_chain_that_does_not_hold_and_an_unexpected_answer_are_found() {
    check(
        |history, copies| {
            copies[0].fault = Some("entry 3: broken_link".to_owned());
            history.unexpected.push("500".to_owned());
        },
        &["unexpected answer: 500", "n1: entry 3: broken_link"],
    );
}

#[test]
fn equal_progress_and_another_state_is_found() {
    let status = |node: &str| Status {
        cluster_id: "clu".to_owned(),
        node_id: node.to_owned(),
        role: "follower".to_owned(),
        leader_id: None,
        term: 1,
        applied_index: 9,
        ledger_size: 5,
        root_hash: "root".to_owned(),
        state_hash: "state".to_owned(),
        voters: vec!["n1".to_owned()],
    };
    assert_eq!(diverged(&[status("n1"), status("n2"), status("n3")]), []);
    let other = Status { state_hash: "other".to_owned(), ..status("n3") };
    let found = diverged(&[status("n1"), status("n2"), other]);
    assert_eq!(
        found.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["n2 and n3 applied equally much and differ in `state_hash`"]
    );
}

#[test]
fn a_verdict_must_be_that_of_the_reader() {
    let copy = right().1.remove(0);
    let good = Verdict {
        is_valid: true,
        first_invalid: Json::Null,
        entries_checked: 5,
        head: Some((4, "hash-4".to_owned())),
        root_hash: Some("root".to_owned()),
    };
    assert_eq!(verdict_agrees(&copy, &good), []);
    let wrong = [
        Verdict { is_valid: false, ..good.clone() },
        Verdict { first_invalid: Json::from("x"), ..good.clone() },
        Verdict { entries_checked: 4, ..good.clone() },
        Verdict { head: None, ..good.clone() },
        Verdict { root_hash: None, ..good },
    ];
    for verdict in wrong {
        assert_eq!(verdict_agrees(&copy, &verdict).len(), 1, "{verdict:?}");
    }
}
