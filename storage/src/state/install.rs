//! Which directory is the state, and how another one takes its place.
//!
//! `state/current` names the directory in force, `state/<n>`. A checkpoint is
//! linked and copied to `state/<n+1>`, made durable, opened, and only then named
//! by `current`, with one rename. So at every moment of a crash `current` names
//! a whole state; directories it does not name are leftovers, removed at the
//! next start.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::db::{Db, Mode};
use super::lost;
use crate::data_dir::DataDir;
use crate::durable::{create_dir, remove_dir, sync_files, write_durably};
use crate::error::Error;
use crate::evidence::{self, Evidence};
use crate::keyring::Keyring;
use crate::keys::Group;
use crate::rocks::{damaged, io_error};

/// The state directory of a new node. It alone may be made empty: a node that
/// lost a later one must not begin anew unseen.
pub(crate) const FIRST: u64 = 1;

/// Names the state directory in force, durably.
pub(crate) fn point_to(state_dir: &Path, number: u64) -> io::Result<()> {
    write_durably(&state_dir.join("current"), format!("{}\n", dir_name(number)).as_bytes())
}

fn dir_name(number: u64) -> String {
    format!("{number:08}")
}

/// Opens the state in force and removes what a crash left beside it.
pub(crate) fn open_current(dir: &DataDir, group: &Group) -> Result<Db, Error> {
    let state_dir = dir.state_dir();
    let name = read_current(&state_dir)?;
    let path = state_dir.join(&name);
    let mode = if name == dir_name(FIRST) { Mode::Create } else { Mode::Existing };
    let keys = (group.clone(), dir.keyring()?);
    let db = Db::open(&path, keys, mode).map_err(|error| lost(&path, error))?;
    remove_others(&state_dir, &name).map_err(|source| Error::Open { path: state_dir, source })?;
    Ok(db)
}

/// The state directory in force.
pub(crate) fn current(state_dir: &Path) -> Result<PathBuf, Error> {
    read_current(state_dir).map(|name| state_dir.join(name))
}

/// Puts a checkpoint in the place of a state that is not open, whatever is left
/// of that one. The evidence is whole before the old state is out of force, so
/// a crash in between leaves nothing undone but this.
pub(crate) fn replace(
    dir: &DataDir,
    group: &Group,
    checkpoint: &Path,
    evidence: Evidence<'_>,
) -> io::Result<()> {
    let state_dir = dir.state_dir();
    let old = match current(&state_dir) {
        Ok(old) => old,
        Err(Error::StateLost { .. }) => state_dir.join(dir_name(newest(&state_dir)?)),
        Err(error) => return Err(error.into()),
    };
    evidence::keep(dir, &old, evidence)?;
    let keyring = dir.keyring()?;
    let prepared = prepare(&old, checkpoint, (group.clone(), keyring.clone()))?;
    keyring.note_replaced()?;
    switch(&state_dir, &prepared)?;
    evidence::prune(dir)
}

/// The greatest number of a state directory, where none is named.
fn newest(state_dir: &Path) -> io::Result<u64> {
    let mut newest = FIRST;
    for entry in fs::read_dir(state_dir)? {
        newest = newest.max(number_of(&entry?.path()).unwrap_or(FIRST));
    }
    Ok(newest)
}

/// Whether a directory of an earlier state than this one is still there.
pub(crate) fn is_before(state_dir: &Path, this: &Path) -> io::Result<bool> {
    let this = number_of(this)?;
    for entry in fs::read_dir(state_dir)? {
        if number_of(&entry?.path()).is_ok_and(|number| number < this) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn read_current(state_dir: &Path) -> Result<String, Error> {
    let path = state_dir.join("current");
    let gone = |what: &str| Error::StateLost { path: path.clone(), what: what.to_owned() };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(gone("the file that names the state directory is gone"));
        }
        Err(source) => return Err(Error::Open { path, source }),
    };
    let number: Option<u64> = text.trim_end().parse().ok();
    let number = number.ok_or_else(|| gone("the file holds no number"))?;
    Ok(dir_name(number))
}

fn remove_others(state_dir: &Path, current: &str) -> io::Result<()> {
    for entry in fs::read_dir(state_dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() && entry.file_name() != current {
            remove_dir(&entry.path())?;
        }
    }
    Ok(())
}

/// Puts the files of a checkpoint where the next state is, durably, and opens
/// it, which is the proof that it is one.
pub(crate) fn prepare(old: &Path, checkpoint: &Path, keys: (Group, Keyring)) -> io::Result<Db> {
    let target = old.with_file_name(dir_name(number_of(old)? + 1));
    remove_dir(&target)?;
    let prepared = fill(checkpoint, &target)
        .and_then(|()| Db::open(&target, keys, Mode::Existing).map_err(io_error));
    if prepared.is_err() {
        remove_dir(&target)?;
    }
    prepared
}

/// Puts a prepared state in force.
pub(crate) fn switch(state_dir: &Path, prepared: &Db) -> io::Result<()> {
    point_to(state_dir, number_of(prepared.path())?)
}

fn number_of(path: &Path) -> io::Result<u64> {
    let name = path.file_name().and_then(|name| name.to_str());
    let number = name.and_then(|name| name.parse().ok());
    number.ok_or_else(|| damaged(format!("`{}` is no state directory", path.display())))
}

/// RocksDB never writes to a table file again, so those are linked; it appends
/// to the others, so those are copied.
fn fill(checkpoint: &Path, target: &Path) -> io::Result<()> {
    create_dir(target)?;
    for entry in fs::read_dir(checkpoint)? {
        let from = entry?.path();
        let Some(name) = from.file_name().filter(|_| from.is_file()) else {
            return Err(damaged(format!("`{}` is no file of a checkpoint", from.display())));
        };
        let to = target.join(name);
        if from.extension().is_some_and(|extension| extension == "sst") {
            fs::hard_link(&from, &to)?;
        } else if name != "LOCK" {
            fs::copy(&from, &to)?;
        }
    }
    sync_files(target)
}
