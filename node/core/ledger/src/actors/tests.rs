//! Scripts: `a1` is an entry about actor a with number 1, `-1` one whose `data`
//! is erased, `.0` one about nobody.

#![expect(clippy::arithmetic_side_effects, reason = "a test may overflow, and then fails")]

use proptest::prelude::*;
use types::{Digest, Timestamp};

use super::*;
use crate::entry_type::EntryType;

fn header(id: u64, actor_seq: u64) -> Header {
    Header {
        id: EntryId(id),
        entry_type: EntryType::Decision,
        timestamp: Timestamp(0),
        actor_seq,
        type_seq: id,
        data_hash: Digest::ZERO,
        personal_hash: None,
        previous_hash: Digest::ZERO,
    }
}

fn run(mut check: ActorCheck, script: &str) -> ActorCheck {
    for (id, word) in (0..).zip(script.split_whitespace()) {
        let (actor, number) = word.split_at(1);
        let header = header(id, number.parse().unwrap());
        let data = match actor {
            "-" => None,
            "." => Some("{\"by\":\"actor\"}".to_owned()),
            actor => Some(format!("{{\"actor\":\"{actor}\",\"by\":\"x\"}}")),
        };
        check.check(&header, data.as_deref());
    }
    check
}

#[track_caller]
fn check(script: &str, expect: &str) {
    let check = run(ActorCheck::default(), script);
    let found = match check.finish() {
        Ok(()) => format!("{} explained", check.gaps_explained()),
        Err(fault) => fault.to_string(),
    };
    assert_eq!(found, expect, "{script}");
}

#[test]
fn numbers_follow_for_each_actor_by_itself() {
    check("a1 b1 .0 a2 a3 b2", "0 explained");
    check("a1 a3", "entry 1: sequence_gap");
    check("a1 b1 a1", "entry 2: sequence_gap");
    check("a1 a2 a1 b7", "entry 2: sequence_gap");
    check("a2", "entry 0: sequence_gap");
    check("a0", "entry 0: sequence_gap");
    check(".1", "entry 0: sequence_gap");
}

#[test]
fn a_gap_is_explained_by_erased_headers_between_its_ends() {
    check("a1 -2 a3", "1 explained");
    check("a1 -2 -3 a4", "2 explained");
    check("-1 a2", "1 explained");
    check("a1 -3 a3", "entry 2: sequence_gap");
    check("-2 a1 a3", "entry 2: sequence_gap");
    check("a1 a3 -2", "entry 1: sequence_gap");
}

#[test]
fn a_header_explains_one_gap() {
    check("a1 b1 -2 a3 b3", "entry 4: sequence_gap");
    check("a1 b1 -2 -2 a3 b3", "2 explained");
}

#[test]
fn an_erased_header_that_explains_nothing_is_no_fault() {
    check("a1 -5 -0 -1 a2", "0 explained");
}

#[test]
fn the_gap_that_ends_first_leaves_the_later_header_to_the_other() {
    check("a1 -2 b1 -2 b3 a3", "2 explained");
    check("a1 -2 b1 -2 a3 b3", "2 explained");
}

#[test]
fn a_watched_actor_is_told_of() {
    let check = run(ActorCheck::watching(ActorTag::of("a")), "-1 a2 b1 -3 a4 a5");
    let followed = Followed { entries: 3, first: 2, last: 5, gaps_explained: 2 };
    assert_eq!((check.finish(), check.watched()), (Ok(()), Some(followed)));
}

#[test]
fn a_name_has_one_tag_however_it_is_escaped() {
    let sighting = Sighting::new(&header(0, 1), Some("{\"actor\":\"a\\\"\\n\u{e9}\"}"));
    assert_eq!(sighting.whom, Whom::Actor(ActorTag::of("a\"\n\u{e9}")));
}

#[test]
fn actors_past_the_bound_are_counted_and_not_followed() {
    let few = ActorCheck { actors_max: 2, ..ActorCheck::default() };
    let check = run(few, "a1 b1 c1 c5 a2 b3");
    assert_eq!(check.entries_unfollowed(), 2);
    assert_eq!(check.finish().unwrap_err().id, EntryId(5));
}

/// Whether headers can be given to gaps at all, trying every choice.
fn explainable(gaps: &[(u64, u64, u64)], free: &BTreeSet<(u64, EntryId)>) -> bool {
    let Some(((number, after, before), rest)) = gaps.split_first() else {
        return true;
    };
    free.range((*number, EntryId(*after))..(*number, EntryId(*before))).any(|header| {
        let mut left = free.clone();
        left.remove(header);
        explainable(rest, &left)
    })
}

proptest! {
    #[test]
    fn gaps_are_explained_if_any_choice_explains_them(
        script in prop::collection::vec((0..4_usize, 1..3_u64), 1..14)
    ) {
        let mut check = ActorCheck::default();
        let mut last = [(0, 0); 3];
        let (mut gaps, mut free) = (Vec::new(), BTreeSet::new());
        for (id, (whom, step)) in (0..).zip(script) {
            let Some((number, after)) = last.get_mut(whom) else {
                free.insert((step, EntryId(id)));
                check.check(&header(id, step), None);
                continue;
            };
            gaps.extend((*number + 1..*number + step).map(|missing| (missing, *after, id)));
            (*number, *after) = (*number + step, id + 1);
            let data = format!("{{\"actor\":\"{whom}\"}}");
            check.check(&header(id, *number), Some(&data));
        }
        prop_assert_eq!(check.finish().is_ok(), explainable(&gaps, &free));
    }
}
