//! The stream of entries to one follower: requests go out as openraft has them,
//! replies come back in order.
//!
//! A watchdog gives the stream up when requests go unanswered: a connection
//! whose other end has gone would otherwise hold replication for ever, since
//! openraft puts no limit on it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use openraft::errors::{NetworkError, RPCError, Unreachable};
use openraft::raft::StreamAppendResult;
use proto::peer::v1::AppendReply;
use tokio::time::Instant;
use tonic::{Code, Status, Streaming};

use super::convert::appended_from_wire;
use crate::kinds::TypeConfig;

pub(crate) type Rpc = RPCError<TypeConfig>;

/// When each unanswered request was sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outstanding {
    since: Arc<Mutex<VecDeque<Instant>>>,
}

impl Outstanding {
    pub(crate) fn sent(&self) {
        self.since.lock().unwrap_or_else(PoisonError::into_inner).push_back(Instant::now());
    }

    fn answered(&self) {
        self.since.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    }

    fn oldest(&self) -> Option<Instant> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner).front().copied()
    }
}

/// Replies as openraft wants them, until the first error.
pub(crate) fn replies(
    from: Streaming<AppendReply>,
    outstanding: Outstanding,
    progress_max: Duration,
    on_stall: impl Fn() + Send + Sync + 'static,
) -> BoxStream<'static, Result<StreamAppendResult<TypeConfig>, Rpc>> {
    let begin = Some((from, outstanding, on_stall));
    stream::unfold(begin, move |state| async move {
        let (mut from, outstanding, on_stall) = state?;
        let reply = next(&mut from, &outstanding, progress_max, &on_stall).await?;
        let is_last = !matches!(reply, Ok(Ok(_)));
        Some((reply, (!is_last).then_some((from, outstanding, on_stall))))
    })
    .boxed()
}

async fn next(
    from: &mut Streaming<AppendReply>,
    outstanding: &Outstanding,
    progress_max: Duration,
    on_stall: &impl Fn(),
) -> Option<Result<StreamAppendResult<TypeConfig>, Rpc>> {
    loop {
        match tokio::time::timeout(progress_max, from.message()).await {
            Ok(Ok(Some(reply))) => {
                outstanding.answered();
                return Some(appended_from_wire(&reply).map_err(|err| network(&err)));
            }
            Ok(Ok(None)) => return None,
            Ok(Err(status)) => return Some(Err(rpc_error(&status))),
            Err(_) => {
                let is_stalled =
                    outstanding.oldest().is_some_and(|since| since.elapsed() >= progress_max);
                if is_stalled {
                    on_stall();
                    return Some(Err(unreachable("entries go unanswered")));
                }
            }
        }
    }
}

pub(crate) fn network(err: &(impl std::error::Error + 'static)) -> Rpc {
    RPCError::Network(NetworkError::new(err))
}

pub(crate) fn unreachable(why: &str) -> Rpc {
    RPCError::Unreachable(Unreachable::from_string(why))
}

/// Whether openraft should back off, or try again at once.
pub(crate) fn rpc_error(status: &Status) -> Rpc {
    match status.code() {
        Code::Unavailable
        | Code::DeadlineExceeded
        | Code::FailedPrecondition
        | Code::InvalidArgument
        | Code::PermissionDenied
        | Code::Unauthenticated
        | Code::Unimplemented
        | Code::ResourceExhausted
        // A snapshot that arrived damaged: sent again at once, it would be again.
        | Code::DataLoss => RPCError::Unreachable(Unreachable::new(status)),
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::NotFound
        | Code::AlreadyExists
        | Code::Aborted
        | Code::OutOfRange
        | Code::Internal => RPCError::Network(NetworkError::new(status)),
    }
}
