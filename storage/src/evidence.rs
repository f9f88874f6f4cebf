//! States that were taken out of force because they were bad, kept to be looked
//! at: `evidence/<name>/`, the newest two by name.
//!
//! They hold what an erasure has to reach too, so an erasure removes them.

use std::fs;
use std::io;
use std::path::Path;

use crate::data_dir::DataDir;
use crate::durable::{create_dir, remove_dir, sync_dir, sync_files, write_durably};

/// How many are kept.
const KEPT: usize = 2;
/// The file beside the state's own that says why it is there.
const WHY: &str = "why";

/// What a state is kept as.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Name of the directory. Names sort by age.
    pub name: &'a str,
    /// Why it was taken out of force.
    pub why: &'a str,
}

/// Links and copies a state that is not open, durably. What cannot be read is
/// left out and said: a bad disk must not keep a good state from its place.
/// One of that name is not touched: it was kept before a crash.
pub(crate) fn keep(dir: &DataDir, state: &Path, evidence: Evidence<'_>) -> io::Result<()> {
    crate::state::check_name(evidence.name)?;
    let kept = dir.evidence_dir();
    let target = kept.join(evidence.name);
    if target.try_exists()? || !state.try_exists()? {
        return Ok(());
    }
    create_dir(&kept)?;
    let making = kept.join(format!(".{}.making", evidence.name));
    remove_dir(&making)?;
    create_dir(&making)?;
    for entry in fs::read_dir(state)? {
        let from = entry?.path();
        if let Err(error) = take(&from, &making) {
            let path = from.display();
            tracing::warn!(%path, %error, "cannot keep a part of the state as evidence");
        }
    }
    write_durably(&making.join(WHY), evidence.why.as_bytes())?;
    sync_files(&making)?;
    fs::rename(&making, &target)?;
    sync_dir(&kept)
}

/// Table files are never written again, so those are linked, which a disk that
/// cannot read them back does not prevent.
fn take(from: &Path, into: &Path) -> io::Result<()> {
    let Some(name) = from.file_name().filter(|_| from.is_file()) else { return Ok(()) };
    if from.extension().is_some_and(|extension| extension == "sst") {
        return fs::hard_link(from, into.join(name));
    }
    fs::copy(from, into.join(name)).map(drop)
}

/// Removes all but the newest.
pub(crate) fn prune(dir: &DataDir) -> io::Result<()> {
    remove_but(dir, KEPT)
}

/// Removes all of it.
pub(crate) fn remove_all(dir: &DataDir) -> io::Result<()> {
    remove_but(dir, 0)
}

fn remove_but(dir: &DataDir, kept: usize) -> io::Result<()> {
    let entries = match fs::read_dir(dir.evidence_dir()) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        found.push(entry?.path());
    }
    found.sort();
    let gone = found.len().saturating_sub(kept);
    for path in found.iter().take(gone) {
        tracing::info!(path = %path.display(), "removing a state that was kept as evidence");
        remove_dir(path)?;
    }
    if gone == 0 { Ok(()) } else { sync_dir(&dir.evidence_dir()) }
}
