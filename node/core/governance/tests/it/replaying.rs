//! Decisions judged once more from their entries: the same, whatever happened
//! since; and what is said where too much is erased.

use crate::support::{Machine, decide, load, policy};
use governance::command::{Command, EntryRange, Erase, ErasedPart, ErasureCause};
use governance::decision::{Facts, Gap, Looked, RecordedHistory, recorded};
use governance::{MemStore, NoReplay, Outcome, Replay, Store, Table, Unreplayable, replay, view};
use policy::{History, ReasonCode, Verdict};
use types::{DecisionId, Json, Ulid};

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|err| panic!("{err}: {text}"))
}

/// Decides and gives the id.
fn decided(machine: &mut Machine, at: u64, command: Command) -> DecisionId {
    let Outcome::Decided(decided) = machine.run(at, command) else { panic!("not decided") };
    let id = decided.data.as_object().unwrap().get("decision_id").unwrap().as_str().unwrap();
    id.parse().unwrap()
}

fn erase(machine: &mut Machine, part: ErasedPart, id: DecisionId) {
    let id = view::decision_entry(&machine.store, id).unwrap().unwrap();
    let ranges = vec![EntryRange { from: id, to: id }];
    let erase = Erase { part, ranges, cause: ErasureCause::Request };
    assert!(matches!(machine.run(900, Command::Erase(erase)), Outcome::Erased(_)));
}

fn again(machine: &Machine, id: DecisionId) -> Replay {
    replay(&machine.store, id).unwrap().unwrap()
}

#[track_caller]
fn check_same(machine: &Machine, id: DecisionId, expect: (Verdict, ReasonCode)) {
    let again = again(machine, id);
    assert_eq!((again.recorded, again.replayed), (expect, Some(expect)));
    assert_eq!((again.is_identical, again.unreplayable), (Some(true), None), "{again:?}");
}

#[track_caller]
fn check_erased(machine: &Machine, id: DecisionId) {
    let again = again(machine, id);
    assert_eq!((again.replayed, again.is_identical), (None, None));
    assert_eq!((again.differences, again.unreplayable), (vec![], Some(Unreplayable::Erased)));
}

/// Writes another text in place of part of what an entry's data says.
fn tamper(machine: &mut Machine, id: DecisionId, from: &str, to: &str) {
    let id = view::decision_entry(&machine.store, id).unwrap().unwrap();
    let data = view::entry(&machine.store, id).unwrap().unwrap().data.unwrap();
    assert!(data.text.contains(from), "{from} in {}", data.text);
    let text = data.text.replace(from, to);
    let bytes = [&[1][..], &data.salt, text.as_bytes()].concat();
    machine.store.put(Table::Data, &id.key(), &bytes);
}

const ALLOWED: (Verdict, ReasonCode) = (Verdict::Allowed, ReasonCode::Permitted);
const NO_PERMIT: (Verdict, ReasonCode) = (Verdict::Denied, ReasonCode::NoPermit);
const CONFLICT: (Verdict, ReasonCode) = (Verdict::Denied, ReasonCode::Conflict);

/// Anyone may do anything, but not pay and approve the same thing.
fn duties() -> Json {
    json(
        r#"{"terms":[{"id":"action:pay","type":"action"},{"id":"action:approve","type":"action"}],
            "relations":[{"type":"permits","subject":"*","action":"*"},
                         {"type":"conflicts","source":"action:pay","target":"action:approve"}]}"#,
    )
}

#[test]
fn a_decision_comes_out_the_same_under_any_later_policy() {
    let mut machine = Machine::founded();
    let denied = decided(&mut machine, 100, decide("ai:a", "read"));
    machine.run(200, load(policy()));
    let allowed = decided(&mut machine, 300, decide("ai:a", "read"));
    machine.run(400, load(duties()));
    check_same(&machine, denied, NO_PERMIT);
    check_same(&machine, allowed, ALLOWED);
    let again = again(&machine, allowed);
    assert_eq!((again.decision_id, again.policy_version), (allowed, 1));
    let hash = view::policy(&machine.store, 1).unwrap().unwrap().policy_hash;
    assert_eq!((again.policy_hash, again.engine_version), (hash, 2));
}

#[test]
fn a_conflict_comes_out_the_same_whatever_the_actor_was_allowed_since() {
    let mut machine = Machine::founded();
    machine.run(100, load(duties()));
    let first = decided(&mut machine, 200, decide("ai:a", "pay"));
    let second = decided(&mut machine, 300, decide("ai:a", "approve"));
    decided(&mut machine, 400, decide("ai:a", "pay"));
    check_same(&machine, second, CONFLICT);
    check_same(&machine, first, ALLOWED);
    erase(&mut machine, ErasedPart::Personal, first);
    check_same(&machine, second, CONFLICT);
    erase(&mut machine, ErasedPart::All, first);
    check_erased(&machine, second);
}

#[test]
fn an_actor_who_was_allowed_too_much_is_denied_again() {
    let mut machine = Machine::founded();
    machine.run(100, load(duties()));
    let approve = |n: usize| {
        let Command::Decide(mut decide) = decide("ai:a", "approve") else { panic!("no decide") };
        decide.resource = Some(format!("invoice/{n}"));
        Command::Decide(decide)
    };
    for n in 0..=policy::PAIRS_MAX {
        machine.index.0 = 1_000 + u64::try_from(n).unwrap();
        decided(&mut machine, 200, approve(n));
    }
    let last = decided(&mut machine, 300, approve(7));
    check_same(&machine, last, CONFLICT);
    let recorded = recorded(&machine.store, last).unwrap().unwrap();
    assert_eq!(recorded.facts.looked, Looked::TooMany);
    // Something else decides, and the conflict is shown beside it.
    let Command::Decide(mut paranoid) = approve(7) else { panic!("no decide") };
    paranoid.policy_mode = Some(policy::Mode::Paranoid);
    let paranoid = decided(&mut machine, 400, Command::Decide(paranoid));
    check_same(&machine, paranoid, (Verdict::Denied, ReasonCode::Paranoid));
}

#[test]
fn risk_and_mode_are_taken_from_what_was_sent() {
    let mut machine = Machine::founded();
    machine.run(100, load(policy()));
    let Command::Decide(mut risky) = decide("ai:a", "read") else { panic!("no decide") };
    risky.risk_level = Some(5);
    let risky = decided(&mut machine, 200, Command::Decide(risky));
    check_same(&machine, risky, (Verdict::Escalated, ReasonCode::RiskCritical));
    let Command::Decide(mut tight) = decide("ai:a", "read") else { panic!("no decide") };
    tight.policy_mode = Some(policy::Mode::Paranoid);
    let tight = decided(&mut machine, 300, Command::Decide(tight));
    check_same(&machine, tight, (Verdict::Denied, ReasonCode::Paranoid));
}

#[test]
fn an_erased_context_matters_only_where_it_is_asked_for() {
    let mut machine = Machine::founded();
    machine.run(100, load(policy()));
    let asking = decided(&mut machine, 200, decide("ai:a", "read"));
    let not_asking = decided(&mut machine, 300, decide("ai:a", "write"));
    erase(&mut machine, ErasedPart::Personal, asking);
    erase(&mut machine, ErasedPart::Personal, not_asking);
    check_erased(&machine, asking);
    check_same(&machine, not_asking, NO_PERMIT);
}

#[test]
fn what_an_erased_context_would_show_is_not_compared() {
    let mut machine = Machine::founded();
    machine.run(
        100,
        load(json(
            r#"{"relations":[{"type":"permits","subject":"*","action":"*",
                "conditions":{"decision.tool":"ssh","purpose":"triage"}}]}"#,
        )),
    );
    let id = decided(&mut machine, 200, decide("ai:a", "read"));
    check_same(&machine, id, NO_PERMIT);
    erase(&mut machine, ErasedPart::Personal, id);
    check_same(&machine, id, NO_PERMIT);
}

#[test]
fn a_decision_that_is_gone_or_never_was_is_told_apart() {
    let mut machine = Machine::founded();
    let id = decided(&mut machine, 100, decide("ai:a", "read"));
    erase(&mut machine, ErasedPart::All, id);
    assert_eq!(replay(&machine.store, id).unwrap(), Err(NoReplay::Erased));
    let unknown = DecisionId(Ulid(7));
    assert_eq!(replay(&machine.store, unknown).unwrap(), Err(NoReplay::UnknownDecision));
}

#[test]
fn what_comes_out_different_is_named() {
    for (from, to, expect) in [
        (r#""outcome":"allowed""#, r#""outcome":"denied""#, "outcome"),
        (r#""reason_code":"permitted""#, r#""reason_code":"permissive_default""#, "reason_code"),
        (r#""reason":"a may read""#, r#""reason":"b may read""#, "reason"),
        (r#""applies":true"#, r#""applies":false"#, "matched"),
        (r#""obligations":[]"#, r#""obligations":[1]"#, "obligations"),
        (r#""policy_mode":"strict""#, r#""policy_mode":"paranoid""#, "policy_mode"),
        (r#""score":1}"#, r#""score":2}"#, "risk"),
    ] {
        let mut machine = Machine::founded();
        machine.run(100, load(policy()));
        let id = decided(&mut machine, 200, decide("ai:a", "read"));
        tamper(&mut machine, id, from, to);
        let again = again(&machine, id);
        assert_eq!((again.differences, again.is_identical), (vec![expect], Some(false)));
        assert_eq!(again.replayed, Some(ALLOWED));
    }
}

#[test]
fn an_entry_that_no_decision_makes_is_damage() {
    for (from, to) in [
        (r#""engine_version":2"#, r#""engine_version":99"#),
        (r#""policy_version":1"#, r#""policy_version":2"#),
        (r#""policy_version":1"#, r#""policy_version":0"#),
        (r#""outcome":"allowed""#, r#""outcome":"perhaps""#),
        (r#""conflicting_decision_ids":[]"#, r#""conflicting_decision_ids":["x"]"#),
        (r#"{"action""#, r#"["action""#),
    ] {
        let mut machine = Machine::founded();
        machine.run(100, load(policy()));
        let id = decided(&mut machine, 200, decide("ai:a", "read"));
        tamper(&mut machine, id, from, to);
        assert!(replay(&machine.store, id).is_err(), "{to}");
    }
}

#[test]
fn a_history_is_what_the_facts_name_and_nothing_else() {
    let store = MemStore::default();
    let of = |looked| {
        let facts = Facts { looked, ..Facts::default() };
        RecordedHistory { read: &store, facts: &facts }.allowed("ai:a", 7)
    };
    assert_eq!(of(Looked::Whole), Ok(Some(Vec::new())));
    assert_eq!(of(Looked::TooMany), Ok(None));
    assert_eq!(of(Looked::CutOff), Err(Gap::CutOff));
    let facts = Facts { conflicting: vec![DecisionId(Ulid(7))], ..Facts::default() };
    let unknown = RecordedHistory { read: &store, facts: &facts }.allowed("ai:a", 7);
    assert!(matches!(unknown, Err(Gap::Corrupt(_))), "{unknown:?}");
}
