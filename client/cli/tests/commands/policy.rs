//! `lexecon policy`: JSON and YAML go in alike, every fault is shown.

use crate::double::Said;
use crate::shell::{ask, check};

const YAML: &str = "name: Claims desk\nmode: strict\nterms: []\nrelations: []\n";
const LOADED: &str = r#"{"status":"success","policy_version":4,"policy_hash":"41c0","terms_loaded":2,"relations_loaded":1,"mode":"strict","previous_version":3,"warnings":[{"pointer":"/terms/1","code":"unused","detail":"is never used"},"plain"],"ledger_entry_id":7}"#;

fn file(dir: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_policy_is_loaded_from_yaml_and_from_json_alike() {
    let dir = tempfile::tempdir().unwrap();
    let json = r#"{"name":"Claims desk","relations":[],"mode":"strict","terms":[]}"#;
    let files = [file(&dir, "p.yaml", YAML), file(&dir, "p.json", json), file(&dir, "p", json)];
    let mut bodies = Vec::new();
    for path in &files {
        let words = ["policy", "load", path, "--expected-active-version", "3", "--note", "review"];
        let (ran, node) = ask(&words, Said::ok(LOADED)).await;
        assert_eq!(ran.exit, 0);
        assert_eq!(node.lines(), ["POST /policies/load"]);
        bodies.push(node.asked()[0].body.clone());
    }
    let body = r#"{"expected_active_version":3,"note":"review","policy":{"mode":"strict","name":"Claims desk","relations":[],"terms":[]}}"#;
    assert_eq!(bodies, [body; 3]);
    let out = "version    4 (was 3)
hash       41c0
mode       strict
terms      2
relations  1
entry      7
warning: /terms/1: is never used
warning: plain
";
    check(&["policy", "load", &files[0]], LOADED, 0, out).await;
}

#[tokio::test]
async fn a_document_that_cannot_be_read_as_one_is_not_valid() {
    let dir = tempfile::tempdir().unwrap();
    let twice = file(&dir, "p.yaml", "mode: strict\nmode: permissive\n");
    for verb in ["load", "validate"] {
        let (ran, node) = ask(&["policy", verb, &twice], Said::ok(LOADED)).await;
        let why = format!(
            "lexecon: `{twice}` is not a valid document: key `mode` is given twice at ``\n"
        );
        assert_eq!((ran.exit, ran.err, node.asked().len()), (1, why, 0));
        let missing = dir.path().join("missing.yaml");
        let (ran, _node) = ask(&["policy", verb, missing.to_str().unwrap()], Said::ok("")).await;
        assert_eq!(ran.exit, 3);
        assert!(ran.err.contains("missing.yaml`: No such file"), "{}", ran.err);
    }
}

#[tokio::test]
async fn validation_names_every_fault() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(&dir, "p.yaml", YAML);
    let words = ["policy", "validate", &path];
    let valid = r#"{"valid":true,"policy_hash":"41c0","errors":[],"warnings":[]}"#;
    check(&words, valid, 0, "valid, hash 41c0\n").await;
    let faulty = r#"{"valid":false,"policy_hash":null,"errors":[{"pointer":"/mode","code":"not_one_of","detail":"must be strict"},{"pointer":"/x","code":"unknown_field","detail":"is not known"}],"warnings":[]}"#;
    let out = "not valid: 2 fault(s)
  /mode: must be strict (not_one_of)
  /x: is not known (unknown_field)
";
    check(&words, faulty, 1, out).await;
}

#[tokio::test]
async fn versions_are_listed_and_shown() {
    let list = r#"{"policies":[{"version":0,"policy_hash":"00aa11bb22cc33dd","name":null,"document_version":"1.0","mode":"strict","terms_count":0,"relations_count":0,"loaded_at":null,"loaded_by":null,"active":false,"ledger_entry_id":null},{"version":1,"policy_hash":"41c0","name":"Claims desk","document_version":"1.2.0","mode":"strict","terms_count":4,"relations_count":3,"loaded_at":"2027-03-04T04:00:00.000000Z","loaded_by":"user_1","active":true,"ledger_entry_id":7}],"active_version":1,"policy_hash":"41c0","mode":"strict","terms_count":4,"relations_count":3}"#;
    let out = "\
VERSION  STATE   MODE    TERMS  RELATIONS  HASH          LOADED                       NAME
0                strict  0      0          00aa11bb22cc  -                            -
1        active  strict  4      3          41c0          2027-03-04T04:00:00.000000Z  Claims desk
";
    check(&["policy", "list"], list, 0, out).await;
    let one = r#"{"version":1,"policy_hash":"41c0","name":"Claims desk","document_version":"1.2.0","mode":"strict","terms_count":4,"relations_count":3,"loaded_at":"2027-03-04T04:00:00.000000Z","loaded_by":null,"active":true,"ledger_entry_id":7,"document":{"mode":"strict"}}"#;
    let out = "version  1
active   yes
name     Claims desk
mode     strict
hash     41c0
loaded   2027-03-04T04:00:00.000000Z
entry    7

{
  \"mode\": \"strict\"
}
";
    check(&["policy", "show", "1"], one, 0, out).await;
    let (_ran, node) = ask(&["policy", "show"], Said::ok(one)).await;
    assert_eq!(node.lines(), ["GET /policies/active"]);
}
