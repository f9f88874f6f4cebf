//! What the README shows to do with policies is done here, word for word, on a
//! live cluster, each command on another node.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jepsen_tests::binary;
use jepsen_tests::cluster::Cluster;
use jepsen_tests::trial;

const SECTION: &str = "## Change a policy without fear";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The commands of the first code block after the heading.
fn shown() -> Vec<String> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, section) = readme.split_once(SECTION).unwrap();
    let block = section.split("```").nth(1).unwrap();
    block.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// As a shell in the root of the repository does it.
fn shell(cluster: &Cluster, at: usize, line: &str) -> Output {
    let binaries = binary::lexecon().unwrap().parent().unwrap().to_owned();
    let path = format!("{}:{}", binaries.display(), env::var("PATH").unwrap());
    let url = format!("http://{}", cluster.addresses()[at]);
    let mut command = Command::new("sh");
    command.arg("-c").arg(line).current_dir(root());
    command.env("PATH", path).env("LEXECON_URL", url).output().unwrap()
}

#[track_caller]
fn check(output: &Output, status: i32, line: &str) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{line}\n{said}\n{errors}");
    said
}

#[tokio::test]
async fn the_readme_shows_what_works() {
    let _turn = trial::turn().await;
    let mut cluster = Cluster::start(3).await.unwrap();
    for policy in ["clinical-access", "customer-support"] {
        let line = format!("lexecon policy load deploy/examples/{policy}/policy.yaml");
        check(&shell(&cluster, 0, &line), 0, &line);
    }
    let asked = "lexecon decide --actor ai_agent:customer_service --action access_customer_data \
                 --context purpose=support_ticket --context data_sensitivity=high";
    let said = check(&shell(&cluster, 1, asked), 0, asked);
    assert!(said.contains("allowed"), "{said}");
    cluster.settle().await.unwrap();

    let mut told = Vec::new();
    for (at, line) in shown().iter().enumerate() {
        let output = shell(&cluster, at % 3, line);
        // `diff` says that there are differences as `diff` does.
        let status = i32::from(line.starts_with("lexecon policy diff"));
        told.push(check(&output, status, line));
    }
    let [tested, why, differences, impact, back] = &told[..] else {
        panic!("the section has other commands: {:?}", shown());
    };
    assert!(tested.contains("78 passed, 0 failed"), "{tested}");
    assert!(why.contains("denied"), "{why}");
    assert!(differences.contains("ai_agent"), "{differences}");
    assert!(impact.contains("now denied    1"), "{impact}");
    assert!(back.contains("3 (was 2)"), "{back}");
}
