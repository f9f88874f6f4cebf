//! What is sealed reads as what it was, lies nowhere as it was, and is refused
//! when it was changed, moved, or sealed with keys that are not here.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use governance::{Direction, Read, Scan, Store, Table};
use rocksdb::{DB, Options, WriteBatch};
use storage::log::Config;
use storage::state::{Rewriting, Step};
use storage::{DataDir, Error, Group, Log, MasterKey, State};

use crate::erase::holding;
use crate::harness::{all, append, records};

const SECRET: &[u8] = b"the secret that nobody may find 0b44d1";
const PLACES: [Table; 4] = [Table::Header, Table::Data, Table::Personal, Table::Decision];

fn key(byte: u8) -> MasterKey {
    MasterKey::from_bytes("THE_KEY", [byte; 32])
}

fn unlocked(path: &Path, byte: u8) -> DataDir {
    let dir = DataDir::open(path).unwrap();
    dir.unlock(&key(byte), None).unwrap();
    dir
}

fn open(dir: &DataDir) -> (Log, State) {
    // Nothing stays in memory, so that reads go to the disk.
    let config = Config { tail_bytes_max: 0, ..Config::default() };
    (Log::open(dir, config).unwrap(), State::open(dir, Group::main()).unwrap())
}

fn fill(state: &State) {
    let mut batch = state.begin().unwrap();
    for table in PLACES {
        for number in 0..40_u64 {
            batch.put(table, &number.to_be_bytes(), &[SECRET, &number.to_be_bytes()].concat());
        }
    }
    batch.put(Table::DecisionByActor, b"nothing", b"");
    batch.put(Table::Chunk, b"looks sealed", b"\xe1 looks sealed");
    state.commit(batch, Bytes::from_static(b"applied")).unwrap();
    state.flush().unwrap();
}

fn secret_records(range: std::ops::Range<u64>) -> Vec<storage::Record> {
    let secret = std::str::from_utf8(SECRET).unwrap();
    records(range, secret)
}

fn rows(read: &impl Read, table: Table) -> Vec<(Vec<u8>, Vec<u8>)> {
    let scan = Scan { table, from: &[], to: None, direction: Direction::Ascending, rows_max: 99 };
    let rows = read.scan(scan).unwrap();
    let mut backwards = read.scan(Scan { direction: Direction::Descending, ..scan }).unwrap();
    backwards.reverse();
    assert_eq!(rows, backwards);
    let mut seen = Vec::new();
    read.visit(scan, &mut |key, value| seen.push((key.to_vec(), value.to_vec()))).unwrap();
    assert_eq!(rows, seen);
    for (key, value) in &rows {
        assert_eq!(read.get(table, key).unwrap().as_ref(), Some(value));
    }
    rows
}

/// Everything that can be read, by every way of reading.
fn everything(state: &State) -> Vec<Vec<(Vec<u8>, Vec<u8>)>> {
    let view = state.view().unwrap();
    let now = state.begin().unwrap();
    let tables = PLACES.into_iter().chain([Table::DecisionByActor, Table::Chunk]);
    tables
        .map(|table| {
            let rows = rows(&view, table);
            assert_eq!(rows, self::rows(&now, table));
            rows
        })
        .collect()
}

/// Writes everything anew until nothing is left to do.
fn rewrite(state: &State) -> u64 {
    let mut rewriting = Rewriting::default();
    loop {
        match state.rewrite(&mut rewriting).unwrap() {
            Step::More => {}
            Step::Done => return rewriting.rewritten,
            Step::Replaced => panic!("nobody replaced it"),
        }
    }
}

fn finish(state: &State) {
    let pass = state.keyring().pass().unwrap();
    rewrite(state);
    state.compact_all().unwrap();
    assert!(state.keyring().finish(&pass, true).unwrap());
}

#[test]
fn what_is_sealed_reads_as_what_it_was_and_digests_are_the_same() {
    let (sealed, plain) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (log, state) = open(&unlocked(sealed.path(), 1));
    let (plain_log, plain_state) = open(&DataDir::open(plain.path()).unwrap());
    for (log, state) in [(&log, &state), (&plain_log, &plain_state)] {
        fill(state);
        append(log, secret_records(0..30));
    }
    let digest = |state: &State| state.view().unwrap().content_digest().unwrap();
    assert_eq!(digest(&state), digest(&plain_state));
    assert_eq!(everything(&state), everything(&plain_state));
    assert_eq!(log.bytes(), plain_log.bytes());
    assert_eq!(all(&log), secret_records(0..30));
    drop((log, state, plain_log, plain_state));
    assert_eq!(holding(sealed.path(), SECRET), Vec::<PathBuf>::new());
    assert!(2 <= holding(plain.path(), SECRET).len(), "the test shows nothing");
    let (log, state) = open(&unlocked(sealed.path(), 1));
    assert_eq!(all(&log), secret_records(0..30));
    assert_eq!(everything(&state)[0].len(), 40);
}

#[test]
fn a_merge_of_pending_rows_and_sealed_ones_is_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (_log, state) = open(&unlocked(dir.path(), 1));
    fill(&state);
    let mut batch = state.begin().unwrap();
    batch.put(Table::Data, &7_u64.to_be_bytes(), b"pending");
    batch.delete(Table::Data, &8_u64.to_be_bytes());
    batch.put(Table::Data, &99_u64.to_be_bytes(), b"last");
    let found = rows(&batch, Table::Data);
    assert_eq!(found.len(), 40);
    assert_eq!(found[7].1, b"pending");
    assert_eq!(found[8].0, 9_u64.to_be_bytes());
    assert_eq!(found[39].1, b"last");
}

#[test]
fn a_wrong_key_or_none_is_refused_and_the_right_one_still_opens() {
    let dir = tempfile::tempdir().unwrap();
    let (log, state) = open(&unlocked(dir.path(), 1));
    fill(&state);
    append(&log, secret_records(0..3));
    drop((log, state));
    let opened = DataDir::open(dir.path()).unwrap();
    assert!(matches!(opened.unlock(&key(2), None), Err(Error::WrongKey { .. })));
    assert!(matches!(Log::open(&opened, Config::default()), Err(Error::KeyNeeded { .. })));
    assert!(matches!(State::open(&opened, Group::main()), Err(Error::KeyNeeded { .. })));
    drop(opened);
    let dir = DataDir::open(dir.path()).unwrap();
    dir.unlock(&key(3), Some(&key(1))).unwrap();
    assert_eq!(everything(&open(&dir).1)[1].len(), 40);
}

/// Changes rows of a closed instance below everything of ours.
fn meddle(path: &Path, family: &str, change: impl FnOnce(&DB, &mut WriteBatch)) {
    let names = DB::list_cf(&Options::default(), path).unwrap();
    let db = DB::open_cf(&Options::default(), path, names).unwrap();
    let mut batch = WriteBatch::default();
    change(&db, &mut batch);
    db.write(batch).unwrap();
    db.flush_cf(db.cf_handle(family).unwrap()).unwrap();
}

fn row(table: Table, number: u64) -> Vec<u8> {
    [b"\x04main", [table.number()].as_slice(), &number.to_be_bytes()].concat()
}

#[test]
fn values_that_changed_their_row_or_a_bit_are_damage_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let (log, state) = open(&unlocked(dir.path(), 1));
    fill(&state);
    drop((log, state));
    let path = dir.path().join("state/00000001");
    meddle(&path, "data", |db, batch| {
        let family = db.cf_handle("data").unwrap();
        let [first, second] = [1, 2].map(|number| row(Table::Data, number));
        let [of_first, of_second] = [&first, &second].map(|row| db.get_cf(family, row).unwrap());
        batch.put_cf(family, &first, of_second.unwrap());
        batch.put_cf(family, &second, of_first.unwrap());
        let third = row(Table::Data, 3);
        let mut flipped = db.get_cf(family, &third).unwrap().unwrap();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        batch.put_cf(family, &third, flipped);
        let cut = db.get_cf(family, row(Table::Data, 4)).unwrap().unwrap();
        batch.put_cf(family, row(Table::Data, 4), &cut[..20]);
        // The same row of another table.
        let personal = db.cf_handle("personal").unwrap();
        batch.put_cf(personal, row(Table::Personal, 5), cut);
    });
    let (_log, state) = open(&unlocked(dir.path(), 1));
    let view = state.view().unwrap();
    for number in 1..=4_u64 {
        let error = view.get(Table::Data, &number.to_be_bytes()).unwrap_err().to_string();
        assert!(error.contains(&format!("row {number:016x} of table 2 is damaged")), "{error}");
    }
    view.get(Table::Personal, &5_u64.to_be_bytes()).unwrap_err();
    view.get(Table::Data, &6_u64.to_be_bytes()).unwrap().unwrap();
    let scan = Scan {
        table: Table::Data,
        from: &[],
        to: None,
        direction: Direction::Ascending,
        rows_max: 99,
    };
    assert!(view.scan(scan).unwrap_err().to_string().contains("row 0000000000000001"));
    view.content_digest().unwrap_err();
}

#[test]
fn a_record_of_the_log_that_was_changed_or_moved_is_named() {
    for swap in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let (log, state) = open(&unlocked(dir.path(), 1));
        append(&log, secret_records(0..10));
        drop((log, state));
        let record = |index: u64| [b"\x04main\x10".as_slice(), &index.to_be_bytes()].concat();
        meddle(&dir.path().join("log"), "default", |db, batch| {
            let mut value = db.get(record(5)).unwrap().unwrap();
            if swap {
                // The link of its own place, the bytes of another.
                value.truncate(40);
                value.extend_from_slice(&db.get(record(6)).unwrap().unwrap()[40..]);
            } else {
                value[80] ^= 1;
            }
            batch.put(record(5), value);
        });
        let error = Log::open(&unlocked(dir.path(), 1), Config::default()).unwrap_err();
        assert!(matches!(error, Error::LogLost { .. }), "{error}");
        assert!(error.to_string().contains("record 5 is damaged"), "{error}");
    }
}

#[test]
fn a_plain_directory_is_sealed_while_it_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let (log, state) = open(&DataDir::open(dir.path()).unwrap());
    fill(&state);
    append(&log, secret_records(0..20));
    let digest = state.view().unwrap().content_digest().unwrap();
    let before = everything(&state);
    drop((log, state));

    let (log, state) = open(&unlocked(dir.path(), 1));
    assert_eq!(everything(&state), before);
    assert_eq!(all(&log), secret_records(0..20));
    assert!(state.keyring().status().is_pending);
    let pass = state.keyring().pass().unwrap();
    assert!(!pass.state_only);
    // A commit in between is newer than what is rewritten.
    let mut rewriting = Rewriting::default();
    assert_eq!(state.rewrite(&mut rewriting).unwrap(), Step::More);
    let mut batch = state.begin().unwrap();
    batch.put(Table::Data, &3_u64.to_be_bytes(), b"newer");
    state.commit(batch, Bytes::from_static(b"applied")).unwrap();
    while state.rewrite(&mut rewriting).unwrap() == Step::More {}
    assert_eq!(rewriting.rewritten, 4 * 40, "what was committed is sealed, nothing stays nothing");
    assert_eq!(state.keyring().status().rewritten, rewriting.rewritten);
    assert_eq!(
        state.view().unwrap().get(Table::Data, &3_u64.to_be_bytes()).unwrap().unwrap(),
        b"newer"
    );
    let mut batch = state.begin().unwrap();
    batch.put(Table::Data, &3_u64.to_be_bytes(), &before[1][3].1);
    state.commit(batch, Bytes::from_static(b"applied")).unwrap();
    state.compact_all().unwrap();
    log.purge(19, Bytes::from_static(b"purged 19")).unwrap();
    log.compact_purged().unwrap();
    assert!(state.keyring().finish(&pass, true).unwrap());
    assert_eq!(state.view().unwrap().content_digest().unwrap(), digest);
    assert_eq!(rewrite(&state), 0);
    drop((log, state));
    assert_eq!(holding(dir.path(), SECRET), Vec::<PathBuf>::new());
    let (_log, state) = open(&unlocked(dir.path(), 1));
    assert_eq!(everything(&state), before);
    assert!(!state.keyring().status().is_pending);
}

#[test]
fn after_a_rotation_the_old_key_can_be_done_without() {
    let dir = tempfile::tempdir().unwrap();
    let (log, state) = open(&unlocked(dir.path(), 1));
    fill(&state);
    let before = everything(&state);
    append(&log, secret_records(0..10));
    assert!(state.keyring().rotate_after(std::time::Duration::ZERO).unwrap());
    append(&log, secret_records(10..20));
    assert_eq!(state.keyring().status().keys, 2);
    assert_eq!(all(&log), secret_records(0..20));
    log.purge(9, Bytes::from_static(b"purged 9")).unwrap();
    finish(&state);
    assert_eq!(state.keyring().status().keys, 1);
    drop((log, state));
    let (log, state) = open(&unlocked(dir.path(), 1));
    assert_eq!(all(&log), secret_records(10..20));
    assert_eq!(everything(&state), before);
}

/// A checkpoint of one directory, as it arrives in another.
fn arrived(from: &State, to: &State) -> PathBuf {
    let sent = from.checkpoint("sent").unwrap();
    let dir = to.snapshots_dir().join("incoming-1");
    crate::harness::copy_dir(&sent, &dir);
    dir
}

#[test]
fn a_snapshot_goes_from_a_sealed_state_to_a_plain_one_and_back() {
    use secrecy::ExposeSecret as _;
    for (of_sender, of_receiver) in [(Some(1), None), (None, Some(2)), (Some(1), Some(2))] {
        let (sender, receiver) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let opened = |path: &Path, key: Option<u8>| match key {
            Some(key) => unlocked(path, key),
            None => DataDir::open(path).unwrap(),
        };
        let (_log, from) = open(&opened(sender.path(), of_sender));
        let (log, to) = open(&opened(receiver.path(), of_receiver));
        fill(&from);
        let digest = from.view().unwrap().content_digest().unwrap();
        let dir = arrived(&from, &to);
        let read = |dir: &Path| {
            let checkpoint = storage::Checkpoint::open(dir, Group::main(), to.keyring()).unwrap();
            checkpoint.view().content_digest()
        };
        if of_sender.is_some() {
            let error = read(&dir).unwrap_err().to_string();
            assert!(error.contains("which is not here"), "{error}");
        }
        to.keyring().import(from.keyring().export().expose_secret()).unwrap();
        assert_eq!(read(&dir).unwrap(), digest);
        to.install(dir.clone()).unwrap();
        std::fs::remove_dir_all(dir).unwrap();
        assert_eq!(everything(&to), everything(&from));
        drop((log, to));
        // Across a restart, before anything was rewritten.
        let (log, to) = open(&opened(receiver.path(), of_receiver));
        assert_eq!(everything(&to), everything(&from));
        finish(&to);
        drop((log, to));
        let (_log, to) = open(&opened(receiver.path(), of_receiver));
        assert_eq!(to.keyring().status().keys, usize::from(of_receiver.is_some()));
        assert_eq!(to.view().unwrap().content_digest().unwrap(), digest);
        // Without a key nothing that is sealed could be read.
        if of_receiver.is_some() {
            assert_eq!(holding(receiver.path(), SECRET), Vec::<PathBuf>::new());
        }
    }
}

#[test]
fn a_rewriting_begins_anew_when_the_state_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let (_log, state) = open(&unlocked(dir.path(), 1));
    fill(&state);
    let checkpoint = state.checkpoint("one").unwrap();
    assert!(state.keyring().rotate_after(std::time::Duration::ZERO).unwrap());
    let pass = state.keyring().pass().unwrap();
    let mut rewriting = Rewriting::default();
    assert_eq!(state.rewrite(&mut rewriting).unwrap(), Step::More);
    state.install(checkpoint).unwrap();
    assert_eq!(state.rewrite(&mut rewriting).unwrap(), Step::Replaced);
    assert!(!state.keyring().finish(&pass, true).unwrap());
    assert_eq!(everything(&state)[0].len(), 40, "no key has gone");
    finish(&state);
    assert_eq!(everything(&state)[0].len(), 40);
}
