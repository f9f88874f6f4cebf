//! Where an export goes: written beside its place, and moved there when it is
//! whole.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::Error;

/// A directory that is being written.
#[derive(Debug)]
pub(super) struct Place {
    partial: PathBuf,
    dir: PathBuf,
    is_published: bool,
}

impl Place {
    /// Takes the place, if nothing is there.
    pub(super) fn claim(dir: &Path) -> Result<Self, Error> {
        if !is_free(dir).map_err(Error::write(dir))? {
            return Err(Error::Occupied { path: dir.to_owned() });
        }
        let partial = beside(dir)?;
        match fs::create_dir(&partial) {
            Ok(()) => Ok(Self { partial, dir: dir.to_owned(), is_published: false }),
            // Left behind by an export that was killed, or one is going on.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(Error::Occupied { path: partial })
            }
            Err(error) => Err(Error::write(&partial)(error)),
        }
    }

    /// Where to write.
    pub(super) fn path(&self) -> &Path {
        &self.partial
    }

    /// Moves what was written to its place, in one step.
    pub(super) fn publish(mut self) -> Result<(), Error> {
        let path = self.dir.clone();
        let sync = |path: &Path| File::open(path).and_then(|dir| dir.sync_all());
        sync(&self.partial).map_err(Error::write(&self.partial))?;
        // Renaming over an empty directory replaces it, over a full one fails.
        fs::rename(&self.partial, &self.dir).map_err(Error::write(&path))?;
        self.is_published = true;
        let above = self.dir.parent().filter(|above| !above.as_os_str().is_empty());
        sync(above.unwrap_or(Path::new("."))).map_err(Error::write(&path))
    }
}

impl Drop for Place {
    /// What is not whole is nothing.
    fn drop(&mut self) {
        if !self.is_published {
            // Where it cannot be removed, its name says what it is.
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}

fn is_free(dir: &Path) -> io::Result<bool> {
    match fs::read_dir(dir) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(error) => Err(error),
    }
}

fn beside(dir: &Path) -> Result<PathBuf, Error> {
    let name = dir.file_name().ok_or_else(|| Error::Occupied { path: dir.to_owned() })?;
    let mut partial = OsString::from(name);
    partial.push(".partial");
    Ok(dir.with_file_name(partial))
}
