//! Emergency stops: what they deny, for whom they are, and that what was denied
//! by one stays so.

use crate::people::visitor;
use crate::support::{
    EXECUTIVE, Machine, SECOND, decide, envelope, intervene, load, named, policy, stop,
};
use governance::access::Denied;
use governance::command::{
    Command, EntryRange, Erase, ErasedPart, ErasureCause, InterventionType, LiftStop, StopScope,
};
use governance::stop::{IN_FORCE_MAX, in_force};
use governance::{
    ImpactQuery, Inquiry, Outcome, PolicyCache, Rejection, Store, Table, decode_envelope,
    encode_envelope, explain, impact, preview, replay, view,
};
use policy::{Compiled, Document, ReasonCode, Verdict};
use types::{DecisionId, EntryId, Json, Object, StopId, Timestamp, Ulid};

fn data(machine: &Machine, id: EntryId) -> Object {
    let entry = view::entry(&machine.store, id).unwrap().unwrap();
    serde_json::from_str(&entry.data.unwrap().text).unwrap()
}

/// Sets a stop and gives its id.
fn set(machine: &mut Machine, actor: Option<&str>, action: Option<&str>) -> StopId {
    let outcome = machine.run_for(named(EXECUTIVE), 100, stop(actor, action));
    let Outcome::Recorded(recorded) = outcome else { panic!("{outcome:?}") };
    let data = data(machine, recorded.entry_id);
    data.get("stop_id").and_then(Json::as_str).unwrap().parse().unwrap()
}

fn lift(stop: StopId) -> Command {
    Command::LiftStop(LiftStop { stop, reason: "all clear".to_owned() })
}

/// Decides, and gives `data` of the entry.
fn decided(machine: &mut Machine, actor: &str, action: &str) -> Object {
    let Outcome::Decided(decided) = machine.run(200, decide(actor, action)) else { panic!() };
    decided.data.as_object().unwrap().clone()
}

fn word<'a>(data: &'a Object, name: &str) -> &'a str {
    data.get(name).and_then(Json::as_str).unwrap_or_default()
}

fn decision(data: &Object) -> DecisionId {
    word(data, "decision_id").parse().unwrap()
}

#[track_caller]
fn refused(machine: &mut Machine, as_whom: &str, command: Command, expect: Rejection) {
    let before = view::head(&machine.store).unwrap();
    assert_eq!(machine.run_for(named(as_whom), 900, command), Outcome::Rejected(expect));
    assert_eq!(view::head(&machine.store).unwrap().state_digest, before.state_digest);
}

fn machine() -> Machine {
    let mut machine = Machine::founded();
    machine.run(SECOND, load(policy()));
    machine
}

#[test]
fn a_stop_denies_what_the_policy_permits_until_it_is_lifted() {
    let mut machine = machine();
    let stop = set(&mut machine, Some("ai:*"), None);
    let denied = decided(&mut machine, "ai:a", "read");
    for (name, expect) in [
        ("outcome", "denied"),
        ("reason_code", "emergency_stop"),
        ("reason", "Emergency stop in force"),
        ("policy_mode", "strict"),
    ] {
        assert_eq!(word(&denied, name), expect);
    }
    let facts = format!(r#"{{"conflicting_decision_ids":[],"stop_id":"{stop}"}}"#);
    assert_eq!(denied.get("facts").unwrap().to_canonical(), facts);
    for name in ["matched", "obligations"] {
        assert_eq!(denied.get(name).unwrap().to_canonical(), "[]");
    }
    assert!(denied.get("token_id").unwrap().is_null());
    assert_eq!(word(&decided(&mut machine, "x", "read"), "reason_code"), "no_permit");
    let outcome = machine.run_for(named(EXECUTIVE), 300, lift(stop));
    let Outcome::Recorded(lifted) = outcome else { panic!("{outcome:?}") };
    let expect =
        format!(r#"{{"authn":"none","by":"{EXECUTIVE}","reason":"all clear","stop_id":"{stop}"}}"#);
    assert_eq!(Json::Object(data(&machine, lifted.entry_id)).to_canonical(), expect);
    assert_eq!(word(&decided(&mut machine, "ai:a", "read"), "outcome"), "allowed");
}

#[test]
fn the_risk_of_what_is_stopped_is_told_still() {
    let mut machine = machine();
    set(&mut machine, None, None);
    let Command::Decide(mut asked) = decide("ai:a", "read") else { panic!() };
    asked.risk_level = Some(5);
    let Outcome::Decided(decided) = machine.run(200, Command::Decide(asked)) else { panic!() };
    let data = decided.data.as_object().unwrap();
    assert_eq!(word(data, "reason_code"), "emergency_stop");
    let risk = data.get("risk").unwrap().to_canonical();
    assert_eq!(risk, r#"{"basis":"level","level":"critical","score":100}"#);
}

#[test]
fn the_oldest_stop_that_matches_is_named() {
    let mut machine = machine();
    let other = set(&mut machine, Some("x"), None);
    let first = set(&mut machine, None, Some("read"));
    let second = set(&mut machine, Some("ai:a"), Some("read"));
    let named_by = |machine: &Machine, actor, action| in_force(&machine.store, actor, action);
    assert_eq!(named_by(&machine, "ai:a", "read").unwrap(), Some(first.min(second)));
    assert_eq!(named_by(&machine, "x", "write").unwrap(), Some(other));
    assert_eq!(named_by(&machine, "ai:a", "write").unwrap(), None);
}

#[test]
fn only_an_oversight_role_stops_and_lifts() {
    let mut machine = machine();
    let stop_id = set(&mut machine, None, None);
    for who in ["", "ai:a", "act_human_user:maria", "act_human_user:executive_assistant"] {
        refused(&mut machine, who, stop(None, None), Rejection::NotAuthorised);
        refused(&mut machine, who, lift(stop_id), Rejection::NotAuthorised);
    }
    for role in ["executive", "governance_lead", "security_officer:sam"] {
        let who = named(&format!("act_human_user:{role}"));
        let outcome = machine.run_for(who.clone(), 100, stop(Some("x"), None));
        assert!(matches!(outcome, Outcome::Recorded(_)), "{outcome:?}");
    }
    let node = governance::command::Principal::node("n1");
    let outcome = machine.run_for(node, 100, stop(None, None));
    assert_eq!(outcome, Outcome::Rejected(Rejection::Denied(Denied::PermissionDenied)));
    let visitor = visitor(&mut machine, 100);
    let outcome = machine.run_for(visitor, 100, lift(stop_id));
    assert_eq!(outcome, Outcome::Rejected(Rejection::Denied(Denied::NotAuthorised)));
}

#[test]
fn a_stop_is_lifted_once_and_must_be_there() {
    let mut machine = machine();
    let stop = set(&mut machine, None, None);
    let unknown = StopId(Ulid(7));
    refused(&mut machine, EXECUTIVE, lift(unknown), Rejection::UnknownStop { stop: unknown });
    assert!(matches!(machine.run_for(named(EXECUTIVE), 300, lift(stop)), Outcome::Recorded(_)));
    refused(&mut machine, EXECUTIVE, lift(stop), Rejection::AlreadyLifted { stop });
    let known = governance::stop::stop(&machine.store, stop).unwrap().unwrap();
    assert_eq!((known.entry_id, known.lifted), (EntryId(2), Some(EntryId(3))));
}

#[test]
fn nothing_else_stops_anything() {
    let mut machine = machine();
    let mut other = intervene(InterventionType::Override, "pay", "hold");
    other.stop = Some(StopScope::default());
    let other = Command::Intervene(Box::new(other));
    refused(&mut machine, EXECUTIVE, other, Rejection::NoStop);
}

#[test]
fn there_is_an_end_to_stops_and_lifting_one_makes_room() {
    let mut machine = machine();
    let first = set(&mut machine, Some("x"), None);
    for n in 1..IN_FORCE_MAX {
        // Seeds repeat, and a time gives an id as much as they do.
        let at = 100 + u64::try_from(n).unwrap() * 1_000;
        let outcome = machine.run_for(named(EXECUTIVE), at, stop(Some("x"), None));
        assert!(matches!(outcome, Outcome::Recorded(_)), "{outcome:?}");
    }
    let full = Rejection::TooMany { things: "stops in force", there: IN_FORCE_MAX as u64 };
    refused(&mut machine, EXECUTIVE, stop(None, None), full);
    machine.run_for(named(EXECUTIVE), 900, lift(first));
    let outcome = machine.run_for(named(EXECUTIVE), 900, stop(None, None));
    assert!(matches!(outcome, Outcome::Recorded(_)), "{outcome:?}");
    assert_eq!(word(&decided(&mut machine, "ai:a", "read"), "reason_code"), "emergency_stop");
}

#[test]
fn before_its_feature_level_nothing_can_be_stopped() {
    let mut machine = machine();
    let cluster = view::cluster(&machine.store).unwrap().unwrap();
    let row = machine.store.rows().find(|(table, ..)| *table == Table::Cluster);
    let (key, mut value) = row.map(|(_, key, value)| (key.to_vec(), value.to_vec())).unwrap();
    let level = value.windows(4).rposition(|four| four == cluster.feature_level.to_be_bytes());
    value[level.unwrap() + 3] = 2;
    machine.store.put(Table::Cluster, &key, &value);
    machine.cache = governance::Cache::default();
    let low = Rejection::FeatureLevelTooLow { level: 2, needed: 3 };
    refused(&mut machine, EXECUTIVE, stop(None, None), low);
    assert_eq!(word(&decided(&mut machine, "ai:a", "read"), "outcome"), "allowed");
}

#[test]
fn a_stop_outlives_a_restart_and_its_entry_goes_once_it_is_lifted() {
    let mut machine = machine();
    let stop = set(&mut machine, Some("ai:a"), None);
    let ranges = vec![EntryRange { from: EntryId(2), to: EntryId(2) }];
    let erase = Erase { part: ErasedPart::All, ranges, cause: ErasureCause::Retention };
    let in_force = Outcome::Rejected(Rejection::NotErasable { entry: EntryId(2) });
    assert_eq!(machine.run(150, Command::Erase(erase.clone())), in_force);
    machine.cache = governance::Cache::default();
    assert_eq!(word(&decided(&mut machine, "ai:a", "read"), "reason_code"), "emergency_stop");
    machine.run_for(named(EXECUTIVE), 300, lift(stop));
    assert_eq!(word(&decided(&mut machine, "ai:a", "read"), "outcome"), "allowed");
    assert!(matches!(machine.run(400, Command::Erase(erase)), Outcome::Erased(_)));
    let rows = |table| machine.store.rows().filter(|(of, ..)| *of == table).count();
    assert_eq!((rows(Table::Stop), rows(Table::StopInForce)), (1, 0));
}

#[test]
fn what_was_stopped_replays_so_and_what_was_not_does_too() {
    let mut machine = machine();
    let before = decision(&decided(&mut machine, "ai:a", "read"));
    let stop = set(&mut machine, None, None);
    let stopped = decision(&decided(&mut machine, "ai:a", "read"));
    let again = |machine: &Machine, id| replay(&machine.store, id).unwrap().unwrap();
    for id in [before, stopped] {
        let again = again(&machine, id);
        assert_eq!((again.is_identical, again.replayed), (Some(true), Some(again.recorded)));
    }
    machine.run_for(named(EXECUTIVE), 300, lift(stop));
    let after = again(&machine, stopped);
    let expect = (Verdict::Denied, ReasonCode::EmergencyStop);
    assert_eq!((after.replayed, after.differences), (Some(expect), vec![]));
    let entry = view::decision_entry(&machine.store, stopped).unwrap().unwrap();
    let ranges = vec![EntryRange { from: entry, to: entry }];
    let erase = Erase { part: ErasedPart::Personal, ranges, cause: ErasureCause::Retention };
    machine.run(400, Command::Erase(erase));
    assert_eq!(again(&machine, stopped).is_identical, Some(true));
}

#[test]
fn a_candidate_policy_allows_nothing_that_was_stopped() {
    let mut machine = machine();
    let stop = set(&mut machine, None, None);
    decided(&mut machine, "ai:a", "write");
    machine.run_for(named(EXECUTIVE), 300, lift(stop));
    decided(&mut machine, "ai:a", "write");
    let anything =
        serde_json::from_str(r#"{"relations":[{"type":"permits","subject":"*","action":"*"}]}"#);
    let anything = Compiled::new(&Document::parse(&anything.unwrap()).unwrap().0).unwrap();
    let found = impact(&machine.store, &anything, &ImpactQuery::default(), &|| true).unwrap();
    assert_eq!((found.unchanged, found.denied_to_allowed.count), (1, 1));
}

#[test]
fn a_preview_and_an_explanation_heed_a_stop() {
    let mut machine = machine();
    let stop = set(&mut machine, Some("ai:a"), None);
    let stopped = decision(&decided(&mut machine, "ai:a", "read"));
    let Command::Decide(asked) = decide("ai:a", "read") else { panic!() };
    let (cache, at) = (PolicyCache::default(), Timestamp(2 * SECOND));
    let preview = || preview(&machine.store, &cache, at, &asked).unwrap().unwrap().data;
    assert_eq!(word(&preview(), "reason_code"), "emergency_stop");
    let facts = preview().get("facts").unwrap().to_canonical();
    assert!(facts.contains(&stop.to_string()), "{facts}");
    for inquiry in [Inquiry::Request(asked.clone()), Inquiry::Recorded(stopped)] {
        let explained = explain(&machine.store, &cache, at, &inquiry, None).unwrap().unwrap();
        let evaluation = &explained.explanation.evaluation;
        assert_eq!(evaluation.reason_code, ReasonCode::EmergencyStop);
        assert!(explained.explanation.near_misses.is_empty() && evaluation.matched.is_empty());
    }
    let Command::Decide(other) = decide("ai:b", "read") else { panic!() };
    let other = explain(&machine.store, &cache, at, &Inquiry::Request(other), None);
    let other = other.unwrap().unwrap().explanation.evaluation.reason_code;
    assert_eq!(other, ReasonCode::NoPermit);
}

#[test]
fn lifting_is_known_again_by_its_key() {
    let mut machine = machine();
    let stop = set(&mut machine, None, None);
    let mut keyed = envelope(lift(stop), 7);
    keyed.principal = named(EXECUTIVE);
    keyed.idempotency = Some(governance::command::Idempotency {
        scope: String::new(),
        key: "k".to_owned(),
        body_digest: types::Digest([1; 32]),
    });
    assert!(matches!(machine.apply(300, &keyed), Outcome::Recorded(_)));
    assert_eq!(machine.apply(400, &keyed), Outcome::Replayed(EntryId(3)));
    let bytes = encode_envelope(&keyed).unwrap();
    assert_eq!(decode_envelope(&bytes).unwrap(), keyed);
}
