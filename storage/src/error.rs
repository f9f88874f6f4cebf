//! Why a data directory, a log or a state cannot be opened.
//!
//! Each one is read by an operator before anything else runs, so each says what
//! was attempted and, where there is something to do, what.

use std::io;
use std::path::PathBuf;

use crate::keyring::VARIABLE;

/// What went wrong when opening.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory cannot be made, read or written.
    #[error(
        "cannot use the data directory `{path}`: check that it exists, is writable and has room"
    )]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Another process holds the lock.
    #[error("the data directory `{path}` is in use by another process")]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// Written by a newer program.
    #[error(
        "the data directory `{path}` has format {found} and this program knows {known}: start the \
         version that wrote it, or a newer one"
    )]
    Newer {
        /// The directory.
        path: PathBuf,
        /// What its `format` file says.
        found: u32,
        /// The newest format this program reads.
        known: u32,
    },
    /// The directory has contents that do not make a data directory.
    #[error("`{path}` is not a whole data directory: {what}; use an empty directory")]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The log has lost, or holds damaged, what it once promised to be durable.
    #[error(
        "the log at `{path}` is not what was acknowledged: {what}; a voter that forgets may undo \
         what others rely on, so this node must not run on it: keep the directory for inspection \
         and let the node rejoin the cluster under a new id with an empty one"
    )]
    LogLost {
        /// The log's directory.
        path: PathBuf,
        /// The first fault found.
        what: String,
    },
    /// The state is damaged or gone.
    #[error(
        "the state at `{path}` cannot be used: {what}; rebuild it from the snapshot of a peer, \
         the log beside it stays valid"
    )]
    StateLost {
        /// The state's directory.
        path: PathBuf,
        /// The first fault found.
        what: String,
    },
    /// What is there is sealed.
    #[error(
        "the data keys at `{path}` are sealed and no key was given: set {VARIABLE} or \
         {VARIABLE}_FILE to the one that opens them"
    )]
    KeyNeeded {
        /// The keyring.
        path: PathBuf,
    },
    /// Sealed with another master key.
    #[error(
        "the key in {key} does not open the data keys at `{path}`: give the one that does, or give \
         it as {VARIABLE}_PREVIOUS beside a new one"
    )]
    WrongKey {
        /// The keyring.
        path: PathBuf,
        /// Where the key came from.
        key: String,
    },
    /// The data keys cannot be read.
    #[error(
        "the data keys at `{path}` are damaged: restore the file, without which nothing that was \
         sealed can be read"
    )]
    KeyringDamaged {
        /// The keyring.
        path: PathBuf,
    },
    /// Reading or writing failed for a reason that is not damage.
    #[error("cannot open `{path}`")]
    Open {
        /// What was to be opened.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::DataDir { source, .. } | Error::Open { source, .. } => source.kind(),
            Error::InUse { .. } => io::ErrorKind::ResourceBusy,
            Error::Newer { .. } => io::ErrorKind::Unsupported,
            Error::Foreign { .. } => io::ErrorKind::InvalidInput,
            Error::KeyNeeded { .. } | Error::WrongKey { .. } => io::ErrorKind::PermissionDenied,
            Error::LogLost { .. } | Error::StateLost { .. } | Error::KeyringDamaged { .. } => {
                io::ErrorKind::InvalidData
            }
        };
        Self::new(kind, error)
    }
}
