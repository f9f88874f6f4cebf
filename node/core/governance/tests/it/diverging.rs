//! A voter that finds something else than the others.

use crate::support::{Machine, SECOND, cosign, node_with_keys};
use governance::command::{
    Command, Finding, RecordDivergence, RecordRecovery, RegisterNode, ReportContent,
};
use governance::outcome::Sealed;
use governance::{Outcome, Rejection, view};
use types::{Digest, EntryId, Json, LogIndex, RaftId};

fn three() -> Machine {
    let mut machine = Machine::founded_with_keys();
    for name in ["n2", "n3"] {
        let register =
            RegisterNode { node: node_with_keys(name), nonce: name.to_owned(), lost_bearer: None };
        machine.run(10, Command::RegisterNode(register));
    }
    machine.members(4, &[vec![RaftId(1), RaftId(2), RaftId(3)]], &[]);
    machine
}

fn seal(machine: &mut Machine) -> Sealed {
    match machine.run(SECOND, Command::Checkpoint) {
        Outcome::Sealed(sealed) => sealed,
        other => panic!("not sealed: {other:?}"),
    }
}

fn found(machine: &mut Machine, finding: Finding) -> Outcome {
    let command = RecordDivergence { raft_id: RaftId(3), finding };
    machine.run(2 * SECOND, Command::RecordDivergence(Box::new(command)))
}

fn refused(outcome: Outcome) -> Rejection {
    match outcome {
        Outcome::Rejected(why) => why,
        other => panic!("not refused: {other:?}"),
    }
}

/// Signs as the three would if the third had found another state.
fn split(machine: &mut Machine) -> u64 {
    let sealed = seal(machine);
    let mut other = sealed.claim.clone();
    other.state_hash.0[0] ^= 1;
    for (name, claim) in [("n3", &other), ("n1", &sealed.claim), ("n2", &sealed.claim)] {
        let command = cosign(&machine.origin(), sealed.place, claim, name);
        let outcome = machine.run(SECOND, command);
        let Outcome::Cosigned(cosigned) = outcome else { panic!("not signed: {outcome:?}") };
        assert_eq!(cosigned.dissent, (name == "n3").then_some(RaftId(3)));
        assert!(!cosigned.outvoted);
    }
    sealed.claim.size
}

#[test]
fn the_others_are_undisturbed_and_the_one_is_named() {
    let mut machine = three();
    let size = split(&mut machine);
    assert!(view::checkpoint(&machine.store, size).unwrap().unwrap().is_final());
    let outcome = found(&mut machine, Finding::Checkpoint { size });
    let Outcome::Recorded(recorded) = outcome else { panic!("not recorded: {outcome:?}") };
    let entry = view::entry(&machine.store, recorded.entry_id).unwrap().unwrap();
    let data: Json = serde_json::from_str(&entry.data.unwrap().text).unwrap();
    let member = |name: &str| data.as_object().unwrap().get(name).unwrap().clone();
    assert_eq!(member("node_id").as_str(), Some("n3"));
    assert_eq!(member("field").as_str(), Some("state_hash"));
    let again = found(&mut machine, Finding::Checkpoint { size });
    assert_eq!(refused(again), Rejection::AlreadyRecorded);
}

#[test]
fn the_one_sees_that_it_is_outvoted() {
    let mut machine = three();
    let sealed = seal(&mut machine);
    let mut theirs = sealed.claim.clone();
    theirs.state_hash.0[0] ^= 1;
    let outvoted = ["n3", "n1", "n2"].map(|name| {
        let claim = if name == "n3" { &sealed.claim } else { &theirs };
        let command = cosign(&machine.origin(), sealed.place, claim, name);
        match machine.run(SECOND, command) {
            Outcome::Cosigned(cosigned) => cosigned.outvoted,
            other => panic!("not signed: {other:?}"),
        }
    });
    assert_eq!(outvoted, [false, false, true]);
}

#[test]
fn what_the_state_does_not_show_is_not_recorded() {
    let mut machine = three();
    let size = seal(&mut machine).claim.size;
    let refusal = refused(found(&mut machine, Finding::Checkpoint { size }));
    assert_eq!(refusal, Rejection::NotProven);
    let damage = Finding::Damage { entry: Some(EntryId(1)), reason: "missing".to_owned() };
    // A node may say so of itself alone.
    let refusal = refused(found(&mut machine, damage));
    assert_eq!(refusal, Rejection::NotAVoter { raft_id: RaftId(3) });
}

#[test]
fn an_incident_ends_with_the_recovery() {
    let mut machine = three();
    let size = split(&mut machine);
    found(&mut machine, Finding::Checkpoint { size });
    let recovery =
        RecordRecovery { raft_id: RaftId(3), first_difference: None, snapshot_index: LogIndex(9) };
    let early = refused(machine.run_by("n2", 2 * SECOND, Command::RecordRecovery(recovery)));
    assert_eq!(early, Rejection::NotAVoter { raft_id: RaftId(3) });
    let outcome = machine.run_by("n3", 2 * SECOND, Command::RecordRecovery(recovery));
    assert!(matches!(outcome, Outcome::Recorded(_)), "{outcome:?}");
    let twice = refused(machine.run_by("n3", 2 * SECOND, Command::RecordRecovery(recovery)));
    assert_eq!(twice, Rejection::NotProven);
    let (_, incident) = view::incidents(&machine.store).unwrap()[0];
    assert!(incident.recovered.is_some());
    // The same checkpoint is no second incident.
    let again = found(&mut machine, Finding::Checkpoint { size });
    assert_eq!(refused(again), Rejection::AlreadyRecorded);
}

#[test]
fn digests_of_the_state_are_compared() {
    let mut machine = three();
    let Outcome::ScrubOpened(place) = machine.run(SECOND, Command::Scrub) else {
        panic!("no scrub")
    };
    let outvoted: Vec<Vec<RaftId>> = [(3, 8), (1, 7), (2, 7)]
        .iter()
        .map(|(id, byte)| {
            let (raft_id, digest) = (RaftId(*id), Digest([*byte; 32]));
            let report = ReportContent { raft_id, place, digest };
            let name = format!("n{id}");
            match machine.run_by(&name, SECOND, Command::ReportContent(report)) {
                Outcome::ContentReported(reported) => reported.outvoted,
                other => panic!("not reported: {other:?}"),
            }
        })
        .collect();
    assert_eq!(outvoted, [vec![], vec![], vec![RaftId(3)]]);
    let outcome = found(&mut machine, Finding::Content { place });
    assert!(matches!(outcome, Outcome::Recorded(_)), "{outcome:?}");
    let recovery =
        RecordRecovery { raft_id: RaftId(3), first_difference: None, snapshot_index: place.index };
    machine.run_by("n3", SECOND, Command::RecordRecovery(recovery));
    // What the state that is gone had said is no second incident.
    let again = found(&mut machine, Finding::Content { place });
    assert_eq!(refused(again), Rejection::AlreadyRecorded);
}
