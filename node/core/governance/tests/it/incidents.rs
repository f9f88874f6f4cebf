//! Serious incidents: which clock runs, from when, and what is frozen for the
//! investigation.

use crate::support::{Machine, SECOND, data, decided, erase, id, load, policy, recorded, refused};
use crate::systems::{new_incident, register, unfreeze};
use governance::command::{
    ApplyHold, Command, ErasedPart, HoldScope, IncidentCategory, RecordIncident,
};
use governance::view::{self, AiIncident, AiIncidentQuery};
use governance::{Direction, Outcome, Rejection};
use ledger::EntryType;
use types::{EntryId, IncidentId, Json, SystemId, Timestamp, Ulid};

const DAY: u64 = 24 * 3600 * SECOND;
const NOW: u64 = 100 * DAY;

fn recording(change: impl FnOnce(&mut RecordIncident)) -> Command {
    let mut incident = new_incident(IncidentCategory::HealthHarm, 50 * DAY);
    change(&mut incident);
    Command::RecordIncident(Box::new(incident))
}

fn shown(machine: &Machine, entry: EntryId) -> AiIncident {
    let id = id(&data(machine, entry), "incident_id");
    view::ai_incident(&machine.store, id, entry).unwrap().unwrap()
}

fn head(machine: &Machine) -> EntryId {
    EntryId(view::head(&machine.store).unwrap().size() - 1)
}

#[test]
fn the_shortest_clock_runs_from_whoever_knew_first() {
    use IncidentCategory::{Death, WidespreadInfringement};
    let check = |change: fn(&mut RecordIncident), days: u64, since: u64| {
        let mut machine = Machine::founded();
        let entry = recorded(machine.run(NOW, recording(change)));
        let incident = shown(&machine, entry);
        assert_eq!(incident.record.clock_days, days);
        assert_eq!(incident.record.report_due_at, Timestamp((since + days) * DAY));
        assert_eq!(data(&machine, entry).get("clock_days").and_then(Json::as_u64), Some(days));
    };
    check(|_| (), 15, 50);
    check(|it| it.other_categories = vec![Death], 10, 50);
    check(|it| it.other_categories = vec![Death, WidespreadInfringement], 2, 50);
    check(|it| it.provider_aware_at = Some(Timestamp(45 * DAY)), 15, 45);
    check(|it| it.deployer_aware_at = Some(Timestamp(40 * DAY)), 15, 40);
    check(|it| it.deployer_aware_at = Some(Timestamp(60 * DAY)), 15, 50);
    // A causal link is another matter: no clock waits for it, or begins with it.
    check(|it| it.causal_link_at = Some(Timestamp(70 * DAY)), 15, 50);
    check(|it| it.causal_link_at = Some(Timestamp(20 * DAY)), 15, 50);
}

#[test]
fn what_an_incident_is_told_of_is_shown_as_it_was_recorded() {
    let mut machine = Machine::founded();
    let system = recorded(machine.run(NOW, register("Triage")));
    let system: SystemId = id(&data(&machine, system), "system_id");
    let entry = recorded(machine.run(
        NOW,
        recording(|it| {
            it.system = Some(system);
            it.other_categories = vec![IncidentCategory::Death];
            it.provider_aware_at = Some(Timestamp(45 * DAY));
            it.deployer_aware_at = Some(Timestamp(40 * DAY));
            it.causal_link_at = Some(Timestamp(70 * DAY));
        }),
    ));
    let incident = shown(&machine, entry);
    assert_eq!(incident.system_id, Some(system.to_string()));
    assert_eq!(incident.other_categories, ["death"]);
    assert_eq!(incident.aware_at, Some(Timestamp(50 * DAY)));
    assert_eq!(incident.provider_aware_at, Some(Timestamp(45 * DAY)));
    assert_eq!(incident.deployer_aware_at, Some(Timestamp(40 * DAY)));
    assert_eq!(incident.causal_link_at, Some(Timestamp(70 * DAY)));
}

#[test]
fn an_incident_that_contradicts_itself_is_refused() {
    let mut machine = Machine::founded();
    let size = head(&machine);
    let later = Some(Timestamp(NOW + 1));
    let mut check = |member: &'static str, change: &dyn Fn(&mut RecordIncident)| {
        let why = refused(machine.run(NOW, recording(|it| change(it))));
        assert_eq!(why, Rejection::OutOfBounds { member });
    };
    check("provider_aware_at", &|it| it.provider_aware_at = later);
    check("deployer_aware_at", &|it| it.deployer_aware_at = later);
    check("causal_link_at", &|it| it.causal_link_at = later);
    check("occurred_at", &|it| {
        it.occurred_at = Some(Timestamp(46 * DAY));
        it.provider_aware_at = Some(Timestamp(45 * DAY));
    });
    check("other_categories", &|it| it.other_categories = vec![IncidentCategory::HealthHarm]);
    check("other_categories", &|it| it.other_categories = vec![IncidentCategory::Death; 2]);
    let unknown = SystemId(Ulid(7));
    let why = refused(machine.run(NOW, recording(|it| it.system = Some(unknown))));
    assert_eq!(why, Rejection::UnknownSystem { system: unknown });
    assert_eq!(head(&machine), size);
}

#[test]
fn an_incident_freezes_its_entry_and_those_of_its_decisions() {
    let mut machine = Machine::founded();
    machine.run(SECOND, load(policy()));
    let (first, second) =
        (decided(&mut machine, 2 * SECOND, "ai:a"), decided(&mut machine, 3 * SECOND, "ai:a"));
    let entry = recorded(machine.run(NOW, recording(|it| it.decisions = vec![second, first])));
    let hold = EntryId(entry.0 + 1);
    assert_eq!(head(&machine), hold);
    let stored = view::entry(&machine.store, hold).unwrap().unwrap();
    assert_eq!(stored.header.entry_type, EntryType::LegalHoldApplied);
    let (told, incident) = (data(&machine, hold), data(&machine, entry));
    assert_eq!(told.get("hold_id"), incident.get("hold_id"));
    let name = incident.get("incident_id").and_then(Json::as_str).unwrap();
    let reason = told.get("reason").and_then(Json::as_str).unwrap();
    assert!(reason.contains("73(6)") && reason.contains(name), "{reason}");
    let scope = told.get("scope").unwrap().to_canonical();
    assert_eq!(scope, format!(r#"{{"entry_ids":[2,3,{entry}],"kind":"entries"}}"#));
    for held in [EntryId(2), EntryId(3), entry] {
        let why = refused(machine.run(NOW + DAY, erase(ErasedPart::Personal, held)));
        assert_eq!(why, Rejection::UnderHold { entry: held });
    }
    unfreeze(&mut machine, NOW + DAY, entry);
    let outcome = machine.run(NOW + DAY, erase(ErasedPart::Personal, EntryId(2)));
    assert!(matches!(outcome, Outcome::Erased(_)), "{outcome:?}");
}

#[test]
fn an_incident_that_cannot_be_frozen_is_not_recorded() {
    let mut machine = Machine::founded();
    // The rest is left to those who must freeze something else.
    for _ in 0..500 {
        let (reason, scope) = ("litigation".to_owned(), HoldScope::Entries(vec![EntryId(0)]));
        let hold = ApplyHold { hold: None, reason, scope };
        recorded(machine.run(SECOND, Command::ApplyHold(Box::new(hold))));
    }
    let size = head(&machine);
    let why = refused(machine.run(NOW, recording(|_| ())));
    assert_eq!(why, Rejection::TooMany { things: "holds in force", there: 500 });
    assert_eq!(head(&machine), size);
}

#[test]
fn a_repeated_incident_is_frozen_once() {
    let mut machine = Machine::founded();
    let entry = recorded(machine.run_keyed(NOW, recording(|_| ()), "k", 1));
    let size = head(&machine);
    assert_eq!(machine.run_keyed(NOW, recording(|_| ()), "k", 1), Outcome::Replayed(entry));
    assert_eq!(head(&machine), size);
}

#[test]
fn incidents_come_in_pages_in_either_order() {
    let mut machine = Machine::founded();
    let ids: Vec<IncidentId> = (0..5)
        .map(|n| {
            let entry = recorded(machine.run(NOW + n * SECOND, recording(|_| ())));
            id(&data(&machine, entry), "incident_id")
        })
        .collect();
    let as_of = head(&machine);
    let all = |direction| {
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let query = AiIncidentQuery { status: None, after, direction, limit: 2, as_of };
            let page = view::ai_incidents(&machine.store, &query).unwrap();
            assert_eq!((page.total, page.total_exact), (5, true));
            seen.extend(page.incidents.iter().map(|incident| incident.id));
            after = page.next;
            if after.is_none() {
                return seen;
            }
        }
    };
    assert_eq!(all(Direction::Ascending), ids);
    let mut newest_first = ids;
    newest_first.reverse();
    assert_eq!(all(Direction::Descending), newest_first);
}
