//! What the tests share.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use bytes::Bytes;
use storage::log::Config;
use storage::{Completion, DataDir, Error, Group, Log, Record, State};

pub(crate) fn try_open(path: &Path) -> Result<Log, Error> {
    Log::open(&DataDir::open(path)?, Config::default())
}

pub(crate) fn open_log(path: &Path) -> Log {
    try_open(path).unwrap()
}

/// A log that keeps next to nothing in memory, so that reads go to the disk.
pub(crate) fn open_forgetful(path: &Path) -> Log {
    let config = Config { tail_bytes_max: 0, ..Config::default() };
    Log::open(&DataDir::open(path).unwrap(), config).unwrap()
}

pub(crate) fn open_state(path: &Path) -> State {
    State::open(&DataDir::open(path).unwrap(), Group::main()).unwrap()
}

/// A record whose bytes tell its place and its writer.
pub(crate) fn record(index: u64, writer: &str) -> Record {
    Record { index, bytes: Bytes::from(format!("{writer}/{index}/{}", "x".repeat(100))) }
}

pub(crate) fn records(range: std::ops::Range<u64>, writer: &str) -> Vec<Record> {
    range.map(|index| record(index, writer)).collect()
}

/// A completion and the answer it will give.
pub(crate) fn waiter() -> (Completion, mpsc::Receiver<io::Result<()>>) {
    let (tell, told) = mpsc::channel();
    (Box::new(move |result| drop(tell.send(result))), told)
}

pub(crate) fn append(log: &Log, records: Vec<Record>) {
    let (done, told) = waiter();
    log.append(records, done).unwrap();
    told.recv().unwrap().unwrap();
}

pub(crate) fn save_vote(log: &Log, vote: &str) {
    let (done, told) = waiter();
    log.save_vote(Bytes::from(vote.to_owned()), done).unwrap();
    told.recv().unwrap().unwrap();
}

pub(crate) fn all(log: &Log) -> Vec<Record> {
    let Some(last) = log.state().unwrap().last else { return Vec::new() };
    let first = (0..=last.index).find(|index| log.read(*index, index + 1, 1).is_ok()).unwrap();
    log.read(first, last.index + 1, usize::MAX).unwrap()
}

/// Files of a directory whose name ends so, in order.
pub(crate) fn files(dir: &Path, end: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(end))
        .collect();
    found.sort();
    found
}

pub(crate) fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
