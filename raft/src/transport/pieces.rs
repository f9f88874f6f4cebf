//! A snapshot on its way out: what it consists of, and its files in pieces, no
//! faster than the bound, so that a transfer leaves room for the commit path.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use proto::peer::v1 as wire;
use proto::peer::v1::snapshot_part::Part;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::Status;

use crate::adapter::snapshot::{Snapshot, files};
use crate::config::TransportConfig;
use crate::encoding::encode_meta;

/// Pieces between the disk and the connection.
pub(crate) const PIECES_READY_MAX: usize = 4;

/// Where the parts of one snapshot go.
pub(crate) struct Pieces<T> {
    parts: mpsc::Sender<T>,
    /// A part as the stream carries it.
    wrap: fn(wire::SnapshotPart) -> T,
    idle_max: Duration,
    piece_bytes: usize,
    pace: Pace,
}

impl<T: Send + 'static> Pieces<T> {
    pub(crate) fn new(
        parts: mpsc::Sender<T>,
        wrap: fn(wire::SnapshotPart) -> T,
        config: &TransportConfig,
    ) -> Self {
        let idle_max = config.snapshot_idle_max;
        let pace = Pace::new(config.snapshot_bytes_per_second);
        let piece_bytes = pace.piece_bytes(config.snapshot_chunk_bytes, idle_max);
        Self { parts, wrap, idle_max, piece_bytes, pace }
    }

    pub(crate) async fn part(&self, part: Part) -> Result<(), Status> {
        let message = (self.wrap)(wire::SnapshotPart { part: Some(part) });
        match tokio::time::timeout(self.idle_max, self.parts.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Status::unavailable("the receiver broke off")),
            Err(_) => Err(Status::unavailable("the receiver stands still")),
        }
    }

    /// Sends the file at `place` of the header.
    pub(crate) async fn file(&mut self, place: u32, path: &Path) -> Result<(), Status> {
        let mut file = Some(File::open(path).map_err(unreadable)?);
        let (mut offset, piece) = (0, self.piece_bytes);
        while let Some(open) = file.take() {
            let read = tokio::task::spawn_blocking(move || read_piece(open, piece)).await;
            let (open, data) = read.map_err(unreadable)?.map_err(unreadable)?;
            if data.is_empty() {
                break;
            }
            let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
            tokio::time::sleep_until(self.pace.due(Instant::now(), length)).await;
            self.part(Part::Chunk(wire::SnapshotChunk { file: place, offset, data })).await?;
            offset = offset.saturating_add(length);
            file = Some(open);
        }
        Ok(())
    }
}

fn unreadable(err: impl std::fmt::Display) -> Status {
    Status::internal(format!("cannot read the snapshot: {err}"))
}

fn read_piece(mut file: File, piece: usize) -> io::Result<(File, Bytes)> {
    let mut data = Vec::with_capacity(piece);
    let limit = u64::try_from(piece).unwrap_or(u64::MAX);
    file.by_ref().take(limit).read_to_end(&mut data)?;
    Ok((file, data.into()))
}

/// Holds a sender to so many bytes a second, counted from its first one.
struct Pace {
    bytes_per_second: u64,
    began: Option<Instant>,
    sent: u64,
}

impl Pace {
    /// A second of silence earns no more than the next second's bytes.
    const CREDIT_MAX: Duration = Duration::from_secs(1);

    fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second: bytes_per_second.max(1), began: None, sent: 0 }
    }

    /// Pieces so small that one is on its way well before the receiver takes
    /// the sender for dead.
    fn piece_bytes(&self, wanted: usize, idle_max: Duration) -> usize {
        let in_time = self.bytes_per_second.saturating_mul(idle_max.as_secs().max(1)) / 4;
        wanted.min(usize::try_from(in_time).unwrap_or(usize::MAX)).max(1)
    }

    /// When so many more bytes may go.
    fn due(&mut self, now: Instant, bytes: u64) -> Instant {
        let mut due = self.began.map_or(now, |began| began + self.lasts(self.sent));
        if self.began.is_none() || due + Self::CREDIT_MAX < now {
            (self.began, self.sent, due) = (Some(now), 0, now);
        }
        self.sent = self.sent.saturating_add(bytes);
        due
    }

    fn lasts(&self, bytes: u64) -> Duration {
        let micros = u128::from(bytes) * 1_000_000 / u128::from(self.bytes_per_second);
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

/// What a snapshot consists of, as its receiver is told first.
pub(crate) async fn header(vote: Bytes, snapshot: &Snapshot) -> io::Result<wire::SnapshotHeader> {
    Ok(wire::SnapshotHeader {
        vote,
        meta: encode_meta(&snapshot.meta),
        files: manifest(snapshot).await?.to_vec(),
        content_digest: Bytes::copy_from_slice(&snapshot.content.0),
        value_keys: snapshot.value_keys()?,
    })
}

/// Every file with its size and digest, made once per snapshot.
async fn manifest(snapshot: &Snapshot) -> io::Result<Arc<[wire::SnapshotFile]>> {
    if let Some(known) = snapshot.manifest().get() {
        return Ok(known.clone());
    }
    let path = snapshot.path().to_owned();
    let made = tokio::task::spawn_blocking(move || digest_files(&path)).await;
    let made: Arc<[wire::SnapshotFile]> = made.map_err(io::Error::other)??.into();
    Ok(snapshot.manifest().get_or_init(|| made).clone())
}

fn digest_files(root: &Path) -> io::Result<Vec<wire::SnapshotFile>> {
    files(root)?
        .into_iter()
        .map(|(path, size)| {
            let sha256 = digest(&root.join(&path))?;
            Ok(wire::SnapshotFile { path: wire_path(&path)?, size, sha256 })
        })
        .collect()
}

fn wire_path(path: &Path) -> io::Result<String> {
    let parts: Option<Vec<&str>> = path.iter().map(|part| part.to_str()).collect();
    let parts = parts.ok_or_else(|| {
        io::Error::other(format!("`{}` in the snapshot is no text", path.display()))
    })?;
    Ok(parts.join("/"))
}

/// SHA-256 of a file.
pub(crate) fn digest(path: &Path) -> io::Result<Bytes> {
    let mut hash = Sha256::new();
    let mut file = File::open(path)?;
    let mut piece = vec![0; 256 << 10];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(Bytes::copy_from_slice(&hash.finalize()));
        }
        hash.update(piece.get(..read).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends five pieces of half a second each, as soon as they may go; how long
    /// that takes.
    fn five(pace: &mut Pace, from: Instant) -> Duration {
        let last = (0..5).fold(from, |now, _| now.max(pace.due(now, 500)));
        last - from
    }

    #[test]
    fn bytes_go_no_faster_than_the_bound_and_silence_is_not_saved_up() {
        let (mut pace, began) = (Pace::new(1_000), Instant::now());
        assert_eq!(five(&mut pace, began), Duration::from_secs(2), "the first goes at once");
        let later = began + Duration::from_secs(60);
        assert_eq!(five(&mut pace, later), Duration::from_secs(2));
    }

    #[test]
    fn pieces_are_so_small_that_the_receiver_hears_of_a_slow_sender() {
        let idle = Duration::from_secs(10);
        assert_eq!(Pace::new(64 << 20).piece_bytes(512 << 10, idle), 512 << 10);
        assert_eq!(Pace::new(1_000).piece_bytes(512 << 10, idle), 2_500);
        assert_eq!(Pace::new(0).piece_bytes(512 << 10, idle), 2);
    }
}
