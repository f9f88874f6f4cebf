//! What both instances ask of RocksDB alike, and its errors as ours.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use rocksdb::{
    BottommostLevelCompaction, CompactOptions, DB, ErrorKind, InfoLogger, LogLevel, Options,
};

/// Options every instance shares.
pub(crate) fn options() -> Options {
    let mut options = Options::default();
    options.set_max_background_jobs(2);
    options.set_stats_dump_period_sec(0);
    options.set_paranoid_checks(true);
    // Without a logger RocksDB writes `LOG` files of its own into every
    // directory, also into checkpoints, whose files are sent to peers.
    options.set_info_logger(InfoLogger::new_callback_logger(LogLevel::Warn, forward));
    options
}

fn forward(level: LogLevel, message: &str) {
    let message = message.trim_end();
    match level {
        LogLevel::Error | LogLevel::Fatal => tracing::error!(message, "rocksdb reports a fault"),
        LogLevel::Warn => tracing::warn!(message, "rocksdb reports a difficulty"),
        LogLevel::Debug | LogLevel::Info | LogLevel::Header => {
            tracing::debug!(message, "rocksdb reports");
        }
    }
}

/// A RocksDB error by the kind that callers act on.
pub(crate) fn io_error(error: rocksdb::Error) -> io::Error {
    let kind = match error.kind() {
        ErrorKind::Corruption => io::ErrorKind::InvalidData,
        ErrorKind::IOError if error.as_ref().contains("No space left") => {
            io::ErrorKind::StorageFull
        }
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

/// Bytes on disk that are not what was written.
pub(crate) fn damaged(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

/// How long the bytes of what was deleted wait for those who read it still.
const READERS_WAIT: Duration = Duration::from_secs(60);

/// A compaction after which the files it covers hold nothing that was deleted.
/// Other compactions go on beside it.
pub(crate) fn thorough() -> CompactOptions {
    let mut options = CompactOptions::default();
    options.set_exclusive_manual_compaction(false);
    // By default the last level is left alone unless something moves into it.
    options.set_bottommost_level_compaction(BottommostLevelCompaction::ForceOptimized);
    options
}

/// Waits until nobody reads what is now deleted: for a reader from before the
/// deletion a compaction must keep what was there.
pub(crate) fn wait_for_readers(db: &DB) -> io::Result<()> {
    let now = db.latest_sequence_number();
    let is_read = || {
        let oldest = db.property_int_value("rocksdb.oldest-snapshot-sequence").map_err(io_error)?;
        Ok(oldest.is_some_and(|oldest| (1..now).contains(&oldest)))
    };
    wait_while(is_read, "what was deleted is still being read")
}

/// Looks again and again, since RocksDB tells nobody when a reader has gone.
pub(crate) fn wait_while(
    is_so: impl Fn() -> io::Result<bool>,
    what: &'static str,
) -> io::Result<()> {
    let began = Instant::now();
    while is_so()? {
        if READERS_WAIT < began.elapsed() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, what));
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// A compaction says nothing when it fails.
pub(crate) fn check_background(db: &DB) -> io::Result<()> {
    match db.property_int_value("rocksdb.background-errors").map_err(io_error)? {
        Some(0) | None => Ok(()),
        Some(errors) => Err(io::Error::other(format!("rocksdb has met {errors} errors"))),
    }
}
