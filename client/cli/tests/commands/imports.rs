//! `lexecon policy import`: what is imported decides as it should, what cannot
//! be is refused by name.
//!
//! The outcomes expected of Cedar policies are written by hand, from Cedar's
//! description of its language; those of the predecessor from what it did.

use types::Json;

use crate::shell::{Ran, run};

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

async fn import(from: &str, text: &str, entities: Option<&str>, flags: &[&str]) -> Ran {
    let files = Files::new();
    let file = files.write("source", text);
    let mut words = vec!["policy", "import", &file, "--from", from];
    let entities = entities.map(|entities| files.write("entities.json", entities));
    if let Some(entities) = &entities {
        words.extend(["--entities", entities]);
    }
    words.extend(flags);
    run(&words).await
}

/// Imports and judges: a line `actor action resource context outcome` a case.
async fn check(from: &str, text: &str, entities: Option<&str>, cases: &[(&str, &str)]) {
    let ran = import(from, text, entities, &[]).await;
    assert_eq!(ran.exit, 0, "{text}: {}", ran.err);
    let files = Files::new();
    let policy = files.write("policy.json", &ran.out);
    let cases: Vec<Json> = cases.iter().map(|(request, outcome)| case(request, outcome)).collect();
    let cases = Json::object([("cases", cases.into())]).to_canonical();
    let cases = files.write("cases.json", &cases);
    let tested = run(&["policy", "test", &policy, &cases]).await;
    assert_eq!(tested.exit, 0, "{text}\n{}\n{}{}", ran.out, tested.out, tested.err);
}

fn case(request: &str, outcome: &str) -> Json {
    let mut words = request.splitn(4, ' ');
    let mut next = || words.next().unwrap_or("-").to_owned();
    let (actor, action, resource, context) = (next(), next(), next(), next());
    let context = if context == "-" { "{}".to_owned() } else { context };
    let context: Json = serde_json::from_str(&context).unwrap();
    Json::object([
        ("name", format!("{request} {outcome}").into()),
        (
            "request",
            Json::object([
                ("actor", actor.into()),
                ("action", action.into()),
                ("resource", Some(resource).filter(|resource| resource != "-").into()),
                ("context", context),
            ]),
        ),
        ("expect", Json::object([("outcome", outcome.into())])),
    ])
}

async fn cedar(text: &str, cases: &[(&str, &str)]) {
    check("cedar", text, None, cases).await;
}

async fn refused(from: &str, text: &str, entities: Option<&str>, why: &[&str]) {
    let ran = import(from, text, entities, &[]).await;
    assert_eq!((ran.exit, ran.out.as_str()), (1, ""), "{text}");
    for why in why {
        assert!(ran.err.contains(why), "{text}: {why}: {}", ran.err);
    }
    let ran = import(from, text, entities, &["--json"]).await;
    assert!(ran.out.contains(r#""policy":null"#), "{}", ran.out);
}

#[tokio::test]
async fn a_scope_of_cedar_reaches_whom_it_names() {
    cedar(
        r#"
        // who may look
        permit (principal == Agent::"bot", action == Action::"view", resource == Photo::"a.jpg");
        permit (principal is User, action in [Action::"view", Action::"list"], resource);
        forbid (principal == User::"eve", action, resource);
        "#,
        &[
            ("agent:bot view photo:a.jpg", "allowed"),
            ("agent:bot view photo:b.jpg", "denied"),
            ("agent:bot view", "denied"),
            ("agent:bot list photo:a.jpg", "denied"),
            ("agent:other view photo:a.jpg", "denied"),
            ("user:ann list photo:b.jpg", "allowed"),
            ("user:ann delete photo:b.jpg", "denied"),
            ("user:eve view photo:a.jpg", "denied"),
            ("users:ann view photo:a.jpg", "denied"),
        ],
    )
    .await;
}

#[tokio::test]
async fn members_of_a_group_are_reached_through_the_entities() {
    let entities = r#"[
        {"uid":{"type":"User","id":"ann"},"attrs":{},"parents":[{"type":"Team","id":"core"}]},
        {"uid":{"type":"User","id":"bob"},"parents":[]},
        {"uid":{"__entity":{"type":"Team","id":"core"}},"parents":[{"type":"Team","id":"all"}]},
        {"uid":{"type":"Photo","id":"a"},"parents":[{"type":"Album","id":"trip"}]},
        {"uid":{"type":"Action","id":"view"},"parents":[{"type":"Action","id":"read"}]}]"#;
    let text = r#"
        permit (principal in Team::"all", action in Action::"read", resource in Album::"trip");
        forbid (principal in Team::"core", action == Action::"view", resource)
            when { context.late };
    "#;
    let cases = [
        ("user:ann view photo:a {\"late\":false}", "allowed"),
        ("user:ann view photo:a {\"late\":true}", "denied"),
        ("user:ann view photo:a", "denied"),
        ("team:all view photo:a", "allowed"),
        ("user:ann read album:trip {\"late\":false}", "allowed"),
        ("user:bob view photo:a {\"late\":false}", "denied"),
        ("user:ann view photo:b {\"late\":false}", "denied"),
    ];
    check("cedar", text, Some(entities), &cases).await;
    let why = "line 3: `principal in Team::\"core\"` would forbid the group itself and none of its members";
    refused("cedar", text, None, &[why]).await;
    let ran = import("cedar", "permit(principal in Team::\"x\",action,resource);", None, &[]).await;
    assert_eq!(ran.exit, 0);
    assert!(
        ran.err.contains("note: line 1: whoever belongs to `Team::\"x\"` is not known"),
        "{}",
        ran.err
    );
}

/// Conditions of a permit, and the outcome of it for a context.
type Conditions = &'static [(&'static str, &'static [(&'static str, &'static str)])];

const CONDITIONS: Conditions = &[
    (
        "when { context.a.b == 1 && context.c != \"x\" }",
        &[
            (r#"{"a":{"b":1},"c":"y"}"#, "allowed"),
            (r#"{"a":{"b":1},"c":"x"}"#, "denied"),
            (r#"{"a":{"b":1}}"#, "denied"),
            (r#"{"a":1,"c":"y"}"#, "denied"),
        ],
    ),
    (
        "when { 500 >= context.amount && context.amount > -1 }",
        &[
            (r#"{"amount":500}"#, "allowed"),
            (r#"{"amount":501}"#, "denied"),
            (r#"{"amount":-1}"#, "denied"),
            (r#"{"amount":"1"}"#, "denied"),
        ],
    ),
    // Cedar fails at the missing `a` and does not look at `b`.
    (
        "when { context.a == 1 || context.b == 2 }",
        &[
            (r#"{"a":1}"#, "allowed"),
            (r#"{"a":0,"b":2}"#, "allowed"),
            (r#"{"b":2}"#, "denied"),
            (r#"{"a":0,"b":1}"#, "denied"),
        ],
    ),
    (
        "when { (context has a && context.a == 1) || context.b == 2 }",
        &[
            (r#"{"b":2}"#, "allowed"),
            (r#"{"a":2,"b":2}"#, "allowed"),
            (r#"{"a":1}"#, "allowed"),
            (r#"{"a":2}"#, "denied"),
        ],
    ),
    (
        "unless { context.a == 1 && context.b == 2 }",
        &[
            (r#"{"a":0}"#, "allowed"),
            (r#"{"a":1,"b":0}"#, "allowed"),
            (r#"{"a":1,"b":2}"#, "denied"),
            (r#"{"b":0}"#, "denied"),
            ("{}", "denied"),
        ],
    ),
    (
        "unless { context has suspended || context.a < 3 }",
        &[
            (r#"{"a":3}"#, "allowed"),
            (r#"{"a":2}"#, "denied"),
            (r#"{"a":3,"suspended":false}"#, "denied"),
            ("{}", "denied"),
        ],
    ),
    ("when { !(context has x) }", &[("{}", "allowed"), (r#"{"x":1}"#, "denied")]),
    (
        "when { context has a.b }",
        &[(r#"{"a":{"b":1}}"#, "allowed"), (r#"{"a":{}}"#, "denied"), (r#"{"a":1}"#, "denied")],
    ),
    (
        "when { [\"a\", \"b\"].contains(context.x) } unless { [1, 2].contains(context.y) }",
        &[
            (r#"{"x":"a","y":3}"#, "allowed"),
            (r#"{"x":"c","y":3}"#, "denied"),
            (r#"{"x":"a","y":2}"#, "denied"),
            (r#"{"x":"a"}"#, "denied"),
        ],
    ),
    (
        "when { context.list.containsAll([\"x\", \"y\"]) }",
        &[
            (r#"{"list":["y","z","x"]}"#, "allowed"),
            (r#"{"list":["x"]}"#, "denied"),
            (r#"{"list":"x"}"#, "denied"),
        ],
    ),
    (
        "when { context.list.containsAny([\"x\", \"y\"]) && context.list.contains(1) }",
        &[(r#"{"list":["y",1]}"#, "allowed"), (r#"{"list":[1]}"#, "denied")],
    ),
    (
        "when { context.path like \"/pub/*\" && context[\"host\"] like \"*.org\" }",
        &[
            (r#"{"path":"/pub/x","host":"a.org"}"#, "allowed"),
            (r#"{"path":"/pub/x","host":"a.com"}"#, "denied"),
            (r#"{"path":"x/pub/","host":"a.org"}"#, "denied"),
        ],
    ),
    (
        r#"when { context.p like "a\*b" }"#,
        &[(r#"{"p":"a*b"}"#, "allowed"), (r#"{"p":"axb"}"#, "denied")],
    ),
    (
        "when { ip(context.from).isInRange(ip(\"10.0.0.0/8\")) }",
        &[
            (r#"{"from":"10.1.2.3"}"#, "allowed"),
            (r#"{"from":"11.1.2.3"}"#, "denied"),
            (r#"{"from":"x"}"#, "denied"),
        ],
    ),
    (
        "when { context.ok } when { true }",
        &[
            (r#"{"ok":true}"#, "allowed"),
            (r#"{"ok":false}"#, "denied"),
            (r#"{"ok":"true"}"#, "denied"),
        ],
    ),
    ("when { false }", &[("{}", "denied")]),
];

#[tokio::test]
async fn conditions_of_a_permit_hold_where_cedar_says_so() {
    for (condition, cases) in CONDITIONS {
        let text = format!("permit (principal, action, resource) {condition};");
        let requests: Vec<(String, &str)> =
            cases.iter().map(|(context, outcome)| (format!("a b - {context}"), *outcome)).collect();
        let cases = requests.iter().map(|(request, outcome)| (request.as_str(), *outcome));
        cedar(&text, &cases.collect::<Vec<_>>()).await;
    }
}

#[tokio::test]
async fn a_prohibition_that_cedar_would_skip_applies_and_it_is_said() {
    let text = "permit (principal, action, resource);
        @id(\"no-mfa\") @owner(\"ops\")
        forbid (principal, action == Action::\"pay\", resource)
            unless { context.mfa == true }
            when { context.amount > 10 || context.foreign };";
    let cases = [
        ("a pay - {\"mfa\":true}", "allowed"),
        ("a pay - {\"mfa\":false,\"amount\":11,\"foreign\":false}", "denied"),
        ("a pay - {\"mfa\":false,\"amount\":1,\"foreign\":true}", "denied"),
        ("a pay - {\"mfa\":false,\"amount\":1,\"foreign\":false}", "allowed"),
        // Cedar skips the rule in both of these.
        ("a pay - {\"amount\":11,\"foreign\":false}", "denied"),
        ("a pay - {\"mfa\":\"yes\",\"amount\":11,\"foreign\":false}", "denied"),
        ("a look", "allowed"),
    ];
    cedar(text, &cases).await;
    let ran = import("cedar", text, None, &["--yaml"]).await;
    assert!(
        ran.err.contains("note: line 3: where one of `amount`, `foreign`, `mfa` is missing"),
        "{}",
        ran.err
    );
    assert!(
        ran.out.contains("relation_id: no-mfa/1") && ran.out.contains("{owner: ops}"),
        "{}",
        ran.out
    );
}

#[tokio::test]
async fn what_cedar_says_and_we_cannot_is_refused_by_name_and_line() {
    let when = |what: &str| format!("permit (principal, action, resource)\nwhen {{ {what} }};");
    let corpus = [
        (when("principal.level == 3"), "line 2: the entity attribute `principal.level` is not imported"),
        (when("resource.owner == principal"), "line 2: the entity attribute `resource.owner`"),
        (when("principal == resource"), "line 2: `principal` within a condition"),
        (when("context.a + 1 == 2"), "line 2: arithmetic is not imported"),
        (when("if context.a then true else false"), "line 2: `if` is not imported"),
        (when("principal in Team::\"x\""), "line 2: `in` within a condition"),
        (when("context.a in [\"x\"]"), "line 2: `in` within a condition"),
        (when("context.u == User::\"x\""), "line 2: the entity `User::\"x\"`"),
        (when("context.a == context.b"), "line 2: a comparison of two attributes"),
        (when("context.a < \"x\""), "line 2: `<` compares integers alone"),
        (when("context.a like \"x*y\""), "line 2: `like \"x*y\"`: only one star"),
        (when("context.a like \"*x*\""), "line 2: `like \"*x*\"`: only one star"),
        (when("!(context.a like \"x*\")"), "line 2: the negation of `like`"),
        (when("!context.l.contains(1)"), "line 2: the negation of `contains`"),
        (when("!(context.a has b)"), "line 2: the negation of `has` below the first level"),
        (when("context.l.isEmpty()"), "line 2: the method `isEmpty`"),
        (when("decimal(\"1.0\") == context.a"), "line 2: the function `decimal`"),
        (when("context.decision.actor == \"x\""), "line 2: `context.decision.actor` is no key here"),
        (when("context[\"a.b\"] == 1"), "line 2: the attribute `a.b` cannot be told from a path"),
        (when("context.a == 9223372036854775807"), "line 2: "),
        ("permit (principal == ?principal, action, resource);".to_owned(), "line 1: the template slot `?principal`"),
        ("permit (principal is User in Team::\"x\", action, resource);".to_owned(), "line 1: `principal is User in ..`"),
        ("permit (principal == User::\"a b\", action, resource);".to_owned(), "line 1: the id \"a b\" has characters"),
        ("permit (principal == User::\"*\", action, resource);".to_owned(), "line 1: the id \"*\" has characters"),
        ("permit (principal, action, resource)".to_owned(), "line 1: `;` is expected, not the end"),
        ("allow (principal, action, resource);".to_owned(), "line 1: `permit` or `forbid` is expected, not `allow`"),
        ("@id(\"a\") permit (principal, action, resource);\n@id(\"a\") permit (principal, action, resource);".to_owned(), "line 2: `a` is the id of another policy"),
        (
            "permit (principal == User::\"a\", action, resource);\nforbid (principal == USER::\"a\", action, resource);".to_owned(),
            "line 2: the types `User` and `USER` would both be `user`",
        ),
        (
            "permit (principal is App, action, resource);\nforbid (principal == App::User::\"a\", action, resource);".to_owned(),
            "line 1: `is App` would reach `App::User` too",
        ),
    ];
    for (text, why) in corpus {
        refused("cedar", &text, None, &[why]).await;
    }
    let entities =
        r#"[{"uid":{"type":"User","id":"ann"},"parents":[{"type":"Team","id":"core"}]}]"#;
    let text = "permit (principal == Team::\"core\", action, resource);
        permit (principal is Team, action, resource);
        permit (principal in Team::\"core\", action == Action::\"x\", resource);";
    let why = [
        "line 1: `== Team::\"core\"` would reach the members of the group too",
        "line 2: `is Team` would reach `User` too",
    ];
    refused("cedar", text, Some(entities), &why).await;
}

#[tokio::test]
async fn deep_nesting_is_refused_and_not_followed() {
    let deep = format!(
        "permit (principal, action, resource) when {{ {}true{} }};",
        "(".repeat(5000),
        ")".repeat(5000)
    );
    refused("cedar", &deep, None, &["it is nested too deep"]).await;
    let wide = ["(context.a == 1 || context.b == 2)"; 12].join(" && ");
    let wide = format!("permit (principal, action, resource) when {{ {wide} }};");
    refused("cedar", &wide, None, &["takes more than 64 relations"]).await;
}

const PREDECESSOR: &str = r#"{
  "policy_id": "pol_desk_v1", "name": "Desk", "version": "2.0.0", "mode": "permissive",
  "effective_until": "2030-01-01T00:00:00Z", "owner": "ops",
  "terms": [
    {"id": "actor:bot", "type": "actor", "name": "first"},
    {"id": "actor:bot", "type": "actor", "name": "bot"},
    {"id": "actor:bot:v2", "type": "actor", "name": "bot two"},
    {"id": "action:read", "type": "action", "name": "read", "color": "red"},
    {"id": "data:mail", "type": "data_class", "name": "mail"}
  ],
  "relations": [
    {"type": "permits", "subject": "actor:bot", "action": "action:read", "metadata": {"object": "data:mail", "justification": "mail is answered"}},
    {"type": "forbids", "subject": "actor:bot", "action": "action:send", "conditions": ["amount > 10"]},
    {"type": "requires", "subject": "actor:bot", "action": "action:read", "conditions": ["second_person"]},
    {"relation_id": "r", "type": "permits", "subject": "actor:lead", "action": "action:read"},
    {"relation_id": "r", "type": "permits", "subject": "actor:lead", "action": "action:send"},
    {"relation_id": "r", "type": "permits", "subject": "actor:lead", "action": "action:read"}
  ],
  "constraints": [{"name": "big", "condition": "amount > 500 && region == 'eu'", "action": "escalate"}]
}"#;

#[tokio::test]
async fn a_policy_of_the_predecessor_loads_and_what_it_ignored_is_said() {
    let ran = import("predecessor", PREDECESSOR, None, &[]).await;
    assert_eq!(ran.exit, 0, "{}", ran.err);
    for note in [
        "/mode: was ignored, every policy was strict: now what is not forbidden is allowed (mode_counts_now)",
        "/effective_until: was ignored",
        "/owner: had no effect",
        "/terms/3/color: had no effect",
        "/terms/1: `actor:bot` was a term before: as there, the last one stays (duplicate_term)",
        "/relations/0/object: one matching data class was enough",
        "/relations/1/action: `action:send` is no term of the document: it is added as `action`",
        "/relations/1/conditions: forbade whatever its conditions",
        "/relations/1/conditions/0: `amount > 10` is read as [{\"key\":\"amount\",\"op\":\"gt\",\"value\":10}]",
        "/relations/2: `requires` was ignored",
        "/relations/4: `r` is the id of a relation before: this one is `r~2`",
        "/relations/5: says the same as one before: left out",
        "/constraints/0: constraints were ignored",
        "/terms: requests of `actor:bot` were judged by the rules of `actor:bot:v2` too",
    ] {
        assert!(ran.err.contains(&format!("note: {note}")), "{note}\n{}", ran.err);
    }
    let text = PREDECESSOR.replace("permissive", "strict");
    let cases = [
        ("bot read - {\"second_person\":true}", "allowed"),
        ("bot read", "denied"),
        ("bot send - {\"amount\":1}", "denied"),
        ("lead send - {\"amount\":501,\"region\":\"eu\"}", "escalated"),
        ("lead send - {\"amount\":501,\"region\":\"us\"}", "allowed"),
        // Matched by a part of `actor:bot:v2` before.
        ("v2 read - {\"second_person\":true,\"amount\":1}", "denied"),
    ];
    let cases = cases.map(|(request, outcome)| (request, outcome));
    let text = text.replace(r#""object": "data:mail", "#, "");
    let cases: Vec<(&str, &str)> = cases
        .into_iter()
        .map(|(request, outcome)| match request {
            "bot read - {\"second_person\":true}" => {
                ("bot read - {\"second_person\":true,\"amount\":1}", outcome)
            }
            "bot read" => ("bot read - {\"amount\":1}", outcome),
            request => (request, outcome),
        })
        .collect();
    check("predecessor", &text, None, &cases).await;
}

#[tokio::test]
async fn what_the_predecessor_kept_as_prose_is_refused_by_name() {
    let with = |constraint: &str| format!(r#"{{"terms":[],"constraints":[{constraint}]}}"#);
    let corpus = [
        (
            with(r#"{"name":"a","condition":"risk is high","action":"deny"}"#),
            "refused: /constraints/0/condition: `risk is high` is prose",
        ),
        (
            with(r#"{"name":"a","condition":"a || b","action":"deny"}"#),
            "refused: /constraints/0/condition: `||` has no place",
        ),
        (
            with(r#"{"name":"a","condition":"a > 1","action":"require approval"}"#),
            "refused: /constraints/0/action: `require approval` is prose",
        ),
        (
            r#"{"terms":[{"id":"actor:*","type":"actor"}]}"#.to_owned(),
            "refused: /terms/0: `actor:*` was a name like any other",
        ),
        (
            r#"{"terms":[],"relations":[{"type":"permits","subject":"*"}]}"#.to_owned(),
            "refused: /relations/0/subject: `*` was a name",
        ),
        (
            r#"{"terms":[{"id":"a","type":"robot"}]}"#.to_owned(),
            "refused: imported /terms/0/term_type: must be one of actor",
        ),
        (r#"{"terms":{}}"#.to_owned(), "refused: /terms: must be a list"),
        ("[]".to_owned(), "refused: : must be an object"),
    ];
    for (text, why) in corpus {
        refused("predecessor", &text, None, &[why]).await;
    }
    let ran = import("predecessor", "{}", Some("[]"), &[]).await;
    assert_eq!(ran.exit, 2);
}
