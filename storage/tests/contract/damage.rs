//! Damage to the disk: found and named, never a silently shorter log.
//!
//! Each test states what was durable, harms one file, and expects a refusal, or
//! a log that is whole after all.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::Bytes;
use rocksdb::{DB, Options};
use storage::{Error, Group};

use crate::harness::{
    all, append, copy_dir, files, open_log, open_state, record, records, save_vote, try_open,
};

const RECORDS: u64 = 300;

/// A closed log of 300 records and a vote, each write synced, all in one
/// write-ahead log.
fn written(path: &Path) {
    let log = open_log(path);
    for index in 0..RECORDS {
        append(&log, vec![record(index, "a")]);
    }
    save_vote(&log, "term 5");
}

fn refused(path: &Path) -> String {
    match try_open(path) {
        Err(error @ Error::LogLost { .. }) => {
            assert!(error.to_string().contains("rejoin the cluster under a new id"), "{error}");
            error.to_string()
        }
        Err(error) => panic!("refused for another reason: {error:?}"),
        Ok(log) => panic!("opened with {} records", all(&log).len()),
    }
}

fn write_ahead_log(path: &Path) -> std::path::PathBuf {
    let biggest = files(&path.join("log"), ".log");
    biggest.into_iter().max_by_key(|file| fs::metadata(file).unwrap().len()).unwrap()
}

#[test]
fn a_write_ahead_log_cut_short_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path());
    let file = OpenOptions::new().write(true).open(write_ahead_log(dir.path())).unwrap();
    file.set_len(file.metadata().unwrap().len() - 37).unwrap();
    let error = refused(dir.path());
    assert!(error.contains("its last write is number"), "{error}");
}

#[test]
fn a_write_ahead_log_with_a_zeroed_end_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path());
    let file = OpenOptions::new().write(true).open(write_ahead_log(dir.path())).unwrap();
    let length = file.metadata().unwrap().len();
    file.set_len(length - 37).unwrap();
    file.set_len(length).unwrap();
    refused(dir.path());
}

#[test]
fn a_write_ahead_log_that_is_gone_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path());
    fs::remove_file(write_ahead_log(dir.path())).unwrap();
    refused(dir.path());
}

#[test]
fn a_log_that_is_gone_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path());
    fs::remove_dir_all(dir.path().join("log")).unwrap();
    let error = refused(dir.path());
    assert!(error.contains("it is gone"), "{error}");
}

#[test]
fn a_flipped_byte_anywhere_in_the_write_ahead_log_is_refused_or_harmless() {
    let whole = tempfile::tempdir().unwrap();
    written(whole.path());
    let name = write_ahead_log(whole.path()).strip_prefix(whole.path()).unwrap().to_owned();
    let length = fs::metadata(whole.path().join(&name)).unwrap().len();
    let mut refusals = 0;
    for step in 0..40 {
        let at = step * length / 40 + step % 7;
        let dir = tempfile::tempdir().unwrap();
        copy_dir(whole.path(), dir.path());
        flip(&dir.path().join(&name), at);
        match try_open(dir.path()) {
            Err(Error::LogLost { .. }) => refusals += 1,
            Err(error) => panic!("byte {at}: {error:?}"),
            // The padding of a block carries nothing.
            Ok(log) => {
                assert_eq!(all(&log), records(0..RECORDS, "a"), "byte {at}");
                assert_eq!(log.vote().unwrap().unwrap(), "term 5", "byte {at}");
            }
        }
    }
    assert!(refusals >= 35, "{refusals} of 40");
}

fn flip(path: &Path, at: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
}

/// Reopening moves the records from the write-ahead log into a table file.
fn written_to_tables(path: &Path) {
    written(path);
    drop(open_log(path));
    assert!(!files(&path.join("log"), ".sst").is_empty());
}

#[test]
fn a_flipped_byte_in_a_table_is_refused() {
    let whole = tempfile::tempdir().unwrap();
    written_to_tables(whole.path());
    let table = files(&whole.path().join("log"), ".sst").remove(0);
    let length = fs::metadata(&table).unwrap().len();
    let name = table.strip_prefix(whole.path()).unwrap();
    for at in [10, length / 2, length - 20] {
        let dir = tempfile::tempdir().unwrap();
        copy_dir(whole.path(), dir.path());
        flip(&dir.path().join(name), at);
        refused(dir.path());
    }
}

#[test]
fn lost_tables_and_bookkeeping_of_rocksdb_are_refused() {
    let whole = tempfile::tempdir().unwrap();
    written_to_tables(whole.path());
    let log = whole.path().join("log");
    let table = files(&log, ".sst").remove(0);
    let manifest = fs::read_dir(&log)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("MANIFEST"))
        .unwrap();
    let harms: [&dyn Fn(&Path); 4] = [
        &|copy| fs::remove_file(copy.join("log").join(table.file_name().unwrap())).unwrap(),
        &|copy| fs::remove_file(copy.join("log").join(manifest.file_name().unwrap())).unwrap(),
        &|copy| flip(&copy.join("log").join(manifest.file_name().unwrap()), 30),
        &|copy| fs::write(copy.join("log/CURRENT"), "junk").unwrap(),
    ];
    for harm in harms {
        let dir = tempfile::tempdir().unwrap();
        copy_dir(whole.path(), dir.path());
        harm(dir.path());
        refused(dir.path());
    }
}

/// Changes the instance behind the log's back, checksums and all.
fn tamper(path: &Path, change: impl FnOnce(&DB)) {
    change(&DB::open(&Options::default(), path.join("log")).unwrap());
}

fn key(index: u64) -> Vec<u8> {
    [b"\x04main\x10".as_slice(), &index.to_be_bytes()].concat()
}

#[test]
fn a_hole_and_a_changed_record_are_named() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path());
    tamper(dir.path(), |db| {
        let mut value = db.get(key(150)).unwrap().unwrap();
        let last = value.len() - 1;
        value[last] ^= 1;
        db.put(key(150), value).unwrap();
    });
    let error = refused(dir.path());
    assert!(error.contains("record 150 is damaged"), "{error}");
    tamper(dir.path(), |db| db.delete(key(70)).unwrap());
    let error = refused(dir.path());
    assert!(error.contains("record 70 is missing"), "{error}");
}

#[test]
fn a_changed_last_record_and_a_changed_vote_are_seen_by_the_witness() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path());
    tamper(dir.path(), |db| db.delete(key(RECORDS - 1)).unwrap());
    let error = refused(dir.path());
    assert!(error.contains("it ends before record 299, not 300"), "{error}");

    let dir = tempfile::tempdir().unwrap();
    written(dir.path());
    tamper(dir.path(), |db| {
        let vote = db.get(b"\x04main\x00\x01").unwrap().unwrap();
        db.put(b"\x04main\x00\x01", [&vote[..8], b"term 4"].concat()).unwrap();
    });
    let error = refused(dir.path());
    assert!(error.contains("its vote is not the one"), "{error}");
}

#[test]
fn another_history_of_the_same_length_is_refused() {
    let (ours, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (dir, writer) in [(&ours, "a"), (&other, "b")] {
        append(&open_log(dir.path()), records(0..10, writer));
    }
    fs::copy(other.path().join("witness"), ours.path().join("witness")).unwrap();
    let error = refused(ours.path());
    assert!(error.contains("the chain hash before record 10"), "{error}");
}

#[test]
fn a_witness_that_is_gone_or_spoiled_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path());
    let witness = dir.path().join("witness");
    fs::write(&witness, vec![0; 8192]).unwrap();
    assert!(refused(dir.path()).contains("neither block"));
    fs::remove_file(&witness).unwrap();
    assert!(refused(dir.path()).contains("`witness` beside it is gone"));
}

#[test]
fn a_directory_without_its_format_file_is_not_founded_again() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path());
    fs::remove_file(dir.path().join("format")).unwrap();
    let error = try_open(dir.path()).unwrap_err();
    assert!(matches!(error, Error::Foreign { .. }), "{error}");
}

#[test]
fn a_log_from_before_its_witness_is_refused() {
    let (dir, old) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    append(&open_log(dir.path()), records(0..10, "a"));
    copy_dir(&dir.path().join("log"), old.path());
    save_vote(&open_log(dir.path()), "term 9");
    fs::remove_dir_all(dir.path().join("log")).unwrap();
    copy_dir(old.path(), &dir.path().join("log"));
    let error = refused(dir.path());
    assert!(error.contains("its last write is number"), "{error}");
}

/// Closes the log with a witness from before `change`, as a crash can leave it.
fn with_older_witness(dir: &Path, change: impl FnOnce(&storage::Log)) {
    let witness = dir.join("witness");
    let older = fs::read(&witness).unwrap();
    let log = open_log(dir);
    change(&log);
    drop(log);
    fs::write(&witness, older).unwrap();
}

#[test]
fn a_log_ahead_of_its_witness_is_fine() {
    let dir = tempfile::tempdir().unwrap();
    append(&open_log(dir.path()), records(0..10, "a"));
    with_older_witness(dir.path(), |log| {
        append(log, records(10..20, "a"));
        save_vote(log, "term 2");
    });
    let log = open_log(dir.path());
    assert_eq!(all(&log), records(0..20, "a"));
    assert_eq!(log.vote().unwrap().unwrap(), "term 2");
}

#[test]
fn a_crash_after_a_truncation_does_not_make_the_log_look_short() {
    let dir = tempfile::tempdir().unwrap();
    append(&open_log(dir.path()), records(0..10, "a"));
    with_older_witness(dir.path(), |log| log.truncate(4).unwrap());
    assert_eq!(all(&open_log(dir.path())), records(0..4, "a"));

    with_older_witness(dir.path(), |log| {
        log.truncate(2).unwrap();
        append(log, records(2..9, "b"));
    });
    let wanted = [records(0..2, "a"), records(2..9, "b")].concat();
    assert_eq!(all(&open_log(dir.path())), wanted);
}

#[test]
fn a_crash_after_a_purge_does_not_make_the_log_look_wrong() {
    for through in [4, 9, 50] {
        let dir = tempfile::tempdir().unwrap();
        append(&open_log(dir.path()), records(0..10, "a"));
        with_older_witness(dir.path(), |log| {
            log.purge(through, Bytes::from_static(b"id")).unwrap();
        });
        let log = open_log(dir.path());
        assert_eq!(log.state().unwrap().purged.unwrap(), "id");
        assert_eq!(all(&log), records(through + 1..10, "a"));
    }
}

#[test]
fn a_torn_write_the_witness_never_saw_costs_that_write_alone() {
    let dir = tempfile::tempdir().unwrap();
    append(&open_log(dir.path()), records(0..10, "a"));
    with_older_witness(dir.path(), |log| append(log, vec![record(10, "a")]));
    let file = OpenOptions::new().write(true).open(write_ahead_log(dir.path())).unwrap();
    file.set_len(file.metadata().unwrap().len() - 5).unwrap();
    assert_eq!(all(&open_log(dir.path())), records(0..10, "a"));
}

#[test]
fn a_state_that_is_damaged_or_gone_is_refused() {
    let harms: [&dyn Fn(&Path); 3] = [
        &|path| fs::remove_file(path.join("state/current")).unwrap(),
        &|path| fs::write(path.join("state/current"), "x").unwrap(),
        &|path| fs::write(path.join("state/00000001/CURRENT"), "junk").unwrap(),
    ];
    for harm in harms {
        let dir = tempfile::tempdir().unwrap();
        let state = open_state(dir.path());
        state.commit(state.begin().unwrap(), Bytes::from_static(b"1")).unwrap();
        drop(state);
        harm(dir.path());
        let opened = storage::DataDir::open(dir.path())
            .and_then(|dir| storage::State::open(&dir, Group::main()));
        assert!(matches!(opened, Err(Error::StateLost { .. })), "{opened:?}");
    }
}
