//! The binary starts, stops, and refuses what it must, each in one sentence
//! that says what to do.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod encryption;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const WAIT_MAX: Duration = Duration::from_secs(60);

/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(20);

fn lexecon() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lexecon"));
    // What the machine sets must not change what is tested.
    command.env_clear().stdin(Stdio::null());
    command
}

fn serve(dir: &Path, more: &[&str]) -> Command {
    let mut command = lexecon();
    command.arg("serve").arg("--data-dir").arg(dir);
    command.args(["--listen", "127.0.0.1:0", "--peer-listen", "127.0.0.1:0"]).args(more);
    command
}

/// A child that is killed when the test is over.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a node and waits until it has its genesis.
fn start(dir: &Path, more: &[&str]) -> Running {
    started(dir, &mut serve(dir, more))
}

fn started(dir: &Path, command: &mut Command) -> Running {
    let log = fs::File::create(dir.with_extension("log")).unwrap();
    let running = Running(command.stderr(log).spawn().unwrap());
    wait_said(dir, "role=Leader");
    running
}

/// Waits until a node has logged something.
#[track_caller]
fn wait_said(dir: &Path, what: &str) {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let said = fs::read_to_string(dir.with_extension("log")).unwrap();
        if said.contains(what) {
            return;
        }
        assert!(Instant::now() < deadline, "the node did not say `{what}`:\n{said}");
        std::thread::sleep(LOOK);
    }
}

fn terminate(running: &mut Running) -> std::process::ExitStatus {
    let id = i32::try_from(running.0.id()).unwrap();
    let id = rustix::process::Pid::from_raw(id).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    running.0.wait().unwrap()
}

#[track_caller]
fn refused(output: &Output, code: i32, expect: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    let last = said.lines().last().unwrap_or_default();
    assert!(last.starts_with("lexecon: ") && last.contains(expect), "{said}");
}

#[test]
fn a_node_stops_when_told_and_resumes_as_who_it_was() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("n1");
    let mut first = start(&dir, &["--node-id", "n1"]);
    assert!(terminate(&mut first).success());
    let identity = fs::read(dir.join("identity")).unwrap();
    // Neither a name nor a cluster to join changes whose directory it is.
    let mut second = start(&dir, &["--join", "http://127.0.0.1:1"]);
    assert!(terminate(&mut second).success());
    assert_eq!(fs::read(dir.join("identity")).unwrap(), identity);
}

#[test]
fn a_directory_of_another_node_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("n1");
    let mut running = start(&dir, &["--node-id", "n1"]);
    refused(&serve(&dir, &["--node-id", "n1"]).output().unwrap(), 3, "in use by another process");
    terminate(&mut running);
    refused(
        &serve(&dir, &["--node-id", "n2"]).output().unwrap(),
        3,
        "belongs to node `n1`, not `n2`: give `--node-id n1` or another directory",
    );
}

#[test]
fn a_newer_format_is_refused_with_what_to_do() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("n1");
    terminate(&mut start(&dir, &["--node-id", "n1"]));
    fs::write(dir.join("format"), "99\n").unwrap();
    let output = serve(&dir, &[]).output().unwrap();
    refused(&output, 3, "has format 99 and this program knows 1: start the version that wrote it");
}

#[test]
fn a_log_that_is_gone_is_refused_and_not_begun_again() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("n1");
    terminate(&mut start(&dir, &["--node-id", "n1"]));
    for entry in fs::read_dir(dir.join("log")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let output = serve(&dir, &[]).output().unwrap();
    refused(&output, 3, "is not");
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    let output = serve(&file.join("below"), &[]).output().unwrap();
    refused(&output, 3, "cannot use the data directory");
}

#[test]
fn keys_that_others_can_read_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("n1");
    terminate(&mut start(&dir, &["--node-id", "n1"]));
    let keys = dir.join("keys/node.json");
    assert_eq!(fs::metadata(&keys).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o644)).unwrap();
    refused(&serve(&dir, &[]).output().unwrap(), 3, "keys need mode 600");
}

#[test]
fn a_taken_port_is_named() {
    let root = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = serve(&root.path().join("n1"), &[]).args(["--peer-listen"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "a flag without its value is wrong usage");
    let mut command = lexecon();
    command.args(["serve", "--listen", &address, "--peer-listen", "127.0.0.1:0", "--data-dir"]);
    let output = command.arg(root.path().join("n2")).output().unwrap();
    refused(&output, 3, &format!("cannot listen on {address} for clients"));
}

#[test]
fn without_login_only_loopback_is_served() {
    let root = tempfile::tempdir().unwrap();
    let mut command = lexecon();
    command.args(["serve", "--listen", "0.0.0.0:0", "--data-dir"]).arg(root.path());
    refused(&command.output().unwrap(), 2, "not a loopback address");
}

#[test]
fn a_misspelt_variable_is_refused_and_settings_are_printed() {
    let output = lexecon().arg("serve").env("LEXECON_DATADIR", "x").output().unwrap();
    refused(&output, 2, "LEXECON_DATADIR is not a variable of ours: LEXECON_DATA_DIR is");
    let output = lexecon()
        .args(["serve", "--print-config", "--region", "eu"])
        .env("LEXECON_LISTEN", "127.0.0.1:7")
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).expect("settings are text");
    assert!(printed.contains("region = \"eu\"  # flag --region"), "{printed}");
    assert!(
        printed.contains("listen = \"127.0.0.1:7\"  # environment LEXECON_LISTEN"),
        "{printed}"
    );
}

#[test]
fn a_join_that_nobody_answers_can_be_repeated() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("n2");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let join = format!("http://{closed}");
    let mut asking = Running(
        serve(&dir, &["--node-id", "n2", "--join", &join]).stderr(Stdio::null()).spawn().unwrap(),
    );
    let deadline = Instant::now() + WAIT_MAX;
    while !dir.join("joining").exists() {
        assert!(Instant::now() < deadline, "the node did not ask");
        std::thread::sleep(LOOK);
    }
    asking.0.kill().unwrap();
    asking.0.wait().unwrap();
    assert!(!dir.join("identity").exists(), "nobody gave it an identity");
    let nonce = fs::read(dir.join("joining")).unwrap();
    let mut again = Running(
        serve(&dir, &["--node-id", "n2", "--join", &join]).stderr(Stdio::null()).spawn().unwrap(),
    );
    let deadline = Instant::now() + Duration::from_secs(2);
    while Instant::now() < deadline && again.0.try_wait().unwrap().is_none() {
        assert_eq!(fs::read(dir.join("joining")).unwrap(), nonce);
        std::thread::sleep(LOOK);
    }
}
