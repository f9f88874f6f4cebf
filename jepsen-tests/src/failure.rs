//! Why a test could not be carried out, or waited in vain. What a check finds
//! is no failure of the harness: see [`crate::check::Violation`].

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::http::Lost;

/// The test cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A program could not be started or waited for.
    #[error("cannot run `{}`", program.display())]
    Run {
        /// Which.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The binary under test did not build.
    #[error("`cargo build -p node --bin lexecon` failed: {0}")]
    Build(std::process::ExitStatus),
    /// A program did not do what it was asked.
    #[error("`{asked}` failed: {said}")]
    Refused {
        /// Its arguments.
        asked: String,
        /// What it said.
        said: String,
    },
    /// A file of the harness itself.
    #[error("cannot use `{}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Every block of ports is taken.
    #[error("no free block of ports on loopback")]
    Ports,
    /// A condition did not come true.
    #[error("waited {patience:?} for {what}; last seen: {last}")]
    TooLate {
        /// What was waited for.
        what: String,
        /// How long.
        patience: Duration,
        /// Why not, the last time it was looked at.
        last: String,
    },
    /// A request that had to be answered was not.
    #[error("`{path}` was not answered")]
    Unanswered {
        /// What was asked.
        path: String,
        /// Why.
        source: Lost,
    },
    /// A reply that is not what api.md says.
    #[error("`{path}` answered {status} with `{body}`, wanted {wanted}")]
    Reply {
        /// What was asked.
        path: String,
        /// Its HTTP status.
        status: u16,
        /// Its body, cut short.
        body: String,
        /// What was missing.
        wanted: String,
    },
}
