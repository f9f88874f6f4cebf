//! Interventions: what is recorded and refused, and what oversight comes to over
//! a span of time, before and after something is erased.

use crate::people::{key, new_key, of_key, socket, visitor};
use crate::support::{EXECUTIVE, Machine, decide, envelope, intervene, named};
use governance::access::{Denied, Permission};
use governance::command::{
    Command, EntryRange, Erase, ErasedPart, ErasureCause, HumanRole, Intervene, InterventionType,
    Principal, StopScope,
};
use governance::view::{AsOf, Effectiveness, Standing, as_of, effectiveness, intervention_entry};
use governance::{Outcome, Rejection, Table, decode_envelope, encode_envelope, intervention, view};
use ledger::EntryType;
use types::{DecisionId, Digest, EntryId, InterventionId, Json, Object, Timestamp, Ulid};

const DAY: u64 = 24 * 3600 * 1_000_000;

fn followed() -> Intervene {
    intervene(InterventionType::Approval, "pay", "pay")
}

fn overruled() -> Intervene {
    intervene(InterventionType::Override, "pay", "hold")
}

fn timed(intervene: Intervene, ms: u64) -> Intervene {
    Intervene { response_time_ms: Some(ms), ..intervene }
}

/// Records it as somebody who was authenticated.
fn record(machine: &mut Machine, at: u64, intervene: Intervene) -> EntryId {
    let visitor = visitor(machine, at);
    let outcome = machine.run_for(visitor, at, Command::Intervene(Box::new(intervene)));
    let Outcome::Recorded(recorded) = outcome else { panic!("{outcome:?}") };
    recorded.entry_id
}

#[track_caller]
fn refused(machine: &mut Machine, principal: Principal, intervene: Intervene, expect: Rejection) {
    let before = view::head(&machine.store).unwrap();
    let outcome = machine.run_for(principal, 900, Command::Intervene(Box::new(intervene)));
    assert_eq!(outcome, Outcome::Rejected(expect));
    assert_eq!(view::head(&machine.store).unwrap().state_digest, before.state_digest);
}

fn erase(machine: &mut Machine, part: ErasedPart, id: EntryId) {
    let ranges = vec![EntryRange { from: id, to: id }];
    let erase = Command::Erase(Erase { part, ranges, cause: ErasureCause::Request });
    assert!(matches!(machine.run(0, erase), Outcome::Erased(_)));
}

fn now(machine: &Machine, days: u32) -> Effectiveness {
    let last = as_of(&machine.store, AsOf::Head).unwrap().unwrap();
    effectiveness(&machine.store, last, days).unwrap()
}

/// Interventions, overrides, approvals, rate, average, least and greatest time.
type Figures = (u64, u64, u64, Option<u64>, Option<u64>, Option<(u64, u64)>);

fn figures(found: &Effectiveness) -> Figures {
    let rate = found.override_rate_percent();
    let (average, times) = (found.average_ms(), found.times_ms);
    (found.interventions, found.tally.overrides, found.tally.approvals, rate, average, times)
}

fn decided(machine: &mut Machine) -> DecisionId {
    let Outcome::Decided(decided) = machine.run(100, decide("ai:a", "read")) else { panic!() };
    let id = decided.data.as_object().unwrap().get("decision_id").and_then(Json::as_str);
    id.unwrap().parse().unwrap()
}

#[test]
fn an_intervention_is_one_entry_of_two_parts() {
    let mut machine = Machine::founded();
    let decision = decided(&mut machine);
    let mut context = Object::new();
    context.insert("invoice", Json::Null);
    let asked = Intervene {
        decision: Some(decision),
        request_context: Some(context),
        response_time_ms: Some(1500),
        display_digest: Some(Digest([0xab; 32])),
        ..overruled()
    };
    let outcome =
        machine.run_for(named("act_human_user:maria"), 200, Command::Intervene(Box::new(asked)));
    let Outcome::Recorded(recorded) = outcome else { panic!("{outcome:?}") };
    let entry = view::entry(&machine.store, recorded.entry_id).unwrap().unwrap();
    assert_eq!((entry.header.entry_type, entry.header.actor_seq), (EntryType::Intervention, 2));
    let data: Object = serde_json::from_str(&entry.data.unwrap().text).unwrap();
    let id = data.get("intervention_id").and_then(Json::as_str).unwrap();
    let digest = "ab".repeat(32);
    let expect = format!(
        r#"{{"actor":"ai:a","authn":"none","by":"act_human_user:maria","decision_id":"{decision}","display_digest":"{digest}","human_role":"risk_manager","intervention_id":"{id}","intervention_type":"override","response_time_ms":1500,"stop":null,"stop_id":null}}"#
    );
    assert_eq!(Json::Object(data.clone()).to_canonical(), expect);
    let personal = r#"{"ai_recommendation":{"decision":"pay"},"human_decision":{"decision":"hold"},"reason":"duplicate invoice","request_context":{"invoice":null}}"#;
    assert_eq!(entry.personal.unwrap().text, personal);
    let id: InterventionId = id.parse().unwrap();
    let found = intervention_entry(&machine.store, id).unwrap();
    assert_eq!(found, Some(recorded.entry_id));
    assert_eq!(intervention_entry(&machine.store, InterventionId(Ulid(1))).unwrap(), None);
}

#[test]
fn one_without_a_decision_is_about_nobody() {
    let mut machine = Machine::founded();
    let id = record(&mut machine, 100, followed());
    let entry = view::entry(&machine.store, id).unwrap().unwrap();
    assert_eq!(entry.header.actor_seq, 0);
    let data: Object = serde_json::from_str(&entry.data.unwrap().text).unwrap();
    assert_eq!(data.get("actor"), Some(&Json::Null));
}

#[test]
fn humans_intervene_and_nobody_else() {
    let mut machine = Machine::founded();
    let permissions = [Permission::ManageUsers];
    let program = key(&mut machine, 90, &socket(), new_key(1, &["*"], &permissions));
    let denied = Rejection::Denied(Denied::NotAuthorised);
    for other in [of_key(program), Principal::node("n1"), socket()] {
        refused(&mut machine, other, followed(), denied.clone());
    }
    for other in [named("ai:a"), named("maria")] {
        refused(&mut machine, other, followed(), Rejection::NotAuthorised);
    }
    let visitor = visitor(&mut machine, 900);
    for human in [Principal::nobody(), named("act_human_user:maria"), visitor] {
        let outcome = machine.run_for(human, 100, Command::Intervene(Box::new(followed())));
        assert!(matches!(outcome, Outcome::Recorded(_)), "{outcome:?}");
    }
}

#[test]
fn the_decision_must_be_there_and_whole() {
    let mut machine = Machine::founded();
    let decision = decided(&mut machine);
    let about = |decision| Intervene { decision: Some(decision), ..followed() };
    let unknown = about(DecisionId(Ulid(1)));
    let visitor = visitor(&mut machine, 900);
    refused(&mut machine, visitor.clone(), unknown, Rejection::UnknownDecision);
    erase(&mut machine, ErasedPart::All, EntryId(1));
    refused(&mut machine, visitor, about(decision), Rejection::DecisionErased);
}

#[test]
fn a_repeated_intervention_is_recorded_once() {
    let mut machine = Machine::founded();
    let command = || Command::Intervene(Box::new(followed()));
    assert!(matches!(machine.run_keyed(200, command(), "k", 1), Outcome::Recorded(_)));
    assert_eq!(machine.run_keyed(300, command(), "k", 1), Outcome::Replayed(EntryId(1)));
    let conflict = Rejection::IdempotencyConflict { key: "k".to_owned() };
    assert_eq!(machine.run_keyed(300, command(), "k", 2), Outcome::Rejected(conflict));
    assert_eq!(now(&machine, 1).interventions, 1);
}

#[test]
fn a_span_of_days_counts_what_is_in_it() {
    let mut machine = Machine::founded();
    record(&mut machine, DAY, timed(overruled(), 9_000));
    record(&mut machine, 2 * DAY, timed(followed(), 100));
    record(&mut machine, 3 * DAY, timed(overruled(), 201));
    record(&mut machine, 3 * DAY, followed());
    record(&mut machine, 3 * DAY, intervene(InterventionType::ManualReview, "", "hold"));
    let one = now(&machine, 1);
    assert_eq!(figures(&one), (4, 1, 2, Some(33), Some(150), Some((100, 201))));
    let all = now(&machine, 3650);
    assert_eq!(figures(&all), (5, 2, 2, Some(50), Some(3100), Some((100, 9_000))));
    assert_eq!((all.tally.by_type, all.tally.by_role), ([2, 2, 0, 0, 0, 1], [0, 0, 0, 5, 0, 0]));
    let earlier = |as_of| effectiveness(&machine.store, as_of, 1).unwrap();
    assert_eq!(figures(&earlier(EntryId(2))), (2, 1, 1, Some(50), Some(4550), Some((100, 9_000))));
    let genesis = earlier(EntryId(0));
    assert_eq!(figures(&genesis), (0, 0, 0, None, None, None));
}

#[test]
fn an_entry_or_a_time_says_up_to_where() {
    let mut machine = Machine::founded();
    record(&mut machine, 100, followed());
    record(&mut machine, 100, followed());
    for (asked, expect) in [
        (AsOf::Head, Some(2)),
        (AsOf::Entry(EntryId(1)), Some(1)),
        (AsOf::Entry(EntryId(3)), None),
        (AsOf::Time(Timestamp(0)), None),
        (AsOf::Time(Timestamp(99)), Some(0)),
        (AsOf::Time(Timestamp(100)), Some(2)),
        (AsOf::Time(Timestamp(u64::MAX)), Some(2)),
    ] {
        assert_eq!(as_of(&machine.store, asked).unwrap(), expect.map(EntryId), "{asked:?}");
    }
    assert_eq!(as_of(&Machine::default().store, AsOf::Head).unwrap(), None);
}

#[test]
fn agreement_is_told_only_where_both_say_something() {
    let mut machine = Machine::founded();
    for (proposed, decided) in [("pay", ""), (" ", "pay"), ("", "")] {
        record(&mut machine, 100, intervene(InterventionType::ManualReview, proposed, decided));
    }
    let mut silent = followed();
    silent.human_decision = Object::new();
    record(&mut machine, 100, silent);
    let found = now(&machine, 1);
    assert_eq!((found.tally.overrides, found.tally.approvals), (0, 0));
    assert_eq!(found.standing(), Standing::NeedsHumanEvidence);
    assert!(found.findings()[0].starts_with("4 interventions do not tell"), "{found:?}");
}

#[test]
fn what_is_erased_is_counted_no_more() {
    let mut machine = Machine::founded();
    for (n, intervene) in [overruled(), followed(), overruled(), followed()].into_iter().enumerate()
    {
        let ms = 100 * (u64::try_from(n).unwrap() + 1);
        record(&mut machine, 100, timed(intervene, ms));
    }
    erase(&mut machine, ErasedPart::Personal, EntryId(1));
    let found = now(&machine, 1);
    assert_eq!(figures(&found), (4, 1, 2, Some(33), Some(250), Some((100, 400))));
    erase(&mut machine, ErasedPart::All, EntryId(1));
    erase(&mut machine, ErasedPart::All, EntryId(4));
    let found = now(&machine, 1);
    assert_eq!(figures(&found), (4, 1, 1, Some(50), Some(250), Some((200, 300))));
    assert_eq!(found.tally.by_type.iter().sum::<u64>(), 2);
    assert!(found.findings().iter().any(|it| it.starts_with("2 interventions are erased")));
    for id in [2, 3] {
        erase(&mut machine, ErasedPart::All, EntryId(id));
    }
    let found = now(&machine, 1);
    assert_eq!((found.tally, found.times_ms), (governance::record::Tally::default(), None));
    let rows = |table| machine.store.rows().filter(|(of, ..)| *of == table).count();
    assert_eq!(rows(Table::InterventionTime), 0);
    record(&mut machine, 200, overruled());
    assert_eq!(now(&machine, 1).tally.overrides, 1);
}

#[test]
fn figures_are_evidence_as_far_as_they_go() {
    let mut machine = Machine::founded();
    let standing = |machine: &Machine| {
        let standing = now(machine, 1).standing();
        (standing.as_str(), standing.detail())
    };
    assert_eq!(standing(&machine), ("insufficient", "inconclusive"));
    record(&mut machine, 100, followed());
    let partial = ("partial", "system_evidence_present_human_evidence_missing");
    assert_eq!(standing(&machine), partial);
    assert!(
        now(&machine, 1)
            .findings()
            .contains(&"all 1 recommendations compared were followed".to_owned())
    );
    let outcome = machine.run_for(
        named(EXECUTIVE),
        200,
        Command::Intervene(Box::new(Intervene {
            stop: Some(StopScope::default()),
            ..intervene(InterventionType::EmergencyStop, "go", "stop")
        })),
    );
    assert!(matches!(outcome, Outcome::Recorded(_)), "{outcome:?}");
    assert_eq!(standing(&machine), ("insufficient", "failing"));
    let findings = now(&machine, 1).findings();
    assert!(findings[0].starts_with("1 interventions are by somebody"), "{findings:?}");
    record(&mut machine, 3 * DAY, overruled());
    assert_eq!(standing(&machine), partial);
}

#[test]
fn what_is_signed_names_the_intervention_and_its_entry() {
    let bytes = intervention::signed_bytes(InterventionId(Ulid(1)), Digest([0; 32]));
    let expect =
        format!("lexecon/intervention/v1\nint_00000000000000000000000001\n{}\n", "0".repeat(64));
    assert_eq!(bytes, expect.as_bytes());
}

#[test]
fn words_read_back_as_they_were_written() {
    for kind in InterventionType::ALL {
        assert_eq!(InterventionType::parse(kind.as_str()), Some(kind));
    }
    for role in HumanRole::ALL {
        assert_eq!(HumanRole::parse(role.as_str()), Some(role));
    }
    assert_eq!((InterventionType::parse("x"), HumanRole::parse("admin")), (None, None));
}

#[test]
fn the_command_has_its_place_in_the_log() {
    let command = Command::Intervene(Box::new(followed()));
    let bytes = encode_envelope(&envelope(command.clone(), 1)).unwrap();
    assert_eq!(decode_envelope(&bytes).unwrap().command, command);
}
