//! The rules of matching and of the evaluation order, one by one, each with its
//! refusal beside it.

mod engines;

use std::cell::Cell;

use types::{Json, Object, Timestamp, Ulid};

use super::*;
use crate::document::Document;
use crate::request::{Allowed, NoHistory, PAIRS_MAX, STEPS_MAX};
use crate::words::{Engine, Op};

/// What most policies here are about.
const TERMS: &str = r#"
    {"id":"actor:bot","type":"actor","name":"The bot"},{"id":"actor:clerk","type":"actor"},
    {"id":"actor:staff","type":"actor"},{"id":"actor:person","type":"actor"},
    {"id":"action:read","type":"action"},{"id":"action:write","type":"action"},
    {"id":"action:pay","type":"action"},{"id":"action:approve","type":"action"},
    {"id":"data:name","type":"data_class"},{"id":"data:card","type":"data_class"},
    {"id":"data:pii","type":"data_class"},
    {"id":"resource:claim","type":"resource","name":"the claim"},
    {"id":"office_hours","type":"constraint","key":"hour","op":"between","value":[9,17]}"#;

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|err| panic!("{err}: {text}"))
}

#[track_caller]
fn compile(text: &str) -> Compiled {
    let (document, _) = Document::parse(&json(text)).unwrap_or_else(|faults| panic!("{faults:?}"));
    Compiled::new(&document).unwrap()
}

/// Relations between the usual terms.
#[track_caller]
fn policy(relations: &str) -> Compiled {
    compile(&format!(r#"{{"terms":[{TERMS}],"relations":[{relations}]}}"#))
}

/// The usual terms, and constraints beside a permit for everything.
#[track_caller]
fn constrained(constraints: &str) -> Compiled {
    compile(&format!(
        r#"{{"terms":[{TERMS}],"relations":[{{"type":"permits","source":"*"}}],"constraints":[{constraints}]}}"#
    ))
}

/// A request as JSON: `actor` and `action` by default the bot and its reading.
struct Ask {
    json: Object,
    classes: Vec<String>,
    context: Object,
}

impl Ask {
    fn new(text: &str) -> Self {
        let json = json(text).as_object().unwrap().clone();
        let classes = json.get("data_classes").and_then(Json::as_array).unwrap_or_default();
        let classes = classes.iter().map(|class| class.as_str().unwrap().to_owned()).collect();
        let context = json.get("context").and_then(Json::as_object).cloned().unwrap_or_default();
        Self { json, classes, context }
    }

    fn request(&self) -> Request<'_> {
        let text = |key| self.json.get(key).and_then(Json::as_str);
        let number = |key| self.json.get(key).and_then(Json::as_u64);
        let at = text("at").unwrap_or("2027-03-04T05:06:07Z");
        Request {
            actor: text("actor").unwrap_or("bot"),
            action: text("action").unwrap_or("read"),
            resource: text("resource"),
            tool: text("tool"),
            data_classes: &self.classes,
            context: &self.context,
            risk_score: number("risk").map_or(1, |score| u32::try_from(score).unwrap()),
            risk_level: "low",
            mode: text("mode").map(|mode| Mode::parse(mode).unwrap()),
            at: at.parse::<Timestamp>().unwrap(),
            steps_max: number("steps_max").map_or(STEPS_MAX, |steps| u32::try_from(steps).unwrap()),
            engine: number("engine").map_or(Engine::NEWEST, |of| Engine::from_number(of).unwrap()),
        }
    }
}

#[track_caller]
fn ask(policy: &Compiled, request: &str) -> Evaluation {
    evaluate(policy, &Ask::new(request).request(), &NoHistory).unwrap()
}

/// Evaluates and compares `outcome reason_code`.
#[track_caller]
fn check(policy: &Compiled, request: &str, expect: &str) {
    let evaluation = ask(policy, request);
    let got = format!("{} {}", evaluation.outcome, evaluation.reason_code);
    assert_eq!(got, expect, "{request}\n{evaluation:#?}");
}

const PERMITTED: &str = "allowed permitted";
const NO_PERMIT: &str = "denied no_permit";
const FORBIDDEN: &str = "denied forbidden";
const CONFLICT: &str = "denied conflict";
const UNMET: &str = "denied obligation_unmet";

const BOT_READS: &str = r#"{"type":"permits","source":"actor:bot","target":"action:read"}"#;

struct Past(Vec<(&'static str, Option<&'static str>)>, Cell<u32>);

impl Past {
    fn of(past: &[(&'static str, Option<&'static str>)]) -> Self {
        Self(past.to_vec(), Cell::new(0))
    }
}

impl History for Past {
    type Error = &'static str;

    fn allowed(&self, actor: &str, pairs_max: usize) -> Result<Option<Vec<Allowed>>, Self::Error> {
        self.1.set(self.1.get().saturating_add(1));
        if actor != "bot" {
            return Err("not the actor of the request");
        }
        if pairs_max < self.0.len() {
            return Ok(None);
        }
        let allowed = self.0.iter().zip(1..).map(|((action, resource), id)| Allowed {
            action: (*action).to_owned(),
            resource: resource.map(str::to_owned),
            decision: DecisionId(Ulid(id)),
        });
        Ok(Some(allowed.collect()))
    }
}

#[test]
fn strict_asks_for_a_permit() {
    check(&policy(BOT_READS), "{}", PERMITTED);
    check(&policy(""), "{}", NO_PERMIT);
    check(&policy(BOT_READS), r#"{"action":"write"}"#, NO_PERMIT);
    check(&policy(BOT_READS), r#"{"actor":"clerk"}"#, NO_PERMIT);
}

#[test]
fn the_empty_policy_denies() {
    let empty = Compiled::new(&Document::empty()).unwrap();
    check(&empty, "{}", NO_PERMIT);
    assert_eq!(ask(&empty, "{}").reason, "Action not explicitly permitted");
}

#[test]
fn permissive_allows_unless_something_forbids() {
    let of = |relation: &str| {
        compile(&format!(r#"{{"mode":"permissive","terms":[{TERMS}],"relations":[{relation}]}}"#))
    };
    check(&of(""), "{}", "allowed permissive_default");
    assert_eq!(ask(&of(""), "{}").reason, "Permitted by 0 rule(s), no conflicts");
    check(&of(BOT_READS), "{}", PERMITTED);
    check(&of(r#"{"type":"forbids","source":"*","target":"action:read"}"#), "{}", FORBIDDEN);
    check(&of(r#"{"type":"requires","source":"*","target":"action:read"}"#), "{}", UNMET);
}

#[test]
fn a_permit_that_covers_only_a_part_permits_nothing() {
    let policy = compile(&format!(
        r#"{{"mode":"permissive","terms":[{TERMS}],"relations":[
        {{"type":"permits","source":"actor:bot","target":"action:read","object":"data:name","justification":"Names"}}]}}"#
    ));
    assert_eq!(ask(&policy, r#"{"data_classes":["name"]}"#).reason, "Names");
    let part = ask(&policy, r#"{"data_classes":["name","card"]}"#);
    assert_eq!(part.reason_code, ReasonCode::PermissiveDefault);
    assert_eq!(part.reason, "Permitted by 0 rule(s), no conflicts");
}

#[test]
fn paranoid_denies_everything() {
    let paranoid =
        compile(&format!(r#"{{"mode":"paranoid","terms":[{TERMS}],"relations":[{BOT_READS}]}}"#));
    check(&paranoid, "{}", "denied paranoid");
    let evaluation = ask(&paranoid, "{}");
    assert_eq!(evaluation.reason, "Paranoid mode denies every request");
    assert!(evaluation.matched[0].applies, "an audit sees what would have applied");
}

#[test]
fn a_request_may_tighten_the_mode_and_not_loosen_it() {
    check(&policy(BOT_READS), r#"{"mode":"paranoid"}"#, "denied paranoid");
    check(&policy(""), r#"{"mode":"permissive"}"#, NO_PERMIT);
    let permissive = compile(r#"{"mode":"permissive","terms":[]}"#);
    check(&permissive, r#"{"mode":"strict"}"#, NO_PERMIT);
    assert_eq!(ask(&permissive, r#"{"mode":"strict"}"#).mode, Mode::Strict);
}

#[test]
fn a_term_answers_to_id_bare_id_and_label_and_to_nothing_else() {
    let policy = policy(BOT_READS);
    for actor in ["actor:bot", "bot", "The bot"] {
        check(&policy, &format!(r#"{{"actor":"{actor}"}}"#), PERMITTED);
    }
    for actor in ["b", "o", "bo", "bot2", "Bot", "actor", "actor:", "data:bot", "bot:x", "the bot"]
    {
        check(&policy, &format!(r#"{{"actor":"{actor}"}}"#), NO_PERMIT);
    }
    check(&policy, r#"{"action":"action:read"}"#, PERMITTED);
    check(&policy, r#"{"action":"rea"}"#, NO_PERMIT);
}

#[test]
fn a_pattern_asks_for_one_more_segment() {
    let policy = policy(r#"{"type":"permits","source":"actor:ai:*","target":"action:read"}"#);
    for actor in ["ai:x", "ai:x:y", "actor:ai:x"] {
        check(&policy, &format!(r#"{{"actor":"{actor}"}}"#), PERMITTED);
    }
    for actor in ["ai", "ai:", "aix:x", "x:ai:y"] {
        check(&policy, &format!(r#"{{"actor":"{actor}"}}"#), NO_PERMIT);
    }
}

#[test]
fn a_star_matches_everything() {
    check(&policy(r#"{"type":"permits","source":"*"}"#), "{}", PERMITTED);
    let clerk = policy(r#"{"type":"permits","source":"actor:clerk","target":"*"}"#);
    check(&clerk, r#"{"actor":"clerk","action":"anything at all"}"#, PERMITTED);
    check(&clerk, "{}", NO_PERMIT);
}

#[test]
fn a_prohibition_is_not_escaped_by_another_spelling() {
    let policy = compile(
        r#"{"terms":[{"id":"bot","type":"actor"}],"relations":[
            {"type":"permits","source":"*"},{"type":"forbids","source":"bot","target":"*"}]}"#,
    );
    check(&policy, r#"{"actor":"bot"}"#, FORBIDDEN);
    check(&policy, r#"{"actor":"actor:bot"}"#, FORBIDDEN);
    check(&policy, r#"{"actor":"clerk"}"#, PERMITTED);
}

#[test]
fn a_permit_takes_the_word_as_it_is_written() {
    let policy = compile(
        r#"{"terms":[{"id":"bot","type":"actor"}],"relations":[
            {"type":"permits","source":"bot","target":"*"}]}"#,
    );
    check(&policy, r#"{"actor":"bot"}"#, PERMITTED);
    check(&policy, r#"{"actor":"actor:bot"}"#, NO_PERMIT);
}

#[test]
fn a_relation_covers_what_is_a_kind_of_its_ends() {
    let kinds = r#"{"type":"implies","source":"actor:clerk","target":"actor:staff"},
        {"type":"implies","source":"actor:staff","target":"actor:person"},
        {"type":"implies","source":"action:read","target":"action:write"},
        {"type":"permits","source":"actor:person","target":"action:write"}"#;
    let policy = policy(kinds);
    for actor in ["clerk", "staff", "person"] {
        check(&policy, &format!(r#"{{"actor":"{actor}"}}"#), PERMITTED);
    }
    check(&policy, r#"{"actor":"bot"}"#, NO_PERMIT);
    check(&policy, r#"{"actor":"clerk","action":"pay"}"#, NO_PERMIT);
}

#[test]
fn kinds_do_not_lead_downwards() {
    let policy = policy(
        r#"{"type":"implies","source":"actor:clerk","target":"actor:staff"},
        {"type":"permits","source":"actor:clerk","target":"action:read"}"#,
    );
    check(&policy, r#"{"actor":"clerk"}"#, PERMITTED);
    check(&policy, r#"{"actor":"staff"}"#, NO_PERMIT);
}

#[test]
fn a_kind_of_a_term_is_covered_by_the_patterns_over_that_term() {
    let policy = compile(
        r#"{"terms":[{"id":"actor:team:blue","type":"actor"},{"id":"actor:ann","type":"actor"}],
        "relations":[{"type":"implies","source":"actor:ann","target":"actor:team:blue"},
        {"type":"permits","source":"*"},{"type":"forbids","source":"actor:team:*","target":"*"}]}"#,
    );
    check(&policy, r#"{"actor":"ann"}"#, FORBIDDEN);
    check(&policy, r#"{"actor":"bob"}"#, PERMITTED);
}

#[test]
fn a_pattern_can_be_a_kind_of_a_term() {
    let policy = policy(
        r#"{"type":"implies","source":"ai:*","target":"actor:staff"},
        {"type":"permits","source":"actor:staff","target":"action:read"}"#,
    );
    check(&policy, r#"{"actor":"ai:x"}"#, PERMITTED);
    check(&policy, r#"{"actor":"ai"}"#, NO_PERMIT);
}

#[test]
fn a_kind_with_a_condition_holds_for_permits_only_when_it_is_met() {
    let kind = r#"{"type":"implies","source":"actor:bot","target":"actor:staff","conditions":["on_duty"]}"#;
    let permit = policy(&format!(
        r#"{kind},{{"type":"permits","source":"actor:staff","target":"action:read"}}"#
    ));
    check(&permit, r#"{"context":{"on_duty":true}}"#, PERMITTED);
    check(&permit, r#"{"context":{"on_duty":false}}"#, NO_PERMIT);
    check(&permit, "{}", NO_PERMIT);
    let forbid = policy(&format!(
        r#"{kind},{BOT_READS},{{"type":"forbids","source":"actor:staff","target":"action:read"}}"#
    ));
    check(&forbid, r#"{"context":{"on_duty":true}}"#, FORBIDDEN);
    check(&forbid, r#"{"context":{"on_duty":false}}"#, PERMITTED);
    check(&forbid, "{}", FORBIDDEN);
}

#[test]
fn every_data_class_must_be_covered_by_a_permit() {
    let name =
        r#"{"type":"permits","source":"actor:bot","target":"action:read","object":"data:name"}"#;
    let card =
        r#"{"type":"permits","source":"actor:bot","target":"action:read","object":"data:card"}"#;
    check(&policy(name), r#"{"data_classes":["name"]}"#, PERMITTED);
    check(&policy(name), r#"{"data_classes":["name","card"]}"#, NO_PERMIT);
    check(
        &policy(&format!("{name},{card}")),
        r#"{"data_classes":["name","data:card"]}"#,
        PERMITTED,
    );
    check(&policy(&format!("{name},{BOT_READS}")), r#"{"data_classes":["card"]}"#, PERMITTED);
    check(&policy(name), "{}", NO_PERMIT);
    check(&policy(name), r#"{"data_classes":["nam"]}"#, NO_PERMIT);
    assert!(!ask(&policy(name), r#"{"data_classes":["name","card"]}"#).matched[0].applies);
}

#[test]
fn a_permit_with_an_unmet_condition_covers_nothing() {
    let policy = policy(
        r#"{"type":"permits","source":"actor:bot","target":"action:read","object":"data:name"},
        {"type":"permits","source":"actor:bot","target":"action:read","object":"data:card","conditions":["masked"]}"#,
    );
    let with = |context: &str| format!(r#"{{"data_classes":["name","card"],"context":{context}}}"#);
    check(&policy, &with(r#"{"masked":true}"#), PERMITTED);
    check(&policy, &with("{}"), NO_PERMIT);
}

#[test]
fn a_data_class_may_be_a_kind_of_another() {
    let policy = policy(
        r#"{"type":"implies","source":"data:name","target":"data:pii"},
        {"type":"permits","source":"actor:bot","target":"action:read","object":"data:pii"}"#,
    );
    check(&policy, r#"{"data_classes":["name"]}"#, PERMITTED);
    check(&policy, r#"{"data_classes":["card"]}"#, NO_PERMIT);
}

#[test]
fn a_permit_for_a_resource_asks_for_that_resource() {
    let claim = r#"{"type":"permits","source":"actor:bot","target":"action:read","object":"resource:claim"}"#;
    check(&policy(claim), r#"{"resource":"claim"}"#, PERMITTED);
    check(&policy(claim), r#"{"resource":"the claim"}"#, PERMITTED);
    check(&policy(claim), r#"{"resource":"claims"}"#, NO_PERMIT);
    check(&policy(claim), "{}", NO_PERMIT);
    check(&policy(claim), r#"{"resource":"claim","data_classes":["name"]}"#, NO_PERMIT);
}

#[test]
fn a_prohibition_of_a_class_applies_to_it_and_when_none_is_named() {
    for kind in ["forbids", "requires"] {
        let expect = if kind == "forbids" { FORBIDDEN } else { UNMET };
        let class = policy(&format!(
            r#"{BOT_READS},{{"type":"{kind}","source":"actor:bot","target":"action:read","object":"data:card"}}"#
        ));
        check(&class, r#"{"data_classes":["name","card"]}"#, expect);
        check(&class, r#"{"data_classes":["name"]}"#, PERMITTED);
        check(&class, "{}", expect);
        let resource = policy(&format!(
            r#"{BOT_READS},{{"type":"{kind}","source":"actor:bot","target":"action:read","object":"resource:claim"}}"#
        ));
        check(&resource, r#"{"resource":"claim"}"#, expect);
        check(&resource, r#"{"resource":"resource:other"}"#, PERMITTED);
        check(&resource, r#"{"data_classes":["card"]}"#, expect);
    }
}

#[test]
fn an_object_pattern_without_a_kind_looks_at_both() {
    let policy =
        policy(r#"{"type":"permits","source":"actor:bot","target":"action:read","object":"eu:*"}"#);
    check(&policy, r#"{"data_classes":["eu:name"]}"#, PERMITTED);
    check(&policy, r#"{"resource":"eu:7"}"#, PERMITTED);
    check(&policy, r#"{"resource":"us:7"}"#, NO_PERMIT);
}

#[test]
fn a_condition_of_a_permit_must_be_met() {
    let policy = policy(
        r#"{"type":"permits","source":"actor:bot","target":"action:read","conditions":[{"purpose":"triage"},{"key":"n","op":"lt","value":5}]}"#,
    );
    check(&policy, r#"{"context":{"purpose":"triage","n":4}}"#, PERMITTED);
    check(&policy, r#"{"context":{"purpose":"triage","n":5}}"#, NO_PERMIT);
    check(&policy, r#"{"context":{"purpose":"other","n":4}}"#, NO_PERMIT);
    check(&policy, r#"{"context":{"n":4}}"#, NO_PERMIT);
}

#[test]
fn a_prohibition_applies_when_its_key_is_missing() {
    let policy = policy(&format!(
        r#"{BOT_READS},{{"type":"forbids","source":"actor:bot","target":"action:read",
            "conditions":[{{"key":"amount","op":"gt","value":100}},{{"country":"xx"}}]}}"#
    ));
    check(&policy, r#"{"context":{"amount":101,"country":"xx"}}"#, FORBIDDEN);
    check(&policy, r#"{"context":{"amount":100,"country":"xx"}}"#, PERMITTED);
    check(&policy, r#"{"context":{"country":"xx"}}"#, FORBIDDEN);
    check(&policy, r#"{"context":{"country":"yy"}}"#, PERMITTED);
    check(&policy, "{}", FORBIDDEN);
}

#[test]
fn a_named_condition_is_the_constraint_term() {
    let policy = policy(
        r#"{"type":"permits","source":"actor:bot","target":"action:read","conditions":"office_hours"}"#,
    );
    check(&policy, r#"{"context":{"hour":9}}"#, PERMITTED);
    check(&policy, r#"{"context":{"hour":18}}"#, NO_PERMIT);
    check(&policy, r#"{"context":{"office_hours":true}}"#, NO_PERMIT);
}

#[test]
fn obligations_must_be_met_by_the_context() {
    let policy = policy(&format!(
        r#"{BOT_READS},{{"type":"requires","source":"actor:bot","target":"action:read","conditions":["logged","office_hours"]}}"#
    ));
    check(&policy, r#"{"context":{"logged":true,"hour":12}}"#, PERMITTED);
    let met = ask(&policy, r#"{"context":{"logged":true,"hour":12}}"#);
    assert!(met.obligations.iter().all(|asked| asked.satisfied && asked.by == Some("context")));
    let unmet = ask(&policy, r#"{"context":{"hour":12}}"#);
    assert_eq!(unmet.reason_code, ReasonCode::ObligationUnmet);
    assert_eq!(unmet.reason, "Unmet obligation: logged");
    let states: Vec<_> = unmet
        .obligations
        .iter()
        .map(|asked| (&*asked.obligation, asked.satisfied, asked.by))
        .collect();
    assert_eq!(states, [("office_hours", true, Some("context")), ("logged", false, None)]);
}

#[test]
fn an_obligation_without_conditions_is_an_approval_and_no_context_meets_it() {
    let policy = policy(&format!(
        r#"{BOT_READS},{{"type":"requires","source":"actor:bot","target":"action:read"}}"#
    ));
    check(&policy, r#"{"context":{"approval":true}}"#, UNMET);
    assert_eq!(ask(&policy, "{}").reason, "Unmet obligation: approval");
}

const PAY_CONFLICTS: &str = r#"{"type":"permits","source":"*"},
    {"type":"conflicts","source":"action:pay","target":"action:approve","justification":"Four eyes"}"#;

#[track_caller]
fn conflicts(
    policy: &Compiled,
    request: &str,
    past: &[(&'static str, Option<&'static str>)],
    expect: &str,
) {
    let evaluation = evaluate(policy, &Ask::new(request).request(), &Past::of(past)).unwrap();
    let got = format!("{} {}", evaluation.outcome, evaluation.reason_code);
    assert_eq!(got, expect, "{request} after {past:?}");
}

#[test]
fn an_actor_is_not_allowed_both_sides_of_a_conflict() {
    let policy = policy(PAY_CONFLICTS);
    let (pay, approve) = (r#"{"action":"pay"}"#, r#"{"action":"approve"}"#);
    conflicts(&policy, pay, &[("approve", None)], CONFLICT);
    conflicts(&policy, approve, &[("action:pay", None)], CONFLICT);
    conflicts(&policy, pay, &[("pay", None)], PERMITTED);
    conflicts(&policy, pay, &[("read", None)], PERMITTED);
    conflicts(&policy, pay, &[], PERMITTED);
    conflicts(&policy, "{}", &[("pay", None), ("approve", None)], PERMITTED);
}

#[test]
fn a_conflict_is_about_one_resource() {
    let policy = policy(PAY_CONFLICTS);
    let pay = r#"{"action":"pay","resource":"claim"}"#;
    conflicts(&policy, pay, &[("approve", Some("claim"))], CONFLICT);
    conflicts(&policy, pay, &[("approve", Some("resource:claim"))], CONFLICT);
    conflicts(&policy, pay, &[("approve", Some("the claim"))], CONFLICT);
    conflicts(&policy, pay, &[("approve", Some("other"))], PERMITTED);
    conflicts(&policy, pay, &[("approve", None)], CONFLICT);
    conflicts(&policy, r#"{"action":"pay"}"#, &[("approve", Some("other"))], CONFLICT);
}

#[test]
fn a_conflict_names_the_decisions_it_found() {
    let policy = policy(PAY_CONFLICTS);
    let past = Past::of(&[("approve", Some("a")), ("read", None), ("approve", Some("b"))]);
    let evaluation = evaluate(&policy, &Ask::new(r#"{"action":"pay"}"#).request(), &past).unwrap();
    assert_eq!(evaluation.conflicting, [DecisionId(Ulid(1)), DecisionId(Ulid(3))]);
    assert_eq!(evaluation.reason, "Four eyes");
}

#[test]
fn too_many_past_actions_conflict() {
    let policy = policy(PAY_CONFLICTS);
    let fits = vec![("read", None); PAIRS_MAX];
    conflicts(&policy, r#"{"action":"pay"}"#, &fits, PERMITTED);
    let too_many = Past::of(&vec![("read", None); PAIRS_MAX + 1]);
    let evaluation =
        evaluate(&policy, &Ask::new(r#"{"action":"pay"}"#).request(), &too_many).unwrap();
    assert_eq!(evaluation.reason_code, ReasonCode::Conflict);
    assert!(evaluation.conflicting.is_empty());
}

#[test]
fn history_is_read_only_for_a_conflict_and_its_failure_is_passed_on() {
    let policy = policy(PAY_CONFLICTS);
    for (request, reads) in [("{}", 0), (r#"{"action":"pay"}"#, 1)] {
        let past = Past::of(&[]);
        evaluate(&policy, &Ask::new(request).request(), &past).unwrap();
        assert_eq!(past.1.get(), reads, "{request}");
    }
    let asked = Ask::new(r#"{"actor":"clerk","action":"pay"}"#);
    let failed = evaluate(&policy, &asked.request(), &Past::of(&[]));
    assert_eq!(failed, Err("not the actor of the request"));
}

#[test]
fn a_conflict_holds_where_its_condition_does() {
    let policy = policy(
        r#"{"type":"permits","source":"*"},
        {"type":"conflicts","source":"action:pay","target":"action:approve","conditions":[{"key":"amount","op":"gt","value":10}]}"#,
    );
    let past = [("approve", None)];
    conflicts(&policy, r#"{"action":"pay","context":{"amount":11}}"#, &past, CONFLICT);
    conflicts(&policy, r#"{"action":"pay","context":{"amount":10}}"#, &past, PERMITTED);
    conflicts(&policy, r#"{"action":"pay"}"#, &past, CONFLICT);
}

#[test]
fn a_constraint_denies_or_escalates_where_it_applies() {
    let over = |effect: &str| {
        constrained(&format!(
            r#"{{"name":"big","condition":{{"key":"amount","op":"gt","value":500}},"action":"{effect}","applies_to":{{"actor":"actor:bot","action":"action:pay"}}}}"#
        ))
    };
    for (effect, expect) in
        [("deny", "denied constraint_denied"), ("escalate", "escalated constraint_escalated")]
    {
        let policy = over(effect);
        check(&policy, r#"{"action":"pay","context":{"amount":501}}"#, expect);
        check(&policy, r#"{"action":"pay","context":{"amount":500}}"#, PERMITTED);
        check(&policy, r#"{"action":"pay"}"#, expect);
        check(&policy, r#"{"action":"read"}"#, PERMITTED);
        check(&policy, r#"{"actor":"clerk","action":"pay"}"#, PERMITTED);
        let reason = ask(&policy, r#"{"action":"pay"}"#).reason;
        assert!(reason.ends_with("constraint `big`"), "{reason}");
    }
}

#[test]
fn critical_risk_asks_for_a_human() {
    let policy = policy(BOT_READS);
    check(&policy, r#"{"risk":79}"#, PERMITTED);
    check(&policy, r#"{"risk":80}"#, "escalated risk_critical");
    assert_eq!(ask(&policy, r#"{"risk":80}"#).reason, "Risk score 80 requires human approval");
    let denied = ask(&policy, r#"{"risk":80,"action":"write"}"#);
    assert_eq!((denied.outcome, denied.escalate), (Verdict::Denied, true));
    assert!(!ask(&policy, r#"{"risk":79,"action":"write"}"#).escalate);
}

#[test]
fn the_first_rule_that_applies_wins() {
    // Every rule applies at first; each step takes one away.
    let deny = r#"{"name":"d","condition":{"key":"deny","op":"eq","value":true},"action":"deny"}"#;
    let escalate =
        r#"{"name":"e","condition":{"key":"escalate","op":"eq","value":true},"action":"escalate"}"#;
    let all = compile(&format!(
        r#"{{"terms":[{TERMS}],"relations":[
        {{"type":"permits","source":"*","target":"action:pay","conditions":["permit"]}},
        {{"type":"forbids","source":"*","target":"action:pay","conditions":["forbid"]}},
        {{"type":"conflicts","source":"action:pay","target":"action:approve","conditions":["conflict"]}},
        {{"type":"requires","source":"*","target":"action:pay","conditions":["meet"]}}
        ],"constraints":[{deny},{escalate}]}}"#
    ));
    let mut facts = [
        ("forbid", true),
        ("conflict", true),
        ("deny", true),
        ("permit", false),
        ("meet", false),
        ("escalate", true),
    ];
    let with = |facts: &[(&str, bool)], rest: &str| {
        let members: Vec<String> =
            facts.iter().map(|(key, fact)| format!("\"{key}\":{fact}")).collect();
        format!(r#"{{"action":"pay","context":{{{}}}{rest}}}"#, members.join(","))
    };
    let past = [("approve", None)];
    let critical = r#","risk":90"#;
    let paranoid = r#","risk":90,"mode":"paranoid""#;
    conflicts(&all, &with(&facts, paranoid), &past, "denied paranoid");
    for (at, expect) in
        [FORBIDDEN, CONFLICT, "denied constraint_denied", NO_PERMIT, UNMET].into_iter().enumerate()
    {
        conflicts(&all, &with(&facts, critical), &past, expect);
        facts[at].1 = !facts[at].1;
    }
    conflicts(&all, &with(&facts, critical), &past, "escalated risk_critical");
    conflicts(&all, &with(&facts, ""), &past, "escalated constraint_escalated");
    facts[5].1 = false;
    conflicts(&all, &with(&facts, ""), &past, PERMITTED);
}

#[test]
fn outside_its_dates_no_relation_applies() {
    let policy = compile(&format!(
        r#"{{"effective_from":"2027-01-01","effective_until":"2027-02-01","terms":[{TERMS}],"relations":[{BOT_READS},
        {{"type":"conflicts","source":"action:read","target":"action:pay"}}]}}"#
    ));
    check(&policy, r#"{"at":"2026-12-31T23:59:59.999999Z"}"#, NO_PERMIT);
    check(&policy, r#"{"at":"2027-01-01"}"#, PERMITTED);
    check(&policy, r#"{"at":"2027-01-31T23:59:59.999999Z"}"#, PERMITTED);
    check(&policy, r#"{"at":"2027-02-01"}"#, NO_PERMIT);
    let past = Past::of(&[("pay", None)]);
    let late = Ask::new(r#"{"at":"2027-02-01"}"#);
    assert!(!evaluate(&policy, &late.request(), &past).unwrap().matched.iter().any(|m| m.applies));
    assert_eq!(past.1.get(), 0);
}

#[test]
fn an_evaluation_with_too_many_steps_is_denied() {
    let policy = policy(BOT_READS);
    let steps = ask(&policy, "{}").steps;
    assert!(0 < steps && steps < 20, "{steps}");
    check(&policy, &format!(r#"{{"steps_max":{steps}}}"#), PERMITTED);
    for fewer in 0..steps {
        let spent = ask(&policy, &format!(r#"{{"steps_max":{fewer}}}"#));
        assert_eq!(
            (spent.outcome, spent.reason_code),
            (Verdict::Denied, ReasonCode::ConstraintDenied)
        );
        assert_eq!(spent.steps, fewer);
        assert_eq!(spent.reason, format!("Evaluation took more than {fewer} steps"));
    }
    check(&policy, r#"{"steps_max":0,"mode":"paranoid"}"#, "denied paranoid");
}

#[test]
fn a_justification_is_the_reason_where_there_is_one() {
    let with = |justification: &str| {
        policy(&format!(
            r#"{{"type":"permits","source":"actor:bot","target":"*"}},
            {{"type":"permits","source":"actor:bot","target":"action:read"{justification}}}"#
        ))
    };
    assert_eq!(ask(&with(""), "{}").reason, "Permitted by 2 rule(s), no conflicts");
    assert_eq!(ask(&with(r#","justification":"May read""#), "{}").reason, "May read");
    let forbids = policy(r#"{"type":"forbids","source":"*","target":"action:read"}"#);
    assert_eq!(ask(&forbids, "{}").reason, "Denied by 1 prohibition(s)");
}

#[test]
fn what_matched_is_shown_by_relation_id_with_what_was_found() {
    let policy = policy(
        r#"{"type":"permits","source":"actor:bot","target":"action:read","conditions":{"purpose":"triage"}},
        {"type":"forbids","source":"actor:bot","target":"*","conditions":["blocked"]},
        {"type":"forbids","source":"actor:clerk","target":"*"}"#,
    );
    let matched = ask(&policy, r#"{"context":{"purpose":"triage","blocked":false}}"#).matched;
    let ids: Vec<_> = matched.iter().map(|found| (&*found.relation_id, found.applies)).collect();
    let expect = [("forbids:actor:bot:*", false), ("permits:actor:bot:action:read", true)];
    assert_eq!(ids, expect);
    let condition = &matched[1].conditions[0];
    assert_eq!((&*condition.key, condition.op, condition.met), ("purpose", Op::Eq, true));
    assert_eq!(condition.actual, Some(Json::from("triage")));
    let missing = ask(&policy, "{}").matched;
    assert_eq!((missing[0].conditions[0].actual.as_ref(), missing[0].applies), (None, true));
}

#[test]
fn a_reply_is_bounded_and_keeps_what_decided() {
    let permits: Vec<String> = (0..400)
        .map(|at| {
            format!(
                r#"{{"type":"permits","relation_id":"a{at}","source":"actor:bot","target":"action:read"}}"#
            )
        })
        .collect();
    let policy = policy(&format!(
        r#"{},{{"type":"forbids","relation_id":"z","source":"actor:bot","target":"action:read"}}"#,
        permits.join(",")
    ));
    let evaluation = ask(&policy, "{}");
    assert_eq!((evaluation.matched.len(), evaluation.matched_omitted), (256, 145));
    assert_eq!(evaluation.matched.last().map(|last| &*last.relation_id), Some("z"));
}

#[test]
fn a_long_actual_value_is_named_and_not_repeated() {
    let policy = policy(
        r#"{"type":"permits","source":"actor:bot","target":"action:read","conditions":{"note":"x"}}"#,
    );
    let long = format!(r#"{{"context":{{"note":"{}"}}}}"#, "y".repeat(2000));
    let actual = ask(&policy, &long).matched[0].conditions[0].actual.clone().unwrap();
    assert!(actual.as_str().unwrap().starts_with("2002 bytes, sha256 "), "{actual:?}");
}

#[test]
fn judging_is_evaluating_without_the_wording() {
    let policy = policy(BOT_READS);
    for request in ["{}", r#"{"action":"pay"}"#, r#"{"risk":90}"#, r#"{"steps_max":1}"#] {
        let asked = Ask::new(request);
        let judged = judge(&policy, &asked.request(), &NoHistory).unwrap();
        let evaluated = evaluate(&policy, &asked.request(), &NoHistory).unwrap();
        let of = |e: &Evaluation| Judgement {
            outcome: e.outcome,
            reason_code: e.reason_code,
            mode: e.mode,
            escalate: e.escalate,
            steps: e.steps,
            asked_context: e.asked_context,
        };
        assert_eq!(judged, of(&evaluated), "{request}");
    }
}

#[track_caller]
fn check_context(policy: &Compiled, request: &str, asked: bool, shown: bool) {
    let evaluation = ask(policy, request);
    let got = (evaluation.asked_context, evaluation.shows_context);
    assert_eq!(got, (asked, shown), "{request}\n{evaluation:#?}");
}

#[test]
fn whoever_looks_into_the_context_says_so() {
    let permit = |rest: &str| {
        policy(&format!(
            r#"{{"type":"permits","source":"actor:bot","target":"action:read","conditions":{rest}}}"#
        ))
    };
    check_context(&policy(BOT_READS), r#"{"context":{"purpose":"x"}}"#, false, false);
    check_context(&permit(r#"{"decision.tool":"ssh"}"#), "{}", false, false);
    check_context(&permit(r#"{"purpose":"x"}"#), "{}", true, true);
    check_context(&permit(r#"{"purpose":"x"}"#), r#"{"action":"pay"}"#, false, false);
    // The first condition settles it; the second is shown.
    check_context(&permit(r#"{"decision.tool":"ssh","purpose":"x"}"#), "{}", false, true);
    let constraint = r#"{"name":"c","condition":{"purpose":"x"},"action":"deny"}"#;
    check_context(&constrained(constraint), "{}", true, false);
}
