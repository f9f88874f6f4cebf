//! The sample policies of `deploy/examples`: each is what its cases say.

use std::path::{Path, PathBuf};

use crate::shell::run;

const POLICIES: [&str; 3] = ["clinical-access", "customer-support", "payments"];

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/examples")
}

fn file(policy: &str, name: &str) -> String {
    examples().join(policy).join(name).to_str().unwrap().to_owned()
}

#[test]
fn every_folder_of_the_examples_is_tested() {
    let folders = std::fs::read_dir(examples()).unwrap().map(|entry| entry.unwrap());
    let folders = folders.filter(|entry| entry.file_type().unwrap().is_dir());
    let mut names: Vec<String> =
        folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, POLICIES);
}

#[tokio::test]
async fn every_sample_policy_passes_its_own_cases() {
    for policy in POLICIES {
        let (document, cases) = (file(policy, "policy.yaml"), file(policy, "cases.yaml"));
        let words = ["policy", "test", &document, &cases, "--coverage-min", "100"];
        let ran = run(&words).await;
        assert_eq!((ran.exit, ran.err.as_str()), (0, ""), "{policy}: {}", ran.out);
    }
}

/// Else the test above could not fail.
#[tokio::test]
async fn no_sample_policy_passes_the_cases_of_another() {
    for (policy, other) in POLICIES.iter().zip(POLICIES.iter().cycle().skip(1)) {
        let (document, cases) = (file(policy, "policy.yaml"), file(other, "cases.yaml"));
        let ran = run(&["policy", "test", &document, &cases]).await;
        assert_eq!(ran.exit, 1, "{policy} with {other}: {}", ran.out);
    }
}
