//! A process that is killed: nothing acknowledged is gone.
//!
//! The test runs its own program again with a role in the environment. That
//! child works until it is killed and says on its output what was promised to
//! it; the parent kills it in the middle and looks.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;

use bytes::Bytes;
use storage::Log;

use crate::harness::{all, append, open_log, open_state, record, save_vote, try_open, waiter};
use crate::state::{applied, apply};

const ROLE: &str = "STORAGE_TEST_ROLE";
const DIR: &str = "STORAGE_TEST_DIR";
const LIFE: &str = "STORAGE_TEST_LIFE";

/// Does nothing in a test run; is the child when the environment says so.
#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let dir = std::env::var(DIR).unwrap();
    let life: u64 = std::env::var(LIFE).unwrap().parse().unwrap();
    let path = Path::new(&dir);
    match role.as_str() {
        "log" => work_on_the_log(path, life),
        "state" => work_on_the_state(path),
        "full" => fill_the_disk(path),
        other => panic!("no role `{other}`"),
    }
}

pub(crate) fn command(role: &str, dir: &Path, life: u64) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "crash::child", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, role).env(DIR, dir).env(LIFE, life.to_string());
    command.stdout(Stdio::piped());
    command
}

/// One write, so that a killed child leaves no half of a line.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n@{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Appends with many calls in flight, votes, and now and then cuts the end off
/// and purges the begin. Each promise is said after it was given.
fn work_on_the_log(path: &Path, life: u64) {
    let log = open_log(path);
    let writer = format!("life{life}");
    let mut next = log.state().unwrap().last.map_or(0, |last| last.index + 1);
    for round in 1_u64.. {
        if round % 5 == 0 && next > 40 {
            let from = next - 1 - (round * 7) % 20;
            // Said first: from here on the end may be gone.
            say(&format!("cut {from}"));
            log.truncate(from).unwrap();
            next = from;
        }
        if round % 7 == 0 && next > 200 {
            let through = next - 150;
            // Said first: from here on the begin may be gone.
            say(&format!("purge {through}"));
            log.purge(through, Bytes::from(through.to_string())).unwrap();
        }
        let mut waiting = Vec::new();
        for _ in 0..1 + (round * 13) % 30 {
            waiting.push(append_and_say(&log, next, &writer));
            next += 1;
        }
        let (done, told) = waiter();
        let vote = life * 1_000_000 + round;
        log.save_vote(Bytes::from(format!("{vote:012}")), done).unwrap();
        told.recv().unwrap().unwrap();
        say(&format!("vote {vote}"));
        for told in waiting {
            told.recv().unwrap();
        }
    }
}

fn append_and_say(log: &Log, index: u64, writer: &str) -> mpsc::Receiver<()> {
    let (tell, told) = mpsc::channel();
    let name = writer.to_owned();
    let done = Box::new(move |result: std::io::Result<()>| {
        result.unwrap();
        say(&format!("has {index} {name}"));
        tell.send(()).unwrap();
    });
    log.append(vec![record(index, writer)], done).unwrap();
    told
}

/// What the log was heard to promise.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    /// By index, who wrote it.
    records: std::collections::BTreeMap<u64, String>,
    vote: u64,
    purged: Option<u64>,
}

impl Promises {
    pub(crate) fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |word: &str| word.parse::<u64>().unwrap();
        match words.as_slice() {
            ["has", index, writer] => {
                self.records.insert(number(index), (*writer).to_owned());
            }
            ["cut", from] => drop(self.records.split_off(&number(from))),
            ["vote", vote] => self.vote = self.vote.max(number(vote)),
            ["purge", through] => self.purged = self.purged.max(Some(number(through))),
            other => panic!("what does `{other:?}` promise?"),
        }
    }

    /// Whether the log keeps all of it.
    pub(crate) fn check(&self, log: &Log) {
        let found = all(log);
        let first = found.first().map_or(0, |record| record.index);
        // A purge is not awaited by anyone, so it may not have come to pass.
        assert!(first <= self.purged.map_or(0, |through| through + 1), "begins at {first}");
        for (index, writer) in self.records.range(first..) {
            let at = usize::try_from(index - first).unwrap();
            assert_eq!(found.get(at), Some(&record(*index, writer)), "record {index}");
        }
        if let Some(last) = self.records.keys().next_back() {
            assert!(found.last().is_some_and(|found| found.index >= *last), "shorter than {last}");
        }
        let vote = log
            .vote()
            .unwrap()
            .map_or(0, |vote| std::str::from_utf8(&vote).unwrap().parse::<u64>().unwrap());
        assert!(vote >= self.vote, "vote {vote} after {}", self.vote);
    }
}

/// A running child and what it says.
pub(crate) struct Talker {
    pub child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Talker {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next promise; `None` when the child has ended.
    pub(crate) fn next(&mut self) -> Option<String> {
        loop {
            let line = self.lines.next()?.unwrap();
            if let Some(promise) = line.strip_prefix('@') {
                return Some(promise.to_owned());
            }
        }
    }

    /// Kills it after so many promises; what it had still said is heard too.
    pub(crate) fn kill_after(mut self, promises: u64, mut hear: impl FnMut(&str)) {
        for _ in 0..promises {
            hear(&self.next().expect("the child works until it is killed"));
        }
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        while let Some(promise) = self.next() {
            hear(&promise);
        }
    }
}

/// A small generator: the kill points differ from run to run, and a failure can
/// be run again with its seed.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new() -> Self {
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            u64::from(now.unwrap().subsec_nanos())
        });
        eprintln!("SEED={seed}");
        Self(seed)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    const LIVES: u64 = 24;
    let dir = tempfile::tempdir().unwrap();
    let mut chance = Chance::new();
    let mut promises = Promises::default();
    for life in 1..=LIVES {
        let child = Talker::start(command("log", dir.path(), life));
        child.kill_after(1 + chance.below(400), |line| promises.hear(line));
        promises.check(&open_log(dir.path()));
    }
    assert!(promises.records.len() > 10, "the children have worked");
}

fn work_on_the_state(path: &Path) {
    let state = open_state(path);
    for number in applied(&state) + 1.. {
        apply(&state, number);
        if number % 37 == 0 {
            state.flush().unwrap();
            say(&format!("flushed {number}"));
        } else if number % 11 == 0 {
            say(&format!("applied {number}"));
        }
    }
}

/// The state of a directory is that of exactly the commit it says, and going on
/// from there leads where an unbroken run leads.
pub(crate) fn check_state(path: &Path, flushed: u64) -> u64 {
    let whole = tempfile::tempdir().unwrap();
    let (ours, theirs) = (open_state(path), open_state(whole.path()));
    let reached = applied(&ours);
    assert!(reached >= flushed, "applied {reached}, but {flushed} was flushed");
    for number in 1..=reached {
        apply(&theirs, number);
    }
    let digest = |state: &storage::State| state.view().unwrap().content_digest().unwrap();
    assert_eq!(digest(&ours), digest(&theirs), "at {reached}");
    for number in reached + 1..reached + 20 {
        apply(&ours, number);
        apply(&theirs, number);
    }
    assert_eq!(digest(&ours), digest(&theirs), "after {reached}");
    reached
}

#[test]
fn a_killed_state_is_that_of_the_commit_it_names() {
    let dir = tempfile::tempdir().unwrap();
    let mut chance = Chance::new();
    let mut flushed = 0;
    for life in 1..=8 {
        let child = Talker::start(command("state", dir.path(), life));
        child.kill_after(1 + chance.below(40), |line| {
            if let Some(number) = line.strip_prefix("flushed ") {
                flushed = number.parse().unwrap();
            }
        });
        check_state(dir.path(), flushed);
    }
    assert!(flushed > 0, "the children have flushed");
}

/// Appends until the file system refuses, then shows that nothing is taken any
/// more, and that nothing panics.
fn fill_the_disk(path: &Path) {
    let log = open_log(path);
    let mut next = 0;
    let failure = loop {
        let (done, told) = waiter();
        if let Err(error) = log.append(vec![record(next, "full")], done) {
            break error;
        }
        match told.recv().unwrap() {
            Ok(()) => say(&format!("has {next} full")),
            Err(error) => break error,
        }
        next += 1;
    };
    say(&format!("failed {failure}"));
    for _ in 0..3 {
        let (done, told) = waiter();
        let refused = log.save_vote(Bytes::from_static(b"v"), done).is_err();
        assert!(refused && told.recv().is_err());
        assert!(log.save_committed(None).is_err());
    }
    assert!(log.read(0, 1, 1).is_ok(), "what is there can still be read");
    drop(log);
    say("closed");
}

#[test]
fn a_full_disk_stops_the_log_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    append(&open_log(dir.path()), Vec::new());
    let inner = command("full", dir.path(), 1);
    // The limit on file size stands for the full disk: it needs no privilege.
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -f 400; trap '' XFSZ; exec \"$0\" \"$@\""]);
    limited.arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        limited.env(name, value.unwrap());
    }
    limited.stdout(Stdio::piped());
    let mut child = Talker::start(limited);
    let mut promises = Promises::default();
    let failure = loop {
        let line = child.next().expect("the child meets the limit and says so");
        match line.strip_prefix("failed ") {
            Some(failure) => break failure.to_owned(),
            None => promises.hear(&line),
        }
    };
    assert!(failure.contains("cannot write the log"), "{failure}");
    assert_eq!(child.next().as_deref(), Some("closed"));
    assert!(child.child.wait().unwrap().success());
    assert!(promises.records.len() > 100);
    let log = try_open(dir.path()).unwrap();
    promises.check(&log);
    save_vote(&log, "000000000001");
}
