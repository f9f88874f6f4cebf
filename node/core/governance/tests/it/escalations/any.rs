//! Any log of escalations at all: the same bytes with and without a cache, rows
//! that agree with the records, lists that agree with looking at every record.

use governance::record::EscalationRecord;
use governance::{Cache, Table, effective};
use proptest::prelude::*;

use super::*;

/// One step; a number names one of what there is then.
#[derive(Clone, Debug)]
enum Step {
    Decide(Option<u8>),
    Create(usize, Priority),
    Acknowledge(usize),
    Resolve(usize, Resolution),
    Tick,
    Erase(u64, ErasedPart),
}

fn any_step() -> impl Strategy<Value = Step> {
    let nth = 0..12_usize;
    let priority = prop::sample::select(Priority::ALL.to_vec());
    let answer = prop::sample::select(Resolution::ALL.to_vec());
    let part = prop::sample::select(vec![ErasedPart::Personal, ErasedPart::All]);
    prop_oneof![
        3 => prop::option::of(70..90_u8).prop_map(Step::Decide),
        4 => (nth.clone(), priority).prop_map(|(nth, priority)| Step::Create(nth, priority)),
        2 => nth.clone().prop_map(Step::Acknowledge),
        2 => (nth, answer).prop_map(|(nth, answer)| Step::Resolve(nth, answer)),
        1 => Just(Step::Tick),
        2 => (1..30_u64, part).prop_map(|(entry, part)| Step::Erase(entry, part)),
    ]
}

fn ids(machine: &Machine, table: Table) -> Vec<Ulid> {
    let rows = machine.store.rows().filter(|(of, ..)| *of == table);
    rows.map(|(_, key, _)| Ulid(u128::from_be_bytes(key.try_into().unwrap()))).collect()
}

fn command(machine: &Machine, step: &Step) -> Command {
    let nth = |table, nth: usize| ids(machine, table).get(nth).copied().unwrap_or(Ulid(1));
    match step {
        Step::Decide(risk) => {
            let Command::Decide(mut asked) = decide("ai:a", "read") else { panic!("no decide") };
            asked.risk = risk.map(|it| RiskInput { security: Some(it), ..RiskInput::default() });
            Command::Decide(asked)
        }
        Step::Create(of, priority) => {
            let decision = DecisionId(nth(Table::Decision, *of));
            create(decision, Trigger::ActorRequest, Some(*priority))
        }
        Step::Acknowledge(of) => acknowledge(EscalationId(nth(Table::Escalation, *of))),
        Step::Resolve(of, answer) => resolve(EscalationId(nth(Table::Escalation, *of)), *answer),
        Step::Tick => Command::Tick,
        Step::Erase(entry, part) => erase(EntryId(*entry), *part),
    }
}

fn run(steps: &[(u64, Step)], has_cache: bool) -> Machine {
    let mut machine = ready();
    let mut at = 10;
    for (later, step) in steps {
        at += later * HOUR;
        let command = command(&machine, step);
        run_as(&mut machine, LEAD, at, command);
        if !has_cache {
            machine.cache = Cache::default();
        }
    }
    machine
}

/// Every record, by the entry that made the escalation.
fn records(machine: &Machine) -> Vec<(EscalationId, EscalationRecord)> {
    let decisions = ids(machine, Table::Decision).into_iter().map(DecisionId);
    let mut found: Vec<_> =
        decisions.flat_map(|id| effective::escalations(&machine.store, id).unwrap()).collect();
    found.sort_by_key(|(_, record)| record.entry_id);
    assert_eq!(found.len(), ids(machine, Table::Escalation).len());
    found
}

fn verify_rows(machine: &Machine) {
    let rows = |table| machine.store.rows().filter(|(of, ..)| *of == table).count();
    let records = records(machine);
    let count = |is: fn(&EscalationRecord) -> bool| records.iter().filter(|(_, it)| is(it)).count();
    assert_eq!(rows(Table::EscalationByState), count(|it| !it.is_erased()));
    assert_eq!(rows(Table::Deadline), count(|it| it.status.is_open()));
    let has_deadline =
        |it: &EscalationRecord| !it.is_erased() && it.status != EscalationStatus::Resolved;
    assert_eq!(rows(Table::EscalationByDeadline), count(has_deadline));
}

fn verify_lists(machine: &Machine, now: u64) {
    let records = records(machine);
    let there: Vec<_> = records.iter().filter(|(_, it)| !it.is_erased()).collect();
    let statuses = EscalationStatus::ALL.map(Some).into_iter().chain([None]);
    for status in statuses {
        for priority in Priority::ALL.map(Some).into_iter().chain([None]) {
            let is_asked = |it: &EscalationRecord| {
                status.is_none_or(|status| it.status(Timestamp(now)) == status)
                    && priority.is_none_or(|priority| it.priority == priority)
            };
            let expect: Vec<_> =
                there.iter().filter(|(_, it)| is_asked(it)).map(|(id, _)| *id).collect();
            let total = u64::try_from(expect.len()).unwrap();
            let query = EscalationQuery { status, priority, ..all(now) };
            assert_eq!(listed(machine, query), (expect, total), "{status:?} {priority:?} {now}");
        }
    }
    let mut late: Vec<_> = there
        .iter()
        .filter(|(_, it)| it.status(Timestamp(now)) == EscalationStatus::Expired)
        .map(|(id, it)| (it.deadline, it.entry_id, *id))
        .collect();
    late.sort_unstable();
    let found = view::violations(&machine.store, None, 100, Timestamp(now)).unwrap();
    let violations: Vec<_> = found.violations.iter().map(|it| it.id).collect();
    assert_eq!(violations, late.iter().map(|(.., id)| *id).collect::<Vec<_>>());
    assert_eq!(found.count, u64::try_from(late.len()).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_log_leaves_rows_and_lists_that_agree(
        steps in prop::collection::vec((0..6_u64, any_step()), 0..40),
    ) {
        let machine = run(&steps, true);
        prop_assert_eq!(&machine.store, &run(&steps, false).store);
        verify_rows(&machine);
        let end = view::head(&machine.store).unwrap().at.0;
        for later in [0, 3, 9, 30, 80] {
            verify_lists(&machine, end + later * HOUR);
        }
    }
}
