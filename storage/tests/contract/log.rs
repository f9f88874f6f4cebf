//! The log as raft relies on it.

use std::sync::mpsc;

use bytes::Bytes;
use storage::{DataDir, Log, LogState};

use crate::harness::{all, append, open_forgetful, open_log, record, records, save_vote, waiter};

#[test]
fn a_new_log_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    let log = open_log(dir.path());
    assert_eq!(log.state().unwrap(), LogState::default());
    assert_eq!(log.vote().unwrap(), None);
    assert_eq!(log.committed().unwrap(), None);
    assert_eq!(log.bytes(), 0);
    assert_eq!(log.read(3, 3, 10).unwrap(), []);
    assert!(log.read(0, 1, 10).is_err());
}

#[test]
fn what_is_appended_is_there_at_once_and_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let wanted = records(0..50, "a");
    {
        let log = open_log(dir.path());
        let (done, told) = waiter();
        log.append(wanted.clone(), done).unwrap();
        assert_eq!(log.read(0, 50, usize::MAX).unwrap(), wanted);
        told.recv().unwrap().unwrap();
        save_vote(&log, "term 3");
        log.save_committed(Some(Bytes::from_static(b"40"))).unwrap();
    }
    for open in [open_log, open_forgetful] {
        let log = open(dir.path());
        assert_eq!(all(&log), wanted);
        assert_eq!(log.state().unwrap().last.as_ref(), wanted.last());
        assert_eq!(log.vote().unwrap().unwrap(), "term 3");
        assert_eq!(log.committed().unwrap().unwrap(), "40");
        assert_eq!(log.bytes(), wanted.iter().map(|record| record.bytes.len() as u64).sum::<u64>());
    }
}

#[test]
fn a_commit_marker_can_be_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    {
        let log = open_log(dir.path());
        log.save_committed(Some(Bytes::from_static(b"1"))).unwrap();
        log.save_committed(None).unwrap();
        append(&log, records(0..1, "a"));
        assert_eq!(log.committed().unwrap(), None);
    }
    assert_eq!(open_log(dir.path()).committed().unwrap(), None);
}

#[test]
fn a_record_that_does_not_follow_is_refused_whole() {
    let dir = tempfile::tempdir().unwrap();
    let log = open_log(dir.path());
    append(&log, records(0..3, "a"));
    for bad in [vec![record(4, "a")], vec![record(2, "a")], vec![record(3, "a"), record(5, "a")]] {
        let (done, told) = waiter();
        log.append(bad, done).unwrap_err();
        assert!(told.recv().is_err(), "a refused append has no completion");
    }
    append(&log, records(3..4, "a"));
    assert_eq!(all(&log), records(0..4, "a"));
}

#[test]
fn an_empty_append_completes_after_what_is_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = open_log(dir.path());
    let (tell, told) = mpsc::channel();
    for (name, batch) in [("first", records(0..9, "a")), ("empty", Vec::new())] {
        let tell = tell.clone();
        log.append(batch, Box::new(move |result| tell.send((name, result.is_ok())).unwrap()))
            .unwrap();
    }
    assert_eq!(told.recv().unwrap(), ("first", true));
    assert_eq!(told.recv().unwrap(), ("empty", true));
}

#[test]
fn completions_come_in_order_and_share_syncs() {
    const CALLS: u64 = 2000;
    let dir = tempfile::tempdir().unwrap();
    let log = open_log(dir.path());
    let (tell, told) = mpsc::channel();
    for index in 0..CALLS {
        let tell = tell.clone();
        let done = Box::new(move |result: std::io::Result<()>| {
            result.unwrap();
            tell.send(index).unwrap();
        });
        if index % 10 == 9 {
            // A vote waits for the records before it like a record would.
            let vote = tell_vote(&log, index);
            append_one(&log, index, done);
            vote.recv().unwrap().unwrap();
        } else {
            append_one(&log, index, done);
        }
    }
    let order: Vec<u64> = told.iter().take(2000).collect();
    assert_eq!(order, (0..CALLS).collect::<Vec<_>>());
    assert!(log.syncs() < CALLS + CALLS / 10, "{} syncs for {CALLS} calls", log.syncs());
}

fn append_one(log: &Log, index: u64, done: storage::Completion) {
    log.append(vec![record(index, "a")], done).unwrap();
}

fn tell_vote(log: &Log, number: u64) -> mpsc::Receiver<std::io::Result<()>> {
    let (done, told) = waiter();
    log.save_vote(Bytes::from(number.to_string()), done).unwrap();
    told
}

#[test]
fn a_vote_is_saved_after_the_appends_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = open_log(dir.path());
    let (tell, told) = mpsc::channel();
    for index in 0..200 {
        let tell = tell.clone();
        append_one(&log, index, Box::new(move |_| tell.send(Some(index)).unwrap()));
    }
    log.save_vote(Bytes::from_static(b"v"), Box::new(move |_| tell.send(None).unwrap())).unwrap();
    let order: Vec<Option<u64>> = told.iter().collect();
    assert_eq!(order.len(), 201);
    assert_eq!(order.last(), Some(&None));
}

#[test]
fn reads_are_cut_by_bytes_but_never_to_none() {
    let dir = tempfile::tempdir().unwrap();
    for open in [open_log, open_forgetful] {
        let log = open(dir.path());
        if log.state().unwrap().last.is_none() {
            append(&log, records(0..20, "a"));
        }
        let one = log.read(0, 1, 0).unwrap();
        assert_eq!(one, records(0..1, "a"));
        let size = one[0].bytes.len();
        assert_eq!(log.read(0, 9, 3 * size).unwrap(), records(0..3, "a"));
        assert_eq!(log.read(0, 9, 3 * size - 1).unwrap(), records(0..2, "a"));
        assert_eq!(log.read(5, 9, usize::MAX).unwrap(), records(5..9, "a"));
        assert!(log.read(18, 21, usize::MAX).is_err(), "beyond the end");
    }
}

#[test]
fn a_read_goes_over_from_disk_to_memory_without_a_seam() {
    let dir = tempfile::tempdir().unwrap();
    let config = storage::log::Config { tail_bytes_max: 1000, ..Default::default() };
    let log = Log::open(&DataDir::open(dir.path()).unwrap(), config).unwrap();
    for index in 0..100 {
        append(&log, vec![record(index, "a")]);
    }
    assert!(log.tail_bytes() <= 1000);
    assert!(log.tail_bytes() > 500, "the youngest stay");
    for from in [0, 1, 50, 91, 99] {
        assert_eq!(log.read(from, 100, usize::MAX).unwrap(), records(from..100, "a"));
        let part = log.read(from, 100, 1500).unwrap();
        assert_eq!(part, records(from..from + part.len() as u64, "a"));
    }
}

#[test]
fn the_end_is_cut_off_and_written_anew() {
    for open in [open_log, open_forgetful] {
        let dir = tempfile::tempdir().unwrap();
        {
            let log = open(dir.path());
            append(&log, records(0..10, "a"));
            log.truncate(99).unwrap();
            log.truncate(6).unwrap();
            assert!(log.read(6, 7, 1).is_err());
            assert_eq!(log.state().unwrap().last, Some(record(5, "a")));
            append(&log, records(6..12, "b"));
        }
        let log = open(dir.path());
        assert_eq!(all(&log), [records(0..6, "a"), records(6..12, "b")].concat());
        log.truncate(0).unwrap();
        assert_eq!(log.state().unwrap(), LogState::default());
        append(&log, records(0..1, "c"));
        drop(log);
        assert_eq!(all(&open(dir.path())), records(0..1, "c"));
    }
}

#[test]
fn the_begin_is_purged() {
    for open in [open_log, open_forgetful] {
        let dir = tempfile::tempdir().unwrap();
        {
            let log = open(dir.path());
            append(&log, records(0..10, "a"));
            log.purge(6, Bytes::from_static(b"id 6")).unwrap();
            log.purge(3, Bytes::from_static(b"id 3")).unwrap();
            assert!(log.read(6, 8, 1).is_err());
            assert_eq!(log.read(7, 10, usize::MAX).unwrap(), records(7..10, "a"));
            assert!(log.truncate(6).is_err(), "what was purged is not cut off");
            append(&log, records(10..12, "a"));
            let kept: usize = records(7..12, "a").iter().map(|record| record.bytes.len()).sum();
            assert_eq!(log.bytes(), kept as u64);
        }
        let log = open(dir.path());
        let state = log.state().unwrap();
        assert_eq!(state.purged.unwrap(), "id 6");
        assert_eq!(state.last, Some(record(11, "a")));
        assert_eq!(all(&log), records(7..12, "a"));
        log.purge(11, Bytes::from_static(b"id 11")).unwrap();
        append(&log, records(12..13, "b"));
        drop(log);
        assert_eq!(all(&open(dir.path())), records(12..13, "b"));
    }
}

#[test]
fn a_log_behind_a_snapshot_goes_on_after_it() {
    let dir = tempfile::tempdir().unwrap();
    {
        let log = open_log(dir.path());
        append(&log, records(0..5, "a"));
        log.purge(99, Bytes::from_static(b"id 99")).unwrap();
        let state = log.state().unwrap();
        assert_eq!((state.purged.unwrap().as_ref(), state.last), (&b"id 99"[..], None));
        let (done, _) = waiter();
        log.append(records(5..6, "a"), done).unwrap_err();
        append(&log, records(100..103, "b"));
    }
    let log = open_forgetful(dir.path());
    assert_eq!(all(&log), records(100..103, "b"));
    log.truncate(100).unwrap();
    append(&log, records(100..101, "c"));
    drop(log);
    assert_eq!(all(&open_log(dir.path())), records(100..101, "c"));
}

#[test]
fn a_log_may_begin_anywhere_and_keeps_its_begin() {
    let dir = tempfile::tempdir().unwrap();
    append(&open_log(dir.path()), records(7..9, "a"));
    let log = open_log(dir.path());
    assert_eq!(all(&log), records(7..9, "a"));
    assert!(log.read(6, 8, 1).is_err());
}

#[test]
fn room_of_purged_records_is_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let filler = |index: u64| {
        let bytes = Bytes::from(vec![u8::try_from(index % 251).unwrap(); 64 * 1024]);
        storage::Record { index, bytes }
    };
    {
        let log = open_log(dir.path());
        for index in 0..400 {
            append(&log, vec![filler(index)]);
        }
        log.purge(398, Bytes::from_static(b"id")).unwrap();
        append(&log, vec![filler(400)]);
    }
    let log = open_log(dir.path());
    assert_eq!(log.read(399, 401, usize::MAX).unwrap(), [filler(399), filler(400)]);
    assert_eq!(log.bytes(), 2 * 64 * 1024);
}

#[test]
fn many_threads_and_a_small_queue_do_not_deadlock() {
    let dir = tempfile::tempdir().unwrap();
    let config = storage::log::Config { queue_bytes_max: 256, ..Default::default() };
    let log = Log::open(&DataDir::open(dir.path()).unwrap(), config).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for index in 0..300 {
                let (done, _) = waiter();
                log.append(vec![record(index, "a")], done).unwrap();
            }
        });
        scope.spawn(|| {
            for number in 0..300 {
                let (done, _) = waiter();
                log.save_vote(Bytes::from(format!("{number:03}")), done).unwrap();
            }
        });
        scope.spawn(|| {
            for _ in 0..300 {
                log.save_committed(Some(Bytes::from_static(b"c"))).unwrap();
            }
        });
    });
    append(&log, Vec::new());
    assert_eq!(all(&log), records(0..300, "a"));
    assert_eq!(log.vote().unwrap().unwrap(), "299");
}

#[test]
fn the_last_handle_may_go_inside_a_completion() {
    let dir = tempfile::tempdir().unwrap();
    let log = open_log(dir.path());
    let (tell, told) = mpsc::channel();
    let last = log.clone();
    let done = Box::new(move |result: std::io::Result<()>| {
        drop(last);
        tell.send(result.is_ok()).unwrap();
    });
    log.append(records(0..3, "a"), done).unwrap();
    drop(log);
    assert!(told.recv().unwrap());
}

#[test]
fn a_vote_longer_than_the_witness_holds_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let log = open_log(dir.path());
    let (done, _) = waiter();
    log.save_vote(Bytes::from(vec![0; 1025]), done).unwrap_err();
    let (done, told) = waiter();
    log.save_vote(Bytes::from(vec![0; 1024]), done).unwrap();
    told.recv().unwrap().unwrap();
}
