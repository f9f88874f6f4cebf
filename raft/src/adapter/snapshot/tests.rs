//! Snapshots are published in order and removed when nobody needs them.

use super::*;
use crate::kinds::log_id;

fn content_of(index: u64) -> Digest {
    Digest([u8::try_from(index).unwrap(); 32])
}

fn made(dir: &Path, index: u64) -> Snapshot {
    let path = dir.join(name(index, 0));
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("file"), b"state").unwrap();
    let meta = SnapshotMeta { last_log_id: Some(log_id(1, index)), ..SnapshotMeta::default() };
    Draft { meta, taken_at: Timestamp(7), path }.with_content(content_of(index))
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
