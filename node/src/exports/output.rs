//! Where a sink writes: a file that is hashed and counted as it grows, and spools
//! for what must be put off.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Seek as _, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use types::Digest;

use super::room::{Room, too_large};

/// Bytes held back before they are written.
const BUFFER: usize = 64 << 10;

/// The file of an export while it is written.
#[derive(Debug)]
pub(crate) struct Output {
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
    spools: Spools,
}

impl Output {
    /// Begins a file that may have so many bytes. There must be none of that
    /// name.
    pub(crate) fn create(path: &Path, bytes_max: u64) -> io::Result<Self> {
        let directory = path.parent().unwrap_or(Path::new(".")).to_owned();
        let room = Room::new(&directory, bytes_max)?;
        let file = private(path)?;
        let file = BufWriter::with_capacity(BUFFER, file);
        let spools = Spools { directory, room };
        Ok(Self { file, hash: Sha256::new(), bytes: 0, spools })
    }

    /// The room that it takes, and how far it is.
    pub(crate) fn room(&self) -> &Room {
        &self.spools.room
    }

    /// Where to put off what comes later in the file than it is known.
    pub(crate) fn spools(&self) -> Spools {
        self.spools.clone()
    }

    /// A place for what comes later in the file than it is known.
    pub(crate) fn spool(&self) -> io::Result<Spool> {
        self.spools.spool()
    }

    /// Bytes written so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Ends the file, on the disk: its size and digest.
    pub(crate) fn finish(mut self) -> io::Result<(u64, Digest)> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        Ok((self.bytes, Digest(self.hash.finalize().into())))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.room().file_max().saturating_sub(self.bytes) < bytes.len() as u64 {
            return Err(too_large());
        }
        self.room().take(bytes.len())?;
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Where spools are.
#[derive(Clone, Debug)]
pub(crate) struct Spools {
    /// Beside the file.
    pub(crate) directory: PathBuf,
    /// Taken by what is written.
    pub(crate) room: Room,
}

impl Spools {
    /// An empty one.
    pub(crate) fn spool(&self) -> io::Result<Spool> {
        Ok(self.over(tempfile::tempfile_in(&self.directory)?))
    }

    /// One over a file that has a name.
    pub(crate) fn over(&self, file: File) -> Spool {
        Spool { file: BufWriter::with_capacity(BUFFER, file), room: self.room.clone() }
    }
}

/// A file, mostly a nameless one that is gone with this, that takes room for what is
/// written to it.
#[derive(Debug)]
pub(crate) struct Spool {
    file: BufWriter<File>,
    room: Room,
}

impl Spool {
    /// Writes to the end of something what was put off.
    pub(crate) fn append_to(self, out: &mut impl Write) -> io::Result<()> {
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        io::copy(&mut BufReader::with_capacity(BUFFER, file), out).map(drop)
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.room.take(bytes.len())?;
        self.file.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A new file that nobody else may read.
fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}
