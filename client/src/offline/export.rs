//! Verifies an export directory, or a directory of tiles, without any server.
//!
//! Entries are read as a stream and checked on every core; memory does not grow
//! with the ledger. What is checked is `ledger::export`, and only the files are
//! read here.
//!
//! Reading order: [`verify_export`], then how work is handed out.

mod files;
mod work;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::{self, ScopedJoinHandle};

use ::ledger::FaultReason;
use ::ledger::document::Document;
use ::ledger::export::{ExportCheck, ExportFault, Opening, Stretch, Verified};
use ::ledger::keys::{Keys, Listing};

use files::Tiles;
use work::Entries;

/// What is asked of an export.
#[derive(Clone, Copy, Debug, Default)]
pub struct Question<'a> {
    /// Keys known from elsewhere: one of them must have signed.
    pub trusted: Option<&'a Keys>,
    /// A document that will be checked against the ledger.
    pub document: Option<&'a Document>,
    /// An actor of whom the answer tells.
    pub actor: Option<&'a str>,
}

/// Why an export is not said to hold.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file gave no bytes, so nothing is said.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It does not hold.
    #[error(transparent)]
    Fault(#[from] ExportFault),
}

impl ExportError {
    pub(super) fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Unreadable { path, source }
    }
}

/// Checks everything in the directory: its entries, its tiles, its checkpoint,
/// and the documents that lie beside them.
///
/// # Errors
/// The first [`ExportFault`] in the order of the format, or a file that cannot
/// be read.
pub fn verify_export(dir: &Path, question: &Question<'_>) -> Result<Verified, ExportError> {
    let checkpoint = files::read_whole(&dir.join("checkpoint"))?;
    let keys = files::read_whole(&dir.join("keys.json"))?;
    let mut beside = files::documents(&dir.join("decisions"))?;
    beside.extend(files::documents(&dir.join("receipts"))?);
    let entries = dir.join("entries.jsonl");
    let has_parts = entries.try_exists().map_err(ExportError::unreadable(&entries))?;
    let check = ExportCheck::new(Opening {
        checkpoint: &checkpoint,
        keys: &keys,
        has_parts,
        beside,
        asked: question.document,
        trusted: question.trusted,
        actor: question.actor,
    })?;
    let tiles = Tiles::new(dir);
    let entries =
        if has_parts { Entries::lines(&entries)? } else { Entries::bundles(check.size()) };
    let verified = run(check, entries, &tiles);
    // A tile that cannot be read looks as if it were not there, which is no
    // fault of the ledger.
    match verified {
        Err(ExportError::Fault(fault)) if !is_of_files(fault) => Err(fault.into()),
        verified => tiles.failure().and(verified),
    }
}

fn is_of_files(fault: ExportFault) -> bool {
    matches!(fault.reason, FaultReason::TileMismatch | FaultReason::Missing)
}

/// Hands stretches of entries to as many threads as there are cores, and joins
/// what they find in order. No more stretches are begun than there are threads,
/// so a slow one makes the others wait rather than pile up.
fn run(
    mut check: ExportCheck,
    mut entries: Entries,
    tiles: &Tiles,
) -> Result<Verified, ExportError> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let mut running: VecDeque<ScopedJoinHandle<'_, _>> = VecDeque::new();
        loop {
            while running.len() < threads
                && let Some(job) = entries.next_job()?
            {
                let stretch = check.stretch(job.first());
                running.push_back(scope.spawn(move || job.run(stretch, tiles)));
            }
            let Some(first) = running.pop_front() else { break };
            let stretch: Result<Stretch, ExportError> = match first.join() {
                Ok(stretch) => stretch,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            check.join(stretch?, tiles)?;
        }
        Ok::<(), ExportError>(())
    })?;
    Ok(check.finish(tiles)?)
}

/// Reads a receipt, a proof (`.tlog-proof`) or a decision reply.
///
/// # Errors
/// [`ExportError`] where it cannot be read or is none of these.
pub fn read_document(path: &Path) -> Result<Document, ExportError> {
    files::document(path)
}

/// Reads the keys of a `keys.json` from elsewhere.
///
/// # Errors
/// [`ExportError`] where it cannot be read or is none.
pub fn read_keys(path: &Path) -> Result<Keys, ExportError> {
    let bytes = files::read_whole(path)?;
    let listing = std::str::from_utf8(&bytes).ok().and_then(Listing::parse);
    let listing = listing.ok_or(ExportFault::from(FaultReason::Malformed))?;
    Ok(listing.keys().clone())
}
