//! Overrides: who may make and review one, what is recorded, when it has its
//! effect, and what its end takes with it.

use crate::support::{Machine, SECOND, data, decided, envelope, erase, id, load, policy};
use crate::support::{recorded, refused};
use governance::command::{
    Command, ErasedPart, ExecuteOverride, IssueToken, OverrideScope, PrincipalKind, ReviewOverride,
};
use governance::effective::{Basis, effective, override_ids};
use governance::record::{OverrideKind, OverrideStatus, ReviewVerdict};
use governance::view::{Absent, ReviewPlace};
use governance::{Outcome, Rejection, Table, deadline, decode_envelope, encode_envelope, view};
use ledger::EntryType;
use policy::Verdict;
use types::{ArtifactId, DecisionId, EntryId, Json, Object, OverrideId, Timestamp, TokenId, Ulid};

const JANE: &str = "act_human_user:executive:jane";
const LEO: &str = "act_human_user:governance_lead:leo";
const HOUR: u64 = 3_600 * SECOND;
const DAY: u64 = 24 * HOUR;
const WHY: &str = "Regulator asked for the file today; reviewed with legal";

/// A decision that is denied, at 100 microseconds.
fn denied() -> (Machine, DecisionId) {
    let mut machine = Machine::founded();
    let decision = decided(&mut machine, 100, "ai:x");
    (machine, decision)
}

fn asking(decision: DecisionId, kind: OverrideKind) -> ExecuteOverride {
    ExecuteOverride {
        decision,
        kind,
        justification: WHY.to_owned(),
        original: None,
        is_conditional: false,
        expires_at: None,
        scope: OverrideScope::default(),
        evidence: Vec::new(),
        metadata: None,
    }
}

fn command(asking: ExecuteOverride) -> Command {
    Command::ExecuteOverride(Box::new(asking))
}

fn executive(decision: DecisionId) -> ExecuteOverride {
    asking(decision, OverrideKind::ExecutiveOverride)
}

/// Makes an override of a decision in the name of Jane.
#[track_caller]
fn made(machine: &mut Machine, at: u64, asking: ExecuteOverride) -> OverrideId {
    let entry = recorded(machine.run_as(JANE, at, command(asking)));
    id(&data(machine, entry), "override_id")
}

fn review(id: OverrideId, verdict: ReviewVerdict) -> Command {
    Command::ReviewOverride(Box::new(ReviewOverride { id, verdict, notes: "seen".to_owned() }))
}

fn issue(decision: DecisionId) -> Command {
    Command::IssueToken(IssueToken { decision, expires_in_seconds: 600 })
}

/// Gives the token that a decision has come to.
#[track_caller]
fn issued(machine: &mut Machine, at: u64, decision: DecisionId) -> TokenId {
    let entry = recorded(machine.run(at, issue(decision)));
    id(&data(machine, entry), "token_id")
}

fn token_status(machine: &Machine, token: TokenId, at: u64) -> governance::token::Status {
    view::token(&machine.store, token).unwrap().unwrap().status(Timestamp(at))
}

fn status(machine: &Machine, id: OverrideId, at: u64) -> OverrideStatus {
    view::override_of(&machine.store, id).unwrap().unwrap().record.status(Timestamp(at))
}

/// What the decision comes to, and on what that rests.
fn comes_to(machine: &Machine, decision: DecisionId, at: u64) -> (Verdict, &'static str) {
    let found = effective(&machine.store, decision, Verdict::Denied, Timestamp(at)).unwrap();
    (found.outcome, found.basis.as_str())
}

/// Refused, and nothing is written.
#[track_caller]
fn check(machine: &mut Machine, who: &str, at: u64, command: Command, code: &str) -> Rejection {
    let before = view::head(&machine.store).unwrap();
    let why = refused(machine.run_as(who, at, command));
    assert_eq!(why.code(), code, "{why}");
    assert_eq!(view::head(&machine.store).unwrap().state_digest, before.state_digest);
    why
}

#[test]
fn an_override_is_one_entry_about_the_actor_of_the_decision() {
    let (mut machine, decision) = denied();
    let mut metadata = Object::new();
    metadata.insert("ticket", "R-7");
    let asked = ExecuteOverride {
        original: Some(Verdict::Denied),
        is_conditional: true,
        metadata: Some(metadata),
        scope: OverrideScope {
            is_one_time: Some(true),
            actor: Some("ai:x".to_owned()),
            policy: Some("0".to_owned()),
        },
        ..executive(decision)
    };
    let made = made(&mut machine, 200, asked);
    let entry = view::entry(&machine.store, EntryId(2)).unwrap().unwrap();
    assert_eq!(entry.header.entry_type, EntryType::OverrideExecuted);
    assert_eq!((entry.header.actor_seq, entry.header.type_seq), (2, 1));
    let (ulid, review_by) = (made.0, Timestamp(200 + 30 * DAY));
    let expect = format!(
        r#"{{"actor":"ai:x","authn":"none","authorized_role":"executive","by":"{JANE}","decision_id":"{decision}","evidence_ids":["evd_{ulid}"],"expires_at":null,"new_outcome":"conditional","original_outcome":"denied","override_id":"{made}","override_type":"executive_override","responsibility_id":"resp_{ulid}","review_required_by":"{review_by}","scope":{{"applies_to_actor":"ai:x","applies_to_policy":"0","is_one_time":true}}}}"#
    );
    assert_eq!(entry.data.unwrap().text, expect);
    let expect = format!(r#"{{"justification":"{WHY}","metadata":{{"ticket":"R-7"}}}}"#);
    assert_eq!(entry.personal.unwrap().text, expect);
    assert_eq!(comes_to(&machine, decision, 200), (Verdict::Allowed, "override"));
    assert_eq!(override_ids(&machine.store, decision).unwrap(), [made]);
    assert_eq!(view::head(&machine.store).unwrap().size(), 3);
}

#[test]
fn only_an_oversight_role_overrides_and_only_an_executive_without_more() {
    for (who, kind, may) in [
        (JANE, OverrideKind::EmergencyBypass, true),
        (JANE, OverrideKind::RiskAccepted, true),
        ("act_human_user:executive", OverrideKind::ExecutiveOverride, true),
        (LEO, OverrideKind::TimeLimitedException, true),
        ("act_human_user:security_officer", OverrideKind::RiskAccepted, true),
        (LEO, OverrideKind::ExecutiveOverride, false),
        (LEO, OverrideKind::EmergencyBypass, false),
        ("act_human_user:security_officer", OverrideKind::ExecutiveOverride, false),
        ("act_human_user:executive_assistant", OverrideKind::RiskAccepted, false),
        ("act_human_user:maria", OverrideKind::RiskAccepted, false),
        ("act_human_user:maria:executive", OverrideKind::RiskAccepted, false),
        ("executive", OverrideKind::RiskAccepted, false),
        ("", OverrideKind::RiskAccepted, false),
    ] {
        let (mut machine, decision) = denied();
        let asked = command(asking(decision, kind));
        match may {
            true => drop(recorded(machine.run_as(who, 200, asked))),
            false => drop(check(&mut machine, who, 200, asked, "not_authorised")),
        }
    }
    let (mut machine, decision) = denied();
    for kind in [PrincipalKind::ApiKey, PrincipalKind::Node, PrincipalKind::User] {
        let mut envelope = envelope(command(executive(decision)), 1);
        (envelope.principal.kind, envelope.principal.id) = (kind, JANE.to_owned());
        assert!(matches!(refused(machine.apply(200, &envelope)), Rejection::Denied(_)));
    }
}

#[test]
fn what_is_allowed_or_unknown_or_taken_for_something_else_is_not_overridden() {
    let (mut machine, decision) = denied();
    let unknown = command(executive(DecisionId(Ulid(1))));
    check(&mut machine, JANE, 200, unknown, "unknown_decision");
    let other = ExecuteOverride { original: Some(Verdict::Escalated), ..executive(decision) };
    let why = check(&mut machine, JANE, 200, command(other), "original_outcome_mismatch");
    assert_eq!(why, Rejection::OriginalOutcomeMismatch { effective: "denied" });
    made(&mut machine, 200, executive(decision));
    check(&mut machine, JANE, 300, command(executive(decision)), "nothing_to_override");
    machine.run(300, load(policy()));
    let allowed = decided(&mut machine, 300, "ai:a");
    check(&mut machine, JANE, 300, command(executive(allowed)), "nothing_to_override");
    let (mut machine, decision) = denied();
    machine.run(200, erase(ErasedPart::All, EntryId(1)));
    check(&mut machine, JANE, 300, command(executive(decision)), "erased");
}

#[test]
fn a_justification_says_more_than_a_stock_phrase() {
    for (justification, is_enough) in [
        ("nineteen characters", false),
        ("   nineteen characters   ", false),
        ("twenty characters ok", true),
        ("двадцать знаков тут!", true),
        ("Business Requirement", false),
        ("  this is an EMERGENCY override now ", false),
        ("override needed because of a customer that waits", false),
        ("override needed because of a customer that waits !!", true),
        ("approved by executive, as the minutes of May 4 say.", true),
    ] {
        let (mut machine, decision) = denied();
        let justification = justification.to_owned();
        let asked = command(ExecuteOverride { justification, ..executive(decision) });
        match is_enough {
            true => drop(recorded(machine.run_as(JANE, 200, asked))),
            false => drop(check(&mut machine, JANE, 200, asked, "too_short")),
        }
    }
}

#[test]
fn an_end_is_in_the_future_and_within_ninety_days() {
    let (mut machine, decision) = denied();
    for (at, is_within) in [
        (199, false),
        (200, false),
        (200 + 90 * DAY + 1, false),
        (u64::MAX, false),
        (200 + 90 * DAY, true),
    ] {
        let asked = ExecuteOverride { expires_at: Some(Timestamp(at)), ..executive(decision) };
        match is_within {
            true => drop(made(&mut machine, 200, asked)),
            false => drop(check(&mut machine, JANE, 200, command(asked), "out_of_range")),
        }
    }
}

#[test]
fn each_kind_has_its_end_and_its_review() {
    use OverrideKind::{EmergencyBypass, ExecutiveOverride, RiskAccepted, TimeLimitedException};
    for (kind, asked, end, is_one_time, review) in [
        (EmergencyBypass, None, Some(DAY), true, 3 * DAY),
        (EmergencyBypass, Some(HOUR), Some(HOUR), true, 3 * DAY),
        (EmergencyBypass, Some(9 * DAY), Some(DAY), true, 3 * DAY),
        (TimeLimitedException, None, Some(DAY), false, 30 * DAY),
        (TimeLimitedException, Some(9 * DAY), Some(9 * DAY), false, 30 * DAY),
        (ExecutiveOverride, None, None, false, 30 * DAY),
        (RiskAccepted, Some(HOUR), Some(HOUR), false, 30 * DAY),
    ] {
        let (mut machine, decision) = denied();
        let later = |after: u64| Timestamp(200 + after);
        let expires_at = asked.map(later);
        let id = made(&mut machine, 200, ExecuteOverride { expires_at, ..asking(decision, kind) });
        let record = view::override_of(&machine.store, id).unwrap().unwrap().record;
        assert_eq!(record.expires_at, end.map(later), "{kind:?} {asked:?}");
        assert_eq!((record.is_one_time, record.review_by), (is_one_time, later(review)));
        if let Some(end) = end {
            assert_eq!(comes_to(&machine, decision, 199 + end).0, Verdict::Allowed);
            assert_eq!(comes_to(&machine, decision, 200 + end).0, Verdict::Denied);
        }
    }
}

#[test]
fn a_scope_is_that_of_the_decision() {
    let none = OverrideScope::default();
    let text = |text: &str| Some(text.to_owned());
    for (kind, scope, member) in [
        (
            OverrideKind::EmergencyBypass,
            OverrideScope { is_one_time: Some(false), ..none.clone() },
            "is_one_time",
        ),
        (
            OverrideKind::RiskAccepted,
            OverrideScope { actor: text("ai:y"), ..none.clone() },
            "applies_to_actor",
        ),
        (
            OverrideKind::RiskAccepted,
            OverrideScope { policy: text("1"), ..none.clone() },
            "applies_to_policy",
        ),
    ] {
        let (mut machine, decision) = denied();
        let asked = command(ExecuteOverride { scope, ..asking(decision, kind) });
        let why = check(&mut machine, JANE, 200, asked, "conflicting_values");
        assert_eq!(why, Rejection::ScopeMismatch { member });
    }
}

#[test]
fn evidence_that_is_not_there_is_no_ground() {
    let (mut machine, decision) = denied();
    let asked = ExecuteOverride { evidence: vec![ArtifactId(Ulid(1))], ..executive(decision) };
    check(&mut machine, JANE, 200, command(asked), "unknown_artifact");
}

#[test]
fn a_repeated_override_is_recorded_once() {
    let (mut machine, decision) = denied();
    let run = |machine: &mut Machine, body| {
        let mut envelope = envelope(command(executive(decision)), 3);
        envelope.principal.id = JANE.to_owned();
        envelope.idempotency = Some(governance::command::Idempotency {
            scope: String::new(),
            key: "k".to_owned(),
            body_digest: types::Digest([body; 32]),
        });
        machine.apply(200, &envelope)
    };
    assert_eq!(recorded(run(&mut machine, 1)), EntryId(2));
    assert_eq!(run(&mut machine, 1), Outcome::Replayed(EntryId(2)));
    assert_eq!(refused(run(&mut machine, 2)).code(), "idempotency_conflict");
}

#[test]
fn an_expired_override_does_not_hide_an_older_one() {
    let (mut machine, decision) = denied();
    let short = ExecuteOverride { expires_at: Some(Timestamp(HOUR)), ..executive(decision) };
    let first = made(&mut machine, 200, short);
    // Once the first has expired there is something to override again.
    let long = ExecuteOverride { expires_at: Some(Timestamp(9 * HOUR)), ..executive(decision) };
    let second = made(&mut machine, HOUR, long);
    assert_eq!(override_ids(&machine.store, decision).unwrap(), [first, second]);
    assert_eq!(status(&machine, first, 2 * HOUR), OverrideStatus::Expired);
    let found = effective(&machine.store, decision, Verdict::Denied, Timestamp(2 * HOUR)).unwrap();
    assert!(matches!(found.basis, Basis::Override(id, _) if id == second));
    // By its own clock a node may still see the first.
    let found = effective(&machine.store, decision, Verdict::Denied, Timestamp(300)).unwrap();
    assert!(matches!(found.basis, Basis::Override(id, _) if id == second));
    machine.run_as(LEO, 2 * HOUR, review(second, ReviewVerdict::Reversed));
    let found = effective(&machine.store, decision, Verdict::Denied, Timestamp(300)).unwrap();
    assert!(matches!(found.basis, Basis::Override(id, _) if id == first));
}

#[test]
fn a_second_person_with_a_role_reviews_once() {
    let (mut machine, decision) = denied();
    let id = made(&mut machine, 200, executive(decision));
    let upheld = || review(id, ReviewVerdict::Upheld);
    check(&mut machine, "act_human_user:maria", 300, upheld(), "not_authorised");
    check(&mut machine, JANE, 300, upheld(), "same_person");
    let unknown = review(OverrideId(Ulid(1)), ReviewVerdict::Upheld);
    check(&mut machine, LEO, 300, unknown, "unknown_override");
    let entry = recorded(machine.run_as(LEO, 300, upheld()));
    let stored = view::entry(&machine.store, entry).unwrap().unwrap();
    assert_eq!(stored.header.entry_type, EntryType::OverrideReviewed);
    let expect = format!(
        r#"{{"actor":"ai:x","authn":"none","by":"{LEO}","decision_id":"{decision}","override_id":"{id}","verdict":"upheld"}}"#
    );
    assert_eq!(stored.data.unwrap().text, expect);
    assert_eq!(stored.personal.unwrap().text, r#"{"notes":"seen"}"#);
    let again = review(id, ReviewVerdict::Reversed);
    check(&mut machine, "act_human_user:security_officer", 400, again, "already_reviewed");
    let shown = view::override_of(&machine.store, id).unwrap().unwrap().review.unwrap();
    assert_eq!((shown.by.as_deref(), shown.notes.as_deref()), (Some(LEO), Some("seen")));
    assert_eq!((shown.at, shown.entry_id), (Timestamp(300), entry));
    // What was reviewed in time does not lapse.
    machine.run(400 * DAY, Command::Tick);
    assert_eq!(status(&machine, id, 400 * DAY), OverrideStatus::Active);
    assert_eq!(view::head(&machine.store).unwrap().size(), 4);
}

#[test]
fn reversing_takes_the_token_with_it() {
    let (mut machine, decision) = denied();
    let id = made(&mut machine, 200, executive(decision));
    let token = issued(&mut machine, 300, decision);
    let entry = recorded(machine.run_as(LEO, 400, review(id, ReviewVerdict::Reversed)));
    let record = view::token(&machine.store, token).unwrap().unwrap();
    assert_eq!(record.revoked, Some(entry));
    assert_eq!(status(&machine, id, 400), OverrideStatus::Reversed);
    assert_eq!(comes_to(&machine, decision, 400), (Verdict::Denied, "decision"));
    check(&mut machine, "", 500, issue(decision), "not_allowed");
}

#[test]
fn upholding_or_reversing_another_leaves_the_token() {
    let (mut machine, decision) = denied();
    let short = ExecuteOverride { expires_at: Some(Timestamp(HOUR)), ..executive(decision) };
    let first = made(&mut machine, 200, short);
    let second = made(&mut machine, HOUR, executive(decision));
    let token = issued(&mut machine, 2 * HOUR, decision);
    let at = 2 * HOUR + 1;
    recorded(machine.run_as(LEO, at, review(first, ReviewVerdict::Reversed)));
    recorded(machine.run_as(LEO, at, review(second, ReviewVerdict::Upheld)));
    assert_eq!(token_status(&machine, token, at), governance::token::Status::Active);
}

#[test]
fn what_nobody_reviews_in_time_lapses_with_its_token() {
    let (mut machine, decision) = denied();
    let id = made(&mut machine, 200, executive(decision));
    let due = 200 + 30 * DAY;
    assert_eq!(deadline::next(&machine.store).unwrap(), Some(Timestamp(due)));
    machine.run_by("n1", due - 2, Command::Tick);
    let token = issued(&mut machine, due - 1, decision);
    assert_eq!(status(&machine, id, due - 1), OverrideStatus::Active);
    // Its time is over before anybody has said so.
    assert_eq!(status(&machine, id, due), OverrideStatus::Lapsed);
    machine.run_by("n1", due, Command::Tick);
    let entry = view::entry(&machine.store, EntryId(4)).unwrap().unwrap();
    assert_eq!(entry.header.entry_type, EntryType::OverrideLapsed);
    let expect = format!(
        r#"{{"actor":"ai:x","authn":"node","by":"n1","decision_id":"{decision}","override_id":"{id}","review_required_by":"{}"}}"#,
        Timestamp(due)
    );
    assert_eq!(entry.data.unwrap().text, expect);
    assert_eq!(token_status(&machine, token, due), governance::token::Status::Expired);
    machine.run_by("n1", due + DAY, Command::Tick);
    assert_eq!(view::head(&machine.store).unwrap().size(), 5);
    assert_eq!(deadline::next(&machine.store).unwrap(), None);
    // Somebody may still say whether it was right; that does not revive it.
    recorded(machine.run_as(LEO, due + DAY, review(id, ReviewVerdict::Upheld)));
    assert_eq!(status(&machine, id, due + DAY), OverrideStatus::Lapsed);
    assert_eq!(comes_to(&machine, decision, due + DAY).0, Verdict::Denied);
}

#[test]
fn a_review_that_comes_before_the_sweep_and_too_late_keeps_nothing() {
    let (mut machine, decision) = denied();
    let id = made(&mut machine, 200, executive(decision));
    let due = 200 + 30 * DAY;
    let token = issued(&mut machine, due - 1, decision);
    assert_eq!(token_status(&machine, token, due - 1), governance::token::Status::Active);
    let entry = recorded(machine.run_as(LEO, due, review(id, ReviewVerdict::Upheld)));
    assert_eq!(status(&machine, id, due), OverrideStatus::Lapsed);
    assert_eq!(token_status(&machine, token, due), governance::token::Status::Expired);
    machine.run(due + DAY, Command::Tick);
    assert_eq!(view::head(&machine.store).unwrap().size(), entry.0 + 1);
}

#[test]
fn what_waits_for_a_review_is_listed_most_overdue_first() {
    let (mut machine, decision) = denied();
    let made_of = |machine: &mut Machine, actor: &str, kind| {
        let decision = decided(machine, 200, actor);
        made(machine, 200, asking(decision, kind))
    };
    let first = made_of(&mut machine, "ai:1", OverrideKind::RiskAccepted);
    let urgent = made_of(&mut machine, "ai:2", OverrideKind::EmergencyBypass);
    let last = made(&mut machine, 300, executive(decision));
    let page = |machine: &Machine, after, limit| {
        let page = view::unreviewed_overrides(&machine.store, after, limit).unwrap();
        let ids: Vec<OverrideId> = page.overrides.iter().map(|found| found.id).collect();
        (ids, page.next, (page.total, page.total_exact))
    };
    assert_eq!(page(&machine, None, 9), (vec![urgent, first, last], None, (3, true)));
    let (ids, next, _) = page(&machine, None, 2);
    assert_eq!(ids, [urgent, first]);
    assert_eq!(page(&machine, next, 2), (vec![last], None, (3, true)));
    machine.run_as(LEO, 400, review(first, ReviewVerdict::Upheld));
    machine.run(4 * DAY, Command::Tick);
    assert_eq!(status(&machine, urgent, 4 * DAY), OverrideStatus::Lapsed);
    assert_eq!(page(&machine, None, 9), (vec![urgent, last], None, (2, true)));
    machine.run_as(LEO, 4 * DAY, review(urgent, ReviewVerdict::Reversed));
    assert_eq!(page(&machine, None, 9).0, [last]);
    let end = Some(ReviewPlace { at: Timestamp(u64::MAX), entry: EntryId(u64::MAX) });
    assert_eq!(page(&machine, end, 9), (vec![], None, (1, true)));
}

#[test]
fn erasing_the_texts_leaves_the_effect() {
    let (mut machine, decision) = denied();
    let id = made(&mut machine, 200, executive(decision));
    let reviewed = recorded(machine.run_as(LEO, 300, review(id, ReviewVerdict::Upheld)));
    machine.run(400, erase(ErasedPart::Personal, EntryId(2)));
    machine.run(400, erase(ErasedPart::All, reviewed));
    let shown = view::override_of(&machine.store, id).unwrap().unwrap();
    assert_eq!(
        (shown.personal, shown.record.status(Timestamp(400))),
        (None, OverrideStatus::Active)
    );
    let review = shown.review.unwrap();
    assert_eq!((review.verdict, review.by, review.notes), (ReviewVerdict::Upheld, None, None));
    assert_eq!(comes_to(&machine, decision, 400), (Verdict::Allowed, "override"));
}

#[test]
fn an_override_that_is_erased_whole_has_no_effect_and_waits_for_nothing() {
    let (mut machine, decision) = denied();
    let id = made(&mut machine, 200, executive(decision));
    machine.run(400, erase(ErasedPart::All, EntryId(2)));
    assert_eq!(view::override_of(&machine.store, id).unwrap(), Err(Absent::Erased));
    assert_eq!(view::overrides_of(&machine.store, decision).unwrap(), []);
    assert_eq!(comes_to(&machine, decision, 400), (Verdict::Denied, "decision"));
    check(&mut machine, LEO, 500, review(id, ReviewVerdict::Upheld), "erased");
    let rows = |table| machine.store.rows().filter(|(of, ..)| *of == table).count();
    assert_eq!((rows(Table::OverrideUnreviewed), rows(Table::Deadline)), (0, 0));
    let tells_jane = machine.store.rows().any(|(table, _, value)| {
        table == Table::Override && value.windows(JANE.len()).any(|part| part == JANE.as_bytes())
    });
    assert!(!tells_jane);
    machine.run(40 * DAY, Command::Tick);
    let unknown = view::override_of(&machine.store, OverrideId(Ulid(1))).unwrap();
    assert_eq!(unknown, Err(Absent::Unknown));
}

#[test]
fn a_lapse_needs_no_content_of_the_decision() {
    let (mut machine, decision) = denied();
    let id = made(&mut machine, 200, executive(decision));
    machine.run(400, erase(ErasedPart::All, EntryId(1)));
    machine.run(31 * DAY, Command::Tick);
    assert_eq!(status(&machine, id, 31 * DAY), OverrideStatus::Lapsed);
    let entry = view::entry(&machine.store, EntryId(4)).unwrap().unwrap();
    let told = data(&machine, EntryId(4));
    assert_eq!(entry.header.entry_type, EntryType::OverrideLapsed);
    assert_eq!(told.get("actor").and_then(Json::as_str), Some("ai:x"));
}

#[test]
fn one_decision_is_overridden_a_thousand_times_at_most() {
    let (mut machine, decision) = denied();
    for n in 0..1_000 {
        let at = 1_000 + n * 10;
        let expires_at = Some(Timestamp(at + 5));
        made(&mut machine, at, ExecuteOverride { expires_at, ..executive(decision) });
    }
    let why = check(&mut machine, JANE, DAY, command(executive(decision)), "not_allowed");
    assert_eq!(why, Rejection::TooMany { things: "overrides of this decision", there: 1_000 });
}

#[test]
fn the_commands_have_their_place_in_the_log() {
    let (_, decision) = denied();
    let id = OverrideId(Ulid(2));
    for command in
        [command(executive(decision)), review(id, ReviewVerdict::Reversed), issue(decision)]
    {
        let bytes = encode_envelope(&envelope(command.clone(), 1)).unwrap();
        assert_eq!(decode_envelope(&bytes).unwrap().command, command);
    }
}

#[test]
fn erasing_an_override_ends_the_token_it_yielded() {
    let (mut machine, decision) = denied();
    let id = made(&mut machine, 200, executive(decision));
    let token = issued(&mut machine, 300, decision);
    assert_eq!(token_status(&machine, token, 300), governance::token::Status::Active);
    let entry = view::override_of(&machine.store, id).unwrap().unwrap().record.entry_id;
    let outcome = machine.run(400, erase(ErasedPart::All, entry));
    assert!(matches!(outcome, Outcome::Erased(_)), "{outcome:?}");
    assert_eq!(token_status(&machine, token, 400), governance::token::Status::Revoked);
}
