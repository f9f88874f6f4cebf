//! Room on the disk for an export, and how far its building is.
//!
//! Whoever writes any byte for it takes room first. What is spooled, packed and
//! written is counted alike: it is all on the disk at once.
//!
//! Invariants
//! - A build ends before the disk is full: what the node must write for its ledger
//!   always has [`RESERVE_BYTES`].
//! - What was worked only grows, so that it tells that a build gets on.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// Bytes of the disk that are left to everything else.
pub(crate) const RESERVE_BYTES: u64 = 1 << 30;

/// How many times a file may be on the disk while it is built: what it is made of,
/// the folder of a package, and itself.
const COPIES: u64 = 3;

/// Bytes between two looks at the disk.
const LOOK_EVERY: u64 = 16 << 20;

/// Room for one export.
#[derive(Clone, Debug)]
pub(crate) struct Room(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    directory: PathBuf,
    /// Bytes that the file may have.
    file_max: u64,
    taken: AtomicU64,
    /// How often it was told where the build is.
    looked: AtomicU64,
    percent: AtomicU8,
}

impl Room {
    /// For a file of so many bytes at most, if the disk has any.
    pub(crate) fn new(directory: &Path, file_max: u64) -> io::Result<Self> {
        let directory = directory.to_owned();
        let (taken, looked) = (AtomicU64::new(0), AtomicU64::new(0));
        let percent = AtomicU8::new(0);
        let room = Self(Arc::new(Inner { directory, file_max, taken, looked, percent }));
        room.look()?;
        Ok(room)
    }

    /// Bytes that the file may have.
    pub(crate) fn file_max(&self) -> u64 {
        self.0.file_max
    }

    /// Takes room for bytes that are about to be written.
    pub(crate) fn take(&self, bytes: usize) -> io::Result<()> {
        let bytes = bytes as u64;
        let before = self.0.taken.fetch_add(bytes, Ordering::Relaxed);
        let after = before.saturating_add(bytes);
        if self.0.file_max.saturating_mul(COPIES) < after {
            return Err(too_large());
        }
        if before / LOOK_EVERY != after / LOOK_EVERY { self.look() } else { Ok(()) }
    }

    /// How much was worked: bytes taken, and pieces of the ledger that were gone
    /// through, of which nothing need be written.
    pub(crate) fn worked(&self) -> u64 {
        let looked = self.0.looked.load(Ordering::Relaxed);
        self.0.taken.load(Ordering::Relaxed).saturating_add(looked)
    }

    /// Says how much is done, of a hundred.
    pub(crate) fn is_at(&self, percent: u8) {
        self.goes_on();
        self.0.percent.store(percent, Ordering::Relaxed);
    }

    /// Says that something was done which writes nothing.
    pub(crate) fn goes_on(&self) {
        self.0.looked.fetch_add(1, Ordering::Relaxed);
    }

    /// How much is done, of a hundred.
    pub(crate) fn percent(&self) -> u8 {
        self.0.percent.load(Ordering::Relaxed)
    }

    fn look(&self) -> io::Result<()> {
        let disk = rustix::fs::statvfs(&self.0.directory)?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free < RESERVE_BYTES { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

/// The file is larger than it may be.
pub(crate) fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "the export is larger than files of exports may be")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_what_a_file_is_made_of_and_no_more() {
        let directory = tempfile::tempdir().unwrap();
        let room = Room::new(directory.path(), 10).unwrap();
        room.clone().take(30).unwrap();
        assert_eq!(room.worked(), 30);
        // Nothing need be written of what is gone through.
        room.is_at(50);
        assert_eq!((room.worked(), room.percent()), (31, 50));
        assert_eq!(room.take(1).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
