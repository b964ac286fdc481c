//! What a program writes: captured without bound problems.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The newest bytes that are kept of one program.
const KEPT: usize = 8 << 20;

/// Where a line is cut.
const LONGEST: usize = 1 << 20;

/// Which stream a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// One line, without its newline.
#[derive(Clone, Debug)]
pub struct Line {
    /// When its end was read.
    pub at: Instant,
    /// Where it was written to.
    pub stream: Stream,
    /// Its bytes, which need not be UTF-8.
    pub bytes: Arc<[u8]>,
    /// It was longer than the suite keeps of a line.
    pub cut: bool,
}

/// What a program wrote so far; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Output {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    lines: VecDeque<Line>,
    bytes: usize,
    dropped: u64,
}

impl Output {
    /// The newest lines, oldest first.
    pub fn lines(&self) -> Vec<Line> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.lines.iter().cloned().collect()
    }

    /// How many older lines are not kept.
    pub fn dropped(&self) -> u64 {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).dropped
    }

    fn push(&self, stream: Stream, bytes: &[u8], cut: bool) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.bytes += bytes.len();
        inner.lines.push_back(Line {
            at: Instant::now(),
            stream,
            bytes: bytes.into(),
            cut,
        });
        while inner.bytes > KEPT {
            let Some(oldest) = inner.lines.pop_front() else { break };
            inner.bytes -= oldest.bytes.len();
            inner.dropped += 1;
        }
    }

    /// Reads one stream to its end.
    pub(super) async fn read(self, stream: Stream, mut from: impl AsyncRead + Unpin) {
        let mut buffer = vec![0; 64 << 10];
        let mut line: Vec<u8> = Vec::new();
        let mut cut = false;
        // An error on a pipe from a process that ended is its end.
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            for part in buffer[..count].split_inclusive(|it| *it == b'\n') {
                let (text, whole) = match part.split_last() {
                    Some((b'\n', text)) => (text, true),
                    _ => (part, false),
                };
                let room = LONGEST - line.len();
                cut |= text.len() > room;
                line.extend_from_slice(&text[..text.len().min(room)]);
                if whole {
                    self.push(stream, &line, cut);
                    line.clear();
                    cut = false;
                }
            }
        }
        if !line.is_empty() {
            self.push(stream, &line, cut);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn captured(bytes: &[u8]) -> Output {
        let output = Output::default();
        output.clone().read(Stream::Stdout, bytes).await;
        output
    }

    #[tokio::test]
    async fn lines_are_told_apart_and_the_last_needs_no_newline() {
        let lines = captured(b"a\n\nb\xff").await.lines();
        let bytes: Vec<&[u8]> = lines.iter().map(|it| &*it.bytes).collect();
        assert_eq!(bytes, [&b"a"[..], b"", b"b\xff"]);
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_cut() {
        let output = captured(&vec![b'x'; 3 * LONGEST]).await;
        let lines = output.lines();
        assert_eq!((lines.len(), lines[0].bytes.len(), lines[0].cut), (1, LONGEST, true));
    }

    #[tokio::test]
    async fn a_flood_keeps_the_newest() {
        let flood = b"0123456789\n".repeat(2 << 20);
        let output = captured(&[&flood[..], b"last\n"].concat()).await;
        assert!(output.dropped() > 0);
        assert_eq!(&*output.lines().last().expect("a line").bytes, b"last");
    }
}
