//! What a node keeps is sealed when it is given keys, from its first start or a
//! later one, and only they open it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use crate::{Running, WAIT_MAX, lexecon, refused, serve, started, terminate, wait_said};

/// One in the context of a decision, one in its personal part.
const SECRETS: [&str; 2] = ["Vd4-unlikely-context-Lm8", "Qx9-unlikely-person-Tr3"];
const SEALED: &str = "everything is sealed with the active key";

const KEY: &str = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";
const PHRASE: &str = "a phrase of more than sixteen letters";
const KEYS: [(&str, &str); 2] = [("DB_ENCRYPTION_KEY", KEY), ("LEXECON_MASTER_KEY", PHRASE)];

/// A port that was free, for a node whose address must be known.
fn port() -> u16 {
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // The demo's peers are a thousand above.
        if (1024..64_000).contains(&port) && TcpListener::bind(("127.0.0.1", port + 1000)).is_ok() {
            return port;
        }
    }
}

struct Node {
    running: Running,
    port: u16,
}

/// With so small a log a snapshot is taken soon.
fn run(dir: &Path, keys: &[(&str, &str)]) -> Node {
    let port = port();
    let mut command = lexecon();
    command.args(["serve", "--node-id", "n1", "--rsa-keys=false", "--raft-log-bytes-max", "20000"]);
    command.args(["--listen", &format!("127.0.0.1:{port}"), "--peer-listen", "127.0.0.1:0"]);
    command.arg("--data-dir").arg(dir).envs(keys.iter().copied());
    Node { running: started(dir, &mut command), port }
}

impl Node {
    fn decide(&self, number: usize) {
        let body = format!(
            r#"{{"actor":"ai_agent:a","proposed_action":"read","user_intent":"{} {number}",
                "context":{{"note":"{} {number}"}}}}"#,
            SECRETS[1], SECRETS[0]
        );
        let mut command = lexecon();
        command.env("LEXECON_URL", format!("http://127.0.0.1:{}", self.port));
        command.args(["decide", "--body", "-"]).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        // Without a policy nothing is allowed, and that is recorded too.
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("denied"), "{said}{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Decides until there is a snapshot.
    fn fill(&self, dir: &Path) {
        let began = Instant::now();
        let mut number = 0;
        while !names(&dir.join("snapshots")).iter().any(|name| name.ends_with(".meta")) {
            assert!(began.elapsed() < WAIT_MAX, "no snapshot was taken");
            self.decide(number);
            number += 1;
        }
        // In the log, after it.
        self.decide(number);
    }

    fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: n1\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    fn stop(mut self) {
        assert!(terminate(&mut self.running).success());
    }
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Every file below a directory with what is in it.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if let Ok(bytes) = fs::read(&path) {
            found.insert(path, bytes);
        }
    }
    found
}

fn holding(dir: &Path, text: &str) -> Vec<PathBuf> {
    let tells = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    files(dir).into_iter().filter(|(_, bytes)| tells(bytes)).map(|(path, _)| path).collect()
}

/// A seed of the node's keys, where they lie open.
fn seed(dir: &Path) -> String {
    let text = fs::read_to_string(dir.join("keys/node.json")).unwrap();
    text.split("\"seed\": \"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[track_caller]
fn tells_nothing(dir: &Path, more: &[&str]) {
    for secret in SECRETS.iter().chain(more) {
        assert_eq!(holding(dir, secret), Vec::<PathBuf>::new(), "{secret}");
    }
}

#[test]
fn secrets_lie_open_without_keys_and_nowhere_with_them() {
    let root = tempfile::tempdir().unwrap();
    let (plain, sealed) = (root.path().join("plain"), root.path().join("sealed"));
    for (dir, keys) in [(&plain, &KEYS[..0]), (&sealed, &KEYS[..])] {
        let node = run(dir, keys);
        node.decide(0);
        node.stop();
        // Before compactions, whose last level codes each byte by itself.
        for part in ["log", "state"] {
            let found = SECRETS.iter().flat_map(|secret| holding(&dir.join(part), secret));
            assert_eq!(found.count() == 0, !keys.is_empty(), "{part}/");
        }
        let node = run(dir, keys);
        node.fill(dir);
        let on = if keys.is_empty() { "0" } else { "1" };
        let metrics = node.metrics();
        assert!(metrics.contains(&format!("lexecon_encryption_enabled {on}\n")), "{metrics}");
        assert!(metrics.contains("lexecon_encryption_pending 0\n"), "{metrics}");
        node.stop();
    }
    assert_eq!(holding(&plain.join("keys"), &seed(&plain)).len(), 1);
    tells_nothing(&sealed, &["seed", "node_id\"", KEY, PHRASE]);
    let node = run(&sealed, &KEYS);
    node.decide(0);
    node.stop();
    tells_nothing(&sealed, &["seed"]);
}

#[test]
fn a_plain_directory_is_sealed_in_the_background() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("n1");
    let node = run(&dir, &[]);
    node.fill(&dir);
    node.stop();
    let seed = seed(&dir);
    assert!(!holding(&dir, &seed).is_empty() && !holding(&dir, SECRETS[0]).is_empty());
    let node = run(&dir, &KEYS);
    wait_said(&dir, SEALED);
    let metrics = node.metrics();
    assert!(metrics.contains("lexecon_encryption_pending 0\n"), "{metrics}");
    assert!(!metrics.contains("lexecon_encryption_rewritten_rows 0\n"), "{metrics}");
    node.decide(0);
    node.stop();
    tells_nothing(&dir, &[&seed]);
    let node = run(&dir, &KEYS);
    node.decide(1);
    node.stop();
}

#[test]
fn a_wrong_key_or_none_is_refused_by_name_and_changes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("n1");
    let node = run(&dir, &KEYS);
    node.decide(0);
    node.stop();
    let before = files(&dir);
    let check = |keys: &[(&str, &str)], expect: &str| {
        let output = serve(&dir, &[]).envs(keys.iter().copied()).output().unwrap();
        refused(&output, 3, expect);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(keys.iter().all(|(_, value)| !said.contains(value)), "{said}");
        assert!(files(&dir) == before, "a refused start changed something");
    };
    let wrong = "another phrase of more than sixteen letters";
    let (data, node) = (KEYS[0], KEYS[1]);
    check(&[], "set LEXECON_MASTER_KEY or LEXECON_MASTER_KEY_FILE to the one that opens it");
    check(&[node], "set DB_ENCRYPTION_KEY or DB_ENCRYPTION_KEY_FILE to the one that opens them");
    check(&[data], "set LEXECON_MASTER_KEY");
    check(&[data, (node.0, wrong)], "the key in LEXECON_MASTER_KEY does not open");
    check(&[(data.0, wrong), node], "the key in DB_ENCRYPTION_KEY does not open");
    // Not even where the other key would be replaced.
    let previous = ("DB_ENCRYPTION_KEY_PREVIOUS", KEY);
    check(&[(data.0, PHRASE), previous, (node.0, wrong)], "LEXECON_MASTER_KEY does not open");
    run(&dir, &KEYS).stop();
}

#[test]
fn master_keys_come_from_files_and_commands_and_are_replaced_at_a_start() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("n1");
    let node = run(&dir, &KEYS);
    node.decide(0);
    node.stop();
    let file = root.path().join("key");
    fs::write(&file, "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n").unwrap();
    let file = file.to_str().unwrap();
    // The same 32 bytes, otherwise written; and a new one for the node.
    let replaced = [
        ("DB_ENCRYPTION_KEY_FILE", file),
        ("LEXECON_MASTER_KEY_COMMAND", "echo a new phrase of more than sixteen letters"),
        ("LEXECON_MASTER_KEY_PREVIOUS", PHRASE),
    ];
    run(&dir, &replaced).stop();
    run(&dir, &replaced[..2]).stop();
    let moved = [
        ("DB_ENCRYPTION_KEY", "the third phrase of sixteen letters"),
        ("DB_ENCRYPTION_KEY_PREVIOUS_FILE", file),
        replaced[1],
    ];
    run(&dir, &moved).stop();
    let node = run(&dir, &[moved[0], moved[2]]);
    node.decide(1);
    node.stop();
    let output = serve(&dir, &[]).envs(KEYS).output().unwrap();
    refused(&output, 3, "does not open");
}

#[test]
fn a_data_key_that_is_old_is_replaced_while_the_node_runs() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("n1");
    let node = run(&dir, &KEYS);
    node.fill(&dir);
    node.stop();
    let keyring = fs::read(dir.join("keyring")).unwrap();
    let soon = [KEYS[0], KEYS[1], ("LEXECON_ENCRYPTION_ROTATE_AFTER_S", "30")];
    let node = run(&dir, &[soon[0], soon[1], (soon[2].0, "1")]);
    wait_said(&dir, SEALED);
    node.decide(0);
    node.stop();
    assert_ne!(fs::read(dir.join("keyring")).unwrap(), keyring);
    let node = run(&dir, &soon);
    node.decide(1);
    node.stop();
    tells_nothing(&dir, &[]);
}

#[test]
fn keys_that_are_none_are_refused_and_none_is_shown() {
    let root = tempfile::tempdir().unwrap();
    let check = |keys: &[(&str, &str)], expect: &str| {
        let dir = root.path().join("n1");
        let output = serve(&dir, &[]).envs(keys.iter().copied()).output().unwrap();
        refused(&output, 2, expect);
        let said = String::from_utf8_lossy(&output.stderr);
        // Where a file lies is no secret.
        let secrets =
            keys.iter().filter(|(name, value)| !name.ends_with("_FILE") && !value.is_empty());
        let shown: Vec<_> = secrets.filter(|(_, value)| said.contains(value)).collect();
        assert!(shown.is_empty(), "{said}");
        assert!(!dir.exists());
    };
    check(&[("DB_ENCRYPTION_KEY", "w4y t00 short")], "DB_ENCRYPTION_KEY is no key");
    check(&[("DB_ENCRYPTION_KEY", "")], "DB_ENCRYPTION_KEY is no key");
    check(&[("LEXECON_MASTER_KEY_FILE", "/nonexistent/k3y")], "LEXECON_MASTER_KEY_FILE: cannot");
    check(
        &[("DB_ENCRYPTION_KEY_COMMAND", "exit 7")],
        "DB_ENCRYPTION_KEY_COMMAND: the command failed",
    );
    check(&[KEYS[0], ("DB_ENCRYPTION_KEY_COMMAND", "exit 7")], "DB_ENCRYPTION_KEY is given twice");
    check(&[("LEXECON_MASTER_KEY_PREVIOUS", PHRASE)], "is given without LEXECON_MASTER_KEY");
    check(&[("DB_ENCRYPTION_KEYFILE", PHRASE)], "is not a variable of ours: DB_ENCRYPTION_KEY");
    let output = lexecon().args(["serve", "--print-config"]).envs(KEYS).output().unwrap();
    let printed = String::from_utf8(output.stdout).expect("settings are text");
    let shown = "encryption.key = (set, not shown)  # environment DB_ENCRYPTION_KEY\n";
    assert!(printed.contains(shown), "{printed}");
    assert!(!printed.contains(KEY) && !printed.contains(PHRASE), "{printed}");
    let file = root.path().join("lexecon.toml");
    fs::write(&file, format!("[encryption]\nkey = \"{KEY}\"\n")).unwrap();
    let output = lexecon().args(["serve", "--config"]).arg(&file).output().unwrap();
    refused(&output, 2, "has `encryption.key`: give it as DB_ENCRYPTION_KEY");
    assert!(!String::from_utf8_lossy(&output.stderr).contains(KEY));
}

/// What the demo did shows each status of duties and controls at least once.
#[track_caller]
fn each_status_is_told(told: &str) {
    let statuses = [
        "with sufficient evidence",
        "in part",
        "want people's evidence",
        "not shown",
        "not applicable",
    ];
    for words in statuses {
        let counts = told.split([',', '\n']).filter_map(|part| part.trim().strip_suffix(words));
        let counts: Vec<u32> = counts.filter_map(|count| count.trim().parse().ok()).collect();
        assert_eq!(counts.len(), 2, "of controls and of duties: {told}");
        assert_ne!(counts.iter().sum::<u32>(), 0, "nothing is `{words}`: {told}");
    }
}

#[test]
fn the_demo_draws_keys_for_its_nodes_and_resumes_with_them() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("demo");
    for more in [&["--encrypt"][..], &[]] {
        let port = port().to_string();
        let output = lexecon()
            .args(["demo", "--once", "--nodes", "1", "--port", &port, "--data-dir"])
            .arg(&dir)
            .args(more)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stdout));
        each_status_is_told(&String::from_utf8_lossy(&output.stdout));
        for key in ["n1.data-key", "n1.node-key"] {
            let path = dir.join(key);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            let key = fs::read_to_string(&path).unwrap();
            assert_eq!(key.len(), 64);
            assert_eq!(holding(&dir, &key), [path]);
        }
        assert!(dir.join("n1/keyring").exists());
        assert_eq!(holding(&dir.join("n1/keys"), "seed"), Vec::<PathBuf>::new());
    }
}
