//! The capture output of a program: any bytes, bounded in size.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio_util::sync::CancellationToken;

/// How many bytes of each stream are kept, the latest ones.
const MAX_KEPT_BYTES: usize = 8 << 20;

/// Longer lines are truncated to this number of bytes.
const MAX_LINE_BYTES: usize = 1 << 20;

/// Memory that a line takes in addition to its bytes; counted so that many empty lines are bounded as well.
const LINE_OVERHEAD: usize = mem::size_of::<(u64, Line)>() + 16;

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
    /// When the end of the line was read.
    pub at: Instant,
    /// The stream that the line came from.
    pub stream: Stream,
    /// The bytes of the line; not necessarily valid UTF-8.
    pub bytes: Arc<[u8]>,
    /// Whether the line was longer than 1 MiB and was truncated.
    pub is_truncated: bool,
}

/// The output of a program so far. Clones share it.
///
/// The latest 8 MiB of each stream are kept, separately, so that much output on one displaces nothing of the other.
#[derive(Clone, Debug, Default)]
pub struct Output {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    stdout: StreamBuffer,
    stderr: StreamBuffer,
    /// Number of the next line. The lines of both streams are numbered in the order in which they were read.
    next: u64,
    /// Number of lines that were dropped.
    dropped: u64,
}

#[derive(Debug, Default)]
struct StreamBuffer {
    lines: VecDeque<(u64, Line)>,
    /// Memory of the lines in bytes, overhead included.
    size: usize,
}

/// A line whose end has not been read yet.
#[derive(Debug, Default)]
struct PartialLine {
    bytes: Vec<u8>,
    is_truncated: bool,
}

impl Output {
    /// The kept lines, in the order in which they were read. A last line without a newline is included once
    /// the program has closed the stream.
    pub fn lines(&self) -> Vec<Line> {
        self.lines_since(&mut 0)
    }

    /// The kept lines that were read since the last call with this cursor, which starts at 0.
    pub fn lines_since(&self, cursor: &mut u64) -> Vec<Line> {
        let inner = self.lock();
        let both = inner.stdout.lines.iter().chain(&inner.stderr.lines);
        let mut numbered: Vec<&(u64, Line)> =
            both.filter(|(number, _)| *number >= *cursor).collect();
        numbered.sort_unstable_by_key(|(number, _)| *number);
        *cursor = inner.next;
        numbered.into_iter().map(|(_, line)| line.clone()).collect()
    }

    /// Number of older lines that were dropped.
    pub fn dropped_lines(&self) -> u64 {
        self.lock().dropped
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads one stream to its end, or until `stop` is cancelled.
    pub(super) async fn read(
        self,
        stream: Stream,
        mut from: impl AsyncRead + Unpin,
        stop: CancellationToken,
    ) {
        let mut buffer = vec![0; 64 << 10];
        let mut partial = PartialLine::default();
        loop {
            let read = tokio::select! {
                biased;
                read = from.read(&mut buffer) => read,
                () = stop.cancelled() => break,
            };
            // An error means that the process has ended, like the end of the stream.
            let Ok(count @ 1..) = read else { break };
            self.lock().add(stream, &buffer[..count], &mut partial);
            if stop.is_cancelled() {
                break;
            }
        }
        if !partial.bytes.is_empty() {
            self.lock().push(stream, &mut partial, Instant::now());
        }
    }
}

impl Inner {
    fn add(&mut self, stream: Stream, chunk: &[u8], partial: &mut PartialLine) {
        let at = Instant::now();
        for part in chunk.split_inclusive(|byte| *byte == b'\n') {
            let text = part.strip_suffix(b"\n");
            partial.extend(text.unwrap_or(part));
            if text.is_some() {
                self.push(stream, partial, at);
            }
        }
    }

    fn push(&mut self, stream: Stream, partial: &mut PartialLine, at: Instant) {
        let line = Line {
            at,
            stream,
            bytes: partial.bytes.as_slice().into(),
            is_truncated: partial.is_truncated,
        };
        partial.bytes.clear();
        partial.is_truncated = false;
        let number = self.next;
        self.next += 1;
        let buffer = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        self.dropped += buffer.push(number, line);
    }
}

impl StreamBuffer {
    /// Appends a line; returns how many older lines were dropped.
    fn push(&mut self, number: u64, line: Line) -> u64 {
        self.size += line.bytes.len() + LINE_OVERHEAD;
        self.lines.push_back((number, line));
        let mut dropped = 0;
        while self.size > MAX_KEPT_BYTES
            && let Some((_, oldest)) = self.lines.pop_front()
        {
            self.size -= oldest.bytes.len() + LINE_OVERHEAD;
            dropped += 1;
        }
        dropped
    }
}

impl PartialLine {
    fn extend(&mut self, text: &[u8]) {
        let room = MAX_LINE_BYTES - self.bytes.len();
        self.is_truncated |= text.len() > room;
        self.bytes.extend_from_slice(&text[..text.len().min(room)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn capture(bytes: impl AsyncRead + Unpin) -> Output {
        let output = Output::default();
        output
            .clone()
            .read(Stream::Stdout, bytes, CancellationToken::new())
            .await;
        output
    }

    #[tokio::test]
    async fn lines_are_split_and_the_last_needs_no_newline() {
        let lines = capture(&b"a\n\nb\xff"[..]).await.lines();
        let bytes: Vec<&[u8]> = lines.iter().map(|line| &*line.bytes).collect();
        assert_eq!(bytes, [&b"a"[..], b"", b"b\xff"]);
    }

    #[tokio::test]
    async fn a_hundred_megabytes_without_a_newline_are_one_truncated_line() {
        let output = capture(tokio::io::repeat(b'x').take(100_000_000)).await;
        let lines = output.lines();
        assert_eq!(
            (lines.len(), lines[0].bytes.len(), lines[0].is_truncated),
            (1, MAX_LINE_BYTES, true)
        );
    }

    #[tokio::test]
    async fn a_line_after_a_truncated_one_is_complete() {
        let bytes = [&vec![b'x'; 2 * MAX_LINE_BYTES][..], b"\nshort\n"].concat();
        let lines = capture(&bytes[..]).await.lines();
        assert_eq!(
            (&*lines[1].bytes, lines[1].is_truncated),
            (&b"short"[..], false)
        );
    }

    #[tokio::test]
    async fn only_the_latest_lines_of_much_output_are_kept() {
        let flood = b"0123456789\n".repeat(2 << 20);
        let output = capture(&[&flood[..], b"last\n"].concat()[..]).await;
        let lines = output.lines();
        assert_eq!(output.dropped_lines() + lines.len() as u64, (2 << 20) + 1);
        assert_eq!(&*lines.last().expect("a line").bytes, b"last");
    }

    #[tokio::test]
    async fn the_number_of_kept_empty_lines_is_bounded() {
        let output = capture(tokio::io::repeat(b'\n').take(4 << 20)).await;
        assert!(output.lines().len() * LINE_OVERHEAD <= MAX_KEPT_BYTES);
    }

    #[tokio::test]
    async fn much_output_on_one_stream_displaces_nothing_of_the_other() {
        let output = capture(&b"precious\n"[..]).await;
        let flood = tokio::io::repeat(b'\n').take(4 << 20);
        output
            .clone()
            .read(Stream::Stderr, flood, CancellationToken::new())
            .await;
        let lines = output.lines();
        assert_eq!(&*lines[0].bytes, b"precious");
        assert_eq!(
            (lines[0].stream, lines[1].stream),
            (Stream::Stdout, Stream::Stderr)
        );
    }

    #[tokio::test]
    async fn a_stream_that_stays_open_is_read_until_stopped() {
        let (mut program, ours) = tokio::io::duplex(64);
        let stop = CancellationToken::new();
        let output = Output::default();
        let reading = tokio::spawn(output.clone().read(Stream::Stdout, ours, stop.clone()));
        tokio::io::AsyncWriteExt::write_all(&mut program, b"no newline")
            .await
            .expect("to write");
        tokio::task::yield_now().await;
        stop.cancel();
        reading.await.expect("to end");
        assert_eq!(&*output.lines()[0].bytes, b"no newline");
    }
}
