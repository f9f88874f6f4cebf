//! What the organisation says it is, and what humans add to controls: evidence
//! that stands for what they ask, and somebody who vouches for it.

use crate::support::{Machine, envelope};
use governance::command::{
    AttestControl, Command, EntryRange, Erase, ErasedPart, ErasureCause, EvidenceContent,
    LinkControl, RegisterEvidence, SetProfile, UpdateRegister,
};
use governance::record::ArtifactKind;
use governance::{Outcome, Rejection, control, decode_envelope, encode_envelope, view};
use ledger::EntryType;
use types::{ArtifactId, Digest, EntryId, Json, Object, Timestamp, Ulid};

const JANE: &str = "act_human_user:jane";

fn words(of: &[&str]) -> Vec<String> {
    of.iter().map(|word| (*word).to_owned()).collect()
}

fn profile() -> SetProfile {
    SetProfile {
        organisation_name: "Acme".to_owned(),
        roles: words(&["deployer"]),
        risk_routes: words(&["annex_iii"]),
        jurisdictions: words(&["DE"]),
        frameworks: words(&["soc2"]),
        reason: "first look".to_owned(),
    }
}

fn set(profile: SetProfile) -> Command {
    Command::SetProfile(Box::new(profile))
}

fn linking(artifact: ArtifactId, evidence_types: &[&str]) -> Command {
    Command::LinkControl(Box::new(LinkControl {
        framework: "soc2".to_owned(),
        control_id: "CC6.1".to_owned(),
        artifact,
        evidence_types: words(evidence_types),
    }))
}

fn attestation(artifacts: &[ArtifactId]) -> AttestControl {
    AttestControl {
        framework: "soc2".to_owned(),
        control_id: "CC6.1".to_owned(),
        artifacts: artifacts.to_vec(),
        statement: "I have read the report and it says so.".to_owned(),
        valid_until: None,
    }
}

fn attesting(attest: AttestControl) -> Command {
    Command::AttestControl(Box::new(attest))
}

fn data(machine: &Machine, id: EntryId) -> Object {
    let entry = view::entry(&machine.store, id).unwrap().unwrap();
    serde_json::from_str(&entry.data.unwrap().text).unwrap()
}

#[track_caller]
fn recorded(outcome: Outcome) -> EntryId {
    match outcome {
        Outcome::Recorded(recorded) => recorded.entry_id,
        other => panic!("{other:?}"),
    }
}

fn artifact(machine: &mut Machine, kind: ArtifactKind) -> ArtifactId {
    let register = RegisterEvidence {
        kind,
        content: EvidenceContent::Inline(b"what was found".to_vec()),
        content_type: None,
        source: "acme".to_owned(),
        decisions: Vec::new(),
        controls: Vec::new(),
        storage_uri: None,
        retention_days: None,
        metadata: None,
    };
    let entry = recorded(machine.run(100, Command::RegisterEvidence(Box::new(register))));
    let data = data(machine, entry);
    data.get("artifact_id").and_then(Json::as_str).unwrap().parse().unwrap()
}

fn erase_all(machine: &mut Machine, id: EntryId) {
    let ranges = vec![EntryRange { from: id, to: id }];
    let erase = Erase { part: ErasedPart::All, ranges, cause: ErasureCause::Request };
    let outcome = machine.run(900, Command::Erase(erase));
    assert!(matches!(outcome, Outcome::Erased(_)), "{outcome:?}");
}

fn linked(machine: &Machine) -> Vec<(ArtifactId, EntryId)> {
    control::links(&machine.store, "soc2:CC6.1").unwrap()
}

#[test]
fn a_profile_is_said_whole_and_numbered() {
    let mut machine = Machine::founded();
    let first = recorded(machine.run(100, set(profile())));
    let later = SetProfile { roles: words(&["provider", "deployer"]), ..profile() };
    let second = recorded(machine.run(200, set(later)));
    let said = data(&machine, first);
    assert_eq!(said.get("version").and_then(Json::as_u64), Some(1));
    assert_eq!(said.get("organisation_name").and_then(Json::as_str), Some("Acme"));
    let said = data(&machine, second);
    assert_eq!(said.get("version").and_then(Json::as_u64), Some(2));
    assert_eq!(said.get("roles"), Some(&Json::from(vec!["provider", "deployer"])));
}

#[test]
fn a_profile_in_other_words_is_refused() {
    let mut machine = Machine::founded();
    let of = |change: fn(&mut SetProfile)| {
        let mut profile = profile();
        change(&mut profile);
        set(profile)
    };
    let size = view::head(&machine.store).unwrap().size();
    for (member, command) in [
        ("roles", of(|profile| profile.roles = words(&["owner"]))),
        ("roles", of(|profile| profile.roles = words(&[]))),
        ("roles", of(|profile| profile.roles = words(&["provider", "provider"]))),
        ("risk_routes", of(|profile| profile.risk_routes = words(&["annex_ii"]))),
        ("frameworks", of(|profile| profile.frameworks = words(&["soc3"]))),
        ("organisation_name", of(|profile| profile.organisation_name = " ".to_owned())),
        ("reason", of(|profile| profile.reason = "x".repeat(10_001))),
        ("jurisdictions", of(|profile| profile.jurisdictions = vec!["x".to_owned(); 101])),
    ] {
        let expect = Outcome::Rejected(Rejection::OutOfBounds { member });
        assert_eq!(machine.run(100, command), expect, "{member}");
    }
    assert_eq!(view::head(&machine.store).unwrap().size(), size);
}

#[test]
fn the_register_is_named_once_and_only_rises() {
    let mut machine = Machine::founded();
    let update = |version: &str| {
        let digest = Digest([7; 32]);
        Command::UpdateRegister(Box::new(UpdateRegister { version: version.to_owned(), digest }))
    };
    let first = recorded(machine.run_by("n1", 100, update("2026-11-22")));
    let said = data(&machine, first);
    assert_eq!(said.get("previous_version"), Some(&Json::Null));
    for version in ["2026-11-22", "2026-01-01"] {
        let outcome = machine.run_by("n2", 110, update(version));
        assert_eq!(outcome, Outcome::Rejected(Rejection::AlreadyRecorded), "{version}");
    }
    let second = recorded(machine.run_by("n2", 120, update("2027-01-31")));
    let said = data(&machine, second);
    assert_eq!(said.get("previous_version").and_then(Json::as_str), Some("2026-11-22"));
    assert_eq!(said.get("register_version").and_then(Json::as_str), Some("2027-01-31"));
}

#[test]
fn evidence_is_linked_to_a_control_once_for_a_kind() {
    let mut machine = Machine::founded();
    let report = artifact(&mut machine, ArtifactKind::ExternalReport);
    let first = recorded(machine.run(200, linking(report, &["asset_inventory"])));
    assert_eq!(machine.run(210, linking(report, &["asset_inventory"])), Outcome::Noted);
    assert_eq!(machine.run(220, linking(report, &[])), Outcome::Noted);
    let second = recorded(machine.run(230, linking(report, &["procedure"])));
    let both = machine.run(240, linking(report, &["asset_inventory", "procedure"]));
    assert_eq!(both, Outcome::Noted);
    assert_eq!(linked(&machine), [(report, first), (report, second)]);
}

#[test]
fn what_a_machine_made_stands_for_nothing_that_is_asked_of_humans() {
    let mut machine = Machine::founded();
    for kind in ArtifactKind::ALL {
        let made = artifact(&mut machine, kind);
        let outcome = machine.run(200, linking(made, &["procedure"]));
        let is_machine_made = matches!(
            kind,
            ArtifactKind::DecisionLog
                | ArtifactKind::PolicySnapshot
                | ArtifactKind::ContextCapture
                | ArtifactKind::AuditTrail
        );
        let expect = Rejection::ArtifactDoesNotFit { kind: kind.as_str() };
        assert_eq!(outcome == Outcome::Rejected(expect), is_machine_made, "{kind:?}: {outcome:?}");
    }
    assert_eq!(linked(&machine).len(), 4);
}

#[test]
fn evidence_that_is_not_there_is_not_linked() {
    let mut machine = Machine::founded();
    let nobody = ArtifactId(Ulid(1));
    let unknown = Outcome::Rejected(Rejection::UnknownArtifact { artifact: nobody });
    assert_eq!(machine.run(100, linking(nobody, &[])), unknown);
}

#[test]
fn one_vouches_for_what_is_linked_alone_and_as_a_person() {
    let mut machine = Machine::founded();
    let report = artifact(&mut machine, ArtifactKind::ExternalReport);
    let refused = |machine: &mut Machine, who: &str, attest: AttestControl| match machine.run_as(
        who,
        300,
        attesting(attest),
    ) {
        Outcome::Rejected(why) => why.code(),
        other => panic!("{other:?}"),
    };
    let vouch = attestation(&[report]);
    assert_eq!(refused(&mut machine, JANE, vouch.clone()), "evidence_not_linked");
    recorded(machine.run(200, linking(report, &["procedure"])));
    assert_eq!(refused(&mut machine, "ai:a", vouch.clone()), "not_authorised");
    for attest in [
        AttestControl { artifacts: Vec::new(), ..vouch.clone() },
        AttestControl { statement: "all is well".to_owned(), ..vouch.clone() },
        AttestControl { valid_until: Some(Timestamp(300)), ..vouch.clone() },
    ] {
        assert_eq!(refused(&mut machine, JANE, attest), "out_of_range");
    }
    let until = AttestControl { valid_until: Some(Timestamp(301)), ..vouch };
    let entry = recorded(machine.run_as(JANE, 300, attesting(until)));
    let said = data(&machine, entry);
    assert_eq!(said.get("attested_by").and_then(Json::as_str), Some(JANE));
    assert_eq!(said.get("statement"), None, "a statement is personal");
    let stored = view::entry(&machine.store, entry).unwrap().unwrap();
    assert_eq!(stored.header.entry_type, EntryType::ControlAttested);
    assert!(stored.personal.unwrap().text.contains("I have read"));
    assert_eq!(control::attestations(&machine.store, "soc2:CC6.1").unwrap(), [entry]);
}

#[test]
fn the_same_request_is_recorded_once() {
    let mut machine = Machine::founded();
    let report = artifact(&mut machine, ArtifactKind::Attestation);
    let command = linking(report, &["signed_attestation"]);
    let entry = recorded(machine.run_keyed(200, command.clone(), "k", 1));
    assert_eq!(machine.run_keyed(210, command, "k", 1), Outcome::Replayed(entry));
}

#[test]
fn nothing_of_a_control_is_left_of_an_entry_that_is_erased() {
    let mut machine = Machine::founded();
    let report = artifact(&mut machine, ArtifactKind::ExternalReport);
    let link = recorded(machine.run(200, linking(report, &["procedure"])));
    let vouched = recorded(machine.run_as(JANE, 300, attesting(attestation(&[report]))));
    erase_all(&mut machine, vouched);
    assert_eq!(control::attestations(&machine.store, "soc2:CC6.1").unwrap(), []);
    assert_eq!(linked(&machine), [(report, link)]);
    erase_all(&mut machine, link);
    assert_eq!(linked(&machine), []);
}

#[test]
fn every_command_comes_back_from_the_log_as_it_went_in() {
    for command in [
        set(profile()),
        linking(ArtifactId(Ulid(1)), &["procedure"]),
        attesting(attestation(&[ArtifactId(Ulid(1))])),
    ] {
        let sent = envelope(command, 1);
        assert_eq!(decode_envelope(&encode_envelope(&sent).unwrap()).unwrap(), sent);
    }
}
