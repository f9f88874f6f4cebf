//! What the README shows to do with policies, humans, duties, certificates and accounts is
//! done here, word for word, on a live cluster, each command on another node.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::env;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use jepsen_tests::binary;
use jepsen_tests::cluster::{Cluster, PATIENCE};
use jepsen_tests::ports::Ports;
use jepsen_tests::{totp, trial, wait};

const POLICIES: &str = "## Change a policy without fear";
const HUMANS: &str = "## Keep a human in the loop";
const AUDITOR: &str = "## Hand it to an auditor";
const KEPT: &str = "## Keep what must be kept, and nothing else";
const AUTHORITY: &str = "## Show it to an authority";
const STANDING: &str = "## Show what there is";
const BEYOND: &str = "## Serve beyond this machine";
const ACCOUNTS: &str = "## Who you are";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The commands of the first code block after the heading.
fn shown(section: &str) -> Vec<String> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, section) = readme.split_once(section).unwrap();
    let block = section.split("```").nth(1).unwrap();
    block.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// As a shell in the root of the repository does it.
fn shell(cluster: &Cluster, at: usize, line: &str) -> Output {
    shell_in(&root(), cluster, at, line)
}

/// The same in another directory, for what leaves files.
fn shell_in(dir: &Path, cluster: &Cluster, at: usize, line: &str) -> Output {
    let binaries = binary::lexecon().unwrap().parent().unwrap().to_owned();
    let path = format!("{}:{}", binaries.display(), env::var("PATH").unwrap());
    let url = format!("http://{}", cluster.addresses()[at]);
    let mut command = Command::new("sh");
    command.arg("-c").arg(line).current_dir(dir);
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
    for (at, line) in shown(POLICIES).iter().enumerate() {
        let output = shell(&cluster, at % 3, line);
        // `diff` says that there are differences as `diff` does.
        let status = i32::from(line.starts_with("lexecon policy diff"));
        told.push(check(&output, status, line));
    }
    let [tested, why, differences, impact, back] = &told[..] else {
        panic!("the section has other commands: {:?}", shown(POLICIES));
    };
    assert!(tested.contains("78 passed, 0 failed"), "{tested}");
    assert!(why.contains("denied"), "{why}");
    assert!(differences.contains("ai_agent"), "{differences}");
    assert!(impact.contains("now denied    1"), "{impact}");
    assert!(back.contains("3 (was 2)"), "{back}");
}

/// A word of what a command said: that which begins with a prefix.
#[track_caller]
fn word(said: &str, prefix: &str) -> String {
    let found = said.split_whitespace().find(|word| word.starts_with(prefix));
    found.unwrap_or_else(|| panic!("nothing begins with `{prefix}`: {said}")).to_owned()
}

#[tokio::test]
async fn the_readme_shows_how_humans_take_part() {
    let _turn = trial::turn().await;
    let mut cluster = Cluster::start(3).await.unwrap();
    let policy = "lexecon policy load deploy/examples/customer-support/policy.yaml";
    check(&shell(&cluster, 0, policy), 0, policy);
    let asked = "lexecon decide --actor ai_agent:customer_service --action burn_everything";
    // A denial is an exit status of its own.
    let denied = word(&check(&shell(&cluster, 1, asked), 1, asked), "dec_");

    let mut names = vec![("$DENIED", denied)];
    for line in shown(HUMANS) {
        let mut filled = line.clone();
        for (name, value) in &names {
            filled = filled.replace(name, value);
        }
        let is_escalated = line.starts_with("lexecon decide");
        let at = names.len() % 3;
        let said = check(&shell(&cluster, at, &filled), i32::from(is_escalated), &filled);
        if is_escalated {
            names.push(("$DECISION", word(&said, "dec_")));
        } else if line.starts_with("lexecon escalation list") {
            names.push(("$ESCALATION", word(&said, "esc_")));
        } else if line.starts_with("lexecon override execute") {
            names.push(("$OVERRIDE", word(&said, "ovr_")));
        }
        cluster.settle().await.unwrap();
    }
    assert_eq!(names.len(), 4, "the section has other commands");
    let again = format!("lexecon decisions token {}", names[1].1);
    check(&shell(&cluster, 2, &again), 3, &again);
    let stopped = "lexecon decide --actor ai_agent:customer_service --action access_customer_data";
    let said = check(&shell(&cluster, 2, stopped), 1, stopped);
    assert!(said.contains("emergency_stop"), "{said}");
}

#[tokio::test]
async fn the_readme_shows_what_an_auditor_takes_away() {
    let _turn = trial::turn().await;
    let mut cluster = Cluster::start(3).await.unwrap();
    let policy = "lexecon policy load deploy/examples/customer-support/policy.yaml";
    check(&shell(&cluster, 0, policy), 0, policy);
    let asked = "lexecon decide --actor ai_agent:customer_service --action burn_everything";
    check(&shell(&cluster, 1, asked), 1, asked);
    cluster.settle().await.unwrap();
    let follower = (cluster.leader().await.unwrap() + 1) % 3;
    let desk = tempfile::tempdir().unwrap();
    let told: Vec<String> = shown(AUDITOR)
        .iter()
        .map(|line| check(&shell_in(desk.path(), &cluster, follower, line), 0, line))
        .collect();
    let [_, verified, listed] = &told[..] else { panic!("the section has other commands") };
    assert!(verified.contains("decisions 1"), "{verified}");
    assert!(listed.contains("completed"), "{listed}");

    // Elsewhere, with nothing but the file: no cluster, no environment and, where
    // the machine lets a process have none, no network.
    drop(cluster);
    let laptop = tempfile::tempdir().unwrap();
    std::fs::copy(desk.path().join("audit.zip"), laptop.path().join("audit.zip")).unwrap();
    let ours = format!("{} verify audit.zip", binary::lexecon().unwrap().display());
    let theirs = "python3 -m zipfile -e audit.zip audit && python3 audit/verify.py audit.zip && \
                  python3 audit/verify.py audit";
    for line in [ours.as_str(), theirs] {
        let output = alone(laptop.path(), line);
        let said = check(&output, 0, line);
        assert!(said.contains("holds") && said.contains("decisions 1"), "{said}");
    }
    let records = laptop.path().join("audit/records/decisions.ndjson");
    let text = std::fs::read_to_string(&records).unwrap();
    std::fs::write(&records, text.replacen("burn", "turn", 1)).unwrap();
    for line in [ours.replace("audit.zip", "audit").as_str(), "python3 audit/verify.py audit"] {
        let said = check(&alone(laptop.path(), line), 1, line);
        assert!(said.contains("records/decisions.ndjson"), "{said}");
    }
}

/// A command with nothing around it.
fn alone(dir: &Path, line: &str) -> Output {
    let can = Command::new("unshare").args(["-r", "-n", "true"]).status();
    let mut command = match can.is_ok_and(|status| status.success()) {
        true => Command::new("unshare"),
        false => Command::new("env"),
    };
    if command.get_program() == "unshare" {
        command.args(["-r", "-n"]);
    }
    command.args(["sh", "-c", line]).current_dir(dir).env_clear();
    command.env("PATH", env::var("PATH").unwrap()).output().unwrap()
}

#[tokio::test]
async fn the_readme_shows_how_to_keep_what_must_be_kept() {
    let _turn = trial::turn().await;
    let mut cluster = Cluster::start(3).await.unwrap();
    let policy = "lexecon policy load deploy/examples/customer-support/policy.yaml";
    check(&shell(&cluster, 0, policy), 0, policy);
    let asked = "lexecon decide --actor ai_agent:customer_service --action burn_everything";
    check(&shell(&cluster, 1, asked), 1, asked);
    cluster.settle().await.unwrap();
    let desk = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    for (at, line) in shown(KEPT).iter().enumerate() {
        told.push(check(&shell_in(desk.path(), &cluster, at % 3, line), 0, line));
        cluster.settle().await.unwrap();
    }
    let [applied, status, dry, ..] = &told[..] else { panic!("the section has no commands") };
    assert!(applied.contains("claim-113"), "{applied}");
    assert!(status.contains("3650"), "{status}");
    let counted = |name: &str| {
        let line = dry.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    };
    // The decision is the only entry about the agent, and a hold keeps it.
    assert_eq!(counted("candidates"), "1", "{dry}");
    let records = std::fs::read_to_string(desk.path().join("records.csv")).unwrap();
    assert!(records.contains("decision"), "{records}");
    assert!(desk.path().join("oversight.md").exists());
}

#[tokio::test]
async fn the_readme_shows_what_an_authority_gets() {
    let _turn = trial::turn().await;
    let mut cluster = Cluster::start(3).await.unwrap();
    let policy = "lexecon policy load deploy/examples/customer-support/policy.yaml";
    check(&shell(&cluster, 0, policy), 0, policy);
    let mut names: Vec<(&str, String)> = Vec::new();
    let mut told = Vec::new();
    for (at, line) in shown(AUTHORITY).iter().enumerate() {
        let mut filled = line.clone();
        for (name, value) in &names {
            filled = filled.replace(name, value);
        }
        let said = check(&shell(&cluster, at % 3, &filled), 0, &filled);
        if line.starts_with("lexecon system register") {
            names.push(("$SYSTEM", word(&said, "sys_")));
        } else if line.starts_with("lexecon incident record") {
            names.push(("$INCIDENT", word(&said, "inc_")));
        }
        cluster.settle().await.unwrap();
        told.push(said);
    }
    let [.., article_11, article_49] = &told[..] else { panic!("the section has no commands") };
    assert!(article_11.contains("Knows nothing of refunds."), "{article_11}");
    assert!(article_11.contains("<svg ") && article_11.contains("ai_agent"), "{article_11}");
    assert!(article_49.contains("A.10.member_states"), "{article_49}");
}

#[tokio::test]
async fn the_readme_shows_how_to_tell_what_there_is() {
    let _turn = trial::turn().await;
    let mut cluster = Cluster::start(3).await.unwrap();
    for action in ["read_everything", "burn_everything"] {
        let asked = format!("lexecon decide --actor ai_agent:x --action {action}");
        check(&shell(&cluster, 1, &asked), 1, &asked);
    }
    cluster.settle().await.unwrap();
    let mut told = Vec::new();
    let mut artifact = String::new();
    for (at, line) in shown(STANDING).iter().enumerate() {
        let filled = line.replace("$ARTIFACT", &artifact);
        let said = check(&shell(&cluster, at % 3, &filled), 0, &filled);
        if line.starts_with("lexecon evidence register") {
            artifact = word(&said, "evd_");
        }
        told.push((line.clone(), said));
        cluster.settle().await.unwrap();
    }
    let said = |start: &str| {
        let found = told.iter().find(|(line, _)| line.starts_with(start));
        found.map(|(_, said)| said.as_str()).unwrap_or_else(|| panic!("no `{start}`"))
    };
    assert!(said("lexecon compliance profile set").contains("Acme Insurance"));
    assert!(said("lexecon compliance statistics").contains("soc2"));
    assert!(said("lexecon compliance timeline").contains("2027-12-02"));
    assert!(said("lexecon compliance show").contains("does not count"));
    assert!(said("lexecon compliance query").contains("2 of 2"));
    assert!(said("lexecon audit sample").contains("2 of 2 entries of type decision"));
}

/// A process that ends with the test.
struct Serving(std::process::Child);

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_readme_shows_how_to_serve_with_certificates() {
    let _turn = trial::turn().await;
    let dir = tempfile::tempdir().unwrap();
    let mut ports = Ports::take().unwrap();
    let mut port = || ports.next_address().unwrap().port().to_string();
    let (api, peers) = (port(), port());
    let run = |line: &str| {
        let binaries = binary::lexecon().unwrap().parent().unwrap().to_owned();
        let line = line.replace("$HOST:8000", &format!("$HOST:{api}"));
        let line = line.replace("$HOST:9000", &format!("$HOST:{peers}"));
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("exec {line}")).current_dir(dir.path());
        let path = format!("{}:{}", binaries.display(), env::var("PATH").unwrap());
        // The address of this machine that every machine has.
        command.env("PATH", path).env("HOST", "127.0.0.1").env("LEXECON_RSA_KEYS", "false");
        command
    };
    let mut serving = Vec::new();
    let mut told = Vec::new();
    for line in shown(BEYOND) {
        if line.starts_with("lexecon serve") {
            let log = std::fs::File::create(dir.path().join("log")).unwrap();
            serving.push(Serving(run(&line).stderr(log).spawn().unwrap()));
        } else if line.starts_with("lexecon status") {
            // Until it leads a node says that it is degraded.
            let answered = wait::until("the node to lead", PATIENCE, async || {
                let output = run(&line).output().unwrap();
                let leads = String::from_utf8_lossy(&output.stdout).contains("operational");
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                if leads { Ok(output) } else { Err(said) }
            });
            told.push(check(&answered.await.unwrap(), 0, &line));
            // Nobody else's authority has signed it.
            let (unbelieving, _) = line.split_once(" --ca-file").unwrap();
            assert!(!run(unbelieving).output().unwrap().status.success());
        } else {
            told.push(check(&run(&line).output().unwrap(), 0, &line));
        }
    }
    let [_, _, certificate, status] = &told[..] else {
        panic!("the section has other commands: {told:?}");
    };
    assert!(certificate.contains("lexecon:node:n1"), "{certificate}");
    assert!(status.contains("operational"), "{status}");
    assert_eq!(serving.len(), 1);
}

/// Does a command that shows a secret and asks for its first code.
fn enroll(command: &mut Command) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    while !said.contains("secret=") {
        assert_ne!(told.read_line(&mut said).unwrap(), 0, "no secret was shown: {said}");
    }
    let (_, secret) = said.split_once("secret=").unwrap();
    let code = totp::code(secret.split('&').next().unwrap());
    writeln!(child.stdin.take().unwrap(), "{code}").unwrap();
    told.read_to_string(&mut said).unwrap();
    let status = child.wait().unwrap();
    Output { status, stdout: said.into_bytes(), stderr: Vec::new() }
}

#[tokio::test]
async fn the_readme_shows_how_people_and_programs_log_in() {
    let _turn = trial::turn().await;
    let mut cluster = Cluster::empty().unwrap();
    cluster.set("LEXECON_AUTH_MODE", "required");
    let at = cluster.add().unwrap();
    cluster.wait_ready(at).await.unwrap();
    let home = cluster.root().to_owned();
    for (file, password) in [("jane.txt", "Vigil-Tram0!kesp"), ("leo.txt", "Quilt-Harbor7?zun")] {
        std::fs::write(home.join(file), password).unwrap();
    }
    let url = format!("http://{}", cluster.addresses()[at]);
    let path = format!(
        "{}:{}",
        binary::lexecon().unwrap().parent().unwrap().display(),
        env::var("PATH").unwrap()
    );
    let run = |line: &str| {
        let mut command = Command::new("sh");
        command.arg("-c").arg(line).current_dir(&home);
        command.env("PATH", &path).env("LEXECON_URL", &url).env("HOME", &home);
        command.env_remove("XDG_CONFIG_HOME").env_remove("LEXECON_API_KEY");
        command
    };
    let mut told = Vec::new();
    for line in shown(ACCOUNTS) {
        let output = match line.starts_with("lexecon mfa enroll") {
            true => enroll(&mut run(&line)),
            false => run(&line).output().unwrap(),
        };
        // Without a policy the decision is a denial, which is an answer.
        let status = i32::from(line.starts_with("LEXECON_API_KEY"));
        told.push((check(&output, status, &line), line));
    }
    let said = |beginning: &str| {
        let found = told.iter().find(|(_, line)| line.starts_with(beginning));
        found.map_or("", |(said, _)| said.as_str())
    };
    assert!(said("lexecon whoami").contains("jane"), "{told:?}");
    assert!(said("LEXECON_API_KEY").contains("no_permit"), "{told:?}");
    assert!(said("lexecon session list").contains("ses_"), "{told:?}");
    let after = run("lexecon whoami").output().unwrap();
    assert!(!after.status.success(), "a session that was ended still counts");
}
