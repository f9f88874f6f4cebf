//! Queries, one by one: what makes each pass, fail or say nothing.

use super::*;

use register::QueryOutcome::{Fail, Inconclusive, Pass};

const DAY_ONE: &str = "2027-01-01";

#[track_caller]
fn check(bench: &Bench, query: Query, expect: (QueryOutcome, u64, u64)) {
    let assessment = bench.assess();
    let result = assessment.result(query).unwrap();
    let got = (result.result, result.count, result.population);
    assert_eq!(got, expect, "{query}: {:?}", result.completeness);
}

fn told(members: &[(&'static str, &str)]) -> Vec<(&'static str, Json)> {
    members.iter().map(|(name, value)| (*name, (*value).into())).collect()
}

#[test]
fn each_query_is_answered_once_and_nothing_passes_on_an_empty_population() {
    let assessment = Bench::founded(DAY_ONE).assess();
    let queries: Vec<Query> = assessment.results.iter().map(|result| result.query).collect();
    assert_eq!(queries, Query::ALL);
    for result in &assessment.results {
        let is_empty = result.population == 0;
        assert!(!is_empty || result.result == Inconclusive, "{}", result.query);
        assert!(result.completeness.as_object().unwrap().get("gaps").is_some());
    }
    // Of a node that has just begun: its keys.
    let passing = assessment.results.iter().filter(|result| result.result == Pass);
    let passing: Vec<Query> = passing.map(|result| result.query).collect();
    assert_eq!(passing, [Query::KeyEvents]);
}

#[test]
fn a_digest_is_of_the_whole_answer() {
    let mut bench = Bench::founded(DAY_ONE);
    let before = bench.assess();
    assert_eq!(bench.assess(), before);
    bench.decide("ai:a");
    let after = bench.assess();
    let digest = |assessment: &Assessment, query| assessment.result(query).unwrap().digest;
    let query = Query::DecisionsInWindow;
    assert_ne!(digest(&before, query), digest(&after, query));
}

#[test]
fn decisions_are_counted_by_what_they_came_to() {
    let mut bench = Bench::founded(DAY_ONE);
    bench.load_policy(checked("user_a"));
    check(&bench, Query::DecisionsDenied, (Inconclusive, 0, 0));
    for actor in ["ai:a", "ai:b", "ai:a", "ai:c"] {
        bench.decide(actor);
    }
    check(&bench, Query::DecisionsInWindow, (Pass, 4, 4));
    check(&bench, Query::DecisionsDenied, (Pass, 2, 2));
    check(&bench, Query::TokensIssued, (Pass, 2, 2));
    check(&bench, Query::DecisionExplanation, (Pass, 4, 4));
    check(&bench, Query::RecordCompleteness, (Pass, 4, 4));
    check(&bench, Query::PolicyEffectiveAt, (Pass, 1, 1));
}

#[test]
fn what_goes_on_is_looked_at_for_a_year() {
    let mut bench = Bench::founded(DAY_ONE);
    bench.load_policy(checked("user_a"));
    bench.decide("ai:a");
    bench.decide("ai:b");
    bench.at += 366 * DAY;
    bench.decide("ai:c");
    check(&bench, Query::DecisionsInWindow, (Pass, 1, 1));
    check(&bench, Query::DecisionsDenied, (Pass, 1, 1));
    // What was put in force holds until something else is.
    check(&bench, Query::PolicyHistory, (Pass, 1, 1));
    let as_of = EntryId(bench.head().0 - 1);
    let before = assess(&bench.store, as_of).unwrap();
    assert_eq!(before.result(Query::DecisionsInWindow).unwrap().count, 2);
}

/// First and last entry that was counted.
fn told_of(bench: &Bench, query: Query) -> (u64, u64) {
    let assessment = bench.assess();
    let told = assessment.result(query).unwrap().completeness.as_object().unwrap();
    let bound = |name: &str| told.get(name).and_then(Json::as_u64).unwrap();
    (bound("first"), bound("last"))
}

#[test]
fn first_and_last_are_of_what_is_counted() {
    let mut bench = Bench::founded(DAY_ONE);
    bench.load_policy(checked("user_a"));
    for actor in ["ai:a", "ai:b", "ai:a", "ai:b", "ai:a"] {
        bench.decide(actor);
    }
    let head = bench.head().0;
    assert_eq!(told_of(&bench, Query::DecisionsDenied), (head - 3, head - 1));
    assert_eq!(told_of(&bench, Query::TokensIssued), (head - 4, head));
    assert_eq!(told_of(&bench, Query::DecisionsInWindow), (head - 4, head));
}

#[test]
fn a_decision_on_personal_data_counts_as_one_whatever_came_of_it() {
    let mut bench = Bench::founded(DAY_ONE);
    bench.load_policy(checked("user_a"));
    bench.decide("ai:b");
    check(&bench, Query::DecisionsBySubject, (Pass, 1, 1));
    let data_classes = vec!["health".to_owned()];
    let denied = Decide { data_classes, ..asking("ai:b") };
    bench.decide_as(checked("gateway"), denied);
    check(&bench, Query::DecisionsDenied, (Pass, 2, 2));
    check(&bench, Query::DecisionsBySubject, (Inconclusive, 2, 2));
}

#[test]
fn a_record_is_whole_only_where_it_says_who_asked() {
    let mut bench = Bench::founded(DAY_ONE);
    bench.decide("ai:a");
    check(&bench, Query::RecordCompleteness, (Pass, 1, 1));
    bench.decide_as(Principal::nobody(), asking("ai:a"));
    check(&bench, Query::RecordCompleteness, (Fail, 1, 2));
    let named = Principal { id: "act_human_user:jane".to_owned(), ..Principal::nobody() };
    bench.decide_as(named, asking("ai:a"));
    check(&bench, Query::RecordCompleteness, (Fail, 1, 3));
}

#[test]
fn entries_that_nothing_signs_are_not_verified() {
    let mut bench = Bench::founded(DAY_ONE);
    bench.seal();
    bench.at += 300 * DAY;
    // As long as nothing was recorded there was nothing to sign.
    bench.decide("ai:a");
    assert_eq!(bench.assess().integrity, Integrity::Verified);
    bench.at += 599 * SECOND;
    bench.decide("ai:a");
    check(&bench, Query::CheckpointsPublished, (Pass, 1, 1));
    bench.decide("ai:a");
    check(&bench, Query::LedgerVerify, (Inconclusive, 1, 4));
    check(&bench, Query::LedgerGapCheck, (Inconclusive, 1, 4));
    check(&bench, Query::CheckpointsPublished, (Fail, 0, 1));
    // Nothing is known to be wrong.
    assert_eq!(bench.assess().integrity, Integrity::Unverified);
    bench.seal();
    assert_eq!(bench.assess().integrity, Integrity::Verified);
}

#[test]
fn a_checkpoint_covers_what_was_there() {
    let mut bench = Bench::founded(DAY_ONE);
    check(&bench, Query::LedgerVerify, (Inconclusive, 0, 1));
    check(&bench, Query::CheckpointsPublished, (Inconclusive, 0, 1));
    bench.seal();
    bench.decide("ai:a");
    check(&bench, Query::LedgerVerify, (Pass, 1, 2));
    check(&bench, Query::LedgerGapCheck, (Pass, 1, 2));
    check(&bench, Query::CheckpointsPublished, (Pass, 1, 1));
    bench.tell(Principal::node("n1"), EntryType::DivergenceDetected, &[]);
    check(&bench, Query::LedgerVerify, (Fail, 1, 3));
    check(&bench, Query::AlertsHandled, (Fail, 0, 1));
}

#[test]
fn whoever_acts_must_have_been_checked() {
    let mut bench = Bench::founded(DAY_ONE);
    let types = [EntryType::UserCreated, EntryType::PersonalDataRead, EntryType::PolicyLoaded];
    let queries = [Query::UserLifecycle, Query::LogAccess, Query::ResponsibilityChain];
    for (entry_type, query) in types.into_iter().zip(queries) {
        check(&bench, query, (Inconclusive, 0, 0));
        bench.tell(checked("user_a"), entry_type, &[]);
        check(&bench, query, (Pass, 1, 1));
        bench.tell(Principal::nobody(), entry_type, &[]);
        check(&bench, query, (Fail, 1, 2));
    }
    check(&bench, Query::PolicyApprovals, (Fail, 1, 2));
    check(&bench, Query::ConfigChanges, (Fail, 1, 2));
}

#[test]
fn interventions_and_stops_are_told_by_what_they_did() {
    let mut bench = Bench::founded(DAY_ONE);
    bench.intervene(Principal::nobody(), InterventionType::Override);
    check(&bench, Query::OversightInterventions, (Fail, 0, 1));
    check(&bench, Query::OversightEffectiveness, (Pass, 1, 1));
    check(&bench, Query::StopEvents, (Inconclusive, 0, 0));
    let jane = Principal { id: "act_human_user:executive:jane".to_owned(), ..Principal::nobody() };
    bench.intervene(jane, InterventionType::EmergencyStop);
    check(&bench, Query::StopEvents, (Inconclusive, 1, 1));
    bench.decide("ai:a");
    check(&bench, Query::StopEvents, (Pass, 1, 1));
    // What it counted, and not what else was done by humans.
    assert_eq!(told_of(&bench, Query::StopEvents), (bench.head().0 - 1, bench.head().0 - 1));
}

/// In which role somebody intervenes, nobody checks; whoever stops must have one.
#[test]
fn the_role_of_an_intervention_is_no_more_than_the_person_says() {
    let mut bench = Bench::founded(DAY_ONE);
    let jane = Principal { id: "act_human_user:executive:jane".to_owned(), ..checked("") };
    bench.intervene(jane.clone(), InterventionType::EmergencyStop);
    check(&bench, Query::OversightInterventions, (Pass, 1, 1));
    bench.intervene(jane, InterventionType::Approval);
    check(&bench, Query::OversightInterventions, (Inconclusive, 2, 2));
}

#[test]
fn an_escalation_that_nobody_answered_is_a_breach() {
    let mut bench = Bench::founded(DAY_ONE);
    bench.tell(checked("user_a"), EntryType::EscalationResolved, &[]);
    check(&bench, Query::EscalationSla, (Pass, 1, 1));
    bench.tell(Principal::node("n1"), EntryType::EscalationExpired, &[]);
    check(&bench, Query::EscalationSla, (Fail, 1, 2));
    check(&bench, Query::AlertsHandled, (Fail, 1, 2));
}

#[test]
fn a_risk_has_an_owner_and_a_treatment_and_is_looked_at_again() {
    let mut bench = Bench::founded(DAY_ONE);
    let assessed = |id: &str, before: Option<&str>, mitigations: &[&str]| {
        [
            ("mitigations", Json::from(mitigations.to_vec())),
            ("risk_id", id.into()),
            ("supersedes", before.into()),
        ]
    };
    bench.tell(checked("user_a"), EntryType::RiskAssessed, &assessed("rsk_1", None, &[]));
    check(&bench, Query::RiskRegister, (Fail, 0, 1));
    let again = assessed("rsk_2", Some("rsk_1"), &["limit the amount"]);
    bench.tell(checked("user_a"), EntryType::RiskAssessed, &again);
    check(&bench, Query::RiskRegister, (Pass, 1, 1));
    check(&bench, Query::RiskReviewAge, (Pass, 1, 1));
    check(&bench, Query::RiskTreatmentTrace, (Inconclusive, 1, 1));
    bench.at += 366 * DAY;
    bench.decide("ai:a");
    check(&bench, Query::RiskReviewAge, (Fail, 0, 1));
}

#[test]
fn a_privileged_account_has_a_second_factor() {
    let mut bench = Bench::founded(DAY_ONE);
    let ana = told(&[("user_id", "user_ana"), ("role", "admin")]);
    bench.tell(checked("user_root"), EntryType::UserCreated, &ana);
    bench.tell(
        checked("user_root"),
        EntryType::UserCreated,
        &told(&[("user_id", "user_bob"), ("role", "viewer")]),
    );
    check(&bench, Query::MfaCoverage, (Fail, 0, 1));
    bench.tell(checked("user_ana"), EntryType::MfaEnrolled, &told(&[("user_id", "user_ana")]));
    check(&bench, Query::MfaCoverage, (Pass, 1, 1));
    bench.tell(checked("user_root"), EntryType::MfaReset, &told(&[("user_id", "user_ana")]));
    check(&bench, Query::MfaCoverage, (Fail, 0, 1));
    bench.tell(checked("user_root"), EntryType::UserDisabled, &told(&[("user_id", "user_ana")]));
    check(&bench, Query::MfaCoverage, (Inconclusive, 0, 0));
}

#[test]
fn grants_are_given_by_others_and_reviewed() {
    let mut bench = Bench::founded(DAY_ONE);
    let ana = told(&[("user_id", "user_ana"), ("role", "admin")]);
    bench.tell(checked("user_root"), EntryType::UserCreated, &ana);
    check(&bench, Query::PrivilegedGrants, (Inconclusive, 1, 1));
    check(&bench, Query::AccessReviews, (Inconclusive, 0, 0));
    let name = ("soc2", "CC6.3");
    assert!(register().control(name.0, name.1).unwrap().queries.contains(&Query::AccessReviews));
    bench.complete(name, None);
    check(&bench, Query::AccessReviews, (Pass, 1, 1));
    check(&bench, Query::PrivilegedGrants, (Pass, 1, 1));
    let own = told(&[("user_id", "user_bob"), ("role", "admin")]);
    bench.tell(checked("user_bob"), EntryType::UserUpdated, &own);
    check(&bench, Query::PrivilegedGrants, (Fail, 1, 2));
}

#[test]
fn evidence_is_hashed_again_and_who_vouches_is_somebody_else() {
    let mut bench = Bench::founded(DAY_ONE);
    let name = ("soc2", "CC1.2");
    let artifact = bench.artifact(checked("user_a"));
    check(&bench, Query::EvidenceHashVerify, (Pass, 1, 1));
    bench.link(name, &artifact, &[EvidenceKind::Minutes]);
    check(&bench, Query::EvidenceByControl, (Fail, 0, 1));
    let until = bench.at + DAY;
    bench.attest(checked("user_b"), name, &artifact, Some(until));
    check(&bench, Query::EvidenceByControl, (Pass, 1, 1));
    check(&bench, Query::AttestationsValid, (Pass, 1, 1));
    check(&bench, Query::SeparationOfDuties, (Pass, 1, 1));
    bench.attest(checked("user_a"), name, &artifact, None);
    check(&bench, Query::SeparationOfDuties, (Fail, 1, 2));
    bench.at = until;
    bench.decide("ai:a");
    check(&bench, Query::AttestationsValid, (Fail, 1, 2));
}

#[test]
fn what_is_too_large_to_be_hashed_again_does_not_hide_the_rest() {
    let mut bench = Bench::founded(DAY_ONE);
    bench.artifact(checked("user_a"));
    // Four of these are as much as is hashed.
    for content in 10..15 {
        bench.artifact_of(checked("user_a"), vec![content; 250_000]);
    }
    bench.artifact_of(checked("user_a"), vec![9; 100]);
    check(&bench, Query::EvidenceHashVerify, (Pass, 6, 6));
}

#[test]
fn an_account_of_a_provider_is_a_grant_that_nobody_here_gave() {
    let mut bench = Bench::founded(DAY_ONE);
    let ana = told(&[("user_id", "user_ana"), ("role", "admin")]);
    bench.tell(checked("user_root"), EntryType::UserCreated, &ana);
    check(&bench, Query::UserLifecycle, (Pass, 1, 1));
    let linked = |is_new: bool| {
        let members = [("user_id", "user_leo"), ("role", "admin"), ("provider", "corp")];
        [told(&members), vec![("created", is_new.into())]].concat()
    };
    bench.tell(Principal::node("n1"), EntryType::OidcLinked, &linked(false));
    check(&bench, Query::UserLifecycle, (Pass, 1, 1));
    check(&bench, Query::PrivilegedGrants, (Inconclusive, 1, 1));
    bench.tell(Principal::node("n1"), EntryType::OidcLinked, &linked(true));
    check(&bench, Query::UserLifecycle, (Inconclusive, 2, 2));
    bench.complete(("soc2", "CC6.3"), None);
    check(&bench, Query::PrivilegedGrants, (Inconclusive, 2, 2));
}

#[test]
fn an_incident_is_reported_by_its_day_before_it_is_closed() {
    let mut bench = Bench::founded(DAY_ONE);
    let due = Timestamp(bench.at + 2 * DAY).to_string();
    for id in ["inc_1", "inc_2"] {
        let incident = told(&[("incident_id", id), ("report_due_at", &due)]);
        bench.tell(checked("user_a"), EntryType::IncidentRecorded, &incident);
    }
    check(&bench, Query::IncidentDeadlines, (Pass, 2, 2));
    bench.tell(checked("user_a"), EntryType::IncidentReported, &told(&[("incident_id", "inc_1")]));
    bench.tell(checked("user_a"), EntryType::IncidentClosed, &told(&[("incident_id", "inc_1")]));
    check(&bench, Query::IncidentTimeline, (Pass, 2, 2));
    bench.at += 3 * DAY;
    bench.tell(checked("user_a"), EntryType::IncidentClosed, &told(&[("incident_id", "inc_2")]));
    check(&bench, Query::IncidentDeadlines, (Fail, 1, 2));
    check(&bench, Query::IncidentTimeline, (Fail, 1, 2));
}

#[test]
fn exports_are_bound_to_a_checkpoint_and_approved_by_others() {
    let mut bench = Bench::founded(DAY_ONE);
    let export = [("export_id", Json::from("exp_1"))];
    bench.tell(checked("user_a"), EntryType::AuditExportRequested, &export);
    bench.tell(checked("user_b"), EntryType::AuditExportApproved, &export);
    check(&bench, Query::SeparationOfDuties, (Pass, 1, 1));
    let done = [
        ("checkpoint_size", 4_u64.into()),
        ("export_id", "exp_1".into()),
        ("sha256", "ab".repeat(32).into()),
    ];
    bench.tell(Principal::node("n1"), EntryType::AuditExportCompleted, &done);
    check(&bench, Query::ExportsIssued, (Pass, 1, 1));
    bench.tell(Principal::node("n1"), EntryType::AuditExportCompleted, &done[..2]);
    check(&bench, Query::ExportsIssued, (Fail, 1, 2));
    let other = [("export_id", Json::from("exp_2"))];
    bench.tell(checked("user_a"), EntryType::AuditExportRequested, &other);
    bench.tell(checked("user_a"), EntryType::AuditExportApproved, &other);
    check(&bench, Query::SeparationOfDuties, (Fail, 1, 2));
}

#[test]
fn of_an_export_whose_request_is_gone_nobody_knows_who_asked() {
    let mut bench = Bench::founded(DAY_ONE);
    let export = [("export_id", Json::from("exp_1"))];
    bench.tell(checked("user_b"), EntryType::AuditExportApproved, &export);
    check(&bench, Query::SeparationOfDuties, (Inconclusive, 1, 1));
}

#[test]
fn a_system_in_use_is_described_and_looked_at_within_a_year() {
    let mut bench = Bench::founded(DAY_ONE);
    let whole = [("system_id", "sys_1"), ("role", "deployer"), ("risk_route", "annex_iii")];
    bench.tell(checked("user_a"), EntryType::SystemRegistered, &told(&whole));
    check(&bench, Query::SystemRegistryView, (Pass, 1, 1));
    bench.tell(checked("user_a"), EntryType::SystemUpdated, &told(&whole[..2]));
    check(&bench, Query::SystemRegistryView, (Fail, 0, 1));
    bench.tell(checked("user_a"), EntryType::SystemUpdated, &told(&whole));
    bench.at += 366 * DAY;
    bench.decide("ai:a");
    check(&bench, Query::SystemRegistryView, (Fail, 0, 1));
    let retired = [whole.as_slice(), &[("retired", "2027-06-01")]].concat();
    bench.tell(checked("user_a"), EntryType::SystemUpdated, &told(&retired));
    check(&bench, Query::SystemRegistryView, (Inconclusive, 0, 0));
}

#[test]
fn a_rebuilt_node_counts_once_a_checkpoint_covers_it() {
    let mut bench = Bench::founded(DAY_ONE);
    check(&bench, Query::RestoreVerification, (Inconclusive, 0, 0));
    bench.tell(Principal::node("n1"), EntryType::SnapshotRestored, &[]);
    check(&bench, Query::RestoreVerification, (Inconclusive, 1, 1));
    bench.seal();
    check(&bench, Query::RestoreVerification, (Pass, 1, 1));
}

/// Nothing is recorded that would show these; so nothing makes them pass.
#[test]
fn what_is_not_recorded_is_not_taken_for_shown() {
    let mut bench = Bench::founded(DAY_ONE);
    // Interventions are counted by their service, and so not told here.
    let is_told = |one: &&EntryType| one.is_erasable() && **one != EntryType::Intervention;
    for entry_type in EntryType::ALL.iter().filter(is_told) {
        bench.tell(checked("user_a"), *entry_type, &[]);
    }
    bench.seal();
    let assessment = bench.assess();
    for query in [
        Query::ClockHealth,
        Query::TenantIsolation,
        Query::SoftwareProvenance,
        Query::TokenScopeExcess,
        Query::TokensRevokedExpired,
        Query::PolicyApprovals,
        Query::ConfigChanges,
        Query::RiskTreatmentTrace,
    ] {
        let result = assessment.result(query).unwrap();
        assert_eq!(result.result, Inconclusive, "{query}");
        let gaps = result.completeness.as_object().unwrap().get("gaps").unwrap();
        assert!(!gaps.as_array().unwrap().is_empty(), "{query} does not say why");
    }
}
