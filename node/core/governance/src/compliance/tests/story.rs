//! What becomes of statuses along a story.

use super::*;

use register::Standing::{Missing, Stale, Unapproved, Valid};

/// On that day all of the act applies.
const LATE: &str = "2029-01-01";

#[test]
fn a_ledger_that_has_just_begun_claims_nothing() {
    let bench = Bench::founded(LATE);
    let assessment = bench.assess();
    assert_eq!(assessment.all().count(), 200 + 1133);
    assert_eq!(assessment.results.len(), 49);
    let counts = counts(&assessment);
    assert_eq!(counts.get(&Status::EvidenceSufficient), None);
    assert_eq!(counts.get(&Status::NotApplicable), None);
    for item in assessment.all() {
        assert!(!item.missing.is_empty(), "{} {}", item.framework, item.id);
    }
    // Nobody has signed it.
    assert_eq!(counts.get(&Status::Insufficient), Some(&1333));
}

#[test]
fn the_same_entries_give_the_same_assessment_whatever_came_later() {
    let mut bench = Bench::founded(LATE);
    bench.load_policy(checked("user_a"));
    bench.decide("ai:a");
    bench.seal();
    let (as_of, before) = (bench.head(), bench.assess());
    bench.complete(("soc2", "CC6.2"), None);
    bench.decide("ai:b");
    bench.tell(checked("user_a"), EntryType::LoginFailed, &[]);
    bench.seal();
    assert_eq!(assess(&bench.store, as_of).unwrap(), before);
    assert_ne!(bench.assess().results, before.results);
}

/// A duty that the ledger shows in full and nobody need add to.
fn full() -> (&'static str, &'static str) {
    let framework = register().framework("cfr21_part11").unwrap();
    let of_chain = |control: &&Control| {
        let known = [Query::LedgerVerify, Query::LedgerGapCheck, Query::CheckpointsPublished];
        let more = [Query::RecordCompleteness, Query::DecisionsInWindow, Query::PolicyHistory];
        let answered = |query: &Query| known.contains(query) || more.contains(query);
        control.coverage == Coverage::Full && control.queries.iter().all(answered)
    };
    let control = framework.controls.iter().find(of_chain).or_else(|| {
        register().frameworks().iter().flat_map(|framework| &framework.controls).find(of_chain)
    });
    let control = control.unwrap();
    let framework = register()
        .frameworks()
        .iter()
        .find(|framework| framework.controls.iter().any(|other| std::ptr::eq(other, control)))
        .unwrap();
    (framework.id(), &control.id)
}

#[test]
fn what_the_ledger_shows_in_full_is_so_once_a_checkpoint_covers_it() {
    let mut bench = Bench::founded(LATE);
    bench.load_policy(checked("user_a"));
    bench.decide("ai:a");
    bench.detail(full(), Detail::Inconclusive);
    bench.seal();
    bench.detail(full(), Detail::ImplementedBySystem);
    let assessment = bench.assess();
    let item = assessment.item(full().0, full().1).unwrap();
    assert!(item.missing.is_empty() && item.last_evidence_at.is_some());
    assert_eq!(item.status, Status::EvidenceSufficient);
}

#[test]
fn a_node_that_left_is_not_waited_for() {
    let mut bench = ready();
    let found = [("raft_id", 1_u64.into())];
    bench.tell(Principal::node("n1"), EntryType::DivergenceDetected, &found);
    let nodes = |ids: &[u64]| {
        let node = |id: &u64| Json::object([("raft_id", (*id).into())]);
        Json::Array(ids.iter().map(node).collect())
    };
    let mut members = |voters: &[u64], outgoing: &[u64], learners: &[u64]| {
        let members = [
            ("learners", nodes(learners)),
            ("voters", nodes(voters)),
            ("voters_outgoing", nodes(outgoing)),
        ];
        bench.tell(Principal::node("n1"), EntryType::MembershipChanged, &members);
        bench.assess().integrity
    };
    assert_eq!(members(&[1, 2], &[], &[]), Integrity::Broken);
    assert_eq!(members(&[2, 3], &[1, 2], &[]), Integrity::Broken);
    assert_eq!(members(&[2, 3], &[], &[1]), Integrity::Broken);
    assert_eq!(members(&[2, 3], &[], &[]), Integrity::Verified);
}

#[test]
fn while_nothing_is_signed_nothing_is_shown_whatever_people_bring() {
    let mut bench = ready();
    let name = simple(Coverage::Supporting);
    bench.complete(name, None);
    bench.detail(name, Detail::EvidenceOnFile);
    bench.at += 3600 * SECOND;
    bench.decide("ai:a");
    assert_eq!(bench.assess().integrity, Integrity::Unverified);
    bench.detail(name, Detail::Inconclusive);
    bench.seal();
    bench.detail(name, Detail::EvidenceOnFile);
}

#[test]
fn a_node_that_is_not_what_the_others_are_fails_everything_until_it_is_rebuilt() {
    let mut bench = Bench::founded(LATE);
    bench.load_policy(checked("user_a"));
    bench.decide("ai:a");
    bench.seal();
    let n1 = Principal::node("n1");
    let found = bench.tell(n1.clone(), EntryType::DivergenceDetected, &[("raft_id", 1_u64.into())]);
    let assessment = bench.assess();
    assert_eq!(assessment.integrity, Integrity::Broken);
    assert!(assessment.all().all(|item| item.detail == Detail::Failing));
    let rebuilt = [("divergence_entry_id", found.0.into())];
    bench.tell(n1, EntryType::Recovery, &rebuilt);
    assert_eq!(bench.assess().integrity, Integrity::Verified);
    bench.detail(full(), Detail::ImplementedBySystem);
}

/// A control of a coverage all of whose queries pass in a ledger with an account,
/// a key and a policy.
fn simple(coverage: Coverage) -> (&'static str, &'static str) {
    let passing = [Query::KeyEvents, Query::PolicyHistory, Query::DecisionsInWindow];
    let all = register().frameworks().iter().flat_map(|framework| {
        framework.controls.iter().map(move |control| (framework.id(), control))
    });
    let is_one = |(_, control): &(&str, &Control)| {
        let passes = control.queries.iter().all(|query| passing.contains(query));
        control.coverage == coverage && passes && !control.human_evidence.is_empty()
    };
    let (framework, control) = { all }.find(is_one).unwrap();
    (framework, &control.id)
}

fn ready() -> Bench {
    let mut bench = Bench::founded(LATE);
    bench.load_policy(checked("user_a"));
    bench.decide("ai:a");
    bench.seal();
    bench
}

#[test]
fn evidence_of_people_goes_from_missing_over_unapproved_to_valid_and_stale() {
    let mut bench = ready();
    let name = simple(Coverage::Supporting);
    bench.detail(name, Detail::NeedsHumanEvidence);
    let kinds = bench.assess().item(name.0, name.1).unwrap().human_required;
    let artifact = bench.artifact(checked("user_a"));
    bench.link(name, &artifact, kinds);
    let standing = |bench: &Bench| {
        let assessment = bench.assess();
        assessment.item(name.0, name.1).unwrap().artifacts[0].standing
    };
    assert_eq!(standing(&bench), Unapproved);
    // Nobody vouches for what they brought themselves, nor unchecked.
    bench.attest(checked("user_a"), name, &artifact, None);
    bench.attest(
        Principal { id: "user_b".to_owned(), ..Principal::nobody() },
        name,
        &artifact,
        None,
    );
    assert_eq!(standing(&bench), Unapproved);
    bench.detail(name, Detail::NeedsHumanEvidence);
    let until = bench.at + DAY;
    bench.attest(checked("user_b"), name, &artifact, Some(until));
    assert_eq!(standing(&bench), Valid);
    bench.detail(name, Detail::EvidenceOnFile);
    bench.at = until;
    bench.decide("ai:a");
    bench.seal();
    assert_eq!(standing(&bench), Stale);
    bench.detail(name, Detail::Stale);
    bench.attest(checked("user_c"), name, &artifact, None);
    bench.detail(name, Detail::EvidenceOnFile);
}

#[test]
fn erased_evidence_stands_for_nothing() {
    let mut bench = ready();
    let name = simple(Coverage::Supporting);
    bench.complete(name, None);
    bench.detail(name, Detail::EvidenceOnFile);
    let assessment = bench.assess();
    let artifact = assessment.item(name.0, name.1).unwrap().artifacts[0].artifact;
    let entry = view::artifact(&bench.store, artifact).unwrap().unwrap().entry_id;
    let ranges = vec![EntryRange { from: entry, to: entry }];
    let erase = Erase { part: ErasedPart::All, ranges, cause: ErasureCause::Request };
    let outcome = bench.run(Principal::node("n1"), Command::Erase(erase));
    assert!(matches!(outcome, Outcome::Erased(_)), "{outcome:?}");
    let assessment = bench.assess();
    assert_eq!(assessment.item(name.0, name.1).unwrap().artifacts[0].standing, Missing);
    bench.detail(name, Detail::NeedsHumanEvidence);
}

#[test]
fn a_control_that_is_shown_in_part_wants_the_rest_from_people() {
    let mut bench = ready();
    let name = simple(Coverage::Partial);
    bench.detail(name, Detail::SystemEvidencePresentHumanEvidenceMissing);
    let assessment = bench.assess();
    let item = assessment.item(name.0, name.1).unwrap();
    let kinds: Vec<&str> = item.human_required.iter().map(|kind| kind.as_str()).collect();
    assert_eq!((item.status, item.missing.join(" ")), (Status::Partial, kinds.join(" ")));
    bench.complete(name, None);
    bench.detail(name, Detail::EvidenceOnFile);
}

#[test]
fn a_query_that_fails_is_not_made_good_by_people() {
    let mut bench = ready();
    let name = ("soc2", "CC6.2");
    bench.tell(checked("user_a"), EntryType::UserCreated, &[("user_id", "user_z".into())]);
    bench.complete(name, None);
    bench.detail(name, Detail::EvidenceOnFile);
    bench.tell(Principal::nobody(), EntryType::UserCreated, &[("user_id", "user_y".into())]);
    bench.detail(name, Detail::Failing);
    let assessment = bench.assess();
    let missing = &assessment.item(name.0, name.1).unwrap().missing;
    assert!(missing.contains(&"user_lifecycle".to_owned()));
}

fn profile(bench: &mut Bench, roles: &[&str], routes: &[&str], frameworks: &[&str]) {
    let words = |words: &[&str]| Json::from(words.to_vec());
    let members = [
        ("frameworks", words(frameworks)),
        ("risk_routes", words(routes)),
        ("roles", words(roles)),
    ];
    bench.tell(checked("user_a"), EntryType::ProfileUpdated, &members);
}

#[test]
fn a_profile_says_what_is_for_whom() {
    let mut bench = ready();
    profile(&mut bench, &["deployer"], &["annex_iii"], &["soc2", "gdpr"]);
    bench.detail(("eu_ai_act", "AIA-9.1"), Detail::NotApplicable);
    let assessment = bench.assess();
    assert!(assessment.items("nis2").all(|item| item.detail == Detail::NotApplicable));
    assert!(assessment.items("hipaa").all(|item| item.status == Status::NotApplicable));
    assert!(!assessment.items("soc2").any(|item| item.status == Status::NotApplicable));
    let item = assessment.item("eu_ai_act", "AIA-26.1").unwrap();
    assert_ne!(item.detail, Detail::NotApplicable);
    // Without a route that makes a system one of high risk, such duties are none.
    profile(&mut bench, &["deployer"], &["minimal"], &[]);
    bench.detail(("eu_ai_act", "AIA-26.1"), Detail::NotApplicable);
    assert!(bench.assess().items("hipaa").any(|item| item.status != Status::NotApplicable));
}

#[test]
fn a_duty_whose_day_is_to_come_is_not_applicable_yet_and_says_when() {
    let mut bench = Bench::founded("2026-11-26");
    let name = ("eu_ai_act", "AIA-9.1");
    bench.detail(name, Detail::NotYetApplicable);
    let from = |bench: &Bench| bench.assess().item(name.0, name.1).unwrap().applicable_from;
    assert_eq!(from(&bench), Some("2027-12-02".parse().unwrap()));
    bench.at = "2027-12-02".parse::<Timestamp>().unwrap().0;
    profile(&mut bench, &["provider"], &["annex_iii"], &[]);
    assert_ne!(bench.assess().item(name.0, name.1).unwrap().detail, Detail::NotYetApplicable);
    profile(&mut bench, &["provider"], &["annex_i"], &[]);
    bench.detail(name, Detail::NotYetApplicable);
    assert_eq!(from(&bench), Some("2028-08-02".parse().unwrap()));
}

/// All that the data can lead to appears; that a duty is not covered does not,
/// since for each the register names what people can bring.
#[test]
fn every_status_and_every_detail_but_one_appears_along_a_story() {
    let mut bench = ready();
    bench.complete(simple(Coverage::Partial), None);
    bench.complete(simple(Coverage::Supporting), Some(bench.at + 60 * SECOND));
    bench.tell(Principal::nobody(), EntryType::UserCreated, &[("user_id", "user_y".into())]);
    bench.at += 3600 * SECOND;
    bench.seal();
    profile(&mut bench, &["deployer"], &["annex_i"], &[]);
    let late = bench.assess();
    let early = Bench::founded("2026-11-26").assess();
    let mut seen: Vec<Detail> = late.all().chain(early.all()).map(|item| item.detail).collect();
    seen.sort();
    seen.dedup();
    let expect = Detail::ALL.iter().copied().filter(|detail| *detail != Detail::NotCovered);
    assert_eq!(seen, expect.collect::<Vec<_>>());
    assert_eq!(counts(&late).len(), 5);
}

#[test]
fn an_item_is_found_by_the_names_of_the_interface() {
    let bench = Bench::founded(LATE);
    let assessment = bench.assess();
    let item = assessment.item("fedramp", "AC-2").unwrap();
    assert_eq!((item.framework, item.id), ("fedramp", "AC-2"));
    assert_eq!(assessment.item("gdpr", "ARTICLE_30").unwrap().id, "Art.30");
    assert!(assessment.item("gdpr", "ARTICLE_999").is_none());
    assert!(assessment.item("none", "CC6.1").is_none());
    assert_eq!(assessment.items("fedramp").count(), 323);
    assert_eq!(assessment.items("eu_ai_act").count(), 200);
    assert_eq!(assessment.items("none").count(), 0);
    // What is only context is shown by the register, and never counted.
    let context = register().duties().find(|(_, duty)| !duty.assessable).unwrap().1;
    assert!(assessment.item("eu_ai_act", &context.id).is_none());
}
