//! A bit that flips in what a node has stored is found, named, and keeps the node
//! out. The bit is flipped in its store while the node is down, past RocksDB's
//! own checksums.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use governance::{Direction, Read as _, Scan, Store as _, Table};
use storage::{DataDir, Group, State};

const WAIT_MAX: Duration = Duration::from_secs(60);

/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(20);

struct Node {
    process: Child,
    log: PathBuf,
    address: String,
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Node {
    fn start(dir: &Path, rebuild: &str) -> Self {
        let log = dir.with_extension("log");
        let address = free_address();
        let process = Command::new(env!("CARGO_BIN_EXE_lexecon"))
            .env_clear()
            .env("LEXECON_RSA_KEYS", "false")
            .arg("serve")
            .arg("--data-dir")
            .arg(dir)
            .args(["--node-id", "n1", "--listen", &address, "--peer-listen", "127.0.0.1:0"])
            .args(["--scrub-interval-s", "1", "--rebuild", rebuild])
            .stdin(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self { process, log, address }
    }

    /// Waits until what is recorded is sealed: else that is done at the next start,
    /// and reads what the scrub is to find.
    fn seals(&self) {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            let mut answer = String::new();
            let mut stream = TcpStream::connect(&self.address).unwrap();
            stream
                .write_all(
                    b"GET /ledger/checkpoint HTTP/1.1\r\nHost: n1\r\nConnection: close\r\n\r\n",
                )
                .unwrap();
            stream.read_to_string(&mut answer).unwrap();
            if answer.starts_with("HTTP/1.1 200 ") {
                return;
            }
            assert!(Instant::now() < deadline, "no checkpoint: {answer}");
            std::thread::sleep(LOOK);
        }
    }

    /// Has the state written to its files: what is not is replayed at start.
    fn flush(&self) {
        let url = format!("http://{}", self.address);
        let taken = Command::new(env!("CARGO_BIN_EXE_lexecon"))
            .args(["cluster", "snapshot", "--url", &url])
            .output()
            .unwrap();
        assert!(taken.status.success(), "{taken:?}");
    }

    /// Waits for a line of the log that contains this, and gives it.
    fn says(&self, what: &str) -> String {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            let text = fs::read_to_string(&self.log).unwrap();
            if let Some(line) = text.lines().find(|line| line.contains(what)) {
                return line.to_owned();
            }
            assert!(Instant::now() < deadline, "it never said `{what}`:\n{text}");
            std::thread::sleep(LOOK);
        }
    }

    fn terminate(mut self) {
        let id = i32::try_from(self.process.id()).unwrap();
        let id = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        self.process.wait().unwrap();
    }
}

/// An address that nobody listens on a moment ago.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Flips one bit in the last row of a table.
fn flip(dir: &Path, table: Table) {
    let dir = DataDir::open(dir).unwrap();
    let state = State::open(&dir, Group::main()).unwrap();
    let last = Scan { table, from: &[], to: None, direction: Direction::Descending, rows_max: 1 };
    let (key, mut value) = state.view().unwrap().scan(last).unwrap().remove(0);
    *value.last_mut().unwrap() ^= 1;
    let mut batch = state.begin().unwrap();
    batch.put(table, &key, &value);
    let applied = state.applied().unwrap().unwrap();
    state.commit(batch, applied).unwrap();
    state.flush().unwrap();
}

fn check(table: Table, named: &str) {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("n1");
    let node = Node::start(&dir, "manual");
    node.says("everything stored is as written");
    node.seals();
    node.flush();
    node.terminate();
    flip(&dir, table);
    let node = Node::start(&dir, "manual");
    let line = node.says("takes no part any more");
    assert!(line.contains(named), "{line}");
    node.says("the first entry that differs");
    drop(node);
    // Nothing is read from it until it is rebuilt.
    let node = Node::start(&dir, "manual");
    let line = node.says("lexecon: ");
    assert!(line.contains("--rebuild auto"), "{line}");
}

#[test]
fn a_flipped_bit_of_a_part_is_found_and_named() {
    check(Table::Data, "data_hash_mismatch");
}

#[test]
fn a_flipped_bit_of_a_header_is_found_and_named() {
    check(Table::Header, "stored entry 0 is damaged: missing");
}
