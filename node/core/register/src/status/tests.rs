//! The status model, rule by rule.

use super::QueryOutcome::{Fail, Inconclusive, Pass};
use super::Standing::{Missing, Stale, Unapproved, Valid};
use super::*;
use crate::words::Status;

const ALL_WELL: Judged<'_> = Judged {
    applies: Applies::Now,
    coverage: Coverage::Full,
    integrity: Integrity::Verified,
    queries: &[Pass],
    human: &[],
};

#[track_caller]
fn check(of: Judged<'_>, expect: Detail) {
    assert_eq!(judge(&of), expect, "{of:?}");
}

#[test]
fn what_the_ledger_shows_in_full_needs_nothing_else() {
    check(ALL_WELL, Detail::ImplementedBySystem);
    check(Judged { queries: &[Pass, Pass], ..ALL_WELL }, Detail::ImplementedBySystem);
}

#[test]
fn what_is_not_ours_is_said_before_anything_else() {
    let bad = Judged { integrity: Integrity::Broken, queries: &[Fail], ..ALL_WELL };
    check(Judged { applies: Applies::Never, ..bad }, Detail::NotApplicable);
    check(Judged { applies: Applies::NotYet, ..bad }, Detail::NotYetApplicable);
}

#[test]
fn a_failure_or_a_broken_ledger_is_worse_than_a_lack() {
    let human = &[Stale, Missing];
    check(Judged { queries: &[Inconclusive, Fail], human, ..ALL_WELL }, Detail::Failing);
    check(Judged { integrity: Integrity::Broken, ..ALL_WELL }, Detail::Failing);
    // Also where the ledger is not asked.
    let coverage = Coverage::None;
    let broken = Judged { integrity: Integrity::Broken, coverage, queries: &[], ..ALL_WELL };
    check(Judged { human: &[Valid], ..broken }, Detail::Failing);
}

#[test]
fn an_empty_population_shows_nothing_whatever_people_bring() {
    let queries = &[Pass, Inconclusive];
    check(Judged { queries, ..ALL_WELL }, Detail::Inconclusive);
    check(Judged { queries, human: &[Valid], ..ALL_WELL }, Detail::Inconclusive);
    check(Judged { queries, human: &[Stale], ..ALL_WELL }, Detail::Inconclusive);
}

#[test]
fn nothing_is_shown_by_a_ledger_of_which_it_cannot_be_told_whether_it_holds() {
    let integrity = Integrity::Unverified;
    check(Judged { integrity, ..ALL_WELL }, Detail::Inconclusive);
    for coverage in [Coverage::Full, Coverage::Partial, Coverage::Supporting, Coverage::None] {
        let of_people = Judged { integrity, coverage, human: &[Valid], ..ALL_WELL };
        check(of_people, Detail::Inconclusive);
        check(Judged { queries: &[Fail], ..of_people }, Detail::Failing);
    }
}

#[test]
fn what_was_valid_once_is_stale() {
    for coverage in [Coverage::Full, Coverage::Partial, Coverage::Supporting, Coverage::None] {
        check(Judged { coverage, human: &[Valid, Stale], ..ALL_WELL }, Detail::Stale);
        check(Judged { coverage, human: &[Missing, Stale], ..ALL_WELL }, Detail::Stale);
    }
}

#[test]
fn what_nobody_can_bring_anything_for_is_not_covered() {
    let coverage = Coverage::None;
    check(Judged { coverage, queries: &[], ..ALL_WELL }, Detail::NotCovered);
    let human = &[Missing];
    check(Judged { coverage, queries: &[], human, ..ALL_WELL }, Detail::NeedsHumanEvidence);
}

#[test]
fn what_rests_on_people_needs_them() {
    let supporting = Judged { coverage: Coverage::Supporting, ..ALL_WELL };
    check(Judged { human: &[Missing, Unapproved], ..supporting }, Detail::NeedsHumanEvidence);
    let present = Detail::SystemEvidencePresentHumanEvidenceMissing;
    check(Judged { human: &[Missing, Valid], ..supporting }, present);
    // Of what the ledger shows nothing, all must be brought.
    let none = Judged { coverage: Coverage::None, queries: &[], ..ALL_WELL };
    check(Judged { human: &[Missing, Valid], ..none }, Detail::NeedsHumanEvidence);
    check(Judged { human: &[Valid, Valid], ..none }, Detail::EvidenceOnFile);
    // Only what is shown in full does without.
    check(Judged { coverage: Coverage::Partial, ..ALL_WELL }, Detail::NeedsHumanEvidence);
}

#[test]
fn what_is_shown_in_part_is_so_until_people_complete_it() {
    let present = Detail::SystemEvidencePresentHumanEvidenceMissing;
    for coverage in [Coverage::Full, Coverage::Partial] {
        for human in [[Missing, Valid], [Unapproved, Valid], [Missing, Missing]] {
            check(Judged { coverage, human: &human, ..ALL_WELL }, present);
        }
        let human = &[Valid, Valid];
        check(Judged { coverage, human, ..ALL_WELL }, Detail::EvidenceOnFile);
    }
}

#[test]
fn ten_details_come_to_five_statuses() {
    let of = |detail: Detail| (detail.as_str(), detail.status().as_str());
    let expect = [
        ("not_applicable", "not_applicable"),
        ("not_yet_applicable", "not_applicable"),
        ("failing", "insufficient"),
        ("inconclusive", "insufficient"),
        ("stale", "insufficient"),
        ("not_covered", "insufficient"),
        ("needs_human_evidence", "needs_human_evidence"),
        ("system_evidence_present_human_evidence_missing", "partial"),
        ("evidence_on_file", "evidence_sufficient"),
        ("implemented_by_system", "evidence_sufficient"),
    ];
    assert_eq!(Detail::ALL.iter().copied().map(of).collect::<Vec<_>>(), expect);
    assert_eq!(Status::ALL.len(), 5);
}

#[test]
fn a_failing_query_is_never_hidden_by_people() {
    for coverage in [Coverage::Full, Coverage::Partial, Coverage::Supporting] {
        for standing in [Valid, Stale, Unapproved, Missing] {
            let human = &[standing];
            check(Judged { coverage, queries: &[Pass, Fail], human, ..ALL_WELL }, Detail::Failing);
        }
    }
}
