//! What is kept, held and erased, and what that leaves of the answers.

use super::*;

use register::QueryOutcome::{Fail, Inconclusive, Pass};
use register::Standing;

const DAY_ONE: &str = "2027-01-01";

#[track_caller]
fn check(bench: &Bench, query: Query, expect: (QueryOutcome, u64, u64)) {
    let assessment = bench.assess();
    let result = assessment.result(query).unwrap();
    let got = (result.result, result.count, result.population);
    assert_eq!(got, expect, "{query}: {:?} {:?}", result.parameters, result.completeness);
}

impl Bench {
    fn hold(&mut self, id: &str, scope: Json) {
        let hold = [("hold_id", id.into()), ("scope", scope)];
        self.tell(checked("user_a"), EntryType::LegalHoldApplied, &hold);
    }

    fn release(&mut self, id: &str) {
        let hold = [("hold_id", id.into())];
        self.tell(checked("user_a"), EntryType::LegalHoldReleased, &hold);
    }

    /// A run as its entry says it.
    fn ran(&mut self, cause: &str, part: &str, ranges: &[(u64, u64)]) {
        let range = |(from, to): &(u64, u64)| {
            Json::object([("from", (*from).into()), ("to", (*to).into())])
        };
        let ranges = Json::Array(ranges.iter().map(range).collect());
        let run = [("cause", cause.into()), ("part", part.into()), ("ranges", ranges)];
        self.tell(checked("user_a"), EntryType::AnonymizationRun, &run);
    }

    fn assess_risk(
        &mut self,
        of: DecisionId,
        before: Option<RiskId>,
        score: u8,
        done: &str,
    ) -> EntryId {
        let dimensions = RiskInput { security: Some(score), ..RiskInput::default() };
        let mitigations = Some(done.to_owned()).filter(|done| !done.is_empty());
        let assess = AssessRisk {
            decision: of,
            dimensions,
            likelihood: None,
            impact: None,
            mitigations: mitigations.into_iter().collect(),
            supersedes: before,
            metadata: None,
        };
        self.recorded(checked("user_a"), Command::AssessRisk(Box::new(assess)))
    }
}

fn all() -> Json {
    Json::object([("kind", "all".into())])
}

fn entries(ids: &[u64]) -> Json {
    Json::object([("kind", "entries".into()), ("entry_ids", ids.to_vec().into())])
}

#[test]
fn what_a_hold_keeps_is_not_erased() {
    let mut bench = Bench::founded(DAY_ONE);
    bench.decide("ai:a");
    let held = bench.head().0;
    bench.hold("hold_1", entries(&[held]));
    check(&bench, Query::LegalHolds, (Pass, 1, 1));
    bench.ran("request", "personal", &[(0, 0)]);
    check(&bench, Query::LegalHolds, (Pass, 1, 1));
    check(&bench, Query::DisposalEvents, (Pass, 1, 1));
    check(&bench, Query::SubjectRequests, (Inconclusive, 1, 1));
    bench.ran("request", "personal", &[(held, held)]);
    check(&bench, Query::LegalHolds, (Fail, 0, 1));
    check(&bench, Query::RetentionStatus, (Pass, 2, 2));
    // By time nothing goes before its time.
    bench.ran("retention", "personal", &[(held, held)]);
    check(&bench, Query::RetentionStatus, (Fail, 2, 3));
}

#[test]
fn a_hold_of_everything_keeps_what_came_after_it_too() {
    let mut bench = Bench::founded(DAY_ONE);
    bench.hold("hold_1", all());
    bench.decide("ai:a");
    let later = bench.head().0;
    check(&bench, Query::LegalHolds, (Pass, 1, 1));
    bench.ran("request", "personal", &[(later, later)]);
    check(&bench, Query::LegalHolds, (Fail, 0, 1));
}

#[test]
fn what_was_released_may_be_erased() {
    let mut bench = Bench::founded(DAY_ONE);
    bench.decide("ai:a");
    let held = bench.head().0;
    bench.hold("hold_1", all());
    bench.hold("hold_2", entries(&[held]));
    bench.release("hold_1");
    bench.release("hold_2");
    bench.ran("request", "personal", &[(held, held)]);
    check(&bench, Query::LegalHolds, (Pass, 2, 2));
}

/// Asks for a decision that has a personal part.
fn decide(bench: &mut Bench) -> EntryId {
    let mut context = Object::new();
    context.insert("patient", "p1");
    bench.decide_as(checked("gateway"), Decide { context, ..asking("ai:a") });
    bench.head()
}

#[test]
fn what_is_past_its_time_and_left_is_seen() {
    let mut bench = Bench::founded(DAY_ONE);
    let old = decide(&mut bench);
    check(&bench, Query::RetentionStatus, (Inconclusive, 0, 0));
    bench.at += 186 * DAY;
    decide(&mut bench);
    check(&bench, Query::RetentionStatus, (Fail, 0, 1));
    bench.erase(old, ErasedPart::Personal);
    check(&bench, Query::RetentionStatus, (Pass, 2, 2));
    // Up to the entry before, it was still there.
    let before = EntryId(bench.head().0 - 1);
    let result = |bench: &Bench, as_of| {
        let assessment = assess(&bench.store, as_of).unwrap();
        assessment.result(Query::RetentionStatus).unwrap().result
    };
    assert_eq!(result(&bench, before), Fail);
    // What went later takes nothing back of what had gone before.
    let between = bench.head();
    decide(&mut bench);
    bench.erase(old, ErasedPart::All);
    assert_eq!(result(&bench, between), Pass);
}

#[test]
fn many_that_nobody_looked_at_do_not_make_up_for_one_that_is_left() {
    let mut bench = Bench::founded(DAY_ONE);
    let old: Vec<EntryId> = (0..200).map(|_| decide(&mut bench)).collect();
    bench.at += 186 * DAY;
    decide(&mut bench);
    for id in &old[..old.len() - 1] {
        bench.erase(*id, ErasedPart::Personal);
    }
    // Of 201 entries 64 at either end, less the first, which has nothing personal.
    check(&bench, Query::RetentionStatus, (Fail, 127 + 199 - 1, 127 + 199));
}

#[test]
fn a_stop_that_is_not_lifted_keeps_what_it_is_about() {
    let mut bench = Bench::founded(DAY_ONE);
    let jane = Principal { id: "act_human_user:executive:jane".to_owned(), ..Principal::nobody() };
    bench.intervene(jane.clone(), InterventionType::EmergencyStop);
    let stop = bench.word(bench.head(), "stop_id").parse().unwrap();
    bench.at += 186 * DAY;
    bench.tell(checked("user_a"), EntryType::LoginFailed, &[]);
    check(&bench, Query::RetentionStatus, (Inconclusive, 0, 0));
    let lift = crate::command::LiftStop { stop, reason: "over".to_owned() };
    bench.recorded(jane, Command::LiftStop(lift));
    check(&bench, Query::RetentionStatus, (Inconclusive, 0, 0));
    bench.at += 186 * DAY;
    bench.decide("ai:a");
    check(&bench, Query::RetentionStatus, (Fail, 0, 1));
}

#[test]
fn what_a_hold_kept_until_now_goes_with_the_next_round() {
    let mut bench = Bench::founded(DAY_ONE);
    decide(&mut bench);
    bench.hold("hold_1", all());
    bench.at += 186 * DAY;
    bench.release("hold_1");
    check(&bench, Query::RetentionStatus, (Inconclusive, 1, 1));
    bench.at += 2 * DAY;
    bench.tell(checked("user_a"), EntryType::LoginFailed, &[]);
    check(&bench, Query::RetentionStatus, (Fail, 0, 1));
}

#[test]
fn what_is_of_high_risk_is_kept_for_ten_years() {
    let mut bench = Bench::founded(DAY_ONE);
    bench.load_policy(checked("user_a"));
    bench.decide("ai:a");
    let allowed = bench.head().0;
    bench.decide("ai:b");
    bench.at += 184 * DAY;
    bench.ran("retention", "all", &[(allowed, allowed)]);
    check(&bench, Query::RetentionStatus, (Pass, 1, 1));
    bench.ran("retention", "all", &[(allowed, allowed + 1)]);
    check(&bench, Query::RetentionStatus, (Fail, 1, 2));
}

#[test]
fn what_is_of_high_risk_goes_after_ten_years() {
    for (days, expect) in [(3_649, (Fail, 1, 2)), (3_650, (Pass, 2, 2))] {
        let mut bench = Bench::founded(DAY_ONE);
        bench.decide("ai:b");
        let denied = bench.head();
        bench.erase(denied, ErasedPart::Personal);
        bench.at += days * DAY;
        bench.ran("retention", "all", &[(denied.0, denied.0)]);
        check(&bench, Query::RetentionStatus, expect);
    }
}

impl Bench {
    fn keep(&mut self, personal: u64, high_risk: u64, days: u64) {
        let retention = Json::object([
            ("personal_days", personal.into()),
            ("high_risk_days", high_risk.into()),
            ("days", days.into()),
        ]);
        self.tell(Principal::node("n1"), EntryType::ConfigChanged, &[("retention", retention)]);
    }
}

#[test]
fn what_went_is_held_to_what_was_set_when_it_did() {
    let mut bench = Bench::founded(DAY_ONE);
    bench.decide("ai:a");
    bench.keep(183, 3_650, 400);
    bench.at += 184 * DAY;
    bench.ran("retention", "personal", &[(1, 1)]);
    check(&bench, Query::RetentionStatus, (Pass, 1, 1));
    bench.ran("retention", "all", &[(1, 1)]);
    check(&bench, Query::RetentionStatus, (Fail, 1, 2));
}

#[test]
fn a_row_that_wants_entries_kept_longer_than_is_set_is_not_fulfilled() {
    let mut bench = Bench::founded("2029-01-01");
    bench.load_policy(checked("user_a"));
    bench.decide("ai:a");
    bench.seal();
    let name = ("pci_dss", "10.5.1");
    let of = |bench: &Bench, name: (&str, &str)| {
        let assessment = bench.assess();
        let item = assessment.item(name.0, name.1).unwrap();
        let mut all = item.evidence.iter();
        let status = all.find(|result| result.query == Query::RetentionStatus).unwrap();
        (item.detail, status.result, status.digest)
    };
    let (detail, result, digest) = of(&bench, name);
    assert_eq!((detail, result), (Detail::Failing, Fail));
    // Of another row nothing of that is said.
    let (_, result, other) = of(&bench, ("soc2", "C1.1"));
    assert_eq!(result, Inconclusive);
    assert_ne!(digest, other);
    bench.keep(183, 3_650, 365);
    assert_eq!(of(&bench, name).1, Inconclusive);
    assert_eq!(of(&bench, ("fedramp", "AU-11")).1, Fail);
    bench.keep(183, 3_650, 913);
    assert_eq!(of(&bench, ("fedramp", "AU-11")).1, Inconclusive);
}

#[test]
fn a_risk_that_was_superseded_stays_so_when_the_later_one_is_erased() {
    let mut bench = Bench::founded(DAY_ONE);
    let decision = bench.decide("ai:a");
    let first = bench.assess_risk(decision, None, 80, "");
    let before = bench.word(first, "risk_id").parse().unwrap();
    check(&bench, Query::RiskRegister, (Fail, 0, 1));
    let as_of = bench.head();
    let second = bench.assess_risk(decision, Some(before), 30, "limit the amount");
    check(&bench, Query::RiskRegister, (Pass, 1, 1));
    bench.erase(second, ErasedPart::All);
    check(&bench, Query::RiskRegister, (Inconclusive, 0, 0));
    let then = assess(&bench.store, as_of).unwrap();
    assert_eq!(then.result(Query::RiskRegister).unwrap().result, Fail);
}

#[test]
fn of_a_risk_that_is_erased_nobody_can_say_that_it_was_looked_at() {
    let mut bench = Bench::founded(DAY_ONE);
    let low = bench.decide("ai:a");
    let low = bench.assess_risk(low, None, 30, "limit the amount");
    bench.at += 360 * DAY;
    let high = bench.decide("ai:a");
    bench.assess_risk(high, None, 80, "limit the amount");
    check(&bench, Query::RiskReviewAge, (Pass, 2, 2));
    bench.erase(low, ErasedPart::All);
    for query in [Query::RiskRegister, Query::RiskReviewAge] {
        check(&bench, query, (Inconclusive, 1, 1));
    }
}

#[test]
fn an_account_that_ended_is_not_taken_for_one_when_its_end_is_erased() {
    let mut bench = Bench::founded(DAY_ONE);
    let create = |bench: &mut Bench, name: &str| {
        let create = CreateUser {
            username: name.to_owned(),
            email: format!("{name}@example.org"),
            full_name: None,
            role: crate::access::AccountRole::Admin,
            oversight: Vec::new(),
            password_hash: format!("$argon2id${name}"),
        };
        bench.recorded(Principal::socket("n1"), Command::CreateUser(Box::new(create)))
    };
    let made = create(&mut bench, "ana");
    create(&mut bench, "leo");
    check(&bench, Query::MfaCoverage, (Fail, 0, 2));
    let user: UserId = bench.word(made, "user_id").parse().unwrap();
    let (change, reason) = (UserChange::Disable, "left".to_owned());
    let disable = Command::ChangeUser(Box::new(ChangeUser { user, change, reason }));
    let ended = bench.recorded(Principal::socket("n1"), disable);
    check(&bench, Query::MfaCoverage, (Fail, 0, 1));
    bench.erase(ended, ErasedPart::All);
    check(&bench, Query::MfaCoverage, (Fail, 0, 1));
}

/// How what was linked to a control stands.
fn standing(bench: &Bench, name: (&str, &str)) -> Standing {
    let assessment = bench.assess();
    assessment.item(name.0, name.1).unwrap().artifacts[0].standing
}

#[test]
fn what_nobody_knows_who_brought_is_vouched_for_by_nobody() {
    let name = ("soc2", "CC1.2");
    let key = types::ApiKeyId(Ulid(9));
    let owned = |owner: &str| crate::record::ApiKeyRecord {
        entry_id: EntryId(0),
        owner: owner.to_owned(),
        name: "key".to_owned(),
        hash: types::Digest::default(),
        actor_prefixes: Vec::new(),
        permissions: crate::access::Permissions::NONE,
        created_at: Timestamp(0),
        expires_at: None,
        last_used_at: None,
        revoked: None,
    };
    let of_key = checked(&key.to_string());
    let claimed = Principal { id: "act_human_user:maria".to_owned(), ..Principal::nobody() };
    for (who, owner, expect) in [
        (checked("user_a"), None, Standing::Valid),
        (checked("user_m"), None, Standing::Unapproved),
        (of_key.clone(), Some("user_a"), Standing::Valid),
        (of_key.clone(), Some("user_m"), Standing::Unapproved),
        (of_key.clone(), Some(""), Standing::Unapproved),
        // The key is erased.
        (of_key, None, Standing::Unapproved),
        (claimed, None, Standing::Unapproved),
    ] {
        let mut bench = Bench::founded(DAY_ONE);
        if let Some(owner) = owner {
            let record = crate::codec::encode("api_key", &owned(owner)).unwrap();
            crate::store::Store::put(&mut bench.store, Table::ApiKey, &key.0.key(), &record);
        }
        let artifact = bench.artifact(who.clone());
        bench.link(name, &artifact, &[EvidenceKind::Minutes]);
        bench.attest(checked("user_m"), name, &artifact, None);
        assert_eq!(standing(&bench, name), expect, "{} of {owner:?}", who.id);
    }
}

/// Which are the newest of all controls says nothing of one of them.
#[test]
fn what_was_brought_long_ago_is_not_hidden_by_what_others_bring() {
    let mut bench = Bench::founded(DAY_ONE);
    let name = ("soc2", "CC1.2");
    bench.complete(name, None);
    let artifact = bench.artifact(checked("user_a"));
    for _ in 0..=LOOKED_AT_MAX {
        bench.link(("soc2", "CC6.2"), &artifact, &[EvidenceKind::Minutes]);
    }
    assert_eq!(standing(&bench, name), Standing::Valid);
}
