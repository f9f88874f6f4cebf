//! `lexecon policy validate --offline`: what a node says, with lines.

use crate::shell::{check_ran, run};

#[tokio::test]
async fn faults_are_shown_where_they_stand() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let yaml = file(
        "p.yaml",
        "mode: strict\nterms:\n  - {id: a, type: actr}\nrelations:\n  - type: permits\n    subject: b\n  - subject: a\n",
    );
    let out = format!(
        "not valid: 3 fault(s)
  {yaml}:3:13: /terms/0/type: must be one of actor, action, data_class, resource, context, constraint; did you mean `actor`? (not_one_of)
  {yaml}:6:5: /relations/0/subject: `b` is neither a term nor a pattern (dangling_reference)
  {yaml}:7:5: /relations/1/relation_type: is required (missing)
"
    );
    check_ran(&run(&["policy", "validate", &yaml, "--offline"]).await, 1, &out);
    let json = file("p.json", "{\n  \"terms\": [],\n  \"mod\": \"strict\"}");
    let out = format!(
        "not valid: 1 fault(s)\n  {json}:3:3: /mod: is not known here; did you mean `mode`? (unknown_field)\n"
    );
    check_ran(&run(&["policy", "validate", &json, "--offline"]).await, 1, &out);
    let ran = run(&["policy", "validate", &json, "--offline", "--json"]).await;
    assert!(ran.out.contains(r#""column":3,"#) && ran.out.contains(r#""line":3,"#), "{}", ran.out);
}

#[tokio::test]
async fn a_valid_policy_is_said_to_be_with_its_warnings() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.json");
    std::fs::write(
        &path,
        r#"{"terms":[{"id":"a","type":"actor"},{"id":"b","type":"actor","name":"a"}]}"#,
    )
    .unwrap();
    let path = path.to_str().unwrap();
    let ran = run(&["policy", "validate", path, "--offline"]).await;
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    assert!(ran.out.starts_with("valid, hash "), "{}", ran.out);
    for warning in [
        "/terms: `a` means both `a` and `b` (ambiguous_name)\n",
        "/terms: nothing refers to the term `b`, and no pattern in its place covers it (unused_term)\n",
    ] {
        let warning = format!("warning: {path}:1:2: {warning}");
        assert!(ran.out.contains(&warning), "{warning}: {}", ran.out);
    }
}
