//! The double's end of a connection: its frames are looked at in both directions, and a frame that
//! `h2` would not send can be put between two of its own.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::line::Line;
use crate::drivers::wire::frames::Reader;

/// A stream of bytes whose frames the line hears of.
pub struct Tap {
    stream: TcpStream,
    heard: Reader,
    said: Reader,
    /// What is left of a frame of ours.
    between: Vec<u8>,
    line: Arc<Line>,
}

impl Tap {
    /// Looks at what goes over `stream`.
    pub fn new(stream: TcpStream, line: Arc<Line>) -> Self {
        Self {
            stream,
            heard: Reader::of_client(),
            said: Reader::default(),
            between: Vec::new(),
            line,
        }
    }

    /// Sends a frame of ours, if there is one and the other frames are whole.
    fn poll_between(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.between.is_empty() && self.said.is_between_frames() {
            self.between = self.line.take_goaway().unwrap_or_default();
        }
        while !self.between.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.between))?;
            self.said(written, None);
        }
        Poll::Ready(Ok(()))
    }

    /// Tells the line what has left: of `bytes`, or of a frame of ours.
    fn said(&mut self, written: usize, bytes: Option<&[u8]>) {
        let frames = if let Some(bytes) = bytes {
            self.said.read(&bytes[..written])
        } else {
            let bytes: Vec<u8> = self.between.drain(..written).collect();
            self.said.read(&bytes)
        };
        for frame in frames {
            self.line.said(&frame);
        }
    }
}

impl AsyncRead for Tap {
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
                self.line.records().closed_by_client(self.line.number());
                return Poll::Ready(read);
            }
            let frames = self.heard.read(bytes);
            for frame in frames {
                self.line.heard(&frame);
            }
            if !self.line.is_silent() {
                return Poll::Ready(Ok(()));
            }
            // Read, so that the end is seen, and never passed on.
            buffer.set_filled(before);
        }
    }
}

impl AsyncWrite for Tap {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.line.is_silent() {
            return Poll::Ready(Ok(bytes.len()));
        }
        ready!(self.poll_between(cx))?;
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.said(written, Some(bytes));
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.line.is_silent() {
            ready!(self.poll_between(cx))?;
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
