//! Writes an export directory (`node/core/ledger/README.md`, section 6): a copy
//! of the ledger that is checked without us.
//!
//! Entries come page by page from whichever node answers, and every one is
//! checked before it is written. Nobody is taken on trust: what is there in the
//! end is what a majority of the voters signed, or there is nothing.
//!
//! An entry can be erased while the export goes on, by a run that is not in it.
//! It then grows until it holds that run, since a part that is gone for no
//! recorded reason is a fault.
//!
//! Invariants
//! - The directory appears whole or not at all.
//! - Memory holds a page and a tile of each level, however long the ledger is.

mod place;
mod tiles;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::ledger::directory::NoteFault;
use ::ledger::{Checkpoint, Fault, Note, StoredEntry};
use types::EntryId;

use crate::error::Error as ClientError;
use crate::ledger::{EntriesQuery, Page};
use crate::transport::Client;

use place::Place;

pub use writer::Writer;

/// Entries of a page.
const PAGE: u32 = 1000;

/// How often an export grows to hold the run that erased what it was reading.
const ROUNDS_MAX: u32 = 100;

/// An export that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Which ledger.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// Root of the tree over them.
    pub root_hash: String,
    /// Entries with an erased part.
    pub entries_erased: u64,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A node gave no answer, or refused.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The directory is not empty, or one is in the way.
    #[error("`{}` is in the way: an export goes into a new or an empty directory", path.display())]
    Occupied {
        /// What is in the way.
        path: PathBuf,
    },
    /// A file was not written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An answer is not of the form of the ledger.
    #[error("what the node gave for {what} is not of the ledger's form")]
    Malformed {
        /// What was asked for.
        what: String,
    },
    /// The ledger that the node gave does not hold.
    #[error("the ledger does not hold: {0}")]
    Fault(#[from] Fault),
    /// Its tree is not that of the checkpoint.
    #[error("the entries have another root than the checkpoint of size {size}")]
    RootMismatch {
        /// Size of the checkpoint.
        size: u64,
    },
    /// The checkpoint is not final, or of another ledger.
    #[error("the checkpoint does not hold: {0}")]
    NotFinal(#[from] NoteFault),
    /// The keys are not those that the entries name.
    #[error("the keys are not those that the ledger names")]
    KeysMismatch,
    /// More was erased all the time than the export could catch up with.
    #[error("entries were erased faster than they were read; try again")]
    Restless,
}

impl Error {
    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }
}

/// Writes the ledger up to the last final checkpoint into a new or empty
/// directory, and waits at most so long for each checkpoint it needs.
///
/// # Errors
/// Any [`Error`]; then there is nothing in the directory.
pub async fn write(client: &Client, dir: &Path, wait: Duration) -> Result<Written, Error> {
    let place = Place::claim(dir)?;
    let written = fill(client, &place, wait).await?;
    place.publish()?;
    Ok(written)
}

async fn fill(client: &Client, place: &Place, wait: Duration) -> Result<Written, Error> {
    let mut writer = Writer::new(place.path())?;
    let mut least = 1;
    for _ in 0..ROUNDS_MAX {
        let reply = client.checkpoint_of(least, wait).await?;
        let (note, checkpoint) = parsed(&reply.value.checkpoint)?;
        // Any other node answers once it has come as far.
        let client = match reply.meta.applied_index {
            Some(index) => client.at_least(index),
            None => client.clone(),
        };
        while writer.size() < checkpoint.size {
            let entries = page(&client, writer.size(), checkpoint.size).await?;
            writer = blocking(move || writer.append(&entries)).await?;
        }
        match writer.last_run().filter(|run| checkpoint.size <= *run) {
            Some(run) => least = run + 1,
            None => {
                let keys = client.keys().await?.raw;
                return blocking(move || writer.finish(&note, &checkpoint, &keys)).await;
            }
        }
    }
    Err(Error::Restless)
}

fn parsed(text: &str) -> Result<(Note, Checkpoint), Error> {
    let malformed = || Error::Malformed { what: "the checkpoint".to_owned() };
    let note = Note::parse(text).map_err(|_| malformed())?;
    let checkpoint = Checkpoint::parse(&note.text).map_err(|_| malformed())?;
    Ok((note, checkpoint))
}

/// Entries from `from` on, all below `size`, each with the run that erased it.
async fn page(
    client: &Client,
    from: u64,
    size: u64,
) -> Result<Vec<(StoredEntry, Option<u64>)>, Error> {
    let query = EntriesQuery {
        limit: Some(PAGE),
        after: from.checked_sub(1),
        before: Some(size),
        ..EntriesQuery::default()
    };
    let Page { entries, .. } = client.entries(&query).await?.value;
    if entries.is_empty() {
        let reason = ::ledger::FaultReason::Missing;
        return Err(Fault { id: EntryId(from), reason }.into());
    }
    let stored = entries.iter().map(|entry| {
        let malformed = || Error::Malformed { what: format!("entry {}", entry.id) };
        Ok((entry.stored().ok_or_else(malformed)?, entry.erased_by()))
    });
    stored.collect()
}

/// Runs `work` on a thread that may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
