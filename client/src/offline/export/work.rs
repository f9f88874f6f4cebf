//! Entries cut into jobs that threads can do side by side.
//!
//! Lines are counted by whoever hands out the jobs, which costs little beside
//! hashing them; each thread then reads its own part of the file.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::ledger::export::{ENTRIES_MAX, Stretch, TileSource};
use ::ledger::line;
use ::ledger::tile::{Resource, WIDTH};
use types::EntryId;

use super::ExportError;
use super::files::Tiles;

/// Room for reading ahead; lines are a few KiB.
const BUFFER_BYTES: usize = 256 << 10;

/// Entries still to be handed out.
#[derive(Debug)]
pub(super) enum Entries {
    Lines { path: Arc<PathBuf>, reader: BufReader<File>, first: u64, offset: u64 },
    Bundles { first: u64, size: u64 },
}

/// Entries for one stretch.
#[derive(Debug)]
pub(super) enum Job {
    Lines { path: Arc<PathBuf>, first: u64, offset: u64, bytes: u64 },
    Bundles { first: u64, end: u64 },
}

impl Entries {
    pub(super) fn lines(path: &Path) -> Result<Self, ExportError> {
        let file = File::open(path).map_err(ExportError::unreadable(path))?;
        let reader = BufReader::with_capacity(BUFFER_BYTES, file);
        Ok(Self::Lines { path: Arc::new(path.to_owned()), reader, first: 0, offset: 0 })
    }

    pub(super) fn bundles(size: u64) -> Self {
        Self::Bundles { first: 0, size }
    }

    /// The next stretch of entries, if there are any.
    pub(super) fn next_job(&mut self) -> Result<Option<Job>, ExportError> {
        match self {
            Self::Bundles { first, size } => {
                let end = (*size).min(*first + ENTRIES_MAX);
                let job = Job::Bundles { first: *first, end };
                let is_one = *first < end;
                *first = end;
                Ok(is_one.then_some(job))
            }
            Self::Lines { path, reader, first, offset } => {
                let mut bytes = 0;
                for _ in 0..ENTRIES_MAX {
                    let skipped = reader.skip_until(b'\n');
                    let skipped = skipped.map_err(ExportError::unreadable(path))?;
                    bytes += skipped as u64;
                    if skipped == 0 {
                        break;
                    }
                }
                let job =
                    Job::Lines { path: Arc::clone(path), first: *first, offset: *offset, bytes };
                *first += ENTRIES_MAX;
                *offset += bytes;
                Ok((bytes != 0).then_some(job))
            }
        }
    }
}

impl Job {
    pub(super) fn first(&self) -> EntryId {
        match self {
            Self::Lines { first, .. } | Self::Bundles { first, .. } => EntryId(*first),
        }
    }

    /// Feeds the entries to the stretch.
    pub(super) fn run(self, mut stretch: Stretch, tiles: &Tiles) -> Result<Stretch, ExportError> {
        match self {
            Self::Lines { path, offset, bytes, .. } => {
                let read = feed_lines(&path, offset, bytes, &mut stretch, tiles);
                read.map_err(ExportError::unreadable(&path))?;
            }
            Self::Bundles { first, end } => feed_bundles(first, end, &mut stretch, tiles),
        }
        stretch.end(tiles);
        Ok(stretch)
    }
}

fn feed_lines(
    path: &Path,
    offset: u64,
    bytes: u64,
    stretch: &mut Stretch,
    tiles: &Tiles,
) -> io::Result<()> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, file.take(bytes));
    let mut line = Vec::new();
    while !stretch.is_over() {
        line.clear();
        // A line that goes past the bound is refused before its end is read.
        let most = line::BYTES_MAX as u64 + 1;
        if reader.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        stretch.line(&line, tiles);
    }
    Ok(())
}

fn feed_bundles(first: u64, end: u64, stretch: &mut Stretch, tiles: &Tiles) {
    let mut start = first;
    while start < end {
        let width = u16::try_from((end - start).min(WIDTH)).unwrap_or(u16::MAX);
        let bundle = tiles.read(Resource::Entries { index: start / WIDTH, width });
        stretch.bundle(bundle.as_deref(), width, tiles);
        start += WIDTH;
    }
}
