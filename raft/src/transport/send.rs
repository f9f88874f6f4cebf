//! Sends a snapshot: what it consists of, then the files the receiver lacks,
//! piece by piece, then waits until it is in place.
//!
//! Digests are of the files as they are sent; the receiver puts nothing in
//! place that differs. A transfer that breaks off goes on with the files that
//! did not arrive whole.

use std::time::Duration;

use openraft::errors::{NetworkError, StreamingError, Unreachable};
use openraft::raft::SnapshotResponse;
use proto::peer::v1 as wire;
use proto::peer::v1::snapshot_part::Part;
use proto::peer::v1::snapshot_reply::Reply;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

use super::append::rpc_error;
use super::peers::Client;
use super::pieces::{self, PIECES_READY_MAX, Pieces};
use crate::adapter::snapshot::Snapshot;
use crate::config::TransportConfig;
use crate::encoding::{decode_vote, encode_vote};
use crate::kinds::{TypeConfig, Vote};

type Streamed = StreamingError<TypeConfig>;

/// Sends a snapshot and returns what the receiver says once it holds it.
pub(crate) async fn snapshot(
    mut client: Client,
    vote: Vote,
    snapshot: Snapshot,
    config: &TransportConfig,
) -> Result<SnapshotResponse<TypeConfig>, Streamed> {
    let header = pieces::header(encode_vote(&vote), &snapshot).await;
    let header = header.map_err(|err| failed(&err))?;
    let files = header.files.clone();
    let (parts, outgoing) = mpsc::channel(PIECES_READY_MAX);
    let mut sending = Pieces::new(parts, |part| part, config);
    sending.part(Part::Header(header)).await.map_err(status)?;
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
        let sent = sending.file(place, &path).await;
        if sent.is_err() {
            // What the receiver says about it counts for more.
            answer(config.snapshot_idle_max, &mut replies).await?;
        }
        sent.map_err(status)?;
    }
    sending.part(Part::End(wire::SnapshotEnd {})).await.map_err(status)?;
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
        Ok(Err(refusal)) => Err(status(refusal)),
        Err(_) => Err(unreachable("the receiver stands still")),
    }
}

/// What the receiver says of a snapshot that does not hold is for an operator
/// of this node: it will be refused again and again.
fn status(status: Status) -> Streamed {
    if status.code() == Code::DataLoss {
        let reason = status.message();
        tracing::error!(reason, "a snapshot of this node was refused as damaged");
    }
    rpc_error(&status).into()
}

fn unreachable(why: &str) -> Streamed {
    StreamingError::Unreachable(Unreachable::from_string(why))
}

fn failed(err: &(impl std::error::Error + 'static)) -> Streamed {
    StreamingError::Network(NetworkError::new(err))
}
