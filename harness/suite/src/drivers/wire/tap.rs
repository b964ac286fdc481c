//! One end of a connection: its frames are observed in both directions, or held back, and a frame that
//! `h2` would not send can be put between two of its own.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::frames::{Frame, Reader};

/// Observes the frames of a connection, and may hold back or add some.
pub trait FrameObserver {
    /// The other end sent this.
    fn received(&self, frame: &Frame);

    /// This has left for the other end.
    fn sent(&self, _frame: &Frame) {}

    /// The other end closed the connection, politely or not.
    fn closed(&self);

    /// Whether this end sends and answers nothing any more, as if its machine were gone.
    fn is_muted(&self) -> bool;

    /// A frame to send that `h2` did not write; each is returned once.
    fn take_frame(&self) -> Option<Vec<u8>> {
        None
    }
}

/// A byte stream that reports its frames to `observer`.
pub struct Tap<O> {
    stream: TcpStream,
    incoming: Reader,
    outgoing: Reader,
    /// The unsent rest of a frame of the observer.
    own_frame: Vec<u8>,
    observer: O,
}

impl<O: FrameObserver> Tap<O> {
    /// The client's end of `stream`.
    pub fn of_client(stream: TcpStream, observer: O) -> Self {
        Self::new(stream, Reader::default(), Reader::of_client(), observer)
    }

    /// The server's end of `stream`.
    pub fn of_server(stream: TcpStream, observer: O) -> Self {
        Self::new(stream, Reader::of_client(), Reader::default(), observer)
    }

    fn new(stream: TcpStream, incoming: Reader, outgoing: Reader, observer: O) -> Self {
        Self {
            stream,
            incoming,
            outgoing,
            own_frame: Vec::new(),
            observer,
        }
    }

    /// Sends a frame of the observer, if there is one and no other frame is half sent.
    fn poll_own_frame(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.own_frame.is_empty() && self.outgoing.is_between_frames() {
            self.own_frame = self.observer.take_frame().unwrap_or_default();
        }
        while !self.own_frame.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.own_frame))?;
            self.report_sent(written, None);
        }
        Poll::Ready(Ok(()))
    }

    /// Reports what was sent: of `bytes`, or of a frame of the observer.
    fn report_sent(&mut self, written: usize, bytes: Option<&[u8]>) {
        let frames = if let Some(bytes) = bytes {
            self.outgoing.read(&bytes[..written])
        } else {
            let bytes: Vec<u8> = self.own_frame.drain(..written).collect();
            self.outgoing.read(&bytes)
        };
        for frame in frames {
            self.observer.sent(&frame);
        }
    }
}

impl<O: FrameObserver + Unpin> AsyncRead for Tap<O> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        loop {
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
            let bytes = &buffer.filled()[before..];
            if read.is_err() || bytes.is_empty() {
                self.observer.closed();
                return Poll::Ready(read);
            }
            let frames = self.incoming.read(bytes);
            for frame in frames {
                self.observer.received(&frame);
            }
            if !self.observer.is_muted() {
                return Poll::Ready(Ok(()));
            }
            // Read so that the end of the connection is noticed, but not passed on.
            buffer.set_filled(before);
        }
    }
}

impl<O: FrameObserver + Unpin> AsyncWrite for Tap<O> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.observer.is_muted() {
            return Poll::Ready(Ok(bytes.len()));
        }
        ready!(self.poll_own_frame(cx))?;
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.report_sent(written, Some(bytes));
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.observer.is_muted() {
            ready!(self.poll_own_frame(cx))?;
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
