//! How long records are kept: classes, holds, what goes by time and on request.

use crate::people;
use crate::support::{
    EXECUTIVE, Machine, data, decide, decided, envelope, id, intervene, load, named, policy,
    recorded, refused,
};
use crate::systems::{new_incident, unfreeze};
use governance::command::{
    Anonymize, Anonymized, ApplyHold, AssessRisk, ChangeUser, Command, ConfirmMfa, CreateUser,
    EnrollMfa, EntryFilter, EntryRange, Erase, ErasedPart, ErasureCause, EvidenceContent,
    HoldScope, Idempotency, IncidentCategory, InterventionType, RecordIncident, RegisterEvidence,
    ReleaseHold, ResolveEscalation, RetentionDays, RiskInput, UserChange,
};
use governance::outcome::AnonymizedRun;
use governance::record::{ArtifactKind, Resolution};
use governance::retention::class::{Class, Classes};
use governance::retention::{self, Step, Wanted};
use governance::view::{self, RecordStanding};
use governance::{Outcome, Read as _, Rejection, Table, tally};
use ledger::{Checker, EntryType};
use proptest::prelude::*;
use types::{DecisionId, Digest, EntryId, EscalationId, Json, Object, Timestamp, UserId};

pub(crate) const DAY: u64 = 24 * 3_600 * 1_000_000;

/// A policy that marks a data class and a context key as personal.
fn marking() -> Json {
    serde_json::from_str(
        r#"{"name":"desk","terms":[{"id":"data:health","type":"data_class","metadata":{"personal":true}},
             {"id":"context:patient","type":"context","metadata":{"personal":true}}],
            "relations":[{"type":"permits","subject":"*","action":"*"}]}"#,
    )
    .unwrap()
}

pub(crate) fn head(machine: &Machine) -> EntryId {
    EntryId(view::head(&machine.store).unwrap().size() - 1)
}

fn standing(machine: &Machine) -> RecordStanding {
    let standing = view::record_standing(&machine.store, head(machine)).unwrap();
    let by_status = standing.active
        + standing.expiring
        + standing.legal_hold
        + standing.anonymized
        + standing.archived;
    assert_eq!(by_status, standing.total, "{standing:?}");
    assert_eq!(standing.by_class.iter().sum::<u64>(), standing.total, "{standing:?}");
    standing
}

pub(crate) fn hold(scope: HoldScope) -> Command {
    let reason = "litigation".to_owned();
    Command::ApplyHold(Box::new(ApplyHold { hold: None, reason, scope }))
}

pub(crate) fn hold_named(name: &str, scope: HoldScope) -> Command {
    let (hold, reason) = (Some(name.to_owned()), "litigation".to_owned());
    Command::ApplyHold(Box::new(ApplyHold { hold, reason, scope }))
}

pub(crate) fn release(name: &str) -> Command {
    Command::ReleaseHold(ReleaseHold { hold: name.to_owned(), reason: "settled".to_owned() })
}

fn of_type(entry_type: EntryType) -> HoldScope {
    HoldScope::Filter(EntryFilter { entry_type: Some(entry_type), ..EntryFilter::default() })
}

pub(crate) fn of_actor(actor: &str) -> HoldScope {
    HoldScope::Filter(EntryFilter { actor: Some(actor.to_owned()), ..EntryFilter::default() })
}

pub(crate) fn ids(list: &[u64]) -> HoldScope {
    HoldScope::Entries(list.iter().copied().map(EntryId).collect())
}

pub(crate) fn anonymize(part: ErasedPart, subject: Option<&str>, ranges: &[(u64, u64)]) -> Command {
    let range = |(from, to): &(u64, u64)| EntryRange { from: EntryId(*from), to: EntryId(*to) };
    Command::Anonymize(Box::new(Anonymize {
        part,
        ranges: ranges.iter().map(range).collect(),
        cause: ErasureCause::Request,
        subject: subject.map(str::to_owned),
        next: None,
        before: Anonymized::default(),
        candidates: 0,
        not_looked_at: 0,
    }))
}

#[track_caller]
pub(crate) fn done(outcome: Outcome) -> AnonymizedRun {
    match outcome {
        Outcome::Anonymized(run) => run,
        other => panic!("not anonymized: {other:?}"),
    }
}

pub(crate) fn is_erased(machine: &Machine, id: u64) -> bool {
    view::entry(&machine.store, EntryId(id)).unwrap().unwrap().is_erased()
}

/// Carries out what retention does until it rests.
pub(crate) fn sweep(machine: &mut Machine, at: u64) -> u64 {
    let mut anonymized = 0;
    for _ in 0..1_000 {
        match retention::step(&machine.store, Timestamp(at)).unwrap() {
            Step::Rest => return anonymized,
            Step::Anonymize(command) => {
                let run = done(machine.run_by("n1", at, Command::Anonymize(command)));
                anonymized += run.counts.anonymized;
            }
        }
    }
    panic!("retention never rests");
}

fn verify(machine: &Machine) {
    let mut checker = Checker::from_genesis();
    for id in 0..=head(machine).0 {
        checker.check(&view::entry(&machine.store, EntryId(id)).unwrap().unwrap()).unwrap();
    }
    assert_eq!(checker.root(), Some(view::head(&machine.store).unwrap().root()));
}

#[test]
fn entries_are_counted_by_the_class_that_can_be_told_from_them_again() {
    let mut machine = Machine::founded();
    machine.run(100, load(marking()));
    decided(&mut machine, 200, "ai:b");
    for (classes, key, risk) in
        [(vec!["health"], "x", None), (vec![], "patient", None), (vec!["health"], "x", Some(60))]
    {
        let Command::Decide(mut asked) = decide("ai:a", "read") else { panic!("no decide") };
        asked.data_classes = classes.into_iter().map(str::to_owned).collect();
        asked.context.insert(key, "1");
        asked.risk =
            risk.map(|security| RiskInput { security: Some(security), ..RiskInput::default() });
        machine.run(300, Command::Decide(asked));
    }
    machine.run(400, load(policy()));
    decided(&mut machine, 500, "ai:denied");
    let kind = InterventionType::Approval;
    machine.run(600, Command::Intervene(Box::new(intervene(kind, "pay", "pay"))));
    let expect = [
        Class::Standard,
        Class::HighRisk,
        Class::Standard,
        Class::GdprIntersect,
        Class::GdprIntersect,
        Class::HighRisk,
        Class::HighRisk,
        Class::HighRisk,
        Class::HighRisk,
    ];
    let mut classes = Classes::default();
    for (id, expect) in (0..).zip(expect) {
        let entry = view::entry(&machine.store, EntryId(id)).unwrap().unwrap();
        assert_eq!(classes.of(&machine.store, &entry).unwrap(), Some(expect), "{id}");
    }
    assert_eq!(head(&machine).0, 8);
    let [high, gdpr] = [Class::HighRisk, Class::GdprIntersect].map(|class| {
        let name = class.tally().unwrap();
        move |store: &governance::MemStore, upto| {
            tally::count_up_to(store, name, EntryId(upto)).unwrap()
        }
    });
    let counts = |upto| (high(&machine.store, upto), gdpr(&machine.store, upto));
    assert_eq!([0, 2, 4, 8].map(counts), [(0, 0), (1, 0), (1, 2), (5, 2)]);
    assert_eq!(standing(&machine).by_class, [5, 2, 2]);
}

#[test]
fn a_count_by_class_outlives_an_erasure() {
    let mut machine = Machine::founded();
    decided(&mut machine, 100, "ai:a");
    let before = standing(&machine).by_class;
    done(machine.run(200, anonymize(ErasedPart::All, Some("ai:a"), &[(1, 1)])));
    let [high, gdpr, standard] = standing(&machine).by_class;
    assert_eq!([high, gdpr, standard - 1], before);
    assert_eq!(standing(&machine).anonymized, 1);
}

#[test]
fn a_hold_keeps_what_it_names_and_what_comes_later_and_fits() {
    for scope in [HoldScope::All, of_type(EntryType::Decision), of_actor("ai:a")] {
        let mut machine = Machine::founded();
        decided(&mut machine, 100, "ai:a");
        recorded(machine.run(200, hold_named("h", scope.clone())));
        decided(&mut machine, 300, "ai:a");
        let run = done(machine.run(400, anonymize(ErasedPart::All, Some("ai:a"), &[(1, 3)])));
        assert_eq!((run.recorded, run.counts.skipped_under_hold), (None, 2), "{scope:?}");
        let refusal = refused(machine.run(410, crate::support::erase(ErasedPart::All, EntryId(3))));
        assert_eq!(refusal, Rejection::UnderHold { entry: EntryId(3) });
        recorded(machine.run(500, release("h")));
        let run = done(machine.run(600, anonymize(ErasedPart::All, Some("ai:a"), &[(1, 3)])));
        assert_eq!(run.counts.anonymized, 2, "{scope:?}");
        verify(&machine);
    }
}

#[test]
fn a_hold_on_a_few_keeps_no_others() {
    let mut machine = Machine::founded();
    for _ in 0..3 {
        decided(&mut machine, 100, "ai:a");
    }
    let entry = recorded(machine.run(200, hold(ids(&[2]))));
    assert_eq!(data(&machine, entry).get("records_affected").and_then(Json::as_u64), Some(1));
    let run = done(machine.run(300, anonymize(ErasedPart::Personal, Some("ai:a"), &[(1, 3)])));
    let expect = Anonymized { anonymized: 2, skipped_under_hold: 1, skipped_in_retention: 0 };
    assert_eq!(run.counts, expect);
    assert_eq!([1, 2, 3].map(|id| is_erased(&machine, id)), [true, false, true]);
    let entry = run.recorded.unwrap().entry_id;
    assert_eq!(
        Json::Object(data(&machine, entry)).to_canonical(),
        r#"{"anonymized":2,"authn":"none","by":null,"candidates":3,"cause":"request","count":2,"not_looked_at":0,"part":"personal","ranges":[{"from":1,"to":1},{"from":3,"to":3}],"skipped_in_retention":0,"skipped_under_hold":1}"#
    );
}

#[test]
fn a_hold_on_nothing_or_beyond_the_ledger_is_refused() {
    let mut machine = Machine::founded();
    let size = head(&machine).0 + 1;
    for (scope, member) in [
        (of_actor("ai:nobody"), "filter"),
        (of_type(EntryType::Decision), "filter"),
        (ids(&[]), "entry_ids"),
    ] {
        assert_eq!(refused(machine.run(200, hold(scope))), Rejection::HoldEmpty { member });
    }
    let backwards =
        EntryFilter { from: Some(Timestamp(9)), to: Some(Timestamp(8)), ..EntryFilter::default() };
    let refusal = refused(machine.run(200, hold(HoldScope::Filter(backwards))));
    assert_eq!(refusal, Rejection::HoldEmpty { member: "filter" });
    for list in [vec![0, size], vec![1, 0], vec![0, 0]] {
        let refusal = refused(machine.run(200, hold(ids(&list))));
        assert_eq!(refusal, Rejection::OutOfBounds { member: "entry_ids" }, "{list:?}");
    }
    assert_eq!(head(&machine).0 + 1, size);
}

#[test]
fn an_id_names_one_hold_which_is_released_once() {
    let mut machine = Machine::founded();
    recorded(machine.run(100, hold_named("LIT-1", HoldScope::All)));
    let exists = Rejection::HoldExists { hold: "LIT-1".to_owned() };
    assert_eq!(refused(machine.run(110, hold_named("LIT-1", ids(&[0])))), exists);
    recorded(machine.run(120, release("LIT-1")));
    assert_eq!(refused(machine.run(130, hold_named("LIT-1", ids(&[0])))), exists);
    let released = Rejection::HoldReleased { hold: "LIT-1".to_owned() };
    assert_eq!(refused(machine.run(140, release("LIT-1"))), released);
    let unknown = Rejection::UnknownHold { hold: "LIT-2".to_owned() };
    assert_eq!(refused(machine.run(150, release("LIT-2"))), unknown);
    for name in ["", "a b", "a\0", &"x".repeat(65)] {
        let refusal = refused(machine.run(160, hold_named(name, HoldScope::All)));
        assert_eq!(refusal, Rejection::OutOfBounds { member: "hold_id" }, "{name}");
    }
    let query = view::HoldQuery { is_active: None, after: None, as_of: head(&machine), limit: 10 };
    let page = view::holds(&machine.store, &query).unwrap();
    assert_eq!((page.count, page.holds.len()), (1, 1));
    assert!(page.holds[0].released.is_some());
}

#[test]
fn there_is_an_end_to_holds_in_force() {
    let mut machine = Machine::founded();
    for at in 0..1_000 {
        recorded(machine.run(100 + at, hold(ids(&[0]))));
    }
    let refusal = refused(machine.run(9_000, hold(ids(&[0]))));
    assert_eq!(refusal, Rejection::TooMany { things: "holds in force", there: 1_000 });
}

#[test]
fn without_a_subject_nothing_goes_before_its_time() {
    let mut machine = Machine::founded();
    machine.run(100, load(marking()));
    decided(&mut machine, DAY, "ai:a");
    for (at, is_up) in [(184 * DAY - 1, false), (184 * DAY, true)] {
        let run = done(machine.run(at, anonymize(ErasedPart::Personal, None, &[(0, 2)])));
        assert_eq!(run.recorded.is_some(), is_up, "{at}");
        assert_eq!(run.counts.skipped_in_retention, u64::from(!is_up));
    }
    assert!(is_erased(&machine, 2));
}

#[test]
fn retention_erases_personal_parts_first_and_what_is_of_high_risk_last() {
    let mut machine = Machine::founded();
    machine.run(DAY, load(marking()));
    decided(&mut machine, DAY, "ai:allowed");
    machine.run(DAY, load(policy()));
    decided(&mut machine, DAY, "ai:denied");
    assert_eq!(sweep(&mut machine, 183 * DAY), 0);
    // The allowed decision goes whole, the denied one loses its personal part.
    assert_eq!(sweep(&mut machine, 184 * DAY), 3);
    let whole = |machine: &Machine, id: u64| {
        let entry = view::entry(&machine.store, EntryId(id)).unwrap().unwrap();
        (entry.data.is_some(), entry.personal.is_some())
    };
    assert_eq!([2, 4].map(|id| whole(&machine, id)), [(false, false), (true, false)]);
    assert_eq!(sweep(&mut machine, 3_651 * DAY - 1), 0);
    assert_eq!(whole(&machine, 4), (true, false));
    assert_eq!(sweep(&mut machine, 3_652 * DAY), 1);
    assert_eq!(whole(&machine, 4), (false, false));
    verify(&machine);
    let run = view::entry(&machine.store, EntryId(5)).unwrap().unwrap();
    assert_eq!(run.header.entry_type, EntryType::AnonymizationRun);
    let cause = data(&machine, EntryId(5));
    assert_eq!(cause.get("cause").and_then(Json::as_str), Some("retention"));
}

#[test]
fn what_a_hold_kept_goes_in_the_round_after_its_release() {
    let mut machine = Machine::founded();
    decided(&mut machine, DAY, "ai:a");
    recorded(machine.run(DAY, hold_named("h", of_type(EntryType::Decision))));
    assert_eq!(sweep(&mut machine, 4_000 * DAY), 0);
    recorded(machine.run(4_000 * DAY, release("h")));
    assert_eq!(sweep(&mut machine, 4_000 * DAY + 1), 0, "its round is over");
    assert_ne!(sweep(&mut machine, 4_002 * DAY), 0);
    assert!(is_erased(&machine, 1));
}

#[test]
fn times_are_raised_for_the_whole_cluster_and_never_below_the_law() {
    let mut machine = Machine::founded();
    let days = |personal, high_risk, other| {
        Command::SetRetention(RetentionDays { personal, high_risk, other })
    };
    for (command, member) in [
        (days(182, 3_650, 183), "personal_days"),
        (days(183, 3_649, 183), "high_risk_days"),
        (days(183, 3_650, 0), "days"),
        (days(36_501, 3_650, 183), "personal_days"),
    ] {
        let refusal = refused(machine.run_by("n1", 100, command));
        assert_eq!(refusal, Rejection::OutOfBounds { member });
    }
    assert_eq!(machine.run_by("n1", 100, days(183, 3_650, 183)), Outcome::Noted);
    decided(&mut machine, DAY, "ai:a");
    let before = head(&machine);
    recorded(machine.run_by("n1", DAY, days(365, 3_650, 183)));
    assert_eq!(sweep(&mut machine, 365 * DAY), 0);
    assert_ne!(sweep(&mut machine, 366 * DAY), 0);
    let then = view::record_standing(&machine.store, before).unwrap().days;
    assert_eq!((then, standing(&machine).days.personal), (RetentionDays::DEFAULT, 365));
}

#[test]
fn who_asks_for_the_cluster_to_forget_by_time_is_a_node() {
    let mut machine = Machine::founded();
    let command = Command::Anonymize(Box::new(Anonymize {
        part: ErasedPart::Personal,
        ranges: Vec::new(),
        cause: ErasureCause::Retention,
        subject: None,
        next: Some(EntryId(1)),
        before: Anonymized::default(),
        candidates: 0,
        not_looked_at: 0,
    }));
    let somebody = governance::command::Principal {
        kind: governance::command::PrincipalKind::User,
        id: "user_x".to_owned(),
        ..governance::command::Principal::nobody()
    };
    let refusal = refused(machine.run_for(somebody, 100, command));
    assert!(matches!(refusal, Rejection::Denied(_)), "{refusal:?}");
}

#[test]
fn what_lives_is_left_out_and_the_rest_goes() {
    let mut machine = Machine::founded();
    decided(&mut machine, DAY, "ai:a");
    let Command::Decide(mut asked) = decide("ai:a", "read") else { panic!("no decide") };
    asked.risk = Some(RiskInput { security: Some(95), ..RiskInput::default() });
    machine.run(DAY, load(marking()));
    machine.run(DAY, Command::Decide(asked));
    let escalation: EscalationId = id(&data(&machine, EntryId(3)), "escalation_id");
    let range = [(1, 3)];
    let run = done(machine.run(DAY, anonymize(ErasedPart::Personal, Some("ai:a"), &range)));
    assert_eq!((run.counts.anonymized, run.counts.skipped_in_retention), (1, 1));
    assert_eq!([1, 3].map(|id| is_erased(&machine, id)), [true, false]);
    let resolve = Command::ResolveEscalation(Box::new(ResolveEscalation {
        escalation,
        resolution: Resolution::Denied,
        notes: "no".to_owned(),
    }));
    recorded(machine.run_as("act_human_user:governance_lead:ana", DAY + 1, resolve));
    let run = done(machine.run(DAY + 2, anonymize(ErasedPart::Personal, Some("ai:a"), &range)));
    assert_eq!(run.counts.anonymized, 1);
    assert!(is_erased(&machine, 3));
}

#[test]
fn what_an_incident_is_about_outlasts_its_time() {
    let mut machine = Machine::founded();
    let decisions = vec![decided(&mut machine, DAY, "ai:a")];
    decided(&mut machine, DAY, "ai:a");
    let incident = new_incident(IncidentCategory::Death, DAY);
    let incident = RecordIncident { decisions, ..incident };
    let entry = recorded(machine.run(DAY, Command::RecordIncident(Box::new(incident))));
    sweep(&mut machine, 8_000 * DAY);
    assert_eq!([1, 2].map(|id| is_erased(&machine, id)), [false, true]);
    unfreeze(&mut machine, 8_000 * DAY, entry);
    sweep(&mut machine, 8_001 * DAY);
    assert!(is_erased(&machine, 1));
}

#[test]
fn only_entries_about_the_subject_go() {
    let mut machine = Machine::founded();
    decided(&mut machine, 100, "ai:a");
    decided(&mut machine, 100, "ai:b");
    let run = done(machine.run(200, anonymize(ErasedPart::All, Some("ai:a"), &[(0, 2)])));
    assert_eq!(run.counts.candidates(), 1);
    assert_eq!([1, 2].map(|id| is_erased(&machine, id)), [true, false]);
}

#[test]
fn candidates_are_counted_before_anything_is_proposed() {
    let mut machine = Machine::founded();
    for _ in 0..3 {
        decided(&mut machine, DAY, "ai:a");
    }
    decided(&mut machine, DAY, "ai:b");
    let wanted = |subject, now| Wanted {
        part: ErasedPart::Personal,
        subject,
        before: None,
        now: Timestamp(now),
        ids_max: 2,
        looked_at_max: 100,
    };
    let find = |machine: &Machine, subject, now| {
        retention::candidates(&machine.store, &wanted(subject, now)).unwrap()
    };
    let all = find(&machine, None, 2 * DAY);
    assert_eq!((all.counts.skipped_in_retention, all.ids.len()), (4, 0));
    recorded(machine.run(2 * DAY, hold(ids(&[2]))));
    let all = find(&machine, None, 2 * DAY).counts;
    assert_eq!((all.skipped_in_retention, all.skipped_under_hold), (3, 1));
    let subject = find(&machine, Some("ai:a"), 2 * DAY);
    assert_eq!((subject.counts.anonymized, subject.counts.skipped_under_hold), (2, 1));
    assert_eq!(subject.ids, [EntryId(1), EntryId(3)]);
    let later = find(&machine, None, 200 * DAY);
    assert_eq!((later.counts.anonymized, later.ids.len()), (3, 2));
}

#[test]
fn the_digest_of_a_body_goes_with_the_entry_that_it_made() {
    for part in [ErasedPart::Personal, ErasedPart::All] {
        let mut machine = Machine::founded();
        let decision = decided(&mut machine, 100, "ai:a");
        let assess = Command::AssessRisk(Box::new(AssessRisk {
            decision,
            dimensions: RiskInput::default(),
            likelihood: None,
            impact: None,
            mitigations: Vec::new(),
            supersedes: machine_risk(&machine),
            metadata: Some(Object::new()),
        }));
        let entry = recorded(machine.run_keyed(200, assess.clone(), "secret key", 7));
        let run = anonymize(part, Some("ai:a"), &[(entry.0, entry.0)]);
        assert_eq!(done(machine.run(300, run)).counts.anonymized, 1);
        assert!(!holds_now(&machine, &[7; 32]), "{part:?}");
        assert!(holds_now(&machine, b"secret key"), "it is known again for a day");
        let again = machine.run_keyed(400, assess.clone(), "secret key", 7);
        assert_eq!(refused(again), Rejection::Erased);
        // A day later the key is new again, and nothing of it is left behind.
        machine.run_keyed(3 * DAY, decide_command(), "other", 1);
        recorded(machine.run_keyed(3 * DAY, hold(ids(&[0])), "another", 1));
        let rows = machine.store.rows();
        let left = rows.filter(|(table, ..)| *table == Table::CommandKeyByEntry).count();
        assert_eq!((left, holds_now(&machine, b"secret key")), (1, false));
    }
}

fn holds_now(machine: &Machine, secret: &[u8]) -> bool {
    machine.store.rows().any(|(_, key, value)| {
        [key, value].iter().any(|bytes| bytes.windows(secret.len()).any(|it| it == secret))
    })
}

fn machine_risk(machine: &Machine) -> Option<types::RiskId> {
    let data = data(machine, EntryId(1));
    data.get("risk_id").and_then(Json::as_str).map(|id| id.parse().unwrap())
}

fn decide_command() -> Command {
    decide("ai:z", "read")
}

pub(crate) fn register(decisions: Vec<DecisionId>, content: &[u8]) -> Command {
    Command::RegisterEvidence(Box::new(RegisterEvidence {
        kind: ArtifactKind::Screenshot,
        content: EvidenceContent::Inline(content.to_vec()),
        content_type: None,
        source: "desk".to_owned(),
        decisions,
        controls: Vec::new(),
        retention_days: Some(400),
        storage_uri: None,
        metadata: None,
    }))
}

#[test]
fn the_content_of_evidence_goes_with_the_one_decision_it_is_for() {
    let mut machine = Machine::founded();
    let first = decided(&mut machine, DAY, "ai:a");
    let other = decided(&mut machine, DAY, "ai:b");
    recorded(machine.run(DAY, register(vec![first], b"of the first alone")));
    recorded(machine.run(DAY, register(vec![first, other], b"of both")));
    recorded(machine.run(DAY, register(vec![first], b"held")));
    recorded(machine.run(DAY, hold(ids(&[5]))));
    let has = |machine: &Machine, content: &[u8]| {
        machine.store.rows().any(|(table, _, value)| {
            table == Table::Chunk && value.windows(content.len()).any(|it| it == content)
        })
    };
    let contents: [&[u8]; 3] = [b"of the first alone", b"of both", b"held"];
    assert_eq!(contents.map(|content| has(&machine, content)), [true; 3]);
    done(machine.run(DAY + 1, anonymize(ErasedPart::Personal, Some("ai:a"), &[(1, 1)])));
    assert_eq!(contents.map(|content| has(&machine, content)), [false, true, true]);
}

#[test]
fn evidence_is_kept_by_time_for_as_long_as_it_says() {
    let mut machine = Machine::founded();
    let decision = decided(&mut machine, DAY, "ai:a");
    let entry = recorded(machine.run(DAY, register(vec![decision], b"shown")));
    sweep(&mut machine, 400 * DAY);
    let part = |machine: &Machine| {
        let entry = view::entry(&machine.store, entry).unwrap().unwrap();
        (entry.data.is_some(), entry.personal.is_some())
    };
    assert_eq!(part(&machine), (true, false));
    let chunks = |machine: &Machine| {
        machine.store.rows().filter(|(table, ..)| *table == Table::Chunk).count()
    };
    assert_eq!(chunks(&machine), 1, "its own time is not up");
    sweep(&mut machine, 402 * DAY);
    assert_eq!(part(&machine), (false, false));
    assert_eq!(chunks(&machine), 0);
}

#[test]
fn every_record_has_one_status() {
    let mut machine = Machine::founded();
    machine.run(DAY, load(marking()));
    for actor in ["ai:a", "ai:b", "ai:c", "ai:d"] {
        decided(&mut machine, DAY, actor);
    }
    decided(&mut machine, 160 * DAY, "ai:a");
    let total = standing(&machine);
    assert_eq!((total.active, total.expiring), (1, 6), "{total:?}");
    done(machine.run(160 * DAY, anonymize(ErasedPart::Personal, Some("ai:c"), &[(4, 4)])));
    recorded(machine.run(160 * DAY, hold(of_actor("ai:a"))));
    recorded(machine.run(160 * DAY, hold(of_type(EntryType::Decision))));
    recorded(machine.run(160 * DAY, hold(ids(&[2, 4, 0]).sorted())));
    let found = standing(&machine);
    assert_eq!((found.legal_hold, found.anonymized, found.holds), (5, 1, 3), "{found:?}");
    let query = EntryFilter {
        from: Some(Timestamp(DAY)),
        to: Some(Timestamp(2 * DAY)),
        ..EntryFilter::default()
    };
    recorded(machine.run(160 * DAY, hold(HoldScope::Filter(query))));
    assert_eq!(standing(&machine).legal_hold, 6);
    // Before the holds were applied there were none.
    let then = view::record_standing(&machine.store, EntryId(6)).unwrap();
    assert_eq!((then.legal_hold, then.holds, then.total), (0, 0, 7));
    one_by_one(&machine);
}

trait Sorted {
    fn sorted(self) -> Self;
}

impl Sorted for HoldScope {
    fn sorted(self) -> Self {
        match self {
            Self::Entries(mut ids) => {
                ids.sort_unstable();
                Self::Entries(ids)
            }
            other @ (Self::Filter(_) | Self::All) => other,
        }
    }
}

/// The figures are those of every entry looked at by itself.
fn one_by_one(machine: &Machine) {
    let (found, last) = (standing(machine), head(machine));
    let span = 0..last.0 + 1;
    let each = view::Standings::of(&machine.store, &span, last).unwrap();
    let mut counts = std::collections::BTreeMap::<&str, u64>::new();
    for id in span {
        let entry = view::entry(&machine.store, EntryId(id)).unwrap().unwrap();
        let data = entry.data.as_ref();
        let data = data.map(|part| serde_json::from_str::<Object>(&part.text).unwrap());
        let one = each.one(&entry, data.as_ref());
        *counts.entry(one.status).or_default() += 1;
        *counts.entry(one.class.as_str()).or_default() += 1;
    }
    let expect = [
        ("active", found.active),
        ("expiring", found.expiring),
        ("legal_hold", found.legal_hold),
        ("anonymized", found.anonymized),
        ("archived", found.archived),
        ("high_risk", found.by_class[0]),
        ("gdpr_intersect", found.by_class[1]),
        ("standard", found.by_class[2]),
    ];
    for (name, count) in expect {
        assert_eq!(counts.get(name).copied().unwrap_or(0), count, "{name} {found:?}");
    }
}

#[test]
fn an_account_is_kept_from_its_end_on() {
    let mut machine = Machine::founded();
    let create = Command::CreateUser(Box::new(CreateUser {
        username: "ana".to_owned(),
        email: "ana@example.org".to_owned(),
        full_name: None,
        role: governance::access::AccountRole::Viewer,
        oversight: Vec::new(),
        password_hash: "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g".to_owned(),
    }));
    let socket = || governance::command::Principal::socket("n1");
    let entry = recorded(machine.run_for(socket(), DAY, create));
    let user: UserId = id(&data(&machine, entry), "actor");
    let factor = with_second_factor(&mut machine, user);
    sweep(&mut machine, 1_000 * DAY);
    assert!(!is_erased(&machine, entry.0) && !is_erased(&machine, factor.0));
    let disable = ChangeUser { user, change: UserChange::Disable, reason: "left".to_owned() };
    recorded(machine.run_for(socket(), 1_000 * DAY, Command::ChangeUser(Box::new(disable))));
    sweep(&mut machine, 1_182 * DAY);
    assert!(!is_erased(&machine, entry.0) && !is_erased(&machine, factor.0));
    sweep(&mut machine, 1_184 * DAY);
    assert!(is_erased(&machine, entry.0) && is_erased(&machine, factor.0));
}

/// Has somebody enroll a second factor.
fn with_second_factor(machine: &mut Machine, user: UserId) -> EntryId {
    let owner = people::log_in(machine, user, DAY, people::OIDC);
    let sealed_secret = vec![7];
    let enroll = Command::EnrollMfa(Box::new(EnrollMfa { user, sealed_secret: vec![7] }));
    assert_eq!(machine.run_for(owner.clone(), DAY, enroll), Outcome::Noted);
    let backup_code_hashes = (20..30).map(|code| Digest([code; 32])).collect();
    let confirm = ConfirmMfa { user, sealed_secret, step: 7, backup_code_hashes };
    recorded(machine.run_for(owner, DAY, Command::ConfirmMfa(Box::new(confirm))))
}

/// What is done in a random story.
#[derive(Clone, Debug)]
enum Deed {
    Decide(&'static str),
    Hold(HoldScope),
    Release(usize),
    Anonymize(ErasedPart, Option<&'static str>),
    Erase(ErasedPart, u64),
    Sweep,
}

fn any_scope() -> impl Strategy<Value = HoldScope> {
    let actor = prop::option::of(prop::sample::select(vec!["ai:a", "ai:b"]));
    let types = vec![EntryType::Decision, EntryType::AnonymizationRun];
    let entry_type = prop::option::of(prop::sample::select(types));
    let time = prop::option::of(0..4_000_u64);
    let filter =
        (actor, entry_type, time.clone(), time).prop_map(|(actor, entry_type, from, to)| {
            HoldScope::Filter(EntryFilter {
                actor: actor.map(str::to_owned),
                entry_type,
                from: from.map(|day| Timestamp(day * DAY)),
                to: to.map(|day| Timestamp(day * DAY)),
            })
        });
    let list = prop::collection::btree_set(0..20_u64, 1..4)
        .prop_map(|ids| HoldScope::Entries(ids.into_iter().map(EntryId).collect()));
    prop_oneof![1 => Just(HoldScope::All), 4 => filter, 4 => list]
}

fn any_deed() -> impl Strategy<Value = Deed> {
    let part = prop::sample::select(vec![ErasedPart::Personal, ErasedPart::All]);
    let subject = prop::option::of(prop::sample::select(vec!["ai:a", "ai:b"]));
    prop_oneof![
        6 => prop::sample::select(vec!["ai:a", "ai:b"]).prop_map(Deed::Decide),
        2 => any_scope().prop_map(Deed::Hold),
        1 => (0..4_usize).prop_map(Deed::Release),
        3 => (part.clone(), subject).prop_map(|(part, subject)| Deed::Anonymize(part, subject)),
        2 => (part, 0..20_u64).prop_map(|(part, id)| Deed::Erase(part, id)),
        1 => Just(Deed::Sweep),
    ]
}

/// Which entries are under a hold, by the plainest reading of what holds say.
fn frozen(machine: &Machine, holds: &[HoldScope]) -> Vec<u64> {
    let fits = |id: &u64| {
        let entry = view::entry(&machine.store, EntryId(*id)).unwrap().unwrap();
        let data = entry.data.as_ref().map(|part| part.text.clone()).unwrap_or_default();
        let data: Object = serde_json::from_str(&data).unwrap_or_default();
        holds.iter().any(|scope| match scope {
            HoldScope::All => true,
            HoldScope::Entries(ids) => ids.contains(&EntryId(*id)),
            HoldScope::Filter(filter) => {
                let actor = data.get("actor").and_then(Json::as_str);
                filter.actor.as_deref().is_none_or(|wanted| actor == Some(wanted))
                    && filter.entry_type.is_none_or(|wanted| wanted == entry.header.entry_type)
                    && filter.from.is_none_or(|from| entry.header.timestamp >= from)
                    && filter.to.is_none_or(|to| entry.header.timestamp < to)
            }
        })
    };
    (0..=head(machine).0).filter(fits).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_under_a_hold_is_ever_erased(deeds in prop::collection::vec((any_deed(), 1..200_u64), 1..40)) {
        let mut machine = Machine::founded();
        let (mut day, mut holds) = (1, Vec::<(String, HoldScope)>::new());
        for (deed, days) in deeds {
            day += days;
            let at = day * DAY;
            let scopes: Vec<HoldScope> = holds.iter().map(|(_, scope)| scope.clone()).collect();
            let kept = frozen(&machine, &scopes);
            let whole = |machine: &Machine, id: u64| {
                let entry = view::entry(&machine.store, EntryId(id)).unwrap().unwrap();
                (entry.data, entry.personal)
            };
            let before: Vec<_> = kept.iter().map(|id| whole(&machine, *id)).collect();
            let size = head(&machine).0 + 1;
            match deed {
                Deed::Decide(actor) => drop(decided(&mut machine, at, actor)),
                Deed::Hold(scope) => {
                    let name = format!("h{day}");
                    if let Outcome::Recorded(_) = machine.run(at, hold_named(&name, scope.clone())) {
                        holds.push((name, scope));
                    }
                }
                Deed::Release(nth) => {
                    if nth < holds.len() {
                        let (name, _) = holds.remove(nth);
                        recorded(machine.run(at, release(&name)));
                    }
                }
                Deed::Anonymize(part, subject) => {
                    done(machine.run(at, anonymize(part, subject, &[(0, size - 1)])));
                }
                Deed::Erase(part, id) => {
                    let ranges = vec![EntryRange { from: EntryId(id), to: EntryId(id) }];
                    let cause = ErasureCause::Request;
                    let outcome = machine.run(at, Command::Erase(Erase { part, ranges, cause }));
                    let is_held = kept.contains(&id);
                    prop_assert!(!is_held || matches!(outcome, Outcome::Rejected(_)));
                }
                Deed::Sweep => drop(sweep(&mut machine, at)),
            }
            for (id, before) in kept.iter().zip(before) {
                prop_assert_eq!(whole(&machine, *id), before, "entry {}", id);
            }
        }
        one_by_one(&machine);
        verify(&machine);
    }
}

#[test]
fn the_same_key_gives_the_same_run() {
    let mut machine = Machine::founded();
    decided(&mut machine, 100, "ai:a");
    let command = anonymize(ErasedPart::Personal, Some("ai:a"), &[(1, 1)]);
    let run = done(machine.run_keyed(200, command.clone(), "k", 1));
    let again = machine.run_keyed(300, command.clone(), "k", 1);
    assert_eq!(again, Outcome::Replayed(run.recorded.unwrap().entry_id));
    let mut other = envelope(command, 9);
    let (scope, key) = (String::new(), "k".to_owned());
    other.idempotency = Some(Idempotency { scope, key, body_digest: Digest([2; 32]) });
    other.principal = named(EXECUTIVE);
    let refusal = refused(machine.apply(400, &other));
    assert!(matches!(refusal, Rejection::IdempotencyConflict { .. }));
    assert!(machine.store.get(Table::Personal, &EntryId(1).key()).unwrap().is_none());
}
