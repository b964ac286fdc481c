//! One end of a connection: its frames are looked at in both directions, or held back, and a frame that
//! `h2` would not send can be put between two of its own.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::frames::{Frame, Reader};

/// Who looks at the frames of a connection, and what it wants of them.
pub trait Look {
    /// The other end sent this.
    fn heard(&self, frame: &Frame);

    /// This has left for the other end.
    fn said(&self, _frame: &Frame) {}

    /// The other end closed the connection, politely or not.
    fn closed(&self);

    /// Whether nothing is sent and nothing answered any more, as if the machine were gone.
    fn is_silent(&self) -> bool;

    /// The bytes of a frame that `h2` knows nothing of and that shall be sent; each is told once.
    fn take_frame(&self) -> Option<Vec<u8>> {
        None
    }
}

/// A stream of bytes whose frames `look` hears of.
pub struct Tap<L> {
    stream: TcpStream,
    heard: Reader,
    said: Reader,
    /// What is left of a frame of ours.
    between: Vec<u8>,
    look: L,
}

impl<L: Look> Tap<L> {
    /// The client's end of `stream`.
    pub fn of_client(stream: TcpStream, look: L) -> Self {
        Self::new(stream, Reader::default(), Reader::of_client(), look)
    }

    /// The server's end of `stream`.
    pub fn of_server(stream: TcpStream, look: L) -> Self {
        Self::new(stream, Reader::of_client(), Reader::default(), look)
    }

    fn new(stream: TcpStream, heard: Reader, said: Reader, look: L) -> Self {
        Self {
            stream,
            heard,
            said,
            between: Vec::new(),
            look,
        }
    }

    /// Sends a frame of ours, if there is one and the other frames are whole.
    fn poll_between(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.between.is_empty() && self.said.is_between_frames() {
            self.between = self.look.take_frame().unwrap_or_default();
        }
        while !self.between.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.between))?;
            self.said(written, None);
        }
        Poll::Ready(Ok(()))
    }

    /// Tells what has left: of `bytes`, or of a frame of ours.
    fn said(&mut self, written: usize, bytes: Option<&[u8]>) {
        let frames = if let Some(bytes) = bytes {
            self.said.read(&bytes[..written])
        } else {
            let bytes: Vec<u8> = self.between.drain(..written).collect();
            self.said.read(&bytes)
        };
        for frame in frames {
            self.look.said(&frame);
        }
    }
}

impl<L: Look + Unpin> AsyncRead for Tap<L> {
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
                self.look.closed();
                return Poll::Ready(read);
            }
            let frames = self.heard.read(bytes);
            for frame in frames {
                self.look.heard(&frame);
            }
            if !self.look.is_silent() {
                return Poll::Ready(Ok(()));
            }
            // Read, so that the end is seen, and never passed on.
            buffer.set_filled(before);
        }
    }
}

impl<L: Look + Unpin> AsyncWrite for Tap<L> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.look.is_silent() {
            return Poll::Ready(Ok(bytes.len()));
        }
        ready!(self.poll_between(cx))?;
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.said(written, Some(bytes));
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.look.is_silent() {
            ready!(self.poll_between(cx))?;
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
