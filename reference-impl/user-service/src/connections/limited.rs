//! A byte stream whose client may ping only so often (GRP-5).
//!
//! h2 answers the PINGs that it receives and does not report them, so they are counted below it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::frames::{Frames, PREFACE};
use super::ping_limit::PingLimiter;

/// The server's end of a connection. Reading fails once the client has pinged too often.
pub struct PingLimited<T> {
    stream: T,
    received: Frames,
    sent: Frames,
    pings: PingLimiter,
}

impl<T> PingLimited<T> {
    /// The client of `stream` may ping every `minimum`.
    pub fn new(stream: T, minimum: Duration) -> Self {
        Self {
            stream,
            received: Frames::after(PREFACE),
            sent: Frames::after(0),
            pings: PingLimiter::new(minimum),
        }
    }

    fn note_received(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some(head) = self.received.next(&mut bytes) {
            if head.is_ping() && !self.pings.received(Instant::now()) {
                return Err(io::Error::other("the client pings too often"));
            }
        }
        Ok(())
    }

    fn note_sent(&mut self, mut bytes: &[u8]) {
        while let Some(head) = self.sent.next(&mut bytes) {
            self.pings.sent(head);
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for PingLimited<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        Poll::Ready(self.note_received(&buffer.filled()[before..]))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for PingLimited<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.note_sent(&bytes[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices))?;
        let mut left = written;
        for slice in slices {
            let part = left.min(slice.len());
            self.note_sent(&slice[..part]);
            left -= part;
        }
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
