//! The state: the same answers as the store in memory, whatever the disk does.

use std::fs;

use bytes::Bytes;
use governance::{Direction, MemStore, Read, Row, Scan, Store, Table};
use proptest::collection::vec;
use proptest::prelude::*;
use storage::{Checkpoint, Group, State, View};

use crate::harness::{files, open_state};

const TABLES: [Table; 5] =
    [Table::Meta, Table::Header, Table::Data, Table::Personal, Table::Cluster];

/// Rows whose keys lie at the edges of their tables.
fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![Just(0_u8), Just(1), Just(0xff)], 0..4)
}

#[derive(Clone, Debug)]
enum Step {
    Put(usize, Vec<u8>, u8),
    Delete(usize, Vec<u8>),
    Scan(Range),
    Commit,
    Abandon,
    Flush,
    Reopen,
    Install,
}

#[derive(Clone, Debug)]
struct Range {
    table: usize,
    from: Vec<u8>,
    to: Option<Vec<u8>>,
    descending: bool,
    rows_max: usize,
}

impl Range {
    fn scan(&self) -> Scan<'_> {
        let direction = if self.descending { Direction::Descending } else { Direction::Ascending };
        Scan {
            table: TABLES[self.table],
            from: &self.from,
            to: self.to.as_deref(),
            direction,
            rows_max: self.rows_max,
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let table = 0..TABLES.len();
    let rows_max = prop_oneof![0..5_usize, Just(usize::MAX)];
    let range = (table.clone(), key(), proptest::option::of(key()), any::<bool>(), rows_max);
    let range = range.prop_map(|(table, from, to, descending, rows_max)| Range {
        table,
        from,
        to,
        descending,
        rows_max,
    });
    prop_oneof![
        10 => (table.clone(), key(), any::<u8>()).prop_map(|(t, k, v)| Step::Put(t, k, v)),
        5 => (table, key()).prop_map(|(t, k)| Step::Delete(t, k)),
        10 => range.prop_map(Step::Scan),
        4 => Just(Step::Commit),
        1 => Just(Step::Abandon),
        1 => Just(Step::Flush),
        1 => Just(Step::Reopen),
        1 => Just(Step::Install),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn it_answers_like_the_store_in_memory(steps in vec(step(), 1..120)) {
        let dir = tempfile::tempdir().unwrap();
        let mut state = open_state(dir.path());
        let mut batch = state.begin().unwrap();
        let (mut committed, mut pending) = (MemStore::default(), MemStore::default());
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Put(table, key, value) => {
                    batch.put(TABLES[table], &key, &[value]);
                    pending.put(TABLES[table], &key, &[value]);
                    prop_assert_eq!(batch.get(TABLES[table], &key).unwrap(), Some(vec![value]));
                }
                Step::Delete(table, key) => {
                    batch.delete(TABLES[table], &key);
                    pending.delete(TABLES[table], &key);
                    prop_assert_eq!(batch.get(TABLES[table], &key).unwrap(), None);
                }
                Step::Scan(range) => {
                    let (ours, theirs) = (batch.scan(range.scan()), pending.scan(range.scan()));
                    prop_assert_eq!(ours.unwrap(), theirs.unwrap(), "batch, {:?}", range);
                    let view = state.view().unwrap();
                    let (ours, theirs) = (view.scan(range.scan()), committed.scan(range.scan()));
                    prop_assert_eq!(ours.unwrap(), theirs.unwrap(), "view, {:?}", range);
                }
                Step::Commit => {
                    let applied = Bytes::from(number.to_string());
                    state.commit(batch, applied.clone()).unwrap();
                    prop_assert_eq!(state.applied().unwrap(), Some(applied));
                    batch = state.begin().unwrap();
                    committed = pending.clone();
                }
                Step::Abandon => {
                    batch = state.begin().unwrap();
                    pending = committed.clone();
                }
                Step::Flush => state.flush().unwrap(),
                Step::Reopen => {
                    drop((batch, state));
                    state = open_state(dir.path());
                    batch = state.begin().unwrap();
                    pending = committed.clone();
                }
                Step::Install => {
                    let copy = state.checkpoint(&format!("at-{number}")).unwrap();
                    state.install(copy).unwrap();
                    batch = state.begin().unwrap();
                    pending = committed.clone();
                }
            }
        }
        prop_assert_eq!(rows(&state.view().unwrap()), mem_rows(&committed));
    }
}

fn rows(read: &impl Read) -> Vec<(Table, Row)> {
    let mut all = Vec::new();
    for table in Table::ALL {
        let scan = Scan {
            table,
            from: &[],
            to: None,
            direction: Direction::Ascending,
            rows_max: usize::MAX,
        };
        all.extend(read.scan(scan).unwrap().into_iter().map(|row| (table, row)));
    }
    all
}

fn mem_rows(store: &MemStore) -> Vec<(Table, Row)> {
    store.rows().map(|(table, key, value)| (table, (key.to_vec(), value.to_vec()))).collect()
}

/// Commits entry `number`: some rows in every kind of table, some removed.
pub(crate) fn apply(state: &State, number: u64) {
    let mut batch = state.begin().unwrap();
    let previous = batch.get(Table::Meta, b"sum").unwrap().unwrap_or_default();
    for table in TABLES {
        batch.put(
            table,
            &(number % 97).to_be_bytes(),
            &[number.to_be_bytes().to_vec(), previous.clone()].concat(),
        );
        batch.delete(table, &((number * 31) % 97).to_be_bytes());
    }
    let sum =
        number.to_be_bytes().iter().chain(previous.iter().take(56)).copied().collect::<Vec<_>>();
    batch.put(Table::Meta, b"sum", &sum);
    state.commit(batch, Bytes::from(number.to_string())).unwrap();
}

pub(crate) fn applied(state: &State) -> u64 {
    let applied = state.applied().unwrap();
    applied.map_or(0, |bytes| std::str::from_utf8(&bytes).unwrap().parse().unwrap())
}

fn one(state: &State, value: &[u8]) {
    let mut batch = state.begin().unwrap();
    batch.put(Table::Header, b"key", value);
    state.commit(batch, Bytes::copy_from_slice(value)).unwrap();
}

fn header(view: &View) -> Vec<u8> {
    view.get(Table::Header, b"key").unwrap().unwrap()
}

#[test]
fn a_view_is_not_moved_by_commits_nor_by_an_install() {
    let dir = tempfile::tempdir().unwrap();
    let state = open_state(dir.path());
    one(&state, b"1");
    let copy = state.checkpoint("one").unwrap();
    one(&state, b"2");
    let view = state.view().unwrap();
    one(&state, b"3");
    assert_eq!(header(&view), b"2");
    state.install(copy).unwrap();
    assert_eq!(header(&state.view().unwrap()), b"1");
    assert_eq!(header(&view), b"2");
    assert_eq!(view.applied().unwrap().unwrap(), "2");
    assert_eq!(state.applied().unwrap().unwrap(), "1");
    // The replaced state goes with the last view of it.
    assert!(dir.path().join("state/00000001").exists());
    drop(view);
    assert!(!dir.path().join("state/00000001").exists());
    one(&state, b"4");
    drop(state);
    assert_eq!(header(&open_state(dir.path()).view().unwrap()), b"4");
}

#[test]
fn a_view_works_in_another_thread_after_the_state_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let state = open_state(dir.path());
    one(&state, b"1");
    let view = state.view().unwrap();
    drop(state);
    let seen = std::thread::spawn(move || header(&view)).join().unwrap();
    assert_eq!(seen, b"1");
}

#[test]
fn a_batch_from_before_an_install_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let state = open_state(dir.path());
    one(&state, b"1");
    let batch = state.begin().unwrap();
    state.install(state.checkpoint("one").unwrap()).unwrap();
    let error = state.commit(batch, Bytes::from_static(b"2")).unwrap_err();
    assert!(error.to_string().contains("another state was installed"), "{error}");
    assert_eq!(state.applied().unwrap().unwrap(), "1");
}

#[test]
fn a_checkpoint_holds_the_state_of_its_moment_and_can_be_read_alone() {
    let dir = tempfile::tempdir().unwrap();
    let state = open_state(dir.path());
    one(&state, b"1");
    let digest = state.view().unwrap().content_digest().unwrap();
    let path = state.checkpoint("one").unwrap();
    assert_eq!(path, state.snapshots_dir().join("one"));
    one(&state, b"2");
    assert_ne!(state.view().unwrap().content_digest().unwrap(), digest);
    let names: Vec<_> = fs::read_dir(&path).unwrap().map(|e| e.unwrap().file_name()).collect();
    let checkpoint = Checkpoint::open(&path, Group::main(), state.keyring()).unwrap();
    assert_eq!(checkpoint.view().applied().unwrap().unwrap(), "1");
    assert_eq!(checkpoint.view().content_digest().unwrap(), digest);
    drop(checkpoint);
    let after: Vec<_> = fs::read_dir(&path).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, after, "reading adds no file");
}

#[test]
fn the_digest_is_of_the_rows_and_not_of_the_files() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (first, second) = (open_state(first.path()), open_state(second.path()));
    for number in 1..60 {
        apply(&first, number);
        apply(&second, number);
        if number % 20 == 0 {
            first.flush().unwrap();
        }
    }
    let digest = |state: &State| state.view().unwrap().content_digest().unwrap();
    assert_eq!(digest(&first), digest(&second));
    let before = digest(&second);
    let mut batch = second.begin().unwrap();
    batch.put(Table::Cluster, b"k", b"");
    second.commit(batch, Bytes::from_static(b"60")).unwrap();
    assert_ne!(digest(&second), before);
}

#[test]
fn names_that_leave_the_directory_or_are_taken_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let state = open_state(dir.path());
    for name in ["", ".", "..", "a/b", ".hidden", "a b", &"n".repeat(129)] {
        let error = state.checkpoint(name).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{name}");
    }
    state.checkpoint("1-2.3").unwrap();
    let error = state.checkpoint("1-2.3").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
}

#[test]
fn a_directory_that_is_no_state_is_not_installed() {
    let dir = tempfile::tempdir().unwrap();
    let state = open_state(dir.path());
    one(&state, b"1");
    let snapshots = state.snapshots_dir();
    let empty = snapshots.join("empty");
    fs::create_dir(&empty).unwrap();
    let cut = state.checkpoint("cut").unwrap();
    fs::remove_file(files(&cut, ".sst").remove(0)).unwrap();
    for bad in [empty, cut, snapshots.join("absent")] {
        state.install(bad).unwrap_err();
        assert_eq!(header(&state.view().unwrap()), b"1");
        one(&state, b"1");
    }
    drop(state);
    assert_eq!(header(&open_state(dir.path()).view().unwrap()), b"1");
}

/// Every prefix of the steps of an install, as a crash would leave it.
#[test]
fn a_crash_during_an_install_leaves_the_old_state_or_the_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let state = open_state(dir.path());
    one(&state, b"new");
    let copy = state.checkpoint("new").unwrap();
    one(&state, b"old");
    drop(state);
    let next = dir.path().join("state/00000002");
    let found = || header(&open_state(dir.path()).view().unwrap());

    fs::create_dir(&next).unwrap();
    assert_eq!(found(), b"old");
    assert!(!next.exists(), "what is left over is removed");

    fs::create_dir(&next).unwrap();
    for file in fs::read_dir(&copy).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), next.join(file.file_name())).unwrap();
        assert!(next.exists());
    }
    fs::write(dir.path().join("state/.current.tmp"), "0000").unwrap();
    assert_eq!(found(), b"old");

    let state = open_state(dir.path());
    state.install(copy).unwrap();
    let old = dir.path().join("state/00000001");
    fs::create_dir(&old).unwrap();
    drop(state);
    assert_eq!(found(), b"new");
    assert!(!old.exists());
}

#[test]
fn an_unfinished_checkpoint_is_removed_and_others_stay() {
    let dir = tempfile::tempdir().unwrap();
    let state = open_state(dir.path());
    let whole = state.checkpoint("whole").unwrap();
    let unfinished = state.snapshots_dir().join(".next.making.tmp");
    fs::create_dir(&unfinished).unwrap();
    drop(state);
    drop(open_state(dir.path()));
    assert!(whole.exists() && !unfinished.exists());
}

#[test]
fn a_scan_over_a_damaged_block_says_so() {
    use std::os::unix::fs::FileExt;

    let dir = tempfile::tempdir().unwrap();
    let state = open_state(dir.path());
    for part in 0..40_u64 {
        let mut batch = state.begin().unwrap();
        for row in 0..100_u64 {
            let value = [part * row; 16].map(u64::to_be_bytes).concat();
            batch.put(Table::Header, &(part * 100 + row).to_be_bytes(), &value);
        }
        state.commit(batch, Bytes::from_static(b"1")).unwrap();
    }
    drop(state);
    let tables = files(&dir.path().join("state/00000001"), ".sst");
    let biggest = tables.iter().max_by_key(|file| fs::metadata(file).unwrap().len()).unwrap();
    let file = fs::OpenOptions::new().read(true).write(true).open(biggest).unwrap();
    let at = file.metadata().unwrap().len() / 2;
    let mut bytes = [0; 8];
    file.read_exact_at(&mut bytes, at).unwrap();
    file.write_all_at(&bytes.map(|byte| !byte), at).unwrap();

    let view = open_state(dir.path()).view().unwrap();
    for direction in [Direction::Ascending, Direction::Descending] {
        let scan = Scan { table: Table::Header, from: &[], to: None, direction, rows_max: 4000 };
        let error = view.scan(scan).unwrap_err();
        assert!(error.detail.contains("a scan stopped early"), "{error:?}");
    }
    let error = view.content_digest().unwrap_err();
    assert_eq!(error.table, "header");
}
