//! Bytes that were deleted are really gone, and a bad state gives its place to
//! a good one.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use governance::{Read, Store, Table};
use rocksdb::{DB, Options};
use storage::{Error, Evidence, Group, Log, State};

use crate::harness::{all, append, files, open_forgetful, open_state, record, records, save_vote};

const SECRET: &[u8] = b"the secret that nobody may find 7f3a91";

/// Files below a directory in which the bytes lie.
pub(crate) fn holding(dir: &Path, needle: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, needle));
        } else if let Ok(bytes) = fs::read(&path)
            && bytes.windows(needle.len()).any(|window| window == needle)
        {
            found.push(path);
        }
    }
    found
}

/// Waits until exactly these files hold the secret: RocksDB removes files in the
/// background.
#[track_caller]
fn wait_until_gone_but(dir: &Path, files: &[PathBuf]) {
    let began = Instant::now();
    while holding(dir, SECRET) != files {
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", holding(dir, SECRET));
        thread::sleep(Duration::from_millis(20));
    }
}

/// Entries and deletions in the tables of one family, whatever can be read.
fn entries(db: &Path, family: &str) -> (u64, u64) {
    let names = DB::list_cf(&Options::default(), db).unwrap();
    let db = DB::open_cf_for_read_only(&Options::default(), db, names, false).unwrap();
    let files = db.live_files().unwrap();
    let of_family = files.iter().filter(|file| file.column_family_name == family);
    of_family.fold((0, 0), |(entries, deletions), file| {
        (entries + file.num_entries, deletions + file.num_deletions)
    })
}

fn put(state: &State, table: Table, key: &[u8], value: Option<&[u8]>) {
    let mut batch = state.begin().unwrap();
    match value {
        Some(value) => batch.put(table, key, value),
        None => batch.delete(table, key),
    }
    state.commit(batch, Bytes::from_static(b"applied")).unwrap();
}

/// Rows of the erasable families, a third of them deleted after they lay in
/// tables of the last level.
fn erased(state: &State) {
    for table in [Table::Data, Table::Personal, Table::EntryByActor] {
        for number in 0..90_u64 {
            put(
                state,
                table,
                &number.to_be_bytes(),
                Some(&[SECRET, &number.to_be_bytes()].concat()),
            );
        }
    }
    state.compact_erased().unwrap();
    for table in [Table::Data, Table::Personal, Table::EntryByActor] {
        for number in 0..90_u64 {
            let rest = (number % 3 != 0).then_some(b"kept".as_slice());
            put(state, table, &number.to_be_bytes(), rest);
        }
    }
}

#[test]
fn what_was_deleted_or_replaced_is_in_no_table_after_a_compaction() {
    let dir = tempfile::tempdir().unwrap();
    let state = open_state(dir.path());
    erased(&state);
    state.flush().unwrap();
    let digest = state.view().unwrap().content_digest().unwrap();
    state.compact_erased().unwrap();
    assert_eq!(state.view().unwrap().content_digest().unwrap(), digest);
    drop(state);
    let db = dir.path().join("state/00000001");
    for (family, rows) in [("data", 60), ("personal", 60), ("default", 61)] {
        assert_eq!(entries(&db, family), (rows, 0), "{family}");
    }
    assert_eq!(holding(&db, SECRET), Vec::<PathBuf>::new());
}

#[test]
fn without_the_compaction_the_deleted_bytes_are_still_there() {
    let dir = tempfile::tempdir().unwrap();
    let state = open_state(dir.path());
    erased(&state);
    drop(state);
    let (found, _) = entries(&dir.path().join("state/00000001"), "personal");
    assert!(found > 60, "{found}: the test above shows nothing");
}

#[test]
fn a_compaction_waits_for_whoever_reads_what_was_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let state = open_state(dir.path());
    put(&state, Table::Personal, b"k", Some(SECRET));
    let view = state.view().unwrap();
    put(&state, Table::Personal, b"k", None);
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| tell.send(state.compact_erased()).unwrap());
        told.recv_timeout(Duration::from_millis(300)).unwrap_err();
        assert_eq!(view.get(Table::Personal, b"k").unwrap().unwrap(), SECRET);
        drop(view);
        told.recv_timeout(Duration::from_secs(20)).unwrap().unwrap();
    });
    drop(state);
    assert_eq!(entries(&dir.path().join("state/00000001"), "personal"), (0, 0));
}

fn secret_record(index: u64) -> storage::Record {
    // A word of the secret before it would be stored as a reference to the first.
    let mut bytes = record(index, "7").bytes.to_vec();
    bytes.extend_from_slice(SECRET);
    storage::Record { index, bytes: Bytes::from(bytes) }
}

fn purge(log: &Log, through: u64) {
    log.purge(through, Bytes::from(format!("purged {through}"))).unwrap();
}

#[test]
fn purged_records_are_in_no_file_and_the_others_stay() {
    let dir = tempfile::tempdir().unwrap();
    let log = open_forgetful(dir.path());
    for index in 0..200 {
        append(&log, vec![secret_record(index)]);
    }
    append(&log, records(200..250, "kept"));
    save_vote(&log, "term 5");
    assert!(!holding(&dir.path().join("log"), SECRET).is_empty());
    purge(&log, 199);
    log.compact_purged().unwrap();
    wait_until_gone_but(dir.path(), &[]);
    append(&log, records(250..260, "later"));
    drop(log);
    assert_eq!(holding(dir.path(), SECRET), Vec::<PathBuf>::new());
    let log = open_forgetful(dir.path());
    let kept = [records(200..250, "kept"), records(250..260, "later")].concat();
    assert_eq!(all(&log), kept);
    assert_eq!(log.vote().unwrap().unwrap(), "term 5");
}

#[test]
fn purged_records_leave_a_table_that_holds_others_too() {
    let dir = tempfile::tempdir().unwrap();
    let log = open_forgetful(dir.path());
    append(&log, (0..30).map(secret_record).collect());
    append(&log, records(30..50, "kept"));
    // From the write-ahead log into one table with all the others.
    purge(&log, 4);
    log.compact_purged().unwrap();
    let tables = files(&dir.path().join("log"), ".sst");
    assert_eq!(tables.len(), 1);
    wait_until_gone_but(dir.path(), &tables);
    purge(&log, 29);
    log.compact_purged().unwrap();
    wait_until_gone_but(dir.path(), &[]);
    drop(log);
    assert_eq!(all(&open_forgetful(dir.path())), records(30..50, "kept"));
}

#[test]
fn a_log_that_was_purged_to_its_end_holds_nothing_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let log = open_forgetful(dir.path());
    append(&log, (0..50).map(secret_record).collect());
    // Once in tables, and not only in the write-ahead log.
    purge(&log, 9);
    log.compact_purged().unwrap();
    purge(&log, 49);
    log.compact_purged().unwrap();
    wait_until_gone_but(dir.path(), &[]);
    append(&log, records(50..52, "later"));
    drop(log);
    assert_eq!(all(&open_forgetful(dir.path())), records(50..52, "later"));
}

#[test]
fn appends_go_on_while_the_log_is_compacted() {
    let dir = tempfile::tempdir().unwrap();
    let log = open_forgetful(dir.path());
    append(&log, (0..500).map(secret_record).collect());
    purge(&log, 499);
    thread::scope(|scope| {
        let compacting = scope.spawn(|| (0..5).try_for_each(|_| log.compact_purged()));
        for index in 500..800 {
            append(&log, vec![record(index, "beside")]);
        }
        compacting.join().unwrap().unwrap();
    });
    drop(log);
    let log = open_forgetful(dir.path());
    assert_eq!(all(&log), records(500..800, "beside"));
    assert_eq!(holding(dir.path(), SECRET), Vec::<PathBuf>::new());
}

/// A closed state that says `bad`, and a checkpoint beside it that says `good`.
fn bad_state(dir: &Path) -> PathBuf {
    let state = open_state(dir);
    put(&state, Table::Header, b"key", Some(b"good"));
    let good = state.checkpoint("good").unwrap();
    put(&state, Table::Header, b"key", Some(b"bad"));
    state.flush().unwrap();
    good
}

fn replace(dir: &Path, checkpoint: &Path, name: &str) -> std::io::Result<()> {
    let dir = storage::DataDir::open(dir).unwrap();
    State::replace(&dir, &Group::main(), checkpoint, Evidence { name, why: "it was bad" })
}

fn found(dir: &Path) -> Vec<u8> {
    open_state(dir).view().unwrap().get(Table::Header, b"key").unwrap().unwrap()
}

fn open_kept(dir: &Path, kept: &Path) -> storage::Checkpoint {
    let keyring = storage::DataDir::open(dir).unwrap().keyring().unwrap();
    storage::Checkpoint::open(kept, Group::main(), &keyring).unwrap()
}

fn evidence(dir: &Path) -> Vec<PathBuf> {
    files(&dir.join("evidence"), "")
}

#[test]
fn a_state_that_is_replaced_is_kept_as_evidence_and_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let good = bad_state(dir.path());
    replace(dir.path(), &good, "state-1").unwrap();
    assert_eq!(found(dir.path()), b"good");
    let kept = dir.path().join("evidence/state-1");
    assert_eq!(evidence(dir.path()), std::slice::from_ref(&kept));
    assert_eq!(fs::read(kept.join("why")).unwrap(), b"it was bad");
    let old = open_kept(dir.path(), &kept);
    assert_eq!(old.view().get(Table::Header, b"key").unwrap().unwrap(), b"bad");
    assert!(!dir.path().join("state/00000001").exists(), "the next start removes it");
}

#[test]
fn a_state_past_opening_is_replaced_too() {
    let damages: [fn(&Path); 3] = [
        |state| fs::remove_file(state.join("current")).unwrap(),
        |state| fs::write(state.join("00000001/CURRENT"), "none").unwrap(),
        |state| fs::remove_file(files(&state.join("00000001"), ".sst").remove(0)).unwrap(),
    ];
    for damage in damages {
        let dir = tempfile::tempdir().unwrap();
        let good = bad_state(dir.path());
        damage(&dir.path().join("state"));
        let opened = State::open(&storage::DataDir::open(dir.path()).unwrap(), Group::main());
        assert!(matches!(opened, Err(Error::StateLost { .. })), "{opened:?}");
        replace(dir.path(), &good, "state-1").unwrap();
        assert_eq!(found(dir.path()), b"good");
        assert_eq!(evidence(dir.path()).len(), 1);
    }
}

#[test]
fn the_newest_two_are_kept_and_an_erasure_takes_them_all() {
    let dir = tempfile::tempdir().unwrap();
    let good = bad_state(dir.path());
    for name in ["state-1", "state-2", "state-3"] {
        replace(dir.path(), &good, name).unwrap();
        found(dir.path());
    }
    let names = ["evidence/state-2", "evidence/state-3"].map(|name| dir.path().join(name));
    assert_eq!(evidence(dir.path()), names);
    open_state(dir.path()).compact_erased().unwrap();
    assert_eq!(evidence(dir.path()), Vec::<PathBuf>::new());
}

/// Every prefix of the steps of a replacement, as a crash would leave it.
#[test]
fn a_crash_during_a_replacement_leaves_the_old_state_or_the_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let good = bad_state(dir.path());
    let making = dir.path().join("evidence/.state-1.making");
    fs::create_dir_all(&making).unwrap();
    fs::write(making.join("why"), "half").unwrap();
    assert_eq!(found(dir.path()), b"bad");

    // Evidence is whole, the new state is not in force.
    let cut = dir.path().join("snapshots/cut");
    fs::create_dir(&cut).unwrap();
    replace(dir.path(), &cut, "state-1").unwrap_err();
    assert_eq!(found(dir.path()), b"bad");
    assert_eq!(fs::read(dir.path().join("evidence/state-1/why")).unwrap(), b"it was bad");

    replace(dir.path(), &good, "state-1").unwrap();
    // Begun again after it was in force, it keeps what was bad first.
    replace(dir.path(), &good, "state-1").unwrap();
    assert_eq!(found(dir.path()), b"good");
    let kept = dir.path().join("evidence/state-1");
    assert_eq!(evidence(dir.path()), std::slice::from_ref(&kept));
    let old = open_kept(dir.path(), &kept);
    assert_eq!(old.view().get(Table::Header, b"key").unwrap().unwrap(), b"bad");
}
