//! Assessments of risk: what is recorded, what is refused, how they are listed,
//! and what an erasure leaves.

use crate::support::{Machine, decide, envelope};
use governance::command::{
    AssessRisk, Command, EntryRange, Erase, ErasedPart, ErasureCause, RiskInput,
};
use governance::record::ClusterRecord;
use governance::view::{Absent, RiskPlace, RiskQuery};
use governance::{Outcome, Rejection, Store, Table, decode_envelope, encode_envelope, view};
use ledger::EntryType;
use types::{DecisionId, EntryId, Json, Object, RiskId, Ulid};

fn asking(risk: Option<RiskInput>, level: Option<u8>) -> Command {
    let Command::Decide(mut decide) = decide("ai:a", "read") else { panic!("no decide") };
    (decide.risk, decide.risk_level) = (risk, level);
    Command::Decide(decide)
}

fn security(security: u8) -> RiskInput {
    RiskInput { security: Some(security), ..RiskInput::default() }
}

/// Decides, and says which decision and which risk that made.
fn decided(machine: &mut Machine, command: Command) -> (DecisionId, Option<RiskId>) {
    let Outcome::Decided(decided) = machine.run(100, command) else { panic!("not decided") };
    let id = |name: &str| decided.data.as_object().unwrap().get(name).and_then(Json::as_str);
    (id("decision_id").unwrap().parse().unwrap(), id("risk_id").map(|id| id.parse().unwrap()))
}

fn assess(decision: DecisionId, dimensions: RiskInput, supersedes: Option<RiskId>) -> Command {
    Command::AssessRisk(Box::new(AssessRisk {
        decision,
        dimensions,
        likelihood: Some(30),
        impact: Some(4),
        mitigations: vec!["four eyes".to_owned()],
        supersedes,
        metadata: None,
    }))
}

/// Assesses, and says which risk that made.
fn assessed(machine: &mut Machine, command: Command) -> RiskId {
    let Outcome::Recorded(recorded) = machine.run(200, command) else { panic!("not recorded") };
    let data = data(machine, recorded.entry_id);
    data.get("risk_id").and_then(Json::as_str).unwrap().parse().unwrap()
}

fn data(machine: &Machine, id: EntryId) -> Object {
    let entry = view::entry(&machine.store, id).unwrap().unwrap();
    serde_json::from_str(&entry.data.unwrap().text).unwrap()
}

#[track_caller]
fn refused(machine: &mut Machine, command: Command, expect: Rejection) {
    let before = view::head(&machine.store).unwrap();
    assert_eq!(machine.run(900, command), Outcome::Rejected(expect));
    assert_eq!(view::head(&machine.store).unwrap().state_digest, before.state_digest);
}

/// Scores and versions of a page.
fn listed(machine: &Machine, query: RiskQuery) -> (Vec<(u32, u64)>, Option<RiskPlace>, u64) {
    let page = view::risks(&machine.store, &query).unwrap();
    assert!(page.total_exact);
    (page.risks.iter().map(|risk| (risk.score, risk.version)).collect(), page.next, page.total)
}

fn all() -> RiskQuery {
    RiskQuery { scores: 1..=100, after: None, limit: 100 }
}

fn erase(part: ErasedPart, id: u64) -> Command {
    let ranges = vec![EntryRange { from: EntryId(id), to: EntryId(id) }];
    Command::Erase(Erase { part, ranges, cause: ErasureCause::Request })
}

#[test]
fn a_decision_that_tells_its_risk_keeps_it_in_its_own_entry() {
    for (risk, level, score) in [
        (Some(security(40)), None, 40),
        (None, Some(2), 40),
        (Some(security(40)), Some(3), 60),
        (Some(RiskInput::default()), None, 1),
    ] {
        let mut machine = Machine::founded();
        let (decision, id) = decided(&mut machine, asking(risk, level));
        let known = view::risk(&machine.store, id.unwrap()).unwrap().unwrap();
        assert_eq!((known.decision, known.version, known.score), (decision, 1, score));
        assert_eq!((known.entry_id, known.supersedes), (EntryId(1), None));
        assert_eq!(known.dimensions, risk.unwrap_or_default());
        assert_eq!(view::head(&machine.store).unwrap().size(), 2);
    }
}

#[test]
fn a_decision_that_tells_none_keeps_none() {
    let mut machine = Machine::founded();
    let (decision, id) = decided(&mut machine, asking(None, None));
    assert_eq!(id, None);
    assert_eq!(view::risk_ids(&machine.store, decision).unwrap(), []);
    assert_eq!(listed(&machine, all()), (vec![], None, 0));
}

#[test]
fn below_the_feature_level_a_decision_keeps_no_risk_and_asks_nobody() {
    let mut machine = Machine::founded();
    let cluster = view::cluster(&machine.store).unwrap().unwrap();
    let older = ClusterRecord { feature_level: 2, ..cluster.clone() };
    // As a cluster of the release before has it: only the level differs.
    let row = machine.store.rows().find(|(table, ..)| *table == Table::Cluster);
    let (key, mut value) = row.map(|(_, key, value)| (key.to_vec(), value.to_vec())).unwrap();
    let level = value.windows(4).rposition(|four| four == cluster.feature_level.to_be_bytes());
    value[level.unwrap() + 3] = 2;
    machine.store.put(Table::Cluster, &key, &value);
    machine.cache = governance::Cache::default();
    assert_eq!(view::cluster(&machine.store).unwrap().unwrap(), older);
    let (decision, id) = decided(&mut machine, asking(Some(security(90)), None));
    assert_eq!((id, view::risk_ids(&machine.store, decision).unwrap()), (None, vec![]));
    assert!(machine.store.rows().all(|(table, ..)| table != Table::Escalation));
}

#[test]
fn an_assessment_is_one_entry_about_the_actor_of_the_decision() {
    let mut machine = Machine::founded();
    let (decision, _) = decided(&mut machine, asking(None, None));
    let dimensions = RiskInput { security: Some(40), privacy: Some(65), ..RiskInput::default() };
    let Command::AssessRisk(mut asked) = assess(decision, dimensions, None) else { panic!() };
    let mut metadata = Object::new();
    metadata.insert("note", "after a call");
    asked.metadata = Some(metadata);
    let id = assessed(&mut machine, Command::AssessRisk(asked));
    let entry = view::entry(&machine.store, EntryId(2)).unwrap().unwrap();
    assert_eq!(entry.header.entry_type, EntryType::RiskAssessed);
    assert_eq!((entry.header.actor_seq, entry.header.type_seq), (2, 1));
    let expect = format!(
        r#"{{"actor":"ai:a","authn":"none","by":null,"decision_id":"{decision}","dimensions":{{"compliance":null,"financial":null,"operational":null,"privacy":65,"reputational":null,"security":40}},"escalation_id":null,"impact":4,"likelihood":30,"mitigations":["four eyes"],"overall_score":51,"risk_id":"{id}","risk_level":"medium","supersedes":null,"version":1}}"#
    );
    assert_eq!(entry.data.unwrap().text, expect);
    assert_eq!(entry.personal.unwrap().text, r#"{"metadata":{"note":"after a call"}}"#);
    assert_eq!(view::head(&machine.store).unwrap().size(), 3);
}

#[test]
fn what_has_no_metadata_has_no_personal_part() {
    let mut machine = Machine::founded();
    let (decision, _) = decided(&mut machine, asking(None, None));
    assessed(&mut machine, assess(decision, security(1), None));
    assert_eq!(view::entry(&machine.store, EntryId(2)).unwrap().unwrap().personal, None);
}

#[test]
fn an_unknown_decision_has_no_risk() {
    let mut machine = Machine::founded();
    let unknown = assess(DecisionId(Ulid(1)), security(1), None);
    refused(&mut machine, unknown, Rejection::UnknownDecision);
}

#[test]
fn only_the_latest_assessment_of_the_same_decision_is_superseded() {
    let mut machine = Machine::founded();
    let (decision, first) = decided(&mut machine, asking(None, Some(1)));
    let (other, _) = decided(&mut machine, asking(None, None));
    let again = |supersedes| assess(decision, security(50), supersedes);
    refused(&mut machine, again(None), Rejection::AlreadyAssessed);
    let (first, nowhere) = (first.unwrap(), RiskId(Ulid(1)));
    refused(&mut machine, again(Some(nowhere)), Rejection::NotLatest { risk: nowhere });
    let of_other = assess(other, security(50), Some(first));
    refused(&mut machine, of_other, Rejection::NotLatest { risk: first });
    let second = assessed(&mut machine, again(Some(first)));
    refused(&mut machine, again(Some(first)), Rejection::NotLatest { risk: first });
    assert_eq!(view::risk_ids(&machine.store, decision).unwrap(), [first, second]);
    let known = view::risk(&machine.store, second).unwrap().unwrap();
    assert_eq!((known.version, known.supersedes), (2, Some(first)));
}

#[test]
fn a_repeated_assessment_is_recorded_once() {
    let mut machine = Machine::founded();
    let (decision, _) = decided(&mut machine, asking(None, None));
    let command = || assess(decision, security(50), None);
    assert!(matches!(machine.run_keyed(200, command(), "k", 1), Outcome::Recorded(_)));
    assert_eq!(machine.run_keyed(300, command(), "k", 1), Outcome::Replayed(EntryId(2)));
    let conflict = Rejection::IdempotencyConflict { key: "k".to_owned() };
    assert_eq!(machine.run_keyed(300, command(), "k", 2), Outcome::Rejected(conflict));
}

#[test]
fn the_latest_of_each_decision_are_listed_highest_first() {
    let mut machine = Machine::founded();
    let (_, first) = decided(&mut machine, asking(Some(security(50)), None));
    for score in [70, 50, 90] {
        decided(&mut machine, asking(Some(security(score)), None));
    }
    assert_eq!(listed(&machine, all()), (vec![(90, 1), (70, 1), (50, 1), (50, 1)], None, 4));
    let known = view::risk(&machine.store, first.unwrap()).unwrap().unwrap();
    assessed(&mut machine, assess(known.decision, security(95), first));
    assert_eq!(listed(&machine, all()).0, [(95, 2), (90, 1), (70, 1), (50, 1)]);
    let from_70 = RiskQuery { scores: 70..=90, ..all() };
    assert_eq!(listed(&machine, from_70), (vec![(90, 1), (70, 1)], None, 2));
}

#[test]
fn pages_go_through_all_and_end() {
    let mut machine = Machine::founded();
    for score in [50, 70, 50, 50, 90] {
        decided(&mut machine, asking(Some(security(score)), None));
    }
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let (page, next, total) = listed(&machine, RiskQuery { after, limit: 2, ..all() });
        assert_eq!(total, 5);
        seen.extend(page.iter().map(|(score, _)| *score));
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [90, 70, 50, 50, 50]);
    for (score, entry) in [(0, 0), (0, u64::MAX), (255, u64::MAX), (1, u64::MAX)] {
        let after = Some(RiskPlace { score, entry: EntryId(entry) });
        let page = view::risks(&machine.store, &RiskQuery { after, scores: 60..=80, limit: 9 });
        assert!(page.unwrap().risks.len() <= 1);
    }
}

#[test]
fn an_erased_assessment_is_listed_no_more_and_known_to_have_been() {
    let mut machine = Machine::founded();
    let (decision, id) = decided(&mut machine, asking(Some(security(50)), None));
    let id = id.unwrap();
    machine.run(300, erase(ErasedPart::Personal, 1));
    assert_eq!(listed(&machine, all()).0, [(50, 1)]);
    machine.run(300, erase(ErasedPart::All, 1));
    assert_eq!(listed(&machine, all()), (vec![], None, 0));
    assert_eq!(view::risk(&machine.store, id).unwrap(), Err(Absent::Erased));
    assert_eq!(view::risk(&machine.store, RiskId(Ulid(1))).unwrap(), Err(Absent::Unknown));
    let rows = |table| machine.store.rows().filter(|(of, ..)| *of == table).count();
    assert_eq!((rows(Table::RiskByScore), rows(Table::RiskCount)), (0, 0));
    refused(&mut machine, assess(decision, security(1), Some(id)), Rejection::DecisionErased);
}

#[test]
fn erasing_an_older_version_leaves_the_latest_listed() {
    let mut machine = Machine::founded();
    let (decision, _) = decided(&mut machine, asking(None, None));
    let first = assessed(&mut machine, assess(decision, security(50), None));
    let second = assessed(&mut machine, assess(decision, security(60), Some(first)));
    machine.run(300, erase(ErasedPart::All, 2));
    assert_eq!(listed(&machine, all()), (vec![(60, 2)], None, 1));
    assert_eq!(view::risk(&machine.store, first).unwrap(), Err(Absent::Erased));
    machine.run(300, erase(ErasedPart::All, 3));
    assert_eq!(listed(&machine, all()), (vec![], None, 0));
    let third = assessed(&mut machine, assess(decision, security(70), Some(second)));
    assert_eq!(listed(&machine, all()), (vec![(70, 3)], None, 1));
    assert_eq!(view::risk_ids(&machine.store, decision).unwrap(), [first, second, third]);
}

#[test]
fn the_command_has_its_place_in_the_log() {
    let command = assess(DecisionId(Ulid(2)), security(1), None);
    let bytes = encode_envelope(&envelope(command.clone(), 1)).unwrap();
    assert_eq!(decode_envelope(&bytes).unwrap().command, command);
}
