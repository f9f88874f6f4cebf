//! What a node judges again: explanations, the impact of a candidate, replays;
//! and putting an earlier version in force.

use types::Json;

use crate::double::{Double, Said};
use crate::shell::{ask, check, check_ran, run};

const EXPLAINED: &str = r#"{"outcome":"denied","reason":"Action not explicitly permitted","reason_code":"no_permit","policy_version":3,"policy_hash":"41c0","matched":[{"relation_id":"paying","type":"permits","source":"actor:payer","target":"action:pay","object":null,"applies":false,"conditions":[{"key":"amount","op":"lte","expected":500,"actual":700,"met":false}]},{"relation_id":"second","type":"requires","source":"*","target":"action:pay","object":null,"applies":true,"conditions":[{"key":"approved","op":"eq","expected":true,"actual":null,"met":false}]}],"near_misses":[{"relation_id":"paying","type":"permits","failed":[{"key":"amount","op":"lte","expected":500,"actual":700,"missing":false},{"key":"desk","op":"in","expected":["a"],"actual":null,"missing":true}]}],"minimal_flip":{"changes":[{"key":"amount","op":"lte","value":500},{"key":"approved","op":"eq","value":true}],"outcome":"allowed"},"obligations":[{"obligation":"approved","relation_id":"second","satisfied":false,"by":null}],"steps":12}"#;

#[tokio::test]
async fn an_explanation_says_what_decided_and_what_would_change_it() {
    let out = "outcome  denied (no_permit)
reason   Action not explicitly permitted
policy   version 3, hash 41c0
steps    12

permits `paying` does not apply
  amount <= 500: 700, not met
requires `second` applies
  approved = true: missing, not met
unmet obligation `approved` of `second`
near miss: permits `paying`
  amount <= 500: 700
  desk in [\"a\"]: missing
would be allowed if amount <= 500 and approved = true
";
    let words = ["policy", "explain", "--actor", "payer", "--action", "pay"];
    check(&words, EXPLAINED, 0, out).await;
}

#[tokio::test]
async fn the_relation_that_decided_is_named() {
    let reply = r#"{"outcome":"denied","reason":"No","reason_code":"forbidden","policy_version":null,"policy_hash":"41c0","matched":[{"relation_id":"a","type":"forbids","source":"*","target":"*","object":null,"applies":false,"conditions":[]},{"relation_id":"b","type":"forbids","source":"*","target":"*","object":null,"applies":true,"conditions":[]}],"near_misses":[],"minimal_flip":null,"obligations":[],"steps":3}"#;
    let out = "outcome     denied (forbidden)
reason      No
decided by  forbids `b`
policy      candidate, hash 41c0
steps       3

forbids `a` does not apply
forbids `b` applies
";
    check(&["policy", "explain", "--actor", "a", "--action", "b"], reply, 0, out).await;
}

#[tokio::test]
async fn what_is_to_be_explained_reaches_the_node() {
    let dir = tempfile::tempdir().unwrap();
    let policy = dir.path().join("p.yaml");
    std::fs::write(&policy, "terms: []").unwrap();
    let policy = policy.to_str().unwrap();
    let words = [
        "policy",
        "explain",
        "--actor",
        "a",
        "--action",
        "b",
        "--context",
        "x=1",
        "--resource",
        "r",
        "--policy",
        policy,
    ];
    let (_ran, node) = ask(&words, Said::ok(EXPLAINED)).await;
    assert_eq!(node.lines(), ["POST /policies/explain"]);
    let body =
        r#"{"action":"b","actor":"a","context":{"x":"1"},"policy":{"terms":[]},"resource":"r"}"#;
    assert_eq!(node.asked()[0].body, body);
    let (_ran, node) =
        ask(&["policy", "explain", "--decision", "dec_1"], Said::ok(EXPLAINED)).await;
    assert_eq!(node.asked()[0].body, r#"{"decision_id":"dec_1"}"#);
    for words in [
        vec!["policy", "explain"],
        vec!["policy", "explain", "--actor", "a"],
        vec!["policy", "explain", "--actor", "a", "--action", "b", "--decision", "dec_1"],
    ] {
        let (ran, node) = ask(&words, Said::ok(EXPLAINED)).await;
        assert_eq!((ran.exit, node.asked().len()), (2, 0), "{words:?}");
    }
}

fn impact(denied_to_allowed: u32) -> String {
    let examples = r#"[{"decision_id":"dec_1","ledger_entry_id":118,"actor":"ai_agent:a","action":"pay","was":"denied","would_be":"allowed"}]"#;
    let examples = if denied_to_allowed == 0 { "[]" } else { examples };
    format!(
        r#"{{"decisions_replayed":9,"unchanged":7,"allowed_to_denied":{{"count":0,"examples":[]}},"denied_to_allowed":{{"count":{denied_to_allowed},"examples":{examples}}},"other_changes":{{"count":0,"examples":[]}},"unreplayable":1,"from_entry":2,"to_entry":140,"candidate_hash":"41c0"}}"#
    )
}

#[tokio::test]
async fn the_impact_of_a_policy_that_widens_exits_with_1() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.yaml");
    std::fs::write(&path, "terms: []").unwrap();
    let path = path.to_str().unwrap();
    let out = |now_allowed: u32, examples: &str| {
        format!(
            "candidate     41c0
entries       2 to 140
judged again  9
unchanged     7
now denied    0
now allowed   {now_allowed}
otherwise     0
unreplayable  1
{examples}"
        )
    };
    let examples = "
DECISION  ENTRY  WAS     WOULD BE  ACTOR       ACTION
dec_1     118    denied  allowed   ai_agent:a  pay
";
    check(&["policy", "impact", path], &impact(1), 1, &out(1, examples)).await;
    check(&["policy", "impact", path], &impact(0), 0, &out(0, "")).await;
    let flags = ["--from", "2027-03-01", "--to", "2027-04-01", "--max-examples", "5"];
    let words: Vec<&str> = ["policy", "impact", path].into_iter().chain(flags).collect();
    let (_ran, node) = ask(&words, Said::ok(&impact(0))).await;
    assert_eq!(node.lines(), ["POST /policies/impact"]);
    let body = r#"{"from":"2027-03-01","max_examples":5,"policy":{"terms":[]},"to":"2027-04-01"}"#;
    assert_eq!(node.asked()[0].body, body);
    let (ran, _node) = ask(&["policy", "impact", path], Said::problem(400, "policy_invalid")).await;
    assert_eq!(ran.exit, 1);
}

#[tokio::test]
async fn an_earlier_version_is_put_in_force_with_a_reason() {
    let reply = r#"{"status":"success","policy_version":5,"policy_hash":"41c0","terms_loaded":2,"relations_loaded":1,"mode":"strict","previous_version":4,"warnings":[],"ledger_entry_id":9}"#;
    let words = ["policy", "rollback", "3", "--reason", "too strict"];
    let out = "version    5 (was 4)
hash       41c0
mode       strict
terms      2
relations  1
entry      9
";
    check(&words, reply, 0, out).await;
    let (_ran, node) = ask(&words, Said::ok(reply)).await;
    assert_eq!(node.lines(), ["POST /policies/rollback"]);
    assert_eq!(node.asked()[0].body, r#"{"reason":"too strict","version":3}"#);
    let (ran, _node) = ask(&words, Said::problem(409, "already_active")).await;
    assert_eq!(ran.exit, 3);
    assert_eq!(run(&["policy", "rollback", "3"]).await.exit, 2);
}

fn replay(identical: &str, replayed: &str) -> String {
    let unreplayable = if identical == "null" { r#""erased""# } else { "null" };
    let differences = if identical == "false" { r#"["outcome"]"# } else { "[]" };
    format!(
        r#"{{"decision_id":"dec_1","identical":{identical},"unreplayable":{unreplayable},"policy_version":3,"policy_hash":"41c0","engine_version":2,"recorded":{{"outcome":"allowed","reason_code":"permitted"}},"replayed":{replayed},"differences":{differences}}}"#
    )
}

#[tokio::test]
async fn a_replay_exits_with_0_only_where_nothing_differs() {
    let words = ["decisions", "replay", "dec_1"];
    let same = replay("true", r#"{"outcome":"allowed","reason_code":"permitted"}"#);
    let out = "decision   dec_1
identical  yes
recorded   allowed (permitted)
replayed   allowed (permitted)
policy     version 3, hash 41c0
engine     2
";
    check(&words, &same, 0, out).await;
    let other = replay("false", r#"{"outcome":"denied","reason_code":"no_permit"}"#);
    let out = out
        .replace("identical  yes", "identical  NO")
        .replace("replayed   allowed (permitted)", "replayed   denied (no_permit)");
    check(&words, &other, 1, &format!("{out}differs: outcome\n")).await;
    let out = "decision   dec_1
identical  cannot be told: erased
recorded   allowed (permitted)
policy     version 3, hash 41c0
engine     2
";
    check(&words, &replay("null", "null"), 1, out).await;
    let (ran, node) = ask(&words, Said::problem(404, "unknown_decision")).await;
    assert_eq!((ran.exit, node.lines()), (3, vec!["GET /decisions/dec_1/replay".to_owned()]));
}

const BEFORE: &str = "
name: Desk
terms: [{id: a, type: actor}, {id: b, type: action}]
relations:
  - {relation_id: r, type: permits, subject: a, action: b, condition: {x: 1}}
  - {relation_id: gone, type: forbids, subject: a, action: b}
";

#[tokio::test]
async fn two_policies_are_told_apart_by_what_they_say() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let before = file("a.yaml", BEFORE);
    let after = BEFORE.replace("{x: 1}", "{x: 2}").replace("gone", "new").replace("Desk", "Desks");
    let after = file("b.yaml", &after);
    let ran = run(&["policy", "diff", &before, &after]).await;
    let relation = |id: &str| {
        format!(
            r#"relation `{id}`: {{"conditions":[],"justification":null,"metadata":{{}},"object":null,"relation_id":"{id}","relation_type":"forbids","source":"a","target":"b"}}"#
        )
    };
    let out = format!(
        "~ document
    name: \"Desk\" -> \"Desks\"
- {}
~ relation `r`
    conditions: [{{\"key\":\"x\",\"op\":\"eq\",\"value\":1}}] -> [{{\"key\":\"x\",\"op\":\"eq\",\"value\":2}}]
+ {}
",
        relation("gone"),
        relation("new")
    );
    assert!(ran.out.starts_with(&out), "{}", ran.out);
    assert_eq!((ran.exit, ran.err.as_str()), (1, ""));
    let only = run(&["policy", "diff", &before, &after, "--evaluations-max", "0"]).await;
    check_ran(&only, 1, &out);
    // Another spelling and another order say the same.
    let same = r#"{"name":"Desk","relations":[
        {"relation_id":"gone","relation_type":"forbids","source":"a","target":"b"},
        {"relation_id":"r","type":"permits","subject":"a","action":"b","conditions":[{"key":"x","op":"eq","value":1}]}],
        "terms":[{"term_id":"b","term_type":"action"},{"id":"a","type":"actor"}]}"#;
    let same = file("c.json", same);
    let ran = run(&["policy", "diff", &before, &same]).await;
    assert_eq!((ran.exit, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
}

#[tokio::test]
async fn a_version_of_a_node_is_compared_like_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.json");
    std::fs::write(&path, r#"{"terms":[],"mode":"paranoid"}"#).unwrap();
    let path = path.to_str().unwrap();
    let version = |number: u32, mode: &str| {
        Said::ok(&format!(
            r#"{{"version":{number},"policy_hash":"41c0","name":null,"document_version":"1.0","mode":"{mode}","terms_count":0,"relations_count":0,"loaded_at":null,"loaded_by":null,"active":true,"ledger_entry_id":7,"document":{{"terms":[],"mode":"{mode}"}}}}"#
        ))
    };
    let (ran, node) =
        ask(&["policy", "diff", "@active", path, "--json"], version(4, "strict")).await;
    assert_eq!((ran.exit, node.lines()), (1, vec!["GET /policies/active".to_owned()]));
    let json: Json = serde_json::from_str(&ran.out).unwrap();
    let changes = json.as_object().unwrap().get("changes").unwrap().to_canonical();
    let expect = r#"[{"change":"changed","id":null,"of":"document","value":[{"after":"paranoid","before":"strict","member":"mode"}]}]"#;
    assert_eq!(changes, expect);
    let node = Double::start([version(3, "strict"), version(4, "strict")]).await;
    let ran = run(&["policy", "diff", "@3", "@4", "--url", &node.url]).await;
    assert_eq!((ran.exit, ran.out.as_str()), (0, ""));
    assert_eq!(node.lines(), ["GET /policies/3", "GET /policies/4"]);
    assert_eq!(run(&["policy", "diff", "@latest", path]).await.exit, 2);
}

#[tokio::test]
async fn a_candidate_is_explained_without_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.yaml");
    let text = "
terms: [{id: 'actor:payer', type: actor}, {id: 'action:pay', type: action}]
relations:
  - {relation_id: paying, type: permits, subject: 'actor:payer', action: 'action:pay', condition: {key: amount, op: lte, value: 500}}
";
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap();
    let words =
        ["policy", "explain", "--actor", "payer", "--action", "pay", "--policy", path, "--offline"];
    let asked = |amount: u32| format!(r#"{{"amount":{amount}}}"#);
    let (much, little) = (asked(700), asked(7));
    let with = |context: &'_ str| [&words[..], &["--context-json", context]].concat().join("\0");
    let ran = run(&with(&much).split('\0').collect::<Vec<_>>()).await;
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    for line in [
        "outcome  denied (no_permit)\n",
        "policy   candidate, hash ",
        "permits `paying` does not apply\n  amount <= 500: 700, not met\n",
        "near miss: permits `paying`\n  amount <= 500: 700\n",
        "would be allowed if amount <= 500\n",
    ] {
        assert!(ran.out.contains(line), "{line}: {}", ran.out);
    }
    let ran = run(&with(&little).split('\0').collect::<Vec<_>>()).await;
    assert!(ran.out.contains("decided by  permits `paying`\n"), "{}", ran.out);
    for wrong in [
        vec!["policy", "explain", "--actor", "a", "--action", "b", "--offline"],
        vec!["policy", "explain", "--actor", "a b", "--action", "b", "--offline", "--policy", path],
        vec![
            "policy",
            "explain",
            "--actor",
            "a",
            "--action",
            "b",
            "--offline",
            "--policy",
            path,
            "--at",
            "noon",
        ],
        vec!["policy", "explain", "--decision", "dec_1", "--offline", "--policy", path],
    ] {
        assert_eq!(run(&wrong).await.exit, 2, "{wrong:?}");
    }
}

#[tokio::test]
async fn what_two_policies_answer_differently_is_shown_with_a_request() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, limit: u32| {
        let text = format!(
            "terms: [{{id: 'actor:a', type: actor}}, {{id: 'action:b', type: action}}]
relations: [{{type: permits, subject: 'actor:a', action: 'action:b', condition: {{key: x, op: lte, value: {limit}}}}}]"
        );
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (before, after) = (file("a.yaml", 5), file("b.yaml", 7));
    let ran = run(&["policy", "diff", &before, &after]).await;
    assert_eq!((ran.exit, ran.err.as_str()), (1, ""));
    for line in [
        "outcomes: 1 from denied to allowed, 0 from allowed to denied, ",
        "  denied (no_permit) -> allowed (permitted): `",
    ] {
        assert!(ran.out.contains(line), "{line}: {}", ran.out);
    }
    let ran = run(&["policy", "diff", &after, &before, "--json"]).await;
    let json: Json = serde_json::from_str(&ran.out).unwrap();
    let outcomes = json.as_object().unwrap().get("outcomes").unwrap().as_object().unwrap();
    assert_eq!(outcomes.get("denied_to_allowed").unwrap().as_u64(), Some(0));
    assert!(outcomes.get("allowed_to_denied").unwrap().as_u64() > Some(0), "{}", ran.out);
    let changes = outcomes.get("changes").unwrap().as_array().unwrap();
    let example = changes[0].as_object().unwrap().get("example").unwrap().as_object().unwrap();
    let x = example.get("context").unwrap().as_object().unwrap().get("x").unwrap().as_u64();
    assert!(Some(5) < x && x <= Some(7), "{}", ran.out);
}
