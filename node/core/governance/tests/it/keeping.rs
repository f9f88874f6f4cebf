//! How far retention comes, from when on the time of what lives counts, and how
//! much one request looks at.

use crate::retention::{
    DAY, anonymize, done, head, hold, hold_named, ids, is_erased, of_actor, register, release,
    sweep,
};
use crate::support::{Machine, SECOND, data, decide, decided, id, load, policy, recorded, refused};
use crate::systems::{close, details, incident, report, unfreeze, update};
use governance::command::{
    ChangeUser, Command, CreateUser, EntryFilter, EntryRange, Erase, ErasedPart, ErasureCause,
    HoldScope, IncidentCategory, Principal, RegisterSystem, RetentionDays, RiskInput, UserChange,
};
use governance::retention::{self, Candidates, Step, Wanted};
use governance::view;
use governance::{Outcome, Rejection, Table};
use ledger::EntryType;
use types::{EntryId, IncidentId, Json, SystemId, Timestamp, UserId};

const HOUR: u64 = 3_600 * SECOND;

fn has_data(machine: &Machine, id: EntryId) -> bool {
    view::entry(&machine.store, id).unwrap().unwrap().data.is_some()
}

fn has_personal(machine: &Machine, id: EntryId) -> bool {
    view::entry(&machine.store, id).unwrap().unwrap().personal.is_some()
}

#[test]
fn a_round_ends_though_entries_come_all_the_time() {
    let mut machine = Machine::founded();
    machine.run(DAY, load(policy()));
    let hour = 100 * HOUR;
    for nth in 0..400 {
        decided(&mut machine, hour - 10 * SECOND + nth * SECOND / 20, "ai:a");
    }
    let due = 183 * DAY + hour;
    let mut steps = 0;
    for tick in 0..20 {
        let now = due + tick * SECOND / 2;
        let Step::Anonymize(command) = retention::step(&machine.store, Timestamp(now)).unwrap()
        else {
            break;
        };
        done(machine.run_by("n1", now, Command::Anonymize(command)));
        steps += 1;
    }
    // Nothing began the first round, so that it is over at once; the next one rests.
    assert_eq!(steps, 6, "both parts, the end of both, and both again");
    let record = retention::record(&machine.store).unwrap();
    assert!(EntryId(0) < record.personal_next && EntryId(0) < record.all_next, "{record:?}");
    assert!(!has_data(&machine, EntryId(2)));
    // The next round begins a day later, and looks at everything again.
    sweep(&mut machine, due + 25 * HOUR);
    let record = retention::record(&machine.store).unwrap();
    assert_eq!(record.all_began, Timestamp(due + 25 * HOUR));
    assert_eq!(record.personal_began, Timestamp(due + 25 * HOUR));
}

#[test]
fn what_is_of_high_risk_goes_at_its_time_where_the_rest_is_kept_longer() {
    let mut machine = Machine::founded();
    let days = RetentionDays { personal: 183, high_risk: 3_650, other: 4_000 };
    recorded(machine.run_by("n1", DAY, Command::SetRetention(days)));
    decided(&mut machine, DAY, "ai:a");
    let entry = head(&machine);
    sweep(&mut machine, 3_700 * DAY);
    assert!(!has_data(&machine, entry));
}

/// Registers a system that is retired, or will be.
fn registered(machine: &mut Machine, at: u64, retired: u64) -> (SystemId, EntryId) {
    let mut details = details(&format!("Triage {at}"));
    details.retired = Some(Timestamp(retired));
    let contact = Some(Json::object([("email", "ana@example.com".into())]));
    let register = Command::RegisterSystem(Box::new(RegisterSystem { details, contact }));
    let entry = recorded(machine.run(at, register));
    (id(&data(machine, entry), "system_id"), entry)
}

#[test]
fn a_system_that_is_to_be_retired_is_kept_as_one_in_use_until_then() {
    let mut machine = Machine::founded();
    let (system, entry) = registered(&mut machine, DAY, 400 * DAY);
    sweep(&mut machine, 399 * DAY);
    assert!(has_personal(&machine, entry));
    assert!(view::system(&machine.store, system).unwrap().is_some());
    sweep(&mut machine, 582 * DAY);
    assert!(has_personal(&machine, entry), "the time counts from the end");
    sweep(&mut machine, 584 * DAY);
    assert!(!has_data(&machine, entry));
    assert_eq!(view::system(&machine.store, system).unwrap(), None);
}

#[test]
fn a_system_that_was_retired_when_it_was_registered_goes_by_time_too() {
    let mut machine = Machine::founded();
    let (system, entry) = registered(&mut machine, 2 * DAY, DAY);
    sweep(&mut machine, 184 * DAY);
    assert!(has_data(&machine, entry));
    sweep(&mut machine, 186 * DAY);
    assert!(!has_data(&machine, entry));
    assert_eq!(view::system(&machine.store, system).unwrap(), None);
}

#[test]
fn what_a_hold_kept_of_a_system_or_an_incident_that_is_gone_goes_after_it() {
    let mut machine = Machine::founded();
    let (system, first) = registered(&mut machine, 2 * DAY, DAY);
    let last = recorded(machine.run(3 * DAY, update(system, |_| ())));
    let begun = recorded(machine.run(4 * DAY, incident(IncidentCategory::Death, DAY)));
    unfreeze(&mut machine, 4 * DAY, begun);
    let incident: IncidentId = id(&data(&machine, begun), "incident_id");
    let told = recorded(machine.run(5 * DAY, report(incident)));
    recorded(machine.run(6 * DAY, hold_named("h", ids(&[first.0, told.0]))));
    sweep(&mut machine, 4_000 * DAY);
    assert!(has_data(&machine, begun), "it is open");
    recorded(machine.run(4_000 * DAY, close(incident)));
    sweep(&mut machine, 7_700 * DAY);
    assert_eq!([last, begun].map(|id| has_data(&machine, id)), [false; 2]);
    assert_eq!([first, told].map(|id| has_data(&machine, id)), [true; 2]);
    recorded(machine.run(7_701 * DAY, release("h")));
    sweep(&mut machine, 7_800 * DAY);
    assert_eq!([first, told].map(|id| has_data(&machine, id)), [false; 2]);
}

#[test]
fn the_contact_of_a_system_in_use_and_the_words_of_an_open_incident_go_on_request() {
    let mut machine = Machine::founded();
    let (system, entry) = registered(&mut machine, 2 * DAY, 9_000 * DAY);
    let begun = recorded(machine.run(4 * DAY, incident(IncidentCategory::Death, DAY)));
    unfreeze(&mut machine, 4 * DAY, begun);
    let incident: IncidentId = id(&data(&machine, begun), "incident_id");
    let all = |machine: &Machine| [(0, head(machine).0)];
    for (subject, entry) in [(system.to_string(), entry), (incident.to_string(), begun)] {
        let found = candidates(&machine, Some(&subject), ErasedPart::Personal, 10);
        assert_eq!(found.ids, [entry]);
        // The rest is kept for the law, whatever somebody wants.
        let ranges = all(&machine);
        let run = done(machine.run(5 * DAY, anonymize(ErasedPart::All, Some(&subject), &ranges)));
        assert_eq!(run.counts.anonymized, 0);
        let wish = anonymize(ErasedPart::Personal, Some(&subject), &ranges);
        assert_eq!(done(machine.run(5 * DAY, wish)).counts.anonymized, 1);
        assert_eq!((has_personal(&machine, entry), has_data(&machine, entry)), (false, true));
    }
    assert_eq!(view::system(&machine.store, system).unwrap().unwrap().contact, None);
}

#[test]
fn what_goes_with_a_decision_whose_time_is_up_does_not_go_before_its_own() {
    let mut machine = Machine::founded();
    let decision = decided(&mut machine, DAY, "ai:a");
    recorded(machine.run(DAY, register(vec![decision], b"shown")));
    let chunks = |machine: &Machine| {
        machine.store.rows().filter(|(table, ..)| *table == Table::Chunk).count()
    };
    // Somebody asks for it, and of nobody: what is old enough is to go.
    let run = done(machine.run(200 * DAY, anonymize(ErasedPart::Personal, None, &[(1, 1)])));
    assert_eq!((run.counts.anonymized, chunks(&machine)), (1, 1));
}

#[test]
fn evidence_for_several_decisions_goes_with_the_last_of_them() {
    let mut machine = Machine::founded();
    let first = decided(&mut machine, DAY, "ai:a");
    let other = decided(&mut machine, DAY, "ai:b");
    recorded(machine.run(DAY, register(vec![first, other], b"of both")));
    let chunks = |machine: &Machine| {
        machine.store.rows().filter(|(table, ..)| *table == Table::Chunk).count()
    };
    done(machine.run(DAY + 1, anonymize(ErasedPart::Personal, Some("ai:a"), &[(1, 1)])));
    assert_eq!(chunks(&machine), 1);
    done(machine.run(DAY + 2, anonymize(ErasedPart::Personal, Some("ai:b"), &[(2, 2)])));
    assert_eq!(chunks(&machine), 0);
}

#[test]
fn nobody_hides_when_an_account_was_disabled() {
    let mut machine = Machine::founded();
    let create = Command::CreateUser(Box::new(CreateUser {
        username: "ana".to_owned(),
        email: "ana@example.org".to_owned(),
        full_name: None,
        role: governance::access::AccountRole::Viewer,
        oversight: Vec::new(),
        password_hash: "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g".to_owned(),
    }));
    let entry = recorded(machine.run_for(Principal::socket("n1"), DAY, create));
    let user: UserId = id(&data(&machine, entry), "actor");
    let disable = ChangeUser { user, change: UserChange::Disable, reason: "left".to_owned() };
    let disable = Command::ChangeUser(Box::new(disable));
    recorded(machine.run_for(Principal::socket("n1"), 300 * DAY, disable));
    for _ in 0..300 {
        decided(&mut machine, 301 * DAY, &user.to_string());
    }
    sweep(&mut machine, 310 * DAY);
    assert!(!is_erased(&machine, entry.0));
    sweep(&mut machine, 484 * DAY);
    assert!(is_erased(&machine, entry.0));
}

fn candidates(
    machine: &Machine,
    subject: Option<&str>,
    part: ErasedPart,
    looked_at_max: usize,
) -> Candidates {
    let now = Timestamp(200 * DAY);
    let wanted = Wanted { part, subject, before: None, now, ids_max: 1_000, looked_at_max };
    retention::candidates(&machine.store, &wanted).unwrap()
}

#[test]
fn a_request_says_what_it_did_not_look_at_and_what_is_gone_is_in_nobodys_way() {
    let mut machine = Machine::founded();
    for _ in 0..5 {
        decided(&mut machine, DAY, "ai:a");
    }
    for subject in [None, Some("ai:a")] {
        let found = candidates(&machine, subject, ErasedPart::Personal, 2);
        assert_eq!((found.ids.len(), found.not_looked_at), (2, 3), "{subject:?}");
    }
    for (range, left) in [((1, 2), 1), ((3, 4), 0)] {
        let erase = anonymize(ErasedPart::Personal, Some("ai:a"), &[range]);
        done(machine.run(2 * DAY, erase));
        for subject in [None, Some("ai:a")] {
            let found = candidates(&machine, subject, ErasedPart::Personal, 2);
            assert_eq!(found.ids.first(), Some(&EntryId(range.1 + 1)), "{subject:?}");
            assert_eq!(found.not_looked_at, left, "{subject:?}");
        }
    }
}

#[test]
fn what_is_too_young_is_counted_without_looking_at_it() {
    let mut machine = Machine::founded();
    machine.run(DAY, load(policy()));
    for nth in 0..2_100_u64 {
        decided(&mut machine, 100 * DAY, if nth % 3 == 0 { "ai:a" } else { "ai:b" });
    }
    for (part, from, to) in [
        (ErasedPart::Personal, 5, 900),
        (ErasedPart::All, 800, 1_500),
        (ErasedPart::All, 2_050, 2_060),
    ] {
        done(machine.run(101 * DAY, anonymize(part, Some("ai:a"), &[(from, to)])));
    }
    let entries = (0..=head(&machine).0).map(|id| view::entry(&machine.store, EntryId(id)));
    let entries: Vec<_> = entries.map(|entry| entry.unwrap().unwrap()).collect();
    let personal = entries.iter().filter(|entry| entry.personal.is_some()).count();
    let all = entries
        .iter()
        .filter(|entry| entry.data.is_some() && entry.header.entry_type.is_erasable());
    for (part, expect) in [(ErasedPart::Personal, personal), (ErasedPart::All, all.count())] {
        let found = candidates(&machine, None, part, 1_000_000);
        assert_eq!(found.counts.skipped_in_retention, expect as u64, "{part:?}");
        assert_eq!((found.ids.len(), found.not_looked_at), (0, 0));
    }
}

#[test]
fn a_hold_that_cannot_be_counted_to_the_end_is_applied_and_says_so() {
    let mut machine = Machine::founded();
    let scope = |actor: &str, entry_type| {
        let (actor, entry_type) = (Some(actor.to_owned()), Some(entry_type));
        HoldScope::Filter(EntryFilter { actor, entry_type, ..EntryFilter::default() })
    };
    let Command::Decide(mut risky) = decide("ai:a", "read") else { panic!("no decide") };
    risky.risk = Some(RiskInput { security: Some(80), ..RiskInput::default() });
    machine.run(DAY, Command::Decide(risky));
    decided(&mut machine, DAY, "ai:b");
    let other = EntryType::OidcLinked;
    for actor in ["ai:a", "ai:b"] {
        let refusal = refused(machine.run(DAY, hold(scope(actor, other))));
        assert_eq!(refusal, Rejection::HoldEmpty { member: "filter" }, "{actor}");
    }
    for _ in 0..1_000 {
        decided(&mut machine, DAY, "ai:a");
    }
    let told = |machine: &mut Machine, scope| {
        let told = recorded(machine.run(DAY, hold(scope)));
        let told = data(machine, told);
        let exact = told.get("records_affected_exact").unwrap().as_bool().unwrap();
        (told.get("records_affected").unwrap().as_u64().unwrap(), exact)
    };
    assert_eq!(told(&mut machine, scope("ai:a", other)), (0, false));
    assert_eq!(told(&mut machine, scope("ai:a", EntryType::Decision)), (1_000, false));
    assert_eq!(told(&mut machine, scope("ai:b", EntryType::Decision)), (1, true));
    assert_eq!(told(&mut machine, of_actor("ai:a")), (1_001, true));
}

#[test]
fn how_long_things_were_kept_is_known_of_any_entry_however_often_that_changed() {
    let mut machine = Machine::founded();
    let days = |other| RetentionDays { other, ..RetentionDays::DEFAULT };
    let set = |machine: &mut Machine, other| {
        recorded(machine.run_by("n1", DAY, Command::SetRetention(days(other))))
    };
    for nth in 0..1_100 {
        set(&mut machine, 184 + nth % 2);
    }
    let then = set(&mut machine, 300);
    set(&mut machine, 400);
    let standing = view::record_standing(&machine.store, then).unwrap();
    assert_eq!(standing.days, days(300));
}

#[test]
fn holds_are_told_as_they_stood() {
    let mut machine = Machine::founded();
    let first = recorded(machine.run(DAY, hold_named("a", ids(&[0]))));
    recorded(machine.run(DAY, hold_named("b", ids(&[0]))));
    recorded(machine.run(DAY, release("a")));
    let told = |as_of, is_active| {
        let query = view::HoldQuery { is_active, after: None, as_of, limit: 10 };
        let page = view::holds(&machine.store, &query).unwrap();
        let names: Vec<String> = page.holds.into_iter().map(|hold| hold.id).collect();
        (names.join(" "), page.count)
    };
    assert_eq!(told(first, None), ("a".to_owned(), 1));
    assert_eq!(told(first, Some(true)), ("a".to_owned(), 1));
    assert_eq!(told(first, Some(false)), (String::new(), 0));
    assert_eq!(told(head(&machine), Some(true)), ("b".to_owned(), 1));
    assert_eq!(told(head(&machine), Some(false)), ("a".to_owned(), 1));
}

fn erase(part: ErasedPart, cause: ErasureCause, from: u64, to: u64) -> Command {
    let ranges = vec![EntryRange { from: EntryId(from), to: EntryId(to) }];
    Command::Erase(Erase { part, ranges, cause })
}

#[test]
fn an_erasure_names_what_went_and_nothing_that_was_gone_before() {
    let mut machine = Machine::founded();
    for _ in 0..4 {
        decided(&mut machine, DAY, "ai:a");
    }
    let personal = |from, to| erase(ErasedPart::Personal, ErasureCause::Request, from, to);
    machine.run(DAY, personal(2, 2));
    let Outcome::Erased(erased) = machine.run(DAY, personal(1, 3)) else { panic!("not erased") };
    let told = data(&machine, erased.recorded.entry_id);
    let ranges = told.get("ranges").unwrap().to_canonical();
    assert_eq!(ranges, r#"[{"from":1,"to":1},{"from":3,"to":3}]"#);
    assert_eq!(told.get("count").unwrap().as_u64(), Some(2));
    assert_eq!(refused(machine.run(DAY, personal(1, 3))), Rejection::NothingToErase);
}

#[test]
fn evidence_is_not_erased_because_of_its_age_before_it_says_so() {
    let mut machine = Machine::founded();
    let decision = decided(&mut machine, DAY, "ai:a");
    let entry = recorded(machine.run(DAY, register(vec![decision], b"shown")));
    let by = |cause| erase(ErasedPart::All, cause, entry.0, entry.0);
    let refusal = refused(machine.run(300 * DAY, by(ErasureCause::Retention)));
    assert_eq!(refusal, Rejection::NotErasable { entry });
    let outcome = machine.run(402 * DAY, by(ErasureCause::Retention));
    assert!(matches!(outcome, Outcome::Erased(_)), "{outcome:?}");
}
