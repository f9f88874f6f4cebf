//! Snapshots are published in order and removed when nobody needs them.

use super::*;
use crate::kinds::log_id;

fn content_of(index: u64) -> Digest {
    Digest([u8::try_from(index).unwrap(); 32])
}

fn made(dir: &Path, index: u64) -> Snapshot {
    made_in(dir, index, Epoch::default())
}

fn made_in(dir: &Path, index: u64, epoch: Epoch) -> Snapshot {
    let path = dir.join(name(index, epoch.0));
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("file"), b"state").unwrap();
    let meta = SnapshotMeta { last_log_id: Some(log_id(1, index)), ..SnapshotMeta::default() };
    let draft = Draft { meta, taken_at: Timestamp(7), path, epoch };
    draft.with_content(content_of(index))
}

fn current_index(snapshots: &Snapshots) -> Option<u64> {
    snapshots.current().and_then(|snapshot| snapshot.index())
}

#[test]
fn an_older_snapshot_never_replaces_a_newer_one() {
    let dir = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::open(dir.path().to_owned()).unwrap();
    snapshots.publish(made(dir.path(), 9)).unwrap();
    let late = made(dir.path(), 4);
    let late_path = late.path().to_owned();
    assert_eq!(snapshots.publish(late).unwrap().index(), Some(9));
    assert_eq!(current_index(&snapshots), Some(9));
    assert!(!late_path.exists());
}

#[test]
fn a_superseded_snapshot_stays_while_it_is_held() {
    let dir = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::open(dir.path().to_owned()).unwrap();
    snapshots.publish(made(dir.path(), 1)).unwrap();
    let held = snapshots.current().unwrap();
    snapshots.publish(made(dir.path(), 2)).unwrap();
    assert!(held.path().exists());
    let path = held.path().to_owned();
    drop(held);
    assert!(!path.exists());
}

#[test]
fn opening_finds_the_newest_and_removes_leftovers() {
    let dir = tempfile::tempdir().unwrap();
    for index in [3, 5] {
        write_meta(&made(dir.path(), index)).unwrap();
    }
    let unfinished = made(dir.path(), 8).path().to_owned();
    let incoming = dir.path().join("incoming-x");
    fs::create_dir(&incoming).unwrap();
    let snapshots = Snapshots::open(dir.path().to_owned()).unwrap();
    assert_eq!(current_index(&snapshots), Some(5));
    let current = snapshots.current().unwrap();
    assert_eq!((current.taken_at, current.content), (Timestamp(7), content_of(5)));
    assert!(!unfinished.exists() && !incoming.exists());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn a_snapshot_without_a_content_digest_counts_for_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let old = made(dir.path(), 3);
    let mut meta = vec![META_VERSION_BARE];
    meta.extend_from_slice(&7_u64.to_be_bytes());
    put_bytes(&mut meta, &encode_meta(&old.meta));
    fs::write(old.path().with_extension(META_EXTENSION), meta).unwrap();
    let snapshots = Snapshots::open(dir.path().to_owned()).unwrap();
    assert_eq!(current_index(&snapshots), None);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn after_an_erasure_a_snapshot_of_the_same_entry_takes_the_place_of_the_older() {
    let dir = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::open(dir.path().to_owned()).unwrap();
    let older = snapshots.publish(made(dir.path(), 4)).unwrap();
    let begun_before = snapshots.epoch();
    let epoch = snapshots.outdate();
    assert!(snapshots.is_outdated(&older));
    assert!(begun_before < epoch && snapshots.epoch() == epoch);
    let newer = snapshots.publish(made_in(dir.path(), 4, epoch)).unwrap();
    assert!(!snapshots.is_outdated(&newer));
    assert!(snapshots.has_others().unwrap(), "the older one is still held");
    drop(older);
    assert!(!snapshots.has_others().unwrap());
    // One that was begun before, and is ready only now, changes nothing.
    snapshots.publish(made_in(dir.path(), 4, begun_before)).unwrap();
    assert!(!snapshots.is_outdated(&snapshots.current().unwrap()));
}

#[test]
fn a_snapshot_that_is_adopted_is_the_only_one_though_others_are_newer() {
    let dir = tempfile::tempdir().unwrap();
    write_meta(&made(dir.path(), 9)).unwrap();
    let path = dir.path().join("incoming-x");
    fs::create_dir(&path).unwrap();
    let meta = SnapshotMeta { last_log_id: Some(log_id(1, 4)), ..SnapshotMeta::default() };
    let draft = Draft { meta, taken_at: Timestamp(8), path, epoch: Epoch::default() };
    adopt(dir.path(), draft, content_of(4)).unwrap();
    let snapshots = Snapshots::open(dir.path().to_owned()).unwrap();
    assert_eq!(current_index(&snapshots), Some(4));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}
