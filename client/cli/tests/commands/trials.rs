//! `lexecon policy test`: what passes, what fails and why, what is no case.

use crate::shell::{Ran, check_ran, run};

const POLICY: &str = r#"
name: Support
terms:
  - {id: 'actor:ai_agent:support', type: actor}
  - {id: action:read_ticket, type: action}
  - {id: action:refund, type: action}
  - {id: action:create_payment, type: action}
  - {id: action:approve_payment, type: action}
relations:
  - relation_id: reading
    type: permits
    subject: actor:ai_agent:support
    action: action:read_ticket
    conditions: [{purpose: support}]
    justification: Support reads tickets
  - {relation_id: paying, type: permits, subject: 'actor:ai_agent:*', action: action:create_payment}
  - {relation_id: approving, type: permits, subject: 'actor:ai_agent:*', action: action:approve_payment}
  - {relation_id: apart, type: conflicts, source: action:create_payment, target: action:approve_payment}
  - {relation_id: second, type: requires, subject: '*', action: action:refund, conditions: [second_person]}
  - {relation_id: refunding, type: permits, subject: '*', action: action:refund}
constraints:
  - {name: large, condition: {key: amount, op: gt, value: 500}, action: escalate, applies_to: {action: action:refund}}
  - {name: night, condition: {key: time.hour_utc, op: lt, value: 6}, action: deny}
"#;

const CASES: &str = "
defaults: {actor: 'ai_agent:support', context: {purpose: support}}
cases:
  - name: support reads
    request: {action: read_ticket}
    expect: {outcome: allowed, reason_code: permitted, reason: Support reads tickets, applies: [reading]}
  - name: not for marketing
    request: {action: read_ticket, context: {purpose: marketing}}
    expect: {outcome: denied, reason_code: no_permit, applies: []}
  - name: not at night
    at: 2027-03-04T03:30:00Z
    request: {action: read_ticket}
    expect: {outcome: denied, reason_code: constraint_denied}
  - name: nobody approves what it made
    request: {action: approve_payment, resource: 'invoice:7'}
    history: [{action: create_payment, resource: 'invoice:7'}]
    expect: {outcome: denied, reason_code: conflict, applies: [apart, approving]}
  - name: another invoice may be approved
    request: {action: approve_payment, resource: 'invoice:8'}
    history: [{action: create_payment, resource: 'invoice:7'}]
    expect: {outcome: allowed}
  - name: a refund needs two
    request: {action: refund, context: {amount: 5}}
    expect: {outcome: denied, obligations_unmet: [second_person]}
  - name: a large refund is looked at
    request: {action: refund, context: {amount: 501, second_person: true}}
    expect: {outcome: escalated, reason_code: constraint_escalated, obligations_unmet: []}
  - name: a great risk is looked at
    request: {action: read_ticket, risk: {security: 90}, risk_level: 1}
    expect: {outcome: escalated, reason_code: risk_critical}
";

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.write("policy.yaml", POLICY);
        files
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.0.path().join(name), text).unwrap();
        self.path(name)
    }

    async fn test(&self, cases: &str, flags: &[&str]) -> Ran {
        let cases = self.write("cases.yaml", cases);
        let policy = self.path("policy.yaml");
        let words = ["policy", "test", &policy, &cases].into_iter().chain(flags.iter().copied());
        run(&words.collect::<Vec<_>>()).await
    }
}

fn one(request: &str, rest: &str) -> String {
    format!("cases:\n  - name: one\n    request: {request}\n{rest}")
}

#[tokio::test]
async fn what_is_as_expected_passes() {
    let files = Files::new();
    let ran = files.test(CASES, &["--coverage-min", "87"]).await;
    let out = "8 passed, 0 failed
coverage 87 % (7 of 8 rules)
  relation `paying` never applied
";
    check_ran(&ran, 0, out);
}

#[tokio::test]
async fn coverage_that_is_too_low_exits_with_1() {
    let files = Files::new();
    let ran = files.test(CASES, &["--coverage-min", "88"]).await;
    assert_eq!(ran.exit, 1);
    assert!(ran.out.ends_with("coverage is below 88 %\n"), "{}", ran.out);
}

#[tokio::test]
async fn what_is_not_as_expected_is_explained() {
    let files = Files::new();
    let rest = "    expect: {outcome: allowed, reason_code: permitted, applies: [reading], obligations_unmet: [x]}";
    let cases =
        one("{actor: 'ai_agent:support', action: read_ticket, context: {purpose: \"a\\e\"}}", rest);
    let ran = files.test(&cases, &[]).await;
    let file = files.path("cases.yaml");
    let out = format!(
        "FAILED one ({file})
  outcome: expected allowed, got denied
  reason_code: expected permitted, got no_permit
  applies: expected `reading`, got none
  obligations_unmet: expected `x`, got none
  denied (no_permit): Action not explicitly permitted
  permits `reading` does not apply
    purpose eq \"support\": \"a\\u001b\", not met
0 passed, 1 failed
coverage 0 % (0 of 8 rules)
"
    );
    assert_eq!((ran.exit, ran.err.as_str()), (1, ""));
    assert!(ran.out.starts_with(&out), "{}", ran.out);
    let ran = files.test(&cases, &["--json"]).await;
    let json: types::Json = serde_json::from_str(&ran.out).unwrap();
    let cases = json.as_object().unwrap().get("cases").unwrap().as_array().unwrap().to_vec();
    let case = cases[0].as_object().unwrap();
    assert_eq!(case.get("passed").unwrap().as_bool(), Some(false));
    assert_eq!(case.get("differences").unwrap().as_array().unwrap().len(), 4);
    assert_eq!(case.get("outcome").unwrap().as_str(), Some("denied"));
}

#[tokio::test]
async fn a_case_that_must_not_apply_fails_where_it_does() {
    let files = Files::new();
    let request = "{actor: 'ai_agent:support', action: read_ticket, context: {purpose: support}}";
    let ran = files.test(&one(request, "    expect: {outcome: allowed, applies: []}"), &[]).await;
    assert_eq!(ran.exit, 1);
    assert!(ran.out.contains("applies: expected none, got `reading`"), "{}", ran.out);
}

#[tokio::test]
async fn what_a_node_would_refuse_passes_as_nothing() {
    let files = Files::new();
    let request = "{actor: a, action: b, policy_mode: permissive}";
    let ran = files.test(&one(request, "    expect: {outcome: denied}"), &[]).await;
    assert_eq!(ran.exit, 1);
    assert!(ran.out.contains("policy_mode: expected `strict` or tighter"), "{}", ran.out);
    let tighter = "{actor: a, action: b, policy_mode: Paranoid}";
    let expect = "    expect: {outcome: denied, reason_code: paranoid}";
    assert_eq!(files.test(&one(tighter, expect), &[]).await.exit, 0);
}

#[tokio::test]
async fn junit_names_every_case() {
    let files = Files::new();
    let cases = "
cases:
  - name: 'passes <&>'
    request: {actor: a, action: b}
    expect: {outcome: denied}
  - name: fails
    request: {actor: a, action: b}
    expect: {outcome: allowed}
";
    let junit = files.path("junit.xml");
    let ran = files.test(cases, &["--junit", &junit]).await;
    assert_eq!(ran.exit, 1);
    let file = files.path("cases.yaml");
    let xml = std::fs::read_to_string(junit).unwrap();
    let expect = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<testsuites name=\"lexecon policy test\" tests=\"2\" failures=\"1\" errors=\"0\">
  <testsuite name=\"{file}\" tests=\"2\" failures=\"1\" errors=\"0\">
    <testcase classname=\"{file}\" name=\"passes &lt;&amp;&gt;\"/>
    <testcase classname=\"{file}\" name=\"fails\">
      <failure type=\"outcome\" message=\"expected allowed, got denied\">  outcome: expected allowed, got denied&#10;  denied (no_permit): Action not explicitly permitted&#10;</failure>
    </testcase>
  </testsuite>
</testsuites>
"
    );
    assert_eq!(xml, expect);
}

#[tokio::test]
async fn a_file_that_holds_no_valid_cases_was_asked_wrongly() {
    let files = Files::new();
    let expect = "    expect: {outcome: denied}";
    let wrong = [
        (
            one("{actor: a, action: b, contxt: {}}", expect),
            "/cases/0/request/contxt: is not known here; did you mean `context`?",
        ),
        (one("{actor: a}", expect), "/cases/0/request/action: is required"),
        (
            one("{actor: 'a b', action: b}", expect),
            "/cases/0/request/actor: must be letters, digits and `_-.@:/`",
        ),
        (
            one("{actor: a, action: b, risk_level: 6}", expect),
            "/cases/0/request/risk_level: must be an integer, 1..5",
        ),
        (one("{actor: a, action: b, risk: {securty: 1}}", expect), "did you mean `security`?"),
        (
            one("{actor: a, action: b, context: {x: null}}", expect),
            "/cases/0/request/context/x: must not be null",
        ),
        (
            one("{actor: a, action: b}", "    at: noon\n    expect: {outcome: denied}"),
            "/cases/0/at: must be an RFC 3339 time",
        ),
        (
            one("{actor: a, action: b}", "    expect: {outcome: alowed}"),
            "/cases/0/expect/outcome: must be one of allowed, denied, escalated; did you mean `allowed`?",
        ),
        (one("{actor: a, action: b}", ""), "/cases/0/expect: is required"),
        ("cases: []".to_owned(), "/cases: holds no case"),
        (
            "defaults: {actr: a}\ncases: []".to_owned(),
            "/defaults/actr: is not known here; did you mean `actor`?",
        ),
        ("case: []".to_owned(), "/case: is not known here; did you mean `cases`?"),
        (
            format!(
                "{0}{1}",
                one("{actor: a, action: b}", expect),
                "\n  - name: one\n    request: {actor: a, action: b}\n    expect: {outcome: denied}"
            ),
            "/cases/1/name: `one` is already a case of this file",
        ),
        ("a: b: c".to_owned(), "is not a valid document"),
    ];
    for (cases, why) in wrong {
        let ran = files.test(&cases, &[]).await;
        assert_eq!((ran.exit, ran.out.as_str()), (2, ""), "{cases}");
        assert!(ran.err.contains(why), "{cases}: {}", ran.err);
    }
}

#[tokio::test]
async fn a_policy_that_is_not_valid_is_no_failed_case() {
    let files = Files::new();
    let cases = files.write("cases.yaml", CASES);
    let policy = files.write("broken.yaml", "relations: [{type: permits, source: x}]");
    let ran = run(&["policy", "test", &policy, &cases]).await;
    assert_eq!(ran.exit, 2);
    assert!(ran.err.contains("/relations/0/source: `x` is neither a term"), "{}", ran.err);
    let ran = run(&["policy", "test", &files.path("none.yaml"), &cases]).await;
    assert_eq!(ran.exit, 3);
}
