//! openraft's suite of storage tests on the stores in memory, so that what it
//! finds in `node/tests` is of the disk and not of the adapters.

use raft::testing::{MemLog, MemState};

#[test]
fn the_adapters_pass_openrafts_suite() {
    let suite = raft::conformance::suite(|| {
        let dir = tempfile::tempdir()?;
        let state = MemState::new(dir.path().join("snapshots"));
        Ok((dir, MemLog::default(), state))
    });
    assert_eq!(suite, Ok(()));
}
