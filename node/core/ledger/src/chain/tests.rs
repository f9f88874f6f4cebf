//! Each check has a test in which it fails.

#![expect(clippy::arithmetic_side_effects, reason = "a test may overflow, and then fails")]

use proptest::prelude::*;
use types::{Json, Timestamp};

use super::*;
use crate::entry::Part;
use crate::header::Header;
use crate::merkle::Frontier;

/// A chain of `n` entries that holds.
fn chain(n: u8) -> Vec<StoredEntry> {
    let mut entries: Vec<StoredEntry> = Vec::new();
    for id in 0..n {
        let data = Part::new([id; 32], &Json::object([("n", u32::from(id).into())]));
        let personal = Part::new([id ^ 0xff; 32], &Json::object([("who", "somebody".into())]));
        let entry_type = if id == 0 { EntryType::Genesis } else { EntryType::Decision };
        let header = Header {
            id: EntryId(id.into()),
            entry_type,
            timestamp: Timestamp(u64::from(id) * 1000),
            actor_seq: 0,
            type_seq: u64::from(id.max(1)),
            data_hash: data.hash(),
            personal_hash: Some(personal.hash()),
            previous_hash: entries.last().map_or(Digest::ZERO, StoredEntry::hash),
        };
        entries.push(stored(header, data, personal));
    }
    entries
}

fn stored(header: Header, data: Part, personal: Part) -> StoredEntry {
    let header_text = header.to_canonical();
    StoredEntry { header, header_text, data: Some(data), personal: Some(personal) }
}

fn verify(entries: &[StoredEntry]) -> Result<Checker, Fault> {
    let mut checker = Checker::from_genesis();
    for entry in entries {
        checker.check(entry)?;
    }
    Ok(checker)
}

#[track_caller]
fn check(change: impl FnOnce(&mut Vec<StoredEntry>), id: u64, reason: FaultReason) {
    let mut entries = chain(9);
    verify(&entries).unwrap();
    change(&mut entries);
    assert_eq!(verify(&entries).unwrap_err(), Fault { id: EntryId(id), reason });
}

/// Changes a header and hashes its new bytes, as whoever runs the server could.
fn rewrite(entry: &mut StoredEntry, change: impl FnOnce(&mut Header)) {
    change(&mut entry.header);
    entry.header_text = entry.header.to_canonical();
}

#[test]
fn a_changed_part_is_named() {
    check(
        |entries| entries[5].data.as_mut().unwrap().text.push(' '),
        5,
        FaultReason::DataHashMismatch,
    );
    check(
        |entries| entries[5].data.as_mut().unwrap().salt[0] ^= 1,
        5,
        FaultReason::DataHashMismatch,
    );
    check(
        |entries| entries[6].personal.as_mut().unwrap().text.push(' '),
        6,
        FaultReason::PersonalHashMismatch,
    );
}

#[test]
fn a_part_that_the_header_does_not_commit_to_is_named() {
    check(
        |entries| rewrite(&mut entries[8], |header| header.personal_hash = None),
        8,
        FaultReason::PersonalHashMismatch,
    );
}

#[test]
fn a_rewritten_header_breaks_the_link_of_the_next() {
    check(
        |entries| rewrite(&mut entries[5], |header| header.actor_seq = 7),
        6,
        FaultReason::BrokenLink,
    );
}

#[test]
fn a_missing_or_moved_entry_is_named() {
    check(|entries| drop(entries.remove(4)), 4, FaultReason::Missing);
    check(|entries| entries.swap(3, 4), 3, FaultReason::Missing);
}

#[test]
fn time_and_counts_do_not_run_backwards() {
    check(
        |entries| rewrite(&mut entries[8], |header| header.timestamp = Timestamp(1)),
        8,
        FaultReason::SequenceGap,
    );
    check(
        |entries| rewrite(&mut entries[8], |header| header.type_seq = 9),
        8,
        FaultReason::SequenceGap,
    );
}

#[test]
fn an_entry_that_others_rest_on_is_never_erased() {
    check(|entries| entries[0].data = None, 0, FaultReason::ErasureNotAllowed);
    check(|entries| entries[0].personal = None, 0, FaultReason::ErasureNotAllowed);
}

#[test]
fn genesis_comes_first_and_once() {
    check(
        |entries| {
            rewrite(&mut entries[8], |header| {
                (header.entry_type, header.type_seq) = (EntryType::Genesis, 2);
            });
        },
        8,
        FaultReason::SequenceGap,
    );
    check(
        |entries| rewrite(&mut entries[0], |header| header.entry_type = EntryType::Recovery),
        0,
        FaultReason::SequenceGap,
    );
}

#[test]
fn what_was_erased_is_counted_and_still_verifies() {
    let mut entries = chain(9);
    entries[3].personal = None;
    entries[4].data = None;
    let checker = verify(&entries).unwrap();
    assert_eq!((checker.checked(), checker.erased()), (9, 2));
}

/// A chain of nine in which entry 8 is a run over these ranges.
fn with_run(part: &str, ranges: &str) -> Vec<StoredEntry> {
    let mut entries = chain(8);
    let text =
        format!("{{\"cause\":\"request\",\"count\":1,\"part\":\"{part}\",\"ranges\":{ranges}}}");
    let data = Part { salt: [8; 32], text };
    let header = Header {
        id: EntryId(8),
        entry_type: EntryType::AnonymizationRun,
        type_seq: 1,
        data_hash: data.hash(),
        personal_hash: None,
        previous_hash: entries[7].hash(),
        ..entries[7].header.clone()
    };
    let header_text = header.to_canonical();
    entries.push(StoredEntry { header, header_text, data: Some(data), personal: None });
    entries
}

#[track_caller]
fn check_erased(part: &str, ranges: &str, expect: &str) {
    let mut entries = with_run(part, ranges);
    entries[3].personal = None;
    (entries[4].data, entries[4].personal) = (None, None);
    let found = verify(&entries).and_then(|checker| checker.finish());
    let found = found.map_or_else(|fault| fault.to_string(), |()| "holds".to_owned());
    assert_eq!(found, expect, "{part} {ranges}");
}

#[test]
fn a_part_is_gone_only_where_a_later_run_names_it() {
    check_erased("all", r#"[{"from":3,"to":5}]"#, "holds");
    check_erased("all", r#"[{"from":2,"to":3},{"from":4,"to":4}]"#, "holds");
    check_erased("all", r#"[{"from":4,"to":7}]"#, "entry 3: unrecorded_erasure");
    check_erased("all", "[]", "entry 3: unrecorded_erasure");
    check_erased("personal", r#"[{"from":3,"to":5}]"#, "entry 4: unrecorded_erasure");
    check_erased("all", r#"[{"from":0,"to":5}]"#, "entry 8: erasure_not_allowed");
    check_erased("all", r#"[{"from":3,"to":8}]"#, "entry 8: malformed");
}

#[test]
fn a_range_is_checked_from_what_is_known_before_it() {
    let entries = chain(9);
    let before = Some((entries[3].hash(), entries[3].header.timestamp));
    let run = |before| {
        let mut checker = Checker::from(EntryId(4), before);
        entries[4..].iter().try_for_each(|entry| checker.check(entry)).map(|()| checker)
    };
    let checker = run(before).unwrap();
    assert_eq!(checker.root(), None);
    assert_eq!(checker.last().unwrap().0, entries[8].hash());
    let elsewhere = Some((Digest([1; 32]), Timestamp(0)));
    let fault = Fault { id: EntryId(4), reason: FaultReason::BrokenLink };
    assert_eq!(run(elsewhere).unwrap_err(), fault);
    assert!(run(None).is_ok());
}

#[test]
fn the_root_covers_every_entry() {
    let entries = chain(9);
    let mut tree = Frontier::default();
    entries.iter().for_each(|entry| tree.append(entry.hash()));
    assert_eq!(verify(&entries).unwrap().root(), Some(tree.root()));
}

/// What a check of ranges says that end where `cuts` say and were checked apart.
fn verify_split(entries: &[StoredEntry], cuts: &[usize]) -> Result<Checker, Fault> {
    let mut whole = Checker::from_genesis();
    let mut rest = entries;
    for end in cuts.iter().copied().chain([entries.len()]) {
        let (range, after) = rest.split_at(end.saturating_sub(entries.len() - rest.len()));
        let mut part = Checker::from(EntryId((entries.len() - rest.len()) as u64), None);
        let faulty = range.iter().find(|entry| part.check(entry).is_err());
        whole = whole.join(part)?;
        // Only what comes before an entry says which of its faults is the first.
        if let Some(faulty) = faulty {
            whole.check(faulty)?;
        }
        rest = after;
    }
    Ok(whole)
}

/// What is wrong with a chain: nothing, or one of what the other tests change.
fn spoil(entries: &mut [StoredEntry], at: usize, fault: usize) {
    let entry = &mut entries[at];
    match fault {
        0 => (),
        1 => (entry.data, entry.personal) = (None, None),
        2 => entry.personal = None,
        3 => rewrite(entry, |header| header.type_seq += 1),
        4 => rewrite(entry, |header| header.timestamp = Timestamp(1)),
        5 => rewrite(entry, |header| header.previous_hash = Digest([7; 32])),
        6 => rewrite(entry, |header| header.entry_type = EntryType::PolicyLoaded),
        7 => rewrite(entry, |header| header.id = EntryId(3)),
        _ => drop(entry.data.as_mut().map(|part| part.text.push(' '))),
    }
}

/// Hashes the links again, so that only what was meant is at fault.
fn relink(entries: &mut [StoredEntry], from: usize) {
    for at in from..entries.len() {
        let hash = entries[at - 1].hash();
        rewrite(&mut entries[at], |header| header.previous_hash = hash);
    }
}

proptest! {
    #[test]
    fn any_split_says_what_the_whole_says(
        ranges in prop_oneof![
            Just(r#"[{"from":1,"to":7}]"#),
            Just(r#"[{"from":3,"to":4},{"from":6,"to":7}]"#),
            Just(r#"[{"from":0,"to":1}]"#),
            Just("[]"),
        ],
        part in prop_oneof![Just("all"), Just("personal")],
        faults in prop::collection::vec((1..9_usize, 0..9_usize), 0..3),
        is_linked in any::<bool>(),
        cuts in prop::collection::vec(0..10_usize, 0..4),
    ) {
        let mut entries = with_run(part, ranges);
        for (at, fault) in faults {
            spoil(&mut entries, at, fault);
            if is_linked {
                relink(&mut entries, at + 1);
            }
        }
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut <= entries.len()).collect();
        cuts.sort_unstable();
        let (whole, split) = (verify(&entries), verify_split(&entries, &cuts));
        prop_assert_eq!(&whole, &split);
        if let (Ok(whole), Ok(split)) = (whole, split) {
            prop_assert_eq!(whole.finish(), split.finish());
        }
    }
}
