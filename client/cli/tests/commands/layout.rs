//! `lexecon policy fmt`: one layout, the same hash, no comment lost unasked.

use crate::shell::{check_ran, run};

const YAML: &str = "\
# who reads what
mode: strict
name: Claims desk
relations:
  - {type: permits, subject: actor:triage, action: action:read, condition: {purpose: triage}}
  - {type: permits, subject: actor:triage, action: action:read, condition: {purpose: audit}}
  - type: forbids
    subject: '*'
    action: action:read
    justification: 'Nobody reads: the archive is closed'
    conditions: [{key: claim.state, op: in, value: [closed, 'no', '007', 1.50]}, archived, frozen, sealed]
terms:
  - {id: action:read, type: action}
  - {id: actor:triage, type: actor, name: Triage desk, metadata: {owner: ops, since: '2027-03-04'}}
";

const YAML_LAID_OUT: &str = "\
name: Claims desk
version: \"1.0\"
mode: strict
terms:
  - {term_id: action:read, term_type: action}
  - term_id: actor:triage
    term_type: actor
    label: Triage desk
    metadata: {owner: ops, since: \"2027-03-04\"}
relations:
  - relation_type: forbids
    source: \"*\"
    target: action:read
    conditions:
      - {key: archived, op: eq, value: true}
      - {key: claim.state, op: in, value: [closed, \"no\", \"007\", 1.5]}
      - {key: frozen, op: eq, value: true}
      - {key: sealed, op: eq, value: true}
    justification: \"Nobody reads: the archive is closed\"
  - relation_type: permits
    source: actor:triage
    target: action:read
    conditions: [{key: purpose, op: eq, value: audit}]
  - relation_type: permits
    source: actor:triage
    target: action:read
    conditions: [{key: purpose, op: eq, value: triage}]
";

struct Files(tempfile::TempDir);

impl Files {
    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn files() -> Files {
    Files(tempfile::tempdir().unwrap())
}

#[tokio::test]
async fn yaml_comes_out_as_yaml_and_once_laid_out_stays() {
    let files = files();
    let path = files.write("p.yaml", YAML);
    let ran = run(&["policy", "fmt", &path]).await;
    assert_eq!(ran.out, YAML_LAID_OUT);
    assert_eq!((ran.exit, ran.err.as_str()), (0, "the comments of the file are left out\n"));
    let again = files.write("q.yaml", YAML_LAID_OUT);
    check_ran(&run(&["policy", "fmt", &again]).await, 0, YAML_LAID_OUT);
    check_ran(&run(&["policy", "fmt", &again, "--check"]).await, 0, "");
}

#[tokio::test]
async fn json_comes_out_as_json() {
    let files = files();
    let path = files.write("p.json", r#"{"terms":[{"type":"actor","id":"actor:a"}]}"#);
    let out = r#"{
  "version": "1.0",
  "mode": "strict",
  "terms": [
    {"term_id": "actor:a", "term_type": "actor"}
  ],
  "relations": []
}
"#;
    check_ran(&run(&["policy", "fmt", &path]).await, 0, out);
    let ran = run(&["policy", "fmt", &path, "--check"]).await;
    check_ran(&ran, 1, &format!("{path} is laid out otherwise\n"));
}

#[tokio::test]
async fn an_id_that_was_chosen_stays() {
    let files = files();
    let relations = r#"[{"relation_id":"permits:a:a","type":"permits","source":"a"},
        {"relation_id":"permits:a:a~00000000","type":"permits","source":"a","target":"a","condition":{"x":1}},
        {"relation_id":"mine","type":"forbids","source":"a"}]"#;
    let text = format!(r#"{{"terms":[{{"id":"a","type":"actor"}}],"relations":{relations}}}"#);
    let path = files.write("p.json", &text);
    let ran = run(&["policy", "fmt", &path, "--json"]).await;
    assert_eq!(ran.exit, 0, "{}", ran.err);
    for id in ["permits:a:a~00000000", "mine"] {
        assert!(ran.out.contains(id), "{}", ran.out);
    }
}

#[tokio::test]
async fn a_file_is_replaced_only_where_nothing_of_it_is_lost() {
    let files = files();
    let path = files.write("p.yaml", YAML);
    let ran = run(&["policy", "fmt", &path, "--write"]).await;
    assert_eq!(ran.exit, 2);
    assert!(ran.err.contains("has comments, which would be lost"), "{}", ran.err);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), YAML);
    let ran = run(&["policy", "fmt", &path, "--write", "--drop-comments"]).await;
    check_ran(&ran, 0, &format!("{path} was laid out anew\n"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), YAML_LAID_OUT);
    check_ran(&run(&["policy", "fmt", &path, "--write"]).await, 0, "");
    assert_eq!(run(&["policy", "fmt", "-", "--write", "--check"]).await.exit, 2);
}

#[tokio::test]
async fn what_is_no_policy_is_not_laid_out() {
    let files = files();
    let path = files.write("p.yaml", "mode: lenient\nterms: []\n");
    let ran = run(&["policy", "fmt", &path, "--write"]).await;
    assert_eq!((ran.exit, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("/mode: must be one of"), "{}", ran.err);
}

#[tokio::test]
async fn the_examples_keep_their_hash_in_either_form() {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/examples");
    let files = files();
    for name in ["clinical-access", "customer-support", "payments"] {
        let source = format!("{examples}/{name}/policy.yaml");
        let ran = run(&["policy", "fmt", &source]).await;
        let laid_out = files.write("p.yaml", &ran.out);
        let ran = run(&["policy", "diff", &source, &laid_out]).await;
        assert_eq!((ran.exit, ran.out.as_str()), (0, ""), "{name}: {}", ran.err);
    }
}
