//! People with accounts oversee: in which role, for whom, and never themselves.

use crate::people::{key, new_key, of_key, person, socket};
use crate::support::{Machine, data, decide, id, intervene, named, recorded, refused, stop};
use governance::access::{AccountRole, Denied, Permission};
use governance::command::{
    AcknowledgeEscalation, Command, CreateEscalation, ExecuteOverride, InterventionType, LiftStop,
    OverrideScope, Principal, RecordResponsibility, ResolveEscalation, ReviewOverride,
    ReviewResponsibility,
};
use governance::oversight::Role;
use governance::record::{
    DecisionMaker, OverrideKind, Resolution, ResponsibilityLevel, ReviewOutcome, ReviewVerdict,
    Trigger,
};
use governance::{Outcome, Rejection, view};
use types::{DecisionId, EscalationId, Json, OverrideId, ResponsibilityId, StopId};

const VIEWER: (AccountRole, &[Role]) = (AccountRole::Viewer, &[]);
const LEAD: (AccountRole, &[Role]) = (AccountRole::Viewer, &[Role::GovernanceLead]);
const ADMIN: (AccountRole, &[Role]) = (AccountRole::Admin, &[]);

/// A program, and a decision that it asked for.
fn program(machine: &mut Machine, by: &Principal) -> (Principal, DecisionId) {
    let program = of_key(key(machine, 100, by, new_key(1, &["*"], &[])));
    let decision = decided(machine, &program, "ai:x");
    (program, decision)
}

#[track_caller]
fn decided(machine: &mut Machine, who: &Principal, actor: &str) -> DecisionId {
    let outcome = machine.run_for(who.clone(), 100, decide(actor, "read"));
    let Outcome::Decided(decided) = outcome else { panic!("not decided: {outcome:?}") };
    id(decided.data.as_object().unwrap(), "decision_id")
}

/// Raises an escalation.
#[track_caller]
fn raised(
    machine: &mut Machine,
    who: &Principal,
    decision: DecisionId,
    recipient: &str,
) -> EscalationId {
    let create = CreateEscalation {
        decision,
        trigger: Trigger::ActorRequest,
        recipients: vec![recipient.to_owned()],
        priority: None,
        summary: None,
        metadata: None,
    };
    let outcome = machine.run_for(who.clone(), 150, Command::CreateEscalation(Box::new(create)));
    let entry = recorded(outcome);
    id(&data(machine, entry), "escalation_id")
}

fn resolve(escalation: EscalationId) -> Command {
    let (resolution, notes) = (Resolution::Approved, "seen".to_owned());
    Command::ResolveEscalation(Box::new(ResolveEscalation { escalation, resolution, notes }))
}

fn acknowledge(escalation: EscalationId) -> Command {
    Command::AcknowledgeEscalation(AcknowledgeEscalation { escalation })
}

/// Refused, and nothing is written.
#[track_caller]
fn check(machine: &mut Machine, who: &Principal, command: Command, expect: Rejection) {
    let before = view::head(&machine.store).unwrap().state_digest;
    assert_eq!(refused(machine.run_for(who.clone(), 300, command)), expect);
    assert_eq!(view::head(&machine.store).unwrap().state_digest, before);
}

#[test]
fn who_is_asked_answers_by_id_or_by_name() {
    for by_name in [true, false] {
        let mut machine = Machine::founded();
        let (program, decision) = program(&mut machine, &socket());
        let maria = person(&mut machine, 100, "Maria", VIEWER);
        let other = person(&mut machine, 100, "mari", VIEWER);
        let recipient = if by_name { "act_human_user:maria".to_owned() } else { maria.id.clone() };
        let escalation = raised(&mut machine, &program, decision, &recipient);
        check(&mut machine, &other, resolve(escalation), Rejection::NotAuthorised);
        check(&mut machine, &other, acknowledge(escalation), Rejection::NotAuthorised);
        recorded(machine.run_for(maria.clone(), 200, acknowledge(escalation)));
        let entry = recorded(machine.run_for(maria.clone(), 200, resolve(escalation)));
        let data = data(&machine, entry);
        assert_eq!(data.get("by").and_then(Json::as_str), Some(maria.id.as_str()));
        assert_eq!(data.get("role"), Some(&Json::Null));
    }
}

#[test]
fn a_role_of_oversight_answers_what_anybody_is_asked() {
    let mut machine = Machine::founded();
    let (program, decision) = program(&mut machine, &socket());
    let lead = person(&mut machine, 100, "leo", LEAD);
    let admin = person(&mut machine, 100, "root", ADMIN);
    let escalation = raised(&mut machine, &program, decision, "act_human_user:maria");
    check(&mut machine, &admin, resolve(escalation), Rejection::NotAuthorised);
    let no_human = Rejection::Denied(Denied::NotAuthorised);
    check(&mut machine, &program, resolve(escalation), no_human.clone());
    check(&mut machine, &socket(), resolve(escalation), no_human);
    let entry = recorded(machine.run_for(lead, 200, resolve(escalation)));
    let role = data(&machine, entry).get("role").cloned();
    assert_eq!(role.as_ref().and_then(Json::as_str), Some("governance_lead"));
}

#[test]
fn nobody_answers_a_question_of_their_own() {
    let mut machine = Machine::founded();
    let (program, decision) = program(&mut machine, &socket());
    let ana = person(&mut machine, 100, "ana", LEAD);
    let leo = person(&mut machine, 100, "leo", LEAD);
    let escalation = raised(&mut machine, &ana, decision, "act_human_user:ana");
    check(&mut machine, &ana, resolve(escalation), Rejection::SamePerson);
    recorded(machine.run_for(leo, 300, resolve(escalation)));
    let escalation = raised(&mut machine, &program, decision, "act_human_user:ana");
    recorded(machine.run_for(ana, 300, resolve(escalation)));
}

#[test]
fn nobody_answers_for_what_they_are_behind() {
    let mut machine = Machine::founded();
    let ana = person(&mut machine, 100, "ana", (AccountRole::Admin, &[Role::Executive]));
    let leo =
        person(&mut machine, 100, "leo", (AccountRole::ComplianceOfficer, &[Role::Executive]));
    let (program, by_key) = program(&mut machine, &ana);
    let by_person = decided(&mut machine, &ana, "ai:x");
    let as_actor = decided(&mut machine, &leo, "act_human_user:ana");
    for decision in [by_key, by_person, as_actor] {
        let escalation = raised(&mut machine, &leo, decision, &ana.id);
        check(&mut machine, &ana, resolve(escalation), Rejection::SamePerson);
    }
    // What the program of somebody raises, that person raised.
    let other = of_key(key(&mut machine, 200, &socket(), new_key(2, &["*"], &[])));
    let decision = decided(&mut machine, &other, "ai:y");
    let escalation = raised(&mut machine, &program, decision, &ana.id);
    check(&mut machine, &ana, resolve(escalation), Rejection::SamePerson);
    recorded(machine.run_for(leo, 300, resolve(escalation)));
}

fn execute(decision: DecisionId, kind: OverrideKind) -> Command {
    Command::ExecuteOverride(Box::new(ExecuteOverride {
        decision,
        kind,
        justification: "Regulator asked for the file today".to_owned(),
        original: None,
        is_conditional: false,
        expires_at: None,
        scope: OverrideScope::default(),
        evidence: Vec::new(),
        metadata: None,
    }))
}

fn review(id: OverrideId) -> Command {
    let (verdict, notes) = (ReviewVerdict::Upheld, "seen".to_owned());
    Command::ReviewOverride(Box::new(ReviewOverride { id, verdict, notes }))
}

#[test]
fn an_executive_overrides_as_that_and_another_reviews() {
    let mut machine = Machine::founded();
    let (_, decision) = program(&mut machine, &socket());
    let roles = &[Role::Executive, Role::SecurityOfficer];
    let jane = person(&mut machine, 100, "jane", (AccountRole::Viewer, roles));
    let leo = person(&mut machine, 100, "leo", LEAD);
    let root = person(&mut machine, 100, "root", ADMIN);
    for kind in [OverrideKind::ExecutiveOverride, OverrideKind::EmergencyBypass] {
        check(&mut machine, &leo, execute(decision, kind), Rejection::NotAuthorised);
        let denied = Rejection::Denied(Denied::NotAuthorised);
        check(&mut machine, &root, execute(decision, kind), denied);
    }
    let executed = execute(decision, OverrideKind::ExecutiveOverride);
    let entry = recorded(machine.run_for(jane.clone(), 200, executed));
    let data = data(&machine, entry);
    assert_eq!(data.get("authorized_role").and_then(Json::as_str), Some("executive"));
    let made = id(&data, "override_id");
    check(&mut machine, &jane, review(made), Rejection::SamePerson);
    check(&mut machine, &root, review(made), Rejection::Denied(Denied::NotAuthorised));
    recorded(machine.run_for(leo, 300, review(made)));
}

#[test]
fn what_somebody_claimed_before_there_were_accounts_is_theirs_still() {
    let mut machine = Machine::founded();
    let decision = decided(&mut machine, &Principal::nobody(), "ai:x");
    let jane = named("act_human_user:executive:jane");
    let entry = recorded(machine.run_for(jane, 200, execute(decision, OverrideKind::RiskAccepted)));
    let made: OverrideId = id(&data(&machine, entry), "override_id");
    let jane = person(&mut machine, 250, "jane", LEAD);
    check(&mut machine, &jane, review(made), Rejection::SamePerson);
}

#[test]
fn an_administrator_stops_and_an_overseer_lifts() {
    let mut machine = Machine::founded();
    let admin = person(&mut machine, 100, "root", ADMIN);
    let lead = person(&mut machine, 100, "leo", LEAD);
    let viewer = person(&mut machine, 100, "ana", VIEWER);
    let manages = new_key(1, &["*"], &[Permission::ManageUsers]);
    let program = of_key(key(&mut machine, 100, &admin, manages));
    let entry = recorded(machine.run_for(admin.clone(), 200, stop(None, None)));
    let stop_id: StopId = id(&data(&machine, entry), "stop_id");
    let lift = || Command::LiftStop(LiftStop { stop: stop_id, reason: "clear".to_owned() });
    let denied = Rejection::Denied(Denied::PermissionDenied);
    check(&mut machine, &viewer, stop(None, None), denied);
    check(&mut machine, &program, stop(None, None), Rejection::NotAuthorised);
    for who in [&viewer, &admin, &program] {
        check(&mut machine, who, lift(), Rejection::Denied(Denied::NotAuthorised));
    }
    recorded(machine.run_for(lead.clone(), 300, lift()));
    recorded(machine.run_for(lead, 300, stop(None, None)));
    let seen = Box::new(intervene(InterventionType::ManualReview, "pay", "hold"));
    let entry = recorded(machine.run_for(viewer.clone(), 300, Command::Intervene(seen)));
    assert_eq!(data(&machine, entry).get("by").and_then(Json::as_str), Some(viewer.id.as_str()));
}

#[test]
fn a_record_says_who_said_so_and_nobody_reviews_their_own() {
    let mut machine = Machine::founded();
    let (program, decision) = program(&mut machine, &socket());
    let ana = person(&mut machine, 100, "ana", LEAD);
    let officer = person(&mut machine, 100, "leo", (AccountRole::ComplianceOfficer, &[]));
    let said = RecordResponsibility {
        decision,
        maker: DecisionMaker::HumanOperator,
        party: "act_human_user:ana".to_owned(),
        role: "clerk".to_owned(),
        reasoning: "looked".to_owned(),
        level: ResponsibilityLevel::Shared,
        confidence: None,
        delegated_from: None,
        review_required: true,
    };
    let said = Command::RecordResponsibility(Box::new(said));
    let entry = recorded(machine.run_for(program.clone(), 200, said));
    let record: ResponsibilityId = id(&data(&machine, entry), "responsibility_id");
    let kept = view::responsibility(&machine.store, record).unwrap().unwrap();
    assert_eq!((kept.recorded_by, kept.party.as_str()), (Some(program.id), "act_human_user:ana"));
    assert_eq!(kept.recorded_authn.as_deref(), Some("api_key"));
    let review = || {
        let (outcome, notes) = (ReviewOutcome::Accepted, "so it is".to_owned());
        Command::ReviewResponsibility(Box::new(ReviewResponsibility { record, outcome, notes }))
    };
    check(&mut machine, &ana, review(), Rejection::SamePerson);
    recorded(machine.run_for(officer, 300, review()));
}
