//! AI systems, serious incidents and technical documentation: what is kept, what
//! is refused, what an erasure takes, and how it was at an earlier entry.

use crate::support::{Machine, SECOND, data, decided, id, load, policy, recorded, refused};
use governance::ai_incident::IncidentStatus;
use governance::command::{
    CloseIncident, Command, EntryRange, Erase, ErasedPart, ErasureCause, IncidentCategory,
    RecordIncident, RegisterSystem, ReleaseHold, ReportIncident, SystemDetails, SystemRole,
    SystemRoute, UpdateAnnexIv, UpdateSystem,
};
use governance::system::SystemStatus;
use governance::view::{self, AiIncidentQuery, SystemQuery};
use governance::{Direction, Outcome, Rejection};
use types::{DecisionId, EntryId, IncidentId, Json, SystemId, Timestamp, Ulid};

const DAY: u64 = 24 * 3600 * SECOND;

pub(crate) fn details(name: &str) -> SystemDetails {
    SystemDetails {
        name: name.to_owned(),
        intended_purpose: "Sorts claims.".to_owned(),
        role: SystemRole::Provider,
        risk_route: SystemRoute::AnnexIii,
        actor_patterns: vec!["ai:a".to_owned()],
        placed_on_market: Some(Timestamp(10 * SECOND)),
        put_into_service: None,
        retired: None,
        annex_viii: Some(serde_json::from_str(r#"{"trade_name":"Triage"}"#).unwrap()),
        metadata: None,
    }
}

fn contact(mail: &str) -> Json {
    Json::object([("email", mail.into())])
}

pub(crate) fn register(name: &str) -> Command {
    registering(details(name))
}

fn registering(details: SystemDetails) -> Command {
    let contact = Some(contact("ana@example.com"));
    Command::RegisterSystem(Box::new(RegisterSystem { details, contact }))
}

pub(crate) fn update(system: SystemId, change: impl FnOnce(&mut UpdateSystem)) -> Command {
    let mut update = UpdateSystem {
        system,
        name: None,
        intended_purpose: None,
        role: None,
        risk_route: None,
        actor_patterns: None,
        placed_on_market: None,
        put_into_service: None,
        retired: None,
        annex_viii: None,
        contact: None,
        metadata: None,
    };
    change(&mut update);
    Command::UpdateSystem(Box::new(update))
}

pub(crate) fn incident(category: IncidentCategory, aware_at: u64) -> Command {
    Command::RecordIncident(Box::new(new_incident(category, aware_at)))
}

pub(crate) fn new_incident(category: IncidentCategory, aware_at: u64) -> RecordIncident {
    RecordIncident {
        title: "Claims denied in a row".to_owned(),
        description: "All of one town.".to_owned(),
        category,
        other_categories: Vec::new(),
        aware_at: Timestamp(aware_at),
        provider_aware_at: None,
        deployer_aware_at: None,
        causal_link_at: None,
        occurred_at: None,
        system: None,
        decisions: Vec::new(),
    }
}

/// Releases the hold that an incident came with.
pub(crate) fn unfreeze(machine: &mut Machine, at: u64, incident: EntryId) {
    let hold = id(&data(machine, incident), "hold_id");
    let release = ReleaseHold { hold, reason: "the authority has seen it".to_owned() };
    recorded(machine.run(at, Command::ReleaseHold(release)));
}

pub(crate) fn report(incident: IncidentId) -> Command {
    let (authority, reference) = ("BNetzA".to_owned(), "2027/1".to_owned());
    Command::ReportIncident(Box::new(ReportIncident { incident, authority, reference }))
}

pub(crate) fn close(incident: IncidentId) -> Command {
    let notes = "Ana found the fault.".to_owned();
    Command::CloseIncident(Box::new(CloseIncident { incident, notes }))
}

pub(crate) fn section(system: Option<SystemId>, section: u8, content: &str) -> Command {
    let content = serde_json::from_str(content).unwrap();
    Command::UpdateAnnexIv(Box::new(UpdateAnnexIv { system, section, content }))
}

fn erase(id: EntryId, part: ErasedPart, cause: ErasureCause) -> Command {
    let ranges = vec![EntryRange { from: id, to: id }];
    Command::Erase(Erase { part, ranges, cause })
}

/// A machine with a system in use from 10 s on, registered at 20 s.
fn with_system() -> (Machine, SystemId, EntryId) {
    let mut machine = Machine::founded();
    let entry = recorded(machine.run(20 * SECOND, register("Triage")));
    let system = id(&data(&machine, entry), "system_id");
    (machine, system, entry)
}

fn contact_of(machine: &Machine, system: SystemId) -> Option<Json> {
    view::system(&machine.store, system).unwrap().unwrap().contact
}

fn page(machine: &Machine, status: Option<SystemStatus>, now: u64) -> Vec<String> {
    let query = SystemQuery {
        status,
        after: None,
        direction: Direction::Ascending,
        limit: 10,
        now: Timestamp(now),
        as_of: None,
    };
    let page = view::systems(&machine.store, &query).unwrap();
    page.systems.into_iter().map(|system| system.details.name).collect()
}

#[test]
fn a_system_is_kept_whole_and_its_contact_apart() {
    let (machine, system, entry) = with_system();
    let told = data(&machine, entry);
    for (name, value) in details("Triage").to_json().iter() {
        assert_eq!(told.get(name), Some(value), "{name}");
    }
    let stored = view::entry(&machine.store, entry).unwrap().unwrap();
    let personal = stored.personal.as_ref().unwrap();
    assert_eq!(personal.text, r#"{"contact":{"email":"ana@example.com"}}"#);
    assert!(!stored.data.as_ref().unwrap().text.contains("example.com"));
    let now = view::system(&machine.store, system).unwrap();
    assert_eq!(view::system_told(&stored).unwrap(), now);
    assert_eq!(now.unwrap().version, 1);
}

#[test]
fn a_name_is_that_of_one_system() {
    let (mut machine, system, _) = with_system();
    let again = refused(machine.run(30 * SECOND, register("tRiAgE")));
    assert_eq!(again, Rejection::SystemExists { system });
    let other = recorded(machine.run(30 * SECOND, register("Other")));
    let other: SystemId = id(&data(&machine, other), "system_id");
    let named = |name: &'static str| update(other, move |it| it.name = Some(name.to_owned()));
    assert_eq!(
        refused(machine.run(31 * SECOND, named("Triage"))),
        Rejection::SystemExists { system }
    );
    recorded(machine.run(32 * SECOND, named("OTHER")));
    recorded(machine.run(33 * SECOND, named("Third")));
    recorded(machine.run(34 * SECOND, register("other")));
}

#[test]
fn what_cannot_be_kept_of_a_system_is_refused() {
    let (mut machine, ..) = with_system();
    let mut check = |expect: &str, spoil: fn(&mut SystemDetails)| {
        let mut details = details("Next");
        spoil(&mut details);
        match refused(machine.run(30 * SECOND, registering(details))) {
            Rejection::OutOfBounds { member } => assert_eq!(member, expect),
            other => panic!("{other:?}"),
        }
    };
    check("name", |it| it.name = "a\u{7}b".to_owned());
    check("name", |it| it.name = "x".repeat(256));
    check("intended_purpose", |it| it.intended_purpose = " ".to_owned());
    check("actor_patterns", |it| it.actor_patterns = vec!["a*".to_owned()]);
    check("actor_patterns", |it| it.actor_patterns = vec!["a".to_owned(); 101]);
    check("retired", |it| it.retired = Some(Timestamp(9 * SECOND)));
    let unknown = SystemId(Ulid(7));
    let why = refused(machine.run(31 * SECOND, update(unknown, |_| ())));
    assert_eq!(why, Rejection::UnknownSystem { system: unknown });
}

#[test]
fn a_change_says_what_changed_and_the_past_stays() {
    let (mut machine, system, first) = with_system();
    let change = update(system, |it| {
        it.intended_purpose = Some("Sorts claims by urgency.".to_owned());
        it.annex_viii = details("x").annex_viii;
        it.contact = Some(contact("leo@example.com"));
    });
    let second = recorded(machine.run(30 * SECOND, change));
    let told = data(&machine, second);
    let changed = told.get("changed").unwrap().to_canonical();
    assert_eq!(changed, r#"["annex_viii","intended_purpose"]"#);
    assert_eq!(told.get("version").unwrap().as_u64(), Some(2));
    assert_eq!(told.get("name").unwrap().as_str(), Some("Triage"));
    let as_of = |entry| view::system_as_of(&machine.store, system, entry).unwrap().unwrap();
    assert_eq!(as_of(first).details.intended_purpose, "Sorts claims.");
    assert_eq!(as_of(first).contact, Some(contact("ana@example.com")));
    assert_eq!(as_of(second), view::system(&machine.store, system).unwrap().unwrap());
    assert_eq!(view::system_as_of(&machine.store, system, EntryId(0)).unwrap(), None);
}

#[test]
fn the_dates_of_a_system_say_how_it_stands() {
    let (mut machine, system, _) = with_system();
    let mut planned = details("Planned");
    planned.placed_on_market = None;
    recorded(machine.run(21 * SECOND, registering(planned)));
    recorded(
        machine.run(22 * SECOND, update(system, |it| it.retired = Some(Timestamp(50 * SECOND)))),
    );
    assert_eq!(page(&machine, None, 49 * SECOND), ["Triage", "Planned"]);
    assert_eq!(page(&machine, Some(SystemStatus::Planned), 49 * SECOND), ["Planned"]);
    assert_eq!(page(&machine, Some(SystemStatus::InUse), 9 * SECOND), [""; 0]);
    assert_eq!(page(&machine, Some(SystemStatus::InUse), 49 * SECOND), ["Triage"]);
    assert_eq!(page(&machine, Some(SystemStatus::Retired), 50 * SECOND), ["Triage"]);
}

#[test]
fn a_system_in_use_keeps_its_entries_but_for_a_contact_that_is_to_go() {
    let (mut machine, system, entry) = with_system();
    let held = Rejection::NotErasable { entry };
    let retention = erase(entry, ErasedPart::Personal, ErasureCause::Retention);
    assert_eq!(refused(machine.run(30 * SECOND, retention.clone())), held);
    for cause in [ErasureCause::Retention, ErasureCause::Request] {
        let all = erase(entry, ErasedPart::All, cause);
        assert_eq!(refused(machine.run(30 * SECOND, all)), held);
    }
    assert_eq!(contact_of(&machine, system), Some(contact("ana@example.com")));
    let wish = erase(entry, ErasedPart::Personal, ErasureCause::Request);
    assert!(matches!(machine.run(31 * SECOND, wish), Outcome::Erased(_)));
    assert_eq!(contact_of(&machine, system), None);
    // A later change does not bring it back.
    let later = recorded(machine.run(32 * SECOND, update(system, |_| ())));
    assert!(view::entry(&machine.store, later).unwrap().unwrap().personal.is_none());
}

#[test]
fn erasing_a_contact_that_was_replaced_leaves_the_one_in_force() {
    let (mut machine, system, entry) = with_system();
    let replaced = update(system, |it| {
        it.annex_viii = details("x").annex_viii;
        it.contact = Some(contact("leo@example.com"));
    });
    let second = recorded(machine.run(30 * SECOND, replaced));
    let third = recorded(machine.run(31 * SECOND, update(system, |_| ())));
    let wish = |entry| erase(entry, ErasedPart::Personal, ErasureCause::Request);
    machine.run(32 * SECOND, wish(entry));
    assert_eq!(contact_of(&machine, system), Some(contact("leo@example.com")));
    // Any entry that tells the contact in force takes it along.
    machine.run(33 * SECOND, wish(third));
    assert_eq!(contact_of(&machine, system), None);
    assert!(view::entry(&machine.store, second).unwrap().unwrap().personal.is_some());
}

#[test]
fn a_retired_system_goes_with_the_entry_that_says_how_it_is() {
    let (mut machine, system, first) = with_system();
    let retire = update(system, |it| it.retired = Some(Timestamp(40 * SECOND)));
    let last = recorded(machine.run(30 * SECOND, retire));
    let all = |entry| erase(entry, ErasedPart::All, ErasureCause::Retention);
    assert_eq!(
        refused(machine.run(39 * SECOND, all(first))),
        Rejection::NotErasable { entry: first }
    );
    assert!(matches!(machine.run(40 * SECOND, all(first)), Outcome::Erased(_)));
    assert!(view::system(&machine.store, system).unwrap().is_some());
    assert!(view::system_as_of(&machine.store, system, first).unwrap().is_none());
    assert!(matches!(machine.run(41 * SECOND, all(last)), Outcome::Erased(_)));
    assert_eq!(view::system(&machine.store, system).unwrap(), None);
    assert_eq!(view::system_by_name(&machine.store, "triage").unwrap(), None);
    recorded(machine.run(42 * SECOND, register("Triage")));
}

#[test]
fn an_older_version_that_was_kept_is_not_how_a_system_is() {
    let (mut machine, system, first) = with_system();
    let retire = update(system, |it| it.retired = Some(Timestamp(30 * SECOND)));
    let last = recorded(machine.run(30 * SECOND, retire));
    let all = erase(last, ErasedPart::All, ErasureCause::Retention);
    assert!(matches!(machine.run(40 * SECOND, all), Outcome::Erased(_)));
    assert_eq!(view::system_as_of(&machine.store, system, EntryId(99)).unwrap(), None);
    let before = view::system_as_of(&machine.store, system, first).unwrap().unwrap();
    assert_eq!(before.entry_id, first);
}

#[test]
fn an_older_version_that_was_kept_is_not_what_a_section_says() {
    let (mut machine, system, _) = with_system();
    let write = |text: &str| section(Some(system), 3, text);
    let old = recorded(machine.run(30 * SECOND, write(r#"{"text":"old"}"#)));
    let new = recorded(machine.run(31 * SECOND, write(r#"{"text":"new"}"#)));
    recorded(
        machine.run(32 * SECOND, update(system, |it| it.retired = Some(Timestamp(30 * SECOND)))),
    );
    let all = erase(new, ErasedPart::All, ErasureCause::Retention);
    assert!(matches!(machine.run(40 * SECOND, all), Outcome::Erased(_)));
    let third = |as_of| view::annex_iv(&machine.store, Some(system), as_of).unwrap()[2].clone();
    assert_eq!(third(EntryId(99)).written, None);
    assert_eq!(third(old).written.unwrap().entry_id, old);
}

#[test]
fn the_decisions_of_a_system_are_those_of_its_actors() {
    let mut machine = Machine::founded();
    machine.run(SECOND, load(policy()));
    for actor in ["ai:a", "ai:a", "ai:b", "ai:b:c", "bot"] {
        decided(&mut machine, 2 * SECOND, actor);
    }
    let count = |patterns: &[&str], as_of| {
        let patterns: Vec<String> = patterns.iter().map(|&it| it.to_owned()).collect();
        view::decisions_of(&machine.store, &patterns, EntryId(as_of), 100).unwrap()
    };
    assert_eq!(count(&["ai:a"], 99), (2, true));
    assert_eq!(count(&["actor:ai:*", "ai:a"], 99), (4, true));
    assert_eq!(count(&["ai:b:*"], 99), (1, true));
    assert_eq!(count(&["*"], 99), (5, true));
    assert_eq!(count(&["*"], 3), (2, true));
    assert_eq!(count(&[], 99), (0, true));
}

#[test]
fn what_is_decided_later_takes_nothing_from_what_is_counted() {
    let mut machine = Machine::founded();
    machine.run(SECOND, load(policy()));
    for actor in ["ai:b", "ai:b"] {
        decided(&mut machine, 2 * SECOND, actor);
    }
    let as_of = EntryId(view::head(&machine.store).unwrap().size() - 1);
    for actor in ["ai:a", "ai:a", "ai:a", "ai:b", "ai:c"] {
        decided(&mut machine, 3 * SECOND, actor);
    }
    let count = |pattern: &str, count_max| {
        view::decisions_of(&machine.store, &[pattern.to_owned()], as_of, count_max).unwrap()
    };
    for pattern in ["ai:b", "ai:*", "*"] {
        assert_eq!(count(pattern, 2), (2, true), "{pattern}");
        assert_eq!(count(pattern, 1), (1, false), "{pattern}");
    }
    assert_eq!(count("ai:a", 0), (0, true));
}

#[test]
fn the_clock_of_an_incident_runs_from_when_it_was_known() {
    use IncidentCategory::{
        CriticalInfrastructure, Death, FundamentalRights, HealthHarm, PropertyOrEnvironment,
        WidespreadInfringement,
    };
    let mut machine = Machine::founded();
    for (category, days) in [
        (CriticalInfrastructure, 2),
        (WidespreadInfringement, 2),
        (Death, 10),
        (HealthHarm, 15),
        (FundamentalRights, 15),
        (PropertyOrEnvironment, 15),
    ] {
        let entry = recorded(machine.run(DAY, incident(category, SECOND)));
        let told = data(&machine, entry);
        assert_eq!(told.get("clock_days").unwrap().as_u64(), Some(days), "{category:?}");
        let incident = view::ai_incident(&machine.store, id(&told, "incident_id"), entry);
        let incident = incident.unwrap().unwrap();
        let due = SECOND + days * DAY;
        assert_eq!(incident.record.report_due_at, Timestamp(due), "{category:?}");
        assert!(!incident.is_overdue(Timestamp(due)) && incident.is_overdue(Timestamp(due + 1)));
    }
}

#[test]
fn an_incident_that_cannot_have_happened_so_is_refused() {
    let mut machine = Machine::founded();
    let beyond = |member| Rejection::OutOfBounds { member };
    let future = incident(IncidentCategory::Death, 3 * SECOND + 1);
    assert_eq!(refused(machine.run(3 * SECOND, future)), beyond("aware_at"));
    let Command::RecordIncident(known) = incident(IncidentCategory::Death, SECOND) else {
        panic!()
    };
    let mut later = known.clone();
    later.occurred_at = Some(Timestamp(2 * SECOND));
    let later = Command::RecordIncident(later);
    assert_eq!(refused(machine.run(3 * SECOND, later)), beyond("occurred_at"));
    let mut about = known;
    about.decisions = vec![DecisionId(Ulid(7))];
    let about = Command::RecordIncident(about);
    assert_eq!(refused(machine.run(3 * SECOND, about)), Rejection::UnknownDecision);
}

#[test]
fn an_incident_is_reported_once_and_closed_once() {
    let mut machine = Machine::founded();
    let unknown = IncidentId(Ulid(7));
    for command in [report(unknown), close(unknown)] {
        let why = refused(machine.run(SECOND, command));
        assert_eq!(why, Rejection::UnknownIncident { incident: unknown });
    }
    let first = recorded(machine.run(DAY, incident(IncidentCategory::Death, SECOND)));
    let incident: IncidentId = id(&data(&machine, first), "incident_id");
    let reported = recorded(machine.run(DAY, report(incident)));
    assert_eq!(
        refused(machine.run(DAY, report(incident))),
        Rejection::IncidentReported { incident }
    );
    let closed = recorded(machine.run(DAY, close(incident)));
    for command in [report(incident), close(incident)] {
        assert_eq!(refused(machine.run(DAY, command)), Rejection::IncidentClosed { incident });
    }
    let at = |entry| view::ai_incident(&machine.store, incident, entry).unwrap();
    assert_eq!(at(EntryId(0)), None);
    assert_eq!(at(first).unwrap().status, IncidentStatus::Open);
    assert!(at(first).unwrap().is_overdue(Timestamp(20 * DAY)));
    assert_eq!(at(reported).unwrap().status, IncidentStatus::Reported);
    assert!(!at(reported).unwrap().is_overdue(Timestamp(20 * DAY)));
    let last = at(closed).unwrap();
    assert_eq!(last.status, IncidentStatus::Closed);
    assert_eq!(last.report.unwrap().text("authority"), Some("BNetzA"));
    assert_eq!(last.closing.unwrap().text("notes"), Some("Ana found the fault."));
    let listed = |status, as_of| {
        let direction = Direction::Ascending;
        let query = AiIncidentQuery { status, after: None, direction, limit: 10, as_of };
        view::ai_incidents(&machine.store, &query).unwrap().total
    };
    assert_eq!(listed(Some(IncidentStatus::Open), first), 1);
    assert_eq!(listed(Some(IncidentStatus::Open), closed), 0);
    assert_eq!(listed(Some(IncidentStatus::Closed), closed), 1);
    assert_eq!(listed(None, EntryId(0)), 0);
}

#[test]
fn an_incident_keeps_its_texts_until_it_is_over_or_somebody_asks() {
    let mut machine = Machine::founded();
    let first = recorded(machine.run(DAY, incident(IncidentCategory::Death, SECOND)));
    let incident: IncidentId = id(&data(&machine, first), "incident_id");
    unfreeze(&mut machine, DAY, first);
    let retention = |part| erase(first, part, ErasureCause::Retention);
    let held = Rejection::NotErasable { entry: first };
    assert_eq!(refused(machine.run(DAY, retention(ErasedPart::Personal))), held);
    let wish = erase(first, ErasedPart::Personal, ErasureCause::Request);
    assert!(matches!(machine.run(DAY, wish), Outcome::Erased(_)));
    let found = view::ai_incident(&machine.store, incident, EntryId(99)).unwrap().unwrap();
    assert_eq!((found.title, found.description), (None, None));
    assert_eq!(refused(machine.run(DAY, retention(ErasedPart::All))), held);
    recorded(machine.run(DAY, close(incident)));
    assert!(matches!(machine.run(DAY, retention(ErasedPart::All)), Outcome::Erased(_)));
    assert_eq!(view::ai_incident(&machine.store, incident, EntryId(99)).unwrap(), None);
}

#[test]
fn a_section_is_replaced_whole_and_was_what_it_was() {
    let (mut machine, system, _) = with_system();
    let first = recorded(machine.run(30 * SECOND, section(Some(system), 2, r#"{"a":"x"}"#)));
    let second = recorded(machine.run(31 * SECOND, section(Some(system), 2, r#"{"b":{"c":[1]}}"#)));
    let at = |system, entry| {
        let sections = view::annex_iv(&machine.store, system, entry).unwrap();
        assert_eq!(sections.len(), 9);
        sections[1].clone()
    };
    assert_eq!(at(Some(system), EntryId(0)).written, None);
    assert_eq!(at(None, second).written, None);
    assert!(!at(Some(system), first).missing().contains(&"a"));
    let section = at(Some(system), second);
    assert_eq!(section.missing(), ["a", "c", "d", "e", "f", "g", "h"]);
    assert_eq!(section.status(), "partial");
    let told = data(&machine, second);
    let digest = told.get("content_digest").unwrap().as_str().unwrap().to_owned();
    assert_eq!(section.written.unwrap().digest.to_string(), digest);
}

#[test]
fn a_section_that_annex_iv_does_not_have_is_refused() {
    let (mut machine, ..) = with_system();
    let beyond = |member| Rejection::OutOfBounds { member };
    for number in [0, 10] {
        let why = refused(machine.run(30 * SECOND, section(None, number, "{}")));
        assert_eq!(why, beyond("section"));
    }
    let why = refused(machine.run(30 * SECOND, section(None, 3, r#"{"a":"x"}"#)));
    assert_eq!(why, beyond("content"));
    let unknown = SystemId(Ulid(7));
    let why = refused(machine.run(30 * SECOND, section(Some(unknown), 3, "{}")));
    assert_eq!(why, Rejection::UnknownSystem { system: unknown });
}

#[test]
fn the_newest_version_of_a_section_stays_while_its_system_is_not_retired() {
    let (mut machine, system, _) = with_system();
    let write = |of| section(of, 3, r#"{"text":"x"}"#);
    let all = |entry| erase(entry, ErasedPart::All, ErasureCause::Retention);
    let old = recorded(machine.run(30 * SECOND, write(Some(system))));
    let new = recorded(machine.run(31 * SECOND, write(Some(system))));
    let only = recorded(machine.run(32 * SECOND, write(None)));
    assert!(matches!(machine.run(33 * SECOND, all(old)), Outcome::Erased(_)));
    for entry in [new, only] {
        let why = refused(machine.run(33 * SECOND, all(entry)));
        assert_eq!(why, Rejection::NotErasable { entry });
    }
    machine.run(34 * SECOND, update(system, |it| it.retired = Some(Timestamp(30 * SECOND))));
    assert!(matches!(machine.run(35 * SECOND, all(new)), Outcome::Erased(_)));
    let sections = view::annex_iv(&machine.store, Some(system), EntryId(99)).unwrap();
    assert_eq!(sections[2].written, None);
}

#[test]
fn a_repeated_request_changes_nothing() {
    let mut machine = Machine::founded();
    let first = machine.run_keyed(20 * SECOND, register("Triage"), "k", 1);
    let entry = recorded(first);
    let again = machine.run_keyed(21 * SECOND, register("Triage"), "k", 1);
    assert_eq!(again, Outcome::Replayed(entry));
}
