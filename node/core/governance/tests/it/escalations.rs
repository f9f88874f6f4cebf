//! Escalations: raised by hand and by themselves, answered, expired; how they are
//! listed and what an erasure leaves is below.

mod any;
mod erased;
mod lists;

use crate::support::{Machine, SECOND, decide, envelope, load, policy};
use governance::command::{
    AcknowledgeEscalation, AssessRisk, Command, CreateEscalation, EntryRange, Envelope, Erase,
    ErasedPart, ErasureCause, Principal, ResolveEscalation, RiskInput,
};
use governance::effective::{Basis, effective};
use governance::record::{EscalationStatus, Priority, Resolution, Trigger};
use governance::view::{self, Escalation, EscalationQuery};
use governance::{
    Direction, Outcome, Rejection, deadline, decode_envelope, effect, encode_envelope,
};
use ledger::EntryType;
use policy::Verdict;
use types::{DecisionId, EntryId, EscalationId, Json, Object, Timestamp, Ulid};

const MARIA: &str = "act_human_user:maria";
const LEAD: &str = "act_human_user:governance_lead:ana";
const HOUR: u64 = 3_600 * SECOND;

fn run_as(machine: &mut Machine, who: &str, at: u64, command: Command) -> Outcome {
    let seed = u8::try_from(machine.index.0 % 251).unwrap();
    let principal = Principal { id: who.to_owned(), ..Principal::nobody() };
    machine.apply(at, &Envelope { principal, ..envelope(command, seed) })
}

fn data(machine: &Machine, id: EntryId) -> Object {
    let entry = view::entry(&machine.store, id).unwrap().unwrap();
    serde_json::from_str(&entry.data.unwrap().text).unwrap()
}

fn id_of<T: std::str::FromStr>(data: &Object, name: &str) -> Option<T> {
    data.get(name).and_then(Json::as_str).and_then(|id| id.parse().ok())
}

/// Decides, and says which decision that made.
fn decided(machine: &mut Machine, at: u64, risk: Option<u8>) -> (DecisionId, Option<EscalationId>) {
    let Command::Decide(mut asked) = decide("ai:a", "read") else { panic!("no decide") };
    asked.risk = risk.map(|it| RiskInput { security: Some(it), ..RiskInput::default() });
    let Outcome::Decided(decided) = machine.run(at, Command::Decide(asked)) else {
        panic!("not decided")
    };
    let data = decided.data.as_object().unwrap();
    (id_of(data, "decision_id").unwrap(), id_of(data, "escalation_id"))
}

fn create(decision: DecisionId, trigger: Trigger, priority: Option<Priority>) -> Command {
    Command::CreateEscalation(Box::new(CreateEscalation {
        decision,
        trigger,
        recipients: vec![MARIA.to_owned()],
        priority,
        summary: Some("claim above limit".to_owned()),
        metadata: None,
    }))
}

/// Raises one, and says which.
fn created(machine: &mut Machine, at: u64, command: Command) -> EscalationId {
    let Outcome::Recorded(recorded) = run_as(machine, MARIA, at, command) else {
        panic!("not recorded")
    };
    id_of(&data(machine, recorded.entry_id), "escalation_id").unwrap()
}

fn acknowledge(escalation: EscalationId) -> Command {
    Command::AcknowledgeEscalation(AcknowledgeEscalation { escalation })
}

fn resolve(escalation: EscalationId, resolution: Resolution) -> Command {
    let notes = "looked at it".to_owned();
    Command::ResolveEscalation(Box::new(ResolveEscalation { escalation, resolution, notes }))
}

fn shown(machine: &Machine, id: EscalationId, now: u64) -> Escalation {
    view::escalation(&machine.store, id, Timestamp(now)).unwrap().unwrap()
}

fn erase(entry: EntryId, part: ErasedPart) -> Command {
    let ranges = vec![EntryRange { from: entry, to: entry }];
    Command::Erase(Erase { part, ranges, cause: ErasureCause::Request })
}

/// Runs what is recorded, and says where.
fn recorded(machine: &mut Machine, at: u64, command: Command) -> EntryId {
    match run_as(machine, LEAD, at, command) {
        Outcome::Recorded(recorded) => recorded.entry_id,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(machine: &mut Machine, who: &str, at: u64, command: Command, expect: Rejection) {
    let before = view::head(&machine.store).unwrap();
    assert_eq!(run_as(machine, who, at, command), Outcome::Rejected(expect));
    let after = view::head(&machine.store).unwrap();
    assert_eq!((after.state_digest, after.size()), (before.state_digest, before.size()));
}

fn ready() -> Machine {
    let mut machine = Machine::founded();
    assert!(matches!(machine.run(2, load(policy())), Outcome::PolicyLoaded(_)));
    machine
}

fn all(now: u64) -> EscalationQuery {
    EscalationQuery {
        status: None,
        priority: None,
        decision: None,
        after: None,
        direction: Direction::Ascending,
        limit: 100,
        now: Timestamp(now),
    }
}

fn listed(machine: &Machine, query: EscalationQuery) -> (Vec<EscalationId>, u64) {
    let page = view::escalations(&machine.store, &query).unwrap();
    assert!(page.total_exact);
    (page.escalations.iter().map(|it| it.id).collect(), page.total)
}

fn events(machine: &Machine) -> Vec<String> {
    let waiting = effect::waiting(&machine.store, None, 100).unwrap();
    waiting.into_iter().map(|(_, notice)| notice.event).collect()
}

#[test]
fn an_answer_goes_from_pending_over_acknowledged_to_resolved_and_stays() {
    let mut machine = ready();
    let (decision, none) = decided(&mut machine, 10, None);
    assert_eq!(none, None);
    let id = created(&mut machine, 20, create(decision, Trigger::ActorRequest, None));
    let first = shown(&machine, id, 20);
    assert_eq!(
        (first.status, first.record.priority),
        (EscalationStatus::Pending, Priority::Medium)
    );
    assert_eq!(first.record.deadline, Timestamp(20 + 24 * HOUR));
    assert_eq!(first.summary.as_deref(), Some("claim above limit"));
    assert!(first.action_digest.is_some());

    let outcome = run_as(&mut machine, MARIA, 30, acknowledge(id));
    assert!(matches!(outcome, Outcome::Recorded(_)), "{outcome:?}");
    refused(&mut machine, LEAD, 31, acknowledge(id), Rejection::AlreadyAcknowledged);
    assert_eq!(shown(&machine, id, 31).acknowledged_at, Some(Timestamp(30)));

    let Outcome::Recorded(recorded) =
        run_as(&mut machine, LEAD, 40, resolve(id, Resolution::Approved))
    else {
        panic!("not recorded")
    };
    let entry = data(&machine, recorded.entry_id);
    assert_eq!(entry.get("role").and_then(Json::as_str), Some("governance_lead"));
    assert_eq!(entry.get("by").and_then(Json::as_str), Some(LEAD));
    assert_eq!(entry.get("actor").and_then(Json::as_str), Some("ai:a"));
    assert_eq!(id_of(&entry, "responsibility_id"), Some(types::ResponsibilityId(id.0)));
    let answer = shown(&machine, id, 50).answer.unwrap();
    assert_eq!(answer.resolution, Resolution::Approved);
    assert_eq!((answer.by.as_deref(), answer.notes.as_deref()), (Some(LEAD), Some("looked at it")));
    for command in [acknowledge(id), resolve(id, Resolution::Denied)] {
        refused(&mut machine, LEAD, 60, command, Rejection::AlreadyResolved);
    }
    assert_eq!(deadline::next(&machine.store).unwrap(), None);
    assert_eq!(
        events(&machine),
        ["escalation.created", "escalation.acknowledged", "escalation.resolved"]
    );
}

#[test]
fn only_who_oversees_or_is_asked_may_answer() {
    let mut machine = ready();
    let (decision, _) = decided(&mut machine, 10, None);
    let id = created(&mut machine, 20, create(decision, Trigger::ActorRequest, None));
    for who in ["", "ai:a", "act_human_user:bob", "act_human_user:governance_lead_deputy"] {
        refused(&mut machine, who, 30, acknowledge(id), Rejection::NotAuthorised);
        let command = resolve(id, Resolution::Approved);
        refused(&mut machine, who, 30, command, Rejection::NotAuthorised);
    }
    let unknown = EscalationId(Ulid(9));
    let why = Rejection::UnknownEscalation { id: unknown };
    refused(&mut machine, LEAD, 30, acknowledge(unknown), why.clone());
    refused(&mut machine, LEAD, 30, resolve(unknown, Resolution::Denied), why);
    let unknown = create(DecisionId(Ulid(9)), Trigger::ActorRequest, None);
    refused(&mut machine, MARIA, 30, unknown, Rejection::UnknownDecision);
}

#[test]
fn a_critical_score_escalates_within_the_decision_even_where_it_is_denied() {
    let mut machine = ready();
    let (decision, id) = decided(&mut machine, 10, Some(95));
    let id = id.unwrap();
    let it = shown(&machine, id, 10);
    assert_eq!(
        (it.record.trigger, it.record.priority),
        (Trigger::RiskThreshold, Priority::Critical)
    );
    assert_eq!(it.record.deadline, Timestamp(10 + 2 * HOUR));
    assert_eq!(
        it.record.entry_id,
        view::decision_entry(&machine.store, decision).unwrap().unwrap()
    );
    assert!(it.record.auto && it.record.risk.is_some() && it.action_digest.is_some());
    assert_eq!(it.record.recipients, ["act_human_user:governance_team"]);

    let Command::Decide(mut asked) = decide("ai:a", "burn") else { panic!("no decide") };
    asked.risk_level = Some(4);
    let Outcome::Decided(denied) = machine.run(20, Command::Decide(asked)) else { panic!() };
    let denied = denied.data.as_object().unwrap();
    assert_eq!(denied.get("outcome").and_then(Json::as_str), Some("denied"));
    assert!(id_of::<EscalationId>(denied, "escalation_id").is_some());
    assert_eq!(listed(&machine, all(20)).1, 2);
}

#[test]
fn a_critical_assessment_escalates_within_its_entry() {
    let mut machine = ready();
    let (decision, _) = decided(&mut machine, 10, None);
    let assess = Command::AssessRisk(Box::new(AssessRisk {
        decision,
        dimensions: RiskInput { privacy: Some(80), ..RiskInput::default() },
        likelihood: None,
        impact: None,
        mitigations: Vec::new(),
        supersedes: None,
        metadata: None,
    }));
    let Outcome::Recorded(recorded) = machine.run(20, assess) else { panic!("not recorded") };
    let entry = data(&machine, recorded.entry_id);
    let it = shown(&machine, id_of(&entry, "escalation_id").unwrap(), 20);
    assert_eq!((it.record.decision, it.record.entry_id), (decision, recorded.entry_id));
    assert_eq!(it.record.risk, id_of(&entry, "risk_id"));
}

#[test]
fn answers_change_what_a_decision_comes_to_and_time_does_not() {
    let mut machine = ready();
    let (decision, id) = decided(&mut machine, 10, Some(95));
    let id = id.unwrap();
    let now = |machine: &Machine, at| {
        let found = effective(&machine.store, decision, Verdict::Escalated, Timestamp(at)).unwrap();
        (found.outcome, matches!(found.basis, Basis::Escalation(..)))
    };
    assert_eq!(now(&machine, 3 * HOUR), (Verdict::Escalated, false));
    run_as(&mut machine, LEAD, 20, resolve(id, Resolution::Deferred));
    assert_eq!(now(&machine, 30), (Verdict::Escalated, false));
    let second = created(&mut machine, 40, create(decision, Trigger::ExplicitRule, None));
    run_as(&mut machine, LEAD, 50, resolve(second, Resolution::Approved));
    assert_eq!(now(&machine, 60), (Verdict::Allowed, true));
    let third = created(&mut machine, 70, create(decision, Trigger::ExplicitRule, None));
    run_as(&mut machine, LEAD, 80, resolve(third, Resolution::Denied));
    assert_eq!(now(&machine, 90), (Verdict::Denied, true));
}

#[test]
fn a_denial_ends_the_token_the_decision_had_granted() {
    let mut machine = ready();
    let (decision, _) = decided(&mut machine, 10, None);
    let entry = view::decision_entry(&machine.store, decision).unwrap().unwrap();
    let token = id_of(&data(&machine, entry), "token_id").unwrap();
    let id = created(&mut machine, 20, create(decision, Trigger::AnomalyDetected, None));
    let Outcome::Recorded(recorded) =
        run_as(&mut machine, LEAD, 30, resolve(id, Resolution::Denied))
    else {
        panic!("not recorded")
    };
    let record = view::token(&machine.store, token).unwrap().unwrap();
    assert_eq!(record.revoked, Some(recorded.entry_id));
}

#[test]
fn what_nobody_answers_expires_by_the_sweep_and_before_it_by_the_clock() {
    let mut machine = ready();
    let (decision, _) = decided(&mut machine, 10, None);
    let low =
        created(&mut machine, 20, create(decision, Trigger::ActorRequest, Some(Priority::Low)));
    let high =
        created(&mut machine, 21, create(decision, Trigger::ActorRequest, Some(Priority::High)));
    let late = 21 + 8 * HOUR;
    assert_eq!(deadline::next(&machine.store).unwrap(), Some(Timestamp(late)));
    run_as(&mut machine, MARIA, 30, acknowledge(high));

    let size = view::head(&machine.store).unwrap().size();
    assert_eq!(machine.run_by("n1", late - 1, Command::Tick), Outcome::Ticked);
    assert_eq!(view::head(&machine.store).unwrap().size(), size);
    // Its time is over, and nothing says so yet.
    assert_eq!(shown(&machine, high, late - 1).status, EscalationStatus::Acknowledged);
    assert_eq!(shown(&machine, high, late).status, EscalationStatus::Expired);
    let expired = |now| EscalationQuery { status: Some(EscalationStatus::Expired), ..all(now) };
    let open = |now| EscalationQuery { status: Some(EscalationStatus::Acknowledged), ..all(now) };
    assert_eq!(listed(&machine, expired(late - 1)), (vec![], 0));
    assert_eq!(listed(&machine, expired(late)), (vec![high], 1));
    assert_eq!(listed(&machine, open(late)), (vec![], 0));
    let violated = view::violations(&machine.store, None, 10, Timestamp(late)).unwrap();
    assert_eq!((violated.count, violated.violations[0].id), (1, high));
    let why = Rejection::EscalationExpired;
    refused(&mut machine, LEAD, late, resolve(high, Resolution::Approved), why.clone());

    assert_eq!(machine.run_by("n1", late, Command::Tick), Outcome::Ticked);
    assert_eq!(view::head(&machine.store).unwrap().size(), size + 1);
    let entry = view::entry(&machine.store, EntryId(size)).unwrap().unwrap();
    assert_eq!(entry.header.entry_type, EntryType::EscalationExpired);
    assert_eq!(entry.header.actor_seq, 5, "it is about the decision's actor");
    assert_eq!(listed(&machine, expired(late)), (vec![high], 1));
    refused(&mut machine, LEAD, late + 1, acknowledge(high), why);
    assert_eq!(machine.run_by("n1", late + 1, Command::Tick), Outcome::Ticked);
    assert_eq!(view::head(&machine.store).unwrap().size(), size + 1, "swept once");

    // The oldest deadline first, swept or not.
    let later = 20 + 72 * HOUR;
    let violated = view::violations(&machine.store, None, 1, Timestamp(later)).unwrap();
    assert_eq!((violated.count, violated.violations[0].id), (2, high));
    let rest = view::violations(&machine.store, violated.next, 1, Timestamp(later)).unwrap();
    assert_eq!((rest.violations[0].id, rest.next), (low, None));
    assert!(events(&machine).contains(&"escalation.expired".to_owned()));
}

#[test]
fn a_repeated_request_is_answered_and_recorded_once() {
    let mut machine = ready();
    let (decision, _) = decided(&mut machine, 10, None);
    let command = || create(decision, Trigger::ActorRequest, None);
    let Outcome::Recorded(first) = machine.run_keyed(20, command(), "k", 1) else { panic!() };
    assert_eq!(machine.run_keyed(30, command(), "k", 1), Outcome::Replayed(first.entry_id));
    let key = "k".to_owned();
    let conflict = Outcome::Rejected(Rejection::IdempotencyConflict { key });
    assert_eq!(machine.run_keyed(40, command(), "k", 2), conflict);
    assert_eq!(listed(&machine, all(50)).1, 1);
}

#[test]
fn notices_are_forgotten_once_and_others_stay() {
    let mut machine = ready();
    decided(&mut machine, 10, Some(95));
    decided(&mut machine, 11, Some(95));
    let waiting = effect::waiting(&machine.store, None, 10).unwrap();
    let (entry, first) = waiting[0].clone();
    let done = || Command::EffectsDone(vec![entry]);
    let size = view::head(&machine.store).unwrap().size();
    assert_eq!(machine.run_by("n1", 20, done()), Outcome::Noted);
    assert_eq!(machine.run_by("n1", 21, done()), Outcome::Rejected(Rejection::AlreadyRecorded));
    let left = effect::waiting(&machine.store, None, 10).unwrap();
    assert_eq!(left, waiting[1..]);
    assert_ne!(left[0].1.id, first.id);
    assert_eq!(view::head(&machine.store).unwrap().size(), size, "no entry");
}

#[test]
fn a_constraint_escalates_within_the_decision_and_names_no_risk() {
    let mut machine = Machine::founded();
    let document = r#"{"relations":[{"type":"permits","subject":"*","action":"*"}],
        "constraints":[{"name":"c","condition":{"key":"decision.risk_score","op":"gt","value":50},"action":"escalate"}]}"#;
    machine.run(2, load(serde_json::from_str(document).unwrap()));
    let (_, id) = decided(&mut machine, 10, Some(60));
    let it = shown(&machine, id.unwrap(), 10);
    let (trigger, priority) = (it.record.trigger, it.record.priority);
    assert_eq!((trigger, priority), (Trigger::ExplicitRule, Priority::Medium));
    assert_eq!((it.record.risk, it.record.auto), (None, true));
    // Of two reasons the more urgent counts.
    let (_, id) = decided(&mut machine, 20, Some(80));
    assert_eq!(shown(&machine, id.unwrap(), 20).record.trigger, Trigger::RiskThreshold);
    let (_, none) = decided(&mut machine, 30, Some(50));
    assert_eq!(none, None);
}

#[test]
fn an_entry_about_an_escalation_has_the_members_of_the_contract() {
    let mut machine = ready();
    let (decision, _) = decided(&mut machine, 10, None);
    let id = created(&mut machine, 20, create(decision, Trigger::ActorRequest, None));
    let entry = shown(&machine, id, 20).record.entry_id;
    let looks = recorded(&mut machine, 30, acknowledge(id));
    let answers = recorded(&mut machine, 40, resolve(id, Resolution::Approved));
    let personal = |entry| {
        let entry = view::entry(&machine.store, entry).unwrap().unwrap();
        entry.personal.map(|part| part.text)
    };
    let digest = shown(&machine, id, 50).action_digest.unwrap();
    let expect = format!(
        r#"{{"action_digest":"{digest}","context_summary":"claim above limit","metadata":null,"notes":null}}"#
    );
    assert_eq!(personal(entry), Some(expect));
    assert_eq!(personal(looks), None);
    let expect = format!(
        r#"{{"action_digest":"{digest}","context_summary":null,"metadata":null,"notes":"looked at it"}}"#
    );
    assert_eq!(personal(answers), Some(expect));
}

#[test]
fn an_approval_is_bound_to_what_was_decided() {
    let mut machine = ready();
    let (_, id) = decided(&mut machine, 10, Some(95));
    let id = id.unwrap();
    let entry = shown(&machine, id, 10).record.entry_id;
    let personal = view::entry(&machine.store, entry).unwrap().unwrap().personal.unwrap();
    let personal: Object = serde_json::from_str(&personal.text).unwrap();
    let text = format!(
        r#"{{"action":"read","actor":"ai:a","context_hash":{},"policy_hash":{},"resource":null,"tool":null}}"#,
        personal.get("context_hash").unwrap().to_canonical(),
        data(&machine, entry).get("policy_hash").unwrap().to_canonical(),
    );
    let expect = ledger::hash::sha256(text.as_bytes());
    assert_eq!(shown(&machine, id, 10).action_digest, Some(expect));
}

#[test]
fn a_decision_has_so_many_escalations_and_no_more() {
    let mut machine = ready();
    let (decision, _) = decided(&mut machine, 10, None);
    let one_more = || create(decision, Trigger::ActorRequest, None);
    for _ in 0..1_000 {
        created(&mut machine, 20, one_more());
    }
    let why = Rejection::TooMany { things: "escalations of this decision", there: 1_000 };
    refused(&mut machine, MARIA, 30, one_more(), why.clone());
    let assess = |privacy| {
        Command::AssessRisk(Box::new(AssessRisk {
            decision,
            dimensions: RiskInput { privacy: Some(privacy), ..RiskInput::default() },
            likelihood: None,
            impact: None,
            mitigations: Vec::new(),
            supersedes: None,
            metadata: None,
        }))
    };
    refused(&mut machine, MARIA, 30, assess(80), why);
    recorded(&mut machine, 30, assess(79));
}

#[test]
fn commands_have_their_place_in_the_log() {
    let id = EscalationId(Ulid(2));
    let create = create(DecisionId(Ulid(1)), Trigger::ActorRequest, Some(Priority::Low));
    for command in [create, acknowledge(id), resolve(id, Resolution::Deferred)] {
        let bytes = encode_envelope(&envelope(command.clone(), 1)).unwrap();
        assert_eq!(decode_envelope(&bytes).unwrap().command, command);
    }
}
