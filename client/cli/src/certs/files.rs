//! A certificate and its key on the disk.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::authority::{Error, Existing, Issued};

/// For its owner alone.
const KEY_MODE: u32 = 0o600;
const CERTIFICATE_MODE: u32 = 0o644;

/// Both as PEM.
pub(super) struct Pair {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// Refuses where something is that nobody said may go.
pub(super) fn check_free(place: &Issued, existing: Existing) -> Result<(), Error> {
    for path in [&place.key, &place.certificate] {
        if existing == Existing::Keep && path.symlink_metadata().is_ok() {
            return Err(Error::Occupied { path: path.clone() });
        }
    }
    Ok(())
}

/// Writes both, each whole or not at all: a node may read them at any moment.
pub(super) fn write(place: &Issued, pair: &Pair) -> Result<(), Error> {
    put(&place.key, &pair.key, KEY_MODE)?;
    put(&place.certificate, &pair.certificate, CERTIFICATE_MODE)
}

fn put(path: &Path, text: &str, mode: u32) -> Result<(), Error> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let beside = PathBuf::from(name);
    let written = write_new(&beside, text, mode).and_then(|()| fs::rename(&beside, path));
    written.map_err(|source| Error::Write { path: path.to_owned(), source })
}

fn write_new(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    // One that a crash left behind may have another mode.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => (),
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
