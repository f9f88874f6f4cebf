//! openraft's own suite of storage tests on the real disk, through the adapters
//! and ports that run in production.

use std::io;

use node::ports::{Log, State};
use storage::{DataDir, Group};

#[test]
fn log_and_state_on_disk_pass_openrafts_suite() {
    let suite = raft::conformance::suite(|| {
        let dir = tempfile::tempdir()?;
        let data = DataDir::open(dir.path()).map_err(io::Error::other)?;
        let log = storage::Log::open(&data, storage::log::Config::default());
        let state = storage::State::open(&data, Group::main());
        let log = Log(log.map_err(io::Error::other)?);
        let state = State(state.map_err(io::Error::other)?);
        Ok(((dir, data), log, state))
    });
    assert_eq!(suite, Ok(()));
}
