//! The files of an export but its entries.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ::ledger::FaultReason;
use ::ledger::document::Document;
use ::ledger::export::{ExportFault, TileSource};
use ::ledger::tile::Resource;

use super::ExportError;

/// More than any file that is read whole has: a bundle of 256 headers of the
/// largest length, or a list of very many keys.
const BYTES_MAX: u64 = 64 << 20;

/// Reads a file up to one byte past the bound, which makes it malformed where
/// it is looked at.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn read_whole(path: &Path) -> Result<Vec<u8>, ExportError> {
    let bytes = read_bounded(path).map_err(ExportError::unreadable(path))?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(ExportFault::from(FaultReason::Malformed).into());
    }
    Ok(bytes)
}

pub(super) fn document(path: &Path) -> Result<Document, ExportError> {
    let bytes = read_whole(path)?;
    let text = std::str::from_utf8(&bytes).ok();
    let is_proof = path.extension().is_some_and(|end| end == "tlog-proof");
    let parse = if is_proof { Document::parse_proof } else { Document::parse };
    let read = text.and_then(parse);
    Ok(read.ok_or(ExportFault::from(FaultReason::Malformed))?)
}

/// The documents of a folder in order of name; without the folder, none.
pub(super) fn documents(folder: &Path) -> Result<Vec<Document>, ExportError> {
    let listed = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.map_err(ExportError::unreadable(folder))?,
    };
    let paths = listed.map(|entry| Ok(entry?.path()));
    let mut paths: Vec<PathBuf> =
        paths.collect::<io::Result<_>>().map_err(ExportError::unreadable(folder))?;
    paths.retain(|path| path.extension().is_some_and(|end| end == "json"));
    paths.sort();
    paths.iter().map(|path| document(path)).collect()
}

/// The tiles below a directory.
#[derive(Debug)]
pub(super) struct Tiles {
    dir: PathBuf,
    /// The first tile that is there and gave no bytes.
    failed: Mutex<Option<(PathBuf, io::Error)>>,
}

impl Tiles {
    pub(super) fn new(dir: &Path) -> Self {
        Self { dir: dir.join("tile"), failed: Mutex::new(None) }
    }

    /// What kept a tile from being read: then nothing can be said.
    pub(super) fn failure(&self) -> Result<(), ExportError> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        match failed.take() {
            Some((path, source)) => Err(ExportError::Unreadable { path, source }),
            None => Ok(()),
        }
    }
}

impl TileSource for Tiles {
    fn read(&self, resource: Resource) -> Option<Vec<u8>> {
        let path = self.dir.join(resource.path());
        match read_bounded(&path) {
            Ok(bytes) => Some(bytes),
            // A partial tile lies in a folder, which may be missing or a file.
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                None
            }
            Err(error) => {
                let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
                failed.get_or_insert((path, error));
                None
            }
        }
    }
}
