//! What an export shows of a ledger that goes on.

use std::collections::BTreeMap;

use crate::support::{Machine, SECOND, data, decide, decided, erase, id, intervene, load, policy};
use crate::support::{recorded, stop};
use governance::command::{
    AcknowledgeEscalation, AssessRisk, Command, CreateEscalation, ErasedPart, EvidenceContent,
    ExecuteOverride, InterventionType, LinkEvidence, OverrideScope, RegisterEvidence,
    ResolveEscalation, ReviewOverride, ReviewResponsibility, RiskInput,
};
use governance::export::{self, RecordKind, Scope, Selection};
use governance::record::{
    ArtifactKind, OverrideKind, Resolution, ReviewOutcome, ReviewVerdict, Trigger,
};
use governance::{Outcome, shown, view};
use types::{ArtifactId, DecisionId, EntryId, EscalationId, Json, Object, OverrideId, Timestamp};

const JANE: &str = "act_human_user:executive:jane";
const LEO: &str = "act_human_user:governance_lead:leo";
const HOUR: u64 = 3_600 * SECOND;

fn selection(ledger_size: u64) -> Selection {
    Selection { scope: Scope::All, from: None, to: None, ledger_size }
}

/// Every record of a selection, by kind.
fn walked(machine: &Machine, selection: &Selection) -> BTreeMap<RecordKind, Vec<Object>> {
    let mut found: BTreeMap<_, _> = RecordKind::ALL.map(|kind| (kind, Vec::new())).into();
    let mut walk = export::Walk::begin(&machine.store, selection).unwrap();
    let mut next = 0;
    while let Some(exported) = walk.next_entry().unwrap() {
        assert_eq!(exported.entry.header.id.0, next);
        next += 1;
        for (kind, record) in exported.records {
            found.get_mut(&kind).unwrap().push(record);
        }
    }
    assert_eq!(next, selection.ledger_size);
    found
}

/// Every record of a kind.
fn all(machine: &Machine, selection: &Selection, kind: RecordKind) -> Vec<Object> {
    walked(machine, selection).remove(&kind).unwrap()
}

/// Everything an export of this size shows.
fn everything(machine: &Machine, size: u64) -> Vec<(&'static str, Vec<Object>)> {
    let found = walked(machine, &selection(size)).into_iter();
    found.map(|(kind, records)| (kind.as_str(), records)).collect()
}

fn size(machine: &Machine) -> u64 {
    view::head(&machine.store).unwrap().size()
}

fn text<'a>(record: &'a Object, name: &str) -> &'a str {
    record.get(name).and_then(Json::as_str).unwrap_or_default()
}

/// A ledger with some of everything.
struct Story {
    machine: Machine,
    denied: DecisionId,
    allowed: DecisionId,
    escalation: EscalationId,
    artifact: ArtifactId,
}

fn story() -> Story {
    let mut machine = Machine::founded();
    machine.run(10, load(policy()));
    let denied = decided(&mut machine, 100, "ai:x");
    let allowed = decided(&mut machine, 100, "ai:a");
    let Command::Decide(mut critical) = decide("ai:a", "read") else { panic!("no decision") };
    critical.risk_level = Some(5);
    critical.user_intent = Some("urgent".to_owned());
    machine.run(110, Command::Decide(critical));
    let create = CreateEscalation {
        decision: denied,
        trigger: Trigger::ActorRequest,
        recipients: vec![JANE.to_owned()],
        priority: None,
        summary: Some("above the limit".to_owned()),
        metadata: None,
    };
    let entry = recorded(machine.run(120, Command::CreateEscalation(Box::new(create))));
    let escalation = id(&data(&machine, entry), "escalation_id");
    let register = RegisterEvidence {
        kind: ArtifactKind::ExternalReport,
        content: EvidenceContent::Inline(b"report".to_vec()),
        content_type: None,
        source: "acme".to_owned(),
        decisions: vec![denied],
        controls: Vec::new(),
        storage_uri: None,
        retention_days: None,
        metadata: None,
    };
    let entry = recorded(machine.run(130, Command::RegisterEvidence(Box::new(register))));
    let artifact = id(&data(&machine, entry), "artifact_id");
    let review = intervene(InterventionType::ManualReview, "pay", "hold");
    recorded(machine.run(140, Command::Intervene(Box::new(review))));
    Story { machine, denied, allowed, escalation, artifact }
}

fn override_of(machine: &mut Machine, at: u64, decision: DecisionId) -> OverrideId {
    let execute = ExecuteOverride {
        decision,
        kind: OverrideKind::ExecutiveOverride,
        justification: "Regulator asked for the file today; reviewed with legal".to_owned(),
        original: None,
        is_conditional: false,
        expires_at: None,
        scope: OverrideScope::default(),
        evidence: Vec::new(),
        metadata: None,
    };
    let entry = recorded(machine.run_as(JANE, at, Command::ExecuteOverride(Box::new(execute))));
    id(&data(machine, entry), "override_id")
}

/// Changes what became of everything that is recorded.
fn go_on(story: &mut Story) {
    let Story { machine, denied, allowed, escalation, artifact } = story;
    let acknowledge = AcknowledgeEscalation { escalation: *escalation };
    recorded(machine.run_as(JANE, SECOND, Command::AcknowledgeEscalation(acknowledge)));
    let resolve = ResolveEscalation {
        escalation: *escalation,
        resolution: Resolution::Approved,
        notes: "go".to_owned(),
    };
    recorded(machine.run_as(JANE, 2 * SECOND, Command::ResolveEscalation(Box::new(resolve))));
    let assess = AssessRisk {
        decision: *allowed,
        dimensions: RiskInput { security: Some(40), ..RiskInput::default() },
        likelihood: None,
        impact: None,
        mitigations: Vec::new(),
        supersedes: None,
        metadata: None,
    };
    recorded(machine.run(3 * SECOND, Command::AssessRisk(Box::new(assess))));
    let link = LinkEvidence { artifact: *artifact, decision: *allowed, note: None };
    recorded(machine.run(4 * SECOND, Command::LinkEvidence(Box::new(link))));
    let other = decided(machine, 5 * SECOND, "ai:y");
    let made = override_of(machine, 5 * SECOND, other);
    let (verdict, notes) = (ReviewVerdict::Reversed, "no".to_owned());
    let review = ReviewOverride { id: made, verdict, notes };
    recorded(machine.run_as(LEO, 6 * SECOND, Command::ReviewOverride(Box::new(review))));
    let record = types::ResponsibilityId(denied.0);
    let outcome = ReviewOutcome::Accepted;
    let review = ReviewResponsibility { record, outcome, notes: "so it is".to_owned() };
    recorded(machine.run_as(LEO, 7 * SECOND, Command::ReviewResponsibility(Box::new(review))));
    machine.run(8 * SECOND, load(policy()));
    recorded(machine.run_as(JANE, 9 * SECOND, stop(None, None)));
    // What is due ends.
    assert_eq!(machine.run(1_000 * HOUR, Command::Tick), Outcome::Ticked);
}

#[test]
fn what_an_export_shows_never_changes_as_the_ledger_grows() {
    let mut story = story();
    let mut known = vec![(size(&story.machine), everything(&story.machine, size(&story.machine)))];
    let before = known[0].0;
    go_on(&mut story);
    known.push((size(&story.machine), everything(&story.machine, size(&story.machine))));
    for (size, then) in &known {
        assert_eq!(everything(&story.machine, *size), *then, "at {size}");
    }
    // And at every size between what was shown then is shown now.
    let after = size(&story.machine);
    for pinned in before..after {
        let then = everything(&story.machine, pinned);
        let decisions = &then[0].1;
        assert!(decisions.iter().all(|it| it.get("ledger_entry_id").is_some()));
        assert!(then.iter().flat_map(|(_, records)| records).all(|record| {
            let entry = record.get("ledger_entry_id").and_then(Json::as_u64);
            entry.is_some_and(|entry| entry < pinned)
        }));
    }
    assert_ne!(known[0].1, known[1].1);
}

#[test]
fn every_step_counts_from_its_own_entry_on() {
    let mut story = story();
    let before = size(&story.machine);
    go_on(&mut story);
    let (machine, denied) = (&story.machine, story.denied.to_string());
    let of = |size: u64, kind: RecordKind, name: &str, value: &str| {
        let records = all(machine, &selection(size), kind);
        records.into_iter().find(|record| text(record, name) == value).unwrap()
    };
    let escalation = story.escalation.to_string();
    let steps =
        [(0, "pending", "denied"), (1, "acknowledged", "denied"), (2, "resolved", "allowed")];
    for (more, status, outcome) in steps {
        let record = of(before + more, RecordKind::Escalation, "escalation_id", &escalation);
        assert_eq!(text(&record, "status"), status, "{more} entries later");
        assert_eq!(record.get("resolution").unwrap().is_null(), status != "resolved");
        let record = of(before + more, RecordKind::Decision, "decision_id", &denied);
        assert_eq!(text(&record, "effective_outcome"), outcome, "{more} entries later");
    }
    let allowed = story.allowed.to_string();
    let evidence = |size| {
        let record = of(size, RecordKind::Decision, "decision_id", &allowed);
        record.get("evidence_ids").and_then(Json::as_array).unwrap().len()
    };
    // Two about the escalation, one assessment, then the link.
    assert_eq!((evidence(before + 3), evidence(before + 4)), (0, 1));
    let policies = |size| all(machine, &selection(size), RecordKind::Policy);
    let active = |size| -> Vec<bool> {
        let is_active = |it: &Object| it.get("active").and_then(Json::as_bool).unwrap();
        policies(size).iter().map(is_active).collect()
    };
    assert_eq!(active(before), [true]);
    assert_eq!(active(super::view::head(&machine.store).unwrap().size()), [false, true]);
}

#[test]
fn every_kind_has_records_in_the_order_of_their_entries() {
    let mut story = story();
    go_on(&mut story);
    for (kind, records) in everything(&story.machine, size(&story.machine)) {
        assert!(!records.is_empty(), "{kind}");
        let ids: Vec<u64> = records
            .iter()
            .map(|record| record.get("ledger_entry_id").and_then(Json::as_u64).unwrap())
            .collect();
        assert!(ids.is_sorted(), "{kind}: {ids:?}");
    }
}

#[test]
fn a_scope_shows_its_kinds_and_every_entry() {
    let mut story = story();
    go_on(&mut story);
    let whole = selection(size(&story.machine));
    for scope in Scope::ALL {
        for (kind, records) in walked(&story.machine, &Selection { scope, ..whole }) {
            assert_eq!(scope.kinds().contains(&kind), !records.is_empty(), "{scope:?} {kind:?}");
        }
    }
}

/// More of everything than is read ahead, much of it of one millisecond, and answered
/// much later.
#[test]
fn reading_ahead_changes_nothing() {
    let mut machine = Machine::founded();
    machine.run(10, load(policy()));
    let mut ids = Vec::new();
    for n in 0..700_u64 {
        let Command::Decide(mut decide) = decide("ai:x", "read") else { panic!("no decision") };
        decide.risk_level = (n % 3 != 0).then_some(if n % 7 == 0 { 5 } else { 2 });
        machine.run(100 + n / 600, Command::Decide(decide));
        let last = EntryId(size(&machine) - 1);
        ids.push(id::<DecisionId>(&data(&machine, last), "decision_id"));
    }
    for (n, id) in ids.iter().enumerate().rev() {
        if n % 5 == 0 {
            override_of(&mut machine, SECOND, *id);
        }
        let record = types::ResponsibilityId(id.0);
        let (outcome, notes) = (ReviewOutcome::Accepted, "so it is".to_owned());
        let review = ReviewResponsibility { record, outcome, notes };
        recorded(machine.run_as(LEO, 2 * SECOND, Command::ReviewResponsibility(Box::new(review))));
    }
    let size = size(&machine);
    let found = walked(&machine, &selection(size));
    let store = &machine.store;
    let now = view::entry(store, EntryId(size - 1)).unwrap().unwrap().header.timestamp;
    let when = governance::effective::When { size, now };
    let mut decisions = found[&RecordKind::Decision].iter();
    let mut answered_for = found[&RecordKind::Responsibility].iter();
    for id in ids {
        let entry = view::decision_entry(store, id).unwrap().unwrap();
        let entry = view::entry(store, entry).unwrap().unwrap();
        let parts = shown::parts(&entry).unwrap();
        let expected = shown::decision(store, &entry, &parts, when).unwrap().unwrap();
        assert_eq!(decisions.next(), Some(&expected.members));
        let own = view::responsibility(store, types::ResponsibilityId(id.0)).unwrap().unwrap();
        assert!(own.review.is_some());
        assert_eq!(answered_for.next(), Some(&shown::responsibility(&own)));
    }
    assert_eq!(found[&RecordKind::Override].len(), 140);
    assert!(found[&RecordKind::Risk].len() > 256 && found[&RecordKind::Escalation].len() > 50);
}

#[test]
fn a_span_of_time_is_one_of_the_entries_that_made_the_records() {
    let mut story = story();
    go_on(&mut story);
    let whole = selection(size(&story.machine));
    let span =
        |from, to| Selection { from: Some(Timestamp(from)), to: Some(Timestamp(to)), ..whole };
    let count = |selection: &Selection| all(&story.machine, selection, RecordKind::Decision).len();
    assert_eq!(count(&span(100, 101)), 2);
    assert_eq!(count(&span(101, 5 * SECOND)), 1);
    assert_eq!(count(&span(5 * SECOND, 5 * SECOND + 1)), 1);
    assert_eq!(count(&span(200, 100)), 0);
    assert_eq!(count(&whole), 4);
}

#[test]
fn what_is_erased_is_null_or_gone_and_the_rest_stays() {
    let mut story = story();
    let all_of = |story: &Story| everything(&story.machine, size(&story.machine));
    let before = all_of(&story);
    let pinned = size(&story.machine);
    let entry = view::decision_entry(&story.machine.store, story.denied).unwrap().unwrap();
    let erased = story.machine.run(SECOND, erase(ErasedPart::Personal, entry));
    assert!(matches!(erased, Outcome::Erased(_)));
    let after = everything(&story.machine, pinned);
    assert_ne!(before, after);
    let denied = story.denied.to_string();
    let decision = |shown: &[(&str, Vec<Object>)]| {
        shown[0].1.iter().find(|it| text(it, "decision_id") == denied).cloned()
    };
    let shown = decision(&after).unwrap();
    assert!(shown.get("context").unwrap().is_null());
    assert!(!shown.get("erased").unwrap().is_null());
    assert_eq!(text(&shown, "outcome"), "denied");
    // The ledger goes on: nothing changes any more but by another erasure.
    let other = decided(&mut story.machine, 5 * SECOND, "ai:y");
    override_of(&mut story.machine, 5 * SECOND, other);
    assert_eq!(story.machine.run(1_000 * HOUR, Command::Tick), Outcome::Ticked);
    assert_eq!(everything(&story.machine, pinned), after);
    let erased = story.machine.run(2_000 * HOUR, erase(ErasedPart::All, entry));
    assert!(matches!(erased, Outcome::Erased(_)));
    assert_eq!(decision(&everything(&story.machine, pinned)), None);
}

#[test]
fn an_escalation_whose_acknowledgement_is_erased_shows_no_name_as_of_before_it_ended() {
    let mut story = story();
    let acknowledge = AcknowledgeEscalation { escalation: story.escalation };
    let command = Command::AcknowledgeEscalation(acknowledge);
    let acknowledged = recorded(story.machine.run_as(JANE, SECOND, command));
    let pinned = size(&story.machine);
    let open = story.machine.run(SECOND, erase(ErasedPart::All, acknowledged));
    let entry = acknowledged;
    assert_eq!(open, Outcome::Rejected(governance::Rejection::NotErasable { entry }));
    assert_eq!(story.machine.run(1_000 * HOUR, Command::Tick), Outcome::Ticked);
    let erased = story.machine.run(1_000 * HOUR, erase(ErasedPart::All, acknowledged));
    assert!(matches!(erased, Outcome::Erased(_)));
    let open = everything(&story.machine, pinned);
    let id = story.escalation.to_string();
    let shown = open[2].1.iter().find(|it| text(it, "escalation_id") == id).unwrap();
    assert_eq!(text(shown, "status"), "acknowledged");
    assert!(shown.get("acknowledged_by").unwrap().is_null());
}

#[test]
fn keys_are_shown_as_they_stood() {
    use governance::command::RetireKey;
    let mut machine = Machine::founded();
    let key = view::keys(&machine.store).unwrap()[0].id;
    let retire = |compromised| {
        Command::RetireKey(RetireKey { id: key, compromised, reason: "old".to_owned() })
    };
    recorded(machine.run(100, retire(false)));
    let retired = size(&machine);
    recorded(machine.run(200, retire(true)));
    let as_of = |size: u64| {
        let keys = export::keys_as_of(&machine.store, size).unwrap();
        let key = keys.into_iter().find(|it| it.id == key).unwrap();
        (key.valid_until, key.revoked)
    };
    assert_eq!(as_of(1), (None, false));
    assert_eq!(as_of(retired), (Some(EntryId(retired - 1)), false));
    assert_eq!(as_of(size(&machine)), (Some(EntryId(retired - 1)), true));
}
