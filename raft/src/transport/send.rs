//! Sends a snapshot: what it consists of, then the files the receiver lacks,
//! piece by piece, then waits until it is in place.
//!
//! Digests are of the files as they are sent; the receiver puts nothing in
//! place that differs. A transfer that breaks off goes on with the files that
//! did not arrive whole.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use openraft::errors::{NetworkError, StreamingError, Unreachable};
use openraft::raft::SnapshotResponse;
use proto::peer::v1 as wire;
use proto::peer::v1::snapshot_part::Part;
use proto::peer::v1::snapshot_reply::Reply;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::append::rpc_error;
use super::peers::Client;
use crate::adapter::snapshot::{Snapshot, files};
use crate::config::TransportConfig;
use crate::encoding::{decode_vote, encode_meta, encode_vote};
use crate::kinds::{TypeConfig, Vote};

type Streamed = StreamingError<TypeConfig>;
/// Pieces between the disk and the connection.
const PIECES_READY_MAX: usize = 4;

/// Sends a snapshot and returns what the receiver says once it holds it.
pub(crate) async fn snapshot(
    mut client: Client,
    vote: Vote,
    snapshot: Snapshot,
    config: &TransportConfig,
) -> Result<SnapshotResponse<TypeConfig>, Streamed> {
    let files = manifest(&snapshot).await.map_err(|err| failed(&err))?;
    let header = wire::SnapshotHeader {
        vote: encode_vote(&vote),
        meta: encode_meta(&snapshot.meta),
        files: files.to_vec(),
    };
    let (parts, outgoing) = mpsc::channel(PIECES_READY_MAX);
    let mut sending = Sending { parts, idle_max: config.snapshot_idle_max };
    sending.part(Part::Header(header)).await?;
    let call = client.install_snapshot(ReceiverStream::new(outgoing));
    let mut replies = within(config.snapshot_idle_max, call).await?.into_inner();

    // The receiver compares what it has of an earlier attempt, which may take
    // as long as putting it in place.
    let wanted = match answer(config.snapshot_install_max, &mut replies).await? {
        Reply::Wanted(wanted) => wanted.files,
        Reply::Installed(installed) => return response(&installed),
    };
    for place in wanted {
        let known = usize::try_from(place).ok().and_then(|place| files.get(place));
        let file = known.ok_or_else(|| unreachable("the receiver wants a file that is not"))?;
        let path = snapshot.path().join(&file.path);
        let sent = sending.file(place, &path, config.snapshot_chunk_bytes).await;
        if sent.is_err() {
            // What the receiver says about it counts for more.
            answer(config.snapshot_idle_max, &mut replies).await?;
        }
        sent?;
    }
    sending.part(Part::End(wire::SnapshotEnd {})).await?;
    match answer(config.snapshot_install_max, &mut replies).await? {
        Reply::Installed(installed) => response(&installed),
        Reply::Wanted(_) => Err(unreachable("the receiver asks for files again")),
    }
}

fn response(installed: &wire::SnapshotInstalled) -> Result<SnapshotResponse<TypeConfig>, Streamed> {
    let vote = decode_vote(&installed.vote);
    vote.map(SnapshotResponse::new).map_err(|err| failed(&err))
}

async fn answer(
    limit: Duration,
    replies: &mut Streaming<wire::SnapshotReply>,
) -> Result<Reply, Streamed> {
    let message = within(limit, replies.message()).await?;
    let reply = message.and_then(|message| message.reply);
    reply.ok_or_else(|| unreachable("the receiver broke off without a word"))
}

async fn within<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, Status>>,
) -> Result<T, Streamed> {
    match tokio::time::timeout(limit, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(status)) => Err(rpc_error(&status).into()),
        Err(_) => Err(unreachable("the receiver stands still")),
    }
}

fn unreachable(why: &str) -> Streamed {
    StreamingError::Unreachable(Unreachable::from_string(why))
}

fn failed(err: &(impl std::error::Error + 'static)) -> Streamed {
    StreamingError::Network(NetworkError::new(err))
}

struct Sending {
    parts: mpsc::Sender<wire::SnapshotPart>,
    idle_max: Duration,
}

impl Sending {
    async fn part(&mut self, part: Part) -> Result<(), Streamed> {
        let message = wire::SnapshotPart { part: Some(part) };
        match tokio::time::timeout(self.idle_max, self.parts.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(unreachable("the receiver broke off")),
            Err(_) => Err(unreachable("the receiver stands still")),
        }
    }

    async fn file(&mut self, place: u32, path: &Path, piece: usize) -> Result<(), Streamed> {
        let mut file = Some(File::open(path).map_err(|err| failed(&err))?);
        let mut offset = 0;
        while let Some(open) = file.take() {
            let read = tokio::task::spawn_blocking(move || read_piece(open, piece)).await;
            let (open, data) = read.map_err(|err| failed(&err))?.map_err(|err| failed(&err))?;
            if data.is_empty() {
                break;
            }
            let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
            self.part(Part::Chunk(wire::SnapshotChunk { file: place, offset, data })).await?;
            offset = offset.saturating_add(length);
            file = Some(open);
        }
        Ok(())
    }
}

fn read_piece(mut file: File, piece: usize) -> io::Result<(File, Bytes)> {
    let mut data = Vec::with_capacity(piece);
    let limit = u64::try_from(piece).unwrap_or(u64::MAX);
    file.by_ref().take(limit).read_to_end(&mut data)?;
    Ok((file, data.into()))
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
