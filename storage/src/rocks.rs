//! What both instances ask of RocksDB alike, and its errors as ours.

use std::io;

use rocksdb::{ErrorKind, InfoLogger, LogLevel, Options};

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
