//! Writing files that somebody keeps.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Writes a file whole or not at all: a reader, or a machine that stops, never
/// meets half of it.
pub(crate) fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), Failure> {
    let written = replace(path, bytes.as_ref(), Readers::AsBefore);
    written.map_err(|source| Failure::Unwritten { path: path.to_owned(), source })
}

/// As [`write()`], for nobody but the owner to read.
pub(crate) fn write_private(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), Failure> {
    let written = replace(path, bytes.as_ref(), Readers::Owner);
    written.map_err(|source| Failure::Unwritten { path: path.to_owned(), source })
}

/// A file that is written as it comes, and has its name only once it is whole.
#[derive(Debug)]
pub(crate) struct Partial {
    file: fs::File,
    path: PathBuf,
    beside: PathBuf,
    is_whole: bool,
}

impl Partial {
    /// Begins a file for nobody but the owner to read: what is exported is about
    /// people.
    pub(crate) fn begin(path: &Path) -> io::Result<Self> {
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let beside = beside(&path)?;
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(OWNER_ONLY);
        let file = options.open(&beside)?;
        Ok(Self { file, path, beside, is_whole: false })
    }

    /// Gives it its name.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.beside, &self.path)?;
        self.is_whole = true;
        Ok(())
    }
}

impl io::Write for Partial {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.is_whole {
            // Why it is not whole is what is reported.
            let _ = fs::remove_file(&self.beside);
        }
    }
}

/// Where a file is written until it is whole.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy().into_owned();
    Ok(path.with_file_name(format!(".{name}.{}", std::process::id())))
}

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Readers {
    /// Whoever could before.
    AsBefore,
    /// Its owner.
    Owner,
}

const OWNER_ONLY: u32 = 0o600;

fn replace(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    // Through a link, what it leads to is replaced and not the link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let beside = beside(&path)?;
    let written = (|| {
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        if readers == Readers::Owner {
            options.mode(OWNER_ONLY);
        }
        let mut file = options.open(&beside)?;
        match (readers, fs::metadata(&path)) {
            // One that a command left behind may be open to more.
            (Readers::Owner, _) => {
                file.set_permissions(fs::Permissions::from_mode(OWNER_ONLY))?;
            }
            (Readers::AsBefore, Ok(before)) => file.set_permissions(before.permissions())?,
            (Readers::AsBefore, Err(_)) => (),
        }
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, &path)
    })();
    if written.is_err() {
        // What went wrong first is what is reported.
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        for text in ["first", "second"] {
            write(&path, text).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let failure = write(&dir.path().join("none/a"), "x").unwrap_err();
        assert!(failure.to_text().starts_with("cannot write `"), "{}", failure.to_text());
    }
}
