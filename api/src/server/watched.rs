//! A connection that ends when nothing moves on it.
//!
//! Until a whole request line can have arrived, the time is the short one of a
//! head and runs from the start of the connection, a handshake included: which
//! protocol a client speaks is found out before any timer of hyper runs.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::config::Limits;

/// `GET / HTTP/1.0` and its two line ends: the shortest request there is.
const REQUEST_BYTES_MIN: usize = 18;

/// See the module.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    end: Pin<Box<Sleep>>,
    idle: Duration,
    bytes_read: usize,
}

impl<S> Watched<S> {
    /// Watches a stream of a connection that was begun at this time.
    pub(super) fn new(stream: S, begun: Instant, limits: &Limits) -> Self {
        let end = Box::pin(tokio::time::sleep_until(begun + limits.head_timeout));
        Self { stream, end, idle: limits.idle_timeout, bytes_read: 0 }
    }

    fn moved(&mut self) {
        if REQUEST_BYTES_MIN <= self.bytes_read {
            let until = Instant::now() + self.idle;
            self.end.as_mut().reset(until);
        }
    }

    /// Passes progress on; without any, fails once the time is over.
    fn watch<T>(
        &mut self,
        context: &mut Context<'_>,
        progress: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.moved();
            return progress;
        }
        match self.end.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let progress = Pin::new(&mut self.stream).poll_read(context, buffer);
        let read = buffer.filled().len().saturating_sub(before);
        self.bytes_read = self.bytes_read.saturating_add(read);
        self.watch(context, progress)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, progress)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(context, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
